"""Events come in: joined to their runs in memory, written to the log with what became of these.

For each tenant there is a lane: while one frame is on its way to the disk, what comes meanwhile waits and
goes into the next one. So single events of many senders cost one sync together, and the events of a run are
joined in one order, in memory as in the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from msgspec import Struct, field

from pharos.access import Scope
from pharos.clock import Clock
from pharos.engine import Session
from pharos.errors import Kind, PharosError
from pharos.ingest.frames import FrameKind
from pharos.ingest.signals import Submission
from pharos.runs.book import Book, Held, is_quiet
from pharos.runs.events import RunEvent
from pharos.runs.rows import RunsTaken, event_row, frame_of, run_row
from pharos.runs.state import key_of
from pharos.runs.stored import StoredRun, stored_runs

_FRAME_EVENTS: Final = 4_000
"""So many events are written at once, where they are of several requests."""
_WAITING_MOST: Final = 100_000
_BREATH: Final = 250
"""After so many events others have their turn."""


class Taker(Protocol):
    """The intake, as far as it is needed here."""

    def check_open(self, tenant: str | None = None, *, is_repeatable: bool = True) -> None:
        """Raise what a request would be refused with now."""
        ...

    async def accept(self, sent: Submission[RunsTaken]) -> RunsTaken:
        """Store what was sent durably."""
        ...


class Recorded(Struct, frozen=True):
    """What became of events."""

    accepted: int
    """How many were new."""
    doubled: int
    """How many were known by their ids."""


class _Sent(Struct):
    """Events of one request."""

    scope: Scope
    events: Sequence[RunEvent]
    source: str
    done: asyncio.Future[Recorded]
    new: list[tuple[RunEvent, int]] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str]:
        """Requests with the same one go into one frame: they are counted alike."""
        return self.source, self.scope.token


class _Lane(Struct):
    """What waits of one tenant."""

    waiting: list[_Sent] = field(default_factory=list)
    count: int = 0
    task: asyncio.Task[None] | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Recorder(Struct):
    """Takes events. For one event loop."""

    intake: Taker
    read: Callable[[Callable[[Session], dict[str, StoredRun]]], dict[str, StoredRun]]
    clock: Clock
    is_ready: bool = False
    """Whether what was accepted before is stored, so that it can be looked which runs there were."""
    books: dict[str, Book] = field(default_factory=dict)
    _lanes: dict[str, _Lane] = field(default_factory=dict)

    def book(self, tenant: str) -> Book:
        """Return the runs of a tenant that are in memory."""
        found = self.books.get(tenant)
        if found is None:
            found = self.books[tenant] = Book()
        return found

    def forget(self, tenant: str) -> None:
        """Let go of a tenant that was deleted."""
        self.books.pop(tenant, None)

    async def record(self, scope: Scope, events: Sequence[RunEvent], source: str) -> Recorded:
        """Take events; they are durable when it returns, all of them or none.

        Raises PharosError: LIMITED, UNAVAILABLE as the intake does, DENIED as `admit` does, INVALID for
        several tenants.
        """
        tenant = scope.alone().tenant
        self.intake.check_open(tenant)
        if not self.is_ready:
            raise PharosError(
                Kind.UNAVAILABLE,
                "runs of the time before the last stop are still being read",
                hint="Pharos is nearly ready; senders should retry",
                retry_after_s=1.0,
            )
        if not events:
            return Recorded(0, 0)
        lane = self._lanes.setdefault(tenant, _Lane())
        if lane.count + len(events) > _WAITING_MOST:
            raise PharosError(
                Kind.UNAVAILABLE,
                f"{lane.count} events of runs wait to be written",
                hint="senders should retry",
                retry_after_s=1.0,
            )
        sent = _Sent(scope, events, source, asyncio.get_running_loop().create_future())
        lane.waiting.append(sent)
        lane.count += len(events)
        if lane.task is None or lane.task.done():
            lane.task = asyncio.create_task(self._drain(tenant, lane))
        return await sent.done

    async def _drain(self, tenant: str, lane: _Lane) -> None:
        try:
            while lane.waiting:
                taken = _together(lane.waiting)
                del lane.waiting[: len(taken)]
                try:
                    async with lane.lock:
                        await self._write(tenant, taken)
                except PharosError as exc:
                    _fail(taken, exc)
                finally:
                    lane.count -= sum(len(one.events) for one in taken)
                    _fail(taken, _unfinished())
        finally:
            # Nobody else would wake them.
            _fail(lane.waiting, _unfinished())
            lane.waiting.clear()
            lane.count = 0

    async def close(self) -> None:
        """Take nothing more, and end what is being written."""
        self.is_ready = False
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _write(self, tenant: str, taken: Sequence[_Sent]) -> None:
        book = self.book(tenant)
        await self.load(taken[0].scope, {event.run_id for one in taken for event in one.events})
        touched: dict[str, Held] = {}
        rows: list[list[Any]] = []
        begun: list[str] = []
        good: list[_Sent] = []
        for one in taken:
            try:
                book.check_room(one.events)
            except PharosError as exc:
                _fail([one], exc)
                continue
            good.append(one)
            await self._join(book, one, touched, begun)
            rows += (event_row(event, key) for event, key in one.new)
        if not rows:
            _succeed(good)
            return
        now_ms, now_s = self.clock.now_ms(), self.clock.monotonic_s()
        loud = {event.run_id for one in good for event, _ in one.new if not is_quiet(event)}
        runs = [
            run_row(held.summary, held.state, held.edition, revised=held.is_revised)
            for run_id, held in touched.items()
            if book.settle(held, now_ms, now_s, quiet=run_id not in loud)
        ]
        plain = frame_of(rows, runs)
        try:
            await self.intake.accept(
                Submission(good[0].scope, FrameKind.RUNS, good[0].source, plain=plain, sent_bytes=len(plain))
            )
        except BaseException:
            _take_back(book, good, touched, begun)
            raise
        for run_id, held in touched.items():
            if run_id in loud:
                book.learn(held)
        for one in good:
            for event, _ in one.new:
                for layer in event.validation:
                    book.tally.validate(layer)
        _succeed(good)

    async def _join(self, book: Book, one: _Sent, touched: dict[str, Held], begun: list[str]) -> None:
        """Join the events of a request to their runs."""
        for place, event in enumerate(one.events):
            if place % _BREATH == _BREATH - 1:
                await asyncio.sleep(0)
            key = key_of(event)
            if event.run_id not in book.held:
                begun.append(event.run_id)
            held = book.open(event.run_id)
            if held.state.take(event, key):
                one.new.append((event, key))
                touched[event.run_id] = held

    async def load(self, scope: Scope, run_ids: set[str]) -> None:
        """Have runs in memory that the store has; the lane's lock is held, or nobody records yet."""
        book = self.book(scope.tenant)
        unknown = sorted(run_ids - book.held.keys())
        if not unknown:
            return
        found = await asyncio.to_thread(self.read, lambda session: stored_runs(session, scope, unknown))
        now_s = self.clock.monotonic_s()
        for run_id, stored in found.items():
            book.put(run_id, stored, now_s)

    async def wake(self, scope: Scope, run_ids: set[str]) -> None:
        """Have runs in memory that the store has, beside what is recorded."""
        lane = self._lanes.setdefault(scope.tenant, _Lane())
        async with lane.lock:
            await self.load(scope, run_ids)


def _together(waiting: Sequence[_Sent]) -> list[_Sent]:
    """Return the first requests that go into one frame: one at least."""
    taken, count = [waiting[0]], len(waiting[0].events)
    for one in waiting[1:]:
        count += len(one.events)
        if one.key != taken[0].key or count > _FRAME_EVENTS:
            break
        taken.append(one)
    return taken


def _succeed(sent: Sequence[_Sent]) -> None:
    for one in sent:
        if not one.done.done():
            one.done.set_result(Recorded(len(one.new), len(one.events) - len(one.new)))


def _fail(sent: Sequence[_Sent], exc: PharosError) -> None:
    for one in sent:
        if not one.done.done():
            one.done.set_exception(exc)


def _unfinished() -> PharosError:
    return PharosError(Kind.UNAVAILABLE, "what was sent could not be written now", retry_after_s=1.0)


def _take_back(book: Book, sent: Sequence[_Sent], touched: dict[str, Held], begun: Sequence[str]) -> None:
    """Have events taken for new that were not kept, as they will be sent again.

    What they said of runs that were there stays: it is the same when they come again.
    """
    for one in sent:
        for event, key in one.new:
            touched[event.run_id].state.keys.discard(key)
    for held in touched.values():
        # The next row is written in any case.
        held.written, held.written_brief = (), None
    for run_id in begun:
        held_run = book.held.pop(run_id, None)
        if held_run is not None:
            book.live.pop(run_id, None)
