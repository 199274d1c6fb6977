"""Every address, every role, one's own tenant, another one and no identity: who is answered."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from grpc import StatusCode
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.websockets import WebSocket
from tests.api.exchange import Exchange
from tests.api.grpc_door import open_door
from tests.api.hollow import hollow_edge, hollow_sockets

from pharos.access import ALL, NOBODY, ROLES, Grant, Identity, IdentityKind, grant
from pharos.api.app import assemble, operations
from pharos.errors import Kind, PharosError

TABLE: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "cases" / "access.yaml").read_text())
ROUTES: dict[str, str] = TABLE["routes"]
SOCKETS: dict[str, str] = TABLE["sockets"]
METHODS: dict[str, str] = TABLE["grpc"]
WHO = Identity(IdentityKind.USER, "1", "ada")
REACHED = 299
SPELLINGS = {
    "//api/v1/query": 308,
    "/api/./v1/query": 308,
    "/api/x/../v1/query": 308,
    "/api/v1%2fquery": 401,
    "/api/v1%2Fquery": 401,
    "/api/v1/query/": 401,
    "/api/v1/query;x": 401,
    "/api/v1/Query": 401,
    "/api/v1/%71uery": 401,
    "/api/v1/query%252f": 401,
    "/api/v1/query%00": 401,
    "/api/nothing": 401,
    "/api/openapi.json": 401,
    "/v1/nothing": 401,
    "/-/nothing": 401,
}


async def _reached(_: Request) -> Response:
    return PlainTextResponse("", REACHED)


def _strangers(_: Any) -> Grant:
    raise PharosError(Kind.UNAUTHENTICATED, "no credentials")


async def _reached_socket(socket: WebSocket) -> None:
    await socket.send_denial_response(PlainTextResponse("", REACHED))


def _application(identify: Any) -> Any:
    """The whole application, every endpoint of which only says that it was reached."""
    edge = hollow_edge()
    served = [replace(one, handler=_reached) for one in operations(edge)]
    sockets = [replace(one, handler=_reached_socket) for one in hollow_sockets(edge)]
    return assemble(replace(edge, identify=identify), served, sockets).answer


def _address(route: str) -> tuple[str, str]:
    method, path = route.split(" ")
    return method, re.sub(r"\{[^}]*\}", "any", path)


async def _status(application: Any, route: str, tenant: str = "") -> int:
    method, path = _address(route)
    headers = [(b"x-scope-orgid", tenant.encode())] if tenant else []
    answer = await Exchange("http", path, method=method, headers=headers).with_(application)
    return int(answer.sent[0]["status"])


def test_every_address_has_a_row_and_every_row_an_address() -> None:
    assert sorted(ROUTES) == sorted(f"{one.method} {one.path}" for one in operations(hollow_edge()))
    assert list(TABLE["letters"]) == list(ROLES)


async def test_every_socket_and_method_of_grpc_has_a_row() -> None:
    assert sorted(SOCKETS) == sorted(one.path for one in hollow_sockets(hollow_edge()))
    async with open_door() as door:
        assert sorted(METHODS) == sorted(f"/{one.service}/{one.name}" for one in door.methods)


def test_a_running_server_answers_nothing_that_has_no_row(tmp_path: Path) -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "tests.api.listing", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert listed.returncode == 0, listed.stderr
    found = json.loads(listed.stdout.splitlines()[-1])
    assert set(found["routes"]) <= set(ROUTES)
    assert set(found["sockets"]) == set(SOCKETS)
    # Addresses of single sign-on are there where a provider is.
    assert {one for one in ROUTES if "/sso/{provider}" not in one} <= set(found["routes"])


def _allowed(cell: str, role: str) -> bool:
    return cell in {"everybody", "anybody"} or TABLE["letters"][role] in cell


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_is_answered_where_the_table_says_and_in_its_own_tenant_alone(role: str) -> None:
    everywhere = role == "operator"
    held = grant(WHO, [(None if everywhere else "own", ROLES[role])])
    application = _application(lambda _: held)
    for route, cell in ROUTES.items():
        expected = REACHED if _allowed(cell, role) else 403
        assert await _status(application, route, "own") == expected, route
        # About oneself one asks in no tenant.
        elsewhere = REACHED if cell in {"everybody", "anybody"} or everywhere else 403
        assert await _status(application, route, "other") == elsewhere, route
        if not everywhere:
            assert await _status(application, route) == expected, route


@pytest.mark.parametrize("role", ROLES)
async def test_so_it_is_with_sockets_and_over_grpc(role: str) -> None:
    everywhere = role == "operator"
    held = grant(WHO, [(None if everywhere else "own", ROLES[role])])
    application = _application(lambda _: held)
    for path, cell in SOCKETS.items():
        for tenant, allowed in (("own", _allowed(cell, role)), ("other", everywhere)):
            assert await _socket_status(application, path, tenant) == (REACHED if allowed else 403), path
    async with open_door(identify=lambda _: held) as door:
        for method, cell in METHODS.items():
            for tenant, allowed in (("own", _allowed(cell, role)), ("other", everywhere)):
                code = (await door.refused(method, ends=True, x_scope_orgid=tenant)).code()
                # Who is let in is told that no message came.
                assert code is (StatusCode.INVALID_ARGUMENT if allowed else StatusCode.PERMISSION_DENIED), (
                    method
                )


async def test_sockets_and_grpc_answer_nobody_without_an_identity() -> None:
    application = _application(_strangers)
    for path in SOCKETS:
        assert await _socket_status(application, path, "own") == 401
    async with open_door(identify=_strangers) as door:
        for method in METHODS:
            assert (await door.refused(method)).code() is StatusCode.UNAUTHENTICATED, method


async def _socket_status(application: Any, path: str, tenant: str) -> int:
    headers = [(b"x-scope-orgid", tenant.encode())]
    answer = await Exchange("websocket", path, headers=headers).with_(application)
    return int(answer.sent[0]["status"])


@pytest.mark.parametrize("route", ROUTES)
async def test_without_an_identity_only_what_is_public_is_answered(route: str) -> None:
    application = _application(_strangers)
    expected = REACHED if ROUTES[route] == "everybody" else 401
    assert await _status(application, route) == expected
    assert await _status(application, route, "other") == expected


@pytest.mark.parametrize("path", SPELLINGS)
async def test_no_spelling_of_an_address_has_another_verdict(path: str) -> None:
    application = _application(_strangers)
    for method in ("GET", "POST", "HEAD", "OPTIONS", "PATCH", "BREW"):
        answer = await Exchange("http", path, method=method).with_(application)
        expected = SPELLINGS[path]
        if expected == 308 and method in {"GET", "HEAD"}:
            expected = 301
        assert answer.sent[0]["status"] == expected, method
        if expected != 401:
            assert answer.headers[b"location"] == b"/api/v1/query"


async def test_a_method_override_changes_nothing() -> None:
    held = grant(WHO, [("own", ROLES["viewer"])])
    for name in (b"x-http-method-override", b"x-method-override", b"x-original-url", b"x-rewrite-url"):
        headers = [(name, b"/-/healthy" if b"url" in name else b"GET")]
        answer = await Exchange("http", "/-/reload", method="POST", headers=headers).with_(
            _application(lambda _: held)
        )
        assert answer.sent[0]["status"] == 403


async def test_a_role_of_the_whole_counts_only_where_it_is_held_everywhere() -> None:
    held = grant(WHO, [("own", ROLES["operator"])])
    application = _application(lambda _: held)
    assert await _status(application, "POST /-/reload", "own") == 403
    assert await _status(application, "GET /api/v1/query", "own") == REACHED


async def test_roles_add_up_and_who_names_no_tenant_must_not_guess() -> None:
    held = grant(WHO, [("a", ROLES["viewer"]), ("a", ROLES["writer"]), ("b", ROLES["viewer"])])
    application = _application(lambda _: held)
    assert await _status(application, "POST /api/v1/write", "a") == REACHED
    assert await _status(application, "POST /api/v1/write", "b") == 403
    answer = await Exchange("http", "/api/v1/query").with_(application)
    assert answer.sent[0]["status"] == 403
    assert b"X-Scope-OrgID" in answer.sent[1]["body"]
    assert b"a, b" in answer.sent[1]["body"]


async def test_a_refusal_names_the_permission_and_who_has_it() -> None:
    held = grant(WHO, [("own", ROLES["viewer"])])
    answer = await Exchange("http", "/api/v1/write", method="POST").with_(_application(lambda _: held))
    assert answer.sent[0]["status"] == 403
    assert b"ada lacks the permission metrics.write in the tenant own" in answer.sent[1]["body"]
    assert b"writer" in answer.sent[1]["body"]
    strangers = await Exchange("http", "/api/v1/query").with_(_application(_strangers))
    assert strangers.headers[b"www-authenticate"] == b'Bearer realm="pharos"'


def test_roles_have_permissions_of_the_table_alone() -> None:
    assert all(role.permissions <= ALL for role in ROLES.values())
    assert Grant(NOBODY).permissions("default") == frozenset()
