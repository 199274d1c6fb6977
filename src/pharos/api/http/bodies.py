"""Request bodies as they come in: bounded in memory over all connections, and in time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, Self, TypeAlias

from msgspec import Struct
from starlette.requests import Request

from pharos.access import Scope
from pharos.api.http.identity import scope_of
from pharos.errors import Kind, PharosError
from pharos.telemetry import BODIES_FAILED

_RETRY_AFTER_S: Final = 1.0

Begin: TypeAlias = Callable[[Scope], Awaitable[None]]
"""Lets in who sends telemetry. Raises PharosError as `Intake.begin`."""


class BodyLimits(Struct, frozen=True):
    """What bodies may take, of all connections together and each for itself."""

    held_bytes: int = 128 << 20
    """Of bodies that are being received or not yet dealt with, beyond which none may grow."""
    small_bytes: int = 1 << 20
    """As long as a body is no larger, it may take of the reserve too."""
    reserve_bytes: int = 32 << 20
    """Beside `held_bytes`, so that large bodies which do not come on keep no small one out."""
    idle_s: float = 30.0
    """The longest without a byte; senders have given up before, and repeat what they sent."""
    total_s: float = 120.0
    """The longest until a body is there in whole."""


async def _everybody(_scope: Scope) -> None:
    return


class Bodies:
    """The bodies of all requests; used on the event loop only."""

    def __init__(self, limits: BodyLimits, begin: Begin = _everybody) -> None:
        self.limits = limits
        self.begin = begin
        self.held_bytes = 0
        """Of all bodies that are being received or not yet dealt with."""

    def incoming(self, request: Request, limit: int) -> Incoming:
        """Return the request's body, to be entered: it is read then, and counted until it is left."""
        return Incoming(self, request, limit)

    def telemetry(self, request: Request, limit: int) -> Incoming:
        """Return the body of who sends telemetry, to be entered: who may not send now is refused unread."""
        return _Telemetry(self, request, limit)

    def held(self) -> Held:
        """Return what counts a body that comes otherwise, to be entered: nothing as yet."""
        return Held(self)


class Held:
    """Bytes that are counted for one request until it is left."""

    __slots__ = ("_bodies", "_held")

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self._held = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()

    def hold(self, count: int) -> None:
        """Count `count` more bytes until it is left: the body's, or of what was made from it.

        Raises PharosError(UNAVAILABLE) when all bodies together take too much.
        """
        self._held += count
        self._bodies.held_bytes += count
        self._check_room(self._held)

    def _check_room(self, size: int) -> None:
        limits = self._bodies.limits
        room = limits.held_bytes + (limits.reserve_bytes if size <= limits.small_bytes else 0)
        if self._bodies.held_bytes > room:
            raise PharosError(
                Kind.UNAVAILABLE,
                f"request bodies take more than {room >> 20} MiB at this moment",
                hint="senders should retry; ingest.max_receiving is the limit",
                retry_after_s=_RETRY_AFTER_S,
            )

    def _release(self) -> None:
        self._bodies.held_bytes -= self._held
        self._held = 0


class Incoming(Held):
    """The body of one request.

    Entering it raises PharosError: TOO_LARGE as soon as more than the limit is declared or has come,
    UNAVAILABLE when all bodies together take too much, STALLED when it comes too slowly, CANCELLED when the
    sender breaks off.
    """

    __slots__ = ("_limit", "_request", "body")

    def __init__(self, bodies: Bodies, request: Request, limit: int) -> None:
        super().__init__(bodies)
        self._request = request
        self._limit = limit
        self.body = b""

    async def __aenter__(self) -> Self:
        try:
            self._check_declared()
            self.body = await self._read()
        except BaseException as exc:
            self._release()
            if isinstance(exc, PharosError):
                BODIES_FAILED.labels(exc.kind).inc()
            raise
        return self

    def _check_declared(self) -> None:
        declared = self._request.headers.get("content-length")
        if declared is None or not declared.isdecimal():
            return
        if int(declared) > self._limit:
            raise self._too_large()
        self._check_room(int(declared))

    def _too_large(self) -> PharosError:
        return PharosError(
            Kind.TOO_LARGE, f"the body is larger than {self._limit} bytes", hint="send less in a request"
        )

    async def _read(self) -> bytes:
        limits = self._bodies.limits
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout_at(began + limits.idle_s) as due:
                body, has_more = await self._next()
                if not has_more:
                    return body
                # Not a list of parts: of those that come byte by byte each would take many times its size.
                whole = bytearray(body)
                while has_more:
                    due.reschedule(min(loop.time() + limits.idle_s, began + limits.total_s))
                    body, has_more = await self._next()
                    whole += body
                return bytes(whole)
        except TimeoutError as exc:
            raise PharosError(
                Kind.STALLED,
                f"{self._held} bytes of the body came in {loop.time() - began:.0f}s, and not the rest",
            ) from exc

    async def _next(self) -> tuple[bytes, bool]:
        """Return (what came, whether there is more to come)."""
        message = await self._request.receive()
        if message["type"] != "http.request":
            raise PharosError(Kind.CANCELLED, "the sender broke off before the body was complete")
        body: bytes = message.get("body", b"")
        if self._held + len(body) > self._limit:
            raise self._too_large()
        self.hold(len(body))
        return body, message.get("more_body", False)


class _Telemetry(Incoming):
    """The body of a request that is let in before any of it is read."""

    __slots__ = ()

    async def __aenter__(self) -> Self:
        await self._bodies.begin(scope_of(self._request))
        return await super().__aenter__()
