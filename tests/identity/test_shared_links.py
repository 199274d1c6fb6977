"""Links to dashboards, by who made them: what they show ends with what their maker may see."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.identity.people import Somebody, World, open_world

from pharos.access import Scope
from pharos.api.dashboards.native import DashboardsApi
from pharos.api.dashboards.queries import DashboardQueries
from pharos.api.dashboards.shares import SharesApi
from pharos.api.http.bodies import Bodies
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Native
from pharos.clock import FakeClock
from pharos.dashboards.answer.doors import Doors
from pharos.dashboards.provided import ProvidedDashboards
from pharos.dashboards.store import Dashboards
from pharos.entrance import Entrance
from pharos.errors import Kind, PharosError
from pharos.identity.sign_in import author_of
from pharos.state import State

TEXT = {"title": "Board", "panels": [{"id": 1, "type": "text", "options": {"content": "hello"}}]}


class Gate:
    """Says which tenants are closed."""

    def __init__(self) -> None:
        self.closed: set[str] = set()

    def admit(self, scope: Scope) -> None:
        if scope.tenant in self.closed:
            raise PharosError(Kind.DENIED, "closed")


def _operations(
    gate: Gate, clock: FakeClock, state: State, entrance: Entrance, bodies: Bodies
) -> Iterable[Operation]:
    native = Native(bodies, "dashboards")
    dashboards = Dashboards(state, ProvidedDashboards([], ships=False), author_of)
    nothing: Any = None
    doors = Doors(nothing, nothing, nothing, nothing, state, clock)
    shares = SharesApi(
        native=native,
        queries=DashboardQueries(native, bodies, dashboards, doors),
        dashboards=dashboards,
        state=state,
        clock=clock,
        chance=Random(2),
        allows_public=True,
        grant_of_author=entrance.directory.grant_of_author,
        admit=gate.admit,
    )
    return [*DashboardsApi(native, dashboards).operations(), *shares.operations()]


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
async def world(tmp_path: Path, gate: Gate) -> AsyncIterator[World]:
    """A server with an operator, and dashboards."""
    clock = FakeClock()
    more = partial(_operations, gate, clock)
    async with open_world(tmp_path, clock, Random(1), more, listen="0.0.0.0:0") as opened:
        await opened.begin()
        yield opened


async def _board(who: Somebody, uid: str = "board", **more: str) -> None:
    await who.done("POST /api/pharos/dashboards", {"document": {**TEXT, "uid": uid}, **more})


async def _link(who: Somebody, uid: str = "board", **more: Any) -> Any:
    return await who.done("POST /api/pharos/shares", {"uid": uid, "public": True, **more})


async def _statuses(world: World, *links: Any) -> set[int]:
    """Return how links are answered to who presents nothing."""
    asked = [{"token": one["token"]} for one in links]
    return {
        (await world.stranger.ask(f"POST /api/pharos/{address}", one)).status
        for address in ("shared", "shared_query")
        for one in asked
    }


async def test_a_link_ends_with_what_its_maker_may_see(world: World, gate: Gate) -> None:
    ada = await world.add("ada", a="editor")
    await _board(ada)
    links = [await _link(ada), await _link(ada, kind="snapshot")]
    assert await _statuses(world, *links) == {200}
    admin = world.owner.with_(X_Scope_OrgID="a")
    for taken, given in (
        (("PUT /api/members/ada", {"roles": []}), ("PUT /api/members/ada", {"roles": ["viewer"]})),
        (("PATCH /api/users/ada", {"disabled": True}), ("PATCH /api/users/ada", {"disabled": False})),
    ):
        await admin.done(*taken)
        assert await _statuses(world, *links) == {404}
        await admin.done(*given)
        assert await _statuses(world, *links) == {200}
    gate.closed.add("a")
    assert await _statuses(world, *links) == {404}
    gate.closed.clear()
    await world.owner.done("DELETE /api/users/ada")
    assert await _statuses(world, *links) == {404}


async def test_a_text_that_no_column_takes_is_refused(world: World) -> None:
    ada = await world.add("ada", a="editor")
    await _board(ada)
    for address, body in (
        ("POST /api/pharos/shares", {"uid": "board", "name": "a\0b"}),
        ("POST /api/pharos/dashboards", {"document": {"title": "a\0b"}}),
        ("POST /api/pharos/folders", {"title": "a\0b"}),
    ):
        refused = await ada.ask(address, body)
        assert (refused.status, "holds a NUL" in refused.error) == (400, True)


async def test_a_link_of_a_token_ends_with_the_token(world: World) -> None:
    text, token_id = await world.token("editor")
    sender = world.bearer(text)
    await _board(sender)
    link = await _link(sender)
    assert await _statuses(world, link) == {200}
    await world.owner.done(f"DELETE /api/tokens/{token_id}")
    assert await _statuses(world, link) == {404}


async def test_who_may_only_look_at_a_folder_shows_it_to_nobody(world: World) -> None:
    ada, eve = await world.add("ada", a="admin"), await world.add("eve", a="editor")
    await ada.done("POST /api/pharos/folders", {"title": "Boss", "uid": "boss"})
    await _board(ada, folder="boss")
    entries = {"entries": [{"subject": "role:editor", "permission": "view"}]}
    await ada.done("PUT /api/pharos/folders/boss/permissions", entries)
    await eve.done("GET /api/pharos/dashboards/board")
    refused = await eve.ask("POST /api/pharos/shares", {"uid": "board", "public": True})
    assert (refused.status, "only look at" in refused.error) == (403, True)
    mine = await _link(ada)
    await ada.done("PUT /api/pharos/folders/boss/permissions", {"entries": []})
    theirs = await _link(eve)
    hidden = {"entries": [{"subject": "role:admin", "permission": "view"}]}
    await ada.done("PUT /api/pharos/folders/boss/permissions", hidden)
    # What eve may not see is neither shown by her link, nor are links to it hers to end.
    assert await _statuses(world, mine) == {200}
    assert await _statuses(world, theirs) == {404}
    assert (await eve.ask(f"DELETE /api/pharos/shares/{mine['id']}")).status == 404
    assert await eve.done("GET /api/pharos/shares") == []


async def test_a_snapshot_of_a_dashboard_that_is_gone_is_listed_and_ended(world: World) -> None:
    ada = await world.add("ada", a="editor")
    await _board(ada)
    link = await _link(ada, kind="snapshot")
    await ada.done("DELETE /api/pharos/dashboards/board")
    assert await _statuses(world, link) == {200}
    assert [one["id"] for one in await ada.done("GET /api/pharos/shares")] == [link["id"]]
    await ada.done(f"DELETE /api/pharos/shares/{link['id']}")
    assert await _statuses(world, link) == {404}
