"""The place of the parser in the tokens of a query, and what it says when one does not fit."""

from __future__ import annotations

import re
from typing import Final

from pharos.errors import PharosError
from pharos.gotext.quoting import quote, unquote
from pharos.search.logql.faults import parse_error
from pharos.search.logql.lex import EOF, IDENTIFIER, STRING, Token, tokenize

_LABEL_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MAX_DEPTH: Final = 100
_MAX_JOINED: Final = 200


def is_label_name(text: str) -> bool:
    """Return whether a label can have this name."""
    return _LABEL_NAME.fullmatch(text) is not None


class Cursor:
    """The tokens of a text, read one by one."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = tokenize(text)
        self._index = 0
        self._depth = 0
        self._joined = 0

    @property
    def token(self) -> Token:
        """The current token."""
        return self._tokens[self._index]

    @property
    def kind(self) -> str:
        """The kind of the current token."""
        return self._tokens[self._index].kind

    @property
    def word(self) -> str:
        """The current token in small letters if it is a word: of words of the language case says nothing."""
        token = self._tokens[self._index]
        return token.text.lower() if token.kind == IDENTIFIER else ""

    def following(self, count: int = 1) -> Token:
        """Return a token after the current one."""
        return self._tokens[min(self._index + count, len(self._tokens) - 1)]

    def advance(self) -> Token:
        """Return the current token and go on; the last one stays the current one for ever."""
        token = self._tokens[self._index]
        self._index = min(self._index + 1, len(self._tokens) - 1)
        return token

    def accept(self, kind: str) -> Token | None:
        """Return the current token and go on if it is of that kind."""
        return self.advance() if self.kind == kind else None

    def expect(self, kind: str, expected: str = "") -> Token:
        """Return the current token and go on. Raises PharosError(INVALID) if it is not of that kind."""
        if self.kind != kind:
            raise self.unexpected(expected or kind)
        return self.advance()

    def is_word(self, *words: str) -> bool:
        """Return whether the current token is one of these words, in small letters or not."""
        return self.word in words

    def accept_word(self, word: str) -> bool:
        """Go on if the current token is this word, and return whether it was."""
        if self.is_word(word):
            self.advance()
            return True
        return False

    def name(self, expected: str = "a label name") -> str:
        """Return a label's name. Raises PharosError(INVALID)."""
        if self.kind != IDENTIFIER:
            raise self.unexpected(expected)
        token = self.token
        if not is_label_name(token.text):
            raise self.error(
                token.start, f"{quote(token.text)} is no label name", hint="letters, digits and _"
            )
        return self.advance().text

    def string(self, expected: str = "a string") -> str:
        """Return a text. Raises PharosError(INVALID)."""
        return unquote(self.expect(STRING, expected).text)

    def names(self) -> tuple[str, ...]:
        """Return label names in parentheses; there may be none. Raises PharosError(INVALID)."""
        self.expect("(", "(")
        found: list[str] = []
        while self.kind != ")":
            found.append(self.name())
            if not self.accept(","):
                break
        self.expect(")", ", or )")
        return tuple(found)

    def deeper(self) -> None:
        """Count one more expression in another. Raises PharosError(INVALID) for too many."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self.error(self.token.start, f"more than {_MAX_DEPTH} expressions stand in one another")

    def join(self) -> None:
        """Count one more operator between two parts. Raises PharosError(INVALID) for too many."""
        self._joined += 1
        if self._joined > _MAX_JOINED:
            raise self.error(self.token.start, f"more than {_MAX_JOINED} operators are in the query")

    def higher(self) -> None:
        """Count one less."""
        self._depth -= 1

    def error(self, position: int, message: str, *, hint: str = "") -> PharosError:
        """Return the error for what is wrong at a position of the text."""
        return parse_error(self.text, position, message, hint=hint)

    def unexpected(self, expected: str = "") -> PharosError:
        """Return the error for a current token that does not fit."""
        token = self.token
        shown = token.text if len(token.text) <= 40 else f"{token.text[:40]}..."
        what = f"$end ({EOF})" if token.kind == EOF else quote(shown)
        message = f"syntax error: unexpected {what}"
        return self.error(token.start, f"{message}, expecting {expected}" if expected else message)
