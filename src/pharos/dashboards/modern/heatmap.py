"""The heatmap of old as the one of today (`heatmap/migrations.ts`)."""

from __future__ import annotations

from pharos.dashboards.reading import Json, flag, mapping, number, text, whole
from pharos.dashboards.report import Report


def is_old_heatmap(panel: Json) -> bool:
    """Return whether a panel is a heatmap as versions before 9 wrote it."""
    return "dataFormat" in panel or ("yAxis" in panel and "calculate" not in mapping(panel.get("options")))


def from_heatmap(panel: Json, report: Report) -> Json:
    """Return a heatmap in its form of today."""
    modern = dict(panel)
    known = mapping(panel.get("options"))
    if "calculate" in known:
        return modern
    color, axis, tooltip = (mapping(panel.get(name)) for name in ("color", "yAxis", "tooltip"))
    calculates = text(panel.get("dataFormat")) != "tsbuckets"
    scheme = text(color.get("colorScheme")).removeprefix("interpolate") or "Oranges"
    options: Json = {
        "calculate": calculates,
        "color": {
            "mode": "opacity" if text(color.get("mode")) == "opacity" else "scheme",
            "scheme": scheme,
            "fill": text(color.get("cardColor")) or "dark-orange",
            "scale": text(color.get("colorScale")) or "sqrt",
            "exponent": number(color.get("exponent")) or 0.5,
            "steps": 128,
            "reverse": False,
        },
        "cellGap": whole(mapping(panel.get("cards")).get("cardPadding"), 2),
        "yAxis": {
            "unit": text(axis.get("format")),
            "decimals": number(axis.get("decimals")),
            "min": number(axis.get("min")),
            "max": number(axis.get("max")),
            "axisPlacement": "left" if axis.get("show") is not False else "hidden",
            "reverse": flag(panel.get("reverseYBuckets")),
        },
        "legend": {"show": flag(mapping(panel.get("legend")).get("show"))},
        "tooltip": {
            "mode": "single" if tooltip.get("show") is not False else "none",
            "yHistogram": flag(tooltip.get("showHistogram")),
        },
        "showValue": "never",
    }
    for name, bound in (("min", number(color.get("min"))), ("max", number(color.get("max")))):
        if bound is not None:
            options["color"][name] = bound
    if flag(panel.get("hideZeroBuckets")):
        options["filterValues"] = {"le": 1e-9}
    if not calculates:
        layout = {"upper": "le", "lower": "ge", "middle": "unknown"}.get(
            text(panel.get("yBucketBound")), "auto"
        )
        options["rowsFrame"] = {"layout": layout}
    elif whole(axis.get("logBase"), 1) > 1:
        options["calculation"] = {"yBuckets": {"scale": {"type": "log", "log": whole(axis["logBase"])}}}
        report.note("buckets are computed by the newer rule")
    modern["options"] = {**options, **known}
    return modern
