"""Parsers: what makes labels of a line. One that fails lets the line go on with `__error__`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, Final, TypeAlias

import orjson

from pharos.gotext.quoting import valid_text
from pharos.search.logql import captures
from pharos.search.logql.ast import (
    Extraction,
    JsonParser,
    LogfmtParser,
    PatternParser,
    RegexpParser,
    UnpackParser,
)
from pharos.search.logql.json_paths import Path, parse_path
from pharos.search.logql.line import Line
from pharos.search.logql.regexes import compile_pattern, plain

Step: TypeAlias = Callable[[Line], bool]
"""Changes a line and returns whether it goes on."""
Wanted: TypeAlias = frozenset[str] | None
"""Labels that anybody asks for; None for all."""

JSON_ERROR: Final = "JSONParserErr"
LOGFMT_ERROR: Final = "LogfmtParserErr"
_OTHER: Final = re.compile(r"[^A-Za-z0-9_]")
_MAX_DEPTH: Final = 64


@lru_cache(maxsize=20_000)
def label_name(key: str, *, starts: bool = True) -> str:
    """Return a key as a label's name: other characters become `_`, and one stands before a first digit."""
    name = key.strip()
    if not name:
        return ""
    if starts and name[0] in "0123456789":
        name = "_" + name
    return name if name.isidentifier() and name.isascii() else _OTHER.sub("_", name)


# --- escapes

_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


def _unescaped(found: re.Match[str]) -> str:
    code, char = found.groups()
    return chr(int(code, 16)) if code else _ESCAPED.get(char, char)


def _without_escapes(text: str) -> str:
    """Return a text with what its escapes stand for: two may be one character, half of such a pair none."""
    if "\\" not in text:
        return text
    return valid_text(_ESCAPE.sub(_unescaped, text))


# --- json


class _Written(str):
    """A number as it was written."""

    __slots__ = ()


def _refuse(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


class _Object(list[Any]):
    """The pairs of an object, apart from the items of an array."""

    __slots__ = ()


_DECODER: Final = json.JSONDecoder(
    parse_float=_Written, parse_int=_Written, parse_constant=_refuse, object_pairs_hook=_Object, strict=False
)


def _load(text: str) -> _Object:
    """Return the pairs of a JSON object. Raises ValueError, RecursionError."""
    body = text.lstrip(" \t\r\n")
    if not body.startswith("{"):
        raise ValueError("expecting json object, but it is not")
    found, _ = _DECODER.raw_decode(body)
    return found  # type: ignore[no-any-return]  # it begins with a brace


def _scalar(value: object) -> str | None:
    """Return a value as a label has it; None for arrays, objects and null."""
    if isinstance(value, str):
        return value.replace("\ufffd", " ")
    if isinstance(value, bool):
        return "true" if value else "false"
    return None


def _flatten(line: Line, pairs: _Object, prefix: str, depth: int, wanted: Wanted) -> None:
    for key, value in pairs:
        if type(value) is _Object:
            if depth < _MAX_DEPTH:
                name = label_name(key, starts=not prefix)
                _flatten(line, value, f"{prefix}_{name}" if prefix else name, depth + 1, wanted)
            continue
        name = label_name(key, starts=not prefix)
        if prefix:
            name = f"{prefix}_{name}"
        if not name or (wanted is not None and name not in wanted):
            continue
        scalar = _scalar(value)
        if scalar is not None:
            line.parse(name, scalar)


def _json_all(wanted: Wanted, line: Line) -> bool:
    try:
        pairs = _load(line.text)
    except (ValueError, RecursionError) as exc:
        line.fail(JSON_ERROR, str(exc))
        return True
    _flatten(line, pairs, "", 0, wanted)
    return True


def _json_paths(extractions: tuple[Extraction, ...]) -> Step:
    paths = [(one.label, parse_path(one.expression)) for one in extractions]

    def step(line: Line) -> bool:
        if not line.text:
            return True
        try:
            pairs = _load(line.text)
        except (ValueError, RecursionError) as exc:
            line.fail(JSON_ERROR, str(exc))
            return True
        for label, path in paths:
            line.extract(label, _text_of(_follow(pairs, path)))
        return True

    return step


def _text_of(value: object) -> str:
    """Return a value as a label has it; arrays and objects as JSON."""
    if value is None:
        return ""
    scalar = _scalar(value)
    if scalar is not None:
        return scalar
    try:
        return _compact(value)
    except RecursionError:
        return ""


def _follow(value: object, path: Path) -> object:
    for step in path:
        if isinstance(step, int):
            if type(value) is not list or step >= len(value):
                return None
            value = value[step]
        else:
            if type(value) is not _Object:
                return None
            value = next((one for key, one in reversed(value) if key == step), None)
    return value


def _compact(value: object) -> str:
    """Return an array or an object as JSON text without blanks, numbers as they were written."""
    if type(value) is _Object:
        return "{" + ",".join(f"{_quoted(key)}:{_compact(one)}" for key, one in value) + "}"
    if type(value) is list:
        return "[" + ",".join(map(_compact, value)) + "]"
    if isinstance(value, _Written):
        return str(value)
    if isinstance(value, str):
        return _quoted(value)
    return "null" if value is None else "true" if value else "false"


def _quoted(text: str) -> str:
    return orjson.dumps(plain(text)).decode()


def _unpack(line: Line) -> bool:
    if not line.text:
        return True
    try:
        pairs = _load(line.text)
    except (ValueError, RecursionError) as exc:
        line.fail(JSON_ERROR, str(exc))
        return True
    texts = [(key, value) for key, value in pairs if isinstance(value, str) and type(value) is not _Written]
    entries = [value for key, value in texts if key == "_entry"]
    if not entries:
        return True  # nobody packed it
    for key, value in texts:
        if key != "_entry" and (name := label_name(key)):
            line.parse(name, value)
    line.text = entries[-1]
    return True


# --- logfmt

_PAIR: Final = re.compile(
    r"[\x00-\x20]*(?:(?P<key>[^\x00-\x20=\"\ufffd]+)"
    r"(?:=\"(?P<quoted>(?:[^\"\\]|\\(?:[\"\\/'bfnrt]|u[0-9a-fA-F]{4}))*)\""
    r"|(?:=(?P<bare>[^\x00-\x20=\"]*))?(?=[\x00-\x20]|\Z))"
    r"|(?P<bad>[^\x00-\x20]+))",
    re.DOTALL,
)
"""Behind a value in quotes another key may stand at once; what is none ends at the next blank."""
_BLANKS: Final = "".join(map(chr, range(33)))


def _pairs_of(line: Line, *, strict: bool) -> list[tuple[str, str]]:
    """Return keys and values of a line; what is none is left out, and with `strict` ends it."""
    found: list[tuple[str, str]] = []
    for match in _PAIR.finditer(line.text.rstrip(_BLANKS)):
        if match["bad"] is not None:
            if strict:
                place = match.start("bad") + 1
                line.fail(LOGFMT_ERROR, f"logfmt syntax error at pos {place} on line 1: unexpected character")
                return found
            continue
        quoted = match["quoted"]
        value = match["bare"] or "" if quoted is None else quoted
        if quoted is not None and "\\" in quoted:
            value = _without_escapes(quoted)
        found.append((match["key"], value.replace("\ufffd", " ")))
    return found


def _logfmt_all(stage: LogfmtParser, wanted: Wanted) -> Step:
    def step(line: Line) -> bool:
        for key, value in _pairs_of(line, strict=stage.strict):
            name = label_name(key)
            if name and (value or stage.keep_empty) and (wanted is None or name in wanted):
                line.parse(name, value)
        return True

    return step


def _logfmt_keys(stage: LogfmtParser) -> Step:
    def step(line: Line) -> bool:
        values = {label_name(key): value for key, value in _pairs_of(line, strict=stage.strict)}
        for one in stage.extractions:
            value = values.get(label_name(one.expression))
            if value is not None or one.label not in line.entry.stream.labels:
                line.extract(one.label, value or "")
        return True

    return step


# --- regexp and pattern


def _regexp(stage: RegexpParser) -> Step:
    compiled = compile_pattern(stage.pattern)
    names = [
        (name.decode() if isinstance(name, bytes) else str(name), place)
        for name, place in compiled.groupindex.items()
    ]

    def step(line: Line) -> bool:
        found = compiled.search(plain(line.text))
        if found is not None:
            for name, place in names:
                line.parse(name, found.group(place) or "")
        return True

    return step


def _pattern(stage: PatternParser) -> Step:
    parts = captures.parse_captures(stage.pattern)

    def step(line: Line) -> bool:
        for name, value in captures.capture(parts, line.text):
            line.parse(name, value)
        return True

    return step


def parser_step(
    stage: JsonParser | LogfmtParser | RegexpParser | PatternParser | UnpackParser, wanted: Wanted = None
) -> Step:
    """Return what a parser does to a line; `wanted` are the labels that anybody asks for, None for all."""
    if isinstance(stage, JsonParser):
        return _json_paths(stage.extractions) if stage.extractions else partial(_json_all, wanted)
    if isinstance(stage, LogfmtParser):
        return _logfmt_keys(stage) if stage.extractions else _logfmt_all(stage, wanted)
    if isinstance(stage, RegexpParser):
        return _regexp(stage)
    if isinstance(stage, PatternParser):
        return _pattern(stage)
    return _unpack
