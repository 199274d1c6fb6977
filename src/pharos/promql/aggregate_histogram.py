"""Aggregations of groups that hold native histograms."""

from __future__ import annotations

from pharos.promql.annotations import Annotations
from pharos.promql.ast import Aggregate
from pharos.promql.kernels import Ints
from pharos.promql.values import Grid


def aggregate_cells(node: Aggregate, grid: Grid, groups: Ints, result: Grid, notes: Annotations) -> None:
    """Correct `result`, which holds what the floats give, where histograms are among the input."""
    del node, grid, groups, result, notes
