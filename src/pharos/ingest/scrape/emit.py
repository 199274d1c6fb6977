"""The body a scrape becomes: a remote-write 1.0 WriteRequest, joined from cached pieces.

Field numbers are those of prometheus/prompb `types.proto` and `remote.proto`: WriteRequest {1 timeseries, 3
metadata}, TimeSeries {1 labels, 2 samples, 3 exemplars, 4 histograms}, Label {1 name, 2 value}, Sample {1
value, 2 timestamp}, Exemplar {1 labels, 2 value, 3 timestamp}, MetricMetadata {1 type, 2 family, 4 help, 5
unit}.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pharos.compiled.hashing import hash_bytes
from pharos.compiled.kernel import kernel
from pharos.compiled.memory import copy_bytes, store_u8, store_u64
from pharos.compiled.protobuf import varint_size, write_varint
from pharos.ingest.scrape.exposition.scan import EXEMPLAR_START, HAS_EXEMPLAR, HAS_TIME, IS_HISTOGRAM


@kernel
def _put(out: Any, size: int, blob: Any, offset: int, length: int, bits: Any, time_ms: int) -> int:
    """Write one TimeSeries field at `size` and return the offset after it."""
    stamp = np.uint64(time_ms)
    sample = 10 + varint_size(stamp)
    store_u8(out, size, np.uint8(0x0A))
    size = write_varint(out, size + 1, np.uint64(length + 2 + sample))
    copy_bytes(out, size, blob, offset, length)
    size += length
    store_u8(out, size, np.uint8(0x12))
    store_u8(out, size + 1, np.uint8(sample))
    store_u8(out, size + 2, np.uint8(0x09))
    store_u64(out, size + 3, bits)
    store_u8(out, size + 11, np.uint8(0x10))
    return int(write_varint(out, size + 12, stamp))


SAMPLE_ROOM: Final = 40
"""At most so many bytes does a TimeSeries field take beside its labels."""


@kernel
def room_for(refs: Any, lines: int, lengths: Any) -> tuple[int, int]:
    """Return (bytes that the samples of these lines may take, how many lines are kept)."""
    room, kept = 0, 0
    for row in range(lines):
        ref = refs[row]
        if ref >= 0:
            room += lengths[ref] + SAMPLE_ROOM
            kept += 1
    return room, kept


@kernel
def put_samples(
    columns: Any, lines: int, series: Any, turn: int, times_given: Any, honor: Any, out: Any
) -> tuple[int, int, int]:
    """Write the samples of a scanned page to `out`; return (bytes, duplicates, samples too far ahead).

    `columns` are (refs, bits, times, flags) of the page; `series` the cache's (blob, offsets, lengths,
    tracked, live); `times_given` (time of the scrape, latest time taken) in ms; `honor` (explicit timestamps
    are obeyed, they are tracked for staleness too). A series met twice without a timestamp of its own is
    stored once.
    """
    refs, bits, times, flags = columns
    blob, offsets, lengths, tracked, live = series
    scrape_time, latest = times_given
    honor_times, track_times = honor
    size, duplicates, ahead = 0, 0, 0
    for row in range(lines):
        ref = refs[row]
        if ref < 0:
            continue
        explicit = honor_times and (flags[row] & HAS_TIME) != 0
        if not explicit and tracked[ref] == turn:
            duplicates += 1
            continue
        stamp = times[row] if explicit else scrape_time
        if stamp > latest:
            ahead += 1
            continue
        if not explicit or track_times:
            tracked[ref] = turn
            live[ref] = 1
        if (flags[row] & IS_HISTOGRAM) == 0:
            size = _put(out, size, blob, offsets[ref], lengths[ref], bits[row], stamp)
    return size, duplicates, ahead


@kernel
def stale_room(count: int, turn: int, lengths: Any, tracked: Any, live: Any) -> int:
    """Return the bytes that the stale markers of this turn may take."""
    room = 0
    for ref in range(count):
        if live[ref] != 0 and tracked[ref] != turn:
            room += lengths[ref] + SAMPLE_ROOM
    return room


@kernel
def put_stale(count: int, series: Any, turn: int, stale_bits: Any, time_ms: int, out: Any, size: int) -> int:
    """Write a stale marker for each live series not seen this turn, mark it not live; return the size
    after.
    """
    blob, offsets, lengths, tracked, live = series
    for ref in range(count):
        if live[ref] != 0 and tracked[ref] != turn:
            size = _put(out, size, blob, offsets[ref], lengths[ref], stale_bits, time_ms)
            live[ref] = 0
    return size


@kernel
def changed_exemplars(
    body: Any, spans: Any, flags: Any, refs: Any, lines: int, seed: Any, last: Any, out: Any
) -> int:
    """List in `out` the rows whose exemplar differs from the series' last one; return how many.

    `last` holds the hash of each series' last exemplar text and is brought up to date.
    """
    count = 0
    for row in range(lines):
        ref = refs[row]
        if (flags[row] & HAS_EXEMPLAR) == 0 or ref < 0:
            continue
        start = np.int64(spans[row, EXEMPLAR_START])
        stop = start
        while stop < len(body) and body[stop] != 10:
            stop += 1
        text_hash = hash_bytes(body, start, stop, seed)
        if last[ref] != text_hash:
            last[ref] = text_hash
            out[count] = row
            count += 1
    return count
