"""Tenants, and the limits that were set for each: every version stays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct, to_builtins
from sqlalchemy import BigInteger, Column, Integer, Table, func, insert, select, update

from pharos.errors import Cause, Kind, PharosError
from pharos.state.audit import Event, append, append_change
from pharos.state.protections import require_unprotected
from pharos.state.tables import METADATA, Document, Family, Words, require_name, tenant_reference
from pharos.state.unit import Unit, Writing

DEFAULT_ID: Final = "default"
"""Whose telemetry it is that names no tenant; it is there from the first start."""
_ID: Final = re.compile(r"[a-zA-Z0-9!_.*'()-]{1,150}\Z")
"""Mimir's alphabet, as in the header X-Scope-OrgID."""
_COLOR: Final = re.compile(r"#[0-9a-f]{6}\Z")
_NO_COLOR: Final = "#808080"

tenants: Final = Table(
    "tenants",
    METADATA,
    Column("id", Words, primary_key=True),
    Column("name", Words, nullable=False),
    Column("color", Words, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("suspended_ms", BigInteger),
    Column("deleting_ms", BigInteger),
    Column("deleted_ms", BigInteger),
)

limits: Final = Table(
    "limits",
    METADATA,
    tenant_reference(primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("set_ms", BigInteger, nullable=False),
    Column("who", Words, nullable=False),
    Column("bounds", Document, nullable=False),
)


class Tenant(Struct, frozen=True):
    """Whose telemetry it is. The row of one that was deleted stays, so that its id never means another."""

    id: str
    """What requests name; it never changes."""
    name: str
    color: str
    """As `#rrggbb`."""
    created_ms: int
    suspended_ms: int | None
    deleting_ms: int | None
    """When it was asked that all it holds be deleted."""
    deleted_ms: int | None
    """When nothing of it was left."""


class Limits(Struct, frozen=True):
    """What bounds were set for a tenant, and when."""

    tenant_id: str
    version: int
    """1 for the first; 0 where none were ever set."""
    set_ms: int
    who: str
    bounds: Mapping[str, int]
    """By name; what is not there is as for everybody."""


def create_tenant(unit: Writing, tenant_id: str, name: str = "", color: str = _NO_COLOR) -> Tenant:
    """Add a tenant and return it; it is called by its id unless `name` is given.

    Raises PharosError(INVALID) when the id is none, or is or was another's.
    """
    if not _ID.match(tenant_id) or tenant_id in {".", ".."}:
        raise PharosError(
            Kind.INVALID,
            f"not an id of a tenant: {tenant_id[:150]!r}",
            hint="up to 150 letters, digits and !_.*'()-",
        )
    known = unit.row(select(tenants).where(tenants.c.id == tenant_id))
    if known is not None:
        was = "was" if known.deleted_ms else "is"
        raise PharosError(
            Kind.INVALID, f"there {was} a tenant {tenant_id!r} already", hint="choose another id"
        )
    values = {
        "id": tenant_id,
        "name": require_name(name or tenant_id, "tenant", 150),
        "color": _require_color(color),
        "created_ms": unit.now_ms,
    }
    unit.execute(insert(tenants).values(values))
    found = tenant(unit, tenant_id)
    append(unit, Event("tenant.create", f"tenant:{tenant_id}", tenant_id, after=to_builtins(found)))
    unit.changed(Family.TENANTS)
    return found


def _require_color(color: str) -> str:
    if not _COLOR.match(color.lower()):
        raise PharosError(Kind.INVALID, f"not a colour: {color[:40]!r}", hint="write it as #1f77b4")
    return color.lower()


def tenant(unit: Unit, tenant_id: str) -> Tenant:
    """Return a tenant, also a deleted one. Raises PharosError(MISSING)."""
    found = unit.row(select(tenants).where(tenants.c.id == tenant_id))
    if found is None:
        raise PharosError(Kind.MISSING, f"there is no tenant {tenant_id!r}", cause=Cause.NO_TENANT)
    return Tenant(*found)


def require_living(unit: Unit, tenant_id: str) -> Tenant:
    """Return a tenant that is not deleted, nor about to be. Raises PharosError(MISSING)."""
    found = tenant(unit, tenant_id)
    if found.deleting_ms is not None:
        raise PharosError(Kind.MISSING, f"the tenant {tenant_id!r} is deleted")
    return found


def require_open(unit: Unit, tenant_id: str) -> None:
    """Raise PharosError(DENIED) for a tenant that is suspended, deleted, or about to be.

    One that nobody made, as that of a server without tenants, is open.
    """
    found = unit.row(select(tenants).where(tenants.c.id == tenant_id))
    if found is not None and (found.suspended_ms is not None or found.deleting_ms is not None):
        what = "is suspended" if found.deleting_ms is None else "is deleted"
        raise PharosError(Kind.DENIED, f"the tenant {tenant_id} {what}")


def list_tenants(unit: Unit, *, deleted: bool = False) -> tuple[Tenant, ...]:
    """Return all tenants by id; those that are deleted only if asked for."""
    statement = select(tenants).order_by(tenants.c.id)
    if not deleted:
        statement = statement.where(tenants.c.deleted_ms.is_(None))
    return tuple(Tenant(*row) for row in unit.rows(statement))


def change_tenant(
    unit: Writing, tenant_id: str, *, name: str | None = None, color: str | None = None
) -> Tenant:
    """Change how a tenant is called or shown; return it. Raises PharosError: MISSING, INVALID."""
    values = {}
    if name is not None:
        values["name"] = require_name(name, "tenant", 150)
    if color is not None:
        values["color"] = _require_color(color)
    return _change(unit, require_living(unit, tenant_id), "tenant.change", values)


def suspend_tenant(unit: Writing, tenant_id: str) -> Tenant:
    """Keep everybody from a tenant, its data stay; return it. Raises PharosError(MISSING)."""
    found = require_living(unit, tenant_id)
    return (
        found if found.suspended_ms else _change(unit, found, "tenant.suspend", {"suspended_ms": unit.now_ms})
    )


def resume_tenant(unit: Writing, tenant_id: str) -> Tenant:
    """Open a suspended tenant again; return it. Raises PharosError(MISSING)."""
    return _change(unit, require_living(unit, tenant_id), "tenant.resume", {"suspended_ms": None})


def begin_deletion(unit: Writing, tenant_id: str) -> Tenant:
    """Close a tenant for good, all it holds is to be deleted; return it. Raises PharosError(MISSING)."""
    found = tenant(unit, tenant_id)
    return found if found.deleting_ms else _change(unit, found, "tenant.delete", {"deleting_ms": unit.now_ms})


def end_deletion(unit: Writing, tenant_id: str, proof: Mapping[str, Any]) -> Tenant:
    """Note that nothing of a tenant is left, with what was found and looked at as proof; return it.

    Raises PharosError: MISSING, or INVALID when nobody asked for it.
    """
    before = tenant(unit, tenant_id)
    if before.deleting_ms is None:
        raise PharosError(Kind.INVALID, f"nobody asked that the tenant {tenant_id!r} be deleted")
    if before.deleted_ms is None:
        unit.execute(update(tenants).where(tenants.c.id == tenant_id).values(deleted_ms=unit.now_ms))
        after = {"deleted_ms": unit.now_ms, "proof": dict(proof)}
        append(unit, Event("tenant.deleted", f"tenant:{tenant_id}", tenant_id, after=after))
        unit.changed(Family.TENANTS)
    return tenant(unit, tenant_id)


def _change(unit: Writing, before: Tenant, action: str, values: Mapping[str, Any]) -> Tenant:
    if values:
        unit.execute(update(tenants).where(tenants.c.id == before.id).values(dict(values)))
    after = tenant(unit, before.id)
    if append_change(
        unit, Event(action, f"tenant:{before.id}", before.id, to_builtins(before), to_builtins(after))
    ):
        unit.changed(Family.TENANTS)
    return after


# -- limits --


def change_limits(unit: Writing, tenant_id: str, changes: Mapping[str, int | None]) -> Limits:
    """Change some bounds of a tenant and return all that it has; None has one be as for everybody.

    What names there are, and what values, is the caller's to know. Raises PharosError: MISSING, DENIED where
    limits, or those of retention, are protected.
    """
    require_living(unit, tenant_id)
    before = limits_of(unit, tenant_id)
    merged = {**before.bounds, **changes}
    bounds = {name: bound for name, bound in merged.items() if bound is not None}
    differ = {name for name, _ in set(bounds.items()) ^ set(before.bounds.items())}
    if not differ:
        return before
    for policy in sorted({"retention" if name.startswith("retention") else "limits" for name in differ}):
        require_unprotected(unit, policy, tenant_id)
    version = before.version + 1
    unit.execute(
        insert(limits).values(
            tenant_id=tenant_id,
            version=version,
            set_ms=unit.now_ms,
            who=unit.author.who,
            bounds=bounds,
        )
    )
    event = Event("limits.set", f"limits:{tenant_id}", tenant_id, before.bounds, bounds)
    append_change(unit, event)
    unit.changed(Family.LIMITS)
    return limits_of(unit, tenant_id)


def limits_of(unit: Unit, tenant_id: str) -> Limits:
    """Return the bounds of a tenant that hold now."""
    found = limits_history(unit, tenant_id, limit=1)
    return found[0] if found else Limits(tenant_id, 0, 0, "", {})


def limits_history(unit: Unit, tenant_id: str, limit: int = 100) -> tuple[Limits, ...]:
    """Return the bounds that were set for a tenant, the newest first."""
    statement = (
        select(limits).where(limits.c.tenant_id == tenant_id).order_by(limits.c.version.desc()).limit(limit)
    )
    return tuple(Limits(*row) for row in unit.rows(statement))


def all_limits(unit: Unit) -> dict[str, Limits]:
    """Return the bounds that hold now of all tenants that have any: what a server keeps in memory."""
    newest = select(limits.c.tenant_id, func.max(limits.c.version).label("version")).group_by(
        limits.c.tenant_id
    )
    last = newest.subquery()
    both = (last.c.tenant_id == limits.c.tenant_id) & (last.c.version == limits.c.version)
    return {row.tenant_id: Limits(*row) for row in unit.rows(select(limits).join(last, both))}
