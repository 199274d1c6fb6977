"""Durations as Prometheus writes them, and a clock that moves when told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pharos.clock import FakeClock, SystemClock, format_duration_ms, parse_duration_ms
from pharos.errors import Kind, PharosError


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("0", 0),
        ("0s", 0),
        ("1ms", 1),
        ("15s", 15_000),
        ("1h30m", 5_400_000),
        ("1d", 86_400_000),
        ("2w", 14 * 86_400_000),
        ("1y", 365 * 86_400_000),
        ("1y2w3d4h5m6s7ms", 365 * 86_400_000 + 17 * 86_400_000 + 14_706_007),
    ],
)
def test_a_duration_is_a_number_of_milliseconds(text: str, ms: int) -> None:
    assert parse_duration_ms(text) == ms


@pytest.mark.parametrize("text", ["", "5", "-1s", "1.5h", "1s1m", "1m1m", " 1s", "1s ", "1S", "1x", "٣s\n"])
def test_what_is_no_duration_is_refused_by_name(text: str) -> None:
    with pytest.raises(PharosError) as raised:
        parse_duration_ms(text)
    assert raised.value.kind is Kind.INVALID
    assert repr(text) in raised.value.message


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0s"),
        (1, "1ms"),
        (90_000, "1m30s"),
        (86_400_000, "1d"),
        (7 * 86_400_000, "1w"),
        (8 * 86_400_000, "8d"),
        (25 * 3_600_000, "25h"),
        (365 * 86_400_000, "1y"),
    ],
)
def test_a_duration_is_printed_as_prometheus_does(ms: int, text: str) -> None:
    assert format_duration_ms(ms) == text


@given(st.integers(0, 10**15))
def test_a_printed_duration_reads_back_the_same(ms: int) -> None:
    assert parse_duration_ms(format_duration_ms(ms)) == ms


def test_a_fake_clock_moves_only_when_told() -> None:
    clock = FakeClock(5_000)
    assert (clock.now_ms(), clock.now_ns(), clock.monotonic_s()) == (5_000, 5_000_000_000, 0.0)
    clock.advance_ms(1_500)
    assert (clock.now_ms(), clock.monotonic_s()) == (6_500, 1.5)


def test_the_systems_clock_agrees_with_itself() -> None:
    clock = SystemClock()
    before, ns, after = clock.now_ms(), clock.now_ns(), clock.now_ms()
    assert before <= ns // 1_000_000 <= after
    assert clock.monotonic_s() <= clock.monotonic_s()
