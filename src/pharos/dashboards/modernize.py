"""A document of an older classic schema in the newest one, as Grafana makes it when it saves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pharos.dashboards.classic import NEWEST_SCHEMA, flow, grid_of, row_height
from pharos.dashboards.model import COLUMNS
from pharos.dashboards.modern import modern_panel
from pharos.dashboards.reading import Json, flag, mappings, text, whole
from pharos.dashboards.report import Report

_OLDEST_MODERN: Final = 36
_OLD_WORDS: Final = """
    aliasColors bars colorBackground colorPostfix colorPrefix colorValue colors dashLength dashes
    fill fillGradient gauge grid hiddenSeries isNew legend lines linewidth mappingType mappingTypes
    nullPointMode nullText pageSize paceLength percentage pointradius points postfix
    postfixFontSize prefix prefixFontSize rangeMaps renderer scroll seriesOverrides showHeader sort
    spaceLength span sparkline stack steppedLine styles tableColumn thresholds timeRegions tooltip
    transform valueFontSize valueMaps valueName xaxis yaxes yaxis cards color dataFormat heatmap
    hideZeroBuckets highlightCards reverseYBuckets xAxis yAxis yBucketBound format columns fontSize
    minSpan height error editable
"""
_OF_OLD_PANELS: Final = frozenset(_OLD_WORDS.split())
"""What says nothing in the panels that took their place."""


def is_old(document: Json) -> bool:
    """Return whether a document is of an older schema than what is written today."""
    return whole(document.get("schemaVersion")) < _OLDEST_MODERN or bool(document.get("rows"))


def modernized(document: Json) -> Json:
    """Return a document of the classic schema in the newest one; what is not known stays."""
    schema = whole(document.get("schemaVersion"))
    modern = {name: value for name, value in document.items() if name != "rows"}
    if mappings(document.get("rows")) and not document.get("panels"):
        modern["panels"] = _panels_of_rows(document, schema)
    else:
        modern["panels"] = [_modern(one, schema) for one in mappings(document.get("panels"))]
    modern["schemaVersion"] = max(schema, NEWEST_SCHEMA)
    return modern


def _modern(panel: Json, schema: int) -> Json:
    if text(panel.get("type")) == "row":
        return {**panel, "panels": [_modern(one, schema) for one in mappings(panel.get("panels"))]}
    modern = modern_panel(panel, schema, Report())
    if text(modern.get("type")) != text(panel.get("type")) or schema < _OLDEST_MODERN:
        modern = {name: value for name, value in modern.items() if name not in _OF_OLD_PANELS}
    return modern


def _panels_of_rows(document: Json, schema: int) -> list[Json]:
    rows = mappings(document.get("rows"))
    shows = any(flag(row.get("showTitle")) or flag(row.get("collapse")) or row.get("repeat") for row in rows)
    free = 1 + max((whole(one.get("id")) for row in rows for one in mappings(row.get("panels"))), default=0)
    found: list[Json] = []
    y = 0
    for row in rows:
        placed, bottom = _placed(row, schema, y + (1 if shows else 0))
        if not shows:
            found, y = [*found, *placed], bottom
            continue
        folded = flag(row.get("collapse"))
        header: Json = {
            "id": free,
            "type": "row",
            "title": text(row.get("title")) or "Row",
            "collapsed": folded,
            "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": y},
            "panels": placed if folded else [],
        }
        if row.get("repeat"):
            header["repeat"] = row["repeat"]
        free += 1
        found += [header] if folded else [header, *placed]
        y = y + 1 if folded else bottom
    return found


def _placed(row: Json, schema: int, top: int) -> tuple[Sequence[Json], int]:
    """Return the panels of an old row with their places, and where the next one begins."""
    found, bottom = [], top
    for panel, grid in flow(mappings(row.get("panels")), row_height(row)):
        at = {"h": grid.h, "w": grid.w, "x": grid.x, "y": grid.y + top}
        own = grid_of(panel.get("gridPos"))
        found.append({**_modern(panel, schema), "gridPos": panel["gridPos"] if own is not None else at})
        bottom = max(bottom, grid.y + grid.h + top)
    return found, bottom
