"""Qflow's FlowExecutionMetrics and ValidationPipelineMetrics as events of runs.

What is sent again under the same ids says the same again; a later report of an execution that goes on tells
what has changed since.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pharos.runs.documents import Fields, documents, refuse
from pharos.runs.events import Attribute, EventKind, Layer, RunEvent, State

ENGINE: Final = "qflow"
VALIDATION: Final = "validation-pipeline"
"""The workflow of validations that name none."""
_ENDS: Final = {
    "completed": State.SUCCEEDED,
    "failed": State.FAILED,
    "cancelled": State.ABORTED,
    "canceled": State.ABORTED,
    "aborted": State.ABORTED,
}
_STANDS: Final = {"running": EventKind.PROGRESS, "paused": EventKind.PAUSE, "pending": EventKind.QUEUE}
_NS_IN_MS: Final = 1_000_000
_LAYERS_MOST: Final = 64


def execution_events(body: Any, now_ns: int) -> list[RunEvent]:
    """Return the events that FlowExecutionMetrics tell. Raises PharosError that names the field at fault."""
    return [event for one in documents(body, "executions") for event in _execution(one, now_ns)]


def _execution(one: Fields, now_ns: int) -> Sequence[RunEvent]:
    run_id, status = one.needed("executionId"), one.text("status") or "running"
    if status not in {*_ENDS, *_STANDS}:
        refuse(one.at("status"), f"must be one of {', '.join((*_ENDS, *_STANDS))}")
    start_ns, end_ns = one.time_ns("startTime"), one.time_ns("endTime")
    lasted_ms = one.number("duration")
    if end_ns is None and start_ns is not None and lasted_ms is not None and status in _ENDS:
        end_ns = start_ns + int(lasted_ms * _NS_IN_MS)
    told = _told(one)
    begun: tuple[RunEvent, ...] = ()
    if start_ns is not None:
        lasting = {name: told[name] for name in ("workflow", "engine", "node", "version", "owner")}
        begun = (RunEvent(run_id, EventKind.START, min(start_ns, now_ns), id=f"start:{start_ns}", **lasting),)
    if status in _ENDS:
        ended = _event(run_id, EventKind.END, min(end_ns or now_ns, now_ns), told, _ENDS[status])
        return (*begun, ended)
    if status == "pending":
        return (_event(run_id, EventKind.QUEUE, start_ns or now_ns, told),)
    return (*begun, _event(run_id, _STANDS[status], now_ns, told))


def _told(one: Fields) -> dict[str, Any]:
    steps, done, failed = one.count("stepCount"), one.count("completedSteps"), one.count("failedSteps")
    usage = one.inner("resourceUsage")
    counts = {"stepCount": steps, "completedSteps": done, "failedSteps": failed}
    progress = None
    if steps:
        progress = min(((done or 0) + (failed or 0)) / steps, 1.0)
    subnet = one.text("daoSubnet")
    return {
        "workflow": one.text("flowId"),
        "engine": ENGINE,
        "node": one.text("nodeId"),
        "version": one.text("version"),
        "owner": one.text("owner"),
        "error": one.text("error", longest=16_384),
        "progress": progress,
        "cost": one.number("cost"),
        "resources": {
            name: number for name in [*usage.found][:64] if (number := usage.number(name)) is not None
        },
        "attributes": {
            **{name: count for name, count in counts.items() if count is not None},
            **({"daoSubnet": subnet} if subnet else {}),
        },
    }


def _event(
    run_id: str, kind: EventKind, time_ns: int, told: dict[str, Any], state: State | None = None
) -> RunEvent:
    return RunEvent(run_id, kind, time_ns, state=state, **told)


def validation_events(body: Any, now_ns: int) -> list[RunEvent]:
    """Return the events that ValidationPipelineMetrics tell.

    A validation is a run of its own, unless it names the execution to which it belongs. Raises PharosError
    that names the field at fault.
    """
    return [event for one in documents(body, "validations") for event in _validation(one, now_ns)]


def _validation(one: Fields, now_ns: int) -> Sequence[RunEvent]:
    operation = one.needed("operationId")
    layers = _layers(one.inner("layerMetrics"))
    end_ns = min(one.time_ns("timestamp") or now_ns, now_ns)
    lasted_ms = one.number("totalDuration")
    start_ns = end_ns - int(max(lasted_ms or 0.0, 0.0) * _NS_IN_MS)
    rate = one.number("cacheHitRate")
    attributes: dict[str, Attribute] = {
        "operationId": operation,
        **({} if rate is None else {"cacheHitRate": rate}),
    }
    execution = one.text("executionId")
    if execution:
        note = RunEvent(
            execution,
            EventKind.NOTE,
            end_ns,
            id=f"validation:{operation}",
            workflow=one.text("flowId"),
            engine=ENGINE,
            validation=layers,
            attributes=attributes,
        )
        return (note,)
    succeeded = one.truth("overallSuccess")
    if succeeded is None:
        succeeded = all(layer.success for layer in layers)
    failed = [layer.name for layer in layers if not layer.success]
    workflow = one.text("flowId") or VALIDATION
    begun = RunEvent(
        operation,
        EventKind.START,
        max(start_ns, 0),
        id=f"begun:{operation}",
        workflow=workflow,
        engine=ENGINE,
    )
    ended = RunEvent(
        operation,
        EventKind.END,
        end_ns,
        id=f"ended:{operation}",
        workflow=workflow,
        engine=ENGINE,
        state=State.SUCCEEDED if succeeded else State.FAILED,
        error=f"these layers failed: {', '.join(failed)}" if failed and not succeeded else "",
        validation=layers,
        attributes=attributes,
    )
    return begun, ended


def _layers(found: Fields) -> tuple[Layer, ...]:
    if len(found.found) > _LAYERS_MOST:
        refuse(found.where, f"has more than {_LAYERS_MOST} layers")
    layers = []
    for name in found.found:
        if not name or len(name) > 200:
            refuse(found.where, "the name of a layer must have 1 to 200 characters")
        one = found.inner(name)
        success = one.truth("success")
        layers.append(Layer(name, success is not False, _not_below(one, "duration"), one.truth("cacheHit")))
    return tuple(layers)


def _not_below(one: Fields, name: str) -> float | None:
    number = one.number(name)
    if number is not None and number < 0:
        refuse(one.at(name), "must not be below 0")
    return number
