"""The part of a server that shows it live: the feed's clients, and what is asked beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from random import Random
from typing import Final

from msgspec import Struct

from pharos.api.http.bodies import Bodies
from pharos.api.http.credentials import identify
from pharos.api.http.routes import Operation, SocketOperation
from pharos.api.live.conditions import ConditionsApi
from pharos.api.live.dashboard import DashboardApi
from pharos.api.live.events import LiveEvents
from pharos.api.live.monitoring import Component, MonitoringApi, worst
from pharos.api.live.plain import Plain
from pharos.api.live.signals import SignalsApi
from pharos.api.live.socket import SOCKET_PATH, WATCH, LiveSocket
from pharos.api.prometheus.encode import encode_result
from pharos.clock import Clock
from pharos.config import Settings
from pharos.entrance import Entrance
from pharos.live.alert_book import AlertBook
from pharos.live.boards import Boards, Checks
from pharos.live.evaluation import Evaluation
from pharos.live.flows import Flows
from pharos.live.happenings import Timeline
from pharos.live.hub import IDENTITY, Hub, HubOptions
from pharos.live.outbox import OutboxLimits
from pharos.live.performance import Performance
from pharos.live.protocol import Intervals
from pharos.live.readings import Reader
from pharos.live.session import Terms
from pharos.queries import Queries
from pharos.rules.engine import RuleEngine
from pharos.runs.runs import Runs
from pharos.state import Family, State
from pharos.store import Store
from pharos.works import at_work, keep_going

_ID_BITS: Final = 96
_LAG_S: Final = 30.0
"""What was accepted and is not stored for so long says that the store cannot follow."""


class FeedParts(Struct, frozen=True):
    """What the feed stands on."""

    settings: Settings
    clock: Clock
    chance: Random
    store: Store
    queries: Queries
    rules: RuleEngine
    state: State
    entrance: Entrance
    runs: Runs


class Feed(Struct, frozen=True):
    """The running feed, and its addresses."""

    hub: Hub
    sockets: Callable[[], list[SocketOperation]]
    operations: Callable[[Bodies], Iterator[Operation]]


@asynccontextmanager
async def open_feed(parts: FeedParts, checks: Checks) -> AsyncIterator[Feed]:
    """Serve who wants to see how things stand, until the exit; `checks` tells how checks of health do."""
    settings, clock, state = parts.settings, parts.clock, parts.state
    loop = asyncio.get_running_loop()
    timeline = Timeline(state)
    book = AlertBook(state, lambda: timeline.place)
    components = partial(_components, parts)
    boards = _boards(parts, book, components, checks)
    hub = Hub(
        _evaluation(parts, boards),
        timeline,
        _terms(settings),
        HubOptions(settings.live.max_clients, 2 * settings.live.heartbeat / 1000),
        clock,
        lambda: f"{parts.chance.getrandbits(_ID_BITS):024x}",
    )
    who_may = asyncio.Event()

    def hear(families: frozenset[Family]) -> None:
        if not loop.is_closed():
            timeline.note(families, loop)
            if families & IDENTITY:
                loop.call_soon_threadsafe(who_may.set)

    unwatch = state.watch(hear)
    try:
        async with at_work(
            keep_going(
                "the live feed's following of alerts",
                lambda: timeline.run(hub.happen, hub.alert_sequences.begin),
            ),
            hub.run(),
            _recheck(hub, who_may),
        ):
            yield Feed(hub, partial(_sockets, parts, hub), partial(_operations, parts, hub, book, components))
    finally:
        hub.end()
        unwatch()


async def _recheck(hub: Hub, changed: asyncio.Event) -> None:
    """Look what clients may whenever accounts, tokens, sessions, roles or tenants change."""
    while True:
        await changed.wait()
        changed.clear()
        await hub.recheck()


def _terms(settings: Settings) -> Terms:
    live = settings.live
    return Terms(Intervals(live.update_interval), live.heartbeat, OutboxLimits())


def _evaluation(parts: FeedParts, boards: Boards) -> Evaluation:
    queries = parts.queries
    return Evaluation(boards, queries.metrics, queries.log_search, queries.traces, encode_result, parts.clock)


def _boards(
    parts: FeedParts, book: AlertBook, components: Callable[[], Awaitable[list[Component]]], checks: Checks
) -> Boards:
    queries, clock = parts.queries, parts.clock
    reader = Reader(queries.metrics, clock)
    performance = Performance(queries.traces, reader, clock)
    health = partial(_health, components)
    flows = Flows(parts.runs, clock)
    return Boards(performance, reader, queries.traces, flows, book.open_alerts, health, checks, clock)


async def _health(components: Callable[[], Awaitable[list[Component]]], tenant: str) -> str:
    del tenant
    return worst(await components())


async def _components(parts: FeedParts) -> list[Component]:
    """Return how the parts of the server stand."""
    store = parts.store
    found = []
    oldest_ns = store.intake.oldest_recv_ns()
    if not store.loader.is_recovered:
        found.append(Component("store", "degraded", "what a former process left is still being stored"))
    elif oldest_ns and parts.clock.now_ns() - oldest_ns > _LAG_S * 1e9:
        found.append(Component("store", "degraded", f"what was accepted waits for more than {_LAG_S:g} s"))
    else:
        found.append(Component("store", "healthy"))
    damaged = len(store.wal.recovery.damaged)
    found.append(
        Component("log", "degraded", f"{damaged} damaged places were set aside")
        if damaged
        else Component("log", "healthy")
    )
    fault = parts.state.status().fault
    found.append(Component("state", "unhealthy", fault) if fault else Component("state", "healthy"))
    return found


def _sockets(parts: FeedParts, hub: Hub) -> list[SocketOperation]:
    who = partial(identify, parts.entrance.authenticator)
    return [SocketOperation(SOCKET_PATH, LiveSocket(hub, who).serve, WATCH)]


def _operations(
    parts: FeedParts,
    hub: Hub,
    book: AlertBook,
    components: Callable[[], Awaitable[list[Component]]],
    bodies: Bodies,
) -> Iterator[Operation]:
    """Yield what is asked beside the feed."""
    queries, clock = parts.queries, parts.clock
    plain = Plain(bodies, "live")
    yield LiveEvents(hub, partial(identify, parts.entrance.authenticator)).operation()
    yield from DashboardApi(plain, hub, partial(_health, components), clock).operations()
    yield from ConditionsApi(plain, parts.state, parts.rules).operations()
    signals = SignalsApi(queries.metrics, queries.catalog, queries.traces, queries.log_search, clock)
    monitoring = Plain(bodies, "monitoring")
    flows = Flows(parts.runs, clock)
    yield from MonitoringApi(monitoring, book, flows, components, signals, clock).operations()
