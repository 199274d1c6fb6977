"""Automatic responses on their pages: actions are made after a dry run, what waits is approved with a look at
what it is of, and what the server refuses stands at its field.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from tests.process import Server
from tests.ui.conftest import HOSTILE, Visit, kept, send, violations


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with an alert, and an action that waits for somebody to approve it."""
    folder = tmp_path_factory.mktemp("responses")
    (folder / "alertmanager.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    found = Server(folder / "store", "--alertmanager-config", str(folder / "alertmanager.yml"))
    action = {
        "matchers": ["alertname=QueueLong"],
        "webhook": {"url": "http://127.0.0.1:9/scale"},
        "evidence": ["vector(7)"],
        "approval": True,
        "description": HOSTILE,
    }
    send(found, "PUT", "/api/alerting/actions/scale-out", {"action": action, "reason": "first"})
    send(found, "POST", "/api/v2/alerts", [{"labels": {"alertname": "QueueLong", "odd": HOSTILE}}])
    yield found
    assert found.stop() == 0, found.log.read_text()


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1280), ("light", 390)])
def test_pages_of_responses_are_whole_and_accessible(visit: Visit, scheme: str, width: int) -> None:
    for path in ("/responses", "/responses?view=actions", "/responses?view=actions&edit=scale-out"):
        page = visit(path, width=width, scheme=scheme)
        expect(page.get_by_text("scale-out").first).to_be_attached()
        expect(page.locator("[aria-label$=': loading']")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == [], path


def test_an_alert_says_what_waits_for_whom_and_leads_to_it(server: Server, visit: Visit) -> None:
    [waits] = kept(server, "/api/alerting/responses?status=waiting")
    page = visit(f"/alert?id={waits['fingerprint']}", width=390)
    expect(page.get_by_text("The action scale-out waits for approval.")).to_be_visible()
    expect(page.get_by_text("the action scale-out waits for approval", exact=True)).to_be_visible()
    page.get_by_role("link", name="Look at it").click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_role("region", name="Evidence from before")).to_contain_text("vector(7)")
    expect(drawer.get_by_role("button", name="Approve")).to_be_enabled()


def test_what_waits_is_rejected_with_a_reason(visit: Visit) -> None:
    page = visit("/responses")
    expect(page.get_by_text("1 waits for approval")).to_be_visible()
    page.get_by_role("grid", name="Responses").get_by_text("QueueLong").click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_role("region", name="Evidence from before")).to_be_visible()
    drawer.get_by_label("Reason").fill("not while we sell")
    drawer.get_by_role("button", name="Reject").click()
    expect(page.get_by_text("It is rejected")).to_be_visible()
    expect(page.get_by_role("grid", name="Responses")).to_contain_text("rejected")


def test_an_action_is_made_after_a_dry_run(visit: Visit) -> None:
    page = visit("/responses?view=actions&new=")
    page.get_by_label("Name").fill("tell-ops")
    page.get_by_label("Value 1 of upon alerts with").fill("QueueLong")
    page.get_by_label("Address").fill("https://ops.example.org/scale")
    page.get_by_role("button", name="Add a field").click()
    page.get_by_label("Name of field 1").fill("queue")
    page.get_by_label("Value of field 1").fill("${alertname}")
    page.get_by_role("button", name="Dry run").click()
    outcome = page.get_by_role("region", name="What it would do")
    expect(outcome).to_contain_text("it answers this")
    expect(outcome).to_contain_text('{"queue":"QueueLong"}')
    page.get_by_label("Not again within").fill("a while")
    page.get_by_role("button", name="Make the action").click()
    expect(page.get_by_label("Not again within")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Not again within").fill("10m")
    page.get_by_role("button", name="Make the action").click()
    expect(page.get_by_role("table", name="Actions")).to_contain_text("tell-ops")


def test_responses_that_cannot_be_read_are_said_to_be(visit: Visit) -> None:
    page = visit("/responses", fails="**/api/alerting/responses")
    expect(page.get_by_role("alert")).to_contain_text("The responses cannot be read: not now")
