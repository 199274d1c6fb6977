"""Range functions over windows that hold native histograms; the kernels answer for those of floats alone."""

from __future__ import annotations

import heapq
import math
from bisect import bisect_right
from collections.abc import Callable
from functools import lru_cache, partial
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np
from msgspec import Struct

from pharos.labels import METRIC_NAME
from pharos.promql import annotations as words
from pharos.promql.calls.histogram_increases import increases
from pharos.promql.calls.ranges import RangeCall
from pharos.promql.grids.grid import Grid
from pharos.promql.grids.grid_labels import label_value
from pharos.promql.grids.windows import Windows
from pharos.promql.histograms.cells import empty_cells
from pharos.promql.histograms.rate import (
    Points,
    Speaker,
    extended_rate,
    extrapolated_rate,
    instant_rate,
)
from pharos.promql.histograms.value import FloatHistogram, IncompatibleSchemaError
from pharos.promql.kernels.rate import is_start_reset
from pharos.promql.language.functions import FUNCTIONS
from pharos.promql.operators.aggregate_histograms import started

Outcome: TypeAlias = "float | FloatHistogram | None"


class _Keep:
    """Stands for: the kernel's answer over the floats holds."""


KEEP: Final = _Keep()


class Row(Struct, frozen=True):
    """All samples of one series as lists: floats and histograms apart."""

    float_ts: list[int]
    floats: list[float]
    float_started: list[int]
    ts: list[int]
    cells: list[FloatHistogram]
    started: list[int]


class Window(Struct, frozen=True):
    """One series in one window: floats `f0 <= j < f1` and histograms `h0 <= j < h1`."""

    row: Row
    f0: int
    f1: int
    h0: int
    h1: int
    start_ms: int
    end_ms: int

    def points(self) -> Points:
        """Return the histograms of the window."""
        row = self.row
        return Points(row.ts[self.h0 : self.h1], row.cells[self.h0 : self.h1], row.started[self.h0 : self.h1])


Rule = Callable[[RangeCall, Windows, Window, Speaker], "Outcome | _Keep"]


def correct_histograms(call: RangeCall, windows: Windows, grid: Grid) -> Grid:
    """Return `grid`, the kernels' answer over floats, corrected in every window that holds a histogram."""
    samples = windows.samples
    if samples.histograms is None:
        return grid
    if call.histogram_columns and call.node.func in {"increase", "rate"}:
        # Windows come series by series: what is read of one serves all of its windows.
        found = increases(
            call, windows, partial(_one_window, call, windows, lru_cache(1)(partial(_row, windows)))
        )
        if found is not None:
            return found
    rule = RULES.get(call.node.func, _ignore)
    cells = empty_cells(grid.present.shape)
    for at in np.flatnonzero(np.diff(samples.histograms.offsets)).tolist():
        row = _row(windows, at)
        say = Speaker(label_value(samples.labels[at], METRIC_NAME), call.arg_place, call.notes)
        for k in range(windows.steps):
            window = _window(windows, row, k)
            if window.h0 == window.h1:
                continue
            call.memory.check()
            outcome = rule(call, windows, window, say)
            if isinstance(outcome, _Keep):
                continue
            grid.present[at, k] = outcome is not None
            if isinstance(outcome, FloatHistogram):
                cells[at, k] = outcome
            elif outcome is not None:
                grid.values[at, k] = outcome
    grid.held = cells
    return grid


def _one_window(
    call: RangeCall, windows: Windows, row_of: Callable[[int], Row], at: int, k: int
) -> FloatHistogram | None:
    """Return the increase or rate of one series in one window."""
    row = row_of(at)
    say = Speaker(label_value(windows.samples.labels[at], METRIC_NAME), call.arg_place, call.notes)
    outcome = RULES[call.node.func](call, windows, _window(windows, row, k), say)
    return outcome if isinstance(outcome, FloatHistogram) else None


def _row(windows: Windows, at: int) -> Row:
    samples, histograms = windows.samples, windows.samples.histograms
    assert histograms is not None  # noqa: S101 - only called with histograms
    low, high = samples.offsets[at], samples.offsets[at + 1]
    first, last = histograms.offsets[at], histograms.offsets[at + 1]
    return Row(
        samples.ts[low:high].tolist(),
        samples.values[low:high].tolist(),
        [] if samples.started is None else samples.started[low:high].tolist(),
        histograms.ts[first:last].tolist(),
        histograms.cells[first:last].tolist(),
        [] if histograms.started is None else histograms.started[first:last].tolist(),
    )


def _window(windows: Windows, row: Row, k: int) -> Window:
    end = windows.first_ms + k * windows.stride_ms
    start = end - windows.range_ms
    low, high = start, end
    if windows.anchored or windows.smoothed:
        low -= windows.reach_ms
    if windows.smoothed:
        high += windows.reach_ms
    return Window(
        row,
        bisect_right(row.float_ts, low),
        bisect_right(row.float_ts, high),
        bisect_right(row.ts, low),
        bisect_right(row.ts, high),
        start,
        end,
    )


def _ignore(call: RangeCall, windows: Windows, window: Window, say: Speaker) -> Outcome | _Keep:
    del windows
    if FUNCTIONS[call.node.func].floats_only and window.f1 > window.f0:
        # Upstream points at the first argument, which of quantile_over_time is not the range.
        call.notes.info(words.ignored_in_range(say.metric), call.node.args[0].place)
    return KEEP


def _mixed(window: Window, say: Speaker) -> bool:
    if window.f1 == window.f0:
        return False
    say.notes.warn(words.mixed_floats_histograms(say.metric), say.place)
    return True


def _rate(*, is_counter: bool, is_rate: bool) -> Rule:
    def rule(call: RangeCall, windows: Windows, window: Window, say: Speaker) -> Outcome | _Keep:
        del call
        if _mixed(window, say):
            return None
        points = window.points()
        if windows.anchored or windows.smoothed:
            return extended_rate(
                points, window.start_ms, window.end_ms, say,
                smoothed=windows.smoothed, is_counter=is_counter, is_rate=is_rate,
            )  # fmt: skip
        return extrapolated_rate(
            points, window.start_ms, window.end_ms, say, is_counter=is_counter, is_rate=is_rate
        )

    return rule


def _instant(*, is_rate: bool) -> Rule:
    def rule(call: RangeCall, windows: Windows, window: Window, say: Speaker) -> Outcome | _Keep:
        del call, windows
        row = window.row
        if window.f1 - window.f0 + window.h1 - window.h0 < 2:
            return None
        times = row.float_ts[max(window.f0, window.f1 - 2) : window.f1]
        own = row.ts[max(window.h0, window.h1 - 2) : window.h1]
        latest = heapq.nlargest(2, [(ts, False) for ts in times] + [(ts, True) for ts in own])
        kinds = {kind for _, kind in latest}
        if kinds == {False}:
            return KEEP
        if len(kinds) == 2:
            say.notes.warn(words.mixed_floats_histograms(say.metric), say.place)
            return None
        at = window.h1 - 2
        points = Points(row.ts[at : at + 2], row.cells[at : at + 2], row.started[at : at + 2])
        return instant_rate(points, say, is_rate=is_rate)

    return rule


def _total(*, mean: bool) -> Rule:
    def rule(call: RangeCall, windows: Windows, window: Window, say: Speaker) -> Outcome | _Keep:
        del windows
        if _mixed(window, say):
            return None
        cells = window.row.cells[window.h0 : window.h1]
        total = started(cells[0])
        try:
            for number, cell in enumerate(cells[1:], start=2):
                if number % 128 == 0:
                    call.memory.check()
                if mean:
                    total.add_to_mean(cell, float(number))
                else:
                    total.add_to_sum(cell)
        except IncompatibleSchemaError:
            say.mixed_schemas()
            return None
        if total.reset_seen and total.no_reset_seen:
            say.notes.warn(words.reset_collision("aggregation"), say.place)
        if total.reconciled:
            say.reconciled("aggregation")
        return total.finished_mean() if mean else total.finished_sum()

    return rule


def _by_window(rule: Callable[[Window], Outcome | _Keep]) -> Rule:
    """Return a rule that looks at nothing but the window."""
    return lambda _call, _windows, window, _say: rule(window)


@_by_window
def _count(window: Window) -> Outcome | _Keep:
    return float(window.f1 - window.f0 + window.h1 - window.h0)


@_by_window
def _present(_window: Window) -> Outcome | _Keep:
    return 1.0


@_by_window
def _first(window: Window) -> Outcome | _Keep:
    row = window.row
    if window.f1 > window.f0 and row.float_ts[window.f0] < row.ts[window.h0]:
        return KEEP
    return row.cells[window.h0].copy()


@_by_window
def _last(window: Window) -> Outcome | _Keep:
    row = window.row
    if window.f1 > window.f0 and row.float_ts[window.f1 - 1] > row.ts[window.h1 - 1]:
        return KEEP
    return row.cells[window.h1 - 1].copy()


@_by_window
def _ts_first(window: Window) -> Outcome | _Keep:
    row = window.row
    own = row.ts[window.h0]
    return min(own, row.float_ts[window.f0]) / 1000 if window.f1 > window.f0 else own / 1000


@_by_window
def _ts_last(window: Window) -> Outcome | _Keep:
    row = window.row
    own = row.ts[window.h1 - 1]
    return max(own, row.float_ts[window.f1 - 1]) / 1000 if window.f1 > window.f0 else own / 1000


# ---- changes and resets, over floats and histograms in order


class _Sample(Struct, frozen=True):
    ts: int
    value: float | FloatHistogram
    started: int


def _in_order(windows: Windows, window: Window) -> list[_Sample]:
    """Return the samples of a window by time; an anchored one begins with the last at or before its start."""
    row = window.row
    floats = [
        _Sample(row.float_ts[j], row.floats[j], row.float_started[j] if row.float_started else 0)
        for j in range(window.f0, window.f1)
    ]
    own = [
        _Sample(row.ts[j], row.cells[j], row.started[j] if row.started else 0)
        for j in range(window.h0, window.h1)
    ]
    merged = sorted(floats + own, key=lambda sample: sample.ts)
    if not windows.anchored:
        return merged
    before = sum(sample.ts <= window.start_ms for sample in merged)
    if before == len(merged):
        return []
    return merged[max(0, before - 1) :]


def _transitions(differs: Callable[[_Sample, _Sample], bool]) -> Rule:
    def rule(call: RangeCall, windows: Windows, window: Window, say: Speaker) -> Outcome | _Keep:
        del call, say
        samples = _in_order(windows, window)
        if not samples:
            return None
        return float(sum(differs(a, b) for a, b in pairwise(samples)))

    return rule


def _is_reset(before: _Sample, after: _Sample) -> bool:
    a, b = before.value, after.value
    if isinstance(a, FloatHistogram) != isinstance(b, FloatHistogram):
        return True
    if is_start_reset(before.started, before.ts, after.started, after.ts):
        return True
    if isinstance(a, FloatHistogram) and isinstance(b, FloatHistogram):
        return b.detect_reset(a)
    return b < a  # type: ignore[operator]


def _is_change(before: _Sample, after: _Sample) -> bool:
    a, b = before.value, after.value
    if isinstance(a, FloatHistogram) and isinstance(b, FloatHistogram):
        return not b.equals(a)
    if isinstance(a, FloatHistogram) or isinstance(b, FloatHistogram):
        return True
    return a != b and not (math.isnan(a) and math.isnan(b))


RULES: Final[dict[str, Rule]] = {
    "avg_over_time": _total(mean=True),
    "changes": _transitions(_is_change),
    "count_over_time": _count,
    "delta": _rate(is_counter=False, is_rate=False),
    "first_over_time": _first,
    "idelta": _instant(is_rate=False),
    "increase": _rate(is_counter=True, is_rate=False),
    "irate": _instant(is_rate=True),
    "last_over_time": _last,
    "present_over_time": _present,
    "rate": _rate(is_counter=True, is_rate=True),
    "resets": _transitions(_is_reset),
    "sum_over_time": _total(mean=False),
    "ts_of_first_over_time": _ts_first,
    "ts_of_last_over_time": _ts_last,
}
