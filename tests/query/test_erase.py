"""What a deletion costs: the tables that hold something of it, and no others."""

from __future__ import annotations

import asyncio

import numpy as np
from tests.query.store import METRIC, Store

from pharos.engine.changes import Changes
from pharos.engine.columns import numbers
from pharos.engine.embedded.store import EmbeddedEngine
from pharos.engine.keys import DAY_MS
from pharos.engine.sql import Statement, select
from pharos.labels import METRIC_NAME, Matcher, MatchOp
from pharos.query.limits import Wanted
from pharos.query.metrics.erase import Eraser


def _mutations(engine: EmbeddedEngine) -> dict[str, int]:
    counted = Statement(
        "SELECT table, count() AS n FROM system.mutations WHERE database = currentDatabase() GROUP BY table"
    )
    found = engine.session().query(counted, purpose="test").to_pylist()
    return {row["table"]: row["n"] for row in found}


def test_tables_without_a_deleted_row_are_left_alone(engine: EmbeddedEngine) -> None:
    store = Store(engine, "erased", Changes())
    days = range(100, 104)
    store.register(2, days)
    times = np.array([day * DAY_MS for day in days], np.int64)
    store.write(np.repeat([0, 1], len(times)), np.tile(times, 2), np.ones(2 * len(times)))
    eraser = Eraser(engine, store.changes, lambda: None, lambda: None)
    second = (Matcher(METRIC_NAME, MatchOp.EQUAL, METRIC), Matcher("i", MatchOp.EQUAL, "1"))
    before = _mutations(engine)
    # Of no whole day, so that the series stay registered.
    asyncio.run(eraser.delete(store.scope, [Wanted(second, int(times[0]), int(times[0]))]))

    assert _mutations(engine) == {**before, "samples": before.get("samples", 0) + 1}
    table = engine.session().query(select(store.scope, "id", "samples"), purpose="test")
    left = numbers(table["id"]).tolist()
    assert [left.count(one) for one in store.ids(np.arange(2)).tolist()] == [4, 3]

    before = _mutations(engine)
    asyncio.run(eraser.clean())
    assert _mutations(engine) == {**before, "samples": before["samples"] + 1}
    assert engine.session().query(select(store.scope, "id", "samples"), purpose="test").num_rows == 7
