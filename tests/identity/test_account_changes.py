"""Tokens, users, members and roles: what each may do, and that nobody gives what they do not have."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.identity.people import REACHED, WORDS, World, open_world
from tests.postgres import Postgres, postgres_at

from pharos.clock import FakeClock, SystemClock
from pharos.identity.tokens import TOKEN, hash_of, is_token, mint_token
from pharos.state import PHAROS, Family, audit, tokens
from pharos.telemetry import REGISTRY


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with postgres_at() as server:
        yield server


@asynccontextmanager
async def two_servers(folder: Path, postgres: Postgres) -> AsyncIterator[tuple[World, World]]:
    """Open two that share a database."""
    shared = {"state": postgres.new_database().reveal(), "listen": "0.0.0.0:0"}
    clock = SystemClock()
    async with (
        open_world(folder / "one", clock, Random(1), **shared) as one,
        open_world(folder / "two", clock, Random(2), **shared) as two,
    ):
        yield one, two


async def test_who_is_deleted_is_out_at_once_and_nothing_of_them_is_left(world: World) -> None:
    ada, root = await world.add("ada", a="editor"), await world.sign_in("root")
    token = await ada.done("POST /api/me/tokens", {"name": "mine"})
    users = {one["name"]: one["id"] for one in await root.done("GET /api/users")}
    address = f"DELETE /api/users/{users['ada']}"
    gone = await root.done(address)
    assert {name: rows for name, rows in gone["rows_removed"].items() if rows} == {
        "users": 1,
        "tokens": 1,
        "sessions": 1,
        "memberships": 1,
    }
    assert (await ada.get("/api/me")).status == 401
    assert (await world.bearer(token["text"]).get("/api/v1/query")).status == 401
    assert (await root.ask(address)).status == 404
    # Whoever is called so next is somebody else.
    again = await world.add("ada", a="viewer")
    assert (await again.done("GET /api/me"))["identity"]["id"] != users["ada"]
    last = await root.ask(f"DELETE /api/users/{users['root']}")
    assert (last.status, "nobody would be left" in last.error) == (400, True)
    assert (await root.get("/api/me")).status == 200


async def test_a_token_does_what_its_roles_allow_in_its_tenant(world: World) -> None:
    writer, _ = await world.token("writer")
    for sender in (world.bearer(writer), world.basic("any", writer)):
        assert (await sender.ask("POST /api/v1/write")).status == REACHED
        assert (await sender.get("/api/v1/query")).status == 403
        assert (await sender.with_(X_Scope_OrgID="a").ask("POST /api/v1/write")).status == REACHED
        assert (await sender.with_(X_Scope_OrgID="b").ask("POST /api/v1/write")).status == 403
        assert (await sender.get("/api/users")).status == 403
    me = await world.bearer(writer).done("GET /api/me")
    assert me["identity"]["kind"] == "token"
    assert (me["default_tenant"], me["csrf_token"]) == ("a", None)
    assert _told(me) == ["writer@a token"]


def _told(me: dict[str, Any]) -> list[str]:
    return [
        f"{one['name']}@{one['tenant'] or '*'} {one['source']} {one['detail']}".rstrip()
        for one in me["roles"]
    ]


async def test_who_asks_is_told_their_roles_that_are_still_there(world: World) -> None:
    ada = await world.add("ada", a="editor", b="viewer")
    made = await world.owner.with_(X_Scope_OrgID="a").done(
        "POST /api/roles", {"name": "looker", "permissions": ["logs.view"]}
    )
    await world.owner.with_(X_Scope_OrgID="a").done("PUT /api/members/ada", {"roles": ["editor", "looker"]})
    assert _told(await ada.done("GET /api/me")) == ["editor@a user", "looker@a user", "viewer@b user"]
    body = {"roles": ["editor"]}
    await world.owner.with_(X_Scope_OrgID="a").done("PUT /api/members/ada", body)
    await world.owner.with_(X_Scope_OrgID="a").done(f"DELETE /api/roles/{made['id']}")
    assert _told(await ada.done("GET /api/me")) == ["editor@a user", "viewer@b user"]
    assert _told(await (await world.sign_in("root")).done("GET /api/me")) == ["operator@* user"]


async def test_a_token_is_narrowed_to_some_permissions(world: World) -> None:
    text, _ = await world.token("admin", permissions=["metrics.view"])
    assert (await world.bearer(text).get("/api/v1/query")).status == REACHED
    assert (await world.bearer(text).ask("POST /api/v1/write")).status == 403
    who = world.owner.with_(X_Scope_OrgID="a")
    bad = await who.ask("POST /api/tokens", {"name": "x", "roles": ["viewer"], "permissions": ["all"]})
    assert (bad.status, "no permission 'all'" in bad.error) == (400, True)


async def test_a_token_expires_is_revoked_and_is_shown_once(world: World) -> None:
    text, token_id = await world.token("viewer", lasts_s=60)
    shown = await world.owner.with_(X_Scope_OrgID="a").get("/api/tokens")
    assert shown.data[0]["prefix"] == text[:12]
    assert text not in shown.body.decode()
    world.clock.advance_ms(59_999)
    assert (await world.bearer(text).get("/api/v1/query")).status == REACHED
    world.clock.advance_ms(1)
    assert (await world.bearer(text).get("/api/v1/query")).status == 401
    text, token_id = await world.token("viewer")
    await world.owner.done(f"DELETE /api/tokens/{token_id}")
    assert (await world.bearer(text).get("/api/v1/query")).status == 401


async def test_a_rotated_token_goes_on_beside_the_new_one_for_a_while(world: World) -> None:
    old, token_id = await world.token("viewer")
    made = await world.owner.done(f"POST /api/tokens/{token_id}/rotate", {"grace_s": 60})
    assert made["token"]["rotated_from"] == token_id
    for text in (old, made["text"]):
        assert (await world.bearer(text).get("/api/v1/query")).status == REACHED
    world.clock.advance_ms(60_001)
    assert (await world.bearer(old).get("/api/v1/query")).status == 401
    assert (await world.bearer(made["text"]).get("/api/v1/query")).status == REACHED
    assert (await world.owner.ask(f"POST /api/tokens/{token_id}/rotate", {})).status == 400


async def test_a_token_of_ones_own_does_no_more_than_oneself(world: World) -> None:
    ada = await world.add("ada", a="editor", b="viewer")
    text = (await ada.done("POST /api/me/tokens", {"name": "mine"}))["text"]
    mine = world.bearer(text)
    assert (await mine.with_(X_Scope_OrgID="a").ask("POST /api/v1/write")).status == REACHED
    assert (await mine.with_(X_Scope_OrgID="b").ask("POST /api/v1/write")).status == 403
    assert (await mine.get("/api/v1/query")).status == 403
    only = (await ada.done("POST /api/me/tokens", {"name": "b", "tenant": "b"}))["text"]
    assert (await world.bearer(only).get("/api/v1/query")).status == REACHED
    assert (await world.bearer(only).with_(X_Scope_OrgID="a").get("/api/v1/query")).status == 403
    await world.owner.with_(X_Scope_OrgID="a").done("PUT /api/members/ada", {"roles": ["viewer"]})
    assert (await mine.with_(X_Scope_OrgID="a").ask("POST /api/v1/write")).status == 403
    assert _told(await mine.done("GET /api/me")) == ["viewer@a user", "viewer@b user"]
    assert _told(await world.bearer(only).done("GET /api/me")) == ["viewer@b user"]
    # A token makes no other, which would outlive it.
    assert (await mine.with_(X_Scope_OrgID="a").ask("POST /api/me/tokens", {"name": "more"})).status == 400


async def test_tokens_of_others_are_neither_seen_nor_touched(world: World) -> None:
    ada, bob = await world.add("ada", a="admin"), await world.add("bob", b="admin")
    _, of_a = await world.token("viewer")
    own = (await ada.done("POST /api/me/tokens", {"name": "mine"}))["token"]["id"]
    assert await bob.done("GET /api/tokens") == []
    assert await bob.done("GET /api/me/tokens") == []
    for token_id in (of_a, own, "nothing"):
        assert (await bob.ask(f"DELETE /api/tokens/{token_id}")).status == 404
        assert (await bob.ask(f"POST /api/tokens/{token_id}/rotate", {})).status == 404
    assert [one["id"] for one in await ada.done("GET /api/tokens")] == [of_a]
    await ada.done(f"DELETE /api/tokens/{of_a}")


async def test_nobody_gives_what_they_do_not_have(world: World) -> None:
    ada = await world.add("ada", a="admin", b="viewer")
    here = ada.with_(X_Scope_OrgID="a")
    await world.add("bob", b="viewer")
    await here.done("PUT /api/members/bob", {"roles": ["editor"]})
    assert (await here.ask("PUT /api/members/bob", {"roles": ["operator"]})).status == 403
    there = ada.with_(X_Scope_OrgID="b")
    assert (await there.ask("PUT /api/members/bob", {"roles": ["viewer", "editor"]})).status == 403
    assert (await here.ask("PUT /api/users/bob/roles", {"roles": ["operator"]})).status == 403
    assert (await here.ask("POST /api/users", {"name": "eve"})).status == 403
    assert (
        await here.ask("POST /api/tokens", {"name": "x", "roles": ["viewer"], "everywhere": True})
    ).status == 403
    assert (await here.ask("POST /api/tokens", {"name": "x", "roles": ["governance"]})).status == 403
    assert (await here.ask("PUT /api/members/bob", {"roles": ["king"]})).status == 400
    assert (await here.ask("PUT /api/members/nobody", {"roles": []})).status == 404


async def test_who_manages_users_does_not_become_one_who_may_more(world: World) -> None:
    role = {"name": "people", "permissions": ["users.manage"], "everywhere": True}
    await world.owner.done("POST /api/roles", role)
    await world.owner.done(
        "POST /api/users",
        {"name": "ada", "password": WORDS, "roles": [{"role": "people", "everywhere": True}]},
    )
    ada = await world.sign_in("ada")
    assert (await ada.ask("POST /api/users/root/link")).status == 403
    assert (await ada.ask("PATCH /api/users/root", {"password": "yet another long word"})).status == 403
    assert (await ada.ask("PATCH /api/users/root", {"disabled": True})).status == 403
    await ada.done("POST /api/users", {"name": "bob", "password": WORDS})
    await ada.done("PATCH /api/users/bob", {"display_name": "Bob"})


async def test_somebody_always_runs_the_server(world: World) -> None:
    assert (await world.owner.ask("PATCH /api/users/root", {"disabled": True})).status == 400
    assert (await world.owner.ask("PUT /api/users/root/roles", {"roles": []})).status == 400
    await world.owner.done(
        "POST /api/users",
        {"name": "ada", "password": WORDS, "roles": [{"role": "operator", "everywhere": True}]},
    )
    await world.owner.done("PATCH /api/users/root", {"disabled": True})
    assert (await world.owner.ask("PUT /api/users/ada/roles", {"roles": ["viewer"]})).status == 400


async def test_a_role_that_people_made_counts_at_once_and_goes_only_unused(world: World) -> None:
    here = world.owner.with_(X_Scope_OrgID="a")
    made = await here.done("POST /api/roles", {"name": "graphs", "permissions": ["dashboards.view"]})
    ada = await world.add("ada", a="graphs")
    assert (await ada.get("/api/v1/query")).status == 403
    await here.done(f"PATCH /api/roles/{made['id']}", {"permissions": ["dashboards.view", "metrics.view"]})
    assert (await ada.get("/api/v1/query")).status == REACHED
    assert (await here.ask(f"DELETE /api/roles/{made['id']}")).status == 400
    await here.done("PUT /api/members/ada", {"roles": ["viewer"]})
    await here.done(f"DELETE /api/roles/{made['id']}")
    for bad in ({"name": "viewer"}, {"name": "No Name"}, {"name": "x", "permissions": ["fly"]}):
        assert (await here.ask("POST /api/roles", {"permissions": [], **bad})).status == 400
    # It was one of the tenant a.
    got = await world.owner.with_(X_Scope_OrgID="b").done("GET /api/roles")
    assert "graphs" not in [one["name"] for one in got["roles"]]
    assert got["permissions"]["flows.resume"]


async def test_a_grant_counts_for_the_next_request(world: World) -> None:
    ada = await world.add("ada", a="viewer")
    assert (await ada.with_(X_Scope_OrgID="b").get("/api/v1/query")).status == 403
    await world.owner.with_(X_Scope_OrgID="b").done("PUT /api/members/ada", {"roles": ["viewer"]})
    assert (await ada.with_(X_Scope_OrgID="b").get("/api/v1/query")).status == REACHED
    await world.owner.with_(X_Scope_OrgID="b").done("PUT /api/members/ada", {"roles": []})
    assert (await ada.with_(X_Scope_OrgID="b").get("/api/v1/query")).status == 403


async def test_members_of_a_tenant_see_each_other_and_no_others(world: World) -> None:
    ada = await world.add("ada", a="editor", b="viewer")
    await world.add("bob", b="viewer")
    found = await ada.with_(X_Scope_OrgID="a").done("GET /api/members")
    assert [(one["name"], one["roles"]) for one in found] == [("ada", ["editor"])]
    assert (await ada.with_(X_Scope_OrgID="b").get("/api/members")).status == 403
    boss = await world.add("boss", b="admin")
    shown = await boss.done("PUT /api/members/ada", {"roles": ["viewer", "writer"]})
    assert shown["tenants"] == {"b": ["viewer", "writer"]}


@pytest.mark.parametrize(
    ("identity", "tenant", "permission", "allowed", "why"),
    [
        ("", "a", "flows.resume", True, "ada has flows.resume in the tenant a"),
        ("", "a", "tenants.manage", False, "no role of ada in the tenant a allows tenants.manage"),
        ("", "b", "metrics.view", False, "ada has no role in the tenant b"),
        ("root", "a", "server.operate", True, "root has server.operate everywhere"),
        ("BOB", "a", "metrics.view", False, "bob has no role in the tenant a"),
    ],
)
async def test_it_is_told_who_may_do_what_and_why(
    identity: str, tenant: str, permission: str, allowed: bool, why: str, world: World
) -> None:
    ada = await world.add("ada", a="dao-admin")
    await world.add("bob", b="monitor")
    body = {"tenant": tenant, "permission": permission, **({"identity": identity} if identity else {})}
    assert await ada.done("POST /api/access/check", body) == {"allowed": allowed, "why": why}


async def test_about_others_only_those_are_told_who_see_the_members(world: World) -> None:
    ada = await world.add("ada", a="monitor")
    asked = {"identity": "root", "tenant": "a", "permission": "metrics.view"}
    assert (await ada.ask("POST /api/access/check", asked)).status == 403
    assert (await ada.ask("POST /api/access/check", {"tenant": "a", "permission": "fly"})).status == 400


@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("POST /api/sign_in", {"name": "root", "password": WORDS, "role": "operator"}),
        ("POST /api/users", {"name": "x", "id": "1"}),
        ("POST /api/users", {"name": "x", "must_change": False}),
        ("PATCH /api/users/ada", {"roles": [{"role": "operator", "everywhere": True}]}),
        ("PATCH /api/users/ada", {"tenant": "b"}),
        ("PUT /api/members/ada", {"roles": [], "tenant": "b"}),
        ("POST /api/tokens", {"name": "x", "roles": ["viewer"], "tenant": "b"}),
        ("POST /api/tokens", {"name": "x", "roles": ["viewer"], "owner_id": "1"}),
        ("POST /api/me/tokens", {"name": "x", "roles": ["operator"]}),
        ("POST /api/me/password", {"current": WORDS, "new": WORDS, "user": "root"}),
        ("POST /api/roles", {"name": "x", "permissions": [], "id": "1"}),
        ("POST /api/access/check", {"tenant": "a", "permission": "metrics.view", "x": 1}),
    ],
)
async def test_what_is_no_field_is_refused_and_not_ignored(
    address: str, body: dict[str, Any], world: World
) -> None:
    await world.add("ada", a="viewer")
    root = await world.sign_in("root")
    before = await world.state.read(audit.head)
    got = await root.with_(X_Scope_OrgID="a").ask(address, body)
    assert got.status == 400
    assert "there is no field" in got.error
    assert await world.state.read(audit.head) == before


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"null", b"{", b'{"name": 1, "password": []}', b"\xff", b"[" * 5000]
)
async def test_a_body_that_is_none_is_refused(raw: bytes, world: World) -> None:
    got = await world.stranger.ask("POST /api/sign_in", raw=raw)
    assert got.status == 400


async def test_every_change_is_in_the_audit_log_with_who_made_it(world: World) -> None:
    root = await world.sign_in("root")
    await root.done("POST /api/users", {"name": "ada", "password": WORDS})
    entries = await world.state.read(lambda unit: audit.search(unit, audit.Search(action="user.create")))
    newest = entries[0]
    assert (newest.name, newest.who.partition(":")[0]) == ("root", "user")
    assert newest.after is not None
    assert newest.after["name"] == "ada"
    assert WORDS not in str(
        await world.state.read(lambda unit: audit.search(unit, audit.Search(), limit=1000))
    )


def test_a_token_is_known_by_its_look_and_a_mistyped_one_is_none() -> None:
    chance = Random(7)
    texts = [mint_token(chance).text.reveal() for _ in range(200)]
    assert len(set(texts)) == len(texts)
    for text in texts:
        assert TOKEN.match(text)
        assert is_token(text)
        assert not is_token(text[:-1] + ("0" if text[-1] != "0" else "1"))
        assert re.fullmatch(r"pha_\w{8}_\w{49}", text)
    assert hash_of(texts[0]) != hash_of(texts[1])


async def test_what_another_process_revokes_is_refused_at_the_next_request(tmp_path: Path) -> None:
    """The change is told by the state, which is what another process' change comes by too."""
    clock = FakeClock()
    async with open_world(tmp_path, clock, Random(1)) as world:
        await world.begin()
        text, token_id = await world.token("viewer")
        assert (await world.bearer(text).get("/api/v1/query")).status == REACHED
        await world.state.write(lambda unit: tokens.revoke_token(unit, token_id), PHAROS)
        assert (await world.bearer(text).get("/api/v1/query")).status == 401


@pytest.mark.needs("postgresql")
async def test_what_one_server_revokes_the_other_one_refuses_once_it_is_told(
    tmp_path: Path, postgres: Postgres
) -> None:
    """How soon that is, `bench.tokens` measures."""
    async with two_servers(tmp_path, postgres) as (one, two):
        told, loop = asyncio.Queue[frozenset[Family]](), asyncio.get_running_loop()

        def tell(families: frozenset[Family]) -> None:
            loop.call_soon_threadsafe(told.put_nowait, families)

        two.state.watch(tell)
        await one.begin()
        text, token_id = await one.token("viewer")
        ada = await one.add("ada", a="viewer")
        # It is the last that was made, and it is told in order.
        while Family.SESSIONS not in await told.get():
            pass
        there = two.bearer(text), replace(ada, world=two)
        for somebody in there:
            assert (await somebody.get("/api/v1/query")).status == REACHED
        await one.owner.done(f"DELETE /api/tokens/{token_id}")
        await one.owner.done("PATCH /api/users/ada", {"disabled": True})
        heard: set[Family] = set()
        while not {Family.TOKENS, Family.USERS} <= heard:
            heard |= await told.get()
        for somebody in there:
            assert (await somebody.get("/api/v1/query")).status == 401


@pytest.mark.needs("postgresql")
async def test_who_signs_in_at_one_server_is_known_at_the_other_one_at_once(
    tmp_path: Path, postgres: Postgres
) -> None:
    async with two_servers(tmp_path, postgres) as (one, two):
        await one.begin()
        for number in range(5):
            ada = await one.add(f"ada-{number}", a="viewer")
            assert (await replace(ada, world=two).get("/api/v1/query")).status == REACHED
            text, _ = await one.token("viewer")
            assert (await two.bearer(text).get("/api/v1/query")).status == REACHED


@pytest.mark.needs("postgresql")
async def test_a_flood_of_unknown_tokens_asks_the_database_ten_times_a_second(
    tmp_path: Path, postgres: Postgres
) -> None:
    async with two_servers(tmp_path, postgres) as (one, two):
        await one.begin()
        unknown = [two.bearer(mint_token(Random(number)).text.reveal()) for number in range(200)]
        before, began_s = _reads(), one.clock.monotonic_s()
        answers = await asyncio.gather(*(somebody.get("/api/v1/query") for somebody in unknown))
        assert {one.status for one in answers} == {401}
        # What `begin` changed is read, too.
        assert _reads() - before < 10 + 10 * (one.clock.monotonic_s() - began_s)


def _reads() -> float:
    return REGISTRY.get_sample_value("pharos_state_unit_duration_seconds_count", {"kind": "read"}) or 0.0


async def test_a_database_that_is_away_stops_nobody_who_is_known(world: World) -> None:
    text, _ = await world.token("viewer")
    ada = await world.add("ada", a="viewer")
    assert (await world.bearer(text).get("/api/v1/query")).status == REACHED
    world.state.close()
    assert (await world.bearer(text).get("/api/v1/query")).status == REACHED
    assert (await ada.get("/api/v1/query")).status == REACHED
