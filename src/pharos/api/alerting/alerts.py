"""All alerts of a tenant as people see them: what rules found, what was sent here, what holds each back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from starlette.requests import Request

from pharos.alert import Alert
from pharos.alerting.alerts import Known
from pharos.alerting.dispatch import Dispatcher
from pharos.alerting.group import Desk, Moment
from pharos.alerting.held import Held, Why
from pharos.api.http.identity import scope_of
from pharos.api.http.off_loop import off_loop
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Native, Shape
from pharos.errors import Kind, PharosError
from pharos.gotext.numbers import format_json
from pharos.gotext.timestamps import format_time_ms
from pharos.rules.engine import RuleAlert, RuleEngine
from pharos.rules.evaluate import AlertState
from pharos.rules.running import Unknown
from pharos.state import State
from pharos.state.acknowledgements import Acknowledgement, acknowledged

_STATES: Final[Mapping[Why, str]] = {
    Why.SILENCED: "silenced",
    Why.INHIBITED: "inhibited",
    Why.DEPENDENCY: "inhibited",
    Why.MUTED: "muted",
    Why.INACTIVE: "muted",
    Why.MAINTENANCE: "muted",
    Why.ACKNOWLEDGED: "acknowledged",
}
_CHARACTERS: Final = 100
"""Roughly what one alert costs to show, as characters that are read."""


class HoldShape(Shape):
    """What keeps people from being told: a silence, another alert, a time."""

    reason: str
    source: str
    alert: dict[str, str]
    """The labels of the alert that does, where one does."""


class TakenShape(Shape):
    """Who looks after an alert."""

    id: str
    by: str
    comment: str
    at: str
    until: str | None


class RuleNameShape(Shape):
    """The rule that makes an alert."""

    group: str
    name: str
    file: str


class AlertShape(Shape):
    """An alert, and how it stands with it."""

    fingerprint: str
    labels: dict[str, str]
    annotations: dict[str, str]
    state: str
    since: str
    value: str | None
    receivers: list[str]
    group_keys: list[str]
    held_by: list[HoldShape]
    acknowledgement: TakenShape | None
    generator_url: str
    rule: RuleNameShape | None


class AlertsShape(Shape):
    """All alerts of a tenant."""

    alerts: list[AlertShape]
    unread: list[str]
    """What could not be read, and so is missing in the alerts."""


class AlertsApi(Struct, frozen=True):
    """`/api/alerting/alerts`."""

    native: Native
    dispatcher: Dispatcher
    engine: RuleEngine
    state: State

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        yield self.native.operation(
            "GET /api/alerting/alerts", "alerts.view", self.list_all_alerts, AlertsShape
        )

    async def list_all_alerts(self, request: Request) -> dict[str, Any]:
        """Return every alert that is pending, fires, is held back or not known, the newest state of each."""
        tenant = scope_of(request).alone().tenant
        taken: Mapping[str, Acknowledgement] = {}
        unread = []
        try:
            taken = await self.state.read(lambda unit: acknowledged(unit, tenant))
        except PharosError as exc:
            if exc.kind is not Kind.UNAVAILABLE:
                raise
            # What burns is shown also while people's state is away.
            unread.append("acknowledgements")
        desk, moment = self.dispatcher.desk(tenant), self.dispatcher.moment()
        living = desk.alerts.living(moment.now_s)
        ruled = self.engine.alerts(tenant)

        def show() -> list[dict[str, Any]]:
            return _shown(desk, living, ruled, taken, moment)

        size = (len(living) + len(ruled)) * _CHARACTERS
        return {"alerts": await off_loop(size, show), "unread": unread}


def _shown(
    desk: Desk,
    living: Sequence[Known],
    ruled: Sequence[RuleAlert],
    taken: Mapping[str, Acknowledgement],
    moment: Moment,
) -> list[dict[str, Any]]:
    by_fingerprint = {one.fingerprint: one for one in ruled}
    found = []
    for known in living:
        rule = by_fingerprint.pop(known.alert.fingerprint, None)
        found.append(_of_known(desk, known, rule, taken.get(known.alert.fingerprint), moment))
    # What only its rule knows: pending, unknown, or about to be told of.
    found += [_of_rule(desk, one, taken.get(one.fingerprint)) for one in by_fingerprint.values()]
    return found


def _of_known(
    desk: Desk, known: Known, rule: RuleAlert | None, taken: Acknowledgement | None, moment: Moment
) -> dict[str, Any]:
    places = desk.places(known.mapping)
    held = [desk.held(known, route, moment) for route, _, _ in places]
    holds = list(dict.fromkeys(one for one in held if one is not None))
    state = "firing"
    if rule is not None and rule.unknown is not Unknown.NOT:
        state = "unknown"
    elif taken is not None:
        state = "acknowledged"
    elif holds and None not in held:
        state = _STATES[holds[0].why]
    alert = known.alert
    return {
        **_said(alert, rule),
        "state": state,
        "since": format_time_ms(alert.starts_ms),
        "receivers": list(dict.fromkeys(route.receiver for route, _, _ in places)),
        "group_keys": [key for _, _, key in places],
        "held_by": [_hold(one) for one in holds],
        "acknowledgement": _taken(taken),
        "generator_url": alert.generator_url,
    }


def _of_rule(desk: Desk, rule: RuleAlert, taken: Acknowledgement | None) -> dict[str, Any]:
    places = desk.places(dict(rule.labels))
    state = "pending" if rule.state is AlertState.PENDING else "firing"
    if rule.unknown is not Unknown.NOT:
        state = "unknown"
    alert = Alert(rule.labels, rule.annotations, rule.active_ms)
    return {
        **_said(alert, rule),
        "state": state,
        "since": format_time_ms(rule.active_ms),
        "receivers": list(dict.fromkeys(route.receiver for route, _, _ in places)),
        "group_keys": [key for _, _, key in places],
        "held_by": [],
        "acknowledgement": _taken(taken),
        "generator_url": "",
    }


def _said(alert: Alert, rule: RuleAlert | None) -> dict[str, Any]:
    named = None
    if rule is not None:
        named = {"group": rule.rule_group, "name": rule.rule, "file": rule.rule_file}
    return {
        "fingerprint": alert.fingerprint,
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "value": None if rule is None else format_json(rule.value),
        "rule": named,
    }


def _hold(held: Held) -> dict[str, Any]:
    return {"reason": held.why.value, "source": held.source, "alert": dict(held.alert)}


def _taken(one: Acknowledgement | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "id": one.id,
        "by": one.name or one.who,
        "comment": one.comment,
        "at": format_time_ms(one.created_ms),
        "until": None if one.expires_ms is None else format_time_ms(one.expires_ms),
    }
