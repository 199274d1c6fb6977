"""What programs read of a status page: feeds, a summary, badges."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from typing import Any, Final

import orjson

from pharos.api.health.public_html import OVERALL, WORDS, percent
from pharos.api.prometheus.answers import rfc3339
from pharos.health.components import Health
from pharos.health.status_book import Announced, PublicStatus

_COLORS: Final = {
    Health.HEALTHY: "#1a7f4b",
    Health.DEGRADED: "#b26a00",
    Health.DOWN: "#c62f35",
    Health.MAINTENANCE: "#2f5fc4",
    Health.UNKNOWN: "#5c6570",
}
_BADGE_HEIGHT: Final = 20
_PADDING: Final = 8
_NARROW: Final = frozenset("iIl.,:;'|!jtfr ")
_MOST_BADGE: Final = 40


def _all(status: PublicStatus) -> list[Announced]:
    found = [*status.current, *status.ahead, *status.past]
    return sorted(found, key=lambda one: -one.announcement.updates[-1].at_ms)


def summary_json(status: PublicStatus) -> bytes:
    """Return all that is on the page as JSON."""
    return orjson.dumps(
        {
            "title": status.title,
            "status": status.health.value,
            "said": OVERALL[status.health],
            "at": rfc3339(status.at_ms),
            "components": [
                {
                    "key": one.key,
                    "title": one.title,
                    "status": one.health.value,
                    "uptime_percent": None if one.uptime is None else float(percent(one.uptime)[:-2]),
                }
                for one in status.components
            ],
            "announcements": [_plain(one, status) for one in _all(status)],
        }
    )


def _plain(one: Announced, status: PublicStatus) -> dict[str, Any]:
    said = one.announcement
    return {
        "id": one.id,
        "kind": said.kind,
        "title": said.title,
        "impact": said.impact,
        "phase": said.phase.value,
        "starts": rfc3339(said.starts_ms),
        "ends": None if said.ends_ms is None else rfc3339(said.ends_ms),
        "components": [status.titles[name] for name in said.components if name in status.titles],
        "updates": [
            {"at": rfc3339(update.at_ms), "phase": update.phase.value, "text": update.text}
            for update in said.updates
        ],
    }


def feed_json(status: PublicStatus, address: str) -> bytes:
    """Return the announcements as a JSON Feed 1.1; `address` is that of the page, whole where it is known."""
    items = [
        {
            "id": f"{one.id}-{len(one.announcement.updates)}",
            "url": f"{address}#{one.id}",
            "title": f"{one.announcement.phase.value.capitalize()}: {one.announcement.title}",
            "content_text": one.announcement.updates[-1].text,
            "date_published": rfc3339(one.announcement.updates[0].at_ms),
            "date_modified": rfc3339(one.announcement.updates[-1].at_ms),
        }
        for one in _all(status)
    ]
    return orjson.dumps(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": status.title,
            "home_page_url": address,
            "feed_url": f"{address}feed.json",
            "items": items,
        }
    )


def feed_xml(status: PublicStatus, address: str) -> bytes:
    """Return the announcements as RSS 2.0."""
    return "".join(_rss(status, escape(address))).encode()


def _rss(status: PublicStatus, address: str) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0"><channel>'
    yield f"<title>{escape(status.title)}</title><link>{address}</link>"
    yield f"<description>{OVERALL[status.health]}</description>"
    for one in _all(status):
        said, last = one.announcement, one.announcement.updates[-1]
        at = datetime.fromtimestamp(last.at_ms / 1000, UTC)
        yield f"<item><title>{escape(f'{last.phase.value.capitalize()}: {said.title}')}</title>"
        yield f"<link>{address}#{escape(one.id)}</link><description>{escape(last.text)}</description>"
        yield f'<guid isPermaLink="false">{escape(one.id)}-{len(said.updates)}</guid>'
        yield f"<pubDate>{format_datetime(at, usegmt=True)}</pubDate></item>"
    yield "</channel></rss>\n"


def badge_svg(label: str, health: Health) -> bytes:
    """Return a badge: what it is about, and how that is."""
    label = label if len(label) <= _MOST_BADGE else f"{label[: _MOST_BADGE - 1]}…"
    left, right = (_width(text) + 2 * _PADDING for text in (label, WORDS[health]))
    whole, named, said = left + right, escape(label), WORDS[health]
    font = 'font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" fill="#fff" text-anchor="middle"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{_BADGE_HEIGHT}" role="img"'
        f' aria-label="{named}: {said}"><title>{named}: {said}</title>'
        f'<clipPath id="c"><rect width="{whole}" height="{_BADGE_HEIGHT}" rx="3"/></clipPath>'
        f'<g clip-path="url(#c)"><rect width="{left}" height="{_BADGE_HEIGHT}" fill="#3a424c"/>'
        f'<rect x="{left}" width="{right}" height="{_BADGE_HEIGHT}" fill="{_COLORS[health]}"/></g>'
        f'<g {font}><text x="{left / 2:g}" y="14">{named}</text>'
        f'<text x="{left + right / 2:g}" y="14">{said}</text></g></svg>\n'
    ).encode()


def icon_svg(health: Health) -> bytes:
    """Return a dot, for a browser's tab."""
    dot = f'<circle cx="8" cy="8" r="6" fill="{_COLORS[health]}"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">{dot}</svg>\n'.encode()


def _width(text: str) -> int:
    """Return about how wide a text is, in pixels at eleven."""
    return round(sum(4 if char in _NARROW else 7 for char in text))
