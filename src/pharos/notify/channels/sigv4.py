"""AWS Signature Version 4 of a POST with a body: the headers that say who sends it."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct
from yarl import URL

_ALGORITHM: Final = "AWS4-HMAC-SHA256"


class Credentials(Struct, frozen=True):
    """Who signs."""

    access_key: str
    secret_key: str


def signed_headers(
    who: Credentials, region: str, service: str, url: URL, body: bytes, *, content_type: str, now_ms: int
) -> dict[str, str]:
    """Return the headers of a POST to an address without a query that say who sends it, and when."""
    at = datetime.fromtimestamp(now_ms / 1000, UTC)
    stamp, day = f"{at:%Y%m%dT%H%M%SZ}", f"{at:%Y%m%d}"
    host = url.host or ""
    if not url.is_default_port() and url.port is not None:
        host = f"{host}:{url.port}"
    signed = {"content-type": content_type, "host": host, "x-amz-date": stamp}
    names = ";".join(signed)
    canonical = "\n".join(
        (
            "POST",
            url.raw_path or "/",
            "",
            *(f"{name}:{value}" for name, value in signed.items()),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        )
    )
    scope = f"{day}/{region}/{service}/aws4_request"
    text = "\n".join((_ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{who.secret_key}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    credential = f"Credential={who.access_key}/{scope}"
    return {
        "Content-Type": content_type,
        "X-Amz-Date": stamp,
        "Authorization": f"{_ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}",
    }
