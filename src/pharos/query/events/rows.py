"""What logs and traces are when they are read back: origins, lines and spans, with values as they were sent.

An attribute's value is text with a letter for its kind (`Kind`), so that whoever answers in another form
knows whether `1` was a number or a word.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct


class ValueKind(StrEnum):
    """What an attribute's value was before it became text."""

    TEXT = "s"
    INTEGER = "i"
    DOUBLE = "d"
    BOOL = "b"
    """`true` or `false`."""
    BYTES = "y"
    """Base64."""
    ARRAY = "a"
    """JSON text."""
    MAP = "m"
    """JSON text."""
    NONE = "n"
    """No value at all; the text is empty."""


Attribute: TypeAlias = tuple[str, str, ValueKind]
"""Key, value as text, kind."""
Attributes: TypeAlias = tuple[Attribute, ...]
"""In the order in which they were sent; a key may occur twice."""


class Origin(Struct, frozen=True):
    """Where records come from: a resource and the instrumentation scope in it."""

    id: int
    """The store's hash of all of it."""
    service: str
    """`unknown_service` where nothing names one."""
    resource: Attributes
    scope_name: str = ""
    scope_version: str = ""
    scope: Attributes = ()


class LogLine(Struct, frozen=True):
    """A log record."""

    ts_ns: int
    origin: Origin
    body: str
    body_kind: ValueKind
    observed_ns: int
    """0 where nobody said."""
    severity: int
    """OpenTelemetry's number; 0 where nobody said."""
    severity_text: str
    level: str
    """`trace`, `debug`, `info`, `warn`, `error`, `fatal` or empty: of number, text or an attribute."""
    event_name: str
    trace_id: str
    """32 hexadecimal digits, or empty."""
    span_id: str
    """16 hexadecimal digits, or empty."""
    flags: int
    dropped: int
    """Attributes that the sender left out."""
    attributes: Attributes


class SpanEvent(Struct, frozen=True):
    """Something that happened during a span."""

    ts_ns: int
    name: str
    attributes: Attributes
    dropped: int = 0


class SpanLink(Struct, frozen=True):
    """Another span that this one has to do with."""

    trace_id: str
    span_id: str
    trace_state: str
    flags: int
    attributes: Attributes
    dropped: int = 0


class Span(Struct, frozen=True):
    """A span as it was sent."""

    trace_id: str
    span_id: str
    parent_id: str
    """Empty for a root."""
    origin: Origin
    name: str
    kind: int
    """OpenTelemetry's SpanKind: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer."""
    start_ns: int
    end_ns: int
    """As it was sent: it may lie before the start."""
    status: int
    """0 unset, 1 ok, 2 error."""
    status_message: str
    trace_state: str
    flags: int
    attributes: Attributes
    events: tuple[SpanEvent, ...] = ()
    links: tuple[SpanLink, ...] = ()
    dropped_attributes: int = 0
    dropped_events: int = 0
    dropped_links: int = 0
