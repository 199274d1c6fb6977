"""Rule files: what is read, what is refused and where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.peers import CONFORMANCE

from pharos.document import FaultsError
from pharos.errors import Kind, PharosError
from pharos.rules.spec import (
    AlertingRule,
    RecordingRule,
    RuleGroup,
    duplicates,
    group_of,
    load_rules,
    plain_group,
    read_rules,
    rules_of,
)

FAULTS: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "cases/faults.yml").read_text())
KIT = CONFORMANCE / "alerting/rules"

EVERYTHING = """
groups:
- name: web
  interval: 30s
  query_offset: 10s
  limit: 5
  labels: {team: web, severity: info}
  rules:
  - record: job:errors:rate5m
    expr: sum by (job) (rate(errors[5m]))
    labels: {level: job}
  - alert: Errors are many
    expr: job:errors:rate5m > 1
    for: 1h30m
    keep_firing_for: 2m
    labels: {severity: page, until: 5, empty: }
    annotations: {z: '', summary: '{{ $value }} at {{ $labels.job }}'}
---
what follows: is not read
"""


def kit_cases() -> list[dict[str, Any]]:
    path = KIT / "index.yml"
    if not path.is_file():
        return []
    cases = [case for case in yaml.safe_load(path.read_text())["cases"] if case["kind"] == "check"]
    # Templates are not looked at yet.
    return [one for one in cases if one["expect"] == "valid" or not one["name"].startswith("check/template")]


def faults(error: FaultsError) -> list[str]:
    return [str(one).removeprefix("r.yml:") for one in error.faults]


def test_a_file_is_read_with_all_its_fields() -> None:
    (group,) = read_rules(EVERYTHING, "r.yml").groups
    labels = (("severity", "info"), ("team", "web"))
    assert group == RuleGroup(
        name="web",
        rules=(
            RecordingRule(
                "job:errors:rate5m",
                "sum by (job) (rate(errors[5m]))",
                (("level", "job"), *labels),
            ),
            AlertingRule(
                "Errors are many",
                "job:errors:rate5m > 1",
                for_ms=5_400_000,
                keep_firing_for_ms=120_000,
                labels=(("empty", ""), ("severity", "page"), ("team", "web"), ("until", "5")),
                annotations=(("summary", "{{ $value }} at {{ $labels.job }}"), ("z", "")),
            ),
        ),
        file="r.yml",
        interval_ms=30_000,
        query_offset_ms=10_000,
        limit=5,
        labels=labels,
    )
    assert (group.line, *(rule.line for rule in group.rules)) == (3, 9, 12)


@pytest.mark.parametrize("text", ["", "# nothing\n", "groups:", "{}", "groups: []", "groups: [null]"])
def test_a_file_may_hold_no_groups(text: str) -> None:
    assert read_rules(text, "r.yml").groups == ()


def test_an_empty_entry_is_no_rule() -> None:
    (group,) = read_rules("groups:\n-\n- name: a\n  rules:\n  -\n  - {record: b, expr: c}\n", "r.yml").groups
    assert [(rule.name, rule.line) for rule in group.rules] == [("b", 6)]


@pytest.mark.parametrize("case", FAULTS, ids=lambda case: str(case["name"]))
def test_every_fault_has_its_line(case: dict[str, Any]) -> None:
    with pytest.raises(FaultsError) as told:
        read_rules(case["text"], "r.yml")
    assert faults(told.value) == case["faults"]


def test_plain_values_make_the_same_rules_by_the_same_checks() -> None:
    (group,) = read_rules(EVERYTHING, "r.yml").groups
    assert group_of(plain_group(group), "r.yml") == group
    (again,) = rules_of({"groups": [plain_group(group)]}, "r.yml").groups
    assert again == group


def test_faults_of_plain_values_have_no_lines() -> None:
    plain = {"name": "g", "rules": [{"alert": "A", "expr": "+", "for": 5}], "limit": True}
    with pytest.raises(FaultsError) as told:
        group_of(plain, "the request")
    end = "1:2: parse error: unexpected end of input"
    assert [str(one) for one in told.value.faults] == [
        f"the request: group 'g', rule 1, 'A': could not parse expression: {end}",
        'the request: rules[0].for: not a valid duration string: "5" (write it as 30s, 5m or 1h30m)',
        "the request: limit: expected a whole number, got 'true'",
    ]


@pytest.mark.parametrize("plain", [["a"], "a", 5, {"name": object()}])
def test_what_is_no_group_is_refused(plain: Any) -> None:
    with pytest.raises(PharosError) as told:
        group_of(plain, "the request")
    assert told.value.kind is Kind.INVALID


def test_rules_of_one_name_and_labels_are_noticed() -> None:
    text = """
groups:
- name: a
  rules:
  - {record: x, expr: a, labels: {l: "1"}}
  - {record: x, expr: b, labels: {l: "2"}}
- name: b
  rules:
  - {record: x, expr: c, labels: {l: "1"}}
"""
    assert list(duplicates(read_rules(text, "r.yml"))) == [
        "r.yml:9: record 'x' has the name and the labels of the one at line 5"
    ]


@pytest.mark.needs("conformance")
@pytest.mark.parametrize("case", kit_cases(), ids=lambda case: str(case["name"]))
def test_the_kit_judges_files_alike(case: dict[str, Any]) -> None:
    try:
        load_rules(KIT / case["file"])
    except PharosError:
        verdict = "invalid"
    else:
        verdict = "valid"
    assert verdict == case["expect"], case.get("reason")
