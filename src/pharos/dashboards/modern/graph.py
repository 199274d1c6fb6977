"""The graph panel as time series, bar chart, bar gauge or histogram (`timeseries/migrations.ts`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pharos.dashboards.modern.mappings import axis_bounds, matcher_of, override, put_properties
from pharos.dashboards.reading import Json, flag, mapping, mappings, number, text, whole
from pharos.dashboards.report import Report

CALCS: Final = {
    "avg": "mean",
    "current": "lastNotNull",
    "min": "min",
    "max": "max",
    "total": "sum",
    "first": "first",
    "delta": "delta",
    "diff": "diff",
    "range": "range",
    "count": "count",
    "name": "lastNotNull",
    "last_time": "lastNotNull",
}
_SORTS: Final = {0: "none", 1: "asc", 2: "desc"}
_BARS: Final = {"custom.drawStyle": "bars", "custom.fillOpacity": 100, "custom.lineWidth": 0}
_TRANSFORMS: Final = frozenset({"negative-Y", "constant"})
_THRESHOLD_COLORS: Final = {"critical": "red", "warning": "orange", "ok": "green", "custom": "red"}


def from_graph(panel: Json, report: Report) -> Json:
    """Return a graph as the panel that took its place."""
    modern = dict(panel)
    modern["type"] = kind = _kind(panel)
    defaults: Json = {"custom": _style(panel)}
    axes = mappings(panel.get("yaxes"))
    left = axis_bounds(axes[0]) if axes else {}
    right = axis_bounds(axes[1]) if len(axes) > 1 else {}
    if panel.get("decimals") is not None and number(panel["decimals"]) is not None:
        left.setdefault("decimals", number(panel["decimals"]))
    put_properties(defaults, left)
    defaults["color"] = {"mode": "palette-classic"}
    overrides = [
        override(matcher_of(name), {"color": {"mode": "fixed", "fixedColor": text(color)}})
        for name, color in mapping(panel.get("aliasColors")).items()
        if text(color)
    ]
    series = mappings(panel.get("seriesOverrides"))
    overrides += [_series_override(one, right, report) for one in series]
    style = _thresholds(panel, defaults)
    if style:
        defaults["custom"]["thresholdsStyle"] = {"mode": style}
    known = mapping(panel.get("fieldConfig"))
    kept = {**mapping(known.get("defaults"))}
    custom = {**defaults["custom"], **mapping(kept.pop("custom", None))}
    modern["fieldConfig"] = {
        "defaults": {**defaults, **kept, "custom": custom},
        "overrides": [*overrides, *mappings(known.get("overrides"))],
    }
    modern["options"] = _options(panel, kind)
    if panel.get("timeRegions"):
        report.note("regions of time that were marked are not shown")
    if isinstance(panel.get("alert"), dict):
        report.lost(
            "the alert of this panel is not taken over",
            "make a rule of it: its expression is the panel's query",
        )
    return modern


def _kind(panel: Json) -> str:
    mode = text(mapping(panel.get("xaxis")).get("mode"))
    if mode == "series":
        return "bargauge" if flag(mapping(panel.get("legend")).get("values")) else "barchart"
    return "histogram" if mode == "histogram" else "timeseries"


def _style(panel: Json) -> Json:
    is_bars, is_lines, has_points = (flag(panel.get(name)) for name in ("bars", "lines", "points"))
    custom: Json = {
        "drawStyle": "bars" if is_bars else "line" if is_lines or not has_points else "points",
        "lineWidth": whole(panel.get("linewidth"), 1),
        "fillOpacity": min(whole(panel.get("fill"), 1) * 10, 100),
        "gradientMode": "opacity" if whole(panel.get("fillGradient")) else "none",
        "pointSize": max(round(float(number(panel.get("pointradius")) or 2.5) * 2), 1),
        "showPoints": "always" if has_points else "never",
        "spanNulls": text(panel.get("nullPointMode")) == "connected",
        "stacking": _stacking(panel),
    }
    if is_bars:
        custom["fillOpacity"] = 100
        custom["lineWidth"] = 0
    if flag(panel.get("steppedLine")):
        custom["lineInterpolation"] = "stepAfter"
    if flag(panel.get("dashes")):
        dash = [whole(panel.get("dashLength"), 10), whole(panel.get("spaceLength"), 10)]
        custom["lineStyle"] = {"fill": "dash", "dash": dash}
    if text(panel.get("nullPointMode")) == "null as zero":
        custom["insertNulls"] = False
    return custom


def _stacking(panel: Json) -> Json:
    if not flag(panel.get("stack")):
        return {"mode": "none", "group": "A"}
    return {"mode": "percent" if flag(panel.get("percentage")) else "normal", "group": "A"}


def _series_override(one: Json, right: Json, report: Report) -> Json:
    said: dict[str, Any] = {}
    for name, value in one.items():
        if name in _SILENT:
            continue
        if name == "yaxis":
            said["custom.axisPlacement"] = "right" if whole(value) == 2 else "left"
            said.update({key: each for key, each in right.items() if whole(value) == 2 and key not in said})
        elif name in _PROPERTIES:
            said.update(_PROPERTIES[name](value, one))
        else:
            report.note(f"{name} of a series override is not known")
    return override(matcher_of(text(one.get("alias"))), said)


def _dash(one: Json) -> Json:
    return {"fill": "dash", "dash": [whole(one.get("dashLength"), 10), whole(one.get("spaceLength"), 10)]}


def _hidden(**where: bool) -> Json:
    return {"custom.hideFrom": {"legend": False, "tooltip": False, "viz": False, **where}}


_SILENT: Final = frozenset({"alias", "$$hashKey", "zindex", "hiddenSeries", "dashLength", "spaceLength"})
_PROPERTIES: Final[Mapping[str, Callable[[Any, Json], Json]]] = {
    "fill": lambda value, _: {"custom.fillOpacity": min(whole(value) * 10, 100)},
    "fillBelowTo": lambda value, _: {"custom.fillBelowTo": text(value)},
    "fillGradient": lambda value, _: {"custom.gradientMode": "opacity" if whole(value) else "none"},
    "linewidth": lambda value, _: {"custom.lineWidth": whole(value, 1)},
    "pointradius": lambda value, _: {"custom.pointSize": max(whole(value, 2) * 2, 1)},
    "points": lambda value, _: {"custom.showPoints": "always" if flag(value) else "never"},
    "bars": lambda value, _: _BARS if flag(value) else {},
    "lines": lambda value, _: {"custom.drawStyle": "line"} if flag(value) else {"custom.lineWidth": 0},
    "stack": lambda value, _: {"custom.stacking": _series_stack(value)},
    "color": lambda value, _: {"color": {"mode": "fixed", "fixedColor": text(value)}},
    "dashes": lambda value, one: {"custom.lineStyle": _dash(one)} if flag(value) else {},
    "steppedLine": lambda value, _: {"custom.lineInterpolation": "stepAfter"} if flag(value) else {},
    "transform": lambda value, _: {"custom.transform": text(value)} if text(value) in _TRANSFORMS else {},
    "nullPointMode": lambda value, _: {"custom.spanNulls": text(value) == "connected"},
    "legend": lambda value, _: {} if flag(value) else _hidden(legend=True),
    "hideTooltip": lambda value, _: _hidden(tooltip=True) if flag(value) else {},
}
"""What each word of a series override becomes."""


def _series_stack(value: Any) -> Json:
    if value is False:
        return {"mode": "none", "group": "A"}
    return {"mode": "normal", "group": "A" if value is True else text(value) or "A"}


def _thresholds(panel: Json, defaults: Json) -> str:
    """Set thresholds, and return how they are drawn; nothing without any."""
    found = [
        (limit, one)
        for one in mappings(panel.get("thresholds"))
        if (limit := number(one.get("value"))) is not None
    ]
    if not found:
        return ""
    found.sort(key=lambda pair: pair[0])
    steps: list[Json] = [{"color": "transparent", "value": None}]
    for limit, one in found:
        color = text(one.get("fillColor") or one.get("lineColor"))
        color = _THRESHOLD_COLORS.get(text(one.get("colorMode")), color or "red")
        if text(one.get("op")) == "lt":
            steps[-1]["color"] = color
            steps.append({"color": "transparent", "value": limit})
        else:
            steps.append({"color": color, "value": limit})
    defaults["thresholds"] = {"mode": "absolute", "steps": steps}
    fills = any(flag(one.get("fill")) for _, one in found)
    lines = any(flag(one.get("line")) for _, one in found)
    return "line+area" if fills and lines else "area" if fills else "line" if lines else "off"


def _options(panel: Json, kind: str) -> Json:
    legend, tooltip = mapping(panel.get("legend")), mapping(panel.get("tooltip"))
    calcs = (
        [CALCS[name] for name in ("min", "max", "avg", "current", "total") if flag(legend.get(name))]
        if flag(legend.get("values")) or "values" not in legend
        else []
    )
    shown: Json = {
        "displayMode": "table" if flag(legend.get("alignAsTable")) else "list",
        "showLegend": legend.get("show") is not False,
        "placement": "right" if flag(legend.get("rightSide")) else "bottom",
        "calcs": calcs,
    }
    if text(legend.get("sort")):
        shown["sortBy"] = {"current": "Last *", "avg": "Mean", "total": "Total"}.get(
            text(legend["sort"]), text(legend["sort"]).capitalize()
        )
        shown["sortDesc"] = flag(legend.get("sortDesc"))
    if number(legend.get("sideWidth")):
        shown["width"] = number(legend["sideWidth"])
    options: Json = {
        "legend": shown,
        "tooltip": {
            "mode": "single" if tooltip.get("shared") is False else "multi",
            "sort": _SORTS.get(whole(tooltip.get("sort")), "none"),
        },
    }
    axis = mapping(panel.get("xaxis"))
    if kind in {"barchart", "bargauge"}:
        values = axis.get("values")
        chosen = text(values[0]) if isinstance(values, list) and values else "total"
        options["reduceOptions"] = {"values": False, "calcs": [CALCS.get(chosen, "sum")], "fields": ""}
        options["orientation"] = "vertical" if kind == "bargauge" else "auto"
        options["showUnfilled"] = True
    if kind == "histogram" and whole(axis.get("buckets")):
        options["bucketCount"] = whole(axis["buckets"])
    return options
