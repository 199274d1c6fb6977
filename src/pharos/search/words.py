"""The search language of logs, spans and runs, close to what people type.

    timeout                     a word, in whatever case
    "connection reset"          words one after the other
    *part*  time*  *out         part of a word, its beginning, its end
    /rt=0\\.\\d+/                 a pattern of RE2
    level:error                 a field has this value; several: level:(warn OR error)
    path:/api/*                 a value with gaps
    path:/^\\/api/               a value that matches a pattern
    status:>=500  took:<1.5s    a comparison; sizes and durations have their units
    status:[500 TO 599]         a range with its ends, in braces without them
    user.id:*                   a field is there
    a AND b, a b                both; a OR b: any; NOT a, -a: not
    ( )                         what belongs together

`AND`, `OR`, `NOT` and `TO` are written in capitals; quotes make anything a text.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from pharos.errors import Kind, PharosError
from pharos.labels import compile_regex
from pharos.search.tree import (
    All,
    And,
    Contains,
    Field,
    Has,
    Matches,
    Not,
    Op,
    Or,
    Place,
    Tree,
    Words,
)

_DEEP: Final = 64
_LONGEST: Final = 20_000
_BODY: Final = frozenset({"body", "message", "msg", "line", "_msg"})
_ORDERS: Final = {"<": Op.LESS, "<=": Op.AT_MOST, ">": Op.MORE, ">=": Op.AT_LEAST}
_NAMES: Final = {"severity_number": "severity", "service.name": "service"}
_PLACES: Final = {
    "resource.": Place.RESOURCE,
    "scope.": Place.SCOPE,
    "record.": Place.RECORD,
    "span.": Place.RECORD,
    "event.": Place.EVENT,
    "link.": Place.LINK,
}
_DURATIONS: Final = {
    "ns": 1.0,
    "us": 1e3,
    "µs": 1e3,
    "ms": 1e6,
    "s": 1e9,
    "m": 60e9,
    "h": 3600e9,
    "d": 86400e9,
}
_SIZES: Final = {
    "b": 1.0,
    "kb": 1e3,
    "mb": 1e6,
    "gb": 1e9,
    "tb": 1e12,
    "kib": 2.0**10,
    "mib": 2.0**20,
    "gib": 2.0**30,
    "tib": 2.0**40,
}
_NUMBER: Final = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([a-zA-Zµ]*)")
_TOKEN: Final = re.compile(
    r"""(?P<space>\s+)
      | (?P<open>\() | (?P<close>\))
      | (?P<text>"(?:[^"\\]|\\.)*")
      | (?P<pattern>/(?:[^/\\]|\\.)+/(?=[\s)]|$))
      | (?P<word>(?:[^\s()":\\]|\\.)(?:[^\s()":\\]|\\.|:(?=//))*)
      | (?P<colon>:)""",
    re.VERBOSE | re.DOTALL,
)
_VALUE: Final = re.compile(
    r"""(?P<order>[<>]=?)
      | (?P<range>[\[{])
      | (?P<open>\()
      | (?P<text>"(?:[^"\\]|\\.)*")
      | (?P<pattern>/(?:[^/\\]|\\.)+/(?=[\s)]|$))
      | (?P<word>(?:[^\s()"\\]|\\.)+)""",
    re.VERBOSE | re.DOTALL,
)
_RANGE: Final = re.compile(r"([\[{])\s*(\S+)\s+TO\s+([^\s\]}]+)\s*([\]}])")
_DENIED: Final = re.compile(r"[^\s!-]")
"""What follows a sign that denies it; others stand for themselves."""
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)


def parse_search(text: str) -> Tree:
    """Return what a search asks for; an empty one, and `*`, for everything.

    Raises PharosError(INVALID) that names the place and what belongs there.
    """
    if len(text) > _LONGEST:
        raise PharosError(Kind.INVALID, f"a search has at most {_LONGEST} characters, this one {len(text)}")
    reader = _Reader(text)
    return reader.read_whole()


class _Word(Struct, frozen=True):
    """A word or a text as it was written."""

    text: str
    is_quoted: bool


class _Reader:
    """Reads a search from the left to the right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    @property
    def is_at_end(self) -> bool:
        return self._at >= len(self._text)

    def fault(self, message: str, at: int | None = None) -> PharosError:
        """Return the error at a place of the text, at where it is being read unless told."""
        place = self._at if at is None else at
        return PharosError(Kind.INVALID, f"search, column {place + 1}: {message}")

    def skip_space(self) -> None:
        while not self.is_at_end and self._text[self._at].isspace():
            self._at += 1

    def _peek(self) -> re.Match[str] | None:
        self.skip_space()
        return _TOKEN.match(self._text, self._at)

    def _is_word(self, word: str) -> bool:
        found = self._peek()
        return found is not None and found["word"] == word

    def read_whole(self) -> Tree:
        """Read all of the text."""
        self.skip_space()
        if self._at >= len(self._text):
            return All()
        tree = self.read_any(0)
        if self._at < len(self._text):
            raise self.fault("a closing parenthesis has no opening one")
        return tree

    def read_any(self, depth: int) -> Tree:
        """Read what any of several parts may meet."""
        parts = [self._read_all(depth)]
        while self._is_word("OR"):
            self._at += len("OR")
            parts.append(self._read_all(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _read_all(self, depth: int) -> Tree:
        parts = [self._read_one(depth)]
        while True:
            found = self._peek()
            if found is None and not self.is_at_end:
                raise self._begins_nothing()
            if found is None or self.is_at_end or found["close"] or found["word"] == "OR":
                break
            if found["word"] == "AND":
                self._at = found.end()
            parts.append(self._read_one(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _read_one(self, depth: int) -> Tree:
        if depth > _DEEP:
            raise self.fault(f"parentheses and denials are nested more than {_DEEP} deep")
        found = self._peek()
        if found is None or self.is_at_end or found["close"]:
            if not self.is_at_end and found is None:
                raise self._begins_nothing()
            raise self.fault("a word, a field or a parenthesis belongs here")
        if found["word"] in {"AND", "OR"}:
            raise self.fault(f"{found['word']} stands between two conditions", found.start())
        if found["word"] == "NOT":
            self._at = found.end()
            return Not(self._read_one(depth + 1))
        if self._text[self._at] in "-!" and _DENIED.match(self._text, self._at + 1):
            self._at += 1
            return Not(self._read_one(depth + 1))
        if found["open"]:
            self._at = found.end()
            tree = self.read_any(depth + 1)
            self._close(found.start())
            return tree
        return self._read_leaf(found)

    def _begins_nothing(self) -> PharosError:
        character = self._text[self._at]
        if character == '"':
            return self.fault("this quotation is not closed")
        return self.fault(f"{character!r} begins nothing")

    def _close(self, opened: int) -> None:
        found = self._peek()
        if found is None or not found["close"]:
            raise self.fault("this parenthesis is not closed", opened)
        self._at = found.end()

    def _read_leaf(self, found: re.Match[str]) -> Tree:
        self._at = found.end()
        if found["pattern"]:
            return Matches(self._read_pattern(found))
        if found["colon"]:
            raise self.fault("a field's name belongs before the colon", found.start())
        word = _word(found)
        if self._text[self._at : self._at + 1] == ":":
            self._at += 1
            return self._read_value(word.text)
        return _in_body(word)

    def _read_value(self, name: str) -> Tree:
        found = _VALUE.match(self._text, self._at)
        if found is None:
            if self._text[self._at : self._at + 1] == '"':
                raise self._begins_nothing()
            raise self.fault(f"a value belongs behind {name}:")
        self._at = found.end()
        field = _place_of(name)
        if found["order"]:
            return self._read_order(field, _ORDERS[found["order"]])
        if found["range"]:
            return self._read_range(field, found.start())
        if found["open"]:
            return self._read_values(name, found.start())
        if found["pattern"]:
            pattern = self._read_pattern(found)
            if name in _BODY:
                return Matches(pattern)
            return Field(field[0], Op.REGEX, f"(?s:.*)(?:{pattern})(?s:.*)", field[1])
        word = _word(found)
        if name in _BODY:
            return Has("body", Place.OWN) if word == _Word("*", is_quoted=False) else _in_body(word)
        return _with_value(field, word)

    def _read_values(self, name: str, opened: int) -> Tree:
        """Read several values, of which any may be."""
        parts: list[Tree] = []
        while True:
            self.skip_space()
            if self._text[self._at : self._at + 1] == ")":
                break
            if parts and self._is_word("OR"):
                self._at += len("OR")
                self.skip_space()
            if self.is_at_end:
                raise self.fault("this parenthesis is not closed", opened)
            parts.append(self._read_value(name))
        if not parts:
            raise self.fault(f"a value belongs behind {name}:")
        self._at += 1
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _read_pattern(self, found: re.Match[str]) -> str:
        pattern = found["pattern"][1:-1].replace("\\/", "/")
        try:
            compile_regex(pattern)
        except PharosError as exc:
            raise self.fault(exc.message, found.start("pattern")) from exc
        return pattern

    def _read_order(self, field: tuple[str, Place], op: Op) -> Tree:
        self.skip_space()
        found = _VALUE.match(self._text, self._at)
        if found is None or not (found["word"] or found["text"]):
            raise self.fault("a number belongs behind the comparison")
        self._at = found.end()
        return _compared(field, op, _word(found).text)

    def _read_range(self, field: tuple[str, Place], at: int) -> Tree:
        found = _RANGE.match(self._text, at)
        if found is None:
            raise self.fault("a range is written [FIRST TO LAST], or {FIRST TO LAST} without its ends", at)
        self._at = found.end()
        first, last = found[2], found[3]
        parts: list[Tree] = []
        if first != "*":
            parts.append(_compared(field, Op.AT_LEAST if found[1] == "[" else Op.MORE, first))
        if last != "*":
            parts.append(_compared(field, Op.AT_MOST if found[4] == "]" else Op.LESS, last))
        if len(parts) == 1:
            return parts[0]
        return And(tuple(parts)) if parts else Has(*field)


def _word(found: re.Match[str]) -> _Word:
    if found["text"]:
        return _Word(_ESCAPE.sub(r"\1", found["text"][1:-1]), is_quoted=True)
    return _Word(found["word"], is_quoted=False)


def _place_of(name: str) -> tuple[str, Place]:
    for prefix, place in _PLACES.items():
        if name.startswith(prefix) and len(name) > len(prefix):
            return name[len(prefix) :], place
    return _NAMES.get(name, name), Place.ANY


def _pieces(word: str) -> list[str]:
    """Return what stands between the asterisks of a word, escapes taken out."""
    pieces, current, at = [], "", 0
    while at < len(word):
        if word[at] == "\\" and at + 1 < len(word):
            current += word[at + 1]
            at += 2
            continue
        if word[at] == "*":
            pieces.append(current)
            current = ""
        else:
            current += word[at]
        at += 1
    return [*pieces, current]


_EDGE_BEFORE: Final = r"(?:^|[^0-9A-Za-z\x{80}-\x{10FFFF}])"
_EDGE_AFTER: Final = r"(?:$|[^0-9A-Za-z\x{80}-\x{10FFFF}])"
_GAP: Final = r"[0-9A-Za-z\x{80}-\x{10FFFF}]*"


def _in_body(word: _Word) -> Tree:
    if word.is_quoted:
        return Words(word.text) if word.text else All()
    pieces = _pieces(word.text)
    if len(pieces) == 1:
        return Words(pieces[0])
    texts = [piece for piece in pieces if piece]
    if not texts:
        return All()
    if len(texts) == 1 and not pieces[0] and not pieces[-1]:
        return Contains(texts[0], ignores_case=True)
    before = "" if not pieces[0] else _EDGE_BEFORE
    after = "" if not pieces[-1] else _EDGE_AFTER
    middle = _GAP.join(re.escape(piece) for piece in pieces).removeprefix(_GAP).removesuffix(_GAP)
    # What it holds to the letter narrows the search before the pattern is tried.
    parts = [Contains(piece, ignores_case=True) for piece in texts]
    return And((*parts, Matches(f"(?i){before}{middle}{after}")))


def _with_value(field: tuple[str, Place], word: _Word) -> Tree:
    name, place = field
    if word.is_quoted:
        return Field(name, Op.EQUAL, word.text, place)
    pieces = _pieces(word.text)
    if len(pieces) == 1:
        return Field(name, Op.EQUAL, pieces[0], place)
    texts = [piece for piece in pieces if piece]
    if not texts:
        return Has(name, place)
    if len(texts) == 1 and not pieces[0] and not pieces[-1]:
        return Field(name, Op.CONTAINS, texts[0], place)
    return Field(name, Op.REGEX, "(?s:.*)".join(re.escape(piece) for piece in pieces), place)


def _compared(field: tuple[str, Place], op: Op, text: str) -> Tree:
    name, place = field
    return Field(name, op, text, place, number_of(name, text))


def number_of(name: str, text: str) -> float | None:
    """Return the number that a text is, in the unit of the field: nanoseconds of `duration`.

    Of other fields a duration counts in seconds, as names ending in `_ms`, `_us` and `_ns` say otherwise; a
    size counts in bytes. None for what is no number.
    """
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    number, unit = float(found[1]), found[2].lower()
    if not unit:
        return number
    if unit in _DURATIONS:
        scale = {"duration": 1.0}.get(name)
        if scale is None:
            ending = re.search(r"[._](ns|us|ms)$", name)
            scale = _DURATIONS[ending[1]] if ending else _DURATIONS["s"]
        return number * _DURATIONS[unit] / scale
    if unit in _SIZES:
        return number * _SIZES[unit]
    return None
