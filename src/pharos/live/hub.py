"""All clients of the live feed, and the groups that they share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final, Protocol

from msgspec import Struct, field

from pharos.access import Scope, upkeep
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.live.filters import Filters
from pharos.live.frames import Frame
from pharos.live.groups import Group, Pause, Source, Subscription, Update
from pharos.live.happenings import TOLD_STEPS, Timeline, happening_of, step_shown
from pharos.live.outbox import TOO_SLOW, Outbox, Outlet
from pharos.live.protocol import members_of, message_text
from pharos.live.sequences import AlertSequences, Sequences
from pharos.live.session import GOING_AWAY, POLICY, Session, Terms
from pharos.live.streams import Language, Place, Stream
from pharos.state import Family
from pharos.state.timeline import Entry, Step
from pharos.telemetry import LIVE_CLIENTS, LIVE_DROPPED, LIVE_MESSAGES, LIVE_REFUSED
from pharos.works import keep_going

_SWEEP_S: Final = 1.0
_RECHECK_S: Final = 10.0
"""So often it is looked whether clients may still be here, if nothing is heard of a change before."""
_RESTARTING: Final = 1012
_MOST_KEPT: Final = 1_000
_MOST_LABELS: Final = 10_000
IDENTITY: Final = frozenset({Family.USERS, Family.TOKENS, Family.SESSIONS, Family.ROLES, Family.TENANTS})
"""What decides who may see what."""


class Streams(Protocol):
    """What streams are evaluated by."""

    def source(self, scope: Scope, stream: Stream) -> Source:
        """Return what evaluates a stream."""
        ...

    async def check(self, stream: Stream) -> None:
        """Raise PharosError(INVALID) for a query that is none."""
        ...

    async def dashboard_data(self, scope: Scope) -> Mapping[str, Any]:
        """Return what is told of everything, but for the feed itself. Raises PharosError."""
        ...


class HubOptions(Struct, frozen=True):
    """Bounds of the feed."""

    max_clients: int = 1_000
    silence_s: float = 60.0
    """A client of whom nothing is heard for so long is let go."""


class Steps(Struct, frozen=True):
    """Steps of alerts, as a stream of events holds them."""

    entries: tuple[Entry, ...]
    sequence: int

    @property
    def size_bytes(self) -> int:
        """Roughly, of its text."""
        return 500 * len(self.entries)

    def members(self, filters: Filters) -> bytes:
        """Return those that filters by label let through; one that tells no labels is."""
        shown = [
            step_shown(one)
            for one in self.entries
            if not isinstance(labels := one.detail.get("labels"), dict) or filters.take_labels(labels)
        ]
        return members_of({"events": shown})


class _Kept(Struct):
    """Something that is made at most so often."""

    made_s: float = float("-inf")
    members: bytes = b""
    making: asyncio.Lock = field(default_factory=asyncio.Lock)


class Hub:
    """The feed; used on one event loop."""

    def __init__(
        self,
        streams: Streams,
        timeline: Timeline,
        terms: Terms,
        options: HubOptions,
        clock: Clock,
        new_id: Callable[[], str],
        pause: Pause = asyncio.sleep,
    ) -> None:
        self.sessions: dict[str, Session] = {}
        self._streams = streams
        self._timeline = timeline
        self._terms = terms
        self._options = options
        self._clock = clock
        self._new_id = new_id
        self._pause = pause
        self._groups: dict[tuple[str, Stream], Group] = {}
        self._sequences = Sequences(clock)
        self.alert_sequences = AlertSequences(clock)
        self._labels: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._data: dict[tuple[str, frozenset[str]], _Kept] = {}
        self._began_s = clock.monotonic_s()
        self._checked_s = self._began_s
        self._is_over = False
        self._sent: dict[str, list[tuple[float, int, int]]] = {}

    # -- clients --

    def require_room(self) -> None:
        """Raise PharosError(UNAVAILABLE) where there are too many already, or the server ends."""
        if self._is_over:
            raise PharosError(Kind.UNAVAILABLE, "the server is ending", retry_after_s=5.0)
        most = self._options.max_clients
        if len(self.sessions) >= most:
            LIVE_REFUSED.inc()
            raise PharosError(
                Kind.UNAVAILABLE,
                f"there are {most} clients of the live feed already",
                hint="live.max_clients in pharos.yml",
                retry_after_s=10.0,
            )

    def open(self, scope: Scope, outlet: Outlet, window_bits: int = 0) -> Session:
        """Return the session of one more client, which was welcomed.

        Raises PharosError(UNAVAILABLE) as `require_room`.
        """
        self.require_room()
        session = Session(self._new_id(), scope, outlet, window_bits, self._terms, self, self._clock)
        self.sessions[session.id] = session
        LIVE_CLIENTS.set(len(self.sessions))
        session.welcome()
        return session

    def close(self, session: Session) -> None:
        """Forget a client that is gone."""
        if self.sessions.pop(session.id, None) is not None:
            session.leave_all()
            _count(session.outbox)
            LIVE_CLIENTS.set(len(self.sessions))

    def end(self) -> None:
        """Say to all that the server ends; they come back to the next one."""
        self._is_over = True
        for session in list(self.sessions.values()):
            session.close(_RESTARTING, "the server restarts")
            self.close(session)
        for group in self._groups.values():
            group.close()

    # -- groups --

    def group_of(self, scope: Scope, stream: Stream) -> Group:
        """Return the group of a stream; one that nobody sees is made."""
        key = scope.tenant, stream
        found = self._groups.get(key)
        if found is None:
            number = partial(self._number, key)
            # Who may see it is looked at for each of them; what it is depends on nobody.
            shared = upkeep(scope.tenant)
            source = self._streams.source(shared, stream)
            found = self._groups[key] = Group(shared, stream, source, self._clock, number, self._pause)
        return found

    def _number(self, key: tuple[str, Stream], at_least: int) -> int:
        stream = key[1]
        if stream.tells_alerts or (not stream.board and stream.language is Language.EVENTS):
            return at_least or self.alert_sequences.next()
        return self._sequences.next(key, at_least)

    def leave(self, group: Group, subscription: Subscription) -> None:
        """Have a client see a stream no more."""
        if group.leave(subscription):
            group.close()
            self._groups.pop((group.scope.tenant, group.stream), None)

    async def check(self, stream: Stream) -> None:
        """Raise PharosError(INVALID) for a query that is none."""
        await self._streams.check(stream)

    # -- what happens to alerts --

    async def happen(self, entries: Sequence[Entry]) -> None:
        """Tell those who want to know what happened to alerts."""
        await self._learn(entries)
        seen: dict[str, list[Group]] = {}
        for group in self._groups.values():
            if group.stream.tells_alerts or group.stream.language is Language.EVENTS:
                seen.setdefault(group.scope.tenant, []).append(group)
        for entry in entries:
            number = self.alert_sequences.of_step(entry.number)
            for group in seen.get(entry.tenant_id, ()):
                self._tell(group, entry, number)

    async def _learn(self, entries: Sequence[Entry]) -> None:
        """Know what alerts are called whose steps do not say so. What cannot be read now stays unknown."""
        unknown: dict[str, set[str]] = {}
        for entry in entries:
            key = entry.tenant_id, entry.fingerprint
            if "labels" in entry.detail and entry.step in {Step.FIRING, Step.RESOLVED}:
                self._labels.pop(key, None)
                self._labels[key] = entry.detail
            elif entry.step in TOLD_STEPS and key not in self._labels:
                unknown.setdefault(entry.tenant_id, set()).add(entry.fingerprint)
        for tenant, names in unknown.items():
            with suppress(PharosError):
                for name, detail in (await self._timeline.first_details(tenant, sorted(names))).items():
                    self._labels[tenant, name] = detail
        for key in list(self._labels)[: max(len(self._labels) - _MOST_LABELS, 0)]:
            del self._labels[key]

    def _tell(self, group: Group, entry: Entry, number: int) -> None:
        """Send a step to all of a group; each message is made once."""
        made: dict[object, Frame] = {}
        for one in list(group.subscriptions):
            frame = self._message(group.stream, entry, number, one.place, one.filters, made)
            if frame is not None:
                group.tell(one, number, frame)

    def _message(
        self,
        stream: Stream,
        entry: Entry,
        number: int,
        place: Place,
        filters: Filters,
        made: dict[object, Frame],
    ) -> Frame | None:
        """Return how a step is told to a subscription; None where it is not. `made` keeps what is shared."""
        if not stream.tells_alerts:
            if stream.query and entry.step.value not in stream.query.replace(",", " ").split():
                return None
            key: object = (place, filters)
            if key not in made:
                update = Update(Steps((entry,), number), number, self._clock.now_ms(), entry.tenant_id)
                made[key] = update.frame(place, filters)
            return made[key]
        told = happening_of(entry, self._labels.get((entry.tenant_id, entry.fingerprint)))
        if told is None or not filters.take_alert(told.severity, told.labels):
            return None
        if place not in made:
            data = {place.key: place.name, "sequence": number, "alert": told.alert}
            made[place] = Frame(message_text(told.type, self._clock.now_ms(), data, None, entry.tenant_id))
        return made[place]

    async def happened(
        self, scope: Scope, stream: Stream, place: Place, filters: Filters, number: int
    ) -> Sequence[tuple[int, Frame]]:
        """Return what happened behind a number, in order. Raises PharosError(UNAVAILABLE)."""
        is_events = not stream.board and stream.language is Language.EVENTS
        if not stream.tells_alerts and not is_events:
            return ()
        entries = await self._timeline.told_since(
            scope.tenant, number, TOLD_STEPS if stream.tells_alerts else tuple(Step)
        )
        await self._learn(entries)
        found = []
        for entry in entries:
            frame = self._message(stream, entry, entry.number, place, filters, {})
            if frame is not None:
                found.append((entry.number, frame))
        return found

    # -- everything at once --

    async def dashboard_data(self, scope: Scope) -> bytes:
        """Return how everything stands, as members of a JSON object. Raises PharosError."""
        if len(self._data) > _MOST_KEPT:
            self._data.clear()
        kept = self._data.setdefault((scope.tenant, scope.permissions), _Kept())
        async with kept.making:
            # Many who ask at once are answered with one look.
            if self._clock.monotonic_s() - kept.made_s > 1.0:
                data = dict(await self._streams.dashboard_data(scope))
                data["systemHealth"] = {**data.get("systemHealth", {}), **self.counts(scope.tenant)}
                kept.members, kept.made_s = members_of(data), self._clock.monotonic_s()
        return kept.members

    def counts(self, tenant: str) -> dict[str, Any]:
        """Return what a tenant may know of its part of the feed."""
        own = [one for one in self.sessions.values() if one.scope.tenant == tenant]
        streams = {seen.stream for one in own for seen in one.subscriptions.values()}
        return {
            "connectedClients": len(own),
            "activeStreams": len(streams),
            "uptime": round(self._clock.monotonic_s() - self._began_s, 3),
        }

    def rates(self, tenant: str) -> dict[str, float]:
        """Return messages a second to a tenant's clients, and which share of what they asked was refused."""
        times = self._sent.get(tenant) or [(0.0, 0, 0)]
        (began_s, sent, refused), (ended_s, sent_by, refused_by) = times[0], times[-1]
        passed_s, messages = ended_s - began_s, max(sent_by - sent, 0)
        return {
            "messagesPerSecond": round(messages / passed_s, 3) if passed_s > 0 else 0.0,
            "errorRate": round(min(max(refused_by - refused, 0) / messages, 1.0), 6) if messages else 0.0,
        }

    # -- now and then --

    async def run(self) -> None:
        """Let go of who is too slow, silent or not allowed any more, until cancelled."""
        await keep_going("looking after live clients", self._look_after)

    async def _look_after(self) -> None:
        while True:
            await self._pause(_SWEEP_S)
            self.sweep()
            if self._clock.monotonic_s() - self._checked_s >= _RECHECK_S:
                await self.recheck()

    def sweep(self) -> None:
        """Let go of clients that are too slow, or silent."""
        now_s = self._clock.monotonic_s()
        for session in list(self.sessions.values()):
            if session.outbox.is_too_slow():
                self._let_go(session, TOO_SLOW, "messages were not read in time")
            elif now_s - session.heard_s > self._options.silence_s:
                self._let_go(session, GOING_AWAY, "nothing was heard for two heartbeats")
        self._count_sent(now_s)

    def _count_sent(self, now_s: float) -> None:
        totals: dict[str, tuple[int, int]] = {}
        for session in self.sessions.values():
            _count(session.outbox)
            sent, refused = totals.get(session.scope.tenant, (0, 0))
            totals[session.scope.tenant] = sent + session.outbox.sent_total, refused + session.refused_total
        self._sent = {
            tenant: [*self._sent.get(tenant, [])[-9:], (now_s, *counted)]
            for tenant, counted in totals.items()
        }

    def _let_go(self, session: Session, code: int, reason: str) -> None:
        session.close(code, reason)
        self.close(session)

    async def recheck(self) -> None:
        """Look what each client may by now: some end, others see less."""
        self._checked_s = self._clock.monotonic_s()
        for session in list(self.sessions.values()):
            if session.recheck is None:
                continue
            try:
                session.allow(await session.recheck())
            except PharosError as exc:
                if exc.kind in {Kind.UNAUTHENTICATED, Kind.DENIED, Kind.MISSING}:
                    self._let_go(session, POLICY, str(exc)[:100])


def _count(outbox: Outbox) -> None:
    """Count what a client was sent since it was counted last."""
    sent, dropped = outbox.counted_anew()
    LIVE_MESSAGES.inc(sent)
    LIVE_DROPPED.inc(dropped)
