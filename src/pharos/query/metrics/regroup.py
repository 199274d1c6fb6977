"""From rows as the store returns them to samples grouped by series, ascending, no time twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pharos.compiled.kernel import kernel
from pharos.engine.keys import BUCKET_MS


class IdTable(NamedTuple):
    """Open addressing from a series id to its place; `place` is -1 where a slot is empty."""

    id: NDArray[np.uint64]
    place: NDArray[np.int32]


@kernel
def _fill(ids: Any, table_id: Any, table_place: Any) -> None:
    mask = np.uint64(len(table_id) - 1)
    for i in range(len(ids)):
        slot = ids[i] & mask
        while table_place[slot] >= 0:
            slot = (slot + np.uint64(1)) & mask
        table_id[slot] = ids[i]
        table_place[slot] = i


def id_table(ids: NDArray[np.uint64]) -> IdTable:
    """Return the table of `ids`."""
    slots = 1 << max(4, (2 * len(ids)).bit_length())
    table = IdTable(np.zeros(slots, np.uint64), np.full(slots, -1, np.int32))
    _fill(ids, table.id, table.place)
    return table


@kernel
def _count(ids: Any, table_id: Any, table_place: Any, counts: Any) -> None:
    """Count the rows of each series; rows of a series mostly stand together."""
    mask = np.uint64(len(table_id) - 1)
    i = 0
    n = len(ids)
    while i < n:
        ident = ids[i]
        begin = i
        while i < n and ids[i] == ident:
            i += 1
        slot = ident & mask
        while table_place[slot] >= 0 and table_id[slot] != ident:
            slot = (slot + np.uint64(1)) & mask
        if table_place[slot] >= 0:
            counts[table_place[slot]] += i - begin


@kernel
def _scatter(
    ids: Any,
    ts: Any,
    values: Any,
    table_id: Any,
    table_place: Any,
    cursor: Any,
    out_ts: Any,
    out: Any,
    start_ms: int,
    end_ms: int,
) -> None:
    """Copy each row behind the earlier ones of its series, if its time is in the range."""
    mask = np.uint64(len(table_id) - 1)
    i = 0
    n = len(ids)
    while i < n:
        ident = ids[i]
        slot = ident & mask
        while table_place[slot] >= 0 and table_id[slot] != ident:
            slot = (slot + np.uint64(1)) & mask
        place = table_place[slot]
        if place < 0:
            while i < n and ids[i] == ident:
                i += 1
            continue
        at = cursor[place]
        while i < n and ids[i] == ident:
            if start_ms <= ts[i] <= end_ms:
                out_ts[at] = ts[i]
                out[at] = values[i]
                at += 1
            i += 1
        cursor[place] = at


@kernel
def _wins(left: Any, right: Any, left_bits: int, right_bits: int) -> bool:
    """Return whether `left` is kept when two samples have one time: the greater, a number before a NaN.

    Zeros of either sign and NaNs differ by their bits alone: the answer never hangs on the rows' order.
    """
    if left == right or (left != left and right != right):
        return bool(left_bits > right_bits)
    return bool(left > right or right != right)


@kernel
def _settle(room: Any, cursor: Any, ts: Any, values: Any, offsets: Any) -> None:
    """Close the gaps between series, put each in order, drop what has the same time; fill `offsets`."""
    write = 0
    bits = values.view(np.int64)
    for s in range(len(cursor)):
        first, last = room[s], cursor[s]
        ordered = True
        for i in range(first + 1, last):
            if ts[i] <= ts[i - 1]:
                ordered = False
                break
        if not ordered:
            order = np.argsort(ts[first:last], kind="mergesort")
            held_ts = ts[first:last][order]
            held = values[first:last][order]
            held_bits = bits[first:last][order]
            kept = first
            for i in range(len(held_ts)):
                if kept > first and ts[kept - 1] == held_ts[i]:
                    if _wins(held[i], values[kept - 1], held_bits[i], bits[kept - 1]):
                        values[kept - 1] = held[i]
                    continue
                ts[kept] = held_ts[i]
                values[kept] = held[i]
                kept += 1
            last = kept
        offsets[s] = write
        if write != first:
            for i in range(first, last):
                ts[write + i - first] = ts[i]
                values[write + i - first] = values[i]
        write += last - first
    offsets[len(cursor)] = write


def _place(chunk: tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.float64]]) -> tuple[int, int, int]:
    """Return where a chunk begins in the order of the store's key: bucket, series, time."""
    ids, ts, _ = chunk
    return (int(ts[0]) // BUCKET_MS, int(ids[0]), int(ts[0])) if len(ids) else (0, 0, 0)


def regroup(
    chunks: Sequence[tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.float64]]],
    table: IdTable,
    series: int,
    start_ms: int,
    end_ms: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return (offsets[series + 1], times, values) of rows (id, time, value) that come in chunks.

    Rows of unknown ids and outside of start_ms <= time <= end_ms are left out. Of several samples with one
    time the greatest value stays, as in the engine's own grid functions.
    """
    # The store's threads hand over chunks as they come; in key order there is next to nothing to sort.
    chunks = sorted(chunks, key=_place) if len(chunks) > 1 else chunks
    room: NDArray[np.int64] = np.zeros(series + 1, np.int64)
    for ids, _, _ in chunks:
        _count(ids, table.id, table.place, room)
    total = int(room.sum())
    starts: NDArray[np.int64] = np.zeros(series, np.int64)
    np.cumsum(room[: series - 1], out=starts[1:])
    cursor = starts.copy()
    ts = np.empty(total, np.int64)
    values = np.empty(total, np.float64)
    for ids, chunk_ts, chunk_values in chunks:
        _scatter(ids, chunk_ts, chunk_values, table.id, table.place, cursor, ts, values, start_ms, end_ms)
    offsets: NDArray[np.int64] = np.empty(series + 1, np.int64)
    _settle(starts, cursor, ts, values, offsets)
    return offsets, ts[: offsets[series]], values[: offsets[series]]
