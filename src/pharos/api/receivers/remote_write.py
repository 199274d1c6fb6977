"""Remote write 1.0 and 2.0: negotiate, read within the limit, hand to the intake, say what was written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from pharos.api.http.bodies import Bodies
from pharos.api.http.errors import plain_error
from pharos.api.http.identity import scope_of
from pharos.errors import Kind, PharosError
from pharos.ingest.accept import Intake
from pharos.ingest.frames import FrameKind
from pharos.ingest.metrics.batch import Accepted
from pharos.ingest.remote_write.submission import received
from pharos.telemetry import INGEST_REQUESTS

_MESSAGES: Final = {
    "prometheus.WriteRequest": FrameKind.REMOTE_WRITE_1,
    "io.prometheus.write.v2.Request": FrameKind.REMOTE_WRITE_2,
}


class _UnacceptableError(Exception):
    """The body is of a type or encoding that is not spoken here (415)."""


def negotiate(headers: Mapping[str, str]) -> FrameKind:
    """Return which message the body is, by its content type (Remote Write 2.0 specification, Protocol).

    Raises _UnacceptableError for any other type or encoding; without a header it is version 1.0 in snappy.
    """
    content_type = headers.get("content-type", "")
    kind = _message_of(content_type) if content_type else FrameKind.REMOTE_WRITE_1
    encoding = headers.get("content-encoding", "") or "snappy"
    if encoding.lower() != "snappy":
        raise _UnacceptableError(f"Content-Encoding {encoding!r} is not snappy")
    return kind


def _message_of(content_type: str) -> FrameKind:
    """Return which message a content type names: of several `proto` the first counts, as upstream."""
    media, *parameters = (part.strip() for part in content_type.split(";"))
    if media.lower() != "application/x-protobuf":
        raise _UnacceptableError(f"Content-Type {content_type!r} is not application/x-protobuf")
    protos: list[str] = []
    for parameter in filter(None, parameters):
        name, *values = parameter.split("=")
        if len(values) != 1:
            raise _UnacceptableError(f"Content-Type {content_type!r}: {parameter!r} is not name=value")
        if name.strip().lower() == "proto":
            protos.append(values[0].strip().strip('"'))
    if not protos:
        return FrameKind.REMOTE_WRITE_1
    if protos[0] not in _MESSAGES:
        raise _UnacceptableError(f"message {protos[0]!r} is not known; write 1.0 or 2.0")
    return _MESSAGES[protos[0]]


def _written(kind: FrameKind | None, accepted: Accepted) -> dict[str, str]:
    """Return the headers that say what was written: 2.0 asks for them, a sender of 1.0 must not see them."""
    if kind is FrameKind.REMOTE_WRITE_1:
        return {}
    return {
        "X-Prometheus-Remote-Write-Samples-Written": str(accepted.samples),
        "X-Prometheus-Remote-Write-Histograms-Written": str(accepted.histograms),
        "X-Prometheus-Remote-Write-Exemplars-Written": str(accepted.exemplars),
    }


def _repeats_only_5xx(headers: Mapping[str, str]) -> bool:
    """Return whether the sender drops what is answered with 429: Prometheus, unless it is told not to."""
    return headers.get("user-agent", "").startswith("Prometheus/")


class WriteEndpoint:
    """`POST /api/v1/write`."""

    def __init__(self, intake: Intake, bodies: Bodies, max_body_bytes: int) -> None:
        self._intake = intake
        self._bodies = bodies
        self._max_body_bytes = max_body_bytes

    async def write(self, request: Request) -> Response:
        """Answer 204 once everything is durable, 400 if some of it was refused (the rest is stored)."""
        response = await self._answer(request)
        INGEST_REQUESTS.labels("remote_write", str(response.status_code)).inc()
        return response

    async def _answer(self, request: Request) -> Response:
        kind: FrameKind | None = None
        try:
            kind = negotiate(request.headers)
            async with self._bodies.telemetry(request, self._max_body_bytes) as incoming:
                accepted = await self._intake.accept(
                    received(scope_of(request), kind, incoming.body, source="remote_write")
                )
        except _UnacceptableError as exc:
            return Response(f"{exc}\n", 415, media_type="text/plain; charset=utf-8")
        except PharosError as exc:
            response = plain_error(exc)
            if exc.kind is Kind.LIMITED and _repeats_only_5xx(request.headers):
                response.status_code = 503
            response.headers.update(_written(kind, Accepted()))
            return response
        written = _written(kind, accepted)
        if accepted.is_whole:
            return Response(status_code=204, headers=written)
        return Response(
            f"{accepted.refusal()}\n", 400, headers=written, media_type="text/plain; charset=utf-8"
        )
