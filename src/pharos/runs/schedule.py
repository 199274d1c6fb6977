"""When a workflow's next run should begin: every so often, or by five fields of cron.

Fields are those of crontab(5): lists, ranges, steps, names of months and days, 7 for Sunday too; where both
the day of the month and the day of the week are restricted, either is enough.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from pharos.errors import Kind, PharosError
from pharos.runs.events import Schedule

_ALIASES: Final[Mapping[str, str]] = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_BOUNDS: Final[tuple[tuple[str, int, int, Mapping[str, int]], ...]] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {name: place for place, name in enumerate(_MONTHS, 1)}),
    ("day of the week", 0, 7, {name: place for place, name in enumerate(_DAYS)}),
)
_FIELDS: Final = len(_BOUNDS)
_PART: Final = re.compile(r"(\*|[0-9a-z]{1,3})(?:-([0-9a-z]{1,3}))?(?:/(\d{1,3}))?")
_DAYS_MOST: Final = 366 * 9
"""So far ahead is looked: 29 February may be eight years away."""
_MS_IN_S: Final = 1000


class Cron(Struct, frozen=True):
    """The times that five fields name."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    month_days: frozenset[int]
    months: frozenset[int]
    week_days: frozenset[int]
    """0 is Sunday."""
    either: bool
    """Whether both kinds of days are restricted: then one of them is enough."""

    def has_day(self, day: datetime) -> bool:
        """Return whether anything is due on a day."""
        if day.month not in self.months:
            return False
        by_month, by_week = day.day in self.month_days, day.isoweekday() % 7 in self.week_days
        return by_month or by_week if self.either else by_month and by_week


@lru_cache(maxsize=1000)
def parse_cron(text: str) -> Cron:
    """Return what five fields say. Raises PharosError(INVALID) that names the field at fault."""
    fields = _ALIASES.get(text.strip().lower(), text).lower().split()
    if len(fields) != _FIELDS:
        raise PharosError(
            Kind.INVALID,
            f"{text[:80]!r} has {len(fields)} fields",
            hint="cron has five: minute, hour, day of the month, month, day of the week",
        )
    found = [_field(one, *bounds) for one, bounds in zip(fields, _BOUNDS, strict=True)]
    week_days = frozenset(day % 7 for day in found[4])
    either = not fields[2].startswith("*") and not fields[4].startswith("*")
    return Cron(
        tuple(sorted(found[0])),
        tuple(sorted(found[1])),
        frozenset(found[2]),
        frozenset(found[3]),
        week_days,
        either,
    )


def _field(text: str, name: str, least: int, most: int, words: Mapping[str, int]) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise _fault(name, part)
        first, last, step = match[1], match[2], int(match[3] or 1)
        if first == "*":
            begin, end = least, most
            if last is not None:
                raise _fault(name, part)
        else:
            begin = _value(first, name, least, most, words)
            end = _value(last, name, least, most, words) if last else most if match[3] else begin
        if end < begin or step < 1:
            raise _fault(name, part)
        found.update(range(begin, end + 1, step))
    return found


def _value(text: str, name: str, least: int, most: int, words: Mapping[str, int]) -> int:
    found = words.get(text, int(text) if text.isdecimal() else -1)
    if not least <= found <= most:
        raise _fault(name, text)
    return found


def _fault(name: str, text: str) -> PharosError:
    return PharosError(Kind.INVALID, f"{text[:40]!r} is no {name} of cron")


def check_schedule(schedule: Schedule, where: str) -> None:
    """Raise PharosError(INVALID) unless a schedule says either how often or by which fields."""
    if bool(schedule.every_ms) == bool(schedule.cron):
        raise PharosError(Kind.INVALID, f"{where}: must have either every_ms or cron")
    if schedule.timezone and not schedule.cron:
        raise PharosError(Kind.INVALID, f"{where}.timezone: goes with cron")
    if not schedule.cron:
        return
    try:
        parse_cron(schedule.cron)
    except PharosError as exc:
        raise PharosError(Kind.INVALID, f"{where}.cron: {exc.message}", hint=exc.hint) from exc
    if schedule.timezone:
        _zone(schedule.timezone, where)


def _zone(name: str, where: str = "schedule") -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise PharosError(Kind.INVALID, f"{where}.timezone: there is no time zone {name[:80]!r}") from exc


def next_ms(schedule: Schedule, after_ms: int) -> int | None:
    """Return the first time after another, in milliseconds, at which a run should begin; None for never.

    Of a schedule that says how often, `after_ms` is when the last run began.
    """
    if schedule.every_ms:
        return after_ms + schedule.every_ms
    zone = _zone(schedule.timezone) if schedule.timezone else UTC
    cron = parse_cron(schedule.cron)
    start = datetime.fromtimestamp(after_ms // _MS_IN_S, UTC).astimezone(zone)
    day = start.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    for _ in range(_DAYS_MOST):
        if cron.has_day(day):
            for hour in cron.hours:
                for minute in cron.minutes:
                    due = day.replace(hour=hour, minute=minute)
                    at_ms = int(due.timestamp()) * _MS_IN_S
                    if at_ms > after_ms:
                        return at_ms
        day = (day.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=zone)
    return None
