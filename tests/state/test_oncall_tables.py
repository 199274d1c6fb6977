"""What is said of shifts, alerts and responses is kept alike by both databases."""

from __future__ import annotations

import pytest
from tests.state.oncall_rows import fill_oncall, response

from pharos.clock import FakeClock
from pharos.errors import PharosError
from pharos.state import (
    PHAROS,
    Author,
    State,
    Unit,
    Writing,
    acknowledgements,
    actions,
    documents,
    escalations,
    followers,
    oncall,
    tenants,
    timeline,
)
from pharos.state.acknowledgements import NewAcknowledgement
from pharos.state.actions import ResponseStatus
from pharos.state.documents import Defined
from pharos.state.oncall import ContactKind, NewContact, NewOverride, NewSwap
from pharos.state.timeline import Entry, Step

ADA = Author("user:1", "ada", "because")


async def test_a_definition_has_versions_and_comes_back(state: State) -> None:
    def put(unit: Writing, replicas: int, expected: int | None = None) -> documents.Version:
        document = {"replicas": replicas}
        return documents.put_document(unit, "default", Defined.ACTION, "scale", document, expected=expected)

    assert (await state.write(lambda unit: put(unit, 1, 0), ADA)).version == 1
    # What says the same is no new version.
    assert (await state.write(lambda unit: put(unit, 1), ADA)).version == 1
    assert (await state.write(lambda unit: put(unit, 2, 1), ADA)).version == 2
    with pytest.raises(PharosError, match="at version 2, not 1"):
        await state.write(lambda unit: put(unit, 3, 1), ADA)
    drop = lambda unit: documents.drop_document(unit, "default", Defined.ACTION, "scale")  # noqa: E731
    await state.write(drop, ADA)
    with pytest.raises(PharosError, match="there is no action 'scale'"):
        await state.write(drop, ADA)
    assert (await state.write(lambda unit: put(unit, 4, 0), ADA)).version == 4
    found = await state.read(lambda unit: documents.versions_of(unit, "default", Defined.ACTION, "scale"))
    assert [(one.version, one.document) for one in found] == [
        (4, {"replicas": 4}),
        (3, None),
        (2, {"replicas": 2}),
        (1, {"replicas": 1}),
    ]
    assert {(one.who, one.who_name, one.reason) for one in found} == {("user:1", "ada", "because")}
    assert len(await state.read(lambda unit: documents.list_documents(unit, Defined.ACTION))) == 1


async def test_overrides_and_swaps_are_found_by_time(state: State) -> None:
    def make(unit: Writing) -> str:
        oncall.add_override(unit, "default", NewOverride("s", 10, 20, ("ada", "bob")))
        oncall.add_override(unit, "default", NewOverride("s", 20, 30, ("eve",)))
        oncall.add_override(unit, "default", NewOverride("other", 10, 20, ("eve",)))
        return oncall.add_swap(unit, "default", NewSwap("s", 10, 20, "ada")).id

    swap = await state.write(make, ADA)
    found = await state.read(lambda unit: oncall.list_overrides(unit, "default", "s", 15, 20))
    assert [one.people for one in found] == [("ada", "bob")]
    assert (await state.read(lambda unit: oncall.list_swaps(unit, "default", "s", 0, 11)))[0].taken_ms is None
    taken = await state.write(lambda unit: oncall.take_swap(unit, "default", swap, "bob"), ADA)
    assert taken.taker == "bob"
    for taker in ("eve", "ada"):
        with pytest.raises(PharosError, match="bob has taken"):
            await state.write(lambda unit, who=taker: oncall.take_swap(unit, "default", swap, who), ADA)  # type: ignore[misc]
    with pytest.raises(PharosError, match="end after it starts"):
        await state.write(
            lambda unit: oncall.add_override(unit, "default", NewOverride("s", 10, 10, ("ada",))), ADA
        )
    assert await state.write(lambda unit: oncall.drop_past(unit, 25), ADA) == 3


async def test_who_is_reached_at_an_address_is_found_if_it_is_one(state: State) -> None:
    def put(unit: Writing, person: str) -> None:
        oncall.put_contacts(unit, "default", person, (NewContact(person, ContactKind.SLACK, "U1"),))

    await state.write(lambda unit: put(unit, "Ada"), ADA)
    assert [one.address for one in await state.read(lambda unit: oncall.contacts_of(unit, "default", "ADA"))]
    who = lambda unit: oncall.person_at(unit, "default", ContactKind.SLACK, "U1")  # noqa: E731
    assert await state.read(who) == "Ada"
    await state.write(lambda unit: put(unit, "bob"), ADA)
    assert await state.read(who) is None


async def test_acknowledgements_end_in_each_way_once(state: State, clock: FakeClock) -> None:
    async def acknowledge(*names: str, lasts_ms: int | None = None) -> None:
        expires_ms = None if lasts_ms is None else clock.now_ms() + lasts_ms
        new = NewAcknowledgement("mine", expires_ms)
        targets = [(name, "g") for name in names]
        await state.write(lambda unit: acknowledgements.acknowledge(unit, "default", targets, new), ADA)

    async def live() -> list[str]:
        return sorted(await state.read(lambda unit: acknowledgements.acknowledged(unit, "default")))

    await acknowledge("a", "b", "c", "d")
    await acknowledge("a", lasts_ms=1000)
    assert await live() == ["a", "b", "c", "d"]
    await state.write(lambda unit: acknowledgements.end_resolved(unit, "default", ["b", "x"]), PHAROS)
    await state.write(lambda unit: acknowledgements.unacknowledge(unit, "default", ["c"]), ADA)
    assert not await state.read(acknowledgements.has_overdue)
    clock.advance_ms(1000)
    assert await live() == ["d"]
    assert await state.read(acknowledgements.has_overdue)
    assert len(await state.write(acknowledgements.expire, PHAROS)) == 1
    assert await state.write(acknowledgements.expire, PHAROS) == ()
    steps = await state.read(lambda unit: timeline.list_steps(unit, "default"))
    told = [(entry.step, entry.fingerprint, entry.detail.get("why")) for entry in steps[5:]]
    assert told == [(Step.UNACKNOWLEDGED, "c", "taken back"), (Step.UNACKNOWLEDGED, "a", "ran out")]
    clock.advance_ms(1)
    assert await state.write(lambda unit: acknowledgements.drop_ended(unit, unit.now_ms), PHAROS) == 4


async def test_a_link_is_used_once_and_a_key_is_made_once(state: State, clock: FakeClock) -> None:
    def make(unit: Writing, byte: int) -> bytes:
        return acknowledgements.make_signing_key(unit, "k", bytes([byte]) * 32)

    first = await state.write(lambda unit: make(unit, 1), PHAROS)
    assert await state.write(lambda unit: make(unit, 2), PHAROS) == first == bytes([1]) * 32
    await state.write(lambda unit: acknowledgements.use_link(unit, "n", clock.now_ms()), PHAROS)
    with pytest.raises(PharosError, match="used already"):
        await state.write(lambda unit: acknowledgements.use_link(unit, "n", clock.now_ms()), PHAROS)


async def test_steps_are_followed_from_the_first_in_order_also_where_the_clock_goes_back(
    state: State, clock: FakeClock
) -> None:
    def write(unit: Writing, name: str) -> None:
        timeline.append(unit, [Entry("default", name, Step.FIRING, unit.now_ms)] * 2)

    await state.write(lambda unit: write(unit, "before"), PHAROS)
    clock.set_ms(clock.now_ms() - 3_600_000)
    await state.write(lambda unit: write(unit, "after"), PHAROS)

    def follow(unit: Writing) -> list[str]:
        found = timeline.since(unit, followers.begin(unit, "f"), 1)
        for entry in found:
            followers.move(unit, "f", entry.number)
        return [entry.fingerprint for entry in found]

    found = [await state.write(follow, PHAROS) for _ in range(5)]
    assert found == [["before"], ["before"], ["after"], ["after"], []]


async def test_one_response_a_transition_is_claimed_by_one(state: State, clock: FakeClock) -> None:
    def add(unit: Writing) -> None:
        for number in (1, 1, 2):
            made = response("default", number=number)
            actions.add_response(unit, made)

    await state.write(add, PHAROS)
    claimed = [await state.write(lambda unit: actions.claim(unit, 1000), PHAROS) for _ in range(3)]
    assert [one and one.id for one in claimed] == ["r1", "r2", None]
    clock.advance_ms(1000)
    ended = await state.write(lambda unit: actions.end_overdue(unit, 60_000), PHAROS)
    assert {one.status for one in ended} == {ResponseStatus.INTERRUPTED}


async def test_a_tenant_that_is_forgotten_leaves_nothing(state: State) -> None:
    def fill(unit: Writing) -> None:
        tenants.create_tenant(unit, "gone")
        fill_oncall(unit, "gone")

    def forget(unit: Writing) -> int:
        return sum(
            drop(unit, "gone")
            for drop in (
                acknowledgements.drop_tenant,
                actions.drop_tenant,
                documents.drop_tenant,
                escalations.drop_tenant,
                oncall.drop_tenant,
            )
        )

    def left(unit: Unit) -> int:
        return len(escalations.list_escalations(unit, "gone")) + len(actions.list_responses(unit, "gone"))

    await state.write(fill, PHAROS)
    assert await state.write(forget, PHAROS) == 8
    assert await state.write(forget, PHAROS) == 0
    assert await state.read(left) == 0
