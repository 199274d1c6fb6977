"""Stored spans as OTLP again: in JSON, with ids in either form, and as protobuf."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from pharos.query.events.rows import Attributes, Origin, Span, ValueKind

_KINDS: Final = tuple(
    f"SPAN_KIND_{word}" for word in ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
)
_STATUSES: Final = ("STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR")


def _base64(digits: str) -> str:
    return base64.b64encode(bytes.fromhex(digits)).decode()


def _any(value: Any) -> dict[str, Any]:
    """Return the AnyValue of what JSON holds."""
    match value:
        case bool():
            return {"boolValue": value}
        case str():
            return {"stringValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case list():
            return {"arrayValue": {"values": [_any(one) for one in value]}}
        case dict():
            return {
                "kvlistValue": {"values": [{"key": key, "value": _any(one)} for key, one in value.items()]}
            }
        case _:
            return {}


def any_value(text: str, kind: ValueKind) -> dict[str, Any]:
    """Return an attribute's value as OTLP's JSON has it."""
    match kind:
        case ValueKind.INTEGER:
            return {"intValue": text}
        case ValueKind.DOUBLE:
            number = float(text)
            return {"doubleValue": number if number - number == 0 else text}
        case ValueKind.BOOL:
            return {"boolValue": text == "true"}
        case ValueKind.BYTES:
            return {"bytesValue": text}
        case ValueKind.ARRAY | ValueKind.MAP:
            return _any(json.loads(text))
        case ValueKind.NONE:
            return {}
        case _:
            return {"stringValue": text}


def _pairs(attributes: Attributes) -> list[dict[str, Any]]:
    return [{"key": key, "value": any_value(value, kind)} for key, value, kind in attributes]


def _by_origin(spans: Iterable[Span]) -> Iterator[tuple[Origin, list[Span]]]:
    groups: dict[Origin, list[Span]] = {}
    for span in spans:
        groups.setdefault(span.origin, []).append(span)
    yield from groups.items()


def _set(**fields: Any) -> dict[str, Any]:
    """Return the fields that say something: what is empty is left out, as protobuf's JSON does."""
    return {name: value for name, value in fields.items() if value}


class _Writer:
    """Writes one of the two forms of JSON."""

    def __init__(self, write_id: Callable[[str], str], *, has_words: bool) -> None:
        self._id = write_id
        self._has_words = has_words

    def group(self, origin: Origin, spans: Iterable[Span]) -> dict[str, Any]:
        scope = _set(name=origin.scope_name, version=origin.scope_version, attributes=_pairs(origin.scope))
        return {
            "resource": {"attributes": _pairs(origin.resource)},
            "scopeSpans": [{"scope": scope, "spans": [self._span(span) for span in spans]}],
        }

    def _span(self, span: Span) -> dict[str, Any]:
        return {
            "traceId": self._id(span.trace_id),
            "spanId": self._id(span.span_id),
            **_set(
                traceState=span.trace_state,
                parentSpanId=self._id(span.parent_id) if span.parent_id else "",
                flags=span.flags,
            ),
            "name": span.name,
            "kind": _KINDS[span.kind] if self._has_words and span.kind < len(_KINDS) else span.kind,
            "startTimeUnixNano": str(span.start_ns),
            "endTimeUnixNano": str(span.end_ns),
            **_set(
                attributes=_pairs(span.attributes),
                droppedAttributesCount=span.dropped_attributes,
                events=[
                    {
                        "timeUnixNano": str(event.ts_ns),
                        "name": event.name,
                        **_set(attributes=_pairs(event.attributes), droppedAttributesCount=event.dropped),
                    }
                    for event in span.events
                ],
                droppedEventsCount=span.dropped_events,
                links=[
                    {
                        "traceId": self._id(link.trace_id),
                        "spanId": self._id(link.span_id),
                        **_set(
                            traceState=link.trace_state,
                            attributes=_pairs(link.attributes),
                            droppedAttributesCount=link.dropped,
                            flags=link.flags,
                        ),
                    }
                    for link in span.links
                ],
                droppedLinksCount=span.dropped_links,
            ),
            "status": _set(
                message=span.status_message,
                code=_STATUSES[span.status]
                if self._has_words and span.status < len(_STATUSES)
                else span.status,
            ),
        }


def resource_spans(spans: Iterable[Span]) -> list[dict[str, Any]]:
    """Return ResourceSpans in OTLP's JSON: ids in hexadecimal digits, enums as numbers."""
    writer = _Writer(str, has_words=False)
    return [writer.group(origin, own) for origin, own in _by_origin(spans)]


def batches(spans: Iterable[Span]) -> list[dict[str, Any]]:
    """Return ResourceSpans in protobuf's own JSON, as Tempo has them: ids in base64, enums as words."""
    writer = _Writer(_base64, has_words=True)
    return [writer.group(origin, own) for origin, own in _by_origin(spans)]


def _fill(into: AnyValue, value: dict[str, Any]) -> None:
    match next(iter(value.items()), None):
        case ("stringValue", text):
            into.string_value = text
        case ("intValue", text):
            into.int_value = int(text)
        case ("doubleValue", number):
            into.double_value = float(number)
        case ("boolValue", truth):
            into.bool_value = truth
        case ("bytesValue", text):
            into.bytes_value = base64.b64decode(text)
        case ("arrayValue", found):
            into.array_value.SetInParent()
            for one in found["values"]:
                _fill(into.array_value.values.add(), one)
        case ("kvlistValue", found):
            into.kvlist_value.SetInParent()
            for one in found["values"]:
                _fill(into.kvlist_value.values.add(key=one["key"]).value, one["value"])
        case _:
            pass


def _put(attributes: Any, found: Attributes) -> None:
    for key, value, kind in found:
        _fill(attributes.add(key=key).value, any_value(value, kind))


def _put_span(into: Any, span: Span) -> None:
    into.trace_id, into.span_id = bytes.fromhex(span.trace_id), bytes.fromhex(span.span_id)
    into.parent_span_id = bytes.fromhex(span.parent_id)
    into.trace_state, into.flags, into.name, into.kind = span.trace_state, span.flags, span.name, span.kind
    into.start_time_unix_nano, into.end_time_unix_nano = max(span.start_ns, 0), max(span.end_ns, 0)
    into.dropped_attributes_count, into.dropped_events_count = span.dropped_attributes, span.dropped_events
    into.dropped_links_count = span.dropped_links
    into.status.code, into.status.message = span.status, span.status_message
    _put(into.attributes, span.attributes)
    for event in span.events:
        one = into.events.add(
            time_unix_nano=max(event.ts_ns, 0), name=event.name, dropped_attributes_count=event.dropped
        )
        _put(one.attributes, event.attributes)
    for link in span.links:
        one = into.links.add(
            trace_id=bytes.fromhex(link.trace_id),
            span_id=bytes.fromhex(link.span_id),
            trace_state=link.trace_state,
            flags=link.flags,
            dropped_attributes_count=link.dropped,
        )
        _put(one.attributes, link.attributes)


def request_bytes(spans: Iterable[Span]) -> bytes:
    """Return spans as an ExportTraceServiceRequest, which a Trace of Tempo's is on the wire too."""
    request = ExportTraceServiceRequest()
    for origin, own in _by_origin(spans):
        group = request.resource_spans.add()
        _put(group.resource.attributes, origin.resource)
        scoped = group.scope_spans.add()
        scoped.scope.name, scoped.scope.version = origin.scope_name, origin.scope_version
        _put(scoped.scope.attributes, origin.scope)
        for span in own:
            _put_span(scoped.spans.add(), span)
    found: bytes = request.SerializeToString()
    return found
