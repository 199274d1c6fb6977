"""The pooled connections of the outgoing client, and what goes over them; nobody outside calls this.

A body is bounded while it is read and again while it is unpacked, so that neither an endless answer nor a
gzip bomb costs memory. Redirects are followed here, one by one, because each hop must pass the same checks,
and credentials never follow to another origin.
"""

from __future__ import annotations

import asyncio
import io
import os
import socket
import ssl
import zlib
from functools import partial
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from pharos.errors import Kind, PharosError
from pharos.http_options import HttpOptions, OAuth2, TlsOptions
from pharos.outbound.framing import HEAD_MAX_BYTES, AnswerFraming, FramingError
from pharos.outbound.request import OnThread, Reply, Request, WireOptions, shown_url
from pharos.outbound.tokens import Tokens

_KEEPALIVE_S: Final = 300.0
"""How long an idle connection is kept: longer than any sensible scrape interval."""
_REDIRECTS_AT_MOST: Final = 10
_PACKING_OVERHEAD_BYTES: Final = 64 * 1024
_INLINE_BYTES: Final = 256 * 1024
"""This much of a body is unpacked on the event loop: below a millisecond, and most pages are smaller."""
_INLINE_WIRE_BYTES: Final = 64 * 1024
_PIECE_BYTES: Final = 1024 * 1024
"""This much is unpacked at a time on a thread: a few milliseconds, after which a timeout is heard."""
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_SOME_S: Final = 2.0
"""How long the body of an answer is awaited whose status is enough."""


def _shown(request: Request, url: URL) -> str:
    return str(url.origin()) if request.is_path_secret and url.absolute and url.host else shown_url(url)


class _CheckedResolver(AbstractResolver):
    """The system's resolver, without what may not be called: what is checked is what is connected to."""

    def __init__(self, options: WireOptions) -> None:
        self._inner = aiohttp.ThreadedResolver()
        self._options = options

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of `host` that may be called; raises OSError if it has none."""
        found = await self._inner.resolve(host, port, family)
        may = [one for one in found if not self._options.why_not(one["host"])]
        if not may and not self._options.allow_private:
            raise OSError(None, f"{host} has only private addresses, {self._options.refusal}")
        if not may:
            raise OSError(None, f"{host} is the address of a cloud's metadata, which is never called")
        return may

    async def close(self) -> None:
        """Close the resolver."""
        await self._inner.close()


class _Connection(ResponseHandler):
    """aiohttp's, whose strict parser sees every answer made plain."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._framing = AnswerFraming()

    def set_response_params(self, *, skip_payload: bool = False, **parameters: Any) -> None:
        """Await an answer."""
        self._framing.begin(has_body=not skip_payload)
        super().set_response_params(skip_payload=skip_payload, **parameters)

    def data_received(self, data: bytes) -> None:
        """Hand on what came; bytes that belong to no answer end the connection."""
        try:
            plain = self._framing.feed(data)
        except FramingError as exc:
            # Closing forgets the body, whose reader would wait for more of it.
            payload = self._payload
            self.close()
            self.set_exception(_UnreadableError(str(exc)))
            if payload is not None:
                payload.set_exception(_UnreadableError(str(exc)))
            return
        # Nothing at all is how aiohttp asks itself to go on.
        if plain or not data:
            super().data_received(plain)
        if self._framing.has_excess:
            self.force_close()
            if not plain and self.transport is not None:
                self.transport.close()


class _UnreadableError(aiohttp.ClientError):
    """The other side does not speak HTTP; the text says how."""


class Wire:
    """The connections of one client."""

    def __init__(self, options: WireOptions) -> None:
        self._options = options
        self._is_open = options.allow_private and options.allow_metadata
        self._on_thread = options.on_thread
        connector = aiohttp.TCPConnector(
            limit=options.connections_at_most,
            resolver=None if self._is_open else _CheckedResolver(options),
            ttl_dns_cache=30,
            **({"keepalive_timeout": _KEEPALIVE_S} if options.keeps_connections else {"force_close": True}),
        )
        # Nothing public sets the protocol; the exact version is pinned for this.
        factory: Any = partial(_Connection, asyncio.get_running_loop())
        connector._factory = factory  # noqa: SLF001
        self._session = aiohttp.ClientSession(
            connector=connector,
            max_line_size=HEAD_MAX_BYTES,
            max_field_size=HEAD_MAX_BYTES,
            max_headers=HEAD_MAX_BYTES,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": options.user_agent},
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=False,
        )
        self._contexts: dict[TlsOptions, ssl.SSLContext] = {}
        self._tokens = Tokens(self._post_form)

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    def forget_tls(self) -> None:
        """Read certificate files again at the next use."""
        self._contexts.clear()

    def forget_token(self, options: OAuth2) -> None:
        """Ask for a token anew next time: somebody refused it."""
        self._tokens.forget(options)

    async def attempt(self, request: Request, options: HttpOptions) -> Reply:
        """Return the answer to one try. Raises PharosError as `Outbound.send` does."""
        shown = _shown(request, request.url)
        try:
            async with asyncio.timeout(request.timeout_s):
                return await self._follow(request, options)
        except TimeoutError:
            raise PharosError(Kind.TIMEOUT, f"{shown} gave no answer within {request.timeout_s:g}s") from None
        except aiohttp.InvalidURL:
            raise PharosError(Kind.INVALID, f"{shown} is not an address that can be called") from None
        except (aiohttp.ClientError, OSError, zlib.error, ValueError) as exc:
            raise PharosError(Kind.UNAVAILABLE, f"cannot read {shown}: {_reason(exc)}") from exc

    async def _post_form(self, url: URL, body: bytes, options: HttpOptions) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        answer = await self._follow(Request(url, "POST", headers, body, body_limit=1 << 20), options)
        return answer.status, answer.body

    async def _follow(self, request: Request, options: HttpOptions) -> Reply:
        url, method, body = request.url, request.method, request.body
        headers = {**request.headers, **options.authentication()}
        if options.oauth2 is not None:
            headers["Authorization"] = f"Bearer {await self._tokens.get(options.oauth2)}"
        for _ in range(_REDIRECTS_AT_MOST + 1):
            self._check_address(url, _shown(request, url))
            async with self._session.request(
                method,
                url,
                data=body,
                headers=headers,
                allow_redirects=False,
                ssl=self._tls(options.tls) if url.scheme == "https" else True,
                server_hostname=(options.tls.server_name or None) if url.scheme == "https" else None,
                proxy=options.proxy_url.reveal() or None,
            ) as response:
                location = response.headers.get("Location")
                if not (options.follow_redirects and response.status in _REDIRECTS and location):
                    if request.is_status_enough:
                        return await _read_some(response, request.body_limit)
                    return await _read(response, request.body_limit, self._on_thread)
                target = url.join(URL(location))
                self._check_address(target, _shown(request, target))
            if response.status == 303 or (response.status in {301, 302} and method == "POST"):
                method, body = "GET", None
            if target.origin() != url.origin():
                headers = dict(request.headers)
            url = target
        raise PharosError(
            Kind.UNAVAILABLE, f"{_shown(request, request.url)} redirects more than {_REDIRECTS_AT_MOST} times"
        )

    def _check_address(self, url: URL, shown: str) -> None:
        if url.scheme not in {"http", "https"} or not url.host:
            raise PharosError(Kind.INVALID, f"{shown} is not an http or https address")
        if self._is_open:
            return
        try:
            reason = self._options.why_not(url.host)
        except ValueError:
            return  # A name: the resolver checks what it stands for.
        if reason:
            raise PharosError(Kind.DENIED, f"{shown} {reason}")

    def _tls(self, options: TlsOptions) -> ssl.SSLContext:
        context = self._contexts.get(options)
        if context is None:
            context = self._contexts[options] = options.context()
        return context


class _Body:
    """A body while it is read; gzip (one member or several, as its format allows) and deflate are
    unpacked.
    """

    def __init__(self, encoding: str) -> None:
        self._wbits = 31 if encoding == "gzip" else 15
        self._stream = None if encoding in {"", "identity"} else zlib.decompressobj(self._wbits)
        self._found = io.BytesIO()
        self.size = 0

    @property
    def is_packed(self) -> bool:
        """Whether what comes has to be unpacked."""
        return self._stream is not None

    @property
    def is_whole(self) -> bool:
        """Whether the packed data came to its end."""
        return self._stream is None or self._stream.eof

    def take(self, chunk: bytes, most: int) -> bytes:
        """Add what `chunk` unpacks to, `most` bytes of it at most; return what is left of the chunk.

        Raises zlib.error if it is broken.
        """
        end = self.size + most
        while chunk and self.size < end:
            if self._stream is None:
                piece, chunk = chunk[: end - self.size], chunk[end - self.size :]
            else:
                if self._stream.eof:
                    self._stream = zlib.decompressobj(self._wbits)
                piece = self._stream.decompress(chunk, end - self.size)
                chunk = self._stream.unconsumed_tail or self._stream.unused_data
            self.size += self._found.write(piece)
        return chunk

    def whole(self) -> bytes:
        """Return all that was added, without a copy of it."""
        return self._found.getvalue()


async def _read(response: aiohttp.ClientResponse, limit: int, on_thread: OnThread) -> Reply:
    """Return the whole answer, unpacked; raises PharosError(TOO_LARGE) once `limit` bytes are passed.

    A small body is unpacked here; a larger one by pieces on a thread, so that a gzip bomb holds up nobody,
    and a timeout ends it between two pieces.
    """
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in {"", "identity", "gzip", "deflate"}:
        raise PharosError(Kind.UNAVAILABLE, f"content encoding {encoding[:20]!r} was not asked for")
    body = _Body(encoding)
    wire = 0
    async for chunk in response.content.iter_any():
        wire += len(chunk)
        rest = chunk
        while rest and body.size <= limit:
            room = limit + 1 - body.size
            if not body.is_packed:
                rest = body.take(rest, room)
            elif body.size < _INLINE_BYTES and wire <= _INLINE_WIRE_BYTES:
                rest = body.take(rest, min(room, _INLINE_BYTES - body.size))
            else:
                rest = await on_thread(body.take, rest, min(room, _PIECE_BYTES))
        if body.size > limit or wire > limit + _PACKING_OVERHEAD_BYTES:
            response.close()
            raise PharosError(Kind.TOO_LARGE, f"body size limit exceeded: more than {limit} bytes")
    if wire and not body.is_whole:
        raise PharosError(Kind.UNAVAILABLE, "the compressed body ends too early")
    return Reply(
        response.status, response.reason or "", response.headers.get("Content-Type", ""),
        response.headers, body.whole(), wire,
    )  # fmt: skip


async def _read_some(response: aiohttp.ClientResponse, limit: int) -> Reply:
    """Return the answer with what came of its body, up to `limit` bytes and for `_SOME_S` seconds."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    body = _Body(encoding if encoding in {"gzip", "deflate"} else "")
    wire = 0
    try:
        async with asyncio.timeout(_SOME_S):
            async for chunk in response.content.iter_any():
                wire += len(chunk)
                body.take(chunk, limit - body.size)
                if body.size >= limit or wire > limit:
                    break
    except (TimeoutError, aiohttp.ClientError, OSError, zlib.error):
        pass  # Its status was read, and says what the request came to.
    if not response.content.at_eof():
        response.close()
    return Reply(
        response.status, response.reason or "", response.headers.get("Content-Type", ""),
        response.headers, body.whole(), wire,
    )  # fmt: skip


def _reason(exc: Exception) -> str:
    """Return the short reason of a failed connection; aiohttp's own text may hold an address with a
    password.
    """
    if isinstance(exc, aiohttp.ClientConnectorCertificateError):
        # By its words: its number is that of "operation not permitted".
        found = exc.certificate_error
        said = found.verify_message if isinstance(found, ssl.SSLCertVerificationError) else str(found)
        return f"its certificate is not trusted: {said}"
    if isinstance(exc, aiohttp.ClientConnectorError):
        # By its number: asyncio's own words for it are "Connect call failed ('127.0.0.1', 9100)". A name that
        # is not found has a number of another kind, below 0.
        number = exc.os_error.errno
        if number and number > 0:
            return os.strerror(number).lower()
        return (exc.os_error.strerror or str(exc.os_error)).lower() or "no connection"
    if isinstance(exc, _UnreadableError):
        return str(exc)
    if isinstance(exc, (OSError, aiohttp.ServerDisconnectedError)):
        return str(exc) or type(exc).__name__
    if isinstance(exc, aiohttp.ClientPayloadError):
        return "the body ends too early"
    return type(exc).__name__
