"""Places in JSON documents, `$.checks[0].status` or `data["a key"]`: the plain part of RFC 9535."""

from __future__ import annotations

import re
from typing import Any, Final

from pharos.errors import Kind, PharosError

_PART: Final = re.compile(
    r"""\.?(?P<name>[\w-]+)|\[(?P<index>-?\d{1,9})\]|\[(?P<quote>["'])(?P<key>.*?)(?P=quote)\]"""
)


def at_path(document: Any, path: str) -> Any:
    """Return what stands at a place. Raises PharosError: MISSING where nothing does, INVALID for no path."""
    at, found = 1 if path.startswith("$") else 0, document
    while at < len(path):
        part = _PART.match(path, at)
        if part is None:
            raise PharosError(Kind.INVALID, f"{path[:80]!r} is no path", hint="such as $.checks[0].status")
        at = part.end()
        found = _inner(found, part, path)
    return found


def _inner(found: Any, part: re.Match[str], path: str) -> Any:
    try:
        if part["index"] is not None:
            if isinstance(found, list):
                return found[int(part["index"])]
        elif isinstance(found, dict):
            return found[part["name"] if part["name"] is not None else part["key"]]
    except (KeyError, IndexError):
        pass
    raise PharosError(Kind.MISSING, f"there is no {path}")
