"""Roles that people made, and who has which role where.

The roles that Pharos ships are no rows: they are a part of the program, as are the permissions that a role
names.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct, to_builtins
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from pharos.access import ROLES
from pharos.access import Role as Allows
from pharos.errors import Kind, PharosError
from pharos.state import accounts, tenants
from pharos.state.audit import Event, append, append_change
from pharos.state.protections import require_unprotected
from pharos.state.tables import (
    METADATA,
    Document,
    Family,
    Words,
    require_name,
    tenant_reference,
    user_reference,
)
from pharos.state.tokens import tokens
from pharos.state.unit import Found, Unit, Writing

roles: Final = Table(
    "roles",
    METADATA,
    Column("id", Words, primary_key=True),
    tenant_reference(nullable=True),
    Column("name", Words, nullable=False),
    Column("description", Words, nullable=False),
    Column("permissions", Document, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)
Index("uq_roles_tenant_id_name", func.coalesce(roles.c.tenant_id, ""), roles.c.name, unique=True)

memberships: Final = Table(
    "memberships",
    METADATA,
    Column("id", Words, primary_key=True),
    user_reference(),
    tenant_reference(nullable=True),
    Column("role", Words, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
    Index(None, "tenant_id"),
)
Index(
    "uq_memberships_user_id_tenant_id_role",
    memberships.c.user_id,
    func.coalesce(memberships.c.tenant_id, ""),
    memberships.c.role,
    unique=True,
)


class Role(Struct, frozen=True):
    """A role that somebody made."""

    id: str
    tenant_id: str | None
    """Where it can be given; None for every tenant."""
    name: str
    description: str
    permissions: tuple[str, ...]
    created_ms: int


class Membership(Struct, frozen=True):
    """That a user has a role."""

    user_id: str
    tenant_id: str | None
    """Where; None for the whole server."""
    role: str
    """The name of a role, shipped or made."""
    since_ms: int


_MEMBERSHIP: Final = (
    memberships.c.user_id,
    memberships.c.tenant_id,
    memberships.c.role,
    memberships.c.since_ms,
)


def _role(row: Found) -> Role:
    identifier, tenant, name, description, permissions, created_ms = row
    return Role(identifier, tenant, name, description, tuple(permissions), created_ms)


def _of_tenant(table: Table, tenant_id: str | None) -> ColumnElement[bool]:
    return table.c.tenant_id.is_(None) if tenant_id is None else table.c.tenant_id == tenant_id


# -- roles --


def create_role(
    unit: Writing, tenant_id: str | None, name: str, permissions: tuple[str, ...], description: str = ""
) -> Role:
    """Add a role to a tenant, or to all (None), and return it.

    Raises PharosError: MISSING for an unknown tenant, INVALID when the name is taken there, or everywhere,
    DENIED where roles are protected.
    """
    require_unprotected(unit, "roles", tenant_id)
    name = require_name(name, "role")
    if tenant_id is not None:
        tenants.require_living(unit, tenant_id)
    for known in list_roles(unit, tenant_id):
        if known.name == name:
            raise PharosError(Kind.INVALID, f"there is a role {name!r} already", hint="choose another name")
    identifier = unit.new_id()
    unit.execute(
        insert(roles).values(
            id=identifier,
            tenant_id=tenant_id,
            name=name,
            description=description,
            permissions=sorted(permissions),
            created_ms=unit.now_ms,
        )
    )
    found = role(unit, identifier)
    append(unit, Event("role.create", f"role:{identifier}", tenant_id or "", after=to_builtins(found)))
    unit.changed(Family.ROLES)
    return found


def role(unit: Unit, role_id: str) -> Role:
    """Return a role. Raises PharosError(MISSING)."""
    return _role(unit.the_row(select(roles).where(roles.c.id == role_id), f"role {role_id!r}"))


def list_roles(unit: Unit, tenant_id: str | None = None) -> tuple[Role, ...]:
    """Return the roles that can be given in a tenant, those of every tenant too; of all tenants for None."""
    statement = select(roles).order_by(roles.c.name, roles.c.id)
    if tenant_id is not None:
        statement = statement.where(roles.c.tenant_id.is_(None) | (roles.c.tenant_id == tenant_id))
    return tuple(map(_role, unit.rows(statement)))


def allowed_by(made: Iterable[Role], name: str, tenant_id: str | None) -> Allows | None:
    """Return the role of a name in a tenant: one that is shipped, one of the tenant, or one of all (None)."""
    if name in ROLES:
        return ROLES[name]
    fits = [one for one in made if one.name == name and one.tenant_id in {tenant_id, None}]
    own = sorted(fits, key=lambda one: one.tenant_id is None)
    return Allows(name, frozenset(own[0].permissions), own[0].description) if own else None


def change_role(
    unit: Writing, role_id: str, *, permissions: tuple[str, ...] | None = None, description: str | None = None
) -> Role:
    """Change what a role allows, for all who have it; return it. Raises PharosError: MISSING, DENIED."""
    before = role(unit, role_id)
    require_unprotected(unit, "roles", before.tenant_id)
    values: dict[str, Any] = {}
    if permissions is not None:
        values["permissions"] = sorted(permissions)
    if description is not None:
        values["description"] = description
    if values:
        unit.execute(update(roles).where(roles.c.id == role_id).values(values))
    after = role(unit, role_id)
    event = Event(
        "role.change", f"role:{role_id}", before.tenant_id or "", to_builtins(before), to_builtins(after)
    )
    if append_change(unit, event):
        unit.changed(Family.ROLES)
    return after


def delete_role(unit: Writing, role_id: str) -> None:
    """Take a role away. Raises PharosError: MISSING, DENIED, or INVALID when somebody has it, or a token."""
    before = role(unit, role_id)
    require_unprotected(unit, "roles", before.tenant_id)
    where: list[ColumnElement[bool]] = [memberships.c.role == before.name]
    held: list[ColumnElement[bool]] = [tokens.c.revoked_ms.is_(None)]
    if before.tenant_id is not None:
        where.append(_of_tenant(memberships, before.tenant_id))
        held.append(_of_tenant(tokens, before.tenant_id))
    has = unit.row(select(memberships.c.user_id).where(*where))
    carries = [
        row[0]
        for row in unit.rows(select(tokens.c.name, tokens.c.roles).where(*held))
        if before.name in row[1]
    ]
    if has is not None or carries:
        who = f"user {accounts.user(unit, has[0]).name!r}" if has is not None else f"token {carries[0]!r}"
        raise PharosError(
            Kind.INVALID, f"the role {before.name!r} is in use: {who} has it", hint="take it from them first"
        )
    unit.execute(delete(roles).where(roles.c.id == role_id))
    append(unit, Event("role.delete", f"role:{role_id}", before.tenant_id or "", before=to_builtins(before)))
    unit.changed(Family.ROLES)


# -- who has them --


def grant(unit: Writing, user_id: str, tenant_id: str | None, role_name: str) -> Membership:
    """Give a user a role in a tenant, or on the whole server (None); return the membership.

    That there is such a role is the caller's to know. Raises PharosError: MISSING for user and tenant, DENIED
    where roles are protected.
    """
    require_unprotected(unit, "roles", tenant_id)
    accounts.user(unit, user_id)
    if tenant_id is not None:
        tenants.require_living(unit, tenant_id)
    where = (
        memberships.c.user_id == user_id,
        _of_tenant(memberships, tenant_id),
        memberships.c.role == role_name,
    )
    statement = select(*_MEMBERSHIP).where(*where)
    if unit.row(statement) is None:
        unit.execute(
            insert(memberships).values(
                id=unit.new_id(), user_id=user_id, tenant_id=tenant_id, role=role_name, since_ms=unit.now_ms
            )
        )
        append(unit, Event("role.grant", f"user:{user_id}", tenant_id or "", after={"role": role_name}))
        unit.changed(Family.ROLES)
    return Membership(*unit.the_row(statement, "membership"))


def withdraw(unit: Writing, user_id: str, tenant_id: str | None, role_name: str) -> None:
    """Take a role from a user. Raises PharosError: MISSING when they do not have it, DENIED."""
    require_unprotected(unit, "roles", tenant_id)
    where = (
        memberships.c.user_id == user_id,
        _of_tenant(memberships, tenant_id),
        memberships.c.role == role_name,
    )
    if not unit.execute(delete(memberships).where(*where)):
        place = "on the whole server" if tenant_id is None else f"in tenant {tenant_id!r}"
        raise PharosError(Kind.MISSING, f"user {user_id!r} has no role {role_name!r} {place}")
    append(unit, Event("role.withdraw", f"user:{user_id}", tenant_id or "", before={"role": role_name}))
    unit.changed(Family.ROLES)


def memberships_of(unit: Unit, user_id: str) -> tuple[Membership, ...]:
    """Return what roles a user has, and where."""
    return _memberships(unit, memberships.c.user_id == user_id)


def members_of(unit: Unit, tenant_id: str | None) -> tuple[Membership, ...]:
    """Return who has what role in a tenant; those of the whole server for None."""
    return _memberships(unit, _of_tenant(memberships, tenant_id))


def all_memberships(unit: Unit) -> tuple[Membership, ...]:
    """Return all memberships: what a server keeps in memory."""
    return _memberships(unit)


def _memberships(unit: Unit, *where: ColumnElement[bool]) -> tuple[Membership, ...]:
    statement = select(*_MEMBERSHIP).where(*where).order_by(memberships.c.user_id, memberships.c.id)
    return tuple(Membership(*row) for row in unit.rows(statement))
