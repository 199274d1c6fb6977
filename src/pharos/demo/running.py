"""The running demo: a tenant of its own, what comes with the shop, and the sender of what it does.

What it sends takes the way of what others send: remote write and OTLP messages through the intake, within the
tenant's limits. It begins with a quarter of an hour that it makes up, so that graphs have something to show.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from random import Random
from typing import Final, Protocol, TypeVar

from msgspec import Struct

from pharos.access import sending, upkeep
from pharos.alerting.own_config import NAME, take_own
from pharos.clock import Clock
from pharos.dashboards.store import Dashboards, Wish
from pharos.demo.content import GROUP, NAMESPACE, QUIET, RULES, dashboard
from pharos.demo.samples import EVERY_S, write_request
from pharos.demo.shop import Shop, Told
from pharos.demo.story import CYCLE_S, Moment
from pharos.errors import Kind, PharosError
from pharos.ingest.events.requests import EventRequest
from pharos.ingest.frames import FrameKind, pack
from pharos.ingest.remote_write.submission import received
from pharos.ingest.signals import Receipt, Submission
from pharos.rules.kept import checked_group, document_name
from pharos.rules.spec import plain_group
from pharos.state import Author, State, Unit, Writing
from pharos.state.documents import Defined, find_document, put_document
from pharos.state.tenants import Tenant, create_tenant, list_tenants
from pharos.tenants.tenancy import Tenancy

R = TypeVar("R", bound=Receipt)
_LOG = logging.getLogger(__name__)
TENANT: Final = "demo"
SOURCE: Final = "demo"
PAST_S: Final = 900
"""So much is made up at the start and after a pause: a machine that slept does not send all its night."""
_BATCH_S: Final = 60
_ENDS: Final = frozenset({Kind.DENIED, Kind.MISSING})


class Taker(Protocol):
    """The intake, as far as it is needed here."""

    async def accept(self, sent: Submission[R]) -> R:
        """Store what was sent durably."""
        ...


class DemoParts(Struct, frozen=True):
    """What the demo stands on."""

    intake: Taker
    state: State
    tenancy: Tenancy
    dashboards: Dashboards
    clock: Clock
    chance: Random


class Status(Struct, frozen=True):
    """How it stands with the demo."""

    tenant: str
    """Empty where there is none."""
    is_running: bool
    moment: Moment | None
    """Of the running shop."""
    cycle_s: int = CYCLE_S


class Demo:
    """The demo of a server; for one event loop."""

    def __init__(self, parts: DemoParts, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._parts = parts
        self._pause = pause
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._shop: Shop | None = None

    @property
    def is_running(self) -> bool:
        """Whether the shop lives."""
        return self._task is not None and not self._task.done()

    async def status(self) -> Status:
        """Return how it stands. Raises PharosError(UNAVAILABLE)."""
        ours = await self._parts.state.read(_ours)
        shop = self._shop if self.is_running else None
        moment = None if shop is None else shop.moment(self._now_s())
        return Status(ours.id if ours is not None else "", self.is_running, moment)

    async def start(self, author: Author) -> Status:
        """Have the shop live, in a tenant that is made for it if there is none.

        Raises PharosError: CONFLICT where the tenant is suspended, UNAVAILABLE.
        """
        async with self._lock:
            if not self.is_running:
                tenant = await self._parts.state.write(_prepare, author)
                if tenant.suspended_ms is not None:
                    raise PharosError(
                        Kind.CONFLICT,
                        f"the tenant {tenant.id} is suspended",
                        hint="resume it, or erase the demo",
                    )
                # What the state says of the new tenant counts from here on, also for the intake.
                await asyncio.to_thread(self._parts.tenancy.refresh)
                await self._parts.dashboards.save(upkeep(tenant.id), Wish(dashboard(), message="The demo"))
                seed = self._parts.chance.getrandbits(64)
                self._shop = Shop(Random(seed), self._now_s() - PAST_S)  # noqa: S311 - it makes up a shop
                self._task = asyncio.create_task(self._run(tenant.id, self._shop))
        return await self.status()

    async def stop(self) -> Status:
        """Have the shop send nothing more; what it sent stays."""
        async with self._lock:
            await self._end()
        return await self.status()

    async def erase(self, author: Author) -> Status:
        """Stop, and delete the tenant with all that is in it. Raises PharosError(MISSING) for no demo."""
        async with self._lock:
            await self._end()
            ours = await self._parts.state.read(_ours)
            if ours is None:
                raise PharosError(Kind.MISSING, "there is no demo to erase")
            await self._parts.tenancy.delete(ours.id, author)
        return await self.status()

    async def close(self) -> None:
        """Stop, as the server does."""
        async with self._lock:
            await self._end()

    async def _end(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def _now_s(self) -> int:
        return self._parts.clock.now_ms() // 1000

    async def _run(self, tenant: str, shop: Shop) -> None:
        """Live the past quickly, and then each second as it is over."""
        second = self._now_s() - PAST_S
        try:
            while True:
                now_s = self._now_s()
                if second >= now_s:
                    await self._pause(1.0)
                    continue
                until = min(second + _BATCH_S, now_s)
                await self._live(tenant, shop, range(second, until))
                second = max(until, self._now_s() - PAST_S)
        except PharosError as exc:
            _LOG.warning("the demo has stopped: %s", exc)

    async def _live(self, tenant: str, shop: Shop, seconds: range) -> None:
        told, samples = await asyncio.to_thread(_lived, shop, seconds)
        await self._send(tenant, samples, told)

    async def _send(self, tenant: str, samples: Sequence[bytes], told: Told) -> None:
        scope = sending(tenant)
        for one in samples:
            await self._take(received(scope, FrameKind.REMOTE_WRITE_1, pack(one), source=SOURCE))
        events: tuple[tuple[FrameKind, EventRequest], ...] = (
            (FrameKind.LOGS, told.logs),
            (FrameKind.SPANS, told.spans),
        )
        for kind, request in events:
            if request.count:
                body = request.body()
                await self._take(Submission(scope, kind, SOURCE, plain=body, sent_bytes=len(body)))

    async def _take(self, sent: Submission[R]) -> None:
        """Hand something over. Raises PharosError where no more will ever be taken."""
        try:
            await self._parts.intake.accept(sent)
        except PharosError as exc:
            if exc.kind in _ENDS:
                raise
            _LOG.debug("the demo's %s is lost: %s", sent.kind, exc)


def _lived(shop: Shop, seconds: range) -> tuple[Told, list[bytes]]:
    told, samples = Told(), []
    for second in seconds:
        shop.live(second, told)
        if second % EVERY_S == 0:
            samples.append(write_request(shop, second))
    return told, samples


def _mark() -> str:
    """Return the name of the rules that only a demo has: by them its tenant is known, whatever its id."""
    return document_name(NAMESPACE, GROUP)


def _ours(unit: Unit) -> Tenant | None:
    """Return the tenant of the demo; a tenant of that name that somebody else made is none."""
    return next(
        (
            one
            for one in list_tenants(unit)
            if one.deleting_ms is None
            and one.id.partition("-")[0] == TENANT
            and find_document(unit, one.id, Defined.RULES, _mark()) is not None
        ),
        None,
    )


def _prepare(unit: Writing) -> Tenant:
    """Return the demo's tenant, made with its rules if there is none; no id that was another's is taken."""
    found = _ours(unit)
    if found is not None:
        return found
    taken = {one.id for one in list_tenants(unit, deleted=True)}
    names = (TENANT, *(f"{TENANT}-{number}" for number in range(2, len(taken) + 3)))
    made = create_tenant(unit, next(name for name in names if name not in taken), "Demo shop")
    rules = plain_group(checked_group(NAMESPACE, GROUP, RULES))
    put_document(unit, made.id, Defined.RULES, _mark(), rules)
    put_document(unit, made.id, Defined.ALERTING, NAME, take_own(QUIET, {}, None).document)
    return made
