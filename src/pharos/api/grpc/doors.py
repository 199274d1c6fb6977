"""What is reached over gRPC too, and who is let in."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from pharos.api.http.bodies import Bodies
from pharos.api.http.identity import Identify
from pharos.api.jaeger.reading import JaegerTraces
from pharos.api.receivers.otlp import OtlpEndpoint
from pharos.api.receivers.otlp_events import OtlpEventsEndpoint
from pharos.api.receivers.spans import SpanDoor
from pharos.ingest.jaeger.sampling import Strategies


class GrpcDoors(Struct, frozen=True):
    """What takes telemetry and what answers questions about traces, over whichever protocol."""

    metrics: OtlpEndpoint
    events: OtlpEventsEndpoint
    spans: SpanDoor
    strategies: Callable[[], Strategies]
    traces: JaegerTraces
    bodies: Bodies
    """Of all requests."""
    identify: Identify
