"""The single value of old as stat or gauge (`stat/StatMigrations.ts`, `gauge/GaugeMigrations.ts`)."""

from __future__ import annotations

from pharos.dashboards.modern.graph import CALCS
from pharos.dashboards.modern.mappings import old_mappings, threshold_steps
from pharos.dashboards.reading import Json, flag, mapping, mappings, number, text
from pharos.dashboards.report import Report


def from_singlestat(panel: Json, report: Report) -> Json:
    """Return a single value as the panel that took its place."""
    modern = dict(panel)
    gauge, sparkline = mapping(panel.get("gauge")), mapping(panel.get("sparkline"))
    is_gauge = flag(gauge.get("show"))
    modern["type"] = "gauge" if is_gauge else "stat"
    known = mapping(panel.get("fieldConfig"))
    defaults: Json = {"color": {"mode": "thresholds"}, "mappings": old_mappings(panel)}
    unit = text(panel.get("format"))
    if unit and unit != "none":
        defaults["unit"] = unit
    if number(panel.get("decimals")) is not None:
        defaults["decimals"] = number(panel["decimals"])
    if text(panel.get("nullText")):
        defaults["noValue"] = text(panel["nullText"])
    steps = threshold_steps(panel.get("thresholds"), panel.get("colors"))
    if steps:
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
    if is_gauge:
        defaults["min"] = number(gauge.get("minValue")) or 0
        defaults["max"] = 100 if number(gauge.get("maxValue")) is None else number(gauge["maxValue"])
    _affixes(panel, defaults, report)
    name = text(panel.get("valueName")) or "avg"
    # Which column is meant was said of tables alone; of series a name of one was kept without a meaning.
    is_table = any(text(one.get("format")) == "table" for one in mappings(panel.get("targets")))
    column = text(panel.get("tableColumn")) if is_table else ""
    options: Json = {
        "reduceOptions": {
            "values": False,
            "calcs": [CALCS.get(name, "lastNotNull")],
            "fields": f"/^{column}$/" if column and column != "Value" else "",
        },
        "orientation": "horizontal",
    }
    if is_gauge:
        options["showThresholdLabels"] = flag(gauge.get("thresholdLabels"))
        options["showThresholdMarkers"] = gauge.get("thresholdMarkers") is not False
    else:
        colored = "background" if flag(panel.get("colorBackground")) else "none"
        options["colorMode"] = "value" if flag(panel.get("colorValue")) and colored == "none" else colored
        options["graphMode"] = "area" if flag(sparkline.get("show")) else "none"
        options["justifyMode"] = "auto"
        options["textMode"] = "name" if name == "name" else "auto"
        if options["colorMode"] == "none" and sparkline.get("lineColor"):
            defaults["color"] = {"mode": "fixed", "fixedColor": text(sparkline["lineColor"])}
    modern["options"] = options
    modern["fieldConfig"] = {
        "defaults": {**defaults, **mapping(known.get("defaults"))},
        "overrides": known.get("overrides") or [],
    }
    return modern


def _affixes(panel: Json, defaults: Json, report: Report) -> None:
    """Set what stands before or behind the value as its unit, where it has no other."""
    prefix, postfix = text(panel.get("prefix")), text(panel.get("postfix"))
    if not prefix and not postfix:
        return
    if "unit" in defaults or (prefix and postfix):
        report.lost(f"{(prefix or postfix)!r} beside the value is not shown")
        return
    defaults["unit"] = f"prefix:{prefix}" if prefix else f"suffix:{postfix}"
