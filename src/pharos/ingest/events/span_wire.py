"""Spans to columns: the second pass over a request of traces (opentelemetry-proto, trace/v1)."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.compiled.memory import load_u32, load_u64, pointer, store_u8
from pharos.compiled.protobuf import LENGTH_DELIMITED, read_length, read_tag, read_varint, skip_field
from pharos.ingest.events.wire import (
    AT_KEYS,
    AT_NESTED,
    BAD_PARENT_ID,
    BAD_SPAN_ID,
    BAD_TIME,
    BAD_TRACE_ID,
    FULL,
    GROUP_RECORDS,
    NO_SPAN_ID,
    NO_TRACE_ID,
    PLACES,
    REASON,
    REJECTED,
    pack_kinds,
    put_pair,
    put_text,
    read_id,
)

ID_BYTES: Final = 32
"""Of a row: the trace, the span and its parent."""
LINK_ID_BYTES: Final = 24
_LAST_NS: Final = 9_223_286_400_000_000_000
_SMALL: Final = np.uint64(255)

# Places in the positions of texts.
NAME: Final = 0
STATUS_MESSAGE: Final = 1
TRACE_STATE: Final = 2
EVENT_NAME: Final = 3
LINK_STATE: Final = 4
EVENTS: Final = 5
LINKS: Final = 6
POSITIONS: Final = 7


@kernel
def _fill_event(
    raw: Any,
    pos: Any,
    end: Any,
    at: Any,
    texts: Any,
    event: Any,
    place: Any,
    nested: Any,
    names: Any,
) -> Any:
    """Write an Event; return 0, BAD_TIME, or FULL."""
    time, dropped = np.uint64(0), np.int64(0)
    name_start, name_stop = np.int64(0), np.int64(0)
    row = at[EVENTS]
    while pos < end:
        field, wire, after = read_tag(raw, pos, end)
        pos = skip_field(raw, after, end, wire)
        if field == 1 and wire == 1:
            time = load_u64(raw, after)
        elif field == 4 and wire == 0:
            number, _ = read_varint(raw, after, end)
            dropped = np.int64(number & np.uint64(0xFFFFFFFF))
        elif wire == LENGTH_DELIMITED and (field == 2 or field == 3):
            start, stop = read_length(raw, after, end)
            if field == 2:
                name_start, name_stop = start, stop
            elif put_pair(raw, start, stop, event[2], place, nested, names)[0] < 0:
                return FULL
    if time > np.uint64(_LAST_NS):
        return BAD_TIME
    event[0][row] = np.int64(time)
    event[1][row] = dropped
    event[3][row] = np.uint64(place[AT_KEYS])
    at[EVENT_NAME] = put_text(texts[EVENT_NAME], at[EVENT_NAME], raw, name_start, name_stop)
    pack_kinds(event[2], place)
    at[EVENTS] = row + 1
    return 0


@kernel
def _fill_link(
    raw: Any,
    pos: Any,
    end: Any,
    at: Any,
    texts: Any,
    link: Any,
    place: Any,
    nested: Any,
    names: Any,
) -> Any:
    """Write a Link; return 0, why it is rejected, or FULL."""
    flags, dropped = np.int64(0), np.int64(0)
    state_start, state_stop = np.int64(0), np.int64(0)
    row = at[LINKS]
    ids = link[4]
    for index in range(LINK_ID_BYTES):
        store_u8(ids, row * LINK_ID_BYTES + index, np.uint8(0))
    while pos < end:
        field, wire, after = read_tag(raw, pos, end)
        pos = skip_field(raw, after, end, wire)
        if field == 6 and wire == 5:
            flags = np.int64(load_u32(raw, after))
        elif field == 5 and wire == 0:
            number, _ = read_varint(raw, after, end)
            dropped = np.int64(number & np.uint64(0xFFFFFFFF))
        elif wire == LENGTH_DELIMITED and 1 <= field <= 4:
            start, stop = read_length(raw, after, end)
            if field == 1:
                if read_id(raw, start, stop, 16, ids, row * LINK_ID_BYTES) < 0:
                    return BAD_TRACE_ID
            elif field == 2:
                if read_id(raw, start, stop, 8, ids, row * LINK_ID_BYTES + 16) < 0:
                    return BAD_SPAN_ID
            elif field == 3:
                state_start, state_stop = start, stop
            elif put_pair(raw, start, stop, link[2], place, nested, names)[0] < 0:
                return FULL
    link[0][row] = flags
    link[1][row] = dropped
    link[3][row] = np.uint64(place[AT_KEYS])
    at[LINK_STATE] = put_text(texts[LINK_STATE], at[LINK_STATE], raw, state_start, state_stop)
    pack_kinds(link[2], place)
    at[LINKS] = row + 1
    return 0


@kernel
def _read_status(raw: Any, pos: Any, end: Any) -> tuple[Any, Any, Any]:
    """Return (code, message start, message stop) of a Status."""
    code, start, stop = np.int64(0), np.int64(0), np.int64(0)
    while pos < end:
        field, wire, after = read_tag(raw, pos, end)
        if after < 0:
            return code, start, stop
        if field == 2 and wire == LENGTH_DELIMITED:
            start, stop = read_length(raw, after, end)
            if stop < 0:
                return code, np.int64(0), np.int64(0)
        elif field == 3 and wire == 0:
            number, _ = read_varint(raw, after, end)
            code = np.int64(min(number, _SMALL))
        pos = skip_field(raw, after, end, wire)
        if pos < 0:
            return code, start, stop
    return code, start, stop


@kernel
def _fill_span(
    raw: Any,
    pos: Any,
    end: Any,
    row: Any,
    numbers: Any,
    small: Any,
    ids: Any,
    texts: Any,
    at: Any,
    columns: Any,
    event: Any,
    link: Any,
    places: Any,
    nested: Any,
    names: Any,
) -> Any:
    """Write a Span to `row`; return 0, why it is rejected, or FULL."""
    start_ns, end_ns = np.uint64(0), np.uint64(0)
    kind, code, flags = np.uint64(0), np.int64(0), np.int64(0)
    has_trace, has_span = 0, 0
    texts_at = (np.int64(0), np.int64(0))
    message, state = texts_at, texts_at
    numbers[3][row] = numbers[4][row] = numbers[5][row] = 0
    for index in range(ID_BYTES):
        store_u8(ids, row * ID_BYTES + index, np.uint8(0))
    while pos < end:
        field, wire, after = read_tag(raw, pos, end)
        pos = skip_field(raw, after, end, wire)
        if wire == 1 and field == 7:
            start_ns = load_u64(raw, after)
        elif wire == 1 and field == 8:
            end_ns = load_u64(raw, after)
        elif wire == 5 and field == 16:
            flags = np.int64(load_u32(raw, after))
        elif wire == 0 and (field == 6 or field == 10 or field == 12 or field == 14):
            number, _ = read_varint(raw, after, end)
            if field == 6:
                kind = number
            else:
                numbers[3 + (field - 10) // 2][row] = np.int64(number & np.uint64(0xFFFFFFFF))
        elif wire == LENGTH_DELIMITED:
            start, stop = read_length(raw, after, end)
            if field == 1:
                has_trace = read_id(raw, start, stop, 16, ids, row * ID_BYTES)
                if has_trace < 0:
                    return BAD_TRACE_ID
            elif field == 2:
                has_span = read_id(raw, start, stop, 8, ids, row * ID_BYTES + 16)
                if has_span < 0:
                    return BAD_SPAN_ID
            elif field == 4:
                if read_id(raw, start, stop, 8, ids, row * ID_BYTES + 24) < 0:
                    return BAD_PARENT_ID
            elif field == 3:
                state = (start, stop)
            elif field == 5:
                texts_at = (start, stop)
            elif field == 15:
                code, message_start, message_stop = _read_status(raw, start, stop)
                message = (message_start, message_stop)
            elif field == 9:
                if put_pair(raw, start, stop, columns, places[0], nested, names)[0] < 0:
                    return FULL
            elif field == 11:
                status = _fill_event(raw, start, stop, at, texts, event, places[1], nested, names)
                if status != 0:
                    return status
            elif field == 13:
                status = _fill_link(raw, start, stop, at, texts, link, places[2], nested, names)
                if status != 0:
                    return status
    if has_trace <= 0:
        return NO_TRACE_ID
    if has_span <= 0:
        return NO_SPAN_ID
    if start_ns > np.uint64(_LAST_NS) or end_ns > np.uint64(_LAST_NS):
        return BAD_TIME
    numbers[0][row] = np.int64(start_ns)
    numbers[1][row] = np.int64(end_ns) - np.int64(start_ns)
    numbers[2][row] = flags
    small[0][row] = np.uint8(min(kind, _SMALL))
    small[1][row] = np.uint8(code)
    at[NAME] = put_text(texts[NAME], at[NAME], raw, texts_at[0], texts_at[1])
    at[STATUS_MESSAGE] = put_text(texts[STATUS_MESSAGE], at[STATUS_MESSAGE], raw, message[0], message[1])
    at[TRACE_STATE] = put_text(texts[TRACE_STATE], at[TRACE_STATE], raw, state[0], state[1])
    pack_kinds(columns, places[0])
    return 0


@inlined_kernel
def _columns(columns: Any) -> Any:
    """Return the pointers of what `put_pair` writes."""
    return pointer(columns[0]), pointer(columns[1]), pointer(columns[2]), pointer(columns[3])


@kernel
def fill_spans(
    body: Any,
    groups: Any,
    records: Any,
    numbers: Any,
    small: Any,
    ids: Any,
    group_of: Any,
    ends: Any,
    texts: Any,
    at: Any,
    columns: Any,
    event: Any,
    link: Any,
    places: Any,
    nested: Any,
    table: Any,
    keys: Any,
    report: Any,
) -> Any:
    """Write the spans of a measured request to columns; return the number of rows, -1 for a full table.

    `numbers` are starts, durations, flags and three counts of what was dropped; `small` kinds and status
    codes; `ids` trace, span and parent, 32 bytes a row; `ends` where attributes, events and links of each row
    end. `event` is times, dropped, columns as of `put_pair` and where attributes end; `link` the same with
    flags for times, and ids of 24 bytes.
    """
    raw = pointer(body)
    mark = np.zeros(POSITIONS, np.int64)
    marks = np.zeros((3, PLACES), np.int64)
    pointers = (
        (
            pointer(numbers[0]),
            pointer(numbers[1]),
            pointer(numbers[2]),
            pointer(numbers[3]),
            pointer(numbers[4]),
            pointer(numbers[5]),
        ),
        (pointer(small[0]), pointer(small[1])),
        pointer(ids),
        (pointer(texts[0]), pointer(texts[1]), pointer(texts[2]), pointer(texts[3]), pointer(texts[4])),
        pointer(at),
        _columns(columns),
        (pointer(event[0]), pointer(event[1]), _columns(event[2]), pointer(event[3])),
        (pointer(link[0]), pointer(link[1]), _columns(link[2]), pointer(link[3]), pointer(link[4])),
        (pointer(places[0]), pointer(places[1]), pointer(places[2])),
        (pointer(nested[0]), pointer(nested[1]), pointer(nested[2])),
        (pointer(table), len(table) - 1, pointer(keys), pointer(report)),
    )
    row, record = 0, 0
    for group in range(len(groups)):
        for _ in range(groups[group, GROUP_RECORDS]):
            mark[:] = at
            marks[0, :] = places[0]
            marks[1, :] = places[1]
            marks[2, :] = places[2]
            status = _fill_span(raw, records[record, 0], records[record, 1], row, *pointers)
            record += 1
            if status == FULL:
                return -1
            if status != 0:
                report[REJECTED] += 1
                if report[REASON] == 0:
                    report[REASON] = status
                at[:] = mark
                for index in range(PLACES):
                    if index != AT_NESTED:
                        places[0][index] = marks[0, index]
                        places[1][index] = marks[1, index]
                        places[2][index] = marks[2, index]
                continue
            group_of[row] = group
            ends[0][row] = np.uint64(places[0][AT_KEYS])
            ends[1][row] = np.uint64(at[EVENTS])
            ends[2][row] = np.uint64(at[LINKS])
            row += 1
    return row
