"""Doubles as the Prometheus API prints them, against an independent printer built on repr and Decimal."""

from __future__ import annotations

import itertools
import math
import struct

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.api.encode_reference import expected_text

from pharos.compiled.float_text import FLOAT_BYTES, SLACK, print_floats
from pharos.gotext.numbers import format_json


def printed(values: NDArray[np.float64]) -> list[str]:
    """Return what the kernel prints, one text a number."""
    out = np.empty(values.size * FLOAT_BYTES + SLACK, np.uint8)
    ends = np.empty(values.size, np.int64)
    print_floats(values, out, ends)
    text = out.tobytes().decode("latin-1")
    at = [0, *ends.tolist()]
    return [text[begin:end] for begin, end in itertools.pairwise(at)]


def assert_printed(values: NDArray[np.float64]) -> None:
    numbers = np.concatenate([values, -values])
    wrong = [
        (number, got, expected_text(number))
        for number, got in zip(numbers.tolist(), printed(numbers), strict=True)
        if got != expected_text(number)
    ]
    assert wrong == []


CASES = [
    (0.0, "0"),
    (-0.0, "-0"),
    (math.nan, "NaN"),
    (math.inf, "+Inf"),
    (-math.inf, "-Inf"),
    (1.0, "1"),
    (100.0, "100"),
    (0.1, "0.1"),
    (-1.5, "-1.5"),
    (1e-6, "0.000001"),
    (math.nextafter(1e-6, 0), "9.999999999999997e-07"),
    (1.25e-6, "0.00000125"),
    (1e20, "100000000000000000000"),
    (999999999999999868928.0, "999999999999999900000"),
    (1e21, "1e+21"),
    (1.5e300, "1.5e+300"),
    (5e-324, "5e-324"),
    (1.7976931348623157e308, "1.7976931348623157e+308"),
    (9007199254740993.0, "9007199254740992"),
    (2.0**-44, "5.684341886080802e-14"),
]


@pytest.mark.parametrize(("value", "text"), CASES)
def test_a_double_is_printed_as_upstream_prints_it(value: float, text: str) -> None:
    assert printed(np.array([value])) == [text]
    assert format_json(value) == text
    assert expected_text(value) == text


@given(st.integers(0, 2**64 - 1))
@example(0x7FF0000000000002)
@example(0xFFF8000000000001)
@settings(max_examples=1000)
def test_every_bit_pattern_reads_back_with_the_fewest_digits(bits: int) -> None:
    value = struct.unpack("<d", struct.pack("<Q", bits))[0]
    assert printed(np.array([value])) == [expected_text(value)]
    assert format_json(value) == expected_text(value)


@given(st.lists(st.floats(), max_size=40))
@settings(max_examples=500)
def test_doubles_that_people_write_are_printed(values: list[float]) -> None:
    assert_printed(np.array(values, np.float64))


def test_powers_of_two_and_their_neighbours_are_printed() -> None:
    powers = np.ldexp(1.0, np.arange(-1074, 1024))
    assert_printed(np.concatenate([powers, np.nextafter(powers, 0), np.nextafter(powers, math.inf)]))


def test_powers_of_ten_and_their_neighbours_are_printed() -> None:
    powers = np.array([float(f"{lead}e{i}") for i in range(-323, 308) for lead in (1, 2, 5, 9)])
    assert_printed(np.concatenate([powers, np.nextafter(powers, 0), np.nextafter(powers, math.inf)]))


def test_random_doubles_of_every_kind_are_printed() -> None:
    random = np.random.default_rng(20)
    kinds = [
        random.integers(0, 2**63, 20_000, dtype=np.uint64).view(np.float64),
        random.integers(0, 2**52, 10_000, dtype=np.uint64).view(np.float64),
        random.integers(0, 2**12, 4_000, dtype=np.uint64).view(np.float64),
        random.random(10_000),
        np.round(random.random(10_000) * 10_000, 2),
        random.integers(0, 2**63, 10_000).astype(np.float64),
        random.integers(0, 10**7, 5_000).astype(np.float64),
        np.ldexp(random.integers(2**52, 2**53, 5_000).astype(np.float64), random.integers(0, 20, 5_000)),
    ]
    assert_printed(np.concatenate(kinds))


def test_integers_around_the_exact_limit_are_printed() -> None:
    around = [float(2**power + offset) for power in range(50, 70) for offset in range(-8, 9)]
    digits = [float(10**count + offset) for count in range(18) for offset in (-1, 0, 1)]
    assert_printed(np.array(around + digits))
