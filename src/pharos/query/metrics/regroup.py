"""From rows as the store returns them to samples grouped by series, ascending, no time twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.engine.keys import BUCKET_MS

_FEW: Final = 64
"""So many samples are put in order where they are; more are sorted by an order of their own."""


@inlined_kernel
def _place_from(known: Any, wanted: Any, low: Any) -> Any:
    """Return the first place from `low` on whose id is not smaller: in long strides, then by bisection."""
    count = np.int64(len(known))
    high, stride = low, np.int64(1)
    while high < count and known[high] < wanted:
        low = high + 1
        high += stride
        stride <<= 1
    high = min(high, count)
    while low < high:
        middle = (low + high) >> 1
        if known[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _count(ids: Any, known: Any, counts: Any) -> None:
    """Count the rows of each series; those of one stand together, and in a chunk mostly ascend by id."""
    i, n = 0, len(ids)
    place, count = np.int64(0), np.int64(len(known))
    while i < n:
        ident = ids[i]
        begin = i
        while i < n and ids[i] == ident:
            i += 1
        ascends = begin > 0 and ids[begin - 1] < ident
        place = _place_from(known, ident, place if ascends else np.int64(0))
        if place < count and known[place] == ident:
            counts[place] += i - begin


@kernel
def _scatter(
    ids: Any,
    ts: Any,
    values: Any,
    known: Any,
    cursor: Any,
    out_ts: Any,
    out: Any,
    start_ms: int,
    end_ms: int,
) -> None:
    """Copy each row behind the earlier ones of its series, if its time is in the range."""
    i, n = 0, len(ids)
    place, count = np.int64(0), np.int64(len(known))
    while i < n:
        ident = ids[i]
        ascends = i > 0 and ids[i - 1] < ident
        place = _place_from(known, ident, place if ascends else np.int64(0))
        if place == count or known[place] != ident:
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
def _sort(ts: Any, bits: Any, first: Any, last: Any) -> None:
    """Put samples in the order of their times; those of one time keep theirs."""
    if last - first > _FEW:
        order = np.argsort(ts[first:last], kind="mergesort")
        ts[first:last] = ts[first:last][order]
        bits[first:last] = bits[first:last][order]
        return
    for i in range(first + 1, last):
        held_ts, held = ts[i], bits[i]
        at = i
        while at > first and ts[at - 1] > held_ts:
            ts[at], bits[at] = ts[at - 1], bits[at - 1]
            at -= 1
        ts[at], bits[at] = held_ts, held


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
            _sort(ts, bits, first, last)
            kept = first
            for i in range(first, last):
                if kept > first and ts[kept - 1] == ts[i]:
                    if _wins(values[i], values[kept - 1], bits[i], bits[kept - 1]):
                        bits[kept - 1] = bits[i]
                    continue
                ts[kept] = ts[i]
                bits[kept] = bits[i]
                kept += 1
            last = kept
        offsets[s] = write
        if write != first:
            for i in range(first, last):
                ts[write + i - first] = ts[i]
                bits[write + i - first] = bits[i]
        write += last - first
    offsets[len(cursor)] = write


def _place(chunk: tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.float64]]) -> tuple[int, int, int]:
    """Return where a chunk begins in the order of the store's key: bucket, series, time."""
    ids, ts, _ = chunk
    return (int(ts[0]) // BUCKET_MS, int(ids[0]), int(ts[0])) if len(ids) else (0, 0, 0)


def regroup(
    chunks: Sequence[tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.float64]]],
    known: NDArray[np.uint64],
    start_ms: int,
    end_ms: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return (offsets[series + 1], times, values) of rows (id, time, value) that come in chunks.

    Rows of other ids than the `known` ones, which ascend, and outside of start_ms <= time <= end_ms are left
    out. Of several samples with one time the greatest value stays, as in the engine's own grid functions.
    """
    # The store's threads hand over chunks as they come; in key order there is next to nothing to sort.
    chunks = sorted(chunks, key=_place) if len(chunks) > 1 else chunks
    series = len(known)
    room: NDArray[np.int64] = np.zeros(series + 1, np.int64)
    for ids, _, _ in chunks:
        _count(ids, known, room)
    total = int(room.sum())
    starts: NDArray[np.int64] = np.zeros(series, np.int64)
    np.cumsum(room[: series - 1], out=starts[1:])
    cursor = starts.copy()
    ts = np.empty(total, np.int64)
    values = np.empty(total, np.float64)
    for ids, chunk_ts, chunk_values in chunks:
        _scatter(ids, chunk_ts, chunk_values, known, cursor, ts, values, start_ms, end_ms)
    offsets: NDArray[np.int64] = np.empty(series + 1, np.int64)
    _settle(starts, cursor, ts, values, offsets)
    return offsets, ts[: offsets[series]], values[: offsets[series]]
