"""What a running server does for itself: it watches its event loop, ends what is overdue, gives memory
back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.governance import Governance
from pharos.heaps import give_back
from pharos.state import State
from pharos.telemetry import LOOP_LAG_SECONDS

_LOG = logging.getLogger(__name__)

_LOOK_S: Final = 0.25
_GIVE_BACK_S: Final = 10.0
_AGE_S: Final = 300.0
_EXPIRE_S: Final = 15.0
_MEASURE_S: Final = 30.0


async def give_back_now_and_then() -> None:
    """Do it until cancelled, on a thread, so that nobody waits."""
    while True:
        await asyncio.sleep(_GIVE_BACK_S)
        await asyncio.to_thread(give_back)


async def age_now_and_then(age: Callable[[], None]) -> None:
    """Have what is kept for queries aged until cancelled, on a thread."""
    while True:
        await asyncio.sleep(_AGE_S)
        await asyncio.to_thread(age)


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


async def measure_state(state: State) -> None:
    """Say in the own metrics how large people's state is, until cancelled; while it is away, as it was."""
    while True:
        with suppress(PharosError):
            await state.measure()
        await asyncio.sleep(_MEASURE_S)


async def watch_loop(clock: Clock) -> None:
    """Measure until cancelled how late the event loop comes to what is due: what holds it up holds up all."""
    while True:
        due_s = clock.monotonic_s() + _LOOK_S
        await asyncio.sleep(_LOOK_S)
        LOOP_LAG_SECONDS.observe(max(0.0, clock.monotonic_s() - due_s))
