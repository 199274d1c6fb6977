"""What queries derive of the labels of a selection is derived once, and is what they would derive alone."""

from __future__ import annotations

import pytest

from pharos.labels import Labels
from pharos.promql.aggregate import grouped
from pharos.promql.values_labels import SharedLabels, all_without_name, as_list, metric_names

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
    assert as_list(shared) is shared


@pytest.mark.parametrize("count", [1, 7, 30])
def test_few_derivations_are_remembered(count: int) -> None:
    shared = SharedLabels(_LABELS)
    for number in range(count):
        assert shared.derived(number, len) == len(_LABELS)
    assert len(shared._derived) <= 8
