"""The part of a server that makes metrics of spans, where the settings ask for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from msgspec import Struct, field

from pharos.access import DEFAULT, Scope, upkeep
from pharos.clock import Clock
from pharos.config import Settings
from pharos.engine import Session
from pharos.errors import PharosError
from pharos.ingest.accept import Intake
from pharos.ingest.remote_write.messages import encode_exemplar, encode_labels, encode_metadata
from pharos.ingest.remote_write.points import PointEncoder
from pharos.ingest.remote_write.submission import made as made_here
from pharos.queries import Queries
from pharos.query.events.span_arrivals import (
    Arrivals,
    ArrivedCalls,
    ArrivedSpans,
    arrived_calls,
    arrived_spans,
)
from pharos.query.events.traces import Traces
from pharos.rules.doors import MetricsDoor
from pharos.rules.span_metrics import BOUNDS_NS, FAMILIES, SpanMetrics, SpanSamples
from pharos.store import Store, tenants_of_spans
from pharos.works import at_work

_LOG = logging.getLogger(__name__)

_LOOK_S: Final = 1.0
_NS_IN_MS: Final = 1_000_000
_MS_IN_S: Final = 1000
_NS_IN_S: Final = 10**9


class ArrivalReader(Struct, frozen=True):
    """Reads which spans came in."""

    traces: Traces
    late_ms: int

    async def arrived(
        self, scope: Scope, from_s: int, until_s: int
    ) -> tuple[Sequence[ArrivedSpans], Sequence[ArrivedCalls]]:
        """Return the spans and calls that came from one second up to another. Raises as `Traces.ask`."""
        arrivals = Arrivals(from_s, until_s, self.late_ms * _NS_IN_MS)

        def work(session: Session) -> tuple[Sequence[ArrivedSpans], Sequence[ArrivedCalls]]:
            return (
                arrived_spans(session, scope, arrivals, BOUNDS_NS),
                arrived_calls(session, scope, arrivals, BOUNDS_NS),
            )

        return await self.traces.ask(scope, "span metrics", work)


class SpanSampleWriter(Struct):
    """Keeps what is made of spans as any other write."""

    intake: Intake
    encoder: PointEncoder = field(default_factory=PointEncoder)

    async def take(self, scope: Scope, made: SpanSamples) -> None:
        """Keep it durably, all or nothing. Raises PharosError as the intake does."""
        parts = [encode_metadata(name, *told, "") for name, told in FAMILIES.items()]
        if made.begun:
            parts.append(self.encoder.request(made.begun_ms, ((labels, 0.0) for labels in made.begun)))
        parts.append(self.encoder.request(made.at_ms, made.samples, gone=made.gone))
        parts += (
            encode_exemplar(
                encode_labels(one.labels),
                (("span_id", one.span_id), ("trace_id", one.trace_id)),
                one.duration_s,
                one.at_ms,
            )
            for one in made.examples
        )
        await self.intake.accept(made_here(scope, b"".join(parts), source="span_metrics"))


class Measuring(Struct, frozen=True):
    """Takes steps of all tenants that have spans."""

    queries: Queries
    store: Store
    clock: Clock
    interval_ms: int
    late_ms: int
    writer: SpanSampleWriter
    since_s: int
    """When this process began: what came before is counted of tenants alone of which spans were."""
    of_tenants: dict[str, SpanMetrics] = field(default_factory=dict)

    async def run(self) -> None:
        """Go on for ever, once all that was accepted before is there."""
        await asyncio.shield(asyncio.wrap_future(self.store.loader.recovered))
        last_s = 0
        while True:
            stored_ns = self.stored_ns()
            until_s = stored_ns // _NS_IN_MS // self.interval_ms * self.interval_ms // _MS_IN_S
            if until_s > last_s:
                last_s = until_s
                await self.step(until_s, stored_ns)
            await asyncio.sleep(_LOOK_S)

    def stored_ns(self) -> int:
        """Return a time: all that was taken before is stored."""
        intake = self.store.intake
        now_ns = intake.between_frames(self.clock.now_ns)
        return min(now_ns, intake.oldest_recv_ns() or now_ns)

    async def step(self, until_s: int, stored_ns: int) -> None:
        """Count what came up to a second; of a tenant of which that fails, the next time."""
        traces = self.queries.traces
        try:
            tenants = await traces.ask(upkeep(DEFAULT.tenant), "tenants of spans", tenants_of_spans)
        except PharosError as exc:
            _LOG.warning("no metrics are made of spans for now: %s", exc)
            return
        for tenant in tenants:
            one = self.of_tenants.get(tenant)
            if one is None:
                one = self.of_tenants[tenant] = SpanMetrics(
                    upkeep(tenant),
                    ArrivalReader(traces, self.late_ms),
                    MetricsDoor(self.queries.metrics),
                    self.writer,
                    self.clock,
                    self.since_s,
                )
            try:
                await one.step(until_s, stored_ns)
            except PharosError as exc:
                _LOG.warning("no metrics are made of spans of %s for now: %s", tenant, exc)
        for tenant in self.of_tenants.keys() - set(tenants):
            del self.of_tenants[tenant]


@asynccontextmanager
async def open_measuring(
    queries: Queries, store: Store, clock: Clock, settings: Settings
) -> AsyncIterator[None]:
    """Make metrics of spans until the exit, if the settings say so."""
    wanted = settings.span_metrics
    if not wanted.interval:
        yield
        return
    writer = SpanSampleWriter(store.intake)
    since_s = clock.now_ms() // _MS_IN_S
    measuring = Measuring(queries, store, clock, wanted.interval, wanted.late, writer, since_s)
    async with at_work(measuring.run()):
        yield
