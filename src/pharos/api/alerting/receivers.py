"""Receivers and how they do, tests of them, and what could not be delivered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from pydantic import Field
from starlette.requests import Request

from pharos.alert import Alert
from pharos.alerting.config import AlertingConfig, Integration, Receiver
from pharos.alerting.trial import Trials
from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Body, Native, Shape
from pharos.api.prometheus.parameters import query_parameters
from pharos.errors import Kind, PharosError
from pharos.notify.gojson import go_time
from pharos.notify.restraint import HELD_BACK
from pharos.state import Author, State, Unit, Writing, outbox
from pharos.state.outbox import Owed, Told
from pharos.state.timeline import Entry, Step, append

_VIEW: Final = "alerts.view"
_CONFIGURE: Final = "alerts.configure"
_SHOWN_ALERTS: Final = 20
_LIMIT: Final = 200
_LIMIT_MAX: Final = 2000
_STATES: Final = (outbox.OWED, outbox.DEAD)
_LABELS_MAX: Final = 20


class TestBody(Body):
    """What a test says besides that it is one."""

    __test__ = False

    integration: str | None = None
    """One of the receiver's (`slack[0]`), else all."""
    labels: dict[str, str] = Field(default_factory=dict, max_length=_LABELS_MAX)


class IntegrationShape(Shape):
    """A way of telling, and how it does."""

    name: str
    kind: str
    send_resolved: bool
    state: str
    """`unused`, `ok`, `holding` (waits, as its settings say), `failing` (tried again) or `dead` (something
    could not be delivered)."""
    told_at: str | None
    """When it took a message last."""
    tried_at: str | None
    """When a try failed last, or was held back, of what is owed still."""
    error: str
    """Why it failed, or what holds it back."""
    owed: int
    dead: int


class ReceiverShape(Shape):
    """Who is told."""

    name: str
    integrations: list[IntegrationShape]


class ReceiversShape(Shape):
    """All receivers of the tenant."""

    receivers: list[ReceiverShape]


class TrialShape(Shape):
    """What came of a test."""

    integration: str
    kind: str
    sent: bool
    answer: str
    may_retry: bool
    took_ms: int


class TrialsShape(Shape):
    """What came of the tests of a receiver's integrations."""

    results: list[TrialShape]


class LetterAlertShape(Shape):
    """An alert that a letter tells of."""

    fingerprint: str
    status: str
    labels: dict[str, str]


class LetterShape(Shape):
    """A notification that is owed, or that could not be delivered."""

    id: str
    state: str
    receiver: str
    integration: str
    purpose: str
    group_key: str
    status: str
    reason: str
    created_at: str
    due_at: str
    tries: int
    tried_at: str | None
    error: str
    alerts: list[LetterAlertShape]
    alert_count: int


class LettersShape(Shape):
    """Notifications, the oldest first."""

    letters: list[LetterShape]
    count: int
    """How many there are, shown or not."""


class ReceiversApi(Struct, frozen=True):
    """Shows receivers, tests them, and has dead letters tried again."""

    native: Native
    state: State
    config_of: Callable[[str], AlertingConfig]
    """Returns a tenant's configuration."""
    trials: Trials
    new_id: Callable[[], str]

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make = self.native.operation
        yield make("GET /api/alerting/receivers", _VIEW, self.show_receivers, ReceiversShape)
        test = "POST /api/alerting/receivers/{receiver}/test"
        yield make(test, _CONFIGURE, self.test_receiver, TrialsShape, TestBody)
        yield make("GET /api/alerting/outbox", _VIEW, self.list_letters, LettersShape)
        yield make("POST /api/alerting/outbox/{letter}/replay", _CONFIGURE, self.replay_letter, LetterShape)
        yield make("DELETE /api/alerting/outbox/{letter}", _CONFIGURE, self.discard_letter, dict[str, str])

    # -- receivers --

    async def show_receivers(self, request: Request) -> dict[str, Any]:
        """Return the tenant's receivers: how each integration did last, what is owed and what is dead."""
        tenant = scope_of(request).tenant
        config = self.config_of(tenant)

        def read(unit: Unit) -> tuple[Sequence[Owed], Sequence[Told]]:
            told = [one for one in outbox.list_groups_told(unit) if one.tenant_id == tenant]
            return outbox.list_all(unit, tenant), told

        owed, told = await self.state.read(read)
        return {"receivers": [_receiver(one, owed, told) for one in config.receivers.values()]}

    async def test_receiver(self, request: Request, body: TestBody) -> dict[str, Any]:
        """Send a message that says that it is a test, and return what the other side answered."""
        tenant = scope_of(request).tenant
        receiver = self._receiver(tenant, request.path_params["receiver"])
        chosen = [one for one in receiver.integrations if body.integration in {None, integration_name(one)}]
        if not chosen:
            names = ", ".join(map(integration_name, receiver.integrations)) or "none"
            raise PharosError(
                Kind.MISSING, f"the receiver has no integration {body.integration!r}; it has {names}"
            )
        part = Receiver(receiver.name, tuple(chosen), receiver.labels)
        names_of = [integration_name(one) for one in chosen]
        found = await self.trials.run(tenant, part, names_of, self.new_id(), body.labels)
        return {
            "results": [
                {
                    "integration": one.integration,
                    "kind": one.kind,
                    "sent": one.is_sent,
                    "answer": one.answer,
                    "may_retry": one.may_retry,
                    "took_ms": one.took_ms,
                }
                for one in found
            ]
        }

    def _receiver(self, tenant: str, name: str) -> Receiver:
        found = self.config_of(tenant).receivers.get(name)
        if found is None:
            raise PharosError(
                Kind.MISSING, f"there is no receiver {name[:100]!r}", hint="GET /api/alerting/receivers"
            )
        return found

    # -- letters --

    async def list_letters(self, request: Request) -> dict[str, Any]:
        """Return what is owed and what could not be delivered (`state`: owed or dead)."""
        parameters = query_parameters(request)
        state = parameters.first("state") or None
        if state not in {None, *_STATES}:
            raise PharosError(Kind.INVALID, f"state must be one of {', '.join(_STATES)}, not {state!r}")
        limit = min(parameters.limit() or _LIMIT, _LIMIT_MAX)
        tenant = scope_of(request).tenant
        found = await self.state.read(lambda unit: outbox.list_all(unit, tenant, state))
        return {"letters": [_letter(one) for one in found[:limit]], "count": len(found)}

    async def replay_letter(self, request: Request) -> dict[str, Any]:
        """Have a dead letter tried again, at once."""
        letter = request.path_params["letter"]

        def replay(unit: Writing) -> Owed:
            row = outbox.replay(unit, scope_of(request).tenant, letter)
            append(unit, _noted(request, row, Step.QUEUED, unit.now_ms, {"replayed": True}))
            return row

        row = await self.state.write(replay, _author(request))
        return {**_letter(row), "state": outbox.OWED}

    async def discard_letter(self, request: Request) -> dict[str, str]:
        """Take a dead letter away: nobody is told of it any more."""
        tenant, letter = scope_of(request).tenant, request.path_params["letter"]

        def discard(unit: Writing) -> None:
            dead = outbox.list_all(unit, tenant, outbox.DEAD)
            row = next((one for one in dead if one.id == letter), None)
            outbox.discard(unit, tenant, letter)
            if row is not None:
                append(unit, _noted(request, row, Step.NOTED, unit.now_ms, {"discarded": True}))

        await self.state.write(discard, _author(request))
        return {"id": letter}


def integration_name(one: Integration) -> str:
    """Return what an integration is called among those of its receiver."""
    return f"{one.kind}[{one.index}]"


def _author(request: Request) -> Author:
    who = scope_of(request).who
    return Author(f"{who.kind}:{who.id}", who.name, "")


def _noted(request: Request, row: Owed, step: Step, now_ms: int, more: Mapping[str, Any]) -> Iterator[Entry]:
    """Yield what the timelines of a letter's alerts say of what somebody did with it."""
    by = {"by": scope_of(request).who.name, "receiver": row.receiver, "integration": row.integration}
    for alert, _ in _alerts(row.content):
        yield Entry(row.tenant_id, alert.fingerprint, step, now_ms, {**by, **more}, row.group_key)


def _time(ms: int) -> str | None:
    return go_time(ms) if ms else None


def _receiver(receiver: Receiver, owed: Sequence[Owed], told: Sequence[Told]) -> dict[str, Any]:
    integrations = []
    for one in receiver.integrations:
        place = (receiver.name, integration_name(one))
        rows = [row for row in owed if (row.receiver, row.integration) == place]
        dead = [row for row in rows if row.status == outbox.DEAD]
        waiting = [row for row in rows if row.status != outbox.DEAD]
        told_ms = max((row.at_ms for row in told if (row.receiver, row.integration) == place), default=0)
        tried = [row for row in waiting if row.tries]
        held = [row for row in tried if row.error.startswith(HELD_BACK)]
        failed = [row for row in tried if row not in held]
        # What the settings hold back hides no failure.
        last = max([*failed, *dead] or rows, key=lambda row: row.tried_ms, default=None)
        integrations.append(
            {
                "name": place[1],
                "kind": one.kind,
                "send_resolved": one.send_resolved,
                "state": _state(
                    is_failing=bool(failed),
                    is_dead=bool(dead),
                    is_holding=bool(held),
                    is_used=bool(told_ms),
                ),
                "told_at": _time(told_ms),
                "tried_at": _time(last.tried_ms) if last else None,
                "error": last.error if last else "",
                "owed": len(waiting),
                "dead": len(dead),
            }
        )
    return {"name": receiver.name, "integrations": integrations}


def _state(*, is_failing: bool, is_dead: bool, is_holding: bool, is_used: bool) -> str:
    if is_failing:
        return "failing"
    if is_dead:
        return "dead"
    if is_holding:
        return "holding"
    return "ok" if is_used else "unused"


def _alerts(content: Mapping[str, Any]) -> Iterator[tuple[Alert, str]]:
    """Yield the alerts that a letter tells of, and what it says of each."""
    for one in content.get("alerts", ()):
        yield Alert(tuple((name, value) for name, value in one["labels"])), str(one["status"])


def _letter(row: Owed) -> dict[str, Any]:
    alerts = list(_alerts(row.content))
    return {
        "id": row.id,
        "state": row.status,
        "receiver": row.receiver,
        "integration": row.integration,
        "purpose": row.purpose,
        "group_key": row.group_key,
        "status": str(row.content.get("status", "")),
        "reason": str(row.content.get("reason", "")),
        "created_at": go_time(row.created_ms),
        "due_at": go_time(row.due_ms),
        "tries": row.tries,
        "tried_at": _time(row.tried_ms),
        "error": row.error,
        "alerts": [
            {"fingerprint": alert.fingerprint, "status": status, "labels": dict(alert.labels)}
            for alert, status in alerts[:_SHOWN_ALERTS]
        ],
        "alert_count": len(alerts),
    }
