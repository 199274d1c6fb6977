"""Verdicts beside the samples: as series that can be asked for, drawn and alerted about as any others.

`pharos_anomaly_value` is what was judged, `pharos_anomaly_lower` and `_upper` are between which it was to be
expected, `pharos_anomaly_score` says how unusual it was, from 0 to 1. `pharos_anomaly` is there while an
anomaly goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pharos.ingest.remote_write.points import PointEncoder
from pharos.labels import METRIC_NAME, Labels, Matcher, MatchOp, labels_of
from pharos.promql.language.ast import VectorSelector
from pharos.promql.language.printer import to_text

VALUE: Final = "pharos_anomaly_value"
SCORE: Final = "pharos_anomaly_score"
LOWER: Final = "pharos_anomaly_lower"
UPPER: Final = "pharos_anomaly_upper"
FOUND: Final = "pharos_anomaly"
NAMES: Final = (VALUE, SCORE, LOWER, UPPER)
WATCH_LABEL: Final = "anomaly_watch"
METRIC_LABEL: Final = "anomaly_metric"
SEVERITY: Final = "severity"


def verdict_labels(name: str, watch: str, labels: Labels) -> Labels:
    """Return the labels of a series of verdicts: those of what is judged, its name and its watch besides."""
    own = dict(labels)
    metric = own.pop(METRIC_NAME, "")
    return labels_of({**own, METRIC_LABEL: metric, WATCH_LABEL: watch, METRIC_NAME: name})


def found_labels(watch: str, labels: Labels, severity: str) -> Labels:
    """Return the labels of the series that is there while an anomaly goes on."""
    return labels_of({**dict(verdict_labels(FOUND, watch, labels)), SEVERITY: severity})


def verdict_selector(name: str, watch: str, labels: Labels) -> str:
    """Return the PromQL of one series of verdicts."""
    found = verdict_labels(name, watch, labels)
    return to_text(VectorSelector(name, tuple(Matcher(key, MatchOp.EQUAL, value) for key, value in found)))


class VerdictEncoder:
    """Makes requests of remote write of verdicts, by the places of their series."""

    def __init__(self) -> None:
        self._points = PointEncoder()
        self._begins: list[tuple[bytes, ...]] = []

    def set(self, row: int, watch: str, labels: Labels) -> None:
        """Let a row be a series."""
        while len(self._begins) <= row:
            self._begins.append(())
        self._begins[row] = tuple(self._points.begin(verdict_labels(name, watch, labels)) for name in NAMES)

    def request(
        self,
        at_ms: int,
        rows: NDArray[np.int64],
        columns: Sequence[NDArray[np.float64]],
        found: Iterable[tuple[Labels, float]],
        gone: Iterable[Labels],
    ) -> bytes:
        """Return a request with verdicts of rows, in the order of NAMES, what goes on, and what is over."""
        parts: list[bytes] = []
        for place, column in enumerate(columns):
            values = column.astype("<f8").tobytes()
            for index in np.flatnonzero(np.isfinite(column)).tolist():
                parts.append(self._begins[rows[index]][place])
                parts.append(values[8 * index : 8 * index + 8])
        return self._points.joined(at_ms, parts) + self._points.request(at_ms, found, gone=gone)
