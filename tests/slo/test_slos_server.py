"""Objectives in a server: their rules run, and the API says how they stand."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from tests.process import Server

_SLO = """\
version: prometheus/v1
service: own
slos:
- name: scrapes
  objective: 90
  interval: {all: 1s}
  sli: {raw: {error_ratio_query: '1 - avg(avg_over_time(up{job="pharos"}[{{.window}}]))'}}
  alerting: {page_alert: {disable: true}, ticket_alert: {disable: true}}
- name: nobody
  objective: 99
  sli:
    events:
      error_query: sum(rate(no_errors_total[{{.window}}]))
      total_query: sum(rate(no_total[{{.window}}]))
  alerting: {page_alert: {disable: true}, ticket_alert: {disable: true}}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("slos")
    (folder / "own.yml").write_text(_SLO)
    (folder / "pharos.yml").write_text("slos: ['own*.yml']\nself_scrape_interval: 100ms\n")
    made = Server(folder / "data", "--config", str(folder / "pharos.yml"))
    assert _ask(made, "/api/tenants", body={"id": "another", "name": "Another"})[0] == 201
    yield made
    assert made.stop() == 0


def _ask(
    server: Server, path: str, tenant: str = "default", body: Any = None, method: str | None = None
) -> tuple[int, Any]:
    headers = {"X-Scope-OrgID": tenant, "Content-Type": "application/json"}
    sent = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{server.url}{path}", sent, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())["data"]
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, json.loads(exc.read())


def _until(server: Server, path: str, is_so: Any, tenant: str = "default") -> Any:
    ends = time.monotonic() + 60
    while not is_so(found := _ask(server, path, tenant)[1]):
        assert time.monotonic() < ends, found
        time.sleep(0.2)
    return found


def test_objectives_are_evaluated_and_the_gate_answers(server: Server) -> None:
    listed = _until(server, "/api/slos", lambda found: any(one["is_measured"] for one in found))
    found = {one["name"]: one for one in listed}
    scrapes, nobody = found["scrapes"], found["nobody"]
    assert (scrapes["id"], scrapes["window"], scrapes["target_percent"]) == ("own-scrapes", "30d", 90)
    assert (scrapes["error_rate"], scrapes["budget_remaining"], scrapes["is_met"]) == (0, 1, True)
    assert 0 < scrapes["coverage"] < 0.01
    assert (nobody["error_rate"], nobody["budget_remaining"], nobody["is_met"]) == (None, 1, None)
    assert (nobody["coverage"], nobody["is_measured"]) == (0, False)
    status, gate = _ask(server, "/api/slos/scrapes/gate")
    assert (status, gate["allowed"], gate["reasons"]) == (200, True, [])
    gate = _ask(server, "/api/slos/own-scrapes/gate?min_remaining=1&min_coverage=0.5")[1]
    assert gate["allowed"] is False
    assert len(gate["reasons"]) == 2
    gate = _ask(server, "/api/slos/nobody/gate")[1]
    assert gate["reasons"] == ["nothing is measured now, so nobody can see what a change does"]


def test_what_is_not_there_or_no_number_is_refused(server: Server) -> None:
    assert _ask(server, "/api/slos/other")[0] == 404
    assert _ask(server, "/api/slos/scrapes/gate?min_remaining=much")[0] == 400


def test_objectives_of_files_are_of_the_tenant_that_everybody_has(server: Server) -> None:
    assert _ask(server, "/api/slos", "another") == (200, [])


_KEPT = {
    "service": "own",
    "target": 99.5,
    "window": "7d",
    "interval": "1s",
    "indicator": {"type": "availability", "metric": 'up{job="pharos"}'},
    "by": ["instance"],
    "labels": {"team": "core"},
}


def _put(server: Server, name: str, definition: Any, tenant: str = "default", **more: Any) -> tuple[int, Any]:
    return _ask(server, f"/api/slos/{name}", tenant, {"definition": definition, **more}, "PUT")


def test_an_objective_that_is_defined_here_is_watched_reported_and_kept_with_its_versions(
    server: Server,
) -> None:
    status, made = _put(server, "reachable", _KEPT, version=0, reason="asked for")
    assert (status, made["version"], made["definition"]["target"]) == (200, 1, "99.5")
    one = _until(server, "/api/slos/own-reachable", lambda found: found.get("is_measured"))
    assert (one["language"], one["window"], one["by"], one["version"]) == ("pharos", "1w", ["instance"], 1)
    assert (one["budget_remaining"], one["is_met"], one["labels"]) == (1, True, {"team": "core"})
    report = _until(server, "/api/slos/reachable/report", lambda found: found["parts"])
    assert [set(part["labels"]) for part in report["parts"]] == [{"instance"}]
    assert [(pair["severity"], pair["is_burning"]) for pair in report["burning"]] == [
        ("page", False),
        ("page", False),
        ("ticket", False),
        ("ticket", False),
    ]
    assert report["remaining"][-1] == 1
    assert (report["allowed"], report["spent"]) == (True, [])
    assert "sloth_id: own-reachable" in report["rules"]
    status, changed = _put(server, "reachable", {**_KEPT, "target": "99"}, version=1)
    assert (status, changed["version"]) == (200, 2)
    assert _put(server, "reachable", _KEPT, version=1)[0] == 400
    versions = _ask(server, "/api/slos/reachable/versions")[1]
    assert [(one["version"], one["reason"]) for one in versions] == [(2, ""), (1, "asked for")]
    assert _ask(server, "/api/slos/reachable", method="DELETE")[0] == 200
    assert _ask(server, "/api/slos/reachable")[0] == 404


def test_budgets_are_spared_what_happens_in_maintenance(server: Server) -> None:
    # Of all that is measured, nothing is as it should be.
    broken = {
        "service": "own",
        "target": "99",
        "window": "1h",
        "interval": "1s",
        "indicator": {"type": "threshold", "query": 'sum(up{job="pharos"})', "op": ">", "value": 5},
    }
    assert _put(server, "broken", broken)[0] == 200
    spent = _until(server, "/api/slos/broken", lambda found: (found.get("budget_remaining") or 1) < 0)
    assert spent["maintenance_minutes"] == 0
    report = _ask(server, "/api/slos/broken/report")[1]
    assert report["spent"][0]["error_rate"] == 1
    now = time.time()
    times = [time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now + hours * 3600)) for hours in (-2, 1)]
    window = {"starts": times[0], "ends": times[1], "matchers": ['slo_id="own-broken"'], "reason": "moving"}
    assert _ask(server, "/api/alerting/maintenance/moving", body=window, method="PUT")[0] == 200
    spared = _ask(server, "/api/slos/broken")[1]
    assert spared["maintenance_minutes"] == pytest.approx(60, abs=0.1)
    assert (spared["budget_remaining"], spared["error_rate"]) == (1, None)
    assert _put(server, "broken", {**broken, "counts_maintenance": True})[0] == 200
    assert _ask(server, "/api/slos/broken")[1]["budget_remaining"] < 0


def test_a_report_lists_maintenance_of_a_part_of_an_objective(server: Server) -> None:
    assert _put(server, "partly", _KEPT)[0] == 200
    now = time.time()
    starts, ends = (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now + hours * 3600)) for hours in (-2, 1))
    matchers = ['slo_id="own-partly"', 'instance="a:1"']
    window = {"starts": starts, "ends": ends, "matchers": matchers, "reason": "moving a"}
    assert _ask(server, "/api/alerting/maintenance/a", body=window, method="PUT")[0] == 200
    report = _ask(server, "/api/slos/partly/report")[1]
    (partly,) = report["partial_maintenance"]
    assert (report["maintenance"], partly["only"]) == ([], ['instance="a:1"'])
    assert partly["start"].startswith(starts)
    assert _ask(server, "/api/alerting/maintenance/a", method="DELETE")[0] == 200
    assert _ask(server, "/api/slos/partly", method="DELETE")[0] == 200


def test_what_is_no_objective_is_refused_and_nothing_is_kept(server: Server) -> None:
    status, answer = _put(server, "wrong", {"service": "own", "indicator": {"type": "latency"}})
    assert status == 400
    assert "target must be set" in answer["error"]
    status, answer = _put(server, "scrapes", _KEPT)
    assert (status, "own-scrapes" in answer["error"]) == (400, True)
    preview = _ask(server, "/api/slos/preview", body={"definition": {**_KEPT, "name": "new"}})[1]
    assert (preview["id"], preview["count"] > 10) == ("own-new", True)
    assert {one["name"] for one in _ask(server, "/api/slos")[1]} == {"scrapes", "nobody", "broken"}


def test_objectives_that_are_defined_here_are_of_one_tenant(server: Server) -> None:
    assert _put(server, "theirs", _KEPT, "another")[0] == 200
    assert [one["name"] for one in _ask(server, "/api/slos", "another")[1]] == ["theirs"]
    assert _ask(server, "/api/slos/theirs")[0] == 404
    assert _ask(server, "/api/slos/theirs", method="DELETE")[0] == 404
    assert _ask(server, "/api/slos/theirs/versions")[0] == 404
