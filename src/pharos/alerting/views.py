"""Alerts as people see them: what each is doing, who is told, and what holds them back."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from pharos.alert import Alert
from pharos.alerting.alerts import Known
from pharos.alerting.group import Desk, Moment
from pharos.alerting.held import Held, Why


class AlertState(StrEnum):
    """What an alert is doing."""

    FIRING = "firing"
    SILENCED = "silenced"
    INHIBITED = "inhibited"
    MUTED = "muted"
    """Somebody is told of it at other times, or when something else is over."""
    RESOLVED = "resolved"
    """It is over, and somebody is still to be told."""


_STATES = {Why.SILENCED: AlertState.SILENCED, Why.INHIBITED: AlertState.INHIBITED}


class AlertView(Struct, frozen=True):
    """One alert."""

    alert: Alert
    state: AlertState
    held_by: tuple[Held, ...]
    """What holds it back from any of its receivers; from all of them unless it fires."""
    receivers: tuple[str, ...]
    group_keys: tuple[str, ...]


def views(desk: Desk, moment: Moment) -> list[AlertView]:
    """Return all alerts of a tenant that are not over and told, in no order."""
    return [view_of(desk, known, moment) for known in desk.alerts]


def view_of(desk: Desk, known: Known, moment: Moment) -> AlertView:
    """Return an alert as it is seen."""
    places = desk.places(known.mapping)
    holding = [desk.held(known, route, moment) for route, _, _ in places]
    state = AlertState.FIRING
    if known.is_over_at(moment.now_s):
        state = AlertState.RESOLVED
    elif holding and holding[0] is not None and all(holding):
        state = _STATES.get(holding[0].why, AlertState.MUTED)
    return AlertView(
        known.alert,
        state,
        _once(holding),
        tuple(dict.fromkeys(route.receiver for route, _, _ in places)),
        tuple(dict.fromkeys(key for _, _, key in places)),
    )


def _once(holding: Iterable[Held | None]) -> tuple[Held, ...]:
    return tuple(dict.fromkeys(held for held in holding if held is not None))
