"""Which of several processes has a group of rules."""

from __future__ import annotations

from pharos.clock import FakeClock
from pharos.state import PHAROS, State, rule_leases
from pharos.state.rule_leases import LEASE_MS, Place

_A, _B = ("t", "rules.yml;a"), ("t", "rules.yml;b")


def _share(state: State, name: str, *wanted: Place, may_take: bool = True) -> dict[Place, int]:
    return state.write_blocking(lambda unit: rule_leases.share(unit, name, wanted, may_take=may_take), PHAROS)


def test_who_comes_first_has_a_group_until_it_is_not_heard_of(state: State, clock: FakeClock) -> None:
    assert _share(state, "one", _A, _B) == {_A: 0, _B: 0}
    clock.advance_ms(LEASE_MS)
    assert _share(state, "other", _A, _B) == {}
    assert _share(state, "one", _A, _B) == {_A: 0, _B: 0}
    heard_ms = clock.now_ms()
    clock.advance_ms(LEASE_MS + 1)
    assert _share(state, "other", _A, _B, may_take=False) == {}
    assert _share(state, "other", _A, _B) == {_A: heard_ms, _B: heard_ms}
    assert _share(state, "one", _A, _B) == {}


def test_what_is_not_wanted_any_more_is_another_ones(state: State) -> None:
    _share(state, "one", _A, _B)
    assert _share(state, "one", _A) == {_A: 0}
    assert _share(state, "other", _A, _B) == {_B: 0}


def test_what_is_given_back_is_free_at_once(state: State, clock: FakeClock) -> None:
    _share(state, "one", _A)
    clock.advance_ms(10)
    state.write_blocking(lambda unit: rule_leases.release(unit, "one"), PHAROS)
    assert _share(state, "other", _A, may_take=False) == {_A: clock.now_ms()}
    assert state.write_blocking(lambda unit: rule_leases.is_holder(unit, "other", _A), PHAROS)
    assert not state.write_blocking(lambda unit: rule_leases.is_holder(unit, "one", _A), PHAROS)


def test_a_sign_of_life_from_far_ahead_holds_nothing(state: State, clock: FakeClock) -> None:
    clock.advance_ms(3_600_000)
    _share(state, "one", _A)
    clock.advance_ms(-3_600_000)
    assert list(_share(state, "other", _A)) == [_A]
