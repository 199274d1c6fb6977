"""A server with checks, and something that answers them."""

from __future__ import annotations

import http.client
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.process import Server

CHECKS = """\
checks:
- {{name: home, type: http, url: "http://127.0.0.1:{port}/", interval: 1s, component: site}}
- {{name: intranet-db, type: tcp, host: 127.0.0.1, port: 1, interval: 1s, fail_after: 1, component: shop,
    labels: {{region: eu}}}}
- {{name: cart, type: tcp, host: 127.0.0.1, port: 1, interval: 1s, fail_after: 1, component: shop,
    depends_on: [intranet-db]}}
- {{name: scrapes, type: promql, query: 'up{{job="pharos"}} == 0', interval: 1s}}
- {{name: panics, type: logql, interval: 1s,
    query: 'count_over_time({{service_name="shop"}} |= "panic" [5m]) > 0'}}
components:
- {{name: shop, title: The shop}}
"""


class Fine(BaseHTTPRequestHandler):
    """Answers that all is well."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


class Asking:
    """What is asked of a server, as a tenant."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __call__(self, address: str, body: Any = None, *, tenant: str = "default") -> tuple[int, Any]:
        """Return (status, data or error) of a method and a path."""
        method, _, path = address.partition(" ")
        headers = {"X-Scope-OrgID": tenant, "Content-Type": "application/json"}
        packed = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", packed, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read()).get("data")
        except urllib.error.HTTPError as exc:
            with exc:
                return exc.code, json.loads(exc.read())["error"]

    def page(self, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
        """Return (status, headers, text) of a path as it is written, nothing of it made plain."""
        connection = http.client.HTTPConnection(self.url.partition("://")[2], timeout=30)
        try:
            connection.putrequest("GET", path, skip_host="Host" in headers)
            for name, value in headers.items():
                connection.putheader(name.replace("_", "-"), value)
            connection.endheaders()
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, named, answer.read().decode()
        finally:
            connection.close()

    def until(self, address: str, holds: Callable[[Any], bool], tenant: str = "default") -> Any:
        """Return what an address answers once that holds."""
        ends = time.monotonic() + 60
        while not holds(found := self(address, tenant=tenant)[1]):
            assert time.monotonic() < ends, found
            time.sleep(0.1)
        return found


@pytest.fixture(scope="package")
def target() -> Iterator[int]:
    """The port of something that is well."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Fine)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory, target: int) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("health")
    (folder / "checks.yml").write_text(CHECKS.format(port=target))
    (folder / "pharos.yml").write_text(
        "checks: ['checks*.yml']\nself_scrape_interval: 500ms\nevaluation: {interval: 1s}\n"
        "hosts: [pharos.example.com]\nurl: https://pharos.example.com\n"
        "health: {domains: {status.example.com: default, status.other.example.com: other}}\n"
    )
    made = Server(folder / "data", "--config", str(folder / "pharos.yml"))
    yield made
    assert made.stop() == 0, made.log.read_text()


@pytest.fixture(scope="package")
def ask(server: Server) -> Asking:
    found = Asking(server.url)
    assert found("POST /api/tenants", {"id": "other", "name": "Other"})[0] == 201
    return found


@pytest.fixture(scope="package")
def checks_file(server: Server) -> Path:
    return server.folder.parent / "checks.yml"
