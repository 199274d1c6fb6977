"""What the addresses about alerts share: times as people write them, authors, and what is one's own."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace
from starlette.requests import Request

from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import parse_duration
from pharos.gotext.timestamps import format_time_ms, parse_time_ms
from pharos.identity import sign_in
from pharos.state import Author

ACKNOWLEDGE: Final = "alerts.acknowledge"
CONFIGURE: Final = "alerts.configure"
VIEW: Final = "alerts.view"
_LATEST_MS: Final = 7_258_118_400_000
_LONGEST_MS: Final = 10 * 366 * 86_400_000


def iso_or_none(at_ms: int | None) -> str | None:
    """Return a time as RFC 3339 has it, if there is one."""
    return None if at_ms is None else format_time_ms(at_ms)


def read_ms(text: str, name: str) -> int:
    """Return a time of RFC 3339 or in seconds. Raises PharosError(INVALID) that names the field."""
    try:
        found = parse_time_ms(text)
    except PharosError as exc:
        raise PharosError(Kind.INVALID, f"{name}: {exc.message}") from exc
    if not 0 <= found <= _LATEST_MS:
        raise PharosError(Kind.INVALID, f"{name}: a time from 1970 to 2200")
    return found


def query_ms(request: Request, name: str, default_ms: int) -> int:
    """Return a time of the query string. Raises PharosError(INVALID)."""
    text = request.query_params.get(name, "")
    return read_ms(text, name) if text else default_ms


def query_duration_ms(request: Request, name: str, default_ms: int) -> int:
    """Return a duration of the query string. Raises PharosError(INVALID)."""
    text = request.query_params.get(name, "")
    return read_duration_ms(text, name) if text else default_ms


def read_duration_ms(text: str, name: str) -> int:
    """Return the milliseconds of a duration, of ten years at most. Raises PharosError(INVALID)."""
    try:
        found = parse_duration(text)
    except PharosError as exc:
        raise PharosError(Kind.INVALID, f"{name}: {exc.message}") from exc
    if found > _LONGEST_MS:
        raise PharosError(Kind.INVALID, f"{name}: at most ten years")
    return found


def author_of(request: Request, reason: str = "") -> Author:
    """Return who asks, as the audit log says it.

    A token of somebody's own, as `pharos login` makes one, is called as they are: it tells nobody anything.
    """
    who = scope_of(request).who
    return replace(sign_in.author_of(who, reason.strip()), name=who.person or who.name)


def tenant_of(request: Request) -> str:
    """Return the one tenant that a request is about. Raises PharosError(INVALID) for several."""
    return scope_of(request).alone().tenant


def require_own(request: Request, *people: str) -> None:
    """Raise PharosError(DENIED) unless who asks may change others' shifts, or it is all about themselves."""
    scope = scope_of(request)
    if CONFIGURE in scope.permissions:
        return
    own = scope.who.person
    if not own or any(name != own for name in people):
        raise PharosError(
            Kind.DENIED,
            f"{scope.who.name} may say only what is about themselves here",
            hint=f"others' shifts and contacts need the permission {CONFIGURE}",
        )


def with_query(operation: Operation, **names: str) -> Operation:
    """Return an operation whose document names these parameters of the query string, with what they mean."""
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}
        for name, text in names.items()
    ]
    known = list(operation.inputs.get("parameters", []))
    return replace(operation, inputs={**operation.inputs, "parameters": [*known, *parameters]})
