"""`/api/related`: what else happened where a series, a log line, a span or an alert is.

Whoever asks needs to see that one thing; of the rest they are told what they may see, and what is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace
from starlette.requests import Request

from pharos.access import ANY_IDENTITY
from pharos.api.http.identity import scope_of
from pharos.api.http.off_loop import off_loop
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Shape
from pharos.api.native.page_links import Pages, field_is
from pharos.api.native.reading import (
    FAILURES,
    STRING,
    TIME,
    Reading,
    Schema,
    line_place,
    time_ns,
    whole_number,
)
from pharos.api.prometheus.parameters import Parameters
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.gotext.numbers import format_json
from pharos.labels import Labels, MatchOp, labels_of
from pharos.promql.language.parse import parse_selector
from pharos.query.events.ids import parse_span_id, parse_trace_id
from pharos.query.metrics.query import parse_query
from pharos.related.checks import RelatedCheck
from pharos.related.find import (
    Bounds,
    Finder,
    Part,
    Related,
    RelatedAlert,
    RelatedLine,
    RelatedSeries,
    RelatedTrace,
)
from pharos.related.resource import Reason
from pharos.related.starts import Start
from pharos.related.subject import AlertAsked, Asked, LineAsked, SeriesAsked, SpanAsked, Subject
from pharos.search.window import Window
from pharos.state import audit

_MS: Final = 1_000_000
_MOST: Final = 100
_USUAL: Final = 20
_AROUND_MS: Final = 300_000
_MOST_AROUND_MS: Final = 6 * 3_600_000
_BODY: Final = 2_000
"""So much of a line is told; its page has the whole."""
_KINDS: Final = ("series", "origin", "trace_id", "fingerprint", "alert")


class SubjectShape(Shape):
    """What is asked about."""

    kind: str
    """`series`, `line`, `span` or `alert`."""
    title: str
    at_ns: str
    start_ns: str
    end_ns: str
    trace_ids: list[str]
    resource: dict[str, str]
    """What it is about: pod, instance, service, host, namespace, as far as that is known."""


class PartShape(Shape):
    """How it stands with one signal."""

    has_more: bool
    failure: str
    """Why it could not be read; empty when it was."""
    lacks: str
    """The permission that who asks would need; empty for who has it."""
    link: str
    """Where there are more of them."""


class RelatedLineShape(Shape):
    """A log line."""

    ts_ns: str
    origin: str
    level: str
    service: str
    body: str
    trace_id: str
    span_id: str
    reasons: list[str]
    link: str


class RelatedTraceShape(Shape):
    """A trace."""

    trace_id: str
    start_ns: str
    duration_ns: int
    spans: int
    errors: int
    service: str
    name: str
    reasons: list[str]
    link: str


class RelatedSeriesShape(Shape):
    """A metric of the same resource, or a series whose exemplar names the trace."""

    metric: str
    expression: str
    series: int
    at_ns: str
    """Of its exemplar; empty without one."""
    value: str
    trace_id: str
    reasons: list[str]
    link: str


class RelatedAlertShape(Shape):
    """An alert that changed then, or fired all the time."""

    fingerprint: str
    name: str
    labels: dict[str, str]
    state: str
    at_ns: str
    text: str
    reasons: list[str]
    link: str


class RelatedCheckShape(Shape):
    """A check of health that changed then, or was down all the time."""

    check: str
    title: str
    was: str
    state: str
    """What it became: `up`, `down` or `unknown`."""
    at_ns: str
    text: str
    """Why."""
    reasons: list[str]
    link: str


class RelatedStartShape(Shape):
    """A process, container, pod, host or version that began."""

    what: str
    """`process`, `container`, `pod`, `host` or `version`."""
    at_ns: str
    labels: dict[str, str]
    """Which one: pod, instance, service, host, as far as that is known."""
    version: str
    before: str
    """The version that was there before; empty for others."""
    reasons: list[str]
    link: str


class RelatedChangeShape(Shape):
    """What somebody changed."""

    number: int
    at_ns: str
    who: str
    action: str
    object: str
    reason: str
    """What whoever changed it gave as their reason."""
    reasons: list[str]
    link: str


class RelatedLinesShape(PartShape):
    """Log lines, the closest first."""

    items: list[RelatedLineShape]


class RelatedTracesShape(PartShape):
    """Traces: those that are named first, then what failed, then what was slow."""

    items: list[RelatedTraceShape]


class RelatedSeriesPartShape(PartShape):
    """Series, those with an exemplar first."""

    items: list[RelatedSeriesShape]


class RelatedAlertsShape(PartShape):
    """Alerts, those of the same resource first."""

    items: list[RelatedAlertShape]


class RelatedChecksShape(PartShape):
    """Checks of health, those of the same resource first."""

    items: list[RelatedCheckShape]


class RelatedStartsShape(PartShape):
    """What began, the closest first."""

    items: list[RelatedStartShape]


class RelatedChangesShape(PartShape):
    """Changes, the newest first."""

    items: list[RelatedChangeShape]


class RelatedShape(Shape):
    """What else happened."""

    subject: SubjectShape
    logs: RelatedLinesShape
    traces: RelatedTracesShape
    series: RelatedSeriesPartShape
    alerts: RelatedAlertsShape
    health: RelatedChecksShape
    starts: RelatedStartsShape
    changes: RelatedChangesShape


class RelatedApi(Struct, frozen=True):
    """Answers what else happened."""

    finder: Finder
    clock: Clock

    async def related(self, parameters: Parameters, request: Request) -> Any:
        """Return what else happened around one thing: lines, traces, series, alerts, health and changes,
        each with the reason why it is told and the address of the page that opens it."""
        scope = scope_of(request)
        around_ms = parameters.duration_ms("around", _AROUND_MS) or _AROUND_MS
        if not 1_000 <= around_ms <= _MOST_AROUND_MS:
            raise PharosError(Kind.INVALID, "around must be from 1s to 6h")
        bounds = Bounds(around_ms * _MS, whole_number(parameters, "limit", _USUAL, _MOST))
        asked = await off_loop(len(parameters.first("series")), partial(self._asked, parameters))
        return _shown(await self.finder.find(scope, asked, bounds), scope.tenant)

    def _asked(self, parameters: Parameters) -> Asked:
        named = [name for name in _KINDS if parameters.first(name)]
        if len(named) != 1:
            raise PharosError(
                Kind.INVALID,
                f"exactly one of {', '.join(_KINDS)} must be given, not {', '.join(named) or 'none'}",
            )
        now_ns = self.clock.now_ns()
        match named[0]:
            case "series":
                query = parse_query(parameters.first("series"))
                own = _labels(parameters, "labels")
                return SeriesAsked(query, own, time_ns(parameters, "time", now_ns))
            case "origin":
                return LineAsked(*line_place(parameters))
            case "trace_id":
                span = parameters.first("span_id")
                return SpanAsked(
                    parse_trace_id(parameters.first("trace_id")), parse_span_id(span) if span else ""
                )
            case "fingerprint":
                at_ns = time_ns(parameters, "time", -1)
                return AlertAsked(parameters.first("fingerprint"), None if at_ns < 0 else at_ns)
            case _:
                return AlertAsked("", time_ns(parameters, "time", now_ns), _labels(parameters, "alert"))

    def operations(self) -> Iterator[Operation]:
        """Yield the operation."""
        read = _READING.operation("/api/related", self.related, {}, _INPUTS)
        answers = {**read.responses, 200: {"data": RelatedShape, "description": "Done."}}
        yield replace(read, name="related", summary="What else happened", responses=answers)


def _labels(parameters: Parameters, name: str) -> Labels:
    """Return the labels that equalities name, as `{job="api"}`. Raises PharosError(INVALID)."""
    text = parameters.first(name)
    if text.strip() in {"", "{}"}:
        return ()
    matchers = parse_selector(text)
    if any(one.op is not MatchOp.EQUAL for one in matchers):
        raise PharosError(Kind.INVALID, f'{name} must name labels by = alone, as {{job="api"}}')
    return labels_of((one.name, one.value) for one in matchers)


def _shown(found: Related, tenant: str) -> dict[str, Any]:
    subject = found.subject
    pages = Pages(tenant, subject.window)
    query = _query(subject)
    service = dict(subject.resource.labels()).get("service", "")
    worst = found.series.items[0].metric.expression() if found.series.items else ""
    return {
        "subject": _subject(subject),
        "logs": _part(found.logs, pages.logs(query), (_line(one, pages) for one in found.logs.items)),
        "traces": _part(
            found.traces, pages.traces(service), (_trace(one, pages) for one in found.traces.items)
        ),
        "series": _part(
            found.series, pages.explore(worst), (_series(one, pages) for one in found.series.items)
        ),
        "alerts": _part(found.alerts, pages.alerts(), (_alert(one, pages) for one in found.alerts.items)),
        "health": _part(found.health, pages.health(), (_check(one, pages) for one in found.health.items)),
        "starts": _part(
            found.starts, pages.traces(service), (_start(one, tenant) for one in found.starts.items)
        ),
        "changes": _part(
            found.changes,
            pages.audit(),
            (_change(one, tenant, subject.window) for one in found.changes.items),
        ),
    }


def _subject(subject: Subject) -> dict[str, Any]:
    return {
        "kind": subject.kind.value,
        "title": subject.title,
        "at_ns": str(subject.at_ns),
        "start_ns": str(subject.window.start_ns),
        "end_ns": str(subject.window.end_ns),
        "trace_ids": list(subject.trace_ids),
        "resource": dict(subject.resource.labels()),
    }


def _query(subject: Subject) -> str:
    """Return the search of the lines that are closest to it."""
    if subject.trace_ids:
        return " OR ".join(f"trace_id:{one}" for one in subject.trace_ids)
    return field_is("service", min(subject.resource.values(Reason.SERVICE), default=""))


def _part(part: Part[Any], link: str, items: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "items": list(items),
        "has_more": part.has_more,
        "failure": part.failure,
        "lacks": part.lacks,
        "link": link,
    }


def _line(one: RelatedLine, pages: Pages) -> dict[str, Any]:
    line = one.line
    by_trace = one.reason in {Reason.TRACE, Reason.EXEMPLAR}
    query = field_is("trace_id", line.trace_id) if by_trace else field_is("service", line.origin.service)
    return {
        "ts_ns": str(line.ts_ns),
        "origin": str(line.origin.id),
        "level": line.level,
        "service": line.origin.service,
        "body": line.body[:_BODY],
        "trace_id": line.trace_id,
        "span_id": line.span_id,
        "reasons": [one.reason.value],
        "link": pages.line(line.origin.id, line.ts_ns, query),
    }


def _trace(one: RelatedTrace, pages: Pages) -> dict[str, Any]:
    trace = one.trace
    return {
        "trace_id": trace.trace_id,
        "start_ns": str(trace.start_ns),
        "duration_ns": trace.duration_ns,
        "spans": trace.spans,
        "errors": trace.errors,
        "service": trace.service,
        "name": trace.name,
        "reasons": [reason.value for reason in one.reasons],
        "link": pages.trace(trace.trace_id),
    }


def _series(one: RelatedSeries, pages: Pages) -> dict[str, Any]:
    expression = one.metric.expression()
    return {
        "metric": one.metric.name,
        "expression": expression,
        "series": one.metric.series,
        "at_ns": str(one.at_ms * _MS) if one.trace_id else "",
        "value": format_json(one.value) if one.trace_id else "",
        "trace_id": one.trace_id,
        "reasons": [one.reason.value],
        "link": pages.explore(expression),
    }


def _alert(one: RelatedAlert, pages: Pages) -> dict[str, Any]:
    return {
        "fingerprint": one.fingerprint,
        "name": one.name,
        "labels": dict(one.labels),
        "state": one.step.value,
        "at_ns": str(one.at_ms * _MS),
        "text": one.text,
        "reasons": [one.reason.value],
        "link": pages.alert(one.fingerprint),
    }


def _check(one: RelatedCheck, pages: Pages) -> dict[str, Any]:
    return {
        "check": one.name,
        "title": one.title,
        "was": one.was,
        "state": one.became,
        "at_ns": str(one.at_ms * _MS),
        "text": one.text,
        "reasons": [one.reason.value],
        "link": pages.check(one.name),
    }


def _start(one: Start, tenant: str) -> dict[str, Any]:
    at_ns = one.at_ms * _MS
    service = one.labels.get("service", "")
    pages = Pages(tenant, Window(max(at_ns - 300 * 10**9, 0), at_ns + 300 * 10**9))
    return {
        "what": one.what.value,
        "at_ns": str(at_ns),
        "labels": dict(one.labels),
        "version": one.version,
        "before": one.before,
        "reasons": [one.reason.value],
        "link": pages.traces(service) if one.version else pages.logs(field_is("service", service)),
    }


def _change(one: audit.Entry, tenant: str, window: Window) -> dict[str, Any]:
    at_ns = one.time_ms * _MS
    is_before = at_ns < window.start_ns
    around = Window(max(at_ns - 60 * 10**9, 0), at_ns + 60 * 10**9)
    return {
        "number": one.number,
        "at_ns": str(at_ns),
        "who": one.name or one.who,
        "action": one.action,
        "object": one.object,
        "reason": one.reason,
        "reasons": ["in the hour before" if is_before else Reason.TIME.value],
        "link": Pages(tenant, around).audit(),
    }


_INPUTS: Final[Mapping[str, Schema]] = {
    "series": {
        "type": "string",
        "description": "A PromQL selector or expression: what was drawn.",
        "examples": ['http_requests_total{job="api"}'],
    },
    "labels": {
        "type": "string",
        "description": 'Which of its series, by the labels that are left of it, as {job="api"}.',
    },
    "origin": {"type": "string", "description": "Of a log line, with its `ts`: both as a search tells them."},
    "ts": TIME,
    "trace_id": STRING,
    "span_id": {"type": "string", "description": "A span of the trace; all of it without one."},
    "fingerprint": {"type": "string", "description": "Of an alert."},
    "alert": {"type": "string", "description": 'The labels of an alert, as {alertname="DiskFull"}.'},
    "time": {**TIME, "description": "When: of a series, now without it; of an alert, when it fired last."},
    "around": {
        "type": ["number", "string"],
        "description": "So long before and behind it; 5m without it, 6h at most.",
    },
    "limit": {"type": "integer", "minimum": 1, "maximum": _MOST, "description": "The most of each signal."},
}
_READING: Final = Reading(
    ANY_IDENTITY,
    "related",
    "related",
    {
        **FAILURES,
        403: "Who asks may not see what is asked about.",
        413: "What is asked for is too large.",
        422: "It cannot be answered.",
        429: "It reads more than it may, or too many are asked.",
    },
)
