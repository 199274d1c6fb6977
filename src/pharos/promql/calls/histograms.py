"""Functions of instant vectors that read native histograms."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from msgspec.structs import replace

from pharos.labels import METRIC_NAME
from pharos.promql.annotations import Note
from pharos.promql.calls.vectors import Context, Implementation, grid_of
from pharos.promql.grids.grid import Grid, Samples, Value, drop_absent, lose_names, merge_same_labels
from pharos.promql.grids.grid_labels import label_value
from pharos.promql.grids.room import VISITS
from pharos.promql.histograms import quantile as stats
from pharos.promql.histograms.cells import Cells, empty_cells, is_set
from pharos.promql.histograms.grid import HistogramGrid
from pharos.promql.histograms.kernels import Bounds, Quantiles, Totals, histogram_quantiles
from pharos.promql.histograms.value import FloatHistogram, ResetHint, quotient
from pharos.promql.kernels.samples import Floats


def _native(
    context: Context,
    grid: Grid,
    compute: Callable[[FloatHistogram, int, str], tuple[float, Note | None]],
    arg: int,
) -> Grid:
    """Return a number for every histogram of `grid`, names still in place; notes stand at argument `arg`."""
    there = grid.histograms()
    values = np.zeros(there.shape)
    if grid.cells is not None:
        for number, (row, k) in enumerate(np.argwhere(there).tolist()):
            if number % 128 == 0:
                context.memory.check()
            metric = label_value(grid.labels[row], METRIC_NAME) if context.delayed else ""
            values[row, k], note = compute(grid.cells[row, k], k, metric)
            if note is not None:
                context.notes.add(note, context.node.args[arg].place)
    return drop_absent(Grid(list(grid.labels), values, there, None, grid.dropped))


def native_quantiles(context: Context, grid: Grid, quantiles: Floats, arg: int) -> Grid:
    """Return the quantile by step of every native histogram of argument `arg`, names still in place."""
    if isinstance(grid.held, HistogramGrid):
        return _quantiles_in_columns(context, grid, grid.held, quantiles, arg)
    return _native(
        context, grid, lambda cell, k, metric: stats.quantile(float(quantiles[k]), cell, metric), arg
    )


def _quantiles_in_columns(
    context: Context, grid: Grid, held: HistogramGrid, quantiles: Floats, arg: int
) -> Grid:
    places, layout = held.layout.places, held.layout
    shape = grid.present.shape
    values, sign, odd = np.zeros(shape), np.zeros(shape), np.zeros(shape, np.bool_)
    bounds = Bounds(
        places.columns,
        places.lower,
        places.upper,
        places.log_lower,
        places.log_upper,
        negatives=len(layout.negative),
        is_custom=layout.uses_custom,
    )
    at_once = max(1, VISITS // max(1, grid.steps * (layout.columns + 1)))
    for first in range(0, shape[0], at_once):
        context.memory.check()
        rows = slice(first, first + at_once)
        read = Totals(
            grid.present[rows],
            held.buckets[rows],
            held.count[rows],
            totals=held.sum[rows],
            zeros=held.zero[rows],
        )
        histogram_quantiles(quantiles, read, bounds, Quantiles(values[rows], sign[rows], odd[rows]))
        powers = sign[rows] != 0
        # Not numpy's, whose last bit may differ.
        numbers = [stats.power_of_two(power) for power in values[rows][powers].tolist()]
        values[rows][powers] = sign[rows][powers] * np.asarray(numbers, np.float64)
    for number, (row, k) in enumerate(np.argwhere(odd).tolist()):
        if number % 128 == 0:
            context.memory.check()
        metric = label_value(grid.labels[row], METRIC_NAME) if context.delayed else ""
        values[row, k], note = stats.quantile(float(quantiles[k]), held.cell(row, k), metric)
        if note is not None:
            context.notes.add(note, context.node.args[arg].place)
    return drop_absent(Grid(list(grid.labels), values, grid.present, None, grid.dropped))


def native_fractions(context: Context, grid: Grid, lows: Floats, highs: Floats) -> Grid:
    """Return the share of observations between two bounds of every native histogram, names still in place."""
    return _native(
        context,
        grid,
        lambda cell, k, metric: stats.fraction(float(lows[k]), float(highs[k]), cell, metric),
        2,
    )


def _simple(
    compute: Callable[[FloatHistogram], float],
    in_columns: Callable[[HistogramGrid], Floats] | None = None,
) -> Implementation:
    """Return the function that reads a number off each histogram; type and unit stay, unless removed late."""

    def call(context: Context, args: Sequence[Value]) -> Value:
        grid = grid_of(args[0])
        if in_columns is not None and isinstance(grid.held, HistogramGrid):
            numbers = in_columns(grid.held)
            grid = drop_absent(Grid(list(grid.labels), numbers, grid.present, None, grid.dropped))
        else:
            grid = _native(context, grid, lambda cell, _k, _metric: (compute(cell), None), 0)
        if context.delayed:
            return lose_names(grid, delayed=True)
        bare = [tuple(pair for pair in labels if pair[0] != METRIC_NAME) for labels in grid.labels]
        return merge_same_labels(replace(grid, labels=bare))

    return call


def _averages(held: HistogramGrid) -> Floats:
    with np.errstate(all="ignore"):
        return np.asarray(held.sum / held.count, np.float64)


def _deviation(histogram: FloatHistogram) -> float:
    variance = stats.variance(histogram)
    return math.sqrt(variance) if variance >= 0 else math.nan


FUNCTIONS: Final[dict[str, Implementation]] = {
    "histogram_avg": _simple(lambda histogram: quotient(histogram.sum, histogram.count), _averages),
    "histogram_count": _simple(lambda histogram: histogram.count, lambda held: held.count.copy()),
    "histogram_stddev": _simple(_deviation),
    "histogram_stdvar": _simple(stats.variance),
    "histogram_sum": _simple(lambda histogram: histogram.sum, lambda held: held.sum.copy()),
}


def negated(cells: Cells) -> Cells:
    """Return the histograms with the opposite sign: gauges."""
    out = empty_cells(cells.shape)
    for at in np.argwhere(is_set(cells)).tolist():
        out[tuple(at)] = cells[tuple(at)].copy().mul(-1.0)
    return out


def forget_reset_hints(samples: Samples) -> Samples:
    """Return samples of a subquery whose counters tell nothing of resets: samples between may be missing."""
    histograms = samples.histograms
    if histograms is None:
        return samples
    cells = histograms.cells.copy()
    for at, cell in enumerate(cells.tolist()):
        if cell.hint in {ResetHint.RESET, ResetHint.NOT_RESET}:
            cells[at] = replace(cell, hint=ResetHint.UNKNOWN)
    return replace(samples, histograms=replace(histograms, held=cells, columns=None))
