"""A store that tests write samples to, and the two ways to read them back: with kept buckets and without."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pharos.access import Scope
from pharos.engine import Session, native
from pharos.engine.changes import Changes
from pharos.engine.embedded.store import EmbeddedEngine
from pharos.engine.keys import BUCKET_MS, DAY_MS, bucket_of, metric_hash
from pharos.ingest.metrics.touched import touched_buckets
from pharos.ingest.metrics.values import value_columns
from pharos.labels import Matcher
from pharos.promql.source import SeriesBlock
from pharos.query.metrics.buckets import BucketCache
from pharos.query.metrics.samples import Caches, MetricSource, SampleBounds
from pharos.query.metrics.series import SeriesCache

METRIC = "m"
HASH = metric_hash(METRIC)
_TOKENS = itertools.count()


class StillClock:
    """A clock that stands at a given time."""

    def __init__(self, now_ms: int = 0) -> None:
        self.ms = now_ms

    def now_ms(self) -> int:
        return self.ms

    def now_ns(self) -> int:
        return self.ms * 1_000_000

    def monotonic_s(self) -> float:
        return self.ms / 1000


@dataclass
class Store:
    """One tenant's samples of a metric of one letter; series i has the label `i` and an id that scatters."""

    engine: EmbeddedEngine
    tenant: str
    changes: Changes
    metric: str = METRIC

    @property
    def scope(self) -> Scope:
        return Scope(self.tenant)

    def ids(self, series: NDArray[np.int64]) -> NDArray[np.uint64]:
        after = np.uint64(1 + 4096 * (ord(self.metric) - ord("a")))
        return (series.astype(np.uint64) + after) * np.uint64(0x9E3779B97F4A7C15)

    def register(self, series: int, days: range, *, note: bool = True) -> None:
        """Store the label sets of series 0 ... `series` - 1 for the days."""
        rows = [(i, day) for i in range(series) for day in days]
        places = np.array([i for i, _ in rows], np.int64)
        name = b"\x01" + self.metric.encode()
        keys = b"".join(b"\x08__name__\x01i" for _ in rows)
        values = b"".join(name + bytes([len(str(i))]) + str(i).encode() for i, _ in rows)
        self.engine.load(
            "series",
            len(rows),
            [
                native.repeated_string("tenant", [(self.tenant, len(rows))]),
                native.packed_strings("metric", name * len(rows)),
                native.numbers("m", np.full(len(rows), metric_hash(self.metric), np.uint64)),
                native.numbers("id", self.ids(places)),
                native.numbers("day", np.array([day for _, day in rows], np.int32), "Date32"),
                native.string_map("labels", 2 * np.arange(1, len(rows) + 1, dtype=np.uint64), keys, values),
            ],
            token=f"test-{next(_TOKENS)}",
        )
        if note:
            self.changes.note_series(self.tenant, [metric_hash(self.metric)])

    def write(
        self,
        series: NDArray[np.int64],
        ts: NDArray[np.int64],
        values: NDArray[np.float64],
        *,
        note: bool = True,
    ) -> None:
        """Store samples as the loader does: first the rows, then the note."""
        metric = np.full(len(ts), metric_hash(self.metric), np.uint64)
        self.engine.load(
            "samples",
            len(ts),
            [
                native.repeated_string("tenant", [(self.tenant, len(ts))]),
                native.numbers("b", bucket_of(ts)),
                native.numbers("id", self.ids(series)),
                native.numbers("m", metric),
                native.numbers("ts", ts, "DateTime64(3, 'UTC')"),
                *value_columns(values),
            ],
            token=f"test-{next(_TOKENS)}",
        )
        if note:
            self.changes.note_samples(self.tenant, touched_buckets(metric, ts))

    def delete(self, condition: str) -> None:
        """Delete samples, as an administrator may."""
        fenced = f"tenant = '{self.tenant}' AND {condition}"
        text = f"DELETE FROM samples WHERE {fenced} SETTINGS mutations_sync=2"
        self.engine.control(lambda session: session.execute(text))
        self.changes.note_rewritten(self.tenant)

    def select(
        self,
        matchers: tuple[Matcher, ...],
        start_ms: int,
        end_ms: int,
        buckets: BucketCache | None,
        max_samples: int = 1_000_000,
    ) -> SeriesBlock:
        def work(session: Session) -> SeriesBlock:
            source = MetricSource(
                session,
                self.scope,
                Caches(self.changes, SeriesCache(self.changes), buckets),
                SampleBounds(max_samples, time_s=30),
            )
            return source.select(matchers, start_ms, end_ms)

        return self.engine.run_blocking(work)


def days_of(first_ms: int, last_ms: int) -> range:
    return range(first_ms // DAY_MS, last_ms // DAY_MS + 1)


__all__ = ["BUCKET_MS", "HASH", "METRIC", "StillClock", "Store", "days_of"]
