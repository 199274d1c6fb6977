"""Two servers on one PostgreSQL page once, and a database that is away delays pages and loses none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from random import Random
from typing import TypeVar

import pytest
from tests.alerting.conftest import Pager, Running, config, dispatching, refuse, until
from tests.postgres import Postgres, postgres_at

from pharos.clock import SystemClock
from pharos.errors import Kind, PharosError
from pharos.state import State, Unit, open_state, outbox

pytestmark = pytest.mark.needs("postgresql")
T = TypeVar("T")


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres_at() as running:
        yield running


@pytest.fixture
def states(server: Postgres) -> Iterator[tuple[State, State]]:
    address = server.new_database()
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(open_state(address, SystemClock(), Random(seed))) for seed in (1, 2)
        )
        yield first, second


async def nothing_is_owed(state: State) -> bool:
    return not await state.read(outbox.list_all)


async def test_who_hears_of_an_alert_pages_and_the_other_one_knows_of_it(
    states: tuple[State, State], pager: Pager
) -> None:
    found = config()
    async with (
        dispatching(states[0], pager, lambda _: found, is_shared=True) as one,
        dispatching(states[1], pager, lambda _: found, is_shared=True) as other,
    ):
        # As senders do that know both.
        await asyncio.gather(one.fires("A", "B"), other.fires("A", "B"))
        await one.fires("C")
        await until(lambda: len(other.dispatcher.views("default")) == 3)
        await pager.reaches(3)
        # Told by whoever comes first, to both of whom everything is known.
        await asyncio.gather(one.ends("A"), other.ends("A"))
        await other.ends("B", "C")
        await pager.reaches(6)
        await until(partial(nothing_is_owed, states[0]))
    told = sorted(names[0] for _, names in pager.told())
    assert told == [f"{name} {status}" for name in "ABC" for status in ("firing", "resolved")]


class Busy(State):
    """A state in which somebody else keeps an alert whenever something was read of it."""

    @classmethod
    def over(cls, state: State, between: Callable[[], Awaitable[None]]) -> Busy:
        """Return the state, with what happens after each of its reads."""
        busy = cls.__new__(cls)
        vars(busy).update(vars(state), between=between)
        return busy

    async def read(self, fn: Callable[[Unit], T]) -> T:
        found = await super().read(fn)
        await vars(self)["between"]()
        return found


async def test_what_is_kept_while_others_alerts_are_read_is_not_passed_over(
    states: tuple[State, State], pager: Pager
) -> None:
    found = config()
    left = ["B", "C", "D", "E"]
    async with dispatching(states[0], pager, lambda _: found, is_shared=True) as one:

        async def another() -> None:
            if left:
                await one.fires(left.pop())

        busy = Busy.over(states[1], another)
        async with dispatching(busy, pager, lambda _: found, is_shared=True) as other:
            await one.fires("A")
            await until(lambda: len(other.dispatcher.views("default")) == 5)


async def test_what_one_leaves_the_other_one_sends(states: tuple[State, State], pager: Pager) -> None:
    found = config()
    gone = Pager(answer=partial(refuse, may_retry=True))
    async with dispatching(states[0], gone, lambda _: found, is_shared=True) as one:
        await one.fires("A")
        await until(lambda: gone.tries)
    assert not gone.messages
    async with dispatching(states[1], pager, lambda _: found, is_shared=True):
        await pager.reaches(1)


async def test_a_database_that_is_away_delays_pages_and_loses_none(server: Postgres, pager: Pager) -> None:
    found = config()
    with open_state(server.new_database(), SystemClock(), Random(3)) as state:
        async with dispatching(state, pager, lambda _: found, is_shared=True) as running:
            await running.fires("A")
            await pager.reaches(1)
            pager.answer = partial(refuse, may_retry=True)
            await running.fires("B")
            await until(lambda: pager.tries >= 2)
            # Not on a thread: the server would end with the thread that started it.
            server.stop()
            try:
                with pytest.raises(PharosError) as refused:
                    await running.fires("C")
                assert refused.value.kind is Kind.UNAVAILABLE
                assert refused.value.retry_after_s is not None
                pager.answer = lambda _: None
                # It is owed already, and goes out also while nothing can be kept.
                await pager.reaches(2)
            finally:
                server.start()
            await until(partial(is_taken, running, "C"))
            await running.ends("A", "B")
            await pager.reaches(5)
            await until(partial(nothing_is_owed, state))
    told = sorted(names[0] for _, names in pager.told())
    assert told == ["A firing", "A resolved", "B firing", "B resolved", "C firing"]


async def is_taken(running: Running, name: str) -> bool:
    """Post an alert as senders do that repeat; return whether it was taken."""
    with suppress(PharosError):
        await running.fires(name)
        return True
    return False


async def test_a_start_without_the_database_takes_alerts_when_it_is_there(
    server: Postgres, pager: Pager
) -> None:
    found = config()
    address = server.new_database()
    with open_state(address, SystemClock(), Random(4)) as state:
        async with dispatching(state, Pager(answer=partial(refuse, may_retry=True)), lambda _: found) as one:
            await one.fires("A")
    server.stop()
    try:
        with open_state(address, SystemClock(), Random(5)) as state:
            async with dispatching(state, pager, lambda _: found, is_shared=True) as running:
                with pytest.raises(PharosError):
                    await running.fires("B")
                server.start()
                await until(partial(is_taken, running, "B"))
                await pager.reaches(2)
    finally:
        server.start()
    assert sorted(names[0] for _, names in pager.told()) == ["A firing", "B firing"]
