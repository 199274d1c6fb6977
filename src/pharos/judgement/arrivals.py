"""What comes of a row before its channels are asked: gaps, counters, first values, runs of equal values."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.judgement import layout
from pharos.judgement.layout import LANES

ABSENT: Final = 0.0
"""The lane has no series, or none that is asked about."""
COMES_AND_GOES: Final = 1.0
"""A row without a value says nothing of the series."""
COUNTS_GAPS: Final = 2.0
_RUN: Final = 7.0
"""What a run of equal or missing rows counts that is longer than any before."""
_LATE_ROWS: Final = 8
"""So many rows in the past, one after the other: the clock was set back."""
_DAY_S: Final = 86_400.0
_SATURDAY, _DAYS = 5, 7
_NEARER: Final = 0.8
"""A day is of the kind whose times it is nearer to by this factor."""
_SURE: Final = 2.0
_UNIT: Final = 0.05
"""Of the median: values much smaller do not differ."""
_FAR: Final = 1e38
_WARM_LEAST, _WARM_MOST = 288.0, 1440.0
"""Rows that are only learned from: a day, but neither fewer nor more than these."""
_WARM_FROM_S: Final = 5.0


@kernel
def arrive_all(state: Any, block: Any, moment: Any, given: Any, work: Any) -> None:
    """Take in a row of each series of a block; most have what the last ones led to expect."""
    now = state[0][block]
    first = block * LANES
    time_s, day = moment[0], moment[1]
    for lane in range(LANES):
        value = given[0, first + lane]
        interval, last_s = now[layout.INTERVAL_S + lane], now[layout.LAST_S + lane]
        is_plain = (given[1, first + lane] != ABSENT) & (value == value) & (interval > 0.0)
        is_plain &= abs(time_s - last_s - interval) <= 0.05 * interval
        is_plain &= now[layout.ROWS + lane] >= layout.FIRST_ROWS
        is_plain &= now[layout.IS_COUNTER + lane] + now[layout.MISSING + lane] == 0.0
        is_plain &= now[layout.DAY + lane] == day
        late, last_raw = now[layout.LATE + lane], now[layout.LAST_RAW + lane]
        go = 1.0 if is_plain else 0.0
        now[layout.LATE + lane] = 0.0 if is_plain else late
        now[layout.LAST_S + lane] = time_s if is_plain else last_s
        now[layout.LAST_RAW + lane] = value if is_plain else last_raw
        work[layout.GO + lane] = go
        work[layout.TOLD + lane] = go
        work[layout.RARE + lane] = 0.0
        work[layout.VALUE + lane] = value if is_plain else 0.0
        work[layout.IS_GAP + lane] = 0.0
    for lane in range(LANES):
        if work[layout.GO + lane] == 0.0 and given[1, first + lane] != ABSENT:
            arrive(state, first + lane, moment, given[0, first + lane], given[1, first + lane], work)


@kernel
def arrive(state: Any, series: Any, moment: Any, value: Any, kind: Any, work: Any) -> None:
    """Take a row in; set in `work` whether the channels are asked, and what is known without them.

    `moment` is the time in seconds and the number of its day.
    """
    block, lane = series // LANES, series % LANES
    now = state[0][block]
    work[layout.GO + lane] = work[layout.TOLD + lane] = work[layout.RARE + lane] = 0.0
    work[layout.VALUE + lane] = work[layout.IS_GAP + lane] = 0.0
    if kind == ABSENT or (kind == COMES_AND_GOES and math.isnan(value)):
        return
    time_s = moment[0]
    interval = now[layout.INTERVAL_S + lane]
    if kind == COMES_AND_GOES and interval > 0.0 and time_s - now[layout.LAST_S + lane] > 1.5 * interval:
        now[layout.LAST_S + lane] = time_s - interval
    missed = 0.0
    if now[layout.ROWS + lane] > 0.0 or now[layout.LAST_S + lane] != 0.0:
        passed = time_s - now[layout.LAST_S + lane]
        if passed <= 0.0:
            now[layout.LATE + lane] += 1.0
            if passed == 0.0 or now[layout.LATE + lane] < _LATE_ROWS:
                return
            passed = interval
        missed = _pass_time(now, lane, passed)
    now[layout.LATE + lane] = 0.0
    now[layout.LAST_S + lane] = time_s
    if math.isnan(value):
        now[layout.MISSING + lane] += 1.0 + missed
        work[layout.RARE + lane] = _missing(now, lane)
        work[layout.TOLD + lane] = 1.0
        return
    now[layout.MISSING + lane] += missed
    value = _gauge(state, series, value, missed)
    if now[layout.ROWS + lane] < layout.FIRST_ROWS:
        _begin(state, series, value, moment[1])
        return
    rare = 0.0
    if now[layout.MISSING + lane] > 0.0:
        rare = _missing(now, lane)
        work[layout.IS_GAP + lane] = 1.0 if now[layout.MISSING + lane] > 5.0 else 0.0
        _end_missing(now, lane)
    if moment[1] != now[layout.DAY + lane]:
        _end_day(now, lane, moment[1])
    work[layout.RARE + lane] = rare
    work[layout.VALUE + lane] = value
    work[layout.GO + lane] = work[layout.TOLD + lane] = 1.0


@kernel
def _pass_time(now: Any, lane: Any, passed: Any) -> Any:
    """Return how many rows are missing since the last one, and learn the interval of rows."""
    interval = now[layout.INTERVAL_S + lane]
    if abs(passed - interval) <= 0.05 * interval:
        return 0.0
    if interval == 0.0:
        interval = passed
    missed = min(max(math.floor(passed / interval + 0.5) - 1.0, 0.0), 1e6)
    # A median that follows: a gap moves it no more than any other row.
    step = 0.1 if now[layout.ROWS + lane] < layout.FIRST_ROWS else 0.01
    if passed > interval:
        interval = min(interval * (1.0 + step), passed)
    elif passed < interval:
        interval = max(interval * (1.0 - step), passed)
    now[layout.INTERVAL_S + lane] = interval
    # Rows closer than some seconds, or that are only numbered, are not of days.
    most = _WARM_MOST if interval >= _WARM_FROM_S else _WARM_LEAST
    now[layout.WARM + lane] = min(most, max(_WARM_LEAST, _DAY_S / interval))
    return missed


@kernel
def _gauge(state: Any, series: Any, value: Any, missed: Any) -> Any:
    """Return the value; of a counter, what it grew by in one interval."""
    now, lane = state[0][series // LANES], series % LANES
    last = now[layout.LAST_RAW + lane]
    now[layout.LAST_RAW + lane] = value
    if now[layout.IS_COUNTER + lane] == 0.0:
        return value
    if value >= last:
        return (value - last) / (1.0 + missed)
    if value <= 0.5 * last:
        return value
    # It only went up until now: no counter.
    time_s, interval = now[layout.LAST_S + lane], now[layout.INTERVAL_S + lane]
    warm = now[layout.WARM + lane]
    _forget(state, series)
    now[layout.LAST_S + lane], now[layout.INTERVAL_S + lane] = time_s, interval
    now[layout.WARM + lane], now[layout.LAST_RAW + lane] = warm, value
    return value


@kernel
def _forget(state: Any, series: Any) -> None:
    """Let a series have seen nothing."""
    now, tables, tails, peaks = state
    block, lane = series // LANES, series % LANES
    now[block, lane::LANES] = 0.0
    tables[block, lane::LANES] = 0.0
    tails[series] = 0.0
    peaks[series] = 0.0


@kernel
def _begin(state: Any, series: Any, value: Any, day: Any) -> None:
    """Keep one of the first values; with the last of them, find the unit and whether this is a counter."""
    now, tables = state[0][series // LANES], state[1][series // LANES]
    lane = series % LANES
    rows = int(now[layout.ROWS + lane])
    first = state[2][series, layout.FIRST_VALUES : layout.FIRST_VALUES + layout.FIRST_ROWS]
    first[rows] = value
    now[layout.ROWS + lane] += 1.0
    now[layout.MISSING_MOST + lane] = max(now[layout.MISSING_MOST + lane], now[layout.MISSING + lane])
    now[layout.MISSING + lane] = 0.0
    if rows + 1 < layout.FIRST_ROWS:
        return
    grown = 0
    for place in range(1, layout.FIRST_ROWS):
        if first[place] < first[place - 1]:
            grown = -layout.FIRST_ROWS
        grown += first[place] > first[place - 1]
    if now[layout.IS_COUNTER + lane] == 0.0 and 2 * grown > layout.FIRST_ROWS and first[0] >= 0.0:
        now[layout.IS_COUNTER + lane] = 1.0
        now[layout.ROWS + lane] = 0.0
        return
    sizes = np.sort(np.abs(first))
    middle = sizes[layout.FIRST_ROWS // 2]
    if middle == 0.0:
        middle = sizes.mean()
    unit = _UNIT * middle if middle > 0.0 else 1.0
    median = np.median(first)
    now[layout.UNIT + lane] = unit
    now[layout.CENTRE + lane] = math.log1p(median / unit) if median > 0.0 else 0.0
    now[layout.VARIANCE + lane] = 1.0
    now[layout.LAST_VALUE + lane] = math.nan
    for free in range(_SATURDAY, _DAYS):
        now[layout.DAYS + free * LANES + lane] = layout.WEEKEND
    now[layout.DAY + lane] = day
    for minute in range(layout.MINUTES):
        tables[layout.MINUTE + minute * layout.OF_MINUTE + LANES + lane] = 1.0
    for hour in range(layout.HOURS):
        tables[layout.HOUR_SCALE + hour * LANES + lane] = 1.0
    for channel in range(layout.CHANNELS):
        tables[layout.LOOK_FROM + channel * LANES + lane] = -_FAR


@kernel
def _missing(now: Any, lane: Any) -> Any:
    missing = now[layout.MISSING + lane]
    is_new = missing >= 5.0 and missing > 1.5 * now[layout.MISSING_MOST + lane]
    return _RUN if is_new and now[layout.ROWS + lane] > now[layout.WARM + lane] else 0.0


@kernel
def _end_missing(now: Any, lane: Any) -> None:
    missing, most = now[layout.MISSING + lane], now[layout.MISSING_MOST + lane]
    if now[layout.ROWS + lane] > now[layout.WARM + lane]:
        missing = min(missing, 2.0 * most + 1.0)
    now[layout.MISSING_MOST + lane] = max(most, missing)
    now[layout.MISSING + lane] = 0.0


@kernel
def runs(now: Any, work: Any) -> None:
    """Count runs of equal values, and of zeros, that values go on or end; set how rare they are."""
    for lane in range(LANES):
        is_asked = work[layout.GO + lane] > 0.0
        value, before = work[layout.VALUE + lane], now[layout.LAST_VALUE + lane]
        learned = now[layout.ROWS + lane] - now[layout.WARM + lane]
        same, same_most = now[layout.SAMES + lane], now[layout.SAMES_MOST + lane]
        length, most, rare = _gone_on(same, same_most, value == before, 10.0, learned)
        now[layout.SAMES + lane] = length if is_asked else same
        now[layout.SAMES_MOST + lane] = most if is_asked else same_most
        zero, zero_most = now[layout.ZEROS + lane], now[layout.ZEROS_MOST + lane]
        length, most, other = _gone_on(zero, zero_most, value == 0.0, 4.0, learned)
        now[layout.ZEROS + lane] = length if is_asked else zero
        now[layout.ZEROS_MOST + lane] = most if is_asked else zero_most
        rare = max(max(rare, other) if is_asked else 0.0, work[layout.RARE + lane])
        work[layout.RARE + lane] = rare
        now[layout.LAST_VALUE + lane] = value if is_asked else before


@inlined_kernel
def _gone_on(length: Any, longest: Any, goes_on: Any, slack: Any, learned: Any) -> Any:
    """Return the length of a run, the longest, and how rare it is."""
    # A run that began while the series was new may be all that it does.
    is_learning = length >= learned
    is_new = goes_on & (length + 1.0 >= 2.0 * longest + slack) & (learned > length)
    ended = max(longest, min(length, 2.0 * longest + 1.0))
    now = length + 1.0 if goes_on else 0.0
    most = longest if goes_on else ended
    most = max(most, now) if is_learning else most
    return now, most, _RUN if is_new else 0.0


@kernel
def _end_day(now: Any, lane: Any, day: Any) -> None:
    """Learn which kind of day the one is that ended, by what it was nearer to."""
    ended = layout.DAYS + int(now[layout.DAY + lane]) % _DAYS * LANES + lane
    kind = 1 if now[ended] >= layout.WEEKEND else 0
    mine = now[layout.FIT + kind * LANES + lane]
    other = now[layout.FIT + (1 - kind) * LANES + lane]
    if mine < _NEARER * other:
        now[ended] = min(now[ended] + 1.0, kind * layout.WEEKEND + _SURE)
    elif other < _NEARER * mine:
        # A holiday is no reason to take such a day for a weekend's ever after.
        now[ended] -= 1.0
        if now[ended] < kind * layout.WEEKEND:
            now[ended] = (1 - kind) * layout.WEEKEND
    now[layout.DAY + lane] = day
    now[layout.FIT + lane] = now[layout.FIT + LANES + lane] = 0.0
