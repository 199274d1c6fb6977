"""Requests as spans of Pharos' own."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from pharos.api.http.traced import ROUTE, Traced
from pharos.clock import FakeClock
from pharos.ingest.own_events import Answered


@pytest.mark.parametrize(
    ("status", "route", "name"),
    [(200, "/api/traces/{id}", "GET /api/traces/{id}"), (404, "", "GET"), (None, "", "GET")],
)
async def test_an_answer_is_noted_by_its_route_and_never_by_its_address(
    status: int | None, route: str, name: str
) -> None:
    clock, noted = FakeClock(), list[Answered]()

    async def app(asked: Scope, receive: Receive, send: Send) -> None:
        del receive
        clock.advance_ms(25)
        if route:
            asked[ROUTE] = route
        if status is not None:
            await send({"type": "http.response.start", "status": status, "headers": []})

    async def send(message: Any) -> None:
        del message

    async def receive() -> Any:
        raise AssertionError("nothing is read")

    asked = {"type": "http", "method": "GET", "path": "/api/traces/secret"}
    await Traced(app, clock, noted.append)(asked, receive, send)
    (one,) = noted
    assert (one.name, one.status, one.end_ns - one.start_ns) == (name, status or 499, 25_000_000)
    assert "secret" not in repr(one)
