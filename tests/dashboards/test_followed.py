"""What of a dashboard is followed, and that the report of an import tells the rest."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from pharos.dashboards.document import parse_text, unwrap
from pharos.dashboards.read import read_model
from pharos.dashboards.transformations import APPLIED
from pharos.errors import PharosError

SHAPES = yaml.safe_load((Path(__file__).parent / "cases" / "shapes.yaml").read_text())


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


def told(document: dict[str, Any]) -> set[tuple[str, str]]:
    _, report = read_model(unwrap(document))
    return {(one.level.value, one.message) for one in report.notes}


def test_what_of_a_known_setting_is_not_followed_is_noted() -> None:
    joins = {"id": "joinByField", "options": {"mode": "left"}}
    listed = {"name": "v", "type": "custom", "valuesFormat": "json", "query": "a,b"}
    document = {**panel(transformations=[joins]), "templating": {"list": [listed]}}
    assert told(document) == {
        ("note", "mode 'left' of the transformation 'joinByField' is not known"),
        ("note", "the options of the variable 'v' are no list in JSON"),
    }


@pytest.mark.parametrize(
    ("identifier", "options", "expected"),
    [
        ("timeSeriesTable", {"A": {"inlineStat": True, "timeField": "t"}}, ["inlineStat", "timeField"]),
        ("timeSeriesTable", {"A": {"inlineStat": False, "stat": "mean"}}, []),
        ("convertFieldType", {"conversions": [{"destinationType": "enum"}]}, ["destinationType 'enum'"]),
        (
            "convertFieldType",
            {"conversions": [{"destinationType": "time", "dateFormat": "DD.MM.YYYY"}]},
            ["dateFormat of what becomes a time"],
        ),
        (
            "convertFieldType",
            {"conversions": [{"destinationType": "string", "joinWith": ", ", "timezone": "Asia/Tokyo"}]},
            ["timezone"],
        ),
        ("formatTime", {"timezone": "Europe/Oslo"}, ["timezone"]),
        ("formatTime", {"timezone": "utc"}, []),
    ],
)
def test_an_option_that_is_not_followed_is_named(
    identifier: str, options: dict[str, Any], expected: list[str]
) -> None:
    step = {"id": identifier, "options": options}
    assert told(panel(transformations=[step])) == {
        ("note", f"{one} of the transformation {identifier!r} is not followed") for one in expected
    }
    assert told(panel(transformations=[{**step, "disabled": True}])) == set()


def test_ways_that_are_followed_are_not_told_of() -> None:
    steps = [
        {"id": "organize", "options": {"orderByMode": "auto", "orderBy": []}},
        {"id": "prepareTimeSeries", "options": {"format": "many"}},
        {"id": "calculateField", "options": {"mode": "windowFunctions"}},
    ]
    assert told(panel(transformations=steps)) == set()


def test_gaps_of_no_length_are_told_of_wherever_they_are_set() -> None:
    everywhere = {"defaults": {"custom": {"insertNulls": True}}, "overrides": []}
    one = {"overrides": [{"properties": [{"id": "custom.insertNulls", "value": True}]}]}
    for config in (everywhere, one):
        assert told(panel(fieldConfig=config)) == {
            ("note", "insertNulls without a number of milliseconds breaks no line")
        }
    assert told(panel(fieldConfig={"defaults": {"custom": {"insertNulls": 60000}}})) == set()


def test_panels_inside_a_row_that_is_open_are_lost() -> None:
    row = {"id": 1, "type": "row", "title": "R", "panels": [{"id": 2, "type": "text"}]}
    document = {"title": "d", "schemaVersion": 42, "panels": [row]}
    assert told(document) == {("lost", "the row is open, so that the panels inside it are not shown: 1")}
    assert told({**document, "panels": [{**row, "collapsed": True}]}) == set()


@pytest.mark.parametrize("case", SHAPES, ids=lambda case: str(case["about"]))
def test_what_is_not_of_the_shape_it_must_have_is_told(case: dict[str, Any]) -> None:
    _, report = read_model(unwrap(case["document"]))
    assert [[one.level.value, one.panel, one.message] for one in report.notes] == case["told"]


@pytest.mark.parametrize("deep", ["[" * 100_000, '{"a":' * 5_000 + "1" + "}" * 5_000, "- " * 5_000 + "x"])
def test_what_is_nested_without_end_is_told_as_that(deep: str) -> None:
    with pytest.raises(PharosError, match="nested more than 100 deep"):
        parse_text(deep)


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
