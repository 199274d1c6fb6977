"""Times as dashboards write them, and the steps of their panels.

`now-1h/d` and the like are Grafana's (`datetime/datemath.ts`); intervals are rounded as its
`rangeutil.roundInterval` and `prometheus/querydata` do.
"""

from __future__ import annotations

import calendar
import re
import zoneinfo
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

from msgspec import Struct

from pharos.errors import Kind, PharosError
from pharos.gotext.durations import parse_duration
from pharos.gotext.times import parse_rfc3339

SCRAPE_MS: Final = 15_000
"""How often samples are taken to come where nothing else is said, as in Grafana."""
_MOST_POINTS: Final = 11_000
_PART: Final = re.compile(r"([+-])(\d{0,9})([smhdwMyQ]|ms|fQ|fy)|/(f?[smhdwMyQ]|fy|fQ)")
_LENGTHS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_MONTHS: Final = {"M": 1, "Q": 3, "y": 12}
_ROUNDED: Final = (
    (10, 1),
    (15, 10),
    (35, 20),
    (75, 50),
    (150, 100),
    (350, 200),
    (750, 500),
    (1_500, 1_000),
    (3_500, 2_000),
    (7_500, 5_000),
    (12_500, 10_000),
    (17_500, 15_000),
    (25_000, 20_000),
    (45_000, 30_000),
    (90_000, 60_000),
    (210_000, 120_000),
    (450_000, 300_000),
    (750_000, 600_000),
    (1_050_000, 900_000),
    (1_500_000, 1_200_000),
    (2_700_000, 1_800_000),
    (5_400_000, 3_600_000),
    (9_000_000, 7_200_000),
    (16_200_000, 10_800_000),
    (32_400_000, 21_600_000),
    (86_400_000, 43_200_000),
    (604_800_000, 86_400_000),
    (1_814_400_000, 604_800_000),
    (3_628_800_000, 2_592_000_000),
)
_YEAR_MS: Final = 31_536_000_000
_DIGITS: Final = re.compile(r"-?\d{1,18}")
_LATEST_MS: Final = 253_402_300_799_000


class Span(Struct, frozen=True):
    """A range of times in milliseconds, both ends in it."""

    start_ms: int
    end_ms: int

    @property
    def length_ms(self) -> int:
        """How long it is."""
        return self.end_ms - self.start_ms


def zone_of(name: str) -> tzinfo:
    """Return a time zone by its IANA name; UTC for a browser's, or one that is not known."""
    if not name or name.lower() in {"browser", "utc"}:
        return UTC
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def parse_time(found: Any, now_ms: int, zone: tzinfo, *, is_end: bool, name: str = "time") -> int:
    """Return a time in milliseconds: a number of them, `now-1h/d`, or RFC 3339. Raises PharosError(INVALID).

    The end of a range is rounded up to the end of its unit.
    """
    if isinstance(found, int) and not isinstance(found, bool):
        return _bounded(found, name)
    said = found.strip() if isinstance(found, str) else ""
    if _DIGITS.fullmatch(said):
        return _bounded(int(said), name)
    if said.startswith("now"):
        return _relative(said, now_ms, zone, is_end=is_end, name=name)
    try:
        return _bounded(parse_rfc3339(said.replace(" ", "T")).ns // 1_000_000, name)
    except PharosError as exc:
        raise _no_time(said or str(found), name) from exc


def _no_time(said: str, name: str) -> PharosError:
    return PharosError(
        Kind.INVALID,
        f"{name}: {said[:80]!r} is no time",
        hint="milliseconds since 1970, RFC 3339, or such as now-6h, now/d",
    )


def _bounded(ms: int, name: str) -> int:
    if not 0 <= ms <= _LATEST_MS:
        raise PharosError(Kind.INVALID, f"{name}: {ms} is not a time in milliseconds")
    return ms


def _relative(said: str, now_ms: int, zone: tzinfo, *, is_end: bool, name: str) -> int:
    at, place = datetime.fromtimestamp(now_ms / 1000, zone), len("now")
    while place < len(said):
        part = _PART.match(said, place)
        if part is None:
            raise _no_time(said, name)
        place = part.end()
        try:
            at = _rounded(at, part[4], up=is_end) if part[4] else _moved(at, part)
        except (ValueError, OverflowError) as exc:
            raise _no_time(said, name) from exc
    return _bounded(round(at.timestamp() * 1000), name)


def _moved(at: datetime, part: re.Match[str]) -> datetime:
    unit = part[3].removeprefix("f")
    count = int(part[2] or 1) * (-1 if part[1] == "-" else 1)
    if unit == "ms":
        return at + timedelta(milliseconds=count)
    if unit in _MONTHS:
        return _months_on(at, _MONTHS[unit] * count)
    length = timedelta(**{_LENGTHS[unit]: count})
    if unit in {"s", "m", "h"}:
        # Through UTC: an hour is an hour, whatever a clock that is set does.
        return (at.astimezone(UTC) + length).astimezone(at.tzinfo)
    return at + length


def _months_on(at: datetime, count: int) -> datetime:
    """Return the same day of another month, or its last one where it is shorter."""
    year, month = divmod(at.year * 12 + at.month - 1 + count, 12)
    return at.replace(year=year, month=month + 1, day=min(at.day, calendar.monthrange(year, month + 1)[1]))


_COARSER: Final = {"s": 0, "m": 1, "h": 2, "d": 3, "w": 3, "M": 3, "Q": 3, "y": 3}


def _rounded(at: datetime, unit: str, *, up: bool) -> datetime:
    """Return where the second, minute, ... that a time lies in begins, or its last millisecond."""
    unit = unit.removeprefix("f")
    fields = ("second", "minute", "hour")[: _COARSER[unit]]
    start = at.replace(microsecond=0, **dict.fromkeys(fields, 0))  # type: ignore[arg-type]  # by name
    if unit == "w":
        start -= timedelta(days=start.weekday())
    elif unit in _MONTHS:
        months = _MONTHS[unit]
        start = start.replace(day=1, month=(start.month - 1) // months * months + 1)
    if not up:
        return start
    end = _months_on(start, _MONTHS[unit]) if unit in _MONTHS else start + timedelta(**{_LENGTHS[unit]: 1})
    return end - timedelta(milliseconds=1)


def round_interval(ms: float) -> int:
    """Return a length of time in milliseconds as Grafana rounds steps."""
    for below, rounded in _ROUNDED:
        if ms < below:
            return rounded
    return _YEAR_MS


def parse_interval(said: str, default_ms: int = 0) -> int:
    """Return a least interval such as `15s` or `>1m` in milliseconds; the default for what is none."""
    said = said.strip().removeprefix(">")
    if not said:
        return default_ms
    if said.isdigit():
        return int(said[:9]) * 1000
    try:
        return max(parse_duration(said), 1)
    except PharosError:
        return default_ms


class Steps(Struct, frozen=True):
    """How a target is asked over a range."""

    interval_ms: int
    """`$__interval`: what the panel's width gives."""
    step_ms: int
    rate_ms: int
    """`$__rate_interval`: four samples at least."""


def steps_of(span: Span, points: int, panel_least: str, target_least: str = "", factor: int = 1) -> Steps:
    """Return the steps of a target whose panel draws so many points.

    The least intervals are what panel and target ask for: text as they have it, or nothing.
    """
    scrape = parse_interval(panel_least, SCRAPE_MS)
    least = parse_interval(target_least, scrape) if not target_least.startswith(("$", "[[")) else scrape
    interval = max(round_interval(span.length_ms / max(points, 1)), scrape)
    step = max(interval, least)
    safe = -(-span.length_ms // _MOST_POINTS)
    if step < safe:
        step = -(-safe // 1000) * 1000 or 1000
    rate = max(step + scrape, 4 * (least if target_least else scrape))
    if target_least in {"$__rate_interval", "${__rate_interval}"}:
        step = rate
    return Steps(interval, max(step * max(factor, 1), 1), rate)


def written_ms(ms: int) -> str:
    """Return a length of time as queries write it: in the largest unit that it is a whole number of."""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)):
        if ms >= size and ms % size == 0:
            return f"{ms // size}{unit}"
    return f"{ms}ms"
