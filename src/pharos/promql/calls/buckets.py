"""histogram_quantile, histogram_quantiles and histogram_fraction over classic and native histograms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from pharos.errors import PharosError
from pharos.gotext.numbers import format_open_metrics, parse_float
from pharos.labels import BUCKET_LABEL, METRIC_NAME, Labels, labels_of
from pharos.promql import annotations as words
from pharos.promql.annotations import Forced
from pharos.promql.calls.histograms import native_fractions, native_quantiles
from pharos.promql.calls.labels import text_of
from pharos.promql.calls.vectors import Context, Implementation, grid_of, numbers_of
from pharos.promql.grids.grid import Grid, Value, drop_absent, lose_names, merge_same_labels, stack
from pharos.promql.grids.grid_labels import label_value
from pharos.promql.kernels.bucket import bucket_fraction, bucket_quantile
from pharos.promql.kernels.samples import Bools, Floats, Ints


def parse_bound(text: str) -> float | None:
    """Return the number a `le` label stands for, None if it is none (Go's strconv.ParseFloat)."""
    try:
        return parse_float(text)
    except PharosError:
        return None


class Buckets(Struct, frozen=True):
    """Classic histograms of a grid: rows by group, in order of their bounds; `mask` is where they count."""

    labels: list[Labels]
    dropped: Bools | None
    starts: Ints
    members: Ints
    bounds: Floats
    mask: Bools


def split_histograms(context: Context, grid: Grid, arg: int) -> tuple[Buckets, Grid]:
    """Return classic and native histograms of a vector; both are left out where they meet at one step."""
    notes, place = context.notes, context.node.args[arg].place
    floats, histograms = grid.floats(), grid.histograms()
    numbers: dict[Labels, int] = {}
    rows: list[tuple[int, float, int]] = []
    bounds = np.full(len(grid.labels), np.nan)
    for row, labels in enumerate(grid.labels):
        if not floats[row].any():
            continue
        text = label_value(labels, BUCKET_LABEL)
        bound = parse_bound(text)
        if bound is None:
            name = label_value(labels, METRIC_NAME) if context.delayed else ""
            notes.warn(words.bad_bucket_label(name, text), place)
            continue
        bounds[row] = bound
        group = tuple(pair for pair in labels if pair[0] != BUCKET_LABEL)
        rows.append((numbers.setdefault(group, len(numbers)), bound, row))
    rows.sort(key=lambda entry: (entry[0], math.isnan(entry[1]), entry[1]))
    mask, native = floats.copy(), histograms
    if histograms.any():
        native = _exclude_conflicts(context, grid, numbers, rows, mask, arg)
    members = np.asarray([row for _, _, row in rows], np.int64)
    starts = np.searchsorted([group for group, _, _ in rows], np.arange(len(numbers) + 1)).astype(np.int64)
    dropped = None
    if grid.dropped is not None:
        dropped = np.zeros(len(numbers), np.bool_)
        for group_number, _, row in rows:
            dropped[group_number] |= grid.dropped[row]
    found = Buckets(list(numbers), dropped, starts, members, bounds, mask)
    return found, drop_absent(Grid(grid.labels, grid.values, native, grid.held, grid.dropped))


def _exclude_conflicts(
    context: Context,
    grid: Grid,
    numbers: dict[Labels, int],
    rows: Sequence[tuple[int, float, int]],
    mask: Bools,
    arg: int,
) -> Bools:
    native = grid.histograms()
    members_of: dict[int, list[int]] = {}
    for number, _, member in rows:
        members_of.setdefault(number, []).append(member)
    for row, labels in enumerate(grid.labels):
        group = numbers.get(labels)
        if group is None or not native[row].any():
            continue
        context.memory.check()
        members = members_of.get(group, [])
        both = native[row] & mask[members].any(axis=0)
        if both.any():
            name = label_value(labels, METRIC_NAME) if context.delayed else ""
            context.notes.warn(words.mixed_classic_native(name), context.node.args[arg].place)
            native[row] &= ~both
            for member in members:
                mask[member] &= ~both
    return native


def _quantiles(
    context: Context, grid: Grid, quantiles: Floats, split: tuple[Buckets, Grid], arg: int
) -> Grid:
    """Return one quantile of classic and native histograms, names still in place."""
    buckets, native = split
    shape = (len(buckets.labels), grid.steps)
    out, seen = np.zeros(shape), np.zeros(shape, np.bool_)
    forced = np.zeros((shape[0], 3))
    forced[:, 0], forced[:, 1] = np.inf, -np.inf
    at = np.zeros((shape[0], 3), np.int64)
    bucket_quantile(
        buckets.starts, buckets.members, buckets.bounds, grid.values, buckets.mask, quantiles,
        out, seen, forced, at,
    )  # fmt: skip
    for group in np.flatnonzero(at[:, 0]).tolist():
        name = label_value(buckets.labels[group], METRIC_NAME) if context.delayed else ""
        first, last = context.times_ms[at[group, 1]], context.times_ms[at[group, 2]]
        low, high, diff = forced[group].tolist()
        context.notes.forced_monotonicity(
            name,
            context.node.args[arg].place,
            Forced(int(at[group, 0]), int(first), int(last), low, high, diff),
        )
    classic = Grid(list(buckets.labels), out, seen, None, buckets.dropped)
    return stack(native_quantiles(context, native, quantiles, arg), classic)


def _warn_quantile(context: Context, quantiles: Floats, arg: int) -> None:
    for q in np.unique(quantiles[np.isnan(quantiles) | (quantiles < 0) | (quantiles > 1)]).tolist():
        context.notes.warn(words.invalid_quantile(q), context.node.args[arg].place)


def _histogram_quantile(context: Context, args: Sequence[Value]) -> Value:
    quantiles, grid = numbers_of(args[0]), grid_of(args[1])
    _warn_quantile(context, quantiles, 0)
    split = split_histograms(context, grid, 1)
    result = drop_absent(_quantiles(context, grid, quantiles, split, 1))
    return lose_names(result, delayed=context.delayed)


def _histogram_quantiles(context: Context, args: Sequence[Value]) -> Value:
    grid, label = grid_of(args[0]), text_of(args[1])
    split: tuple[Buckets, Grid] | None = None
    parts: list[Grid] = []
    for arg in range(2, len(args)):
        quantiles = numbers_of(args[arg])
        _warn_quantile(context, quantiles, arg)
        split = split or split_histograms(context, grid, 0)
        found = _quantiles(context, grid, quantiles, split, 0)
        for q in np.unique(quantiles).tolist():
            same = np.isnan(quantiles) if math.isnan(q) else quantiles == q
            labels = [labels_of({**dict(ls), label: format_open_metrics(q)}) for ls in found.labels]
            parts.append(Grid(labels, found.values, found.present & same, None, found.dropped))
    total = parts[0]
    for part in parts[1:]:
        total = stack(total, part)
    result = lose_names(drop_absent(total), delayed=context.delayed)
    return drop_absent(merge_same_labels(result))


def _histogram_fraction(context: Context, args: Sequence[Value]) -> Value:
    lows, highs, grid = numbers_of(args[0]), numbers_of(args[1]), grid_of(args[2])
    buckets, native = split_histograms(context, grid, 2)
    shape = (len(buckets.labels), grid.steps)
    out, seen = np.zeros(shape), np.zeros(shape, np.bool_)
    bucket_fraction(
        buckets.starts, buckets.members, buckets.bounds, grid.values, buckets.mask, lows, highs, out, seen
    )
    classic = Grid(list(buckets.labels), out, seen, None, buckets.dropped)
    result = drop_absent(stack(native_fractions(context, native, lows, highs), classic))
    return lose_names(result, delayed=context.delayed)


FUNCTIONS: Final[dict[str, Implementation]] = {
    "histogram_fraction": _histogram_fraction,
    "histogram_quantile": _histogram_quantile,
    "histogram_quantiles": _histogram_quantiles,
}
