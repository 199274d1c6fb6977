"""Remote write 1.0 and 2.0: negotiate, read within the limit, hand to the intake, say what was written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from pharos.api.errors import plain_error
from pharos.api.tenant import tenant_of
from pharos.errors import Kind, PharosError
from pharos.ingest.accept import Intake
from pharos.ingest.decoder import Accepted, FrameKind
from pharos.telemetry import INGEST_REQUESTS

_MESSAGES: Final = {
    "": FrameKind.REMOTE_WRITE_1,
    "prometheus.WriteRequest": FrameKind.REMOTE_WRITE_1,
    "io.prometheus.write.v2.Request": FrameKind.REMOTE_WRITE_2,
}


class _UnacceptableError(Exception):
    """The body is of a type or encoding that is not spoken here (415)."""


async def read_body(request: Request, limit: int) -> bytes:
    """Return the request's body.

    Raises PharosError(TOO_LARGE) as soon as more than `limit` bytes are declared or come.
    """
    too_large = PharosError(
        Kind.TOO_LARGE, f"the body is larger than {limit} bytes", hint="send fewer samples in a request"
    )
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise too_large
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise too_large
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def negotiate(headers: Mapping[str, str]) -> FrameKind:
    """Return which message the body is, by its content type (Remote Write 2.0 specification, Protocol).

    Raises _UnacceptableError for any other type or encoding; without a header it is version 1.0 in snappy.
    """
    content_type = headers.get("content-type", "")
    if content_type:
        media, *parameters = (part.strip() for part in content_type.split(";"))
        if media.lower() != "application/x-protobuf":
            raise _UnacceptableError(f"Content-Type {content_type!r} is not application/x-protobuf")
        proto = ""
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "proto":
                proto = value.strip().strip('"')
        if proto not in _MESSAGES:
            raise _UnacceptableError(f"message {proto!r} is not known; write 1.0 or 2.0")
        kind = _MESSAGES[proto]
    else:
        kind = FrameKind.REMOTE_WRITE_1
    encoding = headers.get("content-encoding", "") or "snappy"
    if encoding.lower() != "snappy":
        raise _UnacceptableError(f"Content-Encoding {encoding!r} is not snappy")
    return kind


def _written(kind: FrameKind | None, accepted: Accepted) -> dict[str, str]:
    """Return the headers that say what was written: 2.0 asks for them, a sender of 1.0 must not see them."""
    if kind is FrameKind.REMOTE_WRITE_1:
        return {}
    return {
        "X-Prometheus-Remote-Write-Samples-Written": str(accepted.samples),
        "X-Prometheus-Remote-Write-Histograms-Written": str(accepted.histograms),
        "X-Prometheus-Remote-Write-Exemplars-Written": str(accepted.exemplars),
    }


class WriteEndpoint:
    """`POST /api/v1/write`."""

    def __init__(self, intake: Intake, max_body_bytes: int) -> None:
        self._intake = intake
        self._max_body_bytes = max_body_bytes

    async def write(self, request: Request) -> Response:
        """Answer 204 once everything is durable, 400 if some of it was refused (the rest is stored)."""
        response = await self._answer(request)
        INGEST_REQUESTS.labels("remote_write", str(response.status_code)).inc()
        return response

    async def _answer(self, request: Request) -> Response:
        kind: FrameKind | None = None
        try:
            tenant = tenant_of(request)
            kind = negotiate(request.headers)
            body = await read_body(request, self._max_body_bytes)
            accepted = await self._intake.accept_packed(tenant, kind, body, source="remote_write")
        except _UnacceptableError as exc:
            return Response(f"{exc}\n", 415, media_type="text/plain; charset=utf-8")
        except PharosError as exc:
            response = plain_error(exc)
            response.headers.update(_written(kind, Accepted()))
            return response
        written = _written(kind, accepted)
        if accepted.is_whole:
            return Response(status_code=204, headers=written)
        return Response(
            f"{accepted.refusal()}\n", 400, headers=written, media_type="text/plain; charset=utf-8"
        )
