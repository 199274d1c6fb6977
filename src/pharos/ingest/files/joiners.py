"""Lines that belong together become one record: stack traces by language, or whatever a pattern begins.

A trace is known by its first line and by what each further line may be in the state that the line before led
to. A blank line belongs to it only if what follows does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol, TypeAlias

from msgspec import Struct, field

Rules: TypeAlias = Mapping[str, tuple[tuple[re.Pattern[str], str], ...]]
"""By state: patterns of lines that go on, and the state that each leads to."""
_START: Final = "start"
_LINES_MOST: Final = 5000


def _rules(table: Mapping[str, tuple[tuple[str, str], ...]]) -> Rules:
    return {
        state: tuple((re.compile(pattern), after) for pattern, after in rows) for state, rows in table.items()
    }


JOINERS: Final[Mapping[str, Rules]] = {
    "java": _rules(
        {
            _START: ((r"(?:Exception|Error|Throwable)(?:[:\s\[]|$)", "trace"),),
            "trace": (
                (r"[\t ]+(?:eval )?at ", "trace"),
                (r"[\t ]*(?:Caused by|Suppressed|Wrapped by): ?", "trace"),
                (r"[\t ]*\.\.\. \d+ (?:more|common frames omitted)", "trace"),
                (r"[\t ]*nested exception is:", "nested"),
                (
                    r"[\t ]*--- End of (?:inner exception stack trace|stack trace from previous location)",
                    "trace",
                ),
            ),
            "nested": ((r"[\t ]*\S+(?:Exception|Error|Throwable)", "trace"),),
        }
    ),
    "python": _rules(
        {
            _START: ((r"^Traceback \(most recent call last\):\s*$", "frames"),),
            "frames": ((r"[\t ]+\S", "frames"), (r"(?:[^\s.():]+\.)*[^\s.():]+(?::|\s*$)", "raised")),
            "raised": ((r"\s*$", "gap"),),
            "gap": (
                (r"During handling of the above exception", "chained"),
                (r"The above exception was the direct cause", "chained"),
            ),
            "chained": ((r"\s*$", "chained"), (r"Traceback \(most recent call last\):\s*$", "frames")),
        }
    ),
    "go": _rules(
        {
            _START: (
                (r"(?:^|\s)panic: ", "panic"),
                (r"http: panic serving", "panic"),
                (r"^fatal error: ", "panic"),
            ),
            "panic": (
                (r"\s*$", "gap"),
                (r"[\t ]*panic: ", "panic"),
                (r"\[signal ", "panic"),
                (r"goroutine \d+ \[[^\]]*\]:", "frames"),
            ),
            "gap": ((r"\s*$", "gap"), (r"\[signal ", "panic"), (r"goroutine \d+ \[[^\]]*\]:", "frames")),
            "frames": (
                (r"\t", "frames"),
                (r"panic\(.*\)\s*$", "frames"),
                (r"[^\s(]+\.\S*\(.*\)\s*$", "frames"),
                (r"created by \S", "frames"),
                (r"\.\.\.additional frames elided", "frames"),
                (r"\s*$", "gap"),
            ),
        }
    ),
    "ruby": _rules(
        {
            _START: ((r":\d+:in .+\([A-Z][\w:]*\)\s*$", "trace"),),
            "trace": ((r"[\t ]+(?:\d+: )?from .*:\d+", "trace"), (r"[\t ]+\S+:\d+:in ", "trace")),
        }
    ),
}
"""What is known of each language's traces."""


class Piece(Struct):
    """A line, or what was joined of several."""

    text: str
    start: int
    """Where it begins in the file."""
    ts_ns: int = 0
    attributes: dict[str, Any] = field(default_factory=dict)
    is_cut: bool = False


class Joiner(Protocol):
    """Joins lines in their order."""

    def feed(self, piece: Piece) -> Iterator[Piece]:
        """Yield what is complete now that a line has come."""
        ...

    def flush(self) -> Iterator[Piece]:
        """Yield what is left: nothing more is waited for."""
        ...

    def start(self) -> int | None:
        """Return where what is held begins; None if nothing is."""
        ...


class _Held:
    """Lines that are held, within bounds."""

    def __init__(self, most_characters: int) -> None:
        self._most = most_characters
        self._lines: list[Piece] = []
        self._size = 0

    def __bool__(self) -> bool:
        return bool(self._lines)

    @property
    def is_full(self) -> bool:
        return len(self._lines) >= _LINES_MOST or self._size > self._most

    def add(self, piece: Piece) -> None:
        self._lines.append(piece)
        self._size += len(piece.text) + 1

    def take(self, count: int | None = None) -> tuple[Piece, list[Piece]]:
        """Return the first lines joined, and the others."""
        taken, rest = self._lines[:count], [] if count is None else self._lines[count:]
        self._lines, self._size = [], 0
        first = taken[0]
        if len(taken) > 1:
            first.text = "\n".join(one.text for one in taken)
            first.is_cut = any(one.is_cut for one in taken)
        if len(first.text) > self._most:
            first.text, first.is_cut = first.text[: self._most], True
        return first, rest

    def start(self) -> int | None:
        return self._lines[0].start if self._lines else None


class TraceJoiner:
    """Joins the stack traces of some languages."""

    def __init__(self, languages: tuple[str, ...], most_characters: int) -> None:
        self._rules = [JOINERS[one] for one in languages]
        self._held = _Held(most_characters)
        self._now: Rules = {}
        self._state = _START
        self._count = 0
        self._sure = 0
        """So many of the lines that are held belong together, whatever comes."""

    def feed(self, piece: Piece) -> Iterator[Piece]:
        """Yield what is complete now that a line has come."""
        if self._held:
            after = _next_state(self._now, self._state, piece.text)
            if after is not None and not self._held.is_full:
                self._state = after
                self._held.add(piece)
                self._count += 1
                if piece.text.strip():
                    self._sure = self._count
                return
            yield from self.flush()
        for rules in self._rules:
            found = next((after for one, after in rules[_START] if one.search(piece.text)), None)
            if found is not None:
                self._now, self._state = rules, found
                self._held.add(piece)
                self._count = self._sure = 1
                return
        yield piece

    def flush(self) -> Iterator[Piece]:
        """Yield what is left; blank lines at the end are lines of their own."""
        if self._held:
            joined, rest = self._held.take(self._sure)
            yield joined
            yield from rest

    def start(self) -> int | None:
        """Return where what is held begins."""
        return self._held.start()


def _next_state(rules: Rules, state: str, text: str) -> str | None:
    return next((after for one, after in rules.get(state, ()) if one.match(text)), None)


class StartJoiner:
    """Joins each line that matches a pattern with those after it that do not."""

    def __init__(self, pattern: Any, most_characters: int) -> None:
        self._pattern = pattern
        self._held = _Held(most_characters)

    def feed(self, piece: Piece) -> Iterator[Piece]:
        """Yield what is complete now that a line has come."""
        if self._held and (self._held.is_full or self._pattern.search(piece.text)):
            yield self._held.take()[0]
        self._held.add(piece)

    def flush(self) -> Iterator[Piece]:
        """Yield what is left."""
        if self._held:
            yield self._held.take()[0]

    def start(self) -> int | None:
        """Return where what is held begins."""
        return self._held.start()


class NoJoiner:
    """Joins nothing."""

    def feed(self, piece: Piece) -> Iterator[Piece]:
        """Yield the line."""
        yield piece

    def flush(self) -> Iterator[Piece]:
        """Yield nothing."""
        yield from ()

    def start(self) -> int | None:
        """Return None: nothing is held."""
        return None
