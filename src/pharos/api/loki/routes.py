"""Loki's addresses, with what the OpenAPI document says of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from pharos import __version__
from pharos.api.http import forms
from pharos.api.http.bodies import Bodies
from pharos.api.http.errors import plain_error
from pharos.api.http.routes import Operation, SocketOperation
from pharos.api.loki.answers import bare
from pharos.api.loki.catalog import LogCatalogApi
from pharos.api.loki.queries import QueriesApi
from pharos.api.loki.tail import TailApi
from pharos.api.loki.volumes import VolumesApi
from pharos.api.prometheus.answers import Endpoint, guarded
from pharos.api.prometheus.parameters import Parameters
from pharos.clock import Clock
from pharos.query.events.log_queries import LogQueries

PREFIX: Final = "/loki/api/v1"
TAIL_PATH: Final = f"{PREFIX}/tail"
_VIEW: Final = "logs.view"
_SPOKEN_VERSION: Final = "3.5.0"
"""The version of Loki whose API and language are spoken here; clients choose what to ask by it."""
_TEXT: Final[dict[str, Any]] = {"content": {"text/plain": {"schema": {"type": "string"}}}}
_TIME: Final[dict[str, Any]] = {
    "type": ["number", "string"],
    "description": "Seconds, nanoseconds or RFC 3339.",
}
_LENGTH: Final[dict[str, Any]] = {
    "type": ["number", "string"],
    "description": "Seconds, or a duration such as 30s.",
}
_COUNT: Final[dict[str, Any]] = {"type": "integer", "minimum": 1, "maximum": 5000}
_QUERY: Final[dict[str, Any]] = {
    "type": "string",
    "format": "logql",
    "description": "A query in LogQL.",
    "examples": ['{service_name=~".+"}'],
}
_PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "query": _QUERY,
    "time": _TIME,
    "start": _TIME,
    "end": _TIME,
    "since": {**_LENGTH, "description": "How long before `end` the range begins, without `start`."},
    "step": _LENGTH,
    "interval": {**_LENGTH, "description": "The least time between two lines."},
    "limit": _COUNT,
    "line_limit": {**_COUNT, "description": "How many lines are looked at."},
    "direction": {"type": "string", "enum": ["forward", "backward"]},
    "timeout": _LENGTH,
    "match[]": {"type": "array", "items": {"type": "string"}, "description": "Selectors; any may match."},
    "targetLabels": {"type": "string", "description": "Labels to sum up by, separated by commas."},
    "aggregateBy": {"type": "string", "enum": ["series", "labels"]},
    "new_since": {**_TIME, "description": "Only templates without older lines in the range."},
}
_RANGE: Final = ("start", "end", "since")


def _object(properties: Mapping[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": list(required or properties)}


def _list(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": dict(items)}


_STRING: Final = {"type": "string"}


def _success(data: Mapping[str, Any]) -> dict[str, Any]:
    found = {"status": {"const": "success"}, "data": dict(data), "warnings": _list(_STRING)}
    return _object(found, "status", "data")


_WHOLE: Final = {"type": "integer"}
_LABELS: Final = {"type": "object", "additionalProperties": _STRING}
_POINT: Final = {"type": "array", "prefixItems": [{"type": "number"}, _STRING]}
_RESULT: Final = _success(
    _object({"resultType": _STRING, "result": {"type": "array"}, "stats": {"type": "object"}}, "resultType")
)
_NAMES: Final = _success(_list(_STRING))
_VOLUME: Final = _success(_object({"resultType": _STRING, "result": _list({"type": "object"})}))


class _Route(Struct, frozen=True):
    path: str
    endpoint: Endpoint
    answer: Mapping[str, Any]
    parameters: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    methods: tuple[str, ...] = ("GET", "POST")


class LokiApi(Struct, frozen=True):
    """Everything of Loki's that is read."""

    logs: LogQueries
    clock: Clock
    bodies: Bodies

    def operations(self) -> Iterator[Operation]:
        """Yield all operations."""
        for route in self._routes():
            handler = guarded(route.endpoint, self.bodies, plain_error)
            name = f"loki_{route.endpoint.__name__}"
            for method in route.methods:
                yield Operation(
                    f"{PREFIX}{route.path}",
                    method,
                    handler,
                    _VIEW,
                    name=name if method == "GET" else f"{name}_post",
                    tag="loki",
                    summary=route.endpoint.__name__.replace("_", " ").capitalize(),
                    responses=_responses(route, method),
                    inputs=_inputs(route, method),
                )

    def sockets(self) -> list[SocketOperation]:
        """Return the WebSockets."""
        return [SocketOperation(TAIL_PATH, TailApi(self.logs, self.clock).tail, _VIEW)]

    def _routes(self) -> list[_Route]:
        queries = QueriesApi(self.logs, self.clock)
        catalog = LogCatalogApi(self.logs, self.clock)
        volumes = VolumesApi(self.logs, self.clock)
        query = ("query",)
        asked = ("query", *_RANGE)
        found = _object({"label": _STRING, "type": _STRING, "cardinality": _WHOLE}, "label")
        templates = _list(_object({"pattern": _STRING, "samples": {"type": "array"}}, "pattern"))
        counted = _object(dict.fromkeys(("streams", "chunks", "entries", "bytes"), _WHOLE))
        return [
            _Route(
                "/query_range",
                queries.query_range,
                _RESULT,
                (*asked, "step", "interval", "limit", "direction", "timeout"),
                query,
            ),
            _Route(
                "/query", queries.query, _RESULT, ("query", "time", "limit", "direction", "timeout"), query
            ),
            _Route("/format_query", queries.format_query, _success(_STRING), query, query),
            _Route("/labels", catalog.labels, _NAMES, asked),
            _Route("/label/{name}/values", catalog.label_values, _NAMES, asked, methods=("GET",)),
            _Route("/series", catalog.series, _success(_list(_LABELS)), ("match[]", *_RANGE)),
            _Route(
                "/detected_labels",
                catalog.detected_labels,
                _object({"detectedLabels": _list(_object({"label": _STRING, "cardinality": _WHOLE}))}),
                asked,
            ),
            _Route(
                "/detected_fields",
                catalog.detected_fields,
                _object({"fields": _list(found), "limit": _WHOLE}),
                (*asked, "line_limit", "limit"),
                query,
            ),
            _Route(
                "/detected_field/{name}/values",
                catalog.detected_field_values,
                _object({"values": _list(_STRING), "limit": _WHOLE}),
                (*asked, "line_limit", "limit"),
                query,
                methods=("GET",),
            ),
            _Route("/index/stats", volumes.stats, counted, asked),
            _Route(
                "/index/volume", volumes.volume, _VOLUME, (*asked, "limit", "targetLabels", "aggregateBy")
            ),
            _Route(
                "/index/volume_range",
                volumes.volume_range,
                _VOLUME,
                (*asked, "step", "limit", "targetLabels", "aggregateBy"),
            ),
            _Route("/patterns", volumes.patterns, _success(templates), (*asked, "step", "new_since")),
            _Route("/status/buildinfo", build_information, _BUILD, methods=("GET",)),
        ]


_BUILD_FIELDS: Final = (
    "version",
    "revision",
    "branch",
    "buildUser",
    "buildDate",
    "goVersion",
    "pharosVersion",
)
_BUILD: Final = _object(dict.fromkeys(_BUILD_FIELDS, _STRING))


async def build_information(parameters: Parameters, request: Request) -> Response:  # noqa: ARG001
    """Return which version of Loki is spoken here, and which version this is."""
    empty = dict.fromkeys(_BUILD_FIELDS, "")
    return bare({**empty, "version": _SPOKEN_VERSION, "pharosVersion": __version__})


def _responses(route: _Route, method: str) -> dict[int, dict[str, Any]]:
    failures = {
        400: "What is wrong, with its place in the query.",
        413: "The query, or what it is about, is too large.",
        422: "It cannot be answered.",
        429: "It reads more than a query may.",
        503: "It took too long, or the store cannot answer now.",
    }
    if "{" in route.path:
        failures[404] = "The address is not written as it should be."
    if method in forms.METHODS:
        failures[408] = "The form did not come in time."
    found: dict[int, dict[str, Any]] = {
        status: {"description": text, **_TEXT} for status, text in failures.items()
    }
    content = {"application/json": {"schema": dict(route.answer)}}
    return {**found, 200: {"description": "The answer.", "content": content}}


def _inputs(route: _Route, method: str) -> dict[str, Any]:
    in_path = [
        {"name": part[1:-1], "in": "path", "required": True, "schema": {"type": "string"}}
        for part in route.path.split("/")
        if part.startswith("{")
    ]
    if method in forms.METHODS:
        schema = _object({name: _PARAMETERS[name] for name in route.parameters}, *route.required)
        schema["required"] = list(route.required)
        content = {forms.URL_ENCODED: {"schema": schema}}
        body = {"content": content, "required": bool(route.required)}
        return {"parameters": in_path, "requestBody": body}
    in_query = [
        {"name": name, "in": "query", "required": name in route.required, "schema": _PARAMETERS[name]}
        for name in route.parameters
    ]
    return {"parameters": [*in_path, *in_query]}
