"""Where other processes write to the store too, nothing that was read is taken for what is there now."""

from __future__ import annotations

import numpy as np
import pytest
from tests.query.store import BUCKET_MS, StillClock, Store, days_of
from tests.query.test_results import _Asking

from pharos.engine import Session, Writers
from pharos.engine.changes import EVERYTHING, Changes
from pharos.engine.embedded.store import EmbeddedEngine
from pharos.engine.keys import metric_hash
from pharos.labels import METRIC_NAME, Matcher, MatchOp
from pharos.query.metrics.buckets import BucketCache
from pharos.query.metrics.series import Selection, SeriesCache

_BEGIN = 200_000 * BUCKET_MS
_NAME = (Matcher(METRIC_NAME, MatchOp.EQUAL, "m"),)


@pytest.mark.parametrize("writers", Writers)
def test_what_others_wrote_is_in_every_answer_where_others_write(
    engine: EmbeddedEngine, writers: Writers
) -> None:
    # Without notes, as others write. With one writer the same is not seen: so caches are at work here.
    store = Store(engine, f"others-{writers.name}", Changes(writers))
    store.register(2, days_of(_BEGIN, _BEGIN + BUCKET_MS))
    buckets = BucketCache(store.changes, StillClock(), 1 << 20)
    series = SeriesCache(store.changes)
    asking = _Asking(store)
    end = _BEGIN + 3_600_000

    def look() -> tuple[int, int, float]:
        def select(session: Session) -> Selection:
            return series.select(session, store.scope, _NAME, _BEGIN, end)

        found = store.engine.run_blocking(select)
        block = store.select(_NAME, _BEGIN, _BEGIN + BUCKET_MS - 1, buckets)
        answer = asking.ask("sum(sum_over_time(m[5m]))", end - 600_000, end, kept=True)
        return len(found), len(block.ts_ms), float(answer.values[answer.present].sum())

    ts = _BEGIN + np.arange(0, 3_600_000, 60_000, dtype=np.int64)
    store.write(np.zeros(60, np.int64), ts, np.ones(60), note=False)
    look()
    before = look()
    store.register(3, days_of(_BEGIN, _BEGIN + BUCKET_MS), note=False)
    store.write(np.full(60, 2), ts + 1, np.ones(60), note=False)
    after = look()
    if writers is Writers.THIS_PROCESS:
        assert after == before
    else:
        assert before[:2] == (2, 60)
        assert after[:2] == (3, 120)
        assert after[2] > before[2]


def test_of_a_store_with_other_writers_everything_may_have_changed() -> None:
    changes = Changes(Writers.OTHERS_TOO)
    metric = metric_hash("m")
    stamp = changes.watch("t", metric, [1])
    assert changes.added_since("t", metric, 1, stamp) == EVERYTHING
    assert len({changes.stamp("t") for _ in range(3)} | {changes.stamp("t", metric) for _ in range(3)}) == 6
    assert changes.version != changes.version
    assert changes.has_histograms("t", [metric])
    assert changes.has_starts("t", [metric])
