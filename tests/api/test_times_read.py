"""Times in addresses of logs and traces: their digits tell the unit."""

from __future__ import annotations

import pytest

from pharos.api.native.reading import time_ns, window_of
from pharos.api.prometheus.parameters import Parameters
from pharos.errors import Kind, PharosError

_NOW_NS = 1_764_500_000_000_000_000


@pytest.mark.parametrize(
    ("text", "expected_ns"),
    [
        ("", _NOW_NS),
        ("1764500000", 1_764_500_000_000_000_000),
        ("1764500000.25", 1_764_500_000_250_000_000),
        ("1764500000.1234567891", 1_764_500_000_123_456_789),
        ("1764500000250", 1_764_500_000_250_000_000),
        ("1764500000250000001", 1_764_500_000_250_000_001),
        ("2025-11-30T10:53:20.5Z", 1_764_500_000_500_000_000),
        ("0", 0),
        ("9999999999999999999", (1 << 63) - 1),
    ],
)
def test_the_digits_of_a_time_tell_its_unit(text: str, expected_ns: int) -> None:
    assert time_ns(Parameters((("start", text),)), "start", _NOW_NS) == expected_ns


@pytest.mark.parametrize("text", ["yesterday", "-1", "1e9", "12345678901234567890", "1764500000.", " 1"])
def test_what_is_no_time_is_named(text: str) -> None:
    with pytest.raises(PharosError, match=r"start: .* is no time") as caught:
        time_ns(Parameters((("start", text),)), "start", _NOW_NS)
    assert caught.value.kind is Kind.INVALID


def test_a_range_is_the_last_hour_and_does_not_end_before_it_begins() -> None:
    window = window_of(Parameters(()), _NOW_NS)
    assert (window.start_ns, window.end_ns) == (_NOW_NS - 3_600_000_000_000, _NOW_NS)
    with pytest.raises(PharosError, match="end must be after start"):
        window_of(Parameters((("start", "10"), ("end", "10"))), _NOW_NS)
