"""Loki's read API of a whole server: what is sent over OTLP is found, and sent on to who tails."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.process import Server
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

_PATIENCE_S = 30.0


def _send(server: Server, app: str, line: str) -> None:
    record = {"timeUnixNano": str(time.time_ns()), "severityNumber": 17, "body": {"stringValue": line}}
    resource = {"attributes": [{"key": "app", "value": {"stringValue": app}}]}
    body = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [record]}]}]}
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{server.url}/v1/logs", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=_PATIENCE_S) as answer:
        assert answer.status == 200


def _ask(server: Server, query: str) -> Any:
    address = f"{server.url}/loki/api/v1/query?{urlencode({'query': query})}"
    with urllib.request.urlopen(address, timeout=_PATIENCE_S) as answer:
        return json.load(answer)["data"]["result"]


async def _first(server: Server, query: str) -> Any:
    """Return the first message of a tail; lines come within a second or two."""
    address = server.url.replace("http", "ws", 1)
    async with connect(f"{address}/loki/api/v1/tail?{urlencode({'query': query})}") as socket:
        return json.loads(await asyncio.wait_for(socket.recv(), _PATIENCE_S))


async def test_a_line_reaches_who_tails_and_who_asks(server: Server) -> None:
    following = asyncio.create_task(_first(server, '{app="tailed"} |= "hello"'))
    await asyncio.to_thread(_send, server, "tailed", "hello there")
    [stream] = (await following)["streams"]
    assert stream["values"][0][1] == "hello there"
    assert stream["stream"]["detected_level"] == "error"
    [series] = await asyncio.to_thread(_ask, server, 'sum by (app) (count_over_time({app="tailed"}[1h]))')
    assert (series["metric"], series["value"][1]) == ({"app": "tailed"}, "1")


async def test_a_tail_of_what_is_no_query_is_closed_with_the_reason(server: Server) -> None:
    with pytest.raises(ConnectionClosed) as closed:
        await _first(server, "{")
    assert closed.value.rcvd is not None
    assert "parse error" in closed.value.rcvd.reason
