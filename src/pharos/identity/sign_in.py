"""Signing in and out: by password, by a link that works once, or by who an identity provider vouches for.

Whoever signs in gets a new session, whatever cookie they came with, and the old one ends: nobody can be given
a session to sign in with. A change of password ends all other sessions.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from random import Random
from typing import Final

from msgspec import Struct

from pharos.access import Grant, Identity, IdentityKind
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.identity.authenticator import SessionTimes
from pharos.identity.directory import Directory, identity_of
from pharos.identity.passwords import Passwords, check_password
from pharos.identity.throttle import Throttle
from pharos.identity.tokens import Minted, hash_of, mint_secret
from pharos.secret import Secret
from pharos.state import PHAROS, Author, State, Unit, Writing, accounts, audit, roles, sessions
from pharos.state.accounts import Link, NewLink, NewUser, User
from pharos.state.sessions import NewSession, Session
from pharos.state.tables import name_key
from pharos.telemetry import SIGN_INS

_LOG = logging.getLogger(__name__)

FIRST_USER: Final = "first-user"
INVITE: Final = "invite"
PASSWORD: Final = "password"  # noqa: S105 - what a link is for
_FIRST_MS: Final = 3_600_000
_AGENT_MAX: Final = 300


class Place(Struct, frozen=True):
    """Where somebody signs in from."""

    address: str
    user_agent: str
    session: str | None = None
    """The cookie that they came with."""


class SignedIn(Struct, frozen=True):
    """A new session; `secret` is for the cookie and nobody else."""

    user: User
    secret: Secret
    session: Session


def author_of(who: Identity, reason: str = "") -> Author:
    """Return somebody as the audit log names them."""
    return Author(f"{who.kind}:{who.id}", who.name, reason)


class SignIn:
    """Lets people in and out."""

    def __init__(
        self,
        state: State,
        directory: Directory,
        passwords: Passwords,
        throttle: Throttle,
        clock: Clock,
        chance: Random,
        times: SessionTimes,
    ) -> None:
        self._state = state
        self._directory = directory
        self._passwords = passwords
        self._throttle = throttle
        self._clock = clock
        self._chance = chance
        self._times = times

    # -- in --

    async def by_password(self, name: str, password: str, place: Place) -> SignedIn:
        """Let somebody in who knows the password.

        Raises PharosError: UNAUTHENTICATED, which does not tell whether there is such a user; LIMITED when
        attempts come too fast; UNAVAILABLE.
        """
        key = name_key(name.strip())
        self._begin(key, place)
        await self._directory.refresh()
        user = self._enabled(name)
        kept = None
        if user is not None:
            user_id = user.id
            kept = await self._state.read(lambda unit: accounts.password_hash(unit, user_id))
        checked = await self._passwords.check(kept, password)
        if user is None or not checked.is_right:
            SIGN_INS.labels("refused").inc()
            if user is not None:
                await self._note_refused(user, place)
            raise PharosError(
                Kind.UNAUTHENTICATED,
                "the name or the password is wrong",
                hint="`pharos user password` beside the server sets a new one",
            )
        self._throttle.succeed(key, place.address)

        def keep(unit: Writing) -> None:
            if checked.rehashed is not None:
                accounts.replace_password_hash(unit, user.id, checked.rehashed)

        return await self._enter(user, place, keep)

    def _begin(self, key: str, place: Place) -> None:
        try:
            self._throttle.begin(key, place.address)
        except PharosError:
            SIGN_INS.labels("throttled").inc()
            raise

    def _enabled(self, name: str) -> User | None:
        try:
            found = self._directory.user(name)
        except PharosError:
            return None
        # By id nobody signs in.
        is_named = name_key(found.name) == name_key(name.strip())
        return found if is_named and found.disabled_ms is None else None

    async def _note_refused(self, user: User, place: Place) -> None:
        """Write into the audit log that somebody tried; the throttle bounds how often."""
        event = audit.Event("session.refuse", f"user:{user.id}", after={"address": place.address})
        await self._state.write(lambda unit: audit.append(unit, event), PHAROS)

    async def of_user(self, user_id: str, place: Place) -> SignedIn:
        """Let in a user for whom somebody else vouched. Raises PharosError: MISSING, DENIED when disabled."""
        user = await self._state.read(lambda unit: accounts.user(unit, user_id))
        if user.disabled_ms is not None:
            SIGN_INS.labels("refused").inc()
            raise PharosError(Kind.DENIED, f"the user {user.name} is disabled", hint="ask an operator")
        return await self._enter(user, place, lambda _: None)

    async def _enter(self, user: User, place: Place, besides: Callable[[Writing], None]) -> SignedIn:
        minted = mint_secret(self._chance)

        def write(unit: Writing) -> Session:
            besides(unit)
            return self._begin_session(unit, user, minted, place)

        session = await self._state.write(write, author_of(identity_of(user)))
        SIGN_INS.labels("accepted").inc()
        return SignedIn(user, minted.text, session)

    def _begin_session(self, unit: Writing, user: User, minted: Minted, place: Place) -> Session:
        if place.session is not None:
            _end(unit, place.session)
        expires_ms = unit.now_ms + min(self._times.idle_ms, self._times.longest_ms)
        agent = "".join(one for one in place.user_agent if one.isprintable())[:_AGENT_MAX]
        return sessions.create_session(
            unit, NewSession(minted.hash, user.id, expires_ms, agent, place.address)
        )

    # -- links --

    async def first_link(self) -> Secret:
        """Return the secret of a link by which the first user comes in; the ones before it end."""
        minted = mint_secret(self._chance)

        def write(unit: Writing) -> None:
            accounts.drop_links(unit, FIRST_USER)
            accounts.create_link(unit, NewLink(minted.hash, FIRST_USER, unit.now_ms + _FIRST_MS))

        await self._state.write(write, PHAROS)
        return minted.text

    async def of_link(self, code: str, place: Place) -> User | None:
        """Return whose a link is, before it is used; None for the first user's.

        Raises PharosError: MISSING when it does not work, DENIED when it opens nothing any more, LIMITED.
        """
        self._begin("", place)
        user = await self._state.read(lambda unit: _whose(unit, accounts.find_link(unit, hash_of(code))))
        self._throttle.succeed("", place.address)
        return user

    async def by_link(self, code: str, name: str, password: str, place: Place) -> SignedIn:
        """Let somebody in who was given a link, with the password that they choose; it works once.

        By the first user's link a user of that name is made who may do everything. Raises PharosError:
        INVALID for the password or name, MISSING when the link does not work, LIMITED.
        """
        self._begin("", place)
        check_password(password, name)
        hashed = await self._passwords.hash(password)
        minted = mint_secret(self._chance)

        def write(unit: Writing) -> tuple[User, Session]:
            link, user = _used(unit, hash_of(code), name)
            if user is None:
                user = accounts.create_user(unit, NewUser(name, password_hash=hashed))
                roles.grant(unit, user.id, None, "operator")
            else:
                accounts.set_password_hash(unit, user.id, hashed)
                sessions.revoke_sessions(unit, user.id)
            accounts.drop_links(unit, link.purpose, link.user_id)
            return user, self._begin_session(unit, user, minted, place)

        try:
            user, session = await self._state.write(write, Author("link", "a link that works once"))
        except PharosError as exc:
            if exc.kind in {Kind.MISSING, Kind.DENIED}:
                SIGN_INS.labels("refused").inc()
            raise
        self._throttle.succeed("", place.address)
        SIGN_INS.labels("accepted").inc()
        return SignedIn(user, minted.text, session)

    # -- what one does with one's own --

    async def change_password(self, user_id: str, current: str, new: str, place: Place) -> SignedIn:
        """Set a new password, end all other sessions, and go on with this one under another cookie.

        Raises PharosError: UNAUTHENTICATED when the current one is wrong, INVALID for the new one, LIMITED.
        """
        user = await self._state.read(lambda unit: accounts.user(unit, user_id))
        key = name_key(user.name)
        self._begin(key, place)
        kept = await self._state.read(lambda unit: accounts.password_hash(unit, user_id))
        if kept is not None and not (await self._passwords.check(kept, current)).is_right:
            raise PharosError(Kind.INVALID, "the current password is wrong")
        self._throttle.succeed(key, place.address)
        check_password(new, user.name)
        if kept is not None and current == new:
            raise PharosError(Kind.INVALID, "the new password is the current one")
        hashed = await self._passwords.hash(new)
        minted = mint_secret(self._chance)

        def write(unit: Writing) -> Session:
            accounts.set_password_hash(unit, user_id, hashed)
            sessions.revoke_sessions(unit, user_id)
            return self._begin_session(unit, user, minted, place)

        session = await self._state.write(write, author_of(identity_of(user)))
        return SignedIn(user, minted.text, session)

    async def leave(self, secret: str) -> None:
        """End the session of a cookie; nothing happens when it has ended."""
        await self._state.write(lambda unit: _end(unit, secret), await self._author_of_session(secret))

    async def leave_everywhere(self, found: Grant, *, but: str = "") -> int:
        """End all sessions of a user, except the one of the id `but`; return how many lived."""
        user_id = require_user(found)
        return await self._state.write(
            lambda unit: sessions.revoke_sessions(unit, user_id, but=but), author_of(found.who)
        )

    async def sessions(self, found: Grant) -> tuple[Session, ...]:
        """Return the sessions of a user that live."""
        user_id = require_user(found)
        return await self._state.read(lambda unit: sessions.list_sessions(unit, user_id))

    async def revoke(self, found: Grant, session_id: str) -> None:
        """End one of a user's own sessions. Raises PharosError(MISSING)."""
        user_id = require_user(found)

        def write(unit: Writing) -> None:
            if sessions.session(unit, session_id).user_id != user_id:
                raise PharosError(Kind.MISSING, f"there is no session {session_id!r}")
            sessions.revoke_session(unit, session_id)

        await self._state.write(write, author_of(found.who))

    async def _author_of_session(self, secret: str) -> Author:
        await self._directory.refresh()
        found = self._directory.session(hash_of(secret))
        return PHAROS if found is None else author_of(self._directory.grant_of_user(found.user_id).who)


def require_user(found: Grant) -> str:
    """Return the id of a user. Raises PharosError(INVALID) for whom is none."""
    if found.who.kind is not IdentityKind.USER:
        raise PharosError(
            Kind.INVALID,
            f"{found.who.name} is no user",
            hint="only who signed in has sessions and a password",
        )
    return found.who.id


def _end(unit: Writing, secret: str) -> None:
    try:
        found = sessions.session_of_hash(unit, hash_of(secret))
    except PharosError:
        return
    sessions.revoke_session(unit, found.id)


def _used(unit: Writing, hashed: str, name: str) -> tuple[Link, User | None]:
    """Return a link that was used with this, and whose it is; None for the first user's."""
    link = accounts.use_link(unit, hashed)
    user = _whose(unit, link)
    if user is None and not name.strip():
        raise PharosError(Kind.INVALID, "the first user needs a name")
    return link, user


def _whose(unit: Unit, link: Link) -> User | None:
    """Return whose a link is; None for the first user's. Raises PharosError(DENIED) when it has no use."""
    if link.user_id is None:
        if accounts.count_users(unit):
            raise PharosError(
                Kind.DENIED, "the first user has come already", hint="ask an operator for a link"
            )
        return None
    user = accounts.user(unit, link.user_id)
    if user.disabled_ms is not None:
        raise PharosError(Kind.DENIED, f"the user {user.name} is disabled", hint="ask an operator")
    return user
