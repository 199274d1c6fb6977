"""Events of AutomatosX' WorkflowMonitor as events of runs: executions, their steps, progress and failures.

The document names what is told (workflow execution tracking, step progress, errors and failures) and writes
ids and times as `executionId` and milliseconds; the names of the events are ours.
"""

from __future__ import annotations

from typing import Any, Final

from pharos.runs.documents import Fields, documents, refuse
from pharos.runs.events import EventKind, RunEvent, State, StepRef

ENGINE: Final = "automatosx"
_TYPES: Final = {
    "workflow.queued": (EventKind.QUEUE, None),
    "workflow.started": (EventKind.START, None),
    "workflow.progress": (EventKind.PROGRESS, None),
    "workflow.paused": (EventKind.PAUSE, None),
    "workflow.resumed": (EventKind.RESUME, None),
    "workflow.completed": (EventKind.END, State.SUCCEEDED),
    "workflow.failed": (EventKind.END, State.FAILED),
    "workflow.cancelled": (EventKind.END, State.ABORTED),
    "step.started": (EventKind.START, None),
    "step.progress": (EventKind.PROGRESS, None),
    "step.completed": (EventKind.END, State.SUCCEEDED),
    "step.failed": (EventKind.END, State.FAILED),
    "step.skipped": (EventKind.END, State.SKIPPED),
    "error": (EventKind.NOTE, None),
}
_ATTEMPTS_MOST: Final = 1000
_PAIRS_MOST: Final = 64
_ERROR_LONGEST: Final = 16_384


def workflow_events(body: Any, now_ns: int) -> list[RunEvent]:
    """Return the events that a body tells. Raises PharosError that names the field at fault."""
    return [_event(one, now_ns) for one in documents(body, "events")]


def _event(one: Fields, now_ns: int) -> RunEvent:
    name = one.needed("type").replace("workflow.step.", "step.", 1)
    if name not in _TYPES:
        refuse(one.at("type"), f"must be one of {', '.join(_TYPES)}")
    kind, state = _TYPES[name]
    step = None
    if name.startswith("step.") or one.text("stepId"):
        attempt = one.count("attempt") or 1
        if attempt > _ATTEMPTS_MOST:
            refuse(one.at("attempt"), f"must be at most {_ATTEMPTS_MOST}")
        step = StepRef(one.needed("stepId"), one.text("stepName"), attempt)
    return RunEvent(
        one.needed("executionId"),
        kind,
        min(one.time_ns("timestamp") or now_ns, now_ns),
        id=_id(one),
        workflow=one.text("workflowId") or one.text("workflowName"),
        state=state,
        step=step,
        engine=ENGINE,
        version=one.text("version"),
        node=one.text("nodeId"),
        trace_id=_digits(one, "traceId", 32),
        span_id=_digits(one, "spanId", 16),
        progress=_progress(one),
        message=one.text("message", longest=4096),
        error=_error(one),
        attributes=_metadata(one.inner("metadata")),
    )


def _id(one: Fields) -> str:
    text = one.text("id")
    if text.startswith("pharos:"):
        refuse(one.at("id"), "must not begin with pharos:")
    return text


def _progress(one: Fields) -> float | None:
    told = one.number("progress")
    if told is not None:
        # The document has percentages in its pages.
        ratio = told / 100 if told > 1 else told
        if not 0 <= ratio <= 1:
            refuse(one.at("progress"), "must be a ratio or a percentage")
        return ratio
    total, done = one.count("totalSteps"), one.count("completedSteps")
    return min((done or 0) / total, 1.0) if total else None


def _error(one: Fields) -> str:
    if isinstance(one.found.get("error"), dict):
        return one.inner("error").text("message", longest=_ERROR_LONGEST)
    return one.text("error", longest=_ERROR_LONGEST)


def _digits(one: Fields, name: str, count: int) -> str:
    text = one.text(name).lower()
    if text and (len(text) != count or not set(text) <= set("0123456789abcdef")):
        refuse(one.at(name), f"must have {count} hexadecimal digits")
    return text


def _metadata(one: Fields) -> dict[str, Any]:
    """Return what is told besides, as far as it is plain."""
    found: dict[str, Any] = {}
    for name, value in one.found.items():
        if not name or len(name) > 200 or len(found) >= _PAIRS_MOST:
            refuse(one.where, f"must have at most {_PAIRS_MOST} names of 1 to 200 characters")
        if isinstance(value, bool | int):
            found[name] = value
        elif isinstance(value, str):
            found[name] = one.text(name, longest=4096)
        elif isinstance(value, float):
            found[name] = one.number(name)
    return found
