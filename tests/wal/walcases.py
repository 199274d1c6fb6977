"""Types and small functions that several tests of the log use."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Protocol

from pharos.clock import FakeClock
from pharos.errors import PharosError
from pharos.wal import Buffer, Files, Wal

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


async def append_synced(wal: Wal, kind: int, tenant: str, recv_ns: int, payload: Buffer) -> str:
    """Append a frame from the running event loop and return its segment once the frame is on the medium.

    The write itself happens on this thread (tens of microseconds for 100 KB); only the sync is waited for. A
    caller that is cancelled no longer waits, but the frame stays. Raises as `Wal.append` does.
    """
    loop = asyncio.get_running_loop()
    synced: asyncio.Future[None] = loop.create_future()

    def wake(error: PharosError | None) -> None:
        if synced.done():
            return
        if error is None:
            synced.set_result(None)
        else:
            synced.set_exception(error)

    segment = wal.append_then(kind, tenant, recv_ns, payload, wake, loop.call_soon_threadsafe)
    await synced
    return segment
