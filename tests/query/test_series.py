"""Which series match is remembered; after a change it is what a cache without memory would say."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import numpy as np
import pytest
from tests.query.store import Store, days_of

from pharos.engine import Session
from pharos.engine.changes import Changes
from pharos.engine.embedded.store import EmbeddedEngine
from pharos.engine.keys import DAY_MS
from pharos.labels import Matcher, MatchOp
from pharos.query.metrics import series as module
from pharos.query.metrics.series import Selection, SeriesCache

_DAY = 20_000
_ANY = (Matcher("i", MatchOp.REGEX, ".+"),)
_NAMED = (Matcher("__name__", MatchOp.EQUAL, "m"),)
_EVEN = (Matcher("__name__", MatchOp.EQUAL, "m"), Matcher("i", MatchOp.REGEX, ".*[02468]"))


@dataclass
class Selecting:
    """A cache over a store of its own."""

    store: Store
    cache: SeriesCache = field(init=False)

    def __post_init__(self) -> None:
        self.cache = SeriesCache(self.store.changes)

    def select(
        self, matchers: tuple[Matcher, ...], first_day: int, last_day: int, cache: SeriesCache | None = None
    ) -> Selection:
        def work(session: Session) -> Selection:
            return (cache or self.cache).select(
                session, self.store.tenant, matchers, first_day * DAY_MS, last_day * DAY_MS + 1
            )

        return self.store.engine.run_blocking(work)

    def check(self, matchers: tuple[Matcher, ...], first_day: int, last_day: int) -> Selection:
        found = self.select(matchers, first_day, last_day)
        fresh = self.select(matchers, first_day, last_day, SeriesCache(self.store.changes))
        assert list(found.labels) == list(fresh.labels)
        np.testing.assert_array_equal(found.id, fresh.id)
        assert (found.metrics, found.counts) == (fresh.metrics, fresh.counts)
        places = np.arange(len(found))
        np.testing.assert_array_equal(np.searchsorted(found.id, fresh.id), places)
        return found


@pytest.fixture
def selecting(engine: EmbeddedEngine, request: pytest.FixtureRequest) -> Selecting:
    return Selecting(Store(engine, f"series-{request.node.name}", Changes()))


def _days(first: int, last: int) -> range:
    return days_of(first * DAY_MS, last * DAY_MS)


@pytest.fixture
def labels_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many label sets each question brought back."""
    read: list[int] = []
    label_sets = module.label_sets

    def counted(column: object) -> object:
        found = label_sets(column)  # type: ignore[arg-type]
        read.append(len(found))
        return found

    monkeypatch.setattr(module, "label_sets", counted)
    return read


def test_of_a_new_series_only_its_own_labels_are_read(selecting: Selecting, labels_read: list[int]) -> None:
    selecting.store.register(50, _days(_DAY, _DAY))
    assert len(selecting.select(_ANY, _DAY, _DAY)) == 50
    selecting.store.register(53, _days(_DAY, _DAY))
    assert len(selecting.select(_ANY, _DAY, _DAY)) == 53
    assert labels_read == [50, 3]


def test_a_range_of_other_days_takes_the_labels_that_are_known(
    selecting: Selecting, labels_read: list[int]
) -> None:
    selecting.store.register(50, _days(_DAY, _DAY + 1))
    first = selecting.select(_NAMED, _DAY, _DAY)
    second = selecting.select(_NAMED, _DAY, _DAY + 1)
    assert second.labels is first.labels
    assert labels_read == [50]


def test_many_new_series_are_read_with_all(selecting: Selecting, labels_read: list[int]) -> None:
    selecting.store.register(10, _days(_DAY, _DAY))
    selecting.select(_ANY, _DAY, _DAY)
    selecting.store.register(40, _days(_DAY, _DAY))
    selecting.check(_ANY, _DAY, _DAY)
    assert labels_read[:2] == [10, 40]


@pytest.mark.parametrize("seed", range(4))
def test_any_order_of_changes_and_questions_gives_what_the_store_has(selecting: Selecting, seed: int) -> None:
    chance = random.Random(seed)
    series = 0
    for _ in range(25):
        if not series or chance.random() < 0.4:
            series += chance.choice([1, 2, 30])
            first = _DAY + chance.randrange(3)
            selecting.store.register(series, _days(first, first + chance.randrange(2)))
        first = _DAY - 1 + chance.randrange(5)
        matchers = chance.choice([_ANY, _NAMED, _EVEN])
        selecting.check(matchers, first, first + chance.randrange(3))
