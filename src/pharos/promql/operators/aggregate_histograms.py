"""Aggregations of groups that hold native histograms (promql/engine.go: aggregation)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from msgspec import Struct

from pharos.labels import METRIC_NAME
from pharos.promql import annotations as words
from pharos.promql.annotations import Annotations
from pharos.promql.grids.grid import Grid
from pharos.promql.grids.grid_labels import label_value
from pharos.promql.grids.room import VISITS
from pharos.promql.histograms.arithmetic import add, kahan_add
from pharos.promql.histograms.cells import empty_cells
from pharos.promql.histograms.grid import HistogramGrid, new_grid
from pharos.promql.histograms.kernels import histogram_totals
from pharos.promql.histograms.value import FloatHistogram, IncompatibleSchemaError, ResetHint
from pharos.promql.kernels.samples import Bools, Ints
from pharos.promql.language.ast import Place

_IGNORING: Final = frozenset({"min", "max", "stddev", "stdvar", "quantile"})


class Total(Struct):
    """A running sum or mean of histograms with its compensation, and what was seen on the way."""

    value: FloatHistogram
    comp: FloatHistogram | None = None
    mean: FloatHistogram | None = None
    count: float = 1.0
    reset_seen: bool = False
    no_reset_seen: bool = False
    reconciled: bool = False

    def note_hint(self, histogram: FloatHistogram) -> None:
        """Remember what a sample tells of resets."""
        self.reset_seen |= histogram.hint is ResetHint.RESET
        self.no_reset_seen |= histogram.hint is ResetHint.NOT_RESET

    def add_to_sum(self, histogram: FloatHistogram) -> None:
        """Add a sample. Raises IncompatibleSchemaError."""
        self.note_hint(histogram)
        self.comp, reconciled = kahan_add(self.value, histogram, self.comp)
        self.reconciled |= reconciled

    def add_to_mean(self, histogram: FloatHistogram, count: float) -> None:
        """Add sample number `count`: to the sum while it does not overflow, then to a moving mean.

        Raises IncompatibleSchemaError.
        """
        self.note_hint(histogram)
        self.count = count
        if self.mean is None:
            value = self.value.copy()
            comp = None if self.comp is None else self.comp.copy()
            comp, reconciled = kahan_add(value, histogram, comp)
            self.reconciled |= reconciled
            if not value.has_overflow():
                self.value, self.comp = value, comp
                return
            self.mean = self.value.copy().div(count - 1)
            if self.comp is not None:
                self.comp.div(count - 1)
        q = (count - 1) / count
        if self.comp is not None:
            self.comp.mul(q)
        self.comp, reconciled = kahan_add(self.mean.mul(q), histogram.copy().div(count), self.comp)
        self.reconciled |= reconciled

    def finished_sum(self) -> FloatHistogram:
        """Return the sum with its compensation added."""
        if self.comp is not None:
            add(self.value, self.comp)
        return self.value

    def finished_mean(self) -> FloatHistogram:
        """Return the mean with its compensation added."""
        if self.mean is not None:
            result = self.mean
            if self.comp is not None:
                add(result, self.comp)
            return result
        result = self.value.div(self.count)
        if self.comp is not None:
            add(result, self.comp.div(self.count))
        return result


def started(histogram: FloatHistogram) -> Total:
    """Return the total of one sample."""
    total = Total(histogram.copy())
    total.note_hint(histogram)
    return total


def aggregate_cells(
    op: str,
    grid: Grid,
    groups: Ints,
    result: Grid,
    place: Place,
    notes: Annotations,
    check: Callable[[], None],
) -> None:
    """Correct `result`, which holds what the floats give, where histograms are among the input.

    Raises what `check` raises, to end the work.
    """
    if grid.held is None:
        return
    if op in {"sum", "avg"} and isinstance(grid.held, HistogramGrid):
        totals = _totals_in_columns(op, grid, grid.held, groups, len(result.labels), check)
        if totals is not None:
            result.held, result.present = totals
            return
    there = grid.histograms()
    if op in _IGNORING:
        if there.any():
            notes.info(words.ignored_in_aggregation(op), place)
        return
    if op not in {"sum", "avg"}:
        return
    cells = result.held = empty_cells(result.present.shape)
    finish: Callable[[Total], FloatHistogram] = Total.finished_sum
    if op == "avg":
        finish = Total.finished_mean
    touched = np.zeros(result.present.shape, np.bool_)
    np.logical_or.at(touched, groups, there)
    order = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[order], np.arange(len(result.labels) + 1))
    for group, k in np.argwhere(touched).tolist():
        check()
        members = order[starts[group] : starts[group + 1]]
        rows = members[grid.present[members, k]].tolist()
        result.present[group, k] = False
        total = _total(op, grid, rows, k, place, notes)
        if total is None:
            continue
        if total.reset_seen and total.no_reset_seen:
            notes.warn(words.reset_collision("aggregation"), place)
        cells[group, k] = finish(total).compact()
        result.present[group, k] = True


def _totals_in_columns(
    op: str, grid: Grid, held: HistogramGrid, groups: Ints, count: int, check: Callable[[], None]
) -> tuple[HistogramGrid, Bools] | None:
    """Return the total of each group; None where one overflows, or has numbers that are none."""
    steps = grid.steps
    totals = new_grid(held.layout, count, steps, held.check)
    seen = np.zeros((count, steps), np.int64)
    at_once = max(1, VISITS // max(1, groups.size * (held.layout.columns + 3)))
    for first in range(0, steps, at_once):
        check()
        histogram_totals(
            first, min(first + at_once, steps), groups, grid.present, held.buckets, held.count, held.sum,
            held.zero, op == "avg",
            totals.buckets, totals.count, totals.sum, totals.zero, seen,
        )  # fmt: skip
    numbers = (totals.buckets, totals.count, totals.sum, totals.zero)
    if not all(np.isfinite(array).all() for array in numbers):
        return None
    return totals, seen > 0


def _total(op: str, grid: Grid, rows: list[int], k: int, place: Place, notes: Annotations) -> Total | None:
    """Return the total of one group at one step, None where floats or layouts do not go with it."""
    assert grid.cells is not None  # noqa: S101 - only called with cells
    total: Total | None = None
    mixed, compatible = False, True
    for number, row in enumerate(rows):
        cell: FloatHistogram | None = grid.cells[row, k]
        if cell is None or (total is None and number):
            mixed = True
        elif total is None:
            total = started(cell)
        else:
            try:
                if op == "sum":
                    total.add_to_sum(cell)
                else:
                    total.add_to_mean(cell, number + 1.0)
            except IncompatibleSchemaError:
                name = label_value(grid.labels[row], METRIC_NAME)
                notes.warn(words.mixed_schemas(name), place)
                compatible = False
                break
            if total.reconciled:
                notes.info(words.reconciled_buckets("aggregation"), place)
    if mixed:
        notes.warn(words.MIXED_IN_AGGREGATION, place)
    return total if compatible and not mixed else None
