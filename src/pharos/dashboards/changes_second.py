"""Changes to a dashboard of the second schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from pharos.dashboards.reading import Json, flag, items, mapping, mappings, text, whole
from pharos.errors import Kind, PharosError

_TOOLTIPS: Final = {"none": "Off", "crosshair": "Crosshair", "all": "Tooltip"}
_TIMES: Final = {
    "refresh": "autoRefresh",
    "refresh_intervals": "autoRefreshIntervals",
    "timezone": "timezone",
}
_PLAIN: Final = frozenset({"title", "description", "tags", "links"})


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
    _, element = _element(spec, one.get("id"))
    _write_panel(element, mapping(one.get("panel")))


def _write_panel(element: Json, said: Json) -> None:
    """Write what is said of a panel in classic words into its element."""
    for name in ("title", "description", "transparent", "links"):
        if name in said:
            element[name] = said[name]
    viz = _inner(element, "vizConfig", {"kind": "VizConfig", "group": "", "version": "", "spec": {}})
    shown = _inner(viz, "spec", {})
    if text(said.get("type")):
        key = "group" if "group" in viz or viz.get("kind") == "VizConfig" else "kind"
        viz[key] = text(said["type"])
    for name in ("options", "fieldConfig"):
        if name in said:
            shown[name] = said[name]
    data = _inner(_inner(element, "data", {"kind": "QueryGroup", "spec": {}}), "spec", {})
    for name in ("queries", "transformations"):
        data.setdefault(name, [])
    options = _inner(data, "queryOptions", {})
    if "targets" in said:
        data["queries"] = [_query(target) for target in mappings(said["targets"])]
    if "transformations" in said:
        data["transformations"] = [
            {
                "kind": "Transformation",
                "group": text(each.get("id")),
                "spec": {name: each[name] for name in each if name != "id"},
            }
            for each in mappings(said["transformations"])
        ]
    for name in ("interval", "maxDataPoints", "timeFrom", "timeShift", "hideTimeOverride"):
        if name in said:
            options[name] = said[name]


def _inner(found: Json, name: str, new: Json) -> Json:
    """Return an object within one, which is made where there is none."""
    inner = found.get(name)
    if not isinstance(inner, dict):
        inner = found[name] = new
    return inner


def _query(target: Json) -> Json:
    source = mapping(target.get("datasource"))
    query: Json = {
        "kind": "DataQuery",
        "version": "v0",
        "group": text(source.get("type")),
        "spec": {name: target[name] for name in target if name not in {"refId", "hide", "datasource"}},
    }
    if text(source.get("uid")):
        query["datasource"] = {"name": text(source["uid"])}
    return {
        "kind": "PanelQuery",
        "spec": {"refId": text(target.get("refId")), "hidden": flag(target.get("hide")), "query": query},
    }


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


def _move_panels(spec: Json, one: Json) -> None:
    for moved in mappings(one.get("panels")):
        name, _ = _element(spec, moved.get("id"))
        _, item = _item(spec, name)
        if text(item.get("kind")) != "GridLayoutItem":
            raise PharosError(
                Kind.UNSUPPORTED, "this layout places its panels by itself", hint="change its JSON"
            )
        grid = mapping(moved.get("grid"))
        for key, own in (("x", "x"), ("y", "y"), ("w", "width"), ("h", "height")):
            if key in grid:
                item["spec"][own] = max(whole(grid[key]), 0)


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
    element: Json = {"id": number, "title": "", "description": "", "links": []}
    _write_panel(element, said)
    lists = list(_item_lists(spec.get("layout")))
    if not lists:
        spec["layout"] = {"kind": "GridLayout", "spec": {"items": []}}
        lists = [spec["layout"]["spec"]["items"]]
    grid = mapping(said.get("grid"))
    is_auto = any(text(mapping(each).get("kind")) == "AutoGridLayoutItem" for each in lists[0])
    place: Json = {"element": {"kind": "ElementReference", "name": name}}
    if not is_auto:
        bottom = max(
            (
                whole(mapping(each.get("spec")).get("y")) + whole(mapping(each.get("spec")).get("height"))
                for each in mappings(lists[0])
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
    lists[0].append({"kind": "AutoGridLayoutItem" if is_auto else "GridLayoutItem", "spec": place})


def _remove_panel(spec: Json, one: Json) -> None:
    name, _ = _element(spec, one.get("id"))
    found, item = _item(spec, name)
    found[:] = [each for each in found if each is not item]
    del spec["elements"][name]


def _set(spec: Json, one: Json) -> None:
    times = _inner(spec, "timeSettings", {})
    for name, value in mapping(one.get("settings")).items():
        if name in _PLAIN:
            spec[name] = value
        elif name == "time":
            times.update(
                {key: text(mapping(value).get(key)) for key in ("from", "to") if key in mapping(value)}
            )
        elif name in _TIMES:
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
    "set": _set,
}
