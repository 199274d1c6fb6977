"""Why a client's message is not followed: an error with the code by which programs tell them apart."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from pharos.errors import Kind, PharosError


class Code(StrEnum):
    """What an error message is called."""

    BAD_JSON = "bad_json"
    BAD_MESSAGE = "bad_message"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_STREAM = "unknown_stream"
    BAD_QUERY = "bad_query"
    BAD_FILTER = "bad_filter"
    FORBIDDEN = "forbidden"
    UNSUPPORTED_FRAME = "unsupported_frame"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    LIMIT_EXCEEDED = "limit_exceeded"
    UNAVAILABLE = "unavailable"
    """It cannot be told now; it goes on by itself once it can."""
    INTERNAL = "internal"
    """A fault of Pharos; its log has the story."""


_CODES: Final[Mapping[Kind, Code]] = {
    Kind.INVALID: Code.BAD_QUERY,
    Kind.UNSUPPORTED: Code.BAD_QUERY,
    Kind.MISSING: Code.UNAVAILABLE,
    Kind.UNAUTHENTICATED: Code.FORBIDDEN,
    Kind.DENIED: Code.FORBIDDEN,
    Kind.TOO_LARGE: Code.TOO_LARGE,
    Kind.LIMITED: Code.LIMIT_EXCEEDED,
    Kind.TIMEOUT: Code.LIMIT_EXCEEDED,
    Kind.BUG: Code.INTERNAL,
}
_KINDS: Final[Mapping[Code, Kind]] = {
    Code.FORBIDDEN: Kind.DENIED,
    Code.TOO_LARGE: Kind.TOO_LARGE,
    Code.RATE_LIMITED: Kind.LIMITED,
    Code.LIMIT_EXCEEDED: Kind.LIMITED,
    Code.UNKNOWN_STREAM: Kind.MISSING,
}


class RefusedError(PharosError):
    """A message that is not followed, and that has changed nothing."""

    def __init__(self, code: Code, message: str, *, hint: str = "") -> None:
        super().__init__(_KINDS.get(code, Kind.INVALID), message, hint=hint)
        self.code = code


def code_of(error: PharosError) -> Code:
    """Return by what code an error is told."""
    if isinstance(error, RefusedError):
        return error.code
    return _CODES.get(error.kind, Code.UNAVAILABLE)
