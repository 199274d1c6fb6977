"""`/api/v1/correlations`: which series of a tenant changed with one, and what is refused."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlencode

import pytest

_TENANT = "correlated"
_MINUTES = 60
_SPIKE = 50


def _exchange(url: str, path: str, body: Any = None, tenant: str = _TENANT) -> tuple[int, Any]:
    headers = {"X-Scope-OrgID": tenant, "Content-Type": "application/json"}
    sent = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(
            urllib.request.Request(f"{url}{path}", sent, headers), timeout=60
        ) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, json.load(exc)


def _gauge(name: str, begin_s: int, values: list[float]) -> dict[str, Any]:
    points = [
        {"timeUnixNano": str((begin_s + 60 * minute) * 10**9), "asDouble": value}
        for minute, value in enumerate(values)
    ]
    return {"name": name, "gauge": {"dataPoints": points}}


@pytest.fixture(scope="module")
def begin_s(pharos_url: str) -> int:
    """When the hour began, in the last ten minutes of which two gauges of four changed."""
    begin = int(time.time()) // 60 * 60 - 60 * _MINUTES
    wave = [10 + minute % 3 for minute in range(_MINUTES)]
    late = [minute >= _SPIKE for minute in range(_MINUTES)]
    metrics = [
        _gauge(
            "latency_seconds", begin, [one + 40 * is_late for one, is_late in zip(wave, late, strict=True)]
        ),
        _gauge(
            "queue_depth", begin, [5 * one + 90 * is_late for one, is_late in zip(wave, late, strict=True)]
        ),
        _gauge("free_slots", begin, [100.0 - 60 * is_late for is_late in late]),
        _gauge("temperature", begin, [20.0 + minute % 2 for minute in range(_MINUTES)]),
    ]
    about = {"attributes": [{"key": "service.name", "value": {"stringValue": "front"}}]}
    sent = {"resourceMetrics": [{"resource": about, "scopeMetrics": [{"metrics": metrics}]}]}
    assert _exchange(pharos_url, "/v1/metrics", sent)[0] == 200
    for _ in range(300):
        asked = urlencode({"query": 'count({job="front"})', "time": begin + 60 * (_MINUTES - 1)})
        found = _exchange(pharos_url, f"/api/v1/query?{asked}")[1]["data"]["result"]
        if found and int(found[0]["value"][1]) >= len(metrics):
            return begin
        threading.Event().wait(0.1)
    raise AssertionError("what was sent did not arrive")


def _ask(url: str, begin_s: int, **more: Any) -> tuple[int, Any]:
    times = {"from": begin_s + 60 * _SPIKE, "to": begin_s + 60 * (_MINUTES - 1), **more}
    return _exchange(url, f"/api/v1/correlations?{urlencode(times, doseq=True)}")


def test_series_that_changed_with_it_come_first(pharos_url: str, begin_s: int) -> None:
    status, answer = _ask(pharos_url, begin_s, query="latency_seconds")
    assert status == 200, answer
    found = answer["data"]
    named = {one["labels"]["__name__"]: one for one in found["series"]}
    assert set(named) == {"latency_seconds", "queue_depth", "free_slots"}
    assert found["series"][0]["correlation"] > 0.95
    assert found["reference"]["change"] > 2
    queue, slots = named["queue_depth"], named["free_slots"]
    assert (queue["direction"], slots["direction"]) == ("up", "down")
    assert slots["correlation"] < -0.9
    assert (slots["before"], slots["during"], slots["change"]) == (100, 40, -0.6)
    assert queue["expression"].startswith("queue_depth{")
    assert found["examined"] >= 4
    assert (found["changed"], found["truncated"]) == (3, False)
    assert len(queue["values"]) <= 120


def test_candidates_are_those_that_are_named(pharos_url: str, begin_s: int) -> None:
    asked = {"match[]": ["queue_depth", '{__name__=~"queue.*|temp.*"}'], "limit": 5}
    found = _ask(pharos_url, begin_s, **asked)[1]["data"]
    assert [one["labels"]["__name__"] for one in found["series"]] == ["queue_depth"]
    assert (found["examined"], found["reference"]) == (2, None)
    assert found["series"][0]["score"] == found["series"][0]["change_score"]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"from": ""}, "from is missing"),
        ({"to": "0"}, "to must be after from"),
        ({"from": "1"}, "at most 24h"),
        ({"baseline": "90d"}, "baseline must be"),
        ({"query": "rate("}, "parse error"),
        ({"query": "no_such_metric"}, "no values at that time"),
        ({"query": "latency_seconds[5m]"}, "range vector"),
        ({"match[]": "{}"}, "takes every series"),
        ({"match[]": "sum(x)"}, "parse error"),
        ({"limit": "0"}, "limit must be"),
    ],
    ids=str,
)
def test_what_cannot_be_asked_is_refused(pharos_url: str, begin_s: int, asked: Any, says: str) -> None:
    status, answer = _ask(pharos_url, begin_s, **asked)
    assert (status, says in answer["error"]) == (400, True), answer


def test_another_tenant_has_nothing(pharos_url: str, begin_s: int) -> None:
    asked = urlencode({"from": begin_s + 60 * _SPIKE, "to": begin_s + 60 * (_MINUTES - 1)})
    status, answer = _exchange(pharos_url, f"/api/v1/correlations?{asked}", tenant="stranger")
    assert (status, answer["data"]["examined"], answer["data"]["series"]) == (200, 0, [])
