"""One client's side of the talk: what it asked to see, and how it is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from msgspec import Struct

from pharos.access import Scope, denied
from pharos.clock import Clock
from pharos.errors import PharosError
from pharos.live.filters import ALL, Filters, read_filters
from pharos.live.frames import Frame
from pharos.live.groups import Group, Subscription
from pharos.live.outbox import Outbox, OutboxLimits, Outlet
from pharos.live.protocol import (
    GetDashboardData,
    Heartbeat,
    Id,
    Intervals,
    Request,
    SetFilters,
    Subscribe,
    Unsubscribe,
    answer_text,
    id_of,
    message_text,
    read_message,
    read_request,
)
from pharos.live.refusal import Code, RefusedError, code_of
from pharos.live.streams import CHANNELS, STREAMS, Place, Stream

GOING_AWAY: Final = 1001
POLICY: Final = 1008
_MOST_SUBSCRIPTIONS: Final = 100
_REQUESTS_A_SECOND: Final = 50
_REQUESTS_AT_ONCE: Final = 500


class Groups(Protocol):
    """Where streams are found, and what is told beside them."""

    def group_of(self, scope: Scope, stream: Stream) -> Group:
        """Return the group of a stream; one that nobody sees is made."""
        ...

    def leave(self, group: Group, subscription: Subscription) -> None:
        """Have a client see a stream no more."""
        ...

    async def check(self, stream: Stream) -> None:
        """Raise PharosError(INVALID) for a query that is none."""
        ...

    async def happened(
        self, scope: Scope, stream: Stream, place: Place, filters: Filters, number: int
    ) -> Sequence[tuple[int, Frame]]:
        """Return what happened behind a number, in order. Raises PharosError(UNAVAILABLE)."""
        ...

    async def dashboard_data(self, scope: Scope) -> bytes:
        """Return how everything stands, as members of a JSON object. Raises PharosError."""
        ...


class Terms(Struct, frozen=True):
    """What holds for every client."""

    intervals: Intervals
    heartbeat_ms: int
    outbox: OutboxLimits


class Seen(Struct, frozen=True):
    """A subscription, what it is to, and who evaluates it."""

    stream: Stream
    group: Group
    subscription: Subscription


class Session:
    """One client, from its welcome to its end."""

    def __init__(
        self,
        identity: str,
        scope: Scope,
        outlet: Outlet,
        window_bits: int,
        terms: Terms,
        groups: Groups,
        clock: Clock,
    ) -> None:
        self.id = identity
        self.scope = scope
        self.outbox = Outbox(outlet, terms.outbox, clock, self._lagging)
        self.subscriptions: dict[Place, Seen] = {}
        self.heard_s = clock.monotonic_s()
        """When it was last heard of."""
        self.refused_total = 0
        self.is_over = False
        """Whether it is gone, and nothing that it said before counts any more."""
        self.recheck: Callable[[], Awaitable[Scope]] | None = None
        """Says what it may by now. Raises PharosError where it may not be here any more."""
        self._outlet = outlet
        self._window_bits = window_bits
        self._terms = terms
        self._groups = groups
        self._clock = clock
        self._filters = ALL
        self._requests = float(_REQUESTS_AT_ONCE)
        self._counted_s = self.heard_s

    # -- what it is told --

    def welcome(self) -> None:
        """Say who it is and what there is to be seen."""
        terms = self._terms
        data = {
            "clientId": self.id,
            "availableStreams": list(STREAMS),
            "availableChannels": list(CHANNELS),
            "heartbeatInterval": terms.heartbeat_ms,
            "updateInterval": terms.intervals.usual_ms,
            "daoSubnet": self.scope.tenant,
        }
        self._say("welcome", data)

    def _say(self, kind: str, data: Mapping[str, Any], identity: Id = None) -> None:
        self.outbox.put(Frame(message_text(kind, self._clock.now_ms(), data, identity)))

    def refuse(self, error: PharosError, identity: Id = None, place: Place | None = None) -> None:
        """Say why something is not done."""
        self.refused_total += 1
        data: dict[str, Any] = {"code": code_of(error).value, "message": str(error)}
        if place is not None:
            data[place.key] = place.name
        self._say("error", data, identity)

    def _lagging(self, dropped: int) -> Frame:
        data = {"dropped": dropped, "message": "updates were left out, since they were not read in time"}
        return Frame(message_text("lagging", self._clock.now_ms(), data))

    def close(self, code: int, reason: str) -> None:
        """End the connection."""
        self.outbox.clear()
        self._outlet.close(code, reason)

    # -- what it says --

    def hear(self) -> None:
        """Note that it is there."""
        self.heard_s = self._clock.monotonic_s()

    async def ask(self, message: Mapping[str, Any]) -> None:
        """Follow one message. Raises PharosError, and has changed nothing then."""
        await self._follow(read_request(message, self._terms.intervals), id_of(message))

    async def handle(self, text: str | bytes) -> None:
        """Follow one message, or say why not."""
        identity: Id = None
        if self.is_over:
            return
        try:
            message = read_message(text)
            identity = id_of(message)
            request = read_request(message, self._terms.intervals)
            if isinstance(request, Heartbeat):
                self._say("heartbeat_ack", {}, identity)
                return
            self._count()
            await self._follow(request, identity)
        except PharosError as exc:
            self.refuse(exc, identity)

    def _count(self) -> None:
        """Raise RefusedError where it asks for more than it may in a time."""
        now_s = self._clock.monotonic_s()
        earned = (now_s - self._counted_s) * _REQUESTS_A_SECOND
        self._requests = min(self._requests + earned, _REQUESTS_AT_ONCE)
        self._counted_s = now_s
        if self._requests < 1:
            raise RefusedError(Code.RATE_LIMITED, f"more than {_REQUESTS_A_SECOND} requests a second")
        self._requests -= 1

    async def _follow(self, request: Request, identity: Id) -> None:
        match request:
            case Subscribe():
                await self._subscribe(request)
            case Unsubscribe():
                for place in request.places:
                    self._leave(place)
            case SetFilters():
                self._filters = read_filters(request.filters, self.scope.tenant)
                for seen in self.subscriptions.values():
                    seen.subscription.filters = self._filters
            case GetDashboardData():
                self.scope.check("dashboards.view")
                members = await self._groups.dashboard_data(self.scope)
                at_ms = self._clock.now_ms()
                self.outbox.put(Frame(answer_text("dashboard_data", at_ms, members, identity)))
            case Heartbeat():
                pass

    async def _subscribe(self, request: Subscribe) -> None:
        new = {
            place: stream
            for place, stream in request.wanted.items()
            if place not in self.subscriptions or self.subscriptions[place].stream != stream
        }
        for stream in new.values():
            if stream.permission not in self.scope.permissions:
                raise denied(self.scope.who, self.scope.tenant, stream.permission)
            await self._groups.check(stream)
        if len({*self.subscriptions, *new}) > _MOST_SUBSCRIPTIONS:
            raise RefusedError(
                Code.LIMIT_EXCEEDED,
                f"a client has at most {_MOST_SUBSCRIPTIONS} subscriptions",
                hint="unsubscribe from others first",
            )
        for place, stream in new.items():
            self._leave(place)
            await self._join(place, stream, request.resume_from.get(place.name, 0))

    async def _join(self, place: Place, stream: Stream, resume_from: int) -> None:
        group = self._groups.group_of(self.scope, stream)
        subscription = Subscription(place, self.outbox, self._filters, resume_from=resume_from)
        self.subscriptions[place] = Seen(stream, group, subscription)
        if resume_from:
            # What happens meanwhile waits until what happened before is told.
            group.enter(subscription, self._window_bits)
            try:
                told = await self._groups.happened(self.scope, stream, place, self._filters, resume_from)
            except PharosError as exc:
                told = ()
                self.refuse(exc, place=place)
            for number, frame in told:
                subscription.seen = number
                self.outbox.put(frame)
            if self.is_over or self.subscriptions.get(place) is None:
                return
        group.join(subscription, self._window_bits)

    def _leave(self, place: Place) -> None:
        seen = self.subscriptions.pop(place, None)
        if seen is not None:
            self._groups.leave(seen.group, seen.subscription)

    def leave_all(self) -> None:
        """See nothing any more."""
        self.is_over = True
        for place in list(self.subscriptions):
            self._leave(place)

    def allow(self, scope: Scope) -> None:
        """Go by what it may from now on: what it may see no more ends, and it is told so."""
        self.scope = scope
        for place, seen in list(self.subscriptions.items()):
            if seen.stream.permission not in scope.permissions:
                self._leave(place)
                self.refuse(denied(scope.who, scope.tenant, seen.stream.permission), place=place)
