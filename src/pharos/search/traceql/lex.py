"""The tokens of TraceQL."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, NamedTuple

from pharos.errors import Kind, PharosError
from pharos.gotext.quoting import quote


class TokenKind(StrEnum):
    """What a token is; of a symbol and a word its text says which."""

    TEXT = "string"
    INTEGER = "int"
    FLOAT = "float"
    DURATION = "duration"
    ATTRIBUTE = "attribute"
    WORD = "word"
    SYMBOL = "symbol"
    END = "end"


class Token(NamedTuple):
    """A token: what is meant, and where it starts; an attribute's text is its name."""

    kind: TokenKind
    text: str
    start: int
    scope: str = ""


LONGEST_QUERY: Final = 32 << 10
_SPACE: Final = re.compile(r"\s*")
_DURATION: Final = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ns|us|µs|μs|ms|[smhdwy]))+(?![A-Za-z0-9_.])")
_FLOAT: Final = re.compile(r"(?:[0-9]+\.[0-9]*|[0-9]+(?=[eE][-+]?[0-9]))(?:[eE][-+]?[0-9]+)?")
_INTEGER: Final = re.compile(r"[0-9]+")
_SCOPE: Final = re.compile(r"(parent\.(?:span|resource)|parent|span|resource|event|link|instrumentation|)\.")
# Any letter but white space, brackets and what begins an operator.
_NAME: Final = re.compile(r"[^\s{}()=~!<>&|^,\"]+")
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?::[A-Za-z]+)?")
_SYMBOL: Final = re.compile(
    r"!>>|!<<|&>>|&<<|&&|\|\||!>|!<|!~|!=|&>|&<|&~|=~|>=|<=|>>|<<|[{}(),|=<>~!+\-*/%^]"
)
_QUOTED: Final = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`([^`]*)`')
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'", "`": "`"}


def fault(message: str, at: int) -> PharosError:
    """Return the error for what is no TraceQL; `at` is where, from 0."""
    return PharosError(Kind.INVALID, f"TraceQL, character {at + 1}: {message}")


def unquote(body: str, at: int) -> str:
    """Return what a text in double quotes means. Raises PharosError(INVALID) for an escape that is none."""

    def plain(found: re.Match[str]) -> str:
        if found[1] not in _ESCAPES:
            raise fault(f"\\{found[1]} is no escape", at + found.start() + 1)
        return _ESCAPES[found[1]]

    return _ESCAPE.sub(plain, body)


def _name(text: str, at: int) -> tuple[str, int]:
    """Return (an attribute's name, where it ends); parts of it may be in quotes."""
    parts = []
    while True:
        if (found := _NAME.match(text, at)) is not None:
            parts.append(found[0])
        elif text[at : at + 1] == '"' and (found := _QUOTED.match(text, at)) is not None:
            parts.append(unquote(found[1], at))
        else:
            return "".join(parts), at
        at = found.end()


def _token(text: str, at: int) -> tuple[Token, int]:
    if (found := _QUOTED.match(text, at)) is not None:
        plain = found[2] if found[1] is None else unquote(found[1], at)
        return Token(TokenKind.TEXT, plain, at), found.end()
    if (found := _SCOPE.match(text, at)) is not None:
        name, end = _name(text, found.end())
        if not name:
            raise fault(f"no name follows {quote(found[0])}", at)
        return Token(TokenKind.ATTRIBUTE, name, at, found[1]), end
    for kind, pattern in (
        (TokenKind.DURATION, _DURATION),
        (TokenKind.FLOAT, _FLOAT),
        (TokenKind.INTEGER, _INTEGER),
        (TokenKind.WORD, _WORD),
        (TokenKind.SYMBOL, _SYMBOL),
    ):
        if (found := pattern.match(text, at)) is not None:
            return Token(kind, found[0], at), found.end()
    if text[at] in '"`':
        raise fault("the text that begins here does not end", at)
    raise fault(f"{quote(text[at])} is not expected here", at)


def tokens(text: str) -> list[Token]:
    """Return a query's tokens, the last one being its end. Raises PharosError(INVALID)."""
    if len(text) > LONGEST_QUERY:
        raise PharosError(Kind.INVALID, f"the query has more than {LONGEST_QUERY} characters")
    found: list[Token] = []
    at = 0
    while True:
        space = _SPACE.match(text, at)
        at = space.end() if space is not None else at
        if at >= len(text):
            return [*found, Token(TokenKind.END, "", at)]
        token, at = _token(text, at)
        found.append(token)
