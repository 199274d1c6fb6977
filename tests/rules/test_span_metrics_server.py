"""A server that makes metrics of spans and has rules over them, across a kill -9."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.process import Server
from tests.rules.test_rules_server import Peer, _until

_RULES = """\
groups:
- name: spans
  interval: 1s
  language: traceql
  rules:
  - record: service:errors:count
    expr: '{ status = error } | count_over_time() by (resource.service.name) with(window=1h)'
  - alert: Errors
    expr: '{ status = error } | count_over_time() by (resource.service.name) with(window=1h) > 1'
"""
_CALLS = 'sum by (service, status_code) (traces_spanmetrics_calls_total{service="shop"})'


def _send(url: str, number: int) -> None:
    """Send a call of `stock` by `shop` that fails."""
    begin_us = time.time_ns() // 1000 - 1_000_000
    trace = f"{number:032x}"
    spans = [
        _span(trace, 1, "", "shop", "SERVER", begin_us, 20_000),
        _span(trace, 2, f"{1:016x}", "stock", "SERVER", begin_us + 1_000, 10_000),
    ]
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/api/v2/spans", json.dumps(spans).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 202


def _span(
    trace: str, number: int, parent: str, service: str, kind: str, begin_us: int, lasts_us: int
) -> dict[str, Any]:
    return {
        "traceId": trace,
        "id": f"{number:016x}",
        **({"parentId": parent} if parent else {}),
        "name": "order",
        "kind": kind,
        "timestamp": begin_us,
        "duration": lasts_us,
        "localEndpoint": {"serviceName": service},
        "tags": {"error": "no"},
    }


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[Server]]:
    """The server as it runs now; whoever ends it puts another one in its place."""
    (tmp_path / "rules.yml").write_text(_RULES)
    (tmp_path / "pharos.yml").write_text("rules: [rules.yml]\nspan_metrics: {interval: 1s}\n")
    found = [_start(tmp_path)]
    yield found
    assert found[0].stop() == 0, found[0].log.read_text()


def _start(folder: Path) -> Server:
    return Server(folder / "store", "--config", str(folder / "pharos.yml"))


def _count(peer: Peer, query: str) -> float:
    return sum(float(value) for value in peer.value(query))


def _check_answers_of_spans(peer: Peer) -> None:
    """Check what Tempo's API and a replay say of the spans that were sent."""
    query = quote("{ status = error } | count_over_time() by (resource.service.name)")
    status, found = peer.ask("GET", f"/tempo/api/metrics/query?q={query}&since=10m")
    assert status == 200
    assert {one["promLabels"]: one["value"] for one in found["series"]} == {
        '{"resource.service.name"="shop"}': 5.0,
        '{"resource.service.name"="stock"}': 5.0,
    }
    status, found = peer.ask(
        "GET", f"/tempo/api/metrics/query_range?q={query}&since=10m&step=60s&exemplars=2"
    )
    assert status == 200
    shop = found["series"][0]
    assert shop["labels"] == [{"key": "resource.service.name", "value": {"stringValue": "shop"}}]
    assert sum(sample["value"] for sample in shop["samples"]) == 5
    assert all(int(sample["timestampMs"]) % 60_000 == 0 for sample in shop["samples"])
    assert shop["exemplars"][0]["labels"][1] == {"key": "span:id", "value": {"stringValue": f"{1:016x}"}}
    nothing = quote("{ false } | rate()")
    status, found = peer.ask("GET", f"/tempo/api/metrics/query?q={nothing}")
    assert found["series"] == [
        {
            "labels": [{"key": "__name__", "value": {"stringValue": "rate"}}],
            "promLabels": '{__name__="rate"}',
            "value": 0.0,
        }
    ]
    now_s = time.time()
    path = f"/api/alerting/measured/spans?expr={query}+%3E+1&start={now_s - 600:.0f}&end={now_s:.0f}&step=60"
    status, found = peer.ask("GET", path)
    assert status == 200
    assert found["data"]["limit"] == {"operator": ">", "value": 1.0}
    assert {one["metric"]["service_name"] for one in found["data"]["series"]} == {"shop", "stock"}
    status, replayed = peer.ask("POST", "/api/alerting/replay", {"rules": _RULES, "last": "5m", "step": "5s"})
    assert status == 200, replayed
    (rule,) = replayed["data"]["outcome"]["rules"]
    assert rule["faults"] == []
    assert {firing["labels"]["service_name"] for firing in rule["firings"]} == {"shop", "stock"}


def test_spans_become_series_with_examples_and_are_counted_once_across_a_kill(
    started: list[Server], tmp_path: Path
) -> None:
    peer = Peer(started[0].url)
    for number in range(1, 5):
        _send(peer.url, number)
    _until(lambda: _count(peer, _CALLS) >= 4, "spans are counted")
    _until(lambda: [one for one in peer.alerts() if one["labels"].get("service_name") == "shop"], "the alert")
    started[0].kill()
    started[0] = _start(tmp_path)
    peer = Peer(started[0].url)
    _send(peer.url, 5)
    _until(lambda: _count(peer, _CALLS) > 4, "spans are counted again")
    assert _count(peer, _CALLS) == 5
    edge = 'traces_service_graph_request_failed_total{client="shop",server="stock"}'
    assert _count(peer, edge) == 5
    range_ = f"start={int(time.time()) - 600}&end={int(time.time()) + 60}"
    path = f"/api/v1/query_exemplars?query={quote('traces_spanmetrics_latency_bucket')}&{range_}"
    traces = {one["labels"]["trace_id"] for series in peer.data(path) for one in series["exemplars"]}
    assert f"{5:032x}" in traces
    _check_answers_of_spans(peer)
    (group,) = peer.data("/api/v1/rules")["groups"]
    assert [(rule["health"], rule["language"]) for rule in group["rules"]] == [("ok", "traceql")] * 2
    assert group["rules"][1]["query"].startswith("{ status = error }")
    assert _count(peer, 'service:errors:count{service_name="stock"}') == 5
