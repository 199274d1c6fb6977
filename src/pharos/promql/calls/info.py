"""info(): labels of info series added to the series they describe (promql/info.go)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from pharos.errors import Kind, PharosError
from pharos.labels import METRIC_NAME, Labels, Matcher, MatchOp, labels_of
from pharos.promql.calls.vectors import Context
from pharos.promql.grids.grid import Grid, any_series, drop_absent, merge_same_labels
from pharos.promql.grids.grid_labels import label_value
from pharos.promql.grids.instants import Selection, pick
from pharos.promql.kernels.samples import Bools, Ints
from pharos.promql.language.ast import (
    Aggregate,
    Binary,
    Call,
    Expr,
    MatrixSelector,
    Paren,
    StepInvariant,
    Subquery,
    Unary,
    VectorSelector,
)
from pharos.promql.operators.binary import format_labels
from pharos.promql.source import SampleSource

IDENTIFYING: Final = ("instance", "job")
"""The labels by which an info series and what it describes know one another."""
_DEFAULT_NAME: Final = Matcher(METRIC_NAME, MatchOp.EQUAL, "target_info")
_ANY_INFO: Final = Matcher(METRIC_NAME, MatchOp.REGEX, ".+_info")
_SPECIAL: Final = frozenset(r"\.+*?()|[]{}^$")


class Reference(Struct, frozen=True):
    """The time that the first selector of an expression reads: `@` if it has one, and its offsets."""

    at_ms: int | None
    offset_ms: int


def reference_of(node: Expr) -> Reference | None:
    """Return the reference of the first selector in `node`, subqueries around it included."""
    match node:
        case Paren(expr=inner) | StepInvariant(expr=inner) | Unary(expr=inner):
            return reference_of(inner)
        case MatrixSelector(selector=selector):
            return reference_of(selector)
        case VectorSelector(offset=offset, at=at):
            return Reference(None if at is None else at.ms, _ms(offset))
        case Subquery(expr=inner, offset=offset, at=at):
            found = reference_of(inner)
            if found is None or found.at_ms is not None:
                return found
            return Reference(None if at is None else at.ms, found.offset_ms + _ms(offset))
        case _:
            return next((found for child in _children(node) if (found := reference_of(child))), None)


def _children(node: Expr) -> tuple[Expr, ...]:
    match node:
        case Call(func="info", args=args):
            return args[:1]
        case Call(args=args):
            return args
        case Aggregate(expr=inner):
            return (inner,)
        case Binary(left=left, right=right):
            return (left, right)
        case _:
            return ()


def _ms(duration: object) -> int:
    return duration if isinstance(duration, int) else 0


def info(context: Context, grid: Grid, args: Sequence[Expr], source: SampleSource, lookback_ms: int) -> Grid:
    """Return `grid` with the labels of matching info series added.

    Raises PharosError(INVALID) for info series that contradict one another or hold histograms.
    """
    given = args[1].matchers if len(args) > 1 and isinstance(args[1], VectorSelector) else (_DEFAULT_NAME,)
    names = [matcher for matcher in given if matcher.name == METRIC_NAME]
    wanted = [matcher for matcher in given if matcher.name != METRIC_NAME]
    if names and all(matcher.op in {MatchOp.NOT_EQUAL, MatchOp.NOT_REGEX} for matcher in names):
        # What is only excluded by name is taken from all that is named as info.
        names.append(_ANY_INFO)
    enriched = [
        not (names and all(matcher.matches(label_value(labels, METRIC_NAME)) for matcher in names))
        for labels in grid.labels
    ]
    found = _select(
        context, grid, enriched, args[0], [*(names or [_DEFAULT_NAME]), *wanted], source, lookback_ms
    )
    return _combined(grid, enriched, found, wanted)


class _Infos(Struct, frozen=True):
    """Info series with the time of the sample that answers each step (-1: none)."""

    labels: Sequence[Labels]
    times: Ints


def _quoted(value: str) -> str:
    return "".join("\\" + char if char in _SPECIAL else char for char in value)


def _select(
    context: Context,
    grid: Grid,
    enriched: Sequence[bool],
    arg: Expr,
    matchers: Sequence[Matcher],
    source: SampleSource,
    lookback_ms: int,
) -> _Infos:
    steps = grid.steps
    identity: list[Matcher] = []
    for name in IDENTIFYING:
        values = {
            label_value(labels, name) for labels, wanted in zip(grid.labels, enriched, strict=True) if wanted
        }
        values.discard("")
        if values:
            identity.append(Matcher(name, MatchOp.REGEX, "|".join(sorted(map(_quoted, values)))))
    if not identity:
        return _Infos([], np.zeros((0, steps), np.int64))
    reference = reference_of(arg) or Reference(None, 0)
    first, last = int(context.times_ms[0]), int(context.times_ms[-1])
    stride = int(context.times_ms[1]) - first if steps > 1 else 0
    if reference.at_ms is not None:
        first = last = reference.at_ms
        stride = 0
    first -= reference.offset_ms
    last -= reference.offset_ms
    block = source.select((*identity, *matchers), first - lookback_ms + 1, last)
    picked = pick(Selection(block), first, stride, steps, lookback_ms)
    if picked.is_histogram.any():
        row = int(np.flatnonzero(picked.is_histogram.any(axis=1))[0])
        raise PharosError(
            Kind.INVALID,
            f"this should be an info metric, with float samples: {format_labels(block.labels[row])}",
        )
    times = np.full(picked.is_float.shape, -1, np.int64)
    if block.ts_ms.size:
        times = np.where(picked.is_float, block.ts_ms[np.maximum(picked.float_rows, 0)], -1)
    return _Infos(block.labels, times)


def _identity(labels: Labels) -> Labels:
    return tuple(pair for pair in labels if pair[0] in IDENTIFYING)


def _combined(grid: Grid, enriched: Sequence[bool], infos: _Infos, wanted: Sequence[Matcher]) -> Grid:
    chosen = _newest(infos, any_series(grid.present))
    data_names = {matcher.name for matcher in wanted}
    plain = all(matcher.matches_empty() for matcher in wanted)
    labels: list[Labels] = []
    rows: list[int] = []
    masks: list[Bools] = []
    for row, own in enumerate(grid.labels):
        candidates = chosen.get(_identity(own), {}) if enriched[row] else {}
        if not candidates:
            if plain or not enriched[row]:
                labels.append(own)
                rows.append(row)
                masks.append(grid.present[row])
            continue
        picks = np.array(list(candidates.values()))
        for combination in np.unique(picks[:, grid.present[row]], axis=1).T.tolist():
            seen = [info for info in combination if info >= 0]
            if not seen and not plain:
                continue
            labels.append(_enriched(own, [infos.labels[info] for info in seen], data_names))
            rows.append(row)
            masks.append(grid.present[row] & (picks == np.array(combination)[:, None]).all(axis=0))
    numbers = np.asarray(rows, np.int64)
    result = Grid(
        labels,
        grid.values[numbers],
        np.array(masks, np.bool_).reshape(len(rows), grid.steps),
        None if grid.cells is None else grid.cells[numbers],
        None if grid.dropped is None else grid.dropped[numbers],
    )
    return drop_absent(merge_same_labels(result))


def _newest(infos: _Infos, active: Bools) -> dict[Labels, dict[str, Ints]]:
    """Return by identity and metric name which info series answers each step: the one sampled last."""
    out: dict[Labels, dict[str, Ints]] = {}
    for row, labels in enumerate(infos.labels):
        own = infos.times[row]
        of_names = out.setdefault(_identity(labels), {})
        name = label_value(labels, METRIC_NAME)
        best = of_names.get(name)
        if best is None:
            of_names[name] = np.where(own >= 0, row, -1)
            continue
        best_times = np.where(
            best >= 0, np.take_along_axis(infos.times, np.maximum(best, 0)[None, :], 0)[0], -1
        )
        conflict = (own >= 0) & (own == best_times) & active
        if conflict.any():
            k = int(np.flatnonzero(conflict)[0])
            other = format_labels(infos.labels[int(best[k])])
            raise PharosError(
                Kind.INVALID,
                f"found duplicate series for info metric: existing {other} @ {own[k]}, "
                f"new {format_labels(labels)} @ {own[k]}",
            )
        of_names[name] = np.where(own > best_times, row, best)
    return out


def _enriched(own: Labels, infos: Sequence[Labels], data_names: set[str]) -> Labels:
    present = {name for name, _ in own}
    added: dict[str, str] = {}
    for labels in infos:
        for name, value in labels:
            if name == METRIC_NAME or (data_names and name not in data_names):
                continue
            if added.get(name, value) != value:
                raise PharosError(Kind.INVALID, f"conflicting label: {name}")
            if name not in present:
                added[name] = value
    return labels_of({**added, **dict(own)})
