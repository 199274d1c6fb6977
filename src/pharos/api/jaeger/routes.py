"""Jaeger's addresses, with what the OpenAPI document says of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pharos.api.http.routes import Operation
from pharos.api.jaeger.queries import Endpoint, JaegerApi, written
from pharos.api.jaeger.span_metrics import SpanMetricsApi

_VIEW: Final = "traces.view"
_STRING: Final = {"type": "string"}
_INT64: Final = {"type": "integer", "minimum": 0, "maximum": (1 << 63) - 1}
_LENGTH: Final = {"type": "string", "description": "A duration such as 1.5ms or 2h45m."}
_INSTANT: Final = {"type": "string", "format": "date-time"}
_PARAMETERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "raw": {"type": "boolean", "description": "As it is stored, and not as Jaeger shows it."},
    "start": {**_INT64, "description": "Microseconds since 1970; inside."},
    "end": {**_INT64, "description": "Microseconds since 1970; inside."},
    "traceID": {"type": "array", "items": _STRING, "description": "Only these traces."},
    "service": _STRING,
    "operation": _STRING,
    "tag": {"type": "array", "items": {"type": "string", "pattern": "^[^:]*:"}, "description": "key:value"},
    "tags": {"type": "string", "description": "A JSON object of texts."},
    "minDuration": _LENGTH,
    "maxDuration": _LENGTH,
    "limit": {**_INT64, "description": "The most traces, 100 unless it is said; never more than 1500."},
    "lookback": {"type": "string", "description": "How long before `end` the time begins, without `start`."},
    "spanKind": {"type": "string", "enum": ["internal", "server", "client", "producer", "consumer"]},
    "endTs": {**_INT64, "description": "Milliseconds since 1970."},
    "lookback_ms": {**_INT64, "description": "Milliseconds; a day unless it is said."},
    "metric_service": {"type": "array", "items": _STRING, "description": "Services, one at least."},
    "metric_kind": {"type": "array", "items": _STRING, "description": "Kinds; `server` unless it is said."},
    "groupByOperation": {"type": "boolean"},
    "step": {**_INT64, "minimum": 1, "description": "Milliseconds; 5 seconds unless it is said."},
    "ratePer": {**_INT64, "minimum": 1, "description": "Understood and without effect: a rate is of a step."},
    "quantile": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    "rawTraces": {"type": "boolean", "description": "As they are stored."},
    "startTime": _INSTANT,
    "endTime": _INSTANT,
    "query.serviceName": _STRING,
    "query.operationName": _STRING,
    "query.attributes": {"type": "string", "description": "A JSON object of texts."},
    "query.startTimeMin": _INSTANT,
    "query.startTimeMax": _INSTANT,
    "query.durationMin": _LENGTH,
    "query.durationMax": _LENGTH,
    "query.searchDepth": {**_INT64, "maximum": (1 << 32) - 1},
    "query.rawTraces": {"type": "boolean"},
}
_CALLED: Final = {"lookback_ms": "lookback", "metric_service": "service", "metric_kind": "spanKind"}
"""How parameters are called that have another meaning elsewhere."""
_ENVELOPE: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "data": {"type": ["array", "null"]},
        "total": {"type": "integer"},
        "limit": {"type": "integer"},
        "offset": {"type": "integer"},
        "errors": {"type": ["array", "null"], "items": {"type": "object"}},
    },
    "required": ["data", "total", "limit", "offset", "errors"],
}
_FAULT_V3: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"error": {"type": ["object", "string"]}},
    "required": ["error"],
}
_STATUSES: Final = {
    400: "What is asked for is not what it must be.",
    404: "There is no such trace.",
    422: "It is understood, and not answered.",
    500: "A fault of Pharos.",
    503: "Not now.",
}


def _json(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _inputs(path: str, names: tuple[str, ...], required: tuple[str, ...]) -> dict[str, Any]:
    parts = [part[1:-1].partition(":")[0] for part in path.split("/") if part.startswith("{")]
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": _STRING} for name in parts
    ]
    for name in names:
        called = _CALLED.get(name, name)
        found.append(
            {"name": called, "in": "query", "required": name in required, "schema": _PARAMETERS[name]}
        )
    return {"parameters": found}


def _operation(
    path: str, endpoint: Endpoint, names: tuple[str, ...] = (), required: tuple[str, ...] = ()
) -> Operation:
    is_v3 = path.startswith("/api/v3/")
    shape = {"type": "object"} if path.startswith(("/api/v3/", "/api/metrics/")) else _ENVELOPE
    fault = _FAULT_V3 if is_v3 else _ENVELOPE
    name = f"jaeger_{getattr(endpoint, '__name__', 'answer')}"
    return Operation(
        path,
        "GET",
        written(endpoint, is_v3=is_v3),
        _VIEW,
        name=name,
        tag="jaeger",
        summary=name.removeprefix("jaeger_").replace("_", " ").capitalize(),
        responses={
            200: {"description": "Found.", **_json(shape)},
            **{status: {"description": text, **_json(fault)} for status, text in _STATUSES.items()},
        },
        inputs=_inputs(path, names, required),
    )


def span_metric_operations(api: SpanMetricsApi) -> Iterator[Operation]:
    """Yield what is answered to the Monitor page of Jaeger's UI."""
    names = ("metric_service", "groupByOperation", "metric_kind", "endTs", "lookback_ms", "step", "ratePer")
    yield _operation("/api/metrics/calls", api.calls, names, ("metric_service",))
    yield _operation("/api/metrics/errors", api.errors, names, ("metric_service",))
    quantile = ("quantile", "metric_service")
    yield _operation("/api/metrics/latencies", api.latencies, ("quantile", *names), quantile)
    yield _operation("/api/metrics/minstep", api.least_step)


def jaeger_operations(api: JaegerApi) -> Iterator[Operation]:
    """Yield what is answered to Jaeger's UI and to Grafana's Jaeger source."""
    search = ("service", "operation", "tag", "tags", "minDuration", "maxDuration", "limit")
    yield _operation("/api/traces", api.search, (*search, "start", "end", "lookback", "traceID", "raw"))
    yield _operation("/api/traces/{trace_id}", api.trace, ("raw", "start", "end"))
    yield _operation("/api/services", api.services)
    yield _operation("/api/services/{service:path}/operations", api.operations_of)
    yield _operation("/api/operations", api.operations, ("service", "spanKind"), ("service",))
    yield _operation("/api/dependencies", api.dependencies, ("endTs", "lookback_ms"))
    query = tuple(name for name in _PARAMETERS if name.startswith("query."))
    bounds = ("query.startTimeMin", "query.startTimeMax")
    yield _operation("/api/v3/traces", api.search_v3, query, bounds)
    yield _operation("/api/v3/trace-summaries", api.summaries_v3, query, bounds)
    yield _operation("/api/v3/traces/{trace_id}", api.trace_v3, ("rawTraces",))
    yield _operation("/api/v3/services", api.services_v3)
    yield _operation("/api/v3/operations", api.operations_v3, ("service", "spanKind"), ("service",))
    times = ("startTime", "endTime")
    yield _operation("/api/v3/dependencies", api.dependencies_v3, times, times)
