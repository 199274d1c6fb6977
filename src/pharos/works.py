"""What a part of the server does by itself beside all else, for as long as the part is open.

None of it ends by a fault: that is told, and it goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

_LOG = logging.getLogger(__name__)

_AGAIN_S: Final = 1.0


@asynccontextmanager
async def at_work(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Have works go on by themselves until the exit, which cancels them and waits for their ends."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


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
