"""The Logs page: searching, reading lines, narrowing by what they hold, and lines as they come."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect
from tests.ui.conftest import XSS, Watched, violations, warn

Open = Callable[..., Watched]
LINES = "Lines, the newest first"


def _send(url: str, *bodies: str, hours_ago: int = 0) -> None:
    """Send lines, of now if not of before, of a service whose value is markup."""
    now = time.time_ns() - hours_ago * 3600 * 10**9
    records = [
        {
            "timeUnixNano": str(now - number),
            "severityNumber": 17 if number == 0 else 9,
            "body": {"stringValue": body},
            "attributes": [{"key": "order", "value": {"stringValue": f"o-{number}"}}],
            "traceId": "0123456789abcdef0123456789abcdef",
        }
        for number, body in enumerate(bodies)
    ]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": XSS}}]}
    document = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]}
    request = urllib.request.Request(
        f"{url}/v1/logs", json.dumps(document).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200


@pytest.fixture(scope="module", autouse=True)
def sent(ui_url: str) -> None:
    _send(ui_url, f"checkout failed {XSS}", "checkout began", "cart opened")
    for _ in range(100):
        with urllib.request.urlopen(f"{ui_url}/api/logs/search?query=cart", timeout=60) as answer:
            if json.load(answer)["data"]["lines"]:
                return
        threading.Event().wait(0.2)
    raise AssertionError("the lines did not arrive")


def _address(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def test_lines_are_found_opened_and_narrowed(open_page: Open) -> None:
    page = open_page("/logs").page
    page.get_by_role("searchbox", name="Search logs").fill("checkout")
    page.keyboard.press("Enter")
    lines = page.get_by_role("region", name=LINES)
    expect(lines.locator("[data-index]")).to_have_count(2)
    lines.locator("[data-index='0'] button").first.click()
    expect(lines.get_by_role("link", name="Trace")).to_have_attribute(
        "href", "/traces/0123456789abcdef0123456789abcdef"
    )
    lines.get_by_role("button", name="Without order of this value").click()
    expect(lines.locator("[data-index]")).to_have_count(1)
    expect(lines).to_contain_text("checkout began")
    assert _address(page)["q"] == 'checkout NOT order:"o-0"'


def test_what_is_sent_is_text_and_the_page_is_accessible(open_page: Open) -> None:
    page = open_page("/logs").page
    lines = page.get_by_role("region", name=LINES)
    expect(lines).to_contain_text(XSS)
    lines.locator("[data-index='0'] button").first.click()
    expect(lines.get_by_label("The whole line")).to_contain_text(XSS)
    assert page.evaluate("window.__xss") is None
    assert violations(page) == []


def test_lines_that_may_be_missing_are_warned_of(open_page: Open) -> None:
    page = open_page("/").page
    warn(page, "**/api/logs/search?*", "some are not stored yet")
    page.goto("/logs?q=nothing-has-this-word")
    expect(page.get_by_role("status").filter(has_text="some are not stored yet")).to_have_count(1)
    expect(page.get_by_text("No lines in this time meet the search")).to_be_visible()
    page.unroute("**/api/logs/search?*")
    page.goto("/logs?q=checkout")
    expect(page.get_by_role("region", name=LINES)).to_contain_text("checkout began")
    expect(page.get_by_text("some are not stored yet")).to_have_count(0)


def test_a_fault_is_shown_at_its_column(open_page: Open) -> None:
    watched = open_page("/logs?q=level:error+(")
    page = watched.page
    expect(page.get_by_role("search")).to_contain_text("(column 14)")
    expect(page.get_by_role("searchbox", name="Search logs")).to_have_attribute("aria-invalid", "true")
    watched.forget("400")


def test_fields_tell_their_values_and_stack_the_histogram(open_page: Open) -> None:
    page = open_page("/logs").page
    fields = page.get_by_role("complementary", name="Fields")
    fields.get_by_role("button", name="order", exact=True).click()
    expect(fields).to_contain_text("o-2")
    fields.get_by_role("button", name="Stack the histogram by order").click()
    expect(page.get_by_role("region", name="Lines over time")).to_contain_text("o-1")
    assert _address(page)["by"] == "order"


def test_new_lines_are_shown_as_they_come(open_page: Open, ui_url: str) -> None:
    page = open_page("/logs?live=1").page
    lines = page.get_by_role("region", name=LINES)
    expect(lines).to_contain_text("cart opened")
    _send(ui_url, "brand new")
    expect(lines).to_contain_text("brand new")


def test_patterns_that_were_not_before_are_told_apart(open_page: Open, ui_url: str) -> None:
    _send(ui_url, "worker 1 came", "worker 2 came", hours_ago=15)
    _send(ui_url, "worker 3 came", "disk 4 is full", hours_ago=13)
    page = open_page("/logs?view=patterns&from=now-14h&to=now-12h").page
    patterns = page.get_by_role("region", name="Patterns")
    expect(patterns.get_by_role("listitem")).to_have_count(2)
    expect(patterns.get_by_text("new", exact=True)).to_have_count(0)
    page.get_by_role("combobox", name="New since").click()
    page.get_by_role("option", name="the time before").click()
    expect(patterns).to_contain_text("1 is new, beside the 2 lines of the time before.")
    expect(patterns.get_by_role("listitem").first).to_contain_text("is full")
    assert _address(page)["since"] == "before"
    assert violations(page) == []
    patterns.get_by_role("listitem").first.get_by_role("button", name="Without lines").click()
    expect(patterns.get_by_role("listitem")).to_have_count(1)
