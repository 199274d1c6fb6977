"""A server of gRPC with all its services, over an intake and traces in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from grpc import aio
from tests.api.traces.shop import NoonClock
from tests.api.traces.span_memory import MemoryTraces

from pharos.access import OPEN, Grant, Identity, IdentityKind, Scope
from pharos.api.grpc.doors import GrpcDoors
from pharos.api.grpc.methods import Method, StreamedMethod
from pharos.api.grpc.server import GrpcOptions, GrpcServer
from pharos.api.grpc.services import methods_of, server_of
from pharos.api.http.bodies import Begin, Bodies, BodyLimits
from pharos.api.http.identity import Identify
from pharos.api.jaeger.reading import JaegerTraces
from pharos.api.receivers.otlp import OtlpEndpoint
from pharos.api.receivers.otlp_events import OtlpEventsEndpoint
from pharos.api.receivers.spans import SpanDoor
from pharos.errors import Kind, PharosError
from pharos.ingest.accept import Intake
from pharos.ingest.events.batch import EventsTaken
from pharos.ingest.frames import FrameKind
from pharos.ingest.jaeger.sampling import Strategies
from pharos.ingest.metrics.batch import Accepted
from pharos.ingest.otlp.translate import Translator
from pharos.ingest.signals import Submission
from pharos.query.events.rows import Span
from pharos.query.events.traces import Traces
from pharos.turns import TurnPool

_READER = Grant(Identity(IdentityKind.TOKEN, "r", "reader"), frozenset({"logs.view"}))


@dataclass
class FakeIntake:
    """An intake that keeps what it is handed, or turns it away."""

    taken: list[Submission[Any]] = field(default_factory=list)
    reason: PharosError | None = None
    rejected: int = 0

    def check_open(self, tenant: str) -> None:
        pass

    async def accept(self, sent: Submission[Any]) -> Any:
        if self.reason is not None:
            raise self.reason
        self.taken.append(sent)
        if sent.kind in {FrameKind.LOGS, FrameKind.SPANS}:
            return EventsTaken("logs", 1, self.rejected, "it is too old")
        return Accepted(samples=1)


def _identify(asked: Any) -> Grant | Awaitable[Grant]:
    match dict(asked["headers"]).get(b"authorization"):
        case b"Bearer reader":
            return _READER
        case b"Bearer wrong":
            raise PharosError(Kind.UNAUTHENTICATED, "the token is unknown")
    return OPEN


@dataclass
class Door:
    """A server of gRPC, and what it hands on."""

    intake: FakeIntake
    server: GrpcServer
    address: str
    methods: list[Method | StreamedMethod]

    async def refused(self, method: str, *, ends: bool = False, **metadata: str) -> aio.AioRpcError:
        """Begin a request, send no message of it, and return why it is refused all the same.

        It waits for the message, unless the request ends without one.
        """
        sent = tuple((name.replace("_", "-"), value) for name, value in metadata.items())
        async with aio.insecure_channel(self.address) as channel:
            call = channel.stream_stream(method)(metadata=sent, timeout=30)
            if ends:
                await call.done_writing()
            with pytest.raises(aio.AioRpcError) as refused:
                await call.read()
            return refused.value

    async def call(self, method: str, body: bytes, **metadata: str) -> bytes:
        """Send one request, whose metadata are written with `_` for `-`."""
        sent = tuple((name.replace("_", "-"), value) for name, value in metadata.items())
        async with aio.insecure_channel(self.address) as channel:
            answer: bytes = await channel.unary_unary(method)(body, metadata=sent, timeout=30)
            return answer

    async def stream(self, method: str, body: bytes, **metadata: str) -> list[bytes]:
        """Send one request, and return all messages of the answer."""
        sent = tuple((name.replace("_", "-"), value) for name, value in metadata.items())
        async with aio.insecure_channel(self.address) as channel:
            return [one async for one in channel.unary_stream(method)(body, metadata=sent, timeout=30)]


async def _everybody(_scope: Scope) -> None:
    return


@asynccontextmanager
async def open_door(
    most_bytes: int = 1 << 20,
    spans: Sequence[Span] = (),
    strategies: Strategies | None = None,
    wait_s: float = 30.0,
    begin: Begin = _everybody,
    identify: Identify = _identify,
) -> AsyncIterator[Door]:
    """Listen on a free port of loopback; on exit nothing may be held any more."""
    intake, bodies, clock = FakeIntake(), Bodies(BodyLimits(), begin), NoonClock()
    taking = cast("Intake", intake)
    translator = Translator(seed=1, lookback_ms=300_000)
    metrics = OtlpEndpoint(taking, translator, lambda: (0, 1 << 62), bodies, most_bytes)
    events = OtlpEventsEndpoint(taking, bodies, most_bytes)
    pool = TurnPool(1, "spans")
    doors = GrpcDoors(
        metrics=metrics,
        events=events,
        spans=SpanDoor(taking, bodies, clock, pool, most_bytes),
        strategies=lambda: strategies or Strategies(),
        traces=JaegerTraces(cast("Traces", MemoryTraces(spans)), clock),
        bodies=bodies,
        identify=identify,
    )
    made = server_of(doors, GrpcOptions(("127.0.0.1:0",), most_bytes, wait_s))
    server, (port,) = await made.listen()
    yield Door(intake, made, f"127.0.0.1:{port}", methods_of(doors))
    await server.stop(None)
    metrics.close()
    events.close()
    pool.close()
    assert not bodies.held_bytes
