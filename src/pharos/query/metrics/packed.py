"""Samples by series in memory, times and values each in the narrowest of a few forms that are exact.

A scrape's times are evenly spaced, a counter's steps small whole numbers, so that most samples take one
or two bytes. Forms are per series. Times are evenly spaced (nothing is kept), 16-bit differences, or 32-bit
numbers. Values are all the same (nothing is kept), differences of 8, 16 or 32 bits between whole numbers over
1, 100 or 10,000, or the 64 bits themselves.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pharos.compiled.kernel import inlined_kernel, kernel

_EVEN: Final = 0
_NEAR: Final = 1
_ANY_TIME: Final = 2
_SAME: Final = 0
_NARROW: Final = 1
_MIDDLE: Final = 2
_WIDE: Final = 3
_BITS: Final = 4
_EXACT: Final = 4503599627370496.0
"""2^52: whole numbers up to here are exact, and their differences too."""


class Packed(Struct, frozen=True):
    """Samples of n series; sample r of series i has `offsets[i] <= r < offsets[i + 1]`.

    `forms` holds the form of the times in bits 0 and 1, that of the values in bits 2 to 4, and the power of
    100 of their denominator in bits 5 and 6. What a series keeps begins at byte `places[i]` of `body`: its
    values, then its times. `first_ts` and `heads` are its first time and value, the latter as a numerator
    where differences follow; `strides` is the distance of even times. Times are milliseconds after a base.
    """

    offsets: NDArray[np.int64]
    forms: NDArray[np.uint8]
    first_ts: NDArray[np.int32]
    strides: NDArray[np.int32]
    heads: NDArray[np.float64]
    places: NDArray[np.int64]
    body: NDArray[np.int64]

    @property
    def samples(self) -> int:
        """Return how many samples there are."""
        return int(self.offsets[-1])

    @property
    def nbytes(self) -> int:
        """Return the memory it takes."""
        arrays = (self.offsets, self.forms, self.first_ts, self.strides, self.heads, self.places, self.body)
        return sum(array.nbytes for array in arrays)


@inlined_kernel
def _denominator(power: int) -> float:
    return 1.0 if power == 0 else (100.0 if power == 1 else 10000.0)


@inlined_kernel
def _whole(value: float, bits: int, denominator: float) -> float:
    """Return the whole number that gives `value` back to the bit over the denominator, NaN if none does."""
    scaled = value if denominator == 1.0 else np.floor(value * denominator + 0.5)
    if not abs(scaled) <= _EXACT or np.floor(scaled) != scaled or scaled / denominator != value:
        return np.nan
    return np.nan if value == 0.0 and bits != 0 else scaled


@kernel
def _value_form(values: Any, bits: Any, low: int, high: int) -> int:
    """Return form and power of a series' values, as they stand in `forms`."""
    same = True
    for i in range(low + 1, high):
        if bits[i] != bits[low]:
            same = False
            break
    if same:
        return _SAME << 2
    for power in range(3):
        denominator = _denominator(power)
        last = _whole(values[low], bits[low], denominator)
        most = 0.0
        for i in range(low, high):
            now = _whole(values[i], bits[i], denominator)
            if now != now or last != last:
                last = np.nan
                break
            most = max(most, abs(now - last))
            last = now
        if last != last:
            continue
        if most <= 127.0:
            return _NARROW << 2 | power << 5
        if most <= 32767.0:
            return _MIDDLE << 2 | power << 5
        if most <= 2147483647.0:
            return _WIDE << 2 | power << 5
    return _BITS << 2


@kernel
def _time_form(ts: Any, low: int, high: int) -> int:
    even = near = True
    stride = ts[low + 1] - ts[low] if high - low > 1 else 0
    for i in range(low + 1, high):
        gap = ts[i] - ts[i - 1]
        even &= gap == stride
        near &= gap <= 65535
    return _EVEN if even else (_NEAR if near else _ANY_TIME)


@kernel
def _value_bytes(form: int, count: int) -> int:
    """Return the bytes that a series' values take, up to the next multiple of eight."""
    kind = form >> 2 & 7
    width = 0 if kind == _SAME else 1 << (kind - 1)
    return (width * count + 7) & ~7


@kernel
def _measure(offsets: Any, ts: Any, values: Any, forms: Any, places: Any) -> int:
    """Choose each series' forms and place; return the bytes of all."""
    bits = values.view(np.int64)
    at = 0
    for s in range(len(forms)):
        low, high = offsets[s], offsets[s + 1]
        places[s] = at
        if low == high:
            forms[s] = 0
            continue
        times = _time_form(ts, low, high)
        forms[s] = times | _value_form(values, bits, low, high)
        width = 0 if times == _EVEN else (2 if times == _NEAR else 4)
        at += _value_bytes(forms[s], high - low) + ((width * (high - low) + 7) & ~7)
    return at


@kernel
def _pack(
    offsets: Any,
    ts: Any,
    values: Any,
    base_ms: int,
    forms: Any,
    places: Any,
    first_ts: Any,
    strides: Any,
    heads: Any,
    body: Any,
) -> None:
    """Write every series in its forms."""
    words, halves, bytes_ = body.view(np.int32), body.view(np.int16), body.view(np.int8)
    gaps = body.view(np.uint16)
    bits = values.view(np.int64)
    for s in range(len(forms)):
        low, high = offsets[s], offsets[s + 1]
        first_ts[s] = strides[s] = 0
        heads[s] = 0.0
        if low == high:
            continue
        first_ts[s] = ts[low] - base_ms
        strides[s] = ts[low + 1] - ts[low] if high - low > 1 else 0
        heads[s] = values[low]
        form, at = int(forms[s]), places[s]
        kind = form >> 2 & 7
        if kind == _BITS:
            for i in range(low, high):
                body[(at >> 3) + i - low] = bits[i]
        elif kind != _SAME:
            denominator = _denominator(form >> 5)
            last = _whole(values[low], bits[low], denominator)
            heads[s] = last
            for i in range(low, high):
                now = _whole(values[i], bits[i], denominator)
                gap = np.int64(now - last)
                last = now
                if kind == _NARROW:
                    bytes_[at + i - low] = gap
                elif kind == _MIDDLE:
                    halves[(at >> 1) + i - low] = gap
                else:
                    words[(at >> 2) + i - low] = gap
        at += _value_bytes(form, high - low)
        if form & 3 == _NEAR:
            gaps[at >> 1] = 0
            for i in range(low + 1, high):
                gaps[(at >> 1) + i - low] = ts[i] - ts[i - 1]
        elif form & 3 == _ANY_TIME:
            for i in range(low, high):
                words[(at >> 2) + i - low] = ts[i] - base_ms


def pack(
    offsets: NDArray[np.int64], ts: NDArray[np.int64], values: NDArray[np.float64], base_ms: int
) -> Packed:
    """Return the samples packed. Times must ascend and lie within 24 days of `base_ms`."""
    count = len(offsets) - 1
    forms = np.empty(count, np.uint8)
    places = np.empty(count, np.int64)
    size = _measure(offsets, ts, values, forms, places)
    first_ts, strides = np.empty(count, np.int32), np.empty(count, np.int32)
    heads = np.empty(count)
    body = np.empty(size >> 3, np.int64)
    _pack(offsets, ts, values, base_ms, forms, places, first_ts, strides, heads, body)
    return Packed(offsets, forms, first_ts, strides, heads, places, body)


@kernel
def _cut_near(gaps: Any, at: int, count: int, first: int, below: int) -> int:
    """Return how many of the series' times lie below."""
    now = first
    for i in range(count):
        now += gaps[at + i]
        if now >= below:
            return i
    return count


@kernel
def cut(
    s: int,
    offsets: Any,
    forms: Any,
    first_ts: Any,
    strides: Any,
    places: Any,
    body: Any,
    below: int,
) -> int:
    """Return how many samples of series s lie before the time `below`."""
    count = offsets[s + 1] - offsets[s]
    first = np.int64(first_ts[s])
    if count == 0 or below <= first:
        return 0
    form = int(forms[s])
    if form & 3 == _EVEN:
        stride = np.int64(strides[s])
        return 1 if count == 1 else min(count, (below - first + stride - 1) // stride)
    at = places[s] + _value_bytes(form, count)
    if form & 3 == _NEAR:
        return _cut_near(body.view(np.uint16), at >> 1, count, int(first), below)
    times = body.view(np.int32)
    low, high = np.int64(0), count
    while low < high:
        middle = (low + high) >> 1
        if times[(at >> 2) + middle] < below:
            low = middle + 1
        else:
            high = middle
    return int(low)


@kernel
def _sum_up(
    gaps: Any, at: int, low: int, high: int, head: float, denominator: float, out: Any, to: int
) -> None:
    """Write the values low to high - 1 of a series of differences; those before are only added up."""
    now = np.int64(head)
    for i in range(low):
        now += gaps[at + i]
    if denominator == 1.0:
        for i in range(low, high):
            now += gaps[at + i]
            out[to + i - low] = now
    else:
        for i in range(low, high):
            now += gaps[at + i]
            out[to + i - low] = now / denominator


@kernel
def unpack(
    offsets: Any,
    forms: Any,
    first_ts: Any,
    strides: Any,
    heads: Any,
    places: Any,
    body: Any,
    base_ms: int,
    at_rows: Any,
    cursor: Any,
    ts: Any,
    values: Any,
) -> None:
    """Write the samples that rows of (place, series, low, high) name, each where its place's cursor is."""
    words, halves, bytes_ = body.view(np.int32), body.view(np.int16), body.view(np.int8)
    gaps = body.view(np.uint16)
    bits = values.view(np.int64)
    head_bits = heads.view(np.int64)
    for k in range(len(at_rows)):
        s, a, b = at_rows[k, 1], at_rows[k, 2], at_rows[k, 3]
        to = cursor[at_rows[k, 0]]
        cursor[at_rows[k, 0]] = to + b - a
        form, at = int(forms[s]), places[s]
        kind = form >> 2 & 7
        if kind == _SAME:
            for i in range(b - a):
                bits[to + i] = head_bits[s]
        elif kind == _BITS:
            for i in range(a, b):
                bits[to + i - a] = body[(at >> 3) + i]
        elif kind == _NARROW:
            _sum_up(bytes_, at, a, b, heads[s], _denominator(form >> 5), values, to)
        elif kind == _MIDDLE:
            _sum_up(halves, at >> 1, a, b, heads[s], _denominator(form >> 5), values, to)
        else:
            _sum_up(words, at >> 2, a, b, heads[s], _denominator(form >> 5), values, to)
        at += _value_bytes(form, offsets[s + 1] - offsets[s])
        first = base_ms + np.int64(first_ts[s])
        if form & 3 == _EVEN:
            stride = np.int64(strides[s])
            for i in range(a, b):
                ts[to + i - a] = first + i * stride
        elif form & 3 == _NEAR:
            now = first
            for i in range(a):
                now += gaps[(at >> 1) + i]
            for i in range(a, b):
                now += gaps[(at >> 1) + i]
                ts[to + i - a] = now
        else:
            for i in range(a, b):
                ts[to + i - a] = base_ms + words[(at >> 2) + i]
