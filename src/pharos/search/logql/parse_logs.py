"""Selectors and what lines go through: `{app="web"} |= "error" | json | status >= 500`."""

from __future__ import annotations

from typing import Final

from pharos.errors import PharosError
from pharos.gotext.numbers import parse_float
from pharos.gotext.quoting import quote
from pharos.search.logql.addresses import parse_address
from pharos.search.logql.ast import (
    Address,
    AddressFilter,
    BothFilters,
    Decolorize,
    EitherFilter,
    Extraction,
    JsonParser,
    LabelChange,
    LabelFilter,
    LabelFormat,
    LineFilter,
    LineFormat,
    LineOp,
    LogfmtParser,
    Matcher,
    MatchOp,
    NumberFilter,
    PatternParser,
    RegexpParser,
    Selection,
    Stage,
    UnpackParser,
)
from pharos.search.logql.captures import check_filter_pattern, parse_captures
from pharos.search.logql.cursor import Cursor, is_label_name
from pharos.search.logql.json_paths import parse_path
from pharos.search.logql.lex import BYTES, DURATION, EOF, FLAG, IDENTIFIER, NUMBER, STRING
from pharos.search.logql.regexes import capture_names, compile_pattern
from pharos.search.logql.templates import check_template
from pharos.search.logql.units import parse_bytes, parse_query_duration

ERROR_LABEL: Final = "__error__"
_LINE_OPS: Final = {op.value: op for op in LineOp}
_MATCH_OPS: Final = {op.value: op for op in MatchOp}
_ORDERS: Final = frozenset({">", ">=", "<", "<=", "=", "==", "!="})
_COMPARISONS: Final = _ORDERS | {"=~", "!~"}


def parse_matchers(cursor: Cursor) -> tuple[Matcher, ...]:
    """Return the matchers in braces. Raises PharosError(INVALID)."""
    opening = cursor.expect("{", "{")
    found: list[Matcher] = []
    while cursor.kind != "}":
        found.append(_matcher(cursor))
        if not cursor.accept(","):
            break
    cursor.expect("}", ", or }")
    if all(one.matches("") for one in found):
        raise cursor.error(
            opening.start,
            "queries require at least one regexp or equality matcher that does not have an empty-compatible"
            " value",
            hint='for instance, app=~".*" does not meet this requirement, but app=~".+" will',
        )
    return tuple(found)


def _matcher(cursor: Cursor) -> Matcher:
    name = cursor.name()
    op = _MATCH_OPS.get(cursor.kind)
    if op is None:
        raise cursor.unexpected("= or != or =~ or !~")
    cursor.advance()
    return Matcher(name, op, _pattern_or_text(cursor, op))


def _pattern_or_text(cursor: Cursor, op: MatchOp) -> str:
    start = cursor.token.start
    text = cursor.string()
    if op in {MatchOp.REGEX, MatchOp.NOT_REGEX}:
        _compile(cursor, start, text)
    return text


def _compile(cursor: Cursor, start: int, pattern: str) -> None:
    try:
        compile_pattern(pattern)
    except PharosError as exc:
        raise cursor.error(start, exc.message) from exc


def at_pipeline(cursor: Cursor) -> bool:
    """Return whether a stage begins here."""
    return cursor.kind == "|" or cursor.kind in _LINE_OPS


def parse_stages(cursor: Cursor) -> tuple[Stage, ...]:
    """Return the stages that follow, up to `unwrap` or to what is none. Raises PharosError(INVALID)."""
    stages: list[Stage] = []
    while at_pipeline(cursor):
        if cursor.kind == "|":
            if cursor.following().text.lower() == "unwrap" and cursor.following().kind == IDENTIFIER:
                break
            cursor.advance()
            stages.append(_stage(cursor))
        else:
            stages.append(_line_filter(cursor))
    return tuple(stages)


def _line_filter(cursor: Cursor) -> LineFilter:
    op = _LINE_OPS[cursor.advance().kind]
    values = [_line_value(cursor, op)]
    while cursor.accept_word("or"):
        values.append(_line_value(cursor, op))
    return LineFilter(op, tuple(values))


def _line_value(cursor: Cursor, op: LineOp) -> str | Address:
    start = cursor.token.start
    if cursor.is_word("ip"):
        if op not in {LineOp.CONTAINS, LineOp.CONTAINS_NOT}:
            raise cursor.error(start, f"ip() cannot follow {op.value}", hint="use |= ip(...) or != ip(...)")
        return _address(cursor)
    text = cursor.string('a string or ip("...")')
    if op in {LineOp.MATCHES, LineOp.MATCHES_NOT}:
        _compile(cursor, start, text)
    elif op in {LineOp.PATTERN, LineOp.PATTERN_NOT}:
        _told(cursor, start, lambda: check_filter_pattern(text))
    return text


def _address(cursor: Cursor) -> Address:
    cursor.advance()
    cursor.expect("(", "(")
    start = cursor.token.start
    text = cursor.string("an address, a range or a network as string")
    cursor.expect(")", ")")
    _told(cursor, start, lambda: parse_address(text))
    return Address(text)


def _told(cursor: Cursor, start: int, check: object) -> None:
    """Call a check; what it raises is told with its place in the query."""
    try:
        check()  # type: ignore[operator]
    except PharosError as exc:
        raise cursor.error(start, exc.message, hint=exc.hint) from exc


def _stage(cursor: Cursor) -> Stage:
    if cursor.kind == IDENTIFIER and cursor.following().kind not in _COMPARISONS:
        word = cursor.word
        reader = _STAGES.get(word)
        if reader is not None:
            cursor.advance()
            return reader(cursor)
        if word == "distinct":
            raise cursor.error(cursor.token.start, "distinct is no stage of LogQL any more")
    if cursor.kind not in {IDENTIFIER, "("}:
        raise cursor.unexpected(f"a label filter or one of {', '.join(_STAGES)}")
    return parse_label_filter(cursor)


def _json(cursor: Cursor) -> Stage:
    return JsonParser(_extractions(cursor, parse_path))


def _logfmt(cursor: Cursor) -> Stage:
    flags = set()
    while flag := cursor.accept(FLAG):
        if flag.text not in {"--strict", "--keep-empty"}:
            raise cursor.error(
                flag.start, f"{flag.text} is no flag of logfmt", hint="--strict or --keep-empty"
            )
        flags.add(flag.text)
    found = _extractions(cursor, None)
    return LogfmtParser(found, strict="--strict" in flags, keep_empty="--keep-empty" in flags)


def _extractions(cursor: Cursor, check: object) -> tuple[Extraction, ...]:
    found: list[Extraction] = []
    while cursor.kind == IDENTIFIER and not cursor.is_word("offset"):
        label, start = cursor.name(), cursor.token.start
        expression = label
        if cursor.accept("="):
            start = cursor.token.start
            expression = cursor.string()
        if callable(check):
            _told(cursor, start, lambda path=expression: check(path))
        elif not expression.strip() or any(char in ' ="' for char in expression):
            raise cursor.error(start, f"{quote(expression)} is no key of logfmt")
        found.append(Extraction(label, expression))
        if not cursor.accept(","):
            break
    return tuple(found)


def _regexp(cursor: Cursor) -> Stage:
    start = cursor.token.start
    text = cursor.string()
    _compile(cursor, start, text)
    names = capture_names(text)
    if not names:
        raise cursor.error(
            start, "at least one named capture must be supplied", hint="name one as in (?P<method>\\w+)"
        )
    for name in names:
        if not is_label_name(name):
            raise cursor.error(start, f"invalid extracted label name '{name}'")
        if names.count(name) > 1:
            raise cursor.error(start, f"duplicate extracted label name '{name}'")
    return RegexpParser(text)


def _pattern(cursor: Cursor) -> Stage:
    start = cursor.token.start
    text = cursor.string()
    _told(cursor, start, lambda: parse_captures(text))
    return PatternParser(text)


def _line_format(cursor: Cursor) -> Stage:
    start = cursor.token.start
    text = cursor.string()
    _told(cursor, start, lambda: check_template(text))
    return LineFormat(text)


def _label_format(cursor: Cursor) -> Stage:
    changes: list[LabelChange] = []
    while True:
        start = cursor.token.start
        name = cursor.name()
        if name == ERROR_LABEL:
            raise cursor.error(start, f"{name} cannot be formatted")
        if any(one.name == name for one in changes):
            raise cursor.error(
                start, f"multiple label name '{name}' not allowed in a single format operation"
            )
        cursor.expect("=", "=")
        if cursor.kind == STRING:
            start = cursor.token.start
            text = cursor.string()
            _told(cursor, start, lambda text=text: check_template(text))
            changes.append(LabelChange(name, text, is_rename=False))
        else:
            changes.append(LabelChange(name, cursor.name("a label name or a string"), is_rename=True))
        if not cursor.accept(","):
            return LabelFormat(tuple(changes))


def _drop(cursor: Cursor) -> Stage:
    return Selection(True, _selected(cursor))


def _keep(cursor: Cursor) -> Stage:
    return Selection(False, _selected(cursor))


def _selected(cursor: Cursor) -> tuple[str | Matcher, ...]:
    found: list[str | Matcher] = []
    while True:
        if cursor.following().kind in _MATCH_OPS:
            found.append(_matcher(cursor))
        else:
            found.append(cursor.name())
        if not cursor.accept(","):
            return tuple(found)


def _unpack(cursor: Cursor) -> Stage:  # noqa: ARG001
    return UnpackParser()


def _decolorize(cursor: Cursor) -> Stage:  # noqa: ARG001
    return Decolorize()


_STAGES: Final = {
    "json": _json,
    "logfmt": _logfmt,
    "pattern": _pattern,
    "regexp": _regexp,
    "unpack": _unpack,
    "line_format": _line_format,
    "label_format": _label_format,
    "drop": _drop,
    "keep": _keep,
    "decolorize": _decolorize,
}


# --- label filters


def parse_label_filter(cursor: Cursor) -> LabelFilter:
    """Return a label filter; `and` and the comma bind closer than `or`. Raises PharosError(INVALID)."""
    found = _both(cursor)
    while cursor.accept_word("or"):
        cursor.join()
        found = EitherFilter(found, _both(cursor))
    return found


def _both(cursor: Cursor) -> LabelFilter:
    found = _single(cursor)
    while cursor.accept_word("and") or cursor.accept(",") or _at_filter(cursor):
        cursor.join()
        found = BothFilters(found, _single(cursor))
    return found


def _at_filter(cursor: Cursor) -> bool:
    """Return whether another filter follows at once, which must be met too."""
    if cursor.kind == "(":
        return True
    return cursor.kind == IDENTIFIER and not cursor.is_word("or") and cursor.following().kind in _COMPARISONS


def _single(cursor: Cursor) -> LabelFilter:
    if cursor.accept("("):
        cursor.deeper()
        found = parse_label_filter(cursor)
        cursor.expect(")", ")")
        cursor.higher()
        return found
    name = cursor.name()
    op = cursor.kind
    if op not in _COMPARISONS:
        raise cursor.unexpected("a comparison")
    cursor.advance()
    if cursor.kind == STRING:
        if op not in _MATCH_OPS:
            raise cursor.error(cursor.token.start, f"{op} compares numbers", hint="take the quotes away")
        match_op = _MATCH_OPS[op]
        return Matcher(name, match_op, _pattern_or_text(cursor, match_op))
    if cursor.is_word("ip"):
        if op not in {"=", "!="}:
            raise cursor.error(cursor.token.start, f"ip() cannot follow {op}", hint="use = or !=")
        return AddressFilter(name, op == "!=", _address(cursor))
    if op not in _ORDERS:
        raise cursor.unexpected("a string")
    return _number_filter(cursor, name, "==" if op == "=" else op)


def _number_filter(cursor: Cursor, name: str, op: str) -> NumberFilter:
    sign = ""
    if cursor.kind in {"-", "+"}:
        sign = cursor.advance().kind
    token = cursor.token
    factor = -1 if sign == "-" else 1
    if token.kind == NUMBER:
        return NumberFilter(name, op, factor * read_number(cursor), "number", sign + token.text)
    if token.kind in {DURATION, BYTES}:
        cursor.advance()
        read = parse_query_duration if token.kind == DURATION else parse_bytes
        try:
            amount = read(token.text)
        except PharosError as exc:
            raise cursor.error(token.start, exc.message) from exc
        return NumberFilter(name, op, factor * amount, token.kind, sign + token.text)
    if token.kind == EOF:
        raise cursor.unexpected("a string, a number, a duration or a size")
    raise cursor.unexpected("a number, a duration or a size")


def read_number(cursor: Cursor) -> float:
    """Return the number that stands here. Raises PharosError(INVALID)."""
    token = cursor.expect(NUMBER, "a number")
    try:
        is_hex = token.text[:2].lower() == "0x"
        return float(int(token.text, 16)) if is_hex else parse_float(token.text)
    except (PharosError, OverflowError) as exc:
        raise cursor.error(token.start, f"{token.text[:80]} does not fit into 64 bits") from exc
