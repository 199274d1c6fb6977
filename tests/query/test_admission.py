"""Slots, the pool of samples and shared evaluations."""

from __future__ import annotations

import asyncio
import threading

import pytest

from pharos.clock import FakeClock
from pharos.errors import Kind, PharosError
from pharos.query.admission import Admission, Flights, SamplePool, Slowness
from pharos.query.pacing import Pacing


def _admission(most: int, most_of_each: int) -> Admission:
    return Admission(most, lambda _: most_of_each, Pacing(FakeClock(), lambda _: False))


async def _turns() -> None:
    """Let everything that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)


class _Queries:
    """Queries that hold their slot until told to end; `order` says who got one when."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.order: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.ends: dict[str, asyncio.Event] = {}
        self.begins: dict[str, asyncio.Event] = {}

    async def started(self, name: str) -> None:
        await self.begins[name].wait()

    async def start(self, name: str, wait_s: float = 60) -> asyncio.Task[None]:
        self.ends[name], self.begins[name] = asyncio.Event(), asyncio.Event()

        async def query() -> None:
            line = "rules" if name.endswith("rule") else ""
            async with self.admission.slot(name[0], wait_s, slow=name.endswith("slow"), line=line):
                self.order.append(name)
                self.begins[name].set()
                await self.ends[name].wait()

        self.tasks[name] = asyncio.create_task(query())
        await _turns()
        return self.tasks[name]

    async def end(self, name: str) -> None:
        self.ends[name].set()
        await self.tasks[name]
        await _turns()


async def test_tenants_that_wait_take_turns() -> None:
    queries = _Queries(_admission(2, 2))
    for name in ("a1", "a2", "a3", "a4", "b1", "b2"):
        await queries.start(name)
    assert queries.order == ["a1", "a2"]
    await queries.end("a1")
    await queries.end("a2")
    assert queries.order == ["a1", "a2", "a3", "b1"]
    for name in ("a3", "b1", "a4", "b2"):
        await queries.end(name)
    assert queries.order == ["a1", "a2", "a3", "b1", "a4", "b2"]


async def test_rules_that_are_due_together_do_not_stand_before_a_query_of_their_tenant() -> None:
    queries = _Queries(_admission(1, 1))
    for name in ("a1-rule", "a2-rule", "a3-rule", "a4-rule", "a5"):
        await queries.start(name)
    for name in ("a1-rule", "a2-rule", "a5", "a3-rule", "a4-rule"):
        assert queries.order[-1] == name
        await queries.end(name)


async def test_rules_that_are_due_together_begin_one_after_another() -> None:
    queries = _Queries(_admission(4, 4))
    for name in ("a1-rule", "b1-rule", "a2-rule", "a3"):
        await queries.start(name)
    assert queries.order == ["a1-rule", "a3"]
    for name, following in (("a1-rule", "b1-rule"), ("b1-rule", "a2-rule")):
        await queries.end(name)
        assert queries.order[-1] == following
    for name in ("a2-rule", "a3"):
        await queries.end(name)


async def test_a_rule_that_takes_longer_does_not_keep_the_next_waiting() -> None:
    queries = _Queries(_admission(4, 4))
    for name in ("a1-rule", "a2-rule", "b1-rule"):
        await queries.start(name)
    assert queries.order == ["a1-rule"]
    await queries.started("b1-rule")
    assert queries.order == ["a1-rule", "a2-rule", "b1-rule"]
    for name in ("a1-rule", "b1-rule", "a2-rule"):
        await queries.end(name)
    await queries.start("a4-rule")
    assert queries.order[-1] == "a4-rule"
    await queries.end("a4-rule")


async def test_who_gave_up_in_a_line_of_rules_keeps_nobody_waiting() -> None:
    queries = _Queries(_admission(4, 4))
    await queries.start("a1-rule")
    given_up = await queries.start("a2-rule")
    await queries.start("a3-rule")
    given_up.cancel()
    await queries.end("a1-rule")
    assert queries.order == ["a1-rule", "a3-rule"]
    await queries.end("a3-rule")


async def test_one_tenant_cannot_take_every_slot() -> None:
    queries = _Queries(_admission(3, 2))
    for name in ("a1", "a2", "a3", "b1"):
        await queries.start(name)
    assert queries.order == ["a1", "a2", "b1"]
    await queries.end("b1")
    assert "a3" not in queries.order
    await queries.end("a1")
    assert queries.order[-1] == "a3"
    for name in ("a2", "a3"):
        await queries.end(name)


async def test_the_last_slot_is_for_a_tenant_that_has_none() -> None:
    queries = _Queries(_admission(3, 3))
    await queries.start("b0")
    await queries.end("b0")
    for name in ("a1", "a2", "a3", "b1"):
        await queries.start(name)
    assert queries.order == ["b0", "a1", "a2", "b1"]
    await queries.end("b1")
    assert queries.order[-1] == "b1", "the slot is kept for others"
    await queries.end("a1")
    assert queries.order[-1] == "a3"
    for name in ("a2", "a3"):
        await queries.end(name)


async def test_a_tenant_that_asks_alone_has_every_slot() -> None:
    queries = _Queries(_admission(3, 3))
    for name in ("a1", "a2", "a3"):
        await queries.start(name)
    assert queries.order == ["a1", "a2", "a3"]
    for name in ("a1", "a2", "a3"):
        await queries.end(name)
    await queries.start("b0")
    await queries.end("b0")
    for _ in range(1_001):  # so many in a row, and it counts as alone again
        async with queries.admission.slot("a", 60):
            pass
    for name in ("a4", "a5", "a6"):
        await queries.start(name)
    assert queries.order[-3:] == ["a4", "a5", "a6"]
    for name in ("a4", "a5", "a6"):
        await queries.end(name)


async def test_who_keeps_asking_beyond_its_limit_rests_between_its_turns_while_others_ask() -> None:
    clock = FakeClock()
    queries = _Queries(Admission(2, lambda _: 1, Pacing(clock, lambda tenant: tenant == "a")))
    await queries.start("b0")
    await queries.end("b0")
    for name in ("a1", "a2", "a3", "a4", "a5", "b1", "b2", "b3"):
        await queries.start(name)
    expected = ["b0", "a1", "b1"]
    for name, following in (("a1", "a2"), ("a2", "a3"), ("a3", "a4")):
        expected.append(following)
        await queries.end(name)
        assert queries.order == expected
        clock.advance_ms(2_000)
    await queries.end("a4")
    # b has no limit of its own.
    await queries.end("b1")
    assert queries.order == [*expected, "b2"]
    # Nobody else asks for what a left; it goes on by itself.
    await asyncio.wait_for(queries.started("a5"), 10)


@pytest.mark.parametrize(
    ("waited_s", "took_s", "rest_s"), [(4.8, 1.0, 0.0), (5.0, 0.001, 0.2), (5.0, 0.05, 0.95), (5.0, 9.0, 2.0)]
)
def test_a_rest_is_as_long_as_the_turn_before_it_asks_for(
    waited_s: float, took_s: float, rest_s: float
) -> None:
    clock = FakeClock()
    pacing = Pacing(clock, lambda tenant: tenant == "a")
    for _ in range(4):
        for tenant in ("a", "b"):
            pacing.note_waiting(tenant, clock.monotonic_s())
        clock.advance_ms(round(250 * waited_s))
    began_s = clock.monotonic_s() - took_s
    assert pacing.rest_s("a", began_s) == pytest.approx(rest_s)
    assert pacing.rest_s("b", began_s) == 0.0
    clock.advance_ms(2_000)
    assert pacing.rest_s("a", began_s) == 0.0, "it waits no more"


def test_who_has_long_pauses_is_within_its_limit() -> None:
    clock = FakeClock()
    pacing = Pacing(clock, lambda _: True)
    for _ in range(10):
        pacing.note_waiting("a", clock.monotonic_s())
        assert pacing.rest_s("a", clock.monotonic_s()) == 0.0
        clock.advance_ms(2_600)


def test_turns_that_take_long_are_no_pauses() -> None:
    clock = FakeClock()
    pacing = Pacing(clock, lambda _: True)
    for _ in range(3):
        began_s = clock.monotonic_s()
        clock.advance_ms(3_000)
        pacing.note_waiting("a", began_s)
    assert pacing.rest_s("a", began_s) == 2.0


async def test_slow_queries_leave_half_of_the_slots_to_others() -> None:
    queries = _Queries(_admission(4, 4))
    for name in ("a1slow", "b2slow", "a3slow", "c4", "d5", "e6"):
        await queries.start(name)
    assert queries.order == ["a1slow", "b2slow", "c4", "d5"]
    await queries.end("c4")
    assert queries.order[-1] == "e6"
    await queries.end("d5")
    assert queries.order[-1] == "e6"
    await queries.end("b2slow")
    assert queries.order[-1] == "a3slow"
    for name in ("a1slow", "a3slow", "e6"):
        await queries.end(name)


def test_a_question_is_as_slow_as_it_was_the_last_time() -> None:
    slowness = Slowness()
    assert not slowness.is_slow("q")
    slowness.note("q", 5.0)
    assert slowness.is_slow("q")
    slowness.note("q", 0.01)
    assert not slowness.is_slow("q")


async def test_waiting_too_long_is_prometheus_timeout_and_gives_the_place_up() -> None:
    queries = _Queries(_admission(1, 1))
    await queries.start("a1")
    late = await queries.start("a2", wait_s=0.01)
    with pytest.raises(PharosError) as caught:
        await late
    assert (caught.value.kind, caught.value.message) == (Kind.TIMEOUT, "query timed out in query queue")
    gone = await queries.start("a3")
    gone.cancel()
    await asyncio.wait({gone})
    await queries.start("a4")
    await queries.end("a1")
    assert queries.order == ["a1", "a4"]
    await queries.end("a4")


def test_samples_in_memory_are_bounded_and_the_oldest_goes_on() -> None:
    pool = SamplePool(1_000)
    oldest, second = pool.share(), pool.share()
    second.take(900, lambda: None)
    oldest.take(5_000, lambda: None)  # nobody it could wait for
    second.take(10, lambda: None)  # small
    asked = threading.Event()
    took = threading.Event()

    def take() -> None:
        second.take(80, asked.set)
        took.set()

    thread = threading.Thread(target=take)
    thread.start()
    assert asked.wait(10)
    assert not took.is_set()
    oldest.close()
    assert took.wait(10)
    thread.join()
    second.close()


def test_who_waits_for_room_can_give_up() -> None:
    pool = SamplePool(100)
    oldest, second = pool.share(), pool.share()
    oldest.take(100, lambda: None)

    def give_up() -> None:
        raise PharosError(Kind.TIMEOUT, "time is up")

    with pytest.raises(PharosError, match="time is up"):
        second.take(50, give_up)
    oldest.empty()
    second.take(50, give_up)


class _Flight:
    """Asks the same of `Flights` several times; `led` counts evaluations."""

    def __init__(self) -> None:
        self.flights: Flights[str] = Flights()
        self.led = 0
        self.go = asyncio.Event()
        self.fault: PharosError | None = None

    async def ask(self, key: str = "q", wait_s: float = 60) -> str:
        async def lead(publish):  # type: ignore[no-untyped-def]
            self.led += 1
            await self.go.wait()
            if self.fault is not None:
                raise self.fault
            publish("answer")
            await asyncio.sleep(0)
            return "led"

        async def follow(answer: str) -> str:
            return f"followed {answer}"

        return await self.flights.fly(key, lambda: wait_s, lead, follow)


async def test_equal_queries_share_one_evaluation() -> None:
    flight = _Flight()
    tasks = [asyncio.create_task(flight.ask()) for _ in range(3)]
    other = asyncio.create_task(flight.ask("another"))
    await _turns()
    flight.go.set()
    assert [await task for task in tasks] == ["led", "followed answer", "followed answer"]
    assert await other == "led"
    assert flight.led == 2
    assert await flight.ask() == "led"


async def test_when_who_leads_goes_away_another_leads() -> None:
    flight = _Flight()
    tasks = [asyncio.create_task(flight.ask()) for _ in range(3)]
    await _turns()
    tasks[0].cancel()
    await _turns()
    assert flight.led == 2
    flight.go.set()
    assert [await task for task in tasks[1:]] == ["led", "followed answer"]


async def test_a_fault_of_the_query_is_everyones() -> None:
    flight = _Flight()
    flight.fault = PharosError(Kind.INVALID, "many-to-many")
    tasks = [asyncio.create_task(flight.ask()) for _ in range(2)]
    await _turns()
    flight.go.set()
    for task in tasks:
        with pytest.raises(PharosError, match="many-to-many"):
            await task
    assert flight.led == 1


async def test_who_follows_has_a_time_of_its_own() -> None:
    flight = _Flight()
    leader = asyncio.create_task(flight.ask())
    await _turns()
    with pytest.raises(PharosError) as caught:
        await flight.ask(wait_s=0.01)
    assert caught.value.kind is Kind.TIMEOUT
    flight.go.set()
    assert await leader == "led"
