"""Checks of health beside what happened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pharos.related.checks import Checked, checks_in
from pharos.related.resource import resource_of
from pharos.state.health import ChangeRow

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "checks.yaml").read_text())
KNOWN = {
    "home": Checked("Home page", (("service", "shop"),)),
    "cart": Checked("", ()),
    "port": Checked("", (), host="web-1"),
    "part": Checked("", (), component="shop"),
    "theirs": Checked("", (("service", "billing"),), host="web-9"),
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_checks_that_changed_or_were_down_are_told_with_the_reason(case: dict[str, Any]) -> None:
    changes = [
        ChangeRow("default", name, at_ms, was, became, f"{name} {became}")
        for at_ms, name, was, became in sorted(case["changes"], reverse=True)
    ]
    resource = resource_of([("service", "shop"), ("host", "web-1")])
    found = checks_in(changes, KNOWN, resource, 100, 200)
    assert [[one.name, one.became, one.reason.value] for one in found] == case["told"]
    assert all(one.title == (KNOWN[one.name].title or one.name) for one in found)
