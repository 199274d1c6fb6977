"""What is in memory, as remote write sends it."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from tests.promql.promqltest_source import MemorySource, Row

from pharos.labels import Labels
from pharos.promql.histograms.encode import encode_columns
from pharos.promql.histograms.value import FloatHistogram
from pharos.promql.source import HistogramColumns


def written_series(before: MemorySource, after: MemorySource) -> list[dict[str, Any]]:
    """Return the samples that `after` holds and `before` does not, as `rw_messages.v2_body` takes them."""
    out = []
    for labels, rows in after.rows.items():
        old = before.rows.get(labels, {})
        fresh = [rows[ts] for ts in sorted(rows) if old.get(ts) is not rows[ts]]
        if fresh:
            out.append(_series(labels, fresh))
    return out


def _series(labels: Labels, rows: Sequence[Row]) -> dict[str, Any]:
    floats = [
        (row.ts_ms, row.point.value, row.start_ms) if row.start_ms else (row.ts_ms, row.point.value)
        for row in rows
        if row.point.histogram is None
    ]
    histograms = [
        histogram_fields(row.ts_ms, row.start_ms, row.point.histogram)
        for row in rows
        if row.point.histogram is not None
    ]
    return {"labels": labels, "samples": floats, "histograms": histograms}


def histogram_fields(ts_ms: int, start_ms: int, histogram: FloatHistogram) -> dict[str, Any]:
    """Return the fields of a float histogram's message (prompb.Histogram)."""
    rows = encode_columns(np.array([0, 1], np.int64), [(ts_ms, start_ms, histogram)])
    fields: dict[str, Any] = {
        "timestamp": ts_ms,
        "start_timestamp": start_ms,
        "count_float": histogram.count,
        "sum": histogram.sum,
        "schema": histogram.schema,
        "zero_threshold": histogram.zero_threshold,
        "zero_count_float": histogram.zero_count,
        "reset_hint": int(histogram.hint),
        "positive_spans": _spans(rows, "positive"),
        "positive_counts": rows.positive.tolist(),
        "negative_spans": _spans(rows, "negative"),
        "negative_counts": rows.negative.tolist(),
        "custom_values": list(histogram.custom),
    }
    return fields


def _spans(rows: HistogramColumns, side: str) -> list[tuple[int, int]]:
    offsets, lengths = getattr(rows, f"{side}_span_offset"), getattr(rows, f"{side}_span_length")
    return list(zip(offsets.tolist(), lengths.tolist(), strict=True))


def bits(value: float) -> int:
    """Return the 64 bits of a float."""
    return int(struct.unpack("<Q", struct.pack("<d", value))[0])
