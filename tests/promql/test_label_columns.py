"""Labels as columns say what the same labels as tuples say."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.promql.columns import columns_of
from tests.promql.promqltest import run_eval
from tests.promql.promqltest_language import Eval
from tests.promql.promqltest_source import MemorySource
from tests.promql.test_eval_promqltest import cases
from tests.promql.test_matching import MATCHING, SIDE

from pharos.labels import Labels, Matcher, labels_of
from pharos.promql.grids.grid_labels import (
    all_without_name,
    has_duplicates,
    join_labels,
    keep_labels,
    leave_labels,
    metric_names,
    number_both,
    number_labels,
    put_labels,
    take_labels,
)
from pharos.promql.grids.label_columns import LabelColumns
from pharos.promql.grids.matching import match, match_groups
from pharos.promql.language.ast import Matching
from pharos.promql.source import SeriesBlock
from pharos.query.metrics.label_table import LabelTable, warm_up

_NAMES = ("__name__", "__type__", "a", "b", "ab", "ä")
_TEXT = st.text(alphabet="xyä<\n0123456789abcdef", max_size=20)
_SETS = st.dictionaries(st.sampled_from(_NAMES), _TEXT, max_size=5).map(labels_of)
_LISTS = st.lists(_SETS, max_size=12)
_SOME = st.lists(st.sampled_from(_NAMES), max_size=3, unique=True)


@given(_LISTS, _LISTS, _SOME)
def test_columns_say_what_tuples_say(labels: list[Labels], others: list[Labels], names: list[str]) -> None:
    table = LabelTable(seed=1)
    columns, other_columns = columns_of(labels, table), columns_of(others, table)
    assert list(columns) == labels
    assert [columns[i] for i in range(len(labels))] == labels
    assert list(columns[1:3]) == labels[1:3]
    assert list(columns.ordered()) == sorted(labels)
    fewer = columns.without(names)
    assert list(fewer.ordered()) == sorted(fewer)
    assert list(keep_labels(columns, names)) == keep_labels(labels, names)
    assert list(leave_labels(columns, names)) == leave_labels(labels, names)
    assert list(all_without_name(columns)[0]) == list(all_without_name(labels)[0])
    assert metric_names(columns) == metric_names(labels)
    assert has_duplicates(columns) == has_duplicates(labels)
    numbers, distinct = number_labels(columns)
    plain, plain_distinct = number_labels(labels)
    assert numbers.tolist() == plain.tolist()
    assert list(distinct) == plain_distinct
    backwards = np.arange(len(labels))[::-1]
    assert list(take_labels(columns, backwards)) == labels[::-1]
    assert list(join_labels([columns, other_columns])) == labels + others
    for left, right in ((columns, other_columns), (columns, others), (labels, other_columns)):
        both = number_both(left, right)
        wanted = number_both(labels, others)
        assert (both[0].tolist(), both[1].tolist(), both[2]) == (
            wanted[0].tolist(),
            wanted[1].tolist(),
            wanted[2],
        )
    beside = (others * len(labels))[: len(labels)]
    if beside:
        rows = (list(range(len(others))) * len(labels))[: len(labels)]
        put = put_labels(labels, beside, names)
        assert list(put_labels(columns, other_columns.take(np.array(rows)), names)) == put
        assert list(put_labels(columns, beside, names)) == put


@given(_LISTS)
def test_series_that_may_be_the_same_without_their_name_are_told(labels: list[Labels]) -> None:
    distinct = list(dict.fromkeys(labels))
    nameless, may_repeat = all_without_name(columns_of(distinct))
    assert may_repeat or not has_duplicates(list(nameless))


@settings(max_examples=200)
@given(SIDE, SIDE, MATCHING, st.booleans(), st.booleans())
def test_columns_match_as_tuples_do(
    left: list[Labels], right: list[Labels], rule: Matching, nameless: bool, is_mixed: bool
) -> None:
    table = LabelTable(seed=2)
    sides: tuple[Sequence[Labels], Sequence[Labels]] = columns_of(left, table), columns_of(right, table)
    if is_mixed:
        sides = sides[0], right
    groups, apart = match_groups(*sides, rule), match_groups(left, right, rule)
    np.testing.assert_array_equal(groups.left, apart.left)
    np.testing.assert_array_equal(groups.right, apart.right)
    found = match(*sides, groups, rule, nameless=nameless)
    plain = match(left, right, apart, rule, nameless=nameless)
    assert list(found.labels) == list(plain.labels)
    assert found.is_result_unique == plain.is_result_unique


def test_the_labels_of_one_selection_are_matched_once() -> None:
    table = LabelTable(seed=3)
    left = columns_of([(("__name__", "m"), ("a", "x"))], table)
    right = columns_of([(("__name__", "n"), ("a", "x"))], table)
    rule = Matching(on=True, labels=("a",))
    groups = match_groups(left, right, rule)
    assert match_groups(left, right, rule) is groups
    assert match(left, right, groups, rule, nameless=True) is match(left, right, groups, rule, nameless=True)


class _InColumns(MemorySource):
    """A source whose selections have their labels in columns of one table."""

    def __init__(self, source: MemorySource) -> None:
        self.__dict__.update(source.__dict__)
        self._table = LabelTable(seed=4)

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesBlock:
        block = super().select(matchers, start_ms, end_ms)
        return replace(block, labels=columns_of(block.labels, self._table))


@pytest.mark.parametrize(
    ("asked", "source"), [pytest.param(asked, source, id=name) for name, asked, source in cases()]
)
def test_evals_over_columns_give_what_the_files_expect(asked: Eval, source: MemorySource) -> None:
    run_eval(asked, _InColumns(source))


def test_a_table_tells_the_code_of_a_text() -> None:
    table = LabelTable(seed=5)
    columns = columns_of([(("a", "x"), ("b", "y" * 100)), (("a", "y" * 100),)], table)
    assert columns.codes("b").tolist() == [table.code("y" * 100), -1]
    assert columns.codes("a").tolist() == [table.code("x"), table.code("y" * 100)]
    assert columns.codes("c").tolist() == [-1, -1]
    assert table.code("z") not in columns.codes("a")
    assert table.code("\udcff") not in columns.codes("a")


@pytest.mark.parametrize("count", [3, 100, 20_000])
def test_a_table_grows(count: int) -> None:
    labels: list[Labels] = [
        labels_of({"__name__": "m", f"n{i % 300}": str(i), "same": "s"}) for i in range(count)
    ]
    table = LabelTable(seed=6)
    before: LabelColumns | None = None
    for low in range(0, count, 7_000):
        found = columns_of(labels[low : low + 7_000], table)
        assert list(found) == labels[low : low + 7_000]
        before = found if before is None else before
    assert before is not None
    assert list(before) == labels[:7_000]  # as it was when it was made
    assert len(table) == count
    assert table.nbytes > 20 * count


def test_a_table_that_is_shared_shows_each_reader_whole_label_sets() -> None:
    table = LabelTable(seed=8)
    labels = [labels_of({"i": str(i), f"n{i % 7}": "x"}) for i in range(2_000)]
    columns_of(labels[:1_000], table)

    def read(first: int) -> bool:
        ids = np.arange(first, first + 500, dtype=np.uint64)
        return list(table.columns(table.rows(ids))) == labels[first : first + 500]

    with ThreadPoolExecutor(4) as pool:
        found = [pool.submit(read, first) for first in (0, 500, 0, 500)]
        columns_of(labels[1_000:], table)
        assert all(one.result() for one in found)
    assert read(1_500)


def test_every_kernel_of_columns_is_warmed_up() -> None:
    warm_up()
