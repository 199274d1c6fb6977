"""A hub without sockets, store or time: clients that are lists, sources that say what they are told to."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pharos.access import ALL, Identity, IdentityKind, Scope
from pharos.clock import FakeClock
from pharos.errors import PharosError
from pharos.live.boards import Picture
from pharos.live.frames import Frame
from pharos.live.happenings import Timeline
from pharos.live.hub import Hub, HubOptions
from pharos.live.outbox import OutboxLimits
from pharos.live.protocol import Intervals
from pharos.live.session import Session, Terms
from pharos.live.streams import Stream
from pharos.state.timeline import Entry, Step

WHO = Identity(IdentityKind.USER, "1", "ada")


class Pauses:
    """Waits that end when the clock has been moved so far."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._waiting: list[tuple[float, asyncio.Future[None]]] = []

    async def __call__(self, seconds: float) -> None:
        """Wait."""
        until: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((self._clock.monotonic_s() + seconds, until))
        await until

    async def move(self, ms: int) -> None:
        """Let time pass, in steps, and all do what is due."""
        for _ in range(ms // 100):
            self._clock.advance_ms(100)
            now_s = self._clock.monotonic_s()
            due = [one for one in self._waiting if one[0] <= now_s + 1e-9]
            self._waiting = [one for one in self._waiting if one[0] > now_s + 1e-9]
            for _, until in due:
                if not until.done():
                    until.set_result(None)
            await settle()


async def settle() -> None:
    """Let all that can go on do so."""
    for _ in range(30):
        await asyncio.sleep(0)


@dataclass
class Heard:
    """A client: what it was sent; it takes nothing while it is not `open`."""

    frames: list[Frame] = field(default_factory=list)
    open: bool = True
    closed: int | None = None

    def is_ready(self) -> bool:
        """Return whether it takes more."""
        return self.open

    def write(self, frame: Frame) -> None:
        """Take a message."""
        self.frames.append(frame)

    def close(self, code: int, reason: str) -> None:
        """End."""
        del reason
        self.closed = code

    def messages(self, kind: str = "") -> list[dict[str, Any]]:
        """Return what it was sent, of one type."""
        found = [json.loads(frame.text) for frame in self.frames]
        return [one for one in found if not kind or one["type"] == kind]

    def take(self) -> list[dict[str, Any]]:
        """Return it, and forget it."""
        found = self.messages()
        self.frames.clear()
        return found


@dataclass
class Told:
    """A source that says the next of a list, and fails where that is an error."""

    stream: Stream
    says: list[Any] = field(default_factory=list)
    asked: int = 0

    async def next(self) -> Picture | None:
        """Return the next that it was told to say."""
        self.asked += 1
        found = self.says.pop(0) if self.says else {"asked": self.asked}
        if isinstance(found, PharosError):
            raise found
        return None if found is None else Picture(found)

    async def first(self, resume_from: int) -> None:
        """Return nothing of its own."""
        del resume_from


@dataclass
class Streams:
    """Makes such sources, and keeps them."""

    sources: dict[tuple[str, str], Told] = field(default_factory=dict)
    refuses: dict[str, PharosError] = field(default_factory=dict)

    def source(self, scope: Scope, stream: Stream) -> Told:
        """Return a source."""
        made = Told(stream)
        self.sources[scope.tenant, stream.board or stream.query] = made
        return made

    async def check(self, stream: Stream) -> None:
        """Refuse what it was told to."""
        if stream.query in self.refuses:
            raise self.refuses[stream.query]

    async def dashboard_data(self, scope: Scope) -> Mapping[str, Any]:
        """Return something."""
        return {"systemHealth": {"status": "healthy"}, "of": scope.tenant}


class Feeding:
    """A hub and what it stands on."""

    def __init__(self, *, max_clients: int = 100, outbox: OutboxLimits | None = None) -> None:
        self.clock = FakeClock()
        self.pauses = Pauses(self.clock)
        self.streams = Streams()
        numbers = itertools.count(1)
        state: Any = None
        self.timeline = Past(state)
        self.hub = Hub(
            self.streams,
            self.timeline,
            Terms(Intervals(5_000, 100), 30_000, outbox or OutboxLimits()),
            HubOptions(max_clients, 60.0),
            self.clock,
            lambda: f"client-{next(numbers)}",
            self.pauses,
        )

    def client(self, tenant: str = "own", permissions: frozenset[str] = ALL) -> tuple[Session, Heard]:
        """Return a client that was welcomed."""
        heard = Heard()
        session = self.hub.open(Scope(tenant, WHO, permissions), heard)
        return session, heard

    def entry(self, step: Step, fingerprint: str = "f1", tenant: str = "own", **detail: Any) -> Entry:
        """Return a step of the timeline, numbered as the timeline does."""
        self.timeline.number = max(self.clock.now_ms() * 1000, self.timeline.number + 1)
        entry = Entry(tenant, fingerprint, step, self.clock.now_ms(), detail, number=self.timeline.number)
        self.timeline.entries.append(entry)
        return entry


class Past(Timeline):
    """A timeline that is a list."""

    def __init__(self, state: Any) -> None:
        super().__init__(state)
        self.entries: list[Entry] = []
        self.number = 0

    async def told_since(self, tenant: str, number: int, steps: Sequence[Step]) -> tuple[Entry, ...]:
        """Return steps of the list."""
        return tuple(
            one
            for one in self.entries
            if one.tenant_id == tenant and one.number > number and one.step in steps
        )

    async def first_details(self, tenant: str, fingerprints: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Return what their first steps hold."""
        return {
            one.fingerprint: one.detail
            for one in self.entries
            if one.tenant_id == tenant and one.fingerprint in fingerprints and "labels" in one.detail
        }


def subscribe(*streams: Any, **more: Any) -> str:
    """Return the message."""
    return json.dumps({"type": "subscribe", "data": {"streams": list(streams), **more}})


def custom(name: str, query: str = "up", interval: int = 1_000) -> dict[str, Any]:
    """Return a stream of one's own."""
    return {"name": name, "query": query, "interval": interval}
