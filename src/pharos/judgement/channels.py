"""What most rows need: a value is compared with what its series did, and learned from.

A sample is compared with what its series did at this time of day and this minute of the hour, and with what
it did just now. Each way of differing is a channel, whose own past says how rare its values are (`tails.py`).

All here works on one lane of a block (`layout.py`) without a branch that depends on it, so that a loop over
lanes becomes vector code; what is rare is done by `scoring.py`. A series by itself goes the same way, as a
block of one.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np

from pharos.compiled.choice import choose
from pharos.compiled.kernel import inlined_kernel
from pharos.judgement import layout
from pharos.judgement.exponentials import exp_of, log1p_of
from pharos.judgement.tails import ALARM, BELIEVED, rarity_of

RUN_RARE: Final = np.float32(7.0)
"""What a run of equal or missing rows counts that is longer than any before."""
NOT_RARE: Final = np.float32(0.0)
_YES, _NO = np.float32(1.0), np.float32(0.0)
_BELIEVED: Final = np.float32(BELIEVED)
_LARGEST: Final = 1e30
"""Of a channel's values, which are kept in float32."""
SCALE_ROWS: Final = 150
"""From which the scale of a series is found."""
DAY_S: Final = 86_400.0
_MONDAY_S: Final = 345_600.0
"""The first Monday after the beginning of 1970."""
_FADE_S: Final = 10_800.0
"""On both sides of its midnights a weekend begins and ends."""
WEEK_DAYS: Final = 7
_FAST, _SLOW = 0.15, 5e-4
_SHORT, _LONG, _VARIANCE = 0.22, 0.043, 0.06
_SCALE: Final = 1.0 / 300.0
_CLIP: Final = 4.375
_PROFILE_DAYS: Final = 8.0
_TINY: Final = 1e-9
_RAREST: Final = 16.0
_QUIET_ROWS: Final = 120.0
_HIGHER: Final = 0.5
_GOES_ON: Final = 4.5
"""An episode goes on while rows are so rare."""
_FARTHEST: Final = 4.0
"""In the logarithmic scale: no single value, however absurd, counts for more in a mean or a first scale."""
_MOST: Final = 1e300
_HIGHEST: Final = 600.0


class Moment(NamedTuple):
    """Where a time lies in its day and week, which all series of a tick share."""

    time_s: Any
    day: Any
    """Days since a Monday."""
    weekday: Any
    slot: Any
    near: Any
    """The neighbouring slot whose middle is nearer."""
    near_share: Any
    """How much of that slot there is in this time."""
    minute: Any
    """Place of the minute's level in the curves, as `hour` is of the hour's scale."""
    hour: Any
    neighbour: Any
    """The weekday across the midnight that is nearer."""
    neighbour_share: Any
    """How much of that day there is in this time."""


@inlined_kernel
def moment_of(time_s: Any) -> Any:
    """Return the moment; days are counted from a Monday."""
    since_s = time_s - _MONDAY_S
    day = math.floor(since_s / DAY_S)
    of_day = min(since_s - day * DAY_S, DAY_S - 1e-3)
    weekday = int(day) % WEEK_DAYS
    neighbour, share = weekday, 0.0
    if of_day < _FADE_S:
        neighbour, share = (weekday + WEEK_DAYS - 1) % WEEK_DAYS, 0.5 - 0.5 * of_day / _FADE_S
    elif of_day > DAY_S - _FADE_S:
        neighbour, share = (weekday + 1) % WEEK_DAYS, 0.5 - 0.5 * (DAY_S - of_day) / _FADE_S
    slots = of_day / (DAY_S / layout.SLOTS)
    slot = int(slots)
    off = slots - slot - 0.5
    return Moment(
        time_s,
        day,
        weekday,
        slot,
        (slot + (1 if off >= 0.0 else layout.SLOTS - 1)) % layout.SLOTS,
        abs(off),
        layout.MINUTE + int(of_day / 60.0) % layout.MINUTES,
        layout.HOUR_SCALE + int(of_day / 3600.0),
        neighbour,
        share,
    )


@inlined_kernel
def curve_of(moment: Any, field: Any) -> Any:
    """Return which field of the curves it is that a block has in `field`."""
    if field >= layout.PROFILE_NEAR:
        return (field - layout.PROFILE_NEAR) * layout.SLOTS + moment.near
    if field < layout.MINUTE_HERE:
        return (field - layout.HERE) * layout.SLOTS + moment.slot
    if field == layout.HOUR_SCALE_HERE:
        return moment.hour
    is_level = field == layout.MINUTE_HERE
    return moment.minute if is_level else moment.minute + layout.MINUTE_SCALE - layout.MINUTE


@inlined_kernel
def least(one: Any, other: Any) -> Any:
    """Return the smaller of two numbers; of what is none, the other."""
    return choose(one < other, one, other)


@inlined_kernel
def most(one: Any, other: Any) -> Any:
    """Return the larger of two numbers; of what is none, the other."""
    return choose(one > other, one, other)


@inlined_kernel
def between(value: Any, limit: Any) -> Any:
    """Return a number as far from 0 as it is, but no further than a limit."""
    return most(least(value, limit), -limit)


@inlined_kernel
def warm_rows_of(interval_s: Any) -> Any:
    """Return after how many rows a series is known."""
    return least(1440.0, most(288.0, DAY_S / most(interval_s, 1.0)))


@inlined_kernel
def _put(block: Any, field: Any, lane: Any, is_mine: Any, value: Any) -> None:
    block[field, lane] = choose(is_mine, value, block[field, lane])


@inlined_kernel
def find_usual(block: Any, lane: Any, moment: Any) -> None:
    """Find whether nothing but a lane's value is new; if so make of a counter's value what it grew by."""
    value, counts_gaps = block[layout.VALUE, lane], block[layout.COUNTS_GAPS, lane]
    passed, interval = moment.time_s - block[layout.LAST_S, lane], block[layout.INTERVAL_S, lane]
    last, is_counter = block[layout.LAST_RAW, lane], block[layout.IS_COUNTER, lane] != 0.0
    is_usual = (
        (abs(value) <= _MOST)
        & ((value >= last) | (not is_counter))
        & (passed >= 0.95 * interval)
        & (passed <= 1.05 * interval)
        & (interval > 0.0)
        & (block[layout.ROWS, lane] >= layout.FIRST_ROWS + SCALE_ROWS)
        & (block[layout.MISSING, lane] == 0.0)
        & (block[layout.LATE, lane] == 0.0)
        & (block[layout.DAY, lane] == moment.day)
    )
    is_left_alone = (counts_gaps == 0.0) & (value != value)
    block[layout.IS_USUAL, lane] = choose(is_usual, 1.0, choose(is_left_alone, -1.0, 0.0))
    block[layout.VALUE, lane] = choose(is_counter, value - last, value)
    _put(block, layout.LAST_RAW, lane, is_usual, value)
    _put(block, layout.LAST_S, lane, is_usual, moment.time_s)


@inlined_kernel
def note_runs(block: Any, channels: Any, lane: Any, is_mine: Any) -> None:
    """Set how rare the runs of equal values, and of zeros, are that this value goes on."""
    value = block[layout.VALUE, lane]
    learned = block[layout.ROWS, lane] - warm_rows_of(block[layout.INTERVAL_S, lane])
    zeros = _run(block, lane, is_mine, layout.ZEROS, value == 0.0, learned, 4.0)
    is_same = value == block[layout.LAST_VALUE, lane]
    sames = _run(block, lane, is_mine, layout.SAMES, is_same, learned, 10.0)
    channels[layout.RARE, lane] = choose((zeros | sames) & is_mine, RUN_RARE, NOT_RARE)
    _put(block, layout.LAST_VALUE, lane, is_mine, value)


@inlined_kernel
def _run(block: Any, lane: Any, is_mine: Any, run: Any, goes_on: Any, learned: Any, slack: Any) -> Any:
    """Return whether a run is longer than any before, which is kept in the field after its own."""
    length, longest = block[run, lane], block[run + 1, lane]
    # A run that began while the series was new may be all that it does.
    is_learning = length >= learned
    is_long = goes_on & (length + 1.0 >= 2.0 * longest + slack) & (not is_learning)
    longest = choose(goes_on, longest, most(longest, least(length, 2.0 * longest + 1.0)))
    length = choose(goes_on, length + 1.0, 0.0)
    longest = choose(is_learning, most(longest, length), longest)
    _put(block, run, lane, is_mine, length)
    _put(block, run + 1, lane, is_mine, longest)
    return is_long


@inlined_kernel
def weekend_of(block: Any, lane: Any, moment: Any) -> Any:
    """Return how much of a weekend's hour this is, from 0 to 1; which days are a weekend's is learned."""
    here = choose(block[layout.WEEKDAY_KIND, lane] >= layout.WEEKEND, 1.0, 0.0)
    other = choose(block[layout.NEIGHBOUR_KIND, lane] >= layout.WEEKEND, 1.0, 0.0)
    return (1.0 - moment.neighbour_share) * here + moment.neighbour_share * other


@inlined_kernel
def expected_of(block: Any, lane: Any, near_share: Any, weekend: Any) -> Any:
    """Return what the profile says of this time of day, between the middles of two slots."""
    otherwise = block[layout.LAST_PROFILE, lane]
    working = _expected_of_kind(block, lane, 0, near_share, otherwise)
    return (1.0 - weekend) * working + weekend * _expected_of_kind(block, lane, 1, near_share, otherwise)


@inlined_kernel
def _expected_of_kind(block: Any, lane: Any, kind: Any, near_share: Any, otherwise: Any) -> Any:
    here, near = block[layout.VISITS_HERE + kind, lane], block[layout.VISITS_NEAR + kind, lane]
    one, two = block[layout.PROFILE_HERE + kind, lane], block[layout.PROFILE_NEAR + kind, lane]
    # Read in any case: a choice between two places is no vector code.
    other_here, other_near = (
        block[layout.VISITS_HERE + 1 - kind, lane],
        block[layout.VISITS_NEAR + 1 - kind, lane],
    )
    other_one, other_two = (
        block[layout.PROFILE_HERE + 1 - kind, lane],
        block[layout.PROFILE_NEAR + 1 - kind, lane],
    )
    # Where little is known of such days, the others say more.
    is_new = (here < 2.0) & (near < 2.0)
    here, near = choose(is_new, other_here, here), choose(is_new, other_near, near)
    one, two = choose(is_new, other_one, one), choose(is_new, other_two, two)
    one, two = choose(here == 0.0, two, one), choose(near == 0.0, one, two)
    expected = one * (1.0 - near_share) + two * near_share
    return choose((here == 0.0) & (near == 0.0), otherwise, expected)


@inlined_kernel
def find_limits(block: Any, lane: Any, moment: Any) -> None:
    """Set between which values the next row lies where its own difference is not an alarm."""
    scale = block[layout.HOUR_SCALE_HERE, lane] * block[layout.MINUTE_SCALE_HERE, lane]
    usual = expected_of(block, lane, moment.near_share, weekend_of(block, lane, moment))
    usual = usual + block[layout.SLOW, lane] + block[layout.FAST, lane] + block[layout.MINUTE_HERE, lane]
    centre, unit = block[layout.CENTRE, lane], block[layout.UNIT, lane]
    raw = _raw(usual + centre, unit)
    # In the order of `_differ`: by the scale, in raw units, and never seen before.
    high = usual + scale * block[layout.LIMIT, lane]
    low = usual - scale * block[layout.LIMIT + 1, lane]
    high = _raw(least(high, block[layout.LIMIT + 4, lane]) + centre, unit)
    low = _raw(most(low, -block[layout.LIMIT + 5, lane]) + centre, unit)
    high = least(high, raw + unit * block[layout.LIMIT + 2, lane])
    low = most(low, raw - unit * block[layout.LIMIT + 3, lane])
    is_known = block[layout.ROWS, lane] > warm_rows_of(block[layout.INTERVAL_S, lane])
    is_known &= block[layout.LIMIT, lane] == block[layout.LIMIT, lane]
    # A value that was never seen before is an alarm where the level has just moved to it, too.
    block[layout.LOWER, lane] = choose(is_known, least(low, high), math.nan)
    block[layout.UPPER, lane] = choose(is_known, high, math.nan)


@inlined_kernel
def _raw(y: Any, unit: Any) -> Any:
    """Return the value that lies at a place of the logarithmic scale."""
    size = unit * (exp_of(least(abs(y), _HIGHEST)) - 1.0)
    return choose(y >= 0.0, size, -size)


@inlined_kernel
def advance(
    block: Any, channels: Any, lane: Any, moment: Any, is_mine: Any, is_gap: Any, is_young: Any
) -> None:
    """Set how a value differs, and learn from it; where it is not `is_mine`, the state stays as it is.

    After a gap the level is found anew, and of a young series the scale: neither of a row that is usual.
    """
    rows = block[layout.ROWS, lane] + 1.0
    of_scale_rows = rows - layout.FIRST_ROWS
    value = block[layout.VALUE, lane]
    size = least(abs(value) / block[layout.UNIT, lane], _MOST)
    y = log1p_of(size)
    y = choose(value >= 0.0, y, -y) - block[layout.CENTRE, lane]
    weekend = weekend_of(block, lane, moment)
    expected = expected_of(block, lane, moment.near_share, weekend)
    of_series = y - block[layout.MINUTE_HERE, lane]
    off = of_series - expected - block[layout.SLOW, lane]
    if is_gap:
        block[layout.FAST, lane], block[layout.LAST_Y, lane] = off, of_series
    sudden = off - block[layout.FAST, lane]
    hour_scale = block[layout.HOUR_SCALE_HERE, lane]
    scale = hour_scale * block[layout.MINUTE_SCALE_HERE, lane]
    believed = 8.0 * scale
    if is_young:
        believed = 8.0 * scale_of_spread(block, lane, most(of_scale_rows - 1.0, 1.0))
        block[layout.SPREAD, lane] += least(abs(sudden), _FARTHEST)
        scale = hour_scale = scale_of_spread(block, lane, of_scale_rows)
    # Minutes of the hour at which much differs anyway say less.
    weight = least(1.0, hour_scale / scale)
    changed = of_series - block[layout.LAST_Y, lane]
    _differ(block, channels, lane, is_mine, (y, changed, off, sudden, size), (scale, hour_scale, weight))
    is_warm = (rows > warm_rows_of(block[layout.INTERVAL_S, lane])) & is_mine
    channels[layout.IS_WARM, lane] = choose(is_warm, _YES, _NO)
    channels[layout.IS_BELIEVED, lane] = _YES
    block[layout.SCORED, lane] += choose(is_warm, 1.0, 0.0)
    _put(block, layout.ROWS, lane, is_mine, rows)
    _put(block, layout.LAST_PROFILE, lane, is_mine, expected)
    _put(block, layout.LAST_Y, lane, is_mine, of_series)
    _learn_level(block, lane, is_mine, (off, sudden), scale, weight)
    target = of_series - block[layout.SLOW, lane]
    if moment.neighbour_share == 0.0:
        _learn_day(block, lane, is_mine, target, 8.0 * scale)
    held = target - sudden + between(sudden, believed)
    _learn_profile(block, lane, is_mine, weekend, (target, held), 8.0 * scale)
    if not is_young:
        _learn_scale(block, lane, is_mine, sudden, scale, of_scale_rows)


@inlined_kernel
def scale_of_spread(block: Any, lane: Any, rows: Any) -> Any:
    """Return the scale of a series that is known by so many rows."""
    return block[layout.SPREAD, lane] / rows + _TINY


@inlined_kernel
def _differ(block: Any, channels: Any, lane: Any, is_mine: Any, found: Any, scales: Any) -> None:
    """Set the channels' values, those of more and of less by turns."""
    y, changed, off, sudden, size = found
    scale, hour_scale, weight = scales
    of_scale = sudden / scale
    short, long = block[layout.SHORT_MEAN, lane], block[layout.LONG_MEAN, lane]
    variance = block[layout.VARIANCE, lane]
    near = between(off, _FARTHEST)
    short += weight * _SHORT * (near - short)
    long += weight * _LONG * (near - long)
    variance += _VARIANCE * (least(of_scale * of_scale, 16.0) - variance)
    _put(block, layout.SHORT_MEAN, lane, is_mine, short)
    _put(block, layout.LONG_MEAN, lane, is_mine, long)
    _put(block, layout.VARIANCE, lane, is_mine, variance)
    _set_both(channels, lane, 0, of_scale)
    _set_both(channels, lane, 2, (size + 1.0) * (1.0 - exp_of(-most(sudden, -5.0))))
    _set_both(channels, lane, 4, changed / scale)
    _set_both(channels, lane, 6, y)
    _set_both(channels, lane, 8, short / hour_scale)
    _set_both(channels, lane, 10, long / hour_scale)
    channels[layout.CHANNEL + 12, lane] = np.float32(math.sqrt(variance))


@inlined_kernel
def _set_both(channels: Any, lane: Any, channel: Any, value: Any) -> None:
    value = np.float32(between(value, _LARGEST))
    channels[layout.CHANNEL + channel, lane] = value
    channels[layout.CHANNEL + channel + 1, lane] = -value


@inlined_kernel
def find_tail(channels: Any, channel: Any, lanes: Any) -> Any:
    """Note the largest value of a channel; return of how many lanes it is in its tail."""
    count = 0
    for lane in range(lanes):
        value, largest = channels[layout.CHANNEL + channel, lane], channels[layout.LARGEST + channel, lane]
        is_warm = channels[layout.IS_WARM, lane] != _NO
        is_rare = (value > channels[layout.GATE + channel, lane]) & is_warm
        is_larger = (value > largest) & is_warm & (not is_rare)
        channels[layout.LARGEST + channel, lane] = choose(is_larger, value, largest)
        count += choose(is_rare, 1, 0)
    return count


@inlined_kernel
def is_in_tail(channels: Any, channel: Any, lane: Any) -> Any:
    """Return whether a value is so rare that it is asked how rare it is."""
    value, gate = channels[layout.CHANNEL + channel, lane], channels[layout.GATE + channel, lane]
    return (value > gate) & (channels[layout.IS_WARM, lane] != _NO)


@inlined_kernel
def find_rarity(channels: Any, channel: Any, lane: Any) -> None:
    """Find how rare a channel's value is, if it is in its tail."""
    value, largest = channels[layout.CHANNEL + channel, lane], channels[layout.LARGEST + channel, lane]
    is_rare = is_in_tail(channels, channel, lane)
    rare = rarity_of(channels, channel, lane)
    is_believed = rare <= _BELIEVED
    is_larger = (value > largest) & is_rare & is_believed
    channels[layout.LARGEST + channel, lane] = choose(is_larger, value, largest)
    _put(channels, layout.IS_BELIEVED, lane, is_rare & (not is_believed), _NO)
    before = channels[layout.RARE, lane]
    channels[layout.RARE, lane] = choose(is_rare & (rare > before), rare, before)


@inlined_kernel
def tell(block: Any, channels: Any, lane: Any, is_mine: Any) -> None:
    """Set a row's score and whether it is an alarm; what only goes on is told as half as rare."""
    rare = least(np.float64(channels[layout.RARE, lane]), _RAREST)
    peak, quiet = block[layout.PEAK, lane], block[layout.QUIET, lane]
    is_new = ((rare > peak + _HIGHER) | (quiet <= 0.0)) & (rare > 0.0)
    is_episode = (quiet > 0.0) & (peak >= ALARM)
    quiet = choose(is_new | (rare >= _GOES_ON), _QUIET_ROWS, most(quiet - 1.0, 0.0))
    _put(block, layout.EPISODE, lane, is_mine, choose(is_episode, block[layout.EPISODE, lane] + 1.0, 0.0))
    _put(block, layout.PEAK, lane, is_mine, choose(is_new, rare, peak))
    _put(block, layout.QUIET, lane, is_mine, quiet)
    score = choose(is_new, rare, least(0.5 * rare, _GOES_ON))
    block[layout.SCORE, lane] = choose(is_mine, score, 0.0)
    block[layout.ALARM, lane] = choose(is_mine & is_new & (rare >= ALARM), 1.0, 0.0)


@inlined_kernel
def _learn_level(block: Any, lane: Any, is_mine: Any, found: Any, scale: Any, weight: Any) -> None:
    """Follow the level: fast, but no outlier by more than it may; anew after four of one sign."""
    off, sudden = found
    limit = _CLIP * scale
    sign = choose(sudden > limit, 1.0, choose(sudden < -limit, -1.0, 0.0))
    is_same = (sign != 0.0) & (sign == block[layout.LAST_SIGN, lane])
    same = choose(is_same, block[layout.SAME_SIGN, lane] + 1.0, abs(sign))
    fast, slow = block[layout.FAST, lane], block[layout.SLOW, lane]
    is_new = same >= 4.0
    _put(block, layout.LAST_SIGN, lane, is_mine, sign)
    _put(block, layout.SAME_SIGN, lane, is_mine, choose(is_new, 0.0, same))
    _put(
        block, layout.FAST, lane, is_mine, choose(is_new, off, fast + weight * _FAST * between(sudden, limit))
    )
    _put(block, layout.SLOW, lane, is_mine, slow + _SLOW * between(off, 8.0 * scale))


@inlined_kernel
def _learn_day(block: Any, lane: Any, is_mine: Any, value: Any, limit: Any) -> None:
    """Note how far this day is from both kinds of days."""
    is_known = (
        (block[layout.VISITS_HERE, lane] >= 2.0) & (block[layout.VISITS_HERE + 1, lane] >= 2.0) & is_mine
    )
    for kind in range(layout.KINDS):
        off = least(abs(value - block[layout.PROFILE_HERE + kind, lane]), limit)
        block[layout.FIT + kind, lane] += choose(is_known, off, 0.0)


@inlined_kernel
def _learn_profile(block: Any, lane: Any, is_mine: Any, weekend: Any, targets: Any, limit: Any) -> None:
    rate = 1.0 / (_PROFILE_DAYS * most(1.0, DAY_S / layout.SLOTS / most(block[layout.INTERVAL_S, lane], 1.0)))
    _learn_kind(block, lane, is_mine, 0, (1.0 - weekend, targets, limit, rate))
    _learn_kind(block, lane, is_mine, 1, (weekend, targets, limit, rate))


@inlined_kernel
def _learn_kind(block: Any, lane: Any, is_mine: Any, kind: Any, found: Any) -> None:
    weight, (target, held), limit, rate = found
    is_mine = is_mine & (weight >= 0.5)
    visits = least(block[layout.VISITS_HERE + kind, lane] + 1.0, 1e6)
    # Of a time that is hardly known, what just was says how far a value may be believed.
    target = choose(visits > 10.0, target, held)
    level = block[layout.PROFILE_HERE + kind, lane]
    other_level = block[layout.PROFILE_HERE + 1 - kind, lane]
    other_is_known = block[layout.VISITS_HERE + 1 - kind, lane] > 0.0
    # Near its midnights a weekend is a mixture: what the other kind of day has in it is taken out.
    wanted = (target - (1.0 - weight) * other_level) / most(weight, 0.5)
    step = choose(other_is_known, wanted, target) - level
    step = choose(visits > 10.0, between(step, limit), step)
    level = level + most(1.0 / visits, rate) * step
    if kind == 1:
        level = choose((visits == 1.0) & other_is_known, other_level, level)
    _put(block, layout.VISITS_HERE + kind, lane, is_mine, visits)
    _put(block, layout.PROFILE_HERE + kind, lane, is_mine, level)


@inlined_kernel
def _learn_scale(block: Any, lane: Any, is_mine: Any, sudden: Any, scale: Any, rows: Any) -> None:
    rate = most(_SCALE, 1.0 / (rows * (1.0 / layout.MINUTES) + 20.0))
    hour_rate = most(_SCALE, 1.0 / (rows * (1.0 / layout.HOURS) + 20.0))
    level = block[layout.MINUTE_HERE, lane] + rate * between(sudden, _CLIP * scale)
    of_hour, of_minute = block[layout.HOUR_SCALE_HERE, lane], block[layout.MINUTE_SCALE_HERE, lane]
    size = least(abs(sudden), 4.0 * scale)
    of_hour = most(of_hour + hour_rate * (size / of_minute - of_hour), 1e-7)
    of_minute = least(most(of_minute + rate * (size / of_hour - of_minute), 0.05), 20.0)
    _put(block, layout.MINUTE_HERE, lane, is_mine, level)
    _put(block, layout.HOUR_SCALE_HERE, lane, is_mine, of_hour)
    _put(block, layout.MINUTE_SCALE_HERE, lane, is_mine, of_minute)
