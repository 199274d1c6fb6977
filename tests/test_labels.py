"""Label sets and matchers, as Prometheus' data model has them."""

from __future__ import annotations

import pytest

from pharos.errors import Kind, PharosError
from pharos.labels import Matcher, MatchOp, compile_regex, labels_of


def test_labels_are_sorted_and_empty_ones_are_none() -> None:
    wanted = (("__name__", "up"), ("b", "2"))
    assert labels_of({"b": "2", "a": "", "__name__": "up"}) == wanted
    assert labels_of([("b", "2"), ("__name__", "up")]) == wanted


@pytest.mark.parametrize(
    ("op", "pattern", "value", "matches"),
    [
        (MatchOp.EQUAL, "a", "a", True),
        (MatchOp.EQUAL, "a", "", False),
        (MatchOp.EQUAL, "", "", True),
        (MatchOp.NOT_EQUAL, "a", "", True),
        (MatchOp.REGEX, "a|b", "b", True),
        (MatchOp.REGEX, "a", "ab", False),
        (MatchOp.REGEX, ".*", "", True),
        (MatchOp.REGEX, ".+", "", False),
        (MatchOp.REGEX, "a.b", "a\nb", True),
        (MatchOp.REGEX, "(?i)AB", "ab", True),
        (MatchOp.NOT_REGEX, "a.*", "abc", False),
        (MatchOp.NOT_REGEX, "a.*", "", True),
    ],
)
def test_a_matcher_looks_at_the_whole_value(op: MatchOp, pattern: str, value: str, matches: bool) -> None:
    matcher = Matcher("l", op, pattern)
    assert matcher.matches(value) is matches
    if not value:
        assert matcher.matches_empty() is matches


@pytest.mark.parametrize("pattern", ["(", "a**", "(?=a)", r"\1", "\ud800"])
def test_a_bad_pattern_is_refused_by_name(pattern: str) -> None:
    with pytest.raises(PharosError) as raised:
        compile_regex(pattern)
    assert raised.value.kind is Kind.INVALID
    assert repr(pattern) in raised.value.message
