"""Escalations over a state: who is owed a page when, through acknowledgements, restarts and kills."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.alerting.paging import TENANT, World, config
from tests.peers import ROOT

from pharos.alerting.escalations import Escalations
from pharos.clock import FakeClock
from pharos.state import (
    PHAROS,
    State,
    acknowledgements,
    audit,
    documents,
    escalations,
    oncall,
    open_state,
    outbox,
    timeline,
)
from pharos.state.audit import Search
from pharos.state.documents import Defined
from pharos.state.oncall import ContactKind, NewContact
from pharos.state.timeline import Entry, Step

MINUTE_MS = 60_000
KILLS = int(os.environ.get("PHAROS_KILLS", "3"))
QFLOW = {
    "severities": ["critical"],
    "levels": [
        {"name": "dao_admins", "targets": [{"receiver": "dao_admins"}], "timeout": "5m"},
        {"name": "dao_council", "targets": [{"receiver": "dao_council"}], "timeout": "15m"},
        {"name": "ecosystem_governance", "targets": [{"receiver": "ecosystem_governance"}], "timeout": "30m"},
    ],
}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def state(tmp_path: Path, clock: FakeClock) -> Iterator[State]:
    with open_state(tmp_path / "state.db", clock, Random(7)) as opened:
        yield opened


@pytest.fixture
def world(state: State, clock: FakeClock) -> World:
    return World(state, clock)


async def define(state: State, kind: Defined, name: str, document: Mapping[str, Any]) -> None:
    await state.write(lambda unit: documents.put_document(unit, TENANT, kind, name, document), PHAROS)


async def work(state: State, clock: FakeClock, minutes: int = 0) -> None:
    """Let time pass, with a new object each minute, as a server that is started anew has."""
    for minute in range(minutes + 1):
        clock.advance_ms(MINUTE_MS if minute else 0)
        await state.write(acknowledgements.expire, PHAROS)
        engine = Escalations(state, lambda _: config())
        while await engine.round():
            pass


async def test_levels_are_told_in_their_time_and_of_the_end(world: World) -> None:
    state, clock = world.state, world.clock
    await define(state, Defined.ESCALATION, "qflow", QFLOW)
    await work(state, clock)
    name = await world.fires(alertname="DAO", severity="critical")
    await work(state, clock)
    assert await world.told() == ["dao_admins 0.0"]
    await work(state, clock, 4)
    assert await world.told() == []
    await work(state, clock, 1)
    # One message for each of its integrations.
    assert await world.told() == ["dao_council 0.1", "dao_council 0.1"]
    await work(state, clock, 15)
    [page] = await world.owed()
    assert page.content["reason"] == "escalation"
    assert page.content["alerts"][0]["labels"] == [["alertname", "DAO"], ["severity", "critical"]]
    assert page.content["group_labels"] == [["alertname", "DAO"]]
    assert await world.told() == ["ecosystem_governance 0.2"]
    await world.resolves(name, alertname="DAO", severity="critical")
    await work(state, clock)
    found = await world.owed()
    assert {one.content["status"] for one in found} == {"resolved"}
    # Of those that were told, and want to know.
    assert Counter(await world.told()) == {"dao_admins resolved": 1, "dao_council resolved": 2}
    steps = await state.read(lambda unit: timeline.list_steps(unit, TENANT, fingerprint=name))
    told = [entry.detail["level_name"] for entry in steps if entry.step is Step.ESCALATED]
    assert told == ["dao_admins", "dao_council", "ecosystem_governance"]
    log = await state.read(lambda unit: audit.search(unit, Search(action="escalation"), limit=20))
    assert [entry.action for entry in reversed(log)][-5:] == [
        "escalation.begin",
        "escalation.tell",
        "escalation.tell",
        "escalation.tell",
        "escalation.resolved",
    ]


async def test_that_a_rule_has_no_answer_begins_nothing_about_what_is_over(world: World) -> None:
    state, clock = world.state, world.clock
    await define(state, Defined.ESCALATION, "qflow", QFLOW)
    await work(state, clock)
    name = await world.fires(alertname="DAO", severity="critical")
    await work(state, clock)
    assert await world.told() == ["dao_admins 0.0"]
    # Its data are gone: it is over, nobody knows more, and whom the route tells is told so.
    await world.resolves(name, alertname="DAO", severity="critical")
    queued = {"receiver": "team", "integration": "webhook[0]", "reason": "all_resolved"}
    steps = [(Step.UNKNOWN, {"reason": "no_data"}, ""), (Step.QUEUED, queued, "g")]
    entries = [Entry(TENANT, name, step, clock.now_ms(), detail, key) for step, detail, key in steps]
    await state.write(lambda unit: timeline.append(unit, entries), PHAROS)
    await work(state, clock, 30)
    assert await world.told() == ["dao_admins resolved"]


async def test_a_rule_without_an_answer_holds_no_escalation_of_what_fires(world: World) -> None:
    state, clock = world.state, world.clock
    await define(state, Defined.ESCALATION, "qflow", QFLOW)
    await work(state, clock)
    name = await world.fires(alertname="DAO", severity="critical")
    failed = Entry(TENANT, name, Step.UNKNOWN, clock.now_ms(), {"error": "no"})
    await state.write(lambda unit: timeline.append(unit, [failed]), PHAROS)
    await work(state, clock)
    [page] = await world.owed()
    assert page.content["alerts"][0]["labels"] == [["alertname", "DAO"], ["severity", "critical"]]
    await work(state, clock, 5)
    assert await world.told() == ["dao_admins 0.0", "dao_council 0.1", "dao_council 0.1"]


async def test_what_a_simple_condition_says_of_escalation_is_a_policy(world: World) -> None:
    state, clock = world.state, world.clock
    condition = {
        "id": "dao_policy_violation",
        "name": "DAO Policy Violation",
        "condition": "dao_policy_compliance < 1.0",
        "escalation": {
            "levels": ["dao_admins", "dao_council", "ecosystem_governance"],
            "timeouts": [300_000, 900_000, 1_800_000],
        },
    }
    await define(state, Defined.CONDITION, "dao_policy_violation", condition)
    await work(state, clock)
    await world.fires(alertname="DAO Policy Violation", condition="dao_policy_violation")
    await world.fires("other", alertname="High CPU Usage", condition="high_cpu")
    await work(state, clock)
    assert await world.told() == ["dao_admins 0.0"]
    await work(state, clock, 5)
    assert await world.told() == ["dao_council 0.1", "dao_council 0.1"]
    await work(state, clock, 15)
    assert await world.told() == ["ecosystem_governance 0.2"]


async def test_what_no_policy_matches_is_not_escalated(world: World) -> None:
    await define(world.state, Defined.ESCALATION, "qflow", QFLOW)
    await work(world.state, world.clock)
    await world.fires(alertname="DAO", severity="low")
    await work(world.state, world.clock, 10)
    assert await world.told() == []


async def test_an_acknowledgement_holds_it_until_it_runs_out(world: World) -> None:
    state, clock = world.state, world.clock
    await define(state, Defined.ESCALATION, "qflow", QFLOW)
    await work(state, clock)
    name = await world.fires(alertname="DAO", severity="critical")
    await work(state, clock, 2)
    await world.acknowledges(name, "ada", 30 * MINUTE_MS)
    await world.told()
    await work(state, clock, 29)
    assert await world.told() == []
    assert list(await state.read(lambda unit: acknowledgements.acknowledged(unit, TENANT))) == [name]
    await work(state, clock, 1)
    assert await world.told() == ["dao_admins 0.0"]
    await work(state, clock, 5)
    assert await world.told() == ["dao_council 0.1", "dao_council 0.1"]


async def test_who_is_on_call_is_reached_as_they_say(world: World) -> None:
    state, clock = world.state, world.clock
    schedule = {"layers": [{"name": "a", "people": [["ada", "bob"]], "starts": "2020-01-01T00:00"}]}
    policy = {"levels": [{"targets": [{"schedule": "primary"}, {"schedule": "gone"}], "timeout": "10m"}]}
    await define(state, Defined.SCHEDULE, "primary", schedule)
    await define(state, Defined.ESCALATION, "all", policy)
    mine = (
        NewContact("ada", ContactKind.EMAIL, "ada@example.org"),
        NewContact("ada", ContactKind.EMAIL, "late@example.org", after_ms=3 * MINUTE_MS),
        NewContact("ada", ContactKind.EMAIL, "severe@example.org", min_severity="critical"),
        NewContact("ada", ContactKind.SMS, "+1555", enabled=False),
    )
    await state.write(lambda unit: oncall.put_contacts(unit, TENANT, "ada", mine), PHAROS)
    await work(state, clock)
    name = await world.fires(alertname="Slow", severity="warning")
    await work(state, clock)
    contacts = await state.read(lambda unit: oncall.contacts_of(unit, TENANT, "ada"))
    ids = {one.address: f"person:ada/{one.id}" for one in contacts}
    assert await world.told() == [f"{ids['ada@example.org']} 0.0"]
    [told] = [
        entry.detail
        for entry in await state.read(lambda unit: timeline.list_steps(unit, TENANT, fingerprint=name))
        if entry.step is Step.ESCALATED
    ]
    assert told["people"] == ["ada", "bob"]
    assert told["missing"] == [
        "there is no schedule 'gone'",
        "bob has no contact for alerts of this severity",
    ]
    await work(state, clock, 3)
    assert await world.told() == [f"{ids['late@example.org']} 0.0.later"]
    await world.acknowledges(name, "ada")
    await work(state, clock, 30)
    assert await world.told() == []


async def test_one_that_cannot_be_read_holds_up_no_other(world: World) -> None:
    state, clock = world.state, world.clock
    await define(state, Defined.ESCALATION, "qflow", QFLOW)
    await work(state, clock)
    broken = escalations.Escalation(
        "e", TENANT, "broken", "p", 1, {"levels": []}, "telling", 5, {"alerts": {}}, 5, None
    )
    await state.write(lambda unit: escalations.add_escalation(unit, broken), PHAROS)
    await world.fires(alertname="DAO", severity="critical")
    await work(state, clock)
    assert await world.told() == ["dao_admins 0.0"]


class DiedError(Exception):
    """As if the process had ended."""


async def test_a_process_that_dies_at_any_step_tells_each_level_once(world: World, tmp_path: Path) -> None:
    """Each transaction fails once at each of its writes before it succeeds."""
    state, clock = world.state, world.clock
    await define(state, Defined.ESCALATION, "qflow", QFLOW)
    await work(state, clock)
    await world.fires(alertname="DAO", severity="critical")
    told: list[str] = []
    for _ in range(60):
        engine = Escalations(state, lambda _: config())

        def die(unit: Any, engine: Escalations = engine) -> None:
            engine.follow(unit)
            engine.step(unit)
            raise DiedError

        with pytest.raises(DiedError):
            await state.write(die, PHAROS)
        assert await world.owed() == []
        while await engine.round():
            pass
        told += await world.told()
        clock.advance_ms(MINUTE_MS)
    assert told == [
        "dao_admins 0.0",
        "dao_council 0.1",
        "dao_council 0.1",
        "ecosystem_governance 0.2",
    ]


@pytest.mark.parametrize("seed", range(KILLS))
async def test_a_killed_process_goes_on_where_it_was(tmp_path: Path, seed: int) -> None:
    path, chance = tmp_path / "state.db", Random(seed)
    clock = FakeClock()
    policy = {
        "levels": [{"name": str(n), "targets": [{"receiver": "team"}], "timeout": "1m"} for n in range(5)],
        "repeat": 11,
    }
    with open_state(path, clock, Random(7)) as state:
        await define(state, Defined.ESCALATION, "all", policy)
        await work(state, clock)
        await World(state, clock).fires(alertname="DAO", severity="critical")
    is_done = False
    for day in range(20):
        at_ms = clock.now_ms() + day * 24 * 60 * MINUTE_MS
        command = [sys.executable, "-m", "tests.alerting.escalating", str(path), str(at_ms)]
        process = subprocess.Popen(  # noqa: ASYNC220 - nothing else waits
            command, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert process.stdout is not None
        lives = chance.randrange(5, 40)
        for line in process.stdout:
            is_done = line == "done\n"
            lives -= 1
            if is_done or not lives:
                break
        process.kill()
        process.wait()
        process.stdout.close()
        if is_done:
            break
    assert is_done
    with open_state(path, clock, Random(7)) as state:
        log = await state.read(lambda unit: audit.search(unit, Search(action="escalation.tell"), limit=1000))
        told = [(entry.after or {})["level"] + 5 * (entry.after or {})["round"] for entry in reversed(log)]
        assert told == list(range(1, 61))
        owed = await state.read(lambda unit: outbox.list_all(unit, TENANT))
        assert len({one.purpose for one in owed}) == len(owed) == 60
        [ended] = await state.read(lambda unit: escalations.list_escalations(unit, TENANT))
        assert ended.status == "exhausted"


async def test_who_keeps_incidents_is_told_of_an_acknowledgement_and_nobody_else(
    state: State, clock: FakeClock, world: World
) -> None:
    policy = {
        "severities": ["critical"],
        "levels": [{"targets": [{"receiver": "incidents"}], "timeout": "5m"}],
    }
    await define(state, Defined.ESCALATION, "incidents", policy)
    await work(state, clock)
    name = await world.fires(alertname="A", severity="critical")
    await work(state, clock)
    assert await world.told() == ["incidents 0.0", "incidents 0.0"]
    await world.acknowledges(name, "ann")
    await work(state, clock)
    (owed,) = await world.owed()
    assert (owed.integration, owed.content["reason"]) == ("pagerduty[0]", "acknowledged")
    assert await world.told() == ["incidents acknowledged"]
    await world.resolves(name, alertname="A", severity="critical")
    await work(state, clock)
    assert await world.told() == ["incidents resolved", "incidents resolved"]
