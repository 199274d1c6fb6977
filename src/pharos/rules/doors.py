"""What rules need of others: who answers their queries, who keeps what they record, who takes their alerts.

The evaluation knows no signal: a door to metrics answers PromQL, and doors to logs and traces answer their
languages in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from msgspec import Struct

from pharos.access import Scope
from pharos.alert import Alert
from pharos.labels import Labels
from pharos.promql.grids.grid import Answer
from pharos.query.metrics.evaluation import Metrics
from pharos.query.metrics.query import parse_query
from pharos.query.metrics.rounds import PreparedQueries, reads_samples
from pharos.rules.evaluate import Element

T = TypeVar("T")


class QueryRound(Protocol):
    """All expressions of a group at one time; all but `run` is for the work within a turn."""

    @property
    def at_ms(self) -> int:
        """When they are evaluated."""
        ...

    async def run(self, name: str, work: Callable[[], T]) -> T:
        """Return what `work` returns, on a thread and in turn. Raises what it raises, and PharosError."""
        ...

    def answer(self, index: int) -> Answer:
        """Return the answer of one of the expressions. Raises PharosError."""
        ...

    def ask_text(self, text: str) -> Answer:
        """Return the answer of any expression. Raises PharosError."""
        ...

    def record(self, samples: Iterable[tuple[Labels, float]]) -> None:
        """Let what follows find samples of the round's time."""
        ...


class Prepared(Protocol):
    """Expressions that are asked again and again at the same times."""

    def reads(self, index: int) -> bool:
        """Return whether one of them reads stored data, so that none may be found."""
        ...

    def round(self, scope: Scope, at_ms: int) -> QueryRound:
        """Return a round of them at one time."""
        ...


class QueryDoor(Protocol):
    """Who answers the expressions of rules."""

    def prepare(self, expressions: Sequence[str], interval_ms: int) -> Prepared:
        """Return expressions that will be asked together, so often. Raises PharosError(INVALID)."""
        ...


class Recorded(Struct, frozen=True):
    """What a group of rules made at one time."""

    at_ms: int
    samples: Sequence[Element]
    gone: Sequence[Labels] = ()
    """Series that ended: each gets a stale marker."""


class Recorder(Protocol):
    """Who keeps what rules record."""

    async def record(self, scope: Scope, recorded: Recorded) -> None:
        """Keep it durably, all or nothing. Raises PharosError when it is not kept."""
        ...


class AlertSink(Protocol):
    """Who takes alerts that fire or are over."""

    async def take(self, scope: Scope, alerts: Sequence[Alert]) -> None:
        """Take alerts over; they are safe when it returns. Raises PharosError when they are not."""
        ...


class _PreparedMetrics(Struct, frozen=True):
    metrics: Metrics
    queries: PreparedQueries

    def reads(self, index: int) -> bool:
        return reads_samples(self.queries.queries[index].expr)

    def round(self, scope: Scope, at_ms: int) -> QueryRound:
        return self.metrics.round(scope, self.queries, at_ms)


class MetricsDoor(Struct, frozen=True):
    """Answers PromQL."""

    metrics: Metrics

    def prepare(self, expressions: Sequence[str], interval_ms: int) -> Prepared:
        """Return expressions that will be asked together. Raises PharosError(INVALID)."""
        del interval_ms
        return _PreparedMetrics(self.metrics, self.metrics.prepare([*map(parse_query, expressions)]))
