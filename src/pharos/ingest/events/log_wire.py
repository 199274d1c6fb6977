"""Log records to columns: the second pass over a request of logs (opentelemetry-proto, logs/v1)."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.compiled.memory import load_u32, load_u64, pointer, store_u8
from pharos.compiled.protobuf import LENGTH_DELIMITED, read_length, read_tag, read_varint, skip_field
from pharos.ingest.events.levels import UNKNOWN, is_level_name, level_in_line, level_of_number, level_of_text
from pharos.ingest.events.wire import (
    AT_KEYS,
    AT_NESTED,
    BAD_SPAN_ID,
    BAD_TIME,
    BAD_TRACE_ID,
    FULL,
    GROUP_RECORDS,
    LETTERS,
    PLACES,
    REASON,
    REJECTED,
    TEXT,
    Names,
    Pairs,
    Request,
    pack_kinds,
    pair_pointers,
    put_pair,
    put_text,
    put_value,
    read_any,
    read_id,
)

NOT_OBSERVED: Final = -(1 << 63)
"""The lag of a record of which nobody said when it was observed."""
_LAST_NS: Final = 9_223_286_400_000_000_000
"""2262-04-11: what nanoseconds in 64 bits hold, whole days."""
_LETTER_CODES: Final = np.frombuffer(LETTERS.encode(), np.uint8)


class LogColumns(NamedTuple):
    """Columns of log records, a row for each."""

    times: Any
    lags: Any
    """Observed - time."""
    flags: Any
    dropped: Any
    """How many attributes the sender left out."""
    severities: Any
    levels: Any
    body_kinds: Any
    ids: Any
    """Trace and span, 24 bytes a row."""
    bodies: Any
    severity_texts: Any
    event_names: Any
    at: Any
    """How far bodies, texts of severities and names of events are written."""
    pairs: Pairs
    place: Any
    """How far attributes are written, as `put_pair` keeps it."""


@kernel
def _fill_record(
    raw: Any,
    pos: Any,
    end: Any,
    row: Any,
    recv_ns: Any,
    out: LogColumns,
    body_place: Any,
    nested: Any,
    names: Any,
) -> Any:
    """Write a LogRecord to `row`, which has its resource's level; return 0, why it is rejected, or FULL."""
    ids, at, place = out.ids, out.at, out.place
    time, observed, severity, level = np.uint64(0), np.uint64(0), np.int64(0), UNKNOWN
    flags, dropped = np.int64(0), np.int64(0)
    text_start, text_stop, name_start, name_stop = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    body_kind, body_first, body_second = TEXT, np.int64(0), np.int64(0)
    attribute_level = UNKNOWN
    resource_level: Any = np.int64(out.levels[row])
    for index in range(24):
        store_u8(ids, row * 24 + index, np.uint8(0))
    while pos < end:
        field, wire, after = read_tag(raw, pos, end)
        pos = skip_field(raw, after, end, wire)
        if field == 1 and wire == 1:
            time = load_u64(raw, after)
        elif field == 11 and wire == 1:
            observed = load_u64(raw, after)
        elif field == 8 and wire == 5:
            flags = np.int64(load_u32(raw, after))
        elif (field == 2 or field == 7) and wire == 0:
            number, _ = read_varint(raw, after, end)
            if field == 2:
                severity = np.int64(number)
            else:
                dropped = np.int64(number & np.uint64(0xFFFFFFFF))
        elif wire == LENGTH_DELIMITED and 3 <= field <= 12 and field != 4 and field != 11:
            start, stop = read_length(raw, after, end)
            if field == 3:
                text_start, text_stop = start, stop
            elif field == 12:
                name_start, name_stop = start, stop
            elif field == 5:
                body_kind, body_first, body_second, _ = read_any(raw, start, stop)
            elif field == 9:
                if read_id(raw, start, stop, 16, ids, row * 24) < 0:
                    return BAD_TRACE_ID
            elif field == 10:
                if read_id(raw, start, stop, 8, ids, row * 24 + 16) < 0:
                    return BAD_SPAN_ID
            else:
                status, key, first, second = put_pair(raw, start, stop, out.pairs, place, nested, names)
                if status < 0:
                    return FULL
                if (
                    second > first
                    and attribute_level == UNKNOWN
                    and is_level_name(raw, names[2][3 * key], names[2][3 * key + 1])
                ):
                    attribute_level = level_of_text(raw, first, second)
    if time == np.uint64(0):
        time = observed if observed != np.uint64(0) else np.uint64(recv_ns)
    if time > np.uint64(_LAST_NS) or observed > np.uint64(_LAST_NS):
        return BAD_TIME
    level = level_of_number(severity)
    if level == UNKNOWN:
        level = level_of_text(raw, text_start, text_stop)
    if level == UNKNOWN:
        level = attribute_level
    if level == UNKNOWN:
        level = resource_level
    if level == UNKNOWN and body_kind == TEXT:
        level = level_in_line(raw, body_first, body_second)
    out.times[row] = np.int64(time)
    out.lags[row] = np.int64(observed) - np.int64(time) if observed != np.uint64(0) else NOT_OBSERVED
    out.severities[row] = np.uint8(severity) if 0 <= severity <= 255 else np.uint8(0)
    out.levels[row] = np.uint8(level)
    out.body_kinds[row] = _LETTER_CODES[body_kind]
    out.flags[row] = flags
    out.dropped[row] = dropped
    at[0] = put_value(out.bodies, at[0], raw, body_kind, body_first, body_second, nested, body_place)
    at[1] = put_text(out.severity_texts, at[1], raw, text_start, text_stop)
    at[2] = put_text(out.event_names, at[2], raw, name_start, name_stop)
    pack_kinds(out.pairs, place)
    return 0


@inlined_kernel
def _column_pointers(out: Any) -> Any:
    return LogColumns(
        pointer(out.times),
        pointer(out.lags),
        pointer(out.flags),
        pointer(out.dropped),
        pointer(out.severities),
        pointer(out.levels),
        pointer(out.body_kinds),
        pointer(out.ids),
        pointer(out.bodies),
        pointer(out.severity_texts),
        pointer(out.event_names),
        pointer(out.at),
        pair_pointers(out.pairs),
        pointer(out.place),
    )


@kernel
def fill_logs(
    request: Request, recv_ns: Any, out: LogColumns, group_of: Any, ends: Any, names: Names, levels: Any
) -> Any:
    """Write the records of a measured request to columns; return the number of rows, -1 for a full table.

    `group_of` is which group and which record each row is of; the attributes of a row end at `ends`; `levels`
    are those that the resources of groups name.
    """
    raw = pointer(request.body)
    groups, records, nested = request.groups, request.records, request.nested
    at, place, report = out.at, out.place, names.report
    body_place = np.zeros(PLACES, np.int64)
    mark = np.zeros(PLACES + 3, np.int64)
    pointers = _column_pointers(out)
    nested_pointers = (pointer(nested[0]), pointer(nested[1]), pointer(nested[2]))
    name_pointers = (pointer(names.table), len(names.table) - 1, pointer(names.keys), pointer(report))
    row, record = 0, 0
    for group in range(len(groups)):
        for _ in range(groups[group, GROUP_RECORDS]):
            for index in range(3):
                mark[PLACES + index] = at[index]
            for index in range(PLACES):
                mark[index] = place[index]
            start, stop = records[record, 0], records[record, 1]
            out.levels[row] = levels[group]
            status = _fill_record(
                raw, start, stop, row, recv_ns, pointers, pointer(body_place), nested_pointers, name_pointers
            )
            record += 1
            if status == FULL:
                return -1
            if status != 0:
                report[REJECTED] += 1
                if report[REASON] == 0:
                    report[REASON] = status
                for index in range(3):
                    at[index] = mark[PLACES + index]
                for index in range(PLACES):
                    if index != AT_NESTED:
                        place[index] = mark[index]
                continue
            group_of[0, row] = group
            group_of[1, row] = record - 1
            ends[row] = np.uint64(place[AT_KEYS])
            row += 1
    return row
