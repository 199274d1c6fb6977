"""`/api/v1/health/status-page` and `/announcements`: what everybody is shown, and who says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import Any, Final, Literal, TypeVar

from msgspec import Struct
from pydantic import Field
from starlette.requests import Request

from pharos.api.health.checks import CHANGE, ROOT, VIEW
from pharos.api.health.public import PREFIX
from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Body, Native, Shape
from pharos.api.prometheus.answers import rfc3339
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.health.roster import Roster
from pharos.health.status_book import Announced
from pharos.health.status_page import (
    MOST_UPDATES,
    OVER,
    PAGE,
    Announcement,
    StatusPage,
    read_announcement,
    read_page,
)
from pharos.identity.sign_in import author_of
from pharos.state import Writing
from pharos.state.documents import (
    Defined,
    drop_document,
    find_document,
    get_document,
    list_documents,
    put_document,
)
from pharos.state.tenants import require_living

T = TypeVar("T")

_PAGE: Final = f"{ROOT}/status-page"
_LIST: Final = f"{ROOT}/announcements"
_ONE: Final = f"{_LIST}/{{announcement}}"
_TEXT: Final = Field(default="", max_length=4000)
_NAMES: Final[Any] = Field(default=[], max_length=100)
_PAGE_BYTES: Final = 128 << 10


class ShownComponentBody(Body):
    """A component that is shown."""

    component: str
    title: str
    description: str = ""


class StatusPageBody(Body):
    """A status page to be kept."""

    public: bool = False
    slug: str
    title: str
    description: str = ""
    components: list[ShownComponentBody] = _NAMES
    shows_uptime: bool = True
    link: str = ""
    version: int | None = Field(default=None, ge=0)


class StatusPageShape(Shape):
    """A status page."""

    public: bool
    slug: str
    title: str
    description: str
    components: list[dict[str, str]]
    shows_uptime: bool
    link: str
    version: int
    """0 where there is none yet."""
    path: str
    domains: list[str]
    """Names of its own, as the settings say."""


class AnnouncementBody(Body):
    """Something to be announced."""

    kind: Literal["incident", "maintenance"]
    title: str
    impact: Literal["none", "minor", "major", "critical"] = "minor"
    components: list[str] = _NAMES
    starts_ms: int | None = Field(default=None, ge=0)
    """Now, where it is left out."""
    ends_ms: int | None = Field(default=None, ge=0)
    phase: str = ""
    """The first one of its kind, where it is left out."""
    text: str = _TEXT


class ChangedAnnouncementBody(Body):
    """What is to be said of an announcement instead."""

    title: str
    impact: Literal["none", "minor", "major", "critical"] = "minor"
    components: list[str] = _NAMES
    starts_ms: int = Field(ge=0)
    ends_ms: int | None = Field(default=None, ge=0)


class UpdateBody(Body):
    """What is to be said next."""

    phase: str
    text: str = _TEXT


class UpdateShape(Shape):
    """What was said."""

    at: str
    phase: str
    text: str


class AnnouncementShape(Shape):
    """An announcement."""

    id: str
    kind: str
    title: str
    impact: str
    components: list[str]
    starts: str
    ends: str | None
    phase: str
    over: bool
    updates: list[UpdateShape]


class StatusPagesApi(Struct, frozen=True):
    """The status page of a tenant, and its announcements."""

    native: Native
    roster: Roster
    clock: Clock
    chance: Random
    domains: Mapping[str, str]
    """Tenants by the names at which their pages are reached."""

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make = self.native.operation
        yield make(f"GET {_PAGE}", VIEW, self.status_page, StatusPageShape)
        yield make(f"PUT {_PAGE}", CHANGE, self.put_status_page, StatusPageShape, StatusPageBody, _PAGE_BYTES)
        yield make(f"DELETE {_PAGE}", CHANGE, self.drop_status_page, StatusPageShape)
        yield make(f"GET {_LIST}", VIEW, self.announcements, list[AnnouncementShape])
        yield make(f"POST {_LIST}", CHANGE, self.announce, AnnouncementShape, AnnouncementBody)
        yield make(
            f"PUT {_ONE}", CHANGE, self.change_announcement, AnnouncementShape, ChangedAnnouncementBody
        )
        yield make(f"POST {_ONE}/updates", CHANGE, self.update_announcement, AnnouncementShape, UpdateBody)
        yield make(f"DELETE {_ONE}", CHANGE, self.drop_announcement, AnnouncementShape)

    # -- the page --

    async def status_page(self, request: Request) -> StatusPageShape:
        """Return the tenant's status page; version 0 where there is none yet."""
        tenant = _tenant(request)
        kept = await self.roster.state.read(
            lambda unit: find_document(unit, tenant, Defined.STATUS_PAGE, PAGE)
        )
        if kept is None or kept.document is None:
            empty = StatusPage.model_construct(
                public=False, slug="", title="", description="", components=(), shows_uptime=True, link=""
            )
            return self._page(tenant, empty, 0)
        return self._page(tenant, read_page(kept.document), kept.version)

    async def put_status_page(self, request: Request, body: StatusPageBody) -> StatusPageShape:
        """Make the status page, or change it. It is seen by everybody once it is public, and not before."""
        tenant = _tenant(request)
        document = body.model_dump(exclude={"version"})
        page = read_page(document)

        def put(unit: Writing) -> int:
            require_living(unit, tenant)
            for other in list_documents(unit, Defined.STATUS_PAGE):
                if other.tenant_id != tenant and (other.document or {}).get("slug") == page.slug:
                    raise PharosError(Kind.CONFLICT, f"the address {PREFIX}{page.slug} is taken")
            return put_document(
                unit, tenant, Defined.STATUS_PAGE, PAGE, document, expected=body.version
            ).version

        version = await self._write(request, put)
        return self._page(tenant, page, version)

    async def drop_status_page(self, request: Request) -> StatusPageShape:
        """Take the status page away; its announcements stay, and are seen by nobody else."""
        tenant = _tenant(request)
        dropped = await self._write(
            request, lambda unit: drop_document(unit, tenant, Defined.STATUS_PAGE, PAGE)
        )
        return self._page(tenant, read_page(dropped.document or {}), dropped.version)

    def _page(self, tenant: str, page: StatusPage, version: int) -> StatusPageShape:
        return StatusPageShape(
            public=page.public,
            slug=page.slug,
            title=page.title,
            description=page.description,
            components=[one.model_dump() for one in page.components],
            shows_uptime=page.shows_uptime,
            link=page.link,
            version=version,
            path=f"{PREFIX}{page.slug}" if page.slug else "",
            domains=sorted(name for name, whose in self.domains.items() if whose == tenant),
        )

    # -- announcements --

    async def announcements(self, request: Request) -> list[dict[str, Any]]:
        """Return all announcements, the newest first."""
        found: Sequence[Announced] = self.roster.book.announced.get(_tenant(request), ())
        return [_shown(one.id, one.announcement).model_dump() for one in found]

    async def announce(self, request: Request, body: AnnouncementBody) -> AnnouncementShape:
        """Announce an incident, or a maintenance that is planned."""
        now_ms = self.clock.now_ms()
        first = "investigating" if body.kind == "incident" else "scheduled"
        said = body.model_dump(exclude={"phase", "text"})
        said["starts_ms"] = now_ms if body.starts_ms is None else body.starts_ms
        said["updates"] = [{"at_ms": now_ms, "phase": body.phase or first, "text": body.text}]
        identifier = f"{self.chance.getrandbits(64):016x}"
        return await self._keep(request, identifier, said)

    async def change_announcement(self, request: Request, body: ChangedAnnouncementBody) -> AnnouncementShape:
        """Say something else of an announcement; its updates stay."""
        before = await self._kept(request)
        return await self._keep(request, request.path_params["announcement"], {**before, **body.model_dump()})

    async def update_announcement(self, request: Request, body: UpdateBody) -> AnnouncementShape:
        """Say how far it is; `resolved` and `completed` end it."""
        before, now_ms = await self._kept(request), self.clock.now_ms()
        updates = [*before["updates"], {"at_ms": now_ms, "phase": body.phase, "text": body.text}]
        if len(updates) > MOST_UPDATES:
            raise PharosError(Kind.LIMITED, f"an announcement has {MOST_UPDATES} updates at most")
        changed = {**before, "updates": updates}
        if body.phase in OVER and now_ms > before["starts_ms"]:
            changed["ends_ms"] = now_ms
        return await self._keep(request, request.path_params["announcement"], changed)

    async def drop_announcement(self, request: Request) -> AnnouncementShape:
        """Take an announcement off the page, as if it had never been."""
        tenant, name = _tenant(request), request.path_params["announcement"]
        dropped = await self._write(
            request, lambda unit: drop_document(unit, tenant, Defined.ANNOUNCEMENT, name)
        )
        return _shown(name, read_announcement(dropped.document or {}))

    async def _kept(self, request: Request) -> dict[str, Any]:
        tenant, name = _tenant(request), request.path_params["announcement"]
        found = await self.roster.state.read(
            lambda unit: get_document(unit, tenant, Defined.ANNOUNCEMENT, name)
        )
        return dict(found.document or {})

    async def _keep(self, request: Request, name: str, document: dict[str, Any]) -> AnnouncementShape:
        announcement, tenant = read_announcement(document), _tenant(request)

        def put(unit: Writing) -> None:
            require_living(unit, tenant)
            put_document(unit, tenant, Defined.ANNOUNCEMENT, name, document)

        await self._write(request, put)
        return _shown(name, announcement)

    async def _write(self, request: Request, fn: Callable[[Writing], T]) -> T:
        found = await self.roster.state.write(fn, author_of(scope_of(request).who))
        await self.roster.refresh()
        return found


def _tenant(request: Request) -> str:
    return scope_of(request).alone().tenant


def _shown(identifier: str, one: Announcement) -> AnnouncementShape:
    return AnnouncementShape(
        id=identifier,
        kind=one.kind,
        title=one.title,
        impact=one.impact,
        components=list(one.components),
        starts=rfc3339(one.starts_ms),
        ends=None if one.ends_ms is None else rfc3339(one.ends_ms),
        phase=one.phase.value,
        over=one.is_over(),
        updates=[
            UpdateShape(at=rfc3339(update.at_ms), phase=update.phase.value, text=update.text)
            for update in one.updates
        ],
    )
