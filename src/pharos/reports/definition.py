"""What people say of a report, and when it is due."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct, field

from pharos.errors import Kind, PharosError

EVERY: Final = ("day", "week", "month")
_TEXT_MOST: Final = 200
_VARIABLES_MOST: Final = 50
_DAYS: Final = 7


class Report(Struct, frozen=True):
    """A dashboard that is mailed now and then."""

    uid: str
    """Of the dashboard."""
    receiver: str
    """Of the tenant's alerting, with e-mail among its ways."""
    every: str
    """`day`, `week` (at `weekday`) or `month` (at its first day)."""
    hour: int
    minute: int = 0
    weekday: int = 0
    """0 is Monday."""
    zone: str = "UTC"
    start: str = "now-24h"
    """What the dashboard shows, as the range picker has it."""
    end: str = "now"
    theme: str = "light"
    variables: Mapping[str, Any] = field(default_factory=dict)
    paused: bool = False
    """It is sent only by who asks for it at once."""

    def document(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return {
            "uid": self.uid,
            "receiver": self.receiver,
            "every": self.every,
            "hour": self.hour,
            "minute": self.minute,
            "weekday": self.weekday,
            "zone": self.zone,
            "start": self.start,
            "end": self.end,
            "theme": self.theme,
            "variables": dict(self.variables),
            "paused": self.paused,
        }


def report_of(document: Mapping[str, Any]) -> Report:
    """Return a report that somebody wrote. Raises PharosError(INVALID) that names the field at fault."""
    report = Report(
        uid=_text(document, "uid"),
        receiver=_text(document, "receiver"),
        every=_text(document, "every"),
        hour=_number(document, "hour", 23),
        minute=_number(document, "minute", 59, 0),
        weekday=_number(document, "weekday", _DAYS - 1, 0),
        zone=_text(document, "zone", "UTC"),
        start=_text(document, "start", "now-24h"),
        end=_text(document, "end", "now"),
        theme=_text(document, "theme", "light"),
        variables=_variables(document.get("variables", {})),
        paused=document.get("paused", False) is True,
    )
    if report.every not in EVERY:
        raise _invalid(f"every {report.every!r} is not one of {', '.join(EVERY)}")
    if report.theme not in {"dark", "light"}:
        raise _invalid(f"theme {report.theme!r} is not one of dark, light")
    _zone(report.zone)
    return report


def due_ms(report: Report, now_ms: int) -> int:
    """Return the newest moment up to now at which a report was to be sent.

    A time of day that a change to summer leaves out is the moment of that change.
    """
    zone = _zone(report.zone)
    now = datetime.fromtimestamp(now_ms / 1000, zone)
    day = now.replace(hour=report.hour, minute=report.minute, second=0, microsecond=0, fold=0)
    if report.every == "week":
        day -= timedelta(days=(day.weekday() - report.weekday) % _DAYS)
    if report.every == "month":
        day = day.replace(day=1)
    if _ms(day) > now_ms:
        if report.every == "month":
            day = (day - timedelta(days=1)).replace(day=1)
        else:
            day -= timedelta(days=_DAYS if report.every == "week" else 1)
    return _ms(day)


def next_ms(report: Report, now_ms: int) -> int:
    """Return the next moment at which a report is to be sent."""
    zone = _zone(report.zone)
    last = datetime.fromtimestamp(due_ms(report, now_ms) / 1000, zone)
    last = last.replace(hour=report.hour, minute=report.minute)
    if report.every == "month":
        return _ms((last + timedelta(days=32)).replace(day=1))
    return _ms(last + timedelta(days=_DAYS if report.every == "week" else 1))


def _ms(at: datetime) -> int:
    # By way of UTC, which has no hour twice: arithmetic on local times counts the hours of the clock.
    return int(at.astimezone(UTC).timestamp()) * 1000


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise _invalid(f"there is no time zone {name!r}") from exc


def _text(document: Mapping[str, Any], name: str, default: str = "") -> str:
    found = document.get(name, default)
    if not isinstance(found, str) or not found.strip() or len(found) > _TEXT_MOST:
        raise _invalid(f"{name} must be a text of 1 to {_TEXT_MOST} characters")
    return found


def _number(document: Mapping[str, Any], name: str, most: int, default: int | None = None) -> int:
    found = document.get(name, default)
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= most:
        raise _invalid(f"{name} must be a whole number from 0 to {most}")
    return found


def _variables(found: Any) -> Mapping[str, Any]:
    if not isinstance(found, dict) or len(found) > _VARIABLES_MOST:
        raise _invalid(f"variables must be an object of at most {_VARIABLES_MOST} names")
    for name, value in found.items():
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(one, str) and len(one) <= _TEXT_MOST for one in values):
            raise _invalid(f"the variable {name[:40]!r} must be a text or a list of texts")
    return found


def _invalid(message: str) -> PharosError:
    return PharosError(Kind.INVALID, f"the report: {message}")
