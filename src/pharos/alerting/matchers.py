"""Conditions on labels as Alertmanager writes and reads them, in its two grammars.

The classic one (pkg/labels/parse.go) knows old label names alone and takes values without quotes, with odd
escapes; the UTF-8 one (matcher/parse) knows any name, quoted where it must be. Both read each text: where
only one can, that one counts, and where they disagree, the classic one (matcher/compat).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, TypeAlias

from pharos.errors import Kind, PharosError
from pharos.gotext.quoting import quote
from pharos.labels import MatchOp
from pharos.patterns import compiled

SPACES: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""What Go's unicode.IsSpace holds for blank."""
_RESERVED: Final = SPACES + "{}!=~,\\\"'`"
_CLASSIC_BLANK: Final = "\t\n\f\r "
"""What a regular expression of Go's holds for blank."""
_CLASSIC_HEAD: Final = re.compile(r"[\t\n\f\r ]*([a-zA-Z_:][a-zA-Z0-9_:]*)[\t\n\f\r ]*(=~|=|!=|!~)")
_TOKEN: Final = re.compile(
    rf'[{SPACES}]*(?:(?P<sign>[{{}},])|(?P<op>=~|=|!=|!~)|(?P<quoted>"(?:[^"\\]|\\.)*")'
    rf"|(?P<bare>[^{re.escape(_RESERVED)}]+))",
    re.DOTALL,
)
_ESCAPE: Final = re.compile(
    r"\\(?:([abfnrtv\\\"])|x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))|\\|\n"
)
_LETTERS: Final = {
    "a": 7,
    "b": 8,
    "f": 12,
    "n": 10,
    "r": 13,
    "t": 9,
    "v": 11,
    "\\": 92,
    '"': 34,
}
_SINGLE_BYTE: Final = re.compile(r"(?<!\\)(?:\\\\)*\\C")
"""What RE2 has and Go's regular expressions have not: half a character."""
_BYTE_AT_MOST: Final = 255
_SURROGATES: Final = range(0xD800, 0xE000)
_CODE_POINTS: Final = 0x110000


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label; a label that is not there has the empty value."""

    name: str
    op: MatchOp
    value: str
    _pattern: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        is_regex = self.op in {MatchOp.REGEX, MatchOp.NOT_REGEX}
        object.__setattr__(self, "_pattern", compile_pattern(self.value) if is_regex else None)

    def matches(self, value: str) -> bool:
        """Return whether a label with this value satisfies it."""
        if self._pattern is None:
            return (value == self.value) is (self.op is MatchOp.EQUAL)
        return (self._pattern.search(value) is not None) is (self.op is MatchOp.REGEX)

    def __str__(self) -> str:
        if any(char in _RESERVED for char in self.name):
            return f"{quote(self.name)}{self.op}{quote(self.value)}"
        escaped = self.value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
        return f'{self.name}{self.op}"{escaped}"'


Matchers: TypeAlias = tuple[Matcher, ...]


@lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> Any:
    """Return a regular expression that is to match a whole value, compiled by RE2 as Alertmanager wraps it.

    A dot matches no line's end. Raises PharosError(INVALID) for what RE2 refuses.
    """
    if "\\C" in pattern and _SINGLE_BYTE.search(pattern):
        raise PharosError(
            Kind.INVALID, f"error parsing regexp {_shown(pattern)}: invalid escape sequence: `\\C`"
        )
    return compiled(f"^(?:{pattern})$", f"error parsing regexp {_shown(pattern)}")


def matches_all(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Return whether labels satisfy every one; none at all are satisfied by any."""
    return all(matcher.matches(labels.get(matcher.name, "")) for matcher in matchers)


_OP_ORDER: Final = {MatchOp.EQUAL: 0, MatchOp.NOT_EQUAL: 1, MatchOp.REGEX: 2, MatchOp.NOT_REGEX: 3}


def says_nothing(matchers: Iterable[Matcher]) -> bool:
    """Return whether matchers name nothing of an alert, as `a=~".*"`, so that they take each by mistake.

    One that says what is not taken (`env!="prod"`) says something: silence/silence.go of Alertmanager.
    """
    named = {MatchOp.EQUAL, MatchOp.REGEX}
    return all(one.op in named and one.matches("") for one in matchers)


def in_order(matchers: Iterable[Matcher]) -> Matchers:
    """Return them as Alertmanager sorts them: by name, value and operator."""
    return tuple(sorted(matchers, key=lambda one: (one.name.encode(), one.value.encode(), _OP_ORDER[one.op])))


def format_matchers(matchers: Iterable[Matcher]) -> str:
    """Return `{a="b",c=~"d"}`."""
    return "{" + ",".join(map(str, matchers)) + "}"


def parse_matchers(text: str) -> Matchers:
    """Return the matchers of `{a="b", c=~"d"}`, braces and a last comma being optional.

    Raises PharosError(INVALID) for what neither grammar reads.
    """
    utf8, _ = _attempt(_utf8_matchers, text)
    classic, fault = _attempt(_classic_matchers, text)
    return _decided(utf8, classic, fault)


def parse_matcher(text: str) -> Matcher:
    """Return the one matcher of a text without braces; raises PharosError(INVALID) for anything else."""
    if text.startswith("{") or text.endswith("}"):
        raise _fault(f"unexpected open or close brace: {_shown(text)}")
    utf8, _ = _attempt(_utf8_one, text)
    classic, fault = _attempt(lambda one: (_classic_matcher(one),), text)
    return _decided(utf8, classic, fault)[0]


def is_label_name(name: str) -> bool:
    """Return whether it can be a label's name since names may be any UTF-8."""
    return bool(name) and not any(0xD800 <= ord(char) < 0xE000 for char in name)


def _decided(utf8: Matchers | None, classic: Matchers | None, fault: PharosError | None) -> Matchers:
    if classic is not None:
        return classic
    if utf8 is not None:
        return utf8
    assert fault is not None  # noqa: S101 - what was not read failed
    raise fault


def _attempt(reader: Any, text: str) -> tuple[Matchers | None, PharosError | None]:
    try:
        return reader(text), None
    except PharosError as exc:
        return None, exc


# The classic grammar.


def _classic_matchers(text: str) -> Matchers:
    body = text.removeprefix("{").removesuffix("}")
    tokens: list[str] = []
    begin, is_quoted, is_escaped = 0, False, False
    for at, char in enumerate(body):
        if char == ",":
            # It leaves a backslash before it in force, as upstream's does.
            if not is_quoted:
                tokens.append(body[begin:at])
                begin = at + 1
        elif char == '"':
            is_quoted, is_escaped = is_quoted is is_escaped, False
        elif char == "\\":
            is_escaped = not is_escaped
        else:
            is_escaped = False
    last = body[begin:].strip(SPACES)
    if last:
        tokens.append(last)
    return tuple(map(_classic_matcher, tokens))


def _classic_matcher(text: str) -> Matcher:
    head = _CLASSIC_HEAD.match(text)
    if head is None:
        raise _fault(f"bad matcher format: {_shown(text)}")
    raw = text[head.end() :].strip(_CLASSIC_BLANK)
    body = raw.removeprefix('"')
    is_open = body != raw
    found: list[str] = []
    at, last = 0, len(body) - 1
    while at <= last:
        char = body[at]
        if char == "\\" and at < last:
            at += 1
            after = body[at]
            found.append({"n": "\n", '"': '"', "\\": "\\"}.get(after, "\\" + after))
        elif char == '"':
            if not is_open or at < last:
                raise _fault(f"matcher value contains unescaped double quote: {_shown(raw)}")
            is_open = False
        else:
            found.append(char)
        at += 1
    if is_open:
        raise _fault(f"matcher value contains unescaped double quote: {_shown(raw)}")
    return Matcher(head[1], MatchOp(head[2]), "".join(found))


# The UTF-8 grammar.


def _utf8_one(text: str) -> Matchers:
    found = _utf8_matchers(text)
    if len(found) != 1:
        raise _fault(f"expected 1 matcher, found {len(found)}" if found else "no matchers")
    return found


def _utf8_matchers(text: str) -> Matchers:
    tokens = _utf8_tokens(text)
    end = len(tokens)
    has_brace = bool(tokens) and tokens[0] == ("sign", "{")
    if has_brace:
        if end < 2 or tokens[-1] != ("sign", "}"):
            raise _fault(f"{_shown(text)}: expected close brace")
        end -= 1
    found: list[Matcher] = []
    at = int(has_brace)
    while at < end:
        kinds = [kind for kind, _ in tokens[at : at + 3]]
        if len(kinds) < 3 or kinds[0] not in _TEXTS or kinds[1] != "op" or kinds[2] not in _TEXTS:
            raise _fault(f"{_shown(text)}: expected a label name, an operator and a label value")
        name, op, value = (one for _, one in tokens[at : at + 3])
        found.append(Matcher(name, MatchOp(op), value))
        at += 3
        if at < end:
            if tokens[at] != ("sign", ","):
                raise _fault(f"{_shown(text)}: expected a comma or close brace")
            at += 1
    return tuple(found)


_TEXTS: Final = frozenset({"quoted", "bare"})


def _utf8_tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at, end = 0, len(text.rstrip(SPACES))
    while at < end:
        token = _TOKEN.match(text, at, end)
        if token is None or token.lastgroup is None:
            raise _fault(f"{_shown(text)}: invalid input at character {at + 1}")
        kind = token.lastgroup
        found.append((kind, _unquoted(token[kind]) if kind == "quoted" else token[kind]))
        at = token.end()
    return found


def _unquoted(literal: str) -> str:
    """Return the text of a Go string in double quotes, which must be UTF-8."""
    body = literal[1:-1]
    if "\\" not in body and "\n" not in body:
        return body
    parts: list[bytes] = []
    begin = 0
    for escape in _ESCAPE.finditer(body):
        parts += (body[begin : escape.start()].encode(), _unescaped(escape, literal))
        begin = escape.end()
    parts.append(body[begin:].encode())
    try:
        return b"".join(parts).decode()
    except UnicodeDecodeError:
        raise _fault(f"{_shown(literal)}: invalid input") from None


def _unescaped(escape: re.Match[str], literal: str) -> bytes:
    letter, byte, octal, short, long = escape.groups()
    if letter is not None:
        return bytes((_LETTERS[letter],))
    if byte is not None:
        return bytes((int(byte, 16),))
    if octal is not None and int(octal, 8) <= _BYTE_AT_MOST:
        return bytes((int(octal, 8),))
    code = int(short or long or "110000", 16)
    if code in _SURROGATES or code >= _CODE_POINTS:
        raise _fault(f"{_shown(literal)}: invalid input")
    return chr(code).encode()


_SHOWN_AT_MOST: Final = 200


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN_AT_MOST else text[:_SHOWN_AT_MOST] + "…"


def _fault(message: str) -> PharosError:
    return PharosError(Kind.INVALID, message)
