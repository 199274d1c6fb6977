"""A span in the terms of Jaeger's model: tags, references and logs, before they are written in some form.

Rules: OpenTelemetry's translation to Jaeger (specification, Jaeger exporter) and the UI model of Jaeger 2.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from pharos.ingest.jaeger.spans import KINDS, REF_TYPE
from pharos.query.events.rows import Attribute, Attributes, Origin, Span, SpanEvent, SpanLink, ValueKind

KIND_WORDS: Final = ("", *KINDS)
"""Jaeger's words for OpenTelemetry's SpanKind."""
_STATUS_WORDS: Final = {1: "OK", 2: "ERROR"}
_ERROR: Final = 2


class Reference(Struct, frozen=True):
    """Another span, which this one is a child of or follows."""

    is_child: bool
    trace_id: str
    span_id: str


def _text(key: str, value: str) -> Attribute:
    return key, value, ValueKind.TEXT


def span_tags(span: Span) -> list[Attribute]:
    """Return a span's tags: of its scope, its own, and what Jaeger has no field for."""
    origin = span.origin
    found = []
    if origin.scope_name:
        found.append(_text("otel.scope.name", origin.scope_name))
    if origin.scope_version:
        found.append(_text("otel.scope.version", origin.scope_version))
    found += span.attributes
    if 0 < span.kind < len(KIND_WORDS):
        found.append(_text("span.kind", KIND_WORDS[span.kind]))
    if span.status in _STATUS_WORDS:
        found.append(_text("otel.status_code", _STATUS_WORDS[span.status]))
    if span.status == _ERROR:
        found.append(("error", "true", ValueKind.BOOL))
    if span.status_message:
        found.append(_text("otel.status_description", span.status_message))
    if span.trace_state:
        found.append(_text("w3c.tracestate", span.trace_state))
    return found


def log_fields(event: SpanEvent) -> list[Attribute]:
    """Return the fields of a log: an event's attributes, below its name unless one of them is called so."""
    fields = list(event.attributes)
    if event.name and all(key != "event" for key, _, _ in event.attributes):
        fields.insert(0, _text("event", event.name))
    return fields


def _is_child(link: SpanLink) -> bool:
    return any(key == REF_TYPE and value == "child_of" for key, value, _ in link.attributes)


def references_of(span: Span) -> list[Reference]:
    """Return the parent first; a link to the parent says of which kind it is, and is not repeated."""
    is_child = True
    others = []
    for link in span.links:
        if span.parent_id and (link.trace_id, link.span_id) == (span.trace_id, span.parent_id):
            is_child = _is_child(link)
        else:
            others.append(Reference(_is_child(link), link.trace_id, link.span_id))
    return [Reference(is_child, span.trace_id, span.parent_id), *others] if span.parent_id else others


def process_tags(origin: Origin) -> Attributes:
    """Return the tags of a process: all of its resource but the service's name."""
    return tuple(one for one in origin.resource if one[0] != "service.name")
