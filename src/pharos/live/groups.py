"""What is evaluated once for all clients of a tenant who want the same, in one rhythm."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, Protocol

from msgspec import Struct, field

from pharos.access import Scope
from pharos.clock import Clock
from pharos.errors import PharosError
from pharos.live.filters import Filters
from pharos.live.frames import Frame
from pharos.live.outbox import Outbox
from pharos.live.protocol import message_text, update_text
from pharos.live.refusal import Code, code_of
from pharos.live.streams import Place, Stream

_LOG = logging.getLogger(__name__)

Pause = Callable[[float], Awaitable[None]]

_AT_ONCE: Final = 100
"""So many clients are sent to before others have their turn on the event loop."""
_LARGE_BYTES: Final = 32 << 10
"""What is larger is put together and compressed on a thread."""
_TOLD_AGAIN_S: Final = 30.0
"""An error that goes on is told so often."""


class Payload(Protocol):
    """What an update holds."""

    @property
    def size_bytes(self) -> int:
        """Roughly, of its text."""
        ...

    @property
    def sequence(self) -> int:
        """The least that its number may be; 0 where that is the time."""
        ...

    def members(self, filters: Filters) -> bytes:
        """Return it as members of a JSON object: of what is in it what the filters let through."""
        ...


class Source(Protocol):
    """Evaluates one stream of a tenant."""

    async def next(self) -> Payload | None:
        """Return how it stands; None where an update would hold nothing new. Raises PharosError."""
        ...

    async def first(self, resume_from: int) -> Payload | None:
        """Return what a newcomer is sent who has seen it up to a number (0: nothing of it).

        None stands for what the others were sent last. Raises PharosError.
        """
        ...


class Subscription(Struct, eq=False):
    """One client's sight of a stream."""

    place: Place
    outbox: Outbox
    filters: Filters
    seen: int = 0
    """The number of the last that it was sent."""
    resume_from: int = 0
    held: list[tuple[int, Frame]] | None = None
    """Events that wait until those before them are told."""


class Update(Struct):
    """How a stream stands at one time, and the messages that say so."""

    payload: Payload
    sequence: int
    at_ms: int
    tenant: str
    _frames: dict[tuple[Place, Filters], Frame] = field(default_factory=dict)

    def frame(self, place: Place, filters: Filters) -> Frame:
        """Return the message of a subscription; those of equal ones are one and the same."""
        key = place, filters
        found = self._frames.get(key)
        if found is None:
            members = self.payload.members(filters)
            found = Frame(update_text(place, self.at_ms, self.sequence, members, self.tenant))
            self._frames[key] = found
        return found

    def prepare(self, wanted: Iterable[tuple[Place, Filters, int]]) -> None:
        """Make messages ready for clients with these windows of compression; on any thread."""
        for place, filters, window_bits in wanted:
            self.frame(place, filters).wire(window_bits)


class Group:
    """A stream of a tenant, and who sees it."""

    def __init__(
        self,
        scope: Scope,
        stream: Stream,
        source: Source,
        clock: Clock,
        number: Callable[[int], int],
        pause: Pause = asyncio.sleep,
    ) -> None:
        self.scope = scope
        self.stream = stream
        self.subscriptions: dict[Subscription, int] = {}
        """With the window by which their clients compress."""
        self._source = source
        self._clock = clock
        self._number = number
        self._pause = pause
        self._last: Update | None = None
        self._greeted: Update | None = None
        self._newcomers: list[Subscription] = []
        self._greeting: asyncio.Task[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._told: tuple[str, float] = ("", 0.0)
        self._asking = asyncio.Lock()
        """One question to the source at a time: what is new is new once."""
        self.messages_total = 0

    # -- who sees it --

    def enter(self, subscription: Subscription, window_bits: int) -> None:
        """Have one more be sent what happens, held back until it has joined."""
        subscription.held = []
        self.subscriptions[subscription] = window_bits

    def join(self, subscription: Subscription, window_bits: int) -> None:
        """Have one more see it, at once if it can be."""
        held, subscription.held = subscription.held, None
        self.subscriptions[subscription] = window_bits
        self._newcomers.append(subscription)
        for number, frame in held or ():
            self.tell(subscription, number, frame)
        if self._task is None:
            self._task = asyncio.create_task(
                self._run(), name=f"live {self.stream.board or self.stream.query}"
            )
        elif self._greeting is None or self._greeting.done():
            self._greeting = asyncio.create_task(self._greet(), name="live newcomers")

    def leave(self, subscription: Subscription) -> bool:
        """Have one see it no more; return whether nobody does."""
        self.subscriptions.pop(subscription, None)
        if subscription in self._newcomers:
            self._newcomers.remove(subscription)
        return not self.subscriptions

    def close(self) -> None:
        """Evaluate no more."""
        for task in (self._task, self._greeting):
            if task is not None:
                task.cancel()

    # -- in rhythm --

    async def _run(self) -> None:
        due_s = self._clock.monotonic_s()
        while self.subscriptions:
            began_s = self._clock.monotonic_s()
            try:
                await self._round()
            except PharosError as exc:
                self._fail(code_of(exc), str(exc))
            except Exception:  # noqa: BLE001 - others would wait for an update for ever
                _LOG.exception("a live stream failed and is tried again")
                self._fail(Code.INTERNAL, "internal error: it is in the log of Pharos")
            now_s = self._clock.monotonic_s()
            # What takes long rests as long: others ask questions too.
            due_s = max(due_s + self.stream.interval_ms / 1000, now_s + (now_s - began_s))
            await self._pause(due_s - now_s)

    async def _round(self) -> None:
        async with self._asking:
            payload = await self._source.next()
            if payload is not None:
                update = self._last = self._update(payload)
                await self._send(update, list(self.subscriptions))
            self._told = ("", 0.0)
            await self._welcome()

    def _update(self, payload: Payload) -> Update:
        return Update(payload, self._number(payload.sequence), self._clock.now_ms(), self.scope.tenant)

    async def _send(self, update: Update, to: list[Subscription]) -> None:
        if (
            update.payload.size_bytes * len(to) > _LARGE_BYTES
            and update.payload.size_bytes > _LARGE_BYTES // 8
        ):
            wanted = {(one.place, one.filters, self.subscriptions.get(one, 0)) for one in to}
            await asyncio.to_thread(update.prepare, wanted)
        for count, one in enumerate(to, 1):
            if one in self.subscriptions and one.seen < update.sequence and one.held is None:
                if one in self._newcomers:
                    if self.stream.is_news:
                        continue
                    self._newcomers.remove(one)
                self.send_one(update, one)
            if count % _AT_ONCE == 0:
                await asyncio.sleep(0)

    def send_one(self, update: Update, to: Subscription) -> None:
        """Send one client an update."""
        to.seen = update.sequence
        self.messages_total += 1
        to.outbox.put(update.frame(to.place, to.filters), to.place)

    def tell(self, to: Subscription, number: int, frame: Frame) -> None:
        """Send one client what happened, in order and once."""
        if to.held is not None:
            to.held.append((number, frame))
        elif number > to.seen:
            to.seen = number
            self.messages_total += 1
            to.outbox.put(frame)

    # -- for who comes later --

    async def _greet(self) -> None:
        try:
            async with self._asking:
                await self._welcome()
        except PharosError as exc:
            self._fail(code_of(exc), str(exc))

    async def _welcome(self) -> None:
        """Send newcomers what they would have to wait for."""
        while self._newcomers:
            one = self._newcomers[0]
            payload = await self._source.first(one.resume_from)
            if one not in self._newcomers:
                continue
            if payload is not None:
                self._newcomers.remove(one)
                self.send_one(self._greeting_of(payload, one), one)
            elif self._last is None:
                return  # The round that is under way sends it.
            else:
                self._newcomers.remove(one)
                self.send_one(self._fresh(self._last, one), one)

    def _greeting_of(self, payload: Payload, to: Subscription) -> Update:
        """Return the update of what newcomers are sent: one for all who are sent the same."""
        last = self._greeted
        if last is None or last.payload is not payload or last.sequence <= to.seen:
            last = self._greeted = self._update(payload)
        return last

    def _fresh(self, last: Update, to: Subscription) -> Update:
        """Return the last update, or the same under a new number for one who has seen later ones."""
        if last.sequence > to.seen and not self.stream.tells_alerts:
            return last
        return self._update(last.payload)

    # -- what goes wrong --

    def _fail(self, code: Code, text: str) -> None:
        """Tell everybody why there is no update, once in a while."""
        now_s = self._clock.monotonic_s()
        if self._told[0] == text and now_s - self._told[1] < _TOLD_AGAIN_S:
            return
        self._told = text, now_s
        for one in list(self.subscriptions):
            data = {"code": code.value, "message": text, one.place.key: one.place.name}
            one.outbox.put(Frame(message_text("error", self._clock.now_ms(), data)))
