"""Decoded logs and spans into the engine: one block a table, the segment's name as token."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pharos.engine import Engine, native
from pharos.engine.keys import DAY_NS, event_bucket_of
from pharos.engine.native import Column, WordMap
from pharos.ingest.events.chunks import Head, LogChunk, PairColumns, SpanChunk
from pharos.ingest.events.origins import OriginRow, Pairs

_TIME: Final = "DateTime64(9, 'UTC')"


class _Chunk(Protocol):
    @property
    def head(self) -> Head: ...


class NewOrigin(Struct, frozen=True):
    """An origin that is to be written for a day."""

    tenant: str
    day: int
    recv_s: int
    row: OriginRow


class NewField(Struct, frozen=True):
    """An attribute's name that is to be written for a day."""

    tenant: str
    day: int
    recv_s: int
    name: str


def _bytes(values: NDArray[np.generic]) -> memoryview:
    return np.ascontiguousarray(values).data.cast("B") if values.size else memoryview(b"")


def _joined(name: str, kind: str, arrays: Iterable[NDArray[np.generic]]) -> Column:
    return native.joined(name, kind, [_bytes(array) for array in arrays])


def _running(ends: Sequence[NDArray[np.uint64]], sizes: Sequence[int]) -> NDArray[np.uint64]:
    """Return where rows end, counted over all chunks."""
    before, found = 0, []
    for part, size in zip(ends, sizes, strict=True):
        found.append(part + np.uint64(before))
        before += size
    return np.concatenate(found) if len(found) != 1 else found[0]


class _Names:
    """The names of attributes of all chunks, and each chunk's places among them."""

    def __init__(self, heads: Sequence[Head]) -> None:
        places: dict[str, int] = {}
        self.of_chunk: list[NDArray[np.uint32]] = []
        for head in heads:
            found = [places.setdefault(name, len(places)) for name in head.names]
            self.of_chunk.append(np.array(found, np.uint32))
        self.all = tuple(places)

    def maps(self, parts: Sequence[PairColumns]) -> WordMap:
        """Return the attributes of all chunks as maps."""
        places = [own[part.keys] for own, part in zip(self.of_chunk, parts, strict=True)]
        ends = _running([part.ends for part in parts], [len(part.keys) for part in parts])
        joined = np.concatenate(places) if len(places) != 1 else places[0]
        return WordMap(ends, self.all, joined, [_bytes(part.values) for part in parts])


class _Rows(Struct, frozen=True):
    """What every table of records begins with."""

    count: int
    columns: list[Column]


def _received(runs: Sequence[tuple[int, int]]) -> Column:
    """Return when rows were received: runs of a time in seconds and a number of rows."""
    times, counts = zip(*runs, strict=True)
    return native.numbers("received", np.repeat(np.array(times, np.uint32), counts), "DateTime('UTC')")


def _rows(chunks: Sequence[tuple[str, _Chunk]]) -> _Rows:
    heads = [chunk.head for _, chunk in chunks]
    ts = np.concatenate([head.ts_ns for head in heads])
    services: dict[str, int] = {}
    of_service, of_origin = [], []
    for head in heads:
        places = np.array(
            [services.setdefault(one.service, len(services)) for one in head.origins], np.uint32
        )
        of_service.append(places[head.group])
        of_origin.append(np.array([one.id for one in head.origins], np.uint64)[head.group])
    columns = [
        native.repeated_string("tenant", [(tenant, chunk.head.rows) for tenant, chunk in chunks]),
        native.numbers("b", event_bucket_of(ts)),
        native.words("service", tuple(services), np.concatenate(of_service)),
        native.numbers("origin", np.concatenate(of_origin)),
        native.numbers("ts", ts, _TIME),
        _received([(head.recv_s, head.rows) for head in heads]),
    ]
    return _Rows(len(ts), columns)


def insert_logs(engine: Engine, chunks: Sequence[tuple[str, LogChunk]], token: str) -> None:
    """Store log records durably; repeating it with the same token adds nothing. Raises as `Engine.load`."""
    parts = [chunk for _, chunk in chunks]
    names = _Names([part.head for part in parts])
    rows = _rows(chunks)
    engine.load(
        "logs",
        rows.count,
        [
            *rows.columns,
            _joined("lag_ns", "Int64", (part.lag_ns for part in parts)),
            _joined("severity", "UInt8", (part.severity for part in parts)),
            _joined("level", "UInt8", (part.level for part in parts)),
            _joined("severity_text", "String", (part.severity_text for part in parts)),
            _joined("body", "String", (part.body for part in parts)),
            _joined("body_kind", "FixedString(1)", (part.body_kind for part in parts)),
            _joined("event_name", "String", (part.event_name for part in parts)),
            _joined("trace_id", "FixedString(16)", (part.trace_id for part in parts)),
            _joined("span_id", "FixedString(8)", (part.span_id for part in parts)),
            _joined("flags", "UInt32", (part.flags for part in parts)),
            _joined("dropped", "UInt32", (part.dropped for part in parts)),
            native.word_map("attributes", names.maps([part.attributes for part in parts])),
            _joined("kinds", "String", (part.attributes.kinds for part in parts)),
        ],
        token=token,
    )


def insert_spans(engine: Engine, chunks: Sequence[tuple[str, SpanChunk]], token: str) -> None:
    """Store spans durably, and when each trace was; see `insert_logs`."""
    parts = [chunk for _, chunk in chunks]
    rows = _rows(chunks)
    engine.load(
        "spans", rows.count, [*rows.columns, *_span_columns(parts), *_inner_columns(parts)], token=token
    )
    _insert_traces(engine, chunks, token)


def _span_columns(parts: Sequence[SpanChunk]) -> list[Column]:
    names = _Names([part.head for part in parts])
    dropped = ("dropped_attributes", "dropped_events", "dropped_links")
    return [
        _joined("name", "String", (part.name for part in parts)),
        _joined("duration", "Int64", (part.duration_ns for part in parts)),
        _joined("trace_id", "FixedString(16)", (part.trace_id for part in parts)),
        _joined("span_id", "FixedString(8)", (part.span_id for part in parts)),
        _joined("parent_id", "FixedString(8)", (part.parent_id for part in parts)),
        _joined("kind", "UInt8", (part.kind for part in parts)),
        _joined("status", "UInt8", (part.status for part in parts)),
        _joined("status_message", "String", (part.status_message for part in parts)),
        _joined("trace_state", "String", (part.trace_state for part in parts)),
        _joined("flags", "UInt32", (part.flags for part in parts)),
        *(_joined(name, "UInt32", (part.dropped[i] for part in parts)) for i, name in enumerate(dropped)),
        native.word_map("attributes", names.maps([part.attributes for part in parts])),
        _joined("kinds", "String", (part.attributes.kinds for part in parts)),
    ]


def _inner_columns(parts: Sequence[SpanChunk]) -> list[Column]:
    names = _Names([part.head for part in parts])
    events = _running([part.event_ends for part in parts], [len(part.event_ts) for part in parts])
    links = _running([part.link_ends for part in parts], [len(part.link_flags) for part in parts])

    def listed(
        name: str, kind: str, ends: NDArray[np.uint64], of: Callable[[SpanChunk], NDArray[Any]]
    ) -> Column:
        return native.listed(name, kind, ends, [_bytes(of(part)) for part in parts])

    return [
        listed("event_ts", "Int64", events, lambda part: part.event_ts),
        listed("event_name", "String", events, lambda part: part.event_name),
        listed("event_dropped", "UInt32", events, lambda part: part.event_dropped),
        native.word_maps("event_attributes", events, names.maps([part.event_attributes for part in parts])),
        listed("event_kinds", "String", events, lambda part: part.event_attributes.kinds),
        listed("link_trace_id", "FixedString(16)", links, lambda part: part.link_trace_id),
        listed("link_span_id", "FixedString(8)", links, lambda part: part.link_span_id),
        listed("link_state", "String", links, lambda part: part.link_state),
        listed("link_flags", "UInt32", links, lambda part: part.link_flags),
        listed("link_dropped", "UInt32", links, lambda part: part.link_dropped),
        native.word_maps("link_attributes", links, names.maps([part.link_attributes for part in parts])),
        listed("link_kinds", "String", links, lambda part: part.link_attributes.kinds),
    ]


def _insert_traces(engine: Engine, chunks: Sequence[tuple[str, SpanChunk]], token: str) -> None:
    """Store for each trace of a block when its first and its last span began."""
    shares: dict[str, list[SpanChunk]] = {}
    for tenant, chunk in chunks:
        shares.setdefault(tenant, []).append(chunk)
    runs, received, ids, firsts, lasts = [], [], [], [], []
    for tenant, parts in shares.items():
        of_spans = np.concatenate([part.trace_id for part in parts]).view("V16").reshape(-1)
        ts = np.concatenate([part.head.ts_ns for part in parts])
        found, place = np.unique(of_spans, return_inverse=True)
        first, last = np.full(len(found), np.iinfo(np.int64).max), np.full(len(found), np.iinfo(np.int64).min)
        np.minimum.at(first, place, ts)
        np.maximum.at(last, place, ts)
        runs.append((tenant, len(found)))
        received.append((parts[0].head.recv_s, len(found)))
        ids.append(found.view(np.uint8))
        firsts.append(first)
        lasts.append(last)
    engine.load(
        "traces",
        sum(count for _, count in runs),
        [
            native.repeated_string("tenant", runs),
            _joined("trace_id", "FixedString(16)", ids),
            native.numbers("first", np.concatenate(firsts), _TIME),
            native.numbers("last", np.concatenate(lasts), _TIME),
            _received(received),
        ],
        token=token,
    )


def _pair_maps(pairs: Sequence[Pairs]) -> WordMap:
    places: dict[str, int] = {}
    found = [places.setdefault(key, len(places)) for one in pairs for key in one.keys]
    ends = np.cumsum([len(one.keys) for one in pairs], dtype=np.uint64)
    values = b"".join(native.text(value) for one in pairs for value in one.values)
    return WordMap(ends, tuple(places), np.array(found, np.uint32), [values])


def insert_origins(engine: Engine, table: str, new: Sequence[NewOrigin], token: str) -> None:
    """Store origins, a row for each day."""
    if not new:
        return
    rows = [one.row for one in new]
    engine.load(
        table,
        len(new),
        [
            native.string_values("tenant", [one.tenant for one in new]),
            native.numbers("origin", np.array([row.id for row in rows], np.uint64)),
            native.numbers("day", np.array([one.day for one in new], np.int32), "Date32"),
            _received([(one.recv_s, 1) for one in new]),
            native.string_values("service", [row.service for row in rows]),
            native.word_map("resource", _pair_maps([row.resource for row in rows])),
            native.string_values("resource_kinds", [row.resource.kinds for row in rows]),
            native.string_values("scope_name", [row.scope_name for row in rows]),
            native.string_values("scope_version", [row.scope_version for row in rows]),
            native.word_map("scope", _pair_maps([row.scope for row in rows])),
            native.string_values("scope_kinds", [row.scope.kinds for row in rows]),
        ],
        token=token,
    )


def insert_fields(engine: Engine, table: str, new: Sequence[NewField], token: str) -> None:
    """Store names of attributes, a row for each day."""
    if not new:
        return
    engine.load(
        table,
        len(new),
        [
            native.string_values("tenant", [one.tenant for one in new]),
            native.numbers("day", np.array([one.day for one in new], np.int32), "Date32"),
            _received([(one.recv_s, 1) for one in new]),
            native.string_values("name", [one.name for one in new]),
        ],
        token=token,
    )


def days_of(head: Head) -> Mapping[int, None]:
    """Return the days of a chunk's rows, oldest first."""
    first, last = head.first_and_last_ns()
    if first // DAY_NS == last // DAY_NS:
        return {first // DAY_NS: None}
    return dict.fromkeys(np.unique(head.ts_ns // DAY_NS).tolist())
