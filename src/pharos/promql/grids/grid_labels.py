"""Labels of whole grids: names dropped, labels kept or left out, series with the same labels found.

The labels of very many series come as columns (`label_columns`) and stay so. Others are tuples: series of one
metric mostly have the same label names in the same places, from where what is asked for is then taken; any
series that differs sends the whole list the long way.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from operator import add, itemgetter
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from pharos.labels import METRIC_NAME, Labels
from pharos.promql.grids.label_columns import LabelColumns
from pharos.promql.kernels.samples import Ints

T = TypeVar("T")

_MOST_DERIVED: Final = 8
_DERIVED_SERIES: Final = 400_000
"""What is derived of many series takes tens of megabytes each: less of it is kept."""
METADATA_LABELS: Final = frozenset({METRIC_NAME, "__type__", "__unit__"})
"""What goes when an operation changes the meaning of a metric (upstream schema.IsMetadataLabel)."""


class Same:
    """Equal to another only if both hold the very same object, which it keeps alive: a key for `derived`."""

    __slots__ = ("of",)

    def __init__(self, of: object) -> None:
        self.of = of

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.of is other.of

    def __hash__(self) -> int:
        return id(self.of)


class SharedLabels(list[Labels]):
    """The labels of a selection that many queries share, with what was derived from them; never changed."""

    __slots__ = ("_derived",)

    def __init__(self, labels: Iterable[Labels] = ()) -> None:
        super().__init__(labels)
        self._derived: dict[Hashable, Any] = {}

    def derived(self, key: Hashable, make: Callable[[Sequence[Labels]], T]) -> T:
        """Return what `make` makes of the labels, or made when it was last asked for under this key."""
        known = self._derived  # one dictionary from here on: another thread may begin a new one
        if key not in known:
            if len(known) >= max(2, min(_MOST_DERIVED, _DERIVED_SERIES // (len(self) + 1))):
                self._derived = known = {}
            known[key] = make(self)
        found: T = known[key]
        return found


def are_shared(labels: Sequence[Labels]) -> bool:
    """Return whether what is derived of the labels is remembered."""
    return isinstance(labels, SharedLabels | LabelColumns)


def shared(labels: Sequence[Labels]) -> Sequence[Labels]:
    """Return the labels so that what is derived of them is remembered."""
    return labels if are_shared(labels) else SharedLabels(labels)


def derived(labels: Sequence[Labels], key: Hashable, make: Callable[[Sequence[Labels]], T]) -> T:
    """Return what `make` makes of the labels, remembered where they are shared."""
    return labels.derived(key, make) if isinstance(labels, SharedLabels | LabelColumns) else make(labels)


def fixed_labels(labels: Sequence[Labels]) -> Sequence[Labels]:
    """Return the labels as a sequence that is not to be changed."""
    return labels if isinstance(labels, SharedLabels | LabelColumns) else list(labels)


def take_labels(labels: Sequence[Labels], places: NDArray[Any]) -> Sequence[Labels]:
    """Return the labels of the series at these places, in that order."""
    if isinstance(labels, LabelColumns):
        return labels.take(places)
    return [labels[place] for place in places.tolist()]


def join_labels(parts: Sequence[Sequence[Labels]]) -> Sequence[Labels]:
    """Return the labels of all parts, one after another."""
    if len(parts) > 1 and isinstance(parts[0], LabelColumns):
        joined = parts[0].followed_by(parts[1:])
        if joined is not None:
            return joined
    return [labels for part in parts for labels in part]


def number_labels(labels: Sequence[Labels]) -> tuple[Ints, Sequence[Labels]]:
    """Return the number of each series' labels, and the different ones in order of appearance."""
    if isinstance(labels, LabelColumns):
        return labels.numbered()
    numbers: dict[Labels, int] = {}
    found = np.asarray([numbers.setdefault(one, len(numbers)) for one in labels], np.int64)
    return found, list(numbers)


def number_both(left: Sequence[Labels], right: Sequence[Labels]) -> tuple[Ints, Ints, int]:
    """Return the numbers of the labels of both sides, equal where these are, and how many there are."""
    if isinstance(left, LabelColumns) and left.shares_codes(right):
        return left.numbered_beside(right)
    known: dict[Labels, int] = {}
    numbers: list[Ints] = []
    for labels in (left, right):
        columns = labels.numbered() if isinstance(labels, LabelColumns) else None
        distinct = labels if columns is None else columns.labels
        found = np.asarray([known.setdefault(one, len(known)) for one in distinct], np.int64)
        numbers.append(found if columns is None else found[columns.numbers])
    return numbers[0], numbers[1], len(known)


def has_duplicates(labels: Sequence[Labels]) -> bool:
    """Return whether two series have the same labels."""
    if isinstance(labels, LabelColumns):
        return len(labels.numbered().labels) != len(labels)
    return len(set(labels)) != len(labels)


def label_value(labels: Labels, name: str) -> str:
    """Return the value of label `name`, empty if there is none."""
    for key, value in labels:
        if key == name:
            return value
    return ""


def without_name(labels: Labels) -> Labels:
    """Return the labels without metric name, type and unit."""
    return tuple(pair for pair in labels if pair[0] not in METADATA_LABELS)


def _place_of(labels: Sequence[Labels], name: str) -> int:
    """Return the place where every series has label `name`, -1 if there is none."""
    if not labels:
        return -1
    place = next((i for i, pair in enumerate(labels[0]) if pair[0] == name), -1)
    if place < 0 or min(map(len, labels)) <= place:
        return -1
    return place if {ls[place][0] for ls in labels} == {name} else -1


def metric_names(labels: Sequence[Labels]) -> set[str]:
    """Return the metric names of all series; the empty one for a series without."""
    return derived(labels, "metric names", _metric_names)


def _metric_names(labels: Sequence[Labels]) -> set[str]:
    if isinstance(labels, LabelColumns):
        return labels.values(METRIC_NAME)
    place = _place_of(labels, METRIC_NAME)
    if place < 0:
        return {label_value(ls, METRIC_NAME) for ls in labels}
    return {ls[place][1] for ls in labels}


def all_without_name(labels: Sequence[Labels]) -> tuple[Sequence[Labels], bool]:
    """Return the labels of all series without name, type and unit, and whether some may be the same now."""
    return derived(labels, "without name", _all_without_name)


def _all_without_name(labels: Sequence[Labels]) -> tuple[Sequence[Labels], bool]:
    if isinstance(labels, LabelColumns):
        may_repeat = len(_metric_names(labels)) > 1 or labels.has_any(METADATA_LABELS - {METRIC_NAME})
        return labels.without(METADATA_LABELS), may_repeat
    nameless, may_repeat = _nameless(labels)
    return shared(nameless) if are_shared(labels) else nameless, may_repeat


def _nameless(labels: Sequence[Labels]) -> tuple[list[Labels], bool]:
    place = _place_of(labels, METRIC_NAME)
    if place < 0:
        return [without_name(ls) for ls in labels], True
    after = place + 1
    following = {ls[after][0] for ls in labels if len(ls) > after}
    if not following.isdisjoint(METADATA_LABELS) or (place and labels[0][0][0] in METADATA_LABELS):
        return [without_name(ls) for ls in labels], True
    may_repeat = len({ls[place][1] for ls in labels}) > 1
    if place == 0:
        return [ls[1:] for ls in labels], may_repeat
    return [ls[:place] + ls[after:] for ls in labels], may_repeat


def keep_labels(labels: Sequence[Labels], names: Sequence[str]) -> Sequence[Labels]:
    """Return of all series the labels called `names`."""
    if isinstance(labels, LabelColumns):
        return labels.only(names)
    wanted = frozenset(names)
    if not wanted or not labels:
        return [()] * len(labels)
    places = [i for i, pair in enumerate(labels[0]) if pair[0] in wanted]
    if len(places) == len(wanted) and min(map(len, labels)) > places[-1]:
        if len(places) == 1:
            (only,) = places
            kept: list[Labels] = [(ls[only],) for ls in labels]
        else:
            kept = list(map(itemgetter(*places), labels))
        if _all_named(kept, [labels[0][i][0] for i in places]):
            return kept
    return [tuple(pair for pair in ls if pair[0] in wanted) for ls in labels]


def leave_labels(labels: Sequence[Labels], names: Sequence[str]) -> Sequence[Labels]:
    """Return of all series the labels that are not called `names`."""
    if isinstance(labels, LabelColumns):
        return labels.without(names)
    unwanted = frozenset(names)
    if not unwanted or not labels:
        return list(labels)
    kept = [i for i, pair in enumerate(labels[0]) if pair[0] not in unwanted]
    if len(kept) > 1 and _is_uniform(labels):
        if len(kept) == len(labels[0]):
            return list(labels)
        return list(map(itemgetter(*kept), labels))
    return [tuple(pair for pair in ls if pair[0] not in unwanted) for ls in labels]


def put_labels(labels: Sequence[Labels], others: Sequence[Labels], names: Sequence[str]) -> Sequence[Labels]:
    """Return the labels of all series with those called `names` of the series beside each in `others`.

    What the other series has none of goes.
    """
    kept, taken = leave_labels(labels, names), keep_labels(others, names)
    if isinstance(kept, LabelColumns):
        if kept.shares_codes(taken):
            return kept.beside(taken)
        kept = list(kept)
    if not labels or not _is_uniform(kept) or not _is_uniform(taken):
        return [tuple(sorted(mine + other)) for mine, other in zip(kept, taken, strict=True)]
    both = kept[0] + taken[0]
    order = sorted(range(len(both)), key=both.__getitem__)
    if len(order) < 2:
        return list(map(add, kept, taken))
    return list(map(itemgetter(*order), map(add, kept, taken)))


def _is_uniform(labels: Sequence[Labels]) -> bool:
    """Return whether all series have the same label names."""
    first = labels[0]
    return set(map(len, labels)) == {len(first)} and _all_named(labels, [pair[0] for pair in first])


def _all_named(parts: Sequence[Labels], names: Sequence[str]) -> bool:
    """Return whether all parts have these names, in this order."""
    return all({part[i][0] for part in parts} == {name} for i, name in enumerate(names))
