"""Rounds: many instant queries at one time, what they share, and what was recorded meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
import pytest
from tests.query.store import BUCKET_MS, Store, days_of

from pharos.clock import SystemClock
from pharos.engine.changes import Changes
from pharos.engine.embedded.store import EmbeddedEngine
from pharos.errors import Kind, PharosError
from pharos.promql.grids.grid import Answer
from pharos.query.limits import Scheduler, SchedulerOptions, Times
from pharos.query.metrics.evaluation import Metrics, MetricsOptions
from pharos.query.metrics.query import parse_query
from pharos.query.metrics.rounds import Round
from pharos.query.metrics.series import SeriesCache
from pharos.telemetry import REGISTRY

T = TypeVar("T")

_BEGIN = 1_795_000_000_000 // BUCKET_MS * BUCKET_MS
_AT = _BEGIN + 1_500_000
_STALE = float(np.array([0x7FF0000000000002], np.uint64).view(np.float64)[0])


@pytest.fixture(scope="module")
def store(engine: EmbeddedEngine) -> Store:
    store = Store(engine, "rounds", Changes())
    store.register(5, days_of(_BEGIN, _BEGIN + BUCKET_MS))
    ts = np.repeat(_BEGIN + np.arange(120) * 15_000, 5)
    store.write(np.tile(np.arange(5), 120), ts.astype(np.int64), np.arange(600).astype(np.float64))
    return store


@pytest.fixture
def metrics(store: Store) -> Iterator[Metrics]:
    clock = SystemClock()
    scheduler = Scheduler(store.engine, clock, SchedulerOptions())
    yield Metrics(store.changes, clock, scheduler, SeriesCache(store.changes), MetricsOptions())
    scheduler.close()


def _rows(answer: Answer) -> dict[str, float]:
    """Return the values of an instant answer by its labels in one text."""
    names = [",".join(f"{name}={value}" for name, value in one) for one in answer.labels]
    return dict(zip(names, answer.values[:, 0].tolist(), strict=True))


def _in_round(metrics: Metrics, store: Store, texts: list[str], work: Callable[[Round], T]) -> T:
    async def run() -> T:
        prepared = metrics.prepare([parse_query(text) for text in texts])
        one = metrics.round(store.scope, prepared, _AT)
        return await one.run("group", lambda: work(one))

    return asyncio.run(run())


_TEXTS = [
    "sum(rate(m[5m]))",
    "sum(rate(m[5m])) > 1e9",
    "rate(m[10m])",
    "m offset 1m > 400",
    "max_over_time(m[2m:30s])",
    "m @ 1795000000",
    "absent(nothing)",
    "vector(1)",
]


def test_answers_of_a_round_are_those_of_single_queries(metrics: Metrics, store: Store) -> None:
    async def singly() -> list[dict[str, float]]:
        times = Times(_AT, _AT)
        return [
            _rows(await metrics.evaluate(store.scope, parse_query(text), times, lambda answer: answer))
            for text in _TEXTS
        ]

    together = _in_round(
        metrics, store, _TEXTS, lambda one: [_rows(one.answer(i)) for i in range(len(_TEXTS))]
    )
    assert together == asyncio.run(singly())


def test_what_was_planned_once_serves_later_rounds(metrics: Metrics, store: Store) -> None:
    prepared = metrics.prepare([parse_query(text) for text in _TEXTS])

    async def at(time_ms: int) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
        one = metrics.round(store.scope, prepared, time_ms)
        found = await one.run("group", lambda: [_rows(one.answer(i)) for i in range(len(_TEXTS))])
        times = Times(time_ms, time_ms)
        alone = [
            _rows(await metrics.evaluate(store.scope, parse_query(text), times, lambda answer: answer))
            for text in _TEXTS
        ]
        return found, alone

    for later_ms in (0, 15_000, 7_321):
        found, alone = asyncio.run(at(_AT + later_ms))
        assert found == alone


def _kept_buckets_read() -> float:
    return REGISTRY.get_sample_value("pharos_query_buckets_total", {"how": "kept"}) or 0.0


_OVERLAPPING = [
    'sum by (i) (rate(m{i="1"}[5m]))',
    'rate(m{i=~"1|2"}[5m]) > 0',
    'm{i="3"}',
    "m - m offset 2m",
    'count_over_time(m{i!="1"}[90s])',
    'm{i="nobody"}',
    "rate(n[5m])",
]


@pytest.mark.parametrize("options", [MetricsOptions(), MetricsOptions(max_series=100, max_bytes=1 << 30)])
def test_what_is_read_ahead_of_a_round_is_what_each_query_reads(
    store: Store, options: MetricsOptions
) -> None:
    clock = SystemClock()
    scheduler = Scheduler(store.engine, clock, SchedulerOptions())
    metrics = Metrics(store.changes, clock, scheduler, SeriesCache(store.changes), options)
    prepared = metrics.prepare([parse_query(text) for text in _OVERLAPPING])

    async def at(time_ms: int) -> tuple[list[dict[str, float]], list[int]]:
        one = metrics.round(store.scope, prepared, time_ms)
        found = await one.run("group", lambda: [one.answer(i) for i in range(len(_OVERLAPPING))])
        return [_rows(answer) for answer in found], [answer.samples_read for answer in found]

    async def alone(time_ms: int) -> list[dict[str, float]]:
        times = Times(time_ms, time_ms)
        return [
            _rows(await metrics.evaluate(store.scope, parse_query(text), times, lambda answer: answer))
            for text in _OVERLAPPING
        ]

    # The first round meets selectors that nobody has asked for; later ones find them in memory.
    counts: list[list[int]] = []
    looked: list[float] = []
    for later_ms in (0, 15_000, 60_000):
        before = _kept_buckets_read()
        found, read = asyncio.run(at(_AT + later_ms))
        looked.append(_kept_buckets_read() - before)
        assert found == asyncio.run(alone(_AT + later_ms))
        counts.append(read)
    scheduler.close()
    assert looked[2] < looked[0]
    assert counts[0] == counts[1] == counts[2]
    assert counts[0][:3] == [20, 40, 20]


@pytest.mark.parametrize("options", [MetricsOptions(max_samples=50), MetricsOptions(max_series=4)])
def test_what_is_read_ahead_never_exceeds_what_a_query_may_read(
    store: Store, options: MetricsOptions
) -> None:
    clock = SystemClock()
    scheduler = Scheduler(store.engine, clock, SchedulerOptions())
    few = Metrics(store.changes, clock, scheduler, SeriesCache(store.changes), options)

    def work(one: Round) -> tuple[dict[str, float], Kind]:
        found = _rows(one.answer(0))
        with pytest.raises(PharosError) as refused:
            one.answer(1)
        return found, refused.value.kind

    try:
        for _ in range(3):
            found, kind = _in_round(few, store, ['rate(m{i="1"}[5m])', "rate(m[5m])"], work)
            assert (list(found), kind) == (["i=1"], Kind.LIMITED)
    finally:
        scheduler.close()


def test_samples_read_by_another_query_of_the_round_count_for_each(metrics: Metrics, store: Store) -> None:
    read = _in_round(
        metrics,
        store,
        ["sum(rate(m[5m]))", "sum(rate(m[5m])) > 1e9", "n > 0", "vector(1)"],
        lambda one: [one.answer(i).samples_read for i in range(4)],
    )
    assert read[0] == read[1] > 0
    assert read[2:] == [0, 0]


@pytest.mark.parametrize("other", ["m", "sum(rate(m[5m]))", "m * on() m", "m offset 10m"])
def test_samples_that_only_another_query_looks_at_are_not_of_this_one(
    metrics: Metrics, store: Store, other: str
) -> None:
    texts = ["last_over_time(m[30s])", other]
    prepared = metrics.prepare([parse_query(text) for text in texts])
    last_ms = _BEGIN + 119 * 15_000

    async def read(at_ms: int) -> int:
        one = metrics.round(store.scope, prepared, at_ms)
        return await one.run("group", lambda: one.answer(0).samples_read)

    assert [asyncio.run(read(last_ms + later_ms)) for later_ms in (0, 20_000, 60_000)] == [10, 5, 0]


def test_what_was_recorded_in_the_round_is_found_at_its_time(metrics: Metrics, store: Store) -> None:
    def work(one: Round) -> list[dict[str, float]]:
        before = _rows(one.answer(0))
        one.record([((("__name__", "r"), ("job", "a")), 7.0), ((("__name__", "m"), ("i", "3")), 1.0)])
        return [before, _rows(one.answer(0)), _rows(one.answer(1)), _rows(one.answer(2))]

    before, r, m, everything = _in_round(metrics, store, ["r", "m", '{job=~".+"}'], work)
    assert before == {}
    assert r == everything == {"__name__=r,job=a": 7.0}
    assert m["__name__=m,i=3"] == 1.0
    assert m["__name__=m,i=4"] == 504.0


def test_a_series_that_was_marked_as_gone_in_the_round_is_gone(metrics: Metrics, store: Store) -> None:
    def work(one: Round) -> set[str]:
        one.record([((("__name__", "m"), ("i", "3")), _STALE)])
        return set(_rows(one.answer(0)))

    assert _in_round(metrics, store, ["m"], work) == {f"__name__=m,i={i}" for i in (0, 1, 2, 4)}


def test_a_query_that_fails_leaves_the_others_their_answers(metrics: Metrics, store: Store) -> None:
    def work(one: Round) -> tuple[PharosError, dict[str, float]]:
        with pytest.raises(PharosError) as failed:
            one.answer(0)
        return failed.value, _rows(one.answer(1))

    failed, good = _in_round(metrics, store, ["m + on() m", "sum(m)"], work)
    assert failed.kind is Kind.INVALID
    assert list(good.values()) == [2510.0]


def test_whose_turn_it_is_asks_alone(metrics: Metrics, store: Store) -> None:
    async def run() -> None:
        one = metrics.round(store.scope, metrics.prepare([parse_query("m")]), _AT)
        with pytest.raises(asyncio.InvalidStateError):
            one.answer(0)

    asyncio.run(run())
