"""What a regular expression found, put into a replacement: Go's regexp.Expand and ReplaceAllString."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,7}")
"""The number of a group; with more digits, or zeros before it, it is a name (Go's regexp.extract)."""
_REFERENCE: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+)|(\$))")


def expand(template: str, names: Sequence[str], groups: Sequence[str | None]) -> str:
    """Return `template` with `$1`, `${name}` and `$$` replaced as Go's regexp.Expand does."""

    def one(found: re.Match[str]) -> str:
        if found.group(3):
            return "$"
        key = found.group(1) or found.group(2)
        if _NUMBER.fullmatch(key):
            at = int(key)
            return (groups[at] or "") if at < len(groups) else ""
        return next((group or "" for name, group in zip(names, groups, strict=False) if name == key), "")

    return _REFERENCE.sub(one, template)


def replace_all(
    pattern: Any, template: str, text: str, made: Callable[[int], None] = lambda _count: None
) -> str:
    """Return `text` with all that `pattern`, of RE2, finds replaced by the expanded `template`.

    Nothing is found right behind what was found just before. `made` is told the length of each piece first.
    """
    names = [""] * (pattern.groups + 1)
    for name, at in pattern.groupindex.items():
        names[at] = str(name, "utf-8") if isinstance(name, bytes) else name
    pieces: list[str] = []
    at, last = 0, -1
    for found in pattern.finditer(text):
        start, end = found.span()
        if start == end == last:
            continue
        made(start - at + len(template))
        piece = expand(template, names, [found.group(i) for i in range(pattern.groups + 1)])
        made(len(piece))
        pieces += (text[at:start], piece)
        at = last = end
    made(len(text) - at)
    pieces.append(text[at:])
    return "".join(pieces)
