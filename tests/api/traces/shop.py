"""Two traces that the APIs are asked about."""

from __future__ import annotations

from tests.span_rows import rows_of

from pharos.ingest.events.requests import (
    EventRequest,
    SpanEventValues,
    SpanLinkValues,
    resource_of,
    scope_of,
    span,
)
from pharos.query.events.rows import Span

MS = 1_000_000
BEGIN_NS = 1_768_478_400 * 10**9
"""2026-01-15, noon."""


class NoonClock:
    """A minute after noon."""

    def now_ns(self) -> int:
        return BEGIN_NS + 60 * 10**9

    def now_ms(self) -> int:
        return self.now_ns() // MS

    def monotonic_s(self) -> float:
        return 0.0


def shop_spans() -> list[Span]:
    """Return two traces: of a shop, whose first span failed, and an hour before of nobody who says so."""
    request = EventRequest()
    front, cart = ([("service.name", name), ("team", "shop")] for name in ("front", "cart"))
    trace_id = bytes(15) + b"\x0a"
    first = span(
        "GET /cart",
        trace_id=trace_id,
        span_id=bytes(7) + b"\x01",
        kind=2,
        start_ns=BEGIN_NS,
        end_ns=BEGIN_NS + 10 * MS,
        status=2,
        status_message="broke",
    )
    second = span(
        "GetCart",
        trace_id=trace_id,
        span_id=bytes(7) + b"\x02",
        parent_id=bytes(7) + b"\x01",
        kind=3,
        start_ns=BEGIN_NS + MS,
        end_ns=BEGIN_NS + 6 * MS,
        attributes=[("n", 7), ("list", [1, "x", {"deep": True}]), ("raw", b"\x00\x01"), ("none", None)],
        events=[SpanEventValues(BEGIN_NS + 2 * MS, "miss", (("key", 0.5),))],
        links=[SpanLinkValues(bytes(15) + b"\x0b", bytes(7) + b"\x03", "a=b", (("why", "retry"),))],
        trace_state="c=d",
        flags=1,
    )
    lone = span(
        "lone",
        trace_id=bytes(15) + b"\x0b",
        span_id=bytes(7) + b"\x03",
        start_ns=BEGIN_NS - 3_600 * 10**9,
        end_ns=BEGIN_NS - 3_599 * 10**9,
    )
    request.add(resource_of(front), first)
    request.add(resource_of(cart), second, scope_of("lib", "1", [("s", 1)]))
    request.add(resource_of([("host", "h")]), lone)
    return rows_of(request.body())
