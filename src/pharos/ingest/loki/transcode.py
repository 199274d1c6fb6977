"""`logproto.PushRequest` becomes OTLP, by compiled code.

A first pass checks the request and measures what each entry becomes; a second one writes LogRecords, stream
by stream. Resources are put in front of them by Python, which knows labels and sees few streams. What is
rare (a line that is too long, text that is not UTF-8) is left to `slowly`, which does the same with
protobuf's own messages and is what the tests hold the kernels to.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.compiled.memory import get_i64, pointer, put_u64, store_u8, store_u64
from pharos.compiled.protobuf import (
    LENGTH_DELIMITED,
    VARINT,
    is_utf8,
    read_length,
    read_tag,
    read_varint,
    skip_field,
)
from pharos.errors import Kind, PharosError
from pharos.ingest.events.lines import LINE_MAX_BYTES, Lines, cut_text
from pharos.ingest.events.record_kernels import (
    SPAN_DIGITS,
    TRACE_DIGITS,
    is_id,
    is_id_name,
    pair_size,
    put_bytes,
    put_head,
    put_id,
    text_size,
)
from pharos.ingest.events.requests import log_record
from pharos.ingest.events.trace_ids import TraceIds
from pharos.ingest.loki.labels import text_resource
from pharos.protobuf import message_classes, varint

_LARGEST: Final = 1 << 30
_SECOND_NS: Final = 1_000_000_000
_TIME_MAX_S: Final = 9_223_372_035

# What a row of the table of streams holds.
_LABELS: Final = 0
_LABELS_BYTES: Final = 1
_RECORDS_BYTES: Final = 2
_ENTRIES: Final = 3
_ROW: Final = 4

# What the report holds.
_CODE: Final = 0
_POSITION: Final = 1
_TOTAL: Final = 2
_REPORT: Final = 3

# What `_measure_entry` leaves of an entry: where its line is, its time and its ids.
_LINE: Final = 0
_LINE_BYTES: Final = 1
_TIME: Final = 2
_TRACE: Final = 3
_SPAN: Final = 4
_ENTRY: Final = 5


class _Fault(IntEnum):
    NONE = 0
    SHAPE = 1
    TIME = 2
    RARE = 3
    """No fault: compiled code does not do this."""


_MESSAGES: Final = {
    _Fault.SHAPE: "a field is cut off or is not what logproto.PushRequest has there",
    _Fault.TIME: "a time is not between the years 1970 and 2262, or has a second of too many nanoseconds",
}


@kernel
def _count_streams(body: Any) -> Any:
    """Return how many streams a request has; -1 where it is no legal message."""
    raw, end = pointer(body), len(body)
    pos, count = 0, 0
    while pos < end:
        field, wire, after = read_tag(raw, pos, end)
        if after < 0:
            return -1
        if field == 1:
            if wire != LENGTH_DELIMITED:
                return -1
            count += 1
        pos = skip_field(raw, after, end, wire)
        if pos < 0:
            return -1
    return count


@inlined_kernel
def _pair(raw: Any, start: Any, stop: Any) -> tuple[Any, Any, Any, Any, Any]:
    """Return (name, its end, value, its end, whether it is legal) of a LabelPairAdapter."""
    name, name_end, value, value_end = start, start, start, start
    pos = start
    while pos < stop:
        field, wire, after = read_tag(raw, pos, stop)
        if after < 0:
            return name, name_end, value, value_end, False
        if field == 1 or field == 2:
            if wire != LENGTH_DELIMITED:
                return name, name_end, value, value_end, False
            first, last = read_length(raw, after, stop)
            if last < 0:
                return name, name_end, value, value_end, False
            if field == 1:
                name, name_end = first, last
            else:
                value, value_end = first, last
            pos = last
        else:
            pos = skip_field(raw, after, stop, wire)
            if pos < 0:
                return name, name_end, value, value_end, False
    return name, name_end, value, value_end, True


@kernel
def _timestamp(raw: Any, start: Any, stop: Any) -> tuple[Any, Any]:
    """Return (nanoseconds of a google.protobuf.Timestamp, what is wrong with it)."""
    seconds, nanos = np.int64(0), np.int64(0)
    pos = start
    while pos < stop:
        field, wire, after = read_tag(raw, pos, stop)
        if after < 0:
            return np.int64(0), 1
        if field == 1 or field == 2:
            if wire != VARINT:
                return np.int64(0), 1
            value, pos = read_varint(raw, after, stop)
            if field == 1:
                seconds = np.int64(value)
            else:
                nanos = np.int64(value)
        else:
            pos = skip_field(raw, after, stop, wire)
        if pos < 0:
            return np.int64(0), 1
    if seconds < 0 or seconds > _TIME_MAX_S or nanos < 0 or nanos >= _SECOND_NS:
        return np.int64(0), 2
    return seconds * _SECOND_NS + nanos, 0


@kernel
def _measure_pair(raw: Any, start: Any, stop: Any, is_checked: Any, facts: Any) -> tuple[Any, Any]:
    """Return (bytes of the attribute that a pair becomes, what is wrong); its id is noted in `facts`."""
    name, name_end, value, value_end, legal = _pair(raw, start, stop)
    if not legal:
        return 0, 1
    if is_checked and not (is_utf8(raw, name, name_end) and is_utf8(raw, value, value_end)):
        return 0, 3
    kind = is_id_name(raw, name, name_end)
    digits = TRACE_DIGITS if kind == 1 else SPAN_DIGITS
    if kind > 0 and value_end - value == digits:
        place = _TRACE if kind == 1 else _SPAN
        if get_i64(facts, place) < 0 and is_id(raw, value, digits):
            put_u64(facts, place, value)
    return text_size(pair_size(name_end - name, value_end - value)), 0


@kernel
def _measure_entry(raw: Any, start: Any, stop: Any, is_checked: Any, facts: Any) -> tuple[Any, Any]:
    """Return (bytes of the LogRecord that an entry becomes, what is wrong) and note its parts in `facts`."""
    put_u64(facts, _LINE, start)
    put_u64(facts, _LINE_BYTES, 0)
    put_u64(facts, _TIME, 0)
    put_u64(facts, _TRACE, -1)
    put_u64(facts, _SPAN, -1)
    size, pos = 0, start
    while pos < stop:
        field, wire, after = read_tag(raw, pos, stop)
        if after < 0:
            return 0, 1
        if field < 1 or field > 3:
            pos = skip_field(raw, after, stop, wire)
            if pos < 0:
                return 0, 1
            continue
        if wire != LENGTH_DELIMITED:
            return 0, 1
        first, pos = read_length(raw, after, stop)
        if pos < 0:
            return 0, 1
        if field == 1:
            time, fault = _timestamp(raw, first, pos)
            put_u64(facts, _TIME, time)
        elif field == 2:
            put_u64(facts, _LINE, first)
            put_u64(facts, _LINE_BYTES, pos - first)
            fault = 3 if is_checked and (pos - first > LINE_MAX_BYTES or not is_utf8(raw, first, pos)) else 0
        else:
            added, fault = _measure_pair(raw, first, pos, is_checked, facts)
            size += added
        if fault != 0:
            return 0, fault
    size += text_size(text_size(get_i64(facts, _LINE_BYTES)))
    size += 9 if get_i64(facts, _TIME) > 0 else 0
    size += 18 if get_i64(facts, _TRACE) >= 0 else 0
    size += 10 if get_i64(facts, _SPAN) >= 0 else 0
    return size, 0


@kernel
def _measure(body: Any, table: Any, facts_room: Any, report: Any) -> None:
    """Fill the table of streams and the report."""
    raw, end, facts = pointer(body), len(body), _bytes_of(facts_room)
    pos, row, total = 0, 0, 0
    while pos < end:
        field, wire, after = read_tag(raw, pos, end)
        if field != 1:
            pos = skip_field(raw, after, end, wire)
            continue
        start, stop = read_length(raw, after, end)
        base = row * _ROW
        row += 1
        pos = start
        while pos < stop:
            at = pos
            field, wire, after = read_tag(raw, pos, stop)
            if after < 0 or ((field == 1 or field == 2) and wire != LENGTH_DELIMITED):
                report[_CODE], report[_POSITION] = 1, at
                return
            pos = skip_field(raw, after, stop, wire)
            if pos < 0:
                report[_CODE], report[_POSITION] = 1, at
                return
            if field == 1:
                table[base + _LABELS], last = read_length(raw, after, stop)
                table[base + _LABELS_BYTES] = last - table[base + _LABELS]
            elif field == 2:
                first, last = read_length(raw, after, stop)
                size, fault = _measure_entry(raw, first, last, True, facts)
                if fault != 0:
                    report[_CODE], report[_POSITION] = fault, at
                    return
                table[base + _RECORDS_BYTES] += text_size(size)
                table[base + _ENTRIES] += 1
        total += table[base + _RECORDS_BYTES]
    report[_TOTAL] = total


@inlined_kernel
def _bytes_of(array: Any) -> Any:
    return pointer(array)


@kernel
def _write_entry(raw: Any, start: Any, stop: Any, size: Any, facts: Any, out: Any, pos: Any) -> Any:
    """Write the LogRecord of an entry that was measured last; return the offset after it."""
    pos = put_head(out, pos, 0x12, size)
    time, length = get_i64(facts, _TIME), get_i64(facts, _LINE_BYTES)
    if time > 0:
        store_u8(out, pos, 0x09)
        store_u64(out, pos + 1, np.uint64(time))
        pos += 9
    pos = put_head(out, pos, 0x2A, text_size(length))
    pos = put_bytes(out, pos, 0x0A, raw, get_i64(facts, _LINE), length)
    at = start
    while at < stop:
        field, wire, after = read_tag(raw, at, stop)
        at = skip_field(raw, after, stop, wire)
        if field == 3:
            first, last = read_length(raw, after, stop)
            name, name_end, value, value_end, _ = _pair(raw, first, last)
            name_bytes, value_bytes = name_end - name, value_end - value
            pos = put_head(out, pos, 0x32, pair_size(name_bytes, value_bytes))
            pos = put_bytes(out, pos, 0x0A, raw, name, name_bytes)
            pos = put_head(out, pos, 0x12, text_size(value_bytes))
            pos = put_bytes(out, pos, 0x0A, raw, value, value_bytes)
    if get_i64(facts, _TRACE) >= 0:
        pos = put_id(out, pos, 0x4A, raw, get_i64(facts, _TRACE), TRACE_DIGITS // 2)
    if get_i64(facts, _SPAN) >= 0:
        pos = put_id(out, pos, 0x52, raw, get_i64(facts, _SPAN), SPAN_DIGITS // 2)
    return pos


@kernel
def _write(body: Any, facts_room: Any, room: Any) -> Any:
    """Write all LogRecords of a request that was measured; return how many bytes they take."""
    raw, end, facts, out = pointer(body), len(body), _bytes_of(facts_room), pointer(room)
    pos, out_pos = 0, 0
    while pos < end:
        field, wire, after = read_tag(raw, pos, end)
        if field != 1:
            pos = skip_field(raw, after, end, wire)
            continue
        pos, stop = read_length(raw, after, end)
        while pos < stop:
            field, wire, after = read_tag(raw, pos, stop)
            pos = skip_field(raw, after, stop, wire)
            if field == 2:
                first, last = read_length(raw, after, stop)
                size, _ = _measure_entry(raw, first, last, False, facts)
                out_pos = _write_entry(raw, first, last, size, facts, out, out_pos)
    return out_pos


def read_push(body: bytes | memoryview) -> Lines:
    """Return the lines of a PushRequest; streams whose labels are no good are refused, the rest is taken.

    Raises PharosError: INVALID with the byte where it is no PushRequest, TOO_LARGE beyond a gigabyte.
    """
    raw = np.frombuffer(body, np.uint8)
    if len(raw) > _LARGEST:
        raise PharosError(Kind.TOO_LARGE, f"a push request of {len(raw)} bytes is over {_LARGEST}")
    count = _count_streams(raw)
    if count < 0:
        raise _refusal(_Fault.SHAPE, 0)
    table = np.zeros(count * _ROW, np.int64)
    facts = np.zeros(_ENTRY * 8, np.uint8)
    report = np.zeros(_REPORT, np.int64)
    _measure(raw, table, facts, report)
    fault = _Fault(int(report[_CODE]))
    if fault is _Fault.RARE:
        return slowly(body)
    if fault is not _Fault.NONE:
        raise _refusal(fault, int(report[_POSITION]))
    total = int(report[_TOTAL])
    room = np.empty(total, np.uint8)
    written = _write(raw, facts, room)
    if written != total:
        raise PharosError(Kind.BUG, f"{total} bytes of log records were measured and {written} written")
    return _assembled(raw, table.reshape(-1, _ROW).tolist(), room.data)


def _assembled(raw: npt.NDArray[np.uint8], rows: list[list[int]], records: memoryview) -> Lines:
    """Return the request of all streams, each below its resource."""
    made = _Made()
    text, at = raw.data, 0
    for labels, labels_bytes, records_bytes, entries in rows:
        if entries:
            name = bytes(text[labels : labels + labels_bytes])
            made.add(name, entries, records[at : at + records_bytes])
        at += records_bytes
    return made.lines()


class _Made:
    """A request as it grows, stream by stream."""

    def __init__(self) -> None:
        self._parts: list[bytes | memoryview] = []
        self._count = 0
        self._refused = 0
        self._message = ""
        self.cut = 0

    def add(self, labels: bytes, entries: int, records: bytes | memoryview) -> None:
        """Add the records of a stream; they are refused where its labels are no good."""
        try:
            resource = text_resource(labels.decode("utf-8", "replace"))
        except PharosError as exc:
            self._refused += entries
            self._message = self._message or str(exc)
            return
        scope_head = b"\x12" + varint(len(records))
        head = b"\x0a" + varint(len(resource)) + resource + scope_head
        self._parts += (b"\x0a" + varint(len(head) + len(records)) + head, records)
        self._count += entries

    def lines(self) -> Lines:
        """Return all of it."""
        refused = {"labels": self._refused} if self._refused else {}
        return Lines(b"".join(self._parts), self._count, refused, self._message, self.cut)


def _refusal(fault: _Fault, position: int) -> PharosError:
    return PharosError(
        Kind.INVALID,
        f"the push request is not good at byte {position}: {_MESSAGES[fault]}",
        position=position,
    )


_PUSH: Final = message_classes(
    "pharos.logproto",
    {
        "PushRequest": {"streams": (1, "*Stream")},
        "Stream": {"labels": (1, "bytes"), "entries": (2, "*Entry")},
        "Entry": {"timestamp": (1, "Timestamp"), "line": (2, "bytes"), "metadata": (3, "*Pair")},
        "Timestamp": {"seconds": (1, "int64"), "nanos": (2, "int32")},
        "Pair": {"name": (1, "bytes"), "value": (2, "bytes")},
    },
)["PushRequest"]


def slowly(body: bytes | memoryview) -> Lines:
    """Return what `read_push` does, record by record: texts are mended, lines that are too long cut.

    Raises PharosError(INVALID).
    """
    try:
        request = _PUSH.FromString(bytes(body))
    except ValueError as exc:
        raise _refusal(_Fault.SHAPE, 0) from exc
    made = _Made()
    for stream in request.streams:
        records = b"".join(_field_of(_record(entry, made)) for entry in stream.entries)
        if stream.entries:
            made.add(stream.labels, len(stream.entries), records)
    return made.lines()


def _field_of(record: bytes) -> bytes:
    return b"\x12" + varint(len(record)) + record


def _record(entry: Any, made: _Made) -> bytes:
    seconds, nanos = entry.timestamp.seconds, entry.timestamp.nanos
    if not 0 <= seconds <= _TIME_MAX_S or not 0 <= nanos < _SECOND_NS:
        raise _refusal(_Fault.TIME, 0)
    made.cut += len(entry.line) > LINE_MAX_BYTES
    line = cut_text(entry.line, LINE_MAX_BYTES).decode("utf-8", "replace")
    pairs = [
        (pair.name.decode("utf-8", "replace"), pair.value.decode("utf-8", "replace"))
        for pair in entry.metadata
    ]
    ids = TraceIds()
    for name, value in pairs:
        ids.look(name, value)
    return log_record(
        line,
        ts_ns=seconds * _SECOND_NS + nanos,
        attributes=pairs,
        trace_id=ids.trace_id,
        span_id=ids.span_id,
    )
