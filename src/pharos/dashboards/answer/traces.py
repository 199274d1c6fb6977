"""Targets that ask traces: one by its id, lists of them, rates of spans, who calls whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from msgspec.structs import replace

from pharos.access import Scope
from pharos.dashboards.answer.doors import Doors, require_permission
from pharos.dashboards.answer.frames import Column, Frame, OtherFrame, SeriesFrame, TableFrame, Ticks
from pharos.dashboards.answer.legend import legends
from pharos.dashboards.answer.metrics import MOST_SERIES, Answered, warned
from pharos.dashboards.reading import Json, flag, mappings, text, texts, whole
from pharos.dashboards.times import Span, Steps
from pharos.errors import PharosError
from pharos.gotext.numbers import format_g
from pharos.gotext.quoting import quote
from pharos.query.events.ids import parse_trace_id
from pharos.query.events.span_series import VALUES, SpanSeries, Wants, Windows
from pharos.query.events.trace_summaries import Summary
from pharos.search.traceql.parse import parse_traceql
from pharos.search.traceql.parse_metrics import parse_span_metric
from pharos.search.tree import All, And, Field, Op, Place, Tree
from pharos.search.window import Window

_NS: Final = 1_000_000
_DEFAULT_TRACES: Final = 20
_MOST_TRACES: Final = 500
_MOST_NODES: Final = 500
_COLUMNS: Final = (
    ("traceID", "string"),
    ("startTime", "time"),
    ("traceService", "string"),
    ("traceName", "string"),
    ("traceDuration", "number"),
    ("spans", "number"),
    ("errors", "number"),
)


async def answer_traces(doors: Doors, scope: Scope, target: Json, span: Span, steps: Steps) -> Answered:
    """Return the frames of a target, as Tempo's, Jaeger's or Zipkin's editor wrote it. Raises PharosError."""
    require_permission(scope, "traces.view")
    warnings: list[str] = []
    telling = replace(doors, traces=doors.traces.telling(warnings))
    frames = await _frames(telling, scope, target, span, steps)
    return Answered(frames, tuple(warned(text(target.get("refId")), warnings)))


async def _frames(doors: Doors, scope: Scope, target: Json, span: Span, steps: Steps) -> tuple[Frame, ...]:
    ref, kind = text(target.get("refId")), text(target.get("queryType"))
    window = Window(span.start_ms * _NS, span.end_ms * _NS + 1)
    query = text(target.get("query")).strip()
    limit = min(max(whole(target.get("limit"), _DEFAULT_TRACES), 1), _MOST_TRACES)
    if kind in {"serviceMap", "dependencyGraph"}:
        return (await _graph(doors, scope, ref, window),)
    if kind in {"search", "nativeSearch"} or text(target.get("service")):
        found, _ = await doors.traces.listed(scope, window, _jaeger_tree(target), limit)
        return (_listed(ref, found),)
    if kind == "traceqlSearch":
        query = _built(target)
    trace_id = _trace_id(query)
    if trace_id:
        return (OtherFrame(ref, "trace", {"trace_id": trace_id}),)
    if not query:
        return ()
    if "|" in query and (frame := await _metric(doors, scope, target, query, span, steps)) is not None:
        return (frame,)
    matches = await doors.traces.traceql(scope, window, parse_traceql(query), limit)
    ids = [one.tree.nodes[0].span.trace_id for one in matches.matches]
    known = await doors.traces.summaries(scope, ids)
    return (_listed(ref, [known[one] for one in ids if one in known]),)


def _trace_id(query: str) -> str:
    """Return the id of a trace that a query is; nothing for another query."""
    try:
        return parse_trace_id(query)
    except PharosError:
        return ""


def _listed(ref: str, found: Sequence[Summary]) -> Frame:
    rows = [
        (
            one.trace_id,
            one.start_ns // _NS,
            one.service,
            one.name,
            one.duration_ns / _NS,
            one.spans,
            one.errors,
        )
        for one in found
    ]
    columns = [
        Column(name, kind, [row[place] for row in rows]) for place, (name, kind) in enumerate(_COLUMNS)
    ]
    return TableFrame(ref, columns, shape="traces")


def _jaeger_tree(target: Json) -> Tree:
    """Return what Jaeger's search asks of a span."""
    parts: list[Tree] = []
    if text(target.get("service")):
        parts.append(Field("service", Op.EQUAL, text(target["service"]), Place.OWN))
    operation = text(target.get("operation"))
    if operation and operation != "All":
        parts.append(Field("name", Op.EQUAL, operation, Place.OWN))
    return And(tuple(parts)) if parts else All()


def _built(target: Json) -> str:
    """Return the TraceQL of a search that was put together in a form."""
    parts = []
    for one in mappings(target.get("filters")):
        tag, values = text(one.get("tag")), texts(one.get("value"))
        if not tag or not values:
            continue
        scope = text(one.get("scope"))
        name = (
            tag
            if scope in {"intrinsic", ""} and tag in {"name", "status", "duration", "kind"}
            else f"{'' if scope in {'unscoped', 'intrinsic'} else scope}.{tag}"
        )
        operator = text(one.get("operator")) or "="
        said = "|".join(values)
        if len(values) > 1 and operator == "=":
            operator = "=~"
        is_word = name in {"status", "kind", "duration"} or text(one.get("valueType")) in {
            "duration",
            "int",
            "float",
            "bool",
            "keyword",
        }
        parts.append(f"{name} {operator} {said if is_word else quote(said)}")
    return "{" + " && ".join(parts) + "}"


async def _metric(
    doors: Doors, scope: Scope, target: Json, query: str, span: Span, steps: Steps
) -> Frame | None:
    """Return the series of a TraceQL query that makes metrics; None for one that finds traces."""
    try:
        asked = parse_span_metric(query)
    except PharosError:
        parse_traceql(query)
        return None
    step_ns = steps.step_ms * _NS
    if flag(target.get("instant")) or text(target.get("metricsQueryType")) == "instant":
        length_ns = span.length_ms * _NS
        windows = Windows(span.end_ms * _NS, asked.window_ns or length_ns)
        found = await doors.traces.measured(scope, asked, windows, VALUES)
        ticks = Ticks(span.end_ms, 1, 1)
    else:
        start_ns = span.start_ms * _NS // step_ns * step_ns
        count = max(-(-(span.end_ms * _NS - start_ns) // step_ns), 1)
        windows = Windows(start_ns + step_ns, asked.window_ns or step_ns, step_ns, count)
        wants = Wants(exemplars=False, zeros=True)
        found = await doors.traces.measured(scope, replace(asked, window_ns=0), windows, wants)
        ticks = Ticks((start_ns + step_ns) // _NS, steps.step_ms, count)
    return _series(text(target.get("refId")), found, ticks, text(target.get("legendFormat")), query)


def _series(ref: str, found: SpanSeries, ticks: Ticks, legend: str, query: str) -> SeriesFrame:
    labels = [{str(name): _value(value) for name, value in one} for one in found.labels[:MOST_SERIES]]
    return SeriesFrame(
        ref=ref,
        ticks=ticks,
        names=legends(legend, labels, query),
        labels=labels,
        values=np.ascontiguousarray(found.values[: len(labels)], np.float64),
        present=np.ascontiguousarray(found.present[: len(labels)], np.bool_),
    )


def _value(found: Any) -> str:
    if isinstance(found, tuple):
        found = found[-1]
    return format_g(found) if isinstance(found, float) else "nil" if found is None else str(found)


async def _graph(doors: Doors, scope: Scope, ref: str, window: Window) -> Frame:
    """Return who calls whom, as nodes and edges."""
    calls = await doors.traces.calls(scope, window)
    seconds = max((window.end_ns - window.start_ns) / 1e9, 1.0)
    nodes: dict[str, dict[str, Any]] = {}
    edges = []
    for edge in sorted(calls.edges, key=lambda one: -one.calls)[: _MOST_NODES * 4]:
        for name in (edge.caller, edge.callee):
            if name not in nodes and len(nodes) < _MOST_NODES:
                nodes[name] = {"id": name, "title": name, "calls": 0, "errors": 0, "total_ns": 0}
        if edge.caller not in nodes or edge.callee not in nodes:
            continue
        called = nodes[edge.callee]
        called["calls"] += edge.calls
        called["errors"] += edge.errors
        called["total_ns"] += edge.total_ns
        edges.append(
            {
                "id": f"{edge.caller}>{edge.callee}",
                "source": edge.caller,
                "target": edge.callee,
                "mainstat": edge.calls / seconds,
                "secondarystat": edge.total_ns / max(edge.calls, 1) / _NS,
                "errors": edge.errors,
            }
        )
    shown = [_node(one, seconds) for one in nodes.values()]
    return OtherFrame(ref, "graph", {"nodes": shown, "edges": edges, "one_in": calls.one_in})


def _node(one: dict[str, Any], seconds: float) -> dict[str, Any]:
    calls = max(one["calls"], 1)
    failed = one["errors"] / calls
    return {
        "id": one["id"],
        "title": one["title"],
        "mainstat": one["calls"] / seconds,
        "secondarystat": one["total_ns"] / calls / _NS,
        "arc_ok": 1 - failed,
        "arc_failed": failed,
    }
