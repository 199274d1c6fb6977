"""Names and values of labels: what was answered once is answered again, until it may be another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from tests.query.store import BUCKET_MS, Store, days_of

from pharos.access import Scope
from pharos.clock import SystemClock
from pharos.engine import Writers
from pharos.engine.changes import Changes
from pharos.engine.embedded.store import EmbeddedEngine
from pharos.labels import METRIC_NAME, Matcher, MatchOp
from pharos.query.limits import Scheduler, SchedulerOptions
from pharos.query.metrics import catalog
from pharos.query.metrics.catalog import Catalog, Window
from pharos.query.metrics.series import SeriesCache

_BEGIN = 300_000 * BUCKET_MS
_DAYS = days_of(_BEGIN, _BEGIN + BUCKET_MS)


class Asked:
    """A tenant's metrics `m` and `n`, and the catalogue that is asked about them."""

    def __init__(self, engine: EmbeddedEngine, tenant: str, writers: Writers) -> None:
        self.changes = Changes(writers)
        self.m, self.n = (Store(engine, tenant, self.changes, metric) for metric in "mn")
        clock = SystemClock()
        self.scheduler = Scheduler(engine, clock, SchedulerOptions())
        self.catalog = Catalog(self.changes, clock, self.scheduler, SeriesCache(self.changes))
        self.m.register(2, _DAYS)
        self.n.register(1, _DAYS)

    def window(self, metric: str = "m") -> Window:
        named = (Matcher(METRIC_NAME, MatchOp.EQUAL, metric),)
        return Window(self.m.scope, _BEGIN, _BEGIN + BUCKET_MS, (named,))

    async def values(self, window: Window | None = None) -> list[str]:
        return await self.catalog.label_values("i", window or self.window(), lambda found: found)


@pytest.fixture(params=Writers, ids=lambda writers: writers.name)
def asked(engine: EmbeddedEngine, request: pytest.FixtureRequest) -> Iterator[Asked]:
    asked = Asked(engine, f"catalog-{request.node.name}", request.param)
    yield asked
    asked.scheduler.close()


async def test_the_store_is_asked_again_once_a_series_of_the_metric_is_new(asked: Asked) -> None:
    assert await asked.values() == ["0", "1"]
    # As others write: this process does not learn of it.
    asked.m.register(3, _DAYS, note=False)
    is_known = asked.changes.stamp(asked.m.tenant) == asked.changes.stamp(asked.m.tenant)
    assert await asked.values() == (["0", "1"] if is_known else ["0", "1", "2"])
    asked.n.register(5, _DAYS)
    assert await asked.values() == (["0", "1"] if is_known else ["0", "1", "2"])
    asked.m.register(4, _DAYS)
    assert await asked.values() == ["0", "1", "2", "3"]


async def test_a_question_is_answered_with_what_it_asks_for(asked: Asked) -> None:
    window = asked.window()
    assert await asked.values(window) == ["0", "1"]
    assert await asked.values(asked.window("n")) == ["0"]
    assert await asked.values(replace(window, scope=Scope("nobody"))) == []
    earlier = replace(window, start_ms=_BEGIN - 10 * BUCKET_MS, end_ms=_BEGIN - 9 * BUCKET_MS)
    assert await asked.values(earlier) == []
    assert await asked.catalog.label_names(window, lambda found: found) == ["__name__", "i"]
    assert await asked.values(replace(window, selectors=())) == ["0", "1"]


async def test_what_was_deleted_is_not_told_from_memory(asked: Asked) -> None:
    assert await asked.values() == ["0", "1"]
    fenced = f"tenant = '{asked.m.tenant}' AND labels['i'] = '1'"
    text = f"DELETE FROM series WHERE {fenced} SETTINGS mutations_sync=2"
    asked.m.engine.control(lambda session: session.execute(text))
    asked.changes.note_rewritten(asked.m.tenant)
    assert await asked.values() == ["0"]


async def test_what_is_remembered_is_bounded(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "_KEPT_CHARACTERS", 400)
    kept = asked.catalog._answers  # noqa: SLF001 - nothing outside tells what is remembered
    for hour in range(40):
        later = _BEGIN + hour * 86_400_000
        await asked.values(replace(asked.window(), start_ms=later, end_ms=later))
        assert 0 < kept._characters <= 400  # noqa: SLF001
    assert len(kept._kept) < 8  # noqa: SLF001
    monkeypatch.setattr(catalog, "_ANSWER_CHARACTERS", 0)
    before = len(kept._kept)  # noqa: SLF001
    assert await asked.values() == ["0", "1"]
    assert len(kept._kept) == before  # noqa: SLF001


async def test_whoever_gets_an_answer_may_change_it(asked: Asked) -> None:
    (await asked.values()).append("own")
    assert await asked.values() == ["0", "1"]
