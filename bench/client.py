"""A query client that costs little: one keep-alive connection, time taken to the last byte of the answer."""

from __future__ import annotations

import http.client
import json
import socket
import time
from typing import Any
from urllib.parse import urlencode


class QueryError(Exception):
    """The server answered with something else than success; the message holds its words."""


class Client:
    """One connection to a server on loopback; not for several threads."""

    def __init__(self, port: int, timeout_s: float = 600) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
        self.last_s = 0.0
        """How long the last request took, to the last byte."""

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Return status and body, connecting again once if an idle connection was closed."""
        for attempt in (0, 1):
            fresh = self._connection.sock is None
            begun = time.perf_counter()
            try:
                if fresh:
                    self._connection.connect()
                    self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._connection.request(method, path, body, headers or {})
                answer = self._connection.getresponse()
                content = answer.read()
            except (http.client.HTTPException, ConnectionError):
                self._connection.close()
                if fresh or attempt:
                    raise
                continue
            self.last_s = time.perf_counter() - begun
            return answer.status, content
        raise AssertionError("unreachable")

    def get(self, path: str, **arguments: str) -> bytes:
        """Return the body of a successful GET; raises QueryError otherwise."""
        status, content = self.request("GET", f"{path}?{urlencode(arguments)}" if arguments else path)
        if status not in {200, 204}:
            raise QueryError(f"GET {path} {arguments}: {status} {content[:500].decode(errors='replace')}")
        return content

    def post_json(self, path: str) -> Any:
        """Return the JSON that answers an empty POST; raises QueryError when it is not a success."""
        status, content = self.request("POST", path, b"")
        if status != 200:
            raise QueryError(f"POST {path}: {status} {content[:500].decode(errors='replace')}")
        return json.loads(content)

    def instant(self, expression: str, time_s: float, **more: str) -> list[tuple[dict[str, str], float]]:
        """Return labels and value of each series of an instant query at `time_s`."""
        content = self.get("/api/v1/query", query=expression, time=f"{time_s:.3f}", **more)
        return [(row["metric"], float(row["value"][1])) for row in json.loads(content)["data"]["result"]]

    def range(
        self, expression: str, start_s: float, end_s: float, step_s: float, **more: str
    ) -> list[tuple[dict[str, str], list[tuple[float, float]]]]:
        """Return labels and (time, value) points of each series of a range query."""
        content = self.range_bytes(expression, start_s, end_s, step_s, **more)
        return [
            (row["metric"], [(float(at), float(text)) for at, text in row["values"]])
            for row in json.loads(content)["data"]["result"]
        ]

    def range_bytes(self, expression: str, start_s: float, end_s: float, step_s: float, **more: str) -> bytes:
        """Return the answer of a range query as it came, `last_s` set."""
        return self.get(
            "/api/v1/query_range",
            query=expression,
            start=f"{start_s:.3f}",
            end=f"{end_s:.3f}",
            step=f"{step_s:g}",
            **more,
        )

    def __del__(self) -> None:
        self._connection.close()
