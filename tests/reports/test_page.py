"""The page of a report: pictures of graphs, tables of the rest, and text that stays text."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from pharos.reports.page import Shown, as_source, page_of

XSS = '<img src=x onerror="alert(1)">'
TIMES = {"start": 1_800_000_000_000, "step": 60_000, "count": 3}


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}


def _series(name: str, values: Any) -> dict[str, Any]:
    return {"shape": "series", "times": TIMES, "series": [{"name": name, "labels": {}, "values": values}]}


def _shown(kind: str, *frames: dict[str, Any], **more: Any) -> Shown:
    panel = {"key": "p1", "type": kind, "title": "Panel", "fieldConfig": {"defaults": {"unit": "bytes"}}}
    answers = {"p1": {"frames": list(frames), "errors": more.pop("errors", [])}}
    return Shown("Board", 1_800_000_000_000, 1_800_086_400_000, [{**panel, **more}], answers)


def test_a_graph_is_a_picture_with_its_thresholds() -> None:
    drawn: list[str] = []

    def picture(svg: str) -> str:
        drawn.append(svg)
        return "cid:one"

    steps = [{"color": "green", "value": None}, {"color": "red", "value": 1024}]
    config = {"defaults": {"unit": "bytes", "thresholds": {"steps": steps}}}
    values = np.array([1.0, np.nan, 3.0])
    page = page_of(_shown("timeseries", _series("a", values), fieldConfig=config), "light", picture)
    assert '<img src="cid:one"' in page
    assert "1 KiB" in drawn[0]
    assert "2027-01-15 08:00 to 2027-01-16 08:00 UTC" in page


@pytest.mark.parametrize("kind", ["timeseries", "stat", "gauge"])
def test_without_pictures_and_of_other_panels_the_last_values_are_told(kind: str) -> None:
    page = page_of(
        _shown(kind, _series("heap", [1, None, "+Inf"]), _series("b", [2048.0])), "dark", lambda _: ""
    )
    assert ">heap</td>" in page
    assert ">+Inf</td>" in page
    assert ">2 KiB</td>" in page


def test_tables_and_lines_have_as_many_rows_as_a_mail_takes() -> None:
    columns = [
        {"name": "when", "type": "time", "values": [1_800_000_000_000] * 40},
        {"name": "n", "type": "number", "values": [float(i) for i in range(40)]},
    ]
    page = page_of(_shown("table", {"shape": "table", "columns": columns}), "light", as_source)
    assert page.count("2027-01-15 08:00</td>") == 25
    assert "and more rows" in page
    page = page_of(_shown("logs", {"shape": "logs", "lines": ["one", XSS]}), "light", as_source)
    assert ">one</td>" in page


def test_what_failed_and_what_is_empty_is_said() -> None:
    page = page_of(_shown("timeseries", errors=[{"message": "query timed out"}]), "light", as_source)
    assert "query timed out" in page
    assert "no data in this time" in page_of(_shown("stat"), "light", as_source)


def test_no_name_breaks_out_of_the_page() -> None:
    frames = [_series(XSS, [1, 2, 3]), {"shape": "logs", "lines": [XSS]}]
    shown = _shown("stat", *frames, title=XSS, errors=[{"message": XSS}])
    parser = _Tags()
    page = page_of(Shown(XSS, 0, 1, shown.panels, shown.answers, f'https://x/"{XSS}'), "light", as_source)
    parser.feed(page)
    assert "img" not in parser.tags
    assert not any(name.startswith("on") for name in parser.attributes)
