"""What Jaeger's searches ask for, as a tree of conditions that one span must meet.

A tag's value is text, and is compared with the text of the tag in the span, its scope, resource, events or
links; some tags stand for what a span has by itself (OpenTelemetry's translation to Jaeger).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from pharos.api.jaeger.services import EMPTY_SPAN, SUBSTITUTES, service_of
from pharos.query.events.rows import Origin
from pharos.search.tree import All, And, Field, Op, Or, Origins, Place, Tree
from pharos.search.window import Window

_KINDS: Final = frozenset({"internal", "server", "client", "producer", "consumer"})
_STATUSES: Final = {"OK": "ok", "ERROR": "error"}


def service_filter(service: str, origins: Iterable[Origin]) -> Tree:
    """Return that a span is of a service, which may be one of Jaeger's words for none."""
    if service not in SUBSTITUTES:
        return Field("service", Op.EQUAL, service, Place.OWN)
    return Origins(tuple(one.id for one in origins if service_of(one) == service))


def operation_filter(name: str) -> Tree:
    """Return that a span has this name."""
    return Field("name", Op.EQUAL, "" if name == EMPTY_SPAN else name, Place.OWN)


def tag_filter(key: str, value: str, origins: Sequence[Origin]) -> Tree:
    """Return that a span has this tag, as Jaeger shows it."""
    places = tuple(
        Field(key, Op.EQUAL, value, place)
        for place in (Place.RECORD, Place.RESOURCE, Place.SCOPE, Place.EVENT, Place.LINK)
    )
    own = _own(key, value, origins)
    return Or(places if own is None else (own, *places))


def _own(key: str, value: str, origins: Sequence[Origin]) -> Tree | None:
    match key, value:
        case "error", "true":
            return Field("status", Op.EQUAL, "error", Place.OWN)
        case "span.kind", _ if value in _KINDS:
            return Field("kind", Op.EQUAL, value, Place.OWN)
        case "otel.status_code", _ if value in _STATUSES:
            return Field("status", Op.EQUAL, _STATUSES[value], Place.OWN)
        case "otel.status_description", _ if value:
            return Field("status_message", Op.EQUAL, value, Place.OWN)
        case "w3c.tracestate", _ if value:
            return Field("trace_state", Op.EQUAL, value, Place.OWN)
        case "otel.scope.name", _ if value:
            return Origins(tuple(one.id for one in origins if one.scope_name == value))
        case "otel.scope.version", _ if value:
            return Origins(tuple(one.id for one in origins if one.scope_version == value))
        case "event", _ if value:
            return Field("name", Op.EQUAL, value, Place.EVENT)
        case _:
            return None


def duration_filter(least_ns: int | None, most_ns: int | None) -> Tree:
    """Return that a span is at least and at most so long, both ends included."""
    parts: list[Tree] = []
    if least_ns is not None:
        parts.append(Field("duration", Op.AT_LEAST, f"{least_ns}ns", Place.OWN, least_ns))
    if most_ns is not None:
        parts.append(Field("duration", Op.AT_MOST, f"{most_ns}ns", Place.OWN, most_ns))
    return And(tuple(parts)) if parts else All()


class Search(Struct, frozen=True):
    """What is looked for."""

    service: str
    operation: str
    tags: tuple[tuple[str, str], ...]
    window: Window
    least_ns: int | None
    most_ns: int | None
    limit: int

    def tree(self, origins: Sequence[Origin]) -> Tree:
        """Return what a span must meet."""
        parts = [duration_filter(self.least_ns, self.most_ns)]
        if self.service:
            parts.append(service_filter(self.service, origins))
        if self.operation:
            parts.append(operation_filter(self.operation))
        parts += [tag_filter(key, value, origins) for key, value in self.tags]
        return And(tuple(parts))
