"""Changes to a dashboard, made to its JSON as it is kept: what they do not name stays as it was."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from pharos.dashboards.changes_second import change_second
from pharos.dashboards.classic import every_panel
from pharos.dashboards.document import Brought, Format, spec_of, unwrap
from pharos.dashboards.model import COLUMNS
from pharos.dashboards.modernize import is_old, modernized
from pharos.dashboards.reading import Json, items, mapping, mappings, text, whole
from pharos.errors import Kind, PharosError

_SETTINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "title": ("title",),
    "description": ("description",),
    "tags": ("tags",),
    "time": ("time",),
    "refresh": ("refresh",),
    "refresh_intervals": ("timepicker", "refresh_intervals"),
    "timezone": ("timezone",),
    "tooltip": ("graphTooltip",),
    "links": ("links",),
    "annotations": ("annotations", "list"),
    "variables": ("templating", "list"),
}
_REPLACE: Final = "replace"
_TOOLTIPS: Final = {"none": 0, "crosshair": 1, "all": 2}


def change(brought: Brought, changes: Sequence[Json]) -> Json:
    """Return the document with changes made in their order.

    Another document that takes its place (`replace`) makes what was changed before it void. Raises
    PharosError: INVALID, MISSING, UNSUPPORTED.
    """
    for place in reversed(range(len(changes))):
        if text(changes[place].get("op")) == _REPLACE:
            brought, changes = unwrap(changes[place].get("document")), changes[place + 1 :]
            break
    if not changes:
        return copy.deepcopy(brought.document)
    document = copy.deepcopy(brought.document)
    if brought.format is Format.V2:
        for one in changes:
            change_second(spec_of(document), one)
        return document
    spec = spec_of(document)
    if is_old(spec):
        modern = modernized(spec)
        spec.clear()
        spec.update(modern)
    _number(spec)
    for one in changes:
        operation = _OPERATIONS.get(text(one.get("op")))
        if operation is None:
            raise PharosError(
                Kind.INVALID,
                f"op: {text(one.get('op'))[:40]!r} is none",
                hint=", ".join((*_OPERATIONS, _REPLACE)),
            )
        operation(spec, one)
    return document


def _number(spec: Json) -> None:
    """Give a number to each panel that has none, or another's: in the order in which reading does."""
    free = 1 + max((whole(one.get("id")) for one in every_panel(spec)), default=0)
    given: set[int] = set()
    for panel in every_panel(spec):
        found = whole(panel.get("id"))
        if found <= 0 or found in given:
            panel["id"] = found = free
            free += 1
        given.add(found)


def _lists(spec: Json) -> Iterator[list[Any]]:
    """Yield the lists that hold panels: the dashboard's own, and those of folded rows."""
    own = spec.setdefault("panels", [])
    yield own
    for one in mappings(own):
        if isinstance(one.get("panels"), list):
            yield one["panels"]


def _panel(spec: Json, number: Any) -> Json:
    for panel in every_panel(spec):
        if whole(panel.get("id")) == whole(number) > 0:
            return panel
    raise PharosError(Kind.MISSING, f"there is no panel {text(number)[:20]!r}")


def _row(spec: Json, key: Any) -> Json | None:
    """Return the heading that a key names; None for what stands before all headings."""
    said = text(key)
    if said in {"", "r:0"}:
        return None
    found = _panel(spec, said.removeprefix("r:").partition("@")[0])
    if text(found.get("type")) != "row":
        raise PharosError(Kind.INVALID, f"{said[:40]!r} is no row")
    return found


def _set_panel(spec: Json, one: Json) -> None:
    panel, said = _panel(spec, one.get("id")), mapping(one.get("panel"))
    for name, value in said.items():
        if name not in {"id", "gridPos", "grid", "panels"}:
            panel[name] = value


def _grid(said: Any) -> Json:
    found = mapping(said)
    w = min(max(whole(found.get("w"), 12), 1), COLUMNS)
    x = min(max(whole(found.get("x")), 0), COLUMNS - w)
    return {
        "x": x,
        "y": max(whole(found.get("y")), 0),
        "w": w,
        "h": min(max(whole(found.get("h"), 8), 1), 200),
    }


class _Rows:
    """The panels of a dashboard by their rows, with places within these; put back when all is done."""

    def __init__(self, spec: Json) -> None:
        self._spec = spec
        self.found: list[tuple[Json | None, list[Json]]] = [(None, [])]
        placed = sorted(
            mappings(spec.get("panels")),
            key=lambda one: (
                whole(mapping(one.get("gridPos")).get("y")),
                whole(mapping(one.get("gridPos")).get("x")),
            ),
        )
        for panel in placed:
            if text(panel.get("type")) == "row":
                self.found.append((panel, list(mappings(panel.get("panels")))))
            else:
                self.found[-1][1].append(panel)
        for _, panels in self.found:
            top = min((_grid(one.get("gridPos"))["y"] for one in panels), default=0)
            for one in panels:
                grid = _grid(one.get("gridPos"))
                one["gridPos"] = {**grid, "y": grid["y"] - top}

    def of(self, row: Json | None) -> list[Json]:
        """Return the panels of a row."""
        for header, panels in self.found:
            if header is row:
                return panels
        raise PharosError(Kind.MISSING, "there is no such row")

    def holder(self, panel: Json) -> list[Json]:
        """Return the list that a panel stands in."""
        for _, panels in self.found:
            if any(one is panel for one in panels):
                return panels
        raise PharosError(Kind.INVALID, "the panel stands where no panel can be moved")

    def put_back(self) -> None:
        """Write all panels back, row by row from the top."""
        written: list[Json] = []
        y = 0
        for header, panels in self.found:
            if header is not None:
                header["gridPos"] = {"x": 0, "y": y, "w": COLUMNS, "h": 1}
                y += 1
                written.append(header)
            for one in panels:
                one["gridPos"] = {**one["gridPos"], "y": one["gridPos"]["y"] + y}
            folded = header is not None and bool(header.get("collapsed"))
            if header is not None:
                header["panels"] = panels if folded else []
            if not folded:
                written += panels
                y = max((one["gridPos"]["y"] + one["gridPos"]["h"] for one in panels), default=y)
        self._spec["panels"] = written


def _move_panels(spec: Json, one: Json) -> None:
    rows = _Rows(spec)
    for moved in mappings(one.get("panels")):
        panel = _panel(spec, moved.get("id"))
        holder = rows.holder(panel)
        target = rows.of(_row(spec, moved.get("row"))) if "row" in moved else holder
        holder[:] = [each for each in holder if each is not panel]
        panel["gridPos"] = _grid(moved.get("grid"))
        target.append(panel)
    rows.put_back()


def _free(spec: Json) -> int:
    return 1 + max((whole(one.get("id")) for one in every_panel(spec)), default=0)


def _add_panel(spec: Json, one: Json) -> None:
    said = dict(mapping(one.get("panel")))
    if not text(said.get("type")):
        raise PharosError(Kind.INVALID, "the new panel has no type")
    rows = _Rows(spec)
    panels = rows.of(_row(spec, one.get("row")))
    bottom = max((each["gridPos"]["y"] + each["gridPos"]["h"] for each in panels), default=0)
    grid = _grid(said.pop("grid", None) or said.get("gridPos") or {"y": bottom})
    panels.append({**said, "id": _free(spec), "gridPos": grid})
    rows.put_back()


def _remove_panel(spec: Json, one: Json) -> None:
    panel = _panel(spec, one.get("id"))
    for found in _lists(spec):
        found[:] = [each for each in found if each is not panel]


def _set_row(spec: Json, one: Json) -> None:
    row, said = _row(spec, one.get("key")), mapping(one.get("row"))
    if row is None:
        raise PharosError(Kind.INVALID, "what stands before all headings is no row")
    rows = _Rows(spec)
    for name in ("title", "collapsed", "repeat"):
        if name in said:
            row[name] = said[name]
    rows.put_back()


def _add_row(spec: Json, one: Json) -> None:
    row: Json = {
        "id": _free(spec),
        "type": "row",
        "title": text(one.get("title")) or "Row",
        "collapsed": False,
        "panels": [],
    }
    rows = _Rows(spec)
    after = one.get("after")
    place = len(rows.found)
    if after is not None:
        before = _row(spec, after)
        place = 1 + next(at for at, (header, _) in enumerate(rows.found) if header is before)
    rows.found.insert(place, (row, []))
    rows.put_back()


def _remove_row(spec: Json, one: Json) -> None:
    row = _row(spec, one.get("key"))
    if row is None:
        raise PharosError(Kind.INVALID, "what stands before all headings is no row")
    rows = _Rows(spec)
    place = next(at for at, (header, _) in enumerate(rows.found) if header is row)
    _, panels = rows.found.pop(place)
    if one.get("with_panels") is not True and panels:
        above = rows.found[place - 1][1]
        bottom = max((each["gridPos"]["y"] + each["gridPos"]["h"] for each in above), default=0)
        for each in panels:
            each["gridPos"]["y"] += bottom
        above += panels
    rows.put_back()


def _set(spec: Json, one: Json) -> None:
    for name, value in mapping(one.get("settings")).items():
        path = _SETTINGS.get(name)
        if path is None:
            raise PharosError(Kind.INVALID, f"there is no setting {name[:40]!r}", hint=", ".join(_SETTINGS))
        if name == "tooltip":
            value = _TOOLTIPS.get(text(value), 0)
        if len(path) == 1:
            spec[path[0]] = value
        else:
            inner = spec.get(path[0])
            spec[path[0]] = {**(inner if isinstance(inner, dict) else {}), path[1]: items(value)}


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
