"""Rules over logs: expressions in LogQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, TypeVar

import numpy as np
from msgspec import Struct

from pharos.access import Scope
from pharos.promql.grids.grid import Answer, AnswerType
from pharos.query.events.log_queries import Check, LogQueries
from pharos.query.limits import Times
from pharos.rules.compared import Compared
from pharos.rules.doors import Prepared
from pharos.rules.event_door import EventExpressions, times_of, vector
from pharos.rules.log_expression import compared_lines, parse_metric
from pharos.search.logql.ast import Metric
from pharos.search.logql.evaluate import evaluate_metric, time_of
from pharos.search.logql.grid import Grid, Steps
from pharos.search.logql.source import Source
from pharos.search.window import Window

T = TypeVar("T")
_NS_IN_MS: Final = 1_000_000
_Given: TypeAlias = "tuple[Source, Check]"


def _answer(found: Grid | float, times: Times) -> Answer:
    if isinstance(found, float):
        at_ms = times_of(times)
        row = np.full((1, len(at_ms)), found)
        kind = AnswerType.MATRIX if times.step_ms else AnswerType.SCALAR
        return Answer(kind, at_ms, [()], row, np.ones(row.shape, np.bool_))
    kept = found.without_empty().series
    return vector(times, [(labels, column.values, column.present) for labels, column in kept.items()])


def _steps(times: Times) -> Steps:
    return Steps(*(_NS_IN_MS * ms for ms in (times.start_ms, times.end_ms, times.step_ms)))


class LogDoor(Struct, frozen=True):
    """Answers LogQL."""

    queries: LogQueries

    def prepare(self, expressions: Sequence[str], interval_ms: int) -> Prepared:
        """Return expressions that will be asked together. Raises PharosError(INVALID)."""
        return EventExpressions(self, [self.parse(one) for one in expressions], interval_ms)

    def parse(self, text: str) -> Metric:
        """Return an expression. Raises PharosError(INVALID)."""
        return parse_metric(text)

    def compared(self, query: Metric) -> Compared[Metric]:
        """Return what an expression measures, and the limit that it compares that with."""
        return compared_lines(query)

    def time_of(self, query: Metric, times: Times, interval_ms: int) -> Window:
        """Return of which time it takes lines."""
        del interval_ms
        return time_of(query, _steps(times))

    async def ask(self, scope: Scope, name: str, window: Window, work: Callable[[_Given], T]) -> T:
        """Return what `work` makes of a source."""

        def given(source: Source, check: Check) -> T:
            return work((source, check))

        return await self.queries.ask(scope, ("rules", name), given, window=window)

    def answer(self, given: _Given, scope: Scope, query: Metric, times: Times, interval_ms: int) -> Answer:
        """Return the answer at these times."""
        del scope, interval_ms
        source, check = given
        return _answer(evaluate_metric(source, query, _steps(times), check=check), times)
