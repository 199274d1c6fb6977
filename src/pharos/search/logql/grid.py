"""Series of numbers on the steps of a query, some of which may have no number."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from pharos.labels import Labels


class Steps(Struct, frozen=True):
    """The times at which a metric is asked for, in nanoseconds; one alone for an instant query."""

    start_ns: int
    end_ns: int
    step_ns: int = 0

    @property
    def count(self) -> int:
        """How many there are."""
        return 1 if self.step_ns <= 0 else (self.end_ns - self.start_ns) // self.step_ns + 1

    def times(self) -> NDArray[np.int64]:
        """Return all of them."""
        return self.start_ns + max(self.step_ns, 0) * np.arange(self.count, dtype=np.int64)


class Column(Struct, frozen=True):
    """One series: a number for each step, and whether there is one."""

    values: NDArray[np.float64]
    present: NDArray[np.bool_]


class Grid(Struct, frozen=True):
    """Series by their labels."""

    series: Mapping[Labels, Column] = field(default_factory=dict)
    is_sorted: bool = False
    """Whether the order of the series was asked for."""

    def without_empty(self) -> Grid:
        """Return those that have a number at any step."""
        return Grid(
            {labels: column for labels, column in self.series.items() if column.present.any()}, self.is_sorted
        )


def constant(value: float, count: int) -> Column:
    """Return a series with the same number at every step."""
    return Column(np.full(count, value), np.ones(count, dtype=bool))


def grouped(labels: Labels, names: frozenset[str], *, without: bool) -> Labels:
    """Return the labels that a grouping leaves."""
    return tuple(pair for pair in labels if (pair[0] in names) is not without)
