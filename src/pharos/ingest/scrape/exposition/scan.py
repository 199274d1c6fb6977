"""One compiled pass over a text page: where each series' text lies, its value, its time, and who it is.

A line whose series text was met before is recognised by a 64-bit hash with a secret seed (the table of
`TextTable`), so that its labels are never parsed again. Lines not known come back as UNKNOWN, for the long
way in Python. Text 0.0.4 is read as leniently as Prometheus reads it (any blanks between tokens, a missing
last newline); OpenMetrics 1.0 strictly (single spaces, `# EOF` at the end). A first fault ends the pass: the
whole scrape fails.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any, Final

import numpy as np
from llvmlite import ir
from msgspec import Struct
from numba import types
from numba.extending import intrinsic

from pharos.compiled.float_read import HARD, MALFORMED, parse_float
from pharos.compiled.hashing import hash_bytes
from pharos.compiled.kernel import kernel
from pharos.compiled.memory import load_u8

UNKNOWN: Final = -1
DROPPED: Final = -2

HAS_TIME: Final = 1
HARD_VALUE: Final = 2
HARD_TIME: Final = 4
HAS_EXEMPLAR: Final = 8
IS_HISTOGRAM: Final = 16
"""The row stands for a native histogram: it is tracked, but no float sample is written."""

START: Final = 0
STOP: Final = 1
VALUE_START: Final = 2
VALUE_STOP: Final = 3
TIME_START: Final = 4
TIME_STOP: Final = 5
EXEMPLAR_START: Final = 6
SPAN_COLUMNS: Final = 7

_TAB, _NEWLINE, _SPACE, _QUOTE, _HASH, _OPEN, _CLOSE, _BACKSLASH = 9, 10, 32, 34, 35, 123, 125, 92


class Fault(IntEnum):
    """Why a page was refused."""

    NONE = 0
    NO_VALUE = 1
    BAD_VALUE = 2
    BAD_TIME = 3
    TRAILING = 4
    OPEN_BRACES = 5
    NO_EOF = 6
    AFTER_EOF = 7
    BAD_COMMENT = 8
    BAD_START = 9


FAULT_TEXT: Final = {
    Fault.NO_VALUE: "expected a value after the metric",
    Fault.BAD_VALUE: "the value is not a number",
    Fault.BAD_TIME: "the timestamp is not a number",
    Fault.TRAILING: "expected the end of the line",
    Fault.OPEN_BRACES: "the label set is not closed",
    Fault.NO_EOF: "data does not end with # EOF",
    Fault.AFTER_EOF: "unexpected data after # EOF",
    Fault.BAD_COMMENT: "a comment must be HELP, TYPE, UNIT or EOF",
    Fault.BAD_START: "expected a metric or a comment",
}


_intrinsic: Callable[[Callable[..., Any]], Any] = intrinsic


@_intrinsic
def _as_float(_typing: Any, _bits: Any) -> Any:
    """Return the float64 that a uint64 holds the bits of."""

    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.uint64), generate


class Page(Struct):
    """Columns of one scanned page; only the first `lines` rows (`notes` rows of comments) mean anything.

    `spans` are byte offsets (START .. EXEMPLAR_START), `bits` the IEEE bits of values, `times` explicit
    timestamps in milliseconds, `flags` HAS_TIME and so on, `refs` the series (or UNKNOWN, DROPPED), `hashes`
    the series texts' hashes; `comments` are the [start, stop) of HELP, TYPE and UNIT lines and the number of
    samples before each. `where` is the offset of the line that `fault` is about.
    """

    spans: Any
    bits: Any
    times: Any
    flags: Any
    refs: Any
    hashes: Any
    comments: Any
    lines: int = 0
    notes: int = 0
    notes_hash: int = 0
    revived: int = 0
    fault: Fault = Fault.NONE
    where: int = 0

    @classmethod
    def of_size(cls, rows: int) -> Page:
        """Return a page with room for `rows` lines."""
        return cls(
            spans=np.empty((rows, SPAN_COLUMNS), dtype=np.int32),
            bits=np.empty(rows, dtype=np.uint64),
            times=np.empty(rows, dtype=np.int64),
            flags=np.empty(rows, dtype=np.uint8),
            refs=np.empty(rows, dtype=np.int32),
            hashes=np.empty(rows, dtype=np.uint64),
            comments=np.empty((rows, 3), dtype=np.int32),
        )

    @property
    def room(self) -> int:
        """How many lines fit."""
        return len(self.bits)


@kernel
def find_slot(keys: Any, key: Any) -> int:
    """Return the slot of `key` in the open-addressed table `keys` (a power of two long), or of the gap for
    it.
    """
    mask = len(keys) - 1
    slot = int(np.int64(key) & mask)
    while keys[slot] != key and keys[slot] != np.uint64(0):
        slot = (slot + 1) & mask
    return slot


@kernel
def _skip_blanks(body: Any, pos: int, end: int) -> int:
    while pos < end and (load_u8(body, pos) == _SPACE or load_u8(body, pos) == _TAB):
        pos += 1
    return pos


@kernel
def _close(body: Any, pos: int, end: int, strict: bool) -> int:
    """Return the offset after the brace that closes the one before `pos`, quotes and escapes obeyed; or
    -1.
    """
    quoted = False
    while pos < end:
        byte = load_u8(body, pos)
        if quoted:
            if byte == _BACKSLASH:
                pos += 1
            elif byte == _QUOTE:
                quoted = False
            elif byte == _NEWLINE and strict:
                return -1
        elif byte == _QUOTE:
            quoted = True
        elif byte == _CLOSE:
            return pos + 1
        elif byte == _NEWLINE:
            return -1
        pos += 1
    return -1


@kernel
def _find(body: Any, pos: int, end: int, strict: bool) -> int:
    """Return the offset of the next separator: a newline, a space or (not strictly) a tab; or `end`."""
    while pos < end:
        byte = load_u8(body, pos)
        if byte in (_NEWLINE, _SPACE) or (byte == _TAB and not strict):
            return pos
        pos += 1
    return end


@kernel
def _find_newline(body: Any, pos: int, end: int) -> int:
    while pos < end and load_u8(body, pos) != _NEWLINE:
        pos += 1
    return pos


@kernel
def _series_end(body: Any, pos: int, end: int, strict: bool) -> int:
    """Return the offset after the series text (name and label set) that begins at `pos`; -1 if never
    closed.
    """
    while pos < end:
        byte = load_u8(body, pos)
        if byte in (_OPEN, _SPACE, _NEWLINE) or (byte == _TAB and not strict):
            break
        pos += 1
    look = pos if strict else _skip_blanks(body, pos, end)
    if look < end and load_u8(body, look) == _OPEN:
        return _close(body, look + 1, end, strict)
    return pos


@kernel
def _whole(body: Any, start: int, end: int) -> tuple[int, bool]:
    """Return (value, legal) of the digits in [start, end); 18 of them at most, which is past any time."""
    if end == start or end - start > 18:
        return 0, False
    value = 0
    for pos in range(start, end):
        digit = int(load_u8(body, pos)) - 48
        if digit < 0 or digit > 9:
            return 0, False
        value = value * 10 + digit
    return value, True


@kernel
def _text_tail(
    body: Any, pos: int, end: int, row: int, spans: Any, times: Any, flags: Any
) -> tuple[int, int]:
    """Return (offset after the line, fault) of what follows a value in text 0.0.4."""
    pos = _skip_blanks(body, pos, end)
    if pos < end and load_u8(body, pos) != _NEWLINE:
        stop = _find(body, pos, end, False)
        stamp, legal = _whole(body, pos, stop)
        if not legal:
            return pos, 3
        spans[row, TIME_START], spans[row, TIME_STOP] = pos, stop
        times[row] = stamp
        flags[row] |= np.uint8(HAS_TIME)
        pos = _skip_blanks(body, stop, end)
        if pos < end and load_u8(body, pos) != _NEWLINE:
            return pos, 4
    return pos + 1, 0


@kernel
def _is_exemplar(body: Any, pos: int, end: int) -> bool:
    """Return whether ` # {` stands at `pos`."""
    return (
        end - pos >= 4
        and load_u8(body, pos + 1) == _HASH
        and load_u8(body, pos + 2) == _SPACE
        and load_u8(body, pos + 3) == _OPEN
    )


@kernel
def _strict_tail(
    body: Any, pos: int, end: int, row: int, spans: Any, times: Any, flags: Any
) -> tuple[int, int]:
    """Return (offset after the line, fault) of what follows a value in OpenMetrics: time, exemplar,
    newline.
    """
    if pos < end and load_u8(body, pos) == _SPACE and not _is_exemplar(body, pos, end):
        start = pos + 1
        pos = _find(body, start, end, True)
        spans[row, TIME_START], spans[row, TIME_STOP] = start, pos
        bits, status = parse_float(body, start, pos)
        seconds = _as_float(bits)
        if status == MALFORMED or not (abs(seconds) < 9e15):
            return pos, 3
        flags[row] |= np.uint8(HAS_TIME | HARD_TIME if status == HARD else HAS_TIME)
        times[row] = np.int64(seconds * 1000.0)
    if pos < end and load_u8(body, pos) == _SPACE:
        if not _is_exemplar(body, pos, end):
            return pos, 4
        spans[row, EXEMPLAR_START] = pos + 3
        flags[row] |= np.uint8(HAS_EXEMPLAR)
        pos = _find_newline(body, pos, end)
    if pos >= end:
        return pos, 6
    return pos + 1, 0


@kernel
def _sample(
    body: Any, pos: int, end: int, strict: bool, row: int, spans: Any, bits: Any, times: Any, flags: Any
) -> tuple[int, int]:
    """Read the sample line at `pos` into `row`; return (offset after it, fault)."""
    stop = _series_end(body, pos, end, strict)
    if stop < 0:
        return pos, 5
    if stop == pos:
        return pos, 9
    spans[row, START], spans[row, STOP] = pos, stop
    if strict:
        if stop >= end or load_u8(body, stop) != _SPACE:
            return stop, 1
        pos = stop + 1
    else:
        pos = _skip_blanks(body, stop, end)
    value_stop = _find(body, pos, end, strict)
    if value_stop == pos:
        return pos, 1
    value, status = parse_float(body, pos, value_stop)
    if status == MALFORMED:
        return pos, 2
    spans[row, VALUE_START], spans[row, VALUE_STOP] = pos, value_stop
    bits[row] = value
    flags[row] = np.uint8(HARD_VALUE if status == HARD else 0)
    if strict:
        return _strict_tail(body, value_stop, end, row, spans, times, flags)
    return _text_tail(body, value_stop, end, row, spans, times, flags)


@kernel
def _matches(body: Any, pos: int, end: int, first: int, second: int, third: int, fourth: int) -> bool:
    """Return whether four given bytes and a blank stand at `pos`."""
    return (
        end - pos >= 5
        and load_u8(body, pos) == first
        and load_u8(body, pos + 1) == second
        and load_u8(body, pos + 2) == third
        and load_u8(body, pos + 3) == fourth
        and (load_u8(body, pos + 4) == _SPACE or load_u8(body, pos + 4) == _TAB)
    )


@kernel
def _is_note(body: Any, pos: int, end: int) -> bool:
    """Return whether HELP, TYPE or UNIT and a blank stand at `pos`."""
    return (
        _matches(body, pos, end, 72, 69, 76, 80)
        or _matches(body, pos, end, 84, 89, 80, 69)
        or _matches(body, pos, end, 85, 78, 73, 84)
    )


@kernel
def _is_eof(body: Any, pos: int, end: int) -> bool:
    """Return whether `EOF` and nothing but the end of the line stand at `pos`."""
    if (
        end - pos < 3
        or load_u8(body, pos) != 69
        or load_u8(body, pos + 1) != 79
        or load_u8(body, pos + 2) != 70
    ):
        return False
    return end - pos == 3 or load_u8(body, pos + 3) == _NEWLINE


@kernel
def scan_lines(
    body: Any, strict: bool, seed: Any, table: Any, turn: int, last_good: int, columns: Any
) -> tuple[int, int, Any, int, int, int]:
    """Scan `body` into `columns` (spans, bits, times, flags, refs, hashes, comments of a Page).

    `table` is (keys, values, seen) of the known series texts; `seen` gets `turn` for each text met. Returns
    (lines, notes, hash of all notes, known texts not seen since turn `last_good`, fault, offset of the
    faulty line).
    """
    keys, values, seen = table
    spans, bits, times, flags, refs, hashes, comments = columns
    end = len(body)
    pos, row, notes, notes_hash, revived = 0, 0, 0, np.uint64(0), 0
    while pos < end:
        line = pos
        if not strict:
            pos = _skip_blanks(body, pos, end)
            if pos >= end:
                break
            if load_u8(body, pos) == _NEWLINE:
                pos += 1
                continue
        if load_u8(body, pos) == _HASH:
            word = pos + 2 if strict else _skip_blanks(body, pos + 1, end)
            spaced = word > pos + 1 and pos + 1 < end and load_u8(body, pos + 1) != _HASH
            if strict and spaced and load_u8(body, pos + 1) == _SPACE and _is_eof(body, word, end):
                return row, notes, notes_hash, revived, (0 if end - word <= 4 else 7), line
            stop = _find_newline(body, pos, end)
            if spaced and _is_note(body, word, end):
                comments[notes, 0], comments[notes, 1], comments[notes, 2] = word, stop, row
                notes += 1
                notes_hash = notes_hash * np.uint64(0x9E3779B97F4A7C15) + hash_bytes(body, word, stop, seed)
            elif strict:
                return row, notes, notes_hash, revived, 8, line
            if strict and stop >= end:
                return row, notes, notes_hash, revived, 6, line
            pos = stop + 1
            continue
        pos, fault = _sample(body, pos, end, strict, row, spans, bits, times, flags)
        if fault != 0:
            return row, notes, notes_hash, revived, fault, line
        key = hash_bytes(body, spans[row, START], spans[row, STOP], seed) | np.uint64(1)
        hashes[row] = key
        slot = find_slot(keys, key)
        refs[row] = UNKNOWN
        if keys[slot] == key:
            refs[row] = values[slot]
            revived += values[slot] >= 0 and seen[slot] < last_good
            seen[slot] = turn
        row += 1
    return row, notes, notes_hash, revived, (6 if strict else 0), end
