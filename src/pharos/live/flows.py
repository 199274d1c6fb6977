"""Runs of flows and workflows as the feed and the documents' REST addresses have them.

They are those of `runs`, and beside them those of which spans alone tell: a span is of a run if an
attribute names the run (`executionId`, or as below); the first of them is the run's own, the others are its
steps. Spans come when they have ended: of such a run that goes on there are steps alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from pharos.access import Scope
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.query.events.rows import Span
from pharos.query.events.traces import Traces
from pharos.runs.asked import LIVE_STATES, Asked
from pharos.runs.events import State
from pharos.runs.runs import Runs
from pharos.runs.view import Summary
from pharos.search.tree import Has, Or, Place
from pharos.search.window import Window

STATUSES: Final = ("running", "paused", "completed", "failed", "cancelled")
_RUN_KEYS: Final = (
    "executionId",
    "execution_id",
    "execution.id",
    "flow.execution_id",
    "workflow.execution_id",
)
_FLOW_KEYS: Final = ("flowId", "flow_id", "flow.id", "workflowId", "workflow_id", "workflow.id")
_STATUS_KEYS: Final = ("flow.status", "workflow.status")
_IS_OF_RUN: Final = Or(tuple(Has(key, Place.RECORD) for key in _RUN_KEYS))
_FAILED: Final = 2
_MS: Final = 1_000_000
_LISTED_NS: Final = 86_400 * 10**9
_RECENT_NS: Final = 300 * 10**9
"""So long a run that has ended stays among those that are under way: it is seen how it ended."""
_MOST_TRACES: Final = 500
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


class Run(Struct, frozen=True):
    """A run, by its spans; times in nanoseconds."""

    execution_id: str
    flow_id: str
    status: str
    start_ns: int
    end_ns: int
    node: str
    steps: tuple[Span, ...]
    """By start."""

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.status not in {"running", "paused"}

    def counts(self) -> dict[str, int]:
        """Return how many steps there are, and how they ended."""
        failed = sum(1 for step in self.steps if step.status == _FAILED)
        done = len(self.steps) - failed
        return {"stepCount": len(self.steps), "completedSteps": done, "failedSteps": failed}

    def shown(self) -> dict[str, Any]:
        """Return FlowExecutionMetrics of the Qflow document; times in milliseconds."""
        found: dict[str, Any] = {
            "flowId": self.flow_id,
            "workflowId": self.flow_id,
            "executionId": self.execution_id,
            "startTime": self.start_ns // _MS,
            **self.counts(),
            "status": self.status,
            "nodeId": self.node,
        }
        if self.is_over:
            found |= {"endTime": self.end_ns // _MS, "duration": (self.end_ns - self.start_ns) / _MS}
        return found


def runs_of(spans: Iterable[Span]) -> list[Run]:
    """Return the runs that spans tell of, the latest first."""
    by_run: dict[str, list[Span]] = {}
    for span in spans:
        execution = _first(span, _RUN_KEYS)
        if execution:
            by_run.setdefault(execution, []).append(span)
    found = [_run(name, sorted(of, key=lambda one: one.start_ns)) for name, of in by_run.items()]
    return sorted(found, key=lambda one: -one.start_ns)


def _run(execution: str, spans: Sequence[Span]) -> Run:
    ids = {span.span_id for span in spans}
    above = {span.parent_id for span in spans}
    # Its own span holds the others; a step that is alone holds nothing and is of a flow all the same.
    own = next((one for one in spans if one.span_id in above and one.parent_id not in ids), None)
    if own is None and len(spans) == 1 and not spans[0].parent_id:
        own = spans[0]
    steps = tuple(span for span in spans if span is not own)
    told = next(filter(None, (_first(span, _STATUS_KEYS) for span in spans)), "")
    status = "running"
    if own is not None:
        status = "failed" if own.status == _FAILED else "completed"
    return Run(
        execution,
        next(filter(None, (_first(span, _FLOW_KEYS) for span in spans)), "") or (own or spans[0]).name,
        told if told in STATUSES else status,
        spans[0].start_ns,
        max(span.end_ns for span in spans) if own is None else own.end_ns,
        spans[0].origin.service,
        steps,
    )


def _first(span: Span, keys: Sequence[str]) -> str:
    named = {key: value for key, value, _ in span.attributes}
    return next((named[key] for key in keys if named.get(key)), "")


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


def _step(span: Span) -> dict[str, Any]:
    return {
        "stepId": span.span_id,
        "name": span.name,
        "status": "failed" if span.status == _FAILED else "completed",
        "startTime": span.start_ns // _MS,
        "endTime": span.end_ns // _MS,
        "duration": max(span.end_ns - span.start_ns, 0) / _MS,
        "error": span.status_message,
    }


class Flows(Struct, frozen=True):
    """What runs, and what ran."""

    runs: Runs
    traces: Traces
    clock: Clock

    async def _of_spans(self, scope: Scope, back_ns: int = _LISTED_NS) -> list[Run]:
        """Return the runs that spans tell of."""
        now_ns = self.clock.now_ns()
        window = Window(now_ns - back_ns, now_ns + 1)
        ids = await self.traces.found(scope, window, _IS_OF_RUN, _MOST_TRACES)
        if not ids:
            return []
        found: Mapping[str, Sequence[Span]] = await self.traces.traces(scope, ids)
        return runs_of(span for spans in found.values() for span in spans)

    async def _of_spans_alone(
        self, scope: Scope, kept: Iterable[Summary], back_ns: int = _LISTED_NS
    ) -> list[Run]:
        """Return the runs that spans tell of and that are not among those kept."""
        known = {one.run_id for one in kept}
        return [one for one in await self._of_spans(scope, back_ns) if one.execution_id not in known]

    async def _page(
        self, scope: Scope, back_ns: int, status: str = "", limit: int = _MOST_RUNS
    ) -> Sequence[Summary]:
        now_ms = self.clock.now_ms()
        states = _STATES_OF.get(status, frozenset())
        asked = Asked(now_ms - back_ns // _MS, now_ms + _AHEAD_MS, states=states)
        return (await self.runs.page(scope, asked, limit)).runs

    async def executions(self, scope: Scope) -> Sequence[dict[str, Any]]:
        """Return the runs that are under way or ended just now: FlowExecutionMetrics of Qflow each.

        Raises PharosError.
        """
        since_ms = self.clock.now_ms() - _RECENT_NS // _MS
        kept = [
            one
            for one in await self._page(scope, _LISTED_NS)
            if not one.is_over or (one.end_ms or 0) >= since_ms
        ]
        spans = await self._of_spans_alone(scope, kept, _RECENT_NS)
        return [*map(shown_run, kept), *(one.shown() for one in spans)]

    async def workflows(
        self, scope: Scope, status: str = "", limit: int = 100
    ) -> tuple[Sequence[dict[str, Any]], int]:
        """Return (the newest runs of a day, of a status if one is named, how many there are).

        Raises PharosError.
        """
        kept = await self._page(scope, _LISTED_NS)
        spans = [one for one in await self._of_spans_alone(scope, kept) if not status or one.status == status]
        if status:
            kept = await self._page(scope, _LISTED_NS, status)
        found = [*map(shown_run, kept), *(one.shown() for one in spans)]
        found.sort(key=lambda one: -one["startTime"])
        return found[:limit], len(found)

    async def workflow(self, scope: Scope, execution_id: str) -> dict[str, Any]:
        """Return one run, with its steps under `steps`; of those of spans one of a day.

        Raises PharosError(MISSING).
        """
        try:
            view = await self.runs.run(scope, execution_id)
        except PharosError as exc:
            if exc.kind is not Kind.MISSING:
                raise
        else:
            steps = view.shown(self.clock.now_ms())["steps"]
            return {**shown_run(view.summary), "steps": [_own_step(one) for one in steps]}
        for one in await self._of_spans(scope):
            if one.execution_id == execution_id:
                return {**one.shown(), "steps": [_step(span) for span in one.steps]}
        raise PharosError(Kind.MISSING, f"there is no run {execution_id[:100]!r}")

    async def statistics(self, scope: Scope) -> dict[str, Any]:
        """Return how many runs a day had, and how they ended. Raises PharosError."""
        now_ms = self.clock.now_ms()
        asked = Asked(now_ms - _LISTED_NS // _MS, now_ms + _AHEAD_MS)
        kept, live = await self.runs.statistics(scope, asked, "state")
        spans = await self._of_spans_alone(scope, await self._page(scope, _LISTED_NS))
        total = kept.total
        over = [one for one in spans if one.is_over]
        completed = total.by_state[State.SUCCEEDED] + sum(1 for one in over if one.status == "completed")
        ended = total.runs + len(over)
        lasted = (total.mean_ms or 0.0) * total.runs + sum((one.end_ns - one.start_ns) / _MS for one in over)
        running = sum(live.values()) + len(spans) - len(over)
        failed = total.by_state[State.FAILED] + total.by_state[State.TIMED_OUT]
        return {
            "total": ended + running,
            "running": running,
            "completed": completed,
            "failed": failed + sum(1 for one in over if one.status == "failed"),
            "successRate": completed / ended if ended else None,
            "averageDuration": max(lasted / ended, 0.0) if ended else None,
        }


def _own_step(step: Mapping[str, Any]) -> dict[str, Any]:
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
