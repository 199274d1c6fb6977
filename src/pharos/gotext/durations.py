"""Durations as Prometheus writes and reads them (common/model.Duration), and as Go itself prints them."""

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


_GO_UNITS_NS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_GO_PART: Final = re.compile(r"(?=\.?[0-9])([0-9]{0,19})(?:\.([0-9]{0,40}))?(ns|us|µs|μs|ms|s|m|h)")


def parse_go_duration(text: str) -> int:
    """Return a duration of Go's own (time.ParseDuration) in nanoseconds: `1h15m30.918s`, `-1.5h`; `0` has
    no unit.

    Raises PharosError(INVALID).
    """
    body = text[1:] if text[:1] in {"+", "-"} else text
    total, at = 0, 0
    while at < len(body):
        part = _GO_PART.match(body, at)
        if part is None:
            break
        whole, decimals, unit = part.groups()
        size = _GO_UNITS_NS[unit]
        total += int(whole or 0) * size + int(int(decimals or 0) * size / 10 ** len(decimals or ""))
        at = part.end()
    if body != "0" and (not body or at < len(body) or total > _MAX_NS):
        raise _fault(f"invalid duration {quote(text[:100])}")
    return -total if text[0] == "-" else total


def format_go_duration(ns: int) -> str:
    """Return nanoseconds as Go's time.Duration prints itself: `1h2m3.5s`, `1.5ms`, `0s`."""
    if ns == 0:
        return "0s"
    sign, rest = ("-", -ns) if ns < 0 else ("", ns)
    if rest < 1_000_000_000:
        unit, size = next((u, s) for u, s in (("ms", 1_000_000), ("µs", 1_000), ("ns", 1)) if rest >= s)
        return f"{sign}{_decimal(rest, size)}{unit}"
    minutes, rest = divmod(rest, 60_000_000_000)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{sign}{head}{_decimal(rest, 1_000_000_000)}s"


def _decimal(count: int, size: int) -> str:
    """Return `count` in units of `size`, a power of ten, without trailing zeros."""
    whole, rest = divmod(count, size)
    fraction = f"{rest:0{len(str(size)) - 1}d}".rstrip("0") if rest else ""
    return f"{whole}.{fraction}" if fraction else str(whole)


def _fault(message: str) -> PharosError:
    return PharosError(Kind.INVALID, message, hint="write it as 30s, 5m or 1h30m")
