"""What there is: series, labels, metadata, exemplars, and what takes how many series."""

from __future__ import annotations

from dataclasses import dataclass

from pharos.access import Scope
from pharos.engine.keys import DAY_MS
from pharos.engine.sql import series_condition
from pharos.labels import Labels, Matcher
from pharos.query.metrics.series import LAST_DAY


@dataclass(frozen=True, slots=True)
class Window:
    """Which of a scope's series a question is about."""

    scope: Scope
    start_ms: int
    end_ms: int
    selectors: tuple[tuple[Matcher, ...], ...] = ()
    """Any of them may match; none at all means every series."""
    limit: int = 0

    def condition(self) -> str:
        """Return the condition over the series table."""
        first, last = self.start_ms // DAY_MS, self.end_ms // DAY_MS
        bounds = []
        if first > 0:
            bounds.append(f"day >= toDate32({min(first, LAST_DAY)})")
        if 0 <= last < LAST_DAY:
            bounds.append(f"day <= toDate32({last})")
        days = " AND ".join(bounds) or "1"
        if not self.selectors:
            return series_condition(self.scope.tenant, (), days)
        return " OR ".join(f"({series_condition(self.scope.tenant, m, days)})" for m in self.selectors)

    def limit_clause(self) -> str:
        """Return the clause that fetches one row more than the limit, to know that there are more."""
        return f" LIMIT {self.limit + 1}" if self.limit else ""


@dataclass(frozen=True, slots=True)
class MetricMetadata:
    """What senders say of a metric."""

    metric: str
    type: str
    unit: str
    help: str


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One exemplar."""

    labels: Labels
    value: float
    ts_ms: int


@dataclass(frozen=True, slots=True)
class Cardinality:
    """What takes how many series today."""

    series: int
    samples: int
    label_pairs: int
    by_metric: list[tuple[str, int]]
    values_by_label: list[tuple[str, int]]
    bytes_by_label: list[tuple[str, int]]
    by_pair: list[tuple[str, int]]
    oldest_ms: int
    newest_ms: int
