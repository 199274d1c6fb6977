"""A Jaeger batch in thrift becomes an OTLP request.

The struct is `Batch` of jaeger.thrift (jaegertracing/jaeger-idl).
"""

from __future__ import annotations

from typing import Any, Final

from pharos.errors import Kind, PharosError
from pharos.ingest.events.requests import EventRequest, SpanEventValues, Value
from pharos.ingest.jaeger.spans import LAST_NS, JaegerSpan, Reference, add_span, event_of, process_of
from pharos.ingest.jaeger.thrift import Struct, read_call, read_struct, text_of

_MASK: Final = 0xFFFFFFFFFFFFFFFF
_US: Final = 1_000
# What a tag's vType says, and the field that holds the value then.
_TAG_FIELDS: Final = {0: 3, 1: 4, 2: 5, 3: 6, 4: 7}


def _invalid(message: str) -> PharosError:
    return PharosError(Kind.INVALID, message, hint="the body must be a Batch of jaeger.thrift")


def _struct(value: Any, what: str) -> Struct:
    if not isinstance(value, dict):
        raise _invalid(f"{what} is no struct")
    return value


def _list(value: Any, what: str) -> list[Struct]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise _invalid(f"{what} is no list of structs")
    return value


def _int(fields: Struct, number: int, what: str) -> int:
    value = fields.get(number, 0)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _invalid(f"{what} is no number")
    return value


def _text(fields: Struct, number: int) -> str:
    return text_of(fields.get(number, b""))


def _tag(fields: Struct) -> tuple[str, Value]:
    key = _text(fields, 1)
    kind = _int(fields, 2, f"the type of tag {key!r}")
    if kind not in _TAG_FIELDS:
        raise _invalid(f"tag {key!r} has the unknown type {kind}")
    value = fields.get(_TAG_FIELDS[kind])
    match kind:
        case 0:
            return key, "" if value is None else text_of(value)
        case 1:
            return key, float(value) if isinstance(value, int | float) else 0.0
        case 2:
            return key, value is True
        case 3:
            return key, _int(fields, 6, f"tag {key!r}")
        case _:
            return key, value if isinstance(value, bytes) else b""


def _tags(value: Any) -> list[tuple[str, Value]]:
    return [_tag(one) for one in _list(value, "tags")]


def _trace_id(fields: Struct, low: int, high: int) -> bytes:
    number = (_int(fields, high, "traceIdHigh") & _MASK) << 64 | (_int(fields, low, "traceIdLow") & _MASK)
    return number.to_bytes(16)


def _span_id(fields: Struct, number: int) -> bytes:
    return (_int(fields, number, "a span id") & _MASK).to_bytes(8)


def _event(fields: Struct) -> SpanEventValues:
    time_ns = min(max(_int(fields, 1, "a log's timestamp"), 0) * _US, LAST_NS)
    return event_of(time_ns, _tags(fields.get(2)))


def _reference(fields: Struct) -> Reference:
    is_child = _int(fields, 1, "a reference's type") == 0
    return Reference(is_child, _trace_id(fields, 2, 3), _span_id(fields, 4))


def _span(fields: Struct) -> JaegerSpan:
    return JaegerSpan(
        name=_text(fields, 5),
        trace_id=_trace_id(fields, 1, 2),
        span_id=_span_id(fields, 3),
        parent_id=_span_id(fields, 4),
        references=[_reference(one) for one in _list(fields.get(6), "references")],
        flags=_int(fields, 7, "flags"),
        start_ns=_int(fields, 8, "startTime") * _US,
        duration_ns=_int(fields, 9, "duration") * _US,
        tags=_tags(fields.get(10)),
        events=[_event(one) for one in _list(fields.get(11), "logs")],
    )


def _request(batch: Struct) -> EventRequest:
    request = EventRequest()
    spans = _list(batch.get(2), "spans")
    if not spans:
        return request
    process = _struct(batch.get(1), "process")
    resource = process_of(_text(process, 1), _tags(process.get(2)))
    for one in spans:
        add_span(request, resource, _span(one))
    return request


def read_batch(body: bytes, *, is_compact: bool = False) -> EventRequest:
    """Return a batch's spans, as the collector receives them. Raises PharosError(INVALID)."""
    return _request(read_struct(body, is_compact=is_compact))


def read_agent_packet(body: bytes) -> EventRequest:
    """Return the spans of an `emitBatch` call, as agents receive it. Raises PharosError(INVALID)."""
    name, arguments = read_call(body)
    if name != "emitBatch":
        raise _invalid(f"the call is {name[:40]!r}, not emitBatch")
    return _request(_struct(arguments.get(1), "the batch"))
