r"""Strings as Go writes and reads them, because PromQL's are Go's (strconv.Quote, strutil.Unquote).

A Go string is a row of bytes. Bytes that are not UTF-8 (`"\xff"`) stand in a Python string as lone
surrogates (PEP 383), so that nothing is lost on the way in and out.
"""

from __future__ import annotations

import re
from typing import Final

_ESCAPES: Final = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    "'": "'",
    '"': '"',
}
_ESCAPE: Final = re.compile(r"\\(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))")
_LETTERS: Final = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
}
_PLAIN: Final = re.compile(r"[ !#-\[\]-~]*")


def quote(text: str) -> str:
    """Return `text` in double quotes, escaped as strconv.Quote does."""
    if _PLAIN.fullmatch(text):
        return f'"{text}"'
    return '"' + "".join(_escaped(char, '"') for char in text) + '"'


def quote_char(char: str) -> str:
    """Return one character in single quotes as Go's `%q` prints a rune; an empty text is the end of input."""
    if not char:
        return "'\ufffd'"
    return "'" + _escaped(char, "'") + "'"


def _escaped(char: str, around: str) -> str:
    if char == around:
        return "\\" + char
    known = _LETTERS.get(char)
    if known is not None:
        return known
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    if char.isprintable():
        return char
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def unquote(literal: str) -> str:
    """Return the text of a literal that the lexer has found well-formed, quotes included."""
    body = literal[1:-1]
    if literal[0] == "`" or "\\" not in body:
        return body
    raw = _ESCAPE.sub(_unescaped, body)
    if not any(0xDC80 <= ord(char) <= 0xDCFF for char in raw):
        return raw
    return raw.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def _unescaped(match: re.Match[str]) -> str:
    byte, octal, short, long, letter = match.groups()
    if letter is not None:
        return _ESCAPES[letter]
    if byte is not None or octal is not None:
        code = int(byte, 16) if byte is not None else int(octal, 8)
        return chr(code) if code < 0x80 else chr(0xDC00 + code)
    return chr(int(short if short is not None else long, 16))


def valid_text(text: str) -> str:
    """Return text that can be encoded: halves of surrogate pairs become U+FFFD, as Go reads them."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
