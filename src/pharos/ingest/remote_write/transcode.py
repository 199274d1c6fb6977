"""Remote Write 2.0 becomes 1.0, so that one path serves both.

In: `io.prometheus.write.v2.Request`. Out: `prometheus.WriteRequest`, where what 1.0 has no field for is
carried in numbers that ordinary decoders of 1.0 skip. Our dialect of 1.0:

* `Sample` field 15, int64: the start timestamp in milliseconds, absent when unset. It comes from
  `Sample.start_timestamp` (field 3, since Remote Write 2.0-rc.4), else from `TimeSeries.created_timestamp`
  (field 6, before that).
* `Label` field 15: the series is refused, since its references are wrong; the value is a `Fault`.
* `Histogram` field 17, int64: the same as of a sample. Otherwise the message is the same in both versions
  and is copied as it stands.

Metadata, which 2.0 sends with every series, becomes one `MetricMetadata` for each family, after all series.
The family of a classic histogram or summary is the metric's name without `_bucket`, `_sum` or `_count`; the
first series decides.

Strings are not checked here: a name that is not UTF-8 rejects its series later, not the whole request.

Two passes over the body, both compiled: the first (measure.py) checks everything and measures each
series, so that a request whose references would blow up is refused before anything is allocated; the second
writes. A series whose references are wrong is written so that the decoder counts it as refused: the others
are stored, as the specification allows.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.compiled.memory import copy_block_16, copy_bytes, pointer, store_u8, store_u64
from pharos.compiled.protobuf import (
    FIXED64,
    LENGTH_DELIMITED,
    VARINT,
    read_length,
    read_tag,
    read_varint,
    skip_field,
    varint_size,
    write_varint,
)
from pharos.errors import Kind, PharosError
from pharos.ingest.remote_write.measure import (
    ANY_CREATED,
    CODE,
    FACTS,
    FAMILIES,
    FAMILY,
    HISTOGRAM_START_FIELD,
    PENDING,
    POSITION,
    REFUSED_BYTES,
    REFUSED_FIELD,
    REPORT,
    SAMPLE_START_FIELD,
    SEED,
    SERIES,
    SYMBOLS,
    TABLE_MASK,
    Fault,
    check_histogram,
    count_parts,
    created_of,
    family_size,
    measure,
    measure_exemplar,
    message_size,
    read_sample,
    string_size,
    timed_size,
)

Body = bytes | bytearray | memoryview | npt.NDArray[np.uint8]

LIMIT_BYTES: Final = 128 << 20
"""How large the 1.0 form of one request may be unless the caller says otherwise."""

_LARGEST_BODY: Final = 2**31 - 1
# What a short copy may write past its end: two blocks of 16 bytes.
_SLACK: Final = 32
_SHORT: Final = 32

# Tags of prometheus.WriteRequest and what it holds: field number << 3 | wire type.
_TAG_SERIES: Final = 1 << 3 | LENGTH_DELIMITED
_TAG_METADATA: Final = 3 << 3 | LENGTH_DELIMITED
_TAG_LABEL: Final = 1 << 3 | LENGTH_DELIMITED
_TAG_REFUSED: Final = REFUSED_FIELD << 3 | VARINT
_TAG_SAMPLE: Final = 2 << 3 | LENGTH_DELIMITED
_TAG_EXEMPLAR: Final = 3 << 3 | LENGTH_DELIMITED
_TAG_HISTOGRAM: Final = 4 << 3 | LENGTH_DELIMITED
_TAG_NAME: Final = 1 << 3 | LENGTH_DELIMITED
_TAG_VALUE: Final = 2 << 3 | LENGTH_DELIMITED
_TAG_SAMPLE_VALUE: Final = 1 << 3 | FIXED64
_TAG_SAMPLE_TIME: Final = 2 << 3 | VARINT
_TAG_SAMPLE_START: Final = SAMPLE_START_FIELD << 3 | VARINT
_TAG_EXEMPLAR_VALUE: Final = 2 << 3 | FIXED64
_TAG_EXEMPLAR_TIME: Final = 3 << 3 | VARINT
_TAG_HISTOGRAM_START: Final = HISTOGRAM_START_FIELD << 3 | VARINT
_TAG_METADATA_TYPE: Final = 1 << 3 | VARINT
_TAG_METADATA_FAMILY: Final = 2 << 3 | LENGTH_DELIMITED
_TAG_METADATA_HELP: Final = 4 << 3 | LENGTH_DELIMITED
_TAG_METADATA_UNIT: Final = 5 << 3 | LENGTH_DELIMITED

_MESSAGES: Final = {
    Fault.CUT_OFF: "a field is cut off or is not legal protobuf",
    Fault.WIRE_TYPE: "a field has a wire type that io.prometheus.write.v2.Request does not give it",
    Fault.FIRST_SYMBOL: "symbols[0] must be the empty string",
}


def transcode_v2(body: Body, *, limit_bytes: int = LIMIT_BYTES) -> bytes:
    """Return the `prometheus.WriteRequest` of a decompressed `io.prometheus.write.v2.Request`.

    `body` must not change during the call. Series, samples, exemplars and histograms keep their order. Raises
    PharosError: INVALID with byte offset and series number if the body is not a legal request but for its
    references, TOO_LARGE if its 1.0 form would exceed `limit_bytes`.
    """
    array = np.frombuffer(body, dtype=np.uint8)
    limit = min(limit_bytes, _LARGEST_BODY)
    if len(array) > _LARGEST_BODY:
        raise PharosError(Kind.TOO_LARGE, f"a request of {len(array)} bytes is over {_LARGEST_BODY} bytes")
    report = np.zeros(REPORT, dtype=np.int64)
    # Names of families come from outside: Python's own secret keeps anybody from making them collide.
    report[SEED] = hash(b"families")
    symbols, series = count_parts(array, report)
    _refuse(report, limit)
    starts = np.empty(symbols, dtype=np.int32)
    lengths = np.empty(symbols, dtype=np.int32)
    sizes = np.empty(series, dtype=np.int32)
    most_families = min(symbols, series)
    families = np.empty(most_families * FAMILY, dtype=np.int32)
    table = np.zeros(1 << (2 * most_families).bit_length(), dtype=np.int32)
    facts = np.zeros(FACTS, dtype=np.int64)
    facts[SYMBOLS], facts[TABLE_MASK] = symbols, len(table) - 1
    seen = np.zeros(symbols, dtype=np.uint8)
    total = measure(array, starts, lengths, sizes, families, table, seen, facts, report, limit)
    _refuse(report, limit)
    out = np.empty(total + _SLACK, dtype=np.uint8)
    written = _write(array, starts, lengths, sizes, families, facts, report, out, total)
    if written != total:
        raise PharosError(Kind.BUG, f"the transcoder measured {total} bytes and wrote {written}")
    return out[:total].tobytes()


def _refuse(report: npt.NDArray[np.int64], limit: int) -> None:
    """Raise what the report of a pass says, if anything."""
    fault = Fault(int(report[CODE]))
    if fault is Fault.NONE:
        return
    position, series = int(report[POSITION]), int(report[SERIES])
    where = f"byte {position}" if series < 0 else f"byte {position}, in timeseries {series}"
    if fault is Fault.TOO_LARGE:
        raise PharosError(
            Kind.TOO_LARGE,
            f"remote write 2.0 request: with its references followed it is over {limit} bytes (at {where})",
            hint="send fewer series in a request, or raise the limit",
            position=position,
        )
    raise PharosError(
        Kind.INVALID, f"remote write 2.0 request: {_MESSAGES[fault]} (at {where})", position=position
    )


@inlined_kernel
def _put_string(out: Any, pos: Any, tag: Any, raw: Any, start: Any, length: Any, end: Any) -> Any:
    """Write a string field unless it is empty; return the offset after it. `end` is the end of the input."""
    if length == 0:
        return pos
    store_u8(out, pos, tag)
    pos = write_varint(out, pos + 1, np.uint64(length))
    if length <= _SHORT and start + _SHORT <= end:
        copy_block_16(out, pos, raw, start)
        copy_block_16(out, pos + 16, raw, start + 16)
    else:
        copy_bytes(out, pos, raw, start, length)
    return pos + length


@kernel
def _write_refs(
    raw: Any, pos: Any, end: Any, body_end: Any, starts: Any, lengths: Any, facts: Any, out: Any, out_pos: Any
) -> Any:
    """Write the labels whose references stand in [pos, end); return the offset after them."""
    pending = facts[PENDING]
    while pos < end:
        ref, pos = read_varint(raw, pos, end)
        if pending < 0:
            pending = np.int64(ref)
            continue
        name = np.uint64(pending)
        name_length, value_length = np.int64(lengths[name]), np.int64(lengths[ref])
        store_u8(out, out_pos, _TAG_LABEL)
        inner = string_size(name_length) + string_size(value_length)
        out_pos = write_varint(out, out_pos + 1, np.uint64(inner))
        out_pos = _put_string(out, out_pos, _TAG_NAME, raw, np.int64(starts[name]), name_length, body_end)
        out_pos = _put_string(out, out_pos, _TAG_VALUE, raw, np.int64(starts[ref]), value_length, body_end)
        pending = -1
    facts[PENDING] = pending
    return out_pos


@inlined_kernel
def _put_timed(out: Any, pos: Any, value_tag: Any, value: Any, time_tag: Any, time: Any) -> Any:
    """Write a double field and an int64 field, the latter unless it is zero; return the offset after them."""
    store_u8(out, pos, value_tag)
    store_u64(out, pos + 1, value)
    pos += 9
    if time != np.uint64(0):
        store_u8(out, pos, time_tag)
        pos = write_varint(out, pos + 1, time)
    return pos


@inlined_kernel
def _write_sample(raw: Any, start: Any, stop: Any, created: Any, out: Any, pos: Any) -> Any:
    """Write the Sample in [start, stop) with its start, or `created`; return the offset after it."""
    value, time, begun, _ = read_sample(raw, start, stop, 2)
    if begun == np.uint64(0):
        begun = created
    size = timed_size(time)
    if begun != np.uint64(0):
        size += 1 + varint_size(begun)
    store_u8(out, pos, _TAG_SAMPLE)
    store_u8(out, pos + 1, size)
    pos = _put_timed(out, pos + 2, _TAG_SAMPLE_VALUE, value, _TAG_SAMPLE_TIME, time)
    if begun != np.uint64(0):
        store_u8(out, pos, _TAG_SAMPLE_START)
        pos = write_varint(out, pos + 1, begun)
    return pos


@kernel
def _write_histogram(raw: Any, start: Any, stop: Any, created: Any, out: Any, pos: Any) -> Any:
    """Copy the Histogram in [start, stop), with `created` if it has no start; return the offset after it."""
    extra = 0
    if created != np.uint64(0) and not check_histogram(raw, start, stop)[0]:
        extra = 2 + varint_size(created)
    store_u8(out, pos, _TAG_HISTOGRAM)
    pos = write_varint(out, pos + 1, np.uint64(stop - start + extra))
    copy_bytes(out, pos, raw, start, stop - start)
    pos += stop - start
    if extra > 0:
        pos = write_varint(out, pos, np.uint64(_TAG_HISTOGRAM_START))
        pos = write_varint(out, pos, created)
    return pos


@kernel
def _write_exemplar(
    raw: Any,
    start: Any,
    stop: Any,
    body_end: Any,
    starts: Any,
    lengths: Any,
    facts: Any,
    report: Any,
    out: Any,
    out_pos: Any,
) -> Any:
    """Write the Exemplar in [start, stop) with its labels; return the offset after it."""
    pending = facts[PENDING]
    facts[PENDING] = -1
    store_u8(out, out_pos, _TAG_EXEMPLAR)
    size = measure_exemplar(raw, start, stop, starts, lengths, facts, report)
    out_pos = write_varint(out, out_pos + 1, np.uint64(size))
    value, time, _, _ = read_sample(raw, start, stop, 3)
    pos = start
    while pos < stop:
        field, wire, after = read_tag(raw, pos, stop)
        pos = skip_field(raw, after, stop, wire)
        if field == 1:
            first = read_length(raw, after, stop)[0] if wire == LENGTH_DELIMITED else after
            out_pos = _write_refs(raw, first, pos, body_end, starts, lengths, facts, out, out_pos)
    facts[PENDING] = pending
    return _put_timed(out, out_pos, _TAG_EXEMPLAR_VALUE, value, _TAG_EXEMPLAR_TIME, time)


@kernel
def _write_series(
    raw: Any,
    pos: Any,
    end: Any,
    body_end: Any,
    starts: Any,
    lengths: Any,
    facts: Any,
    report: Any,
    out: Any,
    out_pos: Any,
) -> Any:
    """Write the TimeSeries in [pos, end), its fields in the order they come; return the offset after it."""
    created = created_of(raw, pos, end) if report[ANY_CREATED] != 0 else np.uint64(0)
    facts[PENDING] = -1
    while pos < end:
        field, wire, after = read_tag(raw, pos, end)
        pos = skip_field(raw, after, end, wire)
        start = read_length(raw, after, end)[0] if wire == LENGTH_DELIMITED else after
        if field == 1:
            out_pos = _write_refs(raw, start, pos, body_end, starts, lengths, facts, out, out_pos)
        elif field == 2:
            out_pos = _write_sample(raw, start, pos, created, out, out_pos)
        elif field == 3:
            out_pos = _write_histogram(raw, start, pos, created, out, out_pos)
        elif field == 4:
            out_pos = _write_exemplar(raw, start, pos, body_end, starts, lengths, facts, report, out, out_pos)
    return out_pos


@inlined_kernel
def _write_refused(out: Any, pos: Any, code: Any) -> Any:
    """Write the label that makes the decoder refuse a series, and an exemplar; return the offset after."""
    store_u8(out, pos, _TAG_LABEL)
    store_u8(out, pos + 1, 2)
    store_u8(out, pos + 2, _TAG_REFUSED)
    store_u8(out, pos + 3, code)
    store_u8(out, pos + 4, _TAG_EXEMPLAR)
    store_u8(out, pos + 5, 0)
    return pos + REFUSED_BYTES


@kernel
def _write_families(
    raw: Any, body_end: Any, starts: Any, lengths: Any, families: Any, count: Any, out: Any, pos: Any
) -> Any:
    """Write a MetricMetadata for each of the first `count` families; return the offset after them."""
    for row in range(count):
        base = row * FAMILY
        metric, help_ref, unit_ref = families[base], families[base + 3], families[base + 4]
        store_u8(out, pos, _TAG_METADATA)
        pos = write_varint(out, pos + 1, np.uint64(family_size(families, base, lengths)))
        if families[base + 2] != 0:
            store_u8(out, pos, _TAG_METADATA_TYPE)
            store_u8(out, pos + 1, families[base + 2])
            pos += 2
        name_length = np.int64(families[base + 1])
        help_length, unit_length = np.int64(lengths[help_ref]), np.int64(lengths[unit_ref])
        pos = _put_string(
            out, pos, _TAG_METADATA_FAMILY, raw, np.int64(starts[metric]), name_length, body_end
        )
        pos = _put_string(
            out, pos, _TAG_METADATA_HELP, raw, np.int64(starts[help_ref]), help_length, body_end
        )
        pos = _put_string(
            out, pos, _TAG_METADATA_UNIT, raw, np.int64(starts[unit_ref]), unit_length, body_end
        )
    return pos


@kernel
def _write(
    body: Any,
    starts: Any,
    lengths: Any,
    sizes: Any,
    families: Any,
    facts: Any,
    report: Any,
    room: Any,
    total: Any,
) -> Any:
    """Write the request that the first pass measured into `room`; return its bytes, -1 if they do not fit."""
    return _write_all(
        pointer(body),
        len(body),
        pointer(starts),
        pointer(lengths),
        pointer(sizes),
        pointer(families),
        pointer(facts),
        pointer(report),
        pointer(room),
        total,
    )


@kernel
def _write_all(
    raw: Any,
    end: Any,
    starts: Any,
    lengths: Any,
    sizes: Any,
    families: Any,
    facts: Any,
    report: Any,
    out: Any,
    total: Any,
) -> Any:
    """Do what `_write` says, on pointers."""
    pos, out_pos, index = 0, 0, 0
    while pos < end:
        field, wire, pos = read_tag(raw, pos, end)
        if field == 5:
            start, stop = read_length(raw, pos, end)
            code = np.int64(sizes[index])
            size = code if code >= 0 else np.int64(REFUSED_BYTES)
            if out_pos + message_size(size) > total:
                return -1
            store_u8(out, out_pos, _TAG_SERIES)
            out_pos = write_varint(out, out_pos + 1, np.uint64(size))
            expected = out_pos + size
            if code < 0:
                out_pos = _write_refused(out, out_pos, -code)
            else:
                out_pos = _write_series(raw, start, stop, end, starts, lengths, facts, report, out, out_pos)
            if out_pos != expected:
                return -1
            index += 1
        pos = skip_field(raw, pos, end, wire)
    return _write_families(raw, end, starts, lengths, families, report[FAMILIES], out, out_pos)
