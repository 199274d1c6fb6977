"""Errors of the language, in Loki's words: `parse error at line 1, col 5: ...`."""

from __future__ import annotations

from pharos.errors import Kind, PharosError


def parse_error(text: str, position: int, message: str, *, hint: str = "") -> PharosError:
    """Return the error for what is wrong at a character of a query; line and column count from 1."""
    before = text[:position]
    column = position - (before.rfind("\n") + 1) + 1
    line = before.count("\n") + 1
    return PharosError(
        Kind.INVALID, f"parse error at line {line}, col {column}: {message}", hint=hint, position=position
    )
