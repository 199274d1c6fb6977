"""From an alert to an acknowledged page in Slack: what a new user sets up, against what speaks as Slack."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from tests.peers import free_port
from tests.process import Server

ALERTMANAGER = """\
global: {{slack_app_token_file: slack-token, slack_app_url: '{slack}/api/chat.postMessage'}}
route: {{receiver: ops, group_by: [alertname], group_wait: 100ms, group_interval: 1s}}
receivers:
- name: ops
  slack_configs: [{{channel: '#ops', send_resolved: true, pharos: {{interactive: true}}}}]
"""
PHAROS = """\
alertmanager: alertmanager.yml
oncall: {slack_signing_secret_file: signing-secret}
"""


class Slack:
    """Takes `chat.postMessage` and `chat.update` by their wire format, with the right token alone."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                is_action = self.path.startswith("/actions/")
                is_known = is_action or self.headers["Authorization"] == "Bearer xoxb-right"
                answer: dict[str, Any] = {"ok": False, "error": "invalid_auth"}
                if is_known:
                    outer.calls.append((self.path.rpartition("/")[2], body))
                    answer = {"ok": True, "channel": "C024BE91L", "ts": f"1700000000.{len(outer.calls):06d}"}
                packed = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(packed)))
                self.end_headers()
                self.wfile.write(packed)

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait_for(self, count: int) -> tuple[str, dict[str, Any]]:
        for _ in range(600):
            if len(self.calls) >= count:
                return self.calls[count - 1]
            time.sleep(0.1)
        raise AssertionError(f"Slack was called {len(self.calls)} times, not {count}")


@pytest.fixture
def slack() -> Iterator[Slack]:
    found = Slack()
    yield found
    found.close()


@pytest.fixture
def server(slack: Slack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("slack")
    (folder / "alertmanager.yml").write_text(ALERTMANAGER.format(slack=slack.url))
    port = free_port()
    (folder / "pharos.yml").write_text(f"{PHAROS}url: http://127.0.0.1:{port}\n")
    (folder / "slack-token").write_text("xoxb-right\n")
    (folder / "signing-secret").write_text("signing\n")
    options = ("--config", str(folder / "pharos.yml"), "--listen", f"127.0.0.1:{port}")
    running = Server(folder / "store", *options)
    yield running
    assert running.stop() == 0, running.log.read_text()


def post(url: str, body: bytes, **headers: str) -> tuple[int, bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, body, named, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, exc.read()


def press(server: Server, token: str, secret: bytes, answers: str) -> int:
    """Press the button as Slack tells of it: a form with a payload, signed."""
    payload = {
        "type": "block_actions",
        "user": {"id": "U024BE7LH", "username": "ann"},
        "actions": [{"action_id": "acknowledge", "value": token}],
        "message": {"ts": "1700000000.000001"},
        "response_url": answers,
    }
    body = urllib.parse.urlencode({"payload": json.dumps(payload)}).encode()
    stamp = str(int(time.time()))
    signed = hmac.new(secret, f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    status, _ = post(
        f"{server.url}/api/alerting/slack",
        body,
        Content_Type="application/x-www-form-urlencoded",
        X_Slack_Request_Timestamp=stamp,
        X_Slack_Signature=f"v0={signed}",
    )
    return status


def test_an_alert_is_told_acknowledged_by_its_button_and_turns_green(server: Server, slack: Slack) -> None:
    alert = {
        "labels": {"alertname": "DiskFull", "severity": "critical"},
        "annotations": {"summary": "<!channel>"},
    }
    headers = {"Content_Type": "application/json"}
    alerts = f"{server.url}/api/v2/alerts"
    assert post(alerts, json.dumps([alert]).encode(), **headers)[0] == 200
    method, told = slack.wait_for(1)
    assert method == "chat.postMessage"
    assert told["channel"] == "#ops"
    assert told["text"].startswith("[FIRING:1] DiskFull")
    blocks = told["attachments"][0]["blocks"]
    assert "&lt;!channel&gt;" in blocks[0]["text"]["text"]
    buttons = {one["action_id"]: one for one in blocks[-1]["elements"]}
    token = buttons["acknowledge"]["value"]

    assert press(server, token, b"forged", f"{slack.url}/actions/T/1") == 401
    assert press(server, token, b"signing", f"{slack.url}/actions/T/1") == 200
    _, answer_to_click = slack.wait_for(2)
    assert answer_to_click["text"] == "ann looks after 1 of these alerts."
    assert answer_to_click["thread_ts"] == "1700000000.000001"
    with urllib.request.urlopen(f"{server.url}/api/alerting/acknowledgements", timeout=30) as answer:
        found = json.loads(answer.read())["data"]
    assert "ann" in json.dumps(found)

    over = {**alert, "endsAt": "2020-01-01T00:00:00Z", "startsAt": "2019-12-31T00:00:00Z"}
    assert post(alerts, json.dumps([over]).encode(), **headers)[0] == 200
    method, updated = slack.wait_for(3)
    assert (method, updated["channel"], updated["ts"]) == ("chat.update", "C024BE91L", "1700000000.000001")
    assert updated["attachments"][0]["color"] == "good"
    method, answered = slack.wait_for(4)
    assert (method, answered["thread_ts"]) == ("chat.postMessage", "1700000000.000001")
