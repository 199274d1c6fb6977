"""The table of functions says what is true of each, and each is computed in one place."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.promql.promqltest_language import Point
from tests.promql.promqltest_source import MemorySource, Row

from pharos.promql.answer import evaluate_text
from pharos.promql.calls import buckets, histogram_ranges, histograms, labels, ranges, vectors
from pharos.promql.evaluate import ABSENCE, OF_THE_QUERY, EvalOptions
from pharos.promql.language.ast import ValueType
from pharos.promql.language.functions import FUNCTIONS, Function

LABELS = (("__name__", "m"), ("l", "v"))
TABLES = (
    vectors.FUNCTIONS,
    labels.FUNCTIONS,
    buckets.FUNCTIONS,
    histograms.FUNCTIONS,
    ranges.KERNELS,
    OF_THE_QUERY,
    {ABSENCE},
)


def test_each_function_is_computed_in_one_place() -> None:
    assert Counter(name for table in TABLES for name in table) == Counter(list(FUNCTIONS))


def test_range_functions_that_take_histograms_have_a_rule_for_them() -> None:
    ruled = set(histogram_ranges.RULES)
    assert ruled == {name for name in ranges.KERNELS if not FUNCTIONS[name].floats_only}


def _call(function: Function) -> str:
    """Return a call over `m`, or nothing for a function that takes no vector."""
    texts = {
        ValueType.VECTOR: "m",
        ValueType.MATRIX: "m[5m]",
        ValueType.SCALAR: "0.5",
        ValueType.STRING: '"l"',
    }
    args = [texts[kind] for kind in function.args[: max(function.least, 1)]]
    if function.name == "label_replace":
        args = ["m", '"l"', '"x"', '"l"', '"nothing"']
    return f"{function.name}({', '.join(args)})"


OVER_SERIES = [
    function
    for function in FUNCTIONS.values()
    if function.returns is ValueType.VECTOR
    and (ValueType.VECTOR in function.args or ValueType.MATRIX in function.args)
    and not function.name.startswith(("histogram_", "absent"))
    and function.name not in {"start_timestamp", "info"}  # of samples with start times, of two metrics
]


@pytest.mark.parametrize("function", OVER_SERIES, ids=lambda function: function.name)
def test_the_name_is_kept_as_the_table_says(function: Function) -> None:
    source = MemorySource()
    for minute in range(1, 11):
        source.rows.setdefault(LABELS, {})[minute * 60_000] = Row(minute * 60_000, Point(float(minute)), 0)
    answer = evaluate_text(_call(function), source, 600_000, 600_000, 0, options=EvalOptions())
    assert len(answer.labels) == 1
    assert (LABELS[0] in answer.labels[0]) == function.keeps_name
