"""Lines of many senders gather, and go into the intake together: one sync of the log serves them all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeAlias

from msgspec import Struct

from pharos.access import Scope
from pharos.errors import Kind, PharosError
from pharos.ingest.events.batch import EventsTaken
from pharos.ingest.events.requests import EventRequest
from pharos.ingest.frames import FrameKind
from pharos.ingest.signals import Submission
from pharos.telemetry import LINES_CUT, LINES_LOST

_LOG = logging.getLogger(__name__)

Pause: TypeAlias = Callable[[float], Awaitable[None]]
"""Goes on after so many seconds."""
_REPEATED: Final = frozenset({Kind.UNAVAILABLE, Kind.LIMITED, Kind.TIMEOUT})
_RETRY_S: Final = 1.0


class Taker(Protocol):
    """The intake, as far as lines need it."""

    async def begin(self, scope: Scope) -> None:
        """Let in what is sent."""

    async def accept(self, sent: Submission[EventsTaken]) -> EventsTaken:
        """Store what was sent durably."""
        ...


class GatherOptions(Struct, frozen=True):
    """How lines gather."""

    batch_bytes: int = 2 << 20
    """So much goes in at once."""
    wait_s: float = 0.2
    """So long the first line of a batch waits for others."""


class Gatherer:
    """Lines of one door and one tenant on their way in.

    Used on one event loop. `room` holds senders back as long as the intake does not follow, so that about two
    batches are in memory and what one connection has sent at once.
    """

    def __init__(
        self,
        intake: Taker,
        scope: Scope,
        source: str,
        pause: Pause = asyncio.sleep,
        options: GatherOptions | None = None,
    ) -> None:
        self._intake = intake
        self._scope = scope
        self._source = source
        self._pause = pause
        self._options = options or GatherOptions()
        self._made = EventRequest()
        self._bytes = 0
        self._sent_bytes = 0
        self._is_closing = False
        self._some = asyncio.Event()
        self._full = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._added = 0
        self._settled = 0
        self._settling: list[tuple[int, asyncio.Future[bool]]] = []
        self._lost_last = False

    def add(self, resource: bytes, record: bytes, sent_bytes: int = 0, *, is_cut: bool = False) -> None:
        """Add a line, whether there is room or not."""
        self._made.add(resource, record)
        self._added += 1
        self._bytes += len(record)
        self._sent_bytes += sent_bytes
        if is_cut:
            LINES_CUT.labels(self._source).inc()
        self._some.set()
        if self._bytes >= self._options.batch_bytes:
            self._full.set()
            self._room.clear()

    @property
    def is_closing(self) -> bool:
        """Whether nothing is handed over again."""
        return self._is_closing

    @property
    def has_room(self) -> bool:
        """Whether more may come."""
        return self._room.is_set()

    async def room(self) -> None:
        """Return when more may come."""
        await self._room.wait()

    def note_bytes(self, sent_bytes: int) -> None:
        """Count bytes of lines that came together."""
        self._sent_bytes += sent_bytes

    async def settled(self) -> bool:
        """Return whether all lines added by now are durable, once that is known."""
        if self._settled >= self._added:
            return not self._lost_last
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._settling.append((self._added, done))
        self._full.set()
        return await done

    async def run(self) -> None:
        """Hand over what gathers, until `close` was called and nothing is left."""
        while True:
            await self._some.wait()
            if not self._made.count:
                return
            if not self._is_closing:
                await self._until_full()
            made, count, sent = self._made, self._added, self._sent_bytes
            self._made, self._bytes, self._sent_bytes = EventRequest(), 0, 0
            self._full.clear()
            if not self._is_closing:
                self._some.clear()
            self._room.set()
            self._lost_last = not await self._hand_over(made, sent)
            self._settle(count)

    def close(self) -> None:
        """Have `run` end once what is there was handed over."""
        self._is_closing = True
        self._some.set()
        self._full.set()

    async def _until_full(self) -> None:
        waiting = asyncio.ensure_future(self._pause(self._options.wait_s))
        full = asyncio.ensure_future(self._full.wait())
        await asyncio.wait((waiting, full), return_when=asyncio.FIRST_COMPLETED)
        for one in (waiting, full):
            one.cancel()

    async def _hand_over(self, made: EventRequest, sent_bytes: int) -> bool:
        """Submit a batch until it is taken; return False for what can never be taken, which is told."""
        sent: Submission[EventsTaken] = Submission(
            self._scope, FrameKind.LOGS, self._source, plain=made.body(), sent_bytes=sent_bytes
        )
        told = False
        while True:
            try:
                await self._intake.begin(self._scope)
                taken = await self._intake.accept(sent)
            except PharosError as exc:
                if exc.kind not in _REPEATED or self._is_closing:
                    LINES_LOST.labels(self._source).inc(made.count)
                    _LOG.error("%s: %s lines were not stored: %s", self._source, made.count, exc)
                    return False
                if not told:
                    _LOG.warning("%s: lines wait to be stored: %s", self._source, exc)
                    told = True
                await self._pause(exc.retry_after_s or _RETRY_S)
            else:
                if taken.rejected:
                    LINES_LOST.labels(self._source).inc(taken.rejected)
                    _LOG.warning("%s: %s", self._source, taken.refusal())
                return True

    def _settle(self, count: int) -> None:
        self._settled = count
        waiting, self._settling = self._settling, []
        for until, done in waiting:
            if until > count:
                self._settling.append((until, done))
            elif not done.done():
                done.set_result(not self._lost_last)
        if self._settling:
            self._full.set()
