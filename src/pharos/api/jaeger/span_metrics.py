"""Jaeger's metrics of spans (`/api/metrics/calls` and its like), as the Monitor page of its UI asks for them.

The answer is a MetricFamily of Jaeger's openmetrics.proto in JSON. Of durations the quantile is told that is
the nearest to the one asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct
from starlette.requests import Request

from pharos.api.http.identity import scope_of
from pharos.api.jaeger.parameters import fault, truth_in, whole_in
from pharos.api.prometheus.parameters import Parameters
from pharos.clock import Clock
from pharos.errors import PharosError
from pharos.gotext.numbers import parse_float
from pharos.gotext.timestamps import format_time_ms
from pharos.query.events.span_counts import QUANTILES, SpanRate
from pharos.query.events.traces import Traces
from pharos.search.tree import And, Field, Op, Or, Place, Tree
from pharos.search.window import Window

_MS: Final = 1_000_000
_HOUR_MS: Final = 3_600_000
_STEP_MS: Final = 5_000
_LEAST_STEP_MS: Final = 1_000
_MOST_STEPS: Final = 11_000
_MOST_SERVICES: Final = 100
_KIND_PREFIX: Final = "SPAN_KIND_"
_KINDS: Final = frozenset({"unspecified", "internal", "server", "client", "producer", "consumer"})


class _Asked(Struct, frozen=True):
    services: tuple[str, ...]
    by_operation: bool
    tree: Tree
    window: Window
    step_ms: int

    @property
    def seconds(self) -> float:
        return self.step_ms / 1000


def _asked(parameters: Parameters, now_ms: int) -> _Asked:
    """Return what is asked for. Raises PharosError(INVALID) that names the parameter."""
    services = tuple(dict.fromkeys(filter(None, parameters.all("service"))))
    if not services:
        raise fault("service", "please provide at least one service name")
    if len(services) > _MOST_SERVICES:
        raise fault("service", f"{len(services)} services, {_MOST_SERVICES} are the most")
    kinds = [kind.removeprefix(_KIND_PREFIX).lower() for kind in parameters.all("spanKind")] or ["server"]
    for kind in kinds:
        if kind not in _KINDS:
            raise fault("spanKind", f"unsupported span kind: {kind[:40]!r}")
    counts = {name: whole_in(parameters, name) for name in ("endTs", "lookback", "step", "ratePer")}
    for name, count in counts.items():
        if count is not None and count <= 0:
            raise fault(name, "it is not above 0")
    # The window of a rate is a step of its own: each span counts once.
    step_ms = max(counts["step"] or _STEP_MS, _LEAST_STEP_MS)
    end_ms = counts["endTs"] or now_ms
    start_ms = max(end_ms - (counts["lookback"] or _HOUR_MS), 0)
    if (end_ms - start_ms) // step_ms > _MOST_STEPS:
        raise fault("step", f"it makes more than {_MOST_STEPS} steps")
    own = Place.OWN
    tree = And(
        (
            Or(tuple(Field("service", Op.EQUAL, one, own) for one in services)),
            Or(tuple(Field("kind", Op.EQUAL, one, own) for one in kinds)),
        )
    )
    window = Window(start_ms * _MS, max(end_ms, start_ms + 1) * _MS)
    return _Asked(services, truth_in(parameters, "groupByOperation"), tree, window, step_ms)


class SpanMetricsApi(Struct, frozen=True):
    """Answers what the Monitor page asks."""

    traces: Traces
    clock: Clock

    async def calls(self, parameters: Parameters, request: Request) -> Any:
        """Return how many spans a second services had."""
        return await self._family(
            parameters, request, "call_rate", "calls/sec", lambda one, asked: one.spans / asked.seconds
        )

    async def errors(self, parameters: Parameters, request: Request) -> Any:
        """Return which share of the spans of services failed."""
        return await self._family(
            parameters, request, "error_rate", "error rate", lambda one, _: one.errors / one.spans
        )

    async def latencies(self, parameters: Parameters, request: Request) -> Any:
        """Return a quantile of the durations of services' spans, in milliseconds."""
        text = parameters.first("quantile")
        if not text:
            raise fault("quantile", "please provide the quantile between (0, 1]")
        try:
            quantile = parse_float(text)
        except PharosError as exc:
            raise fault("quantile", f"{text[:20]!r} is no number") from exc
        if not 0 < quantile <= 1:
            raise fault("quantile", f"{text[:20]!r} is not between 0 and 1")
        place = min(range(len(QUANTILES)), key=lambda number: abs(QUANTILES[number] - quantile))
        unit = f"{QUANTILES[place]}th quantile latency"
        return await self._family(
            parameters, request, "latencies", unit, lambda one, _: one.quantiles_ns[place] / _MS
        )

    async def least_step(self, parameters: Parameters, request: Request) -> Any:  # noqa: ARG002
        """Return the least step in milliseconds."""
        return {"data": _LEAST_STEP_MS, "total": 0, "limit": 0, "offset": 0, "errors": None}

    async def _family(
        self,
        parameters: Parameters,
        request: Request,
        name: str,
        said: str,
        value: Callable[[SpanRate, _Asked], float],
    ) -> Any:
        asked = _asked(parameters, self.clock.now_ms())
        by = ["service", "name"] if asked.by_operation else ["service"]
        rates = await self.traces.rates(scope_of(request), asked.window, asked.tree, asked.step_ms * _MS, by)
        series: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for one in rates:
            at_ms = asked.window.start_ns // _MS + (one.step + 1) * asked.step_ms
            point = {"gaugeValue": {"doubleValue": value(one, asked)}, "timestamp": format_time_ms(at_ms)}
            series.setdefault(one.values, []).append(point)
        labels = ("service_name", "operation")
        grouped = "service & operation" if asked.by_operation else "service"
        return {
            "name": f"service_{'operation_' * asked.by_operation}{name}",
            "type": "GAUGE",
            "help": f"{said}, grouped by {grouped}",
            "metrics": [
                {
                    "labels": [
                        {"name": label, "value": text} for label, text in zip(labels, values, strict=False)
                    ],
                    "metricPoints": points,
                }
                for values, points in series.items()
            ],
        }
