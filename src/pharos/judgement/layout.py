"""Where a series' state lies: a row of float64 for what moves fast, a row of float32 for what is learned."""

from __future__ import annotations

from typing import Final

SLOTS: Final = 96
"""Quarters of an hour of a day."""
HOURS: Final = 24
MINUTES: Final = 60
CHANNELS: Final = 13
PEAKS: Final = 32
"""Of a channel and an epoch."""
FIRST_ROWS: Final = 64
"""From which the unit of values and the interval of rows are found."""

# The row of float32.
PROFILE: Final = 0
VISITS: Final = PROFILE + 2 * SLOTS
MINUTE: Final = VISITS + 2 * SLOTS
HOUR_SCALE: Final = MINUTE + MINUTES
MINUTE_SCALE: Final = HOUR_SCALE + HOURS
PEAKS_NOW: Final = MINUTE_SCALE + MINUTES
PEAKS_BEFORE: Final = PEAKS_NOW + CHANNELS * PEAKS
TABLE_WIDTH: Final = PEAKS_BEFORE + CHANNELS * PEAKS

# The row of float64.
ROWS: Final = 0
INTERVAL_S: Final = 1
LAST_S: Final = 2
UNIT: Final = 3
CENTRE: Final = 4
IS_COUNTER: Final = 5
LAST_RAW: Final = 6
LAST_VALUE: Final = 7
LAST_Y: Final = 8
FAST: Final = 9
SLOW: Final = 10
SHORT_MEAN: Final = 11
LONG_MEAN: Final = 12
VARIANCE: Final = 13
SPREAD: Final = 14
LAST_SIGN: Final = 15
SAME_SIGN: Final = 16
MISSING: Final = 17
MISSING_MOST: Final = 18
ZEROS: Final = 19
ZEROS_MOST: Final = 20
SAMES: Final = 21
SAMES_MOST: Final = 22
LAST_PROFILE: Final = 23
PEAK: Final = 24
QUIET: Final = 25
EPISODE: Final = 26
LATE: Final = 27
EPOCH_ROWS: Final = 28
BEFORE_ROWS: Final = 29
EPOCH_END: Final = 30
FIT_AT: Final = 31
IS_READY: Final = 32
SCORED: Final = 33
DAY: Final = 34
FIT: Final = 35
"""How far this day is from what working days and weekends have at its times."""
DAYS: Final = FIT + 2
"""Of each day of the week: how sure it is a working day, 0 to 2; a weekend's from `WEEKEND` on."""
WEEKEND: Final = 4.0
# Of each channel.
GATE: Final = DAYS + 7
RATE: Final = GATE + CHANNELS
SIGMA: Final = RATE + CHANNELS
SHAPE: Final = SIGMA + CHANNELS
COUNT: Final = SHAPE + CHANNELS
COUNT_BEFORE: Final = COUNT + CHANNELS
LEAST: Final = COUNT_BEFORE + CHANNELS
"""A value no larger teaches nothing: the least of an epoch's peaks once they are all there, before that the
newest, for as long as rows are near it."""
NEWEST: Final = LEAST + CHANNELS
NEWEST_ROW: Final = NEWEST + CHANNELS
CLIPPED_UNTIL: Final = NEWEST_ROW + CHANNELS
CHANNEL: Final = CLIPPED_UNTIL + CHANNELS
"""The channels' values of a row."""
FIRST_VALUES: Final = CHANNEL + CHANNELS
NOW_WIDTH: Final = FIRST_VALUES + FIRST_ROWS
