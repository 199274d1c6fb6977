"""Figures out of a tenant's metrics, by queries of ours."""

from __future__ import annotations

import math

from msgspec import Struct, field

from pharos.access import Scope
from pharos.clock import Clock
from pharos.promql.grids.grid import Answer, AnswerType
from pharos.query.limits import Times
from pharos.query.metrics.evaluation import Metrics
from pharos.query.metrics.query import Query, parse_query

Vector = list[tuple[dict[str, str], float]]


class Reader(Struct, frozen=True):
    """Asks metrics as they stand now."""

    metrics: Metrics
    clock: Clock
    _queries: dict[str, Query] = field(default_factory=dict)

    async def vector(self, scope: Scope, text: str) -> Vector:
        """Return labels and value of each series that has a number. Raises PharosError."""
        query = self._queries.get(text)
        if query is None:
            query = self._queries[text] = parse_query(text)
        now_ms = self.clock.now_ms()
        return await self.metrics.evaluate(scope, query, Times(now_ms, now_ms), rows_of)

    async def number(self, scope: Scope, text: str) -> float | None:
        """Return the one value that a query comes to; None without any. Raises PharosError."""
        found = await self.vector(scope, text)
        return found[0][1] if found else None


def rows_of(answer: Answer) -> Vector:
    """Return the floats of an instant answer that are numbers; histograms are left out."""
    if answer.type is not AnswerType.VECTOR or not len(answer.labels):
        return []
    values = answer.values[:, 0].tolist()
    present = answer.present[:, 0].tolist()
    held = [False] * len(values) if answer.cells is None else [one is not None for one in answer.cells[:, 0]]
    return [
        (dict(labels), value)
        for labels, value, is_there, is_histogram in zip(answer.labels, values, present, held, strict=True)
        if is_there and not is_histogram and math.isfinite(value)
    ]
