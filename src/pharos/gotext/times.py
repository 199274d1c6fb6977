"""Points in time as Go's package time writes and reads them by a layout such as `2006-01-02 15:04:05 MST`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from pharos.errors import Kind, PharosError
from pharos.gotext.quoting import quote

DEFAULT_LAYOUT: Final = "2006-01-02 15:04:05.999999999 -0700 MST"
"""What a time looks like that is printed without a layout."""
RFC3339: Final = "2006-01-02T15:04:05Z07:00"
_RFC3339_NANO: Final = "2006-01-02T15:04:05.999999999Z07:00"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HALF_A_DAY: Final = 12
_FRACTION: Final = re.compile(r"[.,](?:0+|9+)(?![0-9])")
_SECOND_NS: Final = 1_000_000_000
_ELEMENT: Final = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|2006|__2|_2(?!006)|002|0[1-6]|15|1|2|3|4|5|PM|pm"
    r"|[-Z]07(?::00:00|0000|:00|00)?|[.,](?:0+|9+)(?![0-9])"
)
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
WEEKDAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTHS: Final = ("", *_MONTHS)


class Moment(Struct, frozen=True):
    """A point in time: nanoseconds since the epoch, and the zone in which it is written."""

    ns: int
    zone: tzinfo = UTC

    def local(self) -> datetime:
        """Return it in its zone, cut to whole seconds. Raises PharosError(INVALID) beyond years 1 to 9999."""
        try:
            return (_EPOCH + timedelta(seconds=self.ns // _SECOND_NS)).astimezone(self.zone)
        except OverflowError:
            raise PharosError(
                Kind.INVALID, f"{self.ns} ns since the epoch is outside of the years 1 to 9999"
            ) from None

    @property
    def offset_s(self) -> int:
        """How many seconds its zone is ahead of UTC."""
        return int((self.local().utcoffset() or timedelta()).total_seconds())

    @property
    def nanosecond(self) -> int:
        """What is left over the second."""
        return self.ns % _SECOND_NS


ZERO: Final = Moment(-62_135_596_800 * _SECOND_NS)
"""The start of year 1, which stands for no time at all."""


def from_datetime(at: datetime, nanosecond: int = 0) -> Moment:
    """Return the moment of an aware `at`, cut to its second, with that many nanoseconds."""
    passed = at - _EPOCH
    return Moment((passed.days * 86_400 + passed.seconds) * _SECOND_NS + nanosecond, at.tzinfo or UTC)


def load_zone(name: str) -> tzinfo:
    """Return a zone by its name, as time.LoadLocation does. Raises PharosError(INVALID)."""
    if name in {"", "UTC"}:
        return UTC
    if name == "Local":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PharosError(Kind.INVALID, f"unknown time zone {name}") from None


def format_time(layout: str, moment: Moment) -> str:
    """Return `moment` as `layout` shows it, which writes the second of January 2006, 15:04:05 -0700.

    Raises PharosError(INVALID) for years that cannot be written.
    """
    at = moment.local()

    def element(match: re.Match[str]) -> str:
        text = match[0]
        writer = _WRITERS.get(text)
        if writer is not None:
            return writer(at)
        if text[0] in ".,":
            return _fraction(text, moment.nanosecond)
        return _zone(text, at)

    return _ELEMENT.sub(element, layout)


def _fraction(text: str, nanosecond: int) -> str:
    """Return the fraction of a second in as many digits as `text` has; nines leave trailing zeros out."""
    digits = f"{nanosecond:09d}"[: len(text) - 1].ljust(len(text) - 1, "0")
    if text[1] == "9":
        digits = digits.rstrip("0")
        return text[0] + digits if digits else ""
    return text[0] + digits


def _offset_s(at: datetime) -> int:
    return int((at.utcoffset() or timedelta()).total_seconds())


def _zone(text: str, at: datetime) -> str:
    offset = _offset_s(at)
    if text[0] == "Z" and offset == 0:
        return "Z"
    sign, seconds = ("-", -offset) if offset < 0 else ("+", offset)
    hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
    colon = ":" if ":" in text else ""
    parts = [f"{hours:02d}"]
    if len(text) > 3:
        parts.append(f"{minutes:02d}")
    if len(text) > 6:
        parts.append(f"{rest:02d}")
    return sign + colon.join(parts)


def _zone_name(at: datetime) -> str:
    name = at.tzname() or ""
    if not name or name.startswith(("UTC+", "UTC-", "+", "-")):
        return _zone("-0700" if _offset_s(at) % 3600 or isinstance(at.tzinfo, timezone) else "-07", at)
    return name


_WRITERS: Final[dict[str, Callable[[datetime], str]]] = {
    "January": lambda at: _MONTHS[at.month - 1],
    "Jan": lambda at: _MONTHS[at.month - 1][:3],
    "Monday": lambda at: WEEKDAYS[at.isoweekday() % 7],
    "Mon": lambda at: WEEKDAYS[at.isoweekday() % 7][:3],
    "MST": _zone_name,
    "2006": lambda at: f"{at.year:04d}",
    "06": lambda at: f"{at.year % 100:02d}",
    "01": lambda at: f"{at.month:02d}",
    "1": lambda at: str(at.month),
    "02": lambda at: f"{at.day:02d}",
    "2": lambda at: str(at.day),
    "_2": lambda at: f"{at.day:2d}",
    "002": lambda at: f"{at.timetuple().tm_yday:03d}",
    "__2": lambda at: f"{at.timetuple().tm_yday:3d}",
    "15": lambda at: f"{at.hour:02d}",
    "03": lambda at: f"{at.hour % 12 or 12:02d}",
    "3": lambda at: str(at.hour % 12 or 12),
    "04": lambda at: f"{at.minute:02d}",
    "4": lambda at: str(at.minute),
    "05": lambda at: f"{at.second:02d}",
    "5": lambda at: str(at.second),
    "PM": lambda at: "PM" if at.hour >= 12 else "AM",
    "pm": lambda at: "pm" if at.hour >= 12 else "am",
}


_READERS: Final[dict[str, str]] = {
    "January": r"(?P<long_month>[A-Za-z]+)",
    "Jan": r"(?P<short_month>[A-Za-z]{3})",
    "Monday": rf"(?i:{'|'.join(WEEKDAYS)})",
    "Mon": rf"(?i:{'|'.join(name[:3] for name in WEEKDAYS)})",
    "MST": r"(?P<name>[A-Z]{3,5}|[+-][0-9]{2,4})",
    "2006": r"(?P<year>[0-9]{4})",
    "06": r"(?P<short_year>[0-9]{2})",
    "01": r"(?P<month>[0-9]{2})",
    "1": r"(?P<month>[0-9]{1,2})",
    "02": r"(?P<day>[0-9]{2})",
    "2": r"(?P<day>[0-9]{1,2})",
    "_2": r" ?(?P<day>[0-9]{1,2})",
    "002": r"(?P<day_of_year>[0-9]{3})",
    "__2": r" {0,2}(?P<day_of_year>[0-9]{1,3})",
    "15": r"(?P<hour>[0-9]{1,2})",
    "03": r"(?P<hour12>[0-9]{2})",
    "3": r"(?P<hour12>[0-9]{1,2})",
    "04": r"(?P<minute>[0-9]{2})",
    "4": r"(?P<minute>[0-9]{1,2})",
    "05": r"(?P<second>[0-9]{2})",
    "5": r"(?P<second>[0-9]{1,2})",
    "PM": r"(?P<half>AM|PM)",
    "pm": r"(?P<half>am|pm)",
}
_OFFSETS: Final = {
    "07": r"[+-][0-9]{2}",
    "0700": r"[+-][0-9]{4}",
    "07:00": r"[+-][0-9]{2}:[0-9]{2}",
    "070000": r"[+-][0-9]{6}",
    "07:00:00": r"[+-][0-9]{2}:[0-9]{2}:[0-9]{2}",
}


def parse_time(layout: str, text: str) -> Moment:
    """Return the moment that `text` writes in `layout`, in UTC where it names no zone, as time.Parse does.

    Raises PharosError(INVALID).
    """
    fault = PharosError(
        Kind.INVALID,
        f"parsing time {quote(text)} as {quote(layout)}: cannot parse {quote(text)} as {quote(layout)}",
    )
    try:
        found = re.compile(_pattern(layout)).fullmatch(text)
    except re.error:  # an element that stands twice
        raise PharosError(Kind.INVALID, f"layout {quote(layout)} names a part of the time twice") from None
    if found is None:
        raise fault
    parts = {name: value for name, value in found.groupdict().items() if value is not None}
    try:
        return _assembled(parts)
    except (ValueError, OverflowError, KeyError):
        raise PharosError(Kind.INVALID, f"parsing time {quote(text)}: day or time out of range") from None


def parse_rfc3339(text: str) -> Moment:
    """Return the moment that RFC 3339 writes, with its fraction of a second. Raises PharosError(INVALID)."""
    return parse_time(RFC3339, text)


def format_rfc3339(moment: Moment) -> str:
    """Return `moment` as RFC 3339 writes it, with as much of a fraction as it has; so does Go in JSON."""
    return format_time(_RFC3339_NANO, moment)


def _pattern(layout: str) -> str:
    pieces, at = [], 0
    for match in _ELEMENT.finditer(layout):
        pieces.append(re.escape(layout[at : match.start()]))
        text = match[0]
        if text in _READERS:
            pieces.append(_READERS[text])
            if text in {"05", "5"} and not _FRACTION.match(layout, match.end()):
                # seconds may have a fraction that the layout does not speak of
                pieces.append(r"(?P<fraction>[.,][0-9]+)?")
        elif text[0] in ".,":
            digits = f"{{{len(text) - 1}}}" if text[1] == "0" else "+"
            pieces.append(rf"(?P<fraction>[.,][0-9]{digits}){'' if text[1] == '0' else '?'}")
        else:
            offset = _OFFSETS[text[1:]]
            pieces.append(f"(?P<offset>{offset})" if text[0] == "-" else f"(?P<offset>Z|{offset})")
        at = match.end()
    return "".join(pieces) + re.escape(layout[at:])


def _assembled(parts: dict[str, str]) -> Moment:
    month = int(parts.get("month", "1"))
    for name, width in (("long_month", None), ("short_month", 3)):
        if name in parts:
            month = [one[:width].lower() for one in _MONTHS].index(parts[name].lower()) + 1
    hour = int(parts.get("hour", parts.get("hour12", "0")))
    if "hour12" in parts and hour > _HALF_A_DAY:
        raise ValueError(hour)
    if "half" in parts:
        hour = hour % 12 + (12 if parts["half"].lower() == "pm" else 0)
    year = int(parts.get("year", "0") or 0)
    if "short_year" in parts:
        short = int(parts["short_year"])
        year = short + (1900 if short >= 69 else 2000)
    at = datetime(
        year or 1,
        month,
        int(parts.get("day", "1")),
        hour,
        int(parts.get("minute", "0")),
        int(parts.get("second", "0")),
        tzinfo=_read_zone(parts),
    )
    if "day_of_year" in parts:
        first = at.replace(month=1, day=1)
        at = first + timedelta(days=int(parts["day_of_year"]) - 1)
        if at.year != first.year:
            raise ValueError(parts["day_of_year"])
    fraction = parts.get("fraction", ".0")[1:]
    return from_datetime(at, int(fraction[:9].ljust(9, "0")))


def _read_zone(parts: dict[str, str]) -> tzinfo:
    text = parts.get("offset", "Z")
    if text == "Z":
        name = parts.get("name", "UTC")
        # a name alone tells no offset
        return UTC if name == "UTC" or not name.isalpha() else timezone(timedelta(0), name)
    digits = text[1:].replace(":", "").ljust(6, "0")
    seconds = int(digits[:2]) * 3600 + int(digits[2:4]) * 60 + int(digits[4:])
    return UTC if seconds == 0 else timezone(timedelta(seconds=-seconds if text[0] == "-" else seconds))
