"""What one request decodes to: columns of log records or of spans, as the kernels wrote them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pharos.errors import Kind, PharosError
from pharos.ingest.events import log_wire, span_wire, wire
from pharos.ingest.events.nested import nested_texts
from pharos.ingest.events.origins import KnownOrigins, OriginRow
from pharos.ingest.signals import Plain

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]
T = TypeVar("T")

_TABLE: Final = 1 << 10
_TABLE_MAX: Final = 1 << 20
_NESTED: Final = 16
_GROUPS: Final = 64

REASONS: Final = {
    wire.BAD_TRACE_ID: "a trace id has not 16 bytes",
    wire.BAD_SPAN_ID: "a span id has not 8 bytes",
    wire.BAD_PARENT_ID: "a parent's span id has not 8 bytes",
    wire.BAD_TIME: "a time is beyond the year 2262",
    wire.NO_TRACE_ID: "a span has no trace id",
    wire.NO_SPAN_ID: "a span has no span id",
}


class PairColumns(Struct, frozen=True):
    """Attributes of rows: where each row's end, places of names among the chunk's, values, kinds."""

    ends: NDArray[np.uint64]
    keys: NDArray[np.uint32]
    values: Bytes
    """Packed strings, one for each attribute."""
    kinds: Bytes
    """Packed strings, one for each row."""


class Head(Struct, frozen=True):
    """What logs and spans have in common."""

    rows: int
    origins: tuple[OriginRow, ...]
    """By group."""
    group: NDArray[np.int32]
    """Of each row."""
    ts_ns: Integers
    names: tuple[str, ...]
    """Of attributes."""
    recv_s: int
    """When the request was received, in seconds."""
    rejected: int
    reason: str

    def first_and_last_ns(self) -> tuple[int, int]:
        """Return the first and the last time; there is at least one row."""
        return int(self.ts_ns.min()), int(self.ts_ns.max())


class LogChunk(Struct, frozen=True):
    """Log records of one request."""

    head: Head
    lag_ns: Integers
    flags: NDArray[np.uint32]
    dropped: NDArray[np.uint32]
    severity: Bytes
    level: Bytes
    body_kind: Bytes
    trace_id: Bytes
    span_id: Bytes
    body: Bytes
    severity_text: Bytes
    event_name: Bytes
    attributes: PairColumns

    def memory_bytes(self) -> int:
        """Return what it holds in memory."""
        return (
            self.head.rows * 68 + len(self.body) + 5 * len(self.attributes.keys) + len(self.attributes.values)
        )


class RecordPlaces(Struct, frozen=True):
    """Where the log records of a chunk lie in their request."""

    body: Bytes
    groups: Integers
    """As `wire.measure` writes them."""
    records: Integers
    """Where each begins and ends, also those that were rejected."""
    record_of: NDArray[np.int32]
    """Of each row."""


class SpanChunk(Struct, frozen=True):
    """Spans of one request."""

    head: Head
    duration_ns: Integers
    flags: NDArray[np.uint32]
    dropped: tuple[NDArray[np.uint32], ...]
    """Attributes, events and links that the sender left out."""
    kind: Bytes
    status: Bytes
    trace_id: Bytes
    span_id: Bytes
    parent_id: Bytes
    name: Bytes
    status_message: Bytes
    trace_state: Bytes
    attributes: PairColumns
    event_ends: NDArray[np.uint64]
    event_ts: Integers
    event_name: Bytes
    event_dropped: NDArray[np.uint32]
    event_attributes: PairColumns
    link_ends: NDArray[np.uint64]
    link_trace_id: Bytes
    link_span_id: Bytes
    link_state: Bytes
    link_flags: NDArray[np.uint32]
    link_dropped: NDArray[np.uint32]
    link_attributes: PairColumns

    def memory_bytes(self) -> int:
        """Return what it holds in memory."""
        pairs = (self.attributes, self.event_attributes, self.link_attributes)
        attributes = sum(5 * len(one.keys) + len(one.values) for one in pairs)
        return self.head.rows * 110 + len(self.name) + 60 * len(self.event_ts) + attributes


class _Measured(Struct):
    """What the first pass says of a request, and where it lies."""

    request: wire.Request
    report: Integers

    def count(self, place: int) -> int:
        return int(self.report[place])

    def room(self, rows: int) -> int:
        """Return the most bytes that texts of the request may take, with lengths for so many of them."""
        return len(self.request.body) + len(self.request.nested[1]) + wire.NUMBER_BYTES * rows + wire.SLACK


def _measure(body: Plain, *, is_spans: bool) -> _Measured:
    """Check a request. Raises PharosError(INVALID)."""
    raw = np.frombuffer(body, np.uint8) if len(body) else np.frombuffer(b"\0", np.uint8)[:0]
    # Kernels are compiled for one kind.
    raw.flags.writeable = False
    report = np.zeros(wire.REPORT, np.int64)
    groups, records = np.empty((_GROUPS, wire.GROUP), np.int64), np.empty((len(body) // 32 + 16, 2), np.int64)
    nested = np.empty((_NESTED, 3), np.int64)
    while True:
        wire.measure(raw, is_spans, report, groups, records, nested)
        if report[wire.FAULT]:
            raise PharosError(
                Kind.INVALID,
                f"the body is no OTLP request: what begins at byte {report[wire.FAULT] - 1} is corrupt",
            )
        counts = report[wire.GROUPS], report[wire.RECORDS], report[wire.NESTED]
        if all(have >= want for have, want in zip(map(len, (groups, records, nested)), counts, strict=True)):
            break
        groups, records = np.empty((counts[0], wire.GROUP), np.int64), np.empty((counts[1], 2), np.int64)
        nested = np.empty((counts[2], 3), np.int64)
    groups, records, nested = groups[: counts[0]], records[: counts[1]], nested[: counts[2]]
    texts, ends = nested_texts(body, nested)
    nested = nested if len(nested) else np.zeros((1, 3), np.int64)
    return _Measured(wire.Request(raw, groups, records, (nested, texts, ends)), report)


def _with_room(measured: _Measured, fill: Callable[[Integers, Integers], T | None]) -> T:
    """Return what `fill` returns, once the tables of names that it gets have room for all."""
    size = _TABLE
    while True:
        table, keys = np.zeros(2 * size, np.int64), np.empty((size, 3), np.int64)
        measured.report[wire.DISTINCT :] = measured.report[wire.REJECTED : wire.DISTINCT] = 0
        found = fill(table, keys)
        if found is not None:
            return found
        if size >= _TABLE_MAX:
            raise PharosError(Kind.TOO_LARGE, f"the request has more than {size} names of attributes")
        size *= 8


class _Pairs:
    """Room for attributes of rows."""

    def __init__(self, measured: _Measured, rows: int, pairs: int) -> None:
        self.place = np.zeros(wire.PLACES, np.int64)
        self.ends = np.empty(rows, np.uint64)
        self.columns = wire.Pairs(
            np.empty(pairs, np.uint32),
            np.empty(measured.room(pairs), np.uint8),
            np.empty(pairs, np.uint8),
            np.empty(pairs + 10 * rows + 1, np.uint8),
        )

    def filled(self, rows: int) -> PairColumns:
        columns, place = self.columns, self.place
        return PairColumns(
            self.ends[:rows],
            columns.keys[: place[wire.AT_KEYS]],
            columns.values[: place[wire.AT_VALUES]],
            columns.kinds[: place[wire.AT_PACKED]],
        )


def _origins(measured: _Measured, known: KnownOrigins) -> tuple[OriginRow, ...]:
    """Return where each group comes from. Raises PharosError(INVALID)."""
    raw: Bytes = measured.request.body
    return tuple(
        known.of(raw[row[0] : row[1]].tobytes(), raw[row[2] : row[3]].tobytes())
        for row in measured.request.groups.tolist()
    )


def _head(
    measured: _Measured,
    origins: tuple[OriginRow, ...],
    recv_ns: int,
    rows: int,
    group: NDArray[np.int32],
    ts_ns: Integers,
    keys: Integers,
) -> Head:
    raw: Bytes = measured.request.body
    report = measured.report

    names = tuple(
        raw[key[0] : key[1]].tobytes().decode(errors="replace")
        for key in keys[: measured.count(wire.DISTINCT)].tolist()
    )
    reason = REASONS.get(measured.count(wire.REASON), "")
    return Head(
        rows,
        origins,
        group[:rows],
        ts_ns[:rows],
        names,
        recv_ns // 1_000_000_000,
        int(report[wire.REJECTED]),
        reason,
    )


def decode_logs(body: Plain, recv_ns: int, known: KnownOrigins) -> LogChunk:
    """Return the columns of an ExportLogsServiceRequest. Raises PharosError: INVALID, TOO_LARGE."""
    return decode_placed_logs(body, recv_ns, known)[0]


def decode_placed_logs(body: Plain, recv_ns: int, known: KnownOrigins) -> tuple[LogChunk, RecordPlaces]:
    """Return the same, and where the records lie in the request."""
    measured = _measure(body, is_spans=False)
    origins, count = _origins(measured, known), measured.count(wire.RECORDS)
    levels = np.array([origin.level for origin in origins], np.uint8)

    def fill(table: Integers, keys: Integers) -> tuple[LogChunk, RecordPlaces] | None:
        pairs = _Pairs(measured, count, measured.count(wire.ATTRIBUTES))
        group = np.empty((2, count), np.int32)
        times, lags, flags, dropped = (np.empty(count, np.int64) for _ in range(4))
        bodies, severity_texts, event_names = (np.empty(measured.room(count), np.uint8) for _ in range(3))
        out = log_wire.LogColumns(
            times,
            lags,
            flags,
            dropped,
            severities=np.empty(count, np.uint8),
            levels=np.empty(count, np.uint8),
            body_kinds=np.empty(count, np.uint8),
            ids=np.empty(count * 24, np.uint8),
            bodies=bodies,
            severity_texts=severity_texts,
            event_names=event_names,
            at=np.zeros(3, np.int64),
            pairs=pairs.columns,
            place=pairs.place,
        )
        names = wire.Names(table, keys, measured.report)
        rows = log_wire.fill_logs(measured.request, recv_ns, out, group, pairs.ends, names, levels)
        if rows < 0:
            return None
        by_row = out.ids.reshape(-1, 24)[:rows]
        chunk = LogChunk(
            head=_head(measured, origins, recv_ns, rows, group[0], times, keys),
            lag_ns=lags[:rows],
            flags=flags[:rows].astype(np.uint32),
            dropped=dropped[:rows].astype(np.uint32),
            severity=out.severities[:rows],
            level=out.levels[:rows],
            body_kind=out.body_kinds[:rows],
            trace_id=np.ascontiguousarray(by_row[:, :16]),
            span_id=np.ascontiguousarray(by_row[:, 16:]),
            body=bodies[: out.at[0]],
            severity_text=severity_texts[: out.at[1]],
            event_name=event_names[: out.at[2]],
            attributes=pairs.filled(rows),
        )
        request = measured.request
        return chunk, RecordPlaces(request.body, request.groups, request.records, group[1, :rows])

    return _with_room(measured, fill)


def decode_spans(body: Plain, recv_ns: int, known: KnownOrigins) -> SpanChunk:
    """Return the columns of an ExportTraceServiceRequest. Raises PharosError: INVALID, TOO_LARGE."""
    measured = _measure(body, is_spans=True)
    count, events, links = (measured.count(place) for place in (wire.RECORDS, wire.EVENTS, wire.LINKS))

    def fill(table: Integers, keys: Integers) -> SpanChunk | None:
        own = _Pairs(measured, count, measured.count(wire.ATTRIBUTES))
        of_events = _Pairs(measured, events, measured.count(wire.EVENT_ATTRIBUTES))
        of_links = _Pairs(measured, links, measured.count(wire.LINK_ATTRIBUTES))
        out = span_wire.SpanColumns(
            starts=np.empty(count, np.int64),
            durations=np.empty(count, np.int64),
            flags=np.empty(count, np.int64),
            dropped=tuple(np.empty(count, np.int64) for _ in range(3)),
            kinds=np.empty(count, np.uint8),
            status_codes=np.empty(count, np.uint8),
            ids=np.empty(count * span_wire.ID_BYTES, np.uint8),
            pairs=own.columns,
            place=own.place,
            texts=span_wire.Texts(
                names=np.empty(measured.room(count), np.uint8),
                status_messages=np.empty(measured.room(count), np.uint8),
                trace_states=np.empty(measured.room(count), np.uint8),
                event_names=np.empty(measured.room(events), np.uint8),
                link_states=np.empty(measured.room(links), np.uint8),
                at=np.zeros(span_wire.POSITIONS, np.int64),
            ),
            events=span_wire.EventColumns(
                np.empty(events, np.int64),
                np.empty(events, np.int64),
                of_events.columns,
                of_events.ends,
                of_events.place,
            ),
            links=span_wire.LinkColumns(
                np.empty(links, np.int64),
                np.empty(links, np.int64),
                of_links.columns,
                of_links.ends,
                of_links.place,
                ids=np.empty(links * span_wire.LINK_ID_BYTES, np.uint8),
            ),
        )
        group = np.empty(count, np.int32)
        ends = span_wire.SpanEnds(own.ends, np.empty(count, np.uint64), np.empty(count, np.uint64))
        names = wire.Names(table, keys, measured.report)
        rows = span_wire.fill_spans(measured.request, out, group, ends, names)
        if rows < 0:
            return None
        head = _head(measured, _origins(measured, known), recv_ns, rows, group, out.starts, keys)
        return _span_chunk(head, out, ends, (own, of_events, of_links))

    return _with_room(measured, fill)


def _span_chunk(
    head: Head, out: span_wire.SpanColumns, ends: span_wire.SpanEnds, pairs: tuple[_Pairs, _Pairs, _Pairs]
) -> SpanChunk:
    rows, texts, at = head.rows, out.texts, out.texts.at
    events, links = int(at[span_wire.EVENTS]), int(at[span_wire.LINKS])
    own, of_events, of_links = pairs
    by_row = out.ids.reshape(-1, span_wire.ID_BYTES)[:rows]
    by_link = out.links.ids.reshape(-1, span_wire.LINK_ID_BYTES)[:links]
    return SpanChunk(
        head=head,
        duration_ns=out.durations[:rows],
        flags=out.flags[:rows].astype(np.uint32),
        dropped=tuple(column[:rows].astype(np.uint32) for column in out.dropped),
        kind=out.kinds[:rows],
        status=out.status_codes[:rows],
        trace_id=np.ascontiguousarray(by_row[:, :16]),
        span_id=np.ascontiguousarray(by_row[:, 16:24]),
        parent_id=np.ascontiguousarray(by_row[:, 24:]),
        name=texts.names[: at[span_wire.NAME]],
        status_message=texts.status_messages[: at[span_wire.STATUS_MESSAGE]],
        trace_state=texts.trace_states[: at[span_wire.TRACE_STATE]],
        attributes=own.filled(rows),
        event_ends=ends.events[:rows],
        event_ts=out.events.times[:events],
        event_name=texts.event_names[: at[span_wire.EVENT_NAME]],
        event_dropped=out.events.dropped[:events].astype(np.uint32),
        event_attributes=of_events.filled(events),
        link_ends=ends.links[:rows],
        link_trace_id=np.ascontiguousarray(by_link[:, :16]),
        link_span_id=np.ascontiguousarray(by_link[:, 16:]),
        link_state=texts.link_states[: at[span_wire.LINK_STATE]],
        link_flags=out.links.flags[:links].astype(np.uint32),
        link_dropped=out.links.dropped[:links].astype(np.uint32),
        link_attributes=of_links.filled(links),
    )
