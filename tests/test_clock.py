"""A clock that moves when told."""

from __future__ import annotations

from pharos.clock import FakeClock, SteadyClock, SystemClock


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


def test_a_steady_clock_runs_on_when_the_wall_clock_is_set_back() -> None:
    wall = FakeClock(10_000_000)
    clock = SteadyClock(wall)
    wall.advance_ms(1_000)
    assert clock.now_ms() == 10_001_000
    wall.set_ms(10_001_000 - 3_600_000)
    assert clock.now_ms() == 10_001_000
    wall.advance_ms(5_000)
    assert clock.now_ms() == 10_006_000
    wall.set_ms(10_006_000)
    assert clock.now_ms() == 10_006_000


def test_a_steady_clock_goes_forward_with_the_wall_clock() -> None:
    wall = FakeClock(10_000_000)
    clock = SteadyClock(wall)
    wall.set_ms(20_000_000)
    assert clock.now_ms() == 20_000_000


def test_a_wall_clock_that_was_years_ahead_is_believed_when_it_is_set_right() -> None:
    wall = FakeClock(4_040_000_000_000)
    clock = SteadyClock(wall)
    wall.set_ms(1_700_000_000_000)
    assert clock.now_ms() == 1_700_000_000_000
    wall.advance_ms(1)
    assert clock.now_ms() == 1_700_000_000_001
