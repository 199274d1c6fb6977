"""Targets that ask metrics."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from pharos.access import Scope
from pharos.dashboards.answer.doors import Doors, require_permission
from pharos.dashboards.answer.frames import Column, Frame, OtherFrame, SeriesFrame, TableFrame, Ticks, spelled
from pharos.dashboards.answer.legend import legends
from pharos.dashboards.reading import Json, flag, text
from pharos.dashboards.times import Span, Steps
from pharos.errors import PharosError
from pharos.gotext.numbers import parse_float
from pharos.labels import BUCKET_LABEL, METRIC_NAME, Labels, Matcher, MatchOp
from pharos.promql.grids.grid import Answer, AnswerType
from pharos.promql.language.ast import (
    Aggregate,
    Binary,
    Call,
    Expr,
    MatrixSelector,
    Paren,
    Subquery,
    Unary,
    VectorSelector,
)
from pharos.promql.language.printer import to_text
from pharos.query.limits import Times
from pharos.query.metrics.query import parse_query

MOST_SERIES: Final = 5_000
"""Of one target's answer; the rest is left out, with a notice."""
_MOST_CELLS: Final = 200_000
_EXEMPLARS: Final = 500
_OPERATORS: Final = {
    "=": MatchOp.EQUAL,
    "!=": MatchOp.NOT_EQUAL,
    "=~": MatchOp.REGEX,
    "!~": MatchOp.NOT_REGEX,
    "=|": MatchOp.REGEX,
    "!=|": MatchOp.NOT_REGEX,
}


class MetricTarget(Struct, frozen=True):
    """A target, its references filled."""

    ref: str
    expr: str
    legend: str
    format: str
    """`time_series`, `table` or `heatmap`."""
    is_range: bool
    is_instant: bool
    has_exemplars: bool
    value_name: str
    """Of a table's column of values."""
    filters: tuple[Json, ...] = ()


class Answered(Struct, frozen=True):
    """Frames of a target, and remarks on them."""

    frames: tuple[Frame, ...]
    notices: tuple[Json, ...] = ()


def warned(ref: str, warnings: Iterable[str]) -> list[Json]:
    """Return warnings as remarks on a target."""
    return [{"ref": ref, "severity": "warning", "text": one} for one in warnings]


def kinds_of(target: Json) -> tuple[bool, bool]:
    """Return whether a target asks a range, and whether it asks one moment."""
    is_instant = flag(target.get("instant"))
    is_range = flag(target.get("range")) or not is_instant
    return is_range, is_instant


async def answer_metrics(
    doors: Doors, scope: Scope, target: MetricTarget, span: Span, steps: Steps
) -> Answered:
    """Return the frames of a target. Raises PharosError."""
    require_permission(scope, "metrics.view")
    query = parse_query(target.expr)
    if target.filters:
        query = parse_query(to_text(with_filters(query.expr, matchers_of(target.filters))))
    found: list[Frame] = []
    notices: list[Json] = []
    step = steps.step_ms
    if target.is_range:
        # On whole steps, so that what is asked again and again can be continued.
        times = Times(span.start_ms // step * step, span.end_ms // step * step, step)
        answered = await doors.metrics.evaluate(scope, query, times, partial(_frames, target, times))
        found += answered.frames
        notices += answered.notices
    if target.is_instant:
        times = Times(span.end_ms, span.end_ms)
        answered = await doors.metrics.evaluate(scope, query, times, partial(_frames, target, times))
        found += answered.frames
        notices += answered.notices
    if target.has_exemplars and target.is_range:
        times = Times(span.start_ms, span.end_ms)
        found += await doors.catalog.exemplars(scope, query, times, partial(_exemplars, target.ref))
    return Answered(tuple(found), tuple(notices))


def _frames(target: MetricTarget, times: Times, answer: Answer) -> Answered:
    notices = warned(target.ref, answer.warnings[:5])
    notices += [{"ref": target.ref, "severity": "info", "text": one} for one in answer.infos[:5]]
    if answer.type is AnswerType.STRING:
        column = Column("Value", "string", [answer.text])
        return Answered((TableFrame(target.ref, (column,)),), tuple(notices))
    if answer.raw is not None:
        return Answered(tuple(_raw_frames(target, answer)), tuple(notices))
    rows = len(answer.labels)
    if rows > MOST_SERIES:
        said = f"{rows} series, of which the first {MOST_SERIES} are shown"
        notices += warned(target.ref, (said,))
        answer = replace(
            answer,
            labels=answer.labels[:MOST_SERIES],
            values=answer.values[:MOST_SERIES],
            present=answer.present[:MOST_SERIES],
            cells=None if answer.cells is None else answer.cells[:MOST_SERIES],
        )
    frame = _series(target, times, answer)
    if target.format == "heatmap" and not frame.histograms:
        frame = heatmap(frame)
    if target.format == "table":
        return Answered((table(frame, target.value_name),), tuple(notices))
    return Answered((frame,), tuple(notices))


def _series(target: MetricTarget, times: Times, answer: Answer) -> SeriesFrame:
    labels = [dict(one) for one in answer.labels]
    count = answer.values.shape[1] if answer.values.ndim > 1 else 0
    histograms: dict[int, list[Any]] = {}
    present = np.ascontiguousarray(answer.present)
    if answer.cells is not None:
        held = np.asarray(answer.cells != None, np.bool_) & present  # noqa: E711
        for row in np.flatnonzero(held.any(axis=1)).tolist():
            histograms[row] = [
                _buckets(answer.cells[row, at]) if held[row, at] else None for at in range(count)
            ]
        present = present & ~held
    return SeriesFrame(
        ref=target.ref,
        ticks=Ticks(times.start_ms, max(times.step_ms, 1), count),
        names=legends(target.legend, labels, target.expr),
        labels=labels,
        values=np.ascontiguousarray(answer.values, np.float64),
        present=present,
        histograms=histograms,
    )


def _buckets(histogram: Any) -> list[list[Any]]:
    return [
        [spelled(one.lower), spelled(one.upper), spelled(one.count)]
        for one in histogram.buckets()
        if one.count
    ]


def _raw_frames(target: MetricTarget, answer: Answer) -> list[Frame]:
    """Return the samples of a range selector that was asked by itself: each series has its own times."""
    raw, found = answer.raw, []
    if raw is None:
        return []
    for row, labels in enumerate(raw.labels[:100]):
        begin, end = int(raw.offsets[row]), int(raw.offsets[row + 1])
        values = np.ascontiguousarray(raw.values[begin:end], np.float64).reshape(1, -1)
        found.append(
            SeriesFrame(
                ref=target.ref,
                ticks=Ticks(0, 0, end - begin, tuple(raw.ts[begin:end].tolist())),
                names=legends(target.legend, [dict(labels)], target.expr),
                labels=[dict(labels)],
                values=values,
                present=np.ones(values.shape, np.bool_),
            )
        )
    return list(found)


def heatmap(frame: SeriesFrame) -> SeriesFrame:
    """Return buckets of classic histograms, the lowest first, each without those below it.

    What several series have of one bucket is added up: a heat map shows all that was observed.
    """
    bounds = [_bound(one) for one in frame.labels]
    if not bounds or any(bound is None for bound in bounds):
        return replace(frame, is_heatmap=True)
    values = np.where(frame.present, frame.values, 0.0)
    first: dict[float, int] = {}
    for row, bound in enumerate(bounds):
        held = first.setdefault(bound or 0.0, row)
        if held != row:
            values[held] += values[row]
    order = [first[bound] for bound in sorted(first)]
    values = values[order]
    present = frame.present.any(axis=0)
    apart = np.diff(values, axis=0, prepend=0.0)
    # What scrapes of unequal times make of it is no count.
    np.maximum(apart, 0.0, out=apart)
    return replace(
        frame,
        names=[frame.labels[row][BUCKET_LABEL] for row in order],
        labels=[frame.labels[row] for row in order],
        values=apart,
        present=np.broadcast_to(present, apart.shape).copy(),
        is_heatmap=True,
    )


def _bound(labels: Mapping[str, str]) -> float | None:
    try:
        return parse_float(labels[BUCKET_LABEL])
    except (KeyError, PharosError):
        return None


def table(frame: SeriesFrame, value_name: str) -> TableFrame:
    """Return series as the rows of a table: a column of times, of each label, and of values."""
    rows, places = np.nonzero(frame.present)
    rows, places = rows[:_MOST_CELLS], places[:_MOST_CELLS]
    moments = frame.ticks.all_ms()
    names = sorted({name for one in frame.labels for name in one})
    values = frame.values[rows, places]
    said = values if np.isfinite(values).all() else [spelled(one) for one in values.tolist()]
    listed = rows.tolist()
    columns = [Column("Time", "time", [moments[at] for at in places.tolist()])]
    columns += [Column(name, "string", [frame.labels[row].get(name) for row in listed]) for name in names]
    return TableFrame(frame.ref, (*columns, Column(value_name, "number", said)))


def _exemplars(ref: str, found: list[tuple[Labels, list[Any]]]) -> list[Frame]:
    points = [
        {
            "time": one.ts_ms,
            "value": spelled(one.value),
            "labels": dict(one.labels),
            "series_labels": dict(labels),
        }
        for labels, exemplars in found
        for one in exemplars
    ]
    thinned = points[:: max(-(-len(points) // _EXEMPLARS), 1)]
    return [OtherFrame(ref, "exemplars", {"points": thinned})] if thinned else []


# -- filters --


def matchers_of(filters: Sequence[Json]) -> tuple[Matcher, ...]:
    """Return what ad hoc filters ask of labels; those without a name, and comparisons, are left out."""
    found = []
    for one in filters:
        name, value = text(one.get("key")), text(one.get("value"))
        operator = text(one.get("operator")) or "="
        if not name or operator not in _OPERATORS:
            continue
        if operator in {"=|", "!=|"}:
            chosen = [text(each) for each in one.get("values") or [value]]
            value = "|".join(map(_quoted_regex, chosen))
        found.append(Matcher(name, _OPERATORS[operator], value))
    return tuple(found)


def _quoted_regex(said: str) -> str:
    return "".join("\\" + each if each in "\\.+*?()|[]{}^$" else each for each in said)


def with_filters(node: Expr, added: tuple[Matcher, ...]) -> Expr:
    """Return an expression all of whose selectors ask for more."""

    def inner(one: Expr) -> Expr:
        return with_filters(one, added)

    match node:
        case VectorSelector():
            new = [one for one in added if one.name != METRIC_NAME]
            return dataclasses.replace(node, matchers=(*node.matchers, *new))
        case MatrixSelector():
            selector = inner(node.selector)
            return (
                dataclasses.replace(node, selector=selector) if isinstance(selector, VectorSelector) else node
            )
        case Subquery() | Unary() | Paren():
            return dataclasses.replace(node, expr=inner(node.expr))
        case Call():
            return dataclasses.replace(node, args=tuple(map(inner, node.args)))
        case Aggregate():
            return dataclasses.replace(
                node, expr=inner(node.expr), param=None if node.param is None else inner(node.param)
            )
        case Binary():
            return dataclasses.replace(node, left=inner(node.left), right=inner(node.right))
        case _:
            return node
