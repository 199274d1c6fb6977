"""What the sort keys of the tables are made of: days, buckets of time, hashes of metric names."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pharos.compiled.hashing import hash_bytes

DAY_MS: Final = 86_400_000
DAY_NS: Final = DAY_MS * 1_000_000
BUCKET_MS: Final = 7_200_000
EVENT_BUCKET_NS: Final = 120_000_000_000
"""Of logs and spans."""
METRIC_SEED: Final = np.uint64(0x7068_6172_6F73_0002)


def bucket_of(ts_ms: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the two-hour bucket of each time, as the sort key of samples has it."""
    return (ts_ms // BUCKET_MS).astype(np.int32)


def event_bucket_of(ts_ns: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the two-minute bucket of each time, as the sort keys of logs and spans have it."""
    return (ts_ns // EVENT_BUCKET_NS).astype(np.int32)


@lru_cache(maxsize=4_096)
def metric_hash(name: str) -> int:
    """Return the hash that stands for a metric's name in the sort key of samples."""
    raw = np.frombuffer(name.encode(), np.uint8)
    return int(hash_bytes(raw, 0, len(raw), METRIC_SEED))
