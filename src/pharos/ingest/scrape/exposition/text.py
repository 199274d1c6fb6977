"""The long way: one series text, comment or exemplar of a text page, read with all its checks.

Only what the compiled pass did not know comes here. Grammar and leniency are those of Prometheus' two lexers
(model/textparse): in text 0.0.4 blanks may stand between tokens and quoted names are allowed; in OpenMetrics
nothing may stand between them.
"""

from __future__ import annotations

import math
import re
from typing import Final

from msgspec import Struct

from pharos.errors import Kind, PharosError
from pharos.gotext.numbers import format_open_metrics, parse_float
from pharos.labels import LEGACY_LABEL_NAME, LEGACY_METRIC_NAME, METRIC_NAME

_QUOTED = re.compile(r'"((?:\\.|[^\\"])*)"', re.DOTALL)
_QUOTED_LINE = re.compile(r'"((?:\\.|[^\\"\n])*)"')
_BLANKS = re.compile(r"[ \t]*")
_VALUE: Final = r'"[^"\\\n]*"'
_PLAIN = re.compile(
    rf"({LEGACY_METRIC_NAME.pattern})(?:\{{((?:{LEGACY_LABEL_NAME.pattern}={_VALUE},?)*)\}})?"
)
_PLAIN_LABEL = re.compile(rf'({LEGACY_LABEL_NAME.pattern})="([^"\\\n]*)"(,?)')
_NEVER_IN_NUMBER: Final = frozenset("pP_")
_ESCAPES: Final = {'\\"': '"', "\\\\": "\\", "\\n": "\n"}
_ESCAPED = re.compile(r'\\["\\n]')
_HELP_ESCAPED = re.compile(r"\\[\\n]")

TEXT_TYPES: Final = frozenset({"counter", "gauge", "histogram", "summary", "untyped"})
STRICT_TYPES: Final = frozenset(
    {"counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset", "unknown"}
)
_EXCERPT: Final = 80


class Note(Struct, frozen=True):
    """One HELP, TYPE or UNIT line: `word` says which, `text` is unescaped."""

    word: str
    family: str
    text: str


class Exemplar(Struct, frozen=True):
    """One exemplar; `time_ms` is None if the page gave none."""

    labels: tuple[tuple[str, str], ...]
    value: float
    time_ms: int | None


class RepeatedLabelError(PharosError):
    """A series names a label twice: upstream reads it as a sample, and refuses it later."""


def refuse(reason: str, text: str | bytes) -> PharosError:
    """Return the error for a page that cannot be read, with an excerpt of the offending line."""
    shown = text.decode(errors="replace") if isinstance(text, bytes) else text
    shown = shown if len(shown) <= _EXCERPT else shown[:_EXCERPT] + "..."
    return PharosError(Kind.INVALID, f"{reason} while parsing: {shown!r}")


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0]], text) if "\\" in text else text


def _decode(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise refuse("invalid UTF-8", text) from None


def parse_series(text: bytes, strict: bool) -> list[tuple[str, str]]:
    """Return the (name, value) pairs of a series text, `__name__` first, in the order they were written.

    Raises PharosError(INVALID) for what Prometheus would refuse, RepeatedLabelError for a repeated label
    name.
    """
    source = _decode(text)
    plain = _PLAIN.fullmatch(source)
    if plain is not None:
        pairs = [(METRIC_NAME, plain[1])]
        body = plain[2]
        if body:
            found = _PLAIN_LABEL.findall(body)
            # A comma may be left out only after the last label, unless the page is lenient text.
            if strict and any(not comma for _, _, comma in found[:-1]):
                raise refuse("expected a comma or the closing brace", source)
            pairs += [(name, value) for name, value, _ in found]
    else:
        pairs = _Reader(source, strict).series()
    if len({name for name, _ in pairs}) != len(pairs):
        raise RepeatedLabelError(Kind.INVALID, refuse("a label name is not unique", source).message)
    return pairs


class _Reader:
    """A hand-written reader for the rarer spellings: blanks, escapes, quoted names."""

    def __init__(self, source: str, strict: bool) -> None:
        self._source = source
        self._strict = strict
        self._pos = 0
        self._quoted = _QUOTED_LINE if strict else _QUOTED

    def series(self) -> list[tuple[str, str]]:
        """Return the pairs of a whole series text."""
        name = None
        found = LEGACY_METRIC_NAME.match(self._source)
        if found is not None:
            name = found[0]
            self._pos = found.end()
        self._skip()
        pairs: list[tuple[str, str]] = []
        if self._take("{"):
            name, pairs = self.braces(name, exemplar=False)
        if self._pos != len(self._source):
            raise refuse("expected a valid metric name", self._source)
        if name is None:
            raise refuse("metric name not set", self._source)
        return [(METRIC_NAME, name), *pairs]

    def braces(self, name: str | None, *, exemplar: bool) -> tuple[str | None, list[tuple[str, str]]]:
        """Return (metric name, pairs) of what stands between braces, the first brace read already."""
        pairs: list[tuple[str, str]] = []
        while True:
            self._skip()
            if self._take("}"):
                return name, pairs
            quoted = self._source[self._pos : self._pos + 1] == '"'
            word = self._string() if quoted else self._label()
            self._skip()
            if quoted and not exemplar and self._source[self._pos : self._pos + 1] in {",", "}"}:
                if name is not None:
                    raise refuse("metric name already set", self._source)
                name = word
                self._take(",")
                continue
            if not self._take("="):
                raise refuse("expected an equal sign", self._source)
            self._skip()
            pairs.append((word, self._string()))
            self._skip()
            if not self._take(",") and self._strict and self._source[self._pos : self._pos + 1] != "}":
                raise refuse("expected a comma or the closing brace", self._source)

    def rest(self) -> str:
        """Return what was not read yet."""
        return self._source[self._pos :]

    def _skip(self) -> None:
        if not self._strict:
            found = _BLANKS.match(self._source, self._pos)
            self._pos = found.end() if found is not None else self._pos

    def _take(self, token: str) -> bool:
        if self._source.startswith(token, self._pos):
            self._pos += len(token)
            return True
        return False

    def _label(self) -> str:
        found = LEGACY_LABEL_NAME.match(self._source, self._pos)
        if found is None:
            raise refuse("expected a label name", self._source)
        self._pos = found.end()
        return found[0]

    def _string(self) -> str:
        found = self._quoted.match(self._source, self._pos)
        if found is None:
            raise refuse("expected a quoted label value", self._source)
        self._pos = found.end()
        return _unescape(found[1])


def parse_note(text: bytes, strict: bool) -> Note | None:
    """Return the HELP, TYPE or UNIT line whose text (from that word on) is given; None for UNIT in text
    0.0.4.

    Raises PharosError(INVALID) for a type that does not exist, a missing name, a unit that does not end the
    name.
    """
    source = _decode(text)
    word, rest = source[:4], source[5:] if strict else source[4:].lstrip(" \t")
    if word == "UNIT" and not strict:
        return None
    quoted = _QUOTED.match(rest)
    found = quoted or LEGACY_METRIC_NAME.match(rest)
    if found is None:
        raise refuse(f"expected a metric name after {word}", source)
    family = found[1] if quoted else found[0]
    tail = rest[found.end() :]
    if tail[:1] not in {" ", "\t", ""} or (strict and tail[:1] != " "):
        raise refuse(f"expected text in {word}", source)
    tail = tail[1:] if strict or word == "HELP" else tail.strip(" \t")
    if word == "TYPE" and tail not in (STRICT_TYPES if strict else TEXT_TYPES):
        raise refuse(f"invalid metric type {tail!r}", source)
    if word == "HELP":
        escaped = _ESCAPED if strict else _HELP_ESCAPED
        tail = escaped.sub(lambda one: _ESCAPES[one[0]], tail) if "\\" in tail else tail
    if word == "UNIT" and tail and not family.endswith("_" + tail):
        raise refuse(f"unit {tail!r} not a suffix of metric {family!r}", source)
    return Note(word, family, tail)


def parse_exemplar(text: bytes) -> Exemplar:
    """Return the exemplar whose text, from its opening brace to the end of the line, is given (OpenMetrics
    1.0).

    Raises PharosError(INVALID) for anything that is not `{labels} value [seconds]`.
    """
    source = _decode(text)
    reader = _Reader(source[1:], strict=True)
    _, pairs = reader.braces(None, exemplar=True)
    parts = reader.rest().split(" ")
    if len(parts) not in {2, 3} or parts[0]:
        raise refuse("expected a value after the exemplar's labels", source)
    value = read_number(parts[1], source)
    if len(parts) == 2:
        return Exemplar(tuple(sorted(pairs)), value, None)
    seconds = read_number(parts[2], source)
    if not math.isfinite(seconds) or abs(seconds) > 9e15:
        raise refuse("invalid exemplar timestamp", source)
    return Exemplar(tuple(sorted(pairs)), value, int(seconds * 1000))


def read_number(text: str, source: str | bytes) -> float:
    """Return the number that `text` spells, for the cases that compiled code left open.

    Raises PharosError(INVALID), with an excerpt of `source`, for no number and for one past the range of
    float64.
    """
    # Upstream's lexers take no hexadecimal and no underscores, which ParseFloat would (textparse parseFloat).
    if not _NEVER_IN_NUMBER.isdisjoint(text):
        raise refuse(f"{text[:40]!r} is not a number", source)
    try:
        return parse_float(text)
    except PharosError:
        raise refuse(f"{text[:40]!r} is not a number, or past the range of float64", source) from None


def canonical_bound(value: str) -> str:
    """Return a bucket's bound or quantile as Prometheus 3 stores it: `1` becomes `1.0`, `1e3` becomes
    `1000.0`, `1000000` `1e+06`.

    Text that is no number stays (model/textparse normalizeFloatsInLabelValues, OpenMetrics' canonical
    numbers).
    """
    try:
        return format_open_metrics(parse_float(value))
    except PharosError:
        return value
