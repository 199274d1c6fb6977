"""What changed in a time: which series are said to have, by how much, and which moved together."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from pharos.judgement.changes import Changes, find_changes

CASES = yaml.safe_load((Path(__file__).parent / "cases" / "changes.yaml").read_text())
STEPS, SPLIT, STEP_S, WINDOW = 240, 200, 15.0, 8
Floats = NDArray[np.float64]


def made(kind: str, by: float, seed: int = 7) -> Floats:
    """Return the values of a series."""
    return np.asarray(_made(kind, by, seed), np.float64)


def _made(kind: str, by: float, seed: int) -> Any:
    chance = np.random.default_rng(seed)
    steps = np.arange(STEPS)
    late = steps >= SPLIT
    match kind:
        case "step":
            return chance.normal(100, 5, STEPS) + by * late
        case "constant":
            return 5.0 + by * late
        case "ramp":
            return 100 + steps / 10 + chance.normal(0, 1, STEPS)
        case "counter":
            return np.cumsum(chance.poisson(50 * (1 + by * late))).astype(np.float64)
        case "reset":
            counted = np.cumsum(chance.poisson(50, STEPS)).astype(np.float64)
            return np.where(steps < 90, counted, counted - counted[89])
        case "new_counter":
            return np.where(late, np.cumsum(late) * 10.0, math.nan)
        case _:
            return np.where(late, math.nan, chance.normal(100, 5, STEPS))


def judged(*rows: Floats, counters: bool = False, reference: Floats | None = None) -> Changes:
    return find_changes(
        np.asarray(rows, np.float64),
        SPLIT,
        STEP_S,
        WINDOW,
        np.full(len(rows), counters),
        np.full(STEPS, math.nan) if reference is None else reference,
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_change_is_told_from_none(case: dict[str, Any]) -> None:
    kind = case["kind"]
    found = judged(made(kind, case.get("by", 0)), counters=kind in {"reset", "new_counter"})
    score = found.scores[0]
    assert case.get("score", 0) <= score <= case.get("below", 1)
    if "direction" in case:
        assert ("up" if found.during[0] > found.before[0] else "down") == case["direction"]
        assert SPLIT <= found.first[0] < SPLIT + 10
    assert bool(found.is_counter[0]) == (kind in {"counter", "reset", "new_counter"})


def test_rates_of_counters_are_a_second() -> None:
    found = judged(made("counter", 2))
    assert found.before[0] == pytest.approx(50 / STEP_S, rel=0.1)
    assert found.during[0] == pytest.approx(150 / STEP_S, rel=0.1)


def test_series_that_move_together_are_found_with_a_delay_too() -> None:
    cause = made("step", 30, seed=1)
    late = np.concatenate([np.full(3, 100.0), cause[:-3]])
    other = made("step", 0, seed=2)
    found = judged(cause, 500 - late, other, np.full(STEPS, 3.0), reference=cause)
    assert found.correlations[0] == pytest.approx(1)
    assert found.correlations[1] < -0.95
    assert abs(found.correlations[2]) < 0.3
    assert math.isnan(found.correlations[3])


def test_values_are_left_as_they_were_given() -> None:
    values = made("counter", 2)
    kept = values.copy()
    judged(values)
    assert (values == kept).all()
