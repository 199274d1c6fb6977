"""Runs over HTTP: taken, shown, fenced, refused in words, fed live, told as series; and kept through kills.

PHAROS_KILLS sets how often a server is killed (2 by default), PHAROS_KILL_SEED which moments.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.process import Server
from tests.servers import query

KILLS = int(os.environ.get("PHAROS_KILLS", "2"))
SEED = int(os.environ.get("PHAROS_KILL_SEED", "1"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("runs")
    (folder / "pharos.yml").write_text(
        "run_alerts: [series]\nevaluation: {interval: 1s}\nurl: http://pharos.test\n"
    )
    made = Server(folder / "data", "--config", str(folder / "pharos.yml"))
    yield made
    assert made.stop() == 0, made.log.read_text()


def _put(url: str, path: str, body: Any) -> tuple[int, Any]:
    return _ask(url, path, body, method="PUT")


def _ask(
    url: str, path: str, body: Any = None, tenant: str = "default", method: str | None = None
) -> tuple[int, Any]:
    headers = {"X-Scope-OrgID": tenant, "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}{path}", data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            found = json.loads(answer.read())
            return answer.status, found.get("data", found)
    except urllib.error.HTTPError as exc:
        return exc.code, json.loads(exc.read())["error"]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_a_run_is_told_shown_and_listed(server: Server) -> None:
    now_ms = _now_ms()
    run_id = "a/b: 1 é"
    told = [
        {"run_id": run_id, "workflow": "told", "kind": "start", "time_ms": now_ms - 9000, "input_size": 5},
        {"run_id": run_id, "kind": "start", "time_ms": now_ms - 8000, "step": {"id": "x"}},
        {"run_id": run_id, "kind": "end", "state": "failed", "step": {"id": "x"}, "error": "no room"},
        {"run_id": run_id, "kind": "end", "state": "failed", "time_ms": now_ms - 1000},
    ]
    assert _ask(server.url, "/api/v1/runs", {"events": told}) == (200, {"accepted": 4, "doubled": 0})
    status, found = _ask(server.url, f"/api/v1/runs/{urllib.parse.quote(run_id)}")
    assert (status, found["run"]["state"], found["run"]["error"]) == (200, "failed", "no room")
    assert (found["run"]["duration_ms"], found["steps"][0]["state"]) == (8000, "failed")
    listed = _ask(server.url, "/api/v1/runs?workflow=told&state=failed")[1]
    assert [one["run_id"] for one in listed["runs"]] == [run_id]
    assert listed["runs"][0]["url"] == "/runs/a/b%3A%201%20%C3%A9"
    assert _ask(server.url, "/api/v1/runs?workflow=told&state=live")[1]["runs"] == []
    assert _ask(server.url, "/api/v1/runs/nobody")[0] == 404
    assert _ask(server.url, "/api/v1/runs?workflow=told", tenant="other")[1]["runs"] == []
    assert _ask(server.url, f"/api/v1/runs/{urllib.parse.quote(run_id)}", tenant="other")[0] == 404


def test_each_call_says_one_thing(server: Server) -> None:
    status, begun = _ask(server.url, "/api/v1/run_start", {"workflow": "calls"})
    assert (status, begun["accepted"]) == (200, 1)
    run_id = begun["run_id"]
    _ask(server.url, "/api/v1/run_step", {"run_id": run_id, "step": {"id": "x"}})
    _ask(server.url, "/api/v1/run_progress", {"run_id": run_id, "progress": 0.25})
    _ask(server.url, "/api/v1/run_heartbeat", {"run_id": run_id})
    run = _ask(server.url, f"/api/v1/runs/{run_id}")[1]["run"]
    assert (run["state"], run["progress"], run["current_step"]) == ("running", 0.25, "x")
    assert (
        _ask(server.url, "/api/v1/run_step", {"run_id": run_id, "step": {"id": "x", "state": "succeeded"}})[0]
        == 200
    )
    assert _ask(server.url, "/api/v1/run_end", {"run_id": run_id})[0] == 200
    run = _ask(server.url, f"/api/v1/runs/{run_id}")[1]["run"]
    assert (run["state"], run["steps_done"]) == ("succeeded", 1)


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("/api/v1/runs", [{"run_id": "half", "kind": "start"}, {"run_id": "half", "kind": "x"}], "[1].kind"),
        ("/api/v1/runs", 5, "events: must be a list"),
        ("/api/v1/run_end", {"run_id": "half", "state": "late"}, "body.state"),
        ("/api/v1/run_step", {"run_id": "half"}, "body.step"),
        ("/api/v1/flows/executions", {"executionId": "half", "status": "x"}, "body.status"),
        ("/api/v1/flows/validations", [5], "[0]: must be an object"),
        ("/api/monitoring/workflows", {"type": "x"}, "body.type"),
        ("/api/v1/runs?state=odd", None, "state 'odd' is not one of"),
        ("/api/v1/runs?cursor=odd", None, "cursor is not one"),
        ("/api/v1/runs?limit=0", None, "limit must be"),
        ("/api/v1/runs?start=5&end=4", None, "end must be after start"),
        ("/api/v1/run_statistics?by=tenant", None, "by 'tenant' is not one of"),
        ("/api/v1/run_diff?a=x", None, "b is missing"),
        ("/api/v1/run_events", None, "run_id is missing"),
    ],
)
def test_bad_input_is_named_and_nothing_of_it_is_taken(
    server: Server, path: str, body: Any, says: str
) -> None:
    status, error = _ask(server.url, path, body)
    assert status == 400
    assert says in error
    assert _ask(server.url, "/api/v1/runs/half")[0] == 404


def test_several_tenants_are_refused(server: Server) -> None:
    for path in ("/api/v1/runs", "/api/v1/workflows", "/api/v1/run_statistics"):
        assert _ask(server.url, path, tenant="a|b")[0] == 400


def test_what_qflow_and_automatosx_tell_is_seen_in_their_own_words(server: Server) -> None:
    now_ms = _now_ms()
    flow = {
        "flowId": "f",
        "executionId": "q1",
        "startTime": now_ms - 5000,
        "status": "running",
        "stepCount": 4,
    }
    assert _ask(server.url, "/api/v1/flows/executions", [flow], "q")[0] == 200
    layers = {"qlock": {"duration": 30, "success": True, "cacheHit": True}}
    validation = {"operationId": "v1", "totalDuration": 30, "layerMetrics": layers, "executionId": "q1"}
    assert _ask(server.url, "/api/v1/flows/validations", validation, "q")[0] == 200
    workflow = {"type": "workflow.failed", "executionId": "m1", "workflowId": "w", "error": "no"}
    assert _ask(server.url, "/api/monitoring/workflows", workflow, "q")[0] == 200
    live = _ask(server.url, "/api/v1/dashboard/data", tenant="q")[1]["activeFlows"]
    assert {one["executionId"]: one["status"] for one in live} == {"q1": "running", "m1": "failed"}
    listed = _ask(server.url, "/api/monitoring/workflows?status=running", tenant="q")[1]
    assert [one["executionId"] for one in listed["workflows"]] == ["q1"]
    ends = time.monotonic() + 20
    while (stats := _ask(server.url, "/api/monitoring/workflows/stats", tenant="q")[1])["total"] < 2:
        assert time.monotonic() < ends
    assert (stats["total"], stats["running"], stats["failed"]) == (2, 1, 1)
    shown = _ask(server.url, "/api/v1/runs/q1", tenant="q")[1]
    assert [(one["name"], one["success"]) for one in shown["validation"]] == [("qlock", True)]


def test_changes_are_told_live(server: Server) -> None:
    _ask(server.url, "/api/v1/run_start", {"workflow": "live", "run_id": "l1"}, "live")
    heard: list[Any] = []
    request = urllib.request.Request(f"{server.url}/api/v1/run_changes", headers={"X-Scope-OrgID": "live"})
    with urllib.request.urlopen(request, timeout=30) as stream:
        for line in stream:
            if line.startswith(b"data: "):
                heard.append(json.loads(line[6:]))
                if len(heard) == 1:
                    _ask(server.url, "/api/v1/run_end", {"run_id": "l1"}, "live")
                else:
                    break
    assert [[one["state"] for one in told["runs"]] for told in heard] == [["running"], ["succeeded"]]
    assert [told["live"] for told in heard] == [1, 0]


def test_runs_are_series_of_their_tenant(server: Server) -> None:
    now_ms = _now_ms()
    told = [
        {"run_id": "s1", "workflow": "series", "kind": "start", "time_ms": now_ms - 9000},
        {"run_id": "s1", "kind": "end", "time_ms": now_ms - 2000, "cost": 2.5},
        {
            "run_id": "s2",
            "workflow": "series",
            "kind": "start",
            "time_ms": now_ms - 60_000,
            "deadline_ms": now_ms,
        },
    ]
    assert _ask(server.url, "/api/v1/runs", told)[0] == 200
    ends = time.monotonic() + 60
    while not (found := query(server.url, 'workflow_run_overdue_seconds{run_id="s2"}')):
        assert time.monotonic() < ends
        time.sleep(0.2)
    assert found[0]["metric"]["state"] == "late"
    wanted = {
        'workflow_runs_total{workflow="series",state="succeeded"}': 1.0,
        'workflow_run_cost_total{workflow="series"}': 2.5,
        'workflow_run_duration_seconds_sum{workflow="series"}': 7.0,
        'workflow_runs_live{workflow="series",state="late"}': 1.0,
    }
    assert {text: float(query(server.url, text)[0]["value"][1]) for text in wanted} == wanted
    while not (alerts := _alerts(server.url, "RunLate", "series")):
        assert time.monotonic() < ends
        time.sleep(0.2)
    assert alerts[0]["annotations"]["run"] == "http://pharos.test/runs/s2"
    assert alerts[0]["annotations"]["summary"].startswith("series: the run s2 is late by ")
    assert query(server.url, 'increase(workflow_runs_total{workflow="series"}[5m])')[0]["value"][1] != "0"


def test_alerts_of_runs_are_switched_by_workflow_and_lead_to_the_page(server: Server) -> None:
    now_ms, path = _now_ms(), "/api/v1/run_alerts"
    start = {"kind": "start", "time_ms": now_ms - 60_000, "deadline_ms": now_ms}
    told = [{"run_id": f"{name}/1 é", "workflow": name, **start} for name in ("loud", "quiet")]
    assert _ask(server.url, "/api/v1/runs", told)[0] == 200
    assert _put(server.url, path, {"workflow": "*", "enabled": True})[1]["all"] is True
    status, switched = _put(server.url, path, {"workflow": "quiet", "enabled": False})
    wanted = [("*", True, "kept"), ("quiet", False, "kept"), ("series", True, "file")]
    assert status == 200
    assert [(one["workflow"], one["enabled"], one["source"]) for one in switched["workflows"]] == wanted
    ends = time.monotonic() + 60
    while not (alerts := _alerts(server.url, "RunLate", "loud")):
        assert time.monotonic() < ends
        time.sleep(0.2)
    assert alerts[0]["annotations"]["run"] == "http://pharos.test/runs/loud%2F1%20%C3%A9"
    assert query(server.url, 'workflow_run_overdue_seconds{workflow="quiet"}')
    assert not _alerts(server.url, "RunLate", "quiet")
    assert _put(server.url, path, {"workflow": "*", "enabled": None})[1]["all"] is False
    assert _put(server.url, path, {"workflow": "a\nb", "enabled": True})[0] == 400


def _alerts(url: str, name: str, workflow: str) -> list[Any]:
    wanted = {"alertname": name, "workflow": workflow}
    found = _ask(url, "/api/v1/alerts")[1]["alerts"]
    return [one for one in found if wanted.items() <= one["labels"].items()]


def _told(chance: random.Random, run_id: str, now_ms: int) -> list[dict[str, Any]]:
    """Return the events of a run of ten steps that failed, with what its reader should find."""
    told: list[dict[str, Any]] = [
        {"run_id": run_id, "workflow": "kill", "kind": "start", "time_ms": now_ms - 60_000}
    ]
    for place in range(10):
        step = {"id": f"s{place}"}
        told.append({"run_id": run_id, "kind": "start", "step": step, "time_ms": now_ms - 50_000 + place})
        told.append({"run_id": run_id, "kind": "end", "step": step, "time_ms": now_ms - 40_000 + place})
    told.append({"run_id": run_id, "kind": "end", "state": "failed", "time_ms": now_ms - 1000})
    chance.shuffle(told)
    return told


class _Sender:
    """Sends runs in small pieces, disordered and doubled, and each piece until it is taken."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.sent: list[str] = []
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def _send(self) -> None:
        chance, number = random.Random(SEED), 0
        while not self._ending.is_set():
            run_id, number = f"k{number}", number + 1
            told = _told(chance, run_id, _now_ms())
            told += chance.sample(told, 5)
            while told:
                size = chance.randint(1, 8)
                self._until_taken(told[:size])
                del told[:size]
            self.sent.append(run_id)

    def _until_taken(self, events: list[dict[str, Any]]) -> None:
        while True:
            try:
                status, _ = _ask(self.url, "/api/v1/runs", events)
            except (OSError, http.client.HTTPException):
                status = 503
            if status == 200:
                return
            assert status == 503
            time.sleep(0.02)

    def go_on_until(self, runs: int) -> None:
        """Wait until so many runs were told."""
        ends = time.monotonic() + 60
        while len(self.sent) < runs:
            assert self._thread.is_alive()
            assert time.monotonic() < ends
            time.sleep(0.05)

    def end(self) -> None:
        self._ending.set()
        self._thread.join(60)


def _check(url: str, sent: list[str]) -> None:
    """Look that the newest runs stand as they were told."""
    found = _ask(url, "/api/v1/runs?workflow=kill&limit=500")[1]
    shown = {one["run_id"]: one for one in found["runs"]}
    for run_id in sent[-200:]:
        one = shown[run_id]
        assert (one["state"], one["duration_ms"], one["steps_done"]) == ("failed", 59_000, 10)


def test_killed_again_and_again_every_run_is_as_it_was_told(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    running = Server(tmp_path / "data")
    address = ("--listen", running.url.removeprefix("http://"))
    sender = _Sender(running.url)
    try:
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.2, 1.2))
            running.kill()
            running = Server(tmp_path / "data", *address)
        sender.go_on_until(KILLS + 1)
        sender.end()
        _check(running.url, sender.sent)
        # And once more after a restart: what was answered came from the store, not from memory.
        assert running.stop() == 0
        running = Server(tmp_path / "data", *address)
        _check(running.url, sender.sent)
        events = _ask(running.url, f"/api/v1/run_events?run_id={sender.sent[-1]}")[1]["events"]
        assert len(events) == 22, "each is there once"
    finally:
        sender.end()
        running.kill()
