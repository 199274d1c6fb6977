"""Functions that read or write labels: label_replace, label_join, the sorts, absent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, cmp_to_key
from typing import Final

import numpy as np
from msgspec.structs import replace

from pharos.errors import Kind, PharosError
from pharos.gotext.references import expand
from pharos.labels import METRIC_NAME, Labels, Matcher, MatchOp, compile_regex, labels_of
from pharos.promql import annotations as words
from pharos.promql.calls.vectors import Context, Implementation, grid_of
from pharos.promql.grids.grid import (
    Grid,
    Text,
    Value,
    any_series,
    drop_absent,
    empty_grid,
    merge_same_labels,
    take_rows,
)
from pharos.promql.grids.grid_labels import label_value
from pharos.promql.kernels.samples import Bools
from pharos.promql.language.ast import Expr, MatrixSelector, Paren, StepInvariant, VectorSelector

_VALUE_LENGTH: Final = 65_536


def text_of(value: Value) -> str:
    """Return an argument that must be a string."""
    if not isinstance(value, Text):
        raise PharosError(Kind.BUG, "a function of strings was given something else; check should refuse it")
    return value.value


def _bounded(value: str) -> str:
    """Return a label's value. Raises PharosError(LIMITED) for one that could only grow without end."""
    if len(value) > _VALUE_LENGTH:
        raise PharosError(
            Kind.LIMITED,
            f"a label's value would be longer than {_VALUE_LENGTH} characters",
            hint="shorten it",
        )
    return value


def _with_label(labels: Labels, name: str, value: str) -> Labels:
    return labels_of({**dict(labels), name: value})


def _relabelled(grid: Grid, labels: list[Labels], target: str, changed: Bools) -> Grid:
    dropped = grid.dropped
    if dropped is not None and target == METRIC_NAME:
        dropped = dropped & ~changed
    return drop_absent(merge_same_labels(replace(grid, labels=labels, dropped=dropped)))


def _check_name(name: str, what: str) -> None:
    if not name or any("\ud800" <= char <= "\udfff" for char in name):
        raise PharosError(Kind.INVALID, f"invalid {what}: {name}")


def _label_replace(context: Context, args: Sequence[Value]) -> Value:
    del context
    grid = grid_of(args[0])
    target, template, source, pattern = (text_of(arg) for arg in args[1:5])
    try:
        regex = compile_regex(f"^(?s:{pattern})$")
    except PharosError as exc:
        raise PharosError(Kind.INVALID, f"invalid regular expression in label_replace(): {pattern}") from exc
    _check_name(target, "destination label name in label_replace()")
    names = [""] * (regex.groups + 1)
    for name, at in regex.groupindex.items():
        names[at] = name.decode() if isinstance(name, bytes) else name

    @cache
    def replaced(value: str) -> str | None:
        found = regex.fullmatch(value)
        if found is None:
            return None
        return _bounded(expand(template, names, [found.group(i) for i in range(regex.groups + 1)]))

    labels: list[Labels] = []
    changed = np.zeros(len(grid.labels), np.bool_)
    for i, old in enumerate(grid.labels):
        text = replaced(label_value(old, source))
        changed[i] = text is not None
        labels.append(old if text is None else _with_label(old, target, text))
    return _relabelled(grid, labels, target, changed)


def _label_join(context: Context, args: Sequence[Value]) -> Value:
    del context
    grid = grid_of(args[0])
    target, separator, *sources = (text_of(arg) for arg in args[1:])
    for source in sources:
        _check_name(source, "source label name in label_join()")
    _check_name(target, "destination label name in label_join()")
    labels = [
        _with_label(old, target, _bounded(separator.join(label_value(old, source) for source in sources)))
        for old in grid.labels
    ]
    return _relabelled(grid, labels, target, np.ones(len(labels), np.bool_))


# ---- sorting: only what answers an instant has an order


def _ranged(context: Context) -> bool:
    if context.times_ms.size > 1:
        context.notes.warn(words.SORT_IN_RANGE, context.node.place)
        return True
    return False


def _sort(context: Context, args: Sequence[Value]) -> Value:
    grid = grid_of(args[0])
    floats = drop_absent(Grid(grid.labels, grid.values, grid.floats(), None, grid.dropped))
    if _ranged(context) or not floats.labels:
        return floats
    sign = -1.0 if context.node.func == "sort_desc" else 1.0
    column = floats.values[:, 0]
    order = sorted(range(column.size), key=lambda i: (bool(np.isnan(column[i])), sign * float(column[i])))
    return take_rows(floats, np.asarray(order, np.int64))


_CHUNK: Final = re.compile(r"[0-9]+|[^0-9]+")


def natural_less(left: str, right: str) -> bool:
    """Return whether `left` comes before `right` with runs of digits compared as numbers (natsort)."""
    lefts: list[str] = _CHUNK.findall(left)
    rights: list[str] = _CHUNK.findall(right)
    for i, a in enumerate(lefts):
        if i >= len(rights):
            return False
        b = rights[i]
        numeric = a[0].isdigit() and b[0].isdigit()
        if a != b and not (numeric and int(a) == int(b)):
            return int(a) < int(b) if numeric else a < b
        if i == len(lefts) - 1:
            return True
    return False


def _sort_by_label(context: Context, args: Sequence[Value]) -> Value:
    grid = grid_of(args[0])
    names = [text_of(arg) for arg in args[1:]]
    if _ranged(context):
        return grid
    sign = -1 if context.node.func == "sort_by_label_desc" else 1
    labels = list(grid.labels)

    def compare(i: int, j: int) -> int:
        for name in names:
            a, b = label_value(labels[i], name), label_value(labels[j], name)
            if a != b:
                return -sign if natural_less(a, b) else sign
        if labels[i] == labels[j]:
            return 0
        return -sign if labels[i] < labels[j] else sign

    order = sorted(range(len(labels)), key=cmp_to_key(compare))
    return take_rows(grid, np.asarray(order, np.int64))


# ---- absence


def matched_labels(node: Expr) -> Labels:
    """Return the labels that a selector pins to one value: those of what is absent."""
    while isinstance(node, Paren | StepInvariant):
        node = node.expr
    if isinstance(node, MatrixSelector):
        node = node.selector
    if not isinstance(node, VectorSelector):
        return ()
    matchers: Sequence[Matcher] = node.matchers
    pinned: dict[str, str] = {}
    seen: set[str] = set()
    for matcher in matchers:
        if matcher.name == METRIC_NAME:
            continue
        if matcher.op is MatchOp.EQUAL and matcher.name not in seen:
            pinned[matcher.name] = matcher.value
            seen.add(matcher.name)
        else:
            pinned.pop(matcher.name, None)
    return labels_of(pinned)


def absence(node: Expr, missing: Bools) -> Grid:
    """Return the one series of `absent` and `absent_over_time`: 1 at the steps where nothing is there."""
    if not missing.any():
        return empty_grid(missing.size)
    return Grid([matched_labels(node)], np.ones((1, missing.size)), missing.reshape(1, -1))


def _absent(context: Context, args: Sequence[Value]) -> Value:
    grid = grid_of(args[0])
    return absence(context.node.args[0], ~any_series(grid.present))


FUNCTIONS: Final[dict[str, Implementation]] = {
    "absent": _absent,
    "label_join": _label_join,
    "label_replace": _label_replace,
    "sort": _sort,
    "sort_by_label": _sort_by_label,
    "sort_by_label_desc": _sort_by_label,
    "sort_desc": _sort,
}
