"""Which series match: asked of the store once, remembered until a series of the tenant or metric is new."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pharos.engine import Limits, Session
from pharos.engine.changes import Changes
from pharos.engine.columns import numbers
from pharos.engine.keys import DAY_MS, metric_hash
from pharos.engine.sql import Statement, integers, series_condition
from pharos.labels import METRIC_NAME, Labels, Matcher, MatchOp
from pharos.promql.grids.grid_labels import SharedLabels
from pharos.query.metrics.regroup import IdTable, id_table

_CACHE_SERIES: Final = 2_000_000
_LABELS_AT_ONCE: Final = 500
LAST_DAY: Final = 73_000
"""The last day that is worth a condition: a date holds few more."""
_MOST_UNKNOWN: Final = 10_000
"""How many ids are asked for by name at most."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The series that match, ordered by id; `ids` leads from an id to its place."""

    labels: Sequence[Labels]
    id: NDArray[np.uint64]
    metrics: tuple[int, ...]
    """Hashes of the metrics that occur."""
    counts: tuple[int, ...]
    """How many of the series each metric has, those of a part's whole selection."""
    ids: IdTable
    is_part: bool = False
    """Whether these are neighbours out of a larger selection."""

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, first: int, last: int) -> Selection:
        """Return the selection of series first to last - 1."""
        ids = self.id[first:last]
        return Selection(self.labels[first:last], ids, self.metrics, self.counts, id_table(ids), is_part=True)


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
        keys = maps.keys.slice(first, count).to_pylist()
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

    tenant: str
    matchers: tuple[Matcher, ...]
    first_day: int
    last_day: int

    def condition(self) -> str:
        """Return the condition over the series table."""
        seen = f"day BETWEEN toDate32({self.first_day}) AND toDate32({self.last_day})"
        if self.first_day < 0 or self.last_day > LAST_DAY:  # beyond what a date holds: no use as a condition
            seen = "1"
        return series_condition(self.tenant, self.matchers, seen)


class SeriesCache:
    """Selections by tenant, matchers and days; bounded by how many series they hold; thread-safe."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Asked, tuple[int, Selection]] = OrderedDict()
        self._series = 0

    def select(
        self,
        session: Session,
        tenant: str,
        matchers: Sequence[Matcher],
        start_ms: int,
        end_ms: int,
        most: int = 0,
    ) -> Selection:
        """Return the tenant's series that match and were seen on a day of the range.

        Raises PharosError(LIMITED) for more than `most`, if that is not 0.
        """
        ordered = tuple(sorted(matchers, key=lambda m: (m.name, m.op, m.value)))
        asked = _Asked(tenant, ordered, start_ms // DAY_MS, end_ms // DAY_MS)
        name = named_metric(matchers)
        stamp = self._changes.stamp(tenant, metric_hash(name) if name is not None else None)
        with self._lock:
            kept = self._kept.get(asked)
            if kept is not None and kept[0] == stamp and not 0 < most < len(kept[1]):
                self._kept.move_to_end(asked)
                return kept[1]
            similar = kept[1] if kept is not None else self._of_other_days(asked)
        limits = Limits(result_rows=most)
        found = _renewed(session, asked, similar, limits) if similar is not None else None
        if found is None:
            found = _read(session, asked, limits)
        with self._lock:
            old = self._kept.pop(asked, None)
            self._series += len(found) - (len(old[1]) if old else 0)
            self._kept[asked] = (stamp, found)
            while self._series > _CACHE_SERIES and len(self._kept) > 1:
                _, (_, dropped) = self._kept.popitem(last=False)
                self._series -= len(dropped)
        return found

    def _of_other_days(self, asked: _Asked) -> Selection | None:
        """Return the selection of the same matchers that was used last; the lock is held."""
        for other, (_, selection) in reversed(self._kept.items()):
            if other.matchers == asked.matchers and other.tenant == asked.tenant:
                return selection
        return None


def _read(session: Session, asked: _Asked, limits: Limits) -> Selection:
    """Return what is asked for, labels and all."""
    table = session.query(
        Statement(
            "SELECT id, any(m) AS m, any(labels) AS l FROM series"
            f" WHERE {asked.condition()} GROUP BY id ORDER BY id"
        ),
        purpose="series",
        limits=limits,
    )
    if not table.num_rows:
        empty: NDArray[np.uint64] = np.empty(0, np.uint64)
        return Selection((), empty, (), (), id_table(empty))
    # A copy: what is kept must not lie in the memory of an answer, which the engine uses again.
    ids = numbers(table["id"]).copy()
    return Selection(SharedLabels(label_sets(table["l"])), ids, *_metrics(table), id_table(ids))


def _renewed(session: Session, asked: _Asked, similar: Selection, limits: Limits) -> Selection | None:
    """Return what is asked for, with the labels of an earlier selection; None if too many are not in it.

    The labels of an id never change, and to read them takes most of the time of a selection.
    """
    if not len(similar):
        return None
    table = session.query(
        Statement(f"SELECT id, any(m) AS m FROM series WHERE {asked.condition()} GROUP BY id ORDER BY id"),
        purpose="series",
        limits=limits,
    )
    if not table.num_rows:
        return None
    ids = numbers(table["id"]).copy()
    metrics = _metrics(table)
    if np.array_equal(ids, similar.id):
        return Selection(similar.labels, similar.id, *metrics, similar.ids)
    places = np.minimum(np.searchsorted(similar.id, ids), len(similar) - 1)
    (unknown,) = np.nonzero(similar.id[places] != ids)
    if unknown.size > min(_MOST_UNKNOWN, ids.size // 2):
        return None
    known = similar.labels
    labels = [known[place] for place in places.tolist()]
    if unknown.size:
        new = session.query(
            Statement(
                f"SELECT id, any(labels) AS l FROM series WHERE {asked.condition()}"
                f" AND id IN {integers(ids[unknown])} GROUP BY id ORDER BY id"
            ),
            purpose="series",
        )
        # A series may come between the two questions, but none of these can go but by being erased.
        if new.num_rows != unknown.size:
            return None
        for place, found in zip(unknown.tolist(), label_sets(new["l"]), strict=True):
            labels[place] = found
    return Selection(SharedLabels(labels), ids, *metrics, id_table(ids))


def _metrics(table: pa.Table) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the hashes of the metrics, and how many series each has."""
    metrics, counts = np.unique(numbers(table["m"]), return_counts=True)
    return tuple(metrics.tolist()), tuple(counts.tolist())
