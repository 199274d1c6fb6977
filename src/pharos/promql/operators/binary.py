"""Binary operators on grids and scalars (promql/engine.go: VectorBinop, VectorscalarBinop, set operators)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from pharos.errors import Kind, PharosError
from pharos.gotext.quoting import quote
from pharos.labels import Labels
from pharos.promql.annotations import Annotations, Note
from pharos.promql.grids.grid import (
    Grid,
    Scalar,
    Value,
    any_series,
    drop_absent,
    lose_names,
    merge_same_labels,
    stack,
)
from pharos.promql.grids.grid_labels import join_labels
from pharos.promql.grids.matching import Match, match, match_groups, result_labels, signature_of
from pharos.promql.grids.room import Memory
from pharos.promql.histograms.cells import Cells, empty_cells, is_set
from pharos.promql.kernels.group import count_present
from pharos.promql.kernels.samples import Bools, Floats, Ints
from pharos.promql.language.ast import Binary, Cardinality, Matching, Place
from pharos.promql.operators.binary_histograms import combine

ARITHMETIC: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}
COMPARISON: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}
TRIM: Final = frozenset({"</", ">/"})
_PAIR_CELLS: Final = 25
"""What a pair takes besides its values, in cells."""
SET_OPERATORS: Final = frozenset({"and", "or", "unless"})


class Operator(Struct, frozen=True):
    """What a binary node asks for, and what its evaluation needs to know."""

    op: str
    bool_modifier: bool
    place: Place
    delayed: bool
    annotations: Annotations
    memory: Memory


def binary_operation(
    node: Binary, left: Value, right: Value, memory: Memory, *, delayed: bool, notes: Annotations
) -> Value:
    """Return `left op right`; at most one of them may be a scalar unless both are.

    Raises PharosError: INVALID where Prometheus does, LIMITED when pairs of series would be too many.
    """
    what = Operator(node.op, node.bool_modifier, node.place, delayed, notes, memory)
    if isinstance(left, Scalar) and isinstance(right, Scalar):
        return Scalar(scalar_operation(node.op, left.values, right.values))
    if isinstance(left, Grid) and isinstance(right, Scalar):
        return vector_scalar(what, left, right.values, swapped=False)
    if isinstance(left, Scalar) and isinstance(right, Grid):
        return vector_scalar(what, right, left.values, swapped=True)
    if not isinstance(left, Grid) or not isinstance(right, Grid):
        raise PharosError(Kind.INVALID, f"operator {node.op!r} is not defined on these operands")
    matching = node.matching or Matching()
    if node.op in SET_OPERATORS:
        return set_operation(node.op, matching, left, right)
    return vector_vector(what, matching, left, right)


def scalar_operation(op: str, left: Floats, right: Floats) -> Floats:
    """Return `left op right` of numbers; comparisons give 1 or 0.

    Raises PharosError(INVALID) for an operator of histograms, which the parser lets through (scalarBinop).
    """
    if op in TRIM:
        raise PharosError(Kind.INVALID, f'operator "{op}" not allowed for Scalar operations')
    with np.errstate(all="ignore"):
        if op in ARITHMETIC:
            return np.asarray(ARITHMETIC[op](left, right), np.float64)
        return np.asarray(COMPARISON[op](left, right), np.float64)


def float_operation(op: str, left: Floats, right: Floats) -> tuple[Floats, Bools | None]:
    """Return the values of `left op right` and where a filter keeps them (None: everywhere)."""
    with np.errstate(all="ignore"):
        if op in ARITHMETIC:
            return np.asarray(ARITHMETIC[op](left, right), np.float64), None
        if op in TRIM:
            return left, np.zeros(np.broadcast(left, right).shape, np.bool_)
        return left, np.asarray(COMPARISON[op](left, right), np.bool_)


def vector_scalar(what: Operator, vector: Grid, scalar: Floats, *, swapped: bool) -> Grid:
    """Return the operation of every series with a number a step; `swapped`: the number stands left."""
    row = np.broadcast_to(scalar, vector.values.shape)
    floats = (row, vector.values) if swapped else (vector.values, row)
    cells = (None, vector.cells) if swapped else (vector.cells, None)
    result = _elementwise(what, floats, cells, vector.present, vector.labels.__getitem__)
    if what.op in COMPARISON and swapped and not what.bool_modifier:
        result.values = vector.values
    result.labels = vector.labels
    result.dropped = vector.dropped
    if what.op in ARITHMETIC or what.bool_modifier:
        result = lose_names(result, delayed=what.delayed)
    return drop_absent(result)


def _elementwise(
    what: Operator,
    floats: tuple[Floats, Floats],
    cells: tuple[Cells | None, Cells | None],
    present: Bools,
    labels_of: Callable[[int], Labels],
) -> Grid:
    """Return the operation cell by cell, as a grid without labels; filters show in its presence."""
    values, keep = float_operation(what.op, *floats)
    valid = present
    out = None
    if cells[0] is not None or cells[1] is not None:
        kept = np.ones(present.shape, np.bool_) if keep is None else np.array(keep, np.bool_)
        out, valid = _combine_histograms(what, floats, cells, present, kept, labels_of)
        keep = kept
    elif what.op in TRIM and present.any():
        note = combine(what.op, None, None, 0.0, 0.0).note
        if note is not None:
            what.annotations.add(note, what.place)
        valid = np.zeros(present.shape, np.bool_)
    if what.bool_modifier:
        verdict = np.ones(present.shape) if keep is None else keep.astype(np.float64)
        return Grid([], verdict, valid)
    if keep is not None:
        valid = valid & keep
    return Grid([], values, valid, out)


def _combine_histograms(
    what: Operator,
    floats: tuple[Floats, Floats],
    cells: tuple[Cells | None, Cells | None],
    present: Bools,
    keep: Bools,
    labels_of: Callable[[int], Labels],
) -> tuple[Cells, Bools]:
    """Return resulting histograms and where there is a result at all; `keep` is corrected in place.

    Of the notes of a step only that of the last series is told (as upstream), here in the order of labels.
    """
    left, right = (side if side is not None else empty_cells(present.shape) for side in cells)
    out = empty_cells(present.shape)
    valid = present.copy()
    touched = (is_set(left) | is_set(right)) & present
    if what.op in TRIM:
        touched = present
    last: dict[int, tuple[Labels, Note]] = {}
    for number, (i, k) in enumerate(np.argwhere(touched).tolist()):
        if number % 128 == 0:
            what.memory.check()
        numbers = float(floats[0][i, k]), float(floats[1][i, k])
        found = combine(what.op, left[i, k], right[i, k], *numbers)
        out[i, k] = found.cell
        keep[i, k] = found.keep
        valid[i, k] = found.valid
        if found.note is not None:
            labels = labels_of(i)
            if k not in last or last[k][0] <= labels:
                last[k] = labels, found.note
    for _, note in last.values():
        what.annotations.add(note, what.place)
    return out, valid


# ---- vector matching


def group_counts(numbers: Ints, count: int, present: Bools) -> Ints:
    """Return how many samples each match group has at each step."""
    out = np.zeros((count, present.shape[1]), np.int64)
    count_present(numbers, present, out)
    return out


def set_operation(op: str, matching: Matching, left: Grid, right: Grid) -> Grid:
    """Return `left and|or|unless right`."""
    groups = match_groups(left.labels, right.labels, matching)
    if op == "or":
        there = group_counts(groups.left, groups.count, left.present) > 0
        rest = replace(right, present=right.present & ~there[groups.right])
        return drop_absent(merge_same_labels(drop_absent(stack(left, rest))))
    there = group_counts(groups.right, groups.count, right.present) > 0
    mask = there[groups.left]
    present = left.present & (mask if op == "and" else ~mask)
    return drop_absent(Grid(left.labels, left.values, present, left.cells, left.dropped))


class Pairs(Struct, frozen=True):
    """Rows of the many side beside rows of the one side (-1: none, a fill value stands in).

    `masks` holds by pair where both are present, `groups` the number of their match group.
    """

    many: Ints
    one: Ints
    masks: Bools
    groups: Ints


def vector_vector(what: Operator, matching: Matching, left: Grid, right: Grid) -> Grid:
    """Return the operation between matching series of two vectors.

    Raises PharosError(INVALID) where the matching is not unique.
    """
    swapped = matching.card is Cardinality.ONE_TO_MANY
    many, one = (right, left) if swapped else (left, right)
    fill_one, fill_many = matching.fill_right, matching.fill_left
    nameless = what.op in ARITHMETIC or (what.bool_modifier and not what.delayed)
    groups = match_groups(many.labels, one.labels, matching)
    many_any, one_any = any_series(many.present), any_series(one.present)
    active = many_any | one_any if matching.fills else many_any & one_any
    if not groups.is_right_unique:
        # Before anything is paired: those of one group multiply.
        _check_one_side(matching, one, groups.right, active, swapped=swapped)
        what.memory.check_room(groups.pairs() * (many.steps + _PAIR_CELLS))
    found = match(many.labels, one.labels, groups, matching, nameless=nameless)
    labels = found.labels
    pairs = _pairs_of(found, many, one, active)
    if fill_one is not None:
        matched = group_counts(groups.right, groups.count, one.present) > 0
        extra = _fill(many, groups.left, matched, active, is_many=True)
        labels = join_labels([labels, _labels_of(extra, matching, many, one, nameless=nameless)])
        pairs = _joined(pairs, extra)
    fills = (fill_many, fill_one)
    matches = pairs
    if matching.fills or not found.is_result_unique:
        # Only what gives a result counts as a match.
        matches = replace(pairs, masks=_with_result(what, (many, one), fills, pairs, swapped=swapped))
        _check_unique(matching, matches, labels, groups.count)
    if fill_many is not None:
        matched = group_counts(matches.groups, groups.count, matches.masks) > 0
        extra = _fill(one, groups.right, matched, active, is_many=False)
        labels = join_labels([labels, _labels_of(extra, matching, many, one, nameless=nameless)])
        pairs = _joined(pairs, extra)
    result = _operate_pairs(what, (many, one), fills, pairs, swapped=swapped)
    result.labels = labels
    if what.bool_modifier and what.delayed:
        result.dropped = np.ones(len(labels), np.bool_)
    if found.is_result_unique and not matching.fills:
        return drop_absent(result)
    return drop_absent(merge_same_labels(result))


def _check_one_side(matching: Matching, one: Grid, numbers: Ints, active: Bools, *, swapped: bool) -> None:
    """Refuse two samples of one match group on the side that must have one."""
    bad = (group_counts(numbers, int(numbers.max()) + 1, one.present) > 1) & active
    if not bad.any():
        return
    step = int(np.flatnonzero(bad.any(axis=0))[0])
    seen: dict[int, int] = {}
    for row, group in enumerate(numbers.tolist()):
        if not one.present[row, step]:
            continue
        if group not in seen:
            seen[group] = row
            continue
        first, second = sorted((format_labels(one.labels[row]), format_labels(one.labels[seen[group]])))
        matched = format_labels(signature_of([one.labels[row]], matching)[0])
        side = "left" if swapped else "right"
        raise PharosError(
            Kind.INVALID,
            f"found duplicate series for the match group {matched} on the {side} hand-side of the operation: "
            f"[{first}, {second}];many-to-many matching not allowed: "
            "matching labels must be unique on one side",
        )


def _pairs_of(found: Match, many: Grid, one: Grid, active: Bools) -> Pairs:
    """Return the pairs of a match, and where both series are present."""
    masks = many.present[found.many] & one.present[found.one]
    if not active.all():
        masks &= active
    return Pairs(found.many, found.one, masks, found.groups)


def _labels_of(
    extra: Pairs, matching: Matching, many: Grid, one: Grid, *, nameless: bool
) -> Sequence[Labels]:
    return result_labels(many.labels, one.labels, extra.many, extra.one, matching, nameless=nameless)


def _fill(side: Grid, numbers: Ints, matched: Bools, active: Bools, *, is_many: bool) -> Pairs:
    """Return the rows of one side where nothing of the other matches, beside no row."""
    masks = side.present & ~matched[numbers] & active
    rows = np.flatnonzero(masks.any(axis=1))
    none = np.full(rows.size, -1)
    return Pairs(rows if is_many else none, none if is_many else rows, masks[rows], numbers[rows])


def _joined(first: Pairs, second: Pairs) -> Pairs:
    return Pairs(
        np.concatenate([first.many, second.many]),
        np.concatenate([first.one, second.one]),
        np.concatenate([first.masks, second.masks]),
        np.concatenate([first.groups, second.groups]),
    )


def _check_unique(matching: Matching, pairs: Pairs, labels: Sequence[Labels], count: int) -> None:
    """Refuse two results of one match group at one step, or two of the same labels where many may match."""
    if matching.card is Cardinality.ONE_TO_ONE:
        if (group_counts(pairs.groups, count, pairs.masks) > 1).any():
            raise PharosError(
                Kind.INVALID,
                "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
            )
        return
    keys = list(zip(pairs.groups.tolist(), labels, strict=True))
    if len(set(keys)) == len(keys):
        return
    present: dict[tuple[int, Labels], Bools] = {}
    for key, mask in zip(keys, pairs.masks, strict=True):
        known = present.get(key)
        if known is not None and (known & mask).any():
            raise PharosError(
                Kind.INVALID, "multiple matches for labels: grouping labels must ensure unique matches"
            )
        present[key] = mask if known is None else known | mask


def _with_result(
    what: Operator,
    sides: tuple[Grid, Grid],
    fills: tuple[float | None, float | None],
    pairs: Pairs,
    *,
    swapped: bool,
) -> Bools:
    """Return where a pair has a result, kept or not; between floats every operator but trimming has one."""
    if what.op not in TRIM and all(side.cells is None for side in sides):
        return pairs.masks
    silent = replace(what, bool_modifier=True, annotations=Annotations())
    return _operate_pairs(silent, sides, fills, pairs, swapped=swapped).present


def _operate_pairs(
    what: Operator,
    sides: tuple[Grid, Grid],
    fills: tuple[float | None, float | None],
    pairs: Pairs,
    *,
    swapped: bool,
) -> Grid:
    """Return the operation of every pair, as a grid without labels."""

    def labels_of(pair: int) -> Labels:
        many, one = int(pairs.many[pair]), int(pairs.one[pair])
        return sides[0].labels[many] if many >= 0 else sides[1].labels[one]

    operands: list[Floats] = []
    cells: list[Cells | None] = []
    for grid, rows, fill in zip(sides, (pairs.many, pairs.one), fills, strict=True):
        whole = rows.size == len(grid.labels) and bool((rows == np.arange(rows.size)).all())
        if not len(grid.labels):
            operands.append(np.full(pairs.masks.shape, fill if fill is not None else 0.0))
            cells.append(None)
            continue
        values = grid.values if whole else grid.values[rows]
        taken = grid.cells if whole or grid.cells is None else grid.cells[rows]
        if (rows < 0).any():
            values[rows < 0] = fill
            if taken is not None:
                taken[rows < 0] = None
        operands.append(values)
        cells.append(taken)
    if swapped:
        operands.reverse()
        cells.reverse()
    return _elementwise(what, (operands[0], operands[1]), (cells[0], cells[1]), pairs.masks, labels_of)


def format_labels(labels: Labels) -> str:
    """Return labels as Prometheus prints a label set in its messages."""
    return "{" + ", ".join(f"{name}={quote(value)}" for name, value in labels) + "}"
