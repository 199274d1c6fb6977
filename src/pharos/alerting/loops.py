"""Loops that never end by a fault: it is told, and they go on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

_LOG = logging.getLogger(__name__)

_AGAIN_S: Final = 1.0


async def keep_going(what: str, work: Callable[[], Awaitable[None]]) -> None:
    """Do a work that goes on until cancelled; should it fail, begin it again after a second."""
    while True:
        try:
            await work()
        except Exception:  # noqa: BLE001 - nobody would be told of anything any more
            _LOG.exception("%s failed and is begun again", what)
        await asyncio.sleep(_AGAIN_S)


async def hear(event: asyncio.Event, within_s: float) -> None:
    """Return when an event is set, or after some seconds.

    Not by `asyncio.wait_for`, which before Python 3.12 may lose that its task is cancelled.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await event.wait()
