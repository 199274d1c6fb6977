"""Which series of two vectors match (promql/engine.go: VectorBinop), as far as their labels decide it.

For vectors whose labels are shared between queries (`grid_labels.are_shared`) what was found is
remembered: a dashboard that refreshes joins the same series again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

import numpy as np
from msgspec import Struct

from pharos.labels import METRIC_NAME, Labels
from pharos.promql.grids.grid_labels import (
    Same,
    all_without_name,
    are_shared,
    derived,
    has_duplicates,
    keep_labels,
    leave_labels,
    number_both,
    put_labels,
    shared,
    take_labels,
)
from pharos.promql.kernels.samples import Ints
from pharos.promql.language.ast import Cardinality, Matching

T = TypeVar("T")


class MatchGroups(Struct, frozen=True):
    """The number of the match group of each series of both sides, and how many groups there are."""

    left: Ints
    right: Ints
    count: int
    is_right_unique: bool
    """Whether no match group has two series of the right side."""

    def pairs(self) -> int:
        """Return how many pairs of a left and a right series are of one group."""
        left = np.bincount(self.left, minlength=self.count).astype(np.float64)
        right = np.bincount(self.right, minlength=self.count)
        return int((left * right).sum())


class Match(Struct, frozen=True):
    """Every row of the many side with every row of the one side in its match group.

    `many`, `one`, `groups` and `labels` hold the rows, the match group and the labels of the result by pair.
    """

    many: Ints
    one: Ints
    groups: Ints
    labels: Sequence[Labels]
    is_result_unique: bool
    """Whether no two pairs have the same labels, nor the same match group where only one may match."""


def signature_of(labels: Sequence[Labels], matching: Matching) -> Sequence[Labels]:
    """Return of all series the labels that decide which ones match."""
    if matching.on:
        return keep_labels(labels, matching.labels)
    return leave_labels(labels, (*matching.labels, METRIC_NAME))


def match_groups(left: Sequence[Labels], right: Sequence[Labels], matching: Matching) -> MatchGroups:
    """Return the match groups of the series of two vectors."""
    key = ("match groups", matching.on, matching.labels, Same(right))
    return _remembered(left, right, key, lambda: _match_groups(left, right, matching))


def _match_groups(left: Sequence[Labels], right: Sequence[Labels], matching: Matching) -> MatchGroups:
    numbers = number_both(signature_of(left, matching), signature_of(right, matching))
    return MatchGroups(*numbers, _are_unique(numbers[1]))


def match(
    many: Sequence[Labels], one: Sequence[Labels], groups: MatchGroups, matching: Matching, *, nameless: bool
) -> Match:
    """Return how the series of the many side match those of the one side; `nameless` results lose names.

    `groups` are their match groups, the many side's on the left.
    """
    # Without the fill values, on which nothing of this turns.
    rule = (matching.card, matching.on, matching.labels, matching.include, nameless)
    key = ("match", rule, Same(one))
    return _remembered(many, one, key, lambda: _match(many, one, groups, matching, nameless=nameless))


def _match(
    many: Sequence[Labels], one: Sequence[Labels], groups: MatchGroups, matching: Matching, *, nameless: bool
) -> Match:
    order = np.argsort(groups.right, kind="stable")
    numbers = groups.right[order]
    first = np.searchsorted(numbers, groups.left, side="left")
    found = np.searchsorted(numbers, groups.left, side="right") - first
    rows = np.repeat(np.arange(groups.left.size), found)
    within = np.arange(rows.size) - np.repeat(np.cumsum(found) - found, found)
    others = order[np.repeat(first, found) + within]
    of_pairs = groups.left[rows]
    labels = result_labels(many, one, rows, others, matching, nameless=nameless)
    is_result_unique = _are_unique(of_pairs) if _is_one_to_one(matching) else not has_duplicates(labels)
    return Match(
        many=rows,
        one=others,
        groups=of_pairs,
        labels=shared(labels) if are_shared(many) and are_shared(one) else labels,
        is_result_unique=is_result_unique,
    )


def _are_unique(numbers: Ints) -> bool:
    return bool(np.unique(numbers).size == numbers.size)


def _is_one_to_one(matching: Matching) -> bool:
    return matching.card is Cardinality.ONE_TO_ONE


def result_labels(
    many: Sequence[Labels],
    one: Sequence[Labels],
    rows: Ints,
    others: Ints,
    matching: Matching,
    *,
    nameless: bool,
) -> Sequence[Labels]:
    """Return the labels of the result of every pair of rows; -1 is none: a fill value stands in."""
    own, other = _side(many, rows, one, others, matching), _side(one, others, many, rows, matching)
    result = all_without_name(own)[0] if nameless else own
    if _is_one_to_one(matching):
        if matching.on:
            result = keep_labels(result, matching.labels)
        elif matching.labels:
            result = leave_labels(result, matching.labels)
    return put_labels(result, other, matching.include) if matching.include else result


def _side(
    mine: Sequence[Labels], rows: Ints, other: Sequence[Labels], others: Ints, matching: Matching
) -> Sequence[Labels]:
    """Return one side's labels by pair; a fill value has those by which it would have matched."""
    if (rows < 0).any():
        return signature_of(take_labels(other, others), matching)
    return take_labels(mine, rows)


def _remembered(first: Sequence[Labels], second: Sequence[Labels], key: Hashable, make: Callable[[], T]) -> T:
    if not (are_shared(first) and are_shared(second)):
        return make()
    return derived(first, key, lambda _: make())
