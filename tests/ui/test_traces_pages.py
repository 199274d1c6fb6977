"""The pages of traces: what is found is listed; a trace of ten thousand spans opens, scrolls, is searched."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.ui.conftest import XSS, Watched, violations, warn

TRACE = "ab" * 16
SPANS = 10_000
MS = 1_000_000
OpenPage = Callable[..., Watched]


def _span(number: int, parent: int, offset_ms: int, length_ms: int, name: str, **more: Any) -> dict[str, Any]:
    begin = time.time_ns() // (1000 * MS) * 1000 * MS - 30_000 * MS + offset_ms * MS
    return {
        "traceId": TRACE,
        "spanId": f"{number:016x}",
        **({"parentSpanId": f"{parent:016x}"} if parent else {}),
        "name": name,
        "kind": 2,
        "startTimeUnixNano": str(begin),
        "endTimeUnixNano": str(begin + length_ms * MS),
        **more,
    }


def _spans() -> Iterator[dict[str, Any]]:
    """A root with 999 children of different names, each with nine like children; one has a hostile text."""
    hostile = [{"key": "said", "value": {"stringValue": XSS}}]
    yield _span(1, 0, 0, SPANS, "GET /report")
    for group in range(999):
        number = 2 + group * 10
        yield _span(number, 1, group * 10, 9, f"group {group}", attributes=hostile if group == 0 else [])
        for child in range(9):
            yield _span(number + 1 + child, number, group * 10 + child, 1, "SELECT rows")
    for last in range(SPANS - 9_991):
        yield _span(9_992 + last, 1, 9_990, 1, f"last {last}", status={"code": 2, "message": XSS})


@pytest.fixture(scope="module")
def traced_url(ui_url: str) -> str:
    """The server once it has a trace of ten thousand spans."""
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": XSS}}]}
    scopes = [{"spans": list(_spans())}]
    body = json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": scopes}]}).encode()
    sent = urllib.request.Request(f"{ui_url}/v1/traces", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(sent, timeout=60) as answer:
        assert answer.status == 200
    return ui_url


def _chosen(page: Page) -> str:
    return page.locator("[role=treeitem][aria-selected=true]").inner_text()


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("/traces", "**/api/spans/search?*"),
        ("/traces?service=nobody", "**/api/spans/search?*"),
        (f"/traces/{TRACE}", f"**/api/spans/trace/{TRACE}"),
    ],
)
def test_spans_that_may_be_missing_are_warned_of(
    traced_url: str, open_page: OpenPage, address: str, asked: str
) -> None:
    page = open_page("/").page
    warn(page, asked, "some are not stored yet")
    page.goto(f"{traced_url}{address}")
    expect(page.get_by_role("status").filter(has_text="some are not stored yet")).to_have_count(1)


def test_a_trace_is_found_by_filters_and_opened(traced_url: str, open_page: OpenPage) -> None:
    page = open_page("/traces").page
    listed = page.get_by_role("region", name="Traces found").get_by_role("listitem")
    found = listed.filter(has_text=f"{SPANS:,} spans")
    expect(found).to_have_count(1)
    assert violations(page) == []
    page.get_by_label("Search spans, or a trace's id").fill("duration:>1h")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No trace fits")).to_be_visible()
    page.get_by_label("Search spans, or a trace's id").fill("status:error name:last*")
    page.keyboard.press("Enter")
    found.get_by_role("link").click()
    expect(page).to_have_url(f"{traced_url}/traces/{TRACE}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("GET /report")


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1280), ("light", 390)])
def test_ten_thousand_spans_open_and_scroll_with_few_rows_in_the_page(
    traced_url: str, open_page: OpenPage, scheme: str, width: int
) -> None:
    page = open_page(f"/traces/{TRACE}", scheme=scheme, width=width).page
    rows = page.get_by_role("treeitem")
    expect(rows.first).to_contain_text("GET /report")
    page.get_by_role("button", name="Expand all").click()
    page.get_by_role("tree").focus()
    page.keyboard.press("End")
    expect(rows.last).to_contain_text(f"last {SPANS - 9_992}")
    assert rows.count() < 100
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []


def test_arrows_move_open_and_close(traced_url: str, open_page: OpenPage) -> None:
    page = open_page(f"/traces/{TRACE}?span={1:016x}").page
    expect(page.get_by_role("treeitem").first).to_have_attribute("aria-expanded", "true")
    page.get_by_role("tree").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("treeitem")).to_have_count(1)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(page.locator("[role=treeitem][aria-selected=true]")).to_contain_text("group 0")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("[role=treeitem][aria-selected=true]")).to_contain_text("GET /report")


def test_what_is_looked_for_in_a_trace_is_gone_to_and_shown_as_text(
    traced_url: str, open_page: OpenPage
) -> None:
    page = open_page(f"/traces/{TRACE}").page
    page.get_by_label("Find in this trace").fill("last 3")
    expect(page.get_by_text("1 found")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary", name="Span")).to_contain_text("error")
    assert "last 3" in _chosen(page)
    page.goto(f"/traces/{TRACE}?span={2:016x}")
    panel = page.get_by_role("complementary", name="Span")
    expect(panel).to_contain_text(XSS)
    assert page.evaluate("window.__xss") is None
    panel.get_by_role("link", name="Search for traces with this said").click()
    expect(page.get_by_role("region", name="Traces found").get_by_role("listitem")).to_have_count(1)


def test_a_trace_that_is_not_there_is_said_to_be_none(traced_url: str, open_page: OpenPage) -> None:
    watched = open_page(f"/traces/{'0e' * 16}")
    expect(watched.page.get_by_text("There is no such trace")).to_be_visible()
    watched.forget("404")


SHOP = 20
SLOW = 4
HOURS_AGO = 2
SHOP_TIME = "from=now-3h&to=now-1h"
"""Before the time of the trace above: neither is in the picture of the other."""


def _shop_id(number: int) -> str:
    return f"{0xC0FFEE:030x}{number:02x}"


def _shop_trace(number: int, begin_ns: int) -> list[dict[str, Any]]:
    """A root and its child; the last ones are slow, are of another plan and call one service more."""
    slow = number >= SHOP - SLOW
    length_ms = 2_000 + number if slow else 100 + number
    plan = [{"key": "plan", "value": {"stringValue": "gold" if slow else "free"}}]

    def span(own: int, name: str, offset_ms: int, until_ms: int, **more: Any) -> dict[str, Any]:
        return {
            "traceId": _shop_id(number),
            "spanId": f"{number * 16 + own:016x}",
            **({} if own == 1 else {"parentSpanId": f"{number * 16 + 1:016x}"}),
            "name": name,
            "kind": 2,
            "startTimeUnixNano": str(begin_ns + offset_ms * MS),
            "endTimeUnixNano": str(begin_ns + until_ms * MS),
            **more,
        }

    status = {"code": 2} if number == SHOP - 1 else {}
    found = [
        span(1, "GET /cart", 0, length_ms, attributes=plan, status=status),
        span(2, "SELECT items", 10, 60),
    ]
    return [*found, span(3, "charge card", 70, length_ms - 10)] if slow else found


def _post(url: str, path: str, document: dict[str, Any]) -> None:
    sent = urllib.request.Request(
        url + path, json.dumps(document).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(sent, timeout=60) as answer:
        assert answer.status == 200


@pytest.fixture(scope="module")
def shop_url(traced_url: str) -> str:
    """The server once it has traces of a shop, and a log line of one of them."""
    begin_ns = time.time_ns() - HOURS_AGO * 3600 * 1000 * MS
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    spans = [one for i in range(SHOP) for one in _shop_trace(i, begin_ns + i * 60_000 * MS)]
    _post(
        traced_url,
        "/v1/traces",
        {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]},
    )
    record = {
        "timeUnixNano": str(begin_ns + 50 * MS),
        "severityNumber": 17,
        "body": {"stringValue": f"the cart is empty {XSS}"},
        "traceId": _shop_id(0),
        "spanId": f"{2:016x}",
    }
    _post(
        traced_url,
        "/v1/logs",
        {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [record]}]}]},
    )
    end_s = begin_ns // (1000 * MS) + 3600
    search = f"{traced_url}/api/spans/search?service=shop&limit=100&start={end_s - 7200}&end={end_s}"
    for _ in range(300):
        with urllib.request.urlopen(search, timeout=60) as answer:
            if len(json.load(answer)["data"]["traces"]) == SHOP:
                return traced_url
        threading.Event().wait(0.2)
    raise AssertionError("the traces of the shop were not found within a minute")


def _pull(page: Page, left: float, top: float, right: float, bottom: float) -> None:
    """Pull over a part of the picture of durations, in shares of it."""
    box = page.locator("figure[aria-label='Durations over time'] svg").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + left * box["width"], box["y"] + top * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + right * box["width"], box["y"] + bottom * box["height"], steps=4)
    page.mouse.up()


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1280), ("light", 390)])
def test_traces_that_are_pulled_over_are_told_from_the_rest(
    shop_url: str, open_page: OpenPage, scheme: str, width: int
) -> None:
    page = open_page(f"/traces?{SHOP_TIME}", scheme=scheme, width=width).page
    found = page.get_by_role("region", name="Traces found").get_by_role("listitem")
    expect(found).to_have_count(SHOP)
    _pull(page, 0.2, 0.05, 0.95, 0.6)
    panel = page.get_by_role("region", name="Selected against the rest")
    expect(panel).to_contain_text(f"{SLOW} of {SHOP} traces")
    gold = panel.get_by_role("row", name="gold")
    expect(gold).to_contain_text("100 %")
    assert "sel=" in page.url
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []
    panel.get_by_role("button", name="All spans that fit").click()
    expect(panel.get_by_role("row", name="charge card")).to_be_visible()
    panel.get_by_role("button", name="Spans that begin them").click()
    gold.get_by_role("button", name="Only plan of this value").click()
    expect(found).to_have_count(SLOW)
    expect(panel).to_have_count(0)


def test_a_selection_without_a_rest_says_so(shop_url: str, open_page: OpenPage) -> None:
    page = open_page(f"/traces?{SHOP_TIME}&query=plan:gold&sel=1_2_0.1_1").page
    panel = page.get_by_role("region", name="Selected against the rest")
    expect(panel).to_contain_text("No trace of those listed is in the selection")
    page.get_by_role("button", name="Those that failed").click()
    expect(panel).to_contain_text(f"1 of {SLOW} traces")
    panel.get_by_role("button", name="Select none").click()
    expect(panel).to_have_count(0)


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1280), ("light", 390)])
def test_two_traces_are_compared_by_where_the_time_went(
    shop_url: str, open_page: OpenPage, scheme: str, width: int
) -> None:
    page = open_page(f"/traces/{_shop_id(0)}?{SHOP_TIME}", scheme=scheme, width=width).page
    page.get_by_role("link", name="Compare…").click()
    like = page.get_by_role("region", name="Compare with")
    expect(like.get_by_role("listitem")).to_have_count(SHOP - 1)
    assert violations(page) == []
    like.get_by_role("button", name=_shop_id(SHOP - 1)).click()
    expect(page.get_by_role("region", name="Second")).to_contain_text("GET /cart")
    expect(page.get_by_text("The second took 1.92 s longer (20 times as long).")).to_be_visible()
    table = page.get_by_role("table", name="Where they differ")
    expect(table.locator("[data-index='0']")).to_contain_text("charge card")
    expect(table.locator("[data-index='0']")).to_contain_text("only the second")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []
    page.get_by_role("button", name="Swap them").click()
    expect(page.get_by_text("The second took 1.92 s less (−95 %).")).to_be_visible()


def test_traces_of_a_list_are_chosen_to_be_compared(shop_url: str, open_page: OpenPage) -> None:
    page = open_page(f"/traces?{SHOP_TIME}").page
    page.get_by_role("button", name="Compare it with another trace").first.click()
    expect(page.get_by_text("Choose the one to compare it with")).to_be_visible()
    page.get_by_role("button", name="Compare with this trace").last.click()
    expect(page.get_by_role("table", name="Where they differ")).to_be_visible()
    watched = open_page(f"/traces?view=compare&left={_shop_id(0)}&right={'ee' * 16}")
    expect(watched.page.get_by_text("The traces cannot be compared")).to_be_visible()
    watched.forget("404")


def test_log_lines_stand_on_the_timeline_of_their_trace(shop_url: str, open_page: OpenPage) -> None:
    page = open_page(f"/traces/{_shop_id(0)}").page
    row = page.get_by_role("treeitem").filter(has_text="SELECT items")
    expect(row.locator("[data-level=error]")).to_have_attribute("title", f"error the cart is empty {XSS}")
    page.get_by_role("link", name="1 log line").click()
    expect(page.get_by_role("region", name="Lines, the newest first")).to_contain_text("the cart is empty")
