"""The streams that have a name: each a picture of how a tenant's systems stand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from pharos.access import Scope
from pharos.clock import Clock
from pharos.live.filters import Filters
from pharos.live.flows import Flows
from pharos.live.performance import Performance
from pharos.live.protocol import members_of
from pharos.live.readings import Reader
from pharos.live.streams import ALERTS
from pharos.query.events.span_counts import Edge, SpanRate
from pharos.query.events.traces import Traces
from pharos.search.tree import And
from pharos.search.window import Window

AlertList = Callable[[str], Awaitable[Sequence[Mapping[str, Any]]]]
"""Returns a tenant's alerts that are not over, as the feed tells them. Raises PharosError."""
Health = Callable[[str], Awaitable[str]]
"""Returns how the server stands for a tenant: `healthy`, `degraded`, `unhealthy` or `unknown`."""

Checks = Callable[[str], Mapping[str, Any]]
"""Returns how a tenant's checks of health stand."""

_NS: Final = 10**9
_MS: Final = 1_000_000
_BACK_S: Final = 300
_MOST_EDGES: Final = 200
_SCALING: Final[Mapping[str, str]] = {
    "instancesUp": "count(up == 1)",
    "instancesDown": "count(up == 0)",
    "cpuUtilization": '1 - avg(rate(node_cpu_seconds_total{mode="idle"}[2m]))',
    "memoryUtilization": "1 - avg(node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)",
    "load1": "avg(node_load1)",
}


def _share(of: str, label: str, value: str) -> str:
    """Return which part of what runs tell of layers in the last hour is so."""
    name = f"workflow_validation_{of}"
    chosen = f'sum(increase({name}{{{label}="{value}"}}[1h])) or vector(0)'
    return f"({chosen}) / sum(increase({name}[1h]))"


_LASTED: Final = "workflow_validation_duration_seconds"
_VALIDATION: Final[Mapping[str, str]] = {
    "successRate": f"avg(validation_success_rate) or {_share('total', 'result', 'passed')}",
    "cacheHitRate": f"avg(validation_cache_hit_rate) or {_share('cache_total', 'result', 'hit')}",
    "avgDuration": "avg(validation_duration_ms) or 1000"
    f" * sum(increase({_LASTED}_sum[1h])) / sum(increase({_LASTED}_count[1h]))",
    "total": "sum(validation_total) or sum(workflow_validation_total)",
}
_LAYERS: Final = (
    "avg by (layer) (validation_layer_duration_ms) or 1000 * sum by (layer)"
    f" (increase({_LASTED}_sum[1h])) / sum by (layer) (increase({_LASTED}_count[1h]))"
)


class Picture(Struct, frozen=True):
    """How something stands, as a JSON object."""

    document: Mapping[str, Any]

    @property
    def size_bytes(self) -> int:
        """Roughly, of its text: pictures are small."""
        return 4_096

    @property
    def sequence(self) -> int:
        """No other than the time."""
        return 0

    def members(self, filters: Filters) -> bytes:
        """Return its members: alerts that the filters let through, parts of metrics that they name."""
        found = dict(self.document)
        if "alerts" in found:
            found["alerts"] = [
                one for one in found["alerts"] if filters.take_alert(one["severity"], one.get("labels", {}))
            ]
        metrics = found.get("metrics")
        if filters.metrics and isinstance(metrics, dict):
            found["metrics"] = {name: part for name, part in metrics.items() if name in filters.metrics}
        return members_of(found)


class Boards(Struct, frozen=True):
    """Draws them."""

    performance: Performance
    reader: Reader
    traces: Traces
    flows: Flows
    alerts: AlertList
    health: Health
    checks: Checks
    clock: Clock

    async def draw(self, board: str, scope: Scope) -> dict[str, Any]:
        """Return what an update of a board holds. Raises PharosError."""
        match board:
            case "performance_metrics":
                return {"metrics": await self.performance.metrics(scope)}
            case "scaling_status":
                return {"scaling": await self.scaling(scope)}
            case "ecosystem_correlation":
                return {"correlation": await self.correlation(scope)}
            case ALERTS.name:
                return {"alerts": list(await self.alerts(scope.tenant))}
            case "flow_executions":
                return {"flowStatus": list(await self.flows.executions(scope))}
            case "health":
                return {"health": dict(self.checks(scope.tenant))}
            case "validation_pipeline":
                return {"validationPipeline": await self.validation(scope)}
            case _:
                return {"workflows": list((await self.flows.workflows(scope))[0])}

    async def scaling(self, scope: Scope) -> dict[str, Any]:
        """Return how many instances there are, and how much of them is used. Raises PharosError."""
        found: dict[str, Any] = {
            name: await self.reader.number(scope, text) for name, text in _SCALING.items()
        }
        down = found["instancesDown"] or 0
        found["status"] = "unknown" if found["instancesUp"] is None else "degraded" if down else "stable"
        return {**found, "events": []}

    async def correlation(self, scope: Scope) -> dict[str, Any]:
        """Return what services do and whom they call, of the last minutes. Raises PharosError."""
        now_ns = self.clock.now_ns()
        window = Window(now_ns - _BACK_S * _NS, now_ns)
        services = await self.traces.rates(scope, window, And(()), 0, ["service"])
        edges: Sequence[Edge] = ()
        if services:
            edges = (await self.traces.calls(scope, window)).edges
        calls = sorted((one for one in edges if one.caller != one.callee), key=lambda one: -one.calls)
        return {
            "services": [{"service": one.values[0], **_measured(one)} for one in services],
            "calls": [
                {"caller": one.caller, "callee": one.callee, **_measured(one)} for one in calls[:_MOST_EDGES]
            ],
        }

    async def validation(self, scope: Scope) -> dict[str, Any]:
        """Return how the validation pipeline does, by metrics `validation_*` or runs; null without.

        Raises PharosError.
        """
        found: dict[str, Any] = {
            name: await self.reader.number(scope, text) for name, text in _VALIDATION.items()
        }
        layers = await self.reader.vector(scope, _LAYERS)
        return {**found, "layers": {labels.get("layer", ""): {"duration": value} for labels, value in layers}}

    async def everything(self, scope: Scope) -> dict[str, Any]:
        """Return what a dashboard shows at once, of what who asks may see. Raises PharosError."""
        may = scope.permissions
        performance = await self.performance.metrics(scope) if "metrics.view" in may else {}
        validation = await self.validation(scope) if "metrics.view" in may else {}
        flows = list(await self.flows.executions(scope)) if "flows.read" in may else []
        alerts = list(await self.alerts(scope.tenant)) if "alerts.view" in may else []
        return {
            "systemHealth": {"status": await self.health(scope.tenant)},
            "performanceMetrics": performance,
            "validationPipeline": validation,
            "activeFlows": flows,
            "alerts": alerts,
        }


def _measured(one: SpanRate | Edge) -> dict[str, Any]:
    count = one.spans if isinstance(one, SpanRate) else one.calls
    return {
        "rps": count / _BACK_S,
        "errorRate": one.errors / count if count else 0.0,
        "meanLatency": one.total_ns / count / _MS if count else 0.0,
        "p95Latency": one.quantiles_ns[2] / _MS if one.quantiles_ns else 0.0,
    }


class BoardSource(Struct, frozen=True):
    """Draws one board of a tenant."""

    boards: Boards
    board: str
    scope: Scope

    async def next(self) -> Picture:
        """Return it. Raises PharosError."""
        return Picture(await self.boards.draw(self.board, self.scope))

    async def first(self, resume_from: int) -> None:  # noqa: ARG002
        """Return nothing: how it stood last is what a newcomer is sent."""
        return
