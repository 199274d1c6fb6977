"""Types and small functions that several tests of the log use."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from pharos.clock import FakeClock
from pharos.wal import Files, Wal

WAIT_S = 20.0

FrameTuple = tuple[int, str, int, bytes]


class OpenWal(Protocol):
    """The fixture `open_wal`: opens the log in `tmp_path/wal` or another folder, and closes it in the end."""

    def __call__(
        self,
        folder: Path | None = None,
        *,
        files: Files | None = None,
        clock: FakeClock | None = None,
        segment_bytes: int = 1_000_000,
        retry_after_s: float = 5.0,
        aside_bytes: int = 1_000_000,
    ) -> Wal: ...


def contents(wal: Wal) -> list[FrameTuple]:
    """Return all sealed frames, in order."""
    return [
        (frame.kind, frame.tenant, frame.recv_ns, bytes(frame.payload))
        for segment in wal.sealed()
        for frame in wal.read(segment)
    ]
