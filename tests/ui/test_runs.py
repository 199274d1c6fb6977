"""Runs in the browser: listed as they go on, one looked at step by step, workflows, two beside each other."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.process import Server
from tests.ui.conftest import XSS, Visit, send, violations

STEPS = 1_000
MINUTE_MS = 60_000
HOSTILE = f"{XSS}/a?b#c.d"
"""A run's name with all in it that means something in an address."""


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _event(run_id: str, kind: str, ago_ms: int, **more: Any) -> dict[str, Any]:
    return {"run_id": run_id, "kind": kind, "time_ms": _now_ms() - ago_ms, **more}


def _past(number: int) -> Iterator[dict[str, Any]]:
    """A run of a minute that is over; every third one failed in its second step."""
    run, begin = f"load-{number}", (number + 1) * 10 * MINUTE_MS
    fails = number % 3 == 2
    yield _event(
        run, "start", begin, workflow="nightly-load", version=f"1.{number % 2}", owner="data", cost=0.5
    )
    yield _event(run, "start", begin, step={"id": "extract"})
    yield _event(run, "end", begin - 20_000, step={"id": "extract"})
    second = {"id": "transform", "depends_on": ["extract"]}
    yield _event(run, "start", begin - 20_000, step=second)
    how = {"state": "failed", "error": "17 rows without a customer"} if fails else {}
    yield _event(run, "end", begin - MINUTE_MS, step=second, **how)
    yield _event(run, "end", begin - MINUTE_MS, **how)


def _live() -> Iterator[dict[str, Any]]:
    """One that goes on, whose first step was tried twice, and whose name is a trap."""
    yield _event(HOSTILE, "start", 30_000, workflow="nightly-load", owner=XSS, inputs={"day": XSS})
    for attempt, (begin, end) in enumerate([(30_000, 25_000), (24_000, 20_000)], 1):
        step = {"id": "extract", "attempt": attempt}
        yield _event(HOSTILE, "start", begin, step=step)
        how = {"state": "failed", "error": XSS} if attempt == 1 else {}
        yield _event(HOSTILE, "end", end, step=step, **how)
    yield _event(HOSTILE, "start", 20_000, step={"id": "transform", "depends_on": ["extract"]})
    yield _event(HOSTILE, "progress", 5_000, progress=0.5, message="half of it")


def _wide() -> Iterator[dict[str, Any]]:
    """One of a thousand steps, most of which are alike."""
    yield _event("wide", "start", MINUTE_MS, workflow="fan-out")
    parts = [f"part-{number:03d}" for number in range(STEPS - 2)]
    for place, (name, before) in enumerate(
        [("split", []), *((part, ["split"]) for part in parts), ("merge", parts[:200])]
    ):
        step = {"id": name, "depends_on": before}
        yield _event("wide", "start", MINUTE_MS - place * 50, step=step)
        yield _event("wide", "end", MINUTE_MS - place * 50 - 100, step=step)
    yield _event("wide", "end", 1_000)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without a run until a test sends some."""
    found = Server(tmp_path_factory.mktemp("runs") / "store")
    yield found
    assert found.stop() == 0, found.log.read_text()


def _rows(page: Page, name: str) -> Any:
    return page.get_by_role("grid", name=name, exact=True).get_by_role("row")


def test_who_has_no_run_reads_how_to_send_one_and_sees_it_come(server: Server, visit: Visit) -> None:
    page = visit("/runs")
    expect(page.get_by_text("No runs yet")).to_be_visible()
    expect(page.get_by_label("the lines for Shell", exact=True)).to_contain_text(f"{server.url}/api/v1/$1")
    send(server, "POST", "/api/v1/run_start", {"run_id": "first", "workflow": "hello"})
    expect(_rows(page, "Runs").nth(1)).to_contain_text("first")
    expect(_rows(page, "Runs").nth(1)).to_contain_text("Running")
    send(server, "POST", "/api/v1/run_end", {"run_id": "first"})
    expect(_rows(page, "Runs").nth(1)).to_contain_text("Succeeded")
    assert violations(page) == []


@pytest.fixture(scope="module")
def told(server: Server) -> Server:
    """The server once it was told of runs."""
    past = [event for number in range(6) for event in _past(number)]
    send(server, "POST", "/api/v1/runs", {"events": [*past, *_live(), *_wide()]})
    return server


def test_a_list_is_narrowed_and_two_of_it_are_compared(told: Server, visit: Visit) -> None:
    page = visit("/runs?workflow=nightly-load")
    rows = _rows(page, "Runs")
    expect(rows.filter(has_text="load-")).to_have_count(6)
    expect(page.get_by_role("article").filter(has_text="Success rate")).to_contain_text("66.7")
    page.get_by_text("Failed", exact=True).first.click()
    expect(rows.filter(has_text="17 rows without a customer")).to_have_count(2)
    page.get_by_text("All", exact=True).click()
    rows.filter(has_text="load-1").click(modifiers=["Control"], position={"x": 600, "y": 8})
    rows.filter(has_text="load-2").click(modifiers=["Control"], position={"x": 600, "y": 8})
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_role("region", name="First")).to_contain_text("load-")
    expect(page.get_by_role("row").filter(has_text="transform")).to_contain_text("Failed")


def test_a_run_with_a_name_that_is_a_trap_shows_its_steps_and_goes_on(told: Server, visit: Visit) -> None:
    page = visit("/runs?state=live")
    page.get_by_role("link", name=XSS).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(HOSTILE)
    page.reload()
    steps = page.get_by_role("listbox", name="Steps").get_by_role("option")
    expect(steps).to_have_count(2)
    steps.filter(has_text="extract").click()
    expect(page.get_by_role("list", name="Attempts").get_by_role("listitem").first).to_contain_text(XSS)
    expect(page.get_by_role("group", name="Graph of steps").get_by_role("button")).to_have_count(2)
    assert violations(page) == []
    send(told, "POST", "/api/v1/runs", [_event(HOSTILE, "end", 0)])
    expect(page.get_by_text("Succeeded").first).to_be_visible()


def test_a_thousand_steps_open_on_a_telephone_with_few_of_them_in_the_page(
    told: Server, visit: Visit
) -> None:
    page = visit("/runs/wide", width=390, scheme="light")
    steps = page.get_by_role("listbox", name="Steps").get_by_role("option")
    expect(steps.first).to_contain_text("split")
    page.get_by_role("listbox", name="Steps").focus()
    page.keyboard.press("End")
    expect(steps.last).to_contain_text("merge")
    assert steps.count() < 100
    expect(page.get_by_role("group", name="Graph of steps")).to_contain_text("like steps")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert violations(page) == []


def _answer_pause(server: Server) -> None:
    """Do what is asked of an engine: take what waits, and say that it is done."""
    request = urllib.request.Request(
        f"{server.url}/api/v1/flows/queue", b'{"wait_s": 20}', {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        [control] = json.load(answer)["data"]["controls"]
    done = {"status": "done", "message": "paused after split"}
    send(server, "POST", f"/api/v1/flows/controls/{control['control']}/answer", done)


def test_an_engine_is_asked_to_pause_and_what_it_says_is_shown(told: Server, visit: Visit) -> None:
    send(told, "PUT", "/api/v1/flows/hooks", {"workflow": "fan-out", "hook": {"queue": True}})
    send(told, "POST", "/api/v1/runs", [_event("asked", "start", 1_000, workflow="fan-out")])
    page = visit("/runs/asked")
    page.get_by_role("button", name="Pause").click()
    page.get_by_label("Reason").fill(XSS)
    page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    _answer_pause(told)
    asked = page.get_by_role("region", name="What its engine was asked for")
    expect(asked).to_contain_text(XSS)
    expect(asked).to_contain_text("paused after split")


def test_workflows_lead_to_their_runs(told: Server, visit: Visit) -> None:
    page = visit("/workflows")
    row = _rows(page, "Workflows").filter(has_text="nightly-load")
    expect(row.get_by_role("img", name="The last runs of nightly-load")).to_be_visible()
    assert violations(page) == []
    row.get_by_role("link", name="nightly-load").click()
    expect(_rows(page, "Runs").filter(has_text="load-")).to_have_count(6)
    expect(page.get_by_role("table").filter(has_text="median")).to_contain_text("1.1")


def test_what_cannot_be_read_is_said(told: Server, visit: Visit) -> None:
    page = visit("/runs", fails="**/api/v1/run*")
    expect(page.get_by_role("alert").first).to_contain_text("not now")
    page = visit("/runs/nothing.of-this-name")
    expect(page.get_by_text("There is no such run")).to_be_visible()
