"""Rules and receivers on their pages: rules are made, tried over what is stored, looked at, kept; receivers
are tested, alerts routed by their labels, the configuration is checked before it is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Route, expect
from tests.process import Server
from tests.ui.conftest import HOSTILE, Visit, kept

RULES = {
    "groups": [
        {
            "name": "provisioned",
            "interval": "1s",
            "rules": [
                {
                    "alert": "Always",
                    "expr": "vector(1) > 0",
                    "labels": {"severity": "critical", "odd": HOSTILE},
                    "annotations": {"summary": HOSTILE},
                },
                {"record": "always:one", "expr": "vector(1)"},
            ],
        }
    ]
}
ROUTING = {
    "route": {
        "receiver": "team",
        "group_wait": "1s",
        "routes": [{"receiver": HOSTILE, "matchers": ['severity="critical"']}],
    },
    "receivers": [
        {"name": "team", "webhook_configs": [{"url": "http://127.0.0.1:9/x"}]},
        {"name": HOSTILE, "webhook_configs": [{"url": "http://127.0.0.1:9/x"}]},
    ],
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a file of rules and an alertmanager.yml, whose receivers are not there."""
    folder = tmp_path_factory.mktemp("rules")
    for name, content in (("rules.yml", RULES), ("alertmanager.yml", ROUTING)):
        (folder / name).write_text(json.dumps(content))
    settings = {"alertmanager": str(folder / "alertmanager.yml"), "rules": [str(folder / "rules.yml")]}
    (folder / "pharos.yml").write_text(json.dumps(settings))
    found = Server(folder / "store", "--config", str(folder / "pharos.yml"))
    yield found
    assert found.stop() == 0, found.log.read_text()


def test_a_group_is_made_tried_looked_at_and_kept(visit: Visit, server: Server) -> None:
    page = visit("/rules")
    page.get_by_role("button", name="New group").click()
    page.get_by_label("Group", exact=True).fill("checkout")
    page.get_by_label("Alert", exact=True).fill("Slow")
    # What it answers now stands below it while it is written.
    page.get_by_label("PromQL expression").fill("sum(up")
    expect(page.get_by_text("unclosed left parenthesis")).to_be_visible()
    page.get_by_label("PromQL expression").fill("no_such_metric > 1")
    expect(page.get_by_text("no series is called so")).to_be_visible()
    page.get_by_label("PromQL expression").fill("vector(2) > 1")
    expect(page.get_by_text("Now it holds for 1 of 1 series")).to_be_visible()
    page.get_by_label("For", exact=True).fill("")
    page.get_by_role("button", name="Try on the last 7 days").click()
    expect(page.get_by_role("region", name="What it would have done")).to_contain_text(
        "It would have fired once"
    )
    page.get_by_role("button", name="Look at the change").click()
    expect(page.get_by_label("The change")).to_contain_text("alert: Slow")
    page.get_by_label("Reason").fill("the shop is slow")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("The group is made: it is evaluated every 1m")).to_be_visible()
    expect(page.get_by_role("grid", name="Rules").get_by_text("Slow")).to_be_visible()
    versions = kept(server, "/api/alerting/rules/own/checkout/versions")
    assert versions[0]["reason"] == "the shop is slow"


def test_a_rule_of_a_file_leads_to_the_change_to_commit(visit: Visit) -> None:
    page = visit("/rules?filter=always")
    page.get_by_role("grid", name="Rules").get_by_text("Always", exact=True).click()
    expect(page.get_by_role("dialog").get_by_role("link", name="Always")).to_be_visible()
    page.get_by_role("button", name="Edit the group").click()
    page.get_by_label("For", exact=True).fill("7m")
    page.get_by_role("button", name="Show the change").click()
    expect(page.get_by_label("The change of the file")).to_contain_text("for: 7m")


def test_a_receiver_is_tested_and_its_answer_shown(visit: Visit) -> None:
    page = visit("/receivers")
    page.get_by_role("button", name="Test team webhook[0]").click()
    outcome = page.get_by_role("region", name="What came of the test")
    expect(outcome).to_contain_text("not delivered")
    expect(outcome).to_contain_text("refused")


def test_labels_lead_to_a_receiver(visit: Visit) -> None:
    page = visit("/receivers?view=routing")
    page.get_by_label("Labels of an alert").fill('severity="critical", alertname=Down')
    expect(page.get_by_role("region", name=f"To {HOSTILE}")).to_contain_text("webhook[0]")
    assert "labels=" in page.url
    page.get_by_label("Labels of an alert").fill("severity~critical")
    expect(page.get_by_role("alert")).to_contain_text("is no label")


def test_a_configuration_is_checked_before_it_is_kept(visit: Visit) -> None:
    page = visit("/receivers?view=configuration")
    text = page.get_by_role("textbox", name="alertmanager.yml")
    save = page.get_by_role("button", name="Save", exact=True)
    text.fill("route: {receiver: gone}\nreceivers: [{name: here}]\n")
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("gone")
    expect(save).to_be_disabled()
    text.fill("route: {receiver: here}\nreceivers: [{name: here}]\n")
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_label("Reason").fill("our own")
    save.click()
    expect(page.get_by_text("own configuration, version 1")).to_contain_text("our own")
    page.get_by_role("button", name="Go by the server").click()
    page.get_by_role("dialog").get_by_role("button", name="Go by the server").click()
    expect(page.get_by_text("The server’s own configuration counts,")).to_be_visible()


def test_an_alert_is_made_of_what_a_graph_shows(visit: Visit) -> None:
    page = visit("/explore?q0=vector(41)")
    page.get_by_role("link", name="Make an alert").click()
    form = page.get_by_role("dialog", name="New group of rules")
    expect(form.get_by_label("Group")).to_be_focused()
    expect(form.locator(".cm-content")).to_have_text("vector(41)")
    page.keyboard.press("Escape")
    expect(form).to_have_count(0)
    assert "vector" not in page.url


def test_what_was_typed_in_a_form_is_not_lost_to_a_key_or_a_click(visit: Visit) -> None:
    page = visit("/rules?new=")
    form = page.get_by_role("dialog", name="New group of rules")
    question = page.get_by_role("dialog", name="Discard what you changed?")
    group = form.get_by_label("Group")
    expect(group).to_be_focused()
    page.keyboard.type("checkout")
    page.keyboard.press("Escape")
    expect(question.get_by_role("button", name="Go on editing")).to_be_focused()
    page.keyboard.press("Escape")
    expect(question).to_have_count(0)
    expect(group).to_have_value("checkout")
    expect(group).to_be_focused()
    # Escape ends what the editor offers before it is heard by the form.
    form.locator(".cm-content").click()
    page.keyboard.type("rat", delay=20)
    expect(page.locator(".cm-tooltip-autocomplete")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".cm-tooltip-autocomplete")).to_have_count(0)
    expect(question).to_have_count(0)
    page.mouse.click(20, 600)
    question.get_by_role("button", name="Discard").click()
    expect(form).to_have_count(0)


def test_a_form_that_holds_what_it_began_with_closes_at_once(visit: Visit) -> None:
    page = visit("/rules?new=")
    form = page.get_by_role("dialog", name="New group of rules")
    expect(form.get_by_label("Group")).to_be_focused()
    page.keyboard.type("a")
    page.keyboard.press("Backspace")
    page.keyboard.press("Escape")
    expect(form).to_have_count(0)


def test_an_editor_that_comes_late_is_no_change_to_its_form(visit: Visit) -> None:
    page = visit("/rules")
    held: list[Route] = []
    page.route("**/assets/Editor-*.js", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks it
    page.get_by_role("button", name="New group").click()
    form = page.get_by_role("dialog", name="New group of rules")
    expect(form.get_by_label("Group")).to_be_focused()
    page.keyboard.type("a")
    page.keyboard.press("Backspace")
    expect(form.locator(".cm-content")).to_have_count(0)
    held.pop().continue_()
    expect(form.locator(".cm-content")).to_be_visible()
    expect(form.get_by_label("Group")).to_be_focused()
    page.keyboard.press("Escape")
    expect(form).to_have_count(0)


def test_a_condition_that_is_deleted_is_not_kept_by_its_form(visit: Visit) -> None:
    page = visit("/rules?new=condition")
    page.get_by_label("Name").fill("Flow latency")
    page.get_by_role("textbox", name="Metric").fill("flow_latency")
    page.get_by_label("than, or as").fill("5")
    page.get_by_role("button", name="Make the condition").click()
    expect(page.get_by_text("The condition is made")).to_be_visible()
    page.get_by_role("grid", name="Rules").get_by_text("Flow latency").click()
    page.get_by_role("button", name="Edit the group").click()
    page.get_by_role("button", name="Delete the condition").click()
    sent: list[str] = []
    page.on("request", lambda one: sent.append(one.method) if one.method in {"POST", "DELETE"} else None)
    page.get_by_role("dialog", name="Delete this condition?").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("The condition is gone")).to_be_visible()
    assert sent == ["DELETE"]
