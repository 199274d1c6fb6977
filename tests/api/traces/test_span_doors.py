"""Doors of Zipkin and Jaeger over an intake in memory: what is handed on, and what is answered."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.requests import Request
from tests.ingest.thrift_writer import binary, compact
from tests.span_rows import described, rows_of

from pharos.access import DEFAULT, Scope
from pharos.api.http.bodies import Bodies, BodyLimits
from pharos.api.http.identity import SCOPE
from pharos.api.receivers.spans import SamplingEndpoint, SpanDoor
from pharos.errors import Kind, PharosError
from pharos.ingest.frames import FrameKind
from pharos.ingest.jaeger.sampling import Strategies
from pharos.turns import TurnPool

_NOW_NS = 1_700_000_000_000_000_000
_THRIFT = "application/vnd.apache.thrift.binary"
_ZIPKIN = json.dumps([{"traceId": "a", "id": "b", "name": "n", "timestamp": 5}]).encode()
_BATCH = {
    1: ["struct", {1: ["text", "front"]}],
    2: ["list", [{1: ["i64", 10], 3: ["i64", 11], 5: ["text", "n"], 8: ["i64", 5]}]],
}
_SPAN = {"trace": "a", "span": "b", "name": "n", "start_us": 5}


class _Clock:
    def now_ns(self) -> int:
        return _NOW_NS

    def now_ms(self) -> int:
        return _NOW_NS // 1_000_000

    def monotonic_s(self) -> float:
        return 0.0


class _Intake:
    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.refusal: PharosError | None = None

    async def begin(self, scope: Scope) -> None:
        self.check_open(scope.tenant)

    def check_open(self, tenant: str) -> None:
        assert tenant == "default"

    async def accept(self, sent: Any) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.sent.append(sent)


@pytest.fixture
def intake() -> _Intake:
    return _Intake()


@pytest.fixture
def door(intake: _Intake) -> Iterator[SpanDoor]:
    pool = TurnPool(1, "spans")
    anything: Any = intake
    yield SpanDoor(anything, Bodies(BodyLimits(), intake.begin), _Clock(), pool, 1 << 20)
    pool.close()


def _request(path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Request:
    address, _, query = path.partition("?")

    async def receive() -> Any:
        return {"type": "http.request", "body": body}

    return Request(
        {
            "type": "http",
            "method": "POST",
            "path": address,
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
            SCOPE: DEFAULT,
        },
        receive,
    )


@pytest.mark.parametrize(
    ("path", "headers", "body"),
    [
        ("/api/v2/spans", {"content-type": "application/json"}, _ZIPKIN),
        ("/api/v2/spans", {"content-type": "application/json; charset=utf-8"}, _ZIPKIN),
        ("/api/v2/spans", {}, _ZIPKIN),
        ("/api/v2/spans", {"content-encoding": "gzip"}, gzip.compress(_ZIPKIN, mtime=0)),
        ("/api/v1/spans", {"content-type": "application/json"}, _ZIPKIN),
    ],
)
async def test_zipkins_spans_are_handed_on(
    door: SpanDoor, intake: _Intake, path: str, headers: dict[str, str], body: bytes
) -> None:
    assert (await door.take_zipkin(_request(path, body, headers))).status_code == 202
    (sent,) = intake.sent
    assert (sent.kind, sent.source, sent.sent_bytes) == (FrameKind.SPANS, "zipkin", len(body))
    assert [described(one) for one in rows_of(sent.plain)] == [_SPAN]


@pytest.mark.parametrize(
    ("path", "media", "body"),
    [
        ("/api/traces?format=jaeger.thrift", "application/x-thrift", binary("struct", _BATCH)),
        (
            "/api/traces?format=jaeger.thrift",
            "application/vnd.apache.thrift.binary",
            binary("struct", _BATCH),
        ),
        ("/api/traces", "", binary("struct", _BATCH)),
        ("/api/traces", "application/vnd.apache.thrift.compact", compact("struct", _BATCH)),
    ],
)
async def test_jaegers_batches_are_handed_on(
    door: SpanDoor, intake: _Intake, path: str, media: str, body: bytes
) -> None:
    assert (await door.take_jaeger(_request(path, body, {"content-type": media}))).status_code == 202
    (sent,) = intake.sent
    assert (sent.kind, sent.source) == (FrameKind.SPANS, "jaeger")
    assert [described(one) for one in rows_of(sent.plain)] == [{**_SPAN, "service": "front"}]


@pytest.mark.parametrize(
    ("path", "headers", "body", "status", "said"),
    [
        ("/api/v2/spans", {"content-type": "text/html"}, _ZIPKIN, 415, "is not application/json"),
        ("/api/v2/spans", {"content-encoding": "x-rot13"}, _ZIPKIN, 415, "x-rot13"),
        ("/api/v2/spans", {"content-encoding": "gzip"}, _ZIPKIN, 400, "gzip"),
        ("/api/v2/spans", {}, b"{", 400, "no JSON"),
        ("/api/traces?format=other", {}, b"", 400, "'other' is not jaeger.thrift"),
        ("/api/traces", {"content-type": "application/json"}, b"", 415, "application/x-thrift"),
        ("/api/traces", {}, b"\x0c", 400, "not thrift"),
    ],
)
async def test_what_is_no_span_is_refused_and_nothing_is_handed_on(
    door: SpanDoor, intake: _Intake, path: str, headers: dict[str, str], body: bytes, status: int, said: str
) -> None:
    take = door.take_jaeger if path.startswith("/api/traces") else door.take_zipkin
    answer = await take(_request(path, body, headers))
    assert answer.status_code == status
    assert said in bytes(answer.body).decode()
    assert intake.sent == []


async def test_of_nothing_nothing_is_handed_on(door: SpanDoor, intake: _Intake) -> None:
    assert (await door.take_zipkin(_request("/api/v2/spans", b"[]"))).status_code == 202
    assert intake.sent == []


async def test_senders_are_told_to_wait(door: SpanDoor, intake: _Intake) -> None:
    intake.refusal = PharosError(Kind.UNAVAILABLE, "full", retry_after_s=3)
    answer = await door.take_zipkin(_request("/api/v2/spans", _ZIPKIN))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")


async def test_a_client_is_told_which_share_to_keep() -> None:
    endpoint = SamplingEndpoint(Strategies)
    answer = await endpoint.answer(_request("/sampling?service=x"))
    assert json.loads(bytes(answer.body))["probabilisticSampling"] == {"samplingRate": 1.0}
    assert (await endpoint.answer(_request("/sampling"))).status_code == 400
