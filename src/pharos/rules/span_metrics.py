"""Metrics made of spans: rate, errors and durations as series, each with a trace as its example.

Names and labels are those of Tempo's metrics generator (grafana.com/docs/tempo/latest/metrics-from-traces/
span-metrics), so that dashboards and Grafana's service view find them. A span is counted when it came,
however late it was. Counters go on after a restart where they ended: what they were stands in the series
themselves, and up to when spans are counted in one more, written with them in one piece.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from msgspec import Struct

from pharos.access import Scope
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.gotext.numbers import format_g
from pharos.labels import BUCKET_LABEL, METRIC_NAME, Labels, labels_of
from pharos.query.events.lower import KINDS, STATUSES
from pharos.query.events.span_arrivals import Arrived, ArrivedCalls, ArrivedSpans
from pharos.rules.doors import QueryDoor
from pharos.rules.evaluate import Element, elements

COUNTED: Final = "pharos_span_metrics_counted_until_seconds"
"""The series that says up to when spans are counted, in Unix seconds."""
BOUNDS_NS: Final = tuple(2_000_000 << place for place in range(14))
"""2 ms and its doubles up to 16.4 s, as Tempo's."""
SETS_MAX: Final = 5_000
"""So many sets of services, names, kinds and statuses of a tenant are told apart; the others count as one."""
OVERFLOW: Final[Labels] = (("otel_metric_overflow", "true"),)
"""What OpenTelemetry calls the others."""
_SPANS: Final = "traces_spanmetrics"
_GRAPH: Final = "traces_service_graph_request"
FAMILIES: Final[Mapping[str, tuple[str, str]]] = {
    f"{_SPANS}_calls_total": ("counter", "Spans that came in."),
    f"{_SPANS}_latency": ("histogram", "Durations of spans in seconds."),
    f"{_GRAPH}_total": ("counter", "Calls of a service by another."),
    f"{_GRAPH}_failed_total": ("counter", "Calls of a service by another that failed."),
    f"{_GRAPH}_server_seconds": ("histogram", "Durations of calls in seconds, as the callee has them."),
}
"""By name: type, help."""
_NS_IN_S: Final = 1e9
_NS_IN_MS: Final = 1_000_000
_MS_IN_S: Final = 1000
_IDLE_S: Final = 3_600
"""Series of which no span came for so long end."""
_REMEMBERED: Final = "30d"
_BOUNDS: Final = (*(format_g(bound / _NS_IN_S) for bound in BOUNDS_NS), format_g(math.inf))
_EVERY: Final = f'{{__name__=~"(?:{_SPANS}|{_GRAPH})_.+"}}'


class SpanExample(Struct, frozen=True):
    """A span that a bucket counted."""

    labels: Labels
    """Of the bucket's series."""
    trace_id: str
    span_id: str
    at_ms: int
    duration_s: float


class SpanSamples(Struct, frozen=True):
    """What is to be written at one time, in one piece."""

    at_ms: int
    samples: Sequence[tuple[Labels, float]]
    begun: Sequence[Labels] = ()
    """New counters: they were 0 at `begun_ms`."""
    begun_ms: int = 0
    gone: Sequence[Labels] = ()
    """Series that end: each gets a stale marker."""
    examples: Sequence[SpanExample] = ()


class SpanSampleSink(Protocol):
    """Who keeps what is made of spans."""

    async def take(self, scope: Scope, made: SpanSamples) -> None:
        """Keep it durably, all or nothing. Raises PharosError when it may not be kept."""
        ...


class SpanReader(Protocol):
    """Who knows which spans came in."""

    async def arrived(
        self, scope: Scope, from_s: int, until_s: int
    ) -> tuple[Sequence[ArrivedSpans], Sequence[ArrivedCalls]]:
        """Return the spans and calls that came from one second up to another. Raises PharosError."""
        ...


class _Counters(Struct):
    """The series of one set of labels."""

    counts: tuple[Labels, ...]
    """All of them, and those of them that failed where these are counted apart."""
    buckets: tuple[Labels, ...]
    total: Labels
    count: Labels
    touched_s: int

    def __iter__(self) -> Iterator[Labels]:
        return iter((*self.counts, *self.buckets, self.total, self.count))


def _counters(of: Labels, touched_s: int, *, is_graph: bool) -> _Counters:
    def named(name: str, *more: tuple[str, str]) -> Labels:
        return labels_of((*of, (METRIC_NAME, name), *more))

    names = (f"{_GRAPH}_total", f"{_GRAPH}_failed_total") if is_graph else (f"{_SPANS}_calls_total",)
    base = f"{_GRAPH}_server_seconds" if is_graph else f"{_SPANS}_latency"
    return _Counters(
        tuple(map(named, names)),
        tuple(named(f"{base}_bucket", (BUCKET_LABEL, bound)) for bound in _BOUNDS),
        named(f"{base}_sum"),
        named(f"{base}_count"),
        touched_s,
    )


def _labels(one: ArrivedSpans) -> Labels:
    return (
        ("service", one.service),
        ("span_kind", f"SPAN_KIND_{_word(KINDS, one.kind)}"),
        ("span_name", one.name),
        ("status_code", f"STATUS_CODE_{_word(STATUSES, one.status)}"),
    )


def _word(words: Sequence[str], number: int) -> str:
    return words[number].upper() if number < len(words) else str(number)


class SpanTally:
    """How many spans and calls of a tenant were counted up to a second."""

    def __init__(self, until_s: int, totals: Mapping[Labels, float]) -> None:
        self.until_s = until_s
        self._totals = dict(totals)
        self._counters: dict[tuple[Labels, bool], _Counters] = {}
        for labels in totals:
            of = tuple(pair for pair in labels if pair[0] not in {METRIC_NAME, BUCKET_LABEL})
            is_graph = dict(labels)[METRIC_NAME].startswith(_GRAPH)
            if (of, is_graph) not in self._counters:
                self._counters[of, is_graph] = _counters(of, until_s, is_graph=is_graph)

    def add(self, spans: Iterable[ArrivedSpans], calls: Iterable[ArrivedCalls], until_s: int) -> SpanSamples:
        """Count what came up to a second; return what is to be written then."""
        begun: list[Labels] = []
        examples: list[SpanExample] = []
        for one in spans:
            counters = self._of(_labels(one), until_s, begun, is_graph=False)
            examples.append(self._count(counters, one.found))
        for call in calls:
            of = (("client", call.caller), ("server", call.callee))
            counters = self._of(of, until_s, begun, is_graph=True)
            examples.append(self._count(counters, call.found, call.errors))
        gone = self._forget(until_s)
        before_s, self.until_s = self.until_s, until_s
        samples = [*self._totals.items(), (((METRIC_NAME, COUNTED),), float(until_s))]
        # Not at that second itself, where a series that ended then has its marker.
        return SpanSamples(until_s * _MS_IN_S, samples, begun, before_s * _MS_IN_S + 1, gone, tuple(examples))

    def _count(self, counters: _Counters, found: Arrived, *failed: int) -> SpanExample:
        totals = self._totals
        for labels, count in zip(counters.counts, (found.count, *failed), strict=True):
            totals[labels] += count
        totals[counters.count] += found.count
        totals[counters.total] += found.total_ns / _NS_IN_S
        for bucket in counters.buckets[found.bucket :]:
            totals[bucket] += found.count
        return SpanExample(
            counters.buckets[found.bucket],
            found.trace_id,
            found.span_id,
            found.at_ns // _NS_IN_MS,
            found.duration_ns / _NS_IN_S,
        )

    def _of(self, labels: Labels, until_s: int, begun: list[Labels], *, is_graph: bool) -> _Counters:
        found = self._counters.get((labels, is_graph))
        if found is None and len(self._counters) >= SETS_MAX:
            labels = OVERFLOW
            found = self._counters.get((labels, is_graph))
        if found is None:
            found = self._counters[labels, is_graph] = _counters(labels, until_s, is_graph=is_graph)
            fresh = [one for one in found if one not in self._totals]
            self._totals.update(dict.fromkeys(fresh, 0.0))
            begun += fresh
        found.touched_s = until_s
        return found

    def _forget(self, until_s: int) -> list[Labels]:
        idle = [key for key, one in self._counters.items() if until_s - one.touched_s > _IDLE_S]
        gone = [labels for key in idle for labels in self._counters.pop(key)]
        for labels in gone:
            self._totals.pop(labels, None)
        return gone


@dataclass(slots=True)
class SpanMetrics:
    """Makes metrics of a tenant's spans, step by step. For one event loop."""

    scope: Scope
    reader: SpanReader
    metrics: QueryDoor
    sink: SpanSampleSink
    clock: Clock
    since_s: int
    """From when on spans are counted, where none ever were."""
    _tally: SpanTally | None = field(default=None, init=False)
    _unsure_ns: int = field(default=0, init=False)
    """When something was written of which it is not known whether it is kept; 0 for never."""

    async def step(self, until_s: int, stored_ns: int) -> None:
        """Count what came up to a second, which is stored as all is that was taken before `stored_ns`.

        Raises PharosError; what could not be counted is counted the next time.
        """
        tally = self._tally
        if tally is None:
            if stored_ns <= self._unsure_ns:
                raise PharosError(Kind.UNAVAILABLE, "what was counted last is not known to be stored yet")
            tally = self._tally = await self._restored() or SpanTally(self.since_s, {})
        if tally.until_s >= until_s:
            return
        came = await self.reader.arrived(self.scope, tally.until_s, until_s)
        made = tally.add(*came, until_s)
        # Until it is kept nothing is known: should this fail, what is stored says.
        self._tally, self._unsure_ns = None, self.clock.now_ns()
        await self.sink.take(self.scope, made)
        self._tally = tally

    async def _restored(self) -> SpanTally | None:
        """Return what is stored of what was counted; None where there is nothing."""
        found = await self._ask(f"last_over_time({COUNTED}[{_REMEMBERED}])", self.clock.now_ms())
        if not found:
            return None
        until_s = int(found[0].value)
        totals = await self._ask(_EVERY, until_s * _MS_IN_S)
        return SpanTally(until_s, {one.labels: one.value for one in totals})

    async def _ask(self, expr: str, at_ms: int) -> list[Element]:
        one = self.metrics.prepare([expr], 0).round(self.scope, at_ms)
        return await one.run("span metrics", lambda: elements(one.answer(0)))
