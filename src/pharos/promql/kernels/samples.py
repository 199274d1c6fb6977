"""Compiled loops over columns: the decorator every kernel wears, and the arithmetic they share.

A kernel reads a block in CSR form (`offsets`, `ts`, `values`: see `source.SeriesBlock`) and fills a grid
`out[n, steps]` with `present[n, steps]`. Steps are given as the data time of the first step, the distance
between steps in milliseconds and their number; windows are left-open, `(t - range, t]`.
Every float operation stands in the order Prometheus runs it (promql/functions.go), so that results agree
to the last bit wherever the processor's own arithmetic does.
"""

from __future__ import annotations

import math
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.promql.source import STALE_NAN_BITS

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]

STALE_BITS: Final = np.int64(STALE_NAN_BITS)


@inlined_kernel
def kahan_inc(inc: float, total: float, comp: float) -> tuple[float, float]:
    """Return sum and compensation after adding `inc` (util/kahansum: Kahan with Neumaier's improvement)."""
    t = total + inc
    if np.isinf(t):
        comp = 0.0
    elif abs(total) >= abs(inc):
        comp += (total - t) + inc
    else:
        comp += (inc - t) + total
    return t, comp


@kernel
def drop_stale(
    offsets: Ints, values: Floats, kept_at: Ints, kept: Ints
) -> int:  # pragma: no cover - compiled
    """Write the row numbers that are no stale markers to `kept` and their CSR offsets to `kept_at`."""
    bits = values.view(np.int64)
    count = 0
    for i in range(offsets.size - 1):
        kept_at[i] = count
        for j in range(offsets[i], offsets[i + 1]):
            if bits[j] != STALE_BITS:
                kept[count] = j
                count += 1
    kept_at[offsets.size - 1] = count
    return count


@kernel
def has_stale(values: Floats) -> bool:  # pragma: no cover - compiled
    """Return whether any value is the stale marker."""
    bits = values.view(np.int64)
    found = False
    for j in range(bits.size):
        found |= bits[j] == STALE_BITS
    return found


def kahan_step(inc: float, total: float, comp: float) -> tuple[float, float]:
    """Return what `kahan_inc` returns, for single numbers outside of kernels."""
    t = total + inc
    if math.isinf(t):
        return t, 0.0
    if abs(total) >= abs(inc):
        return t, comp + ((total - t) + inc)
    return t, comp + ((inc - t) + total)
