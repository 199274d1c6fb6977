"""States of detectors that earlier versions kept, as this one keeps them."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pharos.judgement import layout
from pharos.judgement.tails import ALARM, BELIEVED, TURN_ROWS

# Version 2: of each series a row of float64, then of each a row of float32: its curves and its peaks.
_NOW_WIDTH, _TABLE_WIDTH = 251, 1360
_CURVES_WIDTH: Final = 528
_ROWS, _UNIT, _LAST_RAW = 0, 3, 6
_EPOCH_ROWS, _IS_READY, _SCORED = 28, 32, 33
_GATE, _RATE, _SIGMA, _SHAPE, _COUNT, _COUNT_BEFORE, _CLIPPED_UNTIL, _FIRST = (
    44,
    57,
    70,
    83,
    96,
    109,
    161,
    187,
)
_FROM: Final = {
    layout.ROWS: _ROWS,
    layout.INTERVAL_S: 1,
    layout.LAST_S: 2,
    layout.UNIT: _UNIT,
    layout.CENTRE: 4,
    layout.IS_COUNTER: 5,
    layout.LAST_RAW: _LAST_RAW,
    layout.LAST_VALUE: 7,
    layout.LAST_Y: 8,
    layout.FAST: 9,
    layout.SLOW: 10,
    layout.SHORT_MEAN: 11,
    layout.LONG_MEAN: 12,
    layout.VARIANCE: 13,
    layout.SPREAD: 14,
    layout.LAST_SIGN: 15,
    layout.SAME_SIGN: 16,
    layout.MISSING: 17,
    layout.MISSING_MOST: 18,
    layout.ZEROS: 19,
    layout.ZEROS_MOST: 20,
    layout.SAMES: 21,
    layout.SAMES_MOST: 22,
    layout.LAST_PROFILE: 23,
    layout.PEAK: 24,
    layout.QUIET: 25,
    layout.EPISODE: 26,
    layout.LATE: 27,
    layout.SCORED: _SCORED,
    layout.DAY: 34,
    layout.FIT: 35,
    layout.FIT + 1: 36,
    **{layout.DAYS + day: 37 + day for day in range(7)},
}
"""Which field of version 2 became which."""
_TAILS_FROM: Final = {layout.BEFORE_ROWS: 29, layout.EPOCH_END: 30, layout.FIT_AT: 31}


def state_of_version_2(state: bytes) -> list[NDArray[Any]] | None:
    """Return the parts of a state (`layout.py`), a row for each series; None where it is no such state."""
    series, rest = divmod(len(state), 8 * _NOW_WIDTH + 4 * _TABLE_WIDTH)
    if rest or series < 1:
        return None
    now = np.frombuffer(state, np.float64, series * _NOW_WIDTH).reshape(series, -1)
    tables = np.frombuffer(state, np.float32, offset=now.nbytes).reshape(series, -1)
    moving, tails = np.zeros((series, layout.MOVING_WIDTH)), np.zeros((series, layout.TAILS_WIDTH))
    for mine, theirs in _FROM.items():
        moving[:, mine] = now[:, theirs]
    for mine, theirs in _TAILS_FROM.items():
        tails[:, mine] = now[:, theirs]
    for mine, theirs in ((layout.COUNT, _COUNT), (layout.COUNT_BEFORE, _COUNT_BEFORE)):
        tails[:, mine : mine + layout.CHANNELS] = _channels(now, theirs)
    tails[:, layout.CLIPPED_UNTIL :][:, : layout.CHANNELS] = _channels(now, _CLIPPED_UNTIL)
    tails[:, layout.EPOCH_BEGIN] = now[:, _SCORED] - now[:, _EPOCH_ROWS]
    with np.errstate(all="ignore"):
        phase = (now[:, _ROWS] + now[:, _LAST_RAW] / now[:, _UNIT]) % 1.0
    tails[:, layout.PHASE] = np.where(np.isfinite(phase), phase, 0.0)
    moving[:, layout.TURN_AT] = now[:, _SCORED] + np.floor(tails[:, layout.PHASE] * TURN_ROWS)
    limits, believed, fitted = _fitted(now)
    moving[:, layout.LIMIT : layout.READ] = limits
    tails[:, layout.BELIEVED : layout.BELIEVED + layout.CHANNELS] = believed
    curves = np.concatenate([tables[:, :_CURVES_WIDTH], fitted], 1)
    return [moving, curves, tails, _peaks(now, tables), now[:, _FIRST:]]


def _channels(now: NDArray[np.float64], first: int) -> NDArray[np.float64]:
    return now[:, first : first + layout.CHANNELS]


def _fitted(now: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]:
    """Return the limits of alarms, the largest values that are believed, and the fields of the tails."""
    is_ready = now[:, _IS_READY, None] != 0.0
    gate, rate, sigma, shape = (_channels(now, first) for first in (_GATE, _RATE, _SIGMA, _SHAPE))
    with np.errstate(all="ignore"):
        rare = -np.log10(rate)

        def limit(rarer_than: float) -> NDArray[np.float64]:
            over = np.maximum(np.power(10.0, (rarer_than - rare) * shape) - 1.0, 0.0)
            return np.where(is_ready, gate + sigma * over / shape, math.nan)

        limits, believed = limit(ALARM)[:, layout.LIMITED], np.nan_to_num(limit(BELIEVED))
        steepness, factor = shape / sigma, 1.0 / (math.log(10.0) * shape)
    fields = [np.where(is_ready, one, 0.0) for one in (steepness, factor, rare)]
    fields = [np.full_like(gate, -math.inf), np.where(is_ready, gate, math.inf), *fields]
    return limits, believed, np.concatenate(fields, 1).astype(np.float32)


def _peaks(now: NDArray[np.float64], tables: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the peaks in their order, which they were not in."""
    peaks = tables[:, _CURVES_WIDTH:].reshape(len(now), 2, layout.CHANNELS, layout.PEAKS)
    counts = np.stack([_channels(now, _COUNT), _channels(now, _COUNT_BEFORE)], 1)
    known = np.arange(layout.PEAKS) < counts[..., None]
    return np.sort(np.where(known, peaks, np.float32(math.inf)), -1).reshape(len(now), -1)
