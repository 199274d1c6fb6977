"""The one layer in front of every route: it makes the `Scope` of a request, or refuses the request.

Writes and WebSockets pass it like everything else. What is behind it takes the scope from the request
(`scope_of`) and reads no header about it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Asked
from starlette.websockets import WebSocket

from pharos.access import DEFAULT, Scope
from pharos.api.http.headers import SECURITY
from pharos.errors import Kind, PharosError

Refusal = Callable[[HTTPConnection, PharosError], Response]
"""How a refused request is answered, in the shape of the protocol that is spoken at its address."""

SCOPE: Final = "pharos.scope"
"""Where an ASGI scope holds ours."""
_TENANT_HEADER: Final = b"x-scope-orgid"
_TENANT: Final = re.compile(rb"[a-zA-Z0-9!_.*'()-]{1,150}\Z")
_HEADS: Final = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})


def scope_of(connection: HTTPConnection) -> Scope:
    """Return the scope of a request or WebSocket; a KeyError says that it came past `Identity`."""
    scope: Scope = connection.scope[SCOPE]
    return scope


def read_scope(headers: Iterable[tuple[bytes, bytes]]) -> Scope:
    """Return the scope that the headers ask for: the tenant of `X-Scope-OrgID`, `default` without it.

    Raises PharosError(INVALID) for several headers or a name outside of Mimir's tenant alphabet; joining
    tenants with `|` is not offered.
    """
    named = [value for name, value in headers if name == _TENANT_HEADER]
    if not named:
        return DEFAULT
    if len(named) > 1 or not _TENANT.match(named[0]) or named[0] in {b".", b".."}:
        raise PharosError(
            Kind.INVALID,
            "the header X-Scope-OrgID must name one tenant",
            hint="up to 150 letters, digits and !_.*'()-",
        )
    return Scope(named[0].decode("ascii"))


class Identity:
    """The application `app` behind the layer; `refuse` answers those who go no further.

    Every answer gets the security headers, a refusal too.
    """

    def __init__(self, app: ASGIApp, refuse: Refusal) -> None:
        self._app = app
        self._refuse = refuse

    async def __call__(self, asked: Asked, receive: Receive, send: Send) -> None:
        """Answer."""
        if asked["type"] not in {"http", "websocket"}:
            await self._app(asked, receive, send)
            return

        async def secured(message: Message) -> None:
            if message["type"] in _HEADS:
                message["headers"] = [*message.get("headers", ()), *SECURITY]
            await send(message)

        try:
            asked[SCOPE] = read_scope(asked["headers"])
        except PharosError as exc:
            await self._answer_refused(exc, asked, receive, secured)
            return
        await self._app(asked, receive, secured)

    async def _answer_refused(self, error: PharosError, asked: Asked, receive: Receive, send: Send) -> None:
        response = self._refuse(HTTPConnection(asked), error)
        if asked["type"] == "http":
            await response(asked, receive, send)
            return
        socket = WebSocket(asked, receive, send)
        await socket.receive()
        await socket.send_denial_response(response)
