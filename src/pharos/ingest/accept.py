"""Intake: a request body is unpacked, checked and decoded, appended to the log, and only then acknowledged.

Decoding is the check: what cannot be decoded is refused before it reaches the log. The columns stay in
memory for the loader, so that nothing is decoded twice unless the process dies in between.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import cramjam

from pharos.clock import Clock
from pharos.engine.arrivals import LIVE_MS, Arrivals
from pharos.errors import Kind, PharosError
from pharos.ingest.frames import FrameKind, plain_body
from pharos.ingest.metrics.batch import Accepted, Batch
from pharos.ingest.metrics.columns import TenantColumns
from pharos.ingest.metrics.decoder import Decoder
from pharos.telemetry import (
    INGEST_ACCEPT_SECONDS,
    INGEST_BYTES,
    INGEST_REJECTED,
    INGEST_SAMPLES,
    SERIES_KNOWN,
)
from pharos.wal import Wal

_SPARE_COLUMNS = 2


@dataclass(frozen=True, slots=True)
class IntakeOptions:
    """Bounds of what is accepted but not yet stored."""

    pending_bytes: int = 192 << 20
    """Decoded columns in memory beyond which senders are told to wait."""
    early_bytes: int = 4 << 20
    """The same for senders, while what a former process left in the log is being loaded."""
    batch_bytes: int = 15 << 20
    """A batch of this size is ended and loaded at once, so that no segment takes long to load again.

    A little less than a power of two: columns double when they are full.
    """
    threads: int = 2


class Intake:
    """The way in for every signal that arrives as remote write."""

    def __init__(
        self,
        wal: Wal,
        decoder: Decoder,
        clock: Clock,
        options: IntakeOptions,
        arrivals: Arrivals | None = None,
    ) -> None:
        self._wal = wal
        self._decoder = decoder
        self._clock = clock
        self._options = options
        self._lock = threading.Lock()
        self._spare: list[TenantColumns] = []
        self._batch = Batch(self._spare)
        self._pending: list[Batch] = []
        self._sealing: Future[str | None] | None = None
        """Done when the newest ended segment is on the medium, and so are those before it."""
        self._is_early = False
        self._pool = ThreadPoolExecutor(options.threads, thread_name_prefix="intake")
        self._refusal: PharosError | None = None
        self.full = threading.Event()
        """Set when a batch has reached its size or a query waits for it, for the loader to come at once."""
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

    async def accept_packed(self, tenant: str, kind: FrameKind, body: bytes, *, source: str) -> Accepted:
        """Store a packed request durably and return what became of it.

        Returns after the log is synced. Raises PharosError: INVALID or TOO_LARGE for the body, UNAVAILABLE
        (retry_after_s set) when it cannot be kept now; then nothing of it is stored.
        """
        return await self._accept(tenant, kind, body, None, source, is_repeatable=True)

    async def accept(
        self, tenant: str, write_request: bytes, *, source: str, is_repeatable: bool = False
    ) -> Accepted:
        """Store an unpacked version 1.0 request that was made in this process; see `accept_packed`.

        `is_repeatable` says that somebody outside holds what it was made from, and sends it again if need be.
        """
        return await self._accept(
            tenant, FrameKind.REMOTE_WRITE_1, b"", write_request, source, is_repeatable=is_repeatable
        )

    def check_open(self, *, is_repeatable: bool = True) -> None:
        """Raise what a request would be refused with now, before anything is done for it."""
        if self._refusal is not None:
            raise self._refusal
        self._check_room(is_repeatable=is_repeatable)

    def time_bounds_ms(self) -> tuple[int, int]:
        """Return the oldest and the newest time that a request received now may hold."""
        return self._decoder.bounds(self._clock.now_ms())

    async def _accept(
        self,
        tenant: str,
        kind: FrameKind,
        body: bytes,
        plain: bytes | None,
        source: str,
        *,
        is_repeatable: bool,
    ) -> Accepted:
        began = self._clock.monotonic_s()
        loop = asyncio.get_running_loop()
        synced: asyncio.Future[None] = loop.create_future()
        accepted = await loop.run_in_executor(
            self._pool, self._append, tenant, kind, body, plain, synced, loop, is_repeatable
        )
        if not accepted.is_empty:
            await synced
        INGEST_SAMPLES.labels(source).inc(accepted.samples + accepted.histograms)
        INGEST_BYTES.labels(source).inc(len(body))
        for reason, count in (
            ("future", accepted.future),
            ("old", accepted.old),
            ("invalid_series", accepted.invalid_series),
        ):
            if count:
                INGEST_REJECTED.labels(reason).inc(count)
        INGEST_ACCEPT_SECONDS.observe(self._clock.monotonic_s() - began)
        return accepted

    def _append(
        self,
        tenant: str,
        kind: FrameKind,
        body: bytes,
        plain: bytes | memoryview | None,
        synced: asyncio.Future[None],
        loop: asyncio.AbstractEventLoop,
        is_repeatable: bool,
    ) -> Accepted:
        self.check_open(is_repeatable=is_repeatable)
        if plain is None:
            plain = plain_body(kind, body)
        else:
            body = bytes(cramjam.snappy.compress_raw(plain))
        recv_ns = self._clock.now_ns()

        with self._lock:
            accepted, undo = self._decoder.decode(self._batch, tenant, plain, recv_ns)
            if accepted.is_empty:
                return accepted
            on_synced = partial(_settle, self._batch, synced)
            try:
                segment = self._wal.append_then(
                    kind, tenant, recv_ns, body, on_synced, loop.call_soon_threadsafe
                )
            except PharosError:
                self._decoder.undo(self._batch, undo)
                raise
            if self._batch.segment not in {"", segment}:
                # After a fault the log began another segment by itself: the frame goes to its batch.
                self._decoder.undo(self._batch, undo)
                self._retire_batch()
                self._decoder.decode(self._batch, tenant, plain, recv_ns)
            self._note_frame(segment, recv_ns)
            self._note_past(tenant, accepted, recv_ns // 1_000_000 - LIVE_MS)
            if self._batch.memory_bytes() > self._options.batch_bytes:
                self._end_run()
                self.full.set()
        return accepted

    def _check_room(self, *, is_repeatable: bool) -> None:
        """Raise UNAVAILABLE when too much waits; what others decode at this moment may go beyond it."""
        pending = sum(batch.memory_bytes() for batch in [*self._pending, self._batch])
        if pending > self._options.pending_bytes:
            raise PharosError(
                Kind.UNAVAILABLE,
                f"{pending >> 20} MiB of accepted samples wait to be stored",
                hint="the disk or the store cannot follow; senders should retry",
                retry_after_s=2.0,
            )
        if self._is_early and is_repeatable and pending > self._options.early_bytes:
            raise PharosError(
                Kind.UNAVAILABLE,
                "what was accepted before the last crash is still being stored",
                hint="Pharos is nearly ready; senders should retry",
                retry_after_s=1.0,
            )

    def _note_frame(self, segment: str, recv_ns: int) -> None:
        batch = self._batch
        batch.segment = segment
        batch.frames += 1
        if not batch.oldest_recv_ns:
            batch.oldest_recv_ns = recv_ns

    def _note_past(self, tenant: str, accepted: Accepted, live_ms: int) -> None:
        least, most = self._batch.last_span(tenant, accepted)
        if least < live_ms:
            self._arrivals.note(self._batch, tenant, least, most)

    def _end_run(self) -> None:
        """Let the next frame begin another segment and another batch; the lock is held."""
        self._sealing = self._wal.begin_seal()
        self._retire_batch()

    def _retire_batch(self) -> None:
        if self._batch.frames:
            self._pending.append(self._batch)
        self._batch = Batch(self._spare)

    def take(self, *, everything: bool = False) -> list[Batch]:
        """Return the batches that wait to be stored, oldest first, their segments sealed.

        The batch that is being filled is ended for it when none else waits, or for `everything`. They count
        as pending until `stored` is called with each.
        """
        with self._lock:
            self.full.clear()
            # Beside batches of full size it is hardly begun: it would be a part of a few rows to be merged.
            if self._batch.frames and (everything or not self._pending):
                self._end_run()
            taken, sealing = list(self._pending), self._sealing
            SERIES_KNOWN.set(int(self._decoder.known.used[0]))
        if sealing is not None:
            # The medium is waited for outside of the lock: requests go on into the next segment.
            sealing.result()
        return taken

    def stored(self, batch: Batch) -> None:
        """Let go of a batch that is in the store: its segment is deleted."""
        if batch.segment in self._wal.sealed():
            self._wal.commit(batch.segment)
        self._arrivals.stored(batch)
        with self._lock:
            self._pending.remove(batch)
            batch.give_back(_SPARE_COLUMNS)

    def forget_series(self) -> None:
        """Register every series anew: called when a batch was not stored as it was."""
        with self._lock:
            self._decoder.forget()

    def oldest_recv_ns(self) -> int:
        """Return when the oldest frame that is not stored was received; 0 if there is none."""
        with self._lock:
            batches = [*self._pending, self._batch]
            return next((batch.oldest_recv_ns for batch in batches if batch.frames), 0)

    def close(self) -> None:
        """Take nothing more; what was accepted stays in the log and in `take`."""
        self.refuse(PharosError(Kind.UNAVAILABLE, "Pharos is shutting down", retry_after_s=1.0))
        self._pool.shutdown(wait=True)


def _settle(batch: Batch, synced: asyncio.Future[None], error: PharosError | None) -> None:
    """Tell the waiting request that its frame is on the medium, or why it is not."""
    if error is not None:
        # The sender will repeat what it was not thanked for: the batch must be decoded again from the log.
        batch.is_torn = True
    if synced.cancelled():
        return
    if error is None:
        synced.set_result(None)
    else:
        synced.set_exception(error)
