"""What is asked of those who present nothing: before there is a user, and after."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.identity.people import REACHED, WORDS, World, open_world

from pharos.clock import FakeClock
from pharos.errors import PharosError


async def test_on_loopback_without_users_everybody_may_do_everything(fresh: World) -> None:
    me = await fresh.stranger.done("GET /api/me")
    assert me["identity"] == {"kind": "local", "id": "local", "name": "local"}
    assert "server.operate" in me["everywhere"]
    assert me["openness"] == "open"
    assert (await fresh.stranger.get("/api/v1/query")).status == REACHED
    # What Prometheus sends by habit is no reason to refuse it.
    assert (await fresh.basic("any", "thing").get("/api/v1/query")).status == REACHED
    assert await fresh.entrance.first_link() is None


async def test_without_users_no_token_is_made_that_would_protect_nothing(fresh: World) -> None:
    got = await fresh.stranger.ask("POST /api/tokens", {"name": "one", "roles": ["writer"]})
    assert got.status == 400
    assert "pharos user add" in got.error


async def test_the_first_user_turns_it_on_for_everybody(fresh: World) -> None:
    got = await fresh.stranger.ask("POST /api/users", {"name": "ada", "password": WORDS, "roles": []})
    assert got.status == 200
    assert got.data["user"]["everywhere"] == ["operator"]
    refused = await fresh.stranger.get("/api/v1/query")
    assert refused.status == 401
    assert refused.headers["www-authenticate"] == 'Bearer realm="pharos"'
    ada = await fresh.sign_in("ada")
    assert (await ada.get("/api/v1/query")).status == REACHED


async def test_the_first_user_may_everything_or_nobody_could_go_on(fresh: World) -> None:
    held = [{"role": "viewer", "tenant": "default"}]
    got = await fresh.stranger.ask("POST /api/users", {"name": "ada", "password": WORDS, "roles": held})
    assert got.status == 400
    assert "must be an operator" in got.error


@pytest.mark.parametrize("insecure", [False, True])
async def test_beyond_loopback_the_first_user_comes_by_a_link_that_works_once(
    insecure: bool, tmp_path: Path
) -> None:
    clock = FakeClock()
    async with open_world(tmp_path, clock, Random(1), listen="0.0.0.0:0", insecure=insecure) as world:
        if insecure:
            assert await world.entrance.first_link() is None
            assert (await world.stranger.get("/api/v1/query")).status == REACHED
            return
        assert (await world.stranger.get("/api/v1/query")).status == 401
        assert (await world.stranger.get("/-/healthy")).status == REACHED
        assert (await world.stranger.get("/api/sign_in")).data["openness"] == "setup"
        earlier = await world.entrance.first_link()
        link = await world.entrance.first_link()
        assert earlier is not None
        assert link is not None
        used = {"name": "ada", "password": WORDS}
        old = await world.stranger.ask("POST /api/links/use", {"code": earlier.partition("#")[2], **used})
        assert (old.status, "does not work" in old.error) == (404, True)
        code = link.partition("#")[2]
        assert await world.stranger.done("POST /api/links/whose", {"code": code}) == {"name": None}
        weak = await world.stranger.ask("POST /api/links/use", {"code": code, "name": "ada", "password": "x"})
        assert (weak.status, "12 are the least" in weak.error) == (400, True)
        got = await world.stranger.ask("POST /api/links/use", {"code": code, **used})
        assert got.data["identity"]["name"] == "ada"
        assert "server.operate" in got.data["everywhere"]
        again = await world.stranger.ask(
            "POST /api/links/use", {"code": code, "name": "eve", "password": WORDS}
        )
        assert again.status == 404
        assert await world.entrance.first_link() is None
        assert (await world.sign_in("ada")).headers


@pytest.mark.parametrize("protocol", ["grpc", "http"])
async def test_an_address_for_telemetry_that_others_reach_asks_everybody(
    protocol: str, tmp_path: Path
) -> None:
    async with open_world(tmp_path, FakeClock(), Random(1), otlp={protocol: "0.0.0.0:4000"}) as world:
        assert (await world.stranger.get("/api/v1/query")).status == 401


async def test_the_first_users_link_ends_after_an_hour(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_world(tmp_path, clock, Random(1), listen="0.0.0.0:0") as world:
        link = await world.entrance.first_link()
        assert link is not None
        clock.advance_ms(3_600_001)
        body = {"code": link.partition("#")[2], "name": "ada", "password": WORDS}
        assert (await world.stranger.ask("POST /api/links/use", body)).status == 404


async def test_who_does_not_sign_in_has_the_role_of_the_settings(tmp_path: Path) -> None:
    async with open_world(tmp_path, FakeClock(), Random(1), anonymous="viewer") as world:
        await world.begin()
        assert (await world.stranger.get("/api/v1/query")).status == REACHED
        assert (await world.stranger.ask("POST /api/v1/write")).status == 403
        assert (await world.stranger.with_(X_Scope_OrgID="a").get("/api/v1/query")).status == 403
        me = await world.stranger.done("GET /api/me")
        assert me["identity"]["kind"] == "anonymous"
        assert me["roles"] == [{"name": "viewer", "tenant": "default", "source": "settings", "detail": ""}]
        assert (await world.bearer("pha_nonsense").get("/api/v1/query")).status == 401


async def test_a_role_of_the_settings_must_be_one(tmp_path: Path) -> None:
    with pytest.raises(PharosError, match="no role 'king'"):
        async with open_world(tmp_path, FakeClock(), Random(1), anonymous="king"):
            pass


async def test_the_key_of_the_data_folder_opens_everything_and_another_nothing(world: World) -> None:
    assert (await world.owner.ask("POST /-/reload")).status == REACHED
    assert (await world.stranger.with_(X_Pharos_Key="other").get("/api/me")).status == 401
    twice = world.owner.with_(X_Pharos_Key="other")
    assert (await twice.get("/api/me")).status == 401
    me = await world.owner.done("GET /api/me")
    assert me["identity"]["id"] == "owner"
    assert me["roles"] == [{"name": "operator", "tenant": None, "source": "local", "detail": ""}]


@pytest.mark.parametrize("setting", ["also_listen", "also_listen_grpc"])
async def test_a_further_address_beyond_loopback_is_open_to_nobody_either(
    setting: str, tmp_path: Path
) -> None:
    further: dict[str, Any] = {setting: ("0.0.0.0:0",)}
    async with open_world(tmp_path, FakeClock(), Random(1), **further) as world:
        assert (await world.stranger.get("/api/v1/query")).status == 401
