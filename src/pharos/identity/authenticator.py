"""Who a request comes from, by what it presents. What is known already is answered at once, from memory.

Nothing keeps a secret that was presented: what is looked up is its SHA-256.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

from pharos.access import OPEN, OWNING, Grant, HeldRole, Identity, IdentityKind, RoleSource
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.identity.claims import claim_values, roles_of
from pharos.identity.directory import Directory
from pharos.identity.issuers import Issuer, unverified_issuer
from pharos.identity.tokens import hash_of, is_ours, is_token
from pharos.secret import Secret
from pharos.state.sessions import Session
from pharos.state.tokens import Token

_VERIFIED_MAX: Final = 10_000
_VERIFIED_S: Final = 300.0
"""So long a token of an outside issuer is good without being looked at again."""


class Way(StrEnum):
    """How a secret is presented."""

    KEY = "key"
    """The key that lies in the data folder."""
    TOKEN = "token"  # noqa: S105 - a way, no token
    """Of ours, or of an outside issuer."""
    SESSION = "session"


class Presented(Struct, frozen=True):
    """A secret that came with a request."""

    way: Way
    secret: str


class Openness(StrEnum):
    """What is asked of those who present nothing."""

    OPEN = "open"
    """Nothing: there are no users, and only this machine reaches the server, or the settings allow it."""
    SETUP = "setup"
    """The first user is still to come, and everybody may reach the server."""
    CLOSED = "closed"
    """To say who they are."""


class SessionTimes(Struct, frozen=True):
    """How long a browser stays signed in."""

    idle_ms: int = 24 * 3_600_000
    longest_ms: int = 30 * 24 * 3_600_000


class Entry(Struct, frozen=True):
    """Who is let in without any account: `is_open_without_users` lets everybody do everything."""

    key: Secret
    is_open_without_users: bool
    anonymous: Callable[[], Grant | None] = lambda: None
    """What everybody may do who presents nothing, where there are users."""


class Authenticator:
    """Says who asks; used on the event loop only."""

    def __init__(
        self,
        directory: Directory,
        issuers: Sequence[Issuer],
        entry: Entry,
        clock: Clock,
        times: SessionTimes | None = None,
    ) -> None:
        self._directory = directory
        self._issuers = {issuer.options.issuer: issuer for issuer in issuers}
        self._entry = entry
        self._clock = clock
        self._times = times or SessionTimes()
        self._verified: OrderedDict[str, tuple[Identity, tuple[HeldRole, ...], float]] = OrderedDict()
        self._recent: dict[bytes, Token] = {}
        """Tokens that were presented, by the hash of how, as of one version of the directory."""
        self._recent_of = -1
        self.used_ms: dict[str, int] = {}
        """When tokens were last used, by id, since it was last kept."""
        self.seen_ms: dict[str, int] = {}
        """The same of sessions."""

    @property
    def openness(self) -> Openness:
        """Return what is asked of those who present nothing."""
        if self._directory.has_users or self._issuers:
            return Openness.CLOSED
        return Openness.OPEN if self._entry.is_open_without_users else Openness.SETUP

    def recognised(self, seen_as: bytes) -> Grant | None:
        """Return what a token of ours may do that was seen before; None where that must be looked up."""
        directory = self._directory
        if self._recent_of != directory.version or not directory.is_fresh:
            return None
        token = self._recent.get(seen_as)
        now_ms = self._clock.now_ms()
        if token is None or not token.is_live(now_ms):
            return None
        self.used_ms[token.id] = now_ms
        return directory.grant_of_token(token)

    def _remember(self, seen_as: bytes, token: Token) -> None:
        if self._recent_of != self._directory.version or len(self._recent) >= _VERIFIED_MAX:
            self._recent.clear()
            self._recent_of = self._directory.version
        self._recent[seen_as] = token

    def identify(self, presented: Presented | None, seen_as: bytes = b"") -> Grant | Awaitable[Grant]:
        """Return what who presents this may do, at once where it is known.

        `seen_as` is a hash of how a token was presented, by which `recognised` knows it from then on.

        Raises PharosError: UNAUTHENTICATED, or UNAVAILABLE when it cannot be found out now.
        """
        if not self._directory.is_fresh:
            return self._refreshed(presented, seen_as)
        return self._looked_up(presented, seen_as)

    async def _refreshed(self, presented: Presented | None, seen_as: bytes) -> Grant:
        await self._directory.refresh()
        found = self._looked_up(presented, seen_as)
        return found if isinstance(found, Grant) else await found

    def _looked_up(self, presented: Presented | None, seen_as: bytes) -> Grant | Awaitable[Grant]:
        if presented is None:
            return self._stranger()
        if presented.way is Way.KEY:
            return self._owner(presented.secret)
        if presented.way is Way.TOKEN and not is_ours(presented.secret):
            return self._of_issuer(presented.secret)
        if self.openness is Openness.OPEN:
            return OPEN
        found = self._known(presented, seen_as)
        return self._made_elsewhere(presented, seen_as) if found is None else found

    async def _made_elsewhere(self, presented: Presented, seen_as: bytes) -> Grant:
        """Return what a secret allows that is not known here: another server may have just made it."""
        may_be_ours = presented.way is Way.SESSION or is_token(presented.secret)
        if may_be_ours and self._directory.is_shared:
            await self._directory.catch_up()
            found = self._known(presented, seen_as)
            if found is not None:
                return found
        raise _unknown(presented)

    def _known(self, presented: Presented, seen_as: bytes) -> Grant | None:
        """Return what a session or a token of ours allows; None where it is not known."""
        if presented.way is Way.SESSION:
            session = self._session(presented.secret)
            return None if session is None else self._directory.grant_of_user(session.user_id)
        token = self._directory.token(hash_of(presented.secret))
        if token is None:
            return None
        self.used_ms[token.id] = self._clock.now_ms()
        if seen_as:
            self._remember(seen_as, token)
        return self._directory.grant_of_token(token)

    def _owner(self, secret: str) -> Grant:
        if not hmac.compare_digest(secret.encode(), self._entry.key.reveal().encode()):
            raise PharosError(
                Kind.UNAUTHENTICATED,
                "the header X-Pharos-Key does not carry this server's key",
                hint="it lies in the file admin-key of the data folder, and is another one after each start",
            )
        return OWNING

    def _stranger(self) -> Grant:
        openness = self.openness
        if openness is Openness.OPEN:
            return OPEN
        if openness is Openness.SETUP:
            raise PharosError(
                Kind.UNAUTHENTICATED,
                "there is no user yet",
                hint="open the link that `pharos up` printed, or run `pharos user add` beside the server",
            )
        found = self._entry.anonymous()
        if found is None:
            raise PharosError(
                Kind.UNAUTHENTICATED,
                "nobody is signed in",
                hint="sign in, or send a token in the header Authorization: Bearer pha_…",
            )
        return found

    async def refresh(self) -> None:
        """Read what has changed. Raises PharosError(UNAVAILABLE) when that cannot be and never was."""
        await self._directory.refresh()

    def grant_of_session(self, secret: str) -> Grant:
        """Return what who is signed in by a cookie may do. Raises PharosError(UNAUTHENTICATED)."""
        return self._directory.grant_of_user(self.session(secret).user_id)

    def session(self, secret: str) -> Session:
        """Return the session of a cookie and note that it was used. Raises PharosError(UNAUTHENTICATED)."""
        found = self._session(secret)
        if found is None:
            raise _unknown(Presented(Way.SESSION, secret))
        return found

    def _session(self, secret: str) -> Session | None:
        now_ms = self._clock.now_ms()
        found = self._directory.session(hash_of(secret))
        if found is None:
            return None
        seen_ms = max(found.seen_ms, self.seen_ms.get(found.id, 0))
        if now_ms >= min(seen_ms + self._times.idle_ms, found.created_ms + self._times.longest_ms):
            return None
        self.seen_ms[found.id] = now_ms
        return found

    async def _of_issuer(self, token: str) -> Grant:
        """Return what a token of an outside issuer allows."""
        if self.openness is Openness.OPEN:
            return OPEN
        hashed, now_s = hash_of(token), self._clock.monotonic_s()
        known = self._verified.get(hashed)
        if known is None or known[2] <= now_s:
            known = await self._verify(token, now_s)
            self._verified[hashed] = known
            while len(self._verified) > _VERIFIED_MAX:
                self._verified.popitem(last=False)
        who, held, _ = known
        return self._directory.grant_of_roles(who, held)

    async def _verify(self, token: str, now_s: float) -> tuple[Identity, tuple[HeldRole, ...], float]:
        issuer = self._issuers.get(unverified_issuer(token)) if self._issuers else None
        if issuer is None:
            raise PharosError(
                Kind.UNAUTHENTICATED, "the token is none of Pharos', nor of an issuer that the settings name"
            )
        claims = await issuer.verify(token)
        options = issuer.options
        name = next((text for one in options.name_claims for text in claim_values(claims, one)), "")
        who = Identity(IdentityKind.ISSUER, f"{options.issuer}|{claims['sub']}", name or str(claims["sub"]))
        left_s = claims["exp"] + options.leeway_s - self._clock.now_ms() / 1000
        held = tuple(
            HeldRole(role, tenant, RoleSource.ISSUER, f"{options.issuer}: {rule.reason}")
            for (tenant, role), rule in roles_of(claims, options.rules).items()
        )
        return who, held, now_s + min(left_s, _VERIFIED_S)


def _unknown(presented: Presented) -> PharosError:
    """Return why a session or a token lets nobody in."""
    if presented.way is Way.SESSION:
        return PharosError(Kind.UNAUTHENTICATED, "the session has ended", hint="sign in again")
    if not is_token(presented.secret):
        return PharosError(
            Kind.UNAUTHENTICATED,
            "what was sent is no whole token",
            hint="one has 62 letters, the last six a checksum",
        )
    return PharosError(
        Kind.UNAUTHENTICATED, "the token is unknown, revoked or expired", hint="ask for a new one"
    )
