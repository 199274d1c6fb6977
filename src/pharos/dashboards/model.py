"""A dashboard as it is drawn and edited, in one form whatever it was written in.

Options, field configurations, transformations and targets are Grafana's own, in their newest words.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct, field

from pharos.dashboards.reading import Json

COLUMNS: Final = 24
"""How many columns a grid has."""


class Grid(Struct, frozen=True):
    """Where a panel stands in its row: in columns, and in units of height of 30 px with a gap of 8."""

    x: int
    y: int
    w: int
    h: int

    def shown(self) -> Json:
        """Return it as JSON has it."""
        return {"x": self.x, "y": self.y, "w": self.w, "h": self.h}


class Library(Struct, frozen=True):
    """That a panel stands in a library, and is shown from there."""

    uid: str
    name: str
    is_found: bool


class Showing(Struct, frozen=True):
    """When something is shown: all, or any, of some tests hold; or the opposite."""

    tests: tuple[Json, ...]
    is_any: bool
    hides: bool


class Panel(Struct, frozen=True):
    """A panel."""

    key: str
    id: int
    type: str
    title: str
    description: str
    grid: Grid
    transparent: bool = False
    options: Json = field(default_factory=dict)
    field_config: Json = field(default_factory=dict)
    transformations: tuple[Json, ...] = ()
    targets: tuple[Json, ...] = ()
    datasource: Any = None
    links: tuple[Json, ...] = ()
    repeat: str = ""
    repeat_direction: str = "h"
    max_per_row: int = 4
    interval: str = ""
    max_points: int = 0
    """How many points a series may have; 0 for as many as are drawn."""
    time_from: str = ""
    time_shift: str = ""
    hides_override: bool = False
    library: Library | None = None
    original_type: str = ""
    condition: Showing | None = None
    scoped: dict[str, list[str]] = field(default_factory=dict)
    """Values that variables have in it alone, because it is repeated."""

    def shown(self) -> Json:
        """Return it as JSON has it."""
        library = self.library
        shown: Json = {
            "key": self.key,
            "id": self.id,
            "type": self.type,
            "title": self.title,
            "description": self.description,
            "transparent": self.transparent,
            "grid": self.grid.shown(),
            "options": self.options,
            "fieldConfig": self.field_config,
            "transformations": list(self.transformations),
            "targets": list(self.targets),
            "datasource": self.datasource,
            "links": list(self.links),
            "repeat": self.repeat,
            "repeatDirection": self.repeat_direction,
            "maxPerRow": self.max_per_row,
            "interval": self.interval or None,
            "maxDataPoints": self.max_points or None,
            "timeFrom": self.time_from or None,
            "timeShift": self.time_shift or None,
            "hideTimeOverride": self.hides_override,
            "library": None,
            "original_type": self.original_type or self.type,
        }
        if library is not None:
            shown["library"] = {"uid": library.uid, "name": library.name, "is_found": library.is_found}
        if self.scoped:
            shown["scoped"] = self.scoped
        return shown


class Row(Struct, frozen=True):
    """Panels under one heading, or before the first one."""

    key: str
    panels: tuple[Panel, ...]
    id: int | None = None
    title: str = ""
    has_header: bool = False
    is_collapsed: bool = False
    repeat: str = ""
    condition: Showing | None = None
    scoped: dict[str, list[str]] = field(default_factory=dict)

    def shown(self) -> Json:
        """Return it as JSON has it."""
        shown: Json = {
            "key": self.key,
            "id": self.id,
            "title": self.title,
            "header": self.has_header,
            "collapsed": self.is_collapsed,
            "repeat": self.repeat,
            "panels": [panel.shown() for panel in self.panels],
        }
        if self.scoped:
            shown["scoped"] = self.scoped
        return shown


class Tab(Struct, frozen=True):
    """Rows that are seen at a time."""

    key: str
    rows: tuple[Row, ...]
    title: str = ""
    repeat: str = ""
    condition: Showing | None = None

    def shown(self) -> Json:
        """Return it as JSON has it."""
        return {"key": self.key, "title": self.title, "rows": [row.shown() for row in self.rows]}


class Option(Struct, frozen=True):
    """A value that a variable may take, and what it is called."""

    text: str
    value: str

    def shown(self) -> Json:
        """Return it as JSON has it."""
        return {"text": self.text, "value": self.value}


class Variable(Struct, frozen=True):
    """A variable as the dashboard defines it."""

    name: str
    type: str
    label: str = ""
    description: str = ""
    hide: str = "no"
    """`no`, `label` or `all`."""
    is_multi: bool = False
    has_all: bool = False
    all_value: str = ""
    query: Any = ""
    """Of a query variable: text, or an object of the data source's own; of others their text."""
    datasource: Any = None
    regex: str = ""
    sort: int = 0
    refresh: int = 1
    current: tuple[str, ...] = ()
    current_text: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    auto: bool = False
    auto_count: int = 30
    auto_min: str = "10s"
    allows_custom: bool = True
    skips_address: bool = False
    filters: tuple[Json, ...] = ()
    depends_on: tuple[str, ...] = ()

    def shown(self) -> Json:
        """Return it as JSON has it."""
        query = self.query
        if isinstance(query, dict):
            query = query.get("query") or query.get("expr") or query.get("label") or ""
        return {
            "name": self.name,
            "type": self.type,
            "label": self.label,
            "description": self.description,
            "hide": self.hide,
            "multi": self.is_multi,
            "include_all": self.has_all,
            "all_value": self.all_value,
            "query": query if isinstance(query, str) else "",
            "regex": self.regex,
            "sort": self.sort,
            "refresh": self.refresh,
            "current": list(self.current),
            "auto": self.auto,
            "auto_count": self.auto_count,
            "auto_min": self.auto_min,
            "allow_custom": self.allows_custom,
            "skip_url_sync": self.skips_address,
            "datasource": self.datasource,
            "options": [one.shown() for one in self.options],
            "filters": list(self.filters),
            "enabled_value": self.options[0].value if self.type == "switch" and self.options else "",
            "disabled_value": self.options[-1].value if self.type == "switch" and self.options else "",
            "depends_on": list(self.depends_on),
        }


class Annotations(Struct, frozen=True):
    """A kind of events that a dashboard marks."""

    name: str
    is_enabled: bool
    is_hidden: bool
    color: str
    is_builtin: bool
    datasource: Any
    target: Json
    panels: tuple[int, ...] = ()
    excludes: bool = False

    def shown(self) -> Json:
        """Return it as JSON has it."""
        return {
            "name": self.name,
            "enable": self.is_enabled,
            "hide": self.is_hidden,
            "color": self.color,
            "builtin": self.is_builtin,
            "datasource": self.datasource,
            "query": self.target.get("expr") or self.target.get("query") or "",
            "panels": self.shown_panels(),
        }

    def shown_panels(self) -> Json | None:
        """Return in which panels they are marked, as JSON has it; None for all."""
        return {"ids": list(self.panels), "exclude": self.excludes} if self.panels else None


class Model(Struct, frozen=True):
    """A dashboard."""

    uid: str
    title: str
    description: str
    tags: tuple[str, ...]
    tabs: tuple[Tab, ...]
    variables: tuple[Variable, ...] = ()
    annotations: tuple[Annotations, ...] = ()
    links: tuple[Json, ...] = ()
    editable: bool = True
    time_from: str = "now-6h"
    time_to: str = "now"
    refresh: str = ""
    refresh_intervals: tuple[str, ...] = ()
    timezone: str = ""
    week_start: str = ""
    hides_time: bool = False
    tooltip: str = "none"
    inputs: dict[str, str] = field(default_factory=dict)
    """What the inputs of an import are: constants by name, and the plug-in of each data source."""

    def panels(self) -> list[Panel]:
        """Return all panels, in their order."""
        return [panel for tab in self.tabs for row in tab.rows for panel in row.panels]

    def shown(self) -> Json:
        """Return it as JSON has it."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": list(self.tags),
            "editable": self.editable,
            "time": {"from": self.time_from, "to": self.time_to},
            "refresh": self.refresh,
            "refresh_intervals": list(self.refresh_intervals),
            "timezone": self.timezone,
            "week_start": self.week_start,
            "hide_time_controls": self.hides_time,
            "tooltip": self.tooltip,
            "variables": [one.shown() for one in self.variables],
            "annotations": [one.shown() for one in self.annotations],
            "links": list(self.links),
            "tabs": [tab.shown() for tab in self.tabs],
        }
