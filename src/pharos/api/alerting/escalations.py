"""Escalation policies, and escalations that go on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from pydantic import Field
from starlette.requests import Request

from pharos.alerting import escalate
from pharos.alerting.escalate import Run, read_policy, read_run
from pharos.api.alerting.answers import CONFIGURE, VIEW, author_of, iso_or_none, tenant_of, with_query
from pharos.api.alerting.definitions import Definitions
from pharos.api.alerting.schedule_shapes import VersionShape
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Body, Native, Shape
from pharos.errors import Kind, PharosError
from pharos.gotext.timestamps import format_time_ms
from pharos.state import State, Unit, Writing, audit, escalations, timeline
from pharos.state.documents import Defined
from pharos.state.escalations import Escalation
from pharos.state.timeline import Entry, Step, labels_of_alerts

_ESCALATE = "alerts.escalate"


class PolicyBody(Body):
    """What a policy is, and why it is so."""

    policy: dict[str, Any] = Field(max_length=20)
    version: int | None = None
    reason: str = Field(default="", max_length=2000)


class EscalateBody(Body):
    """Why the next level is told now."""

    reason: str = Field(default="", max_length=2000)


class EscalationShape(Shape):
    """How far an escalation is."""

    id: str
    group_key: str
    policy: str
    version: int
    status: str
    level: int
    level_name: str
    round: int
    alerts: dict[str, str]
    """How each alert stands, by fingerprint."""
    labels: dict[str, dict[str, str]]
    """Those alerts' labels, by fingerprint."""
    votes: list[str]
    """Who has acknowledged, of those whose acknowledgement counts for the level that was told last."""
    quorum: int
    voters: list[str]
    """Whose acknowledgement counts; empty where that of anybody does."""
    told: dict[str, list[str]]
    started: str
    next: str | None
    next_level: str
    """Which level is told then; empty where nobody is."""
    next_targets: list[str]
    """Who that is, as `schedule primary`."""
    ended: str | None


class EscalationsApi(Struct, frozen=True):
    """Keeps policies, and tells how far escalations are."""

    native: Native
    state: State

    @property
    def _kept(self) -> Definitions:
        return Definitions(self.state, Defined.ESCALATION)

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make, base = self.native.operation, "/api/alerting/escalation_policies"
        one = f"{base}/{{policy}}"
        yield make(f"GET {base}", VIEW, self.list_policies, list[VersionShape])
        yield make(f"GET {one}", VIEW, self.show_policy, list[VersionShape])
        yield make(f"PUT {one}", CONFIGURE, self.put_policy, VersionShape, PolicyBody)
        yield make(f"DELETE {one}", CONFIGURE, self.drop_policy, VersionShape)
        running = "/api/alerting/escalations"
        listed = make(f"GET {running}", VIEW, self.list_escalations, list[EscalationShape])
        yield with_query(listed, open="`true` for those alone that have not ended.")
        now = f"POST {running}/{{escalation}}/next"
        yield make(now, _ESCALATE, self.escalate_now, EscalationShape, EscalateBody)

    async def list_policies(self, request: Request) -> list[dict[str, Any]]:
        """Return all escalation policies of the tenant."""
        return await self._kept.all(request)

    async def show_policy(self, request: Request) -> list[dict[str, Any]]:
        """Return the versions of a policy, the newest first."""
        return await self._kept.versions(request, request.path_params["policy"])

    async def put_policy(self, request: Request, body: PolicyBody) -> dict[str, Any]:
        """Define a policy, or say anew what it is; escalations that go on keep theirs."""
        name = request.path_params["policy"]
        read_policy(body.policy, name)
        return await self._kept.put(request, name, body.policy, body.version, body.reason)

    async def drop_policy(self, request: Request) -> dict[str, Any]:
        """Take a policy away; escalations that go on keep it."""
        return await self._kept.drop(request, request.path_params["policy"])

    async def list_escalations(self, request: Request) -> list[dict[str, Any]]:
        """Return escalations, the newest first."""
        tenant, is_open = tenant_of(request), request.query_params.get("open") == "true"
        return await self.state.read(
            lambda unit: _shown(unit, tenant, escalations.list_escalations(unit, tenant, is_open=is_open))
        )

    async def escalate_now(self, request: Request, body: EscalateBody) -> dict[str, Any]:
        """Have the next level be told at once, without waiting for the time-out of the one before."""
        tenant, named = tenant_of(request), request.path_params["escalation"]

        def write(unit: Writing) -> dict[str, Any]:
            found = escalations.get_escalation(unit, tenant, named)
            run = read_run(found.run)
            if run.status is not escalate.Status.TELLING:
                raise PharosError(Kind.INVALID, f"the escalation tells nobody any more: it is {run.status}")
            sooner = replace(run, due_ms=unit.now_ms)
            escalations.put_escalation(unit, replace(found, due_ms=unit.now_ms, run=sooner.document()))
            told = {"escalation": found.id, "level": run.level + 2}
            event = audit.Event("escalation.next", f"escalation:{found.policy}", tenant, after=told)
            audit.append(unit, event)
            # Whoever follows the timeline makes the step at once.
            timeline.append(unit, _asked_for(unit, found, run, body.reason))
            [shown] = _shown(unit, tenant, [escalations.get_escalation(unit, tenant, named)])
            return shown

        return await self.state.write(write, author_of(request, body.reason))


def _asked_for(unit: Writing, found: Escalation, run: Run, reason: str) -> Iterator[Entry]:
    """Yield what the timelines of alerts say of somebody who has the next level told."""
    text = f"the next level of the escalation {found.policy} is told at once{f': {reason}' if reason else ''}"
    for fingerprint, state in run.alerts.items():
        if state != escalate.RESOLVED:
            detail = {"name": unit.author.name, "text": text}
            yield Entry(found.tenant_id, fingerprint, Step.NOTED, unit.now_ms, detail, found.group_key)


def _shown(unit: Unit, tenant: str, found: Iterable[Escalation]) -> list[dict[str, Any]]:
    """Return escalations with the labels of their alerts."""
    runs = [(one, read_run(one.run)) for one in found]
    labels = labels_of_alerts(unit, tenant, sorted({name for _, run in runs for name in run.alerts}))
    return [_escalation(one, run, labels, unit.now_ms) for one, run in runs]


def _escalation(
    found: Escalation, run: Run, labels: Mapping[str, Mapping[str, str]], now_ms: int
) -> dict[str, Any]:
    policy, level = read_policy(found.document, found.policy), max(run.level, 0)
    quorum, who_counts = escalate.quorum_of(policy, run, level)
    step = escalate.following(policy, run, now_ms)
    return {
        "id": found.id,
        "group_key": found.group_key,
        "policy": found.policy,
        "version": found.version,
        "status": run.status.value,
        "level": run.level + 1,
        "level_name": policy.level_name(run.level) if run.level >= 0 else "",
        "round": run.round,
        "alerts": dict(run.alerts),
        "labels": {name: dict(labels[name]) for name in run.alerts if name in labels},
        "votes": list(escalate.votes_for(policy, run, level, now_ms)),
        "quorum": quorum,
        "voters": sorted(who_counts or ()),
        "told": {policy.level_name(int(level)): list(people) for level, people in run.told.items()},
        "started": format_time_ms(found.started_ms),
        "next": iso_or_none(found.due_ms),
        "next_level": policy.level_name(step.level) if step else "",
        "next_targets": [str(target) for target in step.targets] if step else [],
        "ended": iso_or_none(found.ended_ms),
    }
