"""Events of runs over HTTP: many at once, one for each call, and in the shapes of Qflow and AutomatosX."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random
from typing import Any, Final

import orjson
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from pharos.api.http.bodies import Bodies
from pharos.api.http.errors import native_error
from pharos.api.http.forms import media_type
from pharos.api.http.identity import scope_of
from pharos.api.http.json_text import json_text
from pharos.api.http.off_loop import off_loop
from pharos.api.http.routes import Operation, answering
from pharos.api.native.reading import FAILURES, Schema, failed, json_content, object_of
from pharos.api.runs.shapes import RECORDED, RECORDED_RUN
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.runs.automatosx import workflow_events
from pharos.runs.events import RunEvent
from pharos.runs.qflow import execution_events, validation_events
from pharos.runs.reading import read_call, read_events
from pharos.runs.runs import Runs

WRITE: Final = "flows.write"
_MOST_BYTES: Final = 8 << 20
_JSON: Final = "application/json"
_LINES: Final = ("application/x-ndjson", "application/jsonl", "application/x-jsonlines")
_RUN_ID_BITS: Final = 96
_FAILURES: Final = {
    **FAILURES,
    401: "Who asks is not known.",
    403: "Who asks may not do this.",
    408: "The body did not come in time.",
    413: "The body is too large.",
    429: "More than the tenant may send.",
}
_BODY: Final[Schema] = {"type": ["object", "array"]}
_ONE: Final[Schema] = {"type": "object"}


class RunEventsApi(Struct, frozen=True):
    """Takes events of runs."""

    runs: Runs
    bodies: Bodies
    clock: Clock
    chance: Random

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        yield self._operation("/api/v1/runs", self.send_events, RECORDED, _BODY)
        calls = (self.run_start, self.run_step, self.run_progress, self.run_heartbeat, self.run_end)
        for call in calls:
            yield self._operation(f"/api/v1/{call.__name__}", call, RECORDED_RUN, _ONE)
        yield self._operation("/api/v1/flows/executions", self.qflow_executions, RECORDED, _BODY)
        yield self._operation("/api/v1/flows/validations", self.qflow_validations, RECORDED, _BODY)
        yield self._operation("/api/monitoring/workflows", self.automatosx_workflows, RECORDED, _BODY)

    def _operation(self, path: str, endpoint: Any, answer: Schema, body: Schema) -> Operation:
        async def handler(request: Request) -> Response:
            found = await endpoint(request)
            return Response(json_text({"status": "success", "data": found}), media_type=_JSON)

        success = object_of(status={"const": "success"}, data=answer)
        name = endpoint.__name__ if endpoint.__name__.startswith("run_") else f"runs_{endpoint.__name__}"
        return Operation(
            path,
            "POST",
            answering(handler, native_error, endpoint),
            WRITE,
            name=name,
            tag="runs",
            summary=name.replace("_", " ").capitalize(),
            responses={**failed(_FAILURES), 200: {"description": "Taken.", **json_content(success)}},
            inputs={"requestBody": {**json_content(body), "required": True}},
        )

    async def send_events(self, request: Request) -> Any:
        """Take events: `{"events": […]}`, a list, one event, or one on each line; all of them or none."""
        by_line = media_type(request.headers.get("content-type", "")) in _LINES
        now_ns = self.clock.now_ns()
        return await self._taken(request, "runs", lambda body: read_events(body, now_ns, by_line=by_line))

    async def run_start(self, request: Request) -> Any:
        """Say that a run began; without a `run_id` one is made."""
        return await self._call(request, "start")

    async def run_step(self, request: Request) -> Any:
        """Say how a step of a run stands: `step.state` is running, or how it ended."""
        return await self._call(request, "step")

    async def run_progress(self, request: Request) -> Any:
        """Say how far a run is."""
        return await self._call(request, "progress")

    async def run_heartbeat(self, request: Request) -> Any:
        """Say that a run goes on."""
        return await self._call(request, "heartbeat")

    async def run_end(self, request: Request) -> Any:
        """Say that a run is over, and how."""
        return await self._call(request, "end")

    async def qflow_executions(self, request: Request) -> Any:
        """Take FlowExecutionMetrics of Qflow, one or a list."""
        now_ns = self.clock.now_ns()
        return await self._taken(request, "qflow", lambda body: execution_events(_document(body), now_ns))

    async def qflow_validations(self, request: Request) -> Any:
        """Take ValidationPipelineMetrics of Qflow, one or a list."""
        now_ns = self.clock.now_ns()
        return await self._taken(request, "qflow", lambda body: validation_events(_document(body), now_ns))

    async def automatosx_workflows(self, request: Request) -> Any:
        """Take events of AutomatosX' workflows, one or a list."""
        now_ns = self.clock.now_ns()
        return await self._taken(request, "automatosx", lambda body: workflow_events(_document(body), now_ns))

    async def _call(self, request: Request, kind: str) -> Any:
        made = f"{self.chance.getrandbits(_RUN_ID_BITS):024x}" if kind == "start" else ""
        now_ns = self.clock.now_ns()
        read = partial(_one_call, kind=kind, made=made, now_ns=now_ns)
        ids: list[str] = []

        def noted(body: bytes) -> Sequence[RunEvent]:
            event = read(body)
            ids.append(event.run_id)
            return [event]

        found = await self._taken(request, "runs", noted)
        return {"run_id": ids[0], **found}

    async def _taken(
        self, request: Request, source: str, read: Callable[[bytes], Sequence[RunEvent]]
    ) -> dict[str, int]:
        async with self.bodies.telemetry(request, _MOST_BYTES) as incoming:
            media = media_type(request.headers.get("content-type", ""))
            if media not in {_JSON, *_LINES}:
                # A form, which a page of another origin could send without being asked, is none.
                raise PharosError(
                    Kind.INVALID, f"the body must be {_JSON}", hint="set the header Content-Type"
                )
            events = await off_loop(len(incoming.body), partial(read, incoming.body))
            found = await self.runs.record(scope_of(request), events, source)
        return {"accepted": found.accepted, "doubled": found.doubled}


def _one_call(body: bytes, *, kind: str, made: str, now_ns: int) -> RunEvent:
    return read_call(_document(body), kind, now_ns, made)


def _document(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise PharosError(Kind.INVALID, f"the body is no JSON: {exc}") from exc
