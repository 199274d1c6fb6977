"""The channel detector's kernels: a row of many series at a time, in memory that does not grow.

A sample is compared with what its series did at this time of day and this minute of the hour, and with what
it did just now. Each way of differing is a channel, whose own past says how rare its values are (`tails.py`).

Series are scored in blocks (`layout.py`). What every row needs is worked out for a whole block by loops that
have no branches, which the processor does for several series at once; what few rows need, by series.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.judgement import layout
from pharos.judgement.arrivals import ABSENT, COUNTS_GAPS, arrive, arrive_all, runs
from pharos.judgement.curves import exp_of, log1p_of
from pharos.judgement.layout import LANES
from pharos.judgement.tails import ALARM, look

_MOST: Final = 16.0
_QUIET_ROWS: Final = 120.0
_HIGHER: Final = 0.5
_GOES_ON: Final = 4.5
"""An episode goes on while rows are so rare."""
_DAY_S: Final = 86_400.0
_SLOT_S: Final = _DAY_S / layout.SLOTS
_MONDAY_S: Final = 345_600.0
"""The first Monday after the beginning of 1970."""
_FADE_S: Final = 10_800.0
"""On both sides of its midnights a weekend begins and ends."""
_DAYS: Final = 7
_FAST, _SLOW = 0.15, 5e-4
_SHORT, _LONG, _VARIANCE = 0.22, 0.043, 0.06
_SCALE: Final = 1.0 / 300.0
_CLIP: Final = 4.375
_SCALE_ROWS: Final = 150
_PROFILE_DAYS: Final = 8.0
_TINY: Final = 1e-9
_LARGEST: Final = 1e30
"""In units: peaks are kept as float32."""


@kernel
def score_rows(now: Any, tables: Any, tails: Any, peaks: Any, series: Any, rows: Any, told: Any) -> None:
    """Score rows of one series in their order.

    The first four are the arrays of `layout.py`, zeros for new series. `rows[2, n]` are times in seconds and
    values, NaN for a row without one; `told[2, n]` become -log10 of how likely a row is, and 1 where an alarm
    is raised.
    """
    state = (now, tables, tails, peaks)
    work, found = np.zeros(layout.WORK_WIDTH), np.zeros(2 * LANES)
    block, lane = series // LANES, series % LANES
    for row in range(rows.shape[1]):
        moment = _moment(rows[0, row])
        arrive(state, series, moment, rows[1, row], COUNTS_GAPS, work)
        _score(state, block, moment, work, found)
        told[0, row], told[1, row] = found[lane], found[LANES + lane]


@kernel
def judge_tick(now: Any, tables: Any, tails: Any, peaks: Any, time_s: Any, given: Any, told: Any) -> None:
    """Score one row of every series, all at the same time.

    `given[2, n]` are values, NaN for a row without one, and what such a row means (`arrivals.py`).
    `told[2, n]` become as in `score_rows`; where it is `told[4, n]`, also the limits between which a value
    was to be expected, NaN where they are not known.
    """
    state = (now, tables, tails, peaks)
    work, found = np.zeros(layout.WORK_WIDTH), np.zeros(2 * LANES)
    moment = _moment(time_s)
    for block in range(len(now)):
        first = block * LANES
        used = 0
        for lane in range(LANES):
            used += given[1, first + lane] != ABSENT
        if used == 0:
            continue
        arrive_all(state, block, moment, given, work)
        if len(told) == 4:
            _begin_band(state, block, moment, work)
            for lane in range(LANES):
                told[2, first + lane] = work[layout.LOWER + lane]
                told[3, first + lane] = work[layout.UPPER + lane]
        _score(state, block, moment, work, found)
        for lane in range(LANES):
            told[0, first + lane] = found[lane]
            told[1, first + lane] = found[LANES + lane]


@kernel
def _score(state: Any, block: Any, moment: Any, work: Any, told: Any) -> None:
    """Score the rows of a block that have arrived, and learn of them."""
    now, tables = state[0][block], state[1][block]
    asked = 0.0
    for lane in range(LANES):
        asked += work[layout.GO + lane]
    if asked > 0.0:
        runs(now, work)
        _gather(now, tables, moment, work)
        _measure(now, moment, work)
        _differ(now, tables, work)
        for lane in range(LANES):
            if work[layout.IS_FLAGGED + lane] > 0.0:
                look(state, block * LANES + lane, work)
        _follow(now, work)
        _learn_times(now, moment, work)
        _scatter(now, tables, moment, work)
    _tell(now, work, told)


@kernel
def _moment(time_s: Any) -> Any:
    """Return the time, its day, and where its values lie in a block.

    A moment is: seconds; number of the day; places of the slots before, after and of its own; how far it is
    between the first two; places of minute and hour; the day of the week, the one that is nearest, and the
    weight of that; 1 where no other day is near; the width of a slot.
    """
    since = time_s - _MONDAY_S
    of_day = min(since - math.floor(since / _DAY_S) * _DAY_S, _DAY_S - 1e-3)
    day = math.floor(since / _DAY_S)
    slot = of_day / _SLOT_S
    below = math.floor(slot - 0.5)
    today = day % _DAYS
    other, weight = today, 0.0
    if of_day < _FADE_S:
        other, weight = (today - 1) % _DAYS, 0.5 - 0.5 * of_day / _FADE_S
    elif of_day > _DAY_S - _FADE_S:
        other, weight = (today + 1) % _DAYS, 0.5 - 0.5 * (_DAY_S - of_day) / _FADE_S
    return (
        time_s,
        float(day),
        layout.SLOT + int(below) % layout.SLOTS * layout.OF_SLOT,
        layout.SLOT + (int(below) + 1) % layout.SLOTS * layout.OF_SLOT,
        layout.SLOT + int(slot) * layout.OF_SLOT,
        slot - 0.5 - below,
        layout.MINUTE + int(of_day / 60.0) % layout.MINUTES * layout.OF_MINUTE,
        layout.HOUR_SCALE + int(of_day / 3600.0) * LANES,
        int(today) * LANES,
        int(other) * LANES,
        weight,
        1.0 if min(of_day, _DAY_S - of_day) >= _FADE_S else 0.0,
    )


@kernel
def _gather(now: Any, tables: Any, moment: Any, work: Any) -> None:
    """Copy what a block knows of this time."""
    for lane in range(LANES):
        work[layout.TODAY + lane] = now[layout.DAYS + moment[8] + lane]
        work[layout.TODAY + LANES + lane] = now[layout.DAYS + moment[9] + lane]
    left, right, here = moment[2], moment[3], moment[4]
    for place in range(layout.OF_SLOT):
        work[layout.LEFT + place] = tables[left + place]
        work[layout.RIGHT + place] = tables[right + place]
        work[layout.HERE + place] = tables[here + place]
    minute, hour = moment[6], moment[7]
    for place in range(layout.OF_MINUTE):
        work[layout.MEAN + place] = tables[minute + place]
    for lane in range(LANES):
        work[layout.OF_HOUR + lane] = tables[hour + lane]


@inlined_kernel
def _between(work: Any, place: Any, share: Any, otherwise: Any) -> Any:
    """Return what the profile of one kind of day says between the middles of two slots."""
    one, other = work[layout.LEFT + place], work[layout.RIGHT + place]
    lacks_one = work[layout.LEFT + 2 * LANES + place] == 0.0
    lacks_other = work[layout.RIGHT + 2 * LANES + place] == 0.0
    found = one * (1.0 - share) + other * share
    found = one if lacks_other else found
    found = other if lacks_one else found
    return otherwise if lacks_one & lacks_other else found


@inlined_kernel
def _is_thin(work: Any, place: Any) -> Any:
    return (work[layout.LEFT + 2 * LANES + place] < 2.0) & (work[layout.RIGHT + 2 * LANES + place] < 2.0)


@kernel
def _expect(now: Any, moment: Any, work: Any) -> None:
    """Set what the profile says of this time of day."""
    share, weight = moment[5], moment[10]
    for lane in range(LANES):
        today = 1.0 if work[layout.TODAY + lane] >= layout.WEEKEND else 0.0
        other = 1.0 if work[layout.TODAY + LANES + lane] >= layout.WEEKEND else 0.0
        weekend = (1.0 - weight) * today + weight * other
        otherwise = now[layout.LAST_PROFILE + lane]
        working = _between(work, lane, share, otherwise)
        free = _between(work, LANES + lane, share, otherwise)
        of_working = free if _is_thin(work, lane) else working
        of_free = working if _is_thin(work, LANES + lane) else free
        work[layout.WEIGHT_OF_WEEKEND + lane] = weekend
        work[layout.EXPECTED + lane] = (1.0 - weekend) * of_working + weekend * of_free


@kernel
def _measure(now: Any, moment: Any, work: Any) -> None:
    """Set how far values are from what was to be expected, on the logarithmic scale."""
    _expect(now, moment, work)
    for lane in range(LANES):
        value, go = work[layout.VALUE + lane], work[layout.GO + lane]
        y = log1p_of(abs(value) / max(now[layout.UNIT + lane], 1e-300))
        y = (y if value >= 0.0 else -y) - now[layout.CENTRE + lane]
        of_series = y - work[layout.MEAN + lane]
        off = of_series - work[layout.EXPECTED + lane] - now[layout.SLOW + lane]
        rows = now[layout.ROWS + lane] + go
        since = rows - layout.FIRST_ROWS
        is_fresh = (since <= 1.0) | (work[layout.IS_GAP + lane] > 0.0)
        sudden = 0.0 if is_fresh else off - now[layout.FAST + lane]
        changed = 0.0 if is_fresh else of_series - now[layout.LAST_Y + lane]
        hour_scale = work[layout.OF_HOUR + lane]
        scale = hour_scale * work[layout.MEAN + LANES + lane]
        is_early = since <= _SCALE_ROWS
        spread = now[layout.SPREAD + lane] + (abs(sudden) if is_early else 0.0)
        mean = spread / max(since, 1.0) + _TINY
        scale = mean if is_early else scale
        hour_scale = mean if is_early else hour_scale
        # Minutes of the hour at which much differs anyway say less.
        weight = min(1.0, hour_scale / scale)
        work[layout.OF_SERIES + lane] = of_series
        work[layout.OFF + lane] = off
        work[layout.SUDDEN + lane] = sudden
        work[layout.SCALE + lane] = scale
        work[layout.WEIGHT + lane] = weight
        work[layout.OF_HOUR + lane] = hour_scale
        work[layout.CHANNEL + 2 * LANES + lane] = changed / scale
        work[layout.CHANNEL + 3 * LANES + lane] = y
        is_asked = go > 0.0
        now[layout.FAST + lane] = off if is_asked & is_fresh else now[layout.FAST + lane]
        now[layout.SPREAD + lane] = spread if is_asked else now[layout.SPREAD + lane]
        now[layout.ROWS + lane] = rows
        now[layout.SCORED + lane] += go if rows > now[layout.WARM + lane] else 0.0


@kernel
def _differ(now: Any, tables: Any, work: Any) -> None:
    """Set the channels' values, and whose tails are to be looked at."""
    for lane in range(LANES):
        is_asked = work[layout.GO + lane] > 0.0
        off, sudden = work[layout.OFF + lane], work[layout.SUDDEN + lane]
        scale, hour_scale = work[layout.SCALE + lane], work[layout.OF_HOUR + lane]
        weight = work[layout.WEIGHT + lane] if is_asked else 0.0
        of_scale = sudden / scale
        short, long = now[layout.SHORT_MEAN + lane], now[layout.LONG_MEAN + lane]
        short = short + weight * _SHORT * (off - short) if is_asked else short
        long = long + weight * _LONG * (off - long) if is_asked else long
        variance = now[layout.VARIANCE + lane]
        moved = variance + _VARIANCE * (min(of_scale * of_scale, 16.0) - variance)
        variance = moved if is_asked else variance
        size = min(abs(work[layout.VALUE + lane]) / max(now[layout.UNIT + lane], 1e-300), _LARGEST)
        now[layout.SHORT_MEAN + lane] = short
        now[layout.LONG_MEAN + lane] = long
        now[layout.VARIANCE + lane] = variance
        work[layout.CHANNEL + lane] = of_scale
        work[layout.CHANNEL + LANES + lane] = (size + 1.0) * (1.0 - exp_of(-max(sudden, -5.0)))
        work[layout.CHANNEL + 4 * LANES + lane] = short / hour_scale
        work[layout.CHANNEL + 5 * LANES + lane] = long / hour_scale
        work[layout.CHANNEL + 6 * LANES + lane] = math.sqrt(variance)
    for lane in range(LANES):
        found = now[layout.ROWS + lane] - now[layout.LOOK_AT + lane] + 1.0
        for side in range(layout.CHANNELS // 2):
            value = work[layout.CHANNEL + side * LANES + lane]
            found = max(found, value - tables[layout.LOOK_FROM + 2 * side * LANES + lane])
            found = max(found, -value - tables[layout.LOOK_FROM + (2 * side + 1) * LANES + lane])
        last = layout.CHANNELS - 1
        value = work[layout.CHANNEL + last // 2 * LANES + lane]
        found = max(found, value - tables[layout.LOOK_FROM + last * LANES + lane])
        is_scored = now[layout.ROWS + lane] > now[layout.WARM + lane]
        work[layout.IS_FLAGGED + lane] = work[layout.GO + lane] if is_scored & (found > 0.0) else 0.0


@kernel
def _follow(now: Any, work: Any) -> None:
    """Follow the level: fast, but no outlier by more than it may; anew after four of one sign."""
    for lane in range(LANES):
        is_asked = work[layout.GO + lane] > 0.0
        off, scale = work[layout.OFF + lane], work[layout.SCALE + lane]
        limit = _CLIP * scale
        sudden = work[layout.SUDDEN + lane]
        within = min(max(sudden, -limit), limit)
        last_sign, same_before = now[layout.LAST_SIGN + lane], now[layout.SAME_SIGN + lane]
        sign = 1.0 if sudden > limit else 0.0
        sign = -1.0 if sudden < -limit else sign
        is_same = (sign != 0.0) & (sign == last_sign)
        same = abs(sign) + (same_before if is_same else 0.0)
        fast_before, slow_before = now[layout.FAST + lane], now[layout.SLOW + lane]
        fast = fast_before + work[layout.WEIGHT + lane] * _FAST * within
        fast = off if same >= 4.0 else fast
        same = 0.0 if same >= 4.0 else same
        slow = slow_before + _SLOW * min(max(off, -8.0 * scale), 8.0 * scale)
        of_series, last_y = work[layout.OF_SERIES + lane], now[layout.LAST_Y + lane]
        expected, last_profile = work[layout.EXPECTED + lane], now[layout.LAST_PROFILE + lane]
        now[layout.FAST + lane] = fast if is_asked else fast_before
        now[layout.SLOW + lane] = slow if is_asked else slow_before
        now[layout.SAME_SIGN + lane] = same if is_asked else same_before
        now[layout.LAST_SIGN + lane] = sign if is_asked else last_sign
        now[layout.LAST_Y + lane] = of_series if is_asked else last_y
        now[layout.LAST_PROFILE + lane] = expected if is_asked else last_profile


@kernel
def _learn_times(now: Any, moment: Any, work: Any) -> None:
    """Learn what the series does at this time of day, minute and hour; the results stay in `work`."""
    core = moment[11]
    for lane in range(LANES):
        is_asked = work[layout.GO + lane] > 0.0
        target = work[layout.OF_SERIES + lane] - now[layout.SLOW + lane]
        limit = 8.0 * work[layout.SCALE + lane]
        one, other = work[layout.HERE + lane], work[layout.HERE + LANES + lane]
        one_visits, other_visits = work[layout.HERE + 2 * LANES + lane], work[layout.HERE + 3 * LANES + lane]
        # How far this day is from both kinds of days.
        is_known = is_asked & (min(one_visits, other_visits) >= 2.0)
        counts = core if is_known else 0.0
        now[layout.FIT + lane] += counts * min(abs(target - one), limit)
        now[layout.FIT + LANES + lane] += counts * min(abs(target - other), limit)
        rate = 1.0 / (_PROFILE_DAYS * max(1.0, _SLOT_S / max(now[layout.INTERVAL_S + lane], 1.0)))
        weekend = work[layout.WEIGHT_OF_WEEKEND + lane]
        # Near its midnights a weekend is a mixture: what the other kind of day has in it is taken out.
        weight = 1.0 - weekend
        is_of_kind = is_asked & (weight >= 0.5)
        wanted = (target - weekend * other) / max(weight, 0.5) if other_visits > 0.0 else target
        visits = min(one_visits + 1.0, 1e6)
        step = wanted - one
        step = min(max(step, -limit), limit) if visits > 10.0 else step
        one = one + max(1.0 / visits, rate) * step if is_of_kind else one
        one_visits = visits if is_of_kind else one_visits
        work[layout.HERE + lane] = one
        work[layout.HERE + 2 * LANES + lane] = one_visits
        is_of_kind = is_asked & (weekend >= 0.5)
        wanted = (target - weight * one) / max(weekend, 0.5) if one_visits > 0.0 else target
        visits = min(other_visits + 1.0, 1e6)
        step = wanted - other
        step = min(max(step, -limit), limit) if visits > 10.0 else step
        learned = other + max(1.0 / visits, rate) * step
        learned = one if (visits == 1.0) & (one_visits > 0.0) else learned
        work[layout.HERE + LANES + lane] = learned if is_of_kind else other
        work[layout.HERE + 3 * LANES + lane] = visits if is_of_kind else other_visits
    for lane in range(LANES):
        rows = now[layout.ROWS + lane] - layout.FIRST_ROWS
        sudden, scale = work[layout.SUDDEN + lane], work[layout.SCALE + lane]
        mean, of_minute = work[layout.MEAN + lane], work[layout.MEAN + LANES + lane]
        of_hour = work[layout.OF_HOUR + lane]
        is_asked = (work[layout.GO + lane] > 0.0) & (rows > _SCALE_ROWS)
        limit = _CLIP * scale
        rate = max(_SCALE, 1.0 / (max(rows, 0.0) / layout.MINUTES + 20.0))
        hour_rate = max(_SCALE, 1.0 / (max(rows, 0.0) / layout.HOURS + 20.0))
        size = min(abs(sudden), 4.0 * scale)
        hour = max(of_hour + hour_rate * (size / of_minute - of_hour), 1e-7)
        minute = min(max(of_minute + rate * (size / hour - of_minute), 0.05), 20.0)
        mean += rate * min(max(sudden, -limit), limit) if is_asked else 0.0
        work[layout.MEAN + lane] = mean
        work[layout.OF_HOUR + lane] = hour if is_asked else of_hour
        work[layout.MEAN + LANES + lane] = minute if is_asked else of_minute


@kernel
def _scatter(now: Any, tables: Any, moment: Any, work: Any) -> None:
    """Copy back what was learned of this time."""
    here, minute, hour = moment[4], moment[6], moment[7]
    for place in range(layout.OF_SLOT):
        tables[here + place] = work[layout.HERE + place]
    for place in range(layout.OF_MINUTE):
        tables[minute + place] = work[layout.MEAN + place]
    for lane in range(LANES):
        is_known = now[layout.ROWS + lane] - layout.FIRST_ROWS > _SCALE_ROWS
        scale, before = work[layout.OF_HOUR + lane], tables[hour + lane]
        tables[hour + lane] = scale if is_known else before
    for lane in range(LANES):
        if now[layout.ROWS + lane] == layout.FIRST_ROWS + _SCALE_ROWS and work[layout.GO + lane] > 0.0:
            for place in range(layout.HOURS):
                tables[layout.HOUR_SCALE + place * LANES + lane] = work[layout.SCALE + lane]


@kernel
def _tell(now: Any, work: Any, told: Any) -> None:
    """Set rows' rarity and whether they are alarms; what only goes on is told as half as rare."""
    for lane in range(LANES):
        is_told = work[layout.TOLD + lane] > 0.0
        rare = min(work[layout.RARE + lane], _MOST)
        peak, quiet = now[layout.PEAK + lane], now[layout.QUIET + lane]
        before = now[layout.EPISODE + lane]
        is_open = quiet > 0.0
        episode = before + 1.0 if is_open & (peak >= ALARM) else 0.0
        is_new = ((rare > peak + _HIGHER) | (quiet <= 0.0)) & (rare > 0.0)
        left = quiet - 1.0 if is_open else 0.0
        left = _QUIET_ROWS if is_new | (rare >= _GOES_ON) else left
        goes_on = min(0.5 * rare, _GOES_ON)
        peak = rare if is_new & is_told else peak
        told[lane] = rare if is_new else goes_on
        told[LANES + lane] = 1.0 if is_new & (rare >= ALARM) else 0.0
        now[layout.PEAK + lane] = peak
        now[layout.QUIET + lane] = left if is_told else quiet
        now[layout.EPISODE + lane] = episode if is_told else before


@kernel
def _begin_band(state: Any, block: Any, moment: Any, work: Any) -> None:
    """Set between which values rows lie where their own differences are not alarms."""
    now, tables = state[0][block], state[1][block]
    _gather(now, tables, moment, work)
    _expect(now, moment, work)
    for lane in range(LANES):
        scale = work[layout.OF_HOUR + lane] * work[layout.MEAN + LANES + lane]
        usual = work[layout.EXPECTED + lane] + now[layout.SLOW + lane]
        usual += now[layout.FAST + lane] + work[layout.MEAN + lane]
        limit = layout.LIMIT + lane
        centre, unit = now[layout.CENTRE + lane], now[layout.UNIT + lane]
        # In the order of channels: by the scale, in raw units, and never seen before.
        middle = _raw(usual + centre)
        high = min(usual + scale * tables[limit], tables[limit + 6 * LANES])
        high = min(_raw(high + centre), tables[limit + 2 * LANES] + middle)
        low = max(usual - scale * tables[limit + LANES], -tables[limit + 7 * LANES])
        low = max(_raw(low + centre), middle - tables[limit + 3 * LANES])
        # A value that was never seen before is an alarm where the level has just moved to it, too.
        is_known = tables[limit] != 0.0
        is_known &= now[layout.ROWS + lane] > now[layout.WARM + lane]
        work[layout.LOWER + lane] = unit * min(low, high) if is_known else math.nan
        work[layout.UPPER + lane] = unit * high if is_known else math.nan


@inlined_kernel
def _raw(full: Any) -> Any:
    """Return the value, in units, that lies at a place of the logarithmic scale."""
    size = exp_of(min(abs(full), 600.0)) - 1.0
    return size if full >= 0.0 else -size
