"""What a sample is worth: a pure function of series, step and kind, so that any sum can be foretold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit("u8(u8, u8)", cache=True, nogil=True, inline="always")
def _mix(a: Any, b: Any) -> Any:
    """64 well-mixed bits of two numbers (the finaliser of splitmix64)."""
    z = np.uint64(a) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(b) * np.uint64(0xD1B54A32D192ED03)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit("f8(i8, i8, u1)", cache=True, nogil=True)
def value(series: int, step: int, kind: int) -> float:
    """Return the value of `series` at `step`.

    0 fast counter: some 50 to 2,000 a step, half of it noise. 1 slow counter: one a random step of 16.
    2 gauge with two decimals. 3 gauge with a full mantissa. 4 always 1. Above: a histogram's buckets,
    cumulative over `kind`. Counters are whole numbers, so that their sums are exact.
    """
    own = _mix(np.uint64(series), np.uint64(0))
    now = _mix(np.uint64(series), np.uint64(step + 1))
    if kind == 0 or kind > 4:
        rate = np.int64(50) + np.int64(own % np.uint64(1950))
        if kind > 4:
            rate = np.int64(16) * np.int64(kind - 4)
            now = _mix(np.uint64(series // 10), np.uint64(step + 1))
        half = np.int64(now % np.uint64(1024)) * (rate // 2) // 1024
        return float(np.int64(own % np.uint64(1000000)) * (kind == 0) + step * rate + half)
    if kind == 1:
        block = step // 16
        at = np.int64(_mix(np.uint64(series), np.uint64(block)) % np.uint64(16))
        return float(np.int64(own % np.uint64(1000)) + block + (1 if step % 16 >= at else 0))
    if kind == 4:
        return 1.0
    phase = float(own % np.uint64(6283)) / 1000.0
    noise = float(now >> np.uint64(11)) / 9007199254740992.0
    level = 50.0 + 20.0 * np.sin(float(step) / 300.0 + phase) + 2.0 * noise
    if kind == 2:
        return float(np.floor(level * 100.0 + 0.5) / 100.0)
    return float(level)


@njit("f8(i8[::1], u1[::1], i8, i8)", cache=True, nogil=True)
def total(series: np.ndarray, kinds: np.ndarray, first: int, last: int) -> float:
    """Return the sum of all values of `series` over the steps `first` up to, not including, `last`."""
    result = 0.0
    for index in range(len(series)):
        for step in range(first, last):
            result += value(series[index], step, kinds[index])
    return result
