"""A whole server: what is written is found by the next questions, though they are answered from memory."""

from __future__ import annotations

import json
import random
import time
import urllib.parse
import urllib.request
from typing import Any

from bench.freshness import HEADERS
from tests.servers import body_of

_TENANT = {"X-Scope-OrgID": "reads"}
_METRIC = "read_again"


def _write(url: str, samples: list[tuple[int, float]]) -> None:
    request = urllib.request.Request(
        f"{url}/api/v1/write", body_of(_METRIC, samples), {**HEADERS, **_TENANT}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status in {200, 204}


def _ask(url: str, path: str, **arguments: Any) -> list[Any]:
    request = urllib.request.Request(
        f"{url}/api/v1/{path}?{urllib.parse.urlencode(arguments)}", headers=_TENANT
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: list[Any] = json.loads(answer.read())["data"]["result"]
    return found


def _found(url: str, end_s: int) -> tuple[float, float, list[float]]:
    count = _ask(url, "query", query=f"count_over_time({_METRIC}[1h])", time=end_s)
    total = _ask(url, "query", query=f"sum_over_time({_METRIC}[1h])", time=end_s)
    steps = _ask(url, "query_range", query=_METRIC, start=end_s - 600, end=end_s, step=60)
    return (
        float(count[0]["value"][1]) if count else 0.0,
        float(total[0]["value"][1]) if total else 0.0,
        [float(value) for _, value in steps[0]["values"]] if steps else [],
    )


def _expected(known: dict[int, float], end_s: int) -> tuple[float, float, list[float]]:
    end = end_s * 1000
    inside = [value for ts, value in known.items() if end - 3_600_000 < ts <= end]
    steps = []
    for at in range(end - 600_000, end + 1, 60_000):
        near = [ts for ts in known if at - 300_000 < ts <= at]
        if near:
            steps.append(known[max(near)])
    return float(len(inside)), sum(inside), steps


def test_late_and_repeated_samples_are_found_again_and_again(pharos_url: str) -> None:
    rng = random.Random(11)
    end_s = int(time.time()) // 60 * 60
    known: dict[int, float] = {}
    for _ in range(12):
        late = rng.choice([10_000, 60_000, 3_000_000])
        samples = {
            end_s * 1000 - rng.randrange(late): float(rng.randrange(100)) for _ in range(rng.randrange(1, 20))
        }
        _write(pharos_url, sorted(samples.items()))
        for ts, value in samples.items():
            known[ts] = max(value, known.get(ts, value))  # of equal times the greatest value stays
        expected = _expected(known, end_s)
        until = time.monotonic() + 20
        while (found := _found(pharos_url, end_s)) != expected:
            assert time.monotonic() < until, (found, expected)
