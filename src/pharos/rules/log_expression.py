"""Expressions of rules over logs: LogQL that gives numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pharos.errors import Kind, PharosError
from pharos.rules.compared import Compared, Limit
from pharos.search.logql.ast import Binary, Literal, Logs, Metric
from pharos.search.logql.parse import COMPARISONS, parse_query

_TURNED: Final[Mapping[str, str]] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
"""What an operator is when its sides change places; others stay as they are."""


def parse_metric(expr: str) -> Metric:
    """Return an expression in LogQL that gives numbers. Raises PharosError(INVALID)."""
    query = parse_query(expr)
    if isinstance(query, Logs):
        raise PharosError(
            Kind.INVALID,
            "the expression selects lines, a rule needs a number",
            hint="count them: count_over_time({...}[5m])",
        )
    return query


def compared_lines(query: Metric) -> Compared[Metric]:
    """Return what an expression measures, and the limit that it compares that with."""
    match query:
        case Binary(op=op, left=measure, right=Literal(value)) if op in COMPARISONS:
            return Compared(measure, Limit(op, value))
        case Binary(op=op, left=Literal(value), right=measure) if op in COMPARISONS:
            return Compared(measure, Limit(_TURNED.get(op, op), value))
        case _:
            return Compared(query, None)
