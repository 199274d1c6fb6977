"""What rules over lines and spans measure, over the API: series without the limit, bounded, checked first."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from starlette.requests import Request

from pharos.access import upkeep
from pharos.api.alerting.measured import SERIES_MAX, MeasuredApi
from pharos.api.http.identity import SCOPE
from pharos.api.prometheus.parameters import query_parameters
from pharos.clock import FakeClock
from pharos.errors import Kind, PharosError
from pharos.labels import labels_of
from pharos.promql.grids.grid import Answer, AnswerType
from pharos.query.limits import Times
from pharos.rules.compared import Limit, Measured
from pharos.rules.spec import Language


class Door:
    """Answers with as many series as it is told to, and remembers what it was asked."""

    def __init__(self, count: int = 1, limit: Limit | None = None) -> None:
        self.count, self.limit = count, limit
        self.asked: tuple[str, Times, int] | None = None

    async def measured(self, what: str, text: str, times: Times, interval_ms: int) -> Measured:
        del what
        self.asked = text, times, interval_ms
        values = np.tile([1.5, np.nan, 1e21], (self.count, 1))
        present = np.tile([True, False, True], (self.count, 1))
        labels = [labels_of({"app": str(number)}) for number in range(self.count)]
        at_ms = np.array([0, 500, 1000], np.int64)
        return Measured(Answer(AnswerType.MATRIX, at_ms, labels, values, present), self.limit)


def ask(door: Door, query: str) -> Any:
    request = Request(
        {"type": "http", "query_string": query.encode(), "headers": [], SCOPE: upkeep("default")}
    )
    one = MeasuredApi(lambda _: {Language.LOGQL: door, Language.TRACEQL: door}, FakeClock())
    return asyncio.run(one.lines(query_parameters(request), request))


def test_series_come_with_the_limit_apart() -> None:
    door = Door(limit=Limit(">", 2.5))
    assert ask(door, "expr=x&start=0&end=60&step=15&interval=30s") == {
        "series": [{"metric": {"app": "0"}, "values": [[0, "1.5"], [1, "1e+21"]]}],
        "limit": {"operator": ">", "value": 2.5},
        "more": 0,
    }
    assert door.asked == ("x", Times(0, 60_000, 15_000), 30_000)


def test_of_very_many_series_the_rest_is_counted() -> None:
    found = ask(Door(SERIES_MAX + 2), "expr=x&start=0&end=60")
    assert (len(found["series"]), found["more"], found["limit"]) == (SERIES_MAX, 2, None)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("expr=%20&start=0&end=60", "expr is missing: the expression of a rule"),
        ("expr=x&start=60&end=60", "end must be after start"),
        ("expr=x&start=0&end=60&step=0", "step must be longer than nothing"),
        ("expr=x&start=0&end=60&interval=-1", "interval must be longer than nothing"),
        ("expr=x&start=0&end=86400&step=1", "the time has more than 2,000 steps"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_asked(query: str, message: str) -> None:
    door = Door()
    with pytest.raises(PharosError, match=message) as refused:
        ask(door, query)
    assert refused.value.kind is Kind.INVALID
    assert door.asked is None
