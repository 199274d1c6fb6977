"""Tests that may be looked at as often as one likes: their bounds on false alarms hold over all looks.

Sources: the mixture sequential probability ratio test (Robbins 1970; Johari et al. 2022), alpha spending
(Lan and DeMets 1983) with O'Brien and Fleming's shape, and e-processes on odds (Lindon et al. 2022).
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

_NORMAL: Final = NormalDist()
_MIXTURE_SD: Final = 0.1
"""Differences of logarithms that the mixture expects: about 10 %."""
_GRID: Final = 601
_SPREAD: Final = 8.0
"""The grid reaches so many standard deviations to either side."""
_HALVINGS: Final = 60


def log_evidence(distance: float, variance: float) -> float:
    """Return the logarithm of the evidence that a mean, seen `distance` above a limit, does lie above it.

    Whoever rejects "at or below the limit" once this reaches log(1/alpha) is wrong with probability alpha
    at most, however often they look. `variance` is that of the estimate.
    """
    prior = _MIXTURE_SD**2
    total = variance + prior
    side = _NORMAL.cdf(distance * _MIXTURE_SD / math.sqrt(variance * total))
    if side <= 0.0:
        return -math.inf
    half = 0.5 * prior * distance**2 / (variance * total)
    return math.log(2.0 * side) + 0.5 * math.log(variance / total) + half


def half_width(variance: float, alpha: float) -> float:
    """Return half of the width of the interval that covers a mean at all looks with probability 1 - alpha."""
    prior = _MIXTURE_SD**2
    total = variance + prior
    return math.sqrt(2.0 * variance * total / prior * (-math.log(alpha) + 0.5 * math.log(total / variance)))


def limit_of_evidence(variance: float, alpha: float) -> float:
    """Return the distance from which on `log_evidence` reaches log(1/alpha) at this variance."""
    low, high = 0.0, 1.0
    while log_evidence(high, variance) < -math.log(alpha):
        low, high = high, 2.0 * high
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if log_evidence(middle, variance) >= -math.log(alpha):
            high = middle
        else:
            low = middle
    return high


def spent_after(variance: float, alpha: float) -> float:
    """Return at most how much of `alpha` a test by `log_evidence` spends after this variance was reached.

    At the limit the mixture is 1/alpha times as likely as "no difference" (Ville), so this is `alpha` times
    how likely the mixture leaves the limit uncrossed.
    """
    limit, sd = limit_of_evidence(variance, alpha), math.sqrt(variance)
    places = (np.arange(_GRID) + 0.5) / _GRID
    means = (_MIXTURE_SD * _NORMAL.inv_cdf(0.5 + 0.5 * float(place)) for place in places)
    return alpha * sum(_NORMAL.cdf((limit - mean) / sd) for mean in means) / _GRID


def variance_that_decides(distance: float, alpha: float) -> float:
    """Return the variance at which `log_evidence` reaches log(1/alpha) for this distance > 0."""
    low, high = 1e-12, 1.0
    for _ in range(_HALVINGS):
        middle = math.sqrt(low * high)
        if log_evidence(distance, middle) >= -math.log(alpha):
            low = middle
        else:
            high = middle
    return low


class PlannedTest:
    """Looks at an estimate until it is as sure as planned, which together spend `alpha` and no more.

    What is spent by a share of the planned information is O'Brien and Fleming's: next to nothing at first,
    most at the end. A test by `log_evidence` goes on beside them and after them, for a part of `alpha`. The
    limit of each look is found by following the score's distribution from look to look: looks need not gain
    equal information, and what both tests would tell is paid for once.
    """

    _SEQUENTIAL: Final = 0.2
    """The part of `alpha` of the test by evidence: it tells large differences soon, small ones late."""

    def __init__(self, alpha: float, information: float) -> None:
        """`information` is 1/variance of the estimate at the last planned look."""
        self._planned = information
        self._sequential = self._SEQUENTIAL * alpha
        self._alpha = alpha - spent_after(1.0 / information, self._sequential)
        self._information = self._spent = 0.0
        self._at: NDArray[np.float64] = np.zeros(1)
        self._mass: NDArray[np.float64] = np.ones(1)
        """Where the score may be without having crossed a limit, and with which probability."""

    def variance_that_decides(self, distance: float) -> float:
        """Return the variance at which an estimate that stays at this distance > 0 crosses a limit."""
        by_evidence = variance_that_decides(distance, self._sequential)
        least = _NORMAL.inv_cdf(1.0 - self._alpha) / math.sqrt(self._planned)
        is_planned = self._information < self._planned and distance >= least
        return max(by_evidence, 1.0 / self._planned) if is_planned else by_evidence

    def is_crossed(self, distance: float, variance: float) -> bool:
        """Look once at an estimate that lies `distance` above what is tolerated."""
        limit = limit_of_evidence(variance, self._sequential)
        if self._information < self._planned:
            limit = min(limit, self._planned_limit(1.0 / variance, limit))
        return distance >= limit

    def _planned_limit(self, information: float, otherwise: float) -> float:
        """Return the distance that this look's share of `alpha` buys, or the other limit if that is less."""
        if information <= self._information:
            return otherwise
        step = math.sqrt(information - self._information)
        # A grid coarser than the step would lose mass.
        at = np.linspace(-_SPREAD, _SPREAD, _GRID) * math.sqrt(information)
        width = at[1] - at[0]
        if step < width:
            return otherwise
        kernel = np.exp(-0.5 * ((at[:, None] - self._at[None, :]) / step) ** 2)
        density = kernel @ self._mass / (step * math.sqrt(2.0 * math.pi))
        share = min(information / self._planned, 1.0)
        allowed = 2.0 * _NORMAL.cdf(-_NORMAL.inv_cdf(1.0 - self._alpha / 2.0) / math.sqrt(share))
        beyond = np.cumsum((density * width)[::-1])[::-1]
        first = int(np.searchsorted(-beyond, -max(allowed - self._spent, 0.0)))
        first = min(first, int(np.searchsorted(at, otherwise * information)))
        self._spent += float(beyond[first]) if first < _GRID else 0.0
        self._information = information
        self._at, self._mass = at[:first], density[:first] * width
        return float(at[first]) / information if first < _GRID else otherwise


class Odds:
    """Where errors land, of two groups that share them: evidence for every ratio of their rates of errors."""

    RATIOS: Final[NDArray[np.float64]] = np.geomspace(1 / 64, 64, 145)
    _TOLERATED: Final = 1.2
    """A canary may have so many times the errors."""
    _LEAST, _MOST = 1.5, 30.0
    """The ratios that are looked for."""

    def __init__(self) -> None:
        self._likelihood = np.zeros(len(self.RATIOS))
        self._tolerated = 0.0
        self._looked_for = (self.RATIOS >= self._LEAST) & (self.RATIOS <= self._MOST)

    def add(self, canary: tuple[int, int], baseline: tuple[int, int]) -> None:
        """Take in (requests, errors) of both groups in one interval of time."""
        if not canary[0] or not baseline[0] or not canary[1] + baseline[1]:
            return
        odds = canary[0] / baseline[0]
        self._likelihood += self._of(self.RATIOS * odds, canary[1], baseline[1])
        self._tolerated += float(self._of(np.array([self._TOLERATED * odds]), canary[1], baseline[1])[0])

    @staticmethod
    def _of(odds: NDArray[np.float64], here: int, there: int) -> NDArray[np.float64]:
        found: NDArray[np.float64] = here * np.log(odds) - (here + there) * np.log1p(odds)
        return found

    def log_evidence(self) -> float:
        """Return the logarithm of the evidence that the canary errs more than is tolerated."""
        return _log_mean(self._likelihood[self._looked_for] - self._tolerated)

    def interval(self, alpha: float) -> tuple[float, float]:
        """Return the ratios that are not excluded at any look; 0 and infinity where nothing bounds them."""
        whole = _log_mean(self._likelihood)
        kept = self.RATIOS[whole - self._likelihood < -math.log(alpha)]
        low, high = float(kept[0]), float(kept[-1])
        return (
            0.0 if low == self.RATIOS[0] else low,
            math.inf if high == self.RATIOS[-1] else high,
        )


def _log_mean(logarithms: NDArray[np.float64]) -> float:
    most = float(logarithms.max())
    return most + math.log(float(np.exp(logarithms - most).mean()))
