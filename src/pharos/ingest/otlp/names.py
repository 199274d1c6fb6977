"""Names of metrics, labels and units: Prometheus' translation strategy UnderscoreEscapingWithSuffixes.

After prometheus/otlptranslator (metric_namer.go, label_namer.go, unit_namer.go) with the defaults of
Prometheus 3: letters, digits and colons stay, the rest become underscores, and suffixes tell the unit and
whether it is a counter or a ratio.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from pharos.ingest.otlp.refused import RefusedError


class MetricKind(StrEnum):
    """What kind of metric it is, as far as names differ."""

    GAUGE = "gauge"
    COUNTER = "counter"
    """A monotonic sum."""
    SUM = "sum"
    """A sum that may fall."""
    HISTOGRAM = "histogram"
    NATIVE_HISTOGRAM = "native histogram"
    """An exponential histogram."""
    SUMMARY = "summary"


_UNITS: Final = {
    "d": "days",
    "h": "hours",
    "min": "minutes",
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
    "By": "bytes",
    "KiBy": "kibibytes",
    "MiBy": "mebibytes",
    "GiBy": "gibibytes",
    "TiBy": "tibibytes",
    "KBy": "kilobytes",
    "MBy": "megabytes",
    "GBy": "gigabytes",
    "TBy": "terabytes",
    "m": "meters",
    "V": "volts",
    "A": "amperes",
    "J": "joules",
    "W": "watts",
    "g": "grams",
    "Cel": "celsius",
    "Hz": "hertz",
    "1": "",
    "%": "percent",
}
_UNITS_AFTER_PER: Final = {
    "s": "second",
    "m": "minute",
    "h": "hour",
    "d": "day",
    "w": "week",
    "mo": "month",
    "y": "year",
}
_NOT_IN_METRIC: Final = re.compile(r"[^a-zA-Z0-9:]+")
_NOT_IN_UNIT: Final = re.compile(r"[^a-zA-Z0-9:]+")
_NOT_IN_LABEL: Final = re.compile(r"[^a-zA-Z0-9_]")


def _words_of_unit(unit: str) -> tuple[str, str]:
    """Return the main part of a unit and what comes after its slash (`per_second`); either may be empty.

    What stands in braces is an annotation and no unit.
    """
    main, _, per = unit.partition("/")
    main, per = main.strip(), per.strip()
    main = "" if "{" in main or "}" in main else _UNITS.get(main, main)
    per = "" if "{" in per or "}" in per else _UNITS_AFTER_PER.get(per, per)
    per = f"per_{per}" if per else ""
    return _NOT_IN_UNIT.sub("_", main).removeprefix("_"), _NOT_IN_UNIT.sub("_", per).removeprefix("_")


def unit_name(unit: str) -> str:
    """Return a unit's name as it is kept in metadata: `By/s` is `bytes_per_second`, `1` is empty."""
    main, per = _words_of_unit(unit)
    joined = f"{main}_{per}" if main and per else main or per
    return joined.removeprefix("_").removesuffix("_")


def metric_name(name: str, unit: str, kind: MetricKind) -> str:
    """Return a metric's name with its suffixes: `http.requests` in `1` as a counter is `http_requests_total`.

    Raises RefusedError if nothing is left of it.
    """
    words = [word for word in _NOT_IN_METRIC.split(name) if word]
    main, per = _words_of_unit(unit)
    if main in words:
        main = ""
    per = "" if per == "per_" else per.removesuffix("_")
    if per in words:
        per = ""
    if per:
        main = main.removesuffix("_")
    words += [word for word in (main, per) if word]
    if kind is MetricKind.COUNTER:
        words = [*(word for word in words if word != "total"), "total"]
    if kind is MetricKind.GAUGE and unit == "1":
        words = [*(word for word in words if word != "ratio"), "ratio"]
    joined = "_".join(words)
    if joined[:1].isdigit():
        joined = f"_{joined}"
    if not joined.strip("_"):
        raise RefusedError(f"nothing is left of the metric name {name!r}")
    return joined


def label_name(key: str) -> str:
    """Return the label's name of an attribute: `http.method` is `http_method`, `1st` is `key_1st`.

    Raises RefusedError if nothing is left of it.
    """
    name = _NOT_IN_LABEL.sub("_", key)
    if name[:1].isdigit():
        name = f"key_{name}"
    elif name.startswith("_") and not name.startswith("__"):
        name = f"key{name}"
    if not name or (name != key and not name.strip("_")):
        raise RefusedError(f"nothing is left of the attribute name {key!r}")
    return name
