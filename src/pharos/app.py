"""Everything is built here, in one straight function, and closed in reverse."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import Future
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from random import Random
from typing import Any, Final

from msgspec import Struct

from pharos.access import DEFAULT
from pharos.api.app import App
from pharos.api.prometheus.encode import encode_answer
from pharos.checking import CheckingParts, open_checking
from pharos.clock import Clock
from pharos.config import Settings
from pharos.demo.running import DemoParts
from pharos.demonstrating import open_demo
from pharos.edge import Parts, open_edge, reports_of
from pharos.engine import Engine
from pharos.entrance import open_entrance
from pharos.errors import PharosError
from pharos.feed import FeedParts, open_feed
from pharos.folder import new_admin_key
from pharos.gathering import open_gathering
from pharos.governance import Governance
from pharos.grpc_ports import open_grpc
from pharos.ingest.accept import Intake
from pharos.ingest.loader import Loader
from pharos.ingest.own_events import OwnEvents
from pharos.judging import Judging, JudgingParts, open_judging
from pharos.keeping import open_keeping
from pharos.measuring import open_measuring
from pharos.multitenancy import Doors, make_doors, open_tenancy
from pharos.own_telling import hear_ourselves, tell_of_ourselves
from pharos.paging import Paging, open_paging
from pharos.pulse import open_pulse
from pharos.queries import Queries, open_queries
from pharos.query.limits import Times
from pharos.query.metrics.evaluation import Metrics
from pharos.query.metrics.query import parse_query
from pharos.releasing import Releasing, open_releasing
from pharos.reload import Reloads
from pharos.responding import Responding, Stands, open_responding
from pharos.ruling import Ruling, RulingParts, open_ruling
from pharos.runs.runs import Runs
from pharos.scraping import open_scraping
from pharos.showing import open_showing
from pharos.state import State, open_state
from pharos.steering import open_steering
from pharos.store import Store, open_store
from pharos.tracking import open_tracking
from pharos.upkeep import (
    age_now_and_then,
    expire_proposals,
    give_back_now_and_then,
    measure_state,
    watch_loop,
)

_LOG = logging.getLogger(__name__)


class Pharos(Struct, frozen=True):
    """A running server."""

    app: App
    loader: Loader
    intake: Intake
    engine: Engine
    state: State
    reload: Callable[[], Awaitable[None]]
    """Read prometheus.yml again. Raises PharosError and changes nothing when it is not good."""
    first_link: Callable[[], Awaitable[str | None]]
    """Return the path of the page where the first user comes in; None where others may already."""


_FIRST_QUERIES: Final = (
    "up",
    "up[1m]",
    "sum by (job) (rate(pharos_ingest_samples_total[1m]))",
    "max without (device) (node_memory_MemAvailable_bytes / on (instance) node_memory_MemTotal_bytes)",
    "max_over_time(node_load1[1m])",
    "topk(1, increase(node_network_receive_bytes_total[1m]) > 0)",
    "histogram_quantile(0.9, sum by (le) (rate(pharos_query_duration_seconds_bucket[1m])))",
)


@asynccontextmanager
async def open_pharos(
    settings: Settings,
    clock: Clock,
    chance: Random,
    kernels: Callable[[], dict[str, int]],
    opening: Future[Engine] | None = None,
) -> AsyncIterator[Pharos]:
    """Build a server over the settings' folder, which the caller holds, and close it again in reverse.

    `chance` makes what nobody outside may guess: a SystemRandom, unless a test wants the same again.
    `kernels` returns how many kernels are compiled. With `opening` the engine is the caller's to close.
    Raises PharosError when the folder cannot be used.
    """
    async with AsyncExitStack() as stack:
        own, doors = stack.enter_context(hear_ourselves(settings, clock, chance)), make_doors(settings)
        state = stack.enter_context(open_state(settings.state_address, clock, chance))
        store = stack.enter_context(open_store(settings, clock, chance, doors.policy, opening))
        asked = open_queries(store.engine, store.changes, clock, chance, settings, doors.policy)
        queries = stack.enter_context(asked)
        tenancy = await stack.enter_async_context(open_tenancy(doors, state, store, queries, clock, settings))
        keeping = await stack.enter_async_context(open_keeping(store, doors, clock, settings))
        scraping = await stack.enter_async_context(open_scraping(store.intake, clock, chance, settings))
        key = new_admin_key(settings.data)
        entrance = await stack.enter_async_context(open_entrance(state, settings, key, clock, chance))
        paging, responding = await _open_paging(stack, state, clock, chance, settings, queries.metrics, doors)
        ruled = RulingParts(queries, store, state, clock, chance, settings, paging.sink)
        ruling, judging, releasing = await _open_ruling(stack, ruled, doors, paging)
        runs = await _open_measures(stack, queries, store, clock, settings, doors.forgets)
        showing = await stack.enter_async_context(open_showing(state, settings))
        base = CheckingParts(settings, clock, chance, store, queries, state, paging.windows_of, ruling.leases)
        checking = await stack.enter_async_context(open_checking(base))
        fed = FeedParts(settings, clock, chance, store, queries, ruling.engine, state, entrance, runs)
        feed = await stack.enter_async_context(open_feed(fed, checking.told))
        stands = DemoParts(store.intake, state, tenancy, showing.dashboards, clock, chance)
        again = (keeping, scraping, ruling, paging, responding, releasing, showing, checking)
        parts = Parts(
            settings=settings,
            clock=clock,
            chance=chance,
            store=store,
            queries=queries,
            tenancy=tenancy,
            scraper=scraping.scraper,
            ruling=ruling,
            judging=judging,
            releasing=releasing,
            paging=paging,
            state=state,
            entrance=entrance,
            reloads=Reloads(clock, [one.reloadable for one in again]),
            keeping=keeping,
            feed=feed,
            showing=showing,
            runs=runs,
            checking=checking,
            demo=await stack.enter_async_context(open_demo(stands, settings)),
            controls=await stack.enter_async_context(open_steering(state, settings, clock, chance)),
            kernels=kernels,
        )
        yield await _running(stack, parts, own)


async def _running(stack: AsyncExitStack, parts: Parts, own: OwnEvents | None) -> Pharos:
    """Return the server, open to all, with all that it does beside answering under way."""
    app = await _open_doors(stack, parts, own)
    store, reload = parts.store, parts.reloads.reload
    works = _works(parts.queries, parts.clock, store.loader, parts.state)
    for work in (*works, reports_of(parts).run()):
        stack.callback(asyncio.create_task(work).cancel)
    first_link = parts.entrance.first_link
    return Pharos(app, store.loader, store.intake, store.engine, parts.state, reload, first_link)


async def _open_doors(stack: AsyncExitStack, parts: Parts, own: OwnEvents | None) -> App:
    """Return the application, beside which all else is open that telemetry comes in by."""
    settings, clock, store = parts.settings, parts.clock, parts.store
    face = stack.enter_context(open_edge(parts))
    await stack.enter_async_context(open_gathering(store.intake, clock, parts.chance, settings))
    await stack.enter_async_context(open_grpc(face.grpc, settings, store.loader.recovered))
    return await stack.enter_async_context(tell_of_ourselves(own, face.app, store, clock, parts.kernels))


def _works(
    queries: Queries, clock: Clock, loader: Loader, state: State
) -> tuple[Coroutine[Any, Any, None], ...]:
    """Return what a server does beside all else, until it ends."""
    return (
        _end_start(queries.metrics, clock, loader),
        watch_loop(clock),
        give_back_now_and_then(),
        age_now_and_then(queries.metrics.age),
        expire_proposals(Governance(state)),
        measure_state(state),
    )


async def _open_measures(
    stack: AsyncExitStack,
    queries: Queries,
    store: Store,
    clock: Clock,
    settings: Settings,
    forgets: list[Callable[[str], None]],
) -> Runs:
    """Open what makes series of spans, and what takes events of runs."""
    await stack.enter_async_context(open_measuring(queries, store, clock, settings))
    return await stack.enter_async_context(open_tracking(store, queries, clock, forgets))


async def _open_ruling(
    stack: AsyncExitStack, parts: RulingParts, doors: Doors, paging: Paging
) -> tuple[Ruling, Judging, Releasing]:
    """Open what evaluates rules, what looks for anomalies, of which rules make alerts, and what judges
    rollouts."""
    ruling = await stack.enter_async_context(open_ruling(parts))
    metrics, intake = parts.queries.metrics, parts.store.intake
    found = JudgingParts(metrics, intake, parts.state, parts.clock, parts.settings, ruling.put_more)
    judging = await stack.enter_async_context(open_judging(found))
    doors.forgets.append(judging.forget)
    told = (parts.state, parts.clock, parts.settings, paging.dispatcher.take)
    releasing = await stack.enter_async_context(open_releasing(parts.queries, parts.store, *told))
    return ruling, judging, releasing


async def _open_paging(
    stack: AsyncExitStack,
    state: State,
    clock: Clock,
    chance: Random,
    settings: Settings,
    metrics: Metrics,
    doors: Doors,
) -> tuple[Paging, Responding]:
    """Open what tells people of alerts, and what follows whether they react."""
    paging = await stack.enter_async_context(open_paging(state, clock, chance, settings))
    doors.forgets.append(paging.forget)
    responding = await stack.enter_async_context(
        open_responding(Stands(state, clock, chance, settings, metrics, paging.configs.of))
    )
    paging.offices.find_receiver, paging.offices.find_links = responding.find_receiver, responding.links
    await stack.enter_async_context(open_pulse(state, settings, clock, chance, paging.dispatcher.take))
    return paging, responding


async def _end_start(metrics: Metrics, clock: Clock, loader: Loader) -> None:
    """End the start: once what is needed from now on is loaded, it is left out of garbage collection.

    Going through all half a million objects that stay would hold everything up for a tenth of a second.
    """
    await _load_kernels(metrics, clock, loader)
    gc.freeze()


async def _load_kernels(metrics: Metrics, clock: Clock, loader: Loader) -> None:
    """Ask what dashboards ask first, so that nobody waits for compiled code to be read from disk."""
    # Not beside the recovery, which everybody waits for.
    await asyncio.shield(asyncio.wrap_future(loader.recovered))
    now_ms = clock.now_ms()
    for query in map(parse_query, _FIRST_QUERIES):
        for times in (Times(now_ms - 60_000, now_ms, 15_000), Times(now_ms, now_ms)):
            with suppress(PharosError):
                await metrics.evaluate(DEFAULT, query, times, lambda answer: list(encode_answer(answer)))
