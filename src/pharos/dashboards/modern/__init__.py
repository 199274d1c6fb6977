"""Panels of older versions in the words of the newest one, as Grafana's own migrations say it.

Upstream: `plugins/panel/*/migrations.ts` and `dashboard/state/DashboardMigrator.ts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from pharos.dashboards.modern.graph import from_graph
from pharos.dashboards.modern.heatmap import from_heatmap, is_old_heatmap
from pharos.dashboards.modern.mappings import modern_field_config
from pharos.dashboards.modern.others import (
    from_discrete,
    from_piechart,
    from_statusmap,
    from_text,
    from_worldmap,
    modern_links,
    modern_single,
)
from pharos.dashboards.modern.singlestat import from_singlestat
from pharos.dashboards.modern.table import from_table, is_old_table
from pharos.dashboards.modern.targets import modern_targets
from pharos.dashboards.reading import Json, mapping, mappings, text
from pharos.dashboards.report import Report

Migration = Callable[[Json, Report], Json]

_BY_TYPE: Final[Mapping[str, Migration]] = {
    "graph": from_graph,
    "singlestat": from_singlestat,
    "grafana-singlestat-panel": from_singlestat,
    "table-old": from_table,
    "grafana-piechart-panel": from_piechart,
    "grafana-worldmap-panel": from_worldmap,
    "natel-discrete-panel": from_discrete,
    "flant-statusmap-panel": from_statusmap,
}
_RENAMED: Final = {"table2": "table", "heatmap-new": "heatmap", "state-timeline-panel": "state-timeline"}
_SINGLE: Final = frozenset({"stat", "gauge", "bargauge"})


def modern_panel(panel: Json, schema: int, report: Report) -> Json:
    """Return a panel in the newest words; what it is made of stays untouched."""
    modern = dict(panel)
    modern["type"] = kind = _RENAMED.get(text(panel.get("type")), text(panel.get("type")))
    modern["targets"] = mappings(panel.get("targets"))
    modern["targets"] = modern_targets(modern)
    migration = _BY_TYPE.get(kind)
    if migration is not None:
        modern = migration(modern, report)
        report.changed(f"a panel of the type {kind} is shown as {modern['type']}")
    elif kind == "table" and is_old_table(modern):
        modern = from_table(modern, report)
        report.changed("a table of an old version was migrated")
    elif kind == "heatmap" and is_old_heatmap(modern):
        modern = from_heatmap(modern, report)
        report.changed("a heatmap of an old version was migrated")
    elif kind == "text":
        modern = from_text(modern, report)
    elif kind in _SINGLE:
        modern = modern_single(modern, schema)
    modern["fieldConfig"] = modern_field_config(mapping(modern.get("fieldConfig")))
    modern["links"] = modern_links(modern)
    return modern
