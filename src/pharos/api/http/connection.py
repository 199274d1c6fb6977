"""One client's connection: uvicorn's, with bounds for what comes beside bodies or ahead, and for waiting."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import ClassVar, Final

import httptools
from msgspec import Struct
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from pharos.api.http.guard import ABORT
from pharos.api.http.headers import SECURITY
from pharos.telemetry import CONNECTIONS_REFUSED

_BESIDE: Final = len(b": \r\n")
_NOTHING: Final = object()
_LINGER_S: Final = 2.0
"""How long a client that was refused may go on sending: closed at once, it would not see the answer."""
_PIECE_BYTES: Final = 1 << 10
"""Heads are parsed by so much at a time, so that only a few requests are taken ahead of an answer."""
_CHUNKS_BYTES: Final = 16 << 10
"""The same of a body whose end is not known beforehand."""
_REFUSED_AT_ONCE: Final = 64
"""So many clients more than there is room for are told so; others are only hung up on."""
_RETRY_AFTER_S: Final = 5
_UPGRADE: Final = frozenset({b"upgrade", b"http2-settings"})
_SECURITY: Final = b"".join(name + b": " + value + b"\r\n" for name, value in SECURITY).decode()


class ConnectionLimits(Struct, frozen=True):
    """What connections may take beside bodies."""

    connections: int = 2048
    """How many there may be, idle ones and WebSockets too."""
    size_bytes: int = 64 << 10
    """Request line and headers in all, and a trailer."""
    seconds: float = 30.0
    """The longest until a head is there, or what is left of a body that was answered already.

    We look twice in that time, and close when it is the same that we wait for.
    """
    unread_s: float = 60.0
    """The longest that an answer waits for its client to read on: it lies in memory meanwhile."""


class _Flow(FlowControl):
    """Reads on only when nothing waits that was read already."""

    def __init__(self, transport: asyncio.Transport, ahead: bytearray) -> None:
        super().__init__(transport)
        self._ahead = ahead

    def resume_reading(self) -> None:
        if not self._ahead:
            super().resume_reading()


class Connection(HttpToolsProtocol):
    """Answers 431 to a head that is too large, 408 to one that does not come, and lets nothing wait for ever.

    What is no HTTP is answered 400, once what came before it is answered; a connection too many is answered
    503.

    The bytes of bodies are for `Bodies` to count: whoever reads one decides how much is taken.
    """

    limits: ClassVar[ConnectionLimits] = ConnectionLimits()
    socket_paths: ClassVar[frozenset[bytes]] = frozenset()

    _watch: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _seen: object = _NOTHING
    """The scope of the request whose bytes we waited for when we looked last."""
    _beside_bytes = 0
    """Bytes since the last that belonged to a body or ended a request."""
    _in_head = True
    _body_left = 0
    """Bytes that are still to come of a body whose length was declared."""
    _declined: bytes | None = None
    """A head without the upgrade that it offers, to be parsed again."""
    _is_refused = False
    _reading: RequestResponseCycle | None = None
    """The request whose body comes."""
    _last_status: HTTPStatus | None = None
    """What is answered instead of any further request, after those that are under way."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to watch, if there is room for one more."""
        others = len(self.connections)
        super().connection_made(transport)
        self._ahead = bytearray()
        self.flow = _Flow(transport, self._ahead)
        if others >= self.limits.connections + _REFUSED_AT_ONCE:
            CONNECTIONS_REFUSED.inc()
            self._is_refused = True
            transport.abort()
        elif others >= self.limits.connections:
            CONNECTIONS_REFUSED.inc()
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            self._watch = self.loop.call_later(self.limits.seconds / 2, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """End watching."""
        self._end_watching()
        super().connection_lost(exc)

    def _end_watching(self) -> None:
        for timer in (self._watch, self._unread):
            if timer is not None:
                timer.cancel()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over: what comes on it from now on, and when, is not ours to watch."""
        if self.cycle is not None and not self.cycle.response_complete:
            # Sent ahead of an answer, which would be written into the middle of frames.
            self._refuse(HTTPStatus.BAD_REQUEST)
            return
        self._end_watching()
        super().handle_websocket_upgrade()

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
        """Parse what came as far as its requests can be answered; the rest waits, and so does the client."""
        if self._is_refused:
            return
        if self._ahead or self.pipeline:
            self._ahead += data
            self.flow.pause_reading()
            return
        taken = self._parse(data)
        if taken < len(data):
            self._ahead += memoryview(data)[taken:]
            self.flow.pause_reading()

    def on_response_complete(self) -> None:
        """Go on with what was sent ahead."""
        is_last = not self.pipeline
        super().on_response_complete()
        if is_last and self._last_status is not None and not self.transport.is_closing():
            self._answer_last(self._last_status)
            return
        if self._ahead and not self.pipeline and not self.transport.is_closing():
            data = bytes(self._ahead)
            self._ahead.clear()
            taken = self._parse(data)
            self._ahead += memoryview(data)[taken:]
            # What is left may be all that the request which was begun waits for.
            self.flow.resume_reading()

    def _parse(self, data: bytes) -> int:
        """Parse until the end, or until a request waits for another one's answer; return the bytes taken."""
        self._unset_keepalive_if_required()
        view, at = memoryview(data), 0
        while at < len(data) and not self.pipeline and not self._is_refused:
            size = _PIECE_BYTES if self._in_head else self._body_left or _CHUNKS_BYTES
            at += self._feed(view[at : at + size] if at or len(data) > size else data)
        return len(data) if self._is_refused else at

    def _feed(self, piece: bytes | memoryview) -> int:
        """Parse a piece; return how much of it was taken."""
        self._beside_bytes += len(piece)
        taken = len(piece)
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as exc:
            taken = int(exc.args[0])
            if self._declined is not None:
                self._restart(self._declined)
            elif not self._is_refused:
                self.handle_websocket_upgrade()
        except httptools.HttpParserError:
            self._refuse(HTTPStatus.BAD_REQUEST)
        if self._beside_bytes > self.limits.size_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        return taken

    def _restart(self, head: bytes) -> None:
        """Parse a head once more: behind an offer to upgrade the parser takes no body."""
        self._declined = None
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        try:
            self.parser.feed_data(head)
        except httptools.HttpParserError:
            self._refuse(HTTPStatus.BAD_REQUEST)

    def on_headers_complete(self) -> None:
        """Begin to answer, unless the head is too large."""
        if self._is_refused:
            return
        most = self.limits.size_bytes
        if self._beside_bytes > most:
            size = len(self.url) + sum(len(name) + len(value) + _BESIDE for name, value in self.headers)
            if size > most:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
                return
        if self.parser.should_upgrade() and not self._should_upgrade():
            self._decline_upgrade()
            return
        if sum(name == b"host" for name, _ in self.headers) > 1:
            # Whoever stands in front may have decided by the other one (RFC 9112, section 3.2).
            self._refuse(HTTPStatus.BAD_REQUEST)
            return
        self._in_head = False
        self._beside_bytes = 0
        self._body_left = next(
            (int(value) for name, value in self.headers if name == b"content-length" and value.isdigit()), 0
        )
        self.scope[ABORT] = self.transport.abort  # type: ignore[typeddict-unknown-key]
        before = self.cycle
        super().on_headers_complete()
        self._reading = None if self.cycle is before else self.cycle

    def _should_upgrade_to_ws(self) -> bool:
        return self.url.partition(b"?")[0] in self.socket_paths and super()._should_upgrade_to_ws()

    def _decline_upgrade(self) -> None:
        """Note the request without its offer: a server may ignore it (RFC 9110, section 7.8)."""
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse(HTTPStatus.METHOD_NOT_ALLOWED)
            return
        lines = [method + b" " + self.url + b" HTTP/" + self.parser.get_http_version().encode() + b"\r\n"]
        for name, value in self.headers:
            if name == b"connection":
                kept = [token for token in value.split(b",") if token.strip().lower() not in _UPGRADE]
                value = b",".join(kept)
            if name not in _UPGRADE and value:
                lines.append(name + b": " + value + b"\r\n")
        self._declined = b"".join(lines) + b"\r\n"

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body for its reader."""
        if self._is_refused:
            return
        self._beside_bytes = 0
        self._body_left = max(self._body_left - len(body), 0)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for the next request."""
        if self._is_refused or self._declined is not None:
            return
        self._in_head = True
        self._reading = None
        self._beside_bytes = 0
        super().on_message_complete()

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
        """Answer that nothing is read any further, in place of what is being read, and close."""
        if self._is_refused or self.transport.is_closing():
            return
        self._is_refused = True
        self._ahead.clear()
        reading, self._reading = self._reading, None
        if self.pipeline or (reading is None and self.cycle is not None and not self.cycle.response_complete):
            # It is another request that is being answered.
            if reading is not None:
                self.pipeline.clear()
            self._last_status = status
        elif reading is None:
            self._answer_last(status)
        elif reading.response_started:
            # A second answer to the same request would be taken for that to the next.
            self.transport.close()
        else:
            reading.disconnected = True
            reading.message_event.set()
            self._answer_last(status)

    def _answer_last(self, status: HTTPStatus) -> None:
        """Write the last answer of the connection, and end it soon."""
        self._unset_keepalive_if_required()
        text = f"{status.phrase}\n".encode()
        retry = f"retry-after: {_RETRY_AFTER_S}\r\n" if status is HTTPStatus.SERVICE_UNAVAILABLE else ""
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: text/plain; charset=utf-8\r\n"
            f"{_SECURITY}{retry}content-length: {len(text)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + text)
        self.transport.write_eof()
        if self._watch is not None:
            self._watch.cancel()
        self._watch = self.loop.call_later(_LINGER_S, self.transport.abort)


def connection_class(limits: ConnectionLimits, socket_paths: frozenset[str]) -> type[Connection]:
    """Return the class of connections with these limits and addresses of WebSockets, as uvicorn wants it."""

    class Limited(Connection):
        pass

    Limited.limits, Limited.socket_paths = limits, frozenset(path.encode() for path in socket_paths)
    return Limited
