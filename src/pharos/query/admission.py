"""Who may evaluate when: slots with a fair queue, samples in memory, one evaluation for equal queries."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from typing import Final, Generic, NamedTuple, TypeVar

from msgspec import Struct

from pharos.errors import Kind, PharosError
from pharos.query.pacing import Pacing
from pharos.telemetry import QUERY_QUEUED

A = TypeVar("A")
T = TypeVar("T")

_WAIT_S: Final = 0.05
_SLOW_S: Final = 0.3
_AHEAD_S: Final = 0.01
"""For so long at most a quick question of a line keeps the next one of it waiting."""
_REMEMBERED: Final = 10_000
_ALONE: Final = 1_000
"""Slots that a tenant gets in a row before it counts as the only one."""


class _Line(NamedTuple):
    """Who waits behind one another."""

    tenant: str
    slow: bool
    name: str


class Admission:
    """Slots for queries, overall and per tenant; tenants that wait take turns. For one event loop.

    Of three slots and more the last is for a tenant that has none, so that who asks little does not wait for
    who asks much; a tenant that asks alone has all. Queries known to be slow share half of the slots,
    so that quick ones never wait for all of them. A tenant's lines are served in turn: many rules that are
    due together stand in one of their own, not in front of who looks at a page. They begin one after another,
    whosever they are: side by side, small ones would spend their time handing the interpreter to each other.
    Who keeps asking beyond its limit while others ask rests between its turns (`pacing`), and its slots are
    theirs meanwhile.
    """

    def __init__(self, most: int, most_of: Callable[[str], int], pacing: Pacing) -> None:
        self._most = most
        self._most_of = most_of
        self._pacing = pacing
        self._most_slow = max(1, most // 2)
        self._slow = 0
        self._latest: str | None = None
        self._in_a_row = _ALONE
        self._running: Counter[str] = Counter()
        self._resting: Counter[str] = Counter()
        self._waiting: OrderedDict[_Line, deque[asyncio.Future[None]]] = OrderedDict()
        self._ahead: dict[str, asyncio.TimerHandle] = {}
        """Lines whose next question waits a moment for one that is being answered."""

    @asynccontextmanager
    async def slot(
        self, tenant: str, wait_s: float, *, slow: bool = False, line: str = ""
    ) -> AsyncIterator[None]:
        """Hold a slot while inside. Raises PharosError(TIMEOUT) when none came free in time."""
        at = _Line(tenant, slow, line)
        if not self._take(at):
            await self._queue(at, wait_s)
        ahead = self._ahead.get(line)
        began_s = self._pacing.now_s()
        try:
            yield
        finally:
            self._release(at, ahead, began_s)

    def _take(self, at: _Line) -> bool:
        tenant, slow, line = at
        if line in self._ahead and not slow:
            return False
        used = self._running[tenant]
        kept_free = used > 0 and self._most > 2 and self._in_a_row < _ALONE
        most = self._most - kept_free
        if self._running.total() >= most or used + self._resting[tenant] >= self._most_of(tenant):
            return False
        if slow and self._slow >= self._most_slow:
            return False
        self._running[tenant] = used + 1
        self._slow += slow
        self._note(tenant)
        if line and not slow:
            self._ahead[line] = asyncio.get_running_loop().call_later(_AHEAD_S, self._passed, line)
        return True

    def _passed(self, line: str) -> None:
        """Let the next of a line begin beside one that takes longer."""
        del self._ahead[line]
        self._hand_on()

    def _note(self, tenant: str) -> None:
        if self._latest in {None, tenant}:
            self._in_a_row += 1
        else:
            self._in_a_row = 0
        self._latest = tenant

    async def _queue(self, at: _Line, wait_s: float) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line = self._waiting.setdefault(at, deque())
        line.append(turn)
        QUERY_QUEUED.inc()
        try:
            await asyncio.wait_for(asyncio.shield(turn), max(0.0, wait_s))
        except BaseException as exc:
            if turn.done() and not turn.cancelled():
                # The slot came at the same moment.
                self._release(at, self._ahead.get(at.name), self._pacing.now_s())
            else:
                line.remove(turn)
                turn.cancel()
            if isinstance(exc, TimeoutError):
                raise PharosError(Kind.TIMEOUT, "query timed out in query queue") from exc
            raise
        finally:
            QUERY_QUEUED.dec()
            if not line and self._waiting.get(at) is line:
                del self._waiting[at]

    def _release(self, at: _Line, ahead: asyncio.TimerHandle | None, began_s: float) -> None:
        tenant, slow, line = at
        if ahead is not None and self._ahead.get(line) is ahead:
            ahead.cancel()
            del self._ahead[line]
        self._slow -= slow
        _take_one(self._running, tenant)
        if any(at.tenant == tenant for at in self._waiting):
            self._pacing.note_waiting(tenant, began_s)
        rest_s = self._pacing.rest_s(tenant, began_s) if self._in_a_row < _ALONE else 0.0
        if rest_s:
            self._resting[tenant] += 1
            asyncio.get_running_loop().call_later(rest_s, self._rested, tenant)
        self._hand_on()

    def _rested(self, tenant: str) -> None:
        _take_one(self._resting, tenant)
        self._hand_on()

    def _hand_on(self) -> None:
        """Give a slot that is free to the line whose turn it is."""
        for waiting in list(self._waiting):
            line = self._waiting[waiting]
            if line and self._take(waiting):
                self._waiting.move_to_end(waiting)
                line.popleft().set_result(None)
                return


def _take_one(counts: Counter[str], tenant: str) -> None:
    counts[tenant] -= 1
    if not counts[tenant]:
        del counts[tenant]


class Slowness:
    """Which questions took long when they were last asked: bounded, least recently asked go first."""

    def __init__(self) -> None:
        self._took: OrderedDict[Hashable, float] = OrderedDict()

    def is_slow(self, question: Hashable) -> bool:
        """Return whether the question took long the last time."""
        return self._took.get(question, 0.0) > _SLOW_S

    def note(self, question: Hashable, took_s: float) -> None:
        """Remember how long a question took."""
        self._took[question] = took_s
        self._took.move_to_end(question)
        while len(self._took) > _REMEMBERED:
            self._took.popitem(last=False)


class SamplePool:
    """Bounds the samples that all queries hold in memory at once; thread-safe.

    A query that asks for more than is left waits until others are done, except the oldest, so that one always
    goes on. Small requests never wait.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._changed = threading.Condition()
        self._held: OrderedDict[object, int] = OrderedDict()

    def share(self) -> SampleShare:
        """Return a query's share, empty; it must be closed."""
        share = SampleShare(self)
        with self._changed:
            self._held[share] = 0
        return share

    def take(self, share: SampleShare, samples: int, check: Callable[[], None]) -> None:
        """Add to a share, once there is room; `check` raises to give up."""
        with self._changed:
            while not self._has_room(share, samples):
                check()
                self._changed.wait(_WAIT_S)
            self._held[share] += samples

    def _has_room(self, share: SampleShare, samples: int) -> bool:
        if samples * 100 <= self._limit or next(iter(self._held)) is share:
            return True
        return sum(self._held.values()) + samples <= self._limit

    def empty(self, share: SampleShare) -> None:
        """Give back all that a share holds."""
        with self._changed:
            self._held[share] = 0
            self._changed.notify_all()

    def close(self, share: SampleShare) -> None:
        """Give back all and forget the share."""
        with self._changed:
            self._held.pop(share, None)
            self._changed.notify_all()


class SampleShare:
    """What one query holds of the pool."""

    def __init__(self, pool: SamplePool) -> None:
        self._pool = pool

    def take(self, samples: int, check: Callable[[], None]) -> None:
        """Hold more samples, once there is room; `check` raises to give up."""
        self._pool.take(self, samples, check)

    def empty(self) -> None:
        """Give back what is held: the samples are no longer in memory."""
        self._pool.empty(self)

    def close(self) -> None:
        """Give back everything for good."""
        self._pool.close(self)


class _Flight(Struct, Generic[A]):
    """An evaluation on its way, and how many wait for where it lands."""

    landing: asyncio.Future[A]
    followers: int = 0


class Flights(Generic[A]):
    """Evaluations on their way: who asks the same while one runs gets its answer. For one event loop."""

    def __init__(self) -> None:
        self._flying: dict[Hashable, _Flight[A]] = {}

    async def fly(
        self,
        key: Hashable,
        wait_s: Callable[[], float],
        lead: Callable[[Callable[[A], None]], Awaitable[T]],
        follow: Callable[[A], Awaitable[T]],
    ) -> T:
        """Return what `lead` makes, or what `follow` makes of another's answer to the same key.

        `lead` calls what it is given with the answer, on any thread. If whoever leads gives up, one of those
        who follow leads. Raises what `lead` raises, and PharosError(TIMEOUT) after `wait_s()`.
        """
        while (flight := self._flying.get(key)) is not None:
            flying = flight.landing
            flight.followers += 1
            try:
                answer = await asyncio.wait_for(asyncio.shield(flying), max(0.0, wait_s()))
            except TimeoutError as exc:
                raise PharosError(Kind.TIMEOUT, "query timed out in expression evaluation") from exc
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if not flying.cancelled() or (task is not None and task.cancelling()):
                    raise
                continue
            return await follow(answer)
        return await self._lead(key, lead)

    async def _lead(self, key: Hashable, lead: Callable[[Callable[[A], None]], Awaitable[T]]) -> T:
        loop = asyncio.get_running_loop()
        flying: asyncio.Future[A] = loop.create_future()
        flight = self._flying[key] = _Flight(flying)
        published: list[A] = []

        def land() -> None:
            if published and not flying.done():
                flying.set_result(published[0])

        def publish(answer: A) -> None:
            published.append(answer)
            if flight.followers:  # to wake the loop takes as long as a small query
                loop.call_soon_threadsafe(land)

        try:
            made = await lead(publish)
            land()
            return made
        except PharosError as exc:
            if exc.kind not in {Kind.TIMEOUT, Kind.CANCELLED} and not flying.done():
                flying.set_exception(exc)
                flying.exception()  # seen, even if nobody follows
            raise
        finally:
            flying.cancel()
            del self._flying[key]
