"""Which spans of a trace a TraceQL query selects, and that a store finds every such trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.query.written_trace import request_of
from tests.span_rows import rows_of
from tests.span_trees import meets

from pharos.query.events.rows import Span
from pharos.query.events.spansets import Evaluation, Found
from pharos.query.events.trace_tree import tree_of
from pharos.search.traceql.lower import conditions_of
from pharos.search.traceql.parse import parse_traceql

_FILE = yaml.safe_load((Path(__file__).parent / "cases" / "traceql.yaml").read_text())


def _rows(trace: list[dict[str, Any]]) -> list[Span]:
    rows = rows_of(request_of(trace))
    order = [one["id"] for one in trace]
    return sorted(rows, key=lambda row: order.index(row.span_id.lstrip("0")))


_ROWS = _rows(_FILE["trace"])


def _ids(found: Found) -> list[str]:
    return [node.span.span_id.lstrip("0") for node in found.nodes]


_QUERIES = [pytest.param(case, id=case["query"]) for case in _FILE["queries"]]


@pytest.mark.parametrize("case", _QUERIES)
def test_a_query_selects_these_spans(case: dict[str, Any]) -> None:
    query = parse_traceql(case["query"])
    found = [_ids(one) for one in Evaluation(tree_of(_ROWS)).run(query)]
    wanted = [] if "none" in case else case.get("groups", [case.get("spans")])
    assert found == wanted


@pytest.mark.parametrize("case", _QUERIES)
def test_what_the_store_looks_for_leaves_none_of_them_out(case: dict[str, Any]) -> None:
    query = parse_traceql(case["query"])
    if "none" in case:
        return
    for condition in conditions_of(query):
        assert any(meets(condition, row) for row in _ROWS), condition


def test_the_store_is_not_asked_for_everything_where_a_query_names_something() -> None:
    found = conditions_of(parse_traceql('{ name = "a" && traceDuration > 1s } >> { .b = 2 }'))
    assert [type(one).__name__ for one in found] == ["Field", "Or"]


def test_the_order_of_spans_makes_no_difference() -> None:
    query = parse_traceql("{ kind = server } >> { kind = client }")
    forward = Evaluation(tree_of(_ROWS)).run(query)
    backward = Evaluation(tree_of(_ROWS[::-1])).run(query)
    assert [_ids(one) for one in forward] == [_ids(one) for one in backward] == [["2", "4", "5"]]
