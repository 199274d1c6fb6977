"""What the endpoints of the Prometheus API share: the shape of an answer, packing, watching for who left."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from pharos.api.http.bodies import Bodies
from pharos.api.http.errors import prometheus_error
from pharos.api.http.json_text import json_text
from pharos.api.http.routes import Handler, answering
from pharos.api.prometheus.parameters import Parameters, parameters_of
from pharos.errors import Kind, PharosError
from pharos.gotext.timestamps import format_time_ms

T = TypeVar("T")
Endpoint = Callable[[Parameters, Request], Awaitable[Response]]


_WATCH_AFTER_S: Final = 0.05
"""Whether the client is still there is asked only of work that takes longer."""


def success(data: Any, warnings: list[str] | None = None) -> Response:
    """Return a successful answer of the API."""
    body: dict[str, Any] = {"status": "success", "data": data}
    if warnings:
        body["warnings"] = warnings
    return Response(json_text(body), media_type="application/json")


def guarded(
    endpoint: Endpoint, bodies: Bodies, refuse: Callable[[PharosError], Response] = prometheus_error
) -> Handler:
    """Return a route's handler that reads the parameters, of the address or a form."""

    async def answer(request: Request) -> Response:
        async with parameters_of(request, bodies) as parameters:
            return await endpoint(parameters, request)

    return answering(answer, refuse, endpoint)


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


def rfc3339(time_ms: int) -> str:
    """Return a time as Go prints it in JSON; the zero time for 0."""
    if not time_ms:
        return "0001-01-01T00:00:00Z"
    return format_time_ms(time_ms)
