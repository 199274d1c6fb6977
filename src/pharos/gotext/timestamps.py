"""Times as Prometheus' API and its tools read and write them: Unix seconds, or RFC 3339."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Final

from pharos.errors import Kind, PharosError
from pharos.gotext.numbers import parse_float
from pharos.gotext.quoting import quote

_TIME_MAX_MS: Final = 1 << 53
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LEAST_WRITTEN_MS: Final = -62_135_596_800_000
_MOST_WRITTEN_MS: Final = 253_402_300_799_999
MIN_TIME_MS: Final = -(1 << 46)
MAX_TIME_MS: Final = 1 << 46
"""The bounds of an optional range that is not given: over two thousand years each way."""
_BOUNDARIES: Final = {
    "-292273086-05-16T16:47:06Z": MIN_TIME_MS,
    "292277025-08-18T07:12:54.999999999Z": MAX_TIME_MS,
}
"""What clients of upstream's library send for "always" (upstream api minTimeFormatted)."""
_RFC3339: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)\Z", re.ASCII)


def parse_time_ms(text: str) -> int:
    """Return the milliseconds of a Unix time in seconds or of an RFC 3339 time (upstream api parseTime).

    Raises PharosError(INVALID), also for numbers that are no time.
    """
    cannot = PharosError(Kind.INVALID, f"cannot parse {quote(text)} to a valid timestamp")
    seconds = _seconds(text)
    if seconds is not None:
        if not math.isfinite(seconds) or abs(seconds) * 1000 > _TIME_MAX_MS:
            raise cannot
        fraction, whole = math.modf(seconds)
        # Half a millisecond goes away from zero, as in Go's math.Round.
        parts = math.copysign(math.floor(abs(fraction) * 1000 + 0.5), fraction)
        return min(max(int(whole) * 1000 + int(parts), MIN_TIME_MS), MAX_TIME_MS)
    if text in _BOUNDARIES:
        return _BOUNDARIES[text]
    return parse_rfc3339_ns(text) // 1_000_000


def parse_rfc3339_ns(text: str) -> int:
    """Return the nanoseconds of an RFC 3339 time. Raises PharosError(INVALID)."""
    cannot = PharosError(Kind.INVALID, f"cannot parse {quote(text)} to a valid timestamp")
    found = _RFC3339.match(text)
    if found is None:
        raise cannot
    moment, fraction_digits, zone = found.groups()
    try:
        at = datetime.fromisoformat(moment + ("+00:00" if zone == "Z" else zone))
    except ValueError as exc:
        raise cannot from exc
    since: timedelta = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 10**9 + int((fraction_digits or "").ljust(9, "0"))


def format_time_ms(time_ms: int) -> str:
    """Return a time as RFC 3339 has it, in UTC with milliseconds; beyond the years 1 to 9999, the nearest."""
    at = _EPOCH + timedelta(milliseconds=max(_LEAST_WRITTEN_MS, min(time_ms, _MOST_WRITTEN_MS)))
    return f"{at.year:04d}-{at:%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def _seconds(text: str) -> float | None:
    try:
        return parse_float(text)
    except PharosError:
        return None
