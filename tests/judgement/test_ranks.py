"""Ranks: exact where it can be counted by hand, and no false alarm where neighbours resemble one another."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from pharos.judgement.ranks import LEAST, compare_ranks
from pharos.judgement.regressions import (
    Better,
    Severity,
    severity_of,
    severity_of_delta,
    worse_percent,
)


def test_ties_count_half_and_the_shift_is_the_median_of_all_differences() -> None:
    first = np.array([1.0, 2, 2, 3, 4, 5, 5, 9])
    second = np.array([2.0, 3, 3, 5, 6, 7, 9, 12, 14])
    found = compare_ranks(first, second)
    assert found is not None
    pairs = list(product(second, first))
    above, equal = (sum(a > b for a, b in pairs), sum(a == b for a, b in pairs))
    assert found.delta == pytest.approx(2 * (above + equal / 2) / len(pairs) - 1)
    assert found.shift == float(np.median([a - b for a, b in pairs]))
    assert found.low <= found.shift <= found.high
    # z by hand, with ties 2, 2; 3, 3 + 3; 5, 5 + 5; 9 + 9 of 17 values.
    values = np.concatenate([first, second])
    ties = sum(count**3 - count for count in np.unique(values, return_counts=True)[1].tolist())
    spread = 72 / 12 * (18 - ties / (17 * 16)) * found.inflation
    assert found.z == pytest.approx((above + equal / 2 - 36 - 0.5) / math.sqrt(spread))


def test_few_values_are_not_judged() -> None:
    few = np.arange(LEAST - 1.0)
    assert compare_ranks(few, np.arange(100.0)) is None
    assert compare_ranks(np.arange(100.0), few) is None


def test_equal_values_do_not_differ() -> None:
    found = compare_ranks(np.ones(50), np.ones(60))
    assert found is not None
    assert (found.p_value, found.delta, found.shift, found.low, found.high) == (1, 0, 0, 0, 0)


def test_long_series_are_compared_without_all_pairs_of_them() -> None:
    chance = np.random.default_rng(1)
    found = compare_ranks(chance.normal(0, 1, 50_000), chance.normal(0.5, 1, 50_000))
    assert found is not None
    assert found.shift == pytest.approx(0.5, abs=0.1)
    assert found.low > 0.3


def test_the_interval_covers_the_shift_as_often_as_it_says() -> None:
    chance = np.random.default_rng(2)
    covered = 0
    for _ in range(200):
        found = compare_ranks(chance.exponential(1, 40), chance.exponential(1, 40) + 0.3)
        assert found is not None
        covered += found.low <= 0.3 <= found.high
    assert covered >= 184  # 190 expected


@pytest.mark.parametrize("memory", [0.0, 0.6, 0.9])
def test_series_with_a_memory_raise_few_false_alarms(memory: float) -> None:
    chance = np.random.default_rng(3)
    alarms = 0
    for _ in range(200):
        series = []
        for _ in range(2):
            noise, value, made = chance.normal(0, 1, 120), 0.0, []
            for one in noise.tolist():
                value = memory * value + one
                made.append(value)
            series.append(np.array(made))
        found = compare_ranks(series[0], series[1])
        assert found is not None
        alarms += found.p_value < 0.01
    # Without regard to the memory there were 30 and 90 of them.
    assert alarms <= 12


@pytest.mark.parametrize(
    ("change", "better", "severity"),
    [
        (9.9, Better.LOWER, Severity.NONE),
        (10, Better.LOWER, Severity.LOW),
        (25, Better.LOWER, Severity.MEDIUM),
        (30, Better.LOWER, Severity.HIGH),
        (50, Better.LOWER, Severity.CRITICAL),
        (50, Better.HIGHER, Severity.NONE),
        (-12, Better.HIGHER, Severity.LOW),
        (-60, Better.HIGHER, Severity.CRITICAL),
        (-60, Better.NEITHER, Severity.NONE),
    ],
)
def test_a_regression_begins_at_the_threshold(change: float, better: Better, severity: Severity) -> None:
    assert severity_of(worse_percent(change, better)) is severity


def test_severities_follow_their_threshold_and_without_percentages_the_effect() -> None:
    assert severity_of(15, threshold=5) is Severity.HIGH
    assert [severity_of_delta(one) for one in (0.1, 0.2, 0.4, 0.9)] == [
        Severity.NONE,
        Severity.LOW,
        Severity.MEDIUM,
        Severity.HIGH,
    ]
