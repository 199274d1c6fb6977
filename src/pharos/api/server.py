"""The HTTP application: routes, security headers, the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from prometheus_client import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pharos import __version__
from pharos.api.admin import AdminApi
from pharos.api.ingest import WriteEndpoint
from pharos.api.prometheus import PrometheusApi
from pharos.errors import PharosError
from pharos.ingest.accept import Intake
from pharos.telemetry import REGISTRY

STATIC: Final = Path(__file__).parent / "static"
_SECURITY: Final = (
    (
        b"content-security-policy",
        b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none';"
        b" base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


@dataclass(frozen=True, slots=True)
class Edge:
    """What the application is made of."""

    intake: Intake
    prometheus: PrometheusApi
    admin: AdminApi
    max_body_bytes: int
    is_ready: Callable[[], bool]
    reload: Callable[[], None]


class _Headers:
    """Adds the security headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_SECURITY]
            await send(message)

        await self._app(scope, receive, send_with_headers)


class _Front:
    """Takes writes out before any framework: the hottest path pays for no feature that it does not use."""

    def __init__(self, app: ASGIApp, write: WriteEndpoint) -> None:
        self._app = app
        self._write = write

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/api/v1/write":
            if scope["method"] == "POST":
                response = await self._write.write(Request(scope, receive))
            else:
                response = PlainTextResponse("only POST writes\n", 405, headers={"Allow": "POST"})
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)


def create_app(edge: Edge) -> FastAPI:
    """Return the application that answers on Pharos' one port."""
    app = FastAPI(
        title="Pharos", version=__version__, docs_url=None, redoc_url=None, openapi_url="/api/openapi.json"
    )
    app.add_middleware(_Headers)
    app.add_middleware(_Front, write=WriteEndpoint(edge.intake, edge.max_body_bytes))
    app.include_router(edge.prometheus.router())
    app.include_router(edge.admin.router())

    @app.get("/-/healthy", response_class=PlainTextResponse)
    async def healthy() -> str:
        return "Pharos is healthy.\n"

    @app.get("/-/ready", response_class=PlainTextResponse)
    async def ready() -> Response:
        if edge.is_ready():
            return PlainTextResponse("Pharos is ready.\n")
        return PlainTextResponse("Pharos is starting.\n", 503)

    @app.post("/-/reload", response_class=PlainTextResponse)
    @app.put("/-/reload", response_class=PlainTextResponse)
    async def reload() -> Response:
        try:
            edge.reload()
        except PharosError as exc:
            return PlainTextResponse(f"{exc}\n", 400)
        return PlainTextResponse("The configuration was reloaded.\n")

    @app.get("/metrics")
    def metrics(request: Request) -> Response:
        if "application/openmetrics-text" in request.headers.get("accept", ""):
            return Response(
                generate_openmetrics(REGISTRY),
                media_type="application/openmetrics-text; version=1.0.0; charset=utf-8",
            )
        return Response(generate_latest(REGISTRY), media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/{path:path}", include_in_schema=False)
    async def page(path: str) -> Response:
        return _page(path)

    return app


def _page(path: str) -> Response:
    """Return a file of the built page, or the page itself for every address that it routes."""
    if path.startswith(("api/", "-/")):
        return PlainTextResponse("not found\n", 404)
    wanted = (STATIC / path).resolve()
    if path and wanted.is_file() and wanted.is_relative_to(STATIC.resolve()):
        hashed = path.startswith("assets/")
        caching = "public, max-age=31536000, immutable" if hashed else "no-cache"
        return FileResponse(wanted, headers={"Cache-Control": caching})
    index = STATIC / "index.html"
    if "." in path.rsplit("/", 1)[-1] or not index.is_file():
        missing = "not found\n" if path else "The page is not built: run `make ui`.\n"
        return PlainTextResponse(missing, 404)
    return FileResponse(index, headers={"Cache-Control": "no-cache"})
