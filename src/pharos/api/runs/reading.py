"""What is asked about runs: lists, one run, statistics, workflows, what two differ in, what changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any, Final

from msgspec import Struct, field
from starlette.requests import Request
from starlette.responses import Response

from pharos.access import Scope
from pharos.api.http.errors import native_error
from pharos.api.http.event_stream import EVENT_STREAM, comment, event, event_stream, retry
from pharos.api.http.identity import scope_of
from pharos.api.http.json_text import json_text
from pharos.api.http.routes import Operation
from pharos.api.native.reading import STRING, Reading, failed, inputs_of, time_ns, whole_number
from pharos.api.prometheus.parameters import Parameters, query_parameters
from pharos.api.runs.shapes import (
    DIFF,
    EVENTS,
    FILTERS,
    LAST_WEEK,
    PAGE,
    RUN,
    STATISTICS,
    WORKFLOWS,
    count,
)
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.runs.asked import LIVE_STATES, Asked, Place
from pharos.runs.events import OVER, State
from pharos.runs.runs import Runs
from pharos.runs.statistics import GROUPS, Group, Statistics
from pharos.runs.view import Summary, summary_json

_READ: Final = "flows.read"
_WEEK_NS: Final = 7 * 86_400 * 10**9
_AHEAD_NS: Final = 3_600 * 10**9
_NS_IN_MS: Final = 1_000_000
_RUNS_MOST: Final = 500
_EVENTS_MOST: Final = 10_000
_LONGEST: Final = 300
_VALUES_MOST: Final = 100
_STATES: Final = (*OVER, *LIVE_STATES)
_STREAMS_MOST: Final = 64
_EVERY_S: Final = 1.0
_QUIET_TURNS: Final = 15
_TURNS: Final = 600
_AGAIN_MS: Final = 2_000
_PLACE_DIGITS: Final = 13
"""Of a time in milliseconds that the store can hold."""


def _text(parameters: Parameters, name: str) -> str:
    text = parameters.first(name)
    if len(text) > _LONGEST:
        raise PharosError(Kind.INVALID, f"{name} has more than {_LONGEST} characters")
    return text


def _several(parameters: Parameters, name: str) -> list[str]:
    found = [one.strip() for text in parameters.all(name) for one in text.split(",")]
    found = [*dict.fromkeys(filter(None, found))]
    if len(found) > _VALUES_MOST or any(len(one) > _LONGEST for one in found):
        raise PharosError(
            Kind.INVALID, f"{name} must be at most {_VALUES_MOST} values of {_LONGEST} characters"
        )
    return found


def _states(parameters: Parameters) -> frozenset[State]:
    found: set[State] = set()
    for name in _several(parameters, "state"):
        if name == "live":
            found.update(LIVE_STATES)
        elif name == "over":
            found.update(OVER)
        elif name in _STATES:
            found.add(State(name))
        else:
            raise PharosError(
                Kind.INVALID, f"state {name[:40]!r} is not one of live, over, {', '.join(_STATES)}"
            )
    return frozenset(found)


def _asked(parameters: Parameters, now_ns: int) -> Asked:
    # Clocks of senders may be ahead: a run that begins now is seen all the same.
    end_ns = time_ns(parameters, "end", now_ns + _AHEAD_NS)
    start_ns = time_ns(parameters, "start", max(min(end_ns, now_ns) - _WEEK_NS, 0))
    if end_ns <= start_ns:
        raise PharosError(Kind.INVALID, "end must be after start")
    return Asked(
        start_ns // _NS_IN_MS,
        -(-end_ns // _NS_IN_MS),
        tuple(_several(parameters, "workflow")),
        _states(parameters),
        *(_text(parameters, name) for name in ("owner", "version", "node", "engine", "parent", "query")),
    )


def _place(parameters: Parameters) -> Place | None:
    text = parameters.first("cursor")
    if not text:
        return None
    placed, separator, run_id = text.partition(".")
    if (
        not separator
        or not placed.isascii()
        or not placed.isdecimal()
        or len(placed) > _PLACE_DIGITS
        or not run_id
    ):
        raise PharosError(Kind.INVALID, "cursor is not one that a list answered with")
    return Place(int(placed), run_id[:_LONGEST])


def _run_id(parameters: Parameters, name: str) -> str:
    text = _text(parameters, name)
    if not text:
        raise PharosError(Kind.INVALID, f"{name} is missing: which run is meant?")
    return text


class RunsApi(Struct):
    """Answers about runs."""

    runs: Runs
    clock: Clock
    every_s: float = _EVERY_S
    _streams: set[int] = field(default_factory=set)
    _ending: asyncio.Event = field(default_factory=asyncio.Event)

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make = _READING.operation
        pages = {"limit": count(_RUNS_MOST), "cursor": STRING}
        yield make("/api/v1/runs", self.listed, PAGE, {**FILTERS, **pages})
        yield make("/api/v1/runs/{run_id:path}", self.run, RUN, {})
        events = {"run_id": STRING, "limit": count(_EVENTS_MOST), "cursor": STRING}
        yield make("/api/v1/run_events", self.events, EVENTS, events, "run_id")
        by = {"by": {"enum": [*GROUPS]}}
        yield make("/api/v1/run_statistics", self.statistics, STATISTICS, {**FILTERS, **by})
        yield make("/api/v1/workflows", self.workflows, WORKFLOWS, {**LAST_WEEK, "query": STRING})
        yield make("/api/v1/run_diff", self.diff, DIFF, {"a": STRING, "b": STRING}, "a", "b")
        yield _changes_operation(self.changes)

    async def listed(self, parameters: Parameters, request: Request) -> Any:
        """Return runs, those that began last first, and where the next page begins."""
        asked = _asked(parameters, self.clock.now_ns())
        limit = whole_number(parameters, "limit", 50, _RUNS_MOST)
        page = await self.runs.page(scope_of(request), asked, limit, _place(parameters))
        cursor = "" if page.next is None else f"{page.next.placed_ms}.{page.next.run_id}"
        return {"runs": [summary_json(one) for one in page.runs], "cursor": cursor, "live": page.live}

    async def run(self, parameters: Parameters, request: Request) -> Any:
        """Return one run with its steps, what it depends on, and the typical run of its workflow."""
        del parameters
        found = await self.runs.run(scope_of(request), request.path_params["run_id"])
        return found.shown(self.clock.now_ms())

    async def events(self, parameters: Parameters, request: Request) -> Any:
        """Return the events of a run, the oldest first."""
        run_id = _run_id(parameters, "run_id")
        limit = whole_number(parameters, "limit", 1_000, _EVENTS_MOST)
        first = whole_number(parameters, "cursor", 0, 10**9, 0)
        found = await self.runs.events(scope_of(request), run_id)
        behind = first + limit
        return {"events": found[first:behind], "cursor": str(behind) if behind < len(found) else ""}

    async def statistics(self, parameters: Parameters, request: Request) -> Any:
        """Return how many runs ended how, how long they took and what they cost, by what they share."""
        by = parameters.first("by") or "workflow"
        if by not in GROUPS:
            raise PharosError(Kind.INVALID, f"by {by[:40]!r} is not one of {', '.join(GROUPS)}")
        asked = _asked(parameters, self.clock.now_ns())
        found, live = await self.runs.statistics(scope_of(request), asked, by)
        return _statistics(found, live)

    async def workflows(self, parameters: Parameters, request: Request) -> Any:
        """Return workflows and how they do, the worst first."""
        asked = _asked(parameters, self.clock.now_ns())
        found = await self.runs.workflows(scope_of(request), asked)
        return {"workflows": [one.shown() for one in found]}

    async def diff(self, parameters: Parameters, request: Request) -> Any:
        """Return what two runs differ in."""
        a, b = _run_id(parameters, "a"), _run_id(parameters, "b")
        return await self.runs.diff(scope_of(request), a, b)

    # -- what changes --

    async def changes(self, request: Request) -> Response:
        """Send runs as they change as server-sent events, until the client goes."""
        try:
            parameters = query_parameters(request)
            workflow, run_id = _text(parameters, "workflow"), _text(parameters, "run_id")
            scope = scope_of(request).alone()
            self._check_room()
        except PharosError as exc:
            return native_error(exc)
        return event_stream(self._told(scope, workflow, run_id))

    def _check_room(self) -> None:
        if len(self._streams) >= _STREAMS_MOST:
            raise PharosError(
                Kind.LIMITED,
                f"{_STREAMS_MOST} clients follow runs already",
                hint="close one, or try again later",
                retry_after_s=10.0,
            )

    def end(self) -> None:
        """End the streams: a server that stops would wait for them."""
        self._ending.set()

    async def _told(self, scope: Scope, workflow: str, run_id: str) -> AsyncIterator[bytes]:
        mine = object()
        self._streams.add(id(mine))
        try:
            yield retry(_AGAIN_MS)
            since: int | None = None
            quiet = 0
            for _ in range(_TURNS):
                found = self.runs.changed(scope, since)
                wanted = [one for one in found.runs if _is_wanted(one, workflow, run_id)]
                if wanted or since is None:
                    shown = [summary_json(one) for one in wanted]
                    yield event("runs", json_text({"runs": shown, "live": found.live}), str(found.change))
                    quiet = 0
                elif quiet >= _QUIET_TURNS:
                    yield comment("nothing new")
                    quiet = 0
                since = found.change
                quiet += 1
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._ending.wait(), self.every_s)
                if self._ending.is_set():
                    return
        finally:
            self._streams.discard(id(mine))


def _is_wanted(one: Summary, workflow: str, run_id: str) -> bool:
    return (not workflow or one.workflow == workflow) and (not run_id or one.run_id == run_id)


def _statistics(found: Statistics, live: dict[str, int]) -> dict[str, Any]:
    known = {one.value for one in found.groups}
    groups = [{"value": one.value, **_group(one, live.get(one.value, 0))} for one in found.groups]
    empty = Group("", 0, dict.fromkeys(OVER, 0), None, None, None, None, 0.0, 0, 0, "")
    groups += [
        {"value": value, **_group(empty, count)} for value, count in live.items() if value not in known
    ]
    return {
        "groups": groups,
        "total": _group(found.total, sum(live.values())),
        "steps": [
            {
                "start_ms": one.start_ms,
                "succeeded": one.succeeded,
                "failed": one.failed,
                "other": one.other,
            }
            for one in found.steps
        ],
        "step_ms": found.step_ms,
    }


def _group(one: Group, live: int) -> dict[str, Any]:
    return {
        "runs": one.runs,
        "live": live,
        **{state.value: one.by_state[state] for state in OVER},
        "success_rate": one.success_rate,
        "duration_p50_ms": one.p50_ms,
        "duration_p95_ms": one.p95_ms,
        "duration_p99_ms": one.p99_ms,
        "duration_mean_ms": one.mean_ms,
        "cost_sum": one.cost_sum,
        "cost_mean": one.cost_sum / one.costs if one.costs else None,
        "last_start_ms": one.last_start_ms or None,
        "last_state": one.last_state,
    }


_READING: Final = Reading(_READ, "runs", "runs")


def _changes_operation(endpoint: Any) -> Operation:
    path = "/api/v1/run_changes"
    return Operation(
        path,
        "GET",
        endpoint,
        _READ,
        name="runs_changes",
        tag="runs",
        summary="Runs changes",
        responses={
            **failed({400: "What is asked for is not what it must be.", 429: "Too many follow runs."}),
            200: {
                "description": "Events `runs`, each with the runs that changed.",
                "content": {EVENT_STREAM: {"schema": STRING}},
            },
        },
        inputs=inputs_of(path, {"workflow": STRING, "run_id": STRING}, ()),
    )
