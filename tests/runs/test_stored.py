"""Runs in the store: found again after memory was lost, listed, counted; a request is taken whole or not."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.runs.desk import SCOPE, life, open_desk

from pharos.access import ALL, Scope
from pharos.errors import Kind, PharosError
from pharos.runs.asked import Asked
from pharos.runs.events import EventKind, RunEvent, State, StepRef
from pharos.runs.view import Summary

_MS = 1_000_000


def _now_ms() -> int:
    return time.time_ns() // _MS


def _plain(found: list[Summary]) -> list[tuple[str, State, int | None]]:
    return [(one.run_id, one.told_state, one.duration_ms) for one in found]


async def test_runs_are_the_same_from_memory_from_the_store_and_after_a_restart(tmp_path: Path) -> None:
    now_ms = _now_ms()
    wanted = [
        ("c", State.RUNNING, None),
        ("b", State.FAILED, 2000),
        ("a", State.SUCCEEDED, 1000),
    ]
    async with open_desk(tmp_path) as desk:
        for name, lasted_ms, state in (
            ("a", 1000, State.SUCCEEDED),
            ("b", 2000, State.FAILED),
            ("c", 9, None),
        ):
            begin_ms = now_ms - 60_000 + ord(name)
            await desk.runs.record(
                SCOPE, life(name, begin_ms, lasted_ms, state, error="no" if name == "b" else "")
            )
        live = await desk.all()
        assert _plain([one for one in live if one.is_over]) == wanted[1:]
        await desk.stored()
        desk.forget()
        assert _plain(await desk.all()) == wanted[1:], "what is not over is in memory alone"
        view = await desk.runs.run(SCOPE, "b")
        assert (view.summary.told_state, view.summary.error, list(view.state.steps)) == (
            State.FAILED,
            "no",
            ["load"],
        )
    async with open_desk(tmp_path) as desk:
        await desk.woken()
        book = desk.runs.book(SCOPE)
        assert list(book.live) == ["c"]
        assert [one.run_id for one in await desk.all()] == ["c", "b", "a"]
        again = await desk.runs.record(
            SCOPE, life("b", now_ms - 60_000 + ord("b"), 2000, State.FAILED, error="no")
        )
        assert (again.accepted, again.doubled) == (0, 4), "a repetition is known after a restart"


async def test_a_late_event_changes_a_run_of_the_past_and_the_list_shows_the_last_word(
    tmp_path: Path,
) -> None:
    begin_ms = _now_ms() - 60_000
    async with open_desk(tmp_path) as desk:
        await desk.runs.record(SCOPE, life("a", begin_ms, 1000, State.FAILED))
        await desk.stored()
        desk.forget()
        late = RunEvent("a", EventKind.END, (begin_ms + 5000) * _MS, state=State.SUCCEEDED)
        await desk.runs.record(SCOPE, [late])
        await desk.stored()
        desk.forget()
        assert _plain(await desk.all()) == [("a", State.SUCCEEDED, 5000)]
        assert await desk.all(states=frozenset({State.FAILED})) == []
        reopened = RunEvent("a", EventKind.START, (begin_ms + 9000) * _MS, attempt=2)
        await desk.runs.record(SCOPE, [reopened])
        await desk.stored()
        assert [(one.run_id, one.told_state) for one in await desk.all()] == [("a", State.RUNNING)]


async def test_pages_follow_one_another_without_a_gap(tmp_path: Path) -> None:
    now_ms = _now_ms()
    names = [f"r{place:03}" for place in range(130)]
    async with open_desk(tmp_path) as desk:
        events = [
            event
            for place, name in enumerate(names)
            for event in life(name, now_ms - 200_000 + place // 3, 10, workflow="ab"[place % 2])
        ]
        await desk.runs.record(SCOPE, events)
        await desk.stored()
        for _ in range(2):
            asked, place, found = Asked(now_ms - 86_400_000, now_ms), None, []
            while True:
                page = await desk.runs.page(SCOPE, asked, 20, place)
                found += [one.run_id for one in page.runs]
                place = page.next
                if place is None:
                    break
            assert found == [*reversed(names)]
            desk.forget()
        assert len(await desk.all(workflows=("a",), text="R0")) == 50
        counted, live = await desk.runs.statistics(SCOPE, Asked(now_ms - 86_400_000, now_ms), "workflow")
        assert {one.value: (one.runs, one.p50_ms) for one in counted.groups} == {
            "a": (65, 10.0),
            "b": (65, 10.0),
        }
        assert (counted.total.success_rate, live) == (1.0, {})


@dataclass
class _Counting:
    """A scheduler whose statements are counted."""

    scheduler: Any
    statements: list[str] = field(default_factory=list)

    def deadline(self) -> Any:
        return self.scheduler.deadline()

    async def run(self, scope: Scope, asked: Any, deadline: Any, work: Any) -> Any:
        def counted(session: Any) -> Any:
            return work(_Counted(session, self.statements))

        return await self.scheduler.run(scope, asked, deadline, counted)


@dataclass
class _Counted:
    session: Any
    statements: list[str]

    def query(self, statement: Any, *, purpose: str) -> Any:
        self.statements.append(purpose)
        return self.session.query(statement, purpose=purpose)


async def test_what_memory_and_the_store_have_of_a_list_is_put_together_in_few_statements(
    tmp_path: Path,
) -> None:
    now_ms = _now_ms()
    begins = {f"r{place:03}": now_ms - 900_000 + 1000 * (place // 2) for place in range(1_200)}
    kept = {name for place, name in enumerate(begins) if place % 40 == 0 or place < 400}
    failed = {name for place, name in enumerate(begins) if place % 5 == 0}

    def lives(names: set[str]) -> list[RunEvent]:
        return [
            event
            for name in sorted(names)
            for event in life(name, begins[name], 10, State.FAILED if name in failed else State.SUCCEEDED)
        ]

    async with open_desk(tmp_path) as desk:
        await desk.runs.record(SCOPE, lives(kept))
        await desk.stored()
        desk.forget()
        await desk.runs.record(SCOPE, lives(begins.keys() - kept))
        await desk.stored()
        counting = _Counting(desk.runs.scheduler)
        runs = replace(desk.runs, scheduler=counting)
        for states, wanted in ((frozenset[State](), set(begins)), (frozenset({State.FAILED}), failed)):
            asked, place, found = Asked(now_ms - 86_400_000, now_ms, states=states), None, []
            while True:
                counting.statements.clear()
                page = await runs.page(SCOPE, asked, 50, place)
                assert counting.statements.count("runs_page") <= 2
                found += [one.run_id for one in page.runs]
                place = page.next
                if place is None:
                    break
            assert found == sorted(wanted, key=lambda name: (begins[name], name), reverse=True)


async def test_others_have_their_turn_while_a_list_of_many_runs_is_made(tmp_path: Path) -> None:
    now_ms = _now_ms()
    async with open_desk(tmp_path) as desk:
        for first in range(0, 3_000, 500):
            begins = range(now_ms - 60_000 + first, now_ms - 60_000 + first + 500)
            await desk.runs.record(
                SCOPE, [one for at_ms in begins for one in life(f"r{at_ms}", at_ms, 9, None)[:1]]
            )
        asked = Asked(now_ms - 86_400_000, now_ms, states=frozenset({State.RUNNING}))
        making = asyncio.ensure_future(desk.runs.page(SCOPE, asked, 50))
        turns = 0
        while not making.done():
            turns += 1
            await asyncio.sleep(0)
        assert turns > 2
        newest = [f"r{now_ms - 57_001 - back}" for back in range(50)]
        assert [one.run_id for one in making.result().runs] == newest


async def test_another_tenant_sees_nothing_and_may_have_the_same_ids(tmp_path: Path) -> None:
    now_ms, other = _now_ms(), Scope("two", permissions=ALL)
    async with open_desk(tmp_path) as desk:
        await desk.runs.record(SCOPE, life("a", now_ms - 9000, 1000))
        await desk.stored()
        asked = Asked(now_ms - 86_400_000, now_ms)
        for _ in range(2):
            assert (await desk.runs.page(other, asked, 10)).runs == []
            assert await desk.runs.workflows(other, asked) == []
            with pytest.raises(PharosError) as raised:
                await desk.runs.run(other, "a")
            assert raised.value.kind is Kind.MISSING
            desk.forget()
        await desk.runs.record(other, life("a", now_ms - 5000, 77, State.FAILED))
        assert _plain(await desk.all()) == [("a", State.SUCCEEDED, 1000)]
        with pytest.raises(PharosError) as several:
            await desk.runs.record(Scope("one|two", permissions=ALL), life("a", now_ms, 1))
        assert several.value.kind is Kind.INVALID


async def test_what_the_intake_refuses_is_taken_when_it_comes_again(tmp_path: Path) -> None:
    now_ms = _now_ms()
    async with open_desk(tmp_path) as desk:
        await desk.runs.record(SCOPE, life("a", now_ms - 9000, 1000, None))
        end = [RunEvent("a", EventKind.END, now_ms * _MS), *life("b", now_ms - 5, 1)]
        desk.store.intake.refuse(PharosError(Kind.UNAVAILABLE, "the disk is full"))
        with pytest.raises(PharosError, match="the disk is full"):
            await desk.runs.record(SCOPE, end)
        desk.store.intake.refuse(None)
        assert (await desk.runs.record(SCOPE, end)).accepted == 5
        await desk.stored()
        desk.forget()
        assert [(one.run_id, one.told_state.value) for one in await desk.all()] == [
            ("b", "succeeded"),
            ("a", "succeeded"),
        ]


async def test_many_senders_at_once_are_all_heard(tmp_path: Path) -> None:
    now_ms = _now_ms()
    async with open_desk(tmp_path) as desk:
        lives = {f"r{place}": life(f"r{place}", now_ms - 60_000, 100 + place) for place in range(30)}
        events = [event for one in lives.values() for event in one]
        random.Random(3).shuffle(events)
        sent = [desk.runs.record(SCOPE, [one]) for one in [*events, *events[:40]]]
        found = await asyncio.gather(*sent)
        assert sum(one.accepted for one in found) == len(events)
        assert sum(one.doubled for one in found) == 40
        shown = {one.run_id: one.duration_ms for one in await desk.all()}
        assert shown == {f"r{place}": 100 + place for place in range(30)}


async def test_a_run_with_too_many_steps_is_refused_and_others_of_the_moment_are_not(tmp_path: Path) -> None:
    now_ms = _now_ms()
    steps = [RunEvent("a", EventKind.START, now_ms * _MS, step=StepRef(f"s{place}")) for place in range(5001)]
    async with open_desk(tmp_path) as desk:
        good, bad = await asyncio.gather(
            desk.runs.record(SCOPE, life("b", now_ms - 5, 1)),
            desk.runs.record(SCOPE, steps),
            return_exceptions=True,
        )
        assert not isinstance(good, BaseException)
        assert isinstance(bad, PharosError)
        assert bad.kind is Kind.LIMITED
        assert [one.run_id for one in await desk.all()] == ["b"]


async def test_workflows_say_how_they_do_the_worst_first(tmp_path: Path) -> None:
    now_ms = _now_ms()
    async with open_desk(tmp_path) as desk:
        for place in range(4):
            at_ms = now_ms - 400_000 + place * 10_000
            await desk.runs.record(SCOPE, life(f"g{place}", at_ms, 1000, workflow="good"))
            await desk.runs.record(SCOPE, life(f"b{place}", at_ms, 1000, State.FAILED, workflow="bad"))
        await desk.runs.record(SCOPE, life("l", now_ms - 300_000, 10, None, workflow="slow", deadline_ns=1))
        await desk.stored()
        found = await desk.runs.workflows(SCOPE, Asked(now_ms - 86_400_000, now_ms + 1000))
        assert [(one.name, one.state) for one in found] == [
            ("bad", "failing"),
            ("slow", "late"),
            ("good", "succeeded"),
        ]
        good = found[2].shown()
        assert (good["runs"], good["success_rate"], good["duration_p50_ms"]) == (4, 1.0, 1000)
        assert good["last"]["run_id"] == "g3"


async def test_two_runs_differ_in_what_explains_the_time(tmp_path: Path) -> None:
    now_ms = _now_ms()
    async with open_desk(tmp_path) as desk:
        await desk.runs.record(SCOPE, life("a", now_ms - 90_000, 1000, version="1", inputs={"day": 1}))
        await desk.runs.record(SCOPE, life("b", now_ms - 60_000, 4000, version="2", inputs={"day": 2}))
        found = await desk.runs.diff(SCOPE, "a", "b")
        assert found["duration_change_ms"] == 3000
        assert found["fields"] == [{"name": "version", "a": "1", "b": "2"}]
        assert found["inputs"] == [{"name": "day", "a": 1, "b": 2}]
        (step,) = found["steps"]
        assert (step["id"], step["duration_change_ms"], step["share"]) == ("load", 3000, 1.0)


async def test_the_page_of_a_run_has_all_that_it_shows(tmp_path: Path) -> None:
    now_ms = _now_ms()
    async with open_desk(tmp_path) as desk:
        for place in range(5):
            await desk.runs.record(SCOPE, life(f"p{place}", now_ms - 900_000 + place * 1000, 500))
        told = [
            *life("r", now_ms - 60_000, 700, None, service="loader"),
            RunEvent("r", EventKind.START, (now_ms - 100) * _MS, step=StepRef("save", depends_on=("load",))),
            *life("child", now_ms - 50_000, 5, parent="r"),
        ]
        await desk.runs.record(SCOPE, told)
        await desk.stored()
        for _ in range(2):
            shown = (await desk.runs.run(SCOPE, "r")).shown(now_ms)
            assert [one["id"] for one in shown["steps"]] == ["load", "save"]
            assert shown["edges"] == [["load", "save"]]
            assert [one["run_id"] for one in shown["children"]] == ["child"]
            assert shown["steps"][0]["typical_ms"] == 500
            assert shown["typical"]["runs"] == 5
            assert shown["links"]["logs_query"] == 'service:"loader"'
            desk.forget()
