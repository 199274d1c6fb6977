"""iCalendar (RFC 5545): calendars that say who is on call are read, and shifts written as one.

What a calendar may hold is bounded, since it comes from elsewhere: its size, its events, and the rules by
which they recur, of which some would be searched for years.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from threading import Lock
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

import recurring_ical_events  # type: ignore[import-untyped]
from icalendar import Calendar, Event
from icalendar.timezone import tzp
from msgspec import Struct

from pharos.alerting.oncall.local_time import reached_ms, zone_named
from pharos.alerting.oncall.recurrence import cut, require_rule
from pharos.errors import Kind, PharosError

_EVENTS_MOST: Final = 5_000
_RECURRING_MOST: Final = 50
_OCCURRENCES_MOST: Final = 20_000
PEOPLE_MOST: Final = 20
"""So many are on call at a time by a calendar, whatever more it says."""
_UNREADABLE: Final = (
    recurring_ical_events.InvalidCalendar,
    AttributeError,
    IndexError,
    KeyError,
    OverflowError,
    TypeError,
    ValueError,
)
"""What the libraries raise over what they have not foreseen; none of it is ours to mend."""
_TIMES: Final = ("DTSTART", "DTEND", "RECURRENCE-ID", "RDATE", "EXDATE")
_ZONES: Final = Lock()
"""Held while a calendar is parsed: the library knows zones that calendars define for the whole process."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class CalendarEvent(Struct, frozen=True):
    """People who are on call during an event."""

    start_ms: int
    end_ms: int
    people: tuple[str, ...]


class Told(Protocol):
    """A shift, as much as a calendar tells of it."""

    @property
    def start_ms(self) -> int:
        """Return when it begins."""
        ...

    @property
    def end_ms(self) -> int:
        """Return when it ends."""
        ...

    @property
    def people(self) -> tuple[str, ...]:
        """Return who is on call."""
        ...


def check_calendar(text: str) -> None:
    """Raise PharosError(INVALID) for a calendar that `read_events` would not read."""
    _checked(text)


@lru_cache(maxsize=16)
def read_events(text: str, zone_name: str, start_ms: int, end_ms: int) -> tuple[CalendarEvent, ...]:
    """Return the events of a calendar that touch [start, end), by time.

    Whole days, and times that name no zone, are on the wall clock of `zone_name`.
    Raises PharosError(INVALID).
    """
    calendar, zone = _checked(text), zone_named(zone_name)
    # With a day around it: where times name no zone, the query takes them for UTC.
    since = _EPOCH + timedelta(milliseconds=start_ms) - timedelta(days=2)
    until = _EPOCH + timedelta(milliseconds=end_ms) + timedelta(days=2)
    found: list[CalendarEvent] = []
    try:
        for event in calendar.walk("VEVENT"):
            cut(event, since, until)
        for occurrence in recurring_ical_events.of(calendar).between(since, until):
            found += _events(occurrence, zone)
            if len(found) > _OCCURRENCES_MOST:
                raise _fault(f"more than {_OCCURRENCES_MOST} events in that time")
    except _UNREADABLE as exc:
        raise _fault(str(exc)) from exc
    touching = [one for one in found if one.start_ms < end_ms and one.end_ms > start_ms]
    return tuple(sorted(touching, key=lambda one: (one.start_ms, one.end_ms, one.people)))


def _fault(message: str) -> PharosError:
    return PharosError(Kind.INVALID, f"the calendar cannot be read: {' '.join(message.split())[:300]}")


def _checked(text: str) -> Calendar:
    try:
        with _ZONES:
            # What another calendar, maybe of another tenant, calls a zone says nothing about this one.
            tzp.use_zoneinfo()
            # Some programs write a mark of the order of bytes in front of it.
            calendar = Calendar.from_ical(text.removeprefix("\ufeff"))
    except _UNREADABLE as exc:
        raise _fault(str(exc)) from exc
    if not isinstance(calendar, Calendar):
        raise _fault("it does not begin with VCALENDAR")
    events = calendar.walk("VEVENT")
    if len(events) > _EVENTS_MOST:
        raise _fault(f"it has more than {_EVENTS_MOST} events")
    try:
        recurring = sum(_check_event(event) for event in events)
    except _UNREADABLE as exc:
        raise _fault(str(exc)) from exc
    if recurring > _RECURRING_MOST:
        raise _fault(f"more than {_RECURRING_MOST} of its events recur")
    return calendar


def _check_event(event: Any) -> bool:
    """Return whether an event recurs. Raises PharosError(INVALID) for one that is not taken."""
    if event.errors:
        name, message = event.errors[0]
        raise _fault(f"{name or 'a line'}: {message}")
    begins = event.get("DTSTART")
    if begins is None or isinstance(begins, list) or not 1970 <= begins.dt.year <= 2200:
        raise _fault("an event has no DTSTART from 1970 to 2200")
    for name in _TIMES:
        _require_zones(event.get(name, []))
    ends, lasts = event.get("DTEND"), event.get("DURATION")
    is_backwards = ends is not None and not isinstance(ends, list) and _is_before(ends.dt, begins.dt)
    if is_backwards or (lasts is not None and lasts.dt < timedelta()):
        raise _fault(f"an event ends before it begins, at {begins.dt.isoformat()}")
    if "EXRULE" in event:
        raise _fault("an event leaves days out by EXRULE, which is not taken: EXDATE names them")
    rule = event.get("RRULE")
    if isinstance(rule, list):
        raise _fault("an event recurs by several rules")
    if rule is not None:
        require_rule(rule, begins.dt)
    return rule is not None


def _require_zones(written: Any) -> None:
    """Raise PharosError(INVALID) where the times of a line are of a zone that nobody knows."""
    for line in written if isinstance(written, list) else [written]:
        zone = line.params.get("TZID")
        for one in getattr(line, "dts", [line]) if zone else []:
            begins = one.dt[0] if isinstance(one.dt, tuple) else one.dt
            if isinstance(begins, datetime) and begins.tzinfo is None:
                raise _fault(f"there is no time zone {str(zone)[:60]!r}")


def _is_before(one: date, other: date) -> bool:
    """Return whether a time is before another one, as far as both are known alike."""
    alike = isinstance(one, datetime) and isinstance(other, datetime)
    if alike and (one.tzinfo is None) is (other.tzinfo is None):  # type: ignore[attr-defined]
        return one < other
    return one.isoformat()[:10] < other.isoformat()[:10]


def _events(occurrence: Any, zone: ZoneInfo) -> Iterator[CalendarEvent]:
    if str(occurrence.get("STATUS", "")).upper() == "CANCELLED":
        return
    begins, ends = (_at_ms(occurrence[name].dt, zone) for name in ("DTSTART", "DTEND"))
    people = tuple(dict.fromkeys(_people(occurrence)))[:PEOPLE_MOST]
    if begins < ends and people:
        yield CalendarEvent(begins, ends, people)


def _at_ms(found: date, zone: ZoneInfo) -> int:
    """Return a time of a calendar; a day begins at midnight on the wall clock."""
    if not isinstance(found, datetime):
        return reached_ms(datetime(found.year, found.month, found.day), zone)  # noqa: DTZ001 - a wall clock's
    if found.tzinfo is None:
        return reached_ms(found, zone)
    return (found.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)


def _people(occurrence: Any) -> Iterator[str]:
    attendees = occurrence.get("ATTENDEE", [])
    names = [
        str(one.params.get("CN", "") or str(one).partition(":")[2] or one).strip()
        for one in (attendees if isinstance(attendees, list) else [attendees])
    ]
    if not names:
        names = [part.strip() for part in str(occurrence.get("SUMMARY", "")).split(",")]
    return (name[:100] for name in names if name and name.isprintable())


def write_calendar(name: str, of: str, shifts: Sequence[Told], now_ms: int, since_ms: int = -1) -> bytes:
    """Return shifts as a calendar that is called `name`; `of` is the same for ever for what it is of.

    Shifts were looked for from `since_ms` on: the one that begins there may have begun before.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//Pharos//On call//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    for event in _written(name, of, shifts, now_ms, since_ms):
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def _written(name: str, of: str, shifts: Iterable[Told], now_ms: int, since_ms: int) -> Iterator[Event]:
    for shift in shifts:
        event = Event()
        # The same for what is the same, so that a calendar program knows it again. One at most was cut.
        known_by = "before" if shift.start_ms == since_ms else shift.start_ms
        event.add("uid", f"{of}-{known_by}@pharos")
        event.add("dtstamp", _EPOCH + timedelta(milliseconds=now_ms))
        event.add("dtstart", _EPOCH + timedelta(milliseconds=shift.start_ms))
        event.add("dtend", _EPOCH + timedelta(milliseconds=shift.end_ms))
        event.add("summary", ", ".join(shift.people))
        event.add("description", f"On call: {name}")
        event.add("transp", "TRANSPARENT")
        yield event
