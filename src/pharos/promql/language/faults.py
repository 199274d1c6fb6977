"""Errors of the language, in Prometheus' words: `1:5: parse error: ...`."""

from __future__ import annotations

from pharos.errors import Kind, PharosError


def parse_error(text: str, position: int, message: str) -> PharosError:
    """Return the error for what is wrong at a character of a query.

    Line and column count from 1, the column in bytes of UTF-8 (upstream posrange.StartPosInput).
    """
    if not text:
        place = "unknown position"
    else:
        before = text[:position]
        line_start = before.rfind("\n") + 1
        column = len(before[line_start:].encode("utf-8", "surrogatepass")) + 1
        place = f"{before.count(chr(10)) + 1}:{column}"
    return PharosError(Kind.INVALID, f"{place}: parse error: {message}", position=position)
