"""A workflow engine's control hook on loopback: it notes what it is asked, and answers as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(slots=True)
class Engine:
    """What the hook was asked, and what it answers next."""

    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    status: int = 200
    answer: bytes = b""
    location: str = ""
    may_answer: threading.Event = field(default_factory=threading.Event)

    def says(
        self, status: int, document: Any = None, *, raw: bytes | None = None, location: str = ""
    ) -> None:
        """Have it answer so from now on."""
        self.status, self.location = status, location
        self.answer = raw if raw is not None else b"" if document is None else json.dumps(document).encode()


@contextmanager
def engine_at_loopback() -> Iterator[Engine]:
    """Run a hook until the exit."""
    engine = Engine()
    engine.may_answer.set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            engine.bodies.append(body)
            engine.headers.append({name.lower(): value for name, value in self.headers.items()})
            engine.asked.append(json.loads(body))
            engine.may_answer.wait(30)
            self.send_response(engine.status)
            if engine.location:
                self.send_header("Location", engine.location)
            self.send_header("Content-Length", str(len(engine.answer)))
            self.end_headers()
            self.wfile.write(engine.answer)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    engine.url = f"http://127.0.0.1:{server.server_address[1]}/control/of-secret"
    try:
        yield engine
    finally:
        engine.may_answer.set()
        server.shutdown()
        server.server_close()
        thread.join()
