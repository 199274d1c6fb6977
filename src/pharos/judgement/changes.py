"""Which of many series changed in a span of time, by how much, and how like a given one they moved.

A series is compared with its own past: by the distance of Kolmogorov and Smirnov between the values before
and during, and by how far their medians are apart, measured by the spread that was usual. The first alone
would call the smallest steady drift a change, the second alone a single value.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pharos.compiled.kernel import kernel

Floats = NDArray[np.float64]

_LEAST_BEFORE: Final = 8
_LEAST_DURING: Final = 3
_LEAST_PAIRS: Final = 10
_MOST_LAG: Final = 4
"""Steps by which a series may follow another, or lead it."""
_SLACK: Final = 0.05
"""Of the usual value: smaller changes are small whatever the spread was."""
_TINY: Final = 1e-12
_SCORE, _CORRELATION, _BEFORE, _DURING, _FIRST, _COUNTER = range(6)
_WIDTH: Final = 6


class Changes(Struct, frozen=True):
    """What became of n series, a value of each column for each of them; NaN is none."""

    scores: Floats
    """0 to 1: how much a series changed."""
    correlations: Floats
    """-1 to 1, with the series that was given, at the lag at which it is strongest."""
    before: Floats
    """The median; of a counter, of its rate."""
    during: Floats
    first: NDArray[np.int64]
    """The step at which it left what it did before; -1 for never."""
    is_counter: NDArray[np.bool_]
    values: Floats
    """What was compared: of a counter its rate a second."""


def find_changes(
    values: Floats, split: int, step_s: float, window: int, counters: NDArray[np.bool_], reference: Floats
) -> Changes:
    """Return what changed from step `split` on.

    `values[n, steps]` has NaN where there is none. Counters, and what only ever grows, are looked at by their
    rate over `window` steps. `reference[steps]` is what series are compared with; NaN throughout for nothing.
    """
    judged = values.copy()
    found = np.full((len(values), _WIDTH), np.nan)
    judge_changes(judged, split, step_s, window, counters, reference, found)
    return Changes(
        scores=found[:, _SCORE],
        correlations=found[:, _CORRELATION],
        before=found[:, _BEFORE],
        during=found[:, _DURING],
        first=found[:, _FIRST].astype(np.int64),
        is_counter=found[:, _COUNTER] > 0,
        values=judged,
    )


@kernel
def judge_changes(
    values: Any, split: Any, step_s: Any, window: Any, counters: Any, reference: Any, found: Any
) -> None:
    """Judge each row of `values`, which become what was compared, into the rows of `found`."""
    for series in range(len(values)):
        row = values[series]
        is_counter = counters[series] or _only_grows(row)
        if is_counter:
            _take_rates(row, step_s, window)
        found[series, _COUNTER] = 1.0 if is_counter else 0.0
        found[series, _CORRELATION] = _correlation(row, reference)
        _compare(row, split, found[series])


@kernel
def _only_grows(row: Any) -> Any:
    last = math.nan
    grown = known = 0
    for step in range(len(row)):
        value = row[step]
        if math.isnan(value):
            continue
        if value < last or value < 0.0:
            return False
        grown += value > last
        known += 1
        last = value
    return known >= _LEAST_PAIRS and 2 * grown > known


@kernel
def _take_rates(row: Any, step_s: Any, window: Any) -> None:
    """Make the values of a counter its rate over the last `window` steps; a reset begins anew."""
    total = 0.0
    last = math.nan
    sums = np.empty(len(row))
    for step in range(len(row)):
        value = row[step]
        if not math.isnan(value):
            if not math.isnan(last):
                total += value - last if value >= last else value
            last = value
        sums[step] = total
    if math.isnan(last):
        return
    # Before it was there for the first time it counted nothing: an error that never was is no unknown.
    for step in range(len(row)):
        row[step] = (sums[step] - sums[step - window]) / (window * step_s) if step >= window else math.nan


@kernel
def _compare(row: Any, split: Any, found: Any) -> None:
    found[_SCORE] = 0.0
    found[_FIRST] = -1.0
    before = _sorted_part(row, 0, split)
    during = _sorted_part(row, split, len(row))
    if len(during) > 0:
        found[_DURING] = _quantile(during, 0.5)
    if len(before) > 0:
        found[_BEFORE] = _quantile(before, 0.5)
    if len(before) < _LEAST_BEFORE or len(during) < _LEAST_DURING:
        return
    usual = _quantile(before, 0.5)
    low, high = _quantile(before, 0.05), _quantile(before, 0.95)
    slack = _SLACK * abs(usual) + _TINY
    spread = 0.5 * (high - low) + slack
    apart = abs(_quantile(during, 0.5) - usual) / spread
    found[_SCORE] = _distance(before, during) * apart * apart / (1.0 + apart * apart)
    low, high = before[0] - slack, before[-1] + slack
    for step in range(split, len(row)):
        if row[step] < low or row[step] > high:
            found[_FIRST] = step
            return


@kernel
def _sorted_part(row: Any, start: Any, end: Any) -> Any:
    part = np.empty(end - start)
    known = 0
    for step in range(start, end):
        if not math.isnan(row[step]) and not math.isinf(row[step]):
            part[known] = row[step]
            known += 1
    return np.sort(part[:known])


@kernel
def _quantile(ordered: Any, share: Any) -> Any:
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


@kernel
def _distance(one: Any, other: Any) -> Any:
    """Return the greatest difference of two empirical distributions."""
    left = right = 0
    most = 0.0
    while left < len(one) and right < len(other):
        value = min(one[left], other[right])
        while left < len(one) and one[left] == value:
            left += 1
        while right < len(other) and other[right] == value:
            right += 1
        most = max(most, abs(left / len(one) - right / len(other)))
    return most


@kernel
def _correlation(row: Any, reference: Any) -> Any:
    """Return Pearson's correlation at the lag where it is strongest; NaN where it is not defined."""
    strongest = math.nan
    for lag in range(-_MOST_LAG, _MOST_LAG + 1):
        pairs = 0
        x = y = xx = yy = xy = 0.0
        # About the first pair, so that large values with small changes keep their digits.
        x_first = y_first = math.nan
        for step in range(max(lag, 0), min(len(row), len(row) + lag)):
            if math.isnan(row[step]) or math.isnan(reference[step - lag]):
                continue
            if pairs == 0:
                x_first, y_first = row[step], reference[step - lag]
            dx, dy = row[step] - x_first, reference[step - lag] - y_first
            x, y, xx, yy, xy = x + dx, y + dy, xx + dx * dx, yy + dy * dy, xy + dx * dy
            pairs += 1
        if pairs < _LEAST_PAIRS:
            continue
        vx, vy = xx - x * x / pairs, yy - y * y / pairs
        if vx <= _TINY * xx or vy <= _TINY * yy:
            continue
        found = (xy - x * y / pairs) / math.sqrt(vx * vy)
        if math.isnan(strongest) or abs(found) > abs(strongest):
            strongest = min(max(found, -1.0), 1.0)
    return strongest
