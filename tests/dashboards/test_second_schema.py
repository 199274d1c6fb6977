"""Editing of the second schema: what is changed is there, and all else stays to the letter."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from pharos.dashboards.changes import change
from pharos.dashboards.document import unwrap
from pharos.dashboards.model import Model
from pharos.dashboards.read import lists_of, read_model
from pharos.errors import PharosError

DOCUMENT: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "cases" / "second.yaml").read_text())


def changed(*changes: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = change(unwrap(copy.deepcopy(DOCUMENT)), changes)
    return found


def spec_of(document: dict[str, Any]) -> Any:
    return document["spec"]


def model_of(document: dict[str, Any]) -> Model:
    return read_model(unwrap(document))[0]


def paths_that_differ(before: Any, after: Any, path: str = "") -> set[str]:
    """Return the paths at which two documents say different things."""
    if isinstance(before, dict) and isinstance(after, dict):
        return {
            found
            for name in before.keys() | after.keys()
            for found in paths_that_differ(before.get(name), after.get(name), f"{path}/{name}")
        }
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return {
            found
            for place, (one, other) in enumerate(zip(before, after, strict=True))
            for found in paths_that_differ(one, other, f"{path}/{place}")
        }
    return set() if before == after else {path}


def set_list(name: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"op": "set", "settings": {name: items}}


@pytest.mark.parametrize("name", ["variables", "annotations", "links"])
def test_a_list_that_is_sent_back_as_it_came_changes_nothing(name: str) -> None:
    lists = lists_of(unwrap(DOCUMENT))
    assert changed(set_list(name, lists[name])) == DOCUMENT


def test_nothing_is_added_to_what_a_document_leaves_out() -> None:
    elements = {"a": {"kind": "Panel", "spec": {"id": 1, "title": "Old"}}}
    bare = {"apiVersion": "dashboard.grafana.app/v2", "spec": {"title": "Bare", "elements": elements}}
    changes: list[dict[str, Any]] = [
        {"op": "set", "settings": {"title": "New"}},
        {"op": "set_panel", "id": 1, "panel": {"title": "New"}},
    ]
    after = change(unwrap(copy.deepcopy(bare)), changes)
    assert paths_that_differ(bare, after) == {"/spec/title", "/spec/elements/a/spec/title"}


def test_a_panel_that_is_sent_back_as_it_came_changes_nothing() -> None:
    panel = next(one for one in model_of(DOCUMENT).panels() if one.id == 1)
    said = {"targets": list(panel.targets), "transformations": list(panel.transformations)}
    assert changed({"op": "set_panel", "id": 1, "panel": said}) == DOCUMENT


def test_one_query_is_changed_and_the_other_stays() -> None:
    panel = next(one for one in model_of(DOCUMENT).panels() if one.id == 1)
    targets = [{**one, "expr": "other"} if one["refId"] == "A" else one for one in panel.targets]
    after = changed({"op": "set_panel", "id": 1, "panel": {"targets": targets}})
    assert paths_that_differ(DOCUMENT, after) == {
        "/spec/elements/first/spec/data/spec/queries/0/spec/query/spec/expr"
    }


def test_a_variable_is_changed_where_it_stands() -> None:
    variables = lists_of(unwrap(DOCUMENT))["variables"]
    variables[0] = {**variables[0], "hide": 2, "sort": 3, "query": "label_values(up, host)"}
    after = changed(set_list("variables", variables))
    assert paths_that_differ(DOCUMENT, after) == {
        "/spec/variables/0/spec/hide",
        "/spec/variables/0/spec/sort",
        "/spec/variables/0/spec/query/spec/__legacyStringValue",
    }
    assert spec_of(after)["variables"][0]["spec"]["hide"] == "hideVariable"
    assert spec_of(after)["variables"][0]["spec"]["sort"] == "numericalAsc"


def test_a_renamed_variable_keeps_what_nobody_here_knows_of_it() -> None:
    variables = lists_of(unwrap(DOCUMENT))["variables"]
    variables[0] = {**variables[0], "name": "server"}
    after = changed(set_list("variables", variables))
    assert paths_that_differ(DOCUMENT, after) == {"/spec/variables/0/spec/name"}


def test_new_variables_are_read_again_as_they_were_written() -> None:
    new: list[dict[str, Any]] = [
        {
            "name": "q",
            "type": "query",
            "query": "label_values(job)",
            "refresh": 2,
            "datasource": {"type": "prometheus", "uid": "p"},
        },
        {"name": "c", "type": "custom", "query": "a,b", "multi": True},
        {"name": "i", "type": "interval", "query": "1m,5m"},
        {"name": "d", "type": "datasource", "query": "prometheus"},
        {"name": "t", "type": "textbox", "query": "x"},
        {"name": "f", "type": "adhoc", "datasource": {"type": "prometheus", "uid": "p"}},
    ]
    after = changed(set_list("variables", [*lists_of(unwrap(DOCUMENT))["variables"], *new]))
    found = lists_of(unwrap(after))["variables"][-len(new) :]
    assert [{name: one.get(name) for name in said} for one, said in zip(found, new, strict=True)] == new


def test_an_annotation_is_changed_where_it_stands() -> None:
    annotations = lists_of(unwrap(DOCUMENT))["annotations"]
    annotations[1] = {**annotations[1], "expr": "changes(x[5m])", "enable": False, "titleFormat": "now"}
    after = changed(set_list("annotations", annotations))
    assert paths_that_differ(DOCUMENT, after) == {
        "/spec/annotations/1/spec/enable",
        "/spec/annotations/1/spec/query/spec/expr",
        "/spec/annotations/1/spec/legacyOptions/titleFormat",
    }


def rows_of(document: dict[str, Any]) -> list[tuple[str, list[int | None]]]:
    (tab,) = model_of(document).tabs
    return [(row.title if row.has_header else "-", [one.id for one in row.panels]) for row in tab.rows]


def test_rows_are_named_folded_added_and_taken_away() -> None:
    assert rows_of(DOCUMENT) == [("Load", [1, 2]), ("Rest", [3])]
    (tab,) = model_of(DOCUMENT).tabs
    load, rest = (row.key for row in tab.rows)
    named = changed(
        {"op": "set_row", "key": load, "row": {"title": "Work", "collapsed": True, "repeat": "host"}}
    )
    row = spec_of(named)["layout"]["spec"]["rows"][0]["spec"]
    assert (row["title"], row["collapse"], row["repeat"]["value"], row["odd"]) == ("Work", True, "host", 1)
    assert rows_of(changed({"op": "add_row", "title": "New", "after": load})) == [
        ("Load", [1, 2]),
        ("New", []),
        ("Rest", [3]),
    ]
    assert rows_of(changed({"op": "remove_row", "key": rest})) == [("Load", [1, 2]), ("-", [3])]
    gone = changed({"op": "remove_row", "key": load, "with_panels": True})
    assert rows_of(gone) == [("Rest", [3])]
    assert set(spec_of(gone)["elements"]) == {"third"}


def test_a_row_is_added_to_panels_that_stand_under_none() -> None:
    flat = copy.deepcopy(DOCUMENT)
    flat["spec"]["layout"] = flat["spec"]["layout"]["spec"]["rows"][0]["spec"]["layout"]
    assert rows_of(change(unwrap(flat), [{"op": "add_row", "title": "New"}])) == [("-", [1, 2]), ("New", [])]


def test_panels_move_within_their_row_and_to_another() -> None:
    (tab,) = model_of(DOCUMENT).tabs
    load, rest = (row.key for row in tab.rows)
    within = {
        "op": "move_panels",
        "panels": [{"id": 1, "row": load, "grid": {"x": 12, "y": 0, "w": 6, "h": 4}}],
    }
    assert paths_that_differ(DOCUMENT, changed(within)) == {
        "/spec/layout/spec/rows/0/spec/layout/spec/items/0/spec/x",
        "/spec/layout/spec/rows/0/spec/layout/spec/items/0/spec/width",
        "/spec/layout/spec/rows/0/spec/layout/spec/items/0/spec/height",
    }
    away = {"op": "move_panels", "panels": [{"id": 2, "row": rest, "grid": {"x": 0, "y": 0}}]}
    assert rows_of(changed(away)) == [("Load", [1]), ("Rest", [2, 3])]


def test_a_panel_is_repeated_and_the_next_one_comes_into_its_row() -> None:
    repeated = changed({"op": "set_panel", "id": 1, "panel": {"repeat": "host", "maxPerRow": 3}})
    found = next(one for one in model_of(repeated).panels() if one.id == 1)
    assert (found.repeat, found.max_per_row) == ("host", 3)
    (tab,) = model_of(DOCUMENT).tabs
    new = {"op": "add_panel", "row": tab.rows[1].key, "panel": {"type": "stat", "title": "New"}}
    assert rows_of(changed(new))[1] == ("Rest", [3, 4])


@pytest.mark.parametrize(
    "one",
    [
        {"op": "set_row", "key": "r:9", "row": {"title": "x"}},
        {"op": "remove_row", "key": "r:0"},
        {"op": "set_panel", "id": 3, "panel": {"type": "stat"}},
    ],
)
def test_what_cannot_be_changed_is_refused(one: dict[str, Any]) -> None:
    with pytest.raises(PharosError):
        changed(one)
