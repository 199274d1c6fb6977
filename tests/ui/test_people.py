"""Who may come in: the first person, others by links, sessions that end, what is not for everybody."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.process import Server
from tests.ui.conftest import HOSTILE

PASSWORD = "a few words in a row"
Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own, to which the first person comes in the first test."""
    found = Server(tmp_path_factory.mktemp("people") / "store")
    yield found
    assert found.stop() == 0, found.log.read_text()


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    """Opens a page in a browser that nobody is signed in to, or where `name` is."""
    opened: list[BrowserContext] = []

    def visit_(path: str, *, name: str = "", width: int = 1280, scheme: str = "dark") -> Page:
        context = browser.new_context(
            base_url=server.url,
            viewport={"width": width, "height": 860},
            color_scheme="light" if scheme == "light" else "dark",
            reduced_motion="reduce",
        )
        opened.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.goto(path)
        if name:
            sign_in(page, name)
        return page

    yield visit_
    for context in opened:
        context.close()


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    """Fill in the form for it, and send it."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def add_person(page: Page, name: str, role: str, tenant: str) -> str:
    """Add somebody with a role in a tenant; return their link."""
    page.get_by_role("button", name="Add a person").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Role 1").first.click()
    page.get_by_role("listbox").get_by_role("option", name=role).first.click()
    where = page.get_by_label("Where role 1 holds").first
    where.click()
    where.fill(tenant)
    page.get_by_role("listbox").get_by_role("option", name=tenant).first.click()
    page.get_by_role("button", name="Add, and make a link").click()
    link = page.get_by_label("One-time link").input_value()
    page.get_by_role("button", name="Done").click()
    return link


def come_in(page: Page, name: str) -> None:
    """Choose a password at a link, which says with which name one signs in."""
    expect(page.get_by_label("You sign in as")).to_have_value(name, timeout=20_000)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Come in").click()
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()


ONE_BELOW_THE_OTHER = """() => {
    const boxes = [...document.querySelectorAll('[aria-label=Everybody] [data-index]')]
        .map((row) => row.getBoundingClientRect());
    return boxes.length === 3 && boxes.every((box, i) => i === 0 || box.top >= boxes[i - 1].bottom - 1);
}"""
LINKS: dict[str, str] = {}
"""The links that the first test was shown, by name."""


def test_from_nothing_to_three_people_with_roles_in_two_tenants(visit: Visit) -> None:
    page = visit("/")
    expect(page.get_by_role("link", name="Your account")).to_have_count(0)
    page.get_by_role("link", name="add people").click()
    page.get_by_role("button", name="Add the first person").click()
    page.get_by_label("Your name").fill("ops")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Add and sign in").click()
    LINKS["ann"] = add_person(page, "ann", "admin", "default")
    LINKS["bob"] = add_person(page, "bob", "viewer", "acme")
    for name, roles in (("ops", "operator"), ("ann", "admin"), ("bob", "acme")):
        expect(page.get_by_role("row").filter(has_text=name).filter(has_text=roles)).to_be_visible()
    # Who comes before others in the table pushes them down, none onto another.
    page.wait_for_function(ONE_BELOW_THE_OTHER)
    expect(page.get_by_label("Tenant", exact=True)).to_be_visible()
    come_in(visit(LINKS["ann"]), "ann")
    come_in(visit(LINKS["bob"]), "bob")
    # Whoever added them sees them come in.
    expect(page.get_by_text("link not used")).to_have_count(0)


def test_a_link_works_once(visit: Visit) -> None:
    page = visit(LINKS["ann"])
    expect(page.get_by_role("heading", name="This link does not work")).to_be_visible()
    expect(page.get_by_text("it was used, or it is too old")).to_be_visible()
    assert "#" not in page.url


def test_signing_in_leads_to_the_address_that_was_asked_for(visit: Visit) -> None:
    page = visit("/targets?filter=a")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    sign_in(page, "ann", "wrong")
    expect(page.get_by_role("alert")).to_contain_text("the name or the password is wrong")
    sign_in(page, "ann")
    expect(page.get_by_role("heading", name="Targets")).to_be_visible()
    assert page.url.endswith("/targets?filter=a")
    page.get_by_role("link", name="ann").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_who_tries_too_often_is_told_how_long_to_wait(visit: Visit) -> None:
    page = visit("/")
    page.route(
        "**/api/sign_in",
        lambda route: (
            route.fulfill(
                status=429,
                headers={"Retry-After": "2"},
                body='{"status": "error", "errorType": "execution", "error": "too many attempts"}',
            )
            if route.request.method == "POST"
            else route.continue_()
        ),
    )
    sign_in(page, "ops", "wrong")
    expect(page.get_by_text("Try again in 2 s")).to_be_visible()
    expect(page.get_by_text("You may try again now")).to_be_visible()


def test_a_session_that_ends_meanwhile_costs_nothing_that_was_typed(visit: Visit) -> None:
    page = visit("/members", name="ops")
    page.get_by_role("button", name="Add a person").click()
    page.get_by_label("Name").fill("carl")
    page.context.clear_cookies()
    page.get_by_role("button", name="Add, and make a link").click()
    ended = page.get_by_role("dialog").filter(has_text="Your session has ended")
    ended.get_by_label("Password").fill(PASSWORD)
    ended.get_by_role("button", name="Sign in", exact=True).click()
    expect(ended).to_have_count(0)
    expect(page.get_by_label("Name")).to_have_value("carl")
    page.get_by_role("button", name="Add, and make a link").click()
    expect(page.get_by_label("One-time link")).to_be_visible()


def test_what_is_not_for_everybody_is_not_shown_and_says_why(visit: Visit) -> None:
    page = visit("/audit", name="bob")
    missing = page.get_by_text("It needs the permission audit.view")
    expect(missing).to_contain_text("admin, operator")
    expect(missing).to_contain_text("an admin of the tenant, or an operator of the server, can give it")
    pages = page.get_by_role("navigation", name="Pages")
    expect(pages.get_by_role("link", name="Home")).to_be_visible()
    for name in ("Members", "Audit log", "Proposals"):
        expect(pages.get_by_role("link", name=name)).to_have_count(0)
    page.goto("/?tenant=default")
    expect(page.get_by_text("You have no role in the tenant default")).to_be_visible()


def test_a_token_is_shown_once_and_ends_when_it_is_revoked(visit: Visit, server: Server) -> None:
    page = visit("/account", name="ann")
    page.get_by_role("button", name="New token").click()
    page.get_by_label("What it is for").fill("laptop")
    page.get_by_role("button", name="Create", exact=True).click()
    text = page.get_by_label("Token laptop").input_value()
    page.get_by_role("button", name="I have it").click()
    asked = urllib.request.Request(f"{server.url}/api/me", headers={"Authorization": f"Bearer {text}"})
    with urllib.request.urlopen(asked) as answer:
        assert json.load(answer)["data"]["identity"]["kind"] in {"token", "user"}
    page.reload()
    expect(page.get_by_role("table", name="API tokens").get_by_text("laptop")).to_be_visible()
    assert text not in page.content()
    page.get_by_role("button", name="Actions of laptop").click()
    page.get_by_role("menuitem", name="Revoke…").click()
    page.get_by_role("button", name="Revoke", exact=True).click()
    expect(page.get_by_text("The token laptop is revoked.")).to_be_visible()
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(asked)


def test_the_tenant_is_chosen_at_the_top_and_every_question_is_of_it(visit: Visit) -> None:
    page = visit("/explore", name="ops")
    chosen = page.get_by_label("Tenant", exact=True)
    expect(chosen).to_have_value("default")
    colour = page.locator("label svg rect").first.get_attribute("fill")
    with page.expect_request(lambda request: request.headers.get("x-scope-orgid") == "acme"):
        chosen.select_option("acme")
    assert "tenant=acme" in page.url
    assert page.locator("label svg rect").first.get_attribute("fill") != colour


def test_names_are_text_whatever_they_hold(visit: Visit) -> None:
    page = visit("/members", name="ops")
    add_person(page, HOSTILE, "viewer", "acme")
    expect(page.get_by_text(HOSTILE[:40]).first).to_be_visible()
    assert page.evaluate("window.__xss") is None
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_a_protected_limit_is_proposed_approved_and_then_holds(visit: Visit, server: Server) -> None:
    ops, ann = visit("/proposals", name="ops"), visit("/proposals", name="ann")
    protected = ops.get_by_role("region", name="Protected policies")
    protected.first.get_by_role("button", name="Protect a policy").click()
    ops.get_by_label("Approvals").fill("0")
    expect(ops.get_by_role("button", name="Protect", exact=True)).to_be_disabled()
    ops.get_by_label("Approvals").fill("1")
    ops.get_by_role("button", name="Protect", exact=True).click()
    expect(ops.get_by_role("table", name="Protected policies").get_by_text("limits")).to_be_visible()
    expect(ann.get_by_role("button", name="Protect a policy")).to_be_disabled()

    ann.goto("/tenants?of=default&part=limits")
    expect(ann.get_by_text("propose a change, it needs 1 approval within 7d")).to_be_visible()
    expect(ann.get_by_label("Retention", exact=True)).to_be_disabled()
    ann.get_by_label("Active series").fill("5000")
    ann.get_by_role("button", name="Propose this change…").click()
    ann.get_by_label("Reason").fill("a second cluster")
    ann.get_by_role("button", name="Propose", exact=True).click()
    ann.get_by_role("link", name="See the proposal").click()
    expect(ann.get_by_role("dialog").get_by_text("a second cluster")).to_be_visible()
    assert "of=" in ann.url

    ops.goto(ann.url)
    ops.get_by_label("Reason").fill("agreed")
    ops.get_by_role("button", name="Approve", exact=True).click()
    expect(ops.get_by_role("dialog").get_by_text("applied")).to_be_visible()
    ann.goto("/tenants?of=default&part=limits")
    expect(ann.get_by_label("Active series")).to_have_value("5000")

    ops.goto("/proposals")
    ops.get_by_role("button", name="Actions of limits in default").click()
    ops.get_by_role("menuitem", name="Propose to unprotect…").click()
    ops.get_by_label("Reason").fill("done")
    ops.get_by_role("button", name="Propose", exact=True).click()
    expect(ops.get_by_role("alert")).to_contain_text("besides you 0 may")


def test_a_tenant_is_made_limited_and_deleted_by_its_name(visit: Visit) -> None:
    page = visit("/tenants", name="ops")
    page.get_by_role("button", name="New tenant").click()
    page.get_by_label("Id").fill("shop")
    page.get_by_role("button", name="Create", exact=True).click()
    page.get_by_role("row").filter(has_text="shop").click()
    page.get_by_role("tab", name="Limits").click()
    page.get_by_label("Active series").fill("5000")
    page.get_by_label("Retention", exact=True).fill("long")
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    page.get_by_label("Retention", exact=True).fill("15d")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The limits hold from now on.")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Retention", exact=True)).to_have_value("15d")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Actions of shop").click()
    page.get_by_role("menuitem", name="Delete…").click()
    delete = page.get_by_role("button", name="Delete for good")
    expect(delete).to_be_disabled()
    page.get_by_label("to go on").fill("shop")
    delete.click()
    expect(page.get_by_role("row").filter(has_text="shop")).to_have_count(0)
