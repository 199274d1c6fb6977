"""Samples that this process made, all of one time, as a request of remote write 1.0."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pharos.ingest.remote_write.messages import STALE_BITS, encode_histogram, encode_labels
from pharos.labels import Labels
from pharos.promql.histograms.value import FloatHistogram
from pharos.protobuf import message_classes, varint

_REMEMBERED: Final = 200_000
_SAMPLE_BYTES: Final = 16
"""Of a sample whose time lies between 1972 and 2109, which takes six bytes."""
_HEAD: Final = b"\x12" + varint(_SAMPLE_BYTES) + b"\x09"
_CLASSES: Final = message_classes(
    "pharos.points",
    {
        "Span": {"offset": (1, "sint32"), "length": (2, "uint32")},
        "Histogram": {
            "count_float": (2, "?double"),
            "sum": (3, "double"),
            "schema": (4, "sint32"),
            "zero_threshold": (5, "double"),
            "zero_count_float": (7, "?double"),
            "negative_spans": (8, "*Span"),
            "negative_counts": (10, "*double"),
            "positive_spans": (11, "*Span"),
            "positive_counts": (13, "*double"),
            "reset_hint": (14, "int32"),
            "timestamp": (15, "int64"),
            "custom_values": (16, "*double"),
        },
    },
)


class PointEncoder:
    """Encodes samples of series that come again and again: their labels are encoded once."""

    def __init__(self) -> None:
        self._series: dict[tuple[Labels, int], bytes] = {}

    def request(
        self,
        at_ms: int,
        floats: Iterable[tuple[Labels, float]],
        histograms: Iterable[tuple[Labels, FloatHistogram]] = (),
        gone: Iterable[Labels] = (),
    ) -> bytes:
        """Return a WriteRequest with a sample of each series at one time; `gone` get stale markers."""
        time = b"\x10" + varint(at_ms)
        size = 9 + len(time)
        # A Sample field: its length, the value's tag, eight bytes of it, and the time.
        head = b"\x12" + varint(size) + b"\x09"
        pack = struct.Struct("<d").pack
        parts: list[bytes] = []
        for labels, value in floats:
            parts += (self._begin(labels, 2 + size), head, pack(value), time)
        stale = head + struct.pack("<Q", STALE_BITS) + time
        for labels in gone:
            parts += (self._begin(labels, 2 + size), stale)
        for labels, histogram in histograms:
            parts.append(encode_histogram(encode_labels(labels), _histogram(histogram, at_ms)))
        return b"".join(parts)

    def begin(self, labels: Labels) -> bytes:
        """Return what stands before the value of a sample with these labels, for `joined`."""
        return self._begin(labels, 2 + _SAMPLE_BYTES) + _HEAD

    def joined(self, at_ms: int, parts: list[bytes]) -> bytes:
        """Return a WriteRequest of one time; `parts` are what `begin` returned, and the eight bytes of a
        value, in turns.
        """
        time = b"\x10" + varint(at_ms)
        if 9 + len(time) != _SAMPLE_BYTES:
            raise ValueError("the time lies outside of what is encoded ahead")
        parts[1::2] = [value + time for value in parts[1::2]]
        return b"".join(parts)

    def _begin(self, labels: Labels, size: int) -> bytes:
        """Return the start of a TimeSeries field with these labels, of which `size` bytes follow."""
        key = (labels, size)
        found = self._series.get(key)
        if found is None:
            if len(self._series) >= _REMEMBERED:
                self._series.clear()
            encoded = encode_labels(labels)
            found = self._series[key] = b"\x0a" + varint(len(encoded) + size) + encoded
        return found


def _histogram(histogram: FloatHistogram, at_ms: int) -> bytes:
    message = _CLASSES["Histogram"](
        count_float=histogram.count,
        sum=histogram.sum,
        schema=histogram.schema,
        zero_threshold=histogram.zero_threshold,
        zero_count_float=histogram.zero_count,
        reset_hint=int(histogram.hint),
        timestamp=at_ms,
        custom_values=histogram.custom,
    )
    _put(message.positive_spans, message.positive_counts, histogram.positive)
    _put(message.negative_spans, message.negative_counts, histogram.negative)
    return bytes(message.SerializeToString())


def _put(spans: Any, counts: Any, side: Mapping[int, float]) -> None:
    """Write the buckets of one side, by index, as spans of those that follow one another."""
    after = 0
    for index in sorted(side):
        if not spans or index != after:
            spans.add(offset=index - after, length=0)
        spans[-1].length += 1
        counts.append(side[index])
        after = index + 1
