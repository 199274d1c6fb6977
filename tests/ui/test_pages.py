"""Targets, cardinality, and what is around all pages."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from tests.ui.conftest import Watched, out_of_reach, violations

Open = Callable[..., Watched]


@pytest.mark.parametrize(("path", "scheme"), [("/", "dark"), ("/explore", "light"), ("/traces", "dark")])
def test_pages_open_by_their_address_and_fit_a_telephone(open_page: Open, path: str, scheme: str) -> None:
    # Between two instants is the longest name that a range has.
    path += "?from=2026-11-21T08:14:34Z&to=2026-11-21T08:44:34Z"
    page = open_page(path, width=390, height=844, scheme=scheme).page
    expect(page.locator("h1")).to_be_visible()
    assert page.locator("html").get_attribute("data-mantine-color-scheme") == scheme
    # With all that it asks for at the beginning in its place.
    page.wait_for_load_state("networkidle")
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    assert out_of_reach(page) == []


def test_an_unknown_page_says_so(open_page: Open) -> None:
    page = open_page("/no-such-page").page
    expect(page.locator("h1")).to_have_text("Not found")
    expect(page.get_by_text("There is no such page.")).to_be_visible()
    page.get_by_role("link", name="Go home").click()
    expect(page.locator("h1")).to_have_text("Home")


def _targets(page: Page) -> Locator:
    """The rows of the table of targets, its head left out."""
    return page.get_by_role("grid", name="Targets").locator("[data-index]")


def test_failing_targets_come_first_with_their_error(open_page: Open) -> None:
    page = open_page("/targets").page
    first = _targets(page).first
    expect(first).to_contain_text("missing")
    expect(first.get_by_text("down", exact=True)).to_be_visible(timeout=10_000)
    expect(first.locator(".targets-targetError")).not_to_be_empty()
    expect(page.get_by_label("Pools").get_by_role("button").first).to_contain_text("missing")


def test_the_page_says_why_targets_of_a_pool_may_be_missing(open_page: Open) -> None:
    opened = open_page("/targets").page
    expect(opened.get_by_role("alert")).to_have_count(0)

    def answer(route: Route) -> None:
        found = route.fetch()
        body = found.json()
        body["data"]["discoveryErrors"] = [{"scrapePool": "pods", "error": "https://k answered 403"}]
        route.fulfill(response=found, json=body)

    opened.route("**/api/v1/targets", answer)
    opened.reload()
    said = opened.get_by_role("alert")
    expect(said).to_have_text("Targets of pods may be missing: https://k answered 403")
    expect(_targets(opened).first).to_be_visible()


@pytest.mark.parametrize("width", [768, 1440])
def test_the_columns_of_targets_are_whole_and_apart(open_page: Open, width: int) -> None:
    page = open_page("/targets", width=width).page
    first = _targets(page).first
    expect(first.locator(".targets-targetError")).not_to_be_empty()
    table = page.get_by_role("grid", name="Targets")
    assert table.evaluate("(element) => element.scrollWidth - element.clientWidth") == 0
    chip = first.locator(".status-chip")
    chip.locator("xpath=.").evaluate("(element) => { element.lastChild.textContent = 'unknown'; }")
    ends = chip.evaluate("(element) => element.getBoundingClientRect().right")
    starts = first.locator("a").evaluate("(element) => element.getBoundingClientRect().left")
    assert starts - ends >= 8


def test_a_target_opens_with_its_labels_before_relabelling(open_page: Open) -> None:
    page = open_page("/targets?pool=fleet").page
    expect(_targets(page)).to_have_count(1)
    page.get_by_role("grid", name="Targets").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    details = page.get_by_role("dialog")
    expect(details).to_contain_text("__scrape_interval__")
    expect(details).to_contain_text("<img src=x onerror=")
    assert page.evaluate("window.__xss") is None
    details.get_by_role("link", name="History of its health").click()
    page.wait_for_url("**/explore?q0=up*job*fleet*")


def test_conditions_on_labels_are_chips_that_the_address_keeps(open_page: Open) -> None:
    page = open_page("/targets").page
    expect(_targets(page).first).to_be_visible()
    before = _targets(page).count()
    page.get_by_role("searchbox", name="Filter targets").fill("job!=missing")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Filters").get_by_role("listitem")).to_have_count(1)
    expect(_targets(page)).to_have_count(before - 1)
    page.reload()
    expect(_targets(page)).to_have_count(before - 1)
    page.get_by_role("searchbox", name="Filter targets").fill("no such target")
    page.get_by_role("button", name="Clear the filters").click()
    expect(_targets(page)).to_have_count(before)
    assert urlsplit(page.url).query == ""


@pytest.mark.parametrize(
    ("path", "asks"), [("/targets", "**/api/v1/targets"), ("/cardinality", "**/api/v1/status/tsdb*")]
)
def test_old_rows_are_called_old_when_new_ones_cannot_be_read(open_page: Open, path: str, asks: str) -> None:
    watched = open_page(path)
    page = watched.page
    rows = page.locator("[role=grid] [data-index], .cardinality-ranking [data-index]").first
    expect(rows).to_be_visible()
    page.route(asks, lambda route: route.fulfill(status=502, body="<html>Bad Gateway</html>"))
    page.context.set_offline(True)
    expect(page.get_by_role("alert").filter(has_text="does not answer")).to_be_visible(timeout=12_000)
    page.context.set_offline(False)
    note = page.get_by_role("alert").filter(has_text="now they cannot be read")
    expect(note).to_contain_text("not an answer of Pharos")
    expect(rows).to_be_visible()
    watched.forget("status of 502")
    watched.forget("ERR_INTERNET_DISCONNECTED")


def test_targets_are_filtered_by_the_address(open_page: Open) -> None:
    page = open_page("/targets").page
    page.get_by_role("searchbox", name="Filter targets").fill("job=fleet")
    expect(_targets(page)).to_have_count(1)
    expect(_targets(page)).to_contain_text("<img src=x onerror=")
    page.wait_for_url("**filter=job*")
    page.reload()
    expect(_targets(page)).to_have_count(1)
    assert page.evaluate("window.__xss") is None


def test_a_ranking_is_filtered_by_name_and_tells_each_share(open_page: Open) -> None:
    page = open_page("/cardinality?limit=1000").page
    ranking = page.get_by_role("table", name="Series by metric")
    expect(ranking.get_by_text("fleet_requests_total", exact=True)).to_be_visible()
    page.get_by_role("searchbox", name="Filter by name").fill("FLEET_req")
    expect(ranking.locator("[data-index]")).to_have_count(1)
    page.wait_for_url("**filter=FLEET_req*")
    series, share = ranking.locator("[data-index]").get_by_role("cell").all_inner_texts()[1:]
    assert series == "240"
    assert 0 < float(share) < 100
    page.get_by_role("searchbox", name="Filter by name").fill("nothing has this name")
    expect(page.get_by_text("None of these has that name").first).to_be_visible()


def test_cardinality_leads_to_explore(open_page: Open) -> None:
    page = open_page("/cardinality").page
    page.get_by_role("link", name="fleet_requests_total", exact=True).first.click()
    page.wait_for_url("**/explore?q0=fleet_requests_total*")
    expect(page.get_by_role("table", name="Result")).to_be_visible()


def test_the_keyboard_alone_suffices(open_page: Open) -> None:
    page = open_page("/").page
    expect(page.locator("h1")).to_have_text("Home")
    page.keyboard.press("g")
    page.keyboard.press("j")
    expect(page.locator("h1")).to_have_text("Targets")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Go to Explore")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Control+k")
    page.get_by_label("Search everything that has a name").fill("queue_by")
    expect(page.get_by_text("queue_bytes", exact=True)).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url("**/explore?q0=queue_bytes")


def test_a_way_back_leads_to_the_same_query_in_the_range_of_now(open_page: Open) -> None:
    page = open_page("/explore?q0=queue_bytes&from=now-3h&to=now&zone=utc").page
    expect(page.locator(".cm-content")).to_have_text("queue_bytes")
    page.get_by_role("navigation").get_by_role("link", name="Home").first.click()
    expect(page.locator("h1")).to_have_text("Home")
    expect(page.get_by_role("button", name="Last 3 hours")).to_contain_text("UTC")
    page.keyboard.press("g")
    page.keyboard.press("e")
    expect(page.locator(".cm-content")).to_have_text("queue_bytes")
    assert parse_qs(urlsplit(page.url).query) == {
        "q0": ["queue_bytes"], "from": ["now-3h"], "to": ["now"], "zone": ["utc"]
    }  # fmt: skip


def test_a_chosen_tenant_is_named_sent_and_carried(open_page: Open) -> None:
    page = open_page("/explore?q0=up&v0=table").page
    expect(page.get_by_role("table", name="Result")).to_contain_text("fleet")
    mark = page.get_by_role("navigation").get_by_role("img", name="Tenant default").locator("rect")
    ordinary = mark.get_attribute("fill")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.get_by_label("Search everything that has a name").fill("tenant nobody")
    with page.expect_request("**/api/v1/query?*") as asked:
        page.get_by_text("Look at tenant nobody").click()
    assert asked.value.headers["x-scope-orgid"] == "nobody"
    expect(page.get_by_role("combobox", name="Tenant")).to_have_value("nobody")
    other = page.get_by_role("navigation").get_by_role("img", name="Tenant nobody").locator("rect")
    assert other.get_attribute("fill") != ordinary, "each tenant has a colour of its own"
    expect(page.get_by_text("fleet", exact=True)).to_have_count(0)
    page.get_by_role("link", name="Cardinality").click()
    page.wait_for_url("**/cardinality?tenant=nobody")
    page.get_by_role("combobox", name="Tenant").select_option("default")
    expect(page.get_by_role("link", name="fleet_requests_total", exact=True).first).to_be_visible()


def test_the_colour_of_the_tenant_is_seen_on_a_telephone(open_page: Open) -> None:
    page = open_page("/targets?tenant=nobody", width=390, height=844).page
    expect(page.get_by_role("img", name="Tenant nobody").first).to_be_visible()


def test_what_the_browser_refuses_to_copy_is_said(open_page: Open) -> None:
    page = open_page("/explore?q0=up").page
    page.evaluate("""() => {
        navigator.clipboard.writeText = () => Promise.reject(new Error('refused'));
        document.execCommand = () => false;
    }""")
    page.get_by_role("button", name=re.compile("^Copy")).first.click()
    message = page.get_by_role("status").filter(has_text="The browser refused to copy")
    expect(message).to_be_visible()
    message.get_by_role("button", name="Dismiss").click()
    expect(message).to_have_count(0)


def test_enter_takes_the_first_metric_though_its_name_came_after_the_typing(open_page: Open) -> None:
    page = open_page("/").page
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/v1/label/__name__/values*", hold)
    expect(page.locator("h1")).to_have_text("Home")
    with page.expect_request("**/api/v1/label/__name__/values*"):
        page.keyboard.press("Control+k")
    page.get_by_label("Search everything that has a name").fill("queue_by")
    expect(page.get_by_role("dialog").get_by_text("Looking…")).to_be_visible()
    assert held
    for route in held:
        route.continue_()
    expect(page.locator("[data-selected]")).to_have_text("queue_bytes")
    page.keyboard.press("Enter")
    page.wait_for_url("**/explore?q0=queue_bytes")


def test_what_is_still_to_compile_is_counted_until_nothing_is(open_page: Open) -> None:
    page = open_page("/targets").page
    left = deque([41, 42])

    def count(route: Route) -> None:
        route.fulfill(json={"compiled": left[0] if len(left) == 1 else left.popleft(), "total": 94})

    page.route("**/-/kernels", count)
    page.reload()
    counted = page.get_by_role("progressbar")
    expect(page.get_by_text("Preparing: 42 of 94")).to_be_visible()
    expect(counted).to_have_attribute("value", "42")
    left[0] = 94
    expect(counted).to_have_count(0)


def test_a_choice_of_colours_is_kept(open_page: Open) -> None:
    page = open_page("/", scheme="dark").page
    page.get_by_role("button", name="Light", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "light")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "light")


def test_a_part_of_the_page_that_cannot_be_loaded_is_said(open_page: Open) -> None:
    watched = open_page("/targets")
    page = watched.page
    expect(page.locator("h1")).to_have_text("Targets")
    page.route("**/assets/CardinalityPage*.js", lambda route: route.abort())
    page.get_by_role("link", name="Cardinality").click()
    expect(page.get_by_role("alert")).to_contain_text("did not arrive")
    expect(page.get_by_role("button", name="Reload")).to_be_visible()
    watched.forget("ERR_FAILED|dynamically imported")
    watched.faults = [fault for fault in watched.faults if "dynamically imported" not in fault]


def test_the_policy_allows_no_inline_code(open_page: Open, ui_url: str) -> None:
    page = open_page("/").page
    response = page.request.get(ui_url)
    policy = response.headers["content-security-policy"]
    assert "unsafe-inline" not in policy.split("style-src")[0]
    assert "unsafe-eval" not in policy
    assert "<script>" not in response.text()


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_documentation_is_one_click_away_and_its_links_lead_on(open_page: Open, scheme: str) -> None:
    page = open_page("/targets", scheme=scheme).page
    page.goto(str(page.get_by_role("link", name="Documentation").get_attribute("href")))
    expect(page.get_by_role("heading", level=1)).to_have_text("Pharos")
    assert violations(page) == []
    page.get_by_role("main").get_by_role("link", name="Getting started").click()
    page.wait_for_url("**/docs/getting-started.html")
    entry = page.get_by_role("navigation").get_by_role("link", name="Getting started")
    expect(entry).to_have_attribute("aria-current", "page")
    for path in ("http-api", "settings", "ui"):
        page.goto(f"/docs/{path}.html")
        for link in page.get_by_role("main").get_by_role("link").all():
            target = str(link.get_attribute("href"))
            if not target.startswith(("#", "http")):
                assert page.request.get(f"/docs/{target}").ok, target
        # Pictures too: a missing one would be an error in the console.
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize(
    "path", ["/?tenant=default", "/explore?q0=up&q1=up&v1=table", "/targets", "/cardinality", "/no-such-page"]
)
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_pages_meet_wcag_aa(open_page: Open, path: str, scheme: str) -> None:
    page = open_page(path, scheme=scheme).page
    expect(page.locator("h1")).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    assert violations(page) == []


@pytest.mark.parametrize("key", ["?", "Control+k"])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_dialogs_meet_wcag_aa(open_page: Open, key: str, scheme: str) -> None:
    page = open_page("/cardinality", scheme=scheme).page
    expect(page.locator("h1")).to_be_visible()
    page.keyboard.press(key)
    expect(page.get_by_role("dialog")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert violations(page, page.get_by_role("dialog")) == []


def test_the_first_key_for_the_colours_changes_what_is_seen(open_page: Open) -> None:
    page = open_page("/targets", scheme="dark").page
    expect(page.locator("h1")).to_be_visible()
    page.keyboard.press("t")
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "light")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Filter targets")).to_be_focused()
