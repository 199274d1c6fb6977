"""The unchecked machine instructions that compiled kernels are made of.

`load_*`, `store_*`, `get_*`, `put_*` and `copy_*` take a C-contiguous array of uint8, or its `pointer`, and
int64 offsets, and check nothing: whoever calls them has compared the offsets with the array's length before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from pharos.compiled.kernel import inlined_kernel

_intrinsic: Callable[[Callable[..., Any]], Any] = intrinsic

_memcpy: Callable[..., None] = cgutils.raw_memcpy

_TUPLE: Callable[..., Any] = types.Tuple

_POINTER: Callable[..., Any] = types.CPointer

_TWO_WORDS: Final = _TUPLE((types.uint64, types.uint64))


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
