"""The arithmetic of error budgets: what was spent, how fast it goes, and how long it lasts."""

from __future__ import annotations

import math

from msgspec import Struct


class Counts(Struct, frozen=True):
    """Events, or slices of time, of a window, and how many of them were bad."""

    total: float
    bad: float

    @property
    def error_rate(self) -> float | None:
        """The ratio of bad ones; None where there were none at all: that is unknown, not zero."""
        return self.bad / self.total if self.total > 0 else None


class BudgetState(Struct, frozen=True):
    """How an objective stands at a time."""

    counts: Counts
    budget: float
    """The ratio of events that may be bad."""
    remaining: float
    """1 is whole, 0 spent, below 0 overdrawn; whole where nothing happened."""
    burn_rate: float | None
    """1 spends the budget in just the window; None where nothing happened, infinite where no budget is."""
    exhausted_in_ms: float | None
    """When the budget is spent if it goes on like this; None for never, or not known."""

    @property
    def is_met(self) -> bool | None:
        """Whether the objective is met; None where nothing happened."""
        rate = self.counts.error_rate
        # Sums of doubles: at equality it holds.
        return None if rate is None else rate <= self.budget * (1 + 1e-12)


def burn_rate(counts: Counts, budget: float) -> float | None:
    """Return how fast the budget goes: the error rate in budgets."""
    rate = counts.error_rate
    if rate is None:
        return None
    if budget <= 0:
        return math.inf if rate > 0 else 0.0
    return rate / budget


def remaining(counts: Counts, budget: float) -> float:
    """Return the part of a window's budget that is left."""
    if counts.total <= 0 or counts.bad <= 0:
        return 1.0
    allowed = budget * counts.total
    return 1 - counts.bad / allowed if allowed > 0 else -math.inf


def budget_state(window: Counts, recent: Counts, budget: float, window_ms: int) -> BudgetState:
    """Return how an objective stands, of what happened in its window and in the recent past."""
    left, rate = remaining(window, budget), burn_rate(recent, budget)
    if left <= _NOTHING or rate == math.inf:
        lasts: float | None = 0.0
    elif not rate:
        lasts = None
    else:
        lasts = left * window_ms / rate
    return BudgetState(window, budget, left, rate, lasts)


_NOTHING = 1e-12
"""What is left of a budget that is spent to the event, in sums of doubles."""
