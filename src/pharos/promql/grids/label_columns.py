"""Label sets of many series as columns: what a selection of a million series has in the place of tuples.

A source holds the sets, each once, with equal texts under one code; a view names rows of it, and which label
names still count. Taking rows and dropping names makes another view and copies nothing else. Tuples are made
of the rows that are asked for one by one: of the series that leave in an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple, TypeGuard, TypeVar, overload

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pharos.labels import Labels
from pharos.promql.kernels.labels import (
    ABSENT,
    LabelArrays,
    Side,
    fill_kept,
    find_codes,
    find_places,
    gather_pairs,
    join_rows,
    number_rows,
    order_rows,
)
from pharos.promql.kernels.samples import Ints

T = TypeVar("T")

_TUPLES_AT_ONCE: Final = 2_000
"""So many rows become tuples in one go: other threads get their turn between two of them."""
_MOST_DERIVED: Final = 4
_MOST_CODES: Final = 6


class LabelSource(Struct, frozen=True):
    """Label sets that only ever grow in number, as of some moment.

    Sources with the same `origin` have the same number for a name and the same code for a text.
    """

    arrays: LabelArrays
    names: tuple[str, ...]
    """Label names by their numbers."""
    origin: object
    table: object
    """Sources with the same one have the same label set in a row, as far as both reach."""
    seed: np.uint64
    """Keeps outsiders from choosing labels that collide."""

    def texts(self, codes: Iterable[int]) -> list[str]:
        """Return the texts of codes."""
        text, at = self.arrays.text, self.arrays.text_at
        return [str(text[at[code] : at[code + 1]].data, "utf-8") for code in codes]


class LabelColumns(Sequence[Labels]):
    """Labels of n series: rows of a source, of which only some label names count; never changed."""

    __slots__ = ("_codes", "_derived", "_side", "keep", "rows", "source")

    def __init__(self, source: LabelSource, rows: NDArray[np.int32], keep: NDArray[np.bool_]) -> None:
        self.source = source
        self.rows = rows
        self.keep = keep
        self._side: Side | None = None
        self._derived: dict[Hashable, Any] = {}
        self._codes: dict[str, NDArray[np.int32]] = {}

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> Labels: ...

    @overload
    def __getitem__(self, index: slice) -> LabelColumns: ...

    def __getitem__(self, index: int | slice) -> Labels | LabelColumns:
        if isinstance(index, slice):
            return self._of(self.rows[index])
        place = range(len(self.rows))[index]
        return self._tuples(self.rows[place : place + 1])[0]

    def __iter__(self) -> Iterator[Labels]:
        for at in range(0, len(self.rows), _TUPLES_AT_ONCE):
            yield from self._tuples(self.rows[at : at + _TUPLES_AT_ONCE])

    def take(self, places: NDArray[Any]) -> LabelColumns:
        """Return the labels of the series at these places, in that order."""
        return self._of(self.rows[places])

    def ordered(self) -> LabelColumns:
        """Return the labels of all series in their order, as that of tuples would be; off the interpreter."""
        names, arrays = self.source.names, self.source.arrays
        ranks = np.empty(len(names), np.int64)
        ranks[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names))
        order, spare = np.empty((2, len(self)), np.int64)
        order_rows(self.side(), arrays.text, arrays.text_at, ranks, order, spare)
        return self.take(order)

    def without(self, names: Iterable[str]) -> LabelColumns:
        """Return the labels of all series without those called `names`."""
        unwanted = frozenset(names)
        flags = [name not in unwanted for name in self.source.names]
        return LabelColumns(self.source, self.rows, self.keep & np.array(flags, np.bool_))

    def only(self, names: Iterable[str]) -> LabelColumns:
        """Return of all series the labels called `names`."""
        wanted = frozenset(names)
        flags = [name in wanted for name in self.source.names]
        return LabelColumns(self.source, self.rows, self.keep & np.array(flags, np.bool_))

    def codes(self, name: str) -> NDArray[np.int32]:
        """Return the code of every series' value of one label, `ABSENT` where there is none."""
        out = np.full(len(self.rows), ABSENT, np.int32)
        if name in self.source.names:
            number = self.source.names.index(name)
            if self.keep[number]:
                arrays = self.source.arrays
                places = np.empty(len(arrays.shape_at) - 1, np.int32)
                find_places(arrays.shape_at, arrays.shape_name, number, places)
                find_codes(arrays, self.rows, places, out)
        return out

    def known_codes(self, name: str) -> NDArray[np.int32]:
        """Return the same, remembered for a few names; not to be changed."""
        known = self._codes
        if name not in known:
            if len(known) >= _MOST_CODES:
                self._codes = known = {}
            known[name] = self.codes(name)
        return known[name]

    def values(self, name: str) -> set[str]:
        """Return the distinct values of one label, the empty one for a series without it."""
        codes = np.unique(self.only((name,)).numbered().labels.codes(name))
        found = set(self.source.texts(code for code in codes.tolist() if code != ABSENT))
        return found | {""} if ABSENT in codes else found

    def has_any(self, names: Iterable[str]) -> bool:
        """Return whether some series has a label of one of these names."""
        return any((self.codes(name) != ABSENT).any() for name in names if name in self.source.names)

    def numbered(self) -> Numbered:
        """Return which series have the same labels."""
        numbers, firsts = _numbered(self, self._of(self.rows[:0]))
        return Numbered(numbers, self.take(firsts))

    def shares_codes(self, other: Sequence[Labels]) -> TypeGuard[LabelColumns]:
        """Return whether the other labels have the same numbers for names and codes for texts."""
        return isinstance(other, LabelColumns) and other.source.origin is self.source.origin

    def numbered_beside(self, other: LabelColumns) -> tuple[Ints, Ints, int]:
        """Return the number of each series' labels, here and in `other`, and how many sets there are.

        The other labels share this one's codes.
        """
        numbers, firsts = _numbered(self, other)
        return numbers[: len(self)], numbers[len(self) :], len(firsts)

    def followed_by(self, others: Sequence[Sequence[Labels]]) -> LabelColumns | None:
        """Return these labels and those of others behind them, None where they do not go together."""
        parts = [self, *(other for other in others if isinstance(other, LabelColumns))]
        tables = {id(part.source.table) for part in parts}
        if len(tables) > 1 or len(parts) <= len(others):
            return None
        newest = max(parts, key=lambda part: len(part.source.arrays.shape))
        if any((part.keep != newest.keep[: len(part.keep)]).any() for part in parts):
            return None
        return LabelColumns(newest.source, np.concatenate([part.rows for part in parts]), newest.keep)

    def beside(self, other: LabelColumns) -> LabelColumns:
        """Return for every series its labels here and in `other`, which shares codes but no label name."""
        one, two = self.side(), other.side()
        kinds = one.shape[self.rows].astype(np.int64) << 32 | two.shape[other.rows]
        distinct, kind = np.unique(kinds, return_inverse=True)
        names, origins, at = self._names_beside(other, distinct)
        sizes = np.diff(at)[kind]
        first = np.cumsum(sizes) - sizes
        code = np.empty(int(sizes.sum()), np.int32)
        join_rows(one, two, kind, at, origins, first, code)
        every = max(self.source.names, other.source.names, key=len)
        arrays = LabelArrays(
            self.source.arrays.text, self.source.arrays.text_at, at, names, kind.astype(np.int32), first, code
        )
        if len(other.source.arrays.text_at) > len(arrays.text_at):
            arrays = arrays._replace(text=other.source.arrays.text, text_at=other.source.arrays.text_at)
        source = LabelSource(arrays, every, self.source.origin, object(), self.source.seed)
        return LabelColumns(source, np.arange(len(self), dtype=np.int32), np.ones(len(every), np.bool_))

    def _names_beside(
        self, other: LabelColumns, kinds: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]:
        """Return names and origins of the labels of pairs of shapes, and from where on those of each stand.

        An origin is the place in the shape of this side, or minus one less that in the other's.
        """
        names: list[int] = []
        origins: list[int] = []
        at = [0]
        known = max(self.source.names, other.source.names, key=len)
        for kind in kinds.tolist():
            here = [(name, place) for name, place in self._names_of(kind >> 32)]
            there = [(name, -1 - place) for name, place in other._names_of(kind & 0xFFFF_FFFF)]
            both = sorted(here + there, key=lambda item: known[item[0]])
            names += [name for name, _ in both]
            origins += [origin for _, origin in both]
            at.append(len(names))
        return np.array(names, np.int32), np.array(origins, np.int32), np.array(at, np.int64)

    def _names_of(self, shape: int) -> list[tuple[int, int]]:
        """Return number and place of the names of a shape that count."""
        side = self.side()
        places = side.kept[side.kept_at[shape] : side.kept_at[shape + 1]].tolist()
        return [(int(side.shape_name[side.shape_at[shape] + place]), place) for place in places]

    def derived(self, key: Hashable, make: Callable[[LabelColumns], T]) -> T:
        """Return what `make` makes of the labels, or made when it was last asked for under this key."""
        known = self._derived  # one dictionary from here on: another thread may begin a new one
        if key not in known:
            if len(known) >= _MOST_DERIVED:
                self._derived = known = {}
            known[key] = make(self)
        found: T = known[key]
        return found

    def side(self) -> Side:
        """Return the rows as kernels take them."""
        if self._side is None:
            arrays = self.source.arrays
            kept_at = np.empty(len(arrays.shape_at), np.int64)
            kept = np.empty(len(arrays.shape_name), np.int32)
            fill_kept(arrays.shape_at, arrays.shape_name, self.keep, kept_at, kept)
            self._side = Side(*arrays[2:], kept_at, kept, self.rows)
        return self._side

    def _of(self, rows: NDArray[np.int32]) -> LabelColumns:
        """Return the same labels of other rows."""
        view = LabelColumns(self.source, np.ascontiguousarray(rows), self.keep)
        if self._side is not None:
            view._side = self._side._replace(rows=view.rows)
        return view

    def _tuples(self, rows: NDArray[np.int32]) -> list[Labels]:
        side = self.side()._replace(rows=rows)
        shapes = side.shape[rows]
        at = np.empty(len(rows) + 1, np.int64)
        pairs = np.empty(int((side.kept_at[shapes + 1] - side.kept_at[shapes]).sum()), np.int64)
        gather_pairs(side, at, pairs)
        distinct, places = np.unique(pairs, return_inverse=True)
        names = [self.source.names[number] for number in (distinct >> 32).tolist()]
        texts = self.source.texts((distinct & 0xFFFF_FFFF).tolist())
        known = list(zip(names, texts, strict=True))
        every = [known[place] for place in places.tolist()]
        return [tuple(every[low:high]) for low, high in pairwise(at.tolist())]


class Numbered(NamedTuple):
    """The number of each series' labels, and the different labels by number, in order of appearance."""

    numbers: Ints
    labels: LabelColumns


def _numbered(one: LabelColumns, other: LabelColumns) -> tuple[Ints, Ints]:
    """Return the numbers of the rows of both sides, and where each number appears first."""
    rows = len(one) + len(other)
    slots = np.full(1 << max(4, (2 * rows).bit_length()), -1, np.int64)
    numbers = np.empty(rows, np.int64)
    firsts = np.empty(rows, np.int64)
    count = number_rows(one.side(), other.side(), one.source.seed, slots, numbers, firsts)
    return numbers, firsts[:count].copy()
