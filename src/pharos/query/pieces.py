"""Samples of a metric in memory, in pieces: built from rows of the store, joined, and read by series.

A piece holds the series of one metric in columns (CSR), ordered by id; the pieces of a bucket follow one
another in time, so that a series' samples are those of the first piece, then those of the second ...
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pharos.ingest.protobuf_kernels import kernel
from pharos.query.regroup import id_table, regroup

Rows = Sequence[tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.float64]]]
"""Chunks of (id, time ms, value), as the store returns them."""

_PIECE_OVERHEAD: Final = 512


@dataclass(frozen=True, slots=True)
class Piece:
    """Samples of series, ordered by id; sample r of series i stands in `offsets[i] <= r < offsets[i + 1]`.

    Times are milliseconds after `base_ms`, ascending, none twice in a series. Only samples from `first_ms` to
    `last_ms` count: the end may have been cut off.
    """

    base_ms: int
    ids: NDArray[np.uint64]
    offsets: NDArray[np.int64]
    ts: NDArray[np.int32]
    values: NDArray[np.float64]
    first_ms: int
    last_ms: int

    @property
    def nbytes(self) -> int:
        """Return the memory it takes."""
        arrays = (self.ids, self.offsets, self.ts, self.values)
        return _PIECE_OVERHEAD + sum(array.nbytes for array in arrays)


@kernel
def _heads(ids: Any, out: Any) -> int:
    """Write the id of every run of equal ids; return how many."""
    n = 0
    for i in range(len(ids)):
        if i == 0 or ids[i] != ids[i - 1]:
            out[n] = ids[i]
            n += 1
    return n


def _distinct(rows: Rows) -> NDArray[np.uint64]:
    found = []
    for ids, _, _ in rows:
        heads = np.empty(len(ids), np.uint64)
        found.append(heads[: _heads(ids, heads)].copy())
    distinct: NDArray[np.uint64] = np.unique(np.concatenate(found))
    return distinct


def piece_of(rows: Rows, base_ms: int, low_ms: int, high_ms: int) -> Piece | None:
    """Return the piece of the rows with `low_ms <= time <= high_ms`, or None if there are none.

    Of several samples with one time the greatest value stays. Times must lie within 24 days of `base_ms`.
    """
    if not rows:
        return None
    ids = _distinct(rows)
    offsets, ts, values = regroup(rows, id_table(ids), len(ids), low_ms, high_ms)
    if not len(ts):
        return None
    first, last = int(ts.min()), int(ts.max())
    # A copy where samples fell out: what is kept must not hold on to the room they had.
    kept = values if values.base is None or values.base.size == values.size else values.copy()
    return Piece(base_ms, ids, offsets, (ts - base_ms).astype(np.int32), kept, first, last)


@kernel
def _lengths(ids: Any, part_ids: Any, part_offsets: Any, part_ts: Any, below: int, lengths: Any) -> None:
    """Add to each series' length what a part has of it before `below`."""
    p = 0
    for s in range(len(ids)):
        while p < len(part_ids) and part_ids[p] < ids[s]:
            p += 1
        if p == len(part_ids):
            return
        if part_ids[p] == ids[s]:
            lengths[s] += _cut(part_ts, part_offsets[p], part_offsets[p + 1], below) - part_offsets[p]


@kernel
def _cut(ts: Any, low: int, high: int, below: int) -> int:
    """Return the first place in [low, high) whose time is not below, else `high`."""
    while low < high:
        middle = (low + high) >> 1
        if ts[middle] < below:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _append(
    ids: Any,
    part_ids: Any,
    part_offsets: Any,
    part_ts: Any,
    part_values: Any,
    below: int,
    cursor: Any,
    ts: Any,
    values: Any,
) -> None:
    """Copy a part's samples before `below` behind what each series has so far."""
    p = 0
    for s in range(len(ids)):
        while p < len(part_ids) and part_ids[p] < ids[s]:
            p += 1
        if p == len(part_ids):
            return
        if part_ids[p] == ids[s]:
            low = part_offsets[p]
            high = _cut(part_ts, low, part_offsets[p + 1], below)
            at = cursor[s]
            for i in range(low, high):
                ts[at] = part_ts[i]
                values[at] = part_values[i]
                at += 1
            cursor[s] = at


def until(piece: Piece, below_ms: int) -> Piece | None:
    """Return the piece without its samples from `below_ms` on, or None if none are left; copies nothing."""
    if piece.last_ms < below_ms:
        return piece
    return replace(piece, last_ms=below_ms - 1) if piece.first_ms < below_ms else None


def joined(pieces: Sequence[Piece]) -> Piece:
    """Return one piece of several that follow one another in time and have one base."""
    base = pieces[0].base_ms
    ids: NDArray[np.uint64] = pieces[0].ids
    for piece in pieces[1:]:
        if not np.array_equal(ids, piece.ids):
            ids = np.union1d(ids, piece.ids)
    lengths = np.zeros(len(ids), np.int64)
    for piece in pieces:
        _lengths(ids, piece.ids, piece.offsets, piece.ts, piece.last_ms - base + 1, lengths)
    offsets = np.zeros(len(ids) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    ts = np.empty(offsets[-1], np.int32)
    values = np.empty(offsets[-1], np.float64)
    cursor = offsets[:-1].copy()
    for piece in pieces:
        below = piece.last_ms - base + 1
        _append(ids, piece.ids, piece.offsets, piece.ts, piece.values, below, cursor, ts, values)
    return Piece(base, ids, offsets, ts, values, pieces[0].first_ms, pieces[-1].last_ms)


@kernel
def _find(
    ids: Any,
    part_ids: Any,
    part_offsets: Any,
    part_ts: Any,
    first: int,
    last: int,
    low: Any,
    high: Any,
    lengths: Any,
) -> None:
    """Write where each wanted series' samples of first <= time <= last stand; add their number to lengths.

    Two ways to walk both ordered lists: step by step, or by bisection where few are wanted of many.
    """
    few = 16 * len(ids) < len(part_ids)
    p = 0
    for s in range(len(ids)):
        if few:
            end = len(part_ids)
            while p < end:
                middle = (p + end) >> 1
                if part_ids[middle] < ids[s]:
                    p = middle + 1
                else:
                    end = middle
        else:
            while p < len(part_ids) and part_ids[p] < ids[s]:
                p += 1
        if p == len(part_ids) or part_ids[p] != ids[s]:
            low[s] = 0
            high[s] = 0
            continue
        a = part_offsets[p]
        b = part_offsets[p + 1]
        if a < b and part_ts[a] < first:
            a = _cut(part_ts, a, b, first)
        if a < b and part_ts[b - 1] > last:
            b = _cut(part_ts, a, b, last + 1)
        low[s] = a
        high[s] = b
        lengths[s] += b - a


@kernel
def _take(
    part_ts: Any, part_values: Any, base_ms: int, low: Any, high: Any, cursor: Any, ts: Any, values: Any
) -> None:
    """Copy a part's samples between low and high behind what each series has so far."""
    for s in range(len(low)):
        at = cursor[s] - low[s]
        for i in range(low[s], high[s]):
            ts[at + i] = base_ms + part_ts[i]
        for i in range(low[s], high[s]):
            values[at + i] = part_values[i]
        cursor[s] = at + high[s]


@dataclass(frozen=True, slots=True)
class Found:
    """Where the samples of a selection stand in pieces; `read` copies them."""

    pieces: Sequence[Piece]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    offsets: NDArray[np.int64]

    @property
    def count(self) -> int:
        """Return the number of samples."""
        return int(self.offsets[-1])

    def read(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Return (offsets[series + 1], times, values)."""
        ts = np.empty(self.count, np.int64)
        values = np.empty(self.count, np.float64)
        cursor = self.offsets[:-1].copy()
        for k, piece in enumerate(self.pieces):
            _take(piece.ts, piece.values, piece.base_ms, self.low[k], self.high[k], cursor, ts, values)
        return self.offsets, ts, values


def find(pieces: Sequence[Piece], ids: NDArray[np.uint64], start_ms: int, end_ms: int) -> Found:
    """Find the samples of the series (ordered ids) with start_ms <= time <= end_ms in ordered pieces."""
    near = [piece for piece in pieces if piece.first_ms <= end_ms and piece.last_ms >= start_ms]
    low = np.empty((len(near), len(ids)), np.int64)
    high = np.empty((len(near), len(ids)), np.int64)
    lengths = np.zeros(len(ids), np.int64)
    for k, piece in enumerate(near):
        first = max(start_ms, piece.first_ms) - piece.base_ms
        last = min(end_ms, piece.last_ms) - piece.base_ms
        _find(ids, piece.ids, piece.offsets, piece.ts, first, last, low[k], high[k], lengths)
    offsets = np.zeros(len(ids) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return Found(near, low, high, offsets)


def warm_up() -> None:
    """Compile the kernels, or load them from disk, for rows as the store returns them: read-only."""
    rows = (np.ones(2, np.uint64), np.arange(2, dtype=np.int64), np.ones(2))
    for column in rows:
        column.flags.writeable = False
    piece = piece_of([rows], 0, 0, 10)
    if piece is not None:
        later = replace(piece, ts=piece.ts + 2, first_ms=2, last_ms=3)
        find([joined([piece, later])], piece.ids, 1, 2).read()
