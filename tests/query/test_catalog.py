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
from pharos.engine.keys import DAY_MS
from pharos.labels import METRIC_NAME, Matcher, MatchOp
from pharos.query.limits import Scheduler, SchedulerOptions
from pharos.query.metrics.catalog import Catalog, Window
from pharos.query.metrics.series import SeriesCache

_BEGIN = 300_000 * BUCKET_MS
_DAYS = days_of(_BEGIN, _BEGIN + BUCKET_MS)
_CLOCK = SystemClock()


class Asked:
    """A tenant's metrics `m` and `n`, and the catalogue that is asked about them."""

    def __init__(self, engine: EmbeddedEngine, tenant: str, writers: Writers) -> None:
        self.changes = Changes(writers)
        self.m, self.n = (Store(engine, tenant, self.changes, metric) for metric in "mn")
        self.scheduler = Scheduler(engine, _CLOCK, SchedulerOptions())
        self.catalog = Catalog(self.changes, _CLOCK, self.scheduler, SeriesCache(self.changes))
        self.m.register(2, _DAYS)
        self.n.register(1, _DAYS)

    def remember_at_most(self, characters: int) -> None:
        series = SeriesCache(self.changes)
        self.catalog = Catalog(self.changes, _CLOCK, self.scheduler, series, kept_characters=characters)

    def remembered(self) -> tuple[int, int]:
        """Return of how many characters and of how many answers the catalogue knows."""
        kept = self.catalog._answers  # noqa: SLF001 - nothing outside tells it
        return kept._characters, len(kept._kept)  # noqa: SLF001

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


async def test_what_is_remembered_is_bounded(asked: Asked) -> None:
    asked.remember_at_most(3_200)
    for day in range(80):
        later = _BEGIN + day * DAY_MS
        await asked.values(replace(asked.window(), start_ms=later, end_ms=later))
        assert 0 < asked.remembered()[0] <= 3_200
    assert 2 < asked.remembered()[1] < 80


async def test_an_answer_that_would_take_all_of_the_memory_is_not_remembered(asked: Asked) -> None:
    asked.remember_at_most(400)
    assert await asked.values() == ["0", "1"]
    assert asked.remembered() == (0, 0)


async def test_whoever_gets_an_answer_may_change_it(asked: Asked) -> None:
    (await asked.values()).append("own")
    assert await asked.values() == ["0", "1"]
