"""The working values of an evaluation: grids of instant vectors, scalars, strings, and the answer.

A grid holds n series over the steps of a query. Presence is exact and stands apart from the numbers: a NaN
is a value. Native histograms stand in an optional grid of objects; where a cell is set, the float beside it
means nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Final, TypeAlias

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace
from numpy.typing import NDArray

from pharos.errors import Kind, PharosError
from pharos.labels import Labels
from pharos.promql.grids.grid_labels import (
    all_without_name,
    fixed_labels,
    has_duplicates,
    join_labels,
    number_labels,
    take_labels,
    without_name,
)
from pharos.promql.histograms.cells import Cells, empty_cells, is_set
from pharos.promql.histograms.grid import HistogramGrid
from pharos.promql.kernels.group import count_present
from pharos.promql.kernels.samples import Bools, Floats, Ints
from pharos.promql.source import HistogramColumns

DUPLICATE_SERIES: Final = "vector cannot contain metrics with the same labelset"


class Grid(Struct):
    """An instant vector at every step: `values[n, steps]` where `present[n, steps]`.

    `held` holds native histograms where there are any: as objects, or in columns if everything present is one
    of the same layout. `dropped[n]` says which series lose their metric name at the end of the query (delayed
    name removal); None stands for none of them.
    """

    labels: Sequence[Labels]
    values: Floats
    present: Bools
    held: Cells | HistogramGrid | None = None
    dropped: Bools | None = None

    @property
    def cells(self) -> Cells | None:
        """Return the native histograms as objects, None where there are none."""
        if isinstance(self.held, HistogramGrid):
            self.held = self.held.cells(self.present)
        return self.held

    @property
    def steps(self) -> int:
        """Return the number of steps."""
        return int(self.values.shape[1])

    def drop_flags(self) -> Bools:
        """Return which series will lose their name, one flag a series."""
        if self.dropped is None:
            return np.zeros(len(self.labels), np.bool_)
        return self.dropped

    def floats(self) -> Bools:
        """Return where a float is present."""
        if self.held is None:
            return self.present
        return self.present & ~self.histograms()

    def histograms(self) -> Bools:
        """Return where a native histogram is present."""
        if self.held is None:
            return np.zeros(self.present.shape, np.bool_)
        if isinstance(self.held, HistogramGrid):
            return self.present.copy()
        return is_set(self.held) & self.present


class Scalar(Struct, frozen=True):
    """A number at every step."""

    values: Floats


class Text(Struct, frozen=True):
    """A string."""

    value: str


Value: TypeAlias = Grid | Scalar | Text


class HistogramSamples(Struct, frozen=True):
    """Histogram samples by series: rows `offsets[i] <= r < offsets[i + 1]` belong to series i."""

    offsets: Ints
    ts: Ints
    held: Cells | Callable[[], Cells]
    """The histograms, or what makes them when they are needed as objects."""
    started: Ints | None
    columns: HistogramColumns | None = None
    """What they were read from, with stale markers, if they were."""
    stats: bool = False
    """Whether the objects have count and sum only."""

    @property
    def cells(self) -> Cells:
        """Return the histograms as objects."""
        return self.held() if callable(self.held) else self.held


class Samples(Struct, frozen=True):
    """Samples of n series without stale markers, floats and histograms apart."""

    labels: Sequence[Labels]
    offsets: Ints
    ts: Ints
    values: Floats
    started: Ints | None
    histograms: HistogramSamples | None
    dropped: Bools | None = None


class AnswerType(StrEnum):
    """The four result types of the Prometheus API."""

    SCALAR = "scalar"
    STRING = "string"
    VECTOR = "vector"
    MATRIX = "matrix"


class Answer(Struct, frozen=True):
    """What a query evaluates to, in columns.

    For `vector` and `matrix`, `values[n, steps]` counts where `present[n, steps]`, at `times_ms[steps]`;
    `cells` holds native histograms. For `scalar`, `values` has one row and everything is present; for
    `string`, `text` is the value. A range selector asked for directly comes as `raw`, with the samples'
    own times, and no grid.
    """

    type: AnswerType
    times_ms: Ints
    labels: Sequence[Labels] = ()
    values: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    present: Bools = field(default_factory=lambda: np.zeros((0, 0), np.bool_))
    cells: Cells | None = None
    text: str = ""
    raw: Samples | None = None
    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()
    samples_read: int = 0


def any_series(present: Bools) -> Bools:
    """Return the steps at which some series is present."""
    return np.asarray(present.any(axis=0), np.bool_)


def stacked(grids: Sequence[Grid], steps: int, labels: Sequence[Labels] = ()) -> Grid:
    """Return one grid with the series of all of them, which have floats only.

    `labels` are those of all series that there could be, in the order of the grids.
    """
    every = sum(len(grid.labels) for grid in grids)
    if len(grids) == 1 and every != len(labels):
        return grids[0]
    if not grids:
        return empty_grid(steps)
    dropped = None
    if any(grid.dropped is not None for grid in grids):
        dropped = np.concatenate([grid.drop_flags() for grid in grids])
    return Grid(
        fixed_labels(labels) if every == len(labels) else join_labels([grid.labels for grid in grids]),
        np.concatenate([grid.values for grid in grids]),
        np.concatenate([grid.present for grid in grids]),
        None,
        dropped,
    )


def empty_grid(steps: int) -> Grid:
    """Return an instant vector without series."""
    return Grid([], np.zeros((0, steps)), np.zeros((0, steps), np.bool_))


def take_rows(grid: Grid, rows: NDArray[Any]) -> Grid:
    """Return the series of `grid` that `rows` (numbers or a mask) names, in that order."""
    numbers = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
    return Grid(
        take_labels(grid.labels, numbers),
        grid.values[numbers],
        grid.present[numbers],
        _held_rows(grid.held, numbers),
        None if grid.dropped is None else grid.dropped[numbers],
    )


def _held_rows(held: Cells | HistogramGrid | None, rows: NDArray[Any]) -> Cells | HistogramGrid | None:
    if isinstance(held, HistogramGrid):
        return held.take(rows)
    return None if held is None else held[rows]


def drop_absent(grid: Grid) -> Grid:
    """Return the grid without series that are present at no step, and without an empty `cells`."""
    kept = grid
    if not grid.present.all():  # which is quick to see, and mostly so
        rows = np.asarray(grid.present.any(axis=1), np.bool_)
        kept = grid if bool(rows.all()) else take_rows(grid, rows)
    if kept.held is not None and not kept.histograms().any():
        return replace(kept, held=None)
    return kept


def broadcast_steps(value: Value, steps: int) -> Value:
    """Return a value computed for one step as the same value at each of `steps` steps."""
    if isinstance(value, Scalar):
        return Scalar(np.repeat(value.values[:1], steps))
    if isinstance(value, Grid):
        return Grid(
            value.labels,
            _spread(value.values, steps),
            _spread(value.present, steps),
            None if value.cells is None else _spread(value.cells, steps),
            value.dropped,
        )
    return value


def _spread(column: NDArray[Any], steps: int) -> NDArray[Any]:
    """Return one column `steps` times; other than numpy's `repeat` it lets other threads run."""
    spread: NDArray[Any] = np.empty((column.shape[0], steps), column.dtype)
    spread[:] = column[:, :1]
    return spread


def stack(first: Grid, second: Grid) -> Grid:
    """Return the series of both grids, those of `first` before those of `second`."""
    cells = None
    if first.cells is not None or second.cells is not None:
        parts = [g.cells if g.cells is not None else empty_cells(g.present.shape) for g in (first, second)]
        cells = np.concatenate(parts)
    dropped = None
    if first.dropped is not None or second.dropped is not None:
        dropped = np.concatenate([first.drop_flags(), second.drop_flags()])
    return Grid(
        join_labels([first.labels, second.labels]),
        np.concatenate([first.values, second.values]),
        np.concatenate([first.present, second.present]),
        cells,
        dropped,
    )


def merge_same_labels(grid: Grid) -> Grid:
    """Return the grid with series of the same labels made one.

    Raises PharosError(INVALID) where two of them are present at the same step.
    """
    if not has_duplicates(grid.labels):
        return grid
    target, distinct = number_labels(grid.labels)
    first_rows = np.unique(target, return_index=True)[1]
    counts = np.zeros((len(distinct), grid.steps), np.int64)
    count_present(target, grid.present, counts)
    if (counts > 1).any():
        raise PharosError(Kind.INVALID, DUPLICATE_SERIES)
    merged = take_rows(grid, first_rows)
    merged.values = merged.values.copy()
    merged.present = counts > 0
    if grid.cells is not None:
        cells = merged.held = empty_cells(merged.present.shape)
    for i in range(len(grid.labels)):
        mask = grid.present[i]
        merged.values[target[i], mask] = grid.values[i, mask]
        if grid.cells is not None:
            cells[target[i], mask] = grid.cells[i, mask]
    return merged


def lose_names(grid: Grid, *, delayed: bool) -> Grid:
    """Return the grid without metric names: at once, or marked for the end of the query if `delayed`.

    Raises PharosError(INVALID) where that makes two series the same at one step.
    """
    if delayed:
        return replace(grid, dropped=np.ones(len(grid.labels), np.bool_))
    labels, may_repeat = all_without_name(grid.labels)
    nameless = replace(grid, labels=labels)
    return merge_same_labels(nameless) if may_repeat else nameless


def settle_names(grid: Grid) -> Grid:
    """Return the grid with the delayed removal of names carried out.

    Raises PharosError(INVALID) where that makes two series the same at one step.
    """
    if grid.dropped is None or not grid.dropped.any():
        return grid
    if bool(grid.dropped.all()):
        return lose_names(replace(grid, dropped=None), delayed=False)
    flags = grid.dropped.tolist()
    labels = [
        without_name(labels) if flag else labels for labels, flag in zip(grid.labels, flags, strict=True)
    ]
    return merge_same_labels(replace(grid, labels=labels, dropped=None))
