"""How rare a channel's value is: the largest peaks of its past, and a generalised Pareto tail through them.

Of some rows on end only the largest value becomes a peak. Peaks are those of this epoch and of the one
before, so that what is long ago is forgotten. The tail is fitted by probability-weighted moments
(Hosking and Wallis 1987). Series do all this at different rows, by their phase.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from pharos.compiled.choice import choose
from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.judgement import layout
from pharos.judgement.exponentials import exp_of, rough_log1p_of

ALARM: Final = 6.25
"""-log10 of the probability from which on a row is an alarm."""
TURN_ROWS: Final = 40
"""Of so many rows the largest value becomes a peak."""
_PEAK_SHARE: Final = 0.005
"""Of the rows, which the tail is fitted to."""
_PEAKS_LEAST: Final = 30
_FIT_FROM: Final = 5
_SHAPE_LOW, _SHAPE_HIGH = 0.02, 0.2
_READY_ROWS: Final = 300
BELIEVED: Final = 5.5
"""What is rarer than 10 to the minus this is remembered as if it were that rare."""
_BELIEVED_EVERY_ROWS: Final = 30
_EPISODE_ROWS: Final = 1440
"""An episode that lasts longer is how things are now."""
_WEEK_S: Final = 604_800.0
_FIRST_EPOCH: Final = 2.0 / 7.0
"""Of a week."""
_EPOCH_SPREAD: Final = 1.0 / 28.0
"""Of a week, in which the series' epochs end: none ends later than it should."""
_NOT_STEEP, _STEEPEST = np.float32(0.0), np.float32(1e30)
_LOG10_E: Final = 0.4342944819032518
_LN_10: Final = 2.302585092994046


@inlined_kernel
def rarity_of(channels: Any, channel: Any, lane: Any) -> Any:
    """Return -log10 of the probability of a value as large as a channel's, which lies in its tail."""
    over = channels[layout.CHANNEL + channel, lane] - channels[layout.GATE + channel, lane]
    steep = channels[layout.STEEPNESS + channel, lane] * over
    # Of what lies below the gate nothing is asked, but it is computed.
    steep = choose(steep > _NOT_STEEP, choose(steep < _STEEPEST, steep, _STEEPEST), _NOT_STEEP)
    rare = rough_log1p_of(steep) * channels[layout.FACTOR + channel, lane]
    return rare + channels[layout.RARE_AT_GATE + channel, lane]


@kernel
def clip(block: Any, channels: Any, lane: Any, tails: Any) -> None:
    """Remember values that are too rare to be believed as less than they are, and few of them.

    A fault must not teach that faults are normal; what stays has to.
    """
    row = block[layout.SCORED, lane]
    every = _BELIEVED_EVERY_ROWS if block[layout.EPISODE, lane] > _EPISODE_ROWS else _EPISODE_ROWS
    for channel in range(layout.CHANNELS):
        is_rare = channels[layout.CHANNEL + channel, lane] > channels[layout.GATE + channel, lane]
        if not is_rare or rarity_of(channels, channel, lane) <= BELIEVED:
            continue
        if row >= tails[layout.CLIPPED_UNTIL + channel]:
            tails[layout.CLIPPED_UNTIL + channel] = row + every
            largest = channels[layout.LARGEST + channel, lane]
            channels[layout.LARGEST + channel, lane] = max(largest, tails[layout.BELIEVED + channel])


@kernel
def forget_tails(block: Any, channels: Any, lane: Any, tails: Any, phase: Any) -> None:
    """Let no tail be known of a series that begins."""
    tails[:] = 0.0
    tails[layout.PHASE] = phase
    block[layout.TURN_AT, lane] = math.floor(phase * TURN_ROWS)
    for channel in range(layout.CHANNELS):
        channels[layout.LARGEST + channel, lane] = -math.inf
        channels[layout.GATE + channel, lane] = math.inf
    for limited in range(len(layout.LIMITED)):
        block[layout.LIMIT + limited, lane] = math.nan


@kernel
def turn(block: Any, channels: Any, lane: Any, tails: Any, peaks: Any) -> bool:
    """Make peaks of the largest values; end the epoch, and fit the tails anew, where that is due.

    Return whether they were fitted.
    """
    scored = block[layout.SCORED, lane]
    block[layout.TURN_AT, lane] = scored + TURN_ROWS
    for channel in range(layout.CHANNELS):
        largest = channels[layout.LARGEST + channel, lane]
        channels[layout.LARGEST + channel, lane] = -math.inf
        if largest > -math.inf:
            _keep(tails, peaks, channel, largest)
    week_rows = min(40_320.0, max(2_048.0, _WEEK_S / max(block[layout.INTERVAL_S, lane], 1.0)))
    if tails[layout.EPOCH_END] == 0.0:
        tails[layout.EPOCH_END] = _FIRST_EPOCH * week_rows
    end = tails[layout.EPOCH_END]
    if block[layout.ROWS, lane] >= end - tails[layout.PHASE] * _EPOCH_SPREAD * week_rows:
        for place in range(layout.PEAKS_BEFORE):
            peaks[layout.PEAKS_BEFORE + place] = peaks[place]
        for channel in range(layout.CHANNELS):
            tails[layout.COUNT_BEFORE + channel] = tails[layout.COUNT + channel]
            tails[layout.COUNT + channel] = 0.0
        tails[layout.BEFORE_ROWS] = scored - tails[layout.EPOCH_BEGIN]
        tails[layout.EPOCH_BEGIN] = scored
        # What was learned before the first weekend was known is forgotten a week after it.
        tails[layout.EPOCH_END] = min(2.0 * end, week_rows) if end < week_rows else end + week_rows
        tails[layout.FIT_AT] = 0.0
    epoch_rows = scored - tails[layout.EPOCH_BEGIN]
    if epoch_rows < tails[layout.FIT_AT]:
        return False
    # Series that turn at the same row are fitted at different ones.
    share = tails[layout.PHASE] * TURN_ROWS
    share = 0.75 + 0.5 * (share - math.floor(share))
    tails[layout.FIT_AT] = epoch_rows + share * (32.0 + min(epoch_rows / 4.0, week_rows / 8.0))
    rows = epoch_rows + tails[layout.BEFORE_ROWS]
    if rows < _READY_ROWS:
        return False
    fit(block, channels, lane, tails, peaks, rows)
    return True


@inlined_kernel
def _keep(tails: Any, peaks: Any, channel: Any, value: Any) -> None:
    """Put a value into the peaks of this epoch, if it is among the largest."""
    count_at = layout.COUNT + channel
    first, count = channel * layout.PEAKS, int(tails[count_at])
    if count < layout.PEAKS:
        place = first + count
        while place > first and peaks[place - 1] > value:
            peaks[place] = peaks[place - 1]
            place -= 1
        peaks[place] = value
        tails[count_at] = count + 1
    elif value > peaks[first]:
        place, last = first, first + layout.PEAKS - 1
        while place < last and peaks[place + 1] < value:
            peaks[place] = peaks[place + 1]
            place += 1
        peaks[place] = value


@kernel
def fit(block: Any, channels: Any, lane: Any, tails: Any, peaks: Any, rows: Any) -> None:
    """Fit the tails to the peaks of so many rows, and set what is compared with them."""
    ordered = np.empty(2 * layout.PEAKS)
    limited = 0
    for channel in range(layout.CHANNELS):
        count, before = int(tails[layout.COUNT + channel]), int(tails[layout.COUNT_BEFORE + channel])
        gate, sigma, shape, rare = _fit(ordered, peaks, channel, (count, before), rows)
        channels[layout.GATE + channel, lane] = gate
        channels[layout.STEEPNESS + channel, lane] = np.float32(shape / sigma)
        channels[layout.FACTOR + channel, lane] = np.float32(_LOG10_E / shape)
        channels[layout.RARE_AT_GATE + channel, lane] = np.float32(rare)
        tails[layout.BELIEVED + channel] = _limit(gate, sigma, shape, BELIEVED - rare)
        if channel == layout.LIMITED[limited]:
            block[layout.LIMIT + limited, lane] = _limit(gate, sigma, shape, ALARM - rare)
            limited = min(limited + 1, len(layout.LIMITED) - 1)


@inlined_kernel
def _limit(gate: Any, sigma: Any, shape: Any, rarer: Any) -> Any:
    """Return the value that is rarer than the gate by so much."""
    return gate + sigma * max(exp_of(rarer * shape * _LN_10) - 1.0, 0.0) / shape


@inlined_kernel
def _fit(ordered: Any, peaks: Any, channel: Any, counts: Any, rows: Any) -> Any:
    """Return where a channel's tail begins, its scale and shape, and how rare its beginning is."""
    known = min(int(max(_PEAKS_LEAST, _PEAK_SHARE * rows)) + 1, counts[0] + counts[1])
    if known == 0:
        return math.inf, 1.0, _SHAPE_LOW, 0.0
    _order(ordered[:known], peaks, channel, counts)
    gate = ordered[known - 1]
    # Below the least peak of a full epoch, others were not kept.
    if counts[0] == layout.PEAKS:
        gate = max(gate, float(peaks[channel * layout.PEAKS]))
    if counts[1] == layout.PEAKS:
        gate = max(gate, float(peaks[layout.PEAKS_BEFORE + channel * layout.PEAKS]))
    over = 0
    mean = weighted = 0.0
    while over < known and ordered[over] > gate:
        excess = ordered[over] - gate
        mean += excess
        weighted += excess * (over + 0.35)
        over += 1
    if over < _FIT_FROM:
        # Hardly any value ever differed: all that lies above is new.
        return ordered[0], max(abs(ordered[0]) * 1e-3, 1e-9), _SHAPE_LOW, math.log10(rows)
    mean /= over
    weighted /= float(over) * over
    spread = mean - 2.0 * weighted
    shape = 2.0 - mean / spread if spread > 1e-12 * mean else _SHAPE_HIGH
    shape = min(max(shape, _SHAPE_LOW), _SHAPE_HIGH)
    return gate, max(mean * (1.0 - shape), 1e-9), shape, math.log10(rows / over)


@inlined_kernel
def _order(ordered: Any, peaks: Any, channel: Any, counts: Any) -> None:
    """Put the largest peaks of both epochs into their order, the largest first."""
    one, other = counts[0] - 1, counts[1] - 1
    now = channel * layout.PEAKS
    then = now + layout.PEAKS_BEFORE
    for place in range(len(ordered)):
        left, right = peaks[now + max(one, 0)], peaks[then + max(other, 0)]
        is_one = (other < 0) | ((one >= 0) & (left >= right))
        ordered[place] = left if is_one else right
        one -= is_one
        other -= not is_one
