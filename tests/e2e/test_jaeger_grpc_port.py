"""Jaeger over gRPC at a port of its own: what is sent there is read back field by field, in each form."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from tests.e2e.test_otlp_ports import eventually
from tests.jaeger_messages import V2, V3, message
from tests.peers import free_port
from tests.process import Server

TRACE: Final = "463ac35c9f6413ad48485a3953bb6124"
PARENT: Final = "00000000000000a1"
SPAN: Final = "a2fb4a1d1a96d312"
OTHER: Final = "0000000000000000000000000000000b"


@dataclass
class Jaeger:
    """A server, and a channel to where Jaeger's clients look."""

    server: Server
    channel: grpc.Channel
    begin_s: int

    def call(self, method: str, asked: bytes, tenant: str = "default") -> list[bytes]:
        """Return the messages of an answer, once there is one."""
        metadata = [("x-scope-orgid", tenant)]
        call = self.channel.unary_stream(f"/{method}")
        return list(call(asked, metadata=metadata, timeout=60, wait_for_ready=True))


def _batch(begin_s: int) -> bytes:
    own = [
        {"key": "span.kind", "v_str": "server"},
        {"key": "error", "v_type": 1, "v_bool": True},
        {"key": "http.status_code", "v_type": 2, "v_int64": 503},
        {"key": "share", "v_type": 3, "v_float64": 0.25},
        {"key": "cached", "v_type": 1},
        {"key": "raw", "v_type": 4, "v_binary": "00ff"},
        {"key": "user", "v_str": "Ada"},
    ]
    span = {
        "trace_id": TRACE,
        "span_id": SPAN,
        "operation_name": "get /cart",
        "references": [
            {"trace_id": TRACE, "span_id": PARENT},
            {"trace_id": OTHER, "span_id": "00000000000000b1", "ref_type": 1},
        ],
        "flags": 1,
        "start_time": {"seconds": begin_s, "nanos": 123_456_789},
        "duration": {"nanos": 207_000_001},
        "tags": own,
        "logs": [
            {
                "timestamp": {"seconds": begin_s, "nanos": 200_000_000},
                "fields": [{"key": "event", "v_str": "retry"}, {"key": "n", "v_type": 2, "v_int64": 2}],
            }
        ],
    }
    root = {
        "trace_id": TRACE,
        "span_id": PARENT,
        "operation_name": "buy",
        "start_time": {"seconds": begin_s},
        "duration": {"seconds": 1},
        "process": {"service_name": "front"},
    }
    process = {"service_name": "cart", "tags": [{"key": "host.name", "v_str": "h1"}]}
    return message(V2, "PostSpansRequest", {"batch": {"process": process, "spans": [span, root]}})


@pytest.fixture(scope="module")
def jaeger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jaeger]:
    folder, port = tmp_path_factory.mktemp("jaeger"), free_port()
    config = folder / "pharos.yml"
    config.write_text(f"also_listen_grpc: ['127.0.0.1:{port}']\notlp: {{grpc: 'off'}}\n")
    server = Server(folder / "store", "--config", str(config))
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        found = Jaeger(server, channel, int(time.time()) - 60)
        assert found.call("jaeger.api_v2.CollectorService/PostSpans", _batch(found.begin_s)) == [b""]
        # What is durable is found once it is loaded; where spans come from is known a moment before.
        query = {"query": {"service_name": "cart"}}
        asked = message(V2, "FindTracesRequest", query)
        assert eventually(lambda: found.call("jaeger.api_v2.QueryService/FindTraces", asked))
        yield found
    assert server.stop() == 0, server.log.read_text()


def _services(jaeger: Jaeger, tenant: str = "default") -> list[str]:
    (answer,) = jaeger.call("jaeger.api_v2.QueryService/GetServices", b"", tenant)
    found: list[str] = list(V2["GetServicesResponse"].FromString(answer).services)
    return found


def test_it_is_found_in_jaegers_own_model(jaeger: Jaeger) -> None:
    query = {
        "service_name": "cart",
        "operation_name": "get /cart",
        "tags": [{"key": "http.status_code", "value": "503"}, {"key": "user", "value": "Ada"}],
        "start_time_min": {"seconds": jaeger.begin_s},
        "start_time_max": {"seconds": jaeger.begin_s + 1},
        "duration_min": {"nanos": 207_000_001},
    }
    (answer,) = jaeger.call(
        "jaeger.api_v2.QueryService/FindTraces", message(V2, "FindTracesRequest", {"query": query})
    )
    root, found = V2["SpansResponseChunk"].FromString(answer).spans
    assert (root.operation_name, root.process.service_name, list(root.references)) == ("buy", "front", [])
    shown = MessageToDict(found, preserving_proto_field_name=True)
    begin = {"seconds": str(jaeger.begin_s)}
    tags = shown.pop("tags")
    assert shown == {
        "trace_id": "RjrDXJ9kE61ISFo5U7thJA==",
        "span_id": "ovtKHRqW0xI=",
        "operation_name": "get /cart",
        "references": [
            {"trace_id": "RjrDXJ9kE61ISFo5U7thJA==", "span_id": "AAAAAAAAAKE="},
            {"trace_id": "AAAAAAAAAAAAAAAAAAAACw==", "span_id": "AAAAAAAAALE=", "ref_type": 1},
        ],
        "flags": 1,
        "start_time": {**begin, "nanos": 123_456_789},
        "duration": {"nanos": 207_000_001},
        "logs": [
            {
                "timestamp": {**begin, "nanos": 200_000_000},
                "fields": [
                    {"key": "event", "v_str": "retry"},
                    {"key": "n", "v_type": 2, "v_int64": "2"},
                ],
            }
        ],
        "process": {"service_name": "cart", "tags": [{"key": "host.name", "v_str": "h1"}]},
    }
    assert sorted(tags, key=lambda one: one["key"]) == [
        {"key": "cached", "v_type": 1},
        {"key": "error", "v_type": 1, "v_bool": True},
        {"key": "http.status_code", "v_type": 2, "v_int64": "503"},
        {"key": "otel.status_code", "v_str": "ERROR"},
        {"key": "raw", "v_type": 4, "v_binary": "AP8="},
        {"key": "share", "v_type": 3, "v_float64": 0.25},
        {"key": "span.kind", "v_str": "server"},
        {"key": "user", "v_str": "Ada"},
    ]


def test_it_is_found_as_otlp(jaeger: Jaeger) -> None:
    asked = message(V3, "GetTraceRequest", {"trace_id": TRACE.lstrip("0").upper()})
    messages = jaeger.call("jaeger.api_v3.QueryService/GetTrace", asked)
    spans = {
        span.name: (group, span)
        for found in map(TracesData.FromString, messages)
        for group in found.resource_spans
        for scoped in group.scope_spans
        for span in scoped.spans
    }
    group, span = spans["get /cart"]
    assert {one.key: one.value.string_value for one in group.resource.attributes} == {
        "service.name": "cart",
        "host.name": "h1",
    }
    assert (span.trace_id.hex(), span.parent_span_id.hex(), span.kind, span.status.code) == (
        TRACE,
        PARENT,
        2,
        2,
    )
    assert span.end_time_unix_nano - span.start_time_unix_nano == 207_000_001
    assert {one.key for one in span.attributes} == {"http.status_code", "share", "cached", "raw", "user"}
    assert [one.name for one in span.events] == ["retry"]


def test_it_is_found_in_json(jaeger: Jaeger) -> None:
    with urllib.request.urlopen(f"{jaeger.server.url}/api/traces/{TRACE}", timeout=60) as answer:
        (trace,) = json.load(answer)["data"]
    assert sorted(one["operationName"] for one in trace["spans"]) == ["buy", "get /cart"]


def test_operations_and_dependencies_are_told(jaeger: Jaeger) -> None:
    asked = message(V2, "GetOperationsRequest", {"service": "cart", "span_kind": "server"})
    (answer,) = jaeger.call("jaeger.api_v2.QueryService/GetOperations", asked)
    assert [one.name for one in V2["GetOperationsResponse"].FromString(answer).operations] == ["get /cart"]
    (answer,) = jaeger.call("jaeger.api_v2.QueryService/GetDependencies", b"")
    (edge,) = V2["GetDependenciesResponse"].FromString(answer).dependencies
    assert (edge.parent, edge.child, edge.call_count) == ("front", "cart", 1)


def test_another_tenant_sees_nothing_of_it(jaeger: Jaeger) -> None:
    assert _services(jaeger, "other") == []
    asked = message(V2, "GetTraceRequest", {"trace_id": TRACE})
    with pytest.raises(grpc.RpcError) as refused:
        jaeger.call("jaeger.api_v2.QueryService/GetTrace", asked, "other")
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
