"""A tenant's own configuration of alerting, and where labels go by the one that counts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from msgspec import Struct
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from pharos.alert import Alert
from pharos.alerting.alerts import Known
from pharos.alerting.config import AlertingConfig
from pharos.alerting.dispatch import Dispatcher
from pharos.alerting.group import Desk, Moment, time_held
from pharos.alerting.matchers import format_matchers
from pharos.alerting.own_config import NAME, OwnConfig, shown_document, take_own
from pharos.alerting.route import Route, path_to
from pharos.api.http.bodies import Bodies
from pharos.api.http.errors import native_error
from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Body, Native, Shape
from pharos.api.prometheus.answers import rfc3339
from pharos.api.prometheus.shapes import Failure
from pharos.document import FaultsError, Fields, Value, load_document
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import format_duration
from pharos.identity.sign_in import author_of
from pharos.labels import labels_of
from pharos.state import State, Unit, Writing
from pharos.state.documents import (
    Defined,
    Version,
    drop_document,
    find_document,
    put_document,
    versions_of,
)

_VIEW: Final = "alerts.view"
_CONFIGURE: Final = "alerts.configure"
_MOST_BYTES: Final = 3 << 20
_TEXT: Final = Field(default="", max_length=2000)


class ConfigBody(Body):
    """An alertmanager.yml with the templates that it names."""

    config: str
    template_files: dict[str, str] = Field(default={}, max_length=100)
    version: int | None = None
    """Which one is to be replaced, 0 for none; another one is a conflict."""
    reason: str = _TEXT


class CheckBody(Body):
    """An alertmanager.yml to be looked at."""

    config: str
    template_files: dict[str, str] = Field(default={}, max_length=100)


class LabelsBody(Body):
    """Labels of an alert."""

    labels: dict[str, str] = Field(max_length=500)
    at: str = ""
    """At which time, as RFC 3339; now without it."""
    config: str = ""
    """By which alertmanager.yml, instead of the one that counts."""


class ConfigShape(Shape):
    """What counts for a tenant."""

    source: str
    """`tenant` for its own configuration, `server` for that of the whole server."""
    version: int
    config: str
    """As YAML, secrets as `<secret>`."""
    template_files: dict[str, str]
    notices: list[str]
    by: str
    reason: str
    at: str | None


class VersionShape(Shape):
    """One version, and who made it."""

    version: int
    config: str | None
    """None where the tenant went back to the server's."""
    by: str
    reason: str
    at: str


class CheckShape(Shape):
    """What is wrong with a configuration."""

    faults: list[str]
    """By line; empty for a good one."""
    notices: list[str]
    receivers: list[str]


class StepShape(Shape):
    """A route on the way."""

    matchers: str
    receiver: str
    line: int


class HeldShape(Shape):
    """What holds a page back."""

    reason: str
    source: str
    """The silence's id, the fingerprint of the alert that does, the name of an interval or a window."""
    alert: dict[str, str]
    """The labels of the alert that does, where one does."""
    by: str = ""
    until: str | None = None


class TakenShape(Shape):
    """A route that is taken."""

    receiver: str
    integrations: list[str]
    path: list[StepShape]
    """From the root down; all their matchers hold."""
    group_by: list[str]
    group_labels: dict[str, str]
    group_key: str
    group_wait: str
    group_interval: str
    repeat_interval: str
    mute_time_intervals: list[str]
    active_time_intervals: list[str]
    held_by: HeldShape | None
    """What would hold the page back at that time."""


class RoutesShape(Shape):
    """Where labels go."""

    receivers: list[str]
    routes: list[TakenShape]


class AlertingConfigApi(Struct, frozen=True):
    """`/api/alerting/config` and `/api/alerting/routes/test`, and Mimir's address for the former."""

    native: Native
    bodies: Bodies
    state: State
    dispatcher: Dispatcher
    refresh: Callable[[], Awaitable[None]]
    """Has what was written be followed."""

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make = partial(self.native.operation, most_bytes=_MOST_BYTES)
        path = "/api/alerting/config"
        yield make(f"GET {path}", _CONFIGURE, self.show_alerting_config, ConfigShape)
        yield make(f"PUT {path}", _CONFIGURE, self.set_alerting_config, ConfigShape, ConfigBody)
        yield make(f"DELETE {path}", _CONFIGURE, self.drop_alerting_config, ConfigShape)
        yield make(f"GET {path}/versions", _CONFIGURE, self.list_alerting_configs, list[VersionShape])
        yield make(f"POST {path}/check", _CONFIGURE, self.check_alerting_config, CheckShape, CheckBody)
        yield make("POST /api/alerting/routes/test", _VIEW, self.test_routes, RoutesShape, LabelsBody)
        yield self._mimir("POST", self._post_mimir, "set_alertmanager_config", 201)
        yield self._mimir("DELETE", self._delete_mimir, "drop_alertmanager_config", 200)

    # -- the configuration --

    async def show_alerting_config(self, request: Request) -> dict[str, Any]:
        """Return the configuration that counts for the tenant, without its secrets."""
        tenant = scope_of(request).alone().tenant
        found = await self.state.read(lambda unit: find_document(unit, tenant, Defined.ALERTING, NAME))
        return self._shown(tenant, found)

    async def set_alerting_config(self, request: Request, body: ConfigBody) -> dict[str, Any]:
        """Go by a configuration of the tenant's own; `<secret>` in it is the secret that is kept there."""
        return await self._set(request, body)

    async def drop_alerting_config(self, request: Request) -> dict[str, Any]:
        """Go by the server's configuration again."""
        tenant = await self._drop(request)
        return self._shown(tenant, None)

    async def list_alerting_configs(self, request: Request) -> list[dict[str, Any]]:
        """Return the versions of the tenant's own configuration, the newest first, without their secrets."""
        tenant = scope_of(request).alone().tenant

        def read(unit: Unit) -> tuple[Version, ...]:
            try:
                return versions_of(unit, tenant, Defined.ALERTING, NAME)
            except PharosError as exc:
                if exc.kind is not Kind.MISSING:
                    raise
                return ()

        found = await self.state.read(read)
        return await asyncio.to_thread(lambda: [_version(one) for one in found])

    async def check_alerting_config(self, request: Request, body: CheckBody) -> dict[str, Any]:
        """Say what is wrong with a configuration, and keep nothing."""
        tenant = scope_of(request).alone().tenant
        kept = await self.state.read(lambda unit: find_document(unit, tenant, Defined.ALERTING, NAME))
        before = None if kept is None else kept.document
        try:
            own = await asyncio.to_thread(take_own, body.config, body.template_files, before)
        except PharosError as exc:
            faults = exc.faults if isinstance(exc, FaultsError) else (exc,)
            return {"faults": list(map(str, faults)), "notices": [], "receivers": []}
        config = own.config
        return {"faults": [], "notices": list(config.notices), "receivers": list(config.receivers)}

    async def _set(self, request: Request, body: ConfigBody) -> dict[str, Any]:
        tenant = scope_of(request).alone().tenant
        # Looked at on a thread of its own first, and again in the transaction where secrets are kept.
        kept = await self.state.read(lambda unit: find_document(unit, tenant, Defined.ALERTING, NAME))
        before = None if kept is None else kept.document
        own = await asyncio.to_thread(take_own, body.config, body.template_files, before)

        def write(unit: Writing) -> Version:
            now = find_document(unit, tenant, Defined.ALERTING, NAME)
            expected = body.version
            if expected is None:
                # Secrets were taken of that version.
                expected = 0 if kept is None else kept.version
                if now is not None and now.version != expected:
                    raise PharosError(Kind.UNAVAILABLE, "somebody else changed it just now", retry_after_s=1)
            return put_document(
                unit, tenant, Defined.ALERTING, NAME, own.document, expected=expected, shown=shown_document
            )

        made = await self.state.write(write, author_of(scope_of(request).who, body.reason))
        await self.refresh()
        return self._shown(tenant, made, own)

    async def _drop(self, request: Request) -> str:
        tenant = scope_of(request).alone().tenant
        await self.state.write(
            lambda unit: drop_document(unit, tenant, Defined.ALERTING, NAME, shown=shown_document),
            author_of(scope_of(request).who),
        )
        await self.refresh()
        return tenant

    def _shown(self, tenant: str, found: Version | None, own: OwnConfig | None = None) -> dict[str, Any]:
        config = own.config if own is not None else self.dispatcher.desk(tenant).config
        is_own = found is not None
        return {
            "source": "tenant" if is_own else "server",
            "version": found.version if found else 0,
            "config": shown_document(found.document or {})["config"] if found else config.shown,
            "template_files": dict((found.document or {}).get("template_files") or {}) if found else {},
            "notices": list(config.notices),
            "by": found.who_name or found.who if found else "",
            "reason": found.reason if found else "",
            "at": rfc3339(found.at_ms) if found else None,
        }

    # -- as Mimir has it --

    async def _post_mimir(self, request: Request) -> None:
        async with self.bodies.incoming(request, _MOST_BYTES) as incoming:
            root = load_document(bytes(incoming.body), "the body")
        fields = Fields(root, "the body")
        files = fields.group("template_files")
        config = fields.read("alertmanager_config", Value.text, "")
        fields.done()
        root.source.raise_faults()
        await self._set(request, ConfigBody(config=config, template_files=files))

    async def _delete_mimir(self, request: Request) -> None:
        try:
            await self._drop(request)
        except PharosError as exc:
            if exc.kind is not Kind.MISSING:
                raise

    def _mimir(
        self, method: str, act: Callable[[Request], Awaitable[None]], name: str, status: int
    ) -> Operation:
        async def handler(request: Request) -> Response:
            try:
                await act(request)
            except PharosError as exc:
                return native_error(exc)
            return Response(status_code=status)

        inputs = {"requestBody": {"content": {"application/yaml": {"schema": {"type": "string"}}}}}
        failures = {400: "It is not good.", 403: "Who asks may not do this.", 413: "The body is too large."}
        return Operation(
            "/api/v1/alerts",
            method,
            handler,
            _CONFIGURE,
            name=name,
            tag=self.native.tag,
            summary=name.replace("_", " ").capitalize(),
            responses={
                status: {"description": "Done."},
                **{code: {"model": Failure, "description": text} for code, text in failures.items()},
            },
            inputs=inputs if method == "POST" else {},
        )

    # -- where labels go --

    async def test_routes(self, request: Request, body: LabelsBody) -> dict[str, Any]:
        """Return the receivers that labels reach, by which routes, in which group, and what would hold them
        back.
        """
        tenant = scope_of(request).alone().tenant
        moment, desk = self._moment(body.at), self.dispatcher.desk(tenant)
        config = desk.config
        if body.config:
            own = await asyncio.to_thread(take_own, body.config, {}, None)
            config = own.config
        known = Known(Alert(labels_of(body.labels), starts_ms=moment.now_ms), moment.now_s + 1, moment.now_ms)
        taken = config.route.match(body.labels)
        held_by = partial(_held_by, desk, config, known, moment)
        routes = [_taken(config, route, body.labels, held_by(route)) for route in taken]
        if known.alert.fingerprint not in {one.alert.fingerprint for one in desk.alerts}:
            self.dispatcher.silences.forget(tenant, known.alert.fingerprint)
        return {"receivers": [route.receiver for route in taken], "routes": routes}

    def _moment(self, at: str) -> Moment:
        moment = self.dispatcher.moment()
        if not at:
            return moment
        try:
            asked = datetime.fromisoformat(at)
        except ValueError as exc:
            raise PharosError(Kind.INVALID, f"at: {at[:50]!r} is no time; write it as RFC 3339") from exc
        now_ms = round((asked if asked.tzinfo else asked.replace(tzinfo=UTC)).timestamp() * 1000)
        return Moment(now_ms, moment.now_s, now_ms)


def _held_by(
    desk: Desk, config: AlertingConfig, known: Known, moment: Moment, route: Route
) -> dict[str, Any] | None:
    held = (
        desk.held(known, route, moment)
        if config is desk.config
        else time_held(route, config.intervals, moment.now_ms)
    )
    if held is None:
        return None
    until = rfc3339(held.until_ms) if held.until_ms else None
    return {
        "reason": held.why.value,
        "source": held.source,
        "by": held.by,
        "until": until,
        "alert": dict(held.alert),
    }


def _taken(
    config: AlertingConfig, route: Route, labels: Mapping[str, str], held_by: dict[str, Any] | None
) -> dict[str, Any]:
    group = route.group_labels(labels)
    receiver = config.receivers[route.receiver]
    return {
        "receiver": route.receiver,
        "integrations": [f"{one.kind}[{one.index}]" for one in receiver.integrations],
        "path": [
            {"matchers": format_matchers(one.matchers), "receiver": one.receiver, "line": one.line}
            for one in path_to(config.route, route)
        ],
        "group_by": ["..."] if route.group_by_all else list(route.group_by),
        "group_labels": dict(group),
        "group_key": route.group_key(group),
        "group_wait": format_duration(route.group_wait_ms),
        "group_interval": format_duration(route.group_interval_ms),
        "repeat_interval": format_duration(route.repeat_interval_ms),
        "mute_time_intervals": list(route.mute_intervals),
        "active_time_intervals": list(route.active_intervals),
        "held_by": held_by,
    }


def _version(one: Version) -> dict[str, Any]:
    return {
        "version": one.version,
        "config": None if one.document is None else shown_document(one.document)["config"],
        "by": one.who_name or one.who,
        "reason": one.reason,
        "at": rfc3339(one.at_ms),
    }
