"""Deleting series, reloading the configuration, and what is refused."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.api.peers import Peer
from tests.process import Server


def until(holds: Callable[[], bool]) -> None:
    for _ in range(200):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it never came to hold")


@pytest.fixture
def doomed(server: Server, request: pytest.FixtureRequest, end_ms: int) -> Peer:
    """A tenant with two series of ten samples a minute apart."""
    peer = Peer(server.url, request.node.name)
    times = [end_ms - minute * 60_000 for minute in range(9, -1, -1)]
    for kind in ("a", "b"):
        labels = [("__name__", "doomed"), ("kind", kind)]
        peer.write([{"labels": labels, "samples": [(at, 1.0) for at in times]}])
    peer.wait_for("sum(count_over_time(doomed[1h]))", end_ms / 1000, 20)
    return peer


def counts(peer: Peer, end_ms: int) -> dict[str, int]:
    found = peer.data("/api/v1/query", query="count_over_time(doomed[1h])", time=end_ms / 1000)["result"]
    return {one["metric"]["kind"]: int(one["value"][1]) for one in found}


def test_a_part_of_a_series_is_deleted_at_once(doomed: Peer, server: Server, end_ms: int) -> None:
    other = Peer(server.url, "untouched")
    other.write([{"labels": [("__name__", "doomed"), ("kind", "a")], "samples": [(end_ms, 1.0)]}])
    other.wait_for("count(doomed)", end_ms / 1000, 1)
    answer = doomed.post(
        "/api/v1/admin/tsdb/delete_series",
        **{"match[]": 'doomed{kind="a"}', "start": end_ms / 1000 - 120, "end": end_ms / 1000},
    )
    assert (answer.status, answer.body) == (204, b"")
    assert counts(doomed, end_ms) == {"a": 7, "b": 10}
    assert counts(other, end_ms) == {"a": 1}
    assert doomed.data("/api/v1/label/kind/values") == ["a", "b"]


def test_a_series_deleted_as_a_whole_is_gone_and_may_come_again(doomed: Peer, end_ms: int) -> None:
    assert doomed.ask("PUT", '/api/v1/admin/tsdb/delete_series?match[]=doomed{kind="a"}').status == 204
    assert counts(doomed, end_ms) == {"b": 10}
    assert doomed.data("/api/v1/label/kind/values") == ["b"]
    assert doomed.post("/api/v1/admin/tsdb/clean_tombstones").status == 204
    assert counts(doomed, end_ms) == {"b": 10}
    doomed.write([{"labels": [("__name__", "doomed"), ("kind", "a")], "samples": [(end_ms, 2.0)]}])
    until(lambda: counts(doomed, end_ms) == {"a": 1, "b": 10})


def test_what_was_accepted_before_is_deleted_too(doomed: Peer, end_ms: int) -> None:
    doomed.write([{"labels": [("__name__", "doomed"), ("kind", "c")], "samples": [(end_ms, 2.0)]}])
    assert doomed.post("/api/v1/admin/tsdb/delete_series", **{"match[]": "doomed"}).status == 204
    assert counts(doomed, end_ms) == {}


def test_a_selector_without_matchers_deletes_nothing(doomed: Peer, end_ms: int) -> None:
    assert doomed.post("/api/v1/admin/tsdb/delete_series", **{"match[]": "{}"}).status == 204
    assert counts(doomed, end_ms) == {"a": 10, "b": 10}


def test_deletion_is_refused_without_the_setting(pharos_url: str) -> None:
    peer = Peer(pharos_url)
    for path in ("delete_series?match[]=up", "clean_tombstones"):
        answer = peer.ask("POST", f"/api/v1/admin/tsdb/{path}")
        assert answer.status == 403
        assert answer.json()["errorType"] == "forbidden"
        assert answer.json()["error"].startswith("admin APIs disabled")


def test_a_snapshot_lies_in_the_data_folder(pharos: Peer, server: Server) -> None:
    answer = pharos.ask("POST", "/api/v1/admin/tsdb/snapshot")
    assert answer.status == 200
    name = answer.json()["data"]["name"]
    assert (server.folder / "snapshots" / name / "tables" / "samples").is_dir()


def test_the_process_is_not_ended_from_outside(pharos: Peer) -> None:
    assert pharos.ask("POST", "/-/quit").status == 403


@pytest.fixture
def prometheus_yml(server: Server) -> Iterator[Path]:
    path = server.folder.parent / "prometheus.yml"
    before = path.read_text()
    yield path
    path.write_text(before)
    assert Peer(server.url).ask("POST", "/-/reload").status == 200


GOOD = "scrape_configs:\n- job_name: {}\n  static_configs: [{{targets: ['127.0.0.1:1']}}]\n"


def test_a_bad_configuration_is_named_by_line_and_the_good_one_stays(
    pharos: Peer, prometheus_yml: Path
) -> None:
    prometheus_yml.write_text(GOOD.format("first"))
    assert pharos.ask("POST", "/-/reload").status == 200
    prometheus_yml.write_text(GOOD.format("second") + "  scrape_interval: never\n")
    answer = pharos.ask("PUT", "/-/reload")
    assert answer.status == 500
    assert answer.body.startswith(b"failed to reload config: ")
    assert f"{prometheus_yml}:4".encode() in answer.body
    assert "first" in pharos.data("/api/v1/scrape_pools")["scrapePools"]
    assert pharos.data("/api/v1/status/runtimeinfo")["reloadConfigSuccess"] is False


def test_a_hangup_reloads(pharos: Peer, server: Server, prometheus_yml: Path) -> None:
    prometheus_yml.write_text(GOOD.format("hung"))
    server.process.send_signal(signal.SIGHUP)
    until(lambda: "hung" in pharos.data("/api/v1/scrape_pools")["scrapePools"])
    assert pharos.data("/api/v1/status/runtimeinfo")["reloadConfigSuccess"] is True
    prometheus_yml.write_text("scrape_configs: 5\n")
    server.process.send_signal(signal.SIGHUP)
    until(lambda: pharos.data("/api/v1/status/runtimeinfo")["reloadConfigSuccess"] is False)
    assert "hung" in pharos.data("/api/v1/scrape_pools")["scrapePools"]


def test_relabelling_step_by_step(pharos: Peer, prometheus_yml: Path) -> None:
    rules = (
        "  relabel_configs:\n  - {target_label: env, replacement: test}\n"
        "  - {action: drop, source_labels: [x], regex: y}\n"
    )
    prometheus_yml.write_text(GOOD.format("steps") + rules)
    assert pharos.ask("POST", "/-/reload").status == 200
    steps = pharos.data("/api/v1/targets/relabel_steps", scrapePool="steps", labels='{"x": "y"}')["steps"]
    assert [(one["output"], one["keep"]) for one in steps] == [
        ({"x": "y", "env": "test"}, True),
        ({"x": "y", "env": "test"}, False),
    ]
    assert steps[1]["rule"]["action"] == "drop"
