"""Spans to columns: the second pass over a request of traces (opentelemetry-proto, trace/v1)."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

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
    Names,
    Pairs,
    Request,
    pack_kinds,
    pair_pointers,
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


class Texts(NamedTuple):
    """Packed strings of spans, their events and links, and how far each is written."""

    names: Any
    status_messages: Any
    trace_states: Any
    event_names: Any
    link_states: Any
    at: Any


class EventColumns(NamedTuple):
    """Columns of events, a row for each."""

    times: Any
    dropped: Any
    pairs: Pairs
    ends: Any
    """Of their attributes."""
    place: Any
    """How far attributes are written, as `put_pair` keeps it."""


class LinkColumns(NamedTuple):
    """Columns of links, a row for each."""

    flags: Any
    dropped: Any
    pairs: Pairs
    ends: Any
    place: Any
    ids: Any
    """Trace and span, 24 bytes a row."""


class SpanEnds(NamedTuple):
    """Where attributes, events and links of each span end."""

    attributes: Any
    events: Any
    links: Any


class SpanColumns(NamedTuple):
    """Columns of spans, a row for each, and those of what they hold."""

    starts: Any
    durations: Any
    flags: Any
    dropped: Any
    """How many attributes, events and links the sender left out, a column for each."""
    kinds: Any
    status_codes: Any
    ids: Any
    """Trace, span and parent, 32 bytes a row."""
    pairs: Pairs
    place: Any
    texts: Texts
    events: EventColumns
    links: LinkColumns


@kernel
def _fill_event(
    raw: Any, pos: Any, end: Any, event: EventColumns, texts: Texts, nested: Any, names: Any
) -> Any:
    """Write an Event; return 0, BAD_TIME, or FULL."""
    time, dropped = np.uint64(0), np.int64(0)
    name_start, name_stop = np.int64(0), np.int64(0)
    at, place = texts.at, event.place
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
            elif put_pair(raw, start, stop, event.pairs, place, nested, names)[0] < 0:
                return FULL
    if time > np.uint64(_LAST_NS):
        return BAD_TIME
    event.times[row] = np.int64(time)
    event.dropped[row] = dropped
    event.ends[row] = np.uint64(place[AT_KEYS])
    at[EVENT_NAME] = put_text(texts.event_names, at[EVENT_NAME], raw, name_start, name_stop)
    pack_kinds(event.pairs, place)
    at[EVENTS] = row + 1
    return 0


@kernel
def _fill_link(raw: Any, pos: Any, end: Any, link: LinkColumns, texts: Texts, nested: Any, names: Any) -> Any:
    """Write a Link; return 0, why it is rejected, or FULL."""
    flags, dropped = np.int64(0), np.int64(0)
    state_start, state_stop = np.int64(0), np.int64(0)
    at, place, ids = texts.at, link.place, link.ids
    row = at[LINKS]
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
            elif put_pair(raw, start, stop, link.pairs, place, nested, names)[0] < 0:
                return FULL
    link.flags[row] = flags
    link.dropped[row] = dropped
    link.ends[row] = np.uint64(place[AT_KEYS])
    at[LINK_STATE] = put_text(texts.link_states, at[LINK_STATE], raw, state_start, state_stop)
    pack_kinds(link.pairs, place)
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
def _fill_span(raw: Any, pos: Any, end: Any, row: Any, out: SpanColumns, nested: Any, names: Any) -> Any:
    """Write a Span to `row`; return 0, why it is rejected, or FULL."""
    ids, texts, at = out.ids, out.texts, out.texts.at
    start_ns, end_ns = np.uint64(0), np.uint64(0)
    kind, code, flags = np.uint64(0), np.int64(0), np.int64(0)
    has_trace, has_span = 0, 0
    texts_at = (np.int64(0), np.int64(0))
    message, state = texts_at, texts_at
    out.dropped[0][row] = out.dropped[1][row] = out.dropped[2][row] = 0
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
                out.dropped[(field - 10) // 2][row] = np.int64(number & np.uint64(0xFFFFFFFF))
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
                if put_pair(raw, start, stop, out.pairs, out.place, nested, names)[0] < 0:
                    return FULL
            elif field == 11:
                status = _fill_event(raw, start, stop, out.events, texts, nested, names)
                if status != 0:
                    return status
            elif field == 13:
                status = _fill_link(raw, start, stop, out.links, texts, nested, names)
                if status != 0:
                    return status
    if has_trace <= 0:
        return NO_TRACE_ID
    if has_span <= 0:
        return NO_SPAN_ID
    if start_ns > np.uint64(_LAST_NS) or end_ns > np.uint64(_LAST_NS):
        return BAD_TIME
    out.starts[row] = np.int64(start_ns)
    out.durations[row] = np.int64(end_ns) - np.int64(start_ns)
    out.flags[row] = flags
    out.kinds[row] = np.uint8(min(kind, _SMALL))
    out.status_codes[row] = np.uint8(code)
    at[NAME] = put_text(texts.names, at[NAME], raw, texts_at[0], texts_at[1])
    at[STATUS_MESSAGE] = put_text(texts.status_messages, at[STATUS_MESSAGE], raw, message[0], message[1])
    at[TRACE_STATE] = put_text(texts.trace_states, at[TRACE_STATE], raw, state[0], state[1])
    pack_kinds(out.pairs, out.place)
    return 0


@inlined_kernel
def _pointers(out: SpanColumns) -> Any:
    """Return the same columns as pointers."""
    texts, events, links, dropped = out.texts, out.events, out.links, out.dropped
    return SpanColumns(
        pointer(out.starts),
        pointer(out.durations),
        pointer(out.flags),
        (pointer(dropped[0]), pointer(dropped[1]), pointer(dropped[2])),
        pointer(out.kinds),
        pointer(out.status_codes),
        pointer(out.ids),
        pair_pointers(out.pairs),
        pointer(out.place),
        Texts(
            pointer(texts.names),
            pointer(texts.status_messages),
            pointer(texts.trace_states),
            pointer(texts.event_names),
            pointer(texts.link_states),
            pointer(texts.at),
        ),
        EventColumns(
            pointer(events.times),
            pointer(events.dropped),
            pair_pointers(events.pairs),
            pointer(events.ends),
            pointer(events.place),
        ),
        LinkColumns(
            pointer(links.flags),
            pointer(links.dropped),
            pair_pointers(links.pairs),
            pointer(links.ends),
            pointer(links.place),
            pointer(links.ids),
        ),
    )


@kernel
def fill_spans(request: Request, out: SpanColumns, group_of: Any, ends: SpanEnds, names: Names) -> Any:
    """Write the spans of a measured request to columns; return the number of rows, -1 for a full table.

    `group_of` is which group each row is of.
    """
    raw = pointer(request.body)
    groups, records, nested = request.groups, request.records, request.nested
    texts, report = out.texts, names.report
    place, event_place, link_place = out.place, out.events.place, out.links.place
    mark = np.zeros(POSITIONS, np.int64)
    marks = np.zeros((3, PLACES), np.int64)
    pointers = _pointers(out)
    nested_pointers = (pointer(nested[0]), pointer(nested[1]), pointer(nested[2]))
    name_pointers = (pointer(names.table), len(names.table) - 1, pointer(names.keys), pointer(report))
    row, record = 0, 0
    for group in range(len(groups)):
        for _ in range(groups[group, GROUP_RECORDS]):
            mark[:] = texts.at
            marks[0, :] = place
            marks[1, :] = event_place
            marks[2, :] = link_place
            start, stop = records[record, 0], records[record, 1]
            status = _fill_span(raw, start, stop, row, pointers, nested_pointers, name_pointers)
            record += 1
            if status == FULL:
                return -1
            if status != 0:
                report[REJECTED] += 1
                if report[REASON] == 0:
                    report[REASON] = status
                texts.at[:] = mark
                for index in range(PLACES):
                    if index != AT_NESTED:
                        place[index] = marks[0, index]
                        event_place[index] = marks[1, index]
                        link_place[index] = marks[2, index]
                continue
            group_of[row] = group
            ends.attributes[row] = np.uint64(place[AT_KEYS])
            ends.events[row] = np.uint64(texts.at[EVENTS])
            ends.links[row] = np.uint64(texts.at[LINKS])
            row += 1
    return row
