"""Tokens of outside issuers, as sQuid identities are: whose are taken, which are not, and what they allow."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import RSAKey
from tests.identity.people import REACHED, World, open_world
from tests.identity.provider import FakeProvider, running_provider

from pharos.clock import FakeClock
from pharos.errors import PharosError
from pharos.identity.claims import Rule, claim_values, roles_of

RULES = [
    {"role": "operator", "when": {"groups": "platform"}, "everywhere": True},
    {"role": "editor", "when": {"groups": "team-a"}, "tenant": "a"},
    {"role": "flow-operator", "when": {"dao.roles": "flow-operator"}, "tenant_claim": "dao.subnets"},
]


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with running_provider() as running:
        yield running


@pytest.fixture
async def world(tmp_path: Path, provider: FakeProvider) -> AsyncIterator[World]:
    clock = FakeClock(provider.now_s * 1000)
    issuer = {"issuer": provider.url, "audience": ["pharos", "other"], "rules": RULES}
    async with open_world(tmp_path, clock, Random(1), issuers=[issuer]) as opened:
        yield opened


@pytest.mark.parametrize("key", [0, 1, 2])
async def test_a_token_is_taken_by_what_its_key_has_signed(
    key: int, world: World, provider: FakeProvider
) -> None:
    token = provider.sign({"groups": ["x", "team-a"], "name": "Ada"}, provider.keys[key])
    for who in (world.bearer(token), world.basic("jwt", token)):
        assert (await who.ask("POST /api/v1/write")).status == REACHED
        assert (await who.with_(X_Scope_OrgID="b").ask("POST /api/v1/write")).status == 403
    me = await world.bearer(token).done("GET /api/me")
    assert me["identity"] == {"kind": "issuer", "id": f"{provider.url}|1", "name": "Ada"}
    because = {"source": "issuer", "detail": f"{provider.url}: groups=team-a"}
    assert me["roles"] == [{"name": "editor", "tenant": "a", **because}]


async def test_claims_name_the_subnets_of_a_squid_identity(world: World, provider: FakeProvider) -> None:
    token = provider.sign({"dao": {"roles": ["flow-operator"], "subnets": ["dao_1", "dao_2", "../x", ""]}})
    me = await world.bearer(token).done("GET /api/me")
    assert [one["id"] for one in me["tenants"]] == ["dao_1", "dao_2"]
    asked = {"tenant": "dao_1", "permission": "flows.resume"}
    assert (await world.bearer(token).done("POST /api/access/check", asked))["allowed"] is True
    asked = {"tenant": "dao_3", "permission": "flows.resume"}
    assert (await world.bearer(token).done("POST /api/access/check", asked))["allowed"] is False


async def test_who_gets_no_role_sees_nothing(world: World, provider: FakeProvider) -> None:
    who = world.bearer(provider.sign({"groups": "strangers"}))
    assert (await who.get("/api/v1/query")).status == 403
    assert (await who.with_(X_Scope_OrgID="a").get("/api/v1/query")).status == 403


def _plain(claims: dict[str, Any], header: dict[str, Any], signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def _signed_by_secret(claims: dict[str, Any], secret: bytes) -> str:
    signed = _plain(claims, {"alg": "HS256", "kid": "rsa"}).removesuffix(".")
    mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


GOOD = {"groups": ["platform"]}


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"exp": 1_700_000_000 - 61}, "expired"),
        ({"exp": None}, "exp"),
        ({"nbf": 1_700_000_000 + 61}, "nbf"),
        ({"iat": 1_700_000_000 + 61}, "iat"),
        ({"exp": 1_700_000_000 + 90_000}, "longer"),
        ({"aud": "somebody"}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": ["x", "y"]}, "aud"),
        ({"sub": None}, "sub"),
        ({"exp": "never"}, "exp"),
        ({"iss": "http://127.0.0.1:1"}, "none of Pharos'"),
        ({"iss": ["x"]}, "none of Pharos'"),
    ],
)
async def test_a_token_is_refused_for_what_it_says(
    claims: dict[str, Any], why: str, world: World, provider: FakeProvider
) -> None:
    got = await world.bearer(provider.sign({**GOOD, **claims})).get("/api/v1/query")
    assert got.status == 401
    assert why in got.error


@pytest.mark.parametrize(
    "claims", [{"exp": 1_700_000_000 - 59}, {"nbf": 1_700_000_000 + 59}, {"aud": ["x", "other"]}]
)
async def test_clocks_may_be_off_by_the_leeway(
    claims: dict[str, Any], world: World, provider: FakeProvider
) -> None:
    assert (await world.bearer(provider.sign({**GOOD, **claims})).get("/api/v1/query")).status == REACHED


async def test_what_nobody_signed_is_refused(world: World, provider: FakeProvider) -> None:
    whole = {
        "iss": provider.url,
        "sub": "1",
        "aud": "pharos",
        "iat": provider.now_s,
        "exp": provider.now_s + 60,
        **GOOD,
    }
    rsa = provider.keys[0]
    public = rsa.as_pem(private=False)
    forged = [
        _plain(whole, {"alg": "none"}),
        _plain(whole, {"alg": "None", "kid": "rsa"}),
        _plain(whole, {"alg": "nOnE", "kid": "rsa"}),
        _plain(whole, {"alg": ["RS256"], "kid": "rsa"}),
        _plain(whole, {"kid": "rsa"}),
        # Key confusion: the public key as if it were a secret that both know.
        _signed_by_secret(whole, public),
        # A key that came along.
        provider.sign(GOOD, RSAKey.generate_key(2048, {"kid": "rsa"})),
        provider.sign(GOOD, RSAKey.generate_key(2048, {"kid": "new"}), jwk=rsa.as_dict(private=False)),
        # A key of one kind for the algorithm of another.
        provider.sign(GOOD, provider.keys[1], kid="rsa"),
        jwt.encode({"alg": "RS384", "kid": "rsa"}, whole, rsa, algorithms=["RS384"]),
        provider.sign(GOOD)[:-4] + "AAAA",
        provider.sign(GOOD).rpartition(".")[0] + ".",
        "..",
        "a.b.c",
        "x" * 20_000,
        jws.serialize_compact({"alg": "RS256", "kid": "rsa"}, b"[]", rsa),
    ]
    for token in forged:
        got = await world.bearer(token).get("/api/v1/query")
        assert got.status == 401, token[:60]
    parts = provider.sign({**GOOD, "groups": ["strangers"]}).split(".")
    parts[1] = _plain(whole, {}).split(".")[1]
    assert (await world.bearer(".".join(parts)).get("/api/v1/query")).status == 401


async def test_keys_are_read_once_and_again_for_a_new_one_but_not_at_will(
    world: World, provider: FakeProvider
) -> None:
    assert (await world.bearer(provider.sign(GOOD)).get("/api/v1/query")).status == REACHED
    assert (await world.bearer(provider.sign({**GOOD, "n": 1})).get("/api/v1/query")).status == REACHED
    assert provider.asked.count("GET /keys") == 1
    fresh = RSAKey.generate_key(2048, {"kid": "fresh"})
    for number in range(10):
        assert (
            await world.bearer(provider.sign({**GOOD, "n": number}, fresh)).get("/api/v1/query")
        ).status == 401
    assert provider.asked.count("GET /keys") == 1
    world.clock.advance_ms(30_001)
    provider.keys.append(fresh)
    assert (await world.bearer(provider.sign(GOOD, fresh)).get("/api/v1/query")).status == REACHED
    assert provider.asked.count("GET /keys") == 2


async def test_an_issuer_that_is_away_is_no_reason_to_refuse_whom_it_vouched_for(
    world: World, provider: FakeProvider
) -> None:
    provider.is_down = True
    assert (await world.bearer(provider.sign(GOOD)).get("/api/v1/query")).status == 503
    provider.is_down = False
    world.clock.advance_ms(30_001)
    assert (await world.bearer(provider.sign(GOOD)).get("/api/v1/query")).status == REACHED
    provider.is_down = True
    world.clock.advance_ms(3_500_000)
    provider.now_s += 3_500
    assert (await world.bearer(provider.sign({**GOOD, "n": 2})).get("/api/v1/query")).status == REACHED


async def test_a_token_that_was_good_ends_when_it_says(world: World, provider: FakeProvider) -> None:
    who = world.bearer(provider.sign({**GOOD, "exp": provider.now_s + 10}))
    assert (await who.get("/api/v1/query")).status == REACHED
    world.clock.advance_ms(69_000)
    assert (await who.get("/api/v1/query")).status == REACHED
    world.clock.advance_ms(2_000)
    assert (await who.get("/api/v1/query")).status == 401


async def test_only_algorithms_without_a_shared_secret_can_be_allowed(tmp_path: Path) -> None:
    issuer = {"issuer": "http://127.0.0.1:1", "audience": ["x"], "algorithms": ["RS256", "HS256"]}
    with pytest.raises(PharosError, match="'HS256' is no algorithm that can be allowed"):
        async with open_world(tmp_path, FakeClock(), Random(1), issuers=[issuer]):
            pass


def test_rules_give_roles_by_claims_and_nothing_else() -> None:
    claims = {
        "groups": ["a", 1, "b"],
        "https://x.example/roles": "king",
        "org": {"unit": "u"},
        "deep": {"x": {}},
    }
    assert claim_values(claims, "groups") == ("a", "b")
    assert claim_values(claims, "https://x.example/roles") == ("king",)
    assert claim_values(claims, "org.unit") == ("u",)
    assert claim_values(claims, "deep.x") == claim_values(claims, "no.such") == ()
    rules = [
        Rule("r1", {"groups": "a", "org.unit": "u"}, "t"),
        Rule("r2", {"groups": "c"}, "t"),
        Rule("r3", {"org.unit": "*"}),
        Rule("r4", {"nothing": "*"}),
        Rule("r5", {}, "everybody"),
    ]
    found = roles_of(claims, rules)
    assert list(found) == [("t", "r1"), (None, "r3"), ("everybody", "r5")]
    assert [rule.reason for rule in found.values()] == ["groups=a and org.unit=u", "org.unit=*", "everybody"]
