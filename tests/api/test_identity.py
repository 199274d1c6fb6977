"""The one layer in front of every route: nothing is reached without a scope, every answer is secured."""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from tests.api.exchange import Exchange
from tests.api.hollow import hollow_edge

from pharos.access import ALL, OF_CONTENTS, OPEN, ROLES, Identity, IdentityKind, Scope, grant
from pharos.api.app import create_app, operations
from pharos.api.http.identity import SCOPE, Authentication, choose, read_tenant, scope_by_now, scope_of
from pharos.api.http.routes import SocketOperation
from pharos.errors import Kind, PharosError

_SEVERAL = [(b"x-scope-orgid", b"a"), (b"x-scope-orgid", b"b")]


def _all_addresses() -> list[tuple[str, str]]:
    """Return (method, path) of every operation that a scope is made for.

    Public status pages are answered before any is: they read no header.
    """
    served = [
        (one.method, re.sub(r"\{[^}]*\}", "any", one.path))
        for one in operations(hollow_edge())
        if not one.path.startswith("/status/")
    ]
    return sorted({*served, ("GET", "/api/openapi.json"), ("GET", "/"), ("GET", "/nowhere")})


@pytest.fixture(scope="module")
def application() -> Any:
    """The whole application."""
    return create_app(hollow_edge(), [SocketOperation("/live", _greeted, "metrics.view")]).answer


def test_the_routes_are_found() -> None:
    addresses = _all_addresses()
    assert {("POST", "/api/v1/write"), ("POST", "/v1/metrics"), ("GET", "/api/v1/query")} <= set(addresses)
    assert ("POST", "/api/v1/admin/tsdb/delete_series") in addresses
    assert len(addresses) > 40
    assert len({one.name for one in operations(hollow_edge()) if one.name}) > 40


@pytest.mark.parametrize(("method", "path"), _all_addresses())
async def test_no_route_is_reached_without_a_scope(application: Any, method: str, path: str) -> None:
    answer = await Exchange("http", path, method=method, headers=_SEVERAL).with_(application)
    assert answer.sent[0]["status"] == 400
    assert answer.is_secured()
    assert b"X-Scope-OrgID" in answer.sent[1]["body"]


async def test_a_refusal_has_the_shape_of_the_address(application: Any) -> None:
    async def kind(path: str, *headers: tuple[bytes, bytes]) -> bytes:
        exchange = await Exchange("http", path, method="POST", headers=[*_SEVERAL, *headers]).with_(
            application
        )
        return exchange.headers[b"content-type"].partition(b";")[0]

    assert await kind("/api/v1/query") == b"application/json"
    assert await kind("/api/v1/write") == await kind("/federate") == b"text/plain"
    protobuf = (b"content-type", b"application/x-protobuf")
    assert await kind("/v1/metrics", protobuf) == b"application/x-protobuf"
    assert await kind("/v1/traces") == b"application/json"


async def _shown(request: Request) -> Response:
    return PlainTextResponse(scope_of(request).tenant)


async def _greeted(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text(scope_of(socket).tenant)


async def _failing(_: Request) -> Response:
    raise RuntimeError("a fault")


def _refuse(_: HTTPConnection, error: PharosError) -> Response:
    return PlainTextResponse(str(error), 400)


_ROUTES = [Route("/shown", _shown), Route("/failing", _failing), WebSocketRoute("/live", _greeted)]


def _small_app() -> Authentication:
    return Authentication(Starlette(routes=_ROUTES), lambda _: OPEN, lambda _: None, _refuse)


async def test_who_may_watch_a_tenant_no_more_once_it_is_closed() -> None:
    closed: set[str] = set()

    def admit(scope: Scope) -> None:
        if scope.tenant in closed:
            raise PharosError(Kind.DENIED, "closed")

    seen: list[frozenset[str]] = []

    async def app(asked: Any, *_: Any) -> None:
        seen.append(asked[SCOPE].permissions)
        await scope_by_now(asked, lambda _: OPEN)

    layer = Authentication(app, lambda _: OPEN, admit, _refuse)
    asked = {"type": "http", "headers": [(b"x-scope-orgid", b"one")]}
    await layer(dict(asked), None, None)  # type: ignore[arg-type]
    closed.add("one")
    with pytest.raises(PharosError, match="closed"):
        await layer(dict(asked), None, None)  # type: ignore[arg-type]
    assert seen == [ALL, ALL - OF_CONTENTS]
    assert "metrics.view" in OF_CONTENTS
    assert not OF_CONTENTS & {"tenants.view", "members.view", "audit.view", "server.operate"}


async def test_requests_and_websockets_carry_their_scope() -> None:
    named = [(b"x-scope-orgid", b"one")]
    answer = await Exchange("http", "/shown", headers=named).with_(_small_app())
    assert (answer.sent[0]["status"], answer.sent[1]["body"]) == (200, b"one")
    live = await Exchange("websocket", "/live", headers=named).with_(_small_app())
    assert [message["type"] for message in live.sent] == ["websocket.accept", "websocket.send"]
    assert live.sent[1]["text"] == "one"
    assert answer.is_secured()
    assert live.is_secured()


async def test_a_websocket_without_a_scope_is_refused_before_it_is_accepted() -> None:
    live = await Exchange("websocket", "/live", headers=_SEVERAL).with_(_small_app())
    assert [message["type"] for message in live.sent[:1]] == ["websocket.http.response.start"]
    assert live.sent[0]["status"] == 400
    assert live.is_secured()


async def test_a_fault_and_an_address_that_is_none_are_secured() -> None:
    failing = Exchange("http", "/failing")
    with pytest.raises(RuntimeError, match="a fault"):
        await failing.with_(_small_app())
    assert failing.sent[0]["status"] == 500
    assert failing.is_secured()
    assert (await Exchange("http", "/nowhere").with_(_small_app())).is_secured()


def test_past_the_layer_there_is_no_scope() -> None:
    with pytest.raises(KeyError):
        scope_of(HTTPConnection(Exchange("http", "/shown").asked))


@pytest.mark.parametrize(
    ("value", "tenant"), [(b"a", "a"), (b"Team-1!_.*'()", "Team-1!_.*'()"), (b"x" * 150, "x" * 150)]
)
def test_a_tenant_is_what_the_header_names(value: bytes, tenant: str) -> None:
    assert choose(OPEN, read_tenant([(b"x-scope-orgid", value)])) == Scope(tenant)


def test_who_names_no_tenant_gets_the_default() -> None:
    assert choose(OPEN, read_tenant([(b"accept", b"*/*")])) == Scope("default")


@pytest.mark.parametrize(
    "value",
    [b"", b".", b"..", b"a|", b"|", b"a|..", b"a| b", b"a/b", b"a b", "ä".encode(), b"x" * 151, b"a\n"],
)
def test_what_names_no_tenant_is_refused(value: bytes) -> None:
    with pytest.raises(PharosError, match="must name one tenant"):
        read_tenant([(b"x-scope-orgid", value)])


def test_tenants_that_are_read_at_once_count_once_each_in_any_order() -> None:
    scope = choose(OPEN, read_tenant([(b"x-scope-orgid", b"b|a|b")]))
    assert scope == choose(OPEN, read_tenant([(b"x-scope-orgid", b"a|b")]))
    assert scope.tenants == ("a", "b")
    assert [*scope.each()] == [Scope("a"), Scope("b")]
    with pytest.raises(PharosError, match="only one tenant"):
        scope.alone()
    assert choose(OPEN, read_tenant([(b"x-scope-orgid", b"a|a")])).alone() == Scope("a")


def test_several_tenants_are_read_by_who_may_read_each_together_with_others() -> None:
    who = Identity(IdentityKind.USER, "u", "somebody")
    viewer, admin = ROLES["viewer"], ROLES["admin"]
    both = grant(who, [("a", admin), ("b", admin)])
    scope = choose(both, "a|b")
    assert {"metrics.view", "tenants.read_across"} <= scope.permissions
    assert (
        "metrics.view" in choose(grant(who, [("a", admin), ("b", admin), ("c", viewer)]), "a|b").permissions
    )
    for held in ([("a", admin), ("b", viewer)], [("a", admin)]):
        with pytest.raises(PharosError) as raised:
            choose(grant(who, held), "a|b")
        assert raised.value.kind is Kind.DENIED
        assert "tenant b" in raised.value.message
