"""The HTTP application: one layer in front, routes, the page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import cache, partial
from typing import Any, Final

from msgspec import Struct
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp

from pharos.access import ANY_IDENTITY
from pharos.api.admin import AdminApi
from pharos.api.assistant.door import PATH as ASSISTANT_PATH
from pharos.api.assistant.door import AssistantDoor
from pharos.api.assistant.tools import tools_of
from pharos.api.health.public import PublicFront, StatusNames
from pharos.api.http.bodies import Bodies
from pharos.api.http.errors import plain_error, prometheus_error
from pharos.api.http.guard import Fence, Guard
from pharos.api.http.identity import Admit, Authentication, Identify, Refusal
from pharos.api.http.json_text import json_text
from pharos.api.http.page import page
from pharos.api.http.proxies import Forwarded, Proxies
from pharos.api.http.routes import Handler, Operation, Router, SocketOperation, why_refused
from pharos.api.live.socket import SOCKET_PATH
from pharos.api.loki.routes import TAIL_PATH
from pharos.api.native.query_batch import QueryBatchApi
from pharos.api.native.tenants import TenantsApi
from pharos.api.openapi import openapi_document
from pharos.api.prometheus.encode import error_body
from pharos.api.prometheus.federate import FederateEndpoint
from pharos.api.prometheus.queries import PrometheusApi
from pharos.api.prometheus.remote_read.endpoint import ReadEndpoint
from pharos.api.prometheus.routes import PARAMETERS
from pharos.api.receivers.elastic import (
    elastic_error,
    elastic_info,
    elastic_method_error,
    is_elastic,
    wants_elastic,
)
from pharos.api.receivers.loki import PUSH_PATHS
from pharos.api.receivers.otlp import METRICS_PATHS, OtlpEndpoint
from pharos.api.receivers.otlp_events import EVENT_PATHS, OtlpEventsEndpoint
from pharos.api.receivers.otlp_http import JSON, PROTOBUF
from pharos.api.receivers.remote_write import WriteEndpoint
from pharos.api.starting import KERNELS_PATH
from pharos.errors import Kind, PharosError
from pharos.ingest.accept import Intake
from pharos.telemetry import REGISTRY, exposition


class App(Struct, frozen=True):
    """The application as a server runs it."""

    answer: ASGIApp
    socket_paths: frozenset[str]
    """Where WebSockets are taken: an offer to upgrade is passed over elsewhere."""
    operations: Sequence[Operation] = ()
    """All that is answered over HTTP, but for the document that describes it."""
    end: Callable[[], None] = lambda: None
    """Ends the answers that do not end by themselves; called before the server stops."""


class Edge(Struct, frozen=True):
    """What the application is made of."""

    intake: Intake
    otlp: OtlpEndpoint
    otlp_events: OtlpEventsEndpoint
    prometheus: PrometheusApi
    federate: FederateEndpoint
    read: ReadEndpoint
    admin: AdminApi
    tenants: TenantsApi
    bodies: Bodies
    fence: Fence
    max_body_bytes: int
    is_ready: Callable[[], bool]
    kernels: Callable[[], dict[str, int]]
    reload: Callable[[], Awaitable[None]]
    identify: Identify
    admit: Admit
    accounts: Sequence[Operation]
    proxies: Proxies
    status_names: StatusNames


SOCKET_PATHS: Final = frozenset({SOCKET_PATH, TAIL_PATH})
"""Where a server takes WebSockets, as far as is known before it has started."""
WRITE_PATH: Final = "/api/v1/write"
READ_PATH: Final = "/api/v1/read"
_DOCUMENT_PATH: Final = "/api/openapi.json"
_APIS: Final = ("/api/", "/v1/", "/-/", "/loki/", "/tempo/", ASSISTANT_PATH)
"""Where no page is."""
_TEXT: Final[dict[str, Any]] = {"content": {"text/plain": {"schema": {"type": "string"}}}}
_KERNELS: Final[dict[str, Any]] = {
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {"compiled": {"type": "integer"}, "total": {"type": "integer"}},
                "required": ["compiled", "total"],
            }
        }
    }
}
_BINARY: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}


def create_app(edge: Edge, sockets: Sequence[SocketOperation] = ()) -> App:
    """Return the application that answers on Pharos' one port."""
    return assemble(edge, operations(edge), sockets)


def assemble(edge: Edge, served: Sequence[Operation], sockets: Sequence[SocketOperation] = ()) -> App:
    """Return the application of these operations, with the layers in front of them."""
    refuse = partial(_refused, edge.otlp)
    # Made when it is asked for: a quarter of a second of the start for what few ever read.
    document = cache(lambda: json_text(openapi_document(served)))

    async def describe(request: Request) -> Response:  # noqa: ARG001
        return Response(await asyncio.to_thread(document), media_type="application/json")

    async def elsewhere(request: Request) -> Response:
        return _elsewhere(router, refuse, request)

    described = Operation(_DOCUMENT_PATH, "GET", describe, ANY_IDENTITY)
    router = Router([*served, described], elsewhere, refuse, sockets)
    guarded = Guard(ServerErrorMiddleware(router, answer_fault), edge.fence, refuse)
    answer: ASGIApp = Authentication(guarded, edge.identify, edge.admit, refuse)
    answer = PublicFront(answer, edge.status_names)
    if edge.proxies:
        answer = Forwarded(answer, edge.proxies)
    return App(answer, router.socket_paths, served)


def operations(edge: Edge) -> list[Operation]:
    """Return all that is answered, but for the document that describes it."""
    served = [
        *edge.prometheus.operations(edge.bodies),
        *edge.admin.operations(),
        *edge.accounts,
        *edge.tenants.operations(),
        QueryBatchApi(edge.prometheus, edge.bodies).operation(),
        *_protocols(edge),
        *_otlp(edge),
        *_lifecycle(edge),
        Operation(
            "/metrics",
            "GET",
            _own_metrics,
            "server.view",
            name="own_metrics",
            summary="Metrics",
            responses={200: {"description": "Successful Response", **_TEXT}},
        ),
    ]
    return [*served, AssistantDoor(tools_of(served), edge.bodies).operation()]


async def _own_metrics(request: Request) -> Response:
    """Return what Pharos measures of itself."""
    if "application/openmetrics-text" in request.headers.get("accept", ""):
        page_text = await asyncio.to_thread(generate_openmetrics, REGISTRY)
        return Response(page_text, media_type="application/openmetrics-text; version=1.0.0; charset=utf-8")
    page_text = await asyncio.to_thread(exposition)
    return Response(page_text, media_type="text/plain; version=0.0.4; charset=utf-8")


def _refused(otlp: OtlpEndpoint, asked: HTTPConnection, error: PharosError) -> Response:
    """Return the answer to who goes no further, in the shape of the protocol of the address."""
    path = asked.url.path
    if path in METRICS_PATHS or path in EVENT_PATHS:
        return otlp.refuse(asked, error)
    if is_elastic(asked):
        return elastic_error(asked, error)
    if path in {WRITE_PATH, READ_PATH, *PUSH_PATHS} or not path.startswith("/api/"):
        return plain_error(error)
    return prometheus_error(error)


def _protocols(edge: Edge) -> Iterator[Operation]:
    """Yield remote write and read, and federation."""
    write = WriteEndpoint(edge.intake, edge.bodies, edge.max_body_bytes)
    body = {"content": {"application/x-protobuf": _BINARY}, "required": True}
    failures = {
        400: {"description": "What is wrong, as text.", **_TEXT},
        408: {"description": "The body did not come in time.", **_TEXT},
        413: {"description": "The body is too large.", **_TEXT},
        503: {"description": "Not now.", **_TEXT},
    }
    yield Operation(
        WRITE_PATH,
        "POST",
        write.write,
        "metrics.write",
        name="remote_write",
        tag="prometheus",
        summary="Write",
        responses={
            204: {"description": "Everything is durable."},
            415: {"description": "Neither remote write 1.0 nor 2.0.", **_TEXT},
            **failures,
        },
        inputs={"requestBody": body},
    )
    answers = {"application/x-protobuf": _BINARY, "application/x-streamed-protobuf": _BINARY}
    yield Operation(
        READ_PATH,
        "POST",
        edge.read.read,
        "metrics.export",
        name="remote_read",
        tag="prometheus",
        summary="Read",
        responses={200: {"description": "The samples.", "content": answers}, 422: _UNREAD, **failures},
        inputs={"requestBody": body},
    )
    yield Operation(
        "/federate",
        "GET",
        edge.federate.federate,
        "metrics.export",
        name="federate",
        tag="prometheus",
        responses={200: {"description": "The newest samples.", **_TEXT}, 422: _UNREAD, **failures},
        inputs={"parameters": [{"name": "match[]", "in": "query", "schema": PARAMETERS["match[]"]}]},
    )


def _partial(rejected: str) -> dict[str, Any]:
    """Return the schema of an answer of OTLP that says how much was rejected."""
    inner = {rejected: {"type": "string"}, "errorMessage": {"type": "string"}}
    return {
        "type": "object",
        "properties": {"partialSuccess": {"type": "object", "properties": inner}},
    }


def _otlp(edge: Edge) -> Iterator[Operation]:
    """Yield where OpenTelemetry sends to."""

    def message(description: str, schema: dict[str, Any]) -> dict[str, Any]:
        return {"description": description, "content": {PROTOBUF: _BINARY, JSON: {"schema": schema}}}

    status = {
        "type": "object",
        "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
        "required": ["code", "message"],
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
        yield Operation(
            path,
            "POST",
            edge.otlp.export_metrics,
            "metrics.write",
            name=f"otlp_metrics{'_prometheus' * number}",
            tag="opentelemetry",
            summary="Export metrics",
            responses={
                200: message(
                    "ExportMetricsServiceResponse: everything is durable, or what is not.",
                    _partial("rejectedDataPoints"),
                ),
                **{code: message(text, status) for code, text in failures.items()},
            },
            inputs={"requestBody": body},
        )
    for path, signal in EVENT_PATHS.items():
        prefix = path.removesuffix(f"/v1/{signal.name}").replace("/api/v1/", "_prometheus_").replace("/", "_")
        answer = f"Export{signal.name.title()}ServiceResponse: everything is durable, or what is not."
        failures[400] = "The body is no request of this signal."
        yield Operation(
            path,
            "POST",
            edge.otlp_events.export,
            signal.permission,
            name=f"otlp_{signal.name}{prefix}",
            tag="opentelemetry",
            summary=f"Export {signal.name}",
            responses={
                200: message(answer, _partial(signal.rejected_json)),
                **{code: message(text, status) for code, text in failures.items()},
            },
            inputs={"requestBody": body},
        )


_UNREAD: Final[dict[str, Any]] = {"description": "More samples than a query may load.", **_TEXT}


def _lifecycle(edge: Edge) -> Iterator[Operation]:
    """Yield what operators and orchestrators ask."""

    async def healthy(request: Request) -> Response:  # noqa: ARG001
        """Say that the process answers."""
        return PlainTextResponse("Pharos is healthy.\n")

    async def ready(request: Request) -> Response:  # noqa: ARG001
        """Say whether what a former process left is stored, so that answers are complete."""
        if edge.is_ready():
            return PlainTextResponse("Pharos is ready.\n")
        return PlainTextResponse("Pharos is starting.\n", 503)

    async def kernels(request: Request) -> Response:  # noqa: ARG001
        """Return how many kernels are compiled, and how many there are."""
        return JSONResponse(edge.kernels())

    async def reload(request: Request) -> Response:  # noqa: ARG001
        """Read prometheus.yml again; the last good configuration stays when the new one is not."""
        try:
            await edge.reload()
        except PharosError as exc:
            return PlainTextResponse(f"failed to reload config: {exc}\n", 500)
        return PlainTextResponse("The configuration was reloaded.\n")

    async def leave(request: Request) -> Response:  # noqa: ARG001
        """Refuse: the process is ended by whoever started it."""
        return PlainTextResponse("Lifecycle API is not enabled.\n", 403)

    done = {"description": "Successful Response", **_TEXT}
    table: list[tuple[str, Handler, tuple[str, ...], str | None, dict[int, Any]]] = [
        ("/-/healthy", healthy, ("GET",), None, {200: done}),
        ("/-/ready", ready, ("GET",), None, {200: done, 503: {"description": "Starting.", **_TEXT}}),
        (KERNELS_PATH, kernels, ("GET",), None, {200: {"description": "How far it is.", **_KERNELS}}),
        (
            "/-/reload",
            reload,
            ("POST", "PUT"),
            "server.operate",
            {200: done, 500: {"description": "The fault.", **_TEXT}},
        ),
        ("/-/quit", leave, ("POST", "PUT"), "server.operate", {403: {"description": "Disabled.", **_TEXT}}),
    ]
    for path, answer, methods, permission, responses in table:
        name = path.rpartition("/")[2] if answer is not leave else "leave"
        for method in methods:
            yield Operation(
                path,
                method,
                answer,
                permission,
                name=f"{name}_{method.lower()}",
                tag="lifecycle",
                summary=name.capitalize(),
                responses=responses,
            )


async def answer_fault(_request: Request, _fault: Exception) -> Response:
    """Answer a fault of Pharos itself; the log has the story, the client only its kind."""
    body = error_body("internal", "internal error: it is in the log of Pharos")
    return Response(body, 500, media_type="application/json")


def _elsewhere(router: Router, refuse: Refusal, request: Request) -> Response:
    """Answer for the page, and for an address or method that does not exist.

    The page is there for everybody, who signs in with it; of the rest strangers are not told what there is.
    """
    path = request.url.path
    if path == "/" and request.method == "GET" and wants_elastic(request):
        refusal = why_refused(request.scope, "logs.write")
        return elastic_info(request) if refusal is None else elastic_error(request, refusal)
    methods = router.methods(request.scope["path"])
    is_page = not methods and not path.startswith(_APIS) and not is_elastic(request)
    refusal = None if is_page else why_refused(request.scope, ANY_IDENTITY)
    if refusal is not None:
        return refuse(request, refusal)
    if is_page:
        if request.method == "GET":
            return page(path.removeprefix("/"), request.headers)
        methods = {"GET", "HEAD"}
    if is_elastic(request) and not methods:
        return elastic_error(request, PharosError(Kind.MISSING, f"{request.method} {path} is not answered"))
    if not methods:
        body = error_body("not_found", f"{path} is not an address of this API")
        return Response(body, 404, media_type="application/json")
    if "GET" in methods:
        methods.add("HEAD")
    allow = {"Allow": ", ".join(sorted({*methods, "OPTIONS"}))}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=allow)
    if is_elastic(request):
        refused = elastic_method_error(request, request.method, methods)
        refused.headers.update(allow)
        return refused
    body = error_body("bad_data", f"{request.method} is not a method of {path}")
    return Response(body, 405, headers=allow, media_type="application/json")
