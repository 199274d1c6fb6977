"""What the past teaches: durations by size, intervals, and which runs are late, stuck or missing."""

from __future__ import annotations

from typing import Any

import pytest

from pharos.runs.events import EventKind, RunEvent, Schedule, State
from pharos.runs.history import (
    History,
    Past,
    interval_ms,
    is_failing,
    is_flapping,
    learned,
)
from pharos.runs.state import joined
from pharos.runs.view import judged, past_of, summarize

_MINUTE = 60_000
_HOUR = 3_600_000
_NOW = 1_700_000_000_000
_NS = 1_000_000


def _past(count: int, lasted_ms: int = 10 * _MINUTE, **more: Any) -> list[Past]:
    return [
        Past(_NOW - (count - place) * _HOUR, f"r{place}", lasted_ms + place * 100, State.SUCCEEDED, **more)
        for place in range(count)
    ]


def test_a_run_is_expected_to_take_as_long_as_those_before() -> None:
    assert learned(_past(2)) is None
    model = learned(_past(40))
    assert model is not None
    found = model.expectation(None)
    assert found.p50_ms == pytest.approx(10 * _MINUTE, rel=0.01)
    assert 14 * _MINUTE < found.late_ms < 16 * _MINUTE
    assert not found.by_size


def test_durations_follow_the_size_of_the_input_and_a_few_odd_runs_move_nothing() -> None:
    sized = [
        Past(_NOW + place, f"r{place}", size * 60, State.SUCCEEDED, float(size))
        for place, size in enumerate(range(1000, 21_000, 1000))
    ]
    odd = [Past(_NOW + 100, "odd", 9 * _HOUR, State.SUCCEEDED, 2000.0)]
    model = learned([*sized, *odd])
    assert model is not None
    for size in (1_000, 5_000, 20_000, 40_000):
        found = model.expectation(float(size))
        assert found.by_size
        assert found.p50_ms == pytest.approx(size * 60, rel=0.15)
    assert model.expectation(1e9).p50_ms < 20_000 * 60 * 5
    assert not model.expectation(None).by_size


def test_starts_that_are_regular_say_when_the_next_is_due() -> None:
    assert interval_ms([place * _HOUR for place in range(5)]) is None
    assert interval_ms([place * _HOUR + place % 3 * 1000 for place in range(12)]) == pytest.approx(
        _HOUR, abs=2000
    )
    assert interval_ms([place**2 * _HOUR for place in range(12)]) is None


def test_a_workflow_is_missing_between_its_grace_and_the_time_at_which_nobody_waits() -> None:
    history = History()
    for place in range(8):
        history.begin(f"r{place}", place * _HOUR)
    due = history.due()
    assert due is not None
    assert (due.at_ms, due.source) == (8 * _HOUR, "history")
    seen = [due.is_missing(time) for time in (8 * _HOUR, 8 * _HOUR + 16 * _MINUTE, 17 * _HOUR)]
    assert seen == [False, True, False]
    history.schedule = Schedule(cron="0 3 * * *")
    told = history.due()
    assert told is not None
    assert (told.at_ms, told.source) == (27 * _HOUR, "told")


def test_a_run_that_began_anew_has_one_start() -> None:
    history = History()
    history.begin("r", 5)
    history.begin("r", 3)
    history.begin("r", 3)
    assert history.starts == [3]


def test_failing_and_flapping_are_told_apart() -> None:
    good, bad = State.SUCCEEDED, State.FAILED
    assert is_failing([bad, bad, State.TIMED_OUT, good])
    assert not is_failing([bad, bad])
    assert not is_failing([good, bad, bad, bad])
    assert is_flapping([good, bad] * 3)
    assert not is_flapping([bad] * 5 + [good] * 5)


def _run(**told: Any) -> Any:
    return summarize(joined("r", [RunEvent("r", EventKind.START, _NOW * _NS, workflow="w", **told)]))


def test_a_run_is_late_beyond_what_its_history_lets_expect_while_it_still_runs() -> None:
    history = History()
    for one in _past(40):
        history.add(one)
    soon = judged(_run(), history, _NOW + 5 * _MINUTE)
    assert (soon.state, soon.expected_from, soon.progress_from) == (State.RUNNING, "history", "history")
    assert soon.progress == pytest.approx(0.5, abs=0.01)
    late = judged(_run(), history, _NOW + 31 * _MINUTE)
    assert (late.state, late.told_state) == (State.LATE, State.RUNNING)
    assert late.reason == "usually over after 10m1s (40 runs), runs for 31m"
    assert late.progress == 0.99


def test_a_deadline_says_when_a_run_is_late() -> None:
    run = _run(deadline_ns=(_NOW + _MINUTE) * _NS)
    assert judged(run, History(), _NOW + _MINUTE).state is State.RUNNING
    late = judged(run, History(), _NOW + _MINUTE + 1)
    assert (late.state, late.expected_from) == (State.LATE, "deadline")
    assert late.reason.startswith("its deadline is over")


def test_a_run_is_stuck_that_promised_signs_of_life_and_gives_none() -> None:
    run = _run(heartbeat_every_ms=20_000)
    assert judged(run, History(), _NOW + 60_000).state is State.RUNNING
    stuck = judged(run, History(), _NOW + 60_001)
    assert (stuck.state, stuck.reason) == (State.STUCK, "no sign of life for 1m, 1m are allowed")
    assert judged(_run(), History(), _NOW + 9 * _HOUR).state is State.RUNNING


def test_a_run_that_was_heard_often_is_stuck_when_it_falls_silent() -> None:
    beats = [RunEvent("r", EventKind.HEARTBEAT, (_NOW + place * 10_000) * _NS) for place in range(6)]
    run = summarize(joined("r", [RunEvent("r", EventKind.START, _NOW * _NS), *beats]))
    assert judged(run, History(), _NOW + 50_000 + 100_000).state is State.RUNNING
    assert judged(run, History(), _NOW + 50_000 + 100_001).state is State.STUCK


def test_what_is_paused_is_neither_late_nor_stuck() -> None:
    told = [
        RunEvent("r", EventKind.START, _NOW * _NS, heartbeat_every_ms=1000),
        RunEvent("r", EventKind.PAUSE, (_NOW + 1) * _NS, deadline_ns=(_NOW + 2) * _NS),
    ]
    assert judged(summarize(joined("r", told)), History(), _NOW + _HOUR).state is State.PAUSED


def test_only_runs_that_are_over_teach_anything() -> None:
    assert past_of(_run()) is None
    over = summarize(
        joined("r", [RunEvent("r", EventKind.START, 0), RunEvent("r", EventKind.END, 5000 * _NS)])
    )
    assert past_of(over) == Past(0, "r", 5000, State.SUCCEEDED)
