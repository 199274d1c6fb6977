"""From kinds to statuses: each spoken protocol has its own table and shape."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from pharos.api.prometheus.encode import error_body
from pharos.errors import Kind, PharosError

STATUS: Final = {
    Kind.INVALID: 400,
    Kind.UNSUPPORTED: 422,
    Kind.MISSING: 404,
    Kind.CONFLICT: 409,
    Kind.UNAUTHENTICATED: 401,
    Kind.DENIED: 403,
    Kind.TOO_LARGE: 413,
    Kind.LIMITED: 429,
    Kind.TIMEOUT: 503,
    Kind.STALLED: 408,
    # What nginx calls it: the client went away, nobody will read it.
    Kind.CANCELLED: 499,
    Kind.UNAVAILABLE: 503,
    Kind.BUG: 500,
}
"""HTTP status of each kind."""

_PROMETHEUS: Final = {
    Kind.INVALID: ("bad_data", 400),
    Kind.UNSUPPORTED: ("execution", 422),
    Kind.MISSING: ("not_found", 404),
    Kind.CONFLICT: ("conflict", 409),
    Kind.UNAUTHENTICATED: ("unauthorized", 401),
    Kind.DENIED: ("forbidden", 403),
    Kind.TOO_LARGE: ("bad_data", 413),
    Kind.LIMITED: ("execution", 422),
    Kind.TIMEOUT: ("timeout", 503),
    Kind.STALLED: ("timeout", 408),
    Kind.CANCELLED: ("canceled", 499),
    Kind.UNAVAILABLE: ("unavailable", 503),
    Kind.BUG: ("internal", 500),
}


def error_headers(error: PharosError) -> dict[str, str]:
    """Return Retry-After where waiting helps; a connection on which a request stalled is closed.

    Basic works too, and is not offered: a browser would ask by itself, in front of the page that signs in.
    """
    headers = {"Connection": "close"} if error.kind is Kind.STALLED else {}
    if error.kind is Kind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = 'Bearer realm="pharos"'
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, round(error.retry_after_s)))
    return headers


def plain_error(error: PharosError) -> Response:
    """Return the answer of a write endpoint: the sentence as text, which senders log."""
    return Response(
        f"{error}\n", STATUS[error.kind], headers=error_headers(error), media_type="text/plain; charset=utf-8"
    )


def receiver_error(error: PharosError) -> Response:
    """Return the same, with 415 for what comes in another type or packing than is taken."""
    response = plain_error(error)
    if error.kind is Kind.UNSUPPORTED:
        response.status_code = 415
    return response


_TEXT: Final[dict[str, Any]] = {"content": {"text/plain": {"schema": {"type": "string"}}}}
RECEIVER_FAILURES: Final[dict[int, dict[str, Any]]] = {
    400: {"description": "What is wrong, as text.", **_TEXT},
    408: {"description": "The body did not come in time.", **_TEXT},
    413: {"description": "The body is too large.", **_TEXT},
    415: {"description": "Of another type, or packed otherwise.", **_TEXT},
    503: {"description": "Not now.", **_TEXT},
}
"""How receivers answer what they do not take, as OpenAPI has it."""


def prometheus_error(error: PharosError, *, executing: bool = False) -> Response:
    """Return an error in the shape of the Prometheus API.

    `executing` says that the query itself was fine: what is invalid then failed in its evaluation.
    """
    name, status = _PROMETHEUS[error.kind]
    if executing and error.kind is Kind.INVALID:
        name, status = "execution", 422
    return Response(
        error_body(name, str(error), error.cause),
        status,
        headers=error_headers(error),
        media_type="application/json",
    )


def native_error(error: PharosError) -> Response:
    """Return an error of Pharos' own API: in the same shape, with the status that its kind has everywhere."""
    name, _ = _PROMETHEUS[error.kind]
    return Response(
        error_body(name, str(error), error.cause),
        STATUS[error.kind],
        headers=error_headers(error),
        media_type="application/json",
    )
