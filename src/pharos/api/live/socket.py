"""The live feed over a WebSocket (`/ws`)."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

from msgspec import Struct
from starlette.types import Scope as Asked
from starlette.websockets import WebSocket

from pharos.access import Scope
from pharos.api.http.errors import native_error
from pharos.api.http.identity import Identify, scope_by_now, scope_of
from pharos.api.http.socket import WIRE, Wire
from pharos.errors import PharosError
from pharos.live.frames import Frame
from pharos.live.hub import Hub
from pharos.live.outbox import TOO_SLOW
from pharos.live.refusal import Code, RefusedError
from pharos.live.session import Session

SOCKET_PATH: Final = "/ws"
WATCH: Final = "dashboards.view"
"""The permission to be a client at all; each stream asks for its own."""
_IN_A_ROW: Final = 32
"""So many messages of one client are followed before others have their turn on the event loop."""


class WireOutlet(Struct, frozen=True):
    """Sends a client's messages down its wire."""

    wire: Wire

    def is_ready(self) -> bool:
        """Return whether what is written now does not pile up."""
        return self.wire.is_ready()

    def write(self, frame: Frame) -> None:
        """Send a message."""
        self.wire.write_frames(frame.wire(self.wire.window_bits))

    def close(self, code: int, reason: str) -> None:
        """End the connection."""
        self.wire.leave(code, reason)


class LiveSocket(Struct, frozen=True):
    """Serves the feed to one client after the other."""

    hub: Hub
    identify: Identify

    async def serve(self, socket: WebSocket) -> None:
        """Talk with a client until either side ends it."""
        try:
            scope = scope_of(socket).alone()
            self.hub.require_room()
        except PharosError as exc:
            await socket.receive()
            await socket.send_denial_response(native_error(exc))
            return
        wire: Wire = socket.scope[WIRE]
        await socket.accept()
        try:
            session = self.hub.open(scope, WireOutlet(wire), wire.window_bits)
        except PharosError as exc:
            wire.leave(TOO_SLOW, str(exc)[:100])
            return
        session.recheck = partial(may_watch, socket.scope, self.identify)
        wire.flows, wire.heard = session.outbox.flow, session.hear
        wire.gone = partial(self.hub.close, session)
        try:
            await self._talk(socket, session)
        finally:
            self.hub.close(session)

    async def _talk(self, socket: WebSocket, session: Session) -> None:
        count = 0
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if text is None:
                hint = "send JSON as text"
                session.refuse(RefusedError(Code.UNSUPPORTED_FRAME, "binary frames are not read", hint=hint))
            else:
                await session.handle(text)
            count += 1
            if count % _IN_A_ROW == 0:
                await asyncio.sleep(0)


async def may_watch(asked: Asked, identify: Identify) -> Scope:
    """Return what a client of the feed may see by now. Raises PharosError where it may not be here."""
    scope = (await scope_by_now(asked, identify)).alone()
    scope.check(WATCH)
    return scope
