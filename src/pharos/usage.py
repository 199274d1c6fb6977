"""What tenants use: counted in memory where it happens, taken from here now and then to be kept.

To count costs a dictionary's look-up under a lock that is held for a microsecond. Of the server's own metrics
the first hundreds of tenants have their own, all others one together.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, TypeAlias

from pharos.access import Scope
from pharos.telemetry import (
    DROPPED,
    TENANT_INGEST_BYTES,
    TENANT_INGEST_SAMPLES,
    TENANT_QUERIES,
    TENANT_QUERY_SAMPLES,
    TENANT_QUERY_SECONDS,
    TENANT_REFUSED,
)

MOST_LABELS: Final = 200
"""So many tenants have metrics of their own."""
OTHERS: Final = "|others"
"""What the others are called: no tenant is."""


class Measure(StrEnum):
    """What is counted."""

    SAMPLES = "samples"
    """Taken in, native histograms among them."""
    BYTES = "bytes"
    """Of request bodies and scraped pages, as they came."""
    REFUSED = "refused"
    """Requests to write or to ask that a limit turned away, in whole or in part."""
    QUERIES = "queries"
    """Answered, or failed, but not refused."""
    SAMPLES_READ = "samples_read"
    """By queries."""
    QUERY_MS = "query_ms"
    """Milliseconds that queries were computed for."""
    SERIES_HOURS = "series_hours"
    """Active series, once an hour."""


_METRICS: Final[Mapping[Measure, tuple[Any, float]]] = {
    Measure.SAMPLES: (TENANT_INGEST_SAMPLES, 1.0),
    Measure.BYTES: (TENANT_INGEST_BYTES, 1.0),
    Measure.REFUSED: (TENANT_REFUSED, 1.0),
    Measure.QUERIES: (TENANT_QUERIES, 1.0),
    Measure.SAMPLES_READ: (TENANT_QUERY_SAMPLES, 1.0),
    Measure.QUERY_MS: (TENANT_QUERY_SECONDS, 1e-3),
}

Counts: TypeAlias = dict[tuple[str, str, Measure], int]
"""By tenant, token (empty for none) and measure."""


class Usage:
    """The counts since they were last taken; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: defaultdict[tuple[str, str, Measure], int] = defaultdict(int)
        self._labels: dict[str, str] = {}

    def add(self, scope: Scope, **amounts: int) -> None:
        """Count amounts, by the names of `Measure`, for the scope's tenant and whoever asks.

        What is asked about several tenants counts for the first of them.
        """
        tenant, token = scope.tenants[0], scope.token
        label = self.label(tenant)
        with self._lock:
            for name, amount in amounts.items():
                if amount:
                    self._counts[tenant, token, Measure(name)] += amount
        for name, amount in amounts.items():
            if amount and (found := _METRICS.get(Measure(name))) is not None:
                metric, factor = found
                metric.labels(label).inc(amount * factor)

    def label(self, tenant: str) -> str:
        """Return what a tenant is called in the server's metrics."""
        label = self._labels.get(tenant)
        if label is None:
            label = tenant if len(self._labels) < MOST_LABELS else OTHERS
            if label == tenant:
                self._labels[tenant] = label
        return label

    def take(self) -> Counts:
        """Return what was counted since, and begin anew."""
        with self._lock:
            counts, self._counts = dict(self._counts), defaultdict(int)
        return counts

    def give_back(self, counts: Counts) -> None:
        """Count what was taken and could not be kept again."""
        with self._lock:
            for key, amount in counts.items():
                self._counts[key] += amount

    def of(self, tenant: str) -> Counts:
        """Return what was counted of a tenant since counts were last taken."""
        with self._lock:
            return {key: amount for key, amount in self._counts.items() if key[0] == tenant}

    def forget(self, tenant: str) -> None:
        """Drop all that is counted of a tenant, also its metrics."""
        with self._lock:
            for key in [key for key in self._counts if key[0] == tenant]:
                del self._counts[key]
            has_own = self._labels.pop(tenant, None) is not None
        if has_own:
            for metric, _ in _METRICS.values():
                metric.remove(tenant)
            DROPPED.remove_by_labels({"tenant": tenant})
