"""Printing: the text parses to the same tree, pretty text is laid out, JSON has upstream's shape."""

from __future__ import annotations

import itertools
import json
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import astuple
from ruamel.yaml import YAML
from tests.peers import CONFORMANCE
from tests.promql.promql_texts import accepted

from pharos.errors import PharosError
from pharos.promql.language.ast import VectorSelector
from pharos.promql.language.parse import ParseOptions, parse
from pharos.promql.language.printer import to_json, to_pretty, to_text
from pharos.promql.plan import canonical, plan


def settled(node: Any) -> Any:
    """Return a tree that is equal for equal queries: matchers sorted, floats as text (for NaN)."""
    if isinstance(node, VectorSelector):
        node = replace(node, matchers=canonical(node.matchers))
    if isinstance(node, float):
        return repr(node)
    if isinstance(node, tuple):
        return tuple(map(settled, node))
    if isinstance(node, Struct):
        return (type(node).__name__, *map(settled, astuple(node)))
    if is_dataclass(node):
        parts = tuple(settled(getattr(node, part.name)) for part in fields(node) if part.compare)
        return (type(node).__name__, *parts)
    return node


def test_every_legal_query_survives_printing() -> None:
    for query in accepted():
        tree = parse(query)
        for text in (to_text(tree), to_pretty(tree)):
            assert settled(parse(text)) == settled(tree), query
            assert to_text(parse(text)) == to_text(tree), query
        json.dumps(to_json(tree))


def test_every_legal_query_can_be_planned_or_says_why_not() -> None:
    refused = set()
    for query in accepted():
        try:
            plan(parse(query), 1_000_000, 2_000_000, 10_000, 60_000)
        except PharosError as error:
            refused.add(str(error).split(":")[-1].strip().split(" - ")[0])
    assert refused <= {
        "changes, delta, increase, rate, resets",
        "delta, increase, rate",
        "division by zero",
        "duration must be greater than 0",
    }


VARIANTS = {
    "range": ["1s", "15s", "1m", "5m", "15m", "1h"],
    "offset": ["1m", "5m", "10m"],
    "simpleAggrOp": ["sum", "avg", "max", "min", "count", "stddev", "stdvar"],
    "simpleTimeAggrOp": [
        "sum",
        "avg",
        "max",
        "min",
        "count",
        "stddev",
        "stdvar",
        "absent",
        "last",
        "present",
    ],
    "topBottomOp": ["topk", "bottomk"],
    "quantile": ["-0.5", "0.1", "0.5", "0.75", "0.95", "0.90", "0.99", "1", "1.5"],
    "arithBinOp": ["+", "-", "*", "/", "%", "^"],
    "compBinOp": ["==", "!=", "<", ">", "<=", ">="],
    "binOp": ["+", "-", "*", "/", "%", "^", "==", "!=", "<", ">", "<=", ">="],
    "simpleMathFunc": ["abs", "ceil", "floor", "exp", "sqrt", "ln", "log2", "log10", "round"],
    "extrapolatedRateFunc": ["delta", "rate", "increase"],
    "clampFunc": ["clamp_min", "clamp_max"],
    "instantRateFunc": ["idelta", "irate"],
    "dateFunc": ["day_of_month", "day_of_week", "days_in_month", "hour", "minute", "month", "year"],
}


def compliance_queries() -> list[str]:
    """Return the queries of the compliance list, if it is there, with every value of the placeholders."""
    path = CONFORMANCE / "promql-compliance-queries.yml"
    found = []
    for case in YAML(typ="safe").load(path.read_text(encoding="utf-8"))["test_cases"]:
        names = case.get("variant_args", [])
        for values in itertools.product(*(VARIANTS[name] for name in names)):
            query = case["query"]
            for name, value in zip(names, values, strict=True):
                query = query.replace("{{." + name + "}}", value)
            if not case.get("should_fail"):
                found.append(query)
    return found


STABLE = ParseOptions(experimental_functions=False, extended_ranges=False, fill_modifiers=False)
"""The language of a Prometheus without feature flags."""


@pytest.mark.needs("conformance")
def test_every_query_of_the_compliance_list_survives_printing() -> None:
    queries = compliance_queries()
    assert len(queries) > 400
    for query in queries:
        tree = parse(query, STABLE)
        assert settled(parse(to_text(tree), STABLE)) == settled(tree), query


PRETTY = (
    "foo",
    """\
  sum by (instance) (rate(http_requests_total{code=~"5..",job="api-server"}[5m]))
/
  sum by (instance) (rate(http_requests_total{job="api-server"}[5m]))""",
    """\
histogram_quantile(
  0.99,
  sum by (le, service, instance, a_label) (
    rate(http_request_duration_seconds_bucket{namespace="production"}[5m])
  )
)""",
    """\
-(
    a_metric_with_a_long_name{label="value"}
  + on (label) group_left (other)
    another_metric_with_a_long_name{label="value"}
)""",
    """\
topk by (job) (
  3,
  a_metric_with_a_long_name{label="a value that is long as well",other="another one that is long"}
)""",
)


@pytest.mark.parametrize("pretty", PRETTY, ids=range(len(PRETTY)))
def test_what_is_longer_than_a_line_is_split(pretty: str) -> None:
    one_line = " ".join(line.strip() for line in pretty.splitlines())
    assert to_pretty(parse(one_line)) == pretty


def test_json_has_the_shape_of_the_parse_query_endpoint() -> None:
    tree = to_json(parse('topk by (a) (2, rate(foo{b!="c"}[5m] @ 7 offset 1m)) > bool on (x) -bar'))
    assert tree == {
        "type": "binaryExpr",
        "op": ">",
        "bool": True,
        "matching": {
            "card": "one-to-one",
            "labels": ["x"],
            "on": True,
            "include": [],
            "fillValues": {"lhs": None, "rhs": None},
        },
        "lhs": {
            "type": "aggregation",
            "op": "topk",
            "grouping": ["a"],
            "without": False,
            "param": {"type": "numberLiteral", "val": "2"},
            "expr": {
                "type": "call",
                "func": {
                    "name": "rate",
                    "argTypes": ["matrix"],
                    "variadic": 0,
                    "returnType": "vector",
                },
                "args": [
                    {
                        "type": "matrixSelector",
                        "name": "foo",
                        "range": 300000,
                        "offset": 60000,
                        "matchers": [
                            {"name": "b", "type": "!=", "value": "c"},
                            {"name": "__name__", "type": "=", "value": "foo"},
                        ],
                        "timestamp": 7000,
                        "startOrEnd": None,
                        "anchored": False,
                        "smoothed": False,
                    }
                ],
            },
        },
        "rhs": {
            "type": "unaryExpr",
            "op": "-",
            "expr": {
                "type": "vectorSelector",
                "name": "bar",
                "offset": 0,
                "matchers": [{"name": "__name__", "type": "=", "value": "bar"}],
                "timestamp": None,
                "startOrEnd": None,
                "anchored": False,
                "smoothed": False,
            },
        },
    }


def test_json_of_a_subquery_and_of_set_operators() -> None:
    assert to_json(parse("foo or ignoring (a) (bar)"))["matching"]["card"] == "many-to-many"
    assert to_json(parse("1 + foo"))["matching"] is None
    tree = to_json(parse("foo[1h:] @ end()"))
    assert tree == {
        "type": "subquery",
        "expr": to_json(parse("foo")),
        "range": 3600000,
        "step": 0,
        "offset": 0,
        "timestamp": None,
        "startOrEnd": "end",
    }
