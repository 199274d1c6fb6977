"""The part of a server that judges rollouts, and compares groups."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from msgspec import Struct

from pharos.alerting.provision import Said, read_files
from pharos.clock import Clock
from pharos.config import Settings, external_url
from pharos.queries import Queries
from pharos.reload import Reloadable, TakeOver
from pharos.rules.files import files_of
from pharos.state import Family, State
from pharos.store import Store
from pharos.versions.readings import Readings
from pharos.versions.rolling import SECTIONS, Rollouts, Take
from pharos.works import at_work, keep_going


class Releasing(Struct, frozen=True):
    """The running part, what it reads by, and what reads its files again."""

    rollouts: Rollouts
    readings: Readings
    reloadable: Reloadable


@asynccontextmanager
async def open_releasing(
    queries: Queries, store: Store, state: State, clock: Clock, settings: Settings, take: Take
) -> AsyncIterator[Releasing]:
    """Judge rollouts until the exit, once all that was accepted before is there; `take` takes their alerts.

    Raises PharosError that names file and line when a file of rollouts is not good.
    """
    readings = Readings(queries.traces, queries.metrics, queries.log_search, queries.scheduler)
    said = await asyncio.to_thread(_read, settings)
    rollouts = Rollouts(state, readings, take, clock, external_url(settings), said)
    loop = asyncio.get_running_loop()

    def look(families: frozenset[Family]) -> None:
        if Family.ROLLOUTS in families:
            with suppress(RuntimeError):
                # A loop that is closing has nobody left to tell.
                loop.call_soon_threadsafe(rollouts.changed.set)

    async def read_again() -> TakeOver:
        read = await asyncio.to_thread(_read, settings)

        async def take_over() -> None:
            rollouts.said = read
            rollouts.changed.set()

        return take_over

    async def work() -> None:
        await asyncio.shield(asyncio.wrap_future(store.loader.recovered))
        await keep_going("judging rollouts", rollouts.keep)

    unwatch = state.watch(look)
    try:
        async with at_work(work()):
            yield Releasing(rollouts, readings, read_again)
    finally:
        unwatch()


def _read(settings: Settings) -> Said:
    return read_files(files_of(settings.rollouts), SECTIONS)
