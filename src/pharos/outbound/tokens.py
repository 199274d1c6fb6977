"""Tokens that requests carry: asked for with who we are, and kept until shortly before they end (RFC 6749,
4.4).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

import orjson
from yarl import URL

from pharos.errors import Kind, PharosError
from pharos.http_options import HttpOptions, OAuth2, SecretText
from pharos.secret import Secret

_EARLY_S: Final = 10.0
_FOR_EVER_S: Final = 3600.0
"""So long one is kept that does not say when it ends."""
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,100000}")

Post = Callable[[URL, bytes, HttpOptions], Awaitable[tuple[int, bytes]]]
"""Sends a form, and returns status and body."""


class Tokens:
    """The tokens that are good now."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._kept: dict[OAuth2, tuple[str, float]] = {}
        self._asking: dict[OAuth2, asyncio.Lock] = {}

    async def get(self, options: OAuth2) -> str:
        """Return a token. Raises PharosError: INVALID where it is refused, UNAVAILABLE, and what posting
        raises.
        """
        async with self._asking.setdefault(options, asyncio.Lock()):
            now_s = asyncio.get_running_loop().time()
            token, until_s = self._kept.get(options, ("", 0.0))
            if not token or until_s <= now_s:
                token, lasts_s = await self._ask(options)
                self._kept[options] = (token, now_s + max(lasts_s - _EARLY_S, 0.0))
            return token

    def forget(self, options: OAuth2) -> None:
        """Ask anew next time: somebody refused the token."""
        self._kept.pop(options, None)

    async def _ask(self, options: OAuth2) -> tuple[str, float]:
        form = {"grant_type": "client_credentials", **dict(options.endpoint_params)}
        if options.scopes:
            form["scope"] = " ".join(options.scopes)
        who = HttpOptions(
            SecretText(Secret(quote_plus(options.client_id))),
            SecretText(Secret(quote_plus(options.client_secret.read()))),
            tls=options.tls,
            proxy_url=options.proxy_url,
        )
        status, body = await self._post(URL(options.token_url), urlencode(form).encode(), who)
        shown = URL(options.token_url).with_user(None).with_query(None)
        if status >= 500 or status == 429:
            raise PharosError(Kind.UNAVAILABLE, f"no token of {shown}: it answered {status}")
        try:
            found: Any = orjson.loads(body)
        except orjson.JSONDecodeError:
            found = None
        token = found.get("access_token") if isinstance(found, dict) else None
        # It is to stand in a header.
        is_fit = isinstance(token, str) and _TOKEN.fullmatch(token) is not None
        if status >= 300 or not is_fit:
            raise PharosError(Kind.INVALID, f"no token of {shown}: it answered {status}")
        lasts = found.get("expires_in")
        return str(token), float(lasts) if isinstance(lasts, (int, float)) and lasts > 0 else _FOR_EVER_S
