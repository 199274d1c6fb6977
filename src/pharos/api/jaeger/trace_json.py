"""A trace in the JSON of Jaeger's version 1.

Times and lengths are cut to microseconds; whole numbers that a browser would round are given as text.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

from pharos.api.jaeger.adjust import ShownSpan
from pharos.api.jaeger.model import Reference, log_fields, process_tags, references_of, span_tags
from pharos.api.jaeger.services import EMPTY_SPAN, service_of
from pharos.query.events.ids import short_trace_id
from pharos.query.events.rows import Attribute, Origin, ValueKind

_SAFE: Final = (1 << 53) - 1
"""The largest whole number that JavaScript keeps."""
_US: Final = 1_000


def tag(key: str, value: str, kind: ValueKind) -> dict[str, Any]:
    """Return an attribute as a tag."""
    match kind:
        case ValueKind.INTEGER:
            number = int(value)
            return {"key": key, "type": "int64", "value": number if abs(number) <= _SAFE else value}
        case ValueKind.DOUBLE:
            real = float(value)
            return {"key": key, "type": "float64", "value": real if math.isfinite(real) else value}
        case ValueKind.BOOL:
            return {"key": key, "type": "bool", "value": value == "true"}
        case ValueKind.BYTES:
            return {"key": key, "type": "binary", "value": value}
        case _:
            return {"key": key, "type": "string", "value": value}


def _tags(attributes: Iterable[Attribute]) -> list[dict[str, Any]]:
    return [tag(key, value, kind) for key, value, kind in attributes]


def _reference(one: Reference) -> dict[str, str]:
    kind = "CHILD_OF" if one.is_child else "FOLLOWS_FROM"
    return {"refType": kind, "traceID": short_trace_id(one.trace_id), "spanID": one.span_id}


def _process(origin: Origin) -> dict[str, Any]:
    return {"serviceName": service_of(origin), "tags": _tags(process_tags(origin))}


def _span(one: ShownSpan, process: str) -> dict[str, Any]:
    span = one.span
    return {
        "traceID": short_trace_id(span.trace_id),
        "spanID": span.span_id,
        **({"flags": span.flags & 0xFF} if span.flags & 0xFF else {}),
        "operationName": span.name or EMPTY_SPAN,
        "references": [_reference(other) for other in references_of(span)],
        "startTime": span.start_ns // _US,
        "duration": (span.end_ns - span.start_ns) // _US,
        "tags": _tags(span_tags(span)),
        "logs": [
            {"timestamp": event.ts_ns // _US, "fields": _tags(log_fields(event))} for event in span.events
        ],
        "processID": process,
        "warnings": list(one.warnings) or None,
    }


def trace_json(shown: Sequence[ShownSpan]) -> dict[str, Any]:
    """Return a trace of at least one span, as the API answers with it."""
    processes: dict[Any, str] = {}
    described: dict[str, dict[str, Any]] = {}
    spans = []
    for one in shown:
        origin = one.span.origin
        process = processes.get((origin.service, origin.resource))
        if process is None:
            process = processes[origin.service, origin.resource] = f"p{len(processes) + 1}"
            described[process] = _process(origin)
        spans.append(_span(one, process))
    return {
        "traceID": short_trace_id(shown[0].span.trace_id),
        "spans": spans,
        "processes": described,
        "warnings": None,
    }


def envelope(data: Any, total: int = 0, errors: Iterable[dict[str, Any]] = ()) -> dict[str, Any]:
    """Return an answer of the API."""
    return {"data": data, "total": total, "limit": 0, "offset": 0, "errors": list(errors) or None}
