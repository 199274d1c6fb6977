"""Exponential histograms become native histograms of Prometheus (prometheusremotewrite/histograms.go)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pharos.ingest.otlp.refused import RefusedError
from pharos.ingest.remote_write.messages import STALE_BITS
from pharos.ingest.scrape.exposition.families import StoredHistogram

_LEAST_SCALE: Final = -4
_MOST_SCALE: Final = 8
_ZERO_THRESHOLD: Final = 1e-128
_GAP_MAX: Final = 2
"""So many empty buckets are written out rather than beginning another span."""


def bucket_layout(
    counts: Sequence[int], offset: int, scale_down: int
) -> tuple[list[tuple[int, int]], list[int]]:
    """Return the spans (offset, length) and deltas of dense buckets, 2**scale_down of them merged into one.

    Bucket 0 of an exponential histogram is bucket 1 of a native one.
    """
    merged: dict[int, int] = {}
    for place, count in enumerate(counts):
        index = ((place + offset) >> scale_down) + 1
        merged[index] = merged.get(index, 0) + count
    spans: list[list[int]] = []
    deltas: list[int] = []
    last_count, next_index = 0, 0
    first, last = (offset >> scale_down) + 1, ((len(counts) - 1 + offset) >> scale_down) + 1
    for index, count in merged.items():
        if not count and index != last:
            continue
        if not spans:
            # The first span begins at the first bucket, full or not.
            spans, next_index = [[first, 0]], first
        gap = index - next_index
        if gap > _GAP_MAX:
            spans.append([gap, 0])
        else:
            for _ in range(gap):
                spans[-1][1] += 1
                deltas.append(-last_count)
                last_count = 0
        spans[-1][1] += 1
        deltas.append(count - last_count)
        last_count, next_index = count, index + 1
    return [(span[0], span[1]) for span in spans], deltas


def check_scale(scale: int) -> None:
    """Raise RefusedError for a scale whose buckets are wider than a native histogram's may be."""
    if scale < _LEAST_SCALE:
        raise RefusedError(f"exponential histograms have a scale of at least {_LEAST_SCALE}, not {scale}")


def native_histogram(point: Any, time_ms: int, begun_ms: int, *, stale: bool) -> bytes:
    """Return an ExponentialHistogramDataPoint as a Histogram message of a WriteRequest.

    Raises RefusedError for a scale below -4 or counts beyond what can be kept.
    """
    check_scale(point.scale)
    scale_down = max(0, point.scale - _MOST_SCALE)
    made = StoredHistogram(
        schema=min(point.scale, _MOST_SCALE),
        zero_threshold=_ZERO_THRESHOLD,
        timestamp=time_ms,
        begun=begun_ms,
    )
    if stale:
        made.count_int = STALE_BITS
        return bytes(made.SerializeToString() + _STALE_SUM)
    made.count_int, made.zero_count_int, made.sum = point.count, point.zero_count, point.sum
    try:
        for name, buckets in (("positive", point.positive), ("negative", point.negative)):
            spans, deltas = bucket_layout(buckets.bucket_counts, buckets.offset, scale_down)
            getattr(made, f"{name}_deltas").extend(deltas)
            for offset, length in spans:
                getattr(made, f"{name}_spans").add(offset=offset, length=length)
    except ValueError as exc:
        raise RefusedError("an exponential histogram's buckets are out of range") from exc
    return bytes(made.SerializeToString())


_STALE_SUM: Final = b"\x19" + STALE_BITS.to_bytes(8, "little")
"""Field 3, sum, with the bits of the stale marker."""
