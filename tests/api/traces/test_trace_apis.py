"""The APIs of Jaeger, Tempo and Pharos over traces in memory: what is answered, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.requests import Request
from starlette.responses import Response
from tests.api.traces.shop import NoonClock, shop_spans
from tests.api.traces.span_memory import MemoryTraces
from tests.span_rows import described, rows_of

from pharos.access import DEFAULT
from pharos.api.http.identity import SCOPE
from pharos.api.http.routes import Router
from pharos.api.traces.otlp import batches, request_bytes, resource_spans
from pharos.api.traces.routes import trace_operations

_CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "trace_apis.yaml").read_text())["asked"]


async def _never(_request: Request) -> Response:
    raise AssertionError("no such address")


async def _ask(path: str, accept: str = "", lacking: tuple[str, ...] = ()) -> tuple[int, bytes]:
    """Return (status, body) of the answer to a GET."""
    traces: Any = MemoryTraces(shop_spans())
    traces.lacking = lacking
    router = Router(trace_operations(traces, NoonClock()), _never, lambda *_: Response(status_code=403))
    address, _, query = path.partition("?")
    asked = {
        "type": "http",
        "method": "GET",
        "path": address.replace("%20", " "),
        "query_string": query.encode(),
        "headers": [(b"accept", accept.encode())],
        SCOPE: DEFAULT,
    }
    sent: list[Mapping[str, Any]] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    await router(asked, receive, send)
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent[1:])


def _spans_of(answer: Any) -> list[str]:
    return sorted(
        one["spanId"]
        for group in answer["result"]["resourceSpans"]
        for scoped in group["scopeSpans"]
        for one in scoped["spans"]
    )


def _found(answer: Any) -> dict[str, list[list[str]]]:
    return {
        trace["traceID"].lstrip("0"): [
            [one["spanID"] for one in found["spans"]] for found in trace["spanSets"]
        ]
        for trace in answer["traces"]
    }


@pytest.mark.parametrize("case", [pytest.param(case, id=case["path"]) for case in _CASES])
async def test_what_is_asked_is_answered_so(case: dict[str, Any]) -> None:
    status, body = await _ask(case["path"])
    assert status == case.get("status", 200), body
    if "said" in case:
        assert case["said"] in body.decode()
        return
    if "text" in case:
        assert body.decode() == case["text"]
        return
    answer = json.loads(body)
    shown: dict[str, Callable[[], Any]] = {
        "data": lambda: answer["data"],
        "traces": lambda: [one["traceID"] for one in answer["data"]],
        "missing": lambda: [one["traceID"] for one in answer["errors"]],
        "spans": lambda: _spans_of(answer),
        "answer": lambda: answer,
        "found": lambda: _found(answer),
    }
    asked = [key for key in case if key in shown]
    assert asked
    assert {key: shown[key]() for key in asked} == {key: case[key] for key in asked}


async def test_errors_of_jaegers_api_have_its_shape() -> None:
    _, body = await _ask("/api/traces/c")
    assert json.loads(body) == {
        "data": None,
        "total": 0,
        "limit": 0,
        "offset": 0,
        "errors": [{"code": 404, "msg": "trace 000000000000000c was not found"}],
    }


async def test_a_trace_of_tempo_comes_as_protobuf_where_it_is_accepted() -> None:
    _, first = await _ask("/tempo/api/traces/a", accept="application/protobuf")
    _, second = await _ask("/tempo/api/v2/traces/a", accept="application/protobuf")
    assert (
        sum(
            len(one.scope_spans[0].spans)
            for one in ExportTraceServiceRequest.FromString(first).resource_spans
        )
        == 2
    )
    # A message with the trace as its first field.
    assert second[:1] == b"\x0a"
    assert second.endswith(first)


_LACKING = ("some are not stored yet",)
_PARTIAL = {"status": "PARTIAL", "message": "some are not stored yet"}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/api/spans/graph", {"warnings": [*_LACKING]}),
        ("/api/spans/trace/a", {"warnings": [*_LACKING]}),
        ("/api/spans/rates", {"warnings": [*_LACKING]}),
        ("/tempo/api/v2/traces/a", _PARTIAL),
        ("/tempo/api/search?q=%7B%7D", _PARTIAL),
    ],
)
async def test_an_answer_that_may_lack_spans_says_so_where_its_format_has_a_place(
    path: str, said: Mapping[str, Any]
) -> None:
    status, body = await _ask(path, lacking=_LACKING)
    complete = json.loads((await _ask(path))[1])
    assert (status, json.loads(body)) == (200, {**complete, **said})
    assert not complete.keys() & {"warnings", "message"}


async def test_a_trace_that_may_come_yet_is_not_said_to_be_missing_alone() -> None:
    for path in ("/api/spans/trace/ffff", "/tempo/api/traces/ffff"):
        status, body = await _ask(path, lacking=_LACKING)
        assert status == 404
        assert _LACKING[0].encode() in body


async def test_a_trace_of_tempo_that_may_lack_spans_says_so_in_protobuf() -> None:
    _, complete = await _ask("/tempo/api/v2/traces/a", accept="application/protobuf")
    _, partial = await _ask("/tempo/api/v2/traces/a", accept="application/protobuf", lacking=_LACKING)
    # Fields 3 and 4 of TraceByIDResponse: PartialStatus PARTIAL, and the message.
    assert partial == complete + b"\x18\x01\x22\x17" + _LACKING[0].encode()


async def test_a_search_of_tempo_shows_the_fields_that_it_names() -> None:
    _, body = await _ask("/tempo/api/search?q=%7B%20.n%20=%207%20%26%26%20kind=client%20%7D%7Cselect(.team)")
    (trace,) = json.loads(body)["traces"]
    assert (trace["rootServiceName"], trace["rootTraceName"], trace["durationMs"]) == (
        "front",
        "GET /cart",
        10,
    )
    (shown,) = trace["spanSets"][0]["spans"]
    assert {one["key"]: one["value"] for one in shown["attributes"]} == {
        "n": {"intValue": "7"},
        "kind": {"stringValue": "client"},
        "team": {"stringValue": "shop"},
    }


def test_spans_come_back_as_the_otlp_that_they_were() -> None:
    rows = shop_spans()
    assert [described(one) for one in rows_of(request_bytes(rows))] == [described(one) for one in rows]


def test_json_has_ids_in_digits_or_in_base64() -> None:
    rows = shop_spans()[:1]
    (digits,) = resource_spans(rows)[0]["scopeSpans"][0]["spans"]
    (packed,) = batches(rows)[0]["scopeSpans"][0]["spans"]
    assert (digits["traceId"], digits["kind"], digits["status"]["code"]) == ("0" * 31 + "a", 2, 2)
    assert (packed["traceId"], packed["kind"]) == ("AAAAAAAAAAAAAAAAAAAACg==", "SPAN_KIND_SERVER")
    assert packed["status"]["code"] == "STATUS_CODE_ERROR"
