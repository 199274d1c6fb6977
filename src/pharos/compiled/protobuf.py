"""Compiled primitives of the protobuf wire format, shared by every decoder of request bodies.

All of them take a C-contiguous array of uint8, or its `pointer`, and int64 offsets. `load_*`, `store_*` and
`copy_*` are unchecked machine instructions: whoever calls them has compared the offsets with the array's
length before. Everything named `read_*`, `skip_*`, `is_*` and `hash_*` checks by itself and never touches a
byte at or after `end`; failure is the offset -1, never an exception, so that kernels can run without the
interpreter. Wire facts are those of the Protocol Buffers encoding guide.

A kernel of another module that calls these is cached by its own file only: after an edit here, touch
the callers or remove their `__pycache__/*.nb?`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.compiled.memory import leading_zeros, load_f64, load_u8, load_u64, store_u8, trailing_zeros

VARINT: Final = 0
FIXED64: Final = 1
LENGTH_DELIMITED: Final = 2
FIXED32: Final = 5

_VARINT_BYTES_AT_MOST: Final = 10
_HIGH_BITS: Final = np.uint64(0x8080808080808080)
_EVEN_7: Final = np.uint64(0x007F007F007F007F)
_EVEN_14: Final = np.uint64(0x00003FFF00003FFF)
_EVEN_28: Final = np.uint64(0x000000000FFFFFFF)


@kernel
def _read_long_varint(buf: Any, pos: Any, end: Any) -> tuple[Any, Any]:
    """Return what `read_varint` does, byte by byte."""
    value = np.uint64(0)
    for index in range(_VARINT_BYTES_AT_MOST):
        if pos + index >= end:
            return np.uint64(0), -1
        byte = np.uint64(load_u8(buf, pos + index))
        value |= (byte & np.uint64(0x7F)) << np.uint64(7 * index)
        if byte < np.uint64(0x80):
            return value, pos + index + 1
    return np.uint64(0), -1


@inlined_kernel
def read_varint(buf: Any, pos: Any, end: Any) -> tuple[Any, Any]:
    """Return (value as uint64, offset after it) of the varint at `pos`; -1 if it passes `end` or 10 bytes.

    Bits of the tenth byte that a uint64 cannot hold are dropped, as decoders of Go and C++ do.
    """
    if pos < end:
        first = np.uint64(load_u8(buf, pos))
        if first < np.uint64(0x80):
            return first, pos + 1
    if end - pos >= 8:
        word = load_u64(buf, pos)
        stops = ~word & _HIGH_BITS
        if stops != np.uint64(0):
            # Keep the bytes up to the first without a continuation bit, then close the gaps pair by pair.
            word &= (stops ^ (stops - np.uint64(1))) & ~_HIGH_BITS
            word = (word & _EVEN_7) | ((word & ~_EVEN_7) >> np.uint64(1))
            word = (word & _EVEN_14) | ((word & ~_EVEN_14) >> np.uint64(2))
            word = (word & _EVEN_28) | ((word & ~_EVEN_28) >> np.uint64(4))
            return word, pos + (trailing_zeros(stops) >> 3) + 1
    return _read_long_varint(buf, pos, end)


@inlined_kernel
def read_fixed64(buf: Any, pos: Any, end: Any) -> tuple[Any, Any]:
    """Return (value as uint64, offset after it) of the eight bytes at `pos`; offset -1 if they pass `end`."""
    if end - pos < 8:
        return np.uint64(0), -1
    return load_u64(buf, pos), pos + 8


@inlined_kernel
def read_f64(buf: Any, pos: Any, end: Any) -> tuple[float, Any]:
    """Return (value, offset after it) of the double at `pos`, bits kept (stale markers are NaNs); or -1."""
    if end - pos < 8:
        return 0.0, -1
    return load_f64(buf, pos), pos + 8


@inlined_kernel
def read_tag(buf: Any, pos: Any, end: Any) -> tuple[Any, Any, Any]:
    """Return (field number, wire type, offset after it) of the tag at `pos`; -1 if it is not a legal tag."""
    tag, after = read_varint(buf, pos, end)
    # Field numbers end at 2**29 - 1, so a tag fits 32 bits; number 0 is illegal.
    if after < 0 or tag > np.uint64(0xFFFFFFFF) or tag < np.uint64(8):
        return 0, 0, -1
    return np.int64(tag >> np.uint64(3)), np.int64(tag & np.uint64(7)), after


@inlined_kernel
def read_length(buf: Any, pos: Any, end: Any) -> tuple[Any, Any]:
    """Return (start, stop) of the content whose length stands at `pos`; stop -1 if it passes `end`."""
    length, start = read_varint(buf, pos, end)
    if start < 0 or length > np.uint64(end - start):
        return 0, -1
    return start, start + np.int64(length)


@kernel
def skip_field(buf: Any, pos: Any, end: Any, wire_type: Any) -> Any:
    """Return the offset after the field whose tag ended at `pos`; -1 if it passes `end` or is a group."""
    if wire_type == VARINT:
        _, after = read_varint(buf, pos, end)
        return after
    if wire_type == LENGTH_DELIMITED:
        _, stop = read_length(buf, pos, end)
        return stop
    if wire_type == FIXED64:
        return pos + 8 if end - pos >= 8 else -1
    if wire_type == FIXED32:
        return pos + 4 if end - pos >= 4 else -1
    return -1


@inlined_kernel
def varint_size(value: Any) -> Any:
    """Return how many bytes the varint of a uint64 takes: 1 to 10."""
    # Seven bits a byte without dividing: 9/64 is just under 1/7, and exact over the 64 cases.
    return ((63 - leading_zeros(value | np.uint64(1))) * 9 + 73) >> 6


@inlined_kernel
def write_varint(buf: Any, pos: Any, value: Any) -> Any:
    """Write the varint of a uint64 at `pos` (room checked by the caller) and return the offset after it."""
    while value >= np.uint64(0x80):
        store_u8(buf, pos, np.uint8(value | np.uint64(0x80)))
        value >>= np.uint64(7)
        pos += 1
    store_u8(buf, pos, np.uint8(value))
    return pos + 1


@kernel
def _is_utf8_tail(buf: Any, pos: Any, count: Any) -> bool:
    """Return whether the `count` bytes at `pos` all continue a character."""
    good = True
    for index in range(count):
        good &= (load_u8(buf, pos + index) & 0xC0) == 0x80
    return good


@kernel
def is_utf8(buf: Any, start: Any, end: Any) -> bool:
    """Return whether bytes [start, end) are UTF-8 (RFC 3629: shortest form, no surrogates)."""
    pos = start
    while pos < end:
        if pos + 8 <= end and (load_u64(buf, pos) & _HIGH_BITS) == np.uint64(0):
            pos += 8
            continue
        lead = np.int64(load_u8(buf, pos))
        if lead < 0x80:
            pos += 1
            continue
        if lead < 0xC2 or lead > 0xF4:
            return False
        count = 1 if lead < 0xE0 else (2 if lead < 0xF0 else 3)
        if pos + count >= end or not _is_utf8_tail(buf, pos + 1, count):
            return False
        second = np.int64(load_u8(buf, pos + 1))
        if (lead == 0xE0 and second < 0xA0) or (lead == 0xED and second > 0x9F):
            return False
        if (lead == 0xF0 and second < 0x90) or (lead == 0xF4 and second > 0x8F):
            return False
        pos += count + 1
    return True
