"""While kernels are compiled pages are shown and told how far it is; what needs an answer waits for it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from pharos.api.http.headers import SECURITY
from pharos.api.http.page import STATIC
from pharos.api.starting import Starting


async def ask(starting: Starting, path: str, method: str = "GET") -> tuple[int, str]:
    """Return status and body."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return await coming.get()

    coming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    coming.put_nowait({"type": "http.request", "body": b"", "more_body": False})

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": [(b"accept", b"text/html")]}
    await starting(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], body.decode("utf-8", "replace")


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(f"asked {scope['path']}")(scope, receive, send)


@pytest.fixture
def starting() -> Starting:
    return Starting(lambda: {"compiled": 12, "total": 78})


async def test_it_says_how_far_it_is(starting: Starting) -> None:
    assert await ask(starting, "/-/healthy") == (200, "Pharos is healthy.\n")
    assert await ask(starting, "/-/ready") == (503, "Pharos is starting: kernels 12 of 78.\n")
    assert await ask(starting, "/-/kernels") == (200, '{"compiled":12,"total":78}')


async def test_the_page_is_shown_at_once(starting: Starting) -> None:
    status, text = await ask(starting, "/")
    assert status == 200 if (STATIC / "index.html").is_file() else "not built" in text


@pytest.mark.parametrize("path", ["/api/v1/query", "/api/v1/write", "/v1/metrics", "/metrics", "/federate"])
async def test_whoever_needs_an_answer_waits_for_it(starting: Starting, path: str) -> None:
    waiting = asyncio.create_task(ask(starting, path, "POST"))
    await asyncio.sleep(0)
    assert not waiting.done()
    starting.hand_over(application)
    assert await waiting == (200, f"asked {path}")
    assert await ask(starting, "/-/ready") == (200, "asked /-/ready")


async def test_a_start_that_ends_sends_away_who_waits(starting: Starting) -> None:
    waiting = asyncio.create_task(ask(starting, "/api/v1/query"))
    await asyncio.sleep(0)
    starting.give_up()
    assert await waiting == (503, "Pharos is stopping.\n")


@pytest.mark.parametrize("path", ["/-/healthy", "/-/ready", "/-/kernels", "/nowhere.js", "/api/v1/query"])
async def test_every_answer_carries_the_headers_of_what_answers_later(path: str) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    starting = Starting(lambda: {"compiled": 1, "total": 2})
    if path.startswith("/api/"):
        starting.give_up()
    asked = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
    await starting(asked, receive, send)
    assert set(SECURITY) <= set(sent[0]["headers"])
