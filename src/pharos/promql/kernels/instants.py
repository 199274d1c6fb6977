"""Kernels of instant selectors: the last sample at or before each step, or one interpolated at it."""

from __future__ import annotations

import numpy as np

from pharos.compiled.kernel import kernel
from pharos.promql.kernels.samples import STALE_BITS, Bools, Floats, Ints


@kernel
def select_last(
    offsets: Ints,
    ts: Ints,
    values: Floats,
    first_ms: int,
    step_ms: int,
    steps: int,
    lookback_ms: int,
    out: Floats,
    present: Bools,
) -> None:  # pragma: no cover - compiled
    """Fill the grid with each series' last sample in `(t - lookback, t]`; a stale marker leaves a gap."""
    bits = values.view(np.int64)
    for i in range(offsets.size - 1):
        p = offsets[i]
        lo = p
        hi = offsets[i + 1]
        for k in range(steps):
            t = first_ms + k * step_ms
            while p < hi and ts[p] <= t:
                p += 1
            if p > lo and ts[p - 1] > t - lookback_ms and bits[p - 1] != STALE_BITS:
                out[i, k] = values[p - 1]
                present[i, k] = True


@kernel
def select_index(
    offsets: Ints,
    ts: Ints,
    first_ms: int,
    step_ms: int,
    steps: int,
    lookback_ms: int,
    out: Ints,
) -> None:  # pragma: no cover - compiled
    """Fill `out` with the row of each series' last sample in `(t - lookback, t]`, stale or not; else -1."""
    for i in range(offsets.size - 1):
        p = offsets[i]
        lo = p
        hi = offsets[i + 1]
        for k in range(steps):
            t = first_ms + k * step_ms
            while p < hi and ts[p] <= t:
                p += 1
            if p > lo and ts[p - 1] > t - lookback_ms:
                out[i, k] = p - 1
            else:
                out[i, k] = -1


@kernel
def select_smoothed(
    offsets: Ints,
    ts: Ints,
    values: Floats,
    first_ms: int,
    step_ms: int,
    steps: int,
    lookback_ms: int,
    out: Floats,
    present: Bools,
) -> None:  # pragma: no cover - compiled
    """Fill the grid with values interpolated at each step between neighbours within the lookback.

    Without a next sample the previous one is carried forward; without a previous one there is a gap.
    Stale markers must have been dropped before.
    """
    for i in range(offsets.size - 1):
        a = offsets[i]
        q = a
        lo = a
        hi = offsets[i + 1]
        for k in range(steps):
            t = first_ms + k * step_ms
            while a < hi and ts[a] <= t - lookback_ms:
                a += 1
            if q < a:
                q = a
            while q < hi and ts[q] < t:
                q += 1
            has_next = q < hi and ts[q] <= t + lookback_ms
            has_prev = q > a and q > lo
            if has_next and ts[q] == t:
                out[i, k] = values[q]
                present[i, k] = True
            elif has_prev and has_next:
                v1 = values[q - 1]
                v2 = values[q]
                out[i, k] = v1 + (v2 - v1) * np.float64(t - ts[q - 1]) / np.float64(ts[q] - ts[q - 1])
                present[i, k] = True
            elif has_prev:
                out[i, k] = values[q - 1]
                present[i, k] = True
