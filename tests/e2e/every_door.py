"""Senders for every door of lines and spans at once: numbered requests, each sent once, and their fates."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import cramjam
import grpc
import msgpack
from bench.bodies import varint
from bench.freshness import HEADERS
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from tests.ingest.thrift_writer import binary
from tests.servers import body_of

LINES: Final = 5
"""Of a request; the last is of the level debug."""
SPANS: Final = 3
"""Of a request, which is one trace; that of an even number has an error."""
_TIMEOUT_S: Final = 20.0
_NS: Final = 10**9
_BROKEN: Final = (OSError, http.client.HTTPException, grpc.RpcError, EOFError)


@dataclass
class Fates:
    """What became of the requests of a door, by their numbers."""

    acknowledged: list[int] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)
    """Nobody answered, or said that it may be tried again: stored whole, or not at all."""


@dataclass(frozen=True)
class Ports:
    """Where a server listens."""

    http: int
    grpc: int
    forward: int


Send = Callable[[int], bool]
"""Sends the request of a number; returns whether it was acknowledged."""


def trace_id(door: str, number: int) -> str:
    """Return the id of the trace that a request to a door of spans is."""
    return f"{sum(door.encode()):08x}{number:024x}"


def texts(door: str, number: int) -> list[str]:
    """Return the lines of a request."""
    return [f"{door} {number}.{line}" for line in range(LINES)]


def _level(line: int) -> str:
    return "debug" if line == LINES - 1 else "error"


def _post(port: int, path: str, body: bytes | str, media: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        connection.request("POST", path, body, {"Content-Type": media})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _posting(port: int, path: str, media: str, made: Callable[[int], bytes | str], status: int) -> Send:
    def send(number: int) -> bool:
        said, answer = _post(port, path, made(number), media)
        assert said in {status, 429, 503}, (said, answer)
        return said == status and b'"errors":true' not in answer

    return send


def _otlp_logs(door: str, number: int) -> dict[str, Any]:
    records = [
        {
            "timeUnixNano": str(time.time_ns()),
            "severityNumber": 17 if _level(line) == "error" else 5,
            "body": {"stringValue": text},
        }
        for line, text in enumerate(texts(door, number))
    ]
    return {"resourceLogs": [{"resource": _resource(door), "scopeLogs": [{"logRecords": records}]}]}


def _resource(door: str) -> dict[str, Any]:
    return {"attributes": [{"key": "service.name", "value": {"stringValue": door}}]}


def _otlp_spans(door: str, number: int) -> dict[str, Any]:
    now_ns = time.time_ns()
    spans = [
        {
            "traceId": trace_id(door, number),
            "spanId": f"{one + 1:016x}",
            "name": "work",
            "startTimeUnixNano": str(now_ns),
            "endTimeUnixNano": str(now_ns + 1_000_000),
            "status": {"code": 2 if number % 2 == 0 and one == 0 else 0},
        }
        for one in range(SPANS)
    ]
    return {"resourceSpans": [{"resource": _resource(door), "scopeSpans": [{"spans": spans}]}]}


def _zipkin(door: str, number: int) -> str:
    now_us = time.time_ns() // 1000
    return json.dumps(
        [
            {
                "traceId": trace_id(door, number),
                "id": f"{one + 1:016x}",
                "name": "work",
                "timestamp": now_us,
                "duration": 1000,
                "localEndpoint": {"serviceName": door},
                "tags": {"error": "yes"} if number % 2 == 0 and one == 0 else {},
            }
            for one in range(SPANS)
        ]
    )


def _thrift(door: str, number: int) -> bytes:
    high, low = int(trace_id(door, number)[:16], 16), int(trace_id(door, number)[16:], 16)
    spans = [
        {
            1: ("i64", low),
            2: ("i64", high),
            3: ("i64", one + 1),
            4: ("i64", 0),
            5: ("text", "work"),
            7: ("i32", 1),
            8: ("i64", time.time_ns() // 1000),
            9: ("i64", 1000),
            10: ("list", [{1: ("text", "error"), 2: ("i32", 2), 5: ("bool", number % 2 == 0 and one == 0)}]),
        }
        for one in range(SPANS)
    ]
    return binary("struct", {1: ("struct", {1: ("text", door)}), 2: ("list", spans)})


def _loki_json(door: str, number: int) -> str:
    values = [
        [str(time.time_ns()), text, {"level": _level(line)}] for line, text in enumerate(texts(door, number))
    ]
    return json.dumps({"streams": [{"stream": {"service_name": door}, "values": values}]})


def _text(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def _loki_protobuf(door: str, number: int) -> bytes:
    entries = b""
    for line, text in enumerate(texts(door, number)):
        seconds, nanos = divmod(time.time_ns(), _NS)
        at = b"\x08" + varint(seconds) + b"\x10" + varint(nanos)
        level = _text(1, b"level") + _text(2, _level(line).encode())
        entries += _text(2, _text(1, at) + _text(2, text.encode()) + _text(3, level))
    stream = _text(1, f'{{service_name="{door}"}}'.encode()) + entries
    return bytes(cramjam.snappy.compress_raw(_text(1, stream)))


def _bulk(door: str, number: int) -> str:
    rows: list[dict[str, Any]] = []
    for line, text in enumerate(texts(door, number)):
        rows += [{"create": {"_index": "kills"}}]
        rows += [{"message": text, "level": _level(line), "service.name": door}]
    return "".join(json.dumps(row) + "\n" for row in rows)


def _journal(door: str, number: int) -> bytes:
    entries = [
        f"__REALTIME_TIMESTAMP={time.time_ns() // 1000}\nPRIORITY={7 if _level(line) == 'debug' else 3}\n"
        f"_SYSTEMD_UNIT={door}\nMESSAGE={text}\n\n"
        for line, text in enumerate(texts(door, number))
    ]
    return "".join(entries).encode()


class _Forward:
    """A connection of Forward, made anew when it breaks."""

    def __init__(self, door: str, port: int) -> None:
        self._door = door
        self._port = port
        self._socket: socket.socket | None = None

    def __call__(self, number: int) -> bool:
        try:
            if self._socket is None:
                self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=_TIMEOUT_S)
            entries = [
                [int(time.time()), {"message": text, "level": _level(line), "service.name": self._door}]
                for line, text in enumerate(texts(self._door, number))
            ]
            self._socket.sendall(msgpack.packb(["kills", entries, {"chunk": str(number)}]))
            answer = self._socket.recv(100)
            if not answer:
                raise EOFError
        except _BROKEN:
            self.close()
            raise
        return bool(msgpack.unpackb(answer) == {"ack": str(number)})

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class _Grpc:
    """Spans over gRPC; a channel finds a server that was started anew by itself, though not at once."""

    def __init__(self, door: str, port: int) -> None:
        self._door = door
        self._port = port

    def __call__(self, number: int) -> bool:
        request = ExportTraceServiceRequest()
        group = request.resource_spans.add()
        group.resource.attributes.add(key="service.name").value.string_value = self._door
        spans = group.scope_spans.add().spans
        for one in range(SPANS):
            now_ns = time.time_ns()
            made = spans.add(
                name="work",
                trace_id=bytes.fromhex(trace_id(self._door, number)),
                span_id=(one + 1).to_bytes(8),
                start_time_unix_nano=now_ns,
                end_time_unix_nano=now_ns + 1_000_000,
            )
            if number % 2 == 0 and one == 0:
                made.status.code = Status.STATUS_CODE_ERROR
        path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
        with grpc.insecure_channel(f"127.0.0.1:{self._port}") as channel:
            answer = channel.unary_unary(path)(request.SerializeToString(), timeout=_TIMEOUT_S)
        return bool(answer == b"")


DOORS_OF_LINES: Final = ("otlp-logs", "loki-json", "loki-protobuf", "bulk", "journald", "forward")
DOORS_OF_SPANS: Final = ("otlp-spans", "otlp-grpc", "zipkin", "jaeger")
SAMPLES: Final = "remote-write"


def _samples(port: int) -> Send:
    """Return what writes one sample of one series at a time."""

    def send(number: int) -> bool:
        body = body_of("kill_samples", [(time.time_ns() // 1_000_000, float(number))])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
        try:
            connection.request("POST", "/api/v1/write", body, HEADERS)
            status = connection.getresponse().status
        finally:
            connection.close()
        assert status in {200, 204, 429, 503}, status
        return status in {200, 204}

    return send


def senders(ports: Ports) -> dict[str, Send]:
    """Return how each door is sent to."""
    http_port = ports.http
    return {
        "otlp-logs": _posting(
            http_port, "/v1/logs", "application/json", lambda n: json.dumps(_otlp_logs("otlp-logs", n)), 200
        ),
        "loki-json": _posting(
            http_port, "/loki/api/v1/push", "application/json", lambda n: _loki_json("loki-json", n), 204
        ),
        "loki-protobuf": _posting(
            http_port,
            "/loki/api/v1/push",
            "application/x-protobuf",
            lambda n: _loki_protobuf("loki-protobuf", n),
            204,
        ),
        "bulk": _posting(
            http_port, "/elasticsearch/_bulk", "application/x-ndjson", lambda n: _bulk("bulk", n), 200
        ),
        "journald": _posting(
            http_port, "/upload", "application/vnd.fdo.journal", lambda n: _journal("journald", n), 202
        ),
        "forward": _Forward("forward", ports.forward),
        "otlp-grpc": _Grpc("otlp-grpc", ports.grpc),
        SAMPLES: _samples(ports.http),
        "otlp-spans": _posting(
            http_port,
            "/v1/traces",
            "application/json",
            lambda n: json.dumps(_otlp_spans("otlp-spans", n)),
            200,
        ),
        "zipkin": _posting(
            http_port, "/api/v2/spans", "application/json", lambda n: _zipkin("zipkin", n), 202
        ),
        "jaeger": _posting(
            http_port,
            "/api/traces?format=jaeger.thrift",
            "application/x-thrift",
            lambda n: _thrift("jaeger", n),
            202,
        ),
    }


@contextmanager
def load(ports: Ports, pause_s: float = 0.02) -> Iterator[dict[str, Fates]]:
    """Send to every door from a thread each; yield what becomes of it, which is final when this ends."""
    done = threading.Event()
    fates: dict[str, Fates] = {}
    sending = senders(ports)
    faults: list[BaseException] = []

    def run(door: str, send: Send) -> None:
        number = 0
        try:
            while not done.wait(pause_s):
                number += 1
                try:
                    is_kept = send(number)
                except _BROKEN:
                    is_kept = False
                (fates[door].acknowledged if is_kept else fates[door].unknown).append(number)
        except AssertionError as exc:
            faults.append(exc)

    threads = []
    for door, send in sending.items():
        fates[door] = Fates()
        threads.append(threading.Thread(target=run, args=(door, send)))
    for thread in threads:
        thread.start()
    try:
        yield fates
    finally:
        done.set()
        for thread in threads:
            thread.join()
        forward = sending["forward"]
        assert isinstance(forward, _Forward)
        forward.close()
    if faults:
        raise faults[0]


def until_taken(fates: dict[str, Fates], requests: int, patience_s: float) -> None:
    """Return once each door has acknowledged so many more."""
    wanted = {door: len(one.acknowledged) + requests for door, one in fates.items()}
    deadline = time.monotonic() + patience_s
    while late := [door for door, count in wanted.items() if len(fates[door].acknowledged) < count]:
        assert time.monotonic() < deadline, f"nothing is acknowledged any more: {late}"
        time.sleep(0.05)
