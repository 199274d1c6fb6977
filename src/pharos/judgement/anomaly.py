"""Detectors of anomalies: the state of many series, and rows scored by it."""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pharos.errors import Kind, PharosError
from pharos.judgement import layout
from pharos.judgement.channels import ALARM, judge_tick, score_rows, score_tick

STATE_BYTES: Final = 8 * layout.NOW_WIDTH + 4 * layout.TABLE_WIDTH
"""What is remembered of a series."""
_MARK: Final = b"pharos-anomaly-2"
_TWO_DAYS_S: Final = 172_800.0


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
        self._now = np.zeros((series, layout.NOW_WIDTH))
        self._tables = np.zeros((series, layout.TABLE_WIDTH), np.float32)

    def score(
        self, times_s: NDArray[np.float64], values: NDArray[np.float64], series: int = 0
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Score rows of one series in their order; a NaN is a row without a value."""
        scores, alarms = np.empty(len(times_s)), np.empty(len(times_s), np.uint8)
        score_rows(self._now[series], self._tables[series], times_s, values, scores, alarms)
        return scores / (scores + ALARM), alarms.astype(np.bool_)

    def score_all(
        self, time_s: float, values: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Score one value of every series, all of the same time."""
        scores, alarms = np.empty(len(values)), np.empty(len(values), np.uint8)
        score_tick(self._now, self._tables, time_s, values, scores, alarms)
        return scores / (scores + ALARM), alarms.astype(np.bool_)

    def judge(
        self,
        time_s: float,
        rows: NDArray[np.int64],
        values: NDArray[np.float64],
        counts_gaps: NDArray[np.bool_],
    ) -> Verdicts:
        """Score one value of the series in `rows`, all of the same time; a NaN is a row without a value.

        Where `counts_gaps` is not set, a series that is not there is left alone.
        """
        found = np.empty((4, len(rows)))
        judge_tick(self._now, self._tables, rows, time_s, values, counts_gaps.view(np.uint8), found)
        return Verdicts(found[0] / (found[0] + ALARM), found[1] > 0, found[2], found[3])

    @property
    def series(self) -> int:
        """How many series there is room for."""
        return len(self._now)

    def grow(self, series: int) -> None:
        """Have room for so many series; new ones have seen nothing yet."""
        more = series - self.series
        if more > 0:
            self._now = np.concatenate([self._now, np.zeros((more, layout.NOW_WIDTH))])
            self._tables = np.concatenate([self._tables, np.zeros((more, layout.TABLE_WIDTH), np.float32)])

    def forget(self, row: int) -> None:
        """Let a series have seen nothing."""
        self._now[row] = 0.0
        self._tables[row] = 0.0

    def skip(self, row: int, time_s: float) -> None:
        """Go on at a later time, as if nothing lay between."""
        if self._now[row, layout.ROWS] > 0:
            self._now[row, layout.LAST_S] = time_s

    def take(self, row: int, other: Detector, other_row: int = 0) -> None:
        """Let a series have seen what one of another detector has."""
        self._now[row] = other._now[other_row]
        self._tables[row] = other._tables[other_row]

    def learned(self, row: int) -> float:
        """Return how much of two days a series was scored for, 0 to 1."""
        interval_s = max(float(self._now[row, layout.INTERVAL_S]), 1.0)
        return min(float(self._now[row, layout.SCORED]) * interval_s / _TWO_DAYS_S, 1.0)

    def to_bytes(self) -> bytes:
        """Return the state, from which another detector goes on."""
        return _MARK + self._now.tobytes() + self._tables.tobytes()

    @classmethod
    def from_bytes(cls, state: bytes) -> Detector:
        """Return the detector whose state this is. Raises PharosError (INVALID) for what is none."""
        series, rest = divmod(len(state) - len(_MARK), STATE_BYTES)
        if not state.startswith(_MARK) or rest or series < 1:
            raise PharosError(Kind.INVALID, "this is no state of a detector of this version")
        made = cls(series)
        split = len(_MARK) + made._now.nbytes
        made._now[:] = np.frombuffer(state[len(_MARK) : split]).reshape(made._now.shape)
        made._tables[:] = np.frombuffer(state[split:], np.float32).reshape(made._tables.shape)
        made._find_least()
        return made

    def _find_least(self) -> None:
        """Set what earlier versions left as it was, of channels that do not have all their peaks."""
        channels = np.arange(layout.CHANNELS)
        count = self._now[:, layout.COUNT + channels]
        newest = self._now[:, layout.NEWEST + channels].astype(np.int64)
        first = layout.PEAKS_NOW + channels * layout.PEAKS
        peaks = np.take_along_axis(self._tables, first + newest, 1)
        least = self._now[:, layout.LEAST + channels]
        least = np.where(count == layout.PEAKS, least, np.where(count > 0, peaks, -np.inf))
        self._now[:, layout.LEAST + channels] = least
