"""Automatic responses: actions, and what was, is or waits to be done."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final

from msgspec import Struct
from pydantic import Field
from starlette.requests import Request

from pharos.alerting.actions import Action, Transition, plan, read_action
from pharos.alerting.responses import decide
from pharos.api.alerting.answers import CONFIGURE, VIEW, author_of, iso_or_none, tenant_of, with_query
from pharos.api.alerting.definitions import Definitions
from pharos.api.alerting.schedule_shapes import VersionShape
from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Body, Native, Shape
from pharos.errors import Kind, PharosError
from pharos.gotext.timestamps import format_time_ms
from pharos.query.metrics.query import parse_query
from pharos.state import State, Writing, actions
from pharos.state.actions import Response, ResponseStatus
from pharos.state.documents import Defined

_RUN: Final = "alerts.escalate"


class ActionBody(Body):
    """What an action is, and why it is so."""

    action: dict[str, Any] = Field(max_length=20)
    version: int | None = None
    reason: str = Field(default="", max_length=2000)


class DecisionBody(Body):
    """Why a response is approved, or is not."""

    reason: str = Field(default="", max_length=2000)


class RehearsalBody(Body):
    """An action, and labels of an alert that it would answer."""

    action: dict[str, Any] = Field(max_length=20)
    labels: dict[str, str] = Field(max_length=100)
    step: str = "firing"


class RehearsalShape(Shape):
    """What an action would do."""

    answers: bool
    plan: str


class EvidenceShape(Shape):
    """What was asked before, and answered."""

    query: str
    answer: str
    at: str | None
    """When it was kept: before somebody decided, or before it was done."""


class ResponseShape(Shape):
    """An action for one transition of one alert."""

    id: str
    action: str
    version: int
    fingerprint: str
    step: str
    labels: dict[str, str]
    status: ResponseStatus
    evidence: list[EvidenceShape]
    outcome: str
    decided_by: str
    created: str
    started: str | None
    ended: str | None


class ActionsApi(Struct, frozen=True):
    """Keeps actions, and has people decide about what they do."""

    native: Native
    state: State
    commands: Collection[str] = ()
    clusters: Collection[str] = ()
    """What pharos.yml allows, by name."""

    @property
    def _kept(self) -> Definitions:
        return Definitions(self.state, Defined.ACTION)

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make, base = self.native.operation, "/api/alerting/actions"
        one = f"{base}/{{action}}"
        yield make(f"GET {base}", VIEW, self.list_actions, list[VersionShape])
        yield make(f"GET {one}", VIEW, self.show_action, list[VersionShape])
        yield make(f"PUT {one}", CONFIGURE, self.put_action, VersionShape, ActionBody)
        yield make(f"DELETE {one}", CONFIGURE, self.drop_action, VersionShape)
        rehearsal = "POST /api/alerting/action_rehearsal"
        yield make(rehearsal, VIEW, self.rehearse_action, RehearsalShape, RehearsalBody)
        done = "/api/alerting/responses"
        listed = make(f"GET {done}", VIEW, self.list_responses, list[ResponseShape])
        yield with_query(listed, status="Only those of which this holds, as `waiting`.")
        yield make(
            f"POST {done}/{{response}}/approve", _RUN, self.approve_response, ResponseShape, DecisionBody
        )
        yield make(
            f"POST {done}/{{response}}/reject", _RUN, self.reject_response, ResponseShape, DecisionBody
        )

    async def list_actions(self, request: Request) -> list[dict[str, Any]]:
        """Return all actions of the tenant."""
        return await self._kept.all(request)

    async def show_action(self, request: Request) -> list[dict[str, Any]]:
        """Return the versions of an action, the newest first."""
        return await self._kept.versions(request, request.path_params["action"])

    async def put_action(self, request: Request, body: ActionBody) -> dict[str, Any]:
        """Define an action, or say anew what it is."""
        name = request.path_params["action"]
        action = read_action(body.action, name)
        if action.command is not None or action.kubernetes is not None:
            # They act as the server does, beyond any tenant.
            scope_of(request).check("server.operate")
        self._require_possible(action, f"action {name!r}")
        return await self._kept.put(request, name, body.action, body.version, body.reason)

    def _require_possible(self, action: Action, what: str) -> None:
        """Raise PharosError(INVALID) for what could never be done here: at night is too late."""
        if action.command is not None:
            _require_known(f"{what}: command.name", action.command.name, self.commands, "commands")
        if action.kubernetes is not None:
            _require_known(
                f"{what}: kubernetes.cluster", action.kubernetes.cluster, self.clusters, "clusters"
            )
        for place, query in enumerate(action.evidence):
            try:
                parse_query(query)
            except PharosError as exc:
                raise PharosError(exc.kind, f"{what}: evidence[{place}]: {exc}") from exc

    async def drop_action(self, request: Request) -> dict[str, Any]:
        """Take an action away."""
        return await self._kept.drop(request, request.path_params["action"])

    async def rehearse_action(self, request: Request, body: RehearsalBody) -> dict[str, Any]:
        """Return what an action would do upon a transition of an alert with some labels; nothing is done."""
        action = read_action(body.action, "rehearsal")
        self._require_possible(action, "action 'rehearsal'")
        of = Transition(tenant_of(request), "0" * 16, body.step, 0, body.labels)
        return {
            "answers": action.answers(body.step, body.labels),
            "plan": str(plan(action, "rehearsal", of)),
        }

    async def list_responses(self, request: Request) -> list[dict[str, Any]]:
        """Return what was, is, or waits to be done, the newest first."""
        tenant, text = tenant_of(request), request.query_params.get("status", "")
        if text and text not in set(ResponseStatus):
            raise PharosError(Kind.INVALID, f"status: one of {', '.join(ResponseStatus)}")
        status = ResponseStatus(text) if text else None
        found = await self.state.read(lambda unit: actions.list_responses(unit, tenant, status))
        return [shown_response(one) for one in found]

    async def approve_response(self, request: Request, body: DecisionBody) -> dict[str, Any]:
        """Have a response that waits be carried out."""
        return await self._decide(request, body, approves=True)

    async def reject_response(self, request: Request, body: DecisionBody) -> dict[str, Any]:
        """Have a response that waits not be carried out."""
        return await self._decide(request, body, approves=False)

    async def _decide(self, request: Request, body: DecisionBody, *, approves: bool) -> dict[str, Any]:
        tenant, named = tenant_of(request), request.path_params["response"]

        def write(unit: Writing) -> Response:
            return decide(unit, tenant, named, approves=approves)

        return shown_response(await self.state.write(write, author_of(request, body.reason)))


def _require_known(what: str, name: str, known: Collection[str], setting: str) -> None:
    if name not in known:
        # Which there are is for operators to know.
        raise PharosError(Kind.INVALID, f"{what}: {name!r} is none of actions.{setting} of pharos.yml")


def shown_response(found: Response) -> dict[str, Any]:
    """Return a response as JSON has it."""
    return {
        "id": found.id,
        "action": found.action,
        "version": found.version,
        "fingerprint": found.fingerprint,
        "step": found.step,
        "labels": dict(found.labels),
        "status": found.status.value,
        "evidence": [
            {"query": one["query"], "answer": one["answer"], "at": iso_or_none(one.get("at_ms"))}
            for one in found.evidence
        ],
        "outcome": found.outcome,
        "decided_by": found.decided_name,
        "created": format_time_ms(found.created_ms),
        "started": iso_or_none(found.started_ms),
        "ended": iso_or_none(found.ended_ms),
    }
