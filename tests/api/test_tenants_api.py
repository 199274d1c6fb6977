"""Tenants over HTTP and on the command line: limits as senders meet them, suspension, usage, deletion."""

from __future__ import annotations

import http.client
import json
import os
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import cramjam
import pytest
from tests.ingest.rw_messages import v1_body
from tests.process import Server

_TEXTS = {"/loki/api/v1/push": "application/json", "/api/v2/spans": "application/json"}
EVERYTHING = '{__name__=~".+"}'


class Peer:
    """Asks a server about tenants."""

    def __init__(self, server: Server) -> None:
        self.server, self.url = server, server.url

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        **headers: str,
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Return status, answer (of JSON the document) and headers."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if data is not None and not isinstance(body, bytes):
            named["Content-Type"] = "application/json"
        request = urllib.request.Request(f"{self.url}{path}", data, named, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, _read(answer.read()), _titled(answer.headers)
        except urllib.error.HTTPError as exc:
            with exc:
                return exc.code, _read(exc.read()), _titled(exc.headers)

    def write(
        self, tenant: str, *metrics: str, agent: str = "x", samples: int = 1
    ) -> tuple[int, Any, Mapping[str, str]]:
        now_ms = time.time_ns() // 1_000_000
        times = [(now_ms - k, 1.0) for k in range(samples, 0, -1)]
        body = v1_body([{"labels": [("__name__", name)], "samples": times} for name in metrics])
        packed = bytes(cramjam.snappy.compress_raw(body))
        return self.ask(
            "POST",
            "/api/v1/write",
            packed,
            X_Scope_OrgID=tenant,
            User_Agent=agent,
            Content_Type="application/x-protobuf",
        )

    def count(self, tenant: str) -> int:
        path = f"/api/v1/query?{urlencode({'query': f'count({EVERYTHING})', 'nocache': '1'})}"
        status, answer, _ = self.ask("GET", path, X_Scope_OrgID=tenant)
        assert status == 200, answer
        found = answer["data"]["result"]
        return int(found[0]["value"][1]) if found else 0

    def until(self, tenant: str, count: int) -> None:
        for _ in range(300):
            if self.count(tenant) == count:
                return
            time.sleep(0.1)
        raise AssertionError(f"{self.count(tenant)} series of {tenant}, not {count}")

    def command(self, *arguments: str, code: int = 0) -> Any:
        """Return what `pharos tenant ... --json` prints."""
        called = [sys.executable, "-m", "pharos.cli", "tenant", *arguments]
        done = subprocess.run(
            [*called, "--data", str(self.server.folder), "--json"],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "COLUMNS": "200"},
        )
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout or done.stderr)


def _titled(headers: Any) -> dict[str, str]:
    return {name.title(): value for name, value in headers.items()}


def _read(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    server = Server(tmp_path_factory.mktemp("tenants") / "store")
    yield Peer(server)
    assert server.stop() == 0, server.log.read_text()


def _limit(peer: Peer, tenant: str, **limits: object) -> Any:
    status, answer, _ = peer.ask("PATCH", f"/api/tenants/{tenant}/limits", limits)
    assert status == 200, answer
    return answer["data"]


def test_a_tenant_is_made_listed_renamed_and_refused_twice(peer: Peer) -> None:
    status, answer, _ = peer.ask("POST", "/api/tenants", {"id": "team-a", "name": "Team A"})
    assert (status, answer["data"]["name"], answer["data"]["condition"]) == (201, "Team A", "open")
    status, answer, _ = peer.ask("POST", "/api/tenants", {"id": "team-a"})
    assert status == 400
    assert "already" in answer["error"]
    status, answer, _ = peer.ask("PATCH", "/api/tenants/team-a", {"name": "The A team"})
    assert (status, answer["data"]["name"]) == (200, "The A team")
    listed = {one["id"]: one["name"] for one in peer.ask("GET", "/api/tenants")[1]["data"]}
    assert listed["team-a"] == "The A team"
    assert "default" in listed
    assert peer.ask("GET", "/api/tenants/nobody")[0] == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("POST", "/api/tenants", {"id": "a|b"}, "no tenant"),
        ("POST", "/api/tenants", {"id": 1}, "must be a text"),
        ("POST", "/api/tenants", {"id": "x", "admin": True}, "there is no 'admin'"),
        ("POST", "/api/tenants", b"[]", "JSON object"),
        ("POST", "/api/tenants", b"{", "no JSON"),
        ("PATCH", "/api/tenants/default/limits", {"max_serie": 1}, "there is no 'max_serie'"),
        ("PATCH", "/api/tenants/default/limits", {"max_series": -1}, "max_series is a whole number"),
        ("PATCH", "/api/tenants/default/limits", {"max_series": 1.5}, "max_series is a whole number"),
        ("PATCH", "/api/tenants/default/limits", {"retention": "soon"}, "retention is a duration"),
        ("DELETE", "/api/tenants/default", None, "cannot be deleted"),
        ("GET", "/api/usage?by=moon", None, "invalid parameter"),
        ("GET", "/api/usage?start=x", None, "invalid parameter"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_changed(
    peer: Peer, method: str, path: str, body: Any, words: str
) -> None:
    status, answer, _ = peer.ask(method, path, body, Content_Type="application/json")
    assert status == 400, answer
    assert words in answer["error"]
    assert peer.ask("GET", "/api/tenants/default/limits")[1]["data"]["own"] == {}


def test_what_is_for_everybody_stands_beside_what_is_a_tenants_own(peer: Peer) -> None:
    found = _limit(peer, _made(peer, "beside"), max_series=7, retention="2d")
    assert found == peer.ask("GET", "/api/tenants/beside/limits")[1]["data"]
    assert found["own"] == {"max_series": 7, "retention": "2d"}
    assert {**found["defaults"], **found["own"]} == found["limits"]
    assert (found["defaults"]["max_series"], found["defaults"]["retention"]) == (0, 0)


def test_a_sender_beyond_its_rate_is_told_when_to_come_again(peer: Peer) -> None:
    _limit(peer, _made(peer, "fast"), ingest_rate=10, ingest_burst=20)
    assert peer.write("fast", "a", samples=20)[0] == 204
    status, words, headers = peer.write("fast", "a", samples=5)
    while status == 204:  # the bucket had not been emptied to the last sample
        status, words, headers = peer.write("fast", "a", samples=20)
    assert status == 429
    assert "more than 10 samples a second" in words
    assert int(headers["Retry-After"]) >= 1
    status, _, headers = peer.write("fast", "a", agent="Prometheus/3.1.0")
    assert (status, int(headers["Retry-After"]) >= 1) == (503, True)
    assert peer.write("other", "a", samples=100)[0] == 204
    _limit(peer, "fast", ingest_rate=1_000_000, ingest_burst=20)
    status, words, _ = peer.write("fast", "a", samples=21)
    assert status == 400
    assert "may send 20 at once" in words
    assert peer.write("fast", "a", samples=20)[0] == 204
    assert peer.ask("GET", "/api/tenants/fast/limits")[1]["data"]["own"]["ingest_burst"] == 20


def test_what_goes_beyond_the_rate_is_refused_before_it_is_read(peer: Peer) -> None:
    _limit(peer, _made(peer, "unread"), ingest_rate=1, ingest_burst=10)

    def refused() -> int:
        # Every time, for something may be sent again after a second.
        while peer.write("unread", "a", samples=10)[0] == 204:
            pass
        found: int = peer.ask("GET", "/api/usage?tenant=unread")[1]["data"]["totals"]["refused"]
        return found

    media = {"/api/v1/write": "application/x-protobuf", "/v1/logs": "application/json", **_TEXTS}
    for path, kind in media.items():
        counted = refused()
        connection = http.client.HTTPConnection(peer.url.removeprefix("http://"), timeout=30)
        connection.putrequest("POST", path)
        for name, value in {"X-Scope-OrgID": "unread", "Content-Type": kind, "Content-Length": "9"}.items():
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == 429, path
        connection.close()
        totals = peer.ask("GET", "/api/usage?tenant=unread")[1]["data"]["totals"]
        assert totals["refused"] == counted + 1


def test_new_series_beyond_the_limit_are_refused_and_known_ones_stored(peer: Peer) -> None:
    _limit(peer, _made(peer, "many"), max_series=2)
    assert peer.write("many", "a", "b")[0] == 204
    status, words, _ = peer.write("many", "a", "b", "c", "d")
    assert status == 400
    assert "2 new series would be more than the 2 active series" in words
    peer.until("many", 2)
    status, answer, _ = peer.ask(
        "POST", "/v1/metrics", _otlp("many", "c"), Content_Type="application/json", X_Scope_OrgID="many"
    )
    assert status == 200
    assert answer["partialSuccess"]["rejectedDataPoints"] != "0"
    assert "active series" in answer["partialSuccess"]["errorMessage"]
    _limit(peer, "many", max_series=None)
    assert peer.write("many", "a", "b", "c")[0] == 204
    peer.until("many", 3)


def _otlp(_tenant: str, name: str) -> bytes:
    point = {"timeUnixNano": str(time.time_ns()), "asDouble": 1.0}
    metric = {"name": name, "gauge": {"dataPoints": [point]}}
    return json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}).encode()


def _made(peer: Peer, tenant: str) -> str:
    assert peer.ask("POST", "/api/tenants", {"id": tenant})[0] == 201
    return tenant


def test_limits_of_queries(peer: Peer) -> None:
    _made(peer, "asking")
    assert peer.write("asking", "a", "b", "c")[0] == 204
    peer.until("asking", 3)
    _limit(peer, "asking", max_query_series=2, max_query_range="1h")
    path = f"/api/v1/query?{urlencode({'query': EVERYTHING})}"
    status, answer, _ = peer.ask("GET", path, X_Scope_OrgID="asking")
    assert status == 422
    assert "more than 2 series" in answer["error"]
    fields = {"query": "a", "start": "0", "end": "7200", "step": "60"}
    status, answer, _ = peer.ask("GET", f"/api/v1/query_range?{urlencode(fields)}", X_Scope_OrgID="asking")
    assert status == 422
    assert "longer than 1h, the limit of tenant asking" in answer["error"]


def test_a_suspended_tenant_is_closed_and_several_are_read_together(peer: Peer) -> None:
    for tenant in ("one", "two"):
        _made(peer, tenant)
        assert peer.write(tenant, "a", "b")[0] == 204
        peer.until(tenant, 2)
    assert peer.count("two|one") == 4
    assert peer.write("one|two", "a")[0] == 400
    path = f"/federate?{urlencode({'match[]': 'a'})}"
    page = peer.ask("GET", path, X_Scope_OrgID="one|two")[1]
    assert '__tenant_id__="one"' in page
    assert '__tenant_id__="two"' in page
    names = peer.ask("GET", "/api/v1/label/__tenant_id__/values", X_Scope_OrgID="one|two")[1]["data"]
    assert names == ["one", "two"]
    status, answer, _ = peer.ask("POST", "/api/tenants/one/suspend")
    assert (status, answer["data"]["condition"]) == (200, "suspended")
    status, words, _ = peer.write("one", "a")
    assert status == 403
    assert "the tenant one is suspended" in words
    status, answer, _ = peer.ask("GET", "/api/v1/query?query=a", X_Scope_OrgID="one|two")
    assert status == 403
    assert "suspended" in answer["error"]
    # Neither is what people said of it there, nor anything new.
    for address in (
        "GET /api/v2/alerts",
        "GET /api/alerting/timeline",
        "GET /api/slos",
        "GET /api/pharos/dashboards",
        "GET /api/search",
        "POST /api/dashboards/db",
        "POST /api/v2/silences",
        "GET /api/v1/dashboard/stats",
    ):
        method, _, path = address.partition(" ")
        status, answer, _ = peer.ask(method, path, X_Scope_OrgID="one")
        assert (address, status, "is suspended" in str(answer)) == (address, 403, True)
    for path in ("/api/me", "/api/tenants/one", "/api/members", "/api/audit"):
        assert peer.ask("GET", path, X_Scope_OrgID="one")[0] == 200
    assert peer.ask("POST", "/api/tenants/one/resume")[1]["data"]["condition"] == "open"
    assert peer.count("one") == 2


def test_usage_by_hour_and_by_metric(peer: Peer) -> None:
    _made(peer, "used")
    assert peer.write("used", "a", "b", samples=3)[0] == 204
    peer.until("used", 2)
    status, answer, _ = peer.ask("GET", "/api/usage?tenant=used&by=metric")
    assert status == 200
    found = answer["data"]
    assert found["totals"]["samples"] == 6
    assert found["totals"]["bytes"] > 20
    assert found["totals"]["queries"] >= 1
    assert found["active_series"] == 2
    assert {one["metric"]: (one["samples"], one["series"]) for one in found["metrics"]} == {
        "a": (3, 1),
        "b": (3, 1),
    }
    assert found["hours"][-1]["samples"] == 6
    assert peer.ask("GET", "/api/usage?tenant=used&by=token")[1]["data"]["tokens"][""]["samples"] == 6
    page = peer.ask("GET", "/metrics")[1]
    assert 'pharos_tenant_ingest_samples_total{tenant="used"} 6.0' in page


def test_a_deleted_tenant_leaves_nothing_and_says_so(peer: Peer) -> None:
    _made(peer, "gone")
    assert peer.write("gone", "a", "b", "c")[0] == 204
    peer.until("gone", 3)
    status, answer, _ = peer.ask("DELETE", "/api/tenants/gone")
    assert (status, answer["data"]["condition"]) == (202, "deleting")
    for _ in range(300):
        shown = peer.ask("GET", "/api/tenants/gone")[1]["data"]
        if shown["condition"] == "deleted":
            break
        time.sleep(0.1)
    assert shown["proof"]["rows"]["samples"] == 3
    assert set(shown["proof"]["rows_left"].values()) == {0}
    assert peer.write("gone", "a")[0] == 403
    assert "gone" not in {one["id"] for one in peer.ask("GET", "/api/tenants")[1]["data"]}
    assert 'tenant="gone"' not in peer.ask("GET", "/metrics")[1]


def test_the_same_on_the_command_line(peer: Peer) -> None:
    assert peer.command("create", "cli", "--name", "By hand")["name"] == "By hand"
    assert "cli" in {one["id"] for one in peer.command("list")}
    changed = peer.command("limits", "cli", "--set", "max_series=5", "--set", "retention=2d")
    assert changed["own"] == {"max_series": 5, "retention": "2d"}
    assert peer.command("limits", "cli", "--unset", "retention")["own"] == {"max_series": 5}
    assert peer.command("rename", "cli", "Otherwise")["name"] == "Otherwise"
    assert peer.command("suspend", "cli")["condition"] == "suspended"
    assert peer.command("resume", "cli")["condition"] == "open"
    # What Pharos looks for in a tenant by itself is asked there, too.
    assert set(peer.command("show", "cli")["usage"]) <= {"queries", "query_ms"}
    assert "not a limit" in peer.command("limits", "cli", "--set", "x", code=2)["error"]["message"]
    assert peer.command("show", "nobody", code=1)["error"]["kind"] == "missing"
    assert peer.command("delete", "cli", "--yes")["condition"] == "deleting"


def test_what_a_tenant_used_some_seconds_before_a_kill_is_counted_after_it(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    counted = "SELECT sum(amount) FROM usage WHERE tenant_id = 'one' AND measure = 'samples'"
    server = Server(folder)
    try:
        peer = Peer(server)
        assert peer.write("one", "a", samples=7)[0] == 204
        with closing(sqlite3.connect(f"file:{folder / 'state.db'}?mode=ro", uri=True)) as state:
            for _ in range(200):
                if state.execute(counted).fetchone()[0] == 7:
                    break
                time.sleep(0.1)
        # Whatever is in memory by now is lost.
        server.kill()
        server = Server(folder)
        totals = Peer(server).ask("GET", "/api/usage?tenant=one")[1]["data"]["totals"]
        assert totals["samples"] == 7
    finally:
        server.kill()
