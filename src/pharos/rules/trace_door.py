"""Rules over spans: expressions in TraceQL that make metrics.

A value is about the time up to the evaluation, as long as `with(window=...)` says; without it that since the
evaluation before, so that a group that is evaluated each time counts each span once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeAlias, TypeVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pharos.access import Scope
from pharos.engine import Session
from pharos.gotext.numbers import format_g
from pharos.labels import BUCKET_LABEL, Labels, labels_of
from pharos.promql.grids.grid import Answer
from pharos.query.events.span_series import SpanLabels, Windows
from pharos.query.events.traces import Traces
from pharos.query.limits import Times
from pharos.rules.compared import Compared
from pharos.rules.doors import Prepared
from pharos.rules.event_door import EventExpressions, times_of, vector
from pharos.rules.trace_expression import HISTOGRAM, compared_spans, label_names, parse_span_rule
from pharos.search.traceql.ast import SpanMetric
from pharos.search.window import Window

T = TypeVar("T")
_NS_IN_MS: Final = 1_000_000
_Series: TypeAlias = "tuple[SpanLabels, NDArray[np.float64], NDArray[np.bool_]]"


def _windows(query: SpanMetric, times: Times, interval_ms: int) -> Windows:
    return Windows(
        times.start_ms * _NS_IN_MS,
        query.window_ns or interval_ms * _NS_IN_MS,
        times.step_ms * _NS_IN_MS,
        len(times_of(times)),
    )


class TraceDoor(Struct, frozen=True):
    """Answers TraceQL."""

    traces: Traces

    def prepare(self, expressions: Sequence[str], interval_ms: int) -> Prepared:
        """Return expressions that will be asked together. Raises PharosError(INVALID)."""
        return EventExpressions(self, [self.parse(one) for one in expressions], interval_ms)

    def parse(self, text: str) -> SpanMetric:
        """Return an expression. Raises PharosError: INVALID, UNSUPPORTED."""
        return parse_span_rule(text)

    def compared(self, query: SpanMetric) -> Compared[SpanMetric]:
        """Return what an expression measures, and the limit that it compares that with."""
        return compared_spans(query)

    def time_of(self, query: SpanMetric, times: Times, interval_ms: int) -> Window:
        """Return of which time it takes spans."""
        return _windows(query, times, interval_ms).whole

    async def ask(self, scope: Scope, name: str, window: Window, work: Callable[[Session], T]) -> T:
        """Return what `work` makes of a session."""
        return await self.traces.ask(scope, ("rules", name), work, window)

    def answer(
        self, given: Session, scope: Scope, query: SpanMetric, times: Times, interval_ms: int
    ) -> Answer:
        """Return the answer at these times."""
        found = self.traces.measure(given, scope, query, _windows(query, times, interval_ms))
        names = label_names(query.measure)
        series: Iterable[_Series] = zip(found.labels, found.values, found.present, strict=True)
        if query.measure.name == HISTOGRAM:
            series = _cumulative(series)
        return vector(
            times,
            [(_labels(one, names), values, present) for one, values, present in series if present.any()],
        )


def _cumulative(found: Iterable[_Series]) -> Iterator[_Series]:
    """Yield histograms as PromQL reads them: each bucket counts those below it too, the last one all."""
    parts: dict[SpanLabels, list[tuple[float, NDArray[np.float64], NDArray[np.bool_]]]] = {}
    for labels, counts, present in found:
        *rest, (_, bound) = labels
        parts.setdefault(tuple(rest), []).append((float(bound), counts, present))
    for others, buckets in parts.items():
        total = np.zeros_like(buckets[0][1])
        for bound, counts, present in sorted(buckets, key=lambda bucket: bucket[0]):
            total = total + counts
            yield (*others, (BUCKET_LABEL, bound)), total, present
        yield (*others, (BUCKET_LABEL, math.inf)), total, np.any([there for _, _, there in buckets], axis=0)


def _labels(found: SpanLabels, names: dict[str, str]) -> Labels:
    return labels_of(
        {names.get(key, key): said if isinstance(said, str) else format_g(said) for key, said in found}
    )
