"""Rollouts in a server: services send spans, and a slower version is rolled back at a cluster's API."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.process import Server
from tests.versions.cluster import PHAROS, Cluster
from tests.versions.services import Traffic, ask, send_spans, wait_until

SPANS = '{{ resource.service.name = "{}" && resource.service.version = "{{{{.group}}}}" }}'
SECONDS = 120
ROLLOUT = "/api/v1/rollouts/checkout"
CANARY = "/apis/apps/v1/namespaces/shop/deployments/checkout-canary"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    made = Cluster()
    made.put(CANARY, {"apiVersion": "apps/v1", "kind": "Deployment"})
    yield made
    made.close()


@pytest.fixture(scope="module")
def config(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rollouts")
    (folder / "token").write_text(PHAROS)
    (folder / "checkout.yml").write_text(
        "rollouts:\n"
        "  checkout:\n"
        f"    spans: '{SPANS.format('checkout')}'\n"
        "    stages: [25, 50, 100]\n"
        "    labels: {team: shop}\n"
    )
    (folder / "pharos.yml").write_text(
        "rollouts: [checkout.yml]\n"
        f"actions: {{clusters: {{main: {{server: '{cluster.url}', token_file: token}}}}}}\n"
    )
    return folder / "pharos.yml"


@pytest.fixture(scope="module")
def servers(config: Path) -> Iterator[list[Server]]:
    """The server; a test that kills it puts another one in its place."""
    made = [Server(config.parent / "data", "--config", str(config))]
    yield made
    assert made[-1].stop() == 0, made[-1].log.read_text()


def _phase(server: Server, path: str = ROLLOUT) -> Any:
    found = ask(server.url, "GET", path)[1]["run"]
    return None if found is None else found["phase"]


def _define_action(server: Server) -> None:
    patch = {"spec": {"template": {"metadata": {"labels": {"version": "${baseline}"}}}}}
    action = {
        "matchers": ["alertname=RolloutFailed", "rollout=checkout"],
        "kubernetes": {
            "cluster": "main",
            "kind": "deployment",
            "namespace": "shop",
            "name": "checkout-canary",
            "patch": patch,
        },
        "evidence": ["vector(1)"],
    }
    assert ask(server.url, "PUT", "/api/alerting/actions/roll-back", {"action": action})[0] == 200


def test_a_slower_version_is_rolled_back_within_ten_seconds(servers: list[Server], cluster: Cluster) -> None:
    server = servers[0]
    _define_action(server)
    wait_until(lambda: ask(server.url, "GET", ROLLOUT)[0], lambda status: status == 200)
    began = time.time() - SECONDS
    for version, share, slower in (("1.0", 75.0, 1.0), ("1.1", 25.0, 1.25)):
        send_spans(server.url, Traffic("checkout", version, began, SECONDS, share, slower))
    sent = time.monotonic()
    body = {"baseline": "1.0", "canary": "1.1", "since": f"{began:.3f}"}
    status, found = ask(server.url, "POST", f"{ROLLOUT}/start", body)
    assert (status, found["run"]["phase"], found["run"]["weight"]) == (200, "running", 25)
    [patch] = wait_until(cluster.patches, bool)
    assert (patch.path, patch.kind) == (CANARY, "application/strategic-merge-patch+json")
    assert patch.body["spec"]["template"]["metadata"]["labels"] == {"version": "1.0"}
    assert patch.at - sent < 10
    found = ask(server.url, "GET", ROLLOUT)[1]
    stage = found["run"]["stages"][-1]
    assert (found["run"]["phase"], stage["outcome"]) == ("failed", "fail")
    latency = stage["verdict"]["latency"]
    assert latency["low"] < 1.25 < latency["high"]
    # What was done is kept with its evidence.
    [response] = wait_until(
        lambda: ask(server.url, "GET", "/api/alerting/responses?status=done")[1], lambda done: len(done) == 1
    )
    assert response["labels"]["canary"] == "1.1"
    assert "vector" in response["evidence"][0]["query"]


def test_what_moves_the_traffic_is_told(servers: list[Server]) -> None:
    url = servers[0].url
    verdict = ask(url, "GET", f"{ROLLOUT}/verdict")[1]
    assert (verdict["verdict"], verdict["score"]) == ("fail", 0)
    flagger = {"name": "checkout", "namespace": "shop", "phase": "Progressing", "checksum": "85d557f47b"}
    asked = {
        name: ask(url, "POST", f"{ROLLOUT}/hooks/{name}", flagger)[0]
        for name in ("rollout", "rollback", "confirm-traffic-increase", "confirm-promotion")
    }
    assert asked == {
        "rollout": 409,
        "rollback": 200,
        "confirm-traffic-increase": 409,
        "confirm-promotion": 409,
    }
    assert ask(url, "POST", f"{ROLLOUT}/judge", {"weight": 50})[1]["verdict"] == "fail"


def test_a_run_goes_on_after_a_kill_and_a_good_version_passes(servers: list[Server], config: Path) -> None:
    path = "/api/v1/rollouts/search"
    rollout = {"spans": SPANS.format("search"), "stages": [25], "least_time": "2m", "advance": "manual"}
    assert ask(servers[0].url, "PUT", path, {"rollout": rollout})[0] == 200
    began = time.time() - SECONDS
    for version, share in (("1.0", 75.0), ("1.1", 25.0)):
        send_spans(servers[0].url, Traffic("search", version, began, SECONDS, share))
    body = {"baseline": "1.0", "canary": "1.1", "since": f"{began:.3f}"}
    assert ask(servers[0].url, "POST", f"{path}/start", body)[0] == 200
    servers[0].kill()
    servers.append(Server(config.parent / "data", "--config", str(config)))
    server = servers[-1]
    assert wait_until(lambda: _phase(server, path), lambda phase: phase != "running") == "passed"
    found = ask(server.url, "GET", f"{path}/verdict")[1]
    assert (found["verdict"], found["score"]) == ("pass", 100)
    # That the other one failed is said again, and nothing is done a second time.
    assert _phase(server) == "failed"
    firing = wait_until(
        lambda: _firing(server),
        lambda names: names >= {"RolloutFailed", "RolloutPassed"},
    )
    assert "RolloutStagePassed" not in firing
    assert len(ask(server.url, "GET", "/api/alerting/responses")[1]) == 1
    history = ask(server.url, "GET", ROLLOUT)[1]["history"]
    assert history == []


def _firing(server: Server) -> set[str]:
    with urllib.request.urlopen(f"{server.url}/api/v2/alerts", timeout=30) as answer:
        return {one["labels"]["alertname"] for one in json.loads(answer.read())}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "told"),
    [
        ("GET", "/api/v1/rollouts/other", None, 404, "there is no rollout 'other'"),
        ("POST", "/api/v1/rollouts/other/start", {}, 404, "there is no rollout 'other'"),
        ("PUT", ROLLOUT, {"rollout": {"stages": [5]}}, 400, "requests are found by either spans"),
        ("POST", f"{ROLLOUT}/start", {"baseline": "a", "canary": "a"}, 400, "must be two versions"),
        ("POST", f"{ROLLOUT}/start", {"since": "yesterday"}, 400, "since"),
        ("POST", f"{ROLLOUT}/start", {"since": "5"}, 400, "since: a time within the last day"),
        ("POST", f"{ROLLOUT}/judge", {"weight": 101}, 400, "weight"),
        ("POST", f"{ROLLOUT}/judge", {"canary": "2.0"}, 409, "the run is of '1.1', not of '2.0'"),
        ("POST", f"{ROLLOUT}/advance", {}, 409, "is over: failed"),
    ],
)
def test_bad_input_is_named(
    servers: list[Server], method: str, path: str, body: Any, status: int, told: str
) -> None:
    found = ask(servers[-1].url, method, path, body)
    assert found[0] == status
    assert told in json.dumps(found[1]).replace("\\u0027", "'")


def test_a_tenant_sees_and_changes_its_own_rollouts_alone(servers: list[Server]) -> None:
    url = servers[-1].url
    ask(url, "POST", "/api/tenants", {"id": "another", "name": "Another"})
    assert ask(url, "GET", "/api/v1/rollouts", tenant="another") == (200, [])
    assert ask(url, "DELETE", ROLLOUT, tenant="another")[0] == 404
    assert ask(url, "POST", f"{ROLLOUT}/end", {}, tenant="another")[0] == 404


def test_who_dealt_with_a_failure_says_so_and_a_rollout_can_be_taken_away(servers: list[Server]) -> None:
    url = servers[-1].url
    found = ask(url, "POST", f"{ROLLOUT}/end", {"reason": "rolled back"})[1]
    assert found["run"]["is_closed"] is True
    wait_until(lambda: _firing(servers[-1]), lambda firing: "RolloutFailed" not in firing)
    path = "/api/v1/rollouts/search"
    assert ask(url, "DELETE", path)[0] == 200
    assert ask(url, "GET", path)[0] == 404
