"""Which native histograms are refused: the rules of Prometheus' histogram validation, on the wire form.

A histogram that breaks one takes only itself with it. Rules after prometheus/model/histogram (Validate of
Histogram and FloatHistogram) and the comments of Histogram in io.prometheus.write.v2.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.compiled.protobuf import (
    FIXED64,
    LENGTH_DELIMITED,
    VARINT,
    read_f64,
    read_length,
    read_tag,
    read_varint,
    skip_field,
)

MALFORMED_HISTOGRAM: Final = 21
WRONG_COUNT: Final = 22
NEGATIVE_BUCKET: Final = 23
WRONG_SPANS: Final = 24
NEGATIVE_OFFSET: Final = 25
WRONG_SCHEMA: Final = 26
WRONG_BOUNDS: Final = 27
CUSTOM_WITH_MORE: Final = 28

FAULTS: Final = {
    MALFORMED_HISTOGRAM: "a native histogram is malformed",
    WRONG_COUNT: "the count of a native histogram is not the sum of its buckets",
    NEGATIVE_BUCKET: "a native histogram has a negative bucket count",
    WRONG_SPANS: "the spans of a native histogram do not cover its buckets",
    NEGATIVE_OFFSET: "a native histogram has a span with a negative offset",
    WRONG_SCHEMA: "a native histogram has a schema that is not -4 to 8 or -53",
    WRONG_BOUNDS: "the custom bounds of a native histogram are not finite, rising and enough, or not wanted",
    CUSTOM_WITH_MORE: "a native histogram with custom buckets has a zero bucket or negative buckets",
}

_CUSTOM_SCHEMA: Final = -53


@inlined_kernel
def _signed(raw: Any) -> Any:
    """Return the sint64 of a varint (zigzag)."""
    return np.int64(raw >> np.uint64(1)) ^ -np.int64(raw & np.uint64(1))


@kernel
def _span_at(buf: Any, pos: Any, end: Any) -> tuple[Any, Any, Any]:
    """Return (offset, length, fault) of a BucketSpan message."""
    offset, length = np.int64(0), np.int64(0)
    while pos < end:
        field, wire, pos = read_tag(buf, pos, end)
        if pos >= 0 and wire == VARINT:
            raw, pos = read_varint(buf, pos, end)
            if field == 1:
                offset = _signed(raw)
            elif field == 2:
                length = np.int64(raw & np.uint64(0xFFFFFFFF))
        elif pos >= 0:
            pos = skip_field(buf, pos, end, wire) if field > 2 else -1
        if pos < 0:
            return offset, length, MALFORMED_HISTOGRAM
    return offset, length, 0


@kernel
def _spans_fault(buf: Any, pos: Any, end: Any, number: Any, custom: Any) -> tuple[Any, Any, Any]:
    """Return (buckets covered, places taken, fault) of the spans in field `number` of a Histogram."""
    covered, places, index = np.int64(0), np.int64(0), 0
    while pos < end:
        field, wire, pos = read_tag(buf, pos, end)
        if field == number:
            start, stop = read_length(buf, pos, end)
            offset, length, fault = _span_at(buf, start, stop)
            if fault != 0:
                return covered, places, fault
            if offset < 0 and (index > 0 or custom):
                return covered, places, NEGATIVE_OFFSET
            covered += length
            places += length + offset
            index += 1
        pos = skip_field(buf, pos, end, wire)
    return covered, places, 0


@kernel
def _deltas_sum(buf: Any, pos: Any, end: Any, number: Any) -> tuple[Any, Any, Any]:
    """Return (buckets, sum of their counts, fault) of the packed deltas in field `number` of a Histogram."""
    buckets, total, last = np.int64(0), np.uint64(0), np.int64(0)
    while pos < end:
        field, wire, pos = read_tag(buf, pos, end)
        if field == number:
            at, stop = read_length(buf, pos, end)
            while at < stop:
                raw, at = read_varint(buf, at, stop)
                if at < 0:
                    return buckets, total, MALFORMED_HISTOGRAM
                last += _signed(raw)
                if last < 0:
                    return buckets, total, NEGATIVE_BUCKET
                total += np.uint64(last)
                buckets += 1
        pos = skip_field(buf, pos, end, wire)
    return buckets, total, 0


@kernel
def _counts_fault(buf: Any, pos: Any, end: Any, number: Any) -> tuple[Any, Any]:
    """Return (buckets, fault) of the packed counts in field `number` of a Histogram."""
    buckets = np.int64(0)
    while pos < end:
        field, wire, pos = read_tag(buf, pos, end)
        if field == number:
            at, stop = read_length(buf, pos, end)
            if (stop - at) % 8 != 0:
                return buckets, MALFORMED_HISTOGRAM
            while at < stop:
                value, at = read_f64(buf, at, stop)
                if value < 0.0:
                    return buckets, NEGATIVE_BUCKET
                buckets += 1
        pos = skip_field(buf, pos, end, wire)
    return buckets, 0


@kernel
def _bounds_fault(buf: Any, pos: Any, end: Any) -> tuple[Any, Any]:
    """Return (custom bounds, fault) of a Histogram: they rise and are finite."""
    bounds, before = np.int64(0), -np.inf
    while pos < end:
        field, wire, pos = read_tag(buf, pos, end)
        if field == 16:
            at, stop = read_length(buf, pos, end)
            if (stop - at) % 8 != 0:
                return bounds, MALFORMED_HISTOGRAM
            while at < stop:
                value, at = read_f64(buf, at, stop)
                # Written so that NaN is refused as well.
                if not (before < value < np.inf):
                    return bounds, WRONG_BOUNDS
                before = value
                bounds += 1
        pos = skip_field(buf, pos, end, wire)
    return bounds, 0


@kernel
def _numbers(buf: Any, pos: Any, end: Any) -> tuple[Any, Any, Any, Any, Any, Any, Any]:
    """Return (count, zero count, are floats, sum, schema, has a zero bucket, fault) of a Histogram.

    Also checks the framing that the other readers rely on: arrays packed, every field where it ends.
    """
    count, zero, floats = np.uint64(0), np.uint64(0), False
    total, schema, has_zero = 0.0, np.int64(0), False
    fault = 0
    while pos < end and fault == 0:
        field, wire, pos = read_tag(buf, pos, end)
        if pos < 0:
            fault = MALFORMED_HISTOGRAM
            break
        if wire == VARINT and field <= 17:
            raw, pos = read_varint(buf, pos, end)
            if field == 1:
                count, floats = raw, False
            elif field == 4:
                schema = _signed(raw)
            elif field == 6:
                zero = raw
                has_zero |= raw != np.uint64(0)
            elif field not in (14, 15, 17):
                fault = MALFORMED_HISTOGRAM
        elif wire == FIXED64 and field <= 17:
            value, pos = read_f64(buf, pos, end)
            if field == 2:
                floats = True
            elif field == 3:
                total = value
            elif field in (5, 7):
                has_zero |= value != 0.0
            else:
                fault = MALFORMED_HISTOGRAM
        else:
            scalar = field <= 7 or field in (14, 15, 17)
            if scalar or (field <= 17 and wire != LENGTH_DELIMITED):
                fault = MALFORMED_HISTOGRAM
            pos = skip_field(buf, pos, end, wire)
        if pos < 0:
            fault = MALFORMED_HISTOGRAM
    return count, zero, floats, total, schema, has_zero, fault


@kernel
def _buckets_fault(buf: Any, start: Any, end: Any, spans: Any, custom: Any) -> tuple[Any, Any, Any, Any]:
    """Return (buckets, sum of integer counts, places, fault) of one side, whose first field is `spans`."""
    covered, places, fault = _spans_fault(buf, start, end, spans, custom)
    if fault != 0:
        return 0, np.uint64(0), places, fault
    deltas, total, fault = _deltas_sum(buf, start, end, spans + 1)
    if fault != 0:
        return 0, np.uint64(0), places, fault
    counts, fault = _counts_fault(buf, start, end, spans + 2)
    if fault == 0 and covered != deltas + counts:
        fault = WRONG_SPANS
    return deltas + counts, total, places, fault


@kernel
def histogram_fault(buf: Any, start: Any, end: Any) -> Any:
    """Return why the Histogram message in [start, end) is refused: a key of FAULTS; 0 if it is good."""
    count, zero, floats, total, schema, has_zero, fault = _numbers(buf, start, end)
    if fault != 0:
        return fault
    custom = schema == _CUSTOM_SCHEMA
    if not custom and not -4 <= schema <= 8:
        return WRONG_SCHEMA
    _, positive, places, fault = _buckets_fault(buf, start, end, 11, custom)
    if fault != 0:
        return fault
    negative_buckets, negative, _, fault = _buckets_fault(buf, start, end, 8, custom)
    if fault != 0:
        return fault
    bounds, fault = _bounds_fault(buf, start, end)
    if fault != 0:
        return fault
    if custom and (has_zero or negative_buckets > 0):
        return CUSTOM_WITH_MORE
    if (custom and places > bounds + 1) or (not custom and bounds > 0):
        return WRONG_BOUNDS
    observed = positive + negative + zero
    # Observations of NaN are in the count but in no bucket.
    if not floats and (observed > count if np.isnan(total) else observed != count):
        return WRONG_COUNT
    return 0
