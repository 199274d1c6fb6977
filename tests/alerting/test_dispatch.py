"""Alerts that were taken are told of: grouped, muted, repeated, tried again, and after a restart too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import pytest
from tests.alerting.conftest import CONFIG, Pager, Running, SetClock, config, dispatching, refuse, until

from pharos.access import upkeep
from pharos.alert import Alert
from pharos.alerting.config import AlertingConfig
from pharos.alerting.dispatch import Others
from pharos.alerting.held import Held, Why
from pharos.alerting.silences import expire_silence, set_silence
from pharos.alerting.views import AlertState
from pharos.clock import SystemClock
from pharos.errors import Kind, PharosError
from pharos.labels import Matcher, MatchOp, labels_of
from pharos.notify.restraint import Restrained, Terms, never
from pharos.state import PHAROS, State, Unit, alerts, outbox, timeline
from pharos.state.outbox import Owed
from pharos.state.silences import Silence
from pharos.state.timeline import Step

CHANCE = Random(3)


def always(text: str = CONFIG) -> Callable[[str], AlertingConfig]:
    found = config(text)
    return lambda _: found


async def silence(running: Running, name: str, **more: Any) -> Silence:
    """Silence the alerts of a name for an hour."""
    now_ms = SystemClock().now_ms()
    wanted = Silence(
        "", "default", (Matcher("alertname", MatchOp.EQUAL, name),), now_ms, now_ms + 3_600_000, **more
    )
    made = await running.state.write(lambda unit: set_silence(unit, wanted, CHANCE), PHAROS)
    await running.dispatcher.read_silences()
    return made


async def steps(state: State, name: str) -> list[Step]:
    fingerprint = Alert(labels_of({"alertname": name})).fingerprint
    found = await state.read(lambda unit: timeline.list_steps(unit, "default", fingerprint=fingerprint))
    return [entry.step for entry in found]


async def has_step(state: State, name: str, step: Step) -> bool:
    return step in await steps(state, name)


async def test_an_alert_is_told_of_and_that_it_is_over_and_nothing_is_left(
    state: State, pager: Pager
) -> None:
    async with dispatching(state, pager, always()) as running:
        await running.fires("A")
        assert len(await state.read(lambda unit: alerts.list_since(unit, -1))) == 1
        await pager.reaches(1)
        await running.ends("A")
        await pager.reaches(2)
        assert pager.told() == [("firing", ["A firing"]), ("resolved", ["A resolved"])]
        # The second one goes on where the first one stood.
        assert pager.messages[1].thread == {"first": pager.messages[0].key}
        assert pager.messages[0].group_key == '{}:{alertname="A"}'

        async def is_clean() -> bool:
            def left(unit: Unit) -> int:
                rows = (alerts.list_since(unit, -1), outbox.list_all(unit), outbox.list_groups_told(unit))
                return sum(map(len, rows))

            return not await state.read(left)

        await until(is_clean)
    found = await steps(state, "A")
    wanted = [Step.FIRING, Step.ROUTED, Step.QUEUED, Step.SENT, Step.RESOLVED, Step.QUEUED, Step.SENT]
    assert found == wanted


async def test_one_that_ends_again_after_others_were_told_of_is_told_along(
    state: State, pager: Pager
) -> None:
    async with dispatching(state, pager, always(CONFIG.replace("[alertname]", "[]"))) as running:
        await running.fires("A")
        await pager.reaches(1)
        await running.ends("A")
        await pager.reaches(2)
        await running.fires("B")
        await pager.reaches(3)
        await running.ends("A")
        await pager.reaches(4)
    assert pager.told()[2:] == [("firing", ["B firing"]), ("firing", ["A resolved", "B firing"])]


async def test_a_restart_goes_on_where_it_was(state: State, pager: Pager) -> None:
    async with dispatching(state, pager, always()) as running:
        await running.fires("A")
        await pager.reaches(1)
        # Still waiting for its group's first time when all ends.
        await running.fires("B")
    async with dispatching(state, pager, always()) as running:
        await pager.reaches(2)
        await running.fires("A")
        await running.ends("A")
        await pager.reaches(3)
    assert pager.told() == [
        ("firing", ["A firing"]),
        ("firing", ["B firing"]),
        ("resolved", ["A resolved"]),
    ]


async def test_what_could_not_be_sent_is_sent_after_a_restart(state: State, pager: Pager) -> None:
    pager.answer = partial(refuse, may_retry=True)
    async with dispatching(state, pager, always()) as running:
        await running.fires("A")
        await until(lambda: pager.tries >= 2)
    pager.answer = lambda _: None
    async with dispatching(state, pager, always()):
        await pager.reaches(1)
        assert pager.told() == [("firing", ["A firing"])]
    assert (await steps(state, "A"))[3:5] == [Step.NOT_SENT, Step.NOT_SENT]


async def test_what_is_refused_for_good_is_dead_until_the_groups_next_time(
    state: State, pager: Pager
) -> None:
    pager.answer = partial(refuse, may_retry=False)
    async with dispatching(state, pager, always()) as running:
        await running.fires("A")
        await until(lambda: pager.tries >= 2)

        async def is_dead() -> bool:
            dead = await state.read(lambda unit: outbox.list_all(unit, "default", outbox.DEAD))
            return [one.error for one in dead] == ["refused"]

        await until(is_dead)
        pager.answer = lambda _: None
        await pager.reaches(1)

        async def is_empty() -> bool:
            return not await state.read(outbox.list_all)

        await until(is_empty)


async def test_one_dead_receiver_delays_nobody(state: State, pager: Pager) -> None:
    two = CONFIG.replace("{url: 'http://127.0.0.1:1/'}", "{url: 'http://a/'}, {url: 'http://b/'}")
    hanging = asyncio.Event()

    class Half(Pager):
        async def channel(self, owed: Owed) -> Pager:
            if owed.integration == "webhook[1]":
                await hanging.wait()
            return self

    half = Half()
    async with dispatching(state, half, always(two)) as running:
        await running.fires("A", n="1")
        await half.reaches(1)
        await running.fires("A", n="2")
        await half.reaches(2)
        assert [len(one.alerts) for one in half.messages] == [1, 2]
        hanging.set()
        await half.reaches(3)


async def test_silences_hold_pages_back_and_never_that_something_is_over(state: State, pager: Pager) -> None:
    async with dispatching(state, pager, always()) as running:
        await running.fires("A")
        await pager.reaches(1)
        await silence(running, "A")
        await silence(running, "B")
        await running.fires("B", "C")
        await pager.reaches(2)
        found = {one.alert.name: one for one in running.dispatcher.views("default")}
        assert found["B"].state is AlertState.SILENCED
        assert found["C"].state is AlertState.FIRING
        await running.ends("A", "B")
        await pager.reaches(3)
        # Of another alert, so that what was not told would have been.
        await running.ends("C")
        await pager.reaches(4)
    told = [[*names] for _, names in pager.told()]
    assert told == [["A firing"], ["C firing"], ["A resolved"], ["C resolved"]]
    assert Step.HELD in await steps(state, "B")


async def test_what_was_silenced_is_told_when_the_silence_is_ended(state: State, pager: Pager) -> None:
    async with dispatching(state, pager, always()) as running:
        made = await silence(running, "A")
        await running.fires("A")
        await until(partial(has_step, state, "A", Step.HELD))
        assert not pager.messages
        await state.write(lambda unit: expire_silence(unit, "default", made.id), PHAROS)
        await pager.reaches(1)
    assert (await steps(state, "A"))[2:5] == [Step.HELD, Step.RELEASED, Step.QUEUED]


async def test_a_silence_of_one_receiver_holds_nothing_back_from_others(state: State, pager: Pager) -> None:
    async with dispatching(state, pager, always()) as running:
        await silence(running, "A", receiver="other")
        await silence(running, "B", receiver="pager")
        await running.fires("A", "B")
        await pager.reaches(1)
        await running.fires("C")
        await pager.reaches(2)
    assert [names for _, names in pager.told()] == [["A firing"], ["C firing"]]


async def test_those_concerned_are_reminded_before_a_silence_ends(state: State, pager: Pager) -> None:
    async with dispatching(state, pager, always()) as running:
        await running.fires("A")
        await pager.reaches(1)
        await silence(running, "A", remind_ms=7_200_000, comment="a new disk", created_by="ada")
        await pager.reaches(2)
        assert pager.messages[1].reason == "reminder"
        ((alert, _),) = pager.messages[1].alerts
        assert "ada ends at" in dict(alert.annotations)["reminder"]
        await running.fires("B")
        await pager.reaches(3)
    assert [one.reason for one in pager.messages] == ["first", "reminder", "first"]


async def test_inhibition_names_the_alert_that_holds_back(state: State, pager: Pager) -> None:
    async with dispatching(state, pager, always()) as running:
        await running.fires("Root", "Leaf")
        await pager.reaches(1)
        root = Alert(labels_of({"alertname": "Root"}))
        held = [one.held_by for one in running.dispatcher.views("default") if one.alert.name == "Leaf"]
        assert held == [(Held(Why.INHIBITED, root.fingerprint, alert=root.labels),)]
        await running.ends("Root")
        await pager.reaches(3)
    assert sorted(names[0] for _, names in pager.told()) == ["Leaf firing", "Root firing", "Root resolved"]


async def test_repeats_of_what_somebody_looks_after_are_held_back(state: State, pager: Pager) -> None:
    fast = CONFIG.replace("repeat_interval: 1h", "repeat_interval: 1ms")
    name = Alert(labels_of({"alertname": "A"})).fingerprint
    taken: set[str] = set()
    others = Others(
        acknowledged=lambda _, __, some: {one: Held(Why.ACKNOWLEDGED, "a") for one in some if one in taken}
    )
    async with dispatching(state, pager, always(fast), others) as running:
        await running.fires("A")
        await pager.reaches(2)
        taken.add(name)
        await until(partial(has_step, state, "A", Step.HELD))
        assert {one.reason for one in pager.messages} == {"first", "repeat"}


async def test_who_hears_that_alerts_are_over(state: State, pager: Pager) -> None:
    ended: list[tuple[str, list[str]]] = []
    others = Others(ends=lambda _, tenant, some: ended.append((tenant, list(some))))
    name = Alert(labels_of({"alertname": "A"})).fingerprint
    async with dispatching(state, pager, always(), others) as running:
        await running.fires("A", tenant="a")
        await running.ends("A", tenant="a")
        await running.ends("A", tenant="a")
    assert ended == [("a", [name])]


async def test_tenants_share_nothing(state: State, pager: Pager) -> None:
    async with dispatching(state, pager, always()) as running:
        await running.fires("A", tenant="a")
        await running.fires("A", tenant="b")
        await pager.reaches(2)
        assert sorted(one.tenant for one in pager.messages) == ["a", "b"]
        running.dispatcher.forget("a")
        assert running.dispatcher.views("a") == []
        assert len(running.dispatcher.views("b")) == 1


@pytest.mark.parametrize("set_ms", [3_600_000, -3_600_000])
async def test_a_clock_that_is_set_tells_nothing_twice_and_forgets_nothing(
    state: State, pager: Pager, set_ms: int
) -> None:
    clock = SetClock()

    async def post(running: Running, name: str, ends_in_ms: int) -> None:
        ends_ms = clock.now_ms() + ends_in_ms
        alert = Alert(labels_of({"alertname": name}), starts_ms=ends_ms - 300_000, ends_ms=ends_ms)
        await running.dispatcher.take(upkeep("default"), [alert])

    async with dispatching(state, pager, always(), clock=clock) as running:
        await post(running, "A", 240_000)
        await pager.reaches(1)
        clock.ahead_ms = set_ms
        await running.fires("B")
        await pager.reaches(2)
        # Its sender has the same clock.
        await post(running, "A", 240_000)
        await running.fires("C")
        await pager.reaches(3)
        await post(running, "A", 0)
        await pager.reaches(4)
    told = [names[0] for _, names in pager.told()]
    assert told == ["A firing", "B firing", "C firing", "A resolved"]


async def test_an_alert_without_a_tenant_of_its_own_is_refused(state: State, pager: Pager) -> None:
    async with dispatching(state, pager, always()) as running:
        with pytest.raises(PharosError) as found:
            await running.dispatcher.take(upkeep("a|b"), [Alert((("alertname", "A"),))])
    assert found.value.kind is Kind.INVALID


async def test_thousands_at_once_are_all_told(state: State, pager: Pager) -> None:
    async with dispatching(state, pager, always()) as running:
        await asyncio.gather(
            *(running.fires(*(f"A{n}" for n in range(first, first + 100))) for first in range(0, 1000, 100))
        )
        await pager.reaches(1000)
        assert len({one.group_key for one in pager.messages}) == 1000


class Restraining(Pager):
    """A pager whose settings hold back what is not critical."""

    async def channel(self, owed: Owed) -> Any:
        return Restrained(self, Terms(min_severity="critical"), SystemClock(), never)


async def test_what_a_receiver_does_not_want_is_told_of_neither_when_it_begins_nor_when_it_ends(
    state: State,
) -> None:
    pager = Restraining()
    async with dispatching(state, pager, always()) as running:
        await running.fires("A", severity="info")
        await until(partial(has_step_of, state, "A", "info", Step.NOT_SENT))
        await running.ends("A", severity="info")
        await running.fires("B", severity="critical")
        await pager.reaches(1)
        await running.ends("B", severity="critical")
        await pager.reaches(2)
    assert pager.told() == [("firing", ["B firing"]), ("resolved", ["B resolved"])]
    found = await steps_of(state, "A", "info")
    assert Step.SENT not in found
    assert Step.DEAD not in found


async def steps_of(state: State, name: str, severity: str) -> list[Step]:
    labels = labels_of({"alertname": name, "severity": severity})
    wanted = Alert(labels).fingerprint
    found = await state.read(lambda unit: timeline.list_steps(unit, "default", fingerprint=wanted))
    return [entry.step for entry in found]


async def has_step_of(state: State, name: str, severity: str, step: Step) -> bool:
    return step in await steps_of(state, name, severity)
