"""`/api/v1/anomalies`: what was found in watched series, what people say of it, and what is watched."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from pydantic import Field
from starlette.requests import Request

from pharos.access import Scope
from pharos.anomalies.incidents import SEVERITIES
from pharos.anomalies.verdicts import LOWER, SCORE, UPPER, VALUE, verdict_selector
from pharos.anomalies.watch import Watching, read_watch
from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Body, Native, Shape
from pharos.api.native.reading import TIME, time_ns, whole_number
from pharos.api.prometheus.answers import rfc3339
from pharos.api.prometheus.parameters import Parameters, query_parameters
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.identity.sign_in import author_of
from pharos.labels import METRIC_NAME, labels_of
from pharos.promql.grids.grid import Answer
from pharos.query.limits import Times
from pharos.query.metrics.evaluation import Metrics
from pharos.query.metrics.query import parse_query
from pharos.state import State, Writing
from pharos.state.anomalies import Found, Mark, get_anomaly, list_anomalies
from pharos.state.documents import Defined, Version, drop_document, put_document
from pharos.state.tenants import require_living
from pharos.state.unit import Author

_ALL: Final = "/api/v1/anomalies"
_ONE: Final = f"{_ALL}/{{id}}"
_WATCHES: Final = "/api/v1/anomaly-watches"
_MS: Final = 1_000_000
_DAY_MS: Final = 86_400_000
_MOST: Final = 200
_USUAL: Final = 50
_KNOWN: Final = 2_000
_SPARK: Final = 60
_POINTS: Final = 360
_STEP_MS: Final = 15_000
_AROUND_MS: Final = 3_600_000
_STATES: Final = ("open", "over")
_NAMES: Final = (VALUE, LOWER, UPPER, SCORE)


class PointsShape(Shape):
    """What was judged, between which limits it was to be expected, and how unusual it was."""

    times_ms: list[int]
    values: list[float | None]
    lower: list[float | None]
    upper: list[float | None]
    scores: list[float | None]


class AnomalyShape(Shape):
    """An anomaly of one series."""

    id: str
    watch: str
    metric: str
    labels: dict[str, str]
    severity: str
    """`info`, `warning` or `critical`."""
    state: str
    """`open` or `over`."""
    start: str
    end: str | None
    score: float
    """The highest, 0 to 1; 0.5 is once in 1.8 million rows."""
    confidence: float
    value: float | None
    """When its score was the highest; null where it was missing."""
    lower: float | None
    upper: float | None
    direction: str
    """`up`, `down`, or empty where neither limit was passed."""
    mark: str
    """What somebody says of it: `none`, `abnormal` or `normal`."""
    marked_by: str
    query: str
    """PromQL of what was judged."""
    points: PointsShape | None
    """Of a list, few; null where they were not asked for."""


class AnomaliesShape(Shape):
    """Anomalies, the worst of those that go on first."""

    anomalies: list[AnomalyShape]
    total: int
    """How many there are, of which the first are listed."""
    by_severity: dict[str, int]
    watched: int
    """How many series are watched."""


class MarkBody(Body):
    """What an anomaly is."""

    mark: str
    """`abnormal`: nothing is learned from it. `normal`: that is how things are. `none`: neither."""
    reason: str = Field(default="", max_length=1000)


class WatchBody(Body):
    """Series that are to be watched."""

    series: str
    """A selector, or any PromQL."""
    gaps: bool = False
    """Whether samples that stop coming are an anomaly."""
    alerts: bool = True
    """Whether alerts are made of what is found."""
    version: int | None = Field(default=None, ge=0)
    reason: str = Field(default="", max_length=1000)


class WatchShape(Shape):
    """What is watched."""

    name: str
    series: str
    query: str
    source: str
    """`kept` here, `file`, or `automatic`."""
    gaps: bool
    alerts: bool
    followed: int
    """How many series it has now."""


class WatchVersionShape(Shape):
    """A watch as it is kept."""

    name: str
    version: int
    definition: dict[str, Any] | None
    by: str
    at: str


class AnomaliesApi(Struct, frozen=True):
    """Answers what was found."""

    native: Native
    state: State
    metrics: Metrics
    clock: Clock
    watching: Callable[[str], Sequence[Watching]]
    """Returns what is watched of a tenant."""
    mark: Callable[[str, str, Mark, Author], Awaitable[Found]]
    """Says what an anomaly of a tenant is."""

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make, view = self.native.operation, "metrics.view"
        listed = make(f"GET {_ALL}", view, self.anomalies, AnomaliesShape)
        yield replace(listed, inputs={"parameters": list(_LIST_INPUTS)})
        one = make(f"GET {_ONE}", view, self.anomaly, AnomalyShape)
        yield replace(one, inputs={"parameters": [*one.inputs["parameters"], *_TIMES]})
        yield make(f"POST {_ONE}/mark", "alerts.acknowledge", self.mark_anomaly, AnomalyShape, MarkBody)
        yield make(f"GET {_WATCHES}", view, self.anomaly_watches, list[WatchShape])
        path, change = f"{_WATCHES}/{{name}}", "alerts.configure"
        yield make(f"PUT {path}", change, self.put_anomaly_watch, WatchVersionShape, WatchBody)
        yield make(f"DELETE {path}", change, self.drop_anomaly_watch, WatchVersionShape)

    # -- what was found --

    async def anomalies(self, request: Request) -> AnomaliesShape:
        """Return anomalies within a time, those that go on first, the worst and then the latest of them."""
        scope, parameters = scope_of(request).alone(), query_parameters(request)
        now_ms = self.clock.now_ms()
        until_ms = time_ns(parameters, "to", now_ms * _MS) // _MS
        since_ms = time_ns(parameters, "from", (until_ms - 7 * _DAY_MS) * _MS) // _MS
        limit = whole_number(parameters, "limit", _USUAL, _MOST)
        wanted = _filter(parameters)
        found = await self.state.read(
            lambda unit: list_anomalies(
                unit, scope.tenant, since_ms=since_ms, until_ms=until_ms, limit=_KNOWN
            )
        )
        chosen = [one for one in found if wanted.takes(one)]
        chosen.sort(key=lambda one: (one.end_ms > 0, -SEVERITIES.index(one.severity), -one.start_ms, one.id))
        shown = chosen[:limit]
        points: Sequence[PointsShape | None] = [None] * len(shown)
        if parameters.first("points") in {"1", "true"}:
            points = [await self._points(scope, one, *_span(one, now_ms, _SPARK), _SPARK) for one in shown]
        return AnomaliesShape(
            anomalies=[_shape(one, some) for one, some in zip(shown, points, strict=True)],
            total=len(chosen),
            by_severity={name: sum(one.severity == name for one in chosen) for name in SEVERITIES},
            watched=sum(one.series for one in self.watching(scope.tenant)),
        )

    async def anomaly(self, request: Request) -> AnomalyShape:
        """Return one anomaly, with what was judged around it."""
        scope, parameters = scope_of(request).alone(), query_parameters(request)
        found = await self.state.read(lambda unit: get_anomaly(unit, scope.tenant, request.path_params["id"]))
        start_ms, end_ms = _span(found, self.clock.now_ms(), _POINTS)
        start_ms = time_ns(parameters, "from", start_ms * _MS) // _MS
        end_ms = time_ns(parameters, "to", end_ms * _MS) // _MS
        if end_ms <= start_ms:
            raise PharosError(Kind.INVALID, "to must be after from")
        return _shape(found, await self._points(scope, found, start_ms, end_ms, _POINTS))

    async def mark_anomaly(self, request: Request, body: MarkBody) -> AnomalyShape:
        """Say that an anomaly is abnormal, and nothing is learned from it, or normal, and it is none."""
        scope = scope_of(request).alone()
        if body.mark not in set(Mark):
            raise PharosError(Kind.INVALID, f"mark must be one of {', '.join(Mark)}, got {body.mark[:40]!r}")
        author = author_of(scope.who, body.reason)
        found = await self.mark(scope.tenant, request.path_params["id"], Mark(body.mark), author)
        return _shape(found, None)

    async def _points(self, scope: Scope, found: Found, start_ms: int, end_ms: int, most: int) -> PointsShape:
        step = max(-(-(end_ms - start_ms) // most // _STEP_MS) * _STEP_MS, _STEP_MS)
        start = start_ms // step * step
        times = Times(start, start + max((end_ms - start) // step, 1) * step, step)
        labels = labels_of(found.labels)
        rows = []
        for name in _NAMES:
            query = parse_query(verdict_selector(name, found.watch, labels))
            rows.append(await self.metrics.evaluate(scope, query, times, _row))
        count = (times.end_ms - times.start_ms) // step + 1
        return PointsShape(
            times_ms=[times.start_ms + place * step for place in range(count)],
            values=rows[0] or [None] * count,
            lower=rows[1] or [None] * count,
            upper=rows[2] or [None] * count,
            scores=rows[3] or [None] * count,
        )

    # -- what is watched --

    async def anomaly_watches(self, request: Request) -> list[dict[str, Any]]:
        """Return what is watched, and how many series that is."""
        tenant = scope_of(request).alone().tenant
        return [
            WatchShape(
                name=one.watch.name,
                series=one.watch.series,
                query=one.watch.query,
                source=one.watch.source.value,
                gaps=one.watch.counts_gaps,
                alerts=one.watch.alerts,
                followed=one.series,
            ).model_dump()
            for one in self.watching(tenant)
        ]

    async def put_anomaly_watch(self, request: Request, body: WatchBody) -> WatchVersionShape:
        """Have series watched, or watched otherwise."""
        scope, name = scope_of(request).alone(), request.path_params["name"]
        document = {"series": body.series, "gaps": body.gaps, "alerts": body.alerts}
        await asyncio.to_thread(read_watch, document, name)

        def put(unit: Writing) -> Version:
            require_living(unit, scope.tenant)
            return put_document(unit, scope.tenant, Defined.WATCH, name, document, expected=body.version)

        return _version(await self.state.write(put, author_of(scope.who, body.reason)))

    async def drop_anomaly_watch(self, request: Request) -> WatchVersionShape:
        """Have series watched no more; what was found stays."""
        scope, name = scope_of(request).alone(), request.path_params["name"]
        gone = await self.state.write(
            lambda unit: drop_document(unit, scope.tenant, Defined.WATCH, name), author_of(scope.who)
        )
        return _version(gone)


class _Filter(Struct, frozen=True):
    """Which anomalies are asked for."""

    state: str
    severity: str
    text: str

    def takes(self, one: Found) -> bool:
        return (
            (not self.state or (self.state == "open") == (one.end_ms == 0))
            and (not self.severity or one.severity == self.severity)
            and (
                not self.text or any(self.text in part.lower() for part in (one.watch, *one.labels.values()))
            )
        )


def _filter(parameters: Parameters) -> _Filter:
    state, severity = parameters.first("state"), parameters.first("severity")
    for name, given, known in (("state", state, _STATES), ("severity", severity, SEVERITIES)):
        if given and given not in known:
            raise PharosError(Kind.INVALID, f"{name} must be one of {', '.join(known)}, got {given[:40]!r}")
    return _Filter(state, severity, parameters.first("search").lower())


def _span(one: Found, now_ms: int, points: int) -> tuple[int, int]:
    """Return the time around an anomaly that is drawn."""
    end_ms = min((one.end_ms or now_ms) + _AROUND_MS // 4, now_ms)
    before = max(end_ms - one.start_ms, points * _STEP_MS // 2)
    return one.start_ms - before, end_ms


def _row(answer: Answer) -> list[float | None]:
    if not len(answer.values):
        return []
    row = np.where(answer.present[0], answer.values[0], np.nan)
    return [one if math.isfinite(one) else None for one in row.tolist()]


def _shape(one: Found, points: PointsShape | None) -> AnomalyShape:
    labels: Mapping[str, str] = one.labels
    value, lower, upper = (_number(text) for text in (one.value, one.lower, one.upper))
    return AnomalyShape(
        id=one.id,
        watch=one.watch,
        metric=labels.get(METRIC_NAME, ""),
        labels={name: text for name, text in labels.items() if name != METRIC_NAME},
        severity=one.severity,
        state="over" if one.end_ms else "open",
        start=rfc3339(one.start_ms),
        end=rfc3339(one.end_ms) if one.end_ms else None,
        score=_number(one.score) or 0.0,
        confidence=_number(one.confidence) or 0.0,
        value=value,
        lower=lower,
        upper=upper,
        direction=_direction(value, lower, upper),
        mark=one.mark.value,
        marked_by=one.who_name or one.who,
        query=verdict_selector(VALUE, one.watch, labels_of(labels)),
        points=points,
    )


def _direction(value: float | None, lower: float | None, upper: float | None) -> str:
    if value is None:
        return ""
    if upper is not None and value > upper:
        return "up"
    return "down" if lower is not None and value < lower else ""


def _number(text: str) -> float | None:
    return float(text) if text else None


def _version(version: Version) -> WatchVersionShape:
    return WatchVersionShape(
        name=version.name,
        version=version.version,
        definition=None if version.document is None else dict(version.document),
        by=version.who_name or version.who,
        at=rfc3339(version.at_ms),
    )


def _input(name: str, schema: Mapping[str, Any], told: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": dict(schema), "description": told}


_TIMES: Final = (
    _input("from", TIME, "The begin of the time."),
    _input("to", TIME, "Its end; now without it."),
)
_LIST_INPUTS: Final = (
    *_TIMES,
    _input("state", {"enum": list(_STATES)}, "Those that go on, or are over."),
    _input("severity", {"enum": list(SEVERITIES)}, "Those of a severity."),
    _input("search", {"type": "string"}, "Those whose watch or labels have this in them."),
    _input("limit", {"type": "integer", "minimum": 1, "maximum": _MOST}, "How many are listed."),
    _input("points", {"enum": ["1"]}, "With some values of each, to be drawn."),
)
