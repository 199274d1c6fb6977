"""Regular expressions of LogQL: RE2, of which a dot matches no line break unless `(?s)` says so."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from pharos.errors import Kind, PharosError
from pharos.patterns import compiled

_MAX_CHARACTERS: Final = 1 << 16
_NAMED: Final = re.compile(
    r"\\Q.*?(?:\\E|\Z)|\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]|\(\?P?<(\w+)>", re.DOTALL
)


@lru_cache(maxsize=1024)
def compile_pattern(pattern: str) -> Any:
    """Return a pattern compiled by RE2. Raises PharosError(INVALID)."""
    if len(pattern) > _MAX_CHARACTERS:
        raise PharosError(Kind.INVALID, f"a regular expression has more than {_MAX_CHARACTERS} characters")
    return compiled(pattern, f"error parsing regexp `{pattern[:200]}`")


def capture_names(pattern: str) -> list[str]:
    """Return the names of a pattern's captures, those that stand twice too: RE2 tells the first alone."""
    return [name for name in _NAMED.findall(pattern) if name]


def plain(text: str) -> str:
    """Return a text with what is no UTF-8 replaced, for what takes nothing else."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text
