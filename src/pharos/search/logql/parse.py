"""LogQL read by recursive descent (Loki's grammar: pkg/logql/syntax), errors with their place."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from pharos.errors import PharosError
from pharos.gotext.quoting import quote
from pharos.search.logql.ast import (
    Binary,
    ConstantVector,
    Grouping,
    LabelFilter,
    LabelReplace,
    Literal,
    Logs,
    Matching,
    Metric,
    Query,
    RangeAggregation,
    Unwrap,
    VectorAggregation,
)
from pharos.search.logql.cursor import Cursor
from pharos.search.logql.faults import parse_error
from pharos.search.logql.lex import DURATION, EOF, IDENTIFIER, NUMBER, RANGE
from pharos.search.logql.parse_logs import (
    at_pipeline,
    parse_label_filter,
    parse_matchers,
    parse_stages,
    read_number,
)
from pharos.search.logql.regexes import compile_pattern
from pharos.search.logql.units import parse_query_duration

_GROUPED: Final = frozenset(
    {
        "avg_over_time",
        "stddev_over_time",
        "stdvar_over_time",
        "quantile_over_time",
        "max_over_time",
        "min_over_time",
        "first_over_time",
        "last_over_time",
    }
)
"""Range aggregations that take a grouping of their own."""
_OF_LINES: Final = frozenset({"count_over_time", "rate", "bytes_over_time", "bytes_rate", "absent_over_time"})
"""Those that need no `unwrap`."""
_OF_VALUES: Final = _GROUPED | {"sum_over_time", "rate", "rate_counter", "absent_over_time"}
RANGE_AGGREGATIONS: Final = _OF_LINES | _OF_VALUES
_RANKED: Final = frozenset({"topk", "bottomk", "approx_topk"})
_SORTED: Final = frozenset({"sort", "sort_desc"})
VECTOR_AGGREGATIONS: Final = (
    frozenset({"sum", "avg", "min", "max", "count", "stddev", "stdvar"}) | _RANKED | _SORTED
)
_PRECEDENCE: Final = {
    "or": 1,
    "and": 2,
    "unless": 2,
    **dict.fromkeys(("==", "!=", ">", ">=", "<", "<="), 3),
    "+": 4,
    "-": 4,
    "*": 5,
    "/": 5,
    "%": 5,
    "^": 6,
}
COMPARISONS: Final = frozenset({"==", "!=", ">", ">=", "<", "<="})
SET_OPERATORS: Final = frozenset({"and", "or", "unless"})
_CONVERSIONS: Final = frozenset({"duration", "duration_seconds", "bytes"})
_MAX_CHARACTERS: Final = 128 << 10


@lru_cache(maxsize=256)
def parse_query(text: str) -> Query:
    """Return what a query says. Raises PharosError(INVALID) with the place of what is wrong."""
    if len(text) > _MAX_CHARACTERS:
        raise parse_error(text, 0, f"the query is longer than {_MAX_CHARACTERS} characters")
    cursor = Cursor(text)
    if cursor.kind == EOF:
        raise cursor.unexpected("a stream selector or a metric")
    found = _expression(cursor, 0)
    if isinstance(found, Logs) and at_pipeline(cursor):
        # Of the stages this one alone is left where it stands.
        raise cursor.error(
            cursor.token.start,
            "unwrap makes numbers, which a query of lines has no place for",
            hint='as in sum_over_time({app="web"} | unwrap took [5m])',
        )
    if cursor.kind != EOF:
        raise cursor.unexpected("" if isinstance(found, Logs) else "an operator or the end")
    return found


def parse_logs(text: str) -> Logs:
    """Return a selector with its stages. Raises PharosError(INVALID) for what is none."""
    found = parse_query(text)
    if not isinstance(found, Logs):
        raise parse_error(text, 0, "only log queries can be asked here", hint='write a selector: {app="web"}')
    return found


def _expression(cursor: Cursor, least: int) -> Query:
    left = _operand(cursor)
    while True:
        op = cursor.word or cursor.kind
        rank = _PRECEDENCE.get(op)
        if rank is None or rank <= least:
            return left
        at = cursor.token.start
        if isinstance(left, Logs):
            raise cursor.error(
                at,
                f"unexpected type for left leg of binary operation ({op})",
                hint="aggregate the lines first",
            )
        cursor.join()
        cursor.advance()
        returns_bool = cursor.accept_word("bool")
        if returns_bool and op not in COMPARISONS:
            raise cursor.error(at, f"bool goes with comparisons only, not with {op}")
        matching = _matching(cursor, op)
        cursor.deeper()
        # ^ takes what stands right of it first.
        right = _expression(cursor, rank - 1 if op == "^" else rank)
        cursor.higher()
        if isinstance(right, Logs):
            raise cursor.error(
                at,
                f"unexpected type for right leg of binary operation ({op})",
                hint="aggregate the lines first",
            )
        left = _binary(cursor, at, Binary(op, left, right, matching, returns_bool))


def _binary(cursor: Cursor, at: int, found: Binary) -> Metric:
    if found.op in SET_OPERATORS:
        for side, what in ((found.left, "left"), (found.right, "right")):
            if isinstance(side, Literal):
                raise cursor.error(
                    at,
                    f"unexpected literal for {what} leg of logical/set binary operation ({found.op})",
                    hint="wrap the number as vector(1)",
                )
        if found.matching.group:
            raise cursor.error(at, f"no grouping allowed for {found.op} operations")
    return found


def _matching(cursor: Cursor, op: str) -> Matching:  # noqa: ARG001
    if not cursor.is_word("on", "ignoring"):
        return Matching()
    on = cursor.accept_word("on")
    if not on:
        cursor.advance()
    names = cursor.names()
    group = ""
    include: tuple[str, ...] = ()
    if cursor.is_word("group_left", "group_right"):
        group = cursor.word.removeprefix("group_")
        cursor.advance()
        if cursor.kind == "(":
            include = cursor.names()
    return Matching(names, on, group, include, is_written=True)


def _operand(cursor: Cursor) -> Query:
    cursor.deeper()
    try:
        return _primary(cursor)
    finally:
        cursor.higher()


def _primary(cursor: Cursor) -> Query:
    if cursor.kind == "{":
        return Logs(parse_matchers(cursor), parse_stages(cursor))
    if cursor.accept("("):
        found = _expression(cursor, 0)
        cursor.expect(")", ")")
        if isinstance(found, Logs) and at_pipeline(cursor):
            return Logs(found.matchers, found.stages + parse_stages(cursor))
        return found
    if cursor.kind in {"-", "+", NUMBER}:
        return Literal(_signed_number(cursor))
    if cursor.kind == IDENTIFIER:
        return _call(cursor)
    raise cursor.unexpected("a stream selector, a metric or a number")


def _signed_number(cursor: Cursor) -> float:
    sign = -1.0 if cursor.kind == "-" else 1.0
    if cursor.kind in {"-", "+"}:
        cursor.advance()
    return sign * read_number(cursor)


def _call(cursor: Cursor) -> Metric:
    token, name = cursor.token, cursor.word
    if name in RANGE_AGGREGATIONS:
        cursor.advance()
        return _range_aggregation(cursor, name, token.start)
    if name in VECTOR_AGGREGATIONS:
        cursor.advance()
        return _vector_aggregation(cursor, name)
    if name == "label_replace":
        cursor.advance()
        return _label_replace(cursor)
    if name == "vector":
        cursor.advance()
        cursor.expect("(", "(")
        value = _signed_number(cursor)
        cursor.expect(")", ")")
        return ConstantVector(value)
    if name == "variants":
        raise cursor.error(
            token.start, "variants are experimental in Loki and not answered here", hint="ask one query each"
        )
    raise cursor.error(
        token.start,
        f"syntax error: unexpected {quote(token.text[:40])}",
        hint='a query begins with a selector such as {app="web"} or with a function such as rate(',
    )


def _range_aggregation(cursor: Cursor, name: str, at: int) -> Metric:
    cursor.expect("(", "(")
    parameter = None
    if name == "quantile_over_time":
        if cursor.kind not in {NUMBER, "-", "+"}:
            raise cursor.error(
                cursor.token.start,
                "parameter required for operation quantile_over_time",
                hint="write quantile_over_time(0.99, ...)",
            )
        parameter = _signed_number(cursor)
        cursor.expect(",", ",")
    elif cursor.kind == NUMBER:
        raise cursor.error(cursor.token.start, f"parameter {cursor.token.text} not supported for {name}")
    window = _Window(cursor)
    window.read()
    cursor.expect(")", ")")
    grouping = _grouping(cursor)
    if grouping is not None and name not in _GROUPED:
        raise cursor.error(
            at, f"grouping not allowed for {name} aggregation", hint=f"write sum by (...) ({name}(...))"
        )
    if window.unwrap is None and name not in _OF_LINES:
        raise cursor.error(
            at, f"invalid aggregation {name} without unwrap", hint="add | unwrap LABEL to the query"
        )
    if window.unwrap is not None and name not in _OF_VALUES:
        raise cursor.error(at, f"invalid aggregation {name} with unwrap")
    return RangeAggregation(
        name, window.logs, window.range_ns, window.offset_ns, window.unwrap, parameter, grouping
    )


class _Window:
    """Lines with a range, which may stand after the selector, its stages or `unwrap`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self.logs = Logs(())
        self.range_ns = -1
        self.offset_ns = 0
        self.unwrap: Unwrap | None = None

    def read(self) -> None:
        """Read all of it. Raises PharosError(INVALID)."""
        cursor = self._cursor
        self._logs()
        if self.range_ns < 0:
            raise cursor.error(
                cursor.token.start,
                "syntax error: a range is missing",
                hint="write it behind the lines as [5m]",
            )

    def _logs(self) -> None:
        cursor = self._cursor
        if cursor.accept("("):
            cursor.deeper()
            self._logs()
            cursor.expect(")", ")")
            cursor.higher()
        elif cursor.kind == "{":
            self.logs = Logs(parse_matchers(cursor))
        else:
            raise cursor.unexpected("a stream selector")
        while True:
            if cursor.kind == RANGE and self.range_ns < 0:
                self._range()
            elif at_pipeline(cursor) and self.unwrap is None:
                self.logs = Logs(self.logs.matchers, self.logs.stages + parse_stages(cursor))
                if cursor.kind == "|":
                    cursor.advance()
                    self.unwrap = _unwrap(cursor)
            else:
                return

    def _range(self) -> None:
        cursor = self._cursor
        token = cursor.advance()
        text = token.text[1:-1].strip()
        self.range_ns = _duration(cursor, token.start, text)
        if self.range_ns <= 0:
            raise cursor.error(token.start, f"the range {token.text} is empty", hint="write it as [5m]")
        if cursor.accept_word("offset"):
            sign = -1 if cursor.accept("-") else 1
            at = cursor.token
            if at.kind != DURATION:
                raise cursor.unexpected("a duration")
            cursor.advance()
            self.offset_ns = sign * _duration(cursor, at.start, at.text)


def _duration(cursor: Cursor, at: int, text: str) -> int:
    try:
        return parse_query_duration(text)
    except PharosError as exc:
        raise cursor.error(at, exc.message, hint=exc.hint) from exc


def _unwrap(cursor: Cursor) -> Unwrap:
    cursor.advance()
    conversion = ""
    if cursor.kind == IDENTIFIER and cursor.following().kind == "(":
        conversion = cursor.word
        token = cursor.advance()
        if conversion not in _CONVERSIONS:
            raise cursor.error(
                token.start,
                f"{quote(token.text)} is no conversion of unwrap",
                hint="duration, duration_seconds or bytes",
            )
        cursor.advance()
        label = cursor.name()
        cursor.expect(")", ")")
    else:
        label = cursor.name()
    filters: list[LabelFilter] = []
    while cursor.accept("|"):
        if cursor.kind not in {IDENTIFIER, "("}:
            raise cursor.unexpected("a label filter")
        filters.append(parse_label_filter(cursor))
    return Unwrap(label, conversion, tuple(filters))


def _grouping(cursor: Cursor) -> Grouping | None:
    if not cursor.is_word("by", "without"):
        return None
    without = cursor.advance().text.lower() == "without"
    return Grouping(cursor.names(), without)


def _vector_aggregation(cursor: Cursor, name: str) -> Metric:
    grouping = _grouping(cursor)
    at = cursor.token.start
    cursor.expect("(", "(")
    parameter = 0
    if name in _RANKED:
        token = cursor.token
        number = _signed_number(cursor)
        if number < 1 or number != int(number):
            raise cursor.error(token.start, f"invalid parameter (must be greater than 0) {name}")
        parameter = int(number)
        cursor.expect(",", ",")
    start = cursor.token.start
    inner = _expression(cursor, 0)
    if isinstance(inner, Logs):
        raise cursor.error(
            start, f"{name} aggregates metrics, not lines", hint=f"write {name}(count_over_time(... [5m]))"
        )
    cursor.expect(")", "an operator or )")
    after = _grouping(cursor)
    if grouping is not None and after is not None:
        raise cursor.error(at, "a grouping stands before the parentheses or after them, not both")
    grouping = grouping or after
    if grouping is not None and name in _SORTED | {"approx_topk"}:
        raise cursor.error(at, f"grouping not allowed for {name} aggregation")
    return VectorAggregation(name, inner, grouping, parameter)


def _label_replace(cursor: Cursor) -> Metric:
    cursor.expect("(", "(")
    start = cursor.token.start
    inner = _expression(cursor, 0)
    if isinstance(inner, Logs):
        raise cursor.error(start, "label_replace changes metrics, not lines")
    texts = []
    for _ in range(4):
        cursor.expect(",", ",")
        start = cursor.token.start
        texts.append(cursor.string())
    target, replacement, source, pattern = texts
    try:
        compile_pattern(pattern)
    except PharosError as exc:
        raise cursor.error(start, exc.message) from exc
    cursor.expect(")", ")")
    return LabelReplace(inner, target, replacement, source, pattern)
