"""Increases and rates of native histograms in columns, where all of them have a layout in common."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Final

import numpy as np
from msgspec.structs import replace

from pharos.promql.calls.ranges import RangeCall
from pharos.promql.grids.grid import Grid
from pharos.promql.grids.room import VISITS
from pharos.promql.grids.windows import Windows
from pharos.promql.histograms.cells import Cells
from pharos.promql.histograms.columns import bucket_indices
from pharos.promql.histograms.grid import HistogramGrid, Layout, new_grid
from pharos.promql.histograms.kernels import Buckets, HistogramRows, Increases, Spans, histogram_windows
from pharos.promql.histograms.value import CUSTOM_SCHEMA, FloatHistogram, ResetHint
from pharos.promql.kernels.samples import Bools, Ints
from pharos.promql.source import STALE_NAN_BITS, HistogramColumns

_WIDEST: Final = 1 << 20
"""So many buckets apart may the lowest and the highest be: a hostile sender's can be far apart."""
_SPARSE: Final = 16
"""Histograms that use less than one column in so many take less memory as objects,"""
_FEW: Final = 16
"""but those of no more buckets than this count as if they had so many,"""
_SMALL: Final = 4_000_000
"""and so many numbers do not matter."""


def increases(
    call: RangeCall, windows: Windows, odd_window: Callable[[int, int], FloatHistogram | None]
) -> Grid | None:
    """Return the increase or rate of every series in every window; None where columns are not enough for it.

    `odd_window` answers for a series and step that the kernel leaves open. Raises PharosError(LIMITED).
    """
    samples = windows.samples
    histograms = samples.histograms
    columns = None if histograms is None else histograms.columns
    if histograms is None or columns is None or samples.values.size or windows.anchored or windows.smoothed:
        return None
    found = _layout(columns)
    if found is None:
        return None
    layout, negative, positive = found
    series = len(samples.labels)
    # The kernel tables the samples of one series at a time.
    numbers = series * windows.steps + int(np.diff(columns.offsets).max())
    used = (columns.negative.size + columns.positive.size) / columns.ts_ms.size
    if layout.columns > _SPARSE * max(used, _FEW) and numbers * layout.columns > _SMALL:
        return None
    call.memory.check_bytes(8 * numbers * (layout.columns + 4))
    grid = new_grid(layout, series, windows.steps, call.memory.check_bytes)
    present, odd = (np.zeros((series, windows.steps), np.bool_) for _ in range(2))
    columns = _writable(columns)
    started = np.zeros(0, np.int64) if columns.start_ms is None else columns.start_ms.copy()
    read = HistogramRows(
        columns.offsets,
        columns.ts_ms,
        started,
        columns.reset_hint,
        columns.count,
        totals=columns.sum,
        zeros=columns.zero_count,
        negative=Buckets(columns.negative_at, negative, columns.negative),
        positive=Buckets(columns.positive_at, positive, columns.positive),
    )
    spans = Spans(windows.first_ms, windows.stride_ms, windows.range_ms)
    out = Increases(grid.buckets, grid.count, totals=grid.sum, zeros=grid.zero, present=present, odd=odd)
    for first, last in pairwise(_cuts(columns.offsets, windows.steps, layout.columns)):
        call.memory.check()
        if not histogram_windows(first, last, read, spans, call.node.func == "rate", out):
            return None
    held: HistogramGrid | Cells = _without_buckets(grid) if histograms.stats else grid
    for row, step in np.argwhere(odd).tolist():
        call.memory.check()
        histogram = odd_window(row, step)
        if histogram is None:
            continue
        if isinstance(held, HistogramGrid) and not held.put(row, step, histogram):
            held = held.cells(present)
        if not isinstance(held, HistogramGrid):
            held[row, step] = histogram
        present[row, step] = True
    return Grid(list(samples.labels), np.zeros(present.shape), present, held)


def _without_buckets(grid: HistogramGrid) -> HistogramGrid:
    """Return count and sum only, as of the objects where nobody asks for more."""
    layout = Layout(grid.layout.schema, 0.0, (), (), ())
    buckets, zero = np.zeros((*grid.count.shape, 0)), np.zeros(grid.count.shape)
    return HistogramGrid(layout, buckets, grid.count, grid.sum, zero, grid.check)


def _writable(columns: HistogramColumns) -> HistogramColumns:
    """Return the columns in memory that may be written to, as a kernel is compiled for."""
    names = (
        "offsets",
        "reset_hint",
        "ts_ms",
        "count",
        "sum",
        "zero_count",
        "negative_at",
        "negative",
        "positive_at",
        "positive",
    )
    return replace(columns, **{name: np.require(getattr(columns, name), requirements="W") for name in names})


def _cuts(offsets: Ints, steps: int, width: int) -> list[int]:
    """Return where to cut the series into runs of about as much work."""
    work = np.cumsum((np.diff(offsets) + steps) * max(1, width)) // VISITS
    return [0, *(np.flatnonzero(np.diff(work)) + 1).tolist(), offsets.size - 1]


def _layout(columns: HistogramColumns) -> tuple[Layout, Ints, Ints] | None:
    """Return what all histograms have in common, and the column of every bucket; None if they do not."""
    fresh = columns.sum.view(np.int64) != STALE_NAN_BITS
    if not fresh.any() or (columns.reset_hint[fresh] == ResetHint.GAUGE).any():
        return None
    first = int(np.argmax(fresh))
    schema, threshold = int(columns.schema[first]), float(columns.zero_threshold[first])
    if (columns.schema[fresh] != schema).any() or (columns.zero_threshold[fresh] != threshold).any():
        return None
    custom: tuple[float, ...] = ()
    if schema == CUSTOM_SCHEMA:
        if columns.zero_count[fresh].any() or not _is_one_custom(columns, fresh, first):
            return None
        custom = tuple(columns.custom[columns.custom_at[first] : columns.custom_at[first + 1]].tolist())
        if not np.isfinite(custom).all():  # an infinite bound counts as an overflow in `Total.add_to_mean`
            return None
    sides = []
    for counts, at, offset, length in (
        (
            columns.negative,
            columns.negative_spans_at,
            columns.negative_span_offset,
            columns.negative_span_length,
        ),
        (
            columns.positive,
            columns.positive_spans_at,
            columns.positive_span_offset,
            columns.positive_span_length,
        ),
    ):
        indices = bucket_indices(at, offset, length)
        # The kernels look no further than this: every count has its bucket.
        side = _columns_of(indices) if indices.size == counts.size else None
        if side is None:
            return None
        sides.append(side)
    (negative, negatives), (positive, positives) = sides
    layout = Layout(schema, threshold, custom, tuple(negatives.tolist()), tuple(positives.tolist()))
    return (layout, negative, positive + negatives.size) if layout.is_clear_of_zero() else None


def _columns_of(indices: Ints) -> tuple[Ints, Ints] | None:
    """Return the column of each bucket and the index of each column; None if they are too far apart."""
    if not indices.size:
        return indices, indices
    low = int(indices.min())
    span = int(indices.max()) - low + 1
    if span > _WIDEST:
        return None
    there = np.zeros(span, np.bool_)
    there[indices - low] = True
    return (np.cumsum(there) - 1)[indices - low], np.flatnonzero(there) + low


def _is_one_custom(columns: HistogramColumns, fresh: Bools, first: int) -> bool:
    """Return whether all histograms list the same bounds."""
    lengths = np.diff(columns.custom_at)[fresh]
    count = int(lengths[0])
    if (lengths != count).any():
        return False
    bounds = columns.custom[
        np.repeat(columns.custom_at[:-1][fresh], count) + np.tile(np.arange(count), lengths.size)
    ]
    own = columns.custom[columns.custom_at[first] : columns.custom_at[first + 1]]
    return bool((bounds.reshape(-1, count) == own).all()) if count else True
