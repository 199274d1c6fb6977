"""The home page tells what the person on call needs first, and keeps telling it."""

from __future__ import annotations

import json
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from bench.freshness import HEADERS
from playwright.sync_api import Page, Request, Route, expect
from tests.ingest.rw_messages import compress, v1_body
from tests.ui.conftest import Watched, painted_share

Open = Callable[..., Watched]
BATCH = "/api/query_batch"
FIGURES = 15_000
"""Milliseconds until rates exist: two scrapes of the server by itself, and some."""


def _count_queries(page: Page) -> list[str]:
    seen: list[str] = []

    def note(request: Request) -> None:
        if request.url.endswith(BATCH):
            seen.append(request.url)

    page.on("request", note)
    return seen


def _set_visibility(page: Page, state: str) -> None:
    page.evaluate(
        """(state) => {
            Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
            document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
        }""",
        state,
    )


def test_figures_and_charts_live_without_any_configuration(open_page: Open) -> None:
    page = open_page("/").page
    for name in ("Samples in", "CPU", "Memory", "Fullest disk"):
        tile = page.locator(".home-tile", has=page.get_by_text(name, exact=True))
        expect(tile.locator(".home-tileValue")).not_to_have_text("–", timeout=FIGURES)
    expect(page.get_by_role("img", name="CPU by mode")).to_be_visible(timeout=FIGURES)
    expect(page.locator(".card .chart")).not_to_have_count(0)
    assert painted_share(page, ".card .chart canvas") > 0.01


def _answers(url: str, query: str) -> str:
    """Return what the server knows of a query and of its metrics, for whoever reads why a panel is empty."""
    names = sorted(set(re.findall(r"\b(?:pharos|process|node)_\w+", query)))
    told = []
    for path, asked in (
        ("query", {"query": query}),
        ("query", {"query": query, "nocache": "1"}),
        *(("query", {"query": f'{{__name__=~"{name}.*"}}'}) for name in names),
        *(("series", {"match[]": name}) for name in names),
    ):
        with urllib.request.urlopen(
            f"{url}/api/v1/{path}?{urllib.parse.urlencode(asked)}", timeout=30
        ) as answer:
            told.append(f"{asked}: {answer.read()[:600].decode()}")
    return "\n".join(told)


def test_every_panel_of_the_host_and_of_pharos_has_data(open_page: Open, ui_url: str) -> None:
    page = open_page("/").page
    for title in (
        "Samples in",
        "Data delay",
        "Queries",
        "Query latency",
        "Memory and log",
        "Active series",
        "CPU by mode",
        "Memory",
        "Load",
        "File systems filled",
    ):
        card = page.locator("article", has=page.get_by_role("heading", name=title, exact=True))
        try:
            expect(card.get_by_role("img")).to_be_visible(timeout=FIGURES)
        except AssertionError as exc:
            asked = urllib.parse.urlsplit(card.get_by_role("link").get_attribute("href") or "").query
            exc.add_note(_answers(ui_url, urllib.parse.parse_qs(asked)["q0"][0]))
            raise


def _write_hosts(url: str, tenant: str) -> None:
    """Two minutes of two hosts, one of them idle and the other one burning."""
    now_ms = time.time_ns() // 1_000_000
    times = range(now_ms - 120_000, now_ms + 1, 5_000)
    series: list[dict[str, Any]] = []
    for instance, idle_share in (("calm:9100", 0.9), ("burning:9100", 0.01)):
        of = [("instance", instance), ("job", "machines")]
        series.append({"labels": [("__name__", "node_load1"), *of], "samples": [(at, 1.0) for at in times]})
        labels = [("__name__", "node_cpu_seconds_total"), ("cpu", "0"), *of, ("mode", "idle")]
        idle = [(at, (at - times[0]) / 1000 * idle_share) for at in times]
        series.append({"labels": labels, "samples": idle})
    _write(url, tenant, series)


def _write(url: str, tenant: str, series: list[dict[str, Any]]) -> None:
    headers = {**HEADERS, "X-Scope-OrgID": tenant}
    request = urllib.request.Request(f"{url}/api/v1/write", compress(v1_body(series)), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 204


@pytest.mark.parametrize("width", ["15m", "24h"])
def test_of_several_hosts_it_names_the_one_that_burns(open_page: Open, ui_url: str, width: str) -> None:
    tenant = f"hosts-{width}"
    _write_hosts(ui_url, tenant)
    page = open_page(f"/?from=now-{width}&tenant={tenant}").page
    finding = page.get_by_role("link", name="CPU of burning:9100 99 % busy")
    expect(finding).to_be_visible(timeout=FIGURES)
    busiest = page.locator(".home-tile", has=page.get_by_text("Busiest CPU", exact=True))
    expect(busiest).to_contain_text("burning:9100")
    finding.click()
    expect(page.get_by_role("combobox", name="host")).to_have_value("burning:9100")
    expect(page.get_by_role("heading", name="CPU by mode")).to_be_visible()


@pytest.mark.parametrize(
    ("refused", "says"),
    [
        ("**/api/**", "The figures could not be read"),
        ("**/api/v1/targets", "Unknown: scrape targets"),
    ],
)
def test_what_cannot_be_read_is_not_called_well(open_page: Open, refused: str, says: str) -> None:
    watched = open_page("/explore")
    page = watched.page
    page.route(refused, lambda route: route.fulfill(status=503, json={"status": "error", "error": "busy"}))
    page.get_by_role("link", name="Home").first.click()
    expect(page.locator(".home-attention")).to_contain_text(says, timeout=FIGURES)
    read = 1 if "targets" in says else 0
    expect(page.locator(".home-tileMore").filter(has_text="none rejected")).to_have_count(read)
    # The page asks again and again, and what is refused later would be told after this.
    page.goto("about:blank")
    watched.forget("status of 503")


@pytest.mark.parametrize(
    ("refused", "says"),
    [
        ("pharos_loader_lag_seconds", ["Unknown: Pharos' figures", "1 of 12 panels could not be read"]),
        ("timestamp(node_load1)", ["Unknown: hosts"]),
        ("", ["12 of 12 panels could not be read", "Unknown: hosts"]),
    ],
)
def test_a_refused_query_is_told_where_it_belongs(open_page: Open, refused: str, says: list[str]) -> None:
    page = open_page("/explore").page

    def refuse(route: Route) -> None:
        asked = json.loads(route.request.post_data or "{}")["queries"]
        lines = []
        for line in route.fetch().text().splitlines():
            index = json.loads(line)["index"]
            if refused in asked[index]["query"]:
                busy = {"status": "error", "errorType": "unavailable", "error": "busy"}
                line = json.dumps({"index": index, "answer": busy})
            lines.append(f"{line}\n")
        route.fulfill(body="".join(lines), content_type="application/x-ndjson")

    page.route(f"**{BATCH}", refuse)
    page.get_by_role("link", name="Home").first.click()
    for one in says:
        expect(page.locator(".home-attention")).to_contain_text(one, timeout=FIGURES)
    # What is asked besides may still be on its way.
    page.unroute_all(behavior="ignoreErrors")


def _reused(url: str) -> float:
    with urllib.request.urlopen(f"{url}/metrics", timeout=30) as answer:
        return sum(
            float(line.rsplit(" ", 1)[1])
            for line in answer.read().decode().splitlines()
            if line.startswith("pharos_query_reused_total")
        )


def test_a_refresh_is_one_request_and_continues_answers_that_are_kept(open_page: Open, ui_url: str) -> None:
    """Answers to small questions are not kept, so this is a machine of 64 CPUs."""
    now_ms = time.time_ns() // 1_000_000
    times = range(now_ms - 900_000, now_ms + 1, 5_000)
    of = [("instance", "wide:9100"), ("job", "machines")]
    series = [{"labels": [("__name__", "node_load1"), *of], "samples": [(at, 1.0) for at in times]}]
    for cpu in range(64):
        for mode in ("idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"):
            labels = [("__name__", "node_cpu_seconds_total"), ("cpu", str(cpu)), *of, ("mode", mode)]
            samples = [(at, (at - times[0]) / 8_000) for at in times]
            series.append({"labels": labels, "samples": samples})
    _write(ui_url, "wide", series)
    page = open_page("/?tenant=wide&refresh=1s").page
    expect(page.get_by_role("img", name="CPU by mode")).to_be_visible(timeout=FIGURES)
    seen = _count_queries(page)
    before = _reused(ui_url)
    as_of = page.locator("header", has=page.locator("h1")).get_by_text("as of")
    for _ in range(8):
        shown = as_of.text_content()
        expect(as_of).not_to_have_text(shown or "")
    assert 6 <= len(seen) <= 10
    assert _reused(ui_url) > before


def test_says_which_targets_are_down(open_page: Open) -> None:
    page = open_page("/").page
    finding = page.get_by_role("link", name="scrape targets is down")
    expect(finding).to_be_visible(timeout=FIGURES)
    finding.click()
    expect(page).to_have_url("/targets")


def test_snippets_carry_the_real_address(open_page: Open, ui_url: str) -> None:
    page = open_page("/").page
    expect(page.locator(".home-snippet pre")).to_contain_text(f"{ui_url}/api/v1/write")
    page.get_by_text("OpenTelemetry", exact=True).click()
    expect(page.locator(".home-snippet pre")).to_contain_text(f"OTEL_EXPORTER_OTLP_ENDPOINT={ui_url}")
    expect(page.locator(".home-snippet pre")).to_contain_text("OTEL_LOGS_EXPORTER=otlp")


def test_on_a_telephone_nothing_lies_over_the_heading_of_send_data(open_page: Open) -> None:
    page = open_page("/", width=390, height=844).page
    card = page.get_by_role("region", name="Send data")
    heading = card.get_by_role("heading").bounding_box()
    senders = card.get_by_role("radiogroup").bounding_box()
    assert heading is not None
    assert senders is not None
    assert senders["y"] >= heading["y"] + heading["height"]


def test_a_paused_page_asks_for_nothing(open_page: Open) -> None:
    page = open_page("/", own_clock=True).page
    expect(page.locator(".home-tileValue").first).not_to_have_text("–", timeout=FIGURES)
    page.get_by_label("Refresh by itself").select_option(label="Paused")
    expect(page.locator(".refresh-choice .dot")).not_to_have_class(re.compile("good"))
    expect(page.locator(".refresh .spin")).to_have_count(0)
    seen = _count_queries(page)
    # Longer than the refresh, shorter than the patience of the health check, whose answers take real time.
    page.clock.run_for(6_000)
    assert seen == []
    with page.expect_request(f"**{BATCH}"):
        page.get_by_role("button", name="Refresh now").click()


def test_a_hidden_page_asks_for_nothing_until_it_is_seen_again(open_page: Open) -> None:
    page = open_page("/", own_clock=True).page
    expect(page.locator(".home-tileValue").first).not_to_have_text("–", timeout=FIGURES)
    _set_visibility(page, "hidden")
    seen = _count_queries(page)
    page.clock.run_for(6_000)
    assert seen == []
    with page.expect_request(f"**{BATCH}"):
        _set_visibility(page, "visible")


def test_refreshing_moves_nothing(open_page: Open) -> None:
    page = open_page("/", own_clock=True).page
    expect(page.locator(".home-tileValue").first).not_to_have_text("–", timeout=FIGURES)
    expect(page.get_by_role("img", name="Query latency")).to_be_visible(timeout=FIGURES)
    expect(page.locator("section[aria-busy=true]")).to_have_count(0, timeout=FIGURES)
    where = "() => [...document.querySelectorAll('article, .home-foot, .home-tile')].map((e) => e.offsetTop)"
    before = page.evaluate(where)
    with page.expect_response(f"**{BATCH}"):
        page.clock.run_for(6_000)
    page.clock.run_for(1_000)
    assert page.evaluate(where) == before


def test_a_lost_server_is_said_and_a_returning_one_noticed(open_page: Open) -> None:
    watched = open_page("/")
    page = watched.page
    expect(page.locator(".home-tileValue").first).not_to_have_text("–", timeout=FIGURES)
    page.context.set_offline(True)
    banner = page.get_by_role("alert").filter(has_text="does not answer")
    expect(banner).to_be_visible(timeout=12_000)
    expect(page.locator(".home-tileValue").first).not_to_have_text("–")
    page.context.set_offline(False)
    expect(banner).to_have_count(0, timeout=12_000)
    watched.forget("ERR_INTERNET_DISCONNECTED")


def test_dragging_over_a_chart_opens_that_time_in_explore(open_page: Open) -> None:
    page = open_page("/").page
    chart = page.get_by_role("img", name="Memory and log")
    expect(chart).to_be_visible(timeout=FIGURES)
    chart.scroll_into_view_if_needed()
    box = chart.locator(".u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 40, steps=6)
    page.mouse.up()
    page.wait_for_url("**/explore?q0=*&from=*Z&to=*Z")


def test_a_panel_opens_in_explore_with_all_its_queries_and_its_range(open_page: Open) -> None:
    page = open_page("/?from=now-5m").page
    link = page.get_by_role("link", name="Open Memory and log in Explore")
    expect(link).to_have_attribute("href", re.compile(r"q0=.*&q1=.*&from=now-5m&to=now$"))
