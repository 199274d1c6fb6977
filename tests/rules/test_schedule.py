"""When groups are due, and what the engine does about changes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.rules.running import MINUTE_MS, TENANT, Bench, bench, group_of

from pharos.clock import FakeClock
from pharos.rules.leases import AllOurs
from pharos.rules.schedule import Due, GroupLoop, Timetable, Watch, place_ms
from pharos.telemetry import REGISTRY

_NOW_MS = 1_700_000_000_000


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as found:
        yield found


class _Rounds:
    """A pause that moves the clock, and ends the loop after some rounds."""

    def __init__(self, clock: FakeClock, rounds: int) -> None:
        self._clock = clock
        self._left = rounds
        self.over = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        if not self._left:
            self.over.set()
            await asyncio.Event().wait()
        self._left -= 1
        self._clock.advance_ms(round(seconds * 1000))
        await asyncio.sleep(0)


def test_groups_are_spread_over_their_interval_and_keep_their_places() -> None:
    places = [place_ms("t", f"rules.yml;g{i}", MINUTE_MS) for i in range(600)]
    assert places == [place_ms("t", f"rules.yml;g{i}", MINUTE_MS) for i in range(600)]
    in_quarters = [sum(place // 15_000 == quarter for place in places) for quarter in range(4)]
    assert min(in_quarters) > 100


def test_groups_share_few_places_so_that_they_record_together() -> None:
    places = {place_ms("t", f"rules.yml;g{i}", MINUTE_MS) for i in range(600)}
    assert places == {i * 7_500 for i in range(8)}
    assert {place_ms("t", f"rules.yml;g{i}", 3_000) for i in range(60)} == {0, 1_000, 2_000}
    assert {place_ms("t", f"rules.yml;g{i}", 500) for i in range(60)} == {0}


def test_an_iteration_is_due_at_its_place() -> None:
    table = Timetable(MINUTE_MS, 7_000, _NOW_MS)
    now_ms = _NOW_MS + table.wait_ms(_NOW_MS)
    due = table.take(now_ms)
    assert (due, due.at_ms % MINUTE_MS) == (Due(now_ms), 7_000)
    assert table.wait_ms(now_ms + 1_000) == MINUTE_MS - 1_000


def test_a_late_iteration_keeps_its_time_and_one_that_is_an_interval_late_is_missed() -> None:
    table = Timetable(MINUTE_MS, 0, _NOW_MS)
    first = table.take(_NOW_MS + table.wait_ms(_NOW_MS)).at_ms
    late = table.take(first + MINUTE_MS + 30_000)
    assert late == Due(first + MINUTE_MS)
    assert table.take(first + 4 * MINUTE_MS + 1) == Due(first + 4 * MINUTE_MS, 2)


def test_a_timer_that_is_early_does_not_repeat_an_iteration() -> None:
    table = Timetable(MINUTE_MS, 0, _NOW_MS)
    first = table.take(_NOW_MS + table.wait_ms(_NOW_MS)).at_ms
    assert table.take(first + MINUTE_MS - 5) == Due(first + MINUTE_MS)


def test_a_clock_that_was_set_is_told_from_one_that_drifts() -> None:
    clock = FakeClock()
    watch = Watch(clock)
    clock.advance_ms(MINUTE_MS)
    assert watch.set_by_ms() == 0
    clock.set_ms(clock.now_ms() + 3_600_000)
    assert watch.set_by_ms() == 3_600_000
    assert watch.set_by_ms() == 0


def test_the_loop_evaluates_counts_what_it_missed_and_bears_a_clock_that_is_set(one: Bench) -> None:
    async def work() -> None:
        group = one.group("- alert: A\n  expr: a\n  for: 5m\n", name="loop")
        one.answers.values["a"] = {"x": 1}
        pause = _Rounds(one.clock, 3)
        loop = GroupLoop(group, one.clock, AllOurs(), pause)
        loop.start()
        await pause.over.wait()
        await loop.stop(cancel=True)
        names = {"tenant": TENANT, "rule_group": group.key}
        assert REGISTRY.get_sample_value("pharos_rule_group_iterations_total", names) == 3
        assert REGISTRY.get_sample_value("pharos_rule_group_iterations_missed_total", names) == 0
        loop.close()
        assert REGISTRY.get_sample_value("pharos_rule_group_iterations_total", names) is None

    asyncio.run(work())


def test_a_group_that_did_not_change_goes_on_and_a_changed_one_keeps_alerts_of_rules_that_stay(
    one: Bench,
) -> None:
    async def work() -> None:
        engine = one.engine()
        same = group_of("- alert: S\n  expr: s\n", "same")
        before = group_of("- alert: A\n  expr: a\n  for: 5m\n- alert: B\n  expr: b\n", "changed")
        await engine.apply(TENANT, [same, before])
        kept, changed = engine.groups(TENANT)[1], engine.groups(TENANT)[0]
        await one.go(changed, a={"x": 1}, b={"y": 1})
        since_ms = one.clock.now_ms()
        after = group_of("- alert: A\n  expr: a\n  for: 3m\n", "changed")
        await engine.apply(TENANT, [group_of("# a remark\n- alert: S\n  expr: s\n", "same"), after])
        assert engine.groups(TENANT)[1] is kept
        fresh = engine.groups(TENANT)[0]
        assert fresh is not changed
        assert [one.active_ms for one in fresh.runs[0].state.alerts.values()] == [since_ms]
        # What fired and has no rule any more is over, and whoever heard of it hears that.
        over = one.kept.taken()
        assert [(alert.name, alert.is_resolved_at(one.clock.now_ms())) for alert in over] == [("B", True)]
        await one.go(fresh, a={"x": 1})
        ended = [text for text, value in one.kept.samples().items() if value == float("inf")]
        assert sorted(text.partition("=")[2].partition(",")[0] for text in ended) == [
            "ALERTS",
            "ALERTS_FOR_STATE",
        ]
        await engine.stop()

    asyncio.run(work())


def test_a_rule_that_moves_to_another_group_keeps_its_alerts(one: Bench) -> None:
    async def work() -> None:
        engine = one.engine()
        await engine.apply(TENANT, [group_of("- alert: A\n  expr: a\n", "old")])
        await one.go(engine.groups(TENANT)[0], a={"x": 1})
        await engine.apply(TENANT, [group_of("- alert: A\n  expr: a\n", "new")])
        assert one.kept.taken() == []
        assert await one.go(engine.groups(TENANT)[0]) == []
        await engine.stop()

    asyncio.run(work())


def test_alerts_of_rules_that_went_while_nothing_ran_are_over(tmp_path: Path) -> None:
    with bench(tmp_path) as one:

        async def before() -> None:
            engine = one.engine()
            await engine.apply(TENANT, [group_of("- alert: A\n  expr: a\n")])
            await one.go(engine.groups(TENANT)[0], a={"x": 1})
            await engine.stop()

        asyncio.run(before())
    with bench(tmp_path, one.clock) as other:

        async def after() -> None:
            engine = other.engine()
            await engine.apply(TENANT, [])
            other.clock.advance_ms(MINUTE_MS)
            await engine.end_forgotten()
            assert [alert.is_resolved_at(other.clock.now_ms()) for alert in other.kept.taken()] == [True]
            await engine.end_forgotten()
            assert other.kept.taken() == []
            await engine.stop()

        asyncio.run(after())


def test_an_expression_that_is_none_changes_nothing(one: Bench) -> None:
    async def work() -> None:
        engine = one.engine()
        await engine.apply(TENANT, [group_of("- alert: A\n  expr: a\n")])
        running = engine.groups(TENANT)
        await engine.apply(TENANT, [group_of("- alert: A\n  expr: a\n")])
        assert engine.groups(TENANT) == running
        await engine.stop()
        assert engine.groups(TENANT) == []

    asyncio.run(work())


def test_of_a_tenant_that_is_closed_nothing_is_evaluated_or_told(one: Bench) -> None:
    async def work() -> None:
        engine = one.engine()
        await engine.apply(TENANT, [group_of("- alert: A\n  expr: a\n")])
        await one.go(engine.groups(TENANT)[0], a={"x": 1})
        await engine.forget(TENANT)
        assert engine.tenants() == []
        assert one.kept.taken() == []
        # When it is open again, its alerts are what they were.
        await engine.apply(TENANT, [group_of("- alert: A\n  expr: a\n")])
        await one.go(engine.groups(TENANT)[0], a={"x": 1})
        assert await one.steps() == ["firing x"]
        await engine.stop()

    asyncio.run(work())
