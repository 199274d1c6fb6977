"""What only the owner of the data folder may ask: snapshots, from which `pharos backup` copies."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from pharos.api.errors import prometheus_error
from pharos.errors import Kind, PharosError

KEY_HEADER: Final = "X-Pharos-Key"


@dataclass(frozen=True, slots=True)
class AdminApi:
    """`key` is asked for in a header, which no page of another origin can send; `snapshot` blocks."""

    key: str
    snapshot: Callable[[], str]

    def router(self) -> APIRouter:
        """Return the routes below `/api/v1/admin`, with Prometheus' path for snapshots."""
        router = APIRouter(prefix="/api/v1/admin")
        router.add_api_route(
            "/tsdb/snapshot", self.take_snapshot, methods=["POST", "PUT"], response_class=Response
        )
        return router

    async def take_snapshot(self, request: Request) -> Response:
        """Freeze the store below `snapshots` in the data folder and answer with the snapshot's name."""
        if not hmac.compare_digest(request.headers.get(KEY_HEADER, "").encode(), self.key.encode()):
            return prometheus_error(
                PharosError(
                    Kind.DENIED,
                    f"the header {KEY_HEADER} does not carry this server's key",
                    hint="the key lies in the file admin-key of the data folder",
                )
            )
        try:
            name = await asyncio.to_thread(self.snapshot)
        except PharosError as exc:
            return prometheus_error(exc)
        return Response(
            orjson.dumps({"status": "success", "data": {"name": name}}), media_type="application/json"
        )
