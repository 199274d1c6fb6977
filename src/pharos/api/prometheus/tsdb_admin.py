"""Deleting series, as upstream's admin API does; refused unless the settings allow it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from pharos.access import Scope
from pharos.api.http.identity import scope_of
from pharos.api.prometheus.parameters import Parameters, invalid, read_selectors
from pharos.api.prometheus.routes import Route
from pharos.errors import Kind, PharosError
from pharos.query.limits import Wanted


class Eraser(Protocol):
    """What deletes."""

    async def delete(self, scope: Scope, wanted: Sequence[Wanted]) -> None:
        """Delete the samples of each selector in its range."""
        ...

    async def clean(self) -> None:
        """Give back the room of what was deleted."""
        ...


class TsdbAdminApi(Struct, frozen=True):
    """Admin endpoints; unless `enabled`, only for those whose credentials told who they are."""

    eraser: Eraser
    enabled: bool

    def routes(self) -> list[Route]:
        """Return the routes."""
        methods = ("POST", "PUT")
        return [
            Route(
                "/admin/tsdb/delete_series",
                "metrics.delete",
                self._allowed(self.delete_series),
                None,
                ("match[]", "start", "end"),
                ("match[]",),
                methods,
            ),
            Route(
                "/admin/tsdb/clean_tombstones",
                "server.operate",
                self._allowed(self.clean_tombstones),
                None,
                (),
                (),
                methods,
            ),
        ]

    def _allowed(
        self, endpoint: Callable[[Parameters, Request], Awaitable[Response]]
    ) -> Callable[[Parameters, Request], Awaitable[Response]]:
        async def allowed(parameters: Parameters, request: Request) -> Response:
            if not self.enabled and not scope_of(request).who.is_known:
                # Upstream's own words; its status, 500, would say that the server is broken.
                raise PharosError(
                    Kind.DENIED, "admin APIs disabled", hint="set admin_api: true in pharos.yml"
                )
            return await endpoint(parameters, request)

        allowed.__doc__ = endpoint.__doc__
        allowed.__name__ = getattr(endpoint, "__name__", "endpoint")
        return allowed

    async def delete_series(self, parameters: Parameters, request: Request) -> Response:
        """Delete the samples of the series that any of the selectors matches, in a range of times."""
        if not parameters.all("match[]"):
            raise PharosError(Kind.INVALID, "no match[] parameter provided")
        start, end = parameters.range_ms()
        try:
            selectors = await read_selectors(parameters)
        except PharosError as exc:
            raise invalid("match[]", exc.message) from exc
        if end >= start:
            await self.eraser.delete(scope_of(request), [Wanted(one, start, end) for one in selectors])
        return Response(status_code=204)

    async def clean_tombstones(self, parameters: Parameters, request: Request) -> Response:
        """Give back the room of what was deleted."""
        await self.eraser.clean()
        return Response(status_code=204)
