"""API tokens: a tenant's, which programs use, and one's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct
from pydantic import Field
from starlette.requests import Request

from pharos.access import ANY_IDENTITY, PERMISSIONS
from pharos.api.http.identity import grant_of, scope_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Body, Native
from pharos.api.native.shapes import NewTokenShape, TokenShape, token_shape
from pharos.errors import Kind, PharosError
from pharos.identity.accounts import Accounts, MadeToken, WantedToken
from pharos.identity.sign_in import require_user

_NAME: Final = Field(min_length=1, max_length=100)
_LASTS_MOST_S: Final = 10 * 366 * 86_400
_GRACE_S: Final = 86_400


class NewToken(Body):
    """A token to be: of the tenant that the request names, or of the whole server."""

    name: str = _NAME
    roles: tuple[str, ...] = Field(min_length=1, max_length=100)
    permissions: tuple[str, ...] | None = Field(default=None, max_length=len(PERMISSIONS))
    """All that it may do of what its roles allow."""
    lasts_s: int | None = Field(default=None, gt=0, le=_LASTS_MOST_S)
    everywhere: bool = False


class NewOwnToken(Body):
    """A token to be that may do what one may oneself, or less."""

    name: str = _NAME
    tenant: str | None = Field(default=None, max_length=150)
    """Where alone it may be used."""
    permissions: tuple[str, ...] | None = Field(default=None, max_length=len(PERMISSIONS))
    lasts_s: int | None = Field(default=None, gt=0, le=_LASTS_MOST_S)


class Rotation(Body):
    """How long the old token goes on beside the new one."""

    grace_s: int = Field(default=_GRACE_S, ge=0)


class TokensApi(Struct, frozen=True):
    """Tokens."""

    native: Native
    accounts: Accounts

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make = self.native.operation
        yield make("GET /api/tokens", "tokens.manage", self.tokens, list[TokenShape])
        yield make("POST /api/tokens", "tokens.manage", self.make_token, NewTokenShape, NewToken)
        yield make("GET /api/me/tokens", ANY_IDENTITY, self.own_tokens, list[TokenShape])
        yield make("POST /api/me/tokens", ANY_IDENTITY, self.make_own_token, NewTokenShape, NewOwnToken)
        yield make(
            "POST /api/tokens/{token}/rotate", ANY_IDENTITY, self.rotate_token, NewTokenShape, Rotation
        )
        yield make("DELETE /api/tokens/{token}", ANY_IDENTITY, self.revoke_token, TokenShape)

    async def tokens(self, request: Request) -> list[dict[str, Any]]:
        """Return the tokens of the tenant; with `everywhere` in the query those of the whole server."""
        tenant = _tenant(request, everywhere="everywhere" in request.query_params)
        return [token_shape(one).model_dump() for one in await self.accounts.tokens(tenant=tenant)]

    async def make_token(self, request: Request, body: NewToken) -> NewTokenShape:
        """Make a token; the answer shows it, and nothing ever does again."""
        wanted = WantedToken(
            body.name,
            _tenant(request, everywhere=body.everywhere),
            body.roles,
            body.permissions,
            None if body.lasts_s is None else body.lasts_s * 1000,
        )
        return _made(await self.accounts.make_token(grant_of(request), wanted))

    async def own_tokens(self, request: Request) -> list[dict[str, Any]]:
        """Return one's own tokens."""
        owner = require_user(grant_of(request))
        return [token_shape(one).model_dump() for one in await self.accounts.tokens(owner=owner)]

    async def make_own_token(self, request: Request, body: NewOwnToken) -> NewTokenShape:
        """Make a token of one's own; the answer shows it, and nothing ever does again."""
        wanted = WantedToken(
            body.name,
            body.tenant,
            (),
            body.permissions,
            None if body.lasts_s is None else body.lasts_s * 1000,
            is_own=True,
        )
        return _made(await self.accounts.make_token(grant_of(request), wanted))

    async def rotate_token(self, request: Request, body: Rotation) -> NewTokenShape:
        """Make a token in the place of one's own or a tenant's, which goes on for a while."""
        token = request.path_params["token"]
        return _made(await self.accounts.rotate_token(grant_of(request), token, body.grace_s * 1000))

    async def revoke_token(self, request: Request) -> TokenShape:
        """End a token of one's own or of a tenant for good."""
        return token_shape(await self.accounts.revoke_token(grant_of(request), request.path_params["token"]))


def _made(found: MadeToken) -> NewTokenShape:
    return NewTokenShape(token=token_shape(found.token), text=found.text.reveal())


def _tenant(request: Request, *, everywhere: bool) -> str | None:
    """Return whose tokens are meant. Raises PharosError(DENIED) for those of the whole server."""
    if not everywhere:
        return scope_of(request).tenant
    found = grant_of(request)
    if "tokens.manage" not in found.everywhere:
        raise PharosError(
            Kind.DENIED,
            f"{found.who.name} may not manage tokens of the whole server",
            hint="it needs the permission tokens.manage everywhere",
        )
    return None
