"""Two servers on one PostgreSQL: one of them evaluates a group, and the other one goes on when it is gone."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, suppress
from random import Random

import pytest
from tests.postgres import Postgres, postgres_at
from tests.rules.running import MINUTE_MS, TENANT, Bench, group_of

from pharos.clock import FakeClock
from pharos.errors import PharosError
from pharos.rules.engine import RuleEngine
from pharos.rules.leases import BEAT_S, SharedLeases
from pharos.state import open_state

pytestmark = pytest.mark.needs("postgresql")

_RULES = "- alert: A\n  expr: a\n  for: 3m\n"
_STEP_MS = 1_000


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with postgres_at() as running:
        yield running


class Time:
    """A clock whose hands a test moves, and pauses that end by it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.moved = asyncio.Condition()
        self.servers: list[Server] = []

    async def pass_until(self, is_so: Callable[[], Awaitable[bool]], within_ms: int = 10 * MINUTE_MS) -> None:
        """Let time pass in small steps until something is so. Fails when it is not in time."""
        for _ in range(within_ms // _STEP_MS):
            if await is_so():
                return
            self.clock.advance_ms(_STEP_MS)
            for server in self.servers:
                server.wake()
            async with self.moved:
                self.moved.notify_all()
            # Each has given its sign of life, however long the database took.
            for server in self.servers:
                await server.resting.wait()
        assert await is_so()


class Mortal(SharedLeases):
    """Leases of a process that may be killed, and then gives nothing back."""

    is_killed = False

    async def release(self) -> None:
        if not self.is_killed:
            await super().release()


class Server:
    """One of them: its rules, its answers, and what it told."""

    def __init__(self, bench: Bench, time: Time, name: str) -> None:
        self.bench = bench
        self.leases = Mortal(bench.state, time.clock, name)
        bench.leases = self.leases
        self.engine: RuleEngine = bench.engine(self.pause)
        self.resting = asyncio.Event()
        self.resting.set()
        self._time = time
        self._until_s = math.inf
        time.servers.append(self)

    async def pause(self, seconds: float) -> None:
        """Go on after so many seconds of the clock."""
        clock = self._time.clock
        until_s = clock.monotonic_s() + seconds - 1e-6
        if seconds == BEAT_S:
            self._until_s = until_s
            self.resting.set()
        async with self._time.moved:
            await self._time.moved.wait_for(lambda: clock.monotonic_s() >= until_s)

    def wake(self) -> None:
        """Have it be waited for when it is time for a sign of life."""
        if self._time.clock.monotonic_s() >= self._until_s:
            self.resting.clear()

    async def begin(self, rules: str = _RULES) -> None:
        """Begin to evaluate."""
        await self.engine.apply(TENANT, [group_of(rules)])
        await self.engine.start()

    async def end(self) -> None:
        """End."""
        await self.engine.stop()
        self._until_s = math.inf
        self.resting.set()

    async def die(self) -> None:
        """End as a process does that is killed."""
        self.leases.is_killed = True
        await self.end()

    def says(self, **values: dict[str, float]) -> None:
        """Have expressions answered so."""
        self.bench.answers.values.update(values)

    @property
    def asked(self) -> int:
        """How many expressions it evaluated."""
        return len([text for text, _ in self.bench.answers.asked if text == "a"])

    def shown(self) -> list[str]:
        """Return the states of the alerts that it shows."""
        return [str(one.state) for one in self.engine.alerts(TENANT)]


@asynccontextmanager
async def servers(postgres: Postgres) -> AsyncIterator[tuple[Time, Server, Server]]:
    """Yield two of them on a database of their own, which both see a series from which A follows."""
    time, address = Time(), postgres.new_database()
    with ExitStack() as stack:
        one, other = (
            Server(Bench(stack.enter_context(open_state(address, time.clock, Random(seed))), time.clock),
                   time, f"server {seed}")
            for seed in (1, 2)
        )  # fmt: skip
        for server in (one, other):
            server.says(a={"x": 1})
        try:
            yield time, one, other
        finally:
            for server in (one, other):
                await server.end()


def reached(server: Server, *steps: str) -> Callable[[], Awaitable[bool]]:
    async def is_so() -> bool:
        with suppress(PharosError):
            return await server.bench.steps() == list(steps)
        return False

    return is_so


async def test_one_evaluates_and_the_other_one_shows_what_it_found(postgres: Postgres) -> None:
    async with servers(postgres) as (time, one, other):
        await one.begin()
        await other.begin()
        await time.pass_until(reached(other, "pending x", "firing x"))

        async def is_shown() -> bool:
            return other.shown() == ["firing"]

        await time.pass_until(is_shown)
        assert (one.asked > 1, other.asked) == (True, 0)
        assert other.bench.kept.taken() == []
        assert len({alert.fingerprint for alert in one.bench.kept.taken()}) == 1


async def test_when_one_is_killed_the_other_one_goes_on_and_nothing_ends(postgres: Postgres) -> None:
    async with servers(postgres) as (time, one, other):
        await one.begin()
        await other.begin()
        await time.pass_until(reached(one, "pending x", "firing x"))
        # What the other one needs to see it is on its way to it only now.
        other.says(a={})
        await one.die()

        async def goes_on() -> bool:
            return other.asked > 0

        await time.pass_until(goes_on, MINUTE_MS + 10_000)
        other.says(a={"x": 1})
        asked = other.asked

        async def went_on() -> bool:
            return other.asked > asked + 3

        await time.pass_until(went_on)
        assert await other.bench.steps() == ["pending x", "firing x"]
        told = other.bench.kept.taken()
        assert told
        assert not any(alert.is_resolved_at(alert.updated_ms) for alert in told)
        other.says(a={})
        await time.pass_until(reached(other, "pending x", "firing x", "resolved x"))


async def test_who_is_killed_while_an_alert_is_pending_delays_it_by_nothing(postgres: Postgres) -> None:
    async with servers(postgres) as (time, one, other):
        await one.begin()
        await other.begin()
        await time.pass_until(reached(one, "pending x"))
        since_ms = time.clock.now_ms()
        time.clock.advance_ms(MINUTE_MS)
        await time.pass_until(reached(one, "pending x"))
        await one.die()
        await time.pass_until(reached(other, "pending x", "firing x"))
        assert time.clock.now_ms() - since_ms <= 4 * MINUTE_MS
        await time.pass_until(_tells(other))


def _tells(server: Server) -> Callable[[], Awaitable[bool]]:
    async def is_so() -> bool:
        return bool(server.bench.kept.alerts)

    return is_so


async def test_who_is_stopped_gives_its_groups_over(postgres: Postgres) -> None:
    async with servers(postgres) as (time, one, other):
        await one.begin()
        await other.begin()
        await time.pass_until(reached(one, "pending x"))
        await one.end()

        async def has_it() -> bool:
            return bool(other.leases.held)

        await time.pass_until(has_it, 3_000)


async def test_who_stood_still_neither_writes_nor_tells_what_another_one_knows_better(
    postgres: Postgres,
) -> None:
    async with servers(postgres) as (time, one, other):
        await one.begin("- alert: A\n  expr: a\n")
        await time.pass_until(reached(one, "firing x"))
        # It stands still: nothing of it goes on, and it knows nothing of that.
        stood = one.engine.groups(TENANT)[0]
        one.leases.is_killed = True
        held = dict(one.leases.held)
        await one.end()
        one.bench.kept.taken()
        other.says(a={})
        await other.begin("- alert: A\n  expr: a\n")
        await time.pass_until(reached(other, "firing x", "resolved x"))
        one.leases.held = held
        one.says(a={"y": 1})
        await stood.iterate(time.clock.now_ms())
        assert one.bench.kept.taken() == []
        assert await other.bench.steps() == ["firing x", "resolved x"]


async def test_a_database_that_is_away_takes_nothing_from_anybody(postgres: Postgres) -> None:
    async with servers(postgres) as (time, one, other):
        await one.begin()
        await other.begin()
        await time.pass_until(reached(one, "pending x"))
        asked = one.asked
        postgres.stop()
        try:

            async def goes_on() -> bool:
                return one.asked > asked + 2

            await time.pass_until(goes_on)
        finally:
            postgres.start()
        await time.pass_until(reached(one, "pending x", "firing x"))
        assert other.asked == 0


async def test_rules_that_another_one_has_are_not_ended_by_who_does_not_know_them(postgres: Postgres) -> None:
    async with servers(postgres) as (time, one, other):
        await one.begin("- alert: A\n  expr: a\n")
        await time.pass_until(reached(one, "firing x"))
        await other.engine.apply(TENANT, [])
        await other.engine.end_forgotten()
        assert await one.bench.steps() == ["firing x"]
        # Both are told to evaluate it no more: it is over, once.
        await other.begin("- alert: A\n  expr: a\n")
        await other.engine.apply(TENANT, [])
        await one.engine.apply(TENANT, [])
        assert await one.bench.steps() == ["firing x", "resolved x"]
        await one.die()
