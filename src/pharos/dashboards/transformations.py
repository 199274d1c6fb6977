"""Which transformations the pages apply, and what an import says of the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from pharos.dashboards.reading import Json, flag, mapping, mappings, text
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


_WAYS: Final[dict[str, dict[str, frozenset[str]]]] = {
    "calculateField": {
        "mode": frozenset(
            {"reduceRow", "binary", "unary", "cumulativeFunctions", "windowFunctions", "index"}
        ),
    },
    "joinByField": {"mode": frozenset({"outer", "inner", "outerTabular"})},
    "prepareTimeSeries": {"format": frozenset({"wide", "many", "multi", "long"})},
    "organize": {"orderByMode": frozenset({"manual", "auto"})},
}
"""Options of which each value is another way to do it, and the ways that are known."""


def _tell_ways(identifier: str, options: Json, report: Report) -> None:
    for option, known in _WAYS.get(identifier, {}).items():
        way = text(options.get(option))
        if way and way not in known:
            report.note(f"{option} {way[:40]!r} of the transformation {identifier!r} is not known")


_ZONES: Final = frozenset({"", "utc", "browser"})


def _unfollowed(identifier: str, options: Json) -> Iterator[str]:
    """Return which of its options a transformation that is applied does not follow."""
    match identifier:
        case "timeSeriesTable":
            for said in map(mapping, options.values()):
                if flag(said.get("inlineStat")):
                    yield "inlineStat"
                if text(said.get("timeField")):
                    yield "timeField"
        case "convertFieldType":
            for said in mappings(options.get("conversions")):
                target = text(said.get("destinationType"))
                if target == "enum":
                    yield "destinationType 'enum'"
                if target == "time" and text(said.get("dateFormat")):
                    yield "dateFormat of what becomes a time"
                if target == "string" and text(said.get("timezone")) not in _ZONES:
                    yield "timezone"
        case "formatTime":
            if text(options.get("timezone")) not in _ZONES:
                yield "timezone"


def tell_unfollowed(field_config: Json, report: Report) -> None:
    """Remark what a panel sets that its picture does not follow."""
    said = [mapping(mapping(field_config.get("defaults")).get("custom")).get("insertNulls")]
    for override in mappings(field_config.get("overrides")):
        properties = mappings(override.get("properties"))
        said += [one.get("value") for one in properties if one.get("id") == "custom.insertNulls"]
    if any(one is True for one in said):
        report.note("insertNulls without a number of milliseconds breaks no line")


def tell_unapplied(transformations: Iterable[Json], report: Report) -> None:
    """Remark each transformation of a panel that is not applied, unless it is switched off."""
    for one in transformations:
        identifier = text(one.get("id"))
        if flag(one.get("disabled")):
            continue
        options = mapping(one.get("options"))
        _tell_ways(identifier, options, report)
        for option in _unfollowed(identifier, options):
            report.note(f"{option} of the transformation {identifier!r} is not followed")
        if identifier and identifier not in APPLIED:
            report.lost(
                f"the transformation {identifier[:80]!r} is not applied",
                "it is kept; the panel shows its data without it",
            )
