"""What the store holds of runs: single ones by id, pages of those that are over, counts and percentiles."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import orjson
from msgspec import Struct

from pharos.access import Scope
from pharos.engine import Session
from pharos.engine.sql import (
    Condition,
    Statement,
    among,
    among_texts,
    equal,
    negated,
    select,
    select_from,
    united,
    within,
    within_ms,
)
from pharos.runs.asked import Asked, Place
from pharos.runs.events import RunEvent, Schedule, State
from pharos.runs.history import REMEMBERED, Past
from pharos.runs.reading import stored_event
from pharos.runs.rows import COLUMNS
from pharos.runs.state import RunState
from pharos.runs.view import Summary

_CHUNK: Final = 500
"""So many runs are read at once."""
_SPARE: Final = 50
"""So many rows more than a page has are read: some may be of a state that is past."""
_BACK_MS: Final = 60 * 86_400_000
"""So far back a workflow's history is looked for."""
_NS_IN_MS: Final = 1_000_000
_LEARNED: Final = (
    *("state", "is_over", "start_ms", "end_ms", "input_size", "cost", "steps_total", "version"),
)


class StoredRun(Struct, frozen=True):
    """A run as its events and its last row have it."""

    state: RunState
    placed_ms: int
    edition: int
    was_over: bool = False
    """Whether a row says, or said, that it is over."""


def is_known(session: Session, scope: Scope, run_ids: Sequence[str]) -> set[str]:
    """Return those of these runs of which there are events."""
    found: set[str] = set()
    for chunk in _chunks(run_ids):
        statement = select(scope, "DISTINCT run", "run_events", among_texts("run", chunk))
        found.update(session.query(statement, purpose="runs_known")["run"].to_pylist())
    return found


def _chunks(names: Sequence[str]) -> Iterable[Sequence[str]]:
    for start in range(0, len(names), _CHUNK):
        yield names[start : start + _CHUNK]


def stored_runs(session: Session, scope: Scope, run_ids: Sequence[str]) -> dict[str, StoredRun]:
    """Return those of these runs that the store has, made of all their events."""
    known = sorted(is_known(session, scope, run_ids))
    found: dict[str, StoredRun] = {}
    for chunk in _chunks(known):
        places = _places(session, scope, chunk)
        states: dict[str, RunState] = {}
        for event, key, _ in _events(session, scope, among_texts("run", chunk)):
            states.setdefault(event.run_id, RunState(event.run_id)).take(event, key)
        for run_id, state in states.items():
            place = places.get(run_id, (state.begin_ns // _NS_IN_MS, 0, False))
            found[run_id] = StoredRun(state, *place)
    return found


def _places(session: Session, scope: Scope, run_ids: Sequence[str]) -> dict[str, tuple[int, int, bool]]:
    """Return where runs lie, the number of their last row, and whether any says that they are over."""
    columns = (
        "run, argMax(toUnixTimestamp64Milli(placed), edition) AS placed_ms, max(edition) AS last,"
        " max(is_over) AS was_over"
    )
    statement = select(scope, columns, "runs", among_texts("run", run_ids), tail="GROUP BY run")
    rows = session.query(statement, purpose="runs_places").to_pylist()
    return {row["run"]: (row["placed_ms"], row["last"], bool(row["was_over"])) for row in rows}


def _events(session: Session, scope: Scope, which: Condition) -> Iterable[tuple[RunEvent, int, int]]:
    """Yield events with their keys and when they were received in seconds, by run and time."""
    columns = "toUnixTimestamp64Nano(ts) AS ts_ns, event, toUnixTimestamp(received) AS received_s, said"
    statement = select(scope, columns, "run_events", which, tail="ORDER BY run, ts, event")
    found = session.query(statement, purpose="run_events")
    rows = zip(*(found[name].to_pylist() for name in ("ts_ns", "event", "received_s", "said")), strict=True)
    last = None
    for ts_ns, key, received_s, said in rows:
        if key != last:
            yield stored_event(orjson.loads(said), ts_ns), key, received_s
        last = key


def events_of(session: Session, scope: Scope, run_id: str) -> list[tuple[RunEvent, int]]:
    """Return the events of a run and when each was received in seconds, by time."""
    found = _events(session, scope, equal("run", run_id))
    return [(event, received_s) for event, _, received_s in found]


class KnownWorkflow(Struct, frozen=True):
    """A workflow that had runs."""

    name: str
    last_start_ms: int
    schedule: Schedule | None


def known_workflows(session: Session, scope: Scope, start_ms: int, end_ms: int) -> list[KnownWorkflow]:
    """Return the workflows that have runs in a time."""
    statement = select(
        scope,
        "workflow, max(start_ms) AS last_ms, argMaxIf(schedule, placed, schedule != '') AS said",
        "runs",
        within_ms("placed", start_ms, end_ms),
        tail="GROUP BY workflow ORDER BY workflow",
    )
    return [
        KnownWorkflow(row["workflow"], row["last_ms"], _schedule(row["said"]))
        for row in session.query(statement, purpose="workflows").to_pylist()
        if row["workflow"]
    ]


def _schedule(said: str) -> Schedule | None:
    return Schedule(**orjson.loads(said)) if said else None


def page(
    session: Session,
    scope: Scope,
    asked: Asked,
    limit: int,
    after: Place | None = None,
    skip: Collection[str] = (),
) -> list[Summary]:
    """Return the newest runs that are over and asked about, without those of `skip`."""
    found: dict[str, Summary] = {}
    place, known = after, frozenset(skip)
    while len(found) < limit:
        rows = _page(session, scope, asked, limit + _SPARE, place)
        newest: dict[str, dict[str, Any]] = {}
        for row in rows:
            known_row = newest.get(row["run"])
            if row["run"] not in known and (known_row is None or known_row["edition"] < row["edition"]):
                newest[row["run"]] = row
        revised = _revised(session, scope, [*newest.values()])
        for run_id, row in newest.items():
            if revised.get(run_id, 0) <= row["edition"]:
                found.setdefault(run_id, summary_of(row))
        if len(rows) < limit + _SPARE:
            break
        place = Place(rows[-1]["placed_ms"], rows[-1]["run"])
    return list(found.values())[:limit]


def _page(
    session: Session, scope: Scope, asked: Asked, limit: int, after: Place | None
) -> list[dict[str, Any]]:
    tail = "ORDER BY placed DESC, run DESC"
    statement = select(scope, COLUMNS, "runs", *asked.conditions(after), tail=tail, limit=limit)
    found: list[dict[str, Any]] = session.query(statement, purpose="runs_page").to_pylist()
    return found


def _revised(session: Session, scope: Scope, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return the number of the last row of those of these runs that were over before: the others have one."""
    if not rows:
        return {}
    times = [row["placed_ms"] for row in rows]
    statement = select(
        scope,
        "run, max(edition) AS last",
        "runs",
        among_texts("run", [row["run"] for row in rows]),
        key=[among("revised", [1]), within_ms("placed", min(times), max(times) + 1)],
        tail="GROUP BY run",
    )
    found = session.query(statement, purpose="runs_revised").to_pylist()
    return {row["run"]: row["last"] for row in found}


def rows_over(scope: Scope, columns: str, which: Sequence[Condition]) -> Statement:
    """Return the statement that reads columns of the runs that are over and meet conditions, each once.

    Of those that were over before and heard of again the last row counts; the others have only one.
    """
    again = within("(placed, run)", select(scope, "placed, run", "runs", among("revised", [1])))
    once = select(scope, columns, "runs", *which, negated(again))
    return united(once, select(scope, columns, "runs FINAL", *which, again))


def rows_of(session: Session, scope: Scope, run_ids: Sequence[str]) -> dict[str, Summary]:
    """Return how these runs stand by their last rows, by id."""
    found: dict[str, dict[str, Any]] = {}
    for chunk in _chunks(run_ids):
        statement = select(scope, COLUMNS, "runs", among_texts("run", chunk))
        for row in session.query(statement, purpose="runs_rows").to_pylist():
            if row["run"] not in found or found[row["run"]]["edition"] < row["edition"]:
                found[row["run"]] = row
    return {run_id: summary_of(row) for run_id, row in found.items()}


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def summary_of(row: Mapping[str, Any]) -> Summary:
    """Return the summary that a row was made of."""
    state = State(row["state"])
    start_ms, end_ms = row["start_ms"] or None, row["end_ms"] or None
    lasted = max(end_ms - start_ms, 0) if start_ms is not None and end_ms is not None else None
    return Summary(
        run_id=row["run"],
        workflow=row["workflow"],
        state=state,
        told_state=state,
        reason=row["reason"],
        is_over=bool(row["is_over"]),
        attempt=row["attempt"],
        queued_ms=row["queued_ms"] or None,
        start_ms=start_ms,
        end_ms=end_ms,
        duration_ms=lasted,
        expected_end_ms=None,
        late_after_ms=None,
        expected_from="",
        progress=1.0 if state is State.SUCCEEDED else None,
        progress_from="told" if state is State.SUCCEEDED else "",
        last_heard_ms=row["heard_ms"] or None,
        steps_total=row["steps_total"],
        steps_done=row["steps_done"],
        steps_failed=row["steps_failed"],
        current_step="",
        **{
            name: row[name]
            for name in ("owner", "version", "engine", "node", "service", "parent", "trace_id", "cost_unit")
        },
        input_size=_or_none(row["input_size"]),
        cost=_or_none(row["cost"]),
        message=row["message"],
        error=row["error"],
        deadline_ms=row["deadline_ms"] or None,
        placed_ms=row["placed_ms"],
    )


def history_of(
    session: Session, scope: Scope, workflow: str, now_ms: int
) -> tuple[list[Past], list[tuple[str, int]]]:
    """Return the newest runs of a workflow that are over, and when its newest runs began."""
    inner = select(
        scope,
        f"run, placed, edition, {', '.join(_LEARNED)}",
        "runs",
        within_ms("placed", now_ms - _BACK_MS, now_ms + _BACK_MS),
        equal("workflow", workflow),
        tail="ORDER BY placed DESC, run DESC",
        limit=4 * REMEMBERED,
    )
    columns = ", ".join(f"argMax({name}, edition) AS last_{name}" for name in _LEARNED)
    statement = select_from(inner, f"run, {columns}", tail="GROUP BY run")
    rows = session.query(statement, purpose="runs_history").to_pylist()
    past = [
        Past(
            row["last_start_ms"],
            row["run"],
            max(row["last_end_ms"] - row["last_start_ms"], 0),
            State(row["last_state"]),
            _or_none(row["last_input_size"]),
            _or_none(row["last_cost"]),
            row["last_steps_total"],
            row["last_version"],
        )
        for row in rows
        if row["last_is_over"] and row["last_start_ms"]
    ]
    starts = sorted((row["last_start_ms"], row["run"]) for row in rows if row["last_start_ms"])
    return sorted(past)[-REMEMBERED:], [(run_id, at_ms) for at_ms, run_id in starts[-REMEMBERED:]]


def step_times(session: Session, scope: Scope, workflow: str, now_ms: int) -> dict[str, tuple[float, float]]:
    """Return by step how long it usually takes, in milliseconds: the median and the 95th percentile."""
    inner = select(
        scope,
        "step_ids, step_ms",
        "runs",
        within_ms("placed", now_ms - _BACK_MS, now_ms + _BACK_MS),
        equal("workflow", workflow),
        equal("state", State.SUCCEEDED.value),
        tail="ORDER BY placed DESC, run DESC",
        limit=REMEMBERED // 2,
    )
    statement = select_from(
        inner,
        "step, quantilesExact(0.5, 0.95)(took) AS found",
        tail="ARRAY JOIN step_ids AS step, step_ms AS took GROUP BY step",
    )
    rows = session.query(statement, purpose="runs_steps").to_pylist()
    return {row["step"]: (float(row["found"][0]), float(row["found"][1])) for row in rows}
