"""Which metrics and two-hour buckets the samples of a run touch, and from which time on."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pharos.compiled.kernel import kernel
from pharos.engine.keys import BUCKET_MS

_FIRST_SLOTS: Final = 1 << 12


@kernel
def _collect(
    metrics: Any, ts: Any, bucket_ms: int, slot_metric: Any, slot_bucket: Any, slot_least: Any, used: Any
) -> bool:
    """Note each (metric, bucket) with its smallest time; return False when the slots are too few."""
    mask = np.uint64(len(slot_metric) - 1)
    count = 0
    for i in range(len(metrics)):
        bucket = ts[i] // bucket_ms
        slot = (metrics[i] ^ (np.uint64(bucket) * np.uint64(0x9E3779B97F4A7C15))) & mask
        while used[slot] and (slot_metric[slot] != metrics[i] or slot_bucket[slot] != bucket):
            slot = (slot + np.uint64(1)) & mask
        if not used[slot]:
            count += 1
            if 2 * count > len(used):
                return False
            used[slot] = True
            slot_metric[slot] = metrics[i]
            slot_bucket[slot] = bucket
            slot_least[slot] = ts[i]
        elif ts[i] < slot_least[slot]:
            slot_least[slot] = ts[i]
    return True


def touched_buckets(metrics: NDArray[np.uint64], ts_ms: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Return (metric hash, bucket, smallest time) for each bucket of each metric that has rows."""
    slots = _FIRST_SLOTS
    while True:
        metric = np.empty(slots, np.uint64)
        bucket = np.empty(slots, np.int64)
        least = np.empty(slots, np.int64)
        used = np.zeros(slots, np.bool_)
        if _collect(metrics, ts_ms, BUCKET_MS, metric, bucket, least, used):
            return list(zip(metric[used].tolist(), bucket[used].tolist(), least[used].tolist(), strict=True))
        slots *= 4
