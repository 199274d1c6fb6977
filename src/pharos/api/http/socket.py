"""One WebSocket: uvicorn's, which ends when its client does not read on, and compresses where it may.

Messages that are the same for many clients are framed and compressed elsewhere, once: `Wire` takes them as
they go out. Without context takeover nothing of a message depends on those before it; so neither side keeps
a window for each connection, which would be 40 kB.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import CloseCode
from websockets.server import ServerProtocol

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent
    from websockets.frames import Frame
    from websockets.http11 import Request

WIRE: Final = "pharos.wire"
"""Where the scope of a WebSocket holds its `Wire`."""
_LINGER_S: Final = 2.0
"""So long a client may take to hear that it is let go."""


class Wire(Protocol):
    """What leads to one client, below messages."""

    window_bits: int
    """The window by which it takes compressed messages; 0 where it takes none."""
    flows: Callable[[], None]
    """Called when it takes more again."""
    heard: Callable[[], None]
    """Called when anything came from it, a pong too."""
    gone: Callable[[], None]
    """Called as soon as it is closed or lost, though messages of it may wait to be received."""

    def is_ready(self) -> bool:
        """Return whether what is written now does not pile up."""
        ...

    def write_frames(self, frames: bytes) -> None:
        """Send whole frames as they are; nothing, once it is being closed."""
        ...

    def leave(self, code: int, reason: str) -> None:
        """Close it, though nobody may read that; whoever receives from it hears of it at once."""
        ...


def _nothing() -> None:
    return


class Socket(WebSocketsSansIOProtocol):
    """Lets nothing lie in memory for a client that reads no longer than it may leave a ping unanswered."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        compressing = ServerPerMessageDeflateFactory(
            server_no_context_takeover=True, client_no_context_takeover=True
        )
        self.conn = ServerProtocol(
            extensions=[compressing] if self.config.ws_per_message_deflate else [],
            max_size=self.config.ws_max_size,
            logger=logging.getLogger("uvicorn.error"),
        )
        self.window_bits = 0
        self.flows: Callable[[], None] = _nothing
        self.heard: Callable[[], None] = _nothing
        self.gone: Callable[[], None] = _nothing
        self._unread: asyncio.TimerHandle | None = None

    def handle_connect(self, event: Request) -> None:
        """Begin, and say how it is compressed."""
        super().handle_connect(event)
        if self.response.status_code == 101:
            self.window_bits = next(
                (
                    one.local_max_window_bits
                    for one in self.conn.extensions
                    if isinstance(one, PerMessageDeflate)
                ),
                0,
            )
            self.scope[WIRE] = self  # type: ignore[typeddict-unknown-key]

    def send_receive_event_to_app(self) -> None:
        """Hand on a message; one that is no UTF-8 ends the connection, and is no news in our log."""
        if self.curr_msg_data_type == "text":
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self.frames = []
                self.conn.send_close(CloseCode.INVALID_DATA)
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()

    async def send(self, message: ASGISendEvent) -> None:
        """Send; a handshake that was refused with an answer of its own is over."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self.heard()
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """End watching."""
        if self._unread is not None:
            self._unread.cancel()
        self.gone()
        self.flows = self.heard = self.gone = _nothing
        super().connection_lost(exc)

    def handle_close(self, event: Frame) -> None:
        """Close, since the client does."""
        self.gone()
        super().handle_close(event)

    def pause_writing(self) -> None:
        """Wait for the client to read, but not for ever."""
        super().pause_writing()
        if self.ping_timeout is not None:
            # A close would wait until all that lies there is read.
            self._unread = self.loop.call_later(self.ping_timeout, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on writing."""
        if self._unread is not None:
            self._unread.cancel()
        super().resume_writing()
        self.flows()

    # -- as a wire --

    def is_ready(self) -> bool:
        """Return whether what is written now does not pile up."""
        return self.writable.is_set()

    def write_frames(self, frames: bytes) -> None:
        """Send whole frames as they are; nothing, once it is being closed."""
        if not self.close_sent and not self.disconnected and not self.transport.is_closing():
            self.transport.write(frames)

    def leave(self, code: int, reason: str) -> None:
        """Close it, though nobody may read that; whoever receives from it hears of it at once."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(_LINGER_S, self.transport.abort)
