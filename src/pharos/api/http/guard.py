"""Which requests go no further, and how answers leave.

There is no authentication on loopback, and a browser on the same machine is inside that fence. So a page of
another origin may not change anything, and a name that is none of this server's is not answered to, which
ends DNS rebinding. An address is taken as it was written: what a proxy in front may have closed is not found
by another spelling of it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from msgspec import Struct
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from pharos.api.http.identity import Refusal, refusal_of
from pharos.api.http.unread import Held, Unread
from pharos.errors import Kind, PharosError

ABORT: Final = "pharos.abort"
"""Where a scope holds what ends its connection at once."""

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_OWN_SITE: Final = frozenset({b"same-origin", b"none"})
_OWN_SUFFIXES: Final = (".localhost", ".internal")
"""Names that nobody can register."""
_UNCLEAN: Final = re.compile(rb"//|/\.\.?(?:/|\Z)")
_SPELLED: Final = re.compile(rb"%(?:2f|[01][0-9a-f]|7f)", re.IGNORECASE)
"""A slash or a control character, which a route would see and a proxy in front would not."""
_NAMES: Final = re.compile(rb"/api/v1/label/[^/]+/values\Z|/(?:api/v1/)?(?:runs|workflows)/[^/]+\Z")
"""Where a part of the path is a name that somebody gave, in which anything may stand."""
_PATH_SAFE: Final = "/%:@!$&'()*+,;=~-._"
_HINT: Final = "`hosts` in pharos.yml lists further names"
_HELD_FROM_BYTES: Final = 64 << 10
_SLICE_BYTES: Final = 64 << 10


class Names(Struct, frozen=True):
    """By which names the server may be reached: by any when it `listens_beyond` loopback and none is told."""

    told: frozenset[str] = frozenset()
    """Of the settings: their pages may change something too."""
    listens_on: str = ""
    listens_beyond: bool = False
    of_status_pages: frozenset[str] = frozenset()
    """By which nothing but a status page is reached, and which may change nothing."""

    def has(self, host: bytes) -> bool:
        """Return whether a Host header names this server.

        An address as a number and a name without a dot belong to no foreign page.
        """
        if not host or self.listens_beyond:
            return True
        name, _ = _split_host(host)
        if "." not in name or name.endswith(_OWN_SUFFIXES) or name == self.listens_on:
            return True
        return self.tells(host) or name in self.of_status_pages or _is_address(name)

    def tells(self, host: bytes) -> bool:
        """Return whether the settings name this host, with its port or without."""
        name, port = _split_host(host)
        return name in self.told or f"{name}:{port}" in self.told


@lru_cache(256)
def _split_host(host: bytes) -> tuple[str, str]:
    """Return (name in small letters without brackets and last dot, port or nothing)."""
    text = host.decode("latin-1").strip().lower()
    if text.startswith("["):
        name, _, port = text[1:].partition("]")
        return name, port.removeprefix(":")
    name, _, port = text.partition(":")
    return name.removesuffix("."), port


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Fence(Struct, frozen=True):
    """What is let in, and how much may lie unread behind it."""

    names: Names
    unread: Unread


class Guard:
    """The application `app`, fenced; HEAD is answered as GET is, without the body."""

    def __init__(self, app: ASGIApp, fence: Fence, refuse: Refusal) -> None:
        self._app = app
        self._refuse = refuse
        self._names = fence.names
        self._unread = fence.unread

    async def __call__(self, asked: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        if asked["type"] == "websocket":
            # Whoever opens one can say everything on it.
            error = self._foreign(asked, changes=True)
            if error is None:
                await self._app(asked, receive, send)
            else:
                await receive()
                await WebSocket(asked, receive, send).send_denial_response(self._shown(asked, error))
            return
        if asked["type"] != "http":
            await self._app(asked, receive, send)
            return
        answer = _Answer(asked, send, self._unread, self._shown)
        try:
            refusal = self._refusal(asked)
            if refusal is not None:
                await refusal(asked, receive, answer.send)
            elif asked["method"] == "HEAD":
                await self._app({**asked, "method": "GET"}, receive, answer.send)
            else:
                await self._app(asked, receive, answer.send)
        finally:
            answer.release()

    def _shown(self, asked: Scope, error: PharosError) -> Response:
        return self._refuse(HTTPConnection(asked), error)

    def _refusal(self, asked: Scope) -> Response | None:
        """Return the answer to a request that goes no further."""
        raw: bytes = asked.get("raw_path") or b"/"
        if _UNCLEAN.search(raw):
            path = _cleaned(raw)
            if b"/.." in raw and path.split("/")[1] != raw.decode("latin-1").split("/")[1]:
                # What is meant by a path that climbs out of where it began is anybody's guess.
                left = PharosError(Kind.MISSING, "the path leads out of where it begins")
                return self._shown(asked, left)
            return _elsewhere(asked, path)
        error = self._foreign(asked, changes=asked["method"] not in _SAFE)
        if b"%" in raw and _SPELLED.search(raw) and not _NAMES.match(raw):
            message = f"{raw.decode('latin-1')} is not an address of this server"
            # Strangers are not told what there is and what not.
            error = refusal_of(asked) or PharosError(Kind.MISSING, message)
        return None if error is None else self._shown(asked, error)

    def _foreign(self, asked: Scope, *, changes: bool) -> PharosError | None:
        """Return why a browser may not ask this."""
        host, origin, site = b"", None, None
        for name, value in asked["headers"]:
            if name == b"host":
                host = value
            elif name == b"origin":
                origin = value
            elif name == b"sec-fetch-site":
                site = value
        if not self._names.has(host):
            message = f"{host.decode('latin-1')} is no name of this server"
            return PharosError(Kind.DENIED, message, hint=_HINT)
        if not changes or (origin is None and site is None):
            return None
        at = origin.partition(b"://")[2] if origin is not None else b""
        if self._names.tells(at):
            return None
        if site not in _OWN_SITE if site is not None else at.lower() != host.lower():
            return PharosError(Kind.DENIED, "a page of another origin may not do this", hint=_HINT)
        return None


def _cleaned(raw: bytes) -> str:
    """Return a path without empty and dotted parts, as Go's router cleans it."""
    parts: list[str] = []
    for part in raw.decode("latin-1").split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in {"", "."}:
            parts.append(part)
    path = "/" + "/".join(parts)
    return path + "/" if parts and raw.endswith((b"/", b"/.", b"/..")) else path


def _elsewhere(asked: Scope, path: str) -> Response:
    """Return the redirect to the address as it should have been written."""
    query: bytes = asked["query_string"]
    target = quote(path, safe=_PATH_SAFE, encoding="latin-1") + (
        f"?{query.decode('latin-1')}" if query else ""
    )
    # 301 turns other methods than GET into GET.
    status = 301 if asked["method"] in {"GET", "HEAD"} else 308
    return Response(status_code=status, headers={"Location": target})


class _Answer:
    """One answer on its way out."""

    __slots__ = ("_asked", "_held", "_is_head", "_is_refused", "_send", "_shown", "_unread")

    def __init__(
        self, asked: Scope, send: Send, unread: Unread, shown: Callable[[Scope, PharosError], Response]
    ) -> None:
        self._asked = asked
        self._shown = shown
        self._send = send
        self._unread = unread
        self._held: Held | None = None
        self._is_head = asked["method"] == "HEAD"
        self._is_refused = False

    def release(self) -> None:
        """Count it no more."""
        if self._held is not None:
            self._held.release()

    async def send(self, message: Message) -> None:
        """Send a part of it: a large body as it is read, of an answer to HEAD none."""
        if self._is_refused:
            return
        if message["type"] == "http.response.start":
            size = _length(message.get("headers", ()))
            if size > _HELD_FROM_BYTES and not self._is_head and not await self._hold(size):
                return
        elif self._is_head and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        elif self._held is not None and message["type"] == "http.response.body":
            await self._send_slices(self._held, message)
            return
        await self._send(message)

    async def _hold(self, size: int) -> bool:
        """Return whether there is room for it; it is answered if not."""
        abort: Callable[[], None] | None = self._asked.get(ABORT)
        try:
            self._held = self._unread.hold(size, asyncio.get_running_loop().time(), abort)
        except PharosError as exc:
            refusal = self._shown(self._asked, exc)
            start = {"type": "http.response.start", "status": refusal.status_code}
            await self._send({**start, "headers": refusal.raw_headers})
            await self._send({"type": "http.response.body", "body": refusal.body})
            self._is_refused = True
        return not self._is_refused

    async def _send_slices(self, held: Held, message: Message) -> None:
        body, more = memoryview(message.get("body", b"")), message.get("more_body", False)
        loop = asyncio.get_running_loop()
        for at in range(0, max(len(body), 1), _SLICE_BYTES):
            part = body[at : at + _SLICE_BYTES]
            last = at + _SLICE_BYTES >= len(body)
            await self._send({**message, "body": part, "more_body": more or not last})
            held.taken_s = loop.time()


def _length(headers: Iterable[tuple[bytes, bytes]]) -> int:
    for name, value in headers:
        if name == b"content-length":
            return int(value)
    return 0
