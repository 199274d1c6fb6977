"""A server's accounts with their whole HTTP edge, and people who ask it things."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import orjson
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from tests.api.hollow import hollow_edge

from pharos.api.alerting.acknowledgements import CallbackSecrets
from pharos.api.alerting.routes import People, people_operations
from pharos.api.app import assemble, operations
from pharos.api.http.bodies import Bodies
from pharos.api.http.credentials import identify
from pharos.api.http.identity import scope_of
from pharos.api.http.proxies import Proxies
from pharos.api.http.routes import Operation
from pharos.clock import FakeClock
from pharos.config import Settings
from pharos.edge import account_operations, governance_operations
from pharos.entrance import Entrance, open_entrance
from pharos.http_options import SecretText
from pharos.identity.passwords import HashCost
from pharos.secret import Secret
from pharos.state import PHAROS, State, open_state, tenants
from pharos.state.exports import open_signer

KEY = "the key of the data folder"
CALLBACKS = CallbackSecrets(SecretText(Secret("signed by Slack")), SecretText(Secret("and PagerDuty")))
WORDS = "correct horse battery staple"
REACHED = 299


@dataclass(frozen=True, slots=True)
class Got:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes
    cookies: dict[str, str] = field(default_factory=dict)
    """By name; what takes one away is an empty text."""
    set_cookie: tuple[str, ...] = ()

    @property
    def data(self) -> Any:
        document = orjson.loads(self.body)
        assert document["status"] == "success", document
        return document["data"]

    @property
    def error(self) -> str:
        return str(orjson.loads(self.body)["error"])


@dataclass(frozen=True, slots=True)
class Somebody:
    """Somebody who asks, with what they present."""

    world: World
    headers: tuple[tuple[str, str], ...] = ()
    address: str = "192.0.2.1"

    def with_(self, **headers: str) -> Somebody:
        added = tuple((name.replace("_", "-").lower(), value) for name, value in headers.items())
        return dataclasses.replace(self, headers=(*self.headers, *added))

    async def ask(self, address: str, body: Any = None, *, raw: bytes | None = None) -> Got:
        method, _, path = address.partition(" ")
        headers = list(self.headers)
        if body is not None or raw is not None:
            headers.append(("content-type", "application/json"))
        return await self.world.ask(
            method,
            path,
            headers,
            raw if raw is not None else orjson.dumps(body) if body is not None else b"",
            self.address,
        )

    async def get(self, path: str) -> Got:
        return await self.ask(f"GET {path}")

    async def done(self, address: str, body: Any = None) -> Any:
        """Return the data of an answer that must be a success."""
        got = await self.ask(address, body)
        assert got.status == 200, (address, got.status, got.body)
        return got.data


@dataclass(slots=True)
class World:
    """A server's accounts."""

    state: State
    entrance: Entrance
    clock: FakeClock
    application: Any
    scheme: str = "http"

    async def ask(
        self, method: str, path: str, headers: list[tuple[str, str]], body: bytes, address: str
    ) -> Got:
        path, _, query = path.partition("?")
        asked = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": self.scheme,
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(b"host", b"pharos"), *((n.encode(), v.encode()) for n, v in headers)],
            "client": (address, 1),
            "server": ("pharos", 80),
        }
        sent: list[Any] = []

        bodies = [body]

        async def receive() -> Any:
            if not bodies:
                # Who asks waits for the answer, however long it takes.
                await asyncio.Event().wait()
            return {"type": "http.request", "body": bodies.pop(), "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.application(asked, receive, send)
        raw = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
        set_cookie = tuple(value for name, value in raw if name == "set-cookie")
        cookies = dict(one.partition(";")[0].split("=", 1) for one in set_cookie)
        answer = b"".join(message.get("body", b"") for message in sent[1:])
        return Got(sent[0]["status"], dict(raw), answer, cookies, set_cookie)

    @property
    def stranger(self) -> Somebody:
        """Who presents nothing."""
        return Somebody(self)

    @property
    def owner(self) -> Somebody:
        """Who may read the data folder."""
        return self.stranger.with_(X_Pharos_Key=KEY)

    def bearer(self, token: str) -> Somebody:
        return self.stranger.with_(Authorization=f"Bearer {token}")

    def basic(self, name: str, password: str) -> Somebody:
        pair = base64.b64encode(f"{name}:{password}".encode()).decode()
        return self.stranger.with_(Authorization=f"Basic {pair}")

    async def begin(self) -> None:
        """Let the operator `root` and the tenants a and b be."""
        await self.owner.done("POST /api/users", {"name": "root", "password": WORDS})
        for name in ("a", "b"):
            await self.state.write(partial(tenants.create_tenant, tenant_id=name), PHAROS)

    async def add(self, name: str, **roles: str) -> Somebody:
        """Add a user with a role in each tenant, and return them signed in."""
        held = [{"role": role, "tenant": tenant} for tenant, role in roles.items()]
        await self.owner.done("POST /api/users", {"name": name, "password": WORDS, "roles": held})
        return await self.sign_in(name)

    async def sign_in(self, name: str, password: str = WORDS) -> Somebody:
        got = await self.stranger.ask("POST /api/sign_in", {"name": name, "password": password})
        assert got.status == 200, got.body
        return self.with_cookies(got.cookies).with_(Sec_Fetch_Site="same-origin")

    def with_cookies(self, cookies: Mapping[str, str]) -> Somebody:
        text = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return self.stranger.with_(Cookie=text)

    async def token(self, *roles: str, tenant: str = "a", **more: Any) -> tuple[str, str]:
        """Return (text, id) of a new token of a tenant."""
        who = self.owner.with_(X_Scope_OrgID=tenant)
        made = await who.done("POST /api/tokens", {"name": "one", "roles": list(roles), **more})
        return made["text"], made["token"]["id"]


async def _reached(request: Request) -> Response:
    scope = scope_of(request)
    return Response(orjson.dumps({"tenant": scope.tenant, "who": scope.who.name}), REACHED)


Served = Callable[[State, Entrance, Bodies], Iterable[Operation]]


@asynccontextmanager
async def open_world(
    folder: Path, clock: Any, chance: Random, more: Served = lambda *_: (), /, **settings: Any
) -> AsyncIterator[World]:
    """Open it; of endpoints that are not about accounts, nor `more`, each says only that it was reached."""
    made = Settings.model_validate({"data": folder, **settings})
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240 - before anything is served
    with open_state(made.state_address, clock, chance) as state:
        async with open_entrance(state, made, Secret(KEY), clock, chance, HashCost(1, 8)) as entrance:
            edge = hollow_edge()
            accounts = [
                *account_operations(entrance, state, made.url, edge.bodies),
                *governance_operations(state, open_signer(folder), clock, edge.bodies),
                *people_operations(
                    People(
                        state,
                        clock,
                        chance,
                        edge.bodies,
                        made.url,
                        CALLBACKS,
                        commands=made.actions.commands,
                        clusters=made.actions.clusters,
                    )
                ),
                *more(state, entrance, edge.bodies),
            ]
            edge = replace(
                edge,
                identify=partial(identify, entrance.authenticator),
                accounts=(),
                proxies=Proxies(made.trusted_networks),
            )
            served = [replace(one, handler=_reached) for one in operations(edge)]
            application = assemble(edge, [*served, *accounts]).answer
            yield World(state, entrance, clock, application, "https" if made.url[:5] == "https" else "http")
