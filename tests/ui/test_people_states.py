"""Pages about people in every state: what axe finds, what a browser keeps; and every page on a telephone."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from tests.ui.conftest import PLACES, out_of_reach, violations
from tests.ui.corp import PASSWORD, PEOPLE, Corp, running_corp
from tests.ui.filled import LONG, TRACE, fill

PAGES = {
    "nobody": ["/sign-in", "/welcome#none", "/sign-in#error=the%20provider%20declined"],
    "ops": [
        "/account",
        "/members",
        "/members?view=roles",
        "/members?view=tokens",
        "/tenants",
        "/tenants?of=acme",
        "/tenants?of=acme&part=limits",
        "/proposals",
        "/audit",
    ],
    "gil": ["/proposals?tenant=acme", "/members?tenant=acme"],
    "bob": ["/audit", "/?tenant=shop", "/account"],
    "new": ["/", "/account"],
}
PARTS = [
    "/members?view=roles",
    "/tenants?of=acme",
    "/members?view=tokens",
    "/tenants?of=acme&part=limits",
    "/silences?new=",
    "/rules?new=",
    "/silences?view=maintenance",
    "/rules?new=condition",
    "/silences?view=maintenance&new=",
    "/receivers?view=routing&labels=severity%3Dcritical",
    "/silences?view=dependencies",
    "/receivers?view=configuration",
    "/responses?view=actions",
    "/health?view=components",
    "/responses?view=actions&new=",
    "/health?new=",
    "/slos?new=",
    f"/runs/{LONG}",
    "/runs?view=statistics",
    f"/workflows/{LONG}",
    "/explore?q0=up&v0=table",
    f"/services/{LONG}",
    f"/traces/{TRACE}",
    "/d/long/long",
    "/versions?view=compare",
]
"""What the pages show beside what they begin with, no two of a page after each other."""
As = Callable[..., Page]


@pytest.fixture(scope="module")
def corp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Corp]:
    with running_corp(tmp_path_factory.mktemp("corp")) as running:
        yield running


def fill_in(page: Page, name: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()


@pytest.fixture(scope="module")
def signed_in(browser: Browser, corp: Corp) -> dict[str, Any]:
    """What a browser keeps of each person who is signed in, and of nobody."""
    kept: dict[str, Any] = {}
    for name in ("nobody", *PEOPLE):
        context = browser.new_context(base_url=corp.server.url)
        if name != "nobody":
            page = context.new_page()
            page.goto("/sign-in")
            fill_in(page, name)
        kept[name] = context.storage_state()
        context.close()
    return kept


@pytest.fixture
def as_(browser: Browser, corp: Corp, signed_in: dict[str, Any]) -> Iterator[As]:
    """Opens a browser in which somebody is signed in."""
    opened: list[BrowserContext] = []

    def open_(name: str, *, width: int = 1280, scheme: str = "dark", touch: bool = False) -> Page:
        context = browser.new_context(
            base_url=corp.server.url,
            storage_state=signed_in[name],
            viewport={"width": width, "height": 860},
            color_scheme="light" if scheme == "light" else "dark",
            reduced_motion="reduce",
            has_touch=touch,
        )
        opened.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        return page

    yield open_
    for context in opened:
        context.close()


def settle(page: Page) -> None:
    """Wait until the page has what it shows."""
    expect(page.locator("h1:visible").first).to_be_visible()
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    expect(page.locator("[aria-label$=': loading']")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("name", PAGES)
def test_pages_about_people_meet_wcag_aa(as_: As, name: str, scheme: str) -> None:
    page = as_(name, scheme=scheme)
    for path in PAGES[name]:
        page.goto(path)
        settle(page)
        assert violations(page) == [], path


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_dialogs_about_people_meet_wcag_aa(as_: As, scheme: str) -> None:
    page = as_("ops", scheme=scheme)
    for path, button in (
        ("/members", "Add a person"),
        ("/proposals", "Protect a policy"),
        ("/tenants", "New tenant"),
        ("/account", "New token"),
    ):
        page.goto(path)
        page.get_by_role("button", name=button).first.click()
        opened = page.get_by_role("dialog").or_(page.get_by_role("alertdialog")).first
        expect(opened).to_be_visible()
        assert violations(page, opened) == [], path


BARRED = {
    "/silences": "alerts.silence",
    "/silences?view=maintenance": "alerts.configure",
    "/rules": "alerts.configure",
    "/health": "alerts.configure",
    "/slos": "alerts.configure",
    "/on-call": "alerts.configure",
    "/anomalies?view=watches": "alerts.configure",
    "/responses?view=actions": "alerts.configure",
    "/explore?q0=up": "dashboards.edit",
}
"""Pages on which a viewer may not do something, and the permission that it needs."""


def test_what_a_viewer_may_not_says_why_to_fingers_and_to_keys(as_: As) -> None:
    page = as_("bob", width=390, touch=True)
    page.goto("/silences?tenant=acme")
    settle(page)
    new = page.get_by_role("button", name="New silence").first
    why = page.locator("[data-why]")
    expect(why).to_have_count(0)
    box = new.bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(why).to_have_text(re.compile(r"^Silences are made with the permission alerts\.silence: an admin"))
    shown = why.bounding_box()
    assert shown is not None
    assert shown["x"] >= 0
    assert shown["x"] + shown["width"] <= 390
    assert shown["y"] + shown["height"] <= box["y"] or shown["y"] >= box["y"] + box["height"]
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert violations(page) == []
    assert out_of_reach(page) == []
    page.touchscreen.tap(20, 700)
    expect(why).to_have_count(0)

    page.get_by_role("button", name="Refresh now").focus()
    page.keyboard.press("Shift+Tab")
    expect(new).to_be_focused()
    expect(why).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(why).to_have_count(0)


def test_no_reason_of_a_barred_control_is_for_the_pointer_alone(as_: As) -> None:
    page = as_("bob")
    for path, permission in BARRED.items():
        page.goto(f"{path}{'&' if '?' in path else '?'}tenant=acme")
        settle(page)
        expect(page.locator("button:disabled[title], input:disabled[title]")).to_have_count(0)
        barred = page.locator("[aria-disabled=true]")
        expect(barred.first, path).to_be_visible()
        reasons = 0
        for one in barred.all():
            expect(one, path).to_have_accessible_description(re.compile(r"\w"))
            one.focus()
            expect(one, path).to_be_focused()
            reasons += permission in (one.locator("span[hidden]").text_content() or "")
        assert reasons, path


def test_the_arrows_come_to_a_barred_entry_of_a_menu_that_says_why_and_does_nothing(as_: As) -> None:
    page = as_("bob")
    page.goto("/d/pharos-host?tenant=acme")
    settle(page)
    page.get_by_role("button", name="More", exact=True).press("Enter")
    copy = page.get_by_role("menuitem", name=re.compile("^Copy .*dashboards.edit"))
    expect(copy).to_have_attribute("aria-disabled", "true")
    for _ in range(page.get_by_role("menuitem").count()):
        if copy.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("ArrowDown")
    expect(copy).to_be_focused()
    expect(copy.get_by_text("dashboards.edit")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(copy).to_be_visible()
    expect(page).to_have_url(re.compile("/d/pharos-host"))


def test_an_account_shows_which_roles_it_has_in_the_tenant_that_is_shown(as_: As) -> None:
    page = as_("ann")
    for tenant, role in (("acme", "dao-admin"), ("shop", "editor")):
        page.goto(f"/account?tenant={tenant}")
        told = page.get_by_role("region", name="You", exact=True)
        expect(told.get_by_role("listitem")).to_have_text(f"{role} given here")
        expect(told).to_contain_text(f"in {tenant}")
    page = as_("ops")
    page.goto("/account?tenant=acme")
    told = page.get_by_role("region", name="You", exact=True)
    expect(told.get_by_role("listitem")).to_have_text("operator given here, in every tenant")


def _fails(route: Route) -> None:
    body = {"status": "error", "errorType": "unavailable", "error": "state.db cannot be used: disk I/O error"}
    route.fulfill(status=503, headers={"Retry-After": "5"}, body=json.dumps(body))


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/members", "**/api/users"),
        ("/tenants", "**/api/tenants"),
        ("/proposals", "**/api/proposals*"),
        ("/audit", "**/api/audit*"),
        ("/account", "**/api/me/sessions"),
    ],
)
def test_a_page_that_cannot_be_read_says_why_and_stays_whole(as_: As, path: str, asked: str) -> None:
    page = as_("ops", width=390, scheme="light")
    page.route(asked, _fails)
    page.goto(path)
    expect(page.get_by_text("state.db cannot be used").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert violations(page) == []


@pytest.mark.parametrize("path", ["/members", "/tenants", "/proposals", "/audit"])
def test_a_page_that_waits_shows_where_things_will_stand(as_: As, path: str) -> None:
    page = as_("ops")

    def never(route: Route) -> None:
        """Leave it without an answer."""

    page.route(re.compile("/api/(?!me|sign_in)"), never)
    page.goto(path)
    expect(page.locator("[aria-label$=': loading']").first).to_be_visible()
    assert violations(page) == []


def test_nothing_that_opens_anything_is_kept_by_a_browser(as_: As) -> None:
    page = as_("ann")
    page.goto("/account")
    page.get_by_role("button", name="New token").click()
    page.get_by_label("What it is for").fill("laptop")
    page.get_by_role("button", name="Create", exact=True).click()
    text = page.get_by_label("Token laptop").input_value()
    page.get_by_role("button", name="I have it").click()
    kept = page.evaluate(
        """async () => JSON.stringify([
            { ...localStorage }, { ...sessionStorage }, document.cookie, location.href, history.state,
            (await indexedDB.databases()).map(({ name }) => name), await caches.keys(),
        ])"""
    )
    cookies = {one["name"]: one for one in page.context.cookies()}
    secrets = [text, PASSWORD, cookies["pharos_session"]["value"]]
    assert [one for one in secrets if one in kept] == []
    assert cookies["pharos_session"]["httpOnly"]
    assert cookies["pharos_session"]["sameSite"] == "Strict"


def test_the_audit_log_is_searched_and_exported_as_it_is_shown(as_: As, tmp_path: Path) -> None:
    page = as_("ops")
    page.goto("/audit")
    table = page.get_by_role("grid", name="Audit log")
    expect(table.get_by_text("protection.set").first).to_be_visible()
    search = page.get_by_role("searchbox", name="Filter the audit log")
    search.fill("action=proposal")
    search.press("Enter")
    expect(table.get_by_text("protection.set")).to_have_count(0)
    expect(table.get_by_text("proposal.create").first).to_be_visible()
    assert "proposal" in page.url
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as saved:
        page.get_by_role("menuitem", name="CSV, signed").click()
    path = tmp_path / "audit.csv"
    saved.value.save_as(path)
    actions = {row["action"] for row in csv.DictReader(path.read_text().splitlines()) if row.get("action")}
    assert actions == {"proposal.create"}
    table.get_by_text("proposal.create").first.click()
    expect(page.get_by_role("dialog").get_by_text("a second cluster").first).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Verify the chain").click()
    expect(page.get_by_text("chain whole")).to_be_visible()


def test_people_have_their_names_in_the_audit_log(as_: As) -> None:
    page = as_("ops")
    page.goto("/audit")
    search = page.get_by_role("searchbox", name="Filter the audit log")
    search.fill("action=role.grant")
    search.press("Enter")
    row = page.get_by_role("grid", name="Audit log").get_by_role("row").filter(has_text="user bob").first
    expect(row).to_contain_text("role.grant")


def test_a_reason_is_asked_for_where_the_rule_demands_one(as_: As, corp: Corp) -> None:
    page = as_("gil")
    page.goto("/proposals?tenant=acme")
    page.get_by_role("row").filter(has_text="a second cluster").click()
    expect(page.get_by_role("button", name="Approve", exact=True)).to_be_enabled()
    change = {"policy": "limits", "approvals": 1, "percent": 0, "lasts_ms": 86_400_000, "reasons": True}
    body = {"action": "protection.set", "change": change, "reason": "say why"}
    made = corp.ask("POST /api/proposals", body)
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.get_by_role("dialog").get_by_text("applied")).to_be_visible()
    page.goto(f"/proposals?tenant=acme&of={made['id']}")
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.get_by_role("dialog").get_by_text("applied")).to_be_visible()
    again = {"bounds": {"max_series": 6000}}
    made = corp.ask("POST /api/proposals", {"action": "limits.set", "change": again, "reason": "a third"})
    page.goto(f"/proposals?tenant=acme&of={made['id']}")
    expect(page.get_by_role("button", name="Approve", exact=True)).to_be_disabled()
    page.get_by_label("Reason").fill("it fits")
    page.get_by_role("button", name="Approve", exact=True).click()
    expect(page.get_by_role("dialog").get_by_text("applied")).to_be_visible()


def test_single_sign_on_leads_in_and_back_to_the_page_that_was_asked_for(as_: As, corp: Corp) -> None:
    page = as_("nobody")
    page.goto("/targets?filter=a")
    page.get_by_role("link", name="Sign in with Corp", exact=True).click()
    expect(page.get_by_role("heading", name="Targets")).to_be_visible()
    assert page.url.endswith("/targets?filter=a")
    expect(page.get_by_role("link", name="ida")).to_be_visible()
    expect(page.get_by_role("navigation", name="Pages").get_by_role("link", name="Audit log")).to_have_count(
        0
    )


@pytest.mark.parametrize("why", ["declines", "is_down", "no group"])
def test_single_sign_on_that_does_not_succeed_says_why_and_offers_it_again(
    as_: As, corp: Corp, why: str
) -> None:
    provider, groups = corp.provider, corp.provider.claims["groups"]
    page = as_("nobody")
    page.goto("/")
    if why == "no group":
        provider.claims["groups"] = []
        provider.claims["sub"] = "43"
    else:
        setattr(provider, why, True)
    page.get_by_role("link", name="Sign in with Corp", exact=True).click()
    expect(page.get_by_text("Signing in did not succeed")).to_be_visible()
    provider.declines = provider.is_down = False
    provider.claims.update(groups=groups, sub="42")
    page.get_by_role("link", name="Sign in with Corp", exact=True).click()
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()


@pytest.mark.parametrize("by_enter", [True, False])
def test_a_tenant_that_was_typed_counts_without_being_picked(as_: As, by_enter: bool) -> None:
    page = as_("ops")
    page.goto("/members")
    page.get_by_role("button", name="Add a person").click()
    name, tenant = f"eva{by_enter:d}", f"fresh{by_enter:d}"
    page.get_by_label("Name").fill(name)
    where = page.get_by_label("Where role 1 holds").first
    where.click()
    where.fill(tenant)
    if by_enter:
        where.press("Enter")
        # It takes the tenant and does not send the form.
        expect(page.get_by_label("Name")).to_have_value(name)
    page.get_by_role("button", name="Add, and make a link").click()
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("row").filter(has_text=name)).to_contain_text(tenant)


def test_a_tenant_is_not_made_again_when_adding_the_person_failed(as_: As) -> None:
    page = as_("ops")
    page.goto("/members")
    page.get_by_role("button", name="Add a person").click()
    page.get_by_label("Name").fill("ops")
    expect(page.get_by_role("alert")).to_contain_text("ops is there already")
    expect(page.get_by_role("button", name="Add, and make a link")).to_be_disabled()
    page.get_by_label("Name").fill("quentin")
    where = page.get_by_label("Where role 1 holds").first
    where.click()
    where.fill("halfway")
    page.get_by_role("listbox").get_by_role("option", name="create halfway").click()
    busy = {"status": "error", "errorType": "unavailable", "error": "busy"}
    page.route(
        "**/api/users",
        lambda route: (
            route.fulfill(status=503, json=busy) if route.request.method == "POST" else route.fallback()
        ),
    )
    page.get_by_role("button", name="Add, and make a link").click()
    expect(page.get_by_role("alert")).to_contain_text("busy")
    page.unroute("**/api/users")
    page.get_by_role("button", name="Add, and make a link").click()
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("row").filter(has_text="quentin")).to_contain_text("halfway")


def _go(page: Page, path: str) -> None:
    """Open another page as a link of this one does, which is cheaper than loading all of it again."""
    page.locator("h1").evaluate_all("(heads) => heads.forEach((head) => { head.dataset.left = '' })")
    page.evaluate("(path) => history.pushState(null, '', path)", path)
    expect(page.locator("h1[data-left]")).to_have_count(0)
    settle(page)


@pytest.fixture(scope="module")
def full_corp(corp: Corp) -> Corp:
    """The same server with something on its other pages, too."""
    fill(corp.send)
    return corp


def test_of_no_page_anything_is_out_of_reach_on_a_telephone(as_: As, full_corp: Corp) -> None:
    page = as_("ops", width=390, scheme="light")
    page.goto("/sign-in")
    settle(page)
    assert out_of_reach(page) == []
    page.goto("/no-such-page?tenant=acme&refresh=off")
    settle(page)
    # The one that shows what loads shows it for good: its own file looks at it.
    places = set(re.findall(r"^  \w+: '(/.*)',$", PLACES.read_text(), re.MULTILINE)) - {"/design"}
    assert {"/", "/alerts", "/account"} <= places
    (alert, *_) = full_corp.ask("GET /api/alerting/alerts")["alerts"]
    found: dict[str, list[str]] = {}
    for path in [*sorted(places), *PARTS, f"/alert?id={alert['fingerprint']}"]:
        _go(page, f"{path}{'&' if '?' in path else '?'}tenant=acme&refresh=off")
        found[path] = out_of_reach(page)
    assert {path: faults for path, faults in found.items() if faults} == {}
