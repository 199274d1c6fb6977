"""Native histograms of many series and steps in columns, as long as all have buckets in common."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pharos.promql.histograms.value import CUSTOM_SCHEMA, FloatHistogram, ResetHint
from pharos.promql.kernels.samples import Bools, Floats, Ints

_OBJECT_BYTES: Final = 400
"""About what a histogram takes as an object, besides its buckets."""
_OBJECT_BUCKET_BYTES: Final = 64
"""About what a bucket takes in it."""


def _no_limit(_: int) -> None:
    return


@dataclass(frozen=True)
class Layout:
    """The buckets that histograms have in common: columns of the negative ones, then of the positive.

    Indices ascend on either side. No bucket lies within the zero bucket.
    """

    schema: int
    zero_threshold: float
    custom: tuple[float, ...]
    negative: tuple[int, ...]
    positive: tuple[int, ...]

    @property
    def uses_custom(self) -> bool:
        """Return whether the bucket bounds are listed."""
        return self.schema == CUSTOM_SCHEMA

    @property
    def columns(self) -> int:
        """Return how many buckets there are."""
        return len(self.negative) + len(self.positive)

    @cached_property
    def places(self) -> Places:
        """Return the buckets in the order of their bounds."""
        like = self.histogram([1.0] * self.columns, 0.0, 0.0, 1.0)
        numbers = {("-", index): c for c, index in enumerate(self.negative)}
        numbers |= {("+", index): c for c, index in enumerate(self.positive, len(self.negative))}
        order = [numbers["-", index] for index in reversed(self.negative)]
        order += [] if self.uses_custom else [-1]
        order += [numbers["+", index] for index in self.positive]
        bounds = list(like.buckets())
        return Places(
            np.asarray(order, np.int64),
            np.asarray([bucket.lower for bucket in bounds], np.float64),
            np.asarray([bucket.upper for bucket in bounds], np.float64),
            np.asarray([_log2(bucket.lower) for bucket in bounds], np.float64),
            np.asarray([_log2(bucket.upper) for bucket in bounds], np.float64),
        )

    def is_clear_of_zero(self) -> bool:
        """Return whether no bucket lies within the zero bucket."""
        like = self.histogram([1.0] * self.columns, 0.0, 0.0, 0.0)
        indices = (*self.negative, *self.positive)
        return self.uses_custom or all(like.bound(index) > self.zero_threshold for index in indices)

    def histogram(self, buckets: Sequence[float], count: float, total: float, zero: float) -> FloatHistogram:
        """Return a gauge histogram with these numbers; empty buckets are left out."""
        split = len(self.negative)
        return FloatHistogram(
            self.schema,
            count,
            total,
            self.zero_threshold,
            zero,
            {i: number for i, number in zip(self.positive, buckets[split:], strict=True) if number != 0},
            {i: number for i, number in zip(self.negative, buckets[:split], strict=True) if number != 0},
            self.custom,
            ResetHint.GAUGE,
        )

    def row(self, histogram: FloatHistogram) -> Floats | None:
        """Return the buckets of a gauge histogram in their columns, None if it is not of this layout."""
        like = (histogram.schema, histogram.zero_threshold, histogram.custom, histogram.hint)
        if like != (self.schema, self.zero_threshold, self.custom, ResetHint.GAUGE):
            return None
        if not (
            histogram.negative.keys() <= set(self.negative)
            and histogram.positive.keys() <= set(self.positive)
        ):
            return None
        if 0.0 in histogram.negative.values() or 0.0 in histogram.positive.values():
            return None  # such a bucket would be lost: it counts for the bounds of the zero bucket
        numbers = [histogram.negative.get(index, 0.0) for index in self.negative]
        numbers += [histogram.positive.get(index, 0.0) for index in self.positive]
        return np.asarray(numbers, np.float64)


class Places(Struct, frozen=True):
    """Buckets in the order of their bounds: column (-1 for the zero bucket), bounds and their logarithms."""

    columns: Ints
    lower: Floats
    upper: Floats
    log_lower: Floats
    log_upper: Floats


def _log2(bound: float) -> float:
    return math.log2(abs(bound)) if bound else -math.inf


class HistogramGrid(Struct, frozen=True):
    """Gauge histograms of n series at every step: `buckets[n, steps, columns]`, the rest `[n, steps]`.

    A bucket of 0 is none.
    """

    layout: Layout
    buckets: Floats
    count: Floats
    sum: Floats
    zero: Floats
    check: Callable[[int], None] = _no_limit
    """Raises PharosError when the query is to end, or when so many more bytes would be too much."""

    @property
    def nbytes(self) -> int:
        """Return what it takes in memory."""
        return self.buckets.nbytes + self.count.nbytes + self.sum.nbytes + self.zero.nbytes

    def take(self, rows: NDArray[Any]) -> HistogramGrid:
        """Return the series that `rows` names."""
        return HistogramGrid(
            self.layout, self.buckets[rows], self.count[rows], self.sum[rows], self.zero[rows], self.check
        )

    def cell(self, row: int, step: int) -> FloatHistogram:
        """Return one histogram as an object."""
        at = row, step
        return self.layout.histogram(
            self.buckets[at].tolist(), float(self.count[at]), float(self.sum[at]), float(self.zero[at])
        )

    def put(self, row: int, step: int, histogram: FloatHistogram) -> bool:
        """Write one histogram; return whether it is of this layout."""
        buckets = self.layout.row(histogram)
        if buckets is None:
            return False
        self.buckets[row, step] = buckets
        self.count[row, step] = histogram.count
        self.sum[row, step] = histogram.sum
        self.zero[row, step] = histogram.zero_count
        return True

    def cells(self, present: Bools) -> NDArray[Any]:
        """Return the present histograms as objects, which take more memory. Raises what `check` raises."""
        rows = np.flatnonzero(present.any(axis=1)).tolist()
        buckets = sum(int(np.count_nonzero(self.buckets[row][present[row]])) for row in rows)
        objects = int(np.count_nonzero(present))
        self.check(_OBJECT_BYTES * objects + _OBJECT_BUCKET_BYTES * buckets)
        out = np.full(present.shape, None, dtype=object)
        for number, (row, step) in enumerate(np.argwhere(present).tolist()):
            if number % 128 == 0:
                self.check(0)
            out[row, step] = self.cell(row, step)
        return out


def new_grid(layout: Layout, series: int, steps: int, check: Callable[[int], None]) -> HistogramGrid:
    """Return a grid to be filled. Raises what `check` raises."""
    shape = series, steps
    check(8 * series * steps * (layout.columns + 3))
    buckets = np.zeros((*shape, layout.columns))
    return HistogramGrid(layout, buckets, np.zeros(shape), np.zeros(shape), np.zeros(shape), check)
