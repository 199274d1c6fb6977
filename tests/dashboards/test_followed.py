"""What of a dashboard is followed, and that the report of an import tells the rest."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pharos.dashboards.document import unwrap
from pharos.dashboards.read import read_model
from pharos.dashboards.transformations import APPLIED


def panel(**said: Any) -> dict[str, Any]:
    return {"title": "d", "schemaVersion": 42, "panels": [{"id": 1, "type": "timeseries", **said}]}


def test_a_transformation_that_is_not_applied_is_lost_unless_it_is_switched_off() -> None:
    steps = [
        {"id": "histogram", "options": {}},
        {"id": "spatial", "options": {}},
        {"id": "regression", "disabled": True},
    ]
    _, report = read_model(unwrap(panel(transformations=steps)))
    said = [(one.level.value, one.panel, one.message) for one in report.notes]
    assert said == [("lost", 1, "the transformation 'spatial' is not applied")]


def test_what_of_a_known_setting_is_not_followed_is_noted() -> None:
    sorts = {"id": "organize", "options": {"orderByMode": "auto", "orderBy": []}}
    listed = {"name": "v", "type": "custom", "valuesFormat": "json", "query": "a,b"}
    document = {**panel(transformations=[sorts]), "templating": {"list": [listed]}}
    _, report = read_model(unwrap(document))
    assert {(one.level.value, one.message) for one in report.notes} == {
        ("note", "the transformation 'organize' keeps the order of the fields, and does not sort them"),
        ("note", "the options of the variable 'v' are no list in JSON"),
    }


def test_options_may_be_written_in_json_in_both_schemas() -> None:
    listed = {"name": "v", "valuesFormat": "json", "query": '[{"text": "A", "value": "a"}]'}
    classic = {**panel(), "templating": {"list": [{**listed, "type": "custom"}]}}
    second = {
        "apiVersion": "dashboard.grafana.app/v2beta1",
        "kind": "Dashboard",
        "metadata": {"name": "x"},
        "spec": {
            "title": "d",
            "elements": {},
            "layout": {"kind": "GridLayout", "spec": {"items": []}},
            "variables": [{"kind": "CustomVariable", "spec": listed}],
        },
    }
    for document in (classic, second):
        (variable,) = read_model(unwrap(document))[0].variables
        assert [one.shown() for one in variable.options] == [{"text": "A", "value": "a"}]


def test_the_report_knows_the_transformations_of_the_pages() -> None:
    text = (Path(__file__).parents[2] / "ui/src/panels/transform/transform.ts").read_text()
    table = text.split("const STEPS", 1)[1].split("\n};", 1)[0]
    assert set(re.findall(r"^  (\w+)(?:,|:)", table, re.MULTILINE)) == APPLIED
