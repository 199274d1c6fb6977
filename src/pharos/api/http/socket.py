"""One WebSocket: uvicorn's, which ends when its client does not read on."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class Socket(WebSocketsSansIOProtocol):
    """Lets nothing lie in memory for a client that reads no longer than it may leave a ping unanswered."""

    _unread: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """End watching."""
        if self._unread is not None:
            self._unread.cancel()
        super().connection_lost(exc)

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
