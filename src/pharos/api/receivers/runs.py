"""Where runs are told of in other people's formats: OpenLineage, Prefect, Airflow, Temporal, and spans."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

import orjson
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from pharos.access import Scope
from pharos.api.http.bodies import Bodies
from pharos.api.http.errors import native_error
from pharos.api.http.forms import media_type
from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.prometheus.shapes import Failure
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.ingest.unpacking import unpack
from pharos.runs.events import RunEvent
from pharos.runs.runs import Runs
from pharos.runs.sources.airflow import read_airflow
from pharos.runs.sources.fields import Fields, read_documents
from pharos.runs.sources.openlineage import read_openlineage
from pharos.runs.sources.prefect import read_prefect
from pharos.runs.sources.spans import bears_runs, read_spans
from pharos.runs.sources.temporal import read_temporal
from pharos.telemetry import INGEST_REQUESTS
from pharos.turns import TurnPool

LINEAGE_PATH: Final = "/api/v1/lineage"
WRITE: Final = "flows.write"
_BODY_MOST_BYTES: Final = 8 << 20
_EVENTS_MOST: Final = 10_000
_QUICK_BYTES: Final = 65_536
"""So much is looked through on the loop: handing over a body that says nothing of runs would cost more."""
_AHEAD_NS: Final = 600 * 10**9
"""So far ahead of ours a sender's clock may be."""
_JSON: Final = "application/json"
_LINES: Final = frozenset({"application/x-ndjson", "application/jsonl", "application/x-jsonlines"})
_SUMMARIES: Final = {
    "openlineage": "Send OpenLineage events",
    "prefect": "Send events of Prefect",
    "airflow": "Send DAG runs and task instances of Airflow",
    "temporal": "Send histories of Temporal",
}

Read = Callable[[Sequence[Fields], Request], list[RunEvent]]


class RunDoor:
    """Takes events of runs; bodies are read on the pool's threads."""

    def __init__(self, runs: Runs, bodies: Bodies, clock: Clock, pool: TurnPool) -> None:
        self._runs = runs
        self._bodies = bodies
        self._clock = clock
        self._pool = pool

    async def take_openlineage(self, request: Request) -> Response:
        """Answer 200 once everything is durable; of a bad body nothing is taken."""
        return await self._take(request, "openlineage", lambda found, _: read_openlineage(found))

    async def take_prefect(self, request: Request) -> Response:
        """Answer 200 once everything is durable; of a bad body nothing is taken."""
        return await self._take(request, "prefect", lambda found, _: read_prefect(found))

    async def take_airflow(self, request: Request) -> Response:
        """Answer 200 once everything is durable; of a bad body nothing is taken."""
        now_ns = self._clock.now_ns()
        return await self._take(request, "airflow", lambda found, _: read_airflow(found, now_ns))

    async def take_temporal(self, request: Request) -> Response:
        """Answer 200 once everything is durable; of a bad body nothing is taken.

        `run_id` and `workflow` name the execution of a part of a history that does not begin with its first
        event.
        """
        return await self._take(request, "temporal", _temporal)

    async def take_spans(self, scope: Scope, body: bytes) -> None:
        """Take what an OTLP request of spans says of runs, from whoever may send that.

        Raises PharosError(UNAVAILABLE, LIMITED): the spans are sent again then, and nothing is counted twice.
        """
        if WRITE not in scope.permissions or scope.is_several:
            return
        if len(body) <= _QUICK_BYTES and not bears_runs(body):
            return
        read = await asyncio.wrap_future(self._pool.submit(scope.tenant, partial(read_spans, body)))
        events = self._timed(read)
        for start in range(0, len(events), _EVENTS_MOST):
            try:
                await self._runs.record(scope, events[start : start + _EVENTS_MOST], source="otlp")
            except PharosError as exc:
                if exc.kind not in {Kind.UNAVAILABLE, Kind.LIMITED}:
                    # Spans are taken whatever they say of runs.
                    return
                raise

    async def _take(self, request: Request, source: str, read: Read) -> Response:
        response = await self._answer(request, source, read)
        INGEST_REQUESTS.labels(source, str(response.status_code)).inc()
        return response

    async def _answer(self, request: Request, source: str, read: Read) -> Response:
        try:
            _check_media(request)
            scope = scope_of(request).alone()
            packing = request.headers.get("content-encoding", "")
            async with self._bodies.telemetry(request, _BODY_MOST_BYTES) as incoming:
                work = partial(_read, incoming.body, packing, lambda found: read(found, request))
                events = await asyncio.wrap_future(self._pool.submit(scope.tenant, work))
                recorded = await self._runs.record(scope, self._timed(events), source=source)
        except PharosError as exc:
            return native_error(exc)
        told = {"accepted": recorded.accepted, "doubled": recorded.doubled}
        return Response(orjson.dumps({"status": "success", "data": told}), media_type=_JSON)

    def _timed(self, events: Sequence[RunEvent]) -> list[RunEvent]:
        """Return events with those of the future as of now: clocks may be wrong."""
        last_ns = self._clock.now_ns() + _AHEAD_NS
        return [one if one.time_ns <= last_ns else replace(one, time_ns=last_ns) for one in events]

    def operations(self) -> Iterator[Operation]:
        """Yield what is answered where events of runs are taken."""
        for source, path, take in (
            ("openlineage", LINEAGE_PATH, self.take_openlineage),
            ("prefect", "/api/v1/run_events/prefect", self.take_prefect),
            ("airflow", "/api/v1/run_events/airflow", self.take_airflow),
            ("temporal", "/api/v1/run_events/temporal", self.take_temporal),
        ):
            yield Operation(
                path,
                "POST",
                take,
                WRITE,
                name=f"{source}_events",
                tag="runs",
                summary=_SUMMARIES[source],
                responses=_RESPONSES,
                inputs={**_BODY, **(_OF_PART if source == "temporal" else {})},
            )


_DATA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"accepted": {"type": "integer"}, "doubled": {"type": "integer"}},
    "required": ["accepted", "doubled"],
}
_ANSWER: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"status": {"const": "success"}, "data": _DATA},
    "required": ["status", "data"],
}
_RESPONSES: Final[dict[int, dict[str, Any]]] = {
    200: {"description": "Everything is durable.", "content": {_JSON: {"schema": _ANSWER}}},
    **{
        status: {"model": Failure, "description": text}
        for status, text in {
            400: "What is wrong, and where; nothing is taken.",
            408: "The body did not come in time.",
            413: "The body is too large.",
            422: "Packed otherwise than by gzip, deflate or zstd.",
            429: "Too much for now.",
            503: "Not now.",
        }.items()
    },
}
_OBJECT: Final = {"type": "object"}
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "content": {
            _JSON: {"schema": {"oneOf": [_OBJECT, {"type": "array", "items": _OBJECT}]}},
            "application/x-ndjson": {"schema": {"type": "string"}},
        },
        "required": True,
    }
}
_OF_PART: Final[dict[str, Any]] = {
    "parameters": [
        {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}
        for name, text in (
            ("run_id", "Whose history it is, where it does not begin with its first event."),
            ("workflow", "The type of that workflow."),
        )
    ]
}


def _check_media(request: Request) -> None:
    """Raise PharosError(INVALID) unless a body is JSON.

    A form, which a page of another origin could send without being asked, is none.
    """
    media = media_type(request.headers.get("content-type", ""))
    if media != _JSON and media not in _LINES:
        raise PharosError(
            Kind.INVALID,
            f"the body must be {_JSON} or application/x-ndjson",
            hint="set the header Content-Type",
        )


def _temporal(found: Sequence[Fields], request: Request) -> list[RunEvent]:
    asked = request.query_params
    return read_temporal(found, asked.get("run_id", ""), asked.get("workflow", ""))


def _read(body: bytes, packing: str, read: Callable[[Sequence[Fields]], list[RunEvent]]) -> list[RunEvent]:
    """Return the events of a body. Raises PharosError: INVALID, TOO_LARGE, UNSUPPORTED."""
    plain = unpack(body, packing)
    if len(plain) > _BODY_MOST_BYTES:
        raise PharosError(
            Kind.TOO_LARGE, f"the body is larger than {_BODY_MOST_BYTES} bytes", hint="send less at a time"
        )
    events = read(read_documents(plain))
    if len(events) > _EVENTS_MOST:
        raise PharosError(
            Kind.TOO_LARGE, f"the body holds {len(events)} events", hint=f"send {_EVENTS_MOST} at most"
        )
    return events
