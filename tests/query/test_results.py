"""Kept answers continued at their end are to the bit what a new evaluation gives."""

from __future__ import annotations

import random

import numpy as np
import pytest
from tests.query.store import BUCKET_MS, StillClock, Store, days_of

from pharos.engine import Session
from pharos.engine.changes import Changes
from pharos.engine.embedded.store import EmbeddedEngine
from pharos.promql.answer import evaluate
from pharos.promql.grids.grid import Answer
from pharos.promql.language.parse import parse
from pharos.promql.plan import plan
from pharos.query.metrics.results import ResultCache, reach_of
from pharos.query.metrics.samples import Caches, MetricSource, SampleBounds
from pharos.query.metrics.series import SeriesCache

_BEGIN = 1_795_000_000_000 // BUCKET_MS * BUCKET_MS
_QUERIES = [
    "m",
    "rate(m[5m])",
    "sum(rate(m[2m]))",
    "sum by (i) (increase(m[5m] offset 1m))",
    "topk(3, m)",
    "avg(m offset -2m)",
    "max_over_time(rate(m[5m])[10m:1m])",
    "sum_over_time(m[7m]) / count_over_time(m[7m])",
    "m > 3 or rate(m[1m])",
    "absent(m)",
    "quantile(0.9, m)",
    "stddev_over_time(m[3m])",
    "predict_linear(m[5m], 60)",
    "deriv(m[5m])",
    "count_values('v', m)",
    "timestamp(m)",
    "sum(m) by (i) * on (i) m",
    "m and on () (vector(time()) % 120 < 60)",
]
_NOT_KEPT = [
    "m @ end()",
    "sum_over_time(m[5m] @ 1795000000)",
    "m[5m:1m] @ start()",
    "rate(m[step() * 3])",
    "m offset (range() / 2)",
    "m - end()",
    "info(m)",
    '{i="1"}',
    'label_replace(m, "i", "x", "i", ".*")',
    "limitk(2, m)",
    "limit_ratio(0.5, m)",
    "1 + 1",
]


def _plan(text: str, start_ms: int, end_ms: int):  # type: ignore[no-untyped-def]
    return plan(parse(text), start_ms, end_ms, 15_000, 60_000, text=text)


@pytest.mark.parametrize("text", _NOT_KEPT)
def test_answers_that_hang_on_the_querys_own_times_are_not_kept(text: str) -> None:
    if "[5m:1m]" in text:
        text = f"sum_over_time({text})"
    assert reach_of(parse(text), _plan(text, _BEGIN, _BEGIN + 3_600_000)) is None


def test_the_reach_is_what_the_windows_say() -> None:
    text = "rate(m[5m] offset 1m) + avg_over_time(m[10m:2m] offset -3m)"
    reach = reach_of(parse(text), _plan(text, _BEGIN, _BEGIN + 3_600_000))
    assert reach is not None
    # Ten minutes less three of offset, the lookback, and a step of the subquery.
    assert 12 * 60_000 <= reach.back_ms <= 12 * 60_000 + 2 * 120_000
    assert reach.forward_ms == 3 * 60_000


class _Asking:
    """Evaluates over the store, with kept answers and without; counts the steps evaluated for the former."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.results = ResultCache(store.changes, StillClock(_BEGIN), 1 << 24, least_samples=0)
        self.evaluated = 0

    def ask(self, text: str, start_ms: int, end_ms: int, *, kept: bool) -> Answer:
        def work(session: Session) -> Answer:
            source = MetricSource(
                session,
                self.store.scope,
                Caches(self.store.changes, SeriesCache(self.store.changes)),
                SampleBounds(10_000_000, time_s=30),
            )
            if not kept:
                return evaluate(_plan(text, start_ms, end_ms), source)

            def from_start(first_ms: int) -> Answer:
                self.evaluated += (end_ms - first_ms) // 15_000 + 1
                return evaluate(_plan(text, first_ms, end_ms), source)

            planned = _plan(text, start_ms, end_ms)
            return self.results.answer(self.store.tenant, parse(text), planned, from_start)

        return self.store.engine.run_blocking(work)


def _same(left: Answer, right: Answer) -> None:
    assert left.labels == right.labels
    np.testing.assert_array_equal(left.times_ms, right.times_ms)
    np.testing.assert_array_equal(left.present, right.present)
    np.testing.assert_array_equal(
        left.values[left.present].view(np.int64), right.values[right.present].view(np.int64)
    )
    assert (left.warnings, left.infos) == (right.warnings, right.infos)


@pytest.mark.parametrize("seed", range(4))
def test_dashboards_that_refresh_while_samples_come(engine: EmbeddedEngine, seed: int) -> None:
    rng = random.Random(seed)
    store = Store(engine, f"results-{seed}", Changes())
    store.register(6, days_of(_BEGIN - BUCKET_MS, _BEGIN + 2 * BUCKET_MS))
    asking = _Asking(store)
    clock = StillClock(_BEGIN + 30 * 60_000)
    texts = rng.sample(_QUERIES, 7)
    asked = 0
    for _ in range(30):
        count = rng.randrange(1, 30)
        random_of = np.random.default_rng(rng.getrandbits(32))
        late = rng.choice([0, 0, 0, 0, 1_200_000])
        ts = (clock.ms - random_of.integers(0, 20_000 + late, count)).astype(np.int64)
        store.write(random_of.integers(0, 6, count), ts, random_of.normal(5, 3, count))
        if rng.random() < 0.05:
            store.delete("id % 3 = 0")
        for text in texts:
            end = (clock.ms + rng.choice([0, 0, 60_000])) // 15_000 * 15_000
            start = end - rng.choice([1_800_000, 1_800_000, 600_000])
            asked += (end - start) // 15_000 + 1
            _same(asking.ask(text, start, end, kept=True), asking.ask(text, start, end, kept=False))
        clock.ms += rng.choice([1_000, 15_000, 30_000])
    assert asking.evaluated < 0.8 * asked


def test_only_the_new_end_is_evaluated(engine: EmbeddedEngine) -> None:
    store = Store(engine, "results-end", Changes())
    store.register(2, days_of(_BEGIN, _BEGIN + BUCKET_MS))
    asking = _Asking(store)

    def add(ms: int) -> None:
        store.write(np.arange(2), np.full(2, _BEGIN + ms, np.int64), np.full(2, float(ms)))

    for ms in range(0, 3_600_000, 60_000):
        add(ms)
    end = _BEGIN + 3_600_000
    asking.ask("rate(m[5m])", end - 1_800_000, end, kept=True)
    assert asking.evaluated == 121
    add(3_600_000 + 10_000)
    asking.ask("rate(m[5m])", end - 1_785_000, end + 15_000, kept=True)
    assert asking.evaluated == 122
    add(3_600_000 - 50_000)  # late: what it touches is evaluated again
    asking.ask("rate(m[5m])", end - 1_770_000, end + 30_000, kept=True)
    assert asking.evaluated == 122 + 6
    store.delete("id % 2 = 0")
    asking.ask("rate(m[5m])", end - 1_770_000, end + 30_000, kept=True)
    assert asking.evaluated == 122 + 6 + 121
