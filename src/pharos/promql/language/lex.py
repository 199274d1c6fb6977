"""The tokens of PromQL, with the rules and messages of Prometheus' lexer (promql/parser/lex.go).

A text is cut at once by three compiled patterns: one for expressions, one for the inside of braces, one for
the inside of brackets. What they do not know is read by hand, since there the message matters. A wrong
character makes an `ERROR` token, the last one; it is the parser that raises it, and only if it gets there,
because an error that the grammar finds earlier has precedence.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from pharos.gotext.quoting import quote, quote_char
from pharos.promql.language.functions import AGGREGATORS

EOF: Final = "EOF"
ERROR: Final = "ERROR"
IDENTIFIER: Final = "IDENTIFIER"
METRIC: Final = "METRIC"
NUMBER: Final = "NUMBER"
DURATION: Final = "DURATION"
STRING: Final = "STRING"


class Token(NamedTuple):
    """A token: its kind, its text as written and where it starts.

    The kind of a keyword or an operator is its own text in lower case. The text of an `ERROR` is its message.
    """

    kind: str
    text: str
    start: int


WORD_OPERATORS: Final = frozenset({"and", "or", "unless", "atan2"})
SYMBOL_OPERATORS: Final = frozenset(
    {"+", "-", "*", "/", "%", "^", "==", "!=", "<", "<=", ">", ">=", "</", ">/", "=~", "!~", "@"}
)
AGGREGATOR_WORDS: Final = frozenset(AGGREGATORS)
KEYWORDS: Final = frozenset(
    {
        "anchored",
        "bool",
        "by",
        "fill",
        "fill_left",
        "fill_right",
        "group_left",
        "group_right",
        "ignoring",
        "offset",
        "on",
        "smoothed",
        "without",
    }
)
QUERY_WORDS: Final = frozenset({"start", "end", "step", "range", "min_of", "max_of"})
FILLS: Final = frozenset({"fill", "fill_left", "fill_right"})

_KINDS: Final[dict[str, str]] = {
    **{word: word for word in WORD_OPERATORS | AGGREGATOR_WORDS | KEYWORDS | QUERY_WORDS},
    "inf": NUMBER,
    "nan": NUMBER,
}
_DURATION_WORDS: Final = frozenset({"step", "range", "min_of", "max_of"})

_DIGITS: Final = r"[0-9]+(?:_[0-9]+)*"
_NUMBER: Final = (
    rf"(?:0[xX]_?[0-9a-fA-F]+|(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?)"
    r"(?![A-Za-z0-9_.])"
)
_DURATION: Final = r"[0-9]+(?:ms|[smhdwy])(?:[0-9]+(?:ms|[smhdw]))*(?![A-Za-z0-9_])"
_INVALID: Final = "\ud800-\udfff\ufffd"
"""What is no UTF-8: lone surrogates stand for odd bytes; upstream refuses the replacement character too."""
_STRING: Final = rf""""[^"\\\n{_INVALID}]*"|'[^'\\\n{_INVALID}]*'|`[^`{_INVALID}]*`"""
_SKIP: Final = r"(?P<skip>[ \t\r\n]+|\#[^\r\n]*)"

_OUTSIDE: Final = re.compile(
    rf"{_SKIP}|(?P<word>[A-Za-z_:][A-Za-z0-9_:]*)|(?P<NUMBER>{_NUMBER})|(?P<DURATION>{_DURATION})"
    rf"|(?P<op>==|!=|<=|>=|</|>/|=(?!~)|[-+*/%^<>,@()\[\]{{}}])|(?P<STRING>{_STRING})"
)
_BRACES: Final = re.compile(
    rf"{_SKIP}|(?P<IDENTIFIER>[A-Za-z_][A-Za-z0-9_]*)|(?P<op>=~|!~|!=|=|,|\}})|(?P<STRING>{_STRING})"
)
_BRACKETS: Final = re.compile(
    rf"{_SKIP}|(?P<NUMBER>{_NUMBER})|(?P<DURATION>{_DURATION})|(?P<word>[srmSRM][A-Za-z_]*)"
    r"|(?P<op>[-+*/%^,():\]])"
)
_OPEN_PAREN: Final = re.compile(r"[ \t\r\n]*\(")

_SIMPLE_ESCAPES: Final = "abfnrtv\\"
_NUMERIC_ESCAPES: Final = {"x": (2, 16, 255), "u": (4, 16, 0x10FFFF), "U": (8, 16, 0x10FFFF)}


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a query, without blanks and comments; the last one is `EOF` or `ERROR`."""
    return _Lexer(text).run()


class _LexError(Exception):
    """A lexical error: where it is and what it says."""

    def __init__(self, start: int, message: str) -> None:
        super().__init__(message)
        self.start = start
        self.message = message


class _Lexer:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[Token] = []
        self.at = 0
        self.depth = 0
        self.in_braces = False
        self.in_brackets = False
        self.got_duration = False
        self.got_colon = False

    def run(self) -> list[Token]:
        try:
            while self.at < len(self.text):
                if self.in_braces:
                    self._braces()
                elif self.in_brackets:
                    self._brackets()
                else:
                    self._outside()
            self._end()
        except _LexError as failure:
            self.tokens.append(Token(ERROR, failure.message, failure.start))
        return self.tokens

    def _emit(self, kind: str, end: int) -> None:
        self.tokens.append(Token(kind, self.text[self.at : end], self.at))
        self.at = end

    def _end(self) -> None:
        size = len(self.text)
        if self.in_braces:
            raise _LexError(size, "unexpected end of input inside braces")
        if self.in_brackets and not self.got_duration:
            raise _LexError(size, "unexpected end of input in duration expression")
        if self.depth:
            raise _LexError(size, "unclosed left parenthesis")
        if self.in_brackets:
            raise _LexError(size, "unclosed left bracket")
        self.tokens.append(Token(EOF, "", size))

    def _outside(self) -> None:
        """Read tokens until a brace or a bracket opens."""
        text, tokens, match = self.text, self.tokens, _OUTSIDE.match
        at, size = self.at, len(self.text)
        while at < size:
            found = match(text, at)
            if found is None:
                self.at = at
                self._odd()
                at = self.at
                continue
            group, end = found.lastgroup, found.end()
            if group == "skip":
                at = end
                continue
            word = found[0]
            if group == "word":
                tokens.append(Token(self._word_kind(word, end), word, at))
            elif group == "op":
                tokens.append(Token(word, word, at))
                if word in "(){}[]":
                    self.at = end
                    self._bracketing(word)
                    if self.in_braces or self.in_brackets:
                        return
            else:
                tokens.append(Token(group or "", word, at))
            at = end
        self.at = at

    def _word_kind(self, word: str, end: int) -> str:
        kind = _KINDS.get(word) or _KINDS.get(word.lower())
        if kind is None:
            return METRIC if ":" in word else IDENTIFIER
        if kind in FILLS and not _OPEN_PAREN.match(self.text, end):
            return IDENTIFIER
        return kind

    def _bracketing(self, char: str) -> None:
        """Note what a token just emitted opens or closes."""
        start = self.at - 1
        match char:
            case "(":
                self.depth += 1
            case ")":
                self.depth -= 1
                if self.depth < 0:
                    self.tokens.pop()
                    raise _LexError(self.at, f"unexpected right parenthesis {quote_char(char)}")
            case "{":
                self.in_braces = True
            case "[":
                self.in_brackets = True
                self.got_duration = self.got_colon = False
            case "]":
                self.tokens.pop()
                raise _LexError(start, f"unexpected right bracket {quote_char(char)}")
            case "}":
                self.tokens.pop()
                raise _LexError(start, f"unexpected character: {quote_char(char)}")

    def _odd(self) -> None:
        """Read what the pattern of expressions does not know: odd numbers, escapes, errors."""
        at, char = self.at, self.text[self.at]
        after = self.text[at + 1 : at + 2]
        if char.isdigit() or char == ".":
            if "0" <= char <= "9" or "0" <= after <= "9":
                self._number()
                return
        elif char in "\"'`":
            self._string()
            return
        elif char == "=":
            raise _LexError(at, f"unexpected character after '=': {quote_char(after)}")
        elif char == "!":
            raise _LexError(at, f"unexpected character after '!': {quote_char(after)}")
        raise _LexError(at, f"unexpected character: {quote_char(char)}")

    def _braces(self) -> None:
        """Read one token inside braces."""
        found = _BRACES.match(self.text, self.at)
        if found is None:
            char = self.text[self.at]
            if char in "\"'`":
                self._string()
                return
            if char == "!":
                after = self.text[self.at + 1 : self.at + 2]
                message = f"unexpected character after '!' inside braces: {quote_char(after)}"
            elif char == "{":
                message = f"unexpected left brace {quote_char(char)}"
            else:
                message = f"unexpected character inside braces: {quote_char(char)}"
            raise _LexError(self.at, message)
        if found.lastgroup == "skip":
            self.at = found.end()
        elif found.lastgroup == "op":
            self._emit(found[0], found.end())
            self.in_braces = found[0] != "}"
        else:
            self._emit(found.lastgroup or "", found.end())

    def _brackets(self) -> None:
        """Read one token inside brackets."""
        found = _BRACKETS.match(self.text, self.at)
        char = self.text[self.at]
        group = "" if found is None else found.lastgroup
        if found is None:
            if "0" <= char <= "9" or (char == "." and self.text[self.at + 1 : self.at + 2].isdigit()):
                self.got_duration = True
                self._number()
                return
            self._odd_in_brackets(char)
        elif group == "skip":
            self.at = found.end()
        elif group == "word":
            if found[0].lower() not in _DURATION_WORDS:
                self._odd_in_brackets(char)
                return
            self.got_duration = True
            self._emit(found[0].lower(), found.end())
        elif group == "op":
            self._bracket_op(char)
        else:
            self.got_duration = True
            self._emit(group or "", found.end())

    def _bracket_op(self, char: str) -> None:
        start = self.at
        self._emit(char, start + 1)
        match char:
            case "]":
                self.in_brackets = False
            case "(" | ")":
                self._bracketing(char)
            case ":":
                if not self.got_duration:
                    self.tokens.pop()
                    message = "unexpected colon before duration in duration expression"
                    raise _LexError(self.at, message)
                if self.got_colon:
                    self.tokens.pop()
                    raise _LexError(start, f"unexpected colon {quote_char(char)}")
                self.got_colon = True

    def _odd_in_brackets(self, char: str) -> None:
        """Refuse a character inside brackets, or read it as outside of them (upstream, after a number)."""
        if not self.got_duration:
            message = f"unexpected character in duration expression: {quote_char(char)}"
            raise _LexError(self.at, message)
        if char.isascii() and (char.isalpha() or char == "_"):
            message = f"unexpected character: {quote_char(char)}, expected {quote_char(':')}"
            raise _LexError(self.at, message)
        if char == "[":
            raise _LexError(self.at, f"unexpected left bracket {quote_char(char)}")
        found = _OUTSIDE.match(self.text, self.at)
        if found is None:
            self._odd()
            return
        self._emit(found[0] if found.lastgroup == "op" else (found.lastgroup or ""), found.end())
        if char == "{":
            self.in_braces = True

    def _string(self) -> None:
        """Read a string with escapes, or find what is wrong with it."""
        text, start = self.text, self.at
        opening = text[start]
        at = start + 1
        raw = opening == "`"
        while True:
            char = text[at : at + 1]
            if char and (char == "\ufffd" or "\ud800" <= char <= "\udfff"):
                raise _LexError(start, "invalid UTF-8 rune")
            if raw and not char:
                raise _LexError(start, "unterminated raw string")
            if char == "" or (char == "\n" and not raw):
                raise _LexError(start, "unterminated quoted string")
            if char == opening:
                self._emit(STRING, at + 1)
                return
            at += 1
            if char == "\\" and not raw:
                at = self._escape(start, at, opening)

    def _escape(self, start: int, at: int, opening: str) -> int:
        """Return the offset after an escape whose backslash ends at `at` (rules of go/scanner)."""
        char = self.text[at : at + 1]
        if not char:
            raise _LexError(start, "escape sequence not terminated")
        if char in _SIMPLE_ESCAPES or char == opening:
            return at + 1
        if char in "01234567":
            count, base, most = 3, 8, 255
        elif char in _NUMERIC_ESCAPES:
            count, base, most = _NUMERIC_ESCAPES[char]
            at += 1
        else:
            raise _LexError(start, f"unknown escape sequence {_code_point(char)}")
        value = 0
        for _ in range(count):
            digit = self.text[at : at + 1]
            if not digit:
                raise _LexError(start, "escape sequence not terminated")
            place = "0123456789abcdef".find(digit.lower())
            if not 0 <= place < base:
                raise _LexError(start, f"illegal character {_code_point(digit)} in escape sequence")
            value = value * base + place
            at += 1
        if value > most or 0xD800 <= value < 0xE000:
            raise _LexError(start, "escape sequence is an invalid Unicode code point")
        return at

    def _number(self) -> None:
        """Read a number or duration that the fast patterns refused, as upstream's scanNumber does."""
        scan = _NumberScan(self.text, self.at)
        if scan.number():
            self._emit(NUMBER, scan.at)
        elif scan.duration():
            self._emit(DURATION, scan.at)
        else:
            seen = self.text[self.at : scan.at]
            raise _LexError(self.at, f"bad number or duration syntax: {quote(seen)}")


class _NumberScan:
    """A cursor over the characters of a number."""

    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.start = at
        self.at = at

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _take(self, chars: str) -> bool:
        char = self._peek()
        if char and char in chars:
            self.at += 1
            return True
        return False

    def number(self) -> bool:
        """Return whether a number was read; what it means is the parser's affair."""
        digits = "0123456789"
        if self._take("0") and self._take("xX"):
            self._take("_")
            digits = "0123456789abcdefABCDEF"
        self._take(".")
        self._take(digits)
        dot = exponent = False
        while True:
            char = self._peek()
            if not char or char not in digits + "._eE":
                break
            if (char == "." and dot) or (char in "eE" and exponent):
                self.at += 1
                return False
            if char == ".":
                dot = True
                self.at += 1
                if self._take("_.") or len(digits) > 10:
                    return False
            elif char in "eE" and (len(digits) == 10 or char not in digits):
                exponent = True
                self.at += 1
                self._take("+-")
                if self._take("._eE") or not self._peek():
                    return False
            elif char == "_":
                self.at += 1
                if self._take("._eE") or not self._peek():
                    return False
            else:
                self.at += 1
        return self.at > self.start and not _is_word(self._peek())

    def duration(self) -> bool:
        """Return whether a duration follows what was read."""
        if not self._take("smhdwy"):
            return False
        self._take("s")
        while self._take("0123456789"):
            while self._take("0123456789"):
                pass
            if not self._take("smhdw"):
                return False
            self._take("s")
        if _is_word(self._peek()):
            self.at += 1
            return False
        return True


def _is_word(char: str) -> bool:
    return char.isascii() and (char.isalnum() or char == "_")


def _code_point(char: str) -> str:
    """Return a character as Go's `%#U` prints it."""
    name = f"U+{ord(char):04X}"
    return f"{name} '{char}'" if char.isprintable() else name
