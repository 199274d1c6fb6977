"""Outside issuers of signed tokens (JWT, RFC 7519): their keys, and what a token of theirs says.

Only asymmetric signatures are taken, of the algorithms that the settings list, and a key only for algorithms
of its own kind: what is public about an issuer can sign nothing. Keys come from the issuer's JWKS, which is
read again when it is old, or when a token names a key that it does not have, but not more often than every
half minute, however many such tokens come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import orjson
from joserfc import jws, jwt
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from msgspec import Struct

from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.identity.claims import Claims, Rule

ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "Ed25519",
)
"""All that may be allowed. None of them works with a secret that both sides share."""
DEFAULT_ALGORITHMS: Final = ("RS256", "PS256", "ES256", "Ed25519")
_KEYS_KEPT_S: Final = 3600.0
_REFRESH_S: Final = 30.0
_RSA_BITS_MIN: Final = 2048
_TOKEN_MAX: Final = 16 << 10
_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "RS": (RSAKey,),
    "PS": (RSAKey,),
    "ES": (ECKey,),
    "Ed": (OKPKey,),
}

Fetch = Callable[[str], Awaitable[Any]]
"""Returns the JSON document at an address. Raises PharosError(UNAVAILABLE)."""


class IssuerOptions(Struct, frozen=True):
    """Whose tokens are taken, and how."""

    issuer: str
    audiences: tuple[str, ...]
    jwks_url: str = ""
    """Where its keys are; without one it is asked for at its discovery document."""
    algorithms: tuple[str, ...] = DEFAULT_ALGORITHMS
    leeway_s: int = 60
    lasts_most_s: int = 86_400
    """A token that is good for longer is not taken: it could not be taken back."""
    name_claims: tuple[str, ...] = ("preferred_username", "email", "name")
    rules: tuple[Rule, ...] = ()


def unverified_issuer(token: str) -> str:
    """Return the issuer that a token names, which only says whose keys to try; nothing if it names none.

    Raises PharosError(UNAUTHENTICATED) for what is no token.
    """
    if len(token) > _TOKEN_MAX:
        raise _refused(f"it has more than {_TOKEN_MAX} characters")
    try:
        claims = orjson.loads(jws.extract_compact(token.encode()).payload)
    except (JoseError, ValueError, UnicodeError) as exc:
        raise _refused("it cannot be read") from exc
    found = claims.get("iss") if isinstance(claims, dict) else None
    return found if isinstance(found, str) else ""


class Issuer:
    """One issuer, with its keys."""

    def __init__(self, options: IssuerOptions, fetch: Fetch, clock: Clock) -> None:
        self.options = options
        self._fetch = fetch
        self._clock = clock
        self._keys: KeySet | None = None
        self._read_s = 0.0
        self._tried_s = float("-inf")
        self._reading = asyncio.Lock()
        unknown = sorted(set(options.algorithms) - set(ALGORITHMS))
        if unknown:
            raise PharosError(
                Kind.INVALID,
                f"{unknown[0][:40]!r} is no algorithm that can be allowed",
                hint=f"one of {', '.join(ALGORITHMS)}",
            )

    async def discover(self) -> Mapping[str, Any]:
        """Return the issuer's discovery document. Raises PharosError(UNAVAILABLE)."""
        found = await self._fetch(f"{self.options.issuer.rstrip('/')}/.well-known/openid-configuration")
        if not isinstance(found, Mapping) or found.get("issuer") != self.options.issuer:
            raise PharosError(
                Kind.UNAVAILABLE, f"the discovery document of {self.options.issuer} is not of this issuer"
            )
        return found

    async def verify(self, token: str) -> Claims:
        """Return what a token says, once its signature, issuer, audience and times are found to be good.

        Raises PharosError: UNAUTHENTICATED for any other, UNAVAILABLE when the keys cannot be had.
        """
        options = self.options
        try:
            header = jws.extract_compact(token.encode()).protected
            algorithm, kid = header.get("alg"), header.get("kid")
            if not isinstance(algorithm, str) or algorithm not in options.algorithms:
                raise _refused(f"its algorithm is not one of {', '.join(options.algorithms)}")
            key = await self._key(kid if isinstance(kid, str) else None, algorithm)
            decoded = jwt.decode(token, key, algorithms=[algorithm], registry=_registry(options.algorithms))
            claims = decoded.claims
            self._check(claims)
        except ExpiredTokenError as exc:
            raise _refused("it has expired") from exc
        except ClaimError as exc:
            raise _refused(f"its claim {exc.claim!r} is missing or not what it must be") from exc
        except (JoseError, ValueError, UnicodeError) as exc:
            raise _refused("its signature is not good") from exc
        return claims

    def _check(self, claims: Claims) -> None:
        options = self.options
        registry = jwt.JWTClaimsRegistry(
            now=lambda: self._clock.now_ms() // 1000,
            leeway=options.leeway_s,
            iss={"essential": True, "value": options.issuer},
            sub={"essential": True},
            aud={"essential": True, "values": list(options.audiences)},
            exp={"essential": True},
        )
        registry.validate(dict(claims))
        begins = max(claims.get("iat", 0), claims.get("nbf", 0)) or self._clock.now_ms() / 1000
        if claims["exp"] - begins > options.lasts_most_s + options.leeway_s:
            raise _refused(f"it is good for longer than {options.lasts_most_s} s")

    async def _key(self, kid: str | None, algorithm: str) -> RSAKey | ECKey | OKPKey:
        now_s = self._clock.monotonic_s()
        if self._keys is None or now_s - self._read_s > _KEYS_KEPT_S:
            await self._read()
        found = self._find(kid, algorithm)
        if found is None:
            await self._read()
            found = self._find(kid, algorithm)
        if found is None:
            raise _refused("the issuer has no such key")
        return found

    def _find(self, kid: str | None, algorithm: str) -> RSAKey | ECKey | OKPKey | None:
        """Return the key of the name, and of a kind for the algorithm; without a name the only such key."""
        found = [
            key
            for key in self._keys or ()
            if isinstance(key, _KINDS[algorithm[:2]])
            and key.alg in {None, algorithm}
            and key.get("use", "sig") == "sig"
            and (kid is None or key.kid == kid)
        ]
        if len(found) != 1:
            return None
        (key,) = found
        if isinstance(key, RSAKey) and key.raw_value.key_size < _RSA_BITS_MIN:
            return None
        return key if isinstance(key, RSAKey | ECKey | OKPKey) else None

    async def _read(self) -> None:
        """Read the keys, unless that was tried just now; old ones stay where it fails."""
        async with self._reading:
            now_s = self._clock.monotonic_s()
            if now_s - self._tried_s < _REFRESH_S:
                if self._keys is None:
                    raise PharosError(Kind.UNAVAILABLE, f"the keys of {self.options.issuer} cannot be had")
                return
            self._tried_s = now_s
            try:
                url = self.options.jwks_url or str((await self.discover()).get("jwks_uri", ""))
                self._keys = KeySet.import_key_set(await self._fetch(url))
                self._read_s = now_s
            except (JoseError, KeyError, TypeError, ValueError, PharosError) as exc:
                if self._keys is None:
                    message = f"the keys of {self.options.issuer} cannot be had"
                    raise PharosError(Kind.UNAVAILABLE, message) from exc


def _registry(algorithms: tuple[str, ...]) -> jws.JWSRegistry:
    # Other headers than those that are known say nothing that we would act upon.
    return jws.JWSRegistry(algorithms=list(algorithms), strict_check_header=False)


def _refused(why: str) -> PharosError:
    return PharosError(Kind.UNAUTHENTICATED, f"the token of an outside issuer is not taken: {why}")
