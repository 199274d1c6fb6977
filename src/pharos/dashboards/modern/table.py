"""The table of old as the one of today (`table/migrations.ts`)."""

from __future__ import annotations

from typing import Any, Final

from pharos.dashboards.modern.graph import CALCS
from pharos.dashboards.modern.mappings import matcher_of, old_mappings, override, threshold_steps
from pharos.dashboards.reading import Json, flag, mapping, mappings, number, text
from pharos.dashboards.report import Report

_TRANSFORMS: Final = {
    "timeseries_to_rows": "seriesToRows",
    "timeseries_to_columns": "seriesToColumns",
    "table": "merge",
}
_CELLS: Final = {
    "cell": {"type": "color-background", "mode": "gradient"},
    "row": {"type": "color-background", "mode": "basic", "applyToRow": True},
    "value": {"type": "color-text"},
}


def is_old_table(panel: Json) -> bool:
    """Return whether a panel is a table as versions before 7 wrote it."""
    return (
        "styles" in panel
        and not mapping(panel.get("fieldConfig")).get("overrides")
        and (isinstance(panel.get("transform"), str) or not mapping(panel.get("options")))
    )


def from_table(panel: Json, report: Report) -> Json:
    """Return a table as the panel that took its place."""
    modern = dict(panel)
    modern["type"] = "table"
    transformations = list(mappings(panel.get("transformations")))
    kind = text(panel.get("transform")) or "timeseries_to_rows"
    if kind == "timeseries_aggregations":
        reducers = [CALCS.get(text(one.get("value")), "mean") for one in mappings(panel.get("columns"))]
        transformations.append(
            {"id": "reduce", "options": {"reducers": reducers or ["mean"], "includeTimeField": False}}
        )
    elif kind in _TRANSFORMS and (kind != "timeseries_to_rows" or not _answers_tables(panel)):
        transformations.append({"id": _TRANSFORMS[kind], "options": {"reducers": []}})
    elif kind in {"json", "annotations"}:
        report.lost(f"a table made of {kind} is not shown")
    if (
        _answers_tables(panel)
        and len(panel["targets"]) > 1
        and not any(one.get("id") == "merge" for one in transformations)
    ):
        transformations.append({"id": "merge", "options": {"reducers": []}})
    defaults: Json = {"custom": {"align": "auto", "cellOptions": {"type": "auto"}}}
    overrides: list[Json] = []
    for one in mappings(panel.get("styles")):
        pattern, said = text(one.get("pattern")), _style(one)
        if pattern == "/.*/":
            for name, value in said.items():
                if name.startswith("custom."):
                    defaults["custom"][name.removeprefix("custom.")] = value
                elif name != "displayName":
                    defaults[name] = value
        elif pattern and said:
            overrides.append(override(matcher_of(pattern), said))
    sort = mapping(panel.get("sort"))
    column = sort.get("col")
    columns = mappings(panel.get("columns"))
    modern["options"] = {"showHeader": panel.get("showHeader") is not False, "sortBy": []}
    if isinstance(column, int) and 0 <= column < len(columns):
        name = text(columns[column].get("text"))
        modern["options"]["sortBy"] = [{"displayName": name, "desc": flag(sort.get("desc"))}]
    modern["transformations"] = transformations
    modern["fieldConfig"] = {"defaults": defaults, "overrides": overrides}
    return modern


def _answers_tables(panel: Json) -> bool:
    return any(text(one.get("format")) == "table" for one in panel["targets"])


def _style(one: Json) -> dict[str, Any]:
    """Return the properties that a style of a column becomes."""
    said: dict[str, Any] = {}
    if text(one.get("alias")):
        said["displayName"] = text(one["alias"])
    kind = text(one.get("type"))
    if kind == "hidden":
        said["custom.hideFrom"] = {"viz": True, "legend": False, "tooltip": False}
    elif kind == "date":
        written = text(one.get("dateFormat"))
        said["unit"] = f"time: {written}" if written else "dateTimeAsIso"
    elif kind == "number":
        unit = text(one.get("unit"))
        if unit and unit != "none":
            said["unit"] = unit
        if number(one.get("decimals")) is not None:
            said["decimals"] = number(one["decimals"])
    if text(one.get("align")):
        said["custom.align"] = text(one["align"])
    if flag(one.get("link")) and text(one.get("linkUrl")):
        said["links"] = [
            {
                "title": text(one.get("linkTooltip")),
                "url": _modern_url(text(one["linkUrl"])),
                "targetBlank": flag(one.get("linkTargetBlank")),
            }
        ]
    mode = text(one.get("colorMode"))
    steps = threshold_steps(one.get("thresholds"), one.get("colors"))
    if mode in _CELLS and steps:
        said["custom.cellOptions"] = _CELLS[mode]
        said["thresholds"] = {"mode": "absolute", "steps": steps}
        said["color"] = {"mode": "thresholds"}
    found = old_mappings(one)
    if found:
        said["mappings"] = found
    return said


def _modern_url(url: str) -> str:
    """Return a link of a cell with references of today: its own value, and that of other columns."""
    url = url.replace("${__cell:raw}", "${__value.raw}").replace("$__cell:raw", "${__value.raw}")
    url = url.replace("${__cell}", "${__value.text}")
    at = 0
    while (at := url.find("$__cell", at)) >= 0:
        rest = url[at + len("$__cell") :]
        digits = len(rest) - len(rest[1:].lstrip("0123456789")) if rest.startswith("_") else 0
        column = rest[1:digits]
        new = f"${{__data.fields[{column}]}}" if column else "${__value.text}"
        url = url[:at] + new + rest[max(digits, 0) if column else 0 :]
        at += len(new)
    return url
