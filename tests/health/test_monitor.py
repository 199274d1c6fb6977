"""The monitor: what it makes of looks, keeps over a restart, and does not lose while the state is away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.health.things import looks_of

from pharos.access import Scope
from pharos.alerting.maintenance import Windows, read_window
from pharos.clock import FakeClock
from pharos.errors import PharosError
from pharos.health.check import read_check
from pharos.health.heartbeat import Ping
from pharos.health.ledger import Ledger
from pharos.health.looking import Outcome
from pharos.health.monitor import Around, Monitor
from pharos.health.standing import State as Stands
from pharos.health.watched import Declaration, Wanted
from pharos.state import State, open_state
from pharos.state.health import all_states, days_since, list_changes

DAY = 1_700_000_000_000 // 86_400_000


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def state(tmp_path: Path, clock: FakeClock) -> Iterator[State]:
    with open_state(tmp_path / "state.db", clock, Random(1)) as opened:
        yield opened


class Writes:
    """Keeps what is written, or refuses."""

    def __init__(self) -> None:
        self.bodies: list[tuple[str, bytes]] = []

    async def __call__(self, scope: Scope, body: bytes) -> None:
        self.bodies.append((scope.tenant, body))


def wanted(*documents: dict[str, Any], tenant: str = "default") -> Wanted:
    read = [({"type": "icmp", "host": "h", "interval": "10s", **one}) for one in documents]
    return Wanted({(tenant, one["name"]): Declaration(read_check(one), one) for one in read})


def monitor_of(
    state: State, clock: FakeClock, windows: Windows | None = None, writes: Writes | None = None
) -> Monitor:
    ledger = Ledger(state, writes or Writes())
    return Monitor(Around(looks_of(clock), ledger, clock, Random(1), lambda _: windows))


def look(monitor: Monitor, clock: FakeClock, name: str, reason: str = "") -> str:
    """Have a look find something; return how the check stands then."""
    watched = monitor.find("default", name)
    assert watched is not None
    monitor.take(watched, Outcome(clock.now_ms(), 0.1, reason))
    return watched.standing.state.value


async def test_who_depends_on_what_fails_is_unknown_and_not_down(state: State, clock: FakeClock) -> None:
    monitor = monitor_of(state, clock)
    monitor.apply(wanted({"name": "router"}, {"name": "shop", "depends_on": ["router"]}, {"name": "other"}))
    for name in ("router", "shop", "other"):
        assert look(monitor, clock, name) == "up"
    # The router fails once, which does not count yet, and already nobody else is blamed.
    assert look(monitor, clock, "router", "no answer") == "up"
    for _ in range(3):
        clock.advance_ms(10_000)
        found = [look(monitor, clock, name, "no answer") for name in ("shop", "router", "other")]
    assert found == ["unknown", "down", "down"]
    shop = monitor.find("default", "shop")
    assert shop is not None
    assert shop.standing.because == "router"


async def test_nothing_is_down_before_what_it_depends_on_was_looked_at(
    state: State, clock: FakeClock
) -> None:
    monitor = monitor_of(state, clock)
    shop: dict[str, Any] = {"name": "shop", "depends_on": ["router"], "fail_after": 1}
    monitor.apply(wanted({"name": "router"}, shop))
    assert look(monitor, clock, "shop", "no answer") == "unknown"
    clock.advance_ms(1000)
    # The router is well, so it is the shop.
    assert look(monitor, clock, "router") == "up"
    assert look(monitor, clock, "shop", "no answer") == "down"
    assert look(monitor, clock, "shop") == "up"
    clock.advance_ms(10_000)
    assert look(monitor, clock, "shop", "no answer") == "up"
    clock.advance_ms(1000)
    assert look(monitor, clock, "router", "no answer") == "up"
    assert look(monitor, clock, "shop", "no answer") == "unknown"
    # Nobody looks at the router any more: that is not waited for without an end.
    assert look(monitor, clock, "router") == "up"
    assert look(monitor, clock, "shop") == "up"
    clock.advance_ms(1000)
    found = []
    for _ in range(8):
        found.append(look(monitor, clock, "shop", "no answer"))
        clock.advance_ms(10_000)
    assert found == ["up"] * 7 + ["down"]


async def test_states_days_and_changes_are_kept_over_a_restart(state: State, clock: FakeClock) -> None:
    first = monitor_of(state, clock)
    beat = {"name": "beat", "type": "heartbeat", "every": "1h"}
    checks = Wanted(
        {**wanted({"name": "a"}).checks, ("default", "beat"): Declaration(read_check(beat), beat)}
    )
    first.apply(checks)
    look(first, clock, "a")
    clock.advance_ms(10_000)
    look(first, clock, "a")
    await first.hear(("default", "beat"), Ping.SUCCESS, 0)
    clock.advance_ms(10_000)
    look(first, clock, "a", "gone")
    clock.advance_ms(10_000)
    assert look(first, clock, "a", "gone") == "down"
    await first.keep_all()
    clock.advance_ms(600_000)
    second = monitor_of(state, clock)
    second.restore(await state.read(all_states), await state.read(lambda unit: days_since(unit, DAY - 90)))
    second.apply(checks)
    a, job = second.find("default", "a"), second.find("default", "beat")
    assert a is not None
    assert job is not None
    assert (a.standing.state, a.standing.reason) == (Stands.DOWN, "gone")
    day = next(iter(a.days.known.values()))
    assert (day.up_ms, day.down_ms) == (20_000, 10_000)
    assert job.beats.heard_ms > 0
    # The time without Pharos is neither up nor down.
    assert look(second, clock, "a") == "up"
    assert (next(iter(a.days.known.values()))).up_ms == 20_000
    await second.keep_all()
    changes = await state.read(lambda unit: list_changes(unit, "default", name="a"))
    assert [(one.was, one.became) for one in changes] == [("down", "up"), ("up", "down"), ("unknown", "up")]


async def test_maintenance_counts_neither_as_up_nor_as_down(state: State, clock: FakeClock) -> None:
    window = read_window(
        {
            "starts": "2023-11-14T00:00",
            "ends": "2023-11-16T00:00",
            "matchers": ["check=a"],
            "reason": "moving",
        },
        "move",
    )
    monitor = monitor_of(state, clock, Windows({"move": window}))
    monitor.apply(wanted({"name": "a"}, {"name": "b"}))
    for _ in range(4):
        for name in ("a", "b"):
            look(monitor, clock, name, "gone")
        clock.advance_ms(10_000)
    a, b = monitor.find("default", "a"), monitor.find("default", "b")
    assert a is not None
    assert b is not None
    assert a.days.known == {}
    assert [day.down_ms for day in b.days.known.values()] == [30_000]
    assert monitor.components("default")[""].health.value == "down"


async def test_a_check_that_changes_goes_on_as_it_was_and_one_that_goes_ends_its_series(
    state: State, clock: FakeClock
) -> None:
    writes = Writes()
    monitor = monitor_of(state, clock, writes=writes)
    monitor.apply(wanted({"name": "a"}, tenant="default"))
    assert look(monitor, clock, "a") == "up"
    monitor.apply(wanted({"name": "a", "timeout": "5s"}))
    found = monitor.find("default", "a")
    assert found is not None
    assert found.standing.state is Stands.UP
    monitor.apply(Wanted())
    assert monitor.find("default", "a") is None
    await monitor.keep_all()
    ((tenant, body),) = writes.bodies
    assert tenant == "default"
    assert b"health_check_up" in body
    assert b"\x02\x00\x00\x00\x00\x00\xf0\x7f" in body
    monitor.apply(wanted({"name": "a", "enabled": False}))
    assert monitor.find("default", "a") is None


async def test_nobody_reports_where_nothing_is_expected(state: State, clock: FakeClock) -> None:
    monitor = monitor_of(state, clock)
    monitor.apply(wanted({"name": "a"}))
    for name in ("a", "nothing"):
        with pytest.raises(PharosError, match="no such address"):
            await monitor.hear(("default", name), Ping.SUCCESS, 0)
