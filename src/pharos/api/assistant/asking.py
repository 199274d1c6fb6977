"""Asks an operation of this server in the scope of a request that came to another address."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, NoReturn
from urllib.parse import quote, urlencode

from msgspec import Struct
from starlette.requests import Request

from pharos.api.assistant.tools import Tool, path_names
from pharos.errors import Kind, PharosError

MOST_BYTES: Final = 400_000
"""A longer answer helps no assistant: it would be all that it can hold."""
_KEPT: Final = frozenset({"host", "x-request-id"})


class Answered(Struct, frozen=True):
    """What an address answered."""

    status: int
    body: bytes


def check_arguments(tool: Tool, given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return a tool's arguments as texts. Raises PharosError(INVALID) that names the one at fault."""
    properties = tool.schema["properties"]
    for name in given:
        if name not in properties:
            known = ", ".join(properties) or "none"
            raise PharosError(
                Kind.INVALID, f"{tool.told.name} has no argument {name[:80]!r}", hint=f"known: {known}"
            )
    for name in tool.schema["required"]:
        if name not in given:
            raise PharosError(Kind.INVALID, f"{tool.told.name} needs the argument {name}")
    return [
        (name, _text(name, one))
        for name, value in given.items()
        for one in (value if isinstance(value, list) else [value])
    ]


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise PharosError(Kind.INVALID, f"the argument {name} must be a text, a number or a list of them")


async def ask(request: Request, tool: Tool, pairs: list[tuple[str, str]]) -> Answered:
    """Return what the tool's address answers, with the scope that the request has.

    Raises PharosError: DENIED without the permission that the address needs, TOO_LARGE for a long answer.
    """
    operation = tool.operation
    named = dict(pairs)
    values = {name: named[name] for name in path_names(operation.path)}
    parts = operation.path.split("/")
    path = "/".join(
        quote(named[part[1:-1].partition(":")[0]], safe="") if part.startswith("{") else part
        for part in parts
    )
    query = [*tool.told.fixed.items(), *((name, value) for name, value in pairs if name not in values)]
    asked = {
        **request.scope,
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": urlencode(query).encode(),
        "path_params": values,
        "headers": [
            (name, value) for name, value in request.scope["headers"] if name.decode("latin-1") in _KEPT
        ],
    }
    sent = _Sent(tool)
    response = await operation.handler(Request(asked, _never))
    await response(asked, _never, sent)
    return Answered(sent.status, b"".join(sent.pieces))


async def _never() -> NoReturn:
    """Wait for ever: the client of an address that is asked from inside does not go away by itself."""
    await asyncio.Event().wait()
    raise AssertionError


class _Sent:
    """Takes what an application sends, up to the limit."""

    def __init__(self, tool: Tool) -> None:
        self._tool = tool
        self.status = 500
        self.pieces: list[bytes] = []
        self._bytes = 0

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        piece = message.get("body", b"")
        self._bytes += len(piece)
        if self._bytes > MOST_BYTES:
            raise PharosError(
                Kind.TOO_LARGE,
                f"{self._tool.told.name} would answer with more than {MOST_BYTES // 1000} kB",
                hint="ask for less: a shorter range, a longer step, a lower limit, or an aggregation",
            )
        self.pieces.append(piece)
