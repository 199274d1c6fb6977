"""Plans: the golden trees of cases/plans.txt, durations that have no value, what is shared."""

from __future__ import annotations

from pathlib import Path

import pytest

from pharos.errors import Kind, PharosError
from pharos.promql.explain import explain_tree
from pharos.promql.language.ast import (
    Aggregate,
    Binary,
    Call,
    MatrixSelector,
    Place,
    StepInvariant,
    VectorSelector,
)
from pharos.promql.language.parse import parse
from pharos.promql.plan import Planned, plan, subquery_start

START, END, STEP, SUBQUERY_STEP = 3_600_000, 7_200_000, 60_000, 60_000
PLANS = Path(__file__).parent / "cases" / "plans.txt"


def planned(query: str, *, start: int = START, end: int = END, step: int = STEP) -> Planned:
    """Return the plan of a query over the times of cases/plans.txt."""
    return plan(parse(query), start, end, step, SUBQUERY_STEP, text=query)


def golden() -> list[tuple[str, str]]:
    """Return the queries of cases/plans.txt with their trees."""
    blocks = PLANS.read_text(encoding="utf-8").split("\n> ")[1:]
    return [(query, tree.strip()) for query, _, tree in (block.partition("\n") for block in blocks)]


@pytest.mark.parametrize(("query", "tree"), golden(), ids=[query for query, _ in golden()])
def test_a_plan_is_the_golden_tree(query: str, tree: str) -> None:
    assert explain_tree(planned(query)).strip().split("\n")[1:] == tree.split("\n")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("foo[1m / (0)]", "4:11: division by zero"),
        ("foo[1m % step()]", "4:15: modulo by zero"),
        ("foo[step()]", "4:10: duration must be greater than 0"),
        ("foo[1m - 2m]", "4:11: duration must be greater than 0"),
        ("foo[5m:step() - 1m]", "7:18: duration must be greater than 0"),
        ("foo[10 ^ 100]", "4:12: duration is out of range"),
        ("foo[10 ^ 1000]", "4:13: duration is out of range"),
        ("foo[(-8) ^ 0.5]", "5:14: duration is out of range"),
        (
            "deriv(foo[5m] anchored)",
            (
                "anchored modifier can only be used with: changes, delta, increase, rate, resets"
                " - not with deriv"
            ),
        ),
        (
            "resets((foo[5m] smoothed))",
            "smoothed modifier can only be used with: delta, increase, rate - not with resets",
        ),
    ],
)
def test_an_instant_query_without_a_legal_duration_is_refused(query: str, message: str) -> None:
    with pytest.raises(PharosError) as caught:
        planned(query, start=START, end=START, step=0)
    assert str(caught.value) == message
    assert caught.value.kind is Kind.INVALID


@pytest.mark.parametrize(
    ("query", "range_ms", "offset_ms"),
    [
        ("foo[1h % 7m] offset (-2 * 2)", 240_000, -4_000),
        ("foo[2 ^ 3 ^ 2] offset -(step() * 2)", 512_000, -120_000),
        ("foo[min_of(step(), 1h)] offset max_of(3s, range())", 60_000, 3_600_000),
        ("foo[(-7) % 4 + 10] offset (1ms / 2)", 7_000, 0),
        ("foo[-5m + 35m] offset range()", 1_800_000, 3_600_000),
    ],
)
def test_durations_have_the_value_of_their_expression(query: str, range_ms: int, offset_ms: int) -> None:
    node = planned(query).expr
    assert isinstance(node, MatrixSelector)
    assert (node.range, node.selector.offset) == (range_ms, offset_ms)


def test_equal_expressions_are_one_node_and_know_their_places() -> None:
    query = "sum(rate(a[5m])) / sum(rate(a[5m])) - sum(rate(b[5m]))"
    root = planned(query)
    division = root.expr.left if isinstance(root.expr, Binary) else root.expr
    assert isinstance(division, Binary)
    assert division.left is division.right
    assert root.is_shared(division.left)
    assert not root.is_shared(division)
    assert root.spans_of(division.left) == (Place(0, 16), Place(19, 35))


def test_zero_and_minus_zero_are_two_nodes() -> None:
    node = planned("x * 0 + x * -0").expr
    assert isinstance(node, Binary)
    assert node.left is not node.right


def test_a_selector_has_one_fetch_for_all_its_times() -> None:
    root = planned("up + max_over_time(up[10m:1m])")
    assert isinstance(root.expr, Binary)
    selector = root.expr.left
    assert isinstance(selector, VectorSelector)
    fetch = root.fetch_of(selector)
    assert root.fetches == (fetch,)
    assert (fetch.start_ms, fetch.end_ms) == (START - 600_000 + 60_000 - 300_000 + 1, END)


def test_a_plan_of_another_lookback_reads_that_far() -> None:
    root = plan(parse("up"), START, END, STEP, SUBQUERY_STEP, lookback_ms=1_000)
    assert root.fetches[0].start_ms == START - 999


def test_nothing_is_marked_twice() -> None:
    root = planned("sum(abs(up @ 1)) + time()").expr
    assert isinstance(root, Binary)
    assert isinstance(root.left, StepInvariant)
    assert isinstance(root.left.expr, Aggregate)
    assert isinstance(root.left.expr.expr, Call)


@pytest.mark.parametrize(
    ("start", "offset", "width", "step", "first"),
    [(100, 0, 50, 10, 60), (105, 0, 50, 10, 60), (100, 5, 50, 10, 50), (0, 0, 10, 3, -9), (0, 0, 9, 3, -6)],
)
def test_a_subquery_starts_at_a_multiple_of_its_step_within_a_left_open_window(
    start: int, offset: int, width: int, step: int, first: int
) -> None:
    assert subquery_start(start, offset, width, step) == first
