"""Jaeger's services over gRPC: what is handed on, what is answered, who is let in, what is refused."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
import yaml
from google.protobuf.json_format import MessageToDict
from grpc import aio
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from tests.api.grpc_door import Door, open_door
from tests.api.traces.shop import BEGIN_NS, shop_spans
from tests.jaeger_messages import V2, V3, message
from tests.span_rows import described, rows_of

from pharos.errors import Kind, PharosError
from pharos.ingest.events.requests import EventRequest, resource_of, span
from pharos.ingest.frames import FrameKind
from pharos.ingest.jaeger.sampling import Strategies
from pharos.query.events.rows import Span
from pharos.telemetry import REGISTRY

POST_SPANS: Final = "/jaeger.api_v2.CollectorService/PostSpans"
SAMPLING: Final = "/jaeger.api_v2.SamplingManager/GetSamplingStrategy"
GET_TRACE: Final = "/jaeger.api_v2.QueryService/GetTrace"
GET_TRACE_V3: Final = "/jaeger.api_v3.QueryService/GetTrace"
GET_SERVICES: Final = "/jaeger.api_v2.QueryService/GetServices"
_CASES = yaml.safe_load((Path(__file__).parent / "cases" / "jaeger_grpc.yaml").read_text())
_SPAN = {
    "trace_id": "0000000000000000000000000000000a",
    "span_id": "000000000000000b",
    "operation_name": "n",
    "start_time": {"nanos": 5000},
}
_BATCH = message(V2, "PostSpansRequest", {"batch": {"process": {"service_name": "front"}, "spans": [_SPAN]}})
_TRACE_A = message(V2, "GetTraceRequest", {"trace_id": "0000000000000000000000000000000a"})


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    """A server of the shop's traces."""
    async with open_door(spans=shop_spans()) as found:
        yield found


def _names(method: str, messages: list[bytes]) -> list[str]:
    """Return the operations of the spans in an answer."""
    if "v2" in method:
        chunks = [V2["SpansResponseChunk"].FromString(one) for one in messages]
        return [one.operation_name for chunk in chunks for one in chunk.spans]
    return [
        one.name
        for found in map(TracesData.FromString, messages)
        for group in found.resource_spans
        for scoped in group.scope_spans
        for one in scoped.spans
    ]


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=f"{case['method']}-{case['request']}") for case in _CASES]
)
async def test_what_is_asked_is_answered_so(door: Door, case: dict[str, Any]) -> None:
    method, name = "/" + case["method"], case["method"].partition("/")[2]
    classes = V2 if "v2" in method else V3
    asked = message(classes, f"{name}Request", case["request"])
    if "status" in case:
        with pytest.raises(aio.AioRpcError, match=case["said"]) as refused:
            await door.stream(method, asked)
        assert refused.value.code().name == case["status"]
    elif "spans" in case:
        assert sorted(_names(method, await door.stream(method, asked))) == sorted(case["spans"])
    else:
        # Version 3 calls this one answer otherwise.
        answer = f"{name}Response" if f"{name}Response" in classes else "DependenciesResponse"
        found = classes[answer].FromString(await door.call(method, asked))
        assert MessageToDict(found, preserving_proto_field_name=True) == case["answer"]


async def test_a_batch_is_handed_on(door: Door) -> None:
    assert await door.call(POST_SPANS, _BATCH, x_scope_orgid="team-a") == b""
    (sent,) = door.intake.taken
    assert (sent.kind, sent.source, sent.scope.tenant) == (FrameKind.SPANS, "jaeger", "team-a")
    assert sent.sent_bytes == len(_BATCH)
    assert [described(one) for one in rows_of(bytes(sent.plain or b""))] == [
        {"trace": "a", "span": "b", "service": "front", "name": "n", "start_us": 5}
    ]


async def test_a_batch_may_be_packed(door: Door) -> None:
    async with aio.insecure_channel(door.address, compression=grpc.Compression.Gzip) as channel:
        many = {"batch": {"process": {"service_name": "front"}, "spans": [_SPAN] * 200}}
        await channel.unary_unary(POST_SPANS)(message(V2, "PostSpansRequest", many), timeout=30)
    (sent,) = door.intake.taken
    assert len(rows_of(bytes(sent.plain or b""))) == 200


async def test_of_nothing_nothing_is_handed_on(door: Door) -> None:
    assert await door.call(POST_SPANS, b"") == b""
    assert door.intake.taken == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"\xff\xff", "INVALID_ARGUMENT"),
        (b"\x0a\xff\xff\xff\xff\x0f", "INVALID_ARGUMENT"),
        (_BATCH[:-1], "INVALID_ARGUMENT"),
        (b"\x0a\x02\x0a\x00", "INVALID_ARGUMENT"),
        (gzip.compress(_BATCH, mtime=0)[:-9], "INVALID_ARGUMENT"),
        (gzip.compress(b"\x0a\x00" * (5 << 20), mtime=0), "RESOURCE_EXHAUSTED"),
        (b"\x0a" * (2 << 20), "RESOURCE_EXHAUSTED"),
    ],
)
async def test_what_is_no_batch_is_refused_and_nothing_is_handed_on(
    door: Door, body: bytes, status: str
) -> None:
    with pytest.raises(aio.AioRpcError) as refused:
        await door.call(POST_SPANS, body)
    assert refused.value.code().name == status
    assert door.intake.taken == []


@pytest.mark.parametrize("method", [GET_SERVICES, GET_TRACE, GET_TRACE_V3, SAMPLING])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"\xff\xff", "INVALID_ARGUMENT"),
        (b"\x0a\xff\xff\xff\xff\x0f", "INVALID_ARGUMENT"),
        (gzip.compress(bytes(65 << 20), mtime=0), "RESOURCE_EXHAUSTED"),
        (b"\x62" + b"\x80\x80\x40" + bytes(1 << 20), "RESOURCE_EXHAUSTED"),
    ],
)
async def test_questions_that_are_none_are_refused(door: Door, method: str, body: bytes, status: str) -> None:
    with pytest.raises(aio.AioRpcError) as refused:
        await door.stream(method, body)
    assert refused.value.code().name == status


@pytest.mark.parametrize(
    ("method", "body"), [(POST_SPANS, _BATCH), (SAMPLING, b""), (GET_SERVICES, b""), (GET_TRACE, _TRACE_A)]
)
@pytest.mark.parametrize(
    ("metadata", "status"),
    [
        ({"authorization": "Bearer wrong"}, "UNAUTHENTICATED"),
        ({"authorization": "Bearer reader"}, "PERMISSION_DENIED"),
        ({"x_scope_orgid": "../a"}, "INVALID_ARGUMENT"),
    ],
)
async def test_who_may_not_is_turned_away(
    door: Door, method: str, body: bytes, metadata: dict[str, str], status: str
) -> None:
    with pytest.raises(aio.AioRpcError) as refused:
        await door.stream(method, body, **metadata)
    assert refused.value.code().name == status
    assert door.intake.taken == []


async def test_spans_go_into_one_tenant(door: Door) -> None:
    with pytest.raises(aio.AioRpcError, match="only one tenant") as refused:
        await door.call(POST_SPANS, _BATCH, x_scope_orgid="a|b")
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_senders_are_told_to_wait(door: Door) -> None:
    door.intake.reason = PharosError(Kind.UNAVAILABLE, "full", retry_after_s=3)
    with pytest.raises(aio.AioRpcError, match="full") as refused:
        await door.call(POST_SPANS, _BATCH)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert b"google.rpc.RetryInfo" in dict(refused.value.trailing_metadata())["grpc-status-details-bin"]


async def test_a_trace_has_all_its_fields_in_version_2(door: Door) -> None:
    (chunk,) = await door.stream(GET_TRACE, _TRACE_A)
    first, second = V2["SpansResponseChunk"].FromString(chunk).spans
    shown = MessageToDict(second, preserving_proto_field_name=True)
    assert first.process.service_name == "front"
    assert [(one.key, one.v_bool) for one in first.tags if one.v_type == 1] == [("error", True)]
    assert (second.start_time.seconds, second.start_time.nanos) == (BEGIN_NS // 10**9, 1_000_000)
    assert (second.duration.seconds, second.duration.nanos) == (0, 5_000_000)
    assert shown | {"start_time": None, "duration": None} == {
        "trace_id": "AAAAAAAAAAAAAAAAAAAACg==",
        "span_id": "AAAAAAAAAAI=",
        "operation_name": "GetCart",
        "references": [
            {"trace_id": "AAAAAAAAAAAAAAAAAAAACg==", "span_id": "AAAAAAAAAAE="},
            {"trace_id": "AAAAAAAAAAAAAAAAAAAACw==", "span_id": "AAAAAAAAAAM=", "ref_type": 1},
        ],
        "flags": 1,
        "start_time": None,
        "duration": None,
        "tags": [
            {"key": "otel.scope.name", "v_str": "lib"},
            {"key": "otel.scope.version", "v_str": "1"},
            {"key": "n", "v_type": 2, "v_int64": "7"},
            {"key": "list", "v_str": '[1, "x", {"deep": true}]'},
            {"key": "raw", "v_type": 4, "v_binary": "AAE="},
            {"key": "none"},
            {"key": "span.kind", "v_str": "client"},
            {"key": "w3c.tracestate", "v_str": "c=d"},
        ],
        "logs": [
            {
                "timestamp": {"seconds": str(BEGIN_NS // 10**9), "nanos": 2_000_000},
                "fields": [
                    {"key": "event", "v_str": "miss"},
                    {"key": "key", "v_type": 3, "v_float64": 0.5},
                ],
            }
        ],
        "process": {"service_name": "cart", "tags": [{"key": "team", "v_str": "shop"}]},
    }


async def test_a_trace_is_the_otlp_that_it_was_in_version_3(door: Door) -> None:
    answer = await door.stream(GET_TRACE_V3, message(V3, "GetTraceRequest", {"trace_id": "a"}))
    assert [described(one) for part in answer for one in rows_of(part)] == [
        described(one) for one in shop_spans() if one.trace_id.endswith("a")
    ]


async def test_what_a_sender_said_was_wrong_is_a_warning_again() -> None:
    sent = {"batch": {"spans": [{**_SPAN, "warnings": ["late"]}]}}
    async with open_door() as door:
        await door.call(POST_SPANS, message(V2, "PostSpansRequest", sent))
        rows = rows_of(bytes(door.intake.taken[0].plain or b""))
    async with open_door(spans=rows) as door:
        (chunk,) = await door.stream(GET_TRACE, _TRACE_A)
    (shown,) = V2["SpansResponseChunk"].FromString(chunk).spans
    assert (list(shown.tags), shown.warnings[0]) == ([], "late")


def _large_trace(text_bytes: int) -> list[Span]:
    """Return 600 spans with a text of this size each."""
    request = EventRequest()
    for number in range(1, 601):
        made = span(
            f"{number}",
            trace_id=bytes(15) + b"\x0a",
            span_id=number.to_bytes(8),
            start_ns=BEGIN_NS + number,
            end_ns=BEGIN_NS + 1_000,
            attributes=[("text", "x" * text_bytes)],
        )
        request.add(resource_of([("service.name", "s")]), made)
    return rows_of(request.body())


@pytest.mark.parametrize("method", [GET_TRACE, GET_TRACE_V3])
async def test_a_large_trace_comes_in_messages_that_clients_take(method: str) -> None:
    async with open_door(spans=_large_trace(20_000)) as door:
        asked = _TRACE_A if method == GET_TRACE else message(V3, "GetTraceRequest", {"trace_id": "a"})
        messages = await door.stream(method, asked)
    assert _names(method, messages) == [str(number) for number in range(1, 601)]
    assert max(map(len, messages)) < 4 << 20


def _dropped() -> float:
    return REGISTRY.get_sample_value("pharos_grpc_streams_dropped_total") or 0.0


async def test_an_answer_that_nobody_takes_is_given_up_and_others_are_answered() -> None:
    before = _dropped()
    async with (
        open_door(spans=_large_trace(50_000), wait_s=1.0) as door,
        aio.insecure_channel(door.address) as channel,
    ):
        call = channel.unary_stream(GET_TRACE)(_TRACE_A, timeout=120)
        while _dropped() == before:
            assert await door.call(GET_SERVICES, b"")
        with pytest.raises(aio.AioRpcError, match="not taken within") as given_up:
            [_ async for _ in call]
    assert given_up.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


_STRATEGIES = Strategies.model_validate(
    {
        "default_strategy": {"param": 0.25},
        "service_strategies": [
            {"service": "pay", "type": "ratelimiting", "param": 20},
            {
                "service": "cart",
                "param": 0.5,
                "operation_strategies": [{"operation": "op", "type": "probabilistic", "param": 0.125}],
            },
        ],
    }
)


@pytest.mark.parametrize(
    ("service", "said"),
    [
        ("any", {"probabilisticSampling": {"samplingRate": 0.25}}),
        ("pay", {"strategyType": 1, "rateLimitingSampling": {"maxTracesPerSecond": 20}}),
        (
            "cart",
            {
                "probabilisticSampling": {"samplingRate": 0.5},
                "operationSampling": {
                    "defaultSamplingProbability": 0.5,
                    "perOperationStrategies": [
                        {"operation": "op", "probabilisticSampling": {"samplingRate": 0.125}}
                    ],
                },
            },
        ),
    ],
)
async def test_a_client_is_told_which_share_to_keep(service: str, said: dict[str, Any]) -> None:
    async with open_door(strategies=_STRATEGIES) as door:
        asked = message(V2, "SamplingStrategyParameters", {"serviceName": service})
        answer = V2["SamplingStrategyResponse"].FromString(await door.call(SAMPLING, asked))
    assert MessageToDict(answer) == said


async def test_a_client_that_names_no_service_is_told_nothing(door: Door) -> None:
    with pytest.raises(aio.AioRpcError, match="serviceName") as refused:
        await door.call(SAMPLING, b"")
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
