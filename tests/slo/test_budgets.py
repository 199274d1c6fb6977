"""The arithmetic of budgets, over traffic that is made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.peers import CONFORMANCE

from pharos.document import FaultsError
from pharos.slo.simulation import Point, read_case, simulate

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "cases/simulations.yml").read_text())
KIT = CONFORMANCE / "slo/burnrate/cases.yaml"
_MINUTE_MS = 60_000


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_a_budget_goes_as_its_events_do(case: dict[str, Any]) -> None:
    found = simulate(read_case(case["case"], "a.yml"))
    states = [point.state for point in found.points]
    assert [state.remaining for state in states] == pytest.approx(case["remaining"], abs=1e-6)
    assert _near([state.burn_rate for state in states], case["burn_rate"])
    assert [state.is_met for state in states] == case["is_met"]
    minutes = [state.exhausted_in_ms and state.exhausted_in_ms / _MINUTE_MS for state in states]
    assert _near(minutes, case["exhausted_in_minutes"])
    told = [
        [one.severity, one.fires_ms // 1000, one.clears_ms and one.clears_ms // 1000] for one in found.alerts
    ]
    assert told == case["alerts"]


def _near(found: list[float | None], wanted: list[float | None]) -> bool:
    pairs = zip(found, wanted, strict=True)
    return all(one == (None if other is None else pytest.approx(other, abs=1e-6)) for one, other in pairs)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("traffic: []", "slo must be set"),
        ("slo: {objective: 99}", "traffic must be set"),
        ("{slo: {objective: 99}, traffic: [{for: 1h, total: 1, errors: 2}]}", "errors of at most its total"),
        ("{slo: {objective: 99}, traffic: [{for: 9999d, total: 1}], step_s: 1}", "make step_s larger"),
        ("{slo: {objective: 99, budgeting: hours}, traffic: [{for: 1h}]}", "'hours' is not one of"),
        (
            "{slo: {objective: 99}, traffic: [{for: 1h}], gaps: [[2h, 1h]]}",
            "a gap is from one time to a later",
        ),
        ("{slo: {objective: 99}, traffic: [{for: 1h}], step_s: 0}", "have to be above 0"),
    ],
)
def test_a_simulation_that_is_wrong_is_refused_with_its_line(text: str, told: str) -> None:
    with pytest.raises(FaultsError, match=told):
        read_case(text, "a.yml")


@pytest.mark.needs("conformance")
def test_the_kit_counts_alike() -> None:
    cases: list[dict[str, Any]] = yaml.safe_load(KIT.read_text())
    for case in cases:
        wanted = case.pop("expect")
        found = simulate(read_case(yaml.safe_dump(case), "kit.yml"))
        for point, numbers in zip(found.points, wanted["points"], strict=True):
            _check(case["name"], point, numbers)
        told = [(one.severity, one.fires_ms // 1000) for one in found.alerts]
        assert told == [(one["severity"], one["fires_at_s"]) for one in wanted["alerts"]], case["name"]
    assert cases


def _check(name: str, point: Point, numbers: dict[str, Any]) -> None:
    state = point.state
    assert state.remaining == pytest.approx(numbers["budgetRemaining"], rel=0.02, abs=0.001), name
    assert state.is_met == numbers["sloCompliance"], name
    assert (state.burn_rate is None) == (numbers["budgetBurnRate"] is None), name
    if state.burn_rate is not None:
        assert state.burn_rate == pytest.approx(numbers["budgetBurnRate"], rel=0.02, abs=0.001), name
