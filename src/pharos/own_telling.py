"""What Pharos tells of itself: its log and spans of requests to it, kept like everybody's."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from random import Random
from typing import Final

from msgspec.structs import replace

from pharos import __version__
from pharos.api.app import App
from pharos.api.http.traced import Traced
from pharos.clock import Clock
from pharos.config import Settings
from pharos.ingest.own_events import OwnEvents, OwnLog
from pharos.store import Store
from pharos.works import at_work

_LOOK_S: Final = 0.5


@contextmanager
def hear_ourselves(settings: Settings, clock: Clock, chance: Random) -> Iterator[OwnEvents | None]:
    """Collect what is logged from now on, to be told later; None where the settings want nothing of it."""
    if not settings.self_events:
        yield None
        return
    resource = (
        ("service.name", "pharos"),
        ("service.version", __version__),
        ("host.name", socket.gethostname()),
        ("process.pid", os.getpid()),
    )
    events = OwnEvents(clock, chance, resource)
    handler = OwnLog(events)
    logging.getLogger().addHandler(handler)
    try:
        yield events
    finally:
        logging.getLogger().removeHandler(handler)


@asynccontextmanager
async def tell_of_ourselves(
    events: OwnEvents | None, app: App, store: Store, clock: Clock, kernels: Callable[[], dict[str, int]]
) -> AsyncIterator[App]:
    """Return the application, with requests noted, and hand over what was heard; on exit the rest of it."""
    if events is None:
        yield app
        return
    async with at_work(_tell(events, store, kernels)):
        yield replace(app, answer=Traced(app.answer, clock, events.note))
    await events.hand_over(store.intake)


async def _tell(events: OwnEvents, store: Store, kernels: Callable[[], dict[str, int]]) -> None:
    """Hand over what was heard, once nobody waits for the start."""
    await asyncio.shield(asyncio.wrap_future(store.loader.recovered))
    while (counts := kernels())["compiled"] < counts["total"]:  # noqa: ASYNC110 - compiling tells nobody
        await asyncio.sleep(_LOOK_S)
    await events.run(store.intake)
