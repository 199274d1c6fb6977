"""A dashboard as a page for mail programs: headings, pictures, tables; no scripts, no styles of a sheet."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

import numpy as np
from msgspec import Struct

from pharos.pictures.chart import Chart, Line, Look, draw
from pharos.pictures.theme import Theme, theme_named
from pharos.pictures.ticks import value_text

Json = Mapping[str, Any]
Picture = Callable[[str], str]
"""Returns the source of an image of an SVG; empty where none can be shown."""

_DRAWN: Final = frozenset({"timeseries", "graph", "barchart", "state-timeline", "status-history"})
_MOST_PANELS: Final = 40
_MOST_ROWS: Final = 25
_MOST_COLUMNS: Final = 8
_CELL_MOST: Final = 200
_WIDTH: Final = 760
_HEIGHT: Final = 300


class Shown(Struct, frozen=True):
    """What a dashboard answered with."""

    title: str
    start_ms: int
    end_ms: int
    panels: Sequence[Json]
    """In the order of the page, as the layout has them."""
    answers: Mapping[str, Json]
    """The lines of panels, by key."""
    url: str = ""
    """Where the dashboard is; empty where it is not known."""


def page_of(shown: Shown, theme_name: str, picture: Picture) -> str:
    """Return the page."""
    theme = theme_named(theme_name)
    span = f"{_moment(shown.start_ms)} to {_moment(shown.end_ms)} UTC"
    body = f"margin:0;padding:20px;background:{theme.paper};color:{theme.text};font-family:sans-serif"
    head = f'<meta charset="utf-8"><title>{escape(shown.title)}</title>'
    parts = [
        f'<!DOCTYPE html><html><head>{head}</head><body style="{body}">',
        f'<div style="max-width:{_WIDTH}px;margin:0 auto">',
        f'<h1 style="font-size:20px;margin:0 0 4px">{escape(shown.title)}</h1>',
        f'<p style="color:{theme.dim};font-size:13px;margin:0 0 16px">{span}</p>',
    ]
    parts += [
        _panel(one, shown.answers.get(one["key"], {}), theme, picture) for one in shown.panels[:_MOST_PANELS]
    ]
    more = len(shown.panels) - _MOST_PANELS
    if more > 0:
        parts.append(f"<p>and {more} more panels</p>")
    if shown.url:
        parts.append(f'<p style="font-size:13px"><a href="{escape(shown.url)}">Open the dashboard</a></p>')
    return "".join((*parts, "</div></body></html>"))


def _moment(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def _panel(panel: Json, answer: Json, theme: Theme, picture: Picture) -> str:
    title = str(panel.get("title") or "")
    head = f'<h2 style="font-size:15px;margin:18px 0 6px">{escape(title)}</h2>' if title else ""
    errors = [str(one.get("message", "")) for one in answer.get("errors", ())]
    told = "".join(f'<p style="color:{theme.limit};font-size:13px">{escape(one[:300])}</p>' for one in errors)
    if panel.get("type") == "text":
        return ""
    body = _body(panel, answer, theme, picture)
    if not body and not told:
        body = f'<p style="color:{theme.dim};font-size:13px">no data in this time</p>'
    return f"{head}{told}{body}"


def _body(panel: Json, answer: Json, theme: Theme, picture: Picture) -> str:
    frames = answer.get("frames", ())
    series = [one for one in frames if one.get("shape") == "series"]
    if series and panel.get("type") in _DRAWN:
        source = picture(_graph(panel, series, theme))
        if source:
            alt = escape(f"Graph {panel.get('title') or ''}")
            return f'<img src="{source}" width="{_WIDTH}" alt="{alt}" style="max-width:100%;height:auto">'
    if series:
        rows = _last_values(panel, series)
        if len(rows) == 1 and panel.get("type") not in _DRAWN:
            return f'<p style="font-size:24px;margin:0">{escape(rows[0][1])}</p>'
        return _table(["", "last value"], rows, theme)
    tables = [one for one in frames if one.get("columns")]
    if tables:
        return _columns(tables[0], theme)
    logs = [one for one in frames if one.get("shape") == "logs"]
    return _table(["line"], [[line] for line in logs[0].get("lines", ())], theme) if logs else ""


def _graph(panel: Json, frames: Sequence[Json], theme: Theme) -> str:
    times = _times(frames[0])
    lines = [
        Line(str(one.get("name", "")), _values(one.get("values", ()), len(times)))
        for frame in frames
        for one in frame["series"]
        # Frames of other steps would need an axis of their own.
        if len(one.get("values", ())) == len(times)
    ]
    defaults = dict((panel.get("fieldConfig") or {}).get("defaults") or {})
    steps = (defaults.get("thresholds") or {}).get("steps") or ()
    limits = tuple(
        float(one["value"])
        for one in steps
        if isinstance(one, dict) and isinstance(one.get("value"), int | float)
    )
    chart = Chart("", times, lines, str(defaults.get("unit") or ""), limits[:5])
    return draw(chart, Look(_WIDTH, _HEIGHT, theme))


def _times(frame: Json) -> Any:
    said = frame["times"]
    if isinstance(said, list):
        return np.array(said, np.int64)
    return said["start"] + said["step"] * np.arange(said["count"], dtype=np.int64)


def _values(found: Any, count: int) -> Any:
    """Return values as numbers; what JSON has no number for is written as text."""
    if isinstance(found, np.ndarray):
        return found
    return np.array([math.nan if one is None else float(one) for one in found][:count], np.float64)


def _last_values(panel: Json, frames: Sequence[Json]) -> list[list[str]]:
    unit = str(((panel.get("fieldConfig") or {}).get("defaults") or {}).get("unit") or "")
    rows = []
    for frame in frames:
        for one in frame["series"]:
            values = _values(one.get("values", ()), len(one.get("values", ())))
            finite = values[~np.isnan(values)]
            last = value_text(float(finite[-1]), unit) if finite.size else "–"
            rows.append([str(one.get("name", "")), last])
    return rows


def _columns(frame: Json, theme: Theme) -> str:
    columns = frame["columns"][:_MOST_COLUMNS]
    cells = [list(one["values"][: _MOST_ROWS + 1]) for one in columns]
    rows = [
        [_cell(value, str(one.get("type", ""))) for one, value in zip(columns, row, strict=True)]
        for row in zip(*cells, strict=False)
    ]
    return _table([str(one["name"]) for one in columns], rows, theme)


def _cell(value: Any, kind: str) -> str:
    if value is None:
        return ""
    if kind == "time" and isinstance(value, int | float):
        return _moment(int(value))
    return value_text(float(value)) if isinstance(value, float) else str(value)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], theme: Theme) -> str:
    style = f"padding:3px 10px 3px 0;border-bottom:1px solid {theme.line};text-align:left"
    top = "".join(f'<th style="{style};color:{theme.dim}">{escape(one)}</th>' for one in heads)
    body = "".join(
        "<tr>" + "".join(f'<td style="{style}">{escape(cell[:_CELL_MOST])}</td>' for cell in row) + "</tr>"
        for row in rows[:_MOST_ROWS]
    )
    more = f'<p style="font-size:12px;color:{theme.dim}">and more rows</p>' if len(rows) > _MOST_ROWS else ""
    return f'<table style="border-collapse:collapse;font-size:13px"><tr>{top}</tr>{body}</table>{more}'


def as_source(svg: str) -> str:
    """Return an SVG as the source of an image of a page that a browser shows."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
