"""Opens WebSockets."""

from __future__ import annotations

import asyncio
from typing import Final

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, WebSocketException
from yarl import URL

from pharos.access import Scope
from pharos.errors import Kind, PharosError
from pharos.health.check import WebSocketCheck
from pharos.health.looking import Found, Means
from pharos.outbound import shown_url

_MESSAGES: Final = 20
"""So many are looked at for what is expected."""
_MOST_BYTES: Final = 1 << 20


async def look(check: WebSocketCheck, means: Means, scope: Scope) -> Found:
    """Open one. Raises PharosError where that is not possible."""
    del scope
    url, timeout_s = URL(check.url), check.timeout_ms / 1000
    shown = shown_url(url)
    sock = await means.outbound.connect(url.host or "", url.port or 0, timeout_s)
    try:
        async with (
            asyncio.timeout(timeout_s),
            connect(
                check.url,
                sock=sock,
                additional_headers=dict(check.headers),
                max_size=_MOST_BYTES,
                proxy=None,
                open_timeout=timeout_s,
                close_timeout=1,
            ) as opened,
        ):
            if check.send:
                await opened.send(check.send)
            if not check.expect:
                return Found()
            for _ in range(_MESSAGES):
                message = await opened.recv()
                text = message if isinstance(message, str) else message.decode("utf-8", "replace")
                if check.expect in text:
                    return Found()
            return Found([f"{check.expect[:80]!r} did not come in {_MESSAGES} messages"])
    except TimeoutError:
        raise PharosError(Kind.TIMEOUT, f"{shown} gave no answer within {timeout_s:g}s") from None
    except InvalidHandshake as exc:
        raise PharosError(Kind.UNAVAILABLE, f"{shown} opens no WebSocket: {exc}") from exc
    except (WebSocketException, OSError) as exc:
        raise PharosError(Kind.UNAVAILABLE, f"cannot reach {shown}: {exc}") from exc
    finally:
        sock.close()
