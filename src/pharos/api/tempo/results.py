"""What a search of Tempo's answers with: traces, each with the spans that were found in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pharos.query.events.lower import KINDS, STATUSES
from pharos.query.events.spansets import Evaluation, Found, Value
from pharos.query.events.trace_tree import Node
from pharos.query.events.traces import Match
from pharos.search.traceql.ast import (
    Attribute,
    Binary,
    Combined,
    Expression,
    Filter,
    GroupBy,
    Intrinsic,
    Pipeline,
    Spanset,
    Type,
    Unary,
)

_NO_ROOT: Final = "<root span not yet received>"
_SHOWN_ANYWAY: Final = frozenset(
    {"name", "duration", "traceDuration", "rootName", "rootServiceName", "trace:id"}
)


def _any(value: Value) -> dict[str, Any]:
    kind, plain = value
    match kind:
        case Type.INTEGER | Type.DURATION:
            return {"intValue": str(plain)}
        case Type.FLOAT:
            return {"doubleValue": plain}
        case Type.BOOL:
            return {"boolValue": plain}
        case Type.STATUS:
            return {"stringValue": STATUSES[plain] if plain < len(STATUSES) else str(plain)}
        case Type.KIND:
            return {"stringValue": KINDS[plain] if plain < len(KINDS) else str(plain)}
        case _:
            return {"stringValue": str(plain)}


def _of_expression(expression: Expression) -> Iterator[Attribute | Intrinsic]:
    match expression:
        case Attribute() | Intrinsic():
            yield expression
        case Unary():
            yield from _of_expression(expression.operand)
        case Binary():
            yield from _of_expression(expression.left)
            yield from _of_expression(expression.right)


def _of_spanset(spanset: Spanset) -> Iterator[Attribute | Intrinsic]:
    match spanset:
        case Filter():
            if spanset.condition is not None:
                yield from _of_expression(spanset.condition)
        case Combined():
            yield from _of_spanset(spanset.left)
            yield from _of_spanset(spanset.right)
        case Pipeline():
            yield from fields_of(spanset)


def fields_of(query: Pipeline) -> list[Attribute | Intrinsic]:
    """Return the fields that a query names: they are shown with each span."""
    found: list[Attribute | Intrinsic] = []
    for stage in query.stages:
        match stage:
            case Filter() | Combined() | Pipeline():
                found += _of_spanset(stage)
            case GroupBy():
                found += _of_expression(stage.by)
            case _:
                pass
    return [one for one in dict.fromkeys(found) if str(one) not in _SHOWN_ANYWAY]


def _name(field: Attribute | Intrinsic) -> str:
    return field.name


def _span(evaluation: Evaluation, node: Node, fields: list[Attribute | Intrinsic]) -> dict[str, Any]:
    span = node.span
    attributes = [
        {"key": _name(field), "value": _any(value)}
        for field in fields
        for value in evaluation.values(field, node)[:1]
    ]
    return {
        "spanID": span.span_id,
        "name": span.name,
        "startTimeUnixNano": str(span.start_ns),
        "durationNanos": str(max(span.end_ns - span.start_ns, 0)),
        **({"attributes": attributes} if attributes else {}),
    }


def _set(
    evaluation: Evaluation, found: Found, fields: list[Attribute | Intrinsic], most: int
) -> dict[str, Any]:
    shown = list(dict.fromkeys([*fields, *found.selected]))
    grouped = [{"key": key, "value": _any(value)} for key, value in found.groups if value is not None]
    return {
        "spans": [_span(evaluation, node, shown) for node in found.nodes[:most]],
        "matched": len(found.nodes),
        **({"attributes": grouped} if grouped else {}),
    }


def trace_result(match: Match, fields: list[Attribute | Intrinsic], most_spans: int) -> dict[str, Any]:
    """Return what is said of one trace; of each set `most_spans` spans at most."""
    tree = match.tree
    root = tree.root
    evaluation = Evaluation(tree)
    sets = [_set(evaluation, found, fields, most_spans) for found in match.found]
    return {
        "traceID": tree.nodes[0].span.trace_id,
        "rootServiceName": root.span.origin.service if root else _NO_ROOT,
        "rootTraceName": root.span.name if root else "",
        "startTimeUnixNano": str(tree.start_ns),
        "durationMs": (tree.end_ns - tree.start_ns) // 1_000_000,
        "spanSet": sets[0],
        "spanSets": sets,
    }
