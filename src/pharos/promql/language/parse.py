"""The grammar of PromQL: text to checked nodes, with Prometheus' error messages and places.

This is a parser of our own, operator precedence over a row of tokens, and not a grammar for a parser
generator, for three reasons. The messages name the construct in which a token did not fit and what would
have fitted (`unexpected "]" in subquery or range selector, expected number, ...`), which users and the
conformance suite compare; a generator would have us map its states back to them. Keywords are names almost
everywhere (`sum`, `offset`, `by` are legal metrics), and brackets, braces and the rest have lexical rules of
their own. And the parser is on the path of every query: it takes 100 microseconds for a usual one.

The rules are those of upstream's generated_parser.y (Prometheus 3.14). What its conflict resolution decides
is said where it shows. Only `(`, calls and aggregations nest by recursion, at most MAX_NESTING deep;
operators stand on an explicit stack.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from typing import Final, TypeAlias

from msgspec import Struct

from pharos.errors import Kind, PharosError
from pharos.gotext.numbers import format_fixed
from pharos.gotext.quoting import quote, unquote
from pharos.gotext.regex_faults import regex_fault
from pharos.labels import METRIC_NAME, Matcher, MatchOp, compile_regex
from pharos.promql.language.ast import (
    Aggregate,
    Anchor,
    At,
    Binary,
    Call,
    Cardinality,
    Duration,
    Expr,
    Matching,
    MatrixSelector,
    NumberLiteral,
    Paren,
    Place,
    StringLiteral,
    Subquery,
    Unary,
    VectorSelector,
)
from pharos.promql.language.check import check
from pharos.promql.language.cursor import Cursor
from pharos.promql.language.duration_syntax import EXPECTED, DurationParser
from pharos.promql.language.functions import AGGREGATORS, FUNCTIONS
from pharos.promql.language.lex import (
    AGGREGATOR_WORDS,
    DURATION,
    EOF,
    IDENTIFIER,
    METRIC,
    NUMBER,
    QUERY_WORDS,
    STRING,
    Token,
)

MAX_LENGTH: Final = 131_072
"""The longest query that is read, in characters."""
MAX_NESTING: Final = 100
"""How deep parentheses, calls and aggregations may stand in one another."""
_CACHED_LENGTH: Final = 8_192

_UNARY: Final = "unary"
_PRODUCT: Final = 5
_POWER: Final = 6
_PRECEDENCE: Final = {
    "or": 1,
    "and": 2,
    "unless": 2,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "</", ">/"), 3),
    "+": 4,
    "-": 4,
    **dict.fromkeys(("*", "/", "%", "atan2"), _PRODUCT),
    "^": _POWER,
}
_METRIC_KINDS: Final = frozenset(
    {IDENTIFIER, METRIC, "and", "or", "unless", "by", "without", "offset", "anchored", "smoothed"}
    | AGGREGATOR_WORDS
    | QUERY_WORDS
)
_LABEL_KINDS: Final = frozenset(
    (_METRIC_KINDS - {"without"})
    | {"atan2", "bool", "group_left", "group_right", "ignoring", "on", "fill", "fill_left", "fill_right"}
)
_MATCH_OPS: Final = {op.value: op for op in MatchOp}
_POSTFIXES: Final = frozenset({"[", "offset", "@", "anchored", "smoothed"})
_Timed: TypeAlias = VectorSelector | MatrixSelector | Subquery


class ParseOptions(Struct, frozen=True):
    """Which of the parts of the language that Prometheus keeps behind feature flags are legal."""

    experimental_functions: bool = True
    duration_expressions: bool = True
    extended_ranges: bool = True
    fill_modifiers: bool = True


EVERYTHING: Final = ParseOptions()
"""All of the language."""


def parse(text: str, options: ParseOptions = EVERYTHING) -> Expr:
    """Return the checked expression of a query.

    Queries of usual length are kept, so that one that comes again costs nothing. Raises
    PharosError(INVALID) with upstream's message, `line:column: parse error: ...`, or PharosError(TOO_LARGE)
    for a text of more than MAX_LENGTH characters.
    """
    if len(text) <= _CACHED_LENGTH:
        return _parse_cached(text, options)
    return parse_uncached(text, options)


def parse_uncached(text: str, options: ParseOptions = EVERYTHING) -> Expr:
    """Return what `parse` does, always anew."""
    return check(_Parser(text, options).query(), text)


_parse_cached = lru_cache(maxsize=4096)(parse_uncached)


def parse_selector(text: str) -> tuple[Matcher, ...]:
    """Return the matchers of a selector without any modifier, as `match[]` takes it.

    Raises PharosError(INVALID) for anything else. Whether some matcher must refuse the empty value is the
    caller's rule, as it is upstream.
    """
    parser = _Parser(text, EVERYTHING)
    if parser.cursor.kind not in _METRIC_KINDS and parser.cursor.kind != "{":
        raise parser.cursor.unexpected()
    selector = parser.selector()
    if parser.cursor.kind != EOF:
        raise parser.cursor.unexpected()
    return selector.matchers


class _Pending(Struct, frozen=True):
    """An operator on the stack, waiting for its right side."""

    op: str
    rank: int
    start: int
    bool_modifier: bool = False
    matching: Matching | None = None


class _Parser:
    def __init__(self, text: str, options: ParseOptions) -> None:
        if len(text) > MAX_LENGTH:
            message = f"query of {len(text)} characters is longer than the limit of {MAX_LENGTH}"
            raise PharosError(Kind.TOO_LARGE, message)
        self.cursor = Cursor(text)
        self.options = options
        self.durations = DurationParser(self.cursor, expressions=options.duration_expressions)
        self.nesting = 0
        self.context = ""

    def query(self) -> Expr:
        """Return the expression that the whole text is."""
        cursor = self.cursor
        if cursor.kind == EOF:
            raise cursor.error(0, "no expression found in input")
        node = self.expression()
        if cursor.kind != EOF:
            raise cursor.unexpected()
        return node

    def expression(self) -> Expr:
        """Return the expression at the cursor, up to a token that cannot go on with it."""
        cursor = self.cursor
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            message = f"query is nested too deeply: more than {MAX_NESTING} levels"
            raise cursor.error(cursor.token.start, message)
        pending: list[_Pending] = []
        operands: list[Expr] = []
        while True:
            while cursor.kind in ("+", "-"):
                sign = cursor.advance()
                pending.append(_Pending(_UNARY + sign.kind, _PRODUCT, sign.start))
            operands.append(self.operand())
            rank = _PRECEDENCE.get(cursor.kind, 0)
            while pending and (pending[-1].rank > rank or (pending[-1].rank == rank and rank != _POWER)):
                self.reduce(pending.pop(), operands)
            if not rank:
                break
            operator = cursor.advance()
            pending.append(self.modifiers(operator, rank))
        self.nesting -= 1
        return operands[0]

    def reduce(self, pending: _Pending, operands: list[Expr]) -> None:
        """Put an operator and its operands, the last ones of the list, in one node."""
        right = operands.pop()
        if pending.op.startswith(_UNARY):
            sign = pending.op.removeprefix(_UNARY)
            place = Place(pending.start, right.place.end)
            if isinstance(right, NumberLiteral):
                value = -right.value if sign == "-" else right.value
                operands.append(NumberLiteral(value, right.duration, place))
            else:
                operands.append(Unary(sign, right, place))
            return
        left = operands.pop()
        place = Place(left.place.start, right.place.end)
        matching = pending.matching
        if not self.options.fill_modifiers and matching is not None and matching.fills:
            message = "binop fill modifiers are experimental and not enabled"
            raise self.cursor.error(place.start, message)
        operands.append(Binary(pending.op, left, right, pending.bool_modifier, matching, place))

    def modifiers(self, operator: Token, rank: int) -> _Pending:
        """Return an operator with the modifiers that follow it."""
        cursor = self.cursor
        bool_modifier = cursor.kind == "bool"
        if bool_modifier:
            cursor.advance()
        card, on = Cardinality.ONE_TO_ONE, False
        labels: tuple[str, ...] = ()
        include: tuple[str, ...] = ()
        if cursor.kind in ("on", "ignoring"):
            on = cursor.advance().kind == "on"
            labels = self.grouping()
            if cursor.kind in ("group_left", "group_right"):
                is_left = cursor.advance().kind == "group_left"
                card = Cardinality.MANY_TO_ONE if is_left else Cardinality.ONE_TO_MANY
                include = self.grouping() if cursor.kind == "(" else ()
        fill_left, fill_right = self.fills()
        matching = Matching(card, on, labels, include, fill_left, fill_right)
        return _Pending(operator.kind, rank, operator.start, bool_modifier, matching)

    def fills(self) -> tuple[float | None, float | None]:
        """Return the values of `fill(n)` or of `fill_left(n)` and `fill_right(n)` in either order."""
        cursor = self.cursor
        if cursor.kind == "fill":
            cursor.advance()
            value = self.fill_value()
            return value, value
        left: float | None = None
        right: float | None = None
        while (cursor.kind == "fill_left" and left is None) or (
            cursor.kind == "fill_right" and right is None
        ):
            if cursor.advance().kind == "fill_left":
                left = self.fill_value()
            else:
                right = self.fill_value()
        return left, right

    def fill_value(self) -> float:
        cursor = self.cursor
        cursor.expect("(", self.context)
        value = self.signed_number(self.context, "")
        cursor.expect(")", self.context)
        return value

    def signed_number(self, context: str, expected: str) -> float:
        """Return the number or duration in seconds at the cursor, with its sign if it has one."""
        cursor = self.cursor
        sign = cursor.advance().kind if cursor.kind in ("+", "-") else "+"
        if cursor.kind not in (NUMBER, DURATION):
            raise cursor.unexpected(context, expected)
        value = self.durations.literal()[0]
        return -value if sign == "-" else value

    def operand(self) -> Expr:
        """Return what stands between operators, with ranges, offsets and the like after it."""
        node = self.primary()
        cursor = self.cursor
        while cursor.kind in _POSTFIXES:
            match cursor.kind:
                case "[":
                    node = self.brackets(node)
                case "offset":
                    cursor.advance()
                    node = self.with_offset(node, self.durations.after_offset())
                case "@":
                    cursor.advance()
                    node = self.with_at(node)
                case _:
                    node = self.extended(node, cursor.advance().kind)
        return node

    def primary(self) -> Expr:
        cursor = self.cursor
        token, kind = cursor.token, cursor.kind
        if kind in (NUMBER, DURATION):
            value, is_duration = self.durations.literal()
            return NumberLiteral(value, is_duration, cursor.place_from(token.start))
        if kind == STRING:
            cursor.advance()
            return StringLiteral(unquote(token.text), cursor.place_from(token.start))
        if kind == "(":
            cursor.advance()
            inner = self.expression()
            cursor.expect(")", self.context)
            return Paren(inner, cursor.place_from(token.start))
        if kind in AGGREGATOR_WORDS and cursor.following() in ("(", "by", "without"):
            return self.aggregate()
        if (kind == IDENTIFIER or kind in QUERY_WORDS) and cursor.following() == "(":
            return self.call()
        if kind in _METRIC_KINDS or kind == "{":
            return self.selector()
        raise cursor.unexpected(self.context)

    def call(self) -> Expr:
        cursor = self.cursor
        name = cursor.advance()
        args = self.arguments()
        function = FUNCTIONS.get(name.text)
        if function is None:
            raise cursor.error(name.start, f"unknown function with name {quote(name.text)}")
        if function.experimental and not self.options.experimental_functions:
            raise cursor.error(name.start, f"function {quote(name.text)} is not enabled")
        return Call(name.text, args, cursor.place_from(name.start))

    def arguments(self) -> tuple[Expr, ...]:
        """Return the expressions in the parentheses at the cursor."""
        cursor = self.cursor
        cursor.expect("(", self.context)
        args: list[Expr] = []
        while cursor.kind != ")" or args:
            args.append(self.expression())
            if cursor.kind != ",":
                break
            comma = cursor.advance()
            if cursor.kind in (")", ","):
                raise cursor.error(comma.start, "trailing commas not allowed in function call args")
        cursor.expect(")", self.context)
        return tuple(args)

    def aggregate(self) -> Expr:
        """Return the aggregation at the cursor; what does not fit inside of it is said to be in it."""
        cursor = self.cursor
        operator = cursor.advance()
        outer, self.context = self.context, "aggregation"
        without = False
        grouping: tuple[str, ...] | None = None
        if cursor.kind != "(":
            without = cursor.advance().kind == "without"
            grouping = self.grouping()
        args = self.arguments()
        if grouping is None and cursor.kind in ("by", "without"):
            without = cursor.advance().kind == "without"
            grouping = self.grouping()
        self.context = outer
        aggregator = AGGREGATORS[operator.kind]
        wanted = 1 if aggregator.param is None else 2
        if not args:
            raise cursor.error(operator.start, "no arguments for aggregate expression provided")
        if aggregator.experimental and not self.options.experimental_functions:
            message = (
                f"{operator.kind}() is experimental and must be enabled with "
                "--enable-feature=promql-experimental-functions"
            )
            raise cursor.error(operator.start, message)
        if len(args) != wanted:
            message = (
                "wrong number of arguments for aggregate expression provided, "
                f"expected {wanted}, got {len(args)}"
            )
            raise cursor.error(operator.start, message)
        param = args[0] if wanted > 1 else None
        place = cursor.place_from(operator.start)
        return Aggregate(operator.kind, args[-1], param, grouping or (), without, place)

    def grouping(self) -> tuple[str, ...]:
        """Return the labels in the parentheses at the cursor; a comma may stand after the last one."""
        cursor = self.cursor
        cursor.expect("(", "grouping opts", '"("')
        labels: list[str] = []
        while cursor.kind != ")":
            token = cursor.token
            if token.kind == STRING:
                label = unquote(token.text)
            elif token.kind in _LABEL_KINDS:
                label = token.text
            else:
                raise cursor.unexpected("grouping opts", "label")
            if not _is_label(label):
                raise cursor.error(token.start, f"invalid label name for grouping: {quote(label)}")
            cursor.advance()
            labels.append(label)
            if cursor.kind != ",":
                break
            cursor.advance()
        cursor.expect(")", "grouping opts", '"," or ")"')
        return tuple(labels)

    def selector(self) -> VectorSelector:
        """Return the selector at the cursor, without anything after its braces."""
        cursor = self.cursor
        start = cursor.token.start
        name = "" if cursor.kind == "{" else cursor.advance().text
        matchers = self.matchers() if cursor.kind == "{" else []
        if name:
            matchers.append(Matcher(METRIC_NAME, MatchOp.EQUAL, name))
        return VectorSelector(name, tuple(matchers), place=cursor.place_from(start))

    def matchers(self) -> list[Matcher]:
        cursor = self.cursor
        cursor.advance()
        matchers: list[Matcher] = []
        while cursor.kind != "}":
            matchers.append(self.matcher())
            if cursor.kind != ",":
                break
            cursor.advance()
        cursor.expect("}", "label matching", '"," or "}"')
        return matchers

    def matcher(self) -> Matcher:
        cursor = self.cursor
        token = cursor.token
        if token.kind not in (IDENTIFIER, STRING):
            raise cursor.unexpected("label matching", 'identifier or "}"')
        quoted = token.kind == STRING
        name = unquote(token.text) if quoted else token.text
        cursor.advance()
        op = _MATCH_OPS.get(cursor.kind)
        if op is None:
            if quoted:
                return Matcher(METRIC_NAME, MatchOp.EQUAL, name)
            raise cursor.unexpected("label matching", "label matching operator")
        cursor.advance()
        value = unquote(cursor.expect(STRING, "label matching", "string").text)
        if op in (MatchOp.REGEX, MatchOp.NOT_REGEX):
            try:
                compile_regex(value)
            except PharosError as exc:
                raise cursor.error(token.start, regex_fault(exc)) from exc
        return Matcher(name, op, value)

    def brackets(self, node: Expr) -> Expr:
        """Return the range vector or subquery that `node` becomes by the brackets at the cursor."""
        cursor = self.cursor
        opening = cursor.advance()
        width = self.durations.in_brackets("subquery or range selector", EXPECTED)
        if cursor.kind == ":":
            cursor.advance()
            step: Duration | None = None
            if cursor.kind != "]":
                step = self.durations.in_brackets(
                    "subquery selector", 'number, duration, step(), range(), or "]"'
                )
            cursor.expect("]", "subquery selector", '"]"')
            return Subquery(node, width, step, place=cursor.place_from(node.place.start))
        cursor.expect("]", "subquery or range", '":" or "]"')
        message = ""
        if not isinstance(node, VectorSelector):
            message = "ranges only allowed for vector selectors"
        elif node.offset != 0:
            message = "no offset modifiers allowed before range"
        elif node.at is not None:
            message = "no @ modifiers allowed before range"
        else:
            return MatrixSelector(node, width, cursor.place_from(node.place.start))
        raise cursor.error(opening.start, message)

    def with_offset(self, node: Expr, offset: Duration) -> Expr:
        if not isinstance(node, _Timed):
            raise self.misplaced(node, "offset modifier")
        target = node.selector if isinstance(node, MatrixSelector) else node
        if target.offset != 0:
            raise self.cursor.error(node.place.start, "offset may not be set multiple times")
        place = self.cursor.place_from(node.place.start)
        if isinstance(node, MatrixSelector):
            return replace(node, selector=replace(node.selector, offset=offset), place=place)
        return replace(node, offset=offset, place=place)

    def misplaced(self, node: Expr, what: str) -> PharosError:
        message = (
            f"{what} must be preceded by an instant vector selector or range vector selector or a subquery"
        )
        return self.cursor.error(node.place.start, message)

    def with_at(self, node: Expr) -> Expr:
        """Return `node` with the time after `@`, which the cursor is at."""
        cursor = self.cursor
        if cursor.kind in ("start", "end"):
            at = At(Anchor(cursor.advance().kind))
            cursor.expect("(", "@", "timestamp")
            cursor.expect(")", "@", "timestamp")
        else:
            seconds = self.signed_number("@", "timestamp")
            if not -(2.0**63) < seconds < 2.0**63:
                shown = format_fixed(seconds)
                message = f"timestamp out of bounds for @ modifier: {shown}"
                raise cursor.error(node.place.start, message)
            at = At(Anchor.TIME, _rounded(seconds * 1000))
        if not isinstance(node, _Timed):
            raise self.misplaced(node, "@ modifier")
        target = node.selector if isinstance(node, MatrixSelector) else node
        if target.at is not None:
            raise cursor.error(node.place.start, "@ <timestamp> may not be set multiple times")
        place = cursor.place_from(node.place.start)
        if isinstance(node, MatrixSelector):
            return replace(node, selector=replace(node.selector, at=at), place=place)
        return replace(node, at=at, place=place)

    def extended(self, node: Expr, word: str) -> Expr:
        """Return `node` with `anchored` or `smoothed`."""
        message = ""
        if not self.options.extended_ranges:
            message = f"{word} modifier is experimental and not enabled"
        elif isinstance(node, Subquery):
            message = f"{word} modifier is not supported for subqueries"
        elif not isinstance(node, (VectorSelector, MatrixSelector)):
            message = f"{word} modifier not implemented"
        else:
            target = node.selector if isinstance(node, MatrixSelector) else node
            changed = replace(target, anchored=True) if word == "anchored" else replace(target, smoothed=True)
            if not (changed.anchored and changed.smoothed):
                return replace(node, selector=changed) if isinstance(node, MatrixSelector) else changed
            message = "anchored and smoothed modifiers cannot be used together"
        raise self.cursor.error(node.place.start, message)


def _is_label(name: str) -> bool:
    """Return whether a name is legal for a label: not empty and UTF-8."""
    return bool(name) and not any(0xD800 <= ord(char) <= 0xDFFF for char in name)


def _rounded(value: float) -> int:
    """Return the nearest integer, halves away from zero (Go's math.Round), within 64 bits."""
    whole = math.floor(abs(value) + 0.5) if abs(value) < 2**52 else int(abs(value))
    return max(-(2**63), min(2**63 - 1, whole if value >= 0 else -whole))
