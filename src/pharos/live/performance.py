"""How fast requests are answered, how many there are and how many fail: of spans, and caches of metrics.

A request is a span of the kind server or consumer; where none came in, spans of any kind that began a trace
would be counted twice, so there is none then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from pharos.access import Scope
from pharos.clock import Clock
from pharos.live.readings import Reader
from pharos.query.events.span_counts import SpanLatency, SpanRate
from pharos.query.events.traces import Traces
from pharos.search.tree import Field, Op, Or, Place
from pharos.search.window import Window

REQUESTS: Final = Or(
    (Field("kind", Op.EQUAL, "server", Place.OWN), Field("kind", Op.EQUAL, "consumer", Place.OWN))
)
_LATENCY_S: Final = 300
_HOUR_S: Final = 3_600
_MINUTE_S: Final = 60
_NS: Final = 10**9
_MS: Final = 1_000_000
_MOST_OPERATIONS: Final = 50
AVAILABILITY: Final = 0.999
"""Which share of requests must succeed: what the error budget is of."""
_CACHES: Final = (
    '{__name__=~".*cache_(hits|misses|evictions)(_total)?|.*cache_(size|max_size)|.*cache_response_time_ms"}'
)
_CACHE_KEYS: Final = {
    "hits": "hits",
    "misses": "misses",
    "evictions": "evictions",
    "max_size": "maxSize",
    "size": "size",
    "response_time_ms": "avgResponseTime",
}
_CACHE_LABELS: Final = ("cache", "cache_name", "cacheName", "name")


class Performance(Struct, frozen=True):
    """Reads it of a tenant's spans and metrics."""

    traces: Traces
    reader: Reader
    clock: Clock

    async def metrics(self, scope: Scope) -> dict[str, Any]:
        """Return latency, throughput, errorBudget and caches; what there is no data about is missing.

        Raises PharosError.
        """
        now_ns = self.clock.now_ns()
        recent = Window(now_ns - _LATENCY_S * _NS, now_ns)
        hour = Window(now_ns - _HOUR_S * _NS, now_ns)
        found: dict[str, Any] = {}
        if latencies := await self.traces.latencies(scope, recent, _MOST_OPERATIONS):
            found["latency"] = {f"{one.service}: {one.name}": _percentiles(one) for one in latencies}
        if minutes := await self.traces.rates(scope, hour, REQUESTS, _MINUTE_S * _NS, []):
            found["throughput"] = _throughput(minutes)
            found["errorBudget"] = error_budget(minutes)
        if caches := await self._caches(scope):
            found["caches"] = caches
        return found

    async def _caches(self, scope: Scope) -> list[dict[str, Any]]:
        by_name: dict[str, dict[str, float]] = {}
        for labels, value in await self.reader.vector(scope, _CACHES):
            before, _, kind = labels.get("__name__", "").removesuffix("_total").rpartition("cache_")
            if kind not in _CACHE_KEYS:
                continue
            named = next(
                (labels[key] for key in _CACHE_LABELS if labels.get(key)), before.strip("_") or "cache"
            )
            sums = by_name.setdefault(named, {})
            sums[_CACHE_KEYS[kind]] = sums.get(_CACHE_KEYS[kind], 0.0) + value
        return [_cache(name, sums) for name, sums in sorted(by_name.items())]


def _cache(name: str, sums: Mapping[str, float]) -> dict[str, Any]:
    looked = sums.get("hits", 0.0) + sums.get("misses", 0.0)
    return {
        "cacheName": name,
        **{key: sums.get(key, 0.0) for key in _CACHE_KEYS.values()},
        "hitRate": sums.get("hits", 0.0) / looked if looked else 0.0,
    }


def _percentiles(one: SpanLatency) -> dict[str, Any]:
    names = ("p50", "p90", "p95", "p99", "p999")
    return {
        **{name: ns / _MS for name, ns in zip(names, one.quantiles_ns, strict=True)},
        "min": one.least_ns / _MS,
        "max": one.most_ns / _MS,
        "mean": one.total_ns / one.spans / _MS,
        "count": one.spans,
    }


def _throughput(minutes: Sequence[SpanRate]) -> dict[str, float]:
    """Return rates of requests: of the last whole minute, and of the last hour."""
    last = _HOUR_S // _MINUTE_S - 1
    counts = {one.step: one.spans for one in minutes}
    total = sum(counts.values())
    return {
        "rps": counts.get(last, 0) / _MINUTE_S,
        "rpm": counts.get(last, 0),
        "rph": total,
        "totalRequests": total,
        "peakRps": max(counts.values()) / _MINUTE_S,
        "avgRps": total / _HOUR_S,
    }


def error_budget(minutes: Sequence[SpanRate]) -> dict[str, Any]:
    """Return how much of the failures that may be was used up in the last hour."""
    total = sum(one.spans for one in minutes)
    errors = sum(one.errors for one in minutes)
    rate, budget = errors / total if total else 0.0, 1 - AVAILABILITY
    burn = rate / budget
    return {
        "totalRequests": total,
        "errorRequests": errors,
        "errorRate": rate,
        "errorBudget": budget,
        "budgetRemaining": 1 - burn,
        "budgetBurnRate": burn,
        "timeToExhaustion": None if burn <= 0 else max(1 - burn, 0.0) * _HOUR_S / _MINUTE_S / burn,
        "sloCompliance": rate <= budget,
    }
