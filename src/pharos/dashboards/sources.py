"""Which data source a target asks: Pharos' own metrics, logs or traces, or one that is not here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from pharos.dashboards.model import Model, Panel
from pharos.dashboards.reading import Json, mapping, text
from pharos.dashboards.references import REFERENCE
from pharos.dashboards.report import Report


class Asks(StrEnum):
    """What can be asked."""

    METRICS = "metrics"
    LOGS = "logs"
    TRACES = "traces"
    EXPRESSION = "expression"
    """What is computed of other targets' answers."""
    PANEL = "panel"
    """What another panel asks."""
    OWN = "own"
    """What Grafana itself would answer: annotations, random walks."""
    OTHER = "other"


class Source(Struct, frozen=True):
    """A data source."""

    asks: Asks
    plugin: str
    """What Grafana calls it."""


PLUGINS: Final[Mapping[str, Asks]] = {
    "prometheus": Asks.METRICS,
    "grafana-amazonprometheus-datasource": Asks.METRICS,
    "grafana-azureprometheus-datasource": Asks.METRICS,
    "victoriametrics-datasource": Asks.METRICS,
    "victoriametrics-metrics-datasource": Asks.METRICS,
    "mimir": Asks.METRICS,
    "thanos": Asks.METRICS,
    "loki": Asks.LOGS,
    "tempo": Asks.TRACES,
    "jaeger": Asks.TRACES,
    "zipkin": Asks.TRACES,
    "__expr__": Asks.EXPRESSION,
    "grafana": Asks.OWN,
    "datasource": Asks.OWN,
}
"""What each kind of data source is here."""
NAMES: Final = {
    "prometheus": "Pharos metrics",
    "loki": "Pharos logs",
    "tempo": "Pharos traces",
    "jaeger": "Pharos traces",
}
"""What people are shown as the one data source of a kind."""
_LOGS_QUERY: Final = re.compile(r"\s*(?:\{[^}]*\}\s*(?:\|[=~>]|!=|!~|\||$))")


def source_of(target: Json, panel: Panel | None, model: Model) -> Source:
    """Return what a target asks."""
    said = target.get("datasource")
    if said in (None, "", {}) and panel is not None:
        said = panel.datasource
    kind, uid = _named(said)
    if "__expr__" in (kind, uid):
        return Source(Asks.EXPRESSION, "__expr__")
    if uid == "-- Dashboard --":
        return Source(Asks.PANEL, "dashboard")
    kind = _of_variable(uid, model) or kind
    if uid in {"-- Grafana --", "grafana"} or kind in {"grafana", "datasource"}:
        if text(target.get("expr")) and kind != "grafana":
            return _guessed(target, panel)
        return Source(Asks.OWN, "grafana")
    if kind in {"mixed", ""} or uid == "-- Mixed --":
        return _guessed(target, panel)
    return Source(PLUGINS.get(kind, Asks.OTHER), kind)


def _named(said: Any) -> tuple[str, str]:
    if isinstance(said, dict):
        return text(said.get("type")), text(said.get("uid"))
    name = text(said)
    lower = name.lower()
    if lower in PLUGINS and lower != "datasource":
        return lower, name
    return "", name


def _of_variable(uid: str, model: Model) -> str:
    """Return the plug-in that a variable, or an input of an import, stands for; nothing without one."""
    found = REFERENCE.fullmatch(uid)
    if found is None:
        return ""
    name = found[1] or found[2] or found[4]
    if name in model.inputs:
        return model.inputs[name]
    for one in model.variables:
        if one.name == name and one.type == "datasource":
            return text(one.query)
    return ""


def _guessed(target: Json, panel: Panel | None) -> Source:
    """Return what a target asks that names no kind: as its fields look."""
    expr = text(target.get("expr"))
    if expr:
        is_logs = bool(_LOGS_QUERY.match(expr)) and panel is not None and panel.type == "logs"
        return Source(Asks.LOGS, "loki") if is_logs else Source(Asks.METRICS, "prometheus")
    if text(target.get("queryType")) in {"traceql", "traceqlSearch", "serviceMap", "nativeSearch"}:
        return Source(Asks.TRACES, "tempo")
    if text(target.get("rawSql")) or text(target.get("rawQuery")):
        return Source(Asks.OTHER, "SQL")
    if "panelId" in target:
        return Source(Asks.PANEL, "dashboard")
    return Source(Asks.METRICS, "prometheus") if "expr" in target else Source(Asks.OTHER, "")


def check_sources(model: Model, report: Report) -> None:
    """Remark which panels ask data sources that are not here."""
    for panel in model.panels():
        report.enter(panel.id, panel.title)
        for target in panel.targets:
            source = source_of(target, panel, model)
            if source.asks is Asks.OTHER:
                report.lost(*refused(source.plugin))
            elif source.asks is Asks.OWN and text(target.get("queryType")) in {"randomWalk", "snapshot"}:
                report.lost("invented series of Grafana itself are not shown")
    report.leave()
    for one in model.variables:
        kind = text(mapping(one.datasource).get("type"))
        if one.type == "query" and kind and kind not in PLUGINS:
            report.lost(
                f"the variable {one.name!r} asks a data source of the type {kind!r}, which is not here"
            )


def refused(plugin: str) -> tuple[str, str]:
    """Return why a data source is not asked, and what to do."""
    return (
        f"a data source of the type {plugin or 'unknown'!r} is not here",
        "Pharos answers those of Prometheus, Loki, Tempo, Jaeger and Zipkin",
    )
