"""OTLP metrics over HTTP: they are read, translated and handed to the intake.

What is answered follows the OpenTelemetry Protocol specification (OTLP/HTTP Response): in the encoding of the
request, ExportMetricsServiceResponse for a success, google.rpc.Status for a failure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import orjson
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from pharos.access import Scope
from pharos.api.http.bodies import Bodies, Held
from pharos.api.receivers.otlp_http import (
    JSON,
    Sent,
    encoding_of,
    exchange,
    failure,
)
from pharos.errors import PharosError
from pharos.ingest.accept import Intake
from pharos.ingest.metrics.batch import Accepted
from pharos.ingest.otlp.messages import from_json
from pharos.ingest.otlp.translate import Translated, Translator
from pharos.ingest.remote_write.submission import made
from pharos.ingest.unpacking import unpack
from pharos.telemetry import INGEST_REQUESTS
from pharos.turns import TurnPool

METRICS_PATHS: Final = ("/v1/metrics", "/api/v1/otlp/v1/metrics")
"""The second is where Prometheus receives OTLP."""


def _refusal(translated: Translated, accepted: Accepted) -> tuple[int, str]:
    """Return how many data points were refused, and a sentence; a sentence alone is a warning."""
    # What the decoder refuses has passed the translation: a native histogram, or a point that became too old.
    late = accepted.future + accepted.old + accepted.invalid_series + accepted.beyond_samples
    sentences = [text for text in (translated.refused.text(), accepted.refusal()) if text]
    return translated.refused.total + late, "; ".join(sentences)


def _success(encoding: str, rejected: int, message: str) -> Response:
    """Return what was stored; `rejected` data points were not, `message` says why."""
    if encoding == JSON:
        partial: dict[str, Any] = {"errorMessage": message}
        if rejected:
            partial = {"rejectedDataPoints": str(rejected), **partial}
        body = orjson.dumps({"partialSuccess": partial} if message else {})
    else:
        answer = ExportMetricsServiceResponse()
        if message:
            answer.partial_success.rejected_data_points = rejected
            answer.partial_success.error_message = message
        body = answer.SerializeToString()
    return Response(body, 200, media_type=encoding)


class OtlpEndpoint:
    """`POST /v1/metrics`.

    `bounds_ms` returns the oldest and the newest time that a point received now may have.
    """

    def __init__(
        self,
        intake: Intake,
        translator: Translator,
        bounds_ms: Callable[[], tuple[int, int]],
        bodies: Bodies,
        max_body_bytes: int,
    ) -> None:
        self._intake = intake
        self._bounds_ms = bounds_ms
        self._bodies = bodies
        self._translator = translator
        self._max_body_bytes = max_body_bytes
        # One thread: the translator remembers series, and most of its work holds the interpreter anyway.
        self._pool = TurnPool(1, "otlp")

    def close(self) -> None:
        """End what runs and take nothing more."""
        self._pool.close()

    async def export_metrics(self, request: Request) -> Response:
        """Answer 200 once everything is durable; what was refused stands in the answer's partial_success."""
        response = await exchange(request, self._bodies, self._max_body_bytes, self._answer)
        INGEST_REQUESTS.labels("otlp", str(response.status_code)).inc()
        return response

    def refuse(self, asked: HTTPConnection, error: PharosError) -> Response:
        """Return the answer to a request that goes no further."""
        return failure(encoding_of(asked) or JSON, error)

    async def _answer(self, scope: Scope, sent: Sent, held: Held) -> Response:
        return _success(sent.encoding, *await self.take(scope, sent, held))

    async def take(self, scope: Scope, sent: Sent, held: Held) -> tuple[int, str]:
        """Return how many data points were refused, and why, once all others are durable.

        Raises PharosError as `Intake.accept`, `unpack` and `Translator.translate` do.
        """
        translating = self._pool.submit(scope.tenant, partial(self._translate, scope, sent))
        translated = await asyncio.wrap_future(translating)
        held.hold(len(translated.body))
        accepted = await self._intake.accept(
            made(
                scope,
                translated.body,
                source="otlp",
                sent_bytes=len(sent.body),
                refused={reason.value: count for reason, count in translated.refused.counts.items()},
                is_repeatable=True,
            )
        )
        return _refusal(translated, accepted)

    def _translate(self, scope: Scope, sent: Sent) -> Translated:
        self._intake.check_open(scope.alone().tenant)
        body = unpack(sent.body, sent.packing)
        if sent.encoding == JSON:
            body = from_json(body)
        return self._translator.translate(body, *self._bounds_ms(), scope.tenant)
