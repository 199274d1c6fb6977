"""A receiver: an HTTP server on a free port that answers as it is told, and keeps what it was sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class Taken:
    """A request as it came in."""

    method: str
    path: str
    """With the query."""
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    """What is answered."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    hangs: bool = False
    """No answer comes."""
    closes: bool = False
    """The connection is closed without one."""
    trickles: bool = False
    """The body never ends."""


class Receiver:
    """Answers each request with the next of `answers`, the last of them again and again."""

    def __init__(self) -> None:
        self.answers = [Answer()]
        self.taken: list[Taken] = []
        self.url = ""

    def will(self, *answers: Answer) -> None:
        self.answers = list(answers)

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.taken.append(Taken(request.method, request.path_qs, request.headers, await request.read()))
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        if answer.hangs:
            await asyncio.Event().wait()
        if answer.closes:
            assert request.transport is not None
            request.transport.close()
        if answer.trickles:
            response = web.StreamResponse(status=answer.status, headers=answer.headers)
            response.content_length = 1 << 40
            await response.prepare(request)
            await response.write(answer.body)
            await asyncio.Event().wait()
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Serve until the block ends."""
    found = Receiver()
    app = web.Application(client_max_size=1 << 28)
    app.router.add_route("*", "/{path:.*}", found.take)
    runner = web.AppRunner(app, shutdown_timeout=0, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield found
    finally:
        await runner.cleanup()
