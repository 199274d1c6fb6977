"""The HTTP application: one layer in front, routes, the page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from fastapi import FastAPI
from prometheus_client import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from pharos import __version__
from pharos.api.admin import AdminApi
from pharos.api.http.bodies import Bodies
from pharos.api.http.errors import plain_error, prometheus_error
from pharos.api.http.guard import Fence, Guard
from pharos.api.http.identity import Identity
from pharos.api.http.page import page
from pharos.api.prometheus.answers import Handler
from pharos.api.prometheus.encode import error_body
from pharos.api.prometheus.federate import FederateEndpoint
from pharos.api.prometheus.queries import PrometheusApi
from pharos.api.prometheus.remote_read.endpoint import ReadEndpoint
from pharos.api.prometheus.routes import PARAMETERS
from pharos.api.receivers.otlp import JSON, METRICS_PATHS, OTHER_SIGNALS, PROTOBUF, OtlpEndpoint
from pharos.api.receivers.remote_write import WriteEndpoint
from pharos.errors import PharosError
from pharos.ingest.accept import Intake
from pharos.telemetry import REGISTRY


@dataclass(frozen=True, slots=True)
class Edge:
    """What the application is made of."""

    intake: Intake
    otlp: OtlpEndpoint
    prometheus: PrometheusApi
    federate: FederateEndpoint
    read: ReadEndpoint
    admin: AdminApi
    bodies: Bodies
    fence: Fence
    max_body_bytes: int
    is_ready: Callable[[], bool]
    reload: Callable[[], Awaitable[None]]


class _Front:
    """Takes writes out before any framework: the hottest path pays for no feature that it does not use."""

    def __init__(self, app: ASGIApp, writes: Mapping[str, Handler]) -> None:
        self._app = app
        self._writes = writes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        write = self._writes.get(scope["path"]) if scope["type"] == "http" else None
        if write is None:
            await self._app(scope, receive, send)
            return
        if scope["method"] == "POST":
            response = await write(Request(scope, receive))
        else:
            allow = {"Allow": "OPTIONS, POST"}
            if scope["method"] == "OPTIONS":
                response = Response(status_code=204, headers=allow)
            else:
                response = PlainTextResponse("only POST writes\n", 405, headers=allow)
        await response(scope, receive, send)


WRITE_PATH: Final = "/api/v1/write"
READ_PATH: Final = "/api/v1/read"
_PAGE: Final = "/{path:path}"
_APIS: Final = ("/api/", "/v1/", "/-/")
"""Where no page is."""
_ANY: Final = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"]
_TEXT: Final[dict[str, Any]] = {"content": {"text/plain": {"schema": {"type": "string"}}}}
_BINARY: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}


def create_app(edge: Edge) -> ASGIApp:
    """Return the application that answers on Pharos' one port."""
    refuse = partial(_refused, edge.otlp)
    return Identity(Guard(create_routes(edge), edge.fence, refuse), refuse)


def create_routes(edge: Edge) -> FastAPI:
    """Return the routes, as they are behind the layer that makes a scope of every request."""
    app = FastAPI(
        title="Pharos",
        version=__version__,
        summary="All-in-one observability server.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    write = WriteEndpoint(edge.intake, edge.bodies, edge.max_body_bytes)
    app.add_middleware(_Front, writes=_writes(edge, write))
    app.add_exception_handler(Exception, _internal)
    routers = (edge.prometheus.router(edge.bodies), edge.admin.router())
    for router in routers:
        app.include_router(router)
    _add_protocols(app, edge, write)
    _add_otlp(app, edge)
    _add_lifecycle(app, edge)

    @app.get("/metrics", response_class=Response, responses={200: _TEXT}, operation_id="own_metrics")
    def metrics(request: Request) -> Response:
        """Return what Pharos measures of itself."""
        if "application/openmetrics-text" in request.headers.get("accept", ""):
            return Response(
                generate_openmetrics(REGISTRY),
                media_type="application/openmetrics-text; version=1.0.0; charset=utf-8",
            )
        return Response(generate_latest(REGISTRY), media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.api_route(_PAGE, methods=_ANY, include_in_schema=False)
    async def elsewhere(request: Request) -> Response:
        return _elsewhere([*app.routes, *(route for router in routers for route in router.routes)], request)

    return app


def _refused(otlp: OtlpEndpoint, asked: HTTPConnection, error: PharosError) -> Response:
    """Return the answer to who goes no further, in the shape of the protocol of the address."""
    path = asked.url.path
    if path in METRICS_PATHS or path in OTHER_SIGNALS:
        return otlp.refuse(asked, error)
    if path in {WRITE_PATH, READ_PATH} or not path.startswith("/api/"):
        return plain_error(error)
    return prometheus_error(error)


def _writes(edge: Edge, write: WriteEndpoint) -> dict[str, Handler]:
    """Return who answers at each address that is written to."""
    return {
        WRITE_PATH: write.write,
        **dict.fromkeys(METRICS_PATHS, edge.otlp.export_metrics),
        **dict.fromkeys(OTHER_SIGNALS, edge.otlp.refuse_signal),
    }


def _add_protocols(app: FastAPI, edge: Edge, write: WriteEndpoint) -> None:
    """Add remote write and read, and federation."""
    body = {"content": {"application/x-protobuf": _BINARY}, "required": True}
    failures: dict[int | str, dict[str, Any]] = {
        400: {"description": "What is wrong, as text.", **_TEXT},
        408: {"description": "The body did not come in time.", **_TEXT},
        413: {"description": "The body is too large.", **_TEXT},
        503: {"description": "Not now.", **_TEXT},
    }
    app.add_api_route(
        WRITE_PATH,
        write.write,
        methods=["POST"],
        operation_id="remote_write",
        response_class=Response,
        status_code=204,
        responses={415: {"description": "Neither remote write 1.0 nor 2.0.", **_TEXT}, **failures},
        openapi_extra={"requestBody": body},
        tags=["prometheus"],
    )
    answers = {"application/x-protobuf": _BINARY, "application/x-streamed-protobuf": _BINARY}
    app.add_api_route(
        READ_PATH,
        edge.read.read,
        methods=["POST"],
        operation_id="remote_read",
        response_class=Response,
        responses={200: {"description": "The samples.", "content": answers}, 422: _UNREAD, **failures},
        openapi_extra={"requestBody": body},
        tags=["prometheus"],
    )
    app.add_api_route(
        "/federate",
        edge.federate.federate,
        methods=["GET"],
        operation_id="federate",
        response_class=Response,
        responses={200: {"description": "The newest samples.", **_TEXT}, 422: _UNREAD, **failures},
        openapi_extra={
            "parameters": [{"name": "match[]", "in": "query", "schema": PARAMETERS["match[]"]}],
        },
        tags=["prometheus"],
    )


def _add_otlp(app: FastAPI, edge: Edge) -> None:
    """Add where OpenTelemetry sends metrics to; what is said here is answered by `_Front`."""

    def message(description: str, schema: dict[str, Any]) -> dict[str, Any]:
        return {"description": description, "content": {PROTOBUF: _BINARY, JSON: {"schema": schema}}}

    status = {
        "type": "object",
        "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
        "required": ["code", "message"],
    }
    partial = {
        "type": "object",
        "properties": {
            "partialSuccess": {
                "type": "object",
                "properties": {
                    "rejectedDataPoints": {"type": "string"},
                    "errorMessage": {"type": "string"},
                },
            }
        },
    }
    body = {"content": {PROTOBUF: _BINARY, JSON: {"schema": {"type": "object"}}}, "required": True}
    failures = {
        400: "The body is no ExportMetricsServiceRequest.",
        408: "The body did not come in time.",
        413: "The body is too large.",
        415: "Neither protobuf nor JSON, or packed otherwise than by gzip or zstd.",
        503: "Not now.",
    }
    for number, path in enumerate(METRICS_PATHS):
        app.add_api_route(
            path,
            edge.otlp.export_metrics,
            methods=["POST"],
            operation_id=f"otlp_metrics{'_prometheus' * number}",
            response_class=Response,
            responses={
                200: message("ExportMetricsServiceResponse: everything is durable, or what is not.", partial),
                **{code: message(text, status) for code, text in failures.items()},
            },
            openapi_extra={"requestBody": body},
            tags=["opentelemetry"],
        )


_UNREAD: Final[dict[str, Any]] = {"description": "More samples than a query may load.", **_TEXT}


def _add_lifecycle(app: FastAPI, edge: Edge) -> None:
    """Add what operators and orchestrators ask."""

    async def healthy() -> Response:
        """Say that the process answers."""
        return PlainTextResponse("Pharos is healthy.\n")

    async def ready() -> Response:
        """Say whether what a former process left is stored, so that answers are complete."""
        if edge.is_ready():
            return PlainTextResponse("Pharos is ready.\n")
        return PlainTextResponse("Pharos is starting.\n", 503)

    async def reload() -> Response:
        """Read prometheus.yml again; the last good configuration stays when the new one is not."""
        try:
            await edge.reload()
        except PharosError as exc:
            return PlainTextResponse(f"failed to reload config: {exc}\n", 500)
        return PlainTextResponse("The configuration was reloaded.\n")

    async def leave() -> Response:
        """Refuse: the process is ended by whoever started it."""
        return PlainTextResponse("Lifecycle API is not enabled.\n", 403)

    text: dict[int | str, dict[str, Any]] = {200: _TEXT}
    table: list[tuple[str, Callable[[], Awaitable[Response]], tuple[str, ...], dict[int | str, Any]]] = [
        ("/-/healthy", healthy, ("GET",), text),
        ("/-/ready", ready, ("GET",), {**text, 503: {"description": "Starting.", **_TEXT}}),
        ("/-/reload", reload, ("POST", "PUT"), {**text, 500: {"description": "The fault.", **_TEXT}}),
        ("/-/quit", leave, ("POST", "PUT"), {403: {"description": "Disabled.", **_TEXT}}),
    ]
    for path, answer, methods, responses in table:
        name = getattr(answer, "__name__", "")
        for method in methods:
            app.add_api_route(
                path,
                answer,
                methods=[method],
                operation_id=f"{name}_{method.lower()}",
                response_class=PlainTextResponse,
                status_code=403 if answer is leave else 200,
                responses=responses,
                tags=["lifecycle"],
            )


async def _internal(_request: Request, _fault: Exception) -> Response:
    """Answer a fault of Pharos itself; the log has the story, the client only its kind."""
    body = error_body("internal", "internal error: it is in the log of Pharos")
    return Response(body, 500, media_type="application/json")


def _elsewhere(routes: Sequence[BaseRoute], request: Request) -> Response:
    """Answer for the page, and for an address or method that does not exist."""
    path = request.url.path
    methods: set[str] = set()
    for route in routes:
        if (
            isinstance(route, Route)
            and route.path != _PAGE
            and route.matches(request.scope)[0] is Match.PARTIAL
        ):
            methods |= route.methods or set()
    if not methods and not path.startswith(_APIS):
        if request.method == "GET":
            return page(path.removeprefix("/"), request.headers)
        methods = {"GET", "HEAD"}
    if not methods:
        body = error_body("not_found", f"{path} is not an address of this API")
        return Response(body, 404, media_type="application/json")
    if "GET" in methods:
        methods.add("HEAD")
    allow = {"Allow": ", ".join(sorted({*methods, "OPTIONS"}))}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=allow)
    body = error_body("bad_data", f"{request.method} is not a method of {path}")
    return Response(body, 405, headers=allow, media_type="application/json")
