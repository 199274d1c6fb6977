"""Aggregations of series at each step, `label_replace`, and operators between series."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pharos.errors import Kind, PharosError
from pharos.gotext.references import replace_all
from pharos.labels import Labels, labels_of
from pharos.search.logql.ast import Binary, Grouping, LabelReplace, Matching, VectorAggregation
from pharos.search.logql.grid import Column, Grid, grouped
from pharos.search.logql.regexes import compile_pattern, plain

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]
_NO_GROUPING: Final = Grouping(())


def aggregate(query: VectorAggregation, inner: Grid) -> Grid:
    """Return what an aggregation makes of series."""
    if query.name in {"sort", "sort_desc"}:
        return _sorted(inner, descending=query.name == "sort_desc")
    grouping = query.grouping or _NO_GROUPING
    names = frozenset(grouping.names)
    groups: dict[Labels, list[tuple[Labels, Column]]] = {}
    for labels, column in inner.series.items():
        key = grouped(labels, names, without=grouping.without)
        groups.setdefault(key, []).append((labels, column))
    if query.name in {"topk", "bottomk", "approx_topk"}:
        return _ranked(query, groups)
    reduce = _REDUCERS[query.name]
    with np.errstate(all="ignore"):
        return Grid({key: reduce([column for _, column in members]) for key, members in groups.items()})


def _stacked(columns: list[Column]) -> tuple[Values, Mask]:
    return np.stack([one.values for one in columns]), np.stack([one.present for one in columns])


def _sum(columns: list[Column]) -> Column:
    values, present = _stacked(columns)
    return Column(np.where(present, values, 0.0).sum(axis=0), np.any(present, axis=0))


def _count(columns: list[Column]) -> Column:
    _, present = _stacked(columns)
    return Column(present.sum(axis=0).astype(np.float64), np.any(present, axis=0))


def _average(columns: list[Column]) -> Column:
    values, present = _stacked(columns)
    return Column(
        np.where(present, values, 0.0).sum(axis=0) / np.maximum(present.sum(axis=0), 1),
        np.any(present, axis=0),
    )


def _extreme(pick: Callable[..., Values], otherwise: float) -> Callable[[list[Column]], Column]:
    def reduce(columns: list[Column]) -> Column:
        values, present = _stacked(columns)
        return Column(pick(np.where(present, values, otherwise), axis=0), np.any(present, axis=0))

    return reduce


def _spread(*, root: bool) -> Callable[[list[Column]], Column]:
    def reduce(columns: list[Column]) -> Column:
        values, present = _stacked(columns)
        count = np.maximum(present.sum(axis=0), 1)
        mean = np.where(present, values, 0.0).sum(axis=0) / count
        squares = np.where(present, (values - mean) ** 2, 0.0).sum(axis=0) / count
        return Column(np.sqrt(squares) if root else squares, np.any(present, axis=0))

    return reduce


_REDUCERS: Final[dict[str, Callable[[list[Column]], Column]]] = {
    "sum": _sum,
    "avg": _average,
    "count": _count,
    "min": _extreme(np.fmin.reduce, np.inf),
    "max": _extreme(np.fmax.reduce, -np.inf),
    "stddev": _spread(root=True),
    "stdvar": _spread(root=False),
}


def _ranked(query: VectorAggregation, groups: dict[Labels, list[tuple[Labels, Column]]]) -> Grid:
    """Return the series that are among the first `parameter` of their group, at the steps where they are."""
    sign = 1.0 if query.name == "bottomk" else -1.0
    found: dict[Labels, Column] = {}
    for members in groups.values():
        members.sort(key=lambda member: member[0])
        values, present = _stacked([column for _, column in members])
        keys = np.where(present & ~np.isnan(values), sign * values, np.inf)
        keys = np.where(present, keys, np.nan)  # sorted last: NaN behind infinity
        order = np.argsort(keys, axis=0, kind="stable")
        rank = np.argsort(order, axis=0, kind="stable")
        kept = present & (rank < query.parameter)
        for place, (labels, column) in enumerate(members):
            if kept[place].any():
                found[labels] = Column(column.values, kept[place])
    return _sorted(Grid(found), descending=sign < 0)


def _sorted(inner: Grid, *, descending: bool) -> Grid:
    """Return series in the order of their values at the last step."""

    def key(pair: tuple[Labels, Column]) -> tuple[bool, float]:
        value = float(pair[1].values[-1]) if pair[1].present[-1] else np.nan
        return bool(np.isnan(value)), -value if descending else value

    return Grid(dict(sorted(inner.series.items(), key=key)), is_sorted=True)


def replace_label(query: LabelReplace, inner: Grid) -> Grid:
    """Return series with one label made of another. Raises PharosError(INVALID) if two become one."""
    pattern = compile_pattern(f"^(?:{query.pattern})$")
    found: dict[Labels, Column] = {}
    for labels, column in inner.series.items():
        pairs = dict(labels)
        value = plain(pairs.get(query.source, ""))
        if pattern.fullmatch(value) is not None:
            pairs[query.target] = replace_all(pattern, query.replacement, value)
        changed = labels_of(pairs)
        if changed in found:
            raise PharosError(
                Kind.INVALID,
                "label_replace makes the same labels of two series",
                hint="keep a label that tells them apart",
            )
        found[changed] = column
    return Grid(found, inner.is_sorted)


# --- operators


def _divided(one: Values, other: Values) -> Values:
    return np.where(other == 0, np.nan, one / np.where(other == 0, 1.0, other))


def _rest(one: Values, other: Values) -> Values:
    return np.where(other == 0, np.nan, np.fmod(one, np.where(other == 0, 1.0, other)))


_ARITHMETIC: Final[dict[str, Callable[[Values, Values], Values]]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": _divided,
    "%": _rest,
    "^": np.power,
}
_COMPARE: Final[dict[str, Callable[[Values, Values], Mask]]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "<": np.less,
    "<=": np.less_equal,
}


def calculate(op: str, left: float, right: float) -> float:
    """Return what an operator makes of two numbers."""
    one, other = np.array([left]), np.array([right])
    with np.errstate(all="ignore"):
        if op in _COMPARE:
            return float(_COMPARE[op](one, other)[0])
        return float(_ARITHMETIC[op](one, other)[0])


def _combined(op: str, left: Column, right: Column, kept: Column, *, returns_bool: bool) -> Column:
    """Return what an operator makes of two series; a comparison that filters leaves the values of `kept`."""
    present = left.present & right.present
    with np.errstate(all="ignore"):
        if op in _ARITHMETIC:
            return Column(_ARITHMETIC[op](left.values, right.values), present)
        holds = _COMPARE[op](left.values, right.values)
    if returns_bool:
        return Column(holds.astype(np.float64), present)
    return Column(kept.values, present & holds)


def with_number(query: Binary, grid: Grid, number: Column, *, number_is_left: bool) -> Grid:
    """Return what an operator makes of each series and a number."""
    return Grid(
        {
            labels: _combined(
                query.op,
                number if number_is_left else column,
                column if number_is_left else number,
                column,
                returns_bool=query.returns_bool,
            )
            for labels, column in grid.series.items()
        }
    )


def combine(query: Binary, left: Grid, right: Grid) -> Grid:
    """Return what an operator makes of series that match. Raises PharosError(INVALID) for ambiguous ones."""
    if query.op in {"and", "or", "unless"}:
        return _set_operation(query, left, right)
    matching = query.matching
    swapped = matching.group == "right"
    many, one = (right, left) if swapped else (left, right)
    found_one: dict[Labels, tuple[Labels, Column]] = {}
    for labels, column in one.series.items():
        key = _key(labels, matching)
        if key in found_one:
            side = "left" if swapped else "right"
            raise PharosError(
                Kind.INVALID,
                f"found duplicate series on the {side} hand-side: many-to-many matching not allowed",
                hint="matching labels must be unique on one side",
            )
        found_one[key] = labels, column
    found: dict[Labels, Column] = {}
    for labels, column in many.series.items():
        partner = found_one.get(_key(labels, matching))
        if partner is None:
            continue
        a, b = (partner[1], column) if swapped else (column, partner[1])
        result = _result(labels, partner[0], matching)
        made = _combined(query.op, a, b, column if not swapped else a, returns_bool=query.returns_bool)
        before = found.get(result)
        if before is not None:
            if (before.present & made.present).any():
                raise PharosError(
                    Kind.INVALID,
                    "multiple matches for labels: many-to-one matching must be explicit"
                    if not matching.group
                    else "multiple matches for labels: grouping labels must ensure unique matches",
                    hint="use group_left or group_right",
                )
            made = Column(np.where(before.present, before.values, made.values), before.present | made.present)
        found[result] = made
    return Grid(found)


def _key(labels: Labels, matching: Matching) -> Labels:
    return grouped(labels, frozenset(matching.names), without=not matching.on)


def _result(many: Labels, one: Labels, matching: Matching) -> Labels:
    if not matching.group:
        return _key(many, matching) if matching.is_written else many
    pairs = dict(many)
    theirs = dict(one)
    for name in matching.include:
        value = theirs.get(name, "")
        if value:
            pairs[name] = value
        else:
            pairs.pop(name, None)
    return labels_of(pairs)


def _set_operation(query: Binary, left: Grid, right: Grid) -> Grid:
    def covered(grid: Grid) -> dict[Labels, Mask]:
        masks: dict[Labels, Mask] = {}
        for labels, column in grid.series.items():
            key = _key(labels, query.matching)
            masks[key] = masks[key] | column.present if key in masks else column.present
        return masks

    if query.op == "or":
        there = covered(left)
        found = dict(left.series)
        for labels, column in right.series.items():
            mask = there.get(_key(labels, query.matching))
            present = column.present if mask is None else column.present & ~mask
            before = found.get(labels)
            if before is not None:
                found[labels] = Column(
                    np.where(before.present, before.values, column.values), before.present | present
                )
            elif present.any():
                found[labels] = Column(column.values, present)
        return Grid(found)
    there = covered(right)
    found = {}
    for labels, column in left.series.items():
        mask = there.get(_key(labels, query.matching))
        if mask is None:
            mask = np.zeros(len(column.present), dtype=bool)
        found[labels] = Column(column.values, column.present & (mask if query.op == "and" else ~mask))
    return Grid(found)
