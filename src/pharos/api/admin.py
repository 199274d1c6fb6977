"""What only the owner of the data folder may ask: snapshots, from which `pharos backup` copies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import orjson
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from pharos.api.http.errors import prometheus_error
from pharos.api.http.headers import KEY_HEADER
from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.prometheus.parameters import query_parameters
from pharos.api.prometheus.shapes import Failure, Snapshot
from pharos.errors import Kind, PharosError


class AdminApi(Struct, frozen=True):
    """`snapshot` blocks; unless `allowed`, only those may ask for it whose credentials told who they are."""

    snapshot: Callable[[], str]
    allowed: bool = False

    def operations(self) -> Iterator[Operation]:
        """Yield the operations below `/api/v1/admin`, with Prometheus' path for snapshots."""
        for method in ("POST", "PUT"):
            yield Operation(
                "/api/v1/admin/tsdb/snapshot",
                method,
                self.take_snapshot,
                "server.operate",
                name=f"take_snapshot_{method.lower()}",
                tag="prometheus",
                summary="Take snapshot",
                responses={
                    200: {"data": Snapshot, "description": "The snapshot's name."},
                    403: {"model": Failure, "description": "The key is missing or wrong."},
                    503: {"model": Failure, "description": "The store cannot do it now."},
                },
            )

    async def take_snapshot(self, request: Request) -> Response:
        """Freeze the store below `snapshots` in the data folder and answer with the snapshot's name."""
        if not self.allowed and not scope_of(request).who.is_known:
            return prometheus_error(
                PharosError(
                    Kind.DENIED,
                    f"the header {KEY_HEADER} does not carry this server's key",
                    hint="it lies in the file admin-key of the data folder; admin_api: true asks for none",
                )
            )
        try:
            # Understood and without effect: there is no head apart from the rest.
            query_parameters(request).flag("skip_head")
            name = await asyncio.to_thread(self.snapshot)
        except PharosError as exc:
            return prometheus_error(exc)
        return Response(
            orjson.dumps({"status": "success", "data": {"name": name}}), media_type="application/json"
        )
