"""Users, members of a tenant, roles, and the question who may do what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct
from pydantic import Field, SecretStr
from starlette.requests import Request

from pharos.access import ANY_IDENTITY, PERMISSIONS, ROLES, Role
from pharos.api.http.identity import grant_of, scope_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Body, Native
from pharos.api.native.shapes import (
    CountShape,
    DecisionShape,
    DeletedUserShape,
    LinkShape,
    MemberShape,
    NewUserShape,
    RoleShape,
    RolesShape,
    UserShape,
    made_role_shape,
    user_shape,
)
from pharos.errors import Kind, PharosError
from pharos.identity.accounts import Accounts, Held, WantedUser
from pharos.identity.directory import Directory
from pharos.secret import Secret
from pharos.state.accounts import User

LINK_PAGE: Final = "/welcome"
"""The page at which a link is used; its code stands behind a # and is never sent with the address."""

_NAME: Final = Field(min_length=1, max_length=200)
_TEXT: Final = Field(default="", max_length=200)
_NAMES: Final = Field(default=(), max_length=100)


class HeldBody(Body):
    """A role, in a tenant or everywhere."""

    role: str = _NAME
    tenant: str | None = Field(default=None, max_length=150)
    everywhere: bool = False


class NewUserBody(Body):
    """A user to be."""

    name: str = _NAME
    display_name: str = _TEXT
    email: str = _TEXT
    password: SecretStr | None = Field(default=None, max_length=1000)
    roles: tuple[HeldBody, ...] = _NAMES


class UserChange(Body):
    """What shall be otherwise of a user."""

    name: str | None = Field(default=None, max_length=200)
    display_name: str | None = Field(default=None, max_length=200)
    email: str | None = Field(default=None, max_length=200)
    disabled: bool | None = None
    password: SecretStr | None = Field(default=None, max_length=1000)


class RolesBody(Body):
    """All roles that a user shall have there; none takes all away."""

    roles: tuple[str, ...] = Field(max_length=100)


class NewRole(Body):
    """A role to be: of the tenant that the request names, or of all."""

    name: str = _NAME
    summary: str = _TEXT
    permissions: tuple[str, ...] = Field(max_length=len(PERMISSIONS))
    everywhere: bool = False


class RoleChange(Body):
    """What shall be otherwise of a role."""

    summary: str | None = Field(default=None, max_length=200)
    permissions: tuple[str, ...] | None = Field(default=None, max_length=len(PERMISSIONS))


class Question(Body):
    """Who may do what, and where."""

    permission: str = _NAME
    tenant: str = Field(min_length=1, max_length=150)
    identity: str = Field(default="", max_length=200)
    """A user's id or name; nothing for who asks."""


class PeopleApi(Struct, frozen=True):
    """Users, members, roles."""

    native: Native
    accounts: Accounts
    directory: Directory

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make = self.native.operation
        yield make("GET /api/users", "users.manage", self.users, list[UserShape])
        yield make("POST /api/users", "users.manage", self.add_user, NewUserShape, NewUserBody)
        yield make("PATCH /api/users/{user}", "users.manage", self.change_user, UserShape, UserChange)
        yield make("DELETE /api/users/{user}", "users.manage", self.delete_user, DeletedUserShape)
        yield make("POST /api/users/{user}/link", "users.manage", self.link_user, LinkShape)
        yield make("POST /api/users/{user}/sign_out", "users.manage", self.sign_out_user, CountShape)
        yield make("PUT /api/users/{user}/roles", "users.manage", self.set_server_roles, UserShape, RolesBody)
        yield make("GET /api/members", "members.view", self.members, list[MemberShape])
        yield make("PUT /api/members/{user}", "members.manage", self.set_member, UserShape, RolesBody)
        yield make("GET /api/roles", ANY_IDENTITY, self.roles, RolesShape)
        yield make("POST /api/roles", "roles.manage", self.make_role, RoleShape, NewRole)
        yield make("PATCH /api/roles/{role}", "roles.manage", self.change_role, RoleShape, RoleChange)
        yield make("DELETE /api/roles/{role}", "roles.manage", self.drop_role, CountShape)
        yield make("POST /api/access/check", ANY_IDENTITY, self.check_access, DecisionShape, Question)

    def _shape(self, user: User) -> UserShape:
        held = self.directory.memberships(user.id)
        return user_shape(user, [(one.tenant_id, one.role) for one in held])

    # -- users --

    async def users(self, request: Request) -> list[dict[str, Any]]:  # noqa: ARG002
        """Return all users, with their roles."""
        return [self._shape(one).model_dump() for one in await self.accounts.users()]

    async def add_user(self, request: Request, body: NewUserBody) -> NewUserShape:
        """Add a user; without a password the answer has a link by which they choose one."""
        wanted = WantedUser(
            body.name,
            body.display_name,
            body.email,
            None if body.password is None else Secret(body.password.get_secret_value()),
            tuple(_held(one) for one in body.roles),
        )
        user, code = await self.accounts.add_user(grant_of(request), wanted)
        await self.directory.refresh()
        if code is None:
            return NewUserShape(user=self._shape(user), code=None, path=None)
        return NewUserShape(user=self._shape(user), code=code.reveal(), path=_link_path(code))

    async def change_user(self, request: Request, body: UserChange) -> UserShape:
        """Change a user's names, disable or enable them, or set their password."""
        actor, named = grant_of(request), request.path_params["user"]
        user = await self.accounts.change_user(
            actor, named, name=body.name, display_name=body.display_name, email=body.email
        )
        if body.password is not None:
            user = await self.accounts.set_password(actor, user.id, Secret(body.password.get_secret_value()))
        if body.disabled is not None:
            change = self.accounts.disable_user if body.disabled else self.accounts.enable_user
            user = await change(actor, user.id)
        await self.directory.refresh()
        return self._shape(user)

    async def delete_user(self, request: Request) -> DeletedUserShape:
        """Take a user away for good, with all that is theirs, and say what that was."""
        user, removed = await self.accounts.delete_user(grant_of(request), request.path_params["user"])
        await self.directory.refresh()
        return DeletedUserShape(id=user.id, name=user.name, rows_removed=removed, rows_left=0)

    async def link_user(self, request: Request) -> LinkShape:
        """Make a link by which a user chooses a new password."""
        code = await self.accounts.link_user(grant_of(request), request.path_params["user"])
        return LinkShape(code=code.reveal(), path=_link_path(code))

    async def sign_out_user(self, request: Request) -> CountShape:
        """End all sessions of a user."""
        count = await self.accounts.sign_out_user(grant_of(request), request.path_params["user"])
        return CountShape(count=count)

    async def set_server_roles(self, request: Request, body: RolesBody) -> UserShape:
        """Set the roles that a user has on the whole server."""
        return await self._set_roles(request, None, body)

    async def _set_roles(self, request: Request, tenant: str | None, body: RolesBody) -> UserShape:
        named = request.path_params["user"]
        await self.accounts.set_roles(grant_of(request), named, tenant, body.roles)
        await self.directory.refresh()
        return self._shape(self.directory.user(named))

    # -- members --

    async def members(self, request: Request) -> list[dict[str, Any]]:
        """Return who has which roles in the tenant."""
        return [
            MemberShape(
                id=user.id,
                name=user.name,
                display_name=user.display_name,
                disabled=user.disabled_ms is not None,
                roles=list(held),
            ).model_dump()
            for user, held in await self.accounts.members(scope_of(request).tenant)
        ]

    async def set_member(self, request: Request, body: RolesBody) -> UserShape:
        """Set the roles that a user has in the tenant."""
        found = await self._set_roles(request, scope_of(request).tenant, body)
        tenant = scope_of(request).tenant
        # What else they have elsewhere is not for an admin of one tenant to see.
        own = {tenant: found.tenants[tenant]} if tenant in found.tenants else {}
        return found.model_copy(update={"tenants": own, "everywhere": [], "email": ""})

    # -- roles --

    async def roles(self, request: Request) -> RolesShape:
        """Return the roles that can be given in the tenant, and all permissions with what each allows."""
        shipped = [
            RoleShape(
                id=None,
                name=role.name,
                tenant=None,
                summary=role.summary,
                permissions=sorted(role.permissions),
            )
            for role in ROLES.values()
        ]
        made = await self.accounts.made_roles(scope_of(request).tenant)
        return RolesShape(roles=[*shipped, *map(made_role_shape, made)], permissions=dict(PERMISSIONS))

    async def make_role(self, request: Request, body: NewRole) -> RoleShape:
        """Define a role."""
        tenant = None if body.everywhere else scope_of(request).tenant
        role = Role(body.name, frozenset(body.permissions), body.summary)
        return made_role_shape(await self.accounts.make_role(grant_of(request), role, tenant))

    async def change_role(self, request: Request, body: RoleChange) -> RoleShape:
        """Change what a role allows, for all who have it."""
        return made_role_shape(
            await self.accounts.change_role(
                grant_of(request), request.path_params["role"], body.permissions, body.summary
            )
        )

    async def drop_role(self, request: Request) -> CountShape:
        """Take a role away that nobody has."""
        await self.accounts.drop_role(grant_of(request), request.path_params["role"])
        return CountShape(count=1)

    # -- who may --

    async def check_access(self, request: Request, body: Question) -> DecisionShape:
        """Return whether somebody may do something in a tenant, and why.

        About others it is told to those who may see the tenant's members.
        """
        asking = grant_of(request)
        subject = asking
        if body.identity and body.identity not in {asking.who.id, asking.who.name}:
            if "members.view" not in asking.permissions(body.tenant):
                raise PharosError(
                    Kind.DENIED,
                    f"{asking.who.name} may not ask about others in the tenant {body.tenant}",
                    hint="it needs the permission members.view there",
                )
            subject = await self.accounts.grant_of(body.identity)
        found = await self.accounts.decide(subject, body.tenant, body.permission)
        return DecisionShape(allowed=found.is_allowed, why=found.why)


def _held(body: HeldBody) -> Held:
    if body.everywhere == (body.tenant is not None):
        raise PharosError(
            Kind.INVALID,
            f"the role {body.role} is given in a tenant or everywhere",
            hint='add "tenant": "…" or "everywhere": true',
        )
    return Held(body.role, body.tenant)


def _link_path(code: Secret) -> str:
    return f"{LINK_PAGE}#{code.reveal()}"
