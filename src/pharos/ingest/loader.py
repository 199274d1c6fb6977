"""The loop that moves segments from the log into the engine, and watches the disk.

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
from functools import partial
from pathlib import Path

from msgspec import Struct

from pharos.clock import Clock
from pharos.engine import Engine, faults
from pharos.engine.changes import Changes
from pharos.errors import Kind, PharosError
from pharos.ingest.accept import Intake
from pharos.ingest.segment import DecodedSegment
from pharos.ingest.signals import Signals
from pharos.telemetry import (
    DISK_FREE_BYTES,
    LOADER_LAG_SECONDS,
    LOADER_RUNS,
    LOADER_SECONDS,
    LOADER_SET_ASIDE,
)
from pharos.wal import Frame, Wal

_LOG = logging.getLogger(__name__)


class LoaderOptions(Struct, frozen=True):
    """How often segments are loaded, and when the intake closes."""

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
        signals: Signals,
        folder: Path,
        clock: Clock,
        options: LoaderOptions,
    ) -> None:
        self._engine = engine
        self._changes = changes
        self._wal = wal
        self._intake = intake
        self._signals = signals
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

        The same signals serve them all, since what an earlier segment brought is stored before it is needed.
        They are not the intake's, which may be decoding new requests at the same time.
        """
        decode = partial(self._decoded, self._signals.fresh())
        with closing(_one_ahead(decode, list(self._left))) as segments:
            for segment in segments:
                is_whole = self._load_with_retries(segment)
                segment.note(self._changes)
                self._wal.commit(segment.name)
                segment.give_back()
                # Only now: a round that fails before this takes the same segment again.
                del self._left[0]
                _LOG.info(
                    "recovered log segment %s: %d frames, %d left",
                    segment.name,
                    segment.frames,
                    len(self._left),
                )
                if not is_whole:
                    return

    def _decoded(self, signals: Signals, name: str) -> DecodedSegment:
        """Return a sealed segment decoded; frames that cannot be are set aside."""
        segment = DecodedSegment(signals)
        segment.name = name
        for index, frame in enumerate(self._wal.read(name)):
            try:
                segment.add(frame.kind, frame.tenant, frame.payload, frame.recv_ns)
            except PharosError as exc:
                self._set_aside(name, index, exc)
        return segment

    def _as_acknowledged(self, segment: DecodedSegment) -> DecodedSegment:
        """Return the segment with nothing in it that a sync failed to keep."""
        if not segment.is_torn:
            return segment
        self._intake.forget_seen()
        if segment.name not in self._wal.sealed():
            return DecodedSegment(self._signals)
        return self._decoded(self._signals.fresh(), segment.name)

    def _set_aside(self, segment: str, index: int, exc: PharosError) -> None:
        path = self._wal.set_aside(segment, index, str(exc))
        LOADER_SET_ASIDE.inc()
        _LOG.error(
            "frame %d of log segment %s cannot be stored and was kept in %s: %s", index, segment, path, exc
        )

    def _load_with_retries(self, segment: DecodedSegment) -> bool:
        """Load a segment, waiting out what passes; frames that the engine refuses are set aside.

        Returns whether it was stored as it was, and with it all that signals have seen in it.
        """
        while True:
            try:
                with LOADER_SECONDS.time():
                    segment.insert(self._engine, segment.name)
            except PharosError as exc:
                LOADER_RUNS.labels("failed").inc()
                if not faults.is_transient(exc):
                    _LOG.error("log segment %s is refused by the store, isolating: %s", segment.name, exc)
                    self._load_halves(segment.name, self._wal.read(segment.name), 0)
                    self._intake.forget_seen()
                    return False
                _LOG.warning("log segment %s waits for the store: %s", segment.name, exc)
                if self._stopping.wait(self._options.retry_s):
                    raise
            else:
                LOADER_RUNS.labels("loaded").inc()
                return True

    def _load_halves(self, name: str, frames: list[Frame], first: int) -> None:
        """Load frames [first, first + len) of a refused segment, halving until the bad ones stand alone."""
        segment = DecodedSegment(self._signals.fresh())
        try:
            for frame in frames:
                segment.add(frame.kind, frame.tenant, frame.payload, frame.recv_ns)
            segment.insert(self._engine, f"{name}/{first}-{first + len(frames)}")
        except PharosError as exc:
            if faults.is_transient(exc):
                raise
            if len(frames) == 1:
                self._set_aside(name, first, exc)
                return
            half = len(frames) // 2
            self._load_halves(name, frames[:half], first)
            self._load_halves(name, frames[half:], first + half)

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
            if not self.is_recovered:
                self._recover()
            for taken in self._intake.take(everything=everything):
                segment = self._as_acknowledged(taken)
                self._load_with_retries(segment)
                segment.note(self._changes)
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


def _one_ahead(make: Callable[[str], DecodedSegment], names: Sequence[str]) -> Generator[DecodedSegment]:
    """Yield what `make` returns for each segment, made on another thread while the one before is in use."""
    with ThreadPoolExecutor(1, thread_name_prefix="recovery") as ahead:
        making: deque[Future[DecodedSegment]] = deque()
        for name in names:
            making.append(ahead.submit(make, name))
            if len(making) > 1:
                yield making.popleft().result()
        while making:
            yield making.popleft().result()
