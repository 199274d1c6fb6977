"""What the answers about accounts look like."""

from __future__ import annotations

from collections.abc import Sequence

from pharos.access import Grant
from pharos.api.native.answers import Shape
from pharos.state.accounts import User
from pharos.state.roles import Role as MadeRole
from pharos.state.sessions import Session
from pharos.state.tokens import Token


class IdentityShape(Shape):
    """Who somebody is."""

    kind: str
    id: str
    name: str


class TenantAccess(Shape):
    """What somebody may do in a tenant."""

    id: str
    permissions: list[str]


class HeldRoleShape(Shape):
    """A role that somebody has."""

    name: str
    tenant: str | None
    """Where; null for everywhere."""
    source: str
    """`user`: somebody here gave it; `provider`, `issuer`: rules for what they say of who asks; `token`: the
    token has it; `settings`: whoever has no credentials has it; `local`: nobody is asked who they are."""
    detail: str
    """The provider or issuer, and what its rules ask for; empty of what no rule gives."""


class Me(Shape):
    """Who asks, and what they may do."""

    identity: IdentityShape
    openness: str
    """`open`, `setup` or `closed`: what is asked of those who present nothing."""
    everywhere: list[str]
    """Permissions in every tenant, those that are not yet there too."""
    tenants: list[TenantAccess]
    """Tenants with roles of their own."""
    roles: list[HeldRoleShape]
    """The roles that the permissions come from; a token may be allowed less than they are."""
    default_tenant: str | None
    """Which one is meant by a request that names none."""
    csrf_token: str | None
    """What a change must carry in the header X-CSRF-Token, where a cookie says who asks."""
    must_change_password: bool = False


class WaysIn(Shape):
    """How one can sign in."""

    openness: str
    has_password: bool
    providers: list[ProviderShape]


class LinkOwner(Shape):
    """Whose a link that works once is."""

    name: str | None
    """What its user signs in with; null where the first user chooses a name."""


class ProviderShape(Shape):
    """An identity provider."""

    id: str
    label: str
    path: str
    """Where a browser goes to sign in there."""


class UserShape(Shape):
    """A user."""

    id: str
    name: str
    display_name: str
    email: str
    has_password: bool
    created_ms: int
    disabled_ms: int | None
    everywhere: list[str]
    """Roles on the whole server."""
    tenants: dict[str, list[str]]
    """Roles by tenant."""


class NewUserShape(Shape):
    """A user who was added, and the link by which they choose a password, if they have none."""

    user: UserShape
    code: str | None
    path: str | None


class LinkShape(Shape):
    """A link that works once."""

    code: str
    path: str


class SessionShape(Shape):
    """A browser that is signed in."""

    id: str
    created_ms: int
    seen_ms: int
    expires_ms: int
    user_agent: str
    address: str
    is_current: bool


class DeletedUserShape(Shape):
    """A user who was deleted, and the proof of it, which the audit log keeps."""

    id: str
    name: str
    rows_removed: dict[str, int]
    """By table."""
    rows_left: int


class CountShape(Shape):
    """How many."""

    count: int


class TokenShape(Shape):
    """A token, without its secret."""

    id: str
    name: str
    prefix: str
    owner_id: str | None
    tenant: str | None
    roles: list[str]
    permissions: list[str] | None
    created_ms: int
    expires_ms: int | None
    used_ms: int | None
    revoked_ms: int | None
    rotated_from: str | None


class NewTokenShape(Shape):
    """A token that was made; its text is never shown again."""

    token: TokenShape
    text: str


class MemberShape(Shape):
    """Who has which roles."""

    id: str
    name: str
    display_name: str
    disabled: bool
    roles: list[str]


class RoleShape(Shape):
    """A role."""

    id: str | None
    """None for one that Pharos ships."""
    name: str
    tenant: str | None
    summary: str
    permissions: list[str]


class RolesShape(Shape):
    """All roles, and all permissions with what each allows."""

    roles: list[RoleShape]
    permissions: dict[str, str]


class DecisionShape(Shape):
    """Whether somebody may do something, and why."""

    allowed: bool
    why: str


def token_shape(token: Token) -> TokenShape:
    """Return a token as it is shown."""
    return TokenShape(
        id=token.id,
        name=token.name,
        prefix=token.prefix,
        owner_id=token.owner_id,
        tenant=token.tenant_id,
        roles=list(token.roles),
        permissions=None if token.permissions is None else list(token.permissions),
        created_ms=token.created_ms,
        expires_ms=token.expires_ms,
        used_ms=token.used_ms,
        revoked_ms=token.revoked_ms,
        rotated_from=token.rotated_from,
    )


def session_shape(session: Session, current: str | None) -> SessionShape:
    """Return a session as it is shown; `current` is the id of the one that asks."""
    return SessionShape(
        id=session.id,
        created_ms=session.created_ms,
        seen_ms=session.seen_ms,
        expires_ms=session.expires_ms,
        user_agent=session.user_agent,
        address=session.address,
        is_current=session.id == current,
    )


def user_shape(user: User, held: Sequence[tuple[str | None, str]]) -> UserShape:
    """Return a user as they are shown, with their roles by tenant or everywhere (None)."""
    tenants: dict[str, list[str]] = {}
    for tenant, role in sorted(held, key=lambda one: one[1]):
        if tenant is not None:
            tenants.setdefault(tenant, []).append(role)
    return UserShape(
        id=user.id,
        name=user.name,
        display_name=user.display_name,
        email=user.email,
        has_password=user.has_password,
        created_ms=user.created_ms,
        disabled_ms=user.disabled_ms,
        everywhere=[role for tenant, role in held if tenant is None],
        tenants=tenants,
    )


def made_role_shape(role: MadeRole) -> RoleShape:
    """Return a role that somebody made as it is shown."""
    return RoleShape(
        id=role.id,
        name=role.name,
        tenant=role.tenant_id,
        summary=role.description,
        permissions=list(role.permissions),
    )


def role_shapes(found: Grant) -> list[HeldRoleShape]:
    """Return somebody's roles, those that hold everywhere first."""
    return [
        HeldRoleShape(name=one.name, tenant=one.tenant, source=one.source, detail=one.detail)
        for one in sorted(found.roles, key=lambda one: (one.tenant or "", one.name))
    ]


def access_shapes(found: Grant) -> list[TenantAccess]:
    """Return what somebody may do in each tenant where they have a role of its own."""
    return [
        TenantAccess(id=tenant, permissions=sorted(own)) for tenant, own in sorted(found.by_tenant.items())
    ]
