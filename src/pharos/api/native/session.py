"""Signing in and out, and what one sees and changes of oneself: `/api/sign_in`, `/api/links`, `/api/me`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from pydantic import Field, SecretStr
from starlette.requests import Request

from pharos.access import ANY_IDENTITY, Grant, IdentityKind
from pharos.api.http.credentials import COOKIE, SECURE_COOKIE, csrf_token, session_cookie
from pharos.api.http.identity import grant_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Answer, Body, Native
from pharos.api.native.shapes import (
    CountShape,
    IdentityShape,
    LinkOwner,
    Me,
    ProviderShape,
    SessionShape,
    WaysIn,
    access_shapes,
    role_shapes,
    session_shape,
)
from pharos.errors import PharosError
from pharos.identity.authenticator import Authenticator, Openness, SessionTimes
from pharos.identity.sign_in import Place, SignedIn, SignIn, require_user

_NAME: Final = Field(min_length=1, max_length=200)
_PASSWORD: Final = Field(max_length=1000)


class Credentials(Body):
    """A name and a password."""

    name: str = _NAME
    password: SecretStr = _PASSWORD


class LinkCode(Body):
    """A link's code."""

    code: SecretStr = Field(max_length=100)


class LinkUse(Body):
    """A link's code, and the password that is chosen; the first user chooses a name too."""

    code: SecretStr = Field(max_length=100)
    password: SecretStr = _PASSWORD
    name: str = Field(default="", max_length=200)


class PasswordChange(Body):
    """The password as it is, and as it shall be."""

    current: SecretStr = _PASSWORD
    new: SecretStr = _PASSWORD


class Leaving(Body):
    """Where to sign out."""

    everywhere: bool = False


class CookieOptions(Struct, frozen=True):
    """How the cookie of a session is set: `is_secure` where people reach us over TLS through a proxy."""

    times: SessionTimes
    is_secure: bool = False


class SessionApi(Struct, frozen=True):
    """Signing in and out."""

    native: Native
    sign_in_door: SignIn
    authenticator: Authenticator
    cookies: CookieOptions
    providers: tuple[ProviderShape, ...] = ()

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make = self.native.operation
        yield make("GET /api/sign_in", None, self.ways_in, WaysIn)
        yield make("POST /api/sign_in", None, self.sign_in, Me, Credentials)
        yield make("POST /api/links/whose", None, self.whose_link, LinkOwner, LinkCode)
        yield make("POST /api/links/use", None, self.use_link, Me, LinkUse)
        yield make("POST /api/sign_out", ANY_IDENTITY, self.sign_out, CountShape, Leaving)
        yield make("GET /api/me", ANY_IDENTITY, self.me, Me)
        yield make("POST /api/me/password", ANY_IDENTITY, self.change_password, Me, PasswordChange)
        yield make("GET /api/me/sessions", ANY_IDENTITY, self.sessions, list[SessionShape])
        yield make("DELETE /api/me/sessions/{session}", ANY_IDENTITY, self.revoke_session, CountShape)

    async def ways_in(self, request: Request) -> WaysIn:  # noqa: ARG002
        """Return how one can sign in, and whether one must."""
        openness = await self._openness()
        return WaysIn(
            openness=openness, has_password=openness is Openness.CLOSED, providers=list(self.providers)
        )

    async def sign_in(self, request: Request, body: Credentials) -> Answer:
        """Sign in by name and password; the answer sets the cookie of a new session."""
        password = body.password.get_secret_value()
        found = await self.sign_in_door.by_password(body.name, password, place_of(request))
        return await self._entered(request, found)

    async def whose_link(self, request: Request, body: LinkCode) -> LinkOwner:
        """Return who comes in by a link that works once; it is not used by that."""
        user = await self.sign_in_door.of_link(body.code.get_secret_value(), place_of(request))
        return LinkOwner(name=None if user is None else user.name)

    async def use_link(self, request: Request, body: LinkUse) -> Answer:
        """Choose a password by a link that works once, and sign in."""
        found = await self.sign_in_door.by_link(
            body.code.get_secret_value(), body.name, body.password.get_secret_value(), place_of(request)
        )
        return await self._entered(request, found)

    async def sign_out(self, request: Request, body: Leaving) -> Answer:
        """End this session, or all of one's own; the answer takes the cookie away."""
        count = 0
        secret = session_cookie(request.scope)
        if body.everywhere:
            count = await self.sign_in_door.leave_everywhere(grant_of(request))
        elif secret is not None:
            await self.sign_in_door.leave(secret)
            count = 1
        return Answer(CountShape(count=count), self._cookie(request, "", 0))

    async def me(self, request: Request) -> Me:
        """Return who asks, and what they may do."""
        return self._me(grant_of(request), session_cookie(request.scope))

    async def change_password(self, request: Request, body: PasswordChange) -> Answer:
        """Change one's own password: all other sessions end, and this one gets another cookie."""
        found = await self.sign_in_door.change_password(
            require_user(grant_of(request)),
            body.current.get_secret_value(),
            body.new.get_secret_value(),
            place_of(request),
        )
        return await self._entered(request, found)

    async def sessions(self, request: Request) -> list[dict[str, object]]:
        """Return one's own sessions, the one that was seen last first."""
        found = await self.sign_in_door.sessions(grant_of(request))
        current = self._current(request)
        return [session_shape(one, current).model_dump() for one in found]

    async def revoke_session(self, request: Request) -> CountShape:
        """End one of one's own sessions."""
        await self.sign_in_door.revoke(grant_of(request), request.path_params["session"])
        return CountShape(count=1)

    def _current(self, request: Request) -> str | None:
        secret = session_cookie(request.scope)
        try:
            return None if secret is None else self.authenticator.session(secret).id
        except PharosError:
            return None

    async def _openness(self) -> Openness:
        await self.authenticator.refresh()
        return self.authenticator.openness

    async def _entered(self, request: Request, found: SignedIn) -> Answer:
        """Return the answer that lets a browser in."""
        await self.authenticator.refresh()
        secret = found.secret.reveal()
        held = self.authenticator.grant_of_session(secret)
        longest_s = self.cookies.times.longest_ms // 1000
        return Answer(self._me(held, secret), self._cookie(request, secret, longest_s))

    def _me(self, found: Grant, session: str | None) -> Me:
        who = found.who
        try:
            default = found.tenant()
        except PharosError:
            default = None
        return Me(
            identity=IdentityShape(kind=who.kind, id=who.id, name=who.name),
            openness=self.authenticator.openness,
            everywhere=sorted(found.everywhere),
            tenants=access_shapes(found),
            roles=role_shapes(found),
            default_tenant=default,
            csrf_token=csrf_token(session) if session and who.kind is IdentityKind.USER else None,
        )

    def _cookie(self, request: Request, value: str, age_s: int) -> tuple[tuple[str, str], ...]:
        return (("Set-Cookie", cookie_of(request, value, age_s, is_secure=self.cookies.is_secure)),)


def cookie_of(request: Request, value: str, age_s: int, *, is_secure: bool) -> str:
    """Return the header that sets the cookie of a session, or takes it away with an age of 0."""
    secure = is_secure or request.url.scheme == "https"
    name = SECURE_COOKIE if secure else COOKIE
    parts = [f"{name}={value}", "Path=/", f"Max-Age={age_s}", "HttpOnly", "SameSite=Strict"]
    return "; ".join([*parts, "Secure"] if secure else parts)


def place_of(request: Request) -> Place:
    """Return where a request comes from."""
    address = request.client.host if request.client is not None else ""
    return Place(address, request.headers.get("user-agent", ""), session_cookie(request.scope))
