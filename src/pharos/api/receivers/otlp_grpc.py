"""OTLP over gRPC: the same three signals as over HTTP, with the same limits and answers."""

from __future__ import annotations

from functools import partial

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse

from pharos.access import Scope
from pharos.api.grpc.methods import Answer, Method
from pharos.api.http.bodies import Held
from pharos.api.receivers.otlp import OtlpEndpoint
from pharos.api.receivers.otlp_events import LOGS, TRACES, OtlpEventsEndpoint, OtlpSignal
from pharos.api.receivers.otlp_http import Sent


def otlp_methods(metrics: OtlpEndpoint, events: OtlpEventsEndpoint) -> list[Method]:
    """Return the three services of OTLP."""
    return [
        _export("metrics", "Metrics", "metrics.write", partial(_take_metrics, metrics)),
        _export("logs", "Logs", LOGS.permission, partial(_take_events, events, LOGS)),
        _export("trace", "Trace", TRACES.permission, partial(_take_events, events, TRACES)),
    ]


def _export(package: str, signal: str, permission: str, answer: Answer) -> Method:
    service = f"opentelemetry.proto.collector.{package}.v1.{signal}Service"
    counted_as = f"otlp_grpc_{permission.partition('.')[0]}"
    return Method(service, "Export", permission, answer, counted_as)


async def _take_metrics(endpoint: OtlpEndpoint, scope: Scope, sent: Sent, held: Held) -> bytes:
    rejected, message = await endpoint.take(scope, sent, held)
    answer = ExportMetricsServiceResponse()
    if message:
        answer.partial_success.rejected_data_points = rejected
        answer.partial_success.error_message = message
    return answer.SerializeToString()


async def _take_events(
    endpoint: OtlpEventsEndpoint, signal: OtlpSignal, scope: Scope, sent: Sent, held: Held
) -> bytes:
    return signal.said(await endpoint.take(scope, signal, sent, held))
