"""What answers while the server is not built yet: the page, and how far the start is. All else waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pharos.api.http.headers import SECURITY
from pharos.api.http.page import page

KERNELS_PATH: Final = "/-/kernels"
_WAITING: Final = ("/api/", "/v1/", "/-/", "/loki/", "/metrics", "/federate")
"""Where somebody answers who is not there yet."""


class Starting:
    """Stands in front of an application that comes later."""

    def __init__(self, kernels: Callable[[], dict[str, int]]) -> None:
        self._kernels = kernels
        self._application: ASGIApp | None = None
        self._is_over = asyncio.Event()

    def hand_over(self, application: ASGIApp) -> None:
        """Let `application` answer from now on, also whoever waits."""
        self._application = application
        self._is_over.set()

    def give_up(self) -> None:
        """Send away whoever waits: there will be no application."""
        self._is_over.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or wait until somebody can."""
        if self._application is None:
            answer = self._answer(scope) if scope["type"] == "http" else None
            if answer is not None:
                await _secured(answer)(scope, receive, send)
                return
            await self._is_over.wait()
        if self._application is not None:
            await self._application(scope, receive, send)
        elif scope["type"] == "http":
            await _secured(PlainTextResponse("Pharos is stopping.\n", 503))(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})

    def _answer(self, scope: Scope) -> Response | None:
        path = scope["path"]
        if path == KERNELS_PATH:
            return JSONResponse(self._kernels())
        if path == "/-/healthy":
            return PlainTextResponse("Pharos is healthy.\n")
        if path == "/-/ready":
            return PlainTextResponse(f"Pharos is starting: {kernels_text(self._kernels())}.\n", 503)
        if scope["method"] in {"GET", "HEAD"} and not path.startswith(_WAITING):
            return page(path.removeprefix("/"), Headers(scope=scope))
        return None


def _secured(answer: Response) -> Response:
    """Return the answer with the headers that `Identity` puts on those of the application."""
    answer.raw_headers.extend(SECURITY)
    return answer


def kernels_text(kernels: dict[str, int]) -> str:
    """Return how far compiling is, for people."""
    return f"kernels {kernels['compiled']} of {kernels['total']}"
