"""Rules of a whole server: files, what people keep, a restart in the midst, an Alertmanager outside."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.process import Server

_RULES = """\
groups:
- name: g
  interval: 1s
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
  - record: job:up:double
    expr: job:up:sum * 2
  - alert: Up
    expr: job:up:double{job="pharos"} > 1
    for: 2s
    labels: {severity: page}
    annotations: {summary: "{{ $labels.job }} is {{ $value }} in {{ $externalLabels.region }}"}
"""
_PROMETHEUS = """\
global: {evaluation_interval: 1s, external_labels: {region: eu}}
rule_files: [rules/*.yml]
alerting:
  alertmanagers: [{static_configs: [{targets: ['%s']}]}]
"""


class Alertmanager:
    """Keeps what it is sent."""

    def __init__(self) -> None:
        self.alerts: list[dict[str, Any]] = []
        keep = self.alerts

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                keep.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Peer:
    """Asks a server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, method: str, path: str, body: Any = None, tenant: str = "default") -> tuple[int, Any]:
        """Return status and document."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "X-Scope-OrgID": tenant}
        request = urllib.request.Request(f"{self.url}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
                is_json = answer.headers.get_content_type() == "application/json"
                return answer.status, json.loads(text or b"null") if is_json else text.decode()
        except urllib.error.HTTPError as exc:
            with exc:
                text = exc.read()
                is_json = exc.headers.get_content_type() == "application/json"
                return exc.code, json.loads(text or b"null") if is_json else text.decode()

    def data(self, path: str, tenant: str = "default") -> Any:
        """Return the data of a success."""
        status, document = self.ask("GET", path, tenant=tenant)
        assert status == 200, document
        return document["data"]

    def alerts(self, tenant: str = "default") -> list[dict[str, Any]]:
        """Return the alerts that are pending or firing."""
        found: list[dict[str, Any]] = self.data("/api/v1/alerts", tenant)["alerts"]
        return found

    def value(self, query: str, tenant: str = "default") -> list[str]:
        """Return the values of an instant query."""
        found = self.data(f"/api/v1/query?query={quote(query)}", tenant)["result"]
        return [one["value"][1] for one in found]


def _until(found: Callable[[], Any], what: str) -> Any:
    """Return what is found once it is something."""
    for _ in range(600):
        value = found()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError(f"never: {what}")


class Running:
    """A server in a folder that is ended and begun again, and what it tells."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.outside = Alertmanager()
        (folder / "rules").mkdir()
        (folder / "rules/rules.yml").write_text(_RULES)
        (folder / "prometheus.yml").write_text(_PROMETHEUS % self.outside.address)
        (folder / "pharos.yml").write_text("prometheus: prometheus.yml\nself_scrape_interval: 500ms\n")
        self.begin()

    def begin(self) -> None:
        self.server = Server(self.folder / "store", "--config", str(self.folder / "pharos.yml"))
        self.peer = Peer(self.server.url)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    found = Running(tmp_path_factory.mktemp("rules"))
    yield found
    assert found.server.stop() == 0, found.server.log.read_text()
    found.outside.server.shutdown()
    found.outside.server.server_close()


def test_rules_of_files_record_alert_and_tell(running: Running) -> None:
    peer = running.peer
    firing = _until(lambda: [one for one in peer.alerts() if one["state"] == "firing"], "it fires")
    assert firing[0]["labels"] == {"alertname": "Up", "job": "pharos", "severity": "page"}
    assert firing[0]["annotations"] == {"summary": "pharos is 2 in eu"}
    _until(lambda: peer.value('ALERTS{alertstate="firing"}') == ["1"], "the alert is a series")
    _until(lambda: peer.value("job:up:double") == ["2", "2"], "what a rule recorded is read by the next")
    told = _until(lambda: running.outside.alerts, "the Alertmanager outside is told")
    assert told[0]["labels"] == {"alertname": "Up", "job": "pharos", "region": "eu", "severity": "page"}
    assert told[0]["generatorURL"].endswith(
        "/graph?g0.expr=job%3Aup%3Adouble%7Bjob%3D%22pharos%22%7D+%3E+1&g0.tab=1"
    )
    assert peer.data("/api/v1/alertmanagers") == {
        "activeAlertmanagers": [{"url": f"http://{running.outside.address}/api/v2/alerts"}],
        "droppedAlertmanagers": [],
    }


def test_rules_are_shown_as_prometheus_shows_them(running: Running) -> None:
    peer = running.peer
    (group,) = peer.data("/api/v1/rules")["groups"]
    assert (group["name"], group["interval"], group["limit"]) == ("g", 1, 0)
    assert [(rule["name"], rule["type"], rule["health"]) for rule in group["rules"]] == [
        ("job:up:sum", "recording", "ok"),
        ("job:up:double", "recording", "ok"),
        ("Up", "alerting", "ok"),
    ]

    def names(query: str) -> list[str]:
        groups = peer.data(f"/api/v1/rules?{query}")["groups"]
        return [rule["name"] for one in groups for rule in one["rules"]]

    assert names("type=record") == ["job:up:sum", "job:up:double"]
    assert names("rule_name[]=Up") == ["Up"]
    assert names("rule_group[]=other") == []
    assert names(f"file[]={quote(group['file'])}&type=alert") == ["Up"]
    assert names("match[]=" + quote('{severity=~"p.*"}')) == ["Up"]
    alerts = peer.data("/api/v1/rules?exclude_alerts=true&type=alert")["groups"][0]["rules"][0]["alerts"]
    assert alerts == []
    assert "groupNextToken" not in peer.data("/api/v1/rules?group_limit=1")
    for bad in ("group_limit=x", "group_limit=0", "group_next_token=x", "group_limit=1&group_next_token=x"):
        assert peer.ask("GET", f"/api/v1/rules?{bad}")[0] == 400


def test_what_fires_goes_on_over_a_kill_and_nobody_hears_that_it_was_over(running: Running) -> None:
    peer = running.peer
    (before,) = _until(lambda: [one for one in peer.alerts() if one["state"] == "firing"], "it fires")
    running.server.kill()
    running.outside.alerts.clear()
    running.begin()
    told = _until(lambda: running.outside.alerts, "the Alertmanager outside is told again")
    (after,) = running.peer.alerts()
    assert (after["state"], after["activeAt"]) == ("firing", before["activeAt"])
    assert all(one["endsAt"] > one["startsAt"] for one in told)
    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    assert all(one["endsAt"] > now for one in told)


def test_a_bad_rule_file_changes_nothing_and_a_good_one_is_taken_over(running: Running) -> None:
    peer, path = running.peer, running.folder / "rules/rules.yml"
    path.write_text(_RULES.replace("sum by (job) (up)", "sum by (job"))
    status, document = peer.ask("POST", "/-/reload")
    assert status >= 400
    assert "rules.yml:6" in json.dumps(document)
    assert len(peer.data("/api/v1/rules")["groups"][0]["rules"]) == 3
    path.write_text(f"{_RULES}  - record: new\n    expr: vector(7)\n")
    assert peer.ask("POST", "/-/reload")[0] == 200
    _until(lambda: peer.value("new") == ["7"], "the new rule is evaluated")
    assert [one["state"] for one in peer.alerts()] == ["firing"]
    path.write_text(_RULES)
    assert peer.ask("POST", "/-/reload")[0] == 200
    _until(lambda: peer.value("new") == [], "the series of the rule that is gone ended")


def test_a_change_of_a_rule_of_a_file_is_a_diff_to_commit(running: Running) -> None:
    peer = running.peer
    (group,) = [one for one in peer.data("/api/alerting/rules") if one["source"] == "file"]
    assert (group["namespace"], group["name"], group["version"]) == ("rules.yml", "g", None)
    wanted = {**group["group"], "interval": "2s"}
    status, document = peer.ask("PUT", "/api/alerting/rules/rules.yml/g", {"group": wanted})
    assert status == 200, document
    assert not document["data"]["applied"]
    assert "-  interval: 1s" in document["data"]["diff"]
    assert document["data"]["file"].endswith("rules/rules.yml")
    status, document = peer.ask("DELETE", "/api/alerting/rules/rules.yml/g")
    assert document["data"]["diff"].count("\n-") > 10


_KEPT = {"interval": "1s", "rules": [{"record": "kept", "expr": "vector(3)"}]}


def test_groups_are_kept_changed_and_taken_away_each_tenant_has_its_own(running: Running) -> None:
    peer, path = running.peer, "/api/alerting/rules/team/mine"
    status, document = peer.ask("PUT", path, {"group": _KEPT, "version": 0, "reason": "a try"})
    assert status == 200, document
    assert document["data"]["group"]["version"] == 1
    _until(lambda: peer.value("kept") == ["3"], "the rule is evaluated")
    assert peer.ask("GET", path, tenant="other")[0] == 404
    assert peer.data("/api/v1/rules", "other") == {"groups": []}
    changed = {**_KEPT, "rules": [{"record": "kept", "expr": "vector(4)"}]}
    assert peer.ask("PUT", path, {"group": changed, "version": 7})[0] == 400
    assert peer.ask("PUT", path, {"group": changed, "version": 1})[0] == 200
    _until(lambda: peer.value("kept") == ["4"], "the changed rule is evaluated")
    versions = peer.data(f"{path}/versions")
    assert [(one["version"], one["reason"]) for one in versions] == [(2, ""), (1, "a try")]
    entries = peer.data("/api/audit?object=rules:team/mine")
    assert {one["action"] for one in entries["entries"]} == {"rules.set"}
    assert peer.ask("DELETE", path)[0] == 200
    _until(lambda: peer.value("kept") == [], "its series ended")
    assert peer.ask("DELETE", path)[0] == 404


def test_a_group_that_is_none_is_refused_with_its_faults(running: Running) -> None:
    bad = {"rules": [{"alert": "A", "expr": "a >", "wrong": 1}]}
    status, document = running.peer.ask("PUT", "/api/alerting/rules/team/bad", {"group": bad})
    assert status == 400
    assert "could not parse expression" in document["error"]
    dry = {"group": _KEPT, "dry_run": True}
    status, document = running.peer.ask("PUT", "/api/alerting/rules/team/dry", dry)
    assert (status, document["data"]["applied"]) == (200, False)
    assert running.peer.ask("GET", "/api/alerting/rules/team/dry")[0] == 404


def test_a_simple_condition_fires(running: Running) -> None:
    peer, path = running.peer, "/api/v1/dashboard/alerts"
    body = {"name": "High CPU Usage", "condition": "up > 0.8", "severity": "high", "channels": ["dashboard"],
            "cooldown": 300000}  # fmt: skip
    status, document = peer.ask("POST", path, body)
    assert (status, document["id"]) == (201, "high_cpu_usage")
    assert peer.ask("POST", path, {**body, "id": "high_cpu_usage"})[0] == 409
    threshold = {"id": "low", "name": "Low", "metric": "up", "operator": "lt", "threshold": 0.5}
    assert peer.ask("PUT", f"{path}/low", threshold)[0] == 200
    for bad in (
        {"name": "x", "condition": "up"},
        {"name": "x", "condition": "up > 1", "labels": {"__name__": "y"}},
        {"name": "x", "condition": "up > 1", "annotations": {"text": "{{ wrong"}},
    ):
        assert peer.ask("POST", path, bad)[0] == 400
    assert peer.ask("POST", path, body, tenant="nobody")[0] == 404
    firing = _until(
        lambda: [one for one in peer.alerts() if one["labels"].get("severity") == "high"], "it fires"
    )
    assert firing[0]["labels"]["alertname"] == "High CPU Usage"
    states = {one["id"]: one["state"] for one in peer.ask("GET", path)[1]["alerts"]}
    assert states == {"high_cpu_usage": "firing", "low": "inactive"}
    assert peer.ask("DELETE", f"{path}/low")[0] == 200
    assert [one["id"] for one in peer.ask("GET", path)[1]["alerts"]] == ["high_cpu_usage"]
    assert peer.ask("DELETE", f"{path}/low")[0] == 404
