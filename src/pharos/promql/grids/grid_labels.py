"""Labels of whole grids: names dropped, labels kept or left out, quickly where all series look alike.

Series of one metric mostly have the same label names in the same places. What is asked for is then taken
from those places; any series that differs sends the whole list the long way.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from operator import add, itemgetter
from typing import Any, Final, TypeVar

from pharos.labels import METRIC_NAME, Labels

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


def derived(labels: Sequence[Labels], key: Hashable, make: Callable[[Sequence[Labels]], T]) -> T:
    """Return what `make` makes of the labels, remembered where they are shared."""
    return labels.derived(key, make) if isinstance(labels, SharedLabels) else make(labels)


def as_list(labels: Sequence[Labels]) -> list[Labels]:
    """Return the labels as a list that is not to be changed."""
    return labels if isinstance(labels, SharedLabels) else list(labels)


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
    place = _place_of(labels, METRIC_NAME)
    if place < 0:
        return {label_value(ls, METRIC_NAME) for ls in labels}
    return {ls[place][1] for ls in labels}


def all_without_name(labels: Sequence[Labels]) -> tuple[list[Labels], bool]:
    """Return the labels of all series without name, type and unit, and whether some may be the same now."""
    return derived(labels, "without name", _all_without_name)


def _all_without_name(labels: Sequence[Labels]) -> tuple[list[Labels], bool]:
    nameless, may_repeat = _nameless(labels)
    return SharedLabels(nameless) if isinstance(labels, SharedLabels) else nameless, may_repeat


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


def keep_labels(labels: Sequence[Labels], names: Sequence[str]) -> list[Labels]:
    """Return of all series the labels called `names`."""
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


def leave_labels(labels: Sequence[Labels], names: Sequence[str]) -> list[Labels]:
    """Return of all series the labels that are not called `names`."""
    unwanted = frozenset(names)
    if not unwanted or not labels:
        return list(labels)
    kept = [i for i, pair in enumerate(labels[0]) if pair[0] not in unwanted]
    if len(kept) > 1 and _is_uniform(labels):
        if len(kept) == len(labels[0]):
            return list(labels)
        return list(map(itemgetter(*kept), labels))
    return [tuple(pair for pair in ls if pair[0] not in unwanted) for ls in labels]


def put_labels(labels: Sequence[Labels], others: Sequence[Labels], names: Sequence[str]) -> list[Labels]:
    """Return the labels of all series with those called `names` of the series beside each in `others`.

    What the other series has none of goes.
    """
    kept, taken = leave_labels(labels, names), keep_labels(others, names)
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
