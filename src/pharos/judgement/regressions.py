"""How bad it is that something became worse: severities of regressions, by how much worse it is."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

THRESHOLD_PERCENT: Final = 10.0
"""What is worse by less is no regression."""
_STEPS: Final = (("critical", 5.0), ("high", 3.0), ("medium", 2.0), ("low", 1.0))
"""At how many thresholds each begins: of 10 %, low at 10, medium at 20, high at 30, critical at 50."""
_DELTAS: Final = (("high", 0.474), ("medium", 0.33), ("low", 0.147))
"""Of Cliff's delta, where there is no percentage (Romano et al. 2006: large, medium, small)."""


class Better(StrEnum):
    """Which way a measure gets better."""

    LOWER = "lower"
    HIGHER = "higher"
    NEITHER = "neither"
    """It may change and is told, and is no regression."""


class Severity(StrEnum):
    """How bad a regression is."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """How bad it is, from 0."""
        return list(Severity).index(self)


def worse_percent(change_percent: float, better: Better) -> float:
    """Return by how many percent of the baseline something became worse; below 0 where it became better."""
    if better is Better.NEITHER:
        return 0.0
    return change_percent if better is Better.LOWER else -change_percent


def severity_of(percent: float, threshold: float = THRESHOLD_PERCENT) -> Severity:
    """Return how bad it is that something is worse by so many percent."""
    steps = (name for name, times in _STEPS if percent >= times * threshold)
    return Severity(next(steps, Severity.NONE))


def severity_of_delta(delta: float) -> Severity:
    """Return how bad it is that values are worse, by Cliff's delta in the direction that is worse."""
    return Severity(next((name for name, least in _DELTAS if delta >= least), Severity.NONE))
