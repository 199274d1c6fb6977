"""Links that acknowledge without signing in: each is good for one message, once, until it runs out.

What a link says is signed, so that nothing needs to be kept for it but, once it was used, that it was.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Final

import orjson
from msgspec import Struct

from pharos.errors import Kind, PharosError

KEY_NAME: Final = "alert links"
"""What `acknowledgements.signing_key` calls the key."""
KEY_BYTES: Final = 32
LASTS_MS: Final = 7 * 86_400_000
"""How long a link is good."""
PATH: Final = "/api/alerting/links/"
_VERSION: Final = 1
_PURPOSE: Final = b"pharos link\0"
_MAC_BYTES: Final = 32
_TOKEN_MOST: Final = 16_384


class Link(Struct, frozen=True):
    """What a link is good for."""

    tenant: str
    group_key: str
    to: str
    """To which receiver the message went."""
    expires_ms: int
    nonce: str
    """The same for no other message."""


def sign(link: Link, key: bytes) -> str:
    """Return a link as a token that fits into an address."""
    said = [_VERSION, link.tenant, link.group_key, link.to, link.expires_ms, link.nonce]
    return sign_content(orjson.dumps(said), key, _PURPOSE)


def read_link(token: str, key: bytes, now_ms: int) -> Link:
    """Return what a token says. Raises PharosError(DENIED) unless it was signed with the key, and is good
    still."""
    version, tenant, group_key, to, expires_ms, nonce = orjson.loads(signed_content(token, key, _PURPOSE))
    if version != _VERSION or expires_ms <= now_ms:
        raise PharosError(Kind.DENIED, "this link has run out", hint="acknowledge in Pharos itself")
    return Link(tenant, group_key, to, expires_ms, nonce)


def sign_content(content: bytes, key: bytes, purpose: bytes) -> str:
    """Return content with its signature as a token; one that is signed for a purpose is good for no other."""
    return base64.urlsafe_b64encode(_mac(content, key, purpose) + content).rstrip(b"=").decode()


def signed_content(token: str, key: bytes, purpose: bytes) -> bytes:
    """Return what was signed. Raises PharosError(DENIED) unless it was with the key, for the purpose."""
    raw = b""
    if len(token) <= _TOKEN_MOST:
        try:
            raw = base64.urlsafe_b64decode(token.encode() + b"=" * (-len(token) % 4))
        except (binascii.Error, ValueError, UnicodeEncodeError):
            raw = b""
    mac, content = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    if len(key) < KEY_BYTES or not hmac.compare_digest(mac, _mac(content, key, purpose)):
        raise PharosError(Kind.DENIED, "this link is not one of ours, or was cut off")
    return content


def _mac(content: bytes, key: bytes, purpose: bytes) -> bytes:
    return hmac.new(key, purpose + content, hashlib.sha256).digest()


def is_of_slack(body: bytes, stamp: str, signature: str, secret: bytes, now_ms: int) -> bool:
    """Return whether Slack has signed a request within the last five minutes (api.slack.com, v0)."""
    if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
        return False
    if abs(now_ms / 1000 - int(stamp)) > 300:
        return False
    wanted = hmac.new(secret, f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(f"v0={wanted}".encode(), signature.encode("utf-8", "replace"))


def is_of_pagerduty(body: bytes, signatures: str, secret: bytes) -> bool:
    """Return whether one of the signatures of a PagerDuty webhook (v3) is ours."""
    wanted = b"v1=" + hmac.new(secret, body, hashlib.sha256).hexdigest().encode()
    given = [one.strip().encode("utf-8", "replace") for one in signatures.split(",")]
    # All are compared, so that time says nothing.
    return sum(hmac.compare_digest(wanted, one) for one in given) > 0
