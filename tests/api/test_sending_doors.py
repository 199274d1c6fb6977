"""Every door of telemetry asks whether a tenant may send now, before it reads what is sent."""

from __future__ import annotations

import re
from typing import Any

import pytest
from grpc import StatusCode
from starlette.requests import Request
from tests.api.grpc_door import open_door
from tests.api.hollow import hollow_edge

from pharos.access import DEFAULT, Scope
from pharos.api.app import operations
from pharos.api.grpc.methods import Method
from pharos.api.http.identity import SCOPE
from pharos.api.http.routes import Operation
from pharos.errors import Kind, PharosError

SENDING = frozenset({"metrics.write", "logs.write", "traces.write", "flows.write"})
MEDIA = {
    "/api/v1/write": "application/x-protobuf",
    "/v1/metrics": "application/x-protobuf",
    "/v1/logs": "application/x-protobuf",
    "/v1/traces": "application/x-protobuf",
    "/upload": "application/vnd.fdo.journal",
    "/insert/journald/upload": "application/vnd.fdo.journal",
    "/api/traces": "application/vnd.apache.thrift.binary",
}
"""Types of bodies, where it is not JSON."""
NOT_TELEMETRY = {
    # Elasticsearch's clients set these up before they send: they are thanked for, and nothing is kept.
    r"(POST|PUT) (/elasticsearch)?/_(ilm/policy|ingest/pipeline|data_stream|alias|\w*template)/\{name\}",
    r"PUT (/elasticsearch)?/\{index\}",
    # Engines take and answer what people asked of them: no tenant's rate counts it.
    r"POST /api/v1/flows/.*",
}


async def turned_away(scope: Scope) -> None:
    raise PharosError(Kind.LIMITED, f"tenant {scope.tenant} sends too much", retry_after_s=7.0)


def doors() -> dict[str, Operation]:
    """Return what takes telemetry over HTTP, by method and path."""
    found = {f"{one.method} {one.path}": one for one in operations(hollow_edge(turned_away))}
    return {
        name: one
        for name, one in found.items()
        if one.permission in SENDING
        and one.method in {"POST", "PUT"}
        and not any(re.fullmatch(known, name) for known in NOT_TELEMETRY)
    }


DOORS = doors()


@pytest.mark.parametrize("door", DOORS)
async def test_a_tenant_beyond_its_rate_is_refused_before_its_body_is_read(door: str) -> None:
    async def receive() -> Any:
        raise AssertionError("the body was read")

    operation = DOORS[door]
    media = MEDIA.get(operation.path, "application/json")
    headers = [(b"content-type", media.encode()), (b"content-length", b"9")]
    asked: dict[str, Any] = {
        "type": "http",
        "method": operation.method,
        "path": operation.path,
        "headers": headers,
    }
    asked |= {SCOPE: DEFAULT, "query_string": b"", "path_params": {}, "server": ("127.0.0.1", 8080)}
    answer = await operation.handler(Request(asked, receive))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7"), answer.body


async def test_over_grpc_too() -> None:
    async with open_door(begin=turned_away) as door:
        methods = [one for one in door.methods if isinstance(one, Method) and one.counted_as]
        assert len(methods) == 4
        for method in methods:
            refused = await door.refused(f"/{method.service}/{method.name}")
            assert refused.code() is StatusCode.RESOURCE_EXHAUSTED
            assert "sends too much" in (refused.details() or "")
        assert not door.intake.taken
