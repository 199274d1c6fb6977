"""Remote Write cases as data: read from YAML, made into requests, and what can be read back after each.

The form is described at the head of compliance/receiver.yaml.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from tests.ingest import rw_messages as rw

HERE = Path(__file__).parent
STALE = struct.unpack("<d", struct.pack("<Q", rw.STALE_NAN_BITS))[0]
TYPES = ("unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset")

_POSITIVE = {"positive_spans": [[0, 3], [2, 2]], "positive_deltas": [1, 2, 1, 3, 1]}  # 1 3 4 7 8: 23
_NEGATIVE = {"negative_spans": [[0, 2]], "negative_deltas": [1, 1]}  # 1 2: 3
_ZERO = {"zero_count_int": 1}
PRESETS: dict[str, dict[str, Any]] = {
    "full": {"count_int": 27, **_POSITIVE, **_NEGATIVE, **_ZERO},
    "signed": {"count_int": 26, **_POSITIVE, **_NEGATIVE},
    "positive": {"count_int": 24, **_POSITIVE, **_ZERO},
    "negative": {"count_int": 3, **_NEGATIVE},
    "negative_and_zero": {"count_int": 4, **_NEGATIVE, **_ZERO},
    "zero": {"count_int": 1, **_ZERO},
    "empty": {"count_int": 0},
    "custom": {
        "count_int": 30,
        "schema": -53,
        "positive_spans": [[0, 6]],
        "positive_deltas": [2, 1, 2, 3, -1, -2],
        "custom_values": [0.1, 0.5, 1.0, 2.5, 5.0, 10.0],
    },
    "floats": {
        "count_float": 3.5,
        "zero_count_float": 0.5,
        "positive_spans": [[0, 2]],
        "positive_counts": [1.0, 2.0],
    },
    "bad_count": {"count_int": 99, **_POSITIVE},
    "bad_spans": {"count_int": 23, **_POSITIVE, "positive_spans": [[0, 9]]},
    "negative_count": {"count_int": 1, "positive_spans": [[0, 2]], "positive_deltas": [2, -3]},
    "bad_schema": {"count_int": 24, **_POSITIVE, **_ZERO, "schema": -20},
}


@dataclass(frozen=True)
class Case:
    """One request and what must become of it."""

    name: str
    version: int
    series: list[dict[str, Any]]
    statuses: list[int]
    written: list[int] | None
    reason: str
    stored: list[int]
    stored_parts: list[str]

    @property
    def label(self) -> str:
        """Return the name of the case for test reports and, made safe, for its tenant."""
        return re.sub(r"[^a-z0-9]+", "-", f"v{self.version} {self.name}".lower()).strip("-")

    def request(self, now_ms: int) -> tuple[bytes, list[dict[str, Any]]]:
        """Return the plain body of the case at this time, and the series it was built from."""
        series = [_at(one, now_ms) for one in self.series]
        if self.version == 2:
            return rw.v2_body(series), series
        described = [
            {"family": dict(one["labels"]).get("__name__", ""), **one["metadata"]}
            for one in series
            if "metadata" in one
        ]
        return rw.v1_body(series, described), series


def _at(series: dict[str, Any], now_ms: int) -> dict[str, Any]:
    """Return the series of a case in the form of rw_messages, its times made absolute."""
    labels = series["labels"]
    pairs = list(labels.items()) if isinstance(labels, dict) else [tuple(pair) for pair in labels]
    size = series.get("value_bytes", 1)
    if "many_labels" in series:
        pairs += [(f"label_{number:06}", "v" * size) for number in range(series["many_labels"])]
    elif "value_bytes" in series:
        pairs.append(("large", "v" * size))
    result: dict[str, Any] = {"labels": [(str(name), str(value)) for name, value in pairs], "samples": []}
    start = [now_ms + series["start"] * 1000] if "start" in series else []
    for *when, value in series.get("samples", ()):
        time = when[1] if when[0] == "at" else now_ms + when[0] * 1000
        result["samples"].append((time, STALE if value == "stale" else value, *start))
    result["exemplars"] = [
        {
            "labels": list(one["labels"].items()) if isinstance(one["labels"], dict) else one["labels"],
            "value": STALE if one["value"] == "stale" else one["value"],
            "timestamp": now_ms + one["offset"] * 1000,
        }
        for one in series.get("exemplars", ())
    ]
    result["histograms"] = [
        {
            **PRESETS[one["preset"]],
            "sum": one["sum"],
            "timestamp": now_ms + one.get("offset", 0) * 1000,
            "start_timestamp": start[0] if start else 0,
        }
        for one in series.get("histograms", ())
    ]
    if "metadata" in series:
        described = series["metadata"]
        result["metadata"] = {**described, "type": TYPES.index(described["type"])}
    return result


def _filled(node: Any, value: Any, number: int) -> Any:
    """Return a copy of `node` with VALUE and # filled in."""
    if isinstance(node, dict):
        return {key: _filled(child, value, number) for key, child in node.items()}
    if isinstance(node, list):
        return [_filled(child, value, number) for child in node]
    if node == "VALUE":
        return value
    return node.replace("#", str(number)) if isinstance(node, str) else node


def _expanded(entry: dict[str, Any]) -> Iterator[Case]:
    for value in entry.get("for_values", [None]):
        for version in entry.get("versions", [1, 2]):
            repeats = range(entry.get("repeat", 1))
            series = [_filled(one, value, number) for number in repeats for one in entry["series"]]
            statuses = entry["status"] if isinstance(entry["status"], list) else [entry["status"]]
            yield Case(
                name=entry["name"] if value is None else f"{entry['name']}: {_spelled(value)}",
                version=version,
                series=series,
                statuses=statuses,
                written=entry.get("written"),
                reason=entry.get("reason", ""),
                stored=entry.get("stored", list(range(len(series)))),
                stored_parts=entry.get("stored_parts", ["samples", "exemplars", "metadata", "histograms"]),
            )


def _spelled(value: Any) -> str:
    return "minus infinity" if value == -math.inf else str(value)


def read_cases(file: str) -> list[Case]:
    """Return the cases of a YAML file beside this module, in both versions unless an entry says otherwise."""
    entries = YAML(typ="safe").load((HERE / file).read_text(encoding="utf-8"))
    return [case for entry in entries for case in _expanded(entry)]
