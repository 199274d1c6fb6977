"""OTLP over HTTP as senders speak it: the Python SDK, then bodies of every kind and their answers."""

from __future__ import annotations

import gzip
import json
import re
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import cramjam
import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from tests.api.peers import Answer, Peer

JSON = "application/json"
PROTOBUF = "application/x-protobuf"
PATHS = ("/v1/metrics", "/api/v1/otlp/v1/metrics")
NS_IN_S = 1_000_000_000
YEAR_2098_S = 4_039_372_800
VISIBLE_WITHIN_S = 10.0
_TENANTS = count()


def eventually(found: Callable[[], Any]) -> Any:
    """Return the first answer of `found` that is true, asking until what was acknowledged must be visible."""
    deadline = time.monotonic() + VISIBLE_WITHIN_S
    while not (answer := found()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return answer


@dataclass(frozen=True)
class Sender:
    """A peer that is written to as one tenant."""

    peer: Peer

    def send(
        self, body: bytes, media: str = PROTOBUF, packing: str = "", path: str = PATHS[0], **headers: str
    ) -> Answer:
        """Post a body."""
        packed = {"Content-Encoding": packing} if packing else {}
        return self.peer.ask("POST", path, body, {"Content-Type": media, **packed, **headers})

    def found(self, expression: str) -> list[tuple[dict[str, str], Any]]:
        """Return labels and value of what an instant query finds, as soon as it finds something."""

        def ask() -> Any:
            return self.peer.ask("GET", f"/api/v1/query?query={expression}").json()["data"]["result"]

        return [(one["metric"], (one.get("value") or one["histogram"])[1]) for one in eventually(ask)]


@pytest.fixture
def sender(pharos_url: str) -> Sender:
    """A sender to a tenant of its own."""
    return Sender(Peer(pharos_url, f"otlp-{next(_TENANTS)}"))


def gauge(name: str = "m", value: float = 1.0, **attributes: str) -> ExportMetricsServiceRequest:
    """Return a request of one point, now."""
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name=name)
    point = metric.gauge.data_points.add(as_double=value, time_unix_nano=time.time_ns())
    for key, text in attributes.items():
        point.attributes.add(key=key).value.string_value = text
    return request


def _point(request: ExportMetricsServiceRequest) -> Any:
    return request.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points[0]


def _partial(answer: Answer) -> tuple[int, str]:
    assert answer.status == 200, answer.body
    partial = ExportMetricsServiceResponse.FromString(answer.body).partial_success
    return partial.rejected_data_points, partial.error_message


# The SDK.


def _observe(_options: CallbackOptions) -> Iterator[Observation]:
    yield Observation(21.5, {"room": "kitchen"})


@pytest.fixture
def provider(sender: Sender) -> Iterator[MeterProvider]:
    """The SDK's meter provider, which exports when it is told to."""
    exporter = OTLPMetricExporter(
        endpoint=f"{sender.peer.url}/v1/metrics", headers={"X-Scope-OrgID": sender.peer.tenant}
    )
    made = MeterProvider(
        [PeriodicExportingMetricReader(exporter, export_interval_millis=float("inf"))],
        Resource({"service.name": "shop", "service.namespace": "web", "host.name": "h1"}),
        views=[
            View(
                instrument_type=Histogram,
                instrument_name="*.native",
                aggregation=ExponentialBucketHistogramAggregation(),
            )
        ],
    )
    yield made
    made.shutdown()


def test_what_the_sdk_exports_is_answered_by_promql(sender: Sender, provider: MeterProvider) -> None:
    meter = provider.get_meter("tests")
    requests = meter.create_counter("http.requests", "1", "Requests answered.")
    requests.add(3, {"http.method": "GET"})
    requests.add(2, {"http.method": "POST"})
    meter.create_up_down_counter("queue.length").add(-4)
    meter.create_observable_gauge("room.temperature", [_observe], "Cel")
    for instrument in (meter.create_histogram("latency", "s"), meter.create_histogram("latency.native", "s")):
        for value in (0.5, 3.0, 30_000.0):
            instrument.record(value, {"path": "/"})
    assert provider.force_flush()

    job = {"job": "web/shop"}
    assert sorted(sender.found("http_requests_total"), key=str) == [
        ({"__name__": "http_requests_total", "http_method": "GET", **job}, "3"),
        ({"__name__": "http_requests_total", "http_method": "POST", **job}, "2"),
    ]
    assert sender.found("queue_length") == [({"__name__": "queue_length", **job}, "-4")]
    assert [value for _, value in sender.found("room_temperature_celsius")] == ["21.5"]
    assert [value for _, value in sender.found("latency_seconds_sum")] == ["30003.5"]
    bucket = sender.found('latency_seconds_bucket{le="5"}')
    assert bucket == [({"__name__": "latency_seconds_bucket", "le": "5", "path": "/", **job}, "2")]
    [(labels, native)] = sender.found("latency_native_seconds")
    assert labels == {"__name__": "latency_native_seconds", "path": "/", **job}
    assert (native["count"], native["sum"]) == ("3", "30003.5")
    [(_, median)] = sender.found("histogram_quantile(0.5,latency_native_seconds)")
    assert float(median) == pytest.approx(3.0, rel=0.05)
    [(info, _)] = sender.found("target_info")
    assert (info["host_name"], info["job"]) == ("h1", "web/shop")

    told = sender.peer.ask("GET", "/api/v1/metadata?metric=http_requests_total").json()["data"]
    assert told == {"http_requests_total": [{"type": "counter", "help": "Requests answered.", "unit": ""}]}


def _is_found(sender: Sender, expression: str, value: str) -> bool:
    return [found for _, found in sender.found(expression)] == [value]


def test_the_sdk_exports_again_and_only_once(sender: Sender, provider: MeterProvider) -> None:
    counter = provider.get_meter("tests").create_counter("turns")
    for turn in range(1, 4):
        counter.add(1)
        assert provider.force_flush()
        assert eventually(partial(_is_found, sender, "turns_total", str(turn)))
    assert [value for _, value in sender.found("count_over_time(turns_total[1m])")] == ["3"]


# Encodings.


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("packing", ["", "identity", "gzip", "zstd", "GZIP"])
def test_every_packing_is_taken_at_both_addresses(sender: Sender, path: str, packing: str) -> None:
    plain = gauge("packed").SerializeToString()
    body = {"gzip": gzip.compress(plain), "zstd": bytes(cramjam.zstd.compress(plain))}.get(
        packing.lower(), plain
    )
    answer = sender.send(body, packing=packing, path=path)
    assert (answer.status, answer.headers["content-type"], answer.body) == (200, PROTOBUF, b"")
    assert [value for _, value in sender.found("packed")] == ["1"]


def test_json_is_answered_in_json(sender: Sender) -> None:
    point = {"timeUnixNano": str(time.time_ns()), "asInt": "7", "attributes": None}
    metrics = [{"name": "j", "gauge": {"dataPoints": [point]}, "unknown": 1}]
    metrics.append({"name": "d", "sum": {"aggregationTemporality": 0, "dataPoints": [point, point]}})
    body = json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]}).encode()
    answer = sender.send(body, f"{JSON}; charset=utf-8")
    assert (answer.status, answer.headers["content-type"]) == (200, JSON)
    partial = answer.json()["partialSuccess"]
    assert partial["rejectedDataPoints"] == "2"
    assert "temporality" in partial["errorMessage"]
    assert [value for _, value in sender.found("j")] == ["7"]
    assert sender.send(b"{}", JSON).json() == {}


def test_other_types_and_packings_are_415(sender: Sender) -> None:
    body = gauge().SerializeToString()
    for media, packing in (
        ("text/plain", ""),
        ("", ""),
        (PROTOBUF, "br"),
        (PROTOBUF, "snappy"),
        (JSON, "lz4"),
    ):
        answer = sender.send(body, media, packing)
        assert answer.status == 415, (media, packing)
    assert "br" in sender.send(b"{}", JSON, "br").json()["message"]


def test_only_post_writes(sender: Sender) -> None:
    for method, status in (("GET", 405), ("PUT", 405), ("OPTIONS", 204)):
        for path in (*PATHS, "/v1/traces"):
            answer = sender.peer.ask(method, path)
            assert (answer.status, answer.headers["allow"]) == (status, "OPTIONS, POST")


@pytest.mark.parametrize("signal", ["logs", "traces"])
@pytest.mark.parametrize("prefix", ["", "/api/v1/otlp", "/otlp"])
def test_logs_and_traces_are_taken_and_refused_in_the_encoding_of_the_request(
    sender: Sender, prefix: str, signal: str
) -> None:
    path = f"{prefix}/v1/{signal}"
    taken = sender.send(b"{}", JSON, path=path)
    assert (taken.status, taken.json()) == (200, {})
    refused = sender.send(b"[]", JSON, path=path)
    assert (refused.status, refused.json()["code"]) == (400, 3)
    assert (sender.send(b"", PROTOBUF, path=path).status, sender.send(b"", PROTOBUF, path=path).body) == (
        200,
        b"",
    )
    binary = sender.send(b"\x0a\xff", PROTOBUF, path=path)
    assert (binary.status, binary.headers["content-type"]) == (400, PROTOBUF)
    assert binary.body.startswith(b"\x08\x03\x12")


def test_tenants_are_kept_apart(sender: Sender) -> None:
    assert sender.send(gauge("mine").SerializeToString()).status == 200
    assert sender.found("mine")
    other = Peer(sender.peer.url, f"{sender.peer.tenant}-other")
    assert other.ask("GET", "/api/v1/query?query=mine").json()["data"]["result"] == []
    assert Sender(Peer(sender.peer.url, "not/a tenant")).send(b"").status == 400


# What is stored of odd points, and what is refused of them.


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 1.7976931348623157e308, -0.0])
def test_odd_values_are_stored(sender: Sender, value: float) -> None:
    assert _partial(sender.send(gauge("odd", value).SerializeToString())) == (0, "")
    [(_, text)] = sender.found("odd")
    assert float(text) == value or (text == "NaN" and value != value)


@pytest.mark.parametrize(
    ("seconds", "reason"), [(YEAR_2098_S, "future"), (1, "older"), (0, "older"), (2**64 // NS_IN_S, "future")]
)
def test_times_out_of_bounds_are_refused_alone(sender: Sender, seconds: int, reason: str) -> None:
    request = gauge("kept")
    metric = request.resource_metrics[0].scope_metrics[0].metrics.add(name="refused")
    metric.gauge.data_points.add(time_unix_nano=seconds * NS_IN_S, as_int=1)
    rejected, message = _partial(sender.send(request.SerializeToString()))
    assert rejected == 1
    assert reason in message
    assert "refused" in message
    assert sender.found("kept")


def test_a_point_with_too_many_attributes_is_refused_alone(sender: Sender) -> None:
    request = gauge("kept")
    metric = request.resource_metrics[0].scope_metrics[0].metrics.add(name="wide")
    point = metric.gauge.data_points.add(time_unix_nano=time.time_ns(), as_int=1)
    for number in range(100_000):
        point.attributes.add(key=f"a{number}").value.string_value = "v"
    rejected, message = _partial(sender.send(request.SerializeToString()))
    assert (rejected, "attributes" in message) == (1, True)
    assert sender.found("kept")


def test_a_resource_with_too_many_attributes_keeps_its_points(sender: Sender) -> None:
    request = gauge("kept")
    attributes = request.resource_metrics[0].resource.attributes
    attributes.add(key="service.name").value.string_value = "s"
    for number in range(100_000):
        attributes.add(key=f"a{number}").value.string_value = "v"
    assert _partial(sender.send(request.SerializeToString())) == (0, "")
    assert [labels["job"] for labels, _ in sender.found("kept")] == ["s"]


def test_a_wrong_native_histogram_is_refused_alone(sender: Sender) -> None:
    request = gauge("kept")
    metric = request.resource_metrics[0].scope_metrics[0].metrics.add(name="wrong")
    metric.exponential_histogram.aggregation_temporality = (
        AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    )
    for counts in ([1, 2], [1 << 63], [2**64 - 1] * 2):
        metric.exponential_histogram.data_points.add(
            time_unix_nano=time.time_ns(), count=1, positive={"bucket_counts": counts, "offset": 2**31 - 1}
        )
    rejected, message = _partial(sender.send(request.SerializeToString()))
    assert rejected == 3, message
    assert sender.found("kept")


def test_an_attribute_of_any_shape_is_a_label(sender: Sender) -> None:
    request = gauge("shaped")
    value = _point(request).attributes.add(key="deep").value
    for _ in range(20):
        value = value.array_value.values.add()
    value.int_value = 5
    assert _partial(sender.send(request.SerializeToString())) == (0, "")
    [(labels, _)] = sender.found("shaped")
    assert labels["deep"] == "[" * 20 + "5" + "]" * 20


# Rubbish.


RUBBISH = {
    "noise": (b"\xff" * 100, PROTOBUF, ""),
    "truncated": (gauge("m", a="b").SerializeToString()[:-3], PROTOBUF, ""),
    "wrong wire type": (b"\x0a\x02\x12\x05", PROTOBUF, ""),
    "a name that is not UTF-8": (
        gauge("mmmm").SerializeToString().replace(b"mmmm", b"m\xff\xfem"),
        PROTOBUF,
        "",
    ),
    "an attribute that is not UTF-8": (
        gauge("m", kkkk="v").SerializeToString().replace(b"kkkk", b"k\xff\xfek"),
        PROTOBUF,
        "",
    ),
    "gzip that is none": (b"no gzip", PROTOBUF, "gzip"),
    "gzip that is cut off": (gzip.compress(gauge().SerializeToString())[:-4], PROTOBUF, "gzip"),
    "deflate that is broken": (gzip.compress(b"x" * 1000)[:20] + b"\0" * 50, PROTOBUF, "gzip"),
    "zlib for gzip": (zlib.compress(gauge().SerializeToString()), PROTOBUF, "gzip"),
    "zstd that is none": (b"no zstd", PROTOBUF, "zstd"),
    "no JSON": (b"{", JSON, ""),
    "JSON of another kind": (b"[]", JSON, ""),
    "JSON that is not UTF-8": (b'{"\xff": 1}', JSON, ""),
    "JSON nested too deep": (b'{"a":' * 5000 + b"1" + b"}" * 5000, JSON, ""),
    "JSON of wrong types": (b'{"resourceMetrics": {"scopeMetrics": 5}}', JSON, ""),
    "JSON of a wrong number": (
        b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"asInt":"x"}]}}]}]}]}',
        JSON,
        "",
    ),
    "JSON of a wrong id": (
        b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"sum":{"dataPoints":[{"exemplars":[{"traceId":"xyz"}]}]}}]}]}]}',
        JSON,
        "",
    ),
    "protobuf called JSON": (gauge().SerializeToString(), JSON, ""),
}


@pytest.mark.parametrize("name", RUBBISH)
def test_rubbish_is_refused_with_a_status(sender: Sender, name: str) -> None:
    body, media, packing = RUBBISH[name]
    answer = sender.send(body, media, packing)
    assert (answer.status, answer.headers["content-type"]) == (400, media), answer.body
    if media == JSON:
        status = answer.json()
        assert status["code"] == 3
        assert status["message"]
    else:
        assert answer.body.startswith(b"\x08\x03\x12")
    assert b"pharos.otlp" not in answer.body
    assert sender.send(gauge("after").SerializeToString()).status == 200
    assert sender.found("after")


def _deep_attribute() -> bytes:
    """Return a request with a value nested in lists five hundred deep, which no message class would write."""
    value = b"\x18\x01"
    for _ in range(500):
        for tag in (b"\x0a", b"\x2a"):
            value = tag + _length(value) + value
    attribute = b"\x0a\x01k\x12" + _length(value) + value
    return _wrapped(b"\x3a" + _length(attribute) + attribute)


def _wrapped(point_fields: bytes) -> bytes:
    """Return a request of one point that has these fields besides its time."""
    body = point_fields + b"\x19" + time.time_ns().to_bytes(8, "little")
    for tag in (b"\x0a", b"\x2a", b"\x12", b"\x12", b"\x0a"):
        name = b"\x0a\x01m" if tag == b"\x12" and body.startswith(b"\x2a") else b""
        body = tag + _length(name + body) + name + body
    return body


def _length(content: bytes) -> bytes:
    size, out = len(content), bytearray()
    while size >= 128:
        out.append(size & 127 | 128)
        size >>= 7
    return bytes((*out, size))


def test_an_attribute_nested_without_end_is_refused(sender: Sender) -> None:
    assert sender.send(_wrapped(b"")).status == 200
    assert sender.send(_deep_attribute()).status == 400


def _memory_bytes(peer: Peer) -> float:
    page = peer.ask("GET", "/metrics").body.decode()
    found = re.search(r"^process_resident_memory_bytes (\S+)$", page, re.MULTILINE)
    assert found
    return float(found[1])


BOMBS = {
    "gzip": (gzip.compress(b"\0" * (1 << 29)), "gzip"),
    "gzip of many members": (gzip.compress(b"\0" * (1 << 24)) * 32, "gzip"),
    "zstd": (bytes(cramjam.zstd.compress(b"\0" * (1 << 29))), "zstd"),
    "empty resources": (gzip.compress(b"\x0a\x00" * (1 << 23)), "gzip"),
    "empty points": (gzip.compress(_wrapped(b"")[:-10] + b"\x0a\x00" * (1 << 23)), "gzip"),
    "empty JSON objects": (gzip.compress(b'{"resourceMetrics":[' + b"{}," * (1 << 22) + b"{}]}"), "gzip"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_and_takes_no_memory(sender: Sender, name: str) -> None:
    assert sender.send(gauge("before").SerializeToString()).status == 200
    before = _memory_bytes(sender.peer)
    body, packing = BOMBS[name]
    answer = sender.send(body, JSON if "JSON" in name else PROTOBUF, packing)
    assert answer.status in {400, 413}
    assert _memory_bytes(sender.peer) - before < 300e6
    assert sender.send(gauge("after").SerializeToString()).status == 200


def test_a_body_over_the_limit_is_413(sender: Sender) -> None:
    answer = sender.send(b"\0" * (33 << 20))
    assert (answer.status, answer.headers["content-type"]) == (413, PROTOBUF)


def test_an_empty_request_is_a_success(sender: Sender) -> None:
    for body, packing in ((b"", ""), (gzip.compress(b""), "gzip"), (b"\x0a\x00", "")):
        assert _partial(sender.send(body, packing=packing)) == (0, "")
