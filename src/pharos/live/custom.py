"""A client's own query as a stream: the answer at each time, as the Prometheus API has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from pharos.access import Scope
from pharos.clock import Clock
from pharos.labels import METRIC_NAME
from pharos.live.filters import ALL, Filters
from pharos.promql.grids.grid import Answer, AnswerType
from pharos.query.limits import Times
from pharos.query.metrics.evaluation import Metrics
from pharos.query.metrics.query import Query

Encode = Callable[[Answer], Iterator[bytes]]
"""Writes the `result` of an answer as the Prometheus API does."""


class QueryResult(Struct):
    """An answer, and its text for each filter that somebody has."""

    answer: Answer
    encode: Encode
    _texts: dict[Filters, bytes] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """Roughly, of its text."""
        return len(self.members(ALL))

    @property
    def sequence(self) -> int:
        """No other than the time."""
        return 0

    def members(self, filters: Filters) -> bytes:
        """Return `resultType` and `result`: the series that the filters let through."""
        found = self._texts.get(filters)
        if found is None:
            answer = self.answer if filters == ALL else filtered(self.answer, filters)
            found = b'"resultType":"%b","result":%b' % (
                answer.type.value.encode(),
                b"".join(self.encode(answer)),
            )
            self._texts[filters] = found
        return found


def filtered(answer: Answer, filters: Filters) -> Answer:
    """Return an answer with the series that filters let through."""
    if answer.type is not AnswerType.VECTOR:
        return answer
    labels = list(answer.labels)
    named = [dict(one) for one in labels]
    rows = [row for row, one in enumerate(named) if filters.take_series(one.get(METRIC_NAME, ""), one)]
    numbers = np.asarray(rows, np.int64)
    return replace(
        answer,
        labels=[labels[row] for row in rows],
        values=answer.values[numbers],
        present=answer.present[numbers],
        cells=None if answer.cells is None else answer.cells[numbers],
    )


class QuerySource(Struct, frozen=True):
    """Evaluates a query in PromQL as of now."""

    metrics: Metrics
    scope: Scope
    query: Query
    encode: Encode
    clock: Clock

    async def next(self) -> QueryResult:
        """Return its answer. Raises PharosError as the query does."""
        now_ms = self.clock.now_ms()

        def finish(answer: Answer) -> QueryResult:
            found = QueryResult(answer, self.encode)
            # On the thread that computed it.
            found.members(ALL)
            return found

        return await self.metrics.evaluate(self.scope, self.query, Times(now_ms, now_ms), finish)

    async def first(self, resume_from: int) -> None:  # noqa: ARG002
        """Return nothing: how it stood last is what a newcomer is sent."""
        return
