"""Airflow: DAG runs and task instances in the shape of its REST API, as listeners and callbacks post them.

A document is one of both, or holds some under `dag_run`, `task_instance`, `dag_runs` or `task_instances`. It
tells how something stands, and not what happened: so each is read as all that must have happened before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import orjson
from msgspec.structs import replace

from pharos.runs.events import EventKind, RunEvent, State, StepRef
from pharos.runs.sources.fields import (
    ERROR_MOST,
    MESSAGE_MOST,
    NAME_MOST,
    Fields,
    attributes_of,
    cleaned,
    cut,
    edges_of,
    fit,
    inputs_of,
    run_id_of,
)
from pharos.runs.sources.schedules import schedule_of

_OPEN: Final[Mapping[str, EventKind]] = {
    "": EventKind.QUEUE,
    "none": EventKind.QUEUE,
    "scheduled": EventKind.QUEUE,
    "queued": EventKind.QUEUE,
    "running": EventKind.START,
    "restarting": EventKind.START,
    "deferred": EventKind.HEARTBEAT,
    "up_for_reschedule": EventKind.HEARTBEAT,
}
_OVER: Final[Mapping[str, State]] = {
    "success": State.SUCCEEDED,
    "failed": State.FAILED,
    "up_for_retry": State.FAILED,
    "upstream_failed": State.SKIPPED,
    "skipped": State.SKIPPED,
    "removed": State.SKIPPED,
    "shutdown": State.ABORTED,
}
_OF_RUNS: Final = frozenset({"", "queued", "running", "success", "failed"})


def read_airflow(documents: Sequence[Fields], now_ns: int) -> list[RunEvent]:
    """Return what must have happened; `now_ns` is when what tells no time of its own did.

    Raises PharosError(INVALID) that names the field at fault.
    """
    return [event for one in documents for event in _document(one, now_ns)]


def _document(document: Fields, now_ns: int) -> Iterator[RunEvent]:
    parts = [("dag_run", "dag_runs", _dag_run), ("task_instance", "task_instances", _task_instance)]
    held = False
    for one, several, read in parts:
        if one in document:
            held = True
            yield from read(document.inner(one), document, now_ns)
        if several in document:
            held = True
            for inner in document.objects(several):
                yield from read(inner, document, now_ns)
    if not held:
        read = _task_instance if "task_id" in document else _dag_run
        yield from read(document, document, now_ns)


def _run_id(found: Fields, around: Fields) -> tuple[str, str]:
    """Return (dag id, run id): those of a run are the same in another DAG."""
    if "dag_id" not in found and "dag_run" in around:
        found = Fields(found.where, {**around.inner("dag_run").values, **found.values})
    dag_id = found.needed("dag_id")
    return dag_id, run_id_of(f"{dag_id}:{found.needed('dag_run_id', 'run_id')}")


def _dag_run(found: Fields, around: Fields, now_ns: int) -> Iterator[RunEvent]:
    dag_id, run_id = _run_id(found, around)
    state = found.text("state").lower()
    if state not in _OF_RUNS:
        raise found.refuse("state", f"must be one of {', '.join(sorted(filter(None, _OF_RUNS)))}")
    version = next((one.text("bundle_version") or one.text("version_number") for one in _newest(found)), "")
    dag = around.inner("dag")
    common = RunEvent(
        run_id=run_id,
        kind=EventKind.NOTE,
        time_ns=now_ns,
        workflow=fit(dag_id, NAME_MOST),
        # A run that was cleared goes on under the same name.
        attempt=min(max(found.whole("clear_number") or 0, 0) + 1, 1000),
        engine="airflow",
        owner=cut(cleaned(_owners(dag)) or found.text("triggering_user_name"), NAME_MOST),
        version=cut(version, NAME_MOST),
        inputs=inputs_of(found.values.get("conf")),
        schedule=schedule_of(dag.text("timetable_summary", "schedule_interval")),
        attributes=attributes_of(
            airflow__run_id=found.text("dag_run_id", "run_id"),
            airflow__run_type=found.text("run_type"),
            airflow__logical_date=found.text("logical_date", "execution_date"),
            airflow__data_interval_start=found.text("data_interval_start"),
            airflow__data_interval_end=found.text("data_interval_end"),
            airflow__triggered_by=found.text("triggered_by"),
            airflow__note=found.text("note"),
        ),
    )
    message = cut(around.text("msg", "message", "reason"), MESSAGE_MOST)
    yield from _happened(found, state, common, message, now_ns)


def _newest(found: Fields) -> list[Fields]:
    return list(found.objects("dag_versions"))[-1:]


def _owners(dag: Fields) -> str:
    owners = dag.values.get("owners")
    if isinstance(owners, list):
        return ", ".join(one for one in owners if isinstance(one, str))
    return dag.text("owners", "owner")


def _task_instance(found: Fields, around: Fields, now_ns: int) -> Iterator[RunEvent]:
    dag_id, run_id = _run_id(found, around)
    state = found.text("state").lower()
    if state not in _OPEN and state not in _OVER:
        raise found.refuse("state", f"must be one of {', '.join(filter(None, (*_OPEN, *_OVER)))}")
    task_id, map_index = found.needed("task_id"), found.whole("map_index")
    label = task_id if map_index is None or map_index < 0 else f"{task_id}[{map_index}]"
    attempt = min(max(found.whole("try_number") or 1, 1), 1000)
    before = edges_of(cleaned(one) for one in found.items("upstream_task_ids") if isinstance(one, str))
    shown = found.text("rendered_map_index", "task_display_name")
    common = RunEvent(
        run_id=run_id,
        kind=EventKind.NOTE,
        time_ns=now_ns,
        workflow=fit(dag_id, NAME_MOST),
        engine="airflow",
        step=StepRef(fit(label, NAME_MOST), fit(shown or label, NAME_MOST), attempt, before),
        node=cut(found.text("hostname"), NAME_MOST),
        attributes=attributes_of(
            airflow__operator=found.text("operator", "operator_name"),
            airflow__pool=found.text("pool"),
            airflow__queue=found.text("queue"),
        ),
    )
    said = found.text("error", "exception") or around.text("error", "exception")
    if state == "upstream_failed":
        said = said or "a task before it failed"
    yield from _happened(found, state, common, said, now_ns)


def _happened(found: Fields, state: str, common: RunEvent, said: str, now_ns: int) -> Iterator[RunEvent]:
    """Yield what must have happened to something that stands so."""
    queued_ns = found.time_ns("queued_at", "queued_when", "queued_dttm")
    start_ns, end_ns = found.time_ns("start_date"), found.time_ns("end_date")
    over = _OVER.get(state)
    kind = None if over is not None else _OPEN[state]
    bare = replace(common, inputs={}, attributes={}, schedule=None)
    if queued_ns is not None:
        yield _named(replace(bare, kind=EventKind.QUEUE, time_ns=queued_ns))
    if start_ns is not None:
        yield _named(replace(common, kind=EventKind.START, time_ns=start_ns))
    if over is not None:
        is_failure = over is State.FAILED
        yield _named(
            replace(
                common,
                kind=EventKind.END,
                state=over,
                time_ns=now_ns if end_ns is None else end_ns,
                message="" if is_failure else cut(said, MESSAGE_MOST),
                error=cut(said, ERROR_MOST) if is_failure else "",
            )
        )
    elif (kind is EventKind.QUEUE and queued_ns is None) or (kind is EventKind.START and start_ns is None):
        yield _named(replace(common, kind=kind, time_ns=now_ns))
    elif kind is EventKind.HEARTBEAT:
        yield replace(bare, kind=kind, time_ns=now_ns)


def _named(event: RunEvent) -> RunEvent:
    """Return an event with an id by which it is known when the same is told again, at whatever time."""
    step = event.step
    place = [event.run_id, event.attempt] if step is None else [event.run_id, step.id, step.attempt]
    told: list[Any] = [
        *place,
        event.kind.value,
        event.time_ns,
        event.state and event.state.value,
        event.error,
    ]
    return replace(event, id=fit(orjson.dumps(told).decode(), NAME_MOST))
