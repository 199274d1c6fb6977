"""OTLP logs and traces over HTTP: bodies go to the log as they came, or made protobuf of JSON.

Answers follow the OpenTelemetry Protocol specification (OTLP/HTTP Response, Partial Success).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import orjson
from msgspec import Struct
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from pharos.access import Scope
from pharos.api.http.bodies import Bodies, Held
from pharos.api.receivers.otlp_http import (
    JSON,
    PROTOBUF,
    Sent,
    encoding_of,
    exchange,
    failure,
)
from pharos.errors import PharosError
from pharos.ingest.accept import Intake
from pharos.ingest.events.batch import EventsTaken
from pharos.ingest.events.json_body import from_json
from pharos.ingest.frames import FrameKind
from pharos.ingest.signals import Submission
from pharos.ingest.unpacking import unpack
from pharos.telemetry import INGEST_REQUESTS
from pharos.turns import TurnPool

TellRuns = Callable[[Scope, bytes], Awaitable[None]]
"""Takes what a request of spans says of runs, before it is accepted: what is sent again counts once."""


class OtlpSignal(Struct, frozen=True):
    """A signal's name, its kind of frame, and how an answer says what was not taken."""

    name: str
    kind: FrameKind
    answer: Any
    rejected: str
    rejected_json: str
    permission: str

    def said(self, taken: EventsTaken) -> bytes:
        """Return the answer in protobuf to who sent what this became of."""
        answer = self.answer()
        message = taken.refusal()
        if message:
            setattr(answer.partial_success, self.rejected, taken.rejected)
            answer.partial_success.error_message = message
        made: bytes = answer.SerializeToString()
        return made


LOGS: Final = OtlpSignal(
    "logs",
    FrameKind.LOGS,
    ExportLogsServiceResponse,
    "rejected_log_records",
    "rejectedLogRecords",
    "logs.write",
)
TRACES: Final = OtlpSignal(
    "traces", FrameKind.SPANS, ExportTraceServiceResponse, "rejected_spans", "rejectedSpans", "traces.write"
)
EVENT_PATHS: Final = {
    f"{prefix}/v1/{signal.name}": signal
    for signal in (LOGS, TRACES)
    for prefix in ("", "/api/v1/otlp", "/otlp")
}


def submission(scope: Scope, signal: OtlpSignal, plain: bytes, sent_bytes: int) -> Submission[EventsTaken]:
    """Return what the intake takes of a request in protobuf."""
    return Submission(scope, signal.kind, "otlp", plain=plain, sent_bytes=sent_bytes)


def _success(encoding: str, signal: OtlpSignal, taken: EventsTaken) -> Response:
    if encoding == JSON:
        message = taken.refusal()
        partial_success = {signal.rejected_json: str(taken.rejected), "errorMessage": message}
        return Response(
            orjson.dumps({"partialSuccess": partial_success} if message else {}), 200, media_type=JSON
        )
    return Response(signal.said(taken), 200, media_type=PROTOBUF)


class OtlpEventsEndpoint:
    """`POST /v1/logs` and `/v1/traces`."""

    def __init__(
        self, intake: Intake, bodies: Bodies, max_body_bytes: int, tell_runs: TellRuns | None = None
    ) -> None:
        self._intake = intake
        self._tell_runs = tell_runs
        self._bodies = bodies
        self._max_body_bytes = max_body_bytes
        self._pool = TurnPool(1, "otlp-events")

    def close(self) -> None:
        """End what runs and take nothing more."""
        self._pool.close()

    async def export(self, request: Request) -> Response:
        """Answer 200 once everything is durable; what was rejected stands in the answer's partial_success."""
        signal = EVENT_PATHS[request.url.path]

        async def answer(scope: Scope, sent: Sent, held: Held) -> Response:
            return _success(sent.encoding, signal, await self.take(scope, signal, sent, held))

        response = await exchange(request, self._bodies, self._max_body_bytes, answer)
        INGEST_REQUESTS.labels(f"otlp_{signal.name}", str(response.status_code)).inc()
        return response

    def refuse(self, asked: HTTPConnection, error: PharosError) -> Response:
        """Return the answer to a request that goes no further."""
        return failure(encoding_of(asked) or JSON, error)

    async def take(self, scope: Scope, signal: OtlpSignal, sent: Sent, held: Held) -> EventsTaken:
        """Return what became of a request, once everything is durable.

        Raises PharosError as `Intake.accept` and `unpack` do.
        """
        body = sent.body
        if sent.packing or sent.encoding == JSON:
            work = partial(self._plain, scope, signal, sent)
            body = await asyncio.wrap_future(self._pool.submit(scope.tenant, work))
            held.hold(len(body))
        if self._tell_runs is not None and signal.kind is FrameKind.SPANS:
            await self._tell_runs(scope, body)
        return await self._intake.accept(submission(scope, signal, body, len(sent.body)))

    def _plain(self, scope: Scope, signal: OtlpSignal, sent: Sent) -> bytes:
        self._intake.check_open(scope.alone().tenant)
        unpacked = unpack(sent.body, sent.packing)
        return from_json(unpacked, signal.kind) if sent.encoding == JSON else unpacked
