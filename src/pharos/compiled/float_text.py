"""Compiled kernels that print doubles and times as the Prometheus HTTP API does.

A double is printed with the fewest digits that read back as the same double, the nearest such number, ties
to even: what Go's `strconv.FormatFloat(v, fmt, -1, 64)` gives. The digits are found by the Schubfach method
(Raffaello Giulietti, "The Schubfach way to render doubles"): three products with a power of ten in 128 bits.
The layout is that of upstream's util/jsonutil `MarshalFloat`: plain, except below 1e-6 and from 1e21 on.

All kernels write through a pointer without checks: the caller keeps `SLACK` bytes free after a position.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.compiled.memory import (
    copy_block_16,
    leading_zeros,
    load_u8,
    mul_128,
    pointer,
    store_u8,
    store_u16,
    store_u64,
)

SLACK: Final = 64
"""Bytes that printing one time and one double may touch: at most 25 + 27, and what wide stores overrun."""

FLOAT_BYTES: Final = 32
"""More bytes than any double has as text."""

_FRACTION: Final = np.uint64((1 << 52) - 1)
_HIDDEN: Final = np.uint64(1 << 52)
_MAGNITUDE: Final = np.uint64((1 << 63) - 1)
_INFINITE: Final = np.uint64(0x7FF << 52)
_ZERO: Final = np.uint64(0)
_ONE: Final = np.uint64(1)
_TWO: Final = np.uint64(2)
_TEN: Final = np.uint64(10)
_HUNDRED: Final = np.uint64(100)
_10_TO_4: Final = np.uint64(10**4)
_10_TO_8: Final = np.uint64(10**8)
_FORTY: Final = np.uint64(40)
_THOUSAND: Final = np.uint64(1000)
_ZERO_CHAR: Final = np.uint64(ord("0"))
_EXACT: Final = float(1 << 53)

_LEAST_POWER: Final = -292
_GREATEST_POWER: Final = 324


def _word(text: bytes) -> Any:
    return np.uint64(int.from_bytes(text.ljust(8, b"\0"), "little"))


_NAN: Final = _word(b"NaN")
_PLUS_INF: Final = _word(b"+Inf")
_MINUS_INF: Final = _word(b"-Inf")
_ZERO_POINT: Final = _word(b"0.000000")
_ZEROS: Final = _word(b"00000000")


def _powers_of_ten() -> tuple[Any, Any]:
    """Return the high and low words of 10**e, rounded up to 128 significant bits, for every e needed."""
    high, low = [], []
    for exponent in range(_LEAST_POWER, _GREATEST_POWER + 1):
        numerator, denominator = 10 ** max(exponent, 0), 10 ** max(-exponent, 0)
        shift = 127 - ((exponent * 1741647) >> 19)
        if shift >= 0:
            numerator <<= shift
        else:
            denominator <<= -shift
        power = -(-numerator // denominator)
        high.append(power >> 64)
        low.append(power & ((1 << 64) - 1))
    return np.array(high, np.uint64), np.array(low, np.uint64)


_POWER_HIGH, _POWER_LOW = _powers_of_ten()
_TENS: Final = np.array([0, *(10**i for i in range(1, 20))], np.uint64)
_PAIRS: Final = np.array([int.from_bytes(b"%02d" % i, "little") for i in range(100)], np.uint16)


@inlined_kernel
def _scaled(high: Any, low: Any, factor: Any) -> Any:
    """Return the top word of a 192-bit product, its last bit set when anything below it is."""
    _, carried = mul_128(low, factor)
    middle, top = mul_128(high, factor)
    total = middle + carried
    if total < middle:
        top += _ONE
    return top | _ONE if total > _ONE else top


@kernel
def shortest(bits: Any) -> tuple[Any, Any]:
    """Return (digits, exponent) of a positive finite double by its bits: digits * 10**exponent prints it.

    The digits may end in zeros.
    """
    fraction = bits & _FRACTION
    biased = np.int64(bits >> np.uint64(52))
    significand = fraction
    power = np.int64(-1074)
    if biased != 0:
        significand = fraction | _HIDDEN
        power = biased - 1075
    odd = significand & _ONE
    middle = significand << _TWO
    upper = middle + _TWO
    if fraction == _ZERO and biased > 1:
        # A power of two: the next double below is only half as far.
        lower = middle - _ONE
        exponent = (power * 1262611 - 524031) >> 22
    else:
        lower = middle - _TWO
        exponent = (power * 1262611) >> 22
    shift = np.uint64(power + ((-exponent * 1741647) >> 19) + 1)
    entry = np.uint64(-exponent - _LEAST_POWER)
    high = _POWER_HIGH[entry]
    low = _POWER_LOW[entry]
    # Four times the double and both ends of its rounding interval, in units of 10**exponent.
    four = _scaled(high, low, middle << shift)
    least = _scaled(high, low, lower << shift) + odd
    most = _scaled(high, low, upper << shift) - odd
    whole = four >> _TWO
    if whole >= _TEN:
        shorter = whole // _TEN
        tens = shorter * _FORTY
        below = least <= tens
        above = tens + _FORTY <= most
        if below != above:
            return shorter + (_ONE if above else _ZERO), exponent + 1
    fours = whole << _TWO
    below = least <= fours
    above = fours + np.uint64(4) <= most
    if below != above:
        return whole + (_ONE if above else _ZERO), exponent
    half = fours + _TWO
    up = four > half or (four == half and (whole & _ONE) != _ZERO)
    return whole + (_ONE if up else _ZERO), exponent


@inlined_kernel
def _stripped(digits: Any, exponent: Any) -> tuple[Any, Any]:
    """Return the same number without zeros at the end of its digits."""
    if digits % _10_TO_8 == _ZERO:
        digits //= _10_TO_8
        exponent += 8
    if digits % _10_TO_4 == _ZERO:
        digits //= _10_TO_4
        exponent += 4
    while digits % _TEN == _ZERO:
        digits //= _TEN
        exponent += 1
    return digits, exponent


@inlined_kernel
def _count_digits(number: Any) -> Any:
    guess = ((np.int64(64) - leading_zeros(number | _ONE)) * 1233) >> 12
    return guess + (1 if number >= _TENS[np.uint64(guess)] else 0)


@inlined_kernel
def _write_digits(out: Any, at: Any, number: Any, count: Any) -> None:
    """Write the last `count` digits of `number`.

    Four at a time: one division is waited for where two were, and both pairs are found meanwhile.
    """
    left = count
    while left >= 4:
        left -= 4
        rest = number // _10_TO_4
        four = number - rest * _10_TO_4
        high = four // _HUNDRED
        store_u16(out, at + left, _PAIRS[high])
        store_u16(out, at + left + 2, _PAIRS[four - high * _HUNDRED])
        number = rest
    if left >= 2:
        left -= 2
        rest = number // _HUNDRED
        store_u16(out, at + left, _PAIRS[number - rest * _HUNDRED])
        number = rest
    if left:
        store_u8(out, at, np.uint8(_ZERO_CHAR + number % _TEN))


@inlined_kernel
def _write_exponent(out: Any, at: Any, exponent: Any) -> Any:
    store_u8(out, at, np.uint8(ord("e")))
    store_u8(out, at + 1, np.uint8(ord("-") if exponent < 0 else ord("+")))
    size = np.uint64(-exponent if exponent < 0 else exponent)
    count = 3 if size >= _HUNDRED else 2
    _write_digits(out, at + 2, size, count)
    return at + 2 + count


@kernel
def _write_fraction(out: Any, at: Any, bits: Any) -> Any:
    """Write a positive finite double that is no small integer; return the position after it."""
    digits, exponent = shortest(bits)
    digits, exponent = _stripped(digits, exponent)
    count = _count_digits(digits)
    point = count + exponent
    if point < -5 or point > 21:
        _write_digits(out, at + 1, digits, count)
        store_u8(out, at, load_u8(out, at + 1))
        if count > 1:
            store_u8(out, at + 1, np.uint8(ord(".")))
            at += count
        return _write_exponent(out, at + 1, point - 1)
    if point <= 0:
        store_u64(out, at, _ZERO_POINT)
        _write_digits(out, at + 2 - point, digits, count)
        return at + 2 - point + count
    _write_digits(out, at, digits, count)
    if exponent >= 0:
        store_u64(out, at + count, _ZEROS)
        store_u64(out, at + count + 8, _ZEROS)
        store_u64(out, at + count + 16, _ZEROS)
        return at + point
    copy_block_16(out, at + point + 1, out, at + point)
    store_u8(out, at + point, np.uint8(ord(".")))
    return at + count + 1


@inlined_kernel
def write_float(out: Any, at: Any, bits: Any) -> Any:
    """Write a double, given by its bits, at `at`; return the position after it."""
    size = bits & _MAGNITUDE
    if size >= _INFINITE:
        if size > _INFINITE:
            store_u64(out, at, _NAN)
            return at + 3
        store_u64(out, at, _PLUS_INF if bits == size else _MINUS_INF)
        return at + 4
    if bits != size:
        store_u8(out, at, np.uint8(ord("-")))
        at += 1
    # The integers that every double from 1 to 2**53 with nothing behind the point is.
    biased = np.int64(size >> np.uint64(52))
    if size == _ZERO:
        store_u8(out, at, np.uint8(ord("0")))
        return at + 1
    if 1023 <= biased <= 1075:
        behind = np.uint64(1075 - biased)
        significand = (size & _FRACTION) | _HIDDEN
        number = significand >> behind
        if number << behind == significand:
            count = _count_digits(number)
            _write_digits(out, at, number, count)
            return at + count
    return _write_fraction(out, at, size)


@inlined_kernel
def write_time(out: Any, at: Any, time_ms: Any) -> Any:
    """Write a time as seconds, whole or with three decimals (MarshalTimestamp); return the end."""
    size = np.uint64(time_ms)
    if time_ms < 0:
        store_u8(out, at, np.uint8(ord("-")))
        at += 1
        size = _ZERO - size
    seconds = size // _THOUSAND
    behind = size - seconds * _THOUSAND
    count = _count_digits(seconds)
    _write_digits(out, at, seconds, count)
    at += count
    if behind == _ZERO:
        return at
    store_u8(out, at, np.uint8(ord(".")))
    _write_digits(out, at + 1, behind, 3)
    return at + 4


@kernel
def print_floats(values: Any, out: Any, ends: Any) -> None:
    """Write the doubles `values[n]` one after another into `out`; `ends[i]` is where number i ends.

    `out` has `FLOAT_BYTES` for each of them and `SLACK`.
    """
    target = pointer(out)
    bits = values.view(np.uint64)
    at = np.int64(0)
    for i in range(bits.size):
        at = write_float(target, at, bits[i])
        ends[i] = at
