"""Durations as Prometheus writes and reads them (common/model.Duration)."""

from __future__ import annotations

import re
from typing import Final

from pharos.errors import Kind, PharosError
from pharos.gotext.quoting import quote

_PART: Final = re.compile(r"([0-9]+)([^0-9]+)")
_UNITS_MS: Final = {
    "y": 365 * 86_400_000,
    "w": 7 * 86_400_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
_ORDER: Final = {unit: place for place, unit in enumerate(_UNITS_MS)}
_WHOLE_ONLY: Final = frozenset({"y", "w"})
"""These are written only where they divide all of what is left: 90d reads better than 12w6d."""
_MAX_NS: Final = 2**63 - 1
_MAX_DIGITS: Final = 19


def parse_duration(text: str) -> int:
    """Return a Prometheus duration such as `1h30m` in milliseconds; `0` is the only number without a unit.

    Units stand once each, from the largest down. Raises PharosError(INVALID) with upstream's message.
    """
    if text == "0":
        return 0
    if not text:
        raise _fault("empty duration string")
    total, at, last = 0, 0, -1
    while at < len(text):
        part = _PART.match(text, at)
        if part is None:
            raise _fault(f"not a valid duration string: {quote(text)}")
        count, unit = part.groups()
        if unit not in _UNITS_MS:
            raise _fault(f"unknown unit {quote(unit)} in duration {quote(text)}")
        if _ORDER[unit] <= last:
            raise _fault(f"not a valid duration string: {quote(text)}")
        digits = count.lstrip("0") or "0"
        total += _UNITS_MS[unit] * (int(digits) if len(digits) <= _MAX_DIGITS else _MAX_NS)
        if total * 1_000_000 > _MAX_NS:
            raise _fault("duration out of range")
        at, last = part.end(), _ORDER[unit]
    return total


def format_duration(ms: int) -> str:
    """Return milliseconds as Prometheus prints a duration; a negative one starts with `-`."""
    if ms == 0:
        return "0s"
    sign, rest = ("-", -ms) if ms < 0 else ("", ms)
    parts = []
    for unit, size in _UNITS_MS.items():
        if unit in _WHOLE_ONLY and rest % size:
            continue
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return sign + "".join(parts)


def _fault(message: str) -> PharosError:
    return PharosError(Kind.INVALID, message, hint="write it as 30s, 5m or 1h30m")
