"""Numbers and durations as Go and Prometheus read and write them (strconv, common/model)."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Final

from pharos.gotext.quoting import quote

_DURATION_PART: Final = re.compile(r"([0-9]+)([^0-9]+)")
_UNITS_MS: Final = (31_536_000_000, 604_800_000, 86_400_000, 3_600_000, 60_000, 1_000, 1)
_UNIT_NAMES: Final = ("y", "w", "d", "h", "m", "s", "ms")
_EXACT_UNITS: Final = 2
"""Years and weeks are written only where they divide the whole duration."""
_MAX_NS: Final = 2**63 - 1
_OCTAL: Final = re.compile(r"0[0-7_]*[0-7]")


def parse_number(text: str) -> float:
    """Return the value of a number token: hex, octal by a leading zero, decimal, `inf` or `nan`.

    Raises ValueError with Go's message for what is no number or does not fit a float.
    """
    plain = text.replace("_", "")
    lower = plain.lower()
    if lower.startswith("0x"):
        value = int(lower[2:] or "x", 16) if _is_hex(lower[2:]) else -1
        if 0 <= value <= _MAX_NS:
            return float(value)
        raise ValueError(f"strconv.ParseFloat: parsing {quote(text)}: invalid syntax")
    if len(plain) > 1 and _OCTAL.fullmatch(text):
        value = int(plain, 8)
        if value <= _MAX_NS:
            return float(value)
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"strconv.ParseFloat: parsing {quote(text)}: invalid syntax") from None
    if math.isinf(number) and lower != "inf":
        raise ValueError(f"strconv.ParseFloat: parsing {quote(text)}: value out of range")
    return number


def _is_hex(digits: str) -> bool:
    return bool(digits) and all(char in "0123456789abcdef" for char in digits)


def parse_duration(text: str) -> int:
    """Return a duration such as `1h30m` in milliseconds; units stand once each, from the largest down.

    Raises ValueError with the message of common/model.ParseDuration.
    """
    if text == "0":
        return 0
    if not text:
        raise ValueError("empty duration string")
    total, at, last = 0, 0, -1
    while at < len(text):
        part = _DURATION_PART.match(text, at)
        if part is None:
            raise ValueError(f"not a valid duration string: {quote(text)}")
        count, unit = part.groups()
        if unit not in _UNIT_NAMES:
            raise ValueError(f"unknown unit {quote(unit)} in duration {quote(text)}")
        index = _UNIT_NAMES.index(unit)
        if index <= last:
            raise ValueError(f"not a valid duration string: {quote(text)}")
        total += int(count) * _UNITS_MS[index]
        if total * 1_000_000 > _MAX_NS:
            raise ValueError("duration out of range")
        at, last = part.end(), index
    return total


def format_duration(ms: int) -> str:
    """Return a duration as common/model.Duration.String writes it; a negative one starts with `-`."""
    if ms == 0:
        return "0s"
    if ms < 0:
        return "-" + format_duration(-ms)
    parts = []
    for index, (unit, name) in enumerate(zip(_UNITS_MS, _UNIT_NAMES, strict=True)):
        if index < _EXACT_UNITS and ms % unit:
            continue
        count, ms = divmod(ms, unit)
        if count:
            parts.append(f"{count}{name}")
        if not ms:
            break
    return "".join(parts)


def format_float(value: float) -> str:
    """Return a float with as many digits as it needs and no exponent (strconv.FormatFloat 'f', -1)."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    if "e" in text:
        text = format(Decimal(text), "f")
    return text.removesuffix(".0")


def format_general(value: float) -> str:
    """Return a float as Go's `%v` does: with an exponent below 1e-4 and from 1e21 on."""
    if not math.isfinite(value) or value == 0 or 1e-4 <= abs(value) < 1e21:
        return format_float(value)
    mantissa, _, power = f"{Decimal(repr(value)).normalize():e}".partition("e")
    return f"{mantissa}e{int(power):+03d}"


def format_fixed(value: float) -> str:
    """Return a float as Go's `%f` does: six decimals."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return f"{value:f}"
