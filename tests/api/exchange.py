"""One connection to an application in this process."""

from __future__ import annotations

from typing import Any

from pharos.api.http.headers import SECURITY


class Exchange:
    """One connection to an application, with what it answered."""

    def __init__(self, kind: str, path: str, *, method: str = "GET", headers: Any = ()) -> None:
        self.asked: dict[str, Any] = {
            "type": kind,
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [(b"host", b"127.0.0.1"), *headers],
            "extensions": {"websocket.http.response": {}},
            "subprotocols": [],
        }
        self.sent: list[Any] = []

    async def receive(self) -> Any:
        if self.asked["type"] == "websocket":
            return {"type": "websocket.connect"}
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def with_(self, app: Any) -> Exchange:
        await app(self.asked, self.receive, self.send)
        return self

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    def is_secured(self) -> bool:
        return set(SECURITY) <= set(map(tuple, self.sent[0]["headers"]))
