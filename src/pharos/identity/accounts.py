"""Users, members, roles and tokens, changed by those who may: nobody gives what they do not have themselves.

That somebody may ask at all is checked at the edge, by the permission of the operation. Here it is checked
how far that reaches: in which tenant, and with which permissions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import Final

from msgspec import Struct

from pharos.access import OF_THE_WHOLE, PERMISSIONS, ROLES, Grant, Role, check_role, check_tenant
from pharos.errors import Kind, PharosError
from pharos.identity.directory import Directory
from pharos.identity.passwords import Passwords, check_password
from pharos.identity.sign_in import INVITE, PASSWORD, author_of, require_user
from pharos.identity.tokens import Minted, mint_secret, mint_token
from pharos.secret import Secret
from pharos.state import State, Unit, Writing, accounts, roles, sessions, tokens
from pharos.state.accounts import NewLink, NewUser, User
from pharos.state.roles import Membership
from pharos.state.tokens import NewToken, Token

_LINK_MS: Final = 3 * 86_400_000
_GRACE_MOST_MS: Final = 30 * 86_400_000
_USERS_BEFORE_TOKENS: Final = "add a user first: `pharos user add`"


class Held(Struct, frozen=True):
    """A role, in a tenant or everywhere (None)."""

    role: str
    tenant: str | None


class WantedUser(Struct, frozen=True):
    """A user to be; without a password a link is made, by which they choose it."""

    name: str
    display_name: str = ""
    email: str = ""
    password: Secret | None = None
    held: tuple[Held, ...] = ()


class WantedToken(Struct, frozen=True):
    """A token to be: of a tenant or of the whole server (None), for a program; or one's own, as one is."""

    name: str
    tenant: str | None
    roles: tuple[str, ...] = ()
    permissions: tuple[str, ...] | None = None
    lasts_ms: int | None = None
    is_own: bool = False


class MadeToken(Struct, frozen=True):
    """A token; its text is shown now and never again."""

    token: Token
    text: Secret


class Decision(Struct, frozen=True):
    """Whether somebody may do something, and why."""

    is_allowed: bool
    why: str


class Accounts:
    """Changes accounts for those who may."""

    def __init__(self, state: State, directory: Directory, passwords: Passwords, chance: Random) -> None:
        self._state = state
        self._directory = directory
        self._passwords = passwords
        self._chance = chance

    # -- users --

    async def users(self) -> tuple[User, ...]:
        """Return all users by name."""
        await self._directory.refresh()
        return self._directory.users()

    async def add_user(self, actor: Grant, wanted: WantedUser) -> tuple[User, Secret | None]:
        """Add a user; return them, and without a password the secret of the link by which they choose one.

        The first one may do everything. Raises PharosError: INVALID, DENIED for a role that the actor may not
        give, MISSING for a tenant.
        """
        await self._directory.refresh()
        held = wanted.held
        if not self._directory.has_users and not held:
            held = (Held("operator", None),)
        if not self._directory.has_users and not any(
            one.tenant is None and one.role == "operator" for one in held
        ):
            raise PharosError(
                Kind.INVALID,
                "the first user must be an operator of the whole server",
                hint="leave the role out, or name operator: from then on everybody must sign in",
            )
        for one in held:
            self._require_may_give(actor, one)
        hashed = None
        if wanted.password is not None:
            check_password(wanted.password.reveal(), wanted.name)
            hashed = await self._passwords.hash(wanted.password.reveal())
        minted = mint_secret(self._chance)

        def write(unit: Writing) -> User:
            new = NewUser(wanted.name, wanted.display_name, wanted.email, hashed)
            user = accounts.create_user(unit, new)
            for one in held:
                roles.grant(unit, user.id, one.tenant, one.role)
            if hashed is None:
                accounts.create_link(unit, NewLink(minted.hash, INVITE, unit.now_ms + _LINK_MS, user.id))
            return user

        user = await self._state.write(write, author_of(actor.who))
        return user, None if hashed is not None else minted.text

    async def change_user(
        self,
        actor: Grant,
        named: str,
        *,
        name: str | None = None,
        display_name: str | None = None,
        email: str | None = None,
    ) -> User:
        """Change how a user is called. Raises PharosError: MISSING, INVALID, DENIED."""
        user = await self._subject(actor, named)
        return await self._state.write(
            lambda unit: accounts.change_user(
                unit, user.id, name=name, display_name=display_name, email=email
            ),
            author_of(actor.who),
        )

    async def disable_user(self, actor: Grant, named: str) -> User:
        """Keep a user from everything, and end their sessions.

        Raises PharosError: MISSING, DENIED, INVALID.
        """
        user = await self._subject(actor, named)

        def write(unit: Writing) -> User:
            sessions.revoke_sessions(unit, user.id)
            found = accounts.disable_user(unit, user.id)
            _require_operator(unit)
            return found

        return await self._state.write(write, author_of(actor.who))

    async def enable_user(self, actor: Grant, named: str) -> User:
        """Let a user in again. Raises PharosError: MISSING, DENIED."""
        user = await self._subject(actor, named)
        return await self._state.write(lambda unit: accounts.enable_user(unit, user.id), author_of(actor.who))

    async def delete_user(self, actor: Grant, named: str) -> tuple[User, dict[str, int]]:
        """Take a user away for good, with sessions, tokens, roles and links; return them, and what that was.

        Raises PharosError: MISSING, DENIED, INVALID for the last operator.
        """
        user = await self._subject(actor, named)

        def write(unit: Writing) -> dict[str, int]:
            found = accounts.delete_user(unit, user.id)
            _require_operator(unit)
            return found

        return user, await self._state.write(write, author_of(actor.who))

    async def link_user(self, actor: Grant, named: str) -> Secret:
        """Return the secret of a link by which a user chooses a new password; earlier ones end.

        Raises PharosError: MISSING, DENIED.
        """
        user = await self._subject(actor, named)
        minted = mint_secret(self._chance)

        def write(unit: Writing) -> None:
            for purpose in (INVITE, PASSWORD):
                accounts.drop_links(unit, purpose, user.id)
            accounts.create_link(unit, NewLink(minted.hash, PASSWORD, unit.now_ms + _LINK_MS, user.id))

        await self._state.write(write, author_of(actor.who))
        return minted.text

    async def set_password(self, actor: Grant, named: str, password: Secret) -> User:
        """Set a user's password, and end their sessions. Raises PharosError: MISSING, DENIED, INVALID."""
        user = await self._subject(actor, named)
        check_password(password.reveal(), user.name)
        hashed = await self._passwords.hash(password.reveal())

        def write(unit: Writing) -> User:
            sessions.revoke_sessions(unit, user.id)
            return accounts.set_password_hash(unit, user.id, hashed)

        return await self._state.write(write, author_of(actor.who))

    async def sign_out_user(self, actor: Grant, named: str) -> int:
        """End all sessions of a user; return how many lived. Raises PharosError: MISSING, DENIED."""
        user = await self._subject(actor, named)
        return await self._state.write(
            lambda unit: sessions.revoke_sessions(unit, user.id), author_of(actor.who)
        )

    async def _subject(self, actor: Grant, named: str) -> User:
        """Return a user who may do nothing that the actor may not.

        Otherwise who may reset passwords could sign in as somebody who may do more. Raises PharosError:
        MISSING, DENIED.
        """
        await self._directory.refresh()
        user = self._directory.user(named)
        theirs = self._directory.grant_of_user(user.id)
        tenants = {*theirs.by_tenant, *actor.by_tenant}
        more = theirs.everywhere - actor.everywhere
        for tenant in tenants:
            more |= theirs.permissions(tenant) - actor.permissions(tenant)
        if more:
            raise PharosError(
                Kind.DENIED,
                f"{user.name} may do what {actor.who.name} may not: {', '.join(sorted(more)[:3])}",
                hint="an operator may change this user",
            )
        return user

    # -- who has which role --

    async def members(self, tenant: str | None) -> tuple[tuple[User, tuple[str, ...]], ...]:
        """Return who has which roles in a tenant, or everywhere (None), by name."""
        await self._directory.refresh()
        held: dict[str, list[str]] = {}
        for one in self._directory.members(tenant):
            held.setdefault(one.user_id, []).append(one.role)
        return tuple((user, tuple(held[user.id])) for user in self._directory.users() if user.id in held)

    async def set_roles(
        self, actor: Grant, named: str, tenant: str | None, wanted: Sequence[str]
    ) -> tuple[Membership, ...]:
        """Give a user these roles in a tenant, or everywhere (None), and take the others; return them.

        Raises PharosError: MISSING, INVALID for an unknown role, DENIED for one that the actor may not give
        or take.
        """
        await self._directory.refresh()
        user = self._directory.user(named)
        now = {one.role for one in self._directory.memberships(user.id) if one.tenant_id == tenant}
        given, taken = set(wanted) - now, now - set(wanted)
        for role in sorted(given | taken):
            # What no longer is a role may be taken by whoever may give any.
            if role in given or self._directory.role(role, tenant) is not None:
                self._require_may_give(actor, Held(role, tenant))

        def write(unit: Writing) -> tuple[Membership, ...]:
            for role in sorted(given):
                roles.grant(unit, user.id, tenant, role)
            for role in sorted(taken):
                roles.withdraw(unit, user.id, tenant, role)
            _require_operator(unit)
            return tuple(one for one in roles.memberships_of(unit, user.id) if one.tenant_id == tenant)

        return await self._state.write(write, author_of(actor.who))

    def _require_may_give(self, actor: Grant, held: Held) -> None:
        """Raise PharosError, INVALID or DENIED, unless the role is there and the actor has all of it."""
        role = self._directory.role(held.role, held.tenant)
        if role is None:
            known = ", ".join(ROLES)
            raise PharosError(
                Kind.INVALID,
                f"there is no role {held.role[:80]!r}",
                hint=f"one of {known}, or one of your own",
            )
        if held.tenant is not None:
            check_tenant(held.tenant)
            wanted, has = role.permissions - OF_THE_WHOLE, actor.permissions(held.tenant)
        else:
            wanted, has = role.permissions, actor.everywhere
        if not wanted <= has:
            where = "everywhere" if held.tenant is None else f"in the tenant {held.tenant}"
            raise PharosError(
                Kind.DENIED,
                f"{actor.who.name} may not give or take the role {role.name} {where}:"
                f" it allows {min(wanted - has)}",
                hint="nobody gives what they do not have",
            )

    # -- roles that people make --

    async def made_roles(self, tenant: str | None) -> tuple[roles.Role, ...]:
        """Return the roles that people made and that can be given in a tenant, or any (None)."""
        return await self._state.read(lambda unit: roles.list_roles(unit, tenant))

    async def make_role(self, actor: Grant, role: Role, tenant: str | None) -> roles.Role:
        """Add a role to a tenant, or to all (None). Raises PharosError: INVALID, MISSING."""
        check_role(role)
        return await self._state.write(
            lambda unit: roles.create_role(unit, tenant, role.name, tuple(role.permissions), role.summary),
            author_of(actor.who),
        )

    async def change_role(
        self, actor: Grant, role_id: str, permissions: Iterable[str] | None, summary: str | None
    ) -> roles.Role:
        """Change what a role allows, for all who have it. Raises PharosError: MISSING, INVALID."""
        given = None if permissions is None else tuple(permissions)
        unknown = sorted(set(given or ()) - set(PERMISSIONS))
        if unknown:
            raise PharosError(Kind.INVALID, f"there is no permission {unknown[0][:80]!r}")
        return await self._state.write(
            lambda unit: roles.change_role(unit, role_id, permissions=given, description=summary),
            author_of(actor.who),
        )

    async def drop_role(self, actor: Grant, role_id: str) -> None:
        """Take a role away. Raises PharosError: MISSING, INVALID when somebody has it."""
        await self._state.write(lambda unit: roles.delete_role(unit, role_id), author_of(actor.who))

    # -- tokens --

    async def tokens(self, *, owner: str | None = None, tenant: str | None = None) -> tuple[Token, ...]:
        """Return the tokens of a user, or those that belong to nobody of a tenant or of the whole (None)."""
        if owner is not None:
            return await self._state.read(lambda unit: tokens.list_tokens(unit, owner_id=owner))
        found = await self._state.read(lambda unit: tokens.list_tokens(unit, tenant_id=tenant))
        return tuple(one for one in found if one.owner_id is None and one.tenant_id == tenant)

    async def make_token(self, actor: Grant, wanted: WantedToken) -> MadeToken:
        """Make a token. Raises PharosError: INVALID, DENIED for what the actor may not do, MISSING."""
        await self._directory.refresh()
        if not self._directory.has_users:
            raise PharosError(
                Kind.INVALID,
                "without users everybody may do everything, and no token is asked for",
                hint=_USERS_BEFORE_TOKENS,
            )
        unknown = sorted(set(wanted.permissions or ()) - set(PERMISSIONS))
        if unknown:
            raise PharosError(Kind.INVALID, f"there is no permission {unknown[0][:80]!r}")
        if not wanted.is_own and not wanted.roles:
            raise PharosError(
                Kind.INVALID, "the token has no role", hint="writer is for senders, viewer for readers"
            )
        for role in wanted.roles:
            self._require_may_give(actor, Held(role, wanted.tenant))
        owner = require_user(actor) if wanted.is_own else None
        minted = mint_token(self._chance)

        def write(unit: Writing) -> Token:
            expires_ms = None if wanted.lasts_ms is None else unit.now_ms + wanted.lasts_ms
            new = NewToken(
                wanted.name,
                minted.prefix,
                minted.hash,
                owner,
                wanted.tenant,
                wanted.roles,
                wanted.permissions,
                expires_ms,
            )
            return tokens.create_token(unit, new)

        return MadeToken(await self._state.write(write, author_of(actor.who)), minted.text)

    async def rotate_token(self, actor: Grant, token_id: str, grace_ms: int) -> MadeToken:
        """Make a token in the place of one that goes on for `grace_ms`.

        Raises PharosError: MISSING, INVALID.
        """
        if not 0 <= grace_ms <= _GRACE_MOST_MS:
            raise PharosError(Kind.INVALID, "the old token may go on for 30 days at most")
        minted: Minted = mint_token(self._chance)

        def write(unit: Writing) -> Token:
            self._require_own(unit, actor, token_id)
            return tokens.rotate_token(unit, token_id, minted.prefix, minted.hash, grace_ms=grace_ms)

        return MadeToken(await self._state.write(write, author_of(actor.who)), minted.text)

    async def revoke_token(self, actor: Grant, token_id: str) -> Token:
        """End a token for good. Raises PharosError(MISSING)."""

        def write(unit: Writing) -> Token:
            self._require_own(unit, actor, token_id)
            return tokens.revoke_token(unit, token_id)

        return await self._state.write(write, author_of(actor.who))

    def _require_own(self, unit: Unit, actor: Grant, token_id: str) -> None:
        """Raise PharosError(MISSING) for a token that is not the actor's to change."""
        found = tokens.token(unit, token_id)
        if actor.who.id in {found.owner_id, found.id}:
            return
        has = actor.everywhere if found.tenant_id is None else actor.permissions(found.tenant_id)
        if "tokens.manage" not in has:
            raise PharosError(Kind.MISSING, f"there is no token {token_id!r}")

    # -- asking who may --

    async def decide(self, subject: Grant, tenant: str, permission: str) -> Decision:
        """Return whether somebody may do something in a tenant. Raises PharosError(INVALID)."""
        if permission not in PERMISSIONS:
            raise PharosError(
                Kind.INVALID, f"there is no permission {permission[:80]!r}", hint="GET /api/roles lists them"
            )
        check_tenant(tenant)
        name = subject.who.name
        if permission in subject.everywhere:
            return Decision(is_allowed=True, why=f"{name} has {permission} everywhere")
        if permission in subject.permissions(tenant):
            return Decision(is_allowed=True, why=f"{name} has {permission} in the tenant {tenant}")
        if not subject.reaches(tenant):
            return Decision(is_allowed=False, why=f"{name} has no role in the tenant {tenant}")
        return Decision(is_allowed=False, why=f"no role of {name} in the tenant {tenant} allows {permission}")

    async def grant_of(self, named: str) -> Grant:
        """Return what a user may do; nothing for one who is disabled. Raises PharosError(MISSING)."""
        await self._directory.refresh()
        user = self._directory.user(named)
        found = self._directory.grant_of_user(user.id)
        return found if user.disabled_ms is None else Grant(found.who)


def _require_operator(unit: Unit) -> None:
    """Raise PharosError(INVALID) when nobody would be left who may let others in."""
    held = roles.members_of(unit, None)
    if not any(
        one.role == "operator" and accounts.user(unit, one.user_id).disabled_ms is None for one in held
    ):
        raise PharosError(
            Kind.INVALID,
            "nobody would be left who runs this server",
            hint="make somebody else an operator first",
        )
