"""The page Send data: it waits, says what arrives, and carries address and tenant; Home leads there."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect
from tests.ui.conftest import Watched, violations

Open = Callable[..., Watched]


def _post(url: str, path: str, tenant: str, body: Any) -> None:
    headers = {"Content-Type": "application/json", "X-Scope-OrgID": tenant}
    request = urllib.request.Request(f"{url}{path}", json.dumps(body).encode(), headers, method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status in {200, 204}


def _span(service: str) -> Any:
    now_ns = time.time_ns()
    made = {"name": "greet", "kind": 2, "traceId": "5b" * 16, "spanId": "5b" * 8}
    times = {"startTimeUnixNano": str(now_ns - 1_000_000), "endTimeUnixNano": str(now_ns)}
    attributes = [{"key": "service.name", "value": {"stringValue": service}}]
    scopes = [{"spans": [{**made, **times}]}]
    return {"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": scopes}]}


def test_an_empty_tenant_leads_from_home_to_a_page_that_says_what_arrives(
    open_page: Open, ui_url: str
) -> None:
    page = open_page("/?tenant=fresh").page
    page.get_by_role("region", name="Nothing to show").get_by_role("link", name="Send data").click()
    expect(page).to_have_url("/start?tenant=fresh")
    arriving = page.get_by_role("region", name="What arrives")
    expect(arriving).to_contain_text("Waiting for a first span")
    expect(page.get_by_label("Configuration for curl")).to_contain_text("-H 'X-Scope-OrgID: fresh'")
    expect(page.get_by_label("Configuration for curl")).to_contain_text(f"{ui_url}/v1/traces")
    _post(ui_url, "/v1/traces", "fresh", _span("checkout"))
    link = arriving.get_by_role("link", name="First span received from checkout")
    expect(link).to_be_visible()
    line = [[str(time.time_ns()), "hello"]]
    _post(ui_url, "/loki/api/v1/push", "fresh", {"streams": [{"stream": {"app": "till"}, "values": line}]})
    expect(arriving.get_by_role("link", name="First line of till")).to_be_visible()
    link.click()
    expect(page.get_by_role("region", name="Traces").or_(page.get_by_role("table"))).to_contain_text("greet")


def test_a_sender_is_chosen_in_the_address(open_page: Open, ui_url: str) -> None:
    page = open_page("/start").page
    page.get_by_role("tab", name="Prometheus").click()
    expect(page).to_have_url("/start?with=prometheus")
    expect(page.get_by_label("Configuration for Prometheus")).to_have_text(
        f"remote_write:\n  - url: {ui_url}/api/v1/write\n"
    )
    assert violations(page) == []


def test_a_shop_is_started_and_erased_with_a_click(open_page: Open) -> None:
    page = open_page("/start").page
    card = page.get_by_role("region", name="Demo")
    card.get_by_role("button", name="Start the shop").click()
    expect(card.get_by_role("link", name="Alerts")).to_have_attribute("href", "/alerts?tenant=demo")
    card.get_by_role("button", name="Erase it").click()
    page.get_by_role("dialog").get_by_role("button", name="Erase").click()
    expect(card.get_by_role("button", name="Start the shop")).to_be_visible()
    expect(card.get_by_role("button", name="Erase it")).to_have_count(0)


def test_reports_say_what_they_need_where_nobody_is_told_by_mail(open_page: Open) -> None:
    page = open_page("/reports").page
    expect(page.get_by_text("Nobody is told by e-mail yet")).to_be_visible()
    expect(page.get_by_role("button", name="New report")).to_have_count(0)
    expect(page.get_by_role("main").get_by_role("link", name="Receivers")).to_be_visible()
    assert violations(page) == []
