"""Remote write 1.0 bodies to columns, in one compiled pass.

For each time series the pass hashes the bytes of its labels and looks the series up among the known ones.
Known: its samples are written out, nothing else is touched. New, or new on this day: its labels are checked,
sorted, hashed to the series' id and written out as a row to register. Exemplars, histograms and metadata
are only located; `parts` decodes them.

Wire facts: prometheus/prompb remote.proto and types.proto. Field 15, which no public version uses, carries
what remote write 2.0 knows (see `transcode`): of a sample its start timestamp, of a label that its series is
refused.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from pharos.compiled.hashing import hash_bytes_128
from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.compiled.memory import (
    byte_pointer,
    copy_bytes,
    get_i64,
    get_u64,
    load_u8,
    put_f64,
    put_u64,
    store_u8,
    store_u32,
)
from pharos.compiled.protobuf import (
    FIXED64,
    LENGTH_DELIMITED,
    VARINT,
    read_f64,
    read_length,
    read_tag,
    read_varint,
    skip_field,
    varint_size,
)
from pharos.engine.keys import DAY_MS
from pharos.ingest.metrics.columns import (
    BEYOND_LABELS,
    BEYOND_SAMPLES,
    BEYOND_SERIES,
    COUNTS,
    FAULT,
    FAULT_AT,
    FUTURE,
    INVALID,
    KEY_BYTES,
    LABELS,
    METRIC_BYTES,
    OLD,
    PARTS,
    SAMPLED_OUT,
    SAMPLES,
    SERIES,
    STARTS,
    VALUE_BYTES,
)
from pharos.ingest.metrics.histogram_check import histogram_fault
from pharos.ingest.metrics.known import (
    DAYS_SEEN,
    HOUR,
    MAX_LABELS,
    MAX_NAME_BYTES,
    MAX_VALUE_BYTES,
    find_slot,
    is_left_out,
    is_registered,
    known_pointers,
    may_begin,
    note_seen,
    note_turn,
)
from pharos.ingest.metrics.wire_labels import (
    NO_METRIC_NAME,
    beyond_limits,
    labels_id,
    name_end,
    name_start,
    put_string,
    read_labels,
    value_end,
    value_start,
)

# How a pass ends.
DONE: Final = 0
NEED_ROOM: Final = 1
NEED_SLOTS: Final = 2
MALFORMED: Final = 3
SCATTERED: Final = 4

# Kinds of parts.
EXEMPLAR: Final = 1
HISTOGRAM: Final = 2
METADATA: Final = 3

_EXEMPLAR_TIME: Final = 3
_HISTOGRAM_TIME: Final = 15

_NO_DAY: Final = -(1 << 62)
_MANY_DAYS: Final = -(1 << 61)


class _Out(NamedTuple):
    """The columns of `run.TenantColumns` by address, and their sizes."""

    counts: Any
    sample_id: Any
    sample_metric: Any
    sample_ts: Any
    sample_value: Any
    sample_room: Any
    start_id: Any
    start_metric: Any
    start_ts: Any
    start_start: Any
    start_room: Any
    series_id: Any
    series_metric: Any
    series_day: Any
    series_label_end: Any
    series_slot: Any
    series_days_before: Any
    metric_names: Any
    keys: Any
    values: Any
    series_room: Any
    text_room: Any
    part_kind: Any
    part_start: Any
    part_end: Any
    part_id: Any
    part_metric: Any
    part_room: Any


@inlined_kernel
def _out_pointers(counts: Any, samples: Any, starts: Any, series: Any, parts: Any) -> Any:
    return _Out(
        byte_pointer(counts),
        byte_pointer(samples.id),
        byte_pointer(samples.metric),
        byte_pointer(samples.ts_ms),
        byte_pointer(samples.value),
        np.int64(len(samples.id)),
        byte_pointer(starts.id),
        byte_pointer(starts.metric),
        byte_pointer(starts.ts_ms),
        byte_pointer(starts.start_ms),
        np.int64(len(starts.id)),
        byte_pointer(series.id),
        byte_pointer(series.metric),
        byte_pointer(series.day),
        byte_pointer(series.label_end),
        byte_pointer(series.slot),
        byte_pointer(series.days_before),
        byte_pointer(series.metric_names),
        byte_pointer(series.keys),
        byte_pointer(series.values),
        np.int64(len(series.id)),
        np.int64(len(series.keys)),
        byte_pointer(parts.kind),
        byte_pointer(parts.start),
        byte_pointer(parts.end),
        byte_pointer(parts.id),
        byte_pointer(parts.metric),
        np.int64(len(parts.kind)),
    )


@inlined_kernel
def _add(counts: Any, place: int, number: int) -> None:
    put_u64(counts, place, get_i64(counts, place) + number)


@kernel
def _has_room(out: Any, at: Any, count: int) -> bool:
    """Return whether one more series row of these labels fits."""
    if get_i64(out.counts, SERIES) + 1 > out.series_room:
        return False
    text = 0
    for row in range(count):
        size = max(name_end(at, row) - name_start(at, row), value_end(at, row) - value_start(at, row))
        text += size + varint_size(np.uint64(size))
    used = max(
        get_i64(out.counts, METRIC_BYTES), get_i64(out.counts, KEY_BYTES), get_i64(out.counts, VALUE_BYTES)
    )
    return bool(used + text <= out.text_room)


@kernel
def _put_series(
    buf: Any, out: Any, at: Any, count: int, named: int, ident: Any, metric: Any, day: int
) -> int:
    """Append one row to register and return its number; room was checked."""
    row = get_i64(out.counts, SERIES)
    put_u64(out.series_id, row, ident)
    put_u64(out.series_metric, row, metric)
    store_u32(out.series_day, row << 2, np.uint32(np.int32(day)))
    key_at = get_i64(out.counts, KEY_BYTES)
    value_at = get_i64(out.counts, VALUE_BYTES)
    for k in range(count):
        key_at = put_string(buf, name_start(at, k), name_end(at, k), out.keys, key_at)
        value_at = put_string(buf, value_start(at, k), value_end(at, k), out.values, value_at)
    put_u64(out.counts, KEY_BYTES, key_at)
    put_u64(out.counts, VALUE_BYTES, value_at)
    name_at = get_i64(out.counts, METRIC_BYTES)
    name_at = put_string(buf, value_start(at, named), value_end(at, named), out.metric_names, name_at)
    put_u64(out.counts, METRIC_BYTES, name_at)
    _add(out.counts, LABELS, count)
    put_u64(out.series_label_end, row, get_u64(out.counts, LABELS))
    put_u64(out.counts, SERIES, row + 1)
    return row


@inlined_kernel
def _read_sample(buf: Any, start: int, end: int) -> tuple[float, int, int, int]:
    """Return (value, time ms, start timestamp ms, offset or -1) of a Sample message."""
    value = 0.0
    ts: Any = np.int64(0)
    begun: Any = np.int64(0)
    pos = start
    while 0 <= pos < end:
        field, wire, pos = read_tag(buf, pos, end)
        if pos < 0:
            break
        if field == 1 and wire == FIXED64:
            value, pos = read_f64(buf, pos, end)
        elif field == 2 and wire == VARINT:
            raw, pos = read_varint(buf, pos, end)
            ts = np.int64(raw)
        elif field == 15 and wire == VARINT:
            raw, pos = read_varint(buf, pos, end)
            begun = np.int64(raw)
        elif field <= 2:
            pos = -1
        else:
            pos = skip_field(buf, pos, end, wire)
    return value, ts, begun, pos


@kernel
def part_time(buf: Any, start: int, end: int, time_field: int) -> tuple[int, int]:
    """Return (time ms, offset or -1) of a Histogram or Exemplar message."""
    ts: Any = np.int64(0)
    pos = start
    while 0 <= pos < end:
        field, wire, pos = read_tag(buf, pos, end)
        if pos < 0:
            break
        if field == time_field and wire == VARINT:
            raw, pos = read_varint(buf, pos, end)
            ts = np.int64(raw)
        else:
            pos = skip_field(buf, pos, end, wire)
    return ts, pos


@inlined_kernel
def day_of(ts_ms: int) -> int:
    """Return the day number since the epoch, also for times before it."""
    return ts_ms // DAY_MS


@kernel
def _new_slot(known: Any, used: Any, slot: int, low: Any, high: Any, ident: Any, metric: Any) -> int:
    """Take the empty slot ~slot for a series and return it; -1 when the table is too full."""
    if get_i64(used, 0) * 3 > (known.mask + 1) * 2:
        return -1
    slot = ~slot
    put_u64(known.low, slot, low)
    put_u64(known.high, slot, high)
    put_u64(known.id, slot, ident)
    put_u64(known.metric, slot, metric)
    put_u64(known.days, slot, 0)
    _add(used, 0, 1)
    return slot


@kernel
def _label_fault(census: Any, out: Any, at: Any, count: int, named: int) -> int:
    """Return what is wrong with labels that are good in themselves; 0 if nothing is."""
    if named < 0:
        return NO_METRIC_NAME
    fault = beyond_limits(
        at,
        count,
        get_i64(census, MAX_LABELS),
        get_i64(census, MAX_NAME_BYTES),
        get_i64(census, MAX_VALUE_BYTES),
    )
    if fault != 0:
        _add(out.counts, BEYOND_LABELS, 1)
    return fault


@kernel
def _register(
    buf: Any,
    table: Any,
    out: Any,
    at: Any,
    slot: int,
    key: Any,
    labels: Any,
    base_day: int,
    rows_from: Any,
    times: Any,
) -> tuple[int, int]:
    """Check a series' labels and register it for each new day of what it brings.

    `table` is (known series, how many, census); `labels` and `times` are where they begin and end,
    `rows_from` where its samples and parts begin. Returns (how it ended, slot); MALFORMED if it is not taken.
    """
    known, used, census = table
    samples_from, parts_from = rows_from
    count, fault = read_labels(buf, labels[0], labels[1], at)
    ident, metric, named = labels_id(buf, at, count)
    if fault == 0:
        fault = _label_fault(census, out, at, count, named)
    if fault != 0:
        _refuse(out, fault, labels[0])
        return MALFORMED, -1
    if is_left_out(census, metric, ident):
        parts = get_i64(out.counts, PARTS) - parts_from
        _add(out.counts, SAMPLED_OUT, get_i64(out.counts, SAMPLES) - samples_from + parts)
        return MALFORMED, -1
    if slot < 0:
        slot = _new_slot(known, used, slot, key[0], key[1], ident, metric)
        if slot < 0:
            return NEED_SLOTS, -1
    last: Any = np.int64(_NO_DAY)
    samples_to = get_i64(out.counts, SAMPLES)
    for row in range(samples_from, samples_to + get_i64(out.counts, PARTS) - parts_from):
        if row < samples_to:
            ts = get_i64(out.sample_ts, row)
        else:
            part = parts_from + row - samples_to
            field = _HISTOGRAM_TIME if load_u8(out.part_kind, part) == HISTOGRAM else _EXEMPLAR_TIME
            ts, _ = part_time(buf, get_i64(out.part_start, part), get_i64(out.part_end, part), field)
            if ts > times[1] or ts < times[0]:
                continue
        day = day_of(ts)
        before = get_u64(known.days, slot)
        if day == last or is_registered(before, base_day, day):
            continue
        last = day
        if not _has_room(out, at, count):
            return NEED_ROOM, slot
        place = day - base_day
        inside = 0 <= place < DAYS_SEEN
        written = _put_series(buf, out, at, count, named, ident, metric, day)
        put_u64(out.series_slot, written, slot if inside else -1)
        put_u64(out.series_days_before, written, before)
        if inside:
            put_u64(known.days, slot, before | (np.uint64(1) << np.uint64(place)))
    return DONE, slot


@inlined_kernel
def _refuse(out: Any, fault: Any, place: Any) -> None:
    """Count a refused series or histogram; the first says why."""
    if get_i64(out.counts, FAULT) == 0:
        put_u64(out.counts, FAULT, fault)
        put_u64(out.counts, FAULT_AT, place)
    _add(out.counts, INVALID, 1)


@kernel
def _put_part(buf: Any, out: Any, field: int, first: int, stop: int, least_ms: int, most_ms: int) -> int:
    """Note where an exemplar (field 3) or histogram (field 4) lies; return how it ended."""
    if field == 4:
        ts, after = part_time(buf, first, stop, _HISTOGRAM_TIME)
        if after < 0:
            return MALFORMED
        if ts > most_ms or ts < least_ms:
            _add(out.counts, FUTURE if ts > most_ms else OLD, 1)
            return DONE
        fault = histogram_fault(buf, first, stop)
        if fault != 0:
            _refuse(out, fault, first)
            return DONE
    k = get_i64(out.counts, PARTS)
    if k == out.part_room:
        return NEED_ROOM
    store_u8(out.part_kind, k, EXEMPLAR if field == 3 else HISTOGRAM)
    put_u64(out.part_start, k, first)
    put_u64(out.part_end, k, stop)
    put_u64(out.counts, PARTS, k + 1)
    return DONE


@inlined_kernel
def _put_sample(out: Any, row: int, value: float, ts: int, begun: int) -> int:
    """Write a sample as row `row`; return how it ended."""
    if row == out.sample_room:
        return NEED_ROOM
    put_u64(out.sample_ts, row, ts)
    put_f64(out.sample_value, row, value)
    if begun != 0:
        k = get_i64(out.counts, STARTS)
        if k == out.start_room:
            return NEED_ROOM
        put_u64(out.start_ts, k, ts)
        put_u64(out.start_start, k, begun)
        put_u64(out.counts, STARTS, k + 1)
    return DONE


@inlined_kernel
def _scan_series(buf: Any, start: int, end: int, out: Any, least_ms: int, most_ms: int) -> Any:
    """Read one TimeSeries: its samples to columns, its parts to places.

    Returns (how it ended, labels start, labels end, the one day of all its samples or _MANY_DAYS).
    """
    labels_start: Any = np.int64(start)
    labels_end: Any = np.int64(start)
    pos = start
    row = get_i64(out.counts, SAMPLES)
    day: Any = np.int64(_NO_DAY)
    ended = DONE
    while pos < end and ended == DONE:
        begin = pos
        field, wire, pos = read_tag(buf, pos, end)
        if pos >= 0 and field > 4:
            pos = skip_field(buf, pos, end, wire)
        elif pos >= 0:
            first, pos = read_length(buf, pos, end)
            if pos < 0 or wire != LENGTH_DELIMITED:
                ended = MALFORMED
            elif field == 1:
                if labels_end == labels_start:
                    labels_start = begin
                elif labels_end != begin:
                    ended = SCATTERED
                labels_end = pos
            elif field == 2:
                value, ts, begun, after = _read_sample(buf, first, pos)
                if after < 0:
                    ended = MALFORMED
                elif ts > most_ms or ts < least_ms:
                    _add(out.counts, FUTURE if ts > most_ms else OLD, 1)
                else:
                    ended = _put_sample(out, row, value, ts, begun)
                    row += 1
                    this = day_of(ts)
                    day = this if day in (_NO_DAY, this) else _MANY_DAYS
            else:
                day = np.int64(_MANY_DAYS)
                ended = _put_part(buf, out, field, first, pos, least_ms, most_ms)
        if pos < 0:
            ended = MALFORMED
            break
    if ended == DONE:
        put_u64(out.counts, SAMPLES, row)
    return ended, labels_start, labels_end, day


@inlined_kernel
def _drop(out: Any, samples_from: int, starts_from: int, parts_from: int) -> None:
    """Take what was written of a series out of the columns again."""
    put_u64(out.counts, SAMPLES, samples_from)
    put_u64(out.counts, STARTS, starts_from)
    put_u64(out.counts, PARTS, parts_from)


@inlined_kernel
def _decode_series(
    buf: Any,
    start: int,
    end: int,
    table: Any,
    seed: Any,
    base_day: int,
    out: Any,
    at: Any,
    times: Any,
) -> int:
    """Decode one TimeSeries; whatever does not end with DONE leaves the counts for the caller to restore."""
    known, used, census = table
    row = get_i64(out.counts, SAMPLES)
    starts_from = get_i64(out.counts, STARTS)
    parts_from = get_i64(out.counts, PARTS)
    ended, labels_start, labels_end, day = _scan_series(buf, start, end, out, times[0], times[1])
    if ended != DONE or day == _NO_DAY:
        return np.int64(ended)  # type: ignore[return-value]
    low, high = hash_bytes_128(buf, labels_start, labels_end, seed)
    low |= np.uint64(1)
    slot = find_slot(known, low, high)
    days = get_u64(known.days, slot) if slot >= 0 else np.uint64(0)
    hour = get_u64(census, HOUR)
    is_seen = days & hour != np.uint64(0)
    if not is_seen and not may_begin(census, days):
        _add(out.counts, BEYOND_SERIES, 1)
        _add(out.counts, BEYOND_SAMPLES, get_i64(out.counts, SAMPLES) - row)
        _drop(out, row, starts_from, parts_from)
        return DONE
    if slot < 0 or not is_registered(days, base_day, day):
        labels = (labels_start, labels_end)
        rows_from = (row, parts_from)
        ended, slot = _register(buf, table, out, at, slot, (low, high), labels, base_day, rows_from, times)
        if ended == MALFORMED:
            _drop(out, row, starts_from, parts_from)
            return DONE
        if ended != DONE:
            return np.int64(ended)  # type: ignore[return-value]
    if not is_seen:
        note_seen(known, slot, census, hour)
    note_turn(known, slot, get_i64(used, 1))
    ident = get_u64(known.id, slot)
    metric = get_u64(known.metric, slot)
    for k in range(row, get_i64(out.counts, SAMPLES)):
        put_u64(out.sample_id, k, ident)
        put_u64(out.sample_metric, k, metric)
    for k in range(starts_from, get_i64(out.counts, STARTS)):
        put_u64(out.start_id, k, ident)
        put_u64(out.start_metric, k, metric)
    for k in range(parts_from, get_i64(out.counts, PARTS)):
        put_u64(out.part_id, k, ident)
        put_u64(out.part_metric, k, metric)
    return DONE


@kernel
def _take_back(known: Any, out: Any, saved: Any) -> None:
    """Restore the counts, and the days of series that were registered since."""
    for row in range(get_i64(out.counts, SERIES) - 1, get_i64(saved, SERIES) - 1, -1):
        slot = get_i64(out.series_slot, row)
        if slot >= 0:
            put_u64(known.days, slot, get_u64(out.series_days_before, row))
    copy_bytes(out.counts, 0, saved, 0, 8 * COUNTS)


@kernel
def decode_request(
    body: Any,
    pos: int,
    known_arrays: Any,
    used_array: Any,
    census_array: Any,
    seed: Any,
    base_day: int,
    columns: Any,
    scratch: Any,
    counts: Any,
    saved_array: Any,
    least_ms: int,
    most_ms: int,
) -> tuple[int, int]:
    """Decode a WriteRequest from offset `pos` on into `columns` = (samples, starts, series, parts).

    Returns (how it ended, offset): DONE; MALFORMED and SCATTERED at the offset of the bad message;
    NEED_ROOM and NEED_SLOTS with the offset to go on from once there is more of it. `census_array` is the
    tenant's (see `known`), `scratch` int64[LABELS_MAX, 4], `saved_array` of the size of `counts`.
    """
    end = len(body)
    buf = byte_pointer(body)
    known = known_pointers(known_arrays)
    used = byte_pointer(used_array)
    table = (known, used, byte_pointer(census_array))
    at = byte_pointer(scratch)
    saved = byte_pointer(saved_array)
    out = _out_pointers(counts, columns[0], columns[1], columns[2], columns[3])
    while pos < end:
        begin = pos
        field, wire, pos = read_tag(buf, pos, end)
        if pos < 0:
            return MALFORMED, begin
        if field not in (1, 3):
            pos = skip_field(buf, pos, end, wire)
            if pos < 0:
                return MALFORMED, begin
            continue
        first, pos = read_length(buf, pos, end)
        if pos < 0 or wire != LENGTH_DELIMITED:
            return MALFORMED, begin
        if field == 3:
            k = get_i64(out.counts, PARTS)
            if k == out.part_room:
                return NEED_ROOM, begin
            store_u8(out.part_kind, k, METADATA)
            put_u64(out.part_start, k, first)
            put_u64(out.part_end, k, pos)
            put_u64(out.counts, PARTS, k + 1)
            continue
        copy_bytes(saved, 0, out.counts, 0, 8 * COUNTS)
        ended = _decode_series(buf, first, pos, table, seed, base_day, out, at, (least_ms, most_ms))
        if ended != DONE:
            _take_back(known, out, saved)
            return ended, begin
    return DONE, end
