"""Patterns with captures: `<ip> - - <_> "<method> <path> <_>"` (Loki, pkg/logql/log/pattern)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from msgspec import Struct

from pharos.errors import Kind, PharosError

_CAPTURE: Final = re.compile(r"<([A-Za-z_][A-Za-z0-9_]*)>")
_UNNAMED: Final = "_"


class Part(Struct, frozen=True):
    """A literal, or a capture by its name."""

    text: str
    is_capture: bool


def _parts(pattern: str) -> tuple[Part, ...]:
    parts: list[Part] = []
    at = 0
    for found in _CAPTURE.finditer(pattern):
        if found.start() > at:
            parts.append(Part(pattern[at : found.start()], is_capture=False))
        elif parts:
            raise PharosError(
                Kind.INVALID,
                f"found consecutive capture '{found[0]}' in the pattern",
                hint="let some text stand between two captures",
            )
        parts.append(Part(found[1], is_capture=True))
        at = found.end()
    if at < len(pattern):
        parts.append(Part(pattern[at:], is_capture=False))
    return tuple(parts)


@lru_cache(maxsize=256)
def parse_captures(pattern: str) -> tuple[Part, ...]:
    """Return the parts of a pattern that captures labels. Raises PharosError(INVALID)."""
    parts = _parts(pattern)
    names = [part.text for part in parts if part.is_capture and part.text != _UNNAMED]
    if not any(part.is_capture for part in parts):
        raise PharosError(Kind.INVALID, "at least one capture is required", hint="such as <status>")
    if not names:
        raise PharosError(Kind.INVALID, "at least one named capture is required", hint="such as <status>")
    for name in names:
        if names.count(name) > 1:
            raise PharosError(Kind.INVALID, f"duplicate capture name ({name}): invalid expression")
    return parts


@lru_cache(maxsize=256)
def check_filter_pattern(pattern: str) -> tuple[Part, ...]:
    """Return the parts of a pattern that lines are compared with. Raises PharosError(INVALID)."""
    parts = _parts(pattern)
    if any(part.is_capture and part.text != _UNNAMED for part in parts):
        raise PharosError(Kind.INVALID, "named captures are not allowed in a line filter", hint="write <_>")
    return parts


def capture(parts: tuple[Part, ...], line: str) -> list[tuple[str, str]]:
    """Return names and values of what a pattern captures; nothing where its first text does not fit.

    A text that is not found ends it: the capture before it takes all the rest.
    """
    if not line:
        return []
    found: list[tuple[str, str]] = []
    at, index = 0, 0
    if not parts[0].is_capture:
        if not line.startswith(parts[0].text):
            return []
        at, index = len(parts[0].text), 1
    while index < len(parts):
        name = parts[index].text
        place = -1
        if index + 1 < len(parts):
            place = line.find(parts[index + 1].text, at)
        if place < 0:
            if name != _UNNAMED:
                found.append((name, line[at:]))
            return found
        if name != _UNNAMED:
            found.append((name, line[at:place]))
        at = place + len(parts[index + 1].text)
        index += 2
    return found


def fits(parts: tuple[Part, ...], line: str) -> bool:
    """Return whether a line is of a pattern: no capture is empty, and nothing follows a last text."""
    if not line or not parts:
        return not line and not parts
    at = 0
    for index, part in enumerate(parts):
        if part.is_capture:
            continue
        place = line.find(part.text, at)
        if place < 0 or (index and place == at):
            return False
        at = place + len(part.text)
    return parts[-1].is_capture == (at != len(line))
