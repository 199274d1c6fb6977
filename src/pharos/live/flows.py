"""Runs of flows and workflows as the feed and the documents' REST addresses have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from pharos.access import Scope
from pharos.clock import Clock
from pharos.runs.asked import LIVE_STATES, Asked
from pharos.runs.events import State
from pharos.runs.runs import Runs
from pharos.runs.view import Summary

STATUSES: Final = ("running", "paused", "completed", "failed", "cancelled")
_LISTED_MS: Final = 86_400_000
_RECENT_MS: Final = 300_000
"""So long a run that has ended stays among those that are under way: it is seen how it ended."""
_MOST_RUNS: Final = 500
_AHEAD_MS: Final = 3_600_000
_STATUS_OF: Final = {
    State.PAUSED: "paused",
    State.SUCCEEDED: "completed",
    State.FAILED: "failed",
    State.TIMED_OUT: "failed",
    State.ABORTED: "cancelled",
}
"""What the documents call states; all others are running."""
_STATES_OF: Final = {
    "running": frozenset(LIVE_STATES) - {State.PAUSED},
    "paused": frozenset({State.PAUSED}),
    "completed": frozenset({State.SUCCEEDED}),
    "failed": frozenset({State.FAILED, State.TIMED_OUT}),
    "cancelled": frozenset({State.ABORTED}),
}


def shown_run(one: Summary) -> dict[str, Any]:
    """Return FlowExecutionMetrics of the Qflow document; times in milliseconds."""
    found: dict[str, Any] = {
        "flowId": one.workflow,
        "workflowId": one.workflow,
        "executionId": one.run_id,
        "startTime": one.placed_ms if one.start_ms is None else one.start_ms,
        "stepCount": one.steps_total,
        "completedSteps": one.steps_done,
        "failedSteps": one.steps_failed,
        "status": _STATUS_OF.get(one.told_state, "running"),
        "state": one.state.value,
        "nodeId": one.node,
        "progress": one.progress,
        "error": one.error,
    }
    if one.is_over:
        found |= {"endTime": one.end_ms, "duration": one.duration_ms}
    return found


class Flows(Struct, frozen=True):
    """What runs, and what ran."""

    runs: Runs
    clock: Clock

    async def _page(self, scope: Scope, status: str = "") -> Sequence[Summary]:
        now_ms = self.clock.now_ms()
        asked = Asked(now_ms - _LISTED_MS, now_ms + _AHEAD_MS, states=_STATES_OF.get(status, frozenset()))
        return (await self.runs.page(scope, asked, _MOST_RUNS)).runs

    async def executions(self, scope: Scope) -> Sequence[dict[str, Any]]:
        """Return the runs that are under way or ended just now: FlowExecutionMetrics of Qflow each.

        Raises PharosError.
        """
        since_ms = self.clock.now_ms() - _RECENT_MS
        return [
            shown_run(one)
            for one in await self._page(scope)
            if not one.is_over or (one.end_ms or 0) >= since_ms
        ]

    async def workflows(
        self, scope: Scope, status: str = "", limit: int = 100
    ) -> tuple[Sequence[dict[str, Any]], int]:
        """Return (the newest runs of a day, of a status if one is named, how many there are).

        Raises PharosError.
        """
        found = sorted(map(shown_run, await self._page(scope, status)), key=lambda one: -one["startTime"])
        return found[:limit], len(found)

    async def workflow(self, scope: Scope, execution_id: str) -> dict[str, Any]:
        """Return one run, with its steps under `steps`. Raises PharosError(MISSING)."""
        view = await self.runs.run(scope, execution_id)
        steps = view.shown(self.clock.now_ms())["steps"]
        return {**shown_run(view.summary), "steps": [_step(one) for one in steps]}

    async def statistics(self, scope: Scope) -> dict[str, Any]:
        """Return how many runs a day had, and how they ended. Raises PharosError."""
        now_ms = self.clock.now_ms()
        asked = Asked(now_ms - _LISTED_MS, now_ms + _AHEAD_MS)
        kept, live = await self.runs.statistics(scope, asked, "state")
        total, running = kept.total, sum(live.values())
        completed = total.by_state[State.SUCCEEDED]
        return {
            "total": total.runs + running,
            "running": running,
            "completed": completed,
            "failed": total.by_state[State.FAILED] + total.by_state[State.TIMED_OUT],
            "successRate": completed / total.runs if total.runs else None,
            "averageDuration": max(total.mean_ms or 0.0, 0.0) if total.runs else None,
        }


def _step(step: Mapping[str, Any]) -> dict[str, Any]:
    over = {"succeeded": "completed", "skipped": "completed"}
    return {
        "stepId": step["id"],
        "name": step["name"],
        "status": over.get(step["state"], step["state"]),
        "attempt": step["attempt"],
        "startTime": step["start_ms"],
        "endTime": step["end_ms"],
        "duration": step["duration_ms"],
        "error": step["error"],
    }
