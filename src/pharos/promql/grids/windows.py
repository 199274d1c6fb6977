"""What a range function reads: the samples of series, and the windows that slide over them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable

import numpy as np
from msgspec import Struct

from pharos.errors import Kind, PharosError
from pharos.labels import Labels
from pharos.promql.grids.grid import Grid, HistogramSamples, Samples
from pharos.promql.grids.grid_labels import take_labels
from pharos.promql.histograms.cells import Cells
from pharos.promql.kernels.rate import interpolated
from pharos.promql.kernels.samples import Bools, Ints, drop_stale, has_stale
from pharos.promql.source import STALE_NAN_BITS, HistogramColumns, SeriesBlock


class Windows(Struct, frozen=True):
    """Left-open windows of `range_ms` that end at `first_ms + k * stride_ms`, one for each of `steps` steps.

    Where an offset or `@` parts the data from the query, `eval_first_ms + k * eval_step_ms` is the time of
    evaluation. `reach_ms` is the lookback that anchored and smoothed windows look further by.
    """

    samples: Samples
    first_ms: int
    stride_ms: int
    steps: int
    range_ms: int
    eval_first_ms: int
    eval_step_ms: int
    anchored: bool = False
    smoothed: bool = False
    reach_ms: int = 0


def fresh_samples(block: SeriesBlock, cells: Callable[[], Cells], *, stats: bool) -> Samples:
    """Return the samples of a block without its stale markers; `cells` makes its histograms as objects.

    Those are without buckets if `stats`.
    """
    offsets, ts, values, started = block.offsets, block.ts_ms, block.values, block.start_ms
    if has_stale(values):
        kept_at = np.empty_like(offsets)
        kept = np.empty(values.size, np.int64)
        rows = kept[: drop_stale(offsets, values, kept_at, kept)]
        offsets, ts, values = kept_at, ts[rows], values[rows]
        started = None if started is None else started[rows]
    histograms = None
    if block.histograms is not None and block.histograms.ts_ms.size:
        histograms = _fresh_histograms(block.histograms, cells, stats=stats)
    return Samples(block.labels, offsets, ts, values, started, histograms)


def _fresh_histograms(
    columns: HistogramColumns, cells: Callable[[], Cells], *, stats: bool
) -> HistogramSamples:
    fresh = columns.sum.view(np.int64) != STALE_NAN_BITS
    counts = np.concatenate([[0], np.cumsum(fresh)]).astype(np.int64)
    started = None if columns.start_ms is None else columns.start_ms[fresh]
    made: list[Cells] = []

    def fresh_cells() -> Cells:
        if not made:
            made.append(cells()[fresh])
        return made[0]

    return HistogramSamples(
        counts[columns.offsets], columns.ts_ms[fresh], fresh_cells, started, columns, stats
    )


def samples_of_grid(grid: Grid, times_ms: Ints) -> Samples:
    """Return the present cells of a grid as samples at the times of its steps: what a subquery gives."""
    floats = grid.floats()
    offsets = np.concatenate([[0], np.cumsum(floats.sum(axis=1))]).astype(np.int64)
    ts = np.broadcast_to(times_ms, floats.shape)[floats]
    histograms = None
    if grid.cells is not None:
        there = grid.histograms()
        at = np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int64)
        histograms = HistogramSamples(
            at, np.broadcast_to(times_ms, there.shape)[there], grid.cells[there], None
        )
    return Samples(grid.labels, offsets, ts, grid.values[floats], None, histograms, grid.dropped)


def window_rows(windows: Windows) -> Samples:
    """Return the samples of the first window of every series: what a range selector by itself answers.

    Raises PharosError(INVALID) for histograms in an anchored or smoothed window.
    """
    if windows.anchored or windows.smoothed:
        return _extended_rows(windows)
    s = windows.samples
    end = windows.first_ms
    start = end - windows.range_ms
    inside = (s.ts > start) & (s.ts <= end)
    counts = np.concatenate([[0], np.cumsum(inside)]).astype(np.int64)
    histograms = None
    keep = np.diff(counts[s.offsets]) > 0
    if s.histograms is not None:
        there = (s.histograms.ts > start) & (s.histograms.ts <= end)
        found = np.concatenate([[0], np.cumsum(there)]).astype(np.int64)[s.histograms.offsets]
        keep |= np.diff(found) > 0
        histograms = HistogramSamples(
            _kept_offsets(found, keep), s.histograms.ts[there], s.histograms.cells[there], None
        )
    labels = take_labels(s.labels, np.flatnonzero(keep))
    offsets = _kept_offsets(counts[s.offsets], keep)
    return Samples(labels, offsets, s.ts[inside], s.values[inside], None, histograms)


def _kept_offsets(offsets: Ints, keep: Bools) -> Ints:
    return np.concatenate([[0], np.cumsum(np.diff(offsets)[keep])]).astype(np.int64)


def _extended_rows(windows: Windows) -> Samples:
    """Return the samples of anchored or smoothed windows: those inside, and one at either end of each."""
    s, end = windows.samples, windows.first_ms
    start = end - windows.range_ms
    low, high = start - windows.reach_ms, end + (windows.reach_ms if windows.smoothed else 0)
    kind = "anchored" if windows.anchored else "smoothed"
    if s.histograms is not None and ((s.histograms.ts > low) & (s.histograms.ts <= high)).any():
        raise PharosError(Kind.INVALID, f"{kind} modifier is not supported with histograms")
    labels: list[Labels] = []
    parts: list[tuple[list[int], list[float]]] = []
    for row, name in enumerate(s.labels):
        ts = s.ts[s.offsets[row] : s.offsets[row + 1]]
        a, b = np.searchsorted(ts, [low, high], side="right").tolist()
        values = s.values[s.offsets[row] : s.offsets[row + 1]][a:b].tolist()
        part = extended_points(ts[a:b].tolist(), values, start, end, smoothed=windows.smoothed)
        if part[0]:
            labels.append(name)
            parts.append(part)
    offsets = np.concatenate([[0], np.cumsum([len(part[0]) for part in parts])]).astype(np.int64)
    return Samples(
        labels,
        offsets,
        np.asarray([t for part in parts for t in part[0]], np.int64),
        np.asarray([v for part in parts for v in part[1]], np.float64),
        None,
        None,
    )


def extended_points(
    ts: list[int], values: list[float], start_ms: int, end_ms: int, *, smoothed: bool
) -> tuple[list[int], list[float]]:
    """Return times and values of one window with a value at either end (promql/engine.go extendFloats)."""
    if not ts:
        return [], []
    last = len(ts) - 1
    first = max(0, bisect_right(ts, start_ms, 0, last) - 1)
    if smoothed:
        last = bisect_left(ts, end_ms, 0, last)
    if ts[last] <= start_ms:
        return [], []
    left, right = values[first], values[last]
    if smoothed and ts[first] < start_ms:
        left = interpolated(ts[first], left, ts[first + 1], values[first + 1], start_ms, False)
    if smoothed and last > 0 and ts[last] > end_ms:
        right = interpolated(ts[last - 1], values[last - 1], ts[last], right, end_ms, False)
    a = first + (ts[first] <= start_ms)
    b = last + (ts[last] < end_ms)
    return [start_ms, *ts[a:b], end_ms], [left, *values[a:b], right]
