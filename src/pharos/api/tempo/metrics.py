"""Tempo's metrics of spans: series over time (`/api/metrics/query_range`), or of one (`/api/metrics/query`).

The shapes are those of `QueryRangeResponse` and `QueryInstantResponse` of Tempo's tempo.proto in JSON. A
value is about the step that ends at its time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from pharos.api.http.identity import scope_of
from pharos.api.http.warned import warnings_of
from pharos.api.native.reading import time_ns
from pharos.api.prometheus.parameters import Parameters
from pharos.api.tempo.queries import answered, partial_status
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import parse_go_duration
from pharos.gotext.numbers import format_g, parse_float
from pharos.gotext.quoting import quote
from pharos.labels import LEGACY_LABEL_NAME, METRIC_NAME
from pharos.query.events.span_series import VALUES, SpanExemplar, SpanLabels, SpanSeries, Wants, Windows
from pharos.query.events.traces import Traces
from pharos.search.traceql.ast import Intrinsic, SpanMetric
from pharos.search.traceql.parse_metrics import parse_span_metric

_S_NS: Final = 10**9
_MS_NS: Final = 10**6
_LONGEST_NS: Final = (1 << 63) - 1
_DEFAULT_NS: Final = 3_600 * _S_NS
_POINTS: Final = 120
"""So many steps there are about, where nobody says how long one is."""
_MOST_STEPS: Final = 11_000
_EXEMPLARS: Final = 100
_MOST_EXEMPLARS: Final = 1_000
_MOST_DIGITS: Final = 10
_NOTHING: Final = "nil"


def _length_ns(parameters: Parameters, name: str) -> int:
    """Return a duration, in words or seconds; 0 where there is none."""
    text = parameters.first(name)
    if not text:
        return 0
    try:
        found: float = parse_go_duration(text)
    except PharosError:
        found = _seconds(name, text) * _S_NS
    # What is no number at all is not above 0, either.
    if not 1 <= found <= _LONGEST_NS:
        raise PharosError(
            Kind.INVALID, f"invalid {name}: {text[:40]!r} is not above 0, or longer than 292 years"
        )
    return int(found)


def _seconds(name: str, text: str) -> float:
    try:
        return parse_float(text)
    except PharosError as exc:
        raise PharosError(
            Kind.INVALID, f"invalid {name}: {text[:40]!r} is no duration", hint="such as 30s, or seconds"
        ) from exc


def _exemplars(parameters: Parameters) -> int:
    text = parameters.first("exemplars")
    if not text:
        return _EXEMPLARS
    if not (text.isascii() and text.isdigit()) or len(text) > _MOST_DIGITS:
        raise PharosError(Kind.INVALID, f"invalid exemplars: {text[:40]!r} is no whole number")
    return min(int(text), _MOST_EXEMPLARS)


class TempoMetricsApi(Struct, frozen=True):
    """Answers TraceQL that makes metrics."""

    traces: Traces
    clock: Clock

    async def query_range(self, request: Request) -> Response:
        """Return what spans come to at each step, with examples."""
        return await answered(request, self._query_range)

    async def _query_range(self, parameters: Parameters, request: Request) -> Any:
        asked = _query(parameters)
        start, end = self._times(parameters)
        step = _length_ns(parameters, "step") or max((end - start) // _POINTS // _S_NS, 1) * _S_NS
        start = start // step * step
        count = -(-(end - start) // step)
        if count > _MOST_STEPS:
            raise PharosError(
                Kind.INVALID,
                f"the time has {count} steps, more than {_MOST_STEPS}",
                hint="take a longer step, or a shorter time",
            )
        most = _exemplars(parameters)
        windows = Windows(start + step, asked.window_ns or step, step, count)
        found = await self.traces.telling(warnings_of(request)).measured(
            scope_of(request), replace(asked, window_ns=0), windows, Wants(exemplars=most > 0, zeros=True)
        )
        return {
            "series": [_range(found, row, windows, asked, most) for row in range(len(found.labels))],
            "metrics": _told(found),
            **partial_status(warnings_of(request)),
        }

    async def query(self, request: Request) -> Response:
        """Return what spans come to over the whole time."""
        return await answered(request, self._query)

    async def _query(self, parameters: Parameters, request: Request) -> Any:
        asked = _query(parameters)
        start, end = self._times(parameters)
        windows = Windows(end, asked.window_ns or end - start)
        found = await self.traces.telling(warnings_of(request)).measured(
            scope_of(request), asked, windows, VALUES
        )
        return {
            "series": [
                {**_labels(labels, asked), "value": float(found.values[row, 0])}
                for row, labels in enumerate(found.labels)
                if found.present[row, 0]
            ],
            "metrics": _told(found),
            **partial_status(warnings_of(request)),
        }

    def _times(self, parameters: Parameters) -> tuple[int, int]:
        now_ns = self.clock.now_ns()
        end = time_ns(parameters, "end", now_ns)
        since_ns = _length_ns(parameters, "since") or _DEFAULT_NS
        start = time_ns(parameters, "start", max(end - since_ns, 0))
        if start >= end:
            raise PharosError(Kind.INVALID, "invalid start: it must be before end")
        return start, end


def _query(parameters: Parameters) -> SpanMetric:
    text = parameters.first("q") or parameters.first("query")
    if not text.strip():
        raise PharosError(Kind.INVALID, "q is missing: a query in TraceQL, such as { } | rate()")
    return parse_span_metric(text)


def _told(found: SpanSeries) -> dict[str, Any]:
    return {"inspectedSpans": str(found.spans), "completedJobs": 1, "totalJobs": 1}


def _range(found: SpanSeries, row: int, windows: Windows, asked: SpanMetric, most: int) -> dict[str, Any]:
    labels = found.labels[row]
    values, present = found.values[row].tolist(), found.present[row].tolist()
    first_ms, step_ms = windows.first_end_ns // _MS_NS, windows.step_ns // _MS_NS
    samples = [
        {"timestampMs": str(first_ms + place * step_ms), "value": value}
        for place, (value, is_there) in enumerate(zip(values, present, strict=True))
        if is_there
    ]
    examples = found.exemplars.get(labels, ())
    return {
        **_labels(labels, asked),
        "samples": samples,
        "exemplars": list(_examples(examples[:most], windows, asked, values)),
    }


def _examples(
    found: Sequence[SpanExemplar], windows: Windows, asked: SpanMetric, values: Sequence[float]
) -> Iterator[dict[str, Any]]:
    is_time = isinstance(asked.measure.of, Intrinsic)
    for one in found:
        place = min((one.at_ns - windows.whole.start_ns) // windows.step_ns, windows.count - 1)
        yield {
            "labels": [
                {"key": "trace:id", "value": {"stringValue": one.trace_id}},
                {"key": "span:id", "value": {"stringValue": one.span_id}},
            ],
            "value": one.duration_ns / _S_NS if is_time else values[place],
            "timestampMs": str(one.at_ns // _MS_NS),
        }


def _labels(labels: SpanLabels, asked: SpanMetric) -> dict[str, Any]:
    shown: SpanLabels = labels
    measure = asked.measure
    if measure.by and not any(key == str(field) for key, _ in labels for field in measure.by):
        # None of the fields is there.
        shown = ((str(measure.by[0]), _NOTHING), *labels)
    elif not labels:
        shown = ((METRIC_NAME, measure.name),)
    return {
        "labels": [
            {"key": key, "value": {"stringValue": said} if isinstance(said, str) else {"doubleValue": said}}
            for key, said in shown
        ],
        "promLabels": _written(shown),
    }


def _written(labels: SpanLabels) -> str:
    parts = []
    for key, said in sorted(labels, key=lambda pair: pair[0]):
        name = key if LEGACY_LABEL_NAME.fullmatch(key) else quote(key)
        parts.append(f"{name}={quote(said if isinstance(said, str) else format_g(said))}")
    return f"{{{', '.join(parts)}}}"
