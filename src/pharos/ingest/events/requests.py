"""OTLP requests made of values: what every door that is not OTLP turns its records into.

The bytes are written here and not by way of message objects: a door makes one for each line that it takes.
Field numbers are those of opentelemetry-proto: logs/v1, trace/v1 and common/v1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from msgspec import Struct, field

from pharos.protobuf import varint

Value: TypeAlias = "str | bool | int | float | bytes | Sequence[Value] | Mapping[str, Value] | None"
"""What an attribute or a body may be."""
Pairs: TypeAlias = "Iterable[tuple[str, Value]]"

_INT_MIN: Final = -(1 << 63)
_INT_MAX: Final = (1 << 63) - 1
_DOUBLE: Final = struct.Struct("<d")
_FIXED64: Final = struct.Struct("<Q")
_FIXED32: Final = struct.Struct("<I")
_MASK: Final = (1 << 64) - 1
_SHORT: Final = 128
_DEEP: Final = 32
"""So deep may values be nested; what is deeper is left out, as JSON readers do."""


def _text_bytes(text: str) -> bytes:
    # Half of a surrogate pair is no character, and no protobuf may hold it.
    return text.encode() if text.isascii() else text.encode("utf-8", "replace")


def _field(tag: int, payload: bytes) -> bytes:
    size = len(payload)
    return bytes((tag, size)) + payload if size < _SHORT else bytes((tag,)) + varint(size) + payload


def any_value(value: Value, depth: int = 0) -> bytes:
    """Return the AnyValue of a value; whole numbers beyond 64 bits become text."""
    match value:
        case str():
            return _field(0x0A, _text_bytes(value))
        case bool():
            return b"\x10\x01" if value else b"\x10\x00"
        case int():
            if not _INT_MIN <= value <= _INT_MAX:
                return _field(0x0A, str(value).encode())
            return b"\x18" + varint(value & _MASK)
        case float():
            return b"\x21" + _DOUBLE.pack(value)
        case None:
            return b""
        case bytes():
            return _field(0x3A, value)
        case Mapping():
            inner = b"" if depth >= _DEEP else key_values(0x0A, value.items(), depth + 1)
            return _field(0x32, inner)
        case _:
            parts = () if depth >= _DEEP else value
            return _field(0x2A, b"".join(_field(0x0A, any_value(part, depth + 1)) for part in parts))


def key_values(tag: int, pairs: Pairs, depth: int = 0) -> bytes:
    """Return KeyValue messages in the field of this tag."""
    parts = []
    for key, value in pairs:
        pair = _field(0x0A, _text_bytes(key)) + _field(0x12, any_value(value, depth))
        parts.append(_field(tag, pair))
    return b"".join(parts)


def _id_of(text: str, size: int) -> bytes:
    """Return an identifier's bytes; empty for what is none."""
    if len(text) != 2 * size:
        return b""
    try:
        found = bytes.fromhex(text)
    except ValueError:
        return b""
    return found if len(found) == size and any(found) else b""


def trace_id_bytes(text: str) -> bytes:
    """Return the bytes of a trace id of 32 hexadecimal digits; empty for anything else, and for zeros."""
    return _id_of(text, 16)


def span_id_bytes(text: str) -> bytes:
    """Return the bytes of a span id of 16 hexadecimal digits; empty for anything else, and for zeros."""
    return _id_of(text, 8)


def log_record(
    body: Value,
    *,
    ts_ns: int = 0,
    observed_ns: int = 0,
    severity: int = 0,
    severity_text: str = "",
    attributes: Pairs = (),
    trace_id: bytes = b"",
    span_id: bytes = b"",
) -> bytes:
    """Return a LogRecord; 0 and empty are not set."""
    parts = []
    if ts_ns > 0:
        parts.append(b"\x09" + _FIXED64.pack(ts_ns & _MASK))
    if severity:
        parts.append(b"\x10" + varint(severity))
    if severity_text:
        parts.append(_field(0x1A, _text_bytes(severity_text)))
    if body is not None:
        parts.append(_field(0x2A, any_value(body)))
    parts.append(key_values(0x32, attributes))
    if trace_id:
        parts.append(_field(0x4A, trace_id))
    if span_id:
        parts.append(_field(0x52, span_id))
    if observed_ns > 0:
        parts.append(b"\x59" + _FIXED64.pack(observed_ns & _MASK))
    return b"".join(parts)


class _Group(Struct):
    """What has one resource and scope."""

    resource: bytes
    scope: bytes
    records: list[bytes] = field(default_factory=list)


class EventRequest:
    """An export request of records, by resource: of log records or of spans, whichever are put in."""

    def __init__(self) -> None:
        self._groups: dict[tuple[bytes, bytes], _Group] = {}
        self.count = 0

    def add(self, resource: bytes, record: bytes, scope: bytes = b"") -> None:
        """Add a LogRecord or a Span below a Resource (see `resource_of`) and an InstrumentationScope."""
        group = self._groups.get((resource, scope))
        if group is None:
            group = self._groups[resource, scope] = _Group(resource, scope)
        group.records.append(_field(0x12, record))
        self.count += 1

    def body(self) -> bytes:
        """Return the request's protobuf."""
        parts = []
        for group in self._groups.values():
            inner = (_field(0x0A, group.scope) if group.scope else b"") + b"".join(group.records)
            parts.append(_field(0x0A, _field(0x0A, group.resource) + _field(0x12, inner)))
        return b"".join(parts)


def resource_of(attributes: Pairs) -> bytes:
    """Return a Resource of these attributes."""
    return key_values(0x0A, attributes)


def scope_of(name: str, version: str = "", attributes: Pairs = ()) -> bytes:
    """Return an InstrumentationScope."""
    parts = [_field(0x0A, _text_bytes(name))] if name else []
    if version:
        parts.append(_field(0x12, _text_bytes(version)))
    return b"".join((*parts, key_values(0x1A, attributes)))


class SpanEventValues(Struct, frozen=True):
    """An event of a span that is made."""

    ts_ns: int
    name: str
    attributes: tuple[tuple[str, Value], ...] = ()


class SpanLinkValues(Struct, frozen=True):
    """A link of a span that is made."""

    trace_id: bytes
    span_id: bytes
    trace_state: str = ""
    attributes: tuple[tuple[str, Value], ...] = ()


def span(
    name: str,
    *,
    trace_id: bytes,
    span_id: bytes,
    parent_id: bytes = b"",
    kind: int = 0,
    start_ns: int,
    end_ns: int,
    attributes: Pairs = (),
    events: Iterable[SpanEventValues] = (),
    links: Iterable[SpanLinkValues] = (),
    status: int = 0,
    status_message: str = "",
    trace_state: str = "",
    flags: int = 0,
) -> bytes:
    """Return a Span; 0 and empty are not set."""
    parts = [_field(0x0A, trace_id), _field(0x12, span_id)]
    if trace_state:
        parts.append(_field(0x1A, _text_bytes(trace_state)))
    if parent_id:
        parts.append(_field(0x22, parent_id))
    parts.append(_field(0x2A, _text_bytes(name)))
    if kind:
        parts.append(b"\x30" + varint(kind))
    parts += (b"\x39" + _FIXED64.pack(start_ns & _MASK), b"\x41" + _FIXED64.pack(end_ns & _MASK))
    parts.append(key_values(0x4A, attributes))
    for event in events:
        head = b"\x09" + _FIXED64.pack(event.ts_ns & _MASK) + _field(0x12, _text_bytes(event.name))
        parts.append(_field(0x5A, head + key_values(0x1A, event.attributes)))
    for link in links:
        head = _field(0x0A, link.trace_id) + _field(0x12, link.span_id)
        state = _field(0x1A, _text_bytes(link.trace_state)) if link.trace_state else b""
        parts.append(_field(0x6A, head + state + key_values(0x22, link.attributes)))
    if status or status_message:
        text = _field(0x12, _text_bytes(status_message)) if status_message else b""
        parts.append(_field(0x7A, text + (b"\x18" + varint(status) if status else b"")))
    if flags:
        parts.append(b"\x85\x01" + _FIXED32.pack(flags & 0xFFFFFFFF))
    return b"".join(parts)
