"""Tempo's addresses, below `/tempo`, with what the OpenAPI document says of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pharos.api.http.routes import Handler, Operation
from pharos.api.tempo.metrics import TempoMetricsApi
from pharos.api.tempo.queries import TempoApi

PREFIX: Final = "/tempo"
_STRING: Final = {"type": "string"}
_TIME: Final = {"type": "integer", "minimum": 0, "description": "Unix time in seconds."}
_COUNT: Final = {"type": "integer", "minimum": 1}
_LENGTH: Final = {"type": "string", "description": "A duration such as 100ms."}
_QUERY: Final = {"type": "string", "description": "A query in TraceQL."}
_RANGE: Final[Mapping[str, Mapping[str, Any]]] = {"start": _TIME, "end": _TIME}
_ANY_TIME: Final = {"type": ["number", "string"], "description": "Unix time, or RFC 3339."}
_ANY_RANGE: Final[Mapping[str, Mapping[str, Any]]] = {"start": _ANY_TIME, "end": _ANY_TIME}
_METRIC: Final = {"type": "string", "description": "TraceQL that makes metrics, such as { } | rate()."}
_STEP: Final = {"type": "string", "description": "A duration such as 30s, or seconds."}
_SEARCH: Final[Mapping[str, Mapping[str, Any]]] = {
    "q": _QUERY,
    "tags": {"type": "string", "description": "Instead of `q`: tags in logfmt."},
    "minDuration": _LENGTH,
    "maxDuration": _LENGTH,
    "limit": _COUNT,
    "spss": {**_COUNT, "description": "How many spans are shown of each set."},
    **_RANGE,
}
_SCOPES: Final = ("span", "resource", "instrumentation", "intrinsic", "event", "link", "none")
_SCOPE: Final = {"type": "string", "enum": list(_SCOPES)}
_TEXT: Final[dict[str, Any]] = {"content": {"text/plain": {"schema": _STRING}}}
_JSON: Final[dict[str, Any]] = {"application/json": {"schema": {"type": "object"}}}
_BINARY: Final[dict[str, Any]] = {"application/protobuf": {"schema": {"type": "string", "format": "binary"}}}
_FAILURES: Final = {
    400: {"description": "What is asked for is not what it must be.", **_TEXT},
    404: {"description": "There is no such trace.", **_TEXT},
    500: {"description": "A fault of Pharos."},
    503: {"description": "Not now.", **_TEXT},
}


def _operation(
    path: str, handler: Handler, content: Mapping[str, Any], query: Mapping[str, Any] | None = None
) -> Operation:
    parts = [part[1:-1].partition(":")[0] for part in path.split("/") if part.startswith("{")]
    given: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": _STRING} for name in parts
    ]
    given += [{"name": name, "in": "query", "schema": schema} for name, schema in (query or {}).items()]
    name = getattr(handler, "__name__", "answer")
    return Operation(
        f"{PREFIX}{path}",
        "GET",
        handler,
        "traces.view",
        name=f"tempo_{name}",
        tag="tempo",
        summary=name.replace("_", " ").capitalize(),
        responses={200: {"description": "Found.", "content": content}, **_FAILURES},
        inputs={"parameters": given},
    )


def tempo_operations(api: TempoApi, metrics: TempoMetricsApi) -> Iterator[Operation]:
    """Yield what is answered to Grafana's Tempo source."""
    yield _operation("/api/traces/{trace_id}", api.trace, {**_JSON, **_BINARY})
    yield _operation("/api/v2/traces/{trace_id}", api.trace_v2, {**_JSON, **_BINARY})
    yield _operation("/api/search", api.search, _JSON, _SEARCH)
    yield _operation("/api/search/tags", api.tags, _JSON, {"scope": _SCOPE, **_RANGE})
    yield _operation("/api/v2/search/tags", api.tags_v2, _JSON, {"scope": _SCOPE, **_RANGE})
    values = {"q": _QUERY, "limit": _COUNT, **_RANGE}
    yield _operation("/api/search/tag/{tag:path}/values", api.values, _JSON, values)
    yield _operation("/api/v2/search/tag/{tag:path}/values", api.values_v2, _JSON, values)
    measured = {"q": _METRIC, "since": _LENGTH, **_ANY_RANGE}
    steps = {
        "step": _STEP,
        "exemplars": {"type": "integer", "minimum": 0, "description": "How many, at most."},
    }
    yield _operation("/api/metrics/query_range", metrics.query_range, _JSON, {**measured, **steps})
    yield _operation("/api/metrics/query", metrics.query, _JSON, measured)
    yield _operation("/api/echo", api.echo, {"text/plain": {"schema": _STRING}})
    yield _operation("/api/status/buildinfo", api.buildinfo, _JSON)
