"""The requirements' own rules load as they stand, and each of their alerts fires on made data."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.peers import CONFORMANCE

from pharos.rules.spec import duplicates, load_rules
from pharos.rules.unit_test import run_unit_tests

RULES = CONFORMANCE.parent / "requirements/files/dwcp-production/prometheus-alerts.yml"


@pytest.mark.needs("conformance")
def test_all_alerts_of_the_requirements_fire(tmp_path: Path) -> None:
    file = load_rules(RULES)
    assert sum(len(group.rules) for group in file.groups) == 15
    assert not list(duplicates(file))
    path = tmp_path / "test.yml"
    cases = Path(__file__).parent / "cases/dwcp.yml"
    path.write_text(cases.read_text().replace("[RULES]", f"['{RULES}']"))
    verdict = run_unit_tests(path)
    assert (verdict.faults, [one.faults for one in verdict.tests]) == ((), [()])
