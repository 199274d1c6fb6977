"""`/api/v1/correlations`: which series changed when one did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace
from starlette.requests import Request

from pharos.api.http.identity import scope_of
from pharos.api.http.off_loop import off_loop
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Shape
from pharos.api.native.reading import FAILURES, STRING, TIME, Reading, Schema, time_ns, whole_number
from pharos.api.prometheus.answers import rfc3339
from pharos.api.prometheus.parameters import Parameters
from pharos.errors import Kind, PharosError
from pharos.query.metrics.evaluation import Metrics
from pharos.query.metrics.query import parse_query
from pharos.related.correlations import Asked, Changed, find_correlations

_MS: Final = 1_000_000
_MOST: Final = 200
_USUAL: Final = 30
_MOST_SELECTORS: Final = 20


class ReferenceShape(Shape):
    """What the query itself did."""

    score: float
    before: float
    during: float
    change: float | None


class ChangedShape(Shape):
    """A series that changed."""

    labels: dict[str, str]
    expression: str
    """PromQL that shows it: of a counter, its rate."""
    score: float
    change_score: float
    """0 to 1: how far what it did lies from what it did before."""
    correlation: float | None
    """-1 to 1, with the query, at the lag at which it is strongest."""
    before: float
    """The median; of a counter, of its rate a second."""
    during: float
    change: float | None
    direction: str
    """`up` or `down`."""
    is_counter: bool
    first_changed: str | None
    """When it first left what it did before."""
    values: list[float | None]


class CorrelationsShape(Shape):
    """What changed, the most changed first."""

    start: str
    end: str
    baseline_start: str
    step_ms: int
    examined: int
    changed: int
    truncated: bool
    """Whether there are more series than were compared."""
    reference: ReferenceShape | None
    series: list[ChangedShape]


class CorrelationsApi(Struct, frozen=True):
    """Answers which series changed together."""

    metrics: Metrics

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        read = _READING.operation("/api/v1/correlations", self.correlations, {}, _INPUTS, "from", "to")
        answers = {**read.responses, 200: {"data": CorrelationsShape, "description": "Done."}}
        yield replace(read, name="correlations", summary="What changed with it", responses=answers)

    async def correlations(self, parameters: Parameters, request: Request) -> Mapping[str, Any]:
        """Return the series that changed between two times, compared with the time before."""
        scope = scope_of(request).alone()
        asked = await off_loop(len(parameters.first("query")), partial(_asked, parameters))
        found = await find_correlations(self.metrics, scope, asked)
        reference = found.reference
        return {
            "start": rfc3339(found.asked.start_ms),
            "end": rfc3339(found.asked.end_ms),
            "baseline_start": rfc3339(found.before_ms),
            "step_ms": found.step_ms,
            "examined": found.examined,
            "changed": found.changed,
            "truncated": found.is_truncated,
            "reference": None
            if reference is None
            else {
                "score": reference.score,
                "before": reference.before,
                "during": reference.during,
                "change": reference.change,
            },
            "series": [_shape(one) for one in found.series],
        }


def _asked(parameters: Parameters) -> Asked:
    for name in ("from", "to"):
        if not parameters.first(name):
            raise PharosError(
                Kind.INVALID, f"{name} is missing: when the change was", hint="RFC 3339, or seconds"
            )
    selectors = parameters.all("match[]")
    if len(selectors) > _MOST_SELECTORS:
        raise PharosError(Kind.INVALID, f"there are {len(selectors)} match[], at most {_MOST_SELECTORS}")
    text = parameters.first("query")
    before_ms = parameters.duration_ms("baseline")
    if before_ms is not None and before_ms <= 0:
        raise PharosError(Kind.INVALID, "baseline must be longer than nothing")
    return Asked(
        start_ms=time_ns(parameters, "from", 0) // _MS,
        end_ms=time_ns(parameters, "to", 0) // _MS,
        before_ms=before_ms or 0,
        query=parse_query(text) if text else None,
        selectors=tuple(selectors),
        limit=whole_number(parameters, "limit", _USUAL, _MOST),
    )


def _shape(one: Changed) -> dict[str, Any]:
    return {
        "labels": dict(one.labels),
        "expression": one.expression,
        "score": one.score,
        "change_score": one.change_score,
        "correlation": one.correlation,
        "before": one.before,
        "during": one.during,
        "change": one.change,
        "direction": "up" if one.during >= one.before else "down",
        "is_counter": one.is_counter,
        "first_changed": None if one.first_ms is None else rfc3339(one.first_ms),
        "values": list(one.values),
    }


_INPUTS: Final[Mapping[str, Schema]] = {
    "query": {
        "type": "string",
        "description": "PromQL of what changed; several series are summed. Without it, series are ranked by "
        "their own change.",
        "examples": ["rate(http_requests_total[5m])"],
    },
    "from": {**TIME, "description": "When the change began."},
    "to": {**TIME, "description": "When it ended, at most a day later."},
    "baseline": {
        "type": ["number", "string"],
        "description": "How long before `from` it is compared with; four times as long without it.",
    },
    "match[]": {
        "type": "array",
        "items": STRING,
        "description": "Selectors of the series that are compared; all but parts of histograms without any.",
    },
    "limit": {"type": "integer", "minimum": 1, "maximum": _MOST, "description": "The most series."},
}
_READING: Final = Reading(
    "metrics.view",
    "related",
    "related",
    {
        **FAILURES,
        403: "Who asks may not do this.",
        413: "What is asked for is too large.",
        422: "It cannot be answered.",
        429: "It reads more than it may, or too many are asked.",
    },
)
