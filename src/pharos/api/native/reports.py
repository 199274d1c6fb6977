"""`/api/reports`: dashboards that are mailed now and then, made, tried, sent at once and taken away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from pharos.api.http.errors import native_error
from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation, answering
from pharos.api.native.answers import Body, Native, Shape
from pharos.api.native.reading import STRING, failed, inputs_of
from pharos.api.prometheus.answers import rfc3339, while_connected
from pharos.clock import Clock
from pharos.identity.sign_in import author_of
from pharos.reports.definition import next_ms, report_of
from pharos.reports.sending import EMAIL, Reports
from pharos.state import State, Unit, Writing
from pharos.state.documents import (
    Defined,
    Version,
    drop_document,
    get_document,
    list_documents,
    put_document,
)
from pharos.state.tenants import require_living

_VIEW, _EDIT = "dashboards.view", "dashboards.edit"
_PATH = "/api/reports"
_ONE = f"{_PATH}/{{name}}"


class ReportBody(Body):
    """A report to be."""

    uid: str
    receiver: str
    every: str
    hour: int
    minute: int = 0
    weekday: int = 0
    zone: str = "UTC"
    start: str = "now-24h"
    end: str = "now"
    theme: str = "light"
    variables: dict[str, Any] = Field(default={})
    paused: bool = False
    version: int | None = None
    """The version that is to be there: 0 for none, nothing for any."""


class ReportShape(Shape):
    """A report."""

    name: str
    uid: str
    receiver: str
    every: str
    hour: int
    minute: int
    weekday: int
    zone: str
    start: str
    end: str
    theme: str
    variables: dict[str, Any]
    paused: bool
    version: int
    updated: str
    updated_by: str
    next: str
    """When it is sent next, unless it is paused."""


class ReportsShape(Shape):
    """The reports of a tenant, and who may get one."""

    reports: list[ReportShape]
    receivers: list[str]
    """Those that are told by e-mail."""


class SentShape(Shape):
    """How many mails are owed."""

    mails: int


class ReportsApi(Struct, frozen=True):
    """Reports of a tenant."""

    native: Native
    reports: Reports
    state: State
    clock: Clock

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make = self.native.operation
        yield make(f"GET {_PATH}", _VIEW, self.list_reports, ReportsShape)
        yield make(f"PUT {_ONE}", _EDIT, self.put_report, ReportShape, ReportBody)
        yield make(f"DELETE {_ONE}", _EDIT, self.drop_report, ReportShape)
        yield make(f"POST {_ONE}/send", _EDIT, self.send_report, SentShape)
        page = {"description": "The page.", "content": {"text/html": {"schema": STRING}}}
        yield Operation(
            f"{_ONE}/preview",
            "GET",
            answering(self.preview_report, native_error, self.preview_report),
            _VIEW,
            name="preview_report",
            tag=self.native.tag,
            summary="Preview report",
            responses={**failed(), 200: page},
            inputs=inputs_of(_ONE, {}, ()),
        )

    async def list_reports(self, request: Request) -> ReportsShape:
        """Return the reports of the tenant, and the receivers that reports can be sent to."""
        tenant = scope_of(request).alone().tenant
        kept = await self.state.read(lambda unit: list_documents(unit, kind=Defined.REPORT, tenant_id=tenant))
        receivers = [
            one.name
            for one in self.reports.parts.config_of(tenant).receivers.values()
            if any(way.kind == EMAIL for way in one.integrations)
        ]
        return ReportsShape(reports=[self._shape(one) for one in kept], receivers=receivers)

    async def put_report(self, request: Request, body: ReportBody) -> ReportShape:
        """Make a report, or change it; from now on it shows what who changed it may see."""
        scope, name = scope_of(request).alone(), request.path_params["name"]
        report = report_of(body.model_dump(exclude={"version"}))
        self.reports.check_receiver(scope.tenant, report)
        await self.reports.parts.dashboards.opened(scope, report.uid)

        def put(unit: Writing) -> Version:
            require_living(unit, scope.tenant)
            return put_document(
                unit, scope.tenant, Defined.REPORT, name, report.document(), expected=body.version
            )

        return self._shape(await self.state.write(put, author_of(scope.who)))

    async def drop_report(self, request: Request) -> ReportShape:
        """Take a report away."""
        scope, name = scope_of(request).alone(), request.path_params["name"]
        kept = await self.state.read(lambda unit: _kept(unit, scope.tenant, name))
        await self.state.write(
            lambda unit: drop_document(unit, scope.tenant, Defined.REPORT, name), author_of(scope.who)
        )
        return self._shape(kept)

    async def send_report(self, request: Request) -> SentShape:
        """Send a report now; whether it arrived is seen among what is owed to receivers."""
        scope, name = scope_of(request).alone(), request.path_params["name"]
        return SentShape(mails=await self.reports.send_now(scope.tenant, name, author_of(scope.who)))

    async def preview_report(self, request: Request) -> Response:
        """Return a report as a file, of what who asks may see."""
        scope, name = scope_of(request).alone(), request.path_params["name"]
        kept = await self.state.read(lambda unit: _kept(unit, scope.tenant, name))
        page = await while_connected(request, self.reports.preview(scope, report_of(kept.document or {})))
        headers = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="report.html"'}
        return Response(page, media_type="text/html", headers=headers)

    def _shape(self, kept: Version) -> ReportShape:
        report = report_of(kept.document or {})
        return ReportShape(
            name=kept.name,
            **report.document(),
            version=kept.version,
            updated=rfc3339(kept.at_ms),
            updated_by=kept.who_name or kept.who,
            next=rfc3339(next_ms(report, self.clock.now_ms())),
        )


def _kept(unit: Unit, tenant: str, name: str) -> Version:
    return get_document(unit, tenant, Defined.REPORT, name)
