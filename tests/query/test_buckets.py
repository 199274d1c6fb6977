"""Kept buckets answer to the bit what the store answers, whatever was written, deleted or forgotten."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tests.query.store import BUCKET_MS, HASH, StillClock, Store, days_of

from pharos.engine.changes import Changes
from pharos.engine.embedded.store import EmbeddedEngine
from pharos.errors import Kind, PharosError
from pharos.labels import METRIC_NAME, Matcher, MatchOp
from pharos.policy import Kept, Retention
from pharos.promql.source import STALE_NAN_BITS, SeriesBlock
from pharos.query.metrics.buckets import BucketCache, BucketSizes

_BEGIN = 1_795_000_000_000 // BUCKET_MS * BUCKET_MS
_NAME = Matcher(METRIC_NAME, MatchOp.EQUAL, "m")
_STALE = np.array([STALE_NAN_BITS], np.int64).view(np.float64)[0]
_SPECIAL = [_STALE, float("nan"), float("inf"), float("-inf"), 0.0, -0.0]


def _same(left: SeriesBlock, right: SeriesBlock) -> None:
    assert list(left.labels) == list(right.labels)
    np.testing.assert_array_equal(left.offsets, right.offsets)
    np.testing.assert_array_equal(left.ts_ms, right.ts_ms)
    np.testing.assert_array_equal(left.values.view(np.int64), right.values.view(np.int64))


def _named(store: Store) -> tuple[Matcher, ...]:
    return (Matcher(METRIC_NAME, MatchOp.EQUAL, store.metric),)


def _matchers(rng: random.Random, series: int) -> tuple[Matcher, ...]:
    kind = rng.randrange(4)
    if kind == 0:
        return (_NAME,)
    if kind == 1:
        return (_NAME, Matcher("i", MatchOp.EQUAL, str(rng.randrange(series))))
    if kind == 2:
        return (_NAME, Matcher("i", MatchOp.REGEX, f".*{rng.randrange(10)}"))
    return (_NAME, Matcher("i", MatchOp.NOT_EQUAL, "1"))


def _batch(rng: random.Random, series: int, now_ms: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Samples as they come: new ones, late ones, twice the same time with another value, special values."""
    n = rng.randrange(1, 400)
    late = rng.choice([0, 0, 0, 60_000, 600_000, BUCKET_MS * 2])
    random_of = np.random.default_rng(rng.getrandbits(32))
    ts = now_ms - random_of.integers(0, 15_000 + late, n) // 1000 * 1000
    values = random_of.integers(0, 5, n).astype(np.float64)
    values[random_of.random(n) < 0.1] = rng.choice(_SPECIAL)
    return random_of.integers(0, series, n), ts.astype(np.int64), values


@pytest.mark.parametrize("seed", range(6))
def test_random_writes_deletes_and_evictions_read_as_without_a_cache(
    engine: EmbeddedEngine, seed: int
) -> None:
    rng = random.Random(seed)
    # Small bounds, so that every way of reading is taken by little data.
    sizes = BucketSizes(
        small_rows=500,
        group_rows=2_000,
        read_rows=rng.choice([150, 1_000_000]),
        granule_rows=50,
        granule_series=4,
        statement_rows=200,
        series_rows=40,
        cut_bytes=0,
    )
    series = 40
    store = Store(engine, f"random-{seed}", Changes())
    store.register(series, days_of(_BEGIN - 3 * BUCKET_MS, _BEGIN + 6 * BUCKET_MS))
    clock = StillClock(_BEGIN)
    workers = ThreadPoolExecutor(1)
    limit_bytes = rng.choice([30_000, 200_000, 1 << 30])
    kept = BucketCache(store.changes, clock, limit_bytes, workers=workers, sizes=sizes)
    for _ in range(60):
        clock.ms += rng.choice([1_000, 15_000, 600_000])
        act = rng.random()
        if act < 0.55:
            store.write(*_batch(rng, series, clock.ms))
        elif act < 0.6:
            at = clock.ms - rng.randrange(BUCKET_MS)
            store.delete(f"ts > fromUnixTimestamp64Milli({at})" if rng.random() < 0.5 else "id % 3 = 0")
        elif act < 0.75:
            kept.age()
        end = clock.ms - rng.choice([0, 0, 30_000, BUCKET_MS])
        start = end - rng.choice([0, 300_000, 3_600_000, 3 * BUCKET_MS])
        matchers = _matchers(rng, series)
        _same(store.select(matchers, start, end, kept), store.select(matchers, start, end, None))


def test_of_series_that_come_and_go_those_stay_that_are_asked_for(engine: EmbeddedEngine) -> None:
    """A bucket of two hours with 20 new series a minute, of which the last minutes are looked at."""
    store = Store(engine, "passing", Changes())
    store.register(2_400, days_of(_BEGIN, _BEGIN + BUCKET_MS))
    clock = StillClock(_BEGIN)
    aged = BucketCache(store.changes, clock, 1 << 30, sizes=BucketSizes(cut_bytes=0))
    whole = BucketCache(store.changes, clock, 1 << 30)
    sizes = []
    for minute in range(110):
        at = _BEGIN + 60_000 * minute
        clock.ms = at + 59_999
        born = np.repeat(np.arange(20) + 20 * minute, 4)
        store.write(born, np.tile(at + 15_000 * np.arange(4), 20), born * np.float64(0.37))
        if minute % 5 == 4:
            aged.age()
        last = (_named(store), clock.ms - 600_000, clock.ms)
        seen = store.select(*last, aged)
        _same(seen, store.select(*last, None))
        store.select(*last, whole)
        sizes.append(aged.nbytes)
    assert max(sizes[40:]) < 1.3 * max(sizes[25:40])
    assert 3 * sizes[-1] < whole.nbytes
    # Who asks for more has it, and keeps it while it is asked for.
    for _ in range(3):
        every = (_named(store), _BEGIN, clock.ms)
        _same(store.select(*every, aged), store.select(*every, None))
        assert aged.nbytes > sizes[-1]
        aged.age()
    aged.age()
    store.select(_named(store), clock.ms - 600_000, clock.ms, aged)
    aged.age()
    aged.age()
    assert 3 * aged.nbytes < whole.nbytes


def test_small_buckets_and_those_nobody_asks_for_stay_whole(engine: EmbeddedEngine) -> None:
    store = Store(engine, "staying", Changes())
    store.register(8, days_of(_BEGIN, _BEGIN + BUCKET_MS))
    clock = StillClock(_BEGIN + BUCKET_MS - 1)
    minutes = np.arange(100, dtype=np.int64)
    store.write(
        np.repeat(np.arange(8), 100), np.tile(_BEGIN + 60_000 * minutes, 8), np.tile(minutes * 0.37, 8)
    )
    for sizes, start in ((BucketSizes(), clock.ms - 600_000), (BucketSizes(cut_bytes=0), _BEGIN)):
        kept = BucketCache(store.changes, clock, 1 << 30, sizes=sizes)
        store.select(_named(store), _BEGIN, clock.ms, kept)
        before = kept.nbytes
        store.select(_named(store), start, clock.ms, kept)
        for _ in range(5):
            kept.age()
        assert kept.nbytes == before


@pytest.mark.parametrize("names", ["m", "mn"])
def test_a_note_between_reading_and_keeping_is_not_lost(engine: EmbeddedEngine, names: str) -> None:
    """Writers and readers at once: what was noted before a read began is in the read, also of two metrics."""
    changes = Changes()
    stores = [Store(engine, f"threads-{names}", changes, metric=name) for name in names]
    for store in stores:
        store.register(8, days_of(_BEGIN, _BEGIN + BUCKET_MS))
    kept = BucketCache(changes, StillClock(_BEGIN), 1 << 30)
    noted = [0]
    faults: list[str] = []
    span = (_BEGIN, _BEGIN + BUCKET_MS - 1)

    def write() -> None:
        for k in range(1, 121):
            at = _BEGIN + (k if k % 7 else k // 2) * 1_000
            for store in stores:
                store.write(
                    np.arange(8), np.full(8, at, np.int64), np.full(8, float(k)), note=True
                )  # late ones too: every seventh overwrites nothing, it fills what a stamp has passed
            noted[0] = k

    def read(reader: int) -> None:
        asked = stores[reader % 2 :] + stores[: reader % 2]
        while noted[0] < 120 and not faults:
            for store in asked:
                before = noted[0]
                block = store.select(_named(store), *span, kept)
                newest = block.values.max(initial=0.0)
                if newest < before and before:
                    faults.append(f"noted {before}, read {newest}")

    threads = [threading.Thread(target=read, args=(reader,)) for reader in range(3)]
    for thread in threads:
        thread.start()
    write()
    for thread in threads:
        thread.join()
    assert faults == []
    for store in stores:
        _same(store.select(_named(store), *span, kept), store.select(_named(store), *span, None))


def _filled(engine: EmbeddedEngine, tenant: str, series: int = 4, samples: int = 20) -> Store:
    store = Store(engine, tenant, Changes())
    store.register(series, days_of(_BEGIN, _BEGIN + BUCKET_MS))
    for k in range(samples):
        store.write(
            np.arange(series), np.full(series, _BEGIN + k * 15_000, np.int64), np.full(series, float(k))
        )
    return store


class _CountingCache(BucketCache):
    """Counts what is read of the store."""

    reads = 0

    def cover(self, reader, asked, **how):  # type: ignore[no-untyped-def]
        rows = reader.rows

        def counted(metric: int, first: int, last: int, low_ms: int | None = None, ids: object = None):  # type: ignore[no-untyped-def]
            found = rows(metric, first, last, low_ms)
            self.reads += sum(len(chunk[0]) for chunk in found)
            return found

        reader.rows = counted
        return super().cover(reader, asked, **how)


def test_only_what_was_added_is_read(engine: EmbeddedEngine) -> None:
    store = _filled(engine, "additions")
    kept = _CountingCache(store.changes, StillClock(), 1 << 20)
    span = (_BEGIN, _BEGIN + BUCKET_MS - 1)
    store.select((_NAME,), *span, kept)
    assert kept.reads == 80
    store.select((_NAME,), *span, kept)
    assert kept.reads == 80
    store.write(np.arange(4), np.full(4, _BEGIN + 20 * 15_000, np.int64), np.full(4, 20.0))
    block = store.select((_NAME,), *span, kept)
    assert kept.reads == 84
    assert len(block.ts_ms) == 84
    store.write(np.array([2]), np.array([_BEGIN + 18 * 15_000 + 1], np.int64), np.array([7.0]))
    block = store.select((_NAME,), *span, kept)
    assert kept.reads == 84 + 9
    assert len(block.ts_ms) == 85


class _ListingCache(BucketCache):
    """Lists of which metrics is read of the store, statement by statement."""

    def __init__(self, changes: Changes) -> None:
        super().__init__(changes, StillClock(), 1 << 20)
        self.read: list[list[int]] = []

    def cover(self, reader, asked, **how):  # type: ignore[no-untyped-def]
        rows, rows_since = reader.rows, reader.rows_since

        def listed(metric: int, *where: object, **more: object):  # type: ignore[no-untyped-def]
            self.read.append([metric])
            return rows(metric, *where, **more)

        def listed_since(metrics: list[int], bucket: int, low_ms: int):  # type: ignore[no-untyped-def]
            self.read.append(metrics)
            return rows_since(metrics, bucket, low_ms)

        reader.rows, reader.rows_since = listed, listed_since
        return super().cover(reader, asked, **how)


def test_what_a_page_asks_again_is_read_by_one_statement(engine: EmbeddedEngine) -> None:
    changes = Changes()
    stores = [Store(engine, "together", changes, metric=name) for name in "mnop"]
    kept = _ListingCache(changes)
    span = (_BEGIN, _BEGIN + BUCKET_MS - 1)

    def ask(asked: list[Store]) -> list[int]:
        """Ask for each metric; return of how many each statement read."""
        kept.read.clear()
        for store in asked:
            _same(store.select(_named(store), *span, kept), store.select(_named(store), *span, None))
        return [len(metrics) for metrics in kept.read]

    def write(written: list[Store], k: int) -> None:
        for place, store in enumerate(written):
            # One is a scrape late, so that its samples begin before the others'.
            at = _BEGIN + (k - (place == 1)) * 15_000
            store.write(np.arange(4), np.full(4, at, np.int64), np.full(4, float(k + 10 * place)))

    for store in stores:
        store.register(4, days_of(_BEGIN, _BEGIN + BUCKET_MS))
    write(stores, 1)
    assert ask(stores) == [1, 1, 1, 1]
    for k in (2, 3):
        write(stores, k)
        assert ask(stores) == [4]
    write(stores[:3], 4)
    assert ask(stores) == [3]
    # What nobody asks for any more is read once more, and then left alone.
    write(stores, 5)
    assert ask(stores[:1]) == [4]
    write(stores, 6)
    assert ask(stores[:1]) == [1]
    assert sorted(ask(stores)) == [1, 1, 1]


def test_late_samples_of_one_metric_do_not_make_others_read_much(engine: EmbeddedEngine) -> None:
    changes = Changes()
    steady, late = (Store(engine, "late", changes, metric=name) for name in "mn")
    kept = _ListingCache(changes)
    span = (_BEGIN, _BEGIN + BUCKET_MS - 1)
    for round_ in (1, 2):
        for store in (steady, late):
            store.register(4, days_of(_BEGIN, _BEGIN + BUCKET_MS))
            at = _BEGIN + (3_600_000 if store is steady or round_ == 1 else 60_000) + round_
            store.write(np.arange(4), np.full(4, at, np.int64), np.full(4, 1.0))
        kept.read.clear()
        for store in (steady, late):
            _same(store.select(_named(store), *span, kept), store.select(_named(store), *span, None))
        assert [len(metrics) for metrics in kept.read] == [1, 1]


def test_what_was_written_without_a_note_is_not_seen(engine: EmbeddedEngine) -> None:
    """The notes are what the cache lives by: the loader gives them once the store has the rows."""
    store = _filled(engine, "silent")
    kept = BucketCache(store.changes, StillClock(), 1 << 20)
    span = (_BEGIN, _BEGIN + BUCKET_MS - 1)
    before = store.select((_NAME,), *span, kept)
    store.write(np.array([0]), np.array([_BEGIN + 900_000], np.int64), np.array([1.0]), note=False)
    _same(store.select((_NAME,), *span, kept), before)


def test_few_series_of_a_large_bucket_load_it_only_when_asked_often(
    engine: EmbeddedEngine,
) -> None:
    store = _filled(engine, "few", series=64)
    sizes = BucketSizes(small_rows=10, granule_rows=320, statement_rows=0, series_rows=1)
    kept = _CountingCache(store.changes, StillClock(), 1 << 20, sizes=sizes)
    one = (_NAME, Matcher("i", MatchOp.EQUAL, "7"))
    span = (_BEGIN, _BEGIN + BUCKET_MS - 1)
    for _ in range(3):
        assert len(store.select(one, *span, kept).ts_ms) == 20
        assert kept.reads == 0
        assert kept.nbytes == 0
    for _ in range(2):  # by now as many rows were read as the bucket has: it is loaded, once
        assert len(store.select(one, *span, kept).ts_ms) == 20
        assert kept.reads == 64 * 20


@pytest.mark.parametrize(("samples", "questions"), [(20, 3), (240, 8)])
def test_the_last_minutes_of_all_series_load_a_bucket_when_they_cost_as_much(
    engine: EmbeddedEngine, samples: int, questions: int
) -> None:
    """A bucket that has little more than these minutes is loaded sooner than a long one."""
    store = _filled(engine, f"minutes-{samples}", series=64, samples=samples)
    sizes = BucketSizes(small_rows=10, group_rows=100)
    kept = _CountingCache(store.changes, StillClock(), 1 << 20, sizes=sizes)
    end = _BEGIN + (samples - 1) * 15_000
    for number in range(1, questions + 2):
        assert len(store.select((_NAME,), end - 19 * 15_000, end, kept).ts_ms) == 64 * 20
        assert kept.reads == (0 if number < questions else 64 * samples)


def test_the_cache_stays_within_its_bound(engine: EmbeddedEngine) -> None:
    store = Store(engine, "bound", Changes())
    store.register(4, days_of(_BEGIN, _BEGIN + 40 * BUCKET_MS))
    for k in range(40):
        ts = _BEGIN + k * BUCKET_MS + np.arange(50) * 15_000
        store.write(np.zeros(50, np.int64), ts.astype(np.int64), np.ones(50))
    kept = BucketCache(store.changes, StillClock(), 12_000)
    for k in range(40):
        start = _BEGIN + k * BUCKET_MS
        assert len(store.select((_NAME,), start, start + BUCKET_MS - 1, kept).ts_ms) == 50
        assert kept.nbytes <= 12_000
    assert kept.nbytes > 0


def test_buckets_that_retention_may_drop_are_not_kept(engine: EmbeddedEngine) -> None:
    store = _filled(engine, "retention")
    clock = StillClock(_BEGIN + 10 * BUCKET_MS)
    kept = BucketCache(store.changes, clock, 1 << 20, Retention(Kept(metrics=5 * BUCKET_MS)))
    assert len(store.select((_NAME,), _BEGIN, _BEGIN + BUCKET_MS - 1, kept).ts_ms) == 80
    assert kept.nbytes == 0


def test_a_query_counts_what_it_takes_from_kept_buckets(engine: EmbeddedEngine) -> None:
    store = _filled(engine, "budget")
    kept = BucketCache(store.changes, StillClock(), 1 << 20)
    span = (_BEGIN, _BEGIN + BUCKET_MS - 1)
    assert len(store.select((_NAME,), *span, kept, max_samples=81).ts_ms) == 80
    with pytest.raises(PharosError) as caught:
        store.select((_NAME,), *span, kept, max_samples=80)
    assert caught.value.kind is Kind.LIMITED


def test_loading_a_bucket_is_not_on_the_budget_of_the_query(engine: EmbeddedEngine) -> None:
    store = _filled(engine, "loading")
    kept = BucketCache(store.changes, StillClock(), 1 << 20)
    one = (_NAME, Matcher("i", MatchOp.EQUAL, "2"))
    block = store.select(one, _BEGIN, _BEGIN + BUCKET_MS - 1, kept, max_samples=30)
    assert len(block.ts_ms) == 20
    assert kept.nbytes > 80 * 12


def test_additions_beyond_what_is_remembered_read_more_never_less() -> None:
    rng = random.Random(3)
    changes = Changes()
    stamps = [changes.watch("t", HASH, (5,))]
    smallest: list[int] = []
    for k in range(400):
        at = k * 10 if rng.random() < 0.9 else rng.randrange(4_000)
        changes.note_samples("t", [(HASH, 5, at), (HASH, 6, -1), (HASH + 1, 5, -1)])
        smallest.append(at)
        stamps.append(changes.watch("t", HASH, (5,)))
    for k, stamp in enumerate(stamps[:-1]):
        told = changes.added_since("t", HASH, 5, stamp)
        assert told is not None
        assert told <= min(smallest[k:])
    assert changes.added_since("t", HASH, 5, stamps[-1]) is None
