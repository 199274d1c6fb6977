"""Which transformations the pages apply, and what an import says of the others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pharos.dashboards.reading import Json, flag, mapping, text
from pharos.dashboards.report import Report

APPLIED: Final = frozenset(
    {
        "calculateField",
        "concatenate",
        "configFromData",
        "convertFieldType",
        "extractFields",
        "filterByRefId",
        "filterByValue",
        "filterFieldsByName",
        "formatString",
        "formatTime",
        "groupBy",
        "groupToNestedTable",
        "groupingToMatrix",
        "heatmap",
        "histogram",
        "joinByField",
        "joinByLabels",
        "labelsToFields",
        "limit",
        "merge",
        "organize",
        "partitionByValues",
        "prepareTimeSeries",
        "reduce",
        "renameByRegex",
        "rowsToFields",
        "seriesToColumns",
        "seriesToRows",
        "smoothing",
        "sortBy",
        "timeSeriesTable",
        "transpose",
    }
)
"""By Grafana's ids; a test compares them with those of the pages."""


def tell_unapplied(transformations: Iterable[Json], report: Report) -> None:
    """Remark each transformation of a panel that is not applied, unless it is switched off."""
    for one in transformations:
        identifier = text(one.get("id"))
        if flag(one.get("disabled")):
            continue
        if identifier == "organize" and mapping(one.get("options")).get("orderByMode") == "auto":
            report.note("the transformation 'organize' keeps the order of the fields, and does not sort them")
        if identifier and identifier not in APPLIED:
            report.lost(
                f"the transformation {identifier[:80]!r} is not applied",
                "it is kept; the panel shows its data without it",
            )
