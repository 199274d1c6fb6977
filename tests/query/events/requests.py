"""Requests of logs and traces that are drawn at random, and what is to be read back of them."""

from __future__ import annotations

import base64
import math
import random
from typing import Any

import orjson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pharos.ingest.events.origins import Pairs, service_of
from pharos.query.events.lower import LEVELS
from pharos.query.events.rows import Attributes, LogLine, Origin, Span, SpanEvent, SpanLink, ValueKind

NOON_NS = 1_768_478_400_000_000_000
WORDS = (
    "",
    "error",
    "GET /cart",
    "größer",
    "日本語 🚀",
    "a\nb\tc",
    "x" * 300,
    "'; DROP TABLE logs; --",
    "%_\\",
    "0",
)


def fill_value(value: Any, draw: random.Random, depth: int = 0) -> None:
    """Make an AnyValue something."""
    match draw.randrange(10 if depth < 3 else 7):
        case 0:
            value.int_value = draw.choice((0, -1, 42, 2**63 - 1, -(2**63)))
        case 1:
            value.double_value = draw.choice((0.5, -3.0, 1e21, 637.704, 1e-9, math.inf))
        case 2:
            value.bool_value = draw.random() < 0.5
        case 3:
            value.bytes_value = draw.randbytes(draw.randrange(5))
        case 7:
            value.array_value.SetInParent()
            for _ in range(draw.randrange(3)):
                fill_value(value.array_value.values.add(), draw, depth + 1)
        case 8:
            value.kvlist_value.SetInParent()
            for number in range(draw.randrange(3)):
                pair = value.kvlist_value.values.add()
                pair.key = f"k{number}"
                fill_value(pair.value, draw, depth + 1)
        case 9:
            pass
        case _:
            value.string_value = draw.choice(WORDS)


def fill_attributes(attributes: Any, draw: random.Random) -> None:
    """Add some attributes."""
    for number in range(draw.randrange(6)):
        pair = attributes.add()
        pair.key = draw.choice(("k", "http.request.method", "日本", f"n{number}", "level"))
        fill_value(pair.value, draw)


def plain(value: Any) -> Any:
    """Return a value that others hold as JSON has it."""
    match value.WhichOneof("value"):
        case None:
            return None
        case "array_value":
            return [plain(one) for one in value.array_value.values]
        case "kvlist_value":
            return {pair.key: plain(pair.value) for pair in value.kvlist_value.values}
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode()
        case "double_value" if not math.isfinite(value.double_value):
            return str(value.double_value)
        case kind:
            return getattr(value, kind)


def shown(value: Any) -> tuple[str, ValueKind]:
    """Return a value as text and its kind."""
    match value.WhichOneof("value"):
        case None:
            return "", ValueKind.NONE
        case "string_value":
            return value.string_value, ValueKind.TEXT
        case "bool_value":
            return str(value.bool_value).lower(), ValueKind.BOOL
        case "int_value":
            return str(value.int_value), ValueKind.INTEGER
        case "double_value":
            words = {
                0.5: "0.5",
                -3.0: "-3",
                1e21: "1e+21",
                637.704: "637.704",
                1e-9: "1e-09",
                math.inf: "+Inf",
            }
            return words[value.double_value], ValueKind.DOUBLE
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode(), ValueKind.BYTES
        case kind:
            nested = ValueKind.ARRAY if kind == "array_value" else ValueKind.MAP
            return orjson.dumps(plain(value)).decode(), nested


def attributes_of(attributes: Any) -> Attributes:
    """Return attributes as they are read back."""
    return tuple((pair.key, *shown(pair.value)) for pair in attributes)


def origin_of(resource: Any, scope: Any) -> Origin:
    """Return an origin as it is read back, but for its hash."""
    found = attributes_of(resource.attributes)
    pairs = Pairs(tuple(one[0] for one in found), tuple(one[1] for one in found), "")
    of_scope = attributes_of(scope.attributes)
    return Origin(0, service_of(pairs), found, scope.name, scope.version, of_scope)


def log_request(seed: int, records: int) -> ExportLogsServiceRequest:
    """Return log records of a seed."""
    draw, request = random.Random(seed), ExportLogsServiceRequest()
    for number in range(3):
        resource = request.resource_logs.add()
        pair = resource.resource.attributes.add()
        pair.key, pair.value.string_value = (
            draw.choice(("service.name", "app", "pod")),
            f"shop-{seed}-{number}",
        )
        for _ in range(draw.randrange(1, 3)):
            scope = resource.scope_logs.add()
            scope.scope.name, scope.scope.version = draw.choice(("", "lib")), draw.choice(("", "1.2"))
            for _ in range(records):
                record = scope.log_records.add()
                record.time_unix_nano = NOON_NS + draw.randrange(3_600_000_000_000)
                record.observed_time_unix_nano = draw.choice((0, NOON_NS))
                record.severity_number = draw.choice((0, 0, 5, 9, 17, 24))  # type: ignore[assignment]
                record.severity_text = draw.choice(("", "WARNING", "Fehler", "err"))
                fill_value(record.body, draw)
                fill_attributes(record.attributes, draw)
                record.dropped_attributes_count = draw.choice((0, 3))
                record.flags = draw.choice((0, 1))
                record.trace_id = draw.choice((b"", draw.randbytes(16)))
                record.span_id = draw.choice((b"", draw.randbytes(8)))
                record.event_name = draw.choice(("", "session.start"))
    return request


_LEVELS = {"warning": "warn", "err": "error", "error": "error"}


def level_of(record: Any) -> str:
    """Return a record's level: of its number, its text, or the attribute `level`."""
    if record.severity_number:
        return LEVELS[(record.severity_number + 3) // 4]
    if found := _LEVELS.get(record.severity_text.lower()):
        return found
    texts = [pair.value.string_value for pair in record.attributes if pair.key == "level"]
    return next((_LEVELS[text] for text in texts if text in _LEVELS), "")


def lines_of(request: ExportLogsServiceRequest) -> list[LogLine]:
    """Return the lines that are to be read back."""
    found = []
    for resource in request.resource_logs:
        for scope in resource.scope_logs:
            origin = origin_of(resource.resource, scope.scope)
            for record in scope.log_records:
                body, kind = shown(record.body)
                found.append(
                    LogLine(
                        record.time_unix_nano,
                        origin,
                        body,
                        ValueKind.TEXT if not record.HasField("body") else kind,
                        record.observed_time_unix_nano,
                        record.severity_number,
                        record.severity_text,
                        level_of(record),
                        record.event_name,
                        record.trace_id.hex(),
                        record.span_id.hex(),
                        record.flags,
                        record.dropped_attributes_count,
                        attributes_of(record.attributes),
                    )
                )
    return found


def span_request(seed: int, spans: int) -> ExportTraceServiceRequest:
    """Return spans of a seed, in a few traces."""
    draw, request = random.Random(seed), ExportTraceServiceRequest()
    traces = [draw.randbytes(16) for _ in range(4)]
    for number in range(3):
        resource = request.resource_spans.add()
        pair = resource.resource.attributes.add()
        pair.key, pair.value.string_value = "service.name", f"shop-{number}"
        scope = resource.scope_spans.add()
        scope.scope.name = draw.choice(("", "lib"))
        for _ in range(spans):
            span = scope.spans.add()
            span.trace_id, span.span_id = draw.choice(traces), draw.randbytes(8)
            span.parent_span_id = draw.choice((b"", draw.randbytes(8)))
            span.name, span.kind = draw.choice(WORDS), draw.randrange(6)  # type: ignore[assignment]
            span.start_time_unix_nano = NOON_NS + draw.randrange(600_000_000_000)
            span.end_time_unix_nano = span.start_time_unix_nano + draw.randrange(-5, 5_000_000)
            span.trace_state, span.flags = draw.choice(("", "a=b")), draw.choice((0, 257))
            fill_attributes(span.attributes, draw)
            span.status.code = draw.randrange(3)  # type: ignore[assignment]
            span.status.message = draw.choice(("", "broken"))
            span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count = 1, 2, 3
            for _ in range(draw.randrange(3)):
                event = span.events.add()
                event.time_unix_nano, event.name = NOON_NS + draw.randrange(99), draw.choice(WORDS)
                event.dropped_attributes_count = draw.choice((0, 7))
                fill_attributes(event.attributes, draw)
            for _ in range(draw.randrange(2)):
                link = span.links.add()
                link.trace_id, link.span_id, link.trace_state = draw.randbytes(16), draw.randbytes(8), "x=y"
                link.flags = draw.choice((0, 256))
                fill_attributes(link.attributes, draw)
    return request


def spans_of(request: ExportTraceServiceRequest) -> list[Span]:
    """Return the spans that are to be read back."""
    found = []
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            origin = origin_of(resource.resource, scope.scope)
            for span in scope.spans:
                events = (
                    SpanEvent(
                        one.time_unix_nano,
                        one.name,
                        attributes_of(one.attributes),
                        one.dropped_attributes_count,
                    )
                    for one in span.events
                )
                links = (
                    SpanLink(
                        one.trace_id.hex(),
                        one.span_id.hex(),
                        one.trace_state,
                        one.flags,
                        attributes_of(one.attributes),
                    )
                    for one in span.links
                )
                found.append(
                    Span(
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex(),
                        origin,
                        span.name,
                        span.kind,
                        span.start_time_unix_nano,
                        span.end_time_unix_nano,
                        span.status.code,
                        span.status.message,
                        span.trace_state,
                        span.flags,
                        attributes_of(span.attributes),
                        tuple(events),
                        tuple(links),
                        span.dropped_attributes_count,
                        span.dropped_events_count,
                        span.dropped_links_count,
                    )
                )
    return found
