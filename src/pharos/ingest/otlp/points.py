"""Compiled passes over the data points of gauges and sums, and the body that samples become.

A point is recognised by a hash of its attributes as they are on the wire, seeded by its metric, so that a
series that was seen before costs no Python at all. Field numbers are those of opentelemetry/proto/metrics/v1:
Gauge {1 data_points}, Sum {1 data_points, 2 aggregation_temporality, 3 is_monotonic}, NumberDataPoint {2
start_time_unix_nano, 3 time_unix_nano, 4 as_double, 5 exemplars, 6 as_int, 7 attributes, 8 flags}.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pharos.compiled.hashing import hash_bytes_128
from pharos.compiled.kernel import kernel
from pharos.compiled.memory import copy_bytes, store_u8, store_u64
from pharos.compiled.protobuf import (
    FIXED64,
    LENGTH_DELIMITED,
    VARINT,
    read_fixed64,
    read_length,
    read_tag,
    read_varint,
    skip_field,
    varint_size,
    write_varint,
)
from pharos.ingest.otlp.limits import too_many
from pharos.ingest.otlp.messages import malformed

NO_VALUE: Final = 1
HAS_EXEMPLARS: Final = 2
SAMPLE_ROOM: Final = 48
"""At most so many bytes does a sample take in a body beside its labels."""


class Points(Struct, frozen=True):
    """Data points as columns: `metric` is the row of the metric, `starts` and `stops` where the point lies.

    Times are in nanoseconds; `bits` are the IEEE bits of the value; `flags` are NO_VALUE and HAS_EXEMPLARS;
    `low` and `high` are the fingerprint of the series.
    """

    metric: NDArray[np.int64]
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    times_ns: NDArray[np.uint64]
    begun_ns: NDArray[np.uint64]
    bits: NDArray[np.uint64]
    flags: NDArray[np.uint8]
    low: NDArray[np.uint64]
    high: NDArray[np.uint64]

    @classmethod
    def of_size(cls, rows: int) -> Points:
        """Return columns with room for so many points."""
        return cls(
            metric=np.zeros(rows, np.int64),
            starts=np.zeros(rows, np.int64),
            stops=np.zeros(rows, np.int64),
            times_ns=np.zeros(rows, np.uint64),
            begun_ns=np.zeros(rows, np.uint64),
            bits=np.zeros(rows, np.uint64),
            flags=np.zeros(rows, np.uint8),
            low=np.zeros(rows, np.uint64),
            high=np.zeros(rows, np.uint64),
        )


@kernel
def _headers(buf: Any, spans: Any, out: Any) -> int:
    """Fill `out` with (points, temporality, is monotonic) of each message; return all points, -1 if bad."""
    total = 0
    for row in range(len(spans)):
        pos, end = spans[row, 0], spans[row, 1]
        while pos < end:
            field, wire, pos = read_tag(buf, pos, end)
            if pos < 0:
                return -1
            if field == 1 and wire == LENGTH_DELIMITED:
                out[row, 0] += 1
                total += 1
            if (field == 2 or field == 3) and wire == VARINT:
                value, pos = read_varint(buf, pos, end)
                out[row, field - 1] = np.int64(value & np.uint64(0x7FFFFFFF))
            else:
                pos = skip_field(buf, pos, end, wire)
            if pos < 0:
                return -1
    return total


def read_headers(buf: NDArray[np.uint8], spans: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return (points, temporality, is monotonic) of each Gauge or Sum message in `spans`.

    Raises PharosError: INVALID, or TOO_LARGE for more than `most` points.
    """
    found = np.zeros((len(spans), 3), np.int64)
    total = _headers(buf, spans, found)
    if total < 0:
        raise malformed("a gauge or sum is cut off")
    if total > most:
        raise too_many(most)
    return found


@kernel
def _point(buf: Any, pos: int, end: int, seed: Any, row: int, columns: Any) -> int:
    """Fill `row` from the NumberDataPoint in [pos, end); return -1 if it is malformed."""
    times, begun, bits, values, flags, low, high = columns
    run, run_end, one, other = pos, -1, seed, seed
    while pos < end:
        tag = pos
        field, wire, pos = read_tag(buf, pos, end)
        if pos < 0:
            return -1
        if wire == FIXED64 and (field == 2 or field == 3 or field == 4 or field == 6):
            word, pos = read_fixed64(buf, pos, end)
            if pos < 0:
                return -1
            if field == 2:
                begun[row] = word
            elif field == 3:
                times[row] = word
            elif field == 4:
                bits[row] = word
            else:
                values[row] = np.float64(np.int64(word))
        elif wire == LENGTH_DELIMITED and field == 7:
            _, pos = read_length(buf, pos, end)
            if pos < 0:
                return -1
            # Attributes that lie together are hashed together.
            if run_end != tag:
                if run_end >= 0:
                    one, fresh = hash_bytes_128(buf, run, run_end, one)
                    other = other * np.uint64(0x9E3779B97F4A7C15) + fresh
                run = tag
            run_end = pos
        elif wire == VARINT and field == 8:
            word, pos = read_varint(buf, pos, end)
            if pos < 0:
                return -1
            flags[row] |= np.uint8(word & np.uint64(1))
        else:
            if wire == LENGTH_DELIMITED and field == 5:
                flags[row] |= np.uint8(2)
            pos = skip_field(buf, pos, end, wire)
            if pos < 0:
                return -1
    if run_end >= 0:
        one, fresh = hash_bytes_128(buf, run, run_end, one)
        other = other * np.uint64(0x9E3779B97F4A7C15) + fresh
    low[row], high[row] = one, other
    return 0


@kernel
def _scan(buf: Any, spans: Any, seeds: Any, places: Any, columns: Any) -> int:
    metrics, starts, stops = places
    row = 0
    for metric in range(len(spans)):
        pos, end = spans[metric, 0], spans[metric, 1]
        while pos < end:
            field, wire, pos = read_tag(buf, pos, end)
            if field == 1 and wire == LENGTH_DELIMITED:
                start, pos = read_length(buf, pos, end)
                metrics[row], starts[row], stops[row] = metric, start, pos
                if _point(buf, start, pos, seeds[metric], row, columns) < 0:
                    return -1
                row += 1
            else:
                pos = skip_field(buf, pos, end, wire)
    return row


def scan_points(
    buf: NDArray[np.uint8], spans: NDArray[np.int64], seeds: NDArray[np.uint64], count: int
) -> Points:
    """Return the `count` points of the messages in `spans`, which `read_headers` has walked before.

    Raises PharosError(INVALID).
    """
    points = Points.of_size(count)
    columns = (
        points.times_ns,
        points.begun_ns,
        points.bits,
        points.bits.view(np.float64),
        points.flags,
        points.low,
        points.high,
    )
    if _scan(buf, spans, seeds, (points.metric, points.starts, points.stops), columns) < 0:
        raise malformed("a data point is cut off")
    return points


@kernel
def find_refs(low: Any, high: Any, keys: Any, found: Any, refs: Any) -> None:
    """Fill `refs` with what the table has for each fingerprint, -1 where it has nothing.

    `keys` has two words for each slot, `found` the slot's value, -1 if it is free; slots are a power of two.
    """
    mask = np.uint64(len(found) - 1)
    for row in range(len(low)):
        slot = np.int64(low[row] & mask)
        while found[slot] >= 0 and (keys[slot, 0] != low[row] or keys[slot, 1] != high[row]):
            slot = (slot + 1) & np.int64(mask)
        refs[row] = found[slot]


@kernel
def remember_ref(low: Any, high: Any, keys: Any, found: Any, ref: int) -> None:
    """Put a fingerprint that is not there yet into the table, which has a free slot."""
    mask = len(found) - 1
    slot = np.int64(low & np.uint64(mask))
    while found[slot] >= 0:
        slot = (slot + 1) & mask
    keys[slot, 0], keys[slot, 1], found[slot] = low, high, ref


@kernel
def move_refs(keys: Any, found: Any, new_keys: Any, new_found: Any) -> None:
    """Put all that a table holds into a larger one."""
    for slot in range(len(found)):
        if found[slot] >= 0:
            remember_ref(keys[slot, 0], keys[slot, 1], new_keys, new_found, found[slot])


@kernel
def put_points(series: Any, refs: Any, bits: Any, times_ms: Any, begun_ms: Any, out: Any) -> int:
    """Write a TimeSeries of WriteRequest with one sample for each row; return the bytes written.

    `series` are (blob, offsets, lengths) of the encoded labels by ref; rows with a ref below 0 are left out.
    A start goes along in field 15 of the sample (see ingest.transcode), unless it is 0.
    """
    blob, offsets, lengths = series
    size = 0
    for row in range(len(refs)):
        ref = refs[row]
        if ref < 0:
            continue
        stamp, begun = np.uint64(times_ms[row]), np.uint64(begun_ms[row])
        sample = 10 + varint_size(stamp)
        if begun != np.uint64(0):
            sample += 1 + varint_size(begun)
        length = lengths[ref]
        store_u8(out, size, np.uint8(0x0A))
        size = write_varint(out, size + 1, np.uint64(length + 2 + sample))
        copy_bytes(out, size, blob, offsets[ref], length)
        size += length
        store_u8(out, size, np.uint8(0x12))
        store_u8(out, size + 1, np.uint8(sample))
        store_u8(out, size + 2, np.uint8(0x09))
        store_u64(out, size + 3, bits[row])
        store_u8(out, size + 11, np.uint8(0x10))
        size = write_varint(out, size + 12, stamp)
        if begun != np.uint64(0):
            store_u8(out, size, np.uint8(0x78))
            size = write_varint(out, size + 1, begun)
    return int(size)
