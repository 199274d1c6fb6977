"""A client for tests of a running receiver: send a body as a sender would, and read back what is stored."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.ingest import rw_messages as rw

SENDER = {"User-Agent": "receiver-tests/1"}
TENANT = "X-Scope-OrgID"
WRITTEN = tuple(
    f"X-Prometheus-Remote-Write-{part}-Written" for part in ("Samples", "Histograms", "Exemplars")
)
VISIBLE_WITHIN_S = 10.0


@dataclass(frozen=True)
class Answer:
    """A response: status, headers, body as text."""

    status: int
    headers: Mapping[str, str]
    text: str

    def written(self) -> list[int]:
        """Return samples, histograms and exemplars written; a missing header is 0 (2.0 "Written" headers)."""
        return [int(self.headers.get(name.lower(), "0")) for name in WRITTEN]


class Receiver:
    """A receiver at a URL, addressed as one tenant."""

    def __init__(self, url: str, tenant: str) -> None:
        parts = urllib.parse.urlsplit(url)
        assert parts.hostname
        self._address = (parts.hostname, parts.port or 80)
        self._prefix = parts.path.rstrip("/")
        self._tenant = {TENANT: tenant}

    def call(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """Send one request on a connection of its own and return the answer.

        A receiver may answer and close before it has read a body that it refuses.
        """
        connection = http.client.HTTPConnection(*self._address, timeout=60)
        try:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, self._prefix + path, body, {**self._tenant, **headers})
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, text)
        finally:
            connection.close()

    def write(self, body: bytes, version: int, *, packed: bool = False) -> Answer:
        """Send a plain (or, if `packed`, compressed) remote write body with the headers of its version."""
        headers = {
            **SENDER,
            "Content-Encoding": "snappy",
            "Content-Type": rw.V2_TYPE if version == 2 else rw.V1_TYPE,
            "X-Prometheus-Remote-Write-Version": "2.0.0" if version == 2 else "0.1.0",
        }
        return self.call("POST", "/api/v1/write", body if packed else rw.compress(body), headers)

    def get(self, path: str, **parameters: str) -> Any:
        """Return the `data` of a query API response that must be a success."""
        query = urllib.parse.urlencode(parameters)
        answer = self.call("GET", f"{path}?{query}", None, SENDER)
        assert answer.status == 200, f"{path} {parameters}: {answer.status} {answer.text[:500]}"
        return json.loads(answer.text)["data"]


def seconds(time_ms: int) -> str:
    """Return a time as the query API takes it, exact to the millisecond."""
    return f"{time_ms // 1000}.{time_ms % 1000:03}"


def eventually(found: Callable[[], Any]) -> Any:
    """Return the first answer of `found` that is true, asking until what was acknowledged must be visible."""
    deadline = time.monotonic() + VISIBLE_WITHIN_S
    while not (answer := found()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return answer
