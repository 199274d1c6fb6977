"""Rows of spans made straight from an OTLP request: what the store gives back for it, without a store."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pharos.query.events.rows import Attributes, Origin, Span, SpanEvent, SpanLink, ValueKind


def _plain(value: Any) -> Any:
    which = value.WhichOneof("value")
    match which:
        case None:
            return None
        case "array_value":
            return [_plain(one) for one in value.array_value.values]
        case "kvlist_value":
            return {one.key: _plain(one.value) for one in value.kvlist_value.values}
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode()
        case _:
            return getattr(value, which)


def _text(value: Any) -> tuple[str, ValueKind]:
    plain = _plain(value)
    match value.WhichOneof("value"):
        case None:
            return "", ValueKind.NONE
        case "string_value":
            return plain, ValueKind.TEXT
        case "int_value":
            return str(plain), ValueKind.INTEGER
        case "double_value":
            return repr(plain), ValueKind.DOUBLE
        case "bool_value":
            return json.dumps(plain), ValueKind.BOOL
        case "bytes_value":
            return plain, ValueKind.BYTES
        case "array_value":
            return json.dumps(plain, ensure_ascii=False), ValueKind.ARRAY
        case _:
            return json.dumps(plain, ensure_ascii=False), ValueKind.MAP


def _attributes(pairs: Iterable[Any]) -> Attributes:
    return tuple((pair.key, *_text(pair.value)) for pair in pairs)


def _spans(origin: Origin, spans: Iterable[Any]) -> Iterator[Span]:
    for one in spans:
        yield Span(
            trace_id=one.trace_id.hex(),
            span_id=one.span_id.hex(),
            parent_id=one.parent_span_id.hex(),
            origin=origin,
            name=one.name,
            kind=one.kind,
            start_ns=one.start_time_unix_nano,
            end_ns=one.end_time_unix_nano,
            status=one.status.code,
            status_message=one.status.message,
            trace_state=one.trace_state,
            flags=one.flags,
            attributes=_attributes(one.attributes),
            events=tuple(
                SpanEvent(event.time_unix_nano, event.name, _attributes(event.attributes))
                for event in one.events
            ),
            links=tuple(
                SpanLink(
                    link.trace_id.hex(),
                    link.span_id.hex(),
                    link.trace_state,
                    link.flags,
                    _attributes(link.attributes),
                )
                for link in one.links
            ),
        )


def rows_of(body: bytes) -> list[Span]:
    """Return the spans of an ExportTraceServiceRequest."""
    found: list[Span] = []
    for number, group in enumerate(ExportTraceServiceRequest.FromString(body).resource_spans):
        resource = _attributes(group.resource.attributes)
        service = next((value for key, value, _ in resource if key == "service.name"), "")
        for scoped in group.scope_spans:
            origin = Origin(
                number,
                service or "unknown_service",
                resource,
                scoped.scope.name,
                scoped.scope.version,
                _attributes(scoped.scope.attributes),
            )
            found += _spans(origin, scoped.spans)
    return found


def _values(attributes: Attributes) -> dict[str, Any]:
    readers: dict[ValueKind, Callable[[str], Any]] = {
        ValueKind.INTEGER: int,
        ValueKind.DOUBLE: float,
        ValueKind.BOOL: json.loads,
    }
    return {key: readers.get(kind, str)(value) for key, value, kind in attributes}


def described(span: Span) -> dict[str, Any]:
    """Return a span as cases write it: what is not set is left out, times are in microseconds."""
    said = {
        "trace": span.trace_id.lstrip("0"),
        "span": span.span_id.lstrip("0"),
        "parent": span.parent_id.lstrip("0"),
        "service": next((value for key, value, _ in span.origin.resource if key == "service.name"), ""),
        "resource": {
            key: value for key, value in _values(span.origin.resource).items() if key != "service.name"
        },
        "scope": f"{span.origin.scope_name} {span.origin.scope_version}".strip(),
        "name": span.name,
        "kind": ("", "internal", "server", "client", "producer", "consumer")[span.kind],
        "start_us": span.start_ns // 1000,
        "duration_us": (span.end_ns - span.start_ns) // 1000,
        "status": ("", "ok", "error")[span.status],
        "message": span.status_message,
        "state": span.trace_state,
        "attributes": _values(span.attributes),
        "events": [
            {"at_us": event.ts_ns // 1000, "name": event.name, **_values(event.attributes)}
            for event in span.events
        ],
        "links": [
            {"trace": link.trace_id.lstrip("0"), "span": link.span_id.lstrip("0"), **_values(link.attributes)}
            for link in span.links
        ],
    }
    return {key: value for key, value in said.items() if value}
