"""Metrics, traces and logs as AutomatosX asks for them, below `/api/monitoring`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

import numpy as np
import orjson
from msgspec import Struct
from numpy.typing import NDArray
from starlette.requests import Request

from pharos.access import Scope
from pharos.api.http.identity import scope_of
from pharos.api.http.off_loop import off_loop
from pharos.api.http.routes import Operation
from pharos.api.live.plain import Plain, Spec
from pharos.api.native.reading import STRING, TIME, object_of, time_ns, whole_number
from pharos.api.prometheus.parameters import Parameters, query_parameters
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.labels import METRIC_NAME, Matcher, MatchOp
from pharos.live.news import shown_trace
from pharos.promql.source import SeriesBlock
from pharos.query.events.ids import parse_trace_id
from pharos.query.events.log_search import LogSearch
from pharos.query.events.lower import KINDS, STATUSES
from pharos.query.events.rows import LogLine, Span
from pharos.query.events.traces import Traces
from pharos.query.limits import Wanted
from pharos.query.metrics.catalog import Catalog
from pharos.query.metrics.catalog import Window as SeriesWindow
from pharos.query.metrics.evaluation import Metrics
from pharos.search.tree import And, Field, Op, Or, Place, Tree
from pharos.search.window import Window
from pharos.search.words import parse_search

COUNT: Final = {"type": "integer"}
NUMBER: Final = {"type": "number"}
OBJECT: Final = {"type": "object"}
LIMIT: Final = {"type": "integer", "minimum": 1, "maximum": 1000}
_METRICS: Final = "metrics.view"
_TRACES: Final = "traces.view"
_LOGS: Final = "logs.view"
_MS: Final = 1_000_000
_HOUR_NS: Final = 3_600 * 10**9
_POINTS: Final = 60
_MOST_POINTS: Final = 11_000
_MOST_LABELS: Final = 30
_MOST_NAMES: Final = 50_000
_MOST_COUNTED: Final = 1_000
_LEVELS: Final = ("debug", "info", "warn", "error", "fatal")
_SPAN: Final = {"from": TIME, "to": TIME}
_AGGREGATIONS: Final = ("avg", "sum", "min", "max", "count", "p50", "p95", "p99")
_PERCENTILES: Final = (50, 95, 99)
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def list_of(items: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a list."""
    return {"type": "array", "items": dict(items)}


_POINT: Final = object_of(timestamp=COUNT, value=NUMBER)
_STATISTICS: Final = object_of(
    name=STRING, count=COUNT, min=NUMBER, max=NUMBER, mean=NUMBER, p50=NUMBER, p95=NUMBER, p99=NUMBER
)
_TRACE: Final = object_of(
    traceId=STRING,
    name=STRING,
    service=STRING,
    startTime=COUNT,
    duration=NUMBER,
    spanCount=COUNT,
    status=STRING,
)
_LOG: Final = object_of(timestamp=COUNT, level={"enum": [*_LEVELS]}, message=STRING)


class SignalsApi(Struct, frozen=True):
    """Answers about metrics, traces and logs."""

    metrics: Metrics
    catalog: Catalog
    traces: Traces
    logs: LogSearch
    clock: Clock

    def operations(self, plain: Plain, prefix: str) -> Iterator[Operation]:
        """Yield the operations."""
        make, metrics = plain.operation, f"{prefix}/metrics"
        asked = {
            "name": STRING,
            "aggregation": {"enum": [*_AGGREGATIONS]},
            **_SPAN,
            "interval": {"type": "integer", "minimum": 1, "description": "Milliseconds."},
            "labels": {**STRING, "description": "Names and values, as a JSON object."},
        }
        points = object_of(name=STRING, aggregation=STRING, points=list_of(_POINT))
        yield make(Spec(f"GET {metrics}", _METRICS, points, asked, ("name",)), self.metric_points)
        names = object_of(names=list_of(STRING))
        yield make(Spec(f"GET {metrics}/names", _METRICS, names, _SPAN), self.metric_names)
        yield make(Spec(f"GET {metrics}/{{name}}", _METRICS, _STATISTICS, _SPAN), self.metric_statistics)
        found = object_of(traces=list_of(_TRACE), total=COUNT)
        filters = {"service": STRING, "operation": STRING, "minDuration": NUMBER, **_SPAN, "limit": LIMIT}
        yield make(Spec(f"GET {prefix}/traces", _TRACES, found, filters), self.list_traces)
        one = object_of(traceId=STRING, spans=list_of(OBJECT))
        yield make(Spec(f"GET {prefix}/traces/{{trace_id}}", _TRACES, one), self.trace)
        asked = {"query": STRING, "level": {"enum": [*_LEVELS]}, "traceId": STRING, "executionId": STRING}
        lines = object_of(logs=list_of(_LOG), total=COUNT)
        yield make(
            Spec(f"GET {prefix}/logs", _LOGS, lines, {**asked, **_SPAN, "limit": LIMIT}), self.list_logs
        )
        counts = object_of(total=COUNT, byLevel={"type": "object", "additionalProperties": COUNT})
        yield make(Spec(f"GET {prefix}/logs/stats", _LOGS, counts, _SPAN), self.log_stats)

    # -- metrics --

    async def metric_points(self, request: Request) -> dict[str, Any]:
        """Return a metric's samples by time, those of all its series put together."""
        parameters = query_parameters(request)
        name = parameters.first("name")
        if not name:
            raise PharosError(Kind.INVALID, "name is missing: of which metric?")
        aggregation = parameters.first("aggregation") or "avg"
        if aggregation not in _AGGREGATIONS:
            hint = f"one of {', '.join(_AGGREGATIONS)}"
            raise PharosError(Kind.INVALID, f"there is no aggregation {aggregation[:40]!r}", hint=hint)
        window = self._window(parameters)
        start_ms, end_ms = window.start_ns // _MS, window.end_ns // _MS
        usual_ms = max((end_ms - start_ms) // _POINTS, 1)
        step_ms = whole_number(parameters, "interval", usual_ms, 366 * 86_400_000)
        if (end_ms - start_ms) // step_ms > _MOST_POINTS:
            raise PharosError(Kind.INVALID, f"interval must make at most {_MOST_POINTS} points of the time")
        matchers = (_named(name), *_label_matchers(parameters.first("labels")))
        work = partial(_points, aggregation=aggregation, start_ms=start_ms, step_ms=step_ms)
        points = await self._read(scope_of(request).alone(), matchers, start_ms, end_ms, work)
        return {"name": name, "aggregation": aggregation, "points": points}

    async def metric_names(self, request: Request) -> dict[str, Any]:
        """Return the names of metrics with samples on the days of the time."""
        window = self._window(query_parameters(request))
        return {"names": await self._names(scope_of(request).alone(), window)}

    async def metric_statistics(self, request: Request) -> dict[str, Any]:
        """Return what a metric's samples come to: of the last hour, or of the time that is named."""
        name, window = request.path_params["name"], self._window(query_parameters(request))
        found = await self._read(
            scope_of(request).alone(),
            (_named(name),),
            window.start_ns // _MS,
            window.end_ns // _MS,
            _statistics,
        )
        if found is None:
            raise PharosError(Kind.MISSING, f"there are no samples of a metric {name[:100]!r} in that time")
        return {"name": name, **found}

    async def _read(
        self, scope: Scope, matchers: tuple[Matcher, ...], start_ms: int, end_ms: int, work: Any
    ) -> Any:
        wanted = [Wanted(matchers, start_ms, end_ms)]
        return await self.metrics.read(scope, wanted, lambda blocks: work(blocks[0]))

    async def _names(self, scope: Scope, window: Window) -> list[str]:
        asked = SeriesWindow(scope, window.start_ns // _MS, window.end_ns // _MS, limit=_MOST_NAMES)
        return await self.catalog.label_values(METRIC_NAME, asked, list)

    async def count_metrics(self, scope: Scope) -> int:
        """Return how many names of metrics there are."""
        return len(await self._names(scope, self._last_hour()))

    # -- traces --

    async def list_traces(self, request: Request) -> dict[str, Any]:
        """Return traces of which one span meets all conditions, the newest first."""
        parameters = query_parameters(request)
        window, scope = self._window(parameters), scope_of(request).alone()
        limit = whole_number(parameters, "limit", 50, 1_000)
        tree = _span_filter(parameters)
        found, more = await self.traces.listed(scope, window, tree, limit)
        total = len(found)
        if more is not None:
            total = max(total, len(await self.traces.found(scope, window, tree, _MOST_COUNTED)))
        return {"traces": [shown_trace(one) for one in found], "total": total}

    async def trace(self, request: Request) -> dict[str, Any]:
        """Return the spans of a trace, each behind its parent, with how deep it lies."""
        trace_id = parse_trace_id(request.path_params["trace_id"])
        spans = await self.traces.trace(scope_of(request).alone(), trace_id)
        if not spans:
            raise PharosError(Kind.MISSING, f"there is no trace {trace_id}")
        return {"traceId": trace_id, "spans": [_span(one, depth) for one, depth in _in_tree(spans)]}

    async def count_traces(self, scope: Scope) -> int:
        """Return how many traces the last hour has, up to a thousand."""
        return len(await self.traces.found(scope, self._last_hour(), And(()), _MOST_COUNTED))

    # -- logs --

    async def list_logs(self, request: Request) -> dict[str, Any]:
        """Return log lines that meet all conditions, the newest first."""
        parameters = query_parameters(request)
        window, scope = self._window(parameters), scope_of(request).alone()
        limit = whole_number(parameters, "limit", 100, 1_000)
        tree = await _line_filter(parameters)
        page = await self.logs.page(scope, window, tree, limit)
        total = len(page.lines)
        if page.next is not None:
            total = await self._count(scope, window, tree)
        return {"logs": [_line(one) for one in page.lines], "total": total}

    async def log_stats(self, request: Request) -> dict[str, Any]:
        """Return how many log lines there are, by level."""
        window = self._window(query_parameters(request))
        by_level = await self._by_level(scope_of(request).alone(), window, And(()))
        return {"total": sum(by_level.values()), "byLevel": by_level}

    async def _by_level(self, scope: Scope, window: Window, tree: Tree) -> dict[str, int]:
        found = await self.logs.histogram(scope, window, tree, window.end_ns - window.start_ns, "level")
        counts = dict.fromkeys(_LEVELS, 0)
        for one in found.series:
            level = _level(one.value)
            counts[level] += sum(one.counts.values())
        counts["info"] += sum(found.others.values())
        return counts

    async def _count(self, scope: Scope, window: Window, tree: Tree) -> int:
        return sum((await self._by_level(scope, window, tree)).values())

    async def count_logs(self, scope: Scope) -> int:
        """Return how many log lines the last hour has."""
        return await self._count(scope, self._last_hour(), And(()))

    # -- times --

    def _last_hour(self) -> Window:
        now_ns = self.clock.now_ns()
        return Window(now_ns - _HOUR_NS, now_ns + 1)

    def _window(self, parameters: Parameters) -> Window:
        """Return the time from `from` up to `to`, the last hour without them. Raises PharosError(INVALID)."""
        end = time_ns(parameters, "to", self.clock.now_ns() + 1)
        start = time_ns(parameters, "from", max(end - _HOUR_NS, 0))
        if end <= start:
            raise PharosError(Kind.INVALID, "to must be after from")
        return Window(start, end)


def _named(name: str) -> Matcher:
    return Matcher(METRIC_NAME, MatchOp.EQUAL, name)


def _label_matchers(text: str) -> tuple[Matcher, ...]:
    """Return what the labels of series must be. Raises PharosError(INVALID)."""
    if not text:
        return ()
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise PharosError(Kind.INVALID, "labels is no JSON", hint='as {"host": "h1"}') from exc
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        raise PharosError(Kind.INVALID, "labels must be an object: a name, and its value as text")
    if len(found) > _MOST_LABELS:
        raise PharosError(Kind.INVALID, f"labels has more than {_MOST_LABELS} names")
    return tuple(Matcher(name, MatchOp.EQUAL, value) for name, value in found.items())


def _floats(block: SeriesBlock) -> tuple[Ints, Floats]:
    """Return times and values of all samples that are numbers."""
    is_number = np.isfinite(block.values)
    if block.histograms is not None:
        # Theirs are no values.
        is_number &= block.values != 0
    return block.ts_ms[is_number], block.values[is_number]


def _points(block: SeriesBlock, aggregation: str, start_ms: int, step_ms: int) -> list[dict[str, Any]]:
    times, values = _floats(block)
    if not times.size:
        return []
    steps = (times - start_ms) // step_ms
    order = np.argsort(steps, kind="stable")
    numbers, begins = np.unique(steps[order], return_index=True)
    parts = np.split(values[order], begins[1:])
    return [
        {"timestamp": start_ms + int(number) * step_ms, "value": _aggregated(part, aggregation)}
        for number, part in zip(numbers, parts, strict=True)
    ]


def _aggregated(values: Floats, aggregation: str) -> float:
    match aggregation:
        case "avg":
            return float(values.mean())
        case "sum":
            return float(values.sum())
        case "min":
            return float(values.min())
        case "max":
            return float(values.max())
        case "count":
            return float(values.size)
        case _:
            return float(np.percentile(values, int(aggregation[1:])))


def _statistics(block: SeriesBlock) -> dict[str, Any] | None:
    _, values = _floats(block)
    if not values.size:
        return None
    return {
        "count": int(values.size),
        "min": float(values.min()),
        "max": float(values.max()),
        "mean": float(values.mean()),
        **{f"p{at}": float(np.percentile(values, at)) for at in _PERCENTILES},
    }


def _span_filter(parameters: Parameters) -> Tree:
    parts: list[Tree] = []
    if service := parameters.first("service"):
        parts.append(Field("service", Op.EQUAL, service, Place.OWN))
    if name := parameters.first("operation"):
        parts.append(Field("name", Op.EQUAL, name, Place.OWN))
    if text := parameters.first("minDuration"):
        ms = _milliseconds(text)
        parts.append(Field("duration", Op.AT_LEAST, f"{text}ms", Place.OWN, ms * _MS))
    return And(tuple(parts))


def _milliseconds(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 366 * 86_400_000:
        raise PharosError(Kind.INVALID, f"minDuration {text[:40]!r} is no number of milliseconds")
    return found


async def _line_filter(parameters: Parameters) -> Tree:
    text = parameters.first("query")
    parts: list[Tree] = [await off_loop(len(text), partial(parse_search, text))]
    if level := parameters.first("level"):
        if level not in _LEVELS:
            raise PharosError(Kind.INVALID, f"level {level[:40]!r} is not one of {', '.join(_LEVELS)}")
        alike = [one for one in ("trace", *_LEVELS, "") if _level(one) == level]
        parts.append(Or(tuple(Field("level", Op.EQUAL, one, Place.OWN) for one in alike)))
    if trace_id := parameters.first("traceId"):
        parts.append(Field("trace_id", Op.EQUAL, parse_trace_id(trace_id), Place.OWN))
    if run := parameters.first("executionId"):
        parts.append(Or(tuple(Field(name, Op.EQUAL, run) for name in ("executionId", "execution_id"))))
    return And(tuple(parts))


def _level(level: str) -> str:
    """Return which of AutomatosX' levels a line has."""
    if level == "trace":
        return "debug"
    return level if level in _LEVELS else "info"


def _line(line: LogLine) -> dict[str, Any]:
    attributes = {key: value for key, value, _ in line.attributes}
    return {
        "timestamp": line.ts_ns // _MS,
        "level": _level(line.level),
        "message": line.body,
        "service": line.origin.service,
        "traceId": line.trace_id,
        "spanId": line.span_id,
        "executionId": attributes.get("executionId") or attributes.get("execution_id") or "",
        "context": attributes,
    }


def _in_tree(spans: tuple[Span, ...]) -> Iterator[tuple[Span, int]]:
    """Yield spans with their depth, children behind their parent; what has none in the trace is a root."""
    known = {one.span_id for one in spans}
    children: dict[str, list[Span]] = {}
    for one in spans:
        children.setdefault(one.parent_id if one.parent_id in known else "", []).append(one)
    waiting = [(one, 0) for one in reversed(children.pop("", []))]
    while waiting or children:
        if not waiting:
            # They are each other's parents.
            waiting = [(one, 0) for one in reversed(children.pop(next(iter(children))))]
        one, depth = waiting.pop()
        yield one, depth
        waiting += [(child, depth + 1) for child in reversed(children.pop(one.span_id, []))]


def _span(span: Span, depth: int) -> dict[str, Any]:
    return {
        "spanId": span.span_id,
        "parentSpanId": span.parent_id,
        "depth": depth,
        "name": span.name,
        "service": span.origin.service,
        "kind": KINDS[span.kind] if span.kind < len(KINDS) else str(span.kind),
        "startTime": span.start_ns / _MS,
        "duration": max(span.end_ns - span.start_ns, 0) / _MS,
        "status": STATUSES[span.status] if span.status < len(STATUSES) else str(span.status),
        "attributes": {key: value for key, value, _ in span.attributes},
        "events": [{"timestamp": one.ts_ns / _MS, "name": one.name} for one in span.events],
    }
