"""Which series match is remembered; after a change it is what a cache without memory would say."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pytest
from tests.query.store import Store, days_of

from pharos.engine import Limits, Session
from pharos.engine.changes import Changes, Recent
from pharos.engine.embedded.store import EmbeddedEngine
from pharos.engine.keys import DAY_MS
from pharos.engine.sql import Statement
from pharos.errors import Kind, PharosError
from pharos.labels import Labels, Matcher, MatchOp
from pharos.query.metrics.series import Selection, SeriesCache, SeriesSizes, Use

_DAY = 20_000
_ANY = (Matcher("i", MatchOp.REGEX, ".+"),)
_NAMED = (Matcher("__name__", MatchOp.EQUAL, "m"),)
_EVEN = (Matcher("__name__", MatchOp.EQUAL, "m"), Matcher("i", MatchOp.REGEX, ".*[02468]"))


class WatchedSession:
    """A session that notes how many label sets each statement brought, and fails when it is told to."""

    def __init__(self, session: Session, selecting: Selecting) -> None:
        self.cancelled = session.cancelled
        self._session = session
        self._selecting = selecting

    def query(self, statement: Statement, *, purpose: str, limits: Limits | None = None) -> pa.Table:
        self._note()
        return self._session.query(statement, purpose=purpose, limits=limits)

    def stream(
        self,
        statement: Statement,
        take: Callable[[pa.RecordBatch], None],
        *,
        purpose: str,
        limits: Limits | None = None,
    ) -> None:
        self._note()
        found: list[pa.RecordBatch] = []
        self._session.stream(statement, found.append, purpose=purpose, limits=limits)
        self._selecting.labels_read.append(len({one for batch in found for one in batch["id"].to_pylist()}))
        for batch in found:
            if self._selecting.leaves_out:
                batch = batch.slice(self._selecting.leaves_out)
            if self._selecting.fails_within:
                take(batch.slice(0, self._selecting.fails_within))
                raise PharosError(Kind.TIMEOUT, "too slow")
            take(batch)

    def _note(self) -> None:
        self._selecting.statements += 1
        if self._selecting.statements == self._selecting.fails_at:
            raise PharosError(Kind.TIMEOUT, "too slow")

    def cancel(self) -> None:
        self._session.cancel()


@dataclass
class Selecting:
    """A cache over a store of its own."""

    store: Store
    cache: SeriesCache = field(init=False)
    labels_read: list[int] = field(default_factory=list)
    """How many label sets each statement for labels brought."""
    statements: int = 0
    fails_at: int = 0
    """The number of the statement that fails."""
    fails_within: int = 0
    """After so many label sets a statement for them fails."""
    leaves_out: int = 0
    """So many label sets a statement for them does not bring, as if they had been erased meanwhile."""

    def __post_init__(self) -> None:
        self.cache = SeriesCache(self.store.changes)

    def begin_anew(self, sizes: SeriesSizes) -> None:
        self.cache = SeriesCache(self.store.changes, sizes=sizes)

    def select(
        self,
        matchers: tuple[Matcher, ...],
        first_day: int,
        last_day: int,
        cache: SeriesCache | None = None,
        store: Store | None = None,
    ) -> Selection:
        asked = store or self.store

        def work(session: Session) -> Selection:
            watched = WatchedSession(session, self)
            first_ms, last_ms = first_day * DAY_MS, last_day * DAY_MS + 1
            return (cache or self.cache).select(watched, asked.scope, matchers, first_ms, last_ms)

        return asked.engine.run_blocking(work)

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


def test_of_a_new_series_only_its_own_labels_are_read(selecting: Selecting) -> None:
    selecting.store.register(50, _days(_DAY, _DAY))
    assert len(selecting.select(_ANY, _DAY, _DAY)) == 50
    selecting.store.register(53, _days(_DAY, _DAY))
    assert len(selecting.select(_ANY, _DAY, _DAY)) == 53
    assert selecting.labels_read == [50, 3]


def test_a_range_of_other_days_takes_the_labels_that_are_known(selecting: Selecting) -> None:
    selecting.store.register(50, _days(_DAY, _DAY + 1))
    first = selecting.select(_NAMED, _DAY, _DAY)
    second = selecting.select(_NAMED, _DAY, _DAY + 1)
    assert second.labels is first.labels
    assert selecting.labels_read == [50]


def test_many_new_series_are_read_with_all(selecting: Selecting) -> None:
    selecting.store.register(10, _days(_DAY, _DAY))
    selecting.select(_ANY, _DAY, _DAY)
    selecting.store.register(40, _days(_DAY, _DAY))
    selecting.check(_ANY, _DAY, _DAY)
    assert selecting.labels_read[:2] == [10, 40]


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


_SELECTORS = tuple(
    (*_NAMED, Matcher(name, op, value))
    for name, op, value in (
        ("i", MatchOp.EQUAL, "7"),
        ("i", MatchOp.EQUAL, ""),
        ("i", MatchOp.EQUAL, "none has it"),
        ("i", MatchOp.NOT_EQUAL, "7"),
        ("i", MatchOp.NOT_EQUAL, ""),
        ("i", MatchOp.REGEX, "[1-3].?"),
        ("i", MatchOp.NOT_REGEX, "[1-3].?"),
        ("j", MatchOp.REGEX, ".*"),
        ("j", MatchOp.NOT_REGEX, "x|"),
        ("j", MatchOp.EQUAL, ""),
        ("__name__", MatchOp.REGEX, "m|n"),
        ("__name__", MatchOp.NOT_EQUAL, "m"),
    )
)


@pytest.mark.parametrize("most_distinct", [0, 1_000])
def test_selectors_of_a_known_metric_match_as_the_store_does(
    selecting: Selecting, most_distinct: int
) -> None:
    selecting.begin_anew(SeriesSizes(distinct=most_distinct))
    selecting.store.register(40, _days(_DAY, _DAY))
    assert len(selecting.select(_NAMED, _DAY, _DAY)) == 40
    for matchers in _SELECTORS:
        selecting.check(matchers, _DAY, _DAY)


def test_the_second_selector_of_a_metric_is_answered_without_the_store(selecting: Selecting) -> None:
    selecting.store.register(40, _days(_DAY, _DAY))
    for matchers in _SELECTORS[:2]:
        selecting.select(matchers, _DAY, _DAY)

    asked = selecting.statements
    assert [len(selecting.select(matchers, _DAY, _DAY)) for matchers in _SELECTORS[2:6]] == [0, 39, 40, 33]
    assert selecting.statements == asked


def test_a_metric_of_too_many_series_is_not_read_for_a_selector(selecting: Selecting) -> None:
    selecting.begin_anew(SeriesSizes(whole=30))
    selecting.store.register(40, _days(_DAY, _DAY))
    for value in "1234":
        found = selecting.select((*_NAMED, Matcher("i", MatchOp.EQUAL, value)), _DAY, _DAY)
        assert [dict(labels)["i"] for labels in found.labels] == [value]
    assert selecting.labels_read == [1, 1, 1, 1]


@pytest.mark.parametrize("few", [0, 1_000])
def test_labels_are_the_same_as_tuples_and_as_columns(selecting: Selecting, few: int) -> None:
    selecting.begin_anew(SeriesSizes(few=few))
    selecting.store.register(30, _days(_DAY, _DAY))
    found = selecting.select(_ANY, _DAY, _DAY)
    values = np.argsort(selecting.store.ids(np.arange(30)))
    assert list(found.labels) == [(("__name__", "m"), ("i", str(i))) for i in values.tolist()]
    part = found.part(3, 7)
    assert list(part.labels) == list(found.labels)[3:7]
    assert part.id.tolist() == found.id[3:7].tolist()


def test_what_is_kept_is_bounded_in_bytes(selecting: Selecting) -> None:
    selecting.store.register(300, _days(_DAY, _DAY))
    cache = SeriesCache(selecting.store.changes, limit_bytes=400_000)
    for i in range(40):
        matchers = (*_ANY, Matcher("i", MatchOp.NOT_EQUAL, str(i)))
        assert len(selecting.select(matchers, _DAY, _DAY, cache)) == 299
        assert 0 < cache.nbytes <= 400_000
    nothing = SeriesCache(selecting.store.changes, limit_bytes=0)
    assert len(selecting.select(_ANY, _DAY, _DAY, nothing)) == 300
    assert nothing.nbytes == 0


def test_more_series_than_allowed_are_refused_each_time(selecting: Selecting) -> None:
    selecting.store.register(20, _days(_DAY, _DAY))
    for _ in range(2):
        for most, is_refused in ((19, True), (20, False)):

            def work(session: Session, most: int = most) -> Selection:
                limits = Limits(result_rows=most)
                start = _DAY * DAY_MS
                return selecting.cache.select(session, selecting.store.scope, _ANY, start, start, limits)

            if is_refused:
                with pytest.raises(PharosError, match="more than 19 series"):
                    selecting.store.engine.run_blocking(work)
            else:
                assert len(selecting.store.engine.run_blocking(work)) == 20


def test_labels_that_were_read_before_a_failure_are_not_read_again(selecting: Selecting) -> None:
    selecting.store.register(30, _days(_DAY, _DAY))
    selecting.fails_within = 20
    with pytest.raises(PharosError, match="too slow"):
        selecting.select(_ANY, _DAY, _DAY)
    selecting.fails_within = 0
    assert len(selecting.select(_ANY, _DAY, _DAY)) == 30
    assert selecting.labels_read == [30, 10]


def test_a_selection_that_lacks_series_is_not_remembered(selecting: Selecting) -> None:
    selecting.store.register(30, _days(_DAY, _DAY))
    selecting.leaves_out = 10
    assert len(selecting.select(_ANY, _DAY, _DAY)) == 20
    selecting.leaves_out = 0
    assert len(selecting.select(_ANY, _DAY, _DAY)) == 30


def test_a_tenant_with_too_many_series_drives_nothing_out_that_others_keep(selecting: Selecting) -> None:
    selecting.store.register(20, _days(_DAY, _DAY))
    large = Store(selecting.store.engine, f"{selecting.store.tenant}-large", selecting.store.changes)
    large.register(2_500, _days(_DAY, _DAY))
    cache = SeriesCache(selecting.store.changes, limit_bytes=150_000)
    for _ in range(2):
        assert len(selecting.select(_ANY, _DAY, _DAY, cache)) == 20
        assert len(selecting.select(_ANY, _DAY, _DAY, cache, large)) == 2_500
    assert selecting.labels_read == [20, 2_500, 2_500]


_RECENT_MS = _DAY * DAY_MS + 1_000


def _without_idle(selecting: Selecting, start_ms: int, matchers: tuple[Matcher, ...] = _NAMED) -> list[str]:
    """The label of each series that is selected for a range in which those that ended are not wanted."""

    def work(session: Session) -> Selection:
        scope = selecting.store.scope
        watched = WatchedSession(session, selecting)
        return selecting.cache.select(watched, scope, matchers, start_ms, start_ms + 1, use=Use.SAMPLES)

    return sorted(labels[-1][1] for labels in selecting.store.engine.run_blocking(work).labels)


def test_series_that_ended_are_left_out_of_a_range_after_their_end_alone(selecting: Selecting) -> None:
    selecting.begin_anew(SeriesSizes(idle=1))
    selecting.store.register(9, _days(_DAY, _DAY))
    ids = selecting.store.ids(np.array([7, 1, 7, 3_000]))
    selecting.store.changes.on_recent(lambda: _RECENT_MS, lambda: Recent(_RECENT_MS, ids))
    assert _without_idle(selecting, _RECENT_MS) == ["1", "7"]
    assert _without_idle(selecting, _RECENT_MS, _EVEN) == []
    assert _without_idle(selecting, _RECENT_MS - 1) == [str(i) for i in range(9)]
    assert len(selecting.select(_NAMED, _DAY, _DAY)) == 9


def test_of_series_that_ended_no_labels_are_kept(selecting: Selecting) -> None:
    selecting.begin_anew(SeriesSizes(idle=1))
    selecting.store.register(9, _days(_DAY, _DAY))
    ids = selecting.store.ids(np.array([1, 7]))
    selecting.store.changes.on_recent(lambda: _RECENT_MS, lambda: Recent(_RECENT_MS, ids))
    assert _without_idle(selecting, _RECENT_MS) == ["1", "7"]
    selecting.labels_read.clear()
    assert len(selecting.select(_NAMED, _DAY, _DAY)) == 9
    assert selecting.labels_read == [9]


def test_where_it_is_not_known_which_series_ended_all_are_selected(selecting: Selecting) -> None:
    selecting.begin_anew(SeriesSizes(idle=1))
    selecting.store.register(3, _days(_DAY, _DAY))
    assert len(_without_idle(selecting, _RECENT_MS)) == 3
    # Some were dropped between the two questions: the second is about another time.
    none: Recent = Recent(_RECENT_MS + 1, np.empty(0, np.uint64))
    selecting.store.changes.on_recent(lambda: _RECENT_MS, lambda: none)
    assert len(_without_idle(selecting, _RECENT_MS)) == 3
    selecting.store.changes.on_recent(lambda: _RECENT_MS, lambda: None)
    selecting.store.changes.note_series(selecting.store.tenant, [])
    assert len(_without_idle(selecting, _RECENT_MS)) == 3


def test_a_selection_of_few_series_is_remembered_whichever_ended(selecting: Selecting) -> None:
    selecting.store.register(9, _days(_DAY, _DAY))
    from_ms = [_RECENT_MS]
    nothing = np.empty(0, np.uint64)
    selecting.store.changes.on_recent(lambda: from_ms[0], lambda: Recent(from_ms[0], nothing))
    assert len(_without_idle(selecting, _RECENT_MS)) == 9
    asked = selecting.statements
    from_ms[0] -= 500
    assert len(_without_idle(selecting, _RECENT_MS)) == 9
    assert selecting.cache.known(selecting.store.scope, _NAMED, _RECENT_MS, _RECENT_MS) is not None
    assert selecting.statements == asked


def test_a_series_that_comes_again_is_selected_once_it_is_registered(selecting: Selecting) -> None:
    selecting.begin_anew(SeriesSizes(idle=1))
    selecting.store.register(4, _days(_DAY, _DAY))
    known = [1]
    selecting.store.changes.on_recent(
        lambda: _RECENT_MS, lambda: Recent(_RECENT_MS, selecting.store.ids(np.array(known)))
    )
    assert _without_idle(selecting, _RECENT_MS) == ["1"]
    known.append(2)
    selecting.store.register(4, _days(_DAY, _DAY))
    assert _without_idle(selecting, _RECENT_MS) == ["1", "2"]


def test_what_nobody_asked_for_meanwhile_is_kept_no_longer(selecting: Selecting) -> None:
    selecting.store.register(2_500, _days(_DAY, _DAY))
    selecting.select(_NAMED, _DAY, _DAY)
    selecting.select(_EVEN, _DAY, _DAY)
    selecting.cache.age()
    both = selecting.cache.nbytes
    kept = selecting.select(_NAMED, _DAY, _DAY)
    selecting.cache.age()
    assert selecting.cache.nbytes < both
    assert selecting.select(_NAMED, _DAY, _DAY) is kept
    assert selecting.labels_read == [2_500]


def test_labels_of_series_that_are_mostly_gone_are_begun_anew(selecting: Selecting) -> None:
    selecting.begin_anew(SeriesSizes(idle=100))
    selecting.store.register(500, _days(_DAY, _DAY))
    few = (Matcher("i", MatchOp.REGEX, "1."),)
    selecting.select(_ANY, _DAY, _DAY)
    selecting.select(few, _DAY, _DAY)
    selecting.cache.age()
    with_all = selecting.cache.nbytes
    selecting.select(few, _DAY, _DAY)
    selecting.cache.age()
    assert selecting.cache.nbytes < with_all
    assert len(selecting.select(few, _DAY, _DAY)) == 10
    assert selecting.labels_read == [500, 10]


def test_a_listing_of_many_series_leaves_only_what_is_evaluated(selecting: Selecting) -> None:
    selecting.begin_anew(SeriesSizes(idle=100))
    selecting.store.register(500, _days(_DAY, _DAY))
    few = (Matcher("i", MatchOp.REGEX, "1."),)
    selecting.select(few, _DAY, _DAY)
    evaluated = selecting.cache.nbytes
    listed = _listed(selecting, _ANY)
    assert listed == list(selecting.select(_ANY, _DAY, _DAY, SeriesCache(selecting.store.changes)).labels)
    assert selecting.cache.nbytes == evaluated
    selecting.select(_ANY, _DAY, _DAY)
    selecting.labels_read.clear()
    assert _listed(selecting, _ANY) == listed
    assert _listed(selecting, few) == list(selecting.select(few, _DAY, _DAY).labels)
    assert selecting.labels_read == []


def _listed(selecting: Selecting, matchers: tuple[Matcher, ...]) -> list[Labels]:
    def work(session: Session) -> list[Labels]:
        scope, watched = selecting.store.scope, WatchedSession(session, selecting)
        start_ms, end_ms = _DAY * DAY_MS, _DAY * DAY_MS + 1
        none = Limits()
        found = selecting.cache.select_any(watched, scope, [matchers], start_ms, end_ms, none, Use.LISTING)
        return list(found)

    return selecting.store.engine.run_blocking(work)
