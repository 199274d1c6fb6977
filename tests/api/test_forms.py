"""Forms and query strings: every field as upstream reads it, every fault told."""

from __future__ import annotations

import contextlib
import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import pytest

from pharos.api.http.forms import parse_form, parse_pairs
from pharos.errors import Kind, PharosError

URL_ENCODED = "application/x-www-form-urlencoded"
MULTIPART = 'multipart/form-data; boundary="the line"'


def ask(url: str, body: bytes | None = None, content_type: str = URL_ENCODED) -> tuple[int, Any]:
    """Return status and answer."""
    headers = {} if body is None else {"Content-Type": content_type}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, json.load(exc)


def part(disposition: str, content: str, beside: str = "") -> str:
    return f"--the line\r\nContent-Disposition: {disposition}\r\n{beside}\r\n{content}\r\n"


def in_parts(*parts: str) -> bytes:
    return f"a preamble\r\n{''.join(parts)}--the line--\r\nan epilogue".encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("query=up%zz", "%zz"),
        ("query=up%z", "%z"),
        ("query=up%", "%"),
        ("query=up%4", "%4"),
        ("query=up%4&x=1", "%4"),
        ("query=%41%4g1", "%4g"),
        ("%=1", "%"),
        ("a=b&%4=1", "%4"),
        ("query=%a=1", "%a="),
        ("query=1&x=%zz", "%zz"),
    ],
)
def test_a_wrong_escape_is_told_in_the_words_of_upstream(text: str, shown: str, pharos_url: str) -> None:
    expected = {
        "status": "error",
        "errorType": "bad_data",
        "error": f'error parsing form values: invalid URL escape "{shown}"',
    }
    assert ask(f"{pharos_url}/api/v1/query", text.encode()) == (400, expected)
    for route in ("query", "series", "labels", "status/buildinfo"):
        assert ask(f"{pharos_url}/api/v1/{route}?{text}") == (400, expected)


def test_federation_refuses_them_too(pharos_url: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{pharos_url}/federate?match[]=up&x=%zz", timeout=60)
    with caught.value as exc:
        assert (exc.code, exc.read()) == (400, b'error parsing form values: invalid URL escape "%zz"\n')


def test_a_semicolon_separates_nothing() -> None:
    with pytest.raises(PharosError, match="invalid semicolon separator in query"):
        parse_pairs(b"query=1;x=2")
    assert parse_pairs(b"query=1%3Bx%3D2") == (("query", "1;x=2"),)


def test_pairs_are_read_as_they_are_written() -> None:
    assert parse_pairs(b"a=1+1&b=%2B&=c&d&e=f=g&&") == (
        ("a", "1 1"),
        ("b", "+"),
        ("", "c"),
        ("d", ""),
        ("e", "f=g"),
    )


def test_a_form_in_parts_is_evaluated(pharos_url: str) -> None:
    fields = [("query", "1 +\r\n1"), ("start", "0"), ("end", "30"), ("step", "15")]
    body = in_parts(*(part(f'form-data; name="{name}"', value) for name, value in fields))
    status, answer = ask(f"{pharos_url}/api/v1/query_range", body, MULTIPART)
    assert status == 200
    assert answer["data"]["result"][0]["values"] == [[0, "2"], [15, "2"], [30, "2"]]


def test_of_a_field_in_both_the_query_string_counts_only_before_parts(pharos_url: str) -> None:
    """So do Go's ParseForm and ParseMultipartForm."""
    url = f"{pharos_url}/api/v1/query?query=1"
    parts = in_parts(part('form-data; name="query"', "2"))
    assert ask(url, parts, MULTIPART)[1]["data"]["result"][1] == "1"
    assert ask(url, b"query=2")[1]["data"]["result"][1] == "2"


def test_files_and_other_parts_are_no_fields() -> None:
    body = in_parts(
        part('form-data; name="query"; filename="a.txt"', "file"),
        part('attachment; name="query"', "attached"),
        part("form-data", "nameless"),
        part('form-data; name="query"', "up", "Content-Type: text/plain; charset=utf-8\r\n"),
        part('Form-Data; Name=empty; filename=""', ""),
        "--the line \t\r\n\r\nno headers\r\n",
    )
    assert parse_form(MULTIPART, body) == (("query", "up"), ("empty", ""))


def test_a_form_of_no_parts_has_no_fields() -> None:
    assert parse_form(MULTIPART, in_parts()) == ()


@pytest.mark.parametrize(
    ("content_type", "body", "told"),
    [
        ("multipart/form-data", in_parts(), "no multipart boundary param in Content-Type"),
        ("multipart/form-data; boundary=", in_parts(), "no multipart boundary param in Content-Type"),
        (MULTIPART, b"", "multipart: NextPart: EOF"),
        (MULTIPART, b"query=1", "multipart: NextPart: EOF"),
        (MULTIPART, in_parts(part("form-data; name=a", "1"))[:-30], "multipart: NextPart: EOF"),
        (MULTIPART, b"--the line\r\nContent-Disposition: form-data\r\n--the line--", "malformed part"),
        (MULTIPART, in_parts(part("form-data; name=a", "1", "X: " + "a" * 20_000)), "malformed part"),
        (MULTIPART, in_parts(*[part("form-data; name=a", "1")] * 1001), "multipart: message too large"),
    ],
)
def test_a_form_that_is_none_is_refused(content_type: str, body: bytes, told: str) -> None:
    with pytest.raises(PharosError, match=told) as caught:
        parse_form(content_type, body)
    assert caught.value.kind is Kind.INVALID


def test_a_thousand_parts_are_read() -> None:
    assert len(parse_form(MULTIPART, in_parts(*[part("form-data; name=a", "1")] * 1000))) == 1000


@pytest.mark.parametrize("content_type", [URL_ENCODED, MULTIPART])
def test_a_form_beyond_ten_megabytes_is_refused(content_type: str, pharos_url: str) -> None:
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(pharos_url).netloc, timeout=60)
    with contextlib.closing(connection):
        body = b"a" * ((10 << 20) + 1)
        connection.request("POST", "/api/v1/query", body, {"Content-Type": content_type})
        assert connection.getresponse().status == 413
