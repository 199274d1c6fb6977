"""Kernels of classic histograms: quantile and fraction from cumulative buckets (promql/quantile.go)."""

from __future__ import annotations

from typing import Final

import numpy as np

from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.promql.kernels.samples import Bools, Floats, Ints

_TOLERANCE: Final = 1e-12
_MIN_NORMAL: Final = 2.2250738585072014e-308
_MAX_FLOAT: Final = 1.7976931348623157e308


@inlined_kernel
def almost_equal(a: float, b: float) -> bool:
    """Return whether two counts differ by no more than rounding (util/almost with 1e-12)."""
    if np.isnan(a) and np.isnan(b):
        return True
    if a == b:
        return True
    total = abs(a) + abs(b)
    diff = abs(a - b)
    if a == 0.0 or b == 0.0 or total < _MIN_NORMAL:
        return diff < _TOLERANCE * _MIN_NORMAL
    return diff / min(total, _MAX_FLOAT) < _TOLERANCE


@inlined_kernel
def gather(
    members: Ints, first: int, last: int, k: int, bounds: Floats, values: Floats, mask: Bools,
    bound: Floats, count: Floats,
) -> int:  # fmt: skip
    """Write the buckets present at step k, equal bounds made one; return their number, or -1 without any.

    The rows must be in order of their bounds. Returns 0 where the highest bound is not +Inf.
    """
    n = 0
    for p in range(first, last):
        i = members[p]
        if not mask[i, k]:
            continue
        if n > 0 and bound[n - 1] == bounds[i]:
            count[n - 1] += values[i, k]
        else:
            bound[n] = bounds[i]
            count[n] = values[i, k]
            n += 1
    if n == 0:
        return -1
    if bound[n - 1] != np.inf:
        return 0
    return n


@inlined_kernel
def quantile_of_buckets(q: float, n: int, bound: Floats, count: Floats) -> float:
    """Return the q-quantile of `n` monotonic buckets, by linear interpolation within the bucket."""
    if n < 2 or count[n - 1] == 0.0:
        return np.nan
    rank = q * count[n - 1]
    low = 0
    high = n - 1
    while low < high:
        middle = (low + high) // 2
        if count[middle] >= rank:
            high = middle
        else:
            low = middle + 1
    if low == n - 1:
        return float(bound[n - 2])
    if low == 0 and bound[0] <= 0.0:
        return float(bound[0])
    start = 0.0
    within = count[low]
    if low > 0:
        start = bound[low - 1]
        within -= count[low - 1]
        rank -= count[low - 1]
    return float(start + (bound[low] - start) * (rank / within))


@kernel
def bucket_quantile(
    starts: Ints,
    members: Ints,
    bounds: Floats,
    values: Floats,
    mask: Bools,
    quantiles: Floats,
    out: Floats,
    seen: Bools,
    forced: Floats,
    forced_steps: Ints,
) -> None:  # pragma: no cover - compiled
    """Fill `out[groups, steps]` with the quantile by step of each group's buckets.

    `members[starts[g]:starts[g + 1]]` are group g's rows in order of `bounds`. Where counts had to be made
    monotonic, `forced[g]` tells lowest bound, highest bound and largest difference, and `forced_steps[g]`
    how often, first and last step.
    """
    bound = np.empty(members.size + 1, np.float64)
    count = np.empty(members.size + 1, np.float64)
    for g in range(starts.size - 1):
        for k in range(values.shape[1]):
            n = gather(members, starts[g], starts[g + 1], k, bounds, values, mask, bound, count)
            if n < 0:
                continue
            seen[g, k] = True
            q = quantiles[k]
            if np.isnan(q):
                out[g, k] = np.nan
            elif q < 0.0:
                out[g, k] = -np.inf
            elif q > 1.0:
                out[g, k] = np.inf
            elif n == 0:
                out[g, k] = np.nan
            else:
                changed = False
                prev = count[0]
                for p in range(1, n):
                    if count[p] == prev:
                        continue
                    if almost_equal(prev, count[p]):
                        count[p] = prev
                    elif count[p] < prev:
                        forced[g, 0] = min(forced[g, 0], bound[p])
                        forced[g, 1] = max(forced[g, 1], bound[p])
                        forced[g, 2] = max(forced[g, 2], prev - count[p])
                        count[p] = prev
                        changed = True
                    else:
                        prev = count[p]
                if changed:
                    if forced_steps[g, 0] == 0:
                        forced_steps[g, 1] = k
                    forced_steps[g, 0] += 1
                    forced_steps[g, 2] = k
                out[g, k] = quantile_of_buckets(q, n, bound, count)


@inlined_kernel
def rank_within(v: float, lower: float, upper: float, rank: float, count: float) -> float:
    """Return the rank of `v` within a bucket on a line; all of it where the bucket has no lower bound."""
    if lower == -np.inf:
        return count
    return rank + (count - rank) * (v - lower) / (upper - lower)


@inlined_kernel
def fraction_of_buckets(low: float, high: float, n: int, bound: Floats, count: Floats) -> float:
    """Return the share of the observations in `n` buckets that lies between `low` and `high`."""
    total = count[n - 1]
    if total == 0.0 or np.isnan(low) or np.isnan(high):
        return np.nan
    if low >= high:
        return 0.0
    rank = 0.0
    low_rank = 0.0
    high_rank = 0.0
    low_set = False
    high_set = False
    lower = -np.inf if bound[0] <= 0.0 else 0.0
    for p in range(n):
        if p > 0:
            lower = bound[p - 1]
        upper = bound[p]
        if not low_set and lower >= low:
            low_rank = rank
            low_set = True
        if not high_set and lower >= high:
            high_rank = rank
            high_set = True
        if low_set and high_set:
            break
        if not low_set and lower < low and upper > low:
            low_rank = rank_within(low, lower, upper, rank, count[p])
            low_set = True
        if not high_set and lower < high and upper > high:
            high_rank = rank_within(high, lower, upper, rank, count[p])
            high_set = True
        if low_set and high_set:
            break
        rank = count[p]
    if not low_set or low_rank > total:
        low_rank = total
    if not high_set or high_rank > total:
        high_rank = total
    return float((high_rank - low_rank) / total)


@kernel
def bucket_fraction(
    starts: Ints,
    members: Ints,
    bounds: Floats,
    values: Floats,
    mask: Bools,
    lows: Floats,
    highs: Floats,
    out: Floats,
    seen: Bools,
) -> None:  # pragma: no cover - compiled
    """Fill `out[groups, steps]` with the share of observations between two bounds by step."""
    bound = np.empty(members.size + 1, np.float64)
    count = np.empty(members.size + 1, np.float64)
    for g in range(starts.size - 1):
        for k in range(values.shape[1]):
            n = gather(members, starts[g], starts[g + 1], k, bounds, values, mask, bound, count)
            if n < 0:
                continue
            seen[g, k] = True
            if n == 0:
                out[g, k] = np.nan
            else:
                out[g, k] = fraction_of_buckets(lows[k], highs[k], n, bound, count)
