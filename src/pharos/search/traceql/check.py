"""Whether the types of a TraceQL expression go together: what can never be true is told at once."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from pharos.errors import PharosError
from pharos.gotext.quoting import quote
from pharos.patterns import compiled
from pharos.search.traceql.ast import (
    INTRINSICS,
    NUMBERS,
    Aggregate,
    Attribute,
    Binary,
    Expression,
    Intrinsic,
    Literal,
    Type,
    Unary,
)
from pharos.search.traceql.lex import fault

_ORDERS: Final = frozenset({"<", "<=", ">", ">="})
_ARITHMETIC: Final = frozenset({"+", "-", "*", "/", "%", "^"})
_ORDERED: Final = NUMBERS | {Type.TEXT}


@lru_cache(256)
def compile_pattern(pattern: str) -> Any:
    """Return a pattern of RE2, whose dot takes no line break. Raises PharosError(INVALID)."""
    return compiled(pattern, f"{quote(pattern[:80])} is no pattern")


def type_of(expression: Expression) -> Type:
    """Return what an expression that was checked evaluates to."""
    match expression:
        case Literal():
            return expression.type
        case Intrinsic():
            return INTRINSICS[expression.name]
        case Attribute():
            return Type.UNKNOWN
        case Unary():
            return Type.BOOL if expression.op == "!" else type_of(expression.operand)
        case Binary():
            return Type.FLOAT if expression.op in _ARITHMETIC else Type.BOOL


def check(expression: Expression, at: int) -> Type:
    """Return what an expression evaluates to. Raises PharosError(INVALID) where its types do not fit."""
    match expression:
        case Unary():
            operand = check(expression.operand, at)
            wanted = frozenset({Type.BOOL}) if expression.op == "!" else NUMBERS
            if operand not in wanted | {Type.UNKNOWN}:
                raise fault(f"{expression.op} cannot stand before {_one(operand)}", at)
        case Binary():
            _check_pair(expression, check(expression.left, at), check(expression.right, at), at)
    return type_of(expression)


def _one(kind: Type) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _check_pair(expression: Binary, left: Type, right: Type, at: int) -> None:
    op = expression.op
    known = {left, right} - {Type.UNKNOWN}
    if op in {"&&", "||"}:
        fits = known <= {Type.BOOL}
    elif op in _ARITHMETIC:
        fits = known <= NUMBERS
    elif op in {"=~", "!~"}:
        fits = known <= {Type.TEXT}
        _check_pattern(expression.right, at)
    elif Type.NIL in known:
        fits = op in {"=", "!="}
    else:
        fits = len(known) < 2 or known <= NUMBERS
        fits = fits and (op not in _ORDERS or known <= _ORDERED)
    if not fits:
        raise fault(f"{_one(left)} and {_one(right)} do not go together by {quote(op)}", at)


def _check_pattern(pattern: Expression, at: int) -> None:
    if not isinstance(pattern, Literal) or not isinstance(pattern.value, str):
        raise fault("a pattern must be written as text", at)
    try:
        compile_pattern(pattern.value)
    except PharosError as exc:
        raise fault(exc.message, at) from exc


def _reads_span(expression: Expression) -> bool:
    match expression:
        case Literal():
            return False
        case Unary():
            return _reads_span(expression.operand)
        case Binary():
            return _reads_span(expression.left) or _reads_span(expression.right)
        case _:
            return True


def check_group(by: Expression, at: int) -> None:
    """Raise PharosError(INVALID) unless spans can be grouped by the expression."""
    check(by, at)
    if not _reads_span(by):
        raise fault("by() needs a field of the span", at)


def check_aggregate(aggregate: Aggregate, at: int) -> None:
    """Raise PharosError(INVALID) unless the aggregate has the argument that it needs."""
    of = aggregate.of
    if aggregate.name == "count":
        if of is not None:
            raise fault("count() takes nothing", at)
        return
    if of is None:
        raise fault(f"{aggregate.name}() needs a field of the span", at)
    if check(of, at) not in NUMBERS | {Type.UNKNOWN}:
        raise fault(f"{aggregate.name}() needs a number", at)
    if not _reads_span(of):
        raise fault(f"{aggregate.name}() needs a field of the span", at)
