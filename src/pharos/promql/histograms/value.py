"""Native histograms as values: exponential and custom buckets, their arithmetic and their resets.

The rules are those of Prometheus' model/histogram (FloatHistogram). Buckets are kept by index, empty ones
only where they were given, so that layouts compare as upstream's spans do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal, localcontext
from enum import IntEnum
from functools import lru_cache
from typing import Final, TypeAlias

from msgspec import Struct, field

from pharos.gotext.numbers import format_g

CUSTOM_SCHEMA: Final = -53
"""The schema number of histograms whose bucket bounds are listed."""

Side: TypeAlias = dict[int, float]
"""Counts by bucket index."""


class ResetHint(IntEnum):
    """What a sample tells of a counter reset before it (prompb.Histogram.ResetHint)."""

    UNKNOWN = 0
    RESET = 1
    NOT_RESET = 2
    GAUGE = 3


class IncompatibleSchemaError(Exception):
    """Exponential and custom buckets were to be combined; callers turn it into an annotation."""


class Bucket(Struct, frozen=True):
    """One bucket with its bounds; `brackets` says which of them belong to it."""

    lower: float
    upper: float
    count: float
    brackets: str = "(]"

    def __str__(self) -> str:
        return (
            f"{self.brackets[0]}{format_g(self.lower)},{format_g(self.upper)}{self.brackets[1]}"
            f":{format_g(self.count)}"
        )


class Merged(Struct, frozen=True):
    """What happened when two histograms were combined: contradicting hints, bounds made common."""

    collision: bool
    reconciled: bool


@lru_cache(maxsize=16)
def _fractions(schema: int) -> tuple[float, ...]:
    """Return the bounds of one power of two, each in 0.5..1, rounded correctly."""
    with localcontext() as context:
        context.prec = 60
        parts = 2**schema
        return tuple(float(Decimal(2) ** (Decimal(i) / parts) / 2) for i in range(parts))


@lru_cache(maxsize=65_536)
def exponential_bound(index: int, schema: int) -> float:
    """Return the upper bound of bucket `index`; the last one of all finite numbers ends at the largest."""
    if schema < 0:
        exponent = index << -schema
        fraction = 1.0
        if exponent == 1024:
            return 1.7976931348623157e308
    else:
        fraction = _fractions(schema)[index & ((1 << schema) - 1)]
        exponent = (index >> schema) + 1
        if fraction == 0.5 and exponent == 1025:
            return 1.7976931348623157e308
    try:
        return math.ldexp(fraction, exponent)
    except OverflowError:
        return math.inf


def reduced(side: Side, schema: int, target: int) -> Side:
    """Return the buckets of one side at a lower resolution."""
    out: Side = {}
    for index in sorted(side):
        to = ((index - 1) >> (schema - target)) + 1
        out[to] = out[to] + side[index] if to in out else side[index]
    return out


class FloatHistogram(Struct):
    """A native histogram; `positive` and `negative` hold counts by bucket index, `custom` listed bounds."""

    schema: int = 0
    count: float = 0.0
    sum: float = 0.0
    zero_threshold: float = 0.0
    zero_count: float = 0.0
    positive: Side = field(default_factory=dict)
    negative: Side = field(default_factory=dict)
    custom: tuple[float, ...] = ()
    hint: ResetHint = ResetHint.UNKNOWN

    @property
    def uses_custom(self) -> bool:
        """Return whether the bucket bounds are listed."""
        return self.schema == CUSTOM_SCHEMA

    def copy(self) -> FloatHistogram:
        """Return a copy that shares nothing that changes."""
        return FloatHistogram(
            self.schema,
            self.count,
            self.sum,
            self.zero_threshold,
            self.zero_count,
            dict(self.positive),
            dict(self.negative),
            self.custom,
            self.hint,
        )

    def copy_to_schema(self, target: int) -> FloatHistogram:
        """Return a copy at the resolution `target`, which must not be higher; a lower one loses the hint."""
        copied = self.copy()
        if target != self.schema:
            copied.positive = reduced(self.positive, self.schema, target)
            copied.negative = reduced(self.negative, self.schema, target)
            copied.schema = target
            copied.hint = ResetHint.UNKNOWN
        return copied

    # ---- bounds and buckets

    def bound(self, index: int) -> float:
        """Return the upper bound of positive bucket `index`."""
        if not self.uses_custom:
            return exponential_bound(index, self.schema)
        if index < 0:
            return -math.inf
        return self.custom[index] if index < len(self.custom) else math.inf

    def bucket(self, index: int, *, positive: bool = True) -> Bucket:
        """Return the bucket at `index` of one side."""
        if positive:
            lower, upper, count = self.bound(index - 1), self.bound(index), self.positive[index]
        else:
            lower, upper, count = -self.bound(index), -self.bound(index - 1), self.negative[index]
        if self.uses_custom:
            return Bucket(lower, upper, count, "[]" if index == 0 else "(]")
        return Bucket(lower, upper, count, ("[" if lower < 0 else "(") + ("]" if upper > 0 else ")"))

    def zero_bucket(self) -> Bucket:
        """Return the zero bucket."""
        return Bucket(-self.zero_threshold, self.zero_threshold, self.zero_count, "[]")

    def buckets(self) -> Iterator[Bucket]:
        """Yield all buckets from the lowest up, cut where they reach into the zero bucket."""
        for index in sorted(self.negative, reverse=True):
            yield self._cut(self.bucket(index, positive=False))
        if self.zero_count > 0 and not self.uses_custom:
            yield self.zero_bucket()
        for index in sorted(self.positive):
            yield self._cut(self.bucket(index))

    def buckets_down(self) -> Iterator[Bucket]:
        """Yield all buckets from the highest down, cut where they reach into the zero bucket."""
        for index in sorted(self.positive, reverse=True):
            yield self._cut(self.bucket(index))
        if self.zero_count > 0 and not self.uses_custom:
            yield self.zero_bucket()
        for index in sorted(self.negative):
            yield self._cut(self.bucket(index, positive=False))

    def _cut(self, bucket: Bucket) -> Bucket:
        threshold = self.zero_threshold
        if -threshold < bucket.upper < 0:
            return Bucket(bucket.lower, -threshold, bucket.count, bucket.brackets)
        if 0 < bucket.lower < threshold:
            return Bucket(threshold, bucket.upper, bucket.count, bucket.brackets)
        return bucket

    def __str__(self) -> str:
        parts = [f"count:{format_g(self.count)}", f"sum:{format_g(self.sum)}"]
        below = [index for index in sorted(self.negative, reverse=True) if self.negative[index] != 0]
        parts.extend(str(self.bucket(index, positive=False)) for index in below)
        if self.zero_count != 0:
            parts.append(str(self.zero_bucket()))
        parts.extend(str(self.bucket(index)) for index in sorted(self.positive) if self.positive[index] != 0)
        return "{" + ", ".join(parts) + "}"

    # ---- scaling and comparing

    def mul(self, factor: float) -> FloatHistogram:
        """Multiply everything by `factor` in place; a negative factor makes a gauge."""
        factor = float(factor)  # numpy's numbers warn where Go's and Python's give NaN
        self.zero_count *= factor
        self.count *= factor
        self.sum *= factor
        self.positive = {index: count * factor for index, count in self.positive.items()}
        self.negative = {index: count * factor for index, count in self.negative.items()}
        if factor < 0:
            self.hint = ResetHint.GAUGE
        return self

    def div(self, scalar: float) -> FloatHistogram:
        """Divide everything by `scalar` in place; zero leaves no buckets, a negative number makes a gauge."""
        scalar = float(scalar)
        self.zero_count = quotient(self.zero_count, scalar)
        self.count = quotient(self.count, scalar)
        self.sum = quotient(self.sum, scalar)
        if scalar == 0:
            self.positive, self.negative = {}, {}
            return self
        self.positive = {index: count / scalar for index, count in self.positive.items()}
        self.negative = {index: count / scalar for index, count in self.negative.items()}
        if scalar < 0:
            self.hint = ResetHint.GAUGE
        return self

    def compact(self) -> FloatHistogram:
        """Drop empty buckets in place."""
        self.positive = {index: count for index, count in self.positive.items() if count != 0}
        self.negative = {index: count for index, count in self.negative.items() if count != 0}
        return self

    def equals(self, other: FloatHistogram) -> bool:
        """Return whether both are the same in every number and in their layout; the hints do not count."""
        if (self.schema, self.count, self.zero_threshold, self.zero_count) != (
            other.schema,
            other.count,
            other.zero_threshold,
            other.zero_count,
        ):
            return False
        if self.sum != other.sum and not (math.isnan(self.sum) and math.isnan(other.sum)):
            return False
        return (
            self.custom == other.custom
            and self.positive == other.positive
            and self.negative == other.negative
        )

    def has_overflow(self) -> bool:
        """Return whether any number of it is infinite."""
        return any(
            math.isinf(number)
            for number in (
                self.zero_count,
                self.count,
                self.sum,
                *self.positive.values(),
                *self.negative.values(),
                *self.custom,
            )
        )

    # ---- zero buckets

    def zero_count_within(self, threshold: float) -> tuple[float, float]:
        """Return the zero count for a larger threshold, and the threshold moved out of populated buckets."""
        if threshold == self.zero_threshold:
            return self.zero_count, threshold
        while True:
            total, again = self.zero_count, False
            for index in sorted(self.positive):
                bucket = self.bucket(index)
                if bucket.lower >= threshold:
                    break
                total += bucket.count
                if bucket.upper > threshold:
                    if bucket.count != 0:
                        threshold = bucket.upper
                    break
            for index in sorted(self.negative):
                bucket = self.bucket(index, positive=False)
                if bucket.upper <= -threshold:
                    break
                total += bucket.count
                if bucket.lower < -threshold:
                    if bucket.count != 0:
                        threshold = -bucket.lower
                        again = True
                    break
            if not again:
                return total, threshold

    def drop_within_zero(self) -> None:
        """Remove the buckets that the zero bucket covers, and with them all empty ones."""
        self.positive = {
            index: count
            for index, count in self.positive.items()
            if self.bound(index - 1) >= self.zero_threshold
        }
        self.negative = {
            index: count
            for index, count in self.negative.items()
            if self.bound(index - 1) >= self.zero_threshold
        }
        self.compact()

    # ---- resets

    def detect_reset(self, previous: FloatHistogram) -> bool:
        """Return whether a counter was reset between `previous` and this sample."""
        if self.hint is ResetHint.RESET:
            return True
        if self.hint is ResetHint.NOT_RESET:
            return False
        if self.count < previous.count:
            return True
        if self.uses_custom:
            if not previous.uses_custom:
                return True
            if self.custom != previous.custom:
                return _mismatched_reset(self, previous)
        if self.schema > previous.schema or self.zero_threshold < previous.zero_threshold:
            return True
        zero_count, threshold = previous.zero_count_within(self.zero_threshold)
        if threshold != self.zero_threshold or self.zero_count < zero_count:
            return True
        for mine, theirs in ((self.positive, previous.positive), (self.negative, previous.negative)):
            before = theirs
            if self.schema != previous.schema:
                before = reduced(theirs, previous.schema, self.schema)
            for index, count in before.items():
                is_less = mine[index] < count if index in mine else count != 0
                # Bounds take most of the time: they are looked at only where something is missing.
                if is_less and not self._is_within_zero(index):
                    return True
        return False

    def _is_within_zero(self, index: int) -> bool:
        """Return whether a bucket lies within the zero bucket."""
        return not self.uses_custom and self.bound(index) <= self.zero_threshold


def quotient(number: float, scalar: float) -> float:
    """Return `number / scalar` as IEEE has it, by zero too."""
    if scalar != 0:
        return number / scalar
    if number == 0 or math.isnan(number):
        return math.nan
    return math.copysign(math.inf, number) * math.copysign(1.0, scalar)


def common_bounds(first: tuple[float, ...], second: tuple[float, ...]) -> tuple[float, ...]:
    """Return the bounds that two lists share."""
    there = set(second)
    return tuple(bound for bound in first if bound in there)


def target_index(index: int, bounds: tuple[float, ...], common: tuple[float, ...]) -> int:
    """Return the bucket of the common layout that takes bucket `index` of another one."""
    if index < len(bounds):
        for at, bound in enumerate(common):
            if bound >= bounds[index]:
                return at
    return len(common)


def _mismatched_reset(current: FloatHistogram, previous: FloatHistogram) -> bool:
    common = common_bounds(current.custom, previous.custom)
    sides: list[Side] = []
    for histogram in (current, previous):
        side: Side = {}
        for index in sorted(histogram.positive):
            at = target_index(index, histogram.custom, common)
            side[at] = side.get(at, 0.0) + histogram.positive[index]
        sides.append(side)
    return any(sides[0].get(at, 0.0) < count for at, count in sides[1].items())
