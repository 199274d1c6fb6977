"""Changes to a dashboard of the second schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from pharos.dashboards.classic import MOST_REPEATS
from pharos.dashboards.model import Row
from pharos.dashboards.reading import Json, items, mapping, mappings, text, whole
from pharos.dashboards.report import Report
from pharos.dashboards.second import Layouts, Section
from pharos.dashboards.second_written import (
    second_annotations,
    second_targets,
    second_transformations,
    second_variables,
)
from pharos.errors import Kind, PharosError

_TOOLTIPS: Final = {"none": "Off", "crosshair": "Crosshair", "all": "Tooltip"}
_TIMES: Final = {
    "refresh": "autoRefresh",
    "refresh_intervals": "autoRefreshIntervals",
    "timezone": "timezone",
}
_PLAIN: Final = frozenset({"title", "description", "tags", "links"})
_QUERY_OPTIONS: Final = ("interval", "maxDataPoints", "timeFrom", "timeShift", "hideTimeOverride")
_REPEATS: Final = frozenset({"repeat", "repeatDirection", "maxPerRow"})


def change_second(spec: Json, one: Json) -> None:
    """Make one change in the spec of a document. Raises PharosError: MISSING, UNSUPPORTED, INVALID."""
    name = text(one.get("op"))
    operation = _OPERATIONS.get(name)
    if operation is None:
        raise PharosError(
            Kind.UNSUPPORTED,
            f"{name[:40]!r} is not done to dashboards of the second schema",
            hint="change its JSON",
        )
    operation(spec, one)


def _element(spec: Json, number: Any) -> tuple[str, Json]:
    for name, element in mapping(spec.get("elements")).items():
        if whole(mapping(mapping(element).get("spec")).get("id")) == whole(number) > 0:
            return name, element["spec"]
    raise PharosError(Kind.MISSING, f"there is no panel {text(number)[:20]!r}")


def _set_panel(spec: Json, one: Json) -> None:
    name, element = _element(spec, one.get("id"))
    said = mapping(one.get("panel"))
    if text(mapping(spec["elements"][name]).get("kind")) == "LibraryPanel":
        if set(said) - {"title"}:
            raise PharosError(
                Kind.UNSUPPORTED, "a library panel is changed where it is kept", hint="change its title alone"
            )
        element["title"] = said.get("title")
        return
    _write_panel(element, said)
    if said.keys() & _REPEATS:
        _, item = _item(spec, name)
        _repeat(_inner(item, "spec", {}), said, text(item.get("kind")) == "GridLayoutItem")


def _repeat(item: Json, said: Json, has_place: bool) -> None:
    """Write for which values a panel stands, and how those are placed."""
    repeat = dict(mapping(item.get("repeat")))
    if "repeat" in said:
        repeat = {"mode": "variable", **repeat, "value": text(said["repeat"])}
    if not text(repeat.get("value")):
        item.pop("repeat", None)
        return
    if has_place and "repeatDirection" in said:
        repeat["direction"] = "v" if said["repeatDirection"] == "v" else "h"
    if has_place and "maxPerRow" in said:
        repeat["maxPerRow"] = min(max(whole(said["maxPerRow"], 4), 1), MOST_REPEATS)
    item["repeat"] = repeat


def _write_panel(element: Json, said: Json) -> None:
    """Write what is said of a panel in classic words into its element; what is not said is not touched."""
    for name in ("title", "description", "transparent", "links"):
        if name in said:
            element[name] = said[name]
    if text(said.get("type")) or said.keys() & {"options", "fieldConfig"}:
        viz = _inner(element, "vizConfig", {"kind": "VizConfig", "group": "", "version": "", "spec": {}})
        if text(said.get("type")):
            key = "group" if "group" in viz or viz.get("kind") == "VizConfig" else "kind"
            viz[key] = text(said["type"])
        for name in said.keys() & {"options", "fieldConfig"}:
            _inner(viz, "spec", {})[name] = said[name]
    if not said.keys() & {"targets", "transformations", *_QUERY_OPTIONS}:
        return
    data = _inner(_inner(element, "data", {"kind": "QueryGroup", "spec": {}}), "spec", {})
    if "targets" in said:
        data["queries"] = second_targets(mappings(said["targets"]), mappings(data.get("queries")))
    if "transformations" in said:
        data["transformations"] = second_transformations(
            mappings(said["transformations"]), mappings(data.get("transformations"))
        )
    for name in _QUERY_OPTIONS:
        if name in said:
            _inner(data, "queryOptions", {})[name] = said[name]


def _inner(found: Json, name: str, new: Json) -> Json:
    """Return an object within one, which is made where there is none."""
    inner = found.get(name)
    if not isinstance(inner, dict):
        inner = found[name] = new
    return inner


def _item_lists(found: Any) -> Iterator[list[Any]]:
    """Yield the lists of a layout's items, however deep."""
    layout = mapping(found)
    spec = mapping(layout.get("spec"))
    if isinstance(spec.get("items"), list):
        yield spec["items"]
    for name in ("rows", "tabs"):
        for one in mappings(spec.get(name)):
            yield from _item_lists(mapping(one.get("spec")).get("layout"))


def _item(spec: Json, name: str) -> tuple[list[Any], Json]:
    for found in _item_lists(spec.get("layout")):
        for one in mappings(found):
            if text(mapping(mapping(one.get("spec")).get("element")).get("name")) == name:
                return found, one
    raise PharosError(Kind.MISSING, f"the layout does not show {name[:40]!r}")


class _Rows:
    """The rows of a document by the keys that its model has for them."""

    def __init__(self, spec: Json) -> None:
        reader = Layouts(mapping(spec.get("elements")), Report(), {})
        tabs = reader.tabs(spec)
        self.rows: dict[str, Row] = {row.key: row for tab in tabs for row in tab.rows}
        self._sections = reader.sections

    def section(self, key: Any) -> Section:
        """Return where a row stands. Raises PharosError: MISSING."""
        found = self._sections.get(text(key).partition("@")[0])
        if found is None:
            raise PharosError(Kind.MISSING, f"there is no row {text(key)[:40]!r}")
        return found

    def titled(self, key: Any) -> tuple[Section, Json]:
        """Return where a row with a heading stands, and its spec. Raises PharosError: INVALID, MISSING."""
        section = self.section(key)
        if section.item is None:
            raise PharosError(Kind.INVALID, "what stands under no heading is no row")
        return section, section.holder


def _move_panels(spec: Json, one: Json) -> None:
    for moved in mappings(one.get("panels")):
        name, _ = _element(spec, moved.get("id"))
        holder, item = _item(spec, name)
        if text(moved.get("row")):
            wanted = _Rows(spec).section(moved["row"])
            grid_items = _grid_items(wanted.holder)
            if grid_items is not holder:
                holder[:] = [each for each in holder if each is not item]
                item = _placed(item, text(mapping(wanted.holder.get("layout")).get("kind")))
                grid_items.append(item)
                holder = grid_items
        grid = mapping(moved.get("grid"))
        if text(item.get("kind")) == "GridLayoutItem":
            for key, own in (("x", "x"), ("y", "y"), ("w", "width"), ("h", "height")):
                if key in grid:
                    item["spec"][own] = max(whole(grid[key]), 0)
        else:
            _reorder(spec, holder, item, grid)


def _grid_items(holder: Json) -> list[Any]:
    """Return the list of panels of what holds a layout. Raises PharosError: UNSUPPORTED."""
    layout = _inner(holder, "layout", {"kind": "GridLayout", "spec": {"items": []}})
    if text(layout.get("kind")) not in {"GridLayout", "AutoGridLayout"}:
        raise PharosError(Kind.UNSUPPORTED, "this row holds other rows", hint="change its JSON")
    inner = _inner(layout, "spec", {})
    if not isinstance(inner.get("items"), list):
        inner["items"] = []
    found: list[Any] = inner["items"]
    return found


def _placed(item: Json, layout: str) -> Json:
    """Return an item as another kind of layout has it."""
    spec = dict(mapping(item.get("spec")))
    repeat = mapping(spec.get("repeat"))
    if layout == "AutoGridLayout":
        spec = {name: spec[name] for name in spec if name not in {"x", "y", "width", "height"}}
        if repeat:
            spec["repeat"] = {name: repeat[name] for name in ("mode", "value") if name in repeat}
        return {"kind": "AutoGridLayoutItem", "spec": spec}
    spec.pop("conditionalRendering", None)
    return {"kind": "GridLayoutItem", "spec": {"x": 0, "y": 0, "width": 12, "height": 8, **spec}}


def _reorder(spec: Json, holder: list[Any], item: Json, grid: Json) -> None:
    """Put a panel, in a layout that places its panels by itself, before the one that stands there."""
    grids = {panel.id: panel.grid for row in _Rows(spec).rows.values() for panel in row.panels}
    ids = {name: whole(mapping(mapping(one).get("spec")).get("id")) for name, one in spec["elements"].items()}
    wanted = (whole(grid.get("y")), whole(grid.get("x")))
    left = [each for each in holder if each is not item]
    for place, each in enumerate(left):
        name = text(mapping(mapping(mapping(each).get("spec")).get("element")).get("name"))
        stands = grids.get(ids.get(name, 0))
        if stands is not None and (stands.y, stands.x) >= wanted:
            left.insert(place, item)
            break
    else:
        left.append(item)
    holder[:] = left


def _list_for(spec: Json, key: Any) -> Json:
    """Return the layout that a new panel goes to: that of its row, or the first that holds panels."""
    rows = _Rows(spec)
    known = text(key).partition("@")[0]
    holder = rows.section(known).holder if known in rows.rows else None
    if holder is None:
        holder = next((one for one in (rows.section(each).holder for each in rows.rows)), _first_holder(spec))
    _grid_items(holder)
    found: Json = holder["layout"]
    return found


def _first_holder(spec: Json) -> Json:
    """Return the first part of a document without any panel that can hold some."""
    layout = mapping(spec.get("layout"))
    for name in ("tabs", "rows"):
        for one in mappings(mapping(layout.get("spec")).get(name)):
            return _first_holder(mapping(one.get("spec")))
    if text(layout.get("kind")) in {"TabsLayout", "RowsLayout"}:
        spec["layout"] = {"kind": "GridLayout", "spec": {"items": []}}
    return spec


def _set_row(spec: Json, one: Json) -> None:
    _, row = _Rows(spec).titled(one.get("key"))
    said = mapping(one.get("row"))
    if "title" in said:
        row["title"] = text(said["title"])
    if "collapsed" in said:
        row["collapse"] = said["collapsed"] is True
    if "repeat" in said:
        row.pop("repeat", None)
        if text(said["repeat"]):
            row["repeat"] = {"mode": "variable", "value": text(said["repeat"])}


def _add_row(spec: Json, one: Json) -> None:
    row: Json = {
        "kind": "RowsLayoutRow",
        "spec": {
            "title": text(one.get("title")) or "Row",
            "collapse": False,
            "layout": {"kind": "GridLayout", "spec": {"items": []}},
        },
    }
    rows = _Rows(spec)
    known = text(one.get("after")).partition("@")[0]
    last = known if known in rows.rows else next(reversed(rows.rows), None)
    section = Section(_first_holder(spec)) if last is None else rows.section(last)
    if section.item is not None:
        place = next(at for at, each in enumerate(section.siblings) if each is section.item)
        section.siblings.insert(place + 1, row)
        return
    # Panels that stood under no row stand in one without a heading, as Grafana does it.
    holder = section.holder
    above = [] if last is None else [{"kind": "RowsLayoutRow", "spec": _headless(holder)}]
    holder["layout"] = {"kind": "RowsLayout", "spec": {"rows": [*above, row]}}


def _headless(holder: Json) -> Json:
    return {"title": "", "collapse": False, "hideHeader": True, "layout": holder["layout"]}


def _remove_row(spec: Json, one: Json) -> None:
    rows = _Rows(spec)
    section, row = rows.titled(one.get("key"))
    panels = rows.rows[text(one.get("key")).partition("@")[0]].panels
    if panels and one.get("with_panels") is not True:
        # Its panels stay where they are; only the heading goes.
        row.pop("repeat", None)
        row.update(title="", hideHeader=True, collapse=False)
        return
    section.siblings[:] = [each for each in section.siblings if each is not section.item]
    for panel in panels:
        name, _ = _element(spec, panel.id)
        del spec["elements"][name]


def _add_panel(spec: Json, one: Json) -> None:
    said = mapping(one.get("panel"))
    if not text(said.get("type")):
        raise PharosError(Kind.INVALID, "the new panel has no type")
    elements = _inner(spec, "elements", {})
    number = 1 + max(
        (whole(mapping(mapping(each).get("spec")).get("id")) for each in elements.values()), default=0
    )
    name = f"panel-{number}"
    while name in elements:
        name += "-new"
    element: Json = {
        "id": number,
        "title": "",
        "description": "",
        "links": [],
        "data": {"kind": "QueryGroup", "spec": {"queries": [], "transformations": [], "queryOptions": {}}},
        "vizConfig": {
            "kind": "VizConfig",
            "group": "",
            "version": "",
            "spec": {"options": {}, "fieldConfig": {"defaults": {}, "overrides": []}},
        },
    }
    _write_panel(element, said)
    layout = _list_for(spec, one.get("row"))
    grid = mapping(said.get("grid"))
    is_auto = text(layout.get("kind")) == "AutoGridLayout"
    standing: list[Any] = layout["spec"]["items"]
    place: Json = {"element": {"kind": "ElementReference", "name": name}}
    if not is_auto:
        bottom = max(
            (
                whole(mapping(each.get("spec")).get("y")) + whole(mapping(each.get("spec")).get("height"))
                for each in mappings(standing)
            ),
            default=0,
        )
        place = {
            "x": whole(grid.get("x")),
            "y": whole(grid.get("y"), bottom),
            "width": whole(grid.get("w"), 12),
            "height": whole(grid.get("h"), 8),
            **place,
        }
    elements[name] = {"kind": "Panel", "spec": element}
    standing.append({"kind": "AutoGridLayoutItem" if is_auto else "GridLayoutItem", "spec": place})


def _remove_panel(spec: Json, one: Json) -> None:
    name, _ = _element(spec, one.get("id"))
    found, item = _item(spec, name)
    found[:] = [each for each in found if each is not item]
    del spec["elements"][name]


def _set(spec: Json, one: Json) -> None:
    for name, value in mapping(one.get("settings")).items():
        if name in _PLAIN:
            spec[name] = value
        elif name == "variables":
            spec[name] = second_variables(mappings(value), mappings(spec.get(name)))
        elif name == "annotations":
            spec[name] = second_annotations(mappings(value), mappings(spec.get(name)))
        elif name == "time":
            _inner(spec, "timeSettings", {}).update(
                {key: text(mapping(value).get(key)) for key in ("from", "to") if key in mapping(value)}
            )
        elif name in _TIMES:
            times = _inner(spec, "timeSettings", {})
            times[_TIMES[name]] = items(value) if name == "refresh_intervals" else value
        elif name == "tooltip":
            spec["cursorSync"] = _TOOLTIPS.get(text(value), "Off")
        else:
            raise PharosError(
                Kind.UNSUPPORTED,
                f"{name[:40]!r} of a dashboard of the second schema is not changed so",
                hint="change its JSON",
            )


_OPERATIONS: Final[Mapping[str, Callable[[Json, Json], None]]] = {
    "set_panel": _set_panel,
    "move_panels": _move_panels,
    "add_panel": _add_panel,
    "remove_panel": _remove_panel,
    "set_row": _set_row,
    "add_row": _add_row,
    "remove_row": _remove_row,
    "set": _set,
}
