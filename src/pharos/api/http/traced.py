"""Requests as spans of Pharos' own: which were answered how, and how long that took."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pharos.clock import Clock
from pharos.ingest.own_events import Answered

ROUTE: Final = "pharos.route"
"""Where an ASGI scope holds the address of its operation, with variable parts by their names."""
_BROKEN_OFF: Final = 499


class Traced:
    """The application `app`, whose answers are noted; not what addresses and headers hold: secrets, maybe."""

    def __init__(self, app: ASGIApp, clock: Clock, note: Callable[[Answered], None]) -> None:
        self._app = app
        self._clock = clock
        self._note = note

    async def __call__(self, asked: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if asked["type"] != "http":
            await self._app(asked, receive, send)
            return
        status = _BROKEN_OFF

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began_s, start_ns = self._clock.monotonic_s(), self._clock.now_ns()
        try:
            await self._app(asked, receive, noted)
        finally:
            end_ns = start_ns + int((self._clock.monotonic_s() - began_s) * 1e9)
            self._note(_answered(asked, start_ns, end_ns, status))


def _answered(asked: Any, start_ns: int, end_ns: int, status: int) -> Answered:
    route = asked.get(ROUTE, "")
    attributes: list[tuple[str, str | int]] = [
        ("http.request.method", asked["method"]),
        ("http.response.status_code", status),
    ]
    if route:
        attributes.append(("http.route", route))
    name = f"{asked['method']} {route}".rstrip()
    return Answered(name, start_ns, end_ns, status, attributes)
