"""Links to the picture of an alert's graph: good for a while, for one tenant's query over one time.

What a link says is signed, as that of the links which acknowledge (`links.py`): nothing is kept for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import parse_qs

import orjson
from msgspec import Struct

from pharos.alerting.links import sign_content, signed_content
from pharos.errors import Kind, PharosError

PATH: Final = "/api/pictures/link/"
_PURPOSE: Final = b"pharos picture\0"
_LASTS_MS: Final = 7 * 86_400_000
_BEFORE_MS: Final = 3_600_000
_AFTER_MS: Final = 60_000
_QUERY_MOST: Final = 1_200
"""A longer address is cut off by some chat."""


class PictureLink(Struct, frozen=True):
    """What a link shows."""

    tenant: str
    query: str
    title: str
    start_ms: int
    end_ms: int
    expires_ms: int


def sign_picture(link: PictureLink, key: bytes) -> str:
    """Return a link as a token that fits into an address."""
    said = [link.tenant, link.query, link.title, link.start_ms, link.end_ms, link.expires_ms]
    return sign_content(orjson.dumps(said), key, _PURPOSE)


def read_picture(token: str, key: bytes, now_ms: int) -> PictureLink:
    """Return what a token says. Raises PharosError(DENIED) unless it was signed with the key, and is good
    still."""
    link = PictureLink(*orjson.loads(signed_content(token, key, _PURPOSE)))
    if link.expires_ms <= now_ms:
        raise PharosError(Kind.DENIED, "this link has run out", hint="the alert's page has the graph")
    return link


def picture_of(tenant: str, alerts: Sequence[Any], at_ms: int, external_url: str, key: bytes) -> str:
    """Return the address of the picture of the first of a message's alerts; empty for one that is none of
    our rules, whose address has no query. `alerts` are as documents of `content.Told` have them."""
    for alert in alerts:
        address = str(alert.get("url", ""))
        if not address.startswith(f"{external_url}/graph?"):
            continue
        query = parse_qs(address.partition("?")[2]).get("g0.expr", [""])[0]
        name = dict(alert.get("labels", ())).get("alertname", "")
        if query and len(query) <= _QUERY_MOST:
            link = PictureLink(tenant, query, name, at_ms - _BEFORE_MS, at_ms + _AFTER_MS, at_ms + _LASTS_MS)
            return f"{external_url}{PATH}{sign_picture(link, key)}"
    return ""
