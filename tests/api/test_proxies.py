"""Whom a proxy in front may name as who asks, and what hangs on it: throttle, sessions, cookies, audit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from starlette.types import Receive, Scope, Send
from tests.identity.people import WORDS, Somebody, World, open_world

from pharos.api.http.proxies import Forwarded, Proxies
from pharos.clock import FakeClock
from pharos.config import Settings, load_settings
from pharos.errors import PharosError

CASES = yaml.safe_load((Path(__file__).parent / "cases/proxies.yaml").read_text())
PROXY = "10.0.0.7"


@pytest.mark.parametrize("case", CASES, ids=[one["name"] for one in CASES])
@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_who_asks_is_what_proxies_of_ours_say(case: dict[str, Any], kind: str) -> None:
    settings = Settings(trusted_proxies=tuple(case.get("trusted", ())))
    seen: list[Scope] = []

    async def app(asked: Scope, receive: Receive, send: Send) -> None:
        seen.append(asked)

    async def nothing(*_: Any) -> Any:
        raise AssertionError

    plain, secure = ("http", "https") if kind == "http" else ("ws", "wss")
    asked = {
        "type": kind,
        "scheme": plain,
        "client": (case["peer"], 4711),
        "headers": [(name.lower().encode(), value.encode()) for name, value in case["headers"]],
    }
    await Forwarded(app, Proxies(settings.trusted_networks))(asked, nothing, nothing)
    assert seen[0]["client"][0] == case.get("address", case["peer"])
    assert seen[0]["scheme"] == (secure if case.get("scheme") == "https" else plain)


@pytest.mark.parametrize("written", ["10.0.0.0/33", "example.com", "10.0.0.7/8", "''"])
def test_what_is_no_address_or_network_is_named_with_its_line(written: str, tmp_path: Path) -> None:
    path = tmp_path / "pharos.yml"
    path.write_text(f"data: x\ntrusted_proxies:\n  - {written}\n")
    with pytest.raises(PharosError, match=r"pharos\.yml:3: trusted_proxies\.0: not an address or a network"):
        load_settings(path, {})


@pytest.fixture
async def behind(tmp_path: Path) -> AsyncIterator[World]:
    """A server behind a proxy, with an operator."""
    async with open_world(
        tmp_path, FakeClock(), Random(1), listen="127.0.0.1:0", trusted_proxies=[PROXY]
    ) as opened:
        await opened.begin()
        yield opened


def through(who: Somebody, address: str, **headers: str) -> Somebody:
    """Return somebody who asks from an address, through the proxy."""
    return replace(who, address=PROXY).with_(X_Forwarded_For=address, **headers)


async def _tries(who: Somebody, count: int) -> list[int]:
    body = {"password": "a wrong password"}
    return [
        (await who.ask("POST /api/sign_in", {**body, "name": f"user{one}"})).status for one in range(count)
    ]


async def test_an_address_behind_the_proxy_is_slowed_down_alone(behind: World) -> None:
    attacker = through(behind.stranger, "203.0.113.5")
    assert (await _tries(attacker, 30))[-1] == 429
    other = through(behind.stranger, "203.0.113.6")
    assert (await other.ask("POST /api/sign_in", {"name": "root", "password": WORDS})).status == 200


async def test_an_address_that_a_client_invents_gives_no_further_attempts(behind: World) -> None:
    refused = 0
    for one in range(30):
        # The proxy writes the true address behind what came.
        liar = through(behind.stranger, f"198.51.100.{one}, 203.0.113.5")
        refused += (await _tries(liar, 1))[0] == 429
    assert refused > 0
    refused = 0
    for one in range(30):
        # A header that the proxy passes on as it came.
        liar = through(behind.stranger, "203.0.113.9", Forwarded=f"for=198.51.100.{one}")
        refused += (await _tries(liar, 1))[0] == 429
    assert refused > 0
    refused = 0
    for one in range(30):
        # Past the proxy.
        liar = replace(behind.stranger, address="203.0.113.7").with_(X_Forwarded_For=f"198.51.100.{one}")
        refused += (await _tries(liar, 1))[0] == 429
    assert refused > 0


async def test_sessions_and_the_audit_log_have_the_address_of_who_asks(behind: World) -> None:
    got = await through(behind.stranger, "198.51.100.1, 203.0.113.5", X_Forwarded_Proto="https").ask(
        "POST /api/sign_in", {"name": "root", "password": WORDS}
    )
    # Reached over TLS, the browser keeps the cookie for this host and never sends it without.
    assert got.set_cookie[0].startswith("__Host-pharos_session=")
    assert got.set_cookie[0].endswith("; Secure")
    root = behind.with_cookies(got.cookies)
    assert [one["address"] for one in await root.done("GET /api/me/sessions")] == ["203.0.113.5"]
    await _tries(through(behind.stranger, "203.0.113.66"), 1)
    await through(behind.stranger, "203.0.113.66").ask(
        "POST /api/sign_in", {"name": "root", "password": "a wrong password"}
    )
    entries = (await root.done("GET /api/audit?everywhere=true&action=session"))["entries"]
    told = [(one["action"], one["after"]["address"]) for one in entries if one["after"]]
    assert told == [("session.refuse", "203.0.113.66"), ("session.create", "203.0.113.5")]


async def test_loopback_behind_a_proxy_is_open_to_nobody(tmp_path: Path) -> None:
    async with open_world(
        tmp_path, FakeClock(), Random(1), listen="127.0.0.1:0", trusted_proxies=["127.0.0.1"]
    ) as world:
        assert (await world.stranger.get("/api/v1/query")).status == 401
        assert (await world.entrance.first_link() or "").startswith("/welcome#")
