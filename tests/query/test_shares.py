"""What tenants keep in one piece of memory: a flood drives out its own."""

from __future__ import annotations

from pharos.clock import FakeClock
from pharos.query.shares import Shares


def test_a_flood_of_one_tenant_leaves_the_others_what_they_keep() -> None:
    dropped: list[tuple[str, int]] = []
    kept: Shares[int, str] = Shares(1_000, FakeClock(), lambda tenant, key: dropped.append((tenant, key)))
    for key in range(3):
        kept.put("quiet", key, "q", 50)
    for key in range(10_000):
        kept.put("loud", key, "l", 40)
        assert kept.nbytes <= 1_000
    assert [kept.get("quiet", key) for key in range(3)] == ["q", "q", "q"]
    assert {tenant for tenant, _ in dropped} == {"loud"}
    # 150 bytes are the other's.
    assert sum(kept.get("loud", key) is not None for key in range(10_000)) == 21
    assert kept.get("loud", 9_999) == "l"
    assert kept.get("loud", 0) is None


def test_who_does_not_ask_any_more_gives_up_first() -> None:
    clock = FakeClock()
    kept: Shares[int, str] = Shares(1_000, clock)
    kept.put("gone", 1, "g", 300)
    for key in range(20):
        kept.put("busy", key, "b", 40)
    assert kept.get("gone", 1) == "g"
    clock.advance_ms(1_000_000)
    for key in range(20):
        kept.put("busy", key, "b", 40)
    assert kept.get("gone", 1) is None
    assert all(kept.get("busy", key) for key in range(20))


def test_a_tenant_alone_has_all_and_loses_what_it_used_longest_ago() -> None:
    kept: Shares[str, int] = Shares(100, FakeClock())
    for key in "abcde":
        kept.put("one", key, 0, 20)
    assert kept.get("one", "a") == 0
    kept.put("one", "f", 0, 20)
    assert kept.get("one", "b") is None
    assert kept.get("one", "a") == 0
    kept.put("one", "f", 1, 60)
    assert kept.get("one", "f") == 1
    assert kept.nbytes <= 100


def test_of_a_forgotten_tenant_nothing_is_held() -> None:
    kept: Shares[str, int] = Shares(100, FakeClock())
    kept.put("one", "a", 1, 20)
    kept.put("two", "a", 2, 20)
    kept.forget("one")
    assert (kept.get("one", "a"), kept.nbytes, kept.get("two", "a")) == (None, 20, 2)
    assert kept.pop("two", "a") == 2
    assert kept.pop("two", "a") is None


def test_what_is_larger_than_all_room_is_not_kept() -> None:
    kept: Shares[str, int] = Shares(100, FakeClock())
    kept.put("one", "a", 1, 101)
    assert (kept.nbytes, kept.get("one", "a")) == (0, None)
