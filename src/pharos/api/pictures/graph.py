"""From a PromQL query to a picture: what is asked, what its series are called, where its threshold is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from pharos.access import Scope
from pharos.errors import Kind, PharosError
from pharos.labels import METRIC_NAME, Labels
from pharos.pictures.chart import Chart, Line, Look, draw
from pharos.promql.grids.grid import Answer, AnswerType
from pharos.promql.histograms.cells import is_set
from pharos.promql.language.ast import Binary, Expr, NumberLiteral, Paren
from pharos.promql.language.printer import to_text
from pharos.query.limits import Times
from pharos.query.metrics.evaluation import Metrics
from pharos.query.metrics.query import Query, parse_query

_COMPARISONS: Final = frozenset({">", ">=", "<", "<="})
_POINTS: Final = 400
_LEAST_STEP_MS: Final = 1_000
_STEP_OF_MS: Final = 15_000
MOST_LENGTH_MS: Final = 400 * 86_400_000


class Graph(Struct, frozen=True):
    """What a picture shows."""

    query: str
    start_ms: int
    end_ms: int
    title: str = ""
    unit: str = ""
    thresholds: tuple[float, ...] = ()


def comparison_of(query: Query) -> tuple[Query, float | None]:
    """Return what an alert's query compares, and with which number: the whole of it where it does not.

    So a graph shows the value on both sides of its limit, and not only where it is beyond.
    """
    expr: Expr = query.expr
    while isinstance(expr, Paren):
        expr = expr.expr
    if not isinstance(expr, Binary) or expr.op not in _COMPARISONS or expr.bool_modifier:
        return query, None
    for side, other in ((expr.left, expr.right), (expr.right, expr.left)):
        limit = _number(other)
        if limit is not None and _number(side) is None:
            return parse_query(to_text(side)), limit
    return query, None


def _number(expr: Expr) -> float | None:
    while isinstance(expr, Paren):
        expr = expr.expr
    return expr.value if isinstance(expr, NumberLiteral) and math.isfinite(expr.value) else None


async def drawn(metrics: Metrics, scope: Scope, graph: Graph, look: Look) -> str:
    """Return a graph as SVG. Raises PharosError: INVALID for the query or the times, and as `evaluate`."""
    length_ms = graph.end_ms - graph.start_ms
    if not 0 < length_ms <= MOST_LENGTH_MS:
        raise PharosError(Kind.INVALID, "end must be after start, and at most 400 days")
    query, limit = comparison_of(parse_query(graph.query))
    step_ms = _step_ms(length_ms)
    times = Times(graph.start_ms // step_ms * step_ms, graph.end_ms // step_ms * step_ms, step_ms)
    thresholds = graph.thresholds or (() if limit is None else (limit,))

    def finish(answer: Answer) -> str:
        lines = lines_of(answer)
        return draw(Chart(graph.title or graph.query, answer.times_ms, lines, graph.unit, thresholds), look)

    return await metrics.evaluate(scope, query, times, finish)


def _step_ms(length_ms: int) -> int:
    """Return a step of whole seconds, so long that there are some hundred."""
    step_ms = max(_LEAST_STEP_MS, length_ms // _POINTS)
    return -(-step_ms // 1000) * 1000 if step_ms < _STEP_OF_MS else -(-step_ms // _STEP_OF_MS) * _STEP_OF_MS


def lines_of(answer: Answer) -> list[Line]:
    """Return the series of an answer over a range; of native histograms the sums are drawn by no line."""
    if answer.type is AnswerType.SCALAR:
        return [Line("value", answer.values[0])]
    if answer.type is not AnswerType.MATRIX or answer.raw is not None:
        raise PharosError(Kind.UNSUPPORTED, "only series over a time can be drawn")
    names = series_names(answer.labels)
    floats = answer.present if answer.cells is None else answer.present & ~is_set(answer.cells)
    return [
        Line(name, np.where(floats[row], answer.values[row], np.nan))
        for row, name in enumerate(names)
        if floats[row].any()
    ]


def series_names(labels: Sequence[Labels]) -> list[str]:
    """Return what tells series apart: the labels that all have alike are left out, but for one series."""
    shared = set(labels[0]).intersection(*map(set, labels[1:])) if len(labels) > 1 else set()
    return [_name([pair for pair in one if pair not in shared]) for one in labels]


def _name(pairs: Sequence[tuple[str, str]]) -> str:
    metric = next((value for name, value in pairs if name == METRIC_NAME), "")
    rest = [(name, value) for name, value in pairs if name != METRIC_NAME]
    if len(rest) == 1 and not metric:
        return rest[0][1] or "value"
    told = ", ".join(f'{name}="{value}"' for name, value in rest)
    return f"{metric}{{{told}}}" if told else metric or "value"
