"""What else happened here: from a spike to its traces and lines; from a line and an alert to the rest."""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, Route, expect
from tests.ui.conftest import XSS, Watched, violations

Open = Callable[..., Watched]
TRACE = "cd" * 16
SERVICE = "till"
_MS = 1_000_000
PANEL = "What else happened here"
LINES = "Lines, the newest first"


def _post(url: str, path: str, document: object) -> None:
    sent = urllib.request.Request(
        f"{url}{path}", json.dumps(document).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(sent, timeout=60) as answer:
        assert answer.status == 200


def _found(url: str, path: str) -> Any:
    with urllib.request.urlopen(f"{url}{path}", timeout=60) as answer:
        return json.load(answer)["data"]


@pytest.fixture(scope="module")
def till_url(ui_url: str) -> str:
    """The server once one service has told of itself in every signal."""
    now = time.time_ns() - 5_000 * _MS
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": SERVICE}}]}
    record = {
        "timeUnixNano": str(now),
        "severityNumber": 17,
        "body": {"stringValue": f"card refused {XSS}"},
        "traceId": TRACE,
        "spanId": "01" * 8,
    }
    span = {
        "traceId": TRACE,
        "spanId": "01" * 8,
        "name": f"POST /pay {XSS}",
        "kind": 2,
        "startTimeUnixNano": str(now - 900 * _MS),
        "endTimeUnixNano": str(now),
        "status": {"code": 2},
    }
    exemplar = {"timeUnixNano": str(now), "asDouble": 0.9, "traceId": TRACE, "spanId": "01" * 8}
    points = [
        {
            "timeUnixNano": str(now - ago * 1000 * _MS),
            "asDouble": 100 - ago,
            "exemplars": [exemplar] if ago == 0 else [],
        }
        for ago in (60, 45, 30, 15, 0)
    ]
    total = {"aggregationTemporality": 2, "isMonotonic": True, "dataPoints": points}
    metric = {"name": "till.payments", "sum": total}
    _post(
        ui_url,
        "/v1/logs",
        {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [record]}]}]},
    )
    _post(
        ui_url, "/v1/traces", {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}
    )
    _post(
        ui_url,
        "/v1/metrics",
        {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": [metric]}]}]},
    )
    _post(ui_url, "/api/v2/alerts", [{"labels": {"alertname": "TillSlow", "job": SERVICE, "note": XSS}}])
    until = f"start={now // 10**9 - 120}&end={now // 10**9 + 60}"
    for _ in range(100):
        stored = (
            _found(ui_url, "/api/logs/search?query=card"),
            _found(ui_url, f"/api/spans/search?service={SERVICE}")["traces"],
            _found(ui_url, f"/api/v1/query_exemplars?query=till_payments_total&{until}"),
            [one for one in _alerts(ui_url) if one["labels"]["alertname"] == "TillSlow"],
        )
        if all(stored):
            return ui_url
        threading.Event().wait(0.2)
    raise AssertionError("what was sent did not arrive")


def _alerts(url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _found(url, "/api/alerting/alerts")["alerts"]
    return found


def _explore(page: Open, **look: Any) -> Page:
    return page(f"/explore?q0={quote('till_payments_total')}&from=now-5m&to=now", **look).page


def _panel(page: Page) -> Any:
    return page.get_by_role("dialog", name=PANEL)


def test_a_spike_leads_by_its_exemplar_to_the_trace_and_its_lines_in_two_clicks(
    till_url: str, open_page: Open
) -> None:
    page = _explore(open_page)
    page.get_by_role("link", name="this trace").click()
    expect(page).to_have_url(re.compile(f"/traces/{TRACE}"))
    page.get_by_role("button", name=PANEL).click()
    expect(_panel(page).get_by_role("region", name="Log lines")).to_contain_text("card refused")


def test_a_click_on_a_chart_tells_what_else_happened_then(till_url: str, open_page: Open) -> None:
    page = _explore(open_page)
    expect(page.get_by_role("link", name="this trace")).to_be_visible()
    over = page.locator(".u-over")
    box = over.bounding_box()
    assert box is not None
    # Near the newest sample, and above the exemplar's dot.
    over.click(position={"x": box["width"] - 12, "y": box["height"] / 2})
    panel = _panel(page)
    expect(panel.get_by_role("region", name="Traces")).to_contain_text("POST /pay")
    expect(panel.get_by_role("region", name="Log lines")).to_contain_text("card refused")
    expect(panel.get_by_role("region", name="Alerts")).to_contain_text("TillSlow")
    panel.get_by_role("region", name="Log lines").get_by_role("link", name="card refused").click()
    lines = page.get_by_role("region", name=LINES)
    # The line itself is open.
    expect(lines.get_by_label("The whole line")).to_contain_text("card refused")


def test_the_dot_of_an_exemplar_opens_its_trace(till_url: str, open_page: Open) -> None:
    page = _explore(open_page)
    expect(page.get_by_role("link", name="this trace")).to_be_visible()
    over = page.locator(".u-over")
    box = over.bounding_box()
    assert box is not None
    # Its value is far below those of the series: the dot is at the foot.
    y = box["y"] + box["height"] - 4
    for x in range(int(box["width"]) - 1, int(box["width"]) // 2, -5):
        page.mouse.move(box["x"] + x, y)
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        if over.evaluate("(element) => element.classList.contains('at-point')"):
            page.mouse.click(box["x"] + x, y)
            expect(page).to_have_url(re.compile(f"/traces/{TRACE}"))
            return
    raise AssertionError("there is no dot")


def test_a_line_leads_to_its_trace_and_to_the_rest(till_url: str, open_page: Open) -> None:
    page = open_page("/logs?q=card").page
    lines = page.get_by_role("region", name=LINES)
    lines.locator("[data-index='0'] button").first.click()
    expect(lines.get_by_role("link", name=TRACE)).to_have_attribute("href", f"/traces/{TRACE}")
    lines.get_by_role("button", name=PANEL).click()
    panel = _panel(page)
    trace = panel.get_by_role("region", name="Traces").get_by_role("link", name="POST /pay")
    expect(trace).to_contain_text("same trace")
    expect(panel.get_by_role("region", name="Series")).to_contain_text("till_payments_total")
    trace.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("POST /pay")


def test_an_alert_leads_to_the_lines_of_its_job(till_url: str, open_page: Open) -> None:
    (alert,) = [one for one in _alerts(till_url) if one["labels"]["alertname"] == "TillSlow"]
    page = open_page(f"/alert?id={alert['fingerprint']}").page
    page.get_by_role("button", name=PANEL).click()
    line = _panel(page).get_by_role("region", name="Log lines").get_by_role("link", name="card refused")
    expect(line).to_contain_text("same service")


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1280), ("light", 390)])
def test_the_panel_is_accessible_and_shows_text_alone(
    till_url: str, open_page: Open, scheme: str, width: int
) -> None:
    page = open_page(f"/traces/{TRACE}?about=span:{TRACE}:", scheme=scheme, width=width).page
    expect(_panel(page).get_by_role("region", name="Log lines")).to_contain_text(XSS)
    assert page.evaluate("window.__xss") is None
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page, _panel(page)) == []


def test_what_cannot_be_found_out_is_said(till_url: str, open_page: Open) -> None:
    watched = open_page("/logs?about=line:1:1768478420000000000")
    expect(_panel(watched.page)).to_contain_text("there is no line of the origin 1")
    watched.forget("404")


def test_a_signal_that_fails_or_is_hidden_leaves_the_others(till_url: str, open_page: Open) -> None:
    watched = open_page("/logs")
    page = watched.page

    def spoil(route: Route) -> None:
        answer = route.fetch()
        document = answer.json()
        document["data"]["traces"] |= {"items": [], "failure": "it took longer than 10s"}
        document["data"]["changes"] |= {"items": [], "lacks": "audit.view"}
        route.fulfill(response=answer, json=document)

    page.route("**/api/related?*", spoil)
    page.goto(f"/traces/{TRACE}?about=span:{TRACE}:")
    panel = _panel(page)
    expect(panel).to_contain_text("Traces cannot be read: it took longer than 10s")
    expect(panel).to_contain_text("changes (audit.view)")
    expect(panel.get_by_role("region", name="Log lines")).to_contain_text("card refused")
