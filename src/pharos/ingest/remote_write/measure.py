"""The first pass of the transcoder of Remote Write 2.0: check everything, and measure what it becomes in 1.0.

Kernels return a size, or -1 once they have noted the fault in `report`. Nothing here writes output, and the
second pass (transcode.py) trusts what was checked here.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final

import numpy as np

from pharos.compiled.hashing import hash_bytes
from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.compiled.memory import load_u8, load_u64, pointer
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
)

SAMPLE_START_FIELD: Final = 15
HISTOGRAM_START_FIELD: Final = 17

# Slots of `facts`: what is known of the series at hand, whose fields come in any order.
PENDING: Final = 0  # reference of a label name that still waits for its value, or -1
METRIC: Final = 1  # reference of the value of __name__, or -1
_TYPE: Final = 2
_HELP: Final = 3
_UNIT: Final = 4
_CREATED: Final = 5
_NEED_START: Final = 6  # samples without a start timestamp of their own
_HISTOGRAMS: Final = 7
# The same for every series: how many symbols there are, and slots of the table of families less one.
SYMBOLS: Final = 8
TABLE_MASK: Final = 9
FACTS: Final = 10

# Slots of `report`, what a pass says besides its result.
CODE: Final = 0
POSITION: Final = 1
SERIES: Final = 2
ANY_CREATED: Final = 3
FAMILIES: Final = 4
SEED: Final = 5  # given, not said: the seed of the table of families
REPORT: Final = 6

REFUSED_FIELD: Final = 15
"""The field of a Label that says that its series is refused: no sender has it."""
REFUSED_BYTES: Final = 6
"""Of the 1.0 form of a series that is refused, without tag and length: a label that says why, and an
exemplar, since nobody looks at the labels of nothing, or of samples that are too old."""

# A family is five numbers: metric reference, bytes of its name that count, type, help and unit references.
FAMILY: Final = 5

_METRIC_NAME_WORD: Final = np.uint64(int.from_bytes(b"__name__", "little"))
_TYPE_HISTOGRAM: Final = 3
_TYPE_GAUGE_HISTOGRAM: Final = 4
_TYPE_SUMMARY: Final = 5
_TYPE_LARGEST: Final = 7

# How fields 0 to 17 of Histogram stand on the wire: v varint, f fixed64, s span, V and F repeated.
_HISTOGRAM_FIELDS: Final = np.frombuffer(b"-vffvfvfsVFsVFvvFv", dtype=np.uint8)
_ONE_VARINT: Final = ord("v")
_ONE_FIXED: Final = ord("f")
_SPAN: Final = ord("s")
_MANY_VARINTS: Final = ord("V")


class Fault(IntEnum):
    """Why a body is refused."""

    NONE = 0
    CUT_OFF = 1
    WIRE_TYPE = 2
    REFERENCE = 3
    ODD_REFERENCES = 4
    FIRST_SYMBOL = 5
    TOO_LARGE = 6


_CUT_OFF: Final = int(Fault.CUT_OFF)
_WIRE_TYPE: Final = int(Fault.WIRE_TYPE)
_REFERENCE: Final = int(Fault.REFERENCE)
_ODD_REFERENCES: Final = int(Fault.ODD_REFERENCES)
_FIRST_SYMBOL: Final = int(Fault.FIRST_SYMBOL)
_TOO_LARGE: Final = int(Fault.TOO_LARGE)


@inlined_kernel
def _fail(report: Any, code: Any, position: Any) -> Any:
    """Record the first fault and return -1."""
    report[CODE] = code
    report[POSITION] = position
    return -1


@kernel
def count_parts(body: Any, report: Any) -> tuple[Any, Any]:
    """Return how many symbols and series the request has, having checked its outermost framing."""
    raw, end, pos = pointer(body), len(body), 0
    symbols = series = 0
    report[SERIES] = -1
    while pos < end:
        field, wire, after = read_tag(raw, pos, end)
        if after < 0:
            _fail(report, _CUT_OFF, pos)
            return 0, 0
        if field in (4, 5):
            if wire != LENGTH_DELIMITED:
                _fail(report, _WIRE_TYPE, pos)
                return 0, 0
            symbols += field == 4
            series += field == 5
        after = skip_field(raw, after, end, wire)
        if after < 0:
            _fail(report, _CUT_OFF, pos)
            return 0, 0
        pos = after
    return symbols, series


@kernel
def _find_symbols(raw: Any, end: Any, starts: Any, lengths: Any) -> None:
    """Fill in where each symbol starts and how long it is; the framing has been checked."""
    pos, index = 0, 0
    while pos < end:
        field, wire, pos = read_tag(raw, pos, end)
        if field == 4:
            start, stop = read_length(raw, pos, end)
            starts[index] = start
            lengths[index] = stop - start
            index += 1
        pos = skip_field(raw, pos, end, wire)


@inlined_kernel
def string_size(length: Any) -> Any:
    """Return the bytes of a string field; an empty one is left out."""
    if length == 0:
        return 0
    return 1 + varint_size(np.uint64(length)) + length


@inlined_kernel
def message_size(length: Any) -> Any:
    """Return the bytes of a message field, its tag of one byte included."""
    return 1 + varint_size(np.uint64(length)) + length


@kernel
def _measure_refs(raw: Any, pos: Any, end: Any, starts: Any, lengths: Any, facts: Any, report: Any) -> Any:
    """Return the bytes of the labels referenced in [pos, end), or -1. Half a pair waits in `facts`."""
    size = 0
    count = np.uint64(facts[SYMBOLS])
    pending = facts[PENDING]
    while pos < end:
        ref, after = read_varint(raw, pos, end)
        if after < 0:
            return _fail(report, _CUT_OFF, pos)
        if ref >= count:
            return _fail(report, _REFERENCE, pos)
        pos = after
        if pending < 0:
            pending = np.int64(ref)
            continue
        name_length = np.int64(lengths[np.uint64(pending)])
        if name_length == 8 and load_u64(raw, np.int64(starts[np.uint64(pending)])) == _METRIC_NAME_WORD:
            facts[METRIC] = np.int64(ref)
        size += message_size(string_size(name_length) + string_size(np.int64(lengths[ref])))
        pending = -1
    facts[PENDING] = pending
    return size


@kernel
def read_sample(raw: Any, pos: Any, end: Any, time_field: Any) -> tuple[Any, Any, Any, Any]:
    """Return (value bits, time, start time, status) of the Sample or Exemplar in [pos, end).

    A Sample has value 1, time 2, start 3; an Exemplar references 1, value 2, time 3, and no start. Status
    is 0, or a fault's code.
    """
    value, time, start = np.uint64(0), np.uint64(0), np.uint64(0)
    while pos < end:
        field, wire, after = read_tag(raw, pos, end)
        if after < 0:
            return value, time, start, _CUT_OFF
        if field == time_field - 1:
            if wire != FIXED64:
                return value, time, start, _WIRE_TYPE
            value, pos = read_fixed64(raw, after, end)
        elif field == time_field or (time_field == 2 and field == 3):
            if wire != VARINT:
                return value, time, start, _WIRE_TYPE
            number, pos = read_varint(raw, after, end)
            if field == time_field:
                time = number
            else:
                start = number
        else:
            pos = skip_field(raw, after, end, wire)
        if pos < 0:
            return value, time, start, _CUT_OFF
    return value, time, start, 0


@inlined_kernel
def timed_size(time: Any) -> Any:
    """Return the bytes of a double field and an int64 field, the latter left out when zero."""
    return 9 + (1 + varint_size(time) if time != np.uint64(0) else 0)


@kernel
def measure_exemplar(raw: Any, pos: Any, end: Any, starts: Any, lengths: Any, facts: Any, report: Any) -> Any:
    """Return the bytes of the 1.0 exemplar of [pos, end) without tag and length, or -1."""
    _, time, _, status = read_sample(raw, pos, end, 3)
    if status != 0:
        return _fail(report, status, pos)
    size = timed_size(time)
    pending, metric = facts[PENDING], facts[METRIC]
    facts[PENDING] = -1
    while pos < end:
        field, wire, after = read_tag(raw, pos, end)
        next_pos = skip_field(raw, after, end, wire)
        if field == 1:
            if wire not in (LENGTH_DELIMITED, VARINT):
                return _fail(report, _WIRE_TYPE, pos)
            start = read_length(raw, after, end)[0] if wire == LENGTH_DELIMITED else after
            labels = _measure_refs(raw, start, next_pos, starts, lengths, facts, report)
            if labels < 0:
                return -1
            size += labels
        pos = next_pos
    if facts[PENDING] >= 0:
        return _fail(report, _ODD_REFERENCES, pos)
    facts[PENDING], facts[METRIC] = pending, metric
    return size


@kernel
def _is_span(raw: Any, pos: Any, end: Any) -> bool:
    """Return whether [pos, end) is a BucketSpan: offset and length, both varints."""
    while pos < end:
        field, wire, after = read_tag(raw, pos, end)
        if after < 0 or (field in (1, 2) and wire != VARINT):
            return False
        pos = skip_field(raw, after, end, wire)
        if pos < 0:
            return False
    return True


@kernel
def _packed_fits(raw: Any, pos: Any, end: Any, kind: Any) -> Any:
    """Return whether [pos, end) is a packed list of varints or of doubles."""
    if kind != _MANY_VARINTS:
        return (end - pos) % 8 == 0
    while pos < end:
        _, pos = read_varint(raw, pos, end)
        if pos < 0:
            return False
    return True


@kernel
def check_histogram(raw: Any, pos: Any, end: Any) -> tuple[bool, Any, Any]:
    """Return (has a start, fault code or 0, position of the fault) of the Histogram in [pos, end)."""
    has_start = False
    while pos < end:
        field, wire, after = read_tag(raw, pos, end)
        if after < 0:
            return False, _CUT_OFF, pos
        next_pos = skip_field(raw, after, end, wire)
        if next_pos < 0:
            return False, _CUT_OFF, pos
        if field < len(_HISTOGRAM_FIELDS):
            kind = _HISTOGRAM_FIELDS[field]
            if kind in (_ONE_VARINT, _ONE_FIXED):
                legal = wire == (VARINT if kind == _ONE_VARINT else FIXED64)
            elif wire == LENGTH_DELIMITED:
                start, _ = read_length(raw, after, end)
                legal = (
                    _is_span(raw, start, next_pos)
                    if kind == _SPAN
                    else _packed_fits(raw, start, next_pos, kind)
                )
            else:
                legal = kind != _SPAN and wire == (VARINT if kind == _MANY_VARINTS else FIXED64)
            if not legal:
                return False, _WIRE_TYPE, pos
            if field == HISTOGRAM_START_FIELD:
                has_start = read_varint(raw, after, end)[0] != np.uint64(0)
        pos = next_pos
    return has_start, 0, pos


@kernel
def _read_metadata(raw: Any, pos: Any, end: Any, facts: Any, report: Any) -> Any:
    """Take type, help and unit of the Metadata in [pos, end) into `facts`; return 0, or -1."""
    while pos < end:
        field, wire, after = read_tag(raw, pos, end)
        if after < 0:
            return _fail(report, _CUT_OFF, pos)
        if field in (1, 3, 4):
            if wire != VARINT:
                return _fail(report, _WIRE_TYPE, pos)
            number, next_pos = read_varint(raw, after, end)
            if next_pos >= 0 and field != 1 and number >= np.uint64(facts[SYMBOLS]):
                return _fail(report, _REFERENCE, pos)
            if field == 1:
                # An enumeration has 32 bits; a type that is not known (yet) is an unknown type.
                number &= np.uint64(0xFFFFFFFF)
                facts[_TYPE] = np.int64(number) if number <= np.uint64(_TYPE_LARGEST) else 0
            elif field == 3:
                facts[_HELP] = np.int64(number)
            else:
                facts[_UNIT] = np.int64(number)
        else:
            next_pos = skip_field(raw, after, end, wire)
        if next_pos < 0:
            return _fail(report, _CUT_OFF, pos)
        pos = next_pos
    return 0


@kernel
def _measure_part(
    raw: Any, field: Any, start: Any, stop: Any, starts: Any, lengths: Any, facts: Any, report: Any
) -> Any:
    """Return the bytes that the field of a series in [start, stop) becomes, or -1."""
    if field == 1:
        return _measure_refs(raw, start, stop, starts, lengths, facts, report)
    if field == 2:
        _, time, begun, status = read_sample(raw, start, stop, 2)
        if status != 0:
            return _fail(report, status, start)
        if begun == np.uint64(0):
            facts[_NEED_START] += 1
            return message_size(timed_size(time))
        return message_size(timed_size(time) + 1 + varint_size(begun))
    if field == 3:
        facts[_HISTOGRAMS] += 1
        has_start, code, position = check_histogram(raw, start, stop)
        if code != 0:
            return _fail(report, code, position)
        created = np.uint64(facts[_CREATED])
        extra = 0 if has_start or created == np.uint64(0) else 2 + varint_size(created)
        return message_size(stop - start + extra)
    if field == 4:
        size = measure_exemplar(raw, start, stop, starts, lengths, facts, report)
        return -1 if size < 0 else message_size(size)
    return _read_metadata(raw, start, stop, facts, report)


@kernel
def created_of(raw: Any, pos: Any, end: Any) -> Any:
    """Return created_timestamp of the series in [pos, end) as uint64; 0 if it has none or is cut off."""
    created = np.uint64(0)
    while pos < end:
        field, wire, after = read_tag(raw, pos, end)
        if after < 0:
            return created
        if field == 6 and wire == VARINT:
            created, _ = read_varint(raw, after, end)
        pos = skip_field(raw, after, end, wire)
        if pos < 0:
            return created
    return created


@kernel
def _measure_series(raw: Any, pos: Any, end: Any, starts: Any, lengths: Any, facts: Any, report: Any) -> Any:
    """Return the bytes of the 1.0 TimeSeries of [pos, end) without tag and length, or -1; fill `facts`."""
    for slot in range(SYMBOLS):
        facts[slot] = 0
    facts[PENDING] = facts[METRIC] = -1
    created = created_of(raw, pos, end)
    facts[_CREATED] = np.int64(created)
    size = 0
    while pos < end:
        field, wire, after = read_tag(raw, pos, end)
        if after < 0:
            return _fail(report, _CUT_OFF, pos)
        stop = skip_field(raw, after, end, wire)
        if stop < 0:
            return _fail(report, _CUT_OFF, pos)
        if field <= 6:
            if wire != (VARINT if field == 6 else LENGTH_DELIMITED) and not (field == 1 and wire == VARINT):
                return _fail(report, _WIRE_TYPE, pos)
            if field < 6:
                start = read_length(raw, after, end)[0] if wire == LENGTH_DELIMITED else after
                part = _measure_part(raw, field, start, stop, starts, lengths, facts, report)
                if part < 0:
                    return -1
                size += part
        pos = stop
    if facts[PENDING] >= 0:
        return _fail(report, _ODD_REFERENCES, pos)
    if created != np.uint64(0):
        report[ANY_CREATED] = 1
        size += facts[_NEED_START] * (1 + varint_size(created))
    return size


@kernel
def _ends_with(raw: Any, end: Any, length: Any, suffix: Any) -> bool:
    """Return whether the `length` bytes before `end` are longer than `suffix` and end with it."""
    if length <= len(suffix):
        return False
    same = True
    for index in range(len(suffix)):
        same &= load_u8(raw, end - len(suffix) + index) == suffix[index]
    return same


_BUCKET: Final = np.frombuffer(b"_bucket", dtype=np.uint8)
_SUM: Final = np.frombuffer(b"_sum", dtype=np.uint8)
_COUNT: Final = np.frombuffer(b"_count", dtype=np.uint8)


@kernel
def _family_length(raw: Any, start: Any, length: Any, facts: Any) -> Any:
    """Return how many bytes of the metric's name are its family's name."""
    kind, end = facts[_TYPE], start + length
    # The name of a native histogram is its family's, whatever its ending.
    if kind not in (_TYPE_HISTOGRAM, _TYPE_GAUGE_HISTOGRAM, _TYPE_SUMMARY) or facts[_HISTOGRAMS] > 0:
        return length
    if _ends_with(raw, end, length, _SUM):
        return length - len(_SUM)
    if _ends_with(raw, end, length, _COUNT):
        return length - len(_COUNT)
    if kind != _TYPE_SUMMARY and _ends_with(raw, end, length, _BUCKET):
        return length - len(_BUCKET)
    return length


@kernel
def _same_bytes(raw: Any, left: Any, right: Any, length: Any) -> bool:
    same = True
    for index in range(length):
        same &= load_u8(raw, left + index) == load_u8(raw, right + index)
    return same


@kernel
def _add_family(
    raw: Any, starts: Any, lengths: Any, families: Any, table: Any, seen: Any, facts: Any, report: Any
) -> Any:
    """Note the metadata of the series at hand unless its family has some; return the bytes it will take."""
    metric, kind, help_ref, unit_ref = facts[METRIC], facts[_TYPE], facts[_HELP], facts[_UNIT]
    if lengths[metric] == 0:
        return 0
    if kind == 0 and (facts[SYMBOLS] == 0 or (lengths[help_ref] == 0 and lengths[unit_ref] == 0)):
        return 0
    start = np.int64(starts[metric])
    length = _family_length(raw, start, np.int64(lengths[metric]), facts)
    # By its type, a metric is of the family of its whole name or of the one without its ending.
    form = 1 if length == lengths[metric] else 2
    if seen[metric] & form:
        return 0
    seen[metric] |= form
    mask = facts[TABLE_MASK]
    slot = np.int64(hash_bytes(raw, start, start + length, np.uint64(report[SEED])) & np.uint64(mask))
    while table[slot] != 0:
        other = np.int64(table[slot] - 1) * FAMILY
        if families[other + 1] == length and _same_bytes(
            raw, np.int64(starts[families[other]]), start, length
        ):
            return 0
        slot = (slot + 1) & mask
    row = report[FAMILIES]
    report[FAMILIES] = row + 1
    table[slot] = row + 1
    base = row * FAMILY
    families[base] = metric
    families[base + 1] = length
    families[base + 2] = kind
    families[base + 3] = help_ref
    families[base + 4] = unit_ref
    return message_size(family_size(families, base, lengths))


@inlined_kernel
def family_size(families: Any, base: Any, lengths: Any) -> Any:
    """Return the bytes of a MetricMetadata without tag and length."""
    size = string_size(np.int64(families[base + 1])) + (2 if families[base + 2] != 0 else 0)
    size += string_size(np.int64(lengths[families[base + 3]]))
    return size + string_size(np.int64(lengths[families[base + 4]]))


@kernel
def measure(
    body: Any,
    starts: Any,
    lengths: Any,
    sizes: Any,
    families: Any,
    table: Any,
    seen: Any,
    facts: Any,
    report: Any,
    limit: Any,
) -> Any:
    """Fill in symbols, sizes of series and families; return the bytes of the 1.0 request, or -1.

    A series whose references are wrong has the negative code of its fault for a size.
    """
    return _measure_all(
        pointer(body),
        len(body),
        pointer(starts),
        pointer(lengths),
        pointer(sizes),
        pointer(families),
        pointer(table),
        pointer(seen),
        pointer(facts),
        pointer(report),
        limit,
    )


@kernel
def _measure_all(
    raw: Any,
    end: Any,
    starts: Any,
    lengths: Any,
    sizes: Any,
    families: Any,
    table: Any,
    seen: Any,
    facts: Any,
    report: Any,
    limit: Any,
) -> Any:
    """Do what `measure` says, on pointers."""
    _find_symbols(raw, end, starts, lengths)
    if facts[SYMBOLS] > 0 and lengths[0] != 0:
        return _fail(report, _FIRST_SYMBOL, np.int64(starts[0]))
    pos, total, index = 0, 0, 0
    while pos < end:
        field, wire, pos = read_tag(raw, pos, end)
        if field == 5:
            report[SERIES] = index
            start, stop = read_length(raw, pos, end)
            size = _measure_series(raw, start, stop, starts, lengths, facts, report)
            if size < 0 and report[CODE] in (_REFERENCE, _ODD_REFERENCES):
                # The others are none the worse for it.
                size, sizes[index] = REFUSED_BYTES, -report[CODE]
                report[CODE] = 0
            elif size < 0:
                return -1
            else:
                sizes[index] = size
                if facts[METRIC] >= 0:
                    total += _add_family(raw, starts, lengths, families, table, seen, facts, report)
            total += message_size(size)
            if total > limit:
                return _fail(report, _TOO_LARGE, start)
            index += 1
        pos = skip_field(raw, pos, end, wire)
    return total
