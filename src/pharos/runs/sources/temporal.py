"""Temporal: histories of workflow executions, as `temporal workflow show --output json`, the HTTP API and the
export have them (temporal.api.history.v1.History in protobuf's JSON).

Activities, timers, child workflows and Nexus operations are steps, each known by the number of the event that
scheduled it: a part of a history says as much as it holds, whatever was sent before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field

from pharos.runs.events import EventKind, RunEvent, State, StepRef
from pharos.runs.sources.fields import (
    ERROR_MOST,
    NAME_MOST,
    Fields,
    attributes_of,
    cut,
    fit,
    read_seconds,
    run_id_of,
)
from pharos.runs.sources.schedules import schedule_of

_PREFIX: Final = "EVENT_TYPE_"
_CAUSES_MOST: Final = 20
_OF_RUN: Final[Mapping[str, tuple[EventKind, State | None]]] = {
    "WORKFLOW_EXECUTION_STARTED": (EventKind.START, None),
    "WORKFLOW_EXECUTION_COMPLETED": (EventKind.END, State.SUCCEEDED),
    "WORKFLOW_EXECUTION_FAILED": (EventKind.END, State.FAILED),
    "WORKFLOW_EXECUTION_TIMED_OUT": (EventKind.END, State.TIMED_OUT),
    "WORKFLOW_EXECUTION_CANCELED": (EventKind.END, State.ABORTED),
    "WORKFLOW_EXECUTION_TERMINATED": (EventKind.END, State.ABORTED),
    "WORKFLOW_EXECUTION_CONTINUED_AS_NEW": (EventKind.END, State.SUCCEEDED),
    "WORKFLOW_EXECUTION_PAUSED": (EventKind.PAUSE, None),
    "WORKFLOW_EXECUTION_UNPAUSED": (EventKind.RESUME, None),
    "WORKFLOW_EXECUTION_CANCEL_REQUESTED": (EventKind.NOTE, None),
    "WORKFLOW_EXECUTION_SIGNALED": (EventKind.HEARTBEAT, None),
    "WORKFLOW_EXECUTION_UPDATE_ACCEPTED": (EventKind.HEARTBEAT, None),
    "WORKFLOW_EXECUTION_UPDATE_COMPLETED": (EventKind.HEARTBEAT, None),
    "WORKFLOW_TASK_COMPLETED": (EventKind.HEARTBEAT, None),
    "WORKFLOW_TASK_FAILED": (EventKind.NOTE, None),
    "WORKFLOW_TASK_TIMED_OUT": (EventKind.NOTE, None),
}
_OF_STEP: Final[Mapping[str, tuple[str, EventKind, State | None]]] = {
    "ACTIVITY_TASK_SCHEDULED": ("", EventKind.QUEUE, None),
    "ACTIVITY_TASK_STARTED": ("scheduledEventId", EventKind.START, None),
    "ACTIVITY_TASK_COMPLETED": ("scheduledEventId", EventKind.END, State.SUCCEEDED),
    "ACTIVITY_TASK_FAILED": ("scheduledEventId", EventKind.END, State.FAILED),
    "ACTIVITY_TASK_TIMED_OUT": ("scheduledEventId", EventKind.END, State.TIMED_OUT),
    "ACTIVITY_TASK_CANCELED": ("scheduledEventId", EventKind.END, State.ABORTED),
    "TIMER_STARTED": ("", EventKind.START, None),
    "TIMER_FIRED": ("startedEventId", EventKind.END, State.SUCCEEDED),
    "TIMER_CANCELED": ("startedEventId", EventKind.END, State.ABORTED),
    "START_CHILD_WORKFLOW_EXECUTION_INITIATED": ("", EventKind.QUEUE, None),
    "START_CHILD_WORKFLOW_EXECUTION_FAILED": ("initiatedEventId", EventKind.END, State.FAILED),
    "CHILD_WORKFLOW_EXECUTION_STARTED": ("initiatedEventId", EventKind.START, None),
    "CHILD_WORKFLOW_EXECUTION_COMPLETED": ("initiatedEventId", EventKind.END, State.SUCCEEDED),
    "CHILD_WORKFLOW_EXECUTION_FAILED": ("initiatedEventId", EventKind.END, State.FAILED),
    "CHILD_WORKFLOW_EXECUTION_TIMED_OUT": ("initiatedEventId", EventKind.END, State.TIMED_OUT),
    "CHILD_WORKFLOW_EXECUTION_CANCELED": ("initiatedEventId", EventKind.END, State.ABORTED),
    "CHILD_WORKFLOW_EXECUTION_TERMINATED": ("initiatedEventId", EventKind.END, State.ABORTED),
    "NEXUS_OPERATION_SCHEDULED": ("", EventKind.QUEUE, None),
    "NEXUS_OPERATION_STARTED": ("scheduledEventId", EventKind.START, None),
    "NEXUS_OPERATION_COMPLETED": ("scheduledEventId", EventKind.END, State.SUCCEEDED),
    "NEXUS_OPERATION_FAILED": ("scheduledEventId", EventKind.END, State.FAILED),
    "NEXUS_OPERATION_CANCELED": ("scheduledEventId", EventKind.END, State.ABORTED),
    "NEXUS_OPERATION_TIMED_OUT": ("scheduledEventId", EventKind.END, State.TIMED_OUT),
}


def read_temporal(documents: Sequence[Fields], run_id: str = "", workflow: str = "") -> list[RunEvent]:
    """Return the events of histories: `{"events": […]}`, in `history`, some under `items`, or bare events.

    `run_id` and `workflow` are those of a part of a history, which does not say them. Raises
    PharosError(INVALID) that names the field at fault.
    """
    found: list[RunEvent] = []
    bare = [one for one in documents if "eventType" in one]
    if bare:
        found += _History(run_id, workflow).read(bare)
    for document in documents:
        if "eventType" not in document:
            for history in _histories(document):
                found += _History(*_named(document, run_id, workflow)).read(list(history.objects("events")))
    return found


def _histories(document: Fields) -> Iterator[Fields]:
    if "items" in document:
        for item in document.objects("items"):
            yield from _histories(item)
    elif "history" in document:
        yield document.inner("history")
    elif "events" in document:
        yield document
    else:
        raise document.refuse("events", "is missing")


def _named(document: Fields, run_id: str, workflow: str) -> tuple[str, str]:
    execution = document.inner("workflowExecution")
    return execution.text("runId") or run_id, document.inner("workflowType").text("name") or workflow


class _Step(Struct):
    name: str = ""
    attempt: int = 1


class _History(Struct):
    """One execution, as far as its events were read."""

    run_id: str
    workflow: str
    steps: dict[int, _Step] = field(default_factory=dict)

    def read(self, events: Sequence[Fields]) -> list[RunEvent]:
        """Return what the events say; their order is that of their numbers, however they came."""
        numbered = []
        for event in events:
            number = event.whole("eventId")
            if number is None:
                raise event.refuse("eventId", "is missing")
            numbered.append((number, event))
        numbered.sort(key=lambda one: one[0])
        self._begin([event for _, event in numbered])
        return [made for number, event in numbered for made in self._event(number, event)]

    def _begin(self, events: Sequence[Fields]) -> None:
        """Find out which execution it is: the first event says so."""
        for event in events:
            if _type(event) == "WORKFLOW_EXECUTION_STARTED":
                started = _attributes(event, "WORKFLOW_EXECUTION_STARTED")
                self.run_id = self.run_id or started.text("originalExecutionRunId")
                self.workflow = started.inner("workflowType").text("name") or self.workflow
        if not self.run_id and events:
            raise events[0].refuse(
                "workflowExecutionStartedEventAttributes",
                "is missing: a part of a history needs the parameter run_id",
            )
        self.run_id, self.workflow = run_id_of(self.run_id), fit(self.workflow, NAME_MOST)

    def _event(self, number: int, event: Fields) -> Iterator[RunEvent]:
        kind_of = _type(event)
        if kind_of in _OF_RUN:
            kind, state = _OF_RUN[kind_of]
            yield self._of_run(number, event, kind, state)
        elif kind_of in _OF_STEP:
            yield self._of_step(number, event, kind_of)

    def _common(self, number: int, event: Fields) -> dict[str, Any]:
        time_ns = event.time_ns("eventTime")
        if time_ns is None:
            raise event.refuse("eventTime", "is missing")
        return {
            "run_id": self.run_id,
            "id": f"{self.run_id[:170]}:{number}",
            "time_ns": time_ns,
            "workflow": self.workflow,
            "engine": "temporal",
        }

    def _of_run(self, number: int, event: Fields, kind: EventKind, state: State | None) -> RunEvent:
        common, told = self._common(number, event), _attributes(event, _type(event))
        more: dict[str, Any] = {}
        if kind is EventKind.START:
            limit_s = read_seconds(told.text("workflowExecutionTimeout")) or read_seconds(
                told.text("workflowRunTimeout")
            )
            # After a pause before its first task, as of a cron schedule or a retry, it only waits until then.
            kind = EventKind.QUEUE if read_seconds(told.text("firstWorkflowTaskBackoff")) else kind
            more = {
                "parent": run_id_of(told.inner("parentWorkflowExecution").text("runId")),
                "owner": cut(told.text("identity"), NAME_MOST),
                "deadline_ns": None if limit_s is None else common["time_ns"] + int(limit_s * 1e9),
                "schedule": schedule_of(told.text("cronSchedule")),
                "attributes": attributes_of(
                    temporal__workflow_id=told.text("workflowId"),
                    temporal__task_queue=told.inner("taskQueue").text("name"),
                    temporal__attempt=told.whole("attempt"),
                    temporal__first_run_id=told.text("firstExecutionRunId"),
                ),
            }
        elif kind is EventKind.END:
            more["attributes"] = attributes_of(temporal__continued_as=told.text("newExecutionRunId"))
        return RunEvent(
            kind=kind,
            state=state,
            message=cut(_said(_type(event), told), NAME_MOST),
            error=_failure(told) if state in {State.FAILED, State.TIMED_OUT} else "",
            **common,
            **more,
        )

    def _of_step(self, number: int, event: Fields, kind_of: str) -> RunEvent:
        told = _attributes(event, kind_of)
        refers, kind, state = _OF_STEP[kind_of]
        begun = number
        if refers:
            found = told.whole(refers)
            if found is None:
                raise told.refuse(refers, "is missing")
            begun = found
        step = self.steps.setdefault(begun, _Step())
        step.name = step.name or _step_name(told)
        if kind_of == "ACTIVITY_TASK_STARTED":
            step.attempt = min(max(told.whole("attempt") or 1, 1), 1000)
        error = _failure(told) if state in {State.FAILED, State.TIMED_OUT} else ""
        return RunEvent(
            kind=kind,
            state=state,
            step=StepRef(str(begun), fit(step.name, NAME_MOST), step.attempt),
            node=cut(told.text("identity"), NAME_MOST),
            message=cut(_failure(told, "lastFailure"), NAME_MOST),
            error=error,
            attributes=attributes_of(
                temporal__activity_id=told.text("activityId"),
                temporal__child_run_id=told.inner("workflowExecution").text("runId"),
            ),
            **self._common(number, event),
        )


def _type(event: Fields) -> str:
    """Return the type of an event in capitals, which older servers write otherwise."""
    told = event.needed("eventType")
    if told.startswith(_PREFIX):
        return told.removeprefix(_PREFIX)
    return "".join(
        f"_{letter}" if letter.isupper() and place else letter for place, letter in enumerate(told)
    ).upper()


def _attributes(event: Fields, kind_of: str) -> Fields:
    words = kind_of.lower().split("_")
    name = words[0] + "".join(word.capitalize() for word in words[1:])
    return event.inner(f"{name}EventAttributes")


def _said(kind_of: str, told: Fields) -> str:
    if kind_of == "WORKFLOW_EXECUTION_CANCEL_REQUESTED":
        return ": ".join(filter(None, ("asked to cancel", told.text("cause"))))
    if kind_of == "WORKFLOW_TASK_FAILED":
        # The server tries such a task again and again: this is why an execution does not go on.
        return ": ".join(filter(None, ("a workflow task failed", _failure(told))))
    return told.text("reason")


def _step_name(told: Fields) -> str:
    named = told.inner("activityType").text("name") or told.inner("workflowType").text("name")
    timer, operation = told.text("timerId"), told.text("operation")
    named = named or ".".join(filter(None, (told.text("service") if operation else "", operation)))
    return named or (f"timer {timer}" if timer else "")


def _failure(told: Fields, name: str = "failure") -> str:
    """Return the message of a failure, and of what caused it."""
    failure, said = told.inner(name), []
    for _ in range(_CAUSES_MOST):
        if failure.text("message"):
            said.append(failure.text("message"))
        if "cause" not in failure:
            break
        failure = failure.inner("cause")
    return cut(": ".join(said), ERROR_MOST)
