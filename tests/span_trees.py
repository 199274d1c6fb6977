"""Whether a span meets a condition of the search tree, said in plain Python: what the store is held to."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from typing import Any

import re2

from pharos.query.events.rows import Attributes, Span
from pharos.search.tree import All, And, Field, Has, Not, Op, Or, Origins, Place, Tree

_ORDERS: dict[Op, Any] = {
    Op.LESS: operator.lt,
    Op.AT_MOST: operator.le,
    Op.MORE: operator.gt,
    Op.AT_LEAST: operator.ge,
}
_KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"]
_STATUSES = ["unset", "ok", "error"]


def _own(span: Span, name: str) -> str:
    return {
        "service": span.origin.service,
        "name": span.name,
        "kind": _KINDS[span.kind],
        "status": _STATUSES[span.status],
        "status_message": span.status_message,
        "duration": str(span.end_ns - span.start_ns),
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_id": span.parent_id,
        "trace_state": span.trace_state,
    }[name]


def _of(groups: Iterable[Attributes], name: str) -> Iterator[str]:
    for group in groups:
        for key, value, _ in group:
            if key == name:
                yield value
                break


def _values(span: Span, name: str, place: Place) -> list[str]:
    match place:
        case Place.OWN:
            return [_own(span, name)]
        case Place.RECORD:
            return list(_of([span.attributes], name))
        case Place.RESOURCE:
            return list(_of([span.origin.resource], name))
        case Place.SCOPE:
            return list(_of([span.origin.scope], name))
        case Place.EVENT:
            names = [event.name for event in span.events] if name == "name" else []
            return names + list(_of([event.attributes for event in span.events], name))
        case Place.LINK:
            return list(_of([link.attributes for link in span.links], name))
        case _:
            return list(_of([span.attributes, span.origin.resource, span.origin.scope], name))


def _holds(field: Field, value: str) -> bool:
    if field.op in _ORDERS:
        try:
            return bool(_ORDERS[field.op](float(value), field.number))
        except ValueError:
            return False
    if field.op is Op.REGEX:
        return re2.fullmatch(field.value, value) is not None
    return field.value in value if field.op is Op.CONTAINS else value == field.value


def meets(condition: Tree, span: Span) -> bool:
    """Return whether a span meets a condition."""
    match condition:
        case All():
            return True
        case And():
            return all(meets(part, span) for part in condition.parts)
        case Or():
            return any(meets(part, span) for part in condition.parts)
        case Not():
            return not meets(condition.part, span)
        case Field():
            return any(_holds(condition, value) for value in _values(span, condition.name, condition.place))
        case Has():
            return any(_values(span, condition.name, condition.place))
        case Origins():
            return span.origin.id in condition.ids
        case _:
            raise AssertionError(condition)
