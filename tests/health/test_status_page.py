"""What everybody sees of a tenant's health: what was chosen, by its address alone, and nothing else."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.health.conftest import Asking

ROOT = "/api/v1/health"
PAGE = f"PUT {ROOT}/status-page"
ODD = "<script>alert(1)</script>\"'&"
PARTS = ("", "/summary.json", "/feed.json", "/feed.xml", "/badge.svg", "/badges/shop.svg", "/icon.svg")


def document(**more: Any) -> dict[str, Any]:
    shown = [{"component": "shop", "title": "Shop"}, {"component": "site", "title": ODD}]
    return {"public": True, "slug": "acme", "title": "Acme", "components": shown, **more}


@pytest.fixture
def page(ask: Asking) -> Iterator[None]:
    ask.until(f"GET {ROOT}/system", lambda one: one["checks"]["down"] > 0)
    assert ask(PAGE, document())[0] == 200
    yield
    for one in ask(f"GET {ROOT}/announcements")[1]:
        assert ask(f"DELETE {ROOT}/announcements/{one['id']}")[0] == 200
    assert ask(f"DELETE {ROOT}/status-page")[0] == 200


def test_nothing_is_seen_without_a_choice(ask: Asking) -> None:
    assert ask(f"GET {ROOT}/status-page")[1]["version"] == 0
    assert ask.page("/status/acme")[0] == 404
    assert ask(PAGE, document(public=False))[0] == 200
    private = ask.page("/status/acme")
    missing = ask.page("/status/nobody")
    # Who guesses addresses is not told which of them are somebody's.
    assert (private[0], private[2]) == (missing[0], missing[2]) == (404, "There is no such page.\n")
    assert private[1]["cache-control"] == "no-store"
    assert ask(f"DELETE {ROOT}/status-page")[0] == 200


@pytest.mark.usefixtures("page")
def test_the_page_shows_what_was_chosen_and_no_script_runs(ask: Asking) -> None:
    status, headers, text = ask.page("/status/acme")
    assert status == 200
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert "Some systems are down" in text
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&quot;" in text
    assert text.count("<rect") == 180
    # No `style=`, no inline script: the policy lets neither be.
    assert not re.search(r"style=|javascript:| on[a-z]+=", text)
    policies = [value for name, value in headers.items() if name == "content-security-policy"]
    assert policies
    assert "script-src" not in policies[0].replace("script-src 'self'", "")
    for part in PARTS:
        status, headers, text = ask.page(f"/status/acme{part}")
        assert status == 200, part
        # Neither what is inside nor why it fails.
        for inside in ("intranet-db", "cart", "127.0.0.1", "refused", "region", "default"):
            assert inside not in text, (part, inside)
        if "json" in part:
            json.loads(text)
        elif "xml" in part or "svg" in part:
            ET.fromstring(text)  # noqa: S314 - we wrote it


@pytest.mark.usefixtures("page")
def test_announcements_are_told_from_beginning_to_end(ask: Asking) -> None:
    said = {
        "kind": "incident",
        "title": ODD,
        "impact": "critical",
        "components": ["site"],
        "text": f"{ODD}\n\nb",
    }
    one = ask(f"POST {ROOT}/announcements", said)[1]
    assert (one["phase"], one["over"]) == ("investigating", False)
    text = ask.page("/status/acme")[2]
    assert "&lt;script&gt;" in text
    assert "<script" not in text
    path = f"{ROOT}/announcements/{one['id']}"
    assert ask(f"POST {path}/updates", {"phase": "scheduled"})[0] == 400
    assert (
        ask(f"POST {path}/updates", {"phase": "identified", "text": "A cable."})[1]["phase"] == "identified"
    )
    assert "A cable." in ask.page("/status/acme/feed.xml")[2]
    items = json.loads(ask.page("/status/acme/feed.json")[2])["items"]
    assert items[0]["url"] == f"https://pharos.example.com/status/acme/#{one['id']}"
    assert ask(f"POST {path}/updates", {"phase": "resolved", "text": "Mended."})[1]["over"] is True
    summary = json.loads(ask.page("/status/acme/summary.json")[2])
    assert [update["phase"] for update in summary["announcements"][0]["updates"]] == [
        "investigating", "identified", "resolved"
    ]  # fmt: skip
    planned = {
        "kind": "maintenance",
        "title": "New disks",
        "components": ["site"],
        "starts_ms": 4_000_000_000_000,
    }
    assert ask(f"POST {ROOT}/announcements", {**planned, "ends_ms": 5})[0] == 400
    assert ask(f"POST {ROOT}/announcements", planned)[0] == 200
    assert "Planned maintenance" in ask.page("/status/acme")[2]


@pytest.mark.usefixtures("page")
def test_huge_announcements_and_pages_are_refused(ask: Asking) -> None:
    said = {"kind": "incident", "title": "a", "text": "b"}
    for wrong in (
        {"title": "a" * 201},
        {"title": "two\nlines"},
        {"title": ""},
        {"text": "a" * 4001},
        {"text": "\0"},
        {"text": "\u202e"},
        {"components": ["a"] * 101},
        {"kind": "party"},
    ):
        assert ask(f"POST {ROOT}/announcements", {**said, **wrong})[0] == 400, wrong
    assert ask(f"POST {ROOT}/announcements", {**said, "text": "a" * 200_000})[0] == 413
    assert ask(f"GET {ROOT}/announcements")[1] == []
    pages: list[dict[str, Any]] = [
        {"slug": "../acme"},
        {"slug": "Acme"},
        {"link": "javascript:alert(1)"},
        {"title": "\u202e"},
        {"components": [{"component": "shop", "title": "a"}, {"component": "site", "title": "A "}]},
        {"components": [{"component": "shop", "title": "a"}] * 101},
    ]
    for wrong in pages:
        assert ask(PAGE, document(**wrong))[0] == 400, wrong


@pytest.mark.usefixtures("page")
def test_no_header_or_parameter_changes_what_everybody_is_shown(ask: Asking) -> None:
    plain = ask.page("/status/acme")
    for path, headers in (
        ("/status/acme?x=<script>", {}),
        ("/status/acme", {"X_Forwarded_Host": "evil.example.com", "X_Forwarded_For": "192.0.2.1"}),
        ("/status/acme", {"X_Scope_OrgID": "other"}),
        ("/status/acme", {"X_Scope_OrgID": "a b c"}),
        ("/status/acme", {"Cookie": "session=1", "Authorization": "Bearer nothing"}),
        ("/status/acme", {"Accept_Language": "de", "Accept": "application/json", "Accept_Encoding": "br"}),
        ("/status/acme", {"X_Original_URL": "/metrics", "X_HTTP_Method_Override": "DELETE"}),
    ):
        found = ask.page(path, **headers)
        assert found[0] == 200, (path, headers)
        assert _without_time(found[2]) == _without_time(plain[2])
        assert "evil" not in found[2]
    assert ask.page("/status/acme/feed.xml", X_Forwarded_Host="evil.example.com")[2].count("evil") == 0
    tag = plain[1]["etag"]
    assert ask.page("/status/acme", If_None_Match=tag)[0] in {200, 304}


def _without_time(text: str) -> str:
    return re.sub(r"<time.*?</time>", "", text)


@pytest.mark.usefixtures("page")
def test_a_name_of_its_own_shows_the_page_and_nothing_else(ask: Asking) -> None:
    own = {"Host": "status.example.com"}
    status, _, text = ask.page("/", **own)
    assert status == 200
    assert 'href="/style.css"' in text
    assert "/status/acme" not in text
    assert ask.page("/style.css", **own)[0] == 200
    assert "https://status.example.com/#" not in text
    assert "<link>https://status.example.com/</link>" in ask.page("/feed.xml", **own)[2]
    for path in (
        "/metrics",
        "/api/v1/query?query=up",
        "/-/healthy",
        "/api/v1/health/checks",
        "/index.html",
        "/status/acme",
        "/../api/v1/query?query=up",
        "/%2e%2e/api/v1/labels",
        "/..%2fmetrics",
        "//metrics",
        "/./metrics",
    ):
        found = ask.page(path, **own)
        assert found[0] in {301, 404}, path
        assert "default" not in found[2], path
    for host in ("STATUS.example.com:8080", "status.example.com."):
        assert ask.page("/", Host=host)[0] == 200
    # A name of another tenant, which has no page; and one that nobody has.
    assert ask.page("/", Host="status.other.example.com")[0] == 404
    assert ask.page("/", Host="evil.example.com")[0] == 403
    assert ask.page("/status/acme", Host="evil.example.com")[0] == 403


@pytest.mark.usefixtures("page")
def test_an_address_is_one_tenants_and_another_shows_its_own(ask: Asking) -> None:
    status, told = ask(PAGE, document(), tenant="other")
    assert (status, told) == (409, "the address /status/acme is taken")
    assert ask(PAGE, document(slug="others"), tenant="other")[0] == 200
    try:
        summary = json.loads(ask.page("/status/others/summary.json")[2])
        # Components of the same names are not the first one's.
        assert {one["status"] for one in summary["components"]} == {"unknown"}
        assert ask.page("/", Host="status.other.example.com")[0] == 200
        assert ask("POST /api/tenants/other/suspend")[0] in {200, 404}
    finally:
        ask(f"DELETE {ROOT}/status-page", tenant="other")


@pytest.mark.usefixtures("page")
def test_who_asks_too_often_waits_and_others_go_on(ask: Asking) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: ask.page("/status/acme/badge.svg")[0], range(400)))
    assert set(found) == {200, 429}
    assert ask(f"GET {ROOT}/system")[0] == 200
