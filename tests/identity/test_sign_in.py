"""Signing in and out: sessions, their cookies, passwords, links, and those who guess."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from tests.api.exchange import Exchange
from tests.identity.people import REACHED, WORDS, World, open_world

from pharos.clock import FakeClock
from pharos.errors import PharosError
from pharos.identity.passwords import HashCost, Passwords, check_password
from pharos.secret import Secret
from pharos.state import accounts, audit, sessions
from pharos.telemetry import REGISTRY

DAY_MS = 86_400_000
OTHER = "another horse battery staple"


async def test_a_cookie_is_kept_from_scripts_and_from_other_sites(world: World) -> None:
    await world.add("ada", a="viewer")
    got = await world.stranger.ask("POST /api/sign_in", {"name": "ada", "password": WORDS})
    (cookie,) = got.set_cookie
    assert cookie.startswith("pharos_session=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert got.headers["cache-control"] == "no-store"
    assert len(got.cookies["pharos_session"]) == 43


async def test_over_tls_a_cookie_is_of_this_host_alone(tmp_path: Path) -> None:
    async with open_world(tmp_path, FakeClock(), Random(1), url="https://metrics.example.com") as world:
        await world.begin()
        got = await world.stranger.ask("POST /api/sign_in", {"name": "root", "password": WORDS})
        assert got.set_cookie[0].startswith("__Host-pharos_session=")
        assert got.set_cookie[0].endswith("; Secure")
        await world.sign_in("root")


async def test_nothing_that_opens_anything_is_kept(world: World, tmp_path: Path) -> None:
    await world.add("ada", a="viewer")
    got = await world.stranger.ask("POST /api/sign_in", {"name": "ada", "password": WORDS})
    token, _ = await world.token("viewer")
    link = (await world.owner.done("POST /api/users/ada/link"))["code"]
    assert (await world.bearer(token).get("/api/v1/query")).status == REACHED
    kept = b"".join(path.read_bytes() for path in sorted(tmp_path.glob("state.db*")))  # noqa: ASYNC240 - a test
    for secret in (got.cookies["pharos_session"], token, token[13:], link, WORDS):
        assert secret.encode() not in kept
    hashed = await world.state.read(
        lambda unit: accounts.password_hash(unit, accounts.user_meant(unit, "ada").id)
    )
    assert hashed is not None
    assert hashed.reveal().startswith("$argon2id$")


async def test_a_wrong_password_and_an_unknown_name_are_answered_alike(world: World) -> None:
    await world.add("ada", a="viewer")
    wrong = await world.stranger.ask("POST /api/sign_in", {"name": "ada", "password": OTHER})
    unknown = await world.stranger.ask("POST /api/sign_in", {"name": "nobody", "password": OTHER})
    assert wrong.status == unknown.status == 401
    assert wrong.body == unknown.body


async def test_by_id_and_with_an_empty_password_nobody_signs_in(world: World) -> None:
    users = await world.owner.done("GET /api/users")
    for name, password in ((users[0]["id"], WORDS), ("root", "")):
        got = await world.stranger.ask("POST /api/sign_in", {"name": name, "password": password})
        assert got.status == 401


async def test_a_session_that_somebody_was_given_is_not_taken_on(world: World) -> None:
    await world.add("ada", a="viewer")
    planted = world.with_cookies({"pharos_session": "x" * 43})
    got = await planted.ask("POST /api/sign_in", {"name": "ada", "password": WORDS})
    assert got.cookies["pharos_session"] != "x" * 43
    assert (await planted.get("/api/me")).status == 401
    # Signing in again ends what one came with.
    first = world.with_cookies(got.cookies)
    second = await first.ask("POST /api/sign_in", {"name": "ada", "password": WORDS})
    assert (await first.get("/api/me")).status == 401
    assert (await world.with_cookies(second.cookies).get("/api/me")).status == 200


async def test_a_change_by_cookie_must_come_from_our_own_page(world: World) -> None:
    await world.add("ada", a="viewer")
    got = await world.stranger.ask("POST /api/sign_in", {"name": "ada", "password": WORDS})
    ada = world.with_cookies(got.cookies)
    assert (await ada.get("/api/v1/query")).status == REACHED
    assert (await ada.ask("POST /api/v1/query")).status == 401
    assert (await ada.with_(X_CSRF_Token="0" * 64).ask("POST /api/v1/query")).status == 401
    token = (await ada.done("GET /api/me"))["csrf_token"]
    assert token == got.data["csrf_token"]
    assert (await ada.with_(X_CSRF_Token=token).ask("POST /api/v1/query")).status == REACHED
    assert (await ada.with_(Sec_Fetch_Site="same-origin").ask("POST /api/v1/query")).status == REACHED
    for site in ("same-site", "cross-site", "none"):
        assert (await ada.with_(Sec_Fetch_Site=site).ask("POST /api/v1/query")).status in {401, 403}
    foreign = ada.with_(X_CSRF_Token=token, Origin="http://evil.example")
    assert (await foreign.ask("POST /api/v1/query")).status == 403


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_what_a_foreign_form_could_send_signs_nobody_in(media: str, world: World) -> None:
    raw = b'{"name": "root", "password": "correct horse battery staple"}'
    got = await world.ask("POST", "/api/sign_in", [("content-type", media)], raw, "192.0.2.1")
    assert got.status == 400
    assert got.set_cookie == ()


async def test_no_get_changes_anything_about_accounts(world: World) -> None:
    before = await world.state.read(audit.head)
    root = await world.sign_in("root")
    signed_in = await world.state.read(audit.head)
    assert signed_in[0] == before[0] + 1
    for path in ("/api/me", "/api/users", "/api/members", "/api/roles", "/api/tokens", "/api/me/sessions"):
        assert (await root.get(path)).status == 200
    assert await world.state.read(audit.head) == signed_in


async def test_sessions_end_when_nobody_uses_them_and_in_any_case(world: World) -> None:
    ada = await world.add("ada", a="viewer")
    for _ in range(3):
        world.clock.advance_ms(DAY_MS - 1)
        assert (await ada.get("/api/me")).status == 200
    world.clock.advance_ms(DAY_MS + 1)
    ended = await ada.get("/api/me")
    assert (ended.status, "has ended" in ended.error) == (401, True)
    ada = await world.sign_in("ada")
    for _ in range(60):
        world.clock.advance_ms(DAY_MS // 2)
        last = await ada.get("/api/me")
    assert last.status == 401


async def test_sessions_are_listed_and_revoked_by_their_owner_alone(world: World) -> None:
    ada, bob = await world.add("ada", a="viewer"), await world.add("bob", a="viewer")
    other = await world.sign_in("ada")
    found = await ada.done("GET /api/me/sessions")
    assert len(found) == 2
    assert [one["is_current"] for one in found].count(True) == 1
    (foreign,) = [one["id"] for one in found if not one["is_current"]]
    assert (await bob.ask(f"DELETE /api/me/sessions/{foreign}")).status == 404
    await ada.done(f"DELETE /api/me/sessions/{foreign}")
    assert (await other.get("/api/me")).status == 401
    assert (await ada.get("/api/me")).status == 200


async def test_signing_out_ends_the_session_here_or_everywhere(world: World) -> None:
    ada = await world.add("ada", a="viewer")
    here, there = await world.sign_in("ada"), await world.sign_in("ada")
    got = await here.ask("POST /api/sign_out", {})
    assert got.cookies == {"pharos_session": ""}
    assert "Max-Age=0" in got.set_cookie[0]
    assert (await here.get("/api/me")).status == 401
    assert (await ada.done("POST /api/sign_out", {"everywhere": True}))["count"] == 2
    assert (await there.get("/api/me")).status == (await ada.get("/api/me")).status == 401


GUESSED = {
    "a word twice": "passwordpassword",
    "a word and what is written around it": "Password1234!",
    "the name and figures": "ada123456789",
    "the name again and again": "AdaADAadaada",
    "up a row of keys": "123456789012",
    "down a row of keys": "987654321098",
    "the alphabet": "abcdefghijkl",
    "few characters": "aaaaabbbbbccccc",
}


@pytest.mark.parametrize("password", GUESSED.values(), ids=GUESSED)
def test_a_password_that_is_guessed_first_is_not_taken(password: str) -> None:
    with pytest.raises(PharosError, match="too easy to guess"):
        check_password(password, "ada")


@pytest.mark.parametrize("password", [WORDS, OTHER, "x7$kq!2mz0Pw", "839201748392", "ada likes pears"])
def test_a_password_of_words_or_of_chance_is_taken(password: str) -> None:
    check_password(password, "ada")


async def test_a_new_password_ends_all_other_sessions_and_changes_the_cookie(world: World) -> None:
    ada = await world.add("ada", a="viewer")
    other = await world.sign_in("ada")
    wrong = await ada.ask("POST /api/me/password", {"current": OTHER, "new": OTHER})
    assert (wrong.status, "current password" in wrong.error) == (400, True)
    short = await ada.ask("POST /api/me/password", {"current": WORDS, "new": "short"})
    assert (short.status, "12 are the least" in short.error) == (400, True)
    got = await ada.ask("POST /api/me/password", {"current": WORDS, "new": OTHER})
    assert got.status == 200
    assert (await other.get("/api/me")).status == (await ada.get("/api/me")).status == 401
    assert (await world.with_cookies(got.cookies).get("/api/me")).status == 200
    assert (await world.stranger.ask("POST /api/sign_in", {"name": "ada", "password": WORDS})).status == 401
    await world.sign_in("ada", OTHER)


async def test_a_link_sets_a_password_once_and_ends_what_was_open(world: World) -> None:
    ada = await world.add("ada", a="viewer")
    first = (await world.owner.done("POST /api/users/ada/link"))["code"]
    second = (await world.owner.done("POST /api/users/ada/link"))["code"]
    assert (await world.stranger.ask("POST /api/links/use", {"code": first, "password": OTHER})).status == 404
    got = await world.stranger.ask("POST /api/links/use", {"code": second, "password": OTHER})
    assert got.data["identity"]["name"] == "ada"
    assert (await ada.get("/api/me")).status == 401
    assert (
        await world.stranger.ask("POST /api/links/use", {"code": second, "password": OTHER})
    ).status == 404
    await world.sign_in("ada", OTHER)


async def test_an_invited_user_chooses_a_password_by_the_link(world: World) -> None:
    made = await world.owner.done(
        "POST /api/users", {"name": "ada", "roles": [{"role": "viewer", "tenant": "a"}]}
    )
    assert made["path"] == f"/welcome#{made['code']}"
    assert made["user"]["has_password"] is False
    whose = await world.stranger.done("POST /api/links/whose", {"code": made["code"]})
    assert whose == {"name": "ada"}
    got = await world.stranger.ask("POST /api/links/use", {"code": made["code"], "password": OTHER})
    assert got.data["tenants"][0]["id"] == "a"
    await world.sign_in("ada", OTHER)
    assert (await world.stranger.ask("POST /api/links/whose", {"code": made["code"]})).status == 404


async def test_who_guesses_waits_ever_longer_and_others_do_not(world: World) -> None:
    await world.add("ada", a="viewer")
    await world.add("bob", a="viewer")
    guessing = {"name": "ADA", "password": OTHER}
    statuses = [(await world.stranger.ask("POST /api/sign_in", guessing)).status for _ in range(8)]
    assert statuses == [401] * 6 + [429] * 2
    refused = await world.stranger.ask("POST /api/sign_in", {"name": "ada", "password": WORDS})
    assert refused.status == 429
    assert int(refused.headers["retry-after"]) >= 1
    await world.sign_in("bob")
    world.clock.advance_ms(1_001)
    assert (await world.stranger.ask("POST /api/sign_in", guessing)).status == 401
    assert (await world.stranger.ask("POST /api/sign_in", guessing)).status == 429
    world.clock.advance_ms(2_001)
    await world.sign_in("ada")
    # The right password is a new beginning for the name.
    assert (await world.stranger.ask("POST /api/sign_in", guessing)).status == 401
    entries = await world.state.read(lambda unit: audit.search(unit, audit.Search(action="session.refuse")))
    assert len(entries) == 8
    assert entries[0].after == {"address": "192.0.2.1"}


async def test_an_address_that_tries_many_names_waits_too(world: World) -> None:
    statuses = []
    for number in range(25):
        body = {"name": f"user{number}", "password": OTHER}
        statuses.append((await world.stranger.ask("POST /api/sign_in", body)).status)
    assert statuses == [401] * 21 + [429] * 4
    body = {"name": "root", "password": WORDS}
    assert (await world.stranger.ask("POST /api/sign_in", body)).status == 429
    elsewhere = world.stranger.__class__(world, address="2001:db8::1")
    assert (await elsewhere.ask("POST /api/sign_in", body)).status == 200


async def test_a_password_is_hashed_anew_when_it_should_cost_more() -> None:
    cheap, dear = Passwords(HashCost(1, 8)), Passwords(HashCost(2, 16))
    kept = await cheap.hash(WORDS)
    assert (await cheap.check(kept, WORDS)).rehashed is None
    checked = await dear.check(kept, WORDS)
    assert checked.is_right
    assert checked.rehashed is not None
    assert "t=2" in checked.rehashed.reveal()
    assert not (await dear.check(kept, OTHER)).is_right
    assert not (await dear.check(None, WORDS)).is_right
    assert not (await dear.check(Secret("no hash"), WORDS)).is_right
    cheap.close()
    dear.close()


@pytest.mark.parametrize(
    "password", ["short", "aaaaaaaaaaaaaaaa", "abababababababab", "ada ada ada ada", "x" * 1001]
)
async def test_passwords_that_are_no_secret_are_not_taken(password: str, world: World) -> None:
    got = await world.owner.ask("POST /api/users", {"name": "ada", "password": password})
    assert got.status == 400
    assert password not in got.error


async def test_a_disabled_user_is_out_at_once(world: World) -> None:
    ada = await world.add("ada", a="viewer")
    own = (await ada.done("POST /api/me/tokens", {"name": "mine"}))["text"]
    assert (await world.bearer(own).get("/api/v1/query")).status == REACHED
    await world.owner.done("PATCH /api/users/ada", {"disabled": True})
    assert (await ada.get("/api/me")).status == 401
    assert (await world.bearer(own).get("/api/v1/query")).status == 401
    assert (await world.stranger.ask("POST /api/sign_in", {"name": "ada", "password": WORDS})).status == 401
    await world.owner.done("PATCH /api/users/ada", {"disabled": False})
    assert (await world.bearer(own).get("/api/v1/query")).status == REACHED
    await world.sign_in("ada")


async def test_when_sessions_and_tokens_were_used_is_kept(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_world(tmp_path, clock, Random(1)) as world:
        await world.begin()
        token, token_id = await world.token("viewer")
        ada = await world.add("ada", a="viewer")
        clock.advance_ms(5000)
        assert (await world.bearer(token).get("/api/v1/query")).status == REACHED
        assert (await ada.get("/api/me")).status == 200
    async with open_world(tmp_path, clock, Random(2)) as world:
        found = await world.owner.with_(X_Scope_OrgID="a").done("GET /api/tokens")
        assert [(one["id"], one["used_ms"]) for one in found] == [(token_id, clock.now_ms())]
        kept = await world.state.read(sessions.live_sessions)
        assert [one.seen_ms for one in kept.values()] == [clock.now_ms()]
        assert [one.expires_ms for one in kept.values()] == [clock.now_ms() + DAY_MS]
        again = replace(ada, world=world)
        assert (await again.get("/api/me")).status == 200


async def test_a_cookie_opens_a_websocket_only_for_a_page_of_this_server(world: World) -> None:
    ada = await world.add("ada", a="viewer")
    cookie = (b"cookie", dict(ada.headers)["cookie"].encode())
    for origin, answered in (("", 401), ("http://evil.example", 403), ("null", 403), ("http://127.0.0.1", 0)):
        headers = [cookie, *([(b"origin", origin.encode())] if origin else [])]
        live = await Exchange("websocket", "/nowhere", headers=headers).with_(world.application)
        # Who may ask is told that nothing is there.
        assert live.sent[0].get("status", 0) == answered, origin
    stranger = await Exchange("websocket", "/nowhere").with_(world.application)
    assert stranger.sent[0]["status"] == 401


async def test_who_is_turned_away_is_counted(world: World) -> None:
    def count(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(f"pharos_{name}_total", labels) or 0.0

    def counts() -> list[float]:
        refused = [count("identity_refused", kind=kind) for kind in ("unauthenticated", "denied")]
        return [*refused, *(count("sign_ins", outcome=one) for one in ("accepted", "refused"))]

    before = counts()
    ada = await world.add("ada", a="viewer")
    assert (await world.stranger.get("/api/v1/query")).status == 401
    assert (await ada.get("/api/users")).status == 403
    wrong = {"name": "ada", "password": "a wrong password"}
    assert (await world.stranger.ask("POST /api/sign_in", wrong)).status == 401
    used = {"code": "none", "password": WORDS}
    assert (await world.stranger.ask("POST /api/links/use", used)).status == 404
    # The page is everybody's.
    assert (await world.stranger.get("/api/sign_in")).status == 200
    assert [now - then for now, then in zip(counts(), before, strict=True)] == [1, 1, 1, 2]
