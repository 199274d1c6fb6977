"""Types, arity and the other rules that the grammar does not know, with Prometheus' messages.

The rules and their order are those of upstream's checkAST (promql/parser/parse.go), since only the first
error is shown. Rules of single nodes that the parser can tell at once (grouping labels, modifiers,
experimental functions) stand in `parse`.
"""

from __future__ import annotations

import dataclasses
from typing import assert_never

from msgspec.structs import replace

from pharos.gotext.quoting import quote
from pharos.labels import METRIC_NAME
from pharos.promql.language.ast import (
    Aggregate,
    Binary,
    Call,
    Cardinality,
    Expr,
    Matching,
    MatrixSelector,
    NumberLiteral,
    Paren,
    StepInvariant,
    StringLiteral,
    Subquery,
    Unary,
    ValueType,
    VectorSelector,
)
from pharos.promql.language.faults import parse_error
from pharos.promql.language.functions import AGGREGATORS, COMPARISONS, FUNCTIONS, SET_OPERATORS

MAX_DEPTH = 200
"""How deep the tree of a query may be; what walks a tree may recurse that far."""

SYMBOLS = {
    ValueType.VECTOR: "vector",
    ValueType.MATRIX: "matrix",
    ValueType.SCALAR: "scalar",
    ValueType.STRING: "string",
}
"""The types as upstream writes them in JSON and in a few messages."""

_OPERANDS = (ValueType.SCALAR, ValueType.VECTOR)


def type_of(expr: Expr) -> ValueType:
    """Return the type an expression evaluates to."""
    binary = False
    while True:
        match expr:
            case Paren(expr=inner) | Unary(expr=inner) | StepInvariant(expr=inner):
                expr = inner
                continue
            case Binary(left=left, right=right):
                if type_of(right) is not ValueType.SCALAR:
                    return ValueType.VECTOR
                expr, binary = left, True
                continue
            case NumberLiteral():
                kind = ValueType.SCALAR
            case StringLiteral():
                kind = ValueType.STRING
            case VectorSelector() | Aggregate():
                kind = ValueType.VECTOR
            case MatrixSelector() | Subquery():
                kind = ValueType.MATRIX
            case Call(func=func):
                kind = FUNCTIONS[func].returns
            case _:
                assert_never(expr)
        return ValueType.VECTOR if binary and kind is not ValueType.SCALAR else kind


def check(expr: Expr, text: str) -> Expr:
    """Return `expr` with the matching of every binary operation settled.

    Raises PharosError(INVALID) with the first broken rule, placed in `text`, or for a tree that is deeper
    than MAX_DEPTH.
    """
    return _Checker(text).visit(expr, 1)[0]


class _Checker:
    def __init__(self, text: str) -> None:
        self.text = text

    def visit(self, node: Expr, depth: int) -> tuple[Expr, ValueType]:
        """Return the checked node and its type; nodes without a change stay the same objects."""
        if depth > MAX_DEPTH:
            raise self._fail(node, f"query is nested too deeply: more than {MAX_DEPTH} levels")
        match node:
            case NumberLiteral():
                return node, ValueType.SCALAR
            case StringLiteral():
                return node, ValueType.STRING
            case VectorSelector():
                self._selector(node)
                return node, ValueType.VECTOR
            case MatrixSelector(selector=selector):
                self._selector(selector)
                return node, ValueType.MATRIX
            case Subquery(expr=inner):
                checked, kind = self.visit(inner, depth + 1)
                if kind is not ValueType.VECTOR:
                    message = f"subquery is only allowed on instant vector, got {SYMBOLS[kind]} instead"
                    raise self._fail(node, message)
                return node if checked is inner else dataclasses.replace(node, expr=checked), ValueType.MATRIX
            case Paren(expr=inner):
                checked, kind = self.visit(inner, depth + 1)
                return node if checked is inner else dataclasses.replace(node, expr=checked), kind
            case Unary(expr=inner):
                checked, kind = self.visit(inner, depth + 1)
                if kind not in _OPERANDS:
                    raise self._fail(
                        node,
                        "unary expression only allowed on expressions of type scalar or instant vector, "
                        f'got "{kind}"',
                    )
                return node if checked is inner else dataclasses.replace(node, expr=checked), kind
            case Aggregate():
                return self._aggregate(node, depth), ValueType.VECTOR
            case Call():
                return self._call(node, depth), FUNCTIONS[node.func].returns
            case Binary():
                return self._binary(node, depth)
            case StepInvariant():
                return node, type_of(node)
            case _:
                assert_never(node)

    def _fail(self, node: Expr, message: str) -> Exception:
        return parse_error(self.text, node.place.start, message)

    def _expect(self, node: Expr, want: ValueType, where: str, depth: int) -> Expr:
        checked, kind = self.visit(node, depth + 1)
        if kind is not want:
            raise self._fail(node, f"expected type {want} in {where}, got {kind}")
        return checked

    def _aggregate(self, node: Aggregate, depth: int) -> Expr:
        inner = self._expect(node.expr, ValueType.VECTOR, "aggregation expression", depth)
        param, want = node.param, AGGREGATORS[node.op].param
        if param is not None and want is not None:
            param = self._expect(param, want, "aggregation parameter", depth)
        if inner is node.expr and param is node.param:
            return node
        return dataclasses.replace(node, expr=inner, param=param)

    def _selector(self, node: VectorSelector) -> None:
        if node.name:
            for matcher in node.matchers[:-1]:
                if matcher.name == METRIC_NAME:
                    raise self._fail(
                        node,
                        f"metric name must not be set twice: {quote(node.name)} or {quote(matcher.value)}",
                    )
        elif all(matcher.matches_empty() for matcher in node.matchers):
            raise self._fail(node, "vector selector must contain at least one non-empty matcher")

    def _call(self, node: Call, depth: int) -> Expr:
        function = FUNCTIONS[node.func]
        self._arity(node)
        args = list(node.args)
        for index, arg in enumerate(node.args):
            want = function.args[min(index, len(function.args) - 1)]
            if node.func == "info" and index == 1:
                self._info_labels(node, arg)
                continue
            checked, kind = self.visit(arg, depth + 1)
            if kind is not want:
                raise self._fail(
                    arg, f"expected type {want} in call to function {quote(node.func)}, got {kind}"
                )
            args[index] = checked
        if all(new is old for new, old in zip(args, node.args, strict=True)):
            return node
        return dataclasses.replace(node, args=tuple(args))

    def _arity(self, node: Call) -> None:
        function = FUNCTIONS[node.func]
        name, given = quote(node.func), len(node.args)
        if function.variadic == 0:
            if given != function.least:
                message = f"expected {function.least} argument(s) in call to {name}, got {given}"
                raise self._fail(node, message)
            return
        if given < function.least:
            message = f"expected at least {function.least} argument(s) in call to {name}, got {given}"
            raise self._fail(node, message)
        if function.most is not None and given > function.most:
            message = f"expected at most {function.most} argument(s) in call to {name}, got {given}"
            raise self._fail(node, message)

    def _info_labels(self, node: Call, arg: Expr) -> None:
        """Check the second argument of `info`: matchers that may all match the empty value."""
        kind = type_of(arg)
        if kind is not ValueType.VECTOR:
            message = f"expected type {ValueType.VECTOR} in call to function {quote(node.func)}, got {kind}"
            raise self._fail(node, message)
        if not isinstance(arg, VectorSelector):
            raise self._fail(arg, "expected label selectors only")
        if arg.name:
            raise self._fail(arg, "expected label selectors only, got vector selector instead")

    def _binary(self, node: Binary, depth: int) -> tuple[Expr, ValueType]:
        left, left_type = self.visit(node.left, depth + 1)
        right, right_type = self.visit(node.right, depth + 1)
        matching = node.matching or Matching()
        scalars = left_type is ValueType.SCALAR and right_type is ValueType.SCALAR
        self._operator(node, matching, scalars=scalars)
        for side, kind in ((node.left, left_type), (node.right, right_type)):
            if kind not in _OPERANDS:
                message = "binary expression must contain only scalar and instant vector types"
                raise self._fail(side, message)
        is_set = node.op in SET_OPERATORS
        if left_type is ValueType.VECTOR and right_type is ValueType.VECTOR:
            settled: Matching | None = self._vectors(node, matching)
        else:
            if matching.labels:
                raise self._fail(node, "vector matching only allowed between instant vectors")
            if matching.fills:
                raise self._fail(node, "filling in missing series only allowed between instant vectors")
            if is_set:
                message = f"set operator {quote(node.op)} not allowed in binary scalar expression"
                raise self._fail(node, message)
            settled = None
        kind = ValueType.SCALAR if scalars else ValueType.VECTOR
        if left is node.left and right is node.right and settled == node.matching:
            return node, kind
        return dataclasses.replace(node, left=left, right=right, matching=settled), kind

    def _operator(self, node: Binary, matching: Matching, *, scalars: bool) -> None:
        compares = node.op in COMPARISONS
        message = ""
        if node.bool_modifier and not compares:
            message = "bool modifier can only be used on comparison operators"
        elif compares and scalars and not node.bool_modifier:
            message = "comparisons between scalars must use BOOL modifier"
        elif matching.on:
            both = [label for label in matching.labels if label in matching.include]
            if both:
                message = f"label {quote(both[0])} must not occur in ON and GROUP clause at once"
        if message:
            start = node.left.place.end
            while start < len(self.text) and self.text[start] in " \t\n\r":
                start += 1
            raise parse_error(self.text, start, message)

    def _vectors(self, node: Binary, matching: Matching) -> Matching:
        if node.op not in SET_OPERATORS:
            return matching
        if matching.card in (Cardinality.ONE_TO_MANY, Cardinality.MANY_TO_ONE):
            raise self._fail(node, f"no grouping allowed for {quote(node.op)} operation")
        if matching.fills:
            raise self._fail(node, "filling in missing series not allowed for set operators")
        return replace(matching, card=Cardinality.MANY_TO_MANY)
