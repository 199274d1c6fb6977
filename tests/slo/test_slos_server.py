"""Objectives in a server: their rules run, and the API says how they stand."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from tests.conftest import Server

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
    yield made
    assert made.stop() == 0


def _ask(server: Server, path: str, tenant: str = "default") -> tuple[int, Any]:
    request = urllib.request.Request(f"{server.url}{path}", headers={"X-Scope-OrgID": tenant})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())["data"]
    except urllib.error.HTTPError as exc:
        return exc.code, json.loads(exc.read())


def test_objectives_are_evaluated_and_the_gate_answers(server: Server) -> None:
    ends = time.monotonic() + 90
    while not (found := {one["name"]: one for one in _ask(server, "/api/slos")[1]})["scrapes"]["is_measured"]:
        assert time.monotonic() < ends, found
        time.sleep(0.2)
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
    body = json.dumps({"id": "another", "name": "Another"}).encode()
    headers = {"Content-Type": "application/json"}
    urllib.request.urlopen(
        urllib.request.Request(f"{server.url}/api/tenants", body, headers), timeout=30
    ).close()
    assert _ask(server, "/api/slos", "another") == (200, [])
