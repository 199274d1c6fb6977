"""From text to a TraceQL pipeline, by precedence climbing; types are judged by `check`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from pharos.errors import Kind, PharosError
from pharos.gotext.durations import parse_duration, parse_go_duration
from pharos.gotext.quoting import quote
from pharos.search.traceql.ast import (
    INTRINSICS,
    KINDS,
    NUMBERS,
    OTHER_NAMES,
    STATUSES,
    Aggregate,
    Attribute,
    AttributeScope,
    Binary,
    Coalesce,
    Combined,
    Expression,
    Filter,
    GroupBy,
    Intrinsic,
    Keep,
    Literal,
    Pipeline,
    Select,
    Spanset,
    Stage,
    Type,
    Unary,
)
from pharos.search.traceql.check import check, check_aggregate, check_group
from pharos.search.traceql.lex import Token, TokenKind, fault, tokens

T = TypeVar("T")

_DEEPEST: Final = 20
"""So deep brackets may be nested: each is a score of calls here."""
_LONGEST_CHAIN: Final = 60
"""So many operators of which order matters may follow each other."""
_COMPARISONS: Final = frozenset({"=", "!=", "<", "<=", ">", ">=", "=~", "!~"})
_LEVELS: Final = (
    frozenset({"||"}),
    frozenset({"&&"}),
    _COMPARISONS,
    frozenset({"+", "-"}),
    frozenset({"*", "/", "%"}),
    frozenset({"^"}),
)
"""Operators of expressions, from the loosest to the tightest."""
_SPANSET_LEVELS: Final = (
    frozenset({"||"}),
    frozenset({"&&"}),
    frozenset(f"{before}{step}" for before in ("", "!", "&") for step in (">", ">>", "<", "<<", "~")),
)
_AGGREGATES: Final = frozenset({"count", "min", "max", "avg", "sum"})
MEASURES: Final = frozenset(
    {
        "rate",
        "count_over_time",
        "min_over_time",
        "max_over_time",
        "avg_over_time",
        "sum_over_time",
        "quantile_over_time",
        "histogram_over_time",
        "compare",
    }
)
"""What makes series of spans."""
_INT_MAX: Final = (1 << 63) - 1


def parse_traceql(text: str) -> Pipeline:
    """Return the query.

    Raises PharosError: INVALID for what is none, UNSUPPORTED for what is not answered.
    """
    return Parser(tokens(text)).query()


class Parser:
    """Goes along the tokens of a query; its methods return what begins where it stands."""

    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0
        self._depth = 0

    @property
    def next(self) -> Token:
        """The token at which it stands."""
        return self._tokens[self._at]

    def advance(self) -> Token:
        """Go on; return the token that is behind now."""
        token = self._tokens[self._at]
        self._at += token.kind is not TokenKind.END
        return token

    def has(self, symbol: str) -> bool:
        """Return whether it stands at a symbol."""
        return self.next.kind is TokenKind.SYMBOL and self.next.text == symbol

    def take(self, symbol: str) -> bool:
        """Return the same, and go on behind it."""
        if self.has(symbol):
            self._at += 1
            return True
        return False

    def expect(self, symbol: str) -> None:
        """Go on behind a symbol. Raises PharosError(INVALID) where it is not there."""
        if not self.take(symbol):
            raise self.unexpected(f"{quote(symbol)} is due")

    def unexpected(self, due: str) -> PharosError:
        """Return the error for what stands in the place of something else."""
        token = self.next
        said = "the query ends" if token.kind is TokenKind.END else f"{quote(token.text)} stands here"
        return fault(f"{said} where {due}", token.start)

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise fault(f"the query is nested more than {_DEEPEST} deep", self.next.start)

    def query(self) -> Pipeline:
        """Return the whole text's pipeline."""
        if self.next.kind is TokenKind.WORD and self.next.text == "coalesce":
            raise fault("a query cannot begin with coalesce()", self.next.start)
        found = self.pipeline()
        if self._measures():
            name = self._tokens[self._at + 1].text
            raise PharosError(
                Kind.UNSUPPORTED,
                f"TraceQL: {name}() makes metrics of spans, and no traces",
                hint="ask /tempo/api/metrics/query_range, or use it in a rule",
            )
        if self.next.kind is not TokenKind.END:
            raise self.unexpected("the query may end")
        return found

    def pipeline(self) -> Pipeline:
        """Return stages up to the end, or up to what measures spans."""
        stages = [self._stage()]
        while not self._measures() and self.take("|"):
            stages.append(self._stage())
        return Pipeline(tuple(stages))

    def _measures(self) -> bool:
        """Return whether a stage follows that makes metrics of spans."""
        if self._depth or not self.has("|"):
            return False
        stage = self._tokens[self._at + 1]
        return stage.kind is TokenKind.WORD and stage.text in MEASURES

    def _stage(self) -> Stage:
        token = self.next
        if token.kind is not TokenKind.WORD:
            return self._spanset(0)
        if token.text in _AGGREGATES:
            return self._keep()
        self.advance()
        match token.text:
            case "by":
                self.expect("(")
                by = self._expression(0)
                check_group(by, token.start)
                self.expect(")")
                return GroupBy(by)
            case "coalesce":
                self.expect("(")
                self.expect(")")
                return Coalesce()
            case "select":
                return self._select()
            case "with" if self.has("("):
                raise unanswered("hints: with(...)")
        if token.text in MEASURES:
            raise fault(f"{token.text}() stands after the spans: {{ }} | {token.text}()", token.start)
        raise fault(f"{quote(token.text)} is no stage of a query", token.start)

    def _select(self) -> Select:
        self.expect("(")
        fields: list[Attribute | Intrinsic] = []
        while True:
            start = self.next.start
            found = self.primary()
            if not isinstance(found, Attribute | Intrinsic):
                raise fault("only fields of a span can be selected", start)
            fields.append(found)
            if not self.take(","):
                self.expect(")")
                return Select(tuple(fields))

    def _keep(self) -> Keep:
        start = self.next.start
        name = self.advance().text
        self.expect("(")
        of = None if self.has(")") else self._expression(0)
        self.expect(")")
        aggregate = Aggregate(name, of)
        check_aggregate(aggregate, start)
        op = self.next
        if op.kind is not TokenKind.SYMBOL or op.text not in _COMPARISONS - {"=~", "!~"}:
            if op.kind is TokenKind.SYMBOL and op.text in {"+", "-", "*", "/", "%", "^"}:
                raise unanswered(f"arithmetic of aggregates: {name}() {op.text}")
            raise self.unexpected(f"what {name}() is compared with is due")
        self.advance()
        start = self.next.start
        value = _negative(self.primary()) if self.take("-") else self.primary()
        if not isinstance(value, Literal) or value.type not in NUMBERS:
            raise fault(f"{name}() can be compared with a number or a duration alone", start)
        return Keep(aggregate, op.text, value)

    def _spanset(self, level: int) -> Spanset:
        if level == len(_SPANSET_LEVELS):
            return self._spanset_operand()
        return self._chain(_SPANSET_LEVELS[level], lambda: self._spanset(level + 1), Combined)

    def _chain(
        self, operators: frozenset[str], operand: Callable[[], T], join: Callable[[str, T, T], T]
    ) -> T:
        """Return operands of one level, joined from the left."""
        parts = [operand()]
        ops: list[str] = []
        while self.next.kind is TokenKind.SYMBOL and self.next.text in operators:
            ops.append(self.advance().text)
            parts.append(operand())
        if ops and ops[0] in {"&&", "||"}:
            return _halved(ops[0], parts, join)
        if len(ops) > _LONGEST_CHAIN:
            raise fault(f"more than {_LONGEST_CHAIN} operators follow each other", self.next.start)
        found = parts[0]
        for op, part in zip(ops, parts[1:], strict=True):
            found = join(op, found, part)
        return found

    def _spanset_operand(self) -> Spanset:
        if self.take("{"):
            if self.take("}"):
                return Filter()
            start = self.next.start
            condition = self._expression(0)
            self.expect("}")
            if check(condition, start) not in {Type.BOOL, Type.UNKNOWN}:
                raise fault("what stands in braces is neither true nor false", start)
            return Filter(condition)
        if self.take("("):
            self._enter()
            inner = self.pipeline()
            self._depth -= 1
            self.expect(")")
            only = inner.stages[0]
            if len(inner.stages) == 1 and isinstance(only, Filter | Combined | Pipeline):
                return only
            return inner
        raise self.unexpected("{ is due")

    def _expression(self, level: int) -> Expression:
        if level == len(_LEVELS):
            return self._unary()
        return self._chain(_LEVELS[level], lambda: self._expression(level + 1), Binary)

    def _unary(self) -> Expression:
        for op in ("-", "!"):
            if self.take(op):
                self._enter()
                operand = self._unary()
                self._depth -= 1
                return _negative(operand) if op == "-" else Unary(op, operand)
        if self.take("("):
            self._enter()
            found = self._expression(0)
            self._depth -= 1
            self.expect(")")
            return found
        return self.primary()

    def primary(self) -> Expression:
        """Return a value or a field."""
        token = self.next
        match token.kind:
            case TokenKind.TEXT:
                found: Expression = Literal(token.text, Type.TEXT)
            case TokenKind.INTEGER:
                found = Literal(_whole(token), Type.INTEGER)
            case TokenKind.FLOAT:
                found = Literal(float(token.text), Type.FLOAT)
            case TokenKind.DURATION:
                found = Literal(_duration_ns(token), Type.DURATION)
            case TokenKind.ATTRIBUTE:
                if token.scope.startswith("parent"):
                    raise unanswered("attributes of the parent: parent.")
                found = Attribute(token.text, AttributeScope(token.scope))
            case TokenKind.WORD:
                found = _word(token)
            case _:
                raise self.unexpected("a value or a field is due")
        self.advance()
        return found


def _negative(operand: Expression) -> Expression:
    if isinstance(operand, Literal) and operand.type in NUMBERS and isinstance(operand.value, int | float):
        return Literal(-operand.value, operand.type)
    return Unary("-", operand)


def _halved(op: str, parts: Sequence[T], join: Callable[[str, T, T], T]) -> T:
    """Return parts joined by an operator for which brackets make no difference, as flat as can be."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return join(op, _halved(op, parts[:half], join), _halved(op, parts[half:], join))


def unanswered(what: str) -> PharosError:
    """Return the error for TraceQL that is refused by name."""
    return PharosError(Kind.UNSUPPORTED, f"TraceQL: Pharos does not answer {what}")


def _whole(token: Token) -> int:
    if len(token.text) > len(str(_INT_MAX)) or int(token.text) > _INT_MAX:
        raise fault(f"{token.text[:40]} does not fit into 64 bits", token.start)
    return int(token.text)


def _duration_ns(token: Token) -> int:
    try:
        return parse_go_duration(token.text)
    except PharosError:
        # Days, weeks and years are Prometheus' own.
        try:
            return parse_duration(token.text) * 1_000_000
        except PharosError as exc:
            raise fault(exc.message, token.start) from exc


def _word(token: Token) -> Expression:
    word = token.text
    name = OTHER_NAMES.get(word, word)
    if name in INTRINSICS:
        return Intrinsic(name)
    if word in {"true", "false"}:
        return Literal(word == "true", Type.BOOL)
    if word == "nil":
        return Literal(None, Type.NIL)
    if word in STATUSES:
        return Literal(STATUSES[word], Type.STATUS)
    if word in KINDS:
        return Literal(KINDS[word], Type.KIND)
    if word == "parent":
        raise unanswered("the field parent")
    raise fault(f"{quote(word)} is no field; an attribute is written .{word} or span.{word}", token.start)
