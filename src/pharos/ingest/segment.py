"""The frames of one segment of the log, decoded: a batch for each signal that occurs."""

from __future__ import annotations

from typing import Any

from pharos.engine import Engine
from pharos.engine.changes import Changes
from pharos.ingest.signals import Batch, Plain, Receipt, Signal, Signals


class DecodedSegment:
    """What is stored at once, under the segment's name as token."""

    def __init__(self, signals: Signals) -> None:
        self._signals = signals
        self._batches: dict[Signal[Any], Batch] = {}
        self._last: Signal[Any] | None = None
        self.name = ""
        self.frames = 0
        self.is_torn = False
        """Whether some frame of it was not acknowledged after all."""
        self.oldest_recv_ns = 0

    def decode(self, kind: int, tenant: str, plain: Plain, recv_ns: int) -> Receipt:
        """Add a frame in its plain form; `note_frame` follows, or `undo`. Raises as `Signal.decode`."""
        self._last = signal = self._signals.of(kind)
        batch = self._batches.get(signal)
        if batch is None:
            batch = self._batches[signal] = signal.begin()
        receipt: Receipt = signal.decode(batch, tenant, plain, recv_ns)
        return receipt

    def undo(self) -> None:
        """Take the frame that was decoded last out again."""
        if self._last is not None:
            self._last.undo(self._batches[self._last])

    def note_frame(self, recv_ns: int) -> None:
        """Say that the frame that was decoded last stays."""
        self.frames += 1
        if not self.oldest_recv_ns:
            self.oldest_recv_ns = recv_ns

    def add(self, kind: int, tenant: str, payload: memoryview | bytes, recv_ns: int) -> None:
        """Add a frame as it is in the log. Raises PharosError(INVALID) if it cannot be decoded."""
        self.decode(kind, tenant, self._signals.of(kind).unpack(kind, payload), recv_ns)
        self.note_frame(recv_ns)

    def last_span_ms(self) -> tuple[int, int] | None:
        """Return the first and the last time in the frame that was decoded last; None if it has none."""
        return None if self._last is None else self._batches[self._last].last_span_ms()

    def memory_bytes(self, tenant: str | None = None) -> int:
        """Return roughly what it holds in memory, of all tenants or of one; from any thread."""
        # A copy: the first frame of another signal may come meanwhile.
        return sum(batch.memory_bytes(tenant) for batch in tuple(self._batches.values()))

    def insert(self, engine: Engine, token: str) -> None:
        """Store every batch durably; repeating it with the same token adds nothing.

        Signals have no table in common, so the token serves them all. Raises as `Engine.load`.
        """
        for batch in self._batches.values():
            batch.insert(engine, token)

    def note(self, changes: Changes) -> None:
        """Say what of it is stored now."""
        for batch in self._batches.values():
            batch.note(changes)

    def give_back(self) -> None:
        """Let others have its memory: it is done."""
        for batch in self._batches.values():
            batch.give_back()
