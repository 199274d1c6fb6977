"""Maintenance windows: times announced ahead, once or again and again, at which nobody is paged for some
alerts.

A window is on the wall clock of a place. Its recurrence is an RRULE (RFC 5545) of days, weeks, months or
years, so that a window of 22:00 to 06:00 is that in summer and winter. It holds back pages only: alerts are
measured, shown and resolved as ever, and who was told that one fires is told that it is over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import islice, takewhile
from typing import Annotated, Any, Final, Self

from dateutil.rrule import rrulestr  # type: ignore[import-untyped]
from icalendar import Calendar, Event
from msgspec import Struct
from pydantic import AfterValidator, Field, model_validator

from pharos.alerting.matchers import Matchers, matches_all, parse_matchers, says_nothing
from pharos.alerting.oncall.local_time import reached_ms, zone_named
from pharos.alerting.oncall.schedule import Part, WallTime, Zone, read_part
from pharos.errors import PharosError

LONGEST: Final = timedelta(days=366)
_RULE_MOST: Final = 500
_INTERVAL_MOST: Final = 1000
_OCCURRENCES_MOST: Final = 1000
_LOOK_AHEAD: Final = timedelta(days=3653)
"""Within it a recurring window has to come again."""
_HORIZON_MS: Final = 86_400_000
_LAST: Final = datetime(2300, 1, 1)  # noqa: DTZ001 - on a wall clock
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FREQUENCIES: Final = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
_COUNT: Final = re.compile("[1-9][0-9]{0,5}")
_UNTIL: Final = re.compile("[0-9]{8}(T[0-9]{6})?")
_PARTS: Final = frozenset(
    {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYMONTH", "BYMONTHDAY", "BYSETPOS"}
)


def read_conditions(texts: Sequence[str]) -> Matchers:
    """Return the matchers of texts. Raises PharosError(INVALID) for a fault, and for those that all alerts
    satisfy.
    """
    found = tuple(matcher for one in texts for matcher in parse_matchers(one))
    if says_nothing(found):
        raise ValueError(
            'at least one matcher must not match the empty text; alertname=~".+" takes every alert'
        )
    return found


def _conditions(texts: tuple[str, ...]) -> tuple[str, ...]:
    try:
        read_conditions(texts)
    except PharosError as exc:
        raise ValueError(str(exc)) from exc
    return texts


Conditions = Annotated[
    tuple[Annotated[str, Field(max_length=2000)], ...],
    Field(min_length=1, max_length=50),
    AfterValidator(_conditions),
]


def _parts(text: str) -> dict[str, str]:
    return dict(part.partition("=")[::2] for part in text.split(";") if part)


def _joined(parts: Mapping[str, str]) -> str:
    return ";".join(f"{name}={value}" for name, value in parts.items())


def _rule(text: str) -> str:
    """Return the rule as it is kept: upper case, without its name."""
    text = text.strip().upper().removeprefix("RRULE:")
    parts = _parts(text)
    if text and (not set(parts) <= _PARTS or parts.get("FREQ") not in _FREQUENCIES):
        raise ValueError(f"a rule such as FREQ=WEEKLY;BYDAY=SA,SU, of {', '.join(sorted(_PARTS))}")
    interval = parts.get("INTERVAL", "1")
    if not interval.isdecimal() or not 1 <= int(interval[:9]) <= _INTERVAL_MOST:
        raise ValueError(f"INTERVAL is 1 to {_INTERVAL_MOST}")
    if not _COUNT.fullmatch(parts.get("COUNT", "1")):
        raise ValueError("COUNT is a number from 1 on")
    if not _UNTIL.fullmatch(parts.get("UNTIL", "20000101")):
        raise ValueError("UNTIL is a time on the wall clock such as 20271231T235959, without Z")
    return _joined(parts)


class Window(Part):
    """A window as it is defined."""

    starts: WallTime
    """On the wall clock; the first time, where it recurs."""
    ends: WallTime
    zone: Zone = "UTC"
    repeats: Annotated[str, Field(max_length=_RULE_MOST), AfterValidator(_rule)] = ""
    """An RRULE; empty for once."""
    without: Annotated[tuple[date, ...], Field(max_length=1000)] = ()
    """Days on which it does not begin."""
    matchers: Conditions
    """All of them hold for the alerts that are not paged for."""
    reason: Annotated[str, Field(min_length=1, max_length=2000)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not timedelta(0) < self.ends - self.starts <= LONGEST:
            raise ValueError(f"it ends after it starts, and at most {LONGEST.days} days later")
        if self.repeats and next(self._recurrence(self.starts + _LOOK_AHEAD), None) is None:
            raise ValueError("the rule never comes true within ten years")
        return self

    def _recurrence(self, until: datetime) -> Iterator[datetime]:
        """Yield when it begins, on the wall clock, up to a time."""
        if not self.repeats:
            yield self.starts
            return
        parts = _parts(self.repeats)
        # Both together are two ways of saying one thing, so the number is counted here.
        count, own = parts.pop("COUNT", ""), parts.pop("UNTIL", "")
        try:
            last = min(datetime.fromisoformat(own), until) if own else until
            rule = rrulestr(_joined(parts), dtstart=self.starts).replace(until=last)
            times = islice(rule, int(count) if count else None)
        except (ValueError, TypeError, KeyError, IndexError) as exc:
            raise ValueError(f"repeats: {exc}") from exc
        for begins in times:
            if begins.date() not in self.without:
                yield begins

    def from_the_first(self) -> Iterator[Occurrence]:
        """Yield when it is, in order, as long as clocks are known."""
        zone, length = zone_named(self.zone), self.ends - self.starts
        for begins in self._recurrence(_LAST):
            one = Occurrence(reached_ms(begins, zone), reached_ms(begins + length, zone))
            if one.start_ms < one.end_ms:
                yield one

    def occurrences(self, start_ms: int, end_ms: int) -> tuple[Occurrence, ...]:
        """Return when it is, as far as that touches [start, end), the first thousand, in order."""
        before = takewhile(lambda one: one.start_ms < end_ms, self.from_the_first())
        return tuple(islice((one for one in before if one.end_ms > start_ms), _OCCURRENCES_MOST))


class Occurrence(Struct, frozen=True):
    """One time that a window is, in milliseconds since the epoch, without the end."""

    start_ms: int
    end_ms: int


_NEVER: Final = Occurrence(1 << 62, 1 << 62)
"""After the last one."""


def read_window(document: Mapping[str, Any], name: str) -> Window:
    """Return a window read from JSON. Raises PharosError(INVALID) that names the first field at fault."""
    return read_part(Window, document, f"maintenance window {name!r}")


class Maintained(Struct, frozen=True):
    """That it is a window's time, and until when."""

    name: str
    reason: str
    until_ms: int


class _Track:
    """One window, followed through time: what was and what is far ahead is not computed again and again."""

    def __init__(self, name: str, window: Window) -> None:
        self.name = name
        self.window = window
        self.matchers = read_conditions(window.matchers)
        self._since_ms = 0
        self._rest: Iterator[Occurrence] = iter(())
        self._near: list[Occurrence] = []

    def near(self, now_ms: int) -> Sequence[Occurrence]:
        """Return when it is within the next day."""
        if not self._near or now_ms < self._since_ms:
            self._rest, self._near = self.window.from_the_first(), []
        self._since_ms = now_ms
        self._near = [one for one in self._near if one.end_ms > now_ms]
        while not self._near or self._near[-1].start_ms <= now_ms + _HORIZON_MS:
            following = next(self._rest, None)
            if following is None:
                self._near.append(_NEVER)
            elif following.end_ms > now_ms:
                self._near.append(following)
        return [one for one in self._near if one.start_ms <= now_ms + _HORIZON_MS]


class _Open(Struct, frozen=True):
    track: _Track
    until_ms: int


class Windows:
    """A tenant's windows, of which the open ones are known for as long as they do not change."""

    def __init__(self, windows: Mapping[str, Window]) -> None:
        self._tracks = [_Track(name, window) for name, window in windows.items()]
        self._open: tuple[_Open, ...] = ()
        self._since_ms, self._until_ms = 0, -1

    def over(self, labels: Mapping[str, str], now_ms: int) -> Maintained | None:
        """Return the window whose time it is for an alert with these labels, the one that ends last; None
        for none.
        """
        if not self._since_ms <= now_ms < self._until_ms:
            self.look(now_ms)
        found = [one for one in self._open if matches_all(one.track.matchers, labels)]
        if not found:
            return None
        last = max(found, key=lambda one: one.until_ms)
        return Maintained(last.track.name, last.track.window.reason, last.until_ms)

    def look(self, now_ms: int) -> None:
        """Know which windows are open at a time; the first look takes long where they began long ago."""
        changes = [now_ms + _HORIZON_MS]
        opened = []
        for track in self._tracks:
            for one in track.near(now_ms):
                changes += [at for at in (one.start_ms, one.end_ms) if at > now_ms]
                if one.start_ms <= now_ms:
                    opened.append(_Open(track, one.end_ms))
        self._open, self._since_ms, self._until_ms = tuple(opened), now_ms, min(changes)


def written_calendar(
    windows: Mapping[str, Window], of: str, start_ms: int, end_ms: int, now_ms: int
) -> bytes:
    """Return all times of windows within [start, end) as iCalendar; `of` is the same for ever for whose
    they are.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//Pharos//Maintenance//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", "Maintenance")
    for name, one, window in _all(windows, start_ms, end_ms):
        event = Event()
        # The same for what is the same, so that a calendar program knows it again.
        event.add("uid", f"{of}-{name.encode().hex()}-{one.start_ms}@pharos")
        event.add("dtstamp", _moment(now_ms))
        event.add("dtstart", _moment(one.start_ms))
        event.add("dtend", _moment(one.end_ms))
        event.add("summary", f"Maintenance: {name}")
        event.add("description", f"{window.reason}\n\n{', '.join(window.matchers)}")
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def _all(
    windows: Mapping[str, Window], start_ms: int, end_ms: int
) -> Iterable[tuple[str, Occurrence, Window]]:
    for name, window in windows.items():
        for one in window.occurrences(start_ms, end_ms):
            yield name, one, window


def _moment(at_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=at_ms)
