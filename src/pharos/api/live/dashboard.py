"""What Qflow's dashboard asks beside the feed: `/api/v1/dashboard/stats`, `/data`, and its page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

import orjson
from msgspec import Struct
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from pharos.api.http.identity import scope_of
from pharos.api.http.page import page
from pharos.api.http.routes import Operation
from pharos.api.live.plain import Plain, Spec
from pharos.api.live.socket import WATCH
from pharos.api.native.reading import STRING, object_of
from pharos.clock import Clock
from pharos.live.hub import Hub

PAGE_PATH: Final = "/dashboard"
_NUMBER: Final = {"type": "number"}
_WHOLE: Final = {"type": "integer"}
_OBJECT: Final = {"type": "object"}
_LIST: Final = {"type": "array"}
_STATUS: Final = {"enum": ["healthy", "degraded", "unhealthy", "unknown"]}
_COUNTS: Final = {"connectedClients": _WHOLE, "activeStreams": _WHOLE, "uptime": _NUMBER}
_STATS: Final = object_of(status=_STATUS, messagesPerSecond=_NUMBER, errorRate=_NUMBER, **_COUNTS)
_DATA: Final = object_of(
    timestamp=_WHOLE,
    systemHealth=object_of(status=_STATUS, **_COUNTS),
    performanceMetrics=_OBJECT,
    validationPipeline=_OBJECT,
    activeFlows=_LIST,
    alerts=_LIST,
)


class DashboardApi(Struct, frozen=True):
    """Answers how the feed and everything stands."""

    plain: Plain
    hub: Hub
    health: Callable[[str], Awaitable[str]]
    clock: Clock

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make = self.plain.operation
        yield make(Spec("GET /api/v1/dashboard/stats", WATCH, _STATS), self.stats)
        yield make(Spec("GET /api/v1/dashboard/data", WATCH, _DATA), self.data)
        # As the pages of its other addresses it is there for everybody, who signs in with it.
        yield Operation(
            PAGE_PATH,
            "GET",
            _page,
            None,
            name="live_dashboard",
            tag="live",
            summary="Dashboard",
            responses={
                200: {"description": "The page.", "content": {"text/html": {"schema": STRING}}},
                404: {"description": "It is not built.", "content": {"text/plain": {"schema": STRING}}},
            },
        )

    async def stats(self, request: Request) -> dict[str, Any]:
        """Return how the tenant's part of the feed stands: clients, streams, messages a second."""
        tenant = scope_of(request).alone().tenant
        status = await self.health(tenant)
        return {"status": status, **self.hub.counts(tenant), **self.hub.rates(tenant)}

    async def data(self, request: Request) -> dict[str, Any]:
        """Return what a dashboard shows at once, of what who asks may see."""
        members = await self.hub.dashboard_data(scope_of(request).alone())
        found: dict[str, Any] = orjson.loads(b"{%b}" % members)
        return {"timestamp": self.clock.now_ms(), **found}


async def _page(request: Request) -> Response:
    """Return the page, whatever the client says that it takes."""
    headers = Headers({**request.headers, "accept": "text/html"})
    return page(PAGE_PATH.removeprefix("/"), headers)
