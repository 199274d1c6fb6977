"""Functions of range vectors over floats: each is a kernel over the windows of every series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from pharos.errors import Kind, PharosError
from pharos.gotext.numbers import format_fixed
from pharos.labels import METRIC_NAME
from pharos.promql import annotations as words
from pharos.promql.annotations import Annotations
from pharos.promql.grids.grid import DUPLICATE_SERIES, Grid, drop_absent, lose_names
from pharos.promql.grids.grid_labels import (
    all_without_name,
    fixed_labels,
    has_duplicates,
    label_value,
    metric_names,
    take_labels,
)
from pharos.promql.grids.room import Memory
from pharos.promql.grids.windows import Windows
from pharos.promql.kernels import window as ops
from pharos.promql.kernels.quantiles import quantile_window
from pharos.promql.kernels.rate import (
    extended_window,
    instant_window,
    is_start_reset,
    rate_window,
    rate_window_started,
)
from pharos.promql.kernels.samples import Bools, Floats, Ints
from pharos.promql.kernels.window import extreme_window, mark_changes, mark_drops, over_window, transitions
from pharos.promql.language.ast import Call, Place
from pharos.promql.language.functions import FUNCTIONS

_SIMPLE: Final = {
    "avg_over_time": ops.AVG,
    "count_over_time": ops.COUNT,
    "deriv": ops.DERIV,
    "double_exponential_smoothing": ops.SMOOTHING,
    "first_over_time": ops.FIRST,
    "last_over_time": ops.LAST,
    "predict_linear": ops.PREDICT,
    "present_over_time": ops.PRESENT,
    "stddev_over_time": ops.STDDEV,
    "stdvar_over_time": ops.STDVAR,
    "sum_over_time": ops.SUM,
    "ts_of_first_over_time": ops.TS_FIRST,
    "ts_of_last_over_time": ops.TS_LAST,
}
_COUNTER_SUFFIXES: Final = ("_total", "_sum", "_count", "_bucket")


class RangeCall(Struct, frozen=True):
    """A call of a range function: its node, scalar arguments by step, and where its words go."""

    node: Call
    scalars: Sequence[Floats]
    arg_place: Place
    delayed: bool
    use_types: bool
    notes: Annotations
    memory: Memory = field(default_factory=Memory)
    histogram_columns: bool = True
    """Whether rates of native histograms may be computed in columns."""


Kernel = Callable[[RangeCall, Windows, Floats, Bools], None]


def range_function(call: RangeCall, windows: Windows) -> Grid:
    """Return the function's value over the float windows of every series, metric names still in place."""
    samples = windows.samples
    shape = (len(samples.labels), windows.steps)
    out, present = np.zeros(shape), np.zeros(shape, np.bool_)
    if call.node.func == "double_exponential_smoothing":
        _check_factors(call.scalars[0], call.scalars[1], windows)
    run = KERNELS[call.node.func]
    for first, last in _runs(windows, call.memory.visits_between_checks):
        call.memory.check()
        part = _rows_of(windows, first, last)
        if last == first + 1 and run in _BY_WINDOW:
            _by_steps(run, call, part, out[first:last], present[first:last])
        else:
            run(call, part, out[first:last], present[first:last])
    return Grid(fixed_labels(samples.labels), out, present, None, samples.dropped)


def _visits(windows: Windows) -> Floats:
    """Return about how many samples a look at every window of a series takes, for each series."""
    offsets, ts = windows.samples.offsets, windows.samples.ts
    counts = np.diff(offsets)
    spans = np.ones(counts.size)
    some = counts > 0
    spans[some] += ts[offsets[1:][some] - 1] - ts[offsets[:-1][some]]
    found: Floats = counts * (1.0 + windows.steps * np.minimum(1.0, windows.range_ms / spans))
    return found


def _runs(windows: Windows, visits: int) -> list[tuple[int, int]]:
    """Return (first, after the last) of runs of series that a kernel looks at by so many visits."""
    series = len(windows.samples.labels)
    if windows.samples.ts.size * windows.steps <= visits:
        return [(0, series)]
    numbers = (np.cumsum(_visits(windows)) // visits).astype(np.int64)
    cuts = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), series]
    return list(pairwise(cuts))


def _rows_of(windows: Windows, first: int, last: int) -> Windows:
    """Return the windows of series first to last - 1, floats only."""
    s = windows.samples
    if first == 0 and last == len(s.labels):
        return windows
    offsets = s.offsets[first : last + 1]
    rows = slice(int(offsets[0]), int(offsets[-1]))
    samples = replace(
        s,
        labels=s.labels[first:last],
        offsets=offsets - offsets[0],
        ts=s.ts[rows],
        values=s.values[rows],
        started=None if s.started is None else s.started[rows],
        histograms=None,
        dropped=None,
    )
    return replace(windows, samples=samples)


def _by_steps(run: Kernel, call: RangeCall, w: Windows, out: Floats, present: Bools) -> None:
    """Run a kernel over one series, so many steps at a time that it can be ended between."""
    at_once = max(1, int(call.memory.visits_between_checks * w.steps / max(1.0, float(_visits(w)[0]))))
    for first in range(0, w.steps, at_once):
        call.memory.check()
        steps = slice(first, min(first + at_once, w.steps))
        count = steps.stop - first
        part = replace(
            w,
            first_ms=w.first_ms + first * w.stride_ms,
            eval_first_ms=w.eval_first_ms + first * w.eval_step_ms,
            steps=count,
        )
        asked = replace(call, scalars=[values[steps] for values in call.scalars])
        found, there = np.zeros((1, count)), np.zeros((1, count), np.bool_)
        run(asked, part, found, there)
        out[:, steps], present[:, steps] = found, there


def finish_names(call: RangeCall, grid: Grid) -> Grid:
    """Return the result without absent series and, unless the function keeps them, without names.

    Raises PharosError(INVALID) where two series are the same without them, at whichever steps: other than
    functions of instant vectors, those of ranges are not merged (promql/engine.go).
    """
    grid = drop_absent(grid)
    if call.node.func in {"rate", "increase"}:
        _warn_non_counter(call, grid)
    if FUNCTIONS[call.node.func].keeps_name:
        return grid
    if call.delayed:
        return lose_names(grid, delayed=True)
    labels, may_repeat = all_without_name(grid.labels)
    if may_repeat and has_duplicates(labels):
        raise PharosError(Kind.INVALID, DUPLICATE_SERIES)
    return replace(grid, labels=labels)


def _warn_non_counter(call: RangeCall, grid: Grid) -> None:
    labels = grid.labels
    if grid.held is not None:
        labels = take_labels(labels, np.flatnonzero(grid.floats().any(axis=1)))
    if call.use_types:
        for ls in labels:
            name, kind = label_value(ls, METRIC_NAME), label_value(ls, "__type__")
            if name and kind not in {"counter", "histogram"}:
                call.notes.info(words.possible_non_counter_type(name, kind), call.arg_place)
        return
    for name in sorted(metric_names(labels)):
        if name and not name.endswith(_COUNTER_SUFFIXES):
            call.notes.info(words.possible_non_counter(name), call.arg_place)


def _over_time(call: RangeCall, w: Windows, out: Floats, present: Bools) -> None:
    zeros = np.zeros(w.steps)
    first = call.scalars[0] if call.scalars else zeros
    second = call.scalars[1] if len(call.scalars) > 1 else zeros
    s = w.samples
    over_window(
        _SIMPLE[call.node.func], s.offsets, s.ts, s.values, w.first_ms, w.stride_ms, w.steps, w.range_ms,
        w.eval_first_ms, w.eval_step_ms, first, second, out, present,
    )  # fmt: skip


def _check_factors(smoothing: Floats, trend: Floats, w: Windows) -> None:
    """Refuse factors that are out of range at a step where a window holds anything."""
    bad = [(values <= 0) | (values >= 1) for values in (smoothing, trend)]
    if not (bad[0] | bad[1]).any():
        return
    for k in np.flatnonzero((bad[0] | bad[1]) & _populated(w)).tolist():
        what, values = ("smoothing", smoothing) if bad[0][k] else ("trend", trend)
        short = what[0] + "f"
        got = format_fixed(float(values[k]))
        raise PharosError(Kind.INVALID, f"invalid {what} factor. Expected: 0 < {short} < 1, got: {got}")


def _populated(w: Windows) -> Bools:
    """Return the steps at which the window of some series holds a float or a histogram."""
    ends = w.first_ms + w.stride_ms * np.arange(w.steps, dtype=np.int64)
    found = np.zeros(w.steps, np.bool_)
    columns = [(w.samples.offsets, w.samples.ts)]
    if w.samples.histograms is not None:
        columns.append((w.samples.histograms.offsets, w.samples.histograms.ts))
    for offsets, ts in columns:
        for low, high in pairwise(offsets.tolist()):
            row = ts[low:high]
            before = np.searchsorted(row, ends - w.range_ms, side="right")
            found |= np.searchsorted(row, ends, side="right") > before
    return found


def _rate(*, is_counter: bool, is_rate: bool) -> Kernel:
    def run(call: RangeCall, w: Windows, out: Floats, present: Bools) -> None:
        s = w.samples
        if w.anchored or w.smoothed:
            extended_window(
                s.offsets, s.ts, s.values, w.first_ms, w.stride_ms, w.steps, w.range_ms, w.reach_ms,
                w.smoothed, is_counter, is_rate, out, present,
            )  # fmt: skip
        elif is_counter and s.started is not None and s.started.any():
            overlaps = np.zeros(len(s.labels), np.int64)
            rate_window_started(
                s.offsets, s.ts, s.values, s.started, w.first_ms, w.stride_ms, w.steps, w.range_ms,
                is_rate, out, present, overlaps,
            )  # fmt: skip
            for row in np.flatnonzero(overlaps).tolist():
                metric = label_value(s.labels[row], METRIC_NAME)
                call.notes.start_overlap(metric, call.arg_place, int(overlaps[row]))
        else:
            rate_window(
                s.offsets, s.ts, s.values, w.first_ms, w.stride_ms, w.steps, w.range_ms,
                is_counter, is_rate, out, present,
            )  # fmt: skip

    return run


def _instant(*, is_rate: bool) -> Kernel:
    def run(call: RangeCall, w: Windows, out: Floats, present: Bools) -> None:
        del call
        s = w.samples
        started = s.started if s.started is not None and is_rate else np.zeros(0, np.int64)
        instant_window(
            s.offsets, s.ts, s.values, started, w.first_ms, w.stride_ms, w.steps, w.range_ms, is_rate,
            out, present,
        )  # fmt: skip

    return run


def _extreme(sign: float, *, timed: bool) -> Kernel:
    def run(call: RangeCall, w: Windows, out: Floats, present: Bools) -> None:
        del call
        s = w.samples
        extreme_window(
            sign, timed, s.offsets, s.ts, s.values, w.first_ms, w.stride_ms, w.steps, w.range_ms, out, present
        )

    return run


def _count_marks(w: Windows, marks: Bools, out: Floats, present: Bools) -> None:
    s = w.samples
    reach = w.reach_ms if w.anchored else -1
    transitions(s.offsets, s.ts, marks, w.first_ms, w.stride_ms, w.steps, w.range_ms, reach, out, present)


def _changes(call: RangeCall, w: Windows, out: Floats, present: Bools) -> None:
    del call
    marks = np.zeros(w.samples.values.size, np.bool_)
    mark_changes(w.samples.values, marks)
    _count_marks(w, marks, out, present)


def start_resets(started: Ints, ts: Ints) -> Bools:
    """Return which samples' start timestamps tell of a reset since the sample before."""
    marks = np.zeros(ts.size, np.bool_)
    for j in np.flatnonzero(started[1:]).tolist():
        marks[j + 1] = is_start_reset(started[j], ts[j], started[j + 1], ts[j + 1])
    return marks


def _resets(call: RangeCall, w: Windows, out: Floats, present: Bools) -> None:
    del call
    s = w.samples
    marks = np.zeros(s.values.size, np.bool_)
    mark_drops(s.values, marks)
    if s.started is not None and s.started.any():
        marks |= start_resets(s.started, s.ts)
    _count_marks(w, marks, out, present)


def _quantile(call: RangeCall, w: Windows, out: Floats, present: Bools) -> None:
    s = w.samples
    deviation = call.node.func == "mad_over_time"
    quantiles = np.zeros(w.steps) if deviation else call.scalars[0]
    quantile_window(
        s.offsets, s.ts, s.values, w.first_ms, w.stride_ms, w.steps, w.range_ms, deviation, quantiles,
        out, present,
    )  # fmt: skip
    if not deviation:
        bad = np.isnan(quantiles) | (quantiles < 0) | (quantiles > 1)
        for k in np.flatnonzero(bad & present.any(axis=0)).tolist():
            call.notes.warn(words.invalid_quantile(float(quantiles[k])), call.node.args[0].place)


_BY_WINDOW: Final = frozenset({_over_time, _quantile})
"""Kernels that may look at all samples of a window at every step."""
KERNELS: Final[dict[str, Kernel]] = {
    **dict.fromkeys(_SIMPLE, _over_time),
    "changes": _changes,
    "delta": _rate(is_counter=False, is_rate=False),
    "idelta": _instant(is_rate=False),
    "increase": _rate(is_counter=True, is_rate=False),
    "irate": _instant(is_rate=True),
    "mad_over_time": _quantile,
    "max_over_time": _extreme(1.0, timed=False),
    "min_over_time": _extreme(-1.0, timed=False),
    "quantile_over_time": _quantile,
    "rate": _rate(is_counter=True, is_rate=True),
    "resets": _resets,
    "ts_of_max_over_time": _extreme(1.0, timed=True),
    "ts_of_min_over_time": _extreme(-1.0, timed=True),
}
