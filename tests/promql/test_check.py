"""The tables of functions and aggregators, and what the checker makes of a tree."""

from __future__ import annotations

import pytest

from pharos.errors import PharosError
from pharos.promql.language.ast import Binary, Cardinality, Matching, ValueType
from pharos.promql.language.check import type_of
from pharos.promql.language.functions import AGGREGATORS, ANCHORED_SAFE, FUNCTIONS, SMOOTHED_SAFE
from pharos.promql.language.parse import parse

ARGUMENTS = {
    ValueType.SCALAR: "1",
    ValueType.STRING: '"text"',
    ValueType.VECTOR: "up",
    ValueType.MATRIX: "up[5m]",
}


def call(name: str, count: int) -> str:
    """Return a call of a function with `count` arguments of the right types."""
    kinds = FUNCTIONS[name].args
    args = [ARGUMENTS[kinds[min(index, len(kinds) - 1)]] for index in range(count)]
    if name == "info" and count > 1:
        args[1] = '{job="x"}'
    return f"{name}({', '.join(args)})"


def test_the_tables_are_those_of_prometheus_3_14() -> None:
    assert len(FUNCTIONS) == 90
    assert len(AGGREGATORS) == 14
    assert sum(function.experimental for function in FUNCTIONS.values()) == 17
    assert {name for name, function in FUNCTIONS.items() if function.varies} >= {"time", "timestamp", "hour"}
    assert set(SMOOTHED_SAFE) < set(ANCHORED_SAFE) < set(FUNCTIONS)
    assert all(entry.name == name and entry.doc.endswith(".") for name, entry in FUNCTIONS.items())
    assert all(entry.name == name and entry.doc.endswith(".") for name, entry in AGGREGATORS.items())


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_takes_its_least_and_its_most_arguments_and_no_others(name: str) -> None:
    function = FUNCTIONS[name]
    most = function.least + 5 if function.most is None else function.most
    for count in (function.least, most):
        assert type_of(parse(call(name, count))) is function.returns
    if function.least > 0:
        with pytest.raises(PharosError, match=r"expected (at least )?\d+ argument\(s\) in call to"):
            parse(call(name, function.least - 1))
    if function.most is not None and function.args:
        with pytest.raises(PharosError, match=r"expected (at most )?\d+ argument\(s\) in call to"):
            parse(call(name, most + 1))


@pytest.mark.parametrize("name", sorted(name for name, function in FUNCTIONS.items() if function.args))
def test_a_function_refuses_an_argument_of_another_type(name: str) -> None:
    wrong = '"text"' if FUNCTIONS[name].args[0] is not ValueType.STRING else "1"
    good = call(name, len(FUNCTIONS[name].args))
    bad = f"{name}({wrong}{good[good.index(',') :] if ',' in good else ')'}"
    with pytest.raises(PharosError, match=f'expected type .* in call to function "{name}", got'):
        parse(bad)


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("1", ValueType.SCALAR),
        ("5m + 1", ValueType.SCALAR),
        ("-(time())", ValueType.SCALAR),
        ("1 + up", ValueType.VECTOR),
        ("up + 1", ValueType.VECTOR),
        ("1 + 2 + up", ValueType.VECTOR),
        ("sum(up)", ValueType.VECTOR),
        ("up[5m]", ValueType.MATRIX),
        ("(up[5m:])", ValueType.MATRIX),
        ('"text"', ValueType.STRING),
    ],
)
def test_an_expression_has_a_type(query: str, kind: ValueType) -> None:
    assert type_of(parse(query)) is kind


@pytest.mark.parametrize(
    ("query", "matching"),
    [
        ("a + b", Matching()),
        ("a + 1", None),
        ("1 + on () a", None),
        ("a and b", Matching(Cardinality.MANY_TO_MANY)),
        ("a or on (x) b", Matching(Cardinality.MANY_TO_MANY, True, ("x",))),
        ("a / on (x) group_left (y) b", Matching(Cardinality.MANY_TO_ONE, True, ("x",), ("y",))),
        ("a / ignoring (x) group_right b", Matching(Cardinality.ONE_TO_MANY, False, ("x",))),
        ("a + fill (0) b", Matching(fill_left=0.0, fill_right=0.0)),
    ],
)
def test_matching_is_settled_by_the_types_of_the_operands(query: str, matching: Matching | None) -> None:
    node = parse(query)
    assert isinstance(node, Binary)
    assert node.matching == matching
