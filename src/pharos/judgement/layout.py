"""Where a series' state lies.

What a tick reads and writes of every series lies by field, each a stream over the series: `moving` in float64
and `curves` in float32. What only some series need at a time lies by series: its `tails` in float64, its
`peaks` in float32, and its `first` values.

Rows are scored in a `block`: the moving fields of some series, and behind them what one row needs besides.
How its values lie in the tails of their past is found in a second one, `channels`, in float32.
"""

from __future__ import annotations

from typing import Final

SLOTS: Final = 96
"""Quarters of an hour of a day."""
HOURS: Final = 24
MINUTES: Final = 60
KINDS: Final = 2
"""Of days: working days, and weekends."""
CHANNELS: Final = 13
PEAKS: Final = 32
"""Of a channel and an epoch."""
FIRST_ROWS: Final = 64
"""From which the unit of values and the interval of rows are found."""

# Moving: what every row changes.
ROWS: Final = 0
LAST_S: Final = 1
LAST_RAW: Final = 2
LAST_VALUE: Final = 3
LAST_Y: Final = 4
FAST: Final = 5
SLOW: Final = 6
SHORT_MEAN: Final = 7
LONG_MEAN: Final = 8
VARIANCE: Final = 9
LAST_SIGN: Final = 10
SAME_SIGN: Final = 11
ZEROS: Final = 12
ZEROS_MOST: Final = 13
SAMES: Final = 14
SAMES_MOST: Final = 15
LAST_PROFILE: Final = 16
PEAK: Final = 17
QUIET: Final = 18
EPISODE: Final = 19
SCORED: Final = 20
FIT: Final = 21
"""How far this day is from what working days and weekends have at its times."""
CHANGED: Final = FIT + KINDS
# What every row reads.
INTERVAL_S: Final = CHANGED
UNIT: Final = INTERVAL_S + 1
CENTRE: Final = UNIT + 1
IS_COUNTER: Final = CENTRE + 1
MISSING: Final = IS_COUNTER + 1
LATE: Final = MISSING + 1
DAY: Final = LATE + 1
TURN_AT: Final = DAY + 1
"""The row, of those that were scored, after which the largest values become peaks."""
LIMIT: Final = TURN_AT + 1
"""Of each of `LIMITED`: from which value on it is an alarm."""
LIMITED: Final = (0, 1, 2, 3, 6, 7)
READ: Final = LIMIT + len(LIMITED)
# What few rows need.
SPREAD: Final = READ
MISSING_MOST: Final = SPREAD + 1
DAYS: Final = MISSING_MOST + 1
"""Of each day of the week: how sure it is a working day, 0 to 2; a weekend's from `WEEKEND` on."""
WEEKEND: Final = 4.0
MOVING_WIDTH: Final = DAYS + 7

# Curves.
PROFILE: Final = 0
VISITS: Final = PROFILE + KINDS * SLOTS
MINUTE: Final = VISITS + KINDS * SLOTS
HOUR_SCALE: Final = MINUTE + MINUTES
MINUTE_SCALE: Final = HOUR_SCALE + HOURS
TAILS: Final = MINUTE_SCALE + MINUTES
"""Of each channel the fields from `LARGEST` on, up to `TAIL_END`."""
TAIL_FIELDS: Final = 5
CURVES_WIDTH: Final = TAILS + TAIL_FIELDS * CHANNELS

# Tails: of each channel, and of all.
BELIEVED: Final = 0
"""The largest values that are remembered as they are."""
CLIPPED_UNTIL: Final = BELIEVED + CHANNELS
COUNT: Final = CLIPPED_UNTIL + CHANNELS
COUNT_BEFORE: Final = COUNT + CHANNELS
EPOCH_BEGIN: Final = COUNT_BEFORE + CHANNELS
"""Of the rows that were scored."""
BEFORE_ROWS: Final = EPOCH_BEGIN + 1
EPOCH_END: Final = EPOCH_BEGIN + 2
FIT_AT: Final = EPOCH_BEGIN + 3
PHASE: Final = EPOCH_BEGIN + 4
"""From 0 to 1, by which series do the same at different times."""
TAILS_WIDTH: Final = EPOCH_BEGIN + 5

# Peaks, of each channel and least first: this epoch's, and from here on those of the one before.
PEAKS_BEFORE: Final = CHANNELS * PEAKS
PEAKS_WIDTH: Final = 2 * CHANNELS * PEAKS

# What the curves say of this time.
HERE: Final = MOVING_WIDTH
PROFILE_HERE: Final = HERE
VISITS_HERE: Final = PROFILE_HERE + KINDS
MINUTE_HERE: Final = VISITS_HERE + KINDS
HOUR_SCALE_HERE: Final = MINUTE_HERE + 1
MINUTE_SCALE_HERE: Final = HOUR_SCALE_HERE + 1
LEARNED_END: Final = MINUTE_SCALE_HERE + 1
"""The fields from `HERE` to this one are written back."""
PROFILE_NEAR: Final = LEARNED_END
VISITS_NEAR: Final = PROFILE_NEAR + KINDS
HERE_END: Final = VISITS_NEAR + KINDS
WEEKDAY_KIND: Final = HERE_END
NEIGHBOUR_KIND: Final = WEEKDAY_KIND + 1
# What a row is found to be.
VALUE: Final = NEIGHBOUR_KIND + 1
COUNTS_GAPS: Final = VALUE + 1
IS_USUAL: Final = COUNTS_GAPS + 1
"""1 where nothing but the value is new, as of most rows; -1 where the series is left alone."""
SCORE: Final = IS_USUAL + 1
ALARM: Final = SCORE + 1
LOWER: Final = ALARM + 1
UPPER: Final = LOWER + 1
BLOCK_WIDTH: Final = UPPER + 1

# The channels of the same series, in float32: first what the curves know of their tails, in that order.
LARGEST: Final = 0
"""Of each channel: its largest value among some rows."""
GATE: Final = LARGEST + CHANNELS
"""Where its tail begins; infinite where none is known."""
STEEPNESS: Final = GATE + CHANNELS
FACTOR: Final = STEEPNESS + CHANNELS
RARE_AT_GATE: Final = FACTOR + CHANNELS
TAIL_END: Final = RARE_AT_GATE + CHANNELS
CHANNEL: Final = TAIL_END
"""Of each channel: its value."""
IS_WARM: Final = CHANNEL + CHANNELS
IS_BELIEVED: Final = IS_WARM + 1
"""Whether no channel's value is so rare that it is not remembered as it is."""
RARE: Final = IS_BELIEVED + 1
"""-log10 of how likely the row is."""
CHANNELS_WIDTH: Final = RARE + 1
