"""Addresses of our pages in messages: they say what the pages read, and nothing breaks out of them."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from pharos.alerting.pages import alerts_page, silence_page

URL = "https://pharos.example"


def test_a_group_is_found_by_its_labels() -> None:
    found = alerts_page(URL, "default", [["alertname", "Disk full"], ["job", 'a"b\\c&d=#']])
    assert urlsplit(found).path == "/alerts"
    assert parse_qs(urlsplit(found).query) == {"where": ['alertname="Disk full",job="a\\"b\\\\c&d=#"']}
    assert not {" ", '"', "<", ">", "|", "#"} & set(found)


def test_a_tenant_is_named_unless_it_is_the_default_one() -> None:
    assert alerts_page(URL, "default", []) == f"{URL}/alerts"
    assert alerts_page(URL, "team-a", []) == f"{URL}/alerts?tenant=team-a"


def test_a_silence_is_made_of_the_groups_labels_and_never_of_everything() -> None:
    assert silence_page(URL, "default", [["alertname", "A"]]) == f"{URL}/silences?new=alertname%3D%22A%22"
    assert silence_page(URL, "default", []) == ""


def test_what_no_program_would_follow_is_the_page_alone() -> None:
    assert alerts_page(URL, "default", [["l", "x" * 5000]]) == f"{URL}/alerts"
    assert silence_page(URL, "default", [["l", "\ud800"]]) == f"{URL}/silences?new=l%3D%22%3F%22"
