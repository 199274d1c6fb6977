"""Exemplars, native histograms and metadata of a request: from their places in the body to columns.

They are few beside samples, so each request gives a chunk of its own and the loader joins the chunks.
Wire facts: prometheus/prompb types.proto (Exemplar, Histogram, BucketSpan, MetricMetadata).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from pharos.compiled.hashing import hash_bytes
from pharos.compiled.kernel import kernel
from pharos.compiled.memory import byte_pointer
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
from pharos.errors import Kind, PharosError
from pharos.ingest.metrics.columns import PartArrays
from pharos.ingest.metrics.wire import EXEMPLAR, HISTOGRAM, METADATA
from pharos.ingest.metrics.wire_labels import LABELS_MAX, put_string, read_labels

# Columns of the numbers of a histogram.
_TS: Final = 0
_START: Final = 1
_FLOAT: Final = 2
_RESET: Final = 3
_SCHEMA: Final = 4
_INTEGERS: Final = 5
_COUNT: Final = 0
_SUM: Final = 1
_ZERO_THRESHOLD: Final = 2
_ZERO_COUNT: Final = 3
_FLOATS: Final = 4
# Ends of the arrays of a histogram.
_POSITIVE_SPANS: Final = 0
_POSITIVE: Final = 1
_NEGATIVE_SPANS: Final = 2
_NEGATIVE: Final = 3
_CUSTOM: Final = 4
_ARRAYS: Final = 5

METADATA_MAX: Final = 20_000
"""New entries of a request: each takes some microseconds on the one thread that decodes all writes."""
METADATA_TYPES: Final = (
    "unknown",
    "counter",
    "gauge",
    "histogram",
    "gaugehistogram",
    "summary",
    "info",
    "stateset",
)


class Histograms(Struct, frozen=True):
    """Native histograms of one request; bucket counts are absolute."""

    id: NDArray[np.uint64]
    metric: NDArray[np.uint64]
    integers: NDArray[np.int64]
    """[rows, 5]: time ms, start ms, 1 if floats, reset hint, schema."""
    floats: NDArray[np.float64]
    """[rows, 4]: count, sum, zero threshold, zero count."""
    ends: NDArray[np.uint64]
    """[rows, 5]: where a row's positive spans, positive, negative spans, negative and custom values end."""
    span_offset: tuple[NDArray[np.int32], NDArray[np.int32]]
    span_length: tuple[NDArray[np.uint32], NDArray[np.uint32]]
    buckets: tuple[NDArray[np.float64], NDArray[np.float64]]
    custom: NDArray[np.float64]


class Exemplars(Struct, frozen=True):
    """Exemplars of one request; label bytes are length-prefixed strings."""

    id: NDArray[np.uint64]
    metric: NDArray[np.uint64]
    ts_ms: NDArray[np.int64]
    value: NDArray[np.float64]
    label_end: NDArray[np.uint64]
    keys: bytes
    values: bytes


class Metadata(Struct, frozen=True):
    """What a sender says of a metric."""

    metric: str
    type: str
    unit: str
    help: str


class Parts(Struct):
    """What one request holds beside samples."""

    histograms: Histograms | None = None
    exemplars: Exemplars | None = None
    metadata: list[Metadata] = field(default_factory=list)
    refused_exemplars: int = 0


@kernel
def _read_spans(buf: Any, start: int, end: int, offsets: Any, lengths: Any, at: int) -> int:
    """Append one BucketSpan and return the new count; -1 if it is malformed."""
    offset = np.int64(0)
    length = np.uint64(0)
    pos = start
    while pos < end:
        number, wire, pos = read_tag(buf, pos, end)
        if pos < 0:
            return -1
        if number == 1 and wire == VARINT:
            raw, pos = read_varint(buf, pos, end)
            offset = np.int64(raw >> np.uint64(1)) ^ -np.int64(raw & np.uint64(1))
        elif number == 2 and wire == VARINT:
            length, pos = read_varint(buf, pos, end)
        else:
            pos = skip_field(buf, pos, end, wire)
        if pos < 0:
            return -1
    if length > np.uint64(0xFFFFFFFF):
        return -1
    offsets[at] = np.int32(offset)
    lengths[at] = np.uint32(length)
    return at + 1


@kernel
def _read_doubles(buf: Any, start: int, end: int, out: Any, at: int) -> int:
    """Append packed doubles and return the new count; -1 if their length is odd."""
    if (end - start) % 8 != 0:
        return -1
    pos = start
    while pos < end:
        out[at], pos = read_f64(buf, pos, end)
        at += 1
    return at


@kernel
def _read_deltas(buf: Any, start: int, end: int, out: Any, at: int, first: int) -> int:
    """Append packed sint64 deltas as running sums since row `first`; return the new count or -1."""
    total = out[at - 1] if at > first else 0.0
    pos = start
    while pos < end:
        raw, pos = read_varint(buf, pos, end)
        if pos < 0:
            return -1
        total += np.float64(np.int64(raw >> np.uint64(1)) ^ -np.int64(raw & np.uint64(1)))
        out[at] = total
        at += 1
    return at


@kernel
def _read_scalar(buf: Any, pos: int, end: int, number: int, wire: int, ints: Any, floats: Any) -> int:
    """Read one field that is not an array into the row's numbers; return the offset after it or -1."""
    if wire == VARINT:
        raw, pos = read_varint(buf, pos, end)
        if number == 1:
            floats[_COUNT] = np.float64(raw)
        elif number == 4:
            ints[_SCHEMA] = np.int64(raw >> np.uint64(1)) ^ -np.int64(raw & np.uint64(1))
        elif number == 6:
            floats[_ZERO_COUNT] = np.float64(raw)
        elif number == 14:
            ints[_RESET] = np.int64(raw & np.uint64(3))
        elif number == 15:
            ints[_TS] = np.int64(raw)
        elif number == 17:
            ints[_START] = np.int64(raw)
        return pos
    if wire == FIXED64:
        value, pos = read_f64(buf, pos, end)
        if number == 2:
            floats[_COUNT] = value
            ints[_FLOAT] = 1
        elif number == 3:
            floats[_SUM] = value
        elif number == 5:
            floats[_ZERO_THRESHOLD] = value
        elif number == 7:
            floats[_ZERO_COUNT] = value
            ints[_FLOAT] = 1
        return pos
    return skip_field(buf, pos, end, wire)


@kernel
def _read_histogram(
    buf: Any, start: int, end: int, ints: Any, floats: Any, counts: Any, first: Any, arrays: Any
) -> bool:
    """Read one Histogram message, `counts` being the fill levels of the arrays; False if malformed."""
    p_off, p_len, pos_b, n_off, n_len, neg_b, custom = arrays
    pos = start
    while pos < end:
        number, wire, pos = read_tag(buf, pos, end)
        if pos < 0:
            return False
        if wire != LENGTH_DELIMITED:
            pos = _read_scalar(buf, pos, end, number, wire, ints, floats)
            # An unpacked double of a repeated field comes alone.
            if pos < 0 or number in (10, 13, 16, 9, 12):
                return False
            continue
        content, stop = read_length(buf, pos, end)
        if stop < 0:
            return False
        pos = stop
        after: Any = np.int64(0)
        if number == 8:
            after = _read_spans(buf, content, stop, n_off, n_len, counts[_NEGATIVE_SPANS])
            counts[_NEGATIVE_SPANS] = after
        elif number == 9:
            after = _read_deltas(buf, content, stop, neg_b, counts[_NEGATIVE], first[_NEGATIVE])
            counts[_NEGATIVE] = after
        elif number == 10:
            after = _read_doubles(buf, content, stop, neg_b, counts[_NEGATIVE])
            counts[_NEGATIVE] = after
        elif number == 11:
            after = _read_spans(buf, content, stop, p_off, p_len, counts[_POSITIVE_SPANS])
            counts[_POSITIVE_SPANS] = after
        elif number == 12:
            after = _read_deltas(buf, content, stop, pos_b, counts[_POSITIVE], first[_POSITIVE])
            counts[_POSITIVE] = after
        elif number == 13:
            after = _read_doubles(buf, content, stop, pos_b, counts[_POSITIVE])
            counts[_POSITIVE] = after
        elif number == 16:
            after = _read_doubles(buf, content, stop, custom, counts[_CUSTOM])
            counts[_CUSTOM] = after
        if after < 0:
            return False
    return True


@kernel
def _covers(lengths: Any, start: int, end: int, buckets: int) -> bool:
    """Return whether spans [start, end) count exactly `buckets` buckets."""
    total = np.int64(0)
    for i in range(start, end):
        total += np.int64(lengths[i])
    return bool(total == buckets)


@kernel
def _read_histograms(
    buf: Any,
    parts: Any,
    count: int,
    out_id: Any,
    out_metric: Any,
    ints: Any,
    floats: Any,
    ends: Any,
    arrays: Any,
) -> int:
    """Read every located histogram; return how many rows, or -1 - place of the malformed one."""
    counts = np.zeros(_ARRAYS, np.int64)
    first = np.zeros(_ARRAYS, np.int64)
    row = 0
    for k in range(count):
        if parts.kind[k] != HISTOGRAM:
            continue
        first[:] = counts
        if not _read_histogram(
            buf, parts.start[k], parts.end[k], ints[row], floats[row], counts, first, arrays
        ):
            return -1 - k
        if not _covers(arrays[1], first[0], counts[0], counts[1] - first[1]) or not _covers(
            arrays[4], first[2], counts[2], counts[3] - first[3]
        ):
            return -1 - k
        out_id[row] = parts.id[k]
        out_metric[row] = parts.metric[k]
        for column in range(_ARRAYS):
            ends[row, column] = np.uint64(counts[column])
        row += 1
    return row


def _histograms(buf: NDArray[np.uint8], parts: PartArrays, count: int) -> Histograms:
    chosen = parts.kind[:count] == HISTOGRAM
    rows = int(np.count_nonzero(chosen))
    room = int((parts.end[:count] - parts.start[:count])[chosen].sum()) + 1
    ids, metrics = np.empty(rows, np.uint64), np.empty(rows, np.uint64)
    ints = np.zeros((rows, _INTEGERS), np.int64)
    floats = np.zeros((rows, _FLOATS), np.float64)
    ends = np.empty((rows, _ARRAYS), np.uint64)
    spans = room // 2 + 1
    arrays = (
        np.empty(spans, np.int32),
        np.empty(spans, np.uint32),
        np.empty(room, np.float64),
        np.empty(spans, np.int32),
        np.empty(spans, np.uint32),
        np.empty(room, np.float64),
        np.empty(room // 8 + 1, np.float64),
    )
    if (bad := _read_histograms(buf, parts, count, ids, metrics, ints, floats, ends, arrays)) < 0:
        at = int(parts.start[-1 - bad])
        raise PharosError(
            Kind.INVALID, f"malformed native histogram at byte {at} of the request", position=at
        )
    used = [int(n) for n in ends[-1]]
    return Histograms(
        ids,
        metrics,
        ints,
        floats,
        ends,
        (arrays[0][: used[0]].copy(), arrays[3][: used[2]].copy()),
        (arrays[1][: used[0]].copy(), arrays[4][: used[2]].copy()),
        (arrays[2][: used[1]].copy(), arrays[5][: used[3]].copy()),
        arrays[6][: used[4]].copy(),
    )


@kernel
def _label_fields(buf: Any, start: int, end: int, scratch: Any, at: Any) -> tuple[int, float, int, int]:
    """Read an Exemplar: (label count, value, time ms, fault); its labels lie in `at` (places in `buf`)."""
    value = 0.0
    ts: Any = np.int64(0)
    length: Any = np.int64(0)
    pos = start
    while pos < end:
        begin = pos
        number, wire, pos = read_tag(buf, pos, end)
        if pos < 0:
            return 0, 0.0, 0, 1
        if number == 1 and wire == LENGTH_DELIMITED:
            _, pos = read_length(buf, pos, end)
            if pos < 0:
                return 0, 0.0, 0, 1
            # Labels need not stand together: gather their fields first.
            scratch[length : length + pos - begin] = buf[begin:pos]
            length += pos - begin
        elif number == 2 and wire == FIXED64:
            value, pos = read_f64(buf, pos, end)
        elif number == 3 and wire == VARINT:
            raw, pos = read_varint(buf, pos, end)
            ts = np.int64(raw)
        else:
            pos = skip_field(buf, pos, end, wire)
        if pos < 0:
            return 0, 0.0, 0, 1
    count, fault = read_labels(byte_pointer(scratch), 0, length, byte_pointer(at))
    return count, value, ts, fault


@kernel
def _read_exemplars(
    buf: Any, parts: Any, count: int, bounds: Any, out: Any, texts: Any, scratch: Any, at: Any
) -> Any:
    """Read every located exemplar that is good; return (rows, key bytes, value bytes)."""
    ids, metrics, ts_ms, values, ends = out
    keys, vals = texts
    row = 0
    key_at: Any = np.int64(0)
    value_at: Any = np.int64(0)
    labels = np.uint64(0)
    for k in range(count):
        if parts.kind[k] != EXEMPLAR:
            continue
        many, value, ts, fault = _label_fields(buf, parts.start[k], parts.end[k], scratch, at)
        if fault != 0 or ts < bounds[0] or ts > bounds[1]:
            continue
        for i in range(many):
            key_at = put_string(scratch, at[i, 0], at[i, 1], keys, key_at)
            value_at = put_string(scratch, at[i, 2], at[i, 3], vals, value_at)
        labels += np.uint64(many)
        ids[row] = parts.id[k]
        metrics[row] = parts.metric[k]
        ts_ms[row] = ts
        values[row] = value
        ends[row] = labels
        row += 1
    return row, key_at, value_at


def _exemplars(
    buf: NDArray[np.uint8], parts: PartArrays, count: int, bounds: tuple[int, int]
) -> tuple[Exemplars | None, int]:
    """Return the good exemplars and how many are not."""
    chosen = parts.kind[:count] == EXEMPLAR
    rows = int(np.count_nonzero(chosen))
    sizes = (parts.end[:count] - parts.start[:count])[chosen]
    room = 2 * int(sizes.sum()) + 16
    out = (
        np.empty(rows, np.uint64),
        np.empty(rows, np.uint64),
        np.empty(rows, np.int64),
        np.empty(rows, np.float64),
        np.empty(rows, np.uint64),
    )
    texts = (np.empty(room, np.uint8), np.empty(room, np.uint8))
    at = np.empty((LABELS_MAX, 4), np.int64)
    scratch = np.empty(int(sizes.max()) + 16, np.uint8)
    done, keys, values = _read_exemplars(buf, parts, count, bounds, out, texts, scratch, at)
    if done == 0:
        return None, rows
    exemplars = Exemplars(
        id=out[0][:done],
        metric=out[1][:done],
        ts_ms=out[2][:done],
        value=out[3][:done],
        label_end=out[4][:done],
        keys=texts[0][:keys].tobytes(),
        values=texts[1][:values].tobytes(),
    )
    return exemplars, rows - done


@kernel
def _unseen(buf: Any, parts: Any, count: int, seed: Any, seen: Any, places: Any) -> int:
    """Write the places of metadata whose hash is not in `seen` (open addressing) and return how many.

    A message that is like the one before it counts once.
    """
    fresh = 0
    before = np.uint64(0)
    mask = np.int64(len(seen) - 1)
    for k in range(count):
        if parts.kind[k] != METADATA:
            continue
        key = hash_bytes(buf, parts.start[k], parts.end[k], seed) | np.uint64(1)
        if key == before:
            continue
        before = key
        slot = np.int64(key >> np.uint64(7)) & mask
        while seen[slot] != np.uint64(0) and seen[slot] != key:
            slot = (slot + 1) & mask
        if seen[slot] == np.uint64(0):
            places[fresh] = k
            fresh += 1
    return fresh


@kernel
def _remember(buf: Any, start: int, end: int, seed: Any, seen: Any) -> bool:
    """Enter one metadata message into `seen`; return whether it was new."""
    key = hash_bytes(buf, start, end, seed) | np.uint64(1)
    mask = np.int64(len(seen) - 1)
    slot = np.int64(key >> np.uint64(7)) & mask
    while seen[slot] != np.uint64(0):
        if seen[slot] == key:
            return False
        slot = (slot + 1) & mask
    seen[slot] = key
    return True


def _parse_metadata(buf: NDArray[np.uint8], start: int, end: int) -> Metadata:
    kind = 0
    texts = {2: "", 4: "", 5: ""}
    pos = start
    while pos < end:
        number, wire, pos = read_tag(buf, pos, end)
        if pos >= 0 and number in texts and wire == LENGTH_DELIMITED:
            first, pos = read_length(buf, pos, end)
            if pos >= 0:
                # A help text in another encoding is no reason to refuse the samples beside it.
                texts[number] = buf[first:pos].tobytes().decode(errors="replace")
        elif pos >= 0 and number == 1 and wire == VARINT:
            kind, pos = read_varint(buf, pos, end)
        elif pos >= 0:
            pos = skip_field(buf, pos, end, wire)
        if pos < 0:
            raise PharosError(
                Kind.INVALID, f"malformed metric metadata at byte {start} of the request", position=start
            )
    name = METADATA_TYPES[int(kind)] if int(kind) < len(METADATA_TYPES) else "unknown"
    return Metadata(texts[2], name, texts[5], texts[4])


class SeenMetadata:
    """Which metadata messages were stored before; a full table forgets everything."""

    def __init__(self, slots: int = 1 << 15) -> None:
        self.most = METADATA_MAX
        """New entries that a request may have."""
        self._seen: NDArray[np.uint64] = np.zeros(slots, np.uint64)
        self._used = 0

    def clear(self) -> None:
        """Forget everything: metadata is stored anew when next seen."""
        self._seen[:] = 0
        self._used = 0

    def take_new(
        self, buf: NDArray[np.uint8], parts: PartArrays, count: int, seed: np.uint64
    ) -> list[Metadata]:
        """Return the metadata of the request that was not seen before, and remember it."""
        places = np.empty(count, np.int64)
        fresh = _unseen(buf, parts, count, seed, self._seen, places)
        if fresh > self.most:
            raise PharosError(
                Kind.TOO_LARGE,
                f"the request has more than {self.most} metadata entries that are new",
                hint="send less metadata in a request",
            )
        found: list[Metadata] = []
        for place in places[:fresh].tolist():
            start, end = int(parts.start[place]), int(parts.end[place])
            parsed = _parse_metadata(buf, start, end)
            if 2 * self._used > len(self._seen):
                self.clear()
            if _remember(buf, start, end, seed, self._seen):
                self._used += 1
                found.append(parsed)
        return found


def decode_parts(
    buf: NDArray[np.uint8],
    parts: PartArrays,
    count: int,
    bounds: tuple[int, int],
    seed: np.uint64,
    seen: SeenMetadata,
) -> Parts:
    """Return what `decode_request` located in `buf`; bad exemplars, or outside of `bounds` (ms), are counted.

    Raises PharosError(INVALID) for a malformed message; nothing is remembered then but other metadata of
    the same request, which the sender repeats.
    """
    kinds = parts.kind[:count]
    result = Parts()
    if np.any(kinds == HISTOGRAM):
        result.histograms = _histograms(buf, parts, count)
    if np.any(kinds == EXEMPLAR):
        result.exemplars, result.refused_exemplars = _exemplars(buf, parts, count, bounds)
    if np.any(kinds == METADATA):
        result.metadata = seen.take_new(buf, parts, count, seed)
    return result
