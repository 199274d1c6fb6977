"""Traces in a few words each: `TraceSummary` of version 3 of Jaeger's API (query_service.proto)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from pharos.api.jaeger.adjust import ShownSpan
from pharos.api.jaeger.services import EMPTY_SPAN, service_of
from pharos.protobuf import message_classes
from pharos.query.events.rows import Span

SUMMARIES: Final = message_classes(
    "jaeger.api_v3",
    {
        "FindTraceSummariesResponse": {"summaries": (1, "*TraceSummary")},
        "TraceSummary": {
            "trace_id": (1, "string"),
            "root_service_name": (2, "string"),
            "root_operation_name": (3, "string"),
            "min_start_time_unix_nano": (4, "fixed64"),
            "max_end_time_unix_nano": (5, "fixed64"),
            "span_count": (6, "int32"),
            "error_span_count": (7, "int32"),
            "orphan_span_count": (8, "int32"),
            "services": (9, "*ServiceSummary"),
        },
        "ServiceSummary": {
            "name": (1, "string"),
            "span_count": (2, "int32"),
            "error_span_count": (3, "int32"),
        },
    },
)
_ERROR: Final = 2


def summary_of(shown: Sequence[ShownSpan]) -> Any:
    """Return the TraceSummary of the spans of one trace; it has no root where each span has a parent."""
    spans = [one.span for one in shown]
    ids = {span.span_id for span in spans}
    failed = [span for span in spans if span.status == _ERROR]
    root = min((span for span in spans if not span.parent_id), key=lambda span: span.start_ns, default=None)
    return SUMMARIES["TraceSummary"](
        trace_id=spans[0].trace_id,
        root_service_name="" if root is None else service_of(root.origin),
        root_operation_name="" if root is None else root.name or EMPTY_SPAN,
        min_start_time_unix_nano=max(min(span.start_ns for span in spans), 0),
        max_end_time_unix_nano=max(0, *(span.end_ns for span in spans)),
        span_count=len(spans),
        error_span_count=len(failed),
        orphan_span_count=sum(span.parent_id != "" and span.parent_id not in ids for span in spans),
        services=_services(spans, failed),
    )


def _services(spans: Sequence[Span], failed: Sequence[Span]) -> list[dict[str, Any]]:
    counts = Counter(service_of(span.origin) for span in spans)
    errors = Counter(service_of(span.origin) for span in failed)
    return [
        {"name": name, "span_count": counts[name], "error_span_count": errors[name]}
        for name in sorted(counts)
    ]
