"""Numbers as Go's strconv writes and reads them.

The digits are those of Python's `repr`: the fewest that read back as the same double, which are Go's too.
Only the layout differs. What compiled code prints and reads (`pharos.compiled`) follows the same rules.
"""

from __future__ import annotations

import math
import re
from typing import Final

from pharos.errors import Kind, PharosError
from pharos.gotext.quoting import quote

_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_HEXADECIMAL: Final = re.compile(r"[+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+")
_NAMED: Final = re.compile(r"[+-]?inf(?:inity)?|nan", re.IGNORECASE | re.ASCII)
_UNDERSCORE: Final = re.compile(r"(?<=[0-9bBoO])_(?=[0-9])")
_HEXADECIMAL_UNDERSCORE: Final = re.compile(r"(?<=[0-9a-fA-FxX])_(?=[0-9a-fA-F])")
"""An underscore that Go overlooks stands between two digits, or between the base and a digit."""
_INTEGER: Final = re.compile(r"([+-]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|([1-9][0-9]*|0))")
_DECIMAL_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_INT64_MAX: Final = 2**63 - 1
_INT64_DIGITS: Final = 64
"""More digits than this, without leading zeros, are past the range in every base."""


def format_f(value: float) -> str:
    """Return `value` with as many digits as it needs and no exponent: FormatFloat(value, 'f', -1, 64)."""
    if not math.isfinite(value):
        return _no_number(value)
    text = repr(float(value))  # of numpy's numbers too
    if "e" not in text:
        return text.removesuffix(".0")
    sign, digits, power = _shortest(text)
    if power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    return f"{sign}{digits.ljust(power + 1, '0')}"


def format_e(value: float) -> str:
    """Return `value` with as many digits as it needs and an exponent: FormatFloat(value, 'e', -1, 64)."""
    if not math.isfinite(value):
        return _no_number(value)
    sign, digits, power = _shortest(repr(float(value)))
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{power:+03d}"


def format_g(value: float, digits: int | None = None) -> str:
    """Return `value` as FormatFloat(value, 'g', digits, 64) does, the fewest digits if none are asked for.

    This is `%v` and `%g` too. The fewest digits have an exponent below 1e-4 and from 1e6 on.
    """
    if digits is not None:
        return f"{value:.{digits}g}" if math.isfinite(value) else _no_number(value)
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        return format_f(value)
    return format_e(value)


def format_fixed(value: float, decimals: int = 6) -> str:
    """Return `value` with that many decimals, as `%f` does with six."""
    return f"{value:.{decimals}f}" if math.isfinite(value) else _no_number(value)


def format_json(value: float) -> str:
    """Return `value` with an exponent only below 1e-6 and from 1e21 on (upstream jsonutil MarshalFloat)."""
    if value == 0 or 1e-6 <= abs(value) < 1e21:
        return format_f(value)
    return format_e(value)


def format_open_metrics(value: float) -> str:
    """Return `value` as OpenMetrics writes it in a label: `1.0`, `0.25`, `1e+06`; no zero is negative.

    A number has a point or an exponent always (model/labels FormatOpenMetricsFloat).
    """
    if value == 0:
        return "0.0"
    text = format_g(value)
    return f"{text}.0" if text.lstrip("-").isdigit() else text


def _no_number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "+Inf" if value > 0 else "-Inf"


def _shortest(text: str) -> tuple[str, str, int]:
    """Return (sign, digits, power of ten of the first digit) of what `repr` wrote of a finite number."""
    mantissa, _, exponent = text.partition("e")
    sign = "-" if mantissa[0] == "-" else ""
    whole, _, fraction = mantissa.removeprefix("-").partition(".")
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return sign, "0", 0
    power = int(exponent or 0) + len(whole) - 1 - (len(whole) + len(fraction) - len(digits))
    return sign, digits.rstrip("0"), power


def parse_float(text: str) -> float:
    """Return the double that ParseFloat(text, 64) reads: decimal, hexadecimal with an exponent, `inf`, `nan`.

    Raises PharosError(INVALID) with Go's message for what is no number or past the range.
    """
    plain = _without_underscores(text)
    if _DECIMAL.fullmatch(plain):
        value = float(plain)
    elif _NAMED.fullmatch(plain):
        return float(plain)
    elif _HEXADECIMAL.fullmatch(plain):
        value = _from_hexadecimal(plain)
    else:
        raise _fault("ParseFloat", text, "invalid syntax")
    if math.isinf(value):
        raise _fault("ParseFloat", text, "value out of range")
    return value


def _from_hexadecimal(text: str) -> float:
    try:
        return float.fromhex(text)
    except OverflowError:
        return math.inf


def parse_int(text: str) -> int:
    """Return the integer of 64 bits that ParseInt(text, 0, 64) reads; `0x`, `0b`, `0o` and `0` tell its base.

    Raises PharosError(INVALID) with Go's message.
    """
    found = _INTEGER.fullmatch(_without_underscores(text))
    if found is None:
        raise _fault("ParseInt", text, "invalid syntax")
    sign, *by_base = found.groups()
    for base, digits in zip((16, 2, 8, 10), by_base, strict=True):
        if digits is not None:
            return _signed("ParseInt", text, sign, digits, base)
    raise AssertionError(text)


def parse_decimal_int(text: str) -> int:
    """Return the integer of 64 bits that Atoi reads. Raises PharosError(INVALID) with Go's message."""
    if _DECIMAL_INTEGER.fullmatch(text) is None:
        raise _fault("Atoi", text, "invalid syntax")
    sign = "-" if text[0] == "-" else ""
    return _signed("Atoi", text, sign, text.lstrip("+-"), 10)


def _signed(reader: str, text: str, sign: str, digits: str, base: int) -> int:
    digits = digits.lstrip("0") or "0"
    if len(digits) <= _INT64_DIGITS:
        value = int(digits, base)
        if value <= _INT64_MAX:
            return -value if sign == "-" else value
        if value == _INT64_MAX + 1 and sign == "-":
            return -value
    raise _fault(reader, text, "value out of range")


def _without_underscores(text: str) -> str:
    """Return `text` without the underscores that Go overlooks; one that stands elsewhere stays."""
    if "_" not in text:
        return text
    hexadecimal = text.lstrip("+-")[:2] in {"0x", "0X"}
    return (_HEXADECIMAL_UNDERSCORE if hexadecimal else _UNDERSCORE).sub("", text)


def _fault(reader: str, text: str, reason: str) -> PharosError:
    return PharosError(Kind.INVALID, f"strconv.{reader}: parsing {quote(text)}: {reason}")
