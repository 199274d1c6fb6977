"""Kernels of the `*_over_time` family and of the other functions that read each window once."""

from __future__ import annotations

from typing import Final

import numpy as np

from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.promql.kernels.samples import Bools, Floats, Ints, kahan_inc

COUNT: Final = 0
SUM: Final = 1
AVG: Final = 2
FIRST: Final = 5
LAST: Final = 6
PRESENT: Final = 7
STDVAR: Final = 8
STDDEV: Final = 9
TS_FIRST: Final = 10
TS_LAST: Final = 11
DERIV: Final = 14
PREDICT: Final = 15
SMOOTHING: Final = 16


@inlined_kernel
def window_sum(values: Floats, a: int, b: int) -> float:
    """Return the compensated sum of a window."""
    total = 0.0
    comp = 0.0
    for j in range(a, b):
        total, comp = kahan_inc(values[j], total, comp)
    if np.isinf(total):
        return total
    return total + comp


@inlined_kernel
def window_avg(values: Floats, a: int, b: int) -> float:
    """Return the mean of a window: direct while the sum does not overflow, incremental after that."""
    total = values[a]
    comp = 0.0
    mean = 0.0
    count = 1.0
    incremental = False
    for j in range(a + 1, b):
        count = np.float64(j - a + 1)
        if not incremental:
            new_total, new_comp = kahan_inc(values[j], total, comp)
            if not np.isinf(new_total):
                total = new_total
                comp = new_comp
                continue
            incremental = True
            mean = total / (count - 1.0)
            comp /= count - 1.0
        q = (count - 1.0) / count
        mean, comp = kahan_inc(values[j] / count, q * mean, q * comp)
    if incremental:
        return mean + comp
    return float(total / count + comp / count)


@inlined_kernel
def window_variance(values: Floats, a: int, b: int) -> float:
    """Return the population variance of a window by Welford's update with compensation."""
    count = 0.0
    mean = 0.0
    mean_comp = 0.0
    aux = 0.0
    aux_comp = 0.0
    for j in range(a, b):
        count += 1.0
        delta = values[j] - (mean + mean_comp)
        mean, mean_comp = kahan_inc(delta / count, mean, mean_comp)
        aux, aux_comp = kahan_inc(delta * (values[j] - (mean + mean_comp)), aux, aux_comp)
    return (aux + aux_comp) / count


@inlined_kernel
def window_line(ts: Ints, values: Floats, a: int, b: int, at_ms: int) -> tuple[float, float]:
    """Return slope and value at `at_ms` of the least-squares line through a window."""
    n = 0.0
    sum_x = 0.0
    sum_y = 0.0
    sum_xy = 0.0
    sum_xx = 0.0
    c_x = 0.0
    c_y = 0.0
    c_xy = 0.0
    c_xx = 0.0
    constant = True
    for j in range(a, b):
        y = values[j]
        if j > a and y != values[a]:
            constant = False
        n += 1.0
        x = np.float64(ts[j] - at_ms) / 1e3
        sum_x, c_x = kahan_inc(x, sum_x, c_x)
        sum_y, c_y = kahan_inc(y, sum_y, c_y)
        sum_xy, c_xy = kahan_inc(x * y, sum_xy, c_xy)
        sum_xx, c_xx = kahan_inc(x * x, sum_xx, c_xx)
    if constant:
        if np.isinf(values[a]):
            return np.nan, np.nan
        return 0.0, values[a]
    sum_x += c_x
    sum_y += c_y
    sum_xy += c_xy
    sum_xx += c_xx
    cov = sum_xy - sum_x * sum_y / n
    var = sum_xx - sum_x * sum_x / n
    slope = cov / var
    return slope, sum_y / n - slope * sum_x / n


@inlined_kernel
def window_smoothing(values: Floats, a: int, b: int, sf: float, tf: float) -> float:
    """Return the last smoothed value of double exponential smoothing."""
    s0 = 0.0
    s1 = values[a]
    trend = values[a + 1] - values[a]
    for j in range(a + 1, b):
        x = sf * values[j]
        if j > a + 1:
            trend = tf * (s1 - s0) + (1.0 - tf) * trend
        y = (1.0 - sf) * (s1 + trend)
        s0 = s1
        s1 = x + y
    return float(s1)


@inlined_kernel
def window_point(op: int, ts: Ints, values: Floats, a: int, b: int) -> float:
    """Return what needs no look at the inner samples: counts, ends, and their times in seconds."""
    if op == COUNT:
        return np.float64(b - a)
    if op == FIRST:
        return float(values[a])
    if op == LAST:
        return float(values[b - 1])
    if op == TS_FIRST:
        return np.float64(ts[a]) / 1000.0
    if op == TS_LAST:
        return np.float64(ts[b - 1]) / 1000.0
    return 1.0


@kernel
def window_value(
    op: int, ts: Ints, values: Floats, a: int, b: int, at_ms: int, p1: float, p2: float
) -> float:  # pragma: no cover - compiled
    """Return function `op` of the samples `a <= j < b`; `p1` and `p2` are its scalar arguments."""
    if op == SUM:
        return window_sum(values, a, b)
    if op == AVG:
        return window_avg(values, a, b)
    if op == STDVAR:
        return window_variance(values, a, b)
    if op == STDDEV:
        return float(np.sqrt(window_variance(values, a, b)))
    if op == DERIV:
        return window_line(ts, values, a, b, ts[a])[0]
    if op == PREDICT:
        slope, intercept = window_line(ts, values, a, b, at_ms)
        return slope * p1 + intercept
    if op == SMOOTHING:
        return window_smoothing(values, a, b, p1, p2)
    return window_point(op, ts, values, a, b)


@kernel
def over_window(
    op: int,
    offsets: Ints,
    ts: Ints,
    values: Floats,
    first_ms: int,
    step_ms: int,
    steps: int,
    range_ms: int,
    eval_first_ms: int,
    eval_step_ms: int,
    p1: Floats,
    p2: Floats,
    out: Floats,
    present: Bools,
) -> None:  # pragma: no cover - compiled
    """Fill the grid with function `op` of each window.

    `p1` and `p2` hold the scalar arguments by step. predict_linear alone looks at the evaluation time, which
    an offset or `@` parts from the data time.
    """
    least = 2 if op >= DERIV else 1
    for i in range(offsets.size - 1):
        hi = offsets[i + 1]
        a = offsets[i]
        b = a
        for k in range(steps):
            end = first_ms + k * step_ms
            while b < hi and ts[b] <= end:
                b += 1
            while a < b and ts[a] <= end - range_ms:
                a += 1
            if b - a >= least:
                at = eval_first_ms + k * eval_step_ms
                out[i, k] = window_value(op, ts, values, a, b, at, p1[k], p2[k])
                present[i, k] = True


@kernel
def extreme_window(
    sign: float,
    timed: bool,
    offsets: Ints,
    ts: Ints,
    values: Floats,
    first_ms: int,
    step_ms: int,
    steps: int,
    range_ms: int,
    out: Floats,
    present: Bools,
) -> None:  # pragma: no cover - compiled
    """Fill the grid with the largest (`sign` 1) or smallest (-1) value of each window, or with its last time.

    The best sample is kept while the window slides, and looked for anew only when it leaves.
    """
    for i in range(offsets.size - 1):
        hi = offsets[i + 1]
        a = offsets[i]
        b = a
        best = a - 1
        for k in range(steps):
            end = first_ms + k * step_ms
            seen = b
            while b < hi and ts[b] <= end:
                b += 1
            while a < b and ts[a] <= end - range_ms:
                a += 1
            if a == b:
                continue
            if best < a:
                best = a
                seen = a + 1
            for j in range(max(seen, a), b):
                v = values[j]
                top = values[best]
                if np.isnan(top) or v * sign > top * sign or (timed and v == top):
                    best = j
            out[i, k] = np.float64(ts[best]) / 1000.0 if timed else values[best]
            present[i, k] = True


@kernel
def transitions(
    offsets: Ints,
    ts: Ints,
    marks: Bools,
    first_ms: int,
    step_ms: int,
    steps: int,
    range_ms: int,
    lookback_ms: int,
    out: Floats,
    present: Bools,
) -> None:  # pragma: no cover - compiled
    """Fill the grid with the number of marked samples in each window, its first one left out.

    `marks[j]` says that sample j differs from the one before it in the way that counts (changes, resets).
    `lookback_ms` is -1 for plain windows; else windows are anchored: they begin with the last sample at
    or before their start, if one stands within the lookback.
    """
    for i in range(offsets.size - 1):
        lo = offsets[i]
        hi = offsets[i + 1]
        a = lo
        b = lo
        anchor = lo
        behind = 0
        ahead = 0
        for k in range(steps):
            end = first_ms + k * step_ms
            start = end - range_ms
            while b < hi and ts[b] <= end:
                ahead += marks[b]
                b += 1
            while a < b and ts[a] <= start:
                behind += marks[a]
                a += 1
            if a == b:
                continue
            count = ahead - behind
            anchor = a - 1
            if lookback_ms >= 0 and anchor >= lo and ts[anchor] > start - lookback_ms:
                out[i, k] = np.float64(count)
            else:
                out[i, k] = np.float64(count - marks[a])
            present[i, k] = True


@kernel
def mark_changes(values: Floats, marks: Bools) -> None:  # pragma: no cover - compiled
    """Mark every value that is another than the one before it; NaN after NaN is no change."""
    for j in range(1, values.size):
        both_nan = np.isnan(values[j]) and np.isnan(values[j - 1])
        marks[j] = values[j] != values[j - 1] and not both_nan


@kernel
def mark_drops(values: Floats, marks: Bools) -> None:  # pragma: no cover - compiled
    """Mark every value that is lower than the one before it."""
    for j in range(1, values.size):
        marks[j] = values[j] < values[j - 1]
