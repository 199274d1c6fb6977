"""Runs in portions: both groups have as many looks, whenever their runs began."""

from __future__ import annotations

import pytest

from pharos.judgement.canary import Outcome, judge
from pharos.runs.outcomes import Ended
from pharos.versions.run_ticks import ticks_of


def runs(count: int, lasted_ms: int | None = 100, failing: int = 0) -> list[Ended]:
    return [Ended(bool(failing) and number % failing == 0, lasted_ms) for number in range(count)]


@pytest.mark.parametrize(
    ("first", "second", "looks"), [(1, 1, 1), (9, 500, 1), (50, 500, 10), (900, 500, 60)]
)
def test_looks_are_as_many_of_both_with_some_runs_of_each(first: int, second: int, looks: int) -> None:
    baseline, canary = ticks_of(runs(first), runs(second))
    assert list(baseline) == list(canary) == list(range(looks))
    for ticks, count in ((baseline, first), (canary, second)):
        sizes = [tick.requests for tick in ticks.values()]
        assert sum(sizes) == count
        assert max(sizes) - min(sizes) <= 1


def test_nothing_is_seen_of_a_group_without_runs() -> None:
    baseline, canary = ticks_of(runs(40), [])
    assert (len(baseline), canary) == (1, {})
    assert judge(baseline, canary).outcome is Outcome.UNDECIDED


def test_failed_runs_and_those_of_unknown_length_have_no_duration() -> None:
    (tick,) = ticks_of(runs(4, 100, failing=2), runs(4, None))[0].values()
    assert (tick.requests, tick.errors, tick.timed) == (4, 2, 2)
    (tick,) = ticks_of(runs(4), runs(4, None))[1].values()
    assert (tick.requests, tick.errors, tick.timed) == (4, 0, 0)
