"""Flagger's and Argo Rollouts' own Prometheus clients ask Pharos: requests and readings as theirs are."""

from __future__ import annotations

import json
import math
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from tests.process import Server
from tests.versions.services import send_histogram, wait_until

QUERY = """
histogram_quantile(0.5, sum by (le) (rate(checkout_seconds_bucket{version="VERSION"}[2m])))
/
histogram_quantile(0.5, sum by (le) (rate(checkout_seconds_bucket{version="1.0"}[2m])))
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = Server(tmp_path_factory.mktemp("clients") / "data")
    end_s = time.time()
    for version, counts in (("1.0", [50, 50, 0, 0]), ("good", [50, 50, 0, 0]), ("slow", [0, 0, 50, 50])):
        send_histogram(server.url, "checkout_seconds", version, [counts] * 12, [0.1, 0.2, 0.4], end_s)
    wait_until(
        lambda: _flagger(server.url, QUERY.replace("VERSION", "slow")), lambda value: value is not None
    )
    yield server.url
    assert server.stop() == 0, server.log.read_text()


def _answer(request: urllib.request.Request) -> Any:
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.loads(answer.read())["data"]


def _flagger(url: str, query: str) -> float | None:
    """Ask by GET with the blanks of a query made one, and return its last value; NaN is none."""
    asked = urllib.parse.urlencode({"query": re.sub(r"\s+", " ", query)})
    request = urllib.request.Request(f"{url}/api/v1/query?{asked}", headers={"Authorization": "Bearer token"})
    values = [float(one["value"][1]) for one in _answer(request)["result"]]
    return None if not values or math.isnan(values[-1]) else values[-1]


def _argo(url: str, query: str) -> list[float]:
    """Ask by POST of a form with the time, and return all values of the vector."""
    form = urllib.parse.urlencode({"query": query, "time": f"{time.time():.3f}"}).encode()
    found = _answer(urllib.request.Request(f"{url}/api/v1/query", form))
    assert found["resultType"] == "vector"
    return [float(one["value"][1]) for one in found["result"]]


def test_flagger_finds_a_server_online(url: str) -> None:
    assert _flagger(url, "vector(1)") == 1.0


@pytest.mark.parametrize(("version", "passes"), [("good", True), ("slow", False)])
def test_a_slower_version_is_beyond_the_threshold_of_both(url: str, version: str, passes: bool) -> None:
    query = QUERY.replace("VERSION", version)
    value = _flagger(url, query)
    assert value is not None
    assert (value <= 1.1) is passes
    assert [one <= 1.1 for one in _argo(url, query)] == [passes]


def test_a_version_without_requests_has_no_value_for_either(url: str) -> None:
    query = QUERY.replace("VERSION", "absent")
    assert (_flagger(url, query), _argo(url, query)) == (None, [])
