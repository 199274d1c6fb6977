"""What a query is about in time, and when it must be done."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.labels import Matcher


@dataclass(frozen=True, slots=True)
class Times:
    """When a query is evaluated; an instant query has a step of 0."""

    start_ms: int
    end_ms: int
    step_ms: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which samples a raw read is about: those of one selector in a range of times, both ends included.

    No matchers at all select nothing, as upstream has it: nobody deletes everything by leaving something out.
    """

    matchers: tuple[Matcher, ...]
    start_ms: int
    end_ms: int


@dataclass(slots=True)
class Measured:
    """What a query took, filled in on the way; seconds."""

    queue_s: float = 0.0
    prepare_s: float = 0.0
    eval_s: float = 0.0
    samples_per_step: NDArray[np.int64] | None = None


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a query must be done."""

    clock: Clock
    began_s: float
    time_s: float

    def left_s(self) -> float:
        """Return how many seconds are left; below 0 when the time is up."""
        return self.time_s - (self.clock.monotonic_s() - self.began_s)

    def check(self) -> None:
        """Raise PharosError(TIMEOUT) when the time is up."""
        if self.left_s() <= 0:
            raise PharosError(
                Kind.TIMEOUT,
                "query timed out in expression evaluation",
                hint=f"the limit is {self.time_s:g}s",
            )
