"""Whose vote an acknowledgement is, whatever it came by."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from tests.alerting.paging import TENANT, World, config

from pharos.alerting.escalations import Escalations
from pharos.alerting.voters import voter_of
from pharos.clock import FakeClock
from pharos.state import (
    PHAROS,
    Author,
    State,
    Writing,
    accounts,
    acknowledgements,
    audit,
    documents,
    oncall,
    open_state,
    timeline,
    tokens,
)
from pharos.state.accounts import NewUser
from pharos.state.acknowledgements import NewAcknowledgement
from pharos.state.audit import Search
from pharos.state.documents import Defined
from pharos.state.oncall import ContactKind, NewContact
from pharos.state.timeline import Step
from pharos.state.tokens import NewToken

COUNCIL = {
    "levels": [
        {
            "name": "council",
            "organisation": "dao",
            "targets": [{"receiver": "dao_council"}],
            "timeout": "30m",
            "quorum": 2,
            "members": ["bob", "eve", "joe"],
        }
    ]
}


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with open_state(tmp_path / "state.db", FakeClock(), Random(7)) as opened:
        yield opened


async def token_of(state: State, name: str, owner: str | None) -> str:
    """Make a token and, where it is to have one, its owner; return its id."""

    def write(unit: Writing) -> str:
        owner_id = None if owner is None else accounts.create_user(unit, NewUser(owner)).id
        return tokens.create_token(unit, NewToken(name, "pha_x", f"hash of {name}", owner_id)).id

    return await state.write(write, PHAROS)


@pytest.mark.parametrize(
    ("who", "name", "voter"),
    [
        ("user:1", "bob", "bob"),
        ("link:a1", "bob", "bob"),
        ("link:a1", "a reader of dao_council", "a reader of dao_council"),
        ("local:local", "local", "local"),
        # In Slack and PagerDuty people are called as they like, and a token as who made it likes.
        ("slack:U1", "eve", "bob"),
        ("slack:U2", "eve", "in Slack, eve"),
        ("pagerduty:eve", "eve", "in PagerDuty, eve"),
        ("token:gone", "eve", "the token eve"),
    ],
)
async def test_a_vote_is_of_who_is_known_to_give_it(state: State, who: str, name: str, voter: str) -> None:
    bob = NewContact("bob", ContactKind.SLACK, "U1")
    await state.write(lambda unit: oncall.put_contacts(unit, TENANT, "bob", (bob,)), PHAROS)
    told = {"who": who, "name": name}
    assert await state.read(lambda unit: voter_of(unit, TENANT, told)) == voter


async def test_a_token_votes_as_whom_it_belongs_to(state: State) -> None:
    own = await token_of(state, "pharos login on box", "eve")
    program = await token_of(state, "joe", None)
    found = [{"who": f"token:{one}", "name": name} for one, name in ((own, "box"), (program, "joe"))]
    assert await state.read(lambda unit: [voter_of(unit, TENANT, one) for one in found]) == [
        "eve",
        "the token joe",
    ]


async def test_nobody_votes_twice_and_the_timeline_says_how_many_have(state: State) -> None:
    world = World(state, FakeClock())

    async def vote(who: str, name: str) -> None:
        author, target = Author(who, name), [(fires, "")]
        await state.write(
            lambda unit: acknowledgements.acknowledge(unit, TENANT, target, NewAcknowledgement()), author
        )

    async def work() -> None:
        while await Escalations(state, lambda _: config()).round():
            pass

    kept = documents.put_document
    await state.write(lambda unit: kept(unit, TENANT, Defined.ESCALATION, "qflow", COUNCIL), PHAROS)
    token = await token_of(state, "pharos login on box", "eve")
    await work()
    fires = await world.fires(alertname="DAO", severity="critical")
    await work()
    await vote("user:1", "eve")
    await vote(f"token:{token}", "pharos login on box")
    await vote("user:3", "zoe")
    await work()
    await state.write(lambda unit: acknowledgements.unacknowledge(unit, TENANT, [fires]), PHAROS)
    await vote("user:2", "bob")
    await work()
    await vote("user:1", "eve")
    await work()
    steps = await state.read(lambda unit: timeline.list_steps(unit, TENANT, fingerprint=fires))
    voted = [
        (one.detail["votes"], one.detail["counts"], one.detail["status"])
        for one in steps
        if one.step is Step.VOTED
    ]
    assert voted == [
        (["eve"], True, "telling"),
        (["eve"], True, "telling"),
        (["eve"], False, "telling"),
        (["bob"], True, "telling"),
        (["bob", "eve"], True, "acknowledged"),
    ]
    found = Search(action="escalation.acknowledged")
    [ended] = await state.read(lambda unit: audit.search(unit, found, limit=5))
    assert ended.after is not None
    assert ended.after["votes"] == ["bob", "eve"]
