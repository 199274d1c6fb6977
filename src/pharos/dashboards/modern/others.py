"""Pie, text, map, discrete and status panels of old; single values and links of middle age."""

from __future__ import annotations

from typing import Any, Final

from pharos.dashboards.modern.graph import CALCS
from pharos.dashboards.modern.mappings import matcher_of, modern_mappings, override
from pharos.dashboards.reading import Json, flag, mapping, mappings, number, text, texts
from pharos.dashboards.report import Report

_FIELD_OPTIONS: Final = ("calcs", "values", "limit")


def from_text(panel: Json, report: Report) -> Json:
    """Return a text with its content among its options."""
    modern = dict(panel)
    options = dict(mapping(panel.get("options")))
    for name, default in (("mode", "markdown"), ("content", "")):
        if name not in options:
            options[name] = text(panel.get(name)) or default
    if options["mode"] == "text":
        options["mode"] = "markdown"
    if options["mode"] == "html":
        report.note("HTML is shown without scripts, styles and frames")
    modern["options"] = options
    return modern


def from_piechart(panel: Json, report: Report) -> Json:  # noqa: ARG001
    """Return the pie chart that was a plug-in as the one of today."""
    modern = dict(panel)
    modern["type"] = "piechart"
    legend = mapping(panel.get("legend"))
    kind = text(panel.get("legendType")) or text(legend.get("placement"))
    values = [
        name
        for name, shown in (
            ("value", flag(legend.get("values"))),
            ("percent", flag(legend.get("percentage"))),
        )
        if shown
    ]
    defaults: Json = {"color": {"mode": "palette-classic"}}
    if text(panel.get("format")):
        defaults["unit"] = text(panel["format"])
    if number(panel.get("decimals")) is not None:
        defaults["decimals"] = number(panel["decimals"])
    modern["options"] = {
        "pieType": "donut" if text(panel.get("pieType")) == "donut" else "pie",
        "reduceOptions": {
            "values": False,
            "calcs": [CALCS.get(text(panel.get("valueName")), "lastNotNull")],
            "fields": "",
        },
        "displayLabels": ["name"] if kind == "On graph" else [],
        "legend": {
            "showLegend": legend.get("show") is not False,
            "displayMode": "table" if values else "list",
            "placement": "right" if kind == "Right side" else "bottom",
            "values": values,
        },
        "tooltip": {"mode": "single", "sort": "none"},
    }
    modern["fieldConfig"] = {
        "defaults": {**defaults, **mapping(mapping(panel.get("fieldConfig")).get("defaults"))},
        "overrides": [
            override(matcher_of(name), {"color": {"mode": "fixed", "fixedColor": text(color)}})
            for name, color in mapping(panel.get("aliasColors")).items()
        ],
    }
    return modern


def from_worldmap(panel: Json, report: Report) -> Json:
    """Return the map that was a plug-in as the one of today."""
    modern = dict(panel)
    modern["type"] = "geomap"
    modern["options"] = {**mapping(panel.get("options")), "layers": []}
    report.note("places are shown as a table, not on a map")
    return modern


def from_discrete(panel: Json, report: Report) -> Json:  # noqa: ARG001
    """Return the discrete panel, a plug-in, as a state timeline."""
    modern = dict(panel)
    modern["type"] = "state-timeline"
    said = [{**one, "type": 1} for one in mappings(panel.get("valueMaps"))]
    colors = {text(one.get("text")): text(one.get("color")) for one in mappings(panel.get("colorMaps"))}
    for one in said:
        if text(one.get("text")) in colors:
            one["color"] = colors[text(one.get("text"))]
    ranges = [{**one, "type": 2} for one in mappings(panel.get("rangeMaps"))]
    defaults: Json = {"mappings": modern_mappings([*said, *ranges]), "custom": {"lineWidth": 0}}
    unit = text(panel.get("units"))
    if unit and unit not in {"none", "short"}:
        defaults["unit"] = unit
    modern["options"] = {
        "mergeValues": True,
        "showValue": "auto",
        "rowHeight": 0.9,
        "legend": {"showLegend": True},
    }
    modern["fieldConfig"] = {"defaults": defaults, "overrides": []}
    return modern


def from_statusmap(panel: Json, report: Report) -> Json:  # noqa: ARG001
    """Return the status map, a plug-in, as a status history."""
    modern = dict(panel)
    modern["type"] = "status-history"
    color = mapping(panel.get("color"))
    said = [
        {
            "type": 1,
            "value": text(one.get("value")),
            "text": text(one.get("tooltip")),
            "color": one.get("color"),
        }
        for one in mappings(color.get("thresholds"))
    ]
    modern["options"] = {"rowHeight": 0.9, "showValue": "never", "legend": {"showLegend": True}}
    modern["fieldConfig"] = {"defaults": {"mappings": modern_mappings(said)}, "overrides": []}
    return modern


def modern_single(panel: Json, schema: int) -> Json:
    """Return a stat, gauge or bar gauge whose options are of today.

    Versions 6.0 to 6.6 had `fieldOptions`, and before `valueOptions` with thresholds beside.
    """
    options = dict(mapping(panel.get("options")))
    modern = dict(panel)
    fields = mapping(options.pop("fieldOptions", None))
    values = mapping(options.pop("valueOptions", None))
    known = mapping(panel.get("fieldConfig"))
    defaults = dict(mapping(known.get("defaults")))
    if not fields and not values and (defaults or schema >= 25 or "reduceOptions" in options):
        return modern
    said = {**mapping(fields.get("override")), **mapping(fields.get("defaults"))}
    if values:
        said = {name: values[name] for name in ("unit", "decimals") if values.get(name) is not None}
        said["thresholds"] = options.pop("thresholds", None)
        for name, own in (("min", "minValue"), ("max", "maxValue")):
            if number(options.get(own)) is not None:
                said[name] = number(options.pop(own))
        if options.get("valueMappings"):
            said["mappings"] = options.pop("valueMappings")
    for name in ("mappings", "thresholds", "unit", "min", "max"):
        if name in fields and name not in said:
            said[name] = fields[name]
    said["thresholds"] = _thresholds(said.get("thresholds"))
    reduce: Json = {name: fields[name] for name in _FIELD_OPTIONS if name in fields}
    if values:
        reduce["calcs"] = [CALCS.get(text(values.get("stat")), text(values.get("stat")) or "lastNotNull")]
    if reduce:
        reduce["calcs"] = [CALCS.get(one, one) for one in texts(reduce.get("calcs"))] or ["lastNotNull"]
        options.setdefault("reduceOptions", {"values": False, "fields": "", **reduce})
    modern["options"] = options
    merged = {**{name: value for name, value in said.items() if value is not None}, **defaults}
    modern["fieldConfig"] = {"defaults": merged, "overrides": known.get("overrides") or []}
    return modern


def _thresholds(found: Any) -> Json | None:
    if isinstance(found, dict):
        return found
    steps = [
        {"color": text(one.get("color")), "value": None if not place else number(one.get("value"))}
        for place, one in enumerate(mappings(found))
    ]
    return {"mode": "absolute", "steps": steps} if steps else None


def modern_links(panel: Json) -> list[Json]:
    """Return the links of a panel with an address each."""
    found = []
    for one in mappings(panel.get("links")):
        url = text(one.get("url"))
        if not url and text(one.get("dashUri")):
            url = f"/dashboard/{text(one['dashUri'])}"
        elif not url and text(one.get("dashboard")):
            url = f"/dashboards?query={text(one['dashboard'])}"
        if not url:
            continue
        joint = "&" if "?" in url else "?"
        more = [
            name
            for name, said in (("${__url_time_range}", "keepTime"), ("${__all_variables}", "includeVars"))
            if flag(one.get(said))
        ]
        more += [text(one["params"])] if text(one.get("params")) else []
        if more:
            url += joint + "&".join(more)
        found.append(
            {"title": text(one.get("title")), "url": url, "targetBlank": flag(one.get("targetBlank"))}
        )
    return found
