"""Addresses, who answers at them and who may ask: a table, and patterns for addresses with a variable part.

A request's address is looked up once, and the permission of what was found is checked there, so that no
spelling of an address has another verdict than what answers at it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct, field
from pydantic import BaseModel
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from pharos.access import ANY_IDENTITY, PERMISSIONS, denied
from pharos.api.http.identity import Refusal, answer_refused, refusal_of, scope_of
from pharos.api.http.traced import ROUTE
from pharos.errors import PharosError
from pharos.telemetry import IDENTITY_REFUSED

Handler = Callable[[Request], Awaitable[Response]]
SocketHandler = Callable[[WebSocket], Awaitable[None]]


def answering(
    answer: Handler, refuse: Callable[[PharosError], Response], endpoint: Callable[..., object]
) -> Handler:
    """Return a handler that answers errors by `refuse`, described as the endpoint is for which it answers."""

    async def handler(request: Request) -> Response:
        try:
            return await answer(request)
        except PharosError as exc:
            return refuse(exc)

    handler.__doc__ = endpoint.__doc__
    handler.__name__ = getattr(endpoint, "__name__", "handler")
    return handler


class Operation(Struct, frozen=True):
    """One method of an address: who answers, and what the OpenAPI document says of it."""

    path: str
    """A part in braces is variable, as Starlette writes it: `{name}` or `{name:convertor}`."""
    method: str
    handler: Handler
    permission: str | None
    """What it needs, of the table in `access`; None answers everybody."""
    name: str = ""
    """What the document calls it; without a name it is left out."""
    tag: str = ""
    summary: str = ""
    description: str = ""
    responses: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    """By status: an OpenAPI response object, in which `model` stands for the content's JSON schema, `data`
    for that of a success with such data, and `media` for its type where that is not JSON."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """`parameters` and `requestBody` as OpenAPI has them."""
    body: type[BaseModel] | None = None
    """What the request's JSON is, where `inputs` has no `requestBody`."""

    def __post_init__(self) -> None:
        _check_known(self.permission)


class SocketOperation(Struct, frozen=True):
    """An address that takes WebSockets."""

    path: str
    handler: SocketHandler
    permission: str | None

    def __post_init__(self) -> None:
        _check_known(self.permission)


def _check_known(permission: str | None) -> None:
    if permission is not None and permission not in PERMISSIONS:
        raise ValueError(f"{permission} is not in the table of permissions")


def why_refused(asked: Scope, permission: str | None) -> PharosError | None:
    """Return why who asks may not do what needs the permission: UNAUTHENTICATED, DENIED; None if they may."""
    if permission is None:
        return None
    scope = scope_of(HTTPConnection(asked))
    if permission in scope.permissions:
        return None
    found = refusal_of(asked) or denied(scope.who, scope.tenant, permission)
    IDENTITY_REFUSED.labels(found.kind.value).inc()
    return found


class _Pattern:
    """An address with a variable part."""

    def __init__(self, path: str) -> None:
        self._regex, _, self._convertors = compile_path(path)
        self.by_method: dict[str, Operation] = {}

    def read(self, path: str) -> dict[str, Any] | None:
        """Return the variable parts of a path; None if it is none of this address."""
        found = self._regex.match(path)
        if found is None:
            return None
        return {name: self._convertors[name].convert(text) for name, text in found.groupdict().items()}


class Router:
    """The ASGI application of all operations; `otherwise` answers for all other addresses and methods.

    `refuse` answers who lacks the permission of an operation; `otherwise` asks `why_refused` by itself.
    """

    def __init__(
        self,
        operations: Iterable[Operation],
        otherwise: Handler,
        refuse: Refusal,
        sockets: Iterable[SocketOperation] = (),
    ) -> None:
        self._fixed: dict[str, dict[str, Operation]] = {}
        self._patterns: dict[str, _Pattern] = {}
        self._otherwise = otherwise
        self._refuse = refuse
        self._sockets = {socket.path: socket for socket in sockets}
        for operation in operations:
            if "{" in operation.path:
                pattern = self._patterns.setdefault(operation.path, _Pattern(operation.path))
                pattern.by_method[operation.method] = operation
            else:
                self._fixed.setdefault(operation.path, {})[operation.method] = operation

    @property
    def socket_paths(self) -> frozenset[str]:
        """The addresses that take WebSockets."""
        return frozenset(self._sockets)

    def methods(self, path: str) -> set[str]:
        """Return the methods that are answered at a path."""
        return set(self._at(path)[0])

    def _at(self, path: str) -> tuple[Mapping[str, Operation], dict[str, Any]]:
        """Return (what answers each method at a path, its variable parts)."""
        fixed = self._fixed.get(path)
        if fixed is not None:
            return fixed, {}
        for pattern in self._patterns.values():
            parts = pattern.read(path)
            if parts is not None:
                return pattern.by_method, parts
        return {}, {}

    async def __call__(self, asked: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or serve a WebSocket until it ends."""
        if asked["type"] == "http":
            response = await self._answer(Request(asked, receive, send))
            await response(asked, receive, send)
        elif asked["type"] == "websocket":
            await self._serve(asked, receive, send)

    async def _answer(self, request: Request) -> Response:
        asked = request.scope
        by_method, asked["path_params"] = self._at(asked["path"])
        operation = by_method.get(asked["method"])
        if operation is None:
            return await self._otherwise(request)
        asked[ROUTE] = operation.path
        refusal = why_refused(asked, operation.permission)
        return await operation.handler(request) if refusal is None else self._refuse(request, refusal)

    async def _serve(self, asked: Scope, receive: Receive, send: Send) -> None:
        operation = self._sockets.get(asked["path"])
        # Where nothing answers, strangers are not told so.
        refusal = why_refused(asked, ANY_IDENTITY if operation is None else operation.permission)
        if refusal is not None:
            await answer_refused(self._refuse(HTTPConnection(asked), refusal), asked, receive, send)
            return
        socket = WebSocket(asked, receive, send)
        if operation is None:
            # Before it was accepted: the handshake is answered with 403.
            await socket.close()
        else:
            await operation.handler(socket)
