"""Nodes back to text and to JSON, exactly as Prometheus prints them.

`to_text` is upstream's `Expr.String` (promql/parser/printer.go), `to_pretty` its `Pretty`
(promql/parser/prettier.go, behind `/api/v1/format_query`), `to_json` its `translateAST`
(web/api/v1/translate_ast.go, behind `/api/v1/parse_query`).
"""

from __future__ import annotations

from typing import Any, Final, assert_never

from pharos.gotext.durations import format_duration
from pharos.gotext.numbers import format_f, format_g
from pharos.gotext.quoting import quote
from pharos.labels import LEGACY_LABEL_NAME, METRIC_NAME, Matcher, MatchOp
from pharos.promql.language.ast import (
    Aggregate,
    Anchor,
    At,
    Binary,
    Call,
    Duration,
    DurationExpr,
    Expr,
    Matching,
    MatrixSelector,
    NumberLiteral,
    Paren,
    StepInvariant,
    StringLiteral,
    Subquery,
    Unary,
    VectorSelector,
)
from pharos.promql.language.check import SYMBOLS
from pharos.promql.language.functions import FUNCTIONS

_LINE: Final = 100
_INDENT: Final = "  "


def to_text(node: Expr) -> str:
    """Return the query that `node` is, on one line."""
    match node:
        case NumberLiteral(value=value, duration=is_duration):
            return _number(value, is_duration=is_duration)
        case StringLiteral(value=value):
            return quote(value)
        case VectorSelector():
            return _selector(node) + _at(node.at) + _extended(node) + _offset(node.offset)
        case MatrixSelector(selector=selector, range=width):
            modifiers = _extended(selector) + _at(selector.at) + _offset(selector.offset)
            return f"{_selector(selector)}[{_duration(width)}]{modifiers}"
        case Subquery(expr=inner):
            return to_text(inner) + subquery_suffix(node)
        case Call(func=func, args=args):
            return f"{func}({', '.join(map(to_text, args))})"
        case Aggregate(expr=inner, param=param):
            head = "" if param is None else f"{to_text(param)}, "
            return f"{aggregation_text(node)}({head}{to_text(inner)})"
        case Binary(left=left, right=right):
            return f"{to_text(left)} {operator_text(node)} {to_text(right)}"
        case Unary(op=op, expr=inner):
            return op + to_text(inner)
        case Paren(expr=inner):
            return f"({to_text(inner)})"
        case StepInvariant(expr=inner):
            return to_text(inner)
        case _:
            assert_never(node)


def to_pretty(node: Expr, level: int = 0) -> str:
    """Return the query that `node` is, with what is longer than a line on several, indented by `level`."""
    text = to_text(node)
    indent = _INDENT * level
    if isinstance(node, Subquery):
        if _fits(text):
            return text
        return to_pretty(node.expr, level) + subquery_suffix(node)
    if isinstance(node, StepInvariant):
        return to_pretty(node.expr, level)
    if isinstance(node, Unary):
        return f"{indent}{node.op}{to_pretty(node.expr, level).strip()}"
    if _fits(text):
        return indent + text
    match node:
        case Aggregate(expr=inner, param=param):
            head = "" if param is None else f"{to_pretty(param, level + 1)},\n"
            return f"{indent}{aggregation_text(node)}(\n{head}{to_pretty(inner, level + 1)}\n{indent})"
        case Binary(left=left, right=right):
            return (
                f"{to_pretty(left, level + 1)}\n{indent}{operator_text(node)}\n{to_pretty(right, level + 1)}"
            )
        case Call(func=func, args=args) if args:
            inside = ",\n".join(to_pretty(arg, level + 1) for arg in args)
            return f"{indent}{func}(\n{inside}\n{indent})"
        case Paren(expr=inner):
            return f"{indent}(\n{to_pretty(inner, level + 1)}\n{indent})"
        case _:
            return indent + text


def _fits(text: str) -> bool:
    return len(text) <= _LINE and len(text.encode("utf-8", "surrogatepass")) <= _LINE


def _number(value: float, *, is_duration: bool) -> str:
    return format_duration(round(value * 1000)) if is_duration else format_f(value)


def format_matcher(matcher: Matcher) -> str:
    """Return a matcher as it stands in braces; a name that is not of the old kind is quoted."""
    return f"{_label(matcher.name)}{matcher.op}{quote(matcher.value)}"


def _label(name: str) -> str:
    return name if LEGACY_LABEL_NAME.fullmatch(name) else quote(name)


def _labels(names: tuple[str, ...]) -> str:
    return ", ".join(map(_label, names))


def _selector(node: VectorSelector) -> str:
    """Return name and matchers, sorted; the name is not said twice."""
    shown = sorted(
        format_matcher(matcher)
        for matcher in node.matchers
        if not (
            node.name
            and matcher.name == METRIC_NAME
            and matcher.op is MatchOp.EQUAL
            and matcher.value == node.name
        )
    )
    if not shown:
        return node.name or "{}"
    return f"{node.name}{{{','.join(shown)}}}"


def _at(at: At | None) -> str:
    if at is None:
        return ""
    if at.anchor is Anchor.TIME:
        return f" @ {at.ms / 1000:.3f}"
    return f" @ {at.anchor}()"


def _extended(node: VectorSelector) -> str:
    return " anchored" if node.anchored else " smoothed" if node.smoothed else ""


def _offset(offset: Duration) -> str:
    return "" if offset == 0 else f" offset {_duration(offset)}"


def _duration(duration: Duration) -> str:
    return format_duration(duration) if isinstance(duration, int) else _duration_expr(duration)


def _duration_expr(node: DurationExpr) -> str:
    match node.op:
        case "number":
            text = _number(node.seconds, is_duration=node.duration)
        case "step" | "range":
            text = f"{node.op}()"
        case "min_of" | "max_of":
            text = f"{node.op}({', '.join(map(_duration_expr, node.args))})"
        case "neg":
            text = "-" + _duration_expr(node.args[0])
        case _:
            text = f" {node.op} ".join(map(_duration_expr, node.args))
    return f"({text})" if node.wrapped else text


def subquery_suffix(node: Subquery) -> str:
    """Return the brackets of a subquery and what follows them."""
    step = "" if node.step is None else _duration(node.step)
    return f"[{_duration(node.range)}:{step}]{_at(node.at)}{_offset(node.offset)}"


def aggregation_text(node: Aggregate) -> str:
    """Return an aggregation up to its arguments."""
    if node.without:
        return f"{node.op} without ({_labels(node.grouping)}) "
    return f"{node.op} by ({_labels(node.grouping)}) " if node.grouping else node.op


def operator_text(node: Binary) -> str:
    """Return the operator of a binary operation with its modifiers."""
    return node.op + (" bool" if node.bool_modifier else "") + _matching(node.matching)


def _matching(matching: Matching | None) -> str:
    if matching is None:
        return ""
    text = ""
    side = {"many-to-one": "left", "one-to-many": "right"}.get(matching.card)
    if matching.labels or matching.on or side:
        text = f" {'on' if matching.on else 'ignoring'} ({_labels(matching.labels)})"
    if side:
        text += f" group_{side} ({_labels(matching.include)})"
    left, right = matching.fill_left, matching.fill_right
    if left is not None and right is not None and repr(left) == repr(right):
        return f"{text} fill ({format_g(left)})"
    if left is not None:
        text += f" fill_left ({format_g(left)})"
    if right is not None:
        text += f" fill_right ({format_g(right)})"
    return text


def to_json(node: Expr) -> dict[str, Any]:
    """Return `node` in the shape of `/api/v1/parse_query`; times are milliseconds, expressions of them 0."""
    match node:
        case NumberLiteral(value=value):
            return {"type": "numberLiteral", "val": format_f(value)}
        case StringLiteral(value=value):
            return {"type": "stringLiteral", "val": value}
        case VectorSelector():
            return {"type": "vectorSelector", **_selector_json(node)}
        case MatrixSelector(selector=selector, range=width):
            return {"type": "matrixSelector", "range": _ms(width), **_selector_json(selector)}
        case Subquery(expr=inner):
            return {
                "type": "subquery",
                "expr": to_json(inner),
                "range": _ms(node.range),
                "step": 0 if node.step is None else _ms(node.step),
                "offset": _ms(node.offset),
                **_at_json(node.at),
            }
        case Call():
            return _call_json(node)
        case Aggregate(expr=inner, param=param):
            return {
                "type": "aggregation",
                "op": node.op,
                "expr": to_json(inner),
                "param": None if param is None else to_json(param),
                "grouping": list(node.grouping),
                "without": node.without,
            }
        case Binary(left=left, right=right):
            return {
                "type": "binaryExpr",
                "op": node.op,
                "lhs": to_json(left),
                "rhs": to_json(right),
                "matching": _matching_json(node.matching),
                "bool": node.bool_modifier,
            }
        case Unary(op=op, expr=inner):
            return {"type": "unaryExpr", "op": op, "expr": to_json(inner)}
        case Paren(expr=inner):
            return {"type": "parenExpr", "expr": to_json(inner)}
        case StepInvariant(expr=inner):
            return to_json(inner)
        case _:
            assert_never(node)


def _ms(duration: Duration) -> int:
    return duration if isinstance(duration, int) else 0


def _at_json(at: At | None) -> dict[str, Any]:
    timed = at is not None and at.anchor is Anchor.TIME
    return {
        "timestamp": at.ms if timed and at is not None else None,
        "startOrEnd": None if at is None or timed else str(at.anchor),
    }


def _selector_json(node: VectorSelector) -> dict[str, Any]:
    return {
        "name": node.name,
        "offset": _ms(node.offset),
        "matchers": [
            {"name": matcher.name, "value": matcher.value, "type": str(matcher.op)}
            for matcher in node.matchers
        ],
        **_at_json(node.at),
        "anchored": node.anchored,
        "smoothed": node.smoothed,
    }


def _call_json(node: Call) -> dict[str, Any]:
    function = FUNCTIONS[node.func]
    return {
        "type": "call",
        "func": {
            "name": function.name,
            "argTypes": [SYMBOLS[kind] for kind in function.args],
            "variadic": function.variadic,
            "returnType": SYMBOLS[function.returns],
        },
        "args": [to_json(arg) for arg in node.args],
    }


def _matching_json(matching: Matching | None) -> dict[str, Any] | None:
    if matching is None:
        return None
    return {
        "card": str(matching.card),
        "labels": list(matching.labels),
        "on": matching.on,
        "include": list(matching.include),
        "fillValues": {"lhs": matching.fill_left, "rhs": matching.fill_right},
    }
