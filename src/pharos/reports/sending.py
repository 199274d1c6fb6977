"""Reports as they are made: kept definitions, dashboards asked as their makers may see them, mails owed.

That a report was sent is an entry of the audit log, made with what is owed in one transaction: so of two
servers on one database one sends, and none sends again what was sent before a restart.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

from msgspec import Struct, field

from pharos.access import Grant, Scope, granted, upkeep
from pharos.alerting.config import AlertingConfig, Receiver
from pharos.alerting.content import page_document
from pharos.clock import Clock
from pharos.dashboards.answer.asked import asked_of
from pharos.dashboards.answer.doors import Doors
from pharos.dashboards.answer.stream import all_panels, stream
from pharos.dashboards.reading import Json
from pharos.dashboards.store import Dashboards
from pharos.errors import Kind, PharosError
from pharos.notify.message import Enclosed
from pharos.pictures.raster import makes_png, png_of
from pharos.reports.definition import Report, due_ms, report_of
from pharos.reports.page import Shown, as_source, page_of
from pharos.state import PHAROS, Author, State, Unit, Writing, outbox
from pharos.state.audit import Event, Search, append, search
from pharos.state.documents import Defined, Version, get_document, list_documents
from pharos.state.outbox import Owed

_LOG = logging.getLogger(__name__)
SENT: Final = "report.send"
EMAIL: Final = "email"
LOOK_S: Final = 20.0
_LATE_MS: Final = 6 * 3_600_000
"""What was due longer ago, while no server ran, is not sent any more."""
_PICTURES_MOST_BYTES: Final = 4 << 20
_PANELS_WIDTH_PX: Final = 1_400


class ReportParts(Struct, frozen=True):
    """What reports stand on."""

    state: State
    dashboards: Dashboards
    doors: Doors
    clock: Clock
    config_of: Callable[[str], AlertingConfig]
    """The configuration of a tenant's alerting."""
    grant_of_author: Callable[[str], Grant | None]
    admit: Callable[[Scope], None]
    """Lets in who reads of a tenant. Raises PharosError(DENIED) for one that is closed."""
    url: str
    """How people reach this server; empty where that is not known."""


class Reports(Struct):
    """The reports of all tenants."""

    parts: ReportParts
    _seen: dict[tuple[str, str], int] = field(default_factory=dict)
    """Of each report, the newest moment that was looked at."""

    async def run(self, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Send what is due, for ever."""
        while True:
            try:
                await self.look()
            except PharosError as exc:
                _LOG.debug("reports are looked for again: %s", exc)
            await pause(LOOK_S)

    async def look(self) -> int:
        """Send what is due now; return how many mails are owed for it. Raises PharosError(UNAVAILABLE)."""
        kept = await self.parts.state.read(lambda unit: list_documents(unit, Defined.REPORT))
        now_ms, count = self.parts.clock.now_ms(), 0
        for version in kept:
            try:
                report = report_of(version.document or {})
            except PharosError as exc:
                _LOG.warning("the report %r of %s is not sent: %s", version.name, version.tenant_id, exc)
                continue
            at_ms, place = due_ms(report, now_ms), (version.tenant_id, version.name)
            if report.paused or self._seen.get(place, 0) >= at_ms:
                continue
            if at_ms < max(version.at_ms, now_ms - _LATE_MS):
                continue
            try:
                count += await self._send(version, report, at_ms, PHAROS)
            except PharosError as exc:
                if exc.kind is Kind.UNAVAILABLE:
                    raise
                _LOG.warning("the report %r of %s was not sent: %s", version.name, version.tenant_id, exc)
            self._seen[place] = at_ms
        return count

    async def send_now(self, tenant: str, name: str, author: Author) -> int:
        """Send a report at once; return how many mails are owed for it. Raises PharosError."""
        version = await self.parts.state.read(lambda unit: get_document(unit, tenant, Defined.REPORT, name))
        return await self._send(version, report_of(version.document or {}), None, author)

    async def preview(self, scope: Scope, report: Report) -> str:
        """Return the page of a report as a browser shows it, to who asks. Raises PharosError."""
        shown = await self._shown(scope, report)
        return await asyncio.to_thread(page_of, shown, report.theme, as_source)

    def check_receiver(self, tenant: str, report: Report) -> None:
        """Raise PharosError(INVALID) unless the receiver is there and is told by e-mail."""
        _mails(self.parts.config_of(tenant), report)

    async def _send(self, version: Version, report: Report, at_ms: int | None, author: Author) -> int:
        tenant = version.tenant_id
        if at_ms is not None and await self.parts.state.read(lambda unit: _was_sent(unit, version, at_ms)):
            return 0
        integrations = _mails(self.parts.config_of(tenant), report)
        grant = self.parts.grant_of_author(version.who)
        scope = upkeep(tenant) if grant is None else granted(tenant, grant)
        self.parts.admit(scope)
        scope.check("dashboards.view")
        page = await self._page(await self._shown(scope, report), report)
        now_ms = self.parts.clock.now_ms()
        content = page_document(page, now_ms)
        purpose = f"report:{now_ms if at_ms is None else at_ms}"

        def owe(unit: Writing) -> int:
            if at_ms is not None and _was_sent(unit, version, at_ms):
                return 0
            rows = [
                Owed(tenant, f"report:{version.name}", report.receiver, one, content, purpose=purpose)
                for one in integrations
            ]
            outbox.add(unit, rows)
            told = {"due_ms": at_ms or now_ms, "receiver": report.receiver, "dashboard": report.uid}
            append(unit, Event(SENT, f"report:{version.name}", tenant, after=told))
            return len(rows)

        return await self.parts.state.write(owe, author)

    async def _shown(self, scope: Scope, report: Report) -> Shown:
        """Return what the dashboard shows; panels are asked as the page asks them."""
        opened = await self.parts.dashboards.opened(scope, report.uid)
        model, _ = await asyncio.to_thread(opened.model)
        said = {
            "from": report.start,
            "to": report.end,
            "timezone": report.zone,
            "variables": dict(report.variables),
            "custom": list(report.variables),
            "include": ["layout", "panels"],
            "width_px": _PANELS_WIDTH_PX,
        }
        asked = asked_of(model, self.parts.clock.now_ms(), said)
        asked = await all_panels(self.parts.doors, scope, asked)
        lines = stream(self.parts.doors, scope, asked, _no_links)
        layout: Json = {}
        answers: dict[str, Json] = {}
        async with aclosing(lines) as each:  # type: ignore[type-var]  # an async generator
            async for line in each:
                if line["kind"] == "layout":
                    layout = line
                if line["kind"] == "panel":
                    answers[line["panel"]] = line
        panels = [panel for tab in layout.get("tabs", ()) for row in tab["rows"] for panel in row["panels"]]
        url = f"{self.parts.url}/d/{report.uid}/report" if self.parts.url else ""
        title = str(layout.get("title") or model.title)
        return Shown(title, asked.span.start_ms, asked.span.end_ms, panels, answers, url)

    async def _page(self, shown: Shown, report: Report) -> Enclosed:
        return await asyncio.to_thread(_enclosed, shown, report.theme)


async def _no_links(scope: Scope, tags: tuple[str, ...]) -> list[Json]:
    del scope, tags
    return []


def _enclosed(shown: Shown, theme: str) -> Enclosed:
    """Return the page with its pictures beside it; where no PNG is made, with tables of last values."""
    pictures: list[tuple[str, bytes]] = []

    def picture(svg: str) -> str:
        if not makes_png() or sum(len(png) for _, png in pictures) > _PICTURES_MOST_BYTES:
            return ""
        name = f"panel{len(pictures) + 1}@pharos"
        pictures.append((name, png_of(svg)))
        return f"cid:{name}"

    html = page_of(shown, theme, picture)
    link = f"\n\n{shown.url}" if shown.url else ""
    text = f"{shown.title}\n\nThis report is a page: your mail program shows its text alone.{link}"
    return Enclosed(shown.title, html, text, tuple(pictures))


def _mails(config: AlertingConfig, report: Report) -> list[str]:
    """Return the integrations of the report's receiver that send e-mail. Raises PharosError(INVALID)."""
    receivers: Mapping[str, Receiver] = config.receivers
    found = receivers.get(report.receiver)
    mails = [one for one in found.integrations if one.kind == EMAIL] if found else []
    if not mails:
        known = [name for name, one in receivers.items() if any(it.kind == EMAIL for it in one.integrations)]
        raise PharosError(
            Kind.INVALID,
            f"the receiver {report.receiver[:80]!r} is told nothing by e-mail",
            hint=f"receivers with email_configs: {', '.join(known[:20]) or 'none yet'}",
        )
    return [f"{one.kind}[{one.index}]" for one in mails]


def _was_sent(unit: Unit, version: Version, at_ms: int) -> bool:
    """Return whether a report was sent for this moment, or a later one."""
    wanted = Search(frozenset({version.tenant_id}), action=SENT, object=f"report:{version.name}")
    found: Sequence[Any] = search(unit, wanted, limit=1)
    return bool(found) and int((found[0].after or {}).get("due_ms", 0)) >= at_ms
