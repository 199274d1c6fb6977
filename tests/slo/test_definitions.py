"""Objectives as a form has them: what is made of each kind, and every fault by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pharos.document import FaultsError
from pharos.errors import PharosError
from pharos.rules.spec import group_of, plain_group
from pharos.slo.definition import read_definition
from pharos.slo.kept import Known, require_free
from pharos.slo.objective import DAY_MS
from pharos.slo.ratios import bad_and_total

_CASES = yaml.safe_load((Path(__file__).parent / "cases" / "definitions.yml").read_text())
_COMMON = _CASES["common"]
_OURS = {"name", "bad", "total", "says"}


def _plain(case: dict[str, Any]) -> dict[str, Any]:
    return {**_COMMON, **{key: value for key, value in case.items() if key not in _OURS}}


@pytest.mark.parametrize("case", _CASES["good"], ids=lambda case: case["name"])
def test_a_definition_becomes_rules(case: dict[str, Any]) -> None:
    found = read_definition(_plain(case), "one")
    bad, total = bad_and_total(found.objective.indicator, "5m")
    assert case.get("bad", bad) == bad
    assert case.get("total", total) == total
    known = Known(found)
    assert known.objective.id == "shop-one"
    for group in known.groups():
        # What is checked where rule files are read holds for them too.
        assert group_of(plain_group(group), group.name).rules == group.rules


@pytest.mark.parametrize("case", _CASES["faults"], ids=lambda case: case["name"])
def test_every_fault_is_told(case: dict[str, Any]) -> None:
    common = _COMMON if case["definition"] else {}
    with pytest.raises(FaultsError) as told:
        read_definition({**common, **case["definition"]}, "one")
    text = "\n".join(str(one) for one in told.value.faults)
    for part in case["says"]:
        assert part in text


def test_windows_roll_or_follow_the_calendar() -> None:
    rolling = read_definition({**_COMMON, "window": "7d", "indicator": _CASES["good"][0]["indicator"]}, "one")
    assert (rolling.objective.period_ms, rolling.objective.calendar) == (7 * DAY_MS, None)
    month = read_definition(_plain(_CASES["good"][8]), "one").objective
    assert month.calendar is not None
    assert (month.calendar.months, str(month.calendar.start)) == (1, "2026-01-01 00:00:00+01:00")


def test_no_two_objectives_have_one_id() -> None:
    one = read_definition(_plain(_CASES["good"][0]), "b-c")
    other = read_definition({**_plain(_CASES["good"][0]), "service": "shop-b"}, "c")
    with pytest.raises(PharosError, match="shop-b-c"):
        require_free([Known(one)], other)
