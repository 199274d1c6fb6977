"""Trace and span ids that stand among a record's fields: they stay there, and become the record's own."""

from __future__ import annotations

from typing import Final

from pharos.ingest.events.requests import Value, span_id_bytes, trace_id_bytes

_TRACE_NAMES: Final = frozenset(
    {"trace_id", "traceid", "traceId", "traceID", "trace.id", "TraceId", "TraceID"}
)
_SPAN_NAMES: Final = frozenset({"span_id", "spanid", "spanId", "spanID", "span.id", "SpanId", "SpanID"})
ID_NAMES: Final = _TRACE_NAMES | _SPAN_NAMES


class TraceIds:
    """The ids of one record, as they are found."""

    __slots__ = ("span_id", "trace_id")

    def __init__(self) -> None:
        self.trace_id = b""
        self.span_id = b""

    def look(self, name: str, value: Value) -> None:
        """Take the value of a field over if it is an id and is called so; the first counts."""
        if name not in ID_NAMES or not isinstance(value, str):
            return
        if name in _TRACE_NAMES:
            self.trace_id = self.trace_id or trace_id_bytes(value)
        else:
            self.span_id = self.span_id or span_id_bytes(value)
