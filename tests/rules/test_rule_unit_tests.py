"""Unit tests of rules: the kit's verdicts, and what is said of what is not as expected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.peers import CONFORMANCE

from pharos.rules.unit_test import FileVerdict, run_unit_tests

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "cases/unit_tests.yml").read_text())
KIT = CONFORMANCE / "alerting/rules"
LONG = ("test/kubernetes-monitoring/", "test/openshift/")


def kit_cases() -> list[dict[str, Any]]:
    path = KIT / "index.yml"
    if not path.is_file():
        return []
    return [case for case in yaml.safe_load(path.read_text())["cases"] if case["kind"] == "test"]


def run(folder: Path, files: dict[str, str]) -> FileVerdict:
    for name, text in files.items():
        (folder / name).write_text(text)
    return run_unit_tests(folder / "test.yml")


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_what_is_not_as_expected_is_told(case: dict[str, Any], tmp_path: Path) -> None:
    verdict = run(tmp_path, {"rules.yml": case.get("rules", ""), "test.yml": case["test"]})
    told = [*verdict.faults, *verdict.notices]
    assert [one.removeprefix(f"{tmp_path}/") for one in told] == case.get("told", [])
    assert [[*one.faults] for one in verdict.tests] == case.get("faults", [[]])
    assert verdict.passes is not bool(verdict.faults or any(case.get("faults", [])))


def test_a_test_that_needs_closed_windows_passes_with_a_note_and_fails_where_that_is_asked(
    tmp_path: Path,
) -> None:
    test = """
tests:
- name: old
  input_series: [{series: x, values: '1 2 3 4 5 6 7'}]
  promql_expr_test:
  - {expr: 'count_over_time(x[5m])', eval_time: 6m, exp_samples: [{labels: '{}', value: 6}]}
  - {expr: 'sum(count_over_time(x[2m:1m])) + x offset -4m', eval_time: 11m, exp_samples: []}
  - {expr: 'x', eval_time: 11m, exp_samples: [{labels: x, value: 7}]}
- name: new
  input_series: [{series: x, values: '1 2 3 4 5 6 7'}]
  promql_expr_test:
  - {expr: 'count_over_time(x[5m])', eval_time: 6m, exp_samples: [{labels: '{}', value: 5}]}
- name: wrong
  input_series: [{series: x, values: '1 2 3 4 5 6 7'}]
  promql_expr_test:
  - {expr: 'count_over_time(x[5m])', eval_time: 6m, exp_samples: [{labels: '{}', value: 7}]}
"""
    verdict = run(tmp_path, {"test.yml": test})
    assert [(one.is_of_old, bool(one.faults)) for one in verdict.tests] == [
        (True, False),
        (False, False),
        (False, True),
    ]
    strict = run_unit_tests(tmp_path / "test.yml", is_strict=True)
    assert [(one.is_of_old, len(one.faults)) for one in strict.tests] == [(False, 2), (False, 0), (False, 1)]


@pytest.mark.needs("conformance")
@pytest.mark.parametrize("case", kit_cases(), ids=lambda case: str(case["name"]))
def test_the_kit_judges_tests_alike(case: dict[str, Any]) -> None:
    if case["name"].startswith(LONG):
        pytest.skip("takes long: rules_conformance.py runs it")
    verdict = run_unit_tests(KIT / case["file"])
    assert ("pass" if verdict.passes else "fail") == case["expect"], case.get("reason")
