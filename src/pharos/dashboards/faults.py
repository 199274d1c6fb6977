"""Errors as panels, variables and annotations have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pharos.errors import Kind, PharosError

_WORDS: Final[Mapping[Kind, str]] = {
    Kind.INVALID: "bad_data",
    Kind.UNSUPPORTED: "unsupported",
    Kind.MISSING: "not_found",
    Kind.CANCELLED: "canceled",
    Kind.BUG: "internal",
}


def shown_error(error: PharosError, ref: str = "") -> dict[str, Any]:
    """Return an error as panels and variables have it."""
    return {
        "ref": ref,
        "message": error.message,
        "hint": error.hint,
        "error_type": _WORDS.get(error.kind, error.kind.value),
    }
