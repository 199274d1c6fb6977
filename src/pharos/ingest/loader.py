"""The loop that moves batches from the log into the engine, and watches the disk.

One of the few places with a broad `except`: whatever goes wrong in one round must not end the loop, since
nothing that was acknowledged would ever become visible again.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from pharos.clock import Clock
from pharos.engine import Engine, faults
from pharos.engine.changes import Changes
from pharos.errors import Kind, PharosError
from pharos.ingest.accept import Intake
from pharos.ingest.metrics import columns as places
from pharos.ingest.metrics.batch import Batch
from pharos.ingest.metrics.columns import TenantColumns
from pharos.ingest.metrics.decoder import Decoder
from pharos.ingest.metrics.insert import load_batch
from pharos.ingest.metrics.touched import touched_buckets
from pharos.telemetry import (
    DISK_FREE_BYTES,
    LOADER_LAG_SECONDS,
    LOADER_RUNS,
    LOADER_SECONDS,
    LOADER_SET_ASIDE,
)
from pharos.wal import Frame, Wal

_LOG = logging.getLogger(__name__)

_SPARE_COLUMNS: Final = 2


@dataclass(frozen=True, slots=True)
class LoaderOptions:
    """How often batches are loaded, and when the intake closes."""

    interval_s: float = 0.4
    free_floor_bytes: int = 512 << 20
    """Below this much free disk nothing is accepted."""
    retry_s: float = 1.0


class Loader:
    """Loads what a former process left, then what the intake holds, in a thread of its own."""

    def __init__(
        self,
        engine: Engine,
        changes: Changes,
        wal: Wal,
        intake: Intake,
        decoder: Decoder,
        folder: Path,
        clock: Clock,
        options: LoaderOptions,
    ) -> None:
        self._engine = engine
        self._changes = changes
        self._wal = wal
        self._intake = intake
        self._decoder = decoder
        self._folder = folder
        self._clock = clock
        self._options = options
        self._stopping = threading.Event()
        self._left = wal.sealed()
        self.recovered: Future[None] = Future()
        """Done when everything that a former process left in the log is in the store."""
        intake.hold_back(is_early=bool(self._left))
        self._thread = threading.Thread(target=self._loop, name="loader", daemon=True)

    @property
    def is_recovered(self) -> bool:
        """Whether everything that a former process left in the log is in the store."""
        return self.recovered.done()

    def _recover(self) -> None:
        """Load every segment that a former process left, the oldest first.

        While one is being stored the next is decoded, and no more, so that memory stays bounded.
        """
        if self._left:
            _LOG.info("recovering %d log segments", len(self._left))
        while self._left:
            self._recover_in_order()
        self._intake.hold_back(is_early=False)
        self.recovered.set_result(None)

    def _recover_in_order(self) -> None:
        """Load the segments that are left, up to and including the first that is not stored as it was.

        One decoder serves them all, since a series that an earlier segment brought is stored before it is
        needed. It is not the intake's, which may be decoding new requests at the same time.
        """
        decoder, spare = self._decoder.fresh(), list[TenantColumns]()

        def decode(segment: str) -> Batch:
            return self._decode_all(decoder, Batch(spare), segment)

        with closing(_one_ahead(decode, list(self._left))) as batches:
            for batch in batches:
                is_whole = self._load_with_retries(batch)
                self._note_changes(batch)
                self._wal.commit(batch.segment)
                batch.give_back(_SPARE_COLUMNS)
                # Only now: a round that fails before this takes the same segment again.
                del self._left[0]
                _LOG.info(
                    "recovered log segment %s: %d frames, %d left",
                    batch.segment,
                    batch.frames,
                    len(self._left),
                )
                if not is_whole:
                    return

    def _decode_all(self, decoder: Decoder, batch: Batch, segment: str) -> Batch:
        """Return the batch with the frames of a sealed segment added; what cannot be decoded is set aside."""
        batch.segment = segment
        for index, frame in enumerate(self._wal.read(segment)):
            try:
                decoder.decode_frame(batch, frame.kind, frame.tenant, frame.payload, frame.recv_ns)
            except PharosError as exc:
                self._set_aside(segment, index, exc)
        return batch

    def _as_acknowledged(self, batch: Batch) -> Batch:
        """Return the batch with nothing in it that a sync failed to keep."""
        if not batch.is_torn:
            return batch
        self._intake.forget_series()
        if batch.segment not in self._wal.sealed():
            return Batch()
        return self._decode_all(self._decoder.fresh(), Batch(), batch.segment)

    def _set_aside(self, segment: str, index: int, exc: PharosError) -> None:
        path = self._wal.set_aside(segment, index, str(exc))
        LOADER_SET_ASIDE.inc()
        _LOG.error(
            "frame %d of log segment %s cannot be stored and was kept in %s: %s", index, segment, path, exc
        )

    def _load_with_retries(self, batch: Batch) -> bool:
        """Load a batch, waiting out what passes; frames that the engine refuses are set aside.

        Returns whether it was stored as it was, and with it every series that it registers.
        """
        while True:
            try:
                with LOADER_SECONDS.time():
                    load_batch(self._engine, batch, batch.segment)
            except PharosError as exc:
                LOADER_RUNS.labels("failed").inc()
                if not faults.is_transient(exc):
                    _LOG.error("log segment %s is refused by the store, isolating: %s", batch.segment, exc)
                    self._load_halves(batch.segment, self._wal.read(batch.segment), 0)
                    self._intake.forget_series()
                    return False
                _LOG.warning("log segment %s waits for the store: %s", batch.segment, exc)
                if self._stopping.wait(self._options.retry_s):
                    raise
            else:
                LOADER_RUNS.labels("loaded").inc()
                return True

    def _load_halves(self, segment: str, frames: list[Frame], first: int) -> None:
        """Load frames [first, first + len) of a refused segment, halving until the bad ones stand alone."""
        decoder = self._decoder.fresh()
        batch = Batch()
        batch.segment = segment
        try:
            for frame in frames:
                decoder.decode_frame(batch, frame.kind, frame.tenant, frame.payload, frame.recv_ns)
            load_batch(self._engine, batch, f"{segment}/{first}-{first + len(frames)}")
        except PharosError as exc:
            if faults.is_transient(exc):
                raise
            if len(frames) == 1:
                self._set_aside(segment, first, exc)
                return
            half = len(frames) // 2
            self._load_halves(segment, frames[:half], first)
            self._load_halves(segment, frames[half:], first + half)

    def _note_changes(self, batch: Batch) -> None:
        """Tell the caches above what the store holds now."""
        for tenant, columns in batch.tenants.items():
            if rows := int(columns.counts[places.SERIES]):
                self._changes.note_series(tenant, np.unique(columns.series.metric[:rows]).tolist())
            if rows := int(columns.counts[places.SAMPLES]):
                samples = columns.samples
                added = touched_buckets(samples.metric[:rows], samples.ts_ms[:rows])
                self._changes.note_samples(tenant, added)
            if rows := int(columns.counts[places.STARTS]):
                self._changes.note_starts(tenant, np.unique(columns.starts.metric[:rows]).tolist())
        for tenant, parts in batch.parts:
            if parts.histograms is not None:
                times = np.ascontiguousarray(parts.histograms.integers[:, 0])
                self._changes.note_histograms(tenant, np.unique(parts.histograms.metric).tolist())
                self._changes.note_samples(tenant, touched_buckets(parts.histograms.metric, times))

    def start(self) -> None:
        """Begin to load in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Load what is left, then end; what the engine does not take stays in the log."""
        self._stopping.set()
        self._intake.full.set()
        if self._thread.is_alive():
            self._thread.join()

    def _loop(self) -> None:
        # The first at once: what a former process left is waited for.
        self._round()
        while not self._stopping.is_set():
            self._intake.full.wait(self._options.interval_s)
            self._round()
        self._round(everything=True)

    def _round(self, *, everything: bool = False) -> None:
        try:
            self.watch_disk()
            self._engine.mend()
            if not self.is_recovered:
                self._recover()
            for taken in self._intake.take(everything=everything):
                batch = self._as_acknowledged(taken)
                self._load_with_retries(batch)
                self._note_changes(batch)
                self._intake.stored(taken)
            oldest = self._intake.oldest_recv_ns()
            LOADER_LAG_SECONDS.set((self._clock.now_ns() - oldest) / 1e9 if oldest else 0.0)
        except Exception:  # noqa: BLE001 - see the module's first lines
            LOADER_RUNS.labels("error").inc()
            _LOG.exception("a round of the loader failed; what was accepted stays in the log")
            self._stopping.wait(self._options.retry_s)

    def watch_disk(self) -> None:
        """Close the intake while too little disk is free, open it again when there is enough."""
        free = shutil.disk_usage(self._folder).free
        DISK_FREE_BYTES.set(free)
        floor = self._options.free_floor_bytes
        if free < floor:
            self._intake.refuse(
                PharosError(
                    Kind.UNAVAILABLE,
                    f"only {free >> 20} MiB of disk are free, nothing is accepted below {floor >> 20} MiB",
                    hint="free some space; Pharos goes on by itself",
                    retry_after_s=10.0,
                )
            )
        else:
            self._intake.refuse(None)


def _one_ahead(make: Callable[[str], Batch], segments: Sequence[str]) -> Generator[Batch]:
    """Yield what `make` returns for each segment, made on another thread while the one before is in use."""
    with ThreadPoolExecutor(1, thread_name_prefix="recovery") as ahead:
        making: deque[Future[Batch]] = deque()
        for segment in segments:
            making.append(ahead.submit(make, segment))
            if len(making) > 1:
                yield making.popleft().result()
        while making:
            yield making.popleft().result()
