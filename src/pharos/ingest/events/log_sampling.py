"""Sampling of log records: of a request that was decoded, the request of those that are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pharos.compiled.hashing import hash_bytes
from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.compiled.memory import copy_bytes, load_u8, load_u64, pointer, store_u8
from pharos.compiled.protobuf import varint_size, write_varint
from pharos.ingest.events.chunks import LogChunk, RecordPlaces
from pharos.ingest.events.levels import LEVELS
from pharos.ingest.events.wire import (
    GROUP_RECORDS,
    RESOURCE_START,
    RESOURCE_STOP,
    SCOPE_START,
    SCOPE_STOP,
)
from pharos.sampling import SHARE_BITS, WHOLE

BarsOf = Callable[[str], "NDArray[np.int64] | None"]
"""Returns for each level of a service below which number hashes are kept; None where all are."""

_SALT: Final = np.uint64(0x4CF2D2BAAE6DA887)
_FACTOR_1: Final = np.uint64(0xFF51AFD7ED558CCD)
_FACTOR_2: Final = np.uint64(0xC4CEB9FE1A85EC53)
_HALF: Final = np.uint64(33)
_UNUSED_BITS: Final = np.uint64(64 - SHARE_BITS)
_RECORD_SEED: Final = np.uint64(0x7068_6172_6F73_0005)
_FIRST: Final = np.uint8(0x0A)
_SECOND: Final = np.uint8(0x12)
_HEAD_BYTES: Final = 48
"""More than the tags and lengths around a group take."""


@inlined_kernel
def _hash_trace(low: Any) -> Any:
    """Return the hash of a trace by the last eight bytes of its id: the engine's `intHash64`.

    Some tracers make but these at random. The engine decides about spans by the same hash, so that a trace's
    records are kept where its spans are.
    """
    found = low ^ _SALT
    found = (found ^ (found >> _HALF)) * _FACTOR_1
    found = (found ^ (found >> _HALF)) * _FACTOR_2
    return found ^ (found >> _HALF)


@inlined_kernel
def _put_head(out: Any, at: Any, tag: Any, size: Any) -> Any:
    store_u8(out, at, tag)
    return write_varint(out, at + 1, np.uint64(size))


@inlined_kernel
def _sized(size: Any) -> Any:
    """Return how many bytes a field of so many bytes takes."""
    return 1 + varint_size(np.uint64(size)) + size


@kernel
def _is_kept(raw: Any, start: Any, stop: Any, trace: Any, at: Any, bar: Any) -> Any:
    """Return whether a record is kept; that of a trace as the trace is."""
    if bar >= WHOLE:
        return True
    is_of_trace = False
    for index in range(16):
        is_of_trace |= load_u8(trace, at + index) != 0
    found = (
        _hash_trace(load_u64(trace, at + 8)) if is_of_trace else hash_bytes(raw, start, stop, _RECORD_SEED)
    )
    return np.int64(found >> _UNUSED_BITS) < bar


@kernel
def _put_records(raw: Any, records: Any, record_of: Any, kept: Any, first: Any, last: Any, to: Any) -> Any:
    """Write the kept records of rows [first, last); return the position after."""
    out, at = to
    for row in range(first, last):
        if kept[row]:
            start, stop = records[record_of[row], 0], records[record_of[row], 1]
            at = _put_head(out, at, _SECOND, stop - start)
            copy_bytes(out, at, raw, start, stop - start)
            at += stop - start
    return at


@kernel
def keep_records(body: Any, groups: Any, records: Any, rows: Any, out: Any) -> Any:
    """Write the request of the records that are kept to `out`; return its size.

    `rows` are which record each row is, below which number its hash must be, trace ids of 16 bytes, and an
    array in which it is noted whether the row is kept.
    """
    raw, into = pointer(body), pointer(out)
    record_of, bars, traces, kept = rows
    trace = pointer(traces)
    row, record, at = np.int64(0), np.int64(0), np.int64(0)
    for group in range(len(groups)):
        first, held = row, np.int64(0)
        record += groups[group, GROUP_RECORDS]
        while row < len(record_of) and record_of[row] < record:
            start, stop = records[record_of[row], 0], records[record_of[row], 1]
            kept[row] = _is_kept(raw, start, stop, trace, row * 16, bars[row])
            if kept[row]:
                held += _sized(stop - start)
            row += 1
        if held == 0:
            continue
        resource = groups[group, RESOURCE_STOP] - groups[group, RESOURCE_START]
        scope = groups[group, SCOPE_STOP] - groups[group, SCOPE_START]
        inner = _sized(scope) + held
        at = _put_head(into, at, _FIRST, _sized(resource) + _sized(inner))
        at = _put_head(into, at, _FIRST, resource)
        copy_bytes(into, at, raw, groups[group, RESOURCE_START], resource)
        at = _put_head(into, at + resource, _SECOND, inner)
        at = _put_head(into, at, _FIRST, scope)
        copy_bytes(into, at, raw, groups[group, SCOPE_START], scope)
        at = _put_records(raw, records, record_of, kept, first, row, (into, at + scope))
    return at


class SampledLogs(Struct, frozen=True):
    """What is left of a request of which not all is kept."""

    plain: bytes
    """A request of the records that are kept, as they were sent."""
    dropped: dict[str, int]
    """How many are not, by level; `unknown` for those without one."""


def sample_logs(chunk: LogChunk, places: RecordPlaces, bars_of: BarsOf) -> SampledLogs | None:
    """Return what is kept of a request's records; None where all are."""
    head = chunk.head
    bars = np.full((max(len(head.origins), 1), len(LEVELS)), WHOLE, np.int64)
    for number, origin in enumerate(head.origins):
        own = bars_of(origin.service)
        if own is not None:
            bars[number] = own
    wanted = bars[head.group, chunk.level]
    if not head.rows or int(wanted.min()) >= WHOLE:
        return None
    groups = places.groups
    heads = groups[:, [RESOURCE_STOP, SCOPE_STOP]] - groups[:, [RESOURCE_START, SCOPE_START]] + _HEAD_BYTES
    out = np.empty(len(places.body) + 12 * len(places.records) + int(heads.sum()), np.uint8)
    kept = np.zeros(head.rows, np.bool_)
    rows = places.record_of, wanted, np.ascontiguousarray(chunk.trace_id).reshape(-1), kept
    size = int(keep_records(places.body, groups, places.records, rows, out))
    if kept.all():
        return None
    counts = np.bincount(chunk.level[~kept], minlength=len(LEVELS)).tolist()
    dropped = {level or "unknown": count for level, count in zip(LEVELS, counts, strict=True) if count}
    return SampledLogs(out[:size].tobytes(), dropped)
