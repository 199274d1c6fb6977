"""`/api/v1/flows`: what people ask of flows, how engines hear of it, and what they answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final, Protocol

import orjson
from msgspec import Struct
from msgspec.structs import replace
from pydantic import Field
from starlette.requests import Request

from pharos.access import Scope
from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Body, Native, Shape
from pharos.api.prometheus.parameters import query_parameters
from pharos.api.prometheus.shapes import Failure
from pharos.errors import Kind, PharosError
from pharos.flows.control import WAIT_MOST_S, Asked, Controls, shown_to_engine
from pharos.flows.hook import read_hook, shown_hook
from pharos.identity.sign_in import author_of
from pharos.state import State, Unit, Writing, documents, flow_controls
from pharos.state.documents import Defined, Version
from pharos.state.flow_controls import ANSWERS, OPEN, Control, FlowAction
from pharos.state.tables import require_name

_LISTED_MOST: Final = 500
_REASON_MOST: Final = 1_000


class Known(Protocol):
    """What is known of a run."""

    @property
    def workflow(self) -> str:
        """Empty where nobody told."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        ...


_PARAMETERS: Final = {
    "list_controls": (
        ("run_id", "string", "What was asked of this run alone."),
        ("workflow", "string", "What was asked of this workflow alone."),
        ("limit", "integer", "So many at most: 100 if it is left out, 500 at most."),
    ),
    "get_control": (("wait_s", "number", "So long it is waited for the engine's answer."),),
    "drop_hook": (("workflow", "string", "Whose hook."),),
}
"""Of the query string, by endpoint."""
Find = Callable[[Scope, str], Awaitable[Known | None]]
"""Finds a run of a tenant."""


class _Asking(Body):
    parameters: dict[str, Any] = Field(default_factory=dict)
    idempotency_key: str = Field(default="", max_length=200)
    reason: str = Field(default="", max_length=_REASON_MOST)
    wait_s: float = Field(default=10.0, ge=0, le=WAIT_MOST_S)


class StartBody(_Asking):
    """A run that somebody wants to be started."""

    workflow: str = Field(min_length=1, max_length=200)


class RunControlBody(_Asking):
    """What somebody wants of a run."""

    run_id: str = Field(min_length=1, max_length=300)


class HookBody(Body):
    """The control hook of a workflow, `*` for all without one of their own."""

    workflow: str = Field(min_length=1, max_length=200)
    hook: dict[str, Any]
    version: int | None = None
    """In whose place it comes (0: in none's); whichever there is, if it is left out."""
    reason: str = Field(default="", max_length=_REASON_MOST)


class QueueBody(Body):
    """An engine that asks what is wanted of it."""

    workflows: list[str] = Field(default=[], max_length=200)
    limit: int = Field(default=10, ge=1, le=100)
    lease_s: int = Field(default=60, ge=5, le=3_600)
    """So long nobody else is handed the same."""
    wait_s: float = Field(default=0.0, ge=0, le=WAIT_MOST_S)


class AnswerBody(Body):
    """What an engine says of a control."""

    status: str
    message: str = Field(default="", max_length=10_000)


class ControlShape(Shape):
    """Something that somebody asked of a flow, and how it stands."""

    id: str
    action: str
    workflow: str
    run_id: str
    parameters: dict[str, Any]
    status: str
    """`waiting`, `sent`, `accepted`, `done`, `refused`, `failed` or `expired`."""
    is_over: bool
    message: str
    way: str
    by: str
    reason: str
    asked_ms: int
    answer_until_ms: int
    ended_ms: int | None


class ControlsShape(Shape):
    """What was asked, the newest first."""

    controls: list[ControlShape]


class HookShape(Shape):
    """A control hook, without its secrets."""

    workflow: str
    hook: dict[str, Any]
    version: int
    changed_by: str
    changed_ms: int


class HooksShape(Shape):
    """All hooks of the tenant, by workflow."""

    hooks: list[HookShape]


class QueueShape(Shape):
    """What an engine is to do."""

    controls: list[dict[str, Any]]


class FlowControlApi(Struct, frozen=True):
    """Takes what is asked of flows, and what engines say."""

    native: Native
    controls: Controls
    state: State
    find: Find

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make = self._operation
        yield make("POST /api/v1/flows/start", "flows.start", self.start_flow, ControlShape, StartBody)
        for action, endpoint in (
            (FlowAction.PAUSE, self.pause_run),
            (FlowAction.RESUME, self.resume_run),
            (FlowAction.RETRY, self.retry_run),
            (FlowAction.ABORT, self.abort_run),
        ):
            address, permission = f"POST /api/v1/flows/{action}", f"flows.{action}"
            yield make(address, permission, endpoint, ControlShape, RunControlBody)
        yield make("GET /api/v1/flows/controls", "flows.read", self.list_controls, ControlsShape)
        one = "/api/v1/flows/controls/{control_id}"
        yield make(f"GET {one}", "flows.read", self.get_control, ControlShape)
        yield make(f"POST {one}/answer", "flows.write", self.answer_control, ControlShape, AnswerBody)
        yield make("POST /api/v1/flows/queue", "flows.write", self.take_controls, QueueShape, QueueBody)
        hooks = "/api/v1/flows/hooks"
        yield make(f"GET {hooks}", "flows.read", self.list_hooks, HooksShape)
        yield make(f"PUT {hooks}", "flows.update", self.put_hook, HookShape, HookBody)
        yield make(f"DELETE {hooks}", "flows.delete", self.drop_hook, HookShape)

    def _operation(
        self, address: str, permission: str, endpoint: Any, answer: Any, body: type[Body] | None = None
    ) -> Operation:
        """Return an operation that says which parameters it takes, and that what is asked may not fit."""
        made = self.native.operation(address, permission, endpoint, answer, body)
        asked = [
            {"name": name, "in": "query", "description": text, "schema": {"type": kind}}
            for name, kind, text in _PARAMETERS.get(endpoint.__name__, ())
        ]
        inputs = {**made.inputs, "parameters": [*made.inputs.get("parameters", ()), *asked]}
        responses = made.responses
        if body is not None:
            conflict = {
                "model": Failure,
                "description": "It does not fit how the run, or the control, stands.",
            }
            responses = {**responses, 409: conflict}
        return replace(made, inputs=inputs, responses=responses)

    # -- who asks --

    async def start_flow(self, request: Request, body: StartBody) -> dict[str, Any]:
        """Have the engine of a workflow start a run of it."""
        return await self._ask(request, body, FlowAction.START, body.workflow, "")

    async def pause_run(self, request: Request, body: RunControlBody) -> dict[str, Any]:
        """Have a run paused by its engine."""
        return await self._ask_of_run(request, body, FlowAction.PAUSE)

    async def resume_run(self, request: Request, body: RunControlBody) -> dict[str, Any]:
        """Have a run that is paused go on."""
        return await self._ask_of_run(request, body, FlowAction.RESUME)

    async def retry_run(self, request: Request, body: RunControlBody) -> dict[str, Any]:
        """Have a run that is over, or its step `parameters.step`, tried again."""
        return await self._ask_of_run(request, body, FlowAction.RETRY)

    async def abort_run(self, request: Request, body: RunControlBody) -> dict[str, Any]:
        """Have a run ended by its engine."""
        return await self._ask_of_run(request, body, FlowAction.ABORT)

    async def _ask_of_run(self, request: Request, body: RunControlBody, action: FlowAction) -> dict[str, Any]:
        found = await self.find(scope_of(request).alone(), body.run_id)
        if found is None:
            raise PharosError(Kind.MISSING, f"there is no run {body.run_id[:200]!r}")
        if not found.workflow:
            raise PharosError(
                Kind.CONFLICT, f"of the run {body.run_id[:200]!r} it is not known of which workflow it is"
            )
        # A step is tried again while its run goes on.
        is_of_step = action is FlowAction.RETRY and "step" in body.parameters
        if found.is_over is not (action is FlowAction.RETRY) and not is_of_step:
            stands = "is over" if found.is_over else "is not over"
            raise PharosError(
                Kind.CONFLICT, f"the run {body.run_id[:200]!r} {stands}: it cannot be told to {action}"
            )
        return await self._ask(request, body, action, found.workflow, body.run_id)

    async def _ask(
        self, request: Request, body: _Asking, action: FlowAction, workflow: str, run_id: str
    ) -> dict[str, Any]:
        scope = scope_of(request).alone()
        key = body.idempotency_key or request.headers.get("idempotency-key", "")
        asked = Asked(action, workflow, run_id, body.parameters, key)
        author = author_of(scope.who, body.reason.strip())
        return _shown(await self.controls.ask(scope, author, asked, body.wait_s))

    async def list_controls(self, request: Request) -> dict[str, Any]:
        """Return what was asked of a run (`run_id`), of a `workflow` or of all flows, the newest first."""
        tenant, asked = scope_of(request).alone().tenant, query_parameters(request)
        limit = min(asked.limit() or 100, _LISTED_MOST)
        run_id, workflow = asked.first("run_id") or None, asked.first("workflow") or None

        def read(unit: Unit) -> tuple[Control, ...]:
            return flow_controls.list_controls(unit, tenant, run_id=run_id, workflow=workflow, limit=limit)

        return {"controls": [_shown(one) for one in await self.state.read(read)]}

    async def get_control(self, request: Request) -> dict[str, Any]:
        """Return how it stands with what was asked; with `wait_s`, once the engine has said something."""
        asked = query_parameters(request)
        wait_ms = asked.duration_ms("wait_s", 0) or 0
        if not 0 <= wait_ms <= WAIT_MOST_S * 1000:
            raise PharosError(Kind.INVALID, f"wait_s is 0 to {WAIT_MOST_S:g}")
        found = await self.controls.answered(
            scope_of(request).alone(), request.path_params["control_id"], wait_ms / 1000
        )
        return _shown(found)

    # -- engines --

    async def take_controls(self, request: Request, body: QueueBody) -> dict[str, Any]:
        """Hand out what waits for an engine; each comes again unless it is answered within `lease_s`."""
        found = await self.controls.take(
            scope_of(request).alone(), body.workflows, body.limit, body.lease_s, body.wait_s
        )
        return {"controls": [shown_to_engine(one) for one in found]}

    async def answer_control(self, request: Request, body: AnswerBody) -> dict[str, Any]:
        """Take what an engine says of a control: accepted, done, refused or failed."""
        status = next((one for one in ANSWERS if one.value == body.status), None)
        if status is None:
            raise PharosError(Kind.INVALID, f"status: must be one of {', '.join(ANSWERS)}")
        scope = scope_of(request).alone()
        control_id = request.path_params["control_id"]
        return _shown(
            await self.controls.answer(scope, author_of(scope.who), control_id, status, body.message)
        )

    # -- hooks --

    async def list_hooks(self, request: Request) -> dict[str, Any]:
        """Return the control hooks of the tenant, without their secrets."""
        tenant = scope_of(request).alone().tenant
        found = await self.state.read(lambda unit: documents.list_documents(unit, Defined.FLOW_HOOK, tenant))
        return {"hooks": [_shown_version(one) for one in found]}

    async def put_hook(self, request: Request, body: HookBody) -> dict[str, Any]:
        """Say how the engine of a workflow is reached; `<secret>` in it is what is kept there."""
        scope = scope_of(request).alone()
        name = require_name(body.workflow, "workflow", 200)

        def put(unit: Writing) -> Version:
            before = documents.find_document(unit, scope.tenant, Defined.FLOW_HOOK, name)
            hook = read_hook(body.hook, None if before is None else before.document)
            return documents.put_document(
                unit,
                scope.tenant,
                Defined.FLOW_HOOK,
                name,
                hook.model_dump(mode="json", exclude_defaults=True),
                expected=body.version,
                shown=shown_hook,
            )

        return _shown_version(await self.state.write(put, author_of(scope.who, body.reason.strip())))

    async def drop_hook(self, request: Request) -> dict[str, Any]:
        """Take the hook of `workflow` away: nothing can be asked of its engine any more."""
        scope = scope_of(request).alone()
        name = query_parameters(request).first("workflow")
        if not name:
            raise PharosError(Kind.INVALID, "the parameter workflow is missing")
        found = await self.state.write(
            lambda unit: documents.drop_document(
                unit, scope.tenant, Defined.FLOW_HOOK, name, shown=shown_hook
            ),
            author_of(scope.who),
        )
        return _shown_version(found)


def _shown(control: Control) -> dict[str, Any]:
    return {
        "id": control.id,
        "action": control.action.value,
        "workflow": control.workflow,
        "run_id": control.run_id,
        "parameters": orjson.loads(control.parameters),
        "status": control.status.value,
        "is_over": control.status not in OPEN,
        "message": control.message,
        "way": control.way.value,
        "by": control.who_name or control.who,
        "reason": control.reason,
        "asked_ms": control.created_ms,
        "answer_until_ms": control.due_ms,
        "ended_ms": control.ended_ms,
    }


def _shown_version(found: Version) -> dict[str, Any]:
    return {
        "workflow": found.name,
        "hook": shown_hook(found.document or {}),
        "version": found.version,
        "changed_by": found.who_name or found.who,
        "changed_ms": found.at_ms,
    }
