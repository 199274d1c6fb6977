"""The servers that are compared, and one client for both: write samples, ask expressions."""

from __future__ import annotations

import http.client
import json
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.ingest import rw_messages as rw
from tests.peers import prometheus_at
from tests.process import Server

SETTINGS = """\
retention: {{metrics: 0}}
ingest: {{max_sample_age: 0}}
promql: {{experimental: {experimental}}}
self_scrape_interval: 1h
"""
"""What the conformance suite asks for: samples of any age, kept for ever."""

OneSeries = Mapping[str, Any]
"""A series as `rw_messages.v2_body` takes it."""


class Client:
    """A server's write and query APIs, over one connection that is kept."""

    def __init__(self, url: str, tenant: str = "differential") -> None:
        parts = urllib.parse.urlsplit(url)
        self.url = url
        self.tenant = tenant
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _call(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        self._connection.request("POST", path, body, {"X-Scope-OrgID": self.tenant, **headers})
        response = self._connection.getresponse()
        return response.status, response.read()

    def write(self, series: Sequence[OneSeries], version: int = 1) -> None:
        """Send series by remote write; the server must take all of it."""
        plain = rw.v2_body(series) if version == 2 else rw.v1_body(series)
        headers = {
            "Content-Encoding": "snappy",
            "Content-Type": rw.V2_TYPE if version == 2 else rw.V1_TYPE,
            "X-Prometheus-Remote-Write-Version": "2.0.0" if version == 2 else "0.1.0",
        }
        status, text = self._call("/api/v1/write", rw.compress(plain), headers)
        assert status // 100 == 2, f"remote write answered {status}: {text[:500]!r}"

    def ask_text(self, path: str, **parameters: str) -> tuple[int, bytes]:
        """Return status and body of a question to the query API."""
        form = urllib.parse.urlencode(parameters).encode()
        return self._call(f"/api/v1/{path}", form, {"Content-Type": "application/x-www-form-urlencoded"})

    def ask(self, path: str, **parameters: str) -> Any:
        """Return the answer to a question, which must not be a fault of the server.

        On a machine that is slow it says of some that accepted samples are not stored yet: asked again.
        """
        status, text = self.ask_text(path, **parameters)
        while b"are not stored yet" in text:
            status, text = self.ask_text(path, **parameters)
        assert status < 500 or status == 503, f"{parameters}: {status} {text[:500]!r}"
        return json.loads(text)

    def instant(self, expr: str, at_ms: int) -> Any:
        """Return the answer to an instant query."""
        return self.ask("query", query=expr, time=seconds(at_ms))

    def ranged(self, expr: str, start_ms: int, end_ms: int, step_ms: int) -> Any:
        """Return the answer to a range query."""
        times = {"start": seconds(start_ms), "end": seconds(end_ms), "step": seconds(step_ms)}
        return self.ask("query_range", query=expr, **times)


def seconds(time_ms: int) -> str:
    """Return a time as the query API takes it, exact to the millisecond."""
    sign = "-" if time_ms < 0 else ""
    return f"{sign}{abs(time_ms) // 1000}.{abs(time_ms) % 1000:03}"


@contextmanager
def running_pharos(folder: Path, *, experimental: bool, more: str = "") -> Iterator[Client]:
    """Run Pharos over an empty folder with the settings of the conformance suite."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "pharos.yml"
    config.write_text(SETTINGS.format(experimental=str(experimental).lower()) + more)
    server = Server(folder / "store", "--config", str(config))
    client = Client(server.url)
    try:
        yield client
    finally:
        client.close()
        code = server.stop()
    assert code == 0, server.log.read_text()


@contextmanager
def running_prometheus(folder: Path, config: str = "") -> Iterator[Client]:
    """Run the installed Prometheus over an empty folder, open for remote write of samples of any age."""
    with prometheus_at(folder, config, "--storage.tsdb.retention.time=100y") as url:
        client = Client(url)
        try:
            yield client
        finally:
            client.close()
