"""Pictures of graphs: what is drawn, where, and that nothing in a label breaks out of the text it is."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from pharos.pictures.chart import MOST_LINES, Chart, Line, Look, draw
from pharos.pictures.theme import DARK, LIGHT
from pharos.pictures.ticks import time_ticks, value_axis, value_text

TIMES = 1_800_000_000_000 + 15_000 * np.arange(40, dtype=np.int64)
SVG = "{http://www.w3.org/2000/svg}"
VALUES = [
    (0.0, "", "0"),
    (0.1234, "", "0.123"),
    (1234.5, "", "1.23k"),
    (-2_000_000, "", "-2M"),
    (0.054, "percentunit", "5.4 %"),
    (1536, "bytes", "1.5 KiB"),
    (0.0042, "s", "4.2 ms"),
    (90, "s", "1.5 min"),
    (7200, "s", "2 h"),
    (12.5, "reqps", "12.5 req/s"),
    (float("nan"), "s", "NaN"),
    (float("-inf"), "", "-Inf"),
    (1e300, "", "1e+285P"),
    (5e-324, "", "4.9e-324"),
]
RANGES = [
    ([1.0, 9.0], 0.0, 10.0),
    ([100.0, 101.0], 100.0, 101.0),
    ([5.0, 5.0], 4.4, 5.6),
    ([0.0, 0.0], 0.0, 1.0),
    ([-3.0, -1.0], -3.0, 0.0),
    ([], 0.0, 1.0),
]


def _line(values: object, name: str = "a") -> Line:
    return Line(name, np.asarray(values, np.float64))


def _parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - of our own making


def _texts(svg: str) -> list[str]:
    return [one.text or "" for one in _parsed(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize(("value", "unit", "text"), VALUES)
def test_a_value_is_written_in_its_unit(value: float, unit: str, text: str) -> None:
    assert value_text(value, unit) == text


@pytest.mark.parametrize(("values", "low", "high"), RANGES)
def test_an_axis_has_round_ends_around_all_values(values: list[float], low: float, high: float) -> None:
    axis = value_axis(values)
    assert (axis.low, axis.high) == pytest.approx((low, high))
    assert axis.ticks[0] == axis.low
    assert axis.ticks[-1] == axis.high


def test_times_are_marked_on_round_moments() -> None:
    marks = time_ticks(1_800_000_000_000, 1_800_003_600_000)
    assert [text for _, text in marks] == ["08:00", "08:10", "08:20", "08:30", "08:40", "08:50", "09:00"]
    assert next(text for _, text in time_ticks(1_800_000_000_000, 1_800_000_006_000)) == "08:00:00"
    assert [text for _, text in time_ticks(1_800_000_000_000, 1_802_592_000_000)][:2] == ["01-21", "01-28"]


def test_gaps_are_gaps_and_a_value_alone_is_a_point() -> None:
    values = np.full(len(TIMES), np.nan)
    values[2:5], values[9] = 1.0, 2.0
    svg = draw(Chart("Gaps", TIMES, [_line(values)]))
    path = next(found for found in re.findall(r'<path d="([^"]+)"[^>]*stroke-width="1.6"', svg))
    assert path.count("M") == 2
    assert path.endswith("h0")
    assert "nan" not in path


def test_a_threshold_is_inside_of_the_axis_and_named() -> None:
    svg = draw(Chart("Limit", TIMES, [_line(np.full(len(TIMES), 0.01))], "percentunit", (0.05,)))
    assert "5 %" in _texts(svg)
    assert DARK.limit in svg


def test_the_legend_names_series_with_their_last_values_and_tells_what_is_missing() -> None:
    lines = [_line(np.full(len(TIMES), i), f"series {i}") for i in range(MOST_LINES + 5)]
    texts = _texts(draw(Chart("Many", TIMES, lines)))
    assert "series 5" in texts
    assert "series 4" not in texts, "those with the largest values are drawn"
    assert "and 17 more, 5 of them not drawn" in texts


@pytest.mark.parametrize("lines", [[], [_line(np.full(len(TIMES), np.nan))]])
def test_a_graph_of_nothing_says_so(lines: list[Line]) -> None:
    assert "no values in this time" in _texts(draw(Chart("Empty", TIMES, lines)))


@pytest.mark.parametrize(
    "text",
    [
        "</text><script>alert(1)</script>",
        '" onload="x',
        "a\x00\x1b[31m",
        "\ud800",
        "&amp;",
        "]]>",
        "\u202eabc",
        "x" * 9000,
    ],
)
def test_a_label_is_text_and_nothing_else(text: str) -> None:
    svg = draw(Chart(text, TIMES, [_line(np.arange(len(TIMES)), text)]))
    names = {one.tag for one in _parsed(svg).iter()}
    assert names <= {f"{SVG}{name}" for name in ("svg", "rect", "path", "text")}
    assert "onload=" not in re.sub(r">[^<]*<", "><", svg).replace("&quot; onload=&quot;", "")
    svg.encode()


def test_extreme_values_make_no_extreme_picture() -> None:
    values = np.array([1e308, -1e308, np.inf, -np.inf, 5e-324] * 8)
    svg = draw(Chart("Extreme", TIMES, [_line(values)]))
    _parsed(svg)
    assert not any(re.search(r"e[+-]?[0-9]", path) for path in re.findall(r' d="([^"]*)"', svg))


def test_themes_and_sizes_are_kept() -> None:
    light = draw(Chart("Light", TIMES, [_line(np.arange(len(TIMES)))]), Look(400, 200, LIGHT))
    assert LIGHT.paper in light
    assert DARK.paper not in light
    assert 'viewBox="0 0 400 200"' in light
