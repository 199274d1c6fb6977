"""Two groups compared in a server: by spans, series and patterns of lines, and bad input by its name."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tests.process import Server
from tests.versions.services import (
    Traffic,
    ask,
    send_gauges,
    send_histogram,
    send_lines,
    send_runs,
    send_spans,
    wait_until,
)

PATH = "/api/v1/comparisons"
SPANS = '{ resource.service.name = "shop" && resource.service.version = "{{.group}}" }'
BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0]
SECONDS = 120.0


@pytest.fixture(scope="module")
def began() -> float:
    return time.time() - SECONDS


@pytest.fixture(scope="module")
def server(began: float, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("comparisons") / "data")
    chance, end = np.random.default_rng(5), began + SECONDS
    gauges: list[tuple[dict[str, str], list[float]]] = []
    for version, factor in (("v1", 1.0), ("v3", 0.6)):
        for node in ("a", "b"):
            values = factor * 1e6 * np.exp(chance.normal(0, 0.05, 120))
            gauges.append(({"version": version, "node": node}, values.tolist()))
    send_gauges(made.url, "wire_bytes", gauges, end)
    speeds = [
        ({"version": version}, (factor * np.exp(chance.normal(0, 0.05, 120))).tolist())
        for version, factor in (("v1", 100.0), ("v3", 65.0))
    ]
    send_gauges(made.url, "throughput", speeds, end)
    for version, slower in (("v1", 1.0), ("v3", 1.25)):
        send_spans(made.url, Traffic("shop", version, began, SECONDS, 40, slower))
        counts = [
            np.histogram(0.02 * slower * np.exp(chance.normal(0, 0.8, 250)), [0, *BOUNDS, 1e9])[0].tolist()
            for _ in range(24)
        ]
        send_histogram(made.url, "request_seconds", version, counts, BOUNDS, end)
    send_lines(made.url, "v1", [("INFO", 900, "order {} is packed"), ("ERROR", 5, "no stock of {}")], end)
    for version, lasts_s, failing in (("v1", 0.2, 30), ("v2", 0.36, 3)):
        send_runs(made.url, "nightly", version, began, lasts_s, failing)
    send_lines(made.url, "v3", [("INFO", 900, "order {} is packed"), ("ERROR", 90, "no stock of {}")], end)
    yield made
    assert made.stop() == 0, made.log.read_text()


def body(began: float, *measures: dict[str, Any], **more: Any) -> dict[str, Any]:
    times = {"start": f"{began:.3f}", "end": f"{began + SECONDS:.3f}"}
    groups = {"baseline": {"name": "v1", **times}, "canary": {"name": "v3", **times}}
    return {**groups, "measures": list(measures), **more}


def compared(server: Server, began: float, *measures: dict[str, Any]) -> dict[str, Any]:
    def look() -> tuple[int, Any]:
        return ask(server.url, "POST", PATH, body(began, *measures))

    # What was sent last is found a moment later.
    return dict(wait_until(look, lambda found: found[0] == 200 and not found[1]["notes"], 20)[1])


def test_spans_are_compared_by_their_latencies_and_errors(server: Server, began: float) -> None:
    found = compared(server, began, {"name": "requests", "spans": SPANS})
    assert found["verdict"] == "fail"
    latency, errors = sorted(found["differences"], key=lambda one: one["kind"] != "latency")
    assert latency["low"] < 1.25 < latency["high"]
    assert latency["effect"] == pytest.approx(1.25, abs=0.04)
    assert (latency["verdict"], latency["severity"]) == ("fail", "medium")
    assert latency["baseline"] == pytest.approx(20, rel=0.05)
    assert errors["kind"] == "errors"
    assert errors["verdict"] != "fail"


def test_series_are_compared_by_ranks_and_savings_are_counted(server: Server, began: float) -> None:
    measures: list[dict[str, Any]] = [
        {"name": "throughput", "metric": 'throughput{version="{{.group}}"}', "better": "higher"},
        {
            "name": "bytes",
            "metric": 'wire_bytes{version="{{.group}}"}',
            "saves": "bandwidth",
            "price": 0.5,
        },
    ]
    found = compared(server, began, *measures)
    first = found["differences"][0]
    assert (first["measure"], first["severity"], first["verdict"]) == ("throughput", "high", "fail")
    assert first["change_percent"] == pytest.approx(-35, abs=3)
    assert first["delta"] == pytest.approx(-1)
    nodes = [one for one in found["differences"] if one["measure"] == "bytes"]
    assert sorted(one["labels"]["node"] for one in nodes) == ["a", "b"]
    assert {one["verdict"] for one in nodes} == {"pass"}
    [saving] = found["savings"]
    assert saving["per_second"] == pytest.approx(800_000, rel=0.05)
    assert saving["percent"] == pytest.approx(40, abs=2)
    assert saving["cost"] == pytest.approx(saving["total"] / 2)
    assert found["score"] == pytest.approx(100 * 2 / 3)


def test_patterns_of_lines_that_differ_are_told(server: Server, began: float) -> None:
    logs = 'service:shop service.version:"{{.group}}"'
    found = compared(server, began, {"name": "lines", "logs": logs})
    first = found["differences"][0]
    assert first["labels"] == {"level": "error", "pattern": "no stock of <_>"}
    assert (first["verdict"], first["severity"]) == ("fail", "critical")
    assert first["low"] > 5
    packed = [one for one in found["differences"] if "packed" in one["labels"]["pattern"]]
    assert all(one["severity"] == "none" for one in packed)


def test_runs_of_two_versions_are_compared_also_where_one_follows_the_other(
    server: Server, began: float
) -> None:
    """The first begins all its runs in the first half of the time, the second in the second."""
    runs = {"name": "nightly", "runs": 'workflow="nightly", version="{{.group}}"'}

    def look() -> tuple[int, Any]:
        asked = body(began, runs)
        asked["canary"]["name"] = "v2"
        return ask(server.url, "POST", PATH, asked)

    found = wait_until(look, lambda one: one[0] == 200 and not one[1]["notes"], 20)[1]
    duration, failures = sorted(found["differences"], key=lambda one: str(one["kind"]))
    assert (duration["kind"], duration["verdict"], duration["severity"]) == ("duration", "fail", "critical")
    assert duration["low"] < 1.8 < duration["high"]
    assert duration["effect"] == pytest.approx(1.8, abs=0.04)
    assert duration["baseline"] == pytest.approx(200, rel=0.05)
    assert (failures["kind"], failures["verdict"]) == ("failures", "fail")
    assert (failures["baseline"], failures["canary"]) == (pytest.approx(1 / 30), pytest.approx(1 / 3))


def test_too_few_runs_say_how_many_more_are_needed(server: Server, began: float) -> None:
    asked = body(began, {"name": "nightly", "runs": 'workflow="nightly", version="v1"'})
    asked["baseline"] |= {"end": f"{began + 10:.3f}"}
    asked["canary"] |= {"start": f"{began + 10:.3f}", "end": f"{began + 14:.3f}"}
    found = ask(server.url, "POST", PATH, asked)[1]
    duration = next(one for one in found["differences"] if one["kind"] == "duration")
    assert duration["verdict"] == "undecided"
    assert "more runs, about" in duration["needs"]


def test_before_and_after_are_groups_too(server: Server, began: float) -> None:
    asked = body(began, {"name": "requests", "spans": SPANS})
    middle = f"{began + SECONDS / 2:.3f}"
    asked["baseline"] |= {"end": middle}
    asked["canary"] |= {"name": "v1", "start": middle}
    found = ask(server.url, "POST", PATH, asked)[1]
    latency = next(one for one in found["differences"] if one["kind"] == "latency")
    assert latency["low"] < 1 < latency["high"]
    assert found["verdict"] != "fail"


def test_what_is_too_little_says_how_much_more_it_needs(server: Server, began: float) -> None:
    asked = body(began, {"name": "requests", "spans": SPANS})
    for group in ("baseline", "canary"):
        asked[group] |= {"end": f"{began + 5:.3f}"}
    found = ask(server.url, "POST", PATH, asked)[1]
    latency = next(one for one in found["differences"] if one["kind"] == "latency")
    assert latency["verdict"] == "undecided"
    assert latency["needs"].endswith(" s")
    assert "more requests, about" in latency["needs"]


def test_a_histogram_finds_what_spans_find(server: Server, began: float) -> None:
    path = "/api/v1/rollouts/by-metrics"
    rollout = {"latency": 'request_seconds_bucket{version="{{.group}}"}', "stages": [50]}
    assert ask(server.url, "PUT", path, {"rollout": rollout})[0] == 200
    start = {"baseline": "v1", "canary": "v3", "since": f"{began:.3f}"}
    assert ask(server.url, "POST", f"{path}/start", start)[0] == 200

    def run() -> Any:
        return ask(server.url, "GET", path)[1]["run"]

    stage = wait_until(run, lambda found: found["phase"] == "failed")["stages"][-1]
    assert stage["verdict"]["latency"]["effect"] == pytest.approx(1.25, abs=0.1)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"measures": []}, "measures"),
        ({"measures": [{"name": "a"}]}, "a measure is one of metric, spans, logs, runs"),
        ({"measures": [{"name": "a", "metric": "rate("}]}, "measures.a"),
        ({"measures": [{"name": "a", "metric": "up"}]}, "both groups are asked the same of the same time"),
        ({"measures": [{"name": "a", "spans": "{ x = }{{.group}}"}]}, "spans"),
        ({"measures": [{"name": "a", "metric": '"{{.group}}"'}]}, "measures.a"),
        (
            {"measures": [{"name": "a", "runs": 'version="{{.group}}"'}]},
            "it does not say of which",
        ),
        (
            {"measures": [{"name": "a", "runs": 'workflow="n", state="{{.group}}"'}]},
            "runs are chosen by",
        ),
        ({"measures": [{"name": "a", "runs": 'workflow=~"{{.group}}"'}]}, "each once with = and a value"),
        ({"measures": [{"name": "a", "metric": "up", "better": "sideways"}]}, "measures.0.better"),
        ({"baseline": {"start": "now-ish"}}, "baseline.start"),
        ({"canary": {"start": "100", "end": "50"}}, "canary: the end must be after the start"),
        ({"group": 1}, "there is no field group"),
    ],
)
def test_bad_input_is_named(server: Server, began: float, change: dict[str, Any], told: str) -> None:
    asked = {**body(began, {"name": "up", "metric": 'up{v="{{.group}}"}'}), **change}
    status, found = ask(server.url, "POST", PATH, asked)
    assert status == 400, found
    assert told in found["error"], json.dumps(found)


def test_a_tenant_compares_its_own_alone(server: Server, began: float) -> None:
    ask(server.url, "POST", "/api/tenants", {"id": "another", "name": "Another"})
    asked = body(began, {"name": "requests", "spans": SPANS})
    found = ask(server.url, "POST", PATH, asked, tenant="another")[1]
    assert found["verdict"] == "undecided"
    assert found["notes"] == ["requests: no span was found of 'v1'"]
