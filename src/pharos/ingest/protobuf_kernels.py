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

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

_Function = TypeVar("_Function", bound=Callable[..., Any])

kernel: Callable[[_Function], _Function] = cast("Any", njit(cache=True, nogil=True, error_model="numpy"))
"""The decorator of every kernel: compiled on first use, kept on disk, run without the interpreter lock."""

inlined_kernel: Callable[[_Function], _Function] = cast(
    "Any", njit(cache=True, nogil=True, error_model="numpy", forceinline=True)
)
"""The same for small bodies whose call would cost more than their work."""

_intrinsic: Callable[[Callable[..., Any]], Any] = intrinsic
_memcpy: Callable[..., None] = cgutils.raw_memcpy

BYTES: Final = types.Array(types.uint8, 1, "C", readonly=True)
"""The numba type of a body, for explicit signatures; writable arrays convert to it."""

_TUPLE: Callable[..., Any] = types.Tuple
_POINTER: Callable[..., Any] = types.CPointer
_TWO_WORDS: Final = _TUPLE((types.uint64, types.uint64))

VARINT: Final = 0
FIXED64: Final = 1
LENGTH_DELIMITED: Final = 2
FIXED32: Final = 5

_VARINT_BYTES_AT_MOST: Final = 10
_HIGH_BITS: Final = np.uint64(0x8080808080808080)
_EVEN_7: Final = np.uint64(0x007F007F007F007F)
_EVEN_14: Final = np.uint64(0x00003FFF00003FFF)
_EVEN_28: Final = np.uint64(0x000000000FFFFFFF)

# Secrets of the hash: odd, half of the bits set, no byte 0 or 255.
_SECRET_0: Final = np.uint64(0x9E3779B97F4A7C15)
_SECRET_1: Final = np.uint64(0xD1B54A32D192ED03)
_SECRET_2: Final = np.uint64(0xA24BAED4963EE407)
_SECRET_3: Final = np.uint64(0x8CB92BA72F3D8DD7)


def _address(context: Any, builder: Any, array_type: Any, array: Any, offset: Any, bits: Any) -> Any:
    """Return the address of byte `offset` of `array`, typed as a pointer to `bits`."""
    if isinstance(array_type, types.CPointer):
        start = array
    else:
        start = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(start, [offset]), bits.as_pointer())


def _is_bytes(candidate: Any) -> bool:
    if isinstance(candidate, types.CPointer):
        return bool(candidate.dtype == types.uint8)
    return isinstance(candidate, types.Array) and candidate.dtype == types.uint8 and candidate.layout == "C"


def _is_room(candidate: Any) -> bool:
    return _is_bytes(candidate) and (isinstance(candidate, types.CPointer) or candidate.mutable)


def _loader(result: Any, bits: Any) -> Any:
    """Return an intrinsic `(buf, pos) -> result` that is one unaligned, unchecked load."""

    def typed(_typing: Any, buf: Any, pos: Any) -> Any:
        if not (_is_bytes(buf) and isinstance(pos, types.Integer)):
            return None

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            loaded = builder.load(_address(context, builder, signature.args[0], args[0], args[1], bits))
            loaded.align = 1
            return loaded

        return result(buf, types.int64), generate

    return _intrinsic(typed)


def _storer(value_type: Any, bits: Any) -> Any:
    """Return an intrinsic `(buf, pos, value) -> None` that is one unaligned, unchecked store."""

    def typed(_typing: Any, buf: Any, pos: Any, value: Any) -> Any:
        if not (_is_room(buf) and isinstance(pos, types.Integer)):
            return None
        if not isinstance(value, types.Number):
            return None

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            address = _address(context, builder, signature.args[0], args[0], args[1], bits)
            builder.store(args[2], address).align = 1
            return context.get_dummy_value()

        return types.void(buf, types.int64, value_type), generate

    return _intrinsic(typed)


@_intrinsic
def pointer(_typing: Any, array: Any) -> Any:
    """Return the address of a contiguous array's first element, to index or to hand on.

    Kernels that make many calls pass this on: an array would be counted in and out, atomically, by each
    of them (12 ns instead of 2). The array has to outlive the pointer: take it from an argument.
    """
    if not (isinstance(array, types.Array) and array.layout == "C"):
        return None

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.make_array(signature.args[0])(context, builder, args[0]).data

    return _POINTER(array.dtype)(array), generate


@_intrinsic
def byte_pointer(_typing: Any, array: Any) -> Any:
    """Return the address of a contiguous array of any type as that of bytes, for `get_*` and `put_*`."""
    if not (isinstance(array, types.Array) and array.layout == "C"):
        return None

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        start = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.bitcast(start, ir.IntType(8).as_pointer())

    return _POINTER(types.uint8)(array), generate


load_u8 = _loader(types.uint8, ir.IntType(8))
load_u16 = _loader(types.uint16, ir.IntType(16))
load_u32 = _loader(types.uint32, ir.IntType(32))
load_u64 = _loader(types.uint64, ir.IntType(64))
load_f64 = _loader(types.float64, ir.DoubleType())
store_u8 = _storer(types.uint8, ir.IntType(8))
store_u16 = _storer(types.uint16, ir.IntType(16))
store_u32 = _storer(types.uint32, ir.IntType(32))
store_u64 = _storer(types.uint64, ir.IntType(64))
store_f64 = _storer(types.float64, ir.DoubleType())


@inlined_kernel
def get_u64(column: Any, row: int) -> Any:
    """Return word `row` of a column of eight-byte values, by its pointer."""
    return load_u64(column, row << 3)


@inlined_kernel
def get_i64(column: Any, row: int) -> Any:
    """Return word `row` of a column as a signed integer."""
    return np.int64(load_u64(column, row << 3))


@inlined_kernel
def put_u64(column: Any, row: int, value: Any) -> None:
    """Write word `row` of a column of eight-byte values, by its pointer."""
    store_u64(column, row << 3, np.uint64(value))


@inlined_kernel
def put_f64(column: Any, row: int, value: float) -> None:
    """Write double `row` of a column, by its pointer."""
    store_f64(column, row << 3, value)


@_intrinsic
def copy_bytes(_typing: Any, dst: Any, dst_pos: Any, src: Any, src_pos: Any, length: Any) -> Any:  # noqa: ARG001
    """Copy `length` bytes (memcpy: both ranges checked by the caller, and apart from each other)."""
    if not (_is_room(dst) and _is_bytes(src)):
        return None

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte = ir.IntType(8)
        to = _address(context, builder, signature.args[0], args[0], args[1], byte)
        origin = _address(context, builder, signature.args[2], args[2], args[3], byte)
        _memcpy(builder, to, origin, args[4], 1)
        return context.get_dummy_value()

    return types.void(dst, types.int64, src, types.int64, types.int64), generate


@_intrinsic
def copy_block_16(_typing: Any, dst: Any, dst_pos: Any, src: Any, src_pos: Any) -> Any:  # noqa: ARG001
    """Copy exactly 16 bytes by one wide load and store: short strings are copied so, past their end."""
    if not (_is_room(dst) and _is_bytes(src)):
        return None

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wide = ir.VectorType(ir.IntType(8), 16)
        block = builder.load(_address(context, builder, signature.args[2], args[2], args[3], wide))
        block.align = 1
        builder.store(block, _address(context, builder, signature.args[0], args[0], args[1], wide)).align = 1
        return context.get_dummy_value()

    return types.void(dst, types.int64, src, types.int64), generate


@_intrinsic
def mul_128(_typing: Any, _left: Any, _right: Any) -> Any:
    """Return (low, high) of the full 128-bit product of two uint64."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(builder.zext(args[0], wide), builder.zext(args[1], wide))
        low = builder.trunc(product, ir.IntType(64))
        high = builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))
        return context.make_tuple(builder, signature.return_type, [low, high])

    return _TWO_WORDS(types.uint64, types.uint64), generate


@_intrinsic
def trailing_zeros(_typing: Any, _value: Any) -> Any:
    """Return how many low bits of a uint64 are zero; 64 for zero."""

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), generate


@_intrinsic
def leading_zeros(_typing: Any, _value: Any) -> Any:
    """Return how many high bits of a uint64 are zero; 64 for zero."""

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.ctlz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), generate


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


@inlined_kernel
def _mix(left: Any, right: Any) -> Any:
    low, high = mul_128(left, right)
    return low ^ high


@kernel
def _short_words(buf: Any, start: Any, length: Any) -> tuple[Any, Any]:
    """Return two uint64 that together hold every one of the `length` (0 to 16) bytes at `start`."""
    if length >= 8:
        return load_u64(buf, start), load_u64(buf, start + length - 8)
    if length >= 4:
        return np.uint64(load_u32(buf, start)), np.uint64(load_u32(buf, start + length - 4))
    if length > 0:
        first = np.uint64(load_u8(buf, start))
        middle = np.uint64(load_u8(buf, start + (length >> 1)))
        last = np.uint64(load_u8(buf, start + length - 1))
        return (first << np.uint64(16)) | (middle << np.uint64(8)) | last, np.uint64(0)
    return np.uint64(0), np.uint64(0)


@kernel
def hash_bytes(buf: Any, start: Any, end: Any, seed: Any) -> Any:
    """Return a 64-bit hash of bytes [start, end): full avalanche, good for tables, not a cryptographic one.

    Both factors of each multiplication depend on `seed`, so that equal hashes cannot be built without
    knowing it: give it a random value wherever the bytes come from outside.
    """
    length = end - start
    key = _mix(np.uint64(seed) ^ _SECRET_0, _SECRET_1)
    state = key ^ np.uint64(length)
    pos = start
    if length > 48:
        one, two = state ^ _SECRET_2, state ^ _SECRET_3
        while end - pos > 48:
            state = _mix(load_u64(buf, pos) ^ key, load_u64(buf, pos + 8) ^ state)
            one = _mix(load_u64(buf, pos + 16) ^ key ^ _SECRET_2, load_u64(buf, pos + 24) ^ one)
            two = _mix(load_u64(buf, pos + 32) ^ key ^ _SECRET_3, load_u64(buf, pos + 40) ^ two)
            pos += 48
        state ^= one ^ two
    while end - pos > 16:
        state = _mix(load_u64(buf, pos) ^ key, load_u64(buf, pos + 8) ^ state)
        pos += 16
    if length >= 16:
        left, right = load_u64(buf, end - 16), load_u64(buf, end - 8)
    else:
        left, right = _short_words(buf, start, length)
    low, high = mul_128(left ^ key ^ _SECRET_2, right ^ state)
    return _mix(low ^ _SECRET_3 ^ key, high ^ np.uint64(length) ^ _SECRET_1)


@kernel
def hash_bytes_128(buf: Any, start: Any, end: Any, seed: Any) -> tuple[Any, Any]:
    """Return (low, high) of a 128-bit hash of bytes [start, end): two lanes with their own keys.

    Wide enough to stand for the bytes as an identity: among 10**9 inputs two meet with p < 10**-20.
    """
    length = end - start
    key = _mix(np.uint64(seed) ^ _SECRET_0, _SECRET_1)
    other_key = _mix(np.uint64(seed) ^ _SECRET_2, _SECRET_3)
    state = key ^ np.uint64(length)
    other = other_key + np.uint64(length)
    pos = start
    while end - pos > 16:
        left, right = load_u64(buf, pos), load_u64(buf, pos + 8)
        state = _mix(left ^ key, right ^ state)
        other = _mix(right ^ other_key, left + other)
        pos += 16
    if length >= 16:
        left, right = load_u64(buf, end - 16), load_u64(buf, end - 8)
    else:
        left, right = _short_words(buf, start, length)
    low, high = mul_128(left ^ key ^ _SECRET_2, right ^ state)
    other_low, other_high = mul_128(right ^ other_key ^ _SECRET_1, left + other)
    final = _mix(low ^ _SECRET_3 ^ key, high ^ np.uint64(length) ^ _SECRET_1)
    return final, _mix(other_low ^ _SECRET_0 ^ other_key, other_high ^ np.uint64(length) ^ _SECRET_2)
