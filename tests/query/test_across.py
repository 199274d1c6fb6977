"""Several tenants read at once: a label tells them apart, and matchers of it choose them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tests.query.store import BUCKET_MS, StillClock, Store, days_of

from pharos.access import Scope
from pharos.engine.changes import Changes
from pharos.engine.embedded.store import EmbeddedEngine
from pharos.errors import Kind, PharosError
from pharos.labels import Matcher, MatchOp
from pharos.limits import LimitTable
from pharos.policy import TenantPolicy
from pharos.promql.grids.grid import Answer
from pharos.query.limits import Scheduler, SchedulerOptions, Times, Wanted
from pharos.query.metrics.across import chosen, labels_of_tenant
from pharos.query.metrics.catalog import Catalog, Window
from pharos.query.metrics.evaluation import Metrics, MetricsOptions
from pharos.query.metrics.query import parse_query
from pharos.query.metrics.series import SeriesCache

_BEGIN = 1_795_000_000_000 // BUCKET_MS * BUCKET_MS
_NOW = _BEGIN + 60_000
_NAMED = Matcher("__name__", MatchOp.EQUAL, "m")
BOTH = Scope("across-a|across-b")


class Server:
    """Two tenants with equal series, of which the second has one more; and a third that nobody names."""

    def __init__(self, engine: EmbeddedEngine) -> None:
        self.changes, self.limits = Changes(), LimitTable()
        for tenant, series in (("across-a", 2), ("across-b", 3), ("across-c", 5)):
            store = Store(engine, tenant, self.changes)
            store.register(series, days_of(_BEGIN, _NOW))
            values = np.full(series, float(series))
            store.write(np.arange(series), np.full(series, _BEGIN, np.int64), values)
        policy = TenantPolicy(self.limits)
        clock, series_cache = StillClock(_NOW), SeriesCache(self.changes)
        self.scheduler = Scheduler(engine, clock, SchedulerOptions(), policy)
        self.metrics = Metrics(self.changes, clock, self.scheduler, series_cache, MetricsOptions(), policy)
        self.catalog = Catalog(self.changes, clock, self.scheduler, series_cache)

    async def ask(self, text: str, scope: Scope = BOTH, times: Times | None = None) -> dict[Any, float]:
        """Return the newest value of each series of an answer."""

        def finish(answer: Answer) -> dict[Any, float]:
            return dict(zip(answer.labels, answer.values[:, -1].tolist(), strict=True))

        return await self.metrics.evaluate(scope, parse_query(text), times or Times(_NOW, _NOW), finish)


def _window(scope: Scope, *matchers: Matcher) -> Window:
    return Window(scope, _BEGIN, _NOW, (matchers,) if matchers else ())


@pytest.fixture(scope="module")
def server(engine: EmbeddedEngine) -> Iterator[Server]:
    made = Server(engine)
    yield made
    made.scheduler.close()


def _tenant(name: str) -> tuple[tuple[str, str], ...]:
    return (("__tenant_id__", name),)


async def test_series_of_both_tenants_are_told_apart(server: Server) -> None:
    by_tenant = await server.ask("sum by (__tenant_id__) (m)")
    assert by_tenant == {_tenant("across-a"): 4.0, _tenant("across-b"): 9.0}
    assert len(await server.ask("m")) == 5
    assert len(await server.ask("m", Scope("across-a"))) == 2
    assert await server.ask("count(m)", Scope("across-a|across-b|across-none")) == {(): 5.0}


async def test_ranges_and_subqueries_read_both(server: Server) -> None:
    times = Times(_BEGIN, _NOW, 15_000)
    assert await server.ask("count(count_over_time(m[2m]) > 0)", times=times) == {(): 5.0}
    assert await server.ask("count(max_over_time(m[1m:15s]))", times=times) == {(): 5.0}


async def test_a_matcher_of_the_label_chooses_tenants(server: Server) -> None:
    for selector, count in (
        ('m{__tenant_id__="across-b"}', 3),
        ('m{__tenant_id__!="across-b"}', 2),
        ('m{__tenant_id__=~"across-.", i="0"}', 2),
        ('m{__tenant_id__="across-c"}', 0),
        ('m{original___tenant_id__=""}', 5),
        ('m{original___tenant_id__="x"}', 0),
    ):
        assert len(await server.ask(selector)) == count, selector
    both = 'm{__tenant_id__="across-a"} + on (i) m{__tenant_id__="across-b"}'
    assert sorted((await server.ask(both)).values()) == [5.0, 5.0]


def test_a_label_of_that_name_is_kept_under_another() -> None:
    own = (("__name__", "m"), ("__tenant_id__", "mine"))
    assert labels_of_tenant(own, "a") == (
        ("__name__", "m"),
        ("__tenant_id__", "a"),
        ("original___tenant_id__", "mine"),
    )
    matchers = (
        Matcher("__tenant_id__", MatchOp.REGEX, "a|c"),
        Matcher("original___tenant_id__", MatchOp.EQUAL, "mine"),
    )
    own_matchers = (Matcher("__tenant_id__", MatchOp.EQUAL, "mine"),)
    assert [*chosen(Scope("a|b|c"), matchers)] == [(Scope("a"), own_matchers), (Scope("c"), own_matchers)]


async def test_the_catalogue_of_both(server: Server) -> None:
    def itself(found: Any) -> Any:
        return found

    catalog = server.catalog
    assert await catalog.label_names(_window(BOTH), itself) == ["__name__", "__tenant_id__", "i"]
    assert await catalog.label_values("__tenant_id__", _window(BOTH), itself) == ["across-a", "across-b"]
    only = Matcher("__tenant_id__", MatchOp.EQUAL, "across-a")
    assert await catalog.label_values("i", _window(BOTH, _NAMED, only), itself) == ["0", "1"]
    assert await catalog.label_values("i", _window(BOTH), itself) == ["0", "1", "2"]
    assert await catalog.label_values("original___tenant_id__", _window(BOTH), itself) == []
    assert len(await catalog.series(_window(BOTH, _NAMED), itself)) == 5
    assert await catalog.series(_window(BOTH, _NAMED, only), itself) == [
        (("__name__", "m"), ("__tenant_id__", "across-a"), ("i", number)) for number in "01"
    ]
    assert len(await catalog.series(_window(BOTH), itself)) == 5
    with pytest.raises(PharosError, match="only one tenant"):
        await catalog.cardinality(BOTH, 10)


async def test_raw_reads_of_both(server: Server) -> None:
    blocks = await server.metrics.read(BOTH, [Wanted((_NAMED,), _BEGIN, _NOW)], lambda found: found)
    assert len(blocks[0].labels) == 5
    assert blocks[0].values.tolist().count(3.0) == 3
    assert blocks[0].offsets.tolist() == [0, 1, 2, 3, 4, 5]


async def test_the_least_of_the_tenants_limits_counts(server: Server) -> None:
    times = Times(_BEGIN, _NOW, 15_000)
    for limits, words in (
        ({"max_query_range_ms": 30_000}, "longer than 30s"),
        ({"max_query_series": 2}, "more than 2 series"),
        ({"max_query_samples": 2}, "too many samples"),
    ):
        server.limits.say({"across-b": limits})
        with pytest.raises(PharosError, match=words) as raised:
            await server.ask("m", times=times)
        assert raised.value.kind is Kind.LIMITED
        with pytest.raises(PharosError, match=words):
            await server.ask("m", Scope("across-b"), times)
        assert len(await server.ask("m", Scope("across-a"), times)) == 2
    server.limits.say({"across-b": {"max_query_lookback_ms": 30_000}})
    assert len(await server.ask("m", Scope("across-b"))) == 0
    assert len(await server.ask("m")) == 2
    server.limits.say({"across-b": {"retention_ms": 90_000}})
    assert len(await server.ask("m", Scope("across-b"))) == 3
    server.limits.say({})
    assert len(await server.ask("m")) == 5
