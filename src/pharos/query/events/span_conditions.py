"""What TraceQL asks of single spans, as conditions and columns of the engine: exactly what `spansets` says.

What resources and scopes have is looked up here, among the origins that there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pharos.engine import sql
from pharos.engine.sql import Condition
from pharos.errors import Kind, PharosError
from pharos.query.events.lower import KINDS, STATUSES, of_origins
from pharos.query.events.rows import Attributes, Origin, ValueKind
from pharos.query.events.spansets import Value, among, holds
from pharos.search.traceql.ast import (
    NUMBERS,
    Attribute,
    AttributeScope,
    Binary,
    Expression,
    Intrinsic,
    Literal,
    Type,
    Unary,
)
from pharos.search.traceql.parse_metrics import asks_for_roots, comparison

DURATION: Final = "greatest(duration, 0)"
"""Nanoseconds; a span that ended before it began took none."""
_NO_SPAN: Final = bytes(8)
_TEXTS: Final = {
    "name": "name",
    "statusMessage": "status_message",
    "trace:id": "lower(hex(trace_id))",
    "span:id": "lower(hex(span_id))",
    "span:parentID": "lower(hex(parent_id))",
}
_WORDS: Final = {"status": STATUSES, "kind": KINDS}
_NUMBER_KINDS: Final = frozenset({ValueKind.INTEGER, ValueKind.DOUBLE})
_NO_TEXTS: Final = ("i", "d", "b", "n")
_PLAIN: Final = frozenset({"true", "false"})


class SpanConditions:
    """Makes conditions and columns of what was parsed by `parse_metrics`, over a tenant's origins."""

    def __init__(self, origins: Mapping[int, Origin]) -> None:
        self._origins = origins

    def condition(self, expression: Expression | None) -> Condition:
        """Return that an expression is true of a span. Raises PharosError: INVALID, TOO_LARGE."""
        match expression:
            case None:
                return sql.both()
            case Literal():
                return sql.both() if expression.value is True else sql.never()
            case Unary():
                return sql.negated(self.condition(expression.operand))
            case Binary(op="&&"):
                return sql.both(self.condition(expression.left), self.condition(expression.right))
            case Binary(op="||"):
                return sql.either((self.condition(expression.left), self.condition(expression.right)))
            case Attribute():
                return self._attribute(expression, "=", Literal(value=True, type=Type.BOOL))
            case Binary() if (found := comparison(expression)) is not None:
                field, op, literal = found
                if isinstance(field, Attribute):
                    return self._attribute(field, op, literal)
                return self._intrinsic(field.name, op, literal)
            case _:
                raise PharosError(Kind.BUG, "a condition on more than a span was let through")

    def text(self, field: Attribute | Intrinsic) -> str:
        """Return the column of a field's value as text, empty where a span has none."""
        if isinstance(field, Attribute):
            return self._text_of(field)
        name = field.name
        if name in _WORDS:
            words = dict(enumerate(_WORDS[name]))
            return sql.translated(name, words)
        if name == "span:parentID":
            return sql.chosen(sql.same_bytes("parent_id", _NO_SPAN), "''", _TEXTS[name])
        if name in _TEXTS:
            return f"toString({_TEXTS[name]})"
        return sql.translated("origin", {key: _of_scope(name, one) for key, one in self._origins.items()})

    def number(self, field: Attribute | Intrinsic) -> str:
        """Return the column of a field's value as a number, NULL where a span has none."""
        if isinstance(field, Intrinsic):
            return DURATION
        own = sql.numeric(sql.attribute_of(field.name), sql.kind_of(field.name))
        if field.scope is AttributeScope.SPAN:
            return own
        said = self._of_origins(field, _NUMBER_KINDS)
        if not said:
            return own
        elsewhere = sql.number_of(sql.translated("origin", said))
        return sql.chosen(sql.has_key("attributes", field.name), own, elsewhere)

    def _text_of(self, field: Attribute) -> str:
        name = field.name
        own = f"toString({sql.attribute_of(name)})"
        if field.scope is AttributeScope.SPAN:
            return own
        if name == "service.name" and field.scope is not AttributeScope.INSTRUMENTATION:
            elsewhere = "toString(service)"
        else:
            elsewhere = sql.translated("origin", self._of_origins(field))
        if field.scope is AttributeScope.ANY:
            return sql.chosen(sql.has_key("attributes", name), own, elsewhere)
        return elsewhere

    def _of_origins(self, field: Attribute, kinds: frozenset[ValueKind] | None = None) -> dict[int, str]:
        """Return by origin what it says of an attribute."""
        found: dict[int, str] = {}
        for key, origin in self._origins.items():
            for name, value, kind in _said(field.scope, origin):
                if name == field.name:
                    if kinds is None or kind in kinds:
                        found[key] = value
                    break
        return found

    def _attribute(self, field: Attribute, op: str, literal: Literal) -> Condition:
        if field.scope is AttributeScope.SPAN:
            return _in_span(field.name, op, literal)
        if field.scope is not AttributeScope.ANY:
            return self._in_origin(field, op, literal)
        has = sql.has_key("attributes", field.name)
        own = _in_span(field.name, op, literal)
        return sql.either(
            (sql.both(has, own), sql.both(sql.negated(has), self._in_origin(field, op, literal)))
        )

    def _in_origin(self, field: Attribute, op: str, literal: Literal) -> Condition:
        is_service = field.name == "service.name" and field.scope is not AttributeScope.INSTRUMENTATION
        if is_service and literal.type is Type.TEXT:
            # A column that rows are ordered by, and that says what the attribute does.
            return _compared("service", op, literal)
        ids = [
            key
            for key, origin in self._origins.items()
            if _meets(among(_said(field.scope, origin), field.name) or [], op, literal)
        ]
        return of_origins(ids)

    def _intrinsic(self, name: str, op: str, literal: Literal) -> Condition:
        match name:
            case "nestedSetParent":
                is_root = sql.same_bytes("parent_id", _NO_SPAN)
                return is_root if asks_for_roots(op, literal) else sql.negated(is_root)
            case "event:name":
                return _any_event(op, literal)
            case "instrumentation:name" | "instrumentation:version":
                found = {key: _of_scope(name, one) for key, one in self._origins.items()}
                return of_origins(
                    key
                    for key, text in found.items()
                    if _meets([(Type.TEXT, text)] if text else [], op, literal)
                )
        if literal.type is Type.NIL:
            there = sql.both()
            if name == "span:parentID":
                there = sql.negated(sql.same_bytes("parent_id", _NO_SPAN))
            return there if op == "!=" else sql.negated(there)
        if name in _WORDS:
            equal = sql.equal(name, int(literal.value or 0))
            return equal if op == "=" else sql.negated(equal)
        if name == "duration":
            return _compared_number(DURATION, op, literal)
        found_text = _compared(_TEXTS[name], op, literal)
        if name == "span:parentID":
            return sql.both(sql.negated(sql.same_bytes("parent_id", _NO_SPAN)), found_text)
        return found_text


def _said(scope: AttributeScope, origin: Origin) -> Attributes:
    return origin.scope if scope is AttributeScope.INSTRUMENTATION else origin.resource


def _of_scope(name: str, origin: Origin) -> str:
    return origin.scope_name if name == "instrumentation:name" else origin.scope_version


def _meets(values: list[Value], op: str, literal: Literal) -> bool:
    if literal.type is Type.NIL:
        return bool(values) is (op == "!=")
    return holds(op, values, [(literal.type, literal.value)])


def _in_span(name: str, op: str, literal: Literal) -> Condition:
    """Return that an attribute of the span itself is there, is of a fitting kind, and compares so."""
    has, value, kind = sql.has_key("attributes", name), sql.attribute_of(name), sql.kind_of(name)
    if literal.type is Type.NIL:
        there = sql.both(has, sql.differs(kind, "n"))
        return there if op == "!=" else sql.negated(there)
    if literal.type in NUMBERS:
        # A text that is a number is none here.
        return sql.both(has, _compared_number(sql.numeric(value, kind), op, literal))
    if literal.type is Type.BOOL:
        text = Literal("true" if literal.value else "false", Type.TEXT)
        return sql.both(has, sql.equal(kind, "b"), _compared(value, op, text))
    if literal.type is not Type.TEXT:
        return sql.never()
    compared = _compared(value, op, literal)
    if op == "=" and not _could_be_other(str(literal.value)):
        # Only a text is written so: its kind need not be read.
        return compared if literal.value else sql.both(has, compared)
    return sql.both(has, compared, *(sql.differs(kind, other) for other in _NO_TEXTS))


def _could_be_other(text: str) -> bool:
    """Return whether a value that is no text may be written so."""
    if text in _PLAIN or not text:
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True


def _compared(column: str, op: str, literal: Literal) -> Condition:
    value = str(literal.value)
    match op:
        case "=":
            return sql.equal(column, value)
        case "!=":
            return sql.differs(column, value)
        case "=~":
            return sql.is_match(column, value)
        case _:
            return sql.negated(sql.is_match(column, value))


def _compared_number(column: str, op: str, literal: Literal) -> Condition:
    number = float(literal.value or 0)
    if op not in {"=", "!="}:
        return sql.compares(column, op, number)
    if op == "!=":
        return sql.either((sql.compares(column, "<", number), sql.compares(column, ">", number)))
    return sql.both(sql.compares(column, "<=", number), sql.compares(column, ">=", number))


def _any_event(op: str, literal: Literal) -> Condition:
    """Return that an event's name is as asked, or, where another one is asked for, none of them is."""
    there = sql.any_element("event_name", sql.both())
    if literal.type is Type.NIL:
        return there if op == "!=" else sql.negated(there)
    equal = sql.any_element("event_name", _compared("x", "=~" if op.endswith("~") else "=", literal))
    return sql.both(there, sql.negated(equal)) if op.startswith("!") else equal
