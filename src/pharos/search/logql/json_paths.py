"""Paths into JSON: `user.geo[0]["a b"]` (Loki, pkg/logql/log/jsonexpr)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, TypeAlias

from pharos.errors import Kind, PharosError
from pharos.gotext.quoting import quote, unquote

Path: TypeAlias = tuple[str | int, ...]

_STEP: Final = re.compile(
    r"(?P<dot>\.?)(?P<field>[A-Za-z_][A-Za-z0-9_]*)"
    r"|\[(?:(?P<index>[0-9]{1,9})|(?P<key>\"(?:[^\"\\]|\\[\\\"abfnrtv])*\"))\]"
)


@lru_cache(maxsize=512)
def parse_path(text: str) -> Path:
    """Return the keys and places that lead to a value. Raises PharosError(INVALID)."""
    path: list[str | int] = []
    at = 0
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None or (found["field"] and bool(found["dot"]) != bool(path)):
            raise _fault(text)
        if found["field"]:
            path.append(found["field"])
        elif found["index"]:
            path.append(int(found["index"]))
        else:
            path.append(unquote(found["key"]))
        at = found.end()
    if not path:
        raise _fault(text)
    return tuple(path)


def _fault(text: str) -> PharosError:
    return PharosError(
        Kind.INVALID,
        f"cannot parse expression [{quote(text[:100])}]",
        hint='write a path as user.name, tags[0] or ["a key"]',
    )
