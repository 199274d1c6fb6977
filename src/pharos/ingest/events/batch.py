"""The signals of logs and of spans: frames become chunks, those of a segment a batch (`ingest.signals`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar, Final, Generic, TypeVar

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace
from numpy.typing import NDArray

from pharos.engine import Engine
from pharos.engine.changes import Changes
from pharos.ingest import frames
from pharos.ingest.events.chunks import (
    LogChunk,
    SpanChunk,
    decode_logs,
    decode_placed_logs,
    decode_spans,
)
from pharos.ingest.events.insert import (
    NewField,
    NewOrigin,
    days_of,
    insert_fields,
    insert_logs,
    insert_origins,
    insert_spans,
)
from pharos.ingest.events.log_sampling import sample_logs
from pharos.ingest.events.origins import KnownOrigins
from pharos.ingest.frames import FrameKind
from pharos.ingest.signals import Plain
from pharos.sampling import Sampling, SamplingRules, bar_of
from pharos.telemetry import DROPPED, INGEST_EVENTS, INGEST_EVENTS_REJECTED

C = TypeVar("C", LogChunk, SpanChunk)

_NS_IN_MS: Final = 1_000_000
_SEEN_MOST: Final = 200_000
"""So many pairs of origin or field and day are remembered; then all are taken for new."""
_BARS_MOST: Final = 10_000
"""Of so many services it is remembered what rules say."""
_FIELD_LONGEST: Final = 256
"""Longer names of attributes are not listed: nobody would choose one."""


class EventsTaken(Struct, frozen=True):
    """What became of a request of logs or spans; see `Receipt`."""

    what: str
    """`logs` or `spans`."""
    points: int
    rejected: int
    reason: str
    """Why the first of these was rejected."""
    kept: tuple[int, Plain] | None = None
    """What is to be stored, where sampling left some of it out; see `Receipt.kept`."""
    dropped: Mapping[str, int] = field(default_factory=dict)
    """How much that was, by level."""
    tenant: str = ""
    """What the tenant is called in the server's metrics, where something was left out."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be stored."""
        return not self.points

    @property
    def is_cut(self) -> bool:
        """Nothing is: what limits refuse is refused whole."""
        return False

    def count(self, source: str, refused: Mapping[str, int]) -> None:
        """Count what was taken and what was refused; see `Receipt.count`."""
        INGEST_EVENTS.labels(self.what, source).inc(self.points)
        for level, count in self.dropped.items():
            DROPPED.labels(self.what, self.tenant, f"sampling_{level}").inc(count)
        for reason, count in {**refused, "invalid": self.rejected}.items():
            if count:
                INGEST_EVENTS_REJECTED.labels(self.what, reason).inc(count)

    def refusal(self) -> str:
        """Return a sentence on what was rejected, empty if nothing was."""
        return (
            f"{self.rejected} {self.what} were rejected, the first because {self.reason}"
            if self.rejected
            else ""
        )


class _Seen:
    """Which origins and fields of which days were written."""

    def __init__(self) -> None:
        self._pairs: set[tuple[str, int, int | str]] = set()

    def is_new(self, tenant: str, day: int, what: int | str) -> bool:
        """Return whether it was not seen, and note that it is."""
        pair = (tenant, day, what)
        if pair in self._pairs:
            return False
        if len(self._pairs) >= _SEEN_MOST:
            self._pairs.clear()
        self._pairs.add(pair)
        return True

    def take_back(self, tenant: str, day: int, what: int | str) -> None:
        """Take it for new again."""
        self._pairs.discard((tenant, day, what))

    def forget(self, tenant: str | None = None) -> None:
        """Forget all, or all of a tenant."""
        self._pairs = set() if tenant is None else {pair for pair in self._pairs if pair[0] != tenant}


class EventsBatch(Generic[C]):
    """Chunks of one segment, in order, and what is new of origins and fields in them."""

    def __init__(self, signal: EventsSignal[C]) -> None:
        self.signal: EventsSignal[C] = signal
        self.chunks: list[tuple[str, C]] = []
        self.origins: list[NewOrigin] = []
        self.fields: list[NewField] = []
        self._mark = (0, 0)
        self._bytes: dict[str, int] = {}
        self._all_bytes = 0

    def _count(self, tenant: str, change: int) -> None:
        self._bytes[tenant] = self._bytes.get(tenant, 0) + change
        self._all_bytes += change

    def add(self, tenant: str, chunk: C, seen: _Seen) -> None:
        """Add what a frame decoded to, which has rows."""
        self._mark = (len(self.origins), len(self.fields))
        self.chunks.append((tenant, chunk))
        self._count(tenant, chunk.memory_bytes())
        for day in days_of(chunk.head):
            # One of several days is written for each of them: that it was there is what is asked.
            self.origins += (
                NewOrigin(tenant, day, chunk.head.recv_s, row)
                for row in chunk.head.origins
                if seen.is_new(tenant, day, row.id)
            )
            self.fields += (
                NewField(tenant, day, chunk.head.recv_s, name)
                for name in chunk.head.names
                if len(name) <= _FIELD_LONGEST and seen.is_new(tenant, day, name)
            )

    def undo(self, seen: _Seen) -> None:
        """Take the chunk that was added last out again, and what was new of it."""
        tenant, chunk = self.chunks.pop()
        origins, fields = self._mark
        for origin in self.origins[origins:]:
            seen.take_back(tenant, origin.day, origin.row.id)
        for one in self.fields[fields:]:
            seen.take_back(tenant, one.day, one.name)
        del self.origins[origins:], self.fields[fields:]
        self._count(tenant, -chunk.memory_bytes())

    def memory_bytes(self, tenant: str | None = None) -> int:
        """Return roughly what the batch holds in memory, of all tenants or of one; from any thread."""
        return self._all_bytes if tenant is None else self._bytes.get(tenant, 0)

    def last_span_ms(self) -> tuple[int, int] | None:
        """Return the first and the last time of the chunk that was added last."""
        if not self.chunks:
            return None
        first, last = self.chunks[-1][1].head.first_and_last_ns()
        return first // _NS_IN_MS, last // _NS_IN_MS

    def insert(self, engine: Engine, token: str) -> None:
        """Store the batch durably, once; origins first, so that no row names one that is unknown."""
        insert_origins(engine, self.signal.origin_table, self.origins, token)
        insert_fields(engine, self.signal.field_table, self.fields, token)
        self.signal.insert(engine, self.chunks, token)

    def note(self, changes: Changes) -> None:
        """Tell the caches above whose origins there are more of."""
        for tenant in dict.fromkeys(one.tenant for one in self.origins):
            changes.note_origins(tenant, self.signal.what)

    def give_back(self) -> None:
        """Let go of the chunks."""
        self.chunks.clear()


class EventsSignal(Generic[C]):
    """What logs and spans have in common as signals; see `Signal`."""

    what: ClassVar[str]
    origin_table: ClassVar[str]
    field_table: ClassVar[str]

    def __init__(self) -> None:
        self._known = KnownOrigins()
        self._seen = _Seen()

    def unpack(self, kind: int, payload: Plain) -> Plain:
        """Return the request in a frame; see `Signal.unpack`."""
        del kind
        return frames.unpack(payload)

    def begin(self) -> EventsBatch[C]:
        """Return an empty batch."""
        batch: EventsBatch[C] = EventsBatch(self)
        return batch

    def decode(self, into: EventsBatch[C], tenant: str, plain: Plain, recv_ns: int) -> EventsTaken:
        """Add a request to a batch; see `Signal.decode`."""
        return self._taken(into, tenant, self._chunk(plain, recv_ns))

    def _taken(self, into: EventsBatch[C], tenant: str, chunk: C) -> EventsTaken:
        if chunk.head.rows:
            into.add(tenant, chunk, self._seen)
        return EventsTaken(self.what, chunk.head.rows, chunk.head.rejected, chunk.head.reason)

    def undo(self, batch: EventsBatch[C]) -> None:
        """Take the request that was decoded last out again."""
        batch.undo(self._seen)

    def forget(self) -> None:
        """Take every origin and field for new."""
        self._seen.forget()

    def forget_tenant(self, tenant: str) -> None:
        """Take a tenant's origins and fields for new."""
        self._seen.forget(tenant)

    def active(self) -> Mapping[str, int]:
        """Return nothing: there are no series."""
        return {}

    def fresh(self) -> EventsSignal[C]:
        """Return a signal that has seen nothing."""
        return type(self)()

    def insert(self, engine: Engine, chunks: list[tuple[str, C]], token: str) -> None:
        """Store the rows of chunks."""
        raise NotImplementedError

    def _chunk(self, plain: Plain, recv_ns: int) -> C:
        raise NotImplementedError


class LogSignal(EventsSignal[LogChunk]):
    """Log records, of which rules may keep a share only; `label_of` returns what metrics call a tenant.

    What rules leave out does not get into the log of accepted frames, so a fresh signal has none.
    """

    what = "logs"
    origin_table = "log_origins"
    field_table = "log_fields"

    def __init__(self, rules: SamplingRules | None = None, label_of: Callable[[str], str] = str) -> None:
        super().__init__()
        self._rules = rules or SamplingRules()
        self._label_of = label_of
        self._bars: dict[tuple[str, str], NDArray[np.int64] | None] = {}
        self._bars_of: Sampling | None = None

    def decode(self, into: EventsBatch[LogChunk], tenant: str, plain: Plain, recv_ns: int) -> EventsTaken:
        """Add to a batch what is kept of a request; see `Signal.decode`."""
        rules = self._rules.now
        if not rules.logs:
            return super().decode(into, tenant, plain, recv_ns)
        whole, places = decode_placed_logs(plain, recv_ns, self._known)
        sampled = sample_logs(whole, places, partial(self._bars_for, rules, tenant))
        if sampled is None:
            return self._taken(into, tenant, whole)
        taken = self._taken(into, tenant, decode_logs(sampled.plain, recv_ns, self._known))
        return replace(
            taken,
            rejected=whole.head.rejected,
            reason=whole.head.reason,
            kept=(FrameKind.LOGS, sampled.plain),
            dropped=sampled.dropped,
            tenant=self._label_of(tenant),
        )

    def _bars_for(self, rules: Sampling, tenant: str, service: str) -> NDArray[np.int64] | None:
        if self._bars_of is not rules or len(self._bars) >= _BARS_MOST:
            self._bars, self._bars_of = {}, rules
        pair = (tenant, service)
        if pair not in self._bars:
            shares = rules.shares_of_logs(tenant, service)
            self._bars[pair] = None if shares is None else np.array([bar_of(one) for one in shares], np.int64)
        return self._bars[pair]

    def insert(self, engine: Engine, chunks: list[tuple[str, LogChunk]], token: str) -> None:
        """Store log records."""
        if chunks:
            insert_logs(engine, chunks, token)

    def _chunk(self, plain: Plain, recv_ns: int) -> LogChunk:
        return decode_logs(plain, recv_ns, self._known)


class SpanSignal(EventsSignal[SpanChunk]):
    """Spans."""

    what = "spans"
    origin_table = "span_origins"
    field_table = "span_fields"

    def insert(self, engine: Engine, chunks: list[tuple[str, SpanChunk]], token: str) -> None:
        """Store spans."""
        if chunks:
            insert_spans(engine, chunks, token)

    def _chunk(self, plain: Plain, recv_ns: int) -> SpanChunk:
        return decode_spans(plain, recv_ns, self._known)
