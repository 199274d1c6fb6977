"""What PromQL reads: a source of samples, and the columnar block it answers with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pharos.labels import Labels, Matcher

STALE_NAN_BITS = 0x7FF0000000000002
"""The bits of Prometheus' stale marker (model/value); any other NaN is an ordinary value."""


class HistogramColumns(Struct, frozen=True):
    """Native histograms of a block in columns, one row a histogram sample, grouped by series.

    Row r of series i stands in `offsets[i] <= r < offsets[i + 1]`, ascending in time. Spans and bucket
    counts of row r stand between `*_at[r]` and `*_at[r + 1]`. Bucket counts are absolute floats (never
    deltas). `schema` -53 means custom buckets, whose upper bounds stand in `custom`.
    A stale marker has the stale NaN's bits in `sum`.
    """

    offsets: NDArray[np.int64]
    ts_ms: NDArray[np.int64]
    count: NDArray[np.float64]
    sum: NDArray[np.float64]
    schema: NDArray[np.int8]
    zero_threshold: NDArray[np.float64]
    zero_count: NDArray[np.float64]
    reset_hint: NDArray[np.uint8]
    """0 unknown, 1 reset, 2 no reset, 3 gauge (prompb.Histogram.ResetHint)."""
    positive_spans_at: NDArray[np.int64]
    positive_span_offset: NDArray[np.int32]
    positive_span_length: NDArray[np.uint32]
    positive_at: NDArray[np.int64]
    positive: NDArray[np.float64]
    negative_spans_at: NDArray[np.int64]
    negative_span_offset: NDArray[np.int32]
    negative_span_length: NDArray[np.uint32]
    negative_at: NDArray[np.int64]
    negative: NDArray[np.float64]
    custom_at: NDArray[np.int64]
    custom: NDArray[np.float64]
    start_ms: NDArray[np.int64] | None = None


class SeriesBlock(Struct, frozen=True):
    """The samples of n series in columns.

    Sample r of series i stands in `offsets[i] <= r < offsets[i + 1]`, ascending in time, no time twice.
    `start_ms` holds the start timestamp of each sample (0: unknown) where any is known.
    """

    labels: Sequence[Labels]
    offsets: NDArray[np.int64]
    ts_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    start_ms: NDArray[np.int64] | None = None
    histograms: HistogramColumns | None = None


def empty_block() -> SeriesBlock:
    """Return a block without series."""
    return SeriesBlock((), np.zeros(1, np.int64), np.empty(0, np.int64), np.empty(0, np.float64))


class SampleSource(Protocol):
    """Where an evaluation gets its samples; a scope, a budget and a cache may stand behind it."""

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesBlock:
        """Return every sample with `start_ms <= time <= end_ms` of the series that match all matchers.

        Series without a sample in that time may be left out. Raises PharosError(LIMITED) when the
        budget of the query is used up.
        """
        ...


class Blocks(Struct, frozen=True):
    """A selection piecemeal: the labels of all of its series, and these in blocks."""

    labels: Sequence[Labels]
    blocks: Iterator[SeriesBlock]


@runtime_checkable
class BlockSource(Protocol):
    """A source that can give a large selection piecemeal, so that memory stays bounded."""

    def blocks(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, steps: int) -> Blocks | None:
        """Return what `select` returns, a few series at a time, or None where reading all at once will do.

        No series stands in two blocks, and no block has native histograms. Series come in an order that has
        nothing to do with their samples. `steps` is how many values will be made of each.
        """
        ...
