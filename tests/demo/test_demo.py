"""The demo of a running server: started, looked at, stopped and erased with one request each."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from tests.process import Server


class Peer:
    """Asks a server in a tenant."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, method: str, path: str, tenant: str = "default") -> tuple[int, Any]:
        headers = {"X-Scope-OrgID": tenant}
        request = urllib.request.Request(f"{self.url}{path}", None, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as exc:
            with exc:
                return exc.code, json.load(exc)

    def until(self, path: str, tenant: str) -> Any:
        """Ask until there is something."""
        for _ in range(300):
            _, found = self.ask("GET", path, tenant)
            result = found["data"].get("result") or found["data"].get("lines") or found["data"].get("traces")
            if result:
                return result
            threading.Event().wait(0.1)
        raise AssertionError(path)


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    server = Server(tmp_path_factory.mktemp("demo") / "store")
    yield Peer(server.url)
    assert server.stop() == 0, server.log.read_text()


def test_nothing_runs_until_it_is_asked_for(peer: Peer) -> None:
    _, found = peer.ask("GET", "/api/demo")
    assert (found["data"]["is_running"], found["data"]["tenant"]) == (False, "")
    status, found = peer.ask("DELETE", "/api/demo")
    assert status == 404
    assert "no demo" in found["error"]


def test_a_shop_sends_in_a_tenant_of_its_own_and_is_erased(peer: Peer) -> None:
    status, found = peer.ask("POST", "/api/demo/start")
    assert (status, found["data"]["tenant"], found["data"]["is_running"]) == (200, "demo", True)
    expression = urllib.parse.quote("sum by (service) (shop_requests_total)")
    names = {one["metric"]["service"] for one in peer.until(f"/api/v1/query?query={expression}", "demo")}
    assert names == {"frontend", "catalog", "cart", "checkout", "payments"}
    line = peer.until("/api/logs/search?query=order", "demo")[0]
    assert peer.until(f"/api/spans/search?query=trace_id:{line['trace_id']}", "demo")
    _, boards = peer.ask("GET", "/api/pharos/dashboards", "demo")
    assert "demo-shop" in json.dumps(boards)
    _, rules = peer.ask("GET", "/api/alerting/rules", "demo")
    assert [one["name"] for one in rules["data"]] == ["shop"]
    _, nothing = peer.ask("GET", f"/api/v1/query?query={expression}")
    assert nothing["data"]["result"] == []
    _, found = peer.ask("POST", "/api/demo/stop")
    assert (found["data"]["tenant"], found["data"]["is_running"]) == ("demo", False)
    _, found = peer.ask("DELETE", "/api/demo")
    assert found["data"]["tenant"] == ""


def test_the_next_shop_has_another_tenant_and_nobody_elses(peer: Peer) -> None:
    body = json.dumps({"id": "demo-2"}).encode()
    request = urllib.request.Request(
        f"{peer.url}/api/tenants", body, {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 201
    _, found = peer.ask("POST", "/api/demo/start")
    assert found["data"]["tenant"] == "demo-3"
    _, found = peer.ask("DELETE", "/api/demo")
    assert found["data"]["is_running"] is False
    status, found = peer.ask("GET", "/api/tenants/demo-2")
    assert (status, found["data"]["condition"]) == (200, "open")
