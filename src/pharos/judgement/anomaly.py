"""Detectors of anomalies: the state of many series, and rows scored by it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pharos.errors import Kind, PharosError
from pharos.judgement import layout
from pharos.judgement.channels import ALARM, score_rows, score_tick

STATE_BYTES: Final = 8 * layout.NOW_WIDTH + 4 * layout.TABLE_WIDTH
"""What is remembered of a series."""
_MARK: Final = b"pharos-anomaly-1"


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
        return made
