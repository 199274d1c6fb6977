"""OpenLineage: run events, as its clients post them (spec/OpenLineage.json 2-0-2, and its facets).

A run with a parent is a step of it where its job is a part of the parent's (a task of a DAG, a model of dbt,
a job of a Spark application), else a run of its own that the parent started. Which tasks a DAG of Airflow has
is told by the start of its run, and which of them were skipped or never began by its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from pharos.runs.events import EventKind, RunEvent, Schedule, State, StepRef
from pharos.runs.sources.fields import (
    ERROR_MOST,
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

_KINDS: Final[Mapping[str, tuple[EventKind, State | None]]] = {
    "START": (EventKind.START, None),
    "RUNNING": (EventKind.HEARTBEAT, None),
    "COMPLETE": (EventKind.END, State.SUCCEEDED),
    "ABORT": (EventKind.END, State.ABORTED),
    "FAIL": (EventKind.END, State.FAILED),
    "OTHER": (EventKind.NOTE, None),
    "": (EventKind.NOTE, None),
}
_PARTS: Final = frozenset(
    {"TASK", "MODEL", "TEST", "SNAPSHOT", "SEED", "SQL", "SQL_JOB", "RDD_JOB", "STEP", "QUERY", "COMMAND"}
)
"""Types of jobs (JobTypeJobFacet) that are parts of another one."""
_DEFAULT_NAMESPACE: Final = "default"
_TASKS_MOST: Final = 1_000
"""Of a DAG so many tasks are known before they begin."""
_NOT_RUN: Final[Mapping[str, str]] = {
    "skipped": "",
    "upstream_failed": "a task before it failed",
    "removed": "it is no longer in the DAG",
}
"""States of Airflow's tasks without an event of their own, or with one that says they succeeded; and why."""


def read_openlineage(documents: Sequence[Fields]) -> list[RunEvent]:
    """Return the events of runs; events about jobs and datasets alone say nothing of a run.

    Raises PharosError(INVALID) that names the field at fault.
    """
    return [event for one in documents for event in _event(one)]


def _event(document: Fields) -> Iterator[RunEvent]:
    if "run" not in document and ("job" in document or "dataset" in document):
        return
    run, job = document.inner("run"), document.inner("job")
    facets, of_job = run.inner("facets"), job.inner("facets")
    told = document.text("eventType").upper()
    if told not in _KINDS:
        raise document.refuse("eventType", f"must be one of {', '.join(filter(None, _KINDS))}")
    kind, state = _KINDS[told]
    time_ns = document.time_ns("eventTime")
    if time_ns is None:
        raise document.refuse("eventTime", "is missing")
    run_id = run_id_of(run.needed("runId"))
    name = job.needed("name")
    job_type = of_job.inner("jobType")
    error = facets.inner("errorMessage")
    place = _Place(
        run_id, name, _workflow(job.text("namespace"), name), facets, job_type.text("jobType").upper()
    )
    failure = error.text("message") if state is State.FAILED or told == "OTHER" else ""
    stack = error.text("stackTrace") if failure else ""
    dag_run = Fields("", {}) if place.is_step else facets.inner("airflowDagRun", "dagRun")
    whole = RunEvent(
        run_id=place.run_id,
        kind=kind,
        time_ns=time_ns,
        workflow=place.workflow,
        state=state,
        step=place.step(),
        parent=place.parent,
        # Of a step these are not the run's.
        owner="" if place.is_step else _owner(of_job),
        version="" if place.is_step else _version(of_job, dag_run),
        engine=_engine(job_type, facets),
        input_size=_rows(document, "inputs", "inputFacets", "inputStatistics"),
        # What a step's job is about is no news of it; Airflow's tasks have the text of their DAG.
        message="" if place.is_step else cut(of_job.inner("documentation").text("description"), NAME_MOST),
        error=cut(f"{failure}\n{stack}" if stack else failure, ERROR_MOST),
        inputs=inputs_of(dag_run.values.get("conf")),
        schedule=None if place.is_step else _schedule(facets),
        attributes=attributes_of(
            openlineage__run_id=run_id if place.is_step else "",
            openlineage__namespace=job.text("namespace"),
            nominal_start_time=facets.inner("nominalTime").text("nominalStartTime"),
            nominal_end_time=facets.inner("nominalTime").text("nominalEndTime"),
            inputs=_names(document, "inputs"),
            outputs=_names(document, "outputs"),
            output_rows=_rows(document, "outputs", "outputFacets", "outputStatistics"),
            airflow__run_id=dag_run.text("run_id"),
            airflow__run_type=dag_run.text("run_type"),
            airflow__triggered_by=dag_run.text("triggering_user_name", "triggered_by"),
            airflow__operator=facets.inner("airflow", "task").text("operator_class"),
        ),
    )
    yield whole
    if not place.is_step:
        yield from _tasks(whole, of_job.inner("airflow", "tasks"))
    if state is not None and not place.is_step:
        yield from _not_run(whole, facets.inner("airflowState", "tasksState"))


def _tasks(run: RunEvent, tasks: Fields) -> Iterator[RunEvent]:
    """Yield which tasks a DAG has, and what each waits for, before any of them begins."""
    before: dict[str, list[str]] = {name: [] for name in list(tasks.values)[:_TASKS_MOST]}
    for name in before:
        for waits in tasks.inner(name).items("downstream_task_ids"):
            if isinstance(waits, str) and waits in before:
                before[waits].append(name)
    for name, awaited in before.items():
        label = fit(cleaned(name), NAME_MOST)
        if label.strip():
            yield _of_task(run, StepRef(label, label, 1, edges_of(map(cleaned, awaited))), EventKind.NOTE)


def _not_run(run: RunEvent, states: Fields) -> Iterator[RunEvent]:
    """Yield that tasks were skipped, as the end of their DAG's run tells of them."""
    for task in states.values:
        why = _NOT_RUN.get(states.text(task))
        if why is None or not cleaned(task).strip():
            continue
        name = fit(cleaned(task), NAME_MOST)
        skipped = _of_task(run, StepRef(name, name), EventKind.END)
        yield replace(skipped, state=State.SKIPPED, message=why)


def _of_task(run: RunEvent, step: StepRef, kind: EventKind) -> RunEvent:
    return RunEvent(run.run_id, kind, run.time_ns, workflow=run.workflow, engine=run.engine, step=step)


class _Place:
    """Which run an event is of, and which step of it."""

    def __init__(self, run_id: str, name: str, workflow: str, facets: Fields, job_type: str) -> None:
        parent, root = facets.inner("parent"), facets.inner("parent", "root")
        self._own_id, self._name, self._facets = run_id, name, facets
        self.run_id, self.workflow, self.parent, self.is_step = run_id, workflow, "", False
        self._within = ""
        if "run" not in parent:
            return
        parent_id = run_id_of(parent.inner("run").needed("runId"))
        above = parent.inner("job")
        self._within = above.text("name")
        if parent_id == run_id:
            return
        self.is_step = job_type in _PARTS or bool(self._within and name.startswith(f"{self._within}."))
        if self.is_step:
            self.run_id = parent_id
            self.workflow = _workflow(above.text("namespace"), self._within) if self._within else ""
        else:
            self.parent = run_id_of(root.inner("run").text("runId")) or parent_id

    def step(self) -> StepRef | None:
        """Return the step; where the engine counts attempts, it is the same one in all of them."""
        if not self.is_step:
            return None
        name = self._name.removeprefix(f"{self._within}.") if self._within else self._name
        instance = self._facets.inner("airflow", "taskInstance")
        attempt = instance.whole("try_number")
        if attempt is None:
            return StepRef(fit(self._own_id, NAME_MOST), fit(name, NAME_MOST))
        map_index = instance.whole("map_index")
        label = name if map_index is None or map_index < 0 else f"{name}[{map_index}]"
        before = self._facets.inner("airflow", "task").values.get("upstream_task_ids")
        return StepRef(
            fit(label, NAME_MOST),
            fit(label, NAME_MOST),
            min(max(attempt, 1), 1000),
            _task_names(before),
        )


def _task_names(value: Any) -> tuple[str, ...]:
    """Return names of tasks, which Airflow's facet has as a list or as the text of one."""
    if isinstance(value, str):
        value = [part.strip(" '\"") for part in value.strip("[](){} ").split(",")]
    if not isinstance(value, list):
        return ()
    return edges_of(cleaned(one) for one in value if isinstance(one, str))


def _workflow(namespace: str, name: str) -> str:
    """Return what a job is called here: in a namespace of its own it is another workflow."""
    whole = name if namespace in {"", _DEFAULT_NAMESPACE} else f"{namespace}/{name}"
    return fit(whole, NAME_MOST)


def _owner(of_job: Fields) -> str:
    return next((cut(one.text("name"), NAME_MOST) for one in of_job.inner("ownership").objects("owners")), "")


def _version(of_job: Fields, dag_run: Fields) -> str:
    source = of_job.inner("sourceCodeLocation").text("version", "tag")
    return cut(source or dag_run.text("dag_bundle_version", "dag_version_number"), NAME_MOST)


def _engine(job_type: Fields, facets: Fields) -> str:
    engine = facets.inner("processing_engine")
    return cut((job_type.text("integration") or engine.text("name") or "openlineage").lower(), NAME_MOST)


def _schedule(facets: Fields) -> Schedule | None:
    for facet in ("airflowDagRun", "airflow"):
        dag = facets.inner(facet, "dag")
        found = dag.values.get("schedule_interval") or dag.values.get("timetable_summary")
        if isinstance(found, str):
            return schedule_of(found)
    return None


def _rows(document: Fields, name: str, facets: str, facet: str) -> float | None:
    """Return how many rows all datasets together have; None where none says so."""
    counts = [one.inner(facets, facet).whole("rowCount") for one in document.objects(name)]
    known = [count for count in counts if count is not None]
    return float(sum(known)) if known else None


def _names(document: Fields, name: str) -> str:
    return ", ".join(one.text("name") for one in document.objects(name))
