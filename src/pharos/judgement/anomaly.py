"""Detectors of anomalies: the state of many series, and rows scored by it."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pharos.errors import Kind, PharosError
from pharos.judgement import layout
from pharos.judgement.earlier import state_of_version_2
from pharos.judgement.scoring import State, score_rows, score_tick
from pharos.judgement.tails import ALARM

_MARK: Final = b"pharos-anomaly-3"
_MARK_2: Final = b"pharos-anomaly-2"
_TWO_DAYS_S: Final = 172_800.0
_LINE_BYTES: Final = 64
"""Of the processor's caches."""
_PARTS: Final[tuple[tuple[int, np.dtype[Any]], ...]] = (
    (layout.MOVING_WIDTH, np.dtype(np.float64)),
    (layout.CURVES_WIDTH, np.dtype(np.float32)),
    (layout.TAILS_WIDTH, np.dtype(np.float64)),
    (layout.PEAKS_WIDTH, np.dtype(np.float32)),
    (layout.FIRST_ROWS, np.dtype(np.float64)),
)
STATE_BYTES: Final = sum(width * kind.itemsize for width, kind in _PARTS)
"""What is remembered of a series."""
_BY_FIELD: Final = 2
"""So many of the parts lie by field, the others by series."""


class Verdicts(Struct, frozen=True):
    """What is said of one row of each of some series."""

    scores: NDArray[np.float64]
    """0 to 1; an alarm is due from 0.5 on."""
    alarms: NDArray[np.bool_]
    lower: NDArray[np.float64]
    """Between this and `upper` the value was to be expected; NaN where it is not known yet."""
    upper: NDArray[np.float64]


class Detector:
    """Scores samples of `series` series by what each did before, and never by what comes later.

    A score lies between 0 and 1, and reaches 0.5 where an alarm is due: at a probability of 10 to the -6.25.
    Of an incident that goes on, the first row is the alarm, and further ones where it grows worse.
    """

    def __init__(self, series: int = 1) -> None:
        self._state = _nothing(series)
        self._all = np.arange(series)
        self._all_count = np.ones(series, np.uint8)

    def score(
        self, times_s: NDArray[np.float64], values: NDArray[np.float64], series: int = 0
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Score rows of one series in their order; a NaN is a row without a value."""
        found = np.empty((2, len(times_s)))
        score_rows(self._state, series, times_s, values, found)
        return _told(found)

    def score_all(
        self, time_s: float, values: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Score one value of every series, all of the same time."""
        found = np.empty((2, len(values)))
        score_tick(self._state, self._all[: len(values)], time_s, values, self._all_count, found)
        return _told(found)

    def judge(
        self,
        time_s: float,
        rows: NDArray[np.int64],
        values: NDArray[np.float64],
        counts_gaps: NDArray[np.bool_],
    ) -> Verdicts:
        """Score one value of the series in `rows`, each once and all of the same time; a NaN is no value.

        Where `counts_gaps` is not set, a series that is not there is left alone.
        """
        found = np.empty((4, len(rows)))
        score_tick(self._state, rows, time_s, values, counts_gaps.view(np.uint8), found)
        return Verdicts(*_told(found), found[2], found[3])

    @property
    def series(self) -> int:
        """How many series there is room for."""
        return len(self._all)

    def grow(self, series: int) -> None:
        """Have room for so many series; new ones have seen nothing yet."""
        before = self.series
        if series > before:
            more = Detector(series)
            for mine, part in zip(more._rows(), self._rows(), strict=True):
                mine[:before] = part
            self._state, self._all, self._all_count = more._state, more._all, more._all_count

    def forget(self, row: int) -> None:
        """Let a series have seen nothing."""
        for part in self._rows():
            part[row] = 0.0

    def skip(self, row: int, time_s: float) -> None:
        """Go on at a later time, as if nothing lay between."""
        if self._state.moving[layout.ROWS, row] > 0:
            self._state.moving[layout.LAST_S, row] = time_s

    def take(self, row: int, other: Detector, other_row: int = 0) -> None:
        """Let a series have seen what one of another detector has."""
        for mine, part in zip(self._rows(), other._rows(), strict=True):
            mine[row] = part[other_row]

    def learned(self, row: int) -> float:
        """Return how much of two days a series was scored for, 0 to 1."""
        interval_s = max(float(self._state.moving[layout.INTERVAL_S, row]), 1.0)
        return min(float(self._state.moving[layout.SCORED, row]) * interval_s / _TWO_DAYS_S, 1.0)

    def to_bytes(self) -> bytes:
        """Return the state, from which another detector goes on."""
        return _MARK + b"".join(part.tobytes() for part in self._rows())

    @classmethod
    def from_bytes(cls, state: bytes) -> Detector:
        """Return the detector whose state this is. Raises PharosError (INVALID) for what is none."""
        parts = state_of_version_2(state[len(_MARK_2) :]) if state.startswith(_MARK_2) else _parts_of(state)
        if parts is None:
            raise PharosError(Kind.INVALID, "this is no state of a detector of this version")
        made = cls(len(parts[0]))
        for mine, part in zip(made._rows(), parts, strict=True):
            mine[:] = part
        return made

    def _rows(self) -> list[NDArray[Any]]:
        """Return the parts of the state with a row for each series."""
        parts = enumerate(self._state)
        return [part[:, : self.series].T if place < _BY_FIELD else part for place, part in parts]


def _told(found: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    return found[0] / (found[0] + ALARM), found[1] > 0


def _nothing(series: int) -> State:
    parts = []
    for place, (width, kind) in enumerate(_PARTS):
        # A field begins in another set of the processor's caches than the one before.
        lines = math.ceil(series * kind.itemsize / _LINE_BYTES) | 1
        apart = lines * _LINE_BYTES // kind.itemsize if series > _LINE_BYTES else series
        parts.append(np.zeros((width, apart) if place < _BY_FIELD else (series, width), kind))
    return State(*parts)


def _parts_of(state: bytes) -> list[NDArray[Any]] | None:
    series, rest = divmod(len(state) - len(_MARK), STATE_BYTES)
    if not state.startswith(_MARK) or rest or series < 1:
        return None
    parts, begin = [], len(_MARK)
    for width, kind in _PARTS:
        parts.append(np.frombuffer(state, kind, series * width, begin).reshape(series, width))
        begin += parts[-1].nbytes
    return parts
