"""A running group: what is told when, what is written down, what is known after a fault or a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from tests.rules.running import AWAY, MINUTE_MS, Bench, bench

from pharos.alert import Alert
from pharos.errors import Kind, PharosError
from pharos.rules.evaluate import AlertState
from pharos.rules.group import RuleOptions
from pharos.rules.running import Unknown

_SIMPLE = """
- alert: A
  expr: a
  annotations: {text: "it is {{value}}"}
"""
_FOR = """
- alert: A
  expr: a
  for: 5m
"""


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as found:
        yield found


def _run(work: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        await work()

    asyncio.run(run())


def _told(alerts: list[Alert], now_ms: int) -> list[str]:
    return [f"{one.label('i')} {'over' if one.is_resolved_at(now_ms) else 'fires'}" for one in alerts]


def test_an_alert_is_told_of_when_it_fires_each_minute_and_for_a_quarter_of_an_hour_when_over(
    one: Bench,
) -> None:
    async def work() -> None:
        one.interval_ms = 30_000
        group = one.group(_SIMPLE)
        told = await one.go(group, a={"x": 7})
        fired_ms = one.clock.now_ms()
        assert [(alert.labels, alert.annotations) for alert in told] == [
            ((("alertname", "A"), ("i", "x")), (("text", "it is 7"),))
        ]
        assert (told[0].starts_ms, told[0].ends_ms) == (fired_ms, fired_ms + 4 * MINUTE_MS)
        assert told[0].generator_url == "/graph?g0.expr=a&g0.tab=1"
        counts = [len(await one.go(group)) for _ in range(6)]
        # Prometheus sends again once more than the resend delay has passed, at the interval after it.
        assert counts == [0, 0, 1, 0, 0, 1]
        told = await one.go(group, a={})
        over_ms = one.clock.now_ms()
        assert (told[0].starts_ms, told[0].ends_ms) == (fired_ms, over_ms)
        later = [len(await one.go(group)) for _ in range(40)]
        assert sum(later) == 10
        assert not any(later[31:])

    _run(work)


def test_what_fires_anew_is_told_of_at_once_though_its_end_was_just_told_of(one: Bench) -> None:
    async def work() -> None:
        group = one.group(_SIMPLE)
        for answer, said in (({"x": 7.0}, "x fires"), ({}, "x over"), ({"x": 8.0}, "x fires")):
            assert _told(await one.go(group, a=answer), one.clock.now_ms()) == [said]

    _run(work)


def test_pending_is_told_to_nobody_and_written_down(one: Bench) -> None:
    async def work() -> None:
        group = one.group(_FOR)
        counts = [len(await one.go(group, a={"x": 1})) for _ in range(6)]
        assert counts == [0, 0, 0, 0, 0, 1]
        await one.go(group, a={})
        assert await one.steps() == ["pending x", "firing x", "resolved x"]
        await one.go(group, a={"x": 1})
        await one.go(group, a={})
        assert (await one.steps())[3:] == ["pending x", "resolved x"]

    _run(work)


def test_what_is_not_taken_is_told_again(one: Bench) -> None:
    async def work() -> None:
        group = one.group(_SIMPLE)
        one.kept.refuse_alerts = AWAY
        assert await one.go(group, a={"x": 1}) == []
        one.kept.refuse_alerts = None
        assert _told(await one.go(group), one.clock.now_ms()) == ["x fires"]
        one.kept.refuse_alerts = AWAY
        await one.go(group, a={})
        one.kept.refuse_alerts = None
        assert _told(await one.go(group), one.clock.now_ms()) == ["x over"]

    _run(work)


def test_a_failed_evaluation_ends_nothing_and_goes_on_telling(one: Bench) -> None:
    async def work() -> None:
        group = one.group(_SIMPLE)
        await one.go(group, a={"x": 1})
        failed = PharosError(Kind.TIMEOUT, "query timed out in expression evaluation")
        told = [_told(await one.go(group, a=failed), one.clock.now_ms()) for _ in range(4)]
        assert told == [[], ["x fires"], [], ["x fires"]]
        run = group.runs[0]
        assert (run.unknown, run.error) == (Unknown.FAILED, str(failed))
        assert await one.steps() == ["firing x", "unknown", "unknown x"]
        await one.go(group, a={"x": 1})
        assert (run.unknown, run.error) == (Unknown.NOT, "")

    _run(work)


def test_a_door_that_is_away_fails_all_rules(one: Bench) -> None:
    async def work() -> None:
        group = one.group(_SIMPLE + "- record: r\n  expr: b\n")
        await one.go(group, a={"x": 1}, b={"y": 2})
        one.answers.away = AWAY
        await one.go(group)
        assert [run.error for run in group.runs] == [str(AWAY)] * 2

    _run(work)


def test_no_data_where_there_was_some_is_unknown(one: Bench) -> None:
    async def work() -> None:
        group = one.group(_SIMPLE)
        found: list[Unknown] = []
        for has_data in (False, True, False, True):
            one.answers.without_data = set() if has_data else {"a"}
            await one.go(group, a={})
            found.append(group.runs[0].unknown)
        assert found == [Unknown.NOT, Unknown.NOT, Unknown.NO_DATA, Unknown.NOT]

    _run(work)


def test_that_a_rule_is_unknown_is_an_alert_of_its_own_where_that_is_wanted(tmp_path: Path) -> None:
    options = RuleOptions(unknown=(("severity", "warning"),), unknown_after_ms=2 * MINUTE_MS)
    with bench(tmp_path, options=options) as one:

        async def work() -> None:
            group = one.group(_SIMPLE)
            failed = PharosError(Kind.TIMEOUT, "too slow")
            told = [alert for _ in range(3) for alert in await one.go(group, a=failed)]
            assert [dict(alert.labels) for alert in told] == [
                {
                    "alertname": "RuleUnknown",
                    "reason": "failed",
                    "rule": "A",
                    "rule_file": "rules.yml",
                    "rule_group": "g",
                    "severity": "warning",
                }
            ]
            assert dict(told[0].annotations)["description"] == "too slow"
            again = one.group(_SIMPLE)
            told = await one.go(again, a={})
            assert [alert.name for alert in told if alert.is_resolved_at(one.clock.now_ms())] == [
                "RuleUnknown"
            ]

        _run(work)


def test_samples_are_kept_in_one_piece_and_series_that_end_are_marked(one: Bench) -> None:
    async def work() -> None:
        group = one.group(_FOR + "- record: r\n  expr: b\n  labels: {l: v}\n")
        await one.go(group, a={"x": 1}, b={"y": 2})
        assert one.kept.samples() == {
            "__name__=ALERTS,alertname=A,alertstate=pending,i=x": 1.0,
            "__name__=ALERTS_FOR_STATE,alertname=A,i=x": one.clock.now_ms() // 1000,
            "__name__=r,i=y,l=v": 2.0,
        }
        await one.go(group, a={}, b={"z": 3})
        ends = float("inf")
        assert one.kept.samples() == {
            "__name__=ALERTS,alertname=A,alertstate=pending,i=x": ends,
            "__name__=ALERTS_FOR_STATE,alertname=A,i=x": ends,
            "__name__=r,i=y,l=v": ends,
            "__name__=r,i=z,l=v": 3.0,
        }

    _run(work)


def test_samples_that_are_refused_are_a_failed_evaluation(one: Bench) -> None:
    async def work() -> None:
        group = one.group("- record: r\n  expr: b\n")
        await one.go(group, b={"y": 2})
        one.kept.refuse_samples = AWAY
        await one.go(group, b={})
        assert group.runs[0].unknown is Unknown.FAILED
        assert "not recorded" in group.runs[0].error
        one.kept.refuse_samples = None
        await one.go(group, b={})
        # The end of the series is marked once that is possible.
        assert one.kept.samples() == {"__name__=r,i=y": float("inf")}

    _run(work)


def test_the_offset_of_queries_is_that_of_samples_too(one: Bench) -> None:
    async def work() -> None:
        one.options = RuleOptions(query_offset_ms=15_000)
        group = one.group("- record: r\n  expr: b\n" + _SIMPLE.strip() + "\n")
        await one.go(group, a={"x": 1}, b={"y": 2})
        now_ms = one.clock.now_ms()
        assert {at_ms for _, at_ms in one.answers.asked} == {now_ms - 15_000}
        assert one.kept.recorded[-1].at_ms == now_ms - 15_000
        assert group.runs[1].state.firing()[0].active_ms == now_ms

    _run(work)


def test_a_restart_goes_on_where_the_last_process_ended(tmp_path: Path) -> None:
    with bench(tmp_path) as one:

        async def before() -> None:
            group = one.group(_FOR + "- alert: B\n  expr: b\n")
            for _ in range(3):
                await one.go(group, a={"x": 1}, b={"y": 2})

        _run(before)
    with bench(tmp_path, one.clock) as other:

        async def after() -> None:
            group = other.group(_FOR + "- alert: B\n  expr: b\n")
            now_ms = other.clock.now_ms()
            other.answers.was_pending("A", now_ms, now_ms - 2 * MINUTE_MS, asked="A|B")
            told = [
                _told(await other.go(group, a={"x": 1}, b={"y": 2}), other.clock.now_ms()) for _ in range(3)
            ]
            assert told == [["y fires"], [], ["x fires", "y fires"]]
            assert await other.steps() == ["pending x", "firing y", "firing x"]

        _run(after)


@pytest.mark.parametrize("has_samples", [True, False])
def test_time_in_which_nobody_looked_does_not_count(tmp_path: Path, has_samples: bool) -> None:
    with bench(tmp_path) as one:

        async def before() -> None:
            group = one.group(_FOR)
            for _ in range(3):
                await one.go(group, a={"x": 1})

        _run(before)
    ended_ms = one.clock.now_ms()
    one.clock.advance_ms(60 * MINUTE_MS)
    with bench(tmp_path, one.clock) as other:

        async def after() -> None:
            group = other.group(_FOR)
            if has_samples:
                other.answers.was_pending("A", ended_ms, ended_ms - 2 * MINUTE_MS)
            counts = [len(await other.go(group, a={"x": 1})) for _ in range(6)]
            # Without samples nobody knows how long it was looked at after it began.
            assert counts.index(1) == (2 if has_samples else 4)

        _run(after)


def test_history_of_another_server_serves_where_the_state_knows_nothing(one: Bench) -> None:
    async def work() -> None:
        now_ms = one.clock.now_ms()
        one.answers.was_pending("A", now_ms, now_ms - 4 * MINUTE_MS)
        told = _told(await one.go(one.group(_FOR), a={"x": 1}), one.clock.now_ms())
        assert told == ["x fires"]

    _run(work)


def test_what_fires_is_not_over_because_data_has_not_come_in_after_a_gap(tmp_path: Path) -> None:
    with bench(tmp_path) as one:

        async def before() -> None:
            await one.go(one.group(_SIMPLE), a={"x": 1})

        _run(before)
    one.clock.advance_ms(60 * MINUTE_MS)
    with bench(tmp_path, one.clock) as other:

        async def after() -> None:
            group = other.group(_SIMPLE)
            assert _told(await other.go(group, a={}), other.clock.now_ms()) == ["x fires"]
            told = [_told(await other.go(group, a={"x": 1}), other.clock.now_ms()) for _ in range(2)]
            assert ["x over"] not in told
            told = [_told(await other.go(group, a={}), other.clock.now_ms()) for _ in range(3)]
            assert ["x over"] in told

        _run(after)


def test_an_end_that_nobody_may_have_heard_of_is_told_again_after_a_restart(tmp_path: Path) -> None:
    with bench(tmp_path) as one:

        async def before() -> None:
            group = one.group(_SIMPLE)
            await one.go(group, a={"x": 1})
            one.kept.refuse_alerts = AWAY
            await one.go(group, a={})

        _run(before)
    with bench(tmp_path, one.clock) as other:

        async def after() -> None:
            group = other.group(_SIMPLE)
            assert _told(await other.go(group, a={}), other.clock.now_ms())[:1] == ["x over"]

        _run(after)


def test_a_clock_that_is_set_fires_nothing_and_ends_nothing(one: Bench) -> None:
    async def work() -> None:
        group = one.group(_FOR + "- alert: B\n  expr: b\n")
        await one.go(group, a={"x": 1}, b={"y": 2})
        for by_ms in (60 * MINUTE_MS, -60 * MINUTE_MS):
            one.clock.set_ms(one.clock.now_ms() + by_ms)
            group.shift(by_ms)
            told = _told(await one.go(group, a={"x": 1}, b={}), one.clock.now_ms())
            assert "x fires" not in told
            assert "y over" not in told
            await one.go(group, a={"x": 1}, b={"y": 2})
        assert group.runs[0].state.alerts
        states = {alert.state for run in group.runs for alert in run.state.alerts.values()}
        assert states <= {AlertState.PENDING, AlertState.FIRING}

    _run(work)


def test_a_limit_that_is_met_ends_what_fired(one: Bench) -> None:
    async def work() -> None:
        group = one.group(_SIMPLE, limit=1)
        await one.go(group, a={"x": 1})
        told = await one.go(group, a={"x": 1, "y": 2})
        assert _told(told, one.clock.now_ms()) == ["x over"]
        assert group.runs[0].unknown is Unknown.FAILED

    _run(work)


def test_hostile_labels_and_texts_are_kept_and_told(one: Bench) -> None:
    async def work() -> None:
        hostile = {"a\0b": 1.0, "<script>\r\n": 2.0, "x" * 1_000_000: 3.0}
        group = one.group(_SIMPLE)
        told = await one.go(group, a=hostile)
        assert {alert.label("i") for alert in told} == set(hostile)
        assert group.ledger.is_written
        assert len(await one.steps()) == 3
        assert {alert.is_resolved_at(one.clock.now_ms()) for alert in await one.go(group, a={})} == {True}

    _run(work)
