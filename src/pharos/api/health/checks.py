"""`/api/v1/health`: checks, how they stand, and what they were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from random import Random
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace
from starlette.requests import Request

from pharos.access import Scope
from pharos.api.health.shapes import (
    AddressShape,
    CellShape,
    ChangeShape,
    CheckBody,
    CheckDetailShape,
    CheckShape,
    CheckVersionShape,
    RunShape,
    SystemShape,
    TrialBody,
    beats_shape,
    change_shape,
    check_shape,
    reasons_of,
    run_shape,
    shown_time,
)
from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Native
from pharos.api.prometheus.answers import rfc3339
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.health.check import AnyCheck, HeartbeatCheck, read_check
from pharos.health.components import SYSTEM
from pharos.health.days import DAY_MS, Cell, cells
from pharos.health.heartbeat import read_ping
from pharos.health.ledger import scope_of_tenant
from pharos.health.looks import Looks, needs_host
from pharos.health.roster import Roster
from pharos.health.secrets import with_secrets, without_secrets
from pharos.health.watched import Declaration, Watched
from pharos.identity.sign_in import author_of
from pharos.identity.tokens import hash_of, mint_secret
from pharos.state import Family, Writing
from pharos.state.documents import Defined, Version, drop_document, find_document, put_document, versions_of
from pharos.state.health import ChangeRow, drop_check, list_changes, put_address
from pharos.state.tenants import require_living

VIEW: Final = "alerts.view"
CHANGE: Final = "alerts.configure"
ROOT: Final = "/api/v1/health"
PING: Final = f"{ROOT}/ping"
_ONE: Final = f"{ROOT}/checks/{{check}}"
_QUERIES: Final = {"promql": "metrics.view", "logql": "logs.view"}
_CHANGES: Final = 100
_MOST: Final = 1000
_RUNS: Final = 60
_LONGEST_TRIAL_MS: Final = 30_000
_EVENT_INPUTS: Final = tuple(
    {"name": name, "in": "query", "schema": {"type": kind}, "description": told}
    for name, kind, told in (
        ("check", "string", "Of one check alone."),
        ("limit", "integer", "How many, 1 to 1000; 100, if it is left out."),
        ("before_ms", "integer", "Those before a time, in milliseconds since the epoch."),
    )
)


class HealthApi(Struct, frozen=True):
    """Checks of a tenant."""

    native: Native
    roster: Roster
    looks: Looks
    clock: Clock
    chance: Random
    url: str
    """How people reach the server; empty where that is not known."""

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make = self.native.operation
        yield make(f"GET {ROOT}/checks", VIEW, self.health_checks, list[CheckShape])
        yield make(f"GET {_ONE}", VIEW, self.health_check, CheckDetailShape)
        yield make(f"PUT {_ONE}", CHANGE, self.put_health_check, CheckShape, CheckBody)
        yield make(f"DELETE {_ONE}", CHANGE, self.drop_health_check, CheckShape)
        yield make(f"GET {_ONE}/versions", VIEW, self.health_check_versions, list[CheckVersionShape])
        yield make(f"POST {_ONE}/address", CHANGE, self.new_heartbeat_address, AddressShape)
        yield make(f"POST {ROOT}/test", CHANGE, self.test_health_check, RunShape, TrialBody)
        yield make(f"GET {ROOT}/system", VIEW, self.system_health, SystemShape)
        events = make(f"GET {ROOT}/events", VIEW, self.health_events, list[ChangeShape])
        yield replace(events, inputs={"parameters": list(_EVENT_INPUTS)})
        for method in ("GET", "POST"):
            for path in (f"{PING}/{{token}}", f"{PING}/{{token}}/{{told}}"):
                told = "_told" if path.endswith("{told}") else ""
                found = make(f"{method} {path}", None, self.take_heartbeat_ping, dict[str, str])
                yield replace(found, name=f"heartbeat_ping{told}_{method.lower()}")

    # -- how things are --

    async def health_checks(self, request: Request) -> list[dict[str, Any]]:
        """Return the tenant's checks, by name."""
        tenant = _tenant(request)
        return [self._shown(tenant, one).model_dump() for one in self.roster.of(tenant).values()]

    async def health_check(self, request: Request) -> CheckDetailShape:
        """Return one check with its history."""
        tenant, declared = self._declared(request)
        name = declared.check.name
        changes = await self.roster.state.read(
            partial(list_changes, tenant_id=tenant, name=name, limit=_CHANGES)
        )
        return self._detail(tenant, declared, changes)

    def _detail(self, tenant: str, declared: Declaration, changes: tuple[ChangeRow, ...]) -> CheckDetailShape:
        watched = self.roster.monitor.find(tenant, declared.check.name)
        is_heartbeat = watched is not None and isinstance(declared.check, HeartbeatCheck)
        has_address = self.roster.has_address(tenant, declared.check.name)
        runs = list(watched.recent)[::-1][:_RUNS] if watched else []
        return CheckDetailShape(
            **self._shown(tenant, declared).model_dump(),
            definition=without_secrets(declared.document),
            days=[_cell(one) for one in self._cells(watched)],
            changes=[change_shape(one) for one in changes],
            runs=[run_shape(one) for one in runs],
            beats=beats_shape(watched, has_address=has_address) if watched and is_heartbeat else None,
            updated=shown_time(declared.at_ms),
            updated_by=declared.by,
        )

    async def system_health(self, request: Request) -> SystemShape:
        """Return how all components are together, and why."""
        tenant, monitor = _tenant(request), self.roster.monitor
        found = monitor.components(tenant)
        watched = monitor.watched(tenant)
        counts = Counter(one.standing.state.value for one in watched if monitor.maintenance(one) is None)
        counts["maintenance"] = len(watched) - counts.total()
        whole = found[SYSTEM]
        return SystemShape(
            health=whole.health,
            since=shown_time(whole.since_ms),
            reasons=reasons_of(whole),
            components={name: found[name].health for name in whole.parts},
            checks={name: counts[name] for name in ("up", "down", "unknown", "maintenance")},
        )

    async def health_events(self, request: Request) -> list[dict[str, Any]]:
        """Return what changed, the newest first."""
        tenant, name = _tenant(request), request.query_params.get("check", "")
        limit = _whole(request, "limit", _CHANGES, 1, _MOST)
        before_ms = _whole(request, "before_ms", 1 << 62, 0, 1 << 62)
        found = await self.roster.state.read(
            lambda unit: list_changes(unit, tenant, name=name, before_ms=before_ms, limit=limit)
        )
        return [change_shape(one).model_dump() for one in found]

    # -- checks that people keep --

    async def put_health_check(self, request: Request, body: CheckBody) -> CheckShape:
        """Make a check, or change it; one of a file is changed there."""
        scope, name = scope_of(request).alone(), request.path_params["check"]
        self.roster.require_kept(scope.tenant, name)
        document = _named(body.check, name)

        def put(unit: Writing) -> Version:
            require_living(unit, scope.tenant)
            before = find_document(unit, scope.tenant, Defined.CHECK, name)
            whole = with_secrets(document, before.document if before else None)
            self._checked(scope, whole)
            return put_document(
                unit, scope.tenant, Defined.CHECK, name, whole, expected=body.version, shown=without_secrets
            )

        await self.roster.state.write(put, author_of(scope.who, body.reason.strip()))
        await self.roster.refresh()
        return self._shown(*self._declared(request))

    async def drop_health_check(self, request: Request) -> CheckShape:
        """Take a check away; its versions and its history stay."""
        tenant, declared = self._declared(request)
        name = declared.check.name
        self.roster.require_kept(tenant, name)
        for other in self.roster.of(tenant).values():
            if name in other.check.depends_on:
                raise PharosError(Kind.CONFLICT, f"the check {other.check.name} depends on {name}")
        shown = self._shown(tenant, declared)

        def drop(unit: Writing) -> None:
            drop_document(unit, tenant, Defined.CHECK, name, shown=without_secrets)
            drop_check(unit, tenant, name)

        await self.roster.state.write(drop, author_of(scope_of(request).who))
        await self.roster.refresh()
        return shown

    async def health_check_versions(self, request: Request) -> list[dict[str, Any]]:
        """Return all that a check was, the newest first, without its secrets."""
        tenant, name = _tenant(request), request.path_params["check"]
        found = await self.roster.state.read(lambda unit: versions_of(unit, tenant, Defined.CHECK, name))
        return [
            CheckVersionShape(
                version=one.version,
                check=None if one.document is None else without_secrets(one.document),
                updated=rfc3339(one.at_ms),
                updated_by=one.who_name or one.who,
                reason=one.reason,
            ).model_dump()
            for one in found
        ]

    async def test_health_check(self, request: Request, body: TrialBody) -> RunShape:
        """Make a check once, without keeping anything of it."""
        scope = scope_of(request).alone()
        before = self.roster.of(scope.tenant).get(str(body.check.get("name", "")))
        # What a file says is not for a trial: its secrets are nobody's who may change checks here.
        known = before.document if before is not None and not before.file else None
        check = self._checked(scope, with_secrets(body.check, known), with_parents=False)
        if isinstance(check, HeartbeatCheck):
            raise PharosError(Kind.INVALID, "a heartbeat comes by itself: it cannot be tried")
        short = check.model_copy(
            update={"timeout_ms": min(check.timeout_ms, _LONGEST_TRIAL_MS), "retries": 0}
        )
        return run_shape(await self.looks.look(short, scope_of_tenant(scope.tenant), is_trusted=False))

    def _checked(self, scope: Scope, document: dict[str, Any], *, with_parents: bool = True) -> AnyCheck:
        """Return a check that somebody may make. Raises PharosError(INVALID), DENIED."""
        check = read_check(document)
        if with_parents:
            self.roster.require_parents(scope.tenant, check)
        if needs_host(check):
            scope.check("server.operate")
        if check.type in _QUERIES:
            scope.check(_QUERIES[check.type])
        return check

    # -- heartbeats --

    async def new_heartbeat_address(self, request: Request) -> AddressShape:
        """Give a heartbeat an address, whose secret is told this once; one that it had before ends."""
        tenant, declared = self._declared(request)
        name = declared.check.name
        if not isinstance(declared.check, HeartbeatCheck):
            raise PharosError(Kind.INVALID, f"the check {name} is no heartbeat")
        minted = mint_secret(self.chance)

        def put(unit: Writing) -> None:
            require_living(unit, tenant)
            put_address(unit, tenant, name, minted.hash)
            unit.changed(Family.HEALTH)

        await self.roster.state.write(put, author_of(scope_of(request).who))
        await self.roster.refresh()
        path = f"{PING}/{minted.text.reveal()}"
        return AddressShape(path=path, url=f"{self.url}{path}" if self.url else "")

    async def take_heartbeat_ping(self, request: Request) -> dict[str, str]:
        """Take a sign of life, or what the address ends in: /start, /success, /fail, an exit code."""
        ping, exit_code = read_ping(request.path_params.get("told", ""))
        key = self.roster.addresses.get(hash_of(request.path_params["token"]))
        if key is None:
            raise PharosError(Kind.MISSING, "there is no such address")
        await self.roster.monitor.hear(key, ping, exit_code)
        return {"taken": ping.value}

    # -- what is shown --

    def _declared(self, request: Request) -> tuple[str, Declaration]:
        tenant, name = _tenant(request), request.path_params["check"]
        found = self.roster.of(tenant).get(name)
        if found is None:
            raise PharosError(Kind.MISSING, f"there is no check {name[:80]!r}")
        return tenant, found

    def _shown(self, tenant: str, declared: Declaration) -> CheckShape:
        watched = self.roster.monitor.find(tenant, declared.check.name)
        over = self.roster.monitor.maintenance(watched) if watched else None
        return check_shape(declared, watched, self._cells(watched), over.reason if over else "")

    def _cells(self, watched: Watched | None) -> list[Cell]:
        return cells(watched.days.known if watched else {}, self.clock.now_ms())


def _tenant(request: Request) -> str:
    return scope_of(request).alone().tenant


def _named(document: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a document with the name of its address. Raises PharosError(INVALID) for another one."""
    if document.get("name", name) != name:
        raise PharosError(Kind.INVALID, f"name: the address names {name[:80]!r}")
    return {**document, "name": name}


def _cell(one: Cell) -> CellShape:
    return CellShape(day=rfc3339(one.day * DAY_MS)[:10], uptime=one.uptime, coverage=round(one.coverage, 6))


def _whole(request: Request, name: str, default: int, least: int, most: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdecimal() or len(text) > 19 or not least <= int(text) <= most:
        raise PharosError(Kind.INVALID, f"{name} must be a whole number from {least} to {most}")
    return int(text)
