"""A selection read in blocks of series gives the same answer as one read at once."""

from __future__ import annotations

import numpy as np
import pytest
from tests.query.store import BUCKET_MS, StillClock, Store, days_of

from pharos.engine import Session
from pharos.engine.changes import Changes
from pharos.engine.embedded.store import EmbeddedEngine
from pharos.errors import Kind, PharosError
from pharos.promql.answer import evaluate_text
from pharos.promql.grids.grid import Answer, Grid
from pharos.promql.grids.room import Room
from pharos.query.metrics.buckets import BucketCache
from pharos.query.metrics.samples import BlockSizes, Caches, MetricSource, SampleBounds
from pharos.query.metrics.series import SeriesCache

_BEGIN = 1_795_000_000_000 // BUCKET_MS * BUCKET_MS
_END = _BEGIN + 3 * BUCKET_MS
_QUERIES = [
    "m",
    "m @ end()",
    "rate(m[5m])",
    "sum(rate(m[5m]))",
    "topk(3, max_over_time(m[10m]))",
    "count_over_time(m[1h]) and m > 3",
    "absent_over_time(m[5m])",
    'absent_over_time(m{i="none"}[5m])',
    "sum by (i) (m) / on (i) sum by (i) (m offset 10m)",
    "max_over_time(rate(m[5m])[30m:5m])",
    "timestamp(m)",
    "quantile_over_time(0.5, m[5m])",
    "last_over_time(m[5m])",
]


@pytest.fixture(scope="module")
def store(engine: EmbeddedEngine) -> Store:
    store = Store(engine, "blocks", Changes())
    store.register(37, days_of(_BEGIN - BUCKET_MS, _END))
    rng = np.random.default_rng(5)
    series = np.repeat(np.arange(37), 360)
    ts = np.tile(np.arange(360) * 60_000, 37) + _BEGIN
    keep = rng.random(len(ts)) < 0.8
    store.write(series[keep], ts[keep], np.cumsum(rng.integers(-1, 5, len(ts))).astype(np.float64)[keep])
    return store


def _answer(
    store: Store,
    text: str,
    buckets: BucketCache | None,
    max_samples: int = 10_000_000,
    sizes: BlockSizes | None = None,
) -> Answer:
    def work(session: Session) -> Answer:
        source = MetricSource(
            session,
            store.scope,
            Caches(store.changes, SeriesCache(store.changes), buckets),
            SampleBounds(max_samples, time_s=30),
            sizes=sizes,
        )
        return evaluate_text(text, source, _BEGIN + 3_600_000, _END, 300_000)

    return store.engine.run_blocking(work)


@pytest.mark.parametrize("text", _QUERIES)
@pytest.mark.parametrize("cache_bytes", [0, 60_000, 1 << 20])
@pytest.mark.parametrize("cells", [50, 100_000])
def test_in_blocks_as_at_once(store: Store, text: str, cache_bytes: int, cells: int) -> None:
    whole = _answer(store, text, None)
    buckets = BucketCache(store.changes, StillClock(), cache_bytes)
    parted = _answer(store, text, buckets, sizes=BlockSizes(samples=1_500, cells=cells))
    assert parted.labels == whole.labels
    np.testing.assert_array_equal(parted.values, whole.values)
    np.testing.assert_array_equal(parted.present, whole.present)
    assert (parted.warnings, parted.infos) == (whole.warnings, whole.infos)


def test_the_budget_bounds_a_block_and_not_the_query(store: Store) -> None:
    with pytest.raises(PharosError) as caught:
        _answer(store, "sum(rate(m[5m]))", None, max_samples=4_000)
    assert caught.value.kind is Kind.LIMITED
    small = BlockSizes(samples=1_500)
    answer = _answer(store, "sum(rate(m[5m]))", None, max_samples=4_000, sizes=small)
    assert answer.samples_read > 8_000


def _full(series: int, steps: int) -> Grid:
    return Grid([()] * series, np.ones((series, steps)), np.ones((series, steps), np.bool_))


def test_what_is_sure_to_be_too_much_is_refused_early() -> None:
    room = Room(limit=1_000_000, series=100_000)
    room.take(100, _full(100, 1_000))
    with pytest.raises(PharosError) as caught:
        room.take(100, _full(100, 1_000))
    assert caught.value.kind is Kind.LIMITED


def test_what_may_still_fit_goes_on_until_it_does_not() -> None:
    room = Room(limit=1_000_000, series=1_900)
    for _ in range(10):
        room.take(100, _full(100, 1_000))
    with pytest.raises(PharosError):
        room.take(100, _full(100, 1_000))


def test_gaps_take_room_too() -> None:
    sparse = _full(200, 1_000)
    sparse.present[:, 1:] = False
    with pytest.raises(PharosError):
        Room(limit=1_000_000, series=100_000).take(200, sparse)
    Room(limit=1_000_000, series=5_000).take(200, sparse)
