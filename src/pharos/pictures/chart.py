"""A graph as SVG: lines over time with axes, thresholds, a legend. Text and paths, no styles, no scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pharos.pictures.theme import DARK, Theme
from pharos.pictures.ticks import Axis, time_ticks, value_axis, value_text

Floats: TypeAlias = NDArray[np.float64]

MOST_LINES: Final = 20
"""More cannot be told apart; those with the largest values are drawn."""
_FONT: Final = "Inter, 'DejaVu Sans', 'Liberation Sans', sans-serif"
_SIZE: Final = 12
_CHAR: Final = 6.7
"""About so wide is a character of text."""
_PAD: Final = 14.0
_ROW: Final = 17.0
_LEGEND_MOST: Final = 8
_NAME_MOST: Final = 100
_FAR: Final = 1e6
_MOST: Final = 1e300
"""Larger values are drawn at this one: their differences would be no numbers."""
_XML: Final = str.maketrans(dict.fromkeys(map(chr, range(32)), "\N{REPLACEMENT CHARACTER}"))
"""Characters that no XML may hold (XML 1.0, 2.2)."""


class Line(Struct, frozen=True):
    """A series: a value at each time, NaN where there is none."""

    name: str
    values: Floats


class Chart(Struct, frozen=True):
    """What is drawn."""

    title: str
    times_ms: NDArray[np.int64]
    lines: Sequence[Line]
    unit: str = ""
    thresholds: tuple[float, ...] = ()


class Look(Struct, frozen=True):
    """How it is drawn."""

    width: int = 800
    height: int = 360
    theme: Theme = DARK


class _Box(Struct, frozen=True):
    """Where the lines are, and which values and times that is."""

    left: float
    top: float
    width: float
    height: float
    axis: Axis
    start_ms: float
    end_ms: float

    def x_of(self, time_ms: float) -> float:
        """Return where a time is."""
        return float(self.x(np.array([time_ms], np.float64))[0])

    def y_of(self, value: float) -> float:
        """Return where a value is."""
        return float(self.y(np.array([value], np.float64))[0])

    def x(self, times_ms: Floats) -> Floats:
        """Return where times are."""
        return self.left + (times_ms - self.start_ms) / (self.end_ms - self.start_ms) * self.width

    def y(self, values: Floats) -> Floats:
        """Return where values are; those far beyond the picture are cut off there."""
        share = (self.axis.high - np.clip(values, -_MOST, _MOST)) / (self.axis.high - self.axis.low)
        return np.clip(self.top + share * self.height, -_FAR, _FAR)


_PLAIN: Final = Look()


def draw(chart: Chart, look: Look = _PLAIN) -> str:
    """Return the graph as an SVG document."""
    theme = look.theme
    lines, left_out = _chosen(chart.lines)
    rows = min(len(lines), _LEGEND_MOST) + (1 if left_out or len(lines) > _LEGEND_MOST else 0)
    box = _box(chart, lines, look, rows)
    parts = [
        _head(chart, look),
        f'<rect width="{look.width}" height="{look.height}" fill="{theme.paper}"/>',
        _text(
            _PAD, 22, _cut(chart.title, int((look.width - 2 * _PAD) / 7.4)), theme.text, weight=600, size=14
        ),
        *_grid(chart, box, theme),
        _window(box),
        *(_line(chart, one, box, _color(theme, at)) for at, one in enumerate(lines)),
        "</svg>",
        *_limits(chart, box, theme),
        *_legend(chart, lines, left_out, look, box),
        "</svg>",
    ]
    return "\n".join(parts)


def _head(chart: Chart, look: Look) -> str:
    size = f'width="{look.width}" height="{look.height}" viewBox="0 0 {look.width} {look.height}"'
    font = f'font-family="{_FONT}" font-size="{_SIZE}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font} role="img" aria-label="{_safe(chart.title)}">'
    )


def _window(box: _Box) -> str:
    """Return the beginning of the part beyond which no line goes."""
    left, top, width, height = box.left, box.top - 1, box.width, box.height + 2
    place = f'x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<svg {place} viewBox="{left:.1f} {top:.1f} {width:.1f} {height:.1f}">'


def _chosen(lines: Sequence[Line]) -> tuple[list[Line], int]:
    """Return (the lines that are drawn, how many are not): those with the largest values."""
    if len(lines) <= MOST_LINES:
        return list(lines), 0
    sizes = [float(np.nanmax(np.abs(one.values), initial=0.0)) for one in lines]
    kept = sorted(sorted(range(len(lines)), key=lambda at: -sizes[at])[:MOST_LINES])
    return [lines[at] for at in kept], len(lines) - MOST_LINES


def _box(chart: Chart, lines: Sequence[Line], look: Look, rows: int) -> _Box:
    finite = [one.values[np.isfinite(one.values)] for one in lines]
    ends = [
        float(np.clip(end, -_MOST, _MOST)) for one in finite if one.size for end in (one.min(), one.max())
    ]
    axis = value_axis([*ends, *chart.thresholds])
    wide = max(len(value_text(one, chart.unit)) for one in axis.ticks)
    left, top = _PAD + wide * _CHAR + 6, 38.0
    below = 24 + rows * _ROW + 8
    start, end = (int(chart.times_ms[0]), int(chart.times_ms[-1])) if len(chart.times_ms) else (0, 1)
    return _Box(
        left=left,
        top=top,
        width=max(look.width - left - _PAD, 20.0),
        height=max(look.height - top - below, 20.0),
        axis=axis,
        start_ms=start,
        end_ms=max(end, start + 1),
    )


def _grid(chart: Chart, box: _Box, theme: Theme) -> Iterator[str]:
    right, bottom = box.left + box.width, box.top + box.height
    for value in box.axis.ticks:
        y = box.y_of(value)
        yield f'<path d="M{box.left:.1f} {y:.1f}H{right:.1f}" stroke="{theme.line}"/>'
        yield _text(box.left - 6, y + 4, value_text(value, chart.unit), theme.dim, anchor="end")
    most = max(2, int(box.width / 80))
    for at, text in time_ticks(int(box.start_ms), int(box.end_ms), most):
        x = box.x_of(at)
        yield f'<path d="M{x:.1f} {bottom:.1f}v4" stroke="{theme.dim}"/>'
        is_last = x > right - 12
        yield _text(min(x, right), bottom + 17, text, theme.dim, anchor="end" if is_last else "middle")
    yield _text(_PAD, bottom + 17, "UTC", theme.dim)
    if not any(np.isfinite(one.values).any() for one in chart.lines):
        middle = box.top + box.height / 2
        yield _text(box.left + box.width / 2, middle, "no values in this time", theme.dim, anchor="middle")


def _line(chart: Chart, line: Line, box: _Box, color: str) -> str:
    there = np.flatnonzero(np.isfinite(line.values))
    runs = np.split(there, np.flatnonzero(np.diff(there) > 1) + 1) if there.size else []
    steps = []
    for run in runs:
        xs = np.char.mod("%.1f", box.x(chart.times_ms[run].astype(np.float64)))
        ys = np.char.mod("%.1f", box.y(line.values[run]))
        points = np.char.add(np.char.add(xs, " "), ys).tolist()
        # A value alone is a point: a line of no length with round ends.
        steps.append("M" + "L".join(points) + ("h0" if len(points) == 1 else ""))
    return (
        f'<path d="{"".join(steps)}" fill="none" stroke="{color}" stroke-width="1.6"'
        ' stroke-linejoin="round" stroke-linecap="round"/>'
    )


def _limits(chart: Chart, box: _Box, theme: Theme) -> Iterator[str]:
    for value in chart.thresholds:
        y = box.y_of(value)
        yield (
            f'<path d="M{box.left:.1f} {y:.1f}h{box.width:.1f}" stroke="{theme.limit}"'
            ' stroke-dasharray="6 4" stroke-width="1.4"/>'
        )
        yield _text(box.left + box.width, y - 5, value_text(value, chart.unit), theme.limit, anchor="end")


def _legend(chart: Chart, lines: Sequence[Line], left_out: int, look: Look, box: _Box) -> Iterator[str]:
    y = box.top + box.height + 36
    theme = look.theme
    shown = lines[:_LEGEND_MOST]
    room = min(_NAME_MOST, int((look.width - 2 * _PAD - 110) / _CHAR))
    for at, line in enumerate(shown):
        finite = line.values[np.isfinite(line.values)]
        last = value_text(float(finite[-1]), chart.unit) if finite.size else "–"
        color = _color(theme, at)
        yield f'<rect x="{_PAD}" y="{y - 8:.1f}" width="10" height="10" rx="2" fill="{color}"/>'
        yield _text(_PAD + 16, y + 1, _cut(line.name, room), theme.text)
        yield _text(look.width - _PAD, y + 1, last, theme.dim, anchor="end")
        y += _ROW
    more = len(lines) - len(shown) + left_out
    if more:
        said = f"and {more} more" + (f", {left_out} of them not drawn" if left_out else "")
        yield _text(_PAD + 16, y + 1, said, theme.dim)


def _color(theme: Theme, place: int) -> str:
    return theme.series[place % len(theme.series)]


def _text(
    x: float, y: float, said: str, color: str, *, anchor: str = "start", weight: int = 400, size: int = _SIZE
) -> str:
    more = "" if anchor == "start" else f' text-anchor="{anchor}"'
    more += "" if weight == 400 else f' font-weight="{weight}"'
    more += "" if size == _SIZE else f' font-size="{size}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{color}"{more}>{_safe(said)}</text>'


def _safe(said: str) -> str:
    plain = said.encode("utf-8", "replace").decode().translate(_XML)
    return escape(plain.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd"))


def _cut(said: str, most: int) -> str:
    return said if len(said) <= most else f"{said[: max(most - 1, 1)]}…"
