"""Maintenance windows and dependencies of a tenant: what holds pages back beside silences."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from msgspec import Struct
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from pharos.alerting.alerts import labels_by_fingerprint
from pharos.alerting.dependencies import as_inhibitions, read_dependency
from pharos.alerting.dispatch import Dispatcher
from pharos.alerting.maintenance import Occurrence, Window, read_conditions, read_window, written_calendar
from pharos.alerting.matchers import matches_all
from pharos.api.http.errors import native_error
from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Body, Native, Shape
from pharos.api.prometheus.answers import rfc3339
from pharos.api.prometheus.shapes import Failure
from pharos.clock import Clock
from pharos.errors import PharosError
from pharos.identity.sign_in import author_of
from pharos.state import State
from pharos.state.documents import (
    Defined,
    Version,
    drop_document,
    get_document,
    list_documents,
    put_document,
    versions_of,
)

_VIEW: Final = "alerts.view"
_CONFIGURE: Final = "alerts.configure"
_SHOWN_MS: Final = 90 * 86_400_000
"""So far ahead occurrences are shown."""
_OCCURRENCES: Final = 50
_CALENDAR_MS: Final = int(timedelta(days=366) / timedelta(milliseconds=1))
_PAST_MS: Final = int(timedelta(days=31) / timedelta(milliseconds=1))
_EXPECTED: Final = Field(default=None, ge=0)


class WindowBody(Body):
    """A maintenance window; times on the wall clock of its zone, `repeats` an RRULE."""

    starts: str
    ends: str
    zone: str = "UTC"
    repeats: str = ""
    without: list[str] = Field(default=[], max_length=1000)
    """Days on which it does not begin."""
    matchers: list[str] = Field(max_length=50)
    reason: str
    version: int | None = _EXPECTED
    """Which one is to be replaced, 0 for none."""


class DependencyBody(Body):
    """What depends on what: alerts by matchers."""

    parent: list[str] = Field(max_length=50)
    child: list[str] = Field(max_length=50)
    equal: list[str] = Field(default=[], max_length=20)
    reason: str = ""
    version: int | None = _EXPECTED


class OccurrenceShape(Shape):
    """One time that a window is."""

    starts: str
    ends: str


class WindowShape(Shape):
    """A window, and when it is next."""

    name: str
    version: int
    starts: str
    ends: str
    zone: str
    repeats: str
    without: list[str]
    matchers: list[str]
    reason: str
    by: str
    at: str
    is_open: bool
    next: OccurrenceShape | None
    """When it is or will be, however far ahead; None where it will not be again."""
    occurrences: list[OccurrenceShape]
    """Those that are or begin within 90 days."""


class DependencyShape(Shape):
    """A dependency."""

    name: str
    version: int
    parent: list[str]
    child: list[str]
    equal: list[str]
    reason: str
    by: str
    at: str


class PreviewShape(Shape):
    """What a window would do."""

    occurrences: list[OccurrenceShape]
    alerts: list[str]
    """Fingerprints of alerts that there are now, whose matchers hold."""
    labels: dict[str, dict[str, str]]
    """Those alerts' labels, by fingerprint."""


class DependencyPreviewShape(Shape):
    """What a dependency would do with the alerts that there are now, by fingerprint."""

    parents: list[str]
    children: list[str]
    held_back: list[str]
    labels: dict[str, dict[str, str]]
    """The labels of all of them, by fingerprint."""


class DefinitionShape(Shape):
    """A version of a definition."""

    version: int
    definition: dict[str, Any] | None
    by: str
    reason: str
    at: str


class WindowsApi(Struct, frozen=True):
    """`/api/alerting/maintenance` and `/api/alerting/dependencies`."""

    native: Native
    state: State
    clock: Clock
    dispatcher: Dispatcher
    refresh: Callable[[], Awaitable[None]]
    """Has what was written be followed."""

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make = self.native.operation
        path = "/api/alerting/maintenance"
        one = f"{path}/{{name}}"
        yield make(f"GET {path}", _VIEW, self.list_windows, list[WindowShape])
        yield make(f"POST {path}/preview", _VIEW, self.preview_window, PreviewShape, WindowBody)
        yield make(f"GET {one}", _VIEW, self.show_window, WindowShape)
        yield make(f"PUT {one}", _CONFIGURE, self.set_window, WindowShape, WindowBody)
        yield make(f"DELETE {one}", _CONFIGURE, self.drop_window, WindowShape)
        yield make(f"GET {one}/versions", _VIEW, self.list_window_versions, list[DefinitionShape])
        yield self._calendar()
        path = "/api/alerting/dependencies"
        one, shape = f"{path}/{{name}}", DependencyShape
        yield make(f"GET {path}", _VIEW, self.list_dependencies, list[DependencyShape])
        yield make(
            f"POST {path}/preview", _VIEW, self.preview_dependency, DependencyPreviewShape, DependencyBody
        )
        yield make(f"GET {one}", _VIEW, self.show_dependency, shape)
        yield make(f"PUT {one}", _CONFIGURE, self.set_dependency, shape, DependencyBody)
        yield make(f"DELETE {one}", _CONFIGURE, self.drop_dependency, shape)
        yield make(f"GET {one}/versions", _VIEW, self.list_dependency_versions, list[DefinitionShape])

    # -- maintenance windows --

    async def list_windows(self, request: Request) -> list[dict[str, Any]]:
        """Return the tenant's maintenance windows."""
        found = await self._all(request, Defined.MAINTENANCE)
        now_ms = self.clock.now_ms()
        return await asyncio.to_thread(lambda: [_window(one, now_ms) for one in found])

    async def show_window(self, request: Request) -> dict[str, Any]:
        """Return one maintenance window."""
        found = await self._one(request, Defined.MAINTENANCE)
        return await asyncio.to_thread(_window, found, self.clock.now_ms())

    async def set_window(self, request: Request, body: WindowBody) -> dict[str, Any]:
        """Define a maintenance window, or say anew when it is."""
        document = body.model_dump(mode="json", exclude={"version"})
        name = request.path_params["name"]
        await asyncio.to_thread(read_window, document, name)
        made = await self._put(request, Defined.MAINTENANCE, document, body.version, body.reason)
        return await asyncio.to_thread(_window, made, self.clock.now_ms())

    async def drop_window(self, request: Request) -> dict[str, Any]:
        """Take a maintenance window away."""
        gone = await self._drop(request, Defined.MAINTENANCE)
        return await asyncio.to_thread(_window, gone, self.clock.now_ms())

    async def list_window_versions(self, request: Request) -> list[dict[str, Any]]:
        """Return the versions of a maintenance window, the newest first."""
        return await self._versions(request, Defined.MAINTENANCE)

    async def preview_window(self, request: Request, body: WindowBody) -> dict[str, Any]:
        """Return when a window would be, and which of the alerts that there are it would be over."""
        document = body.model_dump(mode="json", exclude={"version"})
        now_ms = self.clock.now_ms()
        window = await asyncio.to_thread(read_window, document, "to be")
        shown = await asyncio.to_thread(_occurrences, window, now_ms)
        found = self._matching(request, window.matchers)
        return {"occurrences": shown, "alerts": list(found), "labels": found}

    def _calendar(self) -> Operation:
        async def maintenance_calendar(request: Request) -> Response:
            try:
                found = await self._all(request, Defined.MAINTENANCE)
                now_ms = self.clock.now_ms()
                tenant = scope_of(request).alone().tenant
                text = await asyncio.to_thread(_written, found, tenant, now_ms)
            except PharosError as exc:
                return native_error(exc)
            return Response(text, media_type="text/calendar", headers={"Cache-Control": "no-store"})

        return Operation(
            "/api/alerting/maintenance.ics",
            "GET",
            maintenance_calendar,
            _VIEW,
            name="maintenance_calendar",
            tag=self.native.tag,
            summary="Maintenance calendar",
            responses={
                200: {
                    "description": "iCalendar.",
                    "content": {"text/calendar": {"schema": {"type": "string"}}},
                },
                403: {"model": Failure, "description": "Who asks may not do this."},
                503: {"model": Failure, "description": "Not now."},
            },
        )

    # -- dependencies --

    async def list_dependencies(self, request: Request) -> list[dict[str, Any]]:
        """Return what the tenant says depends on what."""
        return [_dependency(one) for one in await self._all(request, Defined.DEPENDENCY)]

    async def show_dependency(self, request: Request) -> dict[str, Any]:
        """Return one dependency."""
        return _dependency(await self._one(request, Defined.DEPENDENCY))

    async def set_dependency(self, request: Request, body: DependencyBody) -> dict[str, Any]:
        """Say what depends on what."""
        document = body.model_dump(mode="json", exclude={"version"})
        read_dependency(document, request.path_params["name"])
        return _dependency(await self._put(request, Defined.DEPENDENCY, document, body.version, body.reason))

    async def drop_dependency(self, request: Request) -> dict[str, Any]:
        """Take a dependency away."""
        return _dependency(await self._drop(request, Defined.DEPENDENCY))

    async def list_dependency_versions(self, request: Request) -> list[dict[str, Any]]:
        """Return the versions of a dependency, the newest first."""
        return await self._versions(request, Defined.DEPENDENCY)

    async def preview_dependency(self, request: Request, body: DependencyBody) -> dict[str, Any]:
        """Return which of the alerts that there are now are parents, which children, and who would be held
        back.
        """
        read = read_dependency(body.model_dump(mode="json", exclude={"version"}), "to be")
        (rule,) = as_inhibitions({"to be": read})
        moment, desk = self.dispatcher.moment(), self.dispatcher.desk(scope_of(request).alone().tenant)
        living = desk.alerts.living(moment.now_s)
        parents = [one for one in living if matches_all(rule.sources[0].matchers, one.mapping)]
        children = [one for one in living if matches_all(rule.target, one.mapping)]

        def key(labels: Mapping[str, str]) -> tuple[str, ...]:
            return tuple(labels.get(name, "") for name in read.equal)

        both = {one.alert.fingerprint for one in parents} & {one.alert.fingerprint for one in children}
        keys = {key(one.mapping) for one in parents}
        alone = {key(one.mapping) for one in parents if one.alert.fingerprint not in both}
        held = [
            one for one in children if key(one.mapping) in (alone if one.alert.fingerprint in both else keys)
        ]
        return {
            "parents": [one.alert.fingerprint for one in parents],
            "children": [one.alert.fingerprint for one in children],
            "held_back": [one.alert.fingerprint for one in held],
            "labels": labels_by_fingerprint([*parents, *children]),
        }

    # -- definitions --

    async def _all(self, request: Request, kind: Defined) -> tuple[Version, ...]:
        tenant = scope_of(request).alone().tenant
        return await self.state.read(lambda unit: list_documents(unit, kind, tenant))

    async def _one(self, request: Request, kind: Defined) -> Version:
        tenant, name = scope_of(request).alone().tenant, request.path_params["name"]
        return await self.state.read(lambda unit: get_document(unit, tenant, kind, name))

    async def _put(
        self, request: Request, kind: Defined, document: Mapping[str, Any], version: int | None, reason: str
    ) -> Version:
        scope, name = scope_of(request).alone(), request.path_params["name"]
        made = await self.state.write(
            lambda unit: put_document(unit, scope.tenant, kind, name, document, expected=version),
            author_of(scope.who, reason),
        )
        await self.refresh()
        return made

    async def _drop(self, request: Request, kind: Defined) -> Version:
        scope, name = scope_of(request).alone(), request.path_params["name"]
        gone = await self.state.write(
            lambda unit: drop_document(unit, scope.tenant, kind, name), author_of(scope.who)
        )
        await self.refresh()
        return gone

    async def _versions(self, request: Request, kind: Defined) -> list[dict[str, Any]]:
        tenant, name = scope_of(request).alone().tenant, request.path_params["name"]
        found = await self.state.read(lambda unit: versions_of(unit, tenant, kind, name))
        return [
            {
                "version": one.version,
                "definition": None if one.document is None else dict(one.document),
                **_made(one),
                "reason": one.reason,
            }
            for one in found
        ]

    def _matching(self, request: Request, texts: Sequence[str]) -> dict[str, dict[str, str]]:
        matchers = read_conditions(texts)
        desk = self.dispatcher.desk(scope_of(request).alone().tenant)
        living = desk.alerts.living(self.dispatcher.moment().now_s)
        return labels_by_fingerprint(one for one in living if matches_all(matchers, one.mapping))


def _made(one: Version) -> dict[str, Any]:
    return {"by": one.who_name or one.who, "at": rfc3339(one.at_ms)}


def _window(one: Version, now_ms: int) -> dict[str, Any]:
    document = dict(one.document or {})
    window = read_window(document, one.name)
    shown = _occurrences(window, now_ms)
    ahead = next((_written_occurrence(one) for one in window.from_the_first() if one.end_ms > now_ms), None)
    return {
        **document,
        "name": one.name,
        "version": one.version,
        **_made(one),
        "is_open": bool(window.occurrences(now_ms, now_ms + 1)),
        "next": ahead,
        "occurrences": shown,
    }


def _occurrences(window: Window, now_ms: int) -> list[dict[str, str]]:
    found = window.occurrences(now_ms, now_ms + _SHOWN_MS)[:_OCCURRENCES]
    return [_written_occurrence(one) for one in found]


def _written_occurrence(one: Occurrence) -> dict[str, str]:
    return {"starts": rfc3339(one.start_ms), "ends": rfc3339(one.end_ms)}


def _dependency(one: Version) -> dict[str, Any]:
    return {**dict(one.document or {}), "name": one.name, "version": one.version, **_made(one)}


def _written(found: Sequence[Version], tenant: str, now_ms: int) -> bytes:
    windows = {one.name: read_window(one.document or {}, one.name) for one in found}
    return written_calendar(windows, tenant, now_ms - _PAST_MS, now_ms + _CALENDAR_MS, now_ms)
