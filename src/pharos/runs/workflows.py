"""How a workflow does: by its runs that are over, those that go on, and the one that should have begun."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct

from pharos.runs.events import State
from pharos.runs.history import History, is_failing, is_flapping
from pharos.runs.reading import schedule_json
from pharos.runs.statistics import Group, Recent
from pharos.runs.view import Summary, summary_json

_ORDER: Final = ("stuck", "failing", "missing", "late", "failed", "timed_out", "flapping", "aborted")
"""From the worst; all others are as good as each other."""


class WorkflowView(Struct, frozen=True):
    """A workflow."""

    name: str
    state: str
    reason: str
    live: Sequence[Summary]
    group: Group | None
    recent: Sequence[State]
    last: Summary | None
    history: History
    owner: str
    versions: Sequence[str]

    @property
    def rank(self) -> int:
        """The worst has the lowest."""
        return _ORDER.index(self.state) if self.state in _ORDER else len(_ORDER)

    def shown(self) -> dict[str, Any]:
        """Return it as answers have it."""
        group, due = self.group, self.history.due()
        schedule = self.history.schedule
        return {
            "workflow": self.name,
            "state": self.state,
            "reason": self.reason,
            "live": len(self.live),
            "late": sum(1 for one in self.live if one.state is State.LATE),
            "stuck": sum(1 for one in self.live if one.state is State.STUCK),
            "runs": 0 if group is None else group.runs,
            "success_rate": None if group is None else group.success_rate,
            "duration_p50_ms": None if group is None else group.p50_ms,
            "duration_p95_ms": None if group is None else group.p95_ms,
            "duration_p99_ms": None if group is None else group.p99_ms,
            "cost_sum": 0.0 if group is None else group.cost_sum,
            "last": None if self.last is None else summary_json(self.last),
            "recent": [one.value for one in self.recent],
            "schedule": None if schedule is None else schedule_json(schedule),
            "schedule_from": "" if due is None else due.source,
            "expected_start_ms": None if due is None else due.at_ms,
            "owner": self.owner,
            "versions": list(self.versions),
        }


def view_of(
    name: str,
    over: tuple[Group, Recent] | None,
    live: Sequence[Summary],
    rows: Mapping[str, Summary],
    history: History,
    now_ms: int,
) -> WorkflowView:
    """Return how a workflow does by now."""
    group, recent = over if over is not None else (None, None)
    states = list(recent.states) if recent is not None else []
    last = max(live, key=lambda one: one.placed_ms, default=None)
    if last is None and recent is not None:
        last = rows.get(recent.run_id)
    state, reason = _standing(live, states, history, now_ms)
    owner = (recent.owner if recent is not None else "") or next((one.owner for one in live if one.owner), "")
    versions = sorted(
        {*(recent.versions if recent is not None else ()), *(one.version for one in live)} - {""}
    )
    return WorkflowView(name, state, reason, live, group, states, last, history, owner, versions)


def _standing(
    live: Sequence[Summary], recent: Sequence[State], history: History, now_ms: int
) -> tuple[str, str]:
    for state in (State.STUCK, State.LATE):
        found = [one for one in live if one.state is state]
        if found:
            return state.value, f"{found[0].run_id}: {found[0].reason}"
    due = history.due()
    if due is not None and due.is_missing(now_ms):
        return "missing", f"a run should have begun at {_text(due.at_ms)}"
    if is_failing(recent):
        return "failing", "the last three runs failed"
    if is_flapping(recent):
        return "flapping", "runs fail and succeed in turns"
    if live:
        return "running", ""
    return (recent[0].value, "") if recent else ("pending", "")


def _text(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
