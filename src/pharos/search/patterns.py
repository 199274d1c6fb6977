"""Templates of log lines: lines that differ only in what varies are one (after Drain, He et al., ICWS 2017).

A line is cut into words, and numbers, ids and addresses in them are masked. Lines with as many words and
the same first word are compared word by word; where enough words are equal the line joins a template, of
which the others become `<_>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct, field

HOLE: Final = "<_>"
"""What stands in a template for what varies; Loki's line filter `|>` reads it."""
_LIKENESS: Final = 0.6
"""The part of the words that must be equal, of those that were not masked."""
_CROWD: Final = 12
"""With as many templates of one shape, lines need to be less alike to be put together."""
_LIKENESS_IN_A_CROWD: Final = 0.4
_MAX_WORDS: Final = 120
_MAX_KNOWN: Final = 50_000
_BLANK: Final = re.compile(r"(\s+)")
_JSON_PARTS: Final = re.compile(r'((?<=[,{}\[\]])|(?<=":))(?=.)|(\s+)')
_MASKED: Final = re.compile(
    r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b"
    r"|\b(?=[a-f]*[0-9])[0-9a-f]{12,}\b"
    r"|(?<![A-Za-z0-9_])[+-]?[0-9][0-9A-Za-z_]*(?:[.:+-][0-9A-Za-z_]+)*%?"
)
_KEY: Final = re.compile(r"[\w.\-]+[=:]")


class Pattern(Struct):
    """A template, and when how many lines of it were seen."""

    words: list[str]
    blanks: list[str]
    is_cut: bool
    level: str = ""
    count: int = 0
    first_ns: int = 0
    last_ns: int = 0
    by_step: dict[int, int] = field(default_factory=dict)
    """How many lines, by the number of their step."""

    @property
    def template(self) -> str:
        """The template as text, in which holes side by side are one."""
        pieces = [self.words[0]]
        for blank, word in zip(self.blanks, self.words[1:], strict=False):
            if not blank and word == HOLE and pieces[-1].endswith(HOLE):
                continue
            pieces += (blank, word)
        if self.is_cut and pieces[-1] != HOLE:
            pieces.append(HOLE)
        return "".join(pieces)

    def likeness(self, words: list[str]) -> float:
        """Return which part of the words is equal, of those that are no hole in either."""
        equal = compared = 0
        for one, other in zip(self.words, words, strict=True):
            if one is HOLE or other is HOLE or HOLE in (one, other):
                continue
            compared += 1
            equal += one == other
        return equal / compared if compared else 1.0

    def join(self, words: list[str]) -> None:
        """Make holes where another line has other words."""
        self.words = [
            one if one == other else _joined(one, other) for one, other in zip(self.words, words, strict=True)
        ]


def _joined(one: str, other: str) -> str:
    """Return what stands for two words: a hole, behind the key that both have."""
    key = _KEY.match(one)
    return key[0] + HOLE if key is not None and other.startswith(key[0]) else HOLE


class Patterns:
    """Templates of the lines that were added, which are put together by level too."""

    def __init__(self, start_ns: int, step_ns: int) -> None:
        self._start_ns = start_ns
        self._step_ns = step_ns
        self._by_shape: dict[tuple[str, int, bool, str], list[Pattern]] = {}
        self._known: dict[tuple[str, str], Pattern] = {}
        self._found: list[Pattern] = []

    def add(self, line: str, ts_ns: int, level: str = "") -> None:
        """Count a line."""
        masked = _MASKED.sub(HOLE, line)
        pattern = self._known.get((level, masked))
        if pattern is None:
            pattern = self._place(masked, level)
            if len(self._known) < _MAX_KNOWN:
                self._known[level, masked] = pattern
        if not pattern.count or ts_ns < pattern.first_ns:
            pattern.first_ns = ts_ns
        pattern.last_ns = max(pattern.last_ns, ts_ns)
        pattern.count += 1
        step = (ts_ns - self._start_ns) // self._step_ns
        pattern.by_step[step] = pattern.by_step.get(step, 0) + 1

    def _place(self, masked: str, level: str) -> Pattern:
        """Return the template that a line joins, a new one if it is like none."""
        parts = _JSON_PARTS if masked.startswith("{") else _BLANK
        words, blanks = _cut(masked, parts)
        is_cut = len(words) > _MAX_WORDS
        words, blanks = words[:_MAX_WORDS], blanks[: _MAX_WORDS - 1]
        shape = level, len(words), is_cut, words[0]
        alike = self._by_shape.setdefault(shape, [])
        best, most = None, _LIKENESS if len(alike) < _CROWD else _LIKENESS_IN_A_CROWD
        for pattern in alike:
            likeness = pattern.likeness(words)
            if likeness >= most and (best is None or likeness > most):
                best, most = pattern, likeness
        if best is not None:
            best.join(words)
            return best
        made = Pattern(words, blanks, is_cut, level)
        alike.append(made)
        self._found.append(made)
        return made

    def found(self) -> list[Pattern]:
        """Return all templates, the most frequent first; those that became equal are one."""
        merged: dict[tuple[str, str], Pattern] = {}
        for pattern in self._found:
            before = merged.setdefault((pattern.level, pattern.template), pattern)
            if before is not pattern:
                before.count += pattern.count
                before.first_ns = min(before.first_ns, pattern.first_ns)
                before.last_ns = max(before.last_ns, pattern.last_ns)
                for step, count in pattern.by_step.items():
                    before.by_step[step] = before.by_step.get(step, 0) + count
        self._found = list(merged.values())
        self._by_shape.clear()
        self._known.clear()
        return sorted(self._found, key=lambda one: (-one.count, one.template))


def _cut(text: str, parts: re.Pattern[str]) -> tuple[list[str], list[str]]:
    """Return (words, what stands between them)."""
    words: list[str] = []
    blanks: list[str] = []
    at = 0
    for found in parts.finditer(text):
        if len(words) > _MAX_WORDS:
            break
        words.append(text[at : found.start()])
        blanks.append(found[0])
        at = found.end()
    words.append(text[at:])
    return words, blanks


def new_since(patterns: Iterable[Pattern], since_ns: int) -> list[Pattern]:
    """Return the templates of which no line is older than a time."""
    return [pattern for pattern in patterns if pattern.first_ns >= since_ns]
