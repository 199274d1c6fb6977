"""The one request that answers all that a dashboard shows: a line of JSON for each panel as it is ready."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from typing import Any, Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from pharos.access import Scope
from pharos.api.dashboards.native import MOST_BODY_BYTES, VIEW, matching
from pharos.api.dashboards.shapes import AskBody, VariablesBody, VariablesShape
from pharos.api.http.bodies import Bodies
from pharos.api.http.errors import native_error
from pharos.api.http.identity import scope_of
from pharos.api.http.off_loop import off_loop
from pharos.api.http.packing import wants_gzip
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Native, read_body
from pharos.api.prometheus.shapes import Failure
from pharos.dashboards.answer.asked import Asked, asked_of
from pharos.dashboards.answer.doors import Doors, require_permission
from pharos.dashboards.answer.frames import written
from pharos.dashboards.answer.stream import settle_variables, stream
from pharos.dashboards.document import unwrap
from pharos.dashboards.model import Model
from pharos.dashboards.read import read_model
from pharos.dashboards.reading import Json
from pharos.dashboards.store import Dashboards
from pharos.errors import Kind, PharosError
from pharos.query.metrics.catalog import Window

_LINES: Final = "application/x-ndjson"
_PACK_LEVEL: Final = 1
_LARGE_SERIES: Final = 200
"""From so many series on a line is written off the event loop."""
_PACK_ON_A_THREAD_FROM_BYTES: Final = 256 << 10
_FAILURES: Final = {
    400: "What is asked is not what it must be.",
    403: "Who asks may not do this.",
    404: "There is no such dashboard.",
    408: "The body did not come in time.",
    413: "The body is too large.",
    500: "A fault of Pharos.",
    503: "Not now.",
}


class DashboardQueries(Struct, frozen=True):
    """`/api/pharos/dashboard_query` and `/api/pharos/dashboard_variables`."""

    native: Native
    bodies: Bodies
    dashboards: Dashboards
    doors: Doors

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        yield self.native.operation(
            "POST /api/pharos/dashboard_variables",
            VIEW,
            self.show_dashboard_variables,
            VariablesShape,
            VariablesBody,
            MOST_BODY_BYTES,
        )
        line = {"type": "object", "properties": {"kind": {"type": "string"}}, "required": ["kind"]}
        yield Operation(
            "/api/pharos/dashboard_query",
            "POST",
            self.answer,
            VIEW,
            name="query_dashboard",
            tag=self.native.tag,
            summary="Query dashboard",
            responses={
                200: {"description": "Lines, as they are ready.", "content": {_LINES: {"schema": line}}},
                **{status: {"model": Failure, "description": said} for status, said in _FAILURES.items()},
            },
            body=AskBody,
        )

    async def answer(self, request: Request) -> Response:
        """Answer all that a dashboard shows, in lines, each as soon as it is ready."""
        scope = scope_of(request)
        try:
            body = await read_body(request, self.bodies, AskBody, MOST_BODY_BYTES)
            asked = await self._asked(scope, body)
        except PharosError as exc:
            return native_error(exc)
        return streamed(request, lambda: self.lines(scope, asked))

    def lines(self, scope: Scope, asked: Asked) -> AsyncIterator[bytes]:
        """Yield the lines of an answer as text."""
        return written_lines(stream(self.doors, scope, asked, self.linked))

    async def _asked(self, scope: Scope, body: AskBody) -> Asked:
        model = await self.model_of(scope, body)
        return asked_of(model, self.doors.clock.now_ms(), body.said())

    async def model_of(self, scope: Scope, body: AskBody) -> Model:
        """Return the dashboard that is asked for: one that is there, or a draft. Raises PharosError."""
        if (body.document is None) == (not body.uid):
            raise PharosError(Kind.INVALID, "one of uid and document is needed")
        if body.document is not None:
            document = body.document
            return (await off_loop(1 << 20, lambda: read_model(unwrap(document))))[0]
        opened = await self.dashboards.opened(scope, body.uid, body.version)
        return (await off_loop(1 << 20, opened.model))[0]

    async def linked(self, scope: Scope, tags: tuple[str, ...]) -> list[Json]:
        """Return the dashboards that have some tags, for links."""
        found = matching(await self.dashboards.listed(scope), "", tags)
        return [{"uid": one.uid, "title": one.title, "url": f"/dashboards/{one.uid}"} for one in found[:100]]

    async def show_dashboard_variables(self, request: Request, body: VariablesBody) -> dict[str, Any]:
        """Return variables as they are set, their options searched; or what filters may ask of."""
        scope = scope_of(request)
        asked = await self._asked(scope, body)
        if body.adhoc:
            return await self._filterable(scope, asked, body.key)
        chosen = await settle_variables(self.doors, scope, asked)
        names = set(chosen) if body.names is None else set(body.names)
        return {
            "variables": [one.shown(body.search) for name, one in chosen.items() if name in names],
            "keys": None,
            "values": None,
        }

    async def _filterable(self, scope: Scope, asked: Asked, key: str) -> dict[str, Any]:
        require_permission(scope, "metrics.view")
        window = Window(scope, asked.span.start_ms, asked.span.end_ms, (), 1_000)
        if key:
            values = await self.doors.catalog.label_values(key, window, list)
            return {"variables": [], "keys": None, "values": values[:1_000]}
        keys = await self.doors.catalog.label_names(window, list)
        return {"variables": [], "keys": [one for one in keys if one != "__name__"], "values": None}


async def written_lines(lines: AsyncIterator[Json]) -> AsyncIterator[bytes]:
    """Yield lines as text; large ones are written off the event loop."""
    async with aclosing(lines) as open_lines:  # type: ignore[type-var]  # an async generator
        async for line in open_lines:
            frames = line.get("frames") or ()
            if (
                sum(len(frame.get("series") or frame.get("columns") or ()) for frame in frames)
                > _LARGE_SERIES
            ):
                yield await asyncio.to_thread(written, line)
            else:
                yield written(line)


def streamed(request: Request, lines: Callable[[], AsyncIterator[bytes]]) -> Response:
    """Return the answer that sends lines as they come, packed where that is taken."""
    headers = {"Vary": "Accept-Encoding", "Cache-Control": "no-store"}
    if wants_gzip(request):
        return StreamingResponse(
            _packed(lines()), media_type=_LINES, headers={**headers, "Content-Encoding": "gzip"}
        )
    return StreamingResponse(lines(), media_type=_LINES, headers=headers)


async def _packed(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the lines as gzip; each can be read as soon as it has come."""
    packer = zlib.compressobj(_PACK_LEVEL, zlib.DEFLATED, 31)

    def pack(line: bytes) -> bytes:
        return packer.compress(line) + packer.flush(zlib.Z_SYNC_FLUSH)

    async with aclosing(lines) as open_lines:  # type: ignore[type-var]  # an async generator
        async for line in open_lines:
            if len(line) >= _PACK_ON_A_THREAD_FROM_BYTES:
                yield await asyncio.to_thread(pack, line)
            else:
                yield pack(line)
    yield packer.flush()
