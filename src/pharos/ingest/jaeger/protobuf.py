"""A Jaeger batch in protobuf becomes an OTLP request: what `CollectorService/PostSpans` takes.

The message is `jaeger.api_v2.PostSpansRequest` (jaegertracing/jaeger-idl, collector.proto).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from google.protobuf.message import DecodeError

from pharos.errors import Kind, PharosError
from pharos.ingest.events.requests import EventRequest, SpanEventValues, Value
from pharos.ingest.jaeger import model
from pharos.ingest.jaeger.spans import (
    LAST_NS,
    WARNINGS,
    JaegerSpan,
    Reference,
    add_span,
    event_of,
    process_of,
)
from pharos.protobuf import message_classes

MOST_BYTES: Final = 4 << 20
"""What Jaeger's collector takes unless it is told otherwise. Empty parts take seventy times their bytes once
they are read, so that it is what bounds memory.
"""
_MOST_PARTS: Final = 200_000
"""Tags, logs, references and warnings of one batch; of real ones so many take more bytes than that."""
_REQUEST: Final = message_classes(
    "jaeger.api_v2", {**model.MODEL, "PostSpansRequest": {"batch": (1, "Batch")}}
)["PostSpansRequest"]
_TRACE_BYTES: Final = 16
_SPAN_BYTES: Final = 8


def _invalid(message: str) -> PharosError:
    return PharosError(Kind.INVALID, message, hint="it must be a PostSpansRequest of jaeger.api_v2")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _tag(one: Any) -> tuple[str, Value]:
    key = _text(one.key)
    match one.v_type:
        case model.STRING:
            return key, _text(one.v_str)
        case model.BOOL:
            return key, one.v_bool
        case model.INT64:
            return key, one.v_int64
        case model.FLOAT64:
            return key, one.v_float64
        case model.BINARY:
            return key, one.v_binary
        case other:
            raise _invalid(f"tag {key[:80]!r} has the unknown type {other}")


def _tags(found: Iterable[Any]) -> list[tuple[str, Value]]:
    return [_tag(one) for one in found]


def _trace_id(raw: bytes) -> bytes:
    """Return 16 bytes: zeros for none, since whoever leaves it out means 0."""
    if len(raw) not in {0, _SPAN_BYTES, _TRACE_BYTES}:
        raise _invalid(f"a trace id has {len(raw)} bytes, not {_TRACE_BYTES}")
    return raw.rjust(_TRACE_BYTES, b"\0")


def _span_id(raw: bytes) -> bytes:
    if len(raw) not in {0, _SPAN_BYTES}:
        raise _invalid(f"a span id has {len(raw)} bytes, not {_SPAN_BYTES}")
    return raw.rjust(_SPAN_BYTES, b"\0")


def _ns(time: Any) -> int:
    return int(time.seconds) * model.NS_PER_S + int(time.nanos)


def _event(log: Any) -> SpanEventValues:
    return event_of(min(max(_ns(log.timestamp), 0), LAST_NS), _tags(log.fields))


def _span(one: Any) -> JaegerSpan:
    tags = _tags(one.tags)
    if one.warnings:
        tags.append((WARNINGS, [_text(text) for text in one.warnings]))
    return JaegerSpan(
        name=_text(one.operation_name),
        trace_id=_trace_id(one.trace_id),
        span_id=_span_id(one.span_id),
        parent_id=bytes(_SPAN_BYTES),
        references=[
            Reference(other.ref_type == model.CHILD_OF, _trace_id(other.trace_id), _span_id(other.span_id))
            for other in one.references
        ],
        flags=one.flags,
        start_ns=_ns(one.start_time),
        duration_ns=_ns(one.duration),
        tags=tags,
        events=[_event(log) for log in one.logs],
    )


def _check_parts(batch: Any) -> None:
    """Raise PharosError(TOO_LARGE) for more parts than a batch of real spans has."""
    parts = len(batch.process.tags)
    for one in batch.spans:
        parts += len(one.tags) + len(one.references) + len(one.logs) + len(one.warnings)
        parts += len(one.process.tags) + (
            sum(len(log.fields) for log in one.logs) if parts < _MOST_PARTS else 0
        )
        if parts > _MOST_PARTS:
            raise PharosError(
                Kind.TOO_LARGE,
                f"the batch has more than {_MOST_PARTS} tags and logs",
                hint="send fewer spans in one",
            )


def _process(found: Any) -> bytes:
    return process_of(_text(found.service_name), _tags(found.tags))


def read_post_spans(body: bytes) -> EventRequest:
    """Return the spans of a request; a span's own process counts before the batch's.

    Raises PharosError: INVALID, or TOO_LARGE.
    """
    if len(body) > MOST_BYTES:
        raise PharosError(
            Kind.TOO_LARGE,
            f"the batch has more than {MOST_BYTES} bytes unpacked",
            hint="send fewer spans in one",
        )
    try:
        batch = _REQUEST.FromString(body).batch
    except DecodeError as exc:
        raise _invalid("the message is no protobuf of a batch of spans") from exc
    _check_parts(batch)
    request = EventRequest()
    shared = _process(batch.process) if batch.HasField("process") else b""
    for one in batch.spans:
        add_span(request, _process(one.process) if one.HasField("process") else shared, _span(one))
    return request
