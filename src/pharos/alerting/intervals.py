"""Times of the week, month and year at which a route is silent, or the only ones at which it speaks.

An interval holds at a time when each of its fields that is written does; a field does when one of its
ranges does. Times are those of its location, UTC where none is named (Alertmanager's timeinterval).
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from pharos.document import Fields, Value
from pharos.errors import Kind, PharosError

_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_LOCAL: Final = Path("/etc/localtime")
"""What time it is where this machine is."""
_DAY_MINUTES: Final = 1440
_SHORTEST_MONTH: Final = 28
_LONGEST_MONTH: Final = 31

WEEKDAYS: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTHS: Final = tuple(name.lower() for name in calendar.month_name)[1:]

Range: TypeAlias = tuple[int, int]
"""First and last, both within; of minutes of a day, the last is not."""


class TimeInterval(Struct, frozen=True):
    """One set of times. A field that is not written is None and holds always; an empty one never does."""

    times: tuple[Range, ...] | None = None
    """Minutes of the day, without the last."""
    weekdays: tuple[Range, ...] | None = None
    """0 is Sunday."""
    days_of_month: tuple[Range, ...] | None = None
    """Negative ones count from the month's end."""
    months: tuple[Range, ...] | None = None
    years: tuple[Range, ...] | None = None
    zone: tzinfo = UTC

    def contains(self, now_ms: int) -> bool:
        """Return whether a time, in milliseconds since the epoch, lies within."""
        now = datetime.fromtimestamp(now_ms / 1000, self.zone)
        minute = now.hour * 60 + now.minute
        return (
            (self.times is None or any(first <= minute < last for first, last in self.times))
            and _holds(self.weekdays, now.isoweekday() % 7)
            and self._has_day(now)
            and _holds(self.months, now.month)
            and _holds(self.years, now.year)
        )

    def _has_day(self, now: datetime) -> bool:
        if self.days_of_month is None:
            return True
        length = calendar.monthrange(now.year, now.month)[1]
        ranges = [tuple(day + length + 1 if day < 0 else day for day in one) for one in self.days_of_month]
        return any(first <= now.day <= last for first, last in ranges)


TimeIntervals: TypeAlias = Mapping[str, tuple[TimeInterval, ...]]
"""By name."""


def containing(intervals: TimeIntervals, names: Iterable[str], now_ms: int) -> tuple[str, ...]:
    """Return those of the named intervals within which a time lies."""
    return tuple(name for name in names if any(one.contains(now_ms) for one in intervals[name]))


def silenced_by(
    intervals: TimeIntervals, active: Sequence[str], muted: Sequence[str], now_ms: int
) -> tuple[str, str] | None:
    """Return (`inactive` or `muted`, by which intervals) of a route that is silent then; None for others."""
    if active and not containing(intervals, active, now_ms):
        return "inactive", ", ".join(active)
    within = containing(intervals, muted, now_ms)
    return ("muted", within[0]) if within else None


def _holds(ranges: tuple[Range, ...] | None, number: int) -> bool:
    return ranges is None or any(first <= number <= last for first, last in ranges)


@lru_cache(maxsize=512)
def zone_of(name: str) -> tzinfo:
    """Return a time zone by its name in the IANA database; raises PharosError(INVALID) for one that is not
    there.
    """
    if name in {"", "UTC"}:
        return UTC
    try:
        if name == "Local":
            with _LOCAL.open("rb") as file:
                return ZoneInfo.from_file(file, "Local")
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PharosError(
            Kind.INVALID, f"unknown time zone {name[:100]!r}", hint="write it as Europe/Berlin"
        ) from None


def read_interval(value: Value) -> TimeInterval:
    """Return one element of `time_intervals`; faults of its fields are noted."""
    fields = Fields(value, "time interval")
    utc: tzinfo = UTC
    interval = TimeInterval(
        times=_ranges(fields, "times", _minutes),
        weekdays=_ranges(fields, "weekdays", _weekdays),
        days_of_month=_ranges(fields, "days_of_month", _days_of_month),
        months=_ranges(fields, "months", _months),
        years=_ranges(fields, "years", _years),
        zone=fields.read("location", _zone, utc),
    )
    fields.done()
    return interval


def _ranges(fields: Fields, name: str, reader: Callable[[Value], Range]) -> tuple[Range, ...] | None:
    return fields.read(name, lambda value: tuple(value.each(reader)), None)


def _zone(value: Value) -> tzinfo:
    try:
        return zone_of(value.text())
    except PharosError as exc:
        raise value.fault(f"{value.path}: {exc}") from exc


def _minutes(value: Value) -> Range:
    fields = Fields(value, "time range")
    ends = [fields.read(name, Value.text, "") for name in ("start_time", "end_time")]
    fields.done()
    if not all(ends):
        raise value.fault(f"{value.path}: both start_time and end_time must be written")
    found = []
    for text in ends:
        clock = _TIME.fullmatch(text)
        if clock is None:
            raise value.fault(
                f"{value.path}: {text!r} is no time of day; write it as 08:30, from 00:00 to 24:00"
            )
        found.append(_DAY_MINUTES if clock[1] is None else int(clock[1]) * 60 + int(clock[2]))
    if found[0] >= found[1]:
        raise value.fault(
            f"{value.path}: the start must be before the end; write two ranges to cross midnight"
        )
    return found[0], found[1]


def _range(value: Value, member: Callable[[str], int | None], what: str) -> Range:
    """Return both ends of `a:b` or `a`."""
    text = value.text().lower()
    ends = text.split(":")
    if len(ends) > 2 or not all(ends):
        raise value.fault(f"{value.path}: {text!r} is no range; write it as {what.partition(': ')[2]}")
    found = [member(end) for end in ends]
    for end, number in zip(ends, found, strict=True):
        if number is None:
            raise value.fault(
                f"{value.path}: {end!r} is no {what.partition(':')[0]}; write it as {what.partition(': ')[2]}"
            )
    first, last = found[0], found[-1]
    assert first is not None  # noqa: S101 - looked at above
    assert last is not None  # noqa: S101
    return first, last


def _number(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) else None


def _weekdays(value: Value) -> Range:
    found = _range(
        value,
        lambda text: WEEKDAYS.index(text) if text in WEEKDAYS else None,
        "weekday: monday or monday:friday",
    )
    return _rising(value, found)


def _months(value: Value) -> Range:
    found = _range(
        value,
        lambda text: MONTHS.index(text) + 1 if text in MONTHS else _number(text),
        "month: may:august or 5",
    )
    return _rising(value, found)


def _years(value: Value) -> Range:
    return _rising(value, _range(value, _number, "year: 2030 or 2030:2032"))


def _rising(value: Value, found: Range) -> Range:
    if found[0] > found[1]:
        raise value.fault(f"{value.path}: the end is before the start; write two ranges to go past the last")
    return found


def _days_of_month(value: Value) -> Range:
    first, last = _range(value, _number, "day of a month: 1:15, or -3:-1 for its last three")
    for day in (first, last):
        if day == 0 or abs(day) > _LONGEST_MONTH:
            raise value.fault(f"{value.path}: {day} is no day of a month")
    if first < 0 < last:
        raise value.fault(f"{value.path}: the end must count from the month's end too when the start does")
    shortest = [day + _SHORTEST_MONTH if day < 0 else day for day in (first, last)]
    if shortest[0] > shortest[1]:
        raise value.fault(f"{value.path}: day {last} is always before day {first}")
    return first, last
