"""Versions on their page: how rollouts stand, runs begun and ended, two groups compared."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect
from tests.process import Server
from tests.ui.conftest import HOSTILE, Visit, send, violations
from tests.versions.services import Traffic, ask, send_spans, wait_until

SECONDS = 120.0
SPANS = '{ resource.service.name = "shop" && resource.service.version = "{{.group}}" }'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a rollout that failed, one that goes on, and one that has not begun."""
    found = Server(tmp_path_factory.mktemp("versions") / "store")
    began = time.time() - SECONDS
    for version, share, slower in (("1.0", 60.0, 1.0), ("1.1", 40.0, 1.3)):
        send_spans(found.url, Traffic("shop", version, began, SECONDS, share, slower))
    gates = [{"name": HOSTILE, "query": "vector(1) > 2"}]
    for name, more in (
        ("shop", {"stages": [25, 50, 100]}),
        ("held", {"stages": [0, 100], "gates": gates}),
        ("later", {}),
    ):
        send(found, "PUT", f"/api/v1/rollouts/{name}", {"rollout": {"spans": SPANS, **more}})
    shop: dict[str, Any] = {"baseline": "1.0", "canary": "1.1", "since": f"{began:.3f}"}
    send(found, "POST", "/api/v1/rollouts/held/start", {**shop, "canary": HOSTILE})
    send(found, "POST", "/api/v1/rollouts/shop/start", shop)
    send(found, "POST", "/api/v1/rollouts/shop/end", {"reason": "not yet"})
    send(found, "POST", "/api/v1/rollouts/shop/start", shop)
    path = "/api/v1/rollouts/shop"
    wait_until(lambda: ask(found.url, "GET", path)[1]["run"]["phase"], lambda phase: phase == "failed")
    yield found
    assert found.stop() == 0, found.log.read_text()


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1440), ("light", 390)])
def test_pages_of_versions_are_whole_and_accessible(visit: Visit, scheme: str, width: int) -> None:
    for path in ("/versions", "/versions?rollout=shop", "/versions?view=compare"):
        page = visit(path, width=width, scheme=scheme)
        expect(page.get_by_role("heading", name="Versions")).to_be_attached()
        expect(page.locator("[aria-label$=': loading']")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == [], path


def test_what_failed_comes_first_with_its_effect_and_is_dealt_with(visit: Visit) -> None:
    page = visit("/versions")
    cards = page.get_by_role("main").get_by_role("region")
    expect(cards.first).to_have_attribute("aria-label", "Rollout shop")
    expect(cards.first).to_contain_text("it is slower by")
    expect(cards.first.get_by_role("img", name="Latency of shop: +")).to_be_visible()
    expect(page.get_by_role("region", name="Rollout held")).to_contain_text("closed")
    expect(page.get_by_role("region", name="Rollout later")).to_contain_text("no run yet")
    cards.first.get_by_role("button", name="Details").click()
    drawer = page.get_by_role("dialog", name="shop")
    expect(drawer.get_by_role("region", name="Stages so far")).to_contain_text("25 % fail")
    expect(drawer.get_by_role("region", name="Runs before")).to_contain_text("ended")
    drawer.get_by_role("button", name="It is dealt with").click()
    page.get_by_role("dialog", name="End the run").get_by_role("button", name="End it").click()
    expect(drawer.get_by_role("button", name="It is dealt with")).to_have_count(0)


def test_a_run_is_begun_and_what_the_server_refuses_is_told(visit: Visit) -> None:
    page = visit("/versions?rollout=later")
    drawer = page.get_by_role("dialog", name="later")
    drawer.get_by_role("button", name="Begin a run").click()
    form = page.get_by_role("dialog", name="Begin a run")
    form.get_by_label("New version").fill("2.0")
    form.get_by_role("button", name="Begin", exact=True).click()
    expect(form.get_by_role("alert")).to_contain_text("must be two versions")
    form.get_by_label("Version that runs").fill("1.1")
    form.get_by_role("button", name="Begin", exact=True).click()
    expect(drawer).to_contain_text("running")


def test_two_groups_are_compared(visit: Visit) -> None:
    page = visit("/versions?view=compare&first=1.0&second=1.1")
    page.get_by_role("button", name="Compare").click()
    grid = page.get_by_role("table", name="Differences")
    expect(grid.get_by_role("row").nth(1)).to_contain_text("fail")
    expect(grid.get_by_role("img", name="requests: +")).to_have_count(1)
    page.get_by_label("Query").fill("{")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("alert")).to_contain_text("spans")
