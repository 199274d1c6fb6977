"""Logarithms and powers of the detector: how far they are from the exact ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pharos.compiled.kernel import kernel
from pharos.judgement.exponentials import exp_of, log1p_of, rough_log1p_of


@kernel
def compute(numbers: Any, logarithms: Any, rough: Any, powers: Any) -> None:
    """Compute all of them, in a loop as those of the detector are."""
    for place in range(len(numbers)):
        size = abs(numbers[place])
        logarithms[place], rough[place] = log1p_of(size), rough_log1p_of(np.float32(min(size, 1e37)))
        powers[place] = exp_of(numbers[place])


def check(numbers: list[float]) -> None:
    logarithms, rough, powers = np.empty((3, len(numbers)))
    compute(np.asarray(numbers), logarithms, rough, powers)
    for place, number in enumerate(numbers):
        assert math.isclose(logarithms[place], math.log1p(abs(number)), rel_tol=1e-15)
        assert math.isclose(rough[place], math.log1p(min(abs(number), 1e37)), rel_tol=3e-7, abs_tol=1e-7)
        assert math.isclose(powers[place], math.exp(max(min(number, 700.0), -700.0)), rel_tol=1e-15)


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=20))
def test_any_number_has_the_logarithm_and_the_power_of_the_library(numbers: list[float]) -> None:
    check(numbers)


def test_numbers_between_which_the_form_changes_are_exact_too() -> None:
    near = [math.sqrt(2.0) - 1.0, 1.0, 2.0**52, 2.0**53, 0.5 * math.log(2.0), 700.0, 1e-16, 1e-300, 0.0]
    check(
        [sign * math.nextafter(one, end) for one in near for end in (-math.inf, math.inf) for sign in (1, -1)]
    )
    check(np.random.default_rng(1).uniform(-710, 710, 20_000).tolist())
    check((10 ** np.random.default_rng(2).uniform(-300, 300, 20_000)).tolist())
