"""Every address about what people do about alerts."""

from __future__ import annotations

from collections.abc import Collection
from random import Random

from msgspec import Struct, field

from pharos.api.alerting.acknowledgements import AcknowledgementsApi, CallbackSecrets, Say, say_nothing
from pharos.api.alerting.actions import ActionsApi
from pharos.api.alerting.escalations import EscalationsApi
from pharos.api.alerting.people import ContactsApi
from pharos.api.alerting.runbooks import RunbooksApi
from pharos.api.alerting.schedules import SchedulesApi
from pharos.api.alerting.timeline import TimelineApi
from pharos.api.http.bodies import Bodies
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Native
from pharos.clock import Clock
from pharos.state import State


class People(Struct, frozen=True):
    """What the addresses stand on."""

    state: State
    clock: Clock
    chance: Random
    bodies: Bodies
    url: str = ""
    """How people reach us, where the settings say so."""
    secrets: CallbackSecrets = field(default_factory=CallbackSecrets)
    say: Say = say_nothing
    """Answers a click where a chat shows it."""
    commands: Collection[str] = ()
    clusters: Collection[str] = ()
    """What the settings allow actions to use, by name."""


def people_operations(people: People) -> list[Operation]:
    """Return what is answered about who is on call, acknowledges, is told, and what is done by itself."""
    native, state, clock = Native(people.bodies, "alerting"), people.state, people.clock
    return [
        *SchedulesApi(native, state, clock, people.chance, people.url).operations(),
        *ContactsApi(native, state).operations(),
        *AcknowledgementsApi(native, state, clock, people.bodies, people.secrets, people.say).operations(),
        *EscalationsApi(native, state).operations(),
        *TimelineApi(native, state, clock).operations(),
        *ActionsApi(native, state, people.commands, people.clusters).operations(),
        *RunbooksApi(native, state, clock).operations(),
    ]
