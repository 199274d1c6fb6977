"""What a deletion costs: the parts that hold something of it, and no others."""

from __future__ import annotations

import asyncio

import numpy as np
from tests.query.store import HASH, METRIC, Store

from pharos.engine.changes import Changes
from pharos.engine.columns import numbers
from pharos.engine.embedded.store import EmbeddedEngine
from pharos.engine.keys import DAY_MS
from pharos.engine.sql import Statement, equal, select
from pharos.labels import METRIC_NAME, Matcher, MatchOp
from pharos.query.limits import Wanted
from pharos.query.metrics.erase import Eraser

_DAYS = range(100, 110)
_PARTS = Statement(
    "SELECT partition_id, name FROM system.parts WHERE active AND table = 'samples'"
    " AND database = currentDatabase() ORDER BY partition_id, name"
)


def _parts(engine: EmbeddedEngine) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in engine.session().query(_PARTS, purpose="test").to_pylist():
        found.setdefault(row["partition_id"], []).append(row["name"])
    return found


def test_only_parts_that_hold_deleted_rows_are_written_anew(engine: EmbeddedEngine) -> None:
    store = Store(engine, "erased", Changes())
    store.register(2, _DAYS)
    times = np.array([day * DAY_MS for day in _DAYS], np.int64)
    # Of the second series every other day; in one write, so that no merge comes in between.
    all_times = np.concatenate([times, times[::2]])
    store.write(np.repeat([0, 1], [len(times), len(times[::2])]), all_times, np.ones(len(all_times)))
    before = _parts(engine)
    eraser = Eraser(engine, store.changes, lambda: None, lambda: None)
    second = (Matcher(METRIC_NAME, MatchOp.EQUAL, METRIC), Matcher("i", MatchOp.EQUAL, "1"))
    wanted = Wanted(second, int(times[0]), int(times[4]))
    asyncio.run(eraser.delete(store.scope, [wanted]))

    after = _parts(engine)
    assert sorted(one for one in before if before[one] != after[one]) == ["19700411", "19700413", "19700415"]
    left = select(store.scope, "id, toUnixTimestamp64Milli(ts) AS ms", "samples", equal("m", HASH))
    table = engine.session().query(left, purpose="test")
    ids = store.ids(np.arange(2))
    kept = list(zip(numbers(table["id"]).tolist(), table["ms"].to_pylist(), strict=True))
    assert sorted(ms for one, ms in kept if one == ids[0]) == times.tolist()
    assert sorted(ms for one, ms in kept if one == ids[1]) == times[6::2].tolist()

    asyncio.run(eraser.clean())
    again = _parts(engine)
    assert sorted(one for one in after if after[one] != again[one]) == ["19700411", "19700413", "19700415"]
