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
_LOG10_E: Final = 0.4342944819032518
_FAR: Final = 1e300


@inlined_kernel
def is_ordinary(now: Any, channel: Any, value: Any) -> bool:
    """Return whether a value is in no tail and teaches nothing, as most are."""
    if value > now[layout.LEAST + channel] or (
        now[layout.IS_READY] != 0.0 and value > now[layout.GATE + channel]
    ):
        return False
    return bool(
        now[layout.COUNT + channel] == layout.PEAKS
        or now[layout.SCORED] <= now[layout.NEWEST_ROW + channel] + _NEAR_ROWS
    )


@inlined_kernel
def _rarity(now: Any, channel: Any, value: Any) -> Any:
    """Return -log10 of the probability of a value as large; 0 where it is in no tail."""
    if now[layout.IS_READY] == 0.0 or not value > now[layout.GATE + channel]:
        return 0.0
    shape = now[layout.SHAPE + channel]
    over = (value - now[layout.GATE + channel]) / now[layout.SIGMA + channel]
    return math.log1p(shape * over) / shape * _LOG10_E - math.log10(now[layout.RATE + channel])


@inlined_kernel
def limit_of(now: Any, channel: Any, rare: Any) -> Any:
    """Return the value from which on a channel is as rare as this; infinite where no tail is known."""
    if now[layout.IS_READY] == 0.0 or now[layout.RATE + channel] <= 0.0:
        return math.inf
    shape = now[layout.SHAPE + channel]
    over = math.pow(10.0, (rare + math.log10(now[layout.RATE + channel])) * shape) - 1.0
    return now[layout.GATE + channel] + now[layout.SIGMA + channel] * max(over, 0.0) / shape


@kernel
def remember(now: Any, tables: Any, channel: Any, value: Any) -> Any:
    """Take a value in, if it is among the largest of this epoch; return how rare it is."""
    rare = _rarity(now, channel, value)
    count, least = int(now[layout.COUNT + channel]), now[layout.LEAST + channel]
    if count == layout.PEAKS and not value > least:
        return rare
    row = now[layout.SCORED]
    if rare > _BELIEVED:
        # A fault must not teach that faults are normal; what stays has to.
        if row < now[layout.CLIPPED_UNTIL + channel]:
            return rare
        lasting = now[layout.EPISODE] > _EPISODE_ROWS
        now[layout.CLIPPED_UNTIL + channel] = row + (_BELIEVED_EVERY_ROWS if lasting else _EPISODE_ROWS)
        shape = now[layout.SHAPE + channel]
        over = math.pow(10.0, (_BELIEVED + math.log10(now[layout.RATE + channel])) * shape) - 1.0
        value = now[layout.GATE + channel] + now[layout.SIGMA + channel] * over / shape
    first = layout.PEAKS_NOW + channel * layout.PEAKS
    was_least = True
    if count and row - now[layout.NEWEST_ROW + channel] <= _NEAR_ROWS:
        place = first + int(now[layout.NEWEST + channel])
        if np.float32(value) <= tables[place]:
            return rare
        was_least = tables[place] <= least
    else:
        place = first + count
        if count < layout.PEAKS:
            now[layout.COUNT + channel] = count + 1
        else:
            place = first
            while place < first + layout.PEAKS - 1 and tables[place] > least:
                place += 1
        now[layout.NEWEST + channel] = place - first
        now[layout.NEWEST_ROW + channel] = row
    tables[place] = np.float32(value)
    if now[layout.COUNT + channel] < layout.PEAKS:
        now[layout.LEAST + channel] = tables[place]
    elif was_least:
        now[layout.LEAST + channel] = _least(tables, first)
    return rare


@inlined_kernel
def _least(tables: Any, first: Any) -> Any:
    least = tables[first]
    for other in range(1, layout.PEAKS):
        least = min(least, tables[first + other])
    return least


@kernel
def retune(now: Any, tables: Any, week_rows: Any) -> None:
    """Count a row; end the epoch and fit the tails anew where that is due."""
    if now[layout.EPOCH_END] == 0.0:
        now[layout.EPOCH_END] = _FIRST_EPOCH * week_rows
    now[layout.EPOCH_ROWS] += 1.0
    if now[layout.ROWS] >= now[layout.EPOCH_END]:
        for place in range(layout.CHANNELS * layout.PEAKS):
            tables[layout.PEAKS_BEFORE + place] = tables[layout.PEAKS_NOW + place]
        for channel in range(layout.CHANNELS):
            now[layout.COUNT_BEFORE + channel] = now[layout.COUNT + channel]
            now[layout.COUNT + channel] = 0.0
            now[layout.LEAST + channel] = -math.inf
        now[layout.BEFORE_ROWS] = now[layout.EPOCH_ROWS]
        now[layout.EPOCH_ROWS] = 0.0
        # What was learned before the first weekend was known is forgotten a week after it.
        end = now[layout.EPOCH_END]
        now[layout.EPOCH_END] = min(2.0 * end, week_rows) if end < week_rows else end + week_rows
        now[layout.FIT_AT] = 0.0
    if now[layout.EPOCH_ROWS] < now[layout.FIT_AT]:
        return
    now[layout.FIT_AT] = now[layout.EPOCH_ROWS] + 32.0 + min(now[layout.EPOCH_ROWS] / 4.0, week_rows / 8.0)
    rows = now[layout.EPOCH_ROWS] + now[layout.BEFORE_ROWS]
    if rows >= _READY_ROWS:
        now[layout.IS_READY] = 1.0
        for channel in range(layout.CHANNELS):
            _fit(now, tables, channel, rows)


@kernel
def _fit(now: Any, tables: Any, channel: Any, rows: Any) -> None:
    peaks = np.empty(2 * layout.PEAKS)
    count, before = int(now[layout.COUNT + channel]), int(now[layout.COUNT_BEFORE + channel])
    for place in range(count):
        peaks[place] = tables[layout.PEAKS_NOW + channel * layout.PEAKS + place]
    for place in range(before):
        peaks[count + place] = tables[layout.PEAKS_BEFORE + channel * layout.PEAKS + place]
    gate = -_FAR
    # Below the least peak of a full epoch, others were not kept.
    if count == layout.PEAKS:
        gate = peaks[:count].min()
    if before == layout.PEAKS:
        gate = max(gate, peaks[count : count + before].min())
    known = count + before
    ordered = np.sort(peaks[:known])
    wanted = int(max(_PEAKS_LEAST, _PEAK_SHARE * rows))
    gate = max(gate, ordered[known - wanted - 1] if known > wanted else ordered[0])
    first = np.searchsorted(ordered, gate, side="right")
    over = known - first
    mean = weighted = 0.0
    for place in range(over):
        excess = ordered[first + place] - gate
        mean += excess
        weighted += excess * (1.0 - (place + 0.65) / over)
    if over < _FIT_FROM:
        # Hardly any value ever differed: all that lies above is new.
        now[layout.GATE + channel] = ordered[known - 1]
        now[layout.SIGMA + channel] = max(abs(ordered[known - 1]) * 1e-3, 1e-9)
        now[layout.SHAPE + channel] = _SHAPE_LOW
        now[layout.RATE + channel] = 1.0 / rows
        return
    mean /= over
    weighted /= over
    spread = mean - 2.0 * weighted
    shape = 2.0 - mean / spread if spread > 1e-12 * mean else _SHAPE_HIGH
    shape = min(max(shape, _SHAPE_LOW), _SHAPE_HIGH)
    now[layout.GATE + channel] = gate
    now[layout.RATE + channel] = over / rows
    now[layout.SIGMA + channel] = max(mean * (1.0 - shape), 1e-9)
    now[layout.SHAPE + channel] = shape
