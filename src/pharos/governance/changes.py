"""The changes that can be proposed: what each needs to know, and how it is made.

A new kind of protected policy adds a class here, and its name to `POLICIES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Final, Protocol, Self

import orjson
from pydantic import TypeAdapter, ValidationError

from pharos.access import OF_THE_WHOLE, Role, check_role
from pharos.errors import Kind, PharosError
from pharos.limits import check_bounds
from pharos.state import Unit, Writing, accounts, protections, roles, tenants
from pharos.state.protections import Protection

POLICIES: Final = ("roles", "limits", "retention")
"""What can be protected."""
_DAY_MS: Final = 86_400_000
_LASTS_MS: Final = (60_000, 366 * _DAY_MS)


class Change(Protocol):
    """A change of a policy, as a value."""

    action: ClassVar[str]

    @property
    def tenant(self) -> str | None:
        """Return whose policy is changed; None for the whole server's."""
        ...

    @property
    def policy(self) -> str:
        """Return which policy is changed."""
        ...

    def check(self, unit: Unit) -> None:
        """Raise PharosError when it cannot be made as things are now."""
        ...

    def current(self, unit: Unit) -> Any:
        """Return what it would change, as JSON: while that is the same, the change means the same."""
        ...

    def settled(self, unit: Unit) -> Change:
        """Return it as it is kept: a name that may become another's is an id."""
        ...

    def moves(self, unit: Unit) -> frozenset[str]:
        """Return the permissions that people get or lose by it: nobody gives what they do not have."""
        ...

    def apply(self, unit: Writing) -> None:
        """Make the change."""
        ...


class _NobodysRoles:
    """What changes of everything but people's permissions share."""

    __slots__ = ()

    def settled(self, unit: Unit) -> Self:  # noqa: ARG002 - as a change is asked
        """Return it as it is: it names nobody."""
        return self

    def moves(self, unit: Unit) -> frozenset[str]:  # noqa: ARG002 - as a change is asked
        """Return nothing: nobody may do more or less by it."""
        return frozenset()


@dataclass(frozen=True, slots=True)
class SetBounds(_NobodysRoles):
    """Set some bounds of a tenant, the others stay; None has it as for everybody."""

    action: ClassVar[str] = "limits.set"
    tenant: str
    bounds: Mapping[str, int | None]

    @property
    def policy(self) -> str:
        """Return the policy: how long data are kept is one of its own."""
        return "retention" if all(map(_is_retention, self.bounds)) else "limits"

    def check(self, unit: Unit) -> None:
        """Raise PharosError for bounds that are none, or of two policies at once, and without the tenant."""
        tenants.require_living(unit, self.tenant)
        if not self.bounds:
            raise PharosError(Kind.INVALID, "no limit is named")
        check_bounds(self.bounds)
        if self.policy == "limits" and any(map(_is_retention, self.bounds)):
            raise PharosError(
                Kind.INVALID, "limits and retention are two policies", hint="change one after the other"
            )

    def current(self, unit: Unit) -> Any:
        """Return the bounds that would be changed."""
        now = tenants.limits_of(unit, self.tenant).bounds
        return {name: now.get(name) for name in self.bounds}

    def apply(self, unit: Writing) -> None:
        """Set them."""
        tenants.change_limits(unit, self.tenant, self.bounds)


def _is_retention(name: str) -> bool:
    return name.startswith("retention")


@dataclass(frozen=True, slots=True)
class _RoleOfUser:
    """What happens to one role of one user."""

    policy: ClassVar[str] = "roles"
    tenant: str | None
    user_id: str
    role: str

    def settled(self, unit: Unit) -> Self:
        """Return it with the user's id, where it has the name. Raises PharosError(MISSING)."""
        return replace(self, user_id=accounts.user_meant(unit, self.user_id).id)

    def current(self, unit: Unit) -> Any:
        """Return the roles that the user has there."""
        return sorted(
            one.role for one in roles.memberships_of(unit, self.user_id) if one.tenant_id == self.tenant
        )

    def moves(self, unit: Unit) -> frozenset[str]:
        """Return what the role allows there; nothing when it is no more."""
        found = roles.allowed_by(roles.list_roles(unit), self.role, self.tenant)
        return _there(frozenset() if found is None else found.permissions, self.tenant)


@dataclass(frozen=True, slots=True)
class GrantRole(_RoleOfUser):
    """Give a role to a user."""

    action: ClassVar[str] = "roles.grant"

    def check(self, unit: Unit) -> None:
        """Raise PharosError(MISSING) when there is no such user, or no such role."""
        accounts.user(unit, self.user_id)
        if roles.allowed_by(roles.list_roles(unit), self.role, self.tenant) is None:
            raise PharosError(Kind.MISSING, f"there is no role {self.role[:80]!r} there")

    def apply(self, unit: Writing) -> None:
        """Give it."""
        roles.grant(unit, self.user_id, self.tenant, self.role)


@dataclass(frozen=True, slots=True)
class WithdrawRole(_RoleOfUser):
    """Take a role from a user."""

    action: ClassVar[str] = "roles.withdraw"

    def check(self, unit: Unit) -> None:
        """Raise PharosError when the user does not have it."""
        if self.role not in self.current(unit):
            raise PharosError(Kind.MISSING, f"user {self.user_id!r} has no role {self.role!r} there")

    def apply(self, unit: Writing) -> None:
        """Take it."""
        roles.withdraw(unit, self.user_id, self.tenant, self.role)


def _there(permissions: frozenset[str], tenant: str | None) -> frozenset[str]:
    """Return which permissions count in a tenant, or everywhere (None)."""
    return permissions if tenant is None else permissions - OF_THE_WHOLE


@dataclass(frozen=True, slots=True)
class DefineRole(_NobodysRoles):
    """Define a role, or say anew what one allows."""

    action: ClassVar[str] = "roles.define"
    policy: ClassVar[str] = "roles"
    tenant: str | None
    name: str
    permissions: tuple[str, ...]
    description: str = ""

    def check(self, unit: Unit) -> None:
        """Raise PharosError for a bad name or permission, or an unknown tenant."""
        check_role(Role(self.name, frozenset(self.permissions)))
        if self.tenant is not None:
            tenants.require_living(unit, self.tenant)

    def current(self, unit: Unit) -> Any:
        """Return what the role allows; None where there is none."""
        found = _defined(unit, self.tenant, self.name)
        return None if found is None else list(found.permissions)

    def moves(self, unit: Unit) -> frozenset[str]:
        """Return what the role allows after it and not before, and the other way round."""
        found = _defined(unit, self.tenant, self.name)
        before = frozenset(() if found is None else found.permissions)
        return _there(before ^ frozenset(self.permissions), self.tenant)

    def apply(self, unit: Writing) -> None:
        """Define it."""
        found = _defined(unit, self.tenant, self.name)
        if found is None:
            roles.create_role(unit, self.tenant, self.name, self.permissions, self.description)
        else:
            roles.change_role(
                unit, found.id, permissions=self.permissions, description=self.description or None
            )


@dataclass(frozen=True, slots=True)
class DeleteRole(_NobodysRoles):
    """Take a role away."""

    action: ClassVar[str] = "roles.delete"
    policy: ClassVar[str] = "roles"
    tenant: str | None
    name: str

    def check(self, unit: Unit) -> None:
        """Raise PharosError(MISSING) when there is none."""
        if _defined(unit, self.tenant, self.name) is None:
            raise PharosError(Kind.MISSING, f"there is no role {self.name!r} there")

    def current(self, unit: Unit) -> Any:
        """Return what the role allows."""
        found = _defined(unit, self.tenant, self.name)
        return None if found is None else list(found.permissions)

    def apply(self, unit: Writing) -> None:
        """Take it away."""
        found = _defined(unit, self.tenant, self.name)
        if found is not None:
            roles.delete_role(unit, found.id)


def _defined(unit: Unit, tenant: str | None, name: str) -> roles.Role | None:
    found = [one for one in roles.list_roles(unit) if (one.tenant_id, one.name) == (tenant, name)]
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Protect(_NobodysRoles):
    """Protect a policy, or say anew what its changes need, if it fulfils what they need now."""

    action: ClassVar[str] = "protection.set"
    tenant: str | None
    policy: str
    approvals: int = 1
    percent: int = 0
    lasts_ms: int = 7 * _DAY_MS
    reasons: bool = False

    def check(self, unit: Unit) -> None:
        """Raise PharosError for what no proposal could ever fulfil."""
        _require_policy(self.policy)
        if self.tenant is not None:
            tenants.require_living(unit, self.tenant)
        least_ms, most_ms = _LASTS_MS
        bounds = (
            ("approvals", self.approvals, 1, 100),
            ("percent", self.percent, 0, 100),
            ("lasts_ms", self.lasts_ms, least_ms, most_ms),
        )
        for name, value, least, most in bounds:
            if not least <= value <= most:
                raise PharosError(Kind.INVALID, f"{name} must be between {least} and {most}, is {value}")

    def current(self, unit: Unit) -> Any:
        """Return the protection that holds now."""
        return _protected(unit, self.policy, self.tenant)

    def apply(self, unit: Writing) -> None:
        """Protect it."""
        rule = (self.approvals, self.percent, self.lasts_ms, self.reasons)
        protections.set_protection(unit, Protection(self.policy, self.tenant, *rule))


@dataclass(frozen=True, slots=True)
class Unprotect(_NobodysRoles):
    """Let a policy be changed without a proposal."""

    action: ClassVar[str] = "protection.drop"
    tenant: str | None
    policy: str

    def check(self, unit: Unit) -> None:
        """Raise PharosError(MISSING) when it can be."""
        _require_policy(self.policy)
        if _protected(unit, self.policy, self.tenant) is None:
            raise PharosError(Kind.MISSING, f"the policy {self.policy!r} is not protected there")

    def current(self, unit: Unit) -> Any:
        """Return the protection that holds now."""
        return _protected(unit, self.policy, self.tenant)

    def apply(self, unit: Writing) -> None:
        """End it."""
        protections.drop_protection(unit, self.policy, self.tenant)


def _require_policy(policy: str) -> None:
    if policy not in POLICIES:
        raise PharosError(
            Kind.INVALID, f"there is no policy {policy[:80]!r}", hint=f"one of {', '.join(POLICIES)}"
        )


def _protected(unit: Unit, policy: str, tenant: str | None) -> Any:
    found = protections.protection(unit, policy, tenant)
    if found is None or found.tenant_id != tenant:
        return None
    return {
        "approvals": found.approvals,
        "percent": found.percent,
        "lasts_ms": found.lasts_ms,
        "reasons": found.reasons,
    }


CHANGES: Final[Mapping[str, type[Change]]] = {
    one.action: one
    for one in (SetBounds, GrantRole, WithdrawRole, DefineRole, DeleteRole, Protect, Unprotect)
}
"""Every change, by its action."""


def read_change(action: str, tenant: str | None, document: Mapping[str, Any]) -> Change:
    """Return a change of the document that came in, or was kept of it.

    Raises PharosError(INVALID) that names what is wrong with it.
    """
    kind = CHANGES.get(action)
    if kind is None:
        raise PharosError(
            Kind.INVALID, f"there is no change {action[:80]!r}", hint=f"one of {', '.join(CHANGES)}"
        )
    unknown = sorted(set(document) - {field.name for field in fields(kind)} | set(document) & {"tenant"})  # type: ignore[arg-type]
    if unknown:
        raise PharosError(Kind.INVALID, f"{action} knows no field {unknown[0][:80]!r}")
    try:
        # As JSON, in which a list is what a tuple is in Python.
        return TypeAdapter(kind).validate_json(orjson.dumps({**document, "tenant": tenant}), strict=True)
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise PharosError(Kind.INVALID, f"{action}: {where}: {first['msg']}") from exc


def document_of(change: Change) -> dict[str, Any]:
    """Return a change as JSON, but for its tenant."""
    found = {field.name: getattr(change, field.name) for field in fields(change) if field.name != "tenant"}  # type: ignore[arg-type]
    return {
        name: list(value)
        if isinstance(value, tuple)
        else dict(value)
        if isinstance(value, Mapping)
        else value
        for name, value in found.items()
    }
