"""Reads the second schema (`dashboard.grafana.app/v2…`) into the model: elements, and a layout of them.

Variables, annotations, links and panels are put into classic words first, so that one reader knows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from pharos.dashboards.classic import grid_of, read_panel
from pharos.dashboards.defined import read_annotations, read_links, read_variables
from pharos.dashboards.model import COLUMNS, Grid, Library, Model, Panel, Row, Showing, Tab
from pharos.dashboards.reading import Json, flag, items, mapping, mappings, text, texts, whole
from pharos.dashboards.report import Report

_TOOLTIPS: Final = {"Off": "none", "Crosshair": "crosshair", "Tooltip": "all"}
_HIDDEN: Final = {"dontHide": 0, "hideLabel": 1, "hideVariable": 2, "inControlsMenu": 0}
_REFRESH: Final = {"never": 0, "onDashboardLoad": 1, "onTimeRangeChanged": 2}
_SORTS: Final = {
    "disabled": 0,
    "alphabeticalAsc": 1,
    "alphabeticalDesc": 2,
    "numericalAsc": 3,
    "numericalDesc": 4,
    "alphabeticalCaseInsensitiveAsc": 5,
    "alphabeticalCaseInsensitiveDesc": 6,
    "naturalAsc": 7,
    "naturalDesc": 8,
}
_KINDS: Final = {"Datasource": "datasource", "Text": "textbox", "Groupby": "groupby", "GroupBy": "groupby"}
_HEIGHTS: Final = {"short": 5, "standard": 9, "tall": 14}
_UNIT_PX: Final = 38
_DEEPEST: Final = 6
_MOST_ROWS: Final = 500


def read_second(
    document: Json, report: Report, uid: str = "", libraries: Mapping[str, Json] | None = None
) -> Model:
    """Return the model of a dashboard of the second schema."""
    spec = mapping(document.get("spec")) if "apiVersion" in document else document
    time = mapping(spec.get("timeSettings"))
    tabs = Layouts(mapping(spec.get("elements")), report, libraries or {}).tabs(spec)
    report.leave()
    name = text(mapping(document.get("metadata")).get("name"))
    return Model(
        uid=uid or name,
        title=text(spec.get("title")) or "Untitled",
        description=text(spec.get("description")),
        tags=tuple(dict.fromkeys(texts(spec.get("tags")))),
        tabs=tuple(tabs),
        variables=read_variables([classic_variable(one) for one in _variables(spec)], report),
        annotations=read_annotations([classic_annotation(one) for one in mappings(spec.get("annotations"))]),
        links=read_links(mappings(spec.get("links"))),
        editable=spec.get("editable") is not False,
        time_from=text(time.get("from")) or "now-6h",
        time_to=text(time.get("to")) or "now",
        refresh=text(time.get("autoRefresh")),
        refresh_intervals=tuple(texts(time.get("autoRefreshIntervals"))),
        timezone=text(time.get("timezone")),
        week_start=text(time.get("weekStart")),
        hides_time=flag(time.get("hideTimepicker")),
        tooltip=_TOOLTIPS.get(text(spec.get("cursorSync")), "none"),
    )


def _variables(spec: Json) -> list[Json]:
    """Return all variables: the dashboard's own, then those of its tabs and rows that have other names."""
    found = list(mappings(spec.get("variables")))
    layouts = [mapping(spec.get("layout"))]
    for layout in layouts:
        if len(layouts) > _MOST_ROWS:
            break
        inner = mapping(layout.get("spec"))
        for one in (*mappings(inner.get("tabs")), *mappings(inner.get("rows"))):
            section = mapping(one.get("spec"))
            found += mappings(section.get("variables"))
            layouts.append(mapping(section.get("layout")))
    return found


def classic_variable(one: Json) -> Json:
    """Return a variable in classic words."""
    kind = text(one.get("kind")).removesuffix("Variable")
    spec = dict(mapping(one.get("spec")))
    spec["type"] = _KINDS.get(kind, kind.lower())
    spec["hide"] = _HIDDEN.get(text(spec.get("hide")), 0)
    spec["refresh"] = _REFRESH.get(text(spec.get("refresh")), 1)
    spec["sort"] = _SORTS.get(text(spec.get("sort")), 0)
    if spec["type"] == "switch":
        spec["current"] = {"value": text(spec.get("current")), "text": text(spec.get("current"))}
    if spec["type"] == "datasource":
        spec["query"] = text(spec.get("pluginId"))
    query = mapping(spec.get("query"))
    if query:
        spec["datasource"] = classic_source(query, mapping(spec.get("datasource")))
        said = mapping(query.get("spec"))
        spec["query"] = said.get("__legacyStringValue") or said or text(spec.get("definition"))
    elif spec["type"] in {"adhoc", "groupby"}:
        spec["datasource"] = classic_source(one, mapping(spec.get("datasource")))
    return spec


def classic_lists(spec: Json) -> Json:
    """Return the variables, annotations and links of a document in classic words."""
    return {
        "variables": [classic_variable(one) for one in mappings(spec.get("variables"))],
        "annotations": [classic_annotation(one) for one in mappings(spec.get("annotations"))],
        "links": mappings(spec.get("links")),
    }


def classic_source(query: Json, own: Json | None = None) -> Json | None:
    """Return the data source of a query in classic words; None for the default."""
    source = mapping(query.get("datasource")) or own or {}
    kind = text(query.get("group")) or text(source.get("type"))
    if not kind and text(query.get("kind")) not in {"DataQuery", ""}:
        kind = text(query.get("kind"))
    name = text(source.get("name")) or text(source.get("uid"))
    return {"type": kind, "uid": name} if kind or name else None


def classic_annotation(one: Json) -> Json:
    """Return an annotation in classic words."""
    spec = dict(mapping(one.get("spec")))
    query = mapping(spec.get("query"))
    spec["datasource"] = classic_source(query, mapping(spec.get("datasource")))
    return {**mapping(spec.get("legacyOptions")), **mapping(query.get("spec")), **spec}


def classic_panel(spec: Json) -> Json:
    """Return a panel's spec in classic words."""
    data = mapping(mapping(spec.get("data")).get("spec"))
    options = mapping(data.get("queryOptions"))
    viz = mapping(spec.get("vizConfig"))
    shown = mapping(viz.get("spec"))
    kind = text(viz.get("group")) or (text(viz.get("kind")) if text(viz.get("kind")) != "VizConfig" else "")
    return {
        "id": spec.get("id"),
        "title": spec.get("title"),
        "description": spec.get("description"),
        "transparent": spec.get("transparent"),
        "links": spec.get("links"),
        "type": kind,
        "options": shown.get("options"),
        "fieldConfig": shown.get("fieldConfig"),
        "targets": [classic_target(one) for one in mappings(data.get("queries"))],
        "datasource": {"type": "datasource", "uid": "-- Mixed --"},
        "transformations": [classic_transformation(one) for one in mappings(data.get("transformations"))],
        **{name: options[name] for name in options if options[name] is not None},
    }


def classic_target(one: Json) -> Json:
    """Return a query of a panel in classic words."""
    spec = mapping(one.get("spec"))
    query = mapping(spec.get("query"))
    return {
        **mapping(query.get("spec")),
        "refId": text(spec.get("refId")),
        "hide": flag(spec.get("hidden")),
        "datasource": classic_source(query, mapping(spec.get("datasource"))),
    }


def classic_transformation(one: Json) -> Json:
    """Return a transformation in classic words."""
    spec = mapping(one.get("spec"))
    kind = text(one.get("group")) or text(one.get("kind"))
    return {**spec, "id": text(spec.get("id")) or kind}


def _condition(found: Any) -> Showing | None:
    """Return when something is shown; None for always."""
    group = mapping(found)
    spec = mapping(group.get("spec"))
    tests = tuple(mappings(spec.get("items")))
    if not tests:
        return None
    return Showing(tests, text(spec.get("condition")) == "or", text(spec.get("visibility")) == "hide")


class Section(Struct, frozen=True):
    """Where a row stands in its document."""

    holder: Json
    """What has its layout, under `layout`."""
    siblings: list[Any] = []
    """The list of rows that it stands in; empty for panels that stand under no row."""
    item: Json | None = None
    """The row itself in that list."""


class Layouts:
    """Puts the elements of one document into tabs, rows and grids."""

    def __init__(self, elements: Json, report: Report, libraries: Mapping[str, Json]) -> None:
        self._elements = elements
        self._report = report
        self._libraries = libraries
        self._rows = 0
        self._free = 1 + max(
            (whole(mapping(mapping(one).get("spec")).get("id")) for one in elements.values()), default=0
        )
        self._given: set[int] = set()
        self.sections: dict[str, Section] = {}
        """Of each row by its key, once `tabs` was called."""

    def tabs(self, holder: Json) -> list[Tab]:
        """Return the tabs of what holds a layout; one without a title where it has none."""
        layout = mapping(holder.get("layout"))
        if text(layout.get("kind")) != "TabsLayout":
            return [Tab("t:1", tuple(self._rows_of(holder)))]
        found = []
        for place, one in enumerate(mappings(mapping(layout.get("spec")).get("tabs")), 1):
            spec = mapping(one.get("spec"))
            found.append(
                Tab(
                    f"t:{place}",
                    tuple(self._rows_of(spec)),
                    title=text(spec.get("title")) or f"Tab {place}",
                    repeat=text(mapping(spec.get("repeat")).get("value")),
                    condition=_condition(spec.get("conditionalRendering")),
                )
            )
        return found or [Tab("t:1", ())]

    def _rows_of(self, holder: Json, depth: int = 0, above: str = "") -> list[Row]:
        layout = mapping(holder.get("layout"))
        kind, spec = text(layout.get("kind")), mapping(layout.get("spec"))
        if depth > _DEEPEST or self._rows > _MOST_ROWS:
            self._report.lost("rows that lie too deep in one another, or too many, are not shown")
            return []
        if kind == "RowsLayout":
            return [
                row
                for one in mappings(spec.get("rows"))
                for row in self._row(one, items(spec["rows"]), depth, above)
            ]
        if kind == "TabsLayout":
            self._report.note("tabs within a row are shown as rows")
            return [
                row
                for one in mappings(spec.get("tabs"))
                for row in self._row(one, items(spec["tabs"]), depth, above)
            ]
        panels = self._auto(spec) if kind == "AutoGridLayout" else self._grid(spec)
        if not panels:
            return []
        key = self._row_key()
        self.sections[key] = Section(holder)
        return [Row(key, tuple(panels))]

    def _row_key(self) -> str:
        self._rows += 1
        return f"r:{self._rows}"

    def _row(self, one: Json, siblings: list[Any], depth: int, above: str) -> list[Row]:
        spec = mapping(one.get("spec"))
        title = " / ".join(part for part in (above, text(spec.get("title"))) if part)
        inner = self._rows_of(spec, depth + 1, title)
        condition = _condition(spec.get("conditionalRendering"))
        repeat = text(mapping(spec.get("repeat")).get("value"))
        if len(inner) != 1 or inner[0].has_header:
            if repeat and inner:
                self._report.note("a repeat of a row that holds rows is shown once")
            if inner:
                return [replace(each, condition=each.condition or condition) for each in inner]
            inner = [Row(self._row_key(), ())]
        self.sections[inner[0].key] = Section(spec, siblings, one)
        return [
            replace(
                inner[0],
                title=title,
                has_header=not flag(spec.get("hideHeader")),
                is_collapsed=flag(spec.get("collapse")) or flag(spec.get("collapsed")),
                repeat=repeat,
                condition=condition,
            )
        ]

    def _grid(self, spec: Json) -> list[Panel]:
        found: list[Panel] = []
        for one in mappings(spec.get("items")):
            item = mapping(one.get("spec"))
            if text(one.get("kind")) == "GridLayoutRow":
                found += self._grid({"items": item.get("elements")})
                continue
            said = {
                "x": item.get("x"),
                "y": item.get("y"),
                "w": item.get("width"),
                "h": item.get("height"),
            }
            panel = self._panel(item, grid_of(said) or Grid(0, 0, COLUMNS, 8))
            if panel is not None:
                repeat = mapping(item.get("repeat"))
                found.append(
                    replace(
                        panel,
                        repeat=text(repeat.get("value")),
                        repeat_direction="v" if text(repeat.get("direction")) == "v" else "h",
                        max_per_row=min(max(whole(repeat.get("maxPerRow"), 4), 1), 12),
                    )
                )
        top = min((one.grid.y for one in found), default=0)
        placed = [replace(one, grid=replace(one.grid, y=one.grid.y - top)) for one in found]
        return sorted(placed, key=lambda one: (one.grid.y, one.grid.x))

    def _auto(self, spec: Json) -> list[Panel]:
        """Return the panels of a grid that places them by itself: as many in a line as it says at most."""
        in_line = min(max(whole(spec.get("maxColumnCount"), 3), 1), 12)
        mode = text(spec.get("rowHeightMode"))
        h = _HEIGHTS.get(mode, _HEIGHTS["standard"])
        if mode == "custom":
            h = min(max(round(whole(spec.get("rowHeight"), 320) / _UNIT_PX), 2), 100)
        w = COLUMNS // in_line
        found: list[Panel] = []
        for one in mappings(spec.get("items")):
            item = mapping(one.get("spec"))
            place = len(found)
            panel = self._panel(item, Grid(place % in_line * w, place // in_line * h, w, h))
            if panel is not None:
                repeat = text(mapping(item.get("repeat")).get("value"))
                shown = _condition(item.get("conditionalRendering"))
                found.append(replace(panel, repeat=repeat, max_per_row=in_line, condition=shown))
        return found

    def _panel(self, item: Json, grid: Grid) -> Panel | None:
        name = text(mapping(item.get("element")).get("name"))
        element = mapping(self._elements.get(name))
        spec = mapping(element.get("spec"))
        if not element:
            self._report.lost(f"the layout shows an element {name[:80]!r} that is not there")
            return None
        identifier = whole(spec.get("id"))
        if identifier <= 0 or identifier in self._given:
            identifier, self._free = self._free, self._free + 1
        self._given.add(identifier)
        self._report.enter(identifier, text(spec.get("title")))
        if text(element.get("kind")) == "LibraryPanel":
            return self._library(spec, identifier, grid)
        return read_panel(classic_panel(spec), identifier, grid, self._report)

    def _library(self, spec: Json, identifier: int, grid: Grid) -> Panel:
        said = mapping(spec.get("libraryPanel"))
        uid, name = text(said.get("uid")), text(said.get("name"))
        found = self._libraries.get(uid)
        if found is None:
            self._report.lost(f"the library panel {name or uid!r} is not here")
        library = Library(uid, name, is_found=found is not None)
        shown = {**(found or {}), "title": spec.get("title") or name}
        return read_panel(shown, identifier, grid, self._report, library=library)
