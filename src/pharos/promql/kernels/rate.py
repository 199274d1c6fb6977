"""Kernels of rate, increase, delta, irate and idelta, and of their anchored and smoothed variants."""

from __future__ import annotations

import numpy as np

from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.promql.kernels.samples import Bools, Floats, Ints


@inlined_kernel
def is_start_reset(prev_st: int, prev_t: int, cur_st: int, cur_t: int) -> bool:
    """Return whether the start timestamp of a sample tells of a reset after the sample before it."""
    if cur_st == 0 or cur_st >= cur_t or cur_st < prev_t:
        return False
    if cur_st > prev_t:
        return True
    # The start is the sample before: a delta series, unless that sample's own start is unknown.
    return prev_st <= prev_t and prev_st not in (0, prev_t)


@inlined_kernel
def extrapolation_factor(
    first_t: int,
    last_t: int,
    count: int,
    first_v: float,
    increase: float,
    start_ms: int,
    end_ms: int,
    is_counter: bool,
) -> float:
    """Return how much the increase between first and last sample grows when stretched to the window."""
    to_start: float = np.float64(first_t - start_ms) / 1000.0
    to_end: float = np.float64(end_ms - last_t) / 1000.0
    sampled: float = np.float64(last_t - first_t) / 1000.0
    average: float = sampled / np.float64(count - 1)
    threshold = average * 1.1
    if to_start >= threshold:
        to_start = average / 2.0
    if is_counter:
        to_zero: float = to_start
        if increase > 0.0 and first_v >= 0.0:
            to_zero = sampled * (first_v / increase)
        if to_zero < to_start:
            to_start = to_zero
    if to_end >= threshold:
        to_end = average / 2.0
    if sampled == 0.0:
        return 1.0
    return (sampled + to_start + to_end) / sampled


@inlined_kernel
def started_factor(start_t: int, last_t: int, threshold: float, average: float, end_ms: int) -> float:
    """Return the same where the first sample's start stands in the window: no stretch to the left."""
    to_end: float = np.float64(end_ms - last_t) / 1000.0
    sampled = np.float64(last_t - start_t) / 1000.0
    if to_end >= threshold:
        to_end = average / 2.0
    if sampled == 0.0:
        return 1.0
    return (sampled + 0.0 + to_end) / sampled


@kernel
def rate_window(
    offsets: Ints,
    ts: Ints,
    values: Floats,
    first_ms: int,
    step_ms: int,
    steps: int,
    range_ms: int,
    is_counter: bool,
    is_rate: bool,
    out: Floats,
    present: Bools,
) -> None:  # pragma: no cover - compiled
    """Fill the grid with Prometheus' extrapolated rate, increase or delta of each window."""
    seconds = np.float64(range_ms) / 1000.0
    longest = 0
    for i in range(offsets.size - 1):
        longest = max(longest, offsets[i + 1] - offsets[i])
    resets = np.empty(longest + 1, np.int64)
    for i in range(offsets.size - 1):
        lo = offsets[i]
        hi = offsets[i + 1]
        if hi - lo < 2:
            continue
        count = 0
        if is_counter:
            for j in range(lo + 1, hi):
                if values[j] < values[j - 1]:
                    resets[count] = j
                    count += 1
        resets[count] = hi
        r = 0
        a = lo
        b = lo
        for k in range(steps):
            end = first_ms + k * step_ms
            start = end - range_ms
            while b < hi and ts[b] <= end:
                b += 1
            while a < b and ts[a] <= start:
                a += 1
            if b - a < 2:
                continue
            increase = values[b - 1] - values[a]
            if count > 0:
                while resets[r] <= a:
                    r += 1
                q = r
                while resets[q] < b:
                    increase += values[resets[q] - 1]
                    q += 1
            factor = extrapolation_factor(
                ts[a], ts[b - 1], b - a, values[a], increase, start, end, is_counter
            )
            if is_rate:
                factor /= seconds
            out[i, k] = increase * factor
            present[i, k] = True


@kernel
def rate_window_started(
    offsets: Ints,
    ts: Ints,
    values: Floats,
    started: Ints,
    first_ms: int,
    step_ms: int,
    steps: int,
    range_ms: int,
    is_rate: bool,
    out: Floats,
    present: Bools,
    overlaps: Ints,
) -> None:  # pragma: no cover - compiled
    """Fill the grid as `rate_window` does for counters whose samples carry start timestamps (0: unknown).

    `overlaps[i]` counts the windows of series i in which a start lies before the sample before it.
    """
    seconds = np.float64(range_ms) / 1000.0
    for i in range(offsets.size - 1):
        hi = offsets[i + 1]
        a = offsets[i]
        b = a
        for k in range(steps):
            end = first_ms + k * step_ms
            start = end - range_ms
            while b < hi and ts[b] <= end:
                b += 1
            while a < b and ts[a] <= start:
                a += 1
            if b == a:
                continue
            increase = values[b - 1] - values[a]
            overlapped = False
            for j in range(a + 1, b):
                st = started[j]
                overlapped |= st not in (0, started[j - 1]) and st < ts[j - 1]
                if values[j] < values[j - 1] or is_start_reset(started[j - 1], ts[j - 1], st, ts[j]):
                    increase += values[j - 1]
            if overlapped:
                overlaps[i] += 1
            if started[a] != 0 and started[a] > start and started[a] < ts[a]:
                average = 0.0
                if b - a > 1:
                    average = np.float64(ts[b - 1] - ts[a]) / 1000.0 / np.float64(b - a - 1)
                increase += values[a]
                factor = started_factor(started[a], ts[b - 1], average * 1.1, average, end)
            elif b - a < 2:
                continue
            else:
                factor = extrapolation_factor(ts[a], ts[b - 1], b - a, values[a], increase, start, end, True)
            if is_rate:
                factor /= seconds
            out[i, k] = increase * factor
            present[i, k] = True


@kernel
def instant_window(
    offsets: Ints,
    ts: Ints,
    values: Floats,
    started: Ints,
    first_ms: int,
    step_ms: int,
    steps: int,
    range_ms: int,
    is_rate: bool,
    out: Floats,
    present: Bools,
) -> None:  # pragma: no cover - compiled
    """Fill the grid with irate or idelta: the last two samples of each window. `started` may be empty."""
    for i in range(offsets.size - 1):
        lo = offsets[i]
        hi = offsets[i + 1]
        b = lo
        for k in range(steps):
            end = first_ms + k * step_ms
            while b < hi and ts[b] <= end:
                b += 1
            if b - lo < 2 or ts[b - 2] <= end - range_ms:
                continue
            v = values[b - 1]
            prev = values[b - 2]
            reset = v < prev
            if started.size > 0:
                reset |= is_start_reset(started[b - 2], ts[b - 2], started[b - 1], ts[b - 1])
            if not (is_rate and reset):
                v -= prev
            if is_rate:
                v /= np.float64(ts[b - 1] - ts[b - 2]) / 1000.0
            out[i, k] = v
            present[i, k] = True


@inlined_kernel
def interpolated(t1: int, v1: float, t2: int, v2: float, t: int, is_counter: bool) -> float:
    """Return the value at `t` on the line between two samples; a counter restarts from zero at a reset."""
    if is_counter and v2 < v1:
        v1 = 0.0
    return v1 + (v2 - v1) * np.float64(t - t1) / np.float64(t2 - t1)


@kernel
def extended_window(
    offsets: Ints,
    ts: Ints,
    values: Floats,
    first_ms: int,
    step_ms: int,
    steps: int,
    range_ms: int,
    lookback_ms: int,
    smoothed: bool,
    is_counter: bool,
    is_rate: bool,
    out: Floats,
    present: Bools,
) -> None:  # pragma: no cover - compiled
    """Fill the grid with rate, increase or delta of anchored or smoothed windows.

    Anchored windows take the last sample at or before the window's start as its value there; smoothed
    ones interpolate at both ends. Neighbours are looked for within the lookback.
    """
    seconds = np.float64(range_ms) / 1000.0
    for i in range(offsets.size - 1):
        hi = offsets[i + 1]
        a = offsets[i]
        b = a
        f = a
        for k in range(steps):
            end = first_ms + k * step_ms
            start = end - range_ms
            reach = end + lookback_ms if smoothed else end
            while b < hi and ts[b] <= reach:
                b += 1
            while a < b and ts[a] <= start - lookback_ms:
                a += 1
            if a == b:
                continue
            f = max(f, a)
            while f + 1 < b and ts[f + 1] <= start:
                f += 1
            # As upstream's search among all but the last sample: the last is never taken for the anchor.
            first = f
            if first == b - 1 and first > a:
                first -= 1
            last = b - 1
            if smoothed:
                while last > a and ts[last - 1] >= end:
                    last -= 1
            if ts[last] <= start or (smoothed and ts[first] > end):
                continue
            left = values[first]
            if smoothed and ts[first] < start:
                left = interpolated(
                    ts[first], values[first], ts[first + 1], values[first + 1], start, is_counter
                )
            right = values[last]
            if smoothed and last > a and ts[last] > end:
                right = interpolated(ts[last - 1], values[last - 1], ts[last], values[last], end, is_counter)
            result = right - left
            if is_counter:
                p = first + 1 if ts[first] <= start else first
                q = last - 1 if ts[last] >= end else last
                correction = 0.0
                prev = left
                for j in range(p, q + 1):
                    if values[j] < prev:
                        correction += prev
                    prev = values[j]
                if right < prev:
                    correction += prev
                result += correction
            if is_rate:
                result /= seconds
            out[i, k] = result
            present[i, k] = True
