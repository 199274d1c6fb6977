"""`</` and `>/`: what is left of a native histogram below or above a value (FloatHistogram.TrimBuckets)."""

from __future__ import annotations

import math

from msgspec import Struct

from pharos.promql.histograms.value import Bucket, FloatHistogram, Side


class _Totals(Struct):
    """Count and sum of what is kept, estimated from the middles of buckets."""

    count: float = 0.0
    sum: float = 0.0
    changed: bool = False

    def keep(self, count: float, middle: float) -> None:
        self.count += count
        self.sum += middle * count


def trim(histogram: FloatHistogram, value: float, *, upper: bool) -> FloatHistogram:
    """Cut `histogram` in place to what lies below `value` (`upper`) or above it.

    Count and sum are estimated anew where a populated bucket is cut; else all stays as it was.
    """
    totals = _Totals()
    has_positive = _trim_side(histogram, histogram.positive, value, totals, upper=upper, positive=True)
    has_negative = _trim_side(histogram, histogram.negative, value, totals, upper=upper, positive=False)
    if histogram.zero_count > 0:
        zero = histogram.zero_bucket()
        low = 0.0 if has_positive and not has_negative else zero.lower
        high = 0.0 if has_negative and not has_positive else zero.upper
        count, middle = _trim_zero(low, high, zero.count, value, upper=upper)
        totals.changed |= count != histogram.zero_count
        histogram.zero_count = count
        totals.keep(count, middle)
    if totals.changed:
        histogram.count, histogram.sum = totals.count, totals.sum
        histogram.compact()
    return histogram


def _trim_side(
    histogram: FloatHistogram, side: Side, value: float, totals: _Totals, *, upper: bool, positive: bool
) -> bool:
    """Cut one side; return whether it had observations."""
    found = False
    for index in sorted(side):
        if side[index] == 0:
            continue
        found = True
        bucket = histogram.bucket(index, positive=positive)
        linear = histogram.uses_custom
        whole = bucket.upper <= value if upper else bucket.lower >= value
        split = bucket.lower < value if upper else bucket.upper > value
        if whole:
            totals.keep(bucket.count, _middle(bucket.lower, bucket.upper, positive=positive, linear=linear))
        elif split:
            count, middle = _cut(bucket, value, upper=upper, positive=positive, linear=linear)
            totals.keep(count, middle)
            totals.changed |= count != bucket.count
            side[index] = count
        else:
            side[index] = 0.0
            totals.changed = True
    return found


def _cut(bucket: Bucket, value: float, *, upper: bool, positive: bool, linear: bool) -> tuple[float, float]:
    """Return what is kept of a bucket that `value` cuts, and the middle of that."""
    if math.isinf(bucket.lower) or math.isinf(bucket.upper):
        return _cut_infinite(bucket, value, upper=upper)
    below = bucket.count * _fraction_below(bucket, value, linear=linear)
    if upper:
        return below, _middle(bucket.lower, value, positive=positive, linear=linear)
    return bucket.count - below, _middle(value, bucket.upper, positive=positive, linear=linear)


def _fraction_below(bucket: Bucket, value: float, *, linear: bool) -> float:
    if value <= bucket.lower:
        return 0.0
    if value >= bucket.upper:
        return 1.0
    if linear or (bucket.lower <= 0 <= bucket.upper):
        return (value - bucket.lower) / (bucket.upper - bucket.lower)
    low, high, at = (math.log2(abs(number)) for number in (bucket.lower, bucket.upper, value))
    if value > 0:
        return (at - low) / (high - low)
    return 1 - ((at - high) / (low - high))


def _trim_zero(low: float, high: float, count: float, value: float, *, upper: bool) -> tuple[float, float]:
    if upper:
        if value <= low:
            return 0.0, 0.0
        if value >= high:
            return count, (low + high) / 2
        return count * ((value - low) / (high - low)), (low + value) / 2
    if value <= low:
        return count, (low + high) / 2
    if value >= high:
        return 0.0, 0.0
    return count * ((high - value) / (high - low)), (value + high) / 2


def _finite(value: float) -> float:
    return 0.0 if math.isinf(value) else value


def _cut_infinite(bucket: Bucket, value: float, *, upper: bool) -> tuple[float, float]:
    """Return what is kept of a bucket without an end on one side."""
    high = bucket.upper
    if bucket.lower == -math.inf:
        if upper:
            if value >= high:
                return bucket.count, 0.0
            if value > 0 and high > 0 and not math.isinf(high):
                return bucket.count * value / high, value / 2
            return (bucket.count, value) if high <= 0 else (0.0, _finite(high))
        if value <= bucket.lower:
            return bucket.count, 0.0
        if value >= 0 and high > value and not math.isinf(high):
            return bucket.count * (1 - value / high), (value + high) / 2
        return 0.0, _finite(high)
    if not upper and value >= bucket.lower:
        return bucket.count, value
    return 0.0, _finite(bucket.lower)


def _middle(low: float, high: float, *, positive: bool, linear: bool) -> float:
    if math.isinf(low):
        if math.isinf(high):
            return 0.0
        return high / 2 if high > 0 else high
    if math.isinf(high):
        return low
    if linear:
        return (low + high) / 2
    mean = math.sqrt(abs(low * high))
    return mean if positive else -mean
