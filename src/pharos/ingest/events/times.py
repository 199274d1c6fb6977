"""Times as log lines carry them, read to nanoseconds since the epoch."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_S: Final = 86_400
_SECOND_NS: Final = 1_000_000_000
_TIME_MAX_NS: Final = (1 << 63) - 1
_ISO: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?)?\s*"
    r"(?:([Zz]|UTC|GMT)|([+-]\d\d):?(\d\d)?)?\Z",
    re.ASCII,
)
_SECOND_LENGTH: Final = 19
_LONGEST: Final = 30
_LEAP_SECOND: Final = "60"
_NUMBER: Final = re.compile(r"(\d{1,19})(?:\.(\d{1,9})\d*)?\Z", re.ASCII)
_SECONDS_BELOW: Final = 100_000_000_000
_MS_BELOW: Final = 100_000_000_000_000
_US_BELOW: Final = 100_000_000_000_000_000


def time_ns_of_text(text: str) -> int | None:
    """Return the nanoseconds of a date and time as ISO 8601 has it; without an offset it is UTC.

    None for anything else, and before 1970 or beyond what 64 bits hold.
    """
    if text[-1:] == "Z" and _SECOND_LENGTH < len(text) <= _LONGEST:
        # Lines come many to a second.
        whole = _whole_second_ns(text[:_SECOND_LENGTH])
        fraction = text[_SECOND_LENGTH + 1 : -1]
        if whole is not None and len(text) == _SECOND_LENGTH + 1:
            return whole
        if whole is not None and text[_SECOND_LENGTH] == "." and fraction.isascii() and fraction.isdecimal():
            return whole + int(fraction.ljust(9, "0"))
    return _slow_time_ns(text)


@lru_cache(1024)
def _whole_second_ns(text: str) -> int | None:
    return _slow_time_ns(text) if len(text) == _SECOND_LENGTH and text[10] == "T" else None


def _slow_time_ns(text: str) -> int | None:
    found = _ISO.match(text)
    if found is None:
        return None
    day, minute, second, fraction, zone, hours, minutes = found.groups()
    # Midnight with a leap second is the second after it.
    leap = second == _LEAP_SECOND
    offset = "+00:00" if zone or not hours else f"{hours}:{minutes or '00'}"
    try:
        at = datetime.fromisoformat(f"{day}T{minute or '00:00'}:{'59' if leap else second or '00'}{offset}")
    except ValueError:
        return None
    since = at - _EPOCH
    ns = (since.days * _DAY_S + since.seconds + leap) * _SECOND_NS + int((fraction or "").ljust(9, "0"))
    return ns if 0 <= ns <= _TIME_MAX_NS else None


def time_ns_of_number(value: float) -> int | None:
    """Return the nanoseconds of an epoch time in seconds, ms, us or ns, told apart by its size.

    So a number is a time between 1973 and the year 5138 in each unit. None for negative ones, infinities and
    numbers that are none.
    """
    if not 0 <= value <= _TIME_MAX_NS:
        return None
    if value < _SECONDS_BELOW:
        factor = _SECOND_NS
    elif value < _MS_BELOW:
        factor = 1_000_000
    elif value < _US_BELOW:
        factor = 1_000
    else:
        factor = 1
    if isinstance(value, int):
        ns = value * factor
    else:
        whole = int(value)
        # A double has no digits beyond the microsecond at these sizes: rounded, not cut.
        ns = whole * factor + (round((value - whole) * 1_000_000) * factor) // 1_000_000
    return ns if ns <= _TIME_MAX_NS else None


def time_ns_of_digits(text: str) -> int | None:
    """Return the nanoseconds of an epoch time that stands as digits in a text; None for another text."""
    found = _NUMBER.match(text)
    if found is None:
        return None
    whole, fraction = found.groups()
    if fraction is None:
        return time_ns_of_number(int(whole))
    ns = time_ns_of_number(int(whole))
    unit = 0 if ns is None or int(whole) == 0 else ns // int(whole)
    return None if ns is None else ns + int(fraction.ljust(9, "0")) * unit // _SECOND_NS
