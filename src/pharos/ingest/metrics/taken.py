"""What was taken of a request of which a limit refused some: the same request without the rest."""

from __future__ import annotations

from typing import Any

import numpy as np

from pharos.compiled.hashing import hash_bytes_128
from pharos.compiled.kernel import kernel
from pharos.compiled.memory import byte_pointer, copy_bytes, get_u64
from pharos.compiled.protobuf import read_length, read_tag, skip_field
from pharos.ingest.metrics.known import find_slot, known_pointers


@kernel
def _labels_of(buf: Any, start: int, end: int) -> tuple[int, int]:
    """Return where the labels of a TimeSeries begin and end; they stand together."""
    labels_start: Any = np.int64(start)
    labels_end: Any = np.int64(start)
    pos = start
    while 0 <= pos < end:
        begin = pos
        field, wire, pos = read_tag(buf, pos, end)
        if pos >= 0:
            pos = skip_field(buf, pos, end, wire)
        if field == 1:
            if labels_end == labels_start:
                labels_start = begin
            labels_end = pos
    return labels_start, labels_end


@kernel
def keep_taken(body: Any, known_arrays: Any, hour: Any, seed: Any, out: Any) -> int:
    """Copy to `out`, of the same size, what was taken of a request that was just decoded; return its size.

    Series that were taken have been seen in this hour.
    """
    end = len(body)
    buf = byte_pointer(body)
    into = byte_pointer(out)
    known = known_pointers(known_arrays)
    pos, written = 0, 0
    while pos < end:
        begin = pos
        field, wire, pos = read_tag(buf, pos, end)
        first, _ = read_length(buf, pos, end)
        pos = skip_field(buf, pos, end, wire)
        if field == 1:
            labels_start, labels_end = _labels_of(buf, first, pos)
            low, high = hash_bytes_128(buf, labels_start, labels_end, seed)
            slot = find_slot(known, low | np.uint64(1), high)
            if slot < 0 or get_u64(known.days, slot) & hour == np.uint64(0):
                continue
        copy_bytes(into, written, buf, begin, pos - begin)
        written += pos - begin
    return written
