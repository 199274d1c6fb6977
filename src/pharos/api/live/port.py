"""A port at which only the feed is answered, at `/` too, where the Qflow document has it."""

from __future__ import annotations

from typing import Final

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from pharos.api.app import App
from pharos.api.live.socket import SOCKET_PATH

_ROOT: Final = "/"
_ELSEWHERE: Final = f"Here is only the live feed: a WebSocket at {_ROOT} and {SOCKET_PATH}.\n"


def feed_alone(app: App) -> App:
    """Return the application of a port of the feed's own, which is a part of the whole one."""

    async def answer(asked: Scope, receive: Receive, send: Send) -> None:
        if asked["type"] == "websocket":
            at_root = {**asked, "path": SOCKET_PATH, "raw_path": SOCKET_PATH.encode()}
            await app.answer(at_root if asked["path"] == _ROOT else asked, receive, send)
        elif asked["type"] == "http":
            await PlainTextResponse(_ELSEWHERE, 404)(asked, receive, send)

    return App(answer, frozenset({_ROOT, SOCKET_PATH}))
