"""What `Metrics.evaluate` adds to an evaluation: shared work, slots, the log of slow queries."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from msgspec.structs import replace
from tests.query.store import BUCKET_MS, Store, days_of

from pharos.access import Scope
from pharos.clock import Clock, SystemClock
from pharos.engine.changes import Changes
from pharos.engine.embedded.store import EmbeddedEngine
from pharos.errors import Kind, PharosError
from pharos.promql.grids.grid import Answer
from pharos.query.admission import SamplePool, SampleShare
from pharos.query.limits import Measured, Scheduler, SchedulerOptions, Times
from pharos.query.metrics.evaluation import Metrics, MetricsOptions
from pharos.query.metrics.query import parse_query
from pharos.query.metrics.series import SeriesCache
from pharos.telemetry import REGISTRY

_BEGIN = 1_795_000_000_000 // BUCKET_MS * BUCKET_MS
_TIMES = Times(_BEGIN, _BEGIN + 1_800_000, 15_000)
_QUERY = parse_query("sum(rate(m[5m]))")


class _HastyClock(SystemClock):
    """Every look at the clock finds it a second later."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic_s(self) -> float:
        self.seconds += 1
        return self.seconds


class _TellingPool(SamplePool):
    """Tells when somebody waits for room."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.asked = threading.Event()

    def take(self, share: SampleShare, samples: int, check: Callable[[], None]) -> None:
        def tell_and_check() -> None:
            self.asked.set()
            check()

        super().take(share, samples, tell_and_check)


@pytest.fixture(scope="module")
def store(engine: EmbeddedEngine) -> Store:
    store = Store(engine, "evaluation", Changes())
    store.register(5, days_of(_BEGIN, _BEGIN + BUCKET_MS))
    ts = np.repeat(_BEGIN + np.arange(120) * 15_000, 5)
    store.write(np.tile(np.arange(5), 120), ts.astype(np.int64), np.arange(600).astype(np.float64))
    return store


def _total(name: str, **labels: str) -> float:
    """Return what a counter of the server stands at."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


def _reused(how: str) -> float:
    return _total("pharos_query_reused_total", how=how)


def _points(answer: Answer) -> list[float]:
    return answer.values[answer.present].tolist()  # type: ignore[no-any-return]


_OPEN: list[Scheduler] = []


@pytest.fixture(autouse=True)
def _closed_at_the_end() -> Iterator[None]:
    yield
    while _OPEN:
        _OPEN.pop().close()


def _scheduler(
    store: Store, options: SchedulerOptions | None = None, clock: Clock | None = None
) -> Scheduler:
    scheduler = Scheduler(store.engine, clock or SystemClock(), options or SchedulerOptions())
    _OPEN.append(scheduler)
    return scheduler


def _metrics(
    store: Store,
    options: MetricsOptions | None = None,
    scheduler: Scheduler | None = None,
    clock: Clock | None = None,
) -> Metrics:
    clock = clock or SystemClock()
    scheduler = scheduler or _scheduler(store, clock=clock)
    series = SeriesCache(store.changes)
    return Metrics(store.changes, clock, scheduler, series, options or MetricsOptions())


async def test_equal_queries_at_once_are_evaluated_once_and_answered_each(store: Store) -> None:
    metrics = _metrics(store)
    before = _reused("shared")
    answers = await asyncio.gather(
        *(metrics.evaluate(store.scope, _QUERY, _TIMES, _points) for _ in range(5)),
        metrics.evaluate(Scope("another"), _QUERY, _TIMES, _points),
        metrics.evaluate(store.scope, _QUERY, replace(_TIMES, step_ms=30_000), _points),
    )
    assert _reused("shared") == before + 4
    assert answers[:5] == [answers[0]] * 5
    assert len(answers[0]) == 120
    assert answers[5] == []
    assert len(answers[6]) == 60


async def test_who_asks_after_a_note_does_not_get_the_answer_from_before(store: Store) -> None:
    metrics = _metrics(store)
    first = asyncio.create_task(metrics.evaluate(store.scope, parse_query("count(m)"), _TIMES, _points))
    await asyncio.sleep(0)
    store.changes.note_samples(store.tenant, [])
    before = _reused("shared")
    assert await metrics.evaluate(store.scope, parse_query("count(m)"), _TIMES, _points) == await first
    assert _reused("shared") == before


async def test_an_answer_that_may_lack_what_was_accepted_says_so(store: Store) -> None:
    metrics = _metrics(store, MetricsOptions(arrival_wait_s=0.0))
    store.changes.arrivals.note("run", store.tenant, _TIMES.start_ms, _TIMES.end_ms)

    def told(answer: Answer) -> tuple[str, ...]:
        return answer.warnings

    (warning,) = await metrics.evaluate(store.scope, _QUERY, _TIMES, told)
    assert "are not stored yet" in warning
    another = replace(_TIMES, start_ms=_TIMES.end_ms + 86_400_000, end_ms=_TIMES.end_ms + 90_000_000)
    assert await metrics.evaluate(store.scope, _QUERY, another, told) == ()
    store.changes.arrivals.stored("run")
    assert await metrics.evaluate(store.scope, _QUERY, _TIMES, told) == ()


async def test_without_a_slot_in_time_the_queue_times_out(store: Store) -> None:
    metrics = _metrics(store, scheduler=_scheduler(store, SchedulerOptions(max_concurrent=0)))
    with pytest.raises(PharosError) as caught:
        await metrics.evaluate(store.scope, _QUERY, _TIMES, _points, timeout_ms=20)
    assert (caught.value.kind, caught.value.message) == (Kind.TIMEOUT, "query timed out in query queue")


async def test_slow_queries_are_logged_with_their_plan(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    before = _total("pharos_query_slow_total")
    hasty = _metrics(store, MetricsOptions(slow_ms=2_000), clock=_HastyClock())
    with caplog.at_level(logging.DEBUG, "pharos.query.metrics.evaluation"):
        await hasty.evaluate(store.scope, _QUERY, _TIMES, _points)
    assert _total("pharos_query_slow_total") == before + 1
    slow, plan = caplog.records
    assert slow.levelno == logging.WARNING
    assert f"query={_QUERY.text!r}" in slow.getMessage()
    assert "tenant=evaluation" in slow.getMessage()
    assert plan.levelno == logging.DEBUG
    assert "aggregate sum" in plan.getMessage()


async def test_a_dashboard_that_refreshes_continues_its_answer(store: Store) -> None:
    metrics = _metrics(store, MetricsOptions(kept_answer_samples=0))
    later = replace(_TIMES, start_ms=_TIMES.start_ms + 60_000, end_ms=_TIMES.end_ms + 60_000)
    await metrics.evaluate(store.scope, _QUERY, _TIMES, _points)
    before = _reused("continued")
    continued = await metrics.evaluate(store.scope, _QUERY, later, _points)
    assert _reused("continued") == before + 1
    assert continued == await _metrics(store).evaluate(store.scope, _QUERY, later, _points)


async def test_who_measures_is_served_by_an_answer_that_is_there_unless_each_step_is_counted(
    store: Store,
) -> None:
    metrics = _metrics(store, MetricsOptions(kept_answer_samples=0))
    first, kept, counted = Measured(), Measured(), Measured(by_step=True)
    await metrics.evaluate(store.scope, _QUERY, _TIMES, _points, measured=first)
    later = replace(_TIMES, start_ms=_TIMES.start_ms + 60_000, end_ms=_TIMES.end_ms + 60_000)
    before = _reused("continued")
    continued = await metrics.evaluate(store.scope, _QUERY, later, _points, measured=kept)
    assert _reused("continued") == before + 1
    assert kept.eval_s > 0
    assert kept.samples_per_step is None
    assert await metrics.evaluate(store.scope, _QUERY, later, _points, measured=counted) == continued
    assert _reused("continued") == before + 1
    assert counted.samples_per_step is not None


async def test_who_follows_an_equal_question_is_told_how_long_it_waited(store: Store) -> None:
    metrics = _metrics(store)
    measured = [Measured() for _ in range(3)]
    await asyncio.gather(
        *(metrics.evaluate(store.scope, _QUERY, _TIMES, _points, measured=one) for one in measured)
    )
    assert [one.prepare_s > 0 for one in measured] == [True, False, False]
    assert all(one.queue_s > 0 for one in measured)


async def test_a_query_that_wants_no_reuse_is_evaluated_from_its_start(store: Store) -> None:
    metrics = _metrics(store, MetricsOptions(kept_answer_samples=0))
    await metrics.evaluate(store.scope, _QUERY, _TIMES, _points)
    later = replace(_TIMES, start_ms=_TIMES.start_ms + 60_000, end_ms=_TIMES.end_ms + 60_000)
    before = _reused("continued"), _reused("shared")
    asked = [metrics.evaluate(store.scope, _QUERY, later, _points, reuse=False) for _ in range(3)]
    first, *others = await asyncio.gather(*asked)
    after = _reused("continued"), _reused("shared")
    assert after == before
    assert others == [first, first]


async def test_a_query_whose_client_left_gives_its_turn_back_while_it_waits(store: Store) -> None:
    scheduler = _scheduler(store)
    metrics = _metrics(store, MetricsOptions(max_samples=1_000), scheduler)
    pool = scheduler.samples = _TellingPool(1_000)
    held = pool.share()
    held.take(1_000, lambda: None)
    asked = asyncio.create_task(metrics.evaluate(store.scope, parse_query("m"), _TIMES, _points))
    await asyncio.to_thread(pool.asked.wait)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    everyone = threading.Barrier(SchedulerOptions().max_concurrent)
    # Only when every turn is free do all of these meet.
    meeting = (
        scheduler.finish(store.scope, scheduler.deadline(), lambda: everyone.wait(30))
        for _ in range(everyone.parties)
    )
    await asyncio.gather(*meeting)
    held.close()
    scheduler.close()
    everything, more = pool.share(), pool.share()
    everything.take(1_000, lambda: None)
    everything.empty()
    more.take(1_000, lambda: pytest.fail("something is held still"))


@pytest.mark.parametrize(
    "query", ["m", "sum(rate(m[5m]))", 'm{i="0"} + m{i="1"} + m{i="2"}', "m or m{i='0'}"]
)
async def test_a_query_that_selects_too_many_series_is_refused(store: Store, query: str) -> None:
    unbounded = _metrics(store)
    await unbounded.evaluate(store.scope, parse_query(query), _TIMES, _points)
    metrics = _metrics(store, MetricsOptions(max_series=2))
    for _ in range(2):
        with pytest.raises(PharosError, match="would select more than 2 series") as caught:
            await metrics.evaluate(store.scope, parse_query(query), _TIMES, _points)
        assert caught.value.kind is Kind.LIMITED
    assert await metrics.evaluate(store.scope, parse_query('m{i=~"0|1"}'), _TIMES, _points)


async def test_a_query_that_needs_too_much_memory_is_refused(store: Store) -> None:
    metrics = _metrics(store, MetricsOptions(max_bytes=4_000))
    with pytest.raises(PharosError, match="in memory") as caught:
        await metrics.evaluate(store.scope, parse_query("m"), _TIMES, _points)
    assert caught.value.kind is Kind.LIMITED
    assert (
        await metrics.evaluate(store.scope, parse_query('max_over_time(m{i="0"}[1m] @ 0)'), _TIMES, _points)
        == []
    )
