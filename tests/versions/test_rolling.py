"""Rollouts as time goes by: verdicts become transitions, are told of as alerts, and survive a restart."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from pharos.access import Scope
from pharos.alert import Alert
from pharos.alerting.provision import read_files
from pharos.clock import FakeClock
from pharos.document import FaultsError
from pharos.errors import PharosError
from pharos.judgement.canary import Tick
from pharos.state import PHAROS, State, documents, open_state
from pharos.state.documents import Defined
from pharos.versions.readings import TICK_MS, Requests
from pharos.versions.rolling import SECTIONS, Kept, Rollouts, find_kept, keep_run
from pharos.versions.rollout import Phase, Run, abort_run, begin_run

TENANT = "default"
SPANS = '{ resource.service.version = "{{.group}}" }'
NAME = "shop"


class Traffic:
    """Requests of versions, of which some are slower; those of the last seconds have not come in yet."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.slower = {"1.0": 1.0}
        self.rps = 50.0
        self.asked: list[tuple[int, int]] = []
        self.gate = True
        self._made: dict[tuple[str, int], Tick] = {}

    async def ticks(
        self, scope: Scope, of: Requests, group: str, start_ms: int, first: int, until: int
    ) -> dict[int, Tick]:
        assert scope.tenant == TENANT
        assert of.spans == SPANS
        assert start_ms + until * TICK_MS <= self.clock.now_ms()
        self.asked.append((first, until))
        return {number: self._tick(group, start_ms // TICK_MS + number) for number in range(first, until)}

    def _tick(self, group: str, number: int) -> Tick:
        if (group, number) not in self._made:
            chance = np.random.default_rng([number, len(group), *group.encode()])
            logarithms = chance.normal(3 + math.log(self.slower.get(group, 1.0)), 0.8, int(self.rps * 5))
            mean = float(logarithms.mean())
            squares = float(((logarithms - mean) ** 2).sum())
            self._made[group, number] = Tick(len(logarithms), 0, len(logarithms), mean, squares)
        return self._made[group, number]

    async def holds(self, scope: Scope, query: str, group: str, at_ms: int) -> tuple[bool, str]:
        assert (scope.tenant, query, at_ms) == (TENANT, "up > 0", self.clock.now_ms())
        return self.gate, group


class Alerts:
    """Takes alerts, and is away when it is told to be."""

    def __init__(self) -> None:
        self.taken: list[Alert] = []

    async def take(self, scope: Scope, alerts: Sequence[Alert]) -> None:
        assert scope.tenant == TENANT
        self.taken += alerts

    def names(self) -> list[str]:
        return [one.name for one in self.taken]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def state(tmp_path: Path, clock: FakeClock) -> Iterator[State]:
    with open_state(tmp_path / "state.db", clock, Random(7)) as opened:
        yield opened


class World:
    """A server's rollouts, without the rest of it."""

    def __init__(self, state: State, clock: FakeClock) -> None:
        self.state, self.clock = state, clock
        self.traffic, self.alerts = Traffic(clock), Alerts()
        self.rollouts = self.started()

    def started(self) -> Rollouts:
        """Return them as they are after a start."""
        return Rollouts(self.state, self.traffic, self.alerts.take, self.clock, "http://pharos")

    async def define(self, **more: Any) -> None:
        document = {"spans": SPANS, "baseline": "1.0", "canary": "1.1", "stages": [25, 50], **more}
        await self.state.write(
            lambda unit: documents.put_document(unit, TENANT, Defined.ROLLOUT, NAME, document), PHAROS
        )

    async def goes_on(self, seconds: int) -> Run:
        """Have time go by, with a look every five seconds; return the run."""
        for _ in range(seconds // 5):
            self.clock.advance_ms(TICK_MS)
            await self.rollouts.round()
        return await self.run()

    async def kept(self) -> Kept:
        return await self.state.read(lambda unit: find_kept(unit, TENANT, NAME))

    async def run(self) -> Run:
        run = (await self.kept()).run
        assert run is not None
        return run


@pytest.fixture
def world(state: State, clock: FakeClock) -> World:
    return World(state, clock)


async def test_a_slower_version_fails_within_two_minutes_and_is_told_of(world: World) -> None:
    world.traffic.slower["1.1"] = 1.25
    await world.define(labels={"team": "shop"}, annotations={"runbook": "Roll back."})
    run = await world.goes_on(120)
    assert (run.phase, run.weight((await world.kept()).rollout)) == (Phase.FAILED, 25)
    assert "it is slower by" in run.reason
    [alert] = world.alerts.taken[:1]
    labels, notes = dict(alert.labels), dict(alert.annotations)
    assert alert.name == "RolloutFailed"
    assert (labels["rollout"], labels["canary"], labels["severity"]) == ("shop", "1.1", "critical")
    assert (labels["team"], labels["stage"], notes["runbook"]) == ("shop", "25", "Roll back.")
    assert '"verdict":"fail"' in notes["evidence"]
    assert alert.generator_url == "http://pharos/versions?rollout=shop"
    # While nobody deals with it, it goes on.
    assert set(world.alerts.names()) == {"RolloutFailed"}
    assert len(world.alerts.taken) <= 3


async def test_a_good_version_passes_every_stage(world: World) -> None:
    await world.define()
    run = await world.goes_on(300)
    assert (run.phase, [end.outcome for end in run.ends]) == (Phase.PASSED, ["pass", "pass"])
    assert world.alerts.names() == ["RolloutStagePassed", "RolloutPassed"]
    assert dict(world.alerts.taken[0].labels)["next"] == "50"
    assert not any(alert.is_resolved_at(world.clock.now_ms()) for alert in world.alerts.taken[1:])


async def test_each_tick_is_read_once_when_it_has_settled(world: World) -> None:
    await world.define(least_time="1h", most_time="2h")
    await world.goes_on(300)
    settled = sorted({asked for asked in world.traffic.asked if asked[1] - asked[0] == 1})
    assert settled == [(number, number + 1) for number in range(len(settled))]
    assert max(until - first for first, until in world.traffic.asked) == 6


async def test_a_start_goes_on_where_the_last_one_was(world: World) -> None:
    await world.define(least_time="10m")
    before = await world.goes_on(200)
    verdict = world.rollouts.seen[TENANT, NAME].settled
    world.rollouts = world.started()
    after = await world.goes_on(5)
    assert (after.stage_ms, after.phase) == (before.stage_ms, Phase.RUNNING)
    found = world.rollouts.seen[TENANT, NAME].settled
    assert verdict is not None
    assert found is not None
    assert found.canary_requests == verdict.canary_requests + 250


async def test_a_failure_whose_alert_was_not_sent_is_told_after_a_start(world: World) -> None:
    await world.define()
    await world.goes_on(5)
    kept = await world.kept()
    assert kept.run is not None
    ended = abort_run(kept.rollout, kept.run, world.clock.now_ms(), "")
    failed = replace(ended, phase=Phase.FAILED, reason="it is slow")
    await world.state.write(lambda unit: keep_run(unit, kept, failed), PHAROS)
    world.rollouts = world.started()
    await world.rollouts.round()
    assert world.alerts.names() == ["RolloutFailed"]


async def test_the_alert_ends_once_somebody_dealt_with_the_failure(world: World) -> None:
    world.traffic.slower["1.1"] = 1.5
    await world.define()
    await world.goes_on(60)
    kept = await world.kept()
    assert kept.run is not None
    closed = abort_run(kept.rollout, kept.run, world.clock.now_ms(), "")
    assert closed.is_closed
    await world.state.write(lambda unit: keep_run(unit, kept, closed), PHAROS)
    await world.goes_on(5)
    assert world.alerts.taken[-1].is_resolved_at(world.clock.now_ms())


async def test_another_version_in_the_rollout_begins_a_run_and_other_changes_do_not(world: World) -> None:
    await world.define()
    first = await world.goes_on(10)
    await world.define(description="the shop")
    assert (await world.goes_on(10)).number == first.number
    await world.define(canary="1.2")
    second = await world.goes_on(5)
    assert (second.number, second.canary, second.phase) == (2, "1.2", Phase.RUNNING)


async def test_a_run_of_another_version_is_not_replaced_by_the_one_that_the_rollout_names(
    world: World,
) -> None:
    await world.define(canary="", baseline="")
    kept = await world.kept()
    run = begin_run(kept.rollout, 1, None, ("1.0", "2.0"), world.clock.now_ms())
    await world.state.write(lambda unit: keep_run(unit, kept, run), PHAROS)
    assert (await world.goes_on(20)).canary == "2.0"


async def test_two_servers_do_not_write_over_each_other(world: World) -> None:
    await world.define()
    await world.goes_on(5)
    kept = await world.kept()
    assert kept.run is not None
    one = abort_run(kept.rollout, kept.run, world.clock.now_ms(), "one")
    await world.state.write(lambda unit: keep_run(unit, kept, one), PHAROS)
    with pytest.raises(PharosError, match="changed meanwhile"):
        await world.state.write(lambda unit: keep_run(unit, kept, one), PHAROS)


async def test_a_closed_gate_holds_a_stage_and_opens_it(world: World) -> None:
    world.traffic.gate = False
    await world.define(gates=[{"name": "up", "query": "up > 0"}], stages=[0])
    assert (await world.goes_on(120)).phase is Phase.RUNNING
    assert [one.holds for one in world.rollouts.seen[TENANT, NAME].gates] == [False]
    world.traffic.gate = True
    assert (await world.goes_on(5)).phase is Phase.PASSED


async def test_files_say_rollouts_and_take_them_away(world: World, tmp_path: Path) -> None:
    file = tmp_path / "shop.yml"
    file.write_text(f"rollouts:\n  {NAME}:\n    spans: '{SPANS}'\n    stages: [5, 100]\n")
    world.rollouts.said = read_files([file], SECTIONS)
    await world.rollouts.round()
    kept = await world.kept()
    assert (kept.rollout.stages, kept.version.who) == ((5, 100), f"file:{file}")
    world.rollouts.said = read_files([], SECTIONS)
    await world.rollouts.round()
    with pytest.raises(PharosError, match="there is no rollout 'shop'"):
        await world.kept()
    file.write_text("rollouts:\n  shop: {stages: [5]}\n")
    with pytest.raises(FaultsError, match=r"shop\.yml:2.*requests are found by either spans"):
        read_files([file], SECTIONS)
