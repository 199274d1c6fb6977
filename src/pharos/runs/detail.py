"""One run with all that its page shows, and what two runs differ in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct, field

from pharos.runs.events import State
from pharos.runs.history import History, Past
from pharos.runs.reading import schedule_json
from pharos.runs.state import ATTRIBUTE, RESOURCE, Part, RunState, layers_of, named
from pharos.runs.steps import awaited_steps, newest_told, shown_steps, step_places
from pharos.runs.view import Summary, step_state, summary_json

_NS_IN_MS: Final = 1_000_000
_PAST_SHOWN: Final = 50
_ASIDE_MS: Final = 60_000
"""So long before and after a run its logs are looked for."""
_COMPARED: Final = (
    *("workflow", "state", "version", "engine", "node", "service", "owner", "attempt", "input_size", "cost"),
    *("steps_total", "steps_failed", "error"),
)


class RunView(Struct, frozen=True):
    """A run, and what there is to compare it with."""

    summary: Summary
    state: RunState
    history: History
    children: Sequence[Summary] = ()
    step_times: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def shown(self, now_ms: int) -> dict[str, Any]:
        """Return it as the page has it."""
        state, summary = self.state, self.summary
        schedule = state.value("schedule") or self.history.schedule
        return {
            "run": summary_json(summary),
            "inputs": state.value("inputs", {}),
            "attributes": named(state.told, ATTRIBUTE),
            "resources": named(state.told, RESOURCE),
            "schedule": None if schedule is None else schedule_json(schedule),
            "events": len(state.keys),
            "steps": self._steps(now_ms),
            "edges": edges_of(state),
            "validation": [
                {
                    "name": layer.name,
                    "success": layer.success,
                    "duration_ms": layer.duration_ms,
                    "cache_hit": layer.cache_hit,
                    "time_ms": at_ns // _NS_IN_MS,
                }
                for at_ns, layer in layers_of(state)
            ],
            "children": [summary_json(one) for one in self.children],
            "typical": self._typical(),
            "history": [_past(one) for one in self._before()],
            "links": self._links(now_ms),
        }

    def _before(self) -> list[Past]:
        start_ms = self.summary.start_ms
        found = [
            one
            for one in self.history.past
            if one.run_id != self.summary.run_id and (start_ms is None or one.start_ms <= start_ms)
        ]
        return found[: -_PAST_SHOWN - 1 : -1]

    def _steps(self, now_ms: int) -> list[dict[str, Any]]:
        found = []
        places, awaited = step_places(self.state), awaited_steps(self.state)
        for step, tries in shown_steps(self.state).items():
            number = max(tries)
            shown = _attempt(self.state, number, tries[number], now_ms)
            part = tries[number]
            p50, p95 = self.step_times.get(places[step], (None, None))
            others = [_attempt(self.state, one, tries[one], now_ms) for one in sorted(tries)]
            found.append(
                {
                    "id": step,
                    "name": newest_told(tries, "name", step),
                    **shown,
                    "attempts": len(tries),
                    "progress": part.value("progress"),
                    "depends_on": awaited[step],
                    "message": part.value("message", ""),
                    "cost": part.value("cost"),
                    "resources": named(part.told, RESOURCE),
                    "attributes": named(part.told, ATTRIBUTE),
                    "inputs": part.value("inputs", {}),
                    "input_size": part.value("input_size"),
                    "trace_id": part.value("trace_id", ""),
                    "span_id": part.value("span_id", ""),
                    "typical_ms": p50,
                    "typical_p95_ms": p95,
                    "tries": others,
                }
            )
        return sorted(found, key=lambda one: (one["start_ms"] is None, one["start_ms"] or 0, one["id"]))

    def _typical(self) -> dict[str, Any] | None:
        past = self._before()
        if not past:
            return None
        expected = self.history.expectation(self.summary.input_size)
        costs = [one.cost for one in past if one.cost is not None]
        good = sum(1 for one in past if one.state is State.SUCCEEDED)
        return {
            "runs": len(past),
            "duration_p50_ms": None if expected is None else expected.p50_ms,
            "duration_p95_ms": None if expected is None else expected.p95_ms,
            "success_rate": good / len(past),
            "cost_p50": float(np.median(costs)) if costs else None,
            "by_size": expected is not None and expected.by_size,
        }

    def _links(self, now_ms: int) -> dict[str, Any]:
        summary = self.summary
        start_ms = summary.start_ms or summary.placed_ms
        service, trace_id = summary.service, summary.trace_id
        words = f'service:"{_quoted(service)}"' if service else f'"{_quoted(summary.run_id)}"'
        return {
            "trace_id": trace_id,
            "service": service,
            "start_ms": start_ms - _ASIDE_MS,
            "end_ms": (summary.end_ms or now_ms) + _ASIDE_MS,
            "logs_query": f"trace_id:{trace_id}" if trace_id and not service else words,
            "traces_query": f'service:"{_quoted(service)}"' if service else "",
        }


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _attempt(state: RunState, number: int, part: Part, now_ms: int) -> dict[str, Any]:
    stands = step_state(state, part)
    start_ms, end_ms = _ms(part.life.begin_ns), _ms(part.life.end_ns)
    if stands is State.PENDING:
        start_ms = None
    if stands is State.SKIPPED:
        # It took no time, whenever that is told; of one that never began the time is that of its end.
        start_ms = end_ms = end_ms if part.life.started_ns is None else start_ms
    until = end_ms if end_ms is not None else now_ms if stands in {State.RUNNING, State.PAUSED} else None
    lasted = None if start_ms is None or until is None else max(until - start_ms, 0)
    return {
        "attempt": number,
        "state": stands.value,
        "queued_ms": _ms(part.life.queued_ns),
        "start_ms": start_ms,
        "end_ms": end_ms,
        "duration_ms": lasted,
        "error": part.value("error", ""),
        "node": part.value("node", ""),
    }


def _ms(time_ns: int | None) -> int | None:
    return None if time_ns is None else time_ns // _NS_IN_MS


def _past(one: Past) -> dict[str, Any]:
    return {
        "run_id": one.run_id,
        "state": one.state.value,
        "start_ms": one.start_ms,
        "duration_ms": one.duration_ms,
        "input_size": one.input_size,
        "version": one.version,
    }


def edges_of(state: RunState) -> list[list[str]]:
    """Return which step waits for which: pairs of the one before and the one after."""
    found = {(before, step) for step, awaited in awaited_steps(state).items() for before in awaited}
    return [list(one) for one in sorted(found)]


def difference(a: RunView, b: RunView, now_ms: int) -> dict[str, Any]:
    """Return what two runs differ in: fields, inputs, and how much longer each step took in the second."""
    first, second = summary_json(a.summary), summary_json(b.summary)
    whole = _change(a.summary.duration_ms, b.summary.duration_ms)
    costs = (a.summary.cost, b.summary.cost)
    return {
        "a": first,
        "b": second,
        "fields": _differing(
            {name: first[name] for name in _COMPARED}, {name: second[name] for name in _COMPARED}
        ),
        "inputs": _differing(a.state.value("inputs", {}), b.state.value("inputs", {})),
        "attributes": _differing(named(a.state.told, ATTRIBUTE), named(b.state.told, ATTRIBUTE)),
        "steps": _steps_differing(a, b, now_ms, whole),
        "duration_change_ms": whole,
        "cost_change": None if costs[0] is None or costs[1] is None else costs[1] - costs[0],
    }


def _differing(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"name": name, "a": a.get(name), "b": b.get(name)}
        for name in sorted({*a, *b})
        if a.get(name) != b.get(name)
    ]


def _change(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else b - a


def _steps_differing(a: RunView, b: RunView, now_ms: int, whole: int | None) -> list[dict[str, Any]]:
    found = []
    sides = [_brief(one, now_ms) for one in (a, b)]
    for step in dict.fromkeys((*sides[0], *sides[1])):
        one, other = sides[0].get(step), sides[1].get(step)
        took = [0 if side is None else side["duration_ms"] or 0 for side in (one, other)]
        change = took[1] - took[0]
        found.append(
            {
                "id": step,
                "a": one,
                "b": other,
                "duration_change_ms": change,
                "share": change / whole if whole else None,
            }
        )
    return sorted(found, key=lambda one: (-abs(one["duration_change_ms"]), one["id"]))


def _brief(view: RunView, now_ms: int) -> dict[str, dict[str, Any]]:
    found = {}
    places = step_places(view.state)
    for step, tries in shown_steps(view.state).items():
        number = max(tries)
        shown = _attempt(view.state, number, tries[number], now_ms)
        found[places[step]] = {
            "state": shown["state"],
            "duration_ms": shown["duration_ms"],
            "attempts": len(tries),
            "error": shown["error"],
        }
    return found
