"""What Airflow 3.3 and Prefect 3.9 sent of real runs becomes these runs and steps, in any order."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from pharos.runs.detail import RunView
from pharos.runs.events import RunEvent
from pharos.runs.history import History
from pharos.runs.sources.airflow import read_airflow
from pharos.runs.sources.fields import Fields, read_documents
from pharos.runs.sources.openlineage import read_openlineage
from pharos.runs.sources.prefect import read_prefect
from pharos.runs.state import joined
from pharos.runs.steps import step_places
from pharos.runs.view import summarize

READERS: Final[dict[str, Callable[[Sequence[Fields]], list[RunEvent]]]] = {
    "airflow_openlineage": read_openlineage,
    "airflow_plugin": lambda documents: read_airflow(documents, 0),
    "prefect": read_prefect,
}
NIGHTLY: Final = {
    "waits": ("succeeded", 1),
    "extract": ("succeeded", 1),
    "square[0]": ("succeeded", 1),
    "square[1]": ("failed", 1),
    "square[2]": ("succeeded", 1),
    "later": ("succeeded", 1),
    "no_need": ("skipped", 1),
    "flaky": ("succeeded", 2),
    "report": ("succeeded", 1),
    "total": ("skipped", 1),
    "shell": ("skipped", 1),
}
"""Steps of the DAG, how each ended and at which try."""
CRIMSON: Final = {
    "flaky": ("succeeded", 2),
    "double": ("succeeded", 1),
    "double (2)": ("succeeded", 1),
    "double (3)": ("succeeded", 1),
    "kept": ("succeeded", 1),
    "kept (2)": ("succeeded", 1),
    "broken": ("failed", 1),
    "after": ("skipped", 1),
}
WANTED: Final = {
    "airflow_openlineage": ("nightly_load", "succeeded", "data", NIGHTLY),
    "airflow_plugin": ("nightly_load", "succeeded", "data", NIGHTLY),
    "prefect": ("crimson", "failed", "", CRIMSON),
}


def _events(source: str) -> list[RunEvent]:
    body = (Path(__file__).parent / "recorded" / f"{source}.jsonl").read_bytes()
    found = READERS[source](read_documents(body))
    first = found[0].run_id
    return [event for event in found if event.run_id == first]


def _shown(events: Sequence[RunEvent]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return a run as its page has it, and its steps by the names by which runs are compared."""
    state = joined(events[0].run_id, events)
    view = RunView(summarize(state), state, History(), [])
    shown, places = view.shown(10**13), step_places(state)
    return shown, {places[one["id"]]: one for one in shown["steps"]}


@pytest.mark.parametrize("source", READERS)
@pytest.mark.parametrize("order", range(3))
def test_a_recorded_run_is_shown_as_it_was(source: str, order: int) -> None:
    events = _events(source)
    if order:
        random.Random(order).shuffle(events)
    shown, steps = _shown(events)
    run = shown["run"]
    found = {name: (one["state"], one["attempt"]) for name, one in steps.items()}
    assert (run["workflow"], run["state"], run["owner"], found) == WANTED[source]
    assert (run["steps_total"], run["steps_failed"]) == (len(found), 1)
    # The first try failed at once, and waited a second or two for the next one.
    first, second = steps["flaky"]["tries"]
    assert (first["state"], second["state"]) == ("failed", "succeeded")
    assert first["end_ms"] < second["start_ms"]


@pytest.mark.parametrize("source", ["airflow_openlineage", "airflow_plugin"])
def test_a_task_waits_for_all_instances_of_a_mapped_one_and_a_skipped_one_took_no_time(source: str) -> None:
    shown, steps = _shown(_events(source))
    edges = {tuple(edge) for edge in shown["edges"]}
    assert {(f"square[{place}]", "total") for place in range(3)} < edges
    assert {("flaky", "shell"), ("no_need", "shell"), ("extract", "square[0]"), ("total", "report")} < edges
    assert [steps[name]["duration_ms"] for name in ("no_need", "total", "shell")] == [0, 0, 0]
    assert shown["attributes"]["airflow.run_type"] == "manual"
    assert shown["schedule"]["cron"] == "0 3 * * *"


def test_a_dag_is_known_whole_when_its_run_begins() -> None:
    events = _events("airflow_openlineage")
    begun = [event for event in events if event.time_ns == events[0].time_ns]
    shown, steps = _shown(begun)
    assert {one["state"] for one in steps.values()} == {"pending"}
    assert set(steps) == {name.partition("[")[0] for name in NIGHTLY}
    assert ["square", "total"] in shown["edges"]
    assert shown["run"]["version"] == "1"
