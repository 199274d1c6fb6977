"""The part of a server that looks whether things are well: checks of files, and those that people keep."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any, Final

from msgspec import Struct

from pharos import __version__
from pharos.access import Scope
from pharos.alerting.maintenance import Windows
from pharos.clock import Clock
from pharos.config import Settings
from pharos.errors import PharosError
from pharos.health.days import CELLS, DAY_MS
from pharos.health.files import load_checks
from pharos.health.ledger import Ledger
from pharos.health.looking import Ask, Means
from pharos.health.looks import Looks
from pharos.health.monitor import Around, Monitor
from pharos.health.roster import Roster
from pharos.health.telling import told_health
from pharos.ingest.accept import Intake
from pharos.ingest.remote_write.submission import made
from pharos.labels import Labels
from pharos.outbound import Outbound
from pharos.queries import Queries
from pharos.reload import TakeOver
from pharos.rules.doors import MetricsDoor, QueryDoor
from pharos.rules.evaluate import elements
from pharos.rules.leases import Leases
from pharos.rules.log_door import LogDoor
from pharos.state import Family, State, Unit
from pharos.state.health import DayRow, StateRow, all_states, days_since
from pharos.store import Store
from pharos.works import at_work, hear, keep_going

_LOG = logging.getLogger(__name__)

_AGAIN_S: Final = 2.0
_CLOSE_S: Final = 5.0
_INTERVAL_MS: Final = 15_000
_FAMILIES: Final = frozenset({Family.HEALTH, Family.TENANTS})


class CheckingParts(Struct, frozen=True):
    """What checks stand on."""

    settings: Settings
    clock: Clock
    chance: Random
    store: Store
    queries: Queries
    state: State
    windows: Callable[[str], Windows | None]
    leases: Leases
    """Which checks are made here, of a state that servers share."""


class Checking(Struct, frozen=True):
    """The running checks, and what reads their files again."""

    settings: Settings
    looks: Looks
    roster: Roster

    def told(self, tenant: str) -> dict[str, Any]:
        """Return how a tenant's checks stand, as the live feed tells it."""
        return told_health(self.roster.monitor, tenant)

    async def reloadable(self) -> TakeOver:
        """Read the files of checks again."""
        settings = await asyncio.to_thread(self.settings.reread)
        declared = await asyncio.to_thread(load_checks, settings.checks)

        async def take_over() -> None:
            self.roster.declare(declared)

        return take_over


@asynccontextmanager
async def open_checking(parts: CheckingParts) -> AsyncIterator[Checking]:
    """Begin to check what is declared, once all that was accepted before is there; end on exit.

    Raises FaultsError that names file and line when a file of checks is not good.
    """
    trusted, guarded = (
        _outbound(parts, allow_private=one) for one in (True, parts.settings.health.private_checks)
    )
    looks = Looks(_means(parts, trusted), _means(parts, guarded))
    ledger = Ledger(parts.state, _writing(parts.store.intake), parts.leases)
    monitor = Monitor(Around(looks, ledger, parts.clock, parts.chance, parts.windows))
    roster = Roster(parts.state, monitor, await asyncio.to_thread(load_checks, parts.settings.checks))
    try:
        async with at_work(_work(parts, roster)):
            yield Checking(parts.settings, looks, roster)
        await _keep_rest(monitor)
    finally:
        await trusted.close()
        await guarded.close()


async def _keep_rest(monitor: Monitor) -> None:
    try:
        async with asyncio.timeout(_CLOSE_S):
            await monitor.keep_all()
    except (TimeoutError, PharosError) as exc:
        _LOG.warning("how checks stand was not kept at the end: %s", exc)


async def _work(parts: CheckingParts, roster: Roster) -> None:
    """Check and follow what is declared, for ever."""
    await asyncio.shield(asyncio.wrap_future(parts.store.loader.recovered))
    changed, loop = asyncio.Event(), asyncio.get_running_loop()

    def look(families: frozenset[Family]) -> None:
        if families & _FAMILIES:
            loop.call_soon_threadsafe(changed.set)

    unwatch = parts.state.watch(look)
    try:
        await _restore(parts, roster)
        monitor = roster.monitor
        async with at_work(
            keep_going("checking", monitor.run),
            keep_going("keeping what checks found", monitor.keep),
            _follow(roster, changed),
        ):
            await asyncio.Event().wait()
    finally:
        unwatch()


async def _restore(parts: CheckingParts, roster: Roster) -> None:
    """Know how checks stood. Without people's state those of files begin anew, later."""
    first = parts.clock.now_ms() // DAY_MS - CELLS

    def read(unit: Unit) -> tuple[Sequence[StateRow], Sequence[DayRow]]:
        return all_states(unit), days_since(unit, first)

    while True:
        try:
            roster.monitor.restore(*await parts.state.read(read))
            if parts.leases.is_shared:
                await parts.leases.share()
            await roster.refresh()
            await roster.monitor.follow()
        except PharosError as exc:
            _LOG.warning("checks begin as soon as the state can be used: %s", exc)
            await asyncio.sleep(_AGAIN_S)
        else:
            return


async def _follow(roster: Roster, changed: asyncio.Event) -> None:
    while True:
        await hear(changed, 3600)
        changed.clear()
        try:
            await roster.refresh()
        except PharosError as exc:
            _LOG.warning("checks that people keep are not known yet: %s", exc)
            await asyncio.sleep(_AGAIN_S)
            changed.set()


def _outbound(parts: CheckingParts, *, allow_private: bool) -> Outbound:
    return Outbound(
        allow_private=allow_private,
        user_agent=f"pharos-health/{__version__}",
        random_source=parts.chance,
        is_checking=True,
        private_by="health.private_checks",
    )


def _means(parts: CheckingParts, outbound: Outbound) -> Means:
    doors: dict[str, QueryDoor] = {
        "promql": MetricsDoor(parts.queries.metrics),
        "logql": LogDoor(parts.queries.log_queries),
    }
    return Means(outbound, parts.clock, _asking(doors, parts.clock))


def _asking(doors: dict[str, QueryDoor], clock: Clock) -> Ask:
    async def ask(language: str, scope: Scope, query: str) -> Sequence[tuple[Labels, float]]:
        prepared = doors[language].prepare([query], _INTERVAL_MS)
        one = prepared.round(scope, clock.now_ms())
        answer = await one.run("health", lambda: one.answer(0))
        return [(found.labels, found.value) for found in elements(answer)]

    return ask


def _writing(intake: Intake) -> Callable[[Scope, bytes], Awaitable[None]]:
    async def write(scope: Scope, body: bytes) -> None:
        await intake.accept(made(scope, body, source="health"))

    return write
