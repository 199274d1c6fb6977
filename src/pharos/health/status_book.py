"""All status pages, in memory: what everybody may see of them is told without asking what is slow."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from pharos.errors import PharosError
from pharos.health.components import ComponentHealth, Health, worst
from pharos.health.days import DAY_MS, Cell, Day, cells, uptime
from pharos.health.status_page import Announcement, ShownComponent, StatusPage, read_announcement, read_page
from pharos.state import Unit
from pharos.state.documents import Defined, Version, list_documents
from pharos.state.tenants import list_tenants

_LOG = logging.getLogger(__name__)

_PAST_MS: Final = 15 * DAY_MS
_MOST_PAST: Final = 20
_IMPACTS: Final = {
    "none": Health.HEALTHY,
    "minor": Health.DEGRADED,
    "major": Health.DEGRADED,
    "critical": Health.DOWN,
}


class Announced(Struct, frozen=True):
    """An announcement by its id."""

    id: str
    announcement: Announcement


class Book(Struct, frozen=True):
    """The pages of tenants that are open, public or not, and what is announced."""

    pages: Mapping[str, StatusPage] = field(default_factory=dict)
    """By tenant."""
    announced: Mapping[str, Sequence[Announced]] = field(default_factory=dict)
    """By tenant, the newest first."""

    def public(self, slug: str) -> tuple[str, StatusPage] | None:
        """Return tenant and page of an address; None where nothing is that everybody may see."""
        return next(
            ((tenant, page) for tenant, page in self.pages.items() if page.public and page.slug == slug), None
        )


def kept_pages(unit: Unit) -> tuple[tuple[Version, ...], tuple[Version, ...]]:
    """Return all pages and announcements of tenants that are open."""
    closed = {
        one.id
        for one in list_tenants(unit, deleted=True)
        if one.suspended_ms is not None or one.deleting_ms is not None or one.deleted_ms is not None
    }
    pages, announced = (
        tuple(one for one in list_documents(unit, kind) if one.tenant_id not in closed)
        for kind in (Defined.STATUS_PAGE, Defined.ANNOUNCEMENT)
    )
    return pages, announced


def book_of(pages: Sequence[Version], announced: Sequence[Version]) -> Book:
    """Return what the documents say; what cannot be read any more is left out."""
    found: dict[str, StatusPage] = {}
    told: dict[str, list[Announced]] = {}
    for one in pages:
        try:
            found[one.tenant_id] = read_page(one.document or {})
        except PharosError as exc:
            _LOG.error("tenant %s: its status page is not shown: %s", one.tenant_id, exc)
    for one in announced:
        try:
            announcement = read_announcement(one.document or {})
        except PharosError as exc:
            _LOG.error("tenant %s: the announcement %s is not shown: %s", one.tenant_id, one.name, exc)
            continue
        told.setdefault(one.tenant_id, []).append(Announced(one.name, announcement))
    for some in told.values():
        some.sort(key=lambda one: -one.announcement.starts_ms)
    return Book(found, told)


class PublicComponent(Struct, frozen=True):
    """A component as everybody sees it."""

    key: str
    title: str
    description: str
    health: Health
    strip: Sequence[Cell]
    """Empty where days are not shown."""
    uptime: float | None


class PublicStatus(Struct, frozen=True):
    """All that is on a page at one time."""

    slug: str
    title: str
    description: str
    link: str
    health: Health
    at_ms: int
    components: Sequence[PublicComponent]
    current: Sequence[Announced]
    """Incidents that are not over, and maintenance that goes on."""
    ahead: Sequence[Announced]
    past: Sequence[Announced]
    titles: Mapping[str, str]
    """The public names of components, by their own."""


def public_status(
    page: StatusPage,
    announced: Sequence[Announced],
    found: Mapping[str, ComponentHealth],
    days: Mapping[str, Mapping[int, Day]],
    now_ms: int,
) -> PublicStatus:
    """Return what a page shows: of components that are not named on it, and of reasons, nothing."""
    current = [
        one for one in announced if not one.announcement.is_over() and not one.announcement.is_ahead(now_ms)
    ]
    shown = [
        _component(one, current, found, days.get(one.component, {}), now_ms, page) for one in page.components
    ]
    said = [_IMPACTS[one.announcement.impact] for one in current if one.announcement.kind == "incident"]
    return PublicStatus(
        slug=page.slug,
        title=page.title,
        description=page.description,
        link=page.link,
        health=worst([*(one.health for one in shown), *(one for one in said if one is not Health.HEALTHY)]),
        at_ms=now_ms,
        components=shown,
        current=current,
        ahead=sorted(
            (one for one in announced if one.announcement.is_ahead(now_ms)),
            key=lambda one: one.announcement.starts_ms,
        ),
        past=[
            one
            for one in announced
            if one.announcement.is_over() and now_ms - one.announcement.updates[-1].at_ms < _PAST_MS
        ][:_MOST_PAST],
        titles={one.component: one.title for one in page.components},
    )


def _component(
    shown: ShownComponent,
    current: Sequence[Announced],
    found: Mapping[str, ComponentHealth],
    days: Mapping[int, Day],
    now_ms: int,
    page: StatusPage,
) -> PublicComponent:
    measured = found[shown.component].health if shown.component in found else Health.UNKNOWN
    health = measured
    for one in current:
        said = one.announcement
        if shown.component in said.components:
            # What people announce counts where it is worse than what is measured.
            announced = Health.MAINTENANCE if said.kind == "maintenance" else _IMPACTS[said.impact]
            health = worst([health, announced])
    strip = cells(days, now_ms) if page.shows_uptime else []
    part = uptime(days.values()) if page.shows_uptime else None
    return PublicComponent(shown.key, shown.title, shown.description, health, strip, part)
