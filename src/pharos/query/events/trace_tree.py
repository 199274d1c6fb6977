"""A trace as a tree: whose child each span is, and where it stands, whatever senders got wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct, field

from pharos.query.events.rows import Span

_CLIENT: Final = 3
_SERVER: Final = 2


class Node(Struct, eq=False):
    """A span and where it stands. `parent` is None for roots, and for spans whose parent is not there."""

    span: Span
    index: int
    """Its place among the spans as they were given."""
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)
    """By their begin."""
    depth: int = 0
    left: int = 0
    right: int = 0
    """Numbers of a nested set: what lies between is below."""
    is_own_ancestor: bool = False
    """Whether its parent, or that one's and so on, is itself: then it stands without a parent."""

    @property
    def is_orphan(self) -> bool:
        """Whether it names a parent that is not there."""
        return self.parent is None and bool(self.span.parent_id) and not self.is_own_ancestor

    def ancestors(self) -> Iterator[Node]:
        """Yield its parent, the parent's parent and so on."""
        node = self.parent
        while node is not None:
            yield node
            node = node.parent


class TraceTree(Struct, frozen=True):
    """All spans of a trace."""

    nodes: tuple[Node, ...]
    """In the order of a walk: each before its children, those by their begin."""
    roots: tuple[Node, ...]
    """Those without a parent, by their begin; spans whose parent is not there are among them."""
    start_ns: int
    """When its first span began."""
    end_ns: int
    """When its last span ended; never before the start."""

    @property
    def root(self) -> Node | None:
        """The span that began the trace, if it is there: the first that names no parent."""
        return next((node for node in self.roots if not node.span.parent_id), None)


def _by_begin(node: Node) -> tuple[int, int]:
    return node.span.start_ns, node.index


def tree_of(spans: Iterable[Span]) -> TraceTree:
    """Return the tree of a trace's spans, of which there is at least one.

    Of spans that share an id, children belong to the server's, as with Zipkin, which is itself a child of the
    client's. Where spans are each other's ancestors, the first to begin of them has no parent.
    """
    nodes = [Node(span, index) for index, span in enumerate(spans)]
    by_id: dict[str, Node] = {}
    for node in nodes:
        there = by_id.get(node.span.span_id)
        if there is None or (there.span.kind != _SERVER and node.span.kind == _SERVER):
            by_id[node.span.span_id] = node
    clients = {node.span.span_id: node for node in nodes if node.span.kind == _CLIENT}
    for node in nodes:
        shared = clients.get(node.span.span_id)
        if node.span.kind == _SERVER and shared is not None:
            node.parent = shared
            continue
        found = by_id.get(node.span.parent_id) if node.span.parent_id else None
        node.is_own_ancestor = found is node
        node.parent = None if found is node else found
    _cut_circles(nodes)
    for node in sorted(nodes, key=_by_begin):
        if node.parent is not None:
            node.parent.children.append(node)
    roots = sorted((node for node in nodes if node.parent is None), key=_by_begin)
    start_ns = min(node.span.start_ns for node in nodes)
    end_ns = max(start_ns, *(node.span.end_ns for node in nodes))
    return TraceTree(tuple(_walk(roots)), tuple(roots), start_ns, end_ns)


def _cut_circles(nodes: Sequence[Node]) -> None:
    """Take the parent from one span of each circle."""
    ends: set[int] = set()
    for node in sorted(nodes, key=_by_begin):
        path: dict[int, Node] = {}
        at: Node | None = node
        while at is not None and at.index not in ends and at.index not in path:
            path[at.index] = at
            at = at.parent
        if at is not None and at.index in path:
            circle = list(path.values())[list(path).index(at.index) :]
            first = min(circle, key=_by_begin)
            first.parent, first.is_own_ancestor = None, True
        ends.update(path)


def _walk(roots: Sequence[Node]) -> Iterator[Node]:
    """Yield all nodes, each before its children; depth and numbers are set on the way."""
    number = 0
    waiting: list[tuple[Node, bool]] = [(root, False) for root in reversed(roots)]
    while waiting:
        node, is_done = waiting.pop()
        number += 1
        if is_done:
            node.right = number
            continue
        node.left = number
        node.depth = 0 if node.parent is None else node.parent.depth + 1
        waiting.append((node, True))
        waiting.extend((child, False) for child in reversed(node.children))
        yield node
