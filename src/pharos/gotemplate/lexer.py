"""The words of a template: text, and what stands between `{{` and `}}`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Final, NamedTuple

from pharos.gotext.quoting import quote

_LEFT: Final = "{{"
_SPACES: Final = " \t\r\n"
_LEFT_TRIM: Final = re.compile(r"-(?=[ \t\r\n])[ \t\r\n]")
_CLOSE: Final = re.compile(r"[ \t\r\n]-\}\}|\}\}")
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_SPACE: Final = re.compile(r"[ \t\r\n]+")
_STRING: Final = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"')
_RAW: Final = re.compile(r"`[^`]*`")
_CHAR: Final = re.compile(r"'(?:[^'\\\n]|\\[^\n])*'")
_NUMBER: Final = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?"
    r"|0[bB][01_]*(?:\.[01_]*)?|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?"
)
_WORD: Final = re.compile(r"\w+")
_ENDS_WORD: Final = frozenset(" \t\r\n.,|:)(")
KEYWORDS: Final = frozenset(
    ["block", "break", "continue", "define", "else", "end", "if", "nil", "range", "template", "with"]
)


class Is(StrEnum):
    """What a token is."""

    TEXT = "text"
    LEFT = "left delimiter"
    RIGHT = "right delimiter"
    SPACE = "space"
    KEYWORD = "keyword"
    NAME = "identifier"
    FIELD = "field"
    VARIABLE = "variable"
    DOT = "dot"
    BOOL = "bool"
    NUMBER = "number"
    CHAR = "character constant"
    STRING = "string"
    RAW = "raw string"
    ASSIGN = "="
    DECLARE = ":="
    PIPE = "|"
    COMMA = ","
    OTHER = "character"
    OPEN = "("
    CLOSED = ")"
    END = "EOF"
    FAULT = "fault"


class Token(NamedTuple):
    """A word of a template, or what is wrong with it."""

    kind: Is
    text: str
    at: int


_MARKS: Final = {"=": Is.ASSIGN, "|": Is.PIPE, ",": Is.COMMA, "(": Is.OPEN, ")": Is.CLOSED}


def words(text: str) -> Iterator[Token]:
    """Yield the tokens of a template; the last is END, or FAULT with what is wrong in its text."""
    at = 0
    while True:
        left = text.find(_LEFT, at)
        if left < 0:
            if at < len(text):
                yield Token(Is.TEXT, text[at:], at)
            yield Token(Is.END, "", len(text))
            return
        inside = left + len(_LEFT)
        marker = _LEFT_TRIM.match(text, inside)
        before = text[at:left].rstrip(_SPACES) if marker else text[at:left]
        if before:
            yield Token(Is.TEXT, before, at)
        inside = marker.end() if marker else inside
        if text.startswith("/*", inside):
            ended = _comment(text, inside)
            if isinstance(ended, Token):
                yield ended
                return
            at = ended
            continue
        yield Token(Is.LEFT, _LEFT, left)
        last = Token(Is.FAULT, "", inside)
        for last in _action(text, inside):
            yield last
        if last.kind is Is.FAULT:
            return
        at = _after(text, last)


def _after(text: str, right: Token) -> int:
    """Return where the text goes on behind a right delimiter."""
    end = right.at + len(right.text)
    return _skipped(text, end) if right.text[0] != "}" else end


def _skipped(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _comment(text: str, at: int) -> int | Token:
    """Return where the text goes on behind a comment, or what is wrong with it."""
    body = _COMMENT.match(text, at)
    if body is None:
        return Token(Is.FAULT, "unclosed comment", at)
    close = _CLOSE.match(text, body.end())
    if close is None:
        return Token(Is.FAULT, "comment ends before closing delimiter", at)
    return _skipped(text, close.end()) if close[0] != "}}" else close.end()


def _action(text: str, at: int) -> Iterator[Token]:
    """Yield what stands in an action, up to its right delimiter or what is wrong."""
    depth = 0
    while True:
        close = _CLOSE.match(text, at)
        if close is not None:
            yield Token(Is.RIGHT, close[0], at) if depth == 0 else Token(Is.FAULT, "unclosed left paren", at)
            return
        if at >= len(text):
            yield Token(Is.FAULT, "unclosed action", at)
            return
        token = _spaces(text, at) if text[at] in _SPACES else _word(text, at)
        depth += (token.kind is Is.OPEN) - (token.kind is Is.CLOSED)
        yield token
        if depth < 0:
            token = Token(Is.FAULT, "unexpected right paren U+0029 ')'", at)
            yield token
        if token.kind is Is.FAULT:
            return
        at += len(token.text)


def _spaces(text: str, at: int) -> Token:
    """Return the spaces from `at`, without the last one where that belongs to ` -}}`."""
    end = _skipped(text, at)
    if end - at > 1 and text.startswith("-}}", end):
        end -= 1
    return Token(Is.SPACE, text[at:end], at)


def _word(text: str, at: int) -> Token:
    char = text[at]
    if char in _MARKS:
        return Token(_MARKS[char], char, at)
    if char == ":":
        return (
            Token(Is.DECLARE, ":=", at) if text.startswith(":=", at) else Token(Is.FAULT, "expected :=", at)
        )
    if char in "\"`'":
        return _quoted(text, at)
    follows = text[at + 1 : at + 2]
    if char in "+-" or "0" <= char <= "9" or (char == "." and "0" <= follows <= "9"):
        return _number(text, at)
    if char in ".$":
        return _field(text, at)
    if _WORD.match(char):
        return _identifier(text, at)
    if "!" <= char <= "~":
        return Token(Is.OTHER, char, at)
    return Token(Is.FAULT, f"unrecognized character in action: {_code(char)}", at)


def _code(char: str) -> str:
    if not char:
        return "U+FFFFFFFFFFFFFFFF"
    return f"U+{ord(char):04X}" + (f" '{char}'" if char.isprintable() else "")


def _quoted(text: str, at: int) -> Token:
    pattern, kind, name = {
        '"': (_STRING, Is.STRING, "quoted string"),
        "`": (_RAW, Is.RAW, "raw quoted string"),
        "'": (_CHAR, Is.CHAR, "character constant"),
    }[text[at]]
    found = pattern.match(text, at)
    return Token(kind, found[0], at) if found else Token(Is.FAULT, f"unterminated {name}", at)


def _number(text: str, at: int) -> Token:
    found = _NUMBER.match(text, at)
    end = found.end() if found else at
    if end == at or _WORD.match(text, end) or text[end : end + 1] in {"+", "-"}:
        return Token(Is.FAULT, f"bad number syntax: {quote(text[at : end + 1])}", at)
    return Token(Is.NUMBER, text[at:end], at)


def _field(text: str, at: int) -> Token:
    """Return `.`, `.name`, `$` or `$name`."""
    found = _WORD.match(text, at + 1)
    end = found.end() if found else at + 1
    if not _ends(text, end):
        return Token(Is.FAULT, f"bad character {_code(text[end : end + 1])}", at)
    if text[at] == "$":
        return Token(Is.VARIABLE, text[at:end], at)
    return Token(Is.FIELD, text[at:end], at) if found else Token(Is.DOT, ".", at)


def _identifier(text: str, at: int) -> Token:
    found = _WORD.match(text, at)
    end = found.end() if found else at
    word = text[at:end]
    if not _ends(text, end):
        return Token(Is.FAULT, f"bad character {_code(text[end : end + 1])}", at)
    if word in KEYWORDS:
        return Token(Is.KEYWORD, word, at)
    return Token(Is.BOOL if word in {"true", "false"} else Is.NAME, word, at)


def _ends(text: str, at: int) -> bool:
    return at >= len(text) or text[at] in _ENDS_WORD or text.startswith("}}", at)
