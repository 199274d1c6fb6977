"""Single sign-on against a provider on loopback: what lets somebody in, and what does not."""

from __future__ import annotations

import urllib.parse
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random

import pytest
from tests.identity.people import REACHED, Got, World, open_world
from tests.identity.provider import CLIENT, CLIENT_SECRET, FakeProvider, running_provider

from pharos.clock import FakeClock
from pharos.identity.oidc import own_page

RULES = [
    {"role": "operator", "when": {"groups": "platform"}, "everywhere": True},
    {"role": "editor", "when": {"groups": "team-a"}, "tenant": "a"},
    {"role": "viewer", "when": {"groups": "team-gone"}, "tenant": "gone"},
]


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with running_provider() as running:
        running.claims = {
            "sub": "42",
            "preferred_username": "ada",
            "email": "ada@example.com",
            "groups": ["team-a"],
        }
        yield running


@pytest.fixture
async def world(tmp_path: Path, provider: FakeProvider) -> AsyncIterator[World]:
    (tmp_path / "client-secret").write_text(f"{CLIENT_SECRET}\n")
    settings = {
        "id": "corp",
        "issuer": provider.url,
        "client_id": CLIENT,
        "client_secret_file": tmp_path / "client-secret",
        "label": "Corp",
        "rules": RULES,
    }
    clock = FakeClock(provider.now_s * 1000)
    async with open_world(tmp_path, clock, Random(1), listen="0.0.0.0:0", providers=[settings]) as opened:
        await opened.begin()
        yield opened


async def _begin(world: World, then: str = "/explore") -> Got:
    got = await world.stranger.get(f"/api/sso/corp/start?then={urllib.parse.quote(then)}")
    assert got.status == 303
    return got


async def _back(world: World, begun: Got, address: str) -> Got:
    split = urllib.parse.urlsplit(address)
    return await world.with_cookies(begun.cookies).get(f"{split.path}?{split.query}")


async def _sign_in(world: World, provider: FakeProvider) -> Got:
    begun = await _begin(world)
    return await _back(world, begun, provider.authorize(begun.headers["location"]))


async def test_somebody_comes_in_with_the_roles_of_their_groups(world: World, provider: FakeProvider) -> None:
    ways = (await world.stranger.get("/api/sign_in")).data
    assert ways["providers"] == [{"id": "corp", "label": "Corp", "path": "/api/sso/corp/start"}]
    begun = await _begin(world)
    assert "SameSite=Lax" in begun.set_cookie[0]
    assert "HttpOnly" in begun.set_cookie[0]
    got = await _back(world, begun, provider.authorize(begun.headers["location"]))
    assert (got.status, got.headers["location"]) == (303, "/explore")
    assert got.cookies["pharos_sso"] == ""
    ada = world.with_cookies({"pharos_session": got.cookies["pharos_session"]})
    me = await ada.done("GET /api/me")
    assert (me["identity"]["kind"], me["identity"]["name"]) == ("user", "ada")
    assert [one["id"] for one in me["tenants"]] == ["a"]
    because = {"source": "provider", "detail": "Corp: groups=team-a"}
    assert me["roles"] == [{"name": "editor", "tenant": "a", **because}]
    await world.owner.with_(X_Scope_OrgID="a").done("PUT /api/members/ada", {"roles": ["editor", "viewer"]})
    told = [(one["name"], one["source"], one["detail"]) for one in (await ada.done("GET /api/me"))["roles"]]
    # What somebody here gave is told apart from what the provider will take again.
    assert told == [("editor", "provider", "Corp: groups=team-a"), ("viewer", "user", "")]
    assert (await ada.get("/api/v1/query")).status == REACHED


async def test_groups_that_were_left_take_their_roles_along(world: World, provider: FakeProvider) -> None:
    await _sign_in(world, provider)
    await world.owner.with_(X_Scope_OrgID="b").done("PUT /api/members/ada", {"roles": ["viewer"]})
    provider.claims["groups"] = ["platform", "team-gone"]
    await _sign_in(world, provider)
    (ada,) = [one for one in await world.owner.done("GET /api/users") if one["name"] == "ada"]
    # What somebody here gave stays; there is no tenant `gone`.
    assert (ada["everywhere"], ada["tenants"]) == (["operator"], {"b": ["viewer"]})


async def test_whom_no_rule_gives_a_role_does_not_come_in(world: World, provider: FakeProvider) -> None:
    provider.claims["groups"] = []
    got = await _sign_in(world, provider)
    assert got.status == 403
    assert "has no role here" in got.error
    assert "pharos_session" not in got.cookies
    assert [one["name"] for one in await world.owner.done("GET /api/users")] == ["root"]


async def test_nobody_becomes_a_user_who_is_here_by_their_name(world: World, provider: FakeProvider) -> None:
    provider.claims["preferred_username"] = "ROOT"
    got = await _sign_in(world, provider)
    me = await world.with_cookies(got.cookies).done("GET /api/me")
    assert me["identity"]["name"] == "ROOT@corp"
    assert me["everywhere"] == []


async def test_who_is_disabled_here_stays_out(world: World, provider: FakeProvider) -> None:
    await _sign_in(world, provider)
    await world.owner.done("PATCH /api/users/ada", {"disabled": True})
    assert (await _sign_in(world, provider)).status == 403


async def test_an_answer_that_was_not_asked_for_lets_nobody_in(world: World, provider: FakeProvider) -> None:
    begun = await _begin(world)
    back = provider.authorize(begun.headers["location"])
    code = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(back).query))
    path = "/api/sso/corp/callback"
    other = await _begin(world)
    for cookies, query in (
        ({}, code),
        ({"pharos_sso": "rubbish"}, code),
        ({"pharos_sso": "W10"}, code),
        (begun.cookies, {**code, "state": "other"}),
        (begun.cookies, {"state": code["state"]}),
        (begun.cookies, {**code, "code": "guessed"}),
        # Another browser's sign-in, with the code of the first.
        (other.cookies, code),
        (begun.cookies, {"state": code["state"], "error": "access_denied"}),
        (begun.cookies, {**code, "iss": "http://evil.example"}),
    ):
        got = await world.with_cookies(cookies).get(f"{path}?{urllib.parse.urlencode(query)}")
        assert got.status == 401, query
        assert "pharos_session" not in got.cookies
    # It still works for the browser that began, once.
    assert (await _back(world, begun, back)).status == 303
    assert (await _back(world, begun, back)).status == 401
    assert (await world.stranger.get("/api/sso/other/start")).status == 404


@pytest.mark.parametrize(
    "wrong", [{"nonce": "other"}, {"aud": "another"}, {"aud": [CLIENT, "x"], "azp": "x"}, {"iss": "http://x"}]
)
async def test_a_token_for_another_sign_in_lets_nobody_in(
    wrong: dict[str, object], world: World, provider: FakeProvider
) -> None:
    provider.claims |= wrong
    got = await _sign_in(world, provider)
    assert got.status == 401
    assert "pharos_session" not in got.cookies


async def test_it_takes_no_longer_than_ten_minutes(world: World, provider: FakeProvider) -> None:
    begun = await _begin(world)
    back = provider.authorize(begun.headers["location"])
    world.clock.advance_ms(601_000)
    assert (await _back(world, begun, back)).status == 401


async def test_a_provider_that_is_away_is_told_to_a_page(world: World, provider: FakeProvider) -> None:
    provider.is_down = True
    got = await world.stranger.get("/api/sso/corp/start")
    assert got.status == 503
    page = await world.stranger.with_(Accept="text/html").get("/api/sso/corp/start")
    assert page.status == 303
    assert page.headers["location"].startswith("/sign-in#error=")


@pytest.mark.parametrize(
    ("asked", "page"),
    [
        ("/explore?q=1#x", "/explore?q=1#x"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
        ("", "/"),
    ],
)
def test_nobody_is_sent_away_from_here(asked: str, page: str) -> None:
    assert own_page(asked) == page
