"""Where status pages are seen: `/status/SLUG`, and the names that the settings give them.

Everybody may ask, so what is answered depends on the address alone: no header, cookie or parameter changes
it, and it is made once in some seconds however often it is asked. All of it is in memory; neither the store
nor people's state is asked.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Asked

from pharos.api.health.components import days_of
from pharos.api.health.public_feeds import badge_svg, feed_json, feed_xml, icon_svg, summary_json
from pharos.api.health.public_html import page_html
from pharos.api.http.routes import Operation
from pharos.clock import Clock
from pharos.health.roster import Roster
from pharos.health.status_book import PublicStatus, public_status

PREFIX: Final = "/status/"
OWN: Final = "pharos.status.domain"
"""Where an ASGI scope holds the name of a page's own by which it is asked."""
_CSS: Final = (Path(__file__).parent / "public.css").read_bytes()
_FRESH_S: Final = 5.0
_MOST_KEPT: Final = 2000
_KEPT_HEADERS: Final = frozenset({b"host", b"if-none-match", b"user-agent", b"connection"})
_HTML: Final = "text/html; charset=utf-8"
_SVG: Final = "image/svg+xml"
_POLICY: Final = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"
_RATE: Final = 20.0
_BURST: Final = 100.0
_MOST_KNOWN: Final = 10_000


class Throttle(Struct):
    """How often each address may ask: so many at once, and so many a second on the whole."""

    rate: float = _RATE
    burst: float = _BURST
    _known: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)
    """What each has left, and when that was."""

    def takes(self, who: str, now_s: float) -> bool:
        """Return whether somebody may ask now."""
        left, at_s = self._known.pop(who, (self.burst, now_s))
        left = min(self.burst, left + (now_s - at_s) * self.rate)
        self._known[who] = (max(0.0, left - 1.0), now_s)
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
        return left >= 1.0


class _Made(Struct, frozen=True):
    body: bytes
    media: str
    tag: str


Make = Callable[[PublicStatus, str, str], tuple[bytes, str] | None]
"""Makes a body and its type of a status, the base of its addresses, and the page's whole address."""


def _maker(rest: str) -> Make | None:
    """Return what makes what stands at the end of an address; None for nothing."""
    fixed: Mapping[str, Make] = {
        "": lambda status, base, _: (page_html(status, base).encode(), _HTML),
        "style.css": lambda _status, _base, _address: (_CSS, "text/css; charset=utf-8"),
        "summary.json": lambda status, _base, _address: (summary_json(status), "application/json"),
        "feed.json": lambda status, _, address: (feed_json(status, address), "application/feed+json"),
        "feed.xml": lambda status, _, address: (feed_xml(status, address), "application/rss+xml"),
        "badge.svg": lambda status, _base, _address: (badge_svg(status.title, status.health), _SVG),
        "icon.svg": lambda status, _base, _address: (icon_svg(status.health), _SVG),
    }
    if rest.startswith("badges/") and rest.endswith(".svg"):
        key = rest.removeprefix("badges/").removesuffix(".svg")

        def badge(status: PublicStatus, _base: str, _address: str) -> tuple[bytes, str] | None:
            one = next((one for one in status.components if one.key == key), None)
            return None if one is None else (badge_svg(one.title, one.health), _SVG)

        return badge
    return fixed.get(rest)


class PublicPages(Struct):
    """Answers everybody."""

    roster: Roster
    clock: Clock
    url: str
    """How people reach the server; empty where that is not known."""
    throttle: Throttle = field(default_factory=Throttle)
    _statuses: dict[str, tuple[float, int, PublicStatus]] = field(default_factory=dict)
    _made: dict[tuple[str, str, str], tuple[int, _Made]] = field(default_factory=dict)
    _number: int = 0

    def operations(self) -> list[Operation]:
        """Return the operations: one, at all addresses of pages."""
        responses: dict[int, Mapping[str, Any]] = {
            200: {"description": "The page, a feed, a summary or a badge.", "content": {"text/html": {}}},
            304: {"description": "It is as it was."},
            404: {"description": "There is no such page, or it is not public."},
            429: {"description": "Too many requests of one address."},
        }
        return [
            Operation(
                path,
                "GET",
                self.answer,
                None,
                name=name,
                tag="health",
                summary="Status page",
                responses=responses,
                inputs={"parameters": [_path_parameter(part) for part in parts]},
            )
            for path, name, parts in (
                (f"{PREFIX}{{slug}}", "status_page_public", ("slug",)),
                (f"{PREFIX}{{slug}}/{{rest:path}}", "status_page_part", ("slug", "rest")),
            )
        ]

    async def answer(self, request: Request) -> Response:
        """Show a status page that is public, or a part of it: summary.json, feed.xml, feed.json, badge.svg,
        badges/COMPONENT.svg."""
        who = request.client.host if request.client else ""
        if not self.throttle.takes(who, self.clock.monotonic_s()):
            headers = {"Retry-After": "5", "Cache-Control": "no-store"}
            return Response("Too many requests.\n", 429, headers, "text/plain; charset=utf-8")
        slug, rest = request.path_params["slug"], request.path_params.get("rest", "")
        found = self._found(slug, rest, request.scope.get(OWN, ""))
        if found is None:
            return Response("There is no such page.\n", 404, {"Cache-Control": "no-store"}, "text/plain")
        headers = {
            "Cache-Control": "public, max-age=15",
            "ETag": found.tag,
            "Content-Security-Policy": _POLICY,
            "Cross-Origin-Resource-Policy": "cross-origin" if found.media == _SVG else "same-origin",
            "X-Robots-Tag": "noarchive",
        }
        if request.headers.get("if-none-match") == found.tag:
            return Response(status_code=304, headers=headers)
        return Response(found.body, headers=headers, media_type=found.media)

    def _found(self, slug: str, rest: str, domain: str) -> _Made | None:
        make = _maker(rest)
        if make is None:
            return None
        known = self._status(slug)
        if known is None:
            return None
        number, status = known
        key = (slug, rest, domain)
        made = self._made.get(key)
        if made is not None and made[0] == number:
            return made[1]
        base = "/" if domain else f"{PREFIX}{slug}/"
        address = f"https://{domain}/" if domain else f"{self.url}{base}"
        written = make(status, base, address)
        if written is None:
            return None
        tag = f'"{hashlib.sha256(written[0]).hexdigest()[:32]}"'
        if len(self._made) >= _MOST_KEPT:
            self._made.clear()
        self._made[key] = number, _Made(written[0], written[1], tag)
        return self._made[key][1]

    def _status(self, slug: str) -> tuple[int, PublicStatus] | None:
        """Return what a page shows, of some seconds ago at most, with a number that it alone has."""
        found = self.roster.book.public(slug)
        if found is None:
            return None
        tenant, page = found
        now_s, known = self.clock.monotonic_s(), self._statuses.get(slug)
        book = self.roster.book_number
        if known is not None and now_s - known[0] < _FRESH_S and known[1] >> 32 == book:
            return known[1], known[2]
        self._number += 1
        components = self.roster.monitor.components(tenant)
        shown = {one.component for one in page.components}
        days = {
            name: days_of(self.roster, tenant, components[name], components)
            for name in shown
            if name in components
        }
        announced = self.roster.book.announced.get(tenant, ())
        status = public_status(page, announced, components, days, self.clock.now_ms())
        if len(self._statuses) >= _MOST_KEPT:
            self._statuses.clear()
        number = book << 32 | self._number & 0xFFFFFFFF
        self._statuses[slug] = now_s, number, status
        return number, status


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


class StatusNames(Struct, frozen=True):
    """The names at which status pages are reached."""

    domains: Mapping[str, str]
    """Tenants by the names."""
    slug_of: Callable[[str], str]
    """Returns the slug of a tenant's public page; one that no page has for none."""


class PublicFront:
    """The application `app` behind what leads to status pages: by names of their own, where nothing else is.

    A request for a page loses its headers, so that none of them changes what everybody is shown.
    """

    def __init__(self, app: ASGIApp, names: StatusNames) -> None:
        self._app = app
        self._domains = {name.encode(): tenant for name, tenant in names.domains.items()}
        self._slug_of = names.slug_of

    async def __call__(self, asked: Asked, receive: Receive, send: Send) -> None:
        """Answer."""
        if asked["type"] in {"http", "websocket"}:
            asked = self._led(asked)
        await self._app(asked, receive, send)

    def _led(self, asked: Asked) -> Asked:
        """Return a request as it goes on."""
        domain = _name(asked["headers"]) if self._domains else b""
        tenant = self._domains.get(domain)
        if tenant is None:
            if asked["type"] == "http" and asked["path"].startswith(PREFIX):
                return {**asked, "headers": _kept(asked["headers"]), "query_string": b""}
            return asked
        slug = self._slug_of(tenant)
        path = f"{PREFIX}{slug}{asked['path']}"
        raw = f"{PREFIX}{slug}".encode() + (asked.get("raw_path") or b"/")
        if path.endswith("/") and asked["path"] == "/":
            path, raw = path[:-1], raw[:-1]
        return {
            **asked,
            "path": path,
            "raw_path": raw,
            "query_string": b"",
            "headers": _kept(asked["headers"]),
            OWN: domain.decode(),
        }


def _name(headers: list[tuple[bytes, bytes]]) -> bytes:
    """Return the name by which a request came, in small letters and without its port."""
    host = next((value for name, value in headers if name == b"host"), b"")
    return host.strip().lower().partition(b":")[0].removesuffix(b".")


def _kept(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [one for one in headers if one[0] in _KEPT_HEADERS]
