"""Pictures over HTTP: SVG and PNG of a query, what is refused, and links that run out."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import pytest
from tests.servers import write_samples

from pharos.alerting.links import sign_content
from pharos.alerting.picture_links import PATH, PictureLink, picture_of, read_picture, sign_picture
from pharos.api.pictures.graph import comparison_of, series_names
from pharos.errors import PharosError
from pharos.promql.language.printer import to_text
from pharos.query.metrics.query import parse_query

KEY = bytes(range(32))
LINK = PictureLink("own", "up == 0", "Down", 1_000, 2_000, 5_000)
COMPARISONS = [
    ("a > 5", "a", 5.0),
    ("(rate(a[5m]) >= (0.5))", "rate(a[5m])", 0.5),
    ("10 < a", "a", 10.0),
    ("a > b", "a > b", None),
    ("a == 1", "a == 1", None),
    ("a > bool 5", "a > bool 5", None),
    ("a > 1 and b > 2", "a > 1 and b > 2", None),
    ("a > Inf", "a > +Inf", None),
]
REFUSED = [
    ("", 400, "no expression"),
    ("query=rate(", 400, "parse error"),
    ("query=up&format=gif", 400, "svg, png"),
    ("query=up&theme=pink", 400, "dark, light"),
    ("query=up&width=99", 400, "width"),
    ("query=up&height=1e9", 400, "height"),
    ("query=up&threshold=NaN", 400, "threshold"),
    ("query=up&start=2&end=1", 400, "end must be after start"),
    ("query=up&start=1&end=9999999999", 400, "400 days"),
    ("query=up[5m]", 400, "range"),
    ("query=%22text%22", 400, ""),
    (f"query=up&title={'x' * 301}", 400, "title"),
]


def _get(url: str, path: str) -> tuple[int, str, bytes]:
    try:
        with urllib.request.urlopen(f"{url}{path}", timeout=60) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, exc.headers["Content-Type"], exc.read()


@pytest.mark.parametrize(("query", "shown", "limit"), COMPARISONS)
def test_a_comparison_is_taken_apart_where_all_of_it_is_one(
    query: str, shown: str, limit: float | None
) -> None:
    found, at = comparison_of(parse_query(query))
    assert (to_text(found.expr), at) == (shown, limit)


def test_series_are_called_by_what_tells_them_apart() -> None:
    shared = (("__name__", "up"), ("job", "a"))
    assert series_names([(*shared, ("host", "x")), (*shared, ("host", "y"))]) == ["x", "y"]
    assert series_names([shared]) == ['up{job="a"}']
    assert series_names([()]) == ["value"]


def test_a_query_is_drawn_as_svg_and_as_png(pharos_url: str) -> None:
    write_samples(pharos_url, "drawn_sample", 60)
    query = urllib.parse.quote("drawn_sample > 3")
    status, media, body = _get(pharos_url, f"/api/pictures/metrics?query={query}&theme=light&unit=bytes")
    assert (status, media) == (200, "image/svg+xml")
    assert body.startswith(b"<svg")
    assert b"drawn_sample &gt; 3" in body
    assert b"3 B" in body
    status, media, body = _get(pharos_url, f"/api/pictures/metrics?query={query}&format=png&width=400")
    assert (status, media) == (200, "image/png")
    assert body.startswith(b"\x89PNG")
    assert int.from_bytes(body[16:20], "big") == 400


@pytest.mark.parametrize(("asked", "status", "told"), REFUSED)
def test_what_cannot_be_drawn_is_refused(pharos_url: str, asked: str, status: int, told: str) -> None:
    found, _, body = _get(pharos_url, f"/api/pictures/metrics?{asked}")
    assert found == status, body
    assert told in json.loads(body)["error"]


@pytest.mark.parametrize("token", ["", "x", "AAAA", sign_picture(LINK, KEY), "é" * 20])
def test_a_link_that_is_none_of_ours_shows_nothing(pharos_url: str, token: str) -> None:
    status, _, body = _get(pharos_url, f"{PATH}{urllib.parse.quote(token)}")
    assert status in {403, 404}
    assert b"<svg" not in body


def test_a_link_says_what_was_signed_until_it_runs_out() -> None:
    token = sign_picture(LINK, KEY)
    assert read_picture(token, KEY, 4_999) == LINK
    for spoiled, key, now_ms in (
        (token, KEY, 5_000),
        (token, bytes(32), 0),
        (token, b"", 0),
        (token[:-2], KEY, 0),
        (sign_content(b"[]", KEY, b"pharos link\0"), KEY, 0),
    ):
        with pytest.raises(PharosError):
            read_picture(spoiled, key, now_ms)


def test_an_alert_of_ours_has_a_picture_and_of_others_none() -> None:
    ours: dict[str, Any] = {
        "url": "https://pharos.example/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
        "labels": [["alertname", "Down"]],
    }
    address = picture_of(
        "own", [{"url": "https://other/graph?g0.expr=up"}, ours], 9_000_000, "https://pharos.example", KEY
    )
    said = read_picture(address.rpartition("/")[2], KEY, 9_000_000)
    assert (said.tenant, said.query, said.title) == ("own", "up == 0", "Down")
    assert said.start_ms < 9_000_000 < said.end_ms < said.expires_ms
    assert (
        picture_of("own", [{"url": "https://other/graph?g0.expr=up"}], 1, "https://pharos.example", KEY) == ""
    )
