"""The kernels of the detector: many rows of one series, or one row of many series.

Most rows are usual, and those of many series are taken at once (`channels.py`). All others, after a gap or of
a series that is young, go by themselves, and so do the fits of tails and what is too rare to be believed.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np

from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.judgement import layout
from pharos.judgement.channels import (
    NOT_RARE,
    RUN_RARE,
    SCALE_ROWS,
    WEEK_DAYS,
    advance,
    curve_of,
    find_limits,
    find_rarity,
    find_tail,
    find_usual,
    is_in_tail,
    moment_of,
    note_runs,
    scale_of_spread,
    tell,
    warm_rows_of,
)
from pharos.judgement.tails import clip, forget_tails, turn

_LANES: Final = 128
"""Series that are scored together; their block stays in the processor's nearest caches."""
_FEW: Final = 8
"""Where so few values lie in their tails, each is looked at by itself."""
_AT_ONCE: Final = 64
"""So many series turn together, or a few more."""
_LATE_ROWS: Final = 8.0
"""So many rows in the past, one after the other: the clock was set back."""
_GAP_ROWS: Final = 5.0
_SATURDAY: Final = 5
_NEARER: Final = 0.8
"""A day is of the kind whose times it is nearer to by this factor."""
_SURE: Final = 2.0
_UNIT: Final = 0.05
"""Of the median: values much smaller do not differ."""
_GOLDEN: Final = 0.6180339887498949


class State(NamedTuple):
    """What is remembered (`layout.py`); zeros of a series that has seen nothing."""

    moving: Any
    """[field, series]"""
    curves: Any
    """[field, series]"""
    tails: Any
    """[series, field], as the others are."""
    peaks: Any
    first: Any


@kernel
def score_rows(state: Any, row: Any, times: Any, values: Any, found: Any) -> None:
    """Score rows of the series in `row` in their order; times in seconds, NaN is a row without a value.

    `found[2, n]` become -log10 of how likely each is, and 1 where an alarm is raised.
    """
    block = np.zeros((layout.BLOCK_WIDTH, 1))
    channels = np.zeros((layout.CHANNELS_WIDTH, 1), np.float32)
    curves = np.empty((layout.CURVES_WIDTH, 1), np.float32)
    block[: layout.MOVING_WIDTH, 0] = state.moving[:, row]
    curves[:, 0] = state.curves[:, row]
    channels[: layout.TAIL_END, 0] = curves[layout.TAILS :, 0]
    kept = state.tails[row], state.peaks[row], state.first[row]
    for place in range(len(times)):
        moment = moment_of(times[place])
        for field in range(layout.HERE, layout.HERE_END):
            block[field, 0] = curves[curve_of(moment, field), 0]
        _find_kinds(block, moment)
        block[layout.VALUE, 0], block[layout.COUNTS_GAPS, 0] = values[place], 1.0
        find_usual(block, 0, moment)
        if block[layout.IS_USUAL, 0] == 1.0:
            note_runs(block, channels, 0, True)
            advance(block, channels, 0, moment, True, False, False)
            _finish(block, channels, kept)
        else:
            _score_unusual(block, channels, kept, moment, values[place])
            _settle(block, curves, 0)
        found[0, place], found[1, place] = block[layout.SCORE, 0], block[layout.ALARM, 0]
        for field in range(layout.HERE, layout.LEARNED_END):
            curves[curve_of(moment, field), 0] = np.float32(block[field, 0])
    curves[layout.TAILS :, 0] = channels[: layout.TAIL_END, 0]
    state.moving[:, row] = block[: layout.MOVING_WIDTH, 0]
    state.curves[:, row] = curves[:, 0]


@inlined_kernel
def _finish(block: Any, channels: Any, kept: Any) -> None:
    """Find how rare a row of one series is that was compared, and remember it."""
    tails, peaks, _ = kept
    for channel in range(layout.CHANNELS):
        if find_tail(channels, channel, 1) > 0:
            find_rarity(channels, channel, 0)
    if channels[layout.IS_BELIEVED, 0] == 0.0:
        clip(block, channels, 0, tails)
    tell(block, channels, 0, True)
    if _turns(block, channels, 0):
        turn(block, channels, 0, tails, peaks)


@inlined_kernel
def _turns(block: Any, channels: Any, lane: Any) -> bool:
    is_due = block[layout.SCORED, lane] > block[layout.TURN_AT, lane]
    return bool(is_due & (channels[layout.IS_WARM, lane] != 0.0))


@kernel
def score_tick(state: Any, rows: Any, time_s: Any, values: Any, counts_gaps: Any, found: Any) -> None:
    """Score one row of each of the series in `rows`, no series twice, all at the same time; NaN is no value.

    `found[2, n]` or `found[4, n]` become -log10 of how likely each is, 1 where an alarm is raised, and the
    limits between which a value was to be expected, NaN where they are not known. Where `counts_gaps` is 0, a
    series that is not there is left alone, and comes back as if it had never been away.
    """
    moment = moment_of(time_s)
    block = np.zeros((layout.BLOCK_WIDTH, _LANES))
    channels = np.zeros((layout.CHANNELS_WIDTH, _LANES), np.float32)
    due, due_count = np.empty(_AT_ONCE + _LANES, np.int64), 0
    for begin in range(0, len(rows), _LANES):
        lanes = min(_LANES, len(rows) - begin)
        mine, said = rows[begin : begin + lanes], found[:, begin : begin + lanes]
        is_dense = _is_dense(mine)
        _take(block, channels, state, moment, mine, is_dense)
        for lane in range(_LANES):
            block[layout.VALUE, lane], block[layout.COUNTS_GAPS, lane] = math.nan, 0.0
        for lane in range(lanes):
            block[layout.VALUE, lane] = values[begin + lane]
            block[layout.COUNTS_GAPS, lane] = counts_gaps[begin + lane]
        if len(found) > 2:
            _move(block, layout.LIMIT, state.moving, layout.LIMIT, layout.READ - layout.LIMIT, mine, is_dense)
            for lane in range(_LANES):
                find_limits(block, lane, moment)
            for lane in range(lanes):
                said[2, lane], said[3, lane] = block[layout.LOWER, lane], block[layout.UPPER, lane]
        _score_usual(block, channels, state, moment, mine, is_dense)
        for lane in range(lanes):
            said[0, lane], said[1, lane] = block[layout.SCORE, lane], block[layout.ALARM, lane]
        for lane in range(lanes):
            due[due_count] = mine[lane]
            due_count += _turns(block, channels, lane)
            if block[layout.IS_USUAL, lane] == 0.0:
                _score_lane(block, channels, lane, state, mine[lane], moment, values[begin + lane])
                said[0, lane], said[1, lane] = block[layout.SCORE, lane], block[layout.ALARM, lane]
        _put_back(block, channels, state, moment, mine, is_dense)
        if due_count >= _AT_ONCE or begin + lanes == len(rows):
            _turn_all(state, due[:due_count])
            due_count = 0


@inlined_kernel
def _score_usual(block: Any, channels: Any, state: Any, moment: Any, rows: Any, is_dense: Any) -> None:
    """Score what is usual in all lanes."""
    for lane in range(_LANES):
        find_usual(block, lane, moment)
    for lane in range(_LANES):
        note_runs(block, channels, lane, block[layout.IS_USUAL, lane] == 1.0)
    for lane in range(_LANES):
        advance(block, channels, lane, moment, block[layout.IS_USUAL, lane] == 1.0, False, False)
    for channel in range(layout.CHANNELS):
        count = find_tail(channels, channel, _LANES)
        if count > _FEW:
            for field in range(layout.STEEPNESS + channel, layout.TAIL_END, layout.CHANNELS):
                _move(channels, field, state.curves, layout.TAILS + field, 1, rows, is_dense)
            for lane in range(_LANES):
                find_rarity(channels, channel, lane)
        elif count > 0:
            for lane in range(len(rows)):
                if is_in_tail(channels, channel, lane):
                    for field in range(layout.STEEPNESS + channel, layout.TAIL_END, layout.CHANNELS):
                        channels[field, lane] = state.curves[layout.TAILS + field, rows[lane]]
                    find_rarity(channels, channel, lane)
    for lane in range(len(rows)):
        if (channels[layout.IS_BELIEVED, lane] == 0.0) & (block[layout.IS_USUAL, lane] == 1.0):
            _clip_lane(block, channels, lane, state, rows[lane])
    for lane in range(_LANES):
        tell(block, channels, lane, block[layout.IS_USUAL, lane] == 1.0)


@inlined_kernel
def _is_dense(rows: Any) -> bool:
    """Return whether series lie side by side."""
    apart = 0
    for place in range(len(rows)):
        apart |= rows[place] - rows[0] - place
    return bool(apart == 0)


@kernel
def _move(
    into: Any, into_field: Any, known: Any, known_field: Any, fields: Any, rows: Any, is_dense: Any
) -> None:
    """Take fields of these series into a block."""
    lanes = len(rows)
    for field in range(fields):
        mine, theirs = into[into_field + field], known[known_field + field]
        if is_dense:
            _copy(mine[:lanes], theirs[rows[0] : rows[0] + lanes])
        else:
            for lane in range(lanes):
                mine[lane] = theirs[rows[lane]]


@kernel
def _keep(
    block: Any, field: Any, known: Any, known_field: Any, fields: Any, rows: Any, is_dense: Any
) -> None:
    """Put fields of a block back."""
    lanes = len(rows)
    for more in range(fields):
        mine, theirs = block[field + more], known[known_field + more]
        if is_dense:
            _copy(theirs[rows[0] : rows[0] + lanes], mine[:lanes])
        else:
            for lane in range(lanes):
                theirs[rows[lane]] = mine[lane]


@inlined_kernel
def _copy(into: Any, one: Any) -> None:
    for place in range(len(one)):
        into[place] = one[place]


@inlined_kernel
def _take(block: Any, channels: Any, state: Any, moment: Any, rows: Any, is_dense: Any) -> None:
    """Set the block's lanes to what is remembered of these series."""
    _move(block, 0, state.moving, 0, layout.LIMIT, rows, is_dense)
    _move(channels, layout.LARGEST, state.curves, layout.TAILS, 2 * layout.CHANNELS, rows, is_dense)
    for field in range(layout.HERE, layout.HERE_END):
        _move(block, field, state.curves, curve_of(moment, field), 1, rows, is_dense)
    _move(block, layout.WEEKDAY_KIND, state.moving, layout.DAYS + moment.weekday, 1, rows, is_dense)
    _move(block, layout.NEIGHBOUR_KIND, state.moving, layout.DAYS + moment.neighbour, 1, rows, is_dense)


@inlined_kernel
def _put_back(block: Any, channels: Any, state: Any, moment: Any, rows: Any, is_dense: Any) -> None:
    _keep(block, 0, state.moving, 0, layout.CHANGED, rows, is_dense)
    _keep(channels, layout.LARGEST, state.curves, layout.TAILS, layout.CHANNELS, rows, is_dense)
    for field in range(layout.HERE, layout.LEARNED_END):
        _keep(block, field, state.curves, curve_of(moment, field), 1, rows, is_dense)


@kernel
def _clip_lane(block: Any, channels: Any, lane: Any, state: Any, row: Any) -> None:
    _take_tails(channels, lane, state, row)
    clip(block, channels, lane, state.tails[row])


@inlined_kernel
def _take_tails(channels: Any, lane: Any, state: Any, row: Any) -> None:
    for field in range(layout.STEEPNESS, layout.TAIL_END):
        channels[field, lane] = state.curves[layout.TAILS + field, row]


@inlined_kernel
def _put_tails(channels: Any, lane: Any, state: Any, row: Any) -> None:
    for field in range(layout.GATE, layout.TAIL_END):
        state.curves[layout.TAILS + field, row] = channels[field, lane]


@kernel
def _turn_all(state: Any, rows: Any) -> None:
    """Turn these series, one after the other: that code is fast while it is near."""
    known = state.curves[layout.TAILS :]
    for place in range(len(rows)):
        row = rows[place]
        turn(state.moving, known, row, state.tails[row], state.peaks[row])


@kernel
def _score_lane(block: Any, channels: Any, lane: Any, state: Any, row: Any, moment: Any, value: Any) -> None:
    """Score a row that is not usual, in blocks of its own."""
    one = np.empty((layout.BLOCK_WIDTH, 1))
    of_one = np.empty((layout.CHANNELS_WIDTH, 1), np.float32)
    for field in range(layout.MOVING_WIDTH):
        one[field, 0] = state.moving[field, row]
    for field in range(layout.MOVING_WIDTH, layout.BLOCK_WIDTH):
        one[field, 0] = block[field, lane]
    for field in range(layout.CHANNELS_WIDTH):
        of_one[field, 0] = channels[field, lane]
    _take_tails(of_one, 0, state, row)
    interval_s = one[layout.INTERVAL_S, 0]
    if one[layout.COUNTS_GAPS, 0] == 0.0 and moment.time_s - one[layout.LAST_S, 0] > 1.5 * interval_s > 0.0:
        one[layout.LAST_S, 0] = moment.time_s - interval_s
    kept = state.tails[row], state.peaks[row], state.first[row]
    _score_unusual(one, of_one, kept, moment, value)
    _settle(one, state.curves, row)
    for field in range(layout.BLOCK_WIDTH):
        block[field, lane] = one[field, 0]
    for field in range(layout.CHANNELS_WIDTH):
        channels[field, lane] = of_one[field, 0]
    for field in range(layout.CHANGED, layout.MOVING_WIDTH):
        state.moving[field, row] = one[field, 0]
    _put_tails(of_one, 0, state, row)


@kernel
def _score_unusual(block: Any, channels: Any, kept: Any, moment: Any, value: Any) -> None:
    """Score a row of one series that may have gaps, be young, or anything else."""
    tails, _, first = kept
    channels[layout.RARE, 0] = NOT_RARE
    block[layout.SCORE, 0] = block[layout.ALARM, 0] = 0.0
    missed, time_s = 0.0, moment.time_s
    if block[layout.ROWS, 0] > 0.0 or block[layout.LAST_S, 0] != 0.0:
        passed = time_s - block[layout.LAST_S, 0]
        if passed <= 0.0:
            block[layout.LATE, 0] += 1.0
            if passed == 0.0 or block[layout.LATE, 0] < _LATE_ROWS:
                return
            passed = block[layout.INTERVAL_S, 0]
        missed = _pass_time(block, passed)
    block[layout.LATE, 0] = 0.0
    block[layout.LAST_S, 0] = time_s
    if math.isnan(value):
        block[layout.MISSING, 0] += 1.0 + missed
        channels[layout.RARE, 0] = _missing(block)
        tell(block, channels, 0, True)
        return
    block[layout.MISSING, 0] += missed
    block[layout.VALUE, 0] = _gauge(block, value, missed)
    if block[layout.ROWS, 0] < layout.FIRST_ROWS:
        _begin(block, channels, tails, first)
        return
    missing = _missing(block)
    rows = block[layout.ROWS, 0] + 1.0 - layout.FIRST_ROWS
    is_gap = rows <= 1.0 or block[layout.MISSING, 0] > _GAP_ROWS
    _end_missing(block)
    if block[layout.DAY, 0] != moment.day:
        _end_day(block, moment)
    note_runs(block, channels, 0, True)
    channels[layout.RARE, 0] = max(missing, channels[layout.RARE, 0])
    advance(block, channels, 0, moment, True, is_gap, rows <= SCALE_ROWS)
    _finish(block, channels, kept)


@inlined_kernel
def _pass_time(block: Any, passed: Any) -> Any:
    """Return how many rows are missing since the last one, and learn the interval of rows."""
    interval = block[layout.INTERVAL_S, 0]
    if interval == 0.0:
        block[layout.INTERVAL_S, 0] = passed
        return 0.0
    missed = min(max(math.floor(passed / interval + 0.5) - 1.0, 0.0), 1e6)
    # A median that follows: a gap moves it no more than any other row.
    step = 0.1 if block[layout.ROWS, 0] < layout.FIRST_ROWS else 0.01
    if passed > 1.05 * interval:
        block[layout.INTERVAL_S, 0] = min(interval * (1.0 + step), passed)
    elif passed < 0.95 * interval:
        block[layout.INTERVAL_S, 0] = max(interval * (1.0 - step), passed)
    return missed


@inlined_kernel
def _gauge(block: Any, value: Any, missed: Any) -> Any:
    """Return the value; of a counter, what it grew by in one interval."""
    last = block[layout.LAST_RAW, 0]
    block[layout.LAST_RAW, 0] = value
    if block[layout.IS_COUNTER, 0] == 0.0:
        return value
    if value >= last:
        return (value - last) / (1.0 + missed)
    if value <= 0.5 * last:
        return value
    # It only went up until now: no counter.
    time_s, interval = block[layout.LAST_S, 0], block[layout.INTERVAL_S, 0]
    block[: layout.MOVING_WIDTH, 0] = 0.0
    block[layout.LAST_S, 0], block[layout.INTERVAL_S, 0], block[layout.LAST_RAW, 0] = time_s, interval, value
    return value


@inlined_kernel
def _missing(block: Any) -> Any:
    missing = block[layout.MISSING, 0]
    is_new = missing >= 5.0 and missing > 1.5 * block[layout.MISSING_MOST, 0]
    is_warm = block[layout.ROWS, 0] > warm_rows_of(block[layout.INTERVAL_S, 0])
    return RUN_RARE if is_new and is_warm else NOT_RARE


@inlined_kernel
def _end_missing(block: Any) -> None:
    missing, longest = block[layout.MISSING, 0], block[layout.MISSING_MOST, 0]
    if block[layout.ROWS, 0] > warm_rows_of(block[layout.INTERVAL_S, 0]):
        missing = min(missing, 2.0 * longest + 1.0)
    block[layout.MISSING_MOST, 0] = max(longest, missing)
    block[layout.MISSING, 0] = 0.0


@kernel
def _begin(block: Any, channels: Any, tails: Any, first: Any) -> None:
    """Keep one of the first values; with the last of them, find the unit and whether this is a counter."""
    rows = int(block[layout.ROWS, 0])
    first[rows] = block[layout.VALUE, 0]
    block[layout.ROWS, 0] += 1.0
    block[layout.MISSING_MOST, 0] = max(block[layout.MISSING_MOST, 0], block[layout.MISSING, 0])
    block[layout.MISSING, 0] = 0.0
    if rows + 1 < layout.FIRST_ROWS:
        return
    grown, sum_of_all = 0, first[0]
    for place in range(1, layout.FIRST_ROWS):
        if first[place] < first[place - 1]:
            grown = -layout.FIRST_ROWS
        grown += first[place] > first[place - 1]
        sum_of_all += place * first[place]
    if block[layout.IS_COUNTER, 0] == 0.0 and 2 * grown > layout.FIRST_ROWS and first[0] >= 0.0:
        block[layout.IS_COUNTER, 0] = 1.0
        block[layout.ROWS, 0] = 0.0
        return
    sizes = np.sort(np.abs(first))
    middle = sizes[layout.FIRST_ROWS // 2]
    if middle == 0.0:
        middle = sizes.mean()
    unit = _UNIT * middle if middle > 0.0 else 1.0
    block[layout.UNIT, 0] = unit
    block[layout.CENTRE, 0] = math.log1p(np.median(first) / unit) if np.median(first) > 0.0 else 0.0
    block[layout.VARIANCE, 0] = 1.0
    block[layout.LAST_VALUE, 0] = math.nan
    for day in range(_SATURDAY, WEEK_DAYS):
        block[layout.DAYS + day, 0] = layout.WEEKEND
    block[layout.DAY, 0] = moment_of(block[layout.LAST_S, 0]).day
    phase = sum_of_all / unit * _GOLDEN
    phase -= math.floor(phase)
    forget_tails(block, channels, 0, tails, phase if 0.0 <= phase < 1.0 else 0.0)


@inlined_kernel
def _end_day(block: Any, moment: Any) -> None:
    """Learn whether the day that is over was a weekend's."""
    ended = layout.DAYS + int(block[layout.DAY, 0]) % WEEK_DAYS
    kind = 1 if block[ended, 0] >= layout.WEEKEND else 0
    mine, other = block[layout.FIT + kind, 0], block[layout.FIT + 1 - kind, 0]
    if mine < _NEARER * other:
        block[ended, 0] = min(block[ended, 0] + 1.0, kind * layout.WEEKEND + _SURE)
    elif other < _NEARER * mine:
        # A holiday is no reason to take such a day for a weekend's ever after.
        block[ended, 0] -= 1.0
        if block[ended, 0] < kind * layout.WEEKEND:
            block[ended, 0] = (1 - kind) * layout.WEEKEND
    block[layout.DAY, 0], block[layout.FIT, 0], block[layout.FIT + 1, 0] = moment.day, 0.0, 0.0
    _find_kinds(block, moment)


@inlined_kernel
def _find_kinds(block: Any, moment: Any) -> None:
    block[layout.WEEKDAY_KIND, 0] = block[layout.DAYS + moment.weekday, 0]
    block[layout.NEIGHBOUR_KIND, 0] = block[layout.DAYS + moment.neighbour, 0]


@inlined_kernel
def _settle(block: Any, curves: Any, column: Any) -> None:
    """Set all the curves where a series has just begun, or where its scale was just found."""
    rows = block[layout.ROWS, 0]
    if rows > layout.FIRST_ROWS + SCALE_ROWS:
        return
    if rows == layout.FIRST_ROWS and block[layout.SPREAD, 0] == 0.0:
        curves[: layout.TAILS, column] = 0.0
        curves[layout.HOUR_SCALE : layout.TAILS, column] = 1.0
        for field in range(layout.HERE, layout.LEARNED_END):
            block[field, 0] = 1.0 if field >= layout.HOUR_SCALE_HERE else 0.0
    elif rows == layout.FIRST_ROWS + SCALE_ROWS:
        scale = scale_of_spread(block, 0, SCALE_ROWS)
        curves[layout.HOUR_SCALE : layout.MINUTE_SCALE, column] = scale
        block[layout.HOUR_SCALE_HERE, 0] = np.float32(scale)
