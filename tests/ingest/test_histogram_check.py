"""A native histogram is refused by the rule it breaks, and by none if it breaks none."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ingest import rw_messages as rw
from tests.ingest.rw_cases import PRESETS, STALE

from pharos.ingest.metrics import histogram_check as check


def fault_of(spec: dict[str, Any]) -> int:
    message = rw.histogram(spec, rw.V1["Histogram"]())
    raw = np.frombuffer(b"\xff" * 9 + message.SerializeToString() + b"\xff" * 9, dtype=np.uint8)
    return int(check.histogram_fault(raw, 9, len(raw) - 9))


CUSTOM = PRESETS["custom"]
FULL = PRESETS["full"]
FLOATS = PRESETS["floats"]

GOOD: list[dict[str, Any]] = [
    *(spec for name, spec in PRESETS.items() if not name.startswith(("bad_", "negative_count"))),
    {**FULL, "count_int": 99, "sum": math.nan},
    {"sum": STALE},
    {**FULL, "schema": 8},
    {**FULL, "schema": -4},
    {**FULL, "positive_spans": [[-7, 3], [2, 2]]},
    {**FULL, "positive_spans": [[0, 3], [0, 0], [2, 2]]},
    {**FULL, "zero_threshold": 0.001, "reset_hint": 3, "start_timestamp": 7},
    {**FLOATS, "count_float": 1.0},
    {**CUSTOM, "positive_spans": [[1, 6]]},
]
BAD: list[tuple[dict[str, Any], int]] = [
    ({**FULL, "count_int": 26}, check.WRONG_COUNT),
    ({**FULL, "count_int": 28}, check.WRONG_COUNT),
    ({**FULL, "count_int": 26, "sum": math.nan}, check.WRONG_COUNT),
    ({**FULL, "positive_deltas": [1, 2, 1, 3, -8]}, check.NEGATIVE_BUCKET),
    ({**FLOATS, "positive_counts": [1.0, -2.0]}, check.NEGATIVE_BUCKET),
    ({**FULL, "positive_spans": [[0, 3], [2, 1]]}, check.WRONG_SPANS),
    ({**FULL, "negative_spans": [[0, 2**32 - 1]]}, check.WRONG_SPANS),
    ({**FLOATS, "positive_counts": [1.0]}, check.WRONG_SPANS),
    ({**FULL, "positive_spans": [[0, 3], [-1, 2]]}, check.NEGATIVE_OFFSET),
    ({**CUSTOM, "positive_spans": [[-1, 6]]}, check.NEGATIVE_OFFSET),
    ({**FULL, "schema": 9}, check.WRONG_SCHEMA),
    ({**FULL, "schema": -5}, check.WRONG_SCHEMA),
    ({**FULL, "custom_values": [1.0]}, check.WRONG_BOUNDS),
    ({**CUSTOM, "custom_values": [0.1, 0.5, 1.0, 2.5]}, check.WRONG_BOUNDS),
    ({**CUSTOM, "custom_values": [0.1, 0.5, 0.5, 2.5, 5.0, 10.0]}, check.WRONG_BOUNDS),
    ({**CUSTOM, "custom_values": [0.1, 0.5, math.nan, 2.5, 5.0, 10.0]}, check.WRONG_BOUNDS),
    ({**CUSTOM, "custom_values": [0.1, 0.5, 1.0, 2.5, 5.0, math.inf]}, check.WRONG_BOUNDS),
    ({**CUSTOM, "zero_count_int": 1, "count_int": 31}, check.CUSTOM_WITH_MORE),
    ({**CUSTOM, "zero_threshold": 0.1}, check.CUSTOM_WITH_MORE),
    ({**CUSTOM, "negative_spans": [[0, 1]], "negative_deltas": [0]}, check.CUSTOM_WITH_MORE),
]


@pytest.mark.parametrize("spec", GOOD, ids=range(len(GOOD)))
def test_a_good_histogram_is_taken(spec: dict[str, Any]) -> None:
    assert fault_of(spec) == 0


@pytest.mark.parametrize(("spec", "fault"), BAD, ids=range(len(BAD)))
def test_a_bad_histogram_is_refused_by_the_rule_it_breaks(spec: dict[str, Any], fault: int) -> None:
    assert check.FAULTS[fault_of(spec)] == check.FAULTS[fault]


@settings(max_examples=500)
@given(
    st.binary(max_size=80)
    | st.sampled_from(GOOD).map(lambda s: rw.histogram(s, rw.V1["Histogram"]()).SerializeToString()),
    st.integers(0, 80),
)
def test_any_bytes_are_judged_without_reading_past_them(content: bytes, cut: int) -> None:
    content = content[:cut]
    answers = set()
    for poison in (b"\0", b"\xff"):
        raw = np.frombuffer(poison * 16 + content + poison * 16, dtype=np.uint8)
        answers.add(int(check.histogram_fault(raw, 16, 16 + len(content))))
    assert len(answers) == 1
    assert answers <= {0, *check.FAULTS}
