"""`pharos rules check` and `pharos rules test`, and rules that files of `pharos check` name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.running import Run

GOOD = "groups: [{name: g, rules: [{alert: A, expr: x > 1}]}]\n"
TWICE = "groups: [{name: g, rules: [{record: a, expr: x}, {record: a, expr: y}]}]\n"
BAD = "groups: [{name: g, rules: [{alert: A, expr: x >}]}]\n"
TESTS = """
rule_files: [good.yml]
tests:
- name: quiet
  input_series: [{series: x, values: 1}]
  alert_rule_test: [{eval_time: 0, alertname: A}]
- name: loud
  input_series: [{series: x, values: 2}]
  alert_rule_test: [{eval_time: 0, alertname: A}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {"good": GOOD, "twice": TWICE, "bad": BAD, "tests": TESTS}.items():
        (tmp_path / f"{name}.yml").write_text(text)
    return tmp_path


def test_rules_are_checked(run: Run, folder: Path) -> None:
    good, bad = folder / "good.yml", folder / "bad.yml"
    ended = run("rules", "check", str(good))
    assert (ended.code, ended.out) == (0, f"good  {good}: 1 rule in 1 group\n")
    ended = run("rules", "check", str(good), str(bad), str(folder / "none.yml"))
    assert ended.code == 1
    assert f"fault {bad}:1: group 'g', rule 1, 'A': could not parse expression" in ended.out
    assert "none.yml: there is no such file" in ended.out


def test_rules_that_are_there_twice_are_noticed_and_refused_where_asked(run: Run, folder: Path) -> None:
    path = folder / "twice.yml"
    assert run("rules", "check", str(path)).code == 0
    ended = run("rules", "check", "--strict", "--json", str(path))
    (verdict,) = json.loads(ended.out)
    assert (ended.code, verdict["rules"], verdict["faults"], len(verdict["notices"])) == (1, 2, [], 1)


def test_unit_tests_are_run_all_or_by_name(run: Run, folder: Path) -> None:
    path = str(folder / "tests.yml")
    ended = run("rules", "test", path)
    assert ended.code == 1
    assert f"FAIL  {path}: loud (line 7)" in ended.out
    assert "1 of 2 tests failed" in ended.out
    ended = run("rules", "test", "--run", "^qui", "--run", "nothing", path)
    assert (ended.code, ended.out) == (0, f"pass  {path}: 1 test\n")
    (verdict,) = json.loads(run("rules", "test", "--json", path).out)
    assert [one["passes"] for one in verdict["tests"]] == [True, False]
    assert run("rules", "test", "--run", "(", path).code == 2


def test_check_leads_from_a_file_of_rules_to_their_own_check(run: Run, folder: Path) -> None:
    good, bad = folder / "good.yml", folder / "bad.yml"
    ended = run("check", str(good))
    assert ended.code == 1
    assert f"fault {good}:1: it holds rules and configures nothing" in ended.out
    assert f"`pharos rules check {good}`" in ended.out
    ended = run("check", "--as", "rules", str(good), str(bad))
    assert ended.code == 1
    assert f"good  {good} (read as rules.yml)" in ended.out
    assert f"fault {bad}:1: group 'g'" in ended.out


def test_check_looks_into_the_rules_and_the_routes_that_are_named(run: Run, folder: Path) -> None:
    (folder / "prometheus.yml").write_text("rule_files: ['ba*.yml']\n")
    (folder / "alertmanager.yml").write_text("route: {receiver: nobody}\n")
    for name, text, told in (
        ("pharos-a.yml", "rules: [good.yml, bad.yml]\n", "bad.yml:1: group 'g'"),
        ("pharos-b.yml", "prometheus: prometheus.yml\n", "bad.yml:1: group 'g'"),
        ("pharos-c.yml", "alertmanager: alertmanager.yml\n", "alertmanager.yml:1: undefined receiver"),
        ("pharos-d.yml", "rules: [twice.yml]\n", "twice.yml:1: record 'a' has the name"),
    ):
        (folder / name).write_text(text)
        ended = run("check", str(folder / name))
        assert told in ended.out, name
        assert ended.code == (0 if "twice" in text else 1)
    ended = run("check", str(folder / "prometheus.yml"))
    assert ended.code == 1
    assert "bad.yml:1: group 'g'" in ended.out
