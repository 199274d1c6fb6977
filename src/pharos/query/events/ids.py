"""Trace and span ids as people and other servers write them."""

from __future__ import annotations

import re
from typing import Final

from pharos.errors import Kind, PharosError

_TRACE_DIGITS: Final = 32
_SPAN_DIGITS: Final = 16
_HEX: Final = re.compile("[0-9a-fA-F]+")


def parse_trace_id(text: str) -> str:
    """Return a trace id as it is stored: 32 small digits; it may have lost zeros, or be in capitals.

    Raises PharosError(INVALID) for anything else, and for zeros.
    """
    if not _HEX.fullmatch(text) or len(text) > _TRACE_DIGITS or not text.strip("0"):
        raise PharosError(
            Kind.INVALID,
            f"{text[:80]!r} is not a trace id",
            hint="it has 1 to 32 hexadecimal digits, and not only zeros",
        )
    return text.lower().rjust(_TRACE_DIGITS, "0")


def parse_span_id(text: str) -> str:
    """Return a span id as it is stored: 16 small digits. Raises PharosError(INVALID)."""
    if not _HEX.fullmatch(text) or len(text) > _SPAN_DIGITS or not text.strip("0"):
        raise PharosError(
            Kind.INVALID,
            f"{text[:80]!r} is not a span id",
            hint="it has 1 to 16 hexadecimal digits, and not only zeros",
        )
    return text.lower().rjust(_SPAN_DIGITS, "0")


def short_trace_id(trace_id: str) -> str:
    """Return a stored trace id as Jaeger prints it: 16 digits where the high half is 0."""
    return trace_id[_SPAN_DIGITS:] if trace_id.startswith("0" * _SPAN_DIGITS) else trace_id
