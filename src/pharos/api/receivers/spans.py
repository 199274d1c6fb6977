"""Where spans are taken that are not OTLP: Zipkin's reporters, Jaeger's clients, and what they ask before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from pharos.access import Scope
from pharos.api.http.bodies import Bodies, Held
from pharos.api.http.errors import RECEIVER_FAILURES, plain_error, receiver_error
from pharos.api.http.forms import parse_pairs
from pharos.api.http.identity import scope_of
from pharos.api.http.json_text import json_text
from pharos.api.http.routes import Operation
from pharos.api.receivers.otlp_events import TellRuns
from pharos.api.receivers.otlp_http import Sent
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.ingest.accept import Intake
from pharos.ingest.events.batch import EventsTaken
from pharos.ingest.events.requests import EventRequest
from pharos.ingest.frames import FrameKind
from pharos.ingest.jaeger.batches import read_batch
from pharos.ingest.jaeger.sampling import Strategies
from pharos.ingest.signals import Submission
from pharos.ingest.unpacking import unpack
from pharos.ingest.zipkin.json_v2 import read_json
from pharos.ingest.zipkin.protobuf import read_protobuf
from pharos.ingest.zipkin.spans import ZipkinSpan, request_of
from pharos.ingest.zipkin.version_1 import read_json_v1, read_thrift
from pharos.telemetry import INGEST_REQUESTS
from pharos.turns import TurnPool

ZIPKIN_PATHS: Final = ("/api/v2/spans", "/api/v1/spans")
JAEGER_PATH: Final = "/api/traces"
SAMPLING_PATHS: Final = ("/sampling", "/api/sampling")
"""Of the agent and of the collector."""

_JSON: Final = "application/json"
_PROTOBUF: Final = frozenset({"application/x-protobuf", "application/protobuf"})
_THRIFT: Final = frozenset({"application/x-thrift", "application/vnd.apache.thrift.binary"})
_COMPACT: Final = "application/vnd.apache.thrift.compact"
_UNACCEPTABLE: Final = 415
_ACCEPTED: Final = 202
_FORMATS: Final = frozenset({"", "jaeger.thrift"})
_TEXT: Final[dict[str, Any]] = {"content": {"text/plain": {"schema": {"type": "string"}}}}
_BINARY: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}
_FAILURES: Final = {
    **RECEIVER_FAILURES,
    400: {"description": "What is wrong, as text; nothing of it is stored.", **_TEXT},
}

Reader = Callable[[bytes], EventRequest]


def _zipkin(read: Callable[[bytes], list[ZipkinSpan]], clock: Clock) -> Reader:
    return lambda body: request_of(read(body), clock.now_ns())


def _media(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


class SpanDoor:
    """Takes spans in other forms than OTLP; what comes is read on the pool's threads."""

    def __init__(
        self,
        intake: Intake,
        bodies: Bodies,
        clock: Clock,
        pool: TurnPool,
        most_bytes: int,
        tell_runs: TellRuns | None = None,
    ) -> None:
        self._intake = intake
        self._tell_runs = tell_runs
        self._bodies = bodies
        self._clock = clock
        self._pool = pool
        self._most_bytes = most_bytes

    async def take_zipkin(self, request: Request) -> Response:
        """Answer 202 once everything is durable."""
        is_old = request.url.path.startswith("/api/v1")
        readers: Mapping[str, Callable[[bytes], list[ZipkinSpan]]] = {
            "": read_json_v1 if is_old else read_json,
            _JSON: read_json_v1 if is_old else read_json,
            **(dict.fromkeys(_THRIFT, read_thrift) if is_old else dict.fromkeys(_PROTOBUF, read_protobuf)),
        }
        read = readers.get(_media(request))
        if read is None:
            response = _unacceptable(request, [one for one in readers if one])
        else:
            response = await self._take(request, "zipkin", _zipkin(read, self._clock))
        INGEST_REQUESTS.labels("zipkin", str(response.status_code)).inc()
        return response

    async def take_jaeger(self, request: Request) -> Response:
        """Answer 202 once everything is durable."""
        response = await self._jaeger(request)
        INGEST_REQUESTS.labels("jaeger", str(response.status_code)).inc()
        return response

    async def _jaeger(self, request: Request) -> Response:
        media = _media(request)
        if media and media != _COMPACT and media not in _THRIFT:
            return _unacceptable(request, [*sorted(_THRIFT), _COMPACT])
        try:
            form = dict(parse_pairs(request.scope["query_string"])).get("format", "")
        except PharosError as exc:
            return plain_error(exc)
        if form not in _FORMATS:
            return plain_error(PharosError(Kind.INVALID, f"format {form[:80]!r} is not jaeger.thrift"))
        return await self._take(request, "jaeger", partial(read_batch, is_compact=media == _COMPACT))

    async def _take(self, request: Request, source: str, read: Reader) -> Response:
        packing = request.headers.get("content-encoding", "")
        try:
            async with self._bodies.telemetry(request, self._most_bytes) as incoming:
                sent = Sent(incoming.body, packing=packing)
                await self.take(scope_of(request), source, read, sent, incoming)
        except PharosError as exc:
            return receiver_error(exc)
        return Response(status_code=_ACCEPTED)

    async def take(self, scope: Scope, source: str, read: Reader, sent: Sent, held: Held) -> None:
        """Return once all spans of a request are durable.

        Raises PharosError as `read`, `unpack` and `Intake.accept` do.
        """

        def plain() -> EventRequest:
            self._intake.check_open(scope.alone().tenant)
            return read(unpack(sent.body, sent.packing))

        made = await asyncio.wrap_future(self._pool.submit(scope.tenant, plain))
        if not made.count:
            return
        body = made.body()
        held.hold(len(body))
        if self._tell_runs is not None:
            await self._tell_runs(scope, body)
        submission: Submission[EventsTaken] = Submission(
            scope, FrameKind.SPANS, source, plain=body, sent_bytes=len(sent.body)
        )
        await self._intake.accept(submission)

    def operations(self) -> list[Operation]:
        """Return what is answered where spans are taken."""
        done = {_ACCEPTED: {"description": "Everything is durable."}, **_FAILURES}
        listed = {"schema": {"type": "array", "items": {"type": "object"}}}
        found = [
            Operation(
                path,
                "POST",
                self.take_zipkin,
                "traces.write",
                name=f"zipkin_spans{suffix}",
                tag="zipkin",
                summary="Send spans",
                responses=done,
                inputs={"requestBody": {"content": {_JSON: listed, other: _BINARY}, "required": True}},
            )
            for path, suffix, other in (
                (ZIPKIN_PATHS[0], "", "application/x-protobuf"),
                (ZIPKIN_PATHS[1], "_v1", "application/x-thrift"),
            )
        ]
        form = {"name": "format", "in": "query", "schema": {"type": "string", "enum": ["jaeger.thrift"]}}
        content = dict.fromkeys((*sorted(_THRIFT), _COMPACT), _BINARY)
        found.append(
            Operation(
                JAEGER_PATH,
                "POST",
                self.take_jaeger,
                "traces.write",
                name="jaeger_spans",
                tag="jaeger",
                summary="Send a batch of spans",
                responses=done,
                inputs={"parameters": [form], "requestBody": {"content": content, "required": True}},
            )
        )
        return found


def _unacceptable(request: Request, taken: list[str]) -> Response:
    named = request.headers.get("content-type", "")[:100]
    message = f"Content-Type {named!r} is not {', '.join(taken[:-1])} or {taken[-1]}\n"
    return Response(message, _UNACCEPTABLE, media_type="text/plain; charset=utf-8")


class SamplingEndpoint:
    """What clients ask before they send: which share of their traces to keep, by the strategies of now."""

    def __init__(self, strategies: Callable[[], Strategies]) -> None:
        self._strategies = strategies

    async def answer(self, request: Request) -> Response:
        """Return the head sampling strategy of a service."""
        try:
            service = dict(parse_pairs(request.scope["query_string"])).get("service", "")
        except PharosError as exc:
            return plain_error(exc)
        if not service:
            return plain_error(PharosError(Kind.INVALID, "the parameter service is missing"))
        return Response(json_text(self._strategies().answer(service)), media_type=_JSON)

    def operations(self) -> list[Operation]:
        """Return what is answered here."""
        service = {
            "name": "service",
            "in": "query",
            "required": True,
            "schema": {"type": "string", "minLength": 1},
        }
        answered = {"content": {_JSON: {"schema": {"type": "object"}}}}
        return [
            Operation(
                path,
                "GET",
                self.answer,
                "traces.write",
                name=f"sampling_strategy{suffix}",
                tag="jaeger",
                summary="Sampling strategy",
                responses={
                    200: {"description": "SamplingStrategyResponse in JSON.", **answered},
                    400: {"description": "What is wrong, as text.", **_TEXT},
                },
                inputs={"parameters": [service]},
            )
            for path, suffix in zip(SAMPLING_PATHS, ("", "_collector"), strict=True)
        ]
