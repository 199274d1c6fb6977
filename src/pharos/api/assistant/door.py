"""`/mcp`: the Model Context Protocol over streamable HTTP, without sessions (specification of 2025-11-25).

Each message is a request of its own and answered with JSON; nothing is kept between them, so that any
server behind one address answers any of them. What a page of another origin sends is turned away before it
comes here (`api/http/guard.py`), and who asks is known as everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from pharos import __version__
from pharos.access import ANY_IDENTITY, denied
from pharos.api.assistant.asking import ask, check_arguments
from pharos.api.assistant.tools import Tool
from pharos.api.http.bodies import Bodies
from pharos.api.http.errors import native_error
from pharos.api.http.identity import scope_of
from pharos.api.http.json_text import json_text
from pharos.api.http.routes import Operation, answering
from pharos.errors import Kind, PharosError

PATH: Final = "/mcp"
VERSIONS: Final = ("2025-11-25", "2025-06-18", "2025-03-26")
"""Of the protocol, the newest first."""
_BODY_MAX_BYTES: Final = 256 << 10
_PARSE_ERROR: Final = -32700
_INVALID_REQUEST: Final = -32600
_NO_METHOD: Final = -32601
_INVALID_PARAMS: Final = -32602
_INSTRUCTIONS: Final = (
    "Pharos holds the metrics, logs, traces, alerts and dashboards of one tenant. Begin with list_alerts for"
    " what is wrong now; narrow with query_metrics, search_logs and search_traces over the same times;"
    " get_trace and log_patterns say why. Everything here only reads."
)
_DESCRIBED: Final[dict[int, dict[str, Any]]] = {
    200: {
        "description": "A JSON-RPC response.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    },
    202: {"description": "A notification was taken."},
    400: {"description": "It is no JSON-RPC message, or of an unknown version of the protocol."},
    401: {"description": "Who asks is not known."},
    403: {"description": "It is asked by a page of another origin."},
    413: {"description": "The body is too large."},
}


class _RpcError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class AssistantDoor(Struct, frozen=True):
    """Answers assistants."""

    tools: Mapping[str, Tool]
    bodies: Bodies

    def operation(self) -> Operation:
        """Return the one operation."""
        return Operation(
            PATH,
            "POST",
            answering(self.answer, native_error, self.answer),
            ANY_IDENTITY,
            name="mcp",
            tag="assistant",
            summary="Model Context Protocol",
            responses=_DESCRIBED,
            inputs={
                "requestBody": {
                    "content": {"application/json": {"schema": {"type": "object"}}},
                    "required": True,
                }
            },
        )

    async def answer(self, request: Request) -> Response:
        """Answer one message of JSON-RPC 2.0."""
        _check_headers(request)
        async with self.bodies.incoming(request, _BODY_MAX_BYTES) as incoming:
            body = bytes(incoming.body)
        try:
            message = _read(body)
        except _RpcError as exc:
            return _json(_failure(None, exc), 400)
        if "id" not in message:
            return Response(status_code=202)
        try:
            result = await self._result(request, message["method"], message.get("params") or {})
        except _RpcError as exc:
            return _json(_failure(message["id"], exc))
        return _json({"jsonrpc": "2.0", "id": message["id"], "result": result})

    async def _result(self, request: Request, method: str, params: Any) -> dict[str, Any]:
        if not isinstance(params, dict):
            raise _RpcError(_INVALID_PARAMS, "params must be an object")
        if method == "initialize":
            return _initialized(params)
        if method == "ping":
            return {}
        if method == "tools/list":
            permissions = scope_of(request).permissions
            return {
                "tools": [
                    one.shown() for one in self.tools.values() if one.operation.permission in permissions
                ]
            }
        if method == "tools/call":
            return await self._called(request, params)
        raise _RpcError(_NO_METHOD, f"there is no method {method[:80]!r}")

    async def _called(self, request: Request, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a tool answers; a refusal is an answer too, which the assistant reads and mends."""
        tool = self.tools.get(str(params.get("name")))
        if tool is None:
            raise _RpcError(_INVALID_PARAMS, f"there is no tool {str(params.get('name'))[:80]!r}")
        given = params.get("arguments") or {}
        if not isinstance(given, dict):
            raise _RpcError(_INVALID_PARAMS, "arguments must be an object")
        scope, permission = scope_of(request), tool.operation.permission
        try:
            pairs = check_arguments(tool, given)
            if permission is not None and permission not in scope.permissions:
                raise denied(scope.who, scope.tenant, permission)
            found = await ask(request, tool, pairs)
        except PharosError as exc:
            return _content(str(exc), is_error=True)
        text = found.body.decode("utf-8", "replace")
        return _content(_fault_of(text), is_error=True) if found.status >= 400 else _content(text)


def _check_headers(request: Request) -> None:
    version = request.headers.get("mcp-protocol-version")
    if version is not None and version not in VERSIONS:
        raise PharosError(
            Kind.INVALID,
            f"MCP-Protocol-Version {version[:40]!r} is not known",
            hint=f"one of {', '.join(VERSIONS)}",
        )
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise PharosError(
            Kind.INVALID, "the body must be application/json", hint="set the header Content-Type"
        )


def _read(body: bytes) -> dict[str, Any]:
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise _RpcError(_PARSE_ERROR, f"the body is no JSON: {exc}") from exc
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise _RpcError(_INVALID_REQUEST, "the body must be one JSON-RPC 2.0 message; batches are none")
    if "method" not in message and ("result" in message or "error" in message):
        # An answer to what this server never asks: taken, as a notification is.
        return {"method": ""}
    is_named = isinstance(message.get("method"), str)
    has_id = "id" not in message or (
        isinstance(message["id"], str | int) and not isinstance(message["id"], bool)
    )
    if not is_named or not has_id:
        raise _RpcError(_INVALID_REQUEST, "a request has a method, and an id that is a text or a number")
    return message


def _initialized(params: Mapping[str, Any]) -> dict[str, Any]:
    asked = params.get("protocolVersion")
    return {
        "protocolVersion": asked if asked in VERSIONS else VERSIONS[0],
        "capabilities": {"tools": {"listChanged": False}},
        "serverInfo": {"name": "pharos", "title": "Pharos", "version": __version__},
        "instructions": _INSTRUCTIONS,
    }


def _content(text: str, *, is_error: bool = False) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], "isError": is_error}


def _fault_of(text: str) -> str:
    """Return the sentence of a refusal, whichever shape it has."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    said = found.get("error") or found.get("message") if isinstance(found, dict) else found
    return said if isinstance(said, str) else text


def _failure(message_id: Any, error: _RpcError) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": message_id, "error": {"code": error.code, "message": error.message}}


def _json(found: Mapping[str, Any], status: int = 200) -> Response:
    return Response(
        json_text(found), status, headers={"Cache-Control": "no-store"}, media_type="application/json"
    )
