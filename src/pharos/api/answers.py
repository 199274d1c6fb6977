"""What the endpoints of the Prometheus API share: the shape of an answer, packing, watching for who left."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from pharos.api.bodies import Bodies
from pharos.api.encode import json_text
from pharos.api.errors import prometheus_error
from pharos.api.parameters import Parameters, parameters_of
from pharos.errors import Kind, PharosError

T = TypeVar("T")
Endpoint = Callable[[Parameters, Request], Awaitable[Response]]
Handler = Callable[[Request], Awaitable[Response]]

_PACK_FROM_BYTES: Final = 64 << 10
"""Smaller answers cost more to pack than to send."""
_PACK_LEVEL: Final = 1
_WATCH_AFTER_S: Final = 0.05
"""Whether the client is still there is asked only of work that takes longer."""


def success(data: Any, warnings: list[str] | None = None) -> Response:
    """Return a successful answer of the API."""
    body: dict[str, Any] = {"status": "success", "data": data}
    if warnings:
        body["warnings"] = warnings
    return Response(json_text(body), media_type="application/json")


def guarded(endpoint: Endpoint, bodies: Bodies) -> Handler:
    """Return a route's handler that reads the parameters and answers errors in the API's shape."""

    async def handler(request: Request) -> Response:
        try:
            async with parameters_of(request, bodies) as parameters:
                return await endpoint(parameters, request)
        except PharosError as exc:
            return prometheus_error(exc)

    handler.__doc__ = endpoint.__doc__
    handler.__name__ = getattr(endpoint, "__name__", "handler")
    return handler


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns; it is cancelled when the client goes away first.

    Raises PharosError(CANCELLED) then.
    """
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=_WATCH_AFTER_S)
        if not done:
            gone = asyncio.ensure_future(_gone(request))
            await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
            gone.cancel()
    except asyncio.CancelledError:
        task.cancel()
        raise
    if not task.done():
        task.cancel()
        await asyncio.wait({task})
        raise PharosError(Kind.CANCELLED, "query was canceled in expression evaluation")
    return task.result()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def wants_gzip(request: Request) -> bool:
    """Return whether the client takes gzip (RFC 9110, section 12.5.3)."""
    for item in request.headers.get("accept-encoding", "").split(","):
        coding, _, weight = item.partition(";")
        if coding.strip().lower() in {"gzip", "x-gzip"}:
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


def pack(chunks: Iterable[bytes], *, packed: bool) -> tuple[list[bytes], bool]:
    """Return (the body's chunks, whether they are gzip): packed only if that is wanted and worth it.

    To be called on a thread: packing takes a while.
    """
    plain = list(chunks)
    if not packed or sum(map(len, plain)) < _PACK_FROM_BYTES:
        return plain, False
    packer = zlib.compressobj(_PACK_LEVEL, zlib.DEFLATED, 31)
    pieces = [packer.compress(chunk) for chunk in plain]
    pieces.append(packer.flush())
    return [b"".join(pieces)], True


def body_response(body: tuple[list[bytes], bool], media_type: str = "application/json") -> Response:
    """Return the response over what `pack` returned."""
    chunks, packed = body
    headers = {"Vary": "Accept-Encoding"}
    if packed:
        headers["Content-Encoding"] = "gzip"
    if len(chunks) == 1:
        return Response(chunks[0], media_type=media_type, headers=headers)
    return StreamingResponse(_each(chunks), media_type=media_type, headers=headers)


async def _each(chunks: list[bytes]) -> AsyncIterator[bytes]:
    """Yield the chunks, each of which is let go when it is sent."""
    chunks.reverse()
    while chunks:
        yield chunks.pop()


def rfc3339(time_ms: int) -> str:
    """Return a time as Go prints it in JSON; the zero time for 0."""
    if not time_ms:
        return "0001-01-01T00:00:00Z"
    text = datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
