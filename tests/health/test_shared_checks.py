"""Servers on one PostgreSQL: one makes a check, all know how it stands, and after a kill another one does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from random import Random
from typing import Any

import pytest
from tests.health.things import looks_of
from tests.postgres import Postgres, postgres_at

from pharos.access import Scope
from pharos.clock import FakeClock
from pharos.errors import PharosError
from pharos.health.check import read_check
from pharos.health.heartbeat import Ping
from pharos.health.ledger import Ledger
from pharos.health.looking import Outcome
from pharos.health.monitor import Around, Monitor
from pharos.health.watched import Declaration, Wanted, Watched
from pharos.rules.leases import SharedLeases
from pharos.state import State, open_state
from pharos.state.health import all_states, days_since, list_changes

pytestmark = pytest.mark.needs("postgresql")

KEY = ("default", "job")
JOB = {"name": "job", "type": "heartbeat", "every": "60s", "grace": "10s", "interval": "5s", "fail_after": 1}
STEP_S = 2
HANDED_OVER_S = 10
"""So soon after a server was killed another one makes its checks."""


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with postgres_at() as running:
        yield running


class Site:
    """One of the servers, as far as checks are made there."""

    def __init__(self, state: State, clock: FakeClock, name: str) -> None:
        self.state = state
        self.clock = clock
        self.written: list[bytes] = []
        self.leases = SharedLeases(state, clock, name)
        self.ledger = Ledger(state, self._write, self.leases)
        self.monitor = Monitor(Around(looks_of(clock), self.ledger, clock, Random(1), lambda _: None))

    async def _write(self, scope: Scope, body: bytes) -> None:
        del scope
        self.written.append(body)

    async def begin(self, *documents: dict[str, Any]) -> None:
        """Know how checks stand, and want them."""
        states = await self.state.read(all_states)
        self.monitor.restore(states, await self.state.read(lambda unit: days_since(unit, 0)))
        await self.leases.share()
        self.monitor.apply(
            Wanted({("default", one["name"]): Declaration(read_check(one), one) for one in documents})
        )

    async def goes_on(self) -> None:
        """Do what a server does again and again."""
        try:
            await self.leases.share()
            await self.monitor.begin_due()
            await self.monitor.follow()
            await self.ledger.flush()
        except PharosError:
            # The database is away.
            return

    @property
    def job(self) -> Watched:
        """The job, as it is known here."""
        found = self.monitor.find(*KEY)
        assert found is not None
        return found

    @property
    def makes(self) -> bool:
        """Whether it is this one that makes the check."""
        return any(place[1] == "check job" for place in self.leases.held)


class Cluster:
    """Servers that are alive, and the time."""

    def __init__(self, clock: FakeClock, sites: list[Site]) -> None:
        self.clock = clock
        self.alive = sites

    async def passes(self, seconds: int) -> None:
        for _ in range(0, seconds, STEP_S):
            self.clock.advance_ms(STEP_S * 1000)
            for site in self.alive:
                await site.goes_on()

    def kill(self, site: Site) -> None:
        """End one that has no time to say so."""
        self.alive.remove(site)

    async def changes(self) -> list[str]:
        """Return what the job became, the oldest first."""
        state = self.alive[0].state
        found = await state.read(lambda unit: list_changes(unit, "default", name="job"))
        return [one.became for one in reversed(found)]


@asynccontextmanager
async def cluster(
    postgres: Postgres, *documents: dict[str, Any]
) -> AsyncIterator[tuple[Cluster, Site, Site]]:
    clock, address = FakeClock(), postgres.new_database()
    with ExitStack() as stack:
        one, other = (
            Site(stack.enter_context(open_state(address, clock, Random(seed))), clock, f"server {seed}")
            for seed in (1, 2)
        )
        for site in (one, other):
            await site.begin(*documents)
            await site.goes_on()
        found = Cluster(clock, [one, other])
        await found.passes(10)
        yield found, one, other


async def test_one_makes_a_check_and_all_show_it_and_have_its_series(postgres: Postgres) -> None:
    async with cluster(postgres, JOB) as (servers, one, other):
        assert [site.makes for site in (one, other)] == [True, False]
        await other.monitor.hear(KEY, Ping.SUCCESS, 0)
        await servers.passes(2)
        shown = [(site.job.standing, site.job.beats, site.job.last) for site in (one, other)]
        assert shown[0] == shown[1]
        assert shown[0][0].state.value == "up"
        assert await servers.changes() == ["up"]
        assert all(b"health_check_healthy" in b"".join(site.written) for site in (one, other))
        await servers.passes(30)
        assert one.job.days.known == other.job.days.known


async def test_a_heartbeat_may_arrive_at_any_server(postgres: Postgres) -> None:
    async with cluster(postgres, JOB) as (servers, one, other):
        for site in (other, one, other, other):
            await site.monitor.hear(KEY, Ping.START, 0)
            await servers.passes(6)
            # The end of it arrives elsewhere.
            await (other if site is one else one).monitor.hear(KEY, Ping.SUCCESS, 0)
            await servers.passes(40)
        assert await servers.changes() == ["up"]
        assert one.job.beats == other.job.beats
        assert one.job.beats.took_ms == 6000
        await other.monitor.hear(KEY, Ping.FAIL, 3)
        await servers.passes(2)
        assert one.job.standing.reason == "the job failed with exit code 3"
        await one.monitor.hear(KEY, Ping.SUCCESS, 0)
        await servers.passes(2)
        assert await servers.changes() == ["up", "down", "up"]


async def test_who_is_killed_hands_over_in_time_and_nothing_is_down_by_it(postgres: Postgres) -> None:
    async with cluster(postgres, JOB) as (servers, one, other):
        await one.monitor.hear(KEY, Ping.SUCCESS, 0)
        # What is answered is kept, however soon the one that answered ends.
        servers.kill(one)
        await servers.passes(HANDED_OVER_S)
        assert other.makes
        assert other.job.standing.last_ms > servers.clock.now_ms() - HANDED_OVER_S * 1000
        for _ in range(2):
            await other.monitor.hear(KEY, Ping.SUCCESS, 0)
            await servers.passes(50)
        assert await servers.changes() == ["up"]
        # From the last one on it was listened all the time: what is late is late on time.
        await servers.passes(20 + 10)
        assert await servers.changes() == ["up", "down"]
        assert "nothing was heard for 1m" in other.job.standing.reason


async def test_what_is_late_before_and_after_a_kill_is_said_once(postgres: Postgres) -> None:
    async with cluster(postgres, JOB) as (servers, one, other):
        await other.monitor.hear(KEY, Ping.SUCCESS, 0)
        await servers.passes(90)
        assert await servers.changes() == ["up", "down"]
        servers.kill(one)
        await servers.passes(120)
        assert await servers.changes() == ["up", "down"]
        assert other.job.standing.state.value == "down"
        await other.monitor.hear(KEY, Ping.SUCCESS, 0)
        await servers.passes(2)
        assert await servers.changes() == ["up", "down", "up"]


async def test_a_job_goes_late_while_its_server_is_being_killed_and_is_told_late_by_the_other(
    postgres: Postgres,
) -> None:
    async with cluster(postgres, JOB) as (servers, one, other):
        await one.monitor.hear(KEY, Ping.SUCCESS, 0)
        await servers.passes(66)
        servers.kill(one)
        await servers.passes(4 + HANDED_OVER_S)
        assert await servers.changes() == ["up", "down"]
        assert other.makes


async def test_who_stood_still_says_nothing_of_what_another_one_makes(postgres: Postgres) -> None:
    async with cluster(postgres, JOB) as (servers, one, other):
        await one.monitor.hear(KEY, Ping.SUCCESS, 0)
        await servers.passes(2)
        servers.kill(one)
        for _ in range(3):
            await servers.passes(50)
            await other.monitor.hear(KEY, Ping.SUCCESS, 0)
        # It goes on, believes that it has the check, and has heard nothing for minutes.
        one.written.clear()
        one.monitor.judge(one.job)
        one.monitor.take(one.job, Outcome(servers.clock.now_ms(), 0.0, "nothing was heard"))
        await one.monitor.keep_all()
        servers.alive.append(one)
        await servers.passes(10)
        assert await servers.changes() == ["up"]
        assert [site.job.standing.state.value for site in (one, other)] == ["up", "up"]


async def test_nothing_is_late_by_a_database_that_was_away(postgres: Postgres) -> None:
    async with cluster(postgres, JOB) as (servers, one, other):
        await other.monitor.hear(KEY, Ping.SUCCESS, 0)
        await servers.passes(40)
        postgres.stop()
        try:
            await servers.passes(20)
            # It is taken where it arrives, and nobody else can know it.
            await other.monitor.hear(KEY, Ping.SUCCESS, 0)
            await servers.passes(60)
        finally:
            postgres.start()
        await servers.passes(8)
        await other.monitor.hear(KEY, Ping.SUCCESS, 0)
        await servers.passes(10)
        assert await servers.changes() == ["up"]
        assert one.job.beats == other.job.beats


async def test_each_makes_what_only_it_knows(postgres: Postgres) -> None:
    async with cluster(postgres) as (servers, one, other):
        disks = [{"name": f"disk-{host}", "type": "disk", "path": "/", "interval": "5s"} for host in "ab"]
        for site, disk in zip((one, other), disks, strict=True):
            site.monitor.apply(Wanted({("default", disk["name"]): Declaration(read_check(disk), disk)}))
        await servers.passes(4)
        held = [{name for _, name in site.leases.held} for site in (one, other)]
        assert held == [{"check disk-a"}, {"check disk-b"}]
        one.monitor.apply(Wanted())
        await servers.passes(4)
        assert one.leases.held == {}
