"""What is done about runs by itself: who is late or stuck is told, who is lost given up, all counted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from msgspec import Struct, field

from pharos.access import Scope, upkeep
from pharos.clock import Clock
from pharos.engine import Session
from pharos.errors import Kind, PharosError
from pharos.labels import Labels
from pharos.runs import stored
from pharos.runs.book import Book
from pharos.runs.events import LOST, EventKind, RunEvent, State
from pharos.runs.history import RECENT, is_failing, is_flapping, recent_states
from pharos.runs.runs import Runs
from pharos.runs.tally import named
from pharos.runs.view import Summary

_LOG = logging.getLogger(__name__)

LOOK_S: Final = 5.0
_WAKE_AT_ONCE: Final = 100
_BREATH: Final = 50
"""After so many runs others have their turn."""
_HISTORIES_AT_ONCE: Final = 50
_ROSTER_MS: Final = 30 * 86_400_000
_LOST_MS: Final = 86_400_000
"""A run of which nothing is heard for so long is given up, one that was awaited for longer later."""
_LOST_TIMES: Final = 10
_PENDING_LOST_MS: Final = 7 * 86_400_000
_OVERDUE_MOST: Final = 200
"""So many late and stuck runs of a tenant have a series of their own."""
_SHOWN_LIVE: Final = (State.PENDING, State.RUNNING, State.PAUSED, State.LATE, State.STUCK)
_MS_IN_S: Final = 1000
_NS_IN_MS: Final = 1_000_000
_SAMPLE_MS: Final = 15_000


class RunSamples(Struct, frozen=True):
    """What is to be written of a tenant at one time, in one piece."""

    at_ms: int
    samples: Sequence[tuple[Labels, float]]
    begun: Sequence[Labels]
    """Counters that are new: they were 0 at `begun_ms`."""
    begun_ms: int
    gone: Sequence[Labels]
    """Series that end."""


class SampleSink(Protocol):
    """Who keeps samples of runs."""

    async def take(self, scope: Scope, made: RunSamples) -> None:
        """Keep them durably, all or nothing. Raises PharosError when they may not be kept."""
        ...


class Watch(Struct):
    """Looks at the runs of all tenants, now and then."""

    runs: Runs
    sink: SampleSink
    clock: Clock
    live_of_all: Callable[[Session], Mapping[str, Sequence[str]]]
    """Returns by tenant the runs that are not over, as far as the store knows."""
    tenants_of_runs: Callable[[Session], Sequence[str]]
    """Returns the tenants that have runs."""
    known: dict[str, set[Labels]] = field(default_factory=dict)
    """By tenant which series there are."""
    begun_ms: int = 0
    """When this process began to look: up to then series have values of those before it."""

    async def begin(self) -> None:
        """Read which runs go on, and which workflows there are: once all that was accepted before is stored.

        Raises PharosError.
        """
        recorder, now_ms = self.runs.recorder, self.clock.now_ms()
        self.begun_ms = now_ms
        scope = upkeep("default")
        live = await self.runs.ask(scope, "live", self.live_of_all)
        for tenant, run_ids in live.items():
            recorder.book(tenant).dormant = dict.fromkeys(run_ids)
        for tenant in await self.runs.ask(scope, "tenants", self.tenants_of_runs):
            own = upkeep(tenant)
            found = await self.runs.ask(
                own,
                "roster",
                lambda session, own=own: stored.known_workflows(  # type: ignore[misc]
                    session, own, now_ms - _ROSTER_MS, now_ms + _SAMPLE_MS
                ),
            )
            for one in found:
                history = recorder.book(tenant).history(one.name)
                history.schedule = history.schedule or one.schedule

    async def run(self) -> None:
        """Go on for ever."""
        while True:
            for tenant in tuple(self.runs.recorder.books):
                try:
                    await self.step(tenant)
                except PharosError as exc:
                    # Of a suspended tenant nobody looks, and nobody need be told so again and again.
                    level = logging.DEBUG if exc.kind is Kind.DENIED else logging.WARNING
                    _LOG.log(level, "runs of %s are not looked at for now: %s", tenant, exc)
            await asyncio.sleep(LOOK_S)

    async def step(self, tenant: str) -> None:
        """Look at the runs of a tenant. Raises PharosError."""
        scope, book = upkeep(tenant), self.runs.recorder.book(tenant)
        while book.dormant:
            chunk = set(tuple(book.dormant)[:_WAKE_AT_ONCE])
            await self.runs.recorder.wake(scope, chunk)
            for run_id in chunk:
                book.dormant.pop(run_id, None)
        await self._load_histories(scope, book)
        now_ms = self.clock.now_ms()
        live = []
        for place, run_id in enumerate(tuple(book.live)):
            if place % _BREATH == _BREATH - 1:
                await asyncio.sleep(0)
            shown = book.look(run_id, now_ms)
            if shown is not None:
                live.append(shown)
        lost = [_lost(one, now_ms) for one in live if _is_lost(one, now_ms)]
        if lost:
            await self.runs.record(scope, lost, "lost")
        book.forget_old(self.clock.monotonic_s())
        at_ms = now_ms // _SAMPLE_MS * _SAMPLE_MS
        # A time of which a process before this one may have told something is left to it.
        if max(book.sampled_ms, self.begun_ms) < at_ms:
            await self._sample(scope, book, live, at_ms)
            book.sampled_ms = at_ms

    async def close(self) -> None:
        """Write what was counted since the last samples, so that a stop loses none of it."""
        now_ms = self.clock.now_ms()
        if not self.begun_ms:
            return
        for tenant, book in self.runs.recorder.books.items():
            if max(book.sampled_ms, self.begun_ms) < now_ms:
                live = [*book.live_now(now_ms)]
                try:
                    await self._sample(upkeep(tenant), book, live, now_ms)
                except PharosError as exc:
                    _LOG.warning("what was counted of runs of %s last is lost: %s", tenant, exc)

    async def _load_histories(self, scope: Scope, book: Book) -> None:
        wanted = [name for name, history in book.histories.items() if not history.is_loaded]
        for name in wanted[:_HISTORIES_AT_ONCE]:
            await self.runs.history(scope, name)

    async def _sample(self, scope: Scope, book: Book, live: Sequence[Summary], at_ms: int) -> None:
        samples = [*book.tally.samples(), *_gauges(book, live, self.clock.now_ms())]
        series = {labels for labels, _ in samples}
        before = self.known.get(scope.tenant, set())
        if not series and not before:
            return
        begun = [labels for labels in series - before if _is_counter(labels)]
        # Counters begin anew, after all that a process before this one told of them.
        begun_ms = max(at_ms - _SAMPLE_MS, min(self.begun_ms, at_ms - 1))
        made = RunSamples(at_ms, samples, begun, begun_ms, [*(before - series)])
        await self.sink.take(scope, made)
        self.known[scope.tenant] = series


def _is_counter(labels: Labels) -> bool:
    name = dict(labels)["__name__"]
    return name.endswith(("_total", "_bucket", "_sum", "_count"))


def _is_lost(one: Summary, now_ms: int) -> bool:
    heard_ms = one.last_heard_ms
    if heard_ms is None:
        waits_ms = one.queued_ms or one.placed_ms
        return now_ms - waits_ms > _PENDING_LOST_MS
    waited_ms = _LOST_MS
    if one.late_after_ms is not None and one.start_ms is not None:
        waited_ms = max(waited_ms, _LOST_TIMES * (one.late_after_ms - one.start_ms))
    return now_ms - heard_ms > waited_ms


def _lost(one: Summary, now_ms: int) -> RunEvent:
    return RunEvent(
        one.run_id,
        EventKind.END,
        now_ms * _NS_IN_MS,
        id=f"{LOST}{now_ms}",
        state=State.TIMED_OUT,
        attempt=one.attempt,
    )


def _gauges(book: Book, live: Sequence[Summary], now_ms: int) -> Iterator[tuple[Labels, float]]:
    """Yield how runs and workflows stand by now."""
    counts: dict[tuple[str, State], int] = {}
    for one in live:
        counts[one.workflow, one.state] = counts.get((one.workflow, one.state), 0) + 1
    for workflow, history in book.histories.items():
        if not workflow:
            continue
        of = ("workflow", workflow)
        for state in _SHOWN_LIVE:
            count = counts.get((workflow, state), 0)
            yield named("workflow_runs_live", of, ("state", state.value)), float(count)
        due = history.due()
        if due is not None:
            yield named("workflow_run_missing", of), float(due.is_missing(now_ms))
        recent = recent_states(history.past)[:RECENT]
        if recent:
            yield named("workflow_run_failing", of), float(is_failing(recent))
            yield named("workflow_run_flapping", of), float(is_flapping(recent))
        expected = history.expectation(None)
        if expected is not None:
            yield named("workflow_run_expected_seconds", of), expected.p50_ms / _MS_IN_S
    overdue = [one for one in live if one.state in {State.LATE, State.STUCK}]
    for one in overdue[:_OVERDUE_MOST]:
        since_ms = one.late_after_ms if one.state is State.LATE else one.last_heard_ms
        over_s = max(now_ms - (since_ms or now_ms), 0) / _MS_IN_S
        more = (("run_id", one.run_id), ("state", one.state.value))
        yield named("workflow_run_overdue_seconds", ("workflow", one.workflow), *more), over_s
