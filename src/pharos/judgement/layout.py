"""Where a series' state lies.

What each row needs lies in blocks of as many series as are scored at once, a line of the cache for a field of
all of them: `now` (float64) for what moves, `tables` (float32) for what is learned of times of the day and of
the hour. What only rare rows need lies by series: `tails` (float64) and `peaks` (float32).
"""

from __future__ import annotations

from typing import Final

LANES: Final = 16
"""Series of a block."""
SLOTS: Final = 96
"""Quarters of an hour of a day."""
HOURS: Final = 24
MINUTES: Final = 60
CHANNELS: Final = 13
PEAKS: Final = 32
"""Of a channel and an epoch."""
FIRST_ROWS: Final = 64
"""From which the unit of values and the interval of rows are found."""

# A block of tables.
OF_SLOT: Final = 4 * LANES
"""Of a slot: the profile of working days and of weekends, and how often each was visited."""
OF_MINUTE: Final = 2 * LANES
"""Of a minute: its mean, and its scale."""
SLOT: Final = 0
MINUTE: Final = SLOT + SLOTS * OF_SLOT
HOUR_SCALE: Final = MINUTE + MINUTES * OF_MINUTE
LOOK_FROM: Final = HOUR_SCALE + HOURS * LANES
"""Of each channel: values up to here are neither rare nor among the largest."""
LIMIT: Final = LOOK_FROM + CHANNELS * LANES
"""Of each of the first eight channels: from which value on a row is an alarm."""
LIMITS: Final = 8
TABLE_WIDTH: Final = LIMIT + LIMITS * LANES

# A block of now.
ROWS: Final = 0
INTERVAL_S: Final = 1 * LANES
LAST_S: Final = 2 * LANES
UNIT: Final = 3 * LANES
CENTRE: Final = 4 * LANES
IS_COUNTER: Final = 5 * LANES
LAST_RAW: Final = 6 * LANES
LAST_VALUE: Final = 7 * LANES
LAST_Y: Final = 8 * LANES
FAST: Final = 9 * LANES
SLOW: Final = 10 * LANES
SHORT_MEAN: Final = 11 * LANES
LONG_MEAN: Final = 12 * LANES
VARIANCE: Final = 13 * LANES
SPREAD: Final = 14 * LANES
LAST_SIGN: Final = 15 * LANES
SAME_SIGN: Final = 16 * LANES
MISSING: Final = 17 * LANES
MISSING_MOST: Final = 18 * LANES
ZEROS: Final = 19 * LANES
ZEROS_MOST: Final = 20 * LANES
SAMES: Final = 21 * LANES
SAMES_MOST: Final = 22 * LANES
LAST_PROFILE: Final = 23 * LANES
PEAK: Final = 24 * LANES
QUIET: Final = 25 * LANES
EPISODE: Final = 26 * LANES
LATE: Final = 27 * LANES
WARM: Final = 28 * LANES
"""So many rows are only learned from."""
SCORED: Final = 29 * LANES
LOOK_AT: Final = 30 * LANES
"""The row at which tails are looked at whatever its values are."""
DAY: Final = 31 * LANES
FIT: Final = 32 * LANES
"""How far this day is from what working days and weekends have at its times."""
DAYS: Final = FIT + 2 * LANES
"""Of each day of the week: how sure it is a working day, 0 to 2; a weekend's from `WEEKEND` on."""
WEEKEND: Final = 4.0
NOW_WIDTH: Final = DAYS + 7 * LANES

# A row of tails.
IS_READY: Final = 0
EPOCH_BEGAN: Final = 1
"""How many rows were scored before this epoch."""
BEFORE_ROWS: Final = 2
EPOCH_END: Final = 3
FIT_AT: Final = 4
CHANNEL_TAIL: Final = 8
"""Where the first channel's begins; of each:"""
GATE: Final = CHANNEL_TAIL
RATE: Final = CHANNEL_TAIL + 1
SIGMA: Final = CHANNEL_TAIL + 2
SHAPE: Final = CHANNEL_TAIL + 3
COUNT: Final = CHANNEL_TAIL + 4
COUNT_BEFORE: Final = CHANNEL_TAIL + 5
LEAST: Final = CHANNEL_TAIL + 6
NEWEST: Final = CHANNEL_TAIL + 7
NEWEST_ROW: Final = CHANNEL_TAIL + 8
CLIPPED_UNTIL: Final = CHANNEL_TAIL + 9
OF_CHANNEL: Final = 10
FIRST_VALUES: Final = CHANNEL_TAIL + CHANNELS * OF_CHANNEL
TAIL_WIDTH: Final = FIRST_VALUES + FIRST_ROWS

# A row of peaks.
PEAKS_NOW: Final = 0
PEAKS_BEFORE: Final = CHANNELS * PEAKS
PEAK_WIDTH: Final = 2 * CHANNELS * PEAKS

# What is worked out of a block's rows, float64.
GO: Final = 0
"""1 where a value came that the channels are asked about."""
TOLD: Final = 1 * LANES
"""1 where anything is told of the row."""
RARE: Final = 2 * LANES
VALUE: Final = 3 * LANES
IS_GAP: Final = 4 * LANES
IS_FLAGGED: Final = 5 * LANES
"""1 where tails are to be looked at."""
TODAY: Final = 6 * LANES
"""How sure the day is a weekend's, and behind it the day that is nearest."""
LEFT: Final = 8 * LANES
"""Of the slot before; then of the one after, and of its own."""
RIGHT: Final = 12 * LANES
HERE: Final = 16 * LANES
MEAN: Final = 20 * LANES
"""Of the minute, and its scale."""
OF_HOUR: Final = 22 * LANES
"""The scale of the hour."""
WEIGHT_OF_WEEKEND: Final = 23 * LANES
EXPECTED: Final = 24 * LANES
OF_SERIES: Final = 25 * LANES
OFF: Final = 26 * LANES
SUDDEN: Final = 27 * LANES
SCALE: Final = 28 * LANES
WEIGHT: Final = 29 * LANES
LOWER: Final = 30 * LANES
UPPER: Final = 31 * LANES
CHANNEL: Final = 32 * LANES
"""Values of channels: those of two sides once, the last of one side."""
WORK_WIDTH: Final = CHANNEL + (CHANNELS + 1) // 2 * LANES
