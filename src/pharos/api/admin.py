"""What only the owner of the data folder may ask: snapshots, from which `pharos backup` copies."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from pharos.api.http.errors import prometheus_error
from pharos.api.http.routes import Operation
from pharos.api.prometheus.parameters import query_parameters
from pharos.api.prometheus.shapes import Failure, Snapshot, Success
from pharos.errors import Kind, PharosError
from pharos.secret import Secret

KEY_HEADER: Final = "X-Pharos-Key"


@dataclass(frozen=True, slots=True)
class AdminApi:
    """`key` is asked for in a header, which no page of another origin can send; `snapshot` blocks.

    With `allowed` nobody is asked for the key.
    """

    key: Secret
    snapshot: Callable[[], str]
    allowed: bool = False

    def operations(self) -> Iterator[Operation]:
        """Yield the operations below `/api/v1/admin`, with Prometheus' path for snapshots."""
        for method in ("POST", "PUT"):
            yield Operation(
                "/api/v1/admin/tsdb/snapshot",
                method,
                self.take_snapshot,
                name=f"take_snapshot_{method.lower()}",
                tag="prometheus",
                summary="Take snapshot",
                responses={
                    200: {"model": Success[Snapshot], "description": "The snapshot's name."},
                    403: {"model": Failure, "description": "The key is missing or wrong."},
                    503: {"model": Failure, "description": "The store cannot do it now."},
                },
            )

    async def take_snapshot(self, request: Request) -> Response:
        """Freeze the store below `snapshots` in the data folder and answer with the snapshot's name."""
        given = request.headers.get(KEY_HEADER, "")
        if not self.allowed and not hmac.compare_digest(given.encode(), self.key.reveal().encode()):
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
