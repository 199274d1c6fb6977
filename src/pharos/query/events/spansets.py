"""TraceQL evaluated on one trace: which of its spans a query selects.

Semantics follow Tempo: what is not there, and what is of another type, makes a comparison false, whichever it
is; only `nil` asks whether something is there.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from pharos.errors import Kind, PharosError
from pharos.query.events.rows import Attributes, Span, ValueKind
from pharos.query.events.trace_tree import Node, TraceTree
from pharos.search.traceql.ast import (
    COMPARISONS,
    NUMBERS,
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
from pharos.search.traceql.check import compile_pattern

Value: TypeAlias = "tuple[Type, Any]"
"""A value with its type; durations in nanoseconds, status and kind as OpenTelemetry's numbers."""
_TRUE: Final = (Type.BOOL, True)
_NEGATIONS: Final = frozenset({"!=", "!~"})
_ARITHMETIC: Final[dict[str, Callable[[float, float], float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": math.fmod,
    "^": operator.pow,
}
_ENUMS: Final = frozenset({Type.STATUS, Type.KIND, Type.BOOL})


class Found(Struct, frozen=True):
    """Spans of a trace that a query selects, and by what they were grouped."""

    nodes: tuple[Node, ...]
    """In the order of the trace's walk."""
    groups: tuple[tuple[str, Value | None], ...] = ()
    selected: tuple[Attribute | Intrinsic, ...] = ()


def value_of(text: str, kind: ValueKind) -> list[Value]:
    """Return an attribute's value, if it has one; lists and maps are the JSON text that they are kept as."""
    match kind:
        case ValueKind.INTEGER:
            return [(Type.INTEGER, int(text))]
        case ValueKind.DOUBLE:
            return [(Type.FLOAT, float(text))]
        case ValueKind.BOOL:
            return [(Type.BOOL, text == "true")]
        case ValueKind.NONE:
            return []
        case _:
            return [(Type.TEXT, text)]


def among(attributes: Attributes, name: str) -> list[Value] | None:
    """Return an attribute's values; None if it is not there."""
    for key, text, kind in attributes:
        if key == name:
            return value_of(text, kind)
    return None


def _in_several(several: Iterable[Attributes], name: str) -> list[Value] | None:
    found = [values for one in several if (values := among(one, name)) is not None]
    return [value for values in found for value in values] if found else None


def _attribute(span: Span, asked: Attribute) -> list[Value]:
    name = asked.name
    match asked.scope:
        case AttributeScope.SPAN:
            found = among(span.attributes, name)
        case AttributeScope.RESOURCE:
            found = among(span.origin.resource, name)
        case AttributeScope.EVENT:
            found = _in_several((event.attributes for event in span.events), name)
        case AttributeScope.LINK:
            found = _in_several((link.attributes for link in span.links), name)
        case AttributeScope.INSTRUMENTATION:
            found = among(span.origin.scope, name)
        case AttributeScope.ANY:
            found = among(span.attributes, name)
            found = among(span.origin.resource, name) if found is None else found
    return found or []


class Evaluation:
    """A query's evaluation on one trace."""

    def __init__(self, tree: TraceTree) -> None:
        self._tree = tree

    def run(self, query: Pipeline) -> list[Found]:
        """Return what the query selects of the trace: nothing where the trace is none of those asked for."""
        return self._pipeline(query, [Found(self._tree.nodes)])

    def _pipeline(self, query: Pipeline, given: list[Found]) -> list[Found]:
        for stage in query.stages:
            given = [one for one in self._stage(stage, given) if one.nodes]
            if not given:
                return []
        return given

    def _stage(self, stage: Stage, given: list[Found]) -> list[Found]:
        match stage:
            case Filter() | Combined():
                return [replace(one, nodes=self._spanset(stage, one.nodes)) for one in given]
            case Pipeline():
                return self._pipeline(stage, given)
            case Keep():
                return [one for one in given if self._keeps(stage, one.nodes)]
            case GroupBy():
                return [part for one in given for part in self._grouped(stage, one)]
            case Coalesce():
                members = {node.index for one in given for node in one.nodes}
                return [Found(self._in_order(members), (), given[0].selected)]
            case Select():
                return [replace(one, selected=one.selected + stage.fields) for one in given]

    def _in_order(self, members: set[int]) -> tuple[Node, ...]:
        return tuple(node for node in self._tree.nodes if node.index in members)

    def _spanset(self, asked: Spanset, nodes: Sequence[Node]) -> tuple[Node, ...]:
        match asked:
            case Filter():
                condition = asked.condition
                return tuple(node for node in nodes if condition is None or self.is_true(condition, node))
            case Pipeline():
                found = self._pipeline(asked, [Found(tuple(nodes))])
                return self._in_order({node.index for one in found for node in one.nodes})
            case Combined():
                return self._combined(
                    asked.op, self._spanset(asked.left, nodes), self._spanset(asked.right, nodes)
                )

    def _combined(self, op: str, left: tuple[Node, ...], right: tuple[Node, ...]) -> tuple[Node, ...]:
        if op in {"&&", "||"}:
            if op == "&&" and not (left and right):
                return ()
            return self._in_order({node.index for node in (*left, *right)})
        relation = op.lstrip("!&")
        related = _related(relation, left, right)
        if op.startswith("!"):
            return tuple(node for node in right if node.index not in related)
        if not op.startswith("&"):
            return tuple(node for node in right if node.index in related)
        both = set(related)
        both |= _related(_BACKWARDS[relation], [node for node in right if node.index in related], left)
        return self._in_order(both)

    def _keeps(self, stage: Keep, nodes: Sequence[Node]) -> bool:
        made = self._aggregate(stage.aggregate, nodes)
        return made is not None and COMPARISONS[stage.op](made, stage.value.value)

    def _aggregate(self, asked: Aggregate, nodes: Sequence[Node]) -> float | None:
        """Return the aggregate; None if no span has the number."""
        if asked.of is None:
            return len(nodes)
        numbers: list[float] = [
            value for node in nodes for kind, value in self.values(asked.of, node)[:1] if kind in NUMBERS
        ]
        if not numbers:
            return None
        match asked.name:
            case "min":
                return min(numbers)
            case "max":
                return max(numbers)
            case "sum":
                return sum(numbers)
            case _:
                return sum(numbers) / len(numbers)

    def _grouped(self, stage: GroupBy, found: Found) -> list[Found]:
        parts: dict[Value | None, list[Node]] = {}
        for node in found.nodes:
            values = self.values(stage.by, node)
            parts.setdefault(values[0] if values else None, []).append(node)
        name = str(stage.by) if isinstance(stage.by, Attribute | Intrinsic) else "expression"
        return [
            Found(tuple(nodes), (*found.groups, (f"by({name})", value)), found.selected)
            for value, nodes in parts.items()
        ]

    def is_true(self, expression: Expression, node: Node) -> bool:
        """Return whether an expression is true of a span."""
        return _TRUE in self.values(expression, node)

    def values(self, expression: Expression, node: Node) -> list[Value]:
        """Return what an expression is for a span: nothing where it has none, of some fields several."""
        match expression:
            case Literal():
                return [] if expression.type is Type.NIL else [(expression.type, expression.value)]
            case Attribute():
                return _attribute(node.span, expression)
            case Intrinsic():
                return self._intrinsic(expression.name, node)
            case Unary(op="!"):
                return [(Type.BOOL, not self.is_true(expression.operand, node))]
            case Unary():
                return [
                    (kind, -value) for kind, value in self.values(expression.operand, node) if kind in NUMBERS
                ]
            case Binary(op="&&"):
                both = self.is_true(expression.left, node) and self.is_true(expression.right, node)
                return [(Type.BOOL, both)]
            case Binary(op="||"):
                either = self.is_true(expression.left, node) or self.is_true(expression.right, node)
                return [(Type.BOOL, either)]
            case Binary():
                left, right = self.values(expression.left, node), self.values(expression.right, node)
                if expression.op in _ARITHMETIC:
                    return _computed(expression.op, left, right)
                if Literal(None, Type.NIL) in (expression.left, expression.right):
                    return [(Type.BOOL, (not left and not right) == (expression.op == "="))]
                return [(Type.BOOL, holds(expression.op, left, right))]

    def _intrinsic(self, name: str, node: Node) -> list[Value]:
        span = node.span
        root = self._tree.root
        match name:
            case "duration":
                return [(Type.DURATION, max(span.end_ns - span.start_ns, 0))]
            case "name":
                return [(Type.TEXT, span.name)]
            case "status":
                return [(Type.STATUS, span.status)]
            case "statusMessage":
                return [(Type.TEXT, span.status_message)]
            case "kind":
                return [(Type.KIND, span.kind)]
            case "traceDuration":
                return [(Type.DURATION, self._tree.end_ns - self._tree.start_ns)]
            case "rootName":
                return [(Type.TEXT, root.span.name)] if root is not None else []
            case "rootServiceName":
                return [(Type.TEXT, root.span.origin.service)] if root is not None else []
            case "childCount":
                return [(Type.INTEGER, len(node.children))]
            case "nestedSetParent":
                return [(Type.INTEGER, -1 if node.parent is None else node.parent.left)]
            case "nestedSetLeft":
                return [(Type.INTEGER, node.left)]
            case "nestedSetRight":
                return [(Type.INTEGER, node.right)]
            case "event:timeSinceStart":
                return [(Type.DURATION, event.ts_ns - span.start_ns) for event in span.events]
            case _:
                return [(Type.TEXT, text) for text in _texts(name, span)]


def _texts(name: str, span: Span) -> list[str]:
    """Return the values of an intrinsic that is text."""
    match name:
        case "trace:id":
            return [span.trace_id]
        case "span:id":
            return [span.span_id]
        case "span:parentID":
            return [span.parent_id] if span.parent_id else []
        case "event:name":
            return [event.name for event in span.events]
        case "link:traceID":
            return [link.trace_id for link in span.links]
        case "link:spanID":
            return [link.span_id for link in span.links]
        case "instrumentation:name":
            return [span.origin.scope_name] if span.origin.scope_name else []
        case "instrumentation:version":
            return [span.origin.scope_version] if span.origin.scope_version else []
        case _:
            raise PharosError(Kind.BUG, f"the intrinsic {name} is not evaluated")


def _computed(op: str, left: list[Value], right: list[Value]) -> list[Value]:
    if not left or not right or left[0][0] not in NUMBERS or right[0][0] not in NUMBERS:
        return []
    try:
        made = _ARITHMETIC[op](left[0][1], right[0][1])
    except (ArithmeticError, ValueError):
        return []
    return [(Type.FLOAT, made)] if isinstance(made, int | float) else []


def holds(op: str, left: list[Value], right: list[Value]) -> bool:
    """Return whether a comparison holds for any pair of values; a negation must hold for all of them."""
    pairs = [(one, other) for one in left for other in right if _go_together(one[0], other[0])]
    if not pairs:
        return False
    if op in {"=~", "!~"}:
        pattern = compile_pattern(right[0][1])
        found = [pattern.fullmatch(one[1]) is not None for one, _ in pairs if one[0] is Type.TEXT]
        return any(found) if op == "=~" else bool(found) and not any(found)
    compare = COMPARISONS[op]
    if op not in {"=", "!="}:
        pairs = [pair for pair in pairs if pair[0][0] not in _ENUMS]
    judged = [compare(one[1], other[1]) for one, other in pairs]
    return all(judged) if op in _NEGATIONS else any(judged)


def _go_together(one: Type, other: Type) -> bool:
    return one is other or (one in NUMBERS and other in NUMBERS)


_BACKWARDS: Final = {">": "<", ">>": "<<", "<": ">", "<<": ">>", "~": "~"}


def _related(relation: str, left: Sequence[Node], right: Sequence[Node]) -> set[int]:
    """Return which spans of `right` stand so to a span of `left`: `>` is a child of one, `<` a parent."""
    members = {node.index for node in left}
    match relation:
        case ">":
            return {node.index for node in right if node.parent is not None and node.parent.index in members}
        case ">>":
            below = _below(left)
            return {node.index for node in right if node.index in below}
        case "<":
            parents = {node.parent.index for node in left if node.parent is not None}
            return {node.index for node in right if node.index in parents}
        case "<<":
            above = _above(left)
            return {node.index for node in right if node.index in above}
        case _:
            return {node.index for node in right if _has_sibling(node, members)}


def _has_sibling(node: Node, members: set[int]) -> bool:
    siblings = () if node.parent is None else node.parent.children
    return any(other.index in members for other in siblings if other is not node)


def _below(nodes: Iterable[Node]) -> set[int]:
    found: set[int] = set()
    waiting = [child for node in nodes for child in node.children]
    while waiting:
        node = waiting.pop()
        if node.index not in found:
            found.add(node.index)
            waiting.extend(node.children)
    return found


def _above(nodes: Iterable[Node]) -> set[int]:
    found: set[int] = set()
    for node in nodes:
        for ancestor in node.ancestors():
            if ancestor.index in found:
                break
            found.add(ancestor.index)
    return found
