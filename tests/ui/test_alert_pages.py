"""Alerts on the pages: seen, taken, silenced with a preview of what that hides, and what happened told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.hook import Hook, hooking
from playwright.sync_api import expect
from tests.process import Server
from tests.ui.conftest import XSS, Visit, send

from pharos.alert import fingerprint
from pharos.labels import labels_of

RUNBOOK = f"""## First steps

1. look at `top`
2. see [the notes](https://example.org/notes), not [these](javascript:window.__xss=1)

{XSS}
"""
STEPS = """Where it is:

- [ ] See what grows
- [ ] Take old logs away: [rotate the logs](action:rotate-logs)
"""
TOO_SMALL = """() => [...document.querySelectorAll('main button, main select')]
    .filter((one) => one.checkVisibility({ visibilityProperty: true }))
    .map((one) => [one.getBoundingClientRect(), one.outerHTML.slice(0, 200)])
    .filter(([box]) => box.width > 1 && Math.min(box.width, box.height) < 24)
    .map(([, text]) => text)"""
"""What a finger misses."""
_CONFIG = """
route:
  receiver: nobody
  group_by: [alertname]
  group_wait: 1s
  routes:
  - {receiver: pager, matchers: [alertname="Lost"]}
  - {receiver: deaf, matchers: [alertname="Unheard"]}
receivers:
  - name: nobody
  - name: pager
    webhook_configs: [{url: "http://127.0.0.1:9/"}]
  - name: deaf
    webhook_configs: [{url: "DEAF"}]
"""


@pytest.fixture(scope="module")
def deaf() -> Iterator[Hook]:
    """A receiver that takes no message before it is told to."""
    with hooking() as hook:
        hook.status = 404
        yield hook


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, deaf: Hook) -> Iterator[Server]:
    """A server to which three alerts were posted, as other servers post them."""
    folder = tmp_path_factory.mktemp("alerts")
    (folder / "alertmanager.yml").write_text(_CONFIG.replace("DEAF", deaf.url))
    found = Server(folder / "store", "--alertmanager-config", str(folder / "alertmanager.yml"))
    send(
        found,
        "POST",
        "/api/v2/alerts",
        [
            _alert("Down", severity="critical", job="api", payload=XSS),
            _alert("Down", severity="critical", job="db"),
            _alert("Slow", severity="warning", job="api", runbook=RUNBOOK),
            _alert("Full", severity="info", job="disk", runbook=STEPS),
        ],
    )
    action = {"matchers": ["alertname=nothing"], "webhook": {"url": "http://127.0.0.1:9/"}}
    send(found, "PUT", "/api/alerting/actions/rotate-logs", {"action": action})
    yield found
    assert found.stop() == 0, found.log.read_text()


def _alert(name: str, *, runbook: str = "", **labels: str) -> dict[str, object]:
    said = {"summary": f"{name} in {labels['job']} {XSS}"}
    return {
        "labels": {"alertname": name, **labels},
        "annotations": {**said, "runbook": runbook} if runbook else said,
    }


def test_alerts_are_seen_the_worst_first_counted_and_found_by_label(visit: Visit) -> None:
    page = visit("/alerts")
    rows = page.get_by_role("grid", name="Alerts").get_by_role("row")
    expect(rows.nth(1)).to_contain_text("Down")
    expect(rows.nth(3)).to_contain_text("Slow")
    expect(page.get_by_role("link", name="Alerts").get_by_text("4")).to_be_visible()
    page.get_by_role("searchbox").fill('job="db"')
    page.get_by_role("searchbox").press("Enter")
    expect(page.get_by_text("1 of 4 rows")).to_be_visible()


def test_an_alert_is_taken_by_keys_alone_and_its_story_says_by_whom(visit: Visit) -> None:
    page = visit("/alerts")
    grid = page.get_by_role("grid", name="Alerts")
    expect(grid.get_by_role("row").nth(3)).to_contain_text("Slow")
    grid.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_role("heading", name="Slow")).to_be_visible()
    page.get_by_role("button", name="Acknowledge").press("Enter")
    expect(page.get_by_label("Comment")).to_be_focused()
    page.keyboard.type("looking at the database")
    page.keyboard.press("Enter")
    expect(page.get_by_text("sees to it since")).to_be_visible()
    expect(page.get_by_role("region", name="What happened, and why")).to_contain_text(
        "looking at the database"
    )
    page.goto("/alerts?view=acknowledged")
    expect(page.get_by_role("grid", name="Alerts")).to_contain_text("Slow")
    page.goto("/alerts?view=pending")
    expect(page.get_by_text("No alert is pending")).to_be_visible()
    page.goto("/alerts?view=acknowledged")
    page.get_by_role("link", name="Slow").click()
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_role("button", name="Acknowledge")).to_be_visible()


def test_chosen_alerts_are_silenced_together_after_a_look_at_what_that_hides(visit: Visit) -> None:
    page = visit("/alerts?group=Down")
    grid = page.get_by_role("grid", name="Alerts")
    expect(grid.get_by_role("row")).to_have_count(3)
    grid.focus()
    page.keyboard.press("Control+a")
    page.get_by_role("button", name="Silence 2").press("Enter")
    expect(page.get_by_text("2 alerts now, and those to come that fit")).to_be_visible()
    # Which alerts is said already: what is left to say is why.
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("a planned move")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.goto("/alerts?view=held")
    expect(page.get_by_role("grid", name="Alerts")).to_contain_text("by a silence")
    page.goto("/silences")
    expect(page.get_by_role("table", name="Silences")).to_contain_text("a planned move")
    page.get_by_role("button", name="End", exact=True).click()
    page.get_by_role("button", name="End the silence").click()
    page.goto("/alerts")
    expect(page.get_by_role("grid", name="Alerts").get_by_role("row")).to_have_count(5)


def test_a_runbook_is_read_as_markdown_and_runs_nothing(visit: Visit) -> None:
    page = visit("/alerts")
    page.get_by_role("link", name="Slow").click()
    runbook = page.get_by_role("region", name="Runbook")
    expect(runbook.get_by_role("heading", name="First steps")).to_be_visible()
    expect(runbook.get_by_role("listitem")).to_have_count(2)
    expect(runbook.get_by_role("link")).to_have_count(1)
    expect(runbook.get_by_role("link", name="the notes")).to_have_attribute(
        "href", "https://example.org/notes"
    )
    expect(runbook).to_contain_text("<img src=x onerror=")
    expect(runbook).to_contain_text("javascript:window.__xss=1")


def test_steps_of_a_runbook_are_ticked_and_its_actions_run(visit: Visit) -> None:
    page = visit("/alerts")
    page.get_by_role("link", name="Full").click()
    runbook = page.get_by_role("region", name="Runbook")
    story = page.get_by_role("region", name="What happened, and why")
    runbook.get_by_role("checkbox", name="See what grows").click()
    expect(story).to_contain_text("notes: did: See what grows")
    expect(runbook).to_contain_text("local")
    expect(runbook).not_to_contain_text("[ ]")
    runbook.get_by_role("checkbox", name="See what grows").click()
    expect(story).to_contain_text("took back: See what grows")
    runbook.get_by_role("button", name="rotate the logs").click()
    page.get_by_role("dialog").get_by_role("button", name="Run it").click()
    expect(story).to_contain_text("asks for the action rotate-logs")
    # It may not reach a private address: that, too, is what came of it.
    expect(story).to_contain_text("rotate-logs is failed")


def test_home_says_what_burns(visit: Visit) -> None:
    page = visit("/")
    expect(page.get_by_role("region", name="What burns")).to_contain_text("Down")


def test_a_schedule_is_made_and_says_who_is_on_call(visit: Visit) -> None:
    page = visit("/on-call")
    page.get_by_role("button", name="New schedule").first.click()
    page.get_by_label("Name").fill("primary")
    page.get_by_label("People").fill("ada\ngrace")
    page.get_by_role("button", name="Make the schedule").click()
    expect(page.get_by_role("region", name="On call: primary")).to_contain_text("ada")
    expect(page.get_by_role("list", name="Shifts of on call")).to_contain_text("grace")
    page.get_by_role("button", name="Change").click()
    form = page.get_by_role("dialog")
    form.get_by_role("button", name="Add a layer").click()
    form.get_by_role("button", name="Change the schedule").click()
    expect(form.get_by_role("alert").first).to_be_visible()
    form.get_by_label("People of layer 2").fill("eve, joe")
    form.get_by_role("button", name="Change the schedule").click()
    expect(page.get_by_role("list", name="Shifts of on call")).to_contain_text("eve, joe")
    page = visit("/on-call?tenant=default")
    with page.expect_request("**/calendar.ics") as asked, page.expect_download() as kept:
        page.get_by_role("button", name="iCal").click()
    assert asked.value.headers["x-scope-orgid"] == "default"
    assert "BEGIN:VEVENT" in Path(kept.value.path()).read_text()


def test_an_escalation_names_its_alerts_by_their_labels(server: Server, visit: Visit) -> None:
    level = {"name": "team", "targets": [{"receiver": "pager"}], "timeout": "1h"}
    policy = {"matchers": ["alertname=Lost"], "levels": [level]}
    send(server, "PUT", "/api/alerting/escalation_policies/queues", {"policy": policy})
    send(server, "POST", "/api/v2/alerts", [_alert("Lost", severity="info", job="queue", payload=XSS)])
    page = visit("/on-call")
    running = page.get_by_role("region", name="Escalations that go on")
    expect(running).to_contain_text("queues: level 1 (team)")
    expect(running).to_contain_text(f'payload="{XSS}"')
    running.get_by_role("link", name="Lost").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Lost")
    told = page.get_by_text("Nobody has acknowledged since team was told, and nobody is told after that.")
    expect(told).to_be_visible()


def test_an_alert_over_spans_shows_what_its_rule_measures(server: Server, visit: Visit) -> None:
    expr = '{ resource.service.name = "payment" } | count_over_time() with(window=1m) = 0'
    group = {"interval": "1s", "language": "traceql", "rules": [{"alert": "Nobody pays", "expr": expr}]}
    send(server, "PUT", "/api/alerting/rules/shop/spans", {"group": group})
    page = visit("/alerts")
    page.get_by_role("link", name="Nobody pays").click()
    measured = page.get_by_role("region", name="What was measured")
    expect(measured).to_contain_text("with(window=1m) = 0")
    expect(measured.get_by_role("img", name="count_over_time() with(window=1m) = 0: {} 0")).to_be_visible()


def test_a_message_that_reached_nobody_is_seen_on_home_and_sent_again(
    server: Server, deaf: Hook, visit: Visit
) -> None:
    send(server, "POST", "/api/v2/alerts", [_alert("Unheard", severity="info", job="x")])
    assert deaf.wait(lambda: deaf.tries > 0)
    page = visit("/")
    note = page.get_by_role("alert").filter(has_text="A message about alerts reached nobody.")
    note.get_by_role("link").click()
    messages = page.get_by_role("region", name="Messages")
    expect(messages).to_contain_text("answered 404")
    expect(page.get_by_label("1 not delivered")).to_be_visible()
    deaf.status = 200
    messages.get_by_role("button", name="Send again").click()
    expect(messages.get_by_role("button", name="Send again")).to_have_count(0)
    assert deaf.told("Unheard") == ["firing"]
    page.goto("/")
    expect(page.get_by_role("region", name="What burns")).to_be_visible()
    expect(page.get_by_text("reached nobody")).to_have_count(0)


def test_who_opens_a_message_of_what_somebody_took_is_led_to_it(server: Server, visit: Visit) -> None:
    send(server, "POST", "/api/v2/alerts", [_alert("Taken", severity="critical", job="mail")])
    name = fingerprint(labels_of({"alertname": "Taken", "severity": "critical", "job": "mail"}))
    asked = {"fingerprints": [name], "comment": "mine"}
    send(server, "POST", "/api/alerting/acknowledgements", asked)
    page = visit("/alerts?where=alertname%3D%22Taken%22", width=390)
    expect(page.get_by_text("Nothing burns that fits these filters")).to_be_visible()
    page.get_by_role("button", name="Acknowledged 1").click()
    expect(page.get_by_role("grid", name="Alerts")).to_contain_text("Taken")
    small = page.evaluate(TOO_SMALL)
    assert small == []
