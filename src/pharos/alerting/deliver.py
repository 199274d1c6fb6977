"""Deliveries: what is owed goes out, each receiver's integration by itself, until it was taken.

Who fails is tried again after growing pauses, and delays nobody else. What came of the tries is kept
together, many in one transaction; as long as that cannot be, nothing of it is sent again.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from random import Random
from typing import Final, Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from pharos.alerting.content import ACKNOWLEDGED, Envelope, fingerprints_of, message_of
from pharos.clock import Clock
from pharos.errors import PharosError
from pharos.notify.message import Channel, Links, Message, NotSentError, Sent
from pharos.state import PHAROS, Family, State, Writing, outbox
from pharos.state.outbox import Owed, Result
from pharos.state.timeline import Entry, Step, append
from pharos.telemetry import MESSAGES_DELAY
from pharos.works import hear, keep_going

_LOG = logging.getLogger(__name__)

_AT_ONCE: Final = 16
"""So many messages are on their way to one integration at a time."""
_TRY_S: Final = 90.0
"""A channel ends a try by itself before; one that does not is no reason to wait for ever."""
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 60.0
_GROWTH: Final = 1.5
_LONGEST_WISH_S: Final = 300.0
"""A receiver that asks for a longer pause gets this one."""
_RENEW_S: Final = 5.0
_LEASE_S: Final = outbox.LEASE_MS / 1000 - 2.0
_AGAIN_S: Final = 1.0
_ADOPT: Final = 500
_TRIES_TOLD: Final = 3

Key = tuple[str, str, str]
"""Tenant, receiver, integration."""


class Post(Protocol):
    """Where messages go."""

    async def channel(self, owed: Owed) -> Channel:
        """Return the channel to what is owed to. Raises PharosError where there is no such receiver."""
        ...

    def links(self, owed: Owed) -> Links:
        """Return the addresses that a message shows."""
        ...

    def finished(self, message: Message, labels: Mapping[str, str]) -> Message:
        """Return a message with what its route says of the group, of templates."""
        ...

    @property
    def external_url(self) -> str:
        """How people reach this server."""
        ...


class _Queue(Struct):
    """What is owed to one integration."""

    waiting: list[tuple[float, int, Owed]] = field(default_factory=list)
    running: dict[tuple[str, str], Owed] = field(default_factory=dict)
    """By key of the group and purpose, of which one at a time is on its way."""


class Clocks(Struct, frozen=True):
    """Time and chance."""

    clock: Clock
    chance: Random
    steady_ms: Callable[[], int]


class Deliveries:
    """All queues of this process; used on the event loop only."""

    def __init__(self, state: State, post: Post, clocks: Clocks, *, is_shared: bool) -> None:
        self._state = state
        self._post = post
        self._clocks = clocks
        self._is_shared = is_shared
        self.name = f"{clocks.chance.getrandbits(64):016x}"
        """Of this process, in leases."""
        self._queues: dict[Key, _Queue] = {}
        self._current: dict[tuple[Key, str, str], str] = {}
        """The id of the newest row by integration, key of the group and purpose."""
        self._leased_s: dict[str, float] = {}
        """Until when a row is leased to us, on the monotonic clock."""
        self._results: list[tuple[Result, Sent | None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._done = asyncio.Event()
        self._look = asyncio.Event()
        self._count = 0

    # -- what is owed --

    def add(self, rows: Iterable[Owed]) -> None:
        """Take rows that are leased to us; each takes the place of an older one of its group."""
        now_s = self._clocks.clock.monotonic_s()
        for row in rows:
            key = _key(row)
            self._current[key, row.group_key, row.purpose] = row.id
            self._leased_s[row.id] = now_s + _LEASE_S
            self._push(self._queues.setdefault(key, _Queue()), row, now_s + self._wait_s(row))
        self._wake.set()

    def _wait_s(self, row: Owed) -> float:
        if not row.tries:
            return 0.0
        wait_s = (row.due_ms - self._clocks.clock.now_ms()) / 1000
        return min(max(wait_s, 0.0), _LONGEST_PAUSE_S)

    def _push(self, queue: _Queue, row: Owed, due_s: float) -> None:
        self._count += 1
        heapq.heappush(queue.waiting, (due_s, self._count, row))

    def cancel(self, rows: Iterable[Owed]) -> None:
        """Send rows no more that are not on their way."""
        for row in rows:
            self._forget(row)

    def _forget(self, row: Owed) -> None:
        place = (_key(row), row.group_key, row.purpose)
        if self._current.get(place) == row.id:
            del self._current[place]
        self._leased_s.pop(row.id, None)

    def changed(self, families: frozenset[Family]) -> None:
        """Look for rows that somebody else made, when the state says so; on the event loop."""
        if Family.OUTBOX in families:
            self._look.set()

    @property
    def waiting(self) -> int:
        """How many messages are owed."""
        return sum(len(queue.waiting) + len(queue.running) for queue in self._queues.values())

    # -- loops --

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(keep_going("sending", self._send_due))
            group.create_task(keep_going("keeping what was sent", self._keep_results))
            group.create_task(keep_going("taking over what is owed", self._take_over))

    async def close(self, patience_s: float) -> None:
        """Wait a little for what is on its way, and keep what came of it."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=patience_s)
        for task in self._tasks:
            task.cancel()
        with suppress(PharosError):
            if self._results:
                await self._record()
            if self._is_shared:
                await self._state.write(lambda unit: outbox.release(unit, self.name), PHAROS)

    async def _send_due(self) -> None:
        while True:
            self._wake.clear()
            wait_s = self._start_due()
            await hear(self._wake, wait_s)

    def _start_due(self) -> float:
        """Start what is due, and return in how many seconds something else will be."""
        now_s = self._clocks.clock.monotonic_s()
        next_s = now_s + 60.0
        for key, queue in list(self._queues.items()):
            later: list[tuple[float, int, Owed]] = []
            while queue.waiting and queue.waiting[0][0] <= now_s and len(queue.running) < _AT_ONCE:
                entry = heapq.heappop(queue.waiting)
                row = entry[2]
                if self._current.get((key, row.group_key, row.purpose)) != row.id:
                    continue
                if (row.group_key, row.purpose) in queue.running:
                    later.append(entry)
                    continue
                if row.purpose == ACKNOWLEDGED and (key, row.group_key, "") in self._current:
                    # There is no incident yet.
                    self._push(queue, row, now_s + _AGAIN_S)
                    continue
                if self._is_shared and self._leased_s.get(row.id, 0.0) <= now_s:
                    # Another process may have it by now: it is sent when the lease goes on.
                    self._push(queue, row, now_s + _AGAIN_S)
                    continue
                queue.running[row.group_key, row.purpose] = row
                task = asyncio.create_task(self._try(queue, row))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            for entry in later:
                heapq.heappush(queue.waiting, entry)
            if queue.waiting and len(queue.running) < _AT_ONCE and not later:
                next_s = min(next_s, queue.waiting[0][0])
            if not queue.waiting and not queue.running:
                del self._queues[key]
        return max(next_s - now_s, 0.0)

    async def _try(self, queue: _Queue, row: Owed) -> None:
        try:
            result, sent = await self._tried(row)
        finally:
            queue.running.pop((row.group_key, row.purpose), None)
            self._wake.set()
        if result.retry_ms is None:
            self._forget(row)
        else:
            again = replace(row, tries=row.tries + 1)
            now_s = self._clocks.clock.monotonic_s()
            self._push(queue, again, now_s + result.retry_ms / 1000)
            self._queues.setdefault(_key(row), queue)
        self._results.append((result, sent))
        self._done.set()

    async def _tried(self, row: Owed) -> tuple[Result, Sent | None]:
        """Send a row, and return what came of it."""
        try:
            channel = await self._post.channel(row)
            async with asyncio.timeout(_TRY_S):
                sent = await channel.send(self._message(row))
        except NotSentError as exc:
            retry_ms = self._pause_ms(row.tries, exc.retry_after_s) if exc.may_retry else None
            return self._result(row, error=exc.reason, retry_ms=retry_ms), None
        except TimeoutError:
            return self._result(row, error="no answer", retry_ms=self._pause_ms(row.tries, None)), None
        except PharosError as exc:
            return self._result(row, error=str(exc)), None
        except Exception as exc:  # noqa: BLE001 - a fault of one channel is no reason to lose the page
            _LOG.exception("the channel %s of %s failed", row.integration, row.receiver)
            retry_ms = self._pause_ms(row.tries, None)
            return self._result(
                row, error=f"a fault of Pharos: {type(exc).__name__}", retry_ms=retry_ms
            ), None
        MESSAGES_DELAY.observe(max(0.0, (self._clocks.steady_ms() - row.content["now_ms"]) / 1000))
        return self._result(row, thread=sent.thread), sent

    def _result(
        self,
        row: Owed,
        *,
        thread: Mapping[str, str] | None = None,
        error: str = "",
        retry_ms: int | None = None,
    ) -> Result:
        # What was taken at once was told when it was decided; what took longer, when it was taken.
        at_ms = row.content["now_ms"] if not row.tries and not error else self._clocks.steady_ms()
        return Result(row, thread or {}, error, retry_ms, at_ms)

    def _message(self, row: Owed) -> Message:
        envelope = Envelope(
            key=row.id,
            tenant=row.tenant_id,
            receiver=row.receiver,
            group_key=row.group_key,
            thread=row.content.get("thread", {}),
            external_url=self._post.external_url,
            links=self._post.links(row),
        )
        message = message_of(row.content, envelope)
        if not message.route_labels:
            return message
        return self._post.finished(message, dict(message.route_labels))

    def _pause_ms(self, tries: int, wished_s: float | None) -> int:
        if wished_s is not None:
            return int(min(max(wished_s, _FIRST_PAUSE_S), _LONGEST_WISH_S) * 1000)
        pause_s = min(_FIRST_PAUSE_S * _GROWTH ** min(tries, 30), _LONGEST_PAUSE_S)
        return int(pause_s * self._clocks.chance.uniform(0.5, 1.5) * 1000)

    # -- what came of it --

    async def _keep_results(self) -> None:
        while True:
            await self._done.wait()
            self._done.clear()
            if not self._results:
                continue
            try:
                await self._record()
            except PharosError as exc:
                _LOG.warning("what was sent is kept in memory until the state can be written: %s", exc)
                await asyncio.sleep(_AGAIN_S)
                self._done.set()

    async def _record(self) -> None:
        results = list(self._results)
        now_ms = self._clocks.clock.now_ms()

        def record(unit: Writing) -> None:
            outbox.sent(unit, [result for result, sent in results if sent is not None])
            outbox.failed(unit, [result for result, sent in results if sent is None], self.name)
            append(unit, [entry for result, sent in results for entry in _told(result, sent, now_ms)])

        await self._state.write(record, PHAROS)
        del self._results[: len(results)]

    async def _take_over(self) -> None:
        """Take over what others made or leave, and keep the leases of what is ours."""
        is_adopted = False
        while True:
            try:
                if not is_adopted and not self._is_shared:
                    rows = await self._state.write(lambda unit: outbox.adopt(unit, self.name), PHAROS)
                    self.add(rows)
                is_adopted = True
                await self._look_once()
            except PharosError as exc:
                _LOG.debug("what is owed is looked for again: %s", exc)
            await hear(self._look, _RENEW_S if is_adopted else _AGAIN_S)
            self._look.clear()

    async def _look_once(self) -> None:
        if await self._state.read(lambda unit: outbox.has_due(unit, unit.now_ms, self.name)):
            rows = await self._state.write(
                lambda unit: outbox.due(unit, unit.now_ms, _ADOPT, self.name), PHAROS
            )
            self.add(rows)
        if self._is_shared and self._current:
            await self._renew()

    async def _renew(self) -> None:
        """Go on with our leases, and let go of rows that another process has."""
        now_s, places = self._clocks.clock.monotonic_s(), dict(self._current)
        ids = list(places.values())
        ours = await self._state.write(lambda unit: outbox.renew(unit, ids, unit.now_ms, self.name), PHAROS)
        for place, row_id in places.items():
            if row_id in ours:
                self._leased_s[row_id] = now_s + _LEASE_S
            elif self._current.get(place) == row_id:
                del self._current[place]
                self._leased_s.pop(row_id, None)


def _key(row: Owed) -> Key:
    return row.tenant_id, row.receiver, row.integration


def _told(result: Result, sent: Sent | None, now_ms: int) -> list[Entry]:
    """Return what the timelines of the alerts say of a try."""
    row, attempt = result.owed, result.owed.tries + 1
    detail: dict[str, object] = {
        "receiver": row.receiver,
        "integration": row.integration,
        "attempt": attempt,
        "message": row.id,
    }
    if row.purpose:
        detail["purpose"] = row.purpose
    more: dict[str, object]
    if sent is not None and sent.is_held:
        # Nothing more is owed, and nobody was told.
        step, more = Step.NOT_SENT, {"error": sent.answer[:300]}
    elif sent is not None:
        step, more = Step.SENT, {"answer": sent.answer[:300]}
    elif result.retry_ms is None:
        step, more = Step.DEAD, {"error": result.error[:300]}
    else:
        # Of a receiver that is away for hours the first tries are told, and then fewer and fewer.
        if attempt > _TRIES_TOLD and attempt & (attempt - 1):
            return []
        step, more = Step.NOT_SENT, {"error": result.error[:300], "retry_ms": result.retry_ms}
    detail |= more
    if step is Step.SENT:
        detail["reason"] = str(row.content.get("reason", ""))
    return [
        Entry(row.tenant_id, fingerprint, step, now_ms, {**detail, "status": status}, row.group_key)
        for fingerprint, status in fingerprints_of(row.content)
    ]
