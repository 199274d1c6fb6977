"""What holds pages back beside silences: maintenance windows and dependencies are made with a look at what
they hold back, changed, compared with what they were, restored, and taken away.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from tests.process import Server
from tests.ui.conftest import HOSTILE, Visit, kept, send, violations

ALERTS = [
    {"labels": {"alertname": "RouterDown", "site": "s1", "severity": "critical"}},
    {"labels": {"alertname": "ServiceDown", "job": "api", "site": "s1"}},
    {"labels": {"alertname": "ServiceDown", "job": "db", "site": "s2"}},
]
WINDOWS = "/silences?view=maintenance"
DEPENDENCIES = "/silences?view=dependencies"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server to which alerts of a router and of what is behind it were posted."""
    folder = tmp_path_factory.mktemp("held")
    (folder / "alertmanager.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    settings = {"alertmanager": str(folder / "alertmanager.yml"), "private_receivers": True}
    (folder / "pharos.yml").write_text(json.dumps(settings))
    found = Server(folder / "store", "--config", str(folder / "pharos.yml"))
    send(found, "POST", "/api/v2/alerts", ALERTS)
    yield found
    assert found.stop() == 0, found.log.read_text()


def test_nothing_yet_says_what_it_would_be_for(visit: Visit) -> None:
    expect(visit(WINDOWS).get_by_text("No maintenance is planned")).to_be_visible()
    expect(visit(DEPENDENCIES).get_by_text("Nothing depends on anything yet")).to_be_visible()


def test_a_window_is_made_with_a_look_at_what_it_holds_back(visit: Visit, server: Server) -> None:
    page = visit(WINDOWS)
    page.get_by_role("button", name="New maintenance window").first.click()
    page.get_by_label("Name").fill("database")
    page.get_by_label("Starts").fill("2026-01-05T22:00")
    page.get_by_label("Ends").fill("2026-01-06T02:00")
    page.get_by_role("combobox", name="Repeats").click()
    page.get_by_role("option", name="weekly").click()
    page.get_by_label("Sat", exact=True).check()
    page.get_by_role("combobox", name="Label 1").fill("job")
    page.get_by_label("Value 1").fill("db")
    expect(page.get_by_role("region", name="What it hides")).to_contain_text("1 alert that there are now")
    expect(page.get_by_role("region", name="When it is")).to_contain_text("22:00:00")
    page.get_by_label("Reason").fill("Updates of the database")
    page.get_by_role("button", name="Make the window").click()
    expect(page.get_by_role("table", name="Maintenance windows")).to_contain_text("every week on Saturday")
    expect(page.get_by_role("region", name="Calendar of the next weeks")).to_contain_text("database")
    (made,) = kept(server, "/api/alerting/maintenance")
    assert made["repeats"] == "FREQ=WEEKLY;BYDAY=SA"
    assert made["matchers"] == ['job="db"']


def test_what_the_server_refuses_stands_at_its_field(visit: Visit) -> None:
    page = visit(f"{WINDOWS}&new=")
    page.get_by_role("combobox", name="Label 1").fill("job")
    page.get_by_label("Value 1").fill("db")
    page.get_by_label("Ends").fill("2020-01-05T22:00")
    expect(page.get_by_role("alert")).to_contain_text("it ends after it starts")
    page.get_by_label("Starts").fill("2020-01-04T22:00")
    page.get_by_role("combobox", name="Repeats").click()
    page.get_by_role("option", name="by a rule of recurrence").click()
    page.get_by_label("Rule").fill("FREQ=SECONDLY")
    expect(page.get_by_label("Rule")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Rule").fill("FREQ=DAILY")
    expect(page.get_by_label("Rule")).to_have_attribute("aria-invalid", "false")


def test_a_window_is_changed_compared_restored_and_deleted(visit: Visit, server: Server) -> None:
    window = {"matchers": ['job="api"'], "reason": "first", "zone": "UTC"}
    for ends in ("2026-03-01T02:00", "2026-03-01T04:00"):
        send(
            server,
            "PUT",
            "/api/alerting/maintenance/power",
            {**window, "starts": "2026-03-01T00:00", "ends": ends},
        )
    page = visit(WINDOWS)
    page.get_by_role("button", name="Change power").click()
    page.get_by_label("Reason").fill("the power again")
    page.get_by_role("button", name="Change the window").click()
    expect(page.get_by_text("The window is changed")).to_be_visible()
    page.get_by_role("button", name="Versions of power").click()
    page.get_by_label("To version 1").check()
    page.get_by_role("button", name="Restore version 1").click()
    expect(page.get_by_label("What restoring changes")).to_contain_text("2026-03-01T02:00")
    page.get_by_role("button", name="Restore", exact=True).click()
    expect(page.get_by_text("Version 1 counts again")).to_be_visible()
    found = kept(server, "/api/alerting/maintenance/power/versions")
    assert found[0]["version"] == 4
    assert found[0]["definition"] == found[3]["definition"]
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Delete power").click()
    page.get_by_role("button", name="Delete the window").click()
    expect(page.get_by_text("The window is gone")).to_be_visible()


def test_a_dependency_is_made_with_a_look_at_who_is_held_back(visit: Visit, server: Server) -> None:
    page = visit(DEPENDENCIES)
    page.get_by_role("button", name="New dependency").first.click()
    page.get_by_label("Name").fill("routers")
    page.get_by_label("Value 1 of while these fire").fill("RouterDown")
    page.get_by_label("Value 1 of nobody is told of these").fill("ServiceDown")
    held = page.get_by_role("region", name="What it hides")
    expect(held).to_contain_text("2 alerts")
    page.get_by_role("combobox", name="Where both share").fill("site")
    page.get_by_role("combobox", name="Where both share").press("Enter")
    expect(held).to_contain_text("1 alert")
    page.get_by_role("button", name="Make the dependency").click()
    expect(page.get_by_role("table", name="Dependencies")).to_contain_text("routers")
    (made,) = kept(server, "/api/alerting/dependencies")
    assert made["equal"] == ["site"]
    page.get_by_role("button", name="Delete routers").click()
    page.get_by_role("button", name="Delete the dependency").click()
    expect(page.get_by_text("The dependency is gone")).to_be_visible()


def test_the_routing_tester_names_the_alert_that_holds_others_back(visit: Visit, server: Server) -> None:
    sides = {"parent": ['alertname="RouterDown"'], "child": ['job="api"'], "equal": ["site"]}
    send(server, "PUT", "/api/alerting/dependencies/routers", {**sides, "reason": "they are behind it"})
    page = visit("/receivers?view=routing&labels=alertname%3DServiceDown%2Cjob%3Dapi%2Csite%3Ds1")
    way = page.get_by_role("region", name="To nobody")
    expect(way).to_contain_text("held back")
    expect(way).to_contain_text('severity="critical"site="s1"')
    way.get_by_role("link", name="RouterDown").click()
    expect(page.get_by_role("heading", name="RouterDown").first).to_be_visible()
    send(server, "DELETE", "/api/alerting/dependencies/routers", None)


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1280), ("light", 390)])
def test_pages_of_what_is_held_back_are_whole_and_accessible(
    visit: Visit, server: Server, scheme: str, width: int
) -> None:
    starts = {"starts": "2026-01-01T00:00", "ends": "2026-01-02T00:00", "repeats": "FREQ=DAILY"}
    send(
        server,
        "PUT",
        "/api/alerting/maintenance/odd",
        {**starts, "matchers": [f"a={json.dumps(HOSTILE)}"], "reason": HOSTILE},
    )
    sides = {"parent": ['alertname="RouterDown"'], "child": [f"a={json.dumps(HOSTILE)}"]}
    send(server, "PUT", "/api/alerting/dependencies/odd", {**sides, "reason": HOSTILE})
    for path in (
        WINDOWS,
        f"{WINDOWS}&edit=odd",
        f"{WINDOWS}&history=odd",
        DEPENDENCIES,
        f"{DEPENDENCIES}&edit=odd",
    ):
        page = visit(path, width=width, scheme=scheme)
        expect(page.locator("h1")).to_be_visible()
        expect(page.get_by_text("odd").first).to_be_attached()
        expect(page.locator("[aria-label$=': loading']")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        over = [page.get_by_role("dialog")] if "&" in path else []
        assert violations(page, *over) == [], path


def test_what_a_window_says_and_what_can_be_done_with_it_is_not_cut_off(visit: Visit, server: Server) -> None:
    starts = {"starts": "2026-01-01T00:00", "ends": "2026-01-02T00:00", "repeats": "FREQ=WEEKLY;BYDAY=SA"}
    matchers = ['job="api"', 'namespace=~"one-that-is-long|another-one-that-is-long"']
    long = {**starts, "matchers": matchers, "reason": "many words " * 9}
    send(server, "PUT", "/api/alerting/maintenance/long", long)
    page = visit(WINDOWS, width=1440)
    button = page.get_by_role("button", name="Delete long")
    expect(button).to_be_visible()
    # Its whole width is within what the table shows.
    shown = page.get_by_role("table", name="Maintenance windows").bounding_box()
    box = button.bounding_box()
    assert shown is not None
    assert box is not None
    assert box["x"] + box["width"] <= shown["x"] + shown["width"]
    page = visit(f"{WINDOWS}&edit=long", width=390)
    expect(page.get_by_label("Starts")).to_be_visible()
    for name in ("Starts", "Ends"):
        assert page.get_by_label(name).evaluate("(one) => one.scrollWidth <= one.clientWidth"), name
    value = page.get_by_label("Value 2", exact=True).first.bounding_box()
    label = page.get_by_role("combobox", name="Label 2").bounding_box()
    assert value is not None
    assert label is not None
    assert value["y"] >= label["y"] + label["height"]


def test_windows_that_cannot_be_read_are_said_to_be(visit: Visit) -> None:
    page = visit(WINDOWS, fails="**/api/alerting/maintenance")
    expect(page.get_by_role("alert")).to_contain_text("The maintenance windows cannot be read: not now")
    page = visit(DEPENDENCIES, fails="**/api/alerting/dependencies")
    expect(page.get_by_role("alert")).to_contain_text("The dependencies cannot be read: not now")


def test_who_tells_nobody_yet_begins_with_a_receiver_that_is_good_as_it_stands(visit: Visit) -> None:
    page = visit("/receivers")
    page.get_by_role("button", name="Add a receiver").click()
    page.get_by_role("dialog").get_by_role("link", name="Write it as text").click()
    for name in ("Slack", "E-mail", "PagerDuty", "Webhook"):
        page.get_by_role("group", name="Begin with").get_by_role("button", name=name).click()
        page.get_by_role("button", name="Check").click()
        expect(page.get_by_text("It is good, with 1 receiver.")).to_be_visible()


def test_the_first_receiver_is_kept_and_tested_by_one_form(visit: Visit, server: Server) -> None:
    page = visit("/receivers")
    page.get_by_role("button", name="Add a receiver").click()
    form = page.get_by_role("dialog")
    form.get_by_label("By", exact=True).click()
    page.get_by_role("option", name="Webhook").click()
    form.get_by_label("Name").fill("ops: all #1")
    form.get_by_label("Address").fill("not an address")
    form.get_by_role("button", name="Save and test").click()
    expect(form.get_by_role("alert")).to_contain_text("a URL must begin with http:// or https://")
    form.get_by_label("Address").fill(f"{server.url}/nothing-here")
    form.get_by_role("button", name="Save and test").click()
    expect(form.get_by_role("alert")).to_contain_text("It is kept, but the test was not delivered")
    # What takes any request: a webhook cannot tell it from somebody who is told.
    form.get_by_label("Address").fill(f"{server.url}/api/v1/query?query=1")
    form.get_by_role("button", name="Save and test").click()
    expect(form.get_by_text("All alerts go to ops: all #1 from now on")).to_be_visible()
    form.get_by_role("link", name="Make a rule").click()
    expect(page.get_by_role("dialog", name="New group of rules")).to_be_visible()
    page = visit("/receivers")
    expect(page.get_by_role("table", name="Receivers").get_by_text("ops: all #1")).to_be_visible()
    send(server, "DELETE", "/api/alerting/config", None)
