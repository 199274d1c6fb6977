"""The storage of a promqltest: series in memory, with what upstream's storage makes of histograms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tests.promql.promqltest_language import Load, Point

from pharos.labels import BUCKET_LABEL, METRIC_NAME, Labels, Matcher, labels_of
from pharos.promql.histograms.encode import encode_columns, read_back
from pharos.promql.histograms.value import FloatHistogram
from pharos.promql.source import SeriesBlock


@dataclass
class Row:
    """A stored sample."""

    ts_ms: int
    point: Point
    start_ms: int


class MemorySource:
    """Series in memory, with reset hints as upstream's storage reads them back from its chunks."""

    def __init__(self) -> None:
        self.rows: dict[Labels, dict[int, Row]] = {}

    def with_load(self, load: Load) -> MemorySource:
        """Return a source that holds the series of a `load` too."""
        source = MemorySource()
        source.rows = {labels: dict(rows) for labels, rows in self.rows.items()}
        source.load(load)
        return source

    def load(self, load: Load) -> None:
        for series in load.series:
            starts = load.starts.get(series.labels, [])
            for at, point in enumerate(series.points):
                if point.omitted:
                    continue
                ts = at * load.step_ms
                offset = starts[at] if at < len(starts) else None
                self._put(series.labels, Row(ts, point, 0 if offset is None else ts + offset))
        if load.with_nhcb:
            self._load_nhcb(load)

    def _put(self, labels: Labels, row: Row) -> None:
        self.rows.setdefault(labels, {})[row.ts_ms] = row

    def _load_nhcb(self, load: Load) -> None:
        found: dict[Labels, dict[int, dict[str, Any]]] = {}
        for series in load.series:
            parts = dict(series.labels)
            base, _, suffix = parts.get(METRIC_NAME, "").rpartition("_")
            if suffix not in {"bucket", "count", "sum"}:
                continue
            bound = parts.pop(BUCKET_LABEL, None) if suffix == "bucket" else None
            parts[METRIC_NAME] = base
            times = found.setdefault(labels_of(parts), {})
            for at, point in enumerate(series.points):
                if point.omitted or point.histogram is not None:
                    continue
                entry = times.setdefault(at * load.step_ms, {"buckets": {}})
                if suffix == "bucket":
                    entry["buckets"][float(bound or "nan")] = point.value
                else:
                    entry[suffix] = point.value
        for labels, times in found.items():
            for ts, entry in sorted(times.items()):
                self._put(labels, Row(ts, Point(histogram=_nhcb_of(entry)), 0))

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesBlock:
        """Return the matching series in order of their labels."""
        chosen = [
            labels
            for labels in sorted(self.rows)
            if all(matcher.matches(dict(labels).get(matcher.name, "")) for matcher in matchers)
        ]
        floats: list[list[Row]] = []
        histograms: list[list[Row]] = []
        for labels in chosen:
            rows = _hinted([self.rows[labels][ts] for ts in sorted(self.rows[labels])])
            rows = [row for row in rows if start_ms <= row.ts_ms <= end_ms]
            floats.append([row for row in rows if row.point.histogram is None])
            histograms.append([row for row in rows if row.point.histogram is not None])
        flat = [row for rows in floats for row in rows]
        return SeriesBlock(
            labels=chosen,
            offsets=_offsets(floats),
            ts_ms=np.asarray([row.ts_ms for row in flat], np.int64),
            values=np.asarray([row.point.value for row in flat], np.float64),
            start_ms=np.asarray([row.start_ms for row in flat], np.int64),
            histograms=encode_columns(
                _offsets(histograms),
                [(row.ts_ms, row.start_ms, row.point.histogram) for rows in histograms for row in rows],
            ),
        )


def _offsets(rows: Sequence[Sequence[Row]]) -> Any:
    return np.concatenate([[0], np.cumsum([len(part) for part in rows])]).astype(np.int64)


def _hinted(rows: list[Row]) -> list[Row]:
    """Return the rows with the hints that upstream's storage reads back: known only within a chunk."""
    out: list[Row] = []
    previous: FloatHistogram | None = None
    for row in rows:
        histogram = row.point.histogram
        if histogram is None:
            previous = None
            out.append(row)
            continue
        out.append(Row(row.ts_ms, Point(histogram=read_back(previous, histogram)), row.start_ms))
        previous = histogram
    return out


def _nhcb_of(entry: dict[str, Any]) -> FloatHistogram:
    buckets = dict(sorted(entry["buckets"].items()))
    highest: float = buckets[max(buckets)] if buckets else 0.0
    count = float(entry.get("count", highest))
    buckets.setdefault(math.inf, count)
    bounds = tuple(bound for bound in buckets if bound != math.inf)
    positive: dict[int, float] = {}
    previous = 0.0
    for at, total in enumerate(buckets.values()):
        if total != previous:
            positive[at] = total - previous
        previous = total
    return FloatHistogram(
        schema=-53, count=count, sum=entry.get("sum", 0.0), positive=positive, custom=bounds
    )
