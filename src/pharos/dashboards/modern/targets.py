"""Which panels and data sources there are, and what targets ask them."""

from __future__ import annotations

from typing import Any, Final

from pharos.dashboards.reading import Json, mapping, text

_TYPES: Final = frozenset(
    {
        "timeseries",
        "stat",
        "gauge",
        "bargauge",
        "barchart",
        "piechart",
        "heatmap",
        "histogram",
        "table",
        "state-timeline",
        "status-history",
        "logs",
        "traces",
        "nodeGraph",
        "text",
        "alertlist",
        "dashlist",
        "geomap",
        "trend",
        "welcome",
        "gettingstarted",
    }
)


def known_type(kind: str) -> bool:
    """Return whether panels of a type are drawn."""
    return kind in _TYPES


def modern_targets(panel: Json) -> list[Json]:
    """Return the targets of a panel, each with a letter and the data source that it asks."""
    found: list[Json] = []
    taken = {text(one.get("refId")) for one in panel["targets"]}
    letters = iter([letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if letter not in taken])
    mixed = is_mixed(panel.get("datasource"))
    for one in panel["targets"]:
        target = dict(one)
        if not text(target.get("refId")):
            target["refId"] = next(letters, f"Q{len(found)}")
        own = target.get("datasource")
        if own in (None, "", {}) or (not mixed and not isinstance(own, dict) and not own):
            target["datasource"] = panel.get("datasource")
        found.append(target)
    return found


def is_mixed(datasource: Any) -> bool:
    """Return whether each target of a panel names its own data source."""
    return "-- Mixed --" in (datasource, mapping(datasource).get("uid"))
