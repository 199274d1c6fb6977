"""What every signal of OTLP over HTTP has in common: encodings, packings, failures.

What is answered follows the OpenTelemetry Protocol specification (OTLP/HTTP Response): in the encoding of the
request, google.rpc.Status for a failure.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import orjson
from msgspec import Struct
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from pharos.access import Scope
from pharos.api.http.bodies import Bodies, Held
from pharos.api.http.errors import STATUS, error_headers
from pharos.api.http.identity import scope_of
from pharos.errors import Kind, PharosError
from pharos.protobuf import message_classes

JSON: Final = "application/json"
PROTOBUF: Final = "application/x-protobuf"
# google.rpc.Code: what a failure is called beside its HTTP status.
CODES: Final = {
    Kind.INVALID: 3,
    Kind.UNSUPPORTED: 12,
    Kind.MISSING: 12,
    Kind.CONFLICT: 9,
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
UNACCEPTABLE: Final = 415


class Sent(Struct, frozen=True):
    """A request's body as it came."""

    body: bytes
    encoding: str = PROTOBUF
    packing: str = ""


def encoding_of(request: HTTPConnection) -> str | None:
    """Return which of the two encodings the request has; None for any other."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media if media in {JSON, PROTOBUF} else None


_STATUS: Final = message_classes("pharos.rpc", {"Status": {"code": (1, "int32"), "message": (2, "string")}})[
    "Status"
]


def status_answer(
    encoding: str, code: int, message: str, status: int, headers: dict[str, str] | None = None
) -> Response:
    """Return a failure as google.rpc.Status."""
    if encoding == JSON:
        body = orjson.dumps({"code": code, "message": message})
    else:
        body = _STATUS(code=code, message=message).SerializeToString()
    return Response(body, status, headers=headers, media_type=encoding)


def failure(encoding: str, error: PharosError) -> Response:
    """Return an error as google.rpc.Status."""
    return status_answer(encoding, CODES[error.kind], str(error), STATUS[error.kind], error_headers(error))


async def exchange(
    request: Request,
    bodies: Bodies,
    most_bytes: int,
    take: Callable[[Scope, Sent, Held], Awaitable[Response]],
) -> Response:
    """Return what `take` answers once everything of a request is durable, or why it is not taken."""
    encoding = encoding_of(request)
    if encoding is None:
        named = request.headers.get("content-type", "")
        message = f"Content-Type {named!r} is neither {PROTOBUF} nor {JSON}"
        return status_answer(JSON, CODES[Kind.INVALID], message, UNACCEPTABLE)
    scope = scope_of(request)
    try:
        async with bodies.telemetry(request, most_bytes) as incoming:
            packing = request.headers.get("content-encoding", "")
            return await take(scope, Sent(incoming.body, encoding, packing), incoming)
    except PharosError as exc:
        if exc.kind is Kind.UNSUPPORTED:
            return status_answer(encoding, CODES[Kind.INVALID], str(exc), UNACCEPTABLE)
        return failure(encoding, exc)
