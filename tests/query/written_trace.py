"""A trace written down in YAML, as a request of OTLP."""

from __future__ import annotations

from typing import Any

from pharos.ingest.events.requests import (
    EventRequest,
    SpanEventValues,
    SpanLinkValues,
    resource_of,
    scope_of,
    span,
)

_KINDS = ["unspecified", "internal", "server", "client"]
_MS = 1_000_000


def _id(text: str, digits: int) -> bytes:
    return bytes.fromhex(text.rjust(digits, "0"))


def request_of(trace: list[dict[str, Any]], begin_ns: int = 0) -> bytes:
    """Return the spans of a trace whose times count from `begin_ns`."""
    request = EventRequest()
    for one in trace:
        start_ns = begin_ns + one["at_ms"] * _MS
        made = span(
            one["name"],
            trace_id=_id("abc", 32),
            span_id=_id(one["id"], 16),
            parent_id=_id(one["parent"], 16) if "parent" in one else b"",
            kind=_KINDS.index(one["kind"]),
            start_ns=start_ns,
            end_ns=start_ns + one["for_ms"] * _MS,
            attributes=one.get("attributes", {}).items(),
            events=[
                SpanEventValues(
                    begin_ns + event["at_ms"] * _MS, event["name"], tuple(event["attributes"].items())
                )
                for event in one.get("events", [])
            ],
            links=[
                SpanLinkValues(
                    _id(link["trace"], 32),
                    _id(link["span"], 16),
                    attributes=tuple(link["attributes"].items()),
                )
                for link in one.get("links", [])
            ],
            status=2 if one.get("status") == "error" else 0,
            status_message=one.get("message", ""),
        )
        request.add(resource_of([("service.name", one["service"])]), made, scope_of("lib", "1"))
    return request.body()
