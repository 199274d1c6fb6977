"""Anomalies in a server: found within seconds, alerted about, marked, and remembered over a restart."""

from __future__ import annotations

import json
import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bench.freshness import HEADERS
from tests.process import Server
from tests.servers import body_of

_SETTINGS = "anomalies: {interval: 1s, cooldown: 2s, automatic: false}\nself_scrape_interval: 1h\n"
_ROWS = 2_400


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("anomalies")
    (made / "pharos.yml").write_text(_SETTINGS)
    return made


def _start(folder: Path) -> Server:
    return Server(folder / "data", "--config", str(folder / "pharos.yml"))


@pytest.fixture(scope="module")
def servers(folder: Path) -> Iterator[list[Server]]:
    """The server that runs, which a test may replace."""
    running = [_start(folder)]
    yield running
    assert running[0].stop() == 0


def _ask(server: Server, path: str, body: Any = None, method: str | None = None) -> tuple[int, Any]:
    headers = {"Content-Type": "application/json"}
    sent = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{server.url}{path}", sent, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())["data"]
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, json.loads(exc.read())


def _until(server: Server, path: str, is_so: Callable[[Any], Any]) -> Any:
    ends = time.monotonic() + 60
    while not is_so(found := _ask(server, path)[1]):
        assert time.monotonic() < ends, found
        time.sleep(0.2)
    return found


def _write(server: Server, values: list[tuple[int, float]]) -> None:
    request = urllib.request.Request(f"{server.url}/api/v1/write", body_of("depth", values), HEADERS)
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status in {200, 204}


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_what_is_unusual_is_found_alerted_about_marked_and_kept(servers: list[Server], folder: Path) -> None:
    (server,) = servers
    chance, now_ms = random.Random(5), _now_ms()
    _write(server, [(now_ms - 1000 * (_ROWS - row), chance.gauss(100, 5)) for row in range(_ROWS)])
    _until(server, "/api/v1/query?query=depth", lambda found: found["result"])
    assert _ask(server, "/api/v1/anomaly-watches/depths", {"series": "depth"}, "PUT")[0] == 200
    _until(server, "/api/v1/anomaly-watches", lambda found: found and found[0]["followed"] == 1)
    _write(server, [(_now_ms(), 900.0)])
    listed = _until(server, "/api/v1/anomalies?points=1", lambda found: found["anomalies"])
    one = listed["anomalies"][0]
    assert (one["watch"], one["metric"], one["state"], one["severity"]) == (
        "depths",
        "depth",
        "open",
        "critical",
    )
    assert (one["value"], one["direction"], one["upper"] < 900) == (900, "up", True)
    assert listed["by_severity"]["critical"] == 1
    alerts = _until(server, "/api/v1/alerts", lambda found: found["alerts"])["alerts"]
    assert alerts[0]["labels"]["alertname"] == "Anomaly"
    assert alerts[0]["labels"]["severity"] == "critical"
    _until(
        server,
        f"/api/v1/anomalies/{one['id']}",
        lambda found: any(found["points"]["upper"]) and 900 in found["points"]["values"],
    )
    _write(server, [(_now_ms(), 100.0)])
    path = f"/api/v1/anomalies/{one['id']}/mark"
    marked = _ask(server, path, {"mark": "abnormal", "reason": "a test"}, "POST")
    assert (marked[0], marked[1]["mark"]) == (200, "abnormal")
    assert (marked[1]["state"], _ask(server, path, {"mark": "odd"}, "POST")[0]) == ("over", 400)
    _until(server, "/api/v1/alerts", lambda found: not found["alerts"])
    assert server.stop() == 0
    servers[0] = server = _start(folder)
    _until(server, "/api/v1/anomaly-watches", lambda found: found and found[0]["followed"] == 1)
    kept = _ask(server, "/api/v1/anomalies")[1]["anomalies"]
    assert [(found["id"], found["mark"]) for found in kept if found["id"] == one["id"]] == [
        (one["id"], "abnormal")
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/v1/anomalies/none", None, 404),
        ("POST", "/api/v1/anomalies/none/mark", {"mark": "normal"}, 404),
        ("GET", "/api/v1/anomalies?severity=odd", None, 400),
        ("GET", "/api/v1/anomalies?limit=0", None, 400),
        ("PUT", "/api/v1/anomaly-watches/a", {"series": "sum("}, 400),
        ("PUT", "/api/v1/anomaly-watches/a", {}, 400),
        ("DELETE", "/api/v1/anomaly-watches/none", None, 404),
    ],
)
def test_what_is_not_there_or_not_right_is_refused(
    servers: list[Server], method: str, path: str, body: Any, status: int
) -> None:
    assert _ask(servers[0], path, body, method)[0] == status
