"""How a run is shown: what was told of it, and what Pharos judges of one that is not over."""

from __future__ import annotations

import math
from typing import Any, Final
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from pharos.gotext.durations import format_duration
from pharos.runs.events import OVER, STEP_OVER, State
from pharos.runs.history import Expectation, History, Past
from pharos.runs.state import Part, RunState
from pharos.runs.steps import newest_steps, shown_steps

_NS_IN_MS: Final = 1_000_000
_DONE: Final = frozenset({State.SUCCEEDED, State.SKIPPED})
_FAILED: Final = frozenset({State.FAILED, State.ABORTED, State.TIMED_OUT})
_SILENT_BEATS: Final = 3
_SILENT_LEAST_MS: Final = 10_000
_LEARNED_BEATS: Final = 10
"""So many times the usual distance of its signs of life a run may be silent that promised none."""
_LEARNED_FEWEST: Final = 5
_LEARNED_LEAST_MS: Final = 60_000
_PROGRESS_MOST: Final = 0.99
"""Of a run that is not over no more is guessed."""
_TEXT_SHOWN: Final = 1_000
_SECOND_MS: Final = 1_000


class Summary(Struct, frozen=True):
    """A run as a list shows it; times in milliseconds since 1970."""

    run_id: str
    workflow: str
    state: State
    """Judged."""
    told_state: State
    reason: str
    is_over: bool
    attempt: int
    queued_ms: int | None
    start_ms: int | None
    end_ms: int | None
    duration_ms: int | None
    expected_end_ms: int | None
    late_after_ms: int | None
    expected_from: str
    progress: float | None
    progress_from: str
    last_heard_ms: int | None
    steps_total: int
    steps_done: int
    steps_failed: int
    current_step: str
    owner: str
    version: str
    engine: str
    node: str
    service: str
    parent: str
    trace_id: str
    input_size: float | None
    cost: float | None
    cost_unit: str
    message: str
    error: str
    deadline_ms: int | None
    silence_ms: int | None = None
    """So long it may give no sign of life; None for one that promised none."""
    placed_ms: int = 0
    """Where it stands in lists: when it began, as was known when it was first heard of."""


def _ms(time_ns: int | None) -> int | None:
    return None if time_ns is None else time_ns // _NS_IN_MS


def step_state(state: RunState, part: Part) -> State:
    """Return how an attempt at a step stands; unknown where its run is over and nobody told of its end."""
    told = part.life.state()
    if told in STEP_OVER or not state.is_over:
        return told
    return State.SKIPPED if told is State.PENDING else State.UNKNOWN


def cost_of(state: RunState) -> tuple[float | None, str]:
    """Return what a run cost so far and in which unit: as was told, or of all its steps together."""
    unit = state.value("cost_unit", "")
    told = state.value("cost")
    if told is not None:
        return told, unit
    parts = [part.told for tries in state.steps.values() for part in tries.values() if "cost" in part.told]
    if not parts:
        return None, unit
    own = {told["cost_unit"][2] for told in parts if "cost_unit" in told}
    return math.fsum(told["cost"][2] for told in parts), unit or min(own, default="")


class _Steps(Struct, frozen=True):
    """How many steps there are, and how they stand."""

    total: int
    done: int
    failed: int
    current: str
    """The one that began last of those that run."""


def _steps(state: RunState) -> _Steps:
    done = failed = 0
    current, is_over = (-1, ""), state.is_over
    steps = shown_steps(state)
    for step, tries in steps.items():
        life = tries[max(tries)].life
        stands = life.state() if life.ended is None else life.ended[2]
        if stands in _DONE:
            done += 1
        elif stands in _FAILED:
            failed += 1
        elif stands is State.RUNNING and not is_over:
            current = max(current, (life.begin_ns or 0, step))
        elif stands is State.PENDING and is_over:
            done += 1
    name = state.steps[current[1]] if current[1] else {}
    shown = name[max(name)].value("name", current[1]) if name else ""
    return _Steps(len(steps), done, failed, shown)


def summarize(state: RunState, placed_ms: int = 0) -> Summary:
    """Return what was told of a run, nothing judged."""
    life, told = state.begun, state.state()
    steps = _steps(state)
    has_begun = life.begin_ns is not None
    start_ms = _ms(life.begin_ns)
    end_ms = _ms(state.end_ns)
    lasted = max(end_ms - start_ms, 0) if end_ms is not None and start_ms is not None else None
    cost, unit = cost_of(state)
    error = state.value("error", "") or _error_of_steps(state, told)
    return Summary(
        run_id=state.run_id,
        workflow=state.value("workflow", ""),
        state=told,
        told_state=told,
        reason=_reason(state, told, error),
        is_over=state.is_over,
        attempt=state.attempt,
        queued_ms=_ms(life.queued_ns),
        start_ms=start_ms if has_begun else None,
        end_ms=end_ms,
        duration_ms=lasted,
        expected_end_ms=None,
        late_after_ms=None,
        expected_from="",
        progress=1.0 if told is State.SUCCEEDED else state.value("progress"),
        progress_from="told" if state.value("progress") is not None or told is State.SUCCEEDED else "",
        last_heard_ms=_ms(state.heard_ns) if state.heard_ns else None,
        steps_total=steps.total,
        steps_done=steps.done,
        steps_failed=steps.failed,
        current_step=steps.current,
        **{
            name: state.value(name, "")
            for name in ("owner", "version", "engine", "node", "service", "parent", "trace_id")
        },
        input_size=state.value("input_size"),
        cost=cost,
        cost_unit=unit,
        message=state.value("message", "")[:_TEXT_SHOWN],
        error=error[:_TEXT_SHOWN],
        deadline_ms=_ms(state.value("deadline_ns")),
        silence_ms=_silence_ms(state),
        placed_ms=placed_ms or state.begin_ns // _NS_IN_MS,
    )


def _error_of_steps(state: RunState, told: State) -> str:
    """Return the error of the step that failed last, where the run failed and has none of its own."""
    if told not in OVER or told is State.SUCCEEDED:
        return ""
    found = [
        (part.life.end_ns or 0, part.value("error")) for _, part in newest_steps(state) if part.value("error")
    ]
    text: str = max(found)[1] if found else ""
    return text


def _reason(state: RunState, told: State, error: str) -> str:
    if told is State.TIMED_OUT and state.life.ended is None:
        return "nothing was heard of it any more, nor of its end"
    if told in {State.FAILED, State.ABORTED, State.TIMED_OUT}:
        return error[:_TEXT_SHOWN] or state.value("message", "")[:_TEXT_SHOWN]
    return ""


def judged(summary: Summary, history: History, now_ms: int) -> Summary:
    """Return a run with what is expected of it, and whether it is late or stuck by now."""
    expected = history.expectation(summary.input_size)
    shown = _expecting(summary, expected)
    if summary.is_over or summary.start_ms is None:
        return shown
    lasted = max(now_ms - summary.start_ms, 0)
    shown = _progressing(replace(shown, duration_ms=lasted), history, expected)
    if summary.told_state is not State.RUNNING:
        return shown
    silent_ms = summary.silence_ms
    heard_ms = summary.last_heard_ms or summary.start_ms
    if silent_ms is not None and now_ms - heard_ms > silent_ms:
        silence = _words(now_ms - heard_ms)
        return replace(
            shown, state=State.STUCK, reason=f"no sign of life for {silence}, {_words(silent_ms)} are allowed"
        )
    if shown.late_after_ms is not None and now_ms > shown.late_after_ms:
        return replace(shown, state=State.LATE, reason=_why_late(shown, expected, lasted))
    return shown


def _expecting(summary: Summary, expected: Expectation | None) -> Summary:
    start_ms, deadline_ms = summary.start_ms, summary.deadline_ms
    if start_ms is None:
        return summary
    ends, late = None, None
    if expected is not None:
        ends, late = start_ms + int(expected.p50_ms), start_ms + int(expected.late_ms)
    if deadline_ms is None:
        return replace(
            summary, expected_end_ms=ends, late_after_ms=late, expected_from="history" if ends else ""
        )
    # The deadline says when it is late; history may still know better when it ends.
    return replace(
        summary,
        expected_end_ms=deadline_ms if ends is None else ends,
        late_after_ms=deadline_ms,
        expected_from="deadline" if ends is None else "history",
    )


def _progressing(summary: Summary, history: History, expected: Expectation | None) -> Summary:
    if summary.progress is not None:
        return summary
    steps = max(history.steps() or 0, summary.steps_total)
    if history.steps() and steps:
        share = (summary.steps_done + summary.steps_failed) / steps
        return replace(summary, progress=min(share, _PROGRESS_MOST), progress_from="steps")
    if expected is not None and summary.duration_ms is not None:
        share = summary.duration_ms / max(expected.p50_ms, 1.0)
        return replace(summary, progress=min(share, _PROGRESS_MOST), progress_from="history")
    return summary


def _silence_ms(state: RunState) -> int | None:
    """Return how long a run may be silent: by what it promised, or by how often it was heard."""
    promised: int | None = state.value("heartbeat_every_ms")
    if promised is not None:
        return max(_SILENT_BEATS * promised, _SILENT_LEAST_MS)
    if state.beats < _LEARNED_FEWEST:
        return None
    usual_ms = (state.last_beat_ns - state.first_beat_ns) // (state.beats - 1) // _NS_IN_MS
    return max(_LEARNED_BEATS * usual_ms, _LEARNED_LEAST_MS)


def _why_late(summary: Summary, expected: Expectation | None, lasted_ms: int) -> str:
    runs = f"runs for {_words(lasted_ms)}"
    if summary.deadline_ms is not None and summary.late_after_ms == summary.deadline_ms:
        return f"its deadline is over, it {runs}"
    if expected is None:
        return runs
    of_size = " of this size" if expected.by_size else ""
    usual = _words(int(expected.p50_ms))
    return f"usually over after {usual} ({expected.runs} runs{of_size}), {runs}"


def _words(time_ms: int) -> str:
    """Return a duration for people: in whole seconds."""
    if time_ms < _SECOND_MS:
        return f"{time_ms}ms"
    return format_duration(time_ms // _SECOND_MS * _SECOND_MS)


def past_of(summary: Summary) -> Past | None:
    """Return what is to be learned of a run that is over; None of another one."""
    if not summary.is_over or summary.start_ms is None or summary.duration_ms is None:
        return None
    return Past(
        summary.start_ms,
        summary.run_id,
        summary.duration_ms,
        summary.told_state,
        summary.input_size,
        summary.cost,
        summary.steps_total,
        summary.version,
    )


def summary_json(summary: Summary) -> dict[str, Any]:
    """Return a summary as answers have it."""
    found = {name: getattr(summary, name) for name in _SHOWN}
    found["state"], found["told_state"] = summary.state.value, summary.told_state.value
    found["url"] = page_path(summary.run_id)
    return found


_SHOWN: Final = tuple(name for name in Summary.__struct_fields__ if name not in {"placed_ms", "silence_ms"})


def page_path(run_id: str) -> str:
    """Return where the page of a run is."""
    return f"/runs/{quote(run_id, safe='/')}"
