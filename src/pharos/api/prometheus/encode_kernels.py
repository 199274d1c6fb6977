"""Compiled kernels that write the series of a query's answer as JSON text."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pharos.compiled.float_text import write_float, write_time
from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.compiled.memory import (
    byte_pointer,
    copy_block_16,
    copy_bytes,
    get_u64,
    load_u8,
    pointer,
    store_u8,
    store_u16,
)

PREFIX_STRIDE: Final = 32
"""Bytes from one prepared cell's beginning to the next; the longest has 25."""

ROW: Final = 0
CELL: Final = 1
FIRST: Final = 2
OPENED: Final = 3

_COMMA: Final = np.uint8(ord(","))
_QUOTE: Final = np.uint8(ord('"'))
_OPENING: Final = tuple(np.uint8(byte) for byte in b'{"metric":{')
_END_OBJECT: Final = np.uint8(ord("}"))
_BEGIN_CELL: Final = np.uint16(int.from_bytes(b",[", "little"))
_BEGIN_VALUE: Final = np.uint16(int.from_bytes(b',"', "little"))
_END_CELL: Final = np.uint16(int.from_bytes(b'"]', "little"))


class Frames(NamedTuple):
    """The text around the cells of n series.

    `heads` and `tails` hold bytes one after another, series i between `*_at[i]` and `*_at[i + 1]`; a tail
    stands behind the cells, before the closing brace. `opening` stands before the cells; its last byte takes
    the place of the first cell's comma. `closing` stands after the last cell.
    """

    heads: NDArray[np.uint8]
    heads_at: NDArray[np.int64]
    tails: NDArray[np.uint8]
    tails_at: NDArray[np.int64]
    opening: NDArray[np.uint8]
    closing: NDArray[np.uint8]


class Columns(NamedTuple):
    """The cells of n series: those `offsets[i] <= r < offsets[i + 1]` of series i where `present[r]`.

    An empty `present` says that all are. Times are `times_ms[r]`, or, where that is empty, the prepared ones
    by the number of the cell within its series.
    """

    offsets: NDArray[np.int64]
    present: NDArray[np.bool_]
    values: NDArray[np.float64]
    times_ms: NDArray[np.int64]
    prefixes: NDArray[np.uint8]
    lengths: NDArray[np.int64]


@inlined_kernel
def _begin_cell(out: Any, at: Any, time_ms: Any) -> Any:
    store_u16(out, at, _BEGIN_CELL)
    at = write_time(out, at + 2, time_ms)
    store_u16(out, at, _BEGIN_VALUE)
    return at + 2


@kernel
def prepare_times(times_ms: Any, prefixes: Any, lengths: Any) -> None:
    """Write `,[<seconds>,"` for every time into `prefixes`, one every `PREFIX_STRIDE` bytes, and its length.

    `prefixes` needs `SLACK` bytes more than that.
    """
    target = pointer(prefixes)
    for i in range(times_ms.size):
        at = i * PREFIX_STRIDE
        lengths[i] = _begin_cell(target, at, times_ms[i]) - at


@kernel
def _write_cells(out: Any, at: Any, limit: Any, columns: Any, begin: Any, cell: Any, end: Any) -> Any:
    """Write what is present from `cell` to `end`, up to `limit`; return (position, next cell)."""
    bits = byte_pointer(columns.values)
    prefixes = pointer(columns.prefixes)
    everywhere = columns.present.size == 0
    own_times = columns.times_ms.size > 0
    while cell < end and at < limit:
        if everywhere or columns.present[cell]:
            if own_times:
                at = _begin_cell(out, at, columns.times_ms[cell])
            else:
                prepared = (cell - begin) * PREFIX_STRIDE
                copy_block_16(out, at, prefixes, prepared)
                copy_block_16(out, at + 16, prefixes, prepared + 16)
                at += columns.lengths[cell - begin]
            at = write_float(out, at, get_u64(bits, cell))
            store_u16(out, at, _END_CELL)
            at += 2
        cell += 1
    return at, cell


@inlined_kernel
def _copy_part(out: Any, at: Any, parts: Any, parts_at: Any, row: Any) -> Any:
    size = parts_at[row + 1] - parts_at[row]
    copy_bytes(out, at, pointer(parts), parts_at[row], size)
    return at + size


@kernel
def write_series(state: Any, out: Any, limit: Any, frames: Any, columns: Any) -> Any:
    """Write series into `out` until all are or `limit` bytes are; return how many bytes there are.

    A series with neither a present cell nor a tail is left out. `state` (row, next cell or -1, whether
    nothing is written yet, whether the row's cells are opened) says where to go on and is kept. `out` has
    room for `limit`, the longest head and tail, and four times `SLACK`.
    """
    target = pointer(out)
    everywhere = columns.present.size == 0
    row, cell = state[ROW], state[CELL]
    at = np.int64(0)
    while row < columns.offsets.size - 1 and at < limit:
        begin, end = columns.offsets[row], columns.offsets[row + 1]
        if cell < 0:
            cell = begin
            while cell < end and not (everywhere or columns.present[cell]):
                cell += 1
            if cell == end and frames.tails_at[row + 1] == frames.tails_at[row]:
                row += 1
                cell = np.int64(-1)
                continue
            if state[FIRST] == 0:
                store_u8(target, at, _COMMA)
                at += 1
            state[FIRST] = 0
            at = _copy_part(target, at, frames.heads, frames.heads_at, row)
            if cell < end:
                # At least the first cell stands in the same chunk as the opening.
                size = frames.opening.size - 1
                copy_bytes(target, at, pointer(frames.opening), np.int64(0), size)
                at += size
                after, cell = _write_cells(target, at, at + 1, columns, begin, cell, end)
                store_u8(target, at, load_u8(pointer(frames.opening), size))
                at = after
                state[OPENED] = 1
            else:
                state[OPENED] = 0
        at, cell = _write_cells(target, at, limit, columns, begin, cell, end)
        if cell < end:
            break
        if state[OPENED] != 0:
            copy_bytes(target, at, pointer(frames.closing), np.int64(0), frames.closing.size)
            at += frames.closing.size
        at = _copy_part(target, at, frames.tails, frames.tails_at, row)
        store_u8(target, at, _END_OBJECT)
        at += 1
        row += 1
        cell = np.int64(-1)
    state[ROW] = row
    state[CELL] = cell
    return at


class Names(NamedTuple):
    """Label names as JSON, quoted and with a colon: that of number i between `at[i]` and `at[i + 1]`."""

    text: NDArray[np.uint8]
    at: NDArray[np.int64]


@kernel
def measure_heads(side: Any, text: Any, text_at: Any, names: Any, is_hard: Any) -> int:
    """Return how many bytes `write_heads` writes at most, -1 if some value has to be escaped."""
    total = 0
    for i in range(len(side.rows)):
        row = side.rows[i]
        shape, first = side.shape[row], side.first[row]
        total += len(_OPENING) + 2
        for k in range(side.kept_at[shape], side.kept_at[shape + 1]):
            place = side.kept[k]
            name = side.shape_name[side.shape_at[shape] + place]
            code = side.code[first + place]
            for at in range(text_at[code], text_at[code + 1]):
                if is_hard[text[at]]:
                    return -1
            total += names.at[name + 1] - names.at[name] + text_at[code + 1] - text_at[code] + 3
    return total


@kernel
def write_heads(side: Any, text: Any, text_at: Any, names: Any, out: Any, ends: Any) -> None:
    """Write `{"metric":{...}` for every row, one after another, and where each one ends."""
    n = np.int64(0)
    for i in range(len(side.rows)):
        row = side.rows[i]
        shape, first = side.shape[row], side.first[row]
        for byte in _OPENING:
            out[n] = byte
            n += 1
        for k in range(side.kept_at[shape], side.kept_at[shape + 1]):
            place = side.kept[k]
            name = side.shape_name[side.shape_at[shape] + place]
            code = side.code[first + place]
            if k > side.kept_at[shape]:
                out[n] = _COMMA
                n += 1
            for at in range(names.at[name], names.at[name + 1]):
                out[n] = names.text[at]
                n += 1
            out[n] = _QUOTE
            n += 1
            for at in range(text_at[code], text_at[code + 1]):
                out[n] = text[at]
                n += 1
            out[n] = _QUOTE
            n += 1
        out[n] = _END_OBJECT
        n += 1
        ends[i] = n


@kernel
def join_heads(texts: Any, at: Any, skip: int, out: Any) -> int:
    """Copy heads to `out` without the first `skip` bytes of each, commas between; return how many bytes."""
    n = np.int64(0)
    for i in range(len(at) - 1):
        if i:
            out[n] = _COMMA
            n += 1
        for k in range(at[i] + skip, at[i + 1]):
            out[n] = texts[k]
            n += 1
    return int(n)
