"""Queries of indicators: checked where they were written, and made to look over a window of time."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pharos.document import Value
from pharos.errors import PharosError
from pharos.promql.language.ast import Aggregate, Call, Expr, MatrixSelector, Paren, VectorSelector
from pharos.promql.language.parse import parse
from pharos.promql.language.printer import to_text
from pharos.slo.objective import has_window, over

WINDOW: Final = "{{.window}}"
_TRIAL: Final = "1m"
_STEP: Final = "30s"
_PLACE_MS: Final = 123_457_000
"""A range that nobody writes, printed and then taken for the window's place."""
_PLACE: Final = "[1d10h17m37s]"


def checked_query(value: Value | None, owner: Value, name: str, *, needs_window: bool) -> str:
    """Return a query; what is wrong with it is noted at its line, and the query is empty then."""
    source = owner.source
    query = "" if value is None else source.attempt(value.text, "")
    if not query.strip():
        source.faults.append((value or owner).fault(f"{_path(owner, name)} must be set"))
        return ""
    assert value is not None  # noqa: S101 - there is a text in it
    if needs_window and not has_window(query):
        message = f"{value.path}: the query has no {WINDOW}, which says where its window goes: "
        source.faults.append(value.fault(message + f"write rate(requests_total[{WINDOW}])"))
        return query
    return query if parses(value, query) else ""


def parses(value: Value, query: str) -> bool:
    """Return whether a query is PromQL; what is wrong with it is noted."""
    try:
        parse(over(query, _TRIAL))
    except PharosError as exc:
        value.source.faults.append(value.fault(f"{value.path}: not a PromQL expression: {exc}"))
        return False
    return True


def is_promql(query: str) -> bool:
    """Return whether a text is a PromQL expression."""
    try:
        parse(over(query, _TRIAL))
    except PharosError:
        return False
    return True


def selector_of(value: Value | None, owner: Value, name: str) -> VectorSelector | None:
    """Return a series selector, or None for one that is wrong, which is noted."""
    query = checked_query(value, owner, name, needs_window=False)
    if not query or value is None:
        return None
    found = parse(query)
    while isinstance(found, Paren):
        found = found.expr
    if isinstance(found, VectorSelector) and found.name:
        return found
    message = (
        f'{value.path}: expected a metric with its labels, such as requests_total{{job="api"}}, not a query'
    )
    value.source.faults.append(value.fault(message))
    return None


def windowed(query: str, *, is_counter: bool) -> str:
    """Return what a query counts within `{{.window}}`.

    A query that has the window already is left alone. Of the sum of a counter, or of a counter, it is the
    sum of the increases; of any other query, its increase or its sum, looked at every 30 seconds.
    """
    if has_window(query):
        return query
    found = parse(query)
    if is_counter and isinstance(found, VectorSelector):
        return _increases(Aggregate("sum", found))
    if (
        is_counter
        and isinstance(found, Aggregate)
        and found.op == "sum"
        and isinstance(found.expr, VectorSelector)
    ):
        return _increases(found)
    return f"{'increase' if is_counter else 'sum_over_time'}(({query.strip()})[{WINDOW}:{_STEP}])"


def _increases(found: Aggregate) -> str:
    assert isinstance(found.expr, VectorSelector)  # noqa: S101 - the callers looked
    inner: Expr = Call("increase", (MatrixSelector(found.expr, _PLACE_MS),))
    return to_text(replace(found, expr=inner)).replace(_PLACE, f"[{WINDOW}]")


def _path(owner: Value, name: str) -> str:
    return f"{owner.path}.{name}" if owner.path else name
