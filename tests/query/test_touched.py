"""What the loader tells of a run: every bucket of every metric that got rows, with its smallest time."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pharos.engine.keys import BUCKET_MS
from pharos.ingest.metrics.touched import touched_buckets

_ROWS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 7, 2**64 - 1, 2**63]),
        st.integers(-5 * BUCKET_MS, 5 * BUCKET_MS),
    ),
    max_size=60,
)


@settings(max_examples=60)
@given(_ROWS)
def test_as_counted_row_by_row(rows: list[tuple[int, int]]) -> None:
    expected: dict[tuple[int, int], int] = {}
    for metric, ts in rows:
        key = (metric, ts // BUCKET_MS)
        expected[key] = min(ts, expected.get(key, ts))
    metrics = np.array([metric for metric, _ in rows], np.uint64)
    found = touched_buckets(metrics, np.array([ts for _, ts in rows], np.int64))
    assert sorted(found) == sorted((*key, least) for key, least in expected.items())


def test_more_metrics_than_there_was_room_for_at_first() -> None:
    metrics = np.arange(50_000, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    found = touched_buckets(metrics, np.full(50_000, 3, np.int64))
    assert sorted(metric for metric, _, _ in found) == sorted(metrics.tolist())
    assert {(bucket, least) for _, bucket, least in found} == {(0, 3)}
