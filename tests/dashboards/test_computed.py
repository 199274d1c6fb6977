"""What is computed of answers, and what series are called."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pharos.dashboards.answer.expressions import compute
from pharos.dashboards.answer.frames import Frame, SeriesFrame, Ticks
from pharos.dashboards.answer.legend import legends
from pharos.errors import Kind, PharosError

NAN = float("nan")


def frame(ref: str, rows: dict[str, list[float]], step_ms: int = 1000) -> SeriesFrame:
    values = np.array(list(rows.values()), np.float64)
    labels = [{"host": name} if name else {} for name in rows]
    return SeriesFrame(ref, Ticks(0, step_ms, values.shape[1]), list(rows), labels, values, ~np.isnan(values))


KNOWN: dict[str, list[Frame]] = {
    "A": [frame("A", {"a": [1, 2, NAN, 4], "b": [10, 20, 30, 40]})],
    "B": [frame("B", {"b": [1, 1, 1, 1], "a": [2, 2, 2, 2]})],
    "C": [frame("C", {"": [3, 0, 3, 0]})],
}


def shown(found: list[Frame]) -> dict[str, list[float | None]]:
    rows = {}
    for one in found:
        assert isinstance(one, SeriesFrame)
        for place, labels in enumerate(one.labels):
            pairs = zip(one.values[place].tolist(), one.present[place].tolist(), strict=True)
            rows[labels.get("host", "")] = [value if there else None for value, there in pairs]
    return rows


@pytest.mark.parametrize(
    ("expression", "rows"),
    [
        ("$A + $B", {"a": [3, 4, None, 6], "b": [11, 21, 31, 41]}),
        ("$A * 2 - 1", {"a": [1, 3, None, 7], "b": [19, 39, 59, 79]}),
        ("${A} > $C", {"a": [0, 1, None, 1], "b": [1, 1, 1, 1]}),
        ("-$C ** 2", {"": [9, 0, 9, 0]}),
        ("abs(1 - $C) && 1", {"": [1, 1, 1, 1]}),
        ("is_null($A)", {"a": [0, 0, 1, 0], "b": [0, 0, 0, 0]}),
        ("2 * (3 + 4) % 4", {"": [2]}),
        ("!0 || nan()", {"": [1]}),
    ],
)
def test_math_joins_series_by_their_labels(expression: str, rows: dict[str, Any]) -> None:
    found = compute({"type": "math", "refId": "X", "expression": expression}, KNOWN)
    assert shown(found) == rows
    assert {one.ref for one in found} == {"X"}


@pytest.mark.parametrize(
    ("reducer", "a"),
    [("mean", 7 / 3), ("sum", 7), ("min", 1), ("max", 4), ("count", 3), ("last", 4), ("median", 2)],
)
def test_series_are_reduced_to_a_number_each(reducer: str, a: float) -> None:
    found = compute({"type": "reduce", "refId": "X", "expression": "A", "reducer": reducer}, KNOWN)
    assert shown(found)["a"] == [pytest.approx(a)]


def test_series_are_put_on_wider_steps_and_compared() -> None:
    wide = compute(
        {"type": "resample", "refId": "X", "expression": "A", "window": "2s", "downsampler": "max"}, KNOWN
    )
    assert shown(wide) == {"a": [2, 4], "b": [20, 40]}
    limit = {"evaluator": {"type": "within_range", "params": [1, 30]}}
    met = compute({"type": "threshold", "refId": "X", "expression": "A", "conditions": [limit]}, KNOWN)
    assert shown(met)["b"] == [1, 1, 0, 0]


@pytest.mark.parametrize(
    "target",
    [
        {"type": "math", "expression": "$A +"},
        {"type": "math", "expression": "$Z"},
        {"type": "math", "expression": "nothing(1)"},
        {"type": "math", "expression": "(" * 100},
        {"type": "math", "expression": "1 2"},
        {"type": "math", "expression": "1 # 2"},
        {"type": "math", "expression": "1" * 3000},
        {"type": "reduce", "expression": "A", "reducer": "mode"},
        {"type": "resample", "expression": "A", "window": ""},
        {"type": "classic_conditions"},
        {"type": "sql"},
    ],
)
def test_what_cannot_be_computed_says_why(target: dict[str, Any]) -> None:
    with pytest.raises(PharosError) as caught:
        compute({"refId": "X", **target}, KNOWN)
    assert caught.value.kind in {Kind.INVALID, Kind.UNSUPPORTED, Kind.LIMITED}


def test_series_are_called_as_the_legend_says() -> None:
    labels = [{"__name__": "up", "job": "a", "x": "1"}, {"__name__": "up", "job": "b", "x": "1"}]
    assert legends("{{job}} of {{ x }}{{none}}", labels, "up") == ["a of 1", "b of 1"]
    assert legends("", labels, "up") == ['up{job="a", x="1"}', 'up{job="b", x="1"}']
    assert legends("__auto", [{"job": "a"}, {"job": "b"}], "sum(up)") == ["a", "b"]
    assert legends("", [{}], "sum(up)") == ["sum(up)"]
