"""Counts, durations and costs of runs that are over, by what they have in common."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from pharos.access import Scope
from pharos.engine import Session
from pharos.engine.sql import Statement, select_from
from pharos.runs.asked import Asked
from pharos.runs.events import OVER, State
from pharos.runs.stored import rows_over

GROUPS: Final = ("workflow", "version", "owner", "node", "engine", "state")
"""What runs can be grouped by."""
_GROUPS_MOST: Final = 1_000
_STEPS: Final = 60
"""Into about so many steps a time is divided."""
_STEP_LEAST_MS: Final = 60_000
_COUNTED: Final = ", ".join(f"countIf(state = '{state.value}') AS {state.value}" for state in OVER)
_TIMED: Final = "start_ms > 0 AND end_ms >= start_ms"
_MEASURES: Final = (
    f"count() AS runs, {_COUNTED}, max(start_ms) AS last_start_ms, argMax(state, placed) AS last_state,"
    f" quantilesIf(0.5, 0.95, 0.99)(end_ms - start_ms, {_TIMED}) AS lasted,"
    f" avgIf(end_ms - start_ms, {_TIMED}) AS lasted_mean,"
    " sumIf(cost, NOT isNaN(cost)) AS cost_sum, countIf(NOT isNaN(cost)) AS costs"
)

_NEWEST: Final = (
    "arrayMap(x -> x.2, groupArraySorted(20)((-toUnixTimestamp64Milli(placed), state))) AS states,"
    " argMax(run, placed) AS last_run, groupUniqArray(20)(version) AS versions,"
    " argMaxIf(owner, placed, owner != '') AS last_owner"
)


class Group(Struct, frozen=True):
    """Runs that have a value in common; times in milliseconds, None where nothing was measured."""

    value: str
    runs: int
    by_state: Mapping[State, int]
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    mean_ms: float | None
    cost_sum: float
    costs: int
    """Of so many the cost is known."""
    last_start_ms: int
    last_state: str

    @property
    def success_rate(self) -> float | None:
        """The part of those that are over that succeeded."""
        return self.by_state[State.SUCCEEDED] / self.runs if self.runs else None


_NONE: Final = Group("", 0, dict.fromkeys(OVER, 0), None, None, None, None, 0.0, 0, 0, "")


class StepCounts(Struct, frozen=True):
    """How many runs that began in a step of time ended how."""

    start_ms: int
    succeeded: int
    failed: int
    other: int


class Statistics(Struct, frozen=True):
    """Runs that are over, in groups and over time."""

    groups: Sequence[Group]
    total: Group
    steps: Sequence[StepCounts]
    step_ms: int


def _counted(scope: Scope, asked: Asked, value: str, *more: str) -> Statement:
    columns = ", ".join(("start_ms", "end_ms", "state", "placed", "cost", f"{value} AS value", *more))
    return rows_over(scope, columns, asked.conditions())


def statistics(session: Session, scope: Scope, asked: Asked, by: str) -> Statistics:
    """Return the statistics of runs that are over and asked about; `by` is one of `GROUPS`."""
    step_ms = max((asked.end_ms - asked.start_ms) // _STEPS, _STEP_LEAST_MS)
    step = f"intDiv(toUnixTimestamp64Milli(placed), {int(step_ms)}) AS step"
    # One reading serves the groups, the steps and the whole: finding what is over costs more than counting.
    statement = select_from(
        _counted(scope, asked, f"toString({by})", step),
        f"value, step, grouping(value) AS no_value, grouping(step) AS no_step, {_MEASURES}",
        tail="GROUP BY GROUPING SETS ((value), (step), ())"
        f" ORDER BY runs DESC, value, step LIMIT {_GROUPS_MOST} BY no_value, no_step",
    )
    groups, steps, total = [], [], _NONE
    for row in session.query(statement, purpose="runs_statistics").to_pylist():
        group = _group(row)
        if not row["no_value"]:
            groups.append(group)
        elif not row["no_step"]:
            succeeded = group.by_state[State.SUCCEEDED]
            failed = group.by_state[State.FAILED] + group.by_state[State.TIMED_OUT]
            other = group.runs - succeeded - failed
            steps.append(StepCounts(row["step"] * step_ms, succeeded, failed, other))
        else:
            total = group
    steps.sort(key=lambda one: one.start_ms)
    return Statistics(groups, total, steps, step_ms)


def _group(row: Mapping[str, Any]) -> Group:
    lasted = [_known(one) for one in row["lasted"]]
    return Group(
        value=row["value"],
        runs=row["runs"],
        by_state={state: row[state.value] for state in OVER},
        p50_ms=lasted[0],
        p95_ms=lasted[1],
        p99_ms=lasted[2],
        mean_ms=_known(row["lasted_mean"]),
        cost_sum=row["cost_sum"],
        costs=row["costs"],
        last_start_ms=row["last_start_ms"],
        last_state=row["last_state"],
    )


def _known(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)


class Recent(Struct, frozen=True):
    """How the newest runs of a workflow ended, and which was the last."""

    states: Sequence[State]
    run_id: str
    versions: Sequence[str]
    owner: str


def workflows_of(session: Session, scope: Scope, asked: Asked) -> dict[str, tuple[Group, Recent]]:
    """Return by workflow its runs that are over and asked about, and how the newest of them ended.

    Of very many workflows those with the most runs are returned.
    """
    statement = select_from(
        _counted(scope, asked, "workflow", "run", "version", "owner"),
        f"value, {_MEASURES}, {_NEWEST}",
        tail="GROUP BY value ORDER BY runs DESC, value",
        limit=_GROUPS_MOST,
    )
    return {
        row["value"]: (
            _group(row),
            Recent(
                [State(one) for one in row["states"]],
                row["last_run"],
                sorted(filter(None, row["versions"])),
                row["last_owner"],
            ),
        )
        for row in session.query(statement, purpose="runs_workflows").to_pylist()
    }
