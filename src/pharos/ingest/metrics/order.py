"""Rows of samples in the order of their table's key: bucket, metric, series, time.

The store sorts what comes in any order, with a second copy of all of it. Rows come in rounds, the same series
in each, so few keys are compared here: each series of a bucket is found once, these are sorted, and rows are
dealt out to them in the order in which they came.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pharos.compiled.kernel import kernel
from pharos.engine.keys import BUCKET_MS

_FIRST_SLOTS: Final = 1 << 10
_GROWTH: Final = 8
_HALF: Final = np.uint64(32)
_UPPER: Final = np.uint64(0xFFFF_FFFF_0000_0000)


@kernel
def _find(ids: Any, ts: Any, bucket_ms: int, slots: Any, first: Any, place: Any) -> int:
    """Tell for each row which series of a bucket it is of, and of each of these its first row.

    Returns how many there are, -1 when the slots are too few.
    """
    mask = np.uint64(len(slots) - 1)
    found = 0
    for i in range(len(ids)):
        bucket = ts[i] // bucket_ms
        key = ids[i] ^ (np.uint64(bucket) * np.uint64(0x9E3779B97F4A7C15))
        slot = (key ^ (key >> np.uint64(32))) & mask
        at = slots[slot]
        while at >= 0 and (ids[first[at]] != ids[i] or ts[first[at]] // bucket_ms != bucket):
            slot = (slot + np.uint64(1)) & mask
            at = slots[slot]
        if at < 0:
            if 2 * found >= len(slots):
                return -1
            at = slots[slot] = found
            first[found] = i
            found += 1
        place[i] = at
    return found


@kernel
def _deal(place: Any, rank: Any, ts: Any, after: Any, order: Any) -> bool:
    """Deal rows out to their series in the order of `rank`; return whether each series' times ascend."""
    for i in range(len(place)):
        after[rank[place[i]] + 1] += 1
    for r in range(1, len(after)):
        after[r] += after[r - 1]
    ascends = True
    for i in range(len(place)):
        r = rank[place[i]]
        at = after[r]
        order[at] = i
        after[r] = at + 1
    for k in range(1, len(order)):
        row, before = order[k], order[k - 1]
        if ts[row] < ts[before] and place[row] == place[before]:
            ascends = False
    return ascends


def _series_order(
    ids: NDArray[np.uint64], metrics: NDArray[np.uint64], buckets: NDArray[np.int64]
) -> NDArray[np.intp]:
    """Return the order of series by bucket, metric and id, of which no two are alike."""
    if len(buckets) and buckets.min() == buckets.max():
        # Both are hashes: half of each tells nearly all apart, and one number is sorted four times as fast.
        key = (metrics & _UPPER) | (ids >> _HALF)
        order = np.argsort(key)
        key = key[order]
        if not (key[1:] == key[:-1]).any():
            return order
    return np.lexsort((ids, metrics, buckets))


def key_order(
    ids: NDArray[np.uint64], metrics: NDArray[np.uint64], ts_ms: NDArray[np.int64]
) -> NDArray[np.int32]:
    """Return where rows lie, in the order of bucket, metric, series, time; equal ones stay as they came.

    A series has one metric: the store sorts by itself what is of another mind.
    """
    rows = len(ids)
    place, first = np.empty(rows, np.int32), np.empty(rows, np.int32)
    slots, found = _FIRST_SLOTS, -1
    while found < 0:
        found = _find(ids, ts_ms, BUCKET_MS, np.full(slots, -1, np.int32), first, place)
        slots *= _GROWTH
    first = first[:found]
    rank = np.empty(found, np.int32)
    rank[_series_order(ids[first], metrics[first], ts_ms[first] // BUCKET_MS)] = np.arange(
        found, dtype=np.int32
    )
    order = np.empty(rows, np.int32)
    if not _deal(place, rank, ts_ms, np.zeros(found + 1, np.int32), order):
        order = np.lexsort((ts_ms, rank[place])).astype(np.int32)
    return order
