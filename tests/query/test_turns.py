"""Every question has a turn, whatever it is about: one tenant's flood is in front of nobody else."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from tests.query.store import BUCKET_MS, Store, days_of

from pharos.access import Scope
from pharos.clock import SystemClock
from pharos.engine.changes import Changes
from pharos.engine.embedded.store import EmbeddedEngine
from pharos.errors import Kind, PharosError
from pharos.labels import Matcher, MatchOp
from pharos.query.limits import Scheduler, SchedulerOptions, Times, Wanted
from pharos.query.metrics.catalog import Catalog, Window
from pharos.query.metrics.evaluation import Metrics, MetricsOptions
from pharos.query.metrics.query import parse_query
from pharos.query.metrics.series import SeriesCache

_BEGIN = 1_795_000_000_000 // BUCKET_MS * BUCKET_MS
_TIMES = Times(_BEGIN, _BEGIN + 60_000, 15_000)
_MATCHERS = (Matcher("__name__", MatchOp.EQUAL, "m"),)

Ask = Callable[[Scope], Awaitable[object]]


class Server:
    """What answers questions about a store, with one turn at a time unless told otherwise."""

    def __init__(self, engine: EmbeddedEngine, most: int = 1, timeout_ms: int = 60_000) -> None:
        self.store = Store(engine, "turns", Changes())
        clock, series = SystemClock(), SeriesCache(self.store.changes)
        options = SchedulerOptions(
            timeout_ms=timeout_ms, max_concurrent=most, max_concurrent_per_tenant=max(1, most)
        )
        self.scheduler = Scheduler(engine, clock, options)
        self.metrics = Metrics(self.store.changes, clock, self.scheduler, series, MetricsOptions())
        self.catalog = Catalog(self.store.changes, clock, self.scheduler, series)

    def asks(self) -> dict[str, Ask]:
        """Return every kind of question by the name of its method."""
        query = parse_query("sum(m)")
        wanted = [Wanted(_MATCHERS, _TIMES.start_ms, _TIMES.end_ms)]

        def window(scope: Scope) -> Window:
            return Window(scope, _TIMES.start_ms, _TIMES.end_ms, (_MATCHERS,))

        def bounded(scope: Scope) -> Window:
            return replace(window(scope), limit=10)

        return {
            "evaluate": lambda scope: self.metrics.evaluate(scope, query, _TIMES, _kept, reuse=False),
            "read": lambda scope: self.metrics.read(scope, wanted, _kept),
            "over": lambda scope: self.metrics.over(scope, "rules", lambda _, options: options.max_samples),
            "series": lambda scope: self.catalog.series(window(scope), _kept),
            "label_names": lambda scope: self.catalog.label_names(window(scope), _kept),
            "label_values": lambda scope: self.catalog.label_values("i", window(scope), _kept),
            "metadata": lambda scope: self.catalog.metadata(scope, _kept),
            "exemplars": lambda scope: self.catalog.exemplars(scope, query, _TIMES, _kept),
            "cardinality": lambda scope: self.catalog.cardinality(scope, 10),
            "metrics_used": lambda scope: self.catalog.metrics_used(
                scope, _TIMES.start_ms, _TIMES.end_ms, 10
            ),
            "metrics_meeting": lambda scope: self.catalog.metrics_meeting(window(scope), _MATCHERS, 10),
            "exemplars_naming": lambda scope: self.catalog.exemplars_naming(
                bounded(scope), ("trace_id",), ("1",)
            ),
        }


def _kept(found: Any) -> Any:
    return found


KINDS = (
    "evaluate",
    "read",
    "over",
    "series",
    "label_names",
    "label_values",
    "metadata",
    "exemplars",
    "cardinality",
    "metrics_used",
    "metrics_meeting",
    "exemplars_naming",
)


@pytest.fixture
def server(engine: EmbeddedEngine) -> Iterator[Server]:
    server = Server(engine)
    server.store.register(3, days_of(_BEGIN, _BEGIN + BUCKET_MS))
    server.store.write(np.arange(3), np.full(3, _BEGIN, np.int64), np.ones(3))
    yield server
    server.scheduler.close()


def test_the_kinds_are_all_that_can_be_asked() -> None:
    methods = {
        name
        for owner in (Metrics, Catalog)
        for name, method in inspect.getmembers(owner, inspect.iscoroutinefunction)
        if not name.startswith("_")
    }
    assert methods == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
async def test_without_a_turn_nothing_is_asked(engine: EmbeddedEngine, kind: str) -> None:
    server = Server(engine, most=0, timeout_ms=20)
    with pytest.raises(PharosError) as caught:
        await server.asks()[kind](Scope("turns"))
    server.scheduler.close()
    assert (caught.value.kind, caught.value.message) == (Kind.TIMEOUT, "query timed out in query queue")


# What `over` does is its caller's: done at once here, so that many are over before another one has come.
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "over"])
async def test_nobody_waits_for_another_tenants_flood(server: Server, kind: str) -> None:
    asks = server.asks()
    flood = [asyncio.create_task(_done(asks[kind](Scope("flooding")))) for _ in range(40)]
    await asyncio.sleep(0)
    await asks["evaluate"](Scope("turns"))
    # One had its turn before, one may have come at the same moment.
    assert sum(task.done() for task in flood) <= 2
    await asyncio.gather(*flood)


async def _done(asked: Awaitable[object]) -> None:
    await asked


async def test_who_follows_an_equal_query_has_a_turn_too(server: Server) -> None:
    query = parse_query("count(m)")
    flood = [
        asyncio.create_task(server.metrics.evaluate(Scope("flooding"), query, _TIMES, _kept))
        for _ in range(40)
    ]
    await asyncio.sleep(0)
    await server.metrics.evaluate(Scope("turns"), query, _TIMES, _kept)
    assert sum(task.done() for task in flood) <= 3
    await asyncio.gather(*flood)


async def test_what_is_found_is_the_tenants_own(server: Server) -> None:
    asks = server.asks()
    mine, others = Scope("turns"), Scope("another")
    assert await asks["label_values"](mine) == ["0", "1", "2"]
    assert await asks["label_names"](mine) == ["__name__", "i"]
    assert len(await asks["series"](mine)) == 3  # type: ignore[arg-type]
    for kind in ("series", "label_names", "label_values", "metadata", "exemplars"):
        assert list(await asks[kind](others)) == []  # type: ignore[call-overload]
