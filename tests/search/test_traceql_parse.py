"""What is no TraceQL, or is not answered, is refused with a word about where and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pharos.errors import Kind, PharosError
from pharos.search.traceql.ast import Attribute, AttributeScope, Filter
from pharos.search.traceql.parse import parse_traceql

_REFUSED = yaml.safe_load((Path(__file__).parent / "traceql_refused.yaml").read_text())


@pytest.mark.parametrize("case", [pytest.param(case, id=case["query"]) for case in _REFUSED])
def test_a_query_is_refused_by_name(case: dict[str, Any]) -> None:
    with pytest.raises(PharosError) as caught:
        parse_traceql(case["query"])
    assert caught.value.kind is (Kind.UNSUPPORTED if "unsupported" in case else Kind.INVALID)
    assert case["said"] in str(caught.value)


def test_names_go_on_to_what_begins_an_operator() -> None:
    query = parse_traceql("{ resource.k8s/pod-name+1 }")
    assert query.stages == (Filter(Attribute("k8s/pod-name+1", AttributeScope.RESOURCE)),)


@pytest.mark.parametrize("op", ["&&", "||"])
def test_a_thousand_conditions_are_no_deeper_than_ten(op: str) -> None:
    parse_traceql("{ " + f" {op} ".join(f".a{number} = 1" for number in range(1000)) + " }")


@pytest.mark.parametrize(
    "text",
    [
        "{ " + "(" * 5000 + "true" + ")" * 5000 + " }",
        "{ " + "!" * 5000 + "true }",
        "(" * 5000 + "{}" + ")" * 5000,
        "{ " + "1 + " * 3000 + "1 = 1 }",
        "{} > " * 3000 + "{}",
        "{ .a = 1 }" + " " * 40_000,
    ],
    ids=["brackets", "negations", "spansets", "sums", "children", "spaces"],
)
def test_what_is_too_deep_or_too_long_is_refused(text: str) -> None:
    with pytest.raises(PharosError) as caught:
        parse_traceql(text)
    assert caught.value.kind is Kind.INVALID
