"""Which series match: asked of the store once, remembered until a series of the tenant or metric is new.

What the store is asked for is ids: the labels of a series never change, and those of all that were met are in
the tenant's label table. Of a metric whose series are all known, selectors are answered from there.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from enum import Enum
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from pharos.access import Scope
from pharos.engine import Limits, Session
from pharos.engine.changes import Changes
from pharos.engine.columns import numbers, texts
from pharos.engine.keys import DAY_MS, metric_hash
from pharos.engine.sql import Condition, Statement, among, days, matches, select
from pharos.errors import Kind, PharosError
from pharos.labels import METRIC_NAME, Labels, Matcher, MatchOp
from pharos.promql.grids.grid_labels import SharedLabels
from pharos.promql.grids.label_columns import LabelColumns
from pharos.promql.kernels.labels import ABSENT
from pharos.query.metrics.label_table import LabelTable
from pharos.query.shares import largest

_TUPLE_BYTES: Final = 700
"""About what the labels of a series take as a tuple."""
_COLUMN_BYTES: Final = 64
"""What a series of a selection takes otherwise: its id, its row, and what is derived of its labels."""
_LISTED: Final = 50_000
"""How many ids are asked for by name at most."""
_REMEMBERED: Final = 10_000
_LABELS_AT_ONCE: Final = 500


class SeriesSizes(Struct, frozen=True):
    """Up to how many series, or values of a label, something is done the quicker way."""

    few: int = 2_000
    """Labels of so few series are kept as tuples, which is quicker for a few than columns are."""
    whole: int = 20_000
    """Metrics of so few series are read in whole for the sake of a second selector."""
    distinct: int = 20_000
    """A pattern is matched here against so many values at most; the store is quicker with more."""
    idle: int = 10_000
    """From so many series on it is looked which of them had samples of late, where others are not wanted."""


_SIZES: Final = SeriesSizes()


class Use(Enum):
    """What series are asked for."""

    ANY = "any"
    SAMPLES = "samples"
    """For their samples: those may be left out that are known to have none in the range."""
    LISTING = "listing"
    """To be shown: of many nothing is remembered, for nobody may ever evaluate them."""


class Selection:
    """The series that match, ordered by id."""

    def __init__(
        self,
        columns: LabelColumns,
        ids: NDArray[np.uint64],
        metrics: tuple[int, ...],
        counts: tuple[int, ...],
        *,
        labels: Sequence[Labels],
        is_part: bool = False,
        has_idle: bool = True,
    ) -> None:
        self.columns = columns
        self.labels = labels
        self.id = ids
        self.metrics = metrics
        """Hashes of the metrics that occur."""
        self.counts = counts
        """How many of the series each metric has, those of a part's whole selection."""
        self.is_part = is_part
        """Whether these are neighbours out of a larger selection."""
        self.has_idle = has_idle
        """Whether those that match are all there, those too that had no sample of late."""

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def nbytes(self) -> int:
        """Return about what it takes in memory besides the tenant's label table."""
        one = _COLUMN_BYTES if isinstance(self.labels, LabelColumns) else _COLUMN_BYTES + _TUPLE_BYTES
        return 1024 + one * len(self.id)

    def part(self, first: int, last: int) -> Selection:
        """Return the selection of series first to last - 1."""
        return Selection(
            self.columns[first:last],
            self.id[first:last],
            self.metrics,
            self.counts,
            labels=self.labels[first:last],
            is_part=True,
        )


def label_sets(column: pa.Array | pa.ChunkedArray) -> list[Labels]:
    """Return the label sets of a map column, whose entries the store keeps sorted by name."""
    if not len(column):
        return []
    maps = pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column
    ends = maps.offsets.to_pylist()
    found: list[Labels] = []
    # A part at a time: other threads get their turn between two, not within one.
    for at in range(0, len(ends) - 1, _LABELS_AT_ONCE):
        offsets = ends[at : at + _LABELS_AT_ONCE + 1]
        first, count = offsets[0], offsets[-1] - offsets[0]
        keys = texts(maps.keys.slice(first, count))
        items = maps.items.slice(first, count).to_pylist()
        pairs = list(zip(keys, items, strict=True))
        found += [tuple(pairs[low - first : high - first]) for low, high in pairwise(offsets)]
    return found


def named_metric(matchers: Sequence[Matcher]) -> str | None:
    """Return the metric's name if an equality fixes it."""
    for matcher in matchers:
        if matcher.name == METRIC_NAME and matcher.op is MatchOp.EQUAL and matcher.value:
            return matcher.value
    return None


class _Asked(NamedTuple):
    """Which series are asked for; days since 1970, both included."""

    scope: Scope
    matchers: tuple[Matcher, ...]
    first_day: int
    last_day: int
    recent_ms: int | None = None
    """Series may be left out that have no sample at this time or later; None where they may not."""

    def select(self, columns: str, *where: Condition, tail: str = "") -> Statement:
        """Return the statement that reads columns of the series."""
        chosen = (*map(matches, self.matchers), days(self.first_day, self.last_day))
        return select(self.scope, columns, "series", *chosen, *where, tail=tail)


class SeriesCache:
    """Selections by tenant, matchers and days, and the label tables of tenants; thread-safe.

    Both together are bounded in bytes. Where that is too much, the tenant that holds most gives way: the
    selections that it did not use for longest, in the end its table. `seed` is for the tables.
    """

    def __init__(
        self, changes: Changes, limit_bytes: int = 512 << 20, seed: int = 0, sizes: SeriesSizes = _SIZES
    ) -> None:
        self._changes = changes
        self._sizes = sizes
        self._limit = limit_bytes
        self._seed = seed
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Asked, tuple[int, Selection]] = OrderedDict()
        self._kept_bytes = 0
        self._used: set[_Asked] = set()
        """What was kept or asked for since `age` was called last."""
        self._newest: dict[tuple[Scope, tuple[Matcher, ...]], _Asked] = {}
        """Of selections that differ in their days alone, the one that was kept last."""
        self._tables: OrderedDict[Scope, LabelTable] = OrderedDict()
        self._selective: OrderedDict[tuple[Scope, str], bool] = OrderedDict()
        """Metrics asked for by more than their name, and whether that may be answered from all of them."""

    def select(
        self,
        session: Session,
        scope: Scope,
        matchers: Sequence[Matcher],
        start_ms: int,
        end_ms: int,
        limits: Limits | None = None,
        use: Use = Use.ANY,
    ) -> Selection:
        """Return the scope's series that match and were seen on a day of the range.

        Raises PharosError: LIMITED for more than the limits' rows, if these are not 0, and TIMEOUT.
        """
        asked = self._asked(scope, matchers, start_ms, end_ms, use)
        limits = limits or Limits()
        found = self._known(asked)
        if found is None:
            whole = self._whole(session, asked, limits)
            found = self._found(session, asked, limits, whole, use)
        if 0 < limits.result_rows < len(found):
            raise PharosError(Kind.LIMITED, f"more than {limits.result_rows} series match")
        return found

    def known(
        self, scope: Scope, matchers: Sequence[Matcher], start_ms: int, end_ms: int
    ) -> Selection | None:
        """Return what `select` would for samples if it is remembered; None if the store is asked."""
        return self._known(self._asked(scope, matchers, start_ms, end_ms, Use.SAMPLES))

    def _asked(
        self, scope: Scope, matchers: Sequence[Matcher], start_ms: int, end_ms: int, use: Use
    ) -> _Asked:
        ordered = tuple(sorted(matchers, key=lambda m: (m.name, m.op, m.value)))
        recent_ms = self._changes.recent_from_ms() if use is Use.SAMPLES else None
        if recent_ms is not None and start_ms < recent_ms:
            recent_ms = None
        return _Asked(scope.alone(), ordered, start_ms // DAY_MS, end_ms // DAY_MS, recent_ms)

    @property
    def nbytes(self) -> int:
        """Return about the memory that label tables and selections take."""
        with self._lock:
            return self._taken()

    def _taken(self) -> int:
        # Counted as they come and go: there are as many selections as selectors of rules.
        return self._kept_bytes + sum(table.nbytes for table in self._tables.values())

    def _put(self, asked: _Asked, stamp: int, found: Selection) -> None:
        """Keep a selection; the lock is held."""
        self._drop(asked)
        before = self._newest.get((asked.scope, asked.matchers))
        if before is not None and None not in (before.recent_ms, asked.recent_ms):
            self._drop(before)
        self._kept[asked] = (stamp, found)
        self._used.add(asked)
        self._kept_bytes += found.nbytes
        self._newest[asked.scope, asked.matchers] = asked

    def _drop(self, asked: _Asked) -> int:
        """Keep a selection no more; return its bytes. The lock is held."""
        kept = self._kept.pop(asked, None)
        if kept is None:
            return 0
        nbytes = kept[1].nbytes
        self._kept_bytes -= nbytes
        if self._newest.get((asked.scope, asked.matchers)) == asked:
            del self._newest[asked.scope, asked.matchers]
        return nbytes

    def select_any(
        self,
        session: Session,
        scope: Scope,
        selectors: Sequence[Sequence[Matcher]],
        start_ms: int,
        end_ms: int,
        limits: Limits,
        use: Use = Use.ANY,
    ) -> LabelColumns:
        """Return the labels of the series that any of the selectors matches, in order of their ids.

        Raises what `select` raises.
        """
        if len(selectors) == 1:
            (only,) = selectors
            return self.select(session, scope, only, start_ms, end_ms, limits, use).columns
        found = [self.select(session, scope, one, start_ms, end_ms, limits) for one in selectors]
        _, first = np.unique(np.concatenate([one.id for one in found]), return_index=True)
        joined = found[0].columns.followed_by([one.columns for one in found[1:]])
        if joined is None:  # the table was begun anew in between
            raise PharosError(Kind.UNAVAILABLE, "labels were let go of meanwhile", retry_after_s=1.0)
        return joined.take(first)

    def _known(self, asked: _Asked) -> Selection | None:
        """Return the kept selection if nothing came since; of few series all will do."""
        if asked.recent_ms is not None:
            every = self._fresh(asked._replace(recent_ms=None))
            if every is not None and len(every) < self._sizes.idle:
                return every
        return self._fresh(asked)

    def _fresh(self, asked: _Asked) -> Selection | None:
        stamp = self._stamp(asked)
        with self._lock:
            kept = self._kept.get(asked)
            if kept is None or kept[0] != stamp:
                return None
            self._kept.move_to_end(asked)
            self._used.add(asked)
            return kept[1]

    def _stamp(self, asked: _Asked) -> int:
        name = named_metric(asked.matchers)
        return self._changes.stamp(asked.scope.tenant, metric_hash(name) if name is not None else None)

    def _whole(self, session: Session, asked: _Asked, limits: Limits) -> Selection | None:
        """Return all series of the metric if they are known, or if they are few and asked for again.

        None where the metric alone is asked for, and none or several are.
        """
        name = named_metric(asked.matchers)
        if name is None or len(asked.matchers) == 1:
            return None
        every = asked._replace(matchers=(Matcher(METRIC_NAME, MatchOp.EQUAL, name),))
        known = self._known(every)
        if known is not None:
            return known
        key = (asked.scope, name)
        with self._lock:
            is_again, are_few = key in self._selective, self._selective.get(key, True)
            self._selective[key] = are_few
            if len(self._selective) > _REMEMBERED:
                self._selective.popitem(last=False)
        if not is_again or not are_few:
            return None
        try:
            return self._found(session, every, replace(limits, result_rows=self._sizes.whole))
        except PharosError as exc:
            if exc.kind is not Kind.LIMITED:
                raise
            self._selective[key] = False
            return None

    def _found(
        self,
        session: Session,
        asked: _Asked,
        limits: Limits,
        whole: Selection | None = None,
        use: Use = Use.ANY,
    ) -> Selection:
        """Return what is asked for, out of the whole metric if that is given, and keep it."""
        stamp = self._stamp(asked)
        with self._lock:
            table = self._tables.get(asked.scope)
            if table is None:
                table = self._tables[asked.scope] = LabelTable(self._seed)
            self._tables.move_to_end(asked.scope)
            kept = self._kept.get(asked)
            similar = kept[1] if kept is not None else self._of_other_days(asked)
        found = None if whole is None else _matching(table, whole, asked.matchers, self._sizes)
        if found is None:
            found, is_complete = _read(session, asked, table, limits, self._sizes, self._changes, use)
            if not is_complete or not table.holds(found.columns):
                return found
        if similar is not None and np.array_equal(found.id, similar.id):
            # With what was derived of them.
            found = Selection(
                similar.columns,
                similar.id,
                found.metrics,
                found.counts,
                labels=similar.labels,
                has_idle=found.has_idle,
            )
        self._keep(asked._replace(recent_ms=None) if found.has_idle else asked, stamp, found)
        return found

    def _keep(self, asked: _Asked, stamp: int, found: Selection) -> None:
        with self._lock:
            self._put(asked, stamp, found)
            table = self._tables.get(asked.scope)
            if table is not None and table.nbytes + found.nbytes > self._limit:
                # What no one tenant may keep drives nothing out that others keep.
                del self._tables[asked.scope]
                for other in [other for other in self._kept if other.scope == asked.scope]:
                    self._drop(other)
            taken = self._taken()
            if taken > self._limit:
                self._make_room(taken)

    def _make_room(self, taken: int) -> None:
        """Drop what is too much; the lock is held."""
        held = {scope: table.nbytes for scope, table in self._tables.items()}
        selections: dict[Scope, deque[_Asked]] = {}
        for asked, (_, selection) in self._kept.items():
            held[asked.scope] = held.get(asked.scope, 0) + selection.nbytes
            selections.setdefault(asked.scope, deque()).append(asked)
        while taken > self._limit and held:
            scope = largest(held.items())
            if line := selections.get(scope):
                nbytes = self._drop(line.popleft())
            else:
                nbytes = self._tables.pop(scope).nbytes if scope in self._tables else 0
                del held[scope]
            taken -= nbytes
            if scope in held:
                held[scope] -= nbytes

    def age(self) -> None:
        """Let go of what was not used since the last call; to be called every few minutes.

        A label table of whose series a third is in no selection any more is begun anew, and so are these.
        """
        with self._lock:
            for asked in [asked for asked in self._kept if asked not in self._used]:
                self._drop(asked)
            self._used.clear()
            for scope, table in list(self._tables.items()):
                if len(table) < self._sizes.idle:
                    continue
                own = [asked for asked in self._kept if asked.scope == scope]
                wanted = np.zeros(len(table), np.bool_)
                for asked in own:
                    columns = self._kept[asked][1].columns
                    if table.holds(columns):
                        wanted[columns.rows] = True
                if 3 * np.count_nonzero(wanted) < 2 * len(table):
                    del self._tables[scope]
                    for asked in own:
                        self._drop(asked)

    def forget(self, scope: Scope) -> None:
        """Keep nothing more of a scope."""
        with self._lock:
            self._tables.pop(scope, None)
            for asked in [asked for asked in self._kept if asked.scope == scope]:
                self._drop(asked)
            for key in [key for key in self._selective if key[0] == scope]:
                del self._selective[key]

    def _of_other_days(self, asked: _Asked) -> Selection | None:
        """Return the selection of the same matchers that was kept last; the lock is held."""
        other = self._newest.get((asked.scope, asked.matchers))
        return None if other is None else self._kept[other][1]


def _read(
    session: Session,
    asked: _Asked,
    table: LabelTable,
    limits: Limits,
    sizes: SeriesSizes,
    changes: Changes,
    use: Use,
) -> tuple[Selection, bool]:
    """Return what is asked for from the store; labels that the table does not have are read into it.

    And whether there were labels of all that match; what was not found may be there the next time. Where many
    are listed, all are read into another one, which ends with the selection: a table holds the labels of what
    is evaluated, not those of every series that ended. Raises PharosError: LIMITED, TIMEOUT. What was read by
    then stays in the table.
    """
    ids, metrics, counts, has_idle = _read_ids(session, asked, limits, sizes, changes)
    if 0 < limits.result_rows < len(ids):
        raise PharosError(Kind.LIMITED, f"more than {limits.result_rows} series match")
    unknown = ids[table.rows(ids) < 0]
    if use is Use.LISTING and unknown.size and ids.size >= sizes.idle:
        table, unknown = table.apart(), ids
    if unknown.size > min(_LISTED, ids.size // 2):
        _read_labels(
            session, asked.select("id, labels"), table, unknown.size, limits, None if has_idle else ids
        )
    elif unknown.size:
        for first in range(0, len(unknown), _LISTED):
            part = unknown[first : first + _LISTED]
            statement = asked.select("id, labels", among("id", part))
            _read_labels(session, statement, table, len(part), limits)
    rows = table.rows(ids)
    there = rows >= 0
    is_complete = bool(there.all())
    if not is_complete:  # erased between two statements
        ids, rows = ids[there], rows[there]
    columns = table.columns(rows)
    found = Selection(columns, ids, metrics, counts, labels=_labels(columns, sizes), has_idle=has_idle)
    return found, is_complete


def _read_ids(
    session: Session, asked: _Asked, limits: Limits, sizes: SeriesSizes, changes: Changes
) -> tuple[NDArray[np.uint64], tuple[int, ...], tuple[int, ...], bool]:
    """Return the ids of what is asked for in order, the metrics, and how many series each has.

    And whether these are all that match, with those that had no sample of late.
    """
    if asked.first_day == asked.last_day:
        statement = asked.select("id, m")
    else:
        statement = asked.select("id, any(m) AS m", tail="GROUP BY id")
    table = session.query(statement, purpose="series", limits=replace(limits, result_rows=0))
    if not table.num_rows:
        return np.empty(0, np.uint64), (), (), True
    ids, metrics = numbers(table["id"]), numbers(table["m"])
    stays = None
    if asked.recent_ms is not None and len(ids) >= sizes.idle:
        stays = _stay(ids, asked.recent_ms, changes)
    if stays is not None:
        ids, metrics = ids[stays], metrics[stays]
        if not len(ids):
            return np.empty(0, np.uint64), (), (), False
    ordered = np.sort(ids)
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    if metrics.min() == metrics.max():
        return ordered[first], (int(metrics[0]),), (len(first),), stays is None
    if len(first) < len(ids):  # some stand in several parts of the store
        ordered, first = np.unique(ids, return_index=True)
        metrics = metrics[first]
    distinct, counts = np.unique(metrics, return_counts=True)
    return ordered, tuple(distinct.tolist()), tuple(counts.tolist()), stays is None


def _stay(ids: NDArray[np.uint64], recent_ms: int, changes: Changes) -> NDArray[np.bool_] | None:
    """Return which series may have a sample at `recent_ms` or later; None where that is not known.

    To be called when the ids are read: a series of theirs that came since is known by now.
    """
    recent = changes.recent()
    if recent is None or recent.from_ms != recent_ms:  # some were dropped in between
        return None
    known = np.sort(recent.ids)
    if not len(known):
        return np.zeros(len(ids), np.bool_)
    places = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    stays: NDArray[np.bool_] = known[places] == ids
    return stays


def _read_labels(
    session: Session,
    statement: Statement,
    table: LabelTable,
    lacking: int,
    limits: Limits,
    ids: NDArray[np.uint64] | None = None,
) -> None:
    """Read labels into the table, which lacks those of so many series at most.

    With `ids`, in order, only of these: the answer has series that ended, too. A series has a row for each
    day: those that are there by then are left out.
    """
    course = table.expect(lacking)

    def take(found: pa.RecordBatch) -> None:
        answered, wanted = numbers(found["id"]), None
        if ids is not None:
            places = np.minimum(np.searchsorted(ids, answered), len(ids) - 1)
            wanted = ids[places] == answered
        table.add(answered, found["labels"], course, wanted)

    session.stream(statement, take, purpose="series", limits=replace(limits, result_rows=0))


def _matching(
    table: LabelTable, whole: Selection, matchers: Sequence[Matcher], sizes: SeriesSizes
) -> Selection | None:
    """Return those series of a whole metric that match; None where the store is quicker to tell."""
    columns = whole.columns
    if not table.holds(columns):  # begun anew meanwhile
        return None
    chosen = np.ones(len(whole), np.bool_)
    for matcher in matchers:
        if matcher.name == METRIC_NAME and matcher.op is MatchOp.EQUAL:
            continue
        hits = _hits(table, columns, matcher, sizes.distinct)
        if hits is None:
            return None
        chosen &= hits
    places = np.flatnonzero(chosen)
    if len(places) == len(whole):
        return whole
    metrics, counts = (whole.metrics, (len(places),)) if len(places) else ((), ())
    found, ids = columns.take(places), whole.id[places]
    return Selection(found, ids, metrics, counts, labels=_labels(found, sizes), has_idle=whole.has_idle)


def _hits(
    table: LabelTable, columns: LabelColumns, matcher: Matcher, most_distinct: int
) -> NDArray[np.bool_] | None:
    """Return which series satisfy a matcher; None for a pattern and a label of very many values."""
    codes = columns.known_codes(matcher.name)
    if matcher.op in (MatchOp.EQUAL, MatchOp.NOT_EQUAL):
        wanted = table.code(matcher.value) if matcher.value else ABSENT
        equal: NDArray[np.bool_] = codes == wanted
        return equal if matcher.op is MatchOp.EQUAL else ~equal
    there = np.zeros(int(codes.max(initial=ABSENT)) + 2, np.bool_)
    there[codes + 1] = True
    (distinct,) = np.nonzero(there)
    if len(distinct) > most_distinct:
        return None
    texts = columns.source.texts((distinct[distinct > 0] - 1).tolist())
    if there[0]:
        texts.insert(0, "")
    there[distinct] = [matcher.matches(text) for text in texts]
    hits: NDArray[np.bool_] = there[codes + 1]
    return hits


def _labels(columns: LabelColumns, sizes: SeriesSizes) -> Sequence[Labels]:
    return SharedLabels(columns) if len(columns) <= sizes.few else columns
