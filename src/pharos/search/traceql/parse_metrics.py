"""TraceQL that makes metrics of spans: `{ status = error } | rate() by (resource.service.name) > 5`.

Source: grafana.com/docs/tempo/latest/metrics-from-traces/metrics-queries. Spans count one by one, so
conditions on their trace are refused by name. `with(window=5m)`, which says how much time a value is about,
is Pharos' own: a rule has no step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pharos.errors import PharosError
from pharos.gotext.quoting import quote
from pharos.search.traceql.ast import (
    INTRINSICS,
    NUMBERS,
    Attribute,
    AttributeScope,
    Binary,
    Combined,
    Expression,
    Filter,
    Intrinsic,
    Limit,
    Literal,
    Measure,
    Pipeline,
    Rank,
    Select,
    SpanMetric,
    Spanset,
    Stage,
    Type,
    Unary,
)
from pharos.search.traceql.lex import Token, TokenKind, fault, tokens
from pharos.search.traceql.parse import MEASURES, Parser, unanswered

BUCKET_FIELD: Final = "__bucket"
"""The label of a histogram's series: the upper bound of their values."""
QUANTILE_FIELD: Final = "p"
_NS_IN_S: Final = 1e9
_MOST_BY: Final = 8
_MOST_QUANTILES: Final = 20
_MOST_RANKED: Final = 1_000_000
_OPERATORS: Final = frozenset({"=", "!=", "<", "<=", ">", ">="})
_COUNTS: Final = frozenset({"rate", "count_over_time"})
_OF_A_TRACE: Final = frozenset(
    {"childCount", "traceDuration", "rootName", "rootServiceName", "nestedSetLeft", "nestedSetRight"}
)
_NOT_ASKED: Final = frozenset({"event:timeSinceStart", "link:traceID", "link:spanID"})
_LISTS: Final = frozenset({AttributeScope.EVENT, AttributeScope.LINK})
_TEXT_OPERATORS: Final = frozenset({"=", "!=", "=~", "!~"})
_ROOTS: Final = frozenset({("<", 0), ("=", -1), ("<=", -1)})
"""What `nestedSetParent` compares with to ask for roots."""
_CHILDREN: Final = frozenset({(">=", 0), ("!=", -1), (">", -1)})
_TURNED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def parse_span_metric(text: str) -> SpanMetric:
    """Return the query.

    Raises PharosError: INVALID for what is none, UNSUPPORTED for what is not answered.
    """
    return _MetricParser(tokens(text)).metric()


def comparison(expression: Binary) -> tuple[Attribute | Intrinsic, str, Literal] | None:
    """Return (field, operator, literal) of a comparison with a value, on whichever side; else None."""
    match expression:
        case Binary(left=Attribute() | Intrinsic() as field, right=Literal() as literal):
            return field, expression.op, literal
        case Binary(left=Literal() as literal, right=Attribute() | Intrinsic() as field):
            return field, _TURNED.get(expression.op, expression.op), literal
        case _:
            return None


def asks_for_roots(op: str, literal: Literal) -> bool:
    """Return whether a comparison of `nestedSetParent` is met by roots, and not by all others."""
    return (op, literal.value) in _ROOTS


class _MetricParser(Parser):
    """Reads a query for metrics as a whole."""

    def metric(self) -> SpanMetric:
        spans = self.pipeline()
        if not self.take("|"):
            raise self.unexpected("what measures the spans is due, as in { } | rate()")
        where = _joined("&&", list(_conditions(spans.stages)))
        _require_single(where)
        measure = self._measure()
        then: list[Limit | Rank] = []
        window_ns = 0
        while True:
            if self.next.kind is TokenKind.SYMBOL and self.next.text in _OPERATORS:
                then.append(Limit(self.advance().text, self._number()))
            elif self.take("|"):
                then.append(self._rank())
            elif self.next.kind is TokenKind.WORD and self.next.text == "with":
                window_ns = self._hints() or window_ns
            else:
                break
        if self.next.kind is not TokenKind.END:
            raise self.unexpected("the query may end")
        return SpanMetric(where, measure, tuple(then), window_ns)

    def _measure(self) -> Measure:
        token = self.advance()
        name = token.text
        if token.kind is not TokenKind.WORD or name not in MEASURES:
            raise fault(f"{quote(name)} stands where rate() or its like is due", token.start)
        if name == "compare":
            raise unanswered("compare(): /api/spans/differences says how two sets of spans differ")
        self.expect("(")
        of = None if name in _COUNTS else self._measured(name)
        quantiles: list[float] = []
        if name == "quantile_over_time":
            while self.take(","):
                quantiles.append(self._quantile())
            if not quantiles or len(quantiles) > _MOST_QUANTILES:
                raise fault(f"{name}() takes 1 to {_MOST_QUANTILES} quantiles", token.start)
        self.expect(")")
        return Measure(name, of, tuple(quantiles), self._by())

    def _measured(self, name: str) -> Attribute | Intrinsic:
        start = self.next.start
        if self.has(")"):
            raise fault(f"{name}() needs a field of the span, such as duration", start)
        found = self.primary()
        match found:
            case Intrinsic(name="duration"):
                return found
            case Attribute(scope=AttributeScope.ANY | AttributeScope.SPAN):
                return found
            case Attribute():
                raise unanswered(f"{name}() of what is no attribute of the span itself: {found}")
            case _:
                raise fault(f"{name}() needs duration, or an attribute that is a number", start)

    def _quantile(self) -> float:
        start = self.next.start
        found = self._number()
        if not 0 <= found <= 1:
            raise fault("a quantile lies between 0 and 1", start)
        return found

    def _by(self) -> tuple[Attribute | Intrinsic, ...]:
        if self.next.kind is not TokenKind.WORD or self.next.text != "by":
            return ()
        start = self.advance().start
        self.expect("(")
        found: list[Attribute | Intrinsic] = []
        while True:
            found.append(self._grouped())
            if not self.take(","):
                break
        self.expect(")")
        if len(set(found)) < len(found):
            raise fault("by() names a field twice", start)
        if len(found) > _MOST_BY:
            raise fault(f"by() takes {_MOST_BY} fields at most", start)
        return tuple(found)

    def _grouped(self) -> Attribute | Intrinsic:
        start = self.next.start
        found = self.primary()
        match found:
            case Attribute() if found.scope in _LISTS:
                raise unanswered(f"metrics by what a span has several of: {found}")
            case Attribute():
                return found
            case Intrinsic() if INTRINSICS[found.name] in {Type.TEXT, Type.STATUS, Type.KIND}:
                if found.name in _OF_A_TRACE:
                    raise _of_a_trace(found.name)
                if found.name in _NOT_ASKED or found.name == "event:name":
                    raise unanswered(f"metrics by {found}")
                return found
            case _:
                raise fault("by() takes attributes, name, status, kind and their like", start)

    def _rank(self) -> Rank:
        token = self.advance()
        if token.text not in {"topk", "bottomk"}:
            raise fault(f"{quote(token.text)} stands where topk() or bottomk() is due", token.start)
        self.expect("(")
        start = self.next.start
        count = self.primary()
        if not isinstance(count, Literal) or count.type is not Type.INTEGER:
            raise fault(f"{token.text}() takes a whole number", start)
        number = int(count.value or 0)
        if not 1 <= number <= _MOST_RANKED:
            raise fault(f"{token.text}() takes a number above 0", start)
        self.expect(")")
        return Rank(token.text, number)

    def _number(self) -> float:
        """Return a number; a duration in seconds."""
        sign = -1 if self.take("-") else 1
        token = self.next
        if token.kind is TokenKind.ATTRIBUTE and not token.scope and token.text.isdigit():
            # `.99`, which elsewhere is the name of an attribute.
            self.advance()
            return sign * float(f"0.{token.text}")
        found = self.primary()
        if not isinstance(found, Literal) or found.type not in NUMBERS:
            raise fault("a number or a duration is due", token.start)
        value = float(found.value or 0)
        return sign * (value / _NS_IN_S if found.type is Type.DURATION else value)

    def _hints(self) -> int:
        """Return the window of `with(...)`, in nanoseconds; 0 where none is named."""
        self.advance()
        self.expect("(")
        window_ns = 0
        while True:
            name = self.advance()
            self.expect("=")
            start = self.next.start
            value = self.primary()
            window_ns = _hint(name, value, start) or window_ns
            if not self.take(","):
                self.expect(")")
                return window_ns


def _hint(name: Token, value: Expression, start: int) -> int:
    if name.text == "exemplars":
        # How many there are is said where series are asked for.
        return 0
    if name.text != "window":
        raise unanswered(f"the hint {name.text}")
    if not isinstance(value, Literal) or value.type is not Type.DURATION or int(value.value or 0) <= 0:
        raise fault("a window is a duration, such as 5m", start)
    return int(value.value or 0)


def _conditions(stages: Sequence[Stage]) -> Iterator[Expression]:
    """Yield what each span must meet."""
    for stage in stages:
        match stage:
            case Filter() | Combined() | Pipeline():
                found = _condition(stage)
                if found is not None:
                    yield found
            case Select():
                pass
            case _:
                raise unanswered(
                    "metrics of spans that are chosen by groups of them: count(), by(), coalesce()"
                )


def _condition(spanset: Spanset) -> Expression | None:
    match spanset:
        case Filter():
            return spanset.condition
        case Pipeline():
            return _joined("&&", list(_conditions(spanset.stages)))
        case Combined(op="||"):
            left, right = _condition(spanset.left), _condition(spanset.right)
            return None if left is None or right is None else Binary("||", left, right)
        case Combined():
            raise unanswered(f"metrics of spans that are chosen by others of their trace: {spanset.op}")


def _joined(op: str, parts: Sequence[Expression]) -> Expression | None:
    """Return parts joined by an operator, as flat as can be; None of none."""
    if len(parts) < 2:
        return parts[0] if parts else None
    half = len(parts) // 2
    left, right = _joined(op, parts[:half]), _joined(op, parts[half:])
    assert left is not None and right is not None  # noqa: S101, PT018 - neither half is empty
    return Binary(op, left, right)


def _of_a_trace(name: str) -> PharosError:
    return unanswered(f"metrics of spans by what is only known of their whole trace: {name}")


def _require_single(expression: Expression | None) -> None:
    """Raise PharosError(UNSUPPORTED) unless each span says by itself whether it meets a condition."""
    match expression:
        case None | Literal() | Attribute():
            pass
        case Unary(op="!"):
            _require_single(expression.operand)
        case Binary(op="&&" | "||"):
            _require_single(expression.left)
            _require_single(expression.right)
        case Binary() if (found := comparison(expression)) is not None:
            _require_comparison(*found)
        case _:
            raise unanswered("metrics of spans by what is computed: a field is compared with a value")


def _require_comparison(field: Attribute | Intrinsic, op: str, literal: Literal) -> None:
    if literal.type is Type.TEXT and op not in _TEXT_OPERATORS:
        raise unanswered(f"metrics of spans by the order of texts: {field} {op}")
    match field:
        case Intrinsic(name="nestedSetParent"):
            if (op, literal.value) not in _ROOTS | _CHILDREN:
                raise unanswered("metrics of spans by nestedSetParent, but for roots: nestedSetParent < 0")
        case Intrinsic() if field.name in _OF_A_TRACE:
            raise _of_a_trace(field.name)
        case Intrinsic() if field.name in _NOT_ASKED:
            raise unanswered(f"metrics of spans by {field}")
        case Attribute() if field.scope in _LISTS:
            raise unanswered(f"metrics of spans by attributes of their {field.scope}s: {field}")
