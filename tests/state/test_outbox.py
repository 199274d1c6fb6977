"""Alerts and silences are kept, and what is owed is sent by one, once, until it was taken."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from msgspec.structs import replace

from pharos.alert import Alert
from pharos.clock import FakeClock
from pharos.errors import Kind, PharosError
from pharos.labels import Matcher, MatchOp
from pharos.state import PHAROS, Family, State, Unit, Writing, alerts, outbox, silences
from pharos.state.alerts import Kept
from pharos.state.outbox import LEASE_MS, Marks, Owed, Result, Told
from pharos.state.silences import Silence

KEY = '{}:{alertname="A"}'
GROUP = ("a", KEY)
OWED = Owed(*GROUP, "pager", "webhook/0", {"receiver": "pager"}, Marks(("f",), (), ("f",)))


async def test_alerts_are_kept_until_nothing_is_owed_about_them(state: State, clock: FakeClock) -> None:
    told: list[frozenset[Family]] = []
    state.watch(told.append)
    many = [Alert((("alertname", "A"), ("n", str(n))), (), 1, 2, 3, "http://g") for n in range(2000)]
    first = await state.write(lambda unit: alerts.put(unit, [Kept("a", one, 1) for one in many]), PHAROS)
    assert told == [{Family.ALERTS}]
    news = dataclasses.replace(many[0], updated_ms=4, is_timed_out=True)
    second = await state.write(lambda unit: alerts.put(unit, [Kept("a", news, 1)]), PHAROS)
    assert second > first
    assert await state.read(lambda unit: alerts.list_since(unit, first)) == (Kept("a", news, 1),)
    assert len(await state.read(lambda unit: alerts.list_since(unit, -1))) == 2000
    # One of them changed since, and stays.
    assert await state.write(lambda unit: alerts.drop(unit, "a", many), PHAROS) == 1999
    assert await state.write(lambda unit: alerts.drop_tenant(unit, "a"), PHAROS) == 1


async def test_what_is_owed_is_leased_to_one(state: State, clock: FakeClock) -> None:
    (row,) = await state.write(lambda unit: outbox.add(unit, [OWED]), PHAROS)

    async def due(who: str) -> list[str]:
        rows = await state.write(lambda unit: outbox.due(unit, unit.now_ms, 10, who), PHAROS)
        return [one.id for one in rows]

    assert await due("one") == [row.id]
    assert await due("two") == []
    clock.advance_ms(LEASE_MS)
    assert await due("two") == [row.id]
    # Whoever leased it had a clock that was an hour ahead.
    clock.advance_ms(-3_600_000)
    assert await due("three") == [row.id]
    retry = Result(row, error="503", retry_ms=500, at_ms=7)
    await state.write(lambda unit: outbox.failed(unit, [retry]), PHAROS)
    assert await due("one") == []
    clock.advance_ms(500)
    assert await due("one") == [row.id]
    (found,) = await state.write(lambda unit: outbox.adopt(unit, "two"), PHAROS)
    assert not await state.read(lambda unit: outbox.has_due(unit, unit.now_ms, "one"))
    assert (found.tries, found.tried_ms, found.error) == (1, 7, "503")


async def test_sent_is_owed_no_more_and_known_as_told(state: State) -> None:
    (row,) = await state.write(lambda unit: outbox.add(unit, [OWED], "me"), PHAROS)
    (newer,) = await state.write(lambda unit: outbox.add(unit, [OWED], "me"), PHAROS)
    assert row.id != newer.id
    assert await state.read(lambda unit: outbox.list_owed(unit, [GROUP])) == {OWED.place: newer}
    (also,) = await state.write(lambda unit: outbox.add(unit, [replace(OWED, purpose="reminder:1")]), PHAROS)
    taken = [Result(newer, {"ts": "1"}, at_ms=9), Result(also, at_ms=10)]
    await state.write(lambda unit: outbox.sent(unit, taken), PHAROS)
    assert await state.read(outbox.list_all) == ()
    told = await state.read(lambda unit: outbox.list_told(unit, [GROUP, ("b", KEY)]))
    assert told == {OWED.place: Told(*OWED.place, OWED.marks, 9, {"ts": "1"})}
    assert await state.write(lambda unit: outbox.forget_groups(unit, [GROUP]), PHAROS) == 1


async def test_dead_letters_stay_and_are_replayed_or_discarded(state: State) -> None:
    (row,) = await state.write(lambda unit: outbox.add(unit, [OWED]), PHAROS)
    await state.write(lambda unit: outbox.failed(unit, [Result(row, error="404", at_ms=7)]), PHAROS)
    dead = await state.read(lambda unit: outbox.list_all(unit, "a", outbox.DEAD))
    assert [one.error for one in dead] == ["404"]
    assert (await state.write(lambda unit: outbox.replay(unit, "a", row.id), PHAROS)).id == row.id
    for act in (outbox.replay, outbox.discard):
        await refused(state, act, row.id)
    await state.write(lambda unit: outbox.failed(unit, [Result(row, error="404", at_ms=8)]), PHAROS)
    await refused(state, outbox.discard, row.id, tenant="b")
    await state.write(lambda unit: outbox.discard(unit, "a", row.id), PHAROS)
    assert await state.read(outbox.list_all) == ()


async def refused(state: State, act: Any, identifier: str, tenant: str = "a") -> None:
    with pytest.raises(PharosError, match="no dead letter") as found:
        await state.write(lambda unit: act(unit, tenant, identifier), PHAROS)
    assert found.value.kind is Kind.MISSING


async def test_silences_are_kept_audited_and_belong_to_a_tenant(state: State) -> None:
    silence = Silence("s", "a", (Matcher("a", MatchOp.NOT_REGEX, "b|c"),), 5, 9, 5, "ada", "why")

    def change(unit: Writing) -> None:
        silences.put_silence(unit, silence)
        silences.put_silence(unit, replace(silence, ends_ms=20))

    await state.write(change, PHAROS)
    assert await state.read(lambda unit: silences.the_silence(unit, "a", "s")) == replace(silence, ends_ms=20)

    def other(unit: Unit) -> Silence:
        return silences.the_silence(unit, "b", "s")

    with pytest.raises(PharosError, match="no silence s"):
        await state.read(other)
    assert await state.write(lambda unit: silences.drop_silences(unit, before_ms=20), PHAROS) == 0
    assert await state.write(lambda unit: silences.drop_silences(unit, before_ms=21), PHAROS) == 1
    assert await state.read(silences.list_silences) == ()
