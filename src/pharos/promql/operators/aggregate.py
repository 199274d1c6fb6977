"""Aggregations over the series of a grid, step by step (promql/engine.go: aggregation, aggregationK)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from pharos.errors import Kind, PharosError
from pharos.gotext.numbers import format_f, format_g
from pharos.gotext.quoting import quote
from pharos.labels import METRIC_NAME, Labels, labels_of
from pharos.promql import annotations as words
from pharos.promql.annotations import Annotations
from pharos.promql.grids.grid import Grid, drop_absent, empty_grid, take_rows
from pharos.promql.grids.grid_labels import (
    are_shared,
    derived,
    keep_labels,
    leave_labels,
    number_labels,
    shared,
)
from pharos.promql.grids.room import Memory
from pharos.promql.kernels.group import group_avg, group_count, group_extreme, group_sum, group_variance
from pharos.promql.kernels.quantiles import quantile_group
from pharos.promql.kernels.rank import keep_extremes, keep_first
from pharos.promql.kernels.samples import Bools, Floats, Ints
from pharos.promql.language.ast import Aggregate, Paren, Place, StringLiteral
from pharos.promql.operators.aggregate_histograms import aggregate_cells
from pharos.promql.operators.label_hash import hash_labels

KEEPING: Final = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
"""Aggregations that give back some of their input instead of one series a group."""

_MIN_INT: Final = -9223372036854775808.0
_MAX_INT: Final = 9223372036854774784.0
"""The first number that Prometheus takes for too large: the last float before 2^63."""


class Places(Struct, frozen=True):
    """Where an aggregation, its operand and its parameter stand in the text."""

    whole: Place
    expr: Place
    param: Place


class Groups(Struct, frozen=True):
    """Which group each series of a grid belongs to, and the labels of the groups in order of appearance."""

    numbers: Ints
    labels: Sequence[Labels]


def grouped(labels: Sequence[Labels], names: Sequence[str], *, without: bool) -> Groups:
    """Return the groups of series with the same values of `names`, or of all labels but those."""
    if not without and not names:
        return Groups(np.zeros(len(labels), np.int64), [()] if labels else [])
    return derived(
        labels, ("groups", tuple(names), without), lambda shared: _grouped(shared, names, without=without)
    )


def _grouped(labels: Sequence[Labels], names: Sequence[str], *, without: bool) -> Groups:
    keys = leave_labels(labels, (*names, METRIC_NAME)) if without else keep_labels(labels, names)
    numbers, distinct = number_labels(keys)
    return Groups(numbers, shared(distinct) if are_shared(labels) else distinct)


def aggregate(
    node: Aggregate,
    grid: Grid,
    param: Floats | None,
    places: Places,
    memory: Memory,
    *,
    delayed: bool,
    notes: Annotations,
) -> Grid:
    """Return the aggregation `node` of `grid`; `param` is its scalar argument by step.

    `memory` is asked about a result whose size nobody knows before. Raises PharosError(INVALID) for a
    parameter that Prometheus refuses, and what `memory` raises.
    """
    steps = grid.steps
    if node.op == "count_values":
        return _count_values(node, grid, memory)
    values = param if param is not None else np.zeros(steps)
    if node.op in KEEPING:
        return _keep(node, grid, values, places, notes)
    if node.op == "quantile":
        _warn_quantile(values, places.param, notes)
    if not grid.labels:
        return empty_grid(steps)
    groups = grouped(grid.labels, node.grouping, without=node.without)
    floats = grid.floats()
    out, seen = _REDUCERS[node.op](groups, grid, floats, values)
    result = Grid(groups.labels, out, seen)
    if delayed and grid.dropped is not None:
        result.dropped = np.zeros(len(groups.labels), np.bool_)
        np.logical_or.at(result.dropped, groups.numbers, grid.dropped)
    if grid.held is not None:
        aggregate_cells(node.op, grid, groups.numbers, result, places.expr, notes, memory.check)
    return drop_absent(result)


def _shape(groups: Groups, grid: Grid) -> tuple[int, int]:
    return len(groups.labels), grid.steps


def _sum(groups: Groups, grid: Grid, floats: Bools, _: Floats) -> tuple[Floats, Bools]:
    shape = _shape(groups, grid)
    out, seen = np.zeros(shape), np.zeros(shape, np.bool_)
    group_sum(groups.numbers, grid.values, floats, out, np.zeros(shape), seen)
    return out, seen


def _avg(groups: Groups, grid: Grid, floats: Bools, _: Floats) -> tuple[Floats, Bools]:
    shape = _shape(groups, grid)
    out, seen = np.zeros(shape), np.zeros(shape, np.bool_)
    group_avg(groups.numbers, grid.values, floats, out, np.zeros(shape), np.zeros(shape), seen)
    return out, seen


def _count(groups: Groups, grid: Grid, floats: Bools, _: Floats) -> tuple[Floats, Bools]:
    del floats
    shape = _shape(groups, grid)
    out, seen = np.zeros(shape), np.zeros(shape, np.bool_)
    group_count(groups.numbers, grid.present, out, seen)
    return out, seen


def _group(groups: Groups, grid: Grid, floats: Bools, values: Floats) -> tuple[Floats, Bools]:
    _, seen = _count(groups, grid, floats, values)
    return np.ones(seen.shape), seen


def _extreme(sign: float) -> Callable[[Groups, Grid, Bools, Floats], tuple[Floats, Bools]]:
    def reduce(groups: Groups, grid: Grid, floats: Bools, _: Floats) -> tuple[Floats, Bools]:
        shape = _shape(groups, grid)
        out, seen = np.zeros(shape), np.zeros(shape, np.bool_)
        group_extreme(groups.numbers, grid.values, floats, sign, out, seen)
        return out, seen

    return reduce


def _stdvar(groups: Groups, grid: Grid, floats: Bools, _: Floats) -> tuple[Floats, Bools]:
    shape = _shape(groups, grid)
    out, seen = np.zeros(shape), np.zeros(shape, np.bool_)
    group_variance(groups.numbers, grid.values, floats, np.zeros(shape), np.zeros(shape), out, seen)
    return out, seen


def _stddev(groups: Groups, grid: Grid, floats: Bools, values: Floats) -> tuple[Floats, Bools]:
    out, seen = _stdvar(groups, grid, floats, values)
    with np.errstate(invalid="ignore"):
        return np.sqrt(out), seen


def _quantile(groups: Groups, grid: Grid, floats: Bools, values: Floats) -> tuple[Floats, Bools]:
    shape = _shape(groups, grid)
    out, seen = np.zeros(shape), np.zeros(shape, np.bool_)
    quantile_group(groups.numbers, shape[0], grid.values, floats, values, out, seen)
    return out, seen


_REDUCERS: Final[dict[str, Callable[[Groups, Grid, Bools, Floats], tuple[Floats, Bools]]]] = {
    "sum": _sum,
    "avg": _avg,
    "count": _count,
    "group": _group,
    "min": _extreme(-1.0),
    "max": _extreme(1.0),
    "stdvar": _stdvar,
    "stddev": _stddev,
    "quantile": _quantile,
}


def _warn_quantile(values: Floats, place: Place, notes: Annotations) -> None:
    if np.isnan(values).any():
        notes.warn(words.invalid_quantile(float("nan")), place)
    high, low = float(values.max()), float(values.min())
    if high > 1:
        notes.warn(words.invalid_quantile(high), place)
    if low < 0:
        notes.warn(words.invalid_quantile(low), place)


def _count_values(node: Aggregate, grid: Grid, memory: Memory) -> Grid:
    param = node.param
    while isinstance(param, Paren):
        param = param.expr
    name = param.value if isinstance(param, StringLiteral) else ""
    if not name or any("\ud800" <= char <= "\udfff" for char in name):
        raise PharosError(Kind.INVALID, f"invalid label name {quote(name)}")
    series, steps, codes, texts = _texts_of(grid, memory)
    if not texts:
        return empty_grid(grid.steps)
    # The value's label stands in for one of the same name that the series have.
    if node.without:
        groups = grouped(grid.labels, (*node.grouping, name), without=True)
    else:
        groups = grouped(grid.labels, tuple(one for one in node.grouping if one != name), without=False)
    is_named = not node.without or name not in (*node.grouping, METRIC_NAME)
    # Without its label equal values of a group are one row all the same.
    kinds = groups.numbers[series] * len(texts) + (codes if is_named else 0)
    found, rows = np.unique(kinds, return_inverse=True)
    memory.check_room(2 * found.size * grid.steps)
    counts = np.bincount(rows * grid.steps + steps, minlength=found.size * grid.steps)
    values = counts.reshape(found.size, grid.steps).astype(np.float64)
    labels = []
    for kind in found.tolist():
        group, code = divmod(kind, len(texts))
        shared = groups.labels[group]
        labels.append(labels_of({**dict(shared), name: texts[code]}) if is_named else shared)
    return Grid(labels, values, values > 0)


def _texts_of(grid: Grid, memory: Memory) -> tuple[Ints, Ints, Ints, list[str]]:
    """Return series, step and number of the text of everything that is present, and the texts."""
    series, steps = np.nonzero(grid.floats())
    bits, inverse = np.unique(grid.values.view(np.int64)[series, steps], return_inverse=True)
    known: dict[str, int] = {}
    memory.check_room(40 * bits.size)
    numbers = [known.setdefault(format_f(value), len(known)) for value in bits.view(np.float64).tolist()]
    codes: Ints = np.asarray(numbers, np.int64)[inverse]
    if grid.cells is None:
        return series, steps, codes, list(known)
    own_series, own_steps = np.nonzero(grid.histograms())
    own: list[int] = []
    for number, cell in enumerate(grid.cells[own_series, own_steps]):
        if number % 128 == 0:
            memory.check()
        own.append(known.setdefault(str(cell), len(known)))
    return (
        np.concatenate([series, own_series]),
        np.concatenate([steps, own_steps]),
        np.concatenate([codes, np.asarray(own, np.int64)]),
        list(known),
    )


# ---- aggregations that keep some of their input


def _keep(node: Aggregate, grid: Grid, values: Floats, places: Places, notes: Annotations) -> Grid:
    steps = grid.steps
    if node.op == "limit_ratio":
        return _limit_ratio(grid, values, places, notes)
    high, low = float(values.max()), float(values.min())
    if high < 1:
        return empty_grid(steps)
    if np.isnan(values).any():
        raise PharosError(Kind.INVALID, "Parameter value is NaN")
    if low <= _MIN_INT:
        raise PharosError(Kind.INVALID, f"Scalar value {format_g(low)} underflows int64")
    if high >= _MAX_INT:
        raise PharosError(Kind.INVALID, f"Scalar value {format_g(high)} overflows int64")
    if not grid.labels:
        return grid
    limits = np.minimum(values, float(len(grid.labels))).astype(np.int64)
    groups = grouped(grid.labels, node.grouping, without=node.without)
    order = np.argsort(groups.numbers, kind="stable").astype(np.int64)
    starts = np.searchsorted(groups.numbers[order], np.arange(len(groups.labels) + 1)).astype(np.int64)
    kept = np.zeros(grid.present.shape, np.bool_)
    if node.op == "limitk":
        keep_first(starts, order, grid.present, limits, kept)
        return _kept_rows(grid, kept)
    if (grid.histograms() & (limits >= 1)).any():
        notes.info(words.ignored_in_aggregation(node.op), places.whole)
    sign = 1.0 if node.op == "topk" else -1.0
    chosen = np.empty(len(grid.labels), np.int64)
    n = keep_extremes(starts, order, grid.values, grid.floats(), limits, sign, kept, chosen)
    if steps > 1:
        return _kept_rows(grid, kept)
    # For one step the answer is in order: group by group, the best first, NaN last.
    column = grid.values[:, 0]
    ranked = sorted(
        chosen[:n].tolist(),
        key=lambda row: (int(groups.numbers[row]), bool(np.isnan(column[row])), -sign * float(column[row])),
    )
    return _kept_rows(take_rows(grid, np.asarray(ranked, np.int64)), np.ones((n, 1), np.bool_))


def _kept_rows(grid: Grid, kept: Bools) -> Grid:
    return drop_absent(Grid(grid.labels, grid.values, grid.present & kept, grid.cells, grid.dropped))


def _limit_ratio(grid: Grid, values: Floats, places: Places, notes: Annotations) -> Grid:
    high, low = float(values.max()), float(values.min())
    if high == 0 and low == 0:
        return empty_grid(grid.steps)
    if np.isnan(values).any():
        raise PharosError(Kind.INVALID, "Ratio value is NaN")
    place = places.param
    if high > 1.0:
        notes.warn(words.invalid_ratio(high, 1.0), place)
    if low < -1.0:
        notes.warn(words.invalid_ratio(low, -1.0), place)
    ratios = np.clip(values, -1.0, 1.0)
    offsets = np.asarray([hash_labels(labels) / float(2**64 - 1) for labels in grid.labels]).reshape(-1, 1)
    kept = ((ratios >= 0) & (offsets < ratios)) | ((ratios < 0) & (offsets >= 1.0 + ratios))
    return _kept_rows(grid, kept & (values != 0))
