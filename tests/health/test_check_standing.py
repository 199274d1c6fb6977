"""What looks make of a check, of a day, of a heartbeat and of a system; and when looks are due."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from pharos.errors import PharosError
from pharos.health.check import AnyCheck, Component, HeartbeatCheck, read_check
from pharos.health.components import SYSTEM, Health, Looked, component_health
from pharos.health.days import DAY_MS, Day, Days, cells, uptime
from pharos.health.heartbeat import Beats, Ping, Told, heard, read_ping, verdict
from pharos.health.looking import Outcome
from pharos.health.schedule import Schedule
from pharos.health.standing import Standing, State, after, read_standing

CASES = yaml.safe_load((Path(__file__).parent / "cases/standing.yaml").read_text())
T = 1_700_000_000_000
WORDS = {State.UP: "U", State.DOWN: "D", State.UNKNOWN: "?"}


def check(name: str = "a", **more: Any) -> AnyCheck:
    return read_check({"name": name, "type": "icmp", "host": "h", **more})


@pytest.mark.parametrize("case", CASES, ids=lambda one: str(one["why"]))
def test_looks_make_a_state(case: dict[str, Any]) -> None:
    one = check(**{name: case[name] for name in ("fail_after", "recover_after") if name in case})
    standing, states = Standing(), ""
    for number, look in enumerate(case["looks"]):
        outcome = Outcome(T + number, 0.1, "" if look == "g" else "broken", is_unknown=look == "u")
        standing = after(standing, outcome, one, "router" if look == "p" else "")
        states += WORDS[standing.state]
        assert read_standing(standing.document()) == standing
    assert states == case["states"]


def test_who_is_not_blamed_says_because_of_whom() -> None:
    found = after(Standing(), Outcome(T, 0.1, "no route"), check(), "router")
    assert (found.because, found.reason) == ("router", "unknown because of router: no route")
    assert found.since_ms == 0


def test_days_are_counted_where_they_are_and_what_nobody_measured_is_nothing() -> None:
    midnight = T // DAY_MS * DAY_MS
    days = Days()
    days.add(midnight - 1000, midnight + 3000, is_up=True)
    days.add(midnight + 3000, midnight + 4000, is_up=False)
    assert days.known == {midnight // DAY_MS - 1: Day(1000, 0), midnight // DAY_MS: Day(3000, 1000)}
    strip = cells(days.known, midnight + 8000)
    assert len(strip) == 90
    assert (strip[-1].uptime, strip[-1].coverage) == (0.75, 0.5)
    assert (strip[-2].uptime, strip[-2].coverage) == (1.0, 1000 / DAY_MS)
    assert (strip[0].uptime, strip[0].coverage) == (None, 0.0)
    assert uptime(days.known.values()) == 0.8
    assert uptime([]) is None


HEARTBEAT = read_check({"name": "job", "type": "heartbeat", "every": "1h", "grace": "5m", "longest": "30m"})
MINUTE_MS = 60_000


def beating(beats: Beats, now_ms: int, *, began_ms: int = 0, was_down: bool = False) -> str:
    assert isinstance(HEARTBEAT, HeartbeatCheck)
    found = verdict(HEARTBEAT, beats, now_ms, began_ms, was_down=was_down)
    return "?" if found.is_unknown else found.reason


def test_a_heartbeat_by_cron_is_late_after_its_own_times() -> None:
    nightly = read_check(
        {
            "name": "job",
            "type": "heartbeat",
            "cron": "30 2 * * 1-5",
            "timezone": "Europe/Berlin",
            "grace": "1h",
        }
    )
    assert isinstance(nightly, HeartbeatCheck)
    friday_ms = 1_767_317_400_000  # 2026-01-02 02:30 in Berlin
    hour_ms, monday_ms = 60 * MINUTE_MS, friday_ms + 3 * DAY_MS
    well = Beats(heard_ms=friday_ms + 5 * MINUTE_MS)

    def late(now_ms: int, began_ms: int = 0, *, was_down: bool = False) -> str:
        return verdict(nightly, well, now_ms, began_ms, was_down=was_down).reason

    assert late(monday_ms + hour_ms) == ""
    assert "expected by 30 2 * * 1-5" in late(monday_ms + hour_ms + 1)
    # Nobody could be heard when it was due.
    assert late(monday_ms + 2 * hour_ms, began_ms=monday_ms + MINUTE_MS) == ""
    assert late(monday_ms + 2 * hour_ms, began_ms=monday_ms + MINUTE_MS, was_down=True) != ""


def test_a_heartbeat_is_late_failed_or_runs_too_long() -> None:
    assert beating(Beats(), T) == "?"
    well = heard(heard(Beats(), Told(Ping.START, 0, T)), Told(Ping.SUCCESS, 0, T + 2000))
    assert well.took_ms == 2000
    assert beating(well, T + 65 * MINUTE_MS) == ""
    assert "expected every 1h" in beating(well, T + 66 * MINUTE_MS)
    failed = heard(well, Told(Ping.FAIL, 3, T + 3000))
    assert beating(failed, T + 4000) == "the job failed with exit code 3"
    assert beating(heard(failed, Told(Ping.SUCCESS, 0, T + 5000)), T + 6000) == ""
    running = heard(well, Told(Ping.START, 0, T + 10_000))
    assert beating(running, T + 20 * MINUTE_MS) == ""
    assert "longer than 30m" in beating(running, T + 31 * MINUTE_MS)


def test_nobody_is_late_while_we_did_not_listen_unless_it_was_so_before() -> None:
    well, late_ms = heard(Beats(), Told(Ping.SUCCESS, 0, T)), T + 120 * MINUTE_MS
    assert beating(well, late_ms, began_ms=late_ms - 1000) == ""
    assert beating(well, late_ms, began_ms=late_ms - 1000, was_down=True)
    assert beating(well, late_ms + 66 * MINUTE_MS, began_ms=late_ms)


def test_an_address_ends_in_a_word_or_an_exit_code() -> None:
    assert read_ping("") == (Ping.SUCCESS, 0)
    assert read_ping("0") == (Ping.SUCCESS, 0)
    assert read_ping("137") == (Ping.FAIL, 137)
    for other in ("256", "-1", "stop", "٣"):
        with pytest.raises(PharosError):
            read_ping(other)


def looked(name: str, state: str, component: str = "", *, over: str = "", **more: Any) -> Looked:
    standing = Standing(State(state), T, "broken" if state == "down" else "")
    return Looked(check(name, component=component, **more), standing, over)


def health(components: Mapping[str, Component], *checks: Looked) -> dict[str, str]:
    return {name: one.health.value for name, one in component_health(components, checks).items()}


def test_a_component_is_as_its_worst_check_and_a_system_as_its_worst_component() -> None:
    shop = {"shop": Component(name="shop"), "cart": Component(name="cart", part_of="shop")}
    found = component_health(
        shop, [looked("a", "up", "shop"), looked("b", "down", "cart", severity="warning"), looked("c", "up")]
    )
    assert {name: one.health for name, one in found.items()} == {
        "shop": Health.DEGRADED,
        "cart": Health.DEGRADED,
        SYSTEM: Health.DEGRADED,
    }
    assert [(one.check, one.text) for one in found[SYSTEM].reasons] == [("b", "broken")]
    assert found["shop"].parts == ("cart",)
    assert health({}, looked("a", "down", "x"), looked("b", "up", "y")) == {
        "x": "down",
        "y": "healthy",
        SYSTEM: "down",
    }


def test_what_is_maintained_or_unknown_is_not_down() -> None:
    assert health({}, looked("a", "down", over="upgrade"))[SYSTEM] == "maintenance"
    assert health({}, looked("a", "unknown"), looked("b", "up"))[SYSTEM] == "healthy"
    assert health({}, looked("a", "unknown"))[SYSTEM] == "unknown"
    assert health({})[SYSTEM] == "unknown"


def test_labels_make_a_check_a_components_own_and_a_round_is_cut() -> None:
    by_label = {"eu": Component(name="eu", match={"region": "eu"})}
    assert health(by_label, looked("a", "down", labels={"region": "eu"}))["eu"] == "down"
    assert health(by_label, looked("a", "down", labels={"region": "us"}))["eu"] == "unknown"
    round_ = {name: Component(name=name, part_of=above) for name, above in (("a", "b"), ("b", "a"))}
    assert health(round_, looked("c", "down", "a")) == {"a": "down", "b": "unknown", SYSTEM: "down"}


def test_a_part_that_matters_less_degrades_what_it_is_a_part_of() -> None:
    parts = {"mail": Component(name="mail", part_of="shop", severity="warning")}
    assert health(parts, looked("smtp", "down", "mail"))["shop"] == "degraded"


def test_checks_are_spread_over_their_interval_and_due_in_each() -> None:
    schedule: Schedule[int] = Schedule(Random(5))
    for key in range(1000):
        schedule.add(key, 10.0, 0.0)
    starts = [len(schedule.due(float(second))) for second in range(1, 11)]
    assert sum(starts) == 1000
    assert min(starts) > 60
    assert len(schedule.due(20.0)) == 1000
    # Late by three turns, each is due once.
    assert len(schedule.due(51.0)) == 1000
    schedule.remove(3)
    schedule.hasten(4, 51.0)
    assert schedule.due(51.0) == [4]
    assert 3 not in schedule.due(61.5)
    found = schedule.next_s()
    assert found is not None
    assert found > 61.0
