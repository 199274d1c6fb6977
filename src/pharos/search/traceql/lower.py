"""What a store can look for of a TraceQL query: conditions that at least one span of a trace must meet.

They let through too much rather than too little: whoever asks evaluates what is found.
"""

from __future__ import annotations

from typing import Final

from pharos.search.traceql.ast import (
    KINDS,
    NUMBERS,
    STATUSES,
    Attribute,
    AttributeScope,
    Binary,
    Combined,
    Expression,
    Filter,
    Intrinsic,
    Literal,
    Pipeline,
    Spanset,
    Type,
    Unary,
)
from pharos.search.tree import All, And, Field, Has, Not, Op, Or, Place, Tree

_PLACES: Final = {
    AttributeScope.SPAN: Place.RECORD,
    AttributeScope.RESOURCE: Place.RESOURCE,
    AttributeScope.EVENT: Place.EVENT,
    AttributeScope.LINK: Place.LINK,
    AttributeScope.INSTRUMENTATION: Place.SCOPE,
}
# Not `Place.ANY`, to which `.name` would be the span's name.
_ANYWHERE: Final = (Place.RECORD, Place.RESOURCE)
_COLUMNS: Final = {
    "duration": "duration",
    "name": "name",
    "status": "status",
    "statusMessage": "status_message",
    "kind": "kind",
    "trace:id": "trace_id",
    "span:id": "span_id",
    "span:parentID": "parent_id",
}
_ORDERS: Final = {"<": Op.LESS, "<=": Op.AT_MOST, ">": Op.MORE, ">=": Op.AT_LEAST}
_TURNED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
_WORDS: Final = {
    Type.STATUS: {number: word for word, number in STATUSES.items()},
    Type.KIND: {number: word for word, number in KINDS.items()},
}


def conditions_of(query: Pipeline) -> tuple[Tree, ...]:
    """Return conditions of which a trace must meet each with at least one of its spans."""
    found: list[Tree] = []
    for stage in query.stages:
        if isinstance(stage, Filter | Combined | Pipeline):
            found += _of_spanset(stage)
    return tuple(dict.fromkeys(one for one in found if one != All())) or (All(),)


def _of_spanset(spanset: Spanset) -> list[Tree]:
    match spanset:
        case Filter():
            return [All() if spanset.condition is None else lower(spanset.condition)]
        case Pipeline():
            return list(conditions_of(spanset))
        case Combined(op="||"):
            left, right = _of_spanset(spanset.left), _of_spanset(spanset.right)
            return [_either(left[0], right[0])]
        case Combined() if spanset.op.startswith("!"):
            return _of_spanset(spanset.right)
        case Combined():
            return _of_spanset(spanset.left) + _of_spanset(spanset.right)


def _either(left: Tree, right: Tree) -> Tree:
    return _any((left, right))


def _any(parts: tuple[Tree, ...]) -> Tree:
    return All() if All() in parts else Or(parts)


def _both(left: Tree, right: Tree) -> Tree:
    if left == All():
        return right
    return left if right == All() else And((left, right))


def lower(expression: Expression) -> Tree:
    """Return a condition that every span meets of which the expression is true."""
    match expression:
        case Binary(op="&&"):
            return _both(lower(expression.left), lower(expression.right))
        case Binary(op="||"):
            return _either(lower(expression.left), lower(expression.right))
        case Binary(left=Attribute() | Intrinsic() as field, right=Literal() as literal):
            return _compared(field, expression.op, literal)
        case Binary(left=Literal() as literal, right=Attribute() | Intrinsic() as field):
            return _compared(field, _TURNED.get(expression.op, ""), literal)
        case Attribute():
            return _compared(expression, "=", Literal(value=True, type=Type.BOOL))
        case Literal(value=False) | Unary():
            return All()
        case _:
            return All()


def _compared(field: Attribute | Intrinsic, op: str, literal: Literal) -> Tree:
    if isinstance(field, Intrinsic):
        return _own(field.name, op, literal)
    places = _ANYWHERE if field.scope is AttributeScope.ANY else (_PLACES[field.scope],)
    if literal.type is Type.NIL and op == "=":
        return All()
    # What differs must be there; of several events one may be equal and another not.
    found = tuple(
        _there(field.name, place) if op in {"!=", "!~"} else _one(field.name, op, literal, place)
        for place in places
    )
    return found[0] if len(found) == 1 else _any(found)


def _one(name: str, op: str, literal: Literal, place: Place) -> Tree:
    if (name, place) == ("service.name", Place.RESOURCE) and literal.type is Type.TEXT:
        # A column that rows are ordered by; what has the attribute has it there too.
        name, place = "service", Place.OWN
    if op in _ORDERS:
        if literal.type is Type.TEXT:
            return _there(name, place)
        return Field(name, _ORDERS[op], str(literal.value), place, float(literal.value or 0))
    if op == "=~":
        return Field(name, Op.REGEX, str(literal.value), place)
    if literal.type in NUMBERS:
        return _equal_number(name, literal, place)
    if literal.type is Type.BOOL:
        return Field(name, Op.EQUAL, "true" if literal.value else "false", place)
    if literal.type is Type.TEXT:
        return Field(name, Op.EQUAL, str(literal.value), place)
    return All()


def _equal_number(name: str, literal: Literal, place: Place) -> Tree:
    """Return that a field is this number: 1 and 1.0 are equal, and are written otherwise."""
    number, text = float(literal.value or 0), str(literal.value)
    return And((Field(name, Op.AT_LEAST, text, place, number), Field(name, Op.AT_MOST, text, place, number)))


def _there(name: str, place: Place) -> Tree:
    """Return that the field is there, be it empty."""
    return Or((Has(name, place), Field(name, Op.EQUAL, "", place)))


def _own(name: str, op: str, literal: Literal) -> Tree:
    """Return the condition on a column; all for what is only known of a whole trace."""
    if name == "nestedSetParent" and (op, literal.value) in {("<", 0), ("=", -1)}:
        return Not(Has("parent_id", Place.OWN))
    if name == "event:name" and literal.type is Type.TEXT and op in {"=", "=~"}:
        return _one("name", op, literal, Place.EVENT)
    column = _COLUMNS.get(name)
    if column is None or literal.type is Type.NIL:
        return All()
    if literal.type in _WORDS and isinstance(literal.value, int):
        equal: Tree = Field(column, Op.EQUAL, _WORDS[literal.type][literal.value], Place.OWN)
    elif op in _ORDERS:
        if literal.type is Type.TEXT:
            return All()
        return Field(column, _ORDERS[op], str(literal.value), Place.OWN, float(literal.value or 0))
    elif op in {"=~", "!~"}:
        equal = Field(column, Op.REGEX, str(literal.value), Place.OWN)
    elif literal.type is Type.TEXT:
        equal = Field(column, Op.EQUAL, str(literal.value), Place.OWN)
    elif column == "duration":
        equal = _equal_number(column, literal, Place.OWN)
    else:
        return All()
    return Not(equal) if op in {"!=", "!~"} else equal
