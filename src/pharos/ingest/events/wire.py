"""OTLP logs and traces on the wire, as far as both are alike: values, pairs, and the frame around records.

Two passes, both compiled. The first (`measure`) checks the whole request and counts what the second writes,
so that nothing is allocated for what does not hold together. Values that hold others become JSON between the
two, in Python: `measure` says where they lie.

A request is `repeated ResourceX = 1`, that is `Resource = 1, repeated ScopeX = 2`, and that is
`InstrumentationScope = 1, repeated record = 2` (opentelemetry-proto, logs/v1 and trace/v1).
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from pharos.compiled.float_text import write_float
from pharos.compiled.hashing import hash_bytes
from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.compiled.memory import copy_bytes, load_u8, load_u64, pointer, store_u8
from pharos.compiled.protobuf import (
    FIXED64,
    LENGTH_DELIMITED,
    VARINT,
    is_utf8,
    read_fixed64,
    read_length,
    read_tag,
    read_varint,
    skip_field,
    write_varint,
)

# What a value is; `LETTERS[kind]` is how it is kept.
TEXT: Final = 0
INTEGER: Final = 1
DOUBLE: Final = 2
BOOL: Final = 3
BYTES: Final = 4
ARRAY: Final = 5
MAP: Final = 6
NONE: Final = 7
LETTERS: Final = "sidbyamn"
_LETTER_CODES: Final = np.frombuffer(LETTERS.encode(), np.uint8)

# Places in the report of `measure`.
FAULT: Final = 0
"""0, or where the request does not hold together, counted from 1."""
RECORDS: Final = 1
GROUPS: Final = 2
ATTRIBUTES: Final = 3
EVENTS: Final = 4
EVENT_ATTRIBUTES: Final = 5
LINKS: Final = 6
LINK_ATTRIBUTES: Final = 7
NESTED: Final = 8
"""Values that hold others, or bytes."""
REJECTED: Final = 9
REASON: Final = 10
"""Why the first record was rejected."""
DISTINCT: Final = 11
"""Attribute names that differ."""
REPORT: Final = 12

# Places in a row of groups.
RESOURCE_START: Final = 0
RESOURCE_STOP: Final = 1
SCOPE_START: Final = 2
SCOPE_STOP: Final = 3
GROUP_RECORDS: Final = 4
GROUP: Final = 5

# Why a record is rejected.
BAD_TRACE_ID: Final = 1
BAD_SPAN_ID: Final = 2
BAD_PARENT_ID: Final = 3
BAD_TIME: Final = 4
NO_TRACE_ID: Final = 5
NO_SPAN_ID: Final = 6
FULL: Final = -1
"""No reason but that a table is full: it is to be done again with more room."""

# Places in the positions of what is written.
AT_VALUES: Final = 0
AT_KEYS: Final = 1
AT_KINDS: Final = 2
AT_NESTED: Final = 3
AT_PACKED: Final = 4
PLACES: Final = 5

NUMBER_BYTES: Final = 32
"""More than any number takes as text, with its length."""
SLACK: Final = 96
_KEY_SEED: Final = np.uint64(0x7068_6172_6F73_0003)
_ASCII: Final = 0x80
_TEN: Final = np.uint64(10)


class Request(NamedTuple):
    """A request of which `measure` told where everything lies."""

    body: Any
    groups: Any
    records: Any
    nested: Any
    """Where values lie that hold others, their JSON, and where each of these ends."""


class Names(NamedTuple):
    """The names of attributes: a table of hashes, and where the name of each number lies."""

    table: Any
    keys: Any
    report: Any


class Pairs(NamedTuple):
    """What `put_pair` writes of the attributes of rows."""

    keys: Any
    values: Any
    letters: Any
    """Kinds of the row that is being written."""
    kinds: Any


@inlined_kernel
def pair_pointers(pairs: Pairs) -> Any:
    """Return the same as pointers."""
    return Pairs(pointer(pairs.keys), pointer(pairs.values), pointer(pairs.letters), pointer(pairs.kinds))


@kernel
def read_any(raw: Any, pos: Any, end: Any) -> tuple[Any, Any, Any, Any]:
    """Return (kind, first, second, status) of the AnyValue in [pos, end); status -1 if it is malformed.

    `first` and `second` are where the content of text, bytes, arrays and maps begins and ends; of a number
    `first` is its bits.
    """
    kind, first, second = NONE, np.int64(0), np.int64(0)
    while pos < end:
        field, wire, after = read_tag(raw, pos, end)
        if after < 0:
            return kind, first, second, -1
        if field == 1 or 5 <= field <= 7:
            if wire != LENGTH_DELIMITED:
                return kind, first, second, -1
            first, second = read_length(raw, after, end)
            if second < 0:
                return kind, first, second, -1
            kind = TEXT if field == 1 else (ARRAY if field == 5 else (MAP if field == 6 else BYTES))
            pos = second
        elif field == 2 or field == 3:
            if wire != VARINT:
                return kind, first, second, -1
            number, pos = read_varint(raw, after, end)
            kind, first = BOOL if field == 2 else INTEGER, np.int64(number)
        elif field == 4:
            if wire != FIXED64:
                return kind, first, second, -1
            number, pos = read_fixed64(raw, after, end)
            kind, first = DOUBLE, np.int64(number)
        else:
            pos = skip_field(raw, after, end, wire)
        if pos < 0:
            return kind, first, second, -1
    return kind, first, second, 0


@kernel
def read_pair(raw: Any, pos: Any, end: Any) -> tuple[Any, Any, Any, Any, Any, Any]:
    """Return (key start, key stop, kind, first, second, status) of the KeyValue in [pos, end)."""
    key_start, key_stop = np.int64(0), np.int64(0)
    kind, first, second = NONE, np.int64(0), np.int64(0)
    while pos < end:
        field, wire, after = read_tag(raw, pos, end)
        if after < 0:
            return key_start, key_stop, kind, first, second, -1
        if field == 1 or field == 2:
            if wire != LENGTH_DELIMITED:
                return key_start, key_stop, kind, first, second, -1
            start, stop = read_length(raw, after, end)
            if stop < 0:
                return key_start, key_stop, kind, first, second, -1
            if field == 1:
                key_start, key_stop = start, stop
            else:
                kind, first, second, status = read_any(raw, start, stop)
                if status < 0:
                    return key_start, key_stop, kind, first, second, -1
            pos = stop
        else:
            pos = skip_field(raw, after, end, wire)
            if pos < 0:
                return key_start, key_stop, kind, first, second, -1
    return key_start, key_stop, kind, first, second, 0


@kernel
def note_nested(kind: Any, first: Any, second: Any, report: Any, nested: Any) -> None:
    """Note where a value lies that becomes JSON or base64; what there is no room for is counted only."""
    if kind < BYTES or kind == NONE:
        return
    index = report[NESTED]
    if index < len(nested):
        nested[index, 0] = first
        nested[index, 1] = second
        nested[index, 2] = kind
    report[NESTED] = index + 1


@kernel
def _measure_pairs_in(
    raw: Any, pos: Any, end: Any, field_wanted: Any, place: Any, report: Any, nested: Any
) -> Any:
    """Count the attributes of a message in field `field_wanted`; return 0, or -1 if it is malformed."""
    while pos < end:
        field, wire, after = read_tag(raw, pos, end)
        if after < 0:
            return -1
        if field == field_wanted:
            if wire != LENGTH_DELIMITED:
                return -1
            start, stop = read_length(raw, after, end)
            if stop < 0:
                return -1
            _, _, kind, first, second, status = read_pair(raw, start, stop)
            if status < 0:
                return -1
            note_nested(kind, first, second, report, nested)
            report[place] += 1
            pos = stop
        else:
            pos = skip_field(raw, after, end, wire)
            if pos < 0:
                return -1
    return 0


@kernel
def _measure_log(raw: Any, pos: Any, end: Any, report: Any, nested: Any) -> Any:
    """Count what a LogRecord holds; return 0, or -1 if it is malformed."""
    while pos < end:
        field, wire, after = read_tag(raw, pos, end)
        if after < 0:
            return -1
        if field == 5 or field == 6:
            if wire != LENGTH_DELIMITED:
                return -1
            start, stop = read_length(raw, after, end)
            if stop < 0:
                return -1
            if field == 5:
                kind, first, second, status = read_any(raw, start, stop)
            else:
                _, _, kind, first, second, status = read_pair(raw, start, stop)
                report[ATTRIBUTES] += 1
            if status < 0:
                return -1
            note_nested(kind, first, second, report, nested)
            pos = stop
        else:
            pos = skip_field(raw, after, end, wire)
            if pos < 0:
                return -1
    return 0


@kernel
def _measure_span(raw: Any, pos: Any, end: Any, report: Any, nested: Any) -> Any:
    """Count what a Span holds; return 0, or -1 if it is malformed."""
    while pos < end:
        field, wire, after = read_tag(raw, pos, end)
        if after < 0:
            return -1
        if field == 9 or field == 11 or field == 13:
            if wire != LENGTH_DELIMITED:
                return -1
            start, stop = read_length(raw, after, end)
            if stop < 0:
                return -1
            if field == 9:
                _, _, kind, first, second, status = read_pair(raw, start, stop)
                note_nested(kind, first, second, report, nested)
                report[ATTRIBUTES] += 1
            elif field == 11:
                status = _measure_pairs_in(raw, start, stop, 3, EVENT_ATTRIBUTES, report, nested)
                report[EVENTS] += 1
            else:
                status = _measure_pairs_in(raw, start, stop, 4, LINK_ATTRIBUTES, report, nested)
                report[LINKS] += 1
            if status < 0:
                return -1
            pos = stop
        else:
            pos = skip_field(raw, after, end, wire)
            if pos < 0:
                return -1
    return 0


@kernel
def first_message(raw: Any, pos: Any, end: Any, wanted: Any) -> tuple[Any, Any]:
    """Return where the last message of field `wanted` lies in [pos, end); (0, 0) if there is none.

    Stop -1 if the message is malformed.
    """
    found_start, found_stop = np.int64(0), np.int64(0)
    while pos < end:
        field, wire, after = read_tag(raw, pos, end)
        if after < 0:
            return found_start, -1
        if field == wanted:
            if wire != LENGTH_DELIMITED:
                return found_start, -1
            found_start, found_stop = read_length(raw, after, end)
            pos = found_stop
        else:
            pos = skip_field(raw, after, end, wire)
        if pos < 0:
            return found_start, -1
    return found_start, found_stop


@kernel
def _measure_scope(
    raw: Any,
    pos: Any,
    end: Any,
    resource: Any,
    is_spans: Any,
    report: Any,
    groups: Any,
    records: Any,
    nested: Any,
) -> Any:
    """Count the records of a ScopeX message; return 0, or -1 if it is malformed."""
    scope_start, scope_stop = first_message(raw, pos, end, 1)
    if scope_stop < 0:
        return -1
    index = report[GROUPS]
    before = report[RECORDS]
    while pos < end:
        field, wire, after = read_tag(raw, pos, end)
        if after < 0:
            return -1
        if field == 2:
            if wire != LENGTH_DELIMITED:
                return -1
            start, stop = read_length(raw, after, end)
            if stop < 0:
                return -1
            if is_spans:
                status = _measure_span(raw, start, stop, report, nested)
            else:
                status = _measure_log(raw, start, stop, report, nested)
            if status < 0:
                return -1
            if report[RECORDS] < len(records):
                records[report[RECORDS], 0] = start
                records[report[RECORDS], 1] = stop
            report[RECORDS] += 1
            pos = stop
        else:
            pos = skip_field(raw, after, end, wire)
            if pos < 0:
                return -1
    if index < len(groups):
        groups[index, RESOURCE_START] = resource[0]
        groups[index, RESOURCE_STOP] = resource[1]
        groups[index, SCOPE_START] = scope_start
        groups[index, SCOPE_STOP] = scope_stop
        groups[index, GROUP_RECORDS] = report[RECORDS] - before
    report[GROUPS] = index + 1
    return 0


@kernel
def measure(body: Any, is_spans: Any, report: Any, groups: Any, records: Any, nested: Any) -> None:
    """Check a request and count what it holds.

    `report[FAULT]` says where it does not hold together. Rows are filled of `groups` for each ScopeX, of
    `records` with where each lies, and of `nested` for each value that holds others, as far as there is room:
    the counts tell what is needed.
    """
    raw, end, pos = pointer(body), len(body), np.int64(0)
    report[:] = 0
    while pos < end:
        field, wire, after = read_tag(raw, pos, end)
        if after < 0 or (field == 1 and wire != LENGTH_DELIMITED):
            report[FAULT] = pos + 1
            return
        if field == 1:
            start, stop = read_length(raw, after, end)
            status = -1 if stop < 0 else 0
            if status == 0:
                resource = first_message(raw, start, stop, 1)
                status = -1 if resource[1] < 0 else 0
            inner = start
            while status == 0 and inner < stop:
                number, inner_wire, inner_after = read_tag(raw, inner, stop)
                if inner_after < 0 or (number == 2 and inner_wire != LENGTH_DELIMITED):
                    status = -1
                elif number == 2:
                    scope, scope_stop = read_length(raw, inner_after, stop)
                    if scope_stop < 0:
                        status = -1
                    else:
                        status = _measure_scope(
                            raw, scope, scope_stop, resource, is_spans, report, groups, records, nested
                        )
                    inner = scope_stop
                else:
                    inner = skip_field(raw, inner_after, stop, inner_wire)
                    status = -1 if inner < 0 else 0
            if status < 0:
                report[FAULT] = pos + 1
                return
            pos = stop
        else:
            pos_after = skip_field(raw, after, end, wire)
            if pos_after < 0:
                report[FAULT] = pos + 1
                return
            pos = pos_after


@kernel
def put_text(out: Any, at: Any, raw: Any, start: Any, stop: Any) -> Any:
    """Write bytes with their length before them; return the position after. What is no UTF-8 becomes `?`."""
    length = stop - start
    at = write_varint(out, at, np.uint64(length))
    if is_utf8(raw, start, stop):
        copy_bytes(out, at, raw, start, length)
        return at + length
    for index in range(length):
        byte = load_u8(raw, start + index)
        store_u8(out, at + index, byte if byte < _ASCII else np.uint8(ord("?")))
    return at + length


@inlined_kernel
def put_integer(out: Any, at: Any, number: Any) -> Any:
    """Write an int64 as text with its length before it; return the position after."""
    size = np.uint64(number)
    begin = at + 1
    if number < 0:
        store_u8(out, begin, np.uint8(ord("-")))
        begin += 1
        size = np.uint64(0) - size
    count, left = 1, size // _TEN
    while left != np.uint64(0):
        count += 1
        left //= _TEN
    for index in range(count):
        rest = size // _TEN
        store_u8(out, begin + count - 1 - index, np.uint8(np.uint64(ord("0")) + size - rest * _TEN))
        size = rest
    store_u8(out, at, np.uint8(begin + count - at - 1))
    return begin + count


@kernel
def put_value(
    out: Any, at: Any, raw: Any, kind: Any, first: Any, second: Any, nested: Any, place: Any
) -> Any:
    """Write a value as text with its length before it; return the position after.

    `nested` is where values lie that hold others, what they became, and where each of these ends;
    `place[AT_NESTED]` is the next of them.
    """
    if kind == TEXT:
        return put_text(out, at, raw, first, second)
    if kind == INTEGER:
        return put_integer(out, at, first)
    if kind == DOUBLE:
        after = write_float(out, at + 1, np.uint64(first))
        store_u8(out, at, np.uint8(after - at - 1))
        return after
    if kind == BOOL:
        word = np.uint64(0x65757274) if first != 0 else np.uint64(0x65736C6166)
        count = 4 if first != 0 else 5
        store_u8(out, at, np.uint8(count))
        for index in range(count):
            store_u8(out, at + 1 + index, np.uint8(word >> np.uint64(8 * index)))
        return at + 1 + count
    if kind == NONE:
        store_u8(out, at, np.uint8(0))
        return at + 1
    spans, texts, ends = nested
    index = place[AT_NESTED]
    while spans[3 * index] != first or spans[3 * index + 1] != second:
        index += 1
    place[AT_NESTED] = index
    begin = ends[index - 1] if index > 0 else 0
    return put_text(out, at, texts, begin, ends[index])


@inlined_kernel
def _is_same(raw: Any, left: Any, right: Any, count: Any) -> Any:
    """Return whether two runs of `count` bytes are the same."""
    while count >= 8:
        if load_u64(raw, left) != load_u64(raw, right):
            return False
        left, right, count = left + 8, right + 8, count - 8
    is_same = True
    for index in range(count):
        is_same &= load_u8(raw, left + index) == load_u8(raw, right + index)
    return is_same


@kernel
def key_index(raw: Any, start: Any, stop: Any, names: Any) -> Any:
    """Return the number of an attribute's name among those of the request; -1 if the table is full.

    `names` is a table of a power of two of places, that number less one, rows of (start, stop, hash) for half
    as many names, and the report that counts them.
    """
    table, mask, keys, report = names
    found = np.int64(hash_bytes(raw, start, stop, _KEY_SEED))
    slot = found & mask
    while table[slot] != 0:
        row = 3 * (table[slot] - 1)
        is_alike = keys[row + 2] == found and keys[row + 1] - keys[row] == stop - start
        if is_alike and _is_same(raw, keys[row], start, stop - start):
            return table[slot] - 1
        slot = (slot + 1) & mask
    count = report[DISTINCT]
    if 2 * count > mask:
        return np.int64(-1)
    keys[3 * count] = start
    keys[3 * count + 1] = stop
    keys[3 * count + 2] = found
    table[slot] = count + 1
    report[DISTINCT] = count + 1
    return count


@kernel
def put_pair(
    raw: Any,
    start: Any,
    stop: Any,
    columns: Any,
    place: Any,
    nested: Any,
    names: Any,
) -> tuple[Any, Any, Any, Any]:
    """Write an attribute to `columns`: key numbers, values, letters of kinds (see `pack_kinds`).

    Returns (status, key number, first, second): where its text lies, both 0 if it is none; status -1 if the
    table is full.
    """
    key_start, key_stop, kind, first, second, _ = read_pair(raw, start, stop)
    number = key_index(raw, key_start, key_stop, names)
    if number < 0:
        return -1, number, np.int64(0), np.int64(0)
    columns[0][place[AT_KEYS]] = number
    place[AT_KEYS] += 1
    place[AT_VALUES] = put_value(columns[1], place[AT_VALUES], raw, kind, first, second, nested, place)
    columns[2][place[AT_KINDS]] = _LETTER_CODES[kind]
    place[AT_KINDS] += 1
    if kind != TEXT:
        return 0, number, np.int64(0), np.int64(0)
    return 0, number, first, second


@kernel
def read_id(raw: Any, start: Any, stop: Any, size: Any, out: Any, at: Any) -> Any:
    """Copy an identifier of `size` bytes; return 1, 0 for none or zeros, -1 for another length."""
    if start == stop:
        return 0
    if stop - start != size:
        return -1
    copy_bytes(out, at, raw, start, size)
    for index in range(size):
        if load_u8(raw, start + index) != 0:
            return 1
    return 0


@kernel
def pack_kinds(columns: Any, place: Any) -> None:
    """End a row: its letters go to `columns[3]` with their length before them, none if all are text."""
    letters, out = columns[2], columns[3]
    count, at = place[AT_KINDS], place[AT_PACKED]
    is_plain = True
    for index in range(count):
        is_plain &= letters[index] == _LETTER_CODES[TEXT]
    if is_plain:
        count = 0
    at = write_varint(out, at, np.uint64(count))
    for index in range(count):
        store_u8(out, at + index, letters[index])
    place[AT_PACKED] = at + count
    place[AT_KINDS] = 0
