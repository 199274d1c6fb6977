"""Types and small functions that several tests of the log use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import NamedTuple, Protocol

from pharos.clock import FakeClock
from pharos.errors import PharosError
from pharos.wal import Buffer, Files, Wal
from pharos.wal.waiting import Via

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
        numbers_at_once: int = 4096,
    ) -> Wal: ...


class Appended(NamedTuple):
    """Where a frame was written; the future ends when it is on the medium, or fails with PharosError."""

    segment: str
    synced: Future[None]


def append(wal: Wal, kind: int, tenant: str, recv_ns: int, payload: Buffer) -> Appended:
    """Append a frame, without an event loop; raises as `Wal.append` does."""
    synced: Future[None] = Future()

    def end(error: PharosError | None) -> None:
        if error is None:
            synced.set_result(None)
        else:
            synced.set_exception(error)

    return Appended(wal.append(kind, tenant, recv_ns, payload, end, _call), synced)


def _call(function: Callable[..., object], *args: object) -> None:
    function(*args)


def seal(wal: Wal) -> str | None:
    """Close the active segment and return its name once it is sealed; None if it has no frame."""
    return wal.begin_seal().result(WAIT_S)


def contents(wal: Wal) -> list[FrameTuple]:
    """Return all sealed frames, in order."""
    return [
        (frame.kind, frame.tenant, frame.recv_ns, bytes(frame.payload))
        for segment in wal.sealed()
        for frame in wal.read(segment)
    ]


async def append_synced(
    wal: Wal, kind: int, tenant: str, recv_ns: int, payload: Buffer, via: Via | None = None
) -> str:
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

    segment = wal.append(kind, tenant, recv_ns, payload, wake, via or loop.call_soon_threadsafe)
    await synced
    return segment
