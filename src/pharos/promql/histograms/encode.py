"""Native histograms in columns, as a source gives them, and as upstream's storage hands them back."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pharos.promql.histograms.value import FloatHistogram, ResetHint, Side
from pharos.promql.kernels.samples import Floats, Ints
from pharos.promql.source import HistogramColumns


def encode_columns(offsets: Ints, rows: Sequence[tuple[int, int, FloatHistogram | None]]) -> HistogramColumns:
    """Return rows of (time, start time, histogram) in columns; the inverse of `decode_cells`."""
    found = [histogram or FloatHistogram() for _, _, histogram in rows]
    spans = {name: _spans([getattr(h, name) for h in found]) for name in ("positive", "negative")}

    def column(values: Sequence[Any], dtype: Any) -> NDArray[Any]:
        return np.asarray(values, dtype)

    customs = [h.custom for h in found]
    return HistogramColumns(
        offsets=offsets,
        ts_ms=column([ts for ts, _, _ in rows], np.int64),
        count=column([h.count for h in found], np.float64),
        sum=column([h.sum for h in found], np.float64),
        schema=column([h.schema for h in found], np.int8),
        zero_threshold=column([h.zero_threshold for h in found], np.float64),
        zero_count=column([h.zero_count for h in found], np.float64),
        reset_hint=column([int(h.hint) for h in found], np.uint8),
        positive_spans_at=spans["positive"][0],
        positive_span_offset=spans["positive"][1].astype(np.int32),
        positive_span_length=spans["positive"][2].astype(np.uint32),
        positive_at=spans["positive"][3],
        positive=spans["positive"][4],
        negative_spans_at=spans["negative"][0],
        negative_span_offset=spans["negative"][1].astype(np.int32),
        negative_span_length=spans["negative"][2].astype(np.uint32),
        negative_at=spans["negative"][3],
        negative=spans["negative"][4],
        custom_at=_bounds(customs),
        custom=column([bound for custom in customs for bound in custom], np.float64),
        start_ms=column([start for _, start, _ in rows], np.int64),
    )


def _bounds(parts: Sequence[Sized]) -> Ints:
    return np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)


def _spans(sides: Sequence[Side]) -> tuple[Ints, NDArray[Any], NDArray[Any], Ints, Floats]:
    """Return span offsets and lengths with their bounds by row, and counts with theirs."""
    of_rows: list[list[tuple[int, int]]] = []
    counts: list[float] = []
    for side in sides:
        spans: list[tuple[int, int]] = []
        end = 0
        for index in sorted(side):
            if spans and index == end:
                spans[-1] = (spans[-1][0], spans[-1][1] + 1)
            else:
                spans.append((index - end, 1))
            end = index + 1
            counts.append(side[index])
        of_rows.append(spans)
    flat = [span for spans in of_rows for span in spans]
    return (
        _bounds(of_rows),
        np.asarray([offset for offset, _ in flat], np.int64),
        np.asarray([length for _, length in flat], np.int64),
        _bounds(sides),
        np.asarray(counts, np.float64),
    )


def read_back(previous: FloatHistogram | None, histogram: FloatHistogram) -> FloatHistogram:
    """Return a histogram with the hint that upstream's storage hands back: a counter's is known in a chunk.

    `previous` is the sample before it, None where that is a float or nothing.
    """
    seen = histogram.copy()
    if seen.hint is not ResetHint.GAUGE:
        is_continued = _same_chunk(previous, histogram)
        seen.hint = ResetHint.NOT_RESET if is_continued else ResetHint.UNKNOWN
    return seen


def _same_chunk(previous: FloatHistogram | None, histogram: FloatHistogram) -> bool:
    """Return whether the storage appends a counter histogram to the chunk of the one before it."""
    if previous is None or previous.hint is ResetHint.GAUGE or histogram.hint is ResetHint.RESET:
        return False
    layout = (histogram.schema, histogram.zero_threshold, histogram.custom)
    if layout != (previous.schema, previous.zero_threshold, previous.custom):
        return False
    unhinted = histogram.copy()
    unhinted.hint = ResetHint.UNKNOWN
    return not unhinted.detect_reset(previous)
