"""Sums and differences of native histograms, with and without compensation (model/histogram)."""

from __future__ import annotations

from pharos.promql.histograms.value import (
    FloatHistogram,
    IncompatibleSchemaError,
    Merged,
    ResetHint,
    Side,
    common_bounds,
    reduced,
    target_index,
)
from pharos.promql.kernels.samples import kahan_step


def adjust_hint(receiver: FloatHistogram, other: FloatHistogram) -> bool:
    """Set the hint of a sum or difference in place; return whether the hints contradict one another."""
    mine, theirs = receiver.hint, other.hint
    if mine is theirs or mine is ResetHint.GAUGE:
        return False
    if theirs is ResetHint.GAUGE:
        receiver.hint = ResetHint.GAUGE
        return False
    receiver.hint = ResetHint.UNKNOWN
    return ResetHint.UNKNOWN not in (mine, theirs)


def add(receiver: FloatHistogram, other: FloatHistogram) -> Merged:
    """Add `other` in place. Raises IncompatibleSchemaError for exponential with custom buckets."""
    return _combine(receiver, other, 1.0)


def subtract(receiver: FloatHistogram, other: FloatHistogram) -> Merged:
    """Subtract `other` in place. Raises IncompatibleSchemaError for exponential with custom buckets."""
    return _combine(receiver, other, -1.0)


def _combine(receiver: FloatHistogram, other: FloatHistogram, sign: float) -> Merged:
    if receiver.uses_custom != other.uses_custom:
        raise IncompatibleSchemaError
    collision = adjust_hint(receiver, other)
    if not receiver.uses_custom:
        receiver.zero_count += sign * _reconcile_zero(receiver, other)
    receiver.count += sign * other.count
    receiver.sum += sign * other.sum
    if receiver.uses_custom and receiver.custom != other.custom:
        common = common_bounds(receiver.custom, other.custom)
        total, comp = _mapped(receiver, None, other, sign, common)
        receiver.positive, receiver.custom = total, common
        del comp
        return Merged(collision, True)
    positive, negative = _common_schema(receiver, other)
    _merge_side(receiver, receiver.positive, positive, sign)
    _merge_side(receiver, receiver.negative, negative, sign)
    return Merged(collision, False)


def _common_schema(receiver: FloatHistogram, other: FloatHistogram) -> tuple[Side, Side]:
    """Bring `receiver` down to the lower schema of both and return `other`'s buckets at it."""
    if other.schema < receiver.schema:
        receiver.positive = reduced(receiver.positive, receiver.schema, other.schema)
        receiver.negative = reduced(receiver.negative, receiver.schema, other.schema)
        receiver.schema = other.schema
    if other.schema > receiver.schema:
        return (
            reduced(other.positive, other.schema, receiver.schema),
            reduced(other.negative, other.schema, receiver.schema),
        )
    return other.positive, other.negative


def _counts(receiver: FloatHistogram, index: int) -> bool:
    """Return whether a bucket lies outside of the zero bucket."""
    return receiver.uses_custom or receiver.bound(index) > receiver.zero_threshold


def _merge_side(receiver: FloatHistogram, mine: Side, theirs: Side, sign: float) -> None:
    for index, count in theirs.items():
        if _counts(receiver, index):
            mine[index] = mine[index] + sign * count if index in mine else sign * count


def _reconcile_zero(receiver: FloatHistogram, other: FloatHistogram) -> float:
    """Widen the zero bucket of `receiver` to cover both; return the zero count `other` would have then."""
    count, threshold = other.zero_count, other.zero_threshold
    while threshold != receiver.zero_threshold:
        if receiver.zero_threshold > threshold:
            count, threshold = other.zero_count_within(receiver.zero_threshold)
        if threshold > receiver.zero_threshold:
            receiver.zero_count, receiver.zero_threshold = receiver.zero_count_within(threshold)
            receiver.drop_within_zero()
    return count


def _mapped(
    receiver: FloatHistogram,
    comp: FloatHistogram | None,
    other: FloatHistogram,
    sign: float,
    common: tuple[float, ...],
) -> tuple[Side, Side]:
    """Return counts and compensations of both histograms, mapped to their common bounds."""
    total = [0.0] * (len(common) + 1)
    rest = [0.0] * (len(common) + 1)
    for histogram, factor in ((receiver, 1.0), (other, sign)):
        for index in sorted(histogram.positive):
            at = target_index(index, histogram.custom, common)
            total[at], rest[at] = kahan_step(factor * histogram.positive[index], total[at], rest[at])
            if histogram is receiver and comp is not None:
                total[at], rest[at] = kahan_step(comp.positive.get(index, 0.0), total[at], rest[at])
    kept = [at for at in range(len(total)) if total[at] != 0 or rest[at] != 0]
    return {at: total[at] for at in kept}, {at: rest[at] for at in kept}


# ---- with compensation


def kahan_add(
    receiver: FloatHistogram, other: FloatHistogram, comp: FloatHistogram | None
) -> tuple[FloatHistogram, bool]:
    """Add `other` in place; return the compensation and whether custom bounds had to be made common.

    Raises IncompatibleSchemaError for exponential with custom buckets.
    """
    if receiver.uses_custom != other.uses_custom:
        raise IncompatibleSchemaError
    adjust_hint(receiver, other)
    if comp is None:
        comp = FloatHistogram(
            receiver.schema,
            zero_threshold=receiver.zero_threshold,
            positive=dict.fromkeys(receiver.positive, 0.0),
            negative=dict.fromkeys(receiver.negative, 0.0),
            custom=receiver.custom,
            hint=receiver.hint,
        )
    if not receiver.uses_custom:
        zero = _reconcile_zero_with(receiver, other, comp)
        receiver.zero_count, comp.zero_count = kahan_step(zero, receiver.zero_count, comp.zero_count)
    receiver.count, comp.count = kahan_step(other.count, receiver.count, comp.count)
    receiver.sum, comp.sum = kahan_step(other.sum, receiver.sum, comp.sum)
    if receiver.uses_custom and receiver.custom != other.custom:
        common = common_bounds(receiver.custom, other.custom)
        receiver.positive, comp.positive = _mapped(receiver, comp, other, 1.0, common)
        receiver.custom = comp.custom = common
        return comp, True
    if other.schema < receiver.schema:
        comp.positive = reduced(comp.positive, receiver.schema, other.schema)
        comp.negative = reduced(comp.negative, receiver.schema, other.schema)
    positive, negative = _common_schema(receiver, other)
    _merge_side_with(receiver, receiver.positive, positive, comp.positive)
    _merge_side_with(receiver, receiver.negative, negative, comp.negative)
    comp.schema, comp.zero_threshold = receiver.schema, receiver.zero_threshold
    return comp, False


def _reconcile_zero_with(receiver: FloatHistogram, other: FloatHistogram, comp: FloatHistogram) -> float:
    before = receiver.zero_threshold
    count = _reconcile_zero(receiver, other)
    if receiver.zero_threshold != before:
        for mine, side in ((receiver.positive, comp.positive), (receiver.negative, comp.negative)):
            for index in [index for index in side if index not in mine]:
                receiver.zero_count, comp.zero_count = kahan_step(
                    side.pop(index), receiver.zero_count, comp.zero_count
                )
        comp.zero_threshold = receiver.zero_threshold
    return count


def _merge_side_with(receiver: FloatHistogram, mine: Side, theirs: Side, comp: Side) -> None:
    for index in sorted(theirs):
        if not _counts(receiver, index):
            continue
        if index in mine:
            mine[index], comp[index] = kahan_step(theirs[index], mine[index], comp.get(index, 0.0))
        else:
            mine[index], comp[index] = theirs[index], 0.0
