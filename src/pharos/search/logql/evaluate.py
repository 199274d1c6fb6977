"""Queries answered: lines of a selector, or series of a metric."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from msgspec import Struct

from pharos.errors import Kind, PharosError
from pharos.search.logql import vectors
from pharos.search.logql.ast import (
    Binary,
    ConstantVector,
    Grouping,
    LabelReplace,
    Literal,
    Logs,
    Metric,
    RangeAggregation,
    VectorAggregation,
)
from pharos.search.logql.grid import Column, Grid, Steps, constant
from pharos.search.logql.line import Line
from pharos.search.logql.lower import lower, select_streams
from pharos.search.logql.ranges import CHECKED_EVERY, COUNTED, Limits, Ranges, window_of
from pharos.search.logql.source import Source
from pharos.search.logql.stages import compile_stages, run
from pharos.search.window import Window, united

_PAGE: Final = 1_000
_MAX_PAGE: Final = 10_000
_ADDITIVE: Final = COUNTED | {"sum_over_time"}


class Asked(Struct, frozen=True):
    """How lines are asked for."""

    window: Window
    limit: int
    newest_first: bool = True
    interval_ns: int = 0
    """The least time between two lines of the answer."""


def select_lines(
    source: Source, query: Logs, asked: Asked, check: Callable[[], None] = lambda: None
) -> list[Line]:
    """Return the lines of a query, in the order that was asked for, at most `limit`.

    `check` is called now and then and raises to give up.
    """
    streams = select_streams(source.streams(asked.window), query.matchers)
    if not streams or asked.limit <= 0:
        return []
    lowered = lower(streams, query.stages, source.metadata_fields)
    steps = compile_stages(lowered.rest)
    page = asked.limit if not steps and not asked.interval_ns else max(asked.limit, _PAGE)
    found: list[Line] = []
    last_ns: int | None = None
    for entries in source.entries(
        asked.window, lowered.tree, newest_first=asked.newest_first, page=min(page, _MAX_PAGE)
    ):
        for place, entry in enumerate(entries):
            if place % CHECKED_EVERY == 0:
                check()
            if last_ns is not None and abs(entry.ts_ns - last_ns) < asked.interval_ns:
                continue
            line = Line(entry)
            if not run(steps, line):
                continue
            last_ns = entry.ts_ns
            found.append(line)
            if len(found) >= asked.limit:
                return found
    return found


def evaluate_metric(
    source: Source,
    query: Metric,
    steps: Steps,
    limits: Limits | None = None,
    check: Callable[[], None] = lambda: None,
) -> Grid | float:
    """Return the series of a metric on the steps; a number for what is one.

    Raises PharosError: INVALID for lines that failed on the way and for ambiguous matches, LIMITED.
    """
    found = _Evaluation(source, steps, limits or Limits(), check).evaluate(query)
    return found if isinstance(found, float) else found.without_empty()


def time_of(query: Metric, steps: Steps) -> Window:
    """Return of which time a metric takes lines; of a number, none."""
    match query:
        case RangeAggregation():
            return window_of(query, steps)
        case VectorAggregation() | LabelReplace():
            return time_of(query.inner, steps)
        case Binary():
            return united(time_of(side, steps) for side in (query.left, query.right))
        case _:
            return united(())


class _Evaluation:
    def __init__(self, source: Source, steps: Steps, limits: Limits, check: Callable[[], None]) -> None:
        if steps.count > limits.max_steps:
            raise PharosError(
                Kind.INVALID,
                f"exceeded maximum resolution of {limits.max_steps:,} points per time series",
                hint="increase the step or ask for less time",
            )
        self._steps = steps
        self._ranges = Ranges(source, steps, limits, check)

    def evaluate(self, query: Metric) -> Grid | float:
        """Return the series of an expression; a number for a literal."""
        if isinstance(query, Literal):
            return query.value
        if isinstance(query, ConstantVector):
            return Grid({(): constant(query.value, self._steps.count)})
        if isinstance(query, RangeAggregation):
            return self._ranges.evaluate(query)
        if isinstance(query, VectorAggregation):
            return self._aggregate(query)
        if isinstance(query, LabelReplace):
            return vectors.replace_label(query, self._grid(query.inner))
        return self._binary(query)

    def _grid(self, query: Metric) -> Grid:
        found = self.evaluate(query)
        if isinstance(found, float):
            return Grid({(): constant(found, self._steps.count)})
        return found

    def _aggregate(self, query: VectorAggregation) -> Grid:
        inner = query.inner
        if query.name == "sum" and isinstance(inner, RangeAggregation) and inner.name in _ADDITIVE:
            # Sums of sums are the sum of all: the lines are put together at once.
            return vectors.aggregate(query, self._ranges.evaluate(inner, query.grouping or _ALL))
        return vectors.aggregate(query, self._grid(inner))

    def _binary(self, query: Binary) -> Grid | float:
        left, right = self.evaluate(query.left), self.evaluate(query.right)
        if isinstance(left, float) and isinstance(right, float):
            return vectors.calculate(query.op, left, right)
        count = self._steps.count
        if isinstance(left, float):
            assert isinstance(right, Grid)  # noqa: S101 - for mypy
            return vectors.with_number(query, right, constant(left, count), number_is_left=True)
        if isinstance(right, float):
            return vectors.with_number(query, left, constant(right, count), number_is_left=False)
        return vectors.combine(query, left, right)


_ALL: Final = Grouping(())


def points(column: Column, steps: Steps) -> list[tuple[int, float]]:
    """Return times in ns and values of a series, where it has one."""
    times = steps.times()
    places = np.flatnonzero(column.present)
    return list(zip(times[places].tolist(), column.values[places].tolist(), strict=True))
