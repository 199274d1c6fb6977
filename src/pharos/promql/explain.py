"""A plan as a tree of text, for people and for golden files."""

from __future__ import annotations

from pharos.gotext.durations import format_duration
from pharos.promql.language.ast import (
    Aggregate,
    Binary,
    Call,
    Expr,
    MatrixSelector,
    StepInvariant,
    Subquery,
    Unary,
    VectorSelector,
)
from pharos.promql.language.durations import whole_ms
from pharos.promql.language.printer import (
    aggregation_text,
    format_matcher,
    operator_text,
    subquery_suffix,
    to_text,
)
from pharos.promql.plan import Planned, children


def explain_tree(planned: Planned) -> str:
    """Return the plan as a tree: a line for every node, then one for every fetch.

    A node that is used more than once is printed once and named `#n`; later places only name it.
    """
    lines = [f"query from {planned.start_ms} to {planned.end_ms} step {planned.step_ms} (milliseconds)"]
    shared: dict[int, int] = {}
    _walk(planned, planned.expr, "", "", lines, shared)
    for index, fetch in enumerate(planned.fetches):
        matchers = ",".join(map(format_matcher, fetch.matchers))
        lines.append(f"fetch {index}: {{{matchers}}} from {fetch.start_ms} to {fetch.end_ms}")
    return "\n".join(lines) + "\n"


def _walk(
    planned: Planned, node: Expr, first: str, rest: str, lines: list[str], shared: dict[int, int]
) -> None:
    label = _label(planned, node)
    number = shared.get(id(node))
    if number is not None:
        lines.append(f"{first}#{number} {label}")
        return
    below = () if isinstance(node, MatrixSelector) else children(node)
    if below and planned.is_shared(node):
        shared[id(node)] = len(shared) + 1
        label = f"#{shared[id(node)]} = {label}"
    lines.append(first + label)
    for index, child in enumerate(below):
        is_last = index == len(below) - 1
        branch, trunk = ("└─ ", "   ") if is_last else ("├─ ", "│  ")
        _walk(planned, child, rest + branch, rest + trunk, lines, shared)


def _label(planned: Planned, node: Expr) -> str:
    match node:
        case Aggregate():
            return f"aggregate {aggregation_text(node).strip()}"
        case Binary():
            return f"binary {operator_text(node)}"
        case Call(func="info", args=args) if len(args) > 1:
            return f"call info, labels {to_text(args[1])}"
        case Call(func=func):
            return f"call {func}"
        case Unary(op=op):
            return f"unary {op}"
        case StepInvariant():
            return "once"
        case Subquery():
            return f"subquery {subquery_suffix(node)}"
        case MatrixSelector(selector=selector, range=width):
            range_text = format_duration(whole_ms(width))
            return f"range {to_text(node)} ({range_text}, fetch {_fetch(planned, selector)})"
        case VectorSelector():
            return f"instant {to_text(node)} (fetch {_fetch(planned, node)})"
        case _:
            return "paren" if children(node) else f"literal {to_text(node)}"


def _fetch(planned: Planned, selector: VectorSelector) -> int:
    return planned.fetches.index(planned.fetch_of(selector))
