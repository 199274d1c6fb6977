"""Expressions of rules over logs: LogQL that gives numbers."""

from __future__ import annotations

from pharos.errors import Kind, PharosError
from pharos.search.logql.ast import Logs, Metric
from pharos.search.logql.parse import parse_query


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
