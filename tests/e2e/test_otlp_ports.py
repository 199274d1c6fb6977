"""The standard ports of OTLP: what an SDK sends over HTTP, and a client over gRPC, is read back."""

from __future__ import annotations

import json
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from tests.process import Server

PATIENCE_S = 60.0


def eventually(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not (answer := found()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return answer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("ports")
    running = Server(folder / "store", "--otlp-grpc", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0")
    yield running
    assert running.stop() == 0, running.log.read_text()


def port_of(server: Server, protocol: str) -> int:
    """Return the port that the server says it takes a protocol on."""
    said = {"HTTP": "OTLP over HTTP is taken", "gRPC": "gRPC is answered"}[protocol]
    pattern = rf"{said} on 127\.0\.0\.1:(\d+)"
    found = eventually(lambda: re.search(pattern, server.log.read_text()))
    assert found, server.log.read_text()
    return int(found[1])


def read(server: Server, path: str, **parameters: str) -> Any:
    with urllib.request.urlopen(
        f"{server.url}{path}?{urllib.parse.urlencode(parameters)}", timeout=60
    ) as answer:
        return json.loads(answer.read())


def lines(server: Server, service: str) -> list[str]:
    query = f'{{service_name="{service}"}}'
    streams = read(server, "/loki/api/v1/query_range", query=query)["data"]["result"]
    return [line for stream in streams for _, line in stream["values"]]


def test_what_an_sdk_sends_over_http_is_read_back(server: Server) -> None:
    base = f"http://127.0.0.1:{port_of(server, 'HTTP')}/v1"
    resource = Resource({"service.name": "over-http"})
    traces = TracerProvider(resource=resource)
    traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{base}/traces")))
    with traces.get_tracer("t").start_as_current_span("buy") as span:
        trace_id = f"{span.get_span_context().trace_id:032x}"
    traces.shutdown()
    metrics = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter(f"{base}/metrics"))], resource)
    metrics.get_meter("t").create_counter("http_orders").add(3)
    metrics.shutdown()
    assert eventually(lambda: read(server, "/api/v1/query", query="http_orders_total")["data"]["result"])
    found = eventually(lambda: read(server, "/api/traces", traceID=trace_id)["data"])
    assert [one["operationName"] for one in found[0]["spans"]] == ["buy"]


def test_what_is_sent_over_grpc_is_read_back(server: Server) -> None:
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.add(key="service.name").value.string_value = "over-grpc"
    record = group.scope_logs.add().log_records.add(time_unix_nano=time.time_ns())
    record.body.string_value = "sent over gRPC"
    spans = ExportTraceServiceRequest()
    traced = spans.resource_spans.add()
    traced.resource.CopyFrom(group.resource)
    now_ns = time.time_ns()
    traced.scope_spans.add().spans.add(
        name="call",
        trace_id=b"t" * 16,
        span_id=b"s" * 8,
        start_time_unix_nano=now_ns - 5_000_000,
        end_time_unix_nano=now_ns,
    )
    service = "/opentelemetry.proto.collector"
    with grpc.insecure_channel(
        f"127.0.0.1:{port_of(server, 'gRPC')}", compression=grpc.Compression.Gzip
    ) as channel:
        for path, sent in (
            (f"{service}.logs.v1.LogsService", request),
            (f"{service}.trace.v1.TraceService", spans),
        ):
            assert channel.unary_unary(f"{path}/Export")(sent.SerializeToString(), timeout=60) == b""
    assert eventually(lambda: lines(server, "over-grpc")) == ["sent over gRPC"]
    found = eventually(lambda: read(server, "/api/traces", traceID=(b"t" * 16).hex())["data"])
    assert [one["duration"] for one in found[0]["spans"]] == [5_000]
