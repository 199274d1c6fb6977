"""What is done to a value for the place where it stands in HTML."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from pharos.errors import Kind, PharosError
from pharos.gotemplate.builtins import escape_html, escape_query, joined
from pharos.gotemplate.html.context import Context
from pharos.gotemplate.html.transitions import after_text, kind_of_attribute
from pharos.gotemplate.json import to_json
from pharos.gotemplate.printing import shown
from pharos.gotemplate.values import Budget, SafeHtml, SafeUrl, Value, decoded, encoded

REFUSED: Final = "ZgotmplZ"
"""Stands for what may not stand there, as in Go."""
_MARKUP: Final = {'"': "&#34;", "'": "&#39;", "+": "&#43;", "<": "&lt;", ">": "&gt;"}
_QUOTED: Final = str.maketrans({"\0": "\ufffd", "&": "&amp;", **_MARKUP})
_QUOTED_AGAIN: Final = str.maketrans({"\0": "\ufffd", **_MARKUP})
_SPACES: Final = {"\t": "&#9;", "\n": "&#10;", "\v": "&#11;", "\f": "&#12;", "\r": "&#13;", " ": "&#32;"}
_BARE_AGAIN: Final = str.maketrans({"\0": "&#xfffd;", "=": "&#61;", "`": "&#96;", **_SPACES, **_MARKUP})
_BARE: Final = {**_BARE_AGAIN, ord("&"): "&amp;"}
_BAD_RUNES: Final = re.compile("[\ufdd0-\ufdef\ufff0-\uffff]")
_SCHEMES: Final = frozenset(["http", "https", "mailto"])
_NOT_PLAIN: Final = re.compile(rb"[^A-Za-z0-9\-._~]")
_NOT_URL: Final = re.compile(rb"%(?![0-9a-fA-F]{2})|[^A-Za-z0-9\-._~!#$&*+,/:;=?@\[\]%]")
_LOW: Final = {chr(code): f"\\u{code:04x}" for code in range(0x20)} | {
    "\t": "\\t",
    "\n": "\\n",
    "\f": "\\f",
    "\r": "\\r",
}
_JS: Final = str.maketrans(
    {
        **_LOW,
        **{char: f"\\u{ord(char):04x}" for char in "\"`&'+<>\u2028\u2029"},
        "/": "\\/",
        "\\": "\\\\",
    }
)
_JS_PATTERN: Final = str.maketrans(
    {
        **_LOW,
        **{char: f"\\u{ord(char):04x}" for char in "\"&'+<>\u2028\u2029"},
        **{char: f"\\{char}" for char in "$()*-./?[\\]^{|}"},
    }
)
_CSS: Final = re.compile("[\0\t\n\f\r\"&'()+/:;<>\\\\{}]")
_CSS_AFTER: Final = re.compile("[0-9a-fA-F \t\n\f\r]")
_CSS_ESCAPE: Final = re.compile(r"\\(?:([0-9a-fA-F]{1,6})[ \t\n\f\r]?|(.))", re.DOTALL)
_CSS_REFUSED: Final = re.compile(r"[\0\"'()/;@\[\\\]`{}<>]|--")
_JS_WORD: Final = re.compile(r"[\w$]")


def text_of(budget: Budget, value: Value) -> str:
    """Return a value as text; nothing where there is none. What is safe somewhere stays marked so."""
    if isinstance(value, str):
        return value
    return "" if value is None else shown(budget, value)


def _html(budget: Budget, value: Value) -> str:
    text = text_of(budget, value)
    return str(text) if isinstance(text, SafeHtml) else text.translate(_QUOTED)


def _attribute(budget: Budget, value: Value) -> str:
    text = text_of(budget, value)
    return (
        _without_tags(text).translate(_QUOTED_AGAIN)
        if isinstance(text, SafeHtml)
        else text.translate(_QUOTED)
    )


def _rcdata(budget: Budget, value: Value) -> str:
    text = text_of(budget, value)
    return text.translate(_QUOTED_AGAIN if isinstance(text, SafeHtml) else _QUOTED)


def _bare(budget: Budget, value: Value) -> str:
    """Return the value of an attribute that has no quotes around it."""
    text = text_of(budget, value)
    if text == "":
        return REFUSED
    is_safe = isinstance(text, SafeHtml)
    text = _without_tags(text).translate(_BARE_AGAIN) if is_safe else text.translate(_BARE)
    return _BAD_RUNES.sub(lambda found: f"&#x{ord(found[0]):x};", text)


def _without_tags(text: str) -> str:
    """Return the text of a piece of HTML without its tags."""
    context, at, pieces = Context(), 0, []
    while at < len(text):
        try:
            after, count = after_text(context, text[at:])
        except PharosError:
            break
        if context == Context():
            piece = text[at : at + count]
            pieces.append(piece[: piece.rfind("<")] if after != context else piece)
        if count == 0 and after == context:
            break
        context, at = after, at + count
    return "".join(pieces)


def _name(budget: Budget, value: Value) -> str:
    text = text_of(budget, value).lower()
    if not text or kind_of_attribute(text) or not (text.isascii() and text.isalnum()):
        return REFUSED
    return str(text)


def _url_filter(budget: Budget, value: Value) -> str:
    text = text_of(budget, value)
    if isinstance(text, SafeUrl):
        return text
    return text if _is_safe(text) else f"#{REFUSED}"


def _is_safe(address: str) -> bool:
    """Return whether an address can do nothing: it has no scheme, or one that leads to a page or a mail."""
    scheme, colon, _ = address.partition(":")
    return not colon or "/" in scheme or scheme.lower() in _SCHEMES


def _url_escape(budget: Budget, value: Value) -> str:
    text = text_of(budget, value)
    return _percent(text, _NOT_URL if isinstance(text, SafeUrl) else _NOT_PLAIN)


def _url_normalize(budget: Budget, value: Value) -> str:
    return _percent(text_of(budget, value), _NOT_URL)


def _percent(text: str, pattern: re.Pattern[bytes]) -> str:
    return decoded(pattern.sub(lambda found: b"%%%02x" % found[0][0], encoded(text)))


def _srcset(budget: Budget, value: Value) -> str:
    text = text_of(budget, value)
    if isinstance(text, SafeUrl):
        return _percent(text, _NOT_URL).replace(",", "%2c")
    return ",".join(_source(one) for one in text.split(","))


def _source(text: str) -> str:
    body = text.lstrip(" \t\n\f\r")
    lead = text[: len(text) - len(body)]
    found = re.search(r"[ \t\n\f\r]", body)
    end = found.start() if found else len(body)
    if not _is_safe(body[:end]) or re.search(r"[^ \t\n\f\rA-Za-z0-9]", body[end:]):
        return f"#{REFUSED}"
    return lead + _percent(body[:end], _NOT_URL) + body[end:]


def _js_value(budget: Budget, value: Value) -> str:
    try:
        text = to_json(budget, value)
    except PharosError as error:
        if error.kind is Kind.LIMITED:
            raise
        return f" /* {error.message.replace('*/', '* /')} */null "
    pad = " " if _JS_WORD.match(text[0]) or _JS_WORD.match(text[-1]) else ""
    return f"{pad}{text}{pad}"


def _js_text(budget: Budget, value: Value) -> str:
    return text_of(budget, value).translate(_JS)


def _js_pattern(budget: Budget, value: Value) -> str:
    return text_of(budget, value).translate(_JS_PATTERN) or "(?:)"


def _css_text(budget: Budget, value: Value) -> str:
    text = text_of(budget, value)

    def escaped(found: re.Match[str]) -> str:
        if found[0] == "\\":
            return "\\\\"
        after = text[found.end() : found.end() + 1]
        return f"\\{ord(found[0]):x}{' ' if not after or _CSS_AFTER.match(after) else ''}"

    return _CSS.sub(escaped, text)


def _css_value(budget: Budget, value: Value) -> str:
    text = _CSS_ESCAPE.sub(_unescaped, text_of(budget, value))
    word = re.sub(r"[^\w-]", "", text).replace("-", "").lower()
    if _CSS_REFUSED.search(text) or "expression" in word or "mozbinding" in word:
        return REFUSED
    return text


def _unescaped(found: re.Match[str]) -> str:
    if found[2] is not None:
        return found[2]
    code = int(found[1], 16)
    return chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else "\ufffd"


ESCAPERS: Final[Mapping[str, Callable[[Budget, Value], str]]] = {
    "text": _html,
    "html": lambda budget, value: escape_html(joined(budget, (value,))),
    "urlquery": lambda budget, value: escape_query(joined(budget, (value,))),
    "attribute": _attribute,
    "rcdata": _rcdata,
    "bare": _bare,
    "name": _name,
    "nothing": lambda _budget, _value: "",
    "url filter": _url_filter,
    "url escape": _url_escape,
    "url normalize": _url_normalize,
    "srcset": _srcset,
    "js value": _js_value,
    "js text": _js_text,
    "js pattern": _js_pattern,
    "css text": _css_text,
    "css value": _css_value,
}
