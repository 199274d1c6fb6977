"""Kernels that keep each window in order: quantiles and the median absolute deviation."""

from __future__ import annotations

from typing import Final

import numpy as np

from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.promql.kernels.samples import Bools, Floats, Ints

STEPS_AT_ONCE: Final = 8
"""How many steps of a group are gathered together: neighbours in memory."""
FEW: Final = 64
"""Up to how many values a rank is found by counting; a multiple of 16."""


@inlined_kernel
def quantile_of(ordered: Floats, n: int, q: float) -> float:
    """Return the q-quantile of the first `n` values in order: a weighted mean of the two at its rank."""
    if n == 0 or np.isnan(q):
        return np.nan
    if q < 0.0:
        return -np.inf
    if q > 1.0:
        return np.inf
    rank = q * np.float64(n - 1)
    lower = max(0, int(np.floor(rank)))
    upper = min(n - 1, lower + 1)
    weight = rank - np.floor(rank)
    return float(ordered[lower] * (1.0 - weight) + ordered[upper] * weight)


@inlined_kernel
def position(ordered: Floats, n: int, value: float) -> int:
    """Return where `value` stands, or would be put, among `n` ordered values; NaN comes first."""
    low = 0
    if np.isnan(value):
        return 0
    high = n
    while low < high:
        middle = (low + high) // 2
        if ordered[middle] < value or np.isnan(ordered[middle]):
            low = middle + 1
        else:
            high = middle
    return low


@inlined_kernel
def insert(ordered: Floats, n: int, value: float) -> int:
    """Put `value` among `n` ordered values and return their new number."""
    at = position(ordered, n, value)
    for j in range(n, at, -1):
        ordered[j] = ordered[j - 1]
    ordered[at] = value
    return n + 1


@inlined_kernel
def remove(ordered: Floats, n: int, value: float) -> int:
    """Take one `value` out of `n` ordered values and return their new number."""
    at = position(ordered, n, value)
    for j in range(at, n - 1):
        ordered[j] = ordered[j + 1]
    return n - 1


@inlined_kernel
def place_rank(unordered: Floats, nans: int, n: int, q: float) -> None:
    """Put the two values at the rank of `q` where they stand in order; NaN stand first already.

    Values are parted around one of them again and again (Hoare), only where the rank is; few are sorted.
    """
    rank = int(np.floor(q * np.float64(n - 1)))
    low, high = nans, n - 1
    if rank < low:
        low, high = rank, rank
    while high - low > 16:
        first, middle, last = unordered[low], unordered[(low + high) // 2], unordered[high]
        pivot = max(min(first, middle), min(max(first, middle), last))
        i, j = low, high
        while i <= j:
            while unordered[i] < pivot:
                i += 1
            while unordered[j] > pivot:
                j -= 1
            if i <= j:
                unordered[i], unordered[j] = unordered[j], unordered[i]
                i += 1
                j -= 1
        if rank <= j:
            high = j
        elif rank >= i:
            low = i
        else:
            low, high = rank, rank
    for p in range(low + 1, high + 1):
        value = unordered[p]
        i = p
        while i > low and unordered[i - 1] > value:
            unordered[i] = unordered[i - 1]
            i -= 1
        unordered[i] = value
    least = max(rank + 1, nans)
    if least < n:
        for p in range(least + 1, n):
            if unordered[p] < unordered[least]:
                unordered[p], unordered[least] = unordered[least], unordered[p]


@inlined_kernel
def counted_quantile(unordered: Floats, n: int, q: float) -> float:
    """Return the q-quantile of few values, without NaN, by counting how many are less than each.

    Nothing branches on a comparison, so that the processor compares several at once. Behind the `n` values
    room is needed up to the next multiple of 16.
    """
    whole = (n + 15) // 16 * 16
    for j in range(n, whole):
        unordered[j] = np.inf
    rank = q * np.float64(n - 1)
    first = int(np.floor(rank))
    second = min(n - 1, first + 1)
    lower, upper = np.nan, np.nan
    missing = 2
    for i in range(n):
        value = unordered[i]
        less, same = 0, 0
        for j in range(whole):
            less += unordered[j] < value
            same += unordered[j] == value
        if less <= first and first < less + same and np.isnan(lower):
            lower = value
            missing -= 1
        if less <= second and second < less + same and np.isnan(upper):
            upper = value
            missing -= 1
        if missing == 0:
            break
    weight = rank - np.floor(rank)
    return float(lower * (1.0 - weight) + upper * weight)


@inlined_kernel
def quantile_unordered(unordered: Floats, nans: int, n: int, q: float) -> float:
    """Return the q-quantile of `n` values of which the NaN stand first; their order is lost."""
    if n == 0 or not (q >= 0.0 and q <= 1.0):
        return quantile_of(unordered, n, q)
    if nans == 0 and n <= FEW:
        return counted_quantile(unordered, n, q)
    place_rank(unordered, nans, n, q)
    return quantile_of(unordered, n, q)


@inlined_kernel
def deviation_of(unordered: Floats, n: int, median: float) -> float:
    """Return the median of the distances from the median, which take the place of the values."""
    nans = 0
    for j in range(n):
        distance = abs(unordered[j] - median)
        if np.isnan(distance):
            unordered[j] = unordered[nans]
            unordered[nans] = distance
            nans += 1
        else:
            unordered[j] = distance
    return quantile_unordered(unordered, nans, n, 0.5)


def quantile_window(
    offsets: Ints,
    ts: Ints,
    values: Floats,
    first_ms: int,
    step_ms: int,
    steps: int,
    range_ms: int,
    deviation: bool,
    quantiles: Floats,
    out: Floats,
    present: Bools,
) -> None:
    """Fill the grid with a quantile of each window, or with its median absolute deviation.

    `quantiles` holds the wanted quantile by step. Windows that hardly change from one step to the next are
    kept in order, others taken anew: the two cost the same where about a tenth of a window is new.
    """
    fill = sliding_quantile if step_ms * 10 < range_ms and steps > 1 else fresh_quantile
    fill(offsets, ts, values, first_ms, step_ms, steps, range_ms, deviation, quantiles, out, present)


@kernel
def sliding_quantile(
    offsets: Ints,
    ts: Ints,
    values: Floats,
    first_ms: int,
    step_ms: int,
    steps: int,
    range_ms: int,
    deviation: bool,
    quantiles: Floats,
    out: Floats,
    present: Bools,
) -> None:  # pragma: no cover - compiled
    """Do `quantile_window` with a window that is kept in order."""
    longest = 0
    for i in range(offsets.size - 1):
        longest = max(longest, offsets[i + 1] - offsets[i])
    ordered = np.empty(longest + 1, np.float64)
    scratch = np.empty(longest + FEW, np.float64)
    for i in range(offsets.size - 1):
        hi = offsets[i + 1]
        a = offsets[i]
        b = a
        n = 0
        for k in range(steps):
            end = first_ms + k * step_ms
            start = end - range_ms
            while a < b and ts[a] <= start:
                n = remove(ordered, n, values[a])
                a += 1
            while b < hi and ts[b] <= end:
                if ts[b] > start:
                    n = insert(ordered, n, values[b])
                else:
                    a = b + 1
                b += 1
            if n == 0:
                continue
            present[i, k] = True
            if not deviation:
                out[i, k] = quantile_of(ordered, n, quantiles[k])
            elif np.isnan(ordered[0]):
                out[i, k] = np.nan
            else:
                scratch[:n] = ordered[:n]
                out[i, k] = deviation_of(scratch, n, quantile_of(ordered, n, 0.5))


@kernel
def fresh_quantile(
    offsets: Ints,
    ts: Ints,
    values: Floats,
    first_ms: int,
    step_ms: int,
    steps: int,
    range_ms: int,
    deviation: bool,
    quantiles: Floats,
    out: Floats,
    present: Bools,
) -> None:  # pragma: no cover - compiled
    """Do `quantile_window` with a copy of each window."""
    longest = 0
    for i in range(offsets.size - 1):
        longest = max(longest, offsets[i + 1] - offsets[i])
    scratch = np.empty(longest + FEW, np.float64)
    for i in range(offsets.size - 1):
        hi = offsets[i + 1]
        a = offsets[i]
        b = a
        for k in range(steps):
            end = first_ms + k * step_ms
            start = end - range_ms
            while a < hi and ts[a] <= start:
                a += 1
            b = max(a, b)
            nans = 0
            while b < hi and ts[b] <= end:
                b += 1
            n = b - a
            if n == 0:
                continue
            for j in range(n):
                value = values[a + j]
                scratch[j] = value
                if np.isnan(value):
                    scratch[j] = scratch[nans]
                    scratch[nans] = value
                    nans += 1
            present[i, k] = True
            if not deviation:
                out[i, k] = quantile_unordered(scratch, nans, n, quantiles[k])
            elif nans:
                out[i, k] = np.nan
            else:
                out[i, k] = deviation_of(scratch, n, quantile_unordered(scratch, 0, n, 0.5))


@kernel
def quantile_group(
    groups: Ints, count: int, values: Floats, present: Bools, quantiles: Floats, out: Floats, seen: Bools
) -> None:  # pragma: no cover - compiled
    """Fill `out[count, steps]` with a quantile over the series of each group, step by step."""
    n, steps = values.shape
    sizes = np.zeros(count + 1, np.int64)
    for i in range(n):
        sizes[groups[i] + 1] += 1
    starts = np.cumsum(sizes)
    members = np.empty(n, np.int64)
    filled = starts[:count].copy()
    for i in range(n):
        members[filled[groups[i]]] = i
        filled[groups[i]] += 1
    scratch = np.empty((STEPS_AT_ONCE, n + FEW), np.float64)
    sizes_at = np.empty(STEPS_AT_ONCE, np.int64)
    nans_at = np.empty(STEPS_AT_ONCE, np.int64)
    for g in range(count):
        for first in range(0, steps, STEPS_AT_ONCE):
            width = min(STEPS_AT_ONCE, steps - first)
            sizes_at[:] = 0
            nans_at[:] = 0
            for p in range(starts[g], starts[g + 1]):
                i = members[p]
                for j in range(width):
                    if present[i, first + j]:
                        v = values[i, first + j]
                        m = sizes_at[j]
                        sizes_at[j] = m + 1
                        if np.isnan(v):
                            scratch[j, m] = scratch[j, nans_at[j]]
                            scratch[j, nans_at[j]] = v
                            nans_at[j] += 1
                        else:
                            scratch[j, m] = v
            for j in range(width):
                m = sizes_at[j]
                if m:
                    out[g, first + j] = quantile_unordered(scratch[j], nans_at[j], m, quantiles[first + j])
                    seen[g, first + j] = True
