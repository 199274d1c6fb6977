"""What is asked about: where it is in time, which traces it belongs to, and what it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final, TypeAlias

from msgspec import Struct

from pharos.access import Scope
from pharos.alert import ALERT_NAME, Alert, fingerprint
from pharos.alerting.why import labels_of
from pharos.errors import Kind, PharosError
from pharos.labels import METRIC_NAME, Labels, MatchOp
from pharos.labels import labels_of as sorted_labels
from pharos.promql.plan import plan
from pharos.query.events.ids import parse_trace_id
from pharos.query.events.log_search import LogSearch
from pharos.query.events.rows import Span
from pharos.query.events.traces import Traces
from pharos.query.limits import Times
from pharos.query.metrics.catalog import Catalog, Exemplar
from pharos.query.metrics.evaluation import Metrics
from pharos.query.metrics.query import SUBQUERY_STEP_MS, Query
from pharos.related.checks import Checked
from pharos.related.resource import Reason, Resource, resource_of, resource_of_origin
from pharos.search.tree import Origins
from pharos.search.window import Window
from pharos.state import State, Unit, timeline
from pharos.state.timeline import Entry, Step

_MS: Final = 1_000_000
_HOUR_MS: Final = 3_600_000
_MOST_STEPS: Final = 400
_MOST_ALIKE: Final = 50
_MOST_TRACES: Final = 10
_TITLE: Final = 200
TRACE_LABELS: Final = ("trace_id", "traceID", "traceId", "traceid")
"""What exemplars call the id of their trace."""


class SubjectKind(StrEnum):
    """What can be asked about."""

    SERIES = "series"
    LINE = "line"
    SPAN = "span"
    ALERT = "alert"


VIEWS: Final[Mapping[SubjectKind, str]] = {
    SubjectKind.SERIES: "metrics.view",
    SubjectKind.LINE: "logs.view",
    SubjectKind.SPAN: "traces.view",
    SubjectKind.ALERT: "alerts.view",
}
"""What one must be allowed to, to ask about it."""


class SeriesAsked(Struct, frozen=True):
    """A line of a chart at a time: what was drawn, and which of its series by the labels that it has left."""

    query: Query
    labels: Labels
    at_ns: int


class LineAsked(Struct, frozen=True):
    """A log line, by its origin and its time: what a search of logs tells of each."""

    origin: int
    ts_ns: int


class SpanAsked(Struct, frozen=True):
    """A span, or a whole trace where no span is named."""

    trace_id: str
    span_id: str = ""


class AlertAsked(Struct, frozen=True):
    """An alert, at a time or (None) when it fired last."""

    fingerprint: str
    at_ns: int | None = None
    labels: Labels = ()
    """Where they are named: then it needs not be known here."""


Asked: TypeAlias = SeriesAsked | LineAsked | SpanAsked | AlertAsked


class Subject(Struct, frozen=True):
    """What is asked about, found."""

    kind: SubjectKind
    title: str
    at_ns: int
    window: Window
    resource: Resource
    trace_ids: tuple[str, ...] = ()
    """The traces that it belongs to, the nearest first."""
    by: Reason = Reason.TRACE
    """How that is known."""
    linked: tuple[str, ...] = ()
    """Other traces that it links to."""
    fingerprint: str = ""
    """Of an alert."""
    origin: int = 0
    """Of a line."""
    metrics: frozenset[str] = frozenset()
    """Of a series."""
    unread: str = ""
    """Why its exemplars could not be read."""


class Sources(Struct, frozen=True):
    """Who knows what of each signal."""

    logs: LogSearch
    traces: Traces
    metrics: Metrics
    catalog: Catalog
    state: State
    living: Callable[[str], Sequence[Alert]]
    """The alerts of a tenant that are not over."""
    checks: Callable[[str], Mapping[str, Checked]]
    """What the checks of health of a tenant look at, by name."""


async def find_subject(sources: Sources, scope: Scope, asked: Asked, around_ns: int) -> Subject:
    """Return what is asked about, with so much time before and behind it.

    Raises PharosError: MISSING where it is not there, DENIED where who asks may not see it, and as the
    queries of its signal do.
    """
    match asked:
        case SeriesAsked():
            scope.check(VIEWS[SubjectKind.SERIES])
            return await _series(sources, scope, asked, around_ns)
        case LineAsked():
            scope.check(VIEWS[SubjectKind.LINE])
            return await _line(sources, scope, asked, around_ns)
        case SpanAsked():
            scope.check(VIEWS[SubjectKind.SPAN])
            return await _span(sources, scope, asked, around_ns)
        case AlertAsked():
            scope.check(VIEWS[SubjectKind.ALERT])
            return await _alert(sources, scope, asked, around_ns)


def _around(start_ns: int, end_ns: int, around_ns: int) -> Window:
    return Window(max(start_ns - around_ns, 0), end_ns + around_ns + 1)


def _title(text: str) -> str:
    line = text.partition("\n")[0]
    return line if len(line) <= _TITLE else f"{line[: _TITLE - 1]}…"


# -- a line of a chart --


async def _series(sources: Sources, scope: Scope, asked: SeriesAsked, around_ns: int) -> Subject:
    window = _around(asked.at_ns, asked.at_ns, around_ns)
    times = Times(window.start_ns // _MS, window.end_ns // _MS)
    planned = plan(asked.query.expr, times.start_ms, times.end_ms, 1, SUBQUERY_STEP_MS)
    fixed = {
        (one.name, one.value)
        for fetch in planned.fetches
        for one in fetch.matchers
        if one.op is MatchOp.EQUAL and one.value
    }
    own = dict(asked.labels)
    # What the series itself says goes before what the selectors say.
    pairs = [*own.items(), *((name, value) for name, value in fixed if name not in own)]
    found: list[str] = []
    unread = ""
    try:
        found = await sources.catalog.exemplars(
            scope, asked.query, times, lambda some: _trace_ids(some, own, asked.at_ns // _MS)
        )
    except PharosError as exc:
        # What is related by resource and time is told without them.
        unread = str(exc)
    return Subject(
        SubjectKind.SERIES,
        _title(asked.query.text),
        asked.at_ns,
        window,
        resource_of(pairs),
        tuple(found),
        Reason.EXEMPLAR,
        metrics=frozenset(value for name, value in pairs if name == METRIC_NAME),
        unread=unread,
    )


def _trace_ids(found: list[tuple[Labels, list[Exemplar]]], own: Mapping[str, str], at_ms: int) -> list[str]:
    """Return the traces that exemplars of a chart's line name, those nearest in time first."""
    exemplars = [
        one
        for labels, some in found
        if all(own.get(name, value) == value for name, value in labels if name != METRIC_NAME)
        for one in some
    ]
    ids = [trace_id_of(one) for one in sorted(exemplars, key=lambda one: abs(one.ts_ms - at_ms))]
    return [*dict.fromkeys(filter(None, ids))][:_MOST_TRACES]


def trace_id_of(exemplar: Exemplar) -> str:
    """Return the trace that an exemplar names, as it is stored; empty where it names none."""
    labels = dict(exemplar.labels)
    for name in TRACE_LABELS:
        if name in labels:
            try:
                return parse_trace_id(labels[name])
            except PharosError:
                # Whoever sent it called something else so.
                return ""
    return ""


# -- a log line --


async def _line(sources: Sources, scope: Scope, asked: LineAsked, around_ns: int) -> Subject:
    exact = Window(asked.ts_ns, asked.ts_ns + 1)
    page = await sources.logs.page(scope, exact, Origins((asked.origin,)), _MOST_ALIKE)
    if not page.lines:
        raise PharosError(
            Kind.MISSING,
            f"there is no line of the origin {asked.origin} at {asked.ts_ns}",
            hint="origin and ts are those of a line that a search answered with",
        )
    first = page.lines[0]
    return Subject(
        SubjectKind.LINE,
        _title(first.body),
        asked.ts_ns,
        _around(asked.ts_ns, asked.ts_ns, around_ns),
        resource_of_origin(first.origin),
        tuple(dict.fromkeys(line.trace_id for line in page.lines if line.trace_id)),
        origin=asked.origin,
    )


# -- a span --


async def _span(sources: Sources, scope: Scope, asked: SpanAsked, around_ns: int) -> Subject:
    spans = await sources.traces.trace(scope, asked.trace_id)
    if not spans:
        raise PharosError(Kind.MISSING, f"there is no trace {asked.trace_id}")
    span = _span_of(spans, asked)
    start = span.start_ns if asked.span_id else min(one.start_ns for one in spans)
    end = span.end_ns if asked.span_id else max(one.end_ns for one in spans)
    linked = (link.trace_id for one in spans if one is span or not asked.span_id for link in one.links)
    return Subject(
        SubjectKind.SPAN,
        _title(f"{span.origin.service}: {span.name}"),
        start,
        # A span may end before it begins, and last for days.
        _around(start, min(max(start, end), start + around_ns), around_ns),
        resource_of_origin(span.origin),
        (asked.trace_id,),
        linked=tuple(dict.fromkeys(one for one in linked if one != asked.trace_id))[:_MOST_TRACES],
    )


def _span_of(spans: Sequence[Span], asked: SpanAsked) -> Span:
    if not asked.span_id:
        return next((one for one in spans if not one.parent_id), spans[0])
    found = next((one for one in spans if one.span_id == asked.span_id), None)
    if found is None:
        raise PharosError(Kind.MISSING, f"there is no span {asked.span_id} in trace {asked.trace_id}")
    return found


# -- an alert --


async def _alert(sources: Sources, scope: Scope, asked: AlertAsked, around_ns: int) -> Subject:
    tenant = scope.tenant
    named = asked.fingerprint or fingerprint(asked.labels)

    def read(unit: Unit) -> tuple[Entry, ...]:
        until = None if asked.at_ns is None else asked.at_ns // _MS + 1
        return timeline.list_steps(
            unit, tenant, fingerprint=named, until_ms=until, limit=_MOST_STEPS
        ) or timeline.list_steps(unit, tenant, fingerprint=named, limit=_MOST_STEPS)

    steps = await sources.state.read(read)
    alive = next((one for one in sources.living(tenant) if one.fingerprint == named), None)
    labels = asked.labels or sorted_labels(labels_of(steps)) or (alive.labels if alive else ())
    if not labels:
        raise PharosError(Kind.MISSING, f"nothing is known of an alert {named[:80]!r}")
    fired = next((one.at_ms for one in reversed(steps) if one.step is Step.FIRING), 0)
    at_ms = fired or (steps[-1].at_ms if steps else 0) or (alive.starts_ms if alive else 0)
    at_ns = at_ms * _MS if asked.at_ns is None else asked.at_ns
    # What made it fire began when its condition began to hold.
    held = [
        one.at_ms
        for one in steps
        if one.step is Step.PENDING and at_ns // _MS - _HOUR_MS <= one.at_ms <= at_ns // _MS
    ]
    return Subject(
        SubjectKind.ALERT,
        _title(dict(labels).get(ALERT_NAME, named)),
        at_ns,
        _around(min(held[-1] * _MS, at_ns) if held else at_ns, at_ns, around_ns),
        resource_of(labels),
        fingerprint=named,
    )
