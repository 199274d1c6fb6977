"""Reads the classic schema, of any version from the first rows on, into the model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from pharos.dashboards.defined import read_annotations, read_links, read_variables
from pharos.dashboards.model import COLUMNS, Grid, Library, Model, Panel, Row, Tab
from pharos.dashboards.modern import modern_panel
from pharos.dashboards.modern.targets import known_type
from pharos.dashboards.reading import Json, flag, items, mapping, mappings, number, text, texts, whole
from pharos.dashboards.report import Report
from pharos.dashboards.transformations import tell_unapplied, tell_unfollowed

NEWEST_SCHEMA: Final = 42
_UNIT_PX: Final = 38
"""A unit of height with its gap."""
_TOOLTIPS: Final = {0: "none", 1: "crosshair", 2: "all"}
_DEFAULT_H: Final = 8
_MOST_H: Final = 200
_MOST_Y: Final = 100_000
"""A panel that is said to be further down than that would make a page that no browser scrolls."""
_MOST_PANELS: Final = 1000
MOST_REPEATS: Final = 12


def read_classic(
    document: Json, report: Report, uid: str = "", libraries: Mapping[str, Json] | None = None
) -> Model:
    """Return the model of a dashboard of the classic schema.

    `libraries` are the panels of the library, by uid; those in the document itself come first.
    """
    known = {**(libraries or {}), **_elements(document)}
    rows = _rows(document, report, known)
    report.leave()
    inputs = {
        text(one.get("name")): text(one.get("value") or one.get("pluginId"))
        for one in mappings(document.get("__inputs"))
    }
    time = mapping(document.get("time"))
    picker = mapping(document.get("timepicker"))
    return Model(
        uid=uid or text(document.get("uid")),
        title=text(document.get("title")) or "Untitled",
        description=text(document.get("description")),
        tags=tuple(dict.fromkeys(texts(document.get("tags")))),
        tabs=(Tab("t:1", tuple(rows)),),
        variables=read_variables(mappings(mapping(document.get("templating")).get("list")), report),
        annotations=read_annotations(mappings(mapping(document.get("annotations")).get("list"))),
        links=read_links(mappings(document.get("links"))),
        editable=document.get("editable") is not False,
        time_from=text(time.get("from")) or "now-6h",
        time_to=text(time.get("to")) or "now",
        refresh=text(document.get("refresh")),
        refresh_intervals=tuple(texts(picker.get("refresh_intervals"))),
        timezone=text(document.get("timezone")),
        week_start=text(document.get("weekStart")),
        hides_time=flag(picker.get("hidden")),
        tooltip=_tooltip(document),
        inputs=inputs,
    )


def _tooltip(document: Json) -> str:
    if "graphTooltip" not in document:
        return "crosshair" if flag(document.get("sharedCrosshair")) else "none"
    return _TOOLTIPS.get(whole(document.get("graphTooltip")), "none")


def _elements(document: Json) -> dict[str, Json]:
    """Return the library's panels that were exported together with the dashboard, by uid."""
    found = {}
    for uid, element in mapping(document.get("__elements")).items():
        model = mapping(mapping(element).get("model"))
        if model:
            found[uid] = {**model, "libraryPanel": {"uid": uid, "name": text(mapping(element).get("name"))}}
    return found


# -- rows --


def _rows(document: Json, report: Report, known: Mapping[str, Json]) -> list[Row]:
    numbered = _Numbers(document)
    if items(document.get("panels")) or not items(document.get("rows")):
        return _sections(document, report, known, numbered)
    found = mappings(document.get("rows"))
    report.changed("rows of an old schema became rows of a grid")
    has_headers = any(
        flag(row.get("showTitle")) or flag(row.get("collapse")) or row.get("repeat") for row in found
    )
    rows = []
    for place, row in enumerate(found):
        read = _Reader(report, known, numbered, whole(document.get("schemaVersion")))
        panels = [
            read.panel(panel, grid) for panel, grid in flow(mappings(row.get("panels")), row_height(row))
        ]
        rows.append(
            Row(
                key=f"r:old{place}",
                panels=tuple(panels),
                title=text(row.get("title")) or "Row",
                has_header=has_headers,
                is_collapsed=flag(row.get("collapse")),
                repeat=text(row.get("repeat")),
            )
        )
    return rows


def row_height(row: Json) -> int:
    """Return the height of an old row's panels in units."""
    return _height(row.get("height"), 7)


def flow(panels: Sequence[Json], row_h: int) -> list[tuple[Json, Grid]]:
    """Return panels of an old row with places: from the left, in lines, twelve spans wide."""
    x = y = tallest = 0
    placed = []
    for panel in panels:
        span = number(panel.get("span"))
        w = min(max(round(float(4 if span is None else span) * 2), 1), COLUMNS)
        least = whole(panel.get("minSpan"))
        if least and panel.get("repeat"):
            w = min(COLUMNS, least * 2)
        h = _height(panel.get("height"), row_h)
        if x + w > COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        placed.append((panel, Grid(x, y, w, h)))
        x, tallest = x + w, max(tallest, h)
    return placed


def _height(found: object, default: int) -> int:
    px = number(text(found).removesuffix("px"))
    return default if px is None or px <= 0 else min(max(math.ceil(px / _UNIT_PX), 2), _MOST_H)


def _sections(document: Json, report: Report, known: Mapping[str, Json], numbered: _Numbers) -> list[Row]:
    """Return rows of a grid: the panels that follow a heading belong to it."""
    read = _Reader(report, known, numbered, whole(document.get("schemaVersion")))
    panels = mappings(document.get("panels"))
    if len(panels) > _MOST_PANELS:
        report.lost(f"only the first {_MOST_PANELS} panels are shown")
        panels = panels[:_MOST_PANELS]
    placed = _placed(panels)
    rows: list[Row] = []
    header: tuple[Json, Grid] | None = None
    under: list[tuple[Json, Grid]] = []

    def close() -> None:
        if header is None:
            if under:
                rows.append(Row("r:0", _relative(under, read)))
            return
        row = header[0]
        own = mappings(row.get("panels"))
        inner = _placed(own) if flag(row.get("collapsed")) else []
        number_of = numbered.of(row)
        if len(own) > len(inner):
            report.enter(number_of, text(row.get("title")))
            report.lost(f"the row is open, so that the panels inside it are not shown: {len(own)}")
            report.leave()
        rows.append(
            Row(
                key=f"r:{number_of}",
                id=number_of,
                panels=_relative([*inner, *under], read),
                title=text(row.get("title")),
                has_header=True,
                is_collapsed=flag(row.get("collapsed")),
                repeat=text(row.get("repeat")),
            )
        )

    for panel, grid in placed:
        if text(panel.get("type")) == "row":
            close()
            header, under = (panel, grid), []
        else:
            under.append((panel, grid))
    close()
    return rows


def _placed(panels: Sequence[Json]) -> list[tuple[Json, Grid]]:
    """Return panels with their places, from the top down; those without one come below all others."""
    found, bottom = [], 0
    for panel in panels:
        grid = grid_of(panel.get("gridPos"))
        if grid is not None:
            found.append((panel, grid))
            bottom = max(bottom, grid.y + grid.h)
    x = 0
    for panel in panels:
        if grid_of(panel.get("gridPos")) is not None:
            continue
        if text(panel.get("type")) == "row":
            bottom, x = bottom + (_DEFAULT_H if x else 0), 0
            found.append((panel, Grid(0, bottom, COLUMNS, 1)))
            bottom += 1
            continue
        found.append((panel, Grid(x, bottom, COLUMNS // 2, _DEFAULT_H)))
        x = COLUMNS // 2 - x
        bottom += 0 if x else _DEFAULT_H
    return sorted(found, key=lambda pair: (pair[1].y, pair[1].x))


def grid_of(found: object) -> Grid | None:
    """Return the place that a panel says it has; None if it says none."""
    said = mapping(found)
    if not said:
        return None
    w = min(max(whole(said.get("w"), 12), 1), COLUMNS)
    x = min(max(whole(said.get("x")), 0), COLUMNS - w)
    y = min(max(whole(said.get("y")), 0), _MOST_Y)
    return Grid(x, y, w, min(max(whole(said.get("h"), _DEFAULT_H), 1), _MOST_H))


def _relative(under: Sequence[tuple[Json, Grid]], read: _Reader) -> tuple[Panel, ...]:
    top = min((grid.y for _, grid in under), default=0)
    return tuple(read.panel(panel, Grid(at.x, at.y - top, at.w, at.h)) for panel, at in under)


# -- panels --


class _Numbers:
    """The ids of panels, each once: one that is missing or there twice is given a free one."""

    def __init__(self, document: Json) -> None:
        self._given: set[int] = set()
        self._free = 1 + max((_id_of(panel) for panel in every_panel(document)), default=0)

    def of(self, panel: Json) -> int:
        """Return the id of a panel; asked once for each."""
        found = _id_of(panel)
        if found <= 0 or found in self._given:
            found, self._free = self._free, self._free + 1
        self._given.add(found)
        return found


def _id_of(panel: Json) -> int:
    found = whole(panel.get("id"))
    return found if 0 < found < 1 << 31 else 0


def every_panel(document: Json) -> list[Json]:
    """Return all panels of a document of the classic schema, headings and folded ones too, in its order."""
    found = []
    for panel in mappings(document.get("panels")):
        found.append(panel)
        found += mappings(panel.get("panels"))
    for row in mappings(document.get("rows")):
        found += mappings(row.get("panels"))
    return found


class _Reader:
    """Reads the panels of one document."""

    def __init__(self, report: Report, known: Mapping[str, Json], numbered: _Numbers, schema: int) -> None:
        self._report = report
        self._known = known
        self._numbered = numbered
        self._schema = schema

    def panel(self, panel: Json, grid: Grid) -> Panel:
        """Return a panel at its place."""
        identifier = self._numbered.of(panel)
        self._report.enter(identifier, text(panel.get("title")))
        library, shown = self._library(panel)
        return read_panel(shown, identifier, grid, self._report, schema=self._schema, library=library)

    def _library(self, panel: Json) -> tuple[Library | None, Json]:
        said = mapping(panel.get("libraryPanel"))
        if not said:
            return None, panel
        uid, name = text(said.get("uid")), text(said.get("name"))
        found = self._known.get(uid)
        if found is None:
            if not panel.get("type") and not panel.get("targets"):
                self._report.lost(
                    f"the library panel {name or uid!r} is not here",
                    "import a dashboard that was exported together with its library panels",
                )
            return Library(uid, name, is_found=bool(panel.get("type"))), panel
        own = {
            key: panel[key]
            for key in ("title", "repeat", "repeatDirection", "maxPerRow", "gridPos")
            if panel.get(key)
        }
        return Library(uid, name or text(mapping(found.get("libraryPanel")).get("name")), True), {
            **found,
            **own,
        }


def read_panel(
    panel: Json,
    identifier: int,
    grid: Grid,
    report: Report,
    *,
    schema: int = NEWEST_SCHEMA,
    library: Library | None = None,
) -> Panel:
    """Return a panel of the classic schema, with what older versions wrote in their own words migrated."""
    original = text(panel.get("type")) or ("library-panel" if library else "unknown")
    modern = modern_panel(panel, schema, report)
    kind = text(modern.get("type")) or original
    if not known_type(kind) and library is None:
        report.lost(
            f"there is no panel of the type {kind!r}", "its JSON is kept, and its data are shown as a table"
        )
    transformations = tuple(mappings(modern.get("transformations")))
    tell_unapplied(transformations, report)
    field_config = mapping(modern.get("fieldConfig"))
    tell_unfollowed(field_config, report)
    return Panel(
        key=f"p:{identifier}",
        id=identifier,
        type=kind,
        title=text(modern.get("title")),
        description=text(modern.get("description")),
        grid=grid,
        transparent=flag(modern.get("transparent")),
        options=mapping(modern.get("options")),
        field_config=field_config,
        transformations=transformations,
        targets=tuple(mappings(modern.get("targets"))),
        datasource=modern.get("datasource"),
        links=tuple(mappings(modern.get("links"))),
        repeat=text(modern.get("repeat")),
        repeat_direction="v" if text(modern.get("repeatDirection")) == "v" else "h",
        max_per_row=min(max(whole(modern.get("maxPerRow"), 4), 1), MOST_REPEATS)
        if modern.get("maxPerRow")
        else 4,
        interval=text(modern.get("interval")),
        max_points=max(whole(modern.get("maxDataPoints")), 0),
        time_from=text(modern.get("timeFrom")),
        time_shift=text(modern.get("timeShift")),
        hides_override=flag(modern.get("hideTimeOverride")),
        library=library,
        original_type=original,
    )
