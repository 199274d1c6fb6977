"""The one layer in front of every route: it makes the `Scope` of a request, or refuses the request.

Writes and WebSockets pass it like everything else. What is behind it takes the scope from the request
(`scope_of`) and reads no header about it. Who has no identity, or no role in the tenant that is named, gets a
scope of no tenant, and why in `refusal_of`: the router refuses them but where no tenant is asked about.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qs

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Asked
from starlette.websockets import WebSocket

from pharos.access import (
    ANY_IDENTITY,
    NOBODY,
    OF_CONTENTS,
    READ_ACROSS,
    TENANT_ALPHABET,
    TENANT_SEPARATOR,
    Grant,
    Scope,
    denied,
    is_tenant,
)
from pharos.api.http.headers import SECURITY
from pharos.errors import Kind, PharosError

Refusal = Callable[[HTTPConnection, PharosError], Response]
"""How a refused request is answered, in the shape of the protocol that is spoken at its address."""
Identify = Callable[[Asked], Grant | Awaitable[Grant]]
"""Says who asks, at once where that is known. Raises PharosError(UNAUTHENTICATED), or UNAVAILABLE."""
Admit = Callable[[Scope], None]
"""Lets in who asks about tenants. Raises PharosError(DENIED) where one is closed."""

SCOPE: Final = "pharos.scope"
"""Where an ASGI scope holds ours."""
GRANT: Final = "pharos.grant"
"""Where it holds what the identity may do in all tenants."""
_REFUSAL: Final = "pharos.refusal"
_ADMIT: Final = "pharos.admit"
_TENANT_HEADER: Final = b"x-scope-orgid"
_MOST_TENANTS: Final = 100
"""So many can be read at once."""
_HEADS: Final = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})
_NOWHERE: Final = Scope("", NOBODY)
_NO_GRANT: Final = Grant(NOBODY)


def scope_of(connection: HTTPConnection) -> Scope:
    """Return the scope of a request or WebSocket; a KeyError says that it came past the layer."""
    scope: Scope = connection.scope[SCOPE]
    return scope


def grant_of(connection: HTTPConnection) -> Grant:
    """Return what who asks may do in all tenants; a KeyError says that it came past the layer."""
    found: Grant = connection.scope[GRANT]
    return found


def refusal_of(asked: Asked) -> PharosError | None:
    """Return why a request may reach public addresses alone; None if it may reach others."""
    found: PharosError | None = asked.get(_REFUSAL)
    return found


def read_tenant(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the tenant that the header `X-Scope-OrgID` names; None without it.

    Several are joined by `|`, as Mimir has it: in order, and each once.

    Raises PharosError(INVALID) for several headers, too many tenants, or a name outside of Mimir's alphabet.
    """
    named = [value for name, value in headers if name == _TENANT_HEADER]
    if not named:
        return None
    tenants = sorted(set(named[0].decode("latin-1").split(TENANT_SEPARATOR)))
    if len(named) > 1 or not all(map(is_tenant, tenants)) or len(tenants) > _MOST_TENANTS:
        raise PharosError(
            Kind.INVALID,
            "the header X-Scope-OrgID must name one tenant",
            hint=f"{TENANT_ALPHABET}; to read several: names with | between them",
        )
    return TENANT_SEPARATOR.join(tenants)


def named_tenant(asked: Asked) -> str | None:
    """Return the tenant that a request names; None where it names none.

    A page cannot set headers of a WebSocket: there `?tenant=` stands for the header, and counts as it does.

    Raises PharosError(INVALID) as `read_tenant`.
    """
    found = read_tenant(asked["headers"])
    if found is not None or asked["type"] != "websocket" or b"tenant=" not in asked["query_string"]:
        return found
    named = parse_qs(asked["query_string"]).get(b"tenant", [])
    return read_tenant((_TENANT_HEADER, one) for one in named)


def choose(found: Grant, tenant: str | None) -> Scope:
    """Return the scope of an identity in the tenants that a request names, or in the one that is meant.

    Raises PharosError(DENIED) where the identity has no role, or may not read a tenant together with others.
    """
    if tenant is None:
        tenant = found.tenant()
    tenants = tenant.split(TENANT_SEPARATOR)
    for one in tenants:
        if not found.reaches(one):
            raise PharosError(
                Kind.DENIED,
                f"{found.who.name} has no role in the tenant {one}",
                hint="an admin of the tenant may give one",
            )
    if len(tenants) == 1:
        return Scope(tenant, found.who, found.permissions(tenant))
    # Of several that may be done which may be done in each.
    permissions = frozenset.intersection(*map(found.permissions, tenants))
    for one in tenants:
        if READ_ACROSS not in found.permissions(one):
            raise denied(found.who, one, READ_ACROSS)
    return Scope(tenant, found.who, permissions)


async def scope_by_now(asked: Asked, identify: Identify) -> Scope:
    """Return what a request that lasts may see by now: its token may be revoked, its roles be others.

    Raises PharosError where it may see nothing any more.
    """
    found = identify(asked)
    if not isinstance(found, Grant):
        found = await found
    scope = choose(found, named_tenant(asked))
    admit: Admit = asked[_ADMIT]
    admit(scope)
    return scope


def _nowhere(found: Grant) -> Scope:
    """Return the scope of an identity in no tenant: it has the permission of everybody who has one."""
    return _NOWHERE if found is _NO_GRANT else Scope("", found.who, frozenset({ANY_IDENTITY}))


class Authentication:
    """The application `app` behind the layer; `refuse` answers those who go no further.

    Of a tenant that `admit` says is closed nobody sees or changes what it holds. Every answer gets the
    security headers, a refusal too.
    """

    def __init__(self, app: ASGIApp, identify: Identify, admit: Admit, refuse: Refusal) -> None:
        self._app = app
        self._identify = identify
        self._admit = admit
        self._refuse = refuse

    async def __call__(self, asked: Asked, receive: Receive, send: Send) -> None:
        """Answer."""
        if asked["type"] not in {"http", "websocket"}:
            await self._app(asked, receive, send)
            return

        async def secured(message: Message) -> None:
            if message["type"] in _HEADS:
                message["headers"] = [*message.get("headers", ()), *SECURITY]
            await send(message)

        try:
            tenant = named_tenant(asked)
        except PharosError as exc:
            await answer_refused(self._refuse(HTTPConnection(asked), exc), asked, receive, secured)
            return
        asked[GRANT], asked[_ADMIT] = _NO_GRANT, self._admit
        try:
            found = self._identify(asked)
            if not isinstance(found, Grant):
                found = await found
            asked[GRANT] = found
            asked[SCOPE] = scope = choose(found, tenant)
            try:
                self._admit(scope)
            except PharosError as exc:
                asked[_REFUSAL] = exc
                asked[SCOPE] = replace(scope, permissions=scope.permissions - OF_CONTENTS)
        except PharosError as exc:
            asked[_REFUSAL] = exc
            asked[SCOPE] = _nowhere(asked[GRANT])
        await self._app(asked, receive, secured)


async def answer_refused(response: Response, asked: Asked, receive: Receive, send: Send) -> None:
    """Send the answer to a request, or to a WebSocket before it is accepted."""
    if asked["type"] == "http":
        await response(asked, receive, send)
        return
    socket = WebSocket(asked, receive, send)
    await socket.receive()
    await socket.send_denial_response(response)
