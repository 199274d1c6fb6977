"""What an evaluation may hold: points of a result, and bytes of everything."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Final, TypeVar

import numpy as np

from pharos.errors import Kind, PharosError
from pharos.promql.grids.grid import Grid, Scalar, Value
from pharos.promql.histograms.cells import Cells, is_set
from pharos.promql.histograms.grid import HistogramGrid
from pharos.promql.source import SeriesBlock

E = TypeVar("E", bound=BaseException)

TOO_MANY_SAMPLES: Final = "query processing would load too many samples into memory in query execution"
NO_MEMORY: Final = "query processing would need more memory than there is"
LIMIT_HINT: Final = "narrow the selector or widen the step"

VISITS: Final = 20_000_000
"""So many numbers of histograms are looked at between two looks at the clock."""
_SURE_SERIES: Final = 200
"""So few series of a selection are no measure of the others."""
_CELL_BYTES: Final = 9
"""A value, and whether it is present."""
_HISTOGRAM_BYTES: Final = 1_000
"""About what a histogram takes as an object."""
VISITS_BETWEEN_CHECKS: Final = 50_000_000
"""How many samples a kernel looks at before it is asked whether the query is to end."""


def _no_check() -> None:
    return


class Room:
    """Ends an evaluation by blocks once its result is too large, or sure to become so."""

    def __init__(self, limit: int, series: int) -> None:
        self._limit = limit
        self._series = series
        self._seen = 0
        self._present = 0
        self._cells = 0

    def take(self, series: int, grid: Grid) -> None:
        """Count what is there of some more series. Raises PharosError(LIMITED).

        Those that came are a random sample of all. With a sixteenth of the limit there, of many series, and
        twice the limit to be expected, it is out of the question that all make less than the limit. Gaps
        take memory too: of them there may be three times as many as the limit.
        """
        if not self._limit:
            return
        self._seen += series
        self._present += int(np.count_nonzero(grid.present))
        expected = self._present * self._series // max(1, self._seen)
        enough = self._seen >= _SURE_SERIES and self._present >= max(self._limit // 16, 128 * grid.steps)
        self._cells += grid.present.size
        cells = self._cells * self._series // max(1, self._seen) if self._seen >= _SURE_SERIES else 0
        gaps = self._cells > 4 * self._limit or cells > 8 * self._limit
        if gaps or (enough and expected > 2 * self._limit) or self._present > self._limit:
            raise PharosError(Kind.LIMITED, TOO_MANY_SAMPLES, hint=LIMIT_HINT)


class Memory:
    """Adds up what an evaluation holds in memory, and ends it when that is too much.

    What nodes hand upwards passes: with the result of a node, what its operands took is free again.
    """

    def __init__(
        self,
        limit_bytes: int = 0,
        check: Callable[[], None] = _no_check,
        visits_between_checks: int = VISITS_BETWEEN_CHECKS,
    ) -> None:
        self.passing = 0
        self.visits_between_checks = visits_between_checks
        """So many samples at most are looked at before the next check."""
        self.check = check
        """Raises PharosError when the evaluation is to end; to be called within long loops."""
        self._limit = limit_bytes
        self._kept = 0

    def keep(self, size_bytes: int) -> None:
        """Count what stays until the end. Raises PharosError(LIMITED)."""
        self._kept += size_bytes
        self._check()

    def take(self, size_bytes: int) -> None:
        """Count a part of what passes. Raises PharosError(LIMITED)."""
        self.passing += size_bytes
        self._check()

    def count_result(self, before_bytes: int, result_bytes: int) -> None:
        """Count a node's result besides its operands, which are let go. Raises PharosError(LIMITED)."""
        self.take(result_bytes)
        self.passing = before_bytes + result_bytes

    def check_room(self, cells: int) -> None:
        """Raise PharosError(LIMITED) when so many more cells of a grid would be too much."""
        self.check_bytes(_CELL_BYTES * cells)

    def check_bytes(self, size_bytes: int) -> None:
        """Raise PharosError(LIMITED) when so many more bytes would be too much."""
        self.check()
        self._check(size_bytes)

    def _check(self, more_bytes: int = 0) -> None:
        held = self._kept + self.passing + more_bytes
        if self._limit and held > self._limit:
            raise PharosError(
                Kind.LIMITED,
                f"query processing would hold {held >> 20} MiB in memory, more than {self._limit >> 20} MiB",
                hint=LIMIT_HINT,
            )


def without_frames(error: E) -> E:
    """Return the error without what the frames of its traceback held: large arrays live no longer than it."""
    traceback.clear_frames(error.__traceback__)
    return error


def bytes_of(value: Value) -> int:
    """Return about what a value takes in memory."""
    if isinstance(value, Scalar):
        return value.values.nbytes
    if isinstance(value, Grid):
        return value.values.nbytes + value.present.nbytes + _bytes_of_cells(value.held)
    return 0


def _bytes_of_cells(cells: Cells | HistogramGrid | None) -> int:
    if isinstance(cells, HistogramGrid):
        return cells.nbytes
    return 0 if cells is None else cells.nbytes + _HISTOGRAM_BYTES * int(np.count_nonzero(is_set(cells)))


def bytes_of_block(block: SeriesBlock) -> int:
    """Return about what the samples of a selection take in memory."""
    histograms = 0 if block.histograms is None else _HISTOGRAM_BYTES * len(block.histograms.ts_ms)
    starts = 0 if block.start_ms is None else block.start_ms.nbytes
    return block.ts_ms.nbytes + block.values.nbytes + starts + histograms
