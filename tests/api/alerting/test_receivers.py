"""Receivers as people see them: how each does, tests of them, dead letters tried again, heartbeats missed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.process import Server

CONFIG = """\
route:
  receiver: ops
  group_by: [alertname]
  group_wait: 100ms
  group_interval: 1h
  repeat_interval: 2h
  routes:
  - {{matchers: [alertname="HeartbeatMissing"], group_interval: 1s}}
  - {{matchers: [alertname="Calm"], receiver: calm}}
receivers:
- name: ops
  webhook_configs: [{{url: '{hook}/canary-path-of-ops'}}]
- name: many
  webhook_configs: [{{url: '{hook}/one'}}, {{url: '{hook}/refused'}}]
  pagerduty_configs: [{{routing_key: canary-key, url: '{hook}/pagerduty'}}]
  dashboard_configs: [{{}}]
- name: nobody
- name: calm
  webhook_configs: [{{url: '{hook}/calm', pharos: {{quiet_hours: {{times: [ever]}}}}}}]
time_intervals:
- {{name: ever, time_intervals: [{{months: ['1:12']}}]}}
"""


@dataclass
class Hook:
    """A receiver on a thread: answers 200, but 400 where a path says `refused` and is not forgiven."""

    url: str = ""
    is_forgiving: bool = False
    taken: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def paths(self) -> list[str]:
        return [path for path, _ in self.taken]

    def wait_for(self, path: str, *words: str) -> dict[str, Any]:
        for _ in range(300):
            for found, body in list(self.taken):
                if found == path and all(word in json.dumps(body) for word in words):
                    return body
            time.sleep(0.1)
        raise AssertionError(f"{path} was not called: {self.taken}")


@pytest.fixture(scope="module")
def hook() -> Iterator[Hook]:
    found = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_refused = "refused" in self.path and not found.is_forgiving
            if not is_refused:
                found.taken.append((self.path, json.loads(body)))
            self.send_response(400 if is_refused else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def server(hook: Hook, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("receivers")
    (folder / "alertmanager.yml").write_text(CONFIG.format(hook=hook.url))
    running = Server(folder / "store", "--alertmanager-config", str(folder / "alertmanager.yml"))
    yield running
    assert running.stop() == 0, running.log.read_text()


def ask(server: Server, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} if data is not None else {}
    request = urllib.request.Request(f"{server.url}{path}", data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, json.loads(exc.read())


def told(server: Server, method: str, path: str, body: Any = None) -> Any:
    status, answer = ask(server, method, path, body)
    assert status == 200, answer
    return answer["data"]


def command(server: Server, *arguments: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pharos.cli", *arguments, "--server", server.url],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
        check=False,
        timeout=120,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def integration(server: Server, receiver: str, name: str) -> Any:
    found = told(server, "GET", "/api/alerting/receivers")["receivers"]
    (one,) = [one for one in found if one["name"] == receiver]
    (integration,) = [each for each in one["integrations"] if each["name"] == name]
    return integration


def test_a_test_reaches_every_integration_and_tells_what_was_answered(server: Server, hook: Hook) -> None:
    results = told(server, "POST", "/api/alerting/receivers/many/test", {"labels": {"team": "db"}})["results"]
    found = {one["integration"]: one for one in results}
    assert {name: one["sent"] for name, one in found.items()} == {
        "webhook[0]": True, "webhook[1]": False, "pagerduty[0]": True, "dashboard[0]": True,
    }  # fmt: skip
    assert found["webhook[0]"]["answer"] == "200 OK"
    assert found["webhook[1]"]["answer"] == "answered 400"
    assert found["pagerduty[0]"]["answer"] == "200 OK; closed again"
    (alert,) = hook.wait_for("/one")["alerts"]
    assert alert["labels"] == {
        "alertname": "PharosTest",
        "receiver": "many",
        "severity": "info",
        "team": "db",
    }
    assert "This is a test of the receiver many" in alert["annotations"]["summary"]
    actions = [body["event_action"] for path, body in hook.taken if path == "/pagerduty"]
    assert actions == ["trigger", "resolve"]


def test_one_integration_is_tested_and_what_is_not_there_is_named(server: Server, hook: Hook) -> None:
    path = "/api/alerting/receivers/many/test"
    (one,) = told(server, "POST", path, {"integration": "dashboard[0]"})["results"]
    assert one["kind"] == "dashboard"
    status, answer = ask(server, "POST", path, {"integration": "slack[0]"})
    assert status == 404
    assert "it has webhook[0], webhook[1], pagerduty[0], dashboard[0]" in answer["error"]
    assert ask(server, "POST", "/api/alerting/receivers/none/test", {})[0] == 404
    assert ask(server, "POST", "/api/alerting/receivers/nobody/test", {})[0] == 404
    assert ask(server, "POST", path, {"labels": {"a": 1}})[0] == 400


def test_the_command_shows_it(server: Server) -> None:
    assert "sent" in command(server, "receivers", "test", "ops")
    assert "answered 400" in command(server, "receivers", "test", "many", code=1)
    assert "dashboard[0]" in command(server, "receivers", "list")


def test_what_could_not_be_delivered_is_shown_and_tried_again(server: Server, hook: Hook) -> None:
    assert integration(server, "ops", "webhook[0]")["state"] == "unused"
    config = Path(server.folder.parent / "alertmanager.yml")
    config.write_text(config.read_text().replace("canary-path-of-ops", "refused-canary-path"))
    assert ask_reload(server) == 200
    status = post_alert(server, "DiskFull")
    assert status == 200
    letter = wait_for_letter(server)
    assert letter["receiver"] == "ops"
    assert letter["error"] == "answered 400"
    assert letter["alerts"][0]["labels"]["alertname"] == "DiskFull"
    shown = integration(server, "ops", "webhook[0]")
    assert (shown["state"], shown["dead"]) == ("dead", 1)
    assert "canary-path" not in json.dumps(told(server, "GET", "/api/alerting/receivers"))
    assert "answered 400" in command(server, "receivers", "letters")
    hook.is_forgiving = True
    command(server, "receivers", "replay", letter["id"])
    hook.wait_for("/refused-canary-path", "DiskFull")
    wait_until(lambda: integration(server, "ops", "webhook[0]")["state"] == "ok")
    assert ask(server, "POST", f"/api/alerting/outbox/{letter['id']}/replay")[0] == 404
    assert ask(server, "DELETE", f"/api/alerting/outbox/{letter['id']}")[0] == 404
    assert ask(server, "GET", "/api/alerting/outbox?state=lost")[0] == 400


def test_a_receiver_whose_settings_hold_a_message_back_is_not_called_failing(server: Server) -> None:
    assert post_alert(server, "Calm") == 200
    wait_until(lambda: integration(server, "calm", "webhook[0]")["state"] != "unused")
    shown = integration(server, "calm", "webhook[0]")
    assert (shown["state"], shown["owed"], shown["dead"]) == ("holding", 1, 0)
    assert shown["error"] == "held back: quiet_hours (ever)"
    assert "holding" in command(server, "receivers", "list")


def test_a_heartbeat_that_stays_away_is_an_alert(server: Server, hook: Hook) -> None:
    hook.is_forgiving = True
    taken = told(server, "POST", "/api/alerting/heartbeats/backup?within=10s&severity=warning")
    assert (taken["name"], taken["within_ms"], taken["missing"]) == ("backup", 10_000, False)
    (listed,) = told(server, "GET", "/api/alerting/heartbeats")["heartbeats"]
    assert listed["severity"] == "warning"
    found = hook.wait_for("/refused-canary-path", "HeartbeatMissing")
    assert found["alerts"][0]["labels"]["heartbeat"] == "backup"
    told(server, "POST", "/api/alerting/heartbeats/backup?within=1h")
    hook.wait_for("/refused-canary-path", "HeartbeatMissing", '"status": "resolved"')
    told(server, "DELETE", "/api/alerting/heartbeats/backup")
    assert ask(server, "DELETE", "/api/alerting/heartbeats/backup")[0] == 404
    assert ask(server, "POST", "/api/alerting/heartbeats/backup?within=1s")[0] == 400
    assert ask(server, "POST", "/api/alerting/heartbeats/a%20b")[0] == 400


def test_tests_are_bounded(server: Server) -> None:
    path = "/api/alerting/receivers/many/test"
    body = {"integration": "dashboard[0]"}
    statuses = [ask(server, "POST", path, body)[0] for _ in range(21)]
    assert statuses[-1] == 429


def ask_reload(server: Server) -> int:
    request = urllib.request.Request(f"{server.url}/-/reload", b"", method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return int(answer.status)


def post_alert(server: Server, name: str) -> int:
    body = json.dumps([{"labels": {"alertname": name}}]).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{server.url}/api/v2/alerts", body, headers, method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return int(answer.status)


def wait_for_letter(server: Server) -> Any:
    for _ in range(300):
        letters = told(server, "GET", "/api/alerting/outbox?state=dead")["letters"]
        if letters:
            return letters[0]
        time.sleep(0.1)
    raise AssertionError("nothing is dead")


def wait_until(holds: Any) -> None:
    for _ in range(300):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError("it never held")
