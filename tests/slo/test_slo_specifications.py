"""Specifications of objectives: what is read, what is refused and where, and the rules made of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.peers import CONFORMANCE

from pharos.document import FaultsError
from pharos.gotext.durations import parse_duration
from pharos.rules.spec import AlertingRule, RuleGroup, read_rules
from pharos.slo.objective import Language
from pharos.slo.specification import PERIOD_MS, groups_of, load_specification, read_specification
from pharos.slo.windows import Design, load_windows
from pharos.slo.written import Form, written_rules

CASES = Path(__file__).parent / "cases"
FAULTS: list[dict[str, Any]] = yaml.safe_load((CASES / "faults.yml").read_text())
UNRUNNABLE: list[dict[str, str]] = yaml.safe_load((CASES / "unrunnable.yml").read_text())
RULES: list[dict[str, Any]] = yaml.safe_load((CASES / "rules.yml").read_text())
KIT = CONFORMANCE / "slo"
_OF_GENERATORS = frozenset({"cmd", "version", "mode", "sloth_version", "sloth_mode"})


def _single(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


@pytest.mark.parametrize("case", FAULTS, ids=lambda case: str(case["name"]))
def test_every_fault_is_named_with_its_line_and_field(case: dict[str, Any]) -> None:
    with pytest.raises(FaultsError) as raised:
        read_specification([(case["text"], "a.yml")])
    told = [str(fault).removeprefix("a.yml:") for fault in raised.value.faults]
    assert len(told) == len(case["faults"]), told
    for fault, wanted in zip(told, case["faults"], strict=True):
        assert wanted in fault, told


@pytest.mark.parametrize("case", UNRUNNABLE, ids=lambda case: case["name"])
def test_what_is_accepted_and_could_not_be_run_is_noticed(case: dict[str, str]) -> None:
    notices = read_specification([(case["text"], "a.yml")]).notices
    told = [one for one in notices if "could not be run" in one]
    assert (told[0].startswith(case["notice"]) and len(told) == 1) if case["notice"] else not told, notices


@pytest.mark.parametrize("case", RULES, ids=lambda case: str(case["name"]))
def test_an_objective_becomes_rules(case: dict[str, Any]) -> None:
    found = read_specification([(case["text"], "a.yml")], parse_duration(case.get("period", "30d")))
    design = Design(case.get("design", "workbook"))
    is_drop_in = case.get("drop_in", False)
    groups = [
        group for one in found.objectives for group in groups_of(one, design=design, is_drop_in=is_drop_in)
    ]
    if "groups" in case:
        assert [group.name for group in groups] == case["groups"]
    rules: dict[str, Any] = {}
    for group in groups:
        for rule in group.rules:
            rules.setdefault(rule.name, rule)
    for name, expr in case.get("rules", {}).items():
        assert _single(rules[name].expr) == _single(expr)
    for name, part in case.get("parts", {}).items():
        assert part in _single(rules[name].expr)
    for name, labels in case.get("labels", {}).items():
        assert dict(rules[name].labels) == labels
    for name, wait in case.get("waits", {}).items():
        assert rules[name].for_ms == parse_duration(wait)
    for notice in case.get("notices", []):
        assert any(notice in one for one in found.notices), found.notices
    _check_file(groups)


def _check_file(groups: list[RuleGroup]) -> None:
    """What is written is read again, as the same rules."""
    again = read_rules(written_rules(groups, Form.PROMETHEUS), "rules.yml")
    assert [group.name for group in again.groups] == [group.name for group in groups]
    for one, other in zip(again.groups, groups, strict=True):
        assert one.interval_ms == other.interval_ms
        assert [(rule.name, rule.labels) for rule in one.rules] == [
            (rule.name, rule.labels) for rule in other.rules
        ]
        assert [_single(rule.expr) for rule in one.rules] == [_single(rule.expr) for rule in other.rules]


def _kit() -> list[dict[str, Any]]:
    path = KIT / "index.yaml"
    rows: list[dict[str, Any]] = yaml.safe_load(path.read_text()) if path.is_file() else []
    return rows


def _made(row: dict[str, Any], *, is_drop_in: bool) -> list[RuleGroup]:
    path = KIT / row["spec"]
    period_ms = parse_duration(row["window"]) if row["language"] == "sloth" and "window" in row else PERIOD_MS
    own = [load_windows(KIT / row["windows"])] if "windows" in row else []
    windows = {one.period_ms: one for one in own}
    found = load_specification([path], period_ms)
    return [group for one in found.objectives for group in groups_of(one, windows, is_drop_in=is_drop_in)]


@pytest.mark.needs("conformance")
def test_specifications_of_others_are_taken_and_refused_as_they_are_there() -> None:
    rows = _kit()
    wrong = []
    for row in rows:
        try:
            groups = _made(row, is_drop_in=False)
        except FaultsError:
            groups = None
        is_right = (groups is not None) == row["valid"]
        if is_right and groups is not None and row.get("slos"):
            # One plugin of Sloth lets queries through that are not PromQL.
            is_right = any(group.rules for group in groups)
        if not is_right:
            wrong.append(row["name"])
    assert rows
    assert wrong == []


@pytest.mark.needs("conformance")
def test_a_drop_in_has_the_very_rules_of_sloth_and_pyrra() -> None:
    compared = 0
    for row in _kit():
        if "expected" not in row or row["name"] in _UNFIT:
            continue
        wanted = [rule for group in _groups_in(KIT / row["expected"]) for rule in group["rules"]]
        only = row.get("only")
        groups = [one for one in _made(row, is_drop_in=True) if only is None or one.name in only]
        made = yaml.safe_load(written_rules(groups, Form.JSON))
        told = [rule for group in made["groups"] for rule in group["rules"]]
        assert sorted(map(_flat, told)) == sorted(map(_flat, wanted)), row["name"]
        compared += 1
    assert compared > 20


_UNFIT = frozenset({"pyrra-test-apiserver-write-response-errors-grouping"})
"""Its alerts have a name that its specification does not say."""


def _groups_in(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for document in yaml.safe_load_all(path.read_text()):
        if document:
            found += document.get("groups") or document["spec"]["groups"]
    return found


def _flat(rule: dict[str, Any]) -> str:
    labels = {
        name: str(value) for name, value in rule.get("labels", {}).items() if name not in _OF_GENERATORS
    }
    expr = re.sub(r"\s+", "", str(rule["expr"]))
    name = rule.get("record") or f"alert {rule['alert']}"
    # Go writes 1h0m0s where Prometheus writes 1h.
    seconds = sum(
        int(count) * {"h": 3600, "m": 60, "s": 1}[unit]
        for count, unit in re.findall(r"(\d+)([hms])", str(rule.get("for", "")))
    )
    return json.dumps([name, labels, seconds, expr], sort_keys=True)


def test_languages_are_told_apart_and_read_together() -> None:
    first = RULES[0]["text"]
    pyrra = next(case["text"] for case in RULES if case["name"].startswith("a native"))
    found = read_specification([(f"{first}---\n{pyrra}", "both.yml")])
    assert [one.language for one in found.objectives] == [Language.SLOTH, Language.PYRRA]
    assert all(
        isinstance(rule, AlertingRule) is (rule.name == "Burns")
        for rule in groups_of(found.objectives[0])[2].rules
    )
