"""The one door to runs: takes events, and answers how runs and workflows stand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Sequence
from heapq import nlargest
from itertools import chain
from typing import Any, Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from pharos.access import Scope
from pharos.clock import Clock
from pharos.engine import Session
from pharos.errors import Kind, PharosError
from pharos.query.limits import Scheduler
from pharos.runs import stored
from pharos.runs.asked import Asked, Place
from pharos.runs.book import Book, Held
from pharos.runs.detail import RunView, difference
from pharos.runs.events import RunEvent
from pharos.runs.history import History
from pharos.runs.reading import event_json
from pharos.runs.recorder import Recorded, Recorder
from pharos.runs.statistics import Group, Recent, Statistics, statistics, workflows_of
from pharos.runs.view import Summary, judged, summarize
from pharos.runs.workflows import WorkflowView, view_of

T = TypeVar("T")

_CHILDREN_MOST: Final = 100
_CHILDREN_WITHIN_MS: Final = 90 * 86_400_000
_MS_IN_S: Final = 1000
_AT_ONCE: Final = 1_000
"""So many runs in memory are looked at before others have their turn on the event loop."""


class RunPage(Struct, frozen=True):
    """A page of a list of runs."""

    runs: Sequence[Summary]
    next: Place | None
    live: int
    """How many runs of the tenant are not over."""


class Changed(Struct, frozen=True):
    """What changed of a tenant's runs."""

    change: int
    """Up to which change."""
    runs: Sequence[Summary]
    live: int


class Runs(Struct, frozen=True):
    """Takes events of runs, and answers about them; for one event loop."""

    recorder: Recorder
    scheduler: Scheduler
    clock: Clock

    async def record(self, scope: Scope, events: Sequence[RunEvent], source: str = "runs") -> Recorded:
        """Take events; they are durable when it returns, all of them or none.

        Raises PharosError: LIMITED and UNAVAILABLE with retry_after_s; DENIED; INVALID for several tenants.
        """
        return await self.recorder.record(scope, events, source)

    def book(self, scope: Scope) -> Book:
        """Return the runs of a tenant that are in memory. Raises PharosError(INVALID) for several."""
        return self.recorder.book(scope.alone().tenant)

    async def ask(self, scope: Scope, asked: Hashable, work: Callable[[Session], T]) -> T:
        """Return what `work` returns, on a thread and in turn. Raises as `Scheduler.run`."""
        return await self.scheduler.run(scope, ("runs", asked), self.scheduler.deadline(), work)

    # -- lists --

    async def page(self, scope: Scope, asked: Asked, limit: int, after: Place | None = None) -> RunPage:
        """Return the newest runs that are asked about, beginning behind a place. Raises PharosError."""
        book, now_ms = self.book(scope), self.clock.now_ms()
        in_memory = tuple(book.held.values())
        found: list[Summary] = []
        for low in range(0, len(in_memory), _AT_ONCE):
            matching = (
                one
                for held in in_memory[low : low + _AT_ONCE]
                if after is None or _is_behind(held, after)
                # How a run that is over stands does not depend on what is expected, which takes longer.
                if asked.has(one := held.summary if held.summary.is_over else book.shown(held, now_ms))
            )
            found = nlargest(limit + 1, chain(found, matching), key=_place)
            await asyncio.sleep(0)
        if asked.wants_over:
            known, wanted = {held.state.run_id for held in in_memory}, asked
            if len(found) > limit:
                # What is in memory is stored too. Where it fills the page, only what lies between counts.
                wanted = replace(asked, start_ms=max(asked.start_ms, found[limit].placed_ms))
            found += await self.ask(
                scope,
                ("page", wanted, limit),
                lambda session: stored.page(session, scope, wanted, limit + 1, after, known),
            )
            found.sort(key=_place, reverse=True)
        shown = [
            judged(one, book.history(one.workflow), now_ms) if one.is_over else one for one in found[:limit]
        ]
        last = shown[-1] if len(found) > limit else None
        place = None if last is None else Place(last.placed_ms, last.run_id)
        return RunPage(shown, place, len(book.live))

    async def statistics(self, scope: Scope, asked: Asked, by: str) -> tuple[Statistics, dict[str, int]]:
        """Return (statistics of runs that are over, how many are not over by the same value).

        Raises PharosError.
        """
        book, now_ms = self.book(scope), self.clock.now_ms()
        live: dict[str, int] = {}
        for one in book.live_now(now_ms):
            if asked.has(one):
                value = str(getattr(one, by))
                live[value] = live.get(value, 0) + 1
        found = await self.ask(
            scope, ("statistics", asked, by), lambda session: statistics(session, scope, asked, by)
        )
        return found, live

    async def workflows(self, scope: Scope, asked: Asked) -> list[WorkflowView]:
        """Return the workflows that have runs in a time, the worst first. Raises PharosError."""
        book, now_ms = self.book(scope), self.clock.now_ms()

        def work(session: Session) -> tuple[dict[str, tuple[Group, Recent]], dict[str, Summary]]:
            counted = workflows_of(session, scope, asked)
            last = stored.rows_of(session, scope, [recent.run_id for _, recent in counted.values()])
            return counted, last

        over, last = await self.ask(scope, ("workflows", asked), work)
        live: dict[str, list[Summary]] = {}
        for one in book.live_now(now_ms):
            if not asked.text or asked.text.lower() in one.workflow.lower():
                live.setdefault(one.workflow, []).append(one)
        names = {*over, *live, *(() if asked.text else book.histories)} - {""}
        found = [
            view_of(name, over.get(name), live.get(name, []), last, book.history(name), now_ms)
            for name in sorted(names)
        ]
        return sorted(found, key=lambda one: (one.rank, one.name))

    # -- one run --

    async def summary(self, scope: Scope, run_id: str) -> Summary | None:
        """Return how a run stands; None for one that is not known. Raises PharosError."""
        book, now_ms = self.book(scope), self.clock.now_ms()
        held = book.held.get(run_id)
        if held is not None:
            return book.shown(held, now_ms)
        rows = await self.ask(scope, "summary", lambda session: stored.rows_of(session, scope, [run_id]))
        found = rows.get(run_id)
        return None if found is None else judged(found, book.history(found.workflow), now_ms)

    async def run(self, scope: Scope, run_id: str) -> RunView:
        """Return one run with all that its page shows. Raises PharosError(MISSING)."""
        book, now_ms = self.book(scope), self.clock.now_ms()
        held = book.held.get(run_id)
        if held is not None:
            state, placed_ms = held.state, held.placed_ms
        else:
            found = await self.ask(
                scope, "run", lambda session: stored.stored_runs(session, scope, [run_id]).get(run_id)
            )
            if found is None:
                raise PharosError(Kind.MISSING, f"there is no run {run_id[:100]!r}")
            state, placed_ms = found.state, found.placed_ms
        summary = summarize(state, placed_ms)
        history = await self.history(scope, summary.workflow)
        asked = Asked(placed_ms - _CHILDREN_WITHIN_MS, placed_ms + _CHILDREN_WITHIN_MS, parent=run_id)
        known = set(book.held)

        def work(session: Session) -> tuple[list[Summary], dict[str, tuple[float, float]]]:
            children = stored.page(session, scope, asked, _CHILDREN_MOST, None, known)
            return children, stored.step_times(session, scope, summary.workflow, now_ms)

        children, times = await self.ask(scope, ("around", summary.workflow), work)
        own = [book.shown(one, now_ms) for one in tuple(book.held.values()) if one.summary.parent == run_id]
        children = sorted([*own, *children], key=_place)
        return RunView(judged(summary, history, now_ms), state, history, children[:_CHILDREN_MOST], times)

    async def history(self, scope: Scope, workflow: str) -> History:
        """Return what is known of a workflow's past, the store's knowledge too. Raises PharosError."""
        history = self.book(scope).history(workflow)
        if not history.is_loaded:
            now_ms = self.clock.now_ms()
            past, starts = await self.ask(
                scope, "history", lambda session: stored.history_of(session, scope, workflow, now_ms)
            )
            if not history.is_loaded:
                history.load(past, starts)
        return history

    async def events(self, scope: Scope, run_id: str) -> list[dict[str, Any]]:
        """Return the events of a run that are stored, by time. Raises PharosError(MISSING)."""
        found = await self.ask(scope, "events", lambda session: stored.events_of(session, scope, run_id))
        if not found and run_id not in self.book(scope).held:
            raise PharosError(Kind.MISSING, f"there is no run {run_id[:100]!r}")
        return [{**event_json(event), "received_ms": at_s * _MS_IN_S} for event, at_s in found]

    async def diff(self, scope: Scope, a: str, b: str) -> dict[str, Any]:
        """Return what two runs differ in. Raises PharosError(MISSING)."""
        first, second = await self.run(scope, a), await self.run(scope, b)
        return difference(first, second, self.clock.now_ms())

    # -- what changes --

    def changed(self, scope: Scope, since: int | None) -> Changed:
        """Return what changed after a change; with None all that is not over."""
        book, now_ms = self.book(scope), self.clock.now_ms()
        if since is None:
            return Changed(book.change, list(book.live_now(now_ms)), len(book.live))
        found = [book.shown(held, now_ms) for held in book.changed(since)]
        return Changed(book.change, found, len(book.live))


def _place(one: Summary) -> tuple[int, str]:
    return one.placed_ms, one.run_id


def _is_behind(held: Held, place: Place) -> bool:
    return (held.placed_ms, held.state.run_id) < (place.placed_ms, place.run_id)
