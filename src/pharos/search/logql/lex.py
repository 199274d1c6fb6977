"""The tokens of LogQL."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from pharos.gotext.quoting import quote
from pharos.search.logql.faults import parse_error

EOF: Final = "end of input"
IDENTIFIER: Final = "identifier"
STRING: Final = "string"
NUMBER: Final = "number"
DURATION: Final = "duration"
BYTES: Final = "bytes"
RANGE: Final = "range"
FLAG: Final = "flag"


class Token(NamedTuple):
    """A token: its kind, its text as written and where it starts; the kind of an operator is its text."""

    kind: str
    text: str
    start: int


_DURATION_UNIT: Final = r"(?:ns|us|µs|μs|ms|s|m|h|d|w|y)"
_SIZE_UNIT: Final = r"(?:[KMGTPEkmgtpe][iI]?[Bb]|[KMGTPEkmgtpe]i|[Bb])"
_TOKEN: Final = re.compile(
    r"(?P<skip>[ \t\r\n]+|\#[^\r\n]*)"
    rf"|(?P<duration>(?:[0-9]+(?:\.[0-9]*)?{_DURATION_UNIT})+(?![A-Za-z0-9_.]))"
    rf"|(?P<bytes>[0-9]+(?:\.[0-9]*)?{_SIZE_UNIT}(?![A-Za-z0-9_]))"
    r"|(?P<number>(?:0[xX][0-9a-fA-F]+|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?![A-Za-z0-9_.]))"
    r"|(?P<identifier>[^\W0-9][\w:]*)"
    r"|(?P<string>\"(?:[^\"\\\n]|\\.)*\"|`[^`]*`)"
    r"|(?P<range>\[[^\]\[]*\])"
    r"|(?P<flag>--[a-z]+(?:-[a-z]+)*)"
    r"|(?P<operator>\|=|\|~|\|>|\|@|!=|!~|!>|=~|==|>=|<=|[-+*/%^<>=,(){}|])"
)
_ESCAPE: Final = re.compile(
    r"\\(?:[abfnrtv\\\"]|x[0-9a-fA-F]{2}|[0-3][0-7]{2}|u(?![dD][89a-fA-F])[0-9a-fA-F]{4}"
    r"|U(?:000[0-9a-fA-F]|0010)[0-9a-fA-F]{4})"
)


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a query without blanks and comments; the last is `EOF`.

    Raises PharosError(INVALID).
    """
    tokens, at = [], 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise _stray(text, at)
        kind, written = str(found.lastgroup), found[0]
        if kind == "string":
            _check_escapes(text, at, written)
        if kind != "skip":
            tokens.append(Token(written if kind == "operator" else kind, written, at))
        at = found.end()
    tokens.append(Token(EOF, "", len(text)))
    return tokens


def _stray(text: str, at: int) -> Exception:
    char = text[at]
    if char in '"`':
        return parse_error(text, at, "literal not terminated", hint=f"close it with {char}")
    if char == "'":
        return parse_error(text, at, "unexpected '", hint="write texts in double quotes or backticks")
    if char == "[":
        return parse_error(text, at, "missing closing ']' in duration", hint="write a range as [5m]")
    if char.isdigit():
        written = re.compile(r"[\w.]+").match(text, at)
        shown = quote(written[0][:40] if written else char)
        return parse_error(text, at, f"{shown} is no number, duration or size")
    return parse_error(text, at, f"syntax error: unexpected {quote(char)}")


def _check_escapes(text: str, at: int, written: str) -> None:
    if written[0] == "`" or "\\" not in written:
        return
    place = 1
    while (place := written.find("\\", place)) >= 0:
        found = _ESCAPE.match(written, place)
        if found is None:
            raise parse_error(
                text, at + place, "unknown escape sequence", hint="double the backslash, or use backticks"
            )
        place = found.end()
