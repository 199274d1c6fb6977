"""What Prometheus keeps behind flags: understood with `promql.experimental` and without it."""

from __future__ import annotations

import pytest

from pharos.promql.language.functions import AGGREGATORS, FUNCTIONS
from pharos.query.metrics.query import parse_query

MODIFIERS = [
    "x[1m * 2]",
    "x[(1m)]",
    "x offset step()",
    "x[5m] anchored",
    "x smoothed",
    "x + fill(0) y",
    "x + on (a) fill_left(0) fill_right(1) y",
    "rate(x[range()])",
]
"""An example of each feature that is neither a function nor an aggregation."""


def test_every_experimental_function_is_understood() -> None:
    names = [function.name for function in FUNCTIONS.values() if function.experimental]
    assert len(names) == 17
    examples = {
        "max_of": "max_of(1, 2)",
        "min_of": "min_of(1, 2)",
        "start": "start()",
        "end": "end()",
        "range": "range()",
        "step": "step()",
        "info": "info(x)",
        "sort_by_label": 'sort_by_label(x, "a")',
        "sort_by_label_desc": 'sort_by_label_desc(x, "a")',
        "histogram_quantiles": 'histogram_quantiles(x, "q", 0.5)',
        "start_timestamp": "start_timestamp(x)",
        "double_exponential_smoothing": "double_exponential_smoothing(x[5m], 0.5, 0.5)",
    }
    for name in names:
        parse_query(examples.get(name, f"{name}(x[5m])"))


def test_every_experimental_aggregation_is_understood() -> None:
    names = [aggregator.name for aggregator in AGGREGATORS.values() if aggregator.experimental]
    assert names == ["limit_ratio", "limitk"]
    for name in names:
        parse_query(f"{name}(1, x)")


@pytest.mark.parametrize("text", MODIFIERS)
def test_every_experimental_modifier_is_understood(text: str) -> None:
    parse_query(text)
