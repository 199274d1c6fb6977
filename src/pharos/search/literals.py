"""What every text that a pattern finds holds: plain text that is looked for before the pattern is tried.

To look for a text takes a fraction of what a pattern does, and the index of words knows it. Only what is sure
counts: a pattern of which something is not understood here has no such text. Syntax: RE2's (google/re2,
wiki/Syntax).
"""

from __future__ import annotations

import re
from typing import Final

_REPEAT: Final = re.compile(r"\{(\d+)(?:,\d*)?\}")
_FLAGS: Final = re.compile(r"\(\?([a-zA-Z-]*)([:)])")
_CLASS: Final = re.compile(r"\[\^?\]?(?:\\.|\[:\^?[a-z]+:\]|[^\]\\])*\]", re.DOTALL)
_ANCHORS_AND_CLASSES: Final = frozenset("dDwWsSbBAz")
_LEAST: Final = 2
"""A shorter text is in nearly every line."""


def required_literal(pattern: str) -> str:
    """Return the longest text that a line must hold to match; empty where none is known."""
    runs, run, at = [""], "", 0
    while at < len(pattern):
        char = pattern[at]
        ends = at + 1
        if char == "\\":
            escaped = pattern[ends : ends + 1]
            ends += 1
            if escaped in _ANCHORS_AND_CLASSES and escaped:
                runs.append(run)
                run = ""
            elif escaped and escaped.isascii() and not escaped.isalnum():
                run += escaped
            else:
                return ""
        elif char in "|)" or (char == "(" and (ends := _group_end(pattern, at)) < 0):
            return ""
        elif char == "[":
            found = _CLASS.match(pattern, at)
            if found is None:
                return ""
            ends = found.end()
            runs.append(run)
            run = ""
        elif char == "{" and (repeat := _REPEAT.match(pattern, at)):
            ends = repeat.end()
            runs.append(run[:-1] if int(repeat[1]) == 0 else run)
            run = ""
        elif char in "*?+.^$(":
            runs.append(run[:-1] if char in "*?" else run)
            run = ""
        else:
            run += char
        at = ends
    longest = max([*runs, run], key=len)
    return longest if len(longest) >= _LEAST else ""


def _group_end(pattern: str, at: int) -> int:
    """Return where a group ends; -1 for one that is not understood, or lets case be ignored from there on."""
    flags = _FLAGS.match(pattern, at)
    if flags is not None and flags[2] == ")":
        return -1 if "i" in flags[1] else flags.end()
    depth = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            if pattern[at + 1 : at + 2] == "Q":
                return -1
            at += 2
            continue
        if char == "[":
            found = _CLASS.match(pattern, at)
            if found is None:
                return -1
            at = found.end()
            continue
        depth += (char == "(") - (char == ")")
        at += 1
        if depth == 0:
            return at
    return -1
