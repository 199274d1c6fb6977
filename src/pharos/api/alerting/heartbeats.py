"""Signs of life that others give: taken, listed, and expected no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct
from starlette.requests import Request

from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Native, Shape
from pharos.api.prometheus.parameters import query_parameters
from pharos.errors import Kind, PharosError
from pharos.notify.gojson import go_time
from pharos.notify.restraint import RANKS
from pharos.state import PHAROS, Author, State, Writing, heartbeats
from pharos.state.heartbeats import Heartbeat

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}")
_WITHIN_MS: Final = 300_000
_LEAST_MS: Final = 10_000
_MOST_MS: Final = 400 * 86_400_000
_SEVERITY: Final = "critical"


class HeartbeatShape(Shape):
    """Something that gives a sign of life now and then."""

    name: str
    severity: str
    within_ms: int
    beaten_at: str
    missing: bool


class HeartbeatsShape(Shape):
    """All of the tenant."""

    heartbeats: list[HeartbeatShape]


class HeartbeatsApi(Struct, frozen=True):
    """Takes signs of life."""

    native: Native
    state: State

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make, one = self.native.operation, "/api/alerting/heartbeats/{heartbeat}"
        yield make("GET /api/alerting/heartbeats", "alerts.view", self.list_heartbeats, HeartbeatsShape)
        yield make(f"POST {one}", "alerts.write", self.take_heartbeat, HeartbeatShape)
        yield make(f"DELETE {one}", "alerts.configure", self.drop_heartbeat, dict[str, str])

    async def list_heartbeats(self, request: Request) -> dict[str, Any]:
        """Return what is expected, and when it was heard of."""
        tenant = scope_of(request).tenant

        def read(unit: Any) -> list[dict[str, Any]]:
            return [_shown(one, unit.now_ms) for one in heartbeats.list_heartbeats(unit, tenant)]

        return {"heartbeats": await self.state.read(read)}

    async def take_heartbeat(self, request: Request) -> dict[str, Any]:
        """Take a sign of life; it is missed when none follows `within` (5m, or as it was said before)."""
        parameters = query_parameters(request)
        name, tenant = request.path_params["heartbeat"], scope_of(request).tenant
        if not _NAME.fullmatch(name):
            raise PharosError(Kind.INVALID, "a heartbeat's name has 1 to 100 letters, digits and _.:-")
        within_ms = parameters.duration_ms("within", 0) or 0
        if within_ms and not _LEAST_MS <= within_ms <= _MOST_MS:
            raise PharosError(Kind.INVALID, "within must be 10s at least and 400d at most")
        severity = parameters.first("severity")
        if severity and severity.lower() not in RANKS:
            raise PharosError(
                Kind.INVALID, f"severity {severity[:40]!r} is none of {', '.join(sorted(RANKS))}"
            )

        def beat(unit: Writing) -> dict[str, Any]:
            before = heartbeats.find(unit, tenant, name)
            row = Heartbeat(
                tenant,
                name,
                severity or (before.severity if before else _SEVERITY),
                within_ms or (before.within_ms if before else _WITHIN_MS),
                unit.now_ms,
            )
            heartbeats.beat(unit, row)
            return _shown(row, unit.now_ms)

        return await self.state.write(beat, PHAROS)

    async def drop_heartbeat(self, request: Request) -> dict[str, str]:
        """Expect it no more; an alert that it is missed ends."""
        who, name = scope_of(request).who, request.path_params["heartbeat"]
        tenant = scope_of(request).tenant
        author = Author(f"{who.kind}:{who.id}", who.name, "")
        await self.state.write(lambda unit: heartbeats.drop(unit, tenant, name), author)
        return {"name": name}


def _shown(one: Heartbeat, now_ms: int) -> dict[str, Any]:
    return {
        "name": one.name,
        "severity": one.severity,
        "within_ms": one.within_ms,
        "beaten_at": go_time(one.beaten_ms),
        "missing": now_ms - one.beaten_ms > one.within_ms,
    }
