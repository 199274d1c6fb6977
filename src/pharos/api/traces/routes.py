"""All addresses at which traces are read."""

from __future__ import annotations

from collections.abc import Iterator

from pharos.api.http.routes import Operation
from pharos.api.jaeger.queries import JaegerApi
from pharos.api.jaeger.reading import JaegerTraces
from pharos.api.jaeger.routes import jaeger_operations, span_metric_operations
from pharos.api.jaeger.span_metrics import SpanMetricsApi
from pharos.api.tempo.metrics import TempoMetricsApi
from pharos.api.tempo.queries import TempoApi
from pharos.api.tempo.routes import tempo_operations
from pharos.api.traces.native import SpansApi, native_operations
from pharos.clock import Clock
from pharos.query.events.traces import Traces


def trace_operations(traces: Traces, clock: Clock) -> Iterator[Operation]:
    """Yield what is answered of traces."""
    yield from jaeger_operations(JaegerApi(JaegerTraces(traces, clock), clock))
    yield from span_metric_operations(SpanMetricsApi(traces, clock))
    yield from tempo_operations(TempoApi(traces, clock), TempoMetricsApi(traces, clock))
    yield from native_operations(SpansApi(traces, clock))
