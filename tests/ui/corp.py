"""A server that lets people in by password and by single sign-on, with something on every page of theirs."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.identity.provider import CLIENT, CLIENT_SECRET, FakeProvider, running_provider
from tests.process import Server

PASSWORD = "a few words in a row"
PEOPLE: dict[str, list[dict[str, Any]]] = {
    "ops": [{"role": "operator", "everywhere": True}],
    "ann": [{"role": "dao-admin", "tenant": "acme"}, {"role": "editor", "tenant": "shop"}],
    "gil": [{"role": "governance", "tenant": "acme"}],
    "bob": [{"role": "viewer", "tenant": "acme"}],
    "new": [],
}


@dataclass
class Corp:
    """The server, and the provider at which people sign in."""

    server: Server
    provider: FakeProvider

    def ask(self, address: str, body: Any = None, *, tenant: str = "acme") -> Any:
        """Return the data of an answer to the owner of the data folder."""
        return json.loads(self.send(address, body, tenant=tenant))["data"]

    def send(self, address: str, body: Any = None, *, tenant: str = "acme") -> bytes:
        """Return what the owner of the data folder is answered with."""
        method, _, path = address.partition(" ")
        key = (self.server.folder / "admin-key").read_text()
        headers = {"X-Pharos-Key": key, "X-Scope-OrgID": tenant, "Content-Type": "application/json"}
        packed = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.server.url + path, packed, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            answered: bytes = answer.read()
            return answered


@contextmanager
def running_corp(folder: Path) -> Iterator[Corp]:
    """Run it, with tenants `acme` and `shop`, people, tokens, a protected policy and a proposal."""
    with running_provider() as provider:
        provider.now_s = int(time.time())
        provider.claims = {"sub": "42", "preferred_username": "ida", "groups": ["acme"]}
        (folder / "client-secret").write_text(CLIENT_SECRET)
        settings = {
            "providers": [
                {
                    "id": "corp",
                    "label": "Corp",
                    "issuer": provider.url,
                    "client_id": CLIENT,
                    "client_secret_file": "client-secret",
                    "rules": [{"role": "editor", "tenant": "acme", "when": {"groups": "acme"}}],
                }
            ]
        }
        (folder / "pharos.yml").write_text(json.dumps(settings))
        server = Server(folder / "store", "--config", str(folder / "pharos.yml"))
        try:
            corp = Corp(server, provider)
            _fill(corp)
            yield corp
        finally:
            assert server.stop() == 0, server.log.read_text()


def _fill(corp: Corp) -> None:
    for name, roles in PEOPLE.items():
        held = [one for one in roles if one.get("everywhere")]
        corp.ask("POST /api/users", {"name": name, "password": PASSWORD, "roles": held})
    for tenant in ("acme", "shop"):
        corp.ask("POST /api/tenants", {"id": tenant, "name": f"The {tenant}"})
    users = {one["name"]: one["id"] for one in corp.ask("GET /api/users")}
    for name, roles in PEOPLE.items():
        for one in roles:
            if "tenant" in one:
                body = {"roles": [one["role"]]}
                corp.ask(f"PUT /api/members/{users[name]}", body, tenant=str(one["tenant"]))
    corp.ask("POST /api/roles", {"name": "auditor", "permissions": ["audit.view"], "summary": "Looks"})
    corp.ask("POST /api/tokens", {"name": "agent", "roles": ["writer"]})
    corp.ask("PUT /api/protections/limits", {"approvals": 1})
    change = {"bounds": {"max_series": 5000}}
    corp.ask("POST /api/proposals", {"action": "limits.set", "change": change, "reason": "a second cluster"})
