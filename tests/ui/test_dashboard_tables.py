"""Tables of dashboards in the browser: groups that open, pages, heights and widths."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect
from tests.ui.conftest import Watched, violations

Open = Callable[..., Watched]
PROMETHEUS = {"type": "prometheus", "uid": "prometheus"}


def _table(title: str, expr: str, **more: Any) -> dict[str, Any]:
    target = {"refId": "A", "expr": expr, "datasource": PROMETHEUS, "format": "table", "instant": True}
    return {
        "id": 1,
        "type": "table",
        "title": title,
        "gridPos": {"x": 0, "y": 0, "w": 12, "h": 7},
        "targets": [target],
        **more,
    }


def _keep(url: str, uid: str, panel: dict[str, Any]) -> None:
    document = {"uid": uid, "title": uid, "schemaVersion": 42, "panels": [panel]}
    body = json.dumps({"document": document, "overwrite": True}).encode()
    request = urllib.request.Request(
        f"{url}/api/pharos/dashboards_import", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status < 300


def test_the_rows_of_a_group_are_opened_below_it(open_page: Open, ui_url: str) -> None:
    rows = {"operation": "groupby", "aggregations": []}
    count = {"operation": "aggregate", "aggregations": ["count"]}
    panel = _table(
        "Groups",
        'label_replace(label_replace(vector(1), "team", "a", "", ""), "host", "x", "", "")'
        ' or label_replace(label_replace(vector(2), "team", "b", "", ""), "host", "y", "", "")'
        ' or label_replace(label_replace(vector(3), "team", "a", "", ""), "host", "z", "", "")',
        transformations=[
            {"id": "groupToNestedTable", "options": {"fields": {"team": rows, "Value": count}}},
        ],
    )
    _keep(ui_url, "groups", panel)
    page = open_page("/d/groups/groups").page
    groups = page.get_by_role("table", name="Groups")
    expect(groups.get_by_role("row")).to_have_count(3)
    first = groups.get_by_role("button", name="Rows of group 1")
    expect(first).to_have_attribute("aria-expanded", "false")
    first.press("Enter")
    inner = groups.get_by_role("table", name="Rows of group 1")
    expect(inner.get_by_role("cell").filter(has_text=re.compile("^[xz]$"))).to_have_text(["x", "z"])
    assert violations(page) == []
    # The head stands above the rows, and the next group below what was opened.
    below = "(one) => one.getBoundingClientRect().top"
    head = inner.get_by_role("columnheader").first.evaluate("(one) => one.getBoundingClientRect().bottom")
    assert inner.get_by_role("cell").first.evaluate(below) >= head - 1
    second = groups.get_by_role("button", name="Rows of group 2")
    assert second.evaluate(below) >= inner.evaluate("(one) => one.getBoundingClientRect().bottom")
    first.click()
    expect(inner).to_have_count(0)


def test_a_table_has_pages_and_rows_as_high_as_its_author_said(open_page: Open, ui_url: str) -> None:
    paged = _table(
        "Paged",
        'label_replace(vector(1), "number", "1", "", "")'
        + "".join(f' or label_replace(vector({n}), "number", "{n}", "", "")' for n in range(2, 10)),
        options={"cellHeight": "lg", "enablePagination": True},
        fieldConfig={"defaults": {"custom": {"minWidth": 400}}, "overrides": []},
        transformations=[{"id": "organize", "options": {"excludeByName": {"Time": True}}}],
    )
    _keep(ui_url, "paged", paged)
    page = open_page("/d/paged/paged").page
    region = page.get_by_role("region", name="Paged")
    table = region.get_by_role("table", name="Paged")
    numbers = table.locator("[role=cell]:first-child")
    expect(region.get_by_role("status")).to_have_text(re.compile("^1 to \\d of 9$"))
    first = numbers.all_inner_texts()
    row = table.get_by_role("row").nth(1)
    assert row.evaluate("(one) => one.getBoundingClientRect().height") == 44
    # Two columns of 400 have no room in half of the page: they keep their width, and the table scrolls.
    assert row.evaluate("(one) => one.getBoundingClientRect().width") > 760
    before, after = (region.get_by_role("button", name=f"Rows {which}") for which in ("before", "after"))
    expect(before).to_be_disabled()
    seen = list(first)
    while after.is_enabled():
        after.click()
        expect(numbers.first).not_to_have_text(seen[-len(first)])
        seen += numbers.all_inner_texts()
    assert sorted(seen) == [str(n) for n in range(1, 10)]
    assert violations(page) == []
    while before.is_enabled():
        before.click()
    # All rows are put in order, and not those of a page alone.
    head = table.get_by_role("columnheader").first.get_by_role("button")
    head.click()
    expect(numbers.first).to_have_text("1")
    head.click()
    expect(numbers.first).to_have_text("9")
