"""How rare a channel's value is: the largest peaks of its past, and a generalised Pareto tail through them.

Peaks are those of this epoch and of the one before, so that what is long ago is forgotten; of rows close
together only the largest counts. The tail is fitted by probability-weighted moments
(Hosking and Wallis 1987).
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.judgement import layout
from pharos.judgement.layout import LANES

ALARM: Final = 6.25
"""-log10 of the probability from which on a row is an alarm."""
_PEAK_SHARE: Final = 0.005
"""Of the rows, which the tail is fitted to."""
_PEAKS_LEAST: Final = 30
_FIT_FROM: Final = 5
_SHAPE_LOW, _SHAPE_HIGH = 0.02, 0.2
_READY_ROWS: Final = 300
_NEAR_ROWS: Final = 40
"""Peaks of fewer rows' distance are one."""
_BELIEVED: Final = 5.5
"""What is rarer than 10 to the minus this is remembered as if it were that rare."""
_BELIEVED_EVERY_ROWS: Final = 30
_EPISODE_ROWS: Final = 1440
"""An episode that lasts longer is how things are now."""
_FIRST_EPOCH: Final = 2.0 / 7.0
"""Of a week."""
_WEEK_S: Final = 604_800.0
_APART: Final = 0.2
"""By such a part fits of several series lie apart that began together."""
_LOG10_E: Final = 0.4342944819032518
_FAR: Final = 1e300


@kernel
def look(state: Any, series: Any, work: Any) -> None:
    """Ask the tails of all channels how rare this row is, and take in what is among their largest."""
    now, tables = state[0][series // LANES], state[1][series // LANES]
    tail, peaks, lane = state[2][series], state[3][series], series % LANES
    rare = work[layout.RARE + lane]
    for channel in range(layout.CHANNELS):
        of = channel * layout.OF_CHANNEL
        found = work[layout.CHANNEL + channel // 2 * LANES + lane]
        if channel % 2:
            found = -found
        if not found > tables[layout.LOOK_FROM + channel * LANES + lane]:
            continue
        one = _rarity(tail, channel, found)
        rare = max(rare, one)
        if tail[layout.COUNT + of] < layout.PEAKS or found > tail[layout.LEAST + of]:
            _remember(now, lane, tail, peaks, channel, found, one)
            _set_look(now, tables, lane, tail, peaks, channel)
    work[layout.RARE + lane] = rare
    if now[layout.ROWS + lane] >= now[layout.LOOK_AT + lane]:
        _retune(now, tables, lane, tail, peaks)


@inlined_kernel
def _rarity(tail: Any, channel: Any, value: Any) -> Any:
    """Return -log10 of the probability of a value as large; 0 where it is in no tail."""
    of = channel * layout.OF_CHANNEL
    if tail[layout.IS_READY] == 0.0 or not value > tail[layout.GATE + of]:
        return 0.0
    shape = tail[layout.SHAPE + of]
    over = (value - tail[layout.GATE + of]) / tail[layout.SIGMA + of]
    return math.log1p(shape * over) / shape * _LOG10_E - math.log10(tail[layout.RATE + of])


@kernel
def _limit_of(tail: Any, channel: Any, rare: Any) -> Any:
    """Return the value from which on a channel is as rare as this."""
    of = channel * layout.OF_CHANNEL
    shape = tail[layout.SHAPE + of]
    over = math.pow(10.0, (rare + math.log10(tail[layout.RATE + of])) * shape) - 1.0
    return tail[layout.GATE + of] + tail[layout.SIGMA + of] * max(over, 0.0) / shape


@kernel
def _remember(now: Any, lane: Any, tail: Any, peaks: Any, channel: Any, value: Any, rare: Any) -> None:
    """Take a value in, if it is among the largest of this epoch."""
    of = channel * layout.OF_CHANNEL
    count = int(tail[layout.COUNT + of])
    row = now[layout.SCORED + lane]
    if rare > _BELIEVED:
        # A fault must not teach that faults are normal; what stays has to.
        if row < tail[layout.CLIPPED_UNTIL + of]:
            return
        lasting = now[layout.EPISODE + lane] > _EPISODE_ROWS
        tail[layout.CLIPPED_UNTIL + of] = row + (_BELIEVED_EVERY_ROWS if lasting else _EPISODE_ROWS)
        value = _limit_of(tail, channel, _BELIEVED)
    first = layout.PEAKS_NOW + channel * layout.PEAKS
    if count and row - tail[layout.NEWEST_ROW + of] <= _NEAR_ROWS:
        place = first + int(tail[layout.NEWEST + of])
        if np.float32(value) <= peaks[place]:
            return
        peaks[place] = np.float32(value)
    else:
        place = count
        if count < layout.PEAKS:
            tail[layout.COUNT + of] = count + 1
        else:
            place = 0
            for other in range(1, layout.PEAKS):
                if peaks[first + other] < peaks[first + place]:
                    place = other
        peaks[first + place] = np.float32(value)
        tail[layout.NEWEST + of] = place
        tail[layout.NEWEST_ROW + of] = row
    if tail[layout.COUNT + of] < layout.PEAKS:
        return
    least = peaks[first]
    for other in range(1, layout.PEAKS):
        least = min(least, peaks[first + other])
    tail[layout.LEAST + of] = least


@kernel
def _set_look(now: Any, tables: Any, lane: Any, tail: Any, peaks: Any, channel: Any) -> None:
    """Set from which value on a channel is looked at, and by when at the latest."""
    of = channel * layout.OF_CHANNEL
    least = tail[layout.LEAST + of] if tail[layout.COUNT + of] == layout.PEAKS else -_FAR
    if tail[layout.COUNT + of] > 0.0:
        left = _NEAR_ROWS - now[layout.SCORED + lane] + tail[layout.NEWEST_ROW + of]
        if left > 0.0:
            # Until then, only a larger one counts.
            newest = layout.PEAKS_NOW + channel * layout.PEAKS + int(tail[layout.NEWEST + of])
            least = max(least, float(peaks[newest]))
            now[layout.LOOK_AT + lane] = min(now[layout.LOOK_AT + lane], now[layout.ROWS + lane] + left)
    if tail[layout.IS_READY] != 0.0:
        least = min(least, tail[layout.GATE + of])
    # Of less precision, but never above.
    least = min(max(least - 2e-7 * abs(least), -1e38), 1e38)
    tables[layout.LOOK_FROM + channel * LANES + lane] = np.float32(least)


@kernel
def _retune(now: Any, tables: Any, lane: Any, tail: Any, peaks: Any) -> None:
    """End the epoch and fit the tails anew where that is due; find out when to look again."""
    rows = now[layout.ROWS + lane]
    week_rows = min(40_320.0, max(2_048.0, _WEEK_S / max(now[layout.INTERVAL_S + lane], 1.0)))
    if tail[layout.EPOCH_END] == 0.0:
        tail[layout.EPOCH_END] = _FIRST_EPOCH * week_rows
    epoch_rows = now[layout.SCORED + lane] - tail[layout.EPOCH_BEGAN]
    if rows >= tail[layout.EPOCH_END]:
        for place in range(layout.CHANNELS * layout.PEAKS):
            peaks[layout.PEAKS_BEFORE + place] = peaks[layout.PEAKS_NOW + place]
        for of in range(0, layout.CHANNELS * layout.OF_CHANNEL, layout.OF_CHANNEL):
            tail[layout.COUNT_BEFORE + of] = tail[layout.COUNT + of]
            tail[layout.COUNT + of] = 0.0
        tail[layout.BEFORE_ROWS] = epoch_rows
        tail[layout.EPOCH_BEGAN] = now[layout.SCORED + lane]
        epoch_rows = 0.0
        # What was learned before the first weekend was known is forgotten a week after it.
        end = tail[layout.EPOCH_END]
        tail[layout.EPOCH_END] = min(2.0 * end, week_rows) if end < week_rows else end + week_rows
        tail[layout.FIT_AT] = 0.0
    if epoch_rows >= tail[layout.FIT_AT]:
        # Chance of the series' own keeps those apart that began together.
        chance = now[layout.LONG_MEAN + lane] * 1e6
        part = 1.0 + _APART * (chance - math.floor(chance))
        tail[layout.FIT_AT] = epoch_rows + 32.0 + part * min(epoch_rows / 4.0, week_rows / 8.0)
        known_rows = epoch_rows + tail[layout.BEFORE_ROWS]
        if known_rows >= _READY_ROWS:
            tail[layout.IS_READY] = 1.0
            for channel in range(layout.CHANNELS):
                _fit(tail, peaks, channel, known_rows)
                if channel < layout.LIMITS:
                    limit = _limit_of(tail, channel, ALARM)
                    tables[layout.LIMIT + channel * LANES + lane] = np.float32(min(max(limit, -1e38), 1e38))
    now[layout.LOOK_AT + lane] = min(tail[layout.EPOCH_END], rows + tail[layout.FIT_AT] - epoch_rows)
    for channel in range(layout.CHANNELS):
        # Where nothing of this epoch is known yet, every value is looked at.
        _set_look(now, tables, lane, tail, peaks, channel)


@kernel
def _fit(tail: Any, peaks: Any, channel: Any, rows: Any) -> None:
    of = channel * layout.OF_CHANNEL
    ordered = np.empty(2 * layout.PEAKS)
    count, before = int(tail[layout.COUNT + of]), int(tail[layout.COUNT_BEFORE + of])
    gate = -_FAR
    known = 0
    for begin, length in ((layout.PEAKS_NOW, count), (layout.PEAKS_BEFORE, before)):
        least = _FAR
        for place in range(length):
            peak = float(peaks[begin + channel * layout.PEAKS + place])
            least = min(least, peak)
            at = known
            while at > 0 and ordered[at - 1] > peak:
                ordered[at] = ordered[at - 1]
                at -= 1
            ordered[at] = peak
            known += 1
        # Below the least peak of a full epoch, others were not kept.
        if length == layout.PEAKS:
            gate = max(gate, least)
    wanted = int(max(_PEAKS_LEAST, _PEAK_SHARE * rows))
    gate = max(gate, ordered[known - wanted - 1] if known > wanted else ordered[0])
    first = known
    while first > 0 and ordered[first - 1] > gate:
        first -= 1
    over = known - first
    mean = weighted = 0.0
    for place in range(over):
        excess = ordered[first + place] - gate
        mean += excess
        weighted += excess * (1.0 - (place + 0.65) / over)
    if over < _FIT_FROM:
        # Hardly any value ever differed: all that lies above is new.
        tail[layout.GATE + of] = ordered[known - 1]
        tail[layout.SIGMA + of] = max(abs(ordered[known - 1]) * 1e-3, 1e-9)
        tail[layout.SHAPE + of] = _SHAPE_LOW
        tail[layout.RATE + of] = 1.0 / rows
        return
    mean /= over
    weighted /= over
    spread = mean - 2.0 * weighted
    shape = 2.0 - mean / spread if spread > 1e-12 * mean else _SHAPE_HIGH
    shape = min(max(shape, _SHAPE_LOW), _SHAPE_HIGH)
    tail[layout.GATE + of] = gate
    tail[layout.RATE + of] = over / rows
    tail[layout.SIGMA + of] = max(mean * (1.0 - shape), 1e-9)
    tail[layout.SHAPE + of] = shape
