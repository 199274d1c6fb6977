"""Regular expressions of LogQL: RE2, of which a dot matches no line break unless `(?s)` says so."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import re2

from pharos.errors import Kind, PharosError

_MAX_CHARACTERS: Final = 1 << 16


@lru_cache(maxsize=1024)
def compile_pattern(pattern: str) -> Any:
    """Return a pattern compiled by RE2. Raises PharosError(INVALID)."""
    if len(pattern) > _MAX_CHARACTERS:
        raise PharosError(Kind.INVALID, f"a regular expression has more than {_MAX_CHARACTERS} characters")
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as exc:
        reason = exc.args[0] if exc.args else exc
        text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise PharosError(Kind.INVALID, f"error parsing regexp `{pattern[:200]}`: {text}") from exc
    except UnicodeEncodeError as exc:
        raise PharosError(Kind.INVALID, f"error parsing regexp `{pattern[:200]!r}`: invalid UTF-8") from exc


def plain(text: str) -> str:
    """Return a text with what is no UTF-8 replaced, for what takes nothing else."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text
