"""What is known of a run does not depend on the order of its events, nor on how often they come."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict
from tests.runs.events import events

from pharos.runs.events import LOST, EventKind, RunEvent, State, StepRef
from pharos.runs.reading import event_json, read_event, stored_event
from pharos.runs.state import RunState, joined, key_of
from pharos.runs.view import summarize

_NS = 10**9
_MS = 1_000_000


def _known(state: RunState) -> dict[str, Any]:
    """Return all that is known, comparable."""
    return asdict(state)


def _at(second: int, kind: EventKind, **told: Any) -> RunEvent:
    return RunEvent("r", kind, second * _NS, **told)


@given(st.lists(events(), max_size=12), st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(told: list[RunEvent], chance: Any) -> None:
    shuffled = [*told, *chance.choices(told, k=len(told))] if told else []
    chance.shuffle(shuffled)
    assert _known(joined("r", shuffled)) == _known(joined("r", told))
    assert summarize(joined("r", shuffled)) == summarize(joined("r", told))


@given(st.lists(events(), max_size=12), st.integers(0, 12))
def test_what_is_joined_in_parts_is_as_one(told: list[RunEvent], at: int) -> None:
    state = joined("r", told[:at])
    for event in told[at:]:
        state.take(event)
    assert _known(state) == _known(joined("r", told))


@given(events())
def test_an_event_is_read_as_it_was_written(event: RunEvent) -> None:
    document = orjson.loads(orjson.dumps(event_json(event)))
    assert read_event(document, event.time_ns) == event
    assert stored_event(document, event.time_ns) == event
    assert key_of(stored_event(document, event.time_ns)) == key_of(event)


def test_a_run_that_was_queued_anew_waits_until_something_is_heard_of_it() -> None:
    told = [_at(1, EventKind.QUEUE), _at(2, EventKind.START), _at(3, EventKind.PAUSE)]
    assert joined("r", told).state() is State.PAUSED
    told.append(_at(4, EventKind.QUEUE))
    assert joined("r", told).state() is State.PENDING
    assert joined("r", [*told, _at(5, EventKind.HEARTBEAT)]).state() is State.RUNNING
    assert joined("r", [*told, _at(5, EventKind.QUEUE, step=StepRef("a"))]).state() is State.PENDING
    assert joined("r", [*told, _at(4, EventKind.START, step=StepRef("a"))]).state() is State.RUNNING


def test_an_attempt_that_only_goes_on_after_a_pause_began_when_the_run_did() -> None:
    """Prefect 3.9 counts one more run after a pause."""
    goes_on = [
        _at(1, EventKind.QUEUE),
        _at(2, EventKind.START),
        _at(3, EventKind.PAUSE),
        _at(9, EventKind.RESUME, attempt=2),
        _at(10, EventKind.END, state=State.SUCCEEDED, attempt=2),
    ]
    for told in (goes_on, goes_on[::-1]):
        found = summarize(joined("r", told))
        assert (found.queued_ms, found.start_ms, found.duration_ms) == (1000, 2000, 8000)
        assert (found.state, joined("r", told).begin_ns) == (State.SUCCEEDED, 2 * _NS)
    # One that was over and is opened again began anew, though its beginning was lost.
    again = [*goes_on, _at(20, EventKind.PROGRESS, attempt=3, progress=0.5)]
    assert summarize(joined("r", again)).start_ms == 20_000


def test_a_run_goes_through_its_states() -> None:
    state = RunState("r")
    seen = []
    for event in (
        _at(1, EventKind.QUEUE),
        _at(2, EventKind.START),
        _at(3, EventKind.PAUSE),
        _at(4, EventKind.HEARTBEAT),
        _at(5, EventKind.RESUME),
        _at(6, EventKind.END, state=State.FAILED),
        _at(7, EventKind.START, attempt=2),
        _at(8, EventKind.END, state=State.SUCCEEDED, attempt=2),
    ):
        state.take(event)
        seen.append(state.state().value)
    assert seen == ["pending", "running", "paused", "paused", "running", "failed", "running", "succeeded"]
    assert (state.begin_ns, state.end_ns, state.attempt) == (7 * _NS, 8 * _NS, 2)


def test_what_comes_late_opens_no_run_that_is_over() -> None:
    state = joined("r", [_at(9, EventKind.END), _at(2, EventKind.START), _at(5, EventKind.PAUSE)])
    assert (state.state(), state.begin_ns, state.end_ns) == (State.SUCCEEDED, 2 * _NS, 9 * _NS)
    state.take(_at(20, EventKind.HEARTBEAT))
    assert state.is_over


def test_without_a_start_a_run_began_with_the_first_sign_of_it() -> None:
    state = joined(
        "r", [_at(1, EventKind.QUEUE), _at(4, EventKind.START, step=StepRef("x")), _at(6, EventKind.PROGRESS)]
    )
    assert (state.state(), state.begin_ns) == (State.RUNNING, 4 * _NS)


def test_a_run_that_was_given_up_lives_on_with_its_next_sign() -> None:
    given_up = RunEvent("r", EventKind.END, 50 * _NS, id=f"{LOST}1", state=State.TIMED_OUT)
    state = joined("r", [_at(1, EventKind.START), given_up])
    assert (state.state(), state.is_over, state.end_ns) == (State.TIMED_OUT, True, 1 * _NS)
    state.take(_at(60, EventKind.HEARTBEAT))
    assert (state.state(), state.is_over) == (State.RUNNING, False)
    state.take(_at(40, EventKind.END, state=State.FAILED))
    assert (state.state(), state.end_ns) == (State.FAILED, 40 * _NS)


def test_steps_without_an_end_are_unknown_once_the_run_is_over() -> None:
    told = [
        _at(1, EventKind.START),
        _at(2, EventKind.START, step=StepRef("x")),
        _at(3, EventKind.START, step=StepRef("y", attempt=1)),
        _at(4, EventKind.END, step=StepRef("y", attempt=1), state=State.FAILED, error="no room"),
        _at(5, EventKind.START, step=StepRef("y", attempt=2)),
        _at(6, EventKind.END, step=StepRef("y", attempt=2), state=State.SUCCEEDED),
    ]
    live = summarize(joined("r", told))
    assert (live.steps_total, live.steps_done, live.steps_failed, live.current_step) == (2, 1, 0, "x")
    over = summarize(joined("r", [*told, _at(9, EventKind.END, state=State.FAILED)]))
    assert (over.steps_done, over.current_step, over.duration_ms) == (1, "", 8000)


def test_the_newest_that_is_told_counts_and_costs_of_steps_are_added_up() -> None:
    told = [
        _at(5, EventKind.PROGRESS, progress=0.5, node="new"),
        _at(3, EventKind.PROGRESS, progress=0.2, node="old", owner="ada"),
        _at(4, EventKind.END, step=StepRef("x"), state=State.SUCCEEDED, cost=1.5, node="of the step"),
        _at(6, EventKind.END, step=StepRef("y"), state=State.SUCCEEDED, cost=2.0),
    ]
    one = summarize(joined("r", told))
    assert (one.progress, one.node, one.owner, one.cost) == (0.5, "new", "ada", 3.5)
    assert summarize(joined("r", [*told, _at(7, EventKind.NOTE, cost=9.0)])).cost == 9.0
