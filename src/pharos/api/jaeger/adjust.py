"""Traces as Jaeger shows them by default: what cannot be as it was sent is put right, with a word about it.

The steps and their order are those of Jaeger 2 (its standard adjusters): spans that share an id between
client and server get ids of their own, spans that came twice are shown once, clocks that differ are told of,
numeric addresses are written with dots, what an SDK says of itself goes to the process, links to nowhere go.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from pharos.gotext.durations import format_go_duration
from pharos.ingest.jaeger.spans import WARNINGS
from pharos.query.events.rows import Attribute, Attributes, Origin, Span, ValueKind

_CLIENT, _SERVER = 3, 2
_LIBRARY: Final = frozenset(
    {
        "telemetry.sdk.language",
        "telemetry.sdk.name",
        "telemetry.sdk.version",
        "telemetry.distro.name",
        "telemetry.distro.version",
    }
)
_ADDRESSES: Final = frozenset({"ip", "peer.ipv4"})
_NUMBERS: Final = frozenset({ValueKind.INTEGER, ValueKind.DOUBLE})
_SHORTENED: Final = "Negative duration detected, sanitizing end timestamp."
_ZERO_TRACE: Final = "0" * 32
_NS_PER_US: Final = 1_000


class ShownSpan(Struct, frozen=True):
    """A span as it is shown, and what is to be said of it."""

    span: Span
    warnings: tuple[str, ...] = ()

    def warned(self, *texts: str) -> ShownSpan:
        """Return it with more warnings."""
        return replace(self, warnings=self.warnings + texts) if texts else self


class _Node(Struct):
    index: int
    children: list[_Node] = field(default_factory=list)


def stored(spans: Iterable[Span]) -> list[ShownSpan]:
    """Return spans as they are stored; one that ends before it begins becomes the shortest that there is."""
    return [_lasting(span) for span in spans]


def adjusted(spans: Iterable[Span]) -> list[ShownSpan]:
    """Return the spans of one trace as Jaeger shows them by default."""
    shown = _without_repeats(_with_own_ids(stored(spans)))
    dotted = [_with_addresses(one) for one in _with_skew(shown)]
    return [_without_empty_links(one) for one in _with_library(dotted)]


def _lasting(span: Span) -> ShownSpan:
    shown = _with_told_warnings(span)
    if span.end_ns > span.start_ns:
        return shown
    return replace(shown, span=replace(shown.span, end_ns=span.start_ns + 1)).warned(_SHORTENED)


def _with_told_warnings(span: Span) -> ShownSpan:
    """Take what a sender said was wrong out of the attribute that keeps it."""
    told = [value for key, value, kind in span.attributes if key == WARNINGS and kind is ValueKind.ARRAY]
    if not told:
        return ShownSpan(span)
    kept = tuple(one for one in span.attributes if one[0] != WARNINGS or one[2] is not ValueKind.ARRAY)
    texts = [one if isinstance(one, str) else json.dumps(one) for value in told for one in json.loads(value)]
    return ShownSpan(replace(span, attributes=kept), tuple(texts))


def _with_own_ids(shown: Sequence[ShownSpan]) -> list[ShownSpan]:
    """Give server spans an id of their own where a client has the same, as Zipkin's senders do it."""
    clients = {one.span.span_id for one in shown if one.span.kind == _CLIENT}
    taken = {one.span.span_id for one in shown}
    renamed: dict[str, str] = {}
    last = 0
    found: list[ShownSpan] = []
    for one in shown:
        span = one.span
        if span.kind == _SERVER and span.span_id in clients:
            last += 1
            while f"{last:016x}" in taken:
                last += 1
            renamed[span.span_id] = f"{last:016x}"
            one = replace(one, span=replace(span, parent_id=span.span_id, span_id=f"{last:016x}"))
        found.append(one)
    if not renamed:
        return found
    return [_below(one, renamed.get(one.span.parent_id, "")) for one in found]


def _below(one: ShownSpan, parent: str) -> ShownSpan:
    if not parent or parent == one.span.span_id:
        return one
    return replace(one, span=replace(one.span, parent_id=parent))


def _without_repeats(shown: Iterable[ShownSpan]) -> list[ShownSpan]:
    """Leave out spans that are the same as one before, whatever the order of their attributes."""
    shown = list(shown)
    often = Counter(one.span.span_id for one in shown)
    seen: set[Span] = set()
    found: list[ShownSpan] = []
    for one in shown:
        span = one.span
        if often[span.span_id] == 1:
            found.append(one)
            continue
        key = replace(
            span,
            attributes=_in_order(span.attributes),
            events=tuple(
                sorted(
                    (replace(event, attributes=_in_order(event.attributes)) for event in span.events),
                    key=lambda event: (event.ts_ns, event.name, event.attributes),
                )
            ),
        )
        if key not in seen:
            seen.add(key)
            found.append(one)
    return found


def _in_order(attributes: Attributes) -> Attributes:
    return tuple(sorted(attributes))


def _host_of(span: Span) -> str:
    resource = {key: value for key, value, _ in span.origin.resource}
    return next((resource[key] for key in ("host.id", "host.ip", "host.name") if key in resource), "")


def _with_skew(shown: Sequence[ShownSpan]) -> list[ShownSpan]:
    """Say where a span does not fit into its parent's time, and which is no child of any span here.

    Times are left as they were sent: Jaeger's own limit of an adjustment is 0 unless it is set otherwise.
    """
    said: list[list[str]] = [[] for _ in shown]
    nodes: dict[str, _Node] = {}
    for index, one in enumerate(shown):
        if one.span.span_id in nodes:
            said[index].append("duplicate span IDs; skipping clock skew adjustment")
        else:
            nodes[one.span.span_id] = _Node(index)
    roots = []
    for node in nodes.values():
        parent_id = shown[node.index].span.parent_id
        parent = nodes.get(parent_id)
        if parent is not None:
            parent.children.append(node)
            continue
        roots.append(node)
        if parent_id:
            said[node.index].append(
                f"parent span ID={parent_id} is not in the trace; skipping clock skew adjustment"
            )
    waiting = [(node, _host_of(shown[node.index].span), 0) for node in roots]
    while waiting:
        node, host, skew_ns = waiting.pop()
        parent_span = shown[node.index].span
        if skew_ns:
            delta = format_go_duration(skew_ns)
            said[node.index].append(
                f"clock skew adjustment disabled; not applying calculated delta of {delta}"
            )
        for child in node.children:
            own = _host_of(shown[child.index].span)
            is_elsewhere = own != host or not own
            skew = _skew_ns(shown[child.index].span, parent_span) if is_elsewhere else skew_ns
            waiting.append((child, own if is_elsewhere else host, skew))
    return [one.warned(*texts) for one, texts in zip(shown, said, strict=True)]


def _skew_ns(child: Span, parent: Span) -> int:
    """Return by how much a child would have to be moved into its parent."""
    length, parent_length = child.end_ns - child.start_ns, parent.end_ns - parent.start_ns
    if length > parent_length:
        return max(parent.start_ns - child.start_ns, 0)
    if child.start_ns >= parent.start_ns and child.end_ns <= parent.end_ns:
        return 0
    return parent.start_ns + (parent_length - length) // 2 - child.start_ns


def _dotted(attributes: Attributes) -> Attributes:
    if not any(key in _ADDRESSES and kind in _NUMBERS for key, _, kind in attributes):
        return attributes
    return tuple(_dotted_one(one) for one in attributes)


def _dotted_one(one: Attribute) -> Attribute:
    key, value, kind = one
    if key not in _ADDRESSES or kind not in _NUMBERS:
        return one
    try:
        number = int(float(value)) if kind is ValueKind.DOUBLE else int(value)
    except (ValueError, OverflowError):
        return one
    return key, str(IPv4Address(number & 0xFFFFFFFF)), ValueKind.TEXT


def _with_addresses(one: ShownSpan) -> ShownSpan:
    span = one.span
    own, resource = _dotted(span.attributes), _dotted(span.origin.resource)
    if own is span.attributes and resource is span.origin.resource:
        return one
    return replace(one, span=replace(span, attributes=own, origin=replace(span.origin, resource=resource)))


def _with_library(shown: Sequence[ShownSpan]) -> list[ShownSpan]:
    """Move what an SDK says of itself from spans to their process, unless that says otherwise."""
    resources: dict[Origin, dict[str, Attribute]] = {}
    moved: list[ShownSpan] = []
    for one in shown:
        if not any(key in _LIBRARY for key, _, _ in one.span.attributes):
            moved.append(one)
            continue
        origin = one.span.origin
        resource = resources.setdefault(origin, {found[0]: found for found in origin.resource})
        kept: list[Attribute] = []
        conflicts: list[str] = []
        for found in one.span.attributes:
            if found[0] not in _LIBRARY:
                kept.append(found)
            elif found[2] is ValueKind.TEXT and resource.setdefault(found[0], found) == found:
                continue
            else:
                kept.append(found)
                conflicts.append(f"conflicting values between Span and Resource for attribute {found[0]}")
        moved.append(replace(one, span=replace(one.span, attributes=tuple(kept))).warned(*conflicts))
    return [_with_resource(one, resources.get(one.span.origin)) for one in moved]


def _with_resource(one: ShownSpan, resource: dict[str, Attribute] | None) -> ShownSpan:
    if resource is None or len(resource) == len(one.span.origin.resource):
        return one
    origin = replace(one.span.origin, resource=tuple(resource.values()))
    return replace(one, span=replace(one.span, origin=origin))


def _without_empty_links(one: ShownSpan) -> ShownSpan:
    links = tuple(link for link in one.span.links if link.trace_id not in {"", _ZERO_TRACE})
    left_out = len(one.span.links) - len(links)
    if not left_out:
        return one
    return replace(one, span=replace(one.span, links=links)).warned(*["Invalid span link removed"] * left_out)
