"""Matchers as Alertmanager writes and reads them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pharos.alerting.matchers import Matcher, in_order, matches_all, parse_matcher, parse_matchers
from pharos.errors import Kind, PharosError
from pharos.labels import MatchOp

CASES = yaml.safe_load((Path(__file__).parent / "cases/matchers.yml").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["text"]))
def test_a_text_is_read_as_in_alertmanager(case: dict[str, Any]) -> None:
    if "fault" in case:
        with pytest.raises(PharosError) as told:
            parse_matchers(case["text"])
        assert told.value.kind is Kind.INVALID
        assert case["fault"] in str(told.value)
    else:
        assert [str(matcher) for matcher in parse_matchers(case["text"])] == case["matchers"]


@pytest.mark.parametrize("text", ["", "{a=b}", "a=b}", "{a=b", 'a="b",c="d"'])
def test_one_matcher_has_no_braces_and_is_alone(text: str) -> None:
    with pytest.raises(PharosError):
        parse_matcher(text)


def test_one_matcher_takes_what_no_list_does() -> None:
    assert parse_matcher("a=b,c") == Matcher("a", MatchOp.EQUAL, "b,c")
    assert parse_matcher('"a b"=~"c d"') == Matcher("a b", MatchOp.REGEX, "c d")


@pytest.mark.parametrize(
    ("op", "value", "yes", "no"),
    [
        (MatchOp.EQUAL, "", ["", None], ["x"]),
        (MatchOp.NOT_EQUAL, "x", ["", None, "X"], ["x"]),
        (MatchOp.REGEX, "a|bc", ["a", "bc"], ["ac", "abc", "a\n", "", None]),
        (MatchOp.REGEX, ".*", ["", None, "x"], ["x\ny"]),
        (MatchOp.REGEX, "(?s).*", ["x\ny"], []),
        (MatchOp.REGEX, "", ["", None], ["x"]),
        (MatchOp.NOT_REGEX, ".+", ["", None], ["x"]),
    ],
)
def test_a_whole_value_matches(op: MatchOp, value: str, yes: list[str | None], no: list[str | None]) -> None:
    matcher = Matcher("a", op, value)
    for values, verdict in ((yes, True), (no, False)):
        for one in values:
            labels = {} if one is None else {"a": one}
            assert matches_all([matcher], labels) is verdict, one


def test_matchers_are_sorted_by_name_value_and_operator() -> None:
    texts = ['b="1"', 'a="2"', 'a=~"1"', 'a="1"', 'B="1"', 'a!="1"']
    assert [str(one) for one in in_order(map(parse_matcher, texts))] == [
        'B="1"',
        'a="1"',
        'a!="1"',
        'a=~"1"',
        'a="2"',
        'b="1"',
    ]


NAMES = st.from_regex("[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True) | st.text(min_size=1, max_size=8)
VALUES = st.text(max_size=12)


@given(
    NAMES.filter(lambda name: name.isprintable()), st.sampled_from([MatchOp.EQUAL, MatchOp.NOT_EQUAL]), VALUES
)
def test_what_is_printed_is_read_again(name: str, op: MatchOp, value: str) -> None:
    matcher = Matcher(name, op, value)
    assert parse_matchers(f"{{{matcher}}}") == (matcher,)


@given(st.text(max_size=30) | st.text('{}=!~,"\\ ab\n', max_size=16))
def test_any_text_is_read_or_refused(text: str) -> None:
    for reader in (parse_matchers, parse_matcher):
        with suppress(PharosError):
            reader(text)


@pytest.mark.parametrize(
    "text",
    [
        "a=" + " " * 500_000 + "x",
        '"' + "\\" * 500_001,
        "a," * 100_000,
        "{" * 500_000,
        'a="' + "x" * 900_000 + '"',
    ],
)
def test_a_hostile_text_costs_no_more_than_its_length(text: str) -> None:
    with pytest.raises(PharosError) as told:
        parse_matchers(text + '"')
    assert len(str(told.value)) < 1000
