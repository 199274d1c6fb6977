"""Rules by which an event of a calendar recurs, cut to the time that is asked for.

A rule is searched from its first day on, and one that never comes true for thousands of years. So an event
that began long ago is moved to where its rule is just as far, and every rule ends where nobody looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from math import lcm
from typing import Any, Final

from dateutil.rrule import rrulestr  # type: ignore[import-untyped]

_PARTS: Final = {
    "DAILY": frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY"}),
    "WEEKLY": frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY"}),
    "MONTHLY": frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYMONTHDAY", "BYSETPOS"}),
    "YEARLY": frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYMONTH", "BYMONTHDAY"}),
}
_NUMBERS: Final = {"INTERVAL": 1000, "COUNT": 1000}
_DAYS: Final = {"DAILY": 1, "WEEKLY": 7}
_LEAP_MONTHS: Final = 48
"""After so many, the 29th of February is there again."""
_ROOM: Final = timedelta(days=40)
"""An event is on its first day also where its rule has no place there: that day stays out of sight."""
_LAST: Final = datetime(2201, 1, 1)  # noqa: DTZ001 - a wall clock's; nobody asks for later ones


def require_rule(rule: Any, begins: date) -> None:
    """Raise ValueError that says what is wrong with the rule of an event, or what of it is not taken."""
    [frequency] = [str(one).upper() for one in rule.get("FREQ", [])] or [""]
    allowed = _PARTS.get(frequency)
    if allowed is None:
        raise ValueError(
            f"an event recurs {frequency or 'without FREQ'}, not DAILY, WEEKLY, MONTHLY or YEARLY"
        )
    strange = sorted({str(name).upper() for name in rule} - allowed)
    if strange:
        raise ValueError(f"an event recurs {frequency} by {strange[0]}, which is not taken")
    for name, most in _NUMBERS.items():
        for number in rule.get(name, []):
            if not 1 <= int(number) <= most:
                raise ValueError(f"an event recurs with {name}={number}, which must be from 1 to {most}")
    # Where one does, the end of the time that is asked for ends the search too.
    if not _comes_true(_endless(rule), _plain(begins)):
        raise ValueError(f"an event recurs by {_endless(rule)[:100]}, which never comes true")


def cut(event: Any, since: datetime, until: datetime) -> None:
    """Have an event recur near [since, until) alone, where it does as before."""
    rule = event.get("RRULE")
    if rule is None:
        return
    begins = event["DTSTART"].dt
    ends = min(_plain(until) + _ROOM, _last_of(rule, _plain(begins)))
    own = [one for one in rule.pop("UNTIL", []) if _plain(one) <= ends]
    rule.pop("COUNT", None)
    rule["UNTIL"] = own or [_as(ends, begins)]
    _advance(event, rule, begins, _plain(since) - _length(event, begins) - _ROOM)


def _plain(found: date) -> datetime:
    """Return what a wall clock shows, of a day its beginning."""
    return found.replace(tzinfo=None) if isinstance(found, datetime) else datetime.combine(found, time())


def _as(found: datetime, like: date) -> date:
    """Return a time of the wall clock as the end of a rule whose event begins so."""
    if not isinstance(like, datetime):
        return found.date()
    return found if like.tzinfo is None else found.replace(tzinfo=like.tzinfo).astimezone(UTC)


def _last_of(rule: Any, begins: datetime) -> datetime:
    """Return when a rule comes true last that says how often; what nobody asks for where it does not."""
    counts = rule.get("COUNT", [])
    return _counted(_endless(rule), begins, int(counts[0])) if counts else _LAST


def _endless(rule: Any) -> str:
    kept = {name: value for name, value in rule.items() if str(name).upper() not in {"COUNT", "UNTIL"}}
    return str(type(rule)(kept).to_ical().decode())


@lru_cache(maxsize=1024)
def _comes_true(rule: str, begins: datetime) -> bool:
    return next(iter(rrulestr(rule, dtstart=begins)), None) is not None


@lru_cache(maxsize=1024)
def _counted(rule: str, begins: datetime, count: int) -> datetime:
    times = rrulestr(rule, dtstart=begins).replace(until=_LAST)
    found = list(islice(times, count))
    return found[-1] if len(found) == count else _LAST


def _length(event: Any, begins: date) -> timedelta:
    if "DTEND" in event:
        return abs(_plain(event["DTEND"].dt) - _plain(begins)) + timedelta(days=1)
    return abs(event["DURATION"].dt) if "DURATION" in event else timedelta(days=1)


def _advance(event: Any, rule: Mapping[str, Any], begins: date, wanted: datetime) -> None:
    """Move an event on by as many whole steps of its rule as fit before a time."""
    interval = int((rule.get("INTERVAL") or [1])[0])
    frequency = str(rule["FREQ"][0]).upper()
    if frequency in _DAYS:
        step = timedelta(days=interval * _DAYS[frequency])
        by = max(0, (wanted - _plain(begins)) // step) * step
    else:
        years = lcm(interval * (12 if frequency == "YEARLY" else 1), _LEAP_MONTHS) // 12
        number = max(0, (wanted.year - 1 - begins.year) // years)
        by = _plain(begins).replace(year=begins.year + number * years) - _plain(begins)
    for name in ("DTSTART", "DTEND"):
        if by and name in event:
            event[name].dt += by
