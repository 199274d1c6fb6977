"""The one outgoing HTTP client of Pharos: pooled, timed, bounded, and closed to private addresses unless
allowed.

Everything that leaves the process by HTTP goes through `Outbound`. No error text carries a secret: addresses
are printed without user information, secrets are `Secret` values that print as `<secret>`.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import random
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pharos.errors import Kind, PharosError
from pharos.http_options import HttpOptions
from pharos.outbound.request import OnThread, Reply, Request, Retry, WireOptions

if TYPE_CHECKING:
    from pharos.outbound.wire import Wire

_RETRIABLE: Final = frozenset({429, 500, 502, 503, 504})


class Found(NamedTuple):
    """An address of a host, as a socket is made for it."""

    family: int
    kind: int
    protocol: int
    name: str
    address: Any


class Outbound:
    """The pooled client. Use it inside the running loop, close it at the end.

    `allow_private` lets it call loopback, link-local and private networks: right for scrapes, wrong for
    addresses that users may enter; `private_by` is the setting that would let it, for whom it refuses.
    `random_source` shortens retry waits. A client that `is_checking` whether
    others are well opens a connection for each request, and never calls a cloud's metadata.
    """

    def __init__(
        self,
        *,
        allow_private: bool,
        user_agent: str,
        random_source: random.Random,
        connections_at_most: int = 0,
        on_thread: OnThread = asyncio.to_thread,
        is_checking: bool = False,
        private_by: str = "",
    ) -> None:
        self._allow_private = allow_private
        self._random = random_source
        self._options = WireOptions(
            allow_private,
            user_agent,
            connections_at_most,
            on_thread,
            allow_metadata=not is_checking,
            keeps_connections=not is_checking,
            private_by=private_by,
        )
        self._wire: Wire | None = None
        self._is_closed = False

    @property
    def allows_private(self) -> bool:
        """Whether it calls loopback, link-local and private networks."""
        return self._allow_private

    async def _opened(self) -> Wire:
        """Return the connections, which are there from the first request on."""
        if self._wire is None:
            wire_class = await asyncio.to_thread(_load)
            if self._is_closed:
                raise PharosError(Kind.UNAVAILABLE, "nothing is sent any more: Pharos is stopping")
            # Somebody else may have been first meanwhile.
            self._wire = self._wire or wire_class(self._options)
        return self._wire

    async def open(self) -> None:
        """Load what sends, so that the first request does not wait for it."""
        await self._opened()

    async def close(self) -> None:
        """Close every connection."""
        self._is_closed = True
        if self._wire is not None:
            await self._wire.close()

    def forget_tls(self) -> None:
        """Read certificate files again at the next use; called on reload."""
        if self._wire is not None:
            self._wire.forget_tls()

    async def addresses(self, host: str, port: int, kind: int = socket.SOCK_STREAM) -> list[Found]:
        """Return where a host may be called. Raises PharosError(DENIED) where it may not be, and OSError."""
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=kind)
        reasons = [self._options.why_not(str(one[4][0])) for one in found]
        may = [Found(*one) for one, reason in zip(found, reasons, strict=True) if not reason]
        if not may and found:
            raise PharosError(Kind.DENIED, f"{host}:{port} {reasons[0]}")
        return may

    async def connect(self, host: str, port: int, timeout_s: float) -> socket.socket:
        """Return a connected socket, for what does not speak HTTP.

        Raises PharosError: TIMEOUT, UNAVAILABLE (no address, no connection), DENIED (only private addresses).
        What is checked is what is connected to, whatever a name stands for a moment later.
        """
        loop = asyncio.get_running_loop()
        shown = f"{host}:{port}"
        try:
            async with asyncio.timeout(timeout_s):
                may = await self.addresses(host, port)
                for place, one in enumerate(may, 1):
                    sock = socket.socket(one.family, one.kind, one.protocol)
                    sock.setblocking(False)
                    try:
                        await loop.sock_connect(sock, one.address)
                    except OSError:
                        sock.close()
                        if place == len(may):
                            raise
                    except BaseException:
                        sock.close()
                        raise
                    else:
                        return sock
        except TimeoutError:
            raise PharosError(Kind.TIMEOUT, f"{shown} gave no answer within {timeout_s:g}s") from None
        except OSError as exc:
            reason = (os.strerror(exc.errno).lower() if exc.errno and exc.errno > 0 else "") or str(exc)
            raise PharosError(Kind.UNAVAILABLE, f"cannot reach {shown}: {reason}") from exc
        raise PharosError(Kind.UNAVAILABLE, f"cannot reach {shown}: it has no address")

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
        wire = await self._opened()
        for attempt in range(retry.attempts):
            last = attempt == retry.attempts - 1
            try:
                answer = await wire.attempt(request, options)
            except PharosError as exc:
                if last or exc.kind not in {Kind.TIMEOUT, Kind.UNAVAILABLE}:
                    raise
            else:
                if answer.status == 401 and options.oauth2 is not None:
                    wire.forget_token(options.oauth2)
                if last or answer.status not in _RETRIABLE:
                    return answer
                wait_s = max(wait_s, _retry_after_s(answer.headers, retry.most_wait_s))
            await asyncio.sleep(wait_s * self._random.uniform(0.5, 1.0))
            wait_s = min(wait_s * 2, retry.most_wait_s)
        raise PharosError(Kind.BUG, "a retry needs at least one attempt")


def _load() -> type[Wire]:
    """Return what sends, which takes a tenth of a second to load: a start has nothing to send."""
    module = importlib.import_module("pharos.outbound.wire")  # noqa: TID251 - loaded when it is needed
    found: type[Wire] = module.Wire
    return found


def _retry_after_s(headers: Mapping[str, str], most_s: float) -> float:
    """Return the seconds of a Retry-After header, bounded; 0 if there is none in seconds."""
    text = headers.get("Retry-After", "")
    return min(float(text), most_s) if text.isdecimal() else 0.0
