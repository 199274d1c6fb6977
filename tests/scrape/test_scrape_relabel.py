"""Relabelling, row by row: rules are read from YAML as users write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pharos.errors import PharosError
from pharos.ingest.scrape.config import load_scrape_config
from pharos.relabel import Rule, relabel

CASES = YAML(typ="safe").load(Path(__file__).parent / "cases" / "relabel.yaml")


def rules_of(rows: list[dict[str, Any]], legacy: bool) -> tuple[Rule, ...]:
    scheme = "legacy" if legacy else "utf8"
    job = {"job_name": "j", "metric_name_validation_scheme": scheme, "relabel_configs": rows}
    return load_scrape_config(json.dumps({"scrape_configs": [job]})).jobs[0].relabel_rules


@pytest.mark.parametrize(
    "case", [case for case in CASES if "in" in case], ids=lambda case: str(case["rules"])[:80]
)
def test_rules_give_what_prometheus_gives(case: dict[str, Any]) -> None:
    before = dict(case["in"])
    found = relabel(before, rules_of(case["rules"], case.get("legacy", False)))
    assert found == (None if case.get("dropped") else case["out"])
    assert before == case["in"]


@pytest.mark.parametrize(
    "case", [case for case in CASES if "rule" in case], ids=lambda case: str(case["rule"])
)
def test_illegal_rule_is_refused_with_its_reason_and_line(case: dict[str, Any]) -> None:
    with pytest.raises(PharosError) as raised:
        rules_of([case["rule"]], case.get("legacy", False))
    assert case["error"] in str(raised.value)
    assert str(raised.value).startswith("prometheus.yml:1: ")


@pytest.mark.parametrize(
    ("template", "legal"),
    [
        ("-label", False),
        ("label", True),
        ("label${1}", True),
        ("${1}label", True),
        ("${1}", True),
        ("${", False),
        ("$", False),
        ("${}", False),
        ("foo${", False),
        ("$1", True),
        ("asd$2asd", True),
        ("-foo${1}bar-", False),
        ("_${1}_", True),
        ("foo${bar}foo", True),
    ],
)
def test_classic_target_templates(template: str, legal: bool) -> None:
    if legal:
        assert Rule(target_label=template, legacy_names=True).target_label == template
        return
    with pytest.raises(PharosError, match="is invalid 'target_label'"):
        Rule(target_label=template, legacy_names=True)
