"""Objectives and anomalies: an objective is defined and its budget read; series are watched, and what was
unusual in them is looked at and marked.
"""

from __future__ import annotations

import random
import threading
import time
import urllib.request
from collections.abc import Iterator

import pytest
from bench.freshness import HEADERS
from playwright.sync_api import expect
from tests.process import Server
from tests.servers import body_of
from tests.ui.conftest import Visit, kept, violations

_SETTINGS = "anomalies: {interval: 1s, cooldown: 10m, automatic: false}\nself_scrape_interval: 1s\n"
_ROWS = 2_400


def _write(server: Server, values: list[tuple[int, float]]) -> None:
    request = urllib.request.Request(f"{server.url}/api/v1/write", body_of("depth", values), HEADERS)
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status in {200, 204}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a series of which two thousand rows are known."""
    folder = tmp_path_factory.mktemp("judgement")
    (folder / "pharos.yml").write_text(_SETTINGS)
    found = Server(folder / "store", "--config", str(folder / "pharos.yml"))
    chance, now_ms = random.Random(5), time.time_ns() // 1_000_000
    _write(found, [(now_ms - 1000 * (_ROWS - row), chance.gauss(100, 5)) for row in range(_ROWS)])
    yield found
    assert found.stop() == 0, found.log.read_text()


def test_an_objective_is_defined_and_its_budget_read(visit: Visit, server: Server) -> None:
    page = visit("/slos")
    expect(page.get_by_text("There is no objective yet")).to_be_visible()
    page.get_by_role("button", name="New objective").first.click()
    page.get_by_label("Name").fill("reachable")
    page.get_by_label("Service").fill("pharos")
    page.get_by_role("combobox", name="What is measured").click()
    page.get_by_role("option", name="Availability").click()
    page.get_by_label("Gauge").fill("up{")
    expect(page.get_by_role("alert")).to_contain_text("not a PromQL expression")
    page.get_by_label("Gauge").fill('up{job="pharos"}')
    expect(page.get_by_text("rules are made of it")).to_be_visible()
    page.get_by_role("button", name="Watch the objective").click()
    table = page.get_by_role("grid", name="Objectives")
    expect(table).to_contain_text("reachable")
    (made,) = kept(server, "/api/slos")
    assert (made["id"], made["target_percent"], made["version"]) == ("pharos-reachable", 99.9, 1)
    assert violations(page) == []
    table.get_by_role("link", name="reachable").click()
    expect(page.get_by_role("heading", name="Budget left")).to_be_visible()
    expect(page.get_by_role("table", name="Burn rates")).to_contain_text("14×")
    page.get_by_role("tab", name="Gate").click()
    expect(page.get_by_text("/api/slos/pharos-reachable/gate?min_remaining=0.1")).to_be_visible()
    page.get_by_role("tab", name="Rules").click()
    expect(page.get_by_label("rules", exact=True)).to_contain_text("sloth_id: pharos-reachable")
    assert violations(page) == []
    page.get_by_role("button", name="Change").click()
    page.get_by_label("Target in percent").fill("99")
    page.get_by_role("button", name="Change the objective").click()
    expect(page.get_by_text("The objective is changed")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete the objective").click()
    expect(page.get_by_text("There is no objective yet")).to_be_visible()


def test_series_are_watched_and_what_was_unusual_is_marked(visit: Visit, server: Server) -> None:
    page = visit("/anomalies")
    expect(page.get_by_text("Nothing is watched yet")).to_be_visible()
    page.get_by_role("tab", name="Watches").click()
    page.get_by_role("button", name="Watch series").click()
    page.get_by_role("textbox", name="Name (required)").fill("depths")
    page.get_by_role("textbox", name="Series").fill("depth")
    page.get_by_role("button", name="Watch them").click()
    expect(page.get_by_role("table", name="Watches")).to_contain_text("depths")
    for _ in range(200):
        if kept(server, "/api/v1/anomaly-watches")[0]["followed"] == 1:
            break
        threading.Event().wait(0.1)
    _write(server, [(time.time_ns() // 1_000_000, 900.0)])
    page = visit("/anomalies?refresh=1s")
    found = page.get_by_role("grid", name="Anomalies")
    expect(found).to_contain_text("depth")
    expect(found).to_contain_text("critical")
    assert violations(page) == []
    found.get_by_role("link", name="depth").click()
    expect(page.get_by_role("img", name="What was judged")).to_be_visible()
    assert violations(page) == []
    explored = visit("/explore?q0=depth&expected0=1&from=now-3m&to=now&refresh=5s")
    box = explored.locator(".u-over").bounding_box()
    assert box is not None
    for turn in range(200):
        explored.mouse.move(box["x"] + box["width"] - 4 - turn % 2, box["y"] + box["height"] / 2)
        if "Unusual" in explored.locator(".chart-tip").inner_text():
            break
        threading.Event().wait(0.1)
    expect(explored.locator(".chart-tip")).to_contain_text("Unusual")
    page.get_by_role("button", name="Abnormal").click()
    expect(page.get_by_text("Nothing is learned from it")).to_be_visible()
    expect(page.get_by_role("button", name="Unmark")).to_be_visible()
