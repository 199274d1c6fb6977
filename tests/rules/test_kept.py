"""Rules that people keep: simple conditions, names, and what a file would have to say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.peers import CONFORMANCE

from pharos.errors import PharosError
from pharos.rules.conditions import condition_of
from pharos.rules.kept import checked_group, document_name, file_diff
from pharos.rules.spec import load_rules, plain_rule, read_rules

_CASES = yaml.safe_load((Path(__file__).parent / "cases/conditions.yml").read_text())


@pytest.mark.parametrize("case", _CASES, ids=lambda case: str(case["document"]))
def test_a_condition_is_a_rule(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(PharosError) as failed:
            condition_of(case["document"])
        assert case["error"] in str(failed.value)
        return
    rule = plain_rule(condition_of(case["document"]).rule())
    if "rule" in case:
        assert rule == case["rule"]
    else:
        assert rule["expr"] == case["expr"]


_FILE = """groups:
- name: one
  rules:
  - alert: A
    expr: a > 1
- name: two
  interval: 30s
  rules:
  - record: r
    expr: b
"""


def _diff(tmp_path: Path, name: str, wanted: dict[str, Any] | None) -> list[str]:
    path = tmp_path / "rules.yml"
    path.write_text(_FILE)
    groups = load_rules(path).groups
    group = next(one for one in groups if one.name == name)
    new = None if wanted is None else checked_group("rules.yml", name, wanted)
    diff = file_diff(path, group, new, groups)
    return [line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in {"+++", "---"}]


def test_a_change_of_a_group_of_a_file_is_a_diff(tmp_path: Path) -> None:
    wanted = {"rules": [{"alert": "A", "expr": "a > 2"}]}
    assert _diff(tmp_path, "one", wanted) == ["-    expr: a > 1", "+    expr: a > 2"]
    assert _diff(tmp_path, "two", None) == [
        "-- name: two",
        "-  interval: 30s",
        "-  rules:",
        "-  - record: r",
        "-    expr: b",
    ]


def test_a_change_in_one_place_leaves_durations_as_they_are_written(tmp_path: Path) -> None:
    wanted = {"interval": "30s", "rules": [{"record": "r", "expr": "c"}]}
    assert _diff(tmp_path, "two", wanted) == ["-    expr: b", "+    expr: c"]


def test_a_diff_names_the_file_as_the_configuration_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.d").mkdir()
    named = Path("rules.d") / "rules.yml"
    named.write_text(_FILE)
    groups = load_rules(named).groups
    for path, shown in ((named, "rules.d/rules.yml"), (named.absolute(), "rules.yml")):
        lines = file_diff(path, groups[0], None, groups).splitlines()
        assert lines[:2] == [f"--- a/{shown}", f"+++ b/{shown}"]


def test_a_diff_makes_the_wanted_group_of_the_file(tmp_path: Path) -> None:
    wanted = {"interval": "1m", "labels": {"a": "b: c"}, "rules": [{"record": "r", "expr": 'b{x="#"} > 1'}]}
    path = tmp_path / "rules.yml"
    path.write_text(_FILE)
    groups = load_rules(path).groups
    new = checked_group("rules.yml", "two", wanted)
    (tmp_path / "change.diff").write_text(file_diff(path, groups[1], new, groups))
    changed = _applied(_FILE, (tmp_path / "change.diff").read_text())
    found = read_rules(changed, "rules.yml").groups
    assert found[0].rules == groups[0].rules
    assert [rule.expr for rule in found[1].rules] == ['b{x="#"} > 1']
    assert found[1].labels == (("a", "b: c"),)


def _applied(before: str, diff: str) -> str:
    """Return a text after a diff of one hunk."""
    lines = diff.splitlines()[2:]
    hunk = [line for line in lines if not line.startswith("@@")]
    first = int(lines[0].split("-")[1].split(",")[0])
    old = before.splitlines()
    count = sum(line[:1] in " -" for line in hunk)
    new = [line[1:] for line in hunk if line[:1] in " +"]
    return "\n".join([*old[: first - 1], *new, *old[first - 1 + count :]]) + "\n"


@pytest.mark.parametrize(("namespace", "group"), [("a/b", "g"), ("..", "g"), ("n", ""), ("conditions", "g")])
def test_names_that_cannot_be_kept_are_refused(namespace: str, group: str) -> None:
    with pytest.raises(PharosError):
        document_name(namespace, group)


def test_faults_of_a_group_name_the_field() -> None:
    with pytest.raises(PharosError) as failed:
        checked_group("n", "g", {"rules": [{"alert": "A", "expr": "a >"}], "wrong": 1})
    assert "could not parse expression" in str(failed.value)
    assert "wrong" in str(failed.value)


@pytest.mark.needs("conformance")
def test_conditions_of_the_documents_of_qflow_are_rules() -> None:
    path = CONFORMANCE.parent / "requirements/files/qflow/alert-rules.json"
    if not path.exists():
        pytest.skip(f"the requirements are not at {path}")
    documents = json.loads(path.read_text())
    assert len(documents) == 6
    for document in documents:
        rule = condition_of(document).rule()
        assert rule.name == document["name"]
        assert rule.keep_firing_for_ms == document.get("cooldown", 0)
        assert dict(rule.labels)["severity"] == document["severity"]
