"""Detectors of anomalies: the state of many series, and rows scored by it."""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pharos.errors import Kind, PharosError
from pharos.judgement import layout
from pharos.judgement.arrivals import ABSENT, COMES_AND_GOES, COUNTS_GAPS
from pharos.judgement.channels import judge_tick, score_rows
from pharos.judgement.tails import ALARM

STATE_BYTES: Final = (
    8 * layout.NOW_WIDTH // layout.LANES
    + 4 * layout.TABLE_WIDTH // layout.LANES
    + 8 * layout.TAIL_WIDTH
    + 4 * layout.PEAK_WIDTH
)
"""What is remembered of a series."""
_MARK: Final = b"pharos-anomaly-3"
_TWO_DAYS_S: Final = 172_800.0

_State = tuple[
    NDArray[np.float64],
    NDArray[np.float32],
    NDArray[np.float64],
    NDArray[np.float32],
]


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
        self._series = series
        self._state = _fresh(series)

    def score(
        self, times_s: NDArray[np.float64], values: NDArray[np.float64], series: int = 0
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Score rows of one series in their order; a NaN is a row without a value."""
        told = np.empty((2, len(times_s)))
        score_rows(*self._state, series, np.stack([times_s, values]), told)
        return told[0] / (told[0] + ALARM), told[1] > 0

    def score_all(
        self, time_s: float, values: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Score one value of every series, all of the same time."""
        given, told = self._given(), np.empty((2, self._room))
        given[0, : len(values)], given[1, : len(values)] = values, COUNTS_GAPS
        judge_tick(*self._state, time_s, given, told)
        scores, alarms = told[:, : len(values)]
        return scores / (scores + ALARM), alarms > 0

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
        given, told = self._given(), np.empty((4, self._room))
        given[0, rows], given[1, rows] = values, np.where(counts_gaps, COUNTS_GAPS, COMES_AND_GOES)
        judge_tick(*self._state, time_s, given, told)
        scores, alarms, lower, upper = told[:, rows]
        return Verdicts(scores / (scores + ALARM), alarms > 0, lower, upper)

    def _given(self) -> NDArray[np.float64]:
        return np.full((2, self._room), ABSENT)

    @property
    def series(self) -> int:
        """How many series there is room for."""
        return self._series

    @property
    def _room(self) -> int:
        return len(self._state[0]) * layout.LANES

    def grow(self, series: int) -> None:
        """Have room for so many series; new ones have seen nothing yet."""
        more = series - self._room
        if more > 0:
            now, tables, tails, peaks = (
                np.concatenate([one, other]) for one, other in zip(self._state, _fresh(more), strict=True)
            )
            self._state = now, tables, tails, peaks
        self._series = max(series, self._series)

    def forget(self, row: int) -> None:
        """Let a series have seen nothing."""
        self.take(row, Detector())

    def skip(self, row: int, time_s: float) -> None:
        """Go on at a later time, as if nothing lay between."""
        if self._of_now(row, layout.ROWS) > 0:
            self._state[0][row // layout.LANES, layout.LAST_S + row % layout.LANES] = time_s

    def take(self, row: int, other: Detector, other_row: int = 0) -> None:
        """Let a series have seen what one of another detector has."""
        now, tables, tails, peaks = self._state
        from_now, from_tables, from_tails, from_peaks = other._state
        block, lane = divmod(row, layout.LANES)
        other_block, other_lane = divmod(other_row, layout.LANES)
        now[block, lane :: layout.LANES] = from_now[other_block, other_lane :: layout.LANES]
        tables[block, lane :: layout.LANES] = from_tables[other_block, other_lane :: layout.LANES]
        tails[row], peaks[row] = from_tails[other_row], from_peaks[other_row]

    def _of_now(self, row: int, field: int) -> float:
        block, lane = divmod(row, layout.LANES)
        return float(self._state[0][block, field + lane])

    def learned(self, row: int) -> float:
        """Return how much of two days a series was scored for, 0 to 1."""
        interval_s = max(self._of_now(row, layout.INTERVAL_S), 1.0)
        return min(self._of_now(row, layout.SCORED) * interval_s / _TWO_DAYS_S, 1.0)

    def to_bytes(self) -> bytes:
        """Return the state, from which another detector goes on."""
        return _MARK + b"".join(one.tobytes() for one in self._state)

    @classmethod
    def from_bytes(cls, state: bytes) -> Detector:
        """Return the detector whose state this is. Raises PharosError (INVALID) for what is none."""
        blocks, rest = divmod(len(state) - len(_MARK), STATE_BYTES * layout.LANES)
        if not state.startswith(_MARK) or rest or blocks < 1:
            raise PharosError(Kind.INVALID, "this is no state of a detector of this version")
        made = cls(blocks * layout.LANES)
        start = len(_MARK)
        for part in made._state:
            part[:] = np.frombuffer(state[start : start + part.nbytes], part.dtype).reshape(part.shape)
            start += part.nbytes
        return made


def _fresh(series: int) -> _State:
    """Return the state of so many series that have seen nothing."""
    blocks = -(-series // layout.LANES)
    return (
        np.zeros((blocks, layout.NOW_WIDTH)),
        np.zeros((blocks, layout.TABLE_WIDTH), np.float32),
        np.zeros((blocks * layout.LANES, layout.TAIL_WIDTH)),
        np.zeros((blocks * layout.LANES, layout.PEAK_WIDTH), np.float32),
    )
