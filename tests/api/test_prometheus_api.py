"""The Prometheus API by cases: statuses, error types, messages; and the same answers as a real Prometheus."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.api.peers import STEP_MS, Peer, running_prometheus, samples

CASES = Path(__file__).parent / "cases"


@pytest.mark.parametrize(
    ("method", "path", "status", "error_type", "message"),
    [
        pytest.param(*case, id=f"{case[0]} {case[1]}")
        for case in yaml.safe_load((CASES / "errors.yaml").read_text())
    ],
)
def test_statuses_and_errors(
    pharos: Peer, method: str, path: str, status: int, error_type: str, message: str
) -> None:
    answer = pharos.ask(method, path)
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    if error_type:
        assert set(body) == {"status", "errorType", "error"}
        assert (body["status"], body["errorType"]) == ("error", error_type)
        assert message in body["error"]
    else:
        assert body["status"] == "success"


def ordered(path: str, found: Any) -> Any:
    """Return an answer with series in one order where the API promises none."""
    body = json.loads(found)
    data = body.get("data")
    if isinstance(data, dict) and data.get("resultType") in {"vector", "matrix"}:
        data["result"].sort(key=lambda one: sorted(one["metric"].items()))
    if "/series" in path or "exemplars" in path:
        data.sort(key=lambda one: sorted((one.get("seriesLabels") or one).items()))
    return body


@pytest.mark.needs("prometheus")
def test_same_answers_as_prometheus(pharos: Peer, end_ms: int, folder: Path) -> None:
    start_ms = end_ms - 100 * STEP_MS
    with running_prometheus(folder) as prometheus:
        prometheus.write(samples(end_ms))
        for case in yaml.safe_load((CASES / "same.yaml").read_text()):
            path = case.replace("START", str(start_ms / 1000)).replace("END", str(end_ms / 1000))
            mine, theirs = pharos.ask("GET", path), prometheus.ask("GET", path)
            assert mine.status == theirs.status == 200, path
            assert ordered(path, mine.body) == ordered(path, theirs.body), path
            assert mine.headers["content-type"] == theirs.headers["content-type"]


@pytest.mark.needs("prometheus")
def test_samples_by_step_are_counted_alike(pharos: Peer, end_ms: int, folder: Path) -> None:
    with running_prometheus(folder) as prometheus:
        prometheus.write(samples(end_ms))
        for query in (
            "requests_total", "rate(requests_total[290s])", "gone + 1",
            "sum(requests_total offset 100s) / 2", "requests_total @ 5", f"sum(odd @ {end_ms // 1000})",
            "nothing", "1", "gone",
            "histogram_quantile(0.9, rate(lat_bucket[110s])) > requests_total",
            "sum_over_time(requests_total[290s:60s])",
            "requests_total + max_over_time(sum(rate(requests_total[110s]))[290s:60s] offset 100s)",
        ):  # fmt: skip
            end = end_ms / 1000
            for path, when in (
                ("/api/v1/query", {"time": end}),
                ("/api/v1/query_range", {"start": end - 1200, "end": end, "step": 75}),
            ):
                mine = pharos.data(path, query=query, stats="all", **when)["stats"]["samples"]
                theirs = prometheus.data(path, query=query, stats="all", **when)["stats"]["samples"]
                for name in ("totalQueryableSamples", "totalQueryableSamplesPerStep"):
                    assert mine.get(name) == theirs.get(name), (query, name)


@pytest.mark.needs("prometheus")
def test_federation_shows_what_prometheus_shows(pharos: Peer, end_ms: int, folder: Path) -> None:
    with running_prometheus(folder) as prometheus:
        prometheus.write(samples(end_ms))
        for query in (
            "match[]=shown",
            'match[]=requests_total&match[]={__name__="odd"}',
            "match[]=gone",
            "match[]={}",
            "",
        ):
            mine = pharos.ask("GET", f"/federate?{query}")
            theirs = prometheus.ask("GET", f"/federate?{query}")
            assert sorted(mine.body.splitlines()) == sorted(theirs.body.splitlines())
            assert mine.headers["content-type"].startswith(theirs.headers["content-type"])


def test_a_form_counts_before_the_address(pharos: Peer) -> None:
    answer = pharos.post("/api/v1/query?query=1&time=5", query="2")
    assert answer.json()["data"]["result"] == [5, "2"]


def test_options_names_the_methods(pharos: Peer) -> None:
    answer = pharos.ask("OPTIONS", "/api/v1/query")
    assert (answer.status, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_limit_truncates_with_a_warning(pharos: Peer, end_ms: int) -> None:
    for path, parameters in (
        ("/api/v1/query", {"query": "requests_total", "time": end_ms / 1000}),
        ("/api/v1/series", {"match[]": "requests_total"}),
        ("/api/v1/labels", {}),
        ("/api/v1/label/instance/values", {}),
    ):
        body = pharos.get(path, limit=2, **parameters).json()
        data = body["data"]
        assert len(data["result"] if isinstance(data, dict) else data) == 2
        assert body["warnings"] == ["results truncated due to limit"]
        whole = pharos.get(path, limit=1000, **parameters).json()
        assert "warnings" not in whole


def test_large_answers_are_packed_when_asked(pharos: Peer, end_ms: int) -> None:
    path = f"/api/v1/query_range?query=requests_total&start={end_ms / 1000 - 1700}&end={end_ms / 1000}&step=1"
    plain = pharos.ask("GET", path)
    packed = pharos.ask("GET", path, None, {"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    small = pharos.ask("GET", "/api/v1/query?query=1", None, {"Accept-Encoding": "gzip"})
    assert "content-encoding" not in small.headers
    refused = pharos.ask("GET", path, None, {"Accept-Encoding": "gzip;q=0"})
    assert "content-encoding" not in refused.headers


def test_stats_say_how_long_and_how_much(pharos: Peer, end_ms: int) -> None:
    stats = pharos.data("/api/v1/query", query="requests_total", time=end_ms / 1000, stats="all")["stats"]
    assert set(stats["timings"]) == {
        "evalTotalTime", "resultSortTime", "queryPreparationTime", "innerEvalTime", "execQueueTime",
        "execTotalTime",
    }  # fmt: skip
    assert stats["timings"]["execTotalTime"] >= stats["timings"]["innerEvalTime"] > 0
    assert stats["samples"]["peakSamples"] >= 12
    assert "stats" not in pharos.data("/api/v1/query", query="requests_total", time=end_ms / 1000)


def test_the_tree_of_an_expression(pharos: Peer) -> None:
    tree = pharos.data("/api/v1/parse_query", query="sum by (job) (up)")
    assert (tree["type"], tree["op"], tree["grouping"]) == ("aggregation", "sum", ["job"])
    assert tree["expr"]["name"] == "up"


def test_federation_spells_names_for_the_reader(pharos: Peer, end_ms: int) -> None:
    pharos.write([{"labels": [("__name__", "my.metric"), ("a.b", "x")], "samples": [(end_ms, 3.0)]}])
    pharos.wait_for('{"my.metric"}', end_ms / 1000, 3.0)
    old = pharos.ask("GET", '/federate?match[]={"my.metric"}').body.decode()
    assert old == f'# TYPE my_metric untyped\nmy_metric{{a_b="x",instance=""}} 3 {end_ms}\n'
    accept = {"Accept": "text/plain;version=1.0.0;escaping=allow-utf-8"}
    new = pharos.ask("GET", '/federate?match[]={"my.metric"}', None, accept).body.decode()
    assert new == f'# TYPE "my.metric" untyped\n{{"my.metric","a.b"="x",instance=""}} 3 {end_ms}\n'
    broken = pharos.ask("GET", "/federate?match[]=up{")
    assert (broken.status, broken.body) == (400, b"1:4: parse error: unexpected end of input inside braces\n")


def test_days_without_samples_have_no_labels(pharos: Peer, end_ms: int) -> None:
    assert pharos.data("/api/v1/labels", start="-9e12", end=5) == []
    assert pharos.data("/api/v1/labels", start=end_ms / 1000 + 3 * 86_400, end="9e12") == []
    assert "job" in pharos.data("/api/v1/labels", start="-9e12", end="9e12")


def test_a_tenant_that_cannot_be_is_a_bad_request_everywhere(pharos: Peer) -> None:
    for path in ("query?query=up", "query_range?query=up&start=0&end=1&step=1", "labels"):
        answer = pharos.ask("GET", f"/api/v1/{path}", headers={"X-Scope-OrgID": "a|b/c"})
        assert (answer.status, answer.json()["errorType"]) == (400, "bad_data")


def test_a_selector_may_come_thousands_of_times(pharos: Peer) -> None:
    selectors = [f'requests_total{{instance!="{i % 300}"}}' for i in range(5_000)]
    answer = pharos.post("/api/v1/series", **{"match[]": selectors})
    assert answer.status == 200, answer.body
    found = pharos.data("/api/v1/series", **{"match[]": "requests_total"})
    assert answer.json()["data"] == found
