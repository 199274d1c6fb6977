"""A clock that moves when told."""

from __future__ import annotations

from pharos.clock import FakeClock, SystemClock


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
