"""Instant selectors: what one read of the source gives, and the grid it answers with."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pharos.labels import METRIC_NAME
from pharos.promql import annotations as words
from pharos.promql.annotations import Annotations
from pharos.promql.grids.grid import Grid, Samples, drop_absent
from pharos.promql.grids.grid_labels import fixed_labels, label_value
from pharos.promql.grids.windows import fresh_samples
from pharos.promql.histograms.cells import Cells, empty_cells
from pharos.promql.histograms.columns import decode_cells
from pharos.promql.histograms.rate import Points, Speaker, smoothed_cell
from pharos.promql.histograms.value import FloatHistogram, ResetHint
from pharos.promql.kernels.instants import select_index, select_last, select_smoothed
from pharos.promql.kernels.samples import Bools, Ints
from pharos.promql.language.ast import VectorSelector
from pharos.promql.source import STALE_NAN_BITS, HistogramColumns, SeriesBlock


class Selection:
    """The block of one read, with its histograms and its stale-free samples made when first asked for.

    Where only count and sum of histograms are asked for (`stats`), their buckets are left out and resets are
    found beforehand, as upstream's HistogramStatsIterator does.
    """

    def __init__(self, block: SeriesBlock) -> None:
        self.block = block
        self._cells: dict[bool, Cells] = {}
        self._samples: dict[bool, Samples] = {}

    def cells(self, *, stats: bool) -> Cells | None:
        """Return the histograms of the block as objects, one a row, or None if it has none."""
        columns = self.block.histograms
        if columns is None or not columns.ts_ms.size:
            return None
        return self._decoded(columns, stats=stats)

    def _decoded(self, columns: HistogramColumns, *, stats: bool) -> Cells:
        if stats not in self._cells:
            whole = self._decoded(columns, stats=False) if stats else None
            self._cells[stats] = decode_cells(columns) if whole is None else _stats(columns, whole)
        return self._cells[stats]

    def samples(self, *, stats: bool) -> Samples:
        """Return the samples of the block without stale markers."""
        if stats not in self._samples:
            columns = self.block.histograms

            def decoded() -> Cells:
                return empty_cells((0,)) if columns is None else self._decoded(columns, stats=stats)

            self._samples[stats] = fresh_samples(self.block, decoded, stats=stats)
        return self._samples[stats]


def _stats(columns: HistogramColumns, whole: Cells) -> Cells:
    """Return the histograms without buckets, the reset before each told by its hint."""
    out = empty_cells(whole.shape)
    stale = columns.sum.view(np.int64) == STALE_NAN_BITS
    for low, high in zip(columns.offsets[:-1].tolist(), columns.offsets[1:].tolist(), strict=True):
        previous: FloatHistogram | None = None
        for row in range(low, high):
            cell: FloatHistogram = whole[row]
            hint = cell.hint
            if not stale[row]:
                if hint is ResetHint.UNKNOWN and previous is not None:
                    hint = ResetHint.RESET if cell.detect_reset(previous) else ResetHint.NOT_RESET
                previous = cell
            out[row] = FloatHistogram(cell.schema, cell.count, cell.sum, hint=hint)
    return out


def select_instant(
    selection: Selection,
    node: VectorSelector,
    first_ms: int,
    step_ms: int,
    steps: int,
    lookback_ms: int,
    notes: Annotations,
    *,
    stats: bool,
) -> Grid:
    """Return the newest sample of every series at each step, or the interpolated one for `smoothed`."""
    block = selection.block
    if node.smoothed:
        return _select_smoothed(
            selection.samples(stats=stats), node, first_ms, step_ms, steps, lookback_ms, notes
        )
    shape = (len(block.labels), steps)
    decoded = selection.cells(stats=stats)
    if decoded is None:
        values, present = np.zeros(shape), np.zeros(shape, np.bool_)
        select_last(
            block.offsets, block.ts_ms, block.values, first_ms, step_ms, steps, lookback_ms, values, present
        )
        return drop_absent(Grid(fixed_labels(block.labels), values, present))
    picked = pick(selection, first_ms, step_ms, steps, lookback_ms)
    values = np.where(picked.is_float, _taken(block.values, picked.float_rows), 0.0)
    cells = empty_cells(shape)
    cells[picked.is_histogram] = decoded[picked.histogram_rows[picked.is_histogram]]
    return drop_absent(Grid(fixed_labels(block.labels), values, picked.is_float | picked.is_histogram, cells))


class Picked:
    """Which row of a block answers each step: a float's, a histogram's, or none."""

    def __init__(self, float_rows: Ints, histogram_rows: Ints, is_float: Bools, is_histogram: Bools) -> None:
        self.float_rows = float_rows
        self.histogram_rows = histogram_rows
        self.is_float = is_float
        self.is_histogram = is_histogram


def _taken(column: NDArray[Any], rows: Ints) -> NDArray[Any]:
    if not column.size:
        return np.zeros(rows.shape, column.dtype)
    return column[np.maximum(rows, 0)]


def pick(selection: Selection, first_ms: int, step_ms: int, steps: int, lookback_ms: int) -> Picked:
    """Return the row that answers each step: the newest in the lookback, none if that is a stale marker."""
    block = selection.block
    shape = (len(block.labels), steps)
    float_rows = np.empty(shape, np.int64)
    select_index(block.offsets, block.ts_ms, first_ms, step_ms, steps, lookback_ms, float_rows)
    there = float_rows >= 0
    stale = there & (_taken(block.values, float_rows).view(np.int64) == STALE_NAN_BITS)
    columns = block.histograms
    if columns is None or not columns.ts_ms.size:
        none = np.zeros(shape, np.bool_)
        return Picked(float_rows, float_rows, there & ~stale, none)
    histogram_rows = np.empty(shape, np.int64)
    # A kernel is compiled once more for memory that must not be written to.
    times_ms = np.require(columns.ts_ms, requirements="W")
    select_index(columns.offsets, times_ms, first_ms, step_ms, steps, lookback_ms, histogram_rows)
    found = histogram_rows >= 0
    ended = found & (_taken(columns.sum, histogram_rows).view(np.int64) == STALE_NAN_BITS)
    newer = found & (~there | (_taken(columns.ts_ms, histogram_rows) > _taken(block.ts_ms, float_rows)))
    return Picked(float_rows, histogram_rows, there & ~newer & ~stale, newer & ~ended)


def select_times(
    selection: Selection, first_ms: int, step_ms: int, steps: int, lookback_ms: int, *, started: bool
) -> Grid:
    """Return the time in seconds of the sample that answers each step, or the start it tells of."""
    block = selection.block
    picked = pick(selection, first_ms, step_ms, steps, lookback_ms)
    columns = block.histograms
    float_times = block.start_ms if started else block.ts_ms
    values = np.zeros(picked.float_rows.shape)
    if float_times is not None:
        values = np.where(picked.is_float, _taken(float_times, picked.float_rows), 0) / 1000.0
    if columns is not None:
        times = columns.start_ms if started else columns.ts_ms
        if times is not None:
            values = np.where(picked.is_histogram, _taken(times, picked.histogram_rows) / 1000.0, values)
    return drop_absent(Grid(fixed_labels(block.labels), values, picked.is_float | picked.is_histogram))


def _select_smoothed(
    samples: Samples,
    node: VectorSelector,
    first_ms: int,
    step_ms: int,
    steps: int,
    lookback_ms: int,
    notes: Annotations,
) -> Grid:
    shape = (len(samples.labels), steps)
    values, present = np.zeros(shape), np.zeros(shape, np.bool_)
    select_smoothed(
        samples.offsets, samples.ts, samples.values, first_ms, step_ms, steps, lookback_ms, values, present
    )
    grid = Grid(fixed_labels(samples.labels), values, present)
    if samples.histograms is not None:
        _smooth_histograms(samples, node, (first_ms, step_ms, lookback_ms), grid, notes)
    return drop_absent(grid)


def _smooth_histograms(
    samples: Samples, node: VectorSelector, times: tuple[int, int, int], grid: Grid, notes: Annotations
) -> None:
    """Correct `grid` in place at every step that has a histogram within the lookback."""
    first_ms, step_ms, lookback_ms = times
    histograms = samples.histograms
    assert histograms is not None  # noqa: S101 - only called with histograms
    smoothed = grid.held = empty_cells(grid.present.shape)
    for row in np.flatnonzero(np.diff(histograms.offsets)).tolist():
        low, high = int(histograms.offsets[row]), int(histograms.offsets[row + 1])
        ts, cells = histograms.ts[low:high].tolist(), histograms.cells[low:high].tolist()
        float_ts = samples.ts[samples.offsets[row] : samples.offsets[row + 1]].tolist()
        say = Speaker(label_value(samples.labels[row], METRIC_NAME), node.place, notes)
        for k in range(grid.steps):
            t = first_ms + k * step_ms
            a, b = bisect_right(ts, t - lookback_ms), bisect_right(ts, t + lookback_ms)
            if a == b:
                continue
            grid.present[row, k] = False
            if bisect_right(float_ts, t - lookback_ms) != bisect_right(float_ts, t + lookback_ms):
                notes.warn(words.mixed_floats_histograms(say.metric), node.place)
                continue
            cell = smoothed_cell(Points(ts[a:b], cells[a:b], []), t, say)
            if cell is not None:
                smoothed[row, k] = cell
                grid.present[row, k] = True
