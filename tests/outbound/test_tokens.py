"""Requests carry tokens that are asked for with who we are (OAuth 2, client credentials)."""

from __future__ import annotations

import asyncio
import base64

from aiohttp import web
from tests.outbound.test_outbound import Server, outbound, refused, says, server

from pharos.errors import Kind
from pharos.http_options import HttpOptions, OAuth2, SecretText
from pharos.outbound import Outbound, Request
from pharos.secret import Secret

__all__ = ("outbound", "server")


def options(server: Server) -> HttpOptions:
    secret = SecretText(Secret("s:cret"))
    parameters = (("audience", "a"),)
    return HttpOptions(oauth2=OAuth2("me", secret, str(server.url / "token"), ("x", "y"), parameters))


async def test_a_token_is_asked_for_once_and_carried(server: Server, outbound: Outbound) -> None:
    forms: list[dict[str, str]] = []

    async def token(request: web.Request) -> web.StreamResponse:
        forms.append({**{name: str(value) for name, value in (await request.post()).items()}})
        return web.json_response({"access_token": "t1", "expires_in": 3600, "token_type": "Bearer"})

    server.answers = {"/token": token, "/": says(b"good")}
    asked = Request(server.url / "")
    answers = await asyncio.gather(*(outbound.send(asked, options(server)) for _ in range(3)))
    assert [answer.status for answer in answers] == [200] * 3
    assert forms == [{"grant_type": "client_credentials", "scope": "x y", "audience": "a"}]
    to_token, *others = server.seen
    expected = base64.b64encode(b"me:s%3Acret").decode()
    assert to_token.headers["Authorization"] == f"Basic {expected}"
    assert {one.headers["Authorization"] for one in others} == {"Bearer t1"}


async def test_a_token_that_is_refused_is_asked_for_anew(server: Server, outbound: Outbound) -> None:
    server.answers = {"/token": says(b'{"access_token": "t"}'), "/": says(b"", 401)}
    asked = Request(server.url / "")
    for _ in range(2):
        assert (await outbound.send(asked, options(server))).status == 401
    assert [one.path for one in server.seen] == ["/token", "/", "/token", "/"]


async def test_what_is_no_token_is_told_without_secrets(server: Server, outbound: Outbound) -> None:
    for body, status, kind in (
        (b"{}", 200, Kind.INVALID),
        (b'{"access_token": "a\\nb: c"}', 200, Kind.INVALID),
        (b"<html>", 200, Kind.INVALID),
        (b'{"error": "invalid_client"}', 401, Kind.INVALID),
        (b"", 503, Kind.UNAVAILABLE),
    ):
        server.answers = {"/token": says(body, status), "/": says(b"")}
        error = await refused(outbound.send(Request(server.url / ""), options(server)))
        assert "s:cret" not in str(error)
        assert error.kind is kind
    assert {one.path for one in server.seen} == {"/token"}
