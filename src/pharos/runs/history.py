"""What the past of a workflow teaches: how long a run takes, by the size of its input; when the next begins.

Durations are looked at as logarithms: a run that takes twice as long is as far off as one that takes half.
By size a line is laid through them by the median of slopes (Theil and Sen), which a few odd runs do not move.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from pharos.runs.events import Schedule, State
from pharos.runs.schedule import next_ms

REMEMBERED: Final = 200
"""So many of the newest runs of a workflow are learned from."""
RECENT: Final = 20
"""So many of the newest are looked at for how a workflow does."""
_FEWEST: Final = 3
_FEWEST_BY_SIZE: Final = 8
_SIZES_DIFFER: Final = 0.1
"""Sizes teach something where their logarithms spread so much."""
_BEYOND: Final = 4.0
"""A size is taken for no larger or smaller than so many times the known ones."""
_FLOOR_MS: Final = 10_000
"""A run is not late before it took so much longer than usual."""
_FEWEST_STARTS: Final = 6
_REGULAR: Final = 0.2
"""Starts are regular where half of the gaps lie so near to the median."""
_GRACE: Final = 0.25
_GRACE_LEAST_MS: Final = 60_000
_GRACE_MOST_MS: Final = 3_600_000
_GIVEN_UP: Final = 10
"""After so many learned intervals without a run a workflow is no more awaited."""
_TOLD_GIVEN_UP_MS: Final = 30 * 86_400_000
_FAILING_ROW: Final = 3
_FLAPS: Final = 4
_FLAPS_OF: Final = 10


class Past(Struct, frozen=True, order=True):
    """A run that is over."""

    start_ms: int
    run_id: str
    duration_ms: int
    state: State
    input_size: float | None = None
    cost: float | None = None
    steps: int = 0
    version: str = ""


class Expectation(Struct, frozen=True):
    """How long a run takes, by the runs before it."""

    p50_ms: float
    p95_ms: float
    late_ms: float
    """Beyond this it is late."""
    runs: int
    by_size: bool


class _Spread(Struct, frozen=True):
    """Logarithms of durations, as far as they are needed."""

    p50: float
    p95: float
    highest: float
    count: int

    def expected(self, shift: float, *, by_size: bool) -> Expectation:
        """Return what is expected where all of them are longer by a factor, given as its logarithm."""
        p50, p95, highest = (math.exp(one + shift) for one in (self.p50, self.p95, self.highest))
        few = self.count < RECENT
        # Of few runs the tail was not seen yet.
        late = max(p95 + 2 * (p95 - p50), 3 * p50 if few else 1.5 * p50, 1.2 * highest if few else p95)
        return Expectation(p50, p95, max(late, p50 + _FLOOR_MS), self.count, by_size)


def _spread(logs: NDArray[np.float64]) -> _Spread:
    p50, p95 = (float(one) for one in np.quantile(logs, (0.5, 0.95)))
    return _Spread(p50, p95, float(logs.max()), len(logs))


class Model(Struct, frozen=True):
    """How long runs take, learned of some."""

    plain: _Spread
    rest: _Spread | None
    """What is left of durations without what sizes explain; None where they explain nothing."""
    slope: float = 0.0
    least: float = 0.0
    most: float = 0.0
    """Between these logarithms sizes are known."""

    def expectation(self, input_size: float | None) -> Expectation:
        """Return what is expected of a run with an input of this size."""
        if self.rest is None or input_size is None or input_size <= 0:
            return self.plain.expected(0.0, by_size=False)
        beyond = math.log(_BEYOND)
        size = min(max(math.log(input_size), self.least - beyond), self.most + beyond)
        return self.rest.expected(self.slope * size, by_size=True)


def learned(past: Sequence[Past]) -> Model | None:
    """Return what runs teach that are over; None for too few that succeeded."""
    good = [one for one in past if one.state is State.SUCCEEDED]
    if len(good) < _FEWEST:
        return None
    plain = _spread(_logs(good))
    sized = [one for one in good if one.input_size is not None and one.input_size > 0]
    if len(sized) < _FEWEST_BY_SIZE:
        return Model(plain, None)
    sizes = np.log(np.array([one.input_size for one in sized], np.float64))
    if float(np.std(sizes)) < _SIZES_DIFFER:
        return Model(plain, None)
    logs = _logs(sized)
    apart = sizes[:, None] - sizes[None, :]
    rows, columns = np.nonzero(np.triu(np.abs(apart) > 1e-9, 1))
    slope = float(np.median((logs[rows] - logs[columns]) / apart[rows, columns]))
    return Model(plain, _spread(logs - slope * sizes), slope, float(sizes.min()), float(sizes.max()))


def _logs(past: Sequence[Past]) -> NDArray[np.float64]:
    return np.log(np.array([max(one.duration_ms, 1) for one in past], np.float64))


class History(Struct):
    """The newest runs of a workflow that are over, and when runs of it began."""

    past: list[Past] = field(default_factory=list)
    """By start."""
    starts: list[int] = field(default_factory=list)
    schedule: Schedule | None = None
    """As events told."""
    is_loaded: bool = False
    _changes: int = 0
    _begun: dict[str, int] = field(default_factory=dict)
    _learned: tuple[int, Model | None] | None = None

    def add(self, one: Past) -> None:
        """Add a run that is over; one that is there already is replaced."""
        self.past = [kept for kept in self.past if kept.run_id != one.run_id]
        insort(self.past, one)
        del self.past[:-REMEMBERED]
        self._changes += 1

    def drop(self, run_id: str) -> None:
        """Take a run out again that is not over after all."""
        self.past = [kept for kept in self.past if kept.run_id != run_id]
        self._changes += 1

    def begin(self, run_id: str, start_ms: int) -> None:
        """Note when a run began; of one that is known that it was then."""
        known = self._begun.get(run_id)
        if known == start_ms:
            return
        if known in self.starts:
            self.starts.remove(known)
        self._begun[run_id] = start_ms
        insort(self.starts, start_ms)
        del self.starts[:-REMEMBERED]
        if len(self._begun) > 2 * REMEMBERED:
            kept = sorted(self._begun.items(), key=lambda one: one[1])[-REMEMBERED:]
            self._begun = dict(kept)

    def load(self, past: Iterable[Past], starts: Iterable[tuple[str, int]]) -> None:
        """Take over what the store knows; what is newer is there already."""
        for one in past:
            if all(kept.run_id != one.run_id for kept in self.past):
                insort(self.past, one)
        del self.past[:-REMEMBERED]
        for run_id, start_ms in starts:
            if run_id not in self._begun:
                self.begin(run_id, start_ms)
        self._changes += len(self.past)
        self.is_loaded = True

    def expectation(self, input_size: float | None) -> Expectation | None:
        """Return what is expected of a run with an input of this size; None where too little is known."""
        # One more of many runs moves little: it is learned anew for every twentieth part of them.
        if self._learned is None or self._changes - self._learned[0] > len(self.past) // RECENT:
            self._learned = (self._changes, learned(self.past))
        model = self._learned[1]
        return None if model is None else model.expectation(input_size)

    def steps(self) -> int | None:
        """Return how many steps a run usually has."""
        counts = sorted(one.steps for one in self.past if one.state is State.SUCCEEDED and one.steps)
        return counts[len(counts) // 2] if counts else None

    def due(self) -> Due | None:
        """Return when the next run should begin; None where nothing tells."""
        if not self.starts:
            return None
        last_ms = self.starts[-1]
        if self.schedule is not None:
            at_ms = next_ms(self.schedule, last_ms)
            if at_ms is None:
                return None
            return Due(at_ms, at_ms + _grace_ms(at_ms - last_ms), at_ms + _TOLD_GIVEN_UP_MS, "told")
        interval = interval_ms(self.starts)
        if interval is None:
            return None
        at_ms = last_ms + interval
        return Due(at_ms, at_ms + _grace_ms(interval), last_ms + _GIVEN_UP * interval, "history")


class Due(Struct, frozen=True):
    """When a workflow's next run should begin."""

    at_ms: int
    missing_ms: int
    """From then on it is missing."""
    until_ms: int
    """From then on nobody waits for it."""
    source: str
    """`told` or `history`."""

    def is_missing(self, now_ms: int) -> bool:
        """Return whether a run should have begun by now."""
        return self.missing_ms <= now_ms < self.until_ms


def _grace_ms(interval_ms: int) -> int:
    return int(min(max(_GRACE * interval_ms, _GRACE_LEAST_MS), _GRACE_MOST_MS))


def interval_ms(starts: Sequence[int]) -> int | None:
    """Return how far apart starts are that are regular; None for others, or for few."""
    if len(starts) < _FEWEST_STARTS:
        return None
    gaps = np.diff(np.array(starts[-RECENT - 1 :], np.float64))
    low, middle, high = np.quantile(gaps, (0.25, 0.5, 0.75))
    regular = middle > 0 and high - low <= 2 * _REGULAR * middle
    return int(middle) if regular else None


def is_failing(recent: Sequence[State]) -> bool:
    """Return whether the newest runs, which come first, all failed."""
    return len(recent) >= _FAILING_ROW and all(
        one in {State.FAILED, State.TIMED_OUT} for one in recent[:_FAILING_ROW]
    )


def is_flapping(recent: Sequence[State]) -> bool:
    """Return whether the newest runs, which come first, fail and succeed in turns."""
    good = [one is State.SUCCEEDED for one in recent[:_FLAPS_OF]]
    return sum(1 for before, after in pairwise(good) if before != after) >= _FLAPS


def recent_states(past: Iterable[Past]) -> list[State]:
    """Return how the newest runs ended, the newest first, of some in the order of their start."""
    return [one.state for one in reversed([*past][-RECENT:])]
