"""Dashboards in the browser: found, shown, narrowed by variables, changed, saved, shared, imported."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect
from tests.ui.conftest import XSS, Watched, violations, wait_for_samples

Open = Callable[..., Watched]
PROMETHEUS = {"type": "prometheus", "uid": "prometheus"}


def _panel(number: int, kind: str, title: str, expr: str, **more: Any) -> dict[str, Any]:
    place = {"x": (number - 1) % 2 * 12, "y": (number - 1) // 2 * 7, "w": 12, "h": 7}
    return {
        "id": number,
        "type": kind,
        "title": title,
        "gridPos": place,
        "options": {},
        "fieldConfig": {"defaults": {}, "overrides": []},
        "targets": [{"refId": "A", "expr": expr, "datasource": PROMETHEUS, "legendFormat": "{{host}}"}],
        **more,
    }


def _fleet() -> dict[str, Any]:
    """A dashboard with a variable, panels that draw, one that fails and one whose text is a trap."""
    hosts = {
        "name": "host",
        "type": "query",
        "query": "label_values(fleet_requests_total, host)",
        "datasource": PROMETHEUS,
        "refresh": 1,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "current": {"value": ["host-001"], "text": ["host-001"]},
    }
    text = {"id": 5, "type": "text", "title": XSS, "gridPos": {"x": 0, "y": 14, "w": 24, "h": 4}}
    return {
        "uid": "fleet",
        "title": "Fleet",
        "tags": ["fleet"],
        "schemaVersion": 42,
        "time": {"from": "now-5m", "to": "now"},
        "templating": {"list": [hosts]},
        "panels": [
            _panel(1, "timeseries", "Requests", 'fleet_requests_total{host=~"$host"}'),
            _panel(2, "stat", "Queue", "queue_bytes", fieldConfig={"defaults": {"unit": "short"}}),
            _panel(3, "timeseries", "Broken", "sum("),
            _panel(4, "hologram", "Unknown", "up"),
            {**text, "options": {"mode": "markdown", "content": f"**Bold** {XSS} [go](javascript:alert(1))"}},
        ],
    }


def _send(url: str, path: str, body: dict[str, Any]) -> None:
    request = urllib.request.Request(
        f"{url}/api/pharos/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status < 300


def _keep(url: str, document: dict[str, Any]) -> None:
    _send(url, "dashboards_import", {"document": document, "overwrite": True, "dry_run": False})


@pytest.fixture(scope="module", autouse=True)
def fleet(ui_url: str) -> None:
    # Panels over five minutes ask for steps of fifteen seconds, the last of which may be as old as that.
    wait_for_samples(ui_url, "queue_bytes offset 15s")
    _keep(ui_url, _fleet())


def _address(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def test_a_dashboard_is_found_and_shows_each_panel_or_says_why_not(open_page: Open) -> None:
    page = open_page("/dashboards").page
    page.get_by_role("searchbox", name="Filter dashboards").fill("flee")
    page.get_by_role("link", name="Fleet").click()
    expect(page.get_by_role("heading", name="Fleet")).to_be_visible()
    assert page.url.split("?")[0].endswith("/d/fleet/fleet")
    requests = page.get_by_role("region", name="Requests")
    expect(requests.get_by_role("img", name="Requests: host-001")).to_be_visible()
    expect(page.get_by_role("region", name="Queue")).to_contain_text("Mil")
    expect(page.get_by_role("region", name="Broken").get_by_role("alert")).to_contain_text("parse error")
    expect(page.get_by_role("region", name="Unknown")).to_contain_text("hologram")
    text = page.get_by_role("region", name=XSS)
    expect(text).to_contain_text("Bold")
    expect(text.get_by_role("link")).to_have_count(0)
    assert page.evaluate("window.__xss") is None
    assert violations(page) == []


def test_a_variable_narrows_the_panels_and_stands_in_the_address(open_page: Open) -> None:
    page = open_page("/d/fleet/fleet").page
    requests = page.get_by_role("region", name="Requests")
    expect(requests.get_by_role("img", name="Requests: host-001")).to_be_visible()
    page.get_by_role("combobox", name="host").fill("host-007")
    page.keyboard.press("Enter")
    expect(requests.get_by_label("Series").get_by_text("host-007")).to_be_visible()
    assert _address(page)["var-host"] == "host-001,host-007"
    page.keyboard.press("Escape")
    requests.get_by_label("Series").get_by_text("host-007").hover()
    requests.get_by_role("button", name="Labels of host-007").click()
    page.get_by_role("link", name='Only host="host-007"').click()
    expect(requests.get_by_role("img", name="Requests: host-007")).to_be_visible()
    assert _address(page)["var-host"] == "host-007"
    assert (_address(page)["from"], _address(page)["to"]) == ("now-5m", "now")


@pytest.mark.parametrize("width", [1440, 390])
def test_figures_are_as_large_as_there_is_room_for_and_never_cut(
    open_page: Open, ui_url: str, width: int
) -> None:
    fixed = {"defaults": {"unit": "percent", "decimals": 3}}
    beside = {"orientation": "horizontal", "textMode": "value_and_name", "graphMode": "none"}
    long = 'label_replace(vector(1111.111), "host", "a-host-with-a-long-name-of-a-rack", "", "")'
    panels = [
        {**_panel(1, "stat", "Narrow", "vector(1111.111)", fieldConfig=fixed), "gridPos": {"w": 2, "h": 4}},
        {
            **_panel(2, "stat", "Beside", long, fieldConfig=fixed, options=beside),
            "gridPos": {"x": 2, "w": 6, "h": 3},
        },
        {
            **_panel(3, "timeseries", "Legend", long),
            "options": {
                "legend": {"placement": "right", "displayMode": "table", "calcs": ["mean", "max", "min"]}
            },
            "gridPos": {"x": 8, "w": 12, "h": 8},
        },
    ]
    _keep(ui_url, {"uid": "narrow", "title": "Narrow", "schemaVersion": 42, "panels": panels})
    page = open_page("/d/narrow/narrow", width=width).page
    for title in ("Narrow", "Beside"):
        figure = (
            page.get_by_role("region", name=title)
            .get_by_text("1111.111")
            .locator("xpath=ancestor-or-self::*[small]")
        )
        expect(figure).to_be_visible()
        assert figure.evaluate("(one) => one.scrollWidth <= one.clientWidth"), title
        inside = (
            "(one) => one.getBoundingClientRect().right <= one.parentElement.getBoundingClientRect().right"
        )
        assert figure.evaluate(inside), title
    series = page.get_by_role("region", name="Legend").get_by_role("table", name="Series")
    expect(series.get_by_role("cell")).to_have_count(4)
    assert series.evaluate("({ parentElement: one }) => one.scrollWidth <= one.clientWidth")


def _edges() -> dict[str, Any]:
    """A dashboard of what is easily cut or left out."""
    table = {"format": "table", "instant": True, "refId": "A", "datasource": PROMETHEUS}
    dated = 'label_replace(vector(1798000000000), "certificate_namespace", "a-namespace-of-a-team", "", "")'
    named = {
        "excludeByName": {"Time": True},
        "renameByName": {"certificate_namespace": "Certificate Namespace", "Value": "Valid Until"},
    }
    date = {"id": "unit", "value": "dateTimeAsIso"}
    until = {"matcher": {"id": "byName", "options": "Valid Until"}, "properties": [date]}
    alone = {"id": "filterFieldsByName", "options": {"include": {"names": ["certificate_namespace"]}}}
    panels = [
        _panel(
            1, "table", "Dates", dated,
            targets=[{**table, "expr": dated}],
            transformations=[{"id": "organize", "options": named}],
            fieldConfig={
                "defaults": {"custom": {"align": "left"}},
                "overrides": [until],
            },
            gridPos={"w": 7, "h": 5},
        ),
        _panel(
            2, "table", "Headless", dated,
            targets=[{**table, "expr": dated}],
            transformations=[alone],
            fieldConfig={"defaults": {"custom": {"align": "center"}}, "overrides": []},
            options={"showHeader": False},
            gridPos={"x": 7, "w": 5, "h": 5},
        ),
        _panel(
            3, "stat", "Nothing", "nothing_at_all",
            fieldConfig={"defaults": {"noValue": "0 left"}, "overrides": []},
            gridPos={"x": 12, "w": 4, "h": 5},
        ),
        _panel(
            4, "bargauge", "Bars", 'label_replace(vector(3), "host", "a", "", "") or vector(5)',
            options={"orientation": "horizontal"},
            gridPos={"x": 16, "w": 8, "h": 9},
        ),
    ]  # fmt: skip
    return {"uid": "edges", "title": "Edges", "schemaVersion": 42, "panels": panels}


def test_dates_are_whole_heads_hidden_and_bars_as_high_as_their_panel(open_page: Open, ui_url: str) -> None:
    _keep(ui_url, _edges())
    page = open_page("/d/edges/edges").page
    dates = page.get_by_role("region", name="Dates").get_by_role("table")
    until = dates.get_by_role("cell").filter(has_text="2026-12-2")
    expect(until).to_have_text("2026-12-23 04:26:40")
    assert until.evaluate("(one) => one.scrollWidth <= one.clientWidth")
    headless = page.get_by_role("region", name="Headless").get_by_role("table")
    cell = headless.get_by_role("cell")
    expect(cell).to_have_text("a-namespace-of-a-team")
    assert cell.evaluate("(one) => getComputedStyle(one).textAlign") == "center"
    # Nothing of the head has room: the first row stands at the top.
    top = "(one) => one.getBoundingClientRect().top"
    assert cell.evaluate(top) - headless.evaluate(top) < 12
    nothing = page.get_by_role("region", name="Nothing").get_by_text("0 left").first
    assert nothing.evaluate("(one) => parseFloat(getComputedStyle(one).fontSize)") > 20
    bars = page.get_by_role("region", name="Bars").get_by_role("group")
    assert (
        bars.evaluate("""(one) => {
      const foot = (box) => box.getBoundingClientRect().bottom;
      return foot(one) - foot(one.lastElementChild);
    }""")
        < 12
    )


def test_the_look_that_an_author_gave_is_kept_as_far_as_it_is_only_a_look(
    open_page: Open, ui_url: str
) -> None:
    html = (
        '<div class="text-center"><span style="font-size: 30px; color: #ff0000">Shop</span></div>'
        '<p style="position: fixed; inset: 0; background: url(https://example.org/x.png)">Below</p>'
    )
    table = {"format": "table", "instant": True, "refId": "A", "datasource": PROMETHEUS}
    red = {"mode": "absolute", "steps": [{"value": None, "color": "#c00000"}]}
    row = {"id": "custom.cellOptions", "value": {"type": "color-background", "applyToRow": True}}
    value = {"matcher": {"id": "byName", "options": "Value"}, "properties": [row]}
    text = {"id": 1, "type": "text", "title": "Head", "gridPos": {"w": 12, "h": 6}}
    panels = [
        {**text, "options": {"mode": "html", "content": html}},
        _panel(
            2, "table", "Rows", "",
            targets=[{**table, "expr": 'label_replace(vector(1), "host", "a", "", "")'}],
            fieldConfig={"defaults": {"thresholds": red}, "overrides": [value]},
        ),
    ]  # fmt: skip
    _keep(ui_url, {"uid": "look", "title": "Look", "schemaVersion": 42, "panels": panels})
    page = open_page("/d/look/look").page
    head = page.get_by_role("region", name="Head")
    style = """(one) => {
      const { textAlign, fontSize, position } = getComputedStyle(one);
      return [textAlign, fontSize, position];
    }"""
    shop = head.get_by_text("Shop").locator("xpath=ancestor-or-self::span[@style]")
    assert shop.evaluate(style) == ["center", "30px", "static"]
    assert head.get_by_text("Below").evaluate(style)[2] == "static"
    cell = page.get_by_role("region", name="Rows").get_by_role("cell").filter(has_text=re.compile("^a$"))
    expect(cell.locator("span").first).to_have_css("background-color", "rgb(192, 0, 0)")
    assert violations(page) == []


def test_a_panel_is_looked_at_alone_and_into(open_page: Open) -> None:
    page = open_page("/d/fleet/fleet").page
    requests = page.get_by_role("region", name="Requests")
    requests.get_by_role("button", name="Menu of Requests").click()
    page.get_by_role("menuitem", name="View alone").click()
    expect(page.get_by_role("region", name="Queue")).to_have_count(0)
    assert _address(page)["panel"] == "p:1"
    requests.get_by_role("button", name="Menu of Requests").click()
    page.get_by_role("menuitem", name="Inspect").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("columnheader", name="host-001")).to_be_visible()
    dialog.get_by_role("tab", name="Query").click()
    expect(dialog).to_contain_text('fleet_requests_total{host=~"host-001"}')
    page.keyboard.press("Escape")
    requests.get_by_role("button", name="Menu of Requests").click()
    page.get_by_role("menuitem", name="Make an alert").click()
    form = page.get_by_role("dialog", name="New group of rules")
    expect(form.locator(".cm-content")).to_contain_text('fleet_requests_total{host=~"host-001"}')
    expect(form.get_by_label("Group")).to_have_value("fleet_requests_total")
    page.keyboard.press("Escape")
    # Where no time is asked for, variables are awaited: each field in its own place.
    page.goto("/d/fleet/fleet?from=now&to=now-1h")
    awaited = page.get_by_role("toolbar", name="Variables").locator("input[disabled]")
    expect(awaited.first).to_be_visible()
    for field in awaited.all():
        assert field.evaluate("({ offsetWidth, parentElement }) => offsetWidth <= parentElement.clientWidth")


def test_a_dashboard_is_made_changed_by_keys_saved_and_taken_back(open_page: Open) -> None:
    page = open_page("/dashboards").page
    page.get_by_role("button", name="New").click()
    page.get_by_label("Title").fill("Shop")
    page.get_by_role("button", name="Create").click()
    # The steps of six hours are longer than a server that was just started has samples.
    page.get_by_role("button", name="Last 6 hours").click()
    page.get_by_role("button", name="Last 5 minutes").click()
    page.get_by_role("button", name="Add a panel").click()
    # Its editor is open, and what is typed takes the place of the example.
    query = page.get_by_role("textbox", name="Expression A")
    expect(query).to_be_focused()
    page.keyboard.type("queue_by", delay=20)
    page.locator(".cm-tooltip-autocomplete li", has_text="queue_bytes").click()
    query.press("Control+Enter")
    expect(
        page.get_by_role("region", name="New panel").get_by_role("img", name="queue_bytes")
    ).to_be_visible()
    page.get_by_role("textbox", name="Title").fill("Queue")
    page.get_by_role("button", name="All panels").click()
    panel = page.get_by_role("region", name="Queue")
    expect(panel.get_by_role("img", name="queue_bytes")).to_be_visible()
    before = panel.bounding_box()
    assert before is not None
    page.get_by_role("button", name="Move Queue").press("ArrowRight")
    page.get_by_role("button", name="Move Queue").press("Shift+ArrowDown")
    page.wait_for_function(
        """([element, { x, height }]) => {
            const box = element.getBoundingClientRect();
            return box.x > x && box.height > height;
        }""",
        arg=[panel.element_handle(), before],
    )
    page.get_by_role("button", name="Save (3)").click()
    saving = page.get_by_role("dialog", name="Save")
    expect(saving.get_by_text("Panels added")).to_be_visible()
    expect(saving.get_by_role("definition")).to_have_text("Queue")
    expect(saving.get_by_label("What is saved")).to_be_hidden()
    saving.get_by_text("The difference in its JSON").click()
    expect(saving.get_by_label("What is saved")).to_contain_text("queue_bytes")
    page.get_by_label("What changes, and why").fill("the queue")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Version 2 is saved")).to_be_visible()
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Versions").click()
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_text("No panels yet")).to_be_visible()


def _document(url: str, uid: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/api/pharos/dashboards/{uid}", timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)["data"]["document"]
    return found


def test_settings_and_variables_are_changed_and_all_else_stays(open_page: Open, ui_url: str) -> None:
    before = {**_fleet(), "uid": "settings", "title": "Settings of it", "odd": {"kept": [1]}}
    before["templating"]["list"][0]["odd"] = True
    _keep(ui_url, before)
    page = open_page("/d/settings/settings?edit=1").page
    page.get_by_role("button", name="Settings", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Description").fill("what it is for")
    dialog.get_by_role("tab", name="Variables").click()
    expect(dialog.get_by_role("group", name="Values now")).to_contain_text("240 values")
    dialog.get_by_role("button", name="Add a variable").click()
    page.get_by_role("menuitem", name="Custom").click()
    dialog.get_by_label("Name").fill("size of")
    expect(dialog.get_by_role("alert")).to_contain_text("Letters, digits")
    dialog.get_by_label("Name").fill("size")
    dialog.get_by_label("Values", exact=True).fill("small : s, large : l")
    expect(dialog.get_by_role("group", name="Values now")).to_contain_text("small")
    dialog.get_by_role("button", name="Earlier").click()
    dialog.get_by_role("tab", name="Annotations").click()
    dialog.get_by_role("button", name="Add an annotation").click()
    page.get_by_role("menuitem", name="Alerts").click()
    assert violations(page, dialog) == []
    dialog.get_by_role("button", name="Close").click()
    expect(page.get_by_role("combobox", name="size")).to_have_value("small")
    page.get_by_role("button", name="Save (1)").click()
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Version 2 is saved")).to_be_visible()
    after = _document(ui_url, "settings")
    size, host = after["templating"]["list"]
    assert (size["name"], size["query"], host) == (
        "size",
        "small : s, large : l",
        before["templating"]["list"][0],
    )
    assert after["annotations"]["list"][0]["target"]["tags"] == ["alert"]
    same = {
        key: value for key, value in after.items() if key not in {"annotations", "templating", "description"}
    }
    assert same == {key: before[key] for key in before if key != "templating"}


def test_a_panel_is_transformed_and_overridden_and_all_else_of_it_stays(open_page: Open, ui_url: str) -> None:
    table = _panel(1, "table", "Queue", "queue_bytes", odd=1)
    table["targets"][0] |= {"format": "table", "instant": True, "odd": 2}
    table["fieldConfig"]["defaults"]["custom"] = {"odd": 3}
    before = {**_fleet(), "uid": "editor", "panels": [table]}
    _keep(ui_url, before)
    page = open_page("/d/editor/editor?editPanel=1").page
    page.get_by_role("tab", name="Transformations").click()
    page.get_by_role("button", name="Add a transformation").click()
    page.get_by_role("menuitem", name="Organize").click()
    page.get_by_label("New name of Value").fill("Bytes")
    page.get_by_label("Show Time").uncheck()
    panel = page.get_by_role("region", name="Queue")
    expect(panel.get_by_role("columnheader", name="Bytes")).to_be_visible()
    expect(panel.get_by_role("columnheader", name="Time")).to_have_count(0)
    page.get_by_role("tab", name="Overrides").click()
    page.get_by_role("button", name="Add an override").click()
    page.get_by_role("menuitem", name="Fields with a name").click()
    page.get_by_role("combobox", name="Name", exact=True).fill("Bytes")
    page.keyboard.press("Enter")
    for name, value in (("Unit", "bytes (KiB, MiB)"), ("Display name", "Held")):
        page.get_by_role("combobox", name="Add a property").fill(name)
        page.keyboard.press("Enter")
        page.get_by_role("group", name=name, exact=True).get_by_label(name).fill(value)
        page.keyboard.press("Enter")
    expect(panel.get_by_role("columnheader", name="Held")).to_be_visible()
    expect(panel.get_by_role("cell").last).to_contain_text("iB")
    assert violations(page) == []
    page.get_by_role("button", name="Save (1)").click()
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Version 2 is saved")).to_be_visible()
    (after,) = _document(ui_url, "editor")["panels"]
    (step,) = after.pop("transformations")
    assert step["id"] == "organize"
    assert step["options"]["renameByName"] == {"Value": "Bytes"}
    assert after["fieldConfig"].pop("overrides") == [
        {
            "matcher": {"id": "byName", "options": "Bytes"},
            "properties": [{"id": "unit", "value": "bytes"}, {"id": "displayName", "value": "Held"}],
        }
    ]
    del table["fieldConfig"]["overrides"]
    assert after == table


def test_a_dashboard_of_the_second_schema_is_edited_in_its_own_words(open_page: Open, ui_url: str) -> None:
    query = {"kind": "DataQuery", "group": "prometheus", "version": "v0", "spec": {"expr": "queue_bytes"}}
    panel = {
        "id": 1,
        "title": "Queue",
        "vizConfig": {"kind": "VizConfig", "group": "timeseries", "version": "", "spec": {}},
        "data": {
            "kind": "QueryGroup",
            "spec": {"queries": [{"kind": "PanelQuery", "odd": 1, "spec": {"refId": "A", "query": query}}]},
        },
    }
    item = {"x": 0, "y": 0, "width": 24, "height": 8, "element": {"kind": "ElementReference", "name": "q"}}
    document = {
        "apiVersion": "dashboard.grafana.app/v2",
        "kind": "Dashboard",
        "metadata": {"name": "second"},
        "spec": {
            "title": "Second",
            "elements": {"q": {"kind": "Panel", "spec": panel}},
            "layout": {"kind": "GridLayout", "spec": {"items": [{"kind": "GridLayoutItem", "spec": item}]}},
        },
    }
    _keep(ui_url, document)
    page = open_page("/d/second/second?edit=1").page
    page.get_by_role("button", name="Settings", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("tab", name="Variables").click()
    dialog.get_by_role("button", name="Add a variable").click()
    page.get_by_role("menuitem", name="Custom").click()
    dialog.get_by_label("Name").fill("size")
    dialog.get_by_label("Values", exact=True).fill("s, l")
    dialog.get_by_role("button", name="Close").click()
    expect(page.get_by_role("combobox", name="size")).to_have_value("s")
    page.get_by_role("button", name="Save (1)").click()
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Version 2 is saved")).to_be_visible()
    after = _document(ui_url, "second")["spec"]
    (variable,) = after.pop("variables")
    assert (variable["kind"], variable["spec"]["name"], variable["spec"]["query"]) == (
        "CustomVariable",
        "size",
        "s, l",
    )
    assert after == document["spec"]


def test_changes_go_on_top_of_what_somebody_saved_meanwhile(open_page: Open, ui_url: str) -> None:
    shared = {**_fleet(), "uid": "shared", "title": "Shared", "panels": [], "templating": {"list": []}}
    shared["panels"] = [_panel(number, "text", f"Text {number}", "") for number in (1, 3)]
    _keep(ui_url, shared)
    watched = open_page("/d/shared/shared?edit=1")
    page = watched.page
    expect(page.get_by_role("region", name="Text 3")).to_be_visible()
    # Down past its neighbour, back again by a key, and down once more.
    for key, changes in (("ArrowDown", 1), ("Control+z", 0), ("ArrowDown", 1)):
        page.get_by_role("button", name="Move Text 1").press(key)
        expect(page.get_by_role("button", name=f"Save ({changes})" if changes else "Save")).to_be_visible()
    # Somebody else gives it another title.
    _keep(ui_url, {**shared, "title": "Shared by two"})
    page.get_by_role("button", name="Save (1)").click()
    saving = page.get_by_role("dialog", name="Save")
    saving.get_by_role("button", name="Save", exact=True).click()
    expect(saving.get_by_text("Somebody saved this dashboard meanwhile.")).to_be_visible()
    watched.forget("status of 409")
    saving.get_by_role("button", name="Save on top of it").click()
    expect(page.get_by_text(re.compile(r"Version \d+ is saved"))).to_be_visible()
    after = _document(ui_url, "shared")
    places = {panel["title"]: panel["gridPos"]["y"] for panel in after["panels"]}
    assert (after["title"], places["Text 1"] > places["Text 3"]) == ("Shared by two", True)


def test_a_folder_says_who_may_what_and_what_lies_in_it_is_played(open_page: Open, ui_url: str) -> None:
    _send(ui_url, "folders", {"title": "Team", "uid": "team"})
    for name in ("one", "two"):
        _send(ui_url, "dashboards", {"title": f"Board {name}", "uid": f"board-{name}", "folder": "team"})
    page = open_page("/dashboards?folder=team").page
    page.get_by_role("button", name="Folder", exact=True).click()
    drawer = page.get_by_role("dialog")
    drawer.get_by_role("button", name="Add somebody").click()
    drawer.get_by_role("combobox", name="Who").fill("role:editor")
    page.keyboard.press("Enter")
    drawer.get_by_role("combobox", name="May").fill("change")
    page.keyboard.press("Enter")
    assert violations(page, drawer) == []
    drawer.get_by_role("button", name="Save").click()
    expect(page.get_by_role("button", name="Folder, restricted")).to_be_visible()
    with urllib.request.urlopen(f"{ui_url}/api/pharos/folders/team/permissions", timeout=60) as answer:
        assert json.load(answer)["data"]["entries"] == [{"subject": "role:editor", "permission": "edit"}]
    page.get_by_role("button", name="Play").click()
    drawer.get_by_role("button", name="Play").click()
    expect(page.get_by_role("heading", name="Board one")).to_be_visible()
    bar = page.get_by_role("toolbar", name="Playlist")
    expect(bar).to_contain_text("1 of 2")
    bar.get_by_role("button", name="The next one").click()
    expect(page.get_by_role("heading", name="Board two")).to_be_visible()
    played = page.url
    bar.get_by_role("button", name="End the playlist").click()
    expect(page.get_by_role("heading", name="Dashboards")).to_be_visible()
    page.goto(played)
    expect(bar).to_contain_text("2 of 2")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("heading", name="Board one")).to_be_visible()
    page.keyboard.press(" ")
    expect(bar.get_by_role("button", name="Paused")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("heading", name="Board two")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"/d/board-two/(?!.*playlist)"))
    expect(page.get_by_role("navigation").first).to_be_visible()


def test_what_is_pasted_is_looked_at_before_it_is_kept(open_page: Open) -> None:
    page = open_page("/dashboards").page
    page.get_by_role("button", name="Import").click()
    row = {"panels": [_panel(1, "graph", "Load", "up")]}
    old = {"title": "Old", "rows": [row], "schemaVersion": 12, "time": {"from": "now-5m", "to": "now"}}
    page.get_by_label("The dashboard's JSON").fill(json.dumps(old))
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_role("list", name="Report")).to_contain_text("shown as timeseries")
    page.get_by_role("dialog").get_by_role("button", name="Import").click()
    expect(page.get_by_role("heading", name="Old")).to_be_visible()
    expect(page.get_by_role("region", name="Load").get_by_role("img")).to_be_visible()
    assert violations(page) == []


def test_a_snapshot_shows_without_asking_anew(open_page: Open) -> None:
    page = open_page("/d/fleet/fleet").page
    page.get_by_role("button", name="Share").click()
    page.get_by_role("tab", name="Snapshot").click()
    page.get_by_role("button", name="Take a snapshot").click()
    link = page.get_by_role("textbox", name="Link").input_value()
    shared = open_page(link).page
    expect(shared.get_by_role("heading", name="Fleet")).to_be_visible()
    expect(shared.get_by_role("region", name="Queue")).to_contain_text("Mil")
    expect(shared.get_by_role("button", name="Edit")).to_have_count(0)


def test_a_dashboard_that_is_not_there_says_so(open_page: Open) -> None:
    watched = open_page("/d/none/none")
    expect(watched.page.get_by_text("There is no dashboard “none”")).to_be_visible()
    watched.forget("404")
