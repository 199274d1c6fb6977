"""Decimal text to float64 in compiled code, exact to the bit.

The grammar is that of the exposition formats' values as Prometheus takes them: Go's `strconv.ParseFloat`
without hexadecimal floats and underscores. Up to 19 significant digits are decided here by the algorithm of
Eisel and Lemire ("Number Parsing at a Gigabyte per Second", section 5); what it does not decide (more digits,
denormals, overflow) is reported as hard and left to Python's own float().
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pharos.compiled.kernel import kernel
from pharos.compiled.memory import leading_zeros, load_u8, mul_128

PARSED: Final = 0
HARD: Final = 1
MALFORMED: Final = 2

_LOWEST_POWER: Final = -342
_HIGHEST_POWER: Final = 308
_MASK_64: Final = (1 << 64) - 1


def _powers_of_five() -> tuple[Any, Any]:
    """Return (high, low) uint64 halves of 5**q scaled to 128 bits, for q in [-342, 308]."""
    high, low = [], []
    for exponent in range(_LOWEST_POWER, _HIGHEST_POWER + 1):
        power = 5 ** abs(exponent)
        bits = power.bit_length()
        if exponent >= 0:
            scaled = power << (128 - bits) if bits <= 128 else power >> (bits - 128)
        else:
            # The reciprocal, rounded up: 2**b / 5**-q + 1 with b chosen so that 128 bits remain.
            rounded_bits = bits - 1 if power == 1 << (bits - 1) else bits
            shift = rounded_bits + 127 if exponent >= -27 else 2 * rounded_bits + 128
            scaled = (1 << shift) // power + 1
            scaled >>= max(0, scaled.bit_length() - 128)
        high.append(scaled >> 64)
        low.append(scaled & _MASK_64)
    return np.array(high, dtype=np.uint64), np.array(low, dtype=np.uint64)


_POWER_HIGH, _POWER_LOW = _powers_of_five()

_ONE: Final = np.uint64(1)
_QUIET_NAN: Final = np.uint64(0x7FF8000000000001)
_INFINITY: Final = np.uint64(0x7FF0000000000000)
_SIGN: Final = np.uint64(0x8000000000000000)


@kernel
def _scale(mantissa: Any, exponent: int) -> tuple[Any, bool]:
    """Return (bits of mantissa * 10**exponent rounded to nearest even, decided); mantissa is not zero."""
    if exponent < _LOWEST_POWER or exponent > _HIGHEST_POWER:
        return np.uint64(0), False
    zeros = leading_zeros(mantissa)
    index = exponent - _LOWEST_POWER
    shifted = mantissa << np.uint64(zeros)
    low, high = mul_128(shifted, _POWER_HIGH[index])
    if (high & np.uint64(0x1FF)) == np.uint64(0x1FF):
        _, carried = mul_128(shifted, _POWER_LOW[index])
        low += carried
        if low < carried:
            high += _ONE
    if low == np.uint64(_MASK_64) and (exponent < -27 or exponent > 55):
        return np.uint64(0), False
    upper = high >> np.uint64(63)
    shift = upper + np.uint64(9)
    result = high >> shift
    power = ((217706 * exponent) >> 16) + 63 + np.int64(upper) - zeros + 1023
    if power <= 0:
        return np.uint64(0), False
    halfway = low <= _ONE and -4 <= exponent <= 23 and (result & np.uint64(3)) == _ONE
    if halfway and (result << shift) == high:
        result &= ~_ONE
    result = (result + (result & _ONE)) >> _ONE
    if result >= np.uint64(1 << 53):
        result = np.uint64(1 << 52)
        power += 1
    if power >= 2047:
        return np.uint64(0), False
    return (result & ~np.uint64(1 << 52)) | (np.uint64(power) << np.uint64(52)), True


@kernel
def _is_word(body: Any, pos: int, end: int, first: int, second: int, third: int) -> bool:
    """Return whether [pos, end) begins with three ASCII letters, given in lower case, in any case."""
    return (
        end - pos >= 3
        and (np.int64(load_u8(body, pos)) | 32) == first
        and (np.int64(load_u8(body, pos + 1)) | 32) == second
        and (np.int64(load_u8(body, pos + 2)) | 32) == third
    )


@kernel
def _special(body: Any, pos: int, end: int, signed: bool) -> tuple[Any, int]:
    """Return (bits, status) of the words for infinity and NaN; NaN takes no sign (Go's `special`)."""
    if _is_word(body, pos, end, 110, 97, 110) and end - pos == 3 and not signed:
        return _QUIET_NAN, PARSED
    if _is_word(body, pos, end, 105, 110, 102):
        if end - pos == 3:
            return _INFINITY, PARSED
        # "infinity" = "inf" + "ini" + "ty"
        if end - pos == 8 and _is_word(body, pos + 3, end, 105, 110, 105):
            last, final = load_u8(body, pos + 6) | 32, load_u8(body, pos + 7) | 32
            if last == 116 and final == 121:
                return _INFINITY, PARSED
    return np.uint64(0), MALFORMED


@kernel
def _exponent(body: Any, pos: int, end: int) -> int:
    """Return the decimal exponent written in [pos, end), capped at 100,000; the cap plus one if malformed."""
    negative = False
    if pos < end and (load_u8(body, pos) == 43 or load_u8(body, pos) == 45):
        negative = load_u8(body, pos) == 45
        pos += 1
    if pos >= end:
        return 100_001
    value = 0
    while pos < end:
        digit = int(load_u8(body, pos)) - 48
        if digit < 0 or digit > 9:
            return 100_001
        value = min(value * 10 + digit, 100_000)
        pos += 1
    return -value if negative else value


@kernel
def parse_float(body: Any, start: int, end: int) -> tuple[Any, int]:
    """Return (IEEE bits as uint64, PARSED, HARD or MALFORMED) of the number text in bytes [start, end)."""
    pos = start
    if pos >= end:
        return np.uint64(0), MALFORMED
    first = load_u8(body, pos)
    sign = _SIGN if first == 45 else np.uint64(0)
    signed = first == 45 or first == 43
    if signed:
        pos += 1
        if pos >= end:
            return np.uint64(0), MALFORMED
    if load_u8(body, pos) > 57:
        bits, status = _special(body, pos, end, signed)
        return bits | sign, status
    mantissa, digits, exponent, any_digit, after_point = np.uint64(0), 0, 0, False, False
    while pos < end:
        byte = np.int64(load_u8(body, pos))
        digit = byte - 48
        if 0 <= digit <= 9:
            any_digit = True
            if digits > 0 or digit > 0:
                digits += 1
            if digits <= 19:
                mantissa = mantissa * np.uint64(10) + np.uint64(digit)
            if after_point:
                exponent -= 1
        elif byte == 46 and not after_point:
            after_point = True
        elif byte | 32 == 101 and any_digit:
            written = _exponent(body, pos + 1, end)
            if written > 100_000:
                return np.uint64(0), MALFORMED
            exponent += written
            break
        else:
            return np.uint64(0), MALFORMED
        pos += 1
    if not any_digit:
        return np.uint64(0), MALFORMED
    if digits > 19:
        return np.uint64(0), HARD
    if mantissa == np.uint64(0):
        return sign, PARSED
    bits, decided = _scale(mantissa, exponent)
    return bits | sign, PARSED if decided else HARD
