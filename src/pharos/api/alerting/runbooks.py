"""Runbooks at an alert: steps are ticked and actions asked for, and both stay in its timeline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct
from pydantic import Field
from starlette.requests import Request

from pharos.alerting.responses import ask_for
from pharos.api.alerting.actions import ResponseShape, shown_response
from pharos.api.alerting.answers import ACKNOWLEDGE, author_of, tenant_of
from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Body, Native, Shape
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.state import State, Writing, timeline
from pharos.state.actions import Response
from pharos.state.timeline import Entry, Step

_ESCALATE: Final = "alerts.escalate"
_BASE: Final = "/api/alerting/alerts/{fingerprint}/runbook"


class RunbookTickBody(Body):
    """A step of a runbook, by its text, and whether it is done."""

    step: str = Field(min_length=1, max_length=500)
    done: bool = True


class RunbookTickShape(Shape):
    """A step that was ticked, or is no longer."""

    step: str
    done: bool
    by: str


class RunbookAskBody(Body):
    """Why an action is asked for."""

    reason: str = Field(default="", max_length=2000)


class RunbooksApi(Struct, frozen=True):
    """Keeps what was done by a runbook."""

    native: Native
    state: State
    clock: Clock

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make = self.native.operation
        yield make(f"POST {_BASE}/steps", ACKNOWLEDGE, self.tick_step, RunbookTickShape, RunbookTickBody)
        asked = f"POST {_BASE}/actions/{{action}}"
        yield make(asked, _ESCALATE, self.ask_for_action, ResponseShape, RunbookAskBody)

    async def tick_step(self, request: Request, body: RunbookTickBody) -> dict[str, Any]:
        """Write into an alert's timeline that a step of its runbook is done, or not."""
        tenant, named = tenant_of(request), request.path_params["fingerprint"]
        who = scope_of(request).who.name
        text = f"{'did' if body.done else 'took back'}: {body.step}"
        detail = {"name": who, "text": text, "runbook_step": body.step, "done": body.done}

        def write(unit: Writing) -> None:
            if not timeline.list_steps(unit, tenant, fingerprint=named, limit=1):
                raise PharosError(Kind.MISSING, f"nothing is known of an alert {named[:80]!r}")
            entry = Entry(tenant, named, Step.NOTED, self.clock.now_ms(), detail)
            timeline.append(unit, [entry])

        await self.state.write(write, author_of(request))
        return {"step": body.step, "done": body.done, "by": who}

    async def ask_for_action(self, request: Request, body: RunbookAskBody) -> dict[str, Any]:
        """Have an action be carried out upon an alert now; what comes of it is in the alert's timeline."""
        tenant, named = tenant_of(request), request.path_params["fingerprint"]
        action = request.path_params["action"]

        def write(unit: Writing) -> Response:
            return ask_for(unit, tenant, named, action)

        return shown_response(await self.state.write(write, author_of(request, body.reason)))
