"""Where a browser goes to sign in at an identity provider, and where it comes back from there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from pharos.api.http.errors import native_error
from pharos.api.http.routes import Operation
from pharos.api.native.session import cookie_of, place_of
from pharos.api.native.shapes import ProviderShape
from pharos.errors import Kind, PharosError
from pharos.identity.oidc import PENDING_S, Provider, read_pending
from pharos.identity.sign_in import SignIn
from pharos.identity.vouched import user_of_claims
from pharos.state import State

_COOKIE: Final = "pharos_sso"
_REDIRECT: Final = 303
_SIGN_IN_PAGE: Final = "/sign-in"
_PATH: Final = "/api/sso/"


class SsoApi(Struct, frozen=True):
    """Single sign-on; `url` is how people reach us, where the settings say so."""

    providers: Mapping[str, Provider]
    state: State
    sign_in: SignIn
    longest_ms: int
    url: str = ""

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        for step, endpoint in (("start", self.start), ("callback", self.callback)):
            yield Operation(
                f"{_PATH}{{provider}}/{step}",
                "GET",
                endpoint,
                None,
                name=f"sso_{step}",
                tag="accounts",
                responses={
                    _REDIRECT: {"description": "To the provider, or back to a page."},
                    **{status: {"description": "It did not succeed."} for status in (401, 403, 404, 503)},
                },
                inputs={
                    "parameters": [
                        {"name": "provider", "in": "path", "required": True, "schema": {"type": "string"}}
                    ]
                },
            )

    def shapes(self) -> tuple[ProviderShape, ...]:
        """Return the providers as they are shown."""
        return tuple(
            ProviderShape(id=one.options.id, label=one.options.label, path=f"{_PATH}{one.options.id}/start")
            for one in self.providers.values()
        )

    async def start(self, request: Request) -> Response:
        """Send a browser to an identity provider; `then` names the page to come back to."""
        try:
            provider = self._provider(request)
            then = request.query_params.get("then", "/")
            target, pending = await provider.begin(self._callback(request, provider), then)
        except PharosError as exc:
            return _failed(request, exc)
        answer = _to(target)
        answer.headers.append("Set-Cookie", self._pending_cookie(request, pending.text(), PENDING_S))
        return answer

    async def callback(self, request: Request) -> Response:
        """Let a browser in that comes back from an identity provider."""
        try:
            provider = self._provider(request)
            pending = read_pending(request.cookies.get(self._cookie_name(request), ""), provider.options.id)
            claims = await provider.finish(
                pending, self._callback(request, provider), dict(request.query_params)
            )
            user_id = await user_of_claims(self.state, provider.issuer, provider.options.id, claims)
            found = await self.sign_in.of_user(user_id, place_of(request))
        except PharosError as exc:
            return _failed(request, exc)
        answer = _to(pending.then)
        longest_s = self.longest_ms // 1000
        secret = found.secret.reveal()
        cookie = cookie_of(request, secret, longest_s, is_secure=self._is_secure(request))
        answer.headers.append("Set-Cookie", cookie)
        answer.headers.append("Set-Cookie", self._pending_cookie(request, "", 0))
        return answer

    def _provider(self, request: Request) -> Provider:
        name = request.path_params["provider"]
        found = self.providers.get(name)
        if found is None:
            raise PharosError(Kind.MISSING, f"there is no identity provider {name[:40]!r}")
        return found

    def _callback(self, request: Request, provider: Provider) -> str:
        base = self.url.rstrip("/") or f"{request.url.scheme}://{request.url.netloc}"
        return f"{base}{_PATH}{provider.options.id}/callback"

    def _is_secure(self, request: Request) -> bool:
        return request.url.scheme == "https" or self.url.startswith("https://")

    def _cookie_name(self, request: Request) -> str:
        return f"__Host-{_COOKIE}" if self._is_secure(request) else _COOKIE

    def _pending_cookie(self, request: Request, value: str, age_s: int) -> str:
        # It must come along when the provider sends the browser back, which is another site.
        parts = [f"{self._cookie_name(request)}={value}", "Path=/", f"Max-Age={age_s}", "HttpOnly"]
        return "; ".join([*parts, "SameSite=Lax", *(["Secure"] if self._is_secure(request) else [])])


def _to(target: str) -> Response:
    return Response(status_code=_REDIRECT, headers={"Location": target, "Cache-Control": "no-store"})


def _failed(request: Request, error: PharosError) -> Response:
    """Return the answer to a browser that could not sign in: the page for it, which says why."""
    if "text/html" in request.headers.get("accept", ""):
        return _to(f"{_SIGN_IN_PAGE}#error={quote(str(error))}")
    return native_error(error)
