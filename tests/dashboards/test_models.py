"""Documents of all ages and both schemas as one model; what they lose is said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pharos.dashboards.changes import change
from pharos.dashboards.differences import differences
from pharos.dashboards.document import parse_text, unwrap, written
from pharos.dashboards.expand import Seen, expand
from pharos.dashboards.model import Model, Panel
from pharos.dashboards.modernize import modernized
from pharos.dashboards.read import read_model
from pharos.dashboards.times import Span
from pharos.dashboards.variables import choose, own_options, values_of
from pharos.errors import Kind, PharosError

SPAN = Span(1_700_000_000_000, 1_700_003_600_000)


def model_of(document: dict[str, Any]) -> Model:
    return read_model(unwrap(document))[0]


def only(document: dict[str, Any]) -> Panel:
    (panel,) = model_of(document).panels()
    return panel


def panel(**said: Any) -> dict[str, Any]:
    return {"title": "d", "schemaVersion": 42, "panels": [{"id": 1, "type": "timeseries", **said}]}


def test_rows_of_the_first_schemas_become_a_grid_of_24_columns() -> None:
    rows = [
        {
            "title": "A",
            "showTitle": True,
            "height": "250px",
            "panels": [{"id": 1, "type": "graph", "span": 8}, {"id": 2, "type": "text", "span": 8}],
        },
        {
            "title": "B",
            "collapse": True,
            "repeat": "v",
            "panels": [{"id": 3, "type": "text", "span": 12, "height": 380}],
        },
    ]
    (tab,) = model_of({"title": "old", "schemaVersion": 12, "rows": rows}).tabs
    first, second = tab.rows
    assert [(one.grid.x, one.grid.y, one.grid.w, one.grid.h) for one in first.panels] == [
        (0, 0, 16, 7),
        (0, 7, 16, 7),
    ]
    assert (first.title, first.has_header, second.is_collapsed, second.repeat) == ("A", True, True, "v")
    assert second.panels[0].grid.h == 10


def test_a_place_beyond_any_page_is_brought_back_to_one() -> None:
    far = {"x": -5, "y": 1e15, "w": 1000, "h": -3}
    panels = [{"id": 1, "type": "text", "gridPos": at} for at in ({"x": 0, "y": 0, "w": 1, "h": 1}, far)]
    (tab,) = model_of({"panels": panels, "schemaVersion": 39}).tabs
    grid = tab.rows[0].panels[1].grid
    assert (grid.x, grid.y, grid.w, grid.h) == (0, 100_000, 24, 1)


def test_panels_belong_to_the_heading_above_them_with_places_of_their_own() -> None:
    panels = [
        {"id": 4, "type": "text", "gridPos": {"x": 0, "y": 0, "w": 24, "h": 2}},
        {"id": 1, "type": "row", "title": "R", "gridPos": {"x": 0, "y": 2, "w": 24, "h": 1}},
        {"id": 2, "type": "text", "gridPos": {"x": 12, "y": 3, "w": 12, "h": 8}},
        {
            "id": 3,
            "type": "row",
            "title": "F",
            "collapsed": True,
            "gridPos": {"x": 0, "y": 11, "w": 24, "h": 1},
            "panels": [{"id": 5, "type": "text", "gridPos": {"x": 0, "y": 40, "w": 6, "h": 4}}],
        },
    ]
    (tab,) = model_of({"title": "d", "panels": panels}).tabs
    assert [
        (row.key, row.title, row.is_collapsed, [(one.key, one.grid.y) for one in row.panels])
        for row in tab.rows
    ] == [
        ("r:0", "", False, [("p:4", 0)]),
        ("r:1", "R", False, [("p:2", 0)]),
        ("r:3", "F", True, [("p:5", 0)]),
    ]


def test_a_graph_becomes_time_series_in_the_words_of_today() -> None:
    found = only(
        panel(
            type="graph",
            lines=True,
            fill=2,
            linewidth=3,
            stack=True,
            percentage=True,
            nullPointMode="connected",
            yaxes=[{"format": "bytes", "min": "0", "logBase": 10}, {"format": "percent", "label": "r"}],
            seriesOverrides=[{"alias": "/in/", "transform": "negative-Y", "yaxis": 2}],
            aliasColors={"out": "#f00"},
            thresholds=[{"value": 5, "op": "gt", "colorMode": "critical", "line": True}],
            legend={"show": True, "values": True, "avg": True, "alignAsTable": True, "rightSide": True},
            tooltip={"shared": True, "sort": 2},
        )
    )
    defaults = found.field_config["defaults"]
    custom = defaults["custom"]
    assert (found.type, found.original_type) == ("timeseries", "graph")
    assert (defaults["unit"], defaults["min"]) == ("bytes", 0)
    assert (custom["fillOpacity"], custom["lineWidth"], custom["spanNulls"]) == (20, 3, True)
    assert custom["stacking"] == {"mode": "percent", "group": "A"}
    assert custom["scaleDistribution"] == {"type": "log", "log": 10}
    assert custom["thresholdsStyle"] == {"mode": "line"}
    assert defaults["thresholds"]["steps"][1] == {"color": "red", "value": 5}
    color, moved = found.field_config["overrides"]
    assert color["matcher"] == {"id": "byName", "options": "out"}
    assert {one["id"]: one["value"] for one in moved["properties"]} == {
        "custom.transform": "negative-Y",
        "custom.axisPlacement": "right",
        "unit": "percent",
        "custom.axisLabel": "r",
    }
    assert found.options["legend"] == {
        "displayMode": "table",
        "showLegend": True,
        "placement": "right",
        "calcs": ["mean"],
    }
    assert found.options["tooltip"] == {"mode": "multi", "sort": "desc"}


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"xaxis": {"mode": "series"}}, "barchart"),
        ({"xaxis": {"mode": "series"}, "legend": {"values": True}}, "bargauge"),
        ({"xaxis": {"mode": "histogram"}}, "histogram"),
        ({}, "timeseries"),
    ],
)
def test_a_graph_of_another_kind_becomes_another_panel(said: dict[str, Any], kind: str) -> None:
    assert only(panel(type="graph", **said)).type == kind


def test_a_single_value_becomes_stat_or_gauge_with_mappings_and_thresholds() -> None:
    old = {
        "type": "singlestat",
        "format": "percent",
        "valueName": "avg",
        "thresholds": "50,80",
        "colors": ["green", "orange", "red"],
        "colorBackground": True,
        "sparkline": {"show": True},
        "valueMaps": [{"value": "1", "op": "=", "text": "up"}, {"value": "null", "text": "N/A"}],
    }
    stat = only(panel(**old))
    assert (stat.type, stat.options["colorMode"], stat.options["graphMode"]) == ("stat", "background", "area")
    assert stat.options["reduceOptions"]["calcs"] == ["mean"]
    defaults = stat.field_config["defaults"]
    assert [one["value"] for one in defaults["thresholds"]["steps"]] == [None, 50, 80]
    assert defaults["mappings"][0] == {"type": "value", "options": {"1": {"text": "up", "index": 0}}}
    assert defaults["mappings"][1]["options"]["match"] == "null"
    gauge = only(panel(**old, gauge={"show": True, "maxValue": 10}))
    assert (gauge.type, gauge.field_config["defaults"]["max"]) == ("gauge", 10)


def test_a_single_value_is_of_a_column_where_it_asks_for_a_table() -> None:
    def fields(answer: str) -> str:
        targets = [{"refId": "A", "expr": "up", "format": answer}]
        found = only(panel(type="singlestat", tableColumn="version", targets=targets))
        return str(found.options["reduceOptions"]["fields"])

    assert (fields("table"), fields("time_series")) == ("/^version$/", "")


def test_styles_of_an_old_table_become_overrides() -> None:
    old = {
        "type": "table",
        "transform": "table",
        "styles": [
            {"pattern": "Time", "type": "hidden"},
            {
                "pattern": "/Value/",
                "type": "number",
                "unit": "bytes",
                "alias": "Size",
                "colorMode": "cell",
                "colors": ["a", "b"],
                "thresholds": ["5"],
            },
            {"pattern": "host", "link": True, "linkUrl": "/d/x?host=$__cell_2&raw=$__cell", "type": "string"},
        ],
    }
    found = only(panel(**old))
    hidden, size, linked = found.field_config["overrides"]
    assert found.transformations == ({"id": "merge", "options": {"reducers": []}},)
    assert hidden["properties"] == [
        {"id": "custom.hideFrom", "value": {"viz": True, "legend": False, "tooltip": False}}
    ]
    assert {one["id"] for one in size["properties"]} >= {
        "displayName",
        "unit",
        "custom.cellOptions",
        "thresholds",
    }
    assert linked["properties"][0]["value"][0]["url"] == "/d/x?host=${__data.fields[2]}&raw=${__value.text}"


def test_what_cannot_be_shown_is_said_by_panel() -> None:
    document = panel(type="hologram", targets=[{"refId": "A", "datasource": {"type": "mysql", "uid": "x"}}])
    _, report = read_model(unwrap(document))
    said = [(one.level.value, one.panel, one.message) for one in report.notes]
    assert ("lost", 1, "there is no panel of the type 'hologram'") in said
    assert ("lost", 1, "a data source of the type 'mysql' is not here") in said


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ('{"a": 1}', "neither panels nor rows"),
        ("[]", "JSON object"),
        ('{"apiVersion": "v1", "kind": "ConfigMap"}', "is no dashboard"),
        ("{", "not JSON"),
        ('{"title": "\\ud800"}', "half a character"),
        ('{"title": NaN}', "no number of JSON"),
        ("a: &a [*a]", "aliases"),
        ('{"title": ' + "[" * 200 + "]" * 200 + "}", "nested"),
    ],
)
def test_what_is_no_dashboard_is_refused_with_the_reason(said: str, wrong: str) -> None:
    with pytest.raises(PharosError, match=wrong) as caught:
        unwrap(parse_text(said))
    assert caught.value.kind is Kind.INVALID


def test_wrappings_are_taken_off_and_the_text_is_written_as_it_was() -> None:
    bare = {"z": 1, "uid": "u", "title": "T", "panels": [], "a": [1.5, 10**20, "ü"]}
    for wrapped in (bare, {"dashboard": bare, "meta": {"folderTitle": "F"}}):
        brought = unwrap(wrapped)
        assert (brought.uid, brought.title) == ("u", "T")
        assert list(json.loads(written(brought.document))) == list(bare)
        assert json.loads(written(brought.document)) == bare


V2: dict[str, Any] = {
    "apiVersion": "dashboard.grafana.app/v2",
    "kind": "Dashboard",
    "metadata": {"name": "second"},
    "spec": {
        "title": "Second",
        "cursorSync": "Crosshair",
        "variables": [
            {
                "kind": "CustomVariable",
                "spec": {"name": "v", "query": "x,y", "multi": True, "current": {"value": ["x", "y"]}},
            }
        ],
        "elements": {
            "a": {
                "kind": "Panel",
                "spec": {
                    "id": 7,
                    "title": "A $v",
                    "data": {
                        "kind": "QueryGroup",
                        "spec": {
                            "queries": [
                                {
                                    "kind": "PanelQuery",
                                    "spec": {
                                        "refId": "A",
                                        "hidden": True,
                                        "query": {
                                            "kind": "DataQuery",
                                            "group": "prometheus",
                                            "spec": {"expr": "up"},
                                        },
                                    },
                                }
                            ],
                            "transformations": [
                                {"kind": "Transformation", "group": "reduce", "spec": {"options": {"a": 1}}}
                            ],
                        },
                    },
                    "vizConfig": {
                        "kind": "VizConfig",
                        "group": "stat",
                        "spec": {"options": {"o": 1}, "fieldConfig": {"defaults": {}, "overrides": []}},
                    },
                },
            }
        },
        "layout": {
            "kind": "TabsLayout",
            "spec": {
                "tabs": [
                    {
                        "spec": {
                            "title": "One",
                            "layout": {
                                "kind": "RowsLayout",
                                "spec": {
                                    "rows": [
                                        {
                                            "spec": {
                                                "title": "R",
                                                "repeat": {"mode": "variable", "value": "v"},
                                                "layout": {
                                                    "kind": "AutoGridLayout",
                                                    "spec": {
                                                        "maxColumnCount": 2,
                                                        "items": [
                                                            {
                                                                "kind": "AutoGridLayoutItem",
                                                                "spec": {"element": {"name": "a"}},
                                                            }
                                                        ],
                                                    },
                                                },
                                            }
                                        }
                                    ]
                                },
                            },
                        }
                    },
                    {
                        "spec": {
                            "title": "Two",
                            "layout": {"kind": "GridLayout", "spec": {"items": []}},
                            "conditionalRendering": {
                                "kind": "ConditionalRenderingGroup",
                                "spec": {
                                    "visibility": "show",
                                    "condition": "and",
                                    "items": [
                                        {
                                            "kind": "ConditionalRenderingVariable",
                                            "spec": {"variable": "v", "operator": "equals", "value": "z"},
                                        }
                                    ],
                                },
                            },
                        }
                    },
                ]
            },
        },
    },
}


def seen_of(model: Model) -> Seen:
    chosen = {one.name: choose(one, own_options(one), None, SPAN) for one in model.variables}
    return Seen(chosen, values_of(chosen, model), {}, SPAN)


def test_tabs_rows_and_grids_of_the_second_schema_are_read_expanded_and_hidden() -> None:
    model = model_of(V2)
    assert [tab.title for tab in model.tabs] == ["One", "Two"]
    (found,) = model.panels()
    assert (found.type, found.options, found.transformations) == (
        "stat",
        {"o": 1},
        ({"id": "reduce", "options": {"a": 1}},),
    )
    assert found.targets == (
        {"expr": "up", "refId": "A", "hide": True, "datasource": {"type": "prometheus", "uid": ""}},
    )
    (tab,) = expand(model, seen_of(model))
    assert [(row.key, [(one.key, one.title, one.scoped) for one in row.panels]) for row in tab.rows] == [
        ("r:1@v=x", [("p:7@v=x", "A x", {"v": ["x"]})]),
        ("r:1@v=y", [("p:7@v=y", "A y", {"v": ["y"]})]),
    ]


def test_a_repeated_panel_stands_in_lines_and_those_below_move_down() -> None:
    document = {
        "title": "d",
        "templating": {
            "list": [
                {
                    "name": "v",
                    "type": "custom",
                    "query": "a,b,c",
                    "multi": True,
                    "current": {"value": ["a", "b", "c"]},
                }
            ]
        },
        "panels": [
            {
                "id": 1,
                "type": "stat",
                "title": "$v",
                "repeat": "v",
                "maxPerRow": 2,
                "gridPos": {"x": 0, "y": 0, "w": 8, "h": 4},
            },
            {"id": 2, "type": "text", "gridPos": {"x": 0, "y": 4, "w": 24, "h": 3}},
        ],
    }
    model = model_of(document)
    (tab,) = expand(model, seen_of(model))
    grids = [(one.title, one.grid.x, one.grid.y, one.grid.w) for one in tab.rows[0].panels]
    assert grids == [("a", 0, 0, 12), ("b", 12, 0, 12), ("c", 0, 4, 12), ("", 0, 8, 24)]


def test_changes_touch_what_they_name_alone() -> None:
    document: dict[str, Any] = {
        "title": "d",
        "schemaVersion": 41,
        "unknown": {"kept": True},
        "panels": [
            {
                "id": 1,
                "type": "row",
                "title": "R",
                "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1},
                "panels": [],
            },
            {"id": 2, "type": "stat", "odd": 1, "gridPos": {"x": 0, "y": 1, "w": 12, "h": 8}},
        ],
    }
    changed = change(
        unwrap(document),
        [
            {"op": "set_panel", "id": 2, "panel": {"title": "T"}},
            {
                "op": "add_panel",
                "row": "",
                "panel": {"type": "text", "grid": {"x": 0, "y": 0, "w": 6, "h": 4}},
            },
            {"op": "add_row", "title": "N", "after": None},
            {
                "op": "move_panels",
                "panels": [{"id": 2, "row": "r:4", "grid": {"x": 3, "y": 0, "w": 9, "h": 5}}],
            },
            {"op": "set", "settings": {"tags": ["t"], "tooltip": "all"}},
        ],
    )
    assert changed["unknown"] == {"kept": True}
    assert (changed["tags"], changed["graphTooltip"]) == (["t"], 2)
    (tab,) = model_of(changed).tabs
    assert [(row.title, [(one.id, one.title, one.grid.x) for one in row.panels]) for row in tab.rows] == [
        ("", [(3, "", 0)]),
        ("R", []),
        ("N", [(2, "T", 3)]),
    ]
    assert next(one for one in changed["panels"] if one["id"] == 2)["odd"] == 1
    assert document["panels"][1].get("title") is None


def test_a_document_that_takes_anothers_place_is_kept_as_it_came() -> None:
    other = {"title": "other", "odd": [1], "rows": [], "schemaVersion": 12}
    replace = {"op": "replace", "document": other}
    assert change(unwrap({"title": "d", "panels": []}), [{"op": "no such"}, replace]) == other
    after = change(unwrap({"title": "d", "panels": []}), [replace, {"op": "set", "settings": {"title": "e"}}])
    assert (after["title"], after["odd"]) == ("e", [1])
    with pytest.raises(PharosError, match="no dashboard"):
        change(unwrap({"title": "d", "panels": []}), [{"op": "replace", "document": {"a": 1}}])


def test_changes_of_the_second_schema_reach_its_elements() -> None:
    changed = change(
        unwrap(V2),
        [
            {
                "op": "set_panel",
                "id": 7,
                "panel": {
                    "title": "B",
                    "targets": [
                        {"refId": "A", "expr": "x", "datasource": {"type": "prometheus", "uid": "p"}}
                    ],
                },
            },
            {"op": "set", "settings": {"title": "New", "refresh": "5s"}},
        ],
    )
    model = model_of(changed)
    assert (model.title, model.refresh, model.panels()[0].title, model.panels()[0].targets[0]["expr"]) == (
        "New",
        "5s",
        "B",
        "x",
    )


@pytest.mark.parametrize(
    "one", [{"op": "nothing"}, {"op": "set_panel", "id": 9}, {"op": "set", "settings": {"x": 1}}]
)
def test_a_change_that_cannot_be_made_is_refused(one: dict[str, Any]) -> None:
    with pytest.raises(PharosError) as caught:
        change(unwrap(panel()), [one])
    assert caught.value.kind in {Kind.INVALID, Kind.MISSING}


def test_differences_are_named_by_panels_and_queries() -> None:
    before = {
        "title": "d",
        "version": 1,
        "panels": [{"title": "CPU", "targets": [{"refId": "A", "expr": "a"}]}, {"title": "Old"}],
    }
    after = {
        "title": "d",
        "version": 2,
        "panels": [{"title": "New"}, {"title": "CPU", "targets": [{"refId": "A", "expr": "b"}]}],
    }
    assert [(one.path, one.kind) for one in differences(before, after)] == [
        ("panels[CPU].targets[A].expr", "changed"),
        ("panels[Old]", "removed"),
        ("panels[New]", "added"),
    ]


def test_an_old_document_in_the_newest_schema_shows_the_same() -> None:
    old = {
        "title": "old",
        "schemaVersion": 12,
        "odd": 1,
        "rows": [
            {
                "title": "R",
                "showTitle": True,
                "panels": [{"id": 1, "type": "graph", "span": 6, "stack": True}],
            }
        ],
    }
    modern = modernized(old)
    assert (modern["odd"], modern["schemaVersion"], "rows" in modern) == (1, 42, False)
    before, after = model_of(old), model_of(modern)
    assert [(one.type, one.grid, one.field_config) for one in before.panels()] == [
        (one.type, one.grid, one.field_config) for one in after.panels()
    ]


def test_fields_of_any_other_type_than_expected_are_as_if_not_there() -> None:
    odds: tuple[Any, ...] = (None, 5, "x", [], [[]], {"a": []}, True)
    for odd in odds:
        document: dict[str, Any] = dict.fromkeys(
            (
                "panels",
                "rows",
                "templating",
                "annotations",
                "links",
                "time",
                "timepicker",
                "tags",
                "__inputs",
                "schemaVersion",
            ),
            odd,
        )
        model_of({"title": "odd", **document})
        keys = (
            "targets",
            "options",
            "fieldConfig",
            "gridPos",
            "links",
            "transformations",
            "yaxes",
            "styles",
            "legend",
            "repeat",
        )
        for kind in (
            "graph",
            "table",
            "singlestat",
            "heatmap",
            "text",
            "stat",
            "row",
            "grafana-piechart-panel",
        ):
            model_of(panel(**{**dict.fromkeys(keys, odd), "type": kind}))
        model_of({"title": "odd", "elements": {"a": odd}, "layout": odd, "variables": odd})
