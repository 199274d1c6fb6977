"""Single sign-on: OpenID Connect's authorization code flow, with PKCE, state and nonce.

What must come back with the browser (RFC 6749 10.12, RFC 7636, OpenID Connect Core 3.1.2) lies in a cookie of
its own for ten minutes, so that any process may answer. A code is exchanged over the direct connection to the
provider alone, and what it says of somebody is taken from a token that its key has signed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Any, Final
from urllib.parse import urlencode

import orjson
from msgspec import Struct

from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.identity.claims import Claims
from pharos.identity.issuers import Issuer
from pharos.identity.tokens import mint_secret
from pharos.secret import Secret

PENDING_S: Final = 600
_PENDING_MAX: Final = 2000

Exchange = Callable[[str, Mapping[str, str], tuple[str, Secret] | None], Awaitable[Any]]
"""Posts a form, with a client's id and secret where it has one, and returns the JSON that comes back.

Raises PharosError(UNAVAILABLE).
"""


class ProviderOptions(Struct, frozen=True):
    """One identity provider; its issuer, audience and rules are the `Issuer`'s."""

    id: str
    """As it stands in addresses."""
    label: str
    client_id: str
    secret: Callable[[], Secret | None]
    """Reads the client's secret; None for a public client."""
    scopes: tuple[str, ...] = ("openid", "profile", "email")


class Pending(Struct, frozen=True):
    """What is waited for while a browser is at the provider."""

    provider: str
    state: str
    nonce: str
    verifier: str
    then: str
    """The page to go to afterwards."""
    until_s: int

    def text(self) -> str:
        """Return it as a cookie holds it."""
        fields = [self.provider, self.state, self.nonce, self.verifier, self.then, self.until_s]
        return base64.urlsafe_b64encode(orjson.dumps(fields)).decode().rstrip("=")


def read_pending(text: str, provider: str) -> Pending:
    """Return what a cookie holds of a provider. Raises PharosError(UNAUTHENTICATED) for anything else."""
    try:
        fields = orjson.loads(base64.urlsafe_b64decode(text[:_PENDING_MAX] + "=" * (-len(text) % 4)))
        asked, state, nonce, verifier, then, until_s = fields
    except (ValueError, TypeError):
        fields, asked = None, ""
    if fields is None or asked != provider or not all(isinstance(one, str) for one in fields[:-1]):
        raise _failed("this browser did not begin to sign in there")
    return Pending(asked, state, nonce, verifier, own_page(then), until_s if isinstance(until_s, int) else 0)


def own_page(address: str) -> str:
    """Return an address if it is a page of ours, else our first page: nobody is sent anywhere else."""
    is_ours = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if is_ours and "\\" not in address and len(address) <= 1000 else "/"


class Provider:
    """One identity provider."""

    def __init__(
        self, options: ProviderOptions, issuer: Issuer, exchange: Exchange, clock: Clock, chance: Random
    ) -> None:
        self.options = options
        self.issuer = issuer
        self._exchange = exchange
        self._clock = clock
        self._chance = chance

    async def begin(self, callback: str, then: str) -> tuple[str, Pending]:
        """Return where to send the browser, and what is waited for. Raises PharosError(UNAVAILABLE)."""
        found = await self.issuer.discover()
        state, nonce, verifier = (mint_secret(self._chance).text.reveal() for _ in range(3))
        until_s = self._clock.now_ms() // 1000 + PENDING_S
        pending = Pending(self.options.id, state, nonce, verifier, own_page(then), until_s)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
        fields = {
            "response_type": "code",
            "client_id": self.options.client_id,
            "redirect_uri": callback,
            "scope": " ".join(self.options.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
        }
        endpoint = _endpoint(found, "authorization_endpoint")
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(fields)}", pending

    async def finish(self, pending: Pending, callback: str, came: Mapping[str, str]) -> Claims:
        """Return what the provider says of whom it sent back, with the query that they `came` with.

        Raises PharosError: UNAUTHENTICATED for whatever is not as it must be, UNAVAILABLE.
        """
        if self._clock.now_ms() // 1000 > pending.until_s:
            raise _failed("it took longer than ten minutes")
        if not hmac.compare_digest(came.get("state", "").encode(), pending.state.encode()):
            raise _failed("the state that came back is another one")
        if "error" in came:
            raise _failed(f"the identity provider says {came['error'][:80]!r}")
        if "iss" in came and came["iss"] != self.issuer.options.issuer:
            # RFC 9207: the answer of another provider.
            raise _failed("another issuer has answered")
        found = await self.issuer.discover()
        secret = self.options.secret()
        fields = {
            "grant_type": "authorization_code",
            "code": came.get("code", ""),
            "redirect_uri": callback,
            "client_id": self.options.client_id,
            "code_verifier": pending.verifier,
        }
        client = None if secret is None else (self.options.client_id, secret)
        answer = await self._exchange(_endpoint(found, "token_endpoint"), fields, client)
        token = answer.get("id_token") if isinstance(answer, Mapping) else None
        if not isinstance(token, str):
            raise _failed("the identity provider did not take the code")
        claims = await self.issuer.verify(token)
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), pending.nonce.encode()):
            raise _failed("the token was made for another sign-in")
        if (
            isinstance(claims["aud"], list)
            and claims.get("azp", self.options.client_id) != self.options.client_id
        ):
            raise _failed("the token was made for another client")
        return claims


def _endpoint(found: Mapping[str, Any], name: str) -> str:
    endpoint = found.get(name)
    if not isinstance(endpoint, str) or not endpoint.startswith(("https://", "http://")):
        raise PharosError(Kind.UNAVAILABLE, f"the identity provider's discovery document has no {name}")
    return endpoint


def _failed(why: str) -> PharosError:
    return PharosError(Kind.UNAUTHENTICATED, f"signing in did not succeed: {why}", hint="begin again")
