"""Quantile, fraction and variance of one native histogram (promql/quantile.go, functions.go)."""

from __future__ import annotations

import math

from pharos.promql import annotations as words
from pharos.promql.annotations import Note
from pharos.promql.histograms.value import Bucket, FloatHistogram, quotient
from pharos.promql.kernels.samples import kahan_step


def _with_natural_zero(histogram: FloatHistogram, bucket: Bucket) -> Bucket:
    """Return the zero bucket cut at 0 where all other buckets lie on one side of it."""
    if not histogram.negative and histogram.positive:
        return Bucket(0.0, bucket.upper, bucket.count)
    if not histogram.positive and histogram.negative:
        return Bucket(bucket.lower, 0.0, bucket.count)
    return bucket


def quantile(q: float, histogram: FloatHistogram, metric: str) -> tuple[float, Note | None]:
    """Return the q-quantile, and what is to be said of NaN observations."""
    if q < 0:
        return -math.inf, None
    if q > 1:
        return math.inf, None
    if histogram.count == 0 or math.isnan(q):
        return math.nan, None
    forward = math.isnan(histogram.sum) or q < 0.5
    buckets = histogram.buckets() if forward else histogram.buckets_down()
    rank = q * histogram.count if forward else (1 - q) * histogram.count
    bucket = Bucket(0.0, 0.0, 0.0)
    count = 0.0
    for bucket in buckets:
        if bucket.count == 0:
            continue
        count += bucket.count
        if count >= rank:
            break
    if histogram.uses_custom:
        if bucket.lower == -math.inf:
            if bucket.upper <= 0:
                return bucket.upper, None
            bucket = Bucket(0.0, bucket.upper, bucket.count)
        elif bucket.upper == math.inf:
            return bucket.lower, None
    elif bucket.lower < 0 < bucket.upper:
        bucket = _with_natural_zero(histogram, bucket)
    count = min(count, histogram.count)
    if count < rank:
        if math.isnan(histogram.sum):
            return math.nan, Note(words.quantile_of_nans(metric), False)
        return bucket.upper, None
    rank = rank - (count - bucket.count) if forward else count - rank
    note = None
    if math.isnan(histogram.sum) and count + sum(rest.count for rest in buckets) < histogram.count:
        note = Note(words.quantile_skewed(metric), False)
    return _interpolated(histogram, bucket, quotient(rank, bucket.count)), note


def _interpolated(histogram: FloatHistogram, bucket: Bucket, fraction: float) -> float:
    if histogram.uses_custom or (bucket.lower <= 0 <= bucket.upper):
        return bucket.lower + (bucket.upper - bucket.lower) * fraction
    low, high = math.log2(abs(bucket.lower)), math.log2(abs(bucket.upper))
    if bucket.lower > 0:
        return power_of_two(low + (high - low) * fraction)
    return -power_of_two(high + (low - high) * (1 - fraction))


def power_of_two(exponent: float) -> float:
    """Return 2 to the power of `exponent`, infinity beyond the largest number: to log2, that is 2 to 1024."""
    try:
        return math.exp2(exponent)
    except OverflowError:
        return math.inf


def _rank_at(histogram: FloatHistogram, bucket: Bucket, value: float, rank: float, *, is_zero: bool) -> float:
    """Return the rank of `value` within a bucket that follows `rank` observations."""
    if histogram.uses_custom or is_zero:
        if bucket.lower == -math.inf:
            return bucket.count
        return rank + bucket.count * (value - bucket.lower) / (bucket.upper - bucket.lower)
    low, high, at = (math.log2(abs(number)) for number in (bucket.lower, bucket.upper, value))
    if value > 0:
        return rank + bucket.count * ((at - low) / (high - low))
    return rank + bucket.count * (1 - ((at - high) / (low - high)))


def fraction(low: float, high: float, histogram: FloatHistogram, metric: str) -> tuple[float, Note | None]:
    """Return the share of the observations between two bounds, and what is to be said of NaN ones."""
    if histogram.count == 0 or math.isnan(low) or math.isnan(high):
        return math.nan, None
    if low >= high:
        return 0.0, None
    count = rank = 0.0
    ranks: dict[float, float] = {}
    buckets = histogram.buckets()
    for bucket in buckets:
        count += bucket.count
        is_zero = bucket.lower <= 0 <= bucket.upper
        if is_zero:
            bucket = _with_natural_zero(histogram, bucket)
        for value in (low, high):
            if value not in ranks and bucket.lower >= value:
                ranks[value] = rank
        if len(ranks) == 2:
            break
        for value in (low, high):
            if value not in ranks and bucket.lower < value < bucket.upper:
                ranks[value] = _rank_at(histogram, bucket, value, rank, is_zero=is_zero)
        if len(ranks) == 2:
            break
        rank += bucket.count
    note = None
    if math.isnan(histogram.sum):
        count += sum(rest.count for rest in buckets)
        if count < histogram.count:
            note = Note(words.fraction_of_nans(metric), False)
    else:
        count = histogram.count
    bounds = [min(ranks.get(value, count), count) for value in (low, high)]
    return quotient(bounds[1] - bounds[0], histogram.count), note


def variance(histogram: FloatHistogram) -> float:
    """Return the variance of the observations, each taken for the middle of its bucket."""
    mean = quotient(histogram.sum, histogram.count)
    total = comp = 0.0
    for bucket in histogram.buckets():
        if bucket.count == 0:
            continue
        if histogram.uses_custom:
            value = (bucket.upper + bucket.lower) / 2.0
        elif bucket.lower <= 0 <= bucket.upper:
            value = 0.0
        else:
            value = math.sqrt(bucket.upper * bucket.lower)
            if bucket.upper < 0:
                value = -value
        delta = value - mean
        total, comp = kahan_step(bucket.count * delta * delta, total, comp)
    return quotient(total + comp, histogram.count)
