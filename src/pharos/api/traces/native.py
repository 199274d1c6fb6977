"""Pharos' own addresses for traces: the waterfall, comparisons, who calls whom, rates of spans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct
from starlette.requests import Request

from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.http.warned import warnings_of
from pharos.api.jaeger.filters import duration_filter, operation_filter, tag_filter
from pharos.api.native.reading import RANGE, STRING, Endpoint, Reading, Schema, window_of
from pharos.api.prometheus.parameters import Parameters
from pharos.api.traces.otlp import resource_spans
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import parse_go_duration
from pharos.query.events.comparison import AttributeDifference, PathDifference, Side, compare_traces
from pharos.query.events.ids import parse_span_id, parse_trace_id
from pharos.query.events.lower import KINDS, STATUSES
from pharos.query.events.rows import Origin
from pharos.query.events.span_counts import OWN_FIELDS, QUANTILES, Edge, SpanRate
from pharos.query.events.trace_summaries import Summary, parse_cursor
from pharos.query.events.traces import Traces
from pharos.query.events.waterfall import Row, Stretch, Waterfall, waterfall
from pharos.search.tree import And, Field, Op, Place, Tree
from pharos.search.words import parse_search

_VIEW: Final = "traces.view"
_MS: Final = 1_000_000
_MOST_STEPS: Final = 11_000
_MOST_BY: Final = 8
_LISTED: Final = 50
_MOST_LISTED: Final = 500


def _missing(trace_id: str, request: Request) -> PharosError:
    return PharosError(Kind.MISSING, f"there is no trace {trace_id}", hint="; ".join(warnings_of(request)))


def _duration_ns(parameters: Parameters, name: str) -> int | None:
    text = parameters.first(name)
    return parse_go_duration(text) if text else None


def span_filter(parameters: Parameters, origins: list[Origin], prefix: str = "") -> Tree:
    """Return what spans must meet: a search, service, operation, error, kind, tags and durations."""
    parts: list[Tree] = [
        duration_filter(
            _duration_ns(parameters, f"{prefix}min_duration"),
            _duration_ns(parameters, f"{prefix}max_duration"),
        )
    ]
    if text := parameters.first(f"{prefix}query"):
        parts.append(parse_search(text))
    if service := parameters.first(f"{prefix}service"):
        parts.append(Field("service", Op.EQUAL, service, Place.OWN))
    if name := parameters.first(f"{prefix}operation"):
        parts.append(operation_filter(name))
    if kind := parameters.first(f"{prefix}kind"):
        parts.append(Field("kind", Op.EQUAL, _word(kind, KINDS, f"{prefix}kind"), Place.OWN))
    if status := parameters.first(f"{prefix}status"):
        parts.append(Field("status", Op.EQUAL, _word(status, STATUSES, f"{prefix}status"), Place.OWN))
    for text in parameters.all(f"{prefix}tag"):
        key, colon, value = text.partition(":")
        if not colon:
            raise PharosError(Kind.INVALID, f"{prefix}tag {text[:80]!r} is not key:value")
        parts.append(tag_filter(key, value, origins))
    return And(tuple(parts))


def _word(text: str, words: tuple[str, ...], name: str) -> str:
    if text not in words:
        raise PharosError(Kind.INVALID, f"{name} {text[:40]!r} is not one of {', '.join(words)}")
    return text


class SpansApi(Struct, frozen=True):
    """Everything below `/api/spans`."""

    traces: Traces
    clock: Clock

    def _traces(self, request: Request) -> Traces:
        """Return what answers a request, and tells it what the answer may lack."""
        return self.traces.telling(warnings_of(request))

    async def trace(self, parameters: Parameters, request: Request) -> Any:  # noqa: ARG002
        """Return how a trace is looked at: rows in order, own time, critical path, folds, warnings."""
        trace_id = parse_trace_id(request.path_params["trace_id"])
        spans = await self._traces(request).trace(scope_of(request), trace_id)
        if not spans:
            raise _missing(trace_id, request)
        return _waterfall(waterfall(spans))

    async def search(self, parameters: Parameters, request: Request) -> Any:
        """Return the traces of which one span meets all that is asked for, the newest first, page by page."""
        scope = scope_of(request)
        window = window_of(parameters, self.clock.now_ns())
        limit = min(parameters.limit() or _LISTED, _MOST_LISTED)
        after = parse_cursor(parameters.first("cursor"))
        tree = span_filter(parameters, await self._traces(request).origins(scope, window))
        found, cursor = await self._traces(request).listed(scope, window, tree, limit, after)
        return {
            "traces": [_summary(one) for one in found],
            "cursor": None if cursor is None else cursor.text(),
        }

    async def services(self, parameters: Parameters, request: Request) -> Any:
        """Return the services that have spans on the days that are asked about."""
        return await self._traces(request).services(
            scope_of(request), window_of(parameters, self.clock.now_ns())
        )

    async def operations(self, parameters: Parameters, request: Request) -> Any:
        """Return what services did: names of spans with their kinds, of one service or of all."""
        window = window_of(parameters, self.clock.now_ns())
        service = parameters.first("service") or None
        found = await self._traces(request).operations(scope_of(request), window, service)
        return [{"service": one.service, "name": one.name, "kind": _kind(one.kind)} for one in found]

    async def span(self, parameters: Parameters, request: Request) -> Any:  # noqa: ARG002
        """Return all that is known of one span: an OTLP span in JSON with its resource and scope."""
        trace_id = parse_trace_id(request.path_params["trace_id"])
        span_id = parse_span_id(request.path_params["span_id"])
        spans = await self._traces(request).trace(scope_of(request), trace_id)
        found = [one for one in spans if one.span_id == span_id]
        if not found:
            raise PharosError(Kind.MISSING, f"there is no span {span_id} in trace {trace_id}")
        return {"resourceSpans": resource_spans(found)}

    async def compare(self, parameters: Parameters, request: Request) -> Any:
        """Return where two traces differ: paths of services and names, by the time won or lost there."""
        ids = [parse_trace_id(parameters.first(side)) for side in ("left", "right")]
        found = await self._traces(request).traces(scope_of(request), ids)
        for one in ids:
            if one not in found:
                raise _missing(one, request)
        left, right = (waterfall(found[one]) for one in ids)
        return {
            "left": _compared(left),
            "right": _compared(right),
            "paths": [_path(one) for one in compare_traces(left, right)],
        }

    async def differences(self, parameters: Parameters, request: Request) -> Any:
        """Return which attributes differ most between the selected spans and the rest of those looked at."""
        scope = scope_of(request)
        window = window_of(parameters, self.clock.now_ns())
        origins = await self._traces(request).origins(scope, window)
        tree = span_filter(parameters, origins)
        selection = span_filter(parameters, origins, "selected_")
        return [
            _difference(one)
            for one in await self._traces(request).differences(scope, window, tree, selection)
        ]

    async def graph(self, parameters: Parameters, request: Request) -> Any:
        """Return which service called which: rate, errors and durations of each edge."""
        window = window_of(parameters, self.clock.now_ns())
        scope = scope_of(request)
        calls = await self._traces(request).calls(scope, window)
        seconds = (window.end_ns - window.start_ns) / 1e9
        nodes = await self._traces(request).rates(scope, window, And(()), 0, ["service"])
        return {
            "nodes": [_rate(one, seconds, {"service": one.values[0]}) for one in nodes],
            "edges": [_edge(one, seconds) for one in calls.edges if one.caller != one.callee],
            "one_in": calls.one_in,
        }

    async def rates(self, parameters: Parameters, request: Request) -> Any:
        """Return rate, errors and durations of spans as series, each step with its slowest trace."""
        scope = scope_of(request)
        window = window_of(parameters, self.clock.now_ns())
        step_ms = parameters.duration_ms("step", 60_000) or 60_000
        if step_ms <= 0 or (window.end_ns - window.start_ns) // (step_ms * _MS) > _MOST_STEPS:
            raise PharosError(Kind.INVALID, f"step must make at most {_MOST_STEPS} steps of the time")
        by = [name for name in parameters.first("by").split(",") if name] or ["service"]
        if len(by) > _MOST_BY:
            raise PharosError(Kind.INVALID, f"by names {len(by)} fields, {_MOST_BY} are the most")
        tree = span_filter(parameters, await self._traces(request).origins(scope, window))
        found = await self._traces(request).rates(scope, window, tree, step_ms * _MS, by)
        series: dict[tuple[str, ...], list[SpanRate]] = {}
        for one in found:
            series.setdefault(one.values, []).append(one)
        start_ms = window.start_ns // _MS
        return [
            {
                "labels": dict(zip(by, values, strict=True)),
                "points": [
                    {
                        "time_ms": start_ms + one.step * step_ms,
                        "exemplar": one.slowest_trace,
                        **_rate(one, step_ms / 1000, {}),
                    }
                    for one in points
                ],
            }
            for values, points in series.items()
        ]


def _kind(number: int) -> str:
    return KINDS[number] if number < len(KINDS) else str(number)


def _summary(one: Summary) -> dict[str, Any]:
    return {
        "trace_id": one.trace_id,
        "start_ns": str(one.start_ns),
        "duration_ns": one.duration_ns,
        "spans": one.spans,
        "errors": one.errors,
        "has_root": one.has_root,
        "service": one.service,
        "name": one.name,
        "services": [{"service": service, "spans": spans} for service, spans in one.services],
    }


def _rate(one: SpanRate | Edge, seconds: float, labels: Mapping[str, str]) -> dict[str, Any]:
    count = one.spans if isinstance(one, SpanRate) else one.calls
    return {
        **labels,
        "spans": count,
        "rate": count / seconds,
        "errors": one.errors,
        "error_ratio": one.errors / count if count else 0.0,
        "mean_ns": one.total_ns // count if count else 0,
        "quantiles_ns": {str(at): ns for at, ns in zip(QUANTILES, one.quantiles_ns, strict=True)},
    }


def _edge(one: Edge, seconds: float) -> dict[str, Any]:
    return _rate(one, seconds, {"caller": one.caller, "callee": one.callee})


def _difference(one: AttributeDifference) -> dict[str, Any]:
    return {
        "attribute": one.key,
        "distance": one.distance,
        "values": [
            {
                "value": value.value,
                "selected": value.selected,
                "rest": value.rest,
                "selected_spans": value.selected_spans,
                "rest_spans": value.rest_spans,
            }
            for value in one.values
        ],
    }


def _side(one: Side) -> dict[str, int]:
    return {"spans": one.spans, "errors": one.errors, "total_ns": one.total_ns, "own_ns": one.own_ns}


def _path(one: PathDifference) -> dict[str, Any]:
    return {
        "path": [{"service": service, "name": name} for service, name in one.path],
        "left": _side(one.left),
        "right": _side(one.right),
        "own_ns": one.own_ns,
    }


def _stretch(one: Stretch) -> list[int]:
    return [one.row, one.from_ns, one.to_ns]


def _begun(seen: Waterfall) -> dict[str, Any]:
    root = seen.rows[seen.root].span if seen.root >= 0 else None
    return {
        "trace_id": seen.trace_id,
        "start_ns": str(seen.start_ns),
        "duration_ns": seen.duration_ns,
        "service": root.origin.service if root else "",
        "name": root.name if root else "",
    }


def _compared(seen: Waterfall) -> dict[str, Any]:
    errors = sum(one.errors for one in seen.services)
    return {**_begun(seen), "spans": len(seen.rows), "errors": errors}


def _waterfall(seen: Waterfall) -> dict[str, Any]:
    return {
        **_begun(seen),
        "root": seen.root,
        "services": [
            {
                "service": one.service,
                "spans": one.spans,
                "errors": one.errors,
                "own_ns": one.own_ns,
                "critical_ns": one.critical_ns,
            }
            for one in seen.services
        ],
        "rows": [_row(one) for one in seen.rows],
        "folds": [
            {
                "parent": one.parent,
                "rows": list(one.rows),
                "service": one.service,
                "name": one.name,
                "errors": one.errors,
                "total_ns": one.total_ns,
                "longest_ns": one.longest_ns,
            }
            for one in seen.folds
        ],
        "critical_path": [_stretch(one) for one in seen.critical_path],
        "gaps": [_stretch(one) for one in seen.gaps],
        "warnings": list(seen.warnings),
    }


def _row(one: Row) -> dict[str, Any]:
    span = one.span
    return {
        "span_id": span.span_id,
        "parent": one.parent,
        "depth": one.depth,
        "service": span.origin.service,
        "name": span.name,
        "kind": _kind(span.kind),
        "status": STATUSES[span.status] if span.status < len(STATUSES) else str(span.status),
        "offset_ns": one.offset_ns,
        "duration_ns": one.duration_ns,
        "own_ns": one.own_ns,
        "critical_ns": one.critical_ns,
        "children": one.children,
        "descendants": one.descendants,
        "fold": one.fold,
        "events": len(span.events),
        "links": len(span.links),
        "warnings": list(one.warnings),
    }


_LENGTH: Final = {"type": "string", "description": "A duration such as 1.5ms or 2h45m."}
SPAN_FILTERS: Final[dict[str, Schema]] = {
    "query": {"type": "string", "description": "What to search for, in the language of searches."},
    "service": STRING,
    "operation": STRING,
    "kind": {"type": "string", "enum": list(KINDS)},
    "status": {"type": "string", "enum": list(STATUSES)},
    "tag": {"type": "array", "items": STRING, "description": "key:value; all must be met."},
    "min_duration": _LENGTH,
    "max_duration": _LENGTH,
}
_SELECTED: Final = {f"selected_{name}": schema for name, schema in SPAN_FILTERS.items()}
_READING: Final = Reading(_VIEW, "traces", "spans")


def _operation(
    path: str, endpoint: Endpoint, kind: str, query: Mapping[str, Schema], *required: str
) -> Operation:
    return _READING.operation(path, endpoint, {"type": kind}, query, *required)


def native_operations(api: SpansApi) -> Iterator[Operation]:
    """Yield what Pharos' own pages and others ask of traces."""
    yield _operation("/api/spans/trace/{trace_id}", api.trace, "object", {})
    yield _operation("/api/spans/trace/{trace_id}/{span_id}", api.span, "object", {})
    page: dict[str, Schema] = {
        "limit": {"type": "integer", "minimum": 1, "maximum": _MOST_LISTED},
        "cursor": STRING,
    }
    yield _operation("/api/spans/search", api.search, "object", {**RANGE, **SPAN_FILTERS, **page})
    yield _operation("/api/spans/services", api.services, "array", RANGE)
    yield _operation("/api/spans/operations", api.operations, "array", {**RANGE, "service": STRING})
    sides = {"left": STRING, "right": STRING}
    yield _operation("/api/spans/compare", api.compare, "object", sides, "left", "right")
    yield _operation(
        "/api/spans/differences", api.differences, "array", {**RANGE, **SPAN_FILTERS, **_SELECTED}
    )
    yield _operation("/api/spans/graph", api.graph, "object", RANGE)
    by = {
        "type": "string",
        "description": f"Fields with commas between: {', '.join(OWN_FIELDS)}, attributes.",
    }
    yield _operation(
        "/api/spans/rates",
        api.rates,
        "array",
        {**RANGE, "step": {"type": ["number", "string"]}, "by": by, **SPAN_FILTERS},
    )
