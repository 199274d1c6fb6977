"""A receiver of webhooks that writes down what it accepts, and answers as it is told to."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Hook:
    """What came in; used from several threads."""

    url: str = ""
    status: int = 200
    hold: threading.Event | None = None
    """Where set, no answer is given before it is set."""
    tries: int = 0
    accepted: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    """When each message came (time.monotonic), and what it said."""
    _changed: threading.Condition = field(default_factory=lambda: threading.Condition(threading.RLock()))

    def receive(self, body: bytes) -> int:
        with self._changed:
            status, hold = self.status, self.hold
            self.tries += 1
            if 200 <= status < 300:
                self.accepted.append((time.monotonic(), json.loads(body)))
            self._changed.notify_all()
        if hold is not None:
            hold.wait(60)
        return status

    def told(self, name: str, receiver: str | None = None) -> list[str]:
        """Return the statuses in which a receiver, or any, was told of an alert, in order."""
        with self._changed:
            return [
                alert["status"]
                for _, message in self.accepted
                for alert in message["alerts"]
                if alert["labels"]["alertname"] == name
                if receiver is None or message["receiver"] == receiver
            ]

    def wait(self, holds: Callable[[], bool], seconds: float = 60) -> bool:
        """Wait until something is so, looked at whenever a message came; return whether it is."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not holds():
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(min(left, 0.2))
        return True


@contextmanager
def hooking() -> Iterator[Hook]:
    """Receive webhooks until the exit."""
    hook = Hook()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status = hook.receive(body)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 512

        def handle_error(self, *_: object) -> None:
            # Whoever called was killed.
            return

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hook.url = f"http://127.0.0.1:{server.server_address[1]}/"
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
