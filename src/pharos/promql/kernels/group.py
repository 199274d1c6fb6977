"""Kernels of aggregations: series of a grid, taken together by the number of their group."""

from __future__ import annotations

import numpy as np

from pharos.compiled.kernel import kernel
from pharos.promql.kernels.samples import Bools, Floats, Ints, kahan_inc


@kernel
def group_sum(
    groups: Ints, values: Floats, present: Bools, total: Floats, comp: Floats, seen: Bools
) -> None:  # pragma: no cover - compiled
    """Add every present value to its group's compensated sum; `total` becomes the result."""
    n, steps = values.shape
    for i in range(n):
        g = groups[i]
        for k in range(steps):
            if not present[i, k]:
                continue
            if seen[g, k]:
                total[g, k], comp[g, k] = kahan_inc(values[i, k], total[g, k], comp[g, k])
            else:
                total[g, k] = values[i, k]
                seen[g, k] = True
    for g in range(total.shape[0]):
        for k in range(steps):
            total[g, k] += comp[g, k]


@kernel
def count_present(groups: Ints, present: Bools, out: Ints) -> None:  # pragma: no cover - compiled
    """Add to `out[groups, steps]` how many samples of each group are present at each step."""
    n, steps = present.shape
    for i in range(n):
        g = groups[i]
        for k in range(steps):
            out[g, k] += present[i, k]


@kernel
def group_count(
    groups: Ints, present: Bools, out: Floats, seen: Bools
) -> None:  # pragma: no cover - compiled
    """Count the present samples of each group."""
    n, steps = present.shape
    for i in range(n):
        g = groups[i]
        for k in range(steps):
            if present[i, k]:
                out[g, k] += 1.0
                seen[g, k] = True


@kernel
def group_avg(
    groups: Ints, values: Floats, present: Bools, total: Floats, comp: Floats, count: Floats, seen: Bools
) -> None:  # pragma: no cover - compiled
    """Fill `total` with each group's mean: direct while the sum does not overflow, incremental after that."""
    n, steps = values.shape
    incremental = np.zeros(total.shape, np.bool_)
    for i in range(n):
        g = groups[i]
        for k in range(steps):
            if not present[i, k]:
                continue
            v = values[i, k]
            count[g, k] += 1.0
            if not seen[g, k]:
                total[g, k] = v
                seen[g, k] = True
                continue
            c = count[g, k]
            if not incremental[g, k]:
                new_total, new_comp = kahan_inc(v, total[g, k], comp[g, k])
                if not np.isinf(new_total):
                    total[g, k] = new_total
                    comp[g, k] = new_comp
                    continue
                incremental[g, k] = True
                total[g, k] /= c - 1.0
                comp[g, k] /= c - 1.0
            q = (c - 1.0) / c
            total[g, k], comp[g, k] = kahan_inc(v / c, q * total[g, k], q * comp[g, k])
    for g in range(total.shape[0]):
        for k in range(steps):
            if incremental[g, k]:
                total[g, k] += comp[g, k]
            elif seen[g, k]:
                total[g, k] = total[g, k] / count[g, k] + comp[g, k] / count[g, k]


@kernel
def group_extreme(
    groups: Ints, values: Floats, present: Bools, sign: float, out: Floats, seen: Bools
) -> None:  # pragma: no cover - compiled
    """Fill `out` with each group's largest (`sign` 1) or smallest (-1) value; NaN only where all are NaN."""
    n, steps = values.shape
    for i in range(n):
        g = groups[i]
        for k in range(steps):
            if not present[i, k]:
                continue
            v = values[i, k]
            if not seen[g, k]:
                out[g, k] = v
                seen[g, k] = True
            elif v * sign > out[g, k] * sign or np.isnan(out[g, k]):
                out[g, k] = v


@kernel
def group_variance(
    groups: Ints, values: Floats, present: Bools, mean: Floats, count: Floats, out: Floats, seen: Bools
) -> None:  # pragma: no cover - compiled
    """Fill `out` with each group's population variance by Welford's update."""
    n, steps = values.shape
    for i in range(n):
        g = groups[i]
        for k in range(steps):
            if not present[i, k]:
                continue
            v = values[i, k]
            count[g, k] += 1.0
            if not seen[g, k]:
                seen[g, k] = True
                mean[g, k] = v
                if np.isnan(v) or np.isinf(v):
                    out[g, k] = np.nan
                continue
            delta = v - mean[g, k]
            mean[g, k] += delta / count[g, k]
            out[g, k] += delta * (v - mean[g, k])
    for g in range(out.shape[0]):
        for k in range(steps):
            if seen[g, k]:
                out[g, k] /= count[g, k]
