"""Kernels over native histograms of one layout: a column for each bucket, a row for each sample or step."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.promql.histograms.value import ResetHint
from pharos.promql.kernels.rate import extrapolation_factor
from pharos.promql.kernels.samples import STALE_BITS, Bools, Floats, Ints, kahan_inc

_RESET: Final = int(ResetHint.RESET)
_UNKNOWN: Final = int(ResetHint.UNKNOWN)


@inlined_kernel
def tabulate(
    rows: Ints, at: Ints, column: Ints, count: Floats, table: Floats
) -> bool:  # pragma: no cover - compiled
    """Write the buckets of `rows` into their columns of `table`; return whether all of them are counts."""
    whole = True
    for j in range(rows.size):
        for p in range(at[rows[j]], at[rows[j] + 1]):
            whole &= count[p] >= 0.0
            table[j, column[p]] = count[p]
    return whole


@inlined_kernel
def fresh_rows(total: Floats, first: int, last: int) -> Ints:  # pragma: no cover - compiled
    """Return the rows that are no stale markers."""
    rows = np.empty(last - first, np.int64)
    n = 0
    for r in range(first, last):
        if total[r : r + 1].view(np.int64)[0] != STALE_BITS:
            rows[n] = r
            n += 1
    return rows[:n]


@inlined_kernel
def count_resets(
    rows: Ints, table: Floats, hint: NDArray[np.uint8], count: Floats, zero: Floats, started: Ints, ts: Ints
) -> Ints:  # pragma: no cover - compiled
    """Return how many samples up to each one follow a reset, or tell of another start than the one before."""
    resets = np.zeros(rows.size, np.int64)
    for j in range(1, rows.size):
        own, before = rows[j], rows[j - 1]
        is_reset = hint[own] == _RESET
        if hint[own] == _UNKNOWN:
            is_reset = count[own] < count[before] or zero[own] < zero[before]
            for c in range(table.shape[1]):
                is_reset |= table[j, c] < table[j - 1, c]
        if started.size:
            start = started[own]
            is_reset |= start != started[before] or (start != 0 and start > ts[before])
        resets[j] = resets[j - 1] + is_reset
    return resets


class Buckets(NamedTuple):
    """The buckets of one sign: those of row r are the places from `at[r]` up to `at[r + 1]`."""

    at: Ints
    column: Ints
    """In which column of the layout each of them counts."""
    counts: Floats


class HistogramRows(NamedTuple):
    """Histograms of one layout, a row for each; of series s from `offsets[s]` to `offsets[s + 1]`."""

    offsets: Ints
    ts: Ints
    started: Ints
    """Since when each counts, 0 where that is not known; empty where it is of none."""
    hint: NDArray[np.uint8]
    counts: Floats
    totals: Floats
    zeros: Floats
    negative: Buckets
    positive: Buckets


class Spans(NamedTuple):
    """The windows of a range: the first ends at `first_ms`, each `stride_ms` after the one before."""

    first_ms: int
    stride_ms: int
    range_ms: int


class Increases(NamedTuple):
    """What is written for each series and window."""

    buckets: Floats
    counts: Floats
    totals: Floats
    zeros: Floats
    present: Bools
    odd: Bools
    """Where it cannot be told here."""


@kernel
def histogram_windows(
    first: int, last: int, read: HistogramRows, spans: Spans, is_rate: bool, out: Increases
) -> bool:  # pragma: no cover - compiled
    """Write the increase or rate of series `first` to `last` in every window.

    Windows with a counter reset, or in which a start time counts, are only marked as `odd`. Returns False,
    and what is written means nothing, for counts that are no numbers or negative. Arithmetic and its order
    are those of `histogram_rate.extrapolated_rate`.
    """
    ts, count, total, zero = read.ts, read.counts, read.totals, read.zeros
    steps, width = out.buckets.shape[1], out.buckets.shape[2]
    for i in range(first, last):
        rows = fresh_rows(total, read.offsets[i], read.offsets[i + 1])
        n = rows.size
        table = np.zeros((n, width))
        whole = tabulate(rows, read.negative.at, read.negative.column, read.negative.counts, table)
        whole &= tabulate(rows, read.positive.at, read.positive.column, read.positive.counts, table)
        for j in range(n):
            whole &= count[rows[j]] >= 0.0 and zero[rows[j]] >= 0.0
        if not whole:
            return False
        resets = count_resets(rows, table, read.hint, count, zero, read.started, ts)
        low = high = 0
        for k in range(steps):
            end = spans.first_ms + k * spans.stride_ms
            start = end - spans.range_ms
            while high < n and ts[rows[high]] <= end:
                high += 1
            while low < n and ts[rows[low]] <= start:
                low += 1
            if high <= low:
                continue
            a, b = rows[low], rows[high - 1]
            started = read.started[a] if read.started.size else 0
            is_started = started != 0 and start < started < ts[a]
            if is_started or resets[high - 1] != resets[low]:
                out.odd[i, k] = True
                continue
            if a == b:
                continue
            increase = count[b] - count[a]
            factor = extrapolation_factor(ts[a], ts[b], high - low, count[a], increase, start, end, True)
            if is_rate:
                factor /= spans.range_ms / 1000
            out.counts[i, k] = increase * factor
            out.totals[i, k] = (total[b] - total[a]) * factor
            out.zeros[i, k] = (zero[b] - zero[a]) * factor
            for c in range(width):
                out.buckets[i, k, c] = (table[high - 1, c] - table[low, c]) * factor
            out.present[i, k] = True
    return True


@kernel
def histogram_totals(
    first: int, last: int, groups: Ints, present: Bools, buckets: Floats, count: Floats, total: Floats,
    zero: Floats, is_mean: bool,
    out: Floats, out_count: Floats, out_sum: Floats, out_zero: Floats, seen: Ints,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    """Write the sum or mean of each group's histograms at the steps from `first` to `last`.

    `seen` takes how many there are. Sums are compensated as those of `aggregate_histogram.Total`.
    """
    columns = buckets.shape[2]
    width = columns + 3
    for k in range(first, last):
        sums = np.zeros((seen.shape[0], width))
        rest = np.zeros((seen.shape[0], width))
        for i in range(groups.size):
            if not present[i, k]:
                continue
            g = groups[i]
            seen[g, k] += 1
            is_first = seen[g, k] == 1
            for c in range(width):
                if c < columns:
                    inc = buckets[i, k, c]
                elif c == columns:
                    inc = count[i, k]
                elif c == columns + 1:
                    inc = total[i, k]
                else:
                    inc = zero[i, k]
                if is_first:
                    sums[g, c] = inc
                else:
                    sums[g, c], rest[g, c] = kahan_inc(inc, sums[g, c], rest[g, c])
        for g in range(seen.shape[0]):
            if seen[g, k] == 0:
                continue
            for c in range(width):
                number = sums[g, c]
                if is_mean:
                    number /= seen[g, k]
                if seen[g, k] > 1:
                    number += rest[g, c] / seen[g, k] if is_mean else rest[g, c]
                if c < columns:
                    out[g, k, c] = number
                elif c == columns:
                    out_count[g, k] = number
                elif c == columns + 1:
                    out_sum[g, k] = number
                else:
                    out_zero[g, k] = number


@inlined_kernel
def ranked_bucket(
    rank: float, forward: bool, columns: Ints, buckets: Floats, zero: float
) -> tuple[int, float, float]:  # pragma: no cover - compiled
    """Return the bucket that `rank` falls into, what it holds, and what it and those before it hold.

    Without any, the bucket is -1.
    """
    found, own, below = -1, 0.0, 0.0
    for p in range(columns.size):
        at = p if forward else columns.size - 1 - p
        column = columns[at]
        inc = buckets[column] if column >= 0 else max(zero, 0.0)
        if inc == 0.0:
            continue
        found, own = at, inc
        below += inc
        if below >= rank:
            break
    return found, own, below


@inlined_kernel
def natural_zero(
    low: float, high: float, negatives: int, buckets: Floats
) -> tuple[float, float]:  # pragma: no cover - compiled
    """Return the bounds of the zero bucket, cut at 0 where all other buckets lie on one side of it."""
    has_negative = has_positive = False
    for c in range(buckets.size):
        if buckets[c] != 0.0:
            if c < negatives:
                has_negative = True
            else:
                has_positive = True
    if has_positive and not has_negative:
        return 0.0, high
    if has_negative and not has_positive:
        return low, 0.0
    return low, high


class Bounds(NamedTuple):
    """The buckets of a layout in the order of their bounds."""

    columns: Ints
    """In which column each counts; that of the zero bucket is -1."""
    lower: Floats
    upper: Floats
    log_lower: Floats
    log_upper: Floats
    negatives: int
    """How many of them are negative."""
    is_custom: bool


class Totals(NamedTuple):
    """Histograms of one layout, by series and step."""

    present: Bools
    buckets: Floats
    counts: Floats
    totals: Floats
    zeros: Floats


class Quantiles(NamedTuple):
    """What is written for each series and step."""

    values: Floats
    sign: Floats
    """Where it is not 0, the quantile is that much times 2 to the power of its value."""
    odd: Bools
    """Histograms with observations that are no numbers, or without buckets."""


@inlined_kernel
def quantile_of_columns(
    q: float, buckets: Floats, count: float, zero: float, bounds: Bounds
) -> tuple[float, float, bool]:  # pragma: no cover - compiled
    """Return quantile, sign and whether it is odd, for 0 <= q <= 1 and a count that is not 0."""
    forward = q < 0.5
    rank = q * count if forward else (1 - q) * count
    found, own, below = ranked_bucket(rank, forward, bounds.columns, buckets, zero)
    if found < 0:
        return 0.0, 0.0, True
    low, high = bounds.lower[found], bounds.upper[found]
    if bounds.is_custom:
        if low == -np.inf:
            if high <= 0:
                return high, 0.0, False
            low = 0.0
        elif high == np.inf:
            return low, 0.0, False
    elif low < 0 < high:
        low, high = natural_zero(low, high, bounds.negatives, buckets)
    below = min(below, count)
    if below < rank:
        return high, 0.0, False
    rank = rank - (below - own) if forward else below - rank
    share = rank / own
    if bounds.is_custom or low <= 0 <= high:
        return low + (high - low) * share, 0.0, False
    log_low, log_high = bounds.log_lower[found], bounds.log_upper[found]
    if low > 0:
        return log_low + (log_high - log_low) * share, 1.0, False
    return log_high + (log_low - log_high) * (1 - share), -1.0, False


@kernel
def histogram_quantiles(
    quantiles: Floats, read: Totals, bounds: Bounds, out: Quantiles
) -> None:  # pragma: no cover - compiled
    """Write the quantile of every histogram at each step, by the rules of `histogram_quantile.quantile`."""
    for i in range(read.present.shape[0]):
        for k in range(read.present.shape[1]):
            if not read.present[i, k]:
                continue
            q, count = quantiles[k], read.counts[i, k]
            if q < 0:
                out.values[i, k] = -np.inf
            elif q > 1:
                out.values[i, k] = np.inf
            elif count == 0 or np.isnan(q):
                out.values[i, k] = np.nan
            elif np.isnan(read.totals[i, k]) or np.isnan(count):
                out.odd[i, k] = True
            else:
                out.values[i, k], out.sign[i, k], out.odd[i, k] = quantile_of_columns(
                    q, read.buckets[i, k], count, read.zeros[i, k], bounds
                )
