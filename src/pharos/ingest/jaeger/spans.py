"""A span of Jaeger's becomes one of OTLP, in whichever form it came.

Which tags become a span's kind and status follows OpenTelemetry's rules for Jaeger (specification, Jaeger
exporter), read backwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct, field

from pharos.errors import Kind, PharosError
from pharos.ingest.events.requests import (
    EventRequest,
    SpanEventValues,
    SpanLinkValues,
    Value,
    resource_of,
    scope_of,
    span,
)

_LAST_US: Final = 0xFFFFFFFFFFFFFFFF // 1_000
LAST_NS: Final = _LAST_US * 1_000
"""The last time that 64 bits hold, in whole microseconds."""
KINDS: Final = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
"""OpenTelemetry's SpanKind by the words that Jaeger and OpenTracing have for it."""
_STATUSES: Final = {"OK": 1, "ERROR": 2}
REF_TYPE: Final = "opentracing.ref_type"
WARNINGS: Final = "@jaeger@warnings"
"""The attribute in which Jaeger keeps what was wrong with a span."""
_SERVICE_NAME: Final = "service.name"


class Reference(Struct, frozen=True):
    """Another span that a span has to do with: what called it, or what it follows."""

    is_child: bool
    trace_id: bytes
    span_id: bytes


class JaegerSpan(Struct, frozen=True):
    """A span as Jaeger's clients know it; what 64 bits do not hold of its times is cut."""

    name: str
    trace_id: bytes
    """16 bytes."""
    span_id: bytes
    """8 bytes, as all span ids."""
    parent_id: bytes
    """Zeros where a reference says it, or nothing does."""
    references: list[Reference]
    flags: int
    start_ns: int
    duration_ns: int
    tags: list[tuple[str, Value]]
    events: list[SpanEventValues]


class TagReading(Struct):
    """What a span's tags say beside being attributes."""

    kind: int = 0
    status: int = 0
    status_message: str = ""
    trace_state: str = ""
    scope_name: str = ""
    scope_version: str = ""
    attributes: list[tuple[str, Value]] = field(default_factory=list)

    @classmethod
    def of(cls, tags: Iterable[tuple[str, Value]]) -> TagReading:
        """Return the reading; tags that say nothing known, or in another type, stay attributes."""
        found = cls()
        for key, value in tags:
            if not found._takes(key, value):
                found.attributes.append((key, value))
        return found

    def _takes(self, key: str, value: Value) -> bool:
        match key, value:
            case "span.kind", str() if value.lower() in KINDS:
                self.kind = KINDS[value.lower()]
            case "error", bool() | str() if _is_true(value):
                self.status = 2
            case "otel.status_code", str() if value.upper() in _STATUSES:
                self.status = max(self.status, _STATUSES[value.upper()])
            case "otel.status_description", str():
                self.status_message = value
            case "w3c.tracestate", str():
                self.trace_state = value
            case "otel.scope.name" | "otel.library.name", str():
                self.scope_name = value
            case "otel.scope.version" | "otel.library.version", str():
                self.scope_version = value
            case _:
                return False
        return True


def _is_true(value: Value) -> bool:
    return value is True or (isinstance(value, str) and value.lower() == "true")


def event_of(time_ns: int, tags: list[tuple[str, Value]]) -> SpanEventValues:
    """Return a log of a span as an event, called by what its field `event` says."""
    name = next((value for key, value in tags if key == "event" and isinstance(value, str)), "")
    return SpanEventValues(
        time_ns, name, tuple((key, value) for key, value in tags if key != "event" or value != name)
    )


def _parent_and_links(one: JaegerSpan) -> tuple[bytes, list[SpanLinkValues]]:
    """Return (the parent's id, links): the parent is the field, or the first span of this trace."""
    parent = one.parent_id
    links: list[SpanLinkValues] = []
    for other in one.references:
        if other.is_child and other.trace_id == one.trace_id and not any(parent):
            parent = other.span_id
        if other.is_child and other.trace_id == one.trace_id and other.span_id == parent:
            continue
        word = "child_of" if other.is_child else "follows_from"
        links.append(SpanLinkValues(other.trace_id, other.span_id, attributes=((REF_TYPE, word),)))
    if not any(parent):
        # As a parent for want of a better: what it follows in its own trace.
        parent = next((link.span_id for link in links if link.trace_id == one.trace_id), parent)
    return parent if any(parent) else b"", links


def process_of(service: str, tags: Iterable[tuple[str, Value]]) -> bytes:
    """Return the Resource of a process."""
    return resource_of([(_SERVICE_NAME, service), *(pair for pair in tags if pair[0] != _SERVICE_NAME)])


def add_span(request: EventRequest, resource: bytes, one: JaegerSpan) -> None:
    """Add a span below its process to a request. Raises PharosError(INVALID) for ids of zeros."""
    if not any(one.trace_id) or not any(one.span_id):
        raise PharosError(Kind.INVALID, f"span {one.name[:80]!r} has a trace id or a span id of 0")
    reading = TagReading.of(one.tags)
    parent, links = _parent_and_links(one)
    start_ns = min(max(one.start_ns, 0), LAST_NS)
    made = span(
        one.name,
        trace_id=one.trace_id,
        span_id=one.span_id,
        parent_id=parent,
        kind=reading.kind,
        start_ns=start_ns,
        end_ns=min(start_ns + max(one.duration_ns, 0), LAST_NS),
        attributes=reading.attributes,
        events=one.events,
        links=links,
        status=reading.status,
        status_message=reading.status_message,
        trace_state=reading.trace_state,
        flags=one.flags & 0xFF,
    )
    scope = scope_of(reading.scope_name, reading.scope_version) if reading.scope_name else b""
    request.add(resource, made, scope)
