"""The addresses of Alertmanager's API v2."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, Final

import orjson
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from pharos import __version__
from pharos.access import Scope
from pharos.alert import Alert
from pharos.alerting.alerts import Known, in_order, labels_order
from pharos.alerting.dispatch import Dispatcher
from pharos.alerting.group import Desk, Group, Moment, time_held
from pharos.alerting.matchers import Matchers, matches_all
from pharos.alerting.silences import State as SilenceState
from pharos.alerting.silences import expire_silence, has_matchers, set_silence, state_of
from pharos.alerting.silences import in_order as silences_in_order
from pharos.api.alertmanager import shapes
from pharos.api.alertmanager.reading import (
    CodedError,
    MediaError,
    read_alerts,
    read_filters,
    read_flag,
    read_json,
    read_receiver,
    read_silence,
    require_id,
)
from pharos.api.http.bodies import Bodies
from pharos.api.http.errors import STATUS, error_headers
from pharos.api.http.identity import scope_of
from pharos.api.http.off_loop import off_loop
from pharos.api.http.routes import Handler, Operation, answering
from pharos.api.prometheus.parameters import Parameters, query_parameters
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.gotext.quoting import quote
from pharos.gotext.timestamps import format_time_ms
from pharos.identity.sign_in import author_of
from pharos.state import State
from pharos.state.silences import list_silences, the_silence

_JSON: Final = "application/json"
_SILENCE_MAX_BYTES: Final = 256 << 10
_MOST_ALERTS: Final = 100_000
"""So many alerts may a tenant have at once: each is in memory, with what was told of it."""
_VIEW: Final = "alerts.view"
_SILENCE: Final = "alerts.silence"


class AlertmanagerApi(Struct, frozen=True):
    """`/api/v2/*`."""

    dispatcher: Dispatcher
    state: State
    clock: Clock
    chance: Random
    bodies: Bodies
    max_body_bytes: int
    started_ms: int
    admit_write: Callable[[Scope], None]

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        one = "/api/v2/silence/{silence}"
        flags = ("silenced", "inhibited", "active", "muted")
        of_alerts = _parameters(("unprocessed", *flags), ("filter",), ("receiver",))
        of_groups = _parameters(flags, ("filter",), ("receiver",))
        of_silences = _parameters(("active", "pending", "expired"), ("filter",), ())
        alerts, silence = _body(shapes.POSTED_ALERTS), _body(shapes.POSTED_SILENCE)
        table: list[tuple[str, str, Handler, str, dict[str, Any], dict[str, Any] | None]] = [
            ("GET", "/api/v2/status", self.alertmanager_status, _VIEW, {}, shapes.STATUS),
            ("GET", "/api/v2/receivers", self.alertmanager_receivers, _VIEW, {}, shapes.RECEIVERS),
            ("GET", "/api/v2/alerts", self.list_alerts, _VIEW, of_alerts, shapes.ALERTS),
            ("POST", "/api/v2/alerts", self.post_alerts, "alerts.write", alerts, None),
            ("GET", "/api/v2/alerts/groups", self.list_groups, _VIEW, of_groups, shapes.GROUPS),
            ("GET", "/api/v2/silences", self.list_silences, _VIEW, of_silences, shapes.SILENCES),
            ("POST", "/api/v2/silences", self.post_silence, _SILENCE, silence, shapes.SILENCE_ID),
            ("GET", one, self.show_silence, _VIEW, _path(), shapes.SILENCE),
            ("DELETE", one, self.expire_silence, _SILENCE, _path(), None),
        ]
        for method, path, answer, permission, inputs, shape in table:
            yield Operation(
                path,
                method,
                _answering(answer),
                permission,
                name=answer.__name__,
                tag="alertmanager",
                summary=answer.__name__.replace("_", " ").capitalize(),
                responses=_responses(shape),
                inputs=inputs,
            )

    # -- alerts --

    async def alertmanager_status(self, request: Request) -> Response:
        """Return the configuration, and that there is no cluster of Alertmanagers."""
        desk = self._desk(request)
        return _sent(
            {
                "cluster": {"status": "disabled", "peers": []},
                "config": {"original": desk.config.shown},
                "uptime": format_time_ms(self.started_ms),
                "versionInfo": {
                    "branch": "",
                    "buildDate": "",
                    "buildUser": "",
                    "goVersion": "",
                    "revision": "",
                    "version": __version__,
                },
            }
        )

    async def alertmanager_receivers(self, request: Request) -> Response:
        """Return the receivers of the configuration."""
        return _sent([{"name": name} for name in self._desk(request).config.receivers])

    async def list_alerts(self, request: Request) -> Response:
        """Return the alerts that are not over, by fingerprint."""
        desk, parameters = self._desk(request), query_parameters(request)
        wanted = _Wanted.read(parameters)
        moment = self.dispatcher.moment()
        living = desk.alerts.living(moment.now_s)

        def find() -> bytes:
            found = []
            for known in sorted(living, key=lambda one: one.alert.fingerprint):
                receivers = list(dict.fromkeys(route.receiver for route, _, _ in desk.places(known.mapping)))
                if not wanted.has_receiver(receivers) or not matches_all(wanted.filters, known.mapping):
                    continue
                shown = self._shown(desk, known, receivers, (), moment)
                if wanted.takes(shown):
                    found.append(shown)
            return orjson.dumps(found)

        return Response(await off_loop(len(living) * 100, find), media_type=_JSON)

    async def list_groups(self, request: Request) -> Response:
        """Return the alerts that are not over, in their groups."""
        desk, parameters = self._desk(request), query_parameters(request)
        wanted = _Wanted.read(parameters)
        moment = self.dispatcher.moment()
        groups = [(group, list(group.alerts.values())) for group in desk.groups.values()]

        def find() -> bytes:
            found = []
            for group, alerts in sorted(
                groups, key=lambda one: (labels_order(one[0].labels), one[0].receiver)
            ):
                if not wanted.has_receiver([group.receiver]):
                    continue
                shown = self._shown_group(desk, group, alerts, wanted, moment)
                if shown:
                    found.append(
                        {"labels": dict(group.labels), "receiver": {"name": group.receiver}, "alerts": shown}
                    )
            return orjson.dumps(found)

        return Response(
            await off_loop(sum(len(alerts) for _, alerts in groups) * 100, find), media_type=_JSON
        )

    def _shown_group(
        self, desk: Desk, group: Group, alerts: Sequence[Known], wanted: _Wanted, moment: Moment
    ) -> list[dict[str, Any]]:
        held = time_held(group.route, desk.config.intervals, moment.now_ms)
        muted_by = held.source.split(", ") if held else []
        if muted_by and not wanted.muted:
            return []
        found = []
        for known in in_order(alerts):
            if known.is_over_at(moment.now_s) or not matches_all(wanted.filters, known.mapping):
                continue
            receivers = list(dict.fromkeys(route.receiver for route, _, _ in desk.places(known.mapping)))
            shown = self._shown(desk, known, receivers, muted_by, moment)
            if wanted.takes(shown):
                found.append(shown)
        return found

    def _shown(
        self, desk: Desk, known: Known, receivers: Sequence[str], muted_by: Sequence[str], moment: Moment
    ) -> dict[str, Any]:
        silences = self.dispatcher.silences.active(desk.tenant, known, moment.now_ms)
        inhibited = desk.inhibited(known, moment)
        return shapes.alert_object(
            known,
            receivers,
            sorted(one.id for one in silences if not one.receiver or one.receiver in receivers),
            [inhibited.source] if inhibited else [],
            muted_by,
        )

    async def post_alerts(self, request: Request) -> Response:
        """Take alerts: they are durable when this is answered with 200."""
        scope = scope_of(request).alone()
        self.admit_write(scope)
        _require_json(request)
        async with self.bodies.incoming(request, self.max_body_bytes) as incoming:
            good, wrong = await off_loop(
                len(incoming.body), lambda: read_alerts(read_json(incoming.body, "alerts"))
            )
        self._require_room(scope.tenant, good)
        await self.dispatcher.take(scope, good)
        if wrong:
            raise PharosError(Kind.INVALID, "; ".join(wrong[:10]))
        return Response(status_code=200)

    def _require_room(self, tenant: str, posted: Sequence[Alert]) -> None:
        """Raise PharosError(LIMITED) for more alerts at once than a tenant may have."""
        alerts = self.dispatcher.desk(tenant).alerts
        if len(alerts) + len(posted) <= _MOST_ALERTS:
            return
        new = sum(alerts.get(alert.fingerprint) is None for alert in posted)
        if len(alerts) + new > _MOST_ALERTS:
            raise PharosError(
                Kind.LIMITED,
                f"the tenant {tenant} has {len(alerts)} alerts, and may have {_MOST_ALERTS} at once",
                hint="alerts that are over make room",
            )

    # -- silences --

    async def list_silences(self, request: Request) -> Response:
        """Return silences: active ones, those to come, those that are over."""
        tenant, parameters = self._tenant(request), query_parameters(request)
        filters = read_filters(parameters.all("filter"))
        states = {one for one in SilenceState if read_flag(parameters, one.value)}
        now_ms = self.clock.now_ms()
        found = await self.state.read(lambda unit: list_silences(unit, tenant))
        shown = [
            shapes.silence_object(one, now_ms)
            for one in silences_in_order(found, now_ms)
            if state_of(one, now_ms) in states and has_matchers(one, filters)
        ]
        return _sent(shown)

    async def post_silence(self, request: Request) -> Response:
        """Make a silence, or change the one whose `id` is given; it is durable when this is answered."""
        scope = scope_of(request).alone()
        _require_json(request)
        async with self.bodies.incoming(request, _SILENCE_MAX_BYTES) as incoming:
            posted = read_silence(read_json(incoming.body, "silence"), scope.tenant)
        made = await self.state.write(
            lambda unit: set_silence(unit, posted, self.chance), author_of(scope.who, posted.comment[:200])
        )
        await self.dispatcher.read_silences()
        return _sent({"silenceID": made.id})

    async def show_silence(self, request: Request) -> Response:
        """Return a silence."""
        tenant, silence_id = self._tenant(request), request.path_params["silence"]
        require_id(silence_id)
        found = await self.state.read(lambda unit: the_silence(unit, tenant, silence_id))
        return _sent(shapes.silence_object(found, self.clock.now_ms()))

    async def expire_silence(self, request: Request) -> Response:
        """End a silence now."""
        scope, silence_id = scope_of(request).alone(), request.path_params["silence"]
        require_id(silence_id)
        await self.state.write(
            lambda unit: expire_silence(unit, scope.tenant, silence_id), author_of(scope.who)
        )
        await self.dispatcher.read_silences()
        return Response(status_code=200)

    def _tenant(self, request: Request) -> str:
        return scope_of(request).alone().tenant

    def _desk(self, request: Request) -> Desk:
        return self.dispatcher.desk(self._tenant(request))


class _Wanted(Struct, frozen=True):
    """Which alerts are asked for."""

    filters: Matchers
    receiver: Any
    active: bool
    silenced: bool
    inhibited: bool
    muted: bool

    @classmethod
    def read(cls, parameters: Parameters) -> _Wanted:
        """Return what a query says. Raises PharosError(INVALID)."""
        read_flag(parameters, "unprocessed")
        return cls(
            read_filters(parameters.all("filter")),
            read_receiver(parameters),
            *(read_flag(parameters, name) for name in ("active", "silenced", "inhibited", "muted")),
        )

    def has_receiver(self, receivers: Sequence[str]) -> bool:
        """Return whether any of an alert's receivers is asked for."""
        return self.receiver is None or any(self.receiver.search(name) for name in receivers)

    def takes(self, shown: dict[str, Any]) -> bool:
        """Return whether an alert in its state is asked for."""
        status = shown["status"]
        if not self.active and not status["silencedBy"] and not status["inhibitedBy"]:
            return False
        return (self.silenced or not status["silencedBy"]) and (self.inhibited or not status["inhibitedBy"])


def _require_json(request: Request) -> None:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != _JSON:
        # A form, which a page of another origin could send without being asked, is none.
        raise MediaError(
            f"unsupported media type {quote(media[:80])}, only [{_JSON}] are allowed",
            hint=f"set the header Content-Type to {_JSON}",
        )


def _sent(document: Any) -> Response:
    return Response(orjson.dumps(document), headers={"Cache-Control": "no-store"}, media_type=_JSON)


def _refused(error: PharosError) -> Response:
    if isinstance(error, CodedError):
        said = {"code": error.code, "message": str(error)}
        return Response(orjson.dumps(said), error.status, media_type=_JSON)
    return Response(
        orjson.dumps(str(error)), STATUS[error.kind], headers=error_headers(error), media_type=_JSON
    )


def _answering(answer: Handler) -> Handler:
    return answering(answer, _refused, answer)


def _responses(shape: dict[str, Any] | None) -> dict[int, Any]:
    done: dict[str, Any] = {"description": "Done."}
    if shape is not None:
        done["content"] = {_JSON: {"schema": shape}}
    failures = {
        400: "What was sent is not what it must be.",
        401: "Who asks is not known.",
        403: "Who asks may not do this.",
        404: "There is no such silence.",
        408: "The body did not come in time.",
        413: "The body is too large.",
        415: "The body is of a type that is not read.",
        422: "Something that must be there is not, or is not of its form.",
        429: "There are too many alerts.",
        503: "It cannot be kept or read now.",
    }
    return {
        200: done,
        **{
            status: {"description": text, "content": {_JSON: {"schema": shapes.FAULT}}}
            for status, text in failures.items()
        },
    }


def _parameters(flags: Sequence[str], lists: Sequence[str], texts: Sequence[str]) -> dict[str, Any]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "query", "schema": {"type": "boolean", "default": True}} for name in flags
    ]
    found += [
        {"name": name, "in": "query", "schema": {"type": "array", "items": {"type": "string"}}}
        for name in lists
    ]
    found += [{"name": name, "in": "query", "schema": {"type": "string"}} for name in texts]
    return {"parameters": found}


def _path() -> dict[str, Any]:
    return {"parameters": [{"name": "silence", "in": "path", "required": True, "schema": {"type": "string"}}]}


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"content": {_JSON: {"schema": schema}}, "required": True}}
