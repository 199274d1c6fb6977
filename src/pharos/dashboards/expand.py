"""A dashboard as one reader sees it: repeats written out, what is hidden left out, references filled."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, tzinfo
from typing import Any, Final

import re2
from msgspec import Struct
from msgspec.structs import replace

from pharos.dashboards.model import COLUMNS, Grid, Model, Panel, Row, Showing, Tab
from pharos.dashboards.reading import Json, mapping, mappings, text
from pharos.dashboards.references import FORMS, References, Value, address_form, glob_form, text_form
from pharos.dashboards.times import Span, parse_interval
from pharos.dashboards.variables import Chosen

MOST_REPEATED: Final = 50
"""So often a panel or row is repeated at most."""
MOST_PANELS: Final = 500
_LINKED: Final = ("url", "title")


class Seen(Struct, frozen=True):
    """What a reader has chosen, and when it is."""

    chosen: Mapping[str, Chosen]
    values: Mapping[str, Value]
    fixed: Mapping[str, str]
    span: Span
    zone: tzinfo = UTC

    def references(self, scoped: Mapping[str, Sequence[str]] | None = None) -> References:
        """Return what names stand for, in a panel whose repeat sets some of them."""
        if not scoped:
            return References(self.values, self.fixed, self.zone)
        own = {name: self._scoped(name, values) for name, values in scoped.items()}
        return References({**self.values, **own}, self.fixed, self.zone)

    def _scoped(self, name: str, values: Sequence[str]) -> Value:
        known = self.values.get(name)
        texts = self._texts(name)
        return Value(
            tuple(values),
            tuple(texts.get(one, one) for one in values),
            is_list=known is not None and known.is_list,
            query="&".join(f"var-{name}={urllib.parse.quote(one, safe='')}" for one in values),
        )

    def _texts(self, name: str) -> dict[str, str]:
        chosen = self.chosen.get(name)
        return {} if chosen is None else dict(zip(chosen.values, chosen.texts, strict=False))

    def repeats(self, name: str) -> list[str]:
        """Return the values for which something is repeated; none where the variable is not there."""
        chosen = self.chosen.get(name)
        return [] if chosen is None else list(chosen.values[:MOST_REPEATED])


def expand(model: Model, seen: Seen) -> tuple[Tab, ...]:
    """Return the tabs as they are drawn."""
    left = [MOST_PANELS]
    tabs = []
    for tab in model.tabs:
        if not _holds(tab.condition, seen):
            continue
        scopes = [(f"@{tab.repeat}={one}", {tab.repeat: [one]}) for one in seen.repeats(tab.repeat)]
        for suffix, scoped in scopes if tab.repeat and scopes else [("", {})]:
            rows = [each for row in tab.rows for each in _rows(row, seen, suffix, scoped, left)]
            title = seen.references(scoped).filled(tab.title, text_form)
            tabs.append(replace(tab, key=tab.key + suffix, title=title, rows=tuple(rows)))
    return tuple(tabs)


def _rows(row: Row, seen: Seen, suffix: str, scoped: dict[str, list[str]], left: list[int]) -> Iterable[Row]:
    if not _holds(row.condition, seen):
        return
    scopes = [
        (f"{suffix}@{row.repeat}={one}", {**scoped, row.repeat: [one]}) for one in seen.repeats(row.repeat)
    ]
    for own, inner in scopes if row.repeat and scopes else [(suffix, scoped)]:
        panels = _panels(row.panels, seen, own, inner, left)
        title = seen.references(inner).filled(row.title, text_form)
        yield replace(row, key=row.key + own, title=title, panels=tuple(panels), scoped=inner)


def _panels(
    panels: Sequence[Panel], seen: Seen, suffix: str, scoped: dict[str, list[str]], left: list[int]
) -> list[Panel]:
    """Return the panels of a row; below one that is repeated all others move down."""
    found: list[Panel] = []
    down = 0
    line_y, line_down = -1, 0
    for panel in panels:
        if not _holds(panel.condition, seen):
            continue
        if panel.grid.y > line_y and line_down:
            down, line_down = down + line_down, 0
        line_y = panel.grid.y
        at = replace(
            panel, grid=replace(panel.grid, y=panel.grid.y + down), scoped=scoped, key=panel.key + suffix
        )
        values = seen.repeats(panel.repeat) if panel.repeat and panel.repeat not in scoped else []
        copies = _repeated(at, values) if values else [at]
        copies = copies[: left[0]]
        left[0] -= len(copies)
        lowest = max((one.grid.y + one.grid.h for one in copies), default=0)
        line_down = max(line_down, lowest - at.grid.y - at.grid.h)
        found += [_filled(one, seen) for one in copies]
    return found


def _repeated(panel: Panel, values: Sequence[str]) -> list[Panel]:
    """Return the copies of a panel: beside one another, as many in a line as it says, or below."""
    found = []
    in_line = 1 if panel.repeat_direction == "v" else min(panel.max_per_row, len(values))
    w = panel.grid.w if panel.repeat_direction == "v" else max(COLUMNS // in_line, 1)
    x = panel.grid.x if panel.repeat_direction == "v" else 0
    for place, value in enumerate(values):
        grid = Grid(x + place % in_line * w, panel.grid.y + place // in_line * panel.grid.h, w, panel.grid.h)
        scoped = {**panel.scoped, panel.repeat: [value]}
        found.append(replace(panel, key=f"{panel.key}@{panel.repeat}={value}", grid=grid, scoped=scoped))
    return found


# -- texts --


def _filled(panel: Panel, seen: Seen) -> Panel:
    """Return a panel with the references in what is read of it filled; its targets stay."""
    names = seen.references(panel.scoped)
    options = panel.options
    if panel.type == "text" and "content" in options:
        options = {**options, "content": names.filled(text(options["content"]), _text_content(options))}
    return replace(
        panel,
        title=names.filled(panel.title, text_form),
        description=names.filled(panel.description, text_form),
        options=options,
        field_config=_filled_config(panel.field_config, names),
        transformations=tuple(names.filled_in(one, glob_form) for one in panel.transformations),
        links=tuple(filled_link(one, names) for one in panel.links),
    )


def _text_content(options: Json) -> Any:
    return FORMS["html"] if text(options.get("mode")) in {"html", "markdown"} else text_form


def filled_link(link: Json, names: References) -> Json:
    """Return a link with the references in address and title filled."""
    said = {name: text(link.get(name)) for name in _LINKED}
    return {
        **link,
        "url": names.filled(said["url"], address_form),
        "title": names.filled(said["title"], text_form),
    }


def _filled_config(config: Json, names: References) -> Json:
    defaults = _filled_field(mapping(config.get("defaults")), names)
    overrides = [
        {
            **one,
            "matcher": names.filled_in(one.get("matcher"), glob_form),
            "properties": [
                {
                    **each,
                    "value": _filled_field({text(each.get("id")): each.get("value")}, names)[
                        text(each.get("id"))
                    ],
                }
                for each in mappings(one.get("properties"))
            ],
        }
        for one in mappings(config.get("overrides"))
    ]
    return {**config, "defaults": defaults, "overrides": overrides}


def _filled_field(said: Json, names: References) -> Json:
    found = dict(said)
    for name in ("displayName", "unit", "noValue", "description"):
        if isinstance(found.get(name), str):
            found[name] = names.filled(found[name], text_form)
    if isinstance(found.get("links"), list):
        found["links"] = [filled_link(one, names) for one in mappings(found["links"])]
    return found


# -- conditions --


def _holds(condition: Showing | None, seen: Seen) -> bool:
    """Return whether something is shown."""
    if condition is None:
        return True
    found = [_test(one, seen) for one in condition.tests]
    met = any(found) if condition.is_any else all(found)
    return met is not condition.hides


def _test(one: Json, seen: Seen) -> bool:
    kind, spec = text(one.get("kind")), mapping(one.get("spec"))
    if kind == "ConditionalRenderingVariable":
        return _variable_test(spec, seen)
    if kind == "ConditionalRenderingTimeRangeSize":
        return seen.span.length_ms <= parse_interval(text(spec.get("value")), seen.span.length_ms)
    # Whether there is data is seen when it is drawn.
    return True


def _variable_test(spec: Json, seen: Seen) -> bool:
    value = seen.values.get(text(spec.get("variable")))
    values = value.values if value is not None else ()
    wanted, how = text(spec.get("value")), text(spec.get("operator"))
    if how in {"matches", "notMatches"}:
        try:
            found = any(re2.search(wanted, one) is not None for one in values)
        except re2.error:
            found = False
    else:
        found = wanted in values or (value is not None and value.is_all and wanted in {"All", "$__all"})
    return found is not how.startswith("not")
