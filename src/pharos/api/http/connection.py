"""One client's connection: uvicorn's, with bounds for what comes beside bodies, and for waiting."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_BESIDE: Final = len(b": \r\n")
_NOTHING: Final = object()
_LINGER_S: Final = 2.0
"""How long a client that was refused may go on sending: closed at once, it would not see the answer."""


@dataclass(frozen=True, slots=True)
class HeadLimits:
    """What the head of a request may take, and a trailer."""

    size_bytes: int = 64 << 10
    """Request line and headers in all."""
    seconds: float = 30.0
    """The longest until a head is there, or what is left of a body that was answered already.

    We look twice in that time, and close when it is the same that we wait for.
    """
    unread_s: float = 60.0
    """The longest that an answer waits for its client to read on: it lies in memory meanwhile."""


class Connection(HttpToolsProtocol):
    """Answers 431 to a head that is too large, 408 to one that does not come, and lets nothing wait for ever.

    The bytes of bodies are for `Bodies` to count: whoever reads one decides how much is taken.
    """

    limits: ClassVar[HeadLimits] = HeadLimits()

    _watch: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _seen: object = _NOTHING
    """The scope of the request whose bytes we waited for when we looked last."""
    _received = 0
    """Bytes of what is being received now."""
    _beside_bytes = 0
    """Bytes since the last that belonged to a body or ended a request."""
    _in_head = True
    _is_refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to watch."""
        super().connection_made(transport)
        self._watch = self.loop.call_later(self.limits.seconds / 2, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """End watching."""
        if self._watch is not None:
            self._watch.cancel()
        if self._unread is not None:
            self._unread.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait for the client to read, but not for ever."""
        super().pause_writing()
        self._unread = self.loop.call_later(self.limits.unread_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on writing."""
        if self._unread is not None:
            self._unread.cancel()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        """Parse what came, unless it is of a request that was refused."""
        if self._is_refused:
            return
        self._received = len(data)
        self._beside_bytes += len(data)
        super().data_received(data)
        if self._beside_bytes > self.limits.size_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        """Begin to answer, unless the head is too large."""
        if self._is_refused:
            return
        most = self.limits.size_bytes
        if max(self._received, self._beside_bytes) > most:
            size = len(self.url) + sum(len(name) + len(value) + _BESIDE for name, value in self.headers)
            if size > most:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
                return
        self._in_head = False
        self._beside_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body for its reader."""
        if self._is_refused:
            return
        self._beside_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for the next request."""
        if self._is_refused:
            return
        self._in_head = True
        self._beside_bytes = 0
        super().on_message_complete()

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: an upgrade that is not offered is ignored (RFC 9110, section 7.8)."""

    def _look(self) -> None:
        """Close the connection when we waited for the same already when we looked last."""
        if self.transport.is_closing():
            return
        is_waiting = self._is_waiting()
        if is_waiting and self.scope is self._seen:
            if self._in_head and self._beside_bytes:
                self._refuse(HTTPStatus.REQUEST_TIMEOUT)
            else:
                self.transport.close()
            return
        self._seen = self.scope if is_waiting else _NOTHING
        self._watch = self.loop.call_later(self.limits.seconds / 2, self._look)

    def _is_waiting(self) -> bool:
        """Return whether bytes are awaited that nobody else waits for."""
        is_answering = self.cycle is not None and not self.cycle.response_complete
        # What comes after a response has its own, longer time, which begins when nothing is left to be sent.
        return not is_answering and self.timeout_keep_alive_task is None

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer that the request is not read any further, and close."""
        if self._is_refused or self.transport.is_closing():
            return
        self._is_refused = True
        if self.cycle is not None and not self.cycle.response_complete:
            # Another answer is being written, which must not be cut in two.
            self.transport.close()
            return
        text = f"{status.phrase}\n".encode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: text/plain; charset=utf-8\r\n"
            f"content-length: {len(text)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + text)
        self.transport.write_eof()
        if self._watch is not None:
            self._watch.cancel()
        self._watch = self.loop.call_later(_LINGER_S, self.transport.abort)


def connection_class(limits: HeadLimits) -> type[Connection]:
    """Return the class of connections with these limits, as uvicorn wants it."""

    class Limited(Connection):
        pass

    Limited.limits = limits
    return Limited
