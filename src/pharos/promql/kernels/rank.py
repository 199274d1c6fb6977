"""Kernels that choose series: topk, bottomk and limitk, with the heap Prometheus keeps (container/heap)."""

from __future__ import annotations

import numpy as np

from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.promql.kernels.samples import Bools, Floats, Ints


@inlined_kernel
def is_less(a: float, b: float, sign: float) -> bool:
    """Return whether `a` comes before `b` in the heap; NaN comes before everything."""
    return bool(np.isnan(a) or a * sign < b * sign)


@inlined_kernel
def sift_up(keys: Floats, rows: Ints, j: int, sign: float) -> None:
    """Move entry `j` up until its parent comes before it."""
    while j > 0:
        i = (j - 1) // 2
        if not is_less(keys[j], keys[i], sign):
            break
        keys[i], keys[j] = keys[j], keys[i]
        rows[i], rows[j] = rows[j], rows[i]
        j = i


@inlined_kernel
def sift_down(keys: Floats, rows: Ints, n: int, sign: float) -> None:
    """Move the first entry down until it comes before its children."""
    i = 0
    while True:
        j = 2 * i + 1
        if j >= n:
            break
        if j + 1 < n and is_less(keys[j + 1], keys[j], sign):
            j += 1
        if not is_less(keys[j], keys[i], sign):
            break
        keys[i], keys[j] = keys[j], keys[i]
        rows[i], rows[j] = rows[j], rows[i]
        i = j


@kernel
def keep_extremes(
    starts: Ints,
    members: Ints,
    values: Floats,
    present: Bools,
    limits: Ints,
    sign: float,
    kept: Bools,
    order: Ints,
) -> int:  # pragma: no cover - compiled
    """Mark in `kept` the `limits[k]` largest (`sign` 1) or smallest (-1) samples of each group at step k.

    Group g's series are `members[starts[g]:starts[g + 1]]`. `order` receives the rows kept at the last
    step, group by group, as the heap holds them; their number is returned.
    """
    steps = values.shape[1]
    keys = np.empty(members.size + 1, np.float64)
    rows = np.empty(members.size + 1, np.int64)
    filled = 0
    for g in range(starts.size - 1):
        for k in range(steps):
            n = 0
            limit = limits[k]
            if limit < 1:
                continue
            for p in range(starts[g], starts[g + 1]):
                i = members[p]
                if not present[i, k]:
                    continue
                v = values[i, k]
                if n < limit:
                    keys[n] = v
                    rows[n] = i
                    n += 1
                    sift_up(keys, rows, n - 1, sign)
                elif keys[0] * sign < v * sign or (np.isnan(keys[0]) and not np.isnan(v)):
                    keys[0] = v
                    rows[0] = i
                    sift_down(keys, rows, n, sign)
            for p in range(n):
                kept[rows[p], k] = True
            if k == steps - 1:
                for p in range(n):
                    order[filled] = rows[p]
                    filled += 1
    return filled


@kernel
def keep_first(
    starts: Ints, members: Ints, present: Bools, limits: Ints, kept: Bools
) -> None:  # pragma: no cover - compiled
    """Mark in `kept` the first `limits[k]` samples of each group at step k."""
    for g in range(starts.size - 1):
        for k in range(present.shape[1]):
            left = limits[k]
            for p in range(starts[g], starts[g + 1]):
                if left < 1:
                    break
                if present[members[p], k]:
                    kept[members[p], k] = True
                    left -= 1
