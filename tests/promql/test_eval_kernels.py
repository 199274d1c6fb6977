"""Kernels that slide agree with what a plain look at each window gives."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pharos.promql.kernels import window as ops
from pharos.promql.kernels.instants import select_last, select_smoothed
from pharos.promql.kernels.quantiles import fresh_quantile, quantile_group, sliding_quantile
from pharos.promql.kernels.rank import keep_extremes
from pharos.promql.kernels.rate import extended_window, rate_window
from pharos.promql.kernels.samples import Floats, Ints, kahan_step
from pharos.promql.kernels.window import extreme_window, mark_changes, over_window, transitions
from pharos.promql.source import STALE_NAN_BITS

STALE = float(np.array([STALE_NAN_BITS], np.int64).view(np.float64)[0])
NUMBERS = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, -1.0, math.nan, math.inf, -math.inf, 1e300, 5e-324]),
    st.floats(-1e6, 1e6),
)
SERIES = st.lists(
    st.lists(st.tuples(st.integers(1, 40), NUMBERS), max_size=30).map(
        lambda pairs: (np.cumsum([gap for gap, _ in pairs]), [value for _, value in pairs])
    ),
    min_size=1,
    max_size=4,
)
GRIDS = st.tuples(st.integers(-20, 60), st.integers(0, 50), st.integers(1, 25), st.integers(1, 120))


def block(series: list[tuple[Ints, list[float]]]) -> tuple[Ints, Ints, Floats]:
    offsets = np.concatenate([[0], np.cumsum([len(values) for _, values in series])]).astype(np.int64)
    ts = np.asarray([int(t) for times, _ in series for t in times], np.int64)
    return offsets, ts, np.asarray([v for _, values in series for v in values], np.float64)


def same(a: float, b: float) -> bool:
    return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))


def check(
    series: list[tuple[Ints, list[float]]],
    grid: tuple[int, int, int, int],
    run: Callable[..., object],
    plain: Callable[[list[int], list[float]], float | None],
) -> None:
    first, step, steps, width = grid
    offsets, ts, values = block(series)
    out = np.zeros((len(series), steps))
    present = np.zeros((len(series), steps), np.bool_)
    run(offsets, ts, values, first, step, steps, width, out, present)
    for i, (times, numbers) in enumerate(series):
        for k in range(steps):
            end = first + k * step
            window = [(int(t), v) for t, v in zip(times, numbers, strict=True) if end - width < t <= end]
            expected = plain([t for t, _ in window], [v for _, v in window]) if window else None
            assert present[i, k] == (expected is not None)
            if expected is not None:
                assert same(out[i, k], expected), (i, k, out[i, k], expected)


def plain_sum(_: list[int], values: list[float]) -> float:
    total = comp = 0.0
    for value in values:
        total, comp = kahan_step(value, total, comp)
    return total if math.isinf(total) else total + comp


def plain_max(_: list[int], values: list[float]) -> float:
    best = values[0]
    for value in values:
        if value > best or math.isnan(best):
            best = value
    return best


def plain_deviation(values: list[float]) -> float:
    if any(map(math.isnan, values)):
        return math.nan
    median = plain_quantile(values, 0.5)
    return plain_quantile([abs(value - median) for value in values], 0.5)


def plain_quantile(values: list[float], quantile: float) -> float:
    if not 0 <= quantile <= 1:
        return math.nan if math.isnan(quantile) else math.copysign(math.inf, quantile)
    ordered = sorted(values, key=lambda value: (not math.isnan(value), 0.0 if math.isnan(value) else value))
    rank = quantile * (len(values) - 1)
    low = math.floor(rank)
    high = min(len(values) - 1, low + 1)
    return ordered[low] * (1 - (rank - low)) + ordered[high] * (rank - low)


def plain_changes(_: list[int], values: list[float]) -> float:
    pairs = itertools.pairwise(values)
    return float(sum(a != b and not (math.isnan(a) and math.isnan(b)) for a, b in pairs))


@settings(max_examples=150)
@given(SERIES, GRIDS)
def test_sum_of_a_window_is_the_compensated_sum_of_its_samples(
    series: list[tuple[Ints, list[float]]], grid: tuple[int, int, int, int]
) -> None:
    def run(offsets: Ints, ts: Ints, values: Floats, first: int, step: int, steps: int, width: int,
            out: Floats, present: np.ndarray) -> None:  # fmt: skip
        zeros = np.zeros(steps)
        over_window(
            ops.SUM, offsets, ts, values, first, step, steps, width, first, step, zeros, zeros, out, present
        )

    check(series, grid, run, plain_sum)


@settings(max_examples=150)
@given(SERIES, GRIDS)
def test_a_maximum_that_leaves_the_window_is_looked_for_anew(
    series: list[tuple[Ints, list[float]]], grid: tuple[int, int, int, int]
) -> None:
    def run(offsets: Ints, ts: Ints, values: Floats, first: int, step: int, steps: int, width: int,
            out: Floats, present: np.ndarray) -> None:  # fmt: skip
        extreme_window(1.0, False, offsets, ts, values, first, step, steps, width, out, present)

    check(series, grid, run, plain_max)


@pytest.mark.parametrize("fill", [sliding_quantile, fresh_quantile])
@pytest.mark.parametrize("deviation", [False, True])
@settings(max_examples=100)
@given(SERIES, GRIDS, st.sampled_from([-0.5, 0.0, 0.3, 0.5, 0.99, 1.0, 1.5, math.nan]))
def test_the_quantile_of_a_window_is_that_of_its_ordered_samples(
    fill: Callable[..., None],
    deviation: bool,
    series: list[tuple[Ints, list[float]]],
    grid: tuple[int, int, int, int],
    quantile: float,
) -> None:
    def run(offsets: Ints, ts: Ints, values: Floats, first: int, step: int, steps: int, width: int,
            out: Floats, present: np.ndarray) -> None:  # fmt: skip
        wanted = np.full(steps, quantile)
        fill(offsets, ts, values, first, step, steps, width, deviation, wanted, out, present)

    def expected(_: list[int], values: list[float]) -> float:
        return plain_deviation(values) if deviation else plain_quantile(values, quantile)

    plain = [
        (times, [0.0 if value == 0 else value for value in values]) for times, values in series
    ]  # zeros of either sign are equal in any order
    check(plain, grid, run, expected)


@pytest.mark.parametrize("fill", [sliding_quantile, fresh_quantile])
@pytest.mark.parametrize("width", [15, 16, 17, 63, 64, 65, 200])
def test_the_quantile_of_a_window_is_right_for_windows_of_any_length(
    fill: Callable[..., None], width: int
) -> None:
    values = np.random.default_rng(width).integers(-30, 30, 600).astype(np.float64)
    series = [(np.arange(1, 601), values.tolist())]
    for quantile in (0.0, 0.5, 0.9, 1.0):

        def run(offsets: Ints, ts: Ints, values: Floats, first: int, step: int, steps: int, width: int,
                out: Floats, present: np.ndarray, q: float = quantile) -> None:  # fmt: skip
            fill(offsets, ts, values, first, step, steps, width, False, np.full(steps, q), out, present)

        def plain(_: object, found: list[float], q: float = quantile) -> float:
            return plain_quantile(found, q)

        check(series, (width, 7, 80, width), run, plain)


@settings(max_examples=150)
@given(SERIES, GRIDS)
def test_changes_are_counted_between_the_samples_of_a_window(
    series: list[tuple[Ints, list[float]]], grid: tuple[int, int, int, int]
) -> None:
    def run(offsets: Ints, ts: Ints, values: Floats, first: int, step: int, steps: int, width: int,
            out: Floats, present: np.ndarray) -> None:  # fmt: skip
        marks = np.zeros(values.size, np.bool_)
        mark_changes(values, marks)
        transitions(offsets, ts, marks, first, step, steps, width, -1, out, present)

    check(series, grid, run, plain_changes)


@settings(max_examples=150)
@given(SERIES, GRIDS)
def test_an_instant_is_answered_by_the_newest_sample_of_the_lookback(
    series: list[tuple[Ints, list[float]]], grid: tuple[int, int, int, int]
) -> None:
    check(series, grid, select_last, lambda _, values: values[-1])


def test_a_stale_marker_leaves_a_gap() -> None:
    offsets, ts, values = block([(np.asarray([10, 20, 30]), [1.0, STALE, 3.0])])
    out, present = np.zeros((1, 4)), np.zeros((1, 4), np.bool_)
    select_last(offsets, ts, values, 10, 10, 4, 15, out, present)
    assert present.tolist() == [[True, False, True, True]]
    assert out[0, [0, 2, 3]].tolist() == [1.0, 3.0, 3.0]


def test_an_ordinary_nan_is_a_value() -> None:
    offsets, ts, values = block([(np.asarray([10]), [math.nan])])
    out, present = np.zeros((1, 1)), np.zeros((1, 1), np.bool_)
    select_last(offsets, ts, values, 10, 0, 1, 15, out, present)
    assert present[0, 0]
    assert math.isnan(out[0, 0])


@pytest.mark.parametrize(
    ("times", "values", "expected"),
    [
        # From 30 s to 35: 5 to the end, none to the start, as a counter was never below zero.
        ([10, 20, 30, 40], [0.0, 10.0, 20.0, 30.0], 30.0 * (35.0 / 30.0)),
        # 10 up to 20 and, after a reset, 15 up; from 30 s to 40, 5 at both ends: zero is 12 s before.
        ([10, 20, 30, 40], [10.0, 20.0, 5.0, 15.0], 25.0 * (40.0 / 30.0)),
        # 15 s are free at both ends, more than 1.1 of the 10 between samples: half of these, from 10 s to 20.
        ([20, 30], [10.0, 20.0], 10.0 * (20.0 / 10.0)),
        # 10.5 s are free at the start, within 1.1 of the 10 between samples: from 20 s to the whole 40.
        ([15.5, 25.5, 35.5], [90.0, 95.0, 100.0], 10.0 * (40.0 / 20.0)),
    ],
)
def test_an_increase_is_stretched_to_the_ends_of_its_window(
    times: list[float], values: list[float], expected: float
) -> None:
    """Of 40 s that end at 45; the rules and the order of the operations are those of `extrapolatedRate`."""
    offsets, ts, numbers = block([(np.asarray(times) * 1000, values)])
    out, present = np.zeros((1, 1)), np.zeros((1, 1), np.bool_)
    rate_window(offsets, ts, numbers, 45_000, 0, 1, 40_000, True, False, out, present)
    assert present[0, 0]
    assert out[0, 0] == expected


def test_an_anchored_increase_takes_the_sample_before_the_window() -> None:
    offsets, ts, values = block([(np.asarray([5, 15, 25]), [1.0, 4.0, 2.0])])
    out, present = np.zeros((1, 1)), np.zeros((1, 1), np.bool_)
    extended_window(offsets, ts, values, 30, 0, 1, 20, 100, False, True, False, out, present)
    assert (present[0, 0], out[0, 0]) == (True, 5.0)


def test_a_smoothed_value_stands_on_the_line_between_its_neighbours() -> None:
    offsets, ts, values = block([(np.asarray([10, 20]), [1.0, 3.0])])
    out, present = np.zeros((1, 3)), np.zeros((1, 3), np.bool_)
    select_smoothed(offsets, ts, values, 5, 10, 3, 100, out, present)
    assert present.tolist() == [[False, True, True]]
    assert out[0, 1:].tolist() == [2.0, 3.0]


def test_of_equal_samples_the_heap_keeps_those_upstream_keeps() -> None:
    """The heap of 1, 1 gives way at its top, the first one, when 2 comes."""
    values = np.asarray([[1.0], [1.0], [2.0]])
    kept = np.zeros((3, 1), np.bool_)
    order = np.empty(3, np.int64)
    starts, members = np.asarray([0, 3], np.int64), np.arange(3, dtype=np.int64)
    count = keep_extremes(
        starts, members, values, np.ones((3, 1), np.bool_), np.asarray([2], np.int64), 1.0, kept, order
    )
    assert count == 2
    assert kept[:, 0].tolist() == [False, True, True]


@settings(max_examples=150)
@given(
    st.integers(1, 120),
    st.integers(1, 12),
    st.integers(1, 3),
    st.sampled_from([-0.5, 0.0, 0.01, 0.5, 0.9, 1.0, 1.5, math.nan]),
    st.integers(0, 2**32 - 1),
)
def test_a_quantile_over_series_is_the_one_of_the_ordered_values(
    series: int, steps: int, groups: int, quantile: float, seed: int
) -> None:
    chance = np.random.default_rng(seed)
    values = chance.integers(-20, 20, (series, steps)).astype(np.float64)
    values[chance.random(values.shape) < chance.choice([0.0, 0.1, 0.9])] = math.nan
    present = chance.random(values.shape) < 0.8
    numbers = chance.integers(0, groups, series)
    out, seen = np.zeros((groups, steps)), np.zeros((groups, steps), np.bool_)
    quantile_group(numbers, groups, values, present, np.full(steps, quantile), out, seen)
    for g, k in np.ndindex(groups, steps):
        chosen = values[(numbers == g) & present[:, k], k].tolist()
        assert seen[g, k] == bool(chosen)
        if chosen:
            assert same(float(out[g, k]), plain_quantile(chosen, quantile))
