"""The channel detector's kernels: a row at a time, in memory that does not grow.

A sample is compared with what its series did at this time of day and this minute of the hour, and with what
it did just now. Each way of differing is a channel, whose own past says how rare its values are (`tails.py`).
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np

from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.judgement import layout
from pharos.judgement.tails import is_ordinary, limit_of, remember, retune

ALARM: Final = 6.25
"""-log10 of the probability from which on a row is an alarm."""
_RUN: Final = 7.0
"""What a run of equal or missing rows counts that is longer than any before."""
_MOST: Final = 16.0
_QUIET_ROWS: Final = 120
_HIGHER: Final = 0.5
_GOES_ON: Final = 4.5
"""An episode goes on while rows are so rare."""
_LATE_ROWS: Final = 8
"""So many rows in the past, one after the other: the clock was set back."""
_DAY_S, _WEEK_S = 86_400.0, 604_800.0
_MONDAY_S: Final = 345_600.0
"""The first Monday after the beginning of 1970."""
_FADE_S: Final = 10_800.0
"""On both sides of its midnights a weekend begins and ends."""
_DAYS: Final = 7
_SATURDAY: Final = 5
_NEARER: Final = 0.8
"""A day is of the kind whose times it is nearer to by this factor."""
_SURE: Final = 2.0
_UNIT: Final = 0.05
"""Of the median: values much smaller do not differ."""
_FAST, _SLOW = 0.15, 5e-4
_SHORT, _LONG, _VARIANCE = 0.22, 0.043, 0.06
_SCALE: Final = 1.0 / 300.0
_CLIP: Final = 4.375
_SCALE_ROWS: Final = 150
_PROFILE_DAYS: Final = 8.0
_TINY: Final = 1e-9


class Moment(NamedTuple):
    """Where a time lies in its day and week, which all series of a tick share."""

    time_s: Any
    day: Any
    """Days since a Monday."""
    weekday: Any
    slot: Any
    """In slots since midnight, a broken number."""
    minute: Any
    """Place of the minute's level in the tables, as `hour` is of the hour's scale."""
    hour: Any
    neighbour: Any
    """The weekday across the midnight that is nearer."""
    neighbour_share: Any
    """How much of that day there is in this time."""


@inlined_kernel
def _moment(time_s: Any) -> Any:
    """Return the moment; days are counted from a Monday."""
    since_s = time_s - _MONDAY_S
    day = math.floor(since_s / _DAY_S)
    of_day = min(since_s - day * _DAY_S, _DAY_S - 1e-3)
    weekday = int(day) % _DAYS
    neighbour, share = weekday, 0.0
    if of_day < _FADE_S:
        neighbour, share = (weekday + _DAYS - 1) % _DAYS, 0.5 - 0.5 * of_day / _FADE_S
    elif of_day > _DAY_S - _FADE_S:
        neighbour, share = (weekday + 1) % _DAYS, 0.5 - 0.5 * (_DAY_S - of_day) / _FADE_S
    return Moment(
        time_s,
        day,
        weekday,
        of_day / (_DAY_S / layout.SLOTS),
        layout.MINUTE + int(of_day / 60.0) % layout.MINUTES,
        layout.HOUR_SCALE + int(of_day / 3600.0),
        neighbour,
        share,
    )


@kernel
def score_rows(now: Any, tables: Any, times: Any, values: Any, scores: Any, alarms: Any) -> None:
    """Score rows of one series in their order; times in seconds, NaN is a row without a value.

    `now` and `tables` are its rows of state (`layout.py`), zeros for a new series; `scores` become -log10 of
    how likely a row is, `alarms` 1 where one is raised.
    """
    for row in range(len(times)):
        scores[row], alarms[row] = _score(now, tables, _moment(times[row]), values[row])


@kernel
def score_tick(now: Any, tables: Any, time_s: Any, values: Any, scores: Any, alarms: Any) -> None:
    """Score one row of each series, all at the same time; the state has a row for each."""
    moment = _moment(time_s)
    for series in range(len(values)):
        scores[series], alarms[series] = _score(now[series], tables[series], moment, values[series])


@kernel
def judge_tick(
    now: Any, tables: Any, rows: Any, time_s: Any, values: Any, counts_gaps: Any, verdicts: Any
) -> None:
    """Score one row of the series in `rows`, all at the same time; NaN is a row without a value.

    `verdicts[4, n]` become -log10 of how likely each is, 1 where an alarm is raised, and the limits between
    which a value was to be expected, NaN where they are not known. Where `counts_gaps` is 0, a series that
    is not there is left alone, and comes back as if it had never been away.
    """
    moment = _moment(time_s)
    for place in range(len(rows)):
        row = rows[place]
        mine, known = now[row], tables[row]
        value = values[place]
        verdicts[2, place], verdicts[3, place] = _limits(mine, known, moment)
        verdicts[0, place], verdicts[1, place] = 0.0, 0.0
        if counts_gaps[place] == 0:
            if math.isnan(value):
                continue
            if mine[layout.INTERVAL_S] > 0.0 and time_s - mine[layout.LAST_S] > 1.5 * mine[layout.INTERVAL_S]:
                mine[layout.LAST_S] = time_s - mine[layout.INTERVAL_S]
        verdicts[0, place], verdicts[1, place] = _score(mine, known, moment, value)


@kernel
def _limits(now: Any, tables: Any, moment: Any) -> Any:
    """Return between which values the next row lies where its own difference is not an alarm."""
    if now[layout.IS_READY] == 0.0 or now[layout.ROWS] <= _warm_rows(now):
        return math.nan, math.nan
    minute = moment.minute
    scale = float(tables[moment.hour] * tables[minute + layout.MINUTE_SCALE - layout.MINUTE])
    expected = _expected(tables, moment.slot, _weekend(now, moment), now[layout.LAST_PROFILE])
    usual = expected + now[layout.SLOW] + now[layout.FAST] + tables[minute]
    unit = now[layout.UNIT]
    # In the order of `_differ`: by the scale, in raw units, and never seen before.
    high = min(
        _raw(now, min(usual + scale * limit_of(now, 0, ALARM), limit_of(now, 6, ALARM))),
        unit * limit_of(now, 2, ALARM) + _raw(now, usual),
    )
    low = max(
        _raw(now, max(usual - scale * limit_of(now, 1, ALARM), -limit_of(now, 7, ALARM))),
        _raw(now, usual) - unit * limit_of(now, 3, ALARM),
    )
    # A value that was never seen before is an alarm where the level has just moved to it, too.
    return min(low, high), high


@inlined_kernel
def _raw(now: Any, y: Any) -> Any:
    """Return the value that lies at a place of the logarithmic scale."""
    full = min(max(y + now[layout.CENTRE], -600.0), 600.0)
    size = now[layout.UNIT] * math.expm1(abs(full))
    return size if full >= 0.0 else -size


@inlined_kernel
def _score(now: Any, tables: Any, moment: Any, value: Any) -> Any:
    missed, time_s = 0.0, moment.time_s
    if now[layout.ROWS] > 0.0 or now[layout.LAST_S] != 0.0:
        passed = time_s - now[layout.LAST_S]
        if passed <= 0.0:
            now[layout.LATE] += 1.0
            if passed == 0.0 or now[layout.LATE] < _LATE_ROWS:
                return 0.0, 0
            passed = now[layout.INTERVAL_S]
        missed = _pass_time(now, passed)
    now[layout.LATE] = 0.0
    now[layout.LAST_S] = time_s
    if math.isnan(value):
        now[layout.MISSING] += 1.0 + missed
        return _told(now, _missing(now))
    now[layout.MISSING] += missed
    value = _gauge(now, tables, value, missed)
    if now[layout.ROWS] < layout.FIRST_ROWS:
        _begin(now, tables, value)
        return 0.0, 0
    rare = _missing(now)
    is_gap = now[layout.MISSING] > 5.0
    _end_missing(now)
    rare = max(rare, _runs(now, value))
    return _told(now, max(rare, _advance(now, tables, moment, value, is_gap)))


@inlined_kernel
def _warm_rows(now: Any) -> Any:
    return min(1440.0, max(288.0, _DAY_S / max(now[layout.INTERVAL_S], 1.0)))


@inlined_kernel
def _pass_time(now: Any, passed: Any) -> Any:
    """Return how many rows are missing since the last one, and learn the interval of rows."""
    interval = now[layout.INTERVAL_S]
    if interval == 0.0:
        now[layout.INTERVAL_S] = passed
        return 0.0
    missed = min(max(math.floor(passed / interval + 0.5) - 1.0, 0.0), 1e6)
    # A median that follows: a gap moves it no more than any other row.
    step = 0.1 if now[layout.ROWS] < layout.FIRST_ROWS else 0.01
    if passed > 1.05 * interval:
        now[layout.INTERVAL_S] = min(interval * (1.0 + step), passed)
    elif passed < 0.95 * interval:
        now[layout.INTERVAL_S] = max(interval * (1.0 - step), passed)
    return missed


@inlined_kernel
def _gauge(now: Any, tables: Any, value: Any, missed: Any) -> Any:
    """Return the value; of a counter, what it grew by in one interval."""
    last = now[layout.LAST_RAW]
    now[layout.LAST_RAW] = value
    if now[layout.IS_COUNTER] == 0.0:
        return value
    if value >= last:
        return (value - last) / (1.0 + missed)
    if value <= 0.5 * last:
        return value
    # It only went up until now: no counter.
    time_s, interval = now[layout.LAST_S], now[layout.INTERVAL_S]
    now[:] = 0.0
    tables[:] = 0.0
    now[layout.LAST_S], now[layout.INTERVAL_S], now[layout.LAST_RAW] = time_s, interval, value
    return value


@kernel
def _begin(now: Any, tables: Any, value: Any) -> None:
    """Keep one of the first values; with the last of them, find the unit and whether this is a counter."""
    rows = int(now[layout.ROWS])
    now[layout.FIRST_VALUES + rows] = value
    now[layout.ROWS] += 1.0
    now[layout.MISSING_MOST] = max(now[layout.MISSING_MOST], now[layout.MISSING])
    now[layout.MISSING] = 0.0
    if rows + 1 < layout.FIRST_ROWS:
        return
    first = now[layout.FIRST_VALUES : layout.FIRST_VALUES + layout.FIRST_ROWS]
    grown = 0
    for place in range(1, layout.FIRST_ROWS):
        if first[place] < first[place - 1]:
            grown = -layout.FIRST_ROWS
        grown += first[place] > first[place - 1]
    if now[layout.IS_COUNTER] == 0.0 and 2 * grown > layout.FIRST_ROWS and first[0] >= 0.0:
        now[layout.IS_COUNTER] = 1.0
        now[layout.ROWS] = 0.0
        return
    sizes = np.sort(np.abs(first))
    middle = sizes[layout.FIRST_ROWS // 2]
    if middle == 0.0:
        middle = sizes.mean()
    now[layout.UNIT] = _UNIT * middle if middle > 0.0 else 1.0
    now[layout.CENTRE] = math.log1p(np.median(first) / now[layout.UNIT]) if np.median(first) > 0.0 else 0.0
    now[layout.VARIANCE] = 1.0
    now[layout.LAST_VALUE] = math.nan
    now[layout.LEAST : layout.LEAST + layout.CHANNELS] = -math.inf
    for day in range(_SATURDAY, _DAYS):
        now[layout.DAYS + day] = layout.WEEKEND
    now[layout.DAY] = _moment(now[layout.LAST_S]).day
    tables[layout.HOUR_SCALE : layout.HOUR_SCALE + layout.HOURS + layout.MINUTES] = 1.0


@inlined_kernel
def _missing(now: Any) -> Any:
    missing = now[layout.MISSING]
    is_new = missing >= 5.0 and missing > 1.5 * now[layout.MISSING_MOST]
    return _RUN if is_new and now[layout.ROWS] > _warm_rows(now) else 0.0


@inlined_kernel
def _end_missing(now: Any) -> None:
    missing = now[layout.MISSING]
    if now[layout.ROWS] > _warm_rows(now):
        missing = min(missing, 2.0 * now[layout.MISSING_MOST] + 1.0)
    now[layout.MISSING_MOST] = max(now[layout.MISSING_MOST], missing)
    now[layout.MISSING] = 0.0


@inlined_kernel
def _runs(now: Any, value: Any) -> Any:
    """Return how rare the run of equal values, or of zeros, is that this value goes on."""
    rare = 0.0
    learned = now[layout.ROWS] - _warm_rows(now)
    for run, most, goes_on, slack in (
        (layout.SAMES, layout.SAMES_MOST, value == now[layout.LAST_VALUE], 10.0),
        (layout.ZEROS, layout.ZEROS_MOST, value == 0.0, 4.0),
    ):
        length, longest = now[run], now[most]
        # A run that began while the series was new may be all that it does.
        is_learning = length >= learned
        if goes_on:
            now[run] = length + 1.0
            if length + 1.0 >= 2.0 * longest + slack and not is_learning:
                rare = _RUN
        else:
            now[most] = max(longest, min(length, 2.0 * longest + 1.0))
            now[run] = 0.0
        if is_learning:
            now[most] = max(now[most], now[run])
    now[layout.LAST_VALUE] = value
    return rare


@inlined_kernel
def _advance(now: Any, tables: Any, moment: Any, value: Any, is_gap: Any) -> Any:
    """Return how rare a value is by its channels, and learn from it."""
    now[layout.ROWS] += 1.0
    unit = now[layout.UNIT]
    size = abs(value)
    y = math.log1p(size / unit)
    y = (y if value >= 0.0 else -y) - now[layout.CENTRE]
    weekend, minute, hour = _weekend(now, moment), moment.minute, moment.hour
    expected = _expected(tables, moment.slot, weekend, now[layout.LAST_PROFILE])
    now[layout.LAST_PROFILE] = expected
    of_series = y - tables[minute]
    off = of_series - expected - now[layout.SLOW]
    rows = now[layout.ROWS] - layout.FIRST_ROWS
    if rows <= 1.0 or is_gap:
        now[layout.FAST], now[layout.LAST_Y] = off, of_series
    sudden = off - now[layout.FAST]
    hour_scale = float(tables[hour])
    scale = hour_scale * tables[minute + layout.MINUTE_SCALE - layout.MINUTE]
    if rows <= _SCALE_ROWS:
        now[layout.SPREAD] += abs(sudden)
        scale = hour_scale = now[layout.SPREAD] / rows + _TINY
        if rows == _SCALE_ROWS:
            tables[layout.HOUR_SCALE : layout.HOUR_SCALE + layout.HOURS] = scale
    # Minutes of the hour at which much differs anyway say less.
    weight = min(1.0, hour_scale / scale)
    _differ(now, (y, of_series - now[layout.LAST_Y], off, sudden, size), scale, hour_scale, weight)
    now[layout.LAST_Y] = of_series
    rare = 0.0
    if now[layout.ROWS] > _warm_rows(now):
        now[layout.SCORED] += 1.0
        for channel in range(layout.CHANNELS):
            if not is_ordinary(now, channel, now[layout.CHANNEL + channel]):
                rare = max(rare, remember(now, tables, channel, now[layout.CHANNEL + channel]))
        retune(now, tables, min(40_320.0, max(2_048.0, _WEEK_S / max(now[layout.INTERVAL_S], 1.0))))
    _learn(now, off, sudden, scale, weight)
    target = of_series - now[layout.SLOW]
    _learn_week(now, tables, moment, target, 8.0 * scale)
    _learn_profile(now, tables, moment, weekend, target, 8.0 * scale)
    if rows > _SCALE_ROWS:
        _learn_scale(tables, hour, minute, sudden, scale, rows)
    return rare


@inlined_kernel
def _differ(now: Any, found: Any, scale: Any, hour_scale: Any, weight: Any) -> None:
    """Set the channels' values."""
    y, changed, off, sudden, size = found
    now[layout.SHORT_MEAN] += weight * _SHORT * (off - now[layout.SHORT_MEAN])
    now[layout.LONG_MEAN] += weight * _LONG * (off - now[layout.LONG_MEAN])
    of_scale = sudden / scale
    now[layout.VARIANCE] += _VARIANCE * (min(of_scale * of_scale, 16.0) - now[layout.VARIANCE])
    place = layout.CHANNEL
    for value in (
        of_scale,
        (size / now[layout.UNIT] + 1.0) * (1.0 - math.exp(-max(sudden, -5.0))),
        changed / scale,
        y,
        now[layout.SHORT_MEAN] / hour_scale,
        now[layout.LONG_MEAN] / hour_scale,
    ):
        now[place] = value
        now[place + 1] = -value
        place += 2
    now[place] = math.sqrt(now[layout.VARIANCE])


@inlined_kernel
def _weekend(now: Any, moment: Any) -> Any:
    """Return how much of a weekend's hour this is, from 0 to 1; which days are a weekend's is learned."""
    share = 1.0 if now[layout.DAYS + moment.weekday] >= layout.WEEKEND else 0.0
    weight = moment.neighbour_share
    if weight == 0.0:
        return share
    other = 1.0 if now[layout.DAYS + moment.neighbour] >= layout.WEEKEND else 0.0
    return (1.0 - weight) * share + weight * other


@inlined_kernel
def _learn_week(now: Any, tables: Any, moment: Any, value: Any, limit: Any) -> None:
    """Note how far this day is from both kinds of days; at its end, learn which of them it is."""
    day = moment.day
    if day != now[layout.DAY]:
        ended = layout.DAYS + int(now[layout.DAY]) % _DAYS
        kind = 1 if now[ended] >= layout.WEEKEND else 0
        mine, other = now[layout.FIT + kind], now[layout.FIT + 1 - kind]
        if mine < _NEARER * other:
            now[ended] = min(now[ended] + 1.0, kind * layout.WEEKEND + _SURE)
        elif other < _NEARER * mine:
            # A holiday is no reason to take such a day for a weekend's ever after.
            now[ended] -= 1.0
            if now[ended] < kind * layout.WEEKEND:
                now[ended] = (1 - kind) * layout.WEEKEND
        now[layout.DAY], now[layout.FIT], now[layout.FIT + 1] = day, 0.0, 0.0
    slot = int(moment.slot)
    working, weekend = layout.VISITS + slot, layout.VISITS + layout.SLOTS + slot
    if moment.neighbour_share > 0.0 or min(tables[working], tables[weekend]) < 2.0:
        return
    for kind in range(2):
        off = abs(value - tables[layout.PROFILE + kind * layout.SLOTS + slot])
        now[layout.FIT + kind] += min(off, limit)


@inlined_kernel
def _expected(tables: Any, slot: Any, weekend: Any, otherwise: Any) -> Any:
    """Return what the profile says of this time of day, between the middles of two slots."""
    below = math.floor(slot - 0.5)
    share = slot - 0.5 - below
    left, right = int(below) % layout.SLOTS, (int(below) + 1) % layout.SLOTS
    expected = 0.0
    for kind in range(2):
        weight = weekend if kind else 1.0 - weekend
        if weight <= 0.0:
            continue
        start = kind * layout.SLOTS
        visits = layout.VISITS + start
        if tables[visits + left] < 2.0 and tables[visits + right] < 2.0:
            start = layout.SLOTS - start
            visits = layout.VISITS + start
        one, other = tables[layout.PROFILE + start + left], tables[layout.PROFILE + start + right]
        if tables[visits + left] == 0.0 and tables[visits + right] == 0.0:
            expected += weight * otherwise
        elif tables[visits + left] == 0.0:
            expected += weight * other
        elif tables[visits + right] == 0.0:
            expected += weight * one
        else:
            expected += weight * (one * (1.0 - share) + other * share)
    return expected


@inlined_kernel
def _learn(now: Any, off: Any, sudden: Any, scale: Any, weight: Any) -> None:
    """Follow the level: fast, but no outlier by more than it may; anew after four of one sign."""
    limit = _CLIP * scale
    sign = 1.0 if sudden > limit else (-1.0 if sudden < -limit else 0.0)
    is_same = sign != 0.0 and sign == now[layout.LAST_SIGN]
    now[layout.SAME_SIGN] = now[layout.SAME_SIGN] + 1.0 if is_same else abs(sign)
    now[layout.LAST_SIGN] = sign
    if now[layout.SAME_SIGN] >= 4.0:
        now[layout.FAST], now[layout.SAME_SIGN] = off, 0.0
    else:
        now[layout.FAST] += weight * _FAST * min(max(sudden, -limit), limit)
    now[layout.SLOW] += _SLOW * min(max(off, -8.0 * scale), 8.0 * scale)


@inlined_kernel
def _learn_profile(now: Any, tables: Any, moment: Any, weekend: Any, target: Any, limit: Any) -> None:
    slot = int(moment.slot)
    rate = 1.0 / (_PROFILE_DAYS * max(1.0, _DAY_S / layout.SLOTS / max(now[layout.INTERVAL_S], 1.0)))
    for kind in range(2):
        weight = weekend if kind else 1.0 - weekend
        if weight < 0.5:
            continue
        place = kind * layout.SLOTS + slot
        other = layout.SLOTS - kind * layout.SLOTS + slot
        tables[layout.VISITS + place] = min(tables[layout.VISITS + place] + 1.0, 1e6)
        visits = float(tables[layout.VISITS + place])
        # Near its midnights a weekend is a mixture: what the other kind of day has in it is taken out.
        wanted = target
        if tables[layout.VISITS + other] > 0.0:
            wanted = (target - (1.0 - weight) * tables[layout.PROFILE + other]) / weight
        step = wanted - tables[layout.PROFILE + place]
        if visits > 10.0:
            step = min(max(step, -limit), limit)
        if visits == 1.0 and kind == 1 and tables[layout.VISITS + slot] > 0.0:
            tables[layout.PROFILE + place] = tables[layout.PROFILE + slot]
        else:
            tables[layout.PROFILE + place] += np.float32(max(1.0 / visits, rate) * step)


@inlined_kernel
def _learn_scale(tables: Any, hour: Any, minute: Any, sudden: Any, scale: Any, rows: Any) -> None:
    limit = _CLIP * scale
    of_minute = minute + layout.MINUTE_SCALE - layout.MINUTE
    rate = max(_SCALE, 1.0 / (rows / layout.MINUTES + 20.0))
    hour_rate = max(_SCALE, 1.0 / (rows / layout.HOURS + 20.0))
    tables[minute] += np.float32(rate * min(max(sudden, -limit), limit))
    size = min(abs(sudden), 4.0 * scale)
    tables[hour] = max(tables[hour] + hour_rate * (size / tables[of_minute] - tables[hour]), 1e-7)
    step = rate * (size / tables[hour] - tables[of_minute])
    tables[of_minute] = min(max(tables[of_minute] + step, 0.05), 20.0)


@inlined_kernel
def _told(now: Any, rare: Any) -> Any:
    """Return a row's rarity and whether it is an alarm; what only goes on is told as half as rare."""
    rare = min(rare, _MOST)
    is_higher = rare > now[layout.PEAK] + _HIGHER or now[layout.QUIET] <= 0.0
    now[layout.EPISODE] = (
        now[layout.EPISODE] + 1.0 if now[layout.QUIET] > 0.0 and now[layout.PEAK] >= ALARM else 0.0
    )
    if is_higher and rare > 0.0:
        now[layout.PEAK], now[layout.QUIET] = rare, _QUIET_ROWS
        return rare, 1 if rare >= ALARM else 0
    now[layout.QUIET] = _QUIET_ROWS if rare >= _GOES_ON else max(now[layout.QUIET] - 1.0, 0.0)
    return min(0.5 * rare, _GOES_ON), 0
