"""Runs of flows and workflows, as far as spans tell of them. Nothing keeps runs by themselves yet.

A span is of a run if an attribute names the run (`executionId`, or as below); the first of them is the run's
own, the others are its steps. Spans come when they have ended: of a run that goes on there are steps alone.

Whoever keeps runs takes this module's place: all that the feed and its REST addresses know of them is asked
of `Flows`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pharos.access import Scope
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.query.events.rows import Span
from pharos.query.events.traces import Traces
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


@dataclass(frozen=True, slots=True)
class Run:
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


@dataclass(frozen=True, slots=True)
class Flows:
    """What runs, and what ran."""

    traces: Traces
    clock: Clock

    async def _runs(self, scope: Scope, back_ns: int = _LISTED_NS) -> list[Run]:
        now_ns = self.clock.now_ns()
        window = Window(now_ns - back_ns, now_ns + 1)
        ids = await self.traces.found(scope, window, _IS_OF_RUN, _MOST_TRACES)
        if not ids:
            return []
        found: Mapping[str, Sequence[Span]] = await self.traces.traces(scope, ids)
        return runs_of(span for spans in found.values() for span in spans)

    async def executions(self, scope: Scope) -> Sequence[dict[str, Any]]:
        """Return the runs that are under way or ended just now: FlowExecutionMetrics of Qflow each.

        Raises PharosError.
        """
        return [one.shown() for one in await self._runs(scope, _RECENT_NS)]

    async def workflows(
        self, scope: Scope, status: str = "", limit: int = 100
    ) -> tuple[Sequence[dict[str, Any]], int]:
        """Return (the newest runs of a day, of a status if one is named, how many there are).

        Raises PharosError.
        """
        found = [one for one in await self._runs(scope) if not status or one.status == status]
        return [one.shown() for one in found[:limit]], len(found)

    async def workflow(self, scope: Scope, execution_id: str) -> dict[str, Any]:
        """Return one run of a day, with its steps under `steps`. Raises PharosError(MISSING)."""
        for one in await self._runs(scope):
            if one.execution_id == execution_id:
                return {**one.shown(), "steps": [_step(span) for span in one.steps]}
        raise PharosError(Kind.MISSING, f"there is no run {execution_id[:100]!r}")

    async def statistics(self, scope: Scope) -> dict[str, Any]:
        """Return how many runs a day had, and how they ended. Raises PharosError."""
        found = await self._runs(scope)
        over = [one for one in found if one.is_over]
        completed = sum(1 for one in over if one.status == "completed")
        lasted = [(one.end_ns - one.start_ns) / _MS for one in over]
        return {
            "total": len(found),
            "running": len(found) - len(over),
            "completed": completed,
            "failed": sum(1 for one in over if one.status == "failed"),
            "successRate": completed / len(over) if over else None,
            "averageDuration": max(sum(lasted) / len(lasted), 0.0) if lasted else None,
        }
