"""What people's state says of accounts, in memory: asked at every request, read again when it has changed.

A change is noted before whoever made it is answered, by another process within a second, and no request is
answered by what was noted to be old. What is not known at all may be what another process has just made: the
database is asked once more before it is refused. While the database is away, what was read last goes on to
hold, so that neither writes nor queries stop.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from pharos.access import (
    NOBODY,
    ROLES,
    Grant,
    HeldRole,
    Identity,
    IdentityKind,
    Role,
    RoleSource,
    grant,
    restrict,
)
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.identity.claims import Rule
from pharos.state import Family, State, Unit, accounts, roles, sessions, tokens
from pharos.state.accounts import User
from pharos.state.roles import Membership
from pharos.state.sessions import Session
from pharos.state.tokens import Token

_LOG = logging.getLogger(__name__)

_WATCHED: Final = frozenset({Family.USERS, Family.TOKENS, Family.SESSIONS, Family.ROLES})
_PAGE: Final = 1000
_AGAIN_S: Final = 0.5
"""So often a database that is away is asked again."""
_CATCH_UP_S: Final = 0.1
"""So often it is asked for what others changed: a flood of what is unknown costs no more than that."""


class Vouching(Struct, frozen=True):
    """An identity provider, as its rules give roles."""

    label: str
    rules: tuple[Rule, ...]


class _Read(Struct, frozen=True):
    """What was read of the state."""

    users: Mapping[str, User] = field(default_factory=dict)
    issuers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Of each user who signs in at identity providers, which."""
    tokens: Mapping[str, Token] = field(default_factory=dict)
    sessions: Mapping[str, Session] = field(default_factory=dict)
    memberships: Mapping[str, tuple[Membership, ...]] = field(default_factory=dict)
    roles: Mapping[tuple[str | None, str], Role] = field(default_factory=dict)
    """Those that people made, by tenant (None: of all) and name."""


class Directory:
    """Users, tokens, sessions and roles; used on the event loop only."""

    def __init__(self, state: State, clock: Clock, vouching: Mapping[str, Vouching] | None = None) -> None:
        """`vouching` has the identity providers by their issuer."""
        self._state = state
        self._clock = clock
        self._vouching = vouching or {}
        self._lock = threading.Lock()
        self._stale: set[Family] = set(_WATCHED)
        self._reading = asyncio.Lock()
        self._again_s = float("-inf")
        self._catching_up = asyncio.Lock()
        self._begun = self._caught_up = 0
        """Which look for what others changed was begun last, and which succeeded last."""
        self._caught_up_s = float("-inf")
        self._read = _Read()
        self._is_read = False
        self.version = 0
        """How often anything was read anew."""
        self._grants: dict[str, Grant] = {}
        self._unwatch = state.watch(self._note)

    def close(self) -> None:
        """Watch no longer."""
        self._unwatch()

    def _note(self, families: frozenset[Family]) -> None:
        """Note what changed; called on a thread of the state's."""
        with self._lock:
            self._stale |= families & _WATCHED

    @property
    def is_fresh(self) -> bool:
        """Return whether nothing is known to have changed since it was read."""
        return not self._stale

    async def refresh(self) -> None:
        """Read what has changed.

        Raises PharosError(UNAVAILABLE) when the database is away and was never read.
        """
        async with self._reading:
            now_s = self._clock.monotonic_s()
            with self._lock:
                stale = frozenset(self._stale)
                if not stale or (self._is_read and now_s < self._again_s):
                    return
                self._stale.clear()
            try:
                read = await self._state.read(lambda unit: _read(unit, self._read, stale))
            except PharosError as exc:
                self._note(stale)
                self._again_s = now_s + _AGAIN_S
                if not self._is_read or exc.kind is not Kind.UNAVAILABLE:
                    raise
                return
            except BaseException:
                self._note(stale)
                raise
            self._read, self._is_read = read, True
            self.version += 1
            self._grants.clear()

    @property
    def is_shared(self) -> bool:
        """Whether other processes make users, tokens and sessions too."""
        return self._state.is_shared

    async def catch_up(self) -> None:
        """Read what other processes changed before this call; all who wait share one look.

        Raises PharosError(UNAVAILABLE) when the database is away.
        """
        begun = self._begun
        async with self._catching_up:
            if self._caught_up > begun:
                return
            await asyncio.sleep(self._caught_up_s + _CATCH_UP_S - self._clock.monotonic_s())
            self._begun += 1
            await self._state.catch_up()
            self._caught_up, self._caught_up_s = self._begun, self._clock.monotonic_s()
        await self.refresh()

    # -- asked at every request --

    @property
    def has_users(self) -> bool:
        """Return whether there is any user, a disabled one too."""
        return bool(self._read.users)

    def token(self, hashed: str) -> Token | None:
        """Return the token of a hash if it opens anything now."""
        found = self._read.tokens.get(hashed)
        if found is None or not found.is_live(self._clock.now_ms()):
            return None
        return found if found.owner_id is None or self._is_enabled(found.owner_id) else None

    def session(self, hashed: str) -> Session | None:
        """Return the session of a hash if it lives; how long nobody used it is not looked at."""
        found = self._read.sessions.get(hashed)
        if found is None or found.revoked_ms is not None or not self._is_enabled(found.user_id):
            return None
        return found

    def _is_enabled(self, user_id: str) -> bool:
        found = self._read.users.get(user_id)
        return found is not None and found.disabled_ms is None

    def grant_of_user(self, user_id: str) -> Grant:
        """Return what a user may do."""
        found = self._grants.get(user_id)
        if found is None:
            who = identity_of(self._read.users[user_id])
            held = self._read.memberships.get(user_id, ())
            found = self.grant_of_roles(who, map(self._as_held, held))
            self._grants[user_id] = found
        return found

    def grant_of_token(self, token: Token) -> Grant:
        """Return what a token may do: what its roles allow, within what its owner may, if it has one."""
        found = self._grants.get(token.id)
        if found is not None:
            return found
        owner = self._read.users.get(token.owner_id or "")
        who = Identity(IdentityKind.TOKEN, token.id, token.name, "" if owner is None else owner.name)
        held = self.grant_of_roles(
            who, (HeldRole(role, token.tenant_id, RoleSource.TOKEN) for role in token.roles)
        )
        if token.owner_id is None:
            found = held
        else:
            found = replace(self.grant_of_user(token.owner_id), who=who)
            if token.roles:
                found = restrict(found, held.everywhere | held.permissions(token.tenant_id or ""))
                found = replace(found, roles=held.roles)
        if token.tenant_id is not None:
            found = Grant(
                who,
                by_tenant={token.tenant_id: found.permissions(token.tenant_id)}
                if found.reaches(token.tenant_id)
                else {},
                roles=tuple(one for one in found.roles if one.tenant in {None, token.tenant_id}),
            )
        if token.permissions is not None:
            found = restrict(found, frozenset(token.permissions))
        self._grants[token.id] = found
        return found

    def grant_of_author(self, who: str) -> Grant | None:
        """Return what somebody may do by now whom a record names as `user:ID` or `token:ID`.

        That is nothing for who is gone, disabled or revoked; None for those of whom nothing is kept here.
        """
        kind, _, known = who.partition(":")
        if kind == IdentityKind.USER:
            return self.grant_of_user(known) if self._is_enabled(known) else Grant(NOBODY)
        if kind == IdentityKind.TOKEN:
            hashed = next((key for key, one in self._read.tokens.items() if one.id == known), "")
            token = self.token(hashed)
            return Grant(NOBODY) if token is None else self.grant_of_token(token)
        return None

    def grant_of_roles(self, who: Identity, held: Iterable[HeldRole]) -> Grant:
        """Return what somebody may do who has these roles; one that is not there any more allows nothing."""
        looked_up = [(one, self.role(one.name, one.tenant)) for one in held]
        known = [(one, role) for one, role in looked_up if role is not None]
        return grant(who, [(one.tenant, role) for one, role in known], tuple(one for one, _ in known))

    def _as_held(self, one: Membership) -> HeldRole:
        """Return a user's role with where it comes from: what a provider's rules may give is theirs."""
        for issuer in self._read.issuers.get(one.user_id, ()):
            provider = self._vouching.get(issuer)
            rules = () if provider is None else provider.rules
            reasons = [rule.reason for rule in rules if rule.gives(one.tenant_id, one.role)]
            if provider is not None and reasons:
                detail = f"{provider.label}: {' or '.join(reasons)}"
                return HeldRole(one.role, one.tenant_id, RoleSource.PROVIDER, detail)
        return HeldRole(one.role, one.tenant_id, RoleSource.USER)

    def role(self, name: str, tenant: str | None) -> Role | None:
        """Return the role that a name means in a tenant, or everywhere (None); None if there is none."""
        found = ROLES.get(name) or self._read.roles.get((None, name))
        return found or self._read.roles.get((tenant, name))

    # -- asked by those who change accounts --

    def users(self) -> tuple[User, ...]:
        """Return all users by name."""
        return tuple(sorted(self._read.users.values(), key=lambda one: one.name.casefold()))

    def user(self, named: str) -> User:
        """Return the user of an id or a name. Raises PharosError(MISSING)."""
        found = self._read.users.get(named)
        if found is None:
            key = named.strip().casefold()
            found = next((one for one in self._read.users.values() if one.name.casefold() == key), None)
        if found is None:
            raise PharosError(Kind.MISSING, f"there is no user {named[:100]!r}")
        return found

    def memberships(self, user_id: str) -> tuple[Membership, ...]:
        """Return the roles of a user."""
        return self._read.memberships.get(user_id, ())

    def members(self, tenant: str | None) -> tuple[Membership, ...]:
        """Return who has which role in a tenant, or everywhere (None)."""
        every = (one for held in self._read.memberships.values() for one in held)
        return tuple(one for one in every if one.tenant_id == tenant)


def identity_of(user: User) -> Identity:
    """Return a user as who asks."""
    return Identity(IdentityKind.USER, user.id, user.name)


def _read(unit: Unit, before: _Read, stale: frozenset[Family]) -> _Read:
    read = before
    if Family.USERS in stale:
        read = replace(
            read, users={one.id: one for one in _all_users(unit)}, issuers=accounts.issuers_by_user(unit)
        )
    if Family.TOKENS in stale:
        read = replace(read, tokens=tokens.live_tokens(unit))
    if Family.SESSIONS in stale:
        read = replace(read, sessions=sessions.live_sessions(unit))
    if Family.ROLES in stale:
        held: dict[str, tuple[Membership, ...]] = {}
        for one in roles.all_memberships(unit):
            held[one.user_id] = (*held.get(one.user_id, ()), one)
        made = {
            (one.tenant_id, one.name): Role(one.name, frozenset(one.permissions), one.description)
            for one in roles.list_roles(unit)
        }
        read = replace(read, memberships=held, roles=made)
    return read


def _all_users(unit: Unit) -> Iterable[User]:
    after = ""
    while True:
        page = accounts.list_users(unit, after=after, limit=_PAGE)
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1].name
