"""OTLP over HTTP: metrics are read, translated and handed to the intake; logs and traces are refused clearly.

What is answered follows the OpenTelemetry Protocol specification (OTLP/HTTP Response): in the encoding of the
request, ExportMetricsServiceResponse for a success, google.rpc.Status for a failure.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import cramjam
import numpy as np
import orjson
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from pharos.access import Scope
from pharos.api.http.bodies import Bodies
from pharos.api.http.errors import STATUS, error_headers
from pharos.api.http.identity import scope_of
from pharos.errors import Kind, PharosError
from pharos.ingest.accept import Intake
from pharos.ingest.frames import BODY_MAX_BYTES
from pharos.ingest.metrics.batch import Accepted
from pharos.ingest.otlp.messages import from_json
from pharos.ingest.otlp.translate import Translated, Translator
from pharos.ingest.remote_write.submission import made
from pharos.protobuf import message_classes
from pharos.telemetry import INGEST_REQUESTS
from pharos.turns import TurnPool

METRICS_PATHS: Final = ("/v1/metrics", "/api/v1/otlp/v1/metrics")
"""The second is where Prometheus receives OTLP."""
OTHER_SIGNALS: Final = {
    f"{prefix}/v1/{signal}": signal for prefix in ("", "/api/v1/otlp") for signal in ("logs", "traces")
}

JSON: Final = "application/json"
PROTOBUF: Final = "application/x-protobuf"
_GZIP_WINDOW: Final = 31
# google.rpc.Code: what a failure is called beside its HTTP status.
_CODES: Final = {
    Kind.INVALID: 3,
    Kind.UNSUPPORTED: 12,
    Kind.MISSING: 12,
    Kind.UNAUTHENTICATED: 16,
    Kind.DENIED: 7,
    Kind.TOO_LARGE: 8,
    Kind.LIMITED: 8,
    Kind.TIMEOUT: 4,
    Kind.STALLED: 4,
    Kind.CANCELLED: 1,
    Kind.UNAVAILABLE: 14,
    Kind.BUG: 13,
}
_UNACCEPTABLE: Final = 415


def _encoding_of(request: HTTPConnection) -> str | None:
    """Return which of the two encodings the request has; None for any other."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media if media in {JSON, PROTOBUF} else None


_STATUS: Final = message_classes("pharos.rpc", {"Status": {"code": (1, "int32"), "message": (2, "string")}})[
    "Status"
]


def _status(
    encoding: str, code: int, message: str, status: int, headers: dict[str, str] | None = None
) -> Response:
    """Return a failure as google.rpc.Status."""
    if encoding == JSON:
        body = orjson.dumps({"code": code, "message": message})
    else:
        body = _STATUS(code=code, message=message).SerializeToString()
    return Response(body, status, headers=headers, media_type=encoding)


def _failure(encoding: str, error: PharosError) -> Response:
    return _status(encoding, _CODES[error.kind], str(error), STATUS[error.kind], error_headers(error))


def _too_large() -> PharosError:
    return PharosError(
        Kind.TOO_LARGE,
        f"the body has more than {BODY_MAX_BYTES} bytes unpacked",
        hint="send fewer data points in a request",
    )


def _gunzip(body: bytes) -> bytes:
    """Return the members of a gzip file, one after the other.

    Raises PharosError: INVALID, or TOO_LARGE as soon as it becomes more than the limit.
    """
    parts: list[bytes] = []
    left, rest = BODY_MAX_BYTES, body
    while rest:
        member = zlib.decompressobj(_GZIP_WINDOW)
        try:
            part = member.decompress(rest, left + 1)
        except zlib.error as exc:
            raise PharosError(Kind.INVALID, f"the body is not gzip: {exc}") from exc
        if len(part) > left:
            raise _too_large()
        if not member.eof:
            raise PharosError(Kind.INVALID, "the body is not gzip: it is cut off")
        parts.append(part)
        left -= len(part)
        rest = member.unused_data
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _unzstd(body: bytes) -> bytes:
    """Return a zstd frame unpacked. Raises PharosError(INVALID), for what is too large too."""
    # Memory that is not written to is not taken.
    room = np.empty(BODY_MAX_BYTES, np.uint8).data
    try:
        size = cramjam.zstd.decompress_into(body, room)
    except cramjam.DecompressionError as exc:
        raise PharosError(
            Kind.INVALID, f"the body is not zstd of at most {BODY_MAX_BYTES} bytes unpacked: {exc}"
        ) from exc
    return room[:size].tobytes()


def unpack(body: bytes, encoding: str) -> bytes:
    """Return a body as it was before its Content-Encoding: gzip, zstd or identity.

    Raises PharosError: INVALID, TOO_LARGE, UNSUPPORTED for another encoding.
    """
    match encoding.strip().lower():
        case "" | "identity":
            if len(body) > BODY_MAX_BYTES:
                raise _too_large()
            return body
        case "gzip":
            return _gunzip(body)
        case "zstd":
            return _unzstd(body)
        case other:
            raise PharosError(Kind.UNSUPPORTED, f"Content-Encoding {other!r} is not gzip, zstd or identity")


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


@dataclass(frozen=True, slots=True)
class _Sent:
    """A request's body as it came."""

    body: bytes
    encoding: str
    packing: str


class OtlpEndpoint:
    """`POST /v1/metrics`, and the addresses of the signals that are not received yet.

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
        response = await self._answer(request)
        INGEST_REQUESTS.labels("otlp", str(response.status_code)).inc()
        return response

    async def refuse_signal(self, request: Request) -> Response:
        """Answer 404, which no sender repeats: this signal is not received yet."""
        signal = OTHER_SIGNALS[request.url.path]
        message = (
            f"this Pharos takes metrics and no {signal} yet: set OTEL_{signal.upper()}_EXPORTER=none,"
            f" or leave it out of the collector's {signal} pipeline"
        )
        return _status(_encoding_of(request) or JSON, _CODES[Kind.MISSING], message, 404)

    def refuse(self, asked: HTTPConnection, error: PharosError) -> Response:
        """Return the answer to a request that goes no further."""
        return _failure(_encoding_of(asked) or JSON, error)

    async def _answer(self, request: Request) -> Response:
        encoding = _encoding_of(request)
        if encoding is None:
            named = request.headers.get("content-type", "")
            message = f"Content-Type {named!r} is neither {PROTOBUF} nor {JSON}"
            return _status(JSON, _CODES[Kind.INVALID], message, _UNACCEPTABLE)
        scope = scope_of(request)
        try:
            async with self._bodies.incoming(request, self._max_body_bytes) as incoming:
                sent = _Sent(incoming.body, encoding, request.headers.get("content-encoding", ""))
                translating = self._pool.submit(scope.tenant, partial(self._translate, scope, sent))
                translated = await asyncio.wrap_future(translating)
                incoming.hold(len(translated.body))
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
        except PharosError as exc:
            if exc.kind is Kind.UNSUPPORTED:
                return _status(encoding, _CODES[Kind.INVALID], str(exc), _UNACCEPTABLE)
            return _failure(encoding, exc)
        return _success(encoding, *_refusal(translated, accepted))

    def _translate(self, scope: Scope, sent: _Sent) -> Translated:
        self._intake.check_open(scope.alone().tenant)
        body = unpack(sent.body, sent.packing)
        if sent.encoding == JSON:
            body = from_json(body)
        return self._translator.translate(body, *self._bounds_ms())
