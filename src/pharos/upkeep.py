"""What a running server does for itself: it watches its event loop, ends what is overdue, gives memory back.

The C library keeps what was freed in as many heaps as there were threads at work at once, each with holes
of its own: after some hours of queries and insertions a third of the memory would be free and not given back.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
from typing import Any, Final

from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.governance import Governance
from pharos.telemetry import LOOP_LAG_SECONDS

_LOG = logging.getLogger(__name__)

_ARENAS: Final = 2
_M_ARENA_MAX: Final = -8
"""mallopt(3)."""
_LOOK_S: Final = 0.25
_GIVE_BACK_S: Final = 20.0
_EXPIRE_S: Final = 15.0


def limit_heaps() -> None:
    """Have all threads allocate from few heaps; to be called before there are many threads.

    Large arrays, of which most of the memory is, are made and dropped by few threads at a time.
    """
    change = _of_library("mallopt")
    if change is not None:
        change(_M_ARENA_MAX, _ARENAS)


def give_back() -> None:
    """Give pages that are free back to the system; takes some milliseconds."""
    trim = _of_library("malloc_trim")
    if trim is not None:
        trim(0)


async def give_back_now_and_then() -> None:
    """Do it until cancelled, on a thread, so that nobody waits."""
    while True:
        await asyncio.sleep(_GIVE_BACK_S)
        await asyncio.to_thread(give_back)


async def expire_proposals(governance: Governance) -> None:
    """End proposals whose time is over, until cancelled; while people's state is away they wait."""
    while True:
        await asyncio.sleep(_EXPIRE_S)
        try:
            await governance.expire()
        except PharosError as exc:
            # That the state is away was told when it began.
            if exc.kind is not Kind.UNAVAILABLE:
                _LOG.error("proposals whose time is over could not be ended: %s", exc)


async def watch_loop(clock: Clock) -> None:
    """Measure until cancelled how late the event loop comes to what is due: what holds it up holds up all."""
    while True:
        due_s = clock.monotonic_s() + _LOOK_S
        await asyncio.sleep(_LOOK_S)
        LOOP_LAG_SECONDS.observe(max(0.0, clock.monotonic_s() - due_s))


def _of_library(name: str) -> Any:
    """Return a function of the C library; None where it has no such (musl, macOS)."""
    return getattr(ctypes.CDLL(None), name, None)
