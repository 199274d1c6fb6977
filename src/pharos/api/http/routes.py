"""Addresses and who answers at them: a table, and patterns for the few addresses with a variable part."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

Handler = Callable[[Request], Awaitable[Response]]
SocketHandler = Callable[[WebSocket], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of an address: who answers, and what the OpenAPI document says of it."""

    path: str
    """A part in braces is variable, as Starlette writes it: `{name}` or `{name:convertor}`."""
    method: str
    handler: Handler
    name: str = ""
    """What the document calls it; without a name it is left out."""
    tag: str = ""
    summary: str = ""
    description: str = ""
    responses: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    """By status: an OpenAPI response object, in which `model` stands for the content's JSON schema
    and `media` for its type where that is not JSON."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """`parameters` and `requestBody` as OpenAPI has them."""


class _Pattern:
    """An address with a variable part."""

    def __init__(self, path: str) -> None:
        self._regex, _, self._convertors = compile_path(path)
        self.by_method: dict[str, Handler] = {}

    def read(self, path: str) -> dict[str, Any] | None:
        """Return the variable parts of a path; None if it is none of this address."""
        found = self._regex.match(path)
        if found is None:
            return None
        return {name: self._convertors[name].convert(text) for name, text in found.groupdict().items()}


class Router:
    """The ASGI application of all operations; `otherwise` answers for all other addresses and methods."""

    def __init__(
        self,
        operations: Iterable[Operation],
        otherwise: Handler,
        sockets: Mapping[str, SocketHandler] | None = None,
    ) -> None:
        self._fixed: dict[str, dict[str, Handler]] = {}
        self._patterns: dict[str, _Pattern] = {}
        self._otherwise = otherwise
        self._sockets = dict(sockets or {})
        for operation in operations:
            if "{" in operation.path:
                pattern = self._patterns.setdefault(operation.path, _Pattern(operation.path))
                pattern.by_method[operation.method] = operation.handler
            else:
                self._fixed.setdefault(operation.path, {})[operation.method] = operation.handler

    @property
    def has_sockets(self) -> bool:
        """Return whether any address takes WebSockets."""
        return bool(self._sockets)

    def methods(self, path: str) -> set[str]:
        """Return the methods that are answered at a path."""
        return set(self._at(path)[0])

    def _at(self, path: str) -> tuple[Mapping[str, Handler], dict[str, Any]]:
        """Return (who answers each method at a path, its variable parts)."""
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
            by_method, asked["path_params"] = self._at(asked["path"])
            handler = by_method.get(asked["method"], self._otherwise)
            response = await handler(Request(asked, receive, send))
            await response(asked, receive, send)
        elif asked["type"] == "websocket":
            socket = WebSocket(asked, receive, send)
            serve = self._sockets.get(asked["path"])
            if serve is None:
                # Before it was accepted: the handshake is answered with 403.
                await socket.close()
            else:
                await serve(socket)
