"""The one error of Pharos: a kind, a message that names the input and the fix, and how to retry."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What went wrong, in the terms every edge maps to its own protocol's status."""

    INVALID = "invalid"
    """The input is wrong; the same input will fail again."""
    UNSUPPORTED = "unsupported"
    """The input is legal in its own language, but Pharos does not answer it."""
    MISSING = "missing"
    """The named thing does not exist."""
    CONFLICT = "conflict"
    """The named thing is not, or not any more, as the caller takes it to be."""
    UNAUTHENTICATED = "unauthenticated"
    """The caller said not who they are, or it is not good (any more)."""
    DENIED = "denied"
    """The caller may not do this."""
    TOO_LARGE = "too_large"
    """The input is larger than the limit the message names."""
    LIMITED = "limited"
    """A rate or budget is used up; later or smaller may pass."""
    TIMEOUT = "timeout"
    """The work did not end in the time it was given."""
    STALLED = "stalled"
    """The request did not come in whole in the time it was given."""
    CANCELLED = "cancelled"
    """Whoever asked went away, or the server is closing."""
    UNAVAILABLE = "unavailable"
    """Pharos or what it depends on cannot do this now; a retry is right."""
    BUG = "bug"
    """An invariant of Pharos itself is broken."""


class Cause(StrEnum):
    """Failures that programs tell from others of their kind, whatever their text says."""

    NO_TENANT = "no_tenant"
    """The tenant that is named does not exist."""


class PharosError(Exception):
    """An expected failure, carried as a value to the edge.

    `hint` says what the reader can do; `retry_after_s` is set where waiting helps; `position` is a
    zero-based character offset into the input where the failure was found, if one is known; `cause` names
    what callers act upon, so that nobody reads the message for it.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        hint: str = "",
        retry_after_s: float | None = None,
        position: int | None = None,
        cause: Cause | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint
        self.retry_after_s = retry_after_s
        self.position = position
        self.cause = cause

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message
