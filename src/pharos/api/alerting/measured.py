"""What rules over lines and spans measured, as series, with the limit that makes them fire."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

from msgspec import Struct
from starlette.requests import Request

from pharos.access import Scope
from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.native.reading import RANGE, STRING, Reading, object_of, window_of
from pharos.api.prometheus.parameters import Parameters
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.gotext.numbers import format_json
from pharos.promql.grids.grid import Answer
from pharos.query.limits import Times
from pharos.rules.compared import Measured
from pharos.rules.spec import Language

STEPS_MAX: Final = 2_000
SERIES_MAX: Final = 1_000
_MS: Final = 1_000_000
_MINUTE_MS: Final = 60_000
_LENGTH: Final = {"type": ["number", "string"], "description": "A duration such as 1m, or seconds."}
_POINT: Final = {"type": "array", "prefixItems": [{"type": "number"}, STRING], "items": False}
_SERIES: Final = object_of(
    metric={"type": "object", "additionalProperties": STRING}, values={"type": "array", "items": _POINT}
)
_LIMIT: Final = {"anyOf": [object_of(operator=STRING, value={"type": "number"}), {"type": "null"}]}
_ANSWER: Final = object_of(series={"type": "array", "items": _SERIES}, limit=_LIMIT, more={"type": "integer"})


class Measuring(Protocol):
    """Who answers rules of one language of what is stored; see `rules.event_door.EventHistory`."""

    async def measured(self, what: str, text: str, times: Times, interval_ms: int) -> Measured:
        """Return what an expression measures, and its limit. Raises PharosError."""
        ...


class MeasuredApi(Struct, frozen=True):
    """Answers what expressions of rules measure."""

    events: Callable[[Scope], Mapping[Language, Measuring]]
    """Returns who answers rules over lines and spans of a scope."""
    clock: Clock

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        query = {"expr": STRING, "interval": _LENGTH, "step": _LENGTH, **RANGE}
        for permission, endpoint in (("logs.view", self.lines), ("traces.view", self.spans)):
            reading = Reading(permission, "alerting", "measured")
            yield reading.operation(
                f"/api/alerting/measured/{endpoint.__name__}", endpoint, _ANSWER, query, "expr"
            )

    async def lines(self, parameters: Parameters, request: Request) -> Any:
        """Return what an expression in LogQL measures at each step, and its limit."""
        return await self._measured(Language.LOGQL, parameters, request)

    async def spans(self, parameters: Parameters, request: Request) -> Any:
        """Return what an expression in TraceQL measures at each step, and its limit."""
        return await self._measured(Language.TRACEQL, parameters, request)

    async def _measured(self, language: Language, parameters: Parameters, request: Request) -> Any:
        expr = parameters.first("expr")
        if not expr.strip():
            raise PharosError(Kind.INVALID, "expr is missing: the expression of a rule")
        door = self.events(scope_of(request).alone())[language]
        found = await door.measured("a rule", expr, self._times(parameters), _length(parameters, "interval"))
        limit = found.limit
        return {
            "series": [*_series(found.answer)],
            "limit": None if limit is None else {"operator": limit.operator, "value": limit.value},
            "more": max(0, len(found.answer.labels) - SERIES_MAX),
        }

    def _times(self, parameters: Parameters) -> Times:
        window = window_of(parameters, self.clock.now_ns())
        start_ms, end_ms, step_ms = window.start_ns // _MS, window.end_ns // _MS, _length(parameters, "step")
        if (end_ms - start_ms) // step_ms >= STEPS_MAX:
            raise PharosError(
                Kind.INVALID,
                f"the time has more than {STEPS_MAX:,} steps",
                hint="take a longer step, or a shorter time",
            )
        return Times(start_ms, end_ms, step_ms)


def _length(parameters: Parameters, name: str) -> int:
    """Return a duration in milliseconds, a minute where none is given. Raises PharosError(INVALID)."""
    found = parameters.duration_ms(name, _MINUTE_MS)
    if not found or found < 0:
        raise PharosError(Kind.INVALID, f"{name} must be longer than nothing")
    return found


def _series(answer: Answer) -> Iterator[dict[str, Any]]:
    seconds = (answer.times_ms / 1000).tolist()
    for labels, values, present in zip(
        answer.labels[:SERIES_MAX], answer.values, answer.present, strict=False
    ):
        points = zip(seconds, values.tolist(), present.tolist(), strict=True)
        yield {
            "metric": dict(labels),
            "values": [[at, format_json(value)] for at, value, is_there in points if is_there],
        }
