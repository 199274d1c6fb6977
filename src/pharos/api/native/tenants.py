"""Tenants over HTTP: which there are, their limits, what they use; made, renamed, suspended and deleted.

Who asks needs the permission in the tenant that the address names, whatever tenant the request names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from pharos.access import check_tenant, denied
from pharos.api.http.bodies import Bodies
from pharos.api.http.errors import prometheus_error
from pharos.api.http.identity import choose, grant_of, scope_of
from pharos.api.http.routes import Handler, Operation, answering
from pharos.api.prometheus.answers import rfc3339, success
from pharos.api.prometheus.parameters import query_parameters
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.identity.sign_in import author_of
from pharos.limits import LIMIT_FIELDS, LIMIT_NAMES, read_limits, shown_limits, shown_overrides
from pharos.query.metrics.catalog import Catalog
from pharos.state.tenants import Tenant
from pharos.state.usage import HOUR_MS
from pharos.tenants.directory import condition_of
from pharos.tenants.tenancy import Tenancy, UsageRow

_BODY_MAX_BYTES: Final = 64 << 10
_DAY_MS: Final = 86_400_000
_METRICS: Final = 100
"""So many metrics are listed if nothing else is asked for."""
_VIEW: Final = "tenants.view"
_MANAGE: Final = "tenants.manage"
_OBJECT: Final[dict[str, Any]] = {"content": {"application/json": {"schema": {"type": "object"}}}}
_FAILURES: Final = {
    400: "The request is wrong.",
    403: "It takes a permission.",
    404: "There is no such tenant.",
    413: "The body is too large.",
    503: "What people say cannot be read or written now.",
}


class TenantsApi(Struct, frozen=True):
    """`/api/tenants` and `/api/usage`."""

    tenancy: Tenancy
    catalog: Catalog
    bodies: Bodies
    clock: Clock
    active_series: Callable[[], Mapping[str, int]]

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        one, name = "/api/tenants/{tenant}", _text("What it is called on pages.")
        limits = {limit: {"type": ["integer", "string", "null"]} for limit in LIMIT_NAMES}
        table: list[tuple[str, str, Handler, str, dict[str, Any]]] = [
            ("GET", "/api/tenants", self.list_tenants, _VIEW, {}),
            (
                "POST",
                "/api/tenants",
                self.create_tenant,
                _MANAGE,
                _body({"id": _text("Its id."), "name": name}),
            ),
            ("GET", one, self.show_tenant, _VIEW, {}),
            ("PATCH", one, self.rename_tenant, _MANAGE, _body({"name": name})),
            ("DELETE", one, self.delete_tenant, _MANAGE, {}),
            ("POST", f"{one}/suspend", self.suspend_tenant, _MANAGE, {}),
            ("POST", f"{one}/resume", self.resume_tenant, _MANAGE, {}),
            ("GET", f"{one}/limits", self.show_limits, "limits.view", {}),
            ("PATCH", f"{one}/limits", self.change_limits, "limits.change", _body(limits)),
            ("GET", "/api/usage", self.show_usage, _VIEW, {"parameters": _USAGE}),
        ]
        for method, path, answer, permission, inputs in table:
            done = 202 if method == "DELETE" else 201 if answer == self.create_tenant else 200
            yield Operation(
                path,
                method,
                _answering(answer),
                permission,
                name=answer.__name__,
                tag="native",
                summary=answer.__name__.replace("_", " ").capitalize(),
                responses={
                    done: {"description": "Done.", **_OBJECT},
                    **{status: {"description": text, **_OBJECT} for status, text in _FAILURES.items()},
                },
                inputs=_with_path(path, inputs),
            )

    # -- tenants --

    async def list_tenants(self, request: Request) -> Response:
        """Return the tenants that who asks may see."""
        grant, active = grant_of(request), self.active_series()
        seen = [one for one in await self.tenancy.living() if _VIEW in grant.permissions(one.id)]
        return success([_shown(one, active) for one in seen])

    async def create_tenant(self, request: Request) -> Response:
        """Make a tenant; its id never changes, and is never another's."""
        scope_of(request).check(_MANAGE)
        asked = await self._asked(request, {"id", "name"})
        tenant_id = check_tenant(_string(asked, "id"))
        made = await self.tenancy.create(
            tenant_id, _string(asked, "name", ""), author_of(scope_of(request).who)
        )
        return _with_status(success(_shown(made, {})), 201)

    async def show_tenant(self, request: Request) -> Response:
        """Return a tenant; of a deleted one also the proof that nothing is left."""
        tenant_id = self._named(request, _VIEW)
        found = await self.tenancy.get(tenant_id)
        shown = _shown(found, self.active_series())
        if found.deleted_ms is not None:
            shown["proof"] = await self.tenancy.proof(tenant_id)
        return success(shown)

    async def rename_tenant(self, request: Request) -> Response:
        """Call a tenant otherwise."""
        tenant_id = self._named(request, _MANAGE)
        asked = await self._asked(request, {"name"})
        found = await self.tenancy.rename(tenant_id, _string(asked, "name"), author_of(scope_of(request).who))
        return success(_shown(found, self.active_series()))

    async def suspend_tenant(self, request: Request) -> Response:
        """Let nobody write to or read from a tenant; what it holds stays."""
        tenant_id = self._named(request, _MANAGE)
        return success(_shown(await self.tenancy.suspend(tenant_id, author_of(scope_of(request).who)), {}))

    async def resume_tenant(self, request: Request) -> Response:
        """Open a suspended tenant again."""
        tenant_id = self._named(request, _MANAGE)
        return success(_shown(await self.tenancy.resume(tenant_id, author_of(scope_of(request).who)), {}))

    async def delete_tenant(self, request: Request) -> Response:
        """Close a tenant for good and begin to delete all that it holds; it is shown when that is done."""
        tenant_id = self._named(request, _MANAGE)
        return _with_status(
            success(_shown(await self.tenancy.delete(tenant_id, author_of(scope_of(request).who)), {})), 202
        )

    # -- limits --

    async def show_limits(self, request: Request) -> Response:
        """Return the limits of a tenant, which of them are its own, and those of everybody."""
        return success(self._limits(self._named(request, "limits.view")))

    async def change_limits(self, request: Request) -> Response:
        """Change some limits of a tenant; null has one be as for everybody. They hold at once."""
        tenant_id = self._named(request, "limits.change")
        asked = await self._asked(request, set(LIMIT_NAMES))
        changes: dict[str, int | None] = dict.fromkeys(LIMIT_FIELDS[name] for name in asked)
        changes |= read_limits(asked)
        await self.tenancy.set_limits(tenant_id, changes, author_of(scope_of(request).who))
        return success(self._limits(tenant_id))

    def _limits(self, tenant_id: str) -> dict[str, Any]:
        limits, own = self.tenancy.limits(tenant_id)
        return {
            "tenant": tenant_id,
            "limits": shown_limits(limits),
            "own": shown_overrides(own),
            "defaults": shown_limits(self.tenancy.directory.limits.everybody),
        }

    # -- usage --

    async def show_usage(self, request: Request) -> Response:
        """Return what a tenant used, by hour and in all; `by` token or metric, too."""
        parameters = query_parameters(request)
        tenant_id = self._named(request, _VIEW, parameters.first("tenant") or scope_of(request).tenant)
        now_ms = self.clock.now_ms()
        end_ms = parameters.time_ms("end", now_ms)
        start_ms = parameters.time_ms("start", end_ms - _DAY_MS)
        by = parameters.first("by")
        if by not in {"", "token", "metric"}:
            raise PharosError(
                Kind.INVALID, f'invalid parameter "by": {by!r}', hint="token, metric, or nothing"
            )
        rows = await self.tenancy.used(tenant_id, start_ms // HOUR_MS * HOUR_MS, end_ms + 1)
        shown: dict[str, Any] = {
            "tenant": tenant_id,
            "start": rfc3339(start_ms // HOUR_MS * HOUR_MS),
            "end": rfc3339(end_ms),
            "active_series": self.active_series().get(tenant_id, 0),
            "totals": _summed(rows),
            "hours": _by_hour(rows),
        }
        if by == "token":
            tokens = sorted({row.token for row in rows})
            shown["tokens"] = {
                token: _summed([row for row in rows if row.token == token]) for token in tokens
            }
        if by == "metric":
            limit = parameters.limit() or _METRICS
            found = await self.catalog.metrics_used(
                choose(grant_of(request), tenant_id), start_ms, end_ms, limit
            )
            shown["metrics"] = [
                {"metric": one.metric, "samples": one.samples, "series": one.series} for one in found
            ]
        return success(shown)

    # -- requests --

    def _named(self, request: Request, permission: str, tenant_id: str | None = None) -> str:
        """Return the tenant that a request is about. Raises PharosError: INVALID, DENIED."""
        tenant_id = check_tenant(tenant_id if tenant_id is not None else request.path_params["tenant"])
        grant = grant_of(request)
        if permission not in grant.permissions(tenant_id):
            raise denied(grant.who, tenant_id, permission)
        return tenant_id

    async def _asked(self, request: Request, names: set[str]) -> dict[str, Any]:
        """Return the JSON object of a request. Raises PharosError(INVALID) for anything else."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            # A form, which a page of another origin could send without being asked, is none.
            raise PharosError(Kind.INVALID, "the body must be JSON", hint="set the header Content-Type")
        async with self.bodies.incoming(request, _BODY_MAX_BYTES) as incoming:
            body = bytes(incoming.body)
        try:
            asked = json.loads(body)
        except (ValueError, RecursionError) as exc:
            raise PharosError(Kind.INVALID, f"the body is no JSON: {exc}") from exc
        if not isinstance(asked, dict):
            raise PharosError(Kind.INVALID, "the body must be a JSON object")
        for name in asked:
            if name not in names:
                known = ", ".join(sorted(names))
                raise PharosError(Kind.INVALID, f"there is no {name[:80]!r} here", hint=f"known are {known}")
        return asked


def _string(asked: Mapping[str, Any], name: str, default: str | None = None) -> str:
    found = asked.get(name, default)
    if not isinstance(found, str):
        raise PharosError(Kind.INVALID, f"{name} must be a text")
    return found


def _shown(tenant: Tenant, active: Mapping[str, int]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": tenant.id,
        "name": tenant.name,
        "color": tenant.color,
        "condition": condition_of(tenant).value,
        "active_series": active.get(tenant.id, 0),
        "created": rfc3339(tenant.created_ms),
    }
    times = {"suspended": tenant.suspended_ms, "deleting": tenant.deleting_ms, "deleted": tenant.deleted_ms}
    return shown | {name: rfc3339(at_ms) for name, at_ms in times.items() if at_ms is not None}


def _summed(rows: list[UsageRow]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        found[row.measure] = found.get(row.measure, 0) + row.amount
    return found


def _by_hour(rows: list[UsageRow]) -> list[dict[str, Any]]:
    hours = sorted({row.hour_ms for row in rows})
    return [
        {"hour": rfc3339(hour), **_summed([row for row in rows if row.hour_ms == hour])} for hour in hours
    ]


def _answering(answer: Handler) -> Handler:
    return answering(answer, prometheus_error, answer)


def _with_status(response: Response, status: int) -> Response:
    response.status_code = status
    return response


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


def _body(properties: Mapping[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return {"requestBody": {"content": {"application/json": {"schema": schema}}, "required": True}}


def _with_path(path: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    if "{tenant}" not in path:
        return dict(inputs)
    named = {"name": "tenant", "in": "path", "required": True, "schema": {"type": "string"}}
    return {**inputs, "parameters": [named, *inputs.get("parameters", ())]}


def _parameter(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": dict(schema)}


_USAGE: Final = [
    _parameter("tenant", _text("Whose; that of the request if left out.")),
    _parameter("start", {"type": ["number", "string"]}),
    _parameter("end", {"type": ["number", "string"]}),
    _parameter("by", {"type": "string", "enum": ["token", "metric"]}),
    _parameter("limit", {"type": "integer", "minimum": 0, "description": "The most metrics."}),
]
