"""Parts of log records as compiled code writes them: texts, attributes, ids found among them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.compiled.memory import copy_bytes, load_u8, store_u8
from pharos.compiled.protobuf import varint_size, write_varint

TRACE_DIGITS: Final = 32
SPAN_DIGITS: Final = 16


@inlined_kernel
def _lower(letter: Any) -> Any:
    return letter | 0x20 if 0x41 <= letter <= 0x5A else letter


@kernel
def is_id_name(raw: Any, start: Any, stop: Any) -> Any:
    """Return 1 for a name of a trace id, 2 of a span id, 0 for any other: as `TraceIds` has them."""
    length = stop - start
    if length < 6 or length > 8:
        return 0
    first = load_u8(raw, start) | 0x20
    if first == 0x74:  # t
        kind, letters = 1, length == 7 or length == 8
    elif first == 0x73:  # s
        kind, letters = 2, length == 6 or length == 7
    else:
        return 0
    if not letters:
        return 0
    expected = np.uint64(0x6563617274) if kind == 1 else np.uint64(0x6E617073)  # "trace", "span", last first
    size = 5 if kind == 1 else 4
    capital = load_u8(raw, start) < 0x60
    for index in range(size):
        letter = load_u8(raw, start + index)
        if index == 0:
            letter = _lower(letter)
        if letter != np.uint8(expected >> np.uint64(8 * index) & np.uint64(0xFF)):
            return 0
    pos = start + size
    if length == size + 3:
        separator = load_u8(raw, pos)
        if capital or (separator != 0x5F and separator != 0x2E):
            return 0
        return kind if load_u8(raw, pos + 1) == 0x69 and load_u8(raw, pos + 2) == 0x64 else 0
    one, two = load_u8(raw, pos), load_u8(raw, pos + 1)
    if one == 0x69:  # i
        return kind if two == 0x64 and not capital else 0
    return kind if one == 0x49 and (two == 0x64 or two == 0x44) else 0


@inlined_kernel
def _digit(letter: Any) -> Any:
    """Return the value of a hexadecimal digit; -1 for any other character."""
    code = np.int64(letter)
    if 0x30 <= code <= 0x39:
        return code - 0x30
    code |= 0x20
    return code - 0x57 if 0x61 <= code <= 0x66 else np.int64(-1)


@kernel
def is_id(raw: Any, start: Any, length: Any) -> Any:
    """Return whether so many bytes are hexadecimal digits, and not all zero."""
    some = False
    for index in range(length):
        value = _digit(load_u8(raw, start + index))
        if value < 0:
            return False
        some |= value > 0
    return some


@inlined_kernel
def text_size(length: Any) -> Any:
    """Return the bytes of a field of so many bytes, with a tag of one."""
    return length + 1 + varint_size(np.uint64(length))


@inlined_kernel
def pair_size(name_bytes: Any, value_bytes: Any) -> Any:
    """Return the bytes of the KeyValue that a pair becomes, without its own tag and length."""
    return text_size(name_bytes) + text_size(text_size(value_bytes))


@inlined_kernel
def put_head(out: Any, pos: Any, tag: Any, size: Any) -> Any:
    """Write a tag of one byte and a length; return the offset after them."""
    store_u8(out, pos, tag)
    return write_varint(out, pos + 1, np.uint64(size))


@inlined_kernel
def put_bytes(out: Any, pos: Any, tag: Any, raw: Any, start: Any, length: Any) -> Any:
    """Write a field of bytes; return the offset after it."""
    pos = put_head(out, pos, tag, length)
    copy_bytes(out, pos, raw, start, length)
    return pos + length


@kernel
def put_id(out: Any, pos: Any, tag: Any, raw: Any, start: Any, count: Any) -> Any:
    """Write so many bytes whose hexadecimal digits begin at `start`; return the offset after them."""
    pos = put_head(out, pos, tag, count)
    for index in range(count):
        high = _digit(load_u8(raw, start + 2 * index))
        low = _digit(load_u8(raw, start + 2 * index + 1))
        store_u8(out, pos + index, np.uint8(high << 4 | low))
    return pos + count
