"""A trace in the protobuf of Jaeger's version 2: `Span` of model.proto, with times to the nanosecond."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any, Final

from pharos.api.jaeger.adjust import ShownSpan
from pharos.api.jaeger.model import Reference, log_fields, process_tags, references_of, span_tags
from pharos.api.jaeger.services import EMPTY_SPAN, service_of
from pharos.ingest.jaeger import model
from pharos.protobuf import message_classes
from pharos.query.events.rows import Attribute, Origin, ValueKind

_CLASSES: Final = message_classes(
    "jaeger.api_v2",
    # A process stands in each of its spans: it is written once, and put there as it is.
    {
        **model.MODEL,
        "Span": {**model.MODEL["Span"], "process": (10, "bytes")},
        "SpansResponseChunk": {"spans": (1, "*Span")},
    },
)


def _text(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _tag(one: Attribute) -> Any:
    key, value, kind = one
    made = _CLASSES["KeyValue"](key=_text(key))
    match kind:
        case ValueKind.INTEGER:
            made.v_type, made.v_int64 = model.INT64, int(value)
        case ValueKind.DOUBLE:
            made.v_type, made.v_float64 = model.FLOAT64, float(value)
        case ValueKind.BOOL:
            made.v_type, made.v_bool = model.BOOL, value == "true"
        case ValueKind.BYTES:
            made.v_type, made.v_binary = model.BINARY, base64.b64decode(value)
        case _:
            made.v_str = _text(value)
    return made


def _tags(attributes: Iterable[Attribute]) -> list[Any]:
    return [_tag(one) for one in attributes]


def _time(name: str, time_ns: int) -> Any:
    seconds, nanos = divmod(time_ns, model.NS_PER_S)
    return _CLASSES[name](seconds=seconds, nanos=nanos)


def _reference(one: Reference) -> Any:
    return _CLASSES["SpanRef"](
        trace_id=bytes.fromhex(one.trace_id),
        span_id=bytes.fromhex(one.span_id),
        ref_type=model.CHILD_OF if one.is_child else model.FOLLOWS_FROM,
    )


def _process(origin: Origin) -> bytes:
    made: bytes = _CLASSES["Process"](
        service_name=_text(service_of(origin)), tags=_tags(process_tags(origin))
    ).SerializeToString()
    return made


def _span(one: ShownSpan, process: bytes) -> Any:
    span = one.span
    return _CLASSES["Span"](
        trace_id=bytes.fromhex(span.trace_id),
        span_id=bytes.fromhex(span.span_id),
        operation_name=_text(span.name or EMPTY_SPAN),
        references=[_reference(other) for other in references_of(span)],
        flags=span.flags & 0xFF,
        start_time=_time("Timestamp", span.start_ns),
        duration=_time("Duration", span.end_ns - span.start_ns),
        tags=_tags(span_tags(span)),
        logs=[
            _CLASSES["Log"](timestamp=_time("Timestamp", event.ts_ns), fields=_tags(log_fields(event)))
            for event in span.events
        ],
        process=process,
        warnings=[_text(text) for text in one.warnings],
    )


def spans_chunk(shown: Iterable[ShownSpan]) -> bytes:
    """Return spans as a SpansResponseChunk of query.proto."""
    processes: dict[Origin, bytes] = {}
    spans = []
    for one in shown:
        origin = one.span.origin
        process = processes.get(origin)
        if process is None:
            process = processes[origin] = _process(origin)
        spans.append(_span(one, process))
    made: bytes = _CLASSES["SpansResponseChunk"](spans=spans).SerializeToString()
    return made
