"""Intake: a payload is unpacked, checked and decoded, appended to the log, and only then acknowledged.

Decoding is the check: what cannot be decoded is refused before it reaches the log. What it decodes to stays
in memory for the loader, so that nothing is decoded twice unless the process dies in between.

What is made in this process takes the same way, packed as others send it: the log has one form of each kind,
and a scraped page pays for it with some microseconds for each of its kilobytes.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Final, Generic, TypeAlias, TypeVar

from msgspec import Struct

from pharos.access import Scope
from pharos.clock import Clock
from pharos.engine.arrivals import LIVE_MS, Arrivals
from pharos.errors import Kind, PharosError
from pharos.ingest.frames import pack
from pharos.ingest.rates import Rates
from pharos.ingest.segment import DecodedSegment
from pharos.ingest.signals import Receipt, Signals, Submission
from pharos.policy import TenantPolicy
from pharos.telemetry import INGEST_ACCEPT_SECONDS, INGEST_BYTES
from pharos.turns import TurnPool
from pharos.wal import Wal

R = TypeVar("R", bound=Receipt)
T = TypeVar("T")
Pause: TypeAlias = Callable[[float], Awaitable[None]]
"""Goes on after so many seconds."""

_PAUSE_S: Final = 0.01
_PATIENCE: Final = 50
"""So many pauses a request waits for room at most."""


class IntakeOptions(Struct, frozen=True):
    """Bounds of what is accepted but not yet stored."""

    pending_bytes: int = 192 << 20
    """What is decoded and in memory, beyond which senders are told to wait."""
    early_bytes: int = 4 << 20
    """The same for senders, while what a former process left in the log is being loaded."""
    batch_bytes: int = 8 << 20
    """A segment that decodes to this is ended and loaded at once, so that none takes long to load again.

    Columns have room for a little more (`columns.py`). The store needs several times as much as it inserts;
    with half as much again Pharos needs 20 MB more, and up to a tenth less of processor time.
    """
    threads: int = 2

    @property
    def slow_bytes(self) -> int:
        """Beyond this senders are answered late: they are slowed down before they have to be turned away.

        With one segment being stored, one that waits for it and half of another the store is never idle.
        """
        return 5 * self.batch_bytes // 2

    @property
    def tenant_bytes(self) -> int:
        """What one tenant may have of `pending_bytes`: never all of it, so that others are still heard."""
        return self.pending_bytes // 4 * 3


class Intake:
    """The way in for every signal."""

    def __init__(
        self,
        wal: Wal,
        signals: Signals,
        clock: Clock,
        options: IntakeOptions,
        arrivals: Arrivals | None = None,
        pause: Pause = asyncio.sleep,
        policy: TenantPolicy | None = None,
    ) -> None:
        policy = policy or TenantPolicy()
        self._usage = policy.usage
        self._admit = policy.admit_write
        self._rates = Rates(clock, policy.limits_of)
        self._wal = wal
        self._signals = signals
        self._clock = clock
        self._options = options
        self._pause = pause
        self._lock = threading.Lock()
        self._segment = DecodedSegment(signals)
        self._pending: list[DecodedSegment] = []
        self._sealing: Future[str | None] | None = None
        """Done when the newest ended segment is on the medium, and so are those before it."""
        self._is_early = False
        self._pool = TurnPool(options.threads, "intake")
        self._refusal: PharosError | None = None
        self.full = threading.Event()
        """Set when a segment has reached its size or a query waits for it, for the loader to come at once."""
        self._arrivals = arrivals or Arrivals()
        self._arrivals.on_hurry(self.full.set)

    def refuse(self, reason: PharosError | None) -> None:
        """Turn requests away with `reason` from now on; None opens the intake again."""
        self._refusal = reason

    def hold_back(self, *, is_early: bool) -> None:
        """Take only little from senders while what a former process left in the log is being loaded.

        They repeat what they were not thanked for, and decoding at their full rate beside it would double
        the time it takes. What is made in this process cannot be repeated, and is taken as ever.
        """
        self._is_early = is_early

    def check_open(self, tenant: str | None = None, *, is_repeatable: bool = True) -> None:
        """Raise UNAVAILABLE where nothing can be kept now, before anything is done for what was let in.

        Without a tenant only what all of them together hold counts.
        """
        if self._refusal is not None:
            raise self._refusal
        self._check_room(tenant, is_repeatable=is_repeatable)

    async def begin(self, scope: Scope) -> None:
        """Let in what somebody sends, before any of it is read: the step that every door begins with.

        Raises PharosError: DENIED as `admit` does, UNAVAILABLE when nothing can be kept now, LIMITED beyond
        the tenant's rate, so much later as the tenant is turned away oftener.
        """
        self._admit(scope.alone())
        if self._refusal is not None:
            raise self._refusal
        try:
            self._rates.check(scope.tenant)
        except PharosError:
            self._usage.add(scope, refused=1)
            await self._pause(self._rates.turn_away(scope.tenant))
            raise

    async def accept(self, sent: Submission[R]) -> R:
        """Store what was sent durably, and return what became of it.

        Returns after the log is synced. Raises PharosError: INVALID or TOO_LARGE for what was sent, INVALID
        for several tenants; LIMITED beyond the tenant's rate and UNAVAILABLE when it cannot be kept now, both
        with retry_after_s; DENIED as `admit` does. Then nothing of it is stored.
        """
        began = self._clock.monotonic_s()
        sent.scope.alone()
        try:
            receipt = await self._taken_in(sent)
        except PharosError as exc:
            if exc.kind is Kind.LIMITED:
                self._usage.add(sent.scope, refused=1)
            raise
        receipt.count(sent.source, sent.refused)
        refused = int(receipt.is_cut)
        self._usage.add(sent.scope, samples=receipt.points, bytes=sent.sent_bytes, refused=refused)
        INGEST_BYTES.labels(sent.source).inc(sent.sent_bytes)
        INGEST_ACCEPT_SECONDS.observe(self._clock.monotonic_s() - began)
        return receipt

    async def _taken_in(self, sent: Submission[R]) -> R:
        if self._refusal is not None:
            raise self._refusal
        if sent.is_repeatable:
            await self._until_room(sent.scope.tenant)
        waiting: _Waiting[R] = _Waiting(asyncio.get_running_loop())
        work = partial(self._take_in, sent, waiting)
        self._pool.submit(sent.scope.tenant, work).add_done_callback(waiting.look)
        return await waiting.done

    async def _until_room(self, tenant: str) -> None:
        """Wait a little as long as much is to be stored, so that memory and age of what waits stay small.

        Not for who has little part in it.
        """
        most = self._options.slow_bytes
        for _ in range(_PATIENCE):
            if self._pending_bytes() <= most or self._pending_bytes(tenant) <= most // 4:
                return
            await self._pause(_PAUSE_S)

    def _pending_bytes(self, tenant: str | None = None) -> int:
        """Return roughly what all segments hold that are not stored, of all tenants or of one."""
        return sum(segment.memory_bytes(tenant) for segment in [*self._pending, self._segment])

    def _take_in(self, sent: Submission[Any], waiting: _Waiting[Any]) -> None:
        """Append what was sent. The request goes on when it is on the medium; what is raised here is its."""
        self.check_open(sent.scope.tenant, is_repeatable=sent.is_repeatable)
        plain = sent.plain
        if plain is None:
            plain = self._signals.of(sent.kind).unpack(sent.kind, sent.packed or b"")
        packed = pack(plain) if sent.packed is None else sent.packed
        with self._lock:
            # Only now: frames are in the order of their times, so that all before one time can be stored.
            recv_ns = self._clock.now_ns()
            self._append(sent, packed, plain, recv_ns, waiting)

    def _append(
        self, sent: Submission[Any], packed: bytes, plain: Any, recv_ns: int, waiting: _Waiting[Any]
    ) -> None:
        """Add a frame to the segment and the log; the lock is held."""
        tenant, kind = sent.scope.tenant, sent.kind
        # Here, beside all else that is let in: nothing of a tenant that was closed comes after that.
        self._admit(sent.scope)
        receipt = self._segment.decode(kind, tenant, plain, recv_ns)
        waiting.receipt = receipt
        if receipt.is_empty:
            waiting.end()
            return
        try:
            if sent.is_limited:
                self._rates.take(tenant, receipt.points)
            if receipt.kept is not None:
                kind, plain = receipt.kept
                packed = pack(plain)
            name = self._wal.append(kind, tenant, recv_ns, packed, waiting.wake, _Waker(self, waiting.loop))
        except PharosError:
            self._segment.undo()
            raise
        if self._segment.name not in {"", name}:
            # After a fault the log began another segment by itself: the frame goes there.
            self._segment.undo()
            self._retire_segment()
            self._segment.decode(kind, tenant, plain, recv_ns)
        self._segment.name = name
        self._segment.note_frame(recv_ns)
        self._note_past(tenant, recv_ns // 1_000_000 - LIVE_MS)
        if self._segment.memory_bytes() > self._options.batch_bytes:
            self._end_segment()
            self.full.set()

    def _check_room(self, tenant: str | None, *, is_repeatable: bool) -> None:
        """Raise UNAVAILABLE when too much waits; what others decode at this moment may go beyond it."""
        pending = self._pending_bytes()
        if pending > self._options.pending_bytes:
            raise _full(f"{pending >> 20} MiB that were accepted wait to be stored")
        # Within the least that one may have, nobody need look whose it is.
        if tenant is not None and pending > self._options.tenant_bytes:
            own = self._pending_bytes(tenant)
            if own > self._options.tenant_bytes:
                raise _full(f"{own >> 20} MiB of tenant {tenant!r} that were accepted wait to be stored")
        if self._is_early and is_repeatable and pending > self._options.early_bytes:
            raise PharosError(
                Kind.UNAVAILABLE,
                "what was accepted before the last crash is still being stored",
                hint="Pharos is nearly ready; senders should retry",
                retry_after_s=1.0,
            )

    def _note_past(self, tenant: str, live_ms: int) -> None:
        span = self._segment.last_span_ms()
        if span is not None and span[0] < live_ms:
            self._arrivals.note(self._segment, tenant, *span)

    def _end_segment(self) -> None:
        """Let the next frame begin another segment; the lock is held."""
        self._sealing = self._wal.begin_seal()
        self._retire_segment()

    def _retire_segment(self) -> None:
        if self._segment.frames:
            self._pending.append(self._segment)
        self._segment = DecodedSegment(self._signals)

    def take(self, *, everything: bool = False) -> list[DecodedSegment]:
        """Return the segments that wait to be stored, oldest first, sealed.

        The one that is being filled is ended for it when none else waits, or for `everything`. They count
        as pending until `stored` is called with each.
        """
        with self._lock:
            self.full.clear()
            # Beside segments of full size it is hardly begun: it would be a part of a few rows to be merged.
            if self._segment.frames and (everything or not self._pending):
                self._end_segment()
            taken, sealing = list(self._pending), self._sealing
        if sealing is not None:
            # The medium is waited for outside of the lock: requests go on into the next segment.
            sealing.result()
        return taken

    def stored(self, segment: DecodedSegment) -> None:
        """Let go of a segment that is in the store: it is deleted from the log."""
        if segment.name in self._wal.sealed():
            self._wal.commit(segment.name)
        self._arrivals.stored(segment)
        with self._lock:
            self._pending.remove(segment)
            segment.give_back()

    def tear(self) -> None:
        """Say that a sync failed: what is in memory may hold frames that were not acknowledged.

        Their senders repeat them, so whatever waits is decoded again from what the log has kept.
        """
        with self._lock:
            for segment in (*self._pending, self._segment):
                segment.is_torn = True

    def between_frames(self, look: Callable[[], T]) -> T:
        """Return what `look` returns, called while nothing is decoded; it must not take long."""
        with self._lock:
            return look()

    def active_series(self) -> dict[str, int]:
        """Return by tenant how many series had a sample in the last one to two hours."""
        with self._lock:
            return self._signals.active()

    def holds(self, tenant: str) -> int:
        """Return roughly how many bytes of a tenant are not stored yet.

        What was let in before the call is in it: none that `admit` refuses by now comes after.
        """
        with self._lock:
            return self._pending_bytes(tenant)

    def forget_tenant(self, tenant: str) -> None:
        """Have signals take everything of a tenant for new: called when it was deleted."""
        with self._lock:
            self._signals.forget_tenant(tenant)

    def forget_seen(self) -> None:
        """Have signals take everything for new: called when a segment was not stored as it was."""
        with self._lock:
            self._signals.forget()

    def oldest_recv_ns(self) -> int:
        """Return when the oldest frame that is not stored was received; 0 if there is none."""
        with self._lock:
            segments = [*self._pending, self._segment]
            return next((segment.oldest_recv_ns for segment in segments if segment.frames), 0)

    def close(self) -> None:
        """Take nothing more; what was accepted stays in the log and in `take`."""
        self.refuse(PharosError(Kind.UNAVAILABLE, "Pharos is shutting down", retry_after_s=1.0))
        self._pool.close()


class _Waiting(Generic[R]):
    """A request that waits for its frame: it is woken once, when that is on the medium or refused."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.done: asyncio.Future[R] = loop.create_future()
        self.receipt: R | None = None

    def end(self) -> None:
        """Wake the request from another thread: there is nothing to wait for."""
        self.loop.call_soon_threadsafe(self.wake, None)

    def look(self, taking: Future[None]) -> None:
        """Wake the request from another thread if its frame was not even appended."""
        if (error := taking.exception()) is not None:
            self.loop.call_soon_threadsafe(self.wake, error)

    def wake(self, error: BaseException | None) -> None:
        """Wake the request, on its loop."""
        if self.done.done():  # it was cancelled
            return
        if error is not None:
            self.done.set_exception(error)
        elif self.receipt is not None:
            self.done.set_result(self.receipt)


class _Waker(Struct, frozen=True):
    """Wakes the requests of a loop whose frames a sync has covered; equal ones are woken together."""

    intake: Intake
    loop: asyncio.AbstractEventLoop

    def __call__(self, call: Callable[..., object], waiting: object, error: PharosError | None) -> None:
        if error is not None:
            # At once, not on the loop: the loader may be about to take the segment.
            self.intake.tear()
        self.loop.call_soon_threadsafe(call, waiting, error)


def _full(message: str) -> PharosError:
    return PharosError(
        Kind.UNAVAILABLE,
        message,
        hint="the disk or the store cannot follow; senders should retry",
        retry_after_s=2.0,
    )
