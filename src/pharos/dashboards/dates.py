"""Instants as texts, by the letters of Moment, which Grafana's formats are written in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Final

_WHOLE: Final = re.compile(r"-?\d+")
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def date_form(said: str, arguments: Sequence[str], zone: tzinfo) -> str:
    """Return an instant in milliseconds as asked for: `iso`, `seconds`, `ms`, or by Moment's letters."""
    found = _WHOLE.match(said)
    if found is None:
        return "NaN"
    how = ":".join(arguments) or "iso"
    if how == "ms":
        return said
    at_ms = int(found[0][:16])
    if how == "seconds":
        return str((at_ms + 500) // 1000)
    try:
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
        if how == "iso":
            return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return moment_form(at.astimezone(zone), how)
    except (ValueError, OverflowError, OSError):
        return "Invalid date"


_MOMENT: Final[Mapping[str, Callable[[datetime], str]]] = {
    "YYYY": lambda at: f"{at.year:04}",
    "YY": lambda at: f"{at.year % 100:02}",
    "MMMM": lambda at: _MONTHS[at.month - 1],
    "MMM": lambda at: _MONTHS[at.month - 1][:3],
    "MM": lambda at: f"{at.month:02}",
    "M": lambda at: str(at.month),
    "DDDD": lambda at: f"{at.timetuple().tm_yday:03}",
    "DDD": lambda at: str(at.timetuple().tm_yday),
    "DD": lambda at: f"{at.day:02}",
    "D": lambda at: str(at.day),
    "dddd": lambda at: _DAYS[at.weekday()],
    "ddd": lambda at: _DAYS[at.weekday()][:3],
    "E": lambda at: str(at.isoweekday()),
    "Q": lambda at: str((at.month + 2) // 3),
    "WW": lambda at: f"{at.isocalendar().week:02}",
    "W": lambda at: str(at.isocalendar().week),
    "GGGG": lambda at: f"{at.isocalendar().year:04}",
    "HH": lambda at: f"{at.hour:02}",
    "H": lambda at: str(at.hour),
    "hh": lambda at: f"{at.hour % 12 or 12:02}",
    "h": lambda at: str(at.hour % 12 or 12),
    "mm": lambda at: f"{at.minute:02}",
    "m": lambda at: str(at.minute),
    "ss": lambda at: f"{at.second:02}",
    "s": lambda at: str(at.second),
    "SSS": lambda at: f"{at.microsecond // 1000:03}",
    "A": lambda at: "AM" if at.hour < 12 else "PM",
    "a": lambda at: "am" if at.hour < 12 else "pm",
    "ZZ": lambda at: at.strftime("%z"),
    "Z": lambda at: at.strftime("%z")[:3] + ":" + at.strftime("%z")[3:5],
    "X": lambda at: str(int(at.timestamp())),
    "x": lambda at: str(round(at.timestamp() * 1000)),
}
_MOMENT_PARTS: Final = re.compile(
    r"\[([^\]]*)\]|" + "|".join(sorted(_MOMENT, key=lambda one: (-len(one), one)))
)


def moment_form(at: datetime, how: str) -> str:
    """Return an instant by Moment's letters; what stands in brackets stands as it is."""
    return _MOMENT_PARTS.sub(lambda found: found[1] if found[1] is not None else _MOMENT[found[0]](at), how)
