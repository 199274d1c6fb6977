"""The labels of a series on the wire: read, checked, sorted, hashed to the series' id.

`at` is scratch of int64[LABELS_MAX, 4], by address: a label's name start and end, value start and end.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pharos.compiled.hashing import hash_bytes
from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.compiled.memory import copy_bytes, get_i64, get_u64, load_u8, put_u64
from pharos.compiled.protobuf import (
    LENGTH_DELIMITED,
    VARINT,
    is_utf8,
    read_length,
    read_tag,
    read_varint,
    skip_field,
    write_varint,
)
from pharos.engine.keys import METRIC_SEED
from pharos.ingest.remote_write.measure import REFUSED_FIELD

# Why a series is refused; 0 is none.
TOO_MANY_LABELS: Final = 1
EMPTY_LABEL_NAME: Final = 2
DUPLICATE_LABEL: Final = 3
NOT_UTF8: Final = 4
NO_METRIC_NAME: Final = 5
LABEL_NAME_TOO_LONG: Final = 6
LABEL_VALUE_TOO_LONG: Final = 7
BAD_LABEL: Final = 9
BEYOND_LABELS: Final = 10
"""And the next two: more, or longer, than the tenant may have."""
BEYOND_NAME: Final = 11
BEYOND_VALUE: Final = 12
REFUSED: Final = 32
"""And above: what a reader before this one found wrong, see `REFUSED_FIELD`."""

LABELS_MAX: Final = 256
LABEL_NAME_MAX_BYTES: Final = 1024
LABEL_VALUE_MAX_BYTES: Final = 32_768

_ID_SEED: Final = np.uint64(0x7068_6172_6F73_0001)


@kernel
def _read_label(buf: Any, start: int, end: int, at: Any, row: int) -> int:
    """Read one Label message into row `row` of `at`: name start, name end, value start, value end.

    Returns BAD_LABEL, REFUSED and above, or 0.
    """
    for k in range(4):
        put_u64(at, 4 * row + k, start)
    pos = start
    while pos < end:
        field, wire, pos = read_tag(buf, pos, end)
        if pos < 0:
            return BAD_LABEL
        if field <= 2:
            first, stop = read_length(buf, pos, end)
            if stop < 0 or wire != LENGTH_DELIMITED:
                return BAD_LABEL
            put_u64(at, 4 * row + 2 * field - 2, first)
            put_u64(at, 4 * row + 2 * field - 1, stop)
            pos = stop
        elif field == REFUSED_FIELD and wire == VARINT:
            code, _ = read_varint(buf, pos, end)
            return REFUSED + np.int64(code & np.uint64(7))  # type: ignore[return-value]
        else:
            pos = skip_field(buf, pos, end, wire)
            if pos < 0:
                return BAD_LABEL
    return 0


@inlined_kernel
def name_start(at: Any, row: int) -> int:
    """Return where the name of label `row` begins."""
    return get_i64(at, 4 * row)


@inlined_kernel
def name_end(at: Any, row: int) -> int:
    """Return where the name of label `row` ends."""
    return get_i64(at, 4 * row + 1)


@inlined_kernel
def value_start(at: Any, row: int) -> int:
    """Return where the value of label `row` begins."""
    return get_i64(at, 4 * row + 2)


@inlined_kernel
def value_end(at: Any, row: int) -> int:
    """Return where the value of label `row` ends."""
    return get_i64(at, 4 * row + 3)


@kernel
def _compare_names(buf: Any, at: Any, left_row: int, right_row: int) -> int:
    """Return the byte order of two labels' names: negative, 0 or positive."""
    a, a_end = name_start(at, left_row), name_end(at, left_row)
    b, b_end = name_start(at, right_row), name_end(at, right_row)
    shorter = min(a_end - a, b_end - b)
    for i in range(shorter):
        left: Any = np.int64(load_u8(buf, a + i))
        right: Any = np.int64(load_u8(buf, b + i))
        if left != right:
            return left - right
    return (a_end - a) - (b_end - b)


@kernel
def _is_metric_name(buf: Any, start: int, end: int) -> bool:
    """Return whether the range spells `__name__`."""
    if end - start != 8:
        return False
    spelled = (95, 95, 110, 97, 109, 101, 95, 95)
    same = True
    for i in range(8):
        same &= load_u8(buf, start + i) == spelled[i]
    return same


@kernel
def _label_fault(buf: Any, at: Any, row: int) -> int:
    """Return why the label that was read into `row` is refused; 0 if it is good."""
    if name_end(at, row) == name_start(at, row):
        return EMPTY_LABEL_NAME
    if name_end(at, row) - name_start(at, row) > LABEL_NAME_MAX_BYTES:
        return LABEL_NAME_TOO_LONG
    if value_end(at, row) - value_start(at, row) > LABEL_VALUE_MAX_BYTES:
        return LABEL_VALUE_TOO_LONG
    if not is_utf8(buf, name_start(at, row), name_end(at, row)):
        return NOT_UTF8
    if not is_utf8(buf, value_start(at, row), value_end(at, row)):
        return NOT_UTF8
    return 0


@kernel
def read_labels(buf: Any, start: int, end: int, at: Any) -> tuple[int, int]:
    """Read the Label fields of [start, end) into `at`, sorted by name, empty values left out.

    Returns (count, fault): a fault is one of the reasons above.
    """
    count = 0
    pos = start
    while pos < end:
        _, _, pos = read_tag(buf, pos, end)
        first, stop = read_length(buf, pos, end)
        if stop < 0:
            return 0, BAD_LABEL
        if count == LABELS_MAX:
            return 0, TOO_MANY_LABELS
        fault = _read_label(buf, first, stop, at, count)
        if fault == 0:
            fault = _label_fault(buf, at, count)
        if fault != 0:
            return 0, fault
        pos = stop
        place = count
        while place > 0:
            order = _compare_names(buf, at, place - 1, place)
            if order == 0:
                return 0, DUPLICATE_LABEL
            if order < 0:
                break
            for k in range(4 * place, 4 * place + 4):
                held = get_u64(at, k)
                put_u64(at, k, get_u64(at, k - 4))
                put_u64(at, k - 4, held)
            place -= 1
        count += 1
    kept = 0
    for row in range(count):
        if value_end(at, row) > value_start(at, row):
            for k in range(4):
                put_u64(at, 4 * kept + k, get_u64(at, 4 * row + k))
            kept += 1
    return kept, 0


@kernel
def beyond_limits(at: Any, count: int, most: int, most_name_bytes: int, most_value_bytes: int) -> int:
    """Return which limit of a tenant the labels that were read go beyond; 0 for none, as is a limit of 0."""
    if 0 < most < count:
        return BEYOND_LABELS
    for row in range(count):
        if 0 < most_name_bytes < name_end(at, row) - name_start(at, row):
            return BEYOND_NAME
        if 0 < most_value_bytes < value_end(at, row) - value_start(at, row):
            return BEYOND_VALUE
    return 0


@kernel
def labels_id(buf: Any, at: Any, count: int) -> tuple[Any, Any, int]:
    """Return (id, metric hash, row of the metric's name or -1) of sorted labels."""
    state = _ID_SEED
    metric = np.uint64(0)
    named = -1
    for row in range(count):
        state = hash_bytes(buf, name_start(at, row), name_end(at, row), state)
        state = hash_bytes(buf, value_start(at, row), value_end(at, row), state)
        if _is_metric_name(buf, name_start(at, row), name_end(at, row)):
            metric = hash_bytes(buf, value_start(at, row), value_end(at, row), METRIC_SEED)
            named = row
    return state, metric, named


@inlined_kernel
def put_string(buf: Any, start: int, end: int, out: Any, pos: int) -> int:
    """Write [start, end) with its length in front and return the offset after it; room is the caller's."""
    size = end - start
    pos = write_varint(out, pos, np.uint64(size))
    copy_bytes(out, pos, buf, start, size)
    return pos + size
