"""How series match is the same whether their labels are shared between queries or not."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pharos.labels import Labels
from pharos.promql.grids.grid_labels import SharedLabels
from pharos.promql.grids.matching import match, match_groups
from pharos.promql.language.ast import Cardinality, Matching

NAMES = ("a", "b", "c")
SERIES = st.dictionaries(st.sampled_from(NAMES), st.sampled_from("xyz"), max_size=3)
SIDE = st.lists(
    st.tuples(st.sampled_from(["m", "n"]), SERIES).map(
        lambda one: (("__name__", one[0]), *sorted(one[1].items()))
    ),
    max_size=8,
    unique=True,
)
RIGHTS = st.lists(SIDE, min_size=1, max_size=3)
SOME_NAMES = st.lists(st.sampled_from(NAMES), max_size=2, unique=True).map(tuple)
MATCHING = st.builds(
    Matching,
    card=st.sampled_from([Cardinality.ONE_TO_ONE, Cardinality.MANY_TO_ONE]),
    on=st.booleans(),
    labels=SOME_NAMES,
    include=SOME_NAMES,
)


@settings(max_examples=300)
@given(
    SIDE, st.lists(SIDE, min_size=1, max_size=3), st.lists(MATCHING, min_size=1, max_size=3), st.booleans()
)
def test_what_is_remembered_of_shared_labels_is_what_would_be_found(
    left: list[Labels], rights: list[list[Labels]], rules: list[Matching], nameless: bool
) -> None:
    shared_left, shared_rights = SharedLabels(left), [SharedLabels(right) for right in rights]
    for _ in range(2):
        for right, shared_right in zip(rights, shared_rights, strict=True):
            for rule in rules:
                apart = match_groups(left, right, rule)
                groups = match_groups(shared_left, shared_right, rule)
                plain = match(left, right, apart, rule, nameless=nameless)
                found = match(shared_left, shared_right, groups, rule, nameless=nameless)
                assert list(found.labels) == list(plain.labels)
                for name in ("many", "one", "groups"):
                    np.testing.assert_array_equal(getattr(found, name), getattr(plain, name))
                assert found.is_result_unique == plain.is_result_unique
                np.testing.assert_array_equal(groups.left, apart.left)
                np.testing.assert_array_equal(groups.right, apart.right)
                assert groups.is_right_unique == apart.is_right_unique
                assert groups.pairs() == len(plain.many)


def test_shared_labels_are_matched_once() -> None:
    left = SharedLabels([(("__name__", "m"), ("a", "x"))])
    right = SharedLabels([(("__name__", "n"), ("a", "x"))])
    rule = Matching(on=True, labels=("a",))
    groups = match_groups(left, right, rule)
    assert match_groups(left, right, rule) is groups
    first = match(left, right, groups, rule, nameless=True)
    assert match(left, right, groups, rule, nameless=True) is first
    assert match(left, SharedLabels(right), groups, rule, nameless=True) is not first
