"""Health on its page: a check is made, tried, looked at; the status page is chosen, announced on, seen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from tests.process import Server
from tests.ui.conftest import HOSTILE, Visit, kept

CHECKS = """\
checks:
- {name: closed, type: tcp, host: 127.0.0.1, port: 1, interval: 1s, fail_after: 1, component: shop}
- {name: behind, type: tcp, host: 127.0.0.1, port: 1, interval: 1s, depends_on: [closed], component: cart}
- {name: fine, type: promql, query: vector(1) > 2, interval: 1s, component: site}
components:
- {name: shop, title: 'TITLE'}
- {name: cart, part_of: shop}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a file of checks, one of which is down."""
    folder = tmp_path_factory.mktemp("health")
    (folder / "checks.yml").write_text(CHECKS.replace("TITLE", HOSTILE))
    (folder / "pharos.yml").write_text("checks: [checks.yml]\n")
    found = Server(folder / "store", "--config", str(folder / "pharos.yml"))
    yield found
    assert found.stop() == 0, found.log.read_text()


def test_a_check_is_made_tried_and_looked_at(visit: Visit, server: Server) -> None:
    page = visit("/health")
    grid = page.get_by_role("grid", name="Checks")
    expect(grid.get_by_text("cannot reach 127.0.0.1:1: connection refused").first).to_be_visible()
    expect(grid.get_by_text("unknown because of closed", exact=False).first).to_be_visible()
    page.get_by_role("button", name="New check").click()
    page.get_by_label("Name").fill("inside")
    page.get_by_label("Address").fill("http://127.0.0.1:1/")
    page.get_by_role("button", name="Test").click()
    expect(page.get_by_role("dialog").get_by_text("is a private address", exact=False)).to_be_visible()
    page.get_by_role("textbox", name="Component").fill("site")
    page.get_by_role("button", name="Make the check").click()
    expect(page.get_by_role("heading", name="inside")).to_be_visible()
    expect(page.get_by_role("list", name="Last looks").get_by_text("Down").first).to_be_visible()
    assert kept(server, "/api/v1/health/checks/inside/versions")[0]["check"]["component"] == "site"
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete the check").click()
    expect(page.get_by_role("heading", name="Health")).to_be_visible()
    expect(grid.get_by_text("inside", exact=True)).to_have_count(0)


def test_components_say_why_they_are_not_healthy(visit: Visit) -> None:
    page = visit("/health?view=components")
    rows = page.get_by_role("list", name="Components").get_by_role("listitem")
    expect(rows.nth(0)).to_contain_text("Down")
    expect(rows.nth(0)).to_contain_text("closed: cannot reach")
    rows.nth(0).get_by_role("link", name="closed").click()
    expect(page.get_by_role("heading", name="closed")).to_be_visible()
    expect(page.get_by_role("button", name="Edit")).to_be_disabled()


def test_the_status_page_is_chosen_announced_on_and_seen(visit: Visit, server: Server) -> None:
    page = visit("/health?view=status")
    page.get_by_label("Title").fill("Acme")
    page.get_by_label("Address").fill("acme")
    page.get_by_role("button", name="Add a component").click()
    page.get_by_label("Its name for everybody").fill(HOSTILE)
    page.get_by_label("Public", exact=False).check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="/status/acme", exact=False).first).to_be_visible()
    page.get_by_role("button", name="New announcement").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Title").fill("Orders are slow")
    dialog.get_by_label("What people should know").fill(HOSTILE)
    dialog.get_by_role("button", name="Announce it").click()
    expect(page.get_by_role("list", name="Announcements").get_by_text("Orders are slow")).to_be_visible()
    page.goto(f"{server.url}/status/acme")
    expect(page.get_by_role("heading", name="Some systems are down")).to_be_visible()
    expect(page.get_by_role("heading", name="Orders are slow")).to_be_visible()
    assert page.evaluate("window.__xss") is None
