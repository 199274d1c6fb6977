"""Series in memory as arrays: the source that the evaluation in this process reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray
from tests.differential.written import histogram_fields

from pharos.labels import Labels, Matcher
from pharos.promql.histograms.encode import encode_columns
from pharos.promql.histograms.value import FloatHistogram, ResetHint
from pharos.promql.source import SeriesBlock

HistogramRows = Sequence[tuple[int, FloatHistogram]]


@dataclass(frozen=True, slots=True)
class _Kept:
    ts_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    histograms: HistogramRows


class ArraySource:
    """The samples of series in the form of `rw_messages.v1_body`, `native` holding (time, histogram)."""

    def __init__(
        self,
        series: Sequence[Mapping[str, Any]],
        order: Callable[[Mapping[str, Any]], Any] = lambda one: one["labels"],
    ) -> None:
        self._series: dict[Labels, _Kept] = {}
        for one in sorted(series, key=order):
            samples = one.get("samples", ())
            self._series[tuple(one["labels"])] = _Kept(
                np.array([sample[0] for sample in samples], np.int64),
                np.array([sample[1] for sample in samples], np.float64),
                [(at, _believed(native)) for at, native in one.get("native", ())],
            )
        self._named = {labels: dict(labels) for labels in self._series}
        self._selected: dict[tuple[Matcher, ...], list[Labels]] = {}

    def _matching(self, matchers: tuple[Matcher, ...]) -> list[Labels]:
        if matchers not in self._selected:
            self._selected[matchers] = [
                labels
                for labels, have in self._named.items()
                if all(matcher.matches(have.get(matcher.name, "")) for matcher in matchers)
            ]
        return self._selected[matchers]

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesBlock:
        """Return the matching series in order."""
        chosen = self._matching(tuple(matchers))
        ts, values, rows = [], [], []
        offsets, histogram_offsets = [0], [0]
        for labels in chosen:
            kept = self._series[labels]
            low, high = np.searchsorted(kept.ts_ms, [start_ms, end_ms + 1]).tolist()
            ts.append(kept.ts_ms[low:high])
            values.append(kept.values[low:high])
            offsets.append(offsets[-1] + high - low)
            mine = [(at, 0, histogram) for at, histogram in kept.histograms if start_ms <= at <= end_ms]
            rows += mine
            histogram_offsets.append(len(rows))
        return SeriesBlock(
            labels=chosen,
            offsets=np.array(offsets, np.int64),
            ts_ms=np.concatenate([np.empty(0, np.int64), *ts]),
            values=np.concatenate([np.empty(0, np.float64), *values]),
            histograms=encode_columns(np.array(histogram_offsets, np.int64), rows) if rows else None,
        )


def _believed(histogram: FloatHistogram) -> FloatHistogram:
    """Return the histogram as a store gives it back: of its hint only that it is a gauge."""
    if histogram.hint is ResetHint.GAUGE:
        return histogram
    return replace(histogram, hint=ResetHint.UNKNOWN)


def on_the_wire(series: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the series as remote write sends them, native histograms as messages."""
    return [
        {
            "labels": one["labels"],
            "samples": one.get("samples", ()),
            "histograms": [histogram_fields(at, 0, native) for at, native in one.get("native", ())],
        }
        for one in series
    ]
