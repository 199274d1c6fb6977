"""A stand-in for the API of Kubernetes: it keeps objects, and who patched which of them with what."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CUSTOM = "/apis/argoproj.io/"
ROLLOUTS = f"{CUSTOM}v1alpha1/namespaces/shop/rollouts/"
TEMPLATES = f"{CUSTOM}v1alpha1/namespaces/shop/analysistemplates/"
SECRETS = "/api/v1/namespaces/shop/secrets/"
SERVICES = "/api/v1/namespaces/shop/services/"
PHAROS, CONTROLLER = "service-account", "controller"
"""Tokens of those who may ask."""
_STRATEGIC = "application/strategic-merge-patch+json"


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch that came, of whom, and when (time.monotonic)."""

    by: str
    path: str
    kind: str
    body: Any
    at: float


def merged(document: Any, patch: Any) -> Any:
    """Return a document with a merge patch (RFC 7396) applied to it."""
    if not isinstance(patch, dict):
        return patch
    found = dict(document) if isinstance(document, dict) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name), value)
    return found


class Cluster:
    """Takes reads and patches of the objects that are put into it."""

    def __init__(self) -> None:
        self._patches: list[Patch] = []
        self._objects: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()
        cluster = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(*cluster.read(self._who(), self.path))

            def do_PATCH(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._answer(*cluster.patch(self._who(), self.path, self.headers["Content-Type"], body))

            def _who(self) -> str:
                return self.headers.get("Authorization", "").removeprefix("Bearer ")

            def _answer(self, status: int, document: dict[str, Any]) -> None:
                data = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: object) -> None:
                """Stay silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def put(self, path: str, document: dict[str, Any]) -> None:
        """Keep an object."""
        with self._lock:
            self._objects[path] = document

    def get(self, path: str) -> dict[str, Any]:
        """Return an object."""
        with self._lock:
            return self._objects[path]

    def patches(self, by: str = PHAROS) -> list[Patch]:
        """Return what somebody patched, in order."""
        with self._lock:
            return [one for one in self._patches if one.by == by]

    def read(self, who: str, path: str) -> tuple[int, dict[str, Any]]:
        """Return (status, what is answered) to who asks for an object."""
        with self._lock:
            if who not in {PHAROS, CONTROLLER}:
                return _failure(401, "Unauthorized")
            found = self._objects.get(path)
        return _failure(404, "NotFound") if found is None else (200, found)

    def patch(self, who: str, path: str, kind: str, body: Any) -> tuple[int, dict[str, Any]]:
        """Return (status, what is answered) to who patches an object, or its status."""
        with self._lock:
            if who not in {PHAROS, CONTROLLER}:
                return _failure(401, "Unauthorized")
            self._patches.append(Patch(who, path, kind, body, time.monotonic()))
            is_status = path.endswith("/status")
            path = path.removesuffix("/status")
            found = self._objects.get(path)
            if found is None:
                return _failure(404, "NotFound")
            if path.startswith(CUSTOM) and kind == _STRATEGIC:
                return _failure(415, "UnsupportedMediaType")
            if path.startswith(CUSTOM):
                # The status is a part of its own: a patch of one leaves the other as it is, and is taken.
                body = {name: value for name, value in body.items() if (name == "status") is is_status}
            after = self._objects[path] = merged(found, body)
            return 200, after

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def _failure(code: int, reason: str) -> tuple[int, dict[str, Any]]:
    return code, {"apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": reason, "code": code}
