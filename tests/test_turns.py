"""Threads that give turns."""

from __future__ import annotations

import threading
from concurrent.futures import wait
from functools import partial

import pytest

from pharos.turns import TurnPool


def test_nobodys_flood_is_in_front_of_another() -> None:
    pool, order = TurnPool(1, "turns"), list[str]()
    begun, go = threading.Event(), threading.Event()

    def first() -> None:
        begun.set()
        go.wait(30)

    done = [pool.submit("loud", first)]
    begun.wait(30)
    done += [pool.submit("loud", lambda: order.append("loud")) for _ in range(50)]
    done += [pool.submit(name, partial(order.append, name)) for name in ("quiet", "other", "quiet")]
    go.set()
    wait(done, 30)
    pool.close()
    assert order[:6] == ["loud", "quiet", "other", "loud", "quiet", "loud"]
    assert len(order) == 53


def test_what_fails_is_heard_of_by_whose_it_is() -> None:
    pool = TurnPool(2, "turns")
    failing, fine = pool.submit("a", lambda: 1 / 0), pool.submit("a", lambda: 1)
    with pytest.raises(ZeroDivisionError):
        failing.result(30)
    assert fine.result(30) == 1
    pool.close()


def test_closing_does_what_waits_and_takes_nothing_more() -> None:
    pool = TurnPool(1, "turns")
    waiting = [pool.submit(i % 3, partial(int, i)) for i in range(20)]
    pool.close()
    assert [one.result(0) for one in waiting] == list(range(20))
    with pytest.raises(RuntimeError):
        pool.submit("a", lambda: 1)


def test_what_nobody_waits_for_any_more_is_not_done() -> None:
    pool, go = TurnPool(1, "turns"), threading.Event()
    held = pool.submit("a", lambda: go.wait(30))
    left = pool.submit("a", lambda: 1)
    assert left.cancel()
    go.set()
    assert held.result(30)
    assert pool.submit("a", lambda: 2).result(30) == 2
    pool.close()
