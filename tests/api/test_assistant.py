"""The assistant's door: the Model Context Protocol as a client speaks it, and all that it must not do."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from tests.api.hollow import hollow_edge
from tests.servers import write_samples

from pharos.access import ANY_IDENTITY, Identity, IdentityKind, Scope
from pharos.api.app import operations
from pharos.api.assistant.asking import MOST_BYTES
from pharos.api.assistant.door import AssistantDoor
from pharos.api.assistant.tools import TOLD, tools_of
from pharos.api.http.bodies import Bodies, BodyLimits
from pharos.api.http.identity import SCOPE
from pharos.api.http.routes import Operation

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "cases" / "assistant.yaml").read_text())
JSON = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


def _post(url: str, body: bytes, **headers: str) -> tuple[int, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(f"{url}/mcp", body, {**JSON, **named}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, _said(exc.read())


def _said(body: bytes) -> Any:
    """What a refusal says, be it JSON or a sentence."""
    return json.loads(body) if body.startswith(b"{") else body.decode()


def _call(url: str, method: str, params: Any = None, **headers: str) -> Any:
    message = {"jsonrpc": "2.0", "id": 7, "method": method, **({} if params is None else {"params": params})}
    status, found = _post(url, json.dumps(message).encode(), **headers)
    assert (status, found["id"]) == (200, 7)
    return found


def _tool(url: str, name: str, arguments: Any = None, **headers: str) -> tuple[bool, str]:
    found = _call(url, "tools/call", {"name": name, "arguments": arguments or {}}, **headers)["result"]
    (content,) = found["content"]
    return found["isError"], content["text"]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_message_is_answered_as_the_protocol_has_it(pharos_url: str, case: dict[str, Any]) -> None:
    body = case["text"] if "text" in case else json.dumps(case["message"])
    status, found = _post(pharos_url, body.encode(), **case.get("headers", {}))
    assert status == case["status"], found
    if "code" in case:
        assert found["error"]["code"] == case["code"]
    if "told" in case:
        assert case["told"] in json.dumps(found)


def test_every_tool_has_an_address_and_says_what_it_takes(pharos_url: str) -> None:
    _call(pharos_url, "initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {}})
    tools = _call(pharos_url, "tools/list")["result"]["tools"]
    assert [one["name"] for one in tools] == [told.name for told in TOLD]
    assert all(one["annotations"]["readOnlyHint"] for one in tools)
    by_name = {one["name"]: one["inputSchema"] for one in tools}
    assert by_name["query_metrics_range"]["required"] == ["query", "start", "end", "step"]
    assert by_name["get_trace"]["required"] == ["trace_id"]
    assert "name" in by_name["label_values"]["properties"]


def test_a_tool_answers_what_its_address_answers_in_the_tenant_of_who_asks(pharos_url: str) -> None:
    write_samples(pharos_url, "assistant_sample", 5)
    for _ in range(100):
        failed, text = _tool(pharos_url, "query_metrics", {"query": "count(assistant_sample)"})
        assert not failed
        if found := json.loads(text)["data"]["result"]:
            break
        threading.Event().wait(0.1)
    assert found[0]["value"][1] == "1"
    _, text = _tool(pharos_url, "query_metrics", {"query": "count(assistant_sample)"}, X_Scope_OrgID="other")
    assert json.loads(text)["data"]["result"] == []
    for name in (
        "list_alerts",
        "list_rules",
        "list_dashboards",
        "log_fields",
        "list_targets",
        "search_traces",
    ):
        failed, text = _tool(pharos_url, name)
        assert not failed, text
        json.loads(text)
    _, text = _tool(pharos_url, "label_values", {"name": "__name__", "match[]": ["assistant_sample"]})
    assert json.loads(text)["data"] == ["assistant_sample"]


def test_a_fault_is_an_answer_that_says_how_to_go_on(pharos_url: str) -> None:
    failed, text = _tool(pharos_url, "query_metrics", {"query": "rate("})
    assert failed
    assert "parse error" in text
    assert _tool(pharos_url, "query_metrics", {}) == (True, "query_metrics needs the argument query")
    failed, text = _tool(pharos_url, "query_metrics", {"query": "up", "tenant": "other"})
    assert failed
    assert "no argument 'tenant' (known: query, time)" in text
    failed, text = _tool(pharos_url, "get_trace", {"trace_id": "../../-/reload"})
    assert failed
    failed, text = _tool(pharos_url, "query_metrics", {"query": {"a": 1}})
    assert "must be a text" in text


def test_only_addresses_that_read_are_tools() -> None:
    tools = tools_of(operations(hollow_edge()))
    assert len(tools) == len(TOLD)
    assert {one.operation.method for one in tools.values()} == {"GET"}
    assert all(one.operation.permission is not None for one in tools.values())


def _door(answer: Callable[[Request], Any]) -> AssistantDoor:
    operation = Operation("/api/v1/query", "GET", answer, "metrics.view")
    return AssistantDoor(tools_of([operation]), Bodies(BodyLimits(1 << 20, 1 << 18, idle_s=1, total_s=4)))


async def _asked(door: AssistantDoor, permissions: set[str], method: str, params: Any = None) -> Any:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    scope = Scope("own", Identity(IdentityKind.TOKEN, "t", "robot"), frozenset({ANY_IDENTITY, *permissions}))
    asked = {
        "type": "http",
        "method": "POST",
        "path": "/mcp",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())],
        SCOPE: scope,
    }

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    answer = await door.answer(Request(asked, receive))
    return json.loads(bytes(answer.body))["result"]


CALL = {"name": "query_metrics", "arguments": {}}


async def test_who_lacks_the_permission_sees_no_tool_and_reaches_none() -> None:
    reached = []

    async def answer(request: Request) -> Response:
        reached.append(request.scope[SCOPE].tenant)
        return PlainTextResponse("{}")

    door = _door(answer)
    assert (await _asked(door, set(), "tools/list"))["tools"] == []
    found = await _asked(door, set(), "tools/call", CALL)
    assert found["isError"]
    assert "robot lacks the permission metrics.view in the tenant own" in found["content"][0]["text"]
    assert reached == []
    assert not (await _asked(door, {"metrics.view"}, "tools/call", CALL))["isError"]
    assert reached == ["own"]


async def test_an_answer_that_is_too_long_ends_with_what_to_do() -> None:
    taken = 0

    async def endless() -> Any:
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * 65_536
            await asyncio.sleep(0)

    async def answer(_: Request) -> Response:
        return StreamingResponse(endless())

    found = await _asked(_door(answer), {"metrics.view"}, "tools/call", CALL)
    assert found["isError"]
    assert "a lower limit" in found["content"][0]["text"]
    assert taken < 2 + MOST_BYTES / 65_536
