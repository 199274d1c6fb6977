"""The place of a parser in the tokens of a query, and what it says when a token does not fit."""

from __future__ import annotations

from pharos.errors import PharosError
from pharos.gotext.quoting import quote
from pharos.promql.language.ast import Place
from pharos.promql.language.faults import parse_error
from pharos.promql.language.lex import (
    AGGREGATOR_WORDS,
    DURATION,
    EOF,
    ERROR,
    IDENTIFIER,
    KEYWORDS,
    METRIC,
    NUMBER,
    STRING,
    SYMBOL_OPERATORS,
    WORD_OPERATORS,
    Token,
    tokenize,
)

_NAMES = {
    IDENTIFIER: "identifier",
    METRIC: "metric identifier",
    STRING: "string",
    NUMBER: "number",
    DURATION: "duration",
}
_SHOWN = 10


class Cursor:
    """The tokens of a text, read one by one; `kind` is the kind of the current one."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokenize(text)
        self.index = 0
        self.kind = self.tokens[0].kind

    @property
    def token(self) -> Token:
        """Return the current token."""
        return self.tokens[self.index]

    def advance(self) -> Token:
        """Return the current token and go on; the last one stays the current one for ever."""
        token = self.tokens[self.index]
        if self.index + 1 < len(self.tokens):
            self.index += 1
            self.kind = self.tokens[self.index].kind
        return token

    def following(self) -> str:
        """Return the kind of the token after the current one."""
        return self.tokens[min(self.index + 1, len(self.tokens) - 1)].kind

    def expect(self, kind: str, context: str = "", expected: str = "") -> Token:
        """Return the current token and go on if it is of that kind, else raise."""
        if self.kind != kind:
            raise self.unexpected(context, expected)
        return self.advance()

    def last_end(self) -> int:
        """Return where the token before the current one ends."""
        if self.index == 0:
            return 0
        before = self.tokens[self.index - 1]
        return before.start + len(before.text)

    def place_from(self, start: int) -> Place:
        """Return the place from `start` to the end of what was read."""
        return Place(start, self.last_end())

    def error(self, position: int, message: str) -> PharosError:
        """Return the error for what is wrong at a position of the text."""
        return parse_error(self.text, position, message)

    def unexpected(self, context: str = "", expected: str = "") -> PharosError:
        """Return the error for a current token that does not fit; one of the lexer has precedence."""
        token = self.token
        if token.kind == ERROR:
            return self.error(token.start, token.text)
        message = f"unexpected {_described(token)}"
        if context:
            message += f" in {context}"
        if expected:
            message += f", expected {expected}"
        return self.error(token.start, message)


def _described(token: Token) -> str:
    """Return a token in the words of upstream's lexer."""
    kind, text = token.kind, token.text
    if kind == EOF:
        return "end of input"
    if kind in (IDENTIFIER, METRIC):
        return f"{_NAMES[kind]} {quote(text)}"
    if kind in KEYWORDS:
        return f"<{text}>"
    if kind in SYMBOL_OPERATORS or kind in WORD_OPERATORS:
        return f"<op:{text}>"
    if kind in AGGREGATOR_WORDS:
        return f"<aggr:{text}>"
    shown = quote(text[:_SHOWN]) + "..." if len(text.encode("utf-8", "replace")) > _SHOWN else quote(text)
    name = _NAMES.get(kind)
    return f"{name} {shown}" if name else shown
