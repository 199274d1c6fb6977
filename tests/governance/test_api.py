"""Proposals and the audit log over HTTP: what a role may do, in its tenant and no other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
from tests.identity.people import Somebody, World, open_world

from pharos.clock import FakeClock
from pharos.state.exports import verify_file

LIMITS = {"action": "limits.set", "change": {"bounds": {"max_series": 10}}, "reason": "more is coming"}


@pytest.fixture
async def world(tmp_path: Path, clock: FakeClock) -> AsyncIterator[World]:
    async with open_world(tmp_path, clock, Random(3)) as opened:
        await opened.begin()
        yield opened


def at(who: Somebody, tenant: str) -> Somebody:
    return who.with_(X_Scope_OrgID=tenant)


async def test_a_protected_limit_is_changed_by_proposal_and_vote(world: World) -> None:
    ada, bob = await world.add("ada", a="governance"), await world.add("bob", a="governance")
    max_ = await world.add("max", a="editor")
    # Besides them the operator, who may everywhere.
    few = await ada.ask("PUT /api/protections/limits", {"approvals": 4})
    assert (few.status, "3 may give it" in few.error) == (400, True)
    rules = await ada.done("PUT /api/protections/limits", {"approvals": 2})
    assert [(rule["policy"], rule["tenant_id"], rule["approvals"]) for rule in rules] == [("limits", "a", 2)]
    made = await max_.done("POST /api/proposals", LIMITS)
    assert (made["status"], made["name"], made["change"]) == ("open", "max", LIMITS["change"])
    assert (await max_.ask(f"POST /api/proposals/{made['id']}/approve", {})).status == 403
    await ada.done(f"POST /api/proposals/{made['id']}/approve", {"reason": "fine"})
    done = await bob.done(f"POST /api/proposals/{made['id']}/approve", {})
    assert (done["status"], len(done["votes"])) == ("applied", 2)
    listed = (await max_.done("GET /api/proposals"))["proposals"]
    assert [one["id"] for one in listed] == [made["id"]]
    assert (await ada.ask("DELETE /api/protections/limits")).status == 403
    assert (await ada.ask("PUT /api/protections/limits", {"approvals": 1})).status == 403


async def test_roles_that_are_protected_are_given_by_proposal_alone(world: World) -> None:
    ada = await world.add("ada", a="dao-admin")
    await world.add("bob", a="viewer")
    users = {one["name"]: one["id"] for one in await world.owner.done("GET /api/users")}
    await ada.done("PUT /api/protections/roles", {})
    refused = await ada.ask(f"PUT /api/members/{users['bob']}", {"roles": ["editor"]})
    assert refused.status == 403
    assert "the approval of 1 other person" in refused.error
    change = {"user_id": users["bob"], "role": "editor"}
    body = {"action": "roles.grant", "change": change, "reason": "she leaves"}
    made = await ada.done("POST /api/proposals", body)
    withdrawn = await ada.done(f"POST /api/proposals/{made['id']}/withdraw", {"reason": "not yet"})
    assert (withdrawn["status"], withdrawn["outcome"]) == ("withdrawn", "not yet")


async def test_proposals_are_turned_over_by_pages(world: World) -> None:
    ada = await world.add("ada", a="governance")
    await world.add("bob", a="governance")
    await ada.done("PUT /api/protections/limits", {})
    made = []
    for count in range(5):
        change = {"bounds": {"max_series": count + 1}}
        made.append((await ada.done("POST /api/proposals", {**LIMITS, "change": change}))["id"])
        # Two of them at the same time.
        world.clock.advance_ms(count % 2)
    whole = (await ada.done("GET /api/proposals"))["proposals"]
    assert {one["id"] for one in whole} == set(made)
    assert whole == sorted(whole, key=lambda one: (-one["created_ms"], one["id"]))
    found, before = [], ""
    for size in (2, 2, 1):
        part = await ada.done(f"GET /api/proposals?limit=2{before}")
        assert len(part["proposals"]) == size
        found += part["proposals"]
        before = f"&before={part['before']}"
    assert (found, part["before"]) == (whole, None)
    await ada.done(f"POST /api/proposals/{made[0]}/withdraw", {})
    assert len((await ada.done("GET /api/proposals?status=open"))["proposals"]) == 4
    assert (await ada.done("GET /api/proposals?limit=0"))["before"] is None
    for query in ("limit=x", "limit=-1", "before=none", "status=lost"):
        assert (await ada.get(f"/api/proposals?{query}")).status == 400, query


async def test_somebody_without_a_role_is_proposed_by_name_and_shown_by_it(world: World) -> None:
    ada = await world.add("ada", a="dao-admin")
    await world.add("bob", a="governance")
    await world.add("new")
    await ada.done("PUT /api/protections/roles", {})
    body = {"action": "roles.grant", "change": {"user_id": "NEW", "role": "viewer"}, "reason": "joins us"}
    made = await ada.done("POST /api/proposals", body)
    assert (made["subject"], made["change"]["user_id"] != "NEW", made["lacking"]) == ("new", True, [])
    body["change"] = {"user_id": "nobody", "role": "viewer"}
    assert (await ada.ask("POST /api/proposals", body)).status == 404
    gone = await world.owner.done(f"DELETE /api/users/{made['change']['user_id']}")
    assert (gone["name"], gone["rows_removed"]["users"], gone["rows_left"]) == ("new", 1, 0)
    assert (await ada.done(f"GET /api/proposals/{made['id']}"))["subject"] is None


async def test_a_protection_is_lifted_by_the_key_of_the_data_folder_alone(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    ada, root = await world.add("ada", a="dao-admin"), await world.sign_in("root")
    await ada.done("PUT /api/protections/roles", {})
    lift = "POST /api/protections/roles/lift"
    assert (await ada.ask(lift, {"reason": "we wait"})).status == 403
    refused = await at(root, "a").ask(lift, {"reason": "we wait"})
    assert (refused.status, "pharos tenant unprotect --emergency" in refused.error) == (403, True)
    assert (await at(world.owner, "a").ask(lift, {"reason": " "})).status == 400
    assert (await at(world.owner, "a").ask(lift, {})).status == 400
    assert await at(world.owner, "a").done(lift, {"reason": "nobody is left"}) == []
    assert "roles in the tenant a was lifted without a vote: nobody is left" in caplog.text
    entry = (await ada.done("GET /api/audit?action=protection.lift"))["entries"][0]
    # Ada and the operator could have approved it.
    assert (entry["who"], entry["after"]) == ("local:owner", {"could_approve": 2})
    body = {"reason": "nobody is left", "everywhere": True}
    assert (await world.owner.ask(lift, body)).status == 404


async def test_another_tenants_proposals_are_not_there(world: World) -> None:
    ada, eve = await world.add("ada", a="governance"), await world.add("eve", a="governance")
    other = await world.add("other", b="dao-admin")
    await ada.done("PUT /api/protections/limits", {})
    made = await eve.done("POST /api/proposals", LIMITS)
    for address in ("", "/approve", "/reject", "/withdraw"):
        method = "POST" if address else "GET"
        got = await other.ask(f"{method} /api/proposals/{made['id']}{address}", {} if address else None)
        assert got.status == 404, address
    assert (await other.done("GET /api/proposals"))["proposals"] == []
    assert await other.done("GET /api/protections") == []
    assert (await other.ask("GET /api/proposals?everywhere=true")).status == 403
    assert (await other.ask("POST /api/proposals", {**LIMITS, "everywhere": True})).status == 403
    assert (await at(other, "a").ask("GET /api/proposals")).status == 403


@pytest.mark.parametrize(
    "body",
    [
        {},
        {**LIMITS, "reason": ""},
        {**LIMITS, "action": "limits.drop"},
        {**LIMITS, "tenant": "b"},
        {**LIMITS, "change": {"bounds": {"max_series": 10}, "tenant": "b"}},
        {**LIMITS, "change": {"bounds": {"max_series": "many"}}},
        {**LIMITS, "change": []},
    ],
)
async def test_what_is_no_proposal_is_400(world: World, body: object) -> None:
    ada = await world.add("ada", a="governance")
    await world.add("eve", a="governance")
    await ada.done("PUT /api/protections/limits", {})
    assert (await ada.ask("POST /api/proposals", body)).status == 400


async def test_the_log_is_shown_of_ones_own_tenant_and_of_all_to_operators(world: World) -> None:
    ada, root = await world.add("ada", a="admin"), await world.sign_in("root")
    await world.add("other", b="admin")
    own = await ada.done("GET /api/audit")
    assert {entry["tenant"] for entry in own["entries"]} == {"a"}
    assert (await ada.ask("GET /api/audit?everywhere=true")).status == 403
    assert (await ada.ask("GET /api/audit/export?everywhere=true")).status == 403
    assert (await ada.ask("GET /api/audit/verify")).status == 403
    every = await root.done("GET /api/audit?everywhere=true&limit=3")
    assert [entry["number"] for entry in every["entries"]] == [every["before"] + n for n in (2, 1, 0)]
    rest = await root.done(f"GET /api/audit?everywhere=true&before={every['before']}")
    assert rest["entries"][0]["number"] == every["before"] - 1
    assert rest["before"] is None
    made = await root.done("GET /api/audit?everywhere=true&action=tenant.create")
    assert [entry["object"] for entry in made["entries"]] == ["tenant:b", "tenant:a"]
    assert (await root.done("GET /api/audit/verify"))["entries"] == every["entries"][0]["number"]


@pytest.mark.parametrize("form", ["jsonl", "csv"])
async def test_an_export_is_whole_and_of_who_may_see_it(world: World, tmp_path: Path, form: str) -> None:
    ada, root = await world.add("ada", a="admin"), await world.sign_in("root")
    for who, query, whole in ((ada, "", False), (root, "&everywhere=true", True)):
        got = await who.get(f"/api/audit/export?format={form}{query}")
        assert got.status == 200
        assert got.headers["content-disposition"] == f'attachment; filename="pharos-audit.{form}"'
        path = tmp_path / "export"
        path.write_bytes(got.body)
        assert verify_file(path).whole is whole
        assert verify_file(path).entries > 0


@pytest.mark.parametrize("query", ["before=x", "before=-1", "limit=x", "start=x", "limit=-1"])
async def test_what_cannot_be_looked_for_is_400(world: World, query: str) -> None:
    root = await world.sign_in("root")
    assert (await root.get(f"/api/audit?{query}")).status == 400
    assert (await root.get("/api/audit/export?format=xml")).status == 400
