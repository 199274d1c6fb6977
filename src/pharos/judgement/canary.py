"""A canary against its baseline: is it slower, does it err more, and how much more must be seen to say so."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from pharos.judgement.sequential import (
    Odds,
    PlannedTest,
    half_width,
    log_evidence,
    variance_that_decides,
)

TICK_S: Final = 5
"""How often both are looked at."""
MARGIN: Final = math.log(1.02)
"""Pods of one version differ so much: a canary that is slower by less is not slower."""
SLOWER: Final = math.log(1.10)
"""A canary that passes is not slower by so much."""
_PLANNED_SDS: Final = 4.43
"""Planned looks end when what lies between both is so many standard deviations of the estimate."""
_PLANNED: Final = (_PLANNED_SDS / (SLOWER - MARGIN)) ** 2
PASS_ALPHA: Final = 0.05
_LEAST_REQUESTS: Final = 30
"""Of each group: below, their spread is not known."""


class Alpha(Struct, frozen=True):
    """The most that a good release may be failed for its latency, and for its errors, over all looks."""

    latency: float = 0.01
    errors: float = 0.01


ALPHA: Final = Alpha()


class Outcome(StrEnum):
    """What is known of a canary."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    UNDECIDED = "undecided"


class Tick(Struct):
    """What a group did in one interval; latencies are those of requests that succeeded, as logarithms."""

    requests: int = 0
    errors: int = 0
    timed: int = 0
    mean: float = 0.0
    squares: float = 0.0
    """Sum of the squares of what lies off the mean."""

    def add(self, latency_ms: float, *, is_error: bool) -> None:
        """Count one request; the latency is above 0."""
        self.requests += 1
        if is_error:
            self.errors += 1
            return
        self.timed += 1
        logarithm = math.log(latency_ms)
        off = logarithm - self.mean
        self.mean += off / self.timed
        self.squares += off * (logarithm - self.mean)


class Part(Struct, frozen=True):
    """One of the two things judged: its outcome, its effect (1.1: a tenth more), and an interval for that."""

    outcome: Outcome
    effect: float | None
    low: float | None
    high: float | None
    after_s: float | None
    """When the outcome was reached, since the beginning."""


class Verdict(Struct, frozen=True):
    """What is known at the end of all that was seen."""

    outcome: Outcome
    after_s: float | None
    latency: Part
    errors: Part
    needs_requests: int | None
    """How many more requests of the canary would decide, if it goes on like this."""
    needs_s: float | None
    baseline_requests: int
    canary_requests: int


class _Latency:
    """The mean difference of logarithms, tick by tick, so that load that both share cancels out."""

    def __init__(self) -> None:
        self.requests = self._baseline = 0
        self._weight = self._difference = 0.0
        self._canary_share = self._baseline_share = 0.0
        self._squares = [0.0, 0.0]
        self._freedom = [0, 0]

    def add(self, canary: Tick, baseline: Tick) -> None:
        for side, tick in enumerate((canary, baseline)):
            self._squares[side] += tick.squares
            self._freedom[side] += max(tick.timed - 1, 0)
        self.requests += canary.timed
        self._baseline += baseline.timed
        if not canary.timed or not baseline.timed:
            return
        weight = canary.timed * baseline.timed / (canary.timed + baseline.timed)
        self._weight += weight
        self._difference += weight * (canary.mean - baseline.mean)
        self._canary_share += weight**2 / canary.timed
        self._baseline_share += weight**2 / baseline.timed

    def estimate(self) -> tuple[float, float] | None:
        """Return the difference and its variance, or None while too little was seen."""
        if min(self.requests, self._baseline) < _LEAST_REQUESTS or min(self._freedom) < 1 or not self._weight:
            return None
        spread = [squares / freedom for squares, freedom in zip(self._squares, self._freedom, strict=True)]
        variance = (self._canary_share * spread[0] + self._baseline_share * spread[1]) / self._weight**2
        return self._difference / self._weight, max(variance, 1e-12)


class Judge:
    """Takes in ticks in their order, and tells at any time what is known.

    A canary fails once it is shown to be slower than the margin or to err more than a fifth more; it passes
    once it is shown not to be slower by a tenth. Looks go on to the end: a failure that shows later counts.
    """

    def __init__(self, alpha: Alpha = ALPHA) -> None:
        self._alpha = alpha
        self._latency, self._odds, self._slow = _Latency(), Odds(), PlannedTest(alpha.latency, _PLANNED)
        self._slow_after: float | None = None
        self._fine_after: float | None = None
        self._erring_after: float | None = None
        self._ended = 0
        self._totals = (Tick(), Tick())

    def add(self, number: int, canary: Tick, baseline: Tick) -> None:
        """Take in what both did in the tick of a number, from 0; numbers grow."""
        self._ended = ended = (number + 1) * TICK_S
        for total, tick in zip(self._totals, (canary, baseline), strict=True):
            total.requests += tick.requests
            total.errors += tick.errors
        self._latency.add(canary, baseline)
        self._odds.add((canary.requests, canary.errors), (baseline.requests, baseline.errors))
        if self._erring_after is None and self._odds.log_evidence() >= -math.log(self._alpha.errors):
            self._erring_after = float(ended)
        found = self._latency.estimate()
        if found is None:
            return
        difference, variance = found
        if self._slow.is_crossed(difference - MARGIN, variance) and self._slow_after is None:
            self._slow_after = float(ended)
        if self._fine_after is None and log_evidence(SLOWER - difference, variance) >= -math.log(PASS_ALPHA):
            self._fine_after = float(ended)

    def verdict(self) -> Verdict:
        """Return what is known by now."""
        canary, baseline = self._totals
        errors = _error_part(self._odds, canary, baseline, self._erring_after)
        part = _latency_part(self._latency.estimate(), self._slow_after, self._fine_after)
        failures = [
            one.after_s for one in (part, errors) if one.outcome is Outcome.FAIL and one.after_s is not None
        ]
        outcome = Outcome.FAIL if failures else part.outcome
        is_open = outcome is Outcome.UNDECIDED
        needs = _needs(self._latency, self._ended, self._slow) if is_open else (None, None)
        return Verdict(
            outcome=outcome,
            after_s=min(failures) if failures else part.after_s,
            latency=part,
            errors=errors,
            needs_requests=needs[0],
            needs_s=needs[1],
            baseline_requests=baseline.requests,
            canary_requests=canary.requests,
        )


def judge(baseline: Mapping[int, Tick], canary: Mapping[int, Tick], alpha: Alpha = ALPHA) -> Verdict:
    """Return the verdict on a canary by the ticks of both, numbered from the same beginning."""
    made = Judge(alpha)
    for number, here, there in _ticks(canary, baseline):
        made.add(number, here, there)
    return made.verdict()


def _latency_part(found: tuple[float, float] | None, slow: float | None, fine: float | None) -> Part:
    if found is None:
        return Part(Outcome.UNDECIDED, None, None, None, None)
    difference, variance = found
    outcome = Outcome.UNDECIDED if fine is None else Outcome.PASS
    if slow is not None:
        outcome = Outcome.FAIL
    width = half_width(variance, PASS_ALPHA)
    effect, low, high = (math.exp(one) for one in (difference, difference - width, difference + width))
    return Part(outcome, effect, low, high, fine if slow is None else slow)


def _error_part(odds: Odds, canary: Tick, baseline: Tick, erring: float | None) -> Part:
    outcome = Outcome.UNDECIDED if erring is None else Outcome.FAIL
    here, there = (one.errors / one.requests if one.requests else math.nan for one in (canary, baseline))
    ratio = here / there if there > 0 and not math.isnan(here) else None
    low, high = odds.interval(PASS_ALPHA)
    return Part(outcome, ratio, low, None if math.isinf(high) else high, erring)


def _needs(latency: _Latency, ended: int, slow: PlannedTest) -> tuple[int | None, float | None]:
    """Return how many more requests of the canary would decide, and about how long they take."""
    found = latency.estimate()
    if not latency.requests:
        return None, None
    if found is None:
        more = float(max(_LEAST_REQUESTS - latency.requests, 1))
    else:
        difference, variance = found
        # As things are it fails or it passes: the one that is farther from its limit decides first.
        over, under = difference - MARGIN, SLOWER - difference
        wanted = max(
            slow.variance_that_decides(over) if over > 0 else 0.0,
            variance_that_decides(under, PASS_ALPHA) if under > 0 else 0.0,
        )
        more = max(latency.requests * (variance / wanted - 1.0), 1.0)
    return math.ceil(more), more * ended / latency.requests


def _ticks(canary: Mapping[int, Tick], baseline: Mapping[int, Tick]) -> Iterator[tuple[int, Tick, Tick]]:
    nothing = Tick()
    for number in sorted(canary.keys() | baseline.keys()):
        yield number, canary.get(number, nothing), baseline.get(number, nothing)
