"""Prefect: the events of flow runs and task runs, as its event stream has them and automations post them.

Fields and states are those of Prefect's event reference (flow run events, task run events).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pharos.runs.events import Attribute, EventKind, RunEvent, State, StepRef
from pharos.runs.sources.fields import (
    ERROR_MOST,
    MESSAGE_MOST,
    NAME_MOST,
    Fields,
    attributes_of,
    cut,
    edges_of,
    fit,
    run_id_of,
)

_FLOW_RUN: Final = "prefect.flow-run."
_TASK_RUN: Final = "prefect.task-run."
_HEARTBEAT: Final = "heartbeat"
_KINDS: Final[Mapping[str, tuple[EventKind, State | None]]] = {
    "SCHEDULED": (EventKind.QUEUE, None),
    "PENDING": (EventKind.QUEUE, None),
    "RUNNING": (EventKind.START, None),
    "PAUSED": (EventKind.PAUSE, None),
    "CANCELLING": (EventKind.NOTE, None),
    "COMPLETED": (EventKind.END, State.SUCCEEDED),
    "FAILED": (EventKind.END, State.FAILED),
    "CRASHED": (EventKind.END, State.FAILED),
    "CANCELLED": (EventKind.END, State.ABORTED),
}
_EVENT_ID_MOST: Final = 190
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}\Z", re.ASCII)
_DRAWN: Final = 3
"""So many characters of a dynamic key end the name of a task run, where nobody named it."""
_TOLD_APART: Final = frozenset({"Cached", "RolledBack"})
"""Names of states that say more than that a task succeeded."""
_TIMED_OUT: Final = "TimedOut"
_AWAITING_RETRY: Final = "AwaitingRetry"
_RETRYING: Final = "Retrying"


def read_prefect(documents: Sequence[Fields]) -> list[RunEvent]:
    """Return the events of flow runs and their tasks; Prefect's other events say nothing of a run.

    Raises PharosError(INVALID) that names the field at fault.
    """
    return [event for one in documents for event in _events(one)]


def _events(document: Fields) -> Iterator[RunEvent]:
    name = document.needed("event")
    if name.startswith(_FLOW_RUN):
        yield from _flow_run(document, name.removeprefix(_FLOW_RUN))
    elif name.startswith(_TASK_RUN):
        yield from _task_run(document, name.removeprefix(_TASK_RUN))


def _uuid(resource: Fields, prefix: str) -> str:
    found = resource.needed("prefect.resource.id")
    if not found.startswith(prefix):
        raise resource.refuse("prefect.resource.id", f"must begin with {prefix}")
    return run_id_of(found.removeprefix(prefix))


def _time_ns(document: Fields) -> int:
    """Return when it happened: of a state when it was entered, whenever its event was made."""
    found = document.inner("resource").time_ns("prefect.state-timestamp")
    found = document.time_ns("occurred") if found is None else found
    if found is None:
        raise document.refuse("occurred", "is missing")
    return found


def _attempt(resource: Fields) -> int:
    return min(max(resource.whole("prefect.run-count") or 1, 1), 1000)


class _Told:
    """The state that an event tells of."""

    def __init__(self, document: Fields, name: str) -> None:
        resource, payload = document.inner("resource"), document.inner("payload")
        entered = payload.inner("validated_state")
        kind = resource.text("prefect.state-type") or entered.text("type")
        self.name = resource.text("prefect.state-name") or name
        if kind not in _KINDS:
            raise resource.refuse("prefect.state-type", f"must be one of {', '.join(_KINDS)}")
        self.kind, self.state = _KINDS[kind]
        message = resource.text("prefect.state-message") or entered.text("message")
        self.message = cut(message, MESSAGE_MOST)
        self.error = ""
        if self.state is State.FAILED:
            self.error = cut(message or f"the run is {self.name}", ERROR_MOST)
            if self.name == _TIMED_OUT:
                self.state = State.TIMED_OUT
        is_paused = payload.inner("initial_state").text("type") == "PAUSED"
        if self.kind is EventKind.START and is_paused:
            self.kind = EventKind.RESUME

    @property
    def shown(self) -> dict[str, Attribute]:
        """The state's own name, which may say more: Late, AwaitingRetry, Resuming, Suspended."""
        return attributes_of(prefect__state=self.name)


def _related(document: Fields, role: str) -> Fields:
    for one in document.objects("related"):
        if one.text("prefect.resource.role") == role:
            return one
    return Fields(f"{document.where}.related", {})


def _flow_run(document: Fields, name: str) -> Iterator[RunEvent]:
    resource = document.inner("resource")
    flow = _related(document, "flow")
    tags = [
        one.text("prefect.resource.id").removeprefix("prefect.tag.")
        for one in document.objects("related")
        if one.text("prefect.resource.role") == "tag"
    ]
    common: dict[str, Any] = {
        "run_id": _uuid(resource, _FLOW_RUN),
        "time_ns": _time_ns(document),
        "id": fit(document.text("id"), _EVENT_ID_MOST),
        "workflow": fit(flow.text("prefect.resource.name"), NAME_MOST),
        "engine": "prefect",
        "attributes": attributes_of(
            prefect__name=resource.text("prefect.resource.name"),
            prefect__deployment=_related(document, "deployment").text("prefect.resource.name"),
            prefect__work_pool=_related(document, "work-pool").text("prefect.resource.name"),
            prefect__tags=", ".join(tags),
        ),
    }
    if name == _HEARTBEAT:
        yield RunEvent(kind=EventKind.HEARTBEAT, **common)
        return
    told = _Told(document, name)
    common["attributes"] |= told.shown
    yield RunEvent(
        kind=told.kind,
        state=told.state,
        attempt=_attempt(resource),
        message=told.message,
        error=told.error,
        **common,
    )


def _task_run(document: Fields, name: str) -> Iterator[RunEvent]:
    resource, task_run = document.inner("resource"), document.inner("payload", "task_run")
    task_id = _uuid(resource, _TASK_RUN)
    related = _related(document, "flow-run").text("prefect.resource.id").removeprefix(_FLOW_RUN)
    run_id = task_run.text("flow_run_id") or related
    label = resource.text("prefect.resource.name") or task_run.text("name")
    attempt, shown = _attempt(resource), _name(label, task_run.text("dynamic_key"))
    flow, own = _related(document, "flow"), fit(task_run.text("task_key") or label, NAME_MOST)
    told = _Told(document, name)
    step = (
        StepRef(fit(task_id, NAME_MOST), fit(shown, NAME_MOST), attempt, _inputs(task_run))
        if run_id
        else None
    )
    event_id = fit(document.text("id"), _EVENT_ID_MOST)
    common: dict[str, Any] = {
        # A task that no flow called is a run of its own.
        "run_id": run_id_of(run_id) or task_id,
        "workflow": fit(flow.text("prefect.resource.name"), NAME_MOST) if run_id else own,
        "time_ns": _time_ns(document),
        "engine": "prefect",
    }
    if step is not None and told.name == _AWAITING_RETRY:
        yield _failed(step, event_id, told, common)
        return
    was = document.inner("payload", "initial_state").text("name")
    if step is not None and told.name == _RETRYING and attempt > 1 and was != _AWAITING_RETRY:
        # That it waited says when the attempt before was over; without a wait this is when.
        before = StepRef(step.id, step.name, attempt - 1, step.depends_on)
        yield _failed(before, f"{event_id}:before" if event_id else "", told, common)
    yield RunEvent(
        kind=told.kind,
        state=told.state,
        id=event_id,
        attempt=1 if step is not None else attempt,
        step=step,
        message=told.message,
        error=told.error,
        attributes=attributes_of(
            prefect__name=label,
            prefect__task_key=task_run.text("task_key"),
            prefect__state=told.name if told.name in _TOLD_APART else "",
        ),
        **common,
    )


def _name(label: str, dynamic_key: str) -> str:
    """Return the name of a task without the end that Prefect draws by lot: the same one in all runs."""
    drawn = dynamic_key[:_DRAWN] if _UUID.match(dynamic_key) else ""
    return (label.removesuffix(f"-{drawn}") if drawn else label) or label


def _failed(step: StepRef, event_id: str, told: _Told, common: Mapping[str, Any]) -> RunEvent:
    """Return that an attempt is over: its task is tried again."""
    return RunEvent(
        kind=EventKind.END,
        state=State.FAILED,
        id=event_id,
        step=step,
        message=told.message,
        error=told.message or "it is tried again",
        **common,
    )


def _inputs(task_run: Fields) -> tuple[str, ...]:
    """Return the task runs whose results a task run takes."""
    inputs = task_run.inner("task_inputs")
    named = [one for name in inputs.values for one in inputs.objects(name)]
    return edges_of(one.text("id") for one in named if one.text("input_type") == "task_run")
