"""What queries derive of the labels of a selection is derived once, and is what they would derive alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pharos.labels import Labels, labels_of
from pharos.promql.grids.grid_labels import (
    SharedLabels,
    all_without_name,
    fixed_labels,
    label_value,
    metric_names,
    put_labels,
)
from pharos.promql.operators.aggregate import grouped

_LABELS: list[Labels] = [
    (("__name__", name), ("i", str(i)), ("job", f"job-{i % 3}")) for name in ("a", "b") for i in range(9)
]


def test_names_and_groups_are_those_of_a_plain_list() -> None:
    shared = SharedLabels(_LABELS)
    for _ in range(2):
        assert all_without_name(shared) == all_without_name(_LABELS)
        assert metric_names(shared) == {"a", "b"}
        for names, without in ((("job",), False), (("i",), True), ((), True)):
            mine, plain = (grouped(ls, names, without=without) for ls in (shared, _LABELS))
            assert mine.labels == plain.labels
            assert mine.numbers.tolist() == plain.numbers.tolist()
    assert list(shared) == _LABELS


def test_what_was_derived_is_not_derived_again() -> None:
    shared = SharedLabels(_LABELS)
    nameless = all_without_name(shared)[0]
    assert all_without_name(shared)[0] is nameless
    assert grouped(nameless, ("job",), without=False) is grouped(nameless, ("job",), without=False)
    assert fixed_labels(shared) is shared


@pytest.mark.parametrize("count", [1, 7, 30])
def test_few_derivations_are_remembered(count: int) -> None:
    shared = SharedLabels(_LABELS)
    made: list[int] = []

    def count_made(labels: Sequence[Labels]) -> int:
        made.append(len(labels))
        return len(labels)

    for number in [*range(count), *reversed(range(count))]:
        assert shared.derived(number, count_made) == len(_LABELS)
    # What was not remembered is made twice.
    assert 1 <= 2 * count - len(made) <= 8


_SETS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from("xy"), max_size=4).map(labels_of)


@given(
    st.lists(st.tuples(_SETS, _SETS), max_size=6), st.lists(st.sampled_from("abce"), max_size=3, unique=True)
)
def test_labels_are_put_in_one_by_one_whether_or_not_series_look_alike(
    pairs: list[tuple[Labels, Labels]], names: list[str]
) -> None:
    many, one = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    wanted = [labels_of({**dict(mine), **{n: label_value(other, n) for n in names}}) for mine, other in pairs]
    assert put_labels(many, one, names) == wanted
