"""The one outgoing HTTP client of Pharos: pooled, timed, bounded, and closed to private addresses unless
allowed.

Everything that leaves the process by HTTP goes through `Outbound`. A body is bounded while it is read and
again while it is unpacked, so that neither an endless answer nor a gzip bomb costs memory. Redirects are
followed here, one by one, because each hop must pass the same checks, and credentials never follow to
another origin. No error text carries a secret: addresses are printed without user information, secrets are
`Secret` values that print as `<secret>`.
"""

from __future__ import annotations

import asyncio
import base64
import io
import ipaddress
import os
import random
import socket
import ssl
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from pharos.errors import Kind, PharosError
from pharos.named_file import read_named
from pharos.outbound.framing import HEAD_MAX_BYTES, AnswerFraming, FramingError
from pharos.secret import Secret

KEEPALIVE_S: Final = 300.0
"""How long an idle connection is kept: longer than any sensible scrape interval."""
REDIRECTS_AT_MOST: Final = 10
_SECRET_MAX_BYTES: Final = 1 << 20
_CERTIFICATES_MAX_BYTES: Final = 16 << 20
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_PACKING_OVERHEAD_BYTES: Final = 64 * 1024
_INLINE_BYTES: Final = 256 * 1024
"""This much of a body is unpacked on the event loop: below a millisecond, and most pages are smaller."""
_INLINE_WIRE_BYTES: Final = 64 * 1024
_PIECE_BYTES: Final = 1024 * 1024
"""This much is unpacked at a time on a thread: a few milliseconds, after which a timeout is heard."""
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_RETRIABLE: Final = frozenset({429, 500, 502, 503, 504})

TLS_VERSIONS: Final = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}


@dataclass(frozen=True, slots=True)
class SecretText:
    """A secret given inline or by the path of a file, which is read at each use so that rotation is seen."""

    inline: Secret = field(default_factory=lambda: Secret(""))
    path: str = ""

    def read(self) -> str:
        """Return the secret; a file's surrounding blanks are cut.

        Raises PharosError(INVALID) that names the file, never its content, if it cannot be read.
        """
        if not self.path:
            return self.inline.reveal()
        try:
            return read_named(Path(self.path), _SECRET_MAX_BYTES).decode().strip()
        except (PharosError, UnicodeDecodeError) as exc:
            reason = str(exc) if isinstance(exc, PharosError) else f"{self.path}: it is not UTF-8 text"
            raise PharosError(Kind.INVALID, f"cannot read the secret file: {reason}") from exc

    def __bool__(self) -> bool:
        return bool(self.inline) or bool(self.path)


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """How to speak TLS; certificates by path or inline (PEM), the system's authorities if none is given."""

    ca: str = ""
    ca_path: str = ""
    cert_path: str = ""
    key_path: str = ""
    server_name: str = ""
    insecure_skip_verify: bool = False
    min_version: str = ""
    max_version: str = ""

    def context(self) -> ssl.SSLContext:
        """Return the TLS context; raises PharosError(INVALID) naming the file that does not serve."""
        named = self.ca_path or self.cert_path or self.key_path
        for path in filter(None, (self.ca_path, self.cert_path, self.key_path)):
            read_named(Path(path), _CERTIFICATES_MAX_BYTES)
        try:
            context = ssl.create_default_context(cafile=self.ca_path or None, cadata=self.ca or None)
            if self.cert_path:
                named = f"{self.cert_path} and {self.key_path}"
                context.load_cert_chain(self.cert_path, self.key_path)
        except (OSError, ssl.SSLError) as exc:
            raise PharosError(Kind.INVALID, f"cannot use the TLS files {named}: {exc}") from exc
        if self.insecure_skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.min_version:
            context.minimum_version = TLS_VERSIONS[self.min_version]
        if self.max_version:
            context.maximum_version = TLS_VERSIONS[self.max_version]
        return context


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """Who we are to the other side and how we reach it: Prometheus' HTTP client section."""

    username: SecretText = SecretText()
    password: SecretText = SecretText()
    authorization_type: str = ""
    credentials: SecretText = SecretText()
    headers: tuple[tuple[str, SecretText], ...] = ()
    tls: TlsOptions = TlsOptions()
    follow_redirects: bool = True
    proxy_url: Secret = field(default_factory=lambda: Secret(""))

    def authentication(self) -> dict[str, str]:
        """Return the headers that carry credentials; raises PharosError(INVALID) for an unreadable secret
        file.
        """
        found = {name: value.read() for name, value in self.headers}
        if self.username or self.password:
            pair = f"{self.username.read()}:{self.password.read()}"
            found["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        elif self.authorization_type:
            found["Authorization"] = f"{self.authorization_type} {self.credentials.read()}".rstrip()
        return found


@dataclass(frozen=True, slots=True)
class Retry:
    """Up to `attempts` tries in all; waits double from `first_wait_s` to `most_wait_s`, each shortened by
    chance.
    """

    attempts: int = 1
    first_wait_s: float = 0.2
    most_wait_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Request:
    """One request: `timeout_s` is for everything from connecting to the last byte, `body_limit` for unpacked
    bytes.
    """

    url: URL
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    timeout_s: float = 10.0
    body_limit: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; `body` is unpacked, `wire_bytes` is how many bytes it took on the wire."""

    status: int
    reason: str
    content_type: str
    headers: Mapping[str, str]
    body: bytes
    wire_bytes: int


def shown_url(url: URL) -> str:
    """Return an address fit for logs and errors: without user information and query."""
    return (
        str(url.with_user(None).with_query(None)) if url.user or url.password else str(url.with_query(None))
    )


def is_public_address(text: str) -> bool:
    """Return whether an IP address lies in the public internet; v4 inside v6 is judged as v4."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            address = inner
    return address.is_global and not address.is_multicast


class _CheckedResolver(AbstractResolver):
    """The system's resolver, with private addresses taken out: what is checked is what is connected to."""

    def __init__(self) -> None:
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the public addresses of `host`; raises OSError if it has none."""
        found = await self._inner.resolve(host, port, family)
        public = [one for one in found if is_public_address(one["host"])]
        if not public:
            raise OSError(None, f"{host} has only private addresses, which may not be called")
        return public

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
            self.close()
            self.set_exception(_UnreadableError(str(exc)))
            if self._payload is not None:
                self._payload.set_exception(_UnreadableError(str(exc)))
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


OnThread: TypeAlias = Callable[..., Awaitable[Any]]
"""Calls a function with arguments on a thread."""


class Outbound:
    """The pooled client. Make it inside the running loop, close it at the end.

    `allow_private` lets it call loopback, link-local and private networks: right for scrapes, wrong for
    addresses that users may enter. `random_source` shortens retry waits.
    """

    def __init__(
        self,
        *,
        allow_private: bool,
        user_agent: str,
        random_source: random.Random,
        connections_at_most: int = 0,
        on_thread: OnThread = asyncio.to_thread,
    ) -> None:
        self._allow_private = allow_private
        self._on_thread = on_thread
        self._random = random_source
        connector = aiohttp.TCPConnector(
            limit=connections_at_most,
            keepalive_timeout=KEEPALIVE_S,
            resolver=None if allow_private else _CheckedResolver(),
            ttl_dns_cache=30,
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
            headers={"User-Agent": user_agent},
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=False,
        )
        self._contexts: dict[TlsOptions, ssl.SSLContext] = {}

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def send(
        self, request: Request, options: HttpOptions | None = None, retry: Retry | None = None
    ) -> Reply:
        """Return the answer, whatever its status.

        Raises PharosError: TIMEOUT, UNAVAILABLE (no connection, broken answer), TOO_LARGE (body limit),
        DENIED (private address), INVALID (address, secret or TLS files). With `retry`, timeouts, broken
        connections and the statuses 429 and 5xx that mean "later" are tried again; the last outcome is
        returned or raised.
        """
        options = options or HttpOptions()
        retry = retry or Retry()
        wait_s = retry.first_wait_s
        for attempt in range(retry.attempts):
            last = attempt == retry.attempts - 1
            try:
                answer = await self._attempt(request, options)
            except PharosError as exc:
                if last or exc.kind not in {Kind.TIMEOUT, Kind.UNAVAILABLE}:
                    raise
            else:
                if last or answer.status not in _RETRIABLE:
                    return answer
                wait_s = max(wait_s, _retry_after_s(answer.headers, retry.most_wait_s))
            await asyncio.sleep(wait_s * self._random.uniform(0.5, 1.0))
            wait_s = min(wait_s * 2, retry.most_wait_s)
        raise PharosError(Kind.BUG, "a retry needs at least one attempt")

    async def _attempt(self, request: Request, options: HttpOptions) -> Reply:
        shown = shown_url(request.url)
        try:
            async with asyncio.timeout(request.timeout_s):
                return await self._follow(request, options)
        except TimeoutError:
            raise PharosError(Kind.TIMEOUT, f"{shown} gave no answer within {request.timeout_s:g}s") from None
        except aiohttp.InvalidURL:
            raise PharosError(Kind.INVALID, f"{shown} is not an address that can be called") from None
        except (aiohttp.ClientError, OSError, zlib.error, ValueError) as exc:
            raise PharosError(Kind.UNAVAILABLE, f"cannot read {shown}: {_reason(exc)}") from exc

    async def _follow(self, request: Request, options: HttpOptions) -> Reply:
        url, method, body = request.url, request.method, request.body
        headers = {**request.headers, **options.authentication()}
        for _ in range(REDIRECTS_AT_MOST + 1):
            self._check_address(url)
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
                    return await _read(response, request.body_limit, self._on_thread)
                target = url.join(URL(location))
                self._check_address(target)
            if response.status == 303 or (response.status in {301, 302} and method == "POST"):
                method, body = "GET", None
            if target.origin() != url.origin():
                headers = dict(request.headers)
            url = target
        raise PharosError(
            Kind.UNAVAILABLE, f"{shown_url(request.url)} redirects more than {REDIRECTS_AT_MOST} times"
        )

    def _check_address(self, url: URL) -> None:
        if url.scheme not in {"http", "https"} or not url.host:
            raise PharosError(Kind.INVALID, f"{shown_url(url)} is not an http or https address")
        if self._allow_private:
            return
        try:
            public = is_public_address(url.host)
        except ValueError:
            return  # A name: the resolver checks what it stands for.
        if not public:
            raise PharosError(Kind.DENIED, f"{shown_url(url)} is a private address, which may not be called")

    def _tls(self, options: TlsOptions) -> ssl.SSLContext:
        context = self._contexts.get(options)
        if context is None:
            context = self._contexts[options] = options.context()
        return context

    def forget_tls(self) -> None:
        """Read certificate files again at the next use; called on reload."""
        self._contexts.clear()


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


def _reason(exc: Exception) -> str:
    """Return the short reason of a failed connection; aiohttp's own text may hold an address with a
    password.
    """
    if isinstance(exc, aiohttp.ClientConnectorError):
        # By its number: asyncio's own words for it are "Connect call failed ('127.0.0.1', 9100)".
        number = exc.os_error.errno
        return (os.strerror(number).lower() if number else str(exc.os_error)) or "no connection"
    if isinstance(exc, _UnreadableError):
        return str(exc)
    if isinstance(exc, (OSError, aiohttp.ServerDisconnectedError)):
        return str(exc) or type(exc).__name__
    if isinstance(exc, aiohttp.ClientPayloadError):
        return "the body ends too early"
    return type(exc).__name__


def _retry_after_s(headers: Mapping[str, str], most_s: float) -> float:
    """Return the seconds of a Retry-After header, bounded; 0 if there is none in seconds."""
    text = headers.get("Retry-After", "")
    return min(float(text), most_s) if text.isdecimal() else 0.0
