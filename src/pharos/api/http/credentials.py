"""By what a request says who it comes from: a key, a token, or the cookie of a session.

A browser sends a cookie by itself, whoever wrote the page. So a request that changes something and brings
one must show that a page of ours sent it: by the browser's own word (Sec-Fetch-Site, which no page can set),
or by a token that only our pages can read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Awaitable, Iterable
from typing import Final

from msgspec import Struct
from starlette.types import Scope as Asked

from pharos.access import Grant
from pharos.api.http.headers import KEY_HEADER
from pharos.errors import Kind, PharosError
from pharos.identity.authenticator import Authenticator, Presented, Way

CSRF_HEADER: Final = "X-CSRF-Token"
COOKIE: Final = "pharos_session"
SECURE_COOKIE: Final = f"__Host-{COOKIE}"
"""Over TLS: browsers take it from no other host, and send it to none."""

_KEY: Final = KEY_HEADER.lower().encode()
_CSRF: Final = CSRF_HEADER.lower().encode()
_READ: Final = frozenset({b"authorization", b"cookie", _KEY, _CSRF, b"sec-fetch-site", b"origin"})
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_COOKIES: Final = tuple(f"{name}=".encode() for name in (SECURE_COOKIE, COOKIE))


class _Found(Struct):
    """What the headers hold."""

    key: bytes | None = None
    authorization: bytes | None = None
    cookie: bytes | None = None
    csrf: bytes = b""
    site: bytes = b""
    has_origin: bool = False


def csrf_token(session: str) -> str:
    """Return the token that goes with a session's cookie, and tells nothing about it."""
    return hashlib.sha256(b"csrf:" + session.encode()).hexdigest()


def session_cookie(asked: Asked) -> str | None:
    """Return what the cookie of a session holds, if there is one."""
    cookie = _find(asked["headers"]).cookie
    return None if cookie is None else cookie.decode("latin-1")


def _presented(found: _Found, asked: Asked) -> Presented | None:
    """Return the secret that a request brings: the key before a token before a cookie.

    Raises PharosError(UNAUTHENTICATED) for what is none, and for a change that a foreign page may have sent.
    """
    if found.key is not None:
        return Presented(Way.KEY, found.key.decode("latin-1"))
    if found.authorization is not None:
        return Presented(Way.TOKEN, _token(found.authorization))
    if found.cookie is None:
        return None
    session = found.cookie.decode("latin-1")
    if asked["type"] == "websocket":
        # Whose origin it is was looked at already, if there is one; a browser always names it.
        is_ours = found.has_origin
    else:
        is_ours = asked["method"] in _SAFE or found.site == b"same-origin"
    if not is_ours and not hmac.compare_digest(found.csrf, csrf_token(session).encode()):
        raise PharosError(
            Kind.UNAUTHENTICATED,
            f"the cookie counts for a change only together with the header {CSRF_HEADER}",
            hint="GET /api/me says what it must hold",
        )
    return Presented(Way.SESSION, session)


def _find(headers: Iterable[tuple[bytes, bytes]]) -> _Found:
    """Return what the headers hold. Raises PharosError(UNAUTHENTICATED) for one that is there twice."""
    found = _Found()
    for name, value in headers:
        if name not in _READ:
            continue
        if name == b"authorization":
            if found.authorization is not None:
                raise _twice("Authorization")
            found.authorization = value
        elif name == b"cookie":
            found.cookie = _session(value) or found.cookie
        elif name == _KEY:
            if found.key is not None:
                raise _twice(KEY_HEADER)
            found.key = value
        elif name == _CSRF:
            found.csrf = value
        elif name == b"sec-fetch-site":
            found.site = value
        elif name == b"origin":
            found.has_origin = True
    return found


def _twice(name: str) -> PharosError:
    return PharosError(Kind.UNAUTHENTICATED, f"the header {name} is there twice")


def _session(cookies: bytes) -> bytes | None:
    """Return the session's cookie among others; the one that only we can have set before any other."""
    if COOKIE.encode() not in cookies:
        return None
    parts = [part.strip() for part in cookies.split(b";")]
    for name in _COOKIES:
        for part in parts:
            if part.startswith(name):
                return part[len(name) :] or None
    return None


def _token(authorization: bytes) -> str:
    """Return the token of an Authorization header: that of Bearer, or the password of Basic."""
    scheme, _, rest = authorization.partition(b" ")
    rest = rest.strip()
    match scheme.lower():
        case b"bearer" if rest:
            return rest.decode("latin-1")
        case b"basic":
            try:
                _, _, password = base64.b64decode(rest, validate=True).partition(b":")
                if password:
                    return password.decode()
            except (binascii.Error, UnicodeDecodeError):
                pass
    raise PharosError(
        Kind.UNAUTHENTICATED,
        "the header Authorization holds no token",
        hint="send Bearer and a token, or Basic with a token in place of the password",
    )


def identify(authenticator: Authenticator, asked: Asked) -> Grant | Awaitable[Grant]:
    """Return what who asks may do, at once where it is known. Raises PharosError as `identify` there does."""
    found = _find(asked["headers"])
    if found.authorization is None or found.key is not None:
        return authenticator.identify(_presented(found, asked))
    # What came before is known by the hash of the header as a whole.
    seen_as = hashlib.sha256(found.authorization).digest()
    known = authenticator.recognised(seen_as)
    return authenticator.identify(_presented(found, asked), seen_as) if known is None else known
