"""The status page as everybody sees it: one document without a script, whose texts are all escaped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Final

from pharos.health.components import Health
from pharos.health.days import DAY_MS, Cell
from pharos.health.status_book import Announced, PublicComponent, PublicStatus

WORDS: Final = {
    Health.HEALTHY: "Operational",
    Health.DEGRADED: "Degraded",
    Health.DOWN: "Outage",
    Health.MAINTENANCE: "Maintenance",
    Health.UNKNOWN: "Not known",
}
OVERALL: Final = {
    Health.HEALTHY: "All systems are operational",
    Health.DEGRADED: "Some systems are degraded",
    Health.DOWN: "Some systems are down",
    Health.MAINTENANCE: "Maintenance is under way",
    Health.UNKNOWN: "The state of systems is not known",
}
_CELL: Final = 4
_GOOD: Final = 0.9995
_FAIR: Final = 0.98


def page_html(status: PublicStatus, base: str) -> str:
    """Return the page; `base` is the path that its addresses begin with, such as /status/shop/."""
    return "".join(_parts(status, escape(base)))


def _parts(status: PublicStatus, base: str) -> Iterator[str]:
    title = escape(status.title)
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    yield f"<title>{title}: {OVERALL[status.health]}</title>"
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    yield f'<meta http-equiv="refresh" content="60"><link rel="stylesheet" href="{base}style.css">'
    yield f'<link rel="icon" type="image/svg+xml" href="{base}icon.svg">'
    yield f'<link rel="alternate" type="application/rss+xml" title="{title}" href="{base}feed.xml">'
    yield f'<link rel="alternate" type="application/feed+json" title="{title}" href="{base}feed.json">'
    yield f"</head><body><main><header><h1>{title}</h1>{_link(status)}</header>"
    yield f'<section class="overall {status.health}" role="status">'
    yield f'<span class="dot"></span><h2>{OVERALL[status.health]}</h2></section>'
    if status.description:
        yield f'<div class="about">{_paragraphs(status.description)}</div>'
    for one in status.current:
        yield _announcement(one, status, is_open=True)
    if status.components:
        yield '<section class="components" aria-label="Systems">'
        yield from map(_component, status.components)
        yield "</section>"
        if any(one.strip for one in status.components):
            yield _legend()
    if status.ahead:
        yield "<h2>Planned maintenance</h2>"
        for one in status.ahead:
            yield _announcement(one, status, is_open=True)
    yield "<h2>Past incidents</h2>"
    if not status.past:
        yield '<p class="dim">There was none in the last two weeks.</p>'
    for one in status.past:
        yield _announcement(one, status, is_open=False)
    yield f'<footer><span>As of {_time(status.at_ms)}</span><nav><a href="{base}feed.xml">RSS</a>'
    yield f'<a href="{base}feed.json">JSON feed</a><a href="{base}summary.json">JSON</a></nav></footer>'
    yield "</main></body></html>\n"


def _link(status: PublicStatus) -> str:
    return f'<a class="more" href="{escape(status.link)}" rel="noopener">Help</a>' if status.link else ""


def _component(one: PublicComponent) -> str:
    about = f'<p class="dim">{escape(one.description)}</p>' if one.description else ""
    head = (
        f'<div class="line"><h3>{escape(one.title)}</h3>'
        f'<span class="state {one.health}"><span class="dot"></span>{WORDS[one.health]}</span></div>'
    )
    return f'<article class="component">{head}{about}{_strip(one)}</article>'


def _strip(one: PublicComponent) -> str:
    """Return the days as a picture, with what it shows in words."""
    if not one.strip:
        return ""
    width = len(one.strip) * _CELL
    said = "not measured yet" if one.uptime is None else f"{percent(one.uptime)} up"
    rects = "".join(
        f'<rect class="{_shade(cell)}" x="{place * _CELL}" width="{_CELL - 1}" height="30" rx="1">'
        f"<title>{_day(cell)}</title></rect>"
        for place, cell in enumerate(one.strip)
    )
    return (
        f'<svg class="strip" viewBox="0 0 {width} 30" preserveAspectRatio="none" role="img"'
        f' aria-label="{escape(one.title)} over {len(one.strip)} days: {said}">{rects}</svg>'
        f'<div class="scale"><span>{len(one.strip)} days ago</span><span>{said}</span>'
        "<span>today</span></div>"
    )


def _shade(cell: Cell) -> str:
    if cell.uptime is None:
        return "none"
    return "good" if cell.uptime >= _GOOD else "fair" if cell.uptime >= _FAIR else "poor"


def _day(cell: Cell) -> str:
    said = "not measured" if cell.uptime is None else f"{percent(cell.uptime)} up"
    return f"{_moment(cell.day * DAY_MS):%Y-%m-%d}: {said}"


def percent(ratio: float) -> str:
    """Return a part in percent, cut and not rounded: what was down for a moment is not 100 %."""
    return f"{int(ratio * 100_000) / 1000:.3f}".rstrip("0").rstrip(".") + " %"


def _legend() -> str:
    words = {"good": "up", "fair": "98 % and more", "poor": "less", "none": "not measured"}
    return (
        '<p class="legend">'
        + "".join(f'<span><i class="{shade}"></i>{word}</span>' for shade, word in words.items())
        + "</p>"
    )


def _announcement(one: Announced, status: PublicStatus, *, is_open: bool) -> str:
    said = one.announcement
    kind = "maintenance" if said.kind == "maintenance" else said.impact
    names = [status.titles[name] for name in said.components if name in status.titles]
    about = f'<p class="dim">{escape(", ".join(names))}</p>' if names else ""
    when = ""
    if said.kind == "maintenance":
        ends = f" to {_time(said.ends_ms)}" if said.ends_ms is not None else ""
        when = f'<p class="dim">{_time(said.starts_ms)}{ends}</p>'
    updates = "".join(
        f"<li><b>{escape(update.phase.value.capitalize())}</b> {_time(update.at_ms)}"
        f"{_paragraphs(update.text)}</li>"
        for update in reversed(said.updates)
    )
    shade = "open" if is_open else "over"
    return (
        f'<article class="announcement {kind} {shade}" id="{escape(one.id)}"><h3>{escape(said.title)}</h3>'
        f"{when}{about}<ol>{updates}</ol></article>"
    )


def _paragraphs(text: str) -> str:
    parts: Sequence[str] = [part for part in text.split("\n\n") if part.strip()]
    return "".join(f"<p>{'<br>'.join(map(escape, part.strip().splitlines()))}</p>" for part in parts)


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def _time(at_ms: int) -> str:
    at = _moment(at_ms)
    return f'<time datetime="{at:%Y-%m-%dT%H:%M:%SZ}">{at.day} {at:%b %Y, %H:%M} UTC</time>'
