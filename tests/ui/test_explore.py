"""Explore: writing, running and reading queries; everything that matters is in the address."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from playwright.sync_api import Page, Route, expect
from tests.ui.conftest import FLEET, XSS, Watched, painted_share

Open = Callable[..., Watched]
SHOWN_AT_FIRST = 200


def _parameters(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def _graph(expr: str, **more: str) -> str:
    rest = "".join(f"&{name}={quote(value)}" for name, value in more.items())
    return f"/explore?q0={quote(expr)}&from=now-5m&to=now{rest}"


def _editor(page: Page) -> None:
    page.get_by_role("textbox", name="PromQL expression").first.click()


def test_a_query_runs_with_ctrl_enter_and_is_drawn(open_page: Open) -> None:
    page = open_page("/explore").page
    _editor(page)
    page.keyboard.type("queue_bytes")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".legend-body .legend-row")).to_have_count(1)
    expect(page.locator(".legend-body")).to_contain_text("queue_bytes")
    expect(page.locator(".explore-stats")).to_contain_text("1 series")
    assert painted_share(page, ".explore-query canvas") > 0.01
    assert _parameters(page) == {"q0": "queue_bytes"}


def test_what_is_written_before_the_editor_has_come_goes_on_in_it(open_page: Open) -> None:
    page = open_page("/").page
    held: list[Route] = []
    page.route("**/assets/Editor-*.js", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
    page.get_by_role("link", name="Explore", exact=True).click()
    written = page.get_by_role("textbox", name="PromQL expression")
    expect(page.locator("textarea[aria-label='PromQL expression']")).to_be_focused()
    page.keyboard.type("queue_bytes > ")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("0")
    page.keyboard.press("ArrowLeft")
    before = written.bounding_box()
    held.pop().continue_()
    expect(page.locator(".cm-content")).to_be_focused()
    after = page.locator(".cm-editor").bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["height"] - after["height"]) < 2
    page.keyboard.type("1")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page.locator(".explore-stats")).to_contain_text("series")
    assert _parameters(page)["q0"] == "queue_bytes > \n10"


def test_whoever_wrote_before_the_editor_had_come_is_offered_names_at_once(open_page: Open) -> None:
    page = open_page("/").page
    held: list[Route] = []
    page.route("**/assets/Editor-*.js", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
    page.get_by_role("link", name="Explore", exact=True).click()
    expect(page.locator("textarea[aria-label='PromQL expression']")).to_be_focused()
    page.keyboard.type("queue_by")
    held.pop().continue_()
    page.locator(".cm-tooltip-autocomplete li", has_text="queue_bytes").click()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".legend-body")).to_contain_text("queue_bytes")


def test_the_editor_completes_names_that_the_server_knows(open_page: Open) -> None:
    page = open_page("/explore").page
    _editor(page)
    page.keyboard.type("rate(fleet_req", delay=20)
    option = page.locator(".cm-tooltip-autocomplete li", has_text="fleet_requests_total")
    option.click()
    expect(page.locator(".cm-content")).to_contain_text("rate(fleet_requests_total")


def test_buckets_are_shown_as_a_heat_map(open_page: Open) -> None:
    page = open_page(_graph("rate(wait_seconds_bucket[1m])")).page
    page.get_by_text("Heat map", exact=True).click()
    heat = page.get_by_role("img", name="heat map of 3 buckets")
    expect(heat).to_be_visible()
    expect(page.get_by_text("3 series together")).to_be_visible()
    assert _parameters(page)["v0"] == "heat"
    assert painted_share(page, ".explore-query canvas") > 0.05


def test_what_has_no_buckets_says_what_a_heat_map_is_made_of(open_page: Open) -> None:
    page = open_page(_graph("queue_bytes", v0="heat")).page
    expect(page.get_by_text("These are no buckets")).to_be_visible()


def test_typing_over_a_selection_keeps_the_policy(open_page: Open) -> None:
    page = open_page(_graph("sum(queue_bytes)")).page
    # The browser would style what is typed as what was selected; the fixture sees when the policy forbids it.
    _editor(page)
    editor = page.get_by_role("textbox", name="PromQL expression").first
    expect(editor.locator("span").first).to_be_visible()
    page.keyboard.press("Control+a")
    page.keyboard.type("queue_bytes + 1")
    page.keyboard.press("Escape")
    expect(editor).to_have_text("queue_bytes + 1")
    page.keyboard.press("Shift+Home")
    page.keyboard.type("(")
    expect(editor).to_have_text("(queue_bytes + 1)")
    page.keyboard.press("Control+z")
    expect(editor).to_have_text("queue_bytes + 1")


def test_an_address_opens_exactly_what_it_says(open_page: Open) -> None:
    expr = 'sum by (job) (rate(fleet_requests_total{host=~"host-00[0-4]"}[30s]))'
    page = open_page(
        _graph(expr, stack0="1", step0="5s", unit0="bytes", q1="up", v1="table", refresh="10s")
    ).page
    first, second = page.locator(".explore-query").nth(0), page.locator(".explore-query").nth(1)
    expect(first.locator(".cm-content")).to_have_text(expr)
    expect(first.get_by_role("button", name="Stacked")).to_have_attribute("aria-pressed", "true")
    expect(first.get_by_label("Step")).to_have_value("5s")
    expect(first.locator(".explore-stats")).to_contain_text("step 5s")
    expect(first.get_by_label("Unit")).to_have_value("bytes")
    expect(second.get_by_role("table", name="Result")).to_contain_text("fleet")
    expect(page.get_by_label("Refresh by itself")).to_have_value("10000")
    before = _parameters(page)
    page.reload()
    expect(page.locator(".explore-query").nth(1).get_by_role("table", name="Result")).to_be_visible()
    assert _parameters(page) == before


def test_back_returns_to_the_former_query(open_page: Open) -> None:
    page = open_page(_graph("queue_bytes")).page
    expect(page.locator(".legend-body")).to_contain_text("queue_bytes")
    _editor(page)
    page.keyboard.press("Control+a")
    page.keyboard.type("up == 1")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**q0=up*")
    page.go_back()
    expect(page.locator(".cm-content")).to_have_text("queue_bytes")
    expect(page.locator(".legend-body")).to_contain_text("queue_bytes")


def test_a_failed_refresh_leaves_the_last_graph_below_the_error(open_page: Open) -> None:
    watched = open_page(_graph("queue_bytes"))
    page = watched.page
    expect(page.locator(".legend-body")).to_contain_text("queue_bytes")
    busy = {"status": "error", "errorType": "unavailable", "error": "busy"}
    page.route("**/api/v1/query_range?*", lambda route: route.fulfill(status=503, json=busy))
    refresh = page.get_by_role("button", name="Refresh now")
    for _ in range(2):
        refresh.click()
        expect(page.get_by_role("alert")).to_contain_text("Below is the last answer, as of")
        expect(page.locator(".legend-body")).to_contain_text("queue_bytes")
    page.unroute("**/api/v1/query_range?*")
    refresh.click()
    expect(page.get_by_role("alert")).to_have_count(0)
    watched.forget("status of 503")


def test_a_wrong_query_is_marked_where_it_is_wrong(open_page: Open) -> None:
    watched = open_page(_graph("sum(rate(queue_bytes[5m])) by (job) +"))
    page = watched.page
    expect(page.get_by_role("alert")).to_contain_text("parse error")
    expect(page.locator(".cm-server-error")).to_have_count(1)
    watched.forget("status of 400")


def test_many_series_are_shown_in_part_until_asked_for(open_page: Open) -> None:
    page = open_page(_graph("rate(fleet_requests_total[30s])")).page
    note = page.locator(".explore-moreNote")
    expect(note).to_contain_text(f"Showing the {SHOWN_AT_FIRST} highest of {FLEET} series")
    note.get_by_role("button").click()
    expect(note).to_have_count(0)
    expect(page.get_by_role("table", name="Series")).to_have_attribute("aria-rowcount", str(FLEET))
    in_page = page.locator(".legend-body .legend-row").count()
    assert 0 < in_page < 60, "only the rows in view may be in the page"


def test_the_legend_isolates_and_toggles(open_page: Open) -> None:
    page = open_page(_graph('fleet_requests_total{host=~"host-00[0-3]"}')).page
    rows = page.locator(".legend-body .legend-row")
    off = page.locator(".legend-body .legend-off")
    expect(rows).to_have_count(4)
    rows.nth(1).get_by_role("button").click()
    expect(off).to_have_count(3)
    rows.nth(1).get_by_role("button").click()
    expect(off).to_have_count(0)
    rows.nth(2).get_by_role("button").click(modifiers=["Control"])
    expect(off).to_have_count(1)


def test_a_choice_in_the_legend_can_be_undone_and_ends_with_its_query(open_page: Open) -> None:
    page = open_page(_graph('fleet_requests_total{host=~"host-00[0-3]"}')).page
    rows = page.locator(".legend-body .legend-row")
    off = page.locator(".legend-body .legend-off")
    rows.nth(1).get_by_role("button").click()
    expect(page.locator(".explore-graphRemarks")).to_contain_text("3 hidden")
    page.get_by_role("button", name="show all").click()
    expect(off).to_have_count(0)
    rows.nth(1).get_by_role("button").click()
    expect(off).to_have_count(3)
    _editor(page)
    page.keyboard.press("Control+a")
    page.keyboard.press("Backspace")
    page.keyboard.insert_text('fleet_requests_total{host=~"host-000|host-002"}')
    page.keyboard.press("Control+Enter")
    expect(rows).to_have_count(2)
    expect(off).to_have_count(0)


def test_values_that_no_axis_can_show_are_told(open_page: Open) -> None:
    page = open_page(_graph("vector(1) / 0")).page
    expect(page.locator(".explore-graphRemarks")).to_have_text(
        re.compile(r"^\d+ values are \+Inf and not drawn$")
    )
    expect(page.locator(".legend-body .legend-number").first).to_have_text("+Inf")


def test_a_last_value_that_is_old_is_marked(open_page: Open) -> None:
    page = open_page(_graph(f"vector(7) and vector(time()) < {int(time.time()) - 60}")).page
    last = page.locator(".legend-body .legend-number").first
    expect(last).to_have_text("7†")
    expect(last).to_have_attribute("title", re.compile("none since"))


def test_a_table_stands_under_its_headers_in_the_unit_it_names(open_page: Open) -> None:
    page = open_page(_graph("queue_bytes", v0="table")).page
    table = page.get_by_role("table", name="Result")
    cells, heads = table.get_by_role("cell"), table.get_by_role("columnheader")
    expect(heads.first).to_contain_text("iB")
    expect(cells.first).to_have_text(re.compile(r"^\d[\d.,]*$"))
    for i in range(heads.count()):
        head, cell = heads.nth(i).bounding_box(), cells.nth(i).bounding_box()
        assert head is not None
        assert cell is not None
        assert abs(head["x"] - cell["x"]) < 1


def test_the_palette_keeps_the_range(open_page: Open) -> None:
    page = open_page(_graph("up")).page
    expect(page.locator(".legend-body .legend-row")).not_to_have_count(0)
    page.keyboard.press("Control+k")
    page.get_by_label("Search everything that has a name").fill("queue_by")
    expect(page.locator("[data-selected]")).to_have_text("queue_bytes")
    page.keyboard.press("Enter")
    page.wait_for_url("**q0=queue_bytes*")
    assert _parameters(page) == {"q0": "queue_bytes", "from": "now-5m", "to": "now"}


def test_dragging_zooms_and_back_unzooms(open_page: Open) -> None:
    page = open_page(_graph("queue_bytes")).page
    expect(page.locator(".legend-body")).to_contain_text("queue_bytes")
    box = page.locator(".u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 50, steps=6)
    page.mouse.up()
    page.wait_for_url("**from=*Z&to=*Z")
    page.go_back()
    page.wait_for_url("**from=now-5m&to=now")


def test_a_range_is_chosen_by_hand_and_nonsense_refused(open_page: Open) -> None:
    page = open_page(_graph("queue_bytes")).page
    page.get_by_role("button", name="Last 5 minutes").click()
    page.get_by_label("From", exact=True).fill("yesterday-ish")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("alert")).to_contain_text("yesterday-ish")
    expect(page.get_by_label("From", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("To", exact=True)).to_have_attribute("aria-invalid", "false")
    page.get_by_label("From", exact=True).fill("now-90m")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**from=now-90m**")
    page.get_by_role("button", name="Last 90m").click()
    page.get_by_label("From", exact=True).fill("3h")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**from=now-3h**")
    # Keys alone go on from the button that opened the box.
    opener = page.get_by_role("button", name="Last 3 hours")
    for leave in ("Escape", "Tab"):
        expect(opener).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_label("From", exact=True)).to_be_focused()
        if leave == "Tab":
            page.keyboard.type("now-1M/M")
        page.keyboard.press(leave)
    page.keyboard.type("now-1M/M")
    page.keyboard.press("Enter")
    page.wait_for_url("**from=now-1M**to=now-1M**")
    expect(page.get_by_role("button", name="Previous month")).to_be_focused()


def test_a_table_is_sorted_and_filtered(open_page: Open) -> None:
    page = open_page(_graph("fleet_requests_total", v0="table")).page
    table = page.get_by_role("table", name="Result")
    host = table.get_by_role("button", name=re.compile("^host"))
    host.click()
    expect(table.locator(".table-body .table-row").first).to_contain_text("host-000")
    host.click()
    expect(table.locator(".table-body .table-row").first).to_contain_text(f"host-{FLEET - 1}")
    page.get_by_label("Filter rows").fill("host=host-017")
    expect(table.locator(".table-body .table-row")).to_have_count(1)
    expect(page.locator(".table-tools")).to_contain_text(f"1 of {FLEET} rows")


def test_a_result_is_saved_as_csv(open_page: Open, tmp_path: Path) -> None:
    page = open_page(_graph('fleet_requests_total{host="host-000"}')).page
    expect(page.locator(".legend-body .legend-row")).to_have_count(1)
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
        page.get_by_role("menuitem", name="CSV of what is shown").click()
    path = tmp_path / "result.csv"
    download.value.save_as(path)
    header, *rows = path.read_text().splitlines()
    assert header.startswith("time,")
    assert any(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z,\d+", row) for row in rows)


def test_past_queries_are_offered_again(open_page: Open) -> None:
    page = open_page("/explore").page
    _editor(page)
    page.keyboard.type("sum(up)")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**q0=sum*")
    page.goto("/explore")
    page.get_by_role("button", name="Past queries").click()
    page.get_by_role("region", name="Query").get_by_role("button", name="sum(up)").click()
    expect(page.locator(".cm-content")).to_have_text("sum(up)")
    expect(page.locator(".legend-body .legend-row")).to_have_count(1)


def test_panels_are_added_and_removed(open_page: Open) -> None:
    page = open_page(_graph("queue_bytes")).page
    page.get_by_role("button", name="Add a query").click()
    expect(page.locator(".explore-query")).to_have_count(2)
    page.locator(".explore-query").nth(0).get_by_role("button", name="Remove this query").click()
    expect(page.locator(".explore-query")).to_have_count(1)
    expect(page.locator(".cm-content")).not_to_contain_text("queue_bytes")


def test_labels_from_strangers_stay_text(open_page: Open) -> None:
    page = open_page(_graph("hostile_info", q1="hostile_info", v1="table")).page
    expect(page.locator(".legend-body")).to_contain_text("<img src=x")
    expect(page.get_by_role("table", name="Result")).to_contain_text(XSS)
    box = page.locator(".u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] - 4, box["y"] + box["height"] / 2)
    expect(page.locator(".chart-tip")).to_contain_text("<img src=x")
    assert page.evaluate("window.__xss") is None
    assert page.locator("main img").count() == 0


def test_links_of_alerts_lead_here(open_page: Open) -> None:
    page = open_page("/graph?g0.expr=up%20%3D%3D%201&g0.tab=1").page
    page.wait_for_url("**/explore?q0=*")
    expect(page.locator(".cm-content")).to_have_text("up == 1")
    expect(page.get_by_role("table", name="Result")).to_contain_text("fleet")


NO_DASHBOARDS = {"status": "success", "data": {"total": 0, "tags": [], "dashboards": []}}
CONFLICT = {"status": "error", "errorType": "conflict", "error": "somebody saved it meanwhile"}
LIST = re.compile(r"/api/pharos/dashboards\?")


def test_a_graph_becomes_a_panel_of_a_new_dashboard(open_page: Open, ui_url: str) -> None:
    page = open_page(_graph("queue_bytes")).page
    page.route(LIST, lambda route: route.fulfill(json=NO_DASHBOARDS))
    page.get_by_role("button", name="Add to a dashboard").click()
    form = page.get_by_role("dialog", name="Add to a dashboard")
    expect(form.get_by_text("There is no dashboard yet that you may change")).to_be_visible()
    expect(form.get_by_label("Title of the panel")).to_have_value("queue_bytes")
    name = form.get_by_label("Name of the dashboard")
    expect(name).to_be_focused()
    page.keyboard.type("Queue watch")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Open the dashboard").click()
    expect(page.get_by_role("heading", name="Queue watch")).to_be_visible()
    drawn = page.get_by_role("region", name="queue_bytes").get_by_role("img", name="queue_bytes")
    expect(drawn).to_be_visible()
    assert _parameters(page)["from"] == "now-5m"
    uid = urlsplit(page.url).path.split("/")[2]
    with urllib.request.urlopen(f"{ui_url}/api/pharos/dashboards/{uid}", timeout=60) as answer:
        kept = json.load(answer)["data"]
    assert kept["version"] == 1
    [panel] = kept["document"]["panels"]
    assert (panel["type"], panel["targets"][0]["expr"]) == ("timeseries", "queue_bytes")
    assert panel["fieldConfig"]["defaults"]["unit"] == "bytes"


def test_one_value_becomes_a_figure_of_a_dashboard_that_is_there(open_page: Open, ui_url: str) -> None:
    request = urllib.request.Request(
        f"{ui_url}/api/pharos/dashboards",
        json.dumps({"title": "Figures", "folder": ""}).encode(),
        {"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=60).close()
    watched = open_page(_graph("queue_bytes", v0="table"))
    page = watched.page
    expect(page.get_by_role("table", name="Result")).to_be_visible()
    page.get_by_role("button", name="Add to a dashboard").click()
    form = page.get_by_role("dialog", name="Add to a dashboard")
    field = form.get_by_role("combobox", name="Dashboard")
    expect(field).to_be_focused()
    page.keyboard.type("Figur", delay=20)
    page.keyboard.press("Enter")
    expect(field).to_have_value("Figures")
    form.get_by_label("Title of the panel").fill("Waiting")

    def conflict(route: Route) -> None:
        if route.request.method == "PUT":
            route.fulfill(status=409, json=CONFLICT)
        else:
            route.continue_()

    page.route("**/api/pharos/dashboards/*", conflict)
    form.get_by_role("button", name="Add the panel").click()
    expect(form.get_by_role("alert")).to_contain_text("Add the panel once more")
    page.unroute("**/api/pharos/dashboards/*")
    form.get_by_role("button", name="Add the panel").click()
    page.get_by_role("button", name="Open the dashboard").click()
    expect(page.get_by_role("heading", name="Figures")).to_be_visible()
    expect(page.get_by_role("region", name="Waiting")).to_contain_text("iB")
    watched.forget("409")


def test_who_may_change_no_dashboard_reads_why(open_page: Open) -> None:
    page = open_page(_graph("queue_bytes")).page

    def watcher(route: Route) -> None:
        found = route.fetch()
        body = found.json()
        for one in body["data"]["tenants"]:
            one["permissions"] = ["metrics.view", "dashboards.view"]
        body["data"]["everywhere"] = ["metrics.view", "dashboards.view"]
        route.fulfill(response=found, json=body)

    page.route("**/api/me", watcher)
    page.reload()
    add = page.get_by_role("button", name="Add to a dashboard")
    expect(add).to_be_disabled()
    expect(add).to_have_accessible_description(re.compile("dashboards.edit"))


def test_the_limit_of_an_alert_is_chosen_instead_of_written(open_page: Open) -> None:
    page = open_page("/explore?q0=queue_bytes").page
    page.get_by_role("link", name="Make an alert").click()
    form = page.get_by_role("dialog", name="New group of rules")
    expect(form.get_by_label("Number")).to_be_focused()
    expect(form.get_by_label("Group")).to_have_value("queue_bytes")
    expect(form.get_by_role("textbox", name="Alert")).to_have_value("QueueBytes")
    expect(form.get_by_text("without a limit it fires whatever the value is")).to_be_visible()
    page.keyboard.type("1e6")
    expect(form.locator(".cm-content")).to_have_text("queue_bytes > 1e6")
    form.get_by_label("Comparison").select_option("is at most")
    expect(form.locator(".cm-content")).to_have_text("queue_bytes <= 1e6")
    expect(form.get_by_text("of 1 series")).to_be_visible()
