"""Binary operators on grids and scalars (promql/engine.go: VectorBinop, VectorscalarBinop, set operators)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from pharos.errors import Kind, PharosError
from pharos.labels import METRIC_NAME, Labels, labels_of
from pharos.promql.annotations import Annotations, Note
from pharos.promql.ast import Binary, Cardinality, Matching, Span
from pharos.promql.binary_histogram import combine
from pharos.promql.kernels import Bools, Floats, Ints
from pharos.promql.quoting import quote
from pharos.promql.values import (
    Cells,
    Grid,
    Scalar,
    Value,
    any_series,
    drop_absent,
    empty_cells,
    is_set,
    label_value,
    lose_names,
    merge_same_labels,
    stack,
    take_rows,
    without_name,
)

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
SET_OPERATORS: Final = frozenset({"and", "or", "unless"})


@dataclass(frozen=True, slots=True)
class Operator:
    """What a binary node asks for, and what its evaluation needs to know."""

    op: str
    bool_modifier: bool
    span: Span
    delayed: bool
    annotations: Annotations


def binary_operation(node: Binary, left: Value, right: Value, *, delayed: bool, notes: Annotations) -> Value:
    """Return `left op right`; at most one of them may be a scalar unless both are."""
    what = Operator(node.op, node.bool_modifier, node.span, delayed, notes)
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
    """Return `left op right` of numbers; comparisons give 1 or 0."""
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
    result = _elementwise(what, floats, cells, vector.present)
    if what.op in COMPARISON and swapped and not what.bool_modifier:
        result.values = vector.values
    result.labels = vector.labels
    result.dropped = vector.dropped
    if what.op in ARITHMETIC or what.bool_modifier:
        result = lose_names(result, delayed=what.delayed)
    return drop_absent(result)


def _elementwise(
    what: Operator, floats: tuple[Floats, Floats], cells: tuple[Cells | None, Cells | None], present: Bools
) -> Grid:
    """Return the operation cell by cell, as a grid without labels; filters show in its presence."""
    values, keep = float_operation(what.op, *floats)
    valid = present
    out = None
    if cells[0] is not None or cells[1] is not None:
        kept = np.ones(present.shape, np.bool_) if keep is None else np.array(keep, np.bool_)
        out, valid = _combine_histograms(what, floats, cells, present, kept)
        keep = kept
    elif what.op in TRIM and present.any():
        note = combine(what.op, None, None, 0.0, 0.0).note
        if note is not None:
            what.annotations.add(note, what.span)
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
) -> tuple[Cells, Bools]:
    """Return resulting histograms and where there is a result at all; `keep` is corrected in place."""
    left, right = (side if side is not None else empty_cells(present.shape) for side in cells)
    out = empty_cells(present.shape)
    valid = present.copy()
    touched = (is_set(left) | is_set(right)) & present
    if what.op in TRIM:
        touched = present
    last: dict[int, Note] = {}
    for i, k in np.argwhere(touched).tolist():
        found = combine(what.op, left[i, k], right[i, k], floats[0][i, k], floats[1][i, k])
        out[i, k] = found.cell
        keep[i, k] = found.keep
        valid[i, k] = found.valid
        if found.note is not None:
            last[k] = found.note
    for note in last.values():
        what.annotations.add(note, what.span)
    return out, valid


# ---- vector matching


def signature(labels: Labels, matching: Matching) -> Labels:
    """Return the labels that decide which series match one another."""
    if matching.on:
        return tuple(pair for pair in labels if pair[0] in matching.labels)
    return tuple(pair for pair in labels if pair[0] != METRIC_NAME and pair[0] not in matching.labels)


def signatures(left: Grid, right: Grid, matching: Matching) -> tuple[Ints, Ints, int]:
    """Return the number of the match group of each series of both sides, and how many groups there are."""
    numbers: dict[Labels, int] = {}
    sides = [
        np.asarray(
            [numbers.setdefault(signature(labels, matching), len(numbers)) for labels in grid.labels],
            np.int64,
        )
        for grid in (left, right)
    ]
    return sides[0], sides[1], len(numbers)


def group_counts(numbers: Ints, count: int, present: Bools) -> Ints:
    """Return how many samples each match group has at each step."""
    out = np.zeros((count, present.shape[1]), np.int64)
    np.add.at(out, numbers, present)
    return out


def set_operation(op: str, matching: Matching, left: Grid, right: Grid) -> Grid:
    """Return `left and|or|unless right`."""
    left_numbers, right_numbers, count = signatures(left, right, matching)
    if op == "or":
        there = group_counts(left_numbers, count, left.present) > 0
        rest = take_rows(right, np.arange(len(right.labels)))
        rest.present = right.present & ~there[right_numbers]
        return drop_absent(merge_same_labels(drop_absent(stack(left, rest))))
    there = group_counts(right_numbers, count, right.present) > 0
    mask = there[left_numbers]
    present = left.present & (mask if op == "and" else ~mask)
    return drop_absent(Grid(left.labels, left.values, present, left.cells, left.dropped))


@dataclass(slots=True)
class Pairs:
    """Rows of the many side beside rows of the one side (-1: none, a fill value stands in)."""

    many: list[int]
    one: list[int]
    masks: list[Bools]
    groups: list[int]


def vector_vector(what: Operator, matching: Matching, left: Grid, right: Grid) -> Grid:
    """Return the operation between matching series of two vectors.

    Raises PharosError(INVALID) where the matching is not unique.
    """
    swapped = matching.card is Cardinality.ONE_TO_MANY
    many, one = (right, left) if swapped else (left, right)
    fill_one, fill_many = matching.fill_right, matching.fill_left
    many_numbers, one_numbers, count = signatures(many, one, matching)
    many_any, one_any = any_series(many.present), any_series(one.present)
    active = many_any & one_any
    if fill_one is not None or fill_many is not None:
        active = many_any | one_any
    one_counts = group_counts(one_numbers, count, one.present)
    _check_one_side(matching, one, one_numbers, one_counts, active, swapped=swapped)
    pairs = _pair_rows(many, one, many_numbers, one_numbers, active)
    if fill_one is not None:
        _add_fill(pairs, many, many_numbers, one_counts > 0, active, is_many=True)
    labels = [
        _result_labels(what, matching, many, one, m, o) for m, o in zip(pairs.many, pairs.one, strict=True)
    ]
    _check_unique(matching, pairs, labels, count, one.steps)
    if fill_many is not None:
        matched = np.zeros((count, one.steps), np.bool_)
        for group, mask in zip(pairs.groups, pairs.masks, strict=True):
            matched[group] |= mask
        extra = Pairs([], [], [], [])
        _add_fill(extra, one, one_numbers, matched, active, is_many=False)
        labels += [
            _result_labels(what, matching, many, one, m, o)
            for m, o in zip(extra.many, extra.one, strict=True)
        ]
        for mine, theirs in (
            (pairs.many, extra.many),
            (pairs.one, extra.one),
            (pairs.masks, extra.masks),
            (pairs.groups, extra.groups),
        ):
            mine.extend(theirs)  # type: ignore[arg-type]
    return _operate_pairs(what, (many, one), (fill_many, fill_one), pairs, labels, swapped=swapped)


def _check_one_side(
    matching: Matching, one: Grid, numbers: Ints, counts: Ints, active: Bools, *, swapped: bool
) -> None:
    bad = (counts > 1) & active
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
        matched = format_labels(signature(one.labels[row], matching))
        side = "left" if swapped else "right"
        raise PharosError(
            Kind.INVALID,
            f"found duplicate series for the match group {matched} on the {side} hand-side of the operation: "
            f"[{first}, {second}];many-to-many matching not allowed: "
            "matching labels must be unique on one side",
        )


def _pair_rows(many: Grid, one: Grid, many_numbers: Ints, one_numbers: Ints, active: Bools) -> Pairs:
    of_group: dict[int, list[int]] = {}
    for row, group in enumerate(one_numbers.tolist()):
        of_group.setdefault(group, []).append(row)
    pairs = Pairs([], [], [], [])
    everywhere = bool(active.all())
    for row, group in enumerate(many_numbers.tolist()):
        for other in of_group.get(group, ()):
            mask = many.present[row] & one.present[other]
            pairs.many.append(row)
            pairs.one.append(other)
            pairs.masks.append(mask if everywhere else mask & active)
            pairs.groups.append(group)
    return pairs


def _add_fill(
    pairs: Pairs, side: Grid, numbers: Ints, matched: Bools, active: Bools, *, is_many: bool
) -> None:
    for row, group in enumerate(numbers.tolist()):
        mask = side.present[row] & ~matched[group] & active
        if mask.any():
            pairs.many.append(row if is_many else -1)
            pairs.one.append(-1 if is_many else row)
            pairs.masks.append(mask)
            pairs.groups.append(group)


def _check_unique(matching: Matching, pairs: Pairs, labels: list[Labels], count: int, steps: int) -> None:
    """Refuse two results of one match group at one step, or two of the same labels where many may match."""
    if matching.card is Cardinality.ONE_TO_ONE:
        if len(set(pairs.groups)) == len(pairs.groups):
            return
        found = np.zeros((count, steps), np.int32)
        for group, mask in zip(pairs.groups, pairs.masks, strict=True):
            found[group] += mask
        if (found > 1).any():
            raise PharosError(
                Kind.INVALID,
                "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
            )
        return
    keys = list(zip(pairs.groups, labels, strict=True))
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


def _result_labels(what: Operator, matching: Matching, many: Grid, one: Grid, m: int, o: int) -> Labels:
    """Return the labels of the result of row `m` of the many side with row `o` of the one side."""
    many_labels = many.labels[m] if m >= 0 else signature(one.labels[o], matching)
    one_labels = one.labels[o] if o >= 0 else signature(many.labels[m], matching)
    result = many_labels
    if what.op in ARITHMETIC or (what.bool_modifier and not what.delayed):
        result = without_name(result)
    if matching.card is Cardinality.ONE_TO_ONE:
        if matching.on:
            result = tuple(pair for pair in result if pair[0] in matching.labels)
        elif matching.labels:
            result = tuple(pair for pair in result if pair[0] not in matching.labels)
    if matching.include:
        named = dict(result)
        for name in matching.include:
            named[name] = label_value(one_labels, name)
        result = labels_of(named)
    return result


def _operate_pairs(
    what: Operator,
    sides: tuple[Grid, Grid],
    fills: tuple[float | None, float | None],
    pairs: Pairs,
    labels: list[Labels],
    *,
    swapped: bool,
) -> Grid:
    steps = sides[0].steps
    present = np.array(pairs.masks, np.bool_).reshape(len(pairs.masks), steps)
    operands: list[Floats] = []
    cells: list[Cells | None] = []
    for grid, numbers, fill in zip(sides, (pairs.many, pairs.one), fills, strict=True):
        rows = np.asarray(numbers, np.int64)
        values = grid.values[rows] if len(grid.labels) else np.zeros((len(numbers), steps))
        taken = None if grid.cells is None else grid.cells[rows]
        if (rows < 0).any():
            values[rows < 0] = fill
            if taken is not None:
                taken[rows < 0] = None
        operands.append(values)
        cells.append(taken)
    if swapped:
        operands.reverse()
        cells.reverse()
    result = _elementwise(what, (operands[0], operands[1]), (cells[0], cells[1]), present)
    result.labels = labels
    if what.bool_modifier and what.delayed:
        result.dropped = np.ones(len(labels), np.bool_)
    return drop_absent(merge_same_labels(result))


def format_labels(labels: Labels) -> str:
    """Return labels as Prometheus prints a label set in its messages."""
    return "{" + ", ".join(f"{name}={quote(value)}" for name, value in labels) + "}"
